/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clocks: reading, setting, sleeping by them.
 */
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/times.h>

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>

#include "../lib/child.h"
#include "../lib/clock.h"
#include "../lib/threads.h"

static const clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC,
    CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_RAW,
    CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME, CLOCK_TAI};
#define NCLOCKS (sizeof(clocks) / sizeof(clocks[0]))

TC(clocks_advance, "No clock goes back; that of the real time is the host's.")
{
	struct timespec ts;
	int64_t a, b;

	boot();
	for (size_t i = 0; i < NCLOCKS; i++) {
		a = now_by(clocks[i]);
		for (volatile int k = 0; k < 100000; k++)
			continue;
		b = now_by(clocks[i]);
		T_ASSERT(a <= b);
		T_OK(rump_sys_clock_getres(clocks[i], &ts));
		T_ASSERT(ts.tv_sec == 0 && ts.tv_nsec > 0);
		T_OK(rump_sys_clock_getres(clocks[i], NULL));
	}
	T_OK(clock_gettime(CLOCK_REALTIME, &ts));
	a = now_by(CLOCK_REALTIME);
	T_ASSERT(a >= ns_of(ts) && a < ns_of(ts) + LATE_NS);
	T_ASSERT(rump_sys_time(NULL) >= a / SEC);
	T_ERR(EINVAL, rump_sys_clock_gettime(999, &ts));
	T_ERR(EINVAL, rump_sys_clock_gettime(INT_MIN, &ts));
	T_ERR(EINVAL, rump_sys_clock_getres(-1, &ts));
	T_ERR(EFAULT, rump_sys_clock_gettime(CLOCK_REALTIME, NULL));
}

TC(cpu_time, "CPU time goes on when the processor is used.")
{
	struct rusage ru;
	struct tms tms;
	int64_t start, first, thread;

	boot();
	first = now_by(CLOCK_PROCESS_CPUTIME_ID);
	thread = now_by(CLOCK_THREAD_CPUTIME_ID);
	start = host_now();
	while (now_by(CLOCK_THREAD_CPUTIME_ID) < thread + 20 * MSEC)
		T_ASSERT(host_now() < start + LATE_NS);
	T_ASSERT(now_by(CLOCK_PROCESS_CPUTIME_ID) >= first + 20 * MSEC);
	T_OK(rump_sys_getrusage(RUSAGE_SELF, &ru));
	T_ASSERT(ru.ru_utime.tv_sec + ru.ru_utime.tv_usec + ru.ru_stime.tv_sec +
		     ru.ru_stime.tv_usec >
		 0);
	T_OK(rump_sys_getrusage(RUSAGE_THREAD, &ru));
	T_OK(rump_sys_getrusage(RUSAGE_CHILDREN, &ru));
	T_EQ(0, ru.ru_utime.tv_usec);
	T_ERR(EINVAL, rump_sys_getrusage(77, &ru));
	T_ERR(EFAULT, rump_sys_getrusage(RUSAGE_SELF, NULL));
	T_ASSERT(rump_sys_times(&tms) > 0);
	T_ASSERT(tms.tms_utime + tms.tms_stime > 0);
	T_EQ(0, tms.tms_cutime);
}

TC(set_the_clock, "Root sets the kernel's clock; the host's, and the "
		  "monotonic one, stay.")
{
	struct timespec ts = {2000000000, 5}, host;
	struct timeval tv;
	struct stat sb;
	int64_t mono;
	int fd;

	boot();
	(void)newproc(RUMP_RFCFDG);
	mono = now_by(CLOCK_MONOTONIC);
	T_OK(rump_sys_clock_settime(CLOCK_REALTIME, &ts));
	T_ASSERT(now_by(CLOCK_REALTIME) >= ns_of(ts));
	T_ASSERT(now_by(CLOCK_REALTIME) < ns_of(ts) + LATE_NS);
	T_ASSERT(now_by(CLOCK_TAI) >= ns_of(ts));
	T_ASSERT(now_by(CLOCK_MONOTONIC) >= mono);
	T_ASSERT(now_by(CLOCK_MONOTONIC) < mono + LATE_NS);
	T_OK(clock_gettime(CLOCK_REALTIME, &host));
	T_ASSERT(host.tv_sec < 2000000000);
	/* Files have the kernel's time, as of its last tick. */
	fd = (int)T_OK(rump_sys_open("/f", O_RDWR | O_CREAT, 0600));
	T_OK(rump_sys_fstat(fd, &sb));
	T_ASSERT(sb.st_mtim.tv_sec >= 1999999999);
	/* And back, by the other call. */
	tv = (struct timeval){1000000000, 7};
	T_OK(rump_sys_settimeofday(&tv, NULL));
	T_OK(rump_sys_gettimeofday(&tv, NULL));
	T_ASSERT(tv.tv_sec >= 1000000000 && tv.tv_sec < 1000000100);
	T_OK(rump_sys_setuid(1));
	T_ERR(EPERM, rump_sys_clock_settime(CLOCK_REALTIME, &ts));
	T_ERR(EPERM, rump_sys_settimeofday(&tv, NULL));
	ts.tv_nsec = SEC;
	T_ERR(EINVAL, rump_sys_clock_settime(CLOCK_REALTIME, &ts));
	T_ERR(EINVAL, rump_sys_clock_settime(CLOCK_MONOTONIC, &ts));
}

TC(adjtime_moves_the_clock, "adjtime moves the clock slowly, one way and the "
			    "other.")
{
	struct timeval tv = {10, 0}, old;
	struct timespec off;
	int64_t before, after, start;

	boot();
	(void)newproc(RUMP_RFCFDG);
	T_OK(rump_sys_adjtime(&tv, &old));
	T_EQ(0, old.tv_sec);
	T_EQ(0, old.tv_usec);
	start = host_now();
	T_OK(clock_gettime(CLOCK_REALTIME, &off));
	before = now_by(CLOCK_REALTIME) - ns_of(off);
	host_msleep(100);
	/* Twice, because the two clocks are not read at once. */
	after = now_by(CLOCK_REALTIME);
	T_OK(clock_gettime(CLOCK_REALTIME, &off));
	after -= ns_of(off);
	T_ASSERT(after < (host_now() - start) / 1000 + 50 * MSEC);
	T_ASSERT(after >= before - 20 * MSEC);
	T_OK(rump_sys_adjtime(NULL, &old));
	T_ASSERT(old.tv_sec == 9 && old.tv_usec < 1000000 - 40);
	tv = (struct timeval){0, -1000};
	T_OK(rump_sys_adjtime(&tv, NULL));
	T_OK(rump_sys_adjtime(NULL, &old));
	T_EQ(0, old.tv_sec);
	T_ASSERT(old.tv_usec <= 0 && old.tv_usec >= -1000);
	tv = (struct timeval){1000000, 0};
	T_ERR(EINVAL, rump_sys_adjtime(&tv, NULL));
	T_OK(rump_sys_setuid(1));
	tv.tv_sec = 1;
	T_ERR(EPERM, rump_sys_adjtime(&tv, NULL));
	T_OK(rump_sys_adjtime(NULL, &old));
}

TC(sleep_for, "A sleep is never too short.")
{
	struct timespec ts;
	int64_t start;

	boot();
	for (int ms = 0; ms < 30; ms += 7) {
		ts = ts_of(ms * MSEC + 1);
		start = host_now();
		T_OK(rump_sys_nanosleep(&ts, NULL));
		T_TOOK(ms * MSEC + 1, start);
		start = host_now();
		T_OK(rump_sys_clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL));
		T_TOOK(ms * MSEC + 1, start);
	}
	ts = ts_of(0);
	T_OK(rump_sys_nanosleep(&ts, NULL));
	ts.tv_nsec = SEC;
	T_ERR(EINVAL, rump_sys_nanosleep(&ts, NULL));
	ts = (struct timespec){-1, 0};
	T_ERR(EINVAL, rump_sys_nanosleep(&ts, NULL));
	T_ERR(EFAULT, rump_sys_nanosleep(NULL, NULL));
}

TC(sleep_until, "A sleep until a time of a clock, past ones included.")
{
	static const clockid_t ids[] = {
	    CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_TAI};
	struct timespec ts;
	int64_t until;

	boot();
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		until = now_by(ids[i]) + 15 * MSEC;
		ts = ts_of(until);
		T_OK(
		    rump_sys_clock_nanosleep(ids[i], TIMER_ABSTIME, &ts, NULL));
		T_ASSERT(now_by(ids[i]) >= until);
		T_ASSERT(now_by(ids[i]) < until + LATE_NS);
		ts = ts_of(1);
		T_OK(
		    rump_sys_clock_nanosleep(ids[i], TIMER_ABSTIME, &ts, NULL));
	}
	T_ERR(EINVAL,
	    rump_sys_clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &ts, NULL));
	T_ERR(EOPNOTSUPP,
	    rump_sys_clock_nanosleep(CLOCK_MONOTONIC_RAW, 0, &ts, NULL));
	T_ERR(EINVAL, rump_sys_clock_nanosleep(999, 0, &ts, NULL));
}

/* A host thread with a process that sleeps until a time in 2038. */
struct sleeper {
	struct thread thread;
	_Atomic bool asleep;
	pid_t pid;
	clockid_t id;
	int flags;
	struct timespec ts, rem;
	int error;
};

static void
sleeper_main(struct thread *t)
{
	struct sleeper *s = t->t_arg;

	(void)newproc(0);
	s->pid = rump_sys_getpid();
	atomic_store(&s->asleep, true);
	s->error =
	    rump_sys_clock_nanosleep(s->id, s->flags, &s->ts, &s->rem) == 0
		? 0
		: errno;
	rump_pub_lwproc_releaselwp();
}

static void
sleeper_start(struct sleeper *s, clockid_t id, int flags, int64_t ns)
{
	*s = (struct sleeper){.id = id, .flags = flags, .ts = ts_of(ns)};
	thread_start(&s->thread, 0, sleeper_main, s);
	while (!atomic_load(&s->asleep))
		host_msleep(1);
	host_msleep(20);
}

TC(sleep_is_interrupted, "A signal ends a sleep, which says what is left.")
{
	struct sleeper s;

	tc_local();
	rump_boot_setsigmodel(RUMP_SIGMODEL_RECORD);
	boot();
	sleeper_start(&s, CLOCK_MONOTONIC, 0, 1000 * SEC);
	T_OK(rump_sys_kill(s.pid, SIGUSR1));
	thread_join(&s.thread);
	T_EQ(EINTR, s.error);
	T_ASSERT(ns_of(s.rem) > 100 * SEC && ns_of(s.rem) < 1000 * SEC);
	/* Not when it is a time that is waited for. */
	sleeper_start(&s, CLOCK_MONOTONIC, TIMER_ABSTIME,
	    now_by(CLOCK_MONOTONIC) + 1000 * SEC);
	T_OK(rump_sys_kill(s.pid, SIGUSR1));
	thread_join(&s.thread);
	T_EQ(EINTR, s.error);
	T_EQ(0, ns_of(s.rem));
}

TC(sleep_sees_the_clock_set, "Setting the clock ends a sleep until a time "
			     "that is over then.")
{
	struct timespec ts = {2000000000, 0};
	struct sleeper s, r;

	boot();
	sleeper_start(&s, CLOCK_REALTIME, TIMER_ABSTIME, ns_of(ts));
	/* A sleep for some time is no matter of what time it is. */
	sleeper_start(&r, CLOCK_REALTIME, 0, SEC);
	T_OK(rump_sys_clock_settime(CLOCK_REALTIME, &ts));
	thread_join(&s.thread);
	T_EQ(0, s.error);
	thread_join(&r.thread);
	T_EQ(0, r.error);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, clocks_advance);
	ATF_TP_ADD_TC(tp, cpu_time);
	ATF_TP_ADD_TC(tp, set_the_clock);
	ATF_TP_ADD_TC(tp, adjtime_moves_the_clock);
	ATF_TP_ADD_TC(tp, sleep_for);
	ATF_TP_ADD_TC(tp, sleep_until);
	ATF_TP_ADD_TC(tp, sleep_is_interrupted);
	ATF_TP_ADD_TC(tp, sleep_sees_the_clock_set);
	return atf_no_error();
}
