/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * setitimer, getitimer, alarm.
 *
 * ITIMER_REAL is a ktimer.  The other two go by CPU time, which nothing can
 * wait for: while one of them is set, it is looked at every ITIMER_TURN or, if
 * it cannot be due so soon with every processor busy, less often.
 */
#include <signal.h>

#include "kern/boot.h"
#include "kern/ptimer.h"
#include "sysproto.h"

#define ITIMER_TURN INT64_C(4000000)

static const int itimer_signo[NITIMERS] = {
    [ITIMER_REAL] = SIGALRM,
    [ITIMER_VIRTUAL] = SIGVTALRM,
    [ITIMER_PROF] = SIGPROF,
};

/* CPU time by which one that is not ITIMER_REAL goes: user time, or all. */
static int64_t
itimer_used(int which)
{
	struct rusage ru;

	if (which == ITIMER_PROF)
		return hyper_clock(HYPER_CLOCK_PROCESS);
	hyper_rusage(&ru, false);
	return ru.ru_utime.tv_sec * NSEC_PER_SEC + ru.ru_utime.tv_usec * 1000;
}

/* Look again when CPU time may have reached it_when. */
static int
itimer_look_later(struct itimer *it, int64_t used)
{
	int64_t wait = (it->it_when - used) / hyper_ncpu();

	KASSERT(mutex_owned(&it->it_owner->pts_lock));
	if (wait < ITIMER_TURN)
		wait = ITIMER_TURN;
	return ktimer_set(&it->it_timer, KTIMER_MONOTONIC,
	    ktime_add(kern_monotonic(), wait), 0);
}

/* Is one by CPU time due?  It is set to its next time. */
static bool
itimer_cpu_due(struct itimer *it)
{
	int64_t used = itimer_used(it->it_which), n;
	bool due;

	mutex_enter(&it->it_owner->pts_lock);
	due = it->it_when != 0 && it->it_when <= used;
	if (due && it->it_interval == 0)
		it->it_when = 0;
	else if (due) {
		n = (used - it->it_when) / it->it_interval + 1;
		it->it_when = ktime_add(it->it_when, n * it->it_interval);
	}
	if (it->it_when != 0)
		(void)itimer_look_later(it, used);
	mutex_exit(&it->it_owner->pts_lock);
	return due;
}

static void
itimer_fire(void *arg, uint64_t n)
{
	struct itimer *it = arg;

	(void)n;
	if (it->it_which == ITIMER_REAL || itimer_cpu_due(it))
		ptimers_post(it->it_owner, itimer_signo[it->it_which]);
}

void
itimers_init(struct ptimers *pts)
{
	int i;

	for (i = 0; i < NITIMERS; i++) {
		struct itimer *it = &pts->pts_itimer[i];

		ktimer_init(&it->it_timer, itimer_fire, it);
		it->it_owner = pts;
		it->it_which = i;
	}
}

void
itimers_cancel(struct ptimers *pts)
{
	int i;

	KASSERT(mutex_owned(&pts->pts_lock));
	for (i = 0; i < NITIMERS; i++) {
		pts->pts_itimer[i].it_when = 0;
		(void)ktimer_cancel(&pts->pts_itimer[i].it_timer);
	}
}

/* What it is set to. */
static struct itimerval
itimer_setting(struct itimer *it)
{
	int64_t left;

	KASSERT(mutex_owned(&it->it_owner->pts_lock));
	if (it->it_which == ITIMER_REAL)
		left = ktimer_left(&it->it_timer);
	else if (it->it_when == 0)
		left = 0;
	else if ((left = it->it_when - itimer_used(it->it_which)) < 1)
		left = 1;
	/* Microseconds must not make it look as if it were not set. */
	if (left != 0 && left < 1000)
		left = 1000;
	return (struct itimerval){.it_value = ktime_timeval(left),
	    .it_interval = ktime_timeval(it->it_interval)};
}

static int
itimer_arm(struct itimer *it, int64_t value, int64_t interval)
{
	int64_t used;

	KASSERT(mutex_owned(&it->it_owner->pts_lock));
	(void)ktimer_cancel(&it->it_timer);
	it->it_when = 0;
	it->it_interval = value == 0 ? 0 : interval;
	if (value == 0)
		return 0;
	if (it->it_which == ITIMER_REAL)
		return ktimer_set(&it->it_timer, KTIMER_MONOTONIC,
		    ktime_add(kern_monotonic(), value), interval);
	used = itimer_used(it->it_which);
	it->it_when = ktime_add(used, value);
	return itimer_look_later(it, used);
}

/* Set one of the process's timers; *old is what it was. */
static int
itimer_set(struct proc *p, int which, int64_t value, int64_t interval,
    struct itimerval *old)
{
	struct ptimers *pts = ptimers_peek(p);
	int error;

	*old = (struct itimerval){{0, 0}, {0, 0}};
	if (pts == NULL && value == 0)
		return 0;
	if ((error = ptimers_get(p, &pts)) != 0)
		return error;
	mutex_enter(&pts->pts_lock);
	*old = itimer_setting(&pts->pts_itimer[which]);
	error = itimer_arm(&pts->pts_itimer[which], value, interval);
	mutex_exit(&pts->pts_lock);
	return error;
}

int
sys_getitimer(struct lwp *l, int which, struct itimerval *ucur)
{
	struct ptimers *pts = ptimers_peek(l->l_proc);
	struct itimerval cur = {{0, 0}, {0, 0}};

	if (which < 0 || which >= NITIMERS)
		return EINVAL;
	if (pts != NULL) {
		mutex_enter(&pts->pts_lock);
		cur = itimer_setting(&pts->pts_itimer[which]);
		mutex_exit(&pts->pts_lock);
	}
	return copyout(&cur, ucur, sizeof(cur));
}

int
sys_setitimer(struct lwp *l, int which, const struct itimerval *unew,
    struct itimerval *uold)
{
	struct itimerval itv = {{0, 0}, {0, 0}};
	int64_t value, interval;
	int error;

	/* Without a new setting it is switched off. */
	if (unew != NULL && (error = copyin(unew, &itv, sizeof(itv))) != 0)
		return error;
	if (which < 0 || which >= NITIMERS ||
	    ktime_from_timeval(&itv.it_value, &value) != 0 ||
	    ktime_from_timeval(&itv.it_interval, &interval) != 0)
		return EINVAL;
	error = itimer_set(l->l_proc, which, value, interval, &itv);
	if (error != 0 || uold == NULL)
		return error;
	return copyout(&itv, uold, sizeof(itv));
}

int
sys_alarm(struct lwp *l, unsigned int seconds, unsigned int *retval)
{
	struct itimerval old;
	int error;

	error =
	    itimer_set(l->l_proc, ITIMER_REAL, seconds * NSEC_PER_SEC, 0, &old);
	/* Rounded, but never down to none. */
	*retval = (unsigned int)old.it_value.tv_sec;
	if (old.it_value.tv_usec >= 500000 ||
	    (*retval == 0 && old.it_value.tv_usec > 0))
		++*retval;
	return error;
}
