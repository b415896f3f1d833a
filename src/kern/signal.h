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

/*
 * A signal that a failing call posts to its own process, which the error tells
 * of as well.  With the models that would end the host process or do nothing
 * with a signal, it is the error alone.  Nothing is held.
 */
void signal_self(struct lwp *, int signo);

/*
 * The end of a call that may have been stopped by RLIMIT_FSIZE: SIGXFSZ, if
 * error is EFBIG and there is such a limit.  The error.
 */
int signal_efbig(struct lwp *);

static inline int
signal_xfsz(struct lwp *l, int error)
{
	return likely(error != EFBIG) ? error : signal_efbig(l);
}

/*
 * Post it to a process or to a group for a terminal: no permission is asked
 * for, and with the model that would end the host process it is not posted.
 * Without locks.
 */
void signal_process(pid_t pid, int signo);
void signal_group(pid_t pgid, int signo);

/* Would that be without any effect? */
bool signal_ignored(void);

#endif /* KERN_SIGNAL_H */
