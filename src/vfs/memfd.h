/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Seals of files in memory: what memfd.c decides for writing, truncating and
 * fallocate.  Where a file has none (V_SEALS) nobody need ask.
 */
#ifndef VFS_MEMFD_H
#define VFS_MEMFD_H

#include "vfs/vfs_impl.h"

/* Linux's, which the C library may not have. */
#define SEAL_EXEC	     0x20u
#define MFD_NOEXEC_SEAL_FLAG 0x8u
#define MFD_EXEC_FLAG	     0x10u

/* Where the seals, F_SEAL_SEAL apart, are in v_mode. */
#define V_SEALSHIFT 24

static inline uint32_t
seals_vflags(unsigned seals)
{
	return (uint32_t)seals << V_SEALSHIFT & V_SEALS;
}

/* F_GET_SEALS, F_ADD_SEALS of a regular file.  EINVAL, EPERM. */
int vnode_fcntl_seals(struct file *, int cmd, unsigned seals, int *retval);

/* May len bytes be written at off?  EPERM; *vw says how far. */
int seals_write(struct vnode *, off_t off, size_t len, struct vwrite *vw);

/* May it get this length; may it have room up to `end', or a hole?  EPERM. */
int seals_truncate(struct vnode *, off_t length);
int seals_fallocate(struct vnode *, int mode, off_t end);

static inline bool
vnode_issealed(const struct vnode *vp)
{
	return unlikely((vnode_mode(vp) & V_SEALS) != 0);
}

/* May it get this mode?  EPERM. */
static inline int
seals_chmod(const struct vnode *vp, mode_t mode)
{
	return vnode_issealed(vp) &&
		       (vnode_mode(vp) & seals_vflags(SEAL_EXEC)) != 0 &&
		       ((vnode_mode(vp) ^ mode) & 0111) != 0
		   ? EPERM
		   : 0;
}

#endif /* VFS_MEMFD_H */
