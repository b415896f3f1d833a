/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes of remote clients; see remote.h.
 */
#include "kern/remote.h"

#include <rump/rump.h>

#include "kern/cputime.h"
#include "kern/entry.h"
#include "kern/filedesc.h"
#include "kern/lwp.h"
#include "kern/signal_impl.h"
#include "sysproto.h"

static const struct remote_ops *_Atomic remote_ops;

void
remote_register(const struct remote_ops *ops)
{
	/* Release pairs with the acquire of remote_get. */
	atomic_store_explicit(&remote_ops, ops, memory_order_release);
}

static const struct remote_ops *
remote_get(void)
{
	return atomic_load_explicit(&remote_ops, memory_order_acquire);
}

int
remote_thread(void)
{
	return curht() != NULL ? 0 : hostthread_attach();
}

void
remote_thread_serve(bool on)
{
	struct kcontext *kc = curctx();

	kc->kc_server = on;
	/* Clients, and who serves them, want the processor. */
	kc->kc_hyper.hc_hasty = on;
}

void
remote_sleep(void)
{
	remote_get()->ro_sleep();
}

void
remote_post(struct proc *p, int signo)
{
	const struct remote_ops *ops = remote_get();

	if (ops != NULL)
		ops->ro_signal(
		    atomic_load_explicit(&p->p_remote, memory_order_relaxed),
		    signo);
}

void
remote_tree(void)
{
	const struct remote_ops *ops = remote_get();

	if (ops != NULL)
		ops->ro_tree();
}

bool
remote_late(void)
{
	const struct remote_ops *ops = remote_get();

	return ops != NULL && ops->ro_late();
}

bool
remote_ended(void)
{
	const struct remote_ops *ops = remote_get();

	return ops != NULL && ops->ro_ended();
}

/*
 * Entering and leaving
 */

struct lwp *
remote_enter(uint64_t handle)
{
	struct lwp *l = lwp_take(handle, curctx());

	if (l == NULL)
		return NULL;
	if (unlikely(lwp_has(l, LW_COUNTED)))
		cputime_charge(curlwp());
	setcurlwp(l);
	if (unlikely((atomic_load_explicit(&l->l_flags, memory_order_relaxed) &
			 LW_INTERRUPT) != 0))
		atomic_fetch_and_explicit(
		    &l->l_flags, ~LW_INTERRUPT, memory_order_relaxed);
	return l;
}

void
remote_leave(struct lwp *l)
{
	if (unlikely(lwp_has(l, LW_COUNTED)))
		cputime_charge(l);
	setcurlwp(curctx()->kc_implicit);
	lwp_leave(l);
}

void
remote_release(struct lwp *l)
{
	smr_enter(curht());
	lwp_release(l);
	syscall_exit();
}

pid_t
remote_pid(const struct lwp *l)
{
	return proc_pid(l->l_proc);
}

/*
 * Making
 */

static void
remote_name(struct proc *p, const char *name)
{
	if (name == NULL)
		return;
	mutex_enter(&p->p_lock);
	strncpy(p->p_name, name, sizeof(p->p_name) - 1);
	mutex_exit(&p->p_lock);
}

/* Where it cannot get out: it is root until it has its own credentials. */
static int
remote_confine(struct lwp *l, const struct remote_who *rw)
{
	struct rlimit rl;
	int error = 0;

	if (rw->rw_root != NULL && (error = sys_chroot(l, rw->rw_root)) == 0)
		error = sys_chdir(l, "/");
	if (error != 0 || rw->rw_maxfiles == 0 ||
	    (error = sys_getrlimit(l, RLIMIT_NOFILE, &rl)) != 0)
		return error;
	if (rl.rlim_max > rw->rw_maxfiles)
		rl.rlim_max = rw->rw_maxfiles;
	if (rl.rlim_cur > rl.rlim_max)
		rl.rlim_cur = rl.rlim_max;
	return sys_setrlimit(l, RLIMIT_NOFILE, &rl);
}

/* What a new process has that its parent, process 1, has not. */
static int
remote_dress(struct lwp *l, const struct remote_who *rw)
{
	struct proc *p = l->l_proc;
	int error;

	atomic_store_explicit(
	    &p->p_remote, rw->rw_session, memory_order_relaxed);
	atomic_fetch_or_explicit(&p->p_flags,
	    PF_REMOTE | (rw->rw_hosted ? PF_HOSTED : 0), memory_order_relaxed);
	remote_name(p, rw->rw_name);
	/* What process 1 has in its memory is not in the client's. */
	proc_hooks_exec(p);
	if ((error = console_open_std(l)) != 0)
		return error;
	if ((error = remote_confine(l, rw)) != 0)
		return error;
	/* A pid that somebody has is not to be had: then it is another. */
	if (rw->rw_pid > 1)
		(void)proc_setid(p, rw->rw_pid);
	error = sys_setgroups(l, rw->rw_ngroups, rw->rw_groups);
	if (error == 0)
		error = sys_setresgid(l, rw->rw_gid, rw->rw_gid, rw->rw_gid);
	if (error == 0)
		error = sys_setresuid(l, rw->rw_uid, rw->rw_uid, rw->rw_uid);
	atomic_fetch_and_explicit(&p->p_flags, ~PF_SUGID, memory_order_relaxed);
	return error;
}

int
remote_create(const struct remote_who *rw, uint64_t *handlep)
{
	struct lwp *l, *newl;
	int error;

	if ((l = syscall_enter()) == NULL)
		return syscall_refusal();
	KASSERT(lwp_is_implicit(l));
	if ((error = proc_create(initproc, RUMP_RFCFDG, &newl)) == 0) {
		setcurlwp(newl);
		*handlep = newl->l_handle;
		if ((error = remote_dress(newl, rw)) != 0)
			lwp_release(newl);
		else
			remote_leave(newl);
	}
	syscall_exit();
	return error;
}

int
remote_rfork(struct lwp *l, int flags, uint64_t *handlep)
{
	struct lwp *newl;
	int error;

	if ((flags & ~(RUMP_RFFDG | RUMP_RFCFDG)) != 0 ||
	    flags == (RUMP_RFFDG | RUMP_RFCFDG))
		return EINVAL;
	smr_enter(curht());
	if ((error = proc_create(l->l_proc, flags, &newl)) == 0) {
		*handlep = newl->l_handle;
		lwp_leave(newl);
	}
	syscall_exit();
	return error;
}

/* In another session's process nobody makes lwps. */
static bool
remote_samesession(uint64_t session, pid_t pid, int *errorp)
{
	struct proc *p;

	*errorp = ESRCH;
	if ((p = proc_find_locked(pid)) == NULL)
		return false;
	*errorp = EPERM;
	if ((atomic_load_explicit(&p->p_flags, memory_order_relaxed) &
		PF_REMOTE) != 0 &&
	    atomic_load_explicit(&p->p_remote, memory_order_relaxed) == session)
		*errorp = 0;
	mutex_exit(&p->p_lock);
	return *errorp == 0;
}

int
remote_newlwp(uint64_t session, pid_t pid, uint64_t *handlep)
{
	struct lwp *newl;
	int error;

	if (syscall_enter() == NULL)
		return syscall_refusal();
	if (remote_samesession(session, pid, &error) &&
	    (error = lwp_make(pid, &newl)) == 0) {
		*handlep = newl->l_handle;
		lwp_leave(newl);
	}
	syscall_exit();
	return error;
}

void
remote_adopt(struct lwp *l, uint64_t session, pid_t pid, const char *name)
{
	smr_enter(curht());
	atomic_store_explicit(
	    &l->l_proc->p_remote, session, memory_order_relaxed);
	if (pid > 1)
		(void)proc_setid(l->l_proc, pid);
	if (*name != '\0')
		remote_name(l->l_proc, name);
	syscall_exit();
}

void
remote_exec(struct lwp *l, const char *name, uid_t uid, gid_t gid)
{
	smr_enter(curht());
	/* Without memory it goes on as who it was. */
	(void)cred_exec(l, uid, gid);
	fd_closeexec(l);
	signal_exec(l->l_proc);
	proc_hooks_exec(l->l_proc);
	remote_name(l->l_proc, name);
	syscall_exit();
}

/*
 * Ends of sleeps and of processes
 */

/*
 * An lwp of type-stable memory may be another one by now: then that gets an
 * interrupt too many, which remote_enter takes back, or none.
 */
static struct lwp *
remote_find(uint64_t handle)
{
	struct lwp *l = lwp_slot(handle);

	if (l == NULL || l->l_handle != handle ||
	    atomic_load_explicit(&l->l_state, memory_order_acquire) >> 32 !=
		handle >> 32)
		return NULL;
	return l;
}

void
remote_interrupt(uint64_t handle)
{
	struct lwp *l;

	smr_enter(curht());
	if ((l = remote_find(handle)) != NULL && lwp_owner(l) >= LWP_RUNNING)
		lwp_interrupt(l);
	syscall_exit();
}

void
remote_kill(uint64_t handle)
{
	struct lwp *l;
	struct proc *p;

	smr_enter(curht());
	if ((l = remote_find(handle)) != NULL) {
		/* It does not go before its session has released it. */
		p = l->l_proc;
		mutex_enter(&p->p_lock);
		if ((atomic_load_explicit(&p->p_flags, memory_order_relaxed) &
			PF_REMOTE) != 0)
			proc_set_exiting(p, 0);
		mutex_exit(&p->p_lock);
	}
	syscall_exit();
}

/*
 * Signals
 */

bool
remote_signal(struct lwp *l, struct remote_signal *rs)
{
	struct sigframe sf;

	if ((lwp_flags(l) & LW_SIGNAL) == 0 && !curctx()->kc_sigrestore)
		return false;
	if (!signal_take(l, &sf))
		return false;
	rs->rs_info = sf.sf_info;
	rs->rs_handler = (uint64_t)(uintptr_t)sf.sf_action.ka_handler;
	rs->rs_oldmask = sf.sf_oldmask;
	rs->rs_flags = sf.sf_action.ka_flags;
	return true;
}

void
remote_sigreturn(struct lwp *l, uint64_t mask)
{
	signal_putback(l, mask);
}

int
remote_restart(int error)
{
	int restart = error == EINTR ? curctx()->kc_restart : SR_NEVER;

	curctx()->kc_restart = SR_NEVER;
	return restart;
}
