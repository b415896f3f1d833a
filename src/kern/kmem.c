/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel memory of any size: small ones from a cache for each size class, a
 * page from the cache of pages, more from the page heap.  Also boot, the
 * figures, and what happens when memory is out.
 */
#include "kern/kmem_impl.h"

/* Sizes are told apart in steps of 16 bytes. */
#define CLASS_SHIFT 4
#define CLASS_MAX   2048u

static const uint16_t class_size[] = {
    16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, CLASS_MAX};

static struct {
	struct karea heap;
	struct karea heapmeta;
	struct kcache *pages;  /* single pages */
	_Atomic uint64_t runs; /* (a) bytes in longer runs */
	struct kmutex reclaim; /* held while kmem_reclaim runs */
	struct kcache *class_of[CLASS_MAX >> CLASS_SHIFT]; /* by size */
} kmem;

void (*kmem_reclaim)(void);

int
kmem_init(uint64_t limit)
{
	static const char *const names[] = {"kmem-16", "kmem-32", "kmem-48",
	    "kmem-64", "kmem-96", "kmem-128", "kmem-192", "kmem-256",
	    "kmem-384", "kmem-512", "kmem-768", "kmem-1024", "kmem-1536",
	    "kmem-2048"};
	unsigned i, slot = 0;
	int error;

	if (limit == 0)
		limit = hyper_physmem();
	if (limit < KMEM_MINLIMIT)
		return EINVAL;
	error = region_init(limit, &kmem.heap, &kmem.heapmeta);
	if (error != 0)
		return error;
	heap_init(&kmem.heap, &kmem.heapmeta);
	kmem.pages = kcache_init("page", KPAGE_SIZE, KPAGE_SIZE, KCACHE_PAGES);
	for (i = 0; i < nitems(class_size); i++) {
		struct kcache *kc = kcache_init(
		    names[i], class_size[i], (size_t)1 << CLASS_SHIFT, 0);

		for (; slot < class_size[i] >> CLASS_SHIFT; slot++)
			kmem.class_of[slot] = kc;
	}
	return 0;
}

void
kmem_reclaim_now(void)
{
	kcache_reap_all();
	/*
	 * Not waiting for the other host thread that reclaims: it may be
	 * waiting for us.  Nor again inside itself.
	 */
	if (kmem_reclaim != NULL && mutex_tryenter(&kmem.reclaim)) {
		kmem_reclaim();
		mutex_exit(&kmem.reclaim);
		kcache_reap_all();
	}
}

int
kmem_charge(uint64_t bytes)
{
	if (hyper_mem_fails())
		return ENOMEM;
	if (region_charge(bytes) == 0)
		return 0;
	kmem_reclaim_now();
	heap_trim(bytes);
	return region_charge(bytes);
}

void
kmem_uncharge(uint64_t bytes)
{
	region_uncharge(bytes);
}

/* Order of the run that holds so many bytes, more than a page. */
static unsigned
size_order(size_t size)
{
	return (unsigned)(64 - __builtin_clzl((size - 1) >> KPAGE_SHIFT));
}

/* Two pages or more. */
static void *
run_alloc(unsigned order, bool *zerop)
{
	void *run;

	if (hyper_mem_fails())
		return NULL;
	if ((run = heap_get_run(order, zerop)) == NULL) {
		kmem_reclaim_now();
		if ((run = heap_get_run(order, zerop)) == NULL)
			return NULL;
	}
	atomic_fetch_add_explicit(
	    &kmem.runs, (uint64_t)KPAGE_SIZE << order, memory_order_relaxed);
	return run;
}

void *
kpage_alloc(unsigned order)
{
	bool zero;

	return order == 0 ? kcache_alloc(kmem.pages) : run_alloc(order, &zero);
}

void
kpage_free(void *run, unsigned order)
{
	if (order == 0) {
		kcache_free(kmem.pages, run);
		return;
	}
	atomic_fetch_sub_explicit(
	    &kmem.runs, (uint64_t)KPAGE_SIZE << order, memory_order_relaxed);
	heap_put(order, &run, 1);
}

static struct kcache *
size_cache(size_t size)
{
	return kmem.class_of[(size - 1) >> CLASS_SHIFT];
}

/* For AddressSanitizer: what is beyond the size asked for is not to be used. */
static void *
size_fence(void *p, size_t size, size_t got)
{
	if (p != NULL)
		KMEM_POISON((char *)p + size, got - size);
	return p;
}

/* More than a page. */
static void *
large_alloc(size_t size, bool *zerop)
{
	unsigned order = size_order(size);

	return size_fence(
	    run_alloc(order, zerop), size, (size_t)KPAGE_SIZE << order);
}

void *
kmem_alloc(size_t size)
{
	struct kcache *kc = kmem.pages;
	bool zero;

	KASSERT(size != 0);
	if (unlikely(size > KPAGE_SIZE))
		return large_alloc(size, &zero);
	if (likely(size <= CLASS_MAX))
		kc = size_cache(size);
	return size_fence(kcache_alloc(kc), size, kc->kc_size);
}

void *
kmem_zalloc(size_t size)
{
	bool zero = false;
	void *p =
	    size > KPAGE_SIZE ? large_alloc(size, &zero) : kmem_alloc(size);

	if (p != NULL && !zero)
		memset(p, 0, size);
	return p;
}

void
kmem_free(void *p, size_t size)
{
	KASSERT(p != NULL && size != 0);
	if (likely(size <= CLASS_MAX))
		kcache_free(size_cache(size), p);
	else if (size <= KPAGE_SIZE)
		kcache_free(kmem.pages, p);
	else
		kpage_free(p, size_order(size));
}

void
kmem_ready(void)
{
	kcache_ready(kmem.pages);
}

void
kmem_stats(struct kmem_stats *st)
{
	region_stats(&st->ks_limit, &st->ks_committed);
	st->ks_used = kcache_used_all() +
		      atomic_load_explicit(&kmem.runs, memory_order_relaxed);
}
