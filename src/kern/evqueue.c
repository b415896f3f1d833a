/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Queues of events; see evqueue.h.
 */
#include "kern/evqueue.h"

#include <fcntl.h>

#include "kern/kern.h"
#include "kern/signal.h"

/* Queues in queues: the longest way from one that is in none to an object. */
#define NEST_MAX 5

#define TABLE_MIN 8u

static struct kmutex nest_lock; /* no queue is put into another meanwhile */

/*
 * The table
 */

static inline uint32_t
table_index(const struct evqueue *eq, uint64_t ident)
{
	return (uint32_t)(ident * UINT64_C(0x9e3779b97f4a7c15) >> 32) &
	       (eq->eq_size - 1);
}

static int
table_grow(struct evqueue *eq)
{
	uint32_t i, n = eq->eq_size, at;
	struct evitem **old = eq->eq_table, **table, *ei;
	uint32_t size = n == 0 ? TABLE_MIN : 2 * n;

	KASSERT(mutex_owned(&eq->eq_mtx));
	if ((table = kmem_zalloc(size * sizeof(struct evitem *))) == NULL)
		return ENOMEM;
	eq->eq_table = table;
	eq->eq_size = size;
	for (i = 0; i < n; i++) {
		while ((ei = old[i]) != NULL) {
			old[i] = ei->ei_next;
			at = table_index(eq, ei->ei_ident);
			ei->ei_next = table[at];
			table[at] = ei;
		}
	}
	if (n > 0)
		kmem_free(old, n * sizeof(struct evitem *));
	return 0;
}

struct evitem *
evqueue_find(
    struct evqueue *eq, uint64_t ident, uint32_t kind, const struct file *fp)
{
	struct evitem *ei;

	KASSERT(mutex_owned(&eq->eq_mtx));
	if (eq->eq_count == 0)
		return NULL;
	for (ei = eq->eq_table[table_index(eq, ident)]; ei != NULL;
	     ei = ei->ei_next)
		if (ei->ei_ident == ident && ei->ei_kind == kind &&
		    (fp == NULL || ei->ei_note.kn_file == fp))
			break;
	return ei;
}

int
evqueue_insert(struct evqueue *eq, struct evitem *ei)
{
	uint32_t at;
	int error;

	KASSERT(mutex_owned(&eq->eq_mtx));
	if (eq->eq_closed)
		return EBADF;
	if (eq->eq_count == eq->eq_size && (error = table_grow(eq)) != 0)
		return error;
	at = table_index(eq, ei->ei_ident);
	ei->ei_queue = eq;
	ei->ei_next = eq->eq_table[at];
	eq->eq_table[at] = ei;
	eq->eq_count++;
	atomic_fetch_add_explicit(&eq->eq_refs, 1, memory_order_relaxed);
	return 0;
}

/*
 * Life
 */

struct evqueue *
evqueue_alloc(void (*free)(struct evitem *))
{
	struct evqueue *eq = kmem_zalloc(sizeof(*eq));

	if (eq == NULL)
		return NULL;
	TAILQ_INIT(&eq->eq_ready);
	eq->eq_free = free;
	atomic_store_explicit(&eq->eq_refs, 1, memory_order_relaxed);
	return eq;
}

void
evqueue_hold(struct evqueue *eq)
{
	atomic_fetch_add_explicit(&eq->eq_refs, 1, memory_order_relaxed);
}

void
evqueue_rele(struct evqueue *eq)
{
	/* acq_rel: what others did with it is over. */
	if (atomic_fetch_sub_explicit(&eq->eq_refs, 1, memory_order_acq_rel) !=
	    1)
		return;
	if (eq->eq_table != NULL)
		kmem_free(eq->eq_table, eq->eq_size * sizeof(*eq->eq_table));
	kmem_free(eq, sizeof(*eq));
}

int
evqueue_open(struct lwp *l, struct evqueue *eq, const struct fileops *ops,
    bool cloexec, int *fdp)
{
	struct file *fp;
	int error;

	if ((error = file_alloc(l, &fp)) != 0)
		goto fail;
	if ((error = fd_alloc(l, 0, fdp)) != 0) {
		file_abort(fp);
		goto fail;
	}
	fp->f_type = DTYPE_EVQUEUE;
	fp->f_data = eq;
	fp->f_ops = ops;
	atomic_store_explicit(&fp->f_flags, O_RDWR, memory_order_relaxed);
	fd_affix(l, *fdp, fp, cloexec);
	return 0;

fail:
	evqueue_rele(eq);
	return error;
}

struct klist *
evqueue_klist(struct file *fp)
{
	struct evqueue *eq = fp->f_data;

	return &eq->eq_klist;
}

/* Take an item, whose knote is off, out of table and ready list; free it. */
static void
evitem_end(struct evitem *ei)
{
	struct evqueue *eq = ei->ei_queue;
	struct evitem **eip = &eq->eq_table[table_index(eq, ei->ei_ident)];

	KASSERT(mutex_owned(&eq->eq_mtx));
	while (*eip != ei)
		eip = &(*eip)->ei_next;
	*eip = ei->ei_next;
	eq->eq_count--;
	mutex_enter(&eq->eq_lock);
	if (ei->ei_ready) {
		TAILQ_REMOVE(&eq->eq_ready, ei, ei_readylink);
		atomic_fetch_sub_explicit(
		    &eq->eq_nready, 1, memory_order_relaxed);
	}
	mutex_exit(&eq->eq_lock);
	eq->eq_free(ei);
}

void
evqueue_remove(struct evqueue *eq, struct evitem *ei)
{
	KASSERT(mutex_owned(&eq->eq_mtx));
	/* A file that is going: evitem_closing waits for the lock. */
	if (ei->ei_note.kn_list != NULL && !knote_detach(&ei->ei_note) &&
	    ei->ei_note.kn_file != NULL)
		return;
	evitem_end(ei);
	/* Not the last: the caller's way to the queue is another one. */
	atomic_fetch_sub_explicit(&eq->eq_refs, 1, memory_order_relaxed);
}

void
evitem_closing(struct knote *kn)
{
	struct evitem *ei = container_of(kn, struct evitem, ei_note);
	struct evqueue *eq = ei->ei_queue;

	mutex_enter(&eq->eq_mtx);
	evitem_end(ei);
	mutex_exit(&eq->eq_mtx);
	evqueue_rele(eq);
}

void
evqueue_close(struct file *fp)
{
	struct evqueue *eq = fp->f_data;
	struct evitem *ei, *next;
	uint32_t i;

	mutex_enter(&eq->eq_mtx);
	eq->eq_closed = true;
	for (i = 0; i < eq->eq_size; i++) {
		for (ei = eq->eq_table[i]; ei != NULL; ei = next) {
			next = ei->ei_next;
			evqueue_remove(eq, ei);
		}
	}
	mutex_exit(&eq->eq_mtx);
	evqueue_rele(eq);
}

/*
 * The ready list
 */

bool
evitem_tell(struct evitem *ei, uint32_t hint, struct wakelist *wl)
{
	struct evqueue *eq = ei->ei_queue;
	struct lwp *l;

	mutex_enter(&eq->eq_lock);
	if (!ei->ei_ready) {
		ei->ei_ready = true;
		TAILQ_INSERT_TAIL(&eq->eq_ready, ei, ei_readylink);
		atomic_fetch_add_explicit(
		    &eq->eq_nready, 1, memory_order_relaxed);
	}
	l = cv_take(&eq->eq_cv);
	mutex_exit(&eq->eq_lock);
	wakelist_add(wl, l);
	if (klist_waited(&eq->eq_klist))
		klist_tell(&eq->eq_klist,
		    (hint & KLIST_NOKEY) != 0 ? POLLIN : POLLIN | hint, wl);
	return l != NULL;
}

void
evitem_post(struct evitem *ei)
{
	struct wakelist wl = {.wl_count = 0};

	(void)evitem_tell(ei, 0, &wl);
	wakelist_wake(&wl);
}

bool
evitem_notify(struct knote *kn, uint32_t hint, struct wakelist *wl)
{
	return evitem_tell(container_of(kn, struct evitem, ei_note), hint, wl);
}

struct evitem *
evqueue_take(struct evqueue *eq)
{
	struct evitem *ei;

	KASSERT(mutex_owned(&eq->eq_mtx));
	mutex_enter(&eq->eq_lock);
	if ((ei = TAILQ_FIRST(&eq->eq_ready)) != NULL) {
		TAILQ_REMOVE(&eq->eq_ready, ei, ei_readylink);
		ei->ei_ready = false;
		atomic_fetch_sub_explicit(
		    &eq->eq_nready, 1, memory_order_relaxed);
	}
	mutex_exit(&eq->eq_lock);
	return ei;
}

void
evqueue_untake(struct evitem *ei, bool front)
{
	struct evqueue *eq = ei->ei_queue;

	KASSERT(mutex_owned(&eq->eq_mtx));
	mutex_enter(&eq->eq_lock);
	if (!ei->ei_ready) {
		ei->ei_ready = true;
		if (front)
			TAILQ_INSERT_HEAD(&eq->eq_ready, ei, ei_readylink);
		else
			TAILQ_INSERT_TAIL(&eq->eq_ready, ei, ei_readylink);
		atomic_fetch_add_explicit(
		    &eq->eq_nready, 1, memory_order_relaxed);
	}
	mutex_exit(&eq->eq_lock);
}

void
evqueue_pass(struct evqueue *eq)
{
	struct lwp *l = NULL;

	if (evqueue_nready(eq) == 0)
		return;
	mutex_enter(&eq->eq_lock);
	if (!TAILQ_EMPTY(&eq->eq_ready))
		l = cv_take(&eq->eq_cv);
	mutex_exit(&eq->eq_lock);
	if (l != NULL)
		cv_wake(l);
}

int
evqueue_wait(struct evqueue *eq, int64_t deadline)
{
	int error = 0;

	mutex_enter(&eq->eq_lock);
	if (TAILQ_EMPTY(&eq->eq_ready))
		error = cv_timedwait_sig(&eq->eq_cv, &eq->eq_lock, deadline);
	mutex_exit(&eq->eq_lock);
	if (error == EINTR)
		signal_restart_until(deadline);
	return error;
}

/*
 * Queues in queues
 */

/* Queues above eq, on the longest way up. */
static int
nest_above(struct evqueue *eq)
{
	struct knote *kn;
	int n, most = 0;

	mutex_enter(&eq->eq_klist.kl_lock);
	LIST_FOREACH (kn, &eq->eq_klist.kl_notes, kn_link) {
		if (kn->kn_ops->ko_closing != evitem_closing)
			continue;
		n = 1 + nest_above(
			    container_of(kn, struct evitem, ei_note)->ei_queue);
		if (n > most)
			most = n;
	}
	mutex_exit(&eq->eq_klist.kl_lock);
	return most;
}

/* Queues below eq, on the longest way down, if none is `into'; or ELOOP. */
static int
nest_below(struct evqueue *eq, const struct evqueue *into, int *depthp)
{
	struct evitem *ei;
	int below, error = 0;
	uint32_t i;

	*depthp = 0;
	if (eq == into)
		return ELOOP;
	mutex_enter(&eq->eq_mtx);
	for (i = 0; i < eq->eq_size && error == 0; i++) {
		for (ei = eq->eq_table[i]; ei != NULL && error == 0;
		     ei = ei->ei_next) {
			if (ei->ei_note.kn_file == NULL ||
			    !file_is_evqueue(ei->ei_note.kn_file))
				continue;
			error = nest_below(
			    ei->ei_note.kn_file->f_data, into, &below);
			if (error == 0 && below + 1 > *depthp)
				*depthp = below + 1;
		}
	}
	mutex_exit(&eq->eq_mtx);
	return error;
}

int
evqueue_nest(struct evqueue *into, struct file *fp)
{
	int below, error;

	mutex_enter(&nest_lock);
	error = nest_below(fp->f_data, into, &below);
	if (error == 0 && nest_above(into) + 1 + below + 1 > NEST_MAX)
		error = ELOOP;
	if (error != 0)
		mutex_exit(&nest_lock);
	return error;
}

void
evqueue_unnest(void)
{
	mutex_exit(&nest_lock);
}
