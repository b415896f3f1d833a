/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's clocks: the host's, so far.
 */
#include <time.h>

#include "kern/kern.h"

#define NSEC_PER_SEC INT64_C(1000000000)

void
kern_realtime(struct timespec *ts)
{
	int64_t now = hyper_clock(HYPER_CLOCK_REALTIME);

	ts->tv_sec = now / NSEC_PER_SEC;
	ts->tv_nsec = now % NSEC_PER_SEC;
}

int64_t
kern_monotonic(void)
{
	return hyper_clock(HYPER_CLOCK_MONOTONIC);
}
