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
	const char *cd_name; /* in /dev, "null" or "net/tun"; NULL: not there */
	mode_t cd_mode;	     /* with S_IFCHR or S_IFBLK */
	gid_t cd_gid;	     /* its owner is root */
	dev_t cd_dev;	     /* the host's number for such a device */
	dev_t cd_minors;     /* how many from there on; 0: one */
	/* See vop_open.  What it does with fp it does in f_ops, f_data. */
	int (*cd_open)(struct lwp *, struct vnode *, int flags, struct file *fp,
	    struct file **fpp);
	/* Make what is open of this number dead.  NULL: EOPNOTSUPP. */
	int (*cd_revoke)(dev_t);
	struct cdev *_Atomic cd_next; /* dev.c */
};

/* makedev of small numbers, as a constant. */
#define DEV_NUMBER(major, minor) ((dev_t)(major) << 8 | (minor))

/* Slaves of pseudo terminals: their first number. */
#define DEV_PTS DEV_NUMBER(136, 0)

/* Make a driver known; it stays for ever.  At boot only. */
void dev_register(struct cdev *);

/*
 * The same later on: it is in every /dev at once.  After an error, too, it is
 * to be removed.  Who removes it may free it when all sections have ended.
 */
int dev_add(struct cdev *);
void dev_remove(struct cdev *);

/*
 * Puts a device into, or takes it out of, every /dev that is there; devfs sets
 * it at boot.
 */
extern int (*dev_show)(const struct cdev *, bool show);

/* The driver of a special file and its number.  ENXIO. */
int dev_find(struct vnode *, const struct cdev **, dev_t *);

/* Call fn with each device, in the order of registration, until it fails. */
int dev_foreach(int (*fn)(const struct cdev *, void *arg), void *arg);

/* Boot: the drivers that are in src/vfs. */
void dev_mem_init(void);
void dev_console_init(void);
void dev_tty_init(void);

/*
 * For a vnode of a special file: open its driver; ENXIO if there is none,
 * EINVAL for O_DIRECT.
 */
int dev_open(struct lwp *, struct vnode *, int flags, struct file *fp,
    struct file **fpp);

#endif /* VFS_DEV_H */
