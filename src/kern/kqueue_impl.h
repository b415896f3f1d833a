/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between kqueue.c (calls), kqfilter.c (what kevents report) and kqproc.c
 * (those about processes and signals).
 *
 * A kevent that collects what has happened (VNODE, PROC, SIGNAL, TIMER) has it
 * in ki_fired and ki_value, which are written where it is told, under the
 * kl_lock of what it hangs on, and taken back when it has been reported.
 */
#ifndef KERN_KQUEUE_IMPL_H
#define KERN_KQUEUE_IMPL_H

#include <rump/rump_event.h>

#include "kern/evqueue.h"
#include "kern/smr.h"
#include "kern/timer.h"

/*
 * The timer of a kevent.  Its own object, because its function may still run
 * when the kevent has ended; then the kevent does not hang on kt_klist.
 */
struct kqtimer {
	struct ktimer kqt_timer;
	struct klist kqt_klist;
	_Atomic int64_t kqt_count; /* (a) how often it was due */
	struct smr_item kqt_smr;
};

/* Letters: (m) eq_mtx; (s) stable; (a) atomic. */
struct kqitem {
	struct evitem ki_item;
	uint32_t ki_flags;	   /* (m) EV_HOW */
	uint32_t ki_fflags;	   /* (m) */
	_Atomic uint32_t ki_fired; /* (a) NOTE_* that happened */
	_Atomic int64_t ki_value;  /* (a) data of these */
	int64_t ki_data;	   /* (m) */
	void *ki_udata;		   /* (m) */
	struct kqtimer *ki_timer;  /* (s) TIMER */
	bool ki_disabled;	   /* (m) */
	bool ki_triggered;	   /* (m) USER */
};

static inline struct kqitem *
kqitem_of(struct evitem *ei)
{
	return container_of(ei, struct kqitem, ki_item);
}

static inline bool
filter_isfile(uint32_t filter)
{
	return filter == RUMP_EVFILT_READ || filter == RUMP_EVFILT_WRITE ||
	       filter == RUMP_EVFILT_VNODE;
}

void kqitem_free(struct evitem *);

/* Is a change of this kevent, with its file or NULL, allowed?  EINVAL. */
int filter_allows(struct lwp *, const struct rump_kevent *, struct file *);

/*
 * Be told of what may make the filter true, as the kevent says; the item is in
 * its queue.  EINVAL, ENOMEM, ESRCH.
 */
int kqitem_attach(struct lwp *, struct kqitem *, const struct rump_kevent *);

/* It was there and is added again: with what the kevent says. */
int kqitem_change(struct lwp *, struct kqitem *, const struct rump_kevent *);

/* Is there something to report?  Fills in kev. */
bool kqitem_check(struct lwp *, struct kqitem *, struct rump_kevent *kev);

/* That was reported, and has EV_CLEAR. */
void kqitem_clear(struct kqitem *, const struct rump_kevent *);

/* Put an item into the queue for a kevent.  EBADF, ENOMEM and the above. */
int kqueue_add(struct lwp *, struct evqueue *, const struct rump_kevent *,
    struct file *, struct kqitem **);

/*
 * kqproc.c: hang on the process that the kevent names, or on the caller's for
 * SIGNAL.  ESRCH.
 */
int kqproc_attach(struct lwp *, struct kqitem *);

/*
 * The same for AIO, of a request of the caller's process; one of AIO is added
 * again; it has something to report to the caller.  ESRCH.
 */
int kqaio_attach(struct lwp *, struct kqitem *);
int kqaio_change(struct lwp *, const struct kqitem *);
bool kqaio_check(struct lwp *, const struct kqitem *, int64_t *errorp);

/* One of PROC is added again. */
void kqproc_change(struct kqitem *, uint32_t fflags);

#endif /* KERN_KQUEUE_IMPL_H */
