/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fiber host: who runs, who waits, and for how long.
 *
 * A fiber is ready, parked, or at its end; see fiber.h.  The queue of those
 * that are ready is a ring with the one that runs as its first: to go on to the
 * next one is to say that it is the last.  A fiber that leaves off goes on to
 * the next at once.  To the main context it goes if there is none, or after
 * SLICE switches: that looks at the timers and then runs the first of the ring.
 *
 * The main context is in the ring and parked as fibers are, but it is not in it
 * while it runs.  While it waits for its turn it is in main_wait, on its own
 * stack, and lets others run.
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
	struct hyper_context *sc_last; /* of the ring, or NULL */
	int sc_slice;  /* switches that are left; negative: none */
	bool sc_away;  /* the main context lets others run */
	int *sc_errno; /* the host thread's */
	struct hyper_running *sc_running;
	void (*sc_switch)(struct hyper_context *, struct hyper_context *);
	size_t sc_count;
	struct fiber *sc_dead;	/* has ended, still has its stack */
	struct timeheap sc_due; /* who is parked for a time */
	struct fiber sc_main;
} fiber_sched;

/* Is this the host thread that boots, or did? */
static _Thread_local bool sched_here;

/* All fibers but the main context: for debuggers, which know these names. */
static LIST_HEAD(, fiber) fibers_all;

static inline struct hyper_context *
ring_first(void)
{
	return fiber_sched.sc_last->hc_next;
}

/* At the end. */
static void
ring_put(struct hyper_context *hc)
{
	hc->hc_state = FIBER_READY;
	if (fiber_sched.sc_last == NULL)
		hc->hc_next = hc;
	else {
		hc->hc_next = ring_first();
		fiber_sched.sc_last->hc_next = hc;
	}
	fiber_sched.sc_last = hc;
}

/* The first goes, to be in that state. */
static inline void
ring_take(enum fiber_state state)
{
	struct hyper_context *hc = ring_first();

	if (hc == fiber_sched.sc_last)
		fiber_sched.sc_last = NULL;
	else
		fiber_sched.sc_last->hc_next = hc->hc_next;
	hc->hc_next = hc;
	hc->hc_state = state;
}

/* sc_switch where there is a sanitizer. */
static void
fiber_switch_told(struct hyper_context *from, struct hyper_context *to)
{
	tools_leave(from->hc_fiber, to->hc_fiber);
	fiber_switcher->sw_switch(from, to);
	tools_arrive(from->hc_fiber);
}

/* Leave the running one for `to', until it is back. */
static inline __attribute__((always_inline)) void
fiber_switch(struct hyper_context *from, struct hyper_context *to)
{
	struct hyper_running *hr = fiber_sched.sc_running;
	int *errnop = fiber_sched.sc_errno;

	/*
	 * Every switch waits for this word of the one before: not together
	 * with the next one by a slower, wider store.
	 */
	hr->hr_context = to;
	atomic_signal_fence(memory_order_seq_cst);
	from->hc_lwp = hr->hr_lwp;
	hr->hr_lwp = to->hc_lwp;
	from->hc_errno = *errnop;
	*errnop = to->hc_errno;
	/* The last thing, so that nothing has to be kept for it. */
	fiber_sched.sc_switch(from, to);
}

/* A fiber leaves off, and is not in the ring or its last. */
static inline void
fiber_next(struct hyper_context *me)
{
	struct hyper_context *to = fiber_sched.sc_main.f_context;

	if (likely(fiber_sched.sc_last != NULL && --fiber_sched.sc_slice >= 0))
		to = ring_first();
	fiber_switch(me, to);
}

/* Its wait is over, if it is in one. */
static void
fiber_wake(struct hyper_context *hc)
{
	struct fiber *f = hc->hc_fiber;

	if (hc->hc_state != FIBER_PARKED)
		return;
	if (f->f_timed)
		timeheap_remove(&fiber_sched.sc_due, &f->f_due);
	ring_put(hc);
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
		fiber_wake(f->f_context);
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

/* The main context lets others run, one of which is the first. */
static void
main_switch(void)
{
	fiber_sched.sc_slice--;
	fiber_sched.sc_away = true;
	fiber_switch(fiber_sched.sc_main.f_context, ring_first());
	fiber_sched.sc_away = false;
}

/*
 * Let others run until it is the main context's turn or, for all, until there
 * is no fiber.  False if neither can come about.
 */
static bool
main_wait(bool all)
{
	struct hyper_context *me = fiber_sched.sc_main.f_context;
	int64_t next;

	while (!all || fiber_sched.sc_count > 0) {
		if (fiber_sched.sc_last == NULL || fiber_sched.sc_slice < 0) {
			next = main_timers();
			if (fiber_sched.sc_last == NULL) {
				if (next == HYPER_FOREVER)
					return false;
				main_sleep(next);
				continue;
			}
		}
		if (ring_first() != me)
			main_switch();
		/* A fiber comes here for its turn, or the timers'. */
		if (fiber_sched.sc_last != NULL && ring_first() == me) {
			ring_take(FIBER_READY);
			break;
		}
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
sched_refusal(void)
{
	return sched_here ? 0 : ENOTSUP;
}

static void
sched_enter(struct hyper_context *hc, struct hyper_running *hr)
{
	hc->hc_fiber = &fiber_sched.sc_main;
	hc->hc_state = FIBER_READY;
	fiber_sched.sc_main.f_context = hc;
	fiber_sched.sc_running = hr;
}

static int
sched_park(struct hyper_context *me, _Atomic uint32_t *addr, uint32_t val,
    int64_t deadline)
{
	struct fiber *f = me->hc_fiber;

	if (atomic_load_explicit(addr, memory_order_relaxed) != val)
		return 0;
	f->f_late = false;
	f->f_timed = deadline != HYPER_FOREVER;
	if (f->f_timed) {
		f->f_due.tn_when = deadline;
		timeheap_insert(&fiber_sched.sc_due, &f->f_due);
	}
	if (likely(f != &fiber_sched.sc_main)) {
		ring_take(FIBER_PARKED);
		fiber_next(me);
	} else {
		me->hc_state = FIBER_PARKED;
		if (!main_wait(false)) {
			me->hc_state = FIBER_READY;
			return EDEADLK;
		}
	}
	return f->f_late ? ETIMEDOUT : 0;
}

static void
sched_unpark(struct hyper_context *hc, _Atomic uint32_t *addr)
{
	(void)addr;
	fiber_wake(hc);
}

/* There are no host threads of the kernel's: main_timers calls it. */
static int
sched_start(void *(*fn)(void *), void *arg)
{
	(void)fn, (void)arg;
	return 0;
}

const struct hyper_host hyper_fiber = {
    .hh_name = "fiber",
    .hh_fibers = true,
    .hh_begin = sched_begin,
    .hh_refusal = sched_refusal,
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
	struct fiber *me = ring_first()->hc_fiber;

	if (unlikely(tools_present))
		tools_arrive(me);
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
	f->f_context = hc;
	f->f_fn = fn;
	f->f_arg = arg;
	(void)strncpy(f->f_name, name, sizeof(f->f_name) - 1);
	*hc = (struct hyper_context){
	    .hc_next = hc, .hc_state = FIBER_PARKED, .hc_fiber = f};
	top -= (fiber_switcher->sw_room + 63) & ~(size_t)63;
	fiber_switcher->sw_make(f, top);
	if (tools_present)
		tools_made(f);
	LIST_INSERT_HEAD(&fibers_all, f, f_all);
	fiber_sched.sc_count++;
	return 0;
}

void
hyper_fiber_start(struct hyper_context *hc)
{
	ring_put(hc);
}

void
hyper_fiber_exit(void)
{
	struct hyper_context *me = ring_first();

	fiber_bury();
	LIST_REMOVE(me->hc_fiber, f_all);
	fiber_sched.sc_count--;
	fiber_sched.sc_dead = me->hc_fiber;
	ring_take(FIBER_ENDED);
	fiber_next(me);
	hyper_abort();
}

void
hyper_fiber_yield(struct hyper_context *me)
{
	if (unlikely(--fiber_sched.sc_slice < 0)) {
		hyper_fiber_yield_slow(me);
		return;
	}
	fiber_sched.sc_last = me;
	fiber_switch(me, me->hc_next);
}

void
hyper_fiber_yield_slow(struct hyper_context *me)
{
	struct hyper_context *mainctx = fiber_sched.sc_main.f_context;

	/* With nobody else, it is for the timers. */
	if (fiber_sched.sc_last == NULL || fiber_sched.sc_last == me)
		fiber_sched.sc_slice = -1;
	if (me != mainctx) {
		fiber_sched.sc_last = me;
		fiber_switch(me, mainctx);
	} else {
		ring_put(me);
		(void)main_wait(false);
	}
}

int
hyper_fiber_run(void)
{
	return main_wait(true) ? 0 : EDEADLK;
}
