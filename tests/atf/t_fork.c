/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's fork(2): the child has a working copy of the kernel, whatever
 * the other host threads of the parent were doing, and what was theirs does
 * not run in it.
 */
#include <fcntl.h>
#include <stdatomic.h>

#include "../lib/child.h"
#include "../lib/threads.h"

#define NREADERS 3
#define NFILERS	 2
#define NBUSY	 8

/*
 * Rounds are all alike.  Sanitizers, in which each lasts several times as long,
 * look at fewer; the three builds without have them all.
 */
#define FORKS	 (TC_SLOW == 1 ? 50 : 25)
#define RECLAIMS (TC_SLOW == 1 ? 30 : 10)

struct crowd {
	struct gate gate;
	_Atomic bool stop;
	struct thread team[NBUSY];
	struct lwp *reader[NREADERS];
	struct lwp *filer[NFILERS];
	pid_t pid[NREADERS + NFILERS];
	int fd[NREADERS][2];
};

/* Each of these is what a host thread of the crowd does. */
static void
make_and_release(struct crowd *c, int id)
{
	struct lwp *l;

	gate_raise(&c->gate);
	while (!atomic_load(&c->stop)) {
		l = newproc(id % 2 == 0 ? RUMP_RFCFDG : RUMP_RFFDG);
		(void)newlwp(rump_sys_getpid());
		rump_pub_lwproc_releaselwp();
		release(l);
		(void)newlwp(1);
		rump_pub_lwproc_releaselwp();
	}
}

static void
make_cleanly(struct crowd *c)
{
	struct lwp *l;

	gate_raise(&c->gate);
	while (!atomic_load(&c->stop)) {
		l = newproc(0);
		T_OK(rump_sys_setuid(1));
		(void)newproc(RUMP_RFCFDG);
		rump_pub_lwproc_releaselwp();
		release(l);
	}
}

static void
read_and_wait(struct crowd *c, int k)
{
	char ch;

	c->reader[k] = newproc(RUMP_RFCFDG);
	c->pid[k] = rump_sys_getpid();
	T_OK(rump_sys_pipe(c->fd[k]));
	gate_raise(&c->gate);
	T_EQ(1, rump_sys_read(c->fd[k][0], &ch, 1));
	T_EQ('!', ch);
	rump_pub_lwproc_releaselwp();
}

static void
use_files(struct crowd *c, int k)
{
	char name[16], buf[100] = "data";
	int fd;

	c->filer[k] = newproc(RUMP_RFCFDG);
	c->pid[NREADERS + k] = rump_sys_getpid();
	(void)snprintf(name, sizeof(name), "/busy%d", k);
	gate_raise(&c->gate);
	while (!atomic_load(&c->stop)) {
		fd = (int)T_OK(rump_sys_open(name, O_RDWR | O_CREAT, 0600));
		T_EQ(100, rump_sys_write(fd, buf, 100));
		T_OK(rump_sys_close(fd));
		T_OK(rump_sys_unlink(name));
		T_OK(rump_sys_mkdir(name, 0700));
		T_OK(rump_sys_rmdir(name));
	}
	rump_pub_lwproc_releaselwp();
}

static void
stay_implicit(struct crowd *c)
{
	gate_raise(&c->gate);
	while (!atomic_load(&c->stop)) {
		T_EQ(1, rump_sys_getpid());
		(void)rump_sys_umask(022);
	}
}

static void
busy(struct thread *t)
{
	struct crowd *c = t->t_arg;

	if (t->t_id < NREADERS)
		read_and_wait(c, t->t_id);
	else if (t->t_id < NREADERS + NFILERS)
		use_files(c, t->t_id - NREADERS);
	else if (t->t_id == NREADERS + NFILERS)
		stay_implicit(c);
	else if (t->t_id == NREADERS + NFILERS + 1)
		make_cleanly(c);
	else
		make_and_release(c, t->t_id);
}

static void
crowd_start(struct crowd *c)
{
	memset(c, 0, sizeof(*c));
	gate_init(&c->gate);
	team_start(c->team, NBUSY, busy, c);
	gate_await(&c->gate, NBUSY);
}

/* The readers get their byte from lwps of their processes. */
static void
crowd_end(struct crowd *c)
{
	struct lwp *l;

	atomic_store(&c->stop, true);
	for (int k = 0; k < NREADERS; k++) {
		l = newlwp(c->pid[k]);
		T_EQ(1, rump_sys_write(c->fd[k][1], "!", 1));
		release(l);
	}
	team_join(c->team, NBUSY);
}

/* All parts of the kernel once. */
static void
use_kernel(void)
{
	char buf[16];
	struct lwp *a, *b;
	int fd[2], file;

	a = newproc(RUMP_RFCFDG);
	T_OK(rump_sys_pipe(fd));
	b = newproc(RUMP_RFFDG);
	T_EQ(3, rump_sys_write(fd[1], "abc", 3));
	rump_pub_lwproc_switch(a);
	T_EQ(3, rump_sys_read(fd[0], buf, sizeof(buf)));
	release(b);
	file = (int)T_OK(rump_sys_open("/forked", O_RDWR | O_CREAT, 0600));
	T_EQ(5, rump_sys_write(file, "hello", 5));
	T_EQ(5, rump_sys_pread(file, buf, sizeof(buf), 0));
	T_OK(rump_sys_mkdir("/forkdir", 0700));
	T_OK(rump_sys_chdir("/forkdir"));
	T_OK(rump_sys_rmdir("/forkdir"));
	T_OK(rump_sys_unlink("/forked"));
	T_OK(rump_sys_setsid());
	T_OK(rump_sys_setuid(1000));
	release(a);
	for (int i = 0; i < 100; i++) {
		(void)newproc(i % 3);
		rump_pub_lwproc_releaselwp();
	}
}

static void
use_kernel_thread(struct thread *t)
{
	(void)t;
	T_EQ(1, rump_sys_getpid());
	for (int i = 0; i < 50; i++) {
		(void)newproc(i % 3);
		rump_pub_lwproc_releaselwp();
	}
}

/* Become what host threads that are not here were. */
static void
take_over(struct crowd *c)
{
	char ch;

	for (int k = 0; k < NREADERS; k++) {
		rump_pub_lwproc_switch(c->reader[k]);
		T_EQ(c->pid[k], rump_sys_getpid());
		T_EQ(1, rump_sys_write(c->fd[k][1], "?", 1));
		T_EQ(1, rump_sys_read(c->fd[k][0], &ch, 1));
		T_EQ('?', ch);
		T_OK(rump_sys_close(c->fd[k][1]));
		T_EQ(0, rump_sys_read(c->fd[k][0], &ch, 1));
		rump_pub_lwproc_releaselwp();
		T_EQ(ESRCH, rump_pub_lwproc_newlwp(c->pid[k]));
	}
	for (int k = 0; k < NFILERS; k++) {
		rump_pub_lwproc_switch(c->filer[k]);
		T_EQ(c->pid[NREADERS + k], rump_sys_getpid());
		rump_pub_lwproc_releaselwp();
		T_EQ(ESRCH, rump_pub_lwproc_newlwp(c->pid[NREADERS + k]));
	}
}

static void
in_child(void *arg)
{
	struct crowd *c = arg;

	T_PTR(NULL, rump_pub_lwproc_curlwp());
	T_EQ(1, rump_sys_getpid());
	use_kernel();
	take_over(c);
	use_kernel();
	/* ThreadSanitizer cannot make threads in such a child. */
	if (!TC_TSAN)
		team_run(3, use_kernel_thread, NULL);
}

TC(child_works_whatever_the_others_did,
    "Many forks among busy host threads: in each child the kernel works, "
    "and what the others ran can be switched to and released.")
{
	struct crowd c;

	boot();
	crowd_start(&c);
	for (int i = 0; i < FORKS; i++) {
		child_passes(in_child, &c);
		use_kernel();
	}
	crowd_end(&c);
	use_kernel();
}

/* What is removed is freed, whoever was on the way in at the fork. */
static void
reclaim_in_child(void *arg)
{
	static char data[65536];
	struct rump_memstat before, after;
	int fd;

	(void)arg;
	(void)newproc(RUMP_RFCFDG);
	T_EQ(0, rump_pub_memstat(&before));
	for (int i = 0; i < 2000 / TC_SLOW; i++) {
		fd = (int)T_OK(
		    rump_sys_open("/reclaim", O_RDWR | O_CREAT, 0600));
		T_EQ(sizeof(data), rump_sys_write(fd, data, sizeof(data)));
		T_OK(rump_sys_close(fd));
		T_OK(rump_sys_unlink("/reclaim"));
		T_OK(rump_sys_symlink("x", "/reclaim"));
		T_OK(rump_sys_unlink("/reclaim"));
	}
	T_EQ(0, rump_pub_memstat(&after));
	T_ASSERT(after.committed < before.committed + (4 << 20));
	T_EQ(before.files, after.files);
}

TC(child_frees_memory,
    "What a child removes is freed, not kept for host threads of the parent "
    "that were in the kernel.")
{
	struct crowd c;

	boot();
	crowd_start(&c);
	for (int i = 0; i < RECLAIMS; i++)
		child_passes(reclaim_in_child, NULL);
	crowd_end(&c);
}

static void
bound_child(void *arg)
{
	struct lwp **l = arg;
	char ch;

	T_PTR(l[0], rump_pub_lwproc_curlwp());
	T_EQ(7, rump_sys_getuid());
	T_EQ(1, rump_sys_write(4, "y", 1));
	T_EQ(1, rump_sys_read(3, &ch, 1));
	T_EQ('x', ch);
	rump_pub_lwproc_switch(l[1]);
	rump_pub_lwproc_releaselwp();
	T_PTR(NULL, rump_pub_lwproc_curlwp());
	release(l[0]);
	use_kernel();
}

TC(child_stays_bound,
    "The forking host thread is the same lwp in the child; what is done "
    "there does not show in the parent.")
{
	struct lwp *l[2];
	char buf[4];
	int fd[2];

	boot();
	l[1] = newproc(0);
	l[0] = newproc(RUMP_RFCFDG);
	T_OK(rump_sys_setuid(7));
	T_OK(rump_sys_pipe(fd));
	T_EQ(3, rump_sys_dup2(fd[0], 3));
	T_EQ(4, rump_sys_dup2(fd[1], 4));
	T_EQ(1, rump_sys_write(fd[1], "x", 1));
	for (int i = 0; i < 3; i++) {
		child_passes(bound_child, l);
		T_PTR(l[0], rump_pub_lwproc_curlwp());
	}
	T_EQ(1, rump_sys_read(fd[0], buf, 4));
	T_EQ('x', buf[0]);
	release(l[1]);
	release(l[0]);
}

static void
descend(void *arg)
{
	int *depth = arg;

	use_kernel();
	if (--*depth > 0)
		child_passes(descend, depth);
	use_kernel();
}

TC(child_of_a_child, "Forks of forks, with the crowd in the first.")
{
	struct crowd c;
	int depth = 5;

	boot();
	crowd_start(&c);
	child_passes(descend, &depth);
	crowd_end(&c);
}

static void
fork_now(struct thread *t)
{
	(void)t;
	for (int i = 0; i < 5; i++) {
		pid_t pid = fork();
		int status;

		T_ASSERT(pid != -1);
		if (pid == 0) {
			tc_in_child = true;
			(void)alarm(CHILD_SECONDS);
			use_kernel();
			_exit(0);
		}
		T_EQ(pid, waitpid(pid, &status, 0));
		T_EQ(0, status);
	}
}

TC(forks_from_several_threads, "Host threads that fork at the same time.")
{
	struct crowd c;

	boot();
	crowd_start(&c);
	team_run(4, fork_now, NULL);
	crowd_end(&c);
	use_kernel();
}

static void
not_booted_child(void *arg)
{
	(void)arg;
	boot();
	use_kernel();
}

TC(fork_before_boot, "The child can boot on its own, and the parent.")
{
	child_passes(not_booted_child, NULL);
	boot();
	use_kernel();
}

static void
leave_thread(struct thread *t)
{
	t->t_result = newproc(RUMP_RFCFDG);
}

static void
idle_child(void *arg)
{
	struct thread *t = arg;

	rump_pub_lwproc_switch(t->t_result);
	T_ASSERT(rump_sys_getpid() > 1);
	rump_pub_lwproc_releaselwp();
}

TC(lwps_that_do_not_run_stay_so, "Idle lwps are as idle in the child.")
{
	struct thread t;

	boot();
	thread_start(&t, 0, leave_thread, NULL);
	thread_join(&t);
	child_passes(idle_child, &t);
	child_passes(idle_child, &t);
	release(t.t_result);
}

static void
boot_thread(struct thread *t)
{
	(void)t;
	boot();
}

/* In a host process that has not booted: fork while another thread does. */
static void
fork_in_boot_child(void *arg)
{
	struct thread t;
	struct timespec ts = {0, *(int *)arg * 5000L};

	thread_start(&t, 0, boot_thread, NULL);
	(void)nanosleep(&ts, NULL);
	child_passes(not_booted_child, NULL);
	thread_join(&t);
	use_kernel();
}

TC(fork_while_booting, "The child boots, or has booted.")
{
	/*
	 * ThreadSanitizer takes the other thread for a leak of the child's;
	 * AddressSanitizer's own locks can be held at the moment of the fork.
	 */
	if (TC_TSAN || TC_ASAN)
		atf_tc_skip("not for sanitizers");
	for (int i = 0; i < 40; i++)
		child_passes(fork_in_boot_child, &i);
}

static void
open_and_wait(struct thread *t)
{
	(void)newproc(RUMP_RFCFDG);
	thread_sleeps(t);
	t->t_result = (void *)(intptr_t)rump_sys_open("/fifo", O_RDONLY);
	rump_pub_lwproc_releaselwp();
}

/* A writer that does not wait finds no reader. */
static void
no_reader_child(void *arg)
{
	(void)arg;
	T_ERR(ENXIO, rump_sys_open("/fifo", O_WRONLY | O_NONBLOCK));
	use_kernel();
}

TC(opens_that_wait_end, "An open of a fifo that waits is not in the child.")
{
	struct thread t;
	int fd;

	boot();
	T_OK(rump_sys_mkfifo("/fifo", 0600));
	thread_start(&t, 0, open_and_wait, NULL);
	/* Once there is a reader, it waits for us. */
	while ((fd = rump_sys_open("/fifo", O_WRONLY | O_NONBLOCK)) == -1)
		host_msleep(1);
	T_OK(rump_sys_close(fd));
	thread_join(&t);
	thread_start(&t, 0, open_and_wait, NULL);
	thread_await_asleep(&t);
	child_passes(no_reader_child, NULL);
	fd = rump_sys_open("/fifo", O_WRONLY);
	T_ASSERT(fd >= 0);
	thread_join(&t);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, fork_while_booting);
	ATF_TP_ADD_TC(tp, opens_that_wait_end);
	ATF_TP_ADD_TC(tp, child_works_whatever_the_others_did);
	ATF_TP_ADD_TC(tp, child_frees_memory);
	ATF_TP_ADD_TC(tp, child_stays_bound);
	ATF_TP_ADD_TC(tp, child_of_a_child);
	ATF_TP_ADD_TC(tp, forks_from_several_threads);
	ATF_TP_ADD_TC(tp, fork_before_boot);
	ATF_TP_ADD_TC(tp, lwps_that_do_not_run_stay_so);
	return atf_no_error();
}
