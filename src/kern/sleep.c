/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sleeping and waking.
 *
 * An lwp that waits is on a condition variable's list and its l_sleep word is
 * LWP_ASLEEP.  Two sides end that, each with one compare-and-swap, so that
 * exactly one of them does:
 *
 *	cv_signal, cv_broadcast	ASLEEP to WOKEN, with the cv's mutex held;
 *		they also take the lwp off the list
 *	lwp_interrupt		ASLEEP to INTERRUPTED, with no lock of the cv:
 *		the sleeper takes itself off the list
 *
 * A wake-up that meets an interrupted lwp goes on to the next one, so it is
 * not lost.  An interrupt that comes before the sleep is in l_flags, which the
 * sleeper looks at after it has written ASLEEP, and the interrupter writes
 * before it looks at l_sleep.
 */
#include <stdio.h>

#include "hyper/library.h"
#include "kern/filedesc.h"
#include "kern/lock.h"
#include "kern/lwp.h"
#include "kern/smr.h"

static void
cv_enqueue(struct kcondvar *cv, struct lwp *l)
{
	l->l_cv = cv;
	l->l_cvnext = NULL;
	l->l_cvprev = cv->cv_last;
	if (cv->cv_last != NULL)
		cv->cv_last->l_cvnext = l;
	else
		cv->cv_first = l;
	cv->cv_last = l;
}

static void
cv_dequeue(struct kcondvar *cv, struct lwp *l)
{
	KASSERT(l->l_cv == cv);
	if (l->l_cvnext != NULL)
		l->l_cvnext->l_cvprev = l->l_cvprev;
	else
		cv->cv_last = l->l_cvprev;
	if (l->l_cvprev != NULL)
		l->l_cvprev->l_cvnext = l->l_cvnext;
	else
		cv->cv_first = l->l_cvnext;
	l->l_cv = NULL;
}

/* LW_SIGNAL may be there although others took what it was for. */
static bool
lwp_has_signal(struct lwp *l)
{
	struct proc *p = l->l_proc;

	return (atomic_load_explicit(&p->p_sigpend, memory_order_seq_cst) &
		   ~l->l_sigmask) != 0 ||
	       atomic_load_explicit(&p->p_nsigq, memory_order_seq_cst) != 0;
}

/* Is there a reason not to sleep?  The LW_* that it is. */
static uint32_t
lwp_reason(struct lwp *l)
{
	uint32_t flags =
	    atomic_load_explicit(&l->l_flags, memory_order_seq_cst) &
	    (LW_INTERRUPT | LW_EXITING | LW_SIGNAL);

	if (likely(flags == 0))
		return 0;
	if (flags == LW_SIGNAL && !lwp_has_signal(l))
		return 0;
	return flags;
}

bool
lwp_take_interrupt(struct lwp *l)
{
	uint32_t flags = lwp_reason(l);

	if (likely(flags == 0))
		return false;
	if ((flags & LW_INTERRUPT) != 0)
		atomic_fetch_and_explicit(
		    &l->l_flags, ~LW_INTERRUPT, memory_order_relaxed);
	curctx()->kc_restart = flags == LW_SIGNAL ? SR_ALWAYS : SR_NEVER;
	return true;
}

/* It never could be woken: name it, the call and, of that, the descriptor. */
static noreturn void
lwp_stuck(struct lwp *l)
{
	char call[40] = "", of[32] = "";
	struct file *fp = l->l_held;
	int fd = fp != NULL ? fd_next(l, 0) : -1;

	if (hyper_library_caller("rump_sys_", call, sizeof(call) - 2)) {
		while (fd != -1 && !fd_isfile(l, fd, fp))
			fd = fd_next(l, fd + 1);
		if (fd != -1)
			(void)snprintf(of, sizeof(of), " of descriptor %d", fd);
		(void)strcat(of, ": ");
	}
	panic("lwp %d.%d: %s%ssleeps, and there is no fiber and no timer "
	      "that could wake it",
	    (int)proc_pid(l->l_proc), l->l_lid, call, of);
}

/* Park, or not if l_sleep is not ASLEEP.  True at the deadline. */
static bool
lwp_park_once(struct lwp *l, int64_t deadline)
{
	int error = kcontext_park(&l->l_sleep, LWP_ASLEEP, deadline);

	if (unlikely(error == EDEADLK))
		lwp_stuck(l);
	return error == ETIMEDOUT;
}

/* The same until it is not ASLEEP. */
static bool
lwp_park(struct lwp *l, int64_t deadline)
{
	struct hostthread *ht = curht();
	uint32_t asleep = LWP_ASLEEP;
	bool late = false;

	/* Pairs with lwp_interrupt: ASLEEP was written before this look. */
	if (lwp_reason(l) != 0)
		atomic_compare_exchange_strong_explicit(&l->l_sleep, &asleep,
		    LWP_INTERRUPTED, memory_order_relaxed,
		    memory_order_relaxed);
	smr_exit(ht);
	if (unlikely(curctx()->kc_server))
		remote_sleep();
	/* Acquire pairs with the release of who ended the sleep. */
	while (!late && atomic_load_explicit(
			    &l->l_sleep, memory_order_acquire) == LWP_ASLEEP)
		late = lwp_park_once(l, deadline);
	smr_enter(ht);
	return late;
}

int
cv_timedwait_sig(struct kcondvar *cv, struct kmutex *m, int64_t deadline)
{
	struct lwp *l = curlwp();
	uint32_t how;
	bool late;

	KASSERT(mutex_owned(m));
	KASSERT(smr_entered());
	if (lwp_take_interrupt(l))
		return EINTR;
	fd_borrow_settle(l);
	cv_enqueue(cv, l);
	if (kern_alone)
		atomic_store_explicit(
		    &l->l_sleep, LWP_ASLEEP, memory_order_relaxed);
	else
		atomic_store_explicit(
		    &l->l_sleep, LWP_ASLEEP, memory_order_seq_cst);
	mutex_exit(m);
	late = lwp_park(l, deadline);
	mutex_enter(m);
	if (l->l_cv != NULL)
		cv_dequeue(cv, l);
	/* Who ended the sleep is the last but us to write it. */
	how = atomic_load_explicit(&l->l_sleep, memory_order_acquire);
	if (how == LWP_ASLEEP)
		how = atomic_exchange_explicit(
		    &l->l_sleep, LWP_AWAKE, memory_order_acquire);
	else
		atomic_store_explicit(
		    &l->l_sleep, LWP_AWAKE, memory_order_relaxed);
	if (how == LWP_WOKEN)
		return 0;
	if (how == LWP_INTERRUPTED)
		return lwp_take_interrupt(l) ? EINTR : 0;
	return late ? ETIMEDOUT : 0;
}

int
cv_wait_sig(struct kcondvar *cv, struct kmutex *m)
{
	return cv_timedwait_sig(cv, m, HYPER_FOREVER);
}

/* End the sleep of l, if nobody did before.  Its slot may be anybody's. */
static bool
lwp_mark(struct lwp *l, uint32_t how)
{
	uint32_t asleep = LWP_ASLEEP;

	if (kern_alone) {
		if (atomic_load_explicit(&l->l_sleep, memory_order_relaxed) !=
		    LWP_ASLEEP)
			return false;
		atomic_store_explicit(&l->l_sleep, how, memory_order_relaxed);
		return true;
	}
	return atomic_compare_exchange_strong_explicit(&l->l_sleep, &asleep,
	    how, memory_order_seq_cst, memory_order_seq_cst);
}

struct lwp *
cv_take(struct kcondvar *cv)
{
	struct lwp *l;

	while ((l = cv->cv_first) != NULL) {
		cv_dequeue(cv, l);
		if (lwp_mark(l, LWP_WOKEN))
			break;
	}
	return l;
}

void
cv_wake(struct lwp *l)
{
	struct kcontext *kc =
	    atomic_load_explicit(&l->l_ctx, memory_order_relaxed);

	hyper_unpark(&kc->kc_hyper, &l->l_sleep);
}

void
cv_signal(struct kcondvar *cv)
{
	struct lwp *l = cv_take(cv);

	if (l != NULL)
		cv_wake(l);
}

void
cv_broadcast(struct kcondvar *cv)
{
	struct lwp *l;

	while ((l = cv_take(cv)) != NULL)
		cv_wake(l);
}

/* Give it the flag as a reason not to sleep.  True if it was asleep. */
static bool
lwp_stir(struct lwp *l, uint32_t flag)
{
	atomic_fetch_or_explicit(&l->l_flags, flag, memory_order_seq_cst);
	if (!lwp_mark(l, LWP_INTERRUPTED))
		return false;
	cv_wake(l);
	return true;
}

void
lwp_interrupt(struct lwp *l)
{
	(void)lwp_stir(l, LW_INTERRUPT);
}

bool
lwp_signal(struct lwp *l)
{
	return lwp_stir(l, LW_SIGNAL);
}

void
proc_interrupt(struct proc *p)
{
	struct lwp *l;

	KASSERT(mutex_owned(&p->p_lock));
	LIST_FOREACH (l, &p->p_lwps, l_sibling)
		lwp_interrupt(l);
}

void
lwp_sleep_abandon(struct lwp *l)
{
	struct kcontext *kc =
	    atomic_load_explicit(&l->l_ctx, memory_order_relaxed);

	if (kc->kc_sigrestore)
		l->l_sigmask = kc->kc_sigsaved;
	kc->kc_sigrestore = false;
	atomic_store_explicit(&kc->kc_sigwait, 0, memory_order_relaxed);
	if (l->l_cv != NULL)
		cv_dequeue(l->l_cv, l);
	atomic_store_explicit(&l->l_sleep, LWP_AWAKE, memory_order_relaxed);
}
