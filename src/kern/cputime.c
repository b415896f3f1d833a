/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CPU time of processes; see cputime.h.
 *
 * The host tells what a thread took in all, not how much of that was spent in
 * its kernel: it counts as the program's.
 */
#include "kern/cputime.h"

#include "kern/ktime.h"
#include "kern/lwp.h"
#include "kern/proc_impl.h"

void
cputime_begin(struct proc *p, struct lwp *l)
{
	atomic_store_explicit(&p->p_cputime, 0, memory_order_relaxed);
	atomic_store_explicit(&p->p_childtime, 0, memory_order_relaxed);
	atomic_fetch_or_explicit(&l->l_flags, LW_COUNTED, memory_order_relaxed);
}

void
cputime_charge(struct lwp *old)
{
	struct proc *p = lwp_isnobody(old) ? initproc : old->l_proc;
	struct kcontext *kc = curctx();
	int64_t now = hyper_clock(HYPER_CLOCK_THREAD);

	atomic_fetch_add_explicit(
	    &p->p_cputime, now - kc->kc_charged, memory_order_relaxed);
	kc->kc_charged = now;
}

int64_t
cputime_self(struct lwp *l)
{
	cputime_charge(l);
	return atomic_load_explicit(
	    &l->l_proc->p_cputime, memory_order_relaxed);
}

void
cputime_inherit(struct proc *parent, struct proc *child)
{
	atomic_fetch_add_explicit(&parent->p_childtime,
	    atomic_load_explicit(&child->p_cputime, memory_order_relaxed) +
		atomic_load_explicit(&child->p_childtime, memory_order_relaxed),
	    memory_order_relaxed);
}

void
cputime_rusage(struct rusage *ru, int64_t ns)
{
	memset(ru, 0, sizeof(*ru));
	ru->ru_utime.tv_sec = ns / NSEC_PER_SEC;
	ru->ru_utime.tv_usec = ns % NSEC_PER_SEC / 1000;
}
