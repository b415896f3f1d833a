/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Semaphores, message queues, shared memory and asynchronous requests that are
 * made, used and removed at once: eight host threads, with processes that come
 * and go.
 *
 *	ipc_race [seed [steps]]
 *
 * What holds whatever the others do: what is put in comes out once, and a
 * semaphore that is a lock lets one in.  In the end the kernel's memory,
 * processes and files are what they were.
 */
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

#include <aio.h>
#include <fcntl.h>
#include <mqueue.h>
#include <sched.h>
#include <unistd.h>

#include "../lib/stress.h"

#define NKEYS 3

static _Atomic int inside;
static int locksem;	  /* of System V, with SEM_UNDO */
static intptr_t lockksem; /* of POSIX, in the shared table */
static _Atomic long sent, received;
static int common;

static void
check_alone(void)
{
	want(1, ++inside);
	if (rnd(4) == 0)
		(void)sched_yield();
	inside--;
}

static void
do_lock_sysv(void)
{
	struct sembuf down = {0, -1, SEM_UNDO}, up = {0, 1, SEM_UNDO};
	struct timespec ts = {0, 1000000};

	while (rump_sys_semtimedop(locksem, &down, 1, &ts) != 0)
		if (errno != EAGAIN && errno != EINTR)
			differ("semtimedop");
	/* The end of the process gives it back, too. */
	if (rnd(4) == 0) {
		rump_pub_lwproc_releaselwp();
		if (rump_pub_lwproc_rfork(RUMP_RFFD_SHARE) != 0)
			differ("rfork");
	} else
		want(0, rump_sys_semop(locksem, &up, 1));
}

static void
do_lock_ksem(void)
{
	want(0, rump_sys__ksem_wait(lockksem));
	check_alone();
	want(0, rump_sys__ksem_post(lockksem));
}

/* By key: somebody may remove it at any time. */
static void
do_sets(void)
{
	struct sembuf op = {(unsigned short)rnd(3), (short)(rnd(3) - 1),
	    (short)(rnd(2) != 0 ? SEM_UNDO : 0)};
	struct timespec ts = {0, (long)rnd(200000)};
	int id = rump_sys_semget((key_t)(1 + rnd(NKEYS)), 3, IPC_CREAT | 0600);

	if (id == -1)
		differ("semget");
	if (rnd(8) == 0) {
		if (rump_sys_semctl(id, 0, IPC_RMID) != 0 && errno != EINVAL)
			differ("semctl");
	} else if (rump_sys_semtimedop(id, &op, 1, &ts) != 0 &&
		   errno != EAGAIN && errno != EINVAL && errno != EIDRM &&
		   errno != ERANGE)
		differ("semtimedop");
}

static void
do_messages(void)
{
	struct {
		long type;
		char data[100];
	} m = {(long)rnd(3) + 1, ""};
	int id = rump_sys_msgget((key_t)(1 + rnd(NKEYS)), IPC_CREAT | 0600);

	if (id == -1)
		differ("msgget");
	if (rnd(10) == 0) {
		if (rump_sys_msgctl(id, IPC_RMID, NULL) != 0 && errno != EINVAL)
			differ("msgctl");
	} else if (rnd(2) == 0) {
		if (rump_sys_msgsnd(id, &m, rnd(100), IPC_NOWAIT) != 0 &&
		    errno != EAGAIN && errno != EINVAL)
			differ("msgsnd");
	} else if (rump_sys_msgrcv(id, &m, 100, (long)rnd(7) - 3, IPC_NOWAIT) ==
		       -1 &&
		   errno != ENOMSG && errno != EINVAL)
		differ("msgrcv");
}

static void
do_segments(void)
{
	int id =
	    rump_sys_shmget((key_t)(1 + rnd(NKEYS)), 10000, IPC_CREAT | 0600);
	char *p;

	if (id == -1)
		differ("shmget");
	p = rump_sys_shmat(id, NULL, 0);
	if (rnd(4) == 0 && rump_sys_shmctl(id, IPC_RMID, NULL) != 0 &&
	    errno != EINVAL)
		differ("shmctl");
	if (p == (void *)-1)
		return;
	__atomic_fetch_add(&p[rnd(10000)], 1, __ATOMIC_RELAXED);
	if (rnd(3) != 0)
		want(0, rump_sys_shmdt(p));
}

static void
do_queue(void)
{
	char buf[8];
	struct timespec past = {1, 0};

	if (rnd(2) == 0) {
		if (rump_sys_mq_timedsend(
			common, "x", 1, (unsigned)rnd(9), &past) == 0)
			sent++;
		else if (errno != ETIMEDOUT)
			differ("mq_timedsend");
	} else if (rump_sys_mq_timedreceive(common, buf, 8, NULL, &past) == 1)
		received++;
	else if (errno != ETIMEDOUT)
		differ("mq_timedreceive");
}

static void
do_own_queue(void)
{
	static const char *const names[] = {"/a", "/b"};
	const char *name = names[rnd(2)];
	struct mq_attr attr = {.mq_maxmsg = 2, .mq_msgsize = 8};
	int fd =
	    rump_sys_mq_open(name, O_CREAT | O_RDWR | O_NONBLOCK, 0600, &attr);

	if (fd == -1)
		differ("mq_open");
	(void)rump_sys_mq_send(fd, "abc", 3, 0);
	if (rnd(3) == 0)
		(void)rump_sys_mq_unlink(name);
	want(0, rump_sys_mq_close(fd));
}

static void
do_aio(void)
{
	char in[4], out[4] = "abc";
	struct aiocb r, w;
	const struct aiocb *list[] = {&r};
	int fds[2], how;

	want(0, rump_sys_pipe2(fds, 0));
	memset(&r, 0, sizeof(r));
	r.aio_sigevent.sigev_notify = SIGEV_NONE;
	w = r;
	r.aio_fildes = fds[0];
	r.aio_buf = in;
	r.aio_nbytes = w.aio_nbytes = 4;
	w.aio_fildes = fds[1];
	w.aio_buf = out;
	want(0, rump_sys_aio_read(&r));
	if (rnd(2) == 0)
		want(0, rump_sys_aio_write(&w));
	if (rnd(2) == 0 || rump_sys_aio_error(&w) == -1) {
		how = rump_sys_aio_cancel(fds[0], &r);
		if (how == -1)
			differ("aio_cancel");
	}
	if (rnd(4) != 0) {
		if (rump_sys_aio_error(&w) == -1)
			want(4, rump_sys_write(fds[1], out, 4));
		want(0, rump_sys_aio_suspend(list, 1, NULL));
		if (rump_sys_aio_error(&r) == 0)
			want(4, rump_sys_aio_return(&r));
	} else {
		/* What goes on ends with the process. */
		rump_pub_lwproc_releaselwp();
		if (rump_pub_lwproc_rfork(RUMP_RFFD_SHARE) != 0)
			differ("rfork");
	}
	(void)rump_sys_aio_return(&r);
	(void)rump_sys_aio_return(&w);
	want(0, rump_sys_close(fds[0]));
	want(0, rump_sys_close(fds[1]));
}

static const struct action actions[] = {
    {6, "lock_sysv", do_lock_sysv},
    {10, "lock_ksem", do_lock_ksem},
    {20, "sets", do_sets},
    {15, "messages", do_messages},
    {10, "segments", do_segments},
    {20, "queue", do_queue},
    {6, "own_queue", do_own_queue},
    {10, "aio", do_aio},
};

static void *
tester_main(void *arg)
{
	me = arg;
	if (rump_pub_lwproc_rfork(RUMP_RFFD_SHARE) != 0)
		differ("rfork");
	while (me->step < steps) {
		me->step++;
		one_step(actions, sizeof(actions) / sizeof(actions[0]));
	}
	rump_pub_lwproc_releaselwp();
	return NULL;
}

/* All that is not the process's own. */
static void
remove_all(void)
{
	for (key_t k = 1; k <= NKEYS; k++) {
		(void)rump_sys_semctl(rump_sys_semget(k, 0, 0), 0, IPC_RMID);
		(void)rump_sys_msgctl(rump_sys_msgget(k, 0), IPC_RMID, NULL);
		(void)rump_sys_shmctl(rump_sys_shmget(k, 0, 0), IPC_RMID, NULL);
	}
	(void)rump_sys_mq_unlink("/a");
	(void)rump_sys_mq_unlink("/b");
	(void)rump_sys_mq_unlink("/common");
	(void)rump_sys_semctl(locksem, 0, IPC_RMID);
}

static void
round_of(uint64_t first, long n)
{
	struct mq_attr attr;

	steps = n;
	sent = received = 0;
	/* All of it is process 1's, whose table the others share. */
	locksem = rump_sys_semget(IPC_PRIVATE, 1, 0600);
	want(0, rump_sys_semctl(locksem, 0, SETVAL, 1UL));
	want(0, rump_sys__ksem_init(1, &lockksem));
	attr = (struct mq_attr){.mq_maxmsg = 5, .mq_msgsize = 8};
	common = rump_sys_mq_open("/common", O_CREAT | O_RDWR, 0600, &attr);
	if (common == -1)
		differ("mq_open");
	run_testers(first, tester_main);
	want(0, rump_sys_mq_getattr(common, &attr));
	want(sent - received, attr.mq_curmsgs);
	want(1, rump_sys_semctl(locksem, 0, GETVAL));
	remove_all();
	want(0, rump_sys_mq_close(common));
	want(0, rump_sys__ksem_destroy(lockksem));
}

int
main(int argc, char **argv)
{
	struct rump_memstat before, after;
	long n = argc > 2 ? atol(argv[2]) : 10000;

	seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	rump_boot_setsigmodel(RUMP_SIGMODEL_IGNORE);
	want(0, rump_init());
	/* Descriptors for all of them, and what caches keep after a round. */
	want(100, rump_sys_dup2(0, 100));
	want(0, rump_sys_close(100));
	round_of(seed + 1000, n / 10 + 100);
	(void)usleep(100000);
	memstat(&before);
	round_of(seed, n);
	for (int i = 0; i < 100; i++) {
		memstat(&after);
		if (after.used == before.used && after.files == before.files)
			break;
		(void)usleep(20000);
	}
	compare(&before, &after);
	return 0;
}
