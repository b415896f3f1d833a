/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Heaps of timers.  Places are numbered from 1, row by row: the bits of a
 * number below its highest say, from the left, which child to go to.
 */
#include "kern/timer_heap.h"

/* The pointer to place n, whose parent is *parentp. */
static struct ktimer **
heap_place(struct ktimer_heap *th, size_t n, struct ktimer **parentp)
{
	struct ktimer **place = &th->th_top;
	int bit = (int)(sizeof(n) * CHAR_BIT) - 1 - __builtin_clzl(n);

	*parentp = NULL;
	while (bit-- > 0) {
		*parentp = *place;
		place = &(*place)->kt_child[n >> bit & 1];
	}
	return place;
}

/* Its parent, or the heap, now points to `to'. */
static void
heap_relink(struct ktimer_heap *th, struct ktimer *parent, struct ktimer *from,
    struct ktimer *to)
{
	if (parent == NULL)
		th->th_top = to;
	else
		parent->kt_child[parent->kt_child[1] == from] = to;
}

/* The children of kt are its own, say they. */
static void
heap_adopt(struct ktimer *kt)
{
	int i;

	for (i = 0; i < 2; i++) {
		if (kt->kt_child[i] != NULL)
			kt->kt_child[i]->kt_parent = kt;
	}
}

/* kt and its parent change places. */
static void
heap_up(struct ktimer_heap *th, struct ktimer *kt)
{
	struct ktimer *parent = kt->kt_parent, *sibling;
	int side = parent->kt_child[1] == kt;

	sibling = parent->kt_child[!side];
	heap_relink(th, parent->kt_parent, parent, kt);
	kt->kt_parent = parent->kt_parent;
	parent->kt_child[0] = kt->kt_child[0];
	parent->kt_child[1] = kt->kt_child[1];
	kt->kt_child[side] = parent;
	kt->kt_child[!side] = sibling;
	heap_adopt(parent);
	heap_adopt(kt);
}

static void
heap_rise(struct ktimer_heap *th, struct ktimer *kt)
{
	while (kt->kt_parent != NULL && kt->kt_when < kt->kt_parent->kt_when)
		heap_up(th, kt);
}

static void
heap_sink(struct ktimer_heap *th, struct ktimer *kt)
{
	struct ktimer *first;

	while ((first = kt->kt_child[0]) != NULL) {
		if (kt->kt_child[1] != NULL &&
		    kt->kt_child[1]->kt_when < first->kt_when)
			first = kt->kt_child[1];
		if (first->kt_when >= kt->kt_when)
			break;
		heap_up(th, first);
	}
}

void
ktimer_heap_insert(struct ktimer_heap *th, struct ktimer *kt)
{
	*heap_place(th, ++th->th_count, &kt->kt_parent) = kt;
	kt->kt_child[0] = kt->kt_child[1] = NULL;
	heap_rise(th, kt);
}

void
ktimer_heap_remove(struct ktimer_heap *th, struct ktimer *kt)
{
	struct ktimer *last, *parent, **place;

	place = heap_place(th, th->th_count--, &parent);
	last = *place;
	*place = NULL;
	if (last == kt)
		return;
	last->kt_parent = kt->kt_parent;
	last->kt_child[0] = kt->kt_child[0];
	last->kt_child[1] = kt->kt_child[1];
	heap_adopt(last);
	heap_relink(th, kt->kt_parent, kt, last);
	heap_rise(th, last);
	heap_sink(th, last);
}
