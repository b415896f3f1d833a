/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console: standard input, output and error of the host process.
 *
 * Output that nobody takes is dropped.  A reader that has gone must not end
 * the host process by SIGPIPE, which would hide a panic's SIGABRT; so that
 * signal is held back while writing, and taken away if the write made it.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "hyper/impl.h"

/* Wait until fd can be used, or for ms milliseconds (-1: for ever): EAGAIN. */
static int
fd_waitready(int fd, short events, int ms)
{
	struct pollfd pfd = {.fd = fd, .events = events};
	int n = poll(&pfd, 1, ms);

	return n < 0 ? errno : n == 0 ? EAGAIN : 0;
}

static int
fd_write(int fd, const char *p, size_t len)
{
	ssize_t n;
	int error;

	while (len > 0) {
		n = write(fd, p, len);
		if (n >= 0) {
			p += n;
			len -= (size_t)n;
			continue;
		}
		error = errno;
		/* It is in non-blocking mode: wait as if it were not. */
		if (error == EAGAIN)
			error = fd_waitready(fd, POLLOUT, -1);
		if (error != 0 && error != EINTR)
			return error;
	}
	return 0;
}

static void
fd_write_quiet(int fd, const char *p, size_t len)
{
	static const struct timespec now;
	int saved = errno;
	sigset_t pipe, pending, old;

	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	sigemptyset(&pending);
	(void)sigpending(&pending);
	(void)pthread_sigmask(SIG_BLOCK, &pipe, &old);
	if (fd_write(fd, p, len) == EPIPE && !sigismember(&pending, SIGPIPE)) {
		while (sigtimedwait(&pipe, NULL, &now) == -1 && errno == EINTR)
			continue;
	}
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	errno = saved;
}

void
hyper_console_write(const void *buf, size_t len)
{
	fd_write_quiet(STDOUT_FILENO, buf, len);
}

void
hyper_console_message(const char *buf, size_t len)
{
	fd_write_quiet(STDERR_FILENO, buf, len);
}

/*
 * Who reads has seen that there is something, and so will not block, if nobody
 * else takes it: one host thread at a time.
 */
static _Atomic bool reading;

void
console_forked(void)
{
	atomic_store_explicit(&reading, false, memory_order_relaxed);
}

static int
console_take(void *buf, size_t *lenp)
{
	int error = fd_waitready(STDIN_FILENO, POLLIN, 0);
	ssize_t n;

	if (error != 0)
		return error;
	if ((n = read(STDIN_FILENO, buf, *lenp)) < 0)
		return errno;
	*lenp = (size_t)n;
	return 0;
}

/* A handler of the host that interrupts the wait is reported as EINTR. */
int
hyper_console_read(void *buf, size_t *lenp, int ms)
{
	int error, saved = errno;

	error = fd_waitready(STDIN_FILENO, POLLIN, ms);
	if (error == 0 &&
	    atomic_exchange_explicit(&reading, true, memory_order_acquire)) {
		error = EAGAIN;
		hyper_yield();
	} else if (error == 0) {
		error = console_take(buf, lenp);
		atomic_store_explicit(&reading, false, memory_order_release);
	}
	errno = saved;
	return error;
}
