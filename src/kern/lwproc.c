/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The calls that bind host threads to lwps: rump_lwproc(3).
 *
 * What the application holds as a struct lwp pointer is l_handle, the
 * generation and number of a slot, and is never followed.  Taking an lwp is
 * one compare-and-swap on its state and leaving it one store, so a host thread
 * that switches waits for nobody.
 */
#include <inttypes.h>

#include <rump/rump.h>

#include "kern/boot.h"
#include "kern/cputime.h"
#include "kern/entry.h"
#include "kern/filedesc.h"
#include "kern/lwp.h"
#include "kern/proc_impl.h"
#include "kern/trace.h"

static const char switch_call[] = "rump_pub_lwproc_switch";

/* A handle whose lwp has no name any more: name the lwp that used it. */
static noreturn void
switch_unknown(uint64_t handle, const char *what)
{
	struct lwp *l = curlwp();

	panic("%s: lwp %d.%d: the lwp to switch to (%#" PRIx64 ") %s",
	    switch_call, lwp_isnobody(l) ? 1 : (int)proc_pid(l->l_proc),
	    l->l_lid, handle, what);
}

/* The lwp could not be taken: say why, and die. */
static noreturn void
switch_failed(uint64_t handle)
{
	struct lwp *l = lwp_slot(handle);
	uint32_t gen = (uint32_t)(handle >> 32), now, owner;
	uint64_t state;

	if (l == NULL || handle != lwp_handle(gen, l->l_slot))
		switch_unknown(handle, "is none");
	state = atomic_load_explicit(&l->l_state, memory_order_acquire);
	now = (uint32_t)(state >> 32);
	owner = (uint32_t)state;
	if (now == gen + 1)
		panic("%s: lwp %d.%d: released", switch_call, (int)l->l_lastpid,
		    l->l_lastlid);
	if (now > gen)
		switch_unknown(handle, "was released long ago");
	if (now < gen || owner == LWP_RELEASED)
		switch_unknown(handle, "is none");
	panic("%s: lwp %d.%d: already running on %s %s", switch_call,
	    (int)proc_pid(l->l_proc), l->l_lid,
	    owner == LWP_RUNNING + curctx()->kc_id ? "this" : "another",
	    hyper_host->hh_fibers ? "fiber" : "host thread");
}

/* The host thread leaves old for l; one of them has LW_TOLD.  In a section. */
static __attribute__((noinline)) void
switch_tell(struct lwp *old, struct lwp *l)
{
	if (((lwp_flags(old) | lwp_flags(l)) & LW_TRACED) != 0)
		trace_switch(old, l);
	if (kern_config.kc_cputime)
		cputime_charge(old);
}

/* Make l, which this host thread has taken or made, the current lwp. */
static void
lwproc_bind(struct lwp *l)
{
	struct lwp *old = curlwp();

	if (unlikely(((lwp_flags(old) | lwp_flags(l)) & LW_TOLD) != 0))
		switch_tell(old, l);
	setcurlwp(l);
	if (!lwp_is_implicit(old))
		lwp_leave(old);
}

static int
lwproc_rfork(struct lwp *l, int flags)
{
	struct lwp *newl;
	int error;

	if ((flags & ~(RUMP_RFFDG | RUMP_RFCFDG)) != 0 ||
	    flags == (RUMP_RFFDG | RUMP_RFCFDG))
		return EINVAL;
	error = proc_create(l->l_proc, flags, &newl);
	if (error == 0)
		lwproc_bind(newl);
	return error;
}

RUMP_EXPORT int
rump_pub_lwproc_rfork(int flags)
{
	struct lwp *l;
	int error;

	if ((l = syscall_enter()) == NULL)
		return syscall_refusal();
	error = lwproc_rfork(l, flags);
	syscall_exit();
	return error;
}

int
lwp_make(pid_t pid, struct lwp **lp)
{
	struct lwp *l, *lender = NULL;
	const struct lwp *me = curlwp(); /* none of a timer's */
	struct proc *p;
	int error;

	if ((p = proc_find_locked(pid)) == NULL)
		return ESRCH;
	if (atomic_load_explicit(&p->p_state, memory_order_relaxed) !=
	    PROC_ACTIVE)
		error = EBUSY;
	else if ((l = lwp_alloc(p, false)) == NULL)
		error = ENOMEM;
	else {
		/* A thread blocks what the one that makes it does. */
		if (me != NULL && me->l_proc == p)
			l->l_sigmask = me->l_sigmask;
		lender = fd_make_shared(p);
		lwp_attach(l);
		error = 0;
	}
	mutex_exit(&p->p_lock);
	if (error != 0)
		return error;
	if (unlikely(lender != NULL))
		fd_unlend(p, lender);
	*lp = l;
	return 0;
}

void
lwp_give(struct lwp *l, struct kcontext *kc)
{
	atomic_store_explicit(&l->l_ctx, kc, memory_order_relaxed);
	/* Release pairs with the acquire in lwp_owner. */
	atomic_store_explicit(&l->l_state,
	    lwp_state(lwp_generation(l), LWP_RUNNING + kc->kc_id),
	    memory_order_release);
}

void
lwp_end(uint64_t handle)
{
	struct lwp *l = curlwp();

	if (l->l_handle != handle) {
		if (!lwp_is_implicit(l))
			lwp_leave(l);
		l = lwp_take(handle, curctx());
		setcurlwp(l != NULL ? l : lwp_unbound());
	}
	if (l != NULL)
		lwp_release(l);
}

RUMP_EXPORT int
rump_pub_lwproc_newlwp(pid_t pid)
{
	struct lwp *l;
	int error;

	if (syscall_enter() == NULL)
		return syscall_refusal();
	if ((error = lwp_make(pid, &l)) == 0)
		lwproc_bind(l);
	syscall_exit();
	return error;
}

/* To l, which has been taken; one of them has LW_TOLD. */
static __attribute__((noinline)) void
switch_told(struct lwp *old, struct lwp *l)
{
	smr_enter(curht());
	switch_tell(old, l);
	syscall_exit();
	setcurlwp(l);
	if (!lwp_is_implicit(old))
		lwp_leave(old);
}

/* From or to an implicit context or none, or somebody is told. */
static __attribute__((noinline)) void
switch_slow(uint64_t handle)
{
	struct lwp *old = curlwp();
	struct lwp *l = NULL;

	if (lwp_isnobody(old) && handle == 0)
		return;
	if (!kern_booted())
		switch_unknown(handle, "is none: the kernel is not booted");
	if (curht() == NULL && hostthread_attach() != 0)
		switch_unknown(handle,
		    syscall_refusal() == ENOTSUP
			? "finds another host thread in a kernel of fibers"
			: "finds no memory for the host thread");
	if (handle != 0 && (l = lwp_take(handle, curctx())) == NULL)
		switch_failed(handle);
	if (l == NULL)
		l = lwp_unbound();
	if (lwp_has(old, LW_TOLD) || lwp_has(l, LW_TOLD)) {
		switch_told(old, l);
		return;
	}
	setcurlwp(l);
	if (!lwp_is_implicit(old))
		lwp_leave(old);
}

/* The usual switch is between two that are bound, and nobody is told. */
RUMP_EXPORT void
rump_pub_lwproc_switch(struct lwp *handle)
{
	struct lwp *old = curlwp(), *l;

	if (unlikely(lwp_has(old, LW_NOBODY | LW_TOLD | LW_IMPLICIT) ||
		     handle == NULL)) {
		switch_slow((uint64_t)(uintptr_t)handle);
		return;
	}
	l = lwp_take((uint64_t)(uintptr_t)handle, curctx());
	if (unlikely(l == NULL))
		switch_failed((uint64_t)(uintptr_t)handle);
	if (unlikely(lwp_has(l, LW_TOLD))) {
		switch_told(old, l);
		return;
	}
	setcurlwp(l);
	lwp_leave(old);
}

void
lwp_release(struct lwp *l)
{
	pid_t pid = proc_pid(l->l_proc);

	KASSERT(l == curlwp() && !lwp_is_implicit(l) && smr_entered());
	if (unlikely((lwp_flags(l) & LW_TOLD) != 0))
		switch_tell(l, lwp_unbound());
	proc_detach_lwp(l);
	setcurlwp(lwp_unbound());
	lwp_free(l, pid);
}

RUMP_EXPORT void
rump_pub_lwproc_releaselwp(void)
{
	struct lwp *l = curlwp();

	if (unlikely(lwp_is_implicit(l)))
		panic("rump_pub_lwproc_releaselwp: lwp 1.%d: "
		      "no current lwp: implicit context",
		    l->l_lid);
	smr_enter(curht());
	lwp_release(l);
	syscall_exit();
}

RUMP_EXPORT struct lwp *
rump_pub_lwproc_curlwp(void)
{
	return (struct lwp *)(uintptr_t)curlwp()->l_handle;
}

RUMP_EXPORT void
rump_pub_lwproc_sysent_usenative(void)
{
}

RUMP_EXPORT void
rump_pub_allbetsareoff_setid(pid_t pid, int lid)
{
	static const char call[] = "rump_pub_allbetsareoff_setid";
	struct lwp *l = curlwp();

	if (lwp_is_implicit(l))
		panic("%s: no current lwp: implicit context", call);
	smr_enter(curht());
	if (proc_setid(l->l_proc, pid) != 0)
		panic("%s: lwp %d.%d: pid %d cannot be used", call,
		    (int)proc_pid(l->l_proc), l->l_lid, (int)pid);
	mutex_enter(&l->l_proc->p_lock);
	l->l_lid = lid;
	if (l->l_proc->p_nextlid < lid)
		l->l_proc->p_nextlid = lid;
	mutex_exit(&l->l_proc->p_lock);
	syscall_exit();
}
