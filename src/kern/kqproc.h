/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What kevents are told of processes and signals: a load where nobody waits.
 */
#ifndef KERN_KQPROC_H
#define KERN_KQPROC_H

#include "kern/proc.h"

/*
 * Set by src/ipc.  An asynchronous request of l's process, by its address: has
 * it ended, and with what errno?  ESRCH: there is none.
 */
extern int (*kqaio_state)(
    struct lwp *l, uintptr_t request, bool *endedp, int64_t *errorp);

void kqproc_aio_slow(struct proc *);
void kqproc_signal_slow(struct proc *, int signo);
void kqproc_exit_slow(struct proc *);
void kqproc_fork_slow(struct lwp *, struct proc *parent, pid_t child);

/* A signal is posted, whatever becomes of it.  p_lock held. */
static inline void
kqproc_signal(struct proc *p, int signo)
{
	if (klist_waited(&p->p_klist))
		kqproc_signal_slow(p, signo);
}

/* A request of p's has ended; the lock of these may be held. */
static inline void
kqproc_aio(struct proc *p)
{
	if (klist_waited(&p->p_klist))
		kqproc_aio_slow(p);
}

/* p, which takes no kevents any more, has ended.  Without locks. */
static inline void
kqproc_exit(struct proc *p)
{
	if (klist_waited(&p->p_klist))
		kqproc_exit_slow(p);
}

/* The parent, for which l acts, has a new child.  Without locks. */
static inline void
kqproc_fork(struct lwp *l, struct proc *parent, pid_t child)
{
	if (klist_waited(&parent->p_klist))
		kqproc_fork_slow(l, parent, child);
}

#endif /* KERN_KQPROC_H */
