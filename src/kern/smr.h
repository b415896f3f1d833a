/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Safe memory reclamation: lookups that take no lock.
 *
 * Every call into the kernel is a read section, from entry to return, except
 * while it sleeps.  A pointer that was read from a structure inside the
 * section stays readable until its end, even if another host thread unlinks
 * the object and retires it: retired memory is freed only when every host
 * thread has left the section it was in, or slept, since.
 *
 *	reader	smr_enter: stores the global sequence in its own record, a
 *		compiler barrier, and reads on.  smr_exit: stores zero.
 *	writer	unlinks, then smr_retire.  Some retirements later the
 *		sequence is advanced, hyper_membarrier makes every reader's
 *		store visible, and what no reader can hold is freed.
 *
 * The fork handlers use the same record: a host thread whose ht_smr is zero
 * is not inside the kernel, or parked with no lock held.
 */
#ifndef KERN_SMR_H
#define KERN_SMR_H

#include "kern/hostthread.h"

/* Embedded in an object that is to be retired. */
struct smr_item {
	struct smr_item *si_next;
	void (*si_free)(struct smr_item *);
};

/*
 * What an entry reads, all in one line: the sequence, and the reasons why it
 * must take the slow way.
 */
struct kern_entry {
	_Atomic uint64_t ke_seq;  /* from 1, goes up */
	_Atomic uint32_t ke_slow; /* KE_* below */
} __attribute__((aligned(CACHE_LINE)));

#define KE_FORK	  1u /* a fork(2) is on its way: wait outside */
#define KE_STRONG 2u /* the host has no membarrier: fence at entry */

extern struct kern_entry kern_entry;

void smr_enter_slow(struct hostthread *);

static inline __attribute__((always_inline)) void
smr_enter(struct hostthread *ht)
{
	/* Pairs with the scan in smr_poll, by way of hyper_membarrier. */
	atomic_store_explicit(&ht->ht_smr,
	    atomic_load_explicit(&kern_entry.ke_seq, memory_order_acquire),
	    memory_order_relaxed);
	atomic_signal_fence(memory_order_seq_cst);
	if (unlikely(atomic_load_explicit(
			 &kern_entry.ke_slow, memory_order_acquire) != 0))
		smr_enter_slow(ht);
}

static inline void
smr_exit(struct hostthread *ht)
{
	/* Release: our reads are over before the scan sees zero. */
	atomic_store_explicit(&ht->ht_smr, 0, memory_order_release);
}

/*
 * Is the calling host thread in a section?  Others only read the word, so this
 * is no atomic load; see lwp_has for what that saves.
 */
static inline bool
smr_entered(void)
{
	return *(const uint64_t *)&curht()->ht_smr != 0;
}

/* Retired objects that a host thread collects before it looks for readers. */
#define SMR_BATCH 64

/*
 * Have item freed by fn once no reader can hold it.  Takes no lock, may be
 * called with locks held, never fails.  fn is called when some host thread
 * leaves the kernel (smr_poll), in a section, with no lock held; it must not
 * sleep.
 */
void smr_retire(struct smr_item *item, void (*fn)(struct smr_item *));

/* On the way out of the kernel, outside the section: free what can be. */
void smr_poll(struct hostthread *);
/* Has the calling host thread nothing retired that was not freed? */
bool smr_isempty(const struct hostthread *);

/*
 * Wait until everything that this host thread retired so far is freed.
 * Called from a section, which it leaves and enters again: for tests and
 * for giving memory back when it is short.
 */
void smr_drain(void);

/*
 * Wait until every section that other host threads are in has ended.  Called
 * from a section, without locks; leaves it and enters it again.
 */
void smr_synchronize(void);

/*
 * For who wants to know without waiting: smr_passed says whether every section
 * has ended that was entered before smr_goal gave this value.
 */
uint64_t smr_goal(void);
bool smr_passed(uint64_t goal);

/* A host thread ends: hand its retired objects to the common list. */
void smr_thread_flush(struct hostthread *);

#endif /* KERN_SMR_H */
