/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers of the kernel: a function that is called at a time.  For timeouts of
 * sleeps there is cv_timedwait_sig, which needs none.
 *
 * A ktimer is part of some object, takes no memory of its own, and costs
 * nothing while it waits.  Arming and cancelling take timer_lock, a leaf, for
 * O(log n); so both may be done under any lock.
 *
 * Functions are called one at a time, in a section, without locks, by a host
 * thread that has no lwp; they must not sleep.  They may arm and cancel any
 * timer, and free their own.  What they do last may leave the section
 * (signal_process).
 */
#ifndef KERN_TIMER_H
#define KERN_TIMER_H

#include "hyper/timeheap.h"
#include "kern/param.h"

/* By which clock of the kernel. */
enum ktimer_clock { KTIMER_MONOTONIC, KTIMER_REALTIME, KTIMER_NCLOCKS };

/* What is due more often than this is called late and told how often. */
#define KTIMER_REST INT64_C(50000)

/* No such time: armed for it, a timer waits for good. */
#define KTIME_MAX INT64_MAX

/* All fields but kt_fn and kt_arg: timer_lock. */
struct ktimer {
	struct timenode kt_node; /* in the heap of its clock: when */
	int64_t kt_due;		 /* the same, KTIMER_REST or less before */
	int64_t kt_interval;	 /* 0: once */
	enum ktimer_clock kt_clock;
	bool kt_armed;
	void (*kt_fn)(void *arg, uint64_t n); /* (s) */
	void *kt_arg;			      /* (s) */
};

/* fn gets arg, and how many times it should have been called since. */
void ktimer_init(struct ktimer *, void (*fn)(void *arg, uint64_t n), void *arg);

/*
 * Arm it, armed or not: for a time of a clock in nanoseconds, and every
 * interval after it if that is not 0.  A time in the past is now.  What
 * setting CLOCK_REALTIME does to it is what it does to a clock on the wall.
 * 0, or EAGAIN if there is nobody to call its function.
 */
int
ktimer_set(struct ktimer *, enum ktimer_clock, int64_t when, int64_t interval);

/*
 * It is not armed afterwards.  Was it?  Its function may still be running, in
 * a section: so what the timer is part of is retired (smr_retire), or freed
 * after smr_synchronize.
 */
bool ktimer_cancel(struct ktimer *);

/* Nanoseconds until its time, at least 1; 0 if it is not armed. */
int64_t ktimer_left(struct ktimer *);

/*
 * Call what is due at `now', a time of the monotonic clock, and return when
 * to do that again, or HYPER_FOREVER.  On a host with threads one of them does
 * nothing else, from the first time that a timer is armed.  In a section,
 * without locks.
 */
int64_t ktimer_run(int64_t now);

/*
 * The same on a host without threads, where the scheduler does it between the
 * lwps that run (hyper_ops).  Outside, as nobody; frees what was retired, too.
 */
int64_t ktimer_turn(void);

/* The realtime clock was set: what waits by it is due at another time. */
void ktimer_clock_set(void);

/* In the child of a fork, outside: the thread is not there. */
void ktimer_forked(void);

#endif /* KERN_TIMER_H */
