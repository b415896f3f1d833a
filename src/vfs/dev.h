/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices: what is behind a character or block special file, by its number.
 *
 * A driver registers a struct cdev at boot, in the init function of the part
 * that it belongs to.  The file system devfs shows all of them; a special file
 * in any other file system with the same number opens the same driver.
 */
#ifndef VFS_DEV_H
#define VFS_DEV_H

#include "vfs/vfs.h"

struct cdev {
	const char *cd_name; /* in /dev, "null" or "net/tun" */
	mode_t cd_mode;	     /* with S_IFCHR or S_IFBLK */
	gid_t cd_gid;	     /* its owner is root */
	dev_t cd_dev;	     /* the host's number for such a device */
	/* See vop_open.  What it does with fp it does in f_ops, f_data. */
	int (*cd_open)(struct lwp *, struct vnode *, int flags, struct file *fp,
	    struct file **fpp);
	struct cdev *cd_next; /* dev.c */
};

/* Make a driver known; it stays for ever.  At boot only. */
void dev_register(struct cdev *);

/* Call fn with each device, in the order of registration, until it fails. */
int dev_foreach(int (*fn)(const struct cdev *, void *arg), void *arg);

/* For a vnode of a special file: open its driver; ENXIO if there is none. */
int dev_open(struct lwp *, struct vnode *, int flags, struct file *fp,
    struct file **fpp);

#endif /* VFS_DEV_H */
