/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the stress programs share: host threads that take random steps, an
 * end with a message when something is not what it must be, and the figures
 * of the kernel before and after.
 *
 *	PROGRAM [seed [steps]]
 */
#ifndef TESTS_LIB_STRESS_H
#define TESTS_LIB_STRESS_H

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#define NTHREADS 8

/* A host thread that makes no step for so long is stuck. */
#define STUCK_SECONDS 120

/* A host thread of the test. */
struct tester {
	pthread_t handle;
	int id;
	uint64_t random;
	_Atomic long step;
	const char *_Atomic doing;
};

/* A kind of step, and how often it is taken in relation to the others. */
struct action {
	int weight;
	const char *name;
	void (*fn)(void);
};

static uint64_t seed;
static long steps;
static _Thread_local struct tester *me;

static void
differ(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

static void
differ(const char *fmt, ...)
{
	int error = errno;
	va_list ap;

	flockfile(stderr);
	fprintf(stderr, "%s: seed %" PRIu64 " steps %ld",
	    program_invocation_short_name, seed, steps);
	if (me != NULL)
		fprintf(stderr, " thread %d step %ld: %s", me->id, me->step,
		    me->doing);
	fprintf(stderr, ": ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, " (errno %d)\n", error);
	_Exit(1);
}

/* The result of a call must be this. */
static inline void
want(long wanted, long got)
{
	if (wanted != got)
		differ("want %ld, got %ld", wanted, got);
}

/* The call must fail with this errno. */
static inline void
want_error(int wanted, long got)
{
	if (got != -1 || errno != wanted)
		differ("want -1 with errno %d, got %ld", wanted, got);
}

static inline uint64_t
rnd(uint64_t n)
{
	uint64_t x = me->random;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	me->random = x;
	return (x * 0x2545f4914f6cdd1dULL >> 11) % n;
}

/* Take one of n kinds of step. */
static inline void
one_step(const struct action *actions, size_t n)
{
	int total = 0, k;
	size_t i;

	for (i = 0; i < n; i++)
		total += actions[i].weight;
	k = (int)rnd((uint64_t)total);
	for (i = 0; k >= actions[i].weight; i++)
		k -= actions[i].weight;
	me->doing = actions[i].name;
	actions[i].fn();
}

/* Wait for its end, as long as it makes steps. */
static inline void
tester_join(struct tester *t)
{
	struct timespec until;
	long step;

	do {
		step = t->step;
		(void)clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += STUCK_SECONDS;
		if (pthread_timedjoin_np(t->handle, NULL, &until) == 0)
			return;
	} while (t->step != step);
	me = t;
	differ("stuck");
}

/* NTHREADS host threads, each with `me' set and random numbers of its own. */
static inline void
run_testers(uint64_t first, void *(*fn)(void *))
{
	static struct tester testers[NTHREADS];

	for (int i = 0; i < NTHREADS; i++) {
		struct tester *t = &testers[i];

		t->id = i;
		t->random = (first + 1) * 0x9e3779b97f4a7c15ULL + (uint64_t)i;
		t->step = 0;
		t->doing = "start";
		if (pthread_create(&t->handle, NULL, fn, t) != 0)
			differ("no host thread");
	}
	for (int i = 0; i < NTHREADS; i++)
		tester_join(&testers[i]);
}

static inline void
memstat(struct rump_memstat *st)
{
	if (rump_pub_memstat(st) != 0)
		differ("memstat");
}

/* Nothing is left over. */
static inline void
compare(const struct rump_memstat *a, const struct rump_memstat *b)
{
	if (a->procs != b->procs)
		differ("processes: %" PRIu64 " at the start, %" PRIu64,
		    a->procs, b->procs);
	if (a->lwps != b->lwps)
		differ("lwps: %" PRIu64 " at the start, %" PRIu64, a->lwps,
		    b->lwps);
	if (a->files != b->files)
		differ("files: %" PRIu64 " at the start, %" PRIu64, a->files,
		    b->files);
	if (a->creds != b->creds)
		differ("credentials: %" PRIu64 " at the start, %" PRIu64,
		    a->creds, b->creds);
	if (a->used != b->used)
		differ("bytes: %" PRIu64 " at the start, %" PRIu64, a->used,
		    b->used);
}

#endif /* TESTS_LIB_STRESS_H */
