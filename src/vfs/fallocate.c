/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making room in files, and holes.
 */
#include <linux/falloc.h>

#include "kern/signal.h"
#include "sysproto.h"
#include "vfs/inotify.h"
#include "vfs/memfd.h"

/* What to do with the range; at most one of them. */
#define FALLOC_WHAT                                         \
	(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_COLLAPSE_RANGE |  \
	    FALLOC_FL_ZERO_RANGE | FALLOC_FL_INSERT_RANGE | \
	    FALLOC_FL_UNSHARE_RANGE)

/* Modes that make sense, with and without FALLOC_FL_KEEP_SIZE. */
static int
falloc_checkmode(int mode)
{
	bool keep = (mode & FALLOC_FL_KEEP_SIZE) != 0;

	switch (mode & ~FALLOC_FL_KEEP_SIZE) {
	case 0:
	case FALLOC_FL_UNSHARE_RANGE:
	case FALLOC_FL_ZERO_RANGE:
		return 0;
	case FALLOC_FL_PUNCH_HOLE:
		return keep ? 0 : EOPNOTSUPP;
	case FALLOC_FL_COLLAPSE_RANGE:
	case FALLOC_FL_INSERT_RANGE:
		return keep ? EOPNOTSUPP : 0;
	default:
		return EOPNOTSUPP;
	}
}

/* What cannot have room made in it. */
static int
falloc_checktype(const struct file *fp)
{
	if (fp->f_type == DTYPE_PIPE)
		return ESPIPE;
	if (fp->f_vnode == NULL)
		return ENODEV;
	switch (vnode_type(fp->f_vnode)) {
	case S_IFREG:
		return 0;
	case S_IFDIR:
		return EISDIR;
	default:
		return ENODEV;
	}
}

static int
falloc_file(struct lwp *l, struct file *fp, int mode, off_t off, off_t len)
{
	struct vwrite vw = vwrite_of(l, fp->f_mount);
	struct vnode *vp = fp->f_vnode;
	uint32_t flags;
	off_t end, before;
	int error;

	if (off < 0 || len <= 0)
		return EINVAL;
	if ((error = falloc_checkmode(mode)) != 0)
		return error;
	if (!file_writable(fp))
		return EBADF;
	flags = vp == NULL ? 0 : vnode_mode(vp);
	if ((flags & V_IMMUTABLE) != 0 ||
	    ((flags & V_APPEND) != 0 && (mode & ~FALLOC_FL_KEEP_SIZE) != 0))
		return EPERM;
	if ((error = falloc_checktype(fp)) != 0)
		return error;
	if (__builtin_add_overflow(off, len, &end))
		return EFBIG;
	if (vp->v_ops->vop_fallocate == NULL)
		return EOPNOTSUPP;
	if (vnode_issealed(vp) && (error = seals_fallocate(vp, mode, end)) != 0)
		return error;
	before = vnode_note_size(vp);
	error = vp->v_ops->vop_fallocate(vp, mode, off, len, &vw);
	if (error == 0) {
		vnode_note_extend(vp, before);
		inotify_used(vp, IN_MODIFY);
	}
	return error;
}

int
sys_fallocate(struct lwp *l, int fd, int mode, off_t off, off_t len)
{
	struct file *fp;
	int error;

	if ((error = fd_getopen(l, fd, &fp)) != 0)
		return error;
	error = falloc_file(l, fp, mode, off, len);
	fd_putfile(l, fp);
	return signal_xfsz(l, error);
}

/* The error is the value, as everywhere. */
int
sys_posix_fallocate(struct lwp *l, int fd, off_t off, off_t len, int *retval)
{
	*retval = sys_fallocate(l, fd, 0, off, len);
	return 0;
}

int
sys_fdiscard(struct lwp *l, int fd, off_t off, off_t len)
{
	return sys_fallocate(
	    l, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, off, len);
}
