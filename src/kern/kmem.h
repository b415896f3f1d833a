/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel memory.  All of it comes from one region of address space that is
 * reserved at boot and committed as it is needed, up to a limit.  When the
 * limit is reached, allocation fails with NULL and the caller reports ENOMEM.
 *
 *	areas	the region is cut into a few areas at boot: the heap, the
 *		lwp slots, the pid table.  An area grows at its end only.
 *	pages	runs of pages from the heap, a buddy system.
 *	caches	objects of one size, cut out of slabs of pages, with a
 *		magazine for each host thread in front.
 *	kmem_alloc	any size: the fitting cache, or a run of pages.
 *
 * Frees name the size; there are no headers.  All calls need curht().
 * Nothing here blocks for longer than a page fault.
 */
#ifndef KERN_KMEM_H
#define KERN_KMEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kern/param.h"

#define KMEM_NCACHE 48	/* caches there can be */
#define KMEM_MAGSIZE 32 /* objects a host thread keeps of each */

/* A host thread's free objects of one cache, linked through their first word. */
struct kmagazine {
	void *km_objs;
	uint32_t km_count;
};

/*
 * A cache of objects of one size.  Made by kcache_init at boot, never freed.
 */
struct kcache;

/*
 * Objects are `size' bytes, aligned to `align' (a power of two up to a page).
 * KCACHE_STABLE: memory that has been an object of this cache is never used
 * for anything else, so that a stale pointer can be read and recognised; the
 * allocator writes only its first eight bytes.  Without it, freed objects are
 * poisoned for AddressSanitizer and empty slabs go back to the page heap.
 * Never fails: the table of caches is static.
 */
#define KCACHE_STABLE 1
struct kcache *kcache_init(
    const char *name, size_t size, size_t align, unsigned flags);

/* One object, not initialised; NULL when memory is out. */
void *kcache_alloc(struct kcache *);
void kcache_free(struct kcache *, void *);

/* Objects of a cache that are allocated now, from all host threads. */
uint64_t kcache_live(struct kcache *);

/* `size' bytes (> 0), aligned to 16; to a page from a page upward. */
void *kmem_alloc(size_t size);
void *kmem_zalloc(size_t size);
void kmem_free(void *, size_t size);

/* 2^order pages in one run, aligned to their length. */
void *kpage_alloc(unsigned order);
void kpage_free(void *, unsigned order);

/*
 * An area of the region: contiguous address space that grows at its end.
 * The owner serialises calls to area_grow.
 */
struct karea {
	char *ka_base;
	size_t ka_size;		    /* reserved bytes */
	_Atomic size_t ka_committed; /* usable bytes from ka_base */
};

/* Make at least `need' bytes from ka_base usable.  0 or ENOMEM. */
int area_grow(struct karea *, size_t need);

extern struct karea kmem_lwp_area; /* struct lwp slots; see lwp.c */
extern struct karea kmem_pid_area; /* struct pidslot table; see pid.c */

/*
 * Reserve the region: `limit' bytes may be committed in all (0: as much as
 * the host has).  Called once at boot, before any other call.  0 or ENOMEM.
 */
int kmem_init(uint64_t limit);

/* Put the objects in a host thread's magazines back; it is ending. */
void kmem_thread_flush(struct hostthread *);

/*
 * Called when memory is out, before an allocation fails: lets other parts
 * give back what they hold in caches.
 */
extern void (*kmem_reclaim)(void);

struct kmem_stats {
	uint64_t ks_limit;     /* bytes that may be committed */
	uint64_t ks_committed; /* bytes committed */
	uint64_t ks_used;      /* bytes allocated by callers, magazines not */
};
void kmem_stats(struct kmem_stats *);

#endif /* KERN_KMEM_H */
