/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's clocks: the host's, so far.
 */
#include <time.h>

#include "kern/boot.h"
#include "kern/kern.h"

#define NSEC_PER_SEC INT64_C(1000000000)

/* When the kernel was booted, by both clocks; stable after boot. */
static int64_t boot_realtime, boot_monotonic;

void
clock_init(void)
{
	boot_realtime = hyper_clock(HYPER_CLOCK_REALTIME);
	boot_monotonic = hyper_clock(HYPER_CLOCK_MONOTONIC);
}

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

void
kern_boottime(struct timespec *ts)
{
	ts->tv_sec = boot_realtime / NSEC_PER_SEC;
	ts->tv_nsec = boot_realtime % NSEC_PER_SEC;
}

int64_t
kern_uptime(int64_t monotonic)
{
	return monotonic > boot_monotonic ? monotonic - boot_monotonic : 0;
}
