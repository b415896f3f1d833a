/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptors: which number, whose table, until when.
 */
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>

#include "../lib/child.h"
#include "../lib/threads.h"

static int fd[2];

/* A process of its own in which descriptors 0 and 1 are a pipe. */
static struct lwp *
start(void)
{
	struct lwp *l;

	boot();
	l = newproc(RUMP_RFCFDG);
	T_OK(rump_sys_pipe(fd));
	T_EQ(0, fd[0]);
	T_EQ(1, fd[1]);
	return l;
}

static bool
is_open(int n)
{
	return rump_sys_fcntl(n, F_GETFD) != -1;
}

static void
limit_to(rlim_t soft, rlim_t hard)
{
	struct rlimit rl = {soft, hard};

	T_OK(rump_sys_setrlimit(RLIMIT_NOFILE, &rl));
}

/*
 * Numbers
 */

TC(lowest_free, "A new descriptor is the lowest that is free.")
{
	(void)start();
	for (int i = 2; i < 50; i++)
		T_EQ(i, rump_sys_dup(0));
	T_OK(rump_sys_close(7));
	T_OK(rump_sys_close(33));
	T_OK(rump_sys_close(12));
	T_EQ(7, rump_sys_dup(0));
	T_EQ(12, rump_sys_dup(0));
	T_EQ(33, rump_sys_dup(0));
	T_EQ(50, rump_sys_dup(0));
	T_OK(rump_sys_close(20));
	T_OK(rump_sys_pipe(fd));
	T_EQ(20, fd[0]);
	T_EQ(51, fd[1]);
}

TC(large_tables, "The same with many thousands, also after closing some.")
{
	enum { MANY = 20000 };

	(void)start();
	limit_to(MANY, MANY);
	for (int i = 2; i < MANY; i++)
		T_EQ(i, rump_sys_dup(i % 2));
	T_ERR(EMFILE, rump_sys_dup(0));
	for (int i = MANY - 1; i > 0; i -= 977)
		T_OK(rump_sys_close(i));
	for (int i = (MANY - 1) % 977; i < MANY; i += 977)
		T_EQ(i, rump_sys_dup(0));
	T_ERR(EMFILE, rump_sys_dup(0));
	T_OK(rump_sys_close_range(64, 4096 + 63, 0));
	for (int i = 64; i < 4096 + 64; i++)
		T_EQ(i, rump_sys_dup(0));
	T_ERR(EMFILE, rump_sys_dup(0));
}

TC(the_limit, "EMFILE at RLIMIT_NOFILE; EBADF and EINVAL beyond it.")
{
	(void)start();
	limit_to(10, 20);
	for (int i = 2; i < 10; i++)
		T_EQ(i, rump_sys_dup(0));
	T_ERR(EMFILE, rump_sys_dup(0));
	T_ERR(EMFILE, rump_sys_pipe(fd));
	T_ERR(EMFILE, rump_sys_fcntl(0, F_DUPFD, 5UL));
	T_ERR(EINVAL, rump_sys_fcntl(0, F_DUPFD, 10UL));
	T_ERR(EBADF, rump_sys_dup2(0, 10));
	T_ERR(EBADF, rump_sys_dup2(0, -1));
	T_OK(rump_sys_close(9));
	/* One free is not enough for a pipe, and stays free. */
	T_ERR(EMFILE, rump_sys_pipe(fd));
	T_EQ(9, rump_sys_dup(0));
}

TC(a_lower_limit, "Descriptors beyond a limit that went down stay in use.")
{
	(void)start();
	T_EQ(100, rump_sys_dup2(1, 100));
	limit_to(5, 200);
	T_EQ(1, rump_sys_write(100, "x", 1));
	T_EQ(100, rump_sys_dup2(100, 100));
	T_ERR(EBADF, rump_sys_dup2(0, 100));
	T_ERR(EBADF, rump_sys_dup2(100, 101));
	T_EQ(2, rump_sys_dup(100));
	T_OK(rump_sys_close(100));
	T_ERR(EBADF, rump_sys_write(100, "x", 1));
}

static void
use_up_files(void *arg)
{
	int error;

	(void)arg;
	T_EQ(0, setenv("RUMP_MEMLIMIT", "3m", 1));
	(void)start();
	limit_to(100000, 100000);
	T_OK(rump_sys_setuid(1));
	while (rump_sys_pipe(fd) == 0)
		continue;
	error = errno;
	T_ASSERT(error == ENFILE || error == ENOMEM);
	T_OK(rump_sys_close(0));
	T_OK(rump_sys_close(1));
	T_OK(rump_sys_pipe(fd));
	T_EQ(0, fd[0]);
	T_ERR(error, rump_sys_pipe(fd));
	T_OK(rump_sys_close_range(2, UINT_MAX, 0));
}

TC(no_more_files, "ENFILE (or ENOMEM) when there are too many files.")
{
	static struct child c;

	tc_local();
	child_run(&c, use_up_files, NULL);
	T_EQ(0, c.status);
}

/*
 * Duplicates
 */

TC(dup2_replaces, "dup2 closes what the number was.")
{
	int other[2];
	char c;

	(void)start();
	T_OK(rump_sys_pipe(other));
	T_EQ(1, rump_sys_write(1, "a", 1));
	T_EQ(1, rump_sys_write(other[1], "b", 1));
	T_EQ(0, rump_sys_dup2(other[0], 0));
	T_EQ(1, rump_sys_read(0, &c, 1));
	T_EQ('b', c);
	/* That was the last reader of the first pipe. */
	T_ERR(EPIPE, rump_sys_write(1, "a", 1));
	T_EQ(40, rump_sys_dup2(0, 40));
	T_EQ(5, rump_sys_dup2(0, 5));
	T_EQ(4, rump_sys_dup(0));
	T_EQ(6, rump_sys_dup(0));
}

TC(dup2_of_itself, "dup2 of a descriptor to itself does nothing.")
{
	(void)start();
	T_OK(rump_sys_fcntl(0, F_SETFD, (unsigned long)FD_CLOEXEC));
	T_EQ(0, rump_sys_dup2(0, 0));
	T_EQ(FD_CLOEXEC, rump_sys_fcntl(0, F_GETFD));
	T_ERR(EBADF, rump_sys_dup2(9, 9));
	T_ERR(EINVAL, rump_sys_dup3(0, 0, 0));
	T_ERR(EINVAL, rump_sys_dup3(0, 5, O_NONBLOCK));
	T_ERR(EBADF, rump_sys_dup2(9, 0));
	T_ASSERT(is_open(0));
}

TC(close_on_exec, "A flag of the descriptor, not of the file.")
{
	(void)start();
	T_EQ(2, rump_sys_dup3(0, 2, O_CLOEXEC));
	T_EQ(FD_CLOEXEC, rump_sys_fcntl(2, F_GETFD));
	T_EQ(0, rump_sys_fcntl(0, F_GETFD));
	T_EQ(3, rump_sys_dup(2));
	T_EQ(0, rump_sys_fcntl(3, F_GETFD));
	T_EQ(7, rump_sys_fcntl(2, F_DUPFD_CLOEXEC, 7UL));
	T_EQ(FD_CLOEXEC, rump_sys_fcntl(7, F_GETFD));
	T_EQ(8, rump_sys_fcntl(2, F_DUPFD, 7UL));
	T_EQ(0, rump_sys_fcntl(8, F_GETFD));
	T_OK(rump_sys_ioctl(8, FIOCLEX));
	T_EQ(FD_CLOEXEC, rump_sys_fcntl(8, F_GETFD));
	T_OK(rump_sys_ioctl(8, FIONCLEX));
	T_EQ(0, rump_sys_fcntl(8, F_GETFD));
	T_OK(rump_sys_close(7));
	T_EQ(7, rump_sys_fcntl(2, F_DUPFD, 7UL));
	T_EQ(0, rump_sys_fcntl(7, F_GETFD));
}

TC(status_flags, "Flags of the file, seen by all its descriptors.")
{
	int on = 1;

	(void)start();
	T_EQ(2, rump_sys_dup(1));
	T_OK(rump_sys_fcntl(2, F_SETFL, (unsigned long)O_NONBLOCK | O_RDWR));
	T_EQ(O_WRONLY | O_NONBLOCK, rump_sys_fcntl(1, F_GETFL));
	T_EQ(O_RDONLY, rump_sys_fcntl(0, F_GETFL));
	T_OK(rump_sys_fcntl(1, F_SETFL, (unsigned long)O_APPEND));
	T_EQ(O_WRONLY | O_APPEND, rump_sys_fcntl(2, F_GETFL));
	T_OK(rump_sys_ioctl(2, FIONBIO, &on));
	T_EQ(O_WRONLY | O_APPEND | O_NONBLOCK, rump_sys_fcntl(1, F_GETFL));
	T_ERR(EINVAL, rump_sys_fcntl(1, 4711));
	T_ERR(EBADF, rump_sys_fcntl(9, 4711));
}

TC(offsets, "Duplicates share an offset; two opens do not.")
{
	char c;
	int a, b;

	(void)start();
	a = (int)T_OK(rump_sys_open("/file", O_RDWR | O_CREAT, 0600));
	T_EQ(3, rump_sys_write(a, "xyz", 3));
	b = (int)T_OK(rump_sys_dup(a));
	T_EQ(1, rump_sys_lseek(b, 1, SEEK_SET));
	T_EQ(1, rump_sys_read(a, &c, 1));
	T_EQ('y', c);
	T_EQ(2, rump_sys_lseek(b, 0, SEEK_CUR));
	b = (int)T_OK(rump_sys_open("/file", O_RDONLY));
	T_EQ(0, rump_sys_lseek(b, 0, SEEK_CUR));
	T_EQ(1, rump_sys_pread(b, &c, 1, 2));
	T_EQ('z', c);
	T_EQ(0, rump_sys_lseek(b, 0, SEEK_CUR));
}

/*
 * Closing
 */

TC(close_range, "Closes what is open between, or marks it.")
{
	(void)start();
	for (int i = 2; i < 300; i++)
		T_OK(rump_sys_dup(0));
	T_OK(rump_sys_close_range(100, 199, 0));
	for (int i = 0; i < 300; i++)
		T_EQ(i < 100 || i > 199, is_open(i));
	T_OK(rump_sys_close_range(50, 250, CLOSE_RANGE_CLOEXEC));
	T_EQ(0, rump_sys_fcntl(49, F_GETFD));
	T_EQ(FD_CLOEXEC, rump_sys_fcntl(50, F_GETFD));
	T_EQ(FD_CLOEXEC, rump_sys_fcntl(250, F_GETFD));
	T_EQ(0, rump_sys_fcntl(251, F_GETFD));
	T_EQ(100, rump_sys_dup(0));
	T_EQ(0, rump_sys_fcntl(100, F_GETFD));
	T_OK(rump_sys_close_range(2, UINT_MAX, 0));
	T_EQ(2, rump_sys_dup(0));
	T_ASSERT(!is_open(3));
	T_ERR(EINVAL, rump_sys_close_range(5, 4, 0));
	T_ERR(EINVAL, rump_sys_close_range(4, 5, 1));
}

TC(close_range_unshare, "With a table of its own only the caller is hit.")
{
	struct lwp *a, *b;

	a = start();
	T_EQ(2, rump_sys_dup(0));
	T_EQ(3, rump_sys_dup(0));
	b = newproc(RUMP_RFFD_SHARE);
	T_OK(rump_sys_close_range(2, 2, CLOSE_RANGE_UNSHARE));
	T_ASSERT(!is_open(2) && is_open(3));
	T_EQ(2, rump_sys_dup(1));
	T_OK(rump_sys_close(3));
	rump_pub_lwproc_switch(a);
	T_ASSERT(is_open(2) && is_open(3));
	T_EQ(O_RDONLY, rump_sys_fcntl(2, F_GETFL));
	T_OK(rump_sys_close_range(
	    0, 3, CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC));
	T_EQ(FD_CLOEXEC, rump_sys_fcntl(3, F_GETFD));
	rump_pub_lwproc_switch(b);
	T_EQ(0, rump_sys_fcntl(2, F_GETFD));
}

TC(close_in_an_empty_table, "EBADF without any descriptor.")
{
	boot();
	(void)newproc(RUMP_RFCFDG);
	T_ERR(EBADF, rump_sys_close(0));
	T_ERR(EBADF, rump_sys_dup(0));
	T_ERR(EBADF, rump_sys_dup2(0, 1));
	T_ERR(EBADF, rump_sys_dup2(1, 1));
	T_ERR(EBADF, rump_sys_read(0, fd, 1));
	T_ERR(EBADF, rump_sys_fcntl(0, F_GETFD));
	T_ERR(EBADF, rump_sys_fcntl(0, F_SETFD, 1UL));
	T_OK(rump_sys_close_range(0, UINT_MAX, 0));
	T_OK(rump_sys_close_range(0, UINT_MAX, CLOSE_RANGE_UNSHARE));
}

/*
 * Processes
 */

TC(shared_table, "rfork(0): what one opens or closes, the other sees.")
{
	struct lwp *a, *b;

	a = start();
	b = newproc(RUMP_RFFD_SHARE);
	T_EQ(2, rump_sys_dup(0));
	rump_pub_lwproc_switch(a);
	T_ASSERT(is_open(2));
	T_OK(rump_sys_close(2));
	rump_pub_lwproc_switch(b);
	T_ASSERT(!is_open(2));
	release(b);
	rump_pub_lwproc_switch(a);
	T_ASSERT(is_open(0) && is_open(1));
}

TC(shared_before_the_first, "A table that is empty can be shared too.")
{
	struct lwp *a, *b;

	boot();
	a = newproc(RUMP_RFCFDG);
	b = newproc(RUMP_RFFD_SHARE);
	T_OK(rump_sys_pipe(fd));
	rump_pub_lwproc_switch(a);
	T_ASSERT(is_open(fd[0]) && is_open(fd[1]));
	release(b);
	T_ASSERT(is_open(fd[0]) && is_open(fd[1]));
}

TC(copied_table, "rfork(RUMP_RFFDG): the same files, flags kept.")
{
	struct lwp *a, *b;
	char c;

	a = start();
	T_EQ(70, rump_sys_fcntl(1, F_DUPFD_CLOEXEC, 70UL));
	b = newproc(RUMP_RFFDG);
	T_EQ(FD_CLOEXEC, rump_sys_fcntl(70, F_GETFD));
	T_EQ(0, rump_sys_fcntl(1, F_GETFD));
	T_ASSERT(!is_open(2) && !is_open(69));
	T_EQ(1, rump_sys_write(70, "x", 1));
	T_OK(rump_sys_close_range(0, 100, 0));
	rump_pub_lwproc_switch(a);
	T_EQ(1, rump_sys_read(0, &c, 1));
	T_EQ('x', c);
	T_EQ(2, rump_sys_dup(0));
	rump_pub_lwproc_switch(b);
	T_ASSERT(!is_open(2));
}

TC(no_table, "rfork(RUMP_RFCFDG): nothing is open.")
{
	(void)start();
	(void)newproc(RUMP_RFCFDG);
	T_ASSERT(!is_open(0) && !is_open(1));
	T_OK(rump_sys_pipe(fd));
	T_EQ(0, fd[0]);
}

TC(the_end_of_a_process, "Its descriptors are closed, its copies not.")
{
	struct lwp *a, *b;
	char c;

	a = start();
	b = newproc(RUMP_RFFDG);
	rump_pub_lwproc_switch(a);
	T_OK(rump_sys_close(1));
	T_OK(rump_sys_fcntl(0, F_SETFL, (unsigned long)O_NONBLOCK));
	T_ERR(EAGAIN, rump_sys_read(0, &c, 1));
	release(b);
	T_EQ(0, rump_sys_read(0, &c, 1));
}

TC(the_console, "Process 1 has 0, 1 and 2 on it.")
{
	struct stat st;

	boot();
	for (int i = 0; i < 3; i++) {
		T_OK(rump_sys_fstat(i, &st));
		T_EQ(S_IFCHR | 0620, st.st_mode);
		T_EQ(O_RDWR, rump_sys_fcntl(i, F_GETFL));
		T_ERR(ENOTTY, rump_sys_ioctl(i, 0x5401, &st));
		T_ERR(ESPIPE, rump_sys_lseek(i, 0, SEEK_SET));
	}
	T_ASSERT(!is_open(3));
	T_ERR(EFAULT, rump_sys_write(1, NULL, 4));
	T_EQ(0, rump_sys_write(1, "", 0));
}

/*
 * Several host threads
 */

struct blocked {
	struct thread thread;
	pid_t pid;
	int fd;
	ssize_t got;
	char c;
};

static void
blocked_main(struct thread *t)
{
	struct blocked *b = t->t_arg;

	(void)newlwp(b->pid);
	thread_sleeps(t);
	b->got = rump_sys_read(b->fd, &b->c, 1);
	rump_pub_lwproc_releaselwp();
}

TC(close_under_a_reader, "A read that waits goes on when its number closes.")
{
	struct blocked b = {.fd = 0};
	char c;

	(void)start();
	b.pid = rump_sys_getpid();
	thread_start(&b.thread, 0, blocked_main, &b);
	thread_await_asleep(&b.thread);
	T_OK(rump_sys_close(0));
	T_ERR(EBADF, rump_sys_read(0, &c, 1));
	/* It still is a reader. */
	T_EQ(1, rump_sys_write(1, "x", 1));
	thread_join(&b.thread);
	T_EQ(1, b.got);
	T_EQ('x', b.c);
	T_ERR(EPIPE, rump_sys_write(1, "x", 1));
}

struct race {
	struct gate gate;
	pid_t pid;
	_Atomic bool stop;
};

/*
 * The first lwp of its process, always in some call with the pipe or, for the
 * sake of its offset, the file.
 */
static void
race_owner(struct thread *t)
{
	struct race *r = t->t_arg;
	char c = 'x';
	int p[2];

	(void)newproc(RUMP_RFCFDG);
	T_OK(rump_sys_pipe2(p, O_NONBLOCK));
	T_EQ(0, p[0]);
	T_EQ(2, rump_sys_open("/offset", O_RDWR | O_CREAT, 0600));
	r->pid = rump_sys_getpid();
	gate_raise(&r->gate);
	while (!atomic_load(&r->stop)) {
		if (rump_sys_write(1, &c, 1) == -1)
			T_ASSERT(errno == EBADF || errno == EAGAIN ||
				 errno == EPIPE);
		if (rump_sys_read(0, &c, 1) == -1)
			T_ASSERT(errno == EBADF || errno == EAGAIN);
		(void)rump_sys_fcntl(0, F_GETFL);
		T_EQ(1, rump_sys_write(2, &c, 1));
		T_OK(rump_sys_lseek(2, 0, SEEK_SET));
	}
	rump_pub_lwproc_releaselwp();
}

TC(a_second_lwp_comes, "Another lwp closes what the first is using.")
{
	struct race r;
	struct thread t;
	int p[2];

	boot();
	memset(&r, 0, sizeof(r));
	gate_init(&r.gate);
	thread_start(&t, 0, race_owner, &r);
	gate_await(&r.gate, 1);
	for (int i = 0; i < 4000 / TC_SLOW; i++) {
		(void)newlwp(r.pid);
		T_EQ(1, rump_sys_write(2, "y", 1));
		T_OK(rump_sys_lseek(2, 0, SEEK_SET));
		T_OK(rump_sys_close(0));
		T_OK(rump_sys_close(1));
		T_OK(rump_sys_pipe2(p, O_NONBLOCK));
		T_EQ(0, p[0]);
		T_EQ(1, p[1]);
		rump_pub_lwproc_releaselwp();
	}
	atomic_store(&r.stop, true);
	thread_join(&t);
}

/* Two lwps that make lwps in each other's processes do not wait for ever. */
struct mutual {
	struct gate gate;
	pid_t pid[2];
};

static void
mutual_main(struct thread *t)
{
	struct mutual *m = t->t_arg;
	struct lwp *own;
	char c = 'x';
	int p[2];

	own = newproc(RUMP_RFCFDG);
	T_OK(rump_sys_pipe2(p, O_NONBLOCK));
	m->pid[t->t_id] = rump_sys_getpid();
	gate_raise(&m->gate);
	gate_await(&m->gate, 2);
	for (int i = 0; i < 3000 / TC_SLOW; i++) {
		(void)newlwp(m->pid[1 - t->t_id]);
		(void)rump_sys_write(p[1], &c, 1);
		(void)rump_sys_read(p[0], &c, 1);
		rump_pub_lwproc_releaselwp();
		rump_pub_lwproc_switch(own);
		T_ASSERT(rump_sys_write(p[1], &c, 1) == 1 || errno == EAGAIN);
		(void)rump_sys_read(p[0], &c, 1);
	}
	gate_raise(&m->gate);
	gate_await(&m->gate, 4);
	rump_pub_lwproc_releaselwp();
}

TC(mutual_lwps, "Host threads that join each other's processes go on.")
{
	struct mutual m;

	boot();
	memset(&m, 0, sizeof(m));
	gate_init(&m.gate);
	team_run(2, mutual_main, &m);
}

#define SHARERS 4

/* Lwps of two processes with one table, all at all descriptors. */
static void
sharer_main(struct thread *t)
{
	uint64_t state = (uint64_t)t->t_id + 77;
	pid_t *pid = t->t_arg;
	struct lwp *own;
	char c = 'x';
	int p[2];

	own = newlwp(pid[t->t_id % 2]);
	for (int i = 0; i < 20000 / TC_SLOW; i++) {
		int a = (int)(rng(&state) % 100), b = (int)(rng(&state) % 100);

		switch (rng(&state) % 8) {
		case 0:
			(void)rump_sys_close(a);
			break;
		case 1:
			if (a != b)
				(void)rump_sys_dup2(a, b);
			break;
		case 2:
			(void)rump_sys_dup(a);
			break;
		case 3:
			if (rump_sys_pipe2(p, O_NONBLOCK) == 0 && a % 2 == 0)
				(void)rump_sys_close(p[0]);
			break;
		case 4:
			(void)rump_sys_close_range(
			    (unsigned)a, (unsigned)a + 5, 0);
			break;
		case 5:
			(void)newproc(RUMP_RFFDG);
			rump_pub_lwproc_releaselwp();
			rump_pub_lwproc_switch(own);
			break;
		default:
			(void)rump_sys_write(a, &c, 1);
			(void)rump_sys_read(b, &c, 1);
		}
	}
	rump_pub_lwproc_releaselwp();
}

TC(many_at_one_table, "Lwps that open, close and copy at once.")
{
	struct rump_memstat before, after;
	struct lwp *a, *b;
	pid_t pid[2];

	boot();
	T_EQ(0, rump_pub_memstat(&before));
	a = newproc(RUMP_RFCFDG);
	pid[0] = rump_sys_getpid();
	limit_to(100, 100);
	b = newproc(RUMP_RFFD_SHARE);
	pid[1] = rump_sys_getpid();
	team_run(SHARERS, sharer_main, pid);
	T_OK(rump_sys_close_range(0, UINT_MAX, 0));
	for (int i = 0; i < 100; i += 2) {
		T_OK(rump_sys_pipe(fd));
		T_EQ(i, fd[0]);
		T_EQ(i + 1, fd[1]);
	}
	T_OK(rump_sys_close_range(0, UINT_MAX, 0));
	T_EQ(0, rump_pub_memstat(&after));
	T_EQ(before.files, after.files);
	release(b);
	release(a);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, lowest_free);
	ATF_TP_ADD_TC(tp, large_tables);
	ATF_TP_ADD_TC(tp, the_limit);
	ATF_TP_ADD_TC(tp, a_lower_limit);
	ATF_TP_ADD_TC(tp, no_more_files);
	ATF_TP_ADD_TC(tp, dup2_replaces);
	ATF_TP_ADD_TC(tp, dup2_of_itself);
	ATF_TP_ADD_TC(tp, close_on_exec);
	ATF_TP_ADD_TC(tp, status_flags);
	ATF_TP_ADD_TC(tp, offsets);
	ATF_TP_ADD_TC(tp, close_range);
	ATF_TP_ADD_TC(tp, close_range_unshare);
	ATF_TP_ADD_TC(tp, close_in_an_empty_table);
	ATF_TP_ADD_TC(tp, shared_table);
	ATF_TP_ADD_TC(tp, shared_before_the_first);
	ATF_TP_ADD_TC(tp, copied_table);
	ATF_TP_ADD_TC(tp, no_table);
	ATF_TP_ADD_TC(tp, the_end_of_a_process);
	ATF_TP_ADD_TC(tp, the_console);
	ATF_TP_ADD_TC(tp, close_under_a_reader);
	ATF_TP_ADD_TC(tp, a_second_lwp_comes);
	ATF_TP_ADD_TC(tp, mutual_lwps);
	ATF_TP_ADD_TC(tp, many_at_one_table);
	return atf_no_error();
}
