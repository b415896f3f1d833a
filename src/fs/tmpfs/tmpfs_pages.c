/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pages of a regular file by number: a radix tree, six bits a level.  A
 * file of one page has no node; one of 64 pages has one.
 */
#include "fs/tmpfs/tmpfs.h"

#define LEVEL_BITS  6
#define LEVEL_SLOTS (1u << LEVEL_BITS)

struct pagenode {
	void *pn_slot[LEVEL_SLOTS]; /* nodes of the level below, or pages */
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

void *
tmpfs_pages_get(const struct tmpfs_pages *tp, uint64_t index)
{
	void *p = tp->tp_root;
	uint32_t level = tp->tp_height;

	if (!within(index, level))
		return NULL;
	while (level > 0 && p != NULL)
		p = ((struct pagenode *)p)->pn_slot[slot_of(index, --level)];
	return p;
}

/* Make the tree high enough for `index'. */
static int
pages_grow(struct tmpfs_pages *tp, uint64_t index)
{
	struct pagenode *pn;

	while (!within(index, tp->tp_height)) {
		if (tp->tp_root != NULL) {
			if ((pn = kmem_zalloc(sizeof(*pn))) == NULL)
				return ENOMEM;
			pn->pn_slot[0] = tp->tp_root;
			tp->tp_root = pn;
		}
		tp->tp_height++;
	}
	return 0;
}

int
tmpfs_pages_put(struct tmpfs_pages *tp, uint64_t index, void *page)
{
	void **slot = &tp->tp_root;
	uint32_t level;
	int error;

	if ((error = pages_grow(tp, index)) != 0)
		return error;
	for (level = tp->tp_height; level > 0;) {
		if (*slot == NULL &&
		    (*slot = kmem_zalloc(sizeof(struct pagenode))) == NULL)
			return ENOMEM;
		level--;
		slot =
		    &((struct pagenode *)*slot)->pn_slot[slot_of(index, level)];
	}
	KASSERT(*slot == NULL);
	*slot = page;
	return 0;
}

/*
 * Free the pages from number `from' on of the subtree at *slot, whose first
 * page is number `base', and the nodes that have none any more.
 */
static uint64_t
prune(void **slot, uint32_t level, uint64_t base, uint64_t from)
{
	struct pagenode *pn = *slot;
	uint64_t span, n = 0;
	unsigned i;

	if (level == 0) {
		kmem_free(*slot, KPAGE_SIZE);
		*slot = NULL;
		return 1;
	}
	level--;
	span = UINT64_C(1) << (LEVEL_BITS * level);
	i = from > base ? (unsigned)((from - base) / span) : 0;
	for (; i < LEVEL_SLOTS; i++)
		if (pn->pn_slot[i] != NULL)
			n += prune(
			    &pn->pn_slot[i], level, base + i * span, from);
	for (i = 0; i < LEVEL_SLOTS; i++)
		if (pn->pn_slot[i] != NULL)
			return n;
	kmem_free(pn, sizeof(*pn));
	*slot = NULL;
	return n;
}

uint64_t
tmpfs_pages_truncate(struct tmpfs_pages *tp, uint64_t from)
{
	uint64_t n;

	if (tp->tp_root == NULL || !within(from, tp->tp_height))
		return 0;
	n = prune(&tp->tp_root, tp->tp_height, 0, from);
	if (tp->tp_root == NULL)
		tp->tp_height = 0;
	return n;
}

/* The first page from *index on, not before `base', in the subtree at p. */
static bool
find_next(const void *p, uint32_t level, uint64_t base, uint64_t *index)
{
	const struct pagenode *pn = p;
	uint64_t span;
	unsigned i;

	if (p == NULL)
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
		if (find_next(pn->pn_slot[i], level, base + i * span, index))
			return true;
	return false;
}

bool
tmpfs_pages_next(const struct tmpfs_pages *tp, uint64_t *index)
{
	return within(*index, tp->tp_height) &&
	       find_next(tp->tp_root, tp->tp_height, 0, index);
}
