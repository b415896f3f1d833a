/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fiber host: who runs, who waits, and for how long.
 *
 * A fiber is running, in the queue, parked, or at its end; see fiber.h.  One
 * that leaves off goes on to the first of the queue at once.  To the main
 * context it goes if there is none, or after SLICE switches: that looks at the
 * timers and then takes from the queue like anybody else.
 *
 * The main context is in the queue and parked as fibers are.  While it waits
 * for its turn it is in main_wait, on its own stack, and lets others run.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hyper/fiber/impl.h"

/* Switches until somebody looks at the timers although others can run. */
#define SLICE 256

static struct {
	struct fiber *sc_cur;
	struct fiber *sc_first; /* the queue */
	struct fiber *sc_last;
	int sc_slice;  /* switches that are left */
	int *sc_errno; /* the host thread's */
	void (*sc_switch)(struct fiber *from, struct fiber *to);
	size_t sc_count;
	struct fiber *sc_dead;	/* has ended, still has its stack */
	struct timeheap sc_due; /* who is parked for a time */
	struct fiber sc_main;
} fiber_sched;

/* Is this the host thread that boots, or did? */
static _Thread_local bool sched_here;

/* All fibers but the main context: for debuggers, which know these names. */
static LIST_HEAD(, fiber) fibers_all;

static void
queue_put(struct fiber *f)
{
	f->f_state = FIBER_QUEUED;
	f->f_next = NULL;
	if (fiber_sched.sc_first == NULL)
		fiber_sched.sc_first = f;
	else
		fiber_sched.sc_last->f_next = f;
	fiber_sched.sc_last = f;
}

static inline struct fiber *
queue_take(void)
{
	struct fiber *f = fiber_sched.sc_first;

	fiber_sched.sc_first = f->f_next;
	f->f_state = FIBER_RUNNING;
	return f;
}

/* sc_switch where there is a sanitizer. */
static void
fiber_switch_told(struct fiber *from, struct fiber *to)
{
	tools_leave(from, to);
	fiber_switcher->sw_switch(from, to);
	tools_arrive(from);
}

/* Leave the running one, whose state is set, for `to'; until it is back. */
static inline void
fiber_switch(struct fiber *from, struct fiber *to)
{
	from->f_errno = *fiber_sched.sc_errno;
	fiber_sched.sc_cur = to;
	fiber_sched.sc_switch(from, to);
	/* Who is back is the current one; nothing needs to be kept for that. */
	*fiber_sched.sc_errno = fiber_sched.sc_cur->f_errno;
}

/* A fiber leaves off: it is queued, parked or at its end. */
static inline void
fiber_next(struct fiber *me)
{
	struct fiber *to = &fiber_sched.sc_main;

	if (likely(fiber_sched.sc_first != NULL && --fiber_sched.sc_slice > 0))
		to = queue_take();
	fiber_switch(me, to);
}

/* Its wait is over, if it is in one. */
static void
fiber_wake(struct fiber *f)
{
	if (f->f_state != FIBER_PARKED)
		return;
	if (f->f_timed)
		timeheap_remove(&fiber_sched.sc_due, &f->f_due);
	queue_put(f);
}

/*
 * The main context
 */

/* Run what is due; when something is again. */
static int64_t
main_timers(void)
{
	int64_t next = hyper_ops->ho_timers();
	int64_t now = hyper_clock(HYPER_CLOCK_MONOTONIC);
	struct timenode *tn;
	struct fiber *f;

	fiber_sched.sc_slice = SLICE;
	while ((tn = fiber_sched.sc_due.th_top) != NULL && tn->tn_when <= now) {
		f = (struct fiber *)(void *)((char *)tn -
					     offsetof(struct fiber, f_due));
		f->f_late = true;
		fiber_wake(f);
	}
	return tn != NULL && tn->tn_when < next ? tn->tn_when : next;
}

static void
main_sleep(int64_t until)
{
	struct timespec ts = {until / 1000000000, until % 1000000000};

	/* Handlers of the host may interrupt it: who waits will look again. */
	(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

/*
 * Let others run until it is the main context's turn or, if its state is
 * FIBER_RUNNING from the start, until there is no fiber.  False if neither can
 * come about.
 */
static bool
main_wait(void)
{
	bool all = fiber_sched.sc_main.f_state == FIBER_RUNNING;
	struct fiber *f;
	int64_t next;

	while (!all || fiber_sched.sc_count > 0) {
		if (fiber_sched.sc_first == NULL || fiber_sched.sc_slice <= 0) {
			next = main_timers();
			if (fiber_sched.sc_first == NULL) {
				if (next == HYPER_FOREVER)
					return false;
				main_sleep(next);
				continue;
			}
		}
		f = queue_take();
		if (f == &fiber_sched.sc_main)
			break;
		fiber_sched.sc_slice--;
		fiber_switch(&fiber_sched.sc_main, f);
		/* A fiber may have taken us off the queue. */
		if (!all && fiber_sched.sc_main.f_state == FIBER_RUNNING)
			break;
	}
	return true;
}

/*
 * The host's operations
 */

static int
sched_begin(void)
{
	int error = switcher_choose();

	if (error != 0)
		return error;
	fiber_sched.sc_cur = &fiber_sched.sc_main;
	fiber_sched.sc_errno = &errno;
	fiber_sched.sc_slice = SLICE;
	sched_here = true;
	strcpy(fiber_sched.sc_main.f_name, "main");
	tools_init(&fiber_sched.sc_main);
	fiber_sched.sc_switch =
	    tools_present ? fiber_switch_told : fiber_switcher->sw_switch;
	return 0;
}

static int
sched_enter(struct hyper_context *hc)
{
	if (!sched_here)
		return ENOTSUP;
	hc->hc_fiber = &fiber_sched.sc_main;
	return 0;
}

static int
sched_park(struct hyper_context *hc, _Atomic uint32_t *addr, uint32_t val,
    int64_t deadline)
{
	struct fiber *me = hc->hc_fiber;

	if (atomic_load_explicit(addr, memory_order_relaxed) != val)
		return 0;
	me->f_state = FIBER_PARKED;
	me->f_late = false;
	me->f_timed = deadline != HYPER_FOREVER;
	if (me->f_timed) {
		me->f_due.tn_when = deadline;
		timeheap_insert(&fiber_sched.sc_due, &me->f_due);
	}
	if (likely(me != &fiber_sched.sc_main))
		fiber_next(me);
	else if (!main_wait()) {
		me->f_state = FIBER_RUNNING;
		return EDEADLK;
	}
	return me->f_late ? ETIMEDOUT : 0;
}

static void
sched_unpark(struct hyper_context *hc, _Atomic uint32_t *addr)
{
	(void)addr;
	fiber_wake(hc->hc_fiber);
}

/* There are no host threads of the kernel's: main_timers calls it. */
static int
sched_start(void (*fn)(void *), void *arg)
{
	(void)fn, (void)arg;
	return 0;
}

const struct hyper_host hyper_fiber = {
    .hh_name = "fiber",
    .hh_fibers = true,
    .hh_begin = sched_begin,
    .hh_enter = sched_enter,
    .hh_park = sched_park,
    .hh_unpark = sched_unpark,
    .hh_start = sched_start,
};

/*
 * Fibers
 */

/* The stack of the last fiber that ended is free by now. */
static void
fiber_bury(void)
{
	struct fiber *f = fiber_sched.sc_dead;
	struct fiberstack fs;

	if (f == NULL)
		return;
	fiber_sched.sc_dead = NULL;
	if (tools_present)
		tools_gone(f);
	fs = f->f_stack; /* f is on it */
	stack_free(&fs);
}

void
fiber_begin(void)
{
	struct fiber *me = fiber_sched.sc_cur;

	if (unlikely(tools_present))
		tools_arrive(me);
	*fiber_sched.sc_errno = 0;
	me->f_fn(me->f_arg);
	hyper_abort();
}

/*
 * Tops of stacks are at different places in their pages, so that they do not
 * all want the same lines of the cache.
 */
#define COLOURS	    16
#define COLOUR_SIZE 64

int
hyper_fiber_make(struct hyper_context *hc, void (*fn)(void *), void *arg,
    size_t stacksize, const char *name)
{
	struct fiberstack fs;
	struct fiber *f;
	char *top;
	int error;

	fiber_bury();
	if (stacksize == 0)
		stacksize = HYPER_FIBER_STACK;
	error = stack_alloc(&fs, stacksize);
	if (error != 0)
		return error;
	top = fs.fs_low + fs.fs_size;
	top -= fs.fs_index % COLOURS * COLOUR_SIZE;
	top -= (sizeof(*f) + 63) & ~(size_t)63;
	f = (struct fiber *)(void *)top;
	memset(f, 0, sizeof(*f));
	f->f_stack = fs;
	f->f_state = FIBER_PARKED;
	f->f_fn = fn;
	f->f_arg = arg;
	(void)strncpy(f->f_name, name, sizeof(f->f_name) - 1);
	top -= (fiber_switcher->sw_room + 63) & ~(size_t)63;
	fiber_switcher->sw_make(f, top);
	if (tools_present)
		tools_made(f);
	LIST_INSERT_HEAD(&fibers_all, f, f_all);
	fiber_sched.sc_count++;
	hc->hc_fiber = f;
	return 0;
}

void
hyper_fiber_start(struct hyper_context *hc)
{
	queue_put(hc->hc_fiber);
}

void
hyper_fiber_exit(void)
{
	struct fiber *me = fiber_sched.sc_cur;

	fiber_bury();
	LIST_REMOVE(me, f_all);
	fiber_sched.sc_count--;
	fiber_sched.sc_dead = me;
	me->f_state = FIBER_ENDED;
	fiber_next(me);
	hyper_abort();
}

void *
hyper_fiber_yield(struct hyper_context *hc, void *arg)
{
	struct fiber *me = hc->hc_fiber, *to = fiber_sched.sc_first;

	me->f_kept = arg;
	if (likely(to != NULL && me != &fiber_sched.sc_main &&
		   --fiber_sched.sc_slice > 0)) {
		/* queue_put and fiber_next, of a queue that has somebody. */
		fiber_sched.sc_last->f_next = me;
		fiber_sched.sc_last = me;
		fiber_sched.sc_first = to->f_next;
		me->f_next = NULL;
		me->f_state = FIBER_QUEUED;
		to->f_state = FIBER_RUNNING;
		fiber_switch(me, to);
		return fiber_sched.sc_cur->f_kept;
	}
	/* With nobody else, it is for the timers. */
	if (to == NULL)
		fiber_sched.sc_slice = 0;
	queue_put(me);
	if (me != &fiber_sched.sc_main)
		fiber_next(me);
	else
		(void)main_wait();
	return fiber_sched.sc_cur->f_kept;
}

int
hyper_fiber_run(void)
{
	return main_wait() ? 0 : EDEADLK;
}
