/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The calls of libev, by the names that the linker gives them (--wrap): each
 * is the kernel's.
 */
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>

#include "evloop.h"

_Atomic unsigned long wrapped;

/* The linker takes what the sanitizers' library calls for these, too. */
#pragma GCC visibility push(default)

/* name(args) is rump_sys_name(values). */
#define WRAP(type, name, args, values)         \
	type __wrap_##name args;               \
	type __wrap_##name args                \
	{                                      \
		wrapped++;                     \
		return rump_sys_##name values; \
	}

WRAP(int, clock_gettime, (clockid_t id, struct timespec *ts), (id, ts))
WRAP(int, close, (int fd), (fd))
WRAP(int, dup2, (int fd, int to), (fd, to))
WRAP(int, epoll_create, (int size), (size))
WRAP(int, epoll_create1, (int flags), (flags))
WRAP(int, epoll_ctl, (int ep, int op, int fd, struct epoll_event *ev),
    (ep, op, fd, ev))
WRAP(int, epoll_wait, (int ep, struct epoll_event *ev, int n, int ms),
    (ep, ev, n, ms))
WRAP(int, eventfd, (unsigned n, int flags), (n, flags))
WRAP(int, gettimeofday, (struct timeval * tv, void *tz), (tv, tz))
WRAP(pid_t, getpid, (void), ())
WRAP(int, inotify_add_watch, (int fd, const char *path, uint32_t mask),
    (fd, path, mask))
WRAP(int, inotify_init, (void), ())
WRAP(int, inotify_init1, (int flags), (flags))
WRAP(int, inotify_rm_watch, (int fd, int wd), (fd, wd))
WRAP(int, nanosleep, (const struct timespec *ts, struct timespec *rem),
    (ts, rem))
WRAP(int, pipe, (int *fds), (fds))
WRAP(int, poll, (struct pollfd * fds, nfds_t n, int ms), (fds, n, ms))
WRAP(ssize_t, read, (int fd, void *buf, size_t len), (fd, buf, len))
WRAP(int, select, (int n, fd_set *r, fd_set *w, fd_set *e, struct timeval *tv),
    (n, r, w, e, tv))
WRAP(int, sigaction,
    (int signo, const struct sigaction *act, struct sigaction *old),
    (signo, act, old))
WRAP(
    int, signalfd, (int fd, const sigset_t *mask, int flags), (fd, mask, flags))
WRAP(int, sigprocmask, (int how, const sigset_t *set, sigset_t *old),
    (how, set, old))
WRAP(int, timerfd_create, (clockid_t id, int flags), (id, flags))
WRAP(int, timerfd_settime,
    (int fd, int flags, const struct itimerspec *new, struct itimerspec *old),
    (fd, flags, new, old))
WRAP(pid_t, waitpid, (pid_t pid, int *status, int options),
    (pid, status, options))
WRAP(ssize_t, write, (int fd, const void *buf, size_t len), (fd, buf, len))

int __wrap_fcntl(int fd, int cmd, ...);
int
__wrap_fcntl(int fd, int cmd, ...)
{
	uintptr_t arg;
	va_list ap;

	va_start(ap, cmd);
	arg = va_arg(ap, uintptr_t);
	va_end(ap);
	wrapped++;
	return rump_sys_fcntl(fd, cmd, arg);
}

/* What libc once made of lstat. */
int __wrap___lxstat(int version, const char *path, struct stat *sb);
int
__wrap___lxstat(int version, const char *path, struct stat *sb)
{
	(void)version;
	wrapped++;
	return rump_sys_lstat(path, sb);
}

/* libev asks whether inotify can be relied on: as on any tmpfs. */
int __wrap_statfs(const char *path, struct statfs *sf);
int
__wrap_statfs(const char *path, struct statfs *sf)
{
	struct statvfs sv;

	wrapped++;
	if (rump_sys_statvfs(path, &sv) == -1)
		return -1;
	memset(sf, 0, sizeof(*sf));
	sf->f_type = 0x01021994;
	return 0;
}
