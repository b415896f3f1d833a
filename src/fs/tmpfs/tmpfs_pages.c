/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pages of a regular file by number: a radix tree, six bits a level.  A
 * file of one page has no node; one of 64 pages has one.  A slot has a node of
 * the level below, or a page's address with TMPFS_BLANK and TMPFS_FRESH; zero
 * if there is nothing.
 */
#include "fs/tmpfs/tmpfs.h"

#define LEVEL_BITS  6
#define LEVEL_SLOTS (1u << LEVEL_BITS)

struct pagenode {
	uintptr_t pn_slot[LEVEL_SLOTS];
};

/* Is `index' within what a tree of this height can hold? */
static inline bool
within(uint64_t index, uint32_t height)
{
	return index >> (LEVEL_BITS * height) == 0;
}

/* The slot for `index' in a node with `level' levels below it. */
static inline unsigned
slot_of(uint64_t index, uint32_t level)
{
	return (index >> (LEVEL_BITS * level)) & (LEVEL_SLOTS - 1);
}

static inline struct pagenode *
slot_node(uintptr_t slot)
{
	return (struct pagenode *)slot;
}

void *
tmpfs_pages_get(const struct tmpfs_pages *tp, uint64_t index)
{
	uintptr_t p = tp->tp_root;
	uint32_t level = tp->tp_height;

	if (!within(index, level))
		return NULL;
	while (level > 0 && p != 0)
		p = slot_node(p)->pn_slot[slot_of(index, --level)];
	return likely((p & TMPFS_BLANK) == 0) ? (void *)p : NULL;
}

/* Make the tree high enough for `index'. */
static int
pages_grow(struct tmpfs_pages *tp, uint64_t index)
{
	struct pagenode *pn;

	while (!within(index, tp->tp_height)) {
		if (tp->tp_root != 0) {
			if ((pn = kmem_zalloc(sizeof(*pn))) == NULL)
				return ENOMEM;
			pn->pn_slot[0] = tp->tp_root;
			tp->tp_root = (uintptr_t)pn;
		}
		tp->tp_height++;
	}
	return 0;
}

uintptr_t *
tmpfs_pages_slot(struct tmpfs_pages *tp, uint64_t index)
{
	uintptr_t *slot = &tp->tp_root;
	uint32_t level;

	if (pages_grow(tp, index) != 0)
		return NULL;
	for (level = tp->tp_height; level > 0;) {
		if (*slot == 0 && (*slot = (uintptr_t)kmem_zalloc(
				       sizeof(struct pagenode))) == 0)
			return NULL;
		slot = &slot_node(*slot)->pn_slot[slot_of(index, --level)];
	}
	return slot;
}

/*
 * Free the pages from number `from' on and before `to' of the subtree at
 * *slot, whose first page is number `base', and the nodes that have none any
 * more.
 */
static uint64_t
prune(
    uintptr_t *slot, uint32_t level, uint64_t base, uint64_t from, uint64_t to)
{
	struct pagenode *pn = slot_node(*slot);
	uint64_t span, n = 0;
	unsigned i;

	if (level == 0) {
		kmem_free(
		    (void *)(*slot & ~(uintptr_t)(KPAGE_SIZE - 1)), KPAGE_SIZE);
		*slot = 0;
		return 1;
	}
	level--;
	span = UINT64_C(1) << (LEVEL_BITS * level);
	i = from > base ? (unsigned)((from - base) / span) : 0;
	for (; i < LEVEL_SLOTS && base + i * span < to; i++)
		if (pn->pn_slot[i] != 0)
			n += prune(
			    &pn->pn_slot[i], level, base + i * span, from, to);
	for (i = 0; i < LEVEL_SLOTS; i++)
		if (pn->pn_slot[i] != 0)
			return n;
	kmem_free(pn, sizeof(*pn));
	*slot = 0;
	return n;
}

uint64_t
tmpfs_pages_remove(struct tmpfs_pages *tp, uint64_t from, uint64_t to)
{
	uint64_t n;

	if (tp->tp_root == 0 || from >= to || !within(from, tp->tp_height))
		return 0;
	n = prune(&tp->tp_root, tp->tp_height, 0, from, to);
	if (tp->tp_root == 0)
		tp->tp_height = 0;
	return n;
}

/* The first page from *index on, not before `base', in the subtree at p. */
static bool
find_next(uintptr_t p, uint32_t level, uint64_t base, uint64_t *index)
{
	uint64_t span;
	unsigned i;

	if (p == 0 || (p & TMPFS_BLANK) != 0)
		return false;
	if (level == 0) {
		if (base > *index)
			*index = base;
		return true;
	}
	level--;
	span = UINT64_C(1) << (LEVEL_BITS * level);
	i = *index > base ? (unsigned)((*index - base) / span) : 0;
	for (; i < LEVEL_SLOTS; i++)
		if (find_next(slot_node(p)->pn_slot[i], level, base + i * span,
			index))
			return true;
	return false;
}

bool
tmpfs_pages_next(const struct tmpfs_pages *tp, uint64_t *index)
{
	return within(*index, tp->tp_height) &&
	       find_next(tp->tp_root, tp->tp_height, 0, index);
}
