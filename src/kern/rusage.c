/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What was used of the host: see sys_time.c for whose that is.
 */
#include <sys/resource.h>
#include <sys/times.h>

#include "kern/ktime.h"
#include "sysproto.h"

#define TICKS_PER_SEC 100 /* what sysconf(_SC_CLK_TCK) says on Linux */

int
sys_getrusage(struct lwp *l, int who, struct rusage *uru)
{
	struct rusage ru;

	(void)l;
	memset(&ru, 0, sizeof(ru));
	switch (who) {
	case RUSAGE_SELF:
	case RUSAGE_THREAD:
		hyper_rusage(&ru, who == RUSAGE_THREAD);
		break;
	case RUSAGE_CHILDREN:
		/* What children use is in their parent's. */
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

	(void)l;
	hyper_rusage(&ru, false);
	tms.tms_utime = timeval_ticks(&ru.ru_utime);
	tms.tms_stime = timeval_ticks(&ru.ru_stime);
	*retval = kern_monotonic() / (NSEC_PER_SEC / TICKS_PER_SEC);
	return utms == NULL ? 0 : copyout(&tms, utms, sizeof(tms));
}
