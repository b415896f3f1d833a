/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A heap of times, the earliest on top, that takes no memory: a complete
 * binary tree of pointers between what has a time.  Inserting and removing are
 * O(log n) at worst.  The caller keeps others away.
 */
#ifndef HYPER_TIMEHEAP_H
#define HYPER_TIMEHEAP_H

#include <stddef.h>
#include <stdint.h>

struct timenode {
	struct timenode *tn_parent;
	struct timenode *tn_child[2];
	int64_t tn_when; /* set by the caller while it is in no heap */
};

/* A zeroed one is empty. */
struct timeheap {
	struct timenode *th_top;
	size_t th_count;
};

void timeheap_insert(struct timeheap *, struct timenode *);
void timeheap_remove(struct timeheap *, struct timenode *);

#endif /* HYPER_TIMEHEAP_H */
