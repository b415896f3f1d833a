/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench-static: the nanoseconds of the shortest call of a program that is
 * linked with librump.a; bench starts it, lwps.c.  A call through the shared
 * library goes a longer way, to memory far away.
 */
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <rump/rump.h>

#define CALLS 1000000
#define REPS  31

static int64_t
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int
main(void)
{
	int64_t start, took, best = INT64_MAX;

	if (rump_init() != 0 || rump_pub_lwproc_rfork(RUMP_RFCFDG) != 0)
		return 1;
	for (int rep = 0; rep < REPS; rep++) {
		start = now();
		for (int i = 0; i < CALLS; i++)
			__asm__ volatile("" : : "r"(rump_pub_lwproc_curlwp()));
		took = now() - start;
		best = took < best ? took : best;
	}
	printf("%.2f\n", (double)best / CALLS);
	return 0;
}
