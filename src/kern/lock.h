/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locks and condition variables.  There is one mutual exclusion lock
 * (kmutex), one shared/exclusive lock (krwlock) and one way to sleep
 * (kcondvar); whatever blocks in the kernel blocks in one of them.
 *
 * All three live in one or two words, need no destruction, and are valid when
 * zero.  Their order is in docs/locking.md.
 */
#ifndef KERN_LOCK_H
#define KERN_LOCK_H

#include "kern/hostthread.h"
#include "kern/param.h"

/*
 * Mutual exclusion.  Word: 0 free; else the id of the host thread that holds
 * it shifted left by one, and bit 0 if somebody may be parked on it.
 * Not recursive.
 */
struct kmutex {
	_Atomic uint32_t m_word;
};

#define KMUTEX_WAITERS 1u

void mutex_enter_slow(struct kmutex *);
void mutex_exit_slow(struct kmutex *);

static inline bool
mutex_tryenter(struct kmutex *m)
{
	uint32_t free = 0;

	if (kern_alone) {
		if (unlikely(atomic_load_explicit(
				 &m->m_word, memory_order_relaxed) != 0))
			return false;
		atomic_store_explicit(
		    &m->m_word, curht()->ht_id << 1, memory_order_relaxed);
		return true;
	}
	return atomic_compare_exchange_strong_explicit(&m->m_word, &free,
	    curht()->ht_id << 1, memory_order_acquire, memory_order_relaxed);
}

static inline void
mutex_enter(struct kmutex *m)
{
	if (unlikely(!mutex_tryenter(m)))
		mutex_enter_slow(m);
}

static inline void
mutex_exit(struct kmutex *m)
{
	uint32_t old;

	if (kern_alone) {
		atomic_store_explicit(&m->m_word, 0, memory_order_relaxed);
		return;
	}
	/* Pairs with the acquire in mutex_tryenter. */
	old = atomic_exchange_explicit(&m->m_word, 0, memory_order_release);
	if (unlikely(old & KMUTEX_WAITERS))
		mutex_exit_slow(m);
}

/* For assertions: does the calling host thread hold it? */
static inline bool
mutex_owned(struct kmutex *m)
{
	return atomic_load_explicit(&m->m_word, memory_order_relaxed) >> 1 ==
	       curht()->ht_id;
}

/*
 * Shared/exclusive.  A writer that waits keeps new readers out.
 * Word: bit 31 held exclusively, bit 30 somebody parked, below: readers.
 *
 * Readers that are short and do not sleep may hold it lightly
 * (rw_enter_light): when KRW_LIGHT of them in a row have met no writer, they
 * leave the word alone and only note in their host thread's record which lock
 * they hold.  The next writer ends that and waits for them:
 *
 *	reader				writer
 *	writes ht_light			takes the word, writes rw_lights
 *	compiler barrier		membarrier
 *	reads rw_lights			reads ht_light of all
 *
 * One of them sees what the other wrote: the reader takes the word instead, or
 * the writer waits.  That costs a writer microseconds, and readers had to be
 * so many before.
 */
struct krwlock {
	_Atomic uint32_t rw_word;
	_Atomic uint16_t rw_writers; /* writers that wait */
	_Atomic uint16_t rw_lights;  /* readers so far, to KRW_LIGHT */
};

#define KRW_WRITER  0x80000000u
#define KRW_WAITERS 0x40000000u
#define KRW_LIGHT   1000u

void rw_enter_read_slow(struct krwlock *);
void rw_enter_write_slow(struct krwlock *);
void rw_wake(struct krwlock *);
void rw_enter_light_slow(struct krwlock *);
void rw_lights_end(struct krwlock *);

static inline void
rw_enter_read(struct krwlock *rw)
{
	uint32_t w = atomic_load_explicit(&rw->rw_word, memory_order_relaxed);

	if (unlikely((w & (KRW_WRITER | KRW_WAITERS)) != 0 ||
		     !atomic_compare_exchange_strong_explicit(&rw->rw_word, &w,
			 w + 1, memory_order_acquire, memory_order_relaxed)))
		rw_enter_read_slow(rw);
}

static inline void
rw_exit_read(struct krwlock *rw)
{
	uint32_t w =
	    atomic_fetch_sub_explicit(&rw->rw_word, 1, memory_order_release);

	if (unlikely(w == (KRW_WAITERS | 1)))
		rw_wake(rw);
}

static inline __attribute__((always_inline)) void
rw_enter_write(struct krwlock *rw)
{
	uint32_t w = 0;

	if (unlikely(!atomic_compare_exchange_strong_explicit(&rw->rw_word, &w,
		KRW_WRITER, memory_order_acquire, memory_order_relaxed)))
		rw_enter_write_slow(rw);
	/* Changes to it were made under the word. */
	if (unlikely(atomic_load_explicit(
			 &rw->rw_lights, memory_order_relaxed) != 0))
		rw_lights_end(rw);
}

static inline __attribute__((always_inline)) void
rw_exit_write(struct krwlock *rw)
{
	/* The bit is set, and to take it away is one instruction. */
	uint32_t w = atomic_fetch_sub_explicit(
	    &rw->rw_word, KRW_WRITER, memory_order_release);

	if (unlikely((w & KRW_WAITERS) != 0))
		rw_wake(rw);
}

/*
 * Shared, by one who does not sleep and takes no other lock lightly.
 */
static inline void
rw_enter_light(struct krwlock *rw)
{
	struct hostthread *ht = curht();

	KASSERT(
	    atomic_load_explicit(&ht->ht_light, memory_order_relaxed) == NULL);
	/* Release: a writer may see this, and not that we left another. */
	atomic_store_explicit(&ht->ht_light, rw, memory_order_release);
	atomic_signal_fence(memory_order_seq_cst);
	/* Acquire pairs with the release in rw_enter_light_slow. */
	if (likely(atomic_load_explicit(&rw->rw_lights, memory_order_acquire) ==
		   KRW_LIGHT))
		return;
	atomic_store_explicit(&ht->ht_light, NULL, memory_order_release);
	rw_enter_light_slow(rw);
}

static inline void
rw_exit_light(struct krwlock *rw)
{
	struct hostthread *ht = curht();

	/* Release pairs with the acquire in rw_lights_end. */
	if (likely(atomic_load_explicit(&ht->ht_light, memory_order_relaxed) ==
		   rw))
		atomic_store_explicit(
		    &ht->ht_light, NULL, memory_order_release);
	else
		rw_exit_read(rw);
}

/* For assertions: held by anybody, exclusively or, not lightly, at all? */
static inline bool
rw_write_held(struct krwlock *rw)
{
	return (atomic_load_explicit(&rw->rw_word, memory_order_relaxed) &
		   KRW_WRITER) != 0;
}

static inline bool
rw_held(struct krwlock *rw)
{
	return (atomic_load_explicit(&rw->rw_word, memory_order_relaxed) &
		   ~KRW_WAITERS) != 0;
}

/*
 * Condition variable: the lwps that wait for something, in order of arrival.
 * Covered by the mutex that the caller holds around every one of these calls.
 * A zeroed kcondvar is empty.
 *
 * The wait calls must be made by the lwp that is current, with exactly this
 * one lock held.  They release it, park, and take it again before they
 * return.  What the caller found in a smr section before is no longer safe
 * afterwards (see smr.h); a file borrowed by fd_getfile stays (filedesc.h).
 *
 *	cv_wait_sig	0, or EINTR if the lwp was interrupted (lwp_interrupt)
 *	cv_timedwait_sig  the same, or ETIMEDOUT at `deadline', nanoseconds of
 *			HYPER_CLOCK_MONOTONIC or HYPER_FOREVER
 *
 * Wake-ups can be spurious: test the condition in a loop.
 */
struct kcondvar {
	struct lwp *cv_first;
	struct lwp *cv_last;
};

int cv_wait_sig(struct kcondvar *, struct kmutex *);
int cv_timedwait_sig(struct kcondvar *, struct kmutex *, int64_t deadline);
void cv_signal(struct kcondvar *);
void cv_broadcast(struct kcondvar *);

/*
 * cv_signal in two steps, so that the lwp that wakes up does not run into the
 * mutex: cv_take picks it (or NULL) under the mutex, cv_wake wakes it after
 * mutex_exit.
 */
struct lwp *cv_take(struct kcondvar *);
void cv_wake(struct lwp *);

static inline bool
cv_has_waiters(const struct kcondvar *cv)
{
	return cv->cv_first != NULL;
}

#endif /* KERN_LOCK_H */
