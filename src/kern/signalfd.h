/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What posting a signal, and the end of a process, do about signalfds.
 */
#ifndef KERN_SIGNALFD_H
#define KERN_SIGNALFD_H

struct proc;

/* A signal has become pending in p, or for an lwp of it.  p_lock held. */
void signalfd_tell(struct proc *p);

/* p has no lwps any more. */
void signalfd_exit(struct proc *p);

#endif /* KERN_SIGNALFD_H */
