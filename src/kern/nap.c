/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sleeping for a time: nanosleep and clock_nanosleep.
 *
 * Nobody wakes who sleeps here but an interrupt, or a clock that is set.  The
 * lists of sleepers are spread, so that many come and go without meeting.
 */
#include "kern/ktime.h"
#include "kern/signal.h"
#include "sysproto.h"

#define NAPS 16

static struct nap {
	struct kmutex n_lock;
	struct kcondvar n_cv; /* n_lock */
} __attribute__((aligned(CACHE_LINE))) naps[NAPS];

/* How long that is from now, in nanoseconds of the monotonic clock. */
static int64_t
nap_left(enum ktimer_clock clock, int64_t when)
{
	return clock == KTIMER_MONOTONIC ? when - kern_monotonic()
					 : kern_realtime_wait(when);
}

int
nap_until(struct lwp *l, enum ktimer_clock clock, int64_t when)
{
	struct nap *n = &naps[l->l_slot % NAPS];
	int64_t left;
	int error = 0;

	mutex_enter(&n->n_lock);
	while (error == 0 && (left = nap_left(clock, when)) > 0) {
		error = cv_timedwait_sig(&n->n_cv, &n->n_lock,
		    when == KTIME_MAX ? HYPER_FOREVER
				      : ktime_add(kern_monotonic(), left));
		if (error == ETIMEDOUT)
			error = 0;
	}
	mutex_exit(&n->n_lock);
	signal_restart(SR_NOHAND);
	return error;
}

void
nap_clock_set(void)
{
	int i;

	for (i = 0; i < NAPS; i++) {
		mutex_enter(&naps[i].n_lock);
		cv_broadcast(&naps[i].n_cv);
		mutex_exit(&naps[i].n_lock);
	}
}

/* Sleep for a while; if that is cut short, *urem is what was left. */
static int
nap_for(struct lwp *l, int64_t ns, struct timespec *urem)
{
	int64_t when = ktime_add(kern_monotonic(), ns), left;
	struct timespec rem;
	int error = nap_until(l, KTIMER_MONOTONIC, when), fault;

	if (error != EINTR)
		return error;
	if ((left = when - kern_monotonic()) <= 0)
		return 0;
	rem = ktime_timespec(left);
	if (urem == NULL || (fault = copyout(&rem, urem, sizeof(rem))) == 0)
		return error;
	return fault;
}

int
sys_nanosleep(struct lwp *l, const struct timespec *ureq, struct timespec *urem)
{
	struct timespec req;
	int64_t ns;
	int error;

	if ((error = copyin(ureq, &req, sizeof(req))) != 0 ||
	    (error = ktime_from_timespec(&req, &ns)) != 0)
		return error;
	return nap_for(l, ns, urem);
}

int
sys_clock_nanosleep(struct lwp *l, clockid_t id, int flags,
    const struct timespec *ureq, struct timespec *urem)
{
	enum ktimer_clock clock;
	struct timespec req;
	int64_t ns;
	int error;

	/* The caller's own CPU time does not pass while it sleeps. */
	if (id == CLOCK_THREAD_CPUTIME_ID)
		return EINVAL;
	if ((error = ktime_waitclock(id, &clock)) != 0 ||
	    (error = copyin(ureq, &req, sizeof(req))) != 0 ||
	    (error = ktime_from_timespec(&req, &ns)) != 0)
		return error;
	return (flags & TIMER_ABSTIME) != 0 ? nap_until(l, clock, ns)
					    : nap_for(l, ns, urem);
}
