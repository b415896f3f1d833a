/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The region: the one piece of address space that kernel memory comes from,
 * how it is cut up, and how much of it is committed.
 *
 *	heap | heap metadata | lwp area | pid area
 *
 * Nothing moves and nothing is unmapped; the areas are cut with room to spare
 * since address space costs nothing.  What counts is `committed': it never
 * exceeds the limit.
 */
#include "kern/kmem_impl.h"

#define MB ((uint64_t)1 << 20)

/* Least sizes of the areas when address space is not short. */
#define LWP_AREA_MIN (64 * MB)
#define PID_AREA_MIN (2 * MB)

/* Pages are numbered with 32 bits; this is half of what that allows. */
#define HEAP_MAX ((uint64_t)1 << 43)

/* How much more than it was asked for an area commits. */
#define AREA_STEP_MIN ((size_t)64 << 10)
#define AREA_STEP_MAX ((size_t)4 << 20)

struct region_plan {
	size_t rp_heap, rp_meta, rp_lwp, rp_pid;
};

static struct {
	uint64_t limit;		    /* stable */
	_Atomic uint64_t committed; /* (a) a count; publishes nothing */
} region;

struct karea kmem_lwp_area;
struct karea kmem_pid_area;

static struct region_plan
plan_make(uint64_t heap, uint64_t lwpmin, uint64_t pidmin)
{
	struct region_plan rp;
	uint64_t lwp = heap / 4 > lwpmin ? heap / 4 : lwpmin;
	uint64_t pid = heap / 64 > pidmin ? heap / 64 : pidmin;

	rp.rp_heap = roundup2(heap, MB);
	rp.rp_meta =
	    roundup2(rp.rp_heap / KPAGE_SIZE * sizeof(struct kpageinfo),
		(uint64_t)KPAGE_SIZE);
	rp.rp_lwp = roundup2(lwp, (uint64_t)KPAGE_SIZE);
	rp.rp_pid = roundup2(pid, (uint64_t)KPAGE_SIZE);
	return rp;
}

static char *
plan_reserve(const struct region_plan *rp)
{
	return hyper_mem_reserve(
	    rp->rp_heap + rp->rp_meta + rp->rp_lwp + rp->rp_pid, KPAGE_SIZE);
}

static char *
area_cut(struct karea *ka, char *base, size_t size)
{
	ka->ka_base = base;
	ka->ka_size = size;
	atomic_init(&ka->ka_committed, 0);
	return base + size;
}

int
region_init(uint64_t limit, struct karea *heap, struct karea *meta)
{
	struct region_plan rp;
	uint64_t size;
	char *base;

	if (limit > HEAP_MAX)
		limit = HEAP_MAX;
	rp = plan_make(limit, LWP_AREA_MIN, PID_AREA_MIN);
	base = plan_reserve(&rp);
	/* Address space is short: make do with less. */
	for (size = limit; base == NULL && size >= KMEM_MINLIMIT; size /= 2) {
		rp = plan_make(size, MB, MB / 4);
		base = plan_reserve(&rp);
	}
	if (base == NULL)
		return ENOMEM;
	region.limit = limit < rp.rp_heap ? limit : rp.rp_heap;
	atomic_init(&region.committed, 0);
	base = area_cut(heap, base, rp.rp_heap);
	base = area_cut(meta, base, rp.rp_meta);
	base = area_cut(&kmem_lwp_area, base, rp.rp_lwp);
	(void)area_cut(&kmem_pid_area, base, rp.rp_pid);
	return 0;
}

int
region_charge(uint64_t bytes)
{
	uint64_t old =
	    atomic_load_explicit(&region.committed, memory_order_relaxed);

	do {
		if (bytes > region.limit - old)
			return ENOMEM;
	} while (!atomic_compare_exchange_weak_explicit(&region.committed, &old,
	    old + bytes, memory_order_relaxed, memory_order_relaxed));
	return 0;
}

void
region_uncharge(uint64_t bytes)
{
	uint64_t old = atomic_fetch_sub_explicit(
	    &region.committed, bytes, memory_order_relaxed);

	KASSERT(old >= bytes);
	(void)old;
}

void
region_stats(uint64_t *limit, uint64_t *committed)
{
	*limit = region.limit;
	*committed =
	    atomic_load_explicit(&region.committed, memory_order_relaxed);
}

int
area_commit(struct karea *ka, size_t need)
{
	size_t have =
	    atomic_load_explicit(&ka->ka_committed, memory_order_relaxed);
	int error;

	if (need > ka->ka_size)
		return ENOMEM;
	need = roundup2(need, (size_t)KPAGE_SIZE);
	if (need <= have)
		return 0;
	error = region_charge(need - have);
	if (error != 0)
		return error;
	error = hyper_mem_commit(ka->ka_base + have, need - have);
	if (error != 0) {
		region_uncharge(need - have);
		return error;
	}
	/* Release: who reads it with acquire may use the memory. */
	atomic_store_explicit(&ka->ka_committed, need, memory_order_release);
	return 0;
}

int
area_grow(struct karea *ka, size_t need)
{
	size_t have =
	    atomic_load_explicit(&ka->ka_committed, memory_order_relaxed);
	size_t step = have / 4, want;

	if (need <= have)
		return 0;
	if (need > ka->ka_size)
		return ENOMEM;
	if (step < AREA_STEP_MIN)
		step = AREA_STEP_MIN;
	if (step > AREA_STEP_MAX)
		step = AREA_STEP_MAX;
	want = have + step > need ? have + step : need;
	if (want <= ka->ka_size && area_commit(ka, want) == 0)
		return 0;
	if (area_commit(ka, need) == 0)
		return 0;
	heap_trim(roundup2(need, (size_t)KPAGE_SIZE) - have);
	if (area_commit(ka, need) == 0)
		return 0;
	kmem_reclaim_now();
	heap_trim(roundup2(need, (size_t)KPAGE_SIZE) - have);
	return area_commit(ka, need);
}
