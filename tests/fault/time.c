/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults in what timers take.
 *
 *	time [-v] [name]
 */
#include <sys/timerfd.h>

#include <unistd.h>

#include "../lib/fault.h"

#define NTIMERS 20 /* more than the first table has room for */

static timer_t timers[NTIMERS];

static int
run_timerfd(void)
{
	return result(fd = rump_sys_timerfd_create(CLOCK_MONOTONIC, 0));
}

static void
setup_timerfd(void)
{
	MUST(fd = rump_sys_timerfd_create(CLOCK_REALTIME, 0));
}

static void
keep_fd(void)
{
}

static const struct itimerspec later = {
    .it_value = {.tv_sec = 1000}, .it_interval = {.tv_sec = 1}};

static int
run_timerfd_settime(void)
{
	return result(rump_sys_timerfd_settime(
	    fd, TFD_TIMER_CANCEL_ON_SET, &later, NULL));
}

static int
run_setitimer(void)
{
	struct itimerval itv = {{0, 0}, {1000, 0}};

	return result(rump_sys_setitimer(ITIMER_REAL, &itv, NULL));
}

static void
undo_setitimer(void)
{
	MUST(rump_sys_setitimer(ITIMER_REAL, NULL, NULL));
}

/* All of them or none. */
static int
run_timers(void)
{
	int error = 0, i;

	for (i = 0; i < NTIMERS && error == 0; i++) {
		error = result(
		    rump_sys_timer_create(CLOCK_MONOTONIC, NULL, &timers[i]));
		if (error == 0)
			MUST(
			    rump_sys_timer_settime(timers[i], 0, &later, NULL));
	}
	if (error != 0) {
		for (i--; i-- > 0;)
			MUST(rump_sys_timer_delete(timers[i]));
	}
	return error;
}

static void
undo_timers(void)
{
	for (int i = 0; i < NTIMERS; i++)
		MUST(rump_sys_timer_delete(timers[i]));
}

static int
run_sleep(void)
{
	struct timespec ts = {0, 1000};

	return result(rump_sys_nanosleep(&ts, NULL));
}

/* The process keeps what was made for its first timer. */
static const struct scenario scenarios[] = {
    {"timerfd", nothing, run_timerfd, undo_fd, nothing, 0},
    {"timerfd-settime", setup_timerfd, run_timerfd_settime, keep_fd, undo_fd,
	0},
    {"setitimer", nothing, run_setitimer, undo_setitimer, nothing, KEEPS},
    {"timer-create", nothing, run_timers, undo_timers, nothing, KEEPS},
    {"nanosleep", nothing, run_sleep, nothing, nothing, 0},
};

int
main(int argc, char **argv)
{
	const char *only = fault_start(argc, argv);

	if (fault_boot() != 0)
		return 1;
	/* The thread for timers takes memory once, at a time of its own. */
	(void)rump_sys_alarm(1000);
	(void)rump_sys_alarm(0);
	(void)usleep(100000);
	run_scenarios(
	    scenarios, sizeof(scenarios) / sizeof(scenarios[0]), only);
	return errors != 0;
}
