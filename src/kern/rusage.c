/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What was used of the host: see sys_time.c for whose that is.
 */
#include <sys/resource.h>
#include <sys/times.h>

#include "kern/boot.h"
#include "kern/cputime.h"
#include "kern/ktime.h"
#include "kern/proc_impl.h"
#include "sysproto.h"

#define TICKS_PER_SEC 100 /* what sysconf(_SC_CLK_TCK) says on Linux */

int
sys_getrusage(struct lwp *l, int who, struct rusage *uru)
{
	struct rusage ru;

	switch (who) {
	case RUSAGE_SELF:
		if (kern_config.kc_cputime) {
			cputime_rusage(&ru, cputime_self(l));
			break;
		}
		/* FALLTHROUGH */
	case RUSAGE_THREAD:
		hyper_rusage(&ru, who == RUSAGE_THREAD);
		break;
	case RUSAGE_CHILDREN:
		/* 0 if what children use is in the host process's. */
		cputime_rusage(
		    &ru, atomic_load_explicit(
			     &l->l_proc->p_childtime, memory_order_relaxed));
		break;
	default:
		return EINVAL;
	}
	return copyout(&ru, uru, sizeof(ru));
}

static clock_t
timeval_ticks(const struct timeval *tv)
{
	return tv->tv_sec * TICKS_PER_SEC +
	       tv->tv_usec / (1000000 / TICKS_PER_SEC);
}

int
sys_times(struct lwp *l, struct tms *utms, clock_t *retval)
{
	struct tms tms = {0};
	struct rusage ru;

	if (kern_config.kc_cputime)
		cputime_rusage(&ru, cputime_self(l));
	else
		hyper_rusage(&ru, false);
	tms.tms_utime = timeval_ticks(&ru.ru_utime);
	tms.tms_stime = timeval_ticks(&ru.ru_stime);
	cputime_rusage(&ru, atomic_load_explicit(
				&l->l_proc->p_childtime, memory_order_relaxed));
	tms.tms_cutime = timeval_ticks(&ru.ru_utime);
	*retval = kern_monotonic() / (NSEC_PER_SEC / TICKS_PER_SEC);
	return utms == NULL ? 0 : copyout(&tms, utms, sizeof(tms));
}
