/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Slots of lwps.
 *
 * Slots come from an area of their own, in order, and are numbered.  A slot
 * that is released is used again, with a generation one higher; after its
 * last generation it is left alone for good.  Free slots are kept by the host
 * thread that released them, LWP_KEEP at most; the rest are on a common list.
 */
#include "kern/lwp.h"

#include "kern/event.h"
#include "kern/filedesc.h"
#include "kern/smr.h"
#include "kern/trace.h"

_Static_assert(sizeof(struct lwp) == CACHE_LINE, "a field more doubles it");

struct lwp lwp_nobody = {.l_flags = LW_NOBODY};

#define LWP_KEEP 64
#define LWP_MOVE 32 /* slots moved between a thread and the common list */
#define LWP_GROW 16 /* slots made at once: half a page */

static struct kmutex slot_lock;
static struct lwp *slot_free;	      /* (slot_lock) */
static uint64_t slot_nfree;	      /* (slot_lock) */
static _Atomic uint32_t slot_count;   /* written under (slot_lock) */
static _Atomic uint32_t slot_retired; /* slots past their last generation */
static _Atomic int64_t implicit_count;

static struct lwp *
slot_at(uint32_t n)
{
	return (struct lwp *)kmem_lwp_area.ka_base + n;
}

/* The count is read by lwp_live; only its owner writes it. */
static void
slot_count_kept(struct hostthread *ht, int n)
{
	atomic_store_explicit(&ht->ht_nlwps,
	    atomic_load_explicit(&ht->ht_nlwps, memory_order_relaxed) +
		(uint32_t)n,
	    memory_order_relaxed);
}

static uint32_t
slots_kept(struct hostthread *ht)
{
	return atomic_load_explicit(&ht->ht_nlwps, memory_order_relaxed);
}

/* Hand a free slot to the thread's own list. */
static void
slot_keep(struct hostthread *ht, struct lwp *l)
{
	l->l_free = ht->ht_lwps;
	ht->ht_lwps = l;
	slot_count_kept(ht, 1);
}

static struct lwp *
slot_unkeep(struct hostthread *ht)
{
	struct lwp *l = ht->ht_lwps;

	ht->ht_lwps = l->l_free;
	slot_count_kept(ht, -1);
	return l;
}

/* Make new slots.  False without memory. */
static bool
slot_grow(struct hostthread *ht)
{
	uint32_t n = atomic_load_explicit(&slot_count, memory_order_relaxed);
	uint32_t i;

	KASSERT(mutex_owned(&slot_lock));
	if (n + LWP_GROW > LWP_MAXSLOTS ||
	    area_grow(&kmem_lwp_area,
		(size_t)(n + LWP_GROW) * sizeof(struct lwp)) != 0)
		return false;
	/* Lowest number on top. */
	for (i = LWP_GROW; i-- > 0;) {
		struct lwp *l = slot_at(n + i);

		l->l_slot = n + i;
		/* Generation 1: a handle is never NULL. */
		atomic_store_explicit(&l->l_state, lwp_state(1, LWP_RELEASED),
		    memory_order_relaxed);
		slot_keep(ht, l);
	}
	atomic_store_explicit(&slot_count, n + LWP_GROW, memory_order_relaxed);
	return true;
}

/* The thread has no free slot: get some.  False without memory. */
static bool
slot_refill(struct hostthread *ht)
{
	bool ok = true;
	int i;

	mutex_enter(&slot_lock);
	for (i = 0; i < LWP_MOVE && slot_free != NULL; i++) {
		struct lwp *l = slot_free;

		slot_free = l->l_free;
		slot_nfree--;
		slot_keep(ht, l);
	}
	if (i == 0)
		ok = slot_grow(ht);
	mutex_exit(&slot_lock);
	return ok;
}

/* Move slots from the thread's list to the common one until `keep' stay. */
static void
slot_spill(struct hostthread *ht, uint32_t keep)
{
	mutex_enter(&slot_lock);
	while (slots_kept(ht) > keep) {
		struct lwp *l = slot_unkeep(ht);

		l->l_free = slot_free;
		slot_free = l;
		slot_nfree++;
	}
	mutex_exit(&slot_lock);
}

struct lwp *
lwp_alloc(struct proc *p, bool implicit)
{
	struct hostthread *ht = curht();
	struct lwp *l;
	uint32_t gen;

	if (hyper_mem_fails())
		return NULL;
	if (unlikely(ht->ht_lwps == NULL) && !slot_refill(ht))
		return NULL;
	l = slot_unkeep(ht);
	gen = (uint32_t)(atomic_load_explicit(
			     &l->l_state, memory_order_relaxed) >>
			 32);
	l->l_handle = implicit ? 0 : lwp_handle(gen, l->l_slot);
	l->l_proc = p;
	l->l_held = NULL;
	l->l_fdresv[0] = l->l_fdresv[1] = 0;
	l->l_cv = NULL;
	l->l_sigmask = 0;
	atomic_store_explicit(&l->l_borrowed, NULL, memory_order_relaxed);
	atomic_store_explicit(&l->l_ctx, curctx(), memory_order_relaxed);
	atomic_store_explicit(
	    &l->l_flags, implicit ? LW_IMPLICIT : 0, memory_order_relaxed);
	atomic_store_explicit(&l->l_sleep, LWP_AWAKE, memory_order_relaxed);
	/* Release: what is above is there when somebody sees it running. */
	atomic_store_explicit(&l->l_state,
	    lwp_state(gen, LWP_RUNNING + curctx()->kc_id),
	    memory_order_release);
	return l;
}

void
lwp_attach(struct lwp *l)
{
	struct proc *p = l->l_proc;
	uint32_t flags;

	KASSERT(mutex_owned(&p->p_lock));
	l->l_lid = ++p->p_nextlid;
	flags = proc_flags(p);
	if (unlikely((flags & (PF_EXITING | PF_TRACED | PF_COUNTED)) != 0))
		atomic_fetch_or_explicit(&l->l_flags,
		    ((flags & PF_EXITING) != 0 ? LW_EXITING : 0) |
			((flags & PF_TRACED) != 0 ? LW_TRACED : 0) |
			((flags & PF_COUNTED) != 0 ? LW_COUNTED : 0),
		    memory_order_relaxed);
	LIST_INSERT_HEAD(&p->p_lwps, l, l_sibling);
	atomic_store_explicit(&p->p_nlwps,
	    atomic_load_explicit(&p->p_nlwps, memory_order_relaxed) + 1,
	    memory_order_relaxed);
}

void
lwp_free(struct lwp *l, pid_t pid)
{
	struct hostthread *ht = curht();
	uint32_t gen;

	KASSERT(l->l_cv == NULL);
	gen = (uint32_t)(atomic_load_explicit(
			     &l->l_state, memory_order_relaxed) >>
			 32) +
	      1;
	l->l_lastlid = l->l_lid;
	l->l_lastpid = pid;
	/* The next generation, free: every handle given out is stale. */
	atomic_store_explicit(
	    &l->l_state, lwp_state(gen, LWP_RELEASED), memory_order_release);
	if (unlikely(gen == UINT32_MAX)) {
		atomic_fetch_add_explicit(
		    &slot_retired, 1, memory_order_relaxed);
		return;
	}
	if (unlikely(slots_kept(ht) >= LWP_KEEP))
		slot_spill(ht, LWP_KEEP - LWP_MOVE);
	slot_keep(ht, l);
}

struct lwp *
lwp_implicit(void)
{
	struct kcontext *kc = curctx();
	struct lwp *l;

	if (kc->kc_implicit != NULL)
		return kc->kc_implicit;
	if ((l = lwp_alloc(initproc, true)) == NULL)
		return NULL;
	mutex_enter(&initproc->p_lock);
	lwp_attach(l);
	mutex_exit(&initproc->p_lock);
	atomic_fetch_add_explicit(&implicit_count, 1, memory_order_relaxed);
	kc->kc_implicit = l;
	return l;
}

/* Take an implicit lwp out of process 1. */
static void
lwp_implicit_free(struct lwp *l)
{
	struct proc *p = l->l_proc;

	mutex_enter(&p->p_lock);
	LIST_REMOVE(l, l_sibling);
	atomic_store_explicit(&p->p_nlwps,
	    atomic_load_explicit(&p->p_nlwps, memory_order_relaxed) - 1,
	    memory_order_relaxed);
	mutex_exit(&p->p_lock);
	atomic_fetch_sub_explicit(&implicit_count, 1, memory_order_relaxed);
	lwp_free(l, 1);
}

void
lwp_context_exit(struct kcontext *kc)
{
	struct lwp *l = curlwp();

	if (!lwp_is_implicit(l))
		lwp_leave(l);
	trace_forget(kc);
	if (kc->kc_implicit != NULL)
		lwp_implicit_free(kc->kc_implicit);
	kc->kc_implicit = NULL;
}

void
lwp_thread_flush(struct hostthread *ht)
{
	slot_spill(ht, 0);
}

uint64_t
lwp_live(void)
{
	struct hostthread *ht;
	uint64_t idle;

	mutex_enter(&slot_lock);
	idle = slot_nfree;
	ht = atomic_load_explicit(&hostthread_list, memory_order_acquire);
	for (; ht != NULL; ht = ht->ht_next)
		idle +=
		    atomic_load_explicit(&ht->ht_nlwps, memory_order_relaxed);
	idle += atomic_load_explicit(&slot_retired, memory_order_relaxed);
	idle += atomic_load_explicit(&implicit_count, memory_order_relaxed);
	idle = atomic_load_explicit(&slot_count, memory_order_relaxed) - idle;
	mutex_exit(&slot_lock);
	return idle;
}

/*
 * The lwp was run by a host thread that is not in the child.  It may have
 * been asleep, with a reference to a file.
 */
static void
lwp_orphaned(struct lwp *l)
{
	lwp_sleep_abandon(l);
	poll_abandon(l);
	fd_abandon(l);
	if (lwp_is_implicit(l))
		lwp_implicit_free(l);
	else
		lwp_leave(l);
}

void
lwp_forked(void)
{
	struct hostthread *ht = curht();
	uint32_t n = atomic_load_explicit(&slot_count, memory_order_relaxed);
	struct kcontext *kc;
	struct lwp *l;
	uint32_t i;

	KASSERT(smr_entered());
	for (i = 0; i < n; i++) {
		l = slot_at(i);
		kc = atomic_load_explicit(&l->l_ctx, memory_order_relaxed);
		if (lwp_owner(l) >= LWP_RUNNING && kc->kc_ht != ht)
			lwp_orphaned(l);
	}
	ht = atomic_load_explicit(&hostthread_list, memory_order_relaxed);
	for (; ht != NULL; ht = ht->ht_next) {
		if (ht != curht()) {
			ht->ht_ctx.kc_implicit = NULL;
			trace_forget(&ht->ht_ctx);
		}
	}
}
