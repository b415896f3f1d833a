/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * epoll.
 */
#include <sys/epoll.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>

#include "threads.h"

static int ep, fds[2];
static struct epoll_event evs[8];

static void
start(void)
{
	boot();
	T_OK(rump_sys_pipe2(fds, O_NONBLOCK));
	ep = (int)T_OK(rump_sys_epoll_create1(EPOLL_CLOEXEC));
}

static int
ctl(int epfd, int op, int fd, uint32_t events)
{
	struct epoll_event ev = {events, {.fd = fd}};

	return rump_sys_epoll_ctl(epfd, op, fd, &ev);
}

static int
ready(void)
{
	return rump_sys_epoll_wait(ep, evs, 8, 0);
}

static void
put(void)
{
	T_EQ(1, rump_sys_write(fds[1], "x", 1));
}

static void
get(void)
{
	char c;

	T_EQ(1, rump_sys_read(fds[0], &c, 1));
}

TC(level, "what is true is reported as long as it is")
{
	start();
	T_OK(ctl(ep, EPOLL_CTL_ADD, fds[0], EPOLLIN));
	T_EQ(0, ready());
	put();
	T_EQ(1, ready());
	T_EQ(EPOLLIN, evs[0].events);
	T_EQ(fds[0], evs[0].data.fd);
	T_EQ(1, ready());
	get();
	T_EQ(0, ready());
	T_OK(rump_sys_close(fds[1]));
	T_EQ(1, ready());
	T_EQ(EPOLLHUP, evs[0].events);
}

TC(edge, "with EPOLLET each change is reported once")
{
	start();
	put();
	T_OK(ctl(ep, EPOLL_CTL_ADD, fds[0], EPOLLIN | EPOLLET));
	T_EQ(1, ready());
	T_EQ(0, ready());
	put();
	T_EQ(1, ready());
	T_EQ(0, ready());
	T_OK(ctl(ep, EPOLL_CTL_MOD, fds[0], EPOLLIN | EPOLLET));
	T_EQ(1, ready());
	T_EQ(0, ready());
}

TC(oneshot, "with EPOLLONESHOT nothing comes until EPOLL_CTL_MOD")
{
	start();
	T_OK(ctl(ep, EPOLL_CTL_ADD, fds[0], EPOLLIN | EPOLLONESHOT));
	put();
	T_EQ(1, ready());
	put();
	T_EQ(0, ready());
	T_OK(rump_sys_close(fds[1]));
	T_EQ(0, ready());
	T_OK(ctl(ep, EPOLL_CTL_MOD, fds[0], EPOLLIN | EPOLLONESHOT));
	T_EQ(1, ready());
	T_EQ(EPOLLIN | EPOLLHUP, evs[0].events);
}

TC(errors, "what epoll_ctl and epoll_wait refuse")
{
	int file;

	start();
	file = (int)T_OK(rump_sys_open("/f", O_RDWR | O_CREAT, 0600));
	T_ERR(EINVAL, rump_sys_epoll_create(0));
	T_ERR(EINVAL, rump_sys_epoll_create1(1));
	T_ERR(EPERM, ctl(ep, EPOLL_CTL_ADD, file, EPOLLIN));
	T_ERR(EBADF, ctl(ep, EPOLL_CTL_ADD, 99, EPOLLIN));
	T_ERR(EBADF, ctl(99, EPOLL_CTL_ADD, fds[0], EPOLLIN));
	T_ERR(EINVAL, ctl(fds[0], EPOLL_CTL_ADD, fds[1], EPOLLIN));
	T_ERR(EINVAL, ctl(ep, EPOLL_CTL_ADD, ep, EPOLLIN));
	T_ERR(EINVAL, ctl(ep, 9, fds[0], EPOLLIN));
	T_ERR(ENOENT, ctl(ep, EPOLL_CTL_MOD, fds[0], EPOLLIN));
	T_ERR(ENOENT, ctl(ep, EPOLL_CTL_DEL, fds[0], EPOLLIN));
	T_OK(ctl(ep, EPOLL_CTL_ADD, fds[0], EPOLLIN));
	T_ERR(EEXIST, ctl(ep, EPOLL_CTL_ADD, fds[0], EPOLLIN));
	T_ERR(EINVAL, ctl(ep, EPOLL_CTL_MOD, fds[0], EPOLLEXCLUSIVE));
	T_OK(rump_sys_epoll_ctl(ep, EPOLL_CTL_DEL, fds[0], NULL));
	T_ERR(EFAULT, rump_sys_epoll_ctl(ep, EPOLL_CTL_ADD, fds[0], NULL));
	T_ERR(EINVAL, rump_sys_epoll_wait(ep, evs, 0, 0));
	T_ERR(EFAULT, rump_sys_epoll_wait(ep, NULL, 1, 0));
	T_ERR(EBADF, rump_sys_epoll_wait(99, evs, 1, 0));
	T_ERR(EINVAL, rump_sys_epoll_wait(fds[0], evs, 1, 0));
	T_ERR(EINVAL, rump_sys_read(ep, evs, 8));
}

TC(nested, "an epoll in an epoll; not in itself, not too deep")
{
	struct pollfd p;
	int e[7];

	start();
	for (int i = 0; i < 7; i++)
		e[i] = (int)T_OK(rump_sys_epoll_create1(0));
	for (int i = 0; i < 4; i++)
		T_OK(ctl(e[i], EPOLL_CTL_ADD, e[i + 1], EPOLLIN));
	T_ERR(ELOOP, ctl(e[4], EPOLL_CTL_ADD, e[5], EPOLLIN));
	T_ERR(ELOOP, ctl(e[5], EPOLL_CTL_ADD, e[0], EPOLLIN));
	T_ERR(ELOOP, ctl(e[4], EPOLL_CTL_ADD, e[0], EPOLLIN));
	T_OK(ctl(e[4], EPOLL_CTL_ADD, fds[0], EPOLLIN));
	p = (struct pollfd){e[0], POLLIN, 0};
	T_EQ(0, rump_sys_poll(&p, 1, 0));
	put();
	T_EQ(1, rump_sys_poll(&p, 1, 0));
	T_EQ(1, rump_sys_epoll_wait(e[0], evs, 8, 0));
	T_EQ(e[1], evs[0].data.fd);
	get();
	T_EQ(0, rump_sys_poll(&p, 1, 0));
}

TC(closing, "an item goes with the last reference to its file")
{
	int other;

	start();
	put();
	T_OK(ctl(ep, EPOLL_CTL_ADD, fds[0], EPOLLIN));
	other = (int)T_OK(rump_sys_dup(fds[0]));
	T_OK(rump_sys_close(fds[0]));
	T_EQ(1, ready());
	T_EQ(fds[0], evs[0].data.fd);
	T_OK(rump_sys_close(other));
	T_EQ(0, ready());
	T_OK(rump_sys_close(fds[1]));
	T_OK(rump_sys_close(ep));
}

TC(turns, "all that is ready has its turn")
{
	int seen = 0, more[2];

	start();
	T_OK(rump_sys_pipe(more));
	T_OK(ctl(ep, EPOLL_CTL_ADD, fds[1], EPOLLOUT));
	T_OK(ctl(ep, EPOLL_CTL_ADD, more[1], EPOLLOUT));
	for (int i = 0; i < 4; i++) {
		T_EQ(1, rump_sys_epoll_wait(ep, evs, 1, 0));
		seen += evs[0].data.fd == fds[1];
	}
	T_EQ(2, seen);
}

TC(many, "a thousand items, some of them ready")
{
	int p[1000][2], n = 0, got;

	start();
	T_OK(rump_sys_setrlimit(RLIMIT_NOFILE, &(struct rlimit){4000, 4000}));
	for (int i = 0; i < 1000; i++) {
		T_OK(rump_sys_pipe(p[i]));
		T_OK(ctl(ep, EPOLL_CTL_ADD, p[i][0], EPOLLIN | EPOLLET));
	}
	for (int i = 0; i < 1000; i += 10)
		T_EQ(1, rump_sys_write(p[i][1], "x", 1));
	while ((got = ready()) > 0)
		n += got;
	T_EQ(100, n);
	for (int i = 0; i < 1000; i++)
		T_OK(ctl(ep, EPOLL_CTL_DEL, p[i][0], 0));
	T_EQ(0, ready());
}

static _Atomic int woken;

static void
wait_once(struct thread *t)
{
	struct epoll_event ev;

	thread_sleeps(t);
	T_EQ(1, rump_sys_epoll_wait(*(int *)t->t_arg, &ev, 1, -1));
	woken++;
	T_OK(ctl(*(int *)t->t_arg, EPOLL_CTL_MOD, ev.data.fd,
	    EPOLLIN | EPOLLONESHOT));
}

TC(waits, "a write wakes one that waits, and it the next")
{
	struct thread team[4];

	start();
	T_OK(ctl(ep, EPOLL_CTL_ADD, fds[0], EPOLLIN | EPOLLONESHOT));
	team_start(team, 4, wait_once, &ep);
	team_await_asleep(team, 4);
	T_EQ(0, woken);
	put();
	team_join(team, 4);
	T_EQ(4, woken);
}

TC(timeouts, "waiting ends in time")
{
	struct timespec ts = {0, 30000000}, bad = {0, -1};
	struct timespec a, b;

	start();
	(void)clock_gettime(CLOCK_MONOTONIC, &a);
	T_EQ(0, rump_sys_epoll_wait(ep, evs, 1, 30));
	T_EQ(0, rump_sys_epoll_pwait(ep, evs, 1, 30, NULL));
	T_EQ(0, rump_sys_epoll_pwait2(ep, evs, 1, &ts, NULL));
	(void)clock_gettime(CLOCK_MONOTONIC, &b);
	T_ASSERT(
	    (b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000 >=
	    89);
	T_ERR(EINVAL, rump_sys_epoll_pwait2(ep, evs, 1, &bad, NULL));
}

static void
exclusive_wait(struct thread *t)
{
	int mine = (int)T_OK(rump_sys_epoll_create1(0));
	struct epoll_event ev;
	int n;

	T_OK(ctl(mine, EPOLL_CTL_ADD, fds[0], EPOLLIN | EPOLLEXCLUSIVE));
	thread_sleeps(t);
	n = rump_sys_epoll_wait(mine, &ev, 1, 1000);
	woken += n;
	T_OK(rump_sys_close(mine));
}

TC(exclusive, "with EPOLLEXCLUSIVE not everybody is woken")
{
	struct thread team[4];

	start();
	team_start(team, 4, exclusive_wait, NULL);
	team_await_asleep(team, 4);
	put();
	for (int i = 0; i < 1000 && woken == 0; i++)
		host_msleep(1);
	host_msleep(50);
	get();
	team_join(team, 4);
	T_EQ(1, woken);
}

static void
kill_soon(struct thread *t)
{
	host_msleep(20);
	T_OK(rump_sys_kill(*(pid_t *)t->t_arg, SIGUSR1));
}

TC(interrupted, "a signal ends the waiting with EINTR")
{
	struct thread t;
	pid_t pid;

	tc_local();
	rump_boot_setsigmodel(RUMP_SIGMODEL_RECORD);
	boot();
	(void)newproc(RUMP_RFCFDG);
	pid = rump_sys_getpid();
	ep = (int)T_OK(rump_sys_epoll_create(1));
	thread_start(&t, 0, kill_soon, &pid);
	T_ERR(EINTR, rump_sys_epoll_wait(ep, evs, 1, -1));
	thread_join(&t);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, level);
	ATF_TP_ADD_TC(tp, edge);
	ATF_TP_ADD_TC(tp, oneshot);
	ATF_TP_ADD_TC(tp, errors);
	ATF_TP_ADD_TC(tp, nested);
	ATF_TP_ADD_TC(tp, closing);
	ATF_TP_ADD_TC(tp, turns);
	ATF_TP_ADD_TC(tp, many);
	ATF_TP_ADD_TC(tp, waits);
	ATF_TP_ADD_TC(tp, timeouts);
	ATF_TP_ADD_TC(tp, exclusive);
	ATF_TP_ADD_TC(tp, interrupted);
	return atf_no_error();
}
