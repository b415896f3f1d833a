/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals: posting them to processes, and what the end of a call does about
 * them.
 *
 * Which handlers a process has and what is pending is in sigqueue.c, what
 * posting does in signal.c, what happens at the end of a call in sigreturn.c.
 */
#ifndef KERN_SIGNAL_H
#define KERN_SIGNAL_H

#include <signal.h>

#include "kern/hostthread.h"

/*
 * Post it for the kernel itself to the process of a call that fails and says
 * so by its error, too: to the calling lwp.  Nothing is held.
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

/* The same for SIGPIPE, if error is EPIPE. */
static inline int
signal_pipe(struct lwp *l, int error)
{
	if (unlikely(error == EPIPE))
		signal_self(l, SIGPIPE);
	return error;
}

/*
 * Post it to a process or to a group for the kernel itself: no permission is
 * asked for, and with the model that would end the host process it does
 * nothing if the process has not asked for it.  Without locks.
 */
void signal_process(pid_t pid, int signo);
void signal_group(pid_t pgid, int signo);

/* The same with more to tell than the number. */
void signal_info(pid_t pid, const siginfo_t *);

/*
 * What an lwp of p wants to be told by: *signop, 0 for nothing or a function
 * (sigthread.h).  EINVAL for numbers that are no signals, and for functions
 * that are none or in another program.
 */
struct proc;
int sigevent_check(struct proc *p, const struct sigevent *, int *signop);

/*
 * Would that signal do nothing to the lwp: is it blocked or ignored, or not
 * caught with a model that does nothing then?
 */
bool signal_ignored(struct lwp *, int signo);

/* The sleep that was interrupted is in a call of this kind; see hostthread.h.
 */
static inline void
signal_restart(enum signal_restart to)
{
	struct kcontext *kc = curctx();

	if (kc->kc_restart == SR_ALWAYS)
		kc->kc_restart = (uint8_t)to;
}

/* The same for a wait with a deadline, which cannot begin again. */
static inline void
signal_restart_until(int64_t deadline)
{
	signal_restart(deadline == HYPER_FOREVER ? SR_NOHAND : SR_NEVER);
}

/*
 * Around a wait: block just these signals, if uset is not NULL.  EFAULT.  The
 * old mask comes back when the wait is over or, if a signal ended it, after
 * handlers have run at the end of the call.
 */
int signal_maskwait(struct lwp *, const sigset_t *uset);
void signal_unmaskwait(struct lwp *, int error);

/* Does the mask of the wait, which takes no time, let a signal in?  EINTR. */
int signal_maskpoll(struct lwp *);

/*
 * The end of a call of an lwp with LW_SIGNAL, outside of the section: handlers
 * run.  Its error is then the one returned, or it is to be made again
 * (SIGNAL_AGAIN; in a section again).
 */
#define SIGNAL_AGAIN (-1)
int signal_return(struct lwp *, int error);

#endif /* KERN_SIGNAL_H */
