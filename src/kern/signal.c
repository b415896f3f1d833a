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

bool
proc_signal(struct proc *p, int signo)
{
	KASSERT(mutex_owned(&p->p_lock));
	switch (atomic_load_explicit(&model, memory_order_relaxed)) {
	case RUMP_SIGMODEL_IGNORE:
		return false;
	case RUMP_SIGMODEL_RAISE:
		return true;
	case RUMP_SIGMODEL_RECORD:
		atomic_fetch_or_explicit(&p->p_sigpend,
		    UINT64_C(1) << (signo - 1), memory_order_relaxed);
		if (signo == SIGKILL)
			proc_set_exiting(p);
		proc_interrupt(p);
		return false;
	default:
		panic(
		    "signal %d posted to process %d", signo, (int)proc_pid(p));
	}
}

/* Outside the section: a handler of the host's may run for long. */
void
signal_raise(int signo)
{
	struct hostthread *ht = curht();

	smr_exit(ht);
	hyper_raise(signo);
	smr_enter(ht);
}

void
signal_self(struct lwp *l, int signo)
{
	struct proc *p = l->l_proc;
	bool raise;

	if (atomic_load_explicit(&model, memory_order_relaxed) ==
	    RUMP_SIGMODEL_PANIC)
		return;
	mutex_enter(&p->p_lock);
	raise = proc_signal(p, signo);
	mutex_exit(&p->p_lock);
	if (raise)
		signal_raise(signo);
}

int
signal_efbig(struct lwp *l)
{
	if (proc_limit(l->l_proc, RLIMIT_FSIZE) != RLIM_INFINITY)
		signal_self(l, SIGXFSZ);
	return EFBIG;
}

/* May cr post to a process with the credential `to'? */
static bool
signal_may(const struct cred *cr, const struct cred *to)
{
	return cr->cr_euid == 0 || cr->cr_euid == to->cr_ruid ||
	       cr->cr_euid == to->cr_svuid || cr->cr_ruid == to->cr_ruid ||
	       cr->cr_ruid == to->cr_svuid;
}

/* May l post signo to p?  Also SIGCONT to its own session. */
static bool
kill_may(struct lwp *l, struct proc *p, int signo)
{
	return signal_may(proc_cred(l->l_proc), proc_cred(p)) ||
	       (signo == SIGCONT && proc_pgrp(p)->pg_session ==
					proc_pgrp(l->l_proc)->pg_session);
}

/* A kill, and how it went. */
struct kill {
	struct lwp *k_lwp;
	int k_signo;
	int k_error;	  /* ESRCH, then EPERM or EINVAL, then 0 */
	unsigned k_raise; /* times to raise it on the host */
};

/* p is found and locked: post to it if that is allowed. */
static void
kill_locked(struct kill *k, struct proc *p)
{
	int error = 0;

	KASSERT(mutex_owned(&p->p_lock));
	if (k->k_signo < 0 || k->k_signo > NSIGNAL)
		error = EINVAL;
	else if (!kill_may(k->k_lwp, p, k->k_signo))
		error = EPERM;
	else if (k->k_signo != 0)
		k->k_raise += proc_signal(p, k->k_signo);
	if (error == 0 || k->k_error == ESRCH)
		k->k_error = error;
}

static void
kill_one(struct kill *k, pid_t pid)
{
	struct proc *p = proc_find_locked(pid);

	if (p == NULL)
		return;
	kill_locked(k, p);
	mutex_exit(&p->p_lock);
}

bool
signal_ignored(void)
{
	int m = atomic_load_explicit(&model, memory_order_relaxed);

	return m == RUMP_SIGMODEL_IGNORE || m == RUMP_SIGMODEL_PANIC;
}

void
signal_process(pid_t pid, int signo)
{
	struct proc *p;
	bool raise;

	if (signal_ignored() || (p = proc_find_locked(pid)) == NULL)
		return;
	raise = proc_signal(p, signo);
	mutex_exit(&p->p_lock);
	if (raise)
		signal_raise(signo);
}

/* Every process but 0, 1 and the caller's. */
static bool
kill_each(struct proc *p, void *arg)
{
	struct kill *k = arg;

	if (proc_pid(p) > 1 && p != k->k_lwp->l_proc)
		kill_locked(k, p);
	return true;
}

static void
kill_group(struct kill *k, pid_t pgid)
{
	struct pgrp *pg = pgrp_find(pgid);
	pid_t *pids;
	size_t i, n, size;
	int error;

	if (pg == NULL)
		return;
	error = pgrp_pids(pg, &pids, &size, &n);
	kref_rele(&pg->pg_ref);
	if (error != 0) {
		k->k_error = error;
		return;
	}
	for (i = 0; i < n; i++)
		kill_one(k, pids[i]);
	if (size != 0)
		kmem_free(pids, size);
}

/* Without memory for its members the group is not told. */
void
signal_group(pid_t pgid, int signo)
{
	struct pgrp *pg = pgrp_find(pgid);
	pid_t *pids;
	size_t i, n, size;

	if (pg == NULL)
		return;
	if (pgrp_pids(pg, &pids, &size, &n) == 0) {
		for (i = 0; i < n; i++)
			signal_process(pids[i], signo);
		if (size != 0)
			kmem_free(pids, size);
	}
	kref_rele(&pg->pg_ref);
}

int
sys_kill(struct lwp *l, pid_t pid, int sig)
{
	struct kill k = {.k_lwp = l, .k_signo = sig, .k_error = ESRCH};

	if (pid > 0)
		kill_one(&k, pid);
	else if (pid == 0)
		kill_group(&k, proc_pgrp(l->l_proc)->pg_id);
	else if (pid == -1)
		proc_foreach(kill_each, &k);
	else if (pid != INT_MIN)
		kill_group(&k, -pid);
	while (k.k_raise-- > 0)
		signal_raise(sig);
	return k.k_error;
}
