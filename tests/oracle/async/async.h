/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the scripts of the oracle "async" have: the calls of the world that
 * they run in, and a log.
 */
#ifndef ASYNC_H
#define ASYNC_H

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MSEC 1000000L

struct world {
	int (*pipe2)(int *, int);
	int (*close)(int);
	int (*dup2)(int, int);
	int (*dup)(int);
	int (*fcntl)(int, int, ...);
	ssize_t (*read)(int, void *, size_t);
	ssize_t (*write)(int, const void *, size_t);
	int (*open)(const char *, int, ...);
	int (*mkfifo)(const char *, mode_t);
	int (*unlink)(const char *);
	int (*ioctl)(int, unsigned long, ...);
	int (*socketpair)(int, int, int, int *);
	int (*socket)(int, int, int);
	int (*bind)(int, const struct sockaddr *, socklen_t);
	int (*listen)(int, int);
	int (*connect)(int, const struct sockaddr *, socklen_t);
	int (*accept4)(int, struct sockaddr *, socklen_t *, int);
	int (*shutdown)(int, int);
	int (*setsockopt)(int, int, int, const void *, socklen_t);
	int (*poll)(struct pollfd *, nfds_t, int);
	int (*ppoll)(
	    struct pollfd *, nfds_t, const struct timespec *, const sigset_t *);
	int (*pselect)(int, fd_set *, fd_set *, fd_set *,
	    const struct timespec *, const sigset_t *);
	int (*epoll_create1)(int);
	int (*epoll_ctl)(int, int, int, struct epoll_event *);
	int (*epoll_wait)(int, struct epoll_event *, int, int);
	int (*epoll_pwait)(
	    int, struct epoll_event *, int, int, const sigset_t *);
	int (*epoll_pwait2)(int, struct epoll_event *, int,
	    const struct timespec *, const sigset_t *);
	int (*eventfd)(unsigned, int);
	int (*timerfd_create)(clockid_t, int);
	int (*timerfd_settime)(
	    int, int, const struct itimerspec *, struct itimerspec *);
	int (*inotify_init1)(int);
	int (*inotify_add_watch)(int, const char *, uint32_t);
	int (*signalfd)(int, const sigset_t *, int);
	int (*kill)(pid_t, int);
	int (*sigqueue)(pid_t, int, const union sigval);
	int (*sigaction)(int, const struct sigaction *, struct sigaction *);
	int (*sigprocmask)(int, const sigset_t *, sigset_t *);
	int (*sigpending)(sigset_t *);
	int (*sigtimedwait)(
	    const sigset_t *, siginfo_t *, const struct timespec *);
	pid_t (*wait4)(pid_t, int *, int, struct rusage *);
	int (*setrlimit)(int, const struct rlimit *);
	int (*setuid)(uid_t);
	int (*setpgid)(pid_t, pid_t);
	pid_t (*getpid)(void);
	pid_t (*gettid)(void);
	uid_t (*getuid)(void);

	/* Timers by number. */
	int (*timer_create)(clockid_t, struct sigevent *, int *);
	int (*timer_settime)(
	    int, int, const struct itimerspec *, struct itimerspec *);
	int (*timer_getoverrun)(int);
	int (*timer_delete)(int);

	int (*tgkill)(pid_t, pid_t, int);
	/* A child that exits at once, and has done so. */
	pid_t (*child)(int status);
	/* A thread of the same process; the end of it. */
	void (*thread)(void (*)(void *), void *);
	void (*join)(void);
	/* Is that thread asleep, for good as far as one can tell? */
	void (*settle)(void);
	const char *dir; /* that it can make files in */
};

/* Of the script that runs. */
extern const struct world *w;

void say(const char *, ...) __attribute__((format(printf, 1, 2)));
void say_result(const char *, long);

/* What it did, and the errno if it failed. */
#define SAY(call) say_result(#call, (long)(call))

sigset_t set_of(int, ...); /* up to 0 */
void block(int, ...);
void sleep_ms(long);
void say_info(const siginfo_t *);
void say_pending(void);

/* Handlers that say that they run; kept is SA_* flags. */
void say_signals(int signo, int flags);

struct script {
	const char *name;
	void (*run)(void);
};
extern const struct script signalfd_scripts[], timer_scripts[], mask_scripts[],
    sigio_scripts[], closing_scripts[];

#endif /* ASYNC_H */
