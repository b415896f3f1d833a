/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls that read and set the clocks.
 *
 * CPU time is the host's: a process has that of the host process, unless it is
 * counted (cputime.h), and an lwp that of the host thread that runs it.
 */
#include "kern/boot.h"
#include "kern/cputime.h"
#include "kern/ktime.h"
#include "sysproto.h"

/* Beyond this there would be no room to count on from it; Linux's value. */
#define SETTIME_MAX (KTIME_MAX / NSEC_PER_SEC - INT64_C(30) * 365 * 24 * 3600)

/* adjtime takes no more than so many seconds; the host's value. */
#define ADJTIME_MAX (INT_MAX / 1000000 - 2)

/*
 * Ids
 */

/* The clock of the host that is behind one of ours. */
static int
clock_host(clockid_t id, enum hyper_clock *whichp)
{
	static const enum hyper_clock clocks[] = {
	    [CLOCK_REALTIME] = HYPER_CLOCK_REALTIME,
	    [CLOCK_MONOTONIC] = HYPER_CLOCK_MONOTONIC,
	    [CLOCK_PROCESS_CPUTIME_ID] = HYPER_CLOCK_PROCESS,
	    [CLOCK_THREAD_CPUTIME_ID] = HYPER_CLOCK_THREAD,
	    [CLOCK_MONOTONIC_RAW] = HYPER_CLOCK_MONOTONIC,
	    [CLOCK_REALTIME_COARSE] = HYPER_CLOCK_REALTIME_COARSE,
	    [CLOCK_MONOTONIC_COARSE] = HYPER_CLOCK_COARSE,
	    [CLOCK_BOOTTIME] = HYPER_CLOCK_MONOTONIC,
	};

	if (id >= 0 && (size_t)id < nitems(clocks))
		*whichp = clocks[id];
	else if (id == CLOCK_TAI)
		*whichp = HYPER_CLOCK_REALTIME;
	else
		return EINVAL;
	return 0;
}

int
ktime_waitclock(clockid_t id, enum ktimer_clock *clockp)
{
	enum hyper_clock which;
	int error = clock_host(id, &which);

	if (error != 0)
		return error;
	if (id == CLOCK_MONOTONIC_RAW)
		return EOPNOTSUPP;
	switch (which) {
	case HYPER_CLOCK_REALTIME:
		*clockp = KTIMER_REALTIME;
		return 0;
	case HYPER_CLOCK_MONOTONIC:
		*clockp = KTIMER_MONOTONIC;
		return 0;
	default:
		return EOPNOTSUPP;
	}
}

/*
 * Reading
 */

static int
clock_read(struct lwp *l, clockid_t id, int64_t *nsp)
{
	enum hyper_clock which;
	struct timespec ts;
	int error = clock_host(id, &which);

	if (error != 0)
		return error;
	if (which == HYPER_CLOCK_REALTIME) {
		*nsp = kern_realtime_ns();
	} else if (which == HYPER_CLOCK_REALTIME_COARSE) {
		kern_realtime_coarse(&ts);
		*nsp = ktime_ns(&ts);
	} else if (which == HYPER_CLOCK_PROCESS && kern_config.kc_cputime) {
		*nsp = cputime_self(l);
	} else {
		*nsp = hyper_clock(which);
	}
	return 0;
}

int
sys_clock_gettime(struct lwp *l, clockid_t id, struct timespec *uts)
{
	struct timespec ts;
	int64_t ns;
	int error;

	if ((error = clock_read(l, id, &ns)) != 0)
		return error;
	ts = ktime_timespec(ns);
	return copyout(&ts, uts, sizeof(ts));
}

int
sys_clock_getres(struct lwp *l, clockid_t id, struct timespec *uts)
{
	enum hyper_clock which;
	struct timespec ts;
	int error;

	(void)l;
	if ((error = clock_host(id, &which)) != 0)
		return error;
	ts = ktime_timespec(hyper_clock_res(which));
	return uts == NULL ? 0 : copyout(&ts, uts, sizeof(ts));
}

int
sys_gettimeofday(struct lwp *l, struct timeval *utv, void *utz)
{
	static const struct timezone utc;
	struct timeval tv = ktime_timeval(kern_realtime_ns());
	int error = 0;

	(void)l;
	if (utv != NULL)
		error = copyout(&tv, utv, sizeof(tv));
	if (error == 0 && utz != NULL)
		error = copyout(&utc, utz, sizeof(utc));
	return error;
}

int
sys_time(struct lwp *l, time_t *ut, time_t *retval)
{
	time_t now = kern_realtime_ns() / NSEC_PER_SEC;

	(void)l;
	*retval = now;
	return ut == NULL ? 0 : copyout(&now, ut, sizeof(now));
}

/*
 * Setting
 */

static int
clock_set(struct lwp *l, const struct timespec *ts)
{
	int64_t ns;
	int error;

	if ((error = ktime_from_timespec(ts, &ns)) != 0)
		return error;
	if (ts->tv_sec >= SETTIME_MAX)
		return EINVAL;
	if (!cred_is_root(proc_cred(l->l_proc)))
		return EPERM;
	/* The monotonic clock began in this time. */
	if (ns < kern_monotonic())
		return EINVAL;
	kern_realtime_set(ns);
	ktimer_clock_set();
	nap_clock_set();
	timerfd_clock_set();
	return 0;
}

int
sys_clock_settime(struct lwp *l, clockid_t id, const struct timespec *uts)
{
	struct timespec ts;
	int error;

	if (id != CLOCK_REALTIME)
		return EINVAL;
	if ((error = copyin(uts, &ts, sizeof(ts))) != 0)
		return error;
	return clock_set(l, &ts);
}

/* The kernel has no time zone: one that makes sense is taken and forgotten. */
static int
timezone_set(struct lwp *l, const struct timezone *tz)
{
	if (!cred_is_root(proc_cred(l->l_proc)))
		return EPERM;
	return tz->tz_minuteswest > 15 * 60 || tz->tz_minuteswest < -15 * 60
		   ? EINVAL
		   : 0;
}

int
sys_settimeofday(
    struct lwp *l, const struct timeval *utv, const struct timezone *utz)
{
	struct timezone tz = {0, 0};
	struct timeval tv;
	struct timespec ts;
	int error = 0;

	/* As the host's library does. */
	if (utv != NULL && utz != NULL)
		return EINVAL;
	if (utv == NULL) {
		if (utz != NULL)
			error = copyin(utz, &tz, sizeof(tz));
		return error != 0 ? error : timezone_set(l, &tz);
	}
	if ((error = copyin(utv, &tv, sizeof(tv))) != 0)
		return error;
	if (tv.tv_usec < 0 || tv.tv_usec >= NSEC_PER_SEC / 1000)
		return EINVAL;
	ts = (struct timespec){tv.tv_sec, tv.tv_usec * 1000};
	return clock_set(l, &ts);
}

/* The delta of adjtime in nanoseconds; its parts may have any signs. */
static int
adjtime_delta(const struct timeval *tv, int64_t *nsp)
{
	int64_t sec;

	if (__builtin_add_overflow(tv->tv_sec, tv->tv_usec / 1000000, &sec) ||
	    sec > ADJTIME_MAX || sec < -ADJTIME_MAX)
		return EINVAL;
	*nsp = sec * NSEC_PER_SEC + tv->tv_usec % 1000000 * 1000;
	return 0;
}

int
sys_adjtime(struct lwp *l, const struct timeval *udelta, struct timeval *uold)
{
	struct timeval tv;
	int64_t delta = 0, old;
	int error;

	if (udelta != NULL) {
		if ((error = copyin(udelta, &tv, sizeof(tv))) != 0 ||
		    (error = adjtime_delta(&tv, &delta)) != 0)
			return error;
		if (!cred_is_root(proc_cred(l->l_proc)))
			return EPERM;
	}
	kern_realtime_slew(udelta != NULL ? &delta : NULL, &old);
	if (udelta != NULL) {
		ktimer_clock_set();
		nap_clock_set();
	}
	tv = ktime_timeval(old);
	return uold == NULL ? 0 : copyout(&tv, uold, sizeof(tv));
}
