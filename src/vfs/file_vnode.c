/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Vnodes behind descriptors: the fileops of regular files, of directories and
 * of what was opened with O_PATH, and what a fifo's pipe asks its vnode.
 *
 * f_vnode and f_mount are held.  A fifo's file belongs to the pipe, that of a
 * device to its driver.
 */
#include <sys/ioctl.h>

#include <linux/fs.h>
#include <unistd.h>

#include "kern/pipe.h"
#include "kern/remote.h"
#include "vfs/inotify.h"
#include "vfs/lockf.h"
#include "vfs/memfd.h"
#include "vfs/vfs_impl.h"

int
fd_vnode_of(struct lwp *l, struct file *fp, int notvnode, struct mount **mpp,
    struct vnode **vpp)
{
	*mpp = fp->f_mount;
	*vpp = fp->f_vnode;
	fd_putfile(l, fp);
	if (*vpp == NULL)
		return notvnode;
	vnode_refresh(*vpp);
	return 0;
}

int
fd_vnode(
    struct lwp *l, int fd, int notvnode, struct mount **mpp, struct vnode **vpp)
{
	struct file *fp;
	int error = fd_getfile(l, fd, &fp);

	return error != 0 ? error : fd_vnode_of(l, fp, notvnode, mpp, vpp);
}

int
fd_vnode_open(
    struct lwp *l, int fd, int notvnode, struct mount **mpp, struct vnode **vpp)
{
	struct file *fp;
	int error = fd_getopen(l, fd, &fp);

	return error != 0 ? error : fd_vnode_of(l, fp, notvnode, mpp, vpp);
}

static void
vn_accessed(struct file *fp)
{
	if ((file_flags(fp) & O_NOATIME) == 0)
		vnode_accessed(fp->f_mount, fp->f_vnode);
}

static int
vn_read(struct lwp *l, struct file *fp, off_t *offp, struct uio *u)
{
	struct vnode *vp = fp->f_vnode;
	size_t resid;
	int error;

	(void)l;
	if (vnode_watched(vp)) {
		resid = u->uio_resid;
		error = vp->v_ops->vop_read(vp, offp, u);
		if (u->uio_resid != resid)
			inotify_used(vp, IN_ACCESS);
	} else
		error = vp->v_ops->vop_read(vp, offp, u);
	vn_accessed(fp);
	return error;
}

struct vwrite
vwrite_of(struct lwp *l, const struct mount *mp)
{
	rlim_t limit = proc_limit(l->l_proc, RLIMIT_FSIZE);

	return (struct vwrite){
	    .vw_cred = proc_cred(l->l_proc),
	    .vw_mount = mp,
	    .vw_limit = limit > INT64_MAX ? INT64_MAX : (off_t)limit,
	};
}

static bool
write_appends(const struct file *fp, const struct uio *u)
{
	return ((file_flags(fp) & O_APPEND) != 0 &&
		   (u->uio_flags & UIO_NOAPPEND) == 0) ||
	       (u->uio_flags & UIO_APPEND) != 0;
}

/* For O_SYNC and its like: wait until what was written is safe. */
static int
write_sync(const struct file *fp, const struct uio *u)
{
	const uint32_t sync = O_SYNC & ~O_DSYNC;
	struct vnode *vp = fp->f_vnode;
	bool all =
	    (file_flags(fp) & sync) != 0 || (u->uio_flags & UIO_SYNC) != 0;

	if (vp->v_ops->vop_fsync == NULL ||
	    (!all && (file_flags(fp) & O_DSYNC) == 0 &&
		(u->uio_flags & UIO_DSYNC) == 0))
		return 0;
	return vp->v_ops->vop_fsync(vp, !all);
}

/* There is more to be asked of the file, or to be done about the write. */
static __attribute__((noinline)) int
write_special(struct file *fp, off_t *offp, struct uio *u, struct vwrite *vw)
{
	struct vnode *vp = fp->f_vnode;
	size_t resid = u->uio_resid;
	off_t before;
	int error;

	vw->vw_append = write_appends(fp, u);
	if ((u->uio_flags & UIO_NOAPPEND) != 0 &&
	    (vnode_mode(vp) & V_APPEND) != 0)
		return EPERM;
	if (vnode_issealed(vp) &&
	    (error = seals_write(vp, *offp, resid, vw)) != 0)
		return error;
	before = vnode_note_size(vp);
	error = vp->v_ops->vop_write(vp, offp, u, vw);
	if (u->uio_resid != resid) {
		vnode_note_extend(vp, before);
		inotify_used(vp, IN_MODIFY);
	}
	return error != 0 ? error : write_sync(fp, u);
}

static int
vn_write(struct lwp *l, struct file *fp, off_t *offp, struct uio *u)
{
	struct vwrite vw = vwrite_of(l, fp->f_mount);
	struct vnode *vp = fp->f_vnode;

	if (u->uio_resid == 0)
		return 0;
	if (unlikely((vnode_mode(vp) & (V_APPEND | V_SEALS | V_WATCHED)) != 0 ||
		     (file_flags(fp) & (O_APPEND | O_SYNC)) != 0 ||
		     u->uio_flags != 0))
		return write_special(fp, offp, u, &vw);
	return vp->v_ops->vop_write(vp, offp, u, &vw);
}

int
vnode_truncate(struct lwp *l, const struct mount *mp, struct vnode *vp,
    off_t length, bool always)
{
	struct vwrite vw = vwrite_of(l, mp);
	off_t before;
	int error;

	if ((vnode_mode(vp) & (V_APPEND | V_IMMUTABLE)) != 0)
		return EPERM;
	if (vnode_issealed(vp) && (error = seals_truncate(vp, length)) != 0)
		return error;
	before = vnode_note_size(vp);
	error = vp->v_ops->vop_truncate(vp, length, &vw, always);
	if (error == 0) {
		vnode_note_extend(vp, before);
		inotify_changed(vp, IN_MODIFY);
	}
	return error;
}

int
vnode_open_begin(struct vnode *vp, uint64_t n)
{
	int error;

	while (unlikely((error = vnode_trytake(vp, n)) == ETXTBSY))
		if (!remote_ended())
			break;
	return error;
}

int
vnode_write_begin(struct vnode *vp)
{
	while (unlikely(!vnode_use(vp, 1)))
		if (!remote_ended())
			return ETXTBSY;
	return 0;
}

int
vnode_truncate_path(struct lwp *l, const struct mount *mp, struct vnode *vp,
    off_t length, bool always)
{
	int error = vnode_write_begin(vp);

	if (error != 0)
		return error;
	error = vnode_truncate(l, mp, vp, length, always);
	vnode_unuse(vp, 1);
	return error;
}

static int
vn_truncate(struct lwp *l, struct file *fp, off_t length)
{
	return vnode_truncate(l, fp->f_mount, fp->f_vnode, length, true);
}

int
vnode_fo_stat(struct lwp *l, struct file *fp, struct stat *sb)
{
	(void)l;
	return vnode_stat(fp->f_mount, fp->f_vnode, sb);
}

/* Add up an offset; EINVAL if the sum is none. */
static int
offset_add(off_t base, off_t off, off_t *sum)
{
	return __builtin_add_overflow(base, off, sum) || *sum < 0 ? EINVAL : 0;
}

/* Without vop_seek all of the file is data. */
static int
vnode_seek(struct vnode *vp, int whence, off_t *offp)
{
	off_t size;
	int error;

	if (vp->v_ops->vop_seek != NULL)
		return vp->v_ops->vop_seek(vp, whence, offp);
	if ((error = vnode_size(vp, &size)) != 0)
		return error;
	if (*offp >= size)
		return ENXIO;
	if (whence == SEEK_HOLE)
		*offp = size;
	return 0;
}

static int
vn_seek(struct lwp *l, struct file *fp, off_t off, int whence, off_t *offp)
{
	struct vnode *vp = fp->f_vnode;
	off_t size;
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
		if ((error = vnode_size(vp, &size)) == 0)
			error = offset_add(size, off, offp);
		break;
	case SEEK_DATA:
	case SEEK_HOLE:
		*offp = off;
		error = off < 0 ? ENXIO : vnode_seek(vp, whence, offp);
		break;
	default:
		error = EINVAL;
	}
	if (error == 0)
		fp->f_offset = *offp;
	return error;
}

/* What all files of a file system answer. */
static int
vnode_ioctl(
    struct lwp *l, struct file *fp, unsigned long cmd, void *data, int *retval)
{
	struct stat sb;
	off_t bytes;
	int error;

	(void)retval;
	if (cmd == FS_IOC_GETFLAGS || cmd == FS_IOC_SETFLAGS)
		return vnode_ioctl_flags(
		    l, fp->f_mount, fp->f_vnode, cmd, data);
	if (cmd != FIOQSIZE)
		return ENOTTY;
	if ((error = vnode_fo_stat(l, fp, &sb)) != 0)
		return error;
	bytes = (off_t)sb.st_blocks * 512;
	return copyout(&bytes, data, sizeof(bytes));
}

/* Nobody stops appending to a file that can only be appended to. */
static int
vn_setfl(struct lwp *l, struct file *fp, uint32_t flags)
{
	(void)l;
	return ((flags ^ file_flags(fp)) & O_APPEND) != 0 &&
		       (vnode_mode(fp->f_vnode) & V_APPEND) != 0
		   ? EPERM
		   : 0;
}

static int
vn_fcntl(struct lwp *l, struct file *fp, int cmd, uintptr_t arg, int *retval)
{
	(void)l;
	if (cmd != F_ADD_SEALS && cmd != F_GET_SEALS)
		return EINVAL;
	return vnode_fcntl_seals(fp, cmd, (unsigned)arg, retval);
}

static int
vn_ioctl(
    struct lwp *l, struct file *fp, unsigned long cmd, void *data, int *retval)
{
	bool locked;
	off_t size;
	int left, error;

	if (cmd != FIONREAD)
		return vnode_ioctl(l, fp, cmd, data, retval);
	if ((error = vnode_size(fp->f_vnode, &size)) != 0)
		return error;
	locked = file_enter(l, fp);
	left = (int)(size - fp->f_offset);
	file_leave(fp, locked);
	return copyout(&left, data, sizeof(left));
}

void
vnode_fo_close(struct file *fp)
{
	vnode_drop(fp->f_vnode, 1 + (fp->f_writes ? VNODE_USE : 0));
	mount_rele(fp->f_mount);
}

static void
vn_closing(struct file *fp, const struct filedesc *fdp)
{
	lock_closing(fp, fdp);
	if (vnode_watched(fp->f_vnode))
		dnotify_closing(fp, fdp);
}

static void
vn_close(struct file *fp)
{
	lock_close(fp);
	vnode_note_closing(fp);
	if ((file_flags(fp) & O_PATH) == 0)
		inotify_used(fp->f_vnode,
		    file_writable(fp) ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
}

/*
 * How long what is written is expected to live: kept, and nothing else.  The
 * order of the checks is Linux's.
 */
static int
vn_hint(struct lwp *l, struct file *fp, int cmd, uint64_t *uhint)
{
	struct vnode *vp = fp->f_vnode;
	uint64_t hint;
	int error;

	if (cmd == F_GET_RW_HINT) {
		hint = atomic_load_explicit(&vp->v_hint, memory_order_relaxed);
		return copyout(&hint, uhint, sizeof(hint));
	}
	error = vnode_owner(fp->f_mount, vp, proc_cred(l->l_proc));
	if (error != 0 || (error = copyin(uhint, &hint, sizeof(hint))) != 0)
		return error;
	if (hint > RWH_WRITE_LIFE_EXTREME)
		return EINVAL;
	atomic_store_explicit(&vp->v_hint, (uint8_t)hint, memory_order_relaxed);
	return 0;
}

const struct file_vnodeops file_vnodeops = {
    .fv_closing = vn_closing,
    .fv_close = vn_close,
    .fv_attach = vnode_note_attach,
    .fv_notify = dnotify_set,
    .fv_hint = vn_hint,
    .fv_lock = file_lock,
};

const struct fileops vnops_fileops = {
    .fo_read = vn_read,
    .fo_write = vn_write,
    .fo_accessed = vn_accessed,
    .fo_stat = vnode_fo_stat,
    .fo_seek = vn_seek,
    .fo_truncate = vn_truncate,
    .fo_ioctl = vn_ioctl,
    .fo_fcntl = vn_fcntl,
    .fo_setfl = vn_setfl,
    .fo_close = vnode_fo_close,
};

static int
dir_rw(struct lwp *l, struct file *fp, off_t *offp, struct uio *u)
{
	(void)l, (void)fp, (void)offp;
	return u->uio_flags != 0 ? EOPNOTSUPP : EISDIR;
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
    .fo_accessed = vn_accessed,
    .fo_stat = vnode_fo_stat,
    .fo_seek = dir_seek,
    .fo_ioctl = vnode_ioctl,
    .fo_setfl = vn_setfl,
    .fo_close = vnode_fo_close,
};

/* The file is named but not open: src/kern lets through what that allows. */
const struct fileops vnops_pathops = {
    .fo_stat = vnode_fo_stat,
    .fo_close = vnode_fo_close,
};

static void
fifo_vnode_moved(struct file *fp, enum uio_rw rw)
{
	struct vattr va = {.va_mask = VA_MTIME};
	struct vnode *vp = fp->f_vnode;

	if (rw == UIO_READ) {
		if ((file_flags(fp) & O_NOATIME) == 0)
			vnode_accessed(fp->f_mount, vp);
		return;
	}
	if (vp->v_ops->vop_setattr == NULL)
		return;
	vfs_now(&va.va_mtime);
	rw_enter_write(&vp->v_lock);
	/* The bytes are in the pipe: nobody wants to hear of an error. */
	(void)vp->v_ops->vop_setattr(vp, &va);
	rw_exit_write(&vp->v_lock);
}

static const struct fifo_ownerops fifo_vnodeops = {
    .fw_stat = vnode_fo_stat,
    .fw_moved = fifo_vnode_moved,
    .fw_close = vnode_fo_close,
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

int
vnode_fifo_alloc(struct pipe **pipep)
{
	int error;

	if ((error = fifo_alloc(pipep)) == 0)
		fifo_setowner(*pipep, &fifo_vnodeops);
	return error;
}
