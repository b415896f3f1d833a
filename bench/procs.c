/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making and releasing processes, with each way to come by descriptors.
 */
#include <sys/wait.h>

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "bench.h"

pid_t
bench_newproc(void)
{
	rump_pub_lwproc_switch(NULL);
	bench_must0(rump_pub_lwproc_rfork(RUMP_RFCFDG), "rfork");
	return rump_sys_getpid();
}

static int
clone_main(void *arg)
{
	(void)arg;
	return 0;
}

void
bench_host_clone(int flags)
{
	/* One for each host thread: the parent waits while it is used. */
	static _Thread_local char stack[16384] __attribute__((aligned(16)));
	pid_t pid;

	pid = clone(clone_main, stack + sizeof(stack),
	    CLONE_VM | CLONE_VFORK | SIGCHLD | flags, NULL);
	bench_must(pid > 0, "clone");
	waitpid(pid, NULL, 0);
}

BENCH_BODY(
    rump_rfork_clear, bench_must0(rump_pub_lwproc_rfork(RUMP_RFCFDG), "rfork");
    rump_pub_lwproc_releaselwp())
BENCH_BODY(rump_rfork_share, bench_must0(rump_pub_lwproc_rfork(0), "rfork");
	   rump_pub_lwproc_releaselwp())
BENCH_BODY(
    rump_rfork_copy, bench_must0(rump_pub_lwproc_rfork(RUMP_RFFDG), "rfork");
    rump_pub_lwproc_releaselwp())
BENCH_BODY(host_clone, bench_host_clone(0))
BENCH_BODY(host_clone_files, bench_host_clone(CLONE_FILES))

/* From a parent that is bound: go back to it after each child. */
static struct lwp *parent;

static void
parent_setup(void)
{
	bench_newproc();
	parent = rump_pub_lwproc_curlwp();
	rump_pub_lwproc_switch(NULL);
}

BENCH_BODY(rump_rfork_bound, rump_pub_lwproc_switch(parent);
	   bench_must0(rump_pub_lwproc_rfork(RUMP_RFCFDG), "rfork");
	   rump_pub_lwproc_releaselwp())

/* Process 1 has three descriptors on the console; give it and us 64. */
static void
copy64_setup(void)
{
	int fd;

	do {
		fd = rump_sys_dup(0);
		bench_must(fd >= 0, "rump dup");
	} while (fd < 63);
	do {
		fd = dup(STDERR_FILENO);
		bench_must(fd >= 0, "dup");
	} while (fd < 63);
}

#define BATCH 1024

static double
rump_rfork_batch(uint64_t n)
{
	static struct lwp *batch[BATCH];
	int64_t start = bench_now();
	uint64_t whole;

	for (uint64_t done = 0; done < n; done += BATCH) {
		for (size_t i = 0; i < BATCH; i++) {
			bench_must0(
			    rump_pub_lwproc_rfork(RUMP_RFCFDG), "rfork");
			batch[i] = rump_pub_lwproc_curlwp();
			rump_pub_lwproc_switch(NULL);
		}
		for (size_t i = 0; i < BATCH; i++) {
			rump_pub_lwproc_switch(batch[i]);
			rump_pub_lwproc_releaselwp();
		}
	}
	/* Whole batches only: scale to what was asked for. */
	whole = (n + BATCH - 1) / BATCH * BATCH;
	return (double)(bench_now() - start) * (double)n / (double)whole;
}

/* Children that are all there before the first is waited for. */
static double
host_fork_batch(uint64_t n)
{
	enum { HOSTBATCH = 64 };
	pid_t pids[HOSTBATCH];
	int64_t start = bench_now();
	uint64_t whole;

	for (uint64_t done = 0; done < n; done += HOSTBATCH) {
		for (size_t i = 0; i < HOSTBATCH; i++) {
			if ((pids[i] = fork()) == 0)
				_exit(0);
			bench_must(pids[i] > 0, "fork");
		}
		for (size_t i = 0; i < HOSTBATCH; i++)
			waitpid(pids[i], NULL, 0);
	}
	whole = (n + HOSTBATCH - 1) / HOSTBATCH * HOSTBATCH;
	return (double)(bench_now() - start) * (double)n / (double)whole;
}

/*
 * A process that does something: it makes a pipe, writes to it and reads
 * back, becomes another user, and goes with its descriptors open.
 */
static void
rump_life(void)
{
	int fds[2];
	char c = 'x';

	bench_must0(rump_pub_lwproc_rfork(RUMP_RFCFDG), "rfork");
	bench_must(rump_sys_setuid(1000) == 0, "rump setuid");
	bench_must(rump_sys_pipe(fds) == 0, "rump pipe");
	bench_must(rump_sys_write(fds[1], &c, 1) == 1, "rump write");
	bench_must(rump_sys_read(fds[0], &c, 1) == 1, "rump read");
	rump_pub_lwproc_releaselwp();
}

static void
host_life(void)
{
	int fds[2], status;
	char c = 'x';
	pid_t pid;

	if ((pid = fork()) == 0) {
		_exit(setuid(1000) == 0 && pipe(fds) == 0 &&
			      write(fds[1], &c, 1) == 1 &&
			      read(fds[0], &c, 1) == 1
			  ? 0
			  : 1);
	}
	bench_must(pid > 0, "fork");
	waitpid(pid, &status, 0);
}

BENCH_BODY(rump_lives, rump_life())
BENCH_BODY(host_lives, host_life())

const struct bench_line proc_lines[] = {
    {
	.bl_name = "rfork_clear",
	.bl_what = "rfork(RUMP_RFCFDG) + releaselwp",
	.bl_hostcall = "clone(VM, VFORK) + exit + wait",
	.bl_original = 2214,
	.bl_asked = 150,
	.bl_rump = rump_rfork_clear,
	.bl_host = host_clone,
    },
    {
	.bl_name = "rfork_bound",
	.bl_what = "the same from a bound parent, and switch to it",
	.bl_hostcall = "clone(VM, VFORK) + exit + wait",
	.bl_setup = parent_setup,
	.bl_rump = rump_rfork_bound,
	.bl_host = host_clone,
    },
    {
	.bl_name = "rfork_batch",
	.bl_what = "the same + switch: 1024 made, then released in order",
	.bl_hostcall = "fork x 64, exit, wait x 64",
	.bl_rump = rump_rfork_batch,
	.bl_host = host_fork_batch,
    },
    {
	.bl_name = "rfork_share",
	.bl_what = "rfork(0) + releaselwp",
	.bl_hostcall = "clone(VM, VFORK, FILES) + exit + wait",
	.bl_rump = rump_rfork_share,
	.bl_host = host_clone_files,
    },
    {
	.bl_name = "rfork_copy3",
	.bl_what = "rfork(RUMP_RFFDG) of 3 descriptors + releaselwp",
	.bl_hostcall = "clone(VM, VFORK) + exit + wait",
	.bl_rump = rump_rfork_copy,
	.bl_host = host_clone,
    },
    {
	.bl_name = "rfork_copy64",
	.bl_what = "rfork(RUMP_RFFDG) of 64 descriptors + releaselwp",
	.bl_hostcall = "clone(VM, VFORK) + exit + wait",
	.bl_setup = copy64_setup,
	.bl_rump = rump_rfork_copy,
	.bl_host = host_clone,
    },
    {
	.bl_name = "life",
	.bl_what = "rfork, setuid, pipe, write, read, releaselwp",
	.bl_hostcall = "fork, the same calls, exit, wait",
	.bl_rump = rump_lives,
	.bl_host = host_lives,
    },
    {0},
};
