/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sharded lists of processes; see plist.h.
 *
 * Lock: the shard's.  It is the last one taken.
 */
#include "kern/proc_impl.h"

void
plist_insert(struct plist *pl, struct plist_entry *pe)
{
	struct plist_shard *s = plist_shard(pl);

	mutex_enter(&s->ps_lock);
	LIST_INSERT_HEAD(&s->ps_head, pe, pe_link);
	/* Relaxed: whoever reads it takes the lock and looks again. */
	atomic_store_explicit(&pe->pe_shard, s, memory_order_relaxed);
	mutex_exit(&s->ps_lock);
}

/*
 * The entry may be moved to another list meanwhile (a child whose parent
 * goes), until its shard's lock is held.  A shard that it has left is still
 * a shard: processes and groups are not freed while somebody looks.
 */
struct plist_shard *
plist_lock(struct plist_entry *pe)
{
	struct plist_shard *s;

	for (;;) {
		s = atomic_load_explicit(&pe->pe_shard, memory_order_relaxed);
		mutex_enter(&s->ps_lock);
		if (likely(s == atomic_load_explicit(
				    &pe->pe_shard, memory_order_relaxed)))
			return s;
		mutex_exit(&s->ps_lock);
	}
}

void
plist_remove(struct plist_entry *pe)
{
	struct plist_shard *s = plist_lock(pe);

	LIST_REMOVE(pe, pe_link);
	mutex_exit(&s->ps_lock);
}
