/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of sockets in file systems, for src/net.
 */
#ifndef VFS_SOCKNAME_H
#define VFS_SOCKNAME_H

#include "vfs/vfs.h"

/*
 * Make a socket's name, as mknod would; references to it and to its mount.
 * EEXIST and what mknod says.
 */
int sockname_make(
    struct lwp *, const char *path, struct mount **mpp, struct vnode **vpp);

/* Remove it again, if it is still there. */
void sockname_unmake(struct lwp *, const char *path, const struct vnode *);

/*
 * What is found by a path, for somebody who wants to send to it: not
 * referenced.  ECONNREFUSED if it is no socket, EACCES if he must not write to
 * it, and what stat says.
 */
int sockname_find(struct lwp *, const char *path, struct vnode **vpp);

#endif /* VFS_SOCKNAME_H */
