/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kqueue and kevent.
 */
#include <fcntl.h>
#include <poll.h>

#include <rump/rump_event.h>

#include "threads.h"

static int kq, fds[2];
static struct kevent got[8];

static void
start(void)
{
	boot();
	(void)newproc(RUMP_RFCFDG);
	T_OK(rump_sys_pipe(fds));
	kq = (int)T_OK(rump_sys_kqueue());
}

/* One change; -1 with errno if it fails. */
static int
change(uintptr_t ident, uint32_t filter, uint32_t flags, uint32_t fflags,
    int64_t data)
{
	struct kevent kev;

	EV_SET(&kev, ident, filter, flags, fflags, data, 0x1234);
	return rump_sys_kevent(kq, &kev, 1, NULL, 0, NULL);
}

static int
ready(void)
{
	static const struct timespec zero;

	return rump_sys_kevent(kq, NULL, 0, got, 8, &zero);
}

TC(read_filter, "READ tells how many bytes there are")
{
	char c[2];

	start();
	T_OK(change((uintptr_t)fds[0], EVFILT_READ, EV_ADD, 0, 0));
	T_EQ(0, ready());
	T_EQ(3, rump_sys_write(fds[1], "abc", 3));
	T_EQ(1, ready());
	T_EQ(fds[0], got[0].ident);
	T_EQ(EVFILT_READ, got[0].filter);
	T_EQ(3, got[0].data);
	T_PTR((void *)0x1234, got[0].udata);
	T_EQ(2, rump_sys_read(fds[0], c, 2));
	T_EQ(1, ready());
	T_EQ(1, got[0].data);
	T_OK(change((uintptr_t)fds[0], EVFILT_READ, EV_ADD, NOTE_LOWAT, 2));
	T_EQ(0, ready());
	T_OK(rump_sys_close(fds[1]));
	T_EQ(1, ready());
	T_EQ(EV_EOF, got[0].flags & EV_EOF);
	T_OK(change((uintptr_t)fds[0], EVFILT_READ, EV_DELETE, 0, 0));
	T_EQ(0, ready());
}

TC(write_filter, "WRITE tells how much room there is")
{
	start();
	T_OK(change((uintptr_t)fds[1], EVFILT_WRITE, EV_ADD, 0, 0));
	T_EQ(1, ready());
	T_EQ(65536, got[0].data);
	T_OK(rump_sys_close(fds[0]));
	T_EQ(1, ready());
	T_EQ(EV_EOF, got[0].flags & EV_EOF);
}

TC(ways, "ONESHOT, CLEAR, DISPATCH, DISABLE and ENABLE")
{
	uintptr_t fd;

	start();
	fd = (uintptr_t)fds[0];
	T_EQ(1, rump_sys_write(fds[1], "x", 1));
	T_OK(change(fd, EVFILT_READ, EV_ADD | EV_ONESHOT, 0, 0));
	T_EQ(1, ready());
	T_ERR(ENOENT, change(fd, EVFILT_READ, EV_DELETE, 0, 0));
	T_OK(change(fd, EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0));
	T_EQ(1, ready());
	T_EQ(0, ready());
	T_EQ(1, rump_sys_write(fds[1], "x", 1));
	T_EQ(1, ready());
	T_OK(change(fd, EVFILT_READ, EV_ADD | EV_DISPATCH, 0, 0));
	T_EQ(1, ready());
	T_EQ(1, rump_sys_write(fds[1], "x", 1));
	T_EQ(0, ready());
	T_OK(change(fd, EVFILT_READ, EV_ENABLE, 0, 0));
	T_EQ(1, ready());
	T_OK(change(fd, EVFILT_READ, EV_ADD, 0, 0));
	T_EQ(1, ready());
	T_OK(change(fd, EVFILT_READ, EV_DISABLE, 0, 0));
	T_EQ(0, ready());
	T_OK(change(fd, EVFILT_READ, EV_ADD | EV_DISABLE, 0, 0));
	T_EQ(0, ready());
}

TC(user_filter, "USER is triggered")
{
	start();
	T_OK(change(7, EVFILT_USER, EV_ADD | EV_CLEAR, NOTE_FFCOPY | 5, 0));
	T_EQ(0, ready());
	T_OK(change(7, EVFILT_USER, 0, NOTE_FFOR | NOTE_TRIGGER | 2, 9));
	T_EQ(1, ready());
	T_EQ(7, got[0].ident);
	T_EQ(7, got[0].fflags);
	T_EQ(9, got[0].data);
	T_EQ(0, ready());
	T_OK(change(7, EVFILT_USER, 0, NOTE_FFAND | NOTE_TRIGGER | 4, 0));
	T_EQ(1, ready());
	T_EQ(4, got[0].fflags);
}

TC(proc_filter, "PROC tells of the end of a process")
{
	struct lwp *me, *child;
	pid_t pid;

	start();
	me = rump_pub_lwproc_curlwp();
	child = newproc(RUMP_RFCFDG);
	pid = rump_sys_getpid();
	rump_pub_lwproc_switch(me);
	T_OK(change((uintptr_t)pid, EVFILT_PROC, EV_ADD, NOTE_EXIT, 0));
	T_EQ(0, ready());
	release(child);
	T_EQ(1, ready());
	T_EQ(pid, got[0].ident);
	T_EQ(NOTE_EXIT, got[0].fflags);
	T_EQ(0, ready());
	T_ERR(ESRCH, change((uintptr_t)pid, EVFILT_PROC, EV_ADD, NOTE_EXIT, 0));
}

TC(errors, "changes that fail, and receipts")
{
	struct kevent kev[3], out[2];
	int file;

	start();
	file = (int)T_OK(rump_sys_open("/dev/null", O_RDWR));
	T_ERR(EINVAL, rump_sys_kqueue1(1));
	T_ERR(EBADF, change(99, EVFILT_READ, EV_ADD, 0, 0));
	T_ERR(EINVAL, change((uintptr_t)fds[0], 77, EV_ADD, 0, 0));
	T_ERR(EINVAL, change((uintptr_t)file, EVFILT_READ, EV_ADD, 0, 0));
	T_ERR(ENOENT, change((uintptr_t)fds[0], EVFILT_READ, 0, 0, 0));
	T_ERR(EBADF, rump_sys_kevent(fds[0], NULL, 0, out, 1, NULL));
	T_ERR(ENXIO, rump_sys_read(kq, kev, sizeof(kev)));
	EV_SET(&kev[0], 99, EVFILT_READ, EV_ADD, 0, 0, NULL);
	EV_SET(&kev[1], fds[0], EVFILT_READ, EV_ADD | EV_RECEIPT, 0, 0, NULL);
	EV_SET(&kev[2], 3, EVFILT_USER, EV_ADD, NOTE_TRIGGER, 0, NULL);
	T_EQ(2, rump_sys_kevent(kq, kev, 3, out, 2, NULL));
	T_EQ(EV_ERROR, out[0].flags);
	T_EQ(EBADF, out[0].data);
	T_EQ(EV_ERROR, out[1].flags);
	T_EQ(0, out[1].data);
	T_EQ(1, ready());
	T_EQ(3, got[0].ident);
}

TC(closing, "a kevent ends with its descriptor")
{
	int other;

	start();
	T_EQ(1, rump_sys_write(fds[1], "x", 1));
	T_OK(change((uintptr_t)fds[0], EVFILT_READ, EV_ADD, 0, 0));
	other = (int)T_OK(rump_sys_dup(fds[0]));
	T_OK(rump_sys_close(fds[0]));
	T_EQ(0, ready());
	T_OK(rump_sys_close(other));
	T_EQ(0, ready());
	T_EQ(fds[0], T_OK(rump_sys_dup(fds[1])));
	T_OK(change((uintptr_t)fds[0], EVFILT_WRITE, EV_ADD, 0, 0));
	T_EQ(1, ready());
}

TC(nested, "a kqueue can be waited for")
{
	struct pollfd p;
	int inner;

	start();
	inner = kq;
	T_OK(change(1, EVFILT_USER, EV_ADD, 0, 0));
	kq = (int)T_OK(rump_sys_kqueue1(O_CLOEXEC));
	T_OK(change((uintptr_t)inner, EVFILT_READ, EV_ADD, 0, 0));
	p = (struct pollfd){kq, POLLIN, 0};
	T_EQ(0, rump_sys_poll(&p, 1, 0));
	T_EQ(0, ready());
	kq = inner;
	T_OK(change(1, EVFILT_USER, 0, NOTE_TRIGGER, 0));
	T_EQ(1, rump_sys_poll(&p, 1, 0));
	kq = p.fd;
	T_EQ(1, ready());
	T_EQ(inner, got[0].ident);
	T_EQ(1, got[0].data);
	T_ERR(ELOOP, change((uintptr_t)kq, EVFILT_READ, EV_ADD, 0, 0));
}

static void
trigger_soon(struct thread *t)
{
	(void)newlwp(*(pid_t *)t->t_arg);
	host_msleep(20);
	T_OK(change(1, EVFILT_USER, 0, NOTE_TRIGGER, 0));
	rump_pub_lwproc_releaselwp();
}

TC(waits, "kevent waits for an event, or for the time")
{
	struct timespec ts = {0, 20000000}, bad = {-1, 0};
	struct thread t;
	pid_t pid;

	start();
	pid = rump_sys_getpid();
	T_EQ(0, rump_sys_kevent(kq, NULL, 0, got, 1, &ts));
	T_ERR(EINVAL, rump_sys_kevent(kq, NULL, 0, got, 1, &bad));
	T_OK(change(1, EVFILT_USER, EV_ADD, 0, 0));
	thread_start(&t, 0, trigger_soon, &pid);
	T_EQ(1, rump_sys_kevent(kq, NULL, 0, got, 1, NULL));
	thread_join(&t);
}

static void
wait_one(struct thread *t)
{
	(void)newlwp(*(pid_t *)t->t_arg);
	thread_sleeps(t);
	T_EQ(1, rump_sys_kevent(kq, NULL, 0, got, 1, NULL));
	T_EQ(fds[0], got[0].ident);
	rump_pub_lwproc_releaselwp();
}

TC(closed_under_waiter, "who waits has the queue, though it has been closed")
{
	struct thread t;
	pid_t pid;

	start();
	pid = rump_sys_getpid();
	T_OK(change((uintptr_t)fds[0], EVFILT_READ, EV_ADD, 0, 0));
	thread_start(&t, 0, wait_one, &pid);
	thread_await_asleep(&t);
	T_OK(rump_sys_close(kq));
	T_EQ(1, rump_sys_write(fds[1], "x", 1));
	thread_join(&t);
	T_ERR(EBADF, rump_sys_kevent(kq, NULL, 0, got, 1, NULL));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, read_filter);
	ATF_TP_ADD_TC(tp, write_filter);
	ATF_TP_ADD_TC(tp, ways);
	ATF_TP_ADD_TC(tp, user_filter);
	ATF_TP_ADD_TC(tp, proc_filter);
	ATF_TP_ADD_TC(tp, errors);
	ATF_TP_ADD_TC(tp, closing);
	ATF_TP_ADD_TC(tp, nested);
	ATF_TP_ADD_TC(tp, waits);
	ATF_TP_ADD_TC(tp, closed_under_waiter);
	return atf_no_error();
}
