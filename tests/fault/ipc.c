/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults in what semaphores, message queues, shared memory and asynchronous
 * requests take.
 *
 *	ipc [-v] [name]
 */
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

#include <aio.h>
#include <fcntl.h>
#include <mqueue.h>
#include <unistd.h>

#include "../lib/fault.h"

static intptr_t sem;
static int id;
static void *addr;

/*
 * Semaphores of POSIX
 */

static int
run_ksem_init(void)
{
	return result(rump_sys__ksem_init(1, &sem));
}

static void
undo_ksem_init(void)
{
	MUST(rump_sys__ksem_destroy(sem));
}

static int
run_ksem_open(void)
{
	return result(rump_sys__ksem_open("/s", O_CREAT, 0600, 1, &sem));
}

static void
undo_ksem_open(void)
{
	MUST(rump_sys__ksem_close(sem));
	MUST(rump_sys__ksem_unlink("/s"));
}

/*
 * Message queues of POSIX
 */

static int
run_mq_open(void)
{
	return result(
	    fd = rump_sys_mq_open("/q", O_CREAT | O_RDWR, 0600, NULL));
}

static void
undo_mq_open(void)
{
	undo_fd();
	MUST(rump_sys_mq_unlink("/q"));
}

static void
setup_mq(void)
{
	MUST(run_mq_open() == 0 ? 0 : -1);
}

static int
run_mq_send(void)
{
	return result(rump_sys_mq_send(fd, big, 1000, 1));
}

static void
undo_mq_send(void)
{
	MUST(rump_sys_mq_receive(fd, big, sizeof(big), NULL));
}

/*
 * System V
 */

static int
run_semget(void)
{
	return result(id = rump_sys_semget(IPC_PRIVATE, 5, 0600));
}

static void
undo_semget(void)
{
	MUST(rump_sys_semctl(id, 0, IPC_RMID));
}

static void
setup_sem(void)
{
	MUST(id = rump_sys_semget(IPC_PRIVATE, 20, 0600));
}

static int
run_semop(void)
{
	struct sembuf ops[20];

	for (int i = 0; i < 20; i++)
		ops[i] = (struct sembuf){(unsigned short)i, 1, SEM_UNDO};
	return result(rump_sys_semop(id, ops, 20));
}

static int
run_msgget(void)
{
	return result(id = rump_sys_msgget(IPC_PRIVATE, 0600));
}

static void
undo_msgget(void)
{
	MUST(rump_sys_msgctl(id, IPC_RMID, NULL));
}

static void
setup_msg(void)
{
	MUST(id = rump_sys_msgget(IPC_PRIVATE, 0600));
}

static int
run_msgsnd(void)
{
	static struct {
		long type;
		char data[500];
	} m = {1, ""};

	return result(rump_sys_msgsnd(id, &m, 500, 0));
}

static void
undo_msgsnd(void)
{
	MUST(rump_sys_msgrcv(id, big, 1000, 0, 0));
}

static int
run_shmget(void)
{
	return result(id = rump_sys_shmget(IPC_PRIVATE, 50000, 0600));
}

static void
undo_shmget(void)
{
	MUST(rump_sys_shmctl(id, IPC_RMID, NULL));
}

static void
setup_shm(void)
{
	MUST(id = rump_sys_shmget(IPC_PRIVATE, 50000, 0600));
}

static int
run_shmat(void)
{
	addr = rump_sys_shmat(id, NULL, 0);
	return addr == (void *)-1 ? errno : 0;
}

static void
undo_shmat(void)
{
	MUST(rump_sys_shmdt(addr));
}

static void
setup_attached(void)
{
	setup_shm();
	MUST(run_shmat() == 0 ? 0 : -1);
	MUST(run_shmat() == 0 ? 0 : -1);
}

/* The child has attached what its parent has. */
static int
run_rfork(void)
{
	return rump_pub_lwproc_rfork(RUMP_RFCFDG);
}

static void
undo_rfork(void)
{
	struct shmid_ds ds;

	rump_pub_lwproc_releaselwp();
	rump_pub_lwproc_switch(base);
	MUST(rump_sys_shmctl(id, IPC_STAT, &ds));
	MUST(ds.shm_nattch == 2 ? 0 : -1);
}

/*
 * Asynchronous requests
 */

static int pipefd[2];
static struct aiocb cb;

static void
setup_aio(void)
{
	MUST(rump_sys_pipe2(pipefd, 0));
	memset(&cb, 0, sizeof(cb));
	cb.aio_fildes = pipefd[0];
	cb.aio_buf = big;
	cb.aio_nbytes = 1;
	cb.aio_sigevent.sigev_notify = SIGEV_NONE;
}

/* EAGAIN is what POSIX says. */
static int
run_aio(void)
{
	int error = result(rump_sys_aio_read(&cb));

	return error == EAGAIN ? ENOMEM : error;
}

static void
undo_aio(void)
{
	MUST(rump_sys_aio_cancel(pipefd[0], &cb) == AIO_CANCELED ? 0 : -1);
	(void)rump_sys_aio_return(&cb);
}

static void
teardown_aio(void)
{
	MUST(rump_sys_close(pipefd[0]));
	MUST(rump_sys_close(pipefd[1]));
}

/* What a process is given for the first of its own stays. */
static const struct scenario scenarios[] = {
    {"ksem-init", nothing, run_ksem_init, undo_ksem_init, nothing, 0},
    {"ksem-open", nothing, run_ksem_open, undo_ksem_open, nothing, KEEPS},
    {"mq-open", nothing, run_mq_open, undo_mq_open, nothing, KEEPS},
    {"mq-send", setup_mq, run_mq_send, undo_mq_send, undo_mq_open, 0},
    {"semget", nothing, run_semget, undo_semget, nothing, 0},
    {"semop", setup_sem, run_semop, nothing, undo_semget, KEEPS},
    {"msgget", nothing, run_msgget, undo_msgget, nothing, 0},
    {"msgsnd", setup_msg, run_msgsnd, undo_msgsnd, undo_msgget, 0},
    {"shmget", nothing, run_shmget, undo_shmget, nothing, 0},
    {"shmat", setup_shm, run_shmat, undo_shmat, undo_shmget, KEEPS},
    {"rfork-shm", setup_attached, run_rfork, undo_rfork, undo_shmget, 0},
    {"aio", setup_aio, run_aio, undo_aio, teardown_aio, KEEPS},
};

int
main(int argc, char **argv)
{
	const char *only = fault_start(argc, argv);

	if (fault_boot() != 0)
		return 1;
	/* The thread for timers takes memory once, at a time of its own. */
	(void)rump_sys_alarm(1000);
	(void)rump_sys_alarm(0);
	(void)usleep(100000);
	/* So do the tables of places. */
	MUST(id = rump_sys_semget(IPC_PRIVATE, 1, 0600));
	undo_semget();
	setup_msg();
	undo_msgget();
	setup_shm();
	undo_shmget();
	run_scenarios(
	    scenarios, sizeof(scenarios) / sizeof(scenarios[0]), only);
	return errors != 0;
}
