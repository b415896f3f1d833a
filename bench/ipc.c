/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Semaphores and message queues that nobody waits for.
 */
#include <sys/ipc.h>
#include <sys/sem.h>

#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <semaphore.h>
#include <stdio.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "bench.h"

static intptr_t rump_sem;
static sem_t host_sem;
static int rump_mq, host_mq, rump_set, host_set;
static char message[64], space[8192];

static void
ksem_setup(void)
{
	bench_newproc();
	bench_must(rump_sys__ksem_init(0, &rump_sem) == 0, "_ksem_init");
	bench_must(sem_init(&host_sem, 1, 0) == 0, "sem_init");
}

BENCH_BODY(rump_ksem, bench_must(rump_sys__ksem_post(rump_sem) == 0 &&
				     rump_sys__ksem_wait(rump_sem) == 0,
			  "_ksem_post"))
BENCH_BODY(
    host_ksem, bench_must(sem_post(&host_sem) == 0 && sem_wait(&host_sem) == 0,
		   "sem_post"))

static void
mq_setup(void)
{
	char name[32];

	bench_newproc();
	(void)snprintf(name, sizeof(name), "/bench-%d", (int)getpid());
	rump_mq = rump_sys_mq_open(name, O_CREAT | O_RDWR, 0600, NULL);
	host_mq = mq_open(name, O_CREAT | O_RDWR, 0600, NULL);
	bench_must(rump_mq != -1 && host_mq != -1, "mq_open");
	bench_must(mq_unlink(name) == 0, "mq_unlink");
}

BENCH_BODY(rump_mqueue,
    bench_must(rump_sys_mq_send(rump_mq, message, sizeof(message), 1) == 0 &&
		   rump_sys_mq_receive(rump_mq, space, sizeof(space), NULL) ==
		       sizeof(message),
	"rump mq_send"))
BENCH_BODY(host_mqueue,
    bench_must(
	mq_send(host_mq, message, sizeof(message), 1) == 0 &&
	    mq_receive(host_mq, space, sizeof(space), NULL) == sizeof(message),
	"mq_send"))

static struct sembuf up = {0, 1, 0}, down = {0, -1, 0};

static void
semop_setup(void)
{
	bench_newproc();
	rump_set = rump_sys_semget(IPC_PRIVATE, 1, 0600);
	host_set = semget(IPC_PRIVATE, 1, 0600);
	bench_must(rump_set != -1 && host_set != -1, "semget");
}

BENCH_BODY(rump_semop, bench_must(rump_sys_semop(rump_set, &up, 1) == 0 &&
				      rump_sys_semop(rump_set, &down, 1) == 0,
			   "rump semop"))

/* Sets of the host stay when the process goes: this one does not. */
static double
host_semop(uint64_t n)
{
	int64_t start;

	if (host_set == -1)
		host_set = semget(IPC_PRIVATE, 1, 0600);
	start = bench_now();
	for (uint64_t i = 0; i < n; i++)
		bench_must(semop(host_set, &up, 1) == 0 &&
			       semop(host_set, &down, 1) == 0,
		    "semop");
	start = bench_now() - start;
	(void)semctl(host_set, 0, IPC_RMID);
	host_set = -1;
	return (double)start;
}

const struct bench_line ipc_lines[] = {
    {
	.bl_name = "ksem_post_wait",
	.bl_what = "post a semaphore of POSIX and wait for it",
	.bl_hostcall = "sem_post, sem_wait, which are no system calls",
	.bl_unit = UNIT_NS,
	.bl_setup = ksem_setup,
	.bl_rump = rump_ksem,
	.bl_host = host_ksem,
    },
    {
	.bl_name = "mq_send_receive",
	.bl_what = "send a message of 64 bytes and receive it",
	.bl_hostcall = "the same calls",
	.bl_unit = UNIT_NS,
	.bl_setup = mq_setup,
	.bl_rump = rump_mqueue,
	.bl_host = host_mqueue,
    },
    {
	.bl_name = "semop_pair",
	.bl_what = "add one to a semaphore of System V and take it",
	.bl_hostcall = "the same calls",
	.bl_unit = UNIT_NS,
	.bl_setup = semop_setup,
	.bl_rump = rump_semop,
	.bl_host = host_semop,
    },
    {0},
};
