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
 * let it in (ENOTSUP); syscall_refusal() says which.  Or the lwp is traced.
 */
struct lwp *syscall_enter_slow(void);
struct lwp *syscall_peek_slow(void);
int syscall_refusal(void);

/* Set the host thread's errno, and its context's kc_error; returns -1. */
int syscall_error(int error);

/*
 * Does the lwp have any of these?  It is no atomic load, because compilers do
 * not make one instruction of that and the test; a word from a moment ago is as
 * good here, and it is read once.  So every call asks first whether there is
 * anything to be done beyond making it (syscall_isslow).
 */
static inline __attribute__((no_sanitize("thread"))) bool
lwp_has(struct lwp *l, uint32_t flags)
{
	return (*(const uint32_t *)&l->l_flags & flags) != 0;
}

static inline bool
syscall_isslow(struct lwp *l)
{
	return lwp_has(l, LW_NOBODY | LW_TRACED);
}

static inline __attribute__((always_inline)) struct lwp *
syscall_enter(void)
{
	struct lwp *l = curlwp();

	if (unlikely(syscall_isslow(l)))
		return syscall_enter_slow();
	smr_enter(curht());
	return l;
}

/* The same for calls that need no section: it is not entered. */
static inline struct lwp *
syscall_peek(void)
{
	struct lwp *l = curlwp();

	if (likely(!lwp_isnobody(l)))
		return l;
	return syscall_peek_slow();
}

static inline void
syscall_exit(void)
{
	struct hostthread *ht = curht();

	smr_exit(ht);
	if (unlikely(ht->ht_retired.sl_count >= SMR_BATCH))
		smr_poll(ht);
}

/*
 * At the end of a call: is there more to be done for l, whose call it was and
 * which may be no more?  Then by syscall_end, which is told what the call was
 * and gave; it returns its error, or SIGNAL_AGAIN: in a section, to make it
 * again.
 */
static inline bool
syscall_unfinished(struct lwp *l)
{
	return (lwp_flags(l) & (LW_SIGNAL | LW_TRACED)) != 0;
}

int syscall_end(
    struct lwp *, int number, const uint64_t *args, int error, int64_t retval);

/* The same for pure calls, of which syscall_isslow was true. */
void syscall_pure_end(int number, int64_t retval);

#endif /* KERN_ENTRY_H */
