/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the fiber host has beyond hyper.h.  A fiber is a context with a stack
 * of its own; all run on the host thread that chose this host, one at a time,
 * and change places only in hyper_park and in the calls below.  What the host
 * thread does outside of fibers is the main context.
 *
 * Who can run is in a queue, first in first out.  With nobody in it, the main
 * context runs the timers and waits, in the host, until something is due; so
 * others run only while the main context is in one of these calls, too.
 */
#ifndef HYPER_FIBER_H
#define HYPER_FIBER_H

#include "hyper/hyper.h"

#define HYPER_FIBER_NAMELEN 32 /* with the NUL */

/* Is this the fiber host? */
static inline bool
hyper_has_fibers(void)
{
	return hyper_host->hh_fibers;
}

/*
 * Make a fiber that is to call fn(arg), which must not return, on a stack of
 * at least stacksize bytes (0: the default).  It runs when hyper_fiber_start
 * has been called.  Returns 0, EINVAL for a size below HYPER_FIBER_MINSTACK
 * or beyond HYPER_FIBER_MAXSTACK, or ENOMEM.
 */
#define HYPER_FIBER_STACK    ((size_t)64 << 10)
#define HYPER_FIBER_MINSTACK ((size_t)16 << 10)
#define HYPER_FIBER_MAXSTACK ((size_t)1 << 30)
int hyper_fiber_make(struct hyper_context *, void (*fn)(void *), void *arg,
    size_t stacksize, const char *name);
void hyper_fiber_start(struct hyper_context *);

/* End the calling fiber. */
noreturn void hyper_fiber_exit(void);

/*
 * The calling context lets others run that can.  hyper_fiber_yield is for a
 * fiber that is not alone, hyper_fiber_yield_slow for every context.
 */
void hyper_fiber_yield(struct hyper_context *);
void hyper_fiber_yield_slow(struct hyper_context *);

/* Is it the only one that can run, the main context, or on no fiber host? */
static inline bool
hyper_fiber_isalone(const struct hyper_context *hc)
{
	return hc->hc_next == hc;
}

/*
 * The main context: run fibers.  Returns 0 when all have ended, or EDEADLK
 * when those that are there wait for what none of them, and no timer, can do.
 */
int hyper_fiber_run(void);

#endif /* HYPER_FIBER_H */
