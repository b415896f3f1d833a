/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A list of processes that many host threads add to at once: cut into shards,
 * each with a lock of its own.  A list that few threads touch has one shard,
 * inside it; process 1's children and first process group have many.
 * A host thread adds to the shard of its id.
 */
#ifndef KERN_PLIST_H
#define KERN_PLIST_H

#include <sys/queue.h>

#include "kern/lock.h"

struct plist_entry {
	LIST_ENTRY(plist_entry) pe_link;      /* the shard's lock */
	struct plist_shard *_Atomic pe_shard; /* changed under that lock */
};

struct plist_shard {
	struct kmutex ps_lock;
	LIST_HEAD(, plist_entry) ps_head;
};

/* Shards of a wide list, each in a cache line of its own. */
#define PLIST_WIDTH 16
struct plist_wide {
	struct plist_shard pw_shard __attribute__((aligned(CACHE_LINE)));
};

struct plist {
	struct plist_shard pl_one;
	struct plist_wide *pl_wide; /* NULL: pl_one is all; stable */
};

/* The shard that the calling host thread adds to. */
static inline struct plist_shard *
plist_shard(struct plist *pl)
{
	if (pl->pl_wide == NULL)
		return &pl->pl_one;
	return &pl->pl_wide[curht()->ht_id % PLIST_WIDTH].pw_shard;
}

/* Lock the shard that the entry is in, which it returns. */
struct plist_shard *plist_lock(struct plist_entry *);

/* Every shard in turn: for (i = 0; (s = plist_nth(pl, i)) != NULL; i++) */
static inline struct plist_shard *
plist_nth(struct plist *pl, unsigned i)
{
	if (pl->pl_wide == NULL)
		return i == 0 ? &pl->pl_one : NULL;
	return i < PLIST_WIDTH ? &pl->pl_wide[i].pw_shard : NULL;
}

#endif /* KERN_PLIST_H */
