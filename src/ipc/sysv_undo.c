/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SEM_UNDO: what a process has done to semaphores of System V that its end is
 * to take back.
 *
 * A semundo is its process's, in a list there, and is in a list of its set,
 * too, until that goes; then un_id is -1, and the process frees it when it
 * looks through its list or ends.
 *
 * Locks: pc_lock of the process, then so_lock of the set.
 */
#include "ipc/procipc.h"
#include "ipc/sysv_sem.h"

static size_t
semundo_size(unsigned nsems)
{
	return sizeof(struct semundo) + nsems * sizeof(int16_t);
}

static void
semundo_free(struct semundo *un)
{
	LIST_REMOVE(un, un_proclink);
	kmem_free(un, semundo_size(un->un_nsems));
}

static int
undo_id(const struct semundo *un)
{
	/* Acquire pairs with the release in semundo_detach. */
	return atomic_load_explicit(&un->un_id, memory_order_acquire);
}

/* One for a set that the process has none for. */
static int
semundo_make(struct procipc *pc, int id, struct semundo **unp)
{
	struct semundo *un;
	struct sysvobj *so;
	struct semset *ss;
	int error;

	if ((error = sysv_find(&sysv_sems, id, &so)) != 0)
		return error;
	ss = so_to_ss(so);
	if ((un = kmem_zalloc(semundo_size(ss->ss_nsems))) != NULL) {
		atomic_init(&un->un_id, id);
		un->un_nsems = ss->ss_nsems;
		LIST_INSERT_HEAD(&ss->ss_undos, un, un_setlink);
		LIST_INSERT_HEAD(&pc->pc_undos, un, un_proclink);
	}
	mutex_exit(&so->so_lock);
	*unp = un;
	return un != NULL ? 0 : ENOMEM;
}

int
semundo_get(struct lwp *l, int id, struct semundo **unp)
{
	struct semundo *un, *next;
	struct procipc *pc;
	int error = procipc_get(l->l_proc, &pc);

	if (error != 0)
		return error;
	*unp = NULL;
	mutex_enter(&pc->pc_lock);
	for (un = LIST_FIRST(&pc->pc_undos); un != NULL; un = next) {
		next = LIST_NEXT(un, un_proclink);
		if (undo_id(un) == id)
			*unp = un;
		else if (undo_id(un) == -1)
			semundo_free(un);
	}
	if (*unp == NULL)
		error = semundo_make(pc, id, unp);
	mutex_exit(&pc->pc_lock);
	return error;
}

void
semundo_clear(struct semset *ss, int semnum)
{
	struct semundo *un;

	KASSERT(mutex_owned(&ss->ss_obj.so_lock));
	LIST_FOREACH (un, &ss->ss_undos, un_setlink) {
		if (semnum >= 0)
			un->un_adj[semnum] = 0;
		else
			memset(un->un_adj, 0, un->un_nsems * sizeof(int16_t));
	}
}

void
semundo_detach(struct semset *ss)
{
	struct semundo *un;

	KASSERT(mutex_owned(&ss->ss_obj.so_lock));
	while ((un = LIST_FIRST(&ss->ss_undos)) != NULL) {
		LIST_REMOVE(un, un_setlink);
		/* Release: it may be freed from now on. */
		atomic_store_explicit(&un->un_id, -1, memory_order_release);
	}
}

/* Take it back: values stay in their range, as on Linux. */
static void
semundo_apply(struct semset *ss, const struct semundo *un, pid_t pid)
{
	unsigned i;
	int value;

	for (i = 0; i < un->un_nsems; i++) {
		if (un->un_adj[i] == 0)
			continue;
		value = ss->ss_sems[i].s_value + un->un_adj[i];
		if (value < 0)
			value = 0;
		if (value > SEM_VALUE)
			value = SEM_VALUE;
		ss->ss_sems[i].s_value = value;
		ss->ss_sems[i].s_pid = pid;
	}
	ss->ss_otime = sysv_now();
	sem_retry(ss);
}

void
semundo_exit(struct procipc *pc, pid_t pid)
{
	struct semundo *un;
	struct sysvobj *so;

	mutex_enter(&pc->pc_lock);
	while ((un = LIST_FIRST(&pc->pc_undos)) != NULL) {
		if (sysv_find(&sysv_sems, undo_id(un), &so) == 0) {
			LIST_REMOVE(un, un_setlink);
			semundo_apply(so_to_ss(so), un, pid);
			mutex_exit(&so->so_lock);
		}
		semundo_free(un);
	}
	mutex_exit(&pc->pc_lock);
}
