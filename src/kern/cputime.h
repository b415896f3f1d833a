/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CPU time of processes, which is counted if RUMP_CPUTIME says so: to read a
 * host thread's clock takes longer than anything else in a switch.
 *
 * A host thread's time is charged to the process that it acts for whenever it
 * leaves an lwp, and when somebody asks; without an lwp, to process 1.
 */
#ifndef KERN_CPUTIME_H
#define KERN_CPUTIME_H

#include <sys/resource.h>

#include "kern/param.h"

/* A process begins, with its first lwp. */
void cputime_begin(struct proc *, struct lwp *);

/* The calling host thread's, since it was last called, to old's process. */
void cputime_charge(struct lwp *old);

/* What l, which is the caller's, and the rest of its process took; it counts.
 */
int64_t cputime_self(struct lwp *l);

/* A child's is its parent's from now on, which waited for it. */
void cputime_inherit(struct proc *parent, struct proc *child);

/* As times of a struct rusage, all else of which is 0. */
void cputime_rusage(struct rusage *, int64_t ns);

#endif /* KERN_CPUTIME_H */
