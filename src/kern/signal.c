/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals posted to processes.
 *
 * There are no handlers.  What a signal does is one of the four models of
 * rump_boot_setsigmodel: end the host process, nothing, a signal to the host
 * process, or, recorded, interrupt what the process sleeps in.
 */
#include "kern/signal.h"

#include <signal.h>

#include <rump/rump.h>

#include "kern/proc_impl.h"
#include "sysproto.h"

#define NSIGNAL 64

static _Atomic int model = RUMP_SIGMODEL_PANIC;

RUMP_EXPORT void
rump_boot_setsigmodel(enum rump_sigmodel m)
{
	atomic_store_explicit(&model, (int)m, memory_order_relaxed);
}

/* Nothing is to wait in this process any more. */
static void
proc_set_exiting(struct proc *p)
{
	struct lwp *l;

	atomic_fetch_or_explicit(&p->p_flags, PF_EXITING, memory_order_relaxed);
	LIST_FOREACH (l, &p->p_lwps, l_sibling)
		atomic_fetch_or_explicit(
		    &l->l_flags, LW_EXITING, memory_order_seq_cst);
}

void
proc_signal(struct proc *p, int signo)
{
	KASSERT(mutex_owned(&p->p_lock));
	switch (atomic_load_explicit(&model, memory_order_relaxed)) {
	case RUMP_SIGMODEL_IGNORE:
		break;
	case RUMP_SIGMODEL_RAISE:
		hyper_raise(signo);
		break;
	case RUMP_SIGMODEL_RECORD:
		atomic_fetch_or_explicit(&p->p_sigpend,
		    UINT64_C(1) << (signo - 1), memory_order_relaxed);
		if (signo == SIGKILL)
			proc_set_exiting(p);
		proc_interrupt(p);
		break;
	default:
		panic(
		    "signal %d posted to process %d", signo, (int)proc_pid(p));
	}
}

/* May cr post to a process with the credential `to'? */
static bool
signal_may(const struct cred *cr, const struct cred *to)
{
	return cr->cr_euid == 0 || cr->cr_euid == to->cr_ruid ||
	       cr->cr_euid == to->cr_svuid || cr->cr_ruid == to->cr_ruid ||
	       cr->cr_ruid == to->cr_svuid;
}

/* p is found and locked: post to it if that is allowed. */
static int
kill_locked(struct lwp *l, struct proc *p, int signo)
{
	KASSERT(mutex_owned(&p->p_lock));
	if (!signal_may(proc_cred(l->l_proc), proc_cred(p)))
		return EPERM;
	if (signo != 0)
		proc_signal(p, signo);
	return 0;
}

static int
kill_one(struct lwp *l, pid_t pid, int signo)
{
	struct proc *p = proc_find_locked(pid);
	int error;

	if (p == NULL)
		return ESRCH;
	error = kill_locked(l, p, signo);
	mutex_exit(&p->p_lock);
	return error;
}

/* A kill that goes to several processes: 0 if it reached one. */
struct kill {
	struct lwp *k_lwp;
	int k_signo;
	int k_error; /* so far: ESRCH, then EPERM, then 0 */
};

static void
kill_count(struct kill *k, int error)
{
	if (error == 0 || (error == EPERM && k->k_error == ESRCH))
		k->k_error = error;
}

/* Every process but 0, 1 and the caller's. */
static bool
kill_each(struct proc *p, void *arg)
{
	struct kill *k = arg;

	if (proc_pid(p) > 1 && p != k->k_lwp->l_proc)
		kill_count(k, kill_locked(k->k_lwp, p, k->k_signo));
	return true;
}

static int
kill_group(struct kill *k, pid_t pgid)
{
	struct pgrp *pg = pgrp_find(pgid);
	pid_t *pids;
	size_t i, n, size;
	int error;

	if (pg == NULL)
		return ESRCH;
	error = pgrp_pids(pg, &pids, &size, &n);
	kref_rele(&pg->pg_ref);
	if (error != 0)
		return error;
	for (i = 0; i < n; i++)
		kill_count(k, kill_one(k->k_lwp, pids[i], k->k_signo));
	if (size != 0)
		kmem_free(pids, size);
	return k->k_error;
}

int
sys_kill(struct lwp *l, pid_t pid, int sig)
{
	struct kill k = {.k_lwp = l, .k_signo = sig, .k_error = ESRCH};

	if (sig < 0 || sig > NSIGNAL)
		return EINVAL;
	if (pid > 0)
		return kill_one(l, pid, sig);
	if (pid == 0)
		return kill_group(&k, proc_pgrp(l->l_proc)->pg_id);
	if (pid != -1)
		return pid == INT_MIN ? ESRCH : kill_group(&k, -pid);
	proc_foreach(kill_each, &k);
	return k.k_error;
}
