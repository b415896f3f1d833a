/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Posting signals to processes.
 *
 * A signal that is blocked, or caught, is kept pending (sigqueue.c) and acted
 * on when a call of an lwp that does not block it ends (sigreturn.c).  One
 * that is ignored is dropped.  For all others there are the models of
 * rump_boot_setsigmodel, and they act when the signal is posted.
 *
 * Locks: p_lock of the process.  What must be done without (signal_after) is
 * returned to whoever holds it.
 */
#include "kern/signal_impl.h"

#include "kern/kqproc.h"
#include "kern/lwp.h"
#include "kern/signalfd.h"

static _Atomic int model = RUMP_SIGMODEL_PANIC;

RUMP_EXPORT void
rump_boot_setsigmodel(enum rump_sigmodel m)
{
	atomic_store_explicit(&model, (int)m, memory_order_relaxed);
}

enum rump_sigmodel
signal_model(void)
{
	return (enum rump_sigmodel)atomic_load_explicit(
	    &model, memory_order_relaxed);
}

/*
 * The default actions
 */

#define DEFAULT_IGNORE \
	(SIGBIT(SIGCHLD) | SIGBIT(SIGCONT) | SIGBIT(SIGURG) | SIGBIT(SIGWINCH))
#define DEFAULT_STOP \
	(SIGBIT(SIGSTOP) | SIGBIT(SIGTSTP) | SIGBIT(SIGTTIN) | SIGBIT(SIGTTOU))

/* Nothing is to wait in this process any more. */
void
proc_set_exiting(struct proc *p, int status)
{
	struct lwp *l;

	KASSERT(mutex_owned(&p->p_lock));
	if ((proc_flags(p) & PF_EXITING) != 0)
		return;
	atomic_store_explicit(&p->p_xstatus, status, memory_order_relaxed);
	atomic_fetch_or_explicit(&p->p_flags, PF_EXITING, memory_order_relaxed);
	LIST_FOREACH (l, &p->p_lwps, l_sibling)
		atomic_fetch_or_explicit(
		    &l->l_flags, LW_EXITING, memory_order_seq_cst);
	proc_interrupt(p);
}

static void
proc_stop(struct proc *p, int signo, unsigned *after)
{
	if ((proc_flags(p) & PF_STOPPED) != 0)
		return;
	atomic_fetch_or_explicit(&p->p_flags, PF_STOPPED, memory_order_relaxed);
	atomic_store_explicit(
	    &p->p_event, PE_STOPPED | (uint32_t)signo, memory_order_relaxed);
	*after |= SD_TELL;
}

static void
proc_continue(struct proc *p, unsigned *after)
{
	if ((proc_flags(p) & PF_STOPPED) == 0)
		return;
	atomic_fetch_and_explicit(
	    &p->p_flags, ~PF_STOPPED, memory_order_relaxed);
	atomic_store_explicit(&p->p_event, PE_CONTINUED, memory_order_relaxed);
	*after |= SD_TELL;
}

static void
default_posix(struct proc *p, int signo, unsigned *after)
{
	/* As the host does for its process 1. */
	if ((proc_flags(p) & PF_SYSTEM) != 0 ||
	    (SIGBIT(signo) & DEFAULT_IGNORE) != 0)
		return;
	if ((SIGBIT(signo) & DEFAULT_STOP) != 0)
		proc_stop(p, signo, after);
	else
		proc_set_exiting(p, signo);
}

/* Interrupt what does not block it. */
static void
default_record(struct proc *p, int signo, unsigned how)
{
	struct lwp *l;

	if ((how & SP_SELF) != 0)
		return;
	if (signo == SIGKILL && (proc_flags(p) & PF_SYSTEM) == 0)
		proc_set_exiting(p, signo);
	LIST_FOREACH (l, &p->p_lwps, l_sibling)
		if ((l->l_sigmask & SIGBIT(signo)) == 0)
			lwp_interrupt(l);
}

bool
signal_default(struct proc *p, int signo, unsigned how, unsigned *after)
{
	KASSERT(mutex_owned(&p->p_lock));
	/* Every end of a child would be told. */
	if (signo == SIGCHLD && (how & SP_KERNEL) != 0)
		return false;
	if ((proc_flags(p) & PF_REMOTE) != 0) {
		*after |= SD_REMOTE;
		return false;
	}
	switch (signal_model()) {
	case RUMP_SIGMODEL_IGNORE:
		return false;
	case RUMP_SIGMODEL_RAISE:
		*after |= SD_RAISE;
		return false;
	case RUMP_SIGMODEL_RECORD:
		default_record(p, signo, how);
		return true;
	case RUMP_SIGMODEL_POSIX:
		default_posix(p, signo, after);
		return false;
	default:
		if ((how & SP_KERNEL) != 0)
			return false;
		panic(
		    "signal %d posted to process %d", signo, (int)proc_pid(p));
	}
}

/*
 * Whom it is for
 */

struct lwp *
proc_lwp(struct proc *p, int lid)
{
	struct lwp *l;

	KASSERT(mutex_owned(&p->p_lock));
	LIST_FOREACH (l, &p->p_lwps, l_sibling)
		if (l->l_lid == lid)
			break;
	return l;
}

static bool
signal_for(struct lwp *l, const struct lwp *target, uint64_t bit)
{
	return (target == NULL || l == target) && (l->l_sigmask & bit) == 0;
}

/* Is there an lwp that could act on it now? */
static bool
signal_unblocked(struct proc *p, const struct lwp *target, uint64_t bit)
{
	struct lwp *l;

	LIST_FOREACH (l, &p->p_lwps, l_sibling)
		if (signal_for(l, target, bit))
			return true;
	return false;
}

/* What the lwp waits for in sigtimedwait. */
static uint64_t
lwp_sigwait(struct lwp *l)
{
	struct kcontext *kc =
	    atomic_load_explicit(&l->l_ctx, memory_order_relaxed);

	/* A context that waits as another lwp has left this one. */
	if (lwp_owner(l) != LWP_RUNNING + kc->kc_id)
		return 0;
	return atomic_load_explicit(&kc->kc_sigwait, memory_order_relaxed);
}

static bool
signal_awaited(struct proc *p, const struct lwp *target, uint64_t bit)
{
	struct lwp *l;

	LIST_FOREACH (l, &p->p_lwps, l_sibling)
		if ((target == NULL || l == target) &&
		    (lwp_sigwait(l) & bit) != 0)
			return true;
	return false;
}

/*
 * Tell one that sleeps or, if none does, all, of which the first to end a
 * call or to begin a sleep will act on it.
 */
static void
signal_wake(struct proc *p, const struct lwp *target, uint64_t bit)
{
	struct lwp *l;

	LIST_FOREACH (l, &p->p_lwps, l_sibling)
		if (signal_for(l, target, bit) &&
		    atomic_load_explicit(&l->l_sleep, memory_order_relaxed) ==
			LWP_ASLEEP &&
		    lwp_signal(l))
			return;
	LIST_FOREACH (l, &p->p_lwps, l_sibling)
		if (signal_for(l, target, bit) && lwp_signal(l))
			return;
}

void
signal_retarget(struct proc *p, uint64_t bits)
{
	KASSERT(mutex_owned(&p->p_lock));
	bits &= atomic_load_explicit(&p->p_sigpend, memory_order_relaxed);
	if (bits != 0)
		bits &= ~sigq_recorded(p);
	for (; bits != 0; bits &= bits - 1)
		signal_wake(p, NULL, bits & -bits);
}

void
signal_setmask(struct lwp *l, uint64_t mask)
{
	uint64_t more;

	KASSERT(mutex_owned(&l->l_proc->p_lock));
	mask &= ~SIGNAL_NOMASK;
	more = mask & ~l->l_sigmask;
	l->l_sigmask = mask;
	if (sigq_deliverable(l) != 0)
		atomic_fetch_or_explicit(
		    &l->l_flags, LW_SIGNAL, memory_order_relaxed);
	signal_retarget(l->l_proc, more);
}

/*
 * Posting
 */

/* To go on and to stop take each other back. */
static void
signal_jobcontrol(struct proc *p, int signo, unsigned *after)
{
	if (signo == SIGCONT) {
		sigq_flush(p, DEFAULT_STOP);
		proc_continue(p, after);
	} else if ((SIGBIT(signo) & DEFAULT_STOP) != 0)
		sigq_flush(p, SIGBIT(SIGCONT));
}

/* ks, if it is not NULL, is what comes into the queue; info is in it then. */
static int
signal_post_as(struct proc *p, struct lwp *l, const siginfo_t *info,
    struct ksig *ks, unsigned how, unsigned *after)
{
	int signo = info->si_signo, error;
	uint64_t bit = SIGBIT(signo);
	const struct kaction *ka = signal_action(p, signo);
	bool unblocked, dfl = ka == NULL || ka->ka_handler == SIG_DFL;
	bool awaited = signal_awaited(p, l, bit);

	KASSERT(mutex_owned(&p->p_lock));
	if (atomic_load_explicit(&p->p_state, memory_order_relaxed) !=
		PROC_ACTIVE ||
	    (proc_flags(p) & PF_EXITING) != 0)
		return 0;
	kqproc_signal(p, signo);
	signal_jobcontrol(p, signo, after);
	unblocked = signal_unblocked(p, l, bit);
	if (unblocked && !dfl && ka->ka_handler == SIG_IGN)
		return 0;
	if (unblocked && dfl &&
	    (!awaited || signal_model() == RUMP_SIGMODEL_POSIX) &&
	    !signal_default(p, signo, how, after))
		return 0;
	if (ks != NULL)
		sigq_add_timer(p, l, ks);
	else if ((error = sigq_add(p, l, info, how)) != 0)
		return error;
	if (awaited)
		cv_broadcast(&p->p_cv);
	else if (unblocked && !dfl)
		signal_wake(p, l, bit);
	return 0;
}

int
signal_post(struct proc *p, struct lwp *l, const siginfo_t *info, unsigned how,
    unsigned *after)
{
	return signal_post_as(p, l, info, NULL, how, after);
}

void
signal_post_timer(
    struct proc *p, struct lwp *l, struct ksig *ks, unsigned *after)
{
	(void)signal_post_as(p, l, &ks->ks_info, ks, SP_KERNEL, after);
}

/* Outside the section: a handler of the host's may run for long. */
static void
signal_raise(int signo)
{
	struct hostthread *ht = curht();

	smr_exit(ht);
	hyper_raise(signo);
	smr_enter(ht);
}

void
signal_after(struct proc *p, int signo, unsigned after)
{
	if ((after & SD_TELL) != 0)
		wait_event(p);
	if ((after & SD_REMOTE) != 0)
		remote_post(p, signo);
	if ((after & SD_RAISE) != 0)
		signal_raise(signo);
}

/*
 * For the kernel itself
 */

void
signal_info(pid_t pid, const siginfo_t *info)
{
	unsigned after = 0;
	struct proc *p;

	if ((p = proc_find_locked(pid)) == NULL)
		return;
	(void)signal_post(p, NULL, info, SP_KERNEL, &after);
	mutex_exit(&p->p_lock);
	signal_after(p, info->si_signo, after);
}

void
signal_process(pid_t pid, int signo)
{
	siginfo_t info = {.si_signo = signo, .si_code = SI_KERNEL};

	signal_info(pid, &info);
}

/* Without memory for its members the group is not told. */
void
signal_group(pid_t pgid, int signo)
{
	struct pgrp *pg = pgrp_find(pgid);
	pid_t *pids;
	size_t i, n, size;

	if (pg == NULL)
		return;
	if (pgrp_pids(pg, &pids, &size, &n) == 0) {
		for (i = 0; i < n; i++)
			signal_process(pids[i], signo);
		if (size != 0)
			kmem_free(pids, size);
	}
	kref_rele(&pg->pg_ref);
}

void
signal_self(struct lwp *l, int signo)
{
	struct proc *p = l->l_proc;
	siginfo_t info = {.si_signo = signo, .si_code = SI_USER};
	unsigned after = 0;

	info.si_pid = proc_pid(p);
	info.si_uid = proc_cred(p)->cr_ruid;
	mutex_enter(&p->p_lock);
	(void)signal_post(p, l, &info, SP_KERNEL | SP_SELF, &after);
	mutex_exit(&p->p_lock);
	signal_after(p, signo, after);
}

int
signal_efbig(struct lwp *l)
{
	if (proc_limit(l->l_proc, RLIMIT_FSIZE) != RLIM_INFINITY)
		signal_self(l, SIGXFSZ);
	return EFBIG;
}

bool
signal_ignored(struct lwp *l, int signo)
{
	struct proc *p = l->l_proc;
	const struct kaction *ka;
	int m = signal_model();
	bool ignored;

	mutex_enter(&p->p_lock);
	ka = signal_action(p, signo);
	if ((l->l_sigmask & SIGBIT(signo)) != 0)
		ignored = true;
	else if (ka == NULL || ka->ka_handler == SIG_DFL)
		ignored = m == RUMP_SIGMODEL_IGNORE || m == RUMP_SIGMODEL_PANIC;
	else
		ignored = ka->ka_handler == SIG_IGN;
	mutex_exit(&p->p_lock);
	return ignored;
}

/*
 * Life
 */

void
signal_chldflags(struct proc *p)
{
	const struct kaction *ka = signal_action(p, SIGCHLD);
	uint32_t flags = 0;

	if (ka->ka_handler != SIG_DFL && ka->ka_handler != SIG_IGN)
		flags |= PF_CHLD;
	if (ka->ka_handler == SIG_IGN || (ka->ka_flags & SA_NOCLDWAIT) != 0)
		flags |= PF_NOCLD;
	atomic_fetch_and_explicit(
	    &p->p_flags, ~(PF_CHLD | PF_NOCLD), memory_order_relaxed);
	atomic_fetch_or_explicit(&p->p_flags, flags, memory_order_relaxed);
}

int
signal_fork(struct proc *p, struct proc *parent)
{
	struct sigacts *sg;

	if ((sg = kmem_alloc(sizeof(*sg))) == NULL)
		return ENOMEM;
	mutex_enter(&parent->p_lock);
	*sg = *parent->p_sigacts;
	mutex_exit(&parent->p_lock);
	p->p_sigacts = sg;
	atomic_fetch_or_explicit(&p->p_flags, PF_SIGNAL, memory_order_relaxed);
	return 0;
}

void
signal_exec(struct proc *p)
{
	int i;

	mutex_enter(&p->p_lock);
	for (i = 0; p->p_sigacts != NULL && i < NSIGNAL; i++) {
		struct kaction *ka = &p->p_sigacts->sg_act[i];
		bool ignored = ka->ka_handler == SIG_IGN;

		memset(ka, 0, sizeof(*ka));
		if (ignored)
			ka->ka_handler = SIG_IGN;
	}
	if (p->p_sigacts != NULL)
		signal_chldflags(p);
	mutex_exit(&p->p_lock);
}

void
signal_exit(struct proc *p)
{
	struct sigacts *sg;

	signalfd_exit(p);
	mutex_enter(&p->p_lock);
	sigq_flush(p, UINT64_MAX);
	sg = p->p_sigacts;
	p->p_sigacts = NULL;
	mutex_exit(&p->p_lock);
	if (sg != NULL)
		kmem_free(sg, sizeof(*sg));
}
