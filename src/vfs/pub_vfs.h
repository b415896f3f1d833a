/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between pub_vnode.c and pub_vfs.c: what a program holds as a struct vnode.
 */
#ifndef VFS_PUB_VFS_H
#define VFS_PUB_VFS_H

#include "vfs/vfs_impl.h"

struct pub_vnode {
	_Atomic uint32_t pv_refs;
	struct mount *pv_mount;
	struct vnode *pv_vnode;
};

static inline struct pub_vnode *
pub_vnode(struct vnode *vp)
{
	return (struct pub_vnode *)vp;
}

/* A reference for the program to what was found in this section. */
int pub_vnode_make(struct mount *, struct vnode *, struct vnode **pubp);

#endif /* VFS_PUB_VFS_H */
