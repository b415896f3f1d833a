/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * eventfd.
 */
#include <sys/eventfd.h>

#include <fcntl.h>
#include <poll.h>

#include "threads.h"

static int fd;

static void
add(uint64_t n)
{
	T_EQ(8, rump_sys_write(fd, &n, 8));
}

static uint64_t
take(void)
{
	uint64_t n = 0;

	T_EQ(8, rump_sys_read(fd, &n, 8));
	return n;
}

static int
events(void)
{
	struct pollfd p = {fd, 0x7ff, 0};

	(void)rump_sys_poll(&p, 1, 0);
	return p.revents;
}

TC(counter, "writes add, a read takes all")
{
	uint64_t n = 0;

	boot();
	fd = (int)T_OK(rump_sys_eventfd(3, EFD_NONBLOCK | EFD_CLOEXEC));
	T_EQ(FD_CLOEXEC, rump_sys_fcntl(fd, F_GETFD));
	T_EQ(POLLIN | POLLOUT, events());
	add(4);
	T_EQ(7, take());
	T_EQ(POLLOUT, events());
	T_ERR(EAGAIN, rump_sys_read(fd, &n, 8));
	T_ERR(EINVAL, rump_sys_read(fd, &n, 7));
	T_ERR(EINVAL, rump_sys_write(fd, &n, 7));
}

TC(semaphore, "a read of a semaphore takes one")
{
	boot();
	fd = (int)T_OK(rump_sys_eventfd2(2, EFD_SEMAPHORE));
	T_EQ(1, take());
	T_EQ(1, take());
	T_EQ(POLLOUT, events());
}

TC(limit, "the counter stays below its limit")
{
	uint64_t n = UINT64_MAX;

	boot();
	T_ERR(EINVAL, rump_sys_eventfd(0, 1 << 20));
	fd = (int)T_OK(rump_sys_eventfd(0, EFD_NONBLOCK));
	T_ERR(EINVAL, rump_sys_write(fd, &n, 8));
	add(UINT64_MAX - 1);
	T_EQ(POLLIN, events());
	n = 1;
	T_ERR(EAGAIN, rump_sys_write(fd, &n, 8));
	T_EQ(UINT64_MAX - 1, take());
}

static void
read_one(struct thread *t)
{
	thread_sleeps(t);
	T_EQ(1, take());
}

static void
write_one(struct thread *t)
{
	thread_sleeps(t);
	add(1);
}

TC(waits, "readers wait for a write, writers for a read")
{
	struct thread team[4];

	boot();
	fd = (int)T_OK(rump_sys_eventfd(0, EFD_SEMAPHORE));
	team_start(team, 4, read_one, NULL);
	team_await_asleep(team, 4);
	add(4);
	team_join(team, 4);
	fd = (int)T_OK(rump_sys_eventfd(0, 0));
	add(UINT64_MAX - 1);
	team_start(team, 4, write_one, NULL);
	team_await_asleep(team, 4);
	T_EQ(UINT64_MAX - 1, take());
	team_join(team, 4);
	T_EQ(4, take());
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, counter);
	ATF_TP_ADD_TC(tp, semaphore);
	ATF_TP_ADD_TC(tp, limit);
	ATF_TP_ADD_TC(tp, waits);
	return atf_no_error();
}
