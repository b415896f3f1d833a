/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SIGIO.
 */
#include "async.h"

#include <sys/ioctl.h>

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
    {"sigio-overflow", overflow},
    {NULL, NULL},
};
