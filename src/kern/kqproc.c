/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kevents about processes and signals.  They hang on a process's p_klist, until
 * it ends.
 *
 * A process that forks makes kevents for the child out of those that track it.
 * That takes eq_mtx, which comes before the kl_lock of the list: so first the
 * queues are noted, with a reference, under kl_lock.
 */
#include "kern/kqproc.h"

#include "kern/kern.h"
#include "kern/kqueue_impl.h"
#include "kern/proc_impl.h"

/*
 * What p_klist is told: NOTE_EXIT, NOTE_FORK, that a request has ended, or a
 * signal and its number in the low bits.
 */
#define HINT_AIO    0x04000000u
#define HINT_SIGNAL 0x08000000u
#define HINT_NUMBER 0x000000ffu

int (*kqaio_state)(struct lwp *, uintptr_t, bool *, int64_t *);

static bool
kqproc_notify(struct knote *kn, uint32_t hint, struct wakelist *wl)
{
	struct evitem *ei = container_of(kn, struct evitem, ei_note);
	struct kqitem *ki = kqitem_of(ei);
	struct proc *p = container_of(kn->kn_list, struct proc, p_klist);

	if ((hint & HINT_SIGNAL) != 0) {
		if (ei->ei_kind != RUMP_EVFILT_SIGNAL ||
		    (hint & HINT_NUMBER) != ei->ei_ident)
			return false;
		atomic_fetch_add_explicit(
		    &ki->ki_value, 1, memory_order_relaxed);
		return evitem_tell(ei, KLIST_NOKEY, wl);
	}
	if ((hint & HINT_AIO) != 0 || ei->ei_kind == RUMP_EVFILT_AIO)
		return (hint & HINT_AIO) != 0 &&
		       ei->ei_kind == RUMP_EVFILT_AIO &&
		       evitem_tell(ei, KLIST_NOKEY, wl);
	hint &= atomic_load_explicit(&kn->kn_events, memory_order_relaxed);
	if ((hint & RUMP_NOTE_EXIT) != 0)
		atomic_store_explicit(&ki->ki_value,
		    atomic_load_explicit(&p->p_xstatus, memory_order_relaxed),
		    memory_order_relaxed);
	/* Release pairs with the acquire in kqitem_check. */
	atomic_fetch_or_explicit(&ki->ki_fired, hint, memory_order_release);
	return evitem_tell(ei, KLIST_NOKEY, wl);
}

static const struct knote_ops kqproc_ops = {.ko_notify = kqproc_notify};

/* Hang ki on p, which is locked; one that has ended is told so at once. */
static int
kqproc_attach_locked(struct kqitem *ki, struct proc *p, uint32_t events)
{
	struct knote *kn = &ki->ki_item.ei_note;

	KASSERT(mutex_owned(&p->p_lock));
	kn->kn_ops = &kqproc_ops;
	atomic_store_explicit(&kn->kn_events, events, memory_order_relaxed);
	if (atomic_load_explicit(&p->p_state, memory_order_relaxed) ==
	    PROC_ACTIVE) {
		knote_attach(&p->p_klist, kn);
		return 0;
	}
	if ((events & RUMP_NOTE_EXIT) == 0)
		return ESRCH;
	atomic_store_explicit(&ki->ki_value,
	    atomic_load_explicit(&p->p_xstatus, memory_order_relaxed),
	    memory_order_relaxed);
	atomic_store_explicit(
	    &ki->ki_fired, RUMP_NOTE_EXIT, memory_order_release);
	return 0;
}

/* What a kevent with these fflags is told of. */
static uint32_t
kqproc_events(uint32_t fflags)
{
	if ((fflags & RUMP_NOTE_TRACK) != 0)
		fflags |= RUMP_NOTE_TRACKERR;
	return fflags;
}

void
kqproc_change(struct kqitem *ki, uint32_t fflags)
{
	atomic_store_explicit(&ki->ki_item.ei_note.kn_events,
	    kqproc_events(fflags), memory_order_relaxed);
}

/* A process, and no other: those made together have a serial in common. */
static int64_t
kqaio_name(const struct proc *p)
{
	return (int64_t)(p->p_serial << 32 | (uint32_t)proc_pid(p));
}

/* Is the process the one that the kevent of AIO is for? */
static bool
kqaio_isof(const struct kqitem *ki, const struct proc *p)
{
	return atomic_load_explicit(&ki->ki_value, memory_order_relaxed) ==
	       kqaio_name(p);
}

bool
kqaio_check(struct lwp *l, const struct kqitem *ki, int64_t *errorp)
{
	bool ended;

	return kqaio_isof(ki, l->l_proc) &&
	       kqaio_state(
		   l, (uintptr_t)ki->ki_item.ei_ident, &ended, errorp) == 0 &&
	       ended;
}

int
kqaio_attach(struct lwp *l, struct kqitem *ki)
{
	struct proc *p = l->l_proc;
	int64_t value;
	bool ended;
	int error;

	error = kqaio_state(l, (uintptr_t)ki->ki_item.ei_ident, &ended, &value);
	if (error != 0)
		return error;
	mutex_enter(&p->p_lock);
	atomic_store_explicit(
	    &ki->ki_value, kqaio_name(p), memory_order_relaxed);
	error = kqproc_attach_locked(ki, p, HINT_AIO);
	mutex_exit(&p->p_lock);
	return error;
}

int
kqaio_change(struct lwp *l, const struct kqitem *ki)
{
	return kqaio_isof(ki, l->l_proc) ? 0 : ESRCH;
}

void
kqproc_aio_slow(struct proc *p)
{
	klist_notify(&p->p_klist, HINT_AIO);
}

int
kqproc_attach(struct lwp *l, struct kqitem *ki)
{
	bool signal = ki->ki_item.ei_kind == RUMP_EVFILT_SIGNAL;
	struct proc *p;
	int error;

	if (signal) {
		p = l->l_proc;
		mutex_enter(&p->p_lock);
	} else if ((p = proc_find_locked((pid_t)ki->ki_item.ei_ident)) == NULL)
		return ESRCH;
	error = kqproc_attach_locked(
	    ki, p, signal ? HINT_SIGNAL : kqproc_events(ki->ki_fflags));
	mutex_exit(&p->p_lock);
	return error;
}

void
kqproc_signal_slow(struct proc *p, int signo)
{
	klist_notify(&p->p_klist, HINT_SIGNAL | (uint32_t)signo);
}

void
kqproc_exit_slow(struct proc *p)
{
	klist_notify(&p->p_klist, RUMP_NOTE_EXIT);
	klist_clear(&p->p_klist);
}

/*
 * Tracking
 */

/* Note the queues, up to max, that track p; how many there are. */
static uint32_t
track_collect(struct proc *p, struct evqueue **eqs, uint32_t max)
{
	struct klist *kl = &p->p_klist;
	struct knote *kn;
	struct evitem *ei;
	uint32_t n = 0;

	mutex_enter(&kl->kl_lock);
	LIST_FOREACH (kn, &kl->kl_notes, kn_link) {
		ei = container_of(kn, struct evitem, ei_note);
		if (ei->ei_kind != RUMP_EVFILT_PROC ||
		    (atomic_load_explicit(
			 &kn->kn_events, memory_order_relaxed) &
			RUMP_NOTE_TRACK) == 0)
			continue;
		if (n < max) {
			evqueue_hold(ei->ei_queue);
			eqs[n] = ei->ei_queue;
		}
		n++;
	}
	mutex_exit(&kl->kl_lock);
	return n;
}

/* The queue has a kevent that tracks the parent: make one for the child. */
static void
track_child(struct lwp *l, struct evqueue *eq, pid_t parent, pid_t child)
{
	struct evitem *ei =
	    evqueue_find(eq, (uint64_t)parent, RUMP_EVFILT_PROC, NULL);
	struct kqitem *ki, *new;
	struct rump_kevent kev;

	KASSERT(mutex_owned(&eq->eq_mtx));
	if (ei == NULL ||
	    evqueue_find(eq, (uint64_t)child, RUMP_EVFILT_PROC, NULL) != NULL)
		return;
	ki = kqitem_of(ei);
	kev = (struct rump_kevent){.ident = (uintptr_t)child,
	    .filter = RUMP_EVFILT_PROC,
	    .flags = ki->ki_flags,
	    .fflags = ki->ki_fflags,
	    .udata = ki->ki_udata};
	if (kqueue_add(l, eq, &kev, NULL, &new) != 0) {
		atomic_fetch_or_explicit(
		    &ki->ki_fired, RUMP_NOTE_TRACKERR, memory_order_release);
		evitem_post(ei);
		return;
	}
	atomic_store_explicit(&new->ki_value, parent, memory_order_relaxed);
	atomic_fetch_or_explicit(
	    &new->ki_fired, RUMP_NOTE_CHILD, memory_order_release);
	evitem_post(&new->ki_item);
}

void
kqproc_fork_slow(struct lwp *l, struct proc *parent, pid_t child)
{
	struct evqueue **eqs;
	uint32_t i, n, room;

	klist_notify(&parent->p_klist, RUMP_NOTE_FORK);
	if ((room = track_collect(parent, NULL, 0)) == 0)
		return;
	if ((eqs = kmem_alloc(room * sizeof(*eqs))) == NULL) {
		klist_notify(&parent->p_klist, RUMP_NOTE_TRACKERR);
		return;
	}
	/* Those that come meanwhile begin with the next child. */
	n = track_collect(parent, eqs, room);
	for (i = 0; i < n && i < room; i++) {
		mutex_enter(&eqs[i]->eq_mtx);
		track_child(l, eqs[i], proc_pid(parent), child);
		mutex_exit(&eqs[i]->eq_mtx);
		evqueue_rele(eqs[i]);
	}
	kmem_free(eqs, room * sizeof(*eqs));
}
