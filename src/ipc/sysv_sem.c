/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Semaphores of System V: sets, and operations on several of a set at once.
 *
 * An operation that cannot be done now waits in the set, in order of arrival.
 * Whoever changes a value does on their behalf what can be done now
 * (sem_retry), and wakes those: so a value that is there for a moment only is
 * seen by who waited for it.
 *
 * In the child of the host's fork(2) nobody waits any more: requests from
 * before it, told by sr_forks, are taken out when they are met.
 */
#include "ipc/sysv_sem.h"

#include "ipc/limits.h"
#include "sysproto.h"

/* Operations that need no memory. */
#define OPS_FEW 16

/*
 * Doing it
 */

/* The change to what the end of the process does.  ERANGE. */
static int
undo_apply(struct semundo *un, const struct sembuf *op)
{
	int adj = un->un_adj[op->sem_num] - op->sem_op;

	if (adj < -SEM_VALUE - 1 || adj > SEM_VALUE)
		return ERANGE;
	un->un_adj[op->sem_num] = (int16_t)adj;
	return 0;
}

/* One of several.  EAGAIN: not now. */
static int
sem_apply(struct semset *ss, struct semundo *un, const struct sembuf *op)
{
	struct sem *s = &ss->ss_sems[op->sem_num];
	int value = s->s_value + op->sem_op;

	if (value < 0 || (op->sem_op == 0 && s->s_value != 0))
		return EAGAIN;
	if (value > SEM_VALUE)
		return ERANGE;
	if ((op->sem_flg & SEM_UNDO) != 0 && undo_apply(un, op) != 0)
		return ERANGE;
	s->s_value = value;
	return 0;
}

static void
sem_revert(struct semset *ss, struct semundo *un, const struct sembuf *op)
{
	ss->ss_sems[op->sem_num].s_value -= op->sem_op;
	if ((op->sem_flg & SEM_UNDO) != 0)
		un->un_adj[op->sem_num] =
		    (int16_t)(un->un_adj[op->sem_num] + op->sem_op);
}

/* All of it or none.  EAGAIN: not now, because of sr_blocker. */
static int
sem_try(struct semset *ss, struct semreq *sr)
{
	unsigned i, n;
	int error = 0;

	KASSERT(mutex_owned(&ss->ss_obj.so_lock));
	for (i = 0; i < sr->sr_nops; i++)
		if ((error = sem_apply(ss, sr->sr_undo, &sr->sr_ops[i])) != 0)
			break;
	if (error != 0) {
		sr->sr_blocker = i;
		while (i-- > 0)
			sem_revert(ss, sr->sr_undo, &sr->sr_ops[i]);
		return error;
	}
	for (n = 0; n < sr->sr_nops; n++)
		ss->ss_sems[sr->sr_ops[n].sem_num].s_pid = sr->sr_pid;
	ss->ss_otime = sysv_now();
	return 0;
}

/* Can a request that waits be ended?  True if it has changed something. */
static bool
waiter_try(struct semset *ss, struct semreq *sr)
{
	if (sr->sr_forks != kern_forks) {
		TAILQ_REMOVE(&ss->ss_waiters, sr, sr_link);
		kmem_free(sr, semreq_size(sr->sr_nops));
		return false;
	}
	sr->sr_error = sem_try(ss, sr);
	if (sr->sr_error == EAGAIN)
		return false;
	TAILQ_REMOVE(&ss->ss_waiters, sr, sr_link);
	sr->sr_waits = false;
	cv_signal(&sr->sr_cv);
	return sr->sr_error == 0 && sr->sr_alters;
}

void
sem_retry(struct semset *ss)
{
	struct semreq *sr, *next;

	KASSERT(mutex_owned(&ss->ss_obj.so_lock));
	for (sr = TAILQ_FIRST(&ss->ss_waiters); sr != NULL; sr = next) {
		next = TAILQ_NEXT(sr, sr_link);
		/* What has changed may let those before it go on. */
		if (waiter_try(ss, sr))
			next = TAILQ_FIRST(&ss->ss_waiters);
	}
}

void
sem_fail(struct semset *ss, int error)
{
	struct semreq *sr;

	while ((sr = TAILQ_FIRST(&ss->ss_waiters)) != NULL) {
		TAILQ_REMOVE(&ss->ss_waiters, sr, sr_link);
		if (sr->sr_forks != kern_forks) {
			kmem_free(sr, semreq_size(sr->sr_nops));
			continue;
		}
		sr->sr_error = error;
		sr->sr_waits = false;
		cv_signal(&sr->sr_cv);
	}
}

/*
 * Waiting
 */

/* A request like sr, with a copy of the operations, in memory of its own. */
static struct semreq *
semreq_copy(const struct semreq *sr)
{
	struct semreq *copy = kmem_alloc(semreq_size(sr->sr_nops));

	if (copy == NULL)
		return NULL;
	*copy = *sr;
	memcpy(copy->sr_copy, sr->sr_ops, sr->sr_nops * sizeof(*sr->sr_ops));
	copy->sr_ops = copy->sr_copy;
	copy->sr_forks = kern_forks;
	copy->sr_waits = true;
	return copy;
}

/* The set is locked, and may be another one's afterwards. */
static int
sem_sleep(struct semset *ss, const struct semreq *what, int64_t deadline)
{
	struct semreq *sr = semreq_copy(what);
	int error = 0;

	if (sr == NULL)
		return ENOMEM;
	TAILQ_INSERT_TAIL(&ss->ss_waiters, sr, sr_link);
	while (sr->sr_waits && error == 0)
		error = sysv_wait(&sr->sr_cv, &ss->ss_obj, deadline);
	if (sr->sr_waits) {
		TAILQ_REMOVE(&ss->ss_waiters, sr, sr_link);
		if (error == ETIMEDOUT)
			error = EAGAIN;
	} else
		error = sr->sr_error;
	kmem_free(sr, semreq_size(sr->sr_nops));
	return error;
}

/* Does it wait if it cannot be done now? */
static bool
semreq_maywait(const struct semreq *sr)
{
	return (sr->sr_ops[sr->sr_blocker].sem_flg & IPC_NOWAIT) == 0;
}

static int
sem_operate(
    struct lwp *l, int id, struct semreq *sr, unsigned last, int64_t deadline)
{
	struct sysvobj *so;
	struct semset *ss;
	int error;

	if ((error = sysv_find(&sysv_sems, id, &so)) != 0)
		return error;
	ss = so_to_ss(so);
	if (last >= ss->ss_nsems)
		error = EFBIG;
	else
		error = sysv_access(l, so, sr->sr_alters ? SYSV_W : SYSV_R);
	if (error == 0 && (error = sem_try(ss, sr)) == 0) {
		if (sr->sr_alters)
			sem_retry(ss);
	} else if (error == EAGAIN && semreq_maywait(sr))
		error = sem_sleep(ss, sr, deadline);
	mutex_exit(&so->so_lock);
	return error;
}

static int
sem_op(struct lwp *l, int id, const struct sembuf *ops, size_t nops,
    int64_t deadline)
{
	struct semreq sr = {.sr_ops = ops,
	    .sr_nops = (unsigned)nops,
	    .sr_pid = proc_pid(l->l_proc)};
	unsigned last = 0;
	bool undo = false;
	size_t i;
	int error;

	for (i = 0; i < nops; i++) {
		if (ops[i].sem_num > last)
			last = ops[i].sem_num;
		sr.sr_alters |= ops[i].sem_op != 0;
		undo |= (ops[i].sem_flg & SEM_UNDO) != 0;
	}
	if (undo && (error = semundo_get(l, id, &sr.sr_undo)) != 0)
		return error;
	return sem_operate(l, id, &sr, last, deadline);
}

int
sys_semtimedop(struct lwp *l, int id, struct sembuf *uops, size_t nops,
    const struct timespec *timeout)
{
	struct sembuf few[OPS_FEW], *ops = few;
	int64_t deadline;
	int error;

	if (nops < 1 || id < 0)
		return EINVAL;
	if (nops > SEM_OPS)
		return E2BIG;
	if ((error = copyin_deadline(timeout, &deadline)) != 0)
		return error;
	if (nops > OPS_FEW && (ops = kmem_alloc(nops * sizeof(*ops))) == NULL)
		return ENOMEM;
	error = copyin(uops, ops, nops * sizeof(*ops));
	if (error == 0)
		error = sem_op(l, id, ops, nops, deadline);
	if (ops != few)
		kmem_free(ops, nops * sizeof(*ops));
	return error;
}

int
sys_semop(struct lwp *l, int id, struct sembuf *ops, size_t nops)
{
	return sys_semtimedop(l, id, ops, nops, NULL);
}
