/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory of the host: address space is reserved without access, and made
 * accessible to commit it.  Where the host overcommits strictly, it is then
 * that it says whether there is so much; elsewhere, at the first touch.
 */
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/uio.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "hyper/impl.h"

#define HOST_PAGE ((size_t)4096)

static void *
map_none(size_t len)
{
	void *p = mmap(NULL, len, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* Reserve more than enough, and cut off what is before and behind. */
static void *
map_aligned(size_t len, size_t align)
{
	size_t slack = align - HOST_PAGE;
	uintptr_t start, want;

	if (len + slack < len)
		return NULL;
	start = (uintptr_t)map_none(len + slack);
	if (start == 0)
		return NULL;
	want = (start + align - 1) & ~((uintptr_t)align - 1);
	if (want != start)
		(void)munmap((void *)start, want - start);
	if (want != start + slack)
		(void)munmap((void *)(want + len), start + slack - want);
	return (void *)want;
}

void *
hyper_mem_reserve(size_t len, size_t align)
{
	int saved = errno;
	void *p = map_none(len);

	if (p != NULL && ((uintptr_t)p & (align - 1)) != 0) {
		(void)munmap(p, len);
		p = map_aligned(len, align);
	}
	errno = saved;
	return p;
}

int
hyper_mem_commit(void *addr, size_t len)
{
	int saved = errno;
	int error = mprotect(addr, len, PROT_READ | PROT_WRITE);

	errno = saved;
	return error == 0 ? 0 : ENOMEM;
}

void
hyper_mem_discard(void *addr, size_t len)
{
	int saved = errno;

	/* Refused for memory that the program locked; it must read as zero. */
	if (madvise(addr, len, MADV_DONTNEED) != 0)
		memset(addr, 0, len);
	errno = saved;
}

void
hyper_mem_large(void *addr, size_t len)
{
	int saved = errno;

	/* Refused by a host that has no such pages. */
	(void)madvise(addr, len, MADV_HUGEPAGE);
	errno = saved;
}

/*
 * A limit on the address space counts as well.  Half of it, because the
 * program needs some for itself.
 */
uint64_t
hyper_physmem(void)
{
	struct sysinfo si;
	struct rlimit rl;
	uint64_t bytes = UINT64_MAX;
	int saved = errno;

	if (sysinfo(&si) == 0)
		bytes = (uint64_t)si.totalram * si.mem_unit;
	if (getrlimit(RLIMIT_AS, &rl) == 0 && rl.rlim_cur != RLIM_INFINITY &&
	    rl.rlim_cur / 2 < bytes)
		bytes = rl.rlim_cur / 2;
	errno = saved;
	return bytes;
}

bool
hyper_mem_read(void *dst, const void *addr, size_t len)
{
	struct iovec to = {.iov_base = dst, .iov_len = len};
	struct iovec from = {
	    .iov_base = (void *)(uintptr_t)addr, .iov_len = len};
	int saved = errno;
	bool ok = len == 0 || process_vm_readv(getpid(), &to, 1, &from, 1, 0) ==
				  (ssize_t)len;

	errno = saved;
	return ok;
}
