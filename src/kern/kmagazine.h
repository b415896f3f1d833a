/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The part of the allocator that lives in a host thread's record: see kmem.h.
 */
#ifndef KERN_KMAGAZINE_H
#define KERN_KMAGAZINE_H

#include "kern/param.h"

#define KMEM_NCACHE  48	 /* caches there can be */
#define KMEM_MAGSIZE 128 /* objects a host thread keeps of each, at most */

/*
 * A host thread's free objects of one cache, linked through their first word.
 * Only the thread itself changes it; others read the count for statistics.
 */
struct kmagazine {
	void *km_objs;		   /* (o) */
	_Atomic uint32_t km_count; /* (a) written by the owner, relaxed */
	uint32_t km_fill;	   /* (o) objects to keep when it is filled */
};

#endif /* KERN_KMAGAZINE_H */
