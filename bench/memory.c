/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory of a process and of an lwp.  Two figures: what the kernel says that
 * its objects take, and what the host says that became resident meanwhile.
 * The line shows the larger one.
 */
#include <sys/wait.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "bench.h"

#define COUNT	  100000
#define HOSTCOUNT 1000

static double
host_resident(void)
{
	unsigned long size, resident;
	FILE *f = fopen("/proc/self/statm", "r");
	int n;

	bench_must(f != NULL, "/proc/self/statm");
	n = fscanf(f, "%lu %lu", &size, &resident);
	fclose(f);
	if (n != 2)
		bench_fail("/proc/self/statm makes no sense");
	return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

struct footprint {
	struct rump_memstat st;
	double resident;
};

static void
footprint_take(struct footprint *fp)
{
	bench_must0(rump_pub_memstat(&fp->st), "memstat");
	fp->resident = host_resident();
}

static void
one_proc(pid_t pid)
{
	(void)pid;
	bench_newproc();
}

static void
one_lwp(pid_t pid)
{
	bench_must0(rump_pub_lwproc_newlwp(pid), "newlwp");
}

static void
memory_run(struct bench_result *br, void (*make)(pid_t))
{
	static struct lwp *made[COUNT];
	struct footprint before, after, end;
	double used, committed, resident;
	struct lwp *first;
	pid_t pid;

	memset(made, 0xff, sizeof(made)); /* resident before we look */
	pid = bench_newproc();
	first = rump_pub_lwproc_curlwp();
	footprint_take(&before);
	for (size_t i = 0; i < COUNT; i++) {
		make(pid);
		made[i] = rump_pub_lwproc_curlwp();
	}
	footprint_take(&after);
	rump_pub_lwproc_switch(first);
	for (size_t i = 0; i < COUNT; i++) {
		rump_pub_lwproc_switch(made[i]);
		rump_pub_lwproc_releaselwp();
	}
	footprint_take(&end);
	if (end.st.procs != before.st.procs || end.st.lwps != before.st.lwps)
		bench_fail("%jd processes, %jd lwps left over",
		    (intmax_t)(end.st.procs - before.st.procs),
		    (intmax_t)(end.st.lwps - before.st.lwps));

	used = (double)(after.st.used - before.st.used) / COUNT;
	committed = (double)(after.st.committed - before.st.committed) / COUNT;
	resident = (after.resident - before.resident) / COUNT;
	br->br_rump.bf_best = used > resident ? used : resident;
	br->br_rump.bf_median = br->br_rump.bf_best;
	snprintf(br->br_note, sizeof(br->br_note),
	    "used %.0f, committed %.0f, resident %.0f bytes", used, committed,
	    resident);
}

/*
 * What the host's kernel uses for itself: stacks, page tables and objects.
 * What a child or a thread dirties of its own memory is not in it.
 */
static double
host_kernel(void)
{
	static const char *const wanted[] = {
	    "KernelStack:", "PageTables:", "SUnreclaim:"};
	FILE *f = fopen("/proc/meminfo", "r");
	unsigned long kb, sum = 0;
	char line[128], key[64];

	bench_must(f != NULL, "/proc/meminfo");
	while (fgets(line, sizeof(line), f) != NULL)
		for (size_t i = 0; i < 3; i++)
			if (sscanf(line, "%63s %lu", key, &kb) == 2 &&
			    strcmp(key, wanted[i]) == 0)
				sum += kb;
	fclose(f);
	return (double)sum * 1024;
}

static double
host_procs(void)
{
	pid_t pids[HOSTCOUNT];
	double before = host_kernel();

	for (size_t i = 0; i < HOSTCOUNT; i++) {
		if ((pids[i] = fork()) == 0)
			for (;;)
				pause();
		bench_must(pids[i] > 0, "fork");
	}
	before -= host_kernel();
	for (size_t i = 0; i < HOSTCOUNT; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	return -before / HOSTCOUNT;
}

static void *
thread_wait(void *arg)
{
	pthread_barrier_wait(arg);
	return NULL;
}

static double
host_threads(void)
{
	pthread_t threads[HOSTCOUNT];
	pthread_barrier_t barrier;
	pthread_attr_t attr;
	double before = host_kernel();

	pthread_barrier_init(&barrier, NULL, HOSTCOUNT + 1);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	for (size_t i = 0; i < HOSTCOUNT; i++)
		bench_must0(
		    pthread_create(&threads[i], &attr, thread_wait, &barrier),
		    "pthread_create");
	before -= host_kernel();
	pthread_barrier_wait(&barrier);
	for (size_t i = 0; i < HOSTCOUNT; i++)
		pthread_join(threads[i], NULL);
	pthread_attr_destroy(&attr);
	pthread_barrier_destroy(&barrier);
	return -before / HOSTCOUNT;
}

/*
 * The whole machine's figures move meanwhile: the middle of a few, with time
 * between them for what was freed to be given back.
 */
static struct bench_figure
host_middle(double (*measure)(void))
{
	double v[3];
	struct bench_figure bf;

	for (size_t i = 0; i < 3; i++) {
		v[i] = measure();
		usleep(200000);
	}
	bf = bench_figure(v, 3);
	bf.bf_best = bf.bf_median;
	if (bf.bf_median < 0)
		bf.bf_best = bf.bf_median = 0; /* not measured */
	return bf;
}

static void
mem_proc_run(struct bench_result *br)
{
	br->br_host = host_middle(host_procs);
	memory_run(br, one_proc);
}

static void
mem_lwp_run(struct bench_result *br)
{
	br->br_host = host_middle(host_threads);
	memory_run(br, one_lwp);
}

const struct bench_line memory_lines[] = {
    {
	.bl_name = "mem_proc",
	.bl_what = "memory of a process with one lwp",
	.bl_hostcall = "a forked child, host's kernel only",
	.bl_unit = UNIT_BYTES,
	.bl_original = 8.8 * 1024,
	.bl_asked = 1024,
	.bl_run = mem_proc_run,
    },
    {
	.bl_name = "mem_lwp",
	.bl_what = "memory of one more lwp",
	.bl_hostcall = "a pthread, host's kernel only",
	.bl_unit = UNIT_BYTES,
	.bl_original = 4.2 * 1024,
	.bl_asked = 256,
	.bl_run = mem_lwp_run,
    },
    {0},
};
