/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals and waiting for children: what the files of src/kern share.
 *
 * A process points to its actions (p_sigacts), or to nothing as long as all
 * are the default.  What is pending is p_sigpend, a bit for each signal posted
 * to the process, and p_sigq: what is known of these, and of those posted to
 * one lwp, in order of arrival.  A standard signal is there once, a real-time
 * signal as often as it was posted.  All that is under p_lock.
 *
 * LW_SIGNAL tells an lwp to look, at the end of its call or when it would
 * sleep.  Others set it, under p_lock; it clears it itself.
 */
#ifndef KERN_SIGNAL_IMPL_H
#define KERN_SIGNAL_IMPL_H

#include <rump/rump.h>

#include "kern/proc_impl.h"
#include "kern/signal.h"

#define NSIGNAL	      64
#define SIGNAL_RTMIN  32 /* from here on they are queued */
#define SIGBIT(signo) (UINT64_C(1) << ((signo)-1))

/* What no mask holds. */
#define SIGNAL_NOMASK (SIGBIT(SIGKILL) | SIGBIT(SIGSTOP))

/* A pending signal. */
struct ksig {
	struct ksig *ks_next;
	struct lwp *ks_lwp; /* NULL: any lwp of the process */
	bool ks_timer;	    /* it is part of a timer, and stays when taken */
	bool ks_queued;	    /* of a timer: it is pending */
	int ks_overrun;	    /* of a timer: si_overrun when it was taken */
	siginfo_t ks_info;
};

/* What a process does with a signal; all zero is the default. */
struct kaction {
	union {
		void (*ka_handler)(int);
		void (*ka_action)(int, siginfo_t *, void *);
	};
	uint64_t ka_mask;
	int ka_flags;
};

struct sigacts {
	struct kaction sg_act[NSIGNAL];
};

static inline bool
signal_isqueued(int signo)
{
	return signo >= SIGNAL_RTMIN;
}

/* glibc's sets have room for more signals than there are. */
static inline uint64_t
sigset_mask(const sigset_t *set)
{
	uint64_t mask;

	memcpy(&mask, set, sizeof(mask));
	return mask;
}

static inline void
sigset_fill(sigset_t *set, uint64_t mask)
{
	memset(set, 0, sizeof(*set));
	memcpy(set, &mask, sizeof(mask));
}

/*
 * sigqueue.c.  p_lock is held.
 */

/* The action, or NULL: the default. */
const struct kaction *signal_action(struct proc *, int signo);

/* What stays pending although nobody blocks it: RECORD, and not caught. */
uint64_t sigq_recorded(struct proc *);

/* Signals that the lwp could take if it blocked none. */
uint64_t sigq_pending(struct lwp *);

/* What it must act on now. */
uint64_t sigq_deliverable(struct lwp *);

/*
 * Add one to what is pending, for lwp l or (NULL) any.  If there are too many,
 * or no memory, what is known of it is lost, but EAGAIN for one that is queued
 * and comes by sigqueue and its like.
 */
int sigq_add(struct proc *, struct lwp *, const siginfo_t *, unsigned how);

/* Add that of a timer, which is not pending.  Take it back. */
void sigq_add_timer(struct proc *, struct lwp *, struct ksig *);
void sigq_cancel_timer(struct proc *, struct ksig *);

/* The process's user is to be another one. */
void sigq_setuser(struct proc *, struct uidinfo *from, struct uidinfo *to);

/* Take the first of set that is pending for the lwp; 0 if there is none. */
int sigq_take(struct lwp *, uint64_t set, siginfo_t *);

/* Those of set go, for whomever they were. */
void sigq_flush(struct proc *, uint64_t set);

/* The lwp leaves its process: what is for it alone goes. */
void sigq_leave(struct lwp *);

/*
 * signal.c
 */

/* How a signal is posted. */
#define SP_KERNEL   1u /* by the kernel for itself */
#define SP_SELF	    2u /* by the call that it tells of: interrupts nothing */
#define SP_LOSSLESS 4u /* EAGAIN if what is told of it would be lost */

/* What is left to do when p_lock is not held any more: signal_after. */
#define SD_RAISE  1u /* raise it on the host */
#define SD_TELL	  2u /* the parent: p has stopped or goes on */
#define SD_REMOTE 4u /* tell the host process that p's program is in */

/*
 * Post a signal to p, or to its lwp l only.  p_lock held.  EAGAIN.
 */
int signal_post(struct proc *p, struct lwp *l, const siginfo_t *info,
    unsigned how, unsigned *after);

/* The same with that of a timer, for the kernel itself. */
void signal_post_timer(
    struct proc *p, struct lwp *l, struct ksig *ks, unsigned *after);
void signal_after(struct proc *p, int signo, unsigned after);

/*
 * The default of a signal that nobody blocks and that is not kept pending.
 * p_lock held; true if the model keeps it.
 */
bool signal_default(struct proc *p, int signo, unsigned how, unsigned *after);

/* The lwp of p with this id, or NULL.  p_lock held. */
struct lwp *proc_lwp(struct proc *p, int lid);

/* Tell the lwps that may act on what of bits is pending for the process. */
void signal_retarget(struct proc *p, uint64_t bits);

/* Set the mask of the calling lwp.  p_lock held. */
void signal_setmask(struct lwp *, uint64_t mask);

enum rump_sigmodel signal_model(void);

/* The action for SIGCHLD may be another one: what p's children see of it. */
void signal_chldflags(struct proc *);

/* p ends with this status, as wait gives it.  p_lock held. */
void proc_set_exiting(struct proc *p, int status);

/* p, new, does with signals what its parent does.  ENOMEM. */
int signal_fork(struct proc *p, struct proc *parent);

/* p has no lwps any more: drop what signals it had, and its actions. */
void signal_exit(struct proc *p);

/* A handler that is to be called. */
struct sigframe {
	siginfo_t sf_info;
	struct kaction sf_action;
	uint64_t sf_oldmask; /* when it returns */
};

/*
 * sigreturn.c, without locks, outside of a section: at the end of a call of
 * the calling lwp, take signals until there is a handler to call, false if
 * there is none; and have the mask be what it was before a handler.
 */
bool signal_take(struct lwp *, struct sigframe *);
void signal_putback(struct lwp *, uint64_t mask);

/* p executes another program: nothing is caught any more. */
void signal_exec(struct proc *p);

/*
 * wait.c
 */

/*
 * p, which has no lwps any more, becomes a zombie or goes, and its parent is
 * told.
 */
void wait_exit(struct proc *p);

/* p has stopped or goes on: its parent may want to know.  Nothing is held. */
void wait_event(struct proc *p);
#define PE_STOPPED   0x100u /* p_event: by the signal in the low bits */
#define PE_CONTINUED 0x200u

/* p's children have become fewer: who waits for them looks again. */
void wait_wake(struct proc *p);

#endif /* KERN_SIGNAL_IMPL_H */
