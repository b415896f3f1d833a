/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Message queues of POSIX: what the oracle, in which nothing waits and
 * everybody is one process, does not see.
 */
#include <sys/epoll.h>
#include <sys/resource.h>

#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <signal.h>

#include "threads.h"

static int mq;

static int
make(const char *name, int oflag, long count, long size)
{
	struct mq_attr attr = {.mq_maxmsg = count, .mq_msgsize = size};

	return (int)T_OK(
	    rump_sys_mq_open(name, O_CREAT | O_RDWR | oflag, 0600, &attr));
}

static void
put(int fd, char c, unsigned prio)
{
	T_OK(rump_sys_mq_send(fd, &c, 1, prio));
}

static char
get(int fd)
{
	char buf[8192] = {0};

	T_EQ(1, rump_sys_mq_receive(fd, buf, sizeof(buf), NULL));
	return buf[0];
}

TC(order, "by priority, and then first in, first out")
{
	char buf[8192];
	unsigned prio = 0;

	boot();
	mq = (int)T_OK(rump_sys_mq_open("/q", O_CREAT | O_RDWR, 0600, NULL));
	put(mq, 'd', 1);
	put(mq, 'a', 7);
	put(mq, 'f', 0);
	put(mq, 'b', 7);
	put(mq, 'e', 1);
	put(mq, 'c', 7);
	T_EQ(1, rump_sys_mq_receive(mq, buf, sizeof(buf), &prio));
	T_EQ('a', buf[0]);
	T_EQ(7, prio);
	for (char c = 'b'; c <= 'f'; c++)
		T_EQ(c, get(mq));
	T_ERR(EMSGSIZE, rump_sys_mq_receive(mq, buf, 8191, NULL));
	T_ERR(EFAULT, rump_sys_mq_send(mq, NULL, 1, 0));
}

static void
receive_one(struct thread *t)
{
	thread_sleeps(t);
	(void)get(mq);
}

static void
send_one(struct thread *t)
{
	thread_sleeps(t);
	put(mq, (char)('a' + t->t_id), 0);
}

TC(waits, "receivers wait for messages, senders for room")
{
	struct thread team[4];

	boot();
	mq = make("/q", 0, 1, 8192);
	team_start(team, 4, receive_one, NULL);
	team_await_asleep(team, 4);
	for (int i = 0; i < 4; i++)
		put(mq, 'x', 0);
	team_join(team, 4);
	put(mq, 'x', 0);
	team_start(team, 4, send_one, NULL);
	team_await_asleep(team, 4);
	for (int i = 0; i < 5; i++)
		(void)get(mq);
	team_join(team, 4);
}

TC(deadline, "a wait ends at its time")
{
	struct timespec ts;
	char buf[8];

	boot();
	mq = make("/q", 0, 1, 8);
	T_OK(rump_sys_clock_gettime(CLOCK_REALTIME, &ts));
	ts.tv_nsec += 20000000;
	ts.tv_sec += ts.tv_nsec / 1000000000;
	ts.tv_nsec %= 1000000000;
	T_ERR(ETIMEDOUT, rump_sys_mq_timedreceive(mq, buf, 8, NULL, &ts));
	T_OK(rump_sys_mq_timedsend(mq, "x", 1, 0, &ts));
	T_ERR(ETIMEDOUT, rump_sys_mq_timedsend(mq, "x", 1, 0, &ts));
	T_EQ(1, rump_sys_mq_timedreceive(mq, buf, 8, NULL, &ts));
	ts.tv_nsec = -1;
	T_ERR(EINVAL, rump_sys_mq_timedreceive(mq, buf, 8, NULL, &ts));
	T_ERR(EFAULT,
	    rump_sys_mq_timedsend(mq, "x", 1, 0, (const struct timespec *)16));
}

TC(poll, "poll, epoll and nonblocking descriptors")
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLET}, got;
	struct pollfd p = {.events = POLLIN | POLLOUT};
	char buf[8];
	int ep;

	boot();
	p.fd = mq = make("/q", O_NONBLOCK, 2, 8);
	ep = (int)T_OK(rump_sys_epoll_create1(0));
	T_OK(rump_sys_epoll_ctl(ep, EPOLL_CTL_ADD, mq, &ev));
	T_EQ(0, rump_sys_epoll_wait(ep, &got, 1, 0));
	T_EQ(1, rump_sys_poll(&p, 1, 0));
	T_EQ(POLLOUT, p.revents);
	T_ERR(EAGAIN, rump_sys_mq_receive(mq, buf, 8, NULL));
	put(mq, 'a', 0);
	T_EQ(1, rump_sys_epoll_wait(ep, &got, 1, 0));
	T_EQ(0, rump_sys_epoll_wait(ep, &got, 1, 0));
	put(mq, 'b', 0);
	T_EQ(1, rump_sys_epoll_wait(ep, &got, 1, 0));
	T_ERR(EAGAIN, rump_sys_mq_send(mq, "x", 1, 0));
	T_EQ(1, rump_sys_poll(&p, 1, 0));
	T_EQ(POLLIN, p.revents);
	/* Another descriptor of the queue may wait all the same. */
	T_OK(rump_sys_fcntl(mq, F_SETFL, 0));
	T_EQ(1, rump_sys_mq_receive(mq, buf, 8, NULL));
}

TC(permission, "who may open and unlink")
{
	boot();
	rump_sys_umask(0);
	newproc(RUMP_RFCFDG);
	T_OK(rump_sys_setgid(20));
	T_OK(rump_sys_setuid(10));
	T_OK(rump_sys_mq_open("/q", O_CREAT | O_RDWR, 0640, NULL));
	rump_pub_lwproc_releaselwp();

	newproc(RUMP_RFCFDG);
	T_OK(rump_sys_setgid(20));
	T_OK(rump_sys_setuid(11));
	T_ERR(EACCES, rump_sys_mq_open("/q", O_RDWR));
	T_ERR(EACCES, rump_sys_mq_open("/q", O_WRONLY));
	mq = (int)T_OK(rump_sys_mq_open("/q", O_RDONLY));
	T_ERR(EBADF, rump_sys_mq_send(mq, "x", 1, 0));
	T_ERR(EPERM, rump_sys_mq_unlink("/q"));
	rump_pub_lwproc_releaselwp();

	newproc(RUMP_RFCFDG);
	T_OK(rump_sys_setuid(12));
	T_ERR(EACCES, rump_sys_mq_open("/q", O_RDONLY));
	rump_pub_lwproc_releaselwp();
	T_OK(rump_sys_mq_unlink("/q"));
}

TC(limits, "what users may have")
{
	struct mq_attr attr = {.mq_maxmsg = 11, .mq_msgsize = 8};
	struct rlimit rl;
	char name[20];
	int i;

	boot();
	T_OK(rump_sys_getrlimit(RLIMIT_MSGQUEUE, &rl));
	T_EQ(819200, rl.rlim_cur);
	T_EQ(819200, rl.rlim_max);
	/* 11 messages are root's to have. */
	T_OK(rump_sys_mq_open("/r", O_CREAT | O_RDWR, 0600, &attr));
	newproc(RUMP_RFCFDG);
	T_OK(rump_sys_setuid(10));
	T_ERR(EINVAL, rump_sys_mq_open("/q", O_CREAT | O_RDWR, 0600, &attr));
	attr = (struct mq_attr){.mq_maxmsg = 10, .mq_msgsize = 8193};
	T_ERR(EINVAL, rump_sys_mq_open("/q", O_CREAT | O_RDWR, 0600, &attr));
	/* Of 82880 bytes each. */
	for (i = 0; i < 20; i++) {
		(void)snprintf(name, sizeof(name), "/q%d", i);
		if (rump_sys_mq_open(name, O_CREAT | O_RDWR, 0600, NULL) == -1)
			break;
	}
	T_EQ(EMFILE, errno);
	T_EQ(9, i);
	T_OK(rump_sys_mq_unlink("/q0"));
	/* It counts as long as it is open. */
	T_ERR(EMFILE, rump_sys_mq_open("/q0", O_CREAT | O_RDWR, 0600, NULL));
	rump_pub_lwproc_releaselwp();
	newproc(RUMP_RFCFDG);
	T_OK(rump_sys_setuid(10));
	T_OK(rump_sys_mq_open("/q0", O_CREAT | O_RDWR, 0600, NULL));
	/* Another user has bytes of their own. */
	rump_pub_lwproc_releaselwp();
	newproc(RUMP_RFCFDG);
	T_OK(rump_sys_setuid(11));
	attr = (struct mq_attr){.mq_maxmsg = 1, .mq_msgsize = 1};
	T_OK(rump_sys_mq_open("/other", O_CREAT | O_RDWR, 0600, &attr));
	for (i = 0; i < 300; i++) {
		(void)snprintf(name, sizeof(name), "/n%d", i);
		if ((mq = rump_sys_mq_open(
			 name, O_CREAT | O_RDWR, 0600, &attr)) == -1)
			break;
		T_OK(rump_sys_close(mq));
	}
	T_EQ(ENOSPC, errno);
	T_EQ(256, i + 11);
}

static siginfo_t told;
static int times;

static void
on_message(int signo, siginfo_t *info, void *uc)
{
	(void)signo, (void)uc;
	told = *info;
	times++;
}

static const struct sigevent by_signal = {.sigev_notify = SIGEV_SIGNAL,
    .sigev_signo = SIGUSR1,
    .sigev_value = {.sival_int = 42}};

TC(notify, "a message into the empty queue is told once")
{
	struct sigaction sa = {
	    .sa_sigaction = on_message, .sa_flags = SA_SIGINFO};
	struct sigevent thread = {.sigev_notify = SIGEV_THREAD};
	struct lwp *parent, *child;

	boot();
	T_OK(rump_sys_sigaction(SIGUSR1, &sa, NULL));
	parent = newproc(RUMP_RFFD_SHARE);
	mq = make("/q", 0, 3, 8);
	T_OK(rump_sys_mq_notify(mq, &by_signal));
	T_ERR(EBUSY, rump_sys_mq_notify(mq, &by_signal));
	T_ERR(EINVAL, rump_sys_mq_notify(mq, &thread));
	child = newproc(RUMP_RFFDG);
	T_OK(rump_sys_setuid(7));
	T_ERR(EBUSY, rump_sys_mq_notify(mq, &by_signal));
	/* What is another's stays. */
	T_OK(rump_sys_mq_notify(mq, NULL));
	put(mq, 'a', 0);
	put(mq, 'b', 0);
	T_EQ(0, times);
	rump_pub_lwproc_switch(parent);
	(void)rump_sys_getppid();
	(void)rump_sys_getuid();
	T_EQ(1, times);
	T_EQ(SI_MESGQ, told.si_code);
	T_EQ(42, told.si_value.sival_int);
	T_EQ(7, told.si_uid);
	/* Only once, and only into an empty queue. */
	T_OK(rump_sys_mq_notify(mq, &by_signal));
	put(mq, 'c', 0);
	T_EQ(1, times);
	for (int i = 0; i < 3; i++)
		(void)get(mq);
	put(mq, 'd', 0);
	T_EQ(2, times);
	(void)get(mq);
	put(mq, 'e', 0);
	T_EQ(2, times);
	release(child);
}

TC(notify_ends, "closing, and the end of a process, end it")
{
	int other;

	boot();
	mq = make("/q", 0, 3, 8);
	other = make("/q", 0, 3, 8);
	T_OK(rump_sys_mq_notify(mq, &by_signal));
	T_OK(rump_sys_mq_close(other));
	T_OK(rump_sys_mq_notify(mq, &by_signal));
	newproc(RUMP_RFFD_SHARE);
	T_ERR(EBUSY, rump_sys_mq_notify(mq, &by_signal));
	rump_pub_lwproc_releaselwp();
	T_OK(rump_sys_mq_notify(mq, NULL));
	newproc(RUMP_RFFD_SHARE);
	T_OK(rump_sys_mq_notify(mq, &by_signal));
	rump_pub_lwproc_releaselwp();
	T_OK(rump_sys_mq_notify(mq, &by_signal));
	T_ERR(EBADF, rump_sys_mq_notify(mq + 5, NULL));
	T_ERR(EFAULT, rump_sys_mq_notify(mq, (const struct sigevent *)8));
}

TC(notify_waiter, "who waits gets the message, and nobody is told")
{
	struct sigaction sa = {
	    .sa_sigaction = on_message, .sa_flags = SA_SIGINFO};
	struct thread t;

	boot();
	T_OK(rump_sys_sigaction(SIGUSR1, &sa, NULL));
	mq = make("/q", 0, 3, 8);
	T_OK(rump_sys_mq_notify(mq, &by_signal));
	thread_start(&t, 0, receive_one, NULL);
	thread_await_asleep(&t);
	put(mq, 'x', 0);
	thread_join(&t);
	T_EQ(0, times);
	put(mq, 'x', 0);
	T_EQ(1, times);
}

TC(gone, "nothing is left when the last one has gone")
{
	struct rump_memstat before, after;
	int other;

	boot();
	mq = make("/q", 0, 5, 100);
	T_OK(rump_sys_mq_close(mq));
	T_OK(rump_sys_mq_unlink("/q"));
	newproc(RUMP_RFCFDG);
	rump_pub_lwproc_releaselwp();
	T_EQ(0, rump_pub_memstat(&before));
	newproc(RUMP_RFCFDG);
	mq = make("/q", 0, 5, 100);
	put(mq, 'a', 0);
	put(mq, 'b', 1);
	T_OK(rump_sys_mq_unlink("/q"));
	T_ERR(ENOENT, rump_sys_mq_open("/q", O_RDWR));
	other = make("/q", O_EXCL, 5, 100);
	put(other, 'c', 0);
	T_EQ('b', get(mq));
	T_OK(rump_sys_mq_unlink("/q"));
	rump_pub_lwproc_releaselwp();
	T_EQ(0, rump_pub_memstat(&after));
	T_EQ(before.used, after.used);
	T_EQ(before.files, after.files);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, order);
	ATF_TP_ADD_TC(tp, waits);
	ATF_TP_ADD_TC(tp, deadline);
	ATF_TP_ADD_TC(tp, poll);
	ATF_TP_ADD_TC(tp, permission);
	ATF_TP_ADD_TC(tp, limits);
	ATF_TP_ADD_TC(tp, notify);
	ATF_TP_ADD_TC(tp, notify_ends);
	ATF_TP_ADD_TC(tp, notify_waiter);
	ATF_TP_ADD_TC(tp, gone);
	return atf_no_error();
}
