/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs of pages: a buddy system over the heap area.
 *
 * A run is 2^order pages, aligned to its length; pages are numbered from an
 * address before the heap that the longest run is aligned to.  What is known
 * about a page stands outside of it, in an array of struct kpageinfo, so that
 * a free page is never touched.  The first page of a run carries its state:
 *
 *	PG_FREE | order		free, linked on heap.free[order]
 *	PG_BUSY | order		allocated
 *	0			not the first page of a run
 *
 * PG_DIRTY is of each page by itself: the host may hold memory for it.  Only
 * dirty pages are charged to the region.  A page becomes dirty when it is
 * allocated and stays so when it is freed, since it will likely be wanted
 * again; once more than heap_keep pages are free and dirty, a free block of
 * DISCARD_ORDER or more is given back to the host, which makes it clean.
 * That is dear if the pages are wanted after all: then so many more are kept,
 * until an epoch goes by in which they were not.
 *
 * The heap grows at its frontier, by pages that are clean.  Growing costs
 * nothing but the metadata, so it may run ahead of the need.  From LARGE_FROM
 * pages on the host is asked for large pages, which are much cheaper to get
 * and to find than as many small ones; there, the frontier stands at the
 * beginning of one.  The memory that the host holds for pages that are still
 * clean then is that of one at most; a small heap has none.
 *
 * Lock: heap.lock, letter (h).  It is the last in the lock order.
 */
#include "kern/kmem_impl.h"

#define PG_FREE	 0x80u
#define PG_BUSY	 0x40u
#define PG_DIRTY 0x20u
#define PG_ORDER 0x1fu
#define PG_HEAD	 (PG_FREE | PG_BUSY | PG_ORDER)

#define PAGE_NONE UINT32_MAX

/* Pages that the frontier moves by, at first and at most. */
#define GROW_MIN 256u
#define GROW_MAX 2048u

#define LARGE_FROM  256u
#define LARGE_PAGES ((uint32_t)(HYPER_LARGE >> KPAGE_SHIFT))

/*
 * Free dirty pages that are kept in any case: a part of those in use, at least
 * KEEP_MIN; and LEARN_MAX more at most, because they were wanted again.  An
 * epoch sees EPOCH_MIN runs freed, or several times the heap.
 */
#define DISCARD_ORDER 9u
#define KEEP_MIN      4096u
#define KEEP_PART     8u
#define LEARN_MAX     16384u
#define EPOCH_MIN     65536u

/* Pages that are discarded at once, at least, when the limit is reached. */
#define TRIM_MIN 64u

static struct {
	struct kmutex lock;
	char *base;		/* (s) address of page 0 */
	struct kpageinfo *info; /* (s) of page `first' */
	struct karea *meta;	/* (s) what info is in */
	uint32_t first;		/* (s) first page of the heap */
	uint32_t end;		/* (s) first page beyond it */
	uint32_t maxorder;	/* (s) */
	uint32_t frontier;	/* (h) first page beyond the usable ones */
	uint32_t large;		/* (s) first page in a large one */
	uint32_t nonempty;	/* (h) bit n: free[n] has a run */
	uint32_t busy;		/* (h) pages allocated */
	uint32_t freedirty;	/* (h) pages free and dirty */
	uint32_t discarded;	/* (h) pages discarded, not wanted again */
	uint32_t learned;	/* (h) pages discarded and wanted again */
	uint32_t lowest;	/* (h) least freedirty of the epoch */
	uint32_t epoch;		/* (h) runs to be freed until it ends */
	uint32_t free[KPAGE_MAXORDER + 1]; /* (h) first pages of free runs */
} heap;

void
heap_init(struct karea *area, struct karea *meta)
{
	unsigned i;
	uintptr_t before = (uintptr_t)area->ka_base % KPAGE_RUN_MAX;

	heap.meta = meta;
	heap.base = area->ka_base - before;
	heap.info = (struct kpageinfo *)(void *)meta->ka_base;
	heap.first = (uint32_t)(before >> KPAGE_SHIFT);
	heap.end = heap.first + (uint32_t)(area->ka_size >> KPAGE_SHIFT);
	heap.frontier = heap.first;
	heap.large = roundup2(heap.first + LARGE_FROM, LARGE_PAGES);
	while (heap.maxorder < KPAGE_MAXORDER &&
	       2u << heap.maxorder <= heap.end - heap.first)
		heap.maxorder++;
	for (i = 0; i < nitems(heap.free); i++)
		heap.free[i] = PAGE_NONE;
}

static void *
page_addr(uint32_t pg)
{
	return heap.base + ((size_t)pg << KPAGE_SHIFT);
}

static uint32_t
page_number(const void *addr)
{
	size_t off = (size_t)((const char *)addr - heap.base);

	KASSERT(off % KPAGE_SIZE == 0);
	KASSERT(off >> KPAGE_SHIFT >= heap.first);
	KASSERT(off >> KPAGE_SHIFT < heap.frontier);
	return (uint32_t)(off >> KPAGE_SHIFT);
}

static size_t
run_bytes(unsigned order)
{
	return (size_t)KPAGE_SIZE << order;
}

static struct kpageinfo *
page_info(uint32_t pg)
{
	return &heap.info[pg - heap.first];
}

/* State of a page as the first of a run. */
static unsigned
page_head(uint32_t pg)
{
	return page_info(pg)->pi_state & PG_HEAD;
}

static void
page_sethead(uint32_t pg, unsigned head)
{
	page_info(pg)->pi_state =
	    (uint8_t)((page_info(pg)->pi_state & PG_DIRTY) | head);
}

static void
free_link(uint32_t pg, unsigned order)
{
	struct kpageinfo *pi = page_info(pg);

	page_sethead(pg, PG_FREE | order);
	pi->pi_prev = PAGE_NONE;
	pi->pi_next = heap.free[order];
	if (pi->pi_next != PAGE_NONE)
		page_info(pi->pi_next)->pi_prev = pg;
	heap.free[order] = pg;
	heap.nonempty |= 1u << order;
}

static void
free_unlink(uint32_t pg, unsigned order)
{
	struct kpageinfo *pi = page_info(pg);

	KASSERT(page_head(pg) == (PG_FREE | order));
	page_sethead(pg, 0);
	if (pi->pi_next != PAGE_NONE)
		page_info(pi->pi_next)->pi_prev = pi->pi_prev;
	if (pi->pi_prev != PAGE_NONE)
		page_info(pi->pi_prev)->pi_next = pi->pi_next;
	else
		heap.free[order] = pi->pi_next;
	if (heap.free[order] == PAGE_NONE)
		heap.nonempty &= ~(1u << order);
}

/*
 * Link a run that is free now, together with the free runs beside it.
 * Returns the order of what came out; *pgp is its first page.
 */
static unsigned
free_merge(uint32_t *pgp, unsigned order)
{
	uint32_t pg = *pgp, buddy;

	for (; order < heap.maxorder; order++) {
		buddy = pg ^ 1u << order;
		if (buddy < heap.first || buddy >= heap.frontier ||
		    page_head(buddy) != (PG_FREE | order))
			break;
		free_unlink(buddy, order);
		pg &= ~(1u << order);
	}
	free_link(pg, order);
	*pgp = pg;
	return order;
}

/* Dirty pages among n. */
static uint32_t
pages_dirty(uint32_t pg, uint32_t n)
{
	uint32_t i, dirty = 0;

	for (i = 0; i < n; i++)
		dirty += (page_info(pg + i)->pi_state & PG_DIRTY) != 0;
	return dirty;
}

/* Give n free pages back to the host.  Returns how many were dirty. */
static uint32_t
pages_discard(uint32_t pg, uint32_t n)
{
	uint32_t i, dirty = pages_dirty(pg, n);

	if (dirty == 0)
		return 0;
	KMEM_UNPOISON(page_addr(pg), (size_t)n << KPAGE_SHIFT);
	hyper_mem_discard(page_addr(pg), (size_t)n << KPAGE_SHIFT);
	KMEM_POISON(page_addr(pg), (size_t)n << KPAGE_SHIFT);
	for (i = 0; i < n; i++)
		page_info(pg + i)->pi_state &= (uint8_t)~PG_DIRTY;
	heap.freedirty -= dirty;
	region_uncharge((uint64_t)dirty << KPAGE_SHIFT);
	return dirty;
}

/* Pages that are allocated, some of them clean, become dirty. */
static void
pages_soil(uint32_t pg, uint32_t n, uint32_t clean)
{
	uint32_t again = clean < heap.discarded ? clean : heap.discarded, i;

	heap.discarded -= again;
	heap.learned += again;
	if (heap.learned > LEARN_MAX)
		heap.learned = LEARN_MAX;
	for (i = 0; i < n; i++)
		page_info(pg + i)->pi_state |= PG_DIRTY;
}

/* Discard free runs, the longest first, until enough pages are clean. */
static void
heap_trim_locked(uint64_t pages)
{
	unsigned order = heap.maxorder + 1;
	uint32_t pg;

	if (pages < TRIM_MIN)
		pages = TRIM_MIN;
	while (order-- > 0 && heap.freedirty > 0) {
		for (pg = heap.free[order]; pg != PAGE_NONE;
		     pg = page_info(pg)->pi_next) {
			uint32_t n = pages_discard(pg, 1u << order);

			if (n >= pages)
				return;
			pages -= n;
		}
	}
}

void
heap_trim(uint64_t bytes)
{
	mutex_enter(&heap.lock);
	heap_trim_locked((bytes + KPAGE_SIZE - 1) >> KPAGE_SHIFT);
	mutex_exit(&heap.lock);
}

/* Charge pages, at the cost of free dirty ones if need be.  0 or ENOMEM. */
static int
heap_charge_locked(uint32_t pages)
{
	uint64_t bytes = (uint64_t)pages << KPAGE_SHIFT;

	if (region_charge(bytes) == 0)
		return 0;
	heap_trim_locked(pages);
	return region_charge(bytes);
}

/* The frontier at which a run of this order is free, or 0 if there is none. */
static uint32_t
frontier_wanted(unsigned order)
{
	uint32_t run = 1u << order;
	uint32_t start = heap.frontier & ~(run - 1), pg = start;

	/* Free runs that touch the frontier will merge with what comes. */
	while (pg >= heap.first && pg < heap.frontier &&
	       (page_head(pg) & PG_FREE) != 0)
		pg += 1u << (page_head(pg) & PG_ORDER);
	if (pg < heap.frontier)
		start += run;
	return start + run <= heap.end ? start + run : 0;
}

/* Move the frontier.  0 or ENOMEM. */
static int
frontier_move(uint32_t end)
{
	uint32_t pg = heap.frontier;
	size_t len = (size_t)(end - pg) << KPAGE_SHIFT;

	if (area_commit(
		heap.meta, (end - heap.first) * sizeof(struct kpageinfo)) != 0)
		return ENOMEM;
	if (hyper_mem_commit(page_addr(pg), len) != 0)
		return ENOMEM;
	KMEM_POISON(page_addr(pg), len);
	if (pg <= heap.large && end > heap.large)
		hyper_mem_large(page_addr(heap.large),
		    (size_t)(heap.end - heap.large) << KPAGE_SHIFT);
	heap.frontier = end;
	while (pg < end) {
		unsigned order = 0;
		uint32_t first = pg;

		while (order < heap.maxorder && (pg & 1u << order) == 0 &&
		       2u << order <= end - pg)
			order++;
		pg += 1u << order;
		(void)free_merge(&first, order);
	}
	return 0;
}

/* Make a free run of this order, or a longer one.  0 or ENOMEM. */
static int
heap_grow_locked(unsigned order)
{
	uint32_t need, step, end;

	need = frontier_wanted(order);
	if (need == 0)
		return ENOMEM;
	step = (heap.frontier - heap.first) / 2;
	step = step < GROW_MIN ? GROW_MIN : step > GROW_MAX ? GROW_MAX : step;
	end = heap.frontier + (step & ~(GROW_MIN - 1));
	if (end > heap.large)
		end = roundup2(end, LARGE_PAGES);
	end = end > heap.end ? heap.end : end;
	if (end > need && frontier_move(end) == 0)
		return 0;
	if (frontier_move(need) == 0)
		return 0;
	/* The metadata did not fit: free pages may make room for it. */
	heap_trim_locked(TRIM_MIN);
	return frontier_move(need);
}

/*
 * Take a run off the free lists; the first page of it, or PAGE_NONE.  *cleanp:
 * so many of its pages are zero.
 */
static uint32_t
heap_get_locked(unsigned order, uint32_t *cleanp)
{
	uint32_t pg, clean;
	unsigned o;

	if (heap.nonempty >> order == 0 && heap_grow_locked(order) != 0)
		return PAGE_NONE;
	o = order + (unsigned)__builtin_ctz(heap.nonempty >> order);
	pg = heap.free[o];
	free_unlink(pg, o);
	while (o > order) {
		o--;
		free_link(pg + (1u << o), o);
	}
	clean = (1u << order) - pages_dirty(pg, 1u << order);
	heap.freedirty -= (1u << order) - clean;
	if (clean != 0 && heap_charge_locked(clean) != 0) {
		heap.freedirty += (1u << order) - clean;
		(void)free_merge(&pg, order);
		return PAGE_NONE;
	}
	if (clean != 0)
		pages_soil(pg, 1u << order, clean);
	if (heap.freedirty < heap.lowest)
		heap.lowest = heap.freedirty;
	page_sethead(pg, PG_BUSY | order);
	heap.busy += 1u << order;
	*cleanp = clean;
	return pg;
}

/* Free dirty pages to keep; `learned' ones are extra. */
static uint32_t
heap_keep(void)
{
	uint32_t keep = heap.busy / KEEP_PART;

	return (keep < KEEP_MIN ? KEEP_MIN : keep) + heap.learned;
}

/* Pages that were kept for nothing all the time are not kept any longer. */
static void
heap_epoch(void)
{
	uint32_t keep = heap_keep() - heap.learned, idle;

	idle = heap.lowest > keep ? heap.lowest - keep : 0;
	heap.learned -= idle < heap.learned ? idle : heap.learned;
	if (heap.freedirty > heap_keep())
		heap_trim_locked(heap.freedirty - heap_keep());
	heap.lowest = heap.freedirty;
	heap.epoch = 4 * (heap.busy + heap.freedirty);
	if (heap.epoch < EPOCH_MIN)
		heap.epoch = EPOCH_MIN;
}

static void
heap_put_locked(uint32_t pg, unsigned order)
{
	uint32_t start = pg, run = 1u << order;
	unsigned merged;

	KASSERT(page_head(pg) == (PG_BUSY | order));
	page_sethead(pg, 0);
	heap.busy -= run;
	heap.freedirty += run;
	merged = free_merge(&start, order);
	if (heap.epoch-- == 0)
		heap_epoch();
	if (merged < DISCARD_ORDER || heap.freedirty <= heap_keep())
		return;
	/* Only the part that has become free: the rest had its turn. */
	if (order < DISCARD_ORDER)
		run = 1u << DISCARD_ORDER;
	heap.discarded += pages_discard(pg & ~(run - 1), run);
}

unsigned
heap_get(unsigned order, void **runs, unsigned n)
{
	unsigned i;
	uint32_t pg, clean;

	if (order > heap.maxorder)
		return 0;
	mutex_enter(&heap.lock);
	for (i = 0; i < n; i++) {
		pg = heap_get_locked(order, &clean);
		if (pg == PAGE_NONE)
			break;
		runs[i] = page_addr(pg);
	}
	mutex_exit(&heap.lock);
	for (n = i; i-- > 0;)
		KMEM_UNPOISON(runs[i], run_bytes(order));
	return n;
}

void *
heap_get_run(unsigned order, bool *zerop)
{
	uint32_t pg = PAGE_NONE, clean = 0;

	mutex_enter(&heap.lock);
	if (order <= heap.maxorder)
		pg = heap_get_locked(order, &clean);
	mutex_exit(&heap.lock);
	if (pg == PAGE_NONE)
		return NULL;
	*zerop = clean == 1u << order;
	KMEM_UNPOISON(page_addr(pg), run_bytes(order));
	return page_addr(pg);
}

void
heap_put(unsigned order, void *const *runs, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		KMEM_POISON(runs[i], run_bytes(order));
	mutex_enter(&heap.lock);
	for (i = 0; i < n; i++)
		heap_put_locked(page_number(runs[i]), order);
	mutex_exit(&heap.lock);
}
