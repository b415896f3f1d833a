/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Posting signals to processes.
 */
#ifndef KERN_SIGNAL_H
#define KERN_SIGNAL_H

#include "kern/param.h"

/*
 * Do with signal signo, posted to p, what the signal model says.  p_lock
 * held.  True if the caller is to raise it on the host when the lock is not
 * (signal_raise): a handler of the host may call the kernel.
 */
bool proc_signal(struct proc *p, int signo);
void signal_raise(int signo);

#endif /* KERN_SIGNAL_H */
