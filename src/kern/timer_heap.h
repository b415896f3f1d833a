/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A heap of timers, the earliest on top, that takes no memory: a complete
 * binary tree of pointers.  Inserting and removing are O(log n) at worst.
 */
#ifndef KERN_TIMER_HEAP_H
#define KERN_TIMER_HEAP_H

#include "kern/timer.h"

/* A zeroed one is empty. */
struct ktimer_heap {
	struct ktimer *th_top;
	size_t th_count;
};

void ktimer_heap_insert(struct ktimer_heap *, struct ktimer *);
void ktimer_heap_remove(struct ktimer_heap *, struct ktimer *);

#endif /* KERN_TIMER_HEAP_H */
