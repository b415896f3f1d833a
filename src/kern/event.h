/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting for objects: the core under poll, select, epoll and kqueue.
 *
 * What can be waited for (a pipe, a queue of events) has a klist.  Who waits
 * hangs a knote on it.  When the object's state may have changed, the object
 * calls klist_notify, which is one load where nobody waits.
 *
 * No change is missed, because
 *
 *	who waits	hangs its knote, then asks for the state (fo_poll),
 *			which takes the object's lock
 *	the object	changes its state under its lock, then, under it or
 *			later, loads kl_count
 *
 * If the change comes before the question, the answer shows it; else the load
 * comes after the knote.
 *
 * Locks: the object's, then kl_lock, then that of who waits (eq_lock, pw_lock),
 * and, where that is an object too (an epoll in an epoll), its kl_lock and so
 * on.  Notifying allocates nothing.  Lwps are woken when no lock of a list is
 * held.
 *
 * Letters: (k) kl_lock; (a) atomic; (s) stable.
 */
#ifndef KERN_EVENT_H
#define KERN_EVENT_H

#include <sys/queue.h>

#include <poll.h>

#include "kern/file.h"
#include "kern/lock.h"

/* Valid when zero. */
struct klist {
	struct kmutex kl_lock;
	_Atomic uint32_t kl_count;    /* (k) KLIST_*; read without */
	LIST_HEAD(, knote) kl_notes;  /* (k) told all of them */
	LIST_HEAD(, knote) kl_single; /* (k) told until one wakes somebody */
};

/*
 * kl_count: knotes that hang, and whether there ever was one: who took the last
 * one off may still hold kl_lock, and whoever ends the object waits for that.
 */
#define KLIST_USED 1u
#define KLIST_ONE  2u

/* Lwps that are to be woken when no lock is held. */
struct wakelist {
	unsigned wl_count;
	struct lwp *wl_lwps[8];
};

struct knote;
struct knote_ops {
	/*
	 * Some of kn_events may be true now, `hint' says which.  kl_lock is
	 * held.  True if that goes on to wake somebody.
	 */
	bool (*ko_notify)(struct knote *, uint32_t hint, struct wakelist *);
	/*
	 * The last reference to kn_file is gone; the knote has been taken
	 * off.  Without locks.  NULL: who waits has a reference.
	 */
	void (*ko_closing)(struct knote *);
};

struct knote {
	LIST_ENTRY(knote) kn_link;	/* (k) */
	struct klist *kn_list;		/* (s) from knote_attach on */
	bool kn_attached;		/* (k) */
	bool kn_single;			/* (s) on kl_single */
	_Atomic uint32_t kn_events;	/* (a) POLL*, or other bits */
	struct file *kn_file;		/* (s) whose klist it is, or NULL */
	const struct knote_ops *kn_ops; /* (s) */
};

/*
 * Hints that name no events of POLL*: who polls a queue is told of POLLIN only,
 * as on Linux.  All is different: for ends that close.
 */
#define KLIST_NOKEY 0x80000000u
#define KLIST_ALL   UINT32_MAX

void klist_notify_slow(struct klist *, uint32_t hint);
void klist_tell(struct klist *, uint32_t hint, struct wakelist *);
void klist_closing_slow(struct klist *, struct file *);

/* Is there anybody to notify? */
static inline bool
klist_waited(struct klist *kl)
{
	/* Relaxed: ordered by the object's lock, see above. */
	return unlikely(
	    atomic_load_explicit(&kl->kl_count, memory_order_relaxed) != 0);
}

/* Do any hang there?  For who keeps others from hanging more. */
static inline bool
klist_hasnotes(struct klist *kl)
{
	return atomic_load_explicit(&kl->kl_count, memory_order_relaxed) >=
	       KLIST_ONE;
}

static inline void
klist_notify(struct klist *kl, uint32_t hint)
{
	if (klist_waited(kl))
		klist_notify_slow(kl, hint);
}

/* The last reference to fp is gone: knotes for it end. */
static inline void
klist_closing(struct klist *kl, struct file *fp)
{
	if (unlikely(
		atomic_load_explicit(&kl->kl_count, memory_order_relaxed) != 0))
		klist_closing_slow(kl, fp);
}

/* Wake l, or NULL, later or at once. */
void wakelist_add(struct wakelist *, struct lwp *l);
void wakelist_wake(struct wakelist *);

/*
 * Hang a knote, whose file, operations, events and kn_single are set, on a
 * klist; take it off.  False if klist_closing has taken it off before.  Once
 * it is off, ko_notify does not run.
 */
void knote_attach(struct klist *, struct knote *);
bool knote_detach(struct knote *);

/* The object goes, and its knotes have no file: take all off. */
void klist_clear(struct klist *);

/* Be told of these events of fp from now on. */
void knote_setevents(struct knote *, const struct file *fp, uint32_t events);

/* What files are that do not say (fo_poll). */
#define POLL_ALWAYS (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM)

/* Before a knote is hung on fp's list, by l.  ENOMEM. */
static inline int
file_listen(struct lwp *l, struct file *fp)
{
	return fp->f_ops->fo_listen == NULL ? 0 : fp->f_ops->fo_listen(l, fp);
}

/* What is true of fp now. */
static inline uint32_t
file_poll(struct lwp *l, struct file *fp, struct pollsize *ps)
{
	if (unlikely(fp->f_ops->fo_poll == NULL))
		return POLL_ALWAYS;
	return fp->f_ops->fo_poll(l, fp, ps);
}

/* Timeouts of calls. */
int deadline_after(const struct timespec *, int64_t *deadlinep);
int64_t deadline_after_ms(int ms);
int copyin_deadline(const struct timespec *uts, int64_t *deadlinep);

/*
 * What poll does with descriptors: set revents, waiting until one is not zero
 * or for the deadline (0: not at all); *foundp are not.  EINTR, ENOMEM.
 */
struct pollfd;
int poll_files(
    struct lwp *, struct pollfd *, uint32_t n, int64_t deadline, int *foundp);

/*
 * Wait until some of these events are true of fp, or an error or an end is.
 * EINTR, ENOMEM.
 */
int file_await(struct lwp *, struct file *fp, uint32_t events);

/* The host thread that slept in poll as l is no more. */
void poll_abandon(struct lwp *l);

#endif /* KERN_EVENT_H */
