/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who may do what with a vnode that is seen through a mount.
 *
 * Ids are compared as the mount shows them.  Whether the mount can be written
 * to at all is asked apart (mount_writable), because its place in the order
 * of checks differs from call to call.
 */
#include <rump/rump_mount.h>

#include "vfs/acl.h"

int
vnode_access_slow(const struct mount *mp, const struct vnode *vp,
    const struct cred *cr, unsigned want)
{
	uint32_t mode = vnode_mode(vp), bits;

	if ((want & W_OK) != 0 && unlikely((mode & V_IMMUTABLE) != 0))
		return EPERM;
	if ((want & W_OK) != 0 && unlikely(!mount_hasids(mp, vp)))
		return EACCES;
	if (cr->cr_fsuid == mount_uid(mp, vnode_uid(vp)))
		bits = mode >> 6;
	else if (unlikely((mode & V_ACL) != 0) && (mode & 070) != 0)
		bits = acl_permits(mp, vp, cr, want) ? want : 0;
	else if (cred_groupmember(cr, mount_gid(mp, vnode_gid(vp))))
		bits = mode >> 3;
	else
		bits = mode;
	if ((want & ~bits) == 0)
		return 0;
	/* Root may do anything but execute what nobody can. */
	if (cred_is_fsroot(cr) && mount_hasids(mp, vp) &&
	    ((want & X_OK) == 0 || S_ISDIR(mode) || (mode & 0111) != 0))
		return 0;
	return EACCES;
}

int
vnode_owner(
    const struct mount *mp, const struct vnode *vp, const struct cred *cr)
{
	return cr->cr_fsuid == mount_uid(mp, vnode_uid(vp)) ||
		       (cred_is_fsroot(cr) && mount_hasids(mp, vp))
		   ? 0
		   : EPERM;
}

bool
cred_may_setgid(const struct cred *cr, gid_t gid)
{
	return cred_is_fsroot(cr) || cred_groupmember(cr, gid);
}

int
mount_writable(const struct mount *mp)
{
	return (mount_flags(mp) & MNT_RDONLY) != 0 ? EROFS : 0;
}

int
dir_may_create(
    const struct mount *mp, const struct vnode *dvp, const struct cred *cr)
{
	uint32_t id;

	if (vnode_isdead(dvp))
		return ENOENT;
	if (!mount_storeuid(mp, cr->cr_fsuid, &id) ||
	    !mount_storegid(mp, cr->cr_fsgid, &id))
		return EOVERFLOW;
	return vnode_access(mp, dvp, cr, W_OK | X_OK);
}

int
dir_may_remove(const struct mount *mp, const struct vnode *dvp,
    const struct vnode *vp, const struct cred *cr, bool isdir)
{
	uint32_t dmode = vnode_mode(dvp), mode = vnode_mode(vp);
	int error;

	if (unlikely(!mount_hasids(mp, vp)))
		return EOVERFLOW;
	if ((error = vnode_access(mp, dvp, cr, W_OK | X_OK)) != 0)
		return error;
	if (unlikely((dmode & (V_APPEND | S_ISVTX)) != 0)) {
		if ((dmode & V_APPEND) != 0)
			return EPERM;
		if (vnode_owner(mp, vp, cr) != 0 &&
		    vnode_owner(mp, dvp, cr) != 0)
			return EPERM;
	}
	if ((mode & (V_APPEND | V_IMMUTABLE)) != 0)
		return EPERM;
	if (isdir != S_ISDIR(mode))
		return isdir ? ENOTDIR : EISDIR;
	return 0;
}

uint32_t
vnode_mode_unset(const struct vnode *vp, const struct vwrite *vw)
{
	const struct cred *cr = vw->vw_cred;
	uint32_t mode = vnode_mode(vp), old = mode;

	if (cred_is_fsroot(cr))
		return mode;
	mode &= ~(uint32_t)S_ISUID;
	/* Without S_IXGRP the bit means something else: keep it for members. */
	if ((old & S_IXGRP) != 0 ||
	    !cred_may_setgid(cr, mount_gid(vw->vw_mount, vnode_gid(vp))))
		mode &= ~(uint32_t)S_ISGID;
	return mode;
}

/* The group and set-group-id bit of a new file in a set-group-id directory. */
static void
vattr_inherit(struct vattr *va, const struct mount *mp, const struct vnode *dvp,
    const struct cred *cr)
{
	va->va_gid = vnode_gid(dvp);
	if (S_ISDIR(va->va_mode))
		va->va_mode |= S_ISGID;
	else if ((va->va_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) &&
		 !cred_may_setgid(cr, mount_gid(mp, va->va_gid)))
		va->va_mode &= ~(uint32_t)S_ISGID;
}

int
vattr_new(struct vattr *va, const struct mount *mp, struct vnode *dvp,
    struct lwp *l, const struct cred *cr)
{
	mode_t mask =
	    atomic_load_explicit(&l->l_proc->p_umask, memory_order_relaxed);

	if (unlikely((vnode_mode(dvp) & V_DEFACL) != 0) &&
	    !S_ISLNK(va->va_mode))
		acl_inherit(va, dvp);
	else if (!S_ISLNK(va->va_mode))
		va->va_mode &= ~mask;
	if (!mount_storeuid(mp, cr->cr_fsuid, &va->va_uid) ||
	    !mount_storegid(mp, cr->cr_fsgid, &va->va_gid))
		return EOVERFLOW;
	if ((vnode_mode(dvp) & S_ISGID) != 0)
		vattr_inherit(va, mp, dvp, cr);
	return 0;
}
