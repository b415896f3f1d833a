/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Wake-ups are not lost: host threads wait for a few pipes in every way, while
 * others write, read, close, make and register them.
 *
 * Each write of a token is matched by a read of it: a thread that waits for
 * the pipe of tokens without a timeout gets one, or the test is stuck.  In the
 * background the rest of the pipes come and go under those who wait for them.
 */
#include <sys/epoll.h>
#include <sys/select.h>

#include <fcntl.h>
#include <poll.h>

#include <rump/rump_event.h>

#include "stress.h"

#define NSLOTS 6

static int tokens[2];		     /* non-blocking */
static int epfd, kq;		     /* both have tokens[0] */
static _Atomic int slots[NSLOTS][2]; /* pipes that come and go */

static long
pick_slot(void)
{
	return (long)rnd(NSLOTS);
}

/* Take a token, waiting for it in this way. */
static void
take_token(void (*wait)(void))
{
	char c;

	want(1, rump_sys_write(tokens[1], "t", 1));
	while (rump_sys_read(tokens[0], &c, 1) != 1) {
		if (errno != EAGAIN)
			differ("read of a token");
		/* Somebody has ours; there will be one. */
		wait();
	}
}

static void
wait_poll(void)
{
	struct pollfd p[2] = {
	    {slots[pick_slot()][0], 0, 0}, {tokens[0], POLLIN, 0}};

	if (rump_sys_poll(p, 2, 50) == -1)
		differ("poll");
}

static void
wait_select(void)
{
	struct timeval tv = {0, 50000};
	fd_set set;

	FD_ZERO(&set);
	FD_SET(tokens[0], &set);
	if (rump_sys_select(tokens[0] + 1, &set, NULL, NULL, &tv) == -1)
		differ("select");
}

static void
wait_epoll(void)
{
	struct epoll_event ev;

	if (rump_sys_epoll_wait(epfd, &ev, 1, 50) == -1)
		differ("epoll_wait");
}

static void
wait_kevent(void)
{
	static const struct timespec ts = {0, 50000000};
	struct kevent kev;

	if (rump_sys_kevent(kq, NULL, 0, &kev, 1, &ts) == -1)
		differ("kevent");
}

static void
do_poll(void)
{
	take_token(wait_poll);
}

static void
do_select(void)
{
	take_token(wait_select);
}

static void
do_epoll(void)
{
	take_token(wait_epoll);
}

static void
do_kevent(void)
{
	take_token(wait_kevent);
}

static void
do_make(void)
{
	long i = pick_slot();
	int fds[2], k;

	want(0, rump_sys_pipe2(fds, O_NONBLOCK));
	for (k = 0; k < 2; k++) {
		fds[k] = atomic_exchange(&slots[i][k], fds[k]);
		if (fds[k] != -1)
			want(0, rump_sys_close(fds[k]));
	}
}

static void
do_write(void)
{
	(void)rump_sys_write(slots[pick_slot()][1], "x", 1);
}

static void
do_read(void)
{
	char buf[64];

	(void)rump_sys_read(slots[pick_slot()][0], buf, sizeof(buf));
}

static void
do_register(void)
{
	int fd = slots[pick_slot()][rnd(2)];
	struct epoll_event ev = {
	    EPOLLIN | (rnd(2) == 0 ? EPOLLET : 0), {.fd = fd}};
	struct kevent kev;

	(void)rump_sys_epoll_ctl(
	    epfd, rnd(3) == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_ADD, fd, &ev);
	EV_SET(&kev, fd, EVFILT_READ,
	    rnd(3) == 0 ? EV_DELETE : EV_ADD | EV_CLEAR, 0, 0, NULL);
	(void)rump_sys_kevent(kq, &kev, 1, NULL, 0, NULL);
}

/* An epoll of one's own, in which the common one is, that is thrown away. */
static void
do_nest(void)
{
	struct epoll_event ev = {EPOLLIN, {.fd = epfd}};
	int mine = rump_sys_epoll_create1(0);

	if (mine == -1)
		differ("epoll_create1");
	/*
	 * A number of a slot that was closed can be somebody's own epoll when
	 * it is registered: so there can be a loop.
	 */
	if (rump_sys_epoll_ctl(mine, EPOLL_CTL_ADD, epfd, &ev) != 0 &&
	    errno != ELOOP)
		differ("epoll_ctl");
	ev.data.fd = slots[pick_slot()][0];
	(void)rump_sys_epoll_ctl(mine, EPOLL_CTL_ADD, ev.data.fd, &ev);
	if (rump_sys_epoll_wait(mine, &ev, 1, 1) == -1)
		differ("epoll_wait");
	want(0, rump_sys_close(mine));
}

static const struct action actions[] = {
    {10, "poll", do_poll},
    {5, "select", do_select},
    {10, "epoll_wait", do_epoll},
    {10, "kevent", do_kevent},
    {4, "make", do_make},
    {8, "write", do_write},
    {8, "read", do_read},
    {8, "register", do_register},
    {3, "nest", do_nest},
};

static void *
tester_main(void *arg)
{
	me = arg;
	for (; me->step < steps; me->step++)
		one_step(actions, sizeof(actions) / sizeof(actions[0]));
	return NULL;
}

static void
round_of(long n, uint64_t first)
{
	struct epoll_event ev = {EPOLLIN, {.fd = 0}};
	struct kevent kev;
	int i, k;

	want(0, rump_sys_pipe2(tokens, O_NONBLOCK));
	if ((epfd = rump_sys_epoll_create1(0)) == -1 ||
	    (kq = rump_sys_kqueue()) == -1)
		differ("queues");
	want(0, rump_sys_epoll_ctl(epfd, EPOLL_CTL_ADD, tokens[0], &ev));
	EV_SET(&kev, tokens[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
	want(0, rump_sys_kevent(kq, &kev, 1, NULL, 0, NULL));
	for (i = 0; i < NSLOTS; i++)
		slots[i][0] = slots[i][1] = -1;
	steps = n / NTHREADS;
	run_testers(first, tester_main);
	for (i = 0; i < NSLOTS; i++)
		for (k = 0; k < 2; k++)
			if (slots[i][k] != -1)
				want(0, rump_sys_close(slots[i][k]));
	for (k = 0; k < 2; k++)
		want(0, rump_sys_close(tokens[k]));
	want(0, rump_sys_close(epfd));
	want(0, rump_sys_close(kq));
}

int
main(int argc, char **argv)
{
	struct rump_memstat start, end;
	long wanted;

	seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	wanted = argc > 2 ? strtol(argv[2], NULL, 0) : 400000;
	rump_boot_setsigmodel(RUMP_SIGMODEL_IGNORE);
	if (rump_init() != 0)
		differ("rump_init");
	round_of(16, 0);
	/* The table of descriptors stays as large as it gets. */
	want(60, rump_sys_dup2(0, 60));
	want(0, rump_sys_close(60));
	memstat(&start);
	for (int round = 0; round < 2; round++) {
		round_of(wanted / 2, seed + (uint64_t)round);
		memstat(&end);
		compare(&start, &end);
	}
	return 0;
}
