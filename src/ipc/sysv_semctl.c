/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Semaphores of System V: making sets, and semctl.
 */
#include <stdio.h>

#include "ipc/limits.h"
#include "ipc/sysv_sem.h"
#include "sysproto.h"

/*
 * Life
 */

static int
sem_line(const struct sysvobj *so, char *buf, size_t size)
{
	const struct semset *ss = container_of(so, const struct semset, ss_obj);

	return snprintf(buf, size,
	    "%10d %10d  %4o %10u %5u %5u %5u %5u %10lld %10lld\n", so->so_key,
	    so->so_id, (unsigned)so->so_mode, ss->ss_nsems, so->so_uid,
	    so->so_gid, so->so_cuid, so->so_cgid, (long long)ss->ss_otime,
	    (long long)ss->ss_ctime);
}

struct sysvtab sysv_sems = {
    .st_name = "sysvsem",
    .st_size = sizeof(struct semset),
    .st_most = SEM_SETS,
    .st_title = "       key      semid perms      nsems   uid   gid  cuid  cgid"
		"      otime      ctime\n",
    .st_line = sem_line,
};

static int
sem_check(struct sysvobj *so, void *arg)
{
	return *(int *)arg > (int)so_to_ss(so)->ss_nsems ? EINVAL : 0;
}

static int
sem_make(struct lwp *l, struct sysvobj *so, void *arg)
{
	struct semset *ss = so_to_ss(so);
	unsigned n = (unsigned)*(int *)arg;

	(void)l;
	if (n == 0)
		return EINVAL;
	if ((ss->ss_sems = kmem_zalloc(n * sizeof(*ss->ss_sems))) == NULL)
		return ENOMEM;
	ss->ss_nsems = n;
	ss->ss_otime = 0;
	ss->ss_ctime = sysv_now();
	TAILQ_INIT(&ss->ss_waiters);
	LIST_INIT(&ss->ss_undos);
	return 0;
}

int
sys_semget(struct lwp *l, key_t key, int nsems, int flags, int *retval)
{
	static const struct sysvmaker maker = {sem_check, sem_make};

	if (nsems < 0 || nsems > SEM_SETMAX)
		return EINVAL;
	return sysv_get(&sysv_sems, l, key, flags, &maker, &nsems, retval);
}

static int
sem_rmid(struct lwp *l, int id)
{
	struct sysvobj *so;
	struct semset *ss;
	int error = sysv_find_owned(&sysv_sems, l, id, &so);

	if (error != 0)
		return error;
	ss = so_to_ss(so);
	semundo_detach(ss);
	sem_fail(ss, EIDRM);
	kmem_free(ss->ss_sems, ss->ss_nsems * sizeof(*ss->ss_sems));
	sysv_remove(&sysv_sems, so);
	mutex_exit(&sysv_sems.st_lock);
	return 0;
}

/*
 * Control
 */

static int
sem_set(struct lwp *l, int id, const struct semid_ds *uds)
{
	struct semid_ds ds;
	struct sysvobj *so;
	int error;

	if ((error = copyin(uds, &ds, sizeof(ds))) != 0 ||
	    (error = sysv_find(&sysv_sems, id, &so)) != 0)
		return error;
	if ((error = sysv_owner(l, so)) == 0) {
		sysv_setperm(so, &ds.sem_perm);
		so_to_ss(so)->ss_ctime = sysv_now();
	}
	mutex_exit(&so->so_lock);
	return error;
}

/* IPC_STAT by id; SEM_STAT and SEM_STAT_ANY by place, whose value is the id. */
static int
sem_stat(struct lwp *l, int id, int cmd, struct semid_ds *uds, int *retval)
{
	struct semid_ds ds;
	struct sysvobj *so;
	int error = cmd == IPC_STAT ? sysv_find(&sysv_sems, id, &so)
				    : sysv_find_place(&sysv_sems, id, &so);

	if (error != 0)
		return error;
	if (cmd != SEM_STAT_ANY)
		error = sysv_access(l, so, SYSV_R);
	memset(&ds, 0, sizeof(ds));
	sysv_perm(so, &ds.sem_perm);
	ds.sem_otime = so_to_ss(so)->ss_otime;
	ds.sem_ctime = so_to_ss(so)->ss_ctime;
	ds.sem_nsems = so_to_ss(so)->ss_nsems;
	if (cmd != IPC_STAT)
		*retval = so->so_id;
	mutex_exit(&so->so_lock);
	return error != 0 ? error : copyout(&ds, uds, sizeof(ds));
}

static int
sem_info(int cmd, struct seminfo *uinfo, int *retval)
{
	struct seminfo si = {
	    .semmap = SEM_ALL,
	    .semmni = SEM_SETS,
	    .semmns = SEM_ALL,
	    .semmnu = SEM_ALL,
	    .semmsl = SEM_SETMAX,
	    .semopm = SEM_OPS,
	    .semume = SEM_OPS,
	    .semusz = 20,
	    .semvmx = SEM_VALUE,
	    .semaem = SEM_VALUE,
	};
	struct sysvobj *so;
	int place, last = sysv_last(&sysv_sems);

	if (cmd == SEM_INFO) {
		si.semusz = si.semaem = 0;
		for (place = 0; place <= last; place++) {
			if (sysv_find_place(&sysv_sems, place, &so) != 0)
				continue;
			si.semusz++;
			si.semaem += (int)so_to_ss(so)->ss_nsems;
			mutex_exit(&so->so_lock);
		}
	}
	*retval = last;
	return copyout(&si, uinfo, sizeof(si));
}

/* How many wait for it to grow or (zero) to become 0. */
static int
sem_waiting(const struct semset *ss, int semnum, bool zero)
{
	const struct sembuf *op;
	struct semreq *sr;
	int n = 0;

	TAILQ_FOREACH (sr, &ss->ss_waiters, sr_link) {
		op = &sr->sr_ops[sr->sr_blocker];
		n += sr->sr_forks == kern_forks && op->sem_num == semnum &&
		     (op->sem_op == 0) == zero;
	}
	return n;
}

/* What there is to know of one of a locked set. */
static int
sem_getone(const struct semset *ss, int semnum, int cmd)
{
	switch (cmd) {
	case GETVAL:
		return ss->ss_sems[semnum].s_value;
	case GETPID:
		return (int)ss->ss_sems[semnum].s_pid;
	default:
		return sem_waiting(ss, semnum, cmd == GETZCNT);
	}
}

static int
sem_one(struct lwp *l, int id, int semnum, int cmd, int value, int *retval)
{
	struct sysvobj *so;
	struct semset *ss;
	int error;

	if (cmd == SETVAL && (value < 0 || value > SEM_VALUE))
		return ERANGE;
	if ((error = sysv_find(&sysv_sems, id, &so)) != 0)
		return error;
	ss = so_to_ss(so);
	if (cmd == SETVAL && (semnum < 0 || (unsigned)semnum >= ss->ss_nsems))
		error = EINVAL;
	else
		error = sysv_access(l, so, cmd == SETVAL ? SYSV_W : SYSV_R);
	if (error == 0 && (semnum < 0 || (unsigned)semnum >= ss->ss_nsems))
		error = EINVAL;
	if (error == 0 && cmd == SETVAL) {
		semundo_clear(ss, semnum);
		ss->ss_sems[semnum].s_value = value;
		ss->ss_sems[semnum].s_pid = proc_pid(l->l_proc);
		ss->ss_ctime = sysv_now();
		sem_retry(ss);
	} else if (error == 0)
		*retval = sem_getone(ss, semnum, cmd);
	mutex_exit(&so->so_lock);
	return error;
}

int
sem_count(struct lwp *l, int id, int cmd, unsigned *np)
{
	struct sysvobj *so;
	int error = sysv_find(&sysv_sems, id, &so);

	if (error != 0)
		return error;
	error = sysv_access(l, so, cmd == SETALL ? SYSV_W : SYSV_R);
	*np = so_to_ss(so)->ss_nsems;
	mutex_exit(&so->so_lock);
	return error;
}

static int
sem_getall(int id, uint16_t *values, unsigned n)
{
	struct sysvobj *so;
	unsigned i;
	int error = sysv_find(&sysv_sems, id, &so);

	if (error != 0)
		return EIDRM;
	for (i = 0; i < n; i++)
		values[i] = (uint16_t)so_to_ss(so)->ss_sems[i].s_value;
	mutex_exit(&so->so_lock);
	return 0;
}

static int
sem_setall(struct lwp *l, int id, const uint16_t *values, unsigned n)
{
	struct sysvobj *so;
	struct semset *ss;
	unsigned i;

	for (i = 0; i < n; i++)
		if (values[i] > SEM_VALUE)
			return ERANGE;
	if (sysv_find(&sysv_sems, id, &so) != 0)
		return EIDRM;
	ss = so_to_ss(so);
	semundo_clear(ss, -1);
	for (i = 0; i < n; i++) {
		ss->ss_sems[i].s_value = values[i];
		ss->ss_sems[i].s_pid = proc_pid(l->l_proc);
	}
	ss->ss_ctime = sysv_now();
	sem_retry(ss);
	mutex_exit(&so->so_lock);
	return 0;
}

static int
sem_all(struct lwp *l, int id, int cmd, uint16_t *uvalues)
{
	uint16_t *values;
	unsigned n;
	int error;

	if ((error = sem_count(l, id, cmd, &n)) != 0)
		return error;
	if ((values = kmem_alloc(n * sizeof(*values))) == NULL)
		return ENOMEM;
	if (cmd == GETALL) {
		if ((error = sem_getall(id, values, n)) == 0)
			error = copyout(values, uvalues, n * sizeof(*values));
	} else if ((error = copyin(uvalues, values, n * sizeof(*values))) == 0)
		error = sem_setall(l, id, values, n);
	kmem_free(values, n * sizeof(*values));
	return error;
}

/* arg is a union semun. */
int
sys_semctl(
    struct lwp *l, int id, int semnum, int cmd, uintptr_t arg, int *retval)
{
	if (id < 0)
		return EINVAL;
	switch (cmd) {
	case IPC_RMID:
		return sem_rmid(l, id);
	case IPC_SET:
		return sem_set(l, id, (const struct semid_ds *)arg);
	case IPC_STAT:
	case SEM_STAT:
	case SEM_STAT_ANY:
		return sem_stat(l, id, cmd, (struct semid_ds *)arg, retval);
	case IPC_INFO:
	case SEM_INFO:
		return sem_info(cmd, (struct seminfo *)arg, retval);
	case GETVAL:
	case GETPID:
	case GETNCNT:
	case GETZCNT:
	case SETVAL:
		return sem_one(l, id, semnum, cmd, (int)arg, retval);
	case GETALL:
	case SETALL:
		return sem_all(l, id, cmd, (uint16_t *)arg);
	default:
		return EINVAL;
	}
}
