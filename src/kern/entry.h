/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How every call enters and leaves the kernel.
 */
#ifndef KERN_ENTRY_H
#define KERN_ENTRY_H

#include "kern/proc.h"
#include "kern/smr.h"

/*
 * The calling host thread has no lwp: give it its implicit one and enter.
 * NULL before boot (ENXIO), without memory (ENOMEM) or where the host does not
 * let it in (ENOTSUP); syscall_refusal() says which.
 */
struct lwp *syscall_enter_first(void);
struct lwp *syscall_peek_first(void);
int syscall_refusal(void);

/* Set the host thread's errno, and its context's kc_error; returns -1. */
int syscall_error(int error);

static inline __attribute__((always_inline)) struct lwp *
syscall_enter(void)
{
	struct lwp *l = curlwp();

	if (unlikely(l == NULL))
		return syscall_enter_first();
	smr_enter(curht());
	return l;
}

/* The same for calls that need no section: it is not entered. */
static inline struct lwp *
syscall_peek(void)
{
	struct lwp *l = curlwp();

	if (likely(l != NULL))
		return l;
	return syscall_peek_first();
}

static inline void
syscall_exit(void)
{
	struct hostthread *ht = curht();

	smr_exit(ht);
	if (unlikely(ht->ht_retired.sl_count >= SMR_BATCH))
		smr_poll(ht);
}

/* At the end of a call: has l, whose call it was, signals to act on? */
static inline bool
syscall_signalled(struct lwp *l)
{
	return (atomic_load_explicit(&l->l_flags, memory_order_relaxed) &
		   LW_SIGNAL) != 0;
}

#endif /* KERN_ENTRY_H */
