/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers that post signals: setitimer, alarm, timer_create.  With the model
 * that hands signals to the host, a handler counts them.
 */
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>

#include "../lib/child.h"
#include "../lib/clock.h"
#include "../lib/threads.h"

static _Atomic int caught[65];
static _Atomic int64_t caught_at;

static void catch (int signo)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	atomic_store(&caught_at, ns_of(ts));
	atomic_fetch_add(&caught[signo], 1);
}

static void
boot_raise(void)
{
	rump_boot_setsigmodel(RUMP_SIGMODEL_RAISE);
	for (int i = 0; i < 4; i++)
		(void)signal(
		    (int[]){SIGALRM, SIGVTALRM, SIGPROF, SIGUSR1}[i], catch);
	boot();
	(void)newproc(RUMP_RFCFDG);
}

static void
await(int signo, int n)
{
	int64_t start = host_now();

	while (atomic_load(&caught[signo]) < n) {
		T_ASSERT(host_now() < start + LATE_NS);
		host_msleep(1);
	}
}

static struct itimerspec
its_of(int64_t value, int64_t interval)
{
	return (struct itimerspec){
	    .it_value = ts_of(value), .it_interval = ts_of(interval)};
}

TC(alarm_once, "alarm posts one SIGALRM, and not when it is taken back.")
{
	int64_t start;

	boot_raise();
	T_EQ(0, rump_sys_alarm(1000));
	T_EQ(1000, rump_sys_alarm(500));
	start = host_now();
	T_EQ(500, rump_sys_alarm(1));
	await(SIGALRM, 1);
	T_ASSERT(atomic_load(&caught_at) >= start + SEC);
	T_EQ(0, rump_sys_alarm(1));
	T_EQ(1, rump_sys_alarm(0));
	T_EQ(0, rump_sys_alarm(0));
	host_msleep(1200);
	T_EQ(1, atomic_load(&caught[SIGALRM]));
}

TC(itimer_real, "ITIMER_REAL posts again and again, and is what it says.")
{
	struct itimerval itv = {{0, 3000}, {0, 5000}}, old;
	int64_t start;

	boot_raise();
	start = host_now();
	T_OK(rump_sys_setitimer(ITIMER_REAL, &itv, &old));
	T_EQ(0, old.it_value.tv_usec + old.it_interval.tv_usec);
	await(SIGALRM, 4);
	T_ASSERT(atomic_load(&caught_at) >= start + (5 + 3 * 3) * MSEC);
	T_OK(rump_sys_getitimer(ITIMER_REAL, &old));
	T_EQ(3000, old.it_interval.tv_usec);
	T_ASSERT(old.it_value.tv_usec > 0 && old.it_value.tv_usec <= 3000);
	T_OK(rump_sys_setitimer(ITIMER_REAL, NULL, NULL));
	T_OK(rump_sys_getitimer(ITIMER_REAL, &old));
	T_EQ(0, old.it_value.tv_usec + old.it_interval.tv_usec);
	T_ERR(EINVAL, rump_sys_getitimer(3, &old));
	T_ERR(EINVAL, rump_sys_setitimer(-1, &itv, NULL));
	itv.it_value.tv_usec = 1000000;
	T_ERR(EINVAL, rump_sys_setitimer(ITIMER_REAL, &itv, NULL));
}

TC(itimer_cpu, "ITIMER_VIRTUAL and ITIMER_PROF count CPU time.")
{
	struct itimerval itv = {{0, 0}, {0, 10000}};
	int64_t start, used;

	boot_raise();
	used = now_by(CLOCK_PROCESS_CPUTIME_ID);
	T_OK(rump_sys_setitimer(ITIMER_PROF, &itv, NULL));
	T_OK(rump_sys_setitimer(ITIMER_VIRTUAL, &itv, NULL));
	start = host_now();
	while (atomic_load(&caught[SIGPROF]) == 0 ||
	       atomic_load(&caught[SIGVTALRM]) == 0) {
		T_ASSERT(host_now() < start + LATE_NS);
		for (volatile int i = 0; i < 100000; i++)
			continue;
		rump_fiber_yield();
	}
	T_ASSERT(now_by(CLOCK_PROCESS_CPUTIME_ID) >= used + 10 * MSEC);
	T_OK(rump_sys_getitimer(ITIMER_PROF, &itv));
	T_EQ(0, itv.it_value.tv_sec + itv.it_value.tv_usec);
}

TC(timer_signals, "A timer posts its signal when its time has come.")
{
	struct sigevent ev = {
	    .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct itimerspec its, old;
	timer_t t, u;
	int64_t start;

	boot_raise();
	T_OK(rump_sys_timer_create(CLOCK_MONOTONIC, &ev, &t));
	T_OK(rump_sys_timer_create(CLOCK_REALTIME, NULL, &u));
	T_ASSERT(t != u);
	its = its_of(20 * MSEC, 0);
	start = host_now();
	T_OK(rump_sys_timer_settime(t, 0, &its, &old));
	T_EQ(0, ns_of(old.it_value));
	T_OK(rump_sys_timer_gettime(t, &old));
	T_ASSERT(ns_of(old.it_value) <= 20 * MSEC);
	await(SIGUSR1, 1);
	T_ASSERT(atomic_load(&caught_at) >= start + 20 * MSEC);
	T_OK(rump_sys_timer_gettime(t, &old));
	T_EQ(0, ns_of(old.it_value));
	T_EQ(0, rump_sys_timer_getoverrun(t));
	/* Of the other: its own signal, at a time of the clock. */
	its = its_of(now_by(CLOCK_REALTIME) + 10 * MSEC, 0);
	T_OK(rump_sys_timer_settime(u, TIMER_ABSTIME, &its, NULL));
	await(SIGALRM, 1);
	/* Removed, it is not there and posts nothing. */
	its = its_of(50 * MSEC, 50 * MSEC);
	T_OK(rump_sys_timer_settime(t, 0, &its, NULL));
	T_OK(rump_sys_timer_delete(t));
	T_ERR(EINVAL, rump_sys_timer_delete(t));
	T_ERR(EINVAL, rump_sys_timer_gettime(t, &its));
	T_ERR(EINVAL, rump_sys_timer_getoverrun(t));
	T_ERR(EINVAL, rump_sys_timer_settime(t, 0, &its, NULL));
	host_msleep(150);
	T_EQ(1, atomic_load(&caught[SIGUSR1]));
}

TC(timer_thread_id, "SIGEV_THREAD_ID wants an lwp of the process.")
{
	struct sigevent ev = {
	    .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1};
	struct itimerspec its = its_of(MSEC, 0);
	timer_t t;

	boot_raise();
	ev._sigev_un._tid = 77;
	T_ERR(EINVAL, rump_sys_timer_create(CLOCK_MONOTONIC, &ev, &t));
	ev._sigev_un._tid = rump_sys_gettid();
	T_OK(rump_sys_timer_create(CLOCK_MONOTONIC, &ev, &t));
	T_OK(rump_sys_timer_settime(t, 0, &its, NULL));
	await(SIGUSR1, 1);
}

TC(timer_none, "SIGEV_NONE: only to look at; with an interval it goes on.")
{
	struct sigevent ev = {.sigev_notify = SIGEV_NONE};
	struct itimerspec its = its_of(1, 100 * SEC);
	timer_t t;

	boot_raise();
	T_OK(rump_sys_timer_create(CLOCK_MONOTONIC, &ev, &t));
	T_OK(rump_sys_timer_settime(t, 0, &its, NULL));
	host_msleep(20);
	for (int i = 0; i < 1000; i++) {
		T_OK(rump_sys_timer_gettime(t, &its));
		if (ns_of(its.it_value) > 1)
			break;
		host_msleep(10);
	}
	T_ASSERT(ns_of(its.it_value) > SEC);
	T_EQ(100 * SEC, ns_of(its.it_interval));
}

TC(timer_overrun, "What is due while its signal is pending is counted.")
{
	struct itimerspec its = its_of(MSEC, MSEC);
	siginfo_t info;
	sigset_t set;
	timer_t t;

	tc_local();
	rump_boot_setsigmodel(RUMP_SIGMODEL_RECORD);
	boot();
	(void)newproc(0);
	T_OK(rump_sys_timer_create(CLOCK_MONOTONIC, NULL, &t));
	T_OK(rump_sys_timer_settime(t, 0, &its, NULL));
	host_msleep(20);
	/* It is known when the signal is taken. */
	T_EQ(0, rump_sys_timer_getoverrun(t));
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	T_EQ(SIGALRM, rump_sys_sigwaitinfo(&set, &info));
	T_ASSERT(info.si_overrun >= 10);
	T_EQ(info.si_overrun, rump_sys_timer_getoverrun(t));
}

TC(timers_follow_the_clock, "Setting the clock makes a timer due.")
{
	struct timespec then = {2000000000, 0};
	struct itimerspec its = {.it_value = then};
	timer_t t;

	boot_raise();
	T_OK(rump_sys_timer_create(CLOCK_REALTIME, NULL, &t));
	T_OK(rump_sys_timer_settime(t, TIMER_ABSTIME, &its, NULL));
	host_msleep(20);
	T_EQ(0, atomic_load(&caught[SIGALRM]));
	T_OK(rump_sys_clock_settime(CLOCK_REALTIME, &then));
	await(SIGALRM, 1);
}

TC(timers_end_with_the_process, "A process that has gone posts nothing, and "
				"leaves nothing.")
{
	struct itimerval itv = {{0, 1000}, {0, 50000}};
	struct itimerspec its = its_of(MSEC, 50 * MSEC);
	struct rump_memstat before, after;
	timer_t t;
	int n;

	boot_raise();
	/* The first of all makes what stays. */
	T_EQ(0, rump_sys_alarm(1000));
	T_EQ(1000, rump_sys_alarm(0));
	T_EQ(0, rump_pub_memstat(&before));
	(void)newproc(0);
	T_OK(rump_sys_setitimer(ITIMER_REAL, &itv, NULL));
	for (int i = 0; i < 100; i++) {
		T_OK(rump_sys_timer_create(CLOCK_MONOTONIC, NULL, &t));
		T_EQ(i, (intptr_t)t);
		T_OK(rump_sys_timer_settime(t, 0, &its, NULL));
	}
	await(SIGALRM, 1);
	rump_pub_lwproc_releaselwp();
	host_msleep(100);
	n = atomic_load(&caught[SIGALRM]);
	host_msleep(200);
	T_EQ(n, atomic_load(&caught[SIGALRM]));
	(void)newproc(0);
	rump_pub_lwproc_releaselwp();
	T_EQ(0, rump_pub_memstat(&after));
	T_EQ(before.lwps, after.lwps);
	T_EQ(before.procs, after.procs);
}

static void
child_await(void *arg)
{
	T_OK(sigprocmask(SIG_UNBLOCK, arg, NULL));
	await(SIGUSR1, 1);
	await(SIGALRM, 1);
}

static void
parent_arm(void)
{
	struct sigevent ev = {
	    .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct itimerspec its = its_of(300 * MSEC, 0);
	struct itimerval itv = {{0, 0}, {0, 1000}};
	sigset_t both;
	timer_t t;

	boot_raise();
	T_OK(rump_sys_timer_create(CLOCK_MONOTONIC, &ev, &t));
	T_OK(rump_sys_timer_settime(t, 0, &its, NULL));
	T_OK(rump_sys_setitimer(ITIMER_REAL, &itv, NULL));
	await(SIGALRM, 1);
	atomic_store(&caught[SIGALRM], 0);
	itv.it_value.tv_usec = 200000;
	T_OK(rump_sys_setitimer(ITIMER_REAL, &itv, NULL));
	/* The child has both, and a thread of its own for them. */
	(void)sigemptyset(&both);
	(void)sigaddset(&both, SIGALRM);
	(void)sigaddset(&both, SIGUSR1);
	T_OK(sigprocmask(SIG_BLOCK, &both, NULL));
	child_passes(child_await, &both);
}

TC(timers_after_fork, "What is armed goes off in the child of the host's "
		      "fork, too.")
{
	tc_local();
	if (TC_TSAN)
		atf_tc_skip("ThreadSanitizer: no threads in such a child");
	parent_arm();
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, alarm_once);
	ATF_TP_ADD_TC(tp, itimer_real);
	ATF_TP_ADD_TC(tp, itimer_cpu);
	ATF_TP_ADD_TC(tp, timer_signals);
	ATF_TP_ADD_TC(tp, timer_thread_id);
	ATF_TP_ADD_TC(tp, timer_none);
	ATF_TP_ADD_TC(tp, timer_overrun);
	ATF_TP_ADD_TC(tp, timers_follow_the_clock);
	ATF_TP_ADD_TC(tp, timers_end_with_the_process);
	ATF_TP_ADD_TC(tp, timers_after_fork);
	return atf_no_error();
}
