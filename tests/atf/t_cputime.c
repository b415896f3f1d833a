/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CPU time of processes, counted with RUMP_CPUTIME.
 */
#include <sys/resource.h>
#include <sys/times.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <stdio.h>
#include <time.h>

#include <rump/rump_wait.h>

#include "../lib/threads.h"

#define MSEC INT64_C(1000000)

static int64_t
timespec_ns(struct timespec ts)
{
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static int64_t
usage_ns(const struct rusage *ru)
{
	return ru->ru_utime.tv_sec * INT64_C(1000000000) +
	       ru->ru_utime.tv_usec * INT64_C(1000);
}

/* The host thread's, by the host. */
static int64_t
thread_ns(void)
{
	struct timespec ts;

	T_OK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts));
	return timespec_ns(ts);
}

static int64_t
self_ns(void)
{
	struct timespec ts;
	struct rusage ru;
	int64_t ns;

	T_OK(rump_sys_getrusage(RUSAGE_SELF, &ru));
	T_OK(rump_sys_clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts));
	ns = timespec_ns(ts);
	T_ASSERT(usage_ns(&ru) <= ns);
	return ns;
}

static int64_t
children_ns(void)
{
	struct rusage ru;

	T_OK(rump_sys_getrusage(RUSAGE_CHILDREN, &ru));
	return usage_ns(&ru);
}

static void
spin(int64_t ns)
{
	int64_t end = thread_ns() + ns;

	while (thread_ns() < end)
		continue;
}

static struct lwp *
begin(void)
{
	/* The host has one clock for all fibers. */
	thread_wanted();
	T_OK(setenv("RUMP_CPUTIME", "1", 1));
	T_OK(rump_init());
	return newproc(RUMP_RFCFDG);
}

/* A child, whose parent has waited before, that spins and ends. */
static pid_t
child_spins(int64_t ns)
{
	struct lwp *parent = rump_pub_lwproc_curlwp();
	pid_t pid;

	T_ERR(ECHILD, rump_sys_wait(NULL));
	(void)newproc(RUMP_RFCFDG);
	pid = rump_sys_getpid();
	spin(ns);
	T_OK(rump_sys_exit(3));
	rump_pub_lwproc_switch(parent);
	return pid;
}

TC(own, "A process has what its lwps take, whoever runs them, and no more.")
{
	struct lwp *a = begin(), *b;
	int64_t start, mine, others;

	b = newproc(RUMP_RFCFDG);
	rump_pub_lwproc_switch(a);
	mine = self_ns();
	spin(10 * MSEC);
	mine = self_ns() - mine;
	T_ASSERT(mine >= 10 * MSEC);
	start = thread_ns();
	rump_pub_lwproc_switch(b);
	others = self_ns();
	spin(10 * MSEC);
	others = self_ns() - others;
	T_ASSERT(others >= 10 * MSEC);
	rump_pub_lwproc_switch(a);
	start = thread_ns() - start;
	/* What b took is not a's. */
	T_ASSERT(self_ns() < mine + start);
	rump_pub_lwproc_switch(b);
	T_ASSERT(self_ns() >= others);
}

TC(unbound, "Without an lwp it is process 1 that takes the time.")
{
	int64_t before;

	release(begin());
	before = self_ns();
	spin(5 * MSEC);
	release(newproc(RUMP_RFCFDG));
	T_ASSERT(self_ns() >= before + 5 * MSEC);
}

TC(children, "wait4 tells what the child took, and the parent is charged.")
{
	struct rusage ru;
	struct tms tms;
	int64_t mine;
	pid_t pid;

	(void)begin();
	T_EQ(0, children_ns());
	mine = self_ns();
	pid = child_spins(30 * MSEC);
	T_EQ(0, children_ns());
	T_EQ(pid, rump_sys_wait4(pid, NULL, 0, &ru));
	T_ASSERT(usage_ns(&ru) >= 30 * MSEC);
	T_ASSERT(children_ns() == usage_ns(&ru));
	T_ASSERT(self_ns() - mine < 30 * MSEC);
	T_ASSERT(rump_sys_times(&tms) != -1);
	T_ASSERT(tms.tms_cutime >= 3);
}

TC(grandchildren, "A child's time has that of children that it waited for.")
{
	struct rump_wrusage wru;
	struct lwp *parent = begin();
	pid_t pid;

	T_ERR(ECHILD, rump_sys_wait(NULL));
	(void)newproc(RUMP_RFCFDG);
	pid = child_spins(20 * MSEC);
	T_EQ(pid, rump_sys_waitpid(pid, NULL, 0));
	pid = rump_sys_getpid();
	T_OK(rump_sys_exit(0));
	rump_pub_lwproc_switch(parent);
	T_EQ(pid, rump_sys_wait6(
		      P_PID, (id_t)pid, NULL, WEXITED | WNOWAIT, &wru, NULL));
	T_ASSERT(usage_ns(&wru.wru_children) >= 20 * MSEC);
	T_ASSERT(usage_ns(&wru.wru_self) < 20 * MSEC);
	T_EQ(0, children_ns());
	T_EQ(pid, rump_sys_waitpid(pid, NULL, 0));
	T_ASSERT(children_ns() >= 20 * MSEC);
}

TC(proc_stat, "/proc/PID/stat has both, in hundredths of a second.")
{
	long long own, children;
	char buf[1024] = "";
	pid_t pid;
	int fd;

	(void)begin();
	pid = child_spins(20 * MSEC);
	T_EQ(pid, rump_sys_waitpid(pid, NULL, 0));
	spin(20 * MSEC);
	T_ASSERT(self_ns() >= 20 * MSEC);
	T_OK(rump_sys_mkdir("/proc", 0755));
	T_OK(rump_sys_mount("procfs", "/proc", 0, NULL, 0));
	fd = rump_sys_open("/proc/self/stat", O_RDONLY);
	T_ASSERT(fd >= 0);
	T_ASSERT(rump_sys_read(fd, buf, sizeof(buf) - 1) > 0);
	T_ASSERT(strrchr(buf, ')') != NULL);
	T_EQ(2, sscanf(strrchr(buf, ')'),
		    ") %*c %*d %*d %*d %*d %*d %*d %*d %*d %*d %*d %lld %*d "
		    "%lld",
		    &own, &children));
	T_ASSERT(own >= 2 && children >= 2);
}

TC(off, "Without it children take nothing, and a process what the host's does.")
{
	struct rusage ru;
	pid_t pid;

	thread_wanted();
	T_OK(setenv("RUMP_CPUTIME", "0", 1));
	T_OK(rump_init());
	(void)newproc(RUMP_RFCFDG);
	pid = child_spins(5 * MSEC);
	memset(&ru, 1, sizeof(ru));
	T_EQ(pid, rump_sys_wait4(pid, NULL, 0, &ru));
	T_EQ(0, usage_ns(&ru));
	T_EQ(0, children_ns());
	T_ASSERT(self_ns() >= 5 * MSEC);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, own);
	ATF_TP_ADD_TC(tp, unbound);
	ATF_TP_ADD_TC(tp, children);
	ATF_TP_ADD_TC(tp, grandchildren);
	ATF_TP_ADD_TC(tp, proc_stat);
	ATF_TP_ADD_TC(tp, off);
	return atf_no_error();
}
