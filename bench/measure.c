/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How time is taken.  A repetition does an operation so often that it takes
 * some milliseconds; the figure of a line is its fastest repetition, since
 * what disturbs a measurement only ever adds to it.
 */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"

#define MAXREPS 31

bool bench_quick;

static int64_t
clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int64_t
bench_now(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

int64_t
bench_cputime(void)
{
	return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

unsigned
bench_reps(void)
{
	return bench_quick ? 5 : MAXREPS;
}

uint64_t
bench_calibrate(bench_body *body)
{
	double want = bench_quick ? 1e6 : 8e6;
	uint64_t n = 1;
	double ns;

	while ((ns = body(n)) < want / 4 && n < UINT64_C(1) << 40)
		n *= 2;
	n = (uint64_t)((double)n * want / (ns + 1));
	return n == 0 ? 1 : n;
}

static int
cmp_double(const void *va, const void *vb)
{
	const double *a = va, *b = vb;

	return *a < *b ? -1 : *a > *b;
}

struct bench_figure
bench_figure(double *v, unsigned n)
{
	struct bench_figure bf;

	qsort(v, n, sizeof(*v), cmp_double);
	bf.bf_best = v[0];
	bf.bf_median = v[n / 2];
	return bf;
}

void
bench_turns(
    bench_body *const body[BENCH_TURNS], struct bench_figure bf[BENCH_TURNS])
{
	uint64_t times[BENCH_TURNS];
	double v[BENCH_TURNS][MAXREPS];

	for (unsigned b = 0; b < BENCH_TURNS; b++)
		if (body[b] != NULL)
			times[b] = bench_calibrate(body[b]);
	for (unsigned i = 0; i < bench_reps(); i++)
		for (unsigned b = 0; b < BENCH_TURNS; b++)
			if (body[b] != NULL)
				v[b][i] = body[b](times[b]) / (double)times[b];
	for (unsigned b = 0; b < BENCH_TURNS; b++)
		if (body[b] != NULL)
			bf[b] = bench_figure(v[b], bench_reps());
}

struct bench_figure
bench_alone(bench_body *body)
{
	struct bench_figure bf[BENCH_TURNS];

	bench_turns((bench_body *[BENCH_TURNS]){body}, bf);
	return bf[0];
}

/*
 * Keeps the calling thread to the i-th of its processors, around again: some
 * milliseconds are too short for the host to move threads from a processor
 * that has two to one that has none.
 */
static void
stay_on_cpu(unsigned i)
{
	cpu_set_t all, one;
	int cpu = -1;

	if (sched_getaffinity(0, sizeof(all), &all) != 0)
		return;
	for (i %= (unsigned)CPU_COUNT(&all); i != UINT_MAX; i--)
		do
			cpu++;
		while (!CPU_ISSET(cpu, &all));
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	sched_setaffinity(0, sizeof(one), &one);
}

/* One host thread of bench_crew. */
struct crewman {
	pthread_t cm_thread;
	unsigned cm_number;
	pthread_barrier_t *cm_barrier;
	bench_body *cm_body;
	uint64_t cm_n;
	int64_t cm_start, cm_end, cm_cpu;
};

static void *
crewman_main(void *arg)
{
	struct crewman *cm = arg;
	int64_t cpu;

	stay_on_cpu(cm->cm_number);
	cm->cm_body(16); /* first entries and cold caches are not timed */
	pthread_barrier_wait(cm->cm_barrier);
	cm->cm_start = bench_now();
	cpu = bench_cputime();
	cm->cm_body(cm->cm_n);
	cm->cm_cpu = bench_cputime() - cpu;
	cm->cm_end = bench_now();
	return NULL;
}

#define MAXCREW 16

struct bench_crewtime
bench_crew(unsigned nthreads, bench_body *body, uint64_t n)
{
	struct crewman crew[MAXCREW];
	struct bench_crewtime ct = {0, 0};
	pthread_barrier_t barrier;
	int64_t start = INT64_MAX, end = 0;

	pthread_barrier_init(&barrier, NULL, nthreads);
	for (unsigned i = 0; i < nthreads; i++) {
		crew[i] = (struct crewman){.cm_number = i,
		    .cm_barrier = &barrier,
		    .cm_body = body,
		    .cm_n = n};
		bench_must0(pthread_create(&crew[i].cm_thread, NULL,
				crewman_main, &crew[i]),
		    "pthread_create");
	}
	for (unsigned i = 0; i < nthreads; i++) {
		pthread_join(crew[i].cm_thread, NULL);
		ct.cpu += (double)crew[i].cm_cpu;
		if (crew[i].cm_start < start)
			start = crew[i].cm_start;
		if (crew[i].cm_end > end)
			end = crew[i].cm_end;
	}
	pthread_barrier_destroy(&barrier);
	ct.wall = (double)(end - start);
	return ct;
}

void
bench_use_cpus(unsigned n)
{
	cpu_set_t all, some;

	if (sched_getaffinity(0, sizeof(all), &all) != 0)
		return;
	CPU_ZERO(&some);
	for (int cpu = 0; cpu < CPU_SETSIZE && n > 0; cpu++)
		if (CPU_ISSET(cpu, &all)) {
			CPU_SET(cpu, &some);
			n--;
		}
	sched_setaffinity(0, sizeof(some), &some);
}
