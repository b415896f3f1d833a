/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes: making them, finding them, their end.
 *
 *	FREE	in a cache; nothing points to it but stale pointers, which
 *		find out under p_lock
 *	ACTIVE	has lwps; can be found by its pid
 *	DYING	its last lwp was released; descriptors close, children move
 *		to process 1; found by its pid, but takes no lwp (EBUSY)
 *	ZOMBIE	its parent can wait for it, or nobody any more; see wait.c
 *
 * A free process in a host thread's cache keeps its references to the
 * credentials, limits, directories and group that it last had, if others use
 * them too.  The next process that the thread makes most often inherits the
 * same ones, and then touches no count that other threads touch.
 *
 * Locks: p_lock of the process, then the shard of a list.  Never two p_locks.
 */
#include "kern/boot.h"
#include "kern/cputime.h"
#include "kern/event.h"
#include "kern/filedesc.h"
#include "kern/kern.h"
#include "kern/kqproc.h"
#include "kern/lwp.h"
#include "kern/proc_impl.h"
#include "kern/procinfo.h"
#include "kern/ptimer.h"
#include "kern/signal_impl.h"
#include "kern/trace.h"

#include <rump/rump.h>

#define PROC_KEEP 32

struct proc *proc0, *initproc;

static struct kcache *proc_cache;
static struct proc_hook *hooks;
static struct plist_wide init_children[PLIST_WIDTH];

void
proc_hook_register(struct proc_hook *ph)
{
	ph->ph_next = hooks;
	hooks = ph;
}

static void
proc_count(int64_t n)
{
	_Atomic int64_t *b = &curht()->ht_procbalance;

	/* Only its owner writes it. */
	atomic_store_explicit(b,
	    atomic_load_explicit(b, memory_order_relaxed) + n,
	    memory_order_relaxed);
}

uint64_t
proc_live(void)
{
	struct hostthread *ht;
	int64_t n = 0;

	ht = atomic_load_explicit(&hostthread_list, memory_order_acquire);
	for (; ht != NULL; ht = ht->ht_next)
		n += atomic_load_explicit(
		    &ht->ht_procbalance, memory_order_relaxed);
	return n < 0 ? 0 : (uint64_t)n;
}

/*
 * How many there may be, if that is less than there are pids: then who makes
 * one counts under a lock, so that the last place is given once.
 */
static _Atomic uint64_t proc_max; /* 0: no such limit */
static struct kmutex proc_max_lock;

uint64_t
proc_getmax(void)
{
	uint64_t max = atomic_load_explicit(&proc_max, memory_order_relaxed);

	return max != 0 ? max : (uint64_t)pid_max();
}

int
proc_setmax(int64_t max)
{
	if (max < 2)
		return EINVAL;
	/* Relaxed: a process may be made on the way. */
	atomic_store_explicit(&proc_max, max < pid_max() ? (uint64_t)max : 0,
	    memory_order_relaxed);
	return 0;
}

static bool
proc_admit_limited(uint64_t max)
{
	bool room;

	mutex_enter(&proc_max_lock);
	if ((room = proc_live() < max))
		proc_count(1);
	mutex_exit(&proc_max_lock);
	return room;
}

/* One more, which proc_count(-1) takes back. */
static inline bool
proc_admit(void)
{
	uint64_t max = atomic_load_explicit(&proc_max, memory_order_relaxed);

	if (unlikely(max != 0))
		return proc_admit_limited(max);
	proc_count(1);
	return true;
}

/*
 * Structures
 */

static struct proc *
proc_get(struct hostthread *ht)
{
	struct proc *p = ht->ht_procs;

	if (hyper_mem_fails())
		return NULL;
	if (likely(p != NULL)) {
		ht->ht_procs = p->p_free;
		ht->ht_nprocs--;
		return p;
	}
	return kcache_alloc(proc_cache);
}

/* A process that is free does not go on having something. */
static void
proc_drop(struct proc *p, int what)
{
	struct kref *kr =
	    atomic_load_explicit(&p->p_shared[what], memory_order_relaxed);

	atomic_store_explicit(&p->p_shared[what], NULL, memory_order_relaxed);
	if (kr != NULL)
		kref_rele(kr);
}

/* Let go of what a free process still refers to, and of its memory. */
static void
proc_destroy(struct proc *p)
{
	int i;

	for (i = 0; i < PS_COUNT; i++)
		proc_drop(p, i);
	kcache_free(proc_cache, p);
}

/* Put a free process into the host thread's cache. */
static void
proc_put(struct proc *p)
{
	struct hostthread *ht = curht();
	struct kref *kr;
	int i;

	if (unlikely(ht->ht_nprocs >= PROC_KEEP)) {
		proc_destroy(p);
		return;
	}
	/* For the next one it keeps what others have, too. */
	for (i = 0; i < PS_COUNT; i++) {
		kr =
		    atomic_load_explicit(&p->p_shared[i], memory_order_relaxed);
		if (kr != NULL && kref_count(kr) == 1)
			proc_drop(p, i);
	}
	/* But not directories that another mount is in use by. */
	if (unlikely(atomic_load_explicit(
			 &p->p_shared[PS_CWDI], memory_order_relaxed) !=
		     atomic_load_explicit(
			 &proc0->p_shared[PS_CWDI], memory_order_relaxed)))
		proc_drop(p, PS_CWDI);
	p->p_free = ht->ht_procs;
	ht->ht_procs = p;
	ht->ht_nprocs++;
}

void
proc_thread_flush(struct hostthread *ht)
{
	struct proc *p;

	while ((p = ht->ht_procs) != NULL) {
		ht->ht_procs = p->p_free;
		ht->ht_nprocs--;
		proc_destroy(p);
	}
	ht->ht_pid = ht->ht_pidend = ht->ht_pidmissed = 0;
}

/*
 * What is shared
 */

struct kref *
proc_setshared_locked(struct proc *p, enum proc_shared what, struct kref *kr)
{
	KASSERT(mutex_owned(&p->p_lock));
	/* Release pairs with the acquire in proc_shared. */
	return atomic_exchange_explicit(
	    &p->p_shared[what], kr, memory_order_acq_rel);
}

void
proc_setshared(struct proc *p, enum proc_shared what, struct kref *kr)
{
	mutex_enter(&p->p_lock);
	kr = proc_setshared_locked(p, what, kr);
	mutex_exit(&p->p_lock);
	kref_rele(kr);
}

/* Does the child have its parent's, from the process that it was before? */
static bool
proc_inherited(struct proc *p, struct proc *parent)
{
	int i, same = 0;

	for (i = 0; i < PS_COUNT; i++)
		same += atomic_load_explicit(
			    &p->p_shared[i], memory_order_relaxed) ==
			atomic_load_explicit(
			    &parent->p_shared[i], memory_order_relaxed);
	return same == PS_COUNT;
}

static void
proc_inherit(struct proc *p, struct proc *parent)
{
	struct kref *kr, *old[PS_COUNT];
	int i;

	if (likely(proc_inherited(p, parent)))
		return;
	mutex_enter(&parent->p_lock);
	for (i = 0; i < PS_COUNT; i++) {
		kr = atomic_load_explicit(
		    &parent->p_shared[i], memory_order_relaxed);
		kref_hold(kr);
		old[i] =
		    atomic_load_explicit(&p->p_shared[i], memory_order_relaxed);
		atomic_store_explicit(
		    &p->p_shared[i], kr, memory_order_relaxed);
	}
	mutex_exit(&parent->p_lock);
	for (i = 0; i < PS_COUNT; i++) {
		if (old[i] != NULL)
			kref_rele(old[i]);
	}
}

/*
 * Creation
 */

static int
proc_inherit_fds(struct proc *p, struct proc *parent, int flags)
{
	if ((flags & RUMP_RFCFDG) != 0)
		return 0;
	if ((flags & RUMP_RFFDG) != 0)
		return fd_copy(parent, p);
	return fd_share(parent, p);
}

/* Fields of a new process that are its own. */
static void
proc_reset(struct proc *p, struct proc *parent)
{
	atomic_store_explicit(&p->p_fd, NULL, memory_order_relaxed);
	atomic_store_explicit(&p->p_nlwps, 0, memory_order_relaxed);
	p->p_nextlid = 0;
	LIST_INIT(&p->p_lwps);
	atomic_store_explicit(&p->p_flags,
	    atomic_load_explicit(&parent->p_flags, memory_order_relaxed) &
		(PF_SUGID | PF_CHLD | PF_NOCLD | PF_REMOTE | PF_HOSTED |
		    PF_COUNTED),
	    memory_order_relaxed);
	atomic_store_explicit(&p->p_umask,
	    atomic_load_explicit(&parent->p_umask, memory_order_relaxed),
	    memory_order_relaxed);
	atomic_store_explicit(
	    &p->p_ppid, proc_pid(parent), memory_order_relaxed);
	atomic_store_explicit(&p->p_xstatus, 0, memory_order_relaxed);
	atomic_store_explicit(&p->p_event, 0, memory_order_relaxed);
	atomic_store_explicit(&p->p_remote,
	    atomic_load_explicit(&parent->p_remote, memory_order_relaxed),
	    memory_order_relaxed);
	atomic_store_explicit(&p->p_parent, parent, memory_order_relaxed);
	p->p_start = hyper_clock(HYPER_CLOCK_COARSE);
	memcpy(p->p_name, parent->p_name, sizeof(p->p_name));
}

/* What parts above keep for the parent, for a new process. */
static int
proc_hooks_fork(struct proc *p, struct proc *parent)
{
	struct proc_hook *ph;
	int error = 0;

	for (ph = hooks; ph != NULL && error == 0; ph = ph->ph_next)
		error = ph->ph_fork(p, parent);
	return error;
}

static void
proc_hooks_exit(struct proc *p)
{
	struct proc_hook *ph;

	for (ph = hooks; ph != NULL; ph = ph->ph_next)
		ph->ph_exit(p);
}

void
proc_hooks_exec(struct proc *p)
{
	struct proc_hook *ph;

	for (ph = hooks; ph != NULL; ph = ph->ph_next)
		ph->ph_exec(p);
}

/* Put the process where others find it. */
static void
proc_publish(struct proc *p, struct proc *parent)
{
	uint32_t flags =
	    atomic_load_explicit(&parent->p_flags, memory_order_relaxed);

	if (unlikely((flags & PF_PARENT) == 0))
		atomic_fetch_or_explicit(
		    &parent->p_flags, PF_PARENT, memory_order_relaxed);
	plist_insert(&parent->p_children, &p->p_sibling);
	pgrp_enter(proc_pgrp(p), p);
	/* Release pairs with the acquire in proc_find_locked. */
	atomic_store_explicit(&p->p_state, PROC_ACTIVE, memory_order_release);
}

/* Who is told of the parent's lwps is told of the child's. */
static void
proc_inherit_told(struct proc *p, struct proc *parent, struct lwp *l)
{
	if ((proc_flags(parent) & PF_TRACED) != 0)
		trace_inherit(p, parent, l);
	if ((proc_flags(parent) & PF_COUNTED) != 0)
		cputime_begin(p, l);
}

int
proc_create(struct proc *parent, int flags, struct lwp **lp)
{
	struct hostthread *ht = curht();
	struct proc *p;
	struct cred *cr;
	struct lwp *l;
	int error;

	if ((p = proc_get(ht)) == NULL)
		return ENOMEM;
	proc_inherit(p, parent);
	proc_reset(p, parent);
	cr = proc_cred(p);
	if (!proc_admit()) {
		error = EAGAIN;
		goto fail_proc;
	}
	if (!uidinfo_enter(cr->cr_uidinfo, !cred_is_root(cr),
		proc_limit(p, RLIMIT_NPROC))) {
		error = EAGAIN;
		goto fail_count;
	}
	if ((l = lwp_alloc(p, false)) == NULL) {
		error = ENOMEM;
		goto fail_uid;
	}
	if ((error = proc_inherit_fds(p, parent, flags)) != 0)
		goto fail_lwp;
	if (unlikely(parent->p_sigacts != NULL) &&
	    (error = signal_fork(p, parent)) != 0)
		goto fail_fd;
	if (unlikely(proc_ipc(parent) != NULL) &&
	    (error = proc_hooks_fork(p, parent)) != 0)
		goto fail_hooks;
	if ((error = pid_alloc(p)) != 0)
		goto fail_hooks;
	l->l_sigmask = curlwp()->l_sigmask;
	l->l_lid = p->p_nextlid = 1;
	LIST_INSERT_HEAD(&p->p_lwps, l, l_sibling);
	if (unlikely((proc_flags(parent) & (PF_TRACED | PF_COUNTED)) != 0))
		proc_inherit_told(p, parent, l);
	atomic_store_explicit(&p->p_nlwps, 1, memory_order_relaxed);
	proc_publish(p, parent);
	kqproc_fork(l, parent, proc_pid(p));
	*lp = l;
	return 0;

fail_hooks:
	if (unlikely(proc_ipc(p) != NULL))
		proc_hooks_exit(p);
	signal_exit(p);
fail_fd:
	fd_free(p);
fail_lwp:
	lwp_free(l, 0);
fail_uid:
	uidinfo_leave(cr->cr_uidinfo);
fail_count:
	proc_count(-1);
fail_proc:
	proc_put(p);
	return error;
}

/*
 * End
 */

/* A child gets process 1 as parent, whose zombies go at once: is it one? */
static bool
proc_adopt(struct proc *child)
{
	int zombie = PROC_ZOMBIE;

	atomic_store_explicit(&child->p_parent, initproc, memory_order_relaxed);
	atomic_store_explicit(
	    &child->p_ppid, proc_pid(initproc), memory_order_relaxed);
	/* Shards of different lists: ours, then process 1's. */
	plist_insert(&initproc->p_children, &child->p_sibling);
	return atomic_compare_exchange_strong_explicit(&child->p_state, &zombie,
	    PROC_DYING, memory_order_acquire, memory_order_relaxed);
}

/* Give a dying process's children to process 1. */
static void
proc_reparent(struct proc *p)
{
	struct plist_shard *s;
	struct plist_entry *pe;
	struct proc *child, *zombies = NULL;
	unsigned i;

	for (i = 0; (s = plist_nth(&p->p_children, i)) != NULL; i++) {
		mutex_enter(&s->ps_lock);
		while ((pe = LIST_FIRST(&s->ps_head)) != NULL) {
			child = container_of(pe, struct proc, p_sibling);
			LIST_REMOVE(pe, pe_link);
			if (proc_adopt(child)) {
				child->p_free = zombies;
				zombies = child;
			}
		}
		mutex_exit(&s->ps_lock);
	}
	while ((child = zombies) != NULL) {
		zombies = child->p_free;
		proc_free(child);
	}
}

void
proc_free(struct proc *p)
{
	struct plist_shard *s;
	struct proc *parent;
	pid_t pid = proc_pid(p);

	KASSERT(p->p_state == PROC_DYING);
	s = plist_lock(&p->p_sibling);
	parent = proc_parent(p);
	LIST_REMOVE(&p->p_sibling, pe_link);
	mutex_exit(&s->ps_lock);
	/* Whoever has found p is done with it once we have the lock. */
	mutex_enter(&p->p_lock);
	pgrp_leave(p);
	uidinfo_leave(proc_cred(p)->cr_uidinfo);
	atomic_store_explicit(&p->p_state, PROC_FREE, memory_order_relaxed);
	atomic_store_explicit(&p->p_pid, 0, memory_order_relaxed);
	mutex_exit(&p->p_lock);
	pid_free(pid);
	proc_count(-1);
	proc_put(p);
	/* Who began to wait after we have left the list does not see us. */
	if (unlikely(
		(atomic_load_explicit(&parent->p_flags, memory_order_relaxed) &
		    PF_WAITS) != 0))
		wait_wake(parent);
}

/* The last lwp of p has gone. */
static void
proc_exit(struct proc *p)
{
	uint32_t flags;

	KASSERT(p->p_state == PROC_DYING);
	if (atomic_load_explicit(&p->p_fd, memory_order_relaxed) != NULL)
		fd_free(p);
	if (unlikely(atomic_load_explicit(&p->p_timers, memory_order_relaxed) !=
		     NULL))
		ptimers_exit(p);
	if (unlikely(proc_ipc(p) != NULL))
		proc_hooks_exit(p);
	if (unlikely(proc_pgrp(p)->pg_session->pg_id == proc_pid(p)))
		ctty_exit(p);
	kqproc_exit(p);
	flags = proc_flags(p);
	if (unlikely((flags & PF_TRACED) != 0))
		trace_exit(p);
	if (unlikely((flags & PF_PARENT) != 0))
		proc_reparent(p);
	if (unlikely((flags & PF_SIGNAL) != 0))
		signal_exit(p);
	/* Does anybody want to know?  A parent that goes meanwhile does not. */
	if (unlikely((flags & PF_EXITING) != 0 ||
		     (atomic_load_explicit(
			  &proc_parent(p)->p_flags, memory_order_relaxed) &
			 (PF_WAITS | PF_CHLD)) != 0))
		wait_exit(p);
	else
		proc_free(p);
}

void
proc_detach_lwp(struct lwp *l)
{
	struct proc *p = l->l_proc;
	uint32_t n;
	bool last;

	mutex_enter(&p->p_lock);
	LIST_REMOVE(l, l_sibling);
	n = atomic_load_explicit(&p->p_nlwps, memory_order_relaxed) - 1;
	atomic_store_explicit(&p->p_nlwps, n, memory_order_relaxed);
	if (unlikely((atomic_load_explicit(&p->p_flags, memory_order_relaxed) &
			 PF_SIGNAL) != 0))
		sigq_leave(l);
	last =
	    n == 0 && (atomic_load_explicit(&p->p_flags, memory_order_relaxed) &
			  PF_SYSTEM) == 0;
	if (last)
		atomic_store_explicit(
		    &p->p_state, PROC_DYING, memory_order_relaxed);
	mutex_exit(&p->p_lock);
	if (last)
		proc_exit(p);
}

/*
 * Others
 */

struct proc *
proc_find_locked(pid_t pid)
{
	struct pidslot *ps = pid_slot(pid);
	struct proc *p;

	if (ps == NULL)
		return NULL;
	p = atomic_load_explicit(&ps->ps_proc, memory_order_acquire);
	if (p == NULL)
		return NULL;
	mutex_enter(&p->p_lock);
	/* Acquire pairs with the release in proc_publish. */
	if (likely(proc_pid(p) == pid &&
		   atomic_load_explicit(&p->p_state, memory_order_acquire) !=
		       PROC_FREE))
		return p;
	mutex_exit(&p->p_lock);
	return NULL;
}

int
proc_setid(struct proc *p, pid_t pid)
{
	pid_t old;
	uint64_t serial;
	struct plist_entry *pe;
	struct plist_shard *s;
	unsigned i;
	int error;

	if (pid == proc_pid(p))
		return 0;
	if ((atomic_load_explicit(&p->p_flags, memory_order_relaxed) &
		PF_SYSTEM) != 0)
		return EPERM;
	if ((error = pid_take(p, pid, &serial)) != 0)
		return error;
	mutex_enter(&p->p_lock);
	old = proc_pid(p);
	atomic_store_explicit(&p->p_pid, pid, memory_order_relaxed);
	p->p_serial = serial;
	mutex_exit(&p->p_lock);
	pid_free(old);
	for (i = 0; (s = plist_nth(&p->p_children, i)) != NULL; i++) {
		mutex_enter(&s->ps_lock);
		LIST_FOREACH (pe, &s->ps_head, pe_link)
			atomic_store_explicit(
			    &container_of(pe, struct proc, p_sibling)->p_ppid,
			    pid, memory_order_relaxed);
		mutex_exit(&s->ps_lock);
	}
	return 0;
}

/* Processes 0 and 1: without parents that matter, and for good. */
static struct proc *
proc_boot(pid_t pid, struct kref *shared[PS_COUNT], const char *name)
{
	struct pidslot *ps = pid_slot(pid);
	struct proc *p = kcache_alloc(proc_cache);
	int i;

	if (p == NULL || ps == NULL)
		return NULL;
	for (i = 0; i < PS_COUNT; i++)
		atomic_store_explicit(
		    &p->p_shared[i], shared[i], memory_order_relaxed);
	atomic_store_explicit(&p->p_pid, pid, memory_order_relaxed);
	atomic_store_explicit(&p->p_flags,
	    PF_SYSTEM | PF_PARENT | (kern_config.kc_cputime ? PF_COUNTED : 0),
	    memory_order_relaxed);
	atomic_store_explicit(&p->p_umask, 022, memory_order_relaxed);
	strncpy(p->p_name, name, sizeof(p->p_name) - 1);
	p->p_start = kern_monotonic();
	atomic_store_explicit(&p->p_parent, p, memory_order_relaxed);
	LIST_INIT(&p->p_lwps);
	pgrp_enter(proc_pgrp(p), p);
	(void)uidinfo_enter(proc_cred(p)->cr_uidinfo, false, 0);
	proc_count(1);
	atomic_store_explicit(&p->p_state, PROC_ACTIVE, memory_order_relaxed);
	atomic_store_explicit(&ps->ps_proc, p, memory_order_release);
	return p;
}

int
proc_init(struct kref *cwdi)
{
	struct kref *shared[PS_COUNT];
	struct pgrp *pg;

	/* A process read late is a process: zero once, stable ever after. */
	proc_cache =
	    kcache_init("proc", sizeof(struct proc), CACHE_LINE, KCACHE_STABLE);
	if (area_grow(&kmem_pid_area, 2 * sizeof(struct pidslot)) != 0 ||
	    cred_alloc(0, 0, 0, NULL, &cred0) != 0)
		return ENOMEM;
	shared[PS_CRED] = &cred0->cr_ref;
	shared[PS_CWDI] = cwdi;
	if ((shared[PS_LIMIT] = (struct kref *)limit_init()) == NULL ||
	    pgrp_make(0, NULL, &pg) != 0)
		return ENOMEM;
	shared[PS_PGRP] = &pg->pg_ref;
	if ((proc0 = proc_boot(0, shared, "system")) == NULL)
		return ENOMEM;
	for (int i = 0; i < PS_PGRP; i++)
		kref_hold(shared[i]);
	if (pgrp_make(1, NULL, &pg) != 0)
		return ENOMEM;
	shared[PS_PGRP] = &pg->pg_ref;
	if ((initproc = proc_boot(1, shared, "init")) == NULL)
		return ENOMEM;
	initproc->p_children.pl_wide = init_children;
	atomic_store_explicit(&initproc->p_parent, proc0, memory_order_relaxed);
	return 0;
}
