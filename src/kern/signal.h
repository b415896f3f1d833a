/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Posting signals to processes.
 */
#ifndef KERN_SIGNAL_H
#define KERN_SIGNAL_H

#include "kern/param.h"

/*
 * Do with signal signo, posted to p, what the signal model says.  p_lock
 * held.
 */
void proc_signal(struct proc *p, int signo);

#endif /* KERN_SIGNAL_H */
