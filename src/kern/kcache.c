/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Caches of objects.
 *
 * A slab is a run of pages that starts with a struct slab and is filled with
 * objects; since runs are aligned to their length, an object finds its slab by
 * cutting off low bits.  A slab with some objects free is on its cache's
 * partial list; one with none free is on no list; one with all free is kept
 * aside if it is the only one, else its pages go back to the heap (never with
 * KCACHE_STABLE, where it stays on the partial list).
 *
 * An object that has not been allocated so far is not touched: a slab carves
 * its objects one after the other.
 *
 * In front of the slabs each host thread has a magazine of free objects for
 * each cache.  Allocation and free work on it without any locking (kmem.h);
 * only when it runs empty or full, some objects are moved at once, here.
 *
 * Locks: ks_lock, letter (c), covers the slabs of one cache.  (a) is a count
 * that publishes nothing: relaxed.  (s) is stable.
 */
#include "kern/kmem_impl.h"

struct slab {
	struct kslabs *sl_slabs;	/* (s) whose it is */
	struct slab *sl_next, *sl_prev; /* (c) partial list */
	void *sl_free;			/* (c) objects that came back */
	uint32_t sl_used;		/* (c) objects handed out */
	uint32_t sl_carved;		/* (c) objects ever handed out */
};

struct kslabs {
	struct kmutex ks_lock;
	struct slab *ks_partial; /* (c) */
	struct slab *ks_empty;	 /* (c) one spare, not STABLE */
	_Atomic uint64_t ks_out; /* (a) objects handed out, magazines too */
	struct kcache *ks_cache; /* (s) */
	const char *ks_name;	 /* (s) for who looks with a debugger */
	uint32_t ks_stride;	 /* (s) from object to object */
	uint32_t ks_first;	 /* (s) offset of the first in a slab */
	uint32_t ks_perslab;	 /* (s) objects in a slab */
	uint32_t ks_order;	 /* (s) of a slab's run of pages */
} __attribute__((aligned(CACHE_LINE)));

/* Slabs are this long at least, and at most while they waste too much. */
#define SLAB_MINORDER 2u
#define SLAB_MAXORDER 4u

static struct {
	struct kcache cache[KMEM_NCACHE] __attribute__((aligned(CACHE_LINE)));
	struct kslabs slabs[KMEM_NCACHE];
	_Atomic uint32_t count; /* release: the entries below are ready */
} caches;

/*
 * Life of a slab
 */

static struct slab *
slab_of(const struct kslabs *ks, const void *obj)
{
	uintptr_t mask = ((uintptr_t)KPAGE_SIZE << ks->ks_order) - 1;
	struct slab *sl = (struct slab *)((uintptr_t)obj & ~mask);

	KASSERT(sl->sl_slabs == ks);
	KASSERT(((uintptr_t)obj & mask) >= ks->ks_first &&
		(((uintptr_t)obj & mask) - ks->ks_first) % ks->ks_stride == 0);
	return sl;
}

static bool
slab_stable(const struct kslabs *ks)
{
	return (ks->ks_cache->kc_flags & KCACHE_STABLE) != 0;
}

static void
slab_link(struct kslabs *ks, struct slab *sl)
{
	sl->sl_prev = NULL;
	sl->sl_next = ks->ks_partial;
	if (sl->sl_next != NULL)
		sl->sl_next->sl_prev = sl;
	ks->ks_partial = sl;
}

static void
slab_unlink(struct kslabs *ks, struct slab *sl)
{
	if (sl->sl_next != NULL)
		sl->sl_next->sl_prev = sl->sl_prev;
	if (sl->sl_prev != NULL)
		sl->sl_prev->sl_next = sl->sl_next;
	else
		ks->ks_partial = sl->sl_next;
}

/* A new slab, on no list.  NULL when memory is out. */
static struct slab *
slab_make(struct kslabs *ks)
{
	struct slab *sl;
	void *run;

	if (heap_get(ks->ks_order, &run, 1) == 0)
		return NULL;
	sl = run;
	memset(sl, 0, sizeof(*sl));
	sl->sl_slabs = ks;
	if (!slab_stable(ks))
		KMEM_POISON((char *)run + ks->ks_first,
		    ((size_t)KPAGE_SIZE << ks->ks_order) - ks->ks_first);
	return sl;
}

/* One object of a slab that has one, on the partial list. */
static void *
slab_take(struct kslabs *ks, struct slab *sl)
{
	void *obj = sl->sl_free;

	KASSERT(sl->sl_used < ks->ks_perslab);
	if (obj != NULL)
		sl->sl_free = kmem_link(obj);
	else {
		KASSERT(sl->sl_carved < ks->ks_perslab);
		obj = (char *)sl + ks->ks_first +
		      (size_t)sl->sl_carved++ * ks->ks_stride;
		if (slab_stable(ks))
			memset(obj, 0, ks->ks_cache->kc_size);
	}
	if (++sl->sl_used == ks->ks_perslab)
		slab_unlink(ks, sl);
	return obj;
}

/* Put one back.  Returns a slab that the caller is to free, or NULL. */
static struct slab *
slab_give(struct kslabs *ks, void *obj)
{
	struct slab *sl = slab_of(ks, obj), *spare;

	KASSERT(sl->sl_used > 0);
	kmem_setlink(obj, sl->sl_free);
	sl->sl_free = obj;
	if (sl->sl_used-- == ks->ks_perslab)
		slab_link(ks, sl);
	if (sl->sl_used != 0 || slab_stable(ks))
		return NULL;
	slab_unlink(ks, sl);
	spare = ks->ks_empty;
	ks->ks_empty = sl;
	return spare;
}

/*
 * Between slabs and magazines: lists of objects linked by their first word
 */

/* Up to n objects.  Returns how many; fewer only when memory is out. */
static unsigned
slabs_take(struct kslabs *ks, void **objs, unsigned n)
{
	struct slab *sl;
	unsigned i = 0;

	mutex_enter(&ks->ks_lock);
	while (i < n) {
		if (ks->ks_partial == NULL) {
			sl = ks->ks_empty;
			ks->ks_empty = NULL;
			if (sl == NULL) {
				if (i > 0)
					break;
				mutex_exit(&ks->ks_lock);
				if ((sl = slab_make(ks)) == NULL)
					return 0;
				mutex_enter(&ks->ks_lock);
			}
			slab_link(ks, sl);
		}
		objs[i++] = slab_take(ks, ks->ks_partial);
	}
	mutex_exit(&ks->ks_lock);
	return i;
}

static void
slabs_give(struct kslabs *ks, void *const *objs, unsigned n)
{
	void *empty[KMEM_MAGSIZE];
	unsigned i, nempty = 0;

	mutex_enter(&ks->ks_lock);
	for (i = 0; i < n; i++) {
		struct slab *sl = slab_give(ks, objs[i]);

		if (sl != NULL)
			empty[nempty++] = sl;
	}
	mutex_exit(&ks->ks_lock);
	if (nempty != 0)
		heap_put(ks->ks_order, empty, nempty);
}

/* Give the spare slab back to the heap. */
static void
slabs_reap(struct kslabs *ks)
{
	void *empty;

	mutex_enter(&ks->ks_lock);
	empty = ks->ks_empty;
	ks->ks_empty = NULL;
	mutex_exit(&ks->ks_lock);
	if (empty != NULL)
		heap_put(ks->ks_order, &empty, 1);
}

/*
 * The same for any kind of cache.
 */

static unsigned
cache_take(struct kcache *kc, void **objs, unsigned n)
{
	struct kslabs *ks = kc->kc_slabs;

	if ((kc->kc_flags & KCACHE_PAGES) != 0)
		n = heap_get(0, objs, n);
	else
		n = slabs_take(ks, objs, n);
	atomic_fetch_add_explicit(&ks->ks_out, n, memory_order_relaxed);
	return n;
}

static void
cache_give(struct kcache *kc, void *const *objs, unsigned n)
{
	struct kslabs *ks = kc->kc_slabs;

	if (n == 0)
		return;
	if ((kc->kc_flags & KCACHE_PAGES) != 0)
		heap_put(0, objs, n);
	else
		slabs_give(ks, objs, n);
	atomic_fetch_sub_explicit(&ks->ks_out, n, memory_order_relaxed);
}

/*
 * Magazines
 */

static void
magazine_setcount(struct kmagazine *km, uint32_t n)
{
	atomic_store_explicit(&km->km_count, n, memory_order_relaxed);
}

/* What an empty magazine is filled with, at most. */
#define FILL_MAX 16

/*
 * Fill an empty magazine, and one object for the caller.  Objects in it are
 * touched, so it is filled by so many only once the thread has wanted as many:
 * few do, and a page that the host has to give takes longer than all else here.
 */
static void *
magazine_fill(struct kcache *kc, struct kmagazine *km)
{
	void *objs[FILL_MAX + 1];
	unsigned i, n = cache_take(kc, objs, km->km_fill + 1);

	if (n == 0)
		return NULL;
	km->km_fill = 2 * km->km_fill + 1;
	if (km->km_fill > kc->kc_magmax / 2)
		km->km_fill = kc->kc_magmax / 2;
	if (km->km_fill > FILL_MAX)
		km->km_fill = FILL_MAX;
	for (i = n; i-- > 1;) {
		kmem_setlink(objs[i], km->km_objs);
		km->km_objs = objs[i];
		if ((kc->kc_flags & KCACHE_STABLE) == 0)
			KMEM_POISON(objs[i], kc->kc_size);
	}
	magazine_setcount(km, n - 1);
	KMEM_UNPOISON(objs[0], kc->kc_size);
	return objs[0];
}

/* Keep the `keep' objects that were freed last, put the others back. */
static void
magazine_cut(struct kcache *kc, struct kmagazine *km, unsigned keep)
{
	void *objs[KMEM_MAGSIZE], *obj = km->km_objs, *last = NULL;
	unsigned i, n = 0;

	for (i = 0; i < keep && obj != NULL; i++) {
		last = obj;
		obj = kmem_link(obj);
	}
	if (last == NULL)
		km->km_objs = NULL;
	else
		kmem_setlink(last, NULL);
	magazine_setcount(km, i);
	for (; obj != NULL; obj = kmem_link(obj)) {
		KASSERT(n < KMEM_MAGSIZE);
		objs[n++] = obj;
	}
	cache_give(kc, objs, n);
}

/* From the magazine if it has one, else fill it. */
static void *
magazine_get(struct kcache *kc, struct kmagazine *km)
{
	void *obj = km->km_objs;

	if (obj == NULL)
		return magazine_fill(kc, km);
	km->km_objs = kmem_link(obj);
	magazine_setcount(
	    km, atomic_load_explicit(&km->km_count, memory_order_relaxed) - 1);
	KMEM_UNPOISON(obj, kc->kc_size);
	return obj;
}

void *
kcache_alloc_slow(struct kcache *kc)
{
	struct kmagazine *km = kcache_magazine(kc);
	void *obj;

	if (hyper_mem_fails())
		return NULL;
	obj = magazine_get(kc, km);
	if (unlikely(obj == NULL)) {
		kmem_reclaim_now();
		obj = magazine_get(kc, km);
	}
	return obj;
}

void
kcache_free_slow(struct kcache *kc, void *obj)
{
	magazine_cut(kc, kcache_magazine(kc), kc->kc_magmax / 2);
	kcache_free(kc, obj);
}

void
kcache_ready(struct kcache *kc)
{
	struct kmagazine *km = kcache_magazine(kc);
	void *obj;

	if (km->km_fill >= kc->kc_magmax / 2 &&
	    atomic_load_explicit(&km->km_count, memory_order_relaxed) <
		kc->kc_magmax &&
	    !hyper_mem_armed() && cache_take(kc, &obj, 1) != 0)
		kcache_free(kc, obj);
}

void
kmem_thread_flush(struct hostthread *ht)
{
	uint32_t i, n;

	n = atomic_load_explicit(&caches.count, memory_order_acquire);
	for (i = 0; i < n; i++)
		magazine_cut(&caches.cache[i], &ht->ht_mag[i], 0);
}

void
kcache_reap_all(void)
{
	uint32_t i, n;

	kmem_thread_flush(curht());
	n = atomic_load_explicit(&caches.count, memory_order_acquire);
	for (i = 0; i < n; i++)
		slabs_reap(&caches.slabs[i]);
}

/*
 * The table of caches
 */

/* Cut slabs so that little is wasted. */
static void
slabs_layout(struct kslabs *ks, size_t size, size_t align)
{
	size_t bytes, waste;

	if (align < sizeof(void *))
		align = sizeof(void *);
	ks->ks_stride = (uint32_t)roundup2(size, align);
	ks->ks_first = (uint32_t)roundup2(sizeof(struct slab), align);
	for (ks->ks_order = SLAB_MINORDER;; ks->ks_order++) {
		bytes = (size_t)KPAGE_SIZE << ks->ks_order;
		if (bytes < ks->ks_first + ks->ks_stride)
			continue;
		ks->ks_perslab =
		    (uint32_t)((bytes - ks->ks_first) / ks->ks_stride);
		waste = bytes - (size_t)ks->ks_perslab * ks->ks_stride;
		if (waste * 16 <= bytes || ks->ks_order >= SLAB_MAXORDER)
			break;
	}
}

/*
 * Small ones: what a host thread retires (SMR_BATCH) comes back at once, and
 * what it makes until then is taken from here, too.
 */
static uint32_t
magazine_size(size_t size, unsigned flags)
{
	if ((flags & KCACHE_PAGES) != 0)
		return KMEM_MAGSIZE / 8;
	if (size <= 256)
		return KMEM_MAGSIZE;
	if (size <= 512)
		return KMEM_MAGSIZE / 4;
	return size <= 1024 ? KMEM_MAGSIZE / 8 : KMEM_MAGSIZE / 16;
}

struct kcache *
kcache_init(const char *name, size_t size, size_t align, unsigned flags)
{
	uint32_t i = atomic_load_explicit(&caches.count, memory_order_relaxed);
	struct kcache *kc = &caches.cache[i];
	struct kslabs *ks = &caches.slabs[i];

	KASSERT(i < KMEM_NCACHE);
	KASSERT(align <= KPAGE_SIZE && (align & (align - 1)) == 0);
	if (size < sizeof(void *))
		size = sizeof(void *);
	kc->kc_magoff = (uint32_t)(offsetof(struct hostthread, ht_mag) +
				   i * sizeof(struct kmagazine));
	kc->kc_magmax = magazine_size(size, flags);
	kc->kc_size = (uint32_t)size;
	kc->kc_flags = flags;
	kc->kc_slabs = ks;
	ks->ks_cache = kc;
	ks->ks_name = name;
	slabs_layout(ks, size, align);
	/* Pairs with the acquire of those who walk the table. */
	atomic_store_explicit(&caches.count, i + 1, memory_order_release);
	return kc;
}

/* Objects of cache number i that are in no magazine and no slab. */
static uint64_t
cache_live(uint32_t i)
{
	struct hostthread *ht;
	int64_t n;

	/* Counts of other host threads go up and down meanwhile. */
	n = (int64_t)atomic_load_explicit(
	    &caches.slabs[i].ks_out, memory_order_relaxed);
	ht = atomic_load_explicit(&hostthread_list, memory_order_acquire);
	for (; ht != NULL; ht = ht->ht_next)
		n -= atomic_load_explicit(
		    &ht->ht_mag[i].km_count, memory_order_relaxed);
	return n > 0 ? (uint64_t)n : 0;
}

uint64_t
kcache_live(struct kcache *kc)
{
	return cache_live((uint32_t)(kc - caches.cache));
}

uint64_t
kcache_used_all(void)
{
	uint32_t i, n;
	uint64_t used = 0;

	n = atomic_load_explicit(&caches.count, memory_order_acquire);
	for (i = 0; i < n; i++)
		used += cache_live(i) * caches.cache[i].kc_size;
	return used;
}
