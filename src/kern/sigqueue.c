/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is pending in a process, and for its lwps; see signal_impl.h.
 *
 * A timer has a ksig of its own, so that its signal is never lost; while that
 * is pending the timer only counts.
 *
 * Lock: p_lock.
 */
#include "kern/signal_impl.h"
#include "kern/signalfd.h"

/* These come first, whatever their numbers are. */
#define SYNCHRONOUS                                                            \
	(SIGBIT(SIGSEGV) | SIGBIT(SIGBUS) | SIGBIT(SIGILL) | SIGBIT(SIGTRAP) | \
	    SIGBIT(SIGFPE) | SIGBIT(SIGSYS))

const struct kaction *
signal_action(struct proc *p, int signo)
{
	KASSERT(mutex_owned(&p->p_lock));
	if (p->p_sigacts == NULL)
		return NULL;
	return &p->p_sigacts->sg_act[signo - 1];
}

static uint64_t
sigq_shared(struct proc *p)
{
	return atomic_load_explicit(&p->p_sigpend, memory_order_relaxed);
}

static void
sigq_setshared(struct proc *p, uint64_t bits)
{
	atomic_store_explicit(&p->p_sigpend, bits, memory_order_seq_cst);
}

/* What is pending for this lwp alone. */
static uint64_t
sigq_own(struct lwp *l)
{
	struct ksig *ks;
	uint64_t set = 0;

	for (ks = l->l_proc->p_sigq; ks != NULL; ks = ks->ks_next)
		if (ks->ks_lwp == l)
			set |= SIGBIT(ks->ks_info.si_signo);
	return set;
}

uint64_t
sigq_pending(struct lwp *l)
{
	KASSERT(mutex_owned(&l->l_proc->p_lock));
	return sigq_own(l) | sigq_shared(l->l_proc);
}

uint64_t
sigq_recorded(struct proc *p)
{
	uint64_t set = 0;
	int signo;

	if (signal_model() != RUMP_SIGMODEL_RECORD)
		return 0;
	if (p->p_sigacts == NULL)
		return UINT64_MAX;
	for (signo = 1; signo <= NSIGNAL; signo++)
		if (signal_action(p, signo)->ka_handler == SIG_DFL)
			set |= SIGBIT(signo);
	return set;
}

uint64_t
sigq_deliverable(struct lwp *l)
{
	uint64_t set = sigq_pending(l) & ~l->l_sigmask;

	return set == 0 ? 0 : set & ~sigq_recorded(l->l_proc);
}

/*
 * Queue
 */

static void
sigq_append(struct proc *p, struct ksig *ks)
{
	ks->ks_next = NULL;
	if (p->p_sigq == NULL)
		p->p_sigq = ks;
	else
		p->p_sigqlast->ks_next = ks;
	p->p_sigqlast = ks;
	atomic_fetch_add_explicit(&p->p_nsigq, 1, memory_order_seq_cst);
}

/* Unlink the one that prev (NULL: the head) leads to, and free it. */
static void
sigq_drop(struct proc *p, struct ksig *prev, struct ksig *ks)
{
	if (prev == NULL)
		p->p_sigq = ks->ks_next;
	else
		prev->ks_next = ks->ks_next;
	if (p->p_sigqlast == ks)
		p->p_sigqlast = prev;
	atomic_fetch_sub_explicit(&p->p_nsigq, 1, memory_order_relaxed);
	if (ks->ks_timer) {
		ks->ks_queued = false;
		return;
	}
	uidinfo_sigleave(proc_cred(p)->cr_uidinfo, 1);
	kmem_free(ks, sizeof(*ks));
}

static bool
sigq_has(struct proc *p, struct lwp *l, int signo)
{
	struct ksig *ks;

	for (ks = p->p_sigq; ks != NULL; ks = ks->ks_next)
		if (ks->ks_lwp == l && ks->ks_info.si_signo == signo)
			return true;
	return false;
}

/*
 * One that counts for the process's user; NULL for too many or without memory.
 * As on the host, what cannot be posted at will has no limit.
 */
static struct ksig *
ksig_alloc(struct proc *p, const siginfo_t *info, unsigned how)
{
	struct uidinfo *ui = proc_cred(p)->cr_uidinfo;
	bool limited = signal_isqueued(info->si_signo) ||
		       ((how & SP_KERNEL) == 0 && info->si_code < 0);
	struct ksig *ks;

	if (!uidinfo_sigenter(ui, limited, proc_limit(p, RLIMIT_SIGPENDING)))
		return NULL;
	if ((ks = kmem_alloc(sizeof(*ks))) == NULL) {
		uidinfo_sigleave(ui, 1);
		return NULL;
	}
	ks->ks_timer = false;
	ks->ks_info = *info;
	return ks;
}

/* Queue ks or, if that is NULL, only note that signo is there. */
static void
sigq_insert(struct proc *p, struct lwp *l, struct ksig *ks, int signo)
{
	atomic_fetch_or_explicit(&p->p_flags, PF_SIGNAL, memory_order_relaxed);
	if (ks != NULL) {
		ks->ks_lwp = l;
		sigq_append(p, ks);
	}
	/* Without memory one for a single lwp is for any. */
	if (l == NULL || ks == NULL)
		sigq_setshared(p, sigq_shared(p) | SIGBIT(signo));
	signalfd_tell(p);
}

int
sigq_add(struct proc *p, struct lwp *l, const siginfo_t *info, unsigned how)
{
	int signo = info->si_signo;
	bool there = l == NULL ? (sigq_shared(p) & SIGBIT(signo)) != 0
			       : sigq_has(p, l, signo);
	struct ksig *ks;

	KASSERT(mutex_owned(&p->p_lock));
	if (there && !signal_isqueued(signo))
		return 0;
	ks = ksig_alloc(p, info, how);
	if (ks == NULL && signal_isqueued(signo) &&
	    (how & (SP_KERNEL | SP_LOSSLESS)) != SP_KERNEL &&
	    info->si_code != SI_USER)
		return EAGAIN;
	sigq_insert(p, l, ks, signo);
	return 0;
}

void
sigq_add_timer(struct proc *p, struct lwp *l, struct ksig *ks)
{
	KASSERT(mutex_owned(&p->p_lock));
	KASSERT(ks->ks_timer && !ks->ks_queued);
	ks->ks_queued = true;
	sigq_insert(p, l, ks, ks->ks_info.si_signo);
}

void
sigq_setuser(struct proc *p, struct uidinfo *from, struct uidinfo *to)
{
	struct ksig *ks;
	int64_t n = 0;

	KASSERT(mutex_owned(&p->p_lock));
	for (ks = p->p_sigq; ks != NULL; ks = ks->ks_next)
		n += !ks->ks_timer;
	if (n == 0)
		return;
	uidinfo_sigleave(from, n);
	uidinfo_sigleave(to, -n);
}

/* Take the first signo for l, or for all (NULL), which is there. */
static int
sigq_remove(struct proc *p, struct lwp *l, int signo, siginfo_t *info)
{
	struct ksig *ks, *prev = NULL;

	for (ks = p->p_sigq; ks != NULL; prev = ks, ks = ks->ks_next)
		if (ks->ks_lwp == l && ks->ks_info.si_signo == signo)
			break;
	if (ks != NULL) {
		*info = ks->ks_info;
		if (ks->ks_timer)
			ks->ks_overrun = info->si_overrun;
		sigq_drop(p, prev, ks);
	} else {
		/* There was no memory to keep it in. */
		memset(info, 0, sizeof(*info));
		info->si_signo = signo;
		info->si_code = SI_USER;
	}
	if (l == NULL && !sigq_has(p, NULL, signo))
		sigq_setshared(p, sigq_shared(p) & ~SIGBIT(signo));
	return signo;
}

static int
sigq_first(uint64_t set)
{
	uint64_t sync = set & SYNCHRONOUS;

	return __builtin_ctzll(sync != 0 ? sync : set) + 1;
}

int
sigq_take(struct lwp *l, uint64_t set, siginfo_t *info)
{
	struct proc *p = l->l_proc;
	uint64_t own = sigq_own(l) & set;

	KASSERT(mutex_owned(&p->p_lock));
	if (own != 0)
		return sigq_remove(p, l, sigq_first(own), info);
	set &= sigq_shared(p);
	return set != 0 ? sigq_remove(p, NULL, sigq_first(set), info) : 0;
}

void
sigq_cancel_timer(struct proc *p, struct ksig *ks)
{
	struct ksig *it, *prev = NULL;
	int signo = ks->ks_info.si_signo;

	KASSERT(mutex_owned(&p->p_lock));
	if (!ks->ks_queued)
		return;
	for (it = p->p_sigq; it != ks; it = it->ks_next)
		prev = it;
	sigq_drop(p, prev, ks);
	if (ks->ks_lwp == NULL && !sigq_has(p, NULL, signo))
		sigq_setshared(p, sigq_shared(p) & ~SIGBIT(signo));
}

/* Those that are for l alone or, if that is NULL, in set. */
static void
sigq_purge(struct proc *p, struct lwp *l, uint64_t set)
{
	struct ksig *ks, *next, *prev = NULL;

	for (ks = p->p_sigq; ks != NULL; ks = next) {
		next = ks->ks_next;
		if (l != NULL ? ks->ks_lwp == l
			      : (set & SIGBIT(ks->ks_info.si_signo)) != 0)
			sigq_drop(p, prev, ks);
		else
			prev = ks;
	}
}

void
sigq_flush(struct proc *p, uint64_t set)
{
	KASSERT(mutex_owned(&p->p_lock));
	sigq_purge(p, NULL, set);
	sigq_setshared(p, sigq_shared(p) & ~set);
}

void
sigq_leave(struct lwp *l)
{
	KASSERT(mutex_owned(&l->l_proc->p_lock));
	sigq_purge(l->l_proc, l, 0);
	/* It may have been the one that was told. */
	signal_retarget(l->l_proc, UINT64_MAX);
}
