/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * signalfd: what the oracle cannot see, because it is about several processes
 * and lwps that have the same one.
 */
#include <sys/epoll.h>
#include <sys/signalfd.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>

#include "threads.h"

static int fd;

static void
block(int signo)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signo);
	T_OK(rump_sys_sigprocmask(SIG_BLOCK, &set, NULL));
}

/* A process with a signalfd for SIGUSR1, which is blocked. */
static struct lwp *
begin(int flags)
{
	sigset_t set;

	boot();
	T_EQ(0, rump_pub_lwproc_rfork(RUMP_RFCFDG));
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	block(SIGUSR1);
	fd = (int)T_OK(rump_sys_signalfd(-1, &set, flags));
	return rump_pub_lwproc_curlwp();
}

static int
events(void)
{
	struct pollfd p = {fd, POLLIN | POLLOUT, 0};

	(void)rump_sys_poll(&p, 1, 0);
	return p.revents;
}

/* Who sent the signal that is read. */
static pid_t
take(void)
{
	struct signalfd_siginfo si;

	T_EQ(sizeof(si), rump_sys_read(fd, &si, sizeof(si)));
	T_EQ(SIGUSR1, si.ssi_signo);
	return (pid_t)si.ssi_pid;
}

TC(whose, "The same descriptor shows each process its own signals.")
{
	struct signalfd_siginfo si;
	struct lwp *parent = begin(SFD_NONBLOCK), *child;
	pid_t ppid = rump_sys_getpid();

	T_EQ(0, rump_pub_lwproc_rfork(RUMP_RFFDG));
	child = rump_pub_lwproc_curlwp();
	T_OK(rump_sys_kill(ppid, SIGUSR1));
	T_EQ(0, events());
	T_ERR(EAGAIN, rump_sys_read(fd, &si, sizeof(si)));
	T_OK(rump_sys_kill(rump_sys_getpid(), SIGUSR1));
	T_EQ(POLLIN, events());
	T_EQ(rump_sys_getpid(), take());
	T_EQ(0, events());
	rump_pub_lwproc_switch(parent);
	T_EQ(POLLIN, events());
	T_ASSERT(take() != ppid);
	T_EQ(0, events());
	/* The child's end leaves the parent's alone. */
	rump_pub_lwproc_switch(child);
	rump_pub_lwproc_releaselwp();
	rump_pub_lwproc_switch(parent);
	T_OK(rump_sys_kill(ppid, SIGUSR1));
	T_EQ(ppid, take());
	rump_pub_lwproc_releaselwp();
}

static pid_t pid;

static void
read_in_child(struct thread *t)
{
	rump_pub_lwproc_switch(t->t_arg);
	pid = rump_sys_getpid();
	thread_sleeps(t);
	T_EQ(1, take());
	rump_pub_lwproc_releaselwp();
}

static void
poll_in_child(struct thread *t)
{
	struct pollfd p = {fd, POLLIN, 0};

	rump_pub_lwproc_switch(t->t_arg);
	pid = rump_sys_getpid();
	thread_sleeps(t);
	T_EQ(1, rump_sys_poll(&p, 1, -1));
	T_EQ(1, take());
	rump_pub_lwproc_releaselwp();
}

static void
epoll_in_child(struct thread *t)
{
	struct epoll_event ev = {.events = EPOLLIN};
	int ep;

	rump_pub_lwproc_switch(t->t_arg);
	pid = rump_sys_getpid();
	ep = (int)T_OK(rump_sys_epoll_create1(0));
	T_OK(rump_sys_epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev));
	thread_sleeps(t);
	T_EQ(1, rump_sys_epoll_wait(ep, &ev, 1, -1));
	T_EQ(1, take());
	rump_pub_lwproc_releaselwp();
}

TC(waits, "Each process that waits is woken by its own signals.")
{
	tc_local();
	void (*const fns[])(struct thread *) = {
	    read_in_child, poll_in_child, epoll_in_child};
	struct lwp *parent = begin(0);
	struct thread t;

	for (int i = 0; i < 3; i++) {
		T_EQ(0, rump_pub_lwproc_rfork(RUMP_RFFDG));
		struct lwp *child = rump_pub_lwproc_curlwp();

		rump_pub_lwproc_switch(NULL);
		thread_start(&t, 0, fns[i], child);
		thread_await_asleep(&t);
		/* From process 1, which has no such descriptor. */
		T_OK(rump_sys_kill(pid, SIGUSR1));
		thread_join(&t);
		rump_pub_lwproc_switch(parent);
	}
	rump_pub_lwproc_releaselwp();
}

TC(lwps, "A signal for one lwp is there for that one only.")
{
	struct lwp *first = begin(SFD_NONBLOCK), *second;

	T_EQ(0, rump_pub_lwproc_newlwp(rump_sys_getpid()));
	second = rump_pub_lwproc_curlwp();
	block(SIGUSR1);
	T_OK(rump_sys_tgkill(rump_sys_getpid(), 1, SIGUSR1));
	T_EQ(0, events());
	rump_pub_lwproc_switch(first);
	T_EQ(POLLIN, events());
	T_EQ(rump_sys_getpid(), take());
	rump_pub_lwproc_switch(second);
	rump_pub_lwproc_releaselwp();
	rump_pub_lwproc_switch(first);
	rump_pub_lwproc_releaselwp();
}

TC(raw, "signalfd4 has the size of the mask.")
{
	uint64_t mask = UINT64_C(1) << (SIGUSR1 - 1);

	(void)begin(0);
	T_ERR(EINVAL, rump_sys_signalfd4(-1, &mask, 4, 0));
	T_ERR(EINVAL, rump_sys_signalfd4(-1, &mask, sizeof(sigset_t), 0));
	fd =
	    (int)T_OK(rump_sys_signalfd4(-1, &mask, sizeof(mask), SFD_CLOEXEC));
	T_EQ(FD_CLOEXEC, rump_sys_fcntl(fd, F_GETFD));
	T_OK(rump_sys_kill(rump_sys_getpid(), SIGUSR1));
	T_EQ(rump_sys_getpid(), take());
	rump_pub_lwproc_releaselwp();
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, whose);
	ATF_TP_ADD_TC(tp, waits);
	ATF_TP_ADD_TC(tp, lwps);
	ATF_TP_ADD_TC(tp, raw);
	return atf_no_error();
}
