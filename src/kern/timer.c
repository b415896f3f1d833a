/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers: who waits for them and calls their functions.
 *
 * Armed timers are in two heaps, one for each clock.  Whoever runs them knows
 * when the next is due and waits until then, on ts_kick.  Who arms one that is
 * due before that changes ts_kick.  ts_until is that time, or an earlier one
 * that was made known so; nobody waits while it is 0.
 *
 * On a host with threads one of them runs the timers.  It is made when the
 * first timer is armed and stays, a host thread with a record and no lwp,
 * inside the kernel for as long as something is due.  The child of a fork
 * makes one of its own, at once if a timer is armed.
 */
#include "kern/timer.h"

#include "kern/kern.h"

/* The thread looks again: for memory, for what it has retired. */
#define TURN_NSEC INT64_C(10000000)

static struct kmutex timer_lock;

/* Letters: (t) timer_lock; (a) atomic. */
static struct {
	struct timeheap ts_heap[KTIMER_NCLOCKS]; /* (t) */
	int64_t ts_until;			 /* (t) see above */
	_Atomic uint32_t ts_kick;		 /* (a) parked on */
	_Atomic bool ts_thread;			 /* (a) there is one */
} ts;

void
ktimer_init(struct ktimer *kt, void (*fn)(void *arg, uint64_t n), void *arg)
{
	*kt = (struct ktimer){.kt_fn = fn, .kt_arg = arg};
}

static int64_t
ktimer_now(enum ktimer_clock clock, int64_t monotonic)
{
	return clock == KTIMER_MONOTONIC ? monotonic : kern_realtime_ns();
}

/* The first by a clock, or NULL. */
static struct ktimer *
ktimer_first(enum ktimer_clock clock)
{
	struct timenode *tn = ts.ts_heap[clock].th_top;

	return tn == NULL ? NULL : container_of(tn, struct ktimer, kt_node);
}

/* When, by the monotonic clock, the next timer is due. */
static int64_t
ktimer_next(int64_t now)
{
	const struct ktimer *kt = ktimer_first(KTIMER_MONOTONIC);
	int64_t left, next = kt == NULL ? HYPER_FOREVER : kt->kt_node.tn_when;

	KASSERT(mutex_owned(&timer_lock));
	kt = ktimer_first(KTIMER_REALTIME);
	if (kt != NULL && kt->kt_node.tn_when != KTIME_MAX) {
		left = kern_realtime_wait(kt->kt_node.tn_when);
		if (left < next - now)
			next = now + left;
	}
	return next;
}

static void
ktimer_kick(void)
{
	/* Nobody waits there: the scheduler asks each time. */
	if (kern_alone)
		return;
	atomic_fetch_add_explicit(&ts.ts_kick, 1, memory_order_relaxed);
	hyper_wake(&ts.ts_kick, 1);
}

/* To be called at `when', but not before `earliest'. */
static void
ktimer_insert(
    struct ktimer *kt, enum ktimer_clock clock, int64_t when, int64_t earliest)
{
	KASSERT(mutex_owned(&timer_lock));
	kt->kt_clock = clock;
	kt->kt_due = when;
	kt->kt_node.tn_when = when > earliest ? when : earliest;
	kt->kt_armed = true;
	timeheap_insert(&ts.ts_heap[clock], &kt->kt_node);
}

static bool
ktimer_remove(struct ktimer *kt)
{
	bool armed = kt->kt_armed;

	KASSERT(mutex_owned(&timer_lock));
	if (armed)
		timeheap_remove(&ts.ts_heap[kt->kt_clock], &kt->kt_node);
	kt->kt_armed = false;
	return armed;
}

/* When kt, which has an interval and is due, is due after now. */
static int64_t
ktimer_following(const struct ktimer *kt, int64_t now, uint64_t *np)
{
	int64_t n = (now - kt->kt_due) / kt->kt_interval + 1, next;

	*np = (uint64_t)n;
	if (__builtin_mul_overflow(n, kt->kt_interval, &next) ||
	    __builtin_add_overflow(kt->kt_due, next, &next))
		return KTIME_MAX;
	return next;
}

/*
 * Take the first timer by a clock that is due off its heap, or put it back for
 * the next time if it has one.  *np is how many times it was due.
 */
static struct ktimer *
ktimer_due(enum ktimer_clock clock, int64_t now, uint64_t *np)
{
	struct ktimer *kt = ktimer_first(clock);
	int64_t next;

	KASSERT(mutex_owned(&timer_lock));
	if (kt == NULL || kt->kt_node.tn_when > now)
		return NULL;
	(void)ktimer_remove(kt);
	*np = 1;
	if (kt->kt_interval != 0) {
		next = ktimer_following(kt, now, np);
		ktimer_insert(kt, clock, next, now + KTIMER_REST);
	}
	return kt;
}

/* All that are due at `now' of this clock, once each. */
static void
ktimer_run_clock(enum ktimer_clock clock, int64_t now)
{
	struct ktimer *kt;
	uint64_t n;

	for (;;) {
		mutex_enter(&timer_lock);
		kt = ktimer_due(clock, now, &n);
		mutex_exit(&timer_lock);
		if (kt == NULL)
			break;
		/* In this section it stays readable, even if it is retired. */
		kt->kt_fn(kt->kt_arg, n);
	}
}

int64_t
ktimer_run(int64_t now)
{
	int64_t next;
	int clock;

	KASSERT(smr_entered());
	mutex_enter(&timer_lock);
	ts.ts_until = 0;
	mutex_exit(&timer_lock);
	for (clock = 0; clock < KTIMER_NCLOCKS; clock++)
		ktimer_run_clock(clock, ktimer_now(clock, now));
	mutex_enter(&timer_lock);
	next = ts.ts_until = ktimer_next(now);
	mutex_exit(&timer_lock);
	return next;
}

/* What was retired must not stay for as long as we wait.  Did it? */
static bool
ktimer_leftovers(struct hostthread *ht)
{
	if (smr_isempty(ht))
		return false;
	smr_poll(ht);
	return !smr_isempty(ht);
}

static noreturn void *
ktimer_thread(void *arg)
{
	struct hostthread *ht;
	int64_t next, soon;
	uint32_t kick;

	(void)arg;
	while (hostthread_attach() != 0)
		(void)hyper_wait(&ts.ts_kick, 0, kern_monotonic() + TURN_NSEC);
	ht = curht();
	for (;;) {
		/* Before the look at the heaps: what comes later changes it. */
		kick = atomic_load_explicit(&ts.ts_kick, memory_order_relaxed);
		smr_enter(ht);
		next = ktimer_run(kern_monotonic());
		smr_exit(ht);
		soon = kern_monotonic() + TURN_NSEC;
		if (ktimer_leftovers(ht) && next > soon)
			next = soon;
		(void)hyper_wait(&ts.ts_kick, kick, next);
	}
}

int64_t
ktimer_turn(void)
{
	struct hostthread *ht = curht();
	struct lwp *l = curlwp();
	int64_t next;

	if (ht == NULL)
		return HYPER_FOREVER;
	setcurlwp(NULL);
	smr_enter(ht);
	next = ktimer_run(kern_monotonic());
	smr_exit(ht);
	/* All of it: nobody else can be in a section. */
	(void)ktimer_leftovers(ht);
	setcurlwp(l);
	return next;
}

/* Make the thread if it is not there.  0 or EAGAIN. */
static int
ktimer_start(void)
{
	int error = 0;

	if (likely(atomic_load_explicit(&ts.ts_thread, memory_order_relaxed)))
		return 0;
	if (!atomic_exchange_explicit(
		&ts.ts_thread, true, memory_order_relaxed)) {
		error = hyper_start(ktimer_thread, NULL);
		if (error != 0)
			atomic_store_explicit(
			    &ts.ts_thread, false, memory_order_relaxed);
	}
	return error;
}

int
ktimer_set(
    struct ktimer *kt, enum ktimer_clock clock, int64_t when, int64_t interval)
{
	int error = ktimer_start();
	bool kick = false;
	int64_t next;

	if (error != 0)
		return error;
	if (when < 0)
		when = 0;
	mutex_enter(&timer_lock);
	(void)ktimer_remove(kt);
	kt->kt_interval = interval;
	ktimer_insert(kt, clock, when, 0);
	/* Who arms another for after this need not do it again. */
	if (ktimer_first(clock) == kt && ts.ts_until != 0 &&
	    (next = ktimer_next(kern_monotonic())) < ts.ts_until) {
		ts.ts_until = next;
		kick = true;
	}
	mutex_exit(&timer_lock);
	if (kick)
		ktimer_kick();
	return 0;
}

bool
ktimer_cancel(struct ktimer *kt)
{
	bool armed;

	mutex_enter(&timer_lock);
	armed = ktimer_remove(kt);
	mutex_exit(&timer_lock);
	return armed;
}

int64_t
ktimer_left(struct ktimer *kt)
{
	int64_t left = 0;

	mutex_enter(&timer_lock);
	if (kt->kt_armed) {
		left = kt->kt_due - ktimer_now(kt->kt_clock, kern_monotonic());
		if (left <= 0)
			left = 1;
	}
	mutex_exit(&timer_lock);
	return left;
}

void
ktimer_clock_set(void)
{
	ktimer_kick();
}

/* Without a thread now, the next timer to be armed makes one. */
void
ktimer_forked(void)
{
	int clock;
	bool armed = false;

	atomic_store_explicit(&ts.ts_thread, false, memory_order_relaxed);
	for (clock = 0; clock < KTIMER_NCLOCKS; clock++)
		armed = armed || ts.ts_heap[clock].th_count != 0;
	if (armed)
		(void)ktimer_start();
}
