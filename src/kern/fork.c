/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's fork(2).
 *
 * While the host copies the process, no other host thread may be inside the
 * kernel, unless it is parked: parked threads hold no lock and leave every
 * structure whole.  So entries are stopped (KE_FORK) and whoever is inside is
 * waited for.  The child has one host thread; what the others ran becomes not
 * running, and what they slept in is forgotten.
 *
 * Only one fork at a time goes through here.
 */
#include "kern/boot.h"
#include "kern/kern.h"
#include "kern/timer.h"
#include "kern/trace.h"

static _Atomic uint32_t fork_going;
static struct fork_hook *fork_hooks; /* stable after boot */

uint32_t kern_forks;

static void
fork_lock(void)
{
	uint32_t no = 0;

	while (!atomic_compare_exchange_strong_explicit(
	    &fork_going, &no, 1, memory_order_acquire, memory_order_relaxed)) {
		no = 0;
		hyper_wait(&fork_going, 1, HYPER_FOREVER);
	}
}

static void
fork_unlock(void)
{
	atomic_fetch_and_explicit(
	    &kern_entry.ke_slow, ~KE_FORK, memory_order_release);
	atomic_store_explicit(&fork_going, 0, memory_order_release);
}

/* Close the gate, not while somebody boots: that enters the kernel, too. */
static void
fork_close_gate(void)
{
	for (;;) {
		kern_boot_wait();
		/* Pairs with boot_begin: one of the two sees the other. */
		atomic_fetch_or_explicit(
		    &kern_entry.ke_slow, KE_FORK, memory_order_seq_cst);
		if (!kern_booting())
			return;
		atomic_fetch_and_explicit(
		    &kern_entry.ke_slow, ~KE_FORK, memory_order_release);
		hyper_wake(&kern_entry.ke_slow, INT_MAX);
	}
}

void
fork_hook_register(struct fork_hook *fh)
{
	fh->fh_next = fork_hooks;
	fork_hooks = fh;
}

void
fork_prepare(void)
{
	struct hostthread *ht;
	struct fork_hook *fh;

	fork_lock();
	fork_close_gate();
	/* Pairs with smr_enter: who missed the flag shows its ht_smr. */
	(void)hyper_membarrier();
	ht = atomic_load_explicit(&hostthread_list, memory_order_acquire);
	for (; ht != NULL; ht = ht->ht_next) {
		if (ht == curht())
			continue;
		while (atomic_load_explicit(
			   &ht->ht_smr, memory_order_acquire) != 0)
			hyper_yield();
	}
	if (kern_booted())
		for (fh = fork_hooks; fh != NULL; fh = fh->fh_next)
			fh->fh_prepare();
}

void
fork_parent(void)
{
	struct fork_hook *fh;

	if (kern_booted())
		for (fh = fork_hooks; fh != NULL; fh = fh->fh_next)
			fh->fh_parent();
	fork_unlock();
	hyper_wake(&kern_entry.ke_slow, INT_MAX);
	hyper_wake(&fork_going, INT_MAX);
}

void
fork_child(void)
{
	struct fork_hook *fh;
	/* Fibers are in the child if their host thread is, asleep or not. */
	bool orphans = !hyper_host->hh_fibers || curht() == NULL;

	if (orphans)
		kern_forks++;
	if (kern_booted())
		for (fh = fork_hooks; fh != NULL; fh = fh->fh_next)
			fh->fh_child();
	kern_boot_forked();
	fork_unlock();
	if (kern_booted()) {
		hostthread_forked();
		ktimer_forked();
		if (trace_forked != NULL)
			trace_forked();
	}
}
