/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looking at files: stat, access, readlink.
 */
#include "sysproto.h"
#include "vfs/vfs_impl.h"

/* These say how fresh a remote file's attributes must be. */
#define AT_SYNC_TYPE (AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC)

static int
stat_path(struct lwp *l, int dirfd, const char *path, struct stat *usb,
    unsigned wanted)
{
	struct nameidata nd;
	struct stat sb;
	int error;

	if ((error = namei_user(&nd, l, dirfd, path, wanted)) != 0)
		return error;
	if ((error = vnode_stat(nd.ni_mount, nd.ni_vp, &sb)) != 0)
		return error;
	return copyout(&sb, usb, sizeof(sb));
}

int
sys_stat(struct lwp *l, const char *path, struct stat *sb)
{
	return stat_path(l, AT_FDCWD, path, sb, NAMEI_FOLLOW);
}

int
sys_lstat(struct lwp *l, const char *path, struct stat *sb)
{
	return stat_path(l, AT_FDCWD, path, sb, 0);
}

int
path_isempty(const char *path, bool *empty)
{
	char c = '\0';
	int error = path == NULL ? 0 : copyin(path, &c, 1);

	*empty = c == '\0';
	return error;
}

int
sys_fstatat(
    struct lwp *l, int dirfd, const char *path, struct stat *sb, int flags)
{
	unsigned wanted = (flags & AT_SYMLINK_NOFOLLOW) == 0 ? NAMEI_FOLLOW : 0;
	bool empty;
	int error;

	if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH |
			 AT_SYNC_TYPE)) != 0)
		return EINVAL;
	if ((flags & AT_EMPTY_PATH) == 0)
		return stat_path(l, dirfd, path, sb, wanted);
	if ((error = path_isempty(path, &empty)) != 0)
		return error;
	if (empty && dirfd != AT_FDCWD)
		return sys_fstat(l, dirfd, sb);
	return stat_path(l, dirfd, empty ? "" : path, sb, wanted | NAMEI_EMPTY);
}

/* access asks for the real ids, but a credential's rights are its file ids'. */
static int
cred_real(const struct cred *cr, struct cred **crp)
{
	return cred_alloc(
	    cr->cr_ruid, cr->cr_rgid, cr->cr_ngroups, cr->cr_groups, crp);
}

static int
access_path(struct nameidata *nd, const char *path, int mode)
{
	uint32_t type;
	int error;

	if ((error = namei_copyin(nd, path)) != 0 || (error = namei(nd)) != 0)
		return error;
	type = vnode_type(nd->ni_vp);
	if ((mode & X_OK) != 0 && S_ISREG(type) &&
	    (mount_flags(nd->ni_mount) & MNT_NOEXEC) != 0)
		return EACCES;
	error =
	    vnode_access(nd->ni_mount, nd->ni_vp, nd->ni_cred, (unsigned)mode);
	if (error != 0 || (mode & W_OK) == 0)
		return error;
	return S_ISREG(type) || S_ISDIR(type) || S_ISLNK(type)
		   ? mount_writable(nd->ni_mount)
		   : 0;
}

int
sys_faccessat(struct lwp *l, int dirfd, const char *path, int mode, int flags)
{
	const struct cred *cr = proc_cred(l->l_proc);
	struct cred *real = NULL;
	struct nameidata nd;
	int error;

	if ((mode & ~(R_OK | W_OK | X_OK)) != 0 ||
	    (flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) != 0)
		return EINVAL;
	namei_init(&nd, l, dirfd,
	    ((flags & AT_SYMLINK_NOFOLLOW) == 0 ? NAMEI_FOLLOW : 0) |
		((flags & AT_EMPTY_PATH) != 0 ? NAMEI_EMPTY : 0));
	if ((flags & AT_EACCESS) == 0 &&
	    (cr->cr_ruid != cr->cr_fsuid || cr->cr_rgid != cr->cr_fsgid)) {
		if ((error = cred_real(cr, &real)) != 0)
			return error;
		nd.ni_cred = real;
	}
	error = access_path(&nd, path, mode);
	if (real != NULL)
		cred_rele(real);
	return error;
}

int
sys_faccessat2(struct lwp *l, int dirfd, const char *path, int mode, int flags)
{
	return sys_faccessat(l, dirfd, path, mode, flags);
}

int
sys_access(struct lwp *l, const char *path, int mode)
{
	return sys_faccessat(l, AT_FDCWD, path, mode, 0);
}

int
sys_readlinkat(struct lwp *l, int dirfd, const char *path, char *buf,
    size_t len, ssize_t *retval)
{
	struct nameidata nd;
	struct vnode *vp;
	const char *text;
	size_t n;
	int error;

	/* As on the host, where it is an int. */
	if ((int)len <= 0)
		return EINVAL;
	error = namei_user(&nd, l, dirfd, path, NAMEI_EMPTY);
	if (error != 0)
		return error;
	vp = nd.ni_vp;
	if (!S_ISLNK(vnode_mode(vp)))
		return nd.ni_path[0] == '\0' ? ENOENT : EINVAL;
	vnode_accessed(nd.ni_mount, vp);
	if ((error = vp->v_ops->vop_readlink(vp, &text, &n)) != 0)
		return error;
	if (n > len)
		n = len;
	*retval = (ssize_t)n;
	return copyout(text, buf, n);
}

int
sys_readlink(
    struct lwp *l, const char *path, char *buf, size_t len, ssize_t *retval)
{
	return sys_readlinkat(l, AT_FDCWD, path, buf, len, retval);
}
