/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Slots of lwps and who runs them; used inside src/kern.  See proc.h for the
 * life of an lwp.
 */
#ifndef KERN_LWP_H
#define KERN_LWP_H

#include "kern/proc.h"

/* The lower half of l_state. */
#define LWP_RELEASED 0u
#define LWP_NONE     1u
#define LWP_RUNNING  2u /* and up: id of the context = half - LWP_RUNNING */

#define LWP_HANDLE_SHIFT 4 /* handles look aligned */
#define LWP_MAXSLOTS	 ((1u << 28) - 1)

static inline uint64_t
lwp_state(uint32_t generation, uint32_t owner)
{
	return (uint64_t)generation << 32 | owner;
}

static inline uint32_t
lwp_generation(const struct lwp *l)
{
	return (uint32_t)(l->l_handle >> 32);
}

static inline uint32_t
lwp_owner(struct lwp *l)
{
	return (uint32_t)atomic_load_explicit(
	    &l->l_state, memory_order_acquire);
}

static inline uint64_t
lwp_handle(uint32_t generation, uint32_t slot)
{
	return (uint64_t)generation << 32 | (uint64_t)(slot + 1)
						<< LWP_HANDLE_SHIFT;
}

/* The slot that a handle names, or NULL if there is no such slot. */
static inline __attribute__((always_inline)) struct lwp *
lwp_slot(uint64_t handle)
{
	uint32_t slot = ((uint32_t)handle >> LWP_HANDLE_SHIFT) - 1;
	struct lwp *l;

	/* Acquire pairs with the release in area_grow. */
	if (unlikely((slot + UINT64_C(1)) * sizeof(struct lwp) >
		     atomic_load_explicit(
			 &kmem_lwp_area.ka_committed, memory_order_acquire)))
		return NULL;
	l = (struct lwp *)kmem_lwp_area.ka_base + slot;
	/* So that who takes it does not test for what cannot be. */
	if (l == NULL)
		__builtin_unreachable();
	return l;
}

/*
 * Make the calling context run the lwp that the handle names, if it is
 * alive and nobody runs it.  One compare-and-swap takes it and checks its
 * generation.  NULL if it could not be taken.
 */
static inline struct lwp *
lwp_take(uint64_t handle, struct kcontext *kc)
{
	struct lwp *l = lwp_slot(handle);
	uint64_t want = lwp_state((uint32_t)(handle >> 32), LWP_NONE);

	if (unlikely(l == NULL))
		return NULL;
	/* Acquire pairs with the release in lwp_leave. */
	if (unlikely(!atomic_compare_exchange_strong_explicit(&l->l_state,
		&want, lwp_state(want >> 32, LWP_RUNNING + kc->kc_id),
		memory_order_acquire, memory_order_relaxed)))
		return NULL;
	atomic_store_explicit(&l->l_ctx, kc, memory_order_relaxed);
	return l;
}

/* The calling context no longer runs l, which stays alive. */
static inline void
lwp_leave(struct lwp *l)
{
	atomic_store_explicit(&l->l_state,
	    lwp_state(lwp_generation(l), LWP_NONE), memory_order_release);
}

/* Or none at all: lwp_nobody. */
static inline bool
lwp_is_implicit(const struct lwp *l)
{
	return l->l_handle == 0;
}

/*
 * A new lwp of p, run by the calling context, not yet current.  A place
 * in p's list is the caller's to give (lwp_attach).  NULL without memory.
 */
struct lwp *lwp_alloc(struct proc *p, bool implicit);

/*
 * The same of the process with that pid, on its list, as newlwp makes them.  It
 * is the caller's to bind or to give to another context, which runs it then.
 * ESRCH, EBUSY, ENOMEM.
 */
int lwp_make(pid_t pid, struct lwp **lp);
void lwp_give(struct lwp *, struct kcontext *);

/* Put it on its process's list; p_lock held. */
void lwp_attach(struct lwp *l);

/*
 * Its slot is free; its handle names nothing from now on.  pid is what its
 * process had, to name the lwp if the handle is used again.
 */
void lwp_free(struct lwp *l, pid_t pid);

/* The calling host thread's lwp, bound, goes: see releaselwp. */
void lwp_release(struct lwp *l);

/*
 * The calling context ends: the lwp that was made for it goes with it, unless
 * others have it; what else it runs stays.  In a section.
 */
void lwp_end(uint64_t handle);

/* What the context is that is bound to no lwp. */
static inline struct lwp *
lwp_unbound(void)
{
	struct lwp *l = curctx()->kc_implicit;

	return l != NULL ? l : &lwp_nobody;
}

/* The implicit lwp of the calling context; NULL without memory. */
struct lwp *lwp_implicit(void);

/* The calling context ends. */
void lwp_context_exit(struct kcontext *);

/* Give back free slots, free processes, pids in hand. */
void lwp_thread_flush(struct hostthread *);
void proc_thread_flush(struct hostthread *);

/* Slots of lwps that are alive, implicit ones not counted. */
uint64_t lwp_live(void);

/* In the child of fork(2): no host thread but ours runs an lwp. */
void lwp_forked(void);

/* The context that slept as l is no more. */
void lwp_sleep_abandon(struct lwp *l);

#endif /* KERN_LWP_H */
