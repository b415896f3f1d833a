/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of a call with a signal to act on: handlers run, on the host thread
 * that makes the call, outside of the section, and may make calls themselves.
 *
 * As on the host, each signal that is taken gets its mask at once, and what
 * this does not block is taken on top of it: the last one taken runs first.
 * Whether the call is made again is a matter of the first.
 *
 * A handler may leave by longjmp: nothing is held here, and what has to be
 * put back is on the host thread's stack.  It may also switch to another lwp;
 * the one that was is left alone then.
 */
#include "kern/signal_impl.h"

#include <ucontext.h>

#include "kern/entry.h"
#include "kern/trace.h"

/* All handlers at the end of a call. */
struct sigrun {
	struct lwp *sr_lwp;
	uint64_t sr_handle;
	bool sr_ran;   /* one has been called, or is to be */
	bool sr_again; /* the first has SA_RESTART */
};

/* Is the host thread still in that lwp? */
static bool
run_ishere(const struct sigrun *sr)
{
	return curlwp() == sr->sr_lwp && sr->sr_lwp->l_handle == sr->sr_handle;
}

/* The signal in sf has been taken.  True if there is a handler to call. */
static bool
frame_make(struct lwp *l, struct sigframe *sf, unsigned *after)
{
	struct proc *p = l->l_proc;
	struct kcontext *kc = curctx();
	int signo = sf->sf_info.si_signo;
	const struct kaction *ka = signal_action(p, signo);
	uint64_t mask;

	if (ka == NULL || ka->ka_handler == SIG_DFL) {
		(void)signal_default(p, signo, 0, after);
		return false;
	}
	if (ka->ka_handler == SIG_IGN)
		return false;
	sf->sf_action = *ka;
	sf->sf_oldmask = kc->kc_sigrestore ? kc->kc_sigsaved : l->l_sigmask;
	kc->kc_sigrestore = false;
	if ((ka->ka_flags & SA_RESETHAND) != 0) {
		p->p_sigacts->sg_act[signo - 1].ka_handler = SIG_DFL;
		signal_chldflags(p);
	}
	mask = l->l_sigmask | sf->sf_action.ka_mask;
	if ((sf->sf_action.ka_flags & SA_NODEFER) == 0)
		mask |= SIGBIT(signo);
	signal_setmask(l, mask);
	return true;
}

/* What is to be done next.  True: call the handler; *done: nothing. */
static bool
frame_next(struct lwp *l, struct sigframe *sf, unsigned *after, bool *done)
{
	struct kcontext *kc = curctx();
	uint64_t set = 0;

	KASSERT(mutex_owned(&l->l_proc->p_lock));
	*done = false;
	atomic_fetch_and_explicit(
	    &l->l_flags, ~LW_SIGNAL, memory_order_relaxed);
	sf->sf_info.si_signo = 0;
	if ((atomic_load_explicit(&l->l_flags, memory_order_relaxed) &
		LW_EXITING) == 0)
		set = sigq_deliverable(l);
	if (set != 0 && sigq_take(l, set, &sf->sf_info) != 0)
		return frame_make(l, sf, after);
	if (kc->kc_sigrestore) {
		kc->kc_sigrestore = false;
		signal_setmask(l, kc->kc_sigsaved);
	} else
		*done = true;
	return false;
}

bool
signal_take(struct lwp *l, struct sigframe *sf)
{
	struct proc *p = l->l_proc;
	bool call, done;
	unsigned after;

	do {
		after = 0;
		smr_enter(curht());
		mutex_enter(&p->p_lock);
		call = frame_next(l, sf, &after, &done);
		mutex_exit(&p->p_lock);
		signal_after(p, sf->sf_info.si_signo, after);
		syscall_exit();
	} while (!call && !done);
	return call;
}

static void
frame_call(struct sigframe *sf)
{
	int signo = sf->sf_info.si_signo, saved = errno;
	int savederror = curctx()->kc_error;
	ucontext_t uc;

	if ((sf->sf_action.ka_flags & SA_SIGINFO) != 0) {
		memset(&uc, 0, sizeof(uc));
		sigset_fill(&uc.uc_sigmask, sf->sf_oldmask);
		sf->sf_action.ka_action(signo, &sf->sf_info, &uc);
		sf->sf_oldmask = sigset_mask(&uc.uc_sigmask);
	} else
		sf->sf_action.ka_handler(signo);
	errno = saved;
	curctx()->kc_error = savederror;
}

void
signal_putback(struct lwp *l, uint64_t mask)
{
	struct proc *p = l->l_proc;

	smr_enter(curht());
	mutex_enter(&p->p_lock);
	signal_setmask(l, mask);
	mutex_exit(&p->p_lock);
	syscall_exit();
}

static void
run_handlers(struct sigrun *sr)
{
	struct sigframe sf;

	while (run_ishere(sr) && signal_take(sr->sr_lwp, &sf)) {
		if (!sr->sr_ran)
			sr->sr_again =
			    (sf.sf_action.ka_flags & SA_RESTART) != 0;
		sr->sr_ran = true;
		run_handlers(sr);
		if (unlikely((lwp_flags(sr->sr_lwp) & LW_TRACED) != 0))
			trace_signal(sr->sr_lwp, &sf.sf_info);
		frame_call(&sf);
		if (run_ishere(sr))
			signal_putback(sr->sr_lwp, sf.sf_oldmask);
	}
}

int
signal_return(struct lwp *l, int error)
{
	struct kcontext *kc = curctx();
	struct sigrun sr = {.sr_lwp = l, .sr_handle = l->l_handle};
	uint8_t restart = error == EINTR ? kc->kc_restart : SR_NEVER;

	/* The call may have released it; what a server runs, it ends itself. */
	if (curlwp() != l || kc->kc_server)
		return error;
	kc->kc_restart = SR_NEVER;
	run_handlers(&sr);
	if (restart == SR_NEVER || !run_ishere(&sr) ||
	    (sr.sr_ran && (restart == SR_NOHAND ||
			      (restart == SR_ALWAYS && !sr.sr_again))))
		return error;
	smr_enter(curht());
	return SIGNAL_AGAIN;
}
