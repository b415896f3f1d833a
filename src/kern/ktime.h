/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Times in the forms that callers have them, and in nanoseconds.
 */
#ifndef KERN_KTIME_H
#define KERN_KTIME_H

#include <sys/time.h>

#include <time.h>

#include "kern/kern.h"
#include "kern/timer.h"

#define NSEC_PER_SEC INT64_C(1000000000)

static inline struct timespec
ktime_timespec(int64_t ns)
{
	return (struct timespec){ns / NSEC_PER_SEC, ns % NSEC_PER_SEC};
}

/* A time that a clock gave. */
static inline int64_t
ktime_ns(const struct timespec *ts)
{
	return ts->tv_sec * NSEC_PER_SEC + ts->tv_nsec;
}

/* Rounded down to microseconds. */
static inline struct timeval
ktime_timeval(int64_t ns)
{
	return (struct timeval){ns / NSEC_PER_SEC, ns % NSEC_PER_SEC / 1000};
}

/* The sum of two that are not negative, or KTIME_MAX. */
static inline int64_t
ktime_add(int64_t a, int64_t b)
{
	return a > KTIME_MAX - b ? KTIME_MAX : a + b;
}

/*
 * A time or length of time that the caller gave.  EINVAL if it is negative or
 * has a second or more in its second part.  Too long ones are KTIME_MAX.
 */
static inline int
ktime_from_timespec(const struct timespec *ts, int64_t *nsp)
{
	if (ts->tv_sec < 0 || ts->tv_nsec < 0 || ts->tv_nsec >= NSEC_PER_SEC)
		return EINVAL;
	*nsp =
	    ts->tv_sec >= KTIME_MAX / NSEC_PER_SEC ? KTIME_MAX : ktime_ns(ts);
	return 0;
}

static inline int
ktime_from_timeval(const struct timeval *tv, int64_t *nsp)
{
	struct timespec ts;

	if (tv->tv_usec < 0 || tv->tv_usec >= NSEC_PER_SEC / 1000)
		return EINVAL;
	ts = (struct timespec){tv->tv_sec, tv->tv_usec * 1000};
	return ktime_from_timespec(&ts, nsp);
}

/* Both parts of a setting of a timer. */
static inline int
ktime_from_itimerspec(
    const struct itimerspec *its, int64_t *value, int64_t *interval)
{
	int error = ktime_from_timespec(&its->it_value, value);

	return error != 0 ? error
			  : ktime_from_timespec(&its->it_interval, interval);
}

/*
 * A clock that can be waited for by its id: which of the kernel's it is.
 * EINVAL if there is no such clock, EOPNOTSUPP if it is no such clock.
 */
int ktime_waitclock(clockid_t id, enum ktimer_clock *clockp);

/* The time by that clock, now. */
static inline int64_t
ktime_now(enum ktimer_clock clock)
{
	return clock == KTIMER_MONOTONIC ? kern_monotonic()
					 : kern_realtime_ns();
}

/*
 * Sleep until a time of a clock; nothing is held.  0 or EINTR.  _clock_set:
 * who sleeps by the realtime clock looks again.
 */
int nap_until(struct lwp *, enum ktimer_clock, int64_t when);
void nap_clock_set(void);

/* What timerfd.c has to do when the realtime clock was set. */
void timerfd_clock_set(void);

#endif /* KERN_KTIME_H */
