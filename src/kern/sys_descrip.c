/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls on descriptors themselves.
 */
#include <sys/ioctl.h>

#include <fcntl.h>
#include <linux/fs.h>
#include <unistd.h>

#include "kern/fowner.h"
#include "kern/kern.h"
#include "sysproto.h"

/* What F_SETFL can change. */
#define SETFL_MASK (O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME)

int
sys_close(struct lwp *l, int fd)
{
	return fd_close(l, fd);
}

int
sys_close_range(struct lwp *l, unsigned int first, unsigned int last, int flags)
{
	bool mark = (flags & (int)CLOSE_RANGE_CLOEXEC) != 0;
	int error;

	if ((flags & ~(int)(CLOSE_RANGE_CLOEXEC | CLOSE_RANGE_UNSHARE)) != 0 ||
	    first > last)
		return EINVAL;
	if ((flags & (int)CLOSE_RANGE_UNSHARE) != 0) {
		error = mark ? fd_unshare(l, 1, 0) : fd_unshare(l, first, last);
		if (error != 0)
			return error;
	}
	if (mark)
		fd_markrange(l, first, last);
	else
		fd_closerange(l, first, last);
	return 0;
}

int
sys_dup(struct lwp *l, int fd, int *retval)
{
	return fd_dup(l, fd, 0, false, retval);
}

static int
do_dup3(struct lwp *l, int fd, int newfd, int flags, int *retval)
{
	int error;

	/* A negative one is too large. */
	if ((uint32_t)newfd >= fd_limit(l))
		return EBADF;
	error = fd_dup2(l, fd, newfd, (flags & O_CLOEXEC) != 0);
	if (error == 0)
		*retval = newfd;
	return error;
}

int
sys_dup2(struct lwp *l, int fd, int newfd, int *retval)
{
	bool cloexec;

	if (fd != newfd)
		return do_dup3(l, fd, newfd, 0, retval);
	*retval = newfd;
	return fd_getcloexec(l, fd, &cloexec);
}

int
sys_dup3(struct lwp *l, int fd, int newfd, int flags, int *retval)
{
	if ((flags & ~O_CLOEXEC) != 0 || fd == newfd)
		return EINVAL;
	return do_dup3(l, fd, newfd, flags, retval);
}

/*
 * fcntl
 */

static int
fcntl_dup(struct lwp *l, int fd, uint32_t min, bool cloexec, int *retval)
{
	bool ignored;
	int error;

	if (min < fd_limit(l))
		return fd_dup(l, fd, (int)min, cloexec, retval);
	error = fd_getcloexec(l, fd, &ignored);
	return error != 0 ? error : EINVAL;
}

static int
fcntl_getfd(struct lwp *l, int fd, int *retval)
{
	bool cloexec;
	int error = fd_getcloexec(l, fd, &cloexec);

	if (error == 0)
		*retval = cloexec ? FD_CLOEXEC : 0;
	return error;
}

/* May the flags be set that not everybody can set on every file? */
static int
setfl_check(struct lwp *l, struct file *fp, uint32_t flags)
{
	struct cred *cr = proc_cred(l->l_proc);
	struct stat st;
	int error;

	if (fp->f_ops->fo_setfl != NULL &&
	    (error = fp->f_ops->fo_setfl(l, fp, flags)) != 0)
		return error;
	if ((flags & (O_NOATIME | O_DIRECT)) == 0)
		return 0;
	if ((error = fp->f_ops->fo_stat(l, fp, &st)) != 0)
		return error;
	if ((flags & ~file_flags(fp) & O_NOATIME) != 0 && !cred_is_fsroot(cr) &&
	    cr->cr_fsuid != st.st_uid)
		return EPERM;
	if ((flags & O_DIRECT) != 0 && !S_ISREG(st.st_mode) &&
	    !S_ISFIFO(st.st_mode))
		return EINVAL;
	return 0;
}

/* F_SETFL: O_ASYNC is a matter of its own. */
static int
fcntl_setfl(struct lwp *l, int fd, struct file *fp, uint32_t flags)
{
	int error = setfl_check(l, fp, flags);

	if (error == 0 && fp->f_ops->fo_async != NULL &&
	    ((flags ^ file_flags(fp)) & O_ASYNC) != 0)
		error = fowner_setasync(l, fd, fp, (flags & O_ASYNC) != 0);
	if (error == 0)
		file_setflags(fp, SETFL_MASK, flags);
	return error;
}

/* Directories tell; to want nothing of others is no error. */
static int
fcntl_notify(struct lwp *l, int fd, struct file *fp, uint32_t mask)
{
	if (fp->f_vnode != NULL)
		return file_vnodeops.fv_notify(l, fd, fp, mask);
	return (mask & ~DN_MULTISHOT) == 0 ? 0 : ENOTDIR;
}

static int
fcntl_file(
    struct lwp *l, int fd, struct file *fp, int cmd, uintptr_t arg, int *retval)
{
	if (cmd == F_GETFL) {
		*retval = (int)file_flags(fp);
		return 0;
	}
	if ((file_flags(fp) & O_PATH) != 0)
		return EBADF;
	switch (cmd) {
	case F_SETFL:
		return fcntl_setfl(l, fd, fp, (uint32_t)arg);
	case F_SETOWN:
	case F_GETOWN:
	case F_SETOWN_EX:
	case F_GETOWN_EX:
	case F_SETSIG:
	case F_GETSIG:
		return fowner_fcntl(l, fp, cmd, arg, retval);
	case F_NOTIFY:
		return fcntl_notify(l, fd, fp, (uint32_t)arg);
	case F_GET_RW_HINT:
	case F_SET_RW_HINT:
		*retval = 0;
		return fp->f_vnode == NULL
			   ? EINVAL
			   : file_vnodeops.fv_hint(l, fp, cmd, (uint64_t *)arg);
	case F_GETPIPE_SZ:
	case F_SETPIPE_SZ:
		if (fp->f_type != DTYPE_PIPE)
			return EBADF;
		break;
	}
	if (fp->f_ops->fo_fcntl == NULL)
		return EINVAL;
	return fp->f_ops->fo_fcntl(l, fp, cmd, arg, retval);
}

/* Locks are there for what has a vnode. */
static int
fcntl_lock(struct lwp *l, int fd, int cmd, struct flock *fl)
{
	struct file *fp;
	int error;

	if ((error = fd_getopen(l, fd, &fp)) != 0)
		return error;
	error = fp->f_vnode != NULL ? file_vnodeops.fv_lock(l, fd, fp, cmd, fl)
				    : EINVAL;
	fd_putfile(l, fp);
	return error;
}

int
sys_fcntl(struct lwp *l, int fd, int cmd, uintptr_t arg, int *retval)
{
	struct file *fp;
	int error;

	switch (cmd) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		return fcntl_dup(
		    l, fd, (uint32_t)arg, cmd == F_DUPFD_CLOEXEC, retval);
	case F_GETFD:
		return fcntl_getfd(l, fd, retval);
	case F_SETFD:
		return fd_setcloexec(l, fd, (arg & FD_CLOEXEC) != 0);
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		*retval = 0;
		return fcntl_lock(l, fd, cmd, (struct flock *)arg);
	}
	if ((error = fd_getfile(l, fd, &fp)) != 0)
		return error;
	error = fcntl_file(l, fd, fp, cmd, arg, retval);
	fd_putfile(l, fp);
	return error;
}

/*
 * ioctl
 */

/* FIGETBSZ: the size of a block. */
static int
ioctl_block(struct lwp *l, struct file *fp, void *data)
{
	struct stat st;
	int size, error;

	if ((error = fp->f_ops->fo_stat(l, fp, &st)) != 0)
		return error;
	size = (int)st.st_blksize;
	return copyout(&size, data, sizeof(size));
}

/* FIONBIO, FIOASYNC. */
static int
ioctl_flag(
    struct lwp *l, int fd, struct file *fp, unsigned long cmd, const int *data)
{
	int on, error = copyin(data, &on, sizeof(on));

	if (error != 0)
		return error;
	if (cmd == FIONBIO) {
		file_setflags(fp, O_NONBLOCK, on != 0 ? O_NONBLOCK : 0);
		return 0;
	}
	if ((on != 0) == ((file_flags(fp) & O_ASYNC) != 0))
		return 0;
	if (fp->f_ops->fo_async == NULL)
		return ENOTTY;
	return fowner_setasync(l, fd, fp, on != 0);
}

static int
ioctl_file(struct lwp *l, int fd, struct file *fp, unsigned long cmd,
    void *data, int *retval)
{
	if (cmd == FIONBIO || cmd == FIOASYNC)
		return ioctl_flag(l, fd, fp, cmd, data);
	if (cmd == FIGETBSZ)
		return ioctl_block(l, fp, data);
	if (fp->f_ops->fo_ioctl == NULL)
		return ENOTTY;
	return fp->f_ops->fo_ioctl(l, fp, cmd, data, retval);
}

int
sys_ioctl(struct lwp *l, int fd, unsigned long cmd, void *data, int *retval)
{
	struct file *fp;
	int error;

	*retval = 0;
	if ((error = fd_getopen(l, fd, &fp)) != 0)
		return error;
	if (cmd == FIOCLEX || cmd == FIONCLEX)
		error = fd_setcloexec(l, fd, cmd == FIOCLEX);
	else
		error = ioctl_file(l, fd, fp, cmd, data, retval);
	fd_putfile(l, fp);
	return error;
}
