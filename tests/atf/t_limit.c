/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Resource limits: getting, setting, and that they hold.
 */
#include <sys/resource.h>

#include <limits.h>

#include "../lib/tc.h"
#include "../lib/threads.h"

#define NOBODY 99999999

static void
setlimit(int which, rlim_t cur, rlim_t max)
{
	struct rlimit rl = {cur, max};

	T_OK(rump_sys_setrlimit(which, &rl));
}

TC(getrlimit_and_setrlimit, "What is set is got, for every resource.")
{
	struct rlimit rl, got;
	struct lwp *l;

	boot();
	l = newproc(RUMP_RFCFDG);
	for (int i = 0; i < (int)RLIM_NLIMITS; i++) {
		T_OK(rump_sys_getrlimit(i, &rl));
		T_ASSERT(rl.rlim_cur <= rl.rlim_max);
		rl.rlim_cur = 10;
		rl.rlim_max = 20;
		T_OK(rump_sys_setrlimit(i, &rl));
		T_OK(rump_sys_getrlimit(i, &got));
		T_EQ(10, got.rlim_cur);
		T_EQ(20, got.rlim_max);
		/* Nothing happens to the others. */
		T_OK(rump_sys_getrlimit((i + 1) % (int)RLIM_NLIMITS, &got));
	}
	release(l);
}

TC(limit_errors_are_the_hosts,
    "Resources that are none, soft above hard, bad addresses.")
{
	static const int which[] = {
	    -1, RLIM_NLIMITS, RLIM_NLIMITS + 1, INT_MAX, INT_MIN};
	struct rlimit rl = {10, 5}, got, before;
	struct lwp *l;

	boot();
	l = newproc(RUMP_RFCFDG);
	T_OK(rump_sys_getrlimit(RLIMIT_CORE, &before));
	for (size_t i = 0; i < sizeof(which) / sizeof(which[0]); i++) {
		T_ERR(EINVAL, rump_sys_getrlimit(which[i], &got));
		T_ERR(EINVAL, rump_sys_setrlimit(which[i], &before));
		T_ERR(EINVAL, rump_sys_prlimit(0, which[i], &before, &got));
	}
	T_ERR(EINVAL, rump_sys_setrlimit(RLIMIT_CORE, &rl));
	rl.rlim_cur = RLIM_INFINITY;
	rl.rlim_max = 7;
	T_ERR(EINVAL, rump_sys_setrlimit(RLIMIT_CORE, &rl));
	T_ERR(EFAULT, rump_sys_setrlimit(RLIMIT_CORE, NULL));
	T_ERR(EFAULT, rump_sys_getrlimit(RLIMIT_CORE, NULL));
	T_OK(rump_sys_getrlimit(RLIMIT_CORE, &got));
	T_EQ(before.rlim_cur, got.rlim_cur);
	T_EQ(before.rlim_max, got.rlim_max);
	release(l);
}

TC(hard_limit_is_raised_by_root_only, "Lowering is for all and for good.")
{
	struct rlimit rl = {30, 40}, got;
	struct lwp *l;

	boot();
	l = newproc(RUMP_RFCFDG);
	setlimit(RLIMIT_STACK, 10, 20);
	T_OK(rump_sys_setrlimit(RLIMIT_STACK, &rl));
	T_OK(rump_sys_setuid(1000));
	setlimit(RLIMIT_STACK, 40, 40);
	setlimit(RLIMIT_STACK, 5, 39);
	T_ERR(EPERM, rump_sys_setrlimit(RLIMIT_STACK, &rl));
	T_ERR(EPERM, rump_sys_prlimit(0, RLIMIT_STACK, &rl, &got));
	T_OK(rump_sys_getrlimit(RLIMIT_STACK, &got));
	T_EQ(5, got.rlim_cur);
	T_EQ(39, got.rlim_max);
	release(l);
}

TC(prlimit_of_others, "Get and set at once, of oneself and of others.")
{
	struct rlimit rl = {3, 4}, got;
	struct lwp *a, *b;
	pid_t apid, bpid;

	boot();
	a = newproc(RUMP_RFCFDG);
	apid = rump_sys_getpid();
	setlimit(RLIMIT_CORE, 1, 9);
	T_OK(rump_sys_prlimit(0, RLIMIT_CORE, &rl, &got));
	T_EQ(1, got.rlim_cur);
	T_EQ(9, got.rlim_max);
	T_OK(rump_sys_prlimit(apid, RLIMIT_CORE, NULL, &got));
	T_EQ(3, got.rlim_cur);
	T_OK(rump_sys_prlimit(0, RLIMIT_CORE, NULL, NULL));
	T_ERR(ESRCH, rump_sys_prlimit(NOBODY, RLIMIT_CORE, NULL, &got));
	T_ERR(ESRCH, rump_sys_prlimit(-5, RLIMIT_CORE, NULL, &got));
	T_ERR(ESRCH, rump_sys_prlimit(NOBODY, -1, NULL, &got));
	T_OK(rump_sys_setuid(1000));

	/* As root: anybody's. */
	rump_pub_lwproc_switch(NULL);
	b = newproc(RUMP_RFCFDG);
	bpid = rump_sys_getpid();
	setlimit(RLIMIT_CORE, 1, 1);
	rl.rlim_cur = rl.rlim_max = 2;
	T_OK(rump_sys_prlimit(apid, RLIMIT_CORE, &rl, &got));
	T_EQ(3, got.rlim_cur);
	T_OK(rump_sys_getrlimit(RLIMIT_CORE, &got));
	T_EQ(1, got.rlim_cur);

	/* As a user: only one's own. */
	rump_pub_lwproc_switch(a);
	T_OK(rump_sys_getrlimit(RLIMIT_CORE, &got));
	T_EQ(2, got.rlim_cur);
	T_ERR(EPERM, rump_sys_prlimit(bpid, RLIMIT_CORE, NULL, &got));
	T_ERR(EPERM, rump_sys_prlimit(bpid, RLIMIT_CORE, &rl, NULL));
	rump_pub_lwproc_switch(b);
	T_OK(rump_sys_setgid(0));
	T_OK(rump_sys_setuid(1000));
	rump_pub_lwproc_switch(a);
	T_OK(rump_sys_prlimit(bpid, RLIMIT_CORE, NULL, &got));
	T_EQ(1, got.rlim_cur);
	release(b);
	T_ERR(ESRCH, rump_sys_prlimit(bpid, RLIMIT_CORE, NULL, &got));
	release(a);
}

TC(nofile_is_enforced, "No descriptor at or above the soft limit.")
{
	struct lwp *l;
	int fd[2], top;

	boot();
	l = newproc(RUMP_RFCFDG);
	setlimit(RLIMIT_NOFILE, 10, 20);
	T_OK(rump_sys_pipe(fd));
	for (int i = 2; i < 10; i++)
		T_EQ(i, rump_sys_dup(fd[0]));
	T_ERR(EMFILE, rump_sys_dup(fd[0]));
	T_ERR(EMFILE, rump_sys_pipe(fd));
	T_ERR(EMFILE, rump_sys_open("/", RUMP_O_RDONLY));
	T_ERR(EMFILE, rump_sys_fcntl(fd[0], RUMP_F_DUPFD, 0));
	T_ERR(EMFILE, rump_sys_fcntl(fd[0], RUMP_F_DUPFD, 9));
	T_ERR(EINVAL, rump_sys_fcntl(fd[0], RUMP_F_DUPFD, 10));
	T_ERR(EBADF, rump_sys_dup2(fd[0], 10));
	T_ERR(EBADF, rump_sys_dup3(fd[0], 10, 0));
	T_EQ(9, rump_sys_dup2(fd[0], 9));
	/* One is free: a pipe needs two. */
	T_OK(rump_sys_close(9));
	T_ERR(EMFILE, rump_sys_pipe(fd));
	T_EQ(9, rump_sys_dup(fd[0]));

	setlimit(RLIMIT_NOFILE, 20, 20);
	T_EQ(19, rump_sys_dup2(fd[0], 19));
	T_ERR(EBADF, rump_sys_dup2(fd[0], 20));
	/* What is above a lowered limit stays open. */
	setlimit(RLIMIT_NOFILE, 5, 20);
	T_EQ(0, rump_sys_fcntl(19, RUMP_F_GETFD));
	top = 19;
	T_ERR(EMFILE, rump_sys_dup(top));
	T_OK(rump_sys_close(3));
	T_EQ(3, rump_sys_dup(top));
	setlimit(RLIMIT_NOFILE, 0, 20);
	T_OK(rump_sys_close(3));
	T_ERR(EMFILE, rump_sys_dup(top));
	release(l);
}

TC(nofile_failure_leaves_nothing, "A pipe that fails leaves no descriptor.")
{
	struct lwp *l;
	int fd[2] = {-7, -7};

	boot();
	l = newproc(RUMP_RFCFDG);
	setlimit(RLIMIT_NOFILE, 1, 20);
	for (int i = 0; i < 100; i++)
		T_ERR(EMFILE, rump_sys_pipe(fd));
	T_EQ(-7, fd[0]);
	T_EQ(-7, fd[1]);
	setlimit(RLIMIT_NOFILE, 2, 20);
	T_OK(rump_sys_pipe(fd));
	T_EQ(0, fd[0]);
	T_EQ(1, fd[1]);
	release(l);
}

TC(fsize_is_enforced, "A file grows to the limit and no further: EFBIG.")
{
	struct lwp *l;
	char buf[64];
	int fd;

	memset(buf, 'f', sizeof(buf));
	rump_boot_setsigmodel(RUMP_SIGMODEL_IGNORE);
	boot();
	l = newproc(RUMP_RFCFDG);
	fd = (int)T_OK(
	    rump_sys_open("/fsize", RUMP_O_RDWR | RUMP_O_CREAT, 0600));
	T_EQ(64, rump_sys_write(fd, buf, 64));
	setlimit(RLIMIT_FSIZE, 100, 200);
	T_EQ(36, rump_sys_write(fd, buf, 64));
	T_ERR(EFBIG, rump_sys_write(fd, buf, 1));
	T_EQ(0, rump_sys_write(fd, buf, 0));
	T_ERR(EFBIG, rump_sys_pwrite(fd, buf, 1, 100));
	T_ERR(EFBIG, rump_sys_pwrite(fd, buf, 1, 1000));
	T_EQ(5, rump_sys_pwrite(fd, buf, 10, 95));
	T_EQ(64, rump_sys_pwrite(fd, buf, 64, 0));
	T_ERR(EFBIG, rump_sys_ftruncate(fd, 101));
	T_ERR(EFBIG, rump_sys_truncate("/fsize", 101));
	T_EQ(100, rump_sys_lseek(fd, 0, RUMP_SEEK_END));
	T_OK(rump_sys_ftruncate(fd, 100));
	T_OK(rump_sys_ftruncate(fd, 10));
	T_OK(rump_sys_truncate("/fsize", 100));
	/* Shrinking a longer file is no growth. */
	setlimit(RLIMIT_FSIZE, 20, 200);
	T_OK(rump_sys_ftruncate(fd, 20));
	setlimit(RLIMIT_FSIZE, 0, 200);
	T_ERR(EFBIG, rump_sys_pwrite(fd, buf, 1, 0));
	/* Pipes have no size. */
	setlimit(RLIMIT_FSIZE, 0, 0);
	int p[2];
	T_OK(rump_sys_pipe(p));
	T_EQ(1, rump_sys_write(p[1], buf, 1));
	release(l);
}

TC(nproc_is_enforced, "Counted by real user, checked at rfork and not at "
		      "newlwp; EAGAIN.")
{
	struct lwp *a, *b;

	boot();
	a = newproc(RUMP_RFCFDG);
	T_OK(rump_sys_setuid(1000));
	setlimit(RLIMIT_NPROC, 1, 1);
	T_EQ(EAGAIN, rump_pub_lwproc_rfork(0));
	T_PTR(a, rump_pub_lwproc_curlwp());
	b = newlwp(rump_sys_getpid());
	T_EQ(EAGAIN, rump_pub_lwproc_rfork(0));
	T_PTR(b, rump_pub_lwproc_curlwp());
	release(b);
	release(a);

	/* A process that changes its user is counted with the new one. */
	a = newproc(RUMP_RFCFDG);
	setlimit(RLIMIT_NPROC, 2, 2);
	T_OK(rump_sys_setresuid(1000, 1000, 0));
	b = newproc(RUMP_RFCFDG);
	T_EQ(EAGAIN, rump_pub_lwproc_rfork(0));
	T_OK(rump_sys_seteuid(0));
	T_OK(rump_sys_setresuid(1001, 0, 0));
	rump_pub_lwproc_switch(a);
	T_EQ(0, rump_pub_lwproc_rfork(0));
	rump_pub_lwproc_releaselwp();
	release(b);
	release(a);
}

struct nproc {
	struct gate gate;
	pid_t pid;
};

static void
fork_to_limit(struct thread *t)
{
	struct nproc *n = t->t_arg;
	struct lwp *made[8], *own = newlwp(n->pid);
	int count = 0, error;

	for (int round = 0; round < 200 / TC_SLOW; round++) {
		count = 0;
		while (count < 8 && (error = rump_pub_lwproc_rfork(0)) == 0)
			made[count++] = rump_pub_lwproc_curlwp();
		T_ASSERT(count == 8 || error == EAGAIN);
		rump_pub_lwproc_switch(NULL);
		while (count > 0)
			release(made[--count]);
		rump_pub_lwproc_switch(own);
	}
	release(own);
}

TC(nproc_count_is_exact_with_threads,
    "After many host threads met the limit, just as many can be made.")
{
	struct nproc n = {.gate = GATE_INITIALIZER};
	struct lwp *own, *made[9];

	boot();
	own = newproc(RUMP_RFCFDG);
	n.pid = rump_sys_getpid();
	setlimit(RLIMIT_NPROC, 10, 10);
	T_OK(rump_sys_setuid(1000));
	team_run(4, fork_to_limit, &n);
	for (int i = 0; i < 9; i++)
		made[i] = newproc(0);
	T_EQ(EAGAIN, rump_pub_lwproc_rfork(0));
	for (int i = 0; i < 9; i++)
		release(made[i]);
	release(own);
}

TC(no_default_limit_on_processes, "Nothing but memory limits them.")
{
	static struct lwp *l[50000];
	const int n = 50000 / TC_SLOW;

	tc_local();
	boot();
	for (int i = 0; i < n; i++) {
		rump_pub_lwproc_switch(NULL);
		l[i] = newproc(RUMP_RFCFDG);
	}
	rump_pub_lwproc_switch(NULL);
	for (int i = 0; i < n; i++)
		release(l[i]);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, getrlimit_and_setrlimit);
	ATF_TP_ADD_TC(tp, limit_errors_are_the_hosts);
	ATF_TP_ADD_TC(tp, hard_limit_is_raised_by_root_only);
	ATF_TP_ADD_TC(tp, prlimit_of_others);
	ATF_TP_ADD_TC(tp, nofile_is_enforced);
	ATF_TP_ADD_TC(tp, nofile_failure_leaves_nothing);
	ATF_TP_ADD_TC(tp, fsize_is_enforced);
	ATF_TP_ADD_TC(tp, nproc_is_enforced);
	ATF_TP_ADD_TC(tp, nproc_count_is_exact_with_threads);
	ATF_TP_ADD_TC(tp, no_default_limit_on_processes);
	return atf_no_error();
}
