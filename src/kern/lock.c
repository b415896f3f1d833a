/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The slow halves of the locks of lock.h: somebody else has it.
 *
 * A lock is held for a short time, so a waiter first spins a little, then
 * parks on the word itself.  Waiting happens inside the section that the host
 * thread is in: the holder is inside the kernel too and will go on.
 */
#include "kern/lock.h"

#include "hyper/pause.h"
#include "kern/smr.h"

#define SPINS 100

void
mutex_enter_slow(struct kmutex *m)
{
	uint32_t me = curht()->ht_id << 1, w;
	int i;

	KASSERT(!mutex_owned(m));
	for (i = 0; i < SPINS; i++) {
		cpu_pause();
		if (atomic_load_explicit(&m->m_word, memory_order_relaxed) ==
			0 &&
		    mutex_tryenter(m))
			return;
	}
	w = atomic_load_explicit(&m->m_word, memory_order_relaxed);
	for (;;) {
		if (w == 0) {
			/* Others may be parked too: say so for our exit. */
			if (atomic_compare_exchange_weak_explicit(&m->m_word,
				&w, me | KMUTEX_WAITERS, memory_order_acquire,
				memory_order_relaxed))
				return;
			continue;
		}
		if ((w & KMUTEX_WAITERS) == 0 &&
		    !atomic_compare_exchange_weak_explicit(&m->m_word, &w,
			w | KMUTEX_WAITERS, memory_order_relaxed,
			memory_order_relaxed))
			continue;
		hyper_wait(&m->m_word, w | KMUTEX_WAITERS, HYPER_FOREVER);
		w = atomic_load_explicit(&m->m_word, memory_order_relaxed);
	}
}

void
mutex_exit_slow(struct kmutex *m)
{
	hyper_wake(&m->m_word, 1);
}

/* Mark the word as waited for, if it still is `w', and park on it. */
static void
rw_park(struct krwlock *rw, uint32_t w)
{
	if ((w & KRW_WAITERS) == 0 &&
	    !atomic_compare_exchange_strong_explicit(&rw->rw_word, &w,
		w | KRW_WAITERS, memory_order_relaxed, memory_order_relaxed))
		return;
	hyper_wait(&rw->rw_word, w | KRW_WAITERS, HYPER_FOREVER);
}

void
rw_enter_read_slow(struct krwlock *rw)
{
	uint32_t w;
	int spins = 0;

	for (;;) {
		w = atomic_load_explicit(&rw->rw_word, memory_order_relaxed);
		/*
		 * Never park while nobody holds it: the writer that we would
		 * leave the way to may have come and gone.
		 */
		if ((w & KRW_WRITER) == 0 &&
		    ((w & ~KRW_WAITERS) == 0 ||
			atomic_load_explicit(
			    &rw->rw_writers, memory_order_relaxed) == 0)) {
			if (atomic_compare_exchange_weak_explicit(&rw->rw_word,
				&w, w + 1, memory_order_acquire,
				memory_order_relaxed))
				return;
		} else if (spins++ < SPINS)
			cpu_pause();
		else
			rw_park(rw, w);
	}
}

void
rw_enter_write_slow(struct krwlock *rw)
{
	uint32_t w;
	int spins = 0;

	atomic_fetch_add_explicit(&rw->rw_writers, 1, memory_order_relaxed);
	for (;;) {
		w = atomic_load_explicit(&rw->rw_word, memory_order_relaxed);
		if ((w & ~KRW_WAITERS) == 0) {
			if (atomic_compare_exchange_weak_explicit(&rw->rw_word,
				&w, w | KRW_WRITER, memory_order_acquire,
				memory_order_relaxed))
				break;
		} else if (spins++ < SPINS)
			cpu_pause();
		else
			rw_park(rw, w);
	}
	atomic_fetch_sub_explicit(&rw->rw_writers, 1, memory_order_relaxed);
}

/*
 * The lock is free, or was a moment ago: everybody parked tries again.
 */
void
rw_wake(struct krwlock *rw)
{
	atomic_fetch_and_explicit(
	    &rw->rw_word, ~KRW_WAITERS, memory_order_relaxed);
	hyper_wake(&rw->rw_word, INT_MAX);
}

/* A reader takes the word, as others may do, and counts. */
void
rw_enter_light_slow(struct krwlock *rw)
{
	uint16_t n;

	rw_enter_read(rw);
	n = atomic_load_explicit(&rw->rw_lights, memory_order_relaxed);
	/* Without membarrier nobody could end it. */
	if (n == KRW_LIGHT ||
	    (atomic_load_explicit(&kern_entry.ke_slow, memory_order_relaxed) &
		KE_STRONG) != 0)
		return;
	/*
	 * Not just a store, which could undo the last step of another.
	 * Release: the writers before us are seen by who holds it lightly.
	 */
	(void)atomic_compare_exchange_strong_explicit(&rw->rw_lights, &n,
	    (uint16_t)(n + 1), memory_order_release, memory_order_relaxed);
}

/* A writer has taken the word: readers count from zero. */
void
rw_lights_end(struct krwlock *rw)
{
	bool light = atomic_load_explicit(
			 &rw->rw_lights, memory_order_relaxed) == KRW_LIGHT;
	struct hostthread *ht;

	KASSERT(rw_write_held(rw));
	atomic_store_explicit(&rw->rw_lights, 0, memory_order_relaxed);
	if (!light)
		return;
	(void)hyper_membarrier();
	ht = atomic_load_explicit(&hostthread_list, memory_order_acquire);
	for (; ht != NULL; ht = ht->ht_next) {
		/* Acquire pairs with the releases of readers. */
		while (atomic_load_explicit(
			   &ht->ht_light, memory_order_acquire) == rw)
			hyper_yield();
	}
}
