/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls on what a descriptor names: reading, writing, positions.
 *
 * The order of the checks is Linux's: the descriptor, its access mode, the
 * caller's memory, the offset.
 */
#include <limits.h>
#include <unistd.h>

#include "kern/iovs.h"
#include "kern/kern.h"
#include "kern/signal.h"
#include "sysproto.h"

static inline bool
file_allows(const struct file *fp, enum uio_rw rw)
{
	return rw == UIO_READ ? file_readable(fp) : file_writable(fp);
}

/* Can there be len bytes, which memory has room for, at *offp? */
static inline bool
file_inrange(const off_t *offp, size_t len)
{
	return offp == NULL || (off_t)((size_t)*offp + len) >= 0;
}

/* May it be read, or written, at offp as below?  ESPIPE, EBADF. */
static inline int
file_check(const struct file *fp, const off_t *offp, enum uio_rw rw)
{
	if (offp != NULL && unlikely(fp->f_ops->fo_seek == NULL))
		return (file_flags(fp) & O_PATH) != 0 ? EBADF : ESPIPE;
	return likely(file_allows(fp, rw)) ? 0 : EBADF;
}

/* One transfer; offp as for fo_read.  len is what the caller asked for. */
static inline int
file_transfer(
    struct lwp *l, struct file *fp, off_t *offp, size_t len, struct uio *uio)
{
	if (!file_inrange(offp, len))
		return EINVAL;
	return (uio->uio_rw == UIO_READ
		    ? fp->f_ops->fo_read
		    : fp->f_ops->fo_write)(l, fp, offp, uio);
}

/*
 * Read or write at *offp, or where the file is if that is NULL.  An error
 * after some bytes is not reported.
 */
static inline int
file_rw(struct lwp *l, struct file *fp, off_t *offp, size_t len,
    struct uio *uio, ssize_t *retval)
{
	size_t whole = uio->uio_resid;
	bool locked;
	int error;

	if (offp != NULL || fp->f_ops->fo_seek == NULL)
		error = file_transfer(l, fp, offp, len, uio);
	else {
		locked = file_enter(l, fp);
		error = file_transfer(l, fp, &fp->f_offset, len, uio);
		file_leave(fp, locked);
	}
	*retval = (ssize_t)(whole - uio->uio_resid);
	return *retval > 0 ? 0 : error;
}

/* One buffer, at *offp or where the file is. */
static inline __attribute__((always_inline)) int
file_rw1(struct lwp *l, struct file *fp, void *buf, size_t len, off_t *offp,
    enum uio_rw rw, ssize_t *retval)
{
	struct iovec iov;
	struct uio uio;
	int error;

	if ((error = file_check(fp, offp, rw)) != 0)
		return error;
	if (unlikely(!useraddr_inrange(buf, len)))
		return EFAULT;
	uio_init1(&uio, &iov, buf, len < UIO_MAXLEN ? len : UIO_MAXLEN, rw);
	if (offp != NULL) {
		uio.uio_offset = *offp;
		offp = &uio.uio_offset;
	}
	return file_rw(l, fp, offp, len, &uio, retval);
}

/* The same for what has no short cut, apart from those. */
static __attribute__((noinline)) int
file_rwhere(struct lwp *l, struct file *fp, void *buf, size_t len,
    enum uio_rw rw, ssize_t *retval)
{
	return file_rw1(l, fp, buf, len, NULL, rw, retval);
}

/* Is this small, and a buffer that short cuts can be tried with? */
static inline bool
buf_small(const void *buf, size_t len)
{
	return len - 1 < UIO_SMALL && useraddr_small(buf);
}

int
sys_read(struct lwp *l, int fd, void *buf, size_t len, ssize_t *retval)
{
	struct file *fp;
	ssize_t n = 0;
	int error;

	if (unlikely((error = fd_getfile_inline(l, fd, &fp)) != 0))
		return error;
	if (buf_small(buf, len) && fp->f_ops->fo_fastread != NULL &&
	    file_readable(fp))
		n = fp->f_ops->fo_fastread(fp, buf, len);
	if (likely(n > 0))
		*retval = n;
	else if (n < 0)
		error = (int)-n;
	else
		error = file_rwhere(l, fp, buf, len, UIO_READ, retval);
	fd_putfile(l, fp);
	return error;
}

int
sys_write(struct lwp *l, int fd, const void *buf, size_t len, ssize_t *retval)
{
	struct file *fp;
	size_t n = 0;
	int error;

	if (unlikely((error = fd_getfile_inline(l, fd, &fp)) != 0))
		return error;
	if (buf_small(buf, len) && fp->f_ops->fo_fastwrite != NULL &&
	    file_writable(fp))
		n = fp->f_ops->fo_fastwrite(fp, buf, len);
	if (likely(n != 0))
		*retval = (ssize_t)n;
	else
		error = file_rwhere(
		    l, fp, (void *)(uintptr_t)buf, len, UIO_WRITE, retval);
	fd_putfile(l, fp);
	return signal_xfsz(l, error);
}

static inline __attribute__((always_inline)) int
do_prw(struct lwp *l, int fd, void *buf, size_t len, off_t off, enum uio_rw rw,
    ssize_t *retval)
{
	struct file *fp;
	int error;

	if (off < 0)
		return EINVAL;
	if (unlikely((error = fd_getfile_inline(l, fd, &fp)) != 0))
		return error;
	error = file_rw1(l, fp, buf, len, &off, rw, retval);
	fd_putfile(l, fp);
	return signal_xfsz(l, error);
}

int
sys_pread(
    struct lwp *l, int fd, void *buf, size_t len, off_t off, ssize_t *retval)
{
	return do_prw(l, fd, buf, len, off, UIO_READ, retval);
}

int
sys_pwrite(struct lwp *l, int fd, const void *buf, size_t len, off_t off,
    ssize_t *retval)
{
	return do_prw(
	    l, fd, (void *)(uintptr_t)buf, len, off, UIO_WRITE, retval);
}

/*
 * Several buffers
 */

/* Later than the host's headers. */
#ifndef RWF_NOAPPEND
#define RWF_NOAPPEND 0x20
#endif
#ifndef RWF_NOSIGNAL
#define RWF_NOSIGNAL 0x100
#endif

/* What the flags of preadv2 and pwritev2 ask of the transfer. */
static int
rwf_decode(const struct file *fp, int flags, uint32_t *uflags)
{
	if ((flags & ~(RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT |
			 RWF_APPEND | RWF_NOAPPEND | RWF_NOSIGNAL)) != 0)
		return EOPNOTSUPP;
	if ((flags & RWF_APPEND) != 0 && (flags & RWF_NOAPPEND) != 0)
		return EINVAL;
	/* Files in memory are always ready, and the host's say no; so do fifos.
	 */
	if ((flags & RWF_NOWAIT) != 0 && fp->f_type != DTYPE_SOCKET &&
	    (fp->f_type != DTYPE_PIPE || fp->f_vnode != NULL))
		return EOPNOTSUPP;
	*uflags = ((flags & RWF_NOWAIT) != 0 ? UIO_NOWAIT : 0) |
		  ((flags & RWF_APPEND) != 0 ? UIO_APPEND : 0) |
		  ((flags & RWF_NOAPPEND) != 0 ? UIO_NOAPPEND : 0) |
		  ((flags & RWF_DSYNC) != 0 ? UIO_DSYNC : 0) |
		  ((flags & RWF_SYNC) != 0 ? UIO_SYNC : 0) |
		  ((flags & RWF_NOSIGNAL) != 0 ? UIO_NOSIGNAL : 0);
	return 0;
}

/* The buffers are those of one transfer. */
static int
file_rwv(struct lwp *l, struct file *fp, off_t *offp, int flags,
    struct uio *uio, ssize_t *retval)
{
	int error;

	if (uio->uio_resid == 0)
		return 0;
	if (!file_inrange(offp, uio->uio_resid))
		return EINVAL;
	if (flags != 0 && (error = rwf_decode(fp, flags, &uio->uio_flags)) != 0)
		return error;
	return file_rw(l, fp, offp, uio->uio_resid, uio, retval);
}

/* readv, writev and, with an offset, preadv and pwritev; flags: RWF_*. */
static int
do_rwv(struct lwp *l, int fd, const struct iovec *uiov, int iovcnt, off_t *offp,
    int flags, enum uio_rw rw, ssize_t *retval)
{
	struct iovs iv;
	struct uio uio;
	struct file *fp;
	int error;

	if ((error = fd_getfile(l, fd, &fp)) != 0)
		return error;
	if ((error = file_check(fp, offp, rw)) == 0) {
		error = iovs_copyin(&iv, uiov, iovcnt, rw, &uio);
		if (error == 0)
			error = file_rwv(l, fp, offp, flags, &uio, retval);
		iovs_free(&iv);
	}
	fd_putfile(l, fp);
	return signal_xfsz(l, error);
}

int
sys_readv(
    struct lwp *l, int fd, const struct iovec *iov, int iovcnt, ssize_t *retval)
{
	return do_rwv(l, fd, iov, iovcnt, NULL, 0, UIO_READ, retval);
}

int
sys_writev(
    struct lwp *l, int fd, const struct iovec *iov, int iovcnt, ssize_t *retval)
{
	return do_rwv(l, fd, iov, iovcnt, NULL, 0, UIO_WRITE, retval);
}

int
sys_preadv(struct lwp *l, int fd, const struct iovec *iov, int iovcnt,
    off_t off, ssize_t *retval)
{
	if (off < 0)
		return EINVAL;
	return do_rwv(l, fd, iov, iovcnt, &off, 0, UIO_READ, retval);
}

int
sys_pwritev(struct lwp *l, int fd, const struct iovec *iov, int iovcnt,
    off_t off, ssize_t *retval)
{
	if (off < 0)
		return EINVAL;
	return do_rwv(l, fd, iov, iovcnt, &off, 0, UIO_WRITE, retval);
}

/* Offset -1 means where the file is. */
int
sys_preadv2(struct lwp *l, int fd, const struct iovec *iov, int iovcnt,
    off_t off, int flags, ssize_t *retval)
{
	if (off < -1)
		return EINVAL;
	return do_rwv(l, fd, iov, iovcnt, off == -1 ? NULL : &off, flags,
	    UIO_READ, retval);
}

int
sys_pwritev2(struct lwp *l, int fd, const struct iovec *iov, int iovcnt,
    off_t off, int flags, ssize_t *retval)
{
	if (off < -1)
		return EINVAL;
	return do_rwv(l, fd, iov, iovcnt, off == -1 ? NULL : &off, flags,
	    UIO_WRITE, retval);
}

/*
 * Others
 */

int
sys_lseek(struct lwp *l, int fd, off_t off, int whence, off_t *retval)
{
	struct file *fp;
	bool locked;
	int error;

	if ((error = fd_getopen(l, fd, &fp)) != 0)
		return error;
	if (whence < 0 || whence > SEEK_HOLE)
		error = EINVAL;
	else if (fp->f_ops->fo_seek == NULL)
		error = ESPIPE;
	else {
		locked = file_enter(l, fp);
		error = fp->f_ops->fo_seek(l, fp, off, whence, retval);
		file_leave(fp, locked);
	}
	fd_putfile(l, fp);
	return error;
}

int
sys_ftruncate(struct lwp *l, int fd, off_t length)
{
	struct file *fp;
	int error;

	if (length < 0)
		return EINVAL;
	if ((error = fd_getopen(l, fd, &fp)) != 0)
		return error;
	if (fp->f_ops->fo_truncate == NULL || !file_writable(fp))
		error = EINVAL;
	else
		error = fp->f_ops->fo_truncate(l, fp, length);
	fd_putfile(l, fp);
	return signal_xfsz(l, error);
}

int
sys_fstat(struct lwp *l, int fd, struct stat *sb)
{
	struct file *fp;
	struct stat st;
	int error;

	if ((error = fd_getfile(l, fd, &fp)) != 0)
		return error;
	error = fp->f_ops->fo_stat(l, fp, &st);
	fd_putfile(l, fp);
	return error != 0 ? error : copyout(&st, sb, sizeof(st));
}
