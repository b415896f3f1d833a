/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SIGEV_THREAD of timers, message queues and asynchronous requests: the
 * function runs beside the others, as an lwp of the process that asked.
 */
#include <aio.h>
#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#include "clock.h"
#include "tc.h"

static _Atomic int called;
static _Atomic pid_t caller;
static _Atomic int lid, number;
static _Atomic int sleeping;

/* What it does, calls of the kernel that wait among it, is the process's. */
static void
told(union sigval value)
{
	static const struct timespec moment = {0, 1000000};

	atomic_store(&caller, rump_sys_getpid());
	atomic_store(&lid, rump_sys_gettid());
	atomic_store(&number, value.sival_int);
	(void)rump_sys_nanosleep(&moment, NULL);
	atomic_fetch_add(&called, 1);
}

static struct sigevent
by_thread(int n)
{
	return (struct sigevent){.sigev_notify = SIGEV_THREAD,
	    .sigev_notify_function = told,
	    .sigev_value = {.sival_int = n}};
}

/* Sleep in the kernel, so that fibers run, until it was called n times. */
static void
await(int n)
{
	static const struct timespec moment = {0, 1000000};
	int64_t start = host_now();

	while (atomic_load(&called) < n) {
		T_ASSERT(host_now() < start + LATE_NS);
		T_OK(rump_sys_nanosleep(&moment, NULL));
	}
}

static struct lwp *
begin(void)
{
	struct lwp *l;

	boot();
	l = newproc(RUMP_RFCFDG);
	T_EQ(2, rump_sys_getpid());
	return l;
}

static void
was_told(int times, int n)
{
	await(times);
	T_EQ(2, caller);
	T_ASSERT(lid > 1);
	T_EQ(n, number);
}

TC(timer, "A timer's function is called each time; a deleted one's is not.")
{
	struct itimerspec its = {{0, 2000000}, {0, 2000000}};
	struct sigevent ev = by_thread(42);
	static const struct timespec moment = {0, 20000000};
	timer_t t;
	int n;

	begin();
	T_OK(rump_sys_timer_create(CLOCK_MONOTONIC, &ev, &t));
	T_OK(rump_sys_timer_settime(t, 0, &its, NULL));
	was_told(3, 42);
	T_OK(rump_sys_timer_delete(t));
	T_OK(rump_sys_nanosleep(&moment, NULL));
	n = called;
	T_OK(rump_sys_nanosleep(&moment, NULL));
	T_EQ(n, called);
	/* There must be one. */
	ev.sigev_notify_function = NULL;
	T_ERR(EINVAL, rump_sys_timer_create(CLOCK_MONOTONIC, &ev, &t));
}

TC(message, "A message into the empty queue has the function called, once.")
{
	struct mq_attr attr = {.mq_maxmsg = 3, .mq_msgsize = 8};
	struct sigevent ev = by_thread(7);
	int mq;

	begin();
	mq = (int)T_OK(rump_sys_mq_open("/q", O_RDWR | O_CREAT, 0600, &attr));
	T_OK(rump_sys_mq_notify(mq, &ev));
	T_OK(rump_sys_mq_send(mq, "a", 1, 0));
	was_told(1, 7);
	T_OK(rump_sys_mq_send(mq, "a", 1, 0));
	/* It may be asked for again. */
	T_OK(rump_sys_mq_notify(mq, &ev));
}

TC(request, "The end of a request, and of a list of them.")
{
	struct sigevent ev = by_thread(2);
	struct aiocb cb = {.aio_nbytes = 1}, *list[] = {&cb};
	char c;
	int fds[2];

	begin();
	T_OK(rump_sys_pipe(fds));
	cb.aio_fildes = fds[0];
	cb.aio_buf = &c;
	cb.aio_sigevent = by_thread(1);
	T_OK(rump_sys_aio_read(&cb));
	T_EQ(0, called);
	T_EQ(1, rump_sys_write(fds[1], "a", 1));
	was_told(1, 1);
	T_EQ(1, rump_sys_aio_return(&cb));
	cb.aio_lio_opcode = LIO_READ;
	cb.aio_sigevent.sigev_notify = SIGEV_NONE;
	T_OK(rump_sys_lio_listio(LIO_NOWAIT, list, 1, &ev));
	T_EQ(1, rump_sys_write(fds[1], "b", 1));
	was_told(2, 2);
	T_EQ('b', c);
}

/* It goes on when its process has been told to end. */
static void
sleeps(union sigval value)
{
	static const struct timespec long_time = {60, 0};

	(void)value;
	atomic_store(&sleeping, 1);
	T_ERR(EINTR, rump_sys_nanosleep(&long_time, NULL));
	atomic_store(&sleeping, 2);
}

TC(process_ends, "Its lwp goes as others do when the process exits.")
{
	struct itimerspec its = {{0, 0}, {0, 1000000}}; /* once */
	static const struct timespec moment = {0, 1000000};
	struct sigevent ev = by_thread(0);
	struct lwp *parent;
	int64_t start;
	timer_t t;
	int status;

	parent = begin();
	(void)newproc(RUMP_RFCFDG);
	ev.sigev_notify_function = sleeps;
	T_OK(rump_sys_timer_create(CLOCK_MONOTONIC, &ev, &t));
	T_OK(rump_sys_timer_settime(t, 0, &its, NULL));
	start = host_now();
	while (atomic_load(&sleeping) != 1) {
		T_ASSERT(host_now() < start + LATE_NS);
		T_OK(rump_sys_nanosleep(&moment, NULL));
	}
	rump_sys_exit(0);
	rump_pub_lwproc_switch(parent);
	while (atomic_load(&sleeping) != 2) {
		T_ASSERT(host_now() < start + LATE_NS);
		T_OK(rump_sys_nanosleep(&moment, NULL));
	}
	/* That was the last one. */
	T_EQ(3, rump_sys_wait4(3, &status, 0, NULL));
	T_EQ(0, status);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, timer);
	ATF_TP_ADD_TC(tp, message);
	ATF_TP_ADD_TC(tp, request);
	ATF_TP_ADD_TC(tp, process_ends);
	return atf_no_error();
}
