/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Advisory locks that are waited for, and that go with their owner.  What
 * needs no waiting is compared with the host by tests/oracle/lockf.c.
 */
#include <sys/file.h>

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>

#include "../lib/child.h"
#include "../lib/tc.h"
#include "../lib/threads.h"

#define MAXWAITERS 8

/* A host thread that locks a file. */
struct locker {
	struct thread thread;
	pid_t pid; /* its process; 0: one of its own */
	struct gate ready, go;
	int cmd; /* F_*, or -1: flock */
	int op;	 /* of flock */
	struct flock held, want;
	_Atomic bool done;
	int ret, error;
	int order; /* when it got the lock */
};

static _Atomic int order;

static struct flock
range(short type, off_t start, off_t len)
{
	struct flock fl = {.l_type = type, .l_start = start, .l_len = len};

	return fl;
}

static int
setlk(int fd, int cmd, short type, off_t start, off_t len)
{
	struct flock fl = range(type, start, len);

	return rump_sys_fcntl(fd, cmd, &fl);
}

/* Is the range free for a write lock of the caller's? */
static bool
isfree(int fd, off_t start, off_t len)
{
	struct flock fl = range(F_WRLCK, start, len);

	T_OK(rump_sys_fcntl(fd, F_GETLK, &fl));
	return fl.l_type == F_UNLCK;
}

static int
open_file(void)
{
	return (int)T_OK(rump_sys_open("/file", O_RDWR | O_CREAT, 0600));
}

static void
setup(void)
{
	rump_boot_setsigmodel(RUMP_SIGMODEL_RECORD);
	boot();
	(void)newproc(RUMP_RFCFDG);
}

static void
locker_main(struct thread *t)
{
	struct locker *lr = t->t_arg;
	int fd;

	if (lr->pid != 0)
		(void)newlwp(lr->pid);
	else
		(void)newproc(RUMP_RFCFDG);
	lr->pid = rump_sys_getpid();
	fd = open_file();
	if (lr->held.l_len != 0)
		T_OK(rump_sys_fcntl(fd, F_SETLK, &lr->held));
	gate_raise(&lr->ready);
	gate_await(&lr->go, 1);
	thread_sleeps(t);
	lr->ret = lr->cmd == -1 ? rump_sys_flock(fd, lr->op)
				: rump_sys_fcntl(fd, lr->cmd, &lr->want);
	lr->error = errno;
	lr->order = ++order;
	atomic_store(&lr->done, true);
	gate_await(&lr->go, 2);
	rump_pub_lwproc_releaselwp();
}

static void
locker_start(struct locker *lr)
{
	gate_init(&lr->ready);
	gate_init(&lr->go);
	thread_start(&lr->thread, 0, locker_main, lr);
	gate_await(&lr->ready, 1);
}

/* Let it lock, and so fall asleep. */
static void
locker_go(struct locker *lr)
{
	gate_raise(&lr->go);
	thread_await_asleep(&lr->thread);
}

static void
locker_done(struct locker *lr)
{
	while (!atomic_load(&lr->done))
		host_msleep(1);
}

static void
locker_end(struct locker *lr)
{
	gate_raise(&lr->go);
	thread_join(&lr->thread);
}

TC(waits_for_a_range, "F_SETLKW sleeps until the range is unlocked.")
{
	struct locker lr = {.cmd = F_SETLKW, .want = range(F_WRLCK, 5, 10)};
	struct flock fl;
	int fd;

	setup();
	fd = open_file();
	T_OK(setlk(fd, F_SETLK, F_WRLCK, 0, 20));
	locker_start(&lr);
	locker_go(&lr);
	T_EQ(false, atomic_load(&lr.done));
	T_OK(setlk(fd, F_SETLK, F_UNLCK, 0, 10));
	host_msleep(20);
	T_EQ(false, atomic_load(&lr.done));
	T_OK(setlk(fd, F_SETLK, F_UNLCK, 10, 5));
	locker_done(&lr);
	T_OK(lr.ret);
	fl = range(F_RDLCK, 0, 0);
	T_OK(rump_sys_fcntl(fd, F_GETLK, &fl));
	T_EQ(F_WRLCK, fl.l_type);
	T_EQ(5, fl.l_start);
	T_EQ(10, fl.l_len);
	T_EQ(lr.pid, fl.l_pid);
	locker_end(&lr);
	T_EQ(true, isfree(fd, 0, 15));
}

TC(downgrade_wakes, "A write lock that becomes a read lock lets readers in.")
{
	struct locker lr = {.cmd = F_SETLKW, .want = range(F_RDLCK, 0, 0)};
	int fd;

	setup();
	fd = open_file();
	T_OK(setlk(fd, F_SETLK, F_WRLCK, 0, 0));
	locker_start(&lr);
	locker_go(&lr);
	T_EQ(false, atomic_load(&lr.done));
	T_OK(setlk(fd, F_SETLK, F_RDLCK, 0, 0));
	locker_done(&lr);
	T_OK(lr.ret);
	locker_end(&lr);
}

TC(waits_for_a_file, "flock and F_OFD_SETLKW sleep until the last close.")
{
	struct locker lr = {.cmd = -1, .op = LOCK_EX};
	struct locker ofd = {.cmd = F_OFD_SETLKW, .want = range(F_WRLCK, 0, 0)};
	int fd, dup;

	setup();
	fd = open_file();
	dup = (int)T_OK(rump_sys_dup(fd));
	T_OK(rump_sys_flock(fd, LOCK_SH));
	T_OK(setlk(fd, F_OFD_SETLK, F_RDLCK, 0, 0));
	locker_start(&lr);
	locker_start(&ofd);
	locker_go(&lr);
	locker_go(&ofd);
	T_OK(rump_sys_close(fd));
	host_msleep(20);
	T_EQ(false, atomic_load(&lr.done));
	T_EQ(false, atomic_load(&ofd.done));
	T_OK(rump_sys_close(dup));
	locker_done(&lr);
	locker_done(&ofd);
	T_OK(lr.ret);
	T_OK(ofd.ret);
	locker_end(&lr);
	locker_end(&ofd);
}

TC(first_come_first_served, "Who waits longest is granted the lock first.")
{
	struct locker lr[MAXWAITERS];
	int fd, i;

	setup();
	fd = open_file();
	T_OK(setlk(fd, F_SETLK, F_WRLCK, 0, 0));
	for (i = 0; i < MAXWAITERS; i++) {
		lr[i] = (struct locker){
		    .cmd = F_SETLKW, .want = range(F_WRLCK, 0, 1)};
		locker_start(&lr[i]);
		locker_go(&lr[i]);
	}
	T_OK(setlk(fd, F_SETLK, F_UNLCK, 0, 0));
	for (i = 0; i < MAXWAITERS; i++) {
		locker_done(&lr[i]);
		T_OK(lr[i].ret);
		T_EQ(i + 1, lr[i].order);
		if (i + 1 < MAXWAITERS)
			T_EQ(false, atomic_load(&lr[i + 1].done));
		locker_end(&lr[i]);
	}
}

/* n processes hold a byte each and want the next one's: error `want', or 0. */
static void
circle(int n, int cmd, int want)
{
	struct locker lr[MAXWAITERS];
	int i, fd;

	fd = open_file();
	for (i = 0; i < n; i++) {
		lr[i] = (struct locker){.cmd = cmd,
		    .held = range(F_WRLCK, i, 1),
		    .want = range(F_WRLCK, (i + 1) % n, 1)};
		locker_start(&lr[i]);
	}
	for (i = 0; i < n - 1; i++)
		locker_go(&lr[i]);
	if (want != 0) {
		gate_raise(&lr[n - 1].go);
	} else {
		locker_go(&lr[n - 1]);
		/* The circle is closed and stays so until somebody is hit. */
		T_EQ(false, atomic_load(&lr[n - 1].done));
		T_OK(rump_sys_kill(lr[n - 1].pid, SIGUSR1));
		want = EINTR;
	}
	locker_done(&lr[n - 1]);
	T_EQ(-1, lr[n - 1].ret);
	T_EQ(want, lr[n - 1].error);
	for (i = n - 1; i >= 0; i--) {
		locker_done(&lr[i]);
		if (i < n - 1)
			T_OK(lr[i].ret);
		locker_end(&lr[i]);
	}
	T_EQ(true, isfree(fd, 0, 0));
	T_OK(rump_sys_close(fd));
}

TC(deadlock, "EDEADLK for who closes a circle of two, three or eight.")
{
	setup();
	circle(2, F_SETLKW, EDEADLK);
	circle(3, F_SETLKW, EDEADLK);
	circle(8, F_SETLKW, EDEADLK);
}

TC(no_deadlock, "A chain is no circle; who reads beside others is not hit.")
{
	struct locker a = {.cmd = F_SETLKW,
	    .held = range(F_WRLCK, 0, 1),
	    .want = range(F_WRLCK, 1, 1)};
	struct locker b = {.cmd = F_SETLKW,
	    .held = range(F_WRLCK, 1, 1),
	    .want = range(F_WRLCK, 2, 1)};
	int fd;

	setup();
	fd = open_file();
	T_OK(setlk(fd, F_SETLK, F_WRLCK, 2, 1));
	locker_start(&a);
	locker_start(&b);
	locker_go(&a);
	locker_go(&b);
	T_EQ(false, atomic_load(&a.done));
	T_EQ(false, atomic_load(&b.done));
	T_OK(rump_sys_close(fd));
	locker_done(&b);
	T_OK(b.ret);
	locker_end(&b);
	locker_done(&a);
	T_OK(a.ret);
	locker_end(&a);
}

TC(deadlock_found_late, "EDEADLK when the lock in the way changes its owner.")
{
	/*
	 * One lwp of b waits for byte 1, which a has, another for byte 0, and
	 * a waits for that, too.
	 */
	struct locker a = {.cmd = F_SETLKW,
	    .held = range(F_WRLCK, 1, 1),
	    .want = range(F_WRLCK, 0, 1)};
	struct locker b0 = {.cmd = F_SETLKW, .want = range(F_WRLCK, 0, 1)};
	struct locker b1 = {.cmd = F_SETLKW, .want = range(F_WRLCK, 1, 1)};
	int fd;

	setup();
	fd = open_file();
	T_OK(setlk(fd, F_SETLK, F_WRLCK, 0, 1));
	locker_start(&a);
	locker_start(&b0);
	b1.pid = b0.pid;
	locker_start(&b1);
	locker_go(&b0);
	locker_go(&b1);
	locker_go(&a);
	T_EQ(false, atomic_load(&a.done));
	T_OK(setlk(fd, F_SETLK, F_UNLCK, 0, 1));
	locker_done(&b0);
	T_OK(b0.ret);
	locker_done(&a);
	T_EQ(-1, a.ret);
	T_EQ(EDEADLK, a.error);
	T_EQ(false, atomic_load(&b1.done));
	locker_end(&a);
	locker_done(&b1);
	T_OK(b1.ret);
	locker_end(&b0);
	locker_end(&b1);
}

TC(interrupted, "EINTR for who waits; the lock is not made.")
{
	struct locker range_ = {.cmd = F_SETLKW, .want = range(F_WRLCK, 0, 0)};
	struct locker whole = {.cmd = -1, .op = LOCK_SH};
	int fd;

	tc_local();
	setup();
	fd = open_file();
	T_OK(setlk(fd, F_SETLK, F_WRLCK, 0, 0));
	T_OK(rump_sys_flock(fd, LOCK_EX));
	locker_start(&range_);
	locker_start(&whole);
	locker_go(&range_);
	locker_go(&whole);
	T_OK(rump_sys_kill(range_.pid, SIGUSR1));
	T_OK(rump_sys_kill(whole.pid, SIGUSR1));
	locker_done(&range_);
	locker_done(&whole);
	T_EQ(-1, range_.ret);
	T_EQ(EINTR, range_.error);
	T_EQ(-1, whole.ret);
	T_EQ(EINTR, whole.error);
	T_OK(setlk(fd, F_SETLK, F_UNLCK, 0, 0));
	T_EQ(true, isfree(fd, 0, 0));
	locker_end(&range_);
	locker_end(&whole);
}

TC(killed, "A process that is killed waits no more, and holds nothing.")
{
	struct locker lr = {.cmd = F_SETLKW,
	    .held = range(F_WRLCK, 5, 1),
	    .want = range(F_WRLCK, 0, 1)};
	int fd;

	tc_local();
	setup();
	fd = open_file();
	T_OK(setlk(fd, F_SETLK, F_WRLCK, 0, 1));
	locker_start(&lr);
	locker_go(&lr);
	T_OK(rump_sys_kill(lr.pid, SIGKILL));
	locker_done(&lr);
	T_EQ(EINTR, lr.error);
	T_EQ(false, isfree(fd, 5, 1));
	locker_end(&lr);
	T_EQ(true, isfree(fd, 0, 0));
}

TC(no_circle_of_open_files, "F_OFD_SETLKW is not looked at for deadlock.")
{
	struct locker lr = {.cmd = F_OFD_SETLKW,
	    .held = range(F_WRLCK, 0, 1),
	    .want = range(F_WRLCK, 0, 1)};

	tc_local();
	setup();
	circle(2, F_OFD_SETLKW, 0);
	/* It waits for its own process's lock, which nobody takes away. */
	locker_start(&lr);
	locker_go(&lr);
	T_EQ(false, atomic_load(&lr.done));
	T_OK(rump_sys_kill(lr.pid, SIGUSR1));
	locker_done(&lr);
	T_EQ(EINTR, lr.error);
	locker_end(&lr);
}

TC(end_of_a_holder, "Locks go with the process that has the table.")
{
	struct locker lr = {.cmd = F_SETLKW, .want = range(F_RDLCK, 0, 0)};
	struct lwp *me, *other;
	int fd;

	setup();
	me = rump_pub_lwproc_curlwp();
	fd = open_file();
	other = newproc(RUMP_RFFDG);
	T_OK(setlk(fd, F_SETLK, F_WRLCK, 0, 0));
	rump_pub_lwproc_switch(me);
	T_EQ(false, isfree(fd, 0, 0));
	locker_start(&lr);
	locker_go(&lr);
	T_EQ(false, atomic_load(&lr.done));
	release(other);
	locker_done(&lr);
	T_OK(lr.ret);
	locker_end(&lr);
	T_EQ(true, isfree(fd, 0, 0));
}

TC(shared_table, "Processes with one table are one owner.")
{
	struct lwp *me, *other, *third;
	int fd, again;

	setup();
	me = rump_pub_lwproc_curlwp();
	fd = open_file();
	third = newproc(RUMP_RFFDG);
	rump_pub_lwproc_switch(me);
	T_OK(setlk(fd, F_SETLK, F_WRLCK, 0, 10));
	other = newproc(0);
	T_OK(setlk(fd, F_SETLK, F_RDLCK, 0, 5));
	rump_pub_lwproc_switch(third);
	T_EQ(false, isfree(fd, 0, 1));
	rump_pub_lwproc_switch(me);
	/* The end of one of them is no end of the table … */
	release(other);
	rump_pub_lwproc_switch(third);
	T_EQ(false, isfree(fd, 0, 5));
	/* … but the close of any descriptor is a close. */
	rump_pub_lwproc_switch(me);
	other = newproc(0);
	again = open_file();
	T_OK(rump_sys_close(again));
	rump_pub_lwproc_switch(third);
	T_EQ(true, isfree(fd, 0, 10));
}

static void
close_while_waiting(struct thread *t)
{
	struct locker *lr = t->t_arg;

	(void)newlwp(lr->pid);
	thread_sleeps(t);
	lr->ret = rump_sys_fcntl(lr->op, F_SETLKW, &lr->want);
	lr->error = errno;
	atomic_store(&lr->done, true);
	rump_pub_lwproc_releaselwp();
}

TC(closed_while_waiting, "EBADF and no lock, if the descriptor has gone.")
{
	struct locker lr = {.want = range(F_WRLCK, 0, 0)};
	struct lwp *me, *holder;
	int fd;

	setup();
	me = rump_pub_lwproc_curlwp();
	fd = open_file();
	lr.pid = rump_sys_getpid();
	lr.op = (int)T_OK(rump_sys_dup(fd));
	holder = newproc(RUMP_RFFDG);
	T_OK(setlk(fd, F_SETLK, F_WRLCK, 0, 0));
	rump_pub_lwproc_switch(me);
	thread_start(&lr.thread, 0, close_while_waiting, &lr);
	thread_await_asleep(&lr.thread);
	T_OK(rump_sys_close(lr.op));
	T_EQ(false, atomic_load(&lr.done));
	rump_pub_lwproc_switch(holder);
	T_OK(setlk(fd, F_SETLK, F_UNLCK, 0, 0));
	locker_done(&lr);
	thread_join(&lr.thread);
	T_EQ(-1, lr.ret);
	T_EQ(EBADF, lr.error);
	T_EQ(true, isfree(fd, 0, 0));
}

static int forked_fd;

/* In the child of fork(2): who waited does so no more. */
static void
after_fork(void *arg)
{
	(void)arg;
	T_OK(setlk(forked_fd, F_SETLK, F_UNLCK, 0, 0));
	T_EQ(true, isfree(forked_fd, 0, 0));
	T_OK(setlk(forked_fd, F_SETLK, F_WRLCK, 0, 0));
}

TC(host_fork, "Nobody is granted a lock who is not in the host process.")
{
	struct locker lr = {.cmd = F_SETLKW, .want = range(F_WRLCK, 0, 0)};

	tc_local();
	setup();
	forked_fd = open_file();
	T_OK(setlk(forked_fd, F_SETLK, F_WRLCK, 0, 0));
	locker_start(&lr);
	locker_go(&lr);
	child_passes(after_fork, NULL);
	T_EQ(false, atomic_load(&lr.done));
	T_OK(rump_sys_close(forked_fd));
	locker_done(&lr);
	T_OK(lr.ret);
	locker_end(&lr);
}

/* Host threads that lock bytes of one file against each other. */
#define STRESS_THREADS 4
#define STRESS_BYTES   4
#define STRESS_STEPS   (4000 / TC_SLOW)

static int inside[STRESS_BYTES]; /* by the lock of the byte only */

static void
stress_main(struct thread *t)
{
	uint64_t state = (uint64_t)t->t_id + 1;
	int fd, i, byte;

	(void)newproc(RUMP_RFCFDG);
	fd = open_file();
	for (i = 0; i < STRESS_STEPS; i++) {
		byte = (int)(rng(&state) % STRESS_BYTES);
		if (rng(&state) % 2 == 0)
			T_OK(setlk(fd, F_SETLKW, F_WRLCK, byte, 1));
		else
			T_OK(setlk(fd, F_OFD_SETLKW, F_WRLCK, byte, 1));
		inside[byte]++;
		T_OK(setlk(fd, F_SETLK, F_UNLCK, 0, 0));
		T_OK(setlk(fd, F_OFD_SETLK, F_UNLCK, 0, 0));
	}
	rump_pub_lwproc_releaselwp();
}

TC(mutual_exclusion, "One at a time has a write lock, and nobody is forgotten.")
{
	int i, sum = 0;

	setup();
	team_run(STRESS_THREADS, stress_main, NULL);
	for (i = 0; i < STRESS_BYTES; i++)
		sum += inside[i];
	T_EQ(STRESS_THREADS * STRESS_STEPS, sum);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, waits_for_a_range);
	ATF_TP_ADD_TC(tp, downgrade_wakes);
	ATF_TP_ADD_TC(tp, waits_for_a_file);
	ATF_TP_ADD_TC(tp, first_come_first_served);
	ATF_TP_ADD_TC(tp, deadlock);
	ATF_TP_ADD_TC(tp, no_deadlock);
	ATF_TP_ADD_TC(tp, deadlock_found_late);
	ATF_TP_ADD_TC(tp, interrupted);
	ATF_TP_ADD_TC(tp, killed);
	ATF_TP_ADD_TC(tp, no_circle_of_open_files);
	ATF_TP_ADD_TC(tp, end_of_a_holder);
	ATF_TP_ADD_TC(tp, shared_table);
	ATF_TP_ADD_TC(tp, closed_while_waiting);
	ATF_TP_ADD_TC(tp, host_fork);
	ATF_TP_ADD_TC(tp, mutual_exclusion);
	return atf_no_error();
}
