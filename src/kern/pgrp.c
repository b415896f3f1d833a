/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Process groups and sessions; see proc_impl.h for what they are.
 *
 * Locks: a process changes groups under its p_lock; the member lists have the
 * locks of their shards.  A group is found through its pid slot and kept by a
 * reference; it is retired by smr.
 */
#include "kern/proc_impl.h"
#include "kern/uio.h"
#include "sysproto.h"

static struct plist_wide init_members[PLIST_WIDTH];

static void
pgrp_reclaim(struct smr_item *si)
{
	struct pgrp *pg = container_of(si, struct pgrp, pg_smr);

	if (pg->pg_login != NULL)
		kmem_free(pg->pg_login, LOGIN_SIZE);
	kmem_free(pg, sizeof(*pg));
}

/* The last reference has gone. */
static void
pgrp_unref(struct kref *kr)
{
	struct pgrp *pg = (struct pgrp *)kr, *me = pg;

	/* A newer group may have taken the id. */
	atomic_compare_exchange_strong_explicit(&pid_slot(pg->pg_id)->ps_pgrp,
	    &me, NULL, memory_order_release, memory_order_relaxed);
	if (pg->pg_session != pg)
		kref_rele(&pg->pg_session->pg_ref);
	smr_retire(&pg->pg_smr, pgrp_reclaim);
}

struct pgrp *
pgrp_find(pid_t id)
{
	struct pidslot *ps = pid_slot(id);
	struct pgrp *pg;

	if (ps == NULL)
		return NULL;
	/* Acquire pairs with the release in pgrp_make. */
	pg = atomic_load_explicit(&ps->ps_pgrp, memory_order_acquire);
	return pg != NULL && kref_tryhold(&pg->pg_ref) ? pg : NULL;
}

int
pgrp_make(pid_t id, struct pgrp *session, struct pgrp **pgp)
{
	struct pgrp *pg;

	if (session != NULL && (pg = pgrp_find(id)) != NULL) {
		if (pg->pg_session == session) {
			*pgp = pg;
			return 0;
		}
		kref_rele(&pg->pg_ref);
	}
	if ((pg = kmem_zalloc(sizeof(*pg))) == NULL)
		return ENOMEM;
	kref_init(&pg->pg_ref, pgrp_unref);
	pg->pg_id = id;
	pg->pg_session = session != NULL ? session : pg;
	if (session != NULL)
		kref_hold(&session->pg_ref);
	if (id == 1)
		pg->pg_members.pl_wide = init_members;
	atomic_store_explicit(&pid_slot(id)->ps_pgrp, pg, memory_order_release);
	*pgp = pg;
	return 0;
}

bool
pgrp_has_members(struct pgrp *pg)
{
	struct plist_shard *s;
	unsigned i;
	bool any = false;

	for (i = 0; !any && (s = plist_nth(&pg->pg_members, i)) != NULL; i++) {
		mutex_enter(&s->ps_lock);
		any = !LIST_EMPTY(&s->ps_head);
		mutex_exit(&s->ps_lock);
	}
	return any;
}

void
pgrp_enter(struct pgrp *pg, struct proc *p)
{
	plist_insert(&pg->pg_members, &p->p_pgmember);
}

void
pgrp_leave(struct proc *p)
{
	plist_remove(&p->p_pgmember);
}

struct kref *
proc_setpgrp(struct proc *p, struct pgrp *pg)
{
	KASSERT(mutex_owned(&p->p_lock));
	pgrp_leave(p);
	pgrp_enter(pg, p);
	return proc_setshared_locked(p, PS_PGRP, &pg->pg_ref);
}

/* Count the members, and store the pids of the first max. */
static size_t
pgrp_walk(struct pgrp *pg, pid_t *pids, size_t max)
{
	struct plist_shard *s;
	struct plist_entry *pe;
	unsigned i;
	size_t n = 0;

	for (i = 0; (s = plist_nth(&pg->pg_members, i)) != NULL; i++) {
		mutex_enter(&s->ps_lock);
		LIST_FOREACH (pe, &s->ps_head, pe_link) {
			if (n < max)
				pids[n] = proc_pid(
				    container_of(pe, struct proc, p_pgmember));
			n++;
		}
		mutex_exit(&s->ps_lock);
	}
	return n;
}

int
pgrp_pids(struct pgrp *pg, pid_t **pidsp, size_t *sizep, size_t *np)
{
	size_t max = pgrp_walk(pg, NULL, 0), n;

	*np = *sizep = 0;
	if (max == 0)
		return 0;
	*sizep = max * sizeof(pid_t);
	if ((*pidsp = kmem_alloc(*sizep)) == NULL)
		return ENOMEM;
	/* Those that came meanwhile are as if they came after the call. */
	n = pgrp_walk(pg, *pidsp, max);
	*np = n < max ? n : max;
	return 0;
}

/*
 * System calls
 */

/* The id of the group, or the session, of process pid (0: the caller's). */
static int
pgrp_of(struct lwp *l, pid_t pid, bool session, pid_t *retval)
{
	struct proc *p = l->l_proc;
	struct pgrp *pg;

	if (pid == 0 || pid == proc_pid(p)) {
		pg = proc_pgrp(p);
		*retval = session ? pg->pg_session->pg_id : pg->pg_id;
		return 0;
	}
	if ((p = proc_find_locked(pid)) == NULL)
		return ESRCH;
	pg = proc_pgrp(p);
	*retval = session ? pg->pg_session->pg_id : pg->pg_id;
	mutex_exit(&p->p_lock);
	return 0;
}

int
sys_getpgrp(struct lwp *l, pid_t *retval)
{
	return pgrp_of(l, 0, false, retval);
}

int
sys_getpgid(struct lwp *l, pid_t pid, pid_t *retval)
{
	return pgrp_of(l, pid, false, retval);
}

int
sys_getsid(struct lwp *l, pid_t pid, pid_t *retval)
{
	return pgrp_of(l, pid, true, retval);
}

/* The group that setpgid is to move p to, held. */
static int
setpgid_group(struct proc *p, pid_t pgid, struct pgrp **pgp)
{
	struct pgrp *session = proc_pgrp(p)->pg_session;

	if (pgid == proc_pid(p))
		return pgrp_make(pgid, session, pgp);
	if ((*pgp = pgrp_find(pgid)) == NULL)
		return EPERM;
	if ((*pgp)->pg_session == session && pgrp_has_members(*pgp))
		return 0;
	kref_rele(&(*pgp)->pg_ref);
	return EPERM;
}

int
sys_setpgid(struct lwp *l, pid_t pid, pid_t pgid)
{
	struct proc *me = l->l_proc, *p;
	struct pgrp *mine = proc_pgrp(me), *pg;
	struct kref *old = NULL;
	int error;

	if (pid == 0)
		pid = proc_pid(me);
	if (pgid == 0)
		pgid = pid;
	if (pgid < 0)
		return EINVAL;
	if ((p = proc_find_locked(pid)) == NULL)
		return ESRCH;
	if (p != me && atomic_load_explicit(&p->p_ppid, memory_order_relaxed) !=
			   proc_pid(me))
		error = ESRCH;
	else if (proc_pgrp(p)->pg_session != mine->pg_session ||
		 proc_pgrp(p)->pg_session->pg_id == pid)
		error = EPERM;
	else
		error = setpgid_group(p, pgid, &pg);
	if (error == 0)
		old = proc_setpgrp(p, pg);
	mutex_exit(&p->p_lock);
	if (old != NULL)
		kref_rele(old);
	return error;
}

int
sys_setsid(struct lwp *l, pid_t *retval)
{
	struct proc *p = l->l_proc;
	struct kref *old = NULL;
	struct pgrp *pg;
	int error = 0;

	mutex_enter(&p->p_lock);
	if ((pg = pgrp_find(proc_pid(p))) != NULL) {
		if (pgrp_has_members(pg))
			error = EPERM;
		kref_rele(&pg->pg_ref);
	}
	if (error == 0)
		error = pgrp_make(proc_pid(p), NULL, &pg);
	if (error == 0) {
		*retval = pg->pg_id;
		old = proc_setpgrp(p, pg);
	}
	mutex_exit(&p->p_lock);
	if (old != NULL)
		kref_rele(old);
	return error;
}

int
sys_getlogin_r(struct lwp *l, char *name, size_t size)
{
	struct pgrp *founder = proc_pgrp(l->l_proc)->pg_session;
	char login[LOGIN_SIZE];
	int error = 0;

	mutex_enter(&founder->pg_lock);
	if (founder->pg_login != NULL)
		memcpy(login, founder->pg_login, LOGIN_SIZE);
	else
		error = ENXIO;
	mutex_exit(&founder->pg_lock);
	if (error != 0)
		return error;
	if (size <= strlen(login))
		return ERANGE;
	return copyout(login, name, strlen(login) + 1);
}

int
sys_setlogin(struct lwp *l, const char *name)
{
	struct pgrp *founder = proc_pgrp(l->l_proc)->pg_session;
	char *login, *old;
	size_t len;
	int error;

	if (!cred_is_root(proc_cred(l->l_proc)))
		return EPERM;
	if ((login = kmem_zalloc(LOGIN_SIZE)) == NULL)
		return ENOMEM;
	error = copyinstr(name, login, LOGIN_SIZE, &len);
	if (error == 0 && len == 0)
		error = EINVAL;
	if (error != 0) {
		kmem_free(login, LOGIN_SIZE);
		return error == ENAMETOOLONG ? EINVAL : error;
	}
	mutex_enter(&founder->pg_lock);
	old = founder->pg_login;
	founder->pg_login = login;
	mutex_exit(&founder->pg_lock);
	if (old != NULL)
		kmem_free(old, LOGIN_SIZE);
	return 0;
}
