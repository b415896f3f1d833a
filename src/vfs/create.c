/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making names: mkdir, mknod, mkfifo, symlink, link.
 */
#include "sysproto.h"
#include "vfs/inotify.h"

/*
 * dvp is locked: may nd's last name be made in it, as a directory or not?
 */
static int
create_check(const struct nameidata *nd, bool isdir)
{
	struct vnode *dvp = nd->ni_dvp, *vp;
	int error;

	KASSERT(rw_write_held(&dvp->v_lock));
	if (vnode_isdead(dvp))
		return ENOENT;
	if ((error = cname_check(&nd->ni_cn, dvp)) != 0)
		return error;
	error = dvp->v_ops->vop_lookup(dvp, &nd->ni_cn, &vp);
	if (error != ENOENT)
		return error == 0 ? EEXIST : error;
	if (nd->ni_slash && !isdir)
		return ENOENT;
	return 0;
}

/* The same where it will not be made, for which `error' is a reason. */
static __attribute__((noinline)) int
create_refused(const struct nameidata *nd, bool isdir, int error)
{
	int first = create_check(nd, isdir);

	return first != 0 ? first : error;
}

/* A device is for root to make, but for the one that Linux calls a whiteout. */
static int
device_check(const struct vattr *va, const struct cred *cr)
{
	if (S_ISBLK(va->va_mode) || (S_ISCHR(va->va_mode) && va->va_rdev != 0))
		return cred_is_fsroot(cr) ? 0 : EPERM;
	return 0;
}

/* May what va describes be made in nd's directory?  Complete va. */
static int
create_permitted(const struct nameidata *nd, struct vattr *va)
{
	struct vnode *dvp = nd->ni_dvp;
	int error;

	if ((error = mount_writable(nd->ni_dmount)) != 0 ||
	    (error = dir_may_create(nd->ni_dmount, dvp, nd->ni_cred)) != 0 ||
	    (error = device_check(va, nd->ni_cred)) != 0 ||
	    (error = vattr_new(
		 va, nd->ni_dmount, dvp, nd->ni_lwp, nd->ni_cred)) != 0)
		return error;
	return dvp->v_ops->vop_create == NULL ? EPERM : 0;
}

int
vnode_create(struct nameidata *nd, struct vattr *va, struct vnode **vpp)
{
	struct vnode *dvp = nd->ni_dvp;
	bool isdir = S_ISDIR(va->va_mode);
	int error;

	rw_enter_write(&dvp->v_lock);
	if (unlikely(nd->ni_slash && !isdir))
		error = ENOENT;
	else if (likely((error = cname_check(&nd->ni_cn, dvp)) == 0))
		error = create_permitted(nd, va);
	/* That it is there comes first, which vop_create says otherwise. */
	if (unlikely(error != 0))
		error = create_refused(nd, isdir, error);
	else
		error = dvp->v_ops->vop_create(dvp, &nd->ni_cn, va, vpp);
	if (error != 0)
		goto out;
	inotify_name(dvp, &nd->ni_cn, *vpp);
	inotify_entry(dvp, &nd->ni_cn, IN_CREATE, isdir, 0);
out:
	rw_exit_write(&dvp->v_lock);
	return error;
}

/* The path of a call names something new, which va describes. */
static int
create_at(struct lwp *l, int dirfd, const char *path, struct vattr *va)
{
	struct nameidata nd;
	struct vnode *vp;
	int error;

	namei_init(&nd, l, dirfd, 0);
	if ((error = namei_copyin(&nd, path)) != 0 ||
	    (error = namei_parent(&nd)) != 0)
		return error;
	if (nd.ni_last != LAST_NORM)
		return EEXIST;
	namei_prefetch(&nd);
	return vnode_create(&nd, va, &vp);
}

int
sys_mkdirat(struct lwp *l, int dirfd, const char *path, mode_t mode)
{
	struct vattr va = {.va_mode = S_IFDIR | (mode & (S_ISVTX | 0777))};

	return create_at(l, dirfd, path, &va);
}

int
sys_mkdir(struct lwp *l, const char *path, mode_t mode)
{
	return sys_mkdirat(l, AT_FDCWD, path, mode);
}

int
sys_mknodat(struct lwp *l, int dirfd, const char *path, mode_t mode, dev_t dev)
{
	struct vattr va = {.va_mode = mode & (S_IFMT | 07777)};

	switch (mode & S_IFMT) {
	case 0:
		va.va_mode |= S_IFREG;
		break;
	case S_IFREG:
	case S_IFIFO:
	case S_IFSOCK:
		break;
	case S_IFCHR:
	case S_IFBLK:
		va.va_rdev = dev;
		break;
	case S_IFDIR:
		return EPERM;
	default:
		return EINVAL;
	}
	return create_at(l, dirfd, path, &va);
}

int
sys_mknod(struct lwp *l, const char *path, mode_t mode, dev_t dev)
{
	return sys_mknodat(l, AT_FDCWD, path, mode, dev);
}

int
sys_mkfifoat(struct lwp *l, int dirfd, const char *path, mode_t mode)
{
	return sys_mknodat(l, dirfd, path, S_IFIFO | (mode & 07777), 0);
}

int
sys_mkfifo(struct lwp *l, const char *path, mode_t mode)
{
	return sys_mkfifoat(l, AT_FDCWD, path, mode);
}

int
sys_symlinkat(struct lwp *l, const char *target, int dirfd, const char *path)
{
	struct vattr va = {.va_mode = S_IFLNK | 0777};
	char text[PATH_MAX];
	int error;

	error = copyinstr(target, text, sizeof(text), &va.va_targetlen);
	if (error != 0)
		return error;
	if (va.va_targetlen == 0)
		return ENOENT;
	va.va_target = text;
	return create_at(l, dirfd, path, &va);
}

int
sys_symlink(struct lwp *l, const char *target, const char *path)
{
	return sys_symlinkat(l, target, AT_FDCWD, path);
}

/*
 * What a descriptor names gets a name; for linkat with AT_EMPTY_PATH.  Only
 * for who opened it, or root: a descriptor may have come from somebody else.
 */
static int
link_source_fd(struct nameidata *nd)
{
	struct cred *cr = proc_cred(nd->ni_lwp->l_proc);
	struct file *fp;
	bool mine;
	int error;

	if ((error = fd_getfile(nd->ni_lwp, nd->ni_dirfd, &fp)) != 0)
		return error;
	mine = fp->f_credserial == cr->cr_serial || cred_is_fsroot(cr);
	error = fd_vnode_of(nd->ni_lwp, fp, EXDEV, &nd->ni_mount, &nd->ni_vp);
	return mine ? error : ENOENT;
}

static int
link_source(struct nameidata *nd)
{
	if (nd->ni_path[0] == '\0' && nd->ni_dirfd != AT_FDCWD)
		return link_source_fd(nd);
	return namei(nd);
}

static int
link_locked(struct nameidata *to, struct vnode *vp)
{
	struct vnode *dvp = to->ni_dvp;
	int error;

	KASSERT(rw_write_held(&dvp->v_lock));
	if ((error = dir_may_create(to->ni_dmount, dvp, to->ni_cred)) != 0)
		return error;
	if (vnode_isdir(vp) || (vnode_mode(vp) & (V_APPEND | V_IMMUTABLE)) != 0)
		return EPERM;
	if (dvp->v_ops->vop_link == NULL)
		return EPERM;
	rw_enter_write(&vp->v_lock);
	error = dvp->v_ops->vop_link(dvp, &to->ni_cn, vp);
	rw_exit_write(&vp->v_lock);
	if (error == 0) {
		inotify_name(dvp, &to->ni_cn, vp);
		inotify_self(vp, IN_ATTRIB, RUMP_NOTE_LINK);
		inotify_entry(dvp, &to->ni_cn, IN_CREATE, false, 0);
	}
	return error;
}

/* Give what `from' found the name that `to' ends in. */
static int
link_vnode(const struct nameidata *from, struct nameidata *to)
{
	struct vnode *dvp = to->ni_dvp;
	int error;

	rw_enter_write(&dvp->v_lock);
	if ((error = create_check(to, false)) == 0) {
		error = mount_writable(to->ni_dmount);
		if (error == 0 && to->ni_dmount != from->ni_mount)
			error = EXDEV;
		if (error == 0)
			error = link_locked(to, from->ni_vp);
	}
	rw_exit_write(&dvp->v_lock);
	return error;
}

int
sys_linkat(struct lwp *l, int dirfd, const char *path, int newdirfd,
    const char *newpath, int flags)
{
	struct nameidata from, to;
	int error;

	if ((flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) != 0)
		return EINVAL;
	namei_init(&from, l, dirfd,
	    ((flags & AT_SYMLINK_FOLLOW) != 0 ? NAMEI_FOLLOW : 0) |
		((flags & AT_EMPTY_PATH) != 0 ? NAMEI_EMPTY : 0));
	namei_init(&to, l, newdirfd, 0);
	if ((error = namei_copyin(&from, path)) != 0 ||
	    (error = link_source(&from)) != 0 ||
	    (error = namei_copyin(&to, newpath)) != 0 ||
	    (error = namei_parent(&to)) != 0)
		return error;
	if (to.ni_last != LAST_NORM)
		return EEXIST;
	return link_vnode(&from, &to);
}

int
sys_link(struct lwp *l, const char *path, const char *newpath)
{
	return sys_linkat(l, AT_FDCWD, path, AT_FDCWD, newpath, 0);
}
