/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Vnodes behind descriptors: the fileops of regular files, of directories and
 * of what was opened with O_PATH, and what a fifo's pipe asks its vnode.
 *
 * f_data is the vnode, with a reference.  A fifo's file belongs to the pipe;
 * its vnode is the pipe's owner, with a reference for each open file.
 */
#include <sys/ioctl.h>

#include <unistd.h>

#include "kern/pipe.h"
#include "vfs/vfs_impl.h"

static struct vnode *
file_vnode(const struct file *fp)
{
	return fp->f_type == DTYPE_VNODE ? fp->f_data : fifo_owner(fp);
}

/* The vnode of fp, which is put. */
static int
fd_vnode_of(struct lwp *l, struct file *fp, int notvnode, struct vnode **vpp)
{
	*vpp = file_vnode(fp);
	fd_putfile(l, fp);
	return *vpp != NULL ? 0 : notvnode;
}

int
fd_vnode(struct lwp *l, int fd, int notvnode, struct vnode **vpp)
{
	struct file *fp;
	int error = fd_getfile(l, fd, &fp);

	return error != 0 ? error : fd_vnode_of(l, fp, notvnode, vpp);
}

int
fd_vnode_open(struct lwp *l, int fd, int notvnode, struct vnode **vpp)
{
	struct file *fp;
	int error = fd_getopen(l, fd, &fp);

	return error != 0 ? error : fd_vnode_of(l, fp, notvnode, vpp);
}

static int
vn_read(struct lwp *l, struct file *fp, off_t *offp, struct uio *u)
{
	struct vnode *vp = fp->f_data;
	int error;

	(void)l;
	if (u->uio_resid == 0)
		return 0;
	error = vp->v_ops->vop_read(vp, offp, u);
	if ((file_flags(fp) & O_NOATIME) == 0)
		vp->v_ops->vop_accessed(vp);
	return error;
}

/* What the process's limits say about a write. */
static struct vwrite
vwrite_of(struct lwp *l, bool append)
{
	rlim_t limit = proc_limit(l->l_proc, RLIMIT_FSIZE);

	return (struct vwrite){
	    .vw_cred = proc_cred(l->l_proc),
	    .vw_limit = limit > INT64_MAX ? INT64_MAX : (off_t)limit,
	    .vw_append = append,
	};
}

static int
vn_write(struct lwp *l, struct file *fp, off_t *offp, struct uio *u)
{
	struct vwrite vw = vwrite_of(l, (file_flags(fp) & O_APPEND) != 0);
	struct vnode *vp = fp->f_data;

	if (u->uio_resid == 0)
		return 0;
	return vp->v_ops->vop_write(vp, offp, u, &vw);
}

int
vnode_truncate(struct vnode *vp, struct lwp *l, off_t length, bool always)
{
	struct vwrite vw = vwrite_of(l, false);

	return vp->v_ops->vop_truncate(vp, length, &vw, always);
}

static int
vn_truncate(struct lwp *l, struct file *fp, off_t length)
{
	return vnode_truncate(fp->f_data, l, length, true);
}

static int
vn_stat(struct lwp *l, struct file *fp, struct stat *sb)
{
	(void)l;
	vnode_stat(file_vnode(fp), sb);
	return 0;
}

static off_t
vn_size(struct vnode *vp)
{
	struct stat sb;

	vnode_stat(vp, &sb);
	return sb.st_size;
}

/* Add up an offset; EINVAL if the sum is none. */
static int
offset_add(off_t base, off_t off, off_t *sum)
{
	return __builtin_add_overflow(base, off, sum) || *sum < 0 ? EINVAL : 0;
}

static int
vn_seek(struct lwp *l, struct file *fp, off_t off, int whence, off_t *offp)
{
	struct vnode *vp = fp->f_data;
	int error;

	(void)l;
	switch (whence) {
	case SEEK_SET:
		error = offset_add(0, off, offp);
		break;
	case SEEK_CUR:
		error = offset_add(fp->f_offset, off, offp);
		break;
	case SEEK_END:
		error = offset_add(vn_size(vp), off, offp);
		break;
	case SEEK_DATA:
	case SEEK_HOLE:
		*offp = off;
		error = off < 0 ? ENXIO
				: vp->v_ops->vop_seek(vp, whence, offp);
		break;
	default:
		error = EINVAL;
	}
	if (error == 0)
		fp->f_offset = *offp;
	return error;
}

static int
vn_ioctl(struct lwp *l, struct file *fp, unsigned long cmd, void *data)
{
	bool locked;
	int left;

	if (cmd != FIONREAD)
		return ENOTTY;
	locked = file_enter(l, fp);
	left = (int)(vn_size(fp->f_data) - fp->f_offset);
	file_leave(fp, locked);
	return copyout(&left, data, sizeof(left));
}

static void
vn_close(struct file *fp)
{
	vnode_rele(fp->f_data);
}

const struct fileops vnops_fileops = {
    .fo_read = vn_read,
    .fo_write = vn_write,
    .fo_stat = vn_stat,
    .fo_seek = vn_seek,
    .fo_truncate = vn_truncate,
    .fo_ioctl = vn_ioctl,
    .fo_close = vn_close,
};

static int
dir_rw(struct lwp *l, struct file *fp, off_t *offp, struct uio *u)
{
	(void)l, (void)fp, (void)offp, (void)u;
	return EISDIR;
}

/* A position is what vop_readdir makes of it. */
static int
dir_seek(struct lwp *l, struct file *fp, off_t off, int whence, off_t *offp)
{
	int error;

	(void)l;
	if (whence != SEEK_SET && whence != SEEK_CUR)
		return EINVAL;
	error = offset_add(whence == SEEK_CUR ? fp->f_offset : 0, off, offp);
	if (error == 0)
		fp->f_offset = *offp;
	return error;
}

const struct fileops vnops_dirops = {
    .fo_read = dir_rw,
    .fo_write = dir_rw,
    .fo_stat = vn_stat,
    .fo_seek = dir_seek,
    .fo_close = vn_close,
};

/* The file is named but not open: src/kern lets through what that allows. */
const struct fileops vnops_pathops = {
    .fo_stat = vn_stat,
    .fo_close = vn_close,
};

static void
fifo_vnode_close(struct file *fp)
{
	vnode_rele(fifo_owner(fp));
}

/* For fifo_setowner. */
static const struct fileops fifo_vnodeops = {
    .fo_stat = vn_stat,
    .fo_close = fifo_vnode_close,
};

int
vnode_open_fifo(struct lwp *l, struct vnode *vp, int flags, struct file *fp)
{
	struct pipe *pipe;
	int error;

	if ((error = vp->v_ops->vop_fifo(vp, &pipe)) != 0)
		return error;
	return fifo_open(l, pipe, flags, fp);
}

/* For vop_fifo: a pipe for vp. */
int
vnode_fifo_alloc(struct vnode *vp, struct pipe **pipep)
{
	int error;

	if ((error = fifo_alloc(pipep)) == 0)
		fifo_setowner(*pipep, &fifo_vnodeops, vp);
	return error;
}
