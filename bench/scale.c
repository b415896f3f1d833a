/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether making processes stays cheap: on two host threads at once, and with
 * very many of them alive.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "bench.h"

#define MAXREPS 64

BENCH_BODY(rump_rfork, bench_must0(rump_pub_lwproc_rfork(RUMP_RFCFDG), "rfork");
	   rump_pub_lwproc_releaselwp())
BENCH_BODY(host_clone, bench_host_clone(0))

/*
 * Of pairs of runs one after the other, the middle one's: a processor's clock
 * changes by half meanwhile, and with it the best of either kind.
 */
struct bench_figure
bench_speedup(bench_body *body, char *note, size_t notelen)
{
	double one[MAXREPS], two[MAXREPS], wall[MAXREPS], cpu[MAXREPS], middle;
	uint64_t n = bench_calibrate(body);
	struct bench_crewtime t1, t2;

	for (unsigned i = 0; i < bench_reps(); i++) {
		t1 = bench_crew(1, body, n);
		t2 = bench_crew(2, body, n);
		one[i] = t1.wall / (double)n;
		two[i] = t2.wall / (double)n;
		wall[i] = 2 * t1.wall / t2.wall;
		cpu[i] = 4 * t1.cpu / t2.cpu;
	}
	middle = bench_figure(wall, bench_reps()).bf_median;
	if (note != NULL)
		snprintf(note, notelen,
		    "%.1f ns on one, %.1f ns on each of two; by CPU time "
		    "%.2f x",
		    bench_figure(one, bench_reps()).bf_median,
		    bench_figure(two, bench_reps()).bf_median,
		    bench_figure(cpu, bench_reps()).bf_median);
	return (struct bench_figure){middle, middle};
}

/*
 * What two threads can do at most: they share nothing but the processors, which
 * may be two halves of one.  Several additions at a time, as in a short call.
 */
static double
no_memory(uint64_t n)
{
	int64_t start = bench_now();
	uint64_t a = 0, b = 0, c = 0, d = 0;

	for (uint64_t i = 0; i < n; i++) {
		a += i, b += i, c += i, d += i;
		__asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d));
	}
	BENCH_KEEP(a + b + c + d);
	return (double)(bench_now() - start);
}

static void
no_memory_run(struct bench_result *br)
{
	br->br_rump =
	    bench_speedup(no_memory, br->br_note, sizeof(br->br_note));
}

static void
two_threads_run(struct bench_result *br)
{
	br->br_rump =
	    bench_speedup(rump_rfork, br->br_note, sizeof(br->br_note));
	br->br_host = bench_speedup(host_clone, NULL, 0);
}

static uint64_t
procs_alive(void)
{
	struct rump_memstat st;

	bench_must0(rump_pub_memstat(&st), "memstat");
	return st.procs;
}

/*
 * The cost of a process with n others alive, against the cost before they
 * were made.  They are released again, and must all be gone.
 */
static void
alive_run(struct bench_result *br, size_t n)
{
	struct lwp **alive = calloc(n, sizeof(struct lwp *));
	uint64_t before = procs_alive();
	struct bench_figure few, many;
	int64_t made, released;

	bench_must(alive != NULL, "calloc");
	few = bench_alone(rump_rfork);

	made = bench_now();
	for (size_t i = 0; i < n; i++) {
		bench_newproc();
		alive[i] = rump_pub_lwproc_curlwp();
	}
	rump_pub_lwproc_switch(NULL);
	made = bench_now() - made;

	many = bench_alone(rump_rfork);

	released = bench_now();
	for (size_t i = 0; i < n; i++) {
		rump_pub_lwproc_switch(alive[i]);
		rump_pub_lwproc_releaselwp();
	}
	released = bench_now() - released;
	free(alive);
	if (procs_alive() != before)
		bench_fail("%ju processes left over",
		    (uintmax_t)(procs_alive() - before));

	br->br_rump.bf_best = many.bf_best / few.bf_best;
	br->br_rump.bf_median = many.bf_median / few.bf_median;
	snprintf(br->br_note, sizeof(br->br_note),
	    "%.1f ns against %.1f ns; made for %.0f ns each, released for "
	    "%.0f ns",
	    many.bf_best, few.bf_best, (double)made / (double)n,
	    (double)released / (double)n);
}

static void
alive20k_run(struct bench_result *br)
{
	alive_run(br, 20000);
}

static void
alive1m_run(struct bench_result *br)
{
	alive_run(br, 1000000);
}

const struct bench_line scale_lines[] = {
    {
	.bl_name = "cpus_2threads",
	.bl_what = "additions in registers on two host threads against one",
	.bl_unit = UNIT_SPEEDUP,
	.bl_run = no_memory_run,
    },
    {
	.bl_name = "rfork_2threads",
	.bl_what = "rfork_clear on two host threads against one",
	.bl_hostcall = "clone(VM, VFORK) + exit + wait, 2 threads",
	.bl_unit = UNIT_SPEEDUP,
	.bl_asked = 1.8,
	.bl_run = two_threads_run,
    },
    {
	.bl_name = "rfork_20k_alive",
	.bl_what = "rfork_clear with 20000 processes alive against 1",
	.bl_unit = UNIT_TIMES,
	.bl_original = 7900.0 / 2214.0,
	.bl_asked = 1.5,
	.bl_run = alive20k_run,
    },
    {
	.bl_name = "rfork_1m_alive",
	.bl_what = "rfork_clear with 1000000 processes alive against 1",
	.bl_unit = UNIT_TIMES,
	.bl_asked = 1.5,
	.bl_run = alive1m_run,
    },
    {0},
};
