/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lwps: asking for the current one, switching, making and releasing.
 */
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <ucontext.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "bench.h"

BENCH_BODY(rump_curlwp, BENCH_KEEP(rump_pub_lwproc_curlwp()))
BENCH_BODY(host_gettid, BENCH_KEEP(syscall(SYS_gettid)))

static void
curlwp_setup(void)
{
	bench_newproc();
}

/* The same in bench-static. */
static void
static_exec(void *arg)
{
	execl(arg, arg, (char *)NULL);
}

static double
static_curlwp(void)
{
	struct bench_child child;
	char program[PATH_MAX];
	double ns;

	bench_near("bench-static", program);
	bench_child_start(&child, static_exec, program);
	ns = bench_child_result(&child);
	bench_child_end(&child);
	return ns;
}

static void
curlwp_static_run(struct bench_result *br)
{
	br->br_rump.bf_best = br->br_rump.bf_median = static_curlwp();
	br->br_host = bench_alone(host_gettid);
}

/*
 * Switching to and fro.  A body counts single switches.
 */
static struct lwp *ping, *pong;

static double
rump_switch(uint64_t n)
{
	int64_t start;

	rump_pub_lwproc_switch(pong);
	start = bench_now();
	for (uint64_t i = 0; i < n; i += 2) {
		rump_pub_lwproc_switch(ping);
		rump_pub_lwproc_switch(pong);
	}
	start = bench_now() - start;
	rump_pub_lwproc_switch(NULL);
	return (double)start;
}

static void
switch_two_setup(void)
{
	bench_newproc();
	ping = rump_pub_lwproc_curlwp();
	bench_newproc();
	pong = rump_pub_lwproc_curlwp();
	rump_pub_lwproc_switch(NULL);
}

/* A context of this process to swap with. */
static ucontext_t here, there;

static void
there_main(void)
{
	for (;;)
		swapcontext(&there, &here);
}

static void
switch_one_setup(void)
{
	static char stack[65536];
	pid_t pid = bench_newproc();

	ping = rump_pub_lwproc_curlwp();
	bench_must0(rump_pub_lwproc_newlwp(pid), "newlwp");
	pong = rump_pub_lwproc_curlwp();
	rump_pub_lwproc_switch(NULL);

	bench_must(getcontext(&there) == 0, "getcontext");
	there.uc_stack.ss_sp = stack;
	there.uc_stack.ss_size = sizeof(stack);
	makecontext(&there, there_main, 0);
}

static double
host_swapcontext(uint64_t n)
{
	int64_t start = bench_now();

	/* Each swap there comes with one back. */
	for (uint64_t i = 0; i < n; i += 2)
		swapcontext(&here, &there);
	return (double)(bench_now() - start);
}

/*
 * Two host processes on one processor that give it to each other.  Each
 * sched_yield runs the other one until it yields.
 */
static double
host_yield(uint64_t n)
{
	int64_t start;
	pid_t pid;

	bench_use_cpus(1);
	if ((pid = fork()) == 0)
		for (;;)
			sched_yield();
	bench_must(pid > 0, "fork");
	start = bench_now();
	for (uint64_t i = 0; i < n; i += 2)
		sched_yield();
	start = bench_now() - start;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return (double)start;
}

static double
rump_switch_null(uint64_t n)
{
	int64_t start = bench_now();

	for (uint64_t i = 0; i < n; i += 2) {
		rump_pub_lwproc_switch(ping);
		rump_pub_lwproc_switch(NULL);
	}
	return (double)(bench_now() - start);
}

/*
 * A scheduler's pattern: very many lwps of very many processes, none of them
 * run recently.
 */
#define MANY 65536
static struct lwp *many[MANY];

static void
switch_many_setup(void)
{
	struct lwp *l;
	size_t j;

	for (size_t i = 0; i < MANY; i++) {
		bench_newproc();
		many[i] = rump_pub_lwproc_curlwp();
	}
	rump_pub_lwproc_switch(NULL);
	srandom(1);
	for (size_t i = MANY - 1; i > 0; i--) {
		j = (size_t)random() % (i + 1);
		l = many[i];
		many[i] = many[j];
		many[j] = l;
	}
}

static double
rump_switch_many(uint64_t n)
{
	int64_t start = bench_now();

	for (uint64_t i = 0; i < n; i++)
		rump_pub_lwproc_switch(many[i % MANY]);
	start = bench_now() - start;
	rump_pub_lwproc_switch(NULL);
	return (double)start;
}

/*
 * Making and releasing lwps.
 */
static pid_t home;

static void
newlwp_setup(void)
{
	home = bench_newproc();
	rump_pub_lwproc_switch(NULL);
}

BENCH_BODY(rump_newlwp, bench_must0(rump_pub_lwproc_newlwp(home), "newlwp");
	   rump_pub_lwproc_releaselwp())

#define BATCH 1024

/* Released in the order they were made, not the one just made. */
static double
rump_newlwp_batch(uint64_t n)
{
	static struct lwp *batch[BATCH];
	int64_t start = bench_now();
	uint64_t whole;

	for (uint64_t done = 0; done < n; done += BATCH) {
		for (size_t i = 0; i < BATCH; i++) {
			bench_must0(rump_pub_lwproc_newlwp(home), "newlwp");
			batch[i] = rump_pub_lwproc_curlwp();
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

static void *
thread_nothing(void *arg)
{
	return arg;
}

static void
thread_once(void)
{
	pthread_t thread;

	bench_must0(pthread_create(&thread, NULL, thread_nothing, NULL),
	    "pthread_create");
	pthread_join(thread, NULL);
}

BENCH_BODY(host_thread, thread_once())

const struct bench_line lwp_lines[] = {
    {
	.bl_name = "curlwp",
	.bl_what = "curlwp",
	.bl_hostcall = "syscall(SYS_gettid)",
	.bl_original = 39,
	.bl_asked = 2,
	.bl_hostref = 108,
	.bl_setup = curlwp_setup,
	.bl_rump = rump_curlwp,
	.bl_host = host_gettid,
    },
    {
	.bl_name = "curlwp_static",
	.bl_what = "curlwp in a program linked with librump.a",
	.bl_hostcall = "syscall(SYS_gettid)",
	.bl_original = 39,
	.bl_asked = 2,
	.bl_hostref = 108,
	.bl_run = curlwp_static_run,
    },
    {
	.bl_name = "switch_2procs",
	.bl_what = "switch between lwps of two processes, each way",
	.bl_hostcall = "sched_yield, 2 processes on 1 processor",
	.bl_original = 86,
	.bl_asked = 6,
	.bl_setup = switch_two_setup,
	.bl_rump = rump_switch,
	.bl_host = host_yield,
    },
    {
	.bl_name = "switch_1proc",
	.bl_what = "switch between two lwps of one process, each way",
	.bl_hostcall = "swapcontext",
	.bl_original = 86,
	.bl_asked = 6,
	.bl_setup = switch_one_setup,
	.bl_rump = rump_switch,
	.bl_host = host_swapcontext,
    },
    {
	.bl_name = "switch_null",
	.bl_what = "switch between an lwp and NULL, each way",
	.bl_hostcall = "swapcontext",
	.bl_setup = switch_one_setup,
	.bl_rump = rump_switch_null,
	.bl_host = host_swapcontext,
    },
    {
	.bl_name = "switch_64k",
	.bl_what = "switch among 65536 processes in random order",
	.bl_hostcall = "sched_yield, 2 processes on 1 processor",
	.bl_setup = switch_many_setup,
	.bl_rump = rump_switch_many,
	.bl_host = host_yield,
    },
    {
	.bl_name = "newlwp",
	.bl_what = "newlwp + releaselwp",
	.bl_hostcall = "pthread_create + join",
	.bl_original = 717,
	.bl_asked = 60,
	.bl_setup = newlwp_setup,
	.bl_rump = rump_newlwp,
	.bl_host = host_thread,
    },
    {
	.bl_name = "newlwp_batch",
	.bl_what = "the same + switch: 1024 made, then released in order",
	.bl_hostcall = "pthread_create + join",
	.bl_setup = newlwp_setup,
	.bl_rump = rump_newlwp_batch,
	.bl_host = host_thread,
    },
    {0},
};
