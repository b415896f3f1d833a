/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Resource limits.
 */
#include "kern/limit.h"

#include "kern/proc_impl.h"
#include "kern/uio.h"
#include "sysproto.h"

/* Nobody may have more descriptors; Linux's fs.nr_open. */
#define NOFILE_MAX 1048576

/* Bytes of message queues that a user may have; Linux's default. */
#define MSGQUEUE_MAX 819200

static void
limit_reclaim(struct smr_item *si)
{
	struct plimit *pl = container_of(si, struct plimit, pl_smr);

	kmem_free(pl, sizeof(*pl));
}

static void
limit_unref(struct kref *kr)
{
	smr_retire(&((struct plimit *)kr)->pl_smr, limit_reclaim);
}

static struct plimit *
limit_alloc(void)
{
	struct plimit *pl = kmem_alloc(sizeof(*pl));

	if (pl != NULL)
		kref_init(&pl->pl_ref, limit_unref);
	return pl;
}

struct plimit *
limit_init(void)
{
	struct plimit *pl = limit_alloc();
	int i;

	if (pl == NULL)
		return NULL;
	for (i = 0; i < RLIM_NLIMITS; i++)
		pl->pl_rlimit[i] =
		    (struct rlimit){RLIM_INFINITY, RLIM_INFINITY};
	pl->pl_rlimit[RLIMIT_NOFILE] = (struct rlimit){1024, NOFILE_MAX};
	pl->pl_rlimit[RLIMIT_MSGQUEUE] =
	    (struct rlimit){MSGQUEUE_MAX, MSGQUEUE_MAX};
	pl->pl_rlimit[RLIMIT_CORE].rlim_cur = 0;
	pl->pl_rlimit[RLIMIT_STACK].rlim_cur = 8 << 20;
	return pl;
}

/* May the caller change p's limits?  Its own, or with all ids the same. */
static bool
limit_may(struct lwp *l, struct proc *p)
{
	struct cred *me = proc_cred(l->l_proc), *cr = proc_cred(p);

	return p == l->l_proc || cred_is_root(me) ||
	       (me->cr_ruid == cr->cr_ruid && me->cr_ruid == cr->cr_euid &&
		   me->cr_ruid == cr->cr_svuid && me->cr_rgid == cr->cr_rgid &&
		   me->cr_rgid == cr->cr_egid && me->cr_rgid == cr->cr_svgid);
}

/* Put a limit into p, p_lock held, with memory that was made for it. */
static int
limit_set(struct lwp *l, struct proc *p, int which, const struct rlimit *new,
    struct plimit *pl)
{
	const struct plimit *old = proc_limits(p);

	KASSERT(mutex_owned(&p->p_lock));
	if (new->rlim_cur > new->rlim_max)
		return EINVAL;
	if (which == RLIMIT_NOFILE && new->rlim_max > NOFILE_MAX)
		return EPERM;
	if (new->rlim_max > old->pl_rlimit[which].rlim_max &&
	    !cred_is_root(proc_cred(l->l_proc)))
		return EPERM;
	memcpy(pl->pl_rlimit, old->pl_rlimit, sizeof(pl->pl_rlimit));
	pl->pl_rlimit[which] = *new;
	kref_rele(proc_setshared_locked(p, PS_LIMIT, &pl->pl_ref));
	return 0;
}

static int
limit_getset(struct lwp *l, pid_t pid, int which, const struct rlimit *new,
    struct rlimit *old)
{
	struct plimit *pl = NULL;
	struct proc *p;
	int error = 0;

	if (new != NULL && (pl = limit_alloc()) == NULL)
		return ENOMEM;
	if ((p = proc_find_locked(pid != 0 ? pid : proc_pid(l->l_proc))) ==
	    NULL)
		error = ESRCH;
	else {
		if (!limit_may(l, p))
			error = EPERM;
		else if (which < 0 || which >= (int)RLIM_NLIMITS)
			error = EINVAL;
		else {
			*old = proc_limits(p)->pl_rlimit[which];
			if (new != NULL)
				error = limit_set(l, p, which, new, pl);
		}
		mutex_exit(&p->p_lock);
	}
	if (error != 0 && pl != NULL)
		kmem_free(pl, sizeof(*pl));
	return error;
}

int
sys_getrlimit(struct lwp *l, int resource, struct rlimit *rlp)
{
	struct rlimit old;
	int error = limit_getset(l, 0, resource, NULL, &old);

	return error != 0 ? error : copyout(&old, rlp, sizeof(old));
}

int
sys_setrlimit(struct lwp *l, int resource, const struct rlimit *rlp)
{
	struct rlimit new, old;
	int error = copyin(rlp, &new, sizeof(new));

	return error != 0 ? error : limit_getset(l, 0, resource, &new, &old);
}

int
sys_prlimit(struct lwp *l, pid_t pid, int resource, const struct rlimit *newlim,
    struct rlimit *oldlim)
{
	struct rlimit new, old;
	int error;

	if (newlim != NULL && (error = copyin(newlim, &new, sizeof(new))) != 0)
		return error;
	error =
	    limit_getset(l, pid, resource, newlim != NULL ? &new : NULL, &old);
	if (error == 0 && oldlim != NULL)
		error = copyout(&old, oldlim, sizeof(old));
	return error;
}
