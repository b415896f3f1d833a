/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copying from and to the caller's memory.
 */
#include "kern/uio.h"
#include "hyper/hostfile.h"

/*
 * The next piece of the caller's memory, at most n bytes: empty buffers are
 * passed over.  0 bytes at the end.
 */
static size_t
uio_piece(struct uio *u, size_t n)
{
	while (u->uio_iovcnt > 0 && u->uio_iov->iov_len == 0) {
		u->uio_iov++;
		u->uio_iovcnt--;
	}
	if (u->uio_iovcnt == 0)
		return 0;
	return n < u->uio_iov->iov_len ? n : u->uio_iov->iov_len;
}

static void
uio_advance(struct uio *u, size_t n)
{
	u->uio_iov->iov_base = (char *)u->uio_iov->iov_base + n;
	u->uio_iov->iov_len -= n;
	u->uio_resid -= n;
}

int
uiomove(void *buf, size_t n, struct uio *u)
{
	char *kaddr = buf;
	size_t piece;

	while (n > 0 && (piece = uio_piece(u, n)) > 0) {
		void *uaddr = u->uio_iov->iov_base;

		if (!useraddr_ok(uaddr, piece))
			return EFAULT;
		if (u->uio_rw == UIO_READ)
			copy_bytes(uaddr, kaddr, piece);
		else
			copy_bytes(kaddr, uaddr, piece);
		uio_advance(u, piece);
		kaddr += piece;
		n -= piece;
	}
	return 0;
}

int
uiomove_zero(size_t n, struct uio *u)
{
	size_t piece;

	KASSERT(u->uio_rw == UIO_READ);
	while (n > 0 && (piece = uio_piece(u, n)) > 0) {
		if (!useraddr_ok(u->uio_iov->iov_base, piece))
			return EFAULT;
		memset(u->uio_iov->iov_base, 0, piece);
		uio_advance(u, piece);
		n -= piece;
	}
	return 0;
}

int
uio_hostfile(
    struct uio *u, int fd, off_t off, size_t most, bool append, size_t *donep)
{
	struct iovec *iov = u->uio_iov, *last = NULL;
	size_t whole = 0, left, piece;
	int cnt = 0, error;

	/* The last buffer is cut to what is left of `most' meanwhile. */
	while (cnt < u->uio_iovcnt && most > 0) {
		last = &iov[cnt++];
		whole = last->iov_len;
		if (whole > most)
			last->iov_len = most;
		most -= last->iov_len;
	}
	error = u->uio_rw == UIO_READ
		    ? hyper_file_preadv(fd, iov, cnt, off, donep)
		    : hyper_file_pwritev(fd, iov, cnt, off, append, donep);
	if (last != NULL)
		last->iov_len = whole;
	for (left = *donep; left > 0; left -= piece) {
		piece = uio_piece(u, left);
		uio_advance(u, piece);
	}
	return error;
}

int
copyin(const void *uaddr, void *kaddr, size_t len)
{
	if (len == 0)
		return 0;
	if (!useraddr_ok(uaddr, len))
		return EFAULT;
	memcpy(kaddr, uaddr, len);
	return 0;
}

int
copyout(const void *kaddr, void *uaddr, size_t len)
{
	if (len == 0)
		return 0;
	if (!useraddr_ok(uaddr, len))
		return EFAULT;
	memcpy(uaddr, kaddr, len);
	return 0;
}

int
userstrlen(const char *uaddr, size_t len, size_t *lenp)
{
	size_t room = len;

	if (!useraddr_ok(uaddr, 1))
		return EFAULT;
	if (room > USERADDR_END - (uintptr_t)uaddr)
		room = USERADDR_END - (uintptr_t)uaddr;
	*lenp = strnlen(uaddr, room);
	if (*lenp == room)
		return room < len ? EFAULT : ENAMETOOLONG;
	return 0;
}

int
copyinstr(const void *uaddr, char *kaddr, size_t len, size_t *lenp)
{
	size_t n;
	int error;

	if ((error = userstrlen(uaddr, len, &n)) != 0)
		return error;
	memcpy(kaddr, uaddr, n + 1);
	if (lenp != NULL)
		*lenp = n;
	return 0;
}
