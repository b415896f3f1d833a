/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How every call enters and leaves the kernel.
 */
#ifndef SYSCALL_ENTRY_H
#define SYSCALL_ENTRY_H

#include "kern/kern.h"

#define RUMP_EXPORT __attribute__((visibility("default")))

/*
 * The calling host thread's first entry, or one before boot: give it an
 * implicit lwp.  NULL with *errorp set when that cannot be done.
 */
struct lwp *syscall_enter_first(void);

/* Make errno say why; returns -1.  syscall_refuse: why entry failed. */
int syscall_error(int error);
int syscall_refuse(void);

static inline struct lwp *
syscall_enter(void)
{
	struct lwp *l = curlwp();

	if (unlikely(l == NULL))
		return syscall_enter_first();
	smr_enter(l->l_ht);
	return l;
}

static inline void
syscall_exit(struct lwp *l)
{
	smr_exit(l->l_ht);
}

#endif /* SYSCALL_ENTRY_H */
