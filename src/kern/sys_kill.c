/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls that post signals, and who may.
 *
 * The order of the checks is Linux's: the process, the number, the permission.
 */
#include "kern/signal_impl.h"
#include "kern/uio.h"
#include "sysproto.h"

/* A signal on its way, and how that went. */
struct kill {
	struct lwp *k_lwp; /* that posts it */
	siginfo_t k_info;
	int k_lid;   /* the lwp that it is for, or 0 */
	int k_error; /* ESRCH, then EPERM or EINVAL, then 0 */
};

static void
kill_init(struct kill *k, struct lwp *l, int signo, int code)
{
	memset(k, 0, sizeof(*k));
	k->k_lwp = l;
	k->k_error = ESRCH;
	k->k_info.si_signo = signo;
	k->k_info.si_code = code;
	k->k_info.si_pid = proc_pid(l->l_proc);
	k->k_info.si_uid = proc_cred(l->l_proc)->cr_ruid;
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
	return l->l_proc == p ||
	       signal_may(proc_cred(l->l_proc), proc_cred(p)) ||
	       (signo == SIGCONT && proc_pgrp(p)->pg_session ==
					proc_pgrp(l->l_proc)->pg_session);
}

/* p is found and locked: post to it if that is allowed. */
static int
kill_locked(struct kill *k, struct proc *p, unsigned *after)
{
	int signo = k->k_info.si_signo;
	struct lwp *l = NULL;

	KASSERT(mutex_owned(&p->p_lock));
	if (k->k_lid != 0 && (l = proc_lwp(p, k->k_lid)) == NULL)
		return ESRCH;
	if (signo < 0 || signo > NSIGNAL)
		return EINVAL;
	if (!kill_may(k->k_lwp, p, signo))
		return EPERM;
	if (signo == 0)
		return 0;
	return signal_post(p, l, &k->k_info, 0, after);
}

static void
kill_one(struct kill *k, pid_t pid)
{
	struct proc *p = proc_find_locked(pid);
	unsigned after = 0;
	int error;

	if (p == NULL)
		return;
	error = kill_locked(k, p, &after);
	mutex_exit(&p->p_lock);
	signal_after(p, k->k_info.si_signo, after);
	if (error == 0 || k->k_error == ESRCH)
		k->k_error = error;
}

/* Every process but 0, 1 and the caller's. */
static void
kill_all(struct kill *k)
{
	pid_t me = proc_pid(k->k_lwp->l_proc), pid;

	for (pid = 2; pid_slot(pid) != NULL; pid++)
		if (pid != me)
			kill_one(k, pid);
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

int
sys_kill(struct lwp *l, pid_t pid, int sig)
{
	struct kill k;

	kill_init(&k, l, sig, SI_USER);
	if (pid > 0)
		kill_one(&k, pid);
	else if (pid == 0)
		kill_group(&k, proc_pgrp(l->l_proc)->pg_id);
	else if (pid == -1)
		kill_all(&k);
	else if (pid != INT_MIN)
		kill_group(&k, -pid);
	return k.k_error;
}

int
sys_killpg(struct lwp *l, pid_t pgrp, int sig)
{
	if (pgrp < 0)
		return EINVAL;
	return sys_kill(l, -pgrp, sig);
}

int
sys_tgkill(struct lwp *l, pid_t pid, pid_t lid, int sig)
{
	struct kill k;

	if (pid <= 0 || lid <= 0)
		return EINVAL;
	kill_init(&k, l, sig, SI_TKILL);
	k.k_lid = lid;
	kill_one(&k, pid);
	return k.k_error;
}

/* With what the caller says of it. */
static int
kill_info(struct lwp *l, pid_t pid, int lid, int sig, const siginfo_t *uinfo)
{
	struct kill k;
	int error;

	kill_init(&k, l, sig, SI_QUEUE);
	k.k_lid = lid;
	if ((error = copyin(uinfo, &k.k_info, sizeof(k.k_info))) != 0)
		return error;
	k.k_info.si_signo = sig;
	/* Nobody is to speak for the kernel, or for kill, to others. */
	if ((k.k_info.si_code >= 0 || k.k_info.si_code == SI_TKILL) &&
	    pid != proc_pid(l->l_proc))
		return EPERM;
	kill_one(&k, pid);
	return k.k_error;
}

int
sys_rt_sigqueueinfo(struct lwp *l, pid_t pid, int sig, const siginfo_t *info)
{
	return kill_info(l, pid, 0, sig, info);
}

int
sys_rt_tgsigqueueinfo(
    struct lwp *l, pid_t pid, pid_t lid, int sig, const siginfo_t *info)
{
	if (pid <= 0 || lid <= 0)
		return EINVAL;
	return kill_info(l, pid, lid, sig, info);
}

int
sys_sigqueue(struct lwp *l, pid_t pid, int sig, const union sigval value)
{
	struct kill k;

	kill_init(&k, l, sig, SI_QUEUE);
	k.k_info.si_value = value;
	kill_one(&k, pid);
	return k.k_error;
}
