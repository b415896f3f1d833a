/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting for descriptors: one that is ready, among few and among many.
 */
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

#include <errno.h>
#include <poll.h>
#include <stddef.h>

#include <rump/rump.h>
#include <rump/rump_event.h>
#include <rump/rump_syscalls.h>

#include "bench.h"

static int rump_fd, host_fd, rump_ep, host_ep, rump_kq;

static void
poll_setup(void)
{
	bench_newproc();
	bench_must((rump_fd = rump_sys_eventfd(1, 0)) >= 0, "rump eventfd");
	bench_must((host_fd = eventfd(1, 0)) >= 0, "eventfd");
}

static inline void
rump_poll_one(void)
{
	struct pollfd p = {rump_fd, POLLIN, 0};

	bench_must(rump_sys_poll(&p, 1, -1) == 1, "rump poll");
}

static inline void
host_poll_one(void)
{
	struct pollfd p = {host_fd, POLLIN, 0};

	bench_must(poll(&p, 1, -1) == 1, "poll");
}

BENCH_BODY(rump_polls, rump_poll_one())
BENCH_BODY(host_polls, host_poll_one())

/* Make room for n descriptors; how many of them the host allows. */
static int
allow(int n)
{
	struct rlimit lim = {(rlim_t)n + 100, (rlim_t)n + 100}, host;

	bench_must(
	    rump_sys_setrlimit(RLIMIT_NOFILE, &lim) == 0, "rump setrlimit");
	bench_must(getrlimit(RLIMIT_NOFILE, &host) == 0, "getrlimit");
	host.rlim_cur = host.rlim_max;
	bench_must(setrlimit(RLIMIT_NOFILE, &host) == 0, "setrlimit");
	return host.rlim_max < lim.rlim_cur ? (int)host.rlim_max - 100 : n;
}

/* n eventfds, of which the one in the middle is not zero. */
static void
many_setup(int n)
{
	struct epoll_event ev = {EPOLLIN, {.u64 = 1}};
	struct rump_kevent kev = {
	    .filter = RUMP_EVFILT_READ, .flags = RUMP_EV_ADD};
	int i, fd, hosts;

	bench_newproc();
	hosts = allow(n);
	bench_must((rump_ep = rump_sys_epoll_create1(0)) >= 0, "rump epoll");
	bench_must((host_ep = epoll_create1(0)) >= 0, "epoll");
	bench_must((rump_kq = rump_sys_kqueue()) >= 0, "rump kqueue");
	for (i = 0; i < n; i++) {
		fd = rump_sys_eventfd(i == n / 2, 0);
		bench_must(fd >= 0, "rump eventfd");
		bench_must(
		    rump_sys_epoll_ctl(rump_ep, EPOLL_CTL_ADD, fd, &ev) == 0,
		    "rump epoll_ctl");
		kev.ident = (uintptr_t)fd;
		bench_must(
		    rump_sys_kevent(rump_kq, &kev, 1, NULL, 0, NULL) == 0,
		    "rump kevent");
		if (i >= hosts)
			continue;
		bench_must((fd = eventfd(i == hosts / 2, 0)) >= 0, "eventfd");
		bench_must(epoll_ctl(host_ep, EPOLL_CTL_ADD, fd, &ev) == 0,
		    "epoll_ctl");
	}
}

static void
setup_10k(void)
{
	many_setup(10000);
}

static void
setup_100k(void)
{
	many_setup(100000);
}

static inline void
rump_wait_one(void)
{
	struct epoll_event evs[8];

	bench_must(
	    rump_sys_epoll_wait(rump_ep, evs, 8, -1) == 1, "rump epoll_wait");
}

static inline void
host_wait_one(void)
{
	struct epoll_event evs[8];

	bench_must(epoll_wait(host_ep, evs, 8, -1) == 1, "epoll_wait");
}

static inline void
rump_kevent_one(void)
{
	struct rump_kevent kevs[8];

	bench_must(rump_sys_kevent(rump_kq, NULL, 0, kevs, 8, NULL) == 1,
	    "rump kevent");
}

BENCH_BODY(rump_waits, rump_wait_one())
BENCH_BODY(host_waits, host_wait_one())
BENCH_BODY(rump_kevents, rump_kevent_one())

const struct bench_line event_lines[] = {
    {
	.bl_name = "poll_1",
	.bl_what = "poll: 1 descriptor, ready",
	.bl_hostcall = "the same call",
	.bl_asked = 40,
	.bl_hostref = 250,
	.bl_setup = poll_setup,
	.bl_rump = rump_polls,
	.bl_host = host_polls,
    },
    {
	.bl_name = "epoll_10k",
	.bl_what = "epoll_wait: 10,000 descriptors, 1 ready",
	.bl_hostcall = "the same call",
	.bl_asked = 120,
	.bl_hostref = 300,
	.bl_setup = setup_10k,
	.bl_rump = rump_waits,
	.bl_host = host_waits,
    },
    {
	.bl_name = "epoll_100k",
	.bl_what = "epoll_wait: 100,000 descriptors, 1 ready",
	.bl_hostcall = "the same call, on as many as it allows",
	.bl_asked = 120,
	.bl_hostref = 300,
	.bl_setup = setup_100k,
	.bl_rump = rump_waits,
	.bl_host = host_waits,
    },
    {
	.bl_name = "kevent_10k",
	.bl_what = "kevent: 10,000 descriptors, 1 ready",
	.bl_hostcall = "epoll_wait",
	.bl_asked = 120,
	.bl_hostref = 300,
	.bl_setup = setup_10k,
	.bl_rump = rump_kevents,
	.bl_host = host_waits,
    },
    {
	.bl_name = "kevent_100k",
	.bl_what = "kevent: 100,000 descriptors, 1 ready",
	.bl_hostcall = "epoll_wait, on as many as it allows",
	.bl_asked = 120,
	.bl_hostref = 300,
	.bl_setup = setup_100k,
	.bl_rump = rump_kevents,
	.bl_host = host_waits,
    },
    {0},
};
