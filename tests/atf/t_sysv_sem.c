/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Semaphores of System V: what the oracle, in which nothing waits and
 * everybody is one process, does not see.
 */
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/sem.h>

#include <signal.h>
#include <stdatomic.h>

#include "threads.h"

static int sem;

static void
make(int n)
{
	sem = (int)T_OK(rump_sys_semget(IPC_PRIVATE, n, 0600));
}

static int
op(int num, int delta, int flags)
{
	struct sembuf sb = {(unsigned short)num, (short)delta, (short)flags};

	return rump_sys_semop(sem, &sb, 1);
}

static int
get(int num, int cmd)
{
	return rump_sys_semctl(sem, num, cmd);
}

/* Wait until so many wait: a thread on a busy host is not there at once. */
static void
await(int num, int cmd, int waiters)
{
	for (int i = 0; i < 2000 && get(num, cmd) != waiters; i++)
		host_msleep(1);
	T_EQ(waiters, get(num, cmd));
}

static void
take_one(struct thread *t)
{
	thread_sleeps(t);
	T_OK(op(0, -1, 0));
}

static void
await_zero(struct thread *t)
{
	(void)t;
	T_OK(op(0, 0, 0));
}

TC(waits, "who takes waits until there is enough")
{
	struct thread team[4];

	boot();
	make(2);
	team_start(team, 4, take_one, NULL);
	await(0, GETNCNT, 4);
	T_EQ(0, get(0, GETZCNT));
	T_EQ(0, get(1, GETNCNT));
	T_OK(op(0, 2, 0));
	T_OK(op(0, 2, 0));
	team_join(team, 4);
	T_EQ(0, get(0, GETVAL));
	T_EQ(0, get(0, GETNCNT));
}

TC(pulse, "a value that is there for a moment is enough for who waited")
{
	struct sembuf down_and_up[] = {{0, -1, 0}, {0, 1, 0}};
	struct thread t;

	boot();
	make(1);
	T_OK(rump_sys_semctl(sem, 0, SETVAL, 1UL));
	thread_start(&t, 0, await_zero, NULL);
	await(0, GETZCNT, 1);
	/* Both at once: it never is 0 in between. */
	T_OK(rump_sys_semop(sem, down_and_up, 2));
	host_msleep(10);
	T_EQ(1, get(0, GETZCNT));
	T_OK(op(0, -1, 0));
	T_OK(op(0, 1, 0));
	thread_join(&t);
	T_EQ(1, get(0, GETVAL));
}

static int removed;

static void
take_removed(struct thread *t)
{
	thread_sleeps(t);
	T_ERR(EIDRM, op(0, -1, 0));
	__atomic_fetch_add(&removed, 1, __ATOMIC_RELAXED);
}

TC(removed, "removing a set ends what waits for it")
{
	struct thread team[3];

	boot();
	make(1);
	team_start(team, 3, take_removed, NULL);
	team_await_asleep(team, 3);
	T_OK(rump_sys_semctl(sem, 0, IPC_RMID));
	team_join(team, 3);
	T_EQ(3, removed);
	T_ERR(EINVAL, op(0, 1, 0));
	T_ERR(EINVAL, get(0, GETVAL));
}

TC(timeout, "semtimedop gives up in time")
{
	struct sembuf sb = {0, -1, 0};
	struct timespec ts = {0, 20000000}, bad = {0, -1}, none = {0, 0};

	boot();
	make(1);
	T_ERR(EAGAIN, rump_sys_semtimedop(sem, &sb, 1, &ts));
	T_ERR(EAGAIN, rump_sys_semtimedop(sem, &sb, 1, &none));
	T_ERR(EINVAL, rump_sys_semtimedop(sem, &sb, 1, &bad));
	T_ERR(EFAULT,
	    rump_sys_semtimedop(sem, &sb, 1, (const struct timespec *)8));
	T_ERR(EFAULT, rump_sys_semop(sem, NULL, 1));
	T_ERR(E2BIG, rump_sys_semop(sem, &sb, 501));
	T_OK(op(0, 1, 0));
	T_OK(rump_sys_semtimedop(sem, &sb, 1, &none));
}

TC(many, "many operations at once, or none of them")
{
	struct sembuf sb[40];

	boot();
	make(40);
	for (int i = 0; i < 40; i++)
		sb[i] = (struct sembuf){(unsigned short)i, 1, IPC_NOWAIT};
	T_OK(rump_sys_semop(sem, sb, 40));
	sb[39].sem_op = -2;
	T_ERR(EAGAIN, rump_sys_semop(sem, sb, 40));
	for (int i = 0; i < 40; i++)
		T_EQ(1, get(i, GETVAL));
	sb[39].sem_op = 32767;
	T_ERR(ERANGE, rump_sys_semop(sem, sb, 40));
	T_EQ(1, get(0, GETVAL));
	sb[39].sem_num = 40;
	T_ERR(EFBIG, rump_sys_semop(sem, sb, 40));
}

TC(undo, "the end of a process takes back what it did with SEM_UNDO")
{
	struct lwp *p, *q;

	boot();
	make(3);
	T_OK(rump_sys_semctl(sem, 0, SETVAL, 5UL));
	p = newproc(RUMP_RFCFDG);
	T_OK(op(0, -3, SEM_UNDO));
	T_OK(op(1, 2, SEM_UNDO));
	T_OK(op(2, 1, 0));
	q = newproc(RUMP_RFCFDG);
	/* A child has nothing to take back. */
	T_OK(op(0, -1, SEM_UNDO));
	release(q);
	T_EQ(2, get(0, GETVAL));
	release(p);
	T_EQ(5, get(0, GETVAL));
	T_EQ(0, get(1, GETVAL));
	T_EQ(1, get(2, GETVAL));
	/* Setting a value forgets it. */
	p = newproc(RUMP_RFCFDG);
	T_OK(op(0, -3, SEM_UNDO));
	T_OK(rump_sys_semctl(sem, 0, SETVAL, 7UL));
	release(p);
	T_EQ(7, get(0, GETVAL));
}

TC(undo_wakes, "what is taken back may be what somebody waits for")
{
	struct thread t;
	struct lwp *p;

	boot();
	make(1);
	T_OK(op(0, 1, 0));
	p = newproc(RUMP_RFCFDG);
	T_OK(op(0, -1, SEM_UNDO));
	thread_start(&t, 0, take_one, NULL);
	thread_await_asleep(&t);
	release(p);
	thread_join(&t);
	T_EQ(0, get(0, GETVAL));
}

TC(undo_removed, "a set that has gone is not given back to")
{
	struct rump_memstat before, after;
	struct lwp *p;

	boot();
	make(1);
	T_OK(rump_sys_semctl(sem, 0, IPC_RMID));
	p = newproc(RUMP_RFCFDG);
	release(p);
	T_EQ(0, rump_pub_memstat(&before));
	p = newproc(RUMP_RFCFDG);
	for (int i = 0; i < 5; i++) {
		make(4);
		T_OK(op(1, 1, SEM_UNDO));
		T_OK(rump_sys_semctl(sem, 0, IPC_RMID));
	}
	make(2);
	T_OK(op(1, 1, SEM_UNDO));
	release(p);
	T_EQ(0, get(1, GETVAL));
	T_OK(rump_sys_semctl(sem, 0, IPC_RMID));
	T_EQ(0, rump_pub_memstat(&after));
	T_EQ(before.used, after.used);
}

static void
on_signal(int signo)
{
	(void)signo;
}

static void
take_in_process(struct thread *t)
{
	newproc(0);
	*(pid_t *)t->t_arg = rump_sys_getpid();
	thread_sleeps(t);
	T_ERR(EINTR, op(0, -1, 0));
	rump_pub_lwproc_releaselwp();
}

TC(interrupted, "a handler ends a wait, SA_RESTART or not")
{
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	struct thread t;
	pid_t pid = 0;

	boot();
	T_OK(rump_sys_sigaction(SIGUSR1, &sa, NULL));
	make(1);
	thread_start(&t, 0, take_in_process, &pid);
	thread_await_asleep(&t);
	T_OK(rump_sys_kill(pid, SIGUSR1));
	thread_join(&t);
	T_EQ(0, get(0, GETNCNT));
}

TC(permission, "owners, creators, groups and others")
{
	struct semid_ds ds;
	key_t key = 77;
	int id;

	boot();
	newproc(RUMP_RFCFDG);
	T_OK(rump_sys_setgid(20));
	T_OK(rump_sys_setuid(10));
	sem = (int)T_OK(rump_sys_semget(key, 1, IPC_CREAT | 0640));
	rump_pub_lwproc_releaselwp();
	newproc(RUMP_RFCFDG);
	T_OK(rump_sys_setgid(20));
	T_OK(rump_sys_setuid(11));
	T_ERR(EACCES, rump_sys_semget(key, 1, 0660));
	id = (int)T_OK(rump_sys_semget(key, 1, 0440));
	T_EQ(sem, id);
	T_EQ(0, get(0, GETVAL));
	T_OK(op(0, 0, 0));
	T_ERR(EACCES, op(0, 1, 0));
	T_ERR(EACCES, rump_sys_semctl(sem, 0, SETVAL, 1UL));
	T_ERR(EPERM, rump_sys_semctl(sem, 0, IPC_RMID));
	rump_pub_lwproc_releaselwp();
	/* Root makes 12 the owner; 10 has made it and may still change it. */
	T_OK(rump_sys_semctl(sem, 0, IPC_STAT, &ds));
	T_EQ(10, ds.sem_perm.uid);
	T_EQ(20, ds.sem_perm.cgid);
	ds.sem_perm.uid = 12;
	ds.sem_perm.mode = 0600;
	T_OK(rump_sys_semctl(sem, 0, IPC_SET, &ds));
	newproc(RUMP_RFCFDG);
	T_OK(rump_sys_setuid(12));
	T_OK(op(0, 1, 0));
	rump_pub_lwproc_releaselwp();
	newproc(RUMP_RFCFDG);
	T_OK(rump_sys_setuid(10));
	T_OK(op(0, -1, 0));
	T_OK(rump_sys_semctl(sem, 0, IPC_RMID));
	T_ERR(ENOENT, rump_sys_semget(key, 1, 0));
}

TC(limits, "how many sets, and how many in a set")
{
	int n, *ids = calloc(33000, sizeof(int));

	boot();
	T_ERR(EINVAL, rump_sys_semget(IPC_PRIVATE, 0, 0600));
	T_ERR(EINVAL, rump_sys_semget(IPC_PRIVATE, -1, 0600));
	T_ERR(EINVAL, rump_sys_semget(IPC_PRIVATE, 32001, 0600));
	for (n = 0; n < 33000; n++)
		if ((ids[n] = rump_sys_semget(IPC_PRIVATE, 1, 0600)) == -1)
			break;
	T_EQ(ENOSPC, errno);
	T_EQ(32000, n);
	T_OK(rump_sys_semctl(ids[500], 0, IPC_RMID));
	sem = (int)T_OK(rump_sys_semget(IPC_PRIVATE, 1, 0600));
	T_ASSERT(sem != ids[500]);
	T_ERR(EINVAL, rump_sys_semctl(ids[500], 0, GETVAL));
	T_EQ(0, get(0, GETVAL));
	free(ids);
}

/*
 * All values of a set
 */

#define CANARY 0xabcd

/* Room for n, so that one more would fault. */
static unsigned short *
edge(unsigned n)
{
	size_t size = (n * sizeof(unsigned short) + 4095) / 4096 * 4096;
	char *p = mmap(NULL, size + 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	T_ASSERT(p != MAP_FAILED);
	T_EQ(0, mprotect(p + size, 4096, PROT_NONE));
	return (unsigned short *)(void *)(p + size) - n;
}

TC(all, "GETALL and SETALL are about as many as there are, and no more")
{
	static const int sizes[] = {1, 2, 255, 256, 257, 4000, 32000};
	unsigned short *to, *from;
	size_t k;
	int i, n;

	boot();
	for (k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
		n = sizes[k];
		make(n);
		from = edge((unsigned)n);
		to = edge((unsigned)n);
		for (i = 0; i < n; i++)
			from[i] = (unsigned short)(i * 7 % 32768);
		T_OK(rump_sys_semctl(sem, 0, SETALL, from));
		T_OK(rump_sys_semctl(sem, 0, GETALL, to));
		T_EQ(0, memcmp(from, to, (size_t)n * sizeof(*to)));
		T_EQ((n - 1) * 7 % 32768, get(n - 1, GETVAL));
		/* One that is too large changes nothing. */
		from[0] = 1;
		from[n - 1] = 32768;
		T_ERR(ERANGE, rump_sys_semctl(sem, 0, SETALL, from));
		T_EQ(n == 1 ? 0 : to[0], get(0, GETVAL));
		T_OK(rump_sys_semctl(sem, 0, IPC_RMID));
		T_ERR(EINVAL, rump_sys_semctl(sem, 0, GETALL, to));
		T_ERR(EINVAL, rump_sys_semctl(sem, 0, SETALL, from));
	}
}

TC(all_rights, "who may only write sets all, who may only read gets them")
{
	unsigned short values[3] = {1, 2, 3}, got[4] = {0, 0, 0, CANARY};

	boot();
	sem = (int)T_OK(rump_sys_semget(IPC_PRIVATE, 3, 0602));
	T_ERR(EFAULT, rump_sys_semctl(sem, 0, GETALL, NULL));
	T_ERR(EFAULT, rump_sys_semctl(sem, 0, SETALL, NULL));
	T_ERR(EINVAL, rump_sys_semctl(-1, 0, GETALL, NULL));
	newproc(RUMP_RFCFDG);
	T_OK(rump_sys_setgid(11));
	T_OK(rump_sys_setuid(11));
	T_ERR(EACCES, rump_sys_semctl(sem, 0, GETALL, got));
	T_OK(rump_sys_semctl(sem, 0, SETALL, values));
	rump_pub_lwproc_releaselwp();
	T_OK(rump_sys_semctl(sem, 0, GETALL, got));
	T_EQ(0, memcmp(got, values, sizeof(values)));
	T_EQ(CANARY, got[3]);
	T_OK(rump_sys_semctl(sem, 0, IPC_RMID));
	sem = (int)T_OK(rump_sys_semget(IPC_PRIVATE, 3, 0604));
	newproc(RUMP_RFCFDG);
	T_OK(rump_sys_setgid(11));
	T_OK(rump_sys_setuid(11));
	T_OK(rump_sys_semctl(sem, 0, GETALL, got));
	T_ERR(EACCES, rump_sys_semctl(sem, 0, SETALL, values));
}

#define KEY	 4711
#define REMAKERS 2

/* Sets of 1 and of 900 by the same key, one after the other. */
static void
remake(struct thread *t)
{
	int i, id;

	for (i = 0; i < 300 / TC_SLOW; i++) {
		id = rump_sys_semget(
		    KEY, (i + t->t_id) % 2 == 0 ? 1 : 900, IPC_CREAT | 0600);
		if (id != -1)
			(void)rump_sys_semctl(id, 0, IPC_RMID);
	}
	__atomic_fetch_add(&removed, 1, __ATOMIC_RELAXED);
}

TC(all_races, "a set that goes meanwhile is an error, and nothing else is hit")
{
	static unsigned short values[900];
	unsigned short got[901];
	struct thread team[REMAKERS];
	int id, result;

	boot();
	removed = 0;
	got[900] = CANARY;
	team_start(team, REMAKERS, remake, NULL);
	while (__atomic_load_n(&removed, __ATOMIC_RELAXED) < REMAKERS) {
		if ((id = rump_sys_semget(KEY, 0, 0)) == -1)
			continue;
		result = rump_sys_semctl(id, 0, GETALL, got);
		T_ASSERT(result == 0 || errno == EINVAL || errno == EIDRM);
		T_EQ(CANARY, got[900]);
		/* Of a remote client's some may not have come along. */
		result = rump_sys_semctl(id, 0, SETALL, values);
		T_ASSERT(result == 0 || errno == EINVAL || errno == EIDRM ||
			 errno == EFAULT);
	}
	team_join(team, REMAKERS);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, waits);
	ATF_TP_ADD_TC(tp, pulse);
	ATF_TP_ADD_TC(tp, removed);
	ATF_TP_ADD_TC(tp, timeout);
	ATF_TP_ADD_TC(tp, many);
	ATF_TP_ADD_TC(tp, undo);
	ATF_TP_ADD_TC(tp, undo_wakes);
	ATF_TP_ADD_TC(tp, undo_removed);
	ATF_TP_ADD_TC(tp, interrupted);
	ATF_TP_ADD_TC(tp, permission);
	ATF_TP_ADD_TC(tp, limits);
	ATF_TP_ADD_TC(tp, all);
	ATF_TP_ADD_TC(tp, all_rights);
	ATF_TP_ADD_TC(tp, all_races);
	return atf_no_error();
}
