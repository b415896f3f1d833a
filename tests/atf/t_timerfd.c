/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * timerfd.
 */
#include <sys/stat.h>
#include <sys/timerfd.h>

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>

#include "../lib/clock.h"
#include "../lib/threads.h"

static struct itimerspec
its_of(int64_t value, int64_t interval)
{
	return (struct itimerspec){
	    .it_value = ts_of(value), .it_interval = ts_of(interval)};
}

static int
make(clockid_t id, int flags)
{
	boot();
	(void)newproc(RUMP_RFCFDG);
	return (int)T_OK(rump_sys_timerfd_create(id, flags));
}

static void
set(int fd, int flags, int64_t value, int64_t interval)
{
	struct itimerspec its = its_of(value, interval);

	T_OK(rump_sys_timerfd_settime(fd, flags, &its, NULL));
}

static uint64_t
ticks(int fd)
{
	uint64_t n = 0;

	T_EQ(sizeof(n), rump_sys_read(fd, &n, sizeof(n)));
	T_ASSERT(n > 0);
	return n;
}

TC(goes_off_once, "Without an interval it goes off once, never early.")
{
	int fd = make(CLOCK_MONOTONIC, 0);
	struct itimerspec its;
	int64_t start = host_now();

	set(fd, 0, 20 * MSEC, 0);
	T_OK(rump_sys_timerfd_gettime(fd, &its));
	T_ASSERT(ns_of(its.it_value) <= 20 * MSEC);
	T_EQ(1, ticks(fd));
	T_TOOK(20 * MSEC, start);
	T_OK(rump_sys_timerfd_gettime(fd, &its));
	T_EQ(0, ns_of(its.it_value));
	T_OK(rump_sys_fcntl(fd, F_SETFL, O_NONBLOCK));
	T_ERR(EAGAIN, rump_sys_read(fd, &start, 8));
}

TC(interval, "With an interval each read counts how often it was due.")
{
	int fd = make(CLOCK_MONOTONIC, 0);
	struct itimerspec its;
	int64_t start = host_now();
	uint64_t n = 0;

	set(fd, 0, 10 * MSEC, 5 * MSEC);
	host_msleep(40);
	n = ticks(fd);
	T_ASSERT(n >= 7);
	T_ASSERT((int64_t)(n - 1) * 5 * MSEC + 10 * MSEC <= host_now() - start);
	n += ticks(fd);
	T_ASSERT((int64_t)(n - 1) * 5 * MSEC + 10 * MSEC <= host_now() - start);
	T_OK(rump_sys_timerfd_gettime(fd, &its));
	T_EQ(5 * MSEC, ns_of(its.it_interval));
	T_ASSERT(ns_of(its.it_value) > 0 && ns_of(its.it_value) <= 5 * MSEC);
}

TC(short_interval, "An interval of a nanosecond is counted, not felt.")
{
	int fd = make(CLOCK_MONOTONIC, 0);

	set(fd, 0, 1, 1);
	host_msleep(20);
	T_ASSERT(ticks(fd) >= 10 * MSEC);
}

TC(absolute, "A time of a clock, also a past one, also without an end.")
{
	int fd = make(CLOCK_REALTIME, TFD_NONBLOCK);
	int64_t until = now_by(CLOCK_REALTIME) + 15 * MSEC;
	struct itimerspec its = {.it_value = {.tv_sec = INT64_MAX}};

	set(fd, TFD_TIMER_ABSTIME, until, 0);
	T_ERR(EAGAIN, rump_sys_read(fd, &until, 8));
	T_OK(rump_sys_fcntl(fd, F_SETFL, 0));
	T_EQ(1, ticks(fd));
	T_ASSERT(now_by(CLOCK_REALTIME) >= until);
	set(fd, TFD_TIMER_ABSTIME, 1, 0);
	T_EQ(1, ticks(fd));
	T_OK(rump_sys_timerfd_settime(fd, TFD_TIMER_ABSTIME, &its, NULL));
	T_OK(rump_sys_timerfd_gettime(fd, &its));
	T_ASSERT(ns_of(its.it_value) > 1000000000 * SEC);
	/* Set anew, what was due before is forgotten. */
	set(fd, TFD_TIMER_ABSTIME, 1, 0);
	host_msleep(20);
	set(fd, 0, 0, 0);
	T_OK(rump_sys_fcntl(fd, F_SETFL, O_NONBLOCK));
	T_ERR(EAGAIN, rump_sys_read(fd, &until, 8));
}

TC(old_setting, "settime gives what was set before.")
{
	int fd = make(CLOCK_BOOTTIME, TFD_CLOEXEC);
	struct itimerspec its = its_of(100 * SEC, 7 * SEC), old;

	T_EQ(FD_CLOEXEC, rump_sys_fcntl(fd, F_GETFD));
	T_EQ(O_RDWR, rump_sys_fcntl(fd, F_GETFL));
	T_OK(rump_sys_timerfd_settime(fd, 0, &its, &old));
	T_EQ(0, ns_of(old.it_value) + ns_of(old.it_interval));
	its = its_of(0, 3 * SEC);
	T_OK(rump_sys_timerfd_settime(fd, 0, &its, &old));
	T_ASSERT(ns_of(old.it_value) > 50 * SEC);
	T_EQ(7 * SEC, ns_of(old.it_interval));
	T_OK(rump_sys_timerfd_gettime(fd, &old));
	T_EQ(0, ns_of(old.it_value));
	T_EQ(3 * SEC, ns_of(old.it_interval));
}

TC(bad_arguments, "What cannot be asked for.")
{
	int fd = make(CLOCK_MONOTONIC, 0), fds[2];
	struct itimerspec its = its_of(1, 0);
	struct stat sb;
	uint64_t n = 1;

	T_ERR(EINVAL, rump_sys_timerfd_create(CLOCK_MONOTONIC, 1));
	T_ERR(EINVAL, rump_sys_timerfd_create(CLOCK_TAI, 0));
	T_ERR(EINVAL, rump_sys_timerfd_settime(fd, 4, &its, NULL));
	T_ERR(EFAULT, rump_sys_timerfd_settime(fd, 0, NULL, NULL));
	T_ERR(EBADF, rump_sys_timerfd_settime(999, 0, &its, NULL));
	T_OK(rump_sys_pipe(fds));
	T_ERR(EINVAL, rump_sys_timerfd_settime(fds[0], 0, &its, NULL));
	T_ERR(EINVAL, rump_sys_timerfd_gettime(fds[0], &its));
	its.it_interval.tv_nsec = -1;
	T_ERR(EINVAL, rump_sys_timerfd_settime(fd, 0, &its, NULL));
	T_ERR(EINVAL, rump_sys_read(fd, &n, 7));
	T_ERR(EINVAL, rump_sys_write(fd, &n, 8));
	T_ERR(ESPIPE, rump_sys_lseek(fd, 0, SEEK_SET));
	T_ERR(ESPIPE, rump_sys_pread(fd, &n, 8, 0));
	T_OK(rump_sys_fstat(fd, &sb));
	T_EQ(0600, sb.st_mode);
}

/* A host thread that reads from a timerfd of another's process. */
struct reader {
	struct thread thread;
	pid_t pid;
	int fd;
	int error;
	uint64_t n;
};

static void
reader_main(struct thread *t)
{
	struct reader *r = t->t_arg;

	(void)newlwp(r->pid);
	thread_sleeps(t);
	r->error = rump_sys_read(r->fd, &r->n, 8) == 8 ? 0 : errno;
	rump_pub_lwproc_releaselwp();
}

static void
reader_start(struct reader *r, int fd)
{
	*r = (struct reader){.pid = rump_sys_getpid(), .fd = fd};
	thread_start(&r->thread, 0, reader_main, r);
	thread_await_asleep(&r->thread);
}

TC(reader_is_woken, "A reader sleeps until it goes off, also when it is set "
		    "after that.")
{
	int fd = make(CLOCK_MONOTONIC, 0);
	struct reader r;

	reader_start(&r, fd);
	set(fd, 0, 5 * MSEC, 0);
	thread_join(&r.thread);
	T_EQ(0, r.error);
	T_EQ(1, r.n);
}

TC(reader_is_interrupted, "A signal ends the wait.")
{
	struct reader r;
	int fd;

	tc_local();
	rump_boot_setsigmodel(RUMP_SIGMODEL_RECORD);
	fd = make(CLOCK_MONOTONIC, 0);
	set(fd, 0, 1000 * SEC, 0);
	reader_start(&r, fd);
	T_OK(rump_sys_kill(r.pid, SIGUSR1));
	thread_join(&r.thread);
	T_EQ(EINTR, r.error);
}

TC(cancel_on_set, "Setting the clock ends a wait that asked for it, with "
		  "ECANCELED.")
{
	int fd = make(CLOCK_REALTIME, 0), fd2;
	struct timespec then = {2000000000, 0};
	uint64_t n;
	struct reader r;

	fd2 = (int)T_OK(rump_sys_timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK));
	set(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, 3000000000 * SEC,
	    0);
	set(fd2, TFD_TIMER_ABSTIME, 3000000000 * SEC, 0);
	reader_start(&r, fd);
	T_OK(rump_sys_clock_settime(CLOCK_REALTIME, &then));
	thread_join(&r.thread);
	T_EQ(ECANCELED, r.error);
	T_ERR(EAGAIN, rump_sys_read(fd2, &n, 8));
	/* Once: then it waits again, for its time. */
	T_OK(rump_sys_fcntl(fd, F_SETFL, O_NONBLOCK));
	T_ERR(EAGAIN, rump_sys_read(fd, &n, 8));
	then.tv_sec = 3000000000;
	T_OK(rump_sys_clock_settime(CLOCK_REALTIME, &then));
	T_ERR(ECANCELED, rump_sys_read(fd, &n, 8));
	T_OK(rump_sys_fcntl(fd2, F_SETFL, 0));
	T_EQ(1, ticks(fd2));
	T_OK(rump_sys_close(fd));
	T_OK(rump_sys_clock_settime(CLOCK_REALTIME, &then));
}

TC(nothing_is_left, "Timers that are closed while they are armed leave "
		    "nothing.")
{
	struct rump_memstat a, b;
	int fd = make(CLOCK_MONOTONIC, 0);

	set(fd, 0, MSEC, MSEC);
	T_ASSERT(ticks(fd) >= 1);
	T_EQ(0, rump_pub_memstat(&a));
	for (int i = 0; i < 1000; i++) {
		int more =
		    (int)T_OK(rump_sys_timerfd_create(CLOCK_MONOTONIC, 0));

		set(more, 0, i * 1000 + 1, 1000);
		T_OK(rump_sys_close(more));
	}
	T_EQ(0, rump_pub_memstat(&b));
	T_EQ(a.files, b.files);
	T_EQ(a.used, b.used);
	T_EQ(a.lwps, b.lwps);
	T_EQ(a.procs, b.procs);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, goes_off_once);
	ATF_TP_ADD_TC(tp, interval);
	ATF_TP_ADD_TC(tp, short_interval);
	ATF_TP_ADD_TC(tp, absolute);
	ATF_TP_ADD_TC(tp, old_setting);
	ATF_TP_ADD_TC(tp, bad_arguments);
	ATF_TP_ADD_TC(tp, reader_is_woken);
	ATF_TP_ADD_TC(tp, reader_is_interrupted);
	ATF_TP_ADD_TC(tp, cancel_on_set);
	ATF_TP_ADD_TC(tp, nothing_is_left);
	return atf_no_error();
}
