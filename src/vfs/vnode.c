/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Vnodes: their life, who may do what with them, their times.  The life and
 * the locks are explained in vfs.h.
 */
#include "vfs/vfs_impl.h"

_Static_assert(sizeof(struct vnode) <= 64, "a vnode is one cache line");

void
vnode_init(struct vnode *vp, const struct vnodeops *ops, struct mount *mp,
    const struct vattr *va)
{
	vp->v_ops = ops;
	vp->v_mount = mp;
	atomic_init(&vp->v_mode, va->va_mode);
	atomic_init(&vp->v_uid, va->va_uid);
	atomic_init(&vp->v_gid, va->va_gid);
	atomic_init(&vp->v_count, 1);
	vp->v_lock = (struct krwlock){0};
}

/* The last reference is gone.  Not recursive: a path can be long. */
void
vnode_reclaim(struct vnode *vp)
{
	do
		vp = vp->v_ops->vop_reclaim(vp);
	while (vp != NULL &&
	    atomic_fetch_sub_explicit(&vp->v_count, 1, memory_order_acq_rel) ==
		1);
}

int
vnode_access_slow(
    const struct vnode *vp, const struct cred *cr, unsigned want)
{
	uint32_t mode = vnode_mode(vp), bits;

	if (cr->cr_fsuid == vnode_uid(vp))
		bits = mode >> 6;
	else if (cred_groupmember(cr, vnode_gid(vp)))
		bits = mode >> 3;
	else
		bits = mode;
	if ((want & ~bits) == 0)
		return 0;
	/* Root may do anything but execute what nobody can. */
	if (cred_is_fsroot(cr) &&
	    ((want & X_OK) == 0 || S_ISDIR(mode) || (mode & 0111) != 0))
		return 0;
	return EACCES;
}

int
vnode_owner(const struct vnode *vp, const struct cred *cr)
{
	return cr->cr_fsuid == vnode_uid(vp) || cred_is_fsroot(cr) ? 0 : EPERM;
}

bool
cred_may_setgid(const struct cred *cr, gid_t gid)
{
	return cred_is_fsroot(cr) || cred_groupmember(cr, gid);
}

int
dir_may_create(const struct vnode *dvp, const struct cred *cr)
{
	if (vnode_isdead(dvp))
		return ENOENT;
	return vnode_access(dvp, cr, W_OK | X_OK);
}

int
dir_may_remove(const struct vnode *dvp, const struct vnode *vp,
    const struct cred *cr, bool isdir)
{
	int error;

	if ((error = vnode_access(dvp, cr, W_OK | X_OK)) != 0)
		return error;
	if ((vnode_mode(dvp) & S_ISVTX) != 0 && vnode_owner(vp, cr) != 0 &&
	    vnode_owner(dvp, cr) != 0)
		return EPERM;
	if (isdir && !vnode_isdir(vp))
		return ENOTDIR;
	if (!isdir && vnode_isdir(vp))
		return EISDIR;
	return 0;
}

uint32_t
vnode_mode_written(const struct vnode *vp, const struct cred *cr)
{
	uint32_t mode = vnode_mode(vp), old = mode;

	if (likely((mode & (S_ISUID | S_ISGID)) == 0) || cred_is_fsroot(cr))
		return mode;
	mode &= ~(uint32_t)S_ISUID;
	/* Without S_IXGRP the bit means something else: keep it for members. */
	if ((old & S_IXGRP) != 0 || !cred_may_setgid(cr, vnode_gid(vp)))
		mode &= ~(uint32_t)S_ISGID;
	return mode;
}

void
vattr_new(struct vattr *va, const struct vnode *dvp, struct lwp *l,
    const struct cred *cr, mode_t mode)
{
	mode_t mask = atomic_load_explicit(
	    &l->l_proc->p_umask, memory_order_relaxed);

	if (!S_ISLNK(mode))
		mode &= ~mask;
	va->va_uid = cr->cr_fsuid;
	va->va_gid = cr->cr_fsgid;
	if ((vnode_mode(dvp) & S_ISGID) != 0) {
		va->va_gid = vnode_gid(dvp);
		if (S_ISDIR(mode))
			mode |= S_ISGID;
		else if ((mode & (S_ISGID | S_IXGRP)) ==
			(S_ISGID | S_IXGRP) &&
		    !cred_may_setgid(cr, va->va_gid))
			mode &= ~(mode_t)S_ISGID;
	}
	va->va_mode = mode;
}

void
vnode_stat(struct vnode *vp, struct stat *sb)
{
	memset(sb, 0, sizeof(*sb));
	vp->v_ops->vop_getattr(vp, sb);
	sb->st_dev = vp->v_mount->mnt_dev;
	sb->st_blksize = KPAGE_SIZE;
}

/*
 * Seconds of the last time that anybody asked for: enough to see that a day
 * has gone by, and cheaper than the clock for every read.
 */
static _Atomic int64_t now_seconds; /* relaxed: it orders nothing */

void
vfs_now(struct timespec *ts)
{
	kern_realtime(ts);
	if (atomic_load_explicit(&now_seconds, memory_order_relaxed) !=
	    ts->tv_sec)
		atomic_store_explicit(
		    &now_seconds, ts->tv_sec, memory_order_relaxed);
}

static bool
later(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec
				      : a->tv_nsec > b->tv_nsec;
}

bool
vfs_atime_due(const struct timespec *atime, const struct timespec *mtime,
    const struct timespec *ctime)
{
	const int64_t day = 24 * 60 * 60;

	return !later(atime, mtime) || !later(atime, ctime) ||
	    atomic_load_explicit(&now_seconds, memory_order_relaxed) -
		    atime->tv_sec >=
		day;
}
