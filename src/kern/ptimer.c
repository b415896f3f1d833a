/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * timer_create and its kin, and what a process's timers have in common.
 *
 * Ids are the process's own, from 0, and are used again.
 *
 * A timer has its signal with it (struct ksig), which counts for the user, as
 * queued ones do, from timer_create on.  While it is pending the timer adds to
 * its si_overrun.  As on the host, one that is set again or deleted takes a
 * signal back that nobody has taken.
 */
#include "kern/ptimer.h"

#include <signal.h>

#include "kern/procinfo.h"
#include "kern/signal_impl.h"
#include "kern/sigthread.h"
#include "sysproto.h"

#define SLOTS_FIRST 8u
#define SLOTS_MAX   (1u << 24)

/* Letters as in ptimer.h; (l) p_lock. */
struct ptimer {
	struct ktimer pt_timer;	     /* armed under (p) */
	struct ptimers *pt_owner;    /* (s) */
	clockid_t pt_clock;	     /* (s) */
	int pt_signo;		     /* (s) 0: none */
	void (*pt_fn)(union sigval); /* (s) SIGEV_THREAD; else NULL */
	int pt_lid;		     /* (s) the lwp that it is for, 0: any */
	int64_t pt_interval;	     /* (p) */
	struct ksig pt_sig;	     /* (l) */
	bool pt_gone;		     /* (l) it is being deleted */
	struct uidinfo *pt_user;     /* (s) whom the signal counts for */
	struct smr_item pt_smr;
};

/*
 * All of a process's
 */

void
ptimers_free(struct smr_item *si)
{
	struct ptimers *pts = container_of(si, struct ptimers, pts_smr);

	if (pts->pts_size != 0)
		kmem_free(
		    pts->pts_slots, pts->pts_size * sizeof(*pts->pts_slots));
	kmem_free(pts, sizeof(*pts));
}

int
ptimers_get(struct proc *p, struct ptimers **ptsp)
{
	struct ptimers *pts = ptimers_peek(p), *none = NULL;

	*ptsp = pts;
	if (likely(pts != NULL))
		return 0;
	if ((pts = kmem_zalloc(sizeof(*pts))) == NULL)
		return ENOMEM;
	pts->pts_proc = p;
	itimers_init(pts);
	*ptsp = pts;
	/* Release pairs with the acquire in ptimers_peek. */
	if (!atomic_compare_exchange_strong_explicit(&p->p_timers, &none, pts,
		memory_order_acq_rel, memory_order_acquire)) {
		*ptsp = none;
		kmem_free(pts, sizeof(*pts));
	}
	return 0;
}

void
ptimers_exit(struct proc *p)
{
	struct ptimers *pts = ptimers_peek(p);

	/* Whoever is about to post to p sees that it is theirs no more. */
	mutex_enter(&p->p_lock);
	atomic_store_explicit(&p->p_timers, NULL, memory_order_relaxed);
	mutex_exit(&p->p_lock);
	mutex_enter(&pts->pts_lock);
	itimers_cancel(pts);
	ptimer_cancel_all(pts);
	mutex_exit(&pts->pts_lock);
	smr_retire(&pts->pts_smr, ptimers_free);
}

void
ptimers_post(struct ptimers *pts, int signo)
{
	struct proc *p = pts->pts_proc;
	pid_t pid = 0;

	mutex_enter(&p->p_lock);
	if (ptimers_peek(p) == pts)
		pid = proc_pid(p);
	mutex_exit(&p->p_lock);
	if (pid != 0)
		signal_process(pid, signo);
}

/*
 * One of timer_create
 */

/* It was due n times: post its signal, or count what comes while it pends. */
static void
ptimer_post(struct ptimer *pt, uint64_t n, unsigned *after)
{
	struct proc *p = pt->pt_owner->pts_proc;
	struct ksig *ks = &pt->pt_sig;
	uint64_t late = n - 1;
	struct lwp *l = NULL;

	KASSERT(mutex_owned(&p->p_lock));
	if (ks->ks_queued)
		late = (uint64_t)ks->ks_info.si_overrun + n;
	ks->ks_info.si_overrun = late > INT_MAX ? INT_MAX : (int)late;
	if (ks->ks_queued)
		return;
	if (pt->pt_lid == 0 || (l = proc_lwp(p, pt->pt_lid)) != NULL)
		signal_post_timer(p, l, ks, after);
}

/* SIGEV_THREAD: once, however often it was due. */
static void
ptimer_call(struct ptimer *pt)
{
	struct proc *p = pt->pt_owner->pts_proc;
	struct procid id;
	bool gone;

	mutex_enter(&p->p_lock);
	gone = pt->pt_gone;
	id = (struct procid){proc_pid(p), p->p_serial};
	mutex_exit(&p->p_lock);
	if (!gone)
		sigthread_call(&id, pt->pt_fn, pt->pt_sig.ks_info.si_value);
}

static void
ptimer_fire(void *arg, uint64_t n)
{
	struct ptimer *pt = arg;
	struct proc *p = pt->pt_owner->pts_proc;
	int signo = pt->pt_signo;
	unsigned after = 0;

	if (pt->pt_fn != NULL) {
		ptimer_call(pt);
		return;
	}
	if (signo == 0)
		return;
	mutex_enter(&p->p_lock);
	if (!pt->pt_gone)
		ptimer_post(pt, n, &after);
	mutex_exit(&p->p_lock);
	signal_after(p, signo, after);
}

static void
ptimer_free(struct smr_item *si)
{
	struct ptimer *pt = container_of(si, struct ptimer, pt_smr);

	kmem_free(pt, sizeof(*pt));
}

/* Stop it, and take its signal back. */
static void
ptimer_stop(struct ptimer *pt, bool gone)
{
	struct proc *p = pt->pt_owner->pts_proc;

	(void)ktimer_cancel(&pt->pt_timer);
	mutex_enter(&p->p_lock);
	sigq_cancel_timer(p, &pt->pt_sig);
	pt->pt_sig.ks_overrun = 0;
	pt->pt_gone = gone;
	mutex_exit(&p->p_lock);
}

/* It has been taken out of the table. */
static void
ptimer_destroy(struct ptimer *pt)
{
	ptimer_stop(pt, true);
	uidinfo_sigleave(pt->pt_user, 1);
	uidinfo_rele(pt->pt_user);
	smr_retire(&pt->pt_smr, ptimer_free);
}

void
ptimer_cancel_all(struct ptimers *pts)
{
	uint32_t i;

	KASSERT(mutex_owned(&pts->pts_lock));
	for (i = 0; i < pts->pts_size; i++) {
		if (pts->pts_slots[i] != NULL)
			ptimer_destroy(pts->pts_slots[i]);
	}
}

/* Room for more ids. */
static int
slots_grow(struct ptimers *pts)
{
	uint32_t size = pts->pts_size == 0 ? SLOTS_FIRST : pts->pts_size * 2;
	struct ptimer **slots;

	KASSERT(mutex_owned(&pts->pts_lock));
	if (size > SLOTS_MAX)
		return EAGAIN;
	if ((slots = kmem_zalloc(size * sizeof(*slots))) == NULL)
		return ENOMEM;
	if (pts->pts_size != 0) {
		memcpy(slots, pts->pts_slots, pts->pts_size * sizeof(*slots));
		kmem_free(pts->pts_slots, pts->pts_size * sizeof(*slots));
	}
	pts->pts_slots = slots;
	pts->pts_size = size;
	return 0;
}

/* Give pt the lowest free id, which is its value too, perhaps.  EAGAIN, ENOMEM.
 */
static int
slot_alloc(struct ptimers *pts, struct ptimer *pt, bool value, uint32_t *idp)
{
	uint32_t id;
	int error = 0;

	mutex_enter(&pts->pts_lock);
	id = pts->pts_lowest;
	while (id < pts->pts_size && pts->pts_slots[id] != NULL)
		id++;
	if (id == pts->pts_size)
		error = slots_grow(pts);
	if (error == 0) {
		pt->pt_sig.ks_info.si_timerid = (int)id;
		if (value)
			pt->pt_sig.ks_info.si_value.sival_int = (int)id;
		pts->pts_slots[id] = pt;
		pts->pts_lowest = id + 1;
	}
	mutex_exit(&pts->pts_lock);
	*idp = id;
	return error;
}

/* Take a timer out of the table: NULL if there is none. */
static struct ptimer *
slot_free(struct ptimers *pts, uintptr_t id)
{
	struct ptimer *pt = NULL;

	mutex_enter(&pts->pts_lock);
	if (id < pts->pts_size && (pt = pts->pts_slots[id]) != NULL) {
		pts->pts_slots[id] = NULL;
		if (id < pts->pts_lowest)
			pts->pts_lowest = (uint32_t)id;
	}
	mutex_exit(&pts->pts_lock);
	return pt;
}

/* The timer with this id, with pts_lock held.  EINVAL. */
static int
ptimer_find(struct lwp *l, timer_t id, struct ptimer **ptp)
{
	struct ptimers *pts = ptimers_peek(l->l_proc);

	if (pts == NULL)
		return EINVAL;
	mutex_enter(&pts->pts_lock);
	if ((uintptr_t)id < pts->pts_size &&
	    (*ptp = pts->pts_slots[(uintptr_t)id]) != NULL)
		return 0;
	mutex_exit(&pts->pts_lock);
	return EINVAL;
}

/*
 * Calls
 */

/* Has the caller's process an lwp with this id? */
static bool
lwp_exists(struct proc *p, int lid)
{
	struct lwp *l;

	mutex_enter(&p->p_lock);
	l = proc_lwp(p, lid);
	mutex_exit(&p->p_lock);
	return l != NULL;
}

int
sigevent_check(struct proc *p, const struct sigevent *ev, int *signop)
{
	*signop = 0;
	switch (ev->sigev_notify) {
	case SIGEV_NONE:
		return 0;
	case SIGEV_THREAD_ID:
		if (!lwp_exists(p, ev->_sigev_un._tid))
			return EINVAL;
		break;
	case SIGEV_SIGNAL:
		break;
	case SIGEV_THREAD:
		return (proc_flags(p) & PF_REMOTE) != 0 ||
			       ev->sigev_notify_function == NULL
			   ? EINVAL
			   : 0;
	default:
		return EINVAL;
	}
	*signop = ev->sigev_signo;
	return *signop > 0 && *signop <= NSIGNAL ? 0 : EINVAL;
}

/* One that is set up but for its id and clock.  EAGAIN, ENOMEM. */
static int
ptimer_alloc(struct proc *p, struct ptimers *pts, const struct sigevent *ev,
    struct ptimer **ptp)
{
	struct uidinfo *ui = proc_cred(p)->cr_uidinfo;
	struct ptimer *pt;

	if (!uidinfo_sigenter(ui, true, proc_limit(p, RLIMIT_SIGPENDING)))
		return EAGAIN;
	if ((pt = kmem_zalloc(sizeof(*pt))) == NULL) {
		uidinfo_sigleave(ui, 1);
		return ENOMEM;
	}
	ktimer_init(&pt->pt_timer, ptimer_fire, pt);
	uidinfo_hold(ui);
	pt->pt_user = ui;
	pt->pt_owner = pts;
	if (ev->sigev_notify == SIGEV_THREAD_ID)
		pt->pt_lid = ev->_sigev_un._tid;
	pt->pt_sig.ks_timer = true;
	pt->pt_sig.ks_info.si_signo = ev->sigev_signo;
	pt->pt_sig.ks_info.si_code = SI_TIMER;
	pt->pt_sig.ks_info.si_value = ev->sigev_value;
	*ptp = pt;
	return 0;
}

int
sys_timer_create(
    struct lwp *l, clockid_t clock, struct sigevent *uevent, timer_t *uid)
{
	struct sigevent ev = {
	    .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
	struct ptimers *pts;
	struct ptimer *pt;
	enum ktimer_clock kclock;
	uint32_t id;
	timer_t handle;
	int signo, error;

	if (uevent != NULL && (error = copyin(uevent, &ev, sizeof(ev))) != 0)
		return error;
	if ((error = ktime_waitclock(clock, &kclock)) != 0 ||
	    (error = sigevent_check(l->l_proc, &ev, &signo)) != 0 ||
	    (error = ptimers_get(l->l_proc, &pts)) != 0 ||
	    (error = ptimer_alloc(l->l_proc, pts, &ev, &pt)) != 0)
		return error;
	pt->pt_clock = clock;
	pt->pt_signo = signo;
	pt->pt_fn = sigevent_function(&ev);
	if ((error = slot_alloc(pts, pt, uevent == NULL, &id)) != 0) {
		ptimer_destroy(pt);
		return error;
	}
	handle = (timer_t)(uintptr_t)id;
	if ((error = copyout(&handle, uid, sizeof(handle))) != 0 &&
	    (pt = slot_free(pts, id)) != NULL)
		ptimer_destroy(pt);
	return error;
}

int
sys_timer_delete(struct lwp *l, timer_t id)
{
	struct ptimers *pts = ptimers_peek(l->l_proc);
	struct ptimer *pt;

	if (pts == NULL || (pt = slot_free(pts, (uintptr_t)id)) == NULL)
		return EINVAL;
	ptimer_destroy(pt);
	return 0;
}

static struct itimerspec
ptimer_setting(struct ptimer *pt)
{
	KASSERT(mutex_owned(&pt->pt_owner->pts_lock));
	return (struct itimerspec){
	    .it_value = ktime_timespec(ktimer_left(&pt->pt_timer)),
	    .it_interval = ktime_timespec(pt->pt_interval)};
}

static int
ptimer_arm(struct ptimer *pt, int flags, int64_t value, int64_t interval)
{
	enum ktimer_clock clock = KTIMER_MONOTONIC;

	KASSERT(mutex_owned(&pt->pt_owner->pts_lock));
	ptimer_stop(pt, false);
	pt->pt_interval = value == 0 ? 0 : interval;
	if (value == 0)
		return 0;
	if ((flags & TIMER_ABSTIME) != 0)
		(void)ktime_waitclock(pt->pt_clock, &clock);
	else
		value = ktime_add(kern_monotonic(), value);
	return ktimer_set(&pt->pt_timer, clock, value, interval);
}

int
sys_timer_settime(struct lwp *l, timer_t id, int flags,
    const struct itimerspec *unew, struct itimerspec *uold)
{
	struct itimerspec its;
	struct ptimer *pt;
	int64_t value, interval;
	int error;

	if (unew == NULL)
		return EINVAL;
	if ((error = copyin(unew, &its, sizeof(its))) != 0 ||
	    (error = ktime_from_itimerspec(&its, &value, &interval)) != 0 ||
	    (error = ptimer_find(l, id, &pt)) != 0)
		return error;
	its = ptimer_setting(pt);
	error = ptimer_arm(pt, flags, value, interval);
	mutex_exit(&pt->pt_owner->pts_lock);
	if (error != 0 || uold == NULL)
		return error;
	return copyout(&its, uold, sizeof(its));
}

int
sys_timer_gettime(struct lwp *l, timer_t id, struct itimerspec *ucur)
{
	struct itimerspec its;
	struct ptimer *pt;
	int error;

	if ((error = ptimer_find(l, id, &pt)) != 0)
		return error;
	its = ptimer_setting(pt);
	mutex_exit(&pt->pt_owner->pts_lock);
	return copyout(&its, ucur, sizeof(its));
}

int
sys_timer_getoverrun(struct lwp *l, timer_t id, int *retval)
{
	struct proc *p = l->l_proc;
	struct ptimer *pt;
	int error;

	if ((error = ptimer_find(l, id, &pt)) != 0)
		return error;
	mutex_enter(&p->p_lock);
	*retval = pt->pt_sig.ks_overrun;
	mutex_exit(&p->p_lock);
	mutex_exit(&pt->pt_owner->pts_lock);
	return 0;
}
