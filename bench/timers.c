/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers: what the ones that wait cost those that are set.
 */
#include <errno.h>
#include <signal.h>
#include <time.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "bench.h"

#define MANY 1000000

static timer_t rump_timer, host_timer;
static struct sigevent none = {.sigev_notify = SIGEV_NONE};

/* They are due in hours, in no order. */
static void
timers_setup(void)
{
	unsigned many = bench_quick ? MANY / 100 : MANY;
	struct itimerspec its = {0};
	timer_t t;

	bench_newproc();
	for (unsigned i = 0; i < many; i++) {
		its.it_value.tv_sec = 10000 + i * 7919 % 99991;
		bench_must(
		    rump_sys_timer_create(CLOCK_MONOTONIC, &none, &t) == 0 &&
			rump_sys_timer_settime(t, 0, &its, NULL) == 0,
		    "rump timer");
	}
	bench_must(
	    rump_sys_timer_create(CLOCK_MONOTONIC, &none, &rump_timer) == 0,
	    "rump timer_create");
	bench_must(timer_create(CLOCK_MONOTONIC, &none, &host_timer) == 0,
	    "timer_create");
}

static const struct itimerspec later = {.it_value = {.tv_sec = 50000}}, never;

BENCH_BODY(rump_timer_set,
    bench_must(rump_sys_timer_settime(rump_timer, 0, &later, NULL) == 0 &&
		   rump_sys_timer_settime(rump_timer, 0, &never, NULL) == 0,
	"rump timer_settime"))
BENCH_BODY(host_timer_set,
    bench_must(timer_settime(host_timer, 0, &later, NULL) == 0 &&
		   timer_settime(host_timer, 0, &never, NULL) == 0,
	"timer_settime"))

const struct bench_line timer_lines[] = {
    {
	.bl_name = "timer_million",
	.bl_what = "set a timer and take it back, a million others set",
	.bl_hostcall = "the same calls, no others",
	.bl_unit = UNIT_NS,
	.bl_setup = timers_setup,
	.bl_rump = rump_timer_set,
	.bl_host = host_timer_set,
    },
    {0},
};
