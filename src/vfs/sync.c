/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting until data is safe, and advice about what will be read.
 */
#include "sysproto.h"
#include "vfs/vfs_impl.h"

/* No error is reported, as on the host. */
int
sys_sync(struct lwp *l)
{
	struct mount *mp;
	struct super *sb;
	uint32_t last = 0;

	(void)l;
	while ((mp = mount_nextsync(last)) != NULL) {
		last = mp->mnt_id;
		sb = mp->mnt_super;
		(void)sb->sb_ops->vfs_sync(sb);
		mount_rele(mp);
	}
	return 0;
}

int
sys_syncfs(struct lwp *l, int fd)
{
	struct super *sb;
	struct file *fp;
	int error;

	if ((error = fd_getopen(l, fd, &fp)) != 0)
		return error;
	/* A pipe's has nothing to write back. */
	if (fp->f_vnode != NULL) {
		sb = fp->f_vnode->v_super;
		if (sb->sb_ops->vfs_sync != NULL)
			error = sb->sb_ops->vfs_sync(sb);
	}
	fd_putfile(l, fp);
	return error;
}

/* Regular files, directories and disks can be written back. */
static bool
vnode_syncable(const struct vnode *vp)
{
	return vp != NULL && (S_ISREG(vnode_mode(vp)) || vnode_isdir(vp) ||
				 S_ISBLK(vnode_mode(vp)));
}

static int
do_fsync(struct lwp *l, int fd, bool dataonly, bool writable)
{
	struct vnode *vp;
	struct file *fp;
	int error;

	if ((error = fd_getopen(l, fd, &fp)) != 0)
		return error;
	vp = fp->f_vnode;
	if (writable && !file_writable(fp))
		error = EBADF;
	else if (!vnode_syncable(vp))
		error = EINVAL;
	else if (vp->v_ops->vop_fsync != NULL)
		error = vp->v_ops->vop_fsync(vp, dataonly);
	fd_putfile(l, fp);
	return error;
}

int
sys_fsync(struct lwp *l, int fd)
{
	return do_fsync(l, fd, false, false);
}

int
sys_fdatasync(struct lwp *l, int fd)
{
	return do_fsync(l, fd, true, false);
}

/* More than the range may become safe. */
int
sys_fsync_range(struct lwp *l, int fd, int how, off_t start, off_t length)
{
	int what = how & (RUMP_FDATASYNC | RUMP_FFILESYNC);
	off_t end;

	if ((how & ~(RUMP_FDATASYNC | RUMP_FFILESYNC | RUMP_FDISKSYNC)) != 0 ||
	    (what != RUMP_FDATASYNC && what != RUMP_FFILESYNC) || start < 0 ||
	    length < 0 || __builtin_add_overflow(start, length, &end))
		return EINVAL;
	return do_fsync(l, fd, what == RUMP_FDATASYNC, true);
}

static int
fadvise(struct lwp *l, int fd, off_t len, int advice)
{
	struct file *fp;
	int error;

	if ((error = fd_getopen(l, fd, &fp)) != 0)
		return error;
	if (fp->f_type == DTYPE_PIPE)
		error = ESPIPE;
	else if (len < 0 || advice < POSIX_FADV_NORMAL ||
		 advice > POSIX_FADV_NOREUSE)
		error = EINVAL;
	fd_putfile(l, fp);
	return error;
}

/* The error is the value, as everywhere.  Nothing comes of the advice. */
int
sys_posix_fadvise(
    struct lwp *l, int fd, off_t off, off_t len, int advice, int *retval)
{
	(void)off;
	*retval = fadvise(l, fd, len, advice);
	return 0;
}

int
sys_readahead(struct lwp *l, int fd, off_t off, size_t count, ssize_t *retval)
{
	struct vnode *vp;
	struct file *fp;
	int error;

	(void)off, (void)retval;
	if ((error = fd_getopen(l, fd, &fp)) != 0)
		return error;
	vp = fp->f_vnode;
	if (!file_readable(fp))
		error = EBADF;
	else if (vp == NULL || count > SSIZE_MAX ||
		 (!S_ISREG(vnode_mode(vp)) && !S_ISBLK(vnode_mode(vp))))
		error = EINVAL;
	fd_putfile(l, fp);
	return error;
}
