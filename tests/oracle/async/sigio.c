/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SIGIO.
 */
#include "async.h"

#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/un.h>

#include <linux/sockios.h>

static int fds[2];

/* What of SIGIO and SIGRTMIN has come. */
static void
come(void)
{
	static const struct timespec zero;
	sigset_t set = set_of(SIGIO, SIGRTMIN, 0);
	siginfo_t info;

	for (;;) {
		memset(&info, 0, sizeof(info));
		if (w->sigtimedwait(&set, &info, &zero) == -1)
			break;
		say("came: %d code %d", info.si_signo, info.si_code);
		if (info.si_code > 0 && info.si_code <= POLL_HUP)
			say(" band %#lx fd %d", (unsigned long)info.si_band,
			    info.si_fd == fds[0]   ? 0
			    : info.si_fd == fds[1] ? 1
						   : -1);
		say("\n");
	}
}

static void
async(int fd, bool on)
{
	int flags = w->fcntl(fd, F_GETFL);

	flags = on ? flags | O_ASYNC : flags & ~O_ASYNC;
	SAY(w->fcntl(fd, F_SETFL, flags));
	SAY((w->fcntl(fd, F_GETFL) & O_ASYNC) != 0);
}

static void
own(int fd)
{
	SAY(w->fcntl(fd, F_SETOWN, w->getpid()));
}

static void
owners(void)
{
	struct f_owner_ex ex = {F_OWNER_PID, 0};
	pid_t me = w->getpid(), child;
	int status;

	SAY(w->pipe2(fds, 0));
	SAY(w->fcntl(fds[0], F_GETOWN));
	SAY(w->fcntl(fds[0], F_GETOWN_EX, &ex));
	say("type %d pid %d\n", (int)ex.type, ex.pid);
	SAY(w->fcntl(fds[0], F_SETOWN, me));
	SAY(w->fcntl(fds[0], F_GETOWN) == me);
	SAY(w->fcntl(fds[0], F_GETOWN_EX, &ex));
	say("type %d mine %d\n", (int)ex.type, ex.pid == me);
	SAY(w->fcntl(fds[0], F_SETOWN, 0));
	SAY(w->fcntl(fds[0], F_GETOWN));
	SAY(w->fcntl(fds[0], F_SETOWN, 12345678));
	SAY(w->fcntl(fds[0], F_SETOWN, -12345678));
	SAY(w->fcntl(fds[0], F_SETOWN, (int)0x80000000u));
	SAY(w->setpgid(0, 0));
	SAY(w->fcntl(fds[0], F_SETOWN, -me));
	SAY(w->fcntl(fds[0], F_GETOWN) == -me);
	SAY(w->fcntl(fds[0], F_GETOWN_EX, &ex));
	say("type %d mine %d\n", (int)ex.type, ex.pid == me);
	ex = (struct f_owner_ex){F_OWNER_TID, w->gettid()};
	SAY(w->fcntl(fds[0], F_SETOWN_EX, &ex));
	ex.pid = 0;
	SAY(w->fcntl(fds[0], F_GETOWN_EX, &ex));
	say("type %d mine %d\n", (int)ex.type, ex.pid == w->gettid());
	ex.type = (enum __pid_type)7;
	SAY(w->fcntl(fds[0], F_SETOWN_EX, &ex));
	ex = (struct f_owner_ex){F_OWNER_PID, 12345678};
	SAY(w->fcntl(fds[0], F_SETOWN_EX, &ex));
	SAY(w->fcntl(fds[0], F_SETOWN_EX, NULL));
	SAY(w->fcntl(fds[0], F_GETOWN_EX, NULL));
	SAY(w->fcntl(fds[0], F_GETSIG));
	SAY(w->fcntl(fds[0], F_SETSIG, 65));
	SAY(w->fcntl(fds[0], F_SETSIG, -1));
	SAY(w->fcntl(fds[0], F_SETSIG, SIGRTMIN));
	SAY(w->fcntl(fds[0], F_GETSIG) == SIGRTMIN);
	SAY(w->fcntl(fds[0], F_SETSIG, 0));
	SAY(w->fcntl(fds[0], F_GETSIG));
	/* One that ends. */
	child = w->child(0);
	SAY(w->fcntl(fds[0], F_SETOWN, child));
	SAY(w->wait4(child, &status, 0, NULL) == child);
	SAY(w->fcntl(fds[0], F_GETOWN));
	SAY(w->fcntl(99, F_GETOWN));
	SAY(w->fcntl(99, F_SETSIG, 0));
}

static void
pipes(void)
{
	char buf[16];
	int on = 1;

	block(SIGIO, SIGRTMIN, 0);
	SAY(w->pipe2(fds, O_NONBLOCK));
	/* Without an owner nobody is told. */
	async(fds[0], true);
	SAY(w->write(fds[1], "a", 1));
	come();
	own(fds[0]);
	SAY(w->write(fds[1], "a", 1));
	come();
	SAY(w->write(fds[1], "a", 1));
	SAY(w->write(fds[1], "a", 1));
	come();
	SAY(w->read(fds[0], buf, sizeof(buf)));
	come();
	/* The other end, by a signal that says more. */
	own(fds[1]);
	async(fds[1], true);
	SAY(w->fcntl(fds[1], F_SETSIG, SIGRTMIN));
	SAY(w->fcntl(fds[0], F_SETSIG, SIGRTMIN));
	SAY(w->write(fds[1], "abc", 3));
	come();
	SAY(w->read(fds[0], buf, 1));
	come();
	SAY(w->read(fds[0], buf, 2));
	come();
	async(fds[0], false);
	SAY(w->write(fds[1], "a", 1));
	come();
	SAY(w->ioctl(fds[0], FIOASYNC, &on));
	SAY(w->ioctl(fds[0], FIOASYNC, &on));
	SAY((w->fcntl(fds[0], F_GETFL) & O_ASYNC) != 0);
	SAY(w->write(fds[1], "a", 1));
	come();
	SAY(w->close(fds[1]));
	come();
	SAY(w->close(fds[0]));
	come();
	SAY(w->pipe2(fds, O_NONBLOCK));
	own(fds[1]);
	async(fds[1], true);
	SAY(w->close(fds[0]));
	come();
}

static void
fifos(void)
{
	char path[64], buf[8];

	block(SIGIO, SIGRTMIN, 0);
	(void)snprintf(path, sizeof(path), "%s/fifo", w->dir);
	SAY(w->mkfifo(path, 0600));
	fds[0] = w->open(path, O_RDONLY | O_NONBLOCK);
	own(fds[0]);
	async(fds[0], true);
	fds[1] = w->open(path, O_WRONLY | O_NONBLOCK);
	come();
	SAY(w->write(fds[1], "a", 1));
	come();
	SAY(w->read(fds[0], buf, sizeof(buf)));
	come();
	SAY(w->close(fds[1]));
	come();
	SAY(w->close(fds[0]));
	SAY(w->unlink(path));
}

/* What has no SIGIO. */
static void
others(void)
{
	int fd, on = 1;

	block(SIGIO, 0);
	SAY(fd = w->eventfd(0, EFD_NONBLOCK));
	own(fd);
	async(fd, true);
	SAY(w->ioctl(fd, FIOASYNC, &on));
	on = 0;
	SAY(w->ioctl(fd, FIOASYNC, &on));
	SAY(w->ioctl(fd, FIOASYNC, NULL));
	SAY(w->write(fd, "12345678", 8));
	come();
	SAY(w->close(fd));
	SAY(fd = w->timerfd_create(CLOCK_MONOTONIC, 0));
	own(fd);
	async(fd, true);
	SAY(w->close(fd));
	SAY(fd = w->epoll_create1(0));
	own(fd);
	async(fd, true);
	SAY(w->close(fd));
	SAY(fd = w->open("/dev/null", O_RDWR));
	own(fd);
	async(fd, true);
}

static void
ptys(void)
{
	char name[32], buf[64];
	unsigned n;
	int zero = 0;

	block(SIGIO, SIGRTMIN, SIGTTOU, 0);
	fds[0] = w->open("/dev/ptmx", O_RDWR | O_NOCTTY);
	(void)w->ioctl(fds[0], TIOCSPTLCK, &zero);
	(void)w->ioctl(fds[0], TIOCGPTN, &n);
	(void)snprintf(name, sizeof(name), "/dev/pts/%u", n);
	fds[1] = w->open(name, O_RDWR | O_NOCTTY);
	say("open %d\n", fds[1] >= 0);
	async(fds[1], true);
	SAY(w->fcntl(fds[1], F_GETOWN) == w->getpid());
	SAY(w->fcntl(fds[1], F_SETSIG, SIGRTMIN));
	SAY(w->write(fds[0], "line\n", 5));
	sleep_ms(50);
	come();
	SAY(w->read(fds[1], buf, sizeof(buf)));
	sleep_ms(50);
	come();
	SAY(w->write(fds[0], "part", 4));
	sleep_ms(50);
	come();
	SAY(w->close(fds[1]));
	SAY(w->close(fds[0]));
}

/* Two sockets, of which the first, or both, tell by a signal. */
static void
pair(int type, bool both)
{
	int i;

	SAY(w->socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, fds));
	for (i = 0; i < (both ? 2 : 1); i++) {
		own(fds[i]);
		async(fds[i], true);
		SAY(w->fcntl(fds[i], F_SETSIG, SIGRTMIN));
	}
}

static void
closes(void)
{
	(void)w->close(fds[0]);
	come();
	(void)w->close(fds[1]);
	come();
}

/* Until it is full, and empty again. */
static void
fill_and_drain(void)
{
	static char buf[4096];
	int n = 0;

	while (w->write(fds[0], buf, sizeof(buf)) > 0)
		n++;
	say("%d writes, then %s\n", n, strerrorname_np(errno));
	come();
	while (w->read(fds[1], buf, sizeof(buf)) > 0)
		come();
	come();
	/* Room that nobody has asked for. */
	SAY(w->write(fds[0], buf, 10));
	SAY(w->read(fds[1], buf, 10));
	come();
}

static void
sockets(void)
{
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
	size_t i;
	char c;

	block(SIGIO, SIGRTMIN, 0);
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		say("type %d\n", types[i]);
		pair(types[i], true);
		SAY(w->write(fds[1], "a", 1));
		come();
		SAY(w->write(fds[1], "b", 1));
		SAY(w->write(fds[0], "c", 1));
		come();
		SAY(w->read(fds[0], &c, 1));
		come();
		fill_and_drain();
		async(fds[0], false);
		SAY(w->write(fds[1], "a", 1));
		come();
		closes();
		/* What was not read. */
		pair(types[i], true);
		SAY(w->write(fds[0], "a", 1));
		come();
		SAY(w->close(fds[1]));
		come();
		SAY(w->close(fds[0]));
		come();
	}
}

static void
socket_shutdowns(void)
{
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
	size_t i;
	int how;

	block(SIGIO, SIGRTMIN, 0);
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		for (how = SHUT_RD; how <= SHUT_RDWR; how++) {
			say("type %d\n", types[i]);
			pair(types[i], true);
			SAY(w->shutdown(fds[0], how));
			come();
			SAY(w->shutdown(fds[1], SHUT_WR));
			come();
			closes();
		}
}

/* By the signal that says nothing, without an owner, and by ioctl. */
static void
socket_owners(void)
{
	int me = w->getpid(), who = 0, on = 1, bad = 12345678;

	block(SIGIO, SIGRTMIN, 0);
	pair(SOCK_STREAM, false);
	SAY(w->fcntl(fds[0], F_SETSIG, 0));
	SAY(w->write(fds[1], "a", 1));
	come();
	SAY(w->fcntl(fds[0], F_SETOWN, 0));
	SAY(w->write(fds[1], "a", 1));
	come();
	SAY(w->ioctl(fds[0], SIOCSPGRP, &me));
	SAY(w->ioctl(fds[0], SIOCGPGRP, &who));
	say("mine %d\n", who == me);
	SAY(w->ioctl(fds[0], FIOGETOWN, &who));
	say("mine %d\n", who == me);
	SAY(w->ioctl(fds[0], FIOSETOWN, &bad));
	SAY(w->ioctl(fds[0], SIOCSPGRP, NULL));
	SAY(w->ioctl(fds[0], SIOCGPGRP, NULL));
	SAY(w->write(fds[1], "a", 1));
	come();
	SAY(w->ioctl(fds[1], FIOASYNC, &on));
	SAY((w->fcntl(fds[1], F_GETFL) & O_ASYNC) != 0);
	closes();
}

/* Connections: who listens, who is accepted, who is not. */
static void
socket_listens(void)
{
	struct sockaddr_un un = {AF_UNIX, ""};
	int other;

	block(SIGIO, SIGRTMIN, 0);
	(void)snprintf(un.sun_path, sizeof(un.sun_path), "%s/sock", w->dir);
	SAY(fds[0] = w->socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
	own(fds[0]);
	async(fds[0], true);
	SAY(w->fcntl(fds[0], F_SETSIG, SIGRTMIN));
	SAY(w->bind(fds[0], (struct sockaddr *)&un, sizeof(un)));
	SAY(w->listen(fds[0], 5));
	SAY(fds[1] = w->socket(AF_UNIX, SOCK_STREAM, 0));
	own(fds[1]);
	async(fds[1], true);
	SAY(w->fcntl(fds[1], F_SETSIG, SIGRTMIN));
	SAY(w->connect(fds[1], (struct sockaddr *)&un, sizeof(un)));
	come();
	SAY(other = w->accept4(fds[0], NULL, NULL, 0));
	come();
	/* What is accepted does not tell. */
	SAY((w->fcntl(other, F_GETFL) & O_ASYNC) != 0);
	SAY(w->write(other, "a", 1));
	come();
	SAY(w->close(other));
	come();
	SAY(w->close(fds[1]));
	SAY(fds[1] = w->socket(AF_UNIX, SOCK_STREAM, 0));
	own(fds[1]);
	async(fds[1], true);
	SAY(w->connect(fds[1], (struct sockaddr *)&un, sizeof(un)));
	come();
	SAY(w->close(fds[0]));
	come();
	SAY(w->close(fds[1]));
	SAY(w->unlink(un.sun_path));
}

/* One end goes on to somebody else. */
static void
socket_reconnects(void)
{
	struct sockaddr_un un = {AF_UNIX, ""};

	block(SIGIO, SIGRTMIN, 0);
	pair(SOCK_DGRAM, true);
	SAY(w->write(fds[0], "a", 1));
	come();
	un.sun_family = AF_UNSPEC;
	SAY(w->connect(fds[1], (struct sockaddr *)&un, sizeof(un)));
	come();
	closes();
}

static void
socket_buffers(void)
{
	static char buf[4096];
	int size = 8192;

	block(SIGIO, SIGRTMIN, 0);
	pair(SOCK_STREAM, false);
	SAY(w->setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)));
	come();
	while (w->write(fds[0], buf, sizeof(buf)) > 0)
		;
	size = 1 << 17;
	SAY(w->setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)));
	come();
	closes();
}

static int sleeper;

static void
reads(void *arg)
{
	char buf[8];

	(void)arg;
	SAY(w->read(sleeper, buf, sizeof(buf)));
}

/* Who sleeps in a stream is told already, by waking. */
static void
socket_sleeps(void)
{
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM};
	size_t i;

	block(SIGIO, SIGRTMIN, 0);
	for (i = 0; i < 2; i++) {
		pair(types[i], false);
		SAY(w->fcntl(fds[0], F_SETFL, O_ASYNC));
		sleeper = fds[0];
		w->thread(reads, NULL);
		w->settle();
		(void)w->write(fds[1], "abc", 3);
		w->join();
		come();
		closes();
	}
}

/* The same, of something that comes a moment later. */
static void
soon(void)
{
	sigset_t set;
	int i;

	for (i = 0; i < 200; i++) {
		sleep_ms(20);
		if (w->sigpending(&set) == 0 &&
		    (sigismember(&set, SIGIO) || sigismember(&set, SIGRTMIN)))
			break;
	}
	sleep_ms(20);
	come();
}

static void
inotifies(void)
{
	char path[64];
	int fd;

	block(SIGIO, SIGRTMIN, 0);
	(void)snprintf(path, sizeof(path), "%s/new", w->dir);
	SAY(fds[0] = w->inotify_init1(IN_NONBLOCK));
	fds[1] = -2;
	SAY(w->inotify_add_watch(fds[0], w->dir, IN_CREATE | IN_DELETE));
	async(fds[0], true);
	SAY((fd = w->open(path, O_CREAT | O_WRONLY, 0600)) >= 0);
	sleep_ms(50);
	come();
	own(fds[0]);
	SAY(w->unlink(path));
	soon();
	SAY(w->fcntl(fds[0], F_SETSIG, SIGRTMIN));
	(void)w->close(fd);
	SAY((fd = w->open(path, O_CREAT | O_WRONLY, 0600)) >= 0);
	SAY(w->unlink(path));
	soon();
	async(fds[0], false);
	(void)w->close(fd);
	SAY((fd = w->open(path, O_CREAT | O_WRONLY, 0600)) >= 0);
	sleep_ms(50);
	come();
	SAY(w->unlink(path));
	SAY(w->close(fds[0]));
}

/* More than may be queued: SIGIO instead. */
static void
overflow(void)
{
	struct rlimit rl = {1, 1};
	int i;

	if (geteuid() != 0)
		return;
	block(SIGIO, SIGRTMIN, 0);
	SAY(w->pipe2(fds, O_NONBLOCK));
	SAY(w->setuid(54322));
	SAY(w->setrlimit(RLIMIT_SIGPENDING, &rl));
	own(fds[0]);
	async(fds[0], true);
	SAY(w->fcntl(fds[0], F_SETSIG, SIGRTMIN));
	for (i = 0; i < 3; i++)
		SAY(w->write(fds[1], "a", 1));
	say_pending();
	come();
}

const struct script sigio_scripts[] = {
    {"sigio-owners", owners},
    {"sigio-pipes", pipes},
    {"sigio-fifos", fifos},
    {"sigio-others", others},
    {"sigio-ptys", ptys},
    {"sigio-sockets", sockets},
    {"sigio-shutdowns", socket_shutdowns},
    {"sigio-socket-owners", socket_owners},
    {"sigio-listens", socket_listens},
    {"sigio-reconnects", socket_reconnects},
    {"sigio-buffers", socket_buffers},
    {"sigio-sleeps", socket_sleeps},
    {"sigio-inotify", inotifies},
    {"sigio-overflow", overflow},
    {NULL, NULL},
};
