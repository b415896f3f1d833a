/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host threads for the tests: start some, hold them at gates, join them.
 */
#ifndef TESTS_LIB_THREADS_H
#define TESTS_LIB_THREADS_H

#include <sys/syscall.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include <rump/rumpfiber.h>

#include "tc.h"

struct thread {
	pthread_t t_handle;
	int t_id; /* 0, 1, … in its team */
	void (*t_fn)(struct thread *);
	void *t_arg;		/* the same for the team */
	void *t_result;		/* for t_fn's use */
	pid_t t_tid;		/* of the host */
	_Atomic uint64_t t_lwp; /* see thread_sleeps; 0: it has not said */
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
	atomic_store(&t->t_lwp, 0);
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

/*
 * Whether a thread has fallen asleep in the kernel.  It says which lwp it is
 * and goes on to the call in which it sleeps; who is to find it there waits
 * until /proc shows that.  It is mounted for this at /asleep, by root.
 */
static inline void
thread_sleeps(struct thread *t)
{
	int pid = rump_sys_getpid(), lid = rump_sys_gettid();

	t->t_tid = (pid_t)syscall(SYS_gettid);
	atomic_store(&t->t_lwp, (uint64_t)pid << 32 | (uint32_t)lid);
}

static inline bool
thread_isasleep(struct thread *t)
{
	uint64_t l = atomic_load(&t->t_lwp);
	char path[64], text[64] = "";
	int fd;

	if (l == 0)
		return false;
	(void)snprintf(path, sizeof(path), "/asleep/%d/task/%d/stat",
	    (int)(l >> 32), (int)(uint32_t)l);
	if ((fd = rump_sys_open(path, O_RDONLY)) == -1)
		return false;
	(void)rump_sys_read(fd, text, sizeof(text) - 1);
	(void)rump_sys_close(fd);
	return strstr(text, ") S ") != NULL;
}

/* The same of the host's thread. */
static inline void
thread_await_host(struct thread *t)
{
	char path[64], text[64] = "";
	int fd;

	for (int i = 0; i < 30000 && strstr(text, ") S ") == NULL; i++) {
		host_msleep(1);
		if (atomic_load(&t->t_lwp) == 0)
			continue;
		(void)snprintf(path, sizeof(path), "/proc/self/task/%d/stat",
		    (int)t->t_tid);
		T_ASSERT((fd = open(path, O_RDONLY)) != -1);
		T_ASSERT(read(fd, text, sizeof(text) - 1) > 0);
		(void)close(fd);
	}
	T_ASSERT(strstr(text, ") S ") != NULL);
}

static inline void
thread_await_asleep(struct thread *t)
{
	if (rump_sys_mkdir("/asleep", 0755) == 0)
		T_OK(rump_sys_mount("proc", "/asleep", 0, NULL, 0));
	if (TC_IS_REMOTE) {
		/*
		 * A client's lwp sleeps between its calls, too: its thread must
		 * wait for an answer, and the server gets time to begin.
		 */
		thread_await_host(t);
		host_msleep(20);
	}
	for (int i = 0; i < 30000 && !thread_isasleep(t); i++)
		host_msleep(1);
	T_ASSERT(thread_isasleep(t));
}

static inline void
team_await_asleep(struct thread *team, int n)
{
	for (int i = 0; i < n; i++)
		thread_await_asleep(&team[i]);
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
