/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SIGIO of sockets, inotify and F_NOTIFY: what the oracles "async" and
 * "inotify" cannot see, because it is about several processes, or about times.
 */
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <signal.h>
#include <time.h>

#include "tc.h"

static int fds[2];

static void
block(int signo)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signo);
	T_OK(rump_sys_sigprocmask(SIG_BLOCK, &set, NULL));
}

/* Has that signal come, within so many seconds? */
static bool
came(int signo, time_t seconds, siginfo_t *info)
{
	const struct timespec limit = {seconds, 0};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signo);
	return rump_sys_sigtimedwait(&set, info, &limit) == signo;
}

/* A process of its own; its descriptors are nobody else's. */
static struct lwp *
begin(void)
{
	rump_boot_setsigmodel(RUMP_SIGMODEL_POSIX);
	boot();
	T_EQ(0, rump_pub_lwproc_rfork(RUMP_RFCFDG));
	T_OK(rump_sys_setpgid(0, 0));
	return rump_pub_lwproc_curlwp();
}

static void
async(int fd, pid_t owner, int signo)
{
	T_OK(rump_sys_fcntl(fd, F_SETOWN, owner));
	T_OK(rump_sys_fcntl(fd, F_SETSIG, signo));
	T_OK(rump_sys_fcntl(fd, F_SETFL, O_NONBLOCK | O_ASYNC));
}

static volatile sig_atomic_t handled;

static void
handler(int signo)
{
	(void)signo;
	handled++;
}

TC(socket_handler, "A handler runs at the end of the call that made it ready.")
{
	struct sigaction sa = {.sa_handler = handler};

	begin();
	T_OK(rump_sys_sigaction(SIGIO, &sa, NULL));
	T_OK(rump_sys_socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
	T_EQ(1, rump_sys_write(fds[1], "a", 1));
	T_EQ(0, handled);
	async(fds[0], rump_sys_getpid(), 0);
	T_EQ(1, rump_sys_write(fds[1], "a", 1));
	T_EQ(1, handled);
	T_OK(rump_sys_shutdown(fds[1], SHUT_RDWR));
	T_EQ(2, handled);
	T_OK(rump_sys_fcntl(fds[0], F_SETFL, 0));
	T_OK(rump_sys_close(fds[1]));
	T_EQ(2, handled);
}

TC(socket_group, "All processes of a group are told.")
{
	struct lwp *first = begin(), *second;
	siginfo_t info;
	int fd;

	block(SIGRTMIN);
	T_OK(rump_sys_socketpair(AF_UNIX, SOCK_DGRAM, 0, fds));
	fd = fds[0];
	async(fd, -rump_sys_getpid(), SIGRTMIN);
	T_EQ(0, rump_pub_lwproc_rfork(RUMP_RFFDG));
	second = rump_pub_lwproc_curlwp();
	block(SIGRTMIN);
	T_EQ(1, rump_sys_write(fds[1], "a", 1));
	T_ASSERT(came(SIGRTMIN, 0, &info));
	T_EQ(POLL_IN, info.si_code);
	T_EQ(fd, info.si_fd);
	rump_pub_lwproc_switch(first);
	T_ASSERT(came(SIGRTMIN, 0, NULL));
	T_ASSERT(!came(SIGRTMIN, 0, NULL));
	rump_pub_lwproc_switch(second);
	T_ASSERT(!came(SIGRTMIN, 0, NULL));
}

TC(inotify, "A signal that can be queued comes once for each event.")
{
	siginfo_t info;
	int i, fd;

	begin();
	block(SIGRTMIN);
	T_OK(rump_sys_mkdir("/d", 0700));
	fd = (int)T_OK(rump_sys_inotify_init1(0));
	T_OK(rump_sys_inotify_add_watch(fd, "/d", IN_CREATE | IN_DELETE));
	async(fd, rump_sys_getpid(), SIGRTMIN);
	for (i = 0; i < 3; i++) {
		T_OK(rump_sys_mkdir("/d/new", 0700));
		T_OK(rump_sys_rmdir("/d/new"));
	}
	for (i = 0; i < 6; i++) {
		T_ASSERT(came(SIGRTMIN, 60, &info));
		T_EQ(POLL_IN, info.si_code);
		T_EQ(fd, info.si_fd);
	}
	T_ASSERT(!came(SIGRTMIN, 0, NULL));
	T_OK(rump_sys_fcntl(fd, F_SETFL, 0));
	T_OK(rump_sys_mkdir("/d/new", 0700));
	T_ASSERT(!came(SIGRTMIN, 1, NULL));
}

TC(inotify_ends, "The owner may end by it, and the instance be closed before.")
{
	struct lwp *first = begin(), *l;
	int fd, i, status;
	pid_t owner;

	T_OK(rump_sys_mkdir("/d", 0700));
	for (i = 0; i < 50; i++) {
		fd = (int)T_OK(rump_sys_inotify_init1(0));
		T_OK(rump_sys_inotify_add_watch(fd, "/d", IN_CREATE));
		T_EQ(0, rump_pub_lwproc_rfork(RUMP_RFCFDG));
		owner = rump_sys_getpid();
		l = rump_pub_lwproc_curlwp();
		rump_pub_lwproc_switch(first);
		async(fd, owner, 0);
		T_OK(rump_sys_mkdir("/d/new", 0700));
		if (i % 2 == 0) {
			rump_pub_lwproc_switch(l);
			T_ERR(EINTR, rump_sys_pause());
			rump_pub_lwproc_releaselwp();
			rump_pub_lwproc_switch(first);
			T_EQ(owner, rump_sys_wait4(owner, &status, 0, NULL));
			T_ASSERT(WIFSIGNALED(status));
			T_EQ(SIGIO, WTERMSIG(status));
		}
		T_OK(rump_sys_close(fd));
		T_OK(rump_sys_rmdir("/d/new"));
	}
}

TC(notify_errors, "F_NOTIFY is about directories, open to be used.")
{
	int fd;

	begin();
	T_ERR(EBADF, rump_sys_fcntl(99, F_NOTIFY, DN_CREATE));
	T_OK(rump_sys_pipe2(fds, 0));
	T_ERR(ENOTDIR, rump_sys_fcntl(fds[0], F_NOTIFY, DN_CREATE));
	T_OK(rump_sys_fcntl(fds[0], F_NOTIFY, DN_MULTISHOT));
	fd = (int)T_OK(rump_sys_open("/f", O_RDWR | O_CREAT, 0600));
	T_ERR(ENOTDIR, rump_sys_fcntl(fd, F_NOTIFY, DN_CREATE));
	T_OK(rump_sys_fcntl(fd, F_NOTIFY, 0));
	T_OK(rump_sys_mkdir("/d", 0700));
	fd = (int)T_OK(rump_sys_open("/d", O_PATH));
	T_ERR(EBADF, rump_sys_fcntl(fd, F_NOTIFY, DN_CREATE));
}

/* Have what is made in /d told as that signal; the descriptor. */
static int
notify(int signo)
{
	int fd = (int)T_OK(rump_sys_open("/d", O_RDONLY | O_DIRECTORY));

	T_OK(rump_sys_fcntl(fd, F_SETSIG, signo));
	T_OK(rump_sys_fcntl(fd, F_NOTIFY, DN_CREATE | DN_MULTISHOT));
	return fd;
}

TC(notify_owner, "Who asks is the owner, unless there is one.")
{
	struct lwp *first = begin(), *second;
	pid_t owner = rump_sys_getpid();
	siginfo_t info;
	int fd;

	block(SIGRTMIN);
	T_OK(rump_sys_mkdir("/d", 0700));
	fd = notify(SIGRTMIN);
	T_EQ(owner, rump_sys_fcntl(fd, F_GETOWN));
	T_EQ(0, rump_pub_lwproc_rfork(RUMP_RFFDG));
	second = rump_pub_lwproc_curlwp();
	block(SIGRTMIN);
	T_OK(rump_sys_fcntl(fd, F_NOTIFY, DN_CREATE));
	T_EQ(owner, rump_sys_fcntl(fd, F_GETOWN));
	/* For each of the two; nothing of it is the child's. */
	T_OK(rump_sys_mkdir("/d/a", 0700));
	T_ASSERT(!came(SIGRTMIN, 0, NULL));
	rump_pub_lwproc_switch(first);
	T_ASSERT(came(SIGRTMIN, 60, &info));
	T_EQ(POLL_MSG, info.si_code);
	T_EQ(fd, info.si_fd);
	T_ASSERT(came(SIGRTMIN, 60, NULL));
	/* The child's was for once.  It closes the file, and is gone. */
	T_OK(rump_sys_mkdir("/d/b", 0700));
	T_ASSERT(came(SIGRTMIN, 60, NULL));
	T_ASSERT(!came(SIGRTMIN, 0, NULL));
	rump_pub_lwproc_switch(second);
	T_OK(rump_sys_fcntl(fd, F_NOTIFY, DN_CREATE | DN_MULTISHOT));
	T_OK(rump_sys_close(fd));
	rump_pub_lwproc_releaselwp();
	rump_pub_lwproc_switch(first);
	T_OK(rump_sys_mkdir("/d/c", 0700));
	T_ASSERT(came(SIGRTMIN, 60, NULL));
	T_ASSERT(!came(SIGRTMIN, 1, NULL));
}

TC(notify_close, "What happened before the file is closed is told.")
{
	int i;

	begin();
	block(SIGRTMIN);
	T_OK(rump_sys_mkdir("/d", 0700));
	for (i = 0; i < 200; i++) {
		int fd = notify(SIGRTMIN);

		T_OK(rump_sys_mkdir("/d/new", 0700));
		T_OK(rump_sys_close(fd));
		T_ASSERT(came(SIGRTMIN, 60, NULL));
		T_OK(rump_sys_rmdir("/d/new"));
		T_OK(rump_sys_mkdir("/d/new", 0700));
		T_OK(rump_sys_rmdir("/d/new"));
	}
	T_ASSERT(!came(SIGRTMIN, 0, NULL));
	/* And the directory. */
	notify(SIGRTMIN);
	T_OK(rump_sys_rmdir("/d"));
	T_ASSERT(!came(SIGRTMIN, 0, NULL));
}

TC(notify_handler, "Without a signal of its own it is SIGIO; its action.")
{
	struct sigaction sa = {.sa_handler = handler};
	int fd, i;

	begin();
	T_OK(rump_sys_sigaction(SIGIO, &sa, NULL));
	T_OK(rump_sys_mkdir("/d", 0700));
	fd = (int)T_OK(rump_sys_open("/d", O_RDONLY));
	T_OK(rump_sys_fcntl(fd, F_NOTIFY, DN_DELETE));
	T_OK(rump_sys_mkdir("/d/new", 0700));
	T_OK(rump_sys_rmdir("/d/new"));
	for (i = 0; i < 6000 && handled == 0; i++)
		T_EQ(0, rump_sys_poll(NULL, 0, 10) > 0);
	T_EQ(1, handled);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, socket_handler);
	ATF_TP_ADD_TC(tp, socket_group);
	ATF_TP_ADD_TC(tp, inotify);
	ATF_TP_ADD_TC(tp, inotify_ends);
	ATF_TP_ADD_TC(tp, notify_errors);
	ATF_TP_ADD_TC(tp, notify_owner);
	ATF_TP_ADD_TC(tp, notify_close);
	ATF_TP_ADD_TC(tp, notify_handler);
	return atf_no_error();
}
