/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Limits of what the engine needs some of for itself.
 *
 * Descriptors: it has some above what the program allows itself, and could not
 * have them if the host's hard limit went down.  That is kept here, and across
 * execve.
 *
 * Address space: the memory that is shared with the kernel is not the
 * program's.  The host's limits are as much higher, the hard one once more for
 * a child in the same memory.
 *
 * The size of files: those of the kernel's are written by the kernel, which is
 * told of the limit.
 */
#include <linux/mman.h>
#include <linux/resource.h>

#include "hijack/engine.h"

/* The limits as the program knows them, and the host's hard one. */
static void
limits_get(const struct hj_thread *t, struct rlimit64 *rl, uint64_t *hostmax)
{
	uint64_t ours = t->t_proc->p_nofile;

	hj_raw4(__NR_prlimit64, 0, RLIMIT_NOFILE, NULL, rl);
	*hostmax = rl->rlim_max;
	if (ours != 0 && ours - 1 < rl->rlim_max)
		rl->rlim_max = ours - 1;
}

static long
limits_set(struct hj_thread *t, const struct rlimit64 *new,
    const struct rlimit64 *old, uint64_t hostmax)
{
	struct rlimit64 host = *new;
	long r;

	if (new->rlim_cur > new->rlim_max)
		return -EINVAL;
	if (new->rlim_max > old->rlim_max && !hj_is_root(t))
		return -EPERM;
	host.rlim_max = HJ_MAX(hostmax, new->rlim_max);
	r = hj_raw4(__NR_prlimit64, 0, RLIMIT_NOFILE, &host, NULL);
	if (r == 0)
		t->t_proc->p_nofile = new->rlim_max + 1;
	return r;
}

/* prlimit64 of the caller's descriptors. */
static long
limits(struct hj_thread *t, unsigned long newat, unsigned long oldat)
{
	struct rlimit64 new, old;
	uint64_t hostmax;
	long r = 0;

	limits_get(t, &old, &hostmax);
	if (newat != 0) {
		if (hj_copyin(&new, newat, sizeof(new)) != 0)
			return -EFAULT;
		r = limits_set(t, &new, &old, hostmax);
	}
	if (r == 0 && oldat != 0 && hj_copyout(oldat, &old, sizeof(old)) != 0)
		r = -EFAULT;
	return r;
}

#define SPACE (SP_SHMSIZE + (64UL << 20)) /* and stacks, patches, ... */

static uint64_t
space_add(uint64_t limit, uint64_t n)
{
	return limit >= RLIM64_INFINITY - n ? RLIM64_INFINITY : limit + n;
}

static uint64_t
space_subtract(uint64_t limit, uint64_t n)
{
	return limit == RLIM64_INFINITY ? limit : limit - HJ_MIN(limit, n);
}

/* prlimit64 of address space, anybody's. */
static long
space(long pid, unsigned long newat, unsigned long oldat)
{
	struct rlimit64 new, old;
	long r;

	if (newat != 0) {
		if (hj_copyin(&new, newat, sizeof(new)) != 0)
			return -EFAULT;
		if (new.rlim_cur > new.rlim_max)
			return -EINVAL;
		new.rlim_cur = space_add(new.rlim_cur, SPACE);
		new.rlim_max = space_add(new.rlim_max, SPACE + SP_SHMSIZE);
	}
	r = hj_raw4(__NR_prlimit64, pid, RLIMIT_AS, newat != 0 ? &new : NULL,
	    oldat != 0 ? &old : NULL);
	if (r != 0 || oldat == 0)
		return r;
	old.rlim_cur = space_subtract(old.rlim_cur, SPACE);
	old.rlim_max = space_subtract(old.rlim_max, SPACE + SP_SHMSIZE);
	return hj_copyout(oldat, &old, sizeof(old)) != 0 ? -EFAULT : 0;
}

/* This process is in the memory of another, or leaves it by execve. */
void
hj_limits_shared(int begins)
{
	struct rlimit64 rl;

	hj_raw4(__NR_prlimit64, 0, RLIMIT_AS, NULL, &rl);
	if (rl.rlim_cur == RLIM64_INFINITY)
		return;
	rl.rlim_cur = begins ? space_add(rl.rlim_cur, SP_SHMSIZE)
			     : space_subtract(rl.rlim_cur, SP_SHMSIZE);
	rl.rlim_cur = HJ_MIN(rl.rlim_cur, rl.rlim_max);
	hj_raw4(__NR_prlimit64, 0, RLIMIT_AS, &rl, NULL);
}

/*
 * The size of files as the arguments of the kernel's setrlimit.  The hard limit
 * is the host's matter.
 */
void
hj_limits_fsize(struct rlimit64 *rl, long words[HJ_NARGS])
{
	memset(words, 0, HJ_NARGS * sizeof(words[0]));
	hj_raw4(__NR_prlimit64, 0, RLIMIT_FSIZE, NULL, rl);
	rl->rlim_max = RLIM64_INFINITY;
	words[0] = RLIMIT_FSIZE;
	words[1] = (long)rl;
}

/* prlimit64 of the caller's files. */
static long
fsize(struct hj_thread *t, const long *args)
{
	long words[HJ_NARGS], r = hj_window(t, __NR_prlimit64, args);
	struct rlimit64 rl;

	if (r != 0 || args[2] == 0)
		return r;
	hj_limits_fsize(&rl, words);
	hj_kernel(t, HJ_K_setrlimit, words);
	return 0;
}

static int
is_self(int pid)
{
	return pid == 0 || pid == hj_raw0(__NR_getpid);
}

long
hj_sys_prlimit64(struct hj_thread *t, const long *args)
{
	const unsigned long new = (unsigned long)args[2];
	const unsigned long old = (unsigned long)args[3];

	if (hj_has_kernel() && (int)args[1] == RLIMIT_AS)
		return space(args[0], new, old);
	if (hj_has_kernel() && (int)args[1] == RLIMIT_NOFILE &&
	    is_self((int)args[0]))
		return limits(t, new, old);
	if (hj_has_kernel() && (int)args[1] == RLIMIT_FSIZE &&
	    is_self((int)args[0]))
		return fsize(t, args);
	return hj_window(t, __NR_prlimit64, args);
}

/* These have the same structure. */
long
hj_sys_setrlimit(struct hj_thread *t, const long *args)
{
	const long all[6] = {0, args[0], args[1]};

	if (!hj_has_kernel())
		return hj_window(t, __NR_setrlimit, args);
	return args[1] == 0 ? -EFAULT : hj_sys_prlimit64(t, all);
}

long
hj_sys_getrlimit(struct hj_thread *t, const long *args)
{
	const long all[6] = {0, args[0], 0, args[1]};

	if (!hj_has_kernel())
		return hj_window(t, __NR_getrlimit, args);
	return args[1] == 0 ? -EFAULT : hj_sys_prlimit64(t, all);
}

/*
 * What there is would be brought in, and that is a lot where we share memory
 * with the kernel: it is locked when it comes.
 */
long
hj_sys_mlockall(struct hj_thread *t, const long *args)
{
	long words[6] = {args[0]};

	if (hj_has_kernel() && (args[0] & (MCL_CURRENT | MCL_FUTURE)) != 0)
		words[0] |= MCL_ONFAULT;
	return hj_window(t, __NR_mlockall, words);
}
