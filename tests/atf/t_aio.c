/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asynchronous input and output.
 */
#include <sys/eventfd.h>

#include <aio.h>
#include <fcntl.h>
#include <signal.h>

#include <rump/rump_event.h>

#include "threads.h"

static int file, pipefd[2];
static char data[100000], buf[100000];

static void
start(void)
{
	boot();
	file = (int)T_OK(rump_sys_open("/file", O_RDWR | O_CREAT, 0600));
	T_OK(rump_sys_pipe2(pipefd, 0));
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)(i * 7);
}

static struct aiocb
request(int fd, void *p, size_t len, off_t off)
{
	struct aiocb cb;

	memset(&cb, 0, sizeof(cb));
	cb.aio_fildes = fd;
	cb.aio_buf = p;
	cb.aio_nbytes = len;
	cb.aio_offset = off;
	cb.aio_sigevent.sigev_notify = SIGEV_NONE;
	return cb;
}

/* Wait until it has ended; its error, and its result in *np. */
static int
ended(struct aiocb *cb, ssize_t *np)
{
	const struct aiocb *list[] = {cb};
	int error;

	T_OK(rump_sys_aio_suspend(list, 1, NULL));
	error = (int)T_OK(rump_sys_aio_error(cb));
	T_ASSERT(error != EINPROGRESS);
	*np = rump_sys_aio_return(cb);
	T_ERR(EINVAL, rump_sys_aio_return(cb));
	return error;
}

TC(regular, "regular files are written and read at offsets")
{
	struct aiocb w, r;
	ssize_t n;

	start();
	w = request(file, data, 5000, 1000);
	T_OK(rump_sys_aio_write(&w));
	T_EQ(0, ended(&w, &n));
	T_EQ(5000, n);
	r = request(file, buf, 6000, 900);
	T_OK(rump_sys_aio_read(&r));
	T_EQ(0, ended(&r, &n));
	T_EQ(5100, n);
	T_EQ(0, memcmp(buf + 100, data, 5000));
	T_EQ(0, buf[0]);
	T_EQ(0, rump_sys_lseek(file, 0, SEEK_CUR));
	T_OK(rump_sys_aio_fsync(O_SYNC, &r));
	T_EQ(0, ended(&r, &n));
	T_OK(rump_sys_aio_fsync(O_DSYNC, &r));
	T_EQ(0, ended(&r, &n));
	T_OK(rump_sys_fcntl(file, F_SETFL, (unsigned long)O_APPEND));
	w = request(file, data, 10, 0);
	T_OK(rump_sys_aio_write(&w));
	T_EQ(0, ended(&w, &n));
	T_EQ(6010, rump_sys_lseek(file, 0, SEEK_END));
}

TC(errors, "what is wrong is a request's result")
{
	struct aiocb cb;
	ssize_t n;

	start();
	T_ERR(EFAULT, rump_sys_aio_read(NULL));
	cb = request(77, buf, 1, 0);
	T_OK(rump_sys_aio_read(&cb));
	T_EQ(EBADF, ended(&cb, &n));
	T_EQ(-1, n);
	cb = request(file, buf, 1, -1);
	T_OK(rump_sys_aio_read(&cb));
	T_EQ(EINVAL, ended(&cb, &n));
	cb = request(pipefd[1], buf, 1, 0);
	T_OK(rump_sys_aio_read(&cb));
	T_EQ(EBADF, ended(&cb, &n));
	cb = request(file, NULL, 1, 0);
	T_OK(rump_sys_aio_write(&cb));
	T_EQ(EFAULT, ended(&cb, &n));
	cb = request(pipefd[0], NULL, 1, 0);
	T_OK(rump_sys_aio_fsync(O_SYNC, &cb));
	T_EQ(EINVAL, ended(&cb, &n));
	T_ERR(EINVAL, rump_sys_aio_fsync(77, &cb));
	cb.aio_fildes = 77;
	T_ERR(EBADF, rump_sys_aio_fsync(O_SYNC, &cb));
	cb.aio_reqprio = 21;
	T_ERR(EINVAL, rump_sys_aio_read(&cb));
	cb = request(file, buf, 1, 0);
	cb.aio_sigevent.sigev_notify = SIGEV_THREAD;
	T_ERR(EINVAL, rump_sys_aio_read(&cb));
	T_ERR(EINVAL, rump_sys_aio_error(&cb));
	T_ERR(EINVAL, rump_sys_aio_suspend(NULL, -1, NULL));
	T_ERR(EBADF, rump_sys_aio_cancel(77, NULL));
	T_ERR(EINVAL, rump_sys_aio_cancel(pipefd[0], &cb));
	T_EQ(AIO_ALLDONE, rump_sys_aio_cancel(file, NULL));
	/* No reader: no signal either. */
	T_OK(rump_sys_close(pipefd[0]));
	cb = request(pipefd[1], data, 1, 0);
	T_OK(rump_sys_aio_write(&cb));
	T_EQ(EPIPE, ended(&cb, &n));
}

TC(waits, "a read goes on until there is something to read")
{
	struct timespec ts = {0, 20000000};
	struct aiocb cb;
	const struct aiocb *list[] = {NULL, &cb};
	ssize_t n;

	start();
	cb = request(pipefd[0], buf, 100, 0);
	T_OK(rump_sys_aio_read(&cb));
	T_EQ(EINPROGRESS, rump_sys_aio_error(&cb));
	T_ERR(EINPROGRESS, rump_sys_aio_return(&cb));
	T_ERR(EINVAL, rump_sys_aio_read(&cb));
	T_ERR(EAGAIN, rump_sys_aio_suspend(list, 2, &ts));
	T_EQ(5, rump_sys_write(pipefd[1], "hello", 5));
	T_EQ(0, ended(&cb, &n));
	T_EQ(5, n);
	T_EQ(0, memcmp(buf, "hello", 5));
	/* The end of the file, and a descriptor that does not wait. */
	T_OK(rump_sys_aio_read(&cb));
	T_OK(rump_sys_close(pipefd[1]));
	T_EQ(0, ended(&cb, &n));
	T_EQ(0, n);
	T_OK(rump_sys_pipe2(pipefd, O_NONBLOCK));
	cb = request(pipefd[0], buf, 100, 0);
	T_OK(rump_sys_aio_read(&cb));
	T_EQ(EAGAIN, ended(&cb, &n));
}

TC(write_goes_on, "a write goes on until all of it is written")
{
	struct aiocb cb;
	ssize_t n, got;
	size_t done = 0;

	start();
	cb = request(pipefd[1], data, sizeof(data), 0);
	T_OK(rump_sys_aio_write(&cb));
	T_EQ(EINPROGRESS, rump_sys_aio_error(&cb));
	/* Some of it is written: that cannot be taken back. */
	T_EQ(AIO_NOTCANCELED, rump_sys_aio_cancel(pipefd[1], &cb));
	while (done < sizeof(data)) {
		got = T_OK(rump_sys_read(pipefd[0], buf + done, 7000));
		done += (size_t)got;
	}
	T_EQ(0, ended(&cb, &n));
	T_EQ(sizeof(data), n);
	T_EQ(0, memcmp(buf, data, sizeof(data)));
}

TC(order, "of two on one file the first is done first")
{
	struct aiocb cb[4];
	char c[4];
	ssize_t n;

	start();
	for (int i = 0; i < 4; i++) {
		cb[i] = request(pipefd[0], &c[i], 1, 0);
		T_OK(rump_sys_aio_read(&cb[i]));
	}
	T_EQ(AIO_CANCELED, rump_sys_aio_cancel(pipefd[0], &cb[1]));
	T_EQ(3, rump_sys_write(pipefd[1], "abc", 3));
	T_EQ(0, ended(&cb[3], &n));
	T_EQ(ECANCELED, ended(&cb[1], &n));
	T_EQ(0, ended(&cb[2], &n));
	T_EQ(0, ended(&cb[0], &n));
	T_EQ('a', c[0]);
	T_EQ('b', c[2]);
	T_EQ('c', c[3]);
}

TC(cancel, "what waits can be cancelled")
{
	struct aiocb cb[3];
	ssize_t n;
	int r;

	start();
	for (int i = 0; i < 3; i++) {
		cb[i] = request(pipefd[0], buf, 1, 0);
		T_OK(rump_sys_aio_read(&cb[i]));
	}
	T_EQ(AIO_CANCELED, rump_sys_aio_cancel(pipefd[0], &cb[2]));
	T_EQ(AIO_ALLDONE, rump_sys_aio_cancel(pipefd[0], &cb[2]));
	/* One that is just being looked at is not to be had. */
	while ((r = rump_sys_aio_cancel(pipefd[0], NULL)) == AIO_NOTCANCELED)
		continue;
	T_EQ(AIO_CANCELED, r);
	T_EQ(AIO_ALLDONE, rump_sys_aio_cancel(pipefd[0], NULL));
	for (int i = 0; i < 3; i++) {
		T_EQ(ECANCELED, ended(&cb[i], &n));
		T_EQ(-1, n);
	}
}

static volatile int times;
static siginfo_t told;

static void
on_done(int signo, siginfo_t *info, void *uc)
{
	(void)signo, (void)uc;
	told = *info;
	times++;
}

TC(signals, "the end of a request is told")
{
	struct sigaction sa = {.sa_sigaction = on_done, .sa_flags = SA_SIGINFO};
	struct aiocb cb;
	ssize_t n;

	start();
	T_OK(rump_sys_sigaction(SIGUSR1, &sa, NULL));
	cb = request(file, data, 10, 0);
	cb.aio_sigevent.sigev_notify = SIGEV_SIGNAL;
	cb.aio_sigevent.sigev_signo = SIGUSR1;
	cb.aio_sigevent.sigev_value.sival_int = 5;
	T_OK(rump_sys_aio_write(&cb));
	T_EQ(1, times);
	T_EQ(SI_ASYNCIO, told.si_code);
	T_EQ(5, told.si_value.sival_int);
	T_EQ(0, ended(&cb, &n));
	cb.aio_fildes = pipefd[0];
	cb.aio_buf = buf;
	T_OK(rump_sys_aio_read(&cb));
	T_EQ(1, times);
	T_EQ(1, rump_sys_write(pipefd[1], "x", 1));
	T_EQ(0, ended(&cb, &n));
	for (int i = 0; times < 2 && i < 1000; i++) {
		host_msleep(1);
		(void)rump_sys_getuid();
	}
	T_EQ(2, times);
}

TC(listio, "several at once")
{
	struct sigaction sa = {.sa_sigaction = on_done, .sa_flags = SA_SIGINFO};
	struct sigevent ev = {
	    .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct aiocb w = {0}, r = {0}, nop = {0};
	struct aiocb *list[] = {&w, NULL, &nop, &r};
	ssize_t n;

	start();
	T_OK(rump_sys_sigaction(SIGUSR1, &sa, NULL));
	nop.aio_lio_opcode = LIO_NOP;
	w = request(file, data, 100, 0);
	w.aio_lio_opcode = LIO_WRITE;
	r = request(file, buf, 100, 0);
	r.aio_lio_opcode = LIO_READ;
	T_OK(rump_sys_lio_listio(LIO_WAIT, list, 4, NULL));
	T_EQ(0, ended(&w, &n));
	T_EQ(0, ended(&r, &n));
	T_EQ(100, n);
	T_EQ(0, memcmp(data, buf, 100));
	/* One goes on: the end of all is told once. */
	r = request(pipefd[0], buf, 100, 0);
	r.aio_lio_opcode = LIO_READ;
	T_OK(rump_sys_lio_listio(LIO_NOWAIT, list, 4, &ev));
	T_EQ(0, ended(&w, &n));
	T_EQ(0, times);
	T_EQ(2, rump_sys_write(pipefd[1], "ab", 2));
	T_EQ(0, ended(&r, &n));
	for (int i = 0; times < 1 && i < 1000; i++) {
		host_msleep(1);
		(void)rump_sys_getuid();
	}
	T_EQ(1, times);
	/* One fails. */
	r = request(99, buf, 100, 0);
	r.aio_lio_opcode = LIO_READ;
	T_ERR(EIO, rump_sys_lio_listio(LIO_WAIT, list, 4, NULL));
	T_EQ(0, ended(&w, &n));
	T_EQ(EBADF, ended(&r, &n));
	r.aio_lio_opcode = 77;
	T_ERR(EIO, rump_sys_lio_listio(LIO_NOWAIT, list, 4, NULL));
	T_ERR(EINVAL, rump_sys_lio_listio(7, list, 4, NULL));
	T_OK(rump_sys_lio_listio(LIO_WAIT, list, 0, NULL));
}

static void
write_later(struct thread *t)
{
	(void)t;
	host_msleep(20);
	T_EQ(1, rump_sys_write(pipefd[1], "z", 1));
}

TC(listio_waits, "LIO_WAIT waits for what goes on")
{
	struct thread t;
	struct aiocb r;
	struct aiocb *list[] = {&r};
	ssize_t n;

	start();
	r = request(pipefd[0], buf, 100, 0);
	r.aio_lio_opcode = LIO_READ;
	thread_start(&t, 0, write_later, NULL);
	T_OK(rump_sys_lio_listio(LIO_WAIT, list, 1, NULL));
	T_EQ(0, ended(&r, &n));
	T_EQ(1, n);
	thread_join(&t);
}

TC(kinds, "other descriptors: eventfd")
{
	struct aiocb cb;
	uint64_t count = 3, got = 0;
	ssize_t n;
	int fd;

	start();
	fd = (int)T_OK(rump_sys_eventfd(0, 0));
	cb = request(fd, &got, 8, 0);
	T_OK(rump_sys_aio_read(&cb));
	T_EQ(EINPROGRESS, rump_sys_aio_error(&cb));
	T_EQ(8, rump_sys_write(fd, &count, 8));
	T_EQ(0, ended(&cb, &n));
	T_EQ(3, got);
}

static int kq;

static int
change(struct aiocb *cb, uint32_t flags)
{
	struct kevent kev;

	EV_SET(&kev, (uintptr_t)cb, EVFILT_AIO, flags, 0, 0, cb);
	return rump_sys_kevent(kq, &kev, 1, NULL, 0, NULL);
}

/* The request that has ended, and its error; NULL if there is none. */
static struct aiocb *
ended_one(int64_t *errorp)
{
	static const struct timespec zero;
	struct kevent got[4];
	int n = rump_sys_kevent(kq, NULL, 0, got, 4, &zero);

	if (n == 0)
		return NULL;
	T_EQ(1, n);
	T_EQ(EVFILT_AIO, got[0].filter);
	T_PTR(got[0].udata, (void *)got[0].ident);
	*errorp = got[0].data;
	return got[0].udata;
}

TC(kevents, "EVFILT_AIO: the end of a request is told once.")
{
	static const struct timespec most = {30, 0};
	struct aiocb r, w, other;
	struct kevent got;
	int64_t error;
	ssize_t n;
	int how;

	start();
	kq = (int)T_OK(rump_sys_kqueue());
	r = request(pipefd[0], buf, 10, 0);
	other = request(pipefd[0], buf + 10, 10, 0);
	T_ERR(ESRCH, change(&r, EV_ADD));
	T_OK(rump_sys_aio_read(&r));
	T_OK(rump_sys_aio_read(&other));
	T_OK(change(&r, EV_ADD));
	T_OK(change(&other, EV_ADD));
	T_PTR(NULL, ended_one(&error));
	T_EQ(3, rump_sys_write(pipefd[1], data, 3));
	T_EQ(1, rump_sys_kevent(kq, NULL, 0, &got, 1, &most));
	T_PTR(&r, got.udata);
	T_EQ(0, got.data);
	T_PTR(NULL, ended_one(&error));
	T_EQ(0, ended(&r, &n));
	T_EQ(3, n);
	/* It is cancelled, and told of, too. */
	while (
	    (how = rump_sys_aio_cancel(pipefd[0], &other)) == AIO_NOTCANCELED)
		host_msleep(1); /* it is being tried */
	T_EQ(AIO_CANCELED, how);
	T_PTR(&other, ended_one(&error));
	T_EQ(ECANCELED, error);
	T_EQ(ECANCELED, ended(&other, &n));
	/* One that has ended before it is asked for; one that nobody wants. */
	w = request(file, data, 10, 0);
	T_OK(rump_sys_aio_write(&w));
	T_OK(change(&w, EV_ADD));
	T_PTR(&w, ended_one(&error));
	T_EQ(0, error);
	T_OK(change(&w, EV_ADD));
	T_OK(change(&w, EV_DELETE));
	T_PTR(NULL, ended_one(&error));
	T_OK(change(&w, EV_ADD));
	T_EQ(0, ended(&w, &n));
	T_PTR(NULL, ended_one(&error));
	/* The kevent is there for the next request of that name. */
	T_OK(rump_sys_aio_write(&w));
	T_PTR(&w, ended_one(&error));
}

TC(kevents_end, "A queue that outlives the process, which made the request.")
{
	struct aiocb r;
	struct lwp *l;
	int64_t error;

	start();
	kq = (int)T_OK(rump_sys_kqueue());
	l = newproc(0);
	r = request(pipefd[0], buf, 10, 0);
	T_OK(rump_sys_aio_read(&r));
	T_OK(change(&r, EV_ADD));
	rump_pub_lwproc_switch(NULL);
	T_ERR(ESRCH, change(&r, EV_ADD));
	rump_pub_lwproc_switch(l);
	rump_pub_lwproc_releaselwp();
	T_PTR(NULL, ended_one(&error));
	T_OK(rump_sys_close(kq));
}

TC(limit, "there are not any number of requests")
{
	struct aiocb *cbs = calloc(5000, sizeof(*cbs));
	ssize_t n;
	int i;

	start();
	for (i = 0; i < 5000; i++) {
		cbs[i] = request(pipefd[0], buf, 1, 0);
		if (rump_sys_aio_read(&cbs[i]) != 0)
			break;
	}
	T_EQ(EAGAIN, errno);
	T_EQ(4096, i);
	T_EQ(AIO_CANCELED, rump_sys_aio_cancel(pipefd[0], &cbs[7]));
	T_EQ(ECANCELED, ended(&cbs[7], &n));
	T_OK(rump_sys_aio_read(&cbs[i]));
	free(cbs);
}

TC(ends, "the end of a process ends its requests")
{
	struct rump_memstat before, after;
	struct aiocb cb[20];

	start();
	for (int round = 0; round < 2; round++) {
		if (round == 1)
			T_EQ(0, rump_pub_memstat(&before));
		newproc(RUMP_RFFDG);
		for (int i = 0; i < 20; i++) {
			cb[i] =
			    request(i % 2 == 0 ? pipefd[0] : file, buf, 1, 0);
			T_OK(rump_sys_aio_read(&cb[i]));
		}
		rump_pub_lwproc_releaselwp();
		/* Nobody reads what comes now. */
		T_EQ(1, rump_sys_write(pipefd[1], "x", 1));
		T_EQ(1, rump_sys_read(pipefd[0], buf, 1));
	}
	for (int i = 0; i < 100; i++) {
		T_EQ(0, rump_pub_memstat(&after));
		if (before.used == after.used)
			break;
		host_msleep(20);
	}
	T_EQ(before.used, after.used);
	T_EQ(before.files, after.files);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, regular);
	ATF_TP_ADD_TC(tp, errors);
	ATF_TP_ADD_TC(tp, waits);
	ATF_TP_ADD_TC(tp, write_goes_on);
	ATF_TP_ADD_TC(tp, order);
	ATF_TP_ADD_TC(tp, cancel);
	ATF_TP_ADD_TC(tp, signals);
	ATF_TP_ADD_TC(tp, listio);
	ATF_TP_ADD_TC(tp, listio_waits);
	ATF_TP_ADD_TC(tp, kinds);
	ATF_TP_ADD_TC(tp, kevents);
	ATF_TP_ADD_TC(tp, kevents_end);
	ATF_TP_ADD_TC(tp, limit);
	ATF_TP_ADD_TC(tp, ends);
	return atf_no_error();
}
