/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pages of a regular file by number: a radix tree, six bits a level.  A
 * file of one page has no node; one of 64 pages has one.  A slot has a node of
 * the level below, or a page's address with TMPFS_BLANK and TMPFS_FRESH; zero
 * if there is nothing.
 */
#include "fs/tmpfs/tmpfs.h"

static inline struct tmpfs_pagenode *
slot_node(uintptr_t slot)
{
	return (struct tmpfs_pagenode *)slot;
}

/* Make the tree high enough for `index'. */
static int
pages_grow(struct tmpfs_pages *tp, uint64_t index)
{
	struct tmpfs_pagenode *pn;

	while (index >> tp->tp_bits != 0) {
		if (tp->tp_root != 0) {
			if ((pn = kmem_zalloc(sizeof(*pn))) == NULL)
				return ENOMEM;
			pn->pn_slot[0] = tp->tp_root;
			tp->tp_root = (uintptr_t)pn;
		}
		tp->tp_bits += TMPFS_LEVELBITS;
	}
	return 0;
}

uintptr_t *
tmpfs_pages_slot(struct tmpfs_pages *tp, uint64_t index)
{
	uintptr_t *slot = &tp->tp_root;
	uint32_t bits;

	if (pages_grow(tp, index) != 0)
		return NULL;
	for (bits = tp->tp_bits; bits > 0;) {
		if (*slot == 0 && (*slot = (uintptr_t)kmem_zalloc(
				       sizeof(struct tmpfs_pagenode))) == 0)
			return NULL;
		bits -= TMPFS_LEVELBITS;
		slot = &slot_node(*slot)->pn_slot[tmpfs_pages_at(index, bits)];
	}
	return slot;
}

/*
 * Free the pages from number `from' on and before `to' of the subtree at
 * *slot, whose first page is number `base', and the nodes that have none any
 * more.
 */
static uint64_t
prune(uintptr_t *slot, uint32_t bits, uint64_t base, uint64_t from, uint64_t to)
{
	struct tmpfs_pagenode *pn = slot_node(*slot);
	uint64_t span, n = 0;
	unsigned i;

	if (bits == 0) {
		kmem_free(
		    (void *)(*slot & ~(uintptr_t)(KPAGE_SIZE - 1)), KPAGE_SIZE);
		*slot = 0;
		return 1;
	}
	bits -= TMPFS_LEVELBITS;
	span = UINT64_C(1) << bits;
	i = from > base ? (unsigned)((from - base) / span) : 0;
	for (; i < TMPFS_LEVELSLOTS && base + i * span < to; i++)
		if (pn->pn_slot[i] != 0)
			n += prune(
			    &pn->pn_slot[i], bits, base + i * span, from, to);
	for (i = 0; i < TMPFS_LEVELSLOTS; i++)
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

	if (tp->tp_root == 0 || from >= to || from >> tp->tp_bits != 0)
		return 0;
	n = prune(&tp->tp_root, tp->tp_bits, 0, from, to);
	if (tp->tp_root == 0)
		tp->tp_bits = 0;
	return n;
}

/* The first page from *index on, not before `base', in the subtree at p. */
static bool
find_next(uintptr_t p, uint32_t bits, uint64_t base, uint64_t *index)
{
	uint64_t span;
	unsigned i;

	if (p == 0 || (p & TMPFS_BLANK) != 0)
		return false;
	if (bits == 0) {
		if (base > *index)
			*index = base;
		return true;
	}
	bits -= TMPFS_LEVELBITS;
	span = UINT64_C(1) << bits;
	i = *index > base ? (unsigned)((*index - base) / span) : 0;
	for (; i < TMPFS_LEVELSLOTS; i++)
		if (find_next(
			slot_node(p)->pn_slot[i], bits, base + i * span, index))
			return true;
	return false;
}

bool
tmpfs_pages_next(const struct tmpfs_pages *tp, uint64_t *index)
{
	return *index >> tp->tp_bits == 0 &&
	       find_next(tp->tp_root, tp->tp_bits, 0, index);
}
