/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changing what a file is like: chmod, chown, utimensat, truncate.
 */
#include "kern/signal.h"
#include "sysproto.h"
#include "vfs/inotify.h"
#include "vfs/memfd.h"

/* The file that a call with dirfd, path and flags is about. */
static int
attr_lookup(
    struct nameidata *nd, struct lwp *l, int dirfd, const char *path, int flags)
{
	if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) != 0)
		return EINVAL;
	return namei_user(nd, l, dirfd, path,
	    ((flags & AT_SYMLINK_NOFOLLOW) == 0 ? NAMEI_FOLLOW : 0) |
		((flags & AT_EMPTY_PATH) != 0 ? NAMEI_EMPTY : 0));
}

/*
 * Flags of the file that forbid all of this; not for utimes to now.  And
 * EOVERFLOW if it has and keeps an id that the mount does not show; mask is
 * what is to be changed.
 */
static int
vnode_mutable(const struct mount *mp, const struct vnode *vp, uint32_t mask)
{
	if ((vnode_mode(vp) & (V_APPEND | V_IMMUTABLE)) != 0)
		return EPERM;
	if (((mask & VA_UID) == 0 && mount_uid(mp, vnode_uid(vp)) == ID_NONE) ||
	    ((mask & VA_GID) == 0 && mount_gid(mp, vnode_gid(vp)) == ID_NONE))
		return EOVERFLOW;
	return 0;
}

static int
vnode_setattr(struct vnode *vp, const struct vattr *va)
{
	bool leads =
	    vnode_isdir(vp) && (va->va_mask & (VA_MODE | VA_UID | VA_GID)) != 0;
	int error;

	KASSERT(rw_write_held(&vp->v_lock));
	if (vp->v_ops->vop_setattr == NULL)
		return EPERM;
	if (leads)
		vfs_tree_begin();
	error = vp->v_ops->vop_setattr(vp, va);
	if (leads)
		vfs_tree_end();
	return error;
}

static int
vnode_chmod(const struct mount *mp, struct vnode *vp, const struct cred *cr,
    mode_t mode)
{
	struct vattr va = {.va_mask = VA_MODE, .va_mode = mode & 07777};
	int error;

	if ((error = mount_writable(mp)) != 0)
		return error;
	if (S_ISLNK(vnode_mode(vp)))
		return EOPNOTSUPP;
	rw_enter_write(&vp->v_lock);
	if ((error = vnode_mutable(mp, vp, VA_MODE)) == 0 &&
	    (error = vnode_owner(mp, vp, cr)) == 0 &&
	    (error = seals_chmod(vp, mode)) == 0) {
		if (!cred_may_setgid(cr, mount_gid(mp, vnode_gid(vp))))
			va.va_mode &= ~(uint32_t)S_ISGID;
		error = vnode_setattr(vp, &va);
	}
	rw_exit_write(&vp->v_lock);
	if (error == 0)
		inotify_changed(vp, IN_ATTRIB);
	return error;
}

int
sys_fchmodat(struct lwp *l, int dirfd, const char *path, mode_t mode, int flags)
{
	struct nameidata nd;
	int error;

	if ((error = attr_lookup(&nd, l, dirfd, path, flags)) != 0)
		return error;
	return vnode_chmod(nd.ni_mount, nd.ni_vp, nd.ni_cred, mode);
}

int
sys_chmod(struct lwp *l, const char *path, mode_t mode)
{
	return sys_fchmodat(l, AT_FDCWD, path, mode, 0);
}

int
sys_lchmod(struct lwp *l, const char *path, mode_t mode)
{
	return sys_fchmodat(l, AT_FDCWD, path, mode, AT_SYMLINK_NOFOLLOW);
}

int
sys_fchmod(struct lwp *l, int fd, mode_t mode)
{
	struct mount *mp;
	struct vnode *vp;
	int error;

	if ((error = fd_vnode_open(l, fd, EINVAL, &mp, &vp)) != 0)
		return error;
	return vnode_chmod(mp, vp, proc_cred(l->l_proc), mode);
}

/*
 * May cr make this change, whose ids are as the mount shows them?  EPERM.
 */
static int
chown_permitted(const struct mount *mp, const struct vnode *vp,
    const struct cred *cr, const struct vattr *va)
{
	bool owner = vnode_owner(mp, vp, cr) == 0;
	gid_t gid = mount_gid(mp, vnode_gid(vp));

	if (cred_is_fsroot(cr))
		return 0;
	if ((va->va_mask & VA_UID) != 0 &&
	    !(owner && va->va_uid == mount_uid(mp, vnode_uid(vp))))
		return EPERM;
	if ((va->va_mask & VA_GID) != 0 &&
	    !(owner && (va->va_gid == gid || cred_groupmember(cr, va->va_gid))))
		return EPERM;
	return (va->va_mask & VA_MODE) != 0 && !owner ? EPERM : 0;
}

/* A file that gets another owner loses the set-id bits, whoever does it. */
static void
chown_mode(const struct mount *mp, const struct vnode *vp,
    const struct cred *cr, struct vattr *va)
{
	uint32_t mode = vnode_mode(vp) & 07777, old = mode;

	if (vnode_isdir(vp))
		return;
	mode &= ~(uint32_t)S_ISUID;
	if ((old & S_IXGRP) != 0 ||
	    !cred_may_setgid(cr, mount_gid(mp, vnode_gid(vp))))
		mode &= ~(uint32_t)S_ISGID;
	if (mode == old)
		return;
	if ((va->va_mask & VA_GID) != 0 && !cred_may_setgid(cr, va->va_gid))
		mode &= ~(uint32_t)S_ISGID;
	va->va_mode = mode;
	va->va_mask |= VA_MODE;
}

/* From the ids that the mount shows to those that the file has. */
static int
chown_store(const struct mount *mp, struct vattr *va)
{
	if (((va->va_mask & VA_UID) != 0 &&
		!mount_storeuid(mp, va->va_uid, &va->va_uid)) ||
	    ((va->va_mask & VA_GID) != 0 &&
		!mount_storegid(mp, va->va_gid, &va->va_gid)))
		return EOVERFLOW;
	return 0;
}

static int
vnode_chown(const struct mount *mp, struct vnode *vp, const struct cred *cr,
    uid_t uid, gid_t gid)
{
	struct vattr va = {.va_uid = uid, .va_gid = gid};
	int error;

	if ((error = mount_writable(mp)) != 0)
		return error;
	va.va_mask =
	    (uid != (uid_t)-1 ? VA_UID : 0) | (gid != (gid_t)-1 ? VA_GID : 0);
	rw_enter_write(&vp->v_lock);
	chown_mode(mp, vp, cr, &va);
	if ((error = vnode_mutable(mp, vp, va.va_mask)) == 0 &&
	    (error = chown_permitted(mp, vp, cr, &va)) == 0 &&
	    (error = chown_store(mp, &va)) == 0)
		error = vnode_setattr(vp, &va);
	rw_exit_write(&vp->v_lock);
	if (error == 0 && va.va_mask != 0)
		inotify_changed(vp, IN_ATTRIB);
	return error;
}

int
sys_fchownat(
    struct lwp *l, int dirfd, const char *path, uid_t uid, gid_t gid, int flags)
{
	struct nameidata nd;
	int error;

	if ((error = attr_lookup(&nd, l, dirfd, path, flags)) != 0)
		return error;
	return vnode_chown(nd.ni_mount, nd.ni_vp, nd.ni_cred, uid, gid);
}

int
sys_chown(struct lwp *l, const char *path, uid_t uid, gid_t gid)
{
	return sys_fchownat(l, AT_FDCWD, path, uid, gid, 0);
}

int
sys_lchown(struct lwp *l, const char *path, uid_t uid, gid_t gid)
{
	return sys_fchownat(l, AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW);
}

int
sys_fchown(struct lwp *l, int fd, uid_t uid, gid_t gid)
{
	struct mount *mp;
	struct vnode *vp;
	int error;

	if ((error = fd_vnode_open(l, fd, EINVAL, &mp, &vp)) != 0)
		return error;
	return vnode_chown(mp, vp, proc_cred(l->l_proc), uid, gid);
}

/*
 * The times that utimensat and futimens are given; now for both without any.
 * *nothing: both are to stay, and nothing else is looked at.
 */
static int
utimes_copyin(
    const struct timespec *utimes, struct timespec ts[2], bool *nothing)
{
	int error;

	ts[0].tv_nsec = ts[1].tv_nsec = UTIME_NOW;
	if (utimes != NULL &&
	    (error = copyin(utimes, ts, 2 * sizeof(ts[0]))) != 0)
		return error;
	*nothing = ts[0].tv_nsec == UTIME_OMIT && ts[1].tv_nsec == UTIME_OMIT;
	return 0;
}

/* One of the two into what vop_setattr is given. */
static int
utimes_one(const struct timespec *ts, const struct timespec *now, uint32_t bit,
    uint32_t *mask, struct timespec *to)
{
	if (ts->tv_nsec == UTIME_OMIT)
		return 0;
	*mask |= bit;
	*to = ts->tv_nsec == UTIME_NOW ? *now : *ts;
	return to->tv_nsec >= 0 && to->tv_nsec < 1000000000 ? 0 : EINVAL;
}

/* touch: both to now, which takes no more than to use the file. */
static int
utimes_permitted(const struct mount *mp, const struct vnode *vp,
    const struct cred *cr, bool touch)
{
	int error;

	if ((vnode_mode(vp) & V_IMMUTABLE) != 0)
		return EPERM;
	if (!touch && (error = vnode_mutable(mp, vp, 0)) != 0)
		return error;
	error = vnode_owner(mp, vp, cr);
	return error != 0 && touch ? vnode_access(mp, vp, cr, W_OK) : error;
}

static int
vnode_utimes(const struct mount *mp, struct vnode *vp, const struct cred *cr,
    const struct timespec ts[2])
{
	bool touch = ts[0].tv_nsec == UTIME_NOW && ts[1].tv_nsec == UTIME_NOW;
	struct vattr va = {.va_mask = 0};
	struct timespec now;
	int error;

	if ((error = mount_writable(mp)) != 0)
		return error;
	vfs_now(&now);
	error = utimes_one(&ts[0], &now, VA_ATIME, &va.va_mask, &va.va_atime);
	if (error == 0)
		error = utimes_one(
		    &ts[1], &now, VA_MTIME, &va.va_mask, &va.va_mtime);
	if (error != 0)
		return error;
	rw_enter_write(&vp->v_lock);
	error = utimes_permitted(mp, vp, cr, touch);
	if (error == 0)
		error = vnode_setattr(vp, &va);
	rw_exit_write(&vp->v_lock);
	if (error == 0)
		inotify_changed(vp, va.va_mask == VA_ATIME   ? IN_ACCESS
				    : va.va_mask == VA_MTIME ? IN_MODIFY
							     : IN_ATTRIB);
	return error;
}

static int
utimes_fd(struct lwp *l, int fd, const struct timespec ts[2])
{
	struct mount *mp;
	struct vnode *vp;
	int error;

	if ((error = fd_vnode_open(l, fd, EINVAL, &mp, &vp)) != 0)
		return error;
	return vnode_utimes(mp, vp, proc_cred(l->l_proc), ts);
}

int
vfs_utimes(struct lwp *l, int dirfd, const char *path,
    const struct timespec ts[2], int flags)
{
	struct nameidata nd;
	int error;

	if (path == NULL && dirfd != AT_FDCWD)
		return flags != 0 ? EINVAL : utimes_fd(l, dirfd, ts);
	if ((error = attr_lookup(&nd, l, dirfd, path, flags)) != 0)
		return error;
	return vnode_utimes(nd.ni_mount, nd.ni_vp, nd.ni_cred, ts);
}

int
sys_utimensat(struct lwp *l, int dirfd, const char *path,
    const struct timespec *times, int flags)
{
	struct timespec ts[2];
	bool nothing;
	int error;

	if ((error = utimes_copyin(times, ts, &nothing)) != 0 || nothing)
		return error;
	return vfs_utimes(l, dirfd, path, ts, flags);
}

int
sys_futimens(struct lwp *l, int fd, const struct timespec *times)
{
	struct timespec ts[2];
	bool nothing;
	int error;

	if (fd < 0)
		return EBADF;
	if ((error = utimes_copyin(times, ts, &nothing)) != 0 || nothing)
		return error;
	return utimes_fd(l, fd, ts);
}

int
sys_truncate(struct lwp *l, const char *path, off_t length)
{
	struct nameidata nd;
	struct vnode *vp;
	int error;

	if (length < 0)
		return EINVAL;
	if ((error = namei_user(&nd, l, AT_FDCWD, path, NAMEI_FOLLOW)) != 0)
		return error;
	vp = nd.ni_vp;
	if (vnode_isdir(vp))
		return EISDIR;
	if (!S_ISREG(vnode_mode(vp)))
		return EINVAL;
	if ((error = mount_writable(nd.ni_mount)) != 0 ||
	    (error = vnode_access(nd.ni_mount, vp, nd.ni_cred, W_OK)) != 0)
		return error;
	if (!vnode_tryhold(vp))
		return ENOENT;
	error = vnode_truncate_path(l, nd.ni_mount, vp, length, false);
	vnode_rele(vp);
	return signal_xfsz(l, error);
}
