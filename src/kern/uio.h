/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory of the caller, and how the kernel copies from and to it.  Nothing
 * else touches the caller's memory.
 *
 * The kernel shares its address space with the program.  EFAULT is given for
 * addresses that no program has: the first page, and what is beyond
 * USERADDR_END.  Other bad addresses fault as they would in any library.
 */
#ifndef KERN_UIO_H
#define KERN_UIO_H

#include <sys/uio.h>

#include "kern/param.h"
#include "kern/useraddr.h"

/* The most that one call reads or writes; a longer one is cut to this. */
#define UIO_MAXLEN 0x7ffff000u

enum uio_rw { UIO_READ, UIO_WRITE }; /* from the caller's point of view */

/* What remains to be copied. */
struct uio {
	struct iovec *uio_iov; /* the next; changed as it is used up */
	int uio_iovcnt;
	enum uio_rw uio_rw;
	size_t uio_resid;
	off_t uio_offset;
	uint32_t uio_flags; /* UIO_* */
};

/* For this transfer only, whatever the file's flags are. */
#define UIO_NOWAIT   1u	 /* do not sleep */
#define UIO_APPEND   2u	 /* write at the end */
#define UIO_NOAPPEND 4u	 /* or not */
#define UIO_DSYNC    8u	 /* the data is safe afterwards */
#define UIO_SYNC     16u /* and all else */
#define UIO_NOSIGNAL 32u /* EPIPE posts no SIGPIPE */

/*
 * Copy up to n bytes between buf and the caller's memory, in the direction of
 * uio_rw, and advance.  0 or EFAULT; on EFAULT what was copied before is
 * counted.
 */
int uiomove(void *buf, size_t n, struct uio *);

/* The same with zeroes, for reading holes. */
int uiomove_zero(size_t n, struct uio *);

/*
 * Copy at most `most' bytes between the file at off that a handle of the host
 * (hyper/hostfile.h) is open on and the caller's memory; *donep were copied.
 * append: write at the file's end, wherever that is.  What the host says.
 */
int uio_hostfile(
    struct uio *, int fd, off_t off, size_t most, bool append, size_t *donep);

/*
 * Copy len bytes from (copyin) or to (copyout) the caller's memory.  EFAULT.
 */
int copyin(const void *uaddr, void *kaddr, size_t len);
int copyout(const void *kaddr, void *uaddr, size_t len);

/*
 * The length of a string of at most len bytes with its NUL.  EFAULT, or
 * ENAMETOOLONG.
 */
int userstrlen(const char *uaddr, size_t len, size_t *lenp);

/*
 * Copy a string with its NUL, at most len bytes.  0 with its length without
 * the NUL in *lenp (unless NULL), EFAULT, or ENAMETOOLONG.
 */
int copyinstr(const void *uaddr, char *kaddr, size_t len, size_t *lenp);

/*
 * What read and write refuse before they do anything: [uaddr, uaddr + len)
 * leaves the program's half of the address space.  A pointer to the first
 * page is found out only when something is copied.
 */
static inline bool
useraddr_inrange(const void *uaddr, size_t len)
{
	return len <= USERADDR_END && (uintptr_t)uaddr <= USERADDR_END - len;
}

/* Is [uaddr, uaddr + len) an address that a program can have? */
static inline bool
useraddr_ok(const void *uaddr, size_t len)
{
	return (uintptr_t)uaddr >= KPAGE_SIZE && useraddr_inrange(uaddr, len);
}

/*
 * The most that is copied without a call, and whether so much from uaddr on
 * is fine.
 */
#define UIO_SMALL 16

static inline bool
useraddr_small(const void *uaddr)
{
	return (uintptr_t)uaddr - KPAGE_SIZE <=
	       USERADDR_END - UIO_SMALL - KPAGE_SIZE;
}

/* Copy 1 to UIO_SMALL bytes. */
static inline void
copy_small(char *to, const char *from, size_t n)
{
	uint64_t a8, b8;
	uint32_t a4, b4;
	uint16_t a2, b2;

	if (n == 1) {
		*to = *from;
	} else if (n >= 8) {
		memcpy(&a8, from, 8);
		memcpy(&b8, from + n - 8, 8);
		memcpy(to, &a8, 8);
		memcpy(to + n - 8, &b8, 8);
	} else if (n >= 4) {
		memcpy(&a4, from, 4);
		memcpy(&b4, from + n - 4, 4);
		memcpy(to, &a4, 4);
		memcpy(to + n - 4, &b4, 4);
	} else {
		memcpy(&a2, from, 2);
		memcpy(&b2, from + n - 2, 2);
		memcpy(to, &a2, 2);
		memcpy(to + n - 2, &b2, 2);
	}
}

/*
 * Copy any number of them, at least one.  What is longer than UIO_STEP is not
 * left to the C library: see copy_large.
 */
#define UIO_STEP 2048

void copy_large(char *to, const char *from, size_t n);

static inline void
copy_bytes(char *to, const char *from, size_t n)
{
	if (n <= UIO_SMALL)
		copy_small(to, from, n);
	else if (n <= UIO_STEP)
		memcpy(to, from, n);
	else
		copy_large(to, from, n);
}

/*
 * uiomove of n bytes that there are, inside the caller, which knows the
 * direction: they are in one buffer, more often than not.
 */
static inline __attribute__((always_inline)) int
uiomove_inline(void *buf, size_t n, struct uio *u, enum uio_rw rw)
{
	struct iovec *iov = u->uio_iov;
	char *uaddr = iov->iov_base;

	KASSERT(rw == u->uio_rw && n > 0 && n <= u->uio_resid);
	if (unlikely(n > iov->iov_len || !useraddr_ok(uaddr, n)))
		return uiomove(buf, n, u);
	/* First what needs less to be kept meanwhile. */
	iov->iov_base = uaddr + n;
	iov->iov_len -= n;
	u->uio_resid -= n;
	if (rw == UIO_READ)
		copy_bytes(uaddr, buf, n);
	else
		copy_bytes(buf, uaddr, n);
	return 0;
}

/*
 * A uio over one buffer, for the plain read and write calls.
 */
static inline void
uio_init1(
    struct uio *u, struct iovec *iov, void *base, size_t len, enum uio_rw rw)
{
	iov->iov_base = base;
	iov->iov_len = len;
	u->uio_iov = iov;
	u->uio_iovcnt = 1;
	u->uio_rw = rw;
	u->uio_resid = len;
	u->uio_offset = 0;
	u->uio_flags = 0;
}

#endif /* KERN_UIO_H */
