/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers: who waits for them and calls their functions.
 *
 * Armed timers are in two heaps, one for each clock.  Whoever runs them knows
 * when the next is due and waits until then, on ts_kick.  Who arms one that is
 * due before that changes ts_kick.  ts_until is that time; nobody waits while
 * it is 0.
 *
 * On a host with threads one of them runs the timers.  It is made when the
 * first timer is armed and stays, a host thread with a record and no lwp,
 * inside the kernel for as long as something is due.  The child of a fork
 * makes one of its own, at once if a timer is armed.
 */
#include "kern/timer.h"

#include "kern/kern.h"
#include "kern/timer_heap.h"

/* The thread looks again: for memory, for what it has retired. */
#define TURN_NSEC INT64_C(10000000)

static struct kmutex timer_lock;

/* Letters: (t) timer_lock; (a) atomic. */
static struct {
	struct ktimer_heap ts_heap[KTIMER_NCLOCKS]; /* (t) */
	int64_t ts_until;			    /* (t) see above */
	struct ktimer *ts_running;  /* (t) its function is called */
	bool ts_awaited;	    /* (t) for the end of that */
	_Atomic uint32_t ts_called; /* (a) calls so far; parked on */
	_Atomic uint32_t ts_kick;   /* (a) parked on */
	_Atomic bool ts_thread;	    /* (a) there is one */
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

/* When, by the monotonic clock, the next timer is due. */
static int64_t
ktimer_next(int64_t now)
{
	const struct ktimer *kt = ts.ts_heap[KTIMER_MONOTONIC].th_top;
	int64_t left, next = kt == NULL ? HYPER_FOREVER : kt->kt_when;

	KASSERT(mutex_owned(&timer_lock));
	kt = ts.ts_heap[KTIMER_REALTIME].th_top;
	if (kt != NULL && kt->kt_when != KTIME_MAX) {
		left = kern_realtime_wait(kt->kt_when);
		if (left < next - now)
			next = now + left;
	}
	return next;
}

static void
ktimer_kick(void)
{
	atomic_fetch_add_explicit(&ts.ts_kick, 1, memory_order_relaxed);
	hyper_wake(&ts.ts_kick, 1);
}

static void
ktimer_insert(struct ktimer *kt, enum ktimer_clock clock, int64_t when)
{
	KASSERT(mutex_owned(&timer_lock));
	kt->kt_clock = clock;
	kt->kt_when = when;
	kt->kt_armed = true;
	ktimer_heap_insert(&ts.ts_heap[clock], kt);
}

static bool
ktimer_remove(struct ktimer *kt)
{
	bool armed = kt->kt_armed;

	KASSERT(mutex_owned(&timer_lock));
	if (armed)
		ktimer_heap_remove(&ts.ts_heap[kt->kt_clock], kt);
	kt->kt_armed = false;
	return armed;
}

/*
 * Take the first timer by a clock that is due off its heap, or put it back for
 * the next time if it has one.  *np is how many times it was due.
 */
static struct ktimer *
ktimer_due(enum ktimer_clock clock, int64_t now, uint64_t *np)
{
	struct ktimer *kt = ts.ts_heap[clock].th_top;
	int64_t n, next;

	KASSERT(mutex_owned(&timer_lock));
	if (kt == NULL || kt->kt_when > now)
		return NULL;
	(void)ktimer_remove(kt);
	*np = 1;
	if (kt->kt_interval != 0) {
		n = (now - kt->kt_when) / kt->kt_interval + 1;
		*np = (uint64_t)n;
		if (__builtin_mul_overflow(n, kt->kt_interval, &next) ||
		    __builtin_add_overflow(kt->kt_when, next, &next))
			next = KTIME_MAX;
		ktimer_insert(kt, clock, next);
	}
	return kt;
}

/* Call the function of kt, with timer_lock held, which is released. */
static void
ktimer_call(struct ktimer *kt, uint64_t n)
{
	void (*fn)(void *, uint64_t) = kt->kt_fn;
	void *arg = kt->kt_arg;
	bool awaited;

	KASSERT(mutex_owned(&timer_lock));
	KASSERT(ts.ts_running == NULL);
	ts.ts_running = kt;
	mutex_exit(&timer_lock);
	fn(arg, n);
	/* kt may be gone. */
	mutex_enter(&timer_lock);
	ts.ts_running = NULL;
	awaited = ts.ts_awaited;
	ts.ts_awaited = false;
	/* Release pairs with the acquire in ktimer_await. */
	atomic_fetch_add_explicit(&ts.ts_called, 1, memory_order_release);
	mutex_exit(&timer_lock);
	if (awaited)
		hyper_wake(&ts.ts_called, INT_MAX);
}

/* All that are due at `now' of this clock, once each. */
static void
ktimer_run_clock(enum ktimer_clock clock, int64_t now)
{
	struct ktimer *kt;
	uint64_t n;

	for (;;) {
		mutex_enter(&timer_lock);
		if ((kt = ktimer_due(clock, now, &n)) == NULL)
			break;
		ktimer_call(kt, n);
	}
	mutex_exit(&timer_lock);
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
	if (ht->ht_retired.sl_count + ht->ht_waiting.sl_count == 0)
		return false;
	smr_poll(ht);
	return ht->ht_retired.sl_count + ht->ht_waiting.sl_count != 0;
}

static void
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

/* Make the thread if it is not there.  0 or EAGAIN. */
static int
ktimer_start(void)
{
	int error = 0;

	if (likely(atomic_load_explicit(&ts.ts_thread, memory_order_relaxed)))
		return 0;
	if (!atomic_exchange_explicit(
		&ts.ts_thread, true, memory_order_relaxed)) {
		error = hyper_thread_create(ktimer_thread, NULL);
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
	bool kick;

	if (error != 0)
		return error;
	mutex_enter(&timer_lock);
	(void)ktimer_remove(kt);
	kt->kt_interval = interval;
	ktimer_insert(kt, clock, when < 0 ? 0 : when);
	kick = ts.ts_heap[clock].th_top == kt && ts.ts_until != 0 &&
	       ktimer_next(kern_monotonic()) < ts.ts_until;
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

/* Wait for the end of a call, the one after the first `called' of them. */
static void
ktimer_await(uint32_t called)
{
	struct hostthread *ht = curht();

	smr_exit(ht);
	while (
	    atomic_load_explicit(&ts.ts_called, memory_order_acquire) == called)
		(void)hyper_wait(&ts.ts_called, called, HYPER_FOREVER);
	smr_enter(ht);
}

bool
ktimer_cancel_sync(struct ktimer *kt)
{
	uint32_t called;
	bool armed, wait;

	mutex_enter(&timer_lock);
	armed = ktimer_remove(kt);
	called = atomic_load_explicit(&ts.ts_called, memory_order_relaxed);
	if ((wait = ts.ts_running == kt))
		ts.ts_awaited = true;
	mutex_exit(&timer_lock);
	if (wait)
		ktimer_await(called);
	return armed;
}

int64_t
ktimer_left(struct ktimer *kt)
{
	int64_t left = 0;

	mutex_enter(&timer_lock);
	if (kt->kt_armed) {
		left = kt->kt_when - ktimer_now(kt->kt_clock, kern_monotonic());
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
	/* A function may have been outside the kernel, raising a signal. */
	ts.ts_running = NULL;
	ts.ts_awaited = false;
	for (clock = 0; clock < KTIMER_NCLOCKS; clock++)
		armed = armed || ts.ts_heap[clock].th_count != 0;
	if (armed)
		(void)ktimer_start();
}
