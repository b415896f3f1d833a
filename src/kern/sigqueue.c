/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is pending in a process, and for its lwps; see signal_impl.h.
 *
 * Lock: p_lock.
 */
#include "kern/signal_impl.h"

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

int
sigq_add(struct proc *p, struct lwp *l, const siginfo_t *info, unsigned how)
{
	int signo = info->si_signo;
	bool there = l == NULL ? (sigq_shared(p) & SIGBIT(signo)) != 0
			       : sigq_has(p, l, signo);
	struct ksig *ks = NULL;
	int error = EAGAIN;

	KASSERT(mutex_owned(&p->p_lock));
	if (there && !signal_isqueued(signo))
		return 0;
	if (atomic_load_explicit(&p->p_nsigq, memory_order_relaxed) <
	    proc_limit(p, RLIMIT_SIGPENDING)) {
		ks = kmem_alloc(sizeof(*ks));
		error = ENOMEM;
	}
	if (ks == NULL && (how & SP_LOSSY) == 0)
		return error;
	atomic_fetch_or_explicit(&p->p_flags, PF_SIGNAL, memory_order_relaxed);
	if (ks != NULL) {
		ks->ks_lwp = l;
		ks->ks_info = *info;
		sigq_append(p, ks);
	}
	/* Without memory one for a single lwp is for any. */
	if (l == NULL || ks == NULL)
		sigq_setshared(p, sigq_shared(p) | SIGBIT(signo));
	return 0;
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
