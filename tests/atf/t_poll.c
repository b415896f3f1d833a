/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * poll and select.
 */
#include <sys/epoll.h>
#include <sys/select.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>

#include "threads.h"

static int fds[2];

static void
start(void)
{
	boot();
	T_OK(rump_sys_pipe(fds));
}

static int64_t
now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* The events of one descriptor now. */
static int
events_of(int fd, int wanted)
{
	struct pollfd p = {fd, (short)wanted, 0};

	T_EQ(rump_sys_poll(&p, 1, 0), p.revents != 0);
	return (unsigned short)p.revents;
}

TC(pipe_ends, "what is true of the ends of a pipe")
{
	char page[4096] = "";

	start();
	T_EQ(0, events_of(fds[0], POLLIN));
	T_EQ(POLLOUT | POLLWRNORM, events_of(fds[1], 0x7ff));
	T_EQ(1, rump_sys_write(fds[1], "x", 1));
	T_EQ(POLLIN | POLLRDNORM, events_of(fds[0], 0x7ff));
	T_EQ(0, events_of(fds[0], POLLOUT));
	T_EQ(4096, T_OK(rump_sys_fcntl(fds[1], F_SETPIPE_SZ, 4096)));
	T_EQ(0, events_of(fds[1], POLLOUT));
	T_EQ(1, rump_sys_read(fds[0], page, sizeof(page)));
	T_EQ(POLLOUT, events_of(fds[1], POLLOUT));
	T_OK(rump_sys_close(fds[0]));
	T_EQ(POLLOUT | POLLERR, events_of(fds[1], POLLIN | POLLOUT));
	T_OK(rump_sys_pipe(fds));
	T_OK(rump_sys_close(fds[1]));
	T_EQ(POLLHUP, events_of(fds[0], 0));
}

TC(fifo_hangup, "a fifo hangs up when a writer has been there")
{
	int r, w;

	boot();
	T_OK(rump_sys_mkfifo("/f", 0600));
	r = (int)T_OK(rump_sys_open("/f", O_RDONLY | O_NONBLOCK));
	T_EQ(0, events_of(r, POLLIN));
	w = (int)T_OK(rump_sys_open("/f", O_WRONLY));
	T_EQ(0, events_of(r, POLLIN));
	T_OK(rump_sys_close(w));
	T_EQ(POLLHUP, events_of(r, POLLIN));
	w = (int)T_OK(rump_sys_open("/f", O_RDWR));
	T_EQ(0, events_of(r, POLLIN));
	T_EQ(POLLOUT, events_of(w, POLLIN | POLLOUT));
}

TC(others, "files, directories and what is not open")
{
	struct pollfd p[3] = {{-1, POLLIN, 7}, {77, POLLIN, 0}, {0, 0, 0}};
	int fd;

	start();
	fd = (int)T_OK(rump_sys_open("/file", O_RDWR | O_CREAT, 0600));
	T_EQ(POLLIN | POLLOUT, events_of(fd, POLLIN | POLLOUT | POLLPRI));
	fd = (int)T_OK(rump_sys_open("/", O_RDONLY));
	T_EQ(POLLIN | POLLOUT, events_of(fd, POLLIN | POLLOUT));
	fd = (int)T_OK(rump_sys_open("/", O_PATH));
	T_EQ(POLLNVAL, events_of(fd, POLLIN));
	p[2].fd = fds[0];
	T_EQ(1, rump_sys_poll(p, 3, -1));
	T_EQ(0, p[0].revents);
	T_EQ(POLLNVAL, p[1].revents);
	T_EQ(0, p[2].revents);
}

TC(bad_arguments, "errors")
{
	struct timespec bad = {0, 1000000000};
	struct pollfd p = {-1, 0, 0};

	start();
	T_ERR(EFAULT, rump_sys_poll(NULL, 1, 0));
	T_EQ(0, rump_sys_poll(NULL, 0, 0));
	T_ERR(EINVAL, rump_sys_poll(&p, 1UL << 30, 0));
	T_ERR(EINVAL, rump_sys_ppoll(&p, 1, &bad, NULL));
	bad = (struct timespec){-1, 0};
	T_ERR(EINVAL, rump_sys_pollts(&p, 1, &bad, NULL));
	T_ERR(EFAULT, rump_sys_ppoll(&p, 1, (void *)1, NULL));
	T_ERR(EINVAL, rump_sys_select(-1, NULL, NULL, NULL, NULL));
}

TC(timeouts, "waiting ends in time")
{
	struct timespec ts = {0, 30000000};
	struct timeval tv = {0, 30000};
	struct pollfd p;
	fd_set set;
	int64_t t;

	start();
	p = (struct pollfd){fds[0], POLLIN, 0};
	t = now_ms();
	T_EQ(0, rump_sys_poll(&p, 1, 30));
	T_EQ(0, rump_sys_ppoll(&p, 1, &ts, NULL));
	FD_ZERO(&set);
	FD_SET(fds[0], &set);
	T_EQ(0, rump_sys_select(fds[0] + 1, &set, NULL, NULL, &tv));
	T_ASSERT(!FD_ISSET(fds[0], &set));
	T_EQ(0, tv.tv_sec);
	T_EQ(0, tv.tv_usec);
	T_EQ(0, rump_sys_pselect(0, NULL, NULL, NULL, &ts, NULL));
	T_ASSERT(now_ms() - t >= 119);
	T_EQ(30000000, ts.tv_nsec);
}

TC(select_sets, "what select returns")
{
	fd_set in, out, ex;
	struct timeval tv = {100, 0};
	int most;

	start();
	most = fds[1] > fds[0] ? fds[1] : fds[0];
	T_EQ(1, rump_sys_write(fds[1], "x", 1));
	FD_ZERO(&in);
	FD_SET(fds[0], &in);
	FD_SET(fds[1], &in);
	out = ex = in;
	T_EQ(2, rump_sys_select(most + 1, &in, &out, &ex, &tv));
	T_ASSERT(FD_ISSET(fds[0], &in) && !FD_ISSET(fds[1], &in));
	T_ASSERT(!FD_ISSET(fds[0], &out) && FD_ISSET(fds[1], &out));
	T_ASSERT(!FD_ISSET(fds[0], &ex) && !FD_ISSET(fds[1], &ex));
	T_ASSERT(tv.tv_sec == 99 || tv.tv_sec == 100);
	FD_SET(60, &in);
	T_ERR(EBADF, rump_sys_select(61, &in, NULL, NULL, NULL));
}

static void
write_soon(struct thread *t)
{
	host_msleep(20);
	T_EQ(1, rump_sys_write(*(int *)t->t_arg, "x", 1));
}

static void
close_soon(struct thread *t)
{
	host_msleep(20);
	T_OK(rump_sys_close(*(int *)t->t_arg));
}

TC(wakes, "a write and a close end the waiting")
{
	struct pollfd p[2];
	struct thread t;
	fd_set set;

	start();
	p[0] = (struct pollfd){fds[0], POLLIN, 0};
	p[1] = (struct pollfd){-1, 0, 0};
	thread_start(&t, 0, write_soon, &fds[1]);
	T_EQ(1, rump_sys_poll(p, 2, -1));
	T_EQ(POLLIN, p[0].revents);
	thread_join(&t);
	T_EQ(1, rump_sys_read(fds[0], p, 1));
	FD_ZERO(&set);
	FD_SET(fds[0], &set);
	thread_start(&t, 0, write_soon, &fds[1]);
	T_EQ(1, rump_sys_select(fds[0] + 1, &set, NULL, NULL, NULL));
	thread_join(&t);
	T_EQ(1, rump_sys_read(fds[0], p, 1));
	p[0] = (struct pollfd){fds[0], POLLIN, 0};
	thread_start(&t, 0, close_soon, &fds[1]);
	T_EQ(1, rump_sys_poll(p, 1, -1));
	T_EQ(POLLHUP, p[0].revents);
	thread_join(&t);
}

static void
poll_many(struct thread *t)
{
	struct pollfd p[100];

	for (int i = 0; i < 100; i++)
		p[i] = (struct pollfd){fds[0], i == 99 ? POLLIN : 0, 0};
	thread_sleeps(t);
	T_EQ(1, rump_sys_poll(p, 100, -1));
	T_EQ(POLLIN, p[99].revents);
}

TC(all_are_woken, "everybody who polls a pipe gets to know")
{
	struct thread team[4];

	start();
	team_start(team, 4, poll_many, NULL);
	team_await_asleep(team, 4);
	T_EQ(1, rump_sys_write(fds[1], "x", 1));
	team_join(team, 4);
}

static void
kill_soon(struct thread *t)
{
	host_msleep(20);
	T_OK(rump_sys_kill(*(pid_t *)t->t_arg, SIGUSR1));
}

TC(interrupted, "a signal ends the waiting with EINTR")
{
	struct pollfd p;
	struct thread t;
	pid_t pid;

	tc_local();
	rump_boot_setsigmodel(RUMP_SIGMODEL_RECORD);
	boot();
	(void)newproc(RUMP_RFCFDG);
	pid = rump_sys_getpid();
	T_OK(rump_sys_pipe(fds));
	p = (struct pollfd){fds[0], POLLIN, 0};
	thread_start(&t, 0, kill_soon, &pid);
	T_ERR(EINTR, rump_sys_poll(&p, 1, -1));
	thread_join(&t);
	thread_start(&t, 0, kill_soon, &pid);
	T_ERR(EINTR, rump_sys_select(0, NULL, NULL, NULL, NULL));
	thread_join(&t);
}

TC(timers, "a timer that goes off ends the waiting")
{
	struct itimerspec it = {{0, 0}, {0, 20000000}};
	struct pollfd p;

	start();
	p = (struct pollfd){
	    (int)T_OK(rump_sys_timerfd_create(CLOCK_MONOTONIC, 0)), POLLIN, 0};
	T_EQ(0, rump_sys_poll(&p, 1, 0));
	T_OK(rump_sys_timerfd_settime(p.fd, 0, &it, NULL));
	T_EQ(1, rump_sys_poll(&p, 1, -1));
	T_EQ(POLLIN, p.revents);
}

static int handled;

static void
handler(int signo)
{
	handled = signo;
}

TC(masks, "A mask for the time of the wait; then the old one is back.")
{
	struct sigaction sa = {.sa_handler = handler, .sa_flags = SA_RESTART};
	struct epoll_event ev;
	sigset_t usr1, none, now;
	int ep;

	boot();
	(void)newproc(RUMP_RFCFDG);
	(void)sigemptyset(&none);
	(void)sigemptyset(&usr1);
	(void)sigaddset(&usr1, SIGUSR1);
	T_OK(rump_sys_sigaction(SIGUSR1, &sa, NULL));
	T_OK(rump_sys_sigprocmask(SIG_BLOCK, &usr1, NULL));
	ep = (int)T_OK(rump_sys_epoll_create1(0));
	for (int i = 0; i < 3; i++) {
		handled = 0;
		T_OK(rump_sys_kill(rump_sys_getpid(), SIGUSR1));
		T_EQ(0, handled);
		if (i == 0)
			T_ERR(EINTR, rump_sys_ppoll(NULL, 0, NULL, &none));
		else if (i == 1)
			T_ERR(EINTR,
			    rump_sys_pselect(0, NULL, NULL, NULL, NULL, &none));
		else
			T_ERR(
			    EINTR, rump_sys_epoll_pwait(ep, &ev, 1, -1, &none));
		T_EQ(SIGUSR1, handled);
		T_OK(rump_sys_sigprocmask(SIG_BLOCK, NULL, &now));
		T_EQ(1, sigismember(&now, SIGUSR1));
	}
	T_OK(rump_sys_kill(rump_sys_getpid(), SIGUSR1));
	T_EQ(0, rump_sys_ppoll(NULL, 0, &(struct timespec){0, 1000}, &usr1));
	T_OK(rump_sys_sigpending(&now));
	T_EQ(1, sigismember(&now, SIGUSR1));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, masks);
	ATF_TP_ADD_TC(tp, timers);
	ATF_TP_ADD_TC(tp, pipe_ends);
	ATF_TP_ADD_TC(tp, fifo_hangup);
	ATF_TP_ADD_TC(tp, others);
	ATF_TP_ADD_TC(tp, bad_arguments);
	ATF_TP_ADD_TC(tp, timeouts);
	ATF_TP_ADD_TC(tp, select_sets);
	ATF_TP_ADD_TC(tp, wakes);
	ATF_TP_ADD_TC(tp, all_are_woken);
	ATF_TP_ADD_TC(tp, interrupted);
	return atf_no_error();
}
