/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host process and its machine: processors, environment, name, signals
 * and the end.
 */
#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hyper/hostfile.h"
#include "hyper/impl.h"

int
hyper_ncpu(void)
{
	cpu_set_t set;
	int saved = errno, n = 0;

	/* Fails on machines with more than CPU_SETSIZE processors. */
	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		n = CPU_COUNT(&set);
	else
		n = (int)sysconf(_SC_NPROCESSORS_ONLN);
	errno = saved;
	return n > 0 ? n : 1;
}

/* The host's loads, opened once; -1: they are not to be had. */
static int
loads_open(void)
{
	static _Atomic int handle = -1;
	int none = -1, fd = atomic_load_explicit(&handle, memory_order_relaxed);

	if (fd != -1)
		return fd;
	fd = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
	if (fd == -1 || hyper_file_move(fd, &fd) != 0)
		return -1;
	if (!atomic_compare_exchange_strong_explicit(&handle, &none, fd,
		memory_order_relaxed, memory_order_relaxed)) {
		hyper_file_close(fd);
		fd = none;
	}
	return fd;
}

int
hyper_running(void)
{
	char text[128], *p;
	int saved = errno, blanks = 0;
	int fd = loads_open();
	ssize_t n = fd != -1 ? pread(fd, text, sizeof(text) - 1, 0) : -1;

	errno = saved;
	if (n <= 0)
		return INT_MAX;
	text[n] = '\0';
	/* Behind three averages: how many run, of how many. */
	for (p = text; *p != '\0' && blanks < 3; p++)
		blanks += *p == ' ';
	n = strtol(p, NULL, 10);
	return n > 0 ? (int)n : INT_MAX;
}

const char *
hyper_getenv(const char *name)
{
	return getenv(name);
}

void
hyper_hostname(char *buf, size_t len)
{
	int saved = errno;

	/* A name that is too long may come without a NUL. */
	buf[0] = '\0';
	(void)gethostname(buf, len);
	buf[len - 1] = '\0';
	errno = saved;
}

pid_t
hyper_pid(void)
{
	return getpid();
}

void
hyper_raise(int signo)
{
	int saved = errno;

	(void)kill(getpid(), signo);
	errno = saved;
}

noreturn void
hyper_abort(void)
{
	abort();
}

noreturn void
hyper_exit(int status)
{
	exit(status);
}
