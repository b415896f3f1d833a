/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host threads for the tests: start some, hold them at gates, join them.
 */
#ifndef TESTS_LIB_THREADS_H
#define TESTS_LIB_THREADS_H

#include <pthread.h>
#include <time.h>

#include <rump/rumpfiber.h>

#include "tc.h"

struct thread {
	pthread_t t_handle;
	int t_id; /* 0, 1, … in its team */
	void (*t_fn)(struct thread *);
	void *t_arg;	/* the same for the team */
	void *t_result; /* for t_fn's use */
};

static inline void *
thread_main(void *arg)
{
	struct thread *t = arg;

	t->t_fn(t);
	return NULL;
}

/*
 * A kernel of fibers lets no other host thread in: a case that wants some is
 * not one for it.
 */
static inline void
thread_wanted(void)
{
	const char *kind = getenv("RUMP_THREADS");

	if (kind == NULL || strcmp(kind, "fiber") != 0)
		return;
	if (tc_in_child)
		_exit(TC_CHILD_SKIPS);
	atf_tc_skip("%s", TC_NEEDS_THREADS);
}

#define pthread_create(...) (thread_wanted(), pthread_create(__VA_ARGS__))

static inline void
thread_start(struct thread *t, int id, void (*fn)(struct thread *), void *arg)
{
	t->t_id = id;
	t->t_fn = fn;
	t->t_arg = arg;
	t->t_result = NULL;
	T_EQ(0, pthread_create(&t->t_handle, NULL, thread_main, t));
}

static inline void
thread_join(struct thread *t)
{
	T_EQ(0, pthread_join(t->t_handle, NULL));
}

static inline void
team_start(struct thread *team, int n, void (*fn)(struct thread *), void *arg)
{
	for (int i = 0; i < n; i++)
		thread_start(&team[i], i, fn, arg);
}

static inline void
team_join(struct thread *team, int n)
{
	for (int i = 0; i < n; i++)
		thread_join(&team[i]);
}

/* Run fn on n host threads (at most 64) at once and wait for them. */
static inline void
team_run(int n, void (*fn)(struct thread *), void *arg)
{
	struct thread team[64];

	T_ASSERT(n <= 64);
	team_start(team, n, fn, arg);
	team_join(team, n);
}

/* A number that threads raise and wait for. */
struct gate {
	pthread_mutex_t g_lock;
	pthread_cond_t g_cond;
	int g_value;
};
#define GATE_INITIALIZER                             \
	{                                            \
		.g_lock = PTHREAD_MUTEX_INITIALIZER, \
		.g_cond = PTHREAD_COND_INITIALIZER   \
	}

static inline void
gate_init(struct gate *g)
{
	T_EQ(0, pthread_mutex_init(&g->g_lock, NULL));
	T_EQ(0, pthread_cond_init(&g->g_cond, NULL));
	g->g_value = 0;
}

static inline void
gate_raise(struct gate *g)
{
	pthread_mutex_lock(&g->g_lock);
	g->g_value++;
	pthread_cond_broadcast(&g->g_cond);
	pthread_mutex_unlock(&g->g_lock);
}

/* Wait until the gate was raised n times in all. */
static inline void
gate_await(struct gate *g, int n)
{
	pthread_mutex_lock(&g->g_lock);
	while (g->g_value < n)
		pthread_cond_wait(&g->g_cond, &g->g_lock);
	pthread_mutex_unlock(&g->g_lock);
}

/* Sleep on the host; timers that are due in a kernel of fibers have a turn. */
static inline void
host_msleep(int ms)
{
	struct timespec ts = {ms / 1000, (long)(ms % 1000) * 1000000};

	(void)nanosleep(&ts, NULL);
	rump_fiber_yield();
}

/* A small random generator; the state must not be 0. */
static inline uint64_t
rng(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	*state = x;
	return x * 0x2545f4914f6cdd1dULL >> 11;
}

#endif /* TESTS_LIB_THREADS_H */
