/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The limit of descriptors: the engine needs some above what the program
 * allows itself, and could not have them if the host's hard limit went down.
 * That is kept here, and across execve.
 */
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

long
hj_sys_prlimit64(struct hj_thread *t, const long *args)
{
	int pid = (int)args[0];

	if (!hj_has_kernel() || (int)args[1] != RLIMIT_NOFILE ||
	    (pid != 0 && pid != hj_raw0(__NR_getpid)))
		return hj_window(t, __NR_prlimit64, args);
	return limits(t, (unsigned long)args[2], (unsigned long)args[3]);
}

/* These have the same structure. */
long
hj_sys_setrlimit(struct hj_thread *t, const long *args)
{
	if (!hj_has_kernel() || (int)args[0] != RLIMIT_NOFILE)
		return hj_window(t, __NR_setrlimit, args);
	return args[1] == 0 ? -EFAULT : limits(t, (unsigned long)args[1], 0);
}

long
hj_sys_getrlimit(struct hj_thread *t, const long *args)
{
	if (!hj_has_kernel() || (int)args[0] != RLIMIT_NOFILE)
		return hj_window(t, __NR_getrlimit, args);
	return args[1] == 0 ? -EFAULT : limits(t, 0, (unsigned long)args[1]);
}
