/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The shortest calls: what it costs to enter the kernel, bound to an lwp and
 * from the implicit context, alone and from several host threads.
 */
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>
#include <rump/rump_trace.h>

#include "bench.h"

/*
 * A public function that only returns 1: what any call costs, however short.
 */
BENCH_BODY(rump_nothing, BENCH_KEEP(rump_nativeabi_p()))

BENCH_BODY(rump_getpid, BENCH_KEEP(rump_sys_getpid()))
BENCH_BODY(host_getpid, BENCH_KEEP(syscall(SYS_getpid)))
BENCH_BODY(rump_getppid, BENCH_KEEP(rump_sys_getppid()))
BENCH_BODY(host_getppid, BENCH_KEEP(syscall(SYS_getppid)))

static void
bind_setup(void)
{
	bench_newproc();
}

/*
 * Traced as text to a file of the kernel, which stays short.
 */
static void
trace_setup(void)
{
	int fd;

	bench_newproc();
	fd = rump_sys_open("/trace", O_WRONLY | O_CREAT, 0600);
	bench_must0(rump_sys_close(fd), "/trace");
	bench_must0(rump_sys_ktrace("/trace", RUMP_KTROP_SET,
			RUMP_KTRFAC_SYSCALL, rump_sys_getpid()),
	    "ktrace");
}

static double
rump_getpid_traced(uint64_t n)
{
	double took = rump_getpid(n);

	bench_must0(rump_sys_truncate("/trace", 0), "truncate");
	return took;
}

/*
 * More threads than processors: wall-clock time would count the waiting for a
 * processor, so each side is the CPU time of a call.
 */
#define CREW 4

static double
crew_ns(unsigned nthreads, bench_body *body, uint64_t n)
{
	return bench_crew(nthreads, body, n).cpu / nthreads / (double)n;
}

struct crew_figures {
	struct bench_figure one, many;
};

static struct crew_figures
crew_compare(bench_body *body)
{
	double one[64], many[64];
	uint64_t n = bench_calibrate(body);
	struct crew_figures cf;
	unsigned i;

	for (i = 0; i < bench_reps(); i++) {
		one[i] = crew_ns(1, body, n);
		many[i] = crew_ns(CREW, body, n);
	}
	cf.one = bench_figure(one, i);
	cf.many = bench_figure(many, i);
	return cf;
}

static void
implicit_crew_run(struct bench_result *br)
{
	struct crew_figures cf;

	bench_use_cpus(2);
	cf = crew_compare(rump_getpid);
	br->br_rump = cf.many;
	br->br_host = crew_compare(host_getpid).many;
	snprintf(br->br_note, sizeof(br->br_note), "one thread: %.2f ns",
	    cf.one.bf_best);
}

static struct bench_figure
crew_growth(bench_body *body, char *note, size_t notelen)
{
	struct crew_figures cf = crew_compare(body);

	if (note != NULL)
		snprintf(note, notelen, "%.2f ns against %.2f ns",
		    cf.many.bf_best, cf.one.bf_best);
	return (struct bench_figure){cf.many.bf_best / cf.one.bf_best,
	    cf.many.bf_median / cf.one.bf_median};
}

static void
implicit_growth_run(struct bench_result *br)
{
	bench_use_cpus(2);
	br->br_rump =
	    crew_growth(rump_getpid, br->br_note, sizeof(br->br_note));
	br->br_host = crew_growth(host_getpid, NULL, 0);
}

/*
 * The whole life of a host thread that calls the kernel once.
 */
static void *
rump_visitor(void *arg)
{
	BENCH_KEEP(rump_sys_getpid());
	return arg;
}

static void *
host_visitor(void *arg)
{
	BENCH_KEEP(syscall(SYS_getpid));
	return arg;
}

static void
thread_visit(void *(*fn)(void *))
{
	pthread_t thread;

	bench_must0(pthread_create(&thread, NULL, fn, NULL), "pthread_create");
	pthread_join(thread, NULL);
}

BENCH_BODY(rump_visit, thread_visit(rump_visitor))
BENCH_BODY(host_visit, thread_visit(host_visitor))

const struct bench_line call_lines[] = {
    {
	.bl_name = "call_nothing",
	.bl_what = "rump_nativeabi_p, which only returns 1",
	.bl_hostcall = "syscall(SYS_getpid)",
	.bl_rump = rump_nothing,
	.bl_host = host_getpid,
    },
    {
	.bl_name = "getpid_bound",
	.bl_what = "getpid by a host thread bound to an lwp",
	.bl_hostcall = "syscall(SYS_getpid)",
	.bl_original = 42,
	.bl_asked = 3,
	.bl_hostref = 108,
	.bl_setup = bind_setup,
	.bl_rump = rump_getpid,
	.bl_host = host_getpid,
    },
    {
	.bl_name = "getpid_traced",
	.bl_what = "the same, traced by ktrace to a file of the kernel",
	.bl_hostcall = "syscall(SYS_getpid), not traced",
	.bl_setup = trace_setup,
	.bl_rump = rump_getpid_traced,
	.bl_host = host_getpid,
    },
    {
	.bl_name = "getpid_implicit",
	.bl_what = "getpid from the implicit context, one host thread",
	.bl_hostcall = "syscall(SYS_getpid)",
	.bl_original = 606,
	.bl_asked = 5,
	.bl_hostref = 108,
	.bl_rump = rump_getpid,
	.bl_host = host_getpid,
    },
    {
	.bl_name = "getpid_implicit_4t",
	.bl_what = "the same, 4 host threads on 2 processors, CPU time",
	.bl_hostcall = "syscall(SYS_getpid), 4 threads",
	.bl_original = 1651,
	.bl_asked = 5,
	.bl_run = implicit_crew_run,
    },
    {
	.bl_name = "getpid_implicit_growth",
	.bl_what = "cost of a call of 4 host threads against 1",
	.bl_hostcall = "syscall(SYS_getpid), 4 threads",
	.bl_unit = UNIT_TIMES,
	.bl_original = 1651.0 / 606.0,
	.bl_asked = 1.1, /* none, and a tenth for noise */
	.bl_run = implicit_growth_run,
    },
    {
	.bl_name = "getppid_bound",
	.bl_what = "getppid by a host thread bound to an lwp",
	.bl_hostcall = "syscall(SYS_getppid)",
	.bl_setup = bind_setup,
	.bl_rump = rump_getppid,
	.bl_host = host_getppid,
    },
    {
	.bl_name = "thread_visit",
	.bl_what = "a new host thread that calls getpid once and ends",
	.bl_hostcall = "the same with syscall(SYS_getpid)",
	.bl_rump = rump_visit,
	.bl_host = host_visit,
    },
    {0},
};
