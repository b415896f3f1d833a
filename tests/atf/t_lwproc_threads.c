/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes and lwps under many host threads: hand-over, multiplexing, host
 * threads that end, and orders of calls that race.
 */
#include <stdatomic.h>

#include "../lib/tc.h"
#include "../lib/threads.h"

static void
exit_bound(struct thread *t)
{
	if (t->t_arg != NULL)
		rump_pub_lwproc_switch(t->t_arg);
	else
		t->t_result = newproc(RUMP_RFCFDG);
	T_ASSERT(rump_sys_getpid() > 1);
}

TC(host_thread_that_exits_leaves_its_lwp_not_running,
    "An lwp that a host thread was bound to at its end can be used again.")
{
	struct thread t;
	pid_t pid;

	boot();
	for (int i = 0; i < 50; i++) {
		struct lwp *l;

		thread_start(&t, 0, exit_bound, NULL);
		thread_join(&t);
		l = t.t_result;
		team_run(1, exit_bound, l);
		rump_pub_lwproc_switch(l);
		pid = rump_sys_getpid();
		T_ASSERT(pid > 1);
		rump_pub_lwproc_releaselwp();
		T_EQ(ESRCH, rump_pub_lwproc_newlwp(pid));
	}
}

static void
exit_after_calls(struct thread *t)
{
	int fd[2];
	char c;

	(void)t;
	T_EQ(1, rump_sys_getpid());
	T_OK(rump_sys_pipe(fd));
	T_EQ(1, rump_sys_write(fd[1], "x", 1));
	T_EQ(1, rump_sys_read(fd[0], &c, 1));
	T_OK(rump_sys_close(fd[0]));
	T_OK(rump_sys_close(fd[1]));
}

TC(host_threads_come_and_go, "Many host threads enter once and end.")
{
	boot();
	for (int i = 0; i < 500 / TC_SLOW; i++)
		team_run(4, exit_after_calls, NULL);
}

static void
destructor(void *arg)
{
	struct lwp *l = rump_pub_lwproc_curlwp();

	/* The thread may have lost its lwp by now, but not its mind. */
	T_ASSERT(l == NULL || l == arg);
	T_ASSERT(rump_sys_getpid() >= 1);
	if (l == NULL)
		T_EQ(0, rump_pub_lwproc_newlwp(1));
}

struct late {
	pthread_key_t key;
	bool bound;
};

static void
enter_at_the_end(struct thread *t)
{
	struct late *late = t->t_arg;
	struct lwp *l = NULL;

	if (late->bound)
		l = newlwp(1);
	else
		T_EQ(1, rump_sys_getpid());
	T_EQ(0, pthread_setspecific(late->key, l != NULL ? (void *)l : late));
}

TC(destructors_of_a_host_thread_may_enter,
    "A host thread's destructors can still call the kernel, before and "
    "after it has taken note of the thread's end.")
{
	struct late early, late;

	T_EQ(0, pthread_key_create(&early.key, destructor));
	boot();
	T_EQ(0, pthread_key_create(&late.key, destructor));
	for (int i = 0; i < 20; i++) {
		early.bound = late.bound = i % 2;
		team_run(3, enter_at_the_end, &early);
		team_run(3, enter_at_the_end, &late);
	}
	T_EQ(1, rump_sys_getpid());
}

/*
 * Many lwps on few host threads.
 */
#define DEEP_LWPS    10000
#define DEEP_THREADS 4
#define DEEP_OPS     (40000 / TC_SLOW)

struct pool {
	pthread_mutex_t lock;
	struct lwp *lwp[DEEP_LWPS];
	pid_t pid[DEEP_LWPS];
	int left;
};

static void
pool_take(struct pool *pool, uint64_t *seed, struct lwp **l, pid_t *pid)
{
	int k;

	pthread_mutex_lock(&pool->lock);
	k = (int)(rng(seed) % (uint64_t)pool->left--);
	*l = pool->lwp[k];
	*pid = pool->pid[k];
	pool->lwp[k] = pool->lwp[pool->left];
	pool->pid[k] = pool->pid[pool->left];
	pthread_mutex_unlock(&pool->lock);
}

static void
pool_give(struct pool *pool, struct lwp *l, pid_t pid)
{
	pthread_mutex_lock(&pool->lock);
	pool->lwp[pool->left] = l;
	pool->pid[pool->left++] = pid;
	pthread_mutex_unlock(&pool->lock);
}

static void
multiplex(struct thread *t)
{
	uint64_t seed = (uint64_t)t->t_id + 1;
	struct pool *pool = t->t_arg;
	struct lwp *l, *held = NULL;
	pid_t pid, heldpid = 0;

	for (int i = 0; i < DEEP_OPS; i++) {
		pool_take(pool, &seed, &l, &pid);
		rump_pub_lwproc_switch(l);
		/* Only now may another host thread have the old one. */
		if (held != NULL)
			pool_give(pool, held, heldpid);
		T_EQ(pid, rump_sys_getpid());
		T_PTR(l, rump_pub_lwproc_curlwp());
		T_EQ(pid, rump_sys_getuid());
		held = l;
		heldpid = pid;
	}
	rump_pub_lwproc_switch(NULL);
	pool_give(pool, held, heldpid);
}

TC(ten_thousand_lwps_on_four_host_threads,
    "Deep multiplexing: every lwp keeps its process wherever it runs.")
{
	static struct pool pool = {.lock = PTHREAD_MUTEX_INITIALIZER};

	boot();
	for (int i = 0; i < DEEP_LWPS; i++) {
		if (i % 50 == 0) {
			rump_pub_lwproc_switch(NULL);
			pool.lwp[i] = newproc(RUMP_RFCFDG);
			pool.pid[i] = rump_sys_getpid();
			T_OK(rump_sys_setuid((uid_t)pool.pid[i]));
		} else {
			pool.pid[i] = pool.pid[i - 1];
			pool.lwp[i] = newlwp(pool.pid[i]);
		}
	}
	rump_pub_lwproc_switch(NULL);
	pool.left = DEEP_LWPS;
	team_run(DEEP_THREADS, multiplex, &pool);
	T_EQ(DEEP_LWPS, pool.left);
	for (int i = 0; i < DEEP_LWPS; i++)
		release(pool.lwp[i]);
}

/*
 * A switch storm: few lwps, taken by whoever finds them free, handed over
 * with nothing but a relaxed exchange.
 */
#define STORM_LWPS 6

struct storm {
	_Atomic(struct lwp *) slot[STORM_LWPS];
	int fd[2];
};

static void
storm(struct thread *t)
{
	struct storm *st = t->t_arg;
	uint64_t seed = (uint64_t)t->t_id + 99;
	struct lwp *l, *none = NULL;
	int k, dup;

	for (int i = 0; i < 60000 / TC_SLOW; i++) {
		k = (int)(rng(&seed) % STORM_LWPS);
		l = atomic_exchange_explicit(
		    &st->slot[k], none, memory_order_relaxed);
		if (l == NULL)
			continue;
		rump_pub_lwproc_switch(l);
		T_PTR(l, rump_pub_lwproc_curlwp());
		if (i % 4 == 0) {
			dup = (int)T_OK(rump_sys_dup(st->fd[0]));
			T_OK(rump_sys_close(dup));
		}
		if (i % 64 == 1) {
			rump_pub_lwproc_releaselwp();
			l = newlwp(1);
		} else if (i % 64 == 2) {
			rump_pub_lwproc_releaselwp();
			l = newproc(0);
		}
		rump_pub_lwproc_switch(NULL);
		while (!atomic_compare_exchange_strong_explicit(&st->slot[k],
		    &none, l, memory_order_relaxed, memory_order_relaxed)) {
			none = NULL;
			k = (k + 1) % STORM_LWPS;
		}
	}
}

TC(switch_storm, "Host threads snatch the same few lwps from each other.")
{
	static struct storm st;
	struct lwp *l;

	boot();
	T_OK(rump_sys_pipe(st.fd));
	for (int i = 0; i < STORM_LWPS; i++) {
		l = newproc(0);
		rump_pub_lwproc_switch(NULL);
		atomic_store(&st.slot[i], l);
	}
	team_run(8, storm, &st);
	for (int i = 0; i < STORM_LWPS; i++)
		release(atomic_load(&st.slot[i]));
}

/*
 * Processes that go while others want to attach to them.
 */
struct dying {
	_Atomic pid_t pid; /* 1: none yet */
	_Atomic bool stop;
	_Atomic long tries;
};

static void
attach(struct thread *t)
{
	struct dying *d = t->t_arg;
	struct lwp *back = newlwp(1);
	pid_t pid;
	int error;

	while (!atomic_load(&d->stop)) {
		pid = atomic_load(&d->pid);
		error = rump_pub_lwproc_newlwp(pid);
		if (error == 0) {
			T_EQ(pid, rump_sys_getpid());
			rump_pub_lwproc_releaselwp();
			rump_pub_lwproc_switch(back);
		} else {
			T_ASSERT(error == ESRCH || error == EBUSY);
			T_PTR(back, rump_pub_lwproc_curlwp());
			T_EQ(1, rump_sys_getpid());
		}
		if (pid != 1)
			atomic_fetch_add(&d->tries, 1);
	}
	rump_pub_lwproc_releaselwp();
}

TC(newlwp_races_with_the_last_release,
    "newlwp into a process that goes gives 0, EBUSY or ESRCH; a process "
    "that was caught in time stays until that lwp is released.")
{
	struct dying d = {.pid = 1};
	struct thread team[3];
	int fd[2];

	boot();
	team_start(team, 3, attach, &d);
	/* The host may let them begin when most of it is over. */
	for (int i = 0; i < 20000 / TC_SLOW || atomic_load(&d.tries) < 1000;
	     i++) {
		(void)newproc(RUMP_RFCFDG);
		if (i % 2 == 0)
			T_OK(rump_sys_pipe(fd));
		atomic_store(&d.pid, rump_sys_getpid());
		if (i % 3 == 0)
			(void)rump_sys_getppid();
		rump_pub_lwproc_releaselwp();
	}
	atomic_store(&d.stop, true);
	team_join(team, 3);
}

/*
 * Parents and children that go at the same time.
 */
struct family {
	struct lwp *lwp[8];
	struct gate gate;
};

static void
release_own(struct thread *t)
{
	struct family *f = t->t_arg;

	rump_pub_lwproc_switch(f->lwp[t->t_id]);
	gate_raise(&f->gate);
	gate_await(&f->gate, 8);
	if (t->t_id % 2 == 1) {
		pid_t ppid = rump_sys_getppid();

		T_ASSERT(ppid >= 1);
	}
	rump_pub_lwproc_releaselwp();
}

/*
 * A process that gets another pid, and host threads that look for it.
 */
#define RENAMED 1000000

struct renamed {
	_Atomic pid_t old, pid;
	_Atomic bool stop;
};

static void
look_for_it(struct thread *t)
{
	struct renamed *r = t->t_arg;

	while (!atomic_load(&r->stop)) {
		pid_t old = atomic_load(&r->old), pid = atomic_load(&r->pid);

		if (old == 0 || rump_sys_kill(old, 0) == 0)
			continue;
		T_EQ(ESRCH, errno);
		/* It has the new one, unless it is gone already. */
		if (rump_sys_kill(pid, 0) == -1) {
			T_EQ(ESRCH, errno);
			T_ASSERT(atomic_load(&r->old) != old);
		}
		T_ERR(ESRCH, rump_sys_getpgid(old));
		T_EQ(ESRCH, rump_pub_lwproc_newlwp(old));
	}
}

TC(setid_frees_the_old_pid,
    "After allbetsareoff_setid the old pid names nothing, the new one does.")
{
	struct renamed r = {.pid = 0};
	struct thread team[3];

	boot();
	team_start(team, 3, look_for_it, &r);
	for (int i = 0; i < 2000 / TC_SLOW; i++) {
		(void)newproc(RUMP_RFCFDG);
		atomic_store(&r.pid, RENAMED + i);
		atomic_store(&r.old, rump_sys_getpid());
		rump_pub_allbetsareoff_setid(RENAMED + i, 1);
		T_ERR(ESRCH, rump_sys_kill(atomic_load(&r.old), 0));
		T_EQ(RENAMED + i, rump_sys_getpid());
		T_OK(rump_sys_kill(RENAMED + i, 0));
		atomic_store(&r.old, 0);
		rump_pub_lwproc_releaselwp();
	}
	atomic_store(&r.stop, true);
	team_join(team, 3);
}

/*
 * The first call of a host thread.
 */
struct first {
	struct lwp *lwp;
	pid_t pid;
};

static void
first_is_switch(struct thread *t)
{
	struct first *f = t->t_arg;

	if (t->t_id == 0)
		rump_pub_lwproc_switch(NULL);
	T_PTR(NULL, rump_pub_lwproc_curlwp());
	rump_pub_lwproc_switch(f->lwp);
	T_PTR(f->lwp, rump_pub_lwproc_curlwp());
	T_EQ(f->pid, rump_sys_getpid());
	rump_pub_lwproc_switch(NULL);
	T_PTR(NULL, rump_pub_lwproc_curlwp());
	rump_pub_lwproc_switch(f->lwp);
	rump_pub_lwproc_switch(NULL);
	T_EQ(1, rump_sys_getpid());
	rump_pub_lwproc_switch(f->lwp);
	T_EQ(f->pid, rump_sys_getpid());
	if (t->t_id != 0)
		rump_pub_lwproc_releaselwp();
	else
		rump_pub_lwproc_switch(NULL);
	T_EQ(1, rump_sys_getpid());
}

static void
first_is_switch_then_release(struct thread *t)
{
	struct first *f = t->t_arg;

	rump_pub_lwproc_switch(f->lwp);
	rump_pub_lwproc_releaselwp();
	T_PTR(NULL, rump_pub_lwproc_curlwp());
	T_EQ(1, rump_sys_getpid());
	T_EQ(ESRCH, rump_pub_lwproc_newlwp(f->pid));
}

TC(first_call_is_switch,
    "A host thread may become an lwp before it was in the implicit context.")
{
	struct thread t;
	struct first f;

	boot();
	f.lwp = newproc(RUMP_RFCFDG);
	f.pid = rump_sys_getpid();
	rump_pub_lwproc_switch(NULL);
	for (int id = 0; id < 2; id++) {
		thread_start(&t, id, first_is_switch, &f);
		thread_join(&t);
	}
	f.lwp = newproc(RUMP_RFCFDG);
	f.pid = rump_sys_getpid();
	rump_pub_lwproc_switch(NULL);
	team_run(1, first_is_switch_then_release, &f);
}

TC(a_family_goes_at_once,
    "Parents, children and grandchildren released by eight host threads at "
    "the same moment.")
{
	struct family f;

	boot();
	for (int round = 0; round < 200 / TC_SLOW; round++) {
		gate_init(&f.gate);
		for (int i = 0; i < 8; i++) {
			/* A chain in odd rounds, else children of one. */
			if (round % 2 == 0 && i > 1) {
				rump_pub_lwproc_switch(NULL);
				rump_pub_lwproc_switch(f.lwp[0]);
			}
			f.lwp[i] = newproc(i % 3);
			if (i == 3)
				T_OK(rump_sys_setsid());
		}
		rump_pub_lwproc_switch(NULL);
		team_run(8, release_own, &f);
	}
}

/*
 * What lwps of a process change together.
 */
static void
change_ids(struct thread *t)
{
	pid_t pid = *(pid_t *)t->t_arg;
	struct lwp *l = newlwp(pid);
	gid_t groups[4] = {1, 2, 3, (gid_t)t->t_id};
	gid_t got[8];
	char buf[32];

	for (int i = 0; i < 3000 / TC_SLOW; i++) {
		T_OK(rump_sys_seteuid((uid_t)(i % 2) * 500));
		T_ASSERT(rump_sys_geteuid() % 500 == 0);
		T_EQ(0, rump_sys_getuid());
		/* May be refused while another made the user 500. */
		(void)rump_sys_setgroups(4, groups);
		T_ASSERT(rump_sys_getgroups(8, got) <= 4);
		T_OK(rump_sys_chdir(t->t_id % 2 == 0 ? "/even" : "/odd"));
		T_OK(rump_sys___getcwd(buf, sizeof(buf)));
		T_ASSERT(strcmp(buf, "/even") == 0 || strcmp(buf, "/odd") == 0);
		(void)rump_sys_umask(022);
		T_EQ(pid, rump_sys_getpid());
	}
	release(l);
}

TC(lwps_of_one_process_change_it_at_once,
    "Ids, groups, directory and mask changed by eight lwps of a process.")
{
	struct lwp *l;
	pid_t pid;

	boot();
	T_OK(rump_sys_mkdir("/even", 0777));
	T_OK(rump_sys_mkdir("/odd", 0777));
	l = newproc(RUMP_RFCFDG);
	pid = rump_sys_getpid();
	team_run(8, change_ids, &pid);
	release(l);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, host_thread_that_exits_leaves_its_lwp_not_running);
	ATF_TP_ADD_TC(tp, host_threads_come_and_go);
	ATF_TP_ADD_TC(tp, destructors_of_a_host_thread_may_enter);
	ATF_TP_ADD_TC(tp, ten_thousand_lwps_on_four_host_threads);
	ATF_TP_ADD_TC(tp, switch_storm);
	ATF_TP_ADD_TC(tp, newlwp_races_with_the_last_release);
	ATF_TP_ADD_TC(tp, setid_frees_the_old_pid);
	ATF_TP_ADD_TC(tp, first_call_is_switch);
	ATF_TP_ADD_TC(tp, a_family_goes_at_once);
	ATF_TP_ADD_TC(tp, lwps_of_one_process_change_it_at_once);
	return atf_no_error();
}
