/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers that go off while they are set, taken back and removed: eight host
 * threads, with processes that come and go.
 *
 *	timer_race [seed [steps]]
 *
 * What holds whatever the others do: a timer does not go off before its time,
 * a sleep is not too short, and what was set is what is said to be set.  In
 * the end the kernel's memory, processes and files are what they were.
 */
#include <sys/timerfd.h>

#include <fcntl.h>
#include <signal.h>

#include "../lib/stress.h"

#define MAXTIMERS 8
#define MAXFDS	  8
#define SEC	  INT64_C(1000000000)

/* Shared by all: timers that anybody reads, sets and closes. */
static int common[MAXFDS];
static struct lwp *commonlwp[NTHREADS];

/* Of the process that the thread is in now. */
static _Thread_local timer_t timers[MAXTIMERS];
static _Thread_local int ntimers;

static int64_t
now(void)
{
	struct timespec ts;

	if (rump_sys_clock_gettime(CLOCK_MONOTONIC, &ts) != 0)
		differ("clock_gettime");
	return ts.tv_sec * SEC + ts.tv_nsec;
}

static struct timespec
ts_of(int64_t ns)
{
	return (struct timespec){ns / SEC, ns % SEC};
}

/* Some microseconds, or so long that it never comes. */
static struct itimerspec
some_time(void)
{
	return (struct itimerspec){
	    .it_value =
		ts_of(rnd(4) == 0 ? 1000 * SEC : (int64_t)rnd(300000) + 1),
	    .it_interval = ts_of(rnd(2) == 0 ? 0 : rnd(200000))};
}

static void
do_sleep(void)
{
	int64_t ns = (int64_t)rnd(100000), start = now();
	struct timespec ts = ts_of(rnd(2) == 0 ? ns : start + ns);
	int flags = ts.tv_sec * SEC + ts.tv_nsec == ns ? 0 : TIMER_ABSTIME;

	if (rump_sys_clock_nanosleep(CLOCK_MONOTONIC, flags, &ts, NULL) != 0) {
		if (errno != EINTR)
			differ("clock_nanosleep");
	} else if (now() < start + ns)
		differ("a sleep was too short");
}

static void
do_create(void)
{
	struct sigevent ev = {
	    .sigev_notify = rnd(3) == 0 ? SIGEV_NONE : SIGEV_SIGNAL,
	    .sigev_signo = SIGUSR1};

	if (ntimers == MAXTIMERS)
		return;
	if (rump_sys_timer_create(
		rnd(2) == 0 ? CLOCK_REALTIME : CLOCK_MONOTONIC, &ev,
		&timers[ntimers]) != 0)
		differ("timer_create");
	ntimers++;
}

static void
do_delete(void)
{
	if (ntimers == 0)
		return;
	if (rump_sys_timer_delete(timers[--ntimers]) != 0)
		differ("timer_delete");
}

static void
do_set(void)
{
	struct itimerspec its = some_time(), was;

	if (ntimers == 0)
		return;
	if (rump_sys_timer_settime(
		timers[rnd((uint32_t)ntimers)], 0, &its, NULL) != 0)
		differ("timer_settime");
	if (rump_sys_timer_gettime(timers[0], &was) != 0 ||
	    rump_sys_timer_getoverrun(timers[0]) < 0)
		differ("timer_gettime");
}

static void
do_itimer(void)
{
	struct itimerval itv = {{0, (long)rnd(500)}, {0, (long)rnd(500)}};

	if (rump_sys_setitimer((int)rnd(3), &itv, NULL) != 0)
		differ("setitimer");
}

/* A new process; what the old one had set goes with it. */
static void
do_process(void)
{
	rump_pub_lwproc_releaselwp();
	ntimers = 0;
	if (rump_pub_lwproc_rfork(RUMP_RFCFDG) != 0)
		differ("rfork");
}

static void
do_own_fd(void)
{
	struct itimerspec its = some_time();
	int64_t start = now(), value;
	uint64_t n;
	int fd = rump_sys_timerfd_create(CLOCK_MONOTONIC, 0);

	value = its.it_value.tv_sec * SEC + its.it_value.tv_nsec;
	if (fd == -1 || rump_sys_timerfd_settime(fd, 0, &its, NULL) != 0)
		differ("timerfd");
	if (value < SEC && rnd(2) == 0) {
		if (rump_sys_read(fd, &n, sizeof(n)) != sizeof(n)) {
			if (errno != EINTR)
				differ("read");
		} else if (now() < start + value || n == 0)
			differ("a timerfd was early");
	}
	if (rump_sys_close(fd) != 0)
		differ("close");
}

/* Be in the common process for a step. */
static void
do_common_fd(void)
{
	struct lwp *own = rump_pub_lwproc_curlwp();
	int k = (int)rnd(MAXFDS);
	struct itimerspec its = some_time();
	uint64_t n;

	rump_pub_lwproc_switch(commonlwp[me->id]);
	switch (rnd(4)) {
	case 0:
		if (rump_sys_read(common[k], &n, sizeof(n)) != sizeof(n) &&
		    errno != EAGAIN)
			differ("read of a common one");
		break;
	case 1:
		if (rump_sys_timerfd_gettime(common[k], &its) != 0)
			differ("timerfd_gettime");
		break;
	default:
		if (rump_sys_timerfd_settime(common[k], 0, &its, NULL) != 0)
			differ("timerfd_settime");
	}
	rump_pub_lwproc_switch(own);
}

/* A little forward, so that nothing is early for it. */
static void
do_set_clock(void)
{
	struct timespec ts;

	if (rump_sys_clock_gettime(CLOCK_REALTIME, &ts) != 0 ||
	    rump_sys_clock_settime(CLOCK_REALTIME, &ts) != 0)
		differ("clock_settime");
}

static const struct action actions[] = {
    {10, "sleep", do_sleep},
    {10, "create", do_create},
    {6, "delete", do_delete},
    {20, "set", do_set},
    {5, "itimer", do_itimer},
    {4, "process", do_process},
    {15, "own_fd", do_own_fd},
    {20, "common_fd", do_common_fd},
    {2, "set_clock", do_set_clock},
};

static void *
tester_main(void *arg)
{
	me = arg;
	ntimers = 0;
	if (rump_pub_lwproc_rfork(RUMP_RFCFDG) != 0)
		differ("rfork");
	while (me->step < steps) {
		me->step++;
		one_step(actions, sizeof(actions) / sizeof(actions[0]));
	}
	rump_pub_lwproc_releaselwp();
	return NULL;
}

/* A process with timers, and an lwp in it for each thread. */
static void
common_make(void)
{
	pid_t pid;

	want(0, rump_pub_lwproc_rfork(RUMP_RFCFDG));
	commonlwp[0] = rump_pub_lwproc_curlwp();
	pid = rump_sys_getpid();
	for (int i = 0; i < MAXFDS; i++) {
		common[i] = rump_sys_timerfd_create(
		    i % 2 == 0 ? CLOCK_MONOTONIC : CLOCK_REALTIME,
		    TFD_NONBLOCK);
		if (common[i] == -1)
			differ("timerfd_create");
	}
	for (int i = 1; i < NTHREADS; i++) {
		want(0, rump_pub_lwproc_newlwp(pid));
		commonlwp[i] = rump_pub_lwproc_curlwp();
	}
	rump_pub_lwproc_switch(NULL);
}

static void
round_of(long n, uint64_t first)
{
	common_make();
	steps = n / NTHREADS;
	run_testers(first, tester_main);
	for (int i = 0; i < NTHREADS; i++) {
		rump_pub_lwproc_switch(commonlwp[i]);
		rump_pub_lwproc_releaselwp();
	}
}

int
main(int argc, char **argv)
{
	struct rump_memstat start, end;
	long wanted;

	seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	wanted = argc > 2 ? strtol(argv[2], NULL, 0) : 64000;
	rump_boot_setsigmodel(RUMP_SIGMODEL_RECORD);
	if (rump_init() != 0)
		differ("rump_init");
	/* The first timer makes what stays. */
	(void)rump_sys_alarm(1000);
	(void)rump_sys_alarm(0);
	round_of(0, 0);
	memstat(&start);
	for (int round = 0; round < 2; round++) {
		round_of(wanted / 2, seed * 2 + (uint64_t)round);
		memstat(&end);
		compare(&start, &end);
	}
	return 0;
}
