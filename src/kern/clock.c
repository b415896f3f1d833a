/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's clocks.
 *
 * The monotonic clock is the host's.  The realtime clock is the host's and an
 * offset, which setting the clock changes.  adjtime changes it slowly: while
 * that lasts, clock_slewing is set and the offset of the moment is found under
 * clock_lock; otherwise it is one load.
 */
#include <time.h>

#include "kern/boot.h"
#include "kern/ktime.h"

/* Slewing moves the clock by one nanosecond in so many, as on Linux. */
#define SLEW_RATE 2000

/* When the kernel was booted, by both clocks; stable after boot. */
static int64_t boot_realtime, boot_monotonic;

static struct kmutex clock_lock;
static _Atomic int64_t clock_offset; /* written under (clock_lock) */
static _Atomic bool clock_slewing;   /* the same */
static int64_t slew_delta;	     /* (clock_lock) all that is to be moved */
static int64_t slew_start;	     /* (clock_lock) since when */

void
clock_init(void)
{
	boot_realtime = hyper_clock(HYPER_CLOCK_REALTIME);
	boot_monotonic = hyper_clock(HYPER_CLOCK_MONOTONIC);
}

static bool
clock_is_slewing(void)
{
	/* Acquire pairs with the release in slew_end: the offset is whole. */
	return atomic_load_explicit(&clock_slewing, memory_order_acquire);
}

/* How much of slew_delta has been moved. */
static int64_t
slew_done(void)
{
	int64_t most = (kern_monotonic() - slew_start) / SLEW_RATE;

	KASSERT(mutex_owned(&clock_lock));
	if (!clock_is_slewing())
		return 0;
	if (slew_delta < 0)
		return slew_delta > -most ? slew_delta : -most;
	return slew_delta < most ? slew_delta : most;
}

/* What has been moved becomes part of the offset, which stays. */
static void
slew_end(int64_t done)
{
	KASSERT(mutex_owned(&clock_lock));
	atomic_fetch_add_explicit(&clock_offset, done, memory_order_relaxed);
	atomic_store_explicit(&clock_slewing, false, memory_order_release);
}

static int64_t
clock_offset_slewing(void)
{
	int64_t done, off;

	mutex_enter(&clock_lock);
	done = slew_done();
	off = atomic_load_explicit(&clock_offset, memory_order_relaxed) + done;
	if (clock_is_slewing() && done == slew_delta)
		slew_end(done);
	mutex_exit(&clock_lock);
	return off;
}

static inline int64_t
clock_offset_now(void)
{
	if (unlikely(clock_is_slewing()))
		return clock_offset_slewing();
	return atomic_load_explicit(&clock_offset, memory_order_relaxed);
}

int64_t
kern_realtime_ns(void)
{
	return hyper_clock(HYPER_CLOCK_REALTIME) + clock_offset_now();
}

/* The host's realtime clock said that: what does the kernel's say? */
static __attribute__((noinline)) void
clock_correct(struct timespec *ts)
{
	*ts = ktime_timespec(ktime_ns(ts) + clock_offset_now());
}

void
kern_realtime_coarse(struct timespec *ts)
{
	hyper_clock_timespec(HYPER_CLOCK_REALTIME_COARSE, ts);
	if (unlikely(clock_is_slewing() || atomic_load_explicit(&clock_offset,
					       memory_order_relaxed) != 0))
		clock_correct(ts);
}

void
kern_realtime(struct timespec *ts)
{
	int64_t now = kern_realtime_ns();

	ts->tv_sec = now / NSEC_PER_SEC;
	ts->tv_nsec = now % NSEC_PER_SEC;
}

/* Rather too early than too late, where the clock is made to go faster. */
int64_t
kern_realtime_wait(int64_t when)
{
	int64_t left = when - kern_realtime_ns();

	return clock_is_slewing() ? left - left / SLEW_RATE : left;
}

void
kern_realtime_set(int64_t ns)
{
	mutex_enter(&clock_lock);
	if (clock_is_slewing())
		slew_end(0);
	atomic_store_explicit(&clock_offset,
	    ns - hyper_clock(HYPER_CLOCK_REALTIME), memory_order_relaxed);
	mutex_exit(&clock_lock);
}

void
kern_realtime_slew(const int64_t *delta, int64_t *oldp)
{
	int64_t done;

	mutex_enter(&clock_lock);
	done = slew_done();
	*oldp = clock_is_slewing() ? slew_delta - done : 0;
	if (delta != NULL) {
		if (clock_is_slewing())
			slew_end(done);
		slew_delta = *delta;
		slew_start = kern_monotonic();
		atomic_store_explicit(
		    &clock_slewing, *delta != 0, memory_order_relaxed);
	}
	mutex_exit(&clock_lock);
}

int64_t
kern_monotonic(void)
{
	return hyper_clock(HYPER_CLOCK_MONOTONIC);
}

void
kern_boottime(struct timespec *ts)
{
	int64_t boot = boot_realtime + clock_offset_now();

	ts->tv_sec = boot / NSEC_PER_SEC;
	ts->tv_nsec = boot % NSEC_PER_SEC;
}

int64_t
kern_uptime(int64_t monotonic)
{
	return monotonic > boot_monotonic ? monotonic - boot_monotonic : 0;
}
