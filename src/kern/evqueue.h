/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Queues of events: what epoll and kqueue have in common.
 *
 * A queue has items, found by a number and a kind in a hash table.  An item
 * that looks at a file hangs a knote on it; when it is told, it goes to the end
 * of the ready list, once, and one lwp that waits is woken.  Who collects takes
 * items from the front and asks each file what is true; so the cost is that of
 * what is ready.
 *
 * Who ends an item is who takes its knote off: the queue's user, or the last
 * reference to the file (klist_closing).  An item refers to its queue, so that
 * the latter still finds it.  A file's last reference waits for eq_mtx before
 * the object goes: so who has eq_mtx and an item may poll its file.
 *
 * A queue is an object too: it can be in another one.
 *
 * Locks: nest_lock, eq_mtx (outer queue, then inner), locks of objects,
 * kl_lock, eq_lock.
 *
 * Letters: (m) eq_mtx; (l) eq_lock; (a) atomic; (s) stable.
 */
#ifndef KERN_EVQUEUE_H
#define KERN_EVQUEUE_H

#include "kern/event.h"

struct evqueue;

struct evitem {
	struct knote ei_note;
	struct evqueue *ei_queue;	  /* (s) */
	struct evitem *ei_next;		  /* (m) in its chain */
	TAILQ_ENTRY(evitem) ei_readylink; /* (l) */
	bool ei_ready;			  /* (l) it is on the ready list */
	uint32_t ei_kind;		  /* (s) of the number: a filter */
	uint64_t ei_ident;		  /* (s) descriptor, or other number */
};

TAILQ_HEAD(evready, evitem);

struct evqueue {
	struct kmutex eq_mtx;		  /* items, and collecting */
	struct kmutex eq_lock;		  /* what is told from below */
	_Atomic uint32_t eq_refs;	  /* (a) the file and the items */
	_Atomic uint32_t eq_nready;	  /* (l), read without */
	bool eq_closed;			  /* (m) its file is gone */
	struct evready eq_ready;	  /* (l) */
	struct kcondvar eq_cv;		  /* (l) who waits for events */
	struct klist eq_klist;		  /* who polls the queue */
	struct evitem **eq_table;	  /* (m) chains, or NULL */
	uint32_t eq_size;		  /* (m) of them, a power of two */
	uint32_t eq_count;		  /* (m) items in them */
	void (*eq_free)(struct evitem *); /* (s) of one that has ended */
};

/* A queue with one reference, that of its file; NULL without memory. */
struct evqueue *evqueue_alloc(void (*free)(struct evitem *));

/* A descriptor for a queue, whose reference the file takes over. */
int evqueue_open(struct lwp *, struct evqueue *, const struct fileops *,
    bool cloexec, int *fdp);

/* fo_klist and fo_close of queues. */
struct klist *evqueue_klist(struct file *);
void evqueue_close(struct file *);

/* A reference of one's own, while an item of it cannot end; drop it. */
void evqueue_hold(struct evqueue *);
void evqueue_rele(struct evqueue *);

/*
 * eq_mtx held: find an item; fp NULL: whatever its file is.  Put one that is
 * set up but for ei_queue into the table (ENOMEM; EBADF if the queue has been
 * closed).  End one and free it.
 */
struct evitem *evqueue_find(
    struct evqueue *, uint64_t ident, uint32_t kind, const struct file *fp);
int evqueue_insert(struct evqueue *, struct evitem *);
void evqueue_remove(struct evqueue *, struct evitem *);

/*
 * The item may have something to report.  eq_mtx need not be held; kl_lock of
 * its list may be.  True if an lwp that waited is going to be woken.  Who
 * polls the queue is told of POLLIN and what the item was told of, as on Linux.
 */
bool evitem_tell(struct evitem *, uint32_t hint, struct wakelist *);
void evitem_post(struct evitem *);

/* ko_notify and ko_closing of items. */
bool evitem_notify(struct knote *, uint32_t hint, struct wakelist *);
void evitem_closing(struct knote *);

/*
 * eq_mtx held: take an item off the front of the ready list, or NULL; put one
 * back at the end, or at the front, unless it is there by now.
 */
struct evitem *evqueue_take(struct evqueue *);
void evqueue_untake(struct evitem *, bool front);

/* How many there are; a load. */
static inline uint32_t
evqueue_nready(struct evqueue *eq)
{
	return atomic_load_explicit(&eq->eq_nready, memory_order_relaxed);
}

/* Others that wait have something to look at, too. */
void evqueue_pass(struct evqueue *);

/* Sleep until an item is ready.  EINTR, ETIMEDOUT. */
int evqueue_wait(struct evqueue *, int64_t deadline);

/*
 * Around putting fp, a queue, into another: ELOOP if it would be in itself, or
 * too deep.
 */
int evqueue_nest(struct evqueue *into, struct file *fp);
void evqueue_unnest(void);

static inline bool
file_is_evqueue(const struct file *fp)
{
	return fp->f_type == DTYPE_EVQUEUE;
}

#endif /* KERN_EVQUEUE_H */
