/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The system calls that change what is mapped: nothing takes the engine's
 * place, and regions of text are kept track of.
 */
#include <linux/mman.h>

#include "hijack/engine.h"

#define LARGE (2UL << 20) /* a page, where the host has large ones */

#define ALIGN(n) (((unsigned long)(n) + HJ_PAGE - 1) & ~(HJ_PAGE - 1))

static int
hits_engine(unsigned long start, unsigned long size)
{
	return start < (unsigned long)hj_image_end && start + size > HJ_BASE;
}

/* A call that changes what is at [start, start + size). */
static long
change(long nr, const long *args, unsigned long start, unsigned long size)
{
	long r;

	if (!hj_region_overlaps(start, start + size))
		return hj_raw6(
		    nr, args[0], args[1], args[2], args[3], args[4], args[5]);
	hj_lock();
	hj_region_remove(start, start + size);
	r = hj_raw6(nr, args[0], args[1], args[2], args[3], args[4], args[5]);
	hj_unlock();
	return r;
}

/*
 * Is this memory that its program will fill?  So much at a time, and not more,
 * is asked for by who manages it himself.  A large page takes a fifth of what
 * its small ones take (docs/benchmarks.md); of more memory too much might never
 * be touched.
 */
static int
is_filled(const long *args, unsigned long size)
{
	const long others = MAP_FIXED | MAP_FIXED_NOREPLACE | MAP_STACK |
			    MAP_NORESERVE | MAP_GROWSDOWN;

	return size >= LARGE && size <= 2 * LARGE &&
	       args[2] == (PROT_READ | PROT_WRITE) &&
	       (args[3] & (MAP_TYPE | MAP_ANONYMOUS | others)) ==
		   (MAP_PRIVATE | MAP_ANONYMOUS);
}

static long
map(const struct hj_thread *t, const long *args)
{
	unsigned long start = (unsigned long)args[0], size = ALIGN(args[1]);
	long flags = args[3], r;

	if ((flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) != 0 &&
	    hits_engine(start, size))
		return (flags & MAP_FIXED_NOREPLACE) != 0 ? -EEXIST : -ENOMEM;
	if ((flags & MAP_FIXED) != 0)
		r = change(__NR_mmap, args, start, size);
	else
		r = hj_raw6(__NR_mmap, args[0], args[1], args[2], args[3],
		    args[4], args[5]);
	if (!HJ_FAILED(r) && is_filled(args, size))
		hj_raw3(__NR_madvise, r, size, MADV_HUGEPAGE);
	if (!HJ_FAILED(r) && args[2] == (PROT_READ | PROT_EXEC) &&
	    (flags & (MAP_TYPE | MAP_ANONYMOUS)) == MAP_PRIVATE) {
		hj_lock();
		hj_region_add((unsigned long)r, (unsigned long)r + size,
		    (unsigned long)r - (unsigned long)args[5], (int)args[4]);
		/* See patch.c: nor the child of a vfork. */
		if (!t->t_vmshared && !hj_threaded)
			hj_patch_known(
			    (unsigned long)r, (unsigned long)r + size);
		hj_unlock();
	}
	return r;
}

long
hj_sys_mmap(struct hj_thread *t, const long *args)
{
	long host[6], fd = (int)args[4], r;

	memcpy(host, args, sizeof(host));
	if ((args[3] & MAP_ANONYMOUS) != 0 || !hj_fd_iskernel(t, fd) ||
	    hj_fd_isdirect(t, fd))
		return hj_is_ours(fd) && (args[3] & MAP_ANONYMOUS) == 0
			   ? -EBADF
			   : map(t, args);
	t->t_bykernel = 1;
	host[4] = hj_file_map(t, (int)fd, (int)args[2], (int)args[3]);
	if (HJ_FAILED(host[4]) || host[4] == HJ_RESTART)
		return host[4];
	r = map(t, host);
	hj_raw1(__NR_close, host[4]);
	return r;
}

/* The calls of which the first two arguments are the range. */
static long
change_range(long nr, const long *args)
{
	unsigned long start = (unsigned long)args[0], size = ALIGN(args[1]);

	if (hits_engine(start, size))
		return -ENOMEM;
	return change(nr, args, start, size);
}

long
hj_sys_munmap(struct hj_thread *t, const long *args)
{
	(void)t;
	return change_range(__NR_munmap, args);
}

long
hj_sys_mprotect(struct hj_thread *t, const long *args)
{
	(void)t;
	return change_range(__NR_mprotect, args);
}

long
hj_sys_pkey_mprotect(struct hj_thread *t, const long *args)
{
	(void)t;
	return change_range(__NR_pkey_mprotect, args);
}

long
hj_sys_mremap(struct hj_thread *t, const long *args)
{
	(void)t;
	if ((args[3] & MREMAP_FIXED) != 0) {
		if (hits_engine((unsigned long)args[4], ALIGN(args[2])))
			return -ENOMEM;
		hj_lock();
		hj_region_remove((unsigned long)args[4],
		    (unsigned long)args[4] + ALIGN(args[2]));
		hj_unlock();
	}
	return change_range(__NR_mremap, args);
}
