/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counted references to objects that many processes share and that do not
 * change once they are shared (credentials, limits, directories, groups).
 */
#ifndef KERN_KREF_H
#define KERN_KREF_H

#include "kern/smr.h"

struct kref {
	_Atomic uint32_t kr_count;
	void (*kr_free)(struct kref *); /* last reference gone */
};

static inline void
kref_init(struct kref *kr, void (*fn)(struct kref *))
{
	atomic_init(&kr->kr_count, 1);
	kr->kr_free = fn;
}

/* The caller has a reference and makes another. */
static inline void
kref_hold(struct kref *kr)
{
	uint32_t old =
	    atomic_fetch_add_explicit(&kr->kr_count, 1, memory_order_relaxed);

	KASSERT(old != 0);
	(void)old;
}

/* The caller found the object in a smr section; false if it is going. */
static inline bool
kref_tryhold(struct kref *kr)
{
	uint32_t n = atomic_load_explicit(&kr->kr_count, memory_order_relaxed);

	do {
		if (n == 0)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(&kr->kr_count, &n,
	    n + 1, memory_order_acquire, memory_order_relaxed));
	return true;
}

static inline void
kref_rele(struct kref *kr)
{
	/* acq_rel: every holder's use is over before kr_free looks. */
	if (atomic_fetch_sub_explicit(&kr->kr_count, 1, memory_order_acq_rel) ==
	    1)
		kr->kr_free(kr);
}

static inline uint32_t
kref_count(const struct kref *kr)
{
	return atomic_load_explicit(&kr->kr_count, memory_order_relaxed);
}

#endif /* KERN_KREF_H */
