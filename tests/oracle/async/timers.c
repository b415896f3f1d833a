/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers that post signals, and how many signals are queued for a user.
 */
#include "async.h"

#include <sys/syscall.h>

static const struct timespec at_once = {0, 0}, soon = {5, 0};

/* Take one of set, and say what it is. */
static int
take(sigset_t set, const struct timespec *ts)
{
	siginfo_t info;
	int rv = w->sigtimedwait(&set, &info, ts);

	say_result("sigtimedwait", rv);
	if (rv == -1)
		return 0;
	say_info(&info);
	return info.si_code == SI_TIMER ? info.si_overrun : 0;
}

static struct itimerspec
every(long ms)
{
	return (struct itimerspec){{0, ms * MSEC}, {0, ms * MSEC}};
}

static void
value(void)
{
	struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL,
	    .sigev_signo = SIGRTMIN + 2,
	    .sigev_value.sival_int = 77};
	struct itimerspec its = every(2);
	int t, u, late;

	block(SIGRTMIN + 2, SIGALRM, 0);
	SAY(w->timer_create(CLOCK_MONOTONIC, &ev, &t));
	SAY(w->timer_create(CLOCK_MONOTONIC, NULL, &u));
	say("ids %d\n", u - t);
	SAY(w->timer_getoverrun(t));
	SAY(w->timer_settime(t, 0, &its, NULL));
	sleep_ms(60);
	say_pending();
	SAY(w->timer_getoverrun(t));
	late = take(set_of(SIGRTMIN + 2, 0), &soon);
	say("overrun %d, told %d\n", late >= 20 && late < 2000,
	    w->timer_getoverrun(t) == late);
	its.it_interval.tv_nsec = 0;
	SAY(w->timer_settime(t, 0, &its, NULL));
	late = take(set_of(SIGRTMIN + 2, 0), &soon);
	say("overrun %d, told %d\n", late, w->timer_getoverrun(t));
	/* Without an event the value is the id. */
	SAY(w->timer_settime(u, 0, &its, NULL));
	late = take(set_of(SIGALRM, 0), &soon);
	SAY(w->timer_delete(t));
	SAY(w->timer_getoverrun(t));
}

static void
taken_back(void)
{
	struct itimerspec its = {{0, 0}, {0, MSEC}}, never = {{0, 0}, {0, 0}};
	int t;

	block(SIGALRM, 0);
	SAY(w->timer_create(CLOCK_MONOTONIC, NULL, &t));
	SAY(w->timer_settime(t, 0, &its, NULL));
	sleep_ms(30);
	say_pending();
	SAY(w->timer_settime(t, 0, &never, NULL));
	take(set_of(SIGALRM, 0), &at_once);
	SAY(w->timer_settime(t, 0, &its, NULL));
	sleep_ms(30);
	SAY(w->timer_delete(t));
	take(set_of(SIGALRM, 0), &at_once);
}

/* A timer's signal comes beside one that is pending. */
static void
beside(void)
{
	struct itimerspec its = {{0, 0}, {0, MSEC}};
	int t;

	block(SIGALRM, 0);
	SAY(w->kill(w->getpid(), SIGALRM));
	SAY(w->timer_create(CLOCK_MONOTONIC, NULL, &t));
	SAY(w->timer_settime(t, 0, &its, NULL));
	sleep_ms(30);
	SAY(w->kill(w->getpid(), SIGALRM));
	take(set_of(SIGALRM, 0), &at_once);
	take(set_of(SIGALRM, 0), &at_once);
	take(set_of(SIGALRM, 0), &at_once);
}

static void
no_op(void *arg)
{
	(void)arg;
}

/* Posted to one thread. */
static void
to_thread(void)
{
	struct sigevent ev = {.sigev_notify = SIGEV_THREAD_ID,
	    .sigev_signo = SIGUSR1,
	    .sigev_value.sival_int = 5};
	struct itimerspec its = {{0, 0}, {0, MSEC}};
	int t;

	block(SIGUSR1, 0);
	ev._sigev_un._tid = w->gettid();
	SAY(w->timer_create(CLOCK_MONOTONIC, &ev, &t));
	SAY(w->timer_settime(t, 0, &its, NULL));
	w->thread(no_op, NULL);
	w->join();
	take(set_of(SIGUSR1, 0), &soon);
	ev._sigev_un._tid = 12345678;
	SAY(w->timer_create(CLOCK_MONOTONIC, &ev, &t));
}

/* The limit is the user's, over all processes. */
static void
limit(void)
{
	struct rlimit rl = {3, 3};
	union sigval v = {.sival_int = 1};
	int i, t;

	if (geteuid() != 0)
		return;
	SAY(w->setuid(54321));
	SAY(w->setrlimit(RLIMIT_SIGPENDING, &rl));
	block(SIGRTMIN, SIGRTMIN + 1, SIGUSR1, SIGUSR2, SIGHUP, 0);
	SAY(w->timer_create(CLOCK_MONOTONIC, NULL, &t));
	SAY(w->kill(w->getpid(), SIGUSR1));
	for (i = 0; i < 3; i++)
		SAY(w->sigqueue(w->getpid(), SIGRTMIN, v));
	SAY(w->timer_create(CLOCK_MONOTONIC, NULL, &i));
	/* Without its value, but there. */
	SAY(w->sigqueue(w->getpid(), SIGUSR2, v));
	SAY(w->kill(w->getpid(), SIGRTMIN + 1));
	SAY(w->kill(w->getpid(), SIGHUP));
	say_pending();
	SAY(w->timer_delete(t));
	SAY(w->sigqueue(w->getpid(), SIGRTMIN, v));
	for (i = 0; i < 9; i++)
		take(
		    set_of(SIGRTMIN, SIGRTMIN + 1, SIGUSR1, SIGUSR2, SIGHUP, 0),
		    &at_once);
	for (i = 0; i < 4; i++)
		SAY(w->sigqueue(w->getpid(), SIGRTMIN, v));
}

const struct script timer_scripts[] = {
    {"timer-value", value},
    {"timer-taken-back", taken_back},
    {"timer-beside", beside},
    {"timer-thread", to_thread},
    {"signal-limit", limit},
    {NULL, NULL},
};
