/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Regular files: reading and writing go straight between the host's file and
 * the caller's memory.
 *
 * v_lock is held by writers, so that two of them in the kernel do not mix and
 * none goes beyond its limit.
 */
#include <linux/falloc.h>

#include "fs/hostfs/hostfs.h"

/* What will be asked of the host later is found out now. */
static int
hostfs_vop_open(struct lwp *l, struct vnode *vp, int flags, struct file *fp,
    struct file **fpp)
{
	struct hostfs_node *hn = vp_to_hn(vp);
	int access = flags & O_ACCMODE, fd, error;

	(void)l, (void)fp, (void)fpp;
	if (access == O_RDONLY || access == O_RDWR) {
		if ((error = hostfs_get(hn, HF_READ, &fd)) != 0)
			return error;
		hostfs_put(hn, HF_READ);
	}
	if (access == O_WRONLY || access == O_RDWR) {
		if ((error = hostfs_get(hn, HF_WRITE, &fd)) != 0)
			return error;
		hostfs_put(hn, HF_WRITE);
	}
	return 0;
}

static int
hostfs_read(struct vnode *vp, off_t *offp, struct uio *u)
{
	struct hostfs_node *hn = vp_to_hn(vp);
	size_t done;
	int fd, error;

	if ((error = hostfs_get(hn, HF_READ, &fd)) != 0)
		return error;
	error = uio_hostfile(u, fd, *offp, u->uio_resid, false, &done);
	hostfs_put(hn, HF_READ);
	*offp += (off_t)done;
	return error;
}

/*
 * Somebody writes: bits of the mode go, which the host would leave if its
 * process has rights that the writer here has not.
 */
static void
file_written(struct hostfs_node *hn, int fd, const struct vwrite *vw)
{
	struct vnode *vp = hn_vnode(hn);
	uint32_t mode = vnode_mode_written(vp, vw);

	KASSERT(rw_write_held(&vp->v_lock));
	if (mode == vnode_mode(vp))
		return;
	/* Where we may not do it the host does. */
	if (hyper_file_chmod(fd, mode & 07777) == 0)
		atomic_store_explicit(&vp->v_mode, mode, memory_order_relaxed);
}

static int
write_locked(struct hostfs_node *hn, int fd, off_t *offp, struct uio *u,
    const struct vwrite *vw)
{
	off_t off = *offp;
	size_t most = u->uio_resid, done;
	struct hyper_stat hs;
	int error;

	if (vw->vw_append) {
		if ((error = hyper_file_stat(fd, "", &hs)) != 0)
			return error;
		off = hs.hs_stat.st_size;
	}
	if (off >= vw->vw_limit)
		return EFBIG;
	if (most > (uint64_t)(vw->vw_limit - off))
		most = (size_t)(vw->vw_limit - off);
	file_written(hn, fd, vw);
	error = uio_hostfile(u, fd, off, most, vw->vw_append, &done);
	*offp = off + (off_t)done;
	return error;
}

static int
hostfs_write(
    struct vnode *vp, off_t *offp, struct uio *u, const struct vwrite *vw)
{
	struct hostfs_node *hn = vp_to_hn(vp);
	int fd, error;

	rw_enter_write(&vp->v_lock);
	if ((error = hostfs_get(hn, HF_WRITE, &fd)) == 0) {
		error = write_locked(hn, fd, offp, u, vw);
		hostfs_put(hn, HF_WRITE);
	}
	rw_exit_write(&vp->v_lock);
	return error;
}

static int
truncate_locked(struct hostfs_node *hn, int fd, off_t length,
    const struct vwrite *vw, bool always)
{
	struct hyper_stat hs;
	int error;

	if ((error = hyper_file_stat(fd, "", &hs)) != 0)
		return error;
	if (length > hs.hs_stat.st_size && length > vw->vw_limit)
		return EFBIG;
	file_written(hn, fd, vw);
	return always ? hyper_file_truncate(fd, length)
		      : hyper_file_truncate_path(fd, length);
}

static int
hostfs_truncate(
    struct vnode *vp, off_t length, const struct vwrite *vw, bool always)
{
	struct hostfs_node *hn = vp_to_hn(vp);
	int fd, error;

	rw_enter_write(&vp->v_lock);
	if ((error = hostfs_get(hn, HF_WRITE, &fd)) == 0) {
		error = truncate_locked(hn, fd, length, vw, always);
		hostfs_put(hn, HF_WRITE);
	}
	rw_exit_write(&vp->v_lock);
	return error;
}

/* Would it be longer than it may be? */
static int
fallocate_limit(int fd, int mode, off_t off, off_t len, const struct vwrite *vw)
{
	struct hyper_stat hs;
	off_t end;
	int error;

	if ((error = hyper_file_stat(fd, "", &hs)) != 0)
		return error;
	if ((mode & FALLOC_FL_INSERT_RANGE) != 0)
		off = hs.hs_stat.st_size;
	else if ((mode & (FALLOC_FL_KEEP_SIZE | FALLOC_FL_COLLAPSE_RANGE)) != 0)
		return 0;
	/* No file is so long: the host says what it makes of that. */
	if (__builtin_add_overflow(off, len, &end))
		return 0;
	return end > hs.hs_stat.st_size && end > vw->vw_limit ? EFBIG : 0;
}

static int
hostfs_fallocate(
    struct vnode *vp, int mode, off_t off, off_t len, const struct vwrite *vw)
{
	struct hostfs_node *hn = vp_to_hn(vp);
	int fd, error;

	rw_enter_write(&vp->v_lock);
	if ((error = hostfs_get(hn, HF_WRITE, &fd)) == 0) {
		error = fallocate_limit(fd, mode, off, len, vw);
		/* A mode that the host's file system does not know. */
		if (error == 0 &&
		    (error = hyper_file_fallocate(fd, mode, off, len)) == 0)
			file_written(hn, fd, vw);
		hostfs_put(hn, HF_WRITE);
	}
	rw_exit_write(&vp->v_lock);
	return error;
}

static int
hostfs_seek(struct vnode *vp, int whence, off_t *offp)
{
	struct hostfs_node *hn = vp_to_hn(vp);
	enum hostfs_kind kind;
	int fd, error;

	if ((error = hostfs_get_data(hn, &kind, &fd)) != 0)
		return error;
	error = hyper_file_seek(fd, whence, offp);
	hostfs_put(hn, kind);
	return error;
}

static int
hostfs_fsync(struct vnode *vp, bool dataonly)
{
	struct hostfs_node *hn = vp_to_hn(vp);
	enum hostfs_kind kind;
	int fd, error;

	if ((error = hostfs_get_data(hn, &kind, &fd)) != 0)
		return error;
	error = hyper_file_sync(fd, dataonly);
	hostfs_put(hn, kind);
	return error;
}

static int
hostfs_hostfile(struct vnode *vp, bool write, int *fdp)
{
	struct hostfs_node *hn = vp_to_hn(vp);
	int fd, error;

	/* The host does not execute what is open to be written to. */
	if (vnode_isexecuted(vp))
		hostfs_drop(hn, HF_WRITE);
	if ((error = hostfs_get(hn, HF_PATH, &fd)) != 0)
		return error;
	error = hostfs_reopen(fd, write ? O_RDWR : O_RDONLY, fdp);
	hostfs_put(hn, HF_PATH);
	return error;
}

const struct vnodeops hostfs_regops = {
    .vop_open = hostfs_vop_open,
    .vop_read = hostfs_read,
    .vop_write = hostfs_write,
    .vop_truncate = hostfs_truncate,
    .vop_fallocate = hostfs_fallocate,
    .vop_seek = hostfs_seek,
    .vop_hostfile = hostfs_hostfile,
    .vop_fsync = hostfs_fsync,
    .vop_refresh = hostfs_vop_refresh,
    .vop_getattr = hostfs_getattr,
    .vop_setattr = hostfs_setattr,
    .vop_getxattr = hostfs_getxattr,
    .vop_setxattr = hostfs_setxattr,
    .vop_listxattr = hostfs_listxattr,
    .vop_reclaim = hostfs_reclaim,
};
