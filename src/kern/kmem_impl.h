/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files of the allocator: kregion.c (address space, limit,
 * areas), kpage.c (runs of pages), kcache.c (objects), kmem.c (the rest).
 * Each calls only those named before it.
 *
 * Locks: a cache's, then the page heap's; never two caches at once.
 */
#ifndef KERN_KMEM_IMPL_H
#define KERN_KMEM_IMPL_H

#include "kern/kmem.h"
#include "kern/lock.h"

#define KPAGE_SHIFT 12

/* The longest run of pages: 2^18 of them, a gigabyte. */
#define KPAGE_MAXORDER 18u
#define KPAGE_RUN_MAX  ((size_t)KPAGE_SIZE << KPAGE_MAXORDER)

/* What the page heap knows about a page, outside of the page; see kpage.c. */
struct kpageinfo {
	uint32_t pi_next, pi_prev; /* free runs of this order, by number */
	uint8_t pi_state;
};

/*
 * The region.  charge counts bytes as committed if the limit allows it:
 * 0 or ENOMEM.
 */
int region_init(uint64_t limit, struct karea *heap, struct karea *heapmeta);
int region_charge(uint64_t bytes);
void region_uncharge(uint64_t bytes);
void region_stats(uint64_t *limit, uint64_t *committed);

/* Commit and charge exactly up to `need' bytes of an area. */
int area_commit(struct karea *, size_t need);

/*
 * The page heap.  get and put move runs without fault injection, magazine or
 * memory reclaim; they take the heap's lock.  get fills runs with up to n of
 * them and returns how many; get_run gets one, or NULL, and says whether all of
 * it is zero, as what the host gives is.
 */
void heap_init(struct karea *heap, struct karea *heapmeta);
unsigned heap_get(unsigned order, void **runs, unsigned n);
void *heap_get_run(unsigned order, bool *zerop);
void heap_put(unsigned order, void *const *runs, unsigned n);

/* Give free pages back to the host until `bytes' are no longer charged. */
void heap_trim(uint64_t bytes);

/*
 * Caches.  KCACHE_PAGES: objects are single pages straight from the heap.
 * used_all: bytes in allocated objects of all caches.  reap_all gives back
 * what this host thread's magazines hold, and all slabs that are empty.
 * ready: see kmem_ready.
 */
#define KCACHE_PAGES 2u
void kcache_reap_all(void);
uint64_t kcache_used_all(void);
void kcache_ready(struct kcache *);

/* Memory is out: have everybody give some back, before another try. */
void kmem_reclaim_now(void);

#endif /* KERN_KMEM_IMPL_H */
