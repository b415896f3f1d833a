/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of processes, and waiting for children.
 *
 * Programs of old release processes and wait for none, so a process that was
 * simply released leaves nothing behind.  When its last lwp has gone it is a
 * zombie, with the status that wait gives, if
 *
 *	- its parent is not process 0 or 1, does not wait on the host, nor
 *	  ignores SIGCHLD or has set SA_NOCLDWAIT; and
 *	- it has ended by exit or by a signal, or its parent has waited for
 *	  children before or catches SIGCHLD.
 *
 * A zombie keeps its pid, its group and its place among its user's processes
 * until its parent has waited for it or goes itself.
 *
 * Locks: becoming a zombie, and being given to another parent, are under the
 * lock of the shard of p_sibling: so either the child sees the new parent or
 * who moves it sees the zombie.  Who takes p_state from ZOMBIE to DYING has
 * it to free.  A parent that waits holds its p_lock from looking at all
 * children to its sleep; a child that changes takes that lock to wake it.
 */
#include <sys/resource.h>
#include <sys/wait.h>

#include "kern/cputime.h"
#include "kern/lwp.h"
#include "kern/signal_impl.h"
#include "kern/uio.h"
#include "sysproto.h"

/*
 * What a parent is told
 */

/* The siginfo of a status as wait gives it. */
static void
status_info(siginfo_t *info, pid_t pid, uid_t uid, int status)
{
	memset(info, 0, sizeof(*info));
	info->si_signo = SIGCHLD;
	info->si_pid = pid;
	info->si_uid = uid;
	if (WIFEXITED(status)) {
		info->si_code = CLD_EXITED;
		info->si_status = WEXITSTATUS(status);
	} else if (WIFSTOPPED(status)) {
		info->si_code = CLD_STOPPED;
		info->si_status = WSTOPSIG(status);
	} else if (WIFCONTINUED(status)) {
		info->si_code = CLD_CONTINUED;
		info->si_status = SIGCONT;
	} else {
		info->si_code = CLD_KILLED;
		info->si_status = WTERMSIG(status);
	}
}

static int
event_status(uint32_t event)
{
	return event == PE_CONTINUED ? 0xffff : W_STOPCODE(event & 0xff);
}

/* Is SIGCHLD posted for this?  Not if it is ignored, even if it is blocked. */
static bool
parent_wants(struct proc *parent, const siginfo_t *info)
{
	const struct kaction *ka = signal_action(parent, SIGCHLD);

	if (ka == NULL)
		return true;
	if (ka->ka_handler == SIG_IGN)
		return false;
	return (ka->ka_flags & SA_NOCLDSTOP) == 0 ||
	       (info->si_code != CLD_STOPPED && info->si_code != CLD_CONTINUED);
}

/* Wake a parent, ppid if it still is, and post SIGCHLD to it. */
static void
parent_tell(struct proc *parent, pid_t ppid, const siginfo_t *info)
{
	unsigned after = 0;

	mutex_enter(&parent->p_lock);
	if (proc_pid(parent) == ppid) {
		if (parent_wants(parent, info))
			(void)signal_post(
			    parent, NULL, info, SP_KERNEL, &after);
		cv_broadcast(&parent->p_cv);
	}
	mutex_exit(&parent->p_lock);
	KASSERT(after == 0);
}

void
wait_wake(struct proc *p)
{
	mutex_enter(&p->p_lock);
	cv_broadcast(&p->p_cv);
	mutex_exit(&p->p_lock);
}

void
wait_event(struct proc *p)
{
	uint32_t event =
	    atomic_load_explicit(&p->p_event, memory_order_relaxed);
	struct plist_shard *s;
	struct proc *parent;
	siginfo_t info;
	pid_t ppid;

	if (event == 0)
		return;
	s = plist_lock(&p->p_sibling);
	parent = proc_parent(p);
	ppid = proc_pid(parent);
	mutex_exit(&s->ps_lock);
	status_info(
	    &info, proc_pid(p), proc_cred(p)->cr_ruid, event_status(event));
	parent_tell(parent, ppid, &info);
}

void
wait_exit(struct proc *p)
{
	struct plist_shard *s;
	struct proc *parent;
	siginfo_t info;
	bool zombie;
	pid_t ppid;

	status_info(&info, proc_pid(p), proc_cred(p)->cr_ruid,
	    atomic_load_explicit(&p->p_xstatus, memory_order_relaxed));
	s = plist_lock(&p->p_sibling);
	parent = proc_parent(p);
	ppid = proc_pid(parent);
	zombie = (proc_flags(parent) & (PF_SYSTEM | PF_NOCLD | PF_HOSTED)) == 0;
	if (zombie)
		/* Release pairs with the acquire in child_event. */
		atomic_store_explicit(
		    &p->p_state, PROC_ZOMBIE, memory_order_release);
	mutex_exit(&s->ps_lock);
	/* From here on a zombie is the parent's. */
	if (!zombie)
		proc_free(p);
	parent_tell(parent, ppid, &info);
}

/*
 * Waiting
 */

/* What is waited for. */
struct waitfor {
	idtype_t wf_type;
	pid_t wf_id;
	int wf_options;
};

/* What was found. */
struct waited {
	struct proc *wd_proc; /* NULL: none of the children that there are */
	pid_t wd_pid;
	uid_t wd_uid;
	int wd_status;
	int64_t wd_own, wd_children; /* CPU time; see cputime.h */
	bool wd_any;		     /* there are such children */
};

static bool
child_matches(struct proc *child, const struct waitfor *wf)
{
	/* A zombie will not do anything else. */
	if ((wf->wf_options & WEXITED) == 0 &&
	    atomic_load_explicit(&child->p_state, memory_order_relaxed) ==
		PROC_ZOMBIE)
		return false;
	switch (wf->wf_type) {
	case P_PID:
		return proc_pid(child) == wf->wf_id;
	case P_PGID:
		return proc_pgrp(child)->pg_id == wf->wf_id;
	default:
		return true;
	}
}

/* Has the child something to tell that is waited for?  Its status. */
static bool
child_event(struct proc *child, int options, int *status)
{
	uint32_t event =
	    atomic_load_explicit(&child->p_event, memory_order_relaxed);

	if (atomic_load_explicit(&child->p_state, memory_order_acquire) ==
	    PROC_ZOMBIE) {
		*status = atomic_load_explicit(
		    &child->p_xstatus, memory_order_relaxed);
		return (options & WEXITED) != 0;
	}
	*status = event_status(event);
	return ((event & PE_STOPPED) != 0 && (options & WSTOPPED) != 0) ||
	       (event == PE_CONTINUED && (options & WCONTINUED) != 0);
}

/* The oldest child, last in its list, that is waited for. */
static void
children_look(struct proc *p, const struct waitfor *wf, struct waited *wd)
{
	struct plist_shard *s;
	struct plist_entry *pe;
	struct proc *child;
	unsigned i;
	int status;

	KASSERT(mutex_owned(&p->p_lock));
	memset(wd, 0, sizeof(*wd));
	for (i = 0; (s = plist_nth(&p->p_children, i)) != NULL; i++) {
		mutex_enter(&s->ps_lock);
		LIST_FOREACH (pe, &s->ps_head, pe_link) {
			child = container_of(pe, struct proc, p_sibling);
			if (!child_matches(child, wf))
				continue;
			wd->wd_any = true;
			if (!child_event(child, wf->wf_options, &status))
				continue;
			wd->wd_proc = child;
			wd->wd_pid = proc_pid(child);
			wd->wd_uid = proc_cred(child)->cr_ruid;
			wd->wd_status = status;
			wd->wd_own = atomic_load_explicit(
			    &child->p_cputime, memory_order_relaxed);
			wd->wd_children = atomic_load_explicit(
			    &child->p_childtime, memory_order_relaxed);
		}
		mutex_exit(&s->ps_lock);
	}
}

/* It is waited for: nobody else gets it.  False if it is not there any more. */
static bool
child_take(const struct waited *wd)
{
	struct proc *child = wd->wd_proc;
	uint32_t event;
	int zombie = PROC_ZOMBIE;

	if (!WIFSTOPPED(wd->wd_status) && !WIFCONTINUED(wd->wd_status))
		return atomic_compare_exchange_strong_explicit(&child->p_state,
		    &zombie, PROC_DYING, memory_order_acquire,
		    memory_order_relaxed);
	event = WIFCONTINUED(wd->wd_status)
		    ? PE_CONTINUED
		    : PE_STOPPED | (uint32_t)WSTOPSIG(wd->wd_status);
	return atomic_compare_exchange_strong_explicit(&child->p_event, &event,
	    0, memory_order_relaxed, memory_order_relaxed);
}

/* Wait.  0, with wd_proc NULL for WNOHANG; ECHILD, EINTR. */
static int
wait_for(struct lwp *l, const struct waitfor *wf, struct waited *wd)
{
	struct proc *p = l->l_proc;
	bool zombie = false;
	int error = 0;

	/* A child that leaves our list from now on wakes us; see proc_free. */
	atomic_fetch_or_explicit(&p->p_flags, PF_WAITS, memory_order_seq_cst);
	mutex_enter(&p->p_lock);
	for (;;) {
		children_look(p, wf, wd);
		if (!wd->wd_any)
			error = ECHILD;
		else if (wd->wd_proc != NULL) {
			if ((wf->wf_options & WNOWAIT) == 0 && !child_take(wd))
				continue;
		} else if ((wf->wf_options & WNOHANG) == 0 &&
			   (error = cv_wait_sig(&p->p_cv, &p->p_lock)) == 0)
			continue;
		break;
	}
	zombie = error == 0 && wd->wd_proc != NULL &&
		 (wf->wf_options & WNOWAIT) == 0 &&
		 !WIFSTOPPED(wd->wd_status) && !WIFCONTINUED(wd->wd_status);
	mutex_exit(&p->p_lock);
	if (zombie) {
		cputime_inherit(p, wd->wd_proc);
		proc_free(wd->wd_proc);
	}
	return error;
}

#define WAIT_CLONE \
	((int)(__WNOTHREAD | __WALL | __WCLONE)) /* all are children */

int
sys_wait4(struct lwp *l, pid_t pid, int *status, int options,
    struct rusage *usage, pid_t *retval)
{
	struct waitfor wf = {P_ALL, 0, (options & ~WAIT_CLONE) | WEXITED};
	struct waited wd;
	struct rusage ru;
	int error;

	if ((options & ~(WNOHANG | WUNTRACED | WCONTINUED | WAIT_CLONE)) != 0)
		return EINVAL;
	if (pid == INT_MIN)
		return ESRCH;
	if (pid != -1)
		wf.wf_type = pid > 0 ? P_PID : P_PGID;
	wf.wf_id = pid > 0    ? pid
		   : pid == 0 ? proc_pgrp(l->l_proc)->pg_id
			      : -pid;
	if ((error = wait_for(l, &wf, &wd)) != 0 || wd.wd_proc == NULL)
		return error;
	*retval = wd.wd_pid;
	if (status != NULL)
		error = copyout(&wd.wd_status, status, sizeof(*status));
	if (error == 0 && usage != NULL) {
		cputime_rusage(&ru, wd.wd_own + wd.wd_children);
		error = copyout(&ru, usage, sizeof(ru));
	}
	return error;
}

int
sys_waitpid(struct lwp *l, pid_t pid, int *status, int options, pid_t *retval)
{
	return sys_wait4(l, pid, status, options, NULL, retval);
}

int
sys_wait(struct lwp *l, int *status, pid_t *retval)
{
	return sys_wait4(l, -1, status, 0, NULL, retval);
}

/* By type and id, as waitid does it. */
static int
wait_byid(
    struct lwp *l, idtype_t idtype, id_t id, int options, struct waited *wd)
{
	struct waitfor wf = {idtype, (pid_t)id, options & ~WAIT_CLONE};

	if ((options & ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED |
			   WAIT_CLONE)) != 0 ||
	    (options & (WEXITED | WSTOPPED | WCONTINUED)) == 0)
		return EINVAL;
	if (idtype != P_ALL && idtype != P_PID && idtype != P_PGID)
		return EINVAL;
	if ((idtype == P_PID && wf.wf_id <= 0) ||
	    (idtype == P_PGID && wf.wf_id < 0))
		return EINVAL;
	if (idtype == P_PGID && wf.wf_id == 0)
		wf.wf_id = proc_pgrp(l->l_proc)->pg_id;
	return wait_for(l, &wf, wd);
}

int
sys_waitid(
    struct lwp *l, idtype_t idtype, id_t id, siginfo_t *uinfo, int options)
{
	struct waited wd;
	siginfo_t info;
	int error;

	if ((error = wait_byid(l, idtype, id, options, &wd)) != 0)
		return error;
	memset(&info, 0, sizeof(info));
	if (wd.wd_proc != NULL)
		status_info(&info, wd.wd_pid, wd.wd_uid, wd.wd_status);
	return uinfo != NULL ? copyout(&info, uinfo, sizeof(info)) : 0;
}

int
sys_wait6(struct lwp *l, idtype_t idtype, id_t id, int *status, int options,
    struct rump_wrusage *usage, siginfo_t *uinfo, pid_t *retval)
{
	struct rump_wrusage wru;
	struct waited wd;
	siginfo_t info;
	int error;

	if ((error = wait_byid(l, idtype, id, options, &wd)) != 0)
		return error;
	*retval = wd.wd_pid;
	memset(&info, 0, sizeof(info));
	if (wd.wd_proc != NULL)
		status_info(&info, wd.wd_pid, wd.wd_uid, wd.wd_status);
	if (uinfo != NULL)
		error = copyout(&info, uinfo, sizeof(info));
	if (error != 0 || wd.wd_proc == NULL)
		return error;
	if (status != NULL)
		error = copyout(&wd.wd_status, status, sizeof(*status));
	if (error != 0 || usage == NULL)
		return error;
	cputime_rusage(&wru.wru_self, wd.wd_own);
	cputime_rusage(&wru.wru_children, wd.wd_children);
	return copyout(&wru, usage, sizeof(wru));
}

/*
 * The end
 */

int
sys_exit(struct lwp *l, int status)
{
	struct proc *p = l->l_proc;

	if ((proc_flags(p) & PF_SYSTEM) != 0)
		return EPERM;
	mutex_enter(&p->p_lock);
	proc_set_exiting(p, W_EXITCODE(status & 0xff, 0));
	mutex_exit(&p->p_lock);
	lwp_release(l);
	return 0;
}
