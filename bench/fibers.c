/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fibers: what it costs that another one runs, beside what the host has for
 * that, and what one takes of memory.  These lines boot a kernel of fibers.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>
#include <rump/rumpfiber.h>

#include "bench.h"

static void
fiber_setup(void)
{
	bench_must0(rump_boot_setthreads("fiber"), "setthreads");
	bench_must0(rump_init(), "rump_init");
	bench_newproc();
}

static struct rump_fiber *
fiber_make(void *(*fn)(void *), void *arg)
{
	struct rump_fiber *rf;

	bench_must0(rump_fiber_create(&rf, fn, arg, 0, "bench"), "create");
	return rf;
}

static void
fiber_join(struct rump_fiber *rf)
{
	bench_must0(rump_fiber_join(rf, NULL), "join");
}

/* Two fibers that do the same n times; the time from the first's start. */
static double
fiber_both(void *(*fn)(void *), uint64_t n)
{
	struct rump_fiber *a, *b;
	int64_t start;

	a = fiber_make(fn, &n);
	b = fiber_make(fn, &n);
	start = bench_now();
	fiber_join(a);
	fiber_join(b);
	return (double)(bench_now() - start);
}

static void *
yield_main(void *arg)
{
	for (uint64_t i = *(uint64_t *)arg; i > 0; i--)
		rump_fiber_yield();
	return NULL;
}

static double
rump_switches(uint64_t n)
{
	return fiber_both(yield_main, n / 2 + 1);
}

static ucontext_t host_here, host_there;

static void
host_there_main(void)
{
	for (;;)
		swapcontext(&host_there, &host_here);
}

static double
host_switches(uint64_t n)
{
	static char *stack;
	int64_t start;

	if (stack == NULL) {
		bench_must((stack = malloc(65536)) != NULL, "malloc");
		getcontext(&host_there);
		host_there.uc_stack.ss_sp = stack;
		host_there.uc_stack.ss_size = 65536;
		makecontext(&host_there, host_there_main, 0);
	}
	start = bench_now();
	for (uint64_t i = 0; i < n / 2 + 1; i++)
		swapcontext(&host_here, &host_there);
	return (double)(bench_now() - start);
}

/*
 * Pipes: each of two fibers writes a byte to the other one, and reads one that
 * is not there yet.
 */
static int to[2], back[2], host_to[2], host_back[2];

static void
pipes_setup(void)
{
	fiber_setup();
	bench_must(
	    rump_sys_pipe(to) == 0 && rump_sys_pipe(back) == 0, "rump pipe");
	bench_must(pipe(host_to) == 0 && pipe(host_back) == 0, "pipe");
}

static void *
ping_main(void *arg)
{
	char c = 'x';

	for (uint64_t i = *(uint64_t *)arg; i > 0; i--) {
		bench_must(rump_sys_write(to[1], &c, 1) == 1, "rump write");
		bench_must(rump_sys_read(back[0], &c, 1) == 1, "rump read");
	}
	return NULL;
}

static void *
pong_main(void *arg)
{
	char c;

	for (uint64_t i = *(uint64_t *)arg; i > 0; i--) {
		bench_must(rump_sys_read(to[0], &c, 1) == 1, "rump read");
		bench_must(rump_sys_write(back[1], &c, 1) == 1, "rump write");
	}
	return NULL;
}

static double
rump_pingpongs(uint64_t n)
{
	struct rump_fiber *a = fiber_make(ping_main, &n),
			  *b = fiber_make(pong_main, &n);
	int64_t start = bench_now();

	fiber_join(a);
	fiber_join(b);
	return (double)(bench_now() - start);
}

static void *
host_pong_main(void *arg)
{
	char c;

	for (uint64_t i = *(uint64_t *)arg; i > 0; i--) {
		bench_must(read(host_to[0], &c, 1) == 1, "read");
		bench_must(write(host_back[1], &c, 1) == 1, "write");
	}
	return NULL;
}

static double
host_pingpongs(uint64_t n)
{
	pthread_t thread;
	int64_t start = bench_now();
	char c = 'x';

	bench_must0(pthread_create(&thread, NULL, host_pong_main, &n),
	    "pthread_create");
	for (uint64_t i = n; i > 0; i--) {
		bench_must(write(host_to[1], &c, 1) == 1, "write");
		bench_must(read(host_back[0], &c, 1) == 1, "read");
	}
	pthread_join(thread, NULL);
	return (double)(bench_now() - start);
}

/*
 * A read that blocks, by one fiber, and the write that ends it, by another that
 * yields then: two switches, of which this is the cost of one.
 */
static void *
drain_main(void *arg)
{
	char c;

	for (uint64_t i = *(uint64_t *)arg; i > 0; i--)
		bench_must(rump_sys_read(to[0], &c, 1) == 1, "rump read");
	return NULL;
}

static void *
feed_main(void *arg)
{
	char c = 'x';

	for (uint64_t i = *(uint64_t *)arg; i > 0; i--) {
		bench_must(rump_sys_write(to[1], &c, 1) == 1, "rump write");
		rump_fiber_yield();
	}
	return NULL;
}

static double
rump_blocked_reads(uint64_t n)
{
	struct rump_fiber *a = fiber_make(drain_main, &n),
			  *b = fiber_make(feed_main, &n);
	int64_t start = bench_now();

	fiber_join(a);
	fiber_join(b);
	return (double)(bench_now() - start) / 2;
}

static double
host_blocked_reads(uint64_t n)
{
	return host_pingpongs(n) / 2;
}

/*
 * Life and memory
 */

static void *
nothing_main(void *arg)
{
	return arg;
}

BENCH_BODY(rump_lives, fiber_join(fiber_make(nothing_main, NULL)))

static void *
host_nothing_main(void *arg)
{
	return arg;
}

static void
host_life(void)
{
	pthread_t thread;

	bench_must0(pthread_create(&thread, NULL, host_nothing_main, NULL),
	    "pthread_create");
	pthread_join(thread, NULL);
}

BENCH_BODY(host_lives, host_life())

#define COUNT 100000

static double
resident(void)
{
	unsigned long size, pages;
	FILE *f = fopen("/proc/self/statm", "r");
	int n;

	bench_must(f != NULL, "/proc/self/statm");
	n = fscanf(f, "%lu %lu", &size, &pages);
	fclose(f);
	if (n != 2)
		bench_fail("/proc/self/statm makes no sense");
	return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

/* What the host needs to map the memory is not in resident(). */
static double
page_tables(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	unsigned long kb = 0;
	char line[128];

	bench_must(f != NULL, "/proc/self/status");
	while (fgets(line, sizeof(line), f) != NULL)
		(void)sscanf(line, "VmPTE: %lu", &kb);
	fclose(f);
	return (double)kb * 1024;
}

static void *
sleeper_main(void *arg)
{
	char c;

	bench_must(rump_sys_read(to[0], &c, 1) == 0, "rump read");
	return arg;
}

static void
mem_fiber_run(struct bench_result *br)
{
	static struct rump_fiber *made[COUNT];
	double before, tables;

	pipes_setup();
	memset(made, 0xff, sizeof(made)); /* resident before we look */
	before = resident();
	tables = page_tables();
	for (size_t i = 0; i < COUNT; i++)
		made[i] = fiber_make(sleeper_main, NULL);
	if (rump_fiber_run() != EDEADLK)
		bench_fail("not all sleep");
	before = (resident() - before) / COUNT;
	tables = (page_tables() - tables) / COUNT;
	br->br_rump.bf_best = br->br_rump.bf_median = before + tables;
	snprintf(br->br_note, sizeof(br->br_note),
	    "asleep in read; %.0f of these are page tables", tables);
	bench_must(rump_sys_close(to[1]) == 0, "rump close");
	for (size_t i = 0; i < COUNT; i++)
		fiber_join(made[i]);
}

const struct bench_line fiber_lines[] = {
    {
	.bl_name = "fiber_switch",
	.bl_what = "yield to another fiber",
	.bl_hostcall = "swapcontext",
	.bl_asked = 5,
	.bl_hostref = 179,
	.bl_setup = fiber_setup,
	.bl_rump = rump_switches,
	.bl_host = host_switches,
	.bl_cold = true,
    },
    {
	.bl_name = "fiber_pipe_read",
	.bl_what = "switch by a read of an empty pipe, with the write",
	.bl_hostcall = "the same between threads",
	.bl_asked = 60,
	.bl_setup = pipes_setup,
	.bl_rump = rump_blocked_reads,
	.bl_host = host_blocked_reads,
	.bl_cold = true,
    },
    {
	.bl_name = "fiber_pingpong",
	.bl_what = "1 byte to another fiber and back over two pipes",
	.bl_hostcall = "the same between threads",
	.bl_asked = 150,
	.bl_setup = pipes_setup,
	.bl_rump = rump_pingpongs,
	.bl_host = host_pingpongs,
	.bl_cold = true,
    },
    {
	.bl_name = "fiber_life",
	.bl_what = "create a fiber + join it",
	.bl_hostcall = "pthread_create + join",
	.bl_setup = fiber_setup,
	.bl_rump = rump_lives,
	.bl_host = host_lives,
	.bl_cold = true,
    },
    {
	.bl_name = "mem_fiber",
	.bl_what = "memory of a fiber that has touched its stack",
	.bl_unit = UNIT_BYTES,
	.bl_asked = 10 * 1024,
	.bl_run = mem_fiber_run,
	.bl_cold = true,
    },
    {0},
};
