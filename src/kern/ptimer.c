/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * timer_create and its kin, and what a process's timers have in common.
 *
 * Ids are the process's own, from 0, and are used again.
 */
#include "kern/ptimer.h"

#include <signal.h>

#include "kern/signal.h"
#include "sysproto.h"

#define NSIGNAL	    64
#define SLOTS_FIRST 8u
#define SLOTS_MAX   (1u << 24)

/* Letters as in ptimer.h; (a) atomic. */
struct ptimer {
	struct ktimer pt_timer;	  /* armed under (p) */
	struct ptimers *pt_owner; /* (s) */
	clockid_t pt_clock;	  /* (s) */
	int pt_signo;		  /* (s) 0: none */
	int64_t pt_interval;	  /* (p) */
	_Atomic int pt_overrun;	  /* (a) */
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
ptimers_post(struct ptimers *pts, int signo, uint64_t n, _Atomic int *overrun)
{
	struct proc *p = pts->pts_proc;
	pid_t pid = 0;
	bool pending;
	int64_t late;

	mutex_enter(&p->p_lock);
	if (ptimers_peek(p) == pts)
		pid = proc_pid(p);
	pending = overrun != NULL &&
		  (atomic_load_explicit(&p->p_sigpend, memory_order_relaxed) &
		      UINT64_C(1) << (signo - 1)) != 0;
	mutex_exit(&p->p_lock);
	if (overrun != NULL) {
		late = (int64_t)n - 1;
		if (pending)
			late += atomic_load_explicit(
				    overrun, memory_order_relaxed) +
				1;
		atomic_store_explicit(overrun,
		    late > INT_MAX ? INT_MAX : (int)late, memory_order_relaxed);
	}
	if (pid != 0 && !pending)
		signal_process(pid, signo);
}

/*
 * One of timer_create
 */

static void
ptimer_fire(void *arg, uint64_t n)
{
	struct ptimer *pt = arg;

	if (pt->pt_signo != 0)
		ptimers_post(pt->pt_owner, pt->pt_signo, n, &pt->pt_overrun);
}

static void
ptimer_free(struct smr_item *si)
{
	struct ptimer *pt = container_of(si, struct ptimer, pt_smr);

	kmem_free(pt, sizeof(*pt));
}

/* It has been taken out of the table. */
static void
ptimer_destroy(struct ptimer *pt)
{
	(void)ktimer_cancel(&pt->pt_timer);
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

/* Give pt the lowest free id below `most'.  EAGAIN, ENOMEM. */
static int
slot_alloc(struct ptimers *pts, struct ptimer *pt, rlim_t most, uint32_t *idp)
{
	uint32_t id;
	int error = 0;

	mutex_enter(&pts->pts_lock);
	id = pts->pts_lowest;
	while (id < pts->pts_size && pts->pts_slots[id] != NULL)
		id++;
	if (id >= most)
		error = EAGAIN;
	else if (id == pts->pts_size)
		error = slots_grow(pts);
	if (error == 0) {
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
	LIST_FOREACH (l, &p->p_lwps, l_sibling) {
		if (l->l_lid == lid)
			break;
	}
	mutex_exit(&p->p_lock);
	return l != NULL;
}

/* What the caller wants to be told by: *signop, 0 for nothing. */
static int
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
	default:
		return EINVAL;
	}
	*signop = ev->sigev_signo;
	return *signop > 0 && *signop <= NSIGNAL ? 0 : EINVAL;
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
	    (error = ptimers_get(l->l_proc, &pts)) != 0)
		return error;
	if ((pt = kmem_zalloc(sizeof(*pt))) == NULL)
		return ENOMEM;
	ktimer_init(&pt->pt_timer, ptimer_fire, pt);
	pt->pt_owner = pts;
	pt->pt_clock = clock;
	pt->pt_signo = signo;
	error =
	    slot_alloc(pts, pt, proc_limit(l->l_proc, RLIMIT_SIGPENDING), &id);
	if (error != 0) {
		kmem_free(pt, sizeof(*pt));
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
	(void)ktimer_cancel(&pt->pt_timer);
	atomic_store_explicit(&pt->pt_overrun, 0, memory_order_relaxed);
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
	struct ptimer *pt;
	int error;

	if ((error = ptimer_find(l, id, &pt)) != 0)
		return error;
	*retval = atomic_load_explicit(&pt->pt_overrun, memory_order_relaxed);
	mutex_exit(&pt->pt_owner->pts_lock);
	return 0;
}
