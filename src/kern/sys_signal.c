/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls on the signals of the calling process and lwp: actions, masks,
 * what is pending, and waiting.
 */
#include "kern/kern.h"
#include "kern/signal_impl.h"
#include "sysproto.h"

/*
 * Actions
 */

/* The process's table of actions, made if need be.  p_lock held.  ENOMEM. */
static int
sigacts_make(struct proc *p)
{
	KASSERT(mutex_owned(&p->p_lock));
	atomic_fetch_or_explicit(&p->p_flags, PF_SIGNAL, memory_order_relaxed);
	if (p->p_sigacts == NULL)
		p->p_sigacts = kmem_zalloc(sizeof(*p->p_sigacts));
	return p->p_sigacts != NULL ? 0 : ENOMEM;
}

static int
action_set(struct proc *p, int signo, const struct sigaction *sa)
{
	const uint64_t unwanted = SIGBIT(SIGCHLD) | SIGBIT(SIGCONT) |
				  SIGBIT(SIGURG) | SIGBIT(SIGWINCH);
	struct kaction *ka;
	int error = sigacts_make(p);

	if (error != 0)
		return error;
	ka = &p->p_sigacts->sg_act[signo - 1];
	ka->ka_handler = sa->sa_handler;
	ka->ka_mask = sigset_mask(&sa->sa_mask) & ~SIGNAL_NOMASK;
	ka->ka_flags = sa->sa_flags;
	if (signo == SIGCHLD)
		signal_chldflags(p);
	/* What it does not want to know goes, also if it is blocked. */
	if (ka->ka_handler == SIG_IGN ||
	    (ka->ka_handler == SIG_DFL && (SIGBIT(signo) & unwanted) != 0))
		sigq_flush(p, SIGBIT(signo));
	else
		signal_retarget(p, SIGBIT(signo));
	return 0;
}

static void
action_get(struct proc *p, int signo, struct sigaction *sa)
{
	const struct kaction *ka = signal_action(p, signo);

	memset(sa, 0, sizeof(*sa));
	if (ka == NULL)
		return;
	sa->sa_handler = ka->ka_handler;
	sigset_fill(&sa->sa_mask, ka->ka_mask);
	sa->sa_flags = ka->ka_flags;
}

int
sys_sigaction(struct lwp *l, int signo, const struct sigaction *act,
    struct sigaction *oact)
{
	struct proc *p = l->l_proc;
	struct sigaction new, old;
	int error = 0;

	if (act != NULL && (error = copyin(act, &new, sizeof(new))) != 0)
		return error;
	if (signo < 1 || signo > NSIGNAL ||
	    (act != NULL && (SIGBIT(signo) & SIGNAL_NOMASK) != 0))
		return EINVAL;
	mutex_enter(&p->p_lock);
	action_get(p, signo, &old);
	if (act != NULL)
		error = action_set(p, signo, &new);
	mutex_exit(&p->p_lock);
	if (error == 0 && oact != NULL)
		error = copyout(&old, oact, sizeof(old));
	return error;
}

/*
 * Masks
 */

int
sys_sigprocmask(struct lwp *l, int how, const sigset_t *set, sigset_t *oset)
{
	struct proc *p = l->l_proc;
	uint64_t old = l->l_sigmask, mask = 0;
	sigset_t sigs;
	int error;

	if (set != NULL) {
		if ((error = copyin(set, &sigs, sizeof(sigs))) != 0)
			return error;
		mask = sigset_mask(&sigs);
		if (how == SIG_BLOCK)
			mask |= old;
		else if (how == SIG_UNBLOCK)
			mask = old & ~mask;
		else if (how != SIG_SETMASK)
			return EINVAL;
		mutex_enter(&p->p_lock);
		signal_setmask(l, mask);
		mutex_exit(&p->p_lock);
	}
	if (oset == NULL)
		return 0;
	sigset_fill(&sigs, old);
	return copyout(&sigs, oset, sizeof(sigs));
}

int
sys_sigpending(struct lwp *l, sigset_t *set)
{
	struct proc *p = l->l_proc;
	sigset_t sigs;
	uint64_t mask;

	mutex_enter(&p->p_lock);
	mask = sigq_pending(l) & (l->l_sigmask | sigq_recorded(p));
	mutex_exit(&p->p_lock);
	sigset_fill(&sigs, mask);
	return copyout(&sigs, set, sizeof(sigs));
}

/*
 * Waiting
 */

/* Until a signal comes.  Always an error. */
static int
signal_pause(struct lwp *l)
{
	struct proc *p = l->l_proc;
	int error;

	mutex_enter(&p->p_lock);
	while ((error = cv_wait_sig(&p->p_cv, &p->p_lock)) == 0)
		continue;
	mutex_exit(&p->p_lock);
	signal_restart(SR_NOHAND);
	return error;
}

int
sys_pause(struct lwp *l)
{
	return signal_pause(l);
}

int
signal_maskwait(struct lwp *l, const sigset_t *uset)
{
	struct proc *p = l->l_proc;
	struct kcontext *kc = curctx();
	sigset_t sigs;
	int error;

	if (uset == NULL)
		return 0;
	if ((error = copyin(uset, &sigs, sizeof(sigs))) != 0)
		return error;
	mutex_enter(&p->p_lock);
	kc->kc_sigsaved = l->l_sigmask;
	kc->kc_sigrestore = true;
	signal_setmask(l, sigset_mask(&sigs));
	mutex_exit(&p->p_lock);
	return 0;
}

void
signal_unmaskwait(struct lwp *l, int error)
{
	struct proc *p = l->l_proc;
	struct kcontext *kc = curctx();

	if (!kc->kc_sigrestore)
		return;
	if (error == EINTR) {
		atomic_fetch_or_explicit(
		    &l->l_flags, LW_SIGNAL, memory_order_relaxed);
		return;
	}
	mutex_enter(&p->p_lock);
	kc->kc_sigrestore = false;
	signal_setmask(l, kc->kc_sigsaved);
	mutex_exit(&p->p_lock);
}

int
signal_maskpoll(struct lwp *l)
{
	if (!curctx()->kc_sigrestore || !lwp_take_interrupt(l))
		return 0;
	signal_restart(SR_NOHAND);
	return EINTR;
}

int
sys_sigsuspend(struct lwp *l, const sigset_t *set)
{
	int error = set == NULL ? EFAULT : signal_maskwait(l, set);

	if (error != 0)
		return error;
	error = signal_pause(l);
	signal_unmaskwait(l, error);
	return error;
}

/* When a wait for uts is over, 0: at once.  EINVAL. */
static int
signal_deadline(const struct timespec *uts, int64_t *deadline)
{
	struct timespec ts;
	int64_t now = kern_monotonic();
	int error;

	*deadline = HYPER_FOREVER;
	if (uts == NULL)
		return 0;
	if ((error = copyin(uts, &ts, sizeof(ts))) != 0)
		return error;
	if (ts.tv_sec < 0 || ts.tv_nsec < 0 || ts.tv_nsec >= 1000000000)
		return EINVAL;
	if (ts.tv_sec == 0 && ts.tv_nsec == 0)
		*deadline = 0;
	else if (ts.tv_sec < (INT64_MAX - now) / 1000000000 - 1)
		*deadline = now + ts.tv_sec * 1000000000 + ts.tv_nsec;
	return 0;
}

/* Take one of set, or wait for it.  EAGAIN at the deadline, EINTR. */
static int
signal_wait(struct lwp *l, uint64_t set, int64_t deadline, siginfo_t *info)
{
	struct proc *p = l->l_proc;
	struct kcontext *kc = curctx();
	int error = 0;
	bool taken;

	set &= ~SIGNAL_NOMASK;
	mutex_enter(&p->p_lock);
	while (!(taken = sigq_take(l, set, info) != 0) && error == 0) {
		if (deadline == 0) {
			error = EAGAIN;
			break;
		}
		atomic_store_explicit(
		    &kc->kc_sigwait, set, memory_order_relaxed);
		error = cv_timedwait_sig(&p->p_cv, &p->p_lock, deadline);
		atomic_store_explicit(&kc->kc_sigwait, 0, memory_order_relaxed);
	}
	mutex_exit(&p->p_lock);
	if (taken)
		return 0;
	return error == ETIMEDOUT ? EAGAIN : error;
}

static int
signal_waitset(struct lwp *l, const sigset_t *set, siginfo_t *info,
    const struct timespec *ts)
{
	sigset_t sigs;
	int64_t deadline;
	int error;

	if ((error = copyin(set, &sigs, sizeof(sigs))) != 0 ||
	    (error = signal_deadline(ts, &deadline)) != 0)
		return error;
	return signal_wait(l, sigset_mask(&sigs), deadline, info);
}

int
sys_sigtimedwait(struct lwp *l, const sigset_t *set, siginfo_t *uinfo,
    const struct timespec *timeout, int *retval)
{
	siginfo_t info;
	int error = signal_waitset(l, set, &info, timeout);

	if (error == EINTR)
		signal_restart(SR_NEVER);
	if (error != 0)
		return error;
	*retval = info.si_signo;
	return uinfo != NULL ? copyout(&info, uinfo, sizeof(info)) : 0;
}

int
sys_sigwaitinfo(
    struct lwp *l, const sigset_t *set, siginfo_t *info, int *retval)
{
	return sys_sigtimedwait(l, set, info, NULL, retval);
}

/* A handler does not end it, and the value is the error. */
int
sys_sigwait(struct lwp *l, const sigset_t *set, int *sig, int *retval)
{
	siginfo_t info;
	int error = signal_waitset(l, set, &info, NULL);

	if (error == EINTR && curctx()->kc_restart == SR_ALWAYS) {
		signal_restart(SR_EVER);
		return error;
	}
	if (error == 0)
		error = copyout(&info.si_signo, sig, sizeof(*sig));
	*retval = error;
	return 0;
}
