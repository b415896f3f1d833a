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
 * Nothing here blocks for longer than a page fault, and any lock of the
 * kernel's may be held; the allocator's own locks are the last in the order.
 *
 * Fault injection (rumpuser_memfail) counts each of the calls below that
 * allocates once, whatever happens inside.
 */
#ifndef KERN_KMEM_H
#define KERN_KMEM_H

#include "kern/hostthread.h"

/*
 * AddressSanitizer: free memory is poisoned.  kmem_link and kmem_setlink are
 * how the allocator itself reads and writes the first word of a free object.
 */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KMEM_ASAN 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define KMEM_ASAN 1
#endif

#ifdef KMEM_ASAN
#include <sanitizer/asan_interface.h>
#define KMEM_POISON(p, n)   ASAN_POISON_MEMORY_REGION(p, n)
#define KMEM_UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#define KMEM_POISONED(p)    (__asan_address_is_poisoned(p) != 0)
#define KMEM_LINK_ATTR	    __attribute__((no_sanitize("address"), noinline))
#else
#define KMEM_POISON(p, n)   ((void)(p), (void)(n))
#define KMEM_UNPOISON(p, n) ((void)(p), (void)(n))
#define KMEM_POISONED(p)    false
#define KMEM_LINK_ATTR	    inline
#endif

/*
 * Relaxed atomics, because a stale pointer to a stable object may be read by
 * somebody at the same time.
 */
static KMEM_LINK_ATTR void *
kmem_link(void *obj)
{
	return __atomic_load_n((void **)obj, __ATOMIC_RELAXED);
}

static KMEM_LINK_ATTR void
kmem_setlink(void *obj, void *next)
{
	__atomic_store_n((void **)obj, next, __ATOMIC_RELAXED);
}

/*
 * A cache of objects of one size.  Made by kcache_init at boot, never freed.
 * These are the fields that every allocation reads; all stable.
 */
struct kslabs;
struct kcache {
	uint32_t kc_magoff; /* of its magazine in struct hostthread */
	uint32_t kc_magmax; /* objects in a full magazine */
	uint32_t kc_size;   /* bytes of an object */
	uint32_t kc_flags;
	struct kslabs *kc_slabs; /* the rest; see kcache.c */
};

/*
 * Objects are `size' bytes, aligned to `align' (a power of two up to a page).
 * KCACHE_STABLE: memory that has been an object of this cache is never used
 * for anything else, so that a stale pointer can be read and recognised; the
 * allocator writes only its first eight bytes.  An object is zero beyond them
 * when it is allocated for the first time, and as it was freed later on.
 * Without it, the contents are undefined, freed objects are poisoned for
 * AddressSanitizer and empty slabs go back to the page heap.
 * Never fails: the table of caches is static.
 */
#define KCACHE_STABLE 1u
struct kcache *
kcache_init(const char *name, size_t size, size_t align, unsigned flags);

/* Objects of a cache that are allocated now, from all host threads. */
uint64_t kcache_live(struct kcache *);

/* The magazine is empty or faults are injected; the magazine is full. */
void *kcache_alloc_slow(struct kcache *);
void kcache_free_slow(struct kcache *, void *);

static inline struct kmagazine *
kcache_magazine(const struct kcache *kc)
{
	return (struct kmagazine *)(void *)((char *)curht() + kc->kc_magoff);
}

/* One object; NULL when memory is out. */
static inline __attribute__((always_inline)) void *
kcache_alloc(struct kcache *kc)
{
	struct kmagazine *km = kcache_magazine(kc);
	void *obj = km->km_objs;

	if (unlikely(obj == NULL || hyper_mem_armed()))
		return kcache_alloc_slow(kc);
	km->km_objs = kmem_link(obj);
	atomic_store_explicit(&km->km_count,
	    atomic_load_explicit(&km->km_count, memory_order_relaxed) - 1,
	    memory_order_relaxed);
	KMEM_UNPOISON(obj, kc->kc_size);
	return obj;
}

/* Give it back; not NULL. */
static inline void
kcache_free(struct kcache *kc, void *obj)
{
	struct kmagazine *km = kcache_magazine(kc);
	uint32_t n = atomic_load_explicit(&km->km_count, memory_order_relaxed);

	KASSERT(obj != km->km_objs && !KMEM_POISONED(obj));
	if (unlikely(n >= kc->kc_magmax)) {
		kcache_free_slow(kc, obj);
		return;
	}
	kmem_setlink(obj, km->km_objs);
	km->km_objs = obj;
	atomic_store_explicit(&km->km_count, n + 1, memory_order_relaxed);
	if ((kc->kc_flags & KCACHE_STABLE) == 0)
		KMEM_POISON(obj, kc->kc_size);
}

/*
 * `size' bytes (> 0), aligned to 16; to a page from a page upward.  More than
 * a page is rounded up to a power of two pages, which ks_used shows.
 */
void *kmem_alloc(size_t size);
void *kmem_zalloc(size_t size);
void kmem_free(void *, size_t size);

/*
 * Memory that the kernel has the host keep for it outside of the region counts
 * against the limit too.  charge: ENOMEM.
 */
int kmem_charge(uint64_t bytes);
void kmem_uncharge(uint64_t bytes);

/* 2^order pages in one run, aligned to their length. */
void *kpage_alloc(unsigned order);
void kpage_free(void *, unsigned order);

/*
 * An area of the region: contiguous address space that grows at its end.
 * The owner serialises calls to area_grow.
 */
struct karea {
	char *ka_base;
	size_t ka_size;		     /* reserved bytes */
	_Atomic size_t ka_committed; /* usable bytes from ka_base */
};

/* Make at least `need' bytes from ka_base usable.  0 or ENOMEM. */
int area_grow(struct karea *, size_t need);

extern struct karea kmem_lwp_area; /* struct lwp slots; see lwp.c */
extern struct karea kmem_pid_area; /* struct pidslot table; see pid.c */

/*
 * Reserve the region: `limit' bytes may be committed in all (0: as much as
 * the host has).  Called once at boot, before any other call.  0, ENOMEM, or
 * EINVAL for a limit below KMEM_MINLIMIT.
 */
#define KMEM_MINLIMIT (1u << 20)
int kmem_init(uint64_t limit);

/*
 * A host thread that waits for something to do gets one page for its magazine,
 * which the host may take longer to give than a call to copy data to it, if it
 * has wanted many.  In the kernel, as all of these.
 */
void kmem_ready(void);

/* Put the objects in a host thread's magazines back; it is ending. */
void kmem_thread_flush(struct hostthread *);

/*
 * Called when memory is out, before an allocation fails: lets other parts
 * give back what they hold in caches.  Runs inside kcache_alloc and its like,
 * with whatever locks their callers hold: it must neither sleep nor wait for
 * a lock nor leave the smr section.
 */
extern void (*kmem_reclaim)(void);

/*
 * Committed is what the host may have given pages for, but for the rest of the
 * large pages that they are parts of: it goes down when the heap gives big free
 * blocks back.  Used is what callers of kcache_alloc, kmem_alloc and
 * kpage_alloc have now, rounded up to the size of the object that serves it,
 * without what is in magazines and without the two areas; exact when no other
 * host thread allocates meanwhile.
 */
struct kmem_stats {
	uint64_t ks_limit;     /* bytes that may be committed */
	uint64_t ks_committed; /* bytes committed */
	uint64_t ks_used;      /* bytes allocated by callers */
};
void kmem_stats(struct kmem_stats *);

#endif /* KERN_KMEM_H */
