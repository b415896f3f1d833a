/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Heaps of times.  Places are numbered from 1, row by row: the bits of a
 * number below its highest say, from the left, which child to go to.
 */
#include "hyper/timeheap.h"

#include <limits.h>

/* The pointer to place n, whose parent is *parentp. */
static struct timenode **
heap_place(struct timeheap *th, size_t n, struct timenode **parentp)
{
	struct timenode **place = &th->th_top;
	int bit = (int)(sizeof(n) * CHAR_BIT) - 1 - __builtin_clzl(n);

	*parentp = NULL;
	while (bit-- > 0) {
		*parentp = *place;
		place = &(*place)->tn_child[n >> bit & 1];
	}
	return place;
}

/* Its parent, or the heap, now points to `to'. */
static void
heap_relink(struct timeheap *th, struct timenode *parent, struct timenode *from,
    struct timenode *to)
{
	if (parent == NULL)
		th->th_top = to;
	else
		parent->tn_child[parent->tn_child[1] == from] = to;
}

/* The children of tn are its own, say they. */
static void
heap_adopt(struct timenode *tn)
{
	int i;

	for (i = 0; i < 2; i++) {
		if (tn->tn_child[i] != NULL)
			tn->tn_child[i]->tn_parent = tn;
	}
}

/* tn and its parent change places. */
static void
heap_up(struct timeheap *th, struct timenode *tn)
{
	struct timenode *parent = tn->tn_parent, *sibling;
	int side = parent->tn_child[1] == tn;

	sibling = parent->tn_child[!side];
	heap_relink(th, parent->tn_parent, parent, tn);
	tn->tn_parent = parent->tn_parent;
	parent->tn_child[0] = tn->tn_child[0];
	parent->tn_child[1] = tn->tn_child[1];
	tn->tn_child[side] = parent;
	tn->tn_child[!side] = sibling;
	heap_adopt(parent);
	heap_adopt(tn);
}

static void
heap_rise(struct timeheap *th, struct timenode *tn)
{
	while (tn->tn_parent != NULL && tn->tn_when < tn->tn_parent->tn_when)
		heap_up(th, tn);
}

static void
heap_sink(struct timeheap *th, struct timenode *tn)
{
	struct timenode *first;

	while ((first = tn->tn_child[0]) != NULL) {
		if (tn->tn_child[1] != NULL &&
		    tn->tn_child[1]->tn_when < first->tn_when)
			first = tn->tn_child[1];
		if (first->tn_when >= tn->tn_when)
			break;
		heap_up(th, first);
	}
}

void
timeheap_insert(struct timeheap *th, struct timenode *tn)
{
	*heap_place(th, ++th->th_count, &tn->tn_parent) = tn;
	tn->tn_child[0] = tn->tn_child[1] = NULL;
	heap_rise(th, tn);
}

void
timeheap_remove(struct timeheap *th, struct timenode *tn)
{
	struct timenode *last, *parent, **place;

	place = heap_place(th, th->th_count--, &parent);
	last = *place;
	*place = NULL;
	if (last == tn)
		return;
	last->tn_parent = tn->tn_parent;
	last->tn_child[0] = tn->tn_child[0];
	last->tn_child[1] = tn->tn_child[1];
	heap_adopt(last);
	heap_relink(th, tn->tn_parent, tn, last);
	heap_rise(th, last);
	heap_sink(th, last);
}
