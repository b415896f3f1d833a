/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sessions and job control.
 *
 * The founder of a session (proc_impl.h) points to its controlling terminal
 * and has a reference to it; the terminal points to the founder and to the
 * foreground group and has references to them.  ctty_lock, the only one for
 * all terminals, covers these.  They part when the master is closed, when the
 * leader ends, or when it asks for that.
 */
#include <signal.h>

#include "kern/signal.h"
#include "kern/tty_impl.h"

static struct kmutex ctty_lock;

static struct pgrp *
lwp_session(struct lwp *l)
{
	return proc_pgrp(l->l_proc)->pg_session;
}

static bool
lwp_isleader(struct lwp *l)
{
	return lwp_session(l)->pg_id == proc_pid(l->l_proc);
}

struct tty *
ctty_get(struct lwp *l)
{
	struct tty *t;

	mutex_enter(&ctty_lock);
	if ((t = lwp_session(l)->pg_tty) != NULL)
		kref_hold(&t->t_ref);
	mutex_exit(&ctty_lock);
	return t;
}

bool
tty_isctty(struct lwp *l, struct tty *t)
{
	bool is;

	mutex_enter(&ctty_lock);
	is = lwp_session(l)->pg_tty == t;
	mutex_exit(&ctty_lock);
	return is;
}

/* What has been parted, to be dropped without locks. */
struct parted {
	struct pgrp *pt_session; /* NULL: there was nothing */
	struct pgrp *pt_foreground;
};

static struct parted
ctty_part_locked(struct tty *t)
{
	struct parted pt = {t->t_session, t->t_foreground};

	KASSERT(mutex_owned(&ctty_lock));
	if (pt.pt_session != NULL)
		pt.pt_session->pg_tty = NULL;
	t->t_session = t->t_foreground = NULL;
	return pt;
}

static void
parted_drop(struct tty *t, const struct parted *pt)
{
	if (pt->pt_session == NULL)
		return;
	kref_rele(&pt->pt_foreground->pg_ref);
	kref_rele(&pt->pt_session->pg_ref);
	kref_rele(&t->t_ref);
}

int
tty_setctty(struct lwp *l, struct tty *t, bool steal)
{
	struct pgrp *pg = proc_pgrp(l->l_proc), *session = pg->pg_session;
	struct parted pt = {NULL, NULL};
	int error = 0;

	mutex_enter(&ctty_lock);
	if (lwp_isleader(l) && t->t_session == session)
		goto out;
	if (!lwp_isleader(l) || session->pg_tty != NULL ||
	    (t->t_session != NULL && !steal)) {
		error = EPERM;
		goto out;
	}
	pt = ctty_part_locked(t);
	kref_hold(&t->t_ref);
	kref_hold(&session->pg_ref);
	kref_hold(&pg->pg_ref);
	session->pg_tty = t;
	t->t_session = session;
	t->t_foreground = pg;
out:
	mutex_exit(&ctty_lock);
	parted_drop(t, &pt);
	return error;
}

pid_t
tty_getpgrp(struct tty *t)
{
	pid_t pgid;

	mutex_enter(&ctty_lock);
	pgid = t->t_foreground != NULL ? t->t_foreground->pg_id : 0;
	mutex_exit(&ctty_lock);
	return pgid;
}

pid_t
tty_getsid(struct tty *t)
{
	pid_t sid;

	mutex_enter(&ctty_lock);
	sid = t->t_session != NULL ? t->t_session->pg_id : 0;
	mutex_exit(&ctty_lock);
	return sid;
}

int
tty_setpgrp(struct lwp *l, struct tty *t, pid_t pgid)
{
	struct pgrp *pg = pgrp_find(pgid), *old = pg;
	int error = 0;

	if (pg == NULL)
		return ESRCH;
	mutex_enter(&ctty_lock);
	if (lwp_session(l)->pg_tty != t)
		error = ENOTTY;
	else if (!pgrp_has_members(pg))
		error = ESRCH;
	else if (pg->pg_session != lwp_session(l))
		error = EPERM;
	else {
		old = t->t_foreground;
		t->t_foreground = pg;
	}
	mutex_exit(&ctty_lock);
	kref_rele(&old->pg_ref);
	return error;
}

void
tty_signal(struct tty *t, uint64_t signals)
{
	pid_t pgid = tty_getpgrp(t);
	int signo;

	if (pgid == 0)
		return;
	for (signo = 1; signo < 64; signo++)
		if ((signals >> signo & 1) != 0)
			signal_group(pgid, signo);
}

/*
 * Has the group nobody who could be told that it has stopped: a parent of a
 * member in the same session, but another group?  Without memory: no.
 */
static bool
pgrp_isorphaned(struct pgrp *pg)
{
	struct proc *p;
	pid_t *pids, ppid;
	size_t i, n, size;
	bool orphaned = true;

	if (pgrp_pids(pg, &pids, &size, &n) != 0)
		return false;
	for (i = 0; i < n && orphaned; i++) {
		if ((p = proc_find_locked(pids[i])) == NULL)
			continue;
		ppid = atomic_load_explicit(&p->p_ppid, memory_order_relaxed);
		mutex_exit(&p->p_lock);
		if ((p = proc_find_locked(ppid)) == NULL)
			continue;
		orphaned = proc_pgrp(p) == pg ||
			   proc_pgrp(p)->pg_session != pg->pg_session;
		mutex_exit(&p->p_lock);
	}
	if (size != 0)
		kmem_free(pids, size);
	return orphaned;
}

int
tty_background(struct lwp *l, struct tty *t, int signo)
{
	struct pgrp *pg = proc_pgrp(l->l_proc);
	bool background;

	mutex_enter(&ctty_lock);
	background = pg->pg_session->pg_tty == t && t->t_foreground != pg;
	mutex_exit(&ctty_lock);
	if (!background)
		return 0;
	if (signal_ignored(l, signo))
		return signo == SIGTTIN ? EIO : 0;
	if (pgrp_isorphaned(pg))
		return EIO;
	signal_group(pg->pg_id, signo);
	return EINTR;
}

int
tty_notty(struct lwp *l, struct tty *t)
{
	struct parted pt = {NULL, NULL};
	int error = 0;

	mutex_enter(&ctty_lock);
	if (lwp_session(l)->pg_tty != t)
		error = ENOTTY;
	else if (!lwp_isleader(l))
		error = EPERM;
	else
		pt = ctty_part_locked(t);
	mutex_exit(&ctty_lock);
	if (error == 0) {
		signal_group(pt.pt_foreground->pg_id, SIGHUP);
		signal_group(pt.pt_foreground->pg_id, SIGCONT);
		parted_drop(t, &pt);
	}
	return error;
}

void
tty_part(struct tty *t)
{
	struct parted pt;

	mutex_enter(&ctty_lock);
	pt = ctty_part_locked(t);
	mutex_exit(&ctty_lock);
	if (pt.pt_session == NULL)
		return;
	signal_process(pt.pt_session->pg_id, SIGHUP);
	signal_process(pt.pt_session->pg_id, SIGCONT);
	if (pt.pt_foreground != pt.pt_session)
		signal_group(pt.pt_foreground->pg_id, SIGHUP);
	parted_drop(t, &pt);
}

void
ctty_exit(struct proc *p)
{
	struct pgrp *session = proc_pgrp(p)->pg_session;
	struct parted pt = {NULL, NULL};
	struct tty *t = NULL;

	mutex_enter(&ctty_lock);
	if ((t = session->pg_tty) != NULL)
		pt = ctty_part_locked(t);
	mutex_exit(&ctty_lock);
	if (t == NULL)
		return;
	mutex_enter(&t->t_lock);
	t->t_hangups++;
	tty_leave(t);
	if (pt.pt_foreground != session)
		signal_group(pt.pt_foreground->pg_id, SIGHUP);
	parted_drop(t, &pt);
}
