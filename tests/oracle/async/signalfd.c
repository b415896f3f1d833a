/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals that are read.
 */
#include "async.h"

static void
say_siginfo(const struct signalfd_siginfo *si)
{
	say("read %u code %d errno %d mine %d uid %u int %d ptr %#llx status "
	    "%d "
	    "overrun %u\n",
	    si->ssi_signo, si->ssi_code, si->ssi_errno,
	    (pid_t)si->ssi_pid == w->getpid(), si->ssi_uid, si->ssi_int,
	    (unsigned long long)si->ssi_ptr, si->ssi_status, si->ssi_overrun);
}

/* Read up to n of them. */
static void
take(int fd, size_t n)
{
	struct signalfd_siginfo si[8];
	ssize_t i, got = w->read(fd, si, n * sizeof(si[0]));

	say_result("read", got);
	for (i = 0; i * (ssize_t)sizeof(si[0]) < got; i++)
		say_siginfo(&si[i]);
}

static void
polled(int fd)
{
	struct pollfd pfd = {fd, POLLIN | POLLOUT | POLLPRI, 0};

	SAY(w->poll(&pfd, 1, 0));
	say("revents %#x\n", (unsigned)pfd.revents);
}

static void
arguments(void)
{
	sigset_t usr1 = set_of(SIGUSR1, 0);
	int fds[2], fd;

	SAY(w->signalfd(-2, &usr1, 0));
	SAY(w->signalfd(99, &usr1, 0));
	SAY(w->signalfd(-1, NULL, 0));
	SAY(w->signalfd(-1, NULL, 1));
	SAY(w->signalfd(-1, &usr1, 1));
	SAY(w->pipe2(fds, 0));
	SAY(w->signalfd(fds[0], &usr1, 0));
	SAY(fd = w->signalfd(-1, &usr1, SFD_NONBLOCK | SFD_CLOEXEC));
	SAY(w->fcntl(fd, F_GETFD));
	SAY(w->fcntl(fd, F_GETFL));
	SAY(w->signalfd(fd, &usr1, SFD_NONBLOCK) == fd);
	SAY(w->fcntl(fd, F_GETFL));
	SAY(w->close(fd));
	SAY(fd = w->signalfd(-1, &usr1, 0));
	SAY(w->fcntl(fd, F_GETFD));
	SAY(w->fcntl(fd, F_GETFL));
	SAY(w->write(fd, "12345678", 8));
	SAY(w->read(fd, fds, 8));
}

static void
several(void)
{
	sigset_t set = set_of(
	    SIGUSR1, SIGUSR2, SIGRTMIN + 1, SIGKILL, SIGSTOP, SIGTERM, 0);
	union sigval value = {.sival_ptr = (void *)0x123456789abcUL};
	int fd;

	block(SIGUSR1, SIGUSR2, SIGRTMIN + 1, SIGTERM, SIGHUP, 0);
	SAY(fd = w->signalfd(-1, &set, SFD_NONBLOCK));
	polled(fd);
	take(fd, 1);
	SAY(w->kill(w->getpid(), SIGUSR2));
	SAY(w->kill(w->getpid(), SIGUSR1));
	SAY(w->kill(w->getpid(), SIGUSR1));
	SAY(w->kill(w->getpid(), SIGHUP));
	SAY(w->tgkill(w->getpid(), w->gettid(), SIGTERM));
	for (value.sival_int = 1; value.sival_int <= 3; value.sival_int++)
		SAY(w->sigqueue(w->getpid(), SIGRTMIN + 1, value));
	SAY(w->sigqueue(w->getpid(), SIGUSR2, value));
	say_pending();
	polled(fd);
	take(fd, 2);
	polled(fd);
	take(fd, 8);
	polled(fd);
	take(fd, 8);
	say_pending();
	/* Another mask. */
	set = set_of(SIGHUP, 0);
	SAY(w->signalfd(fd, &set, 0) == fd);
	polled(fd);
	take(fd, 1);
	/* What is not blocked is not read. */
	say_signals(SIGUSR1, 0);
	set = set_of(SIGUSR1, 0);
	SAY(w->signalfd(fd, &set, 0) == fd);
	SAY(w->sigprocmask(SIG_UNBLOCK, &set, NULL));
	SAY(w->kill(w->getpid(), SIGUSR1));
	take(fd, 1);
}

static void
events(int ep)
{
	struct epoll_event ev[4];
	int i, n = w->epoll_wait(ep, ev, 4, 0);

	say_result("epoll_wait", n);
	for (i = 0; i < n; i++)
		say("event %#x of %d\n", ev[i].events, ev[i].data.fd);
}

static void
epolled(void)
{
	sigset_t usr1 = set_of(SIGUSR1, 0), usr2 = set_of(SIGUSR2, 0);
	struct epoll_event ev = {.events = EPOLLIN};
	int ep, fd, edge, outer;

	block(SIGUSR1, SIGUSR2, 0);
	SAY(ep = w->epoll_create1(0));
	SAY(outer = w->epoll_create1(0));
	SAY(fd = w->signalfd(-1, &usr1, SFD_NONBLOCK));
	SAY(edge = w->signalfd(-1, &usr2, SFD_NONBLOCK));
	ev.data.fd = 1;
	SAY(w->epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev));
	ev.events |= EPOLLET;
	ev.data.fd = 2;
	SAY(w->epoll_ctl(ep, EPOLL_CTL_ADD, edge, &ev));
	ev.data.fd = 3;
	SAY(w->epoll_ctl(outer, EPOLL_CTL_ADD, ep, &ev));
	events(ep);
	SAY(w->kill(w->getpid(), SIGUSR1));
	SAY(w->kill(w->getpid(), SIGUSR2));
	events(outer);
	events(ep);
	events(ep);
	events(outer);
	SAY(w->kill(w->getpid(), SIGUSR2));
	events(ep);
	take(fd, 1);
	events(ep);
	SAY(w->kill(w->getpid(), SIGUSR1));
	events(outer);
	events(ep);
	take(edge, 1);
	SAY(w->close(fd));
	events(ep);
	SAY(w->kill(w->getpid(), SIGUSR2));
	events(ep);
	SAY(w->signalfd(edge, &usr1, 0) == edge);
	events(ep);
}

static void
children(void)
{
	sigset_t chld = set_of(SIGCHLD, 0);
	int fd, status;
	pid_t pid;

	block(SIGCHLD, 0);
	SAY(w->wait4(-1, &status, WNOHANG, NULL));
	SAY(fd = w->signalfd(-1, &chld, SFD_NONBLOCK));
	pid = w->child(7);
	take(fd, 1);
	SAY(w->wait4(pid, &status, 0, NULL) == pid);
	say("status %#x\n", (unsigned)status);
	take(fd, 1);
}

static void
reader(void *arg)
{
	take(*(int *)arg, 2);
}

static void
poller(void *arg)
{
	struct pollfd pfd = {*(int *)arg, POLLIN, 0};

	SAY(w->poll(&pfd, 1, -1));
	say("revents %#x\n", (unsigned)pfd.revents);
}

static void
waiting(void)
{
	sigset_t usr1 = set_of(SIGUSR1, 0);
	int fd;

	block(SIGUSR1, SIGUSR2, 0);
	SAY(fd = w->signalfd(-1, &usr1, 0));
	w->thread(reader, &fd);
	w->settle();
	SAY(w->kill(w->getpid(), SIGUSR2));
	w->settle();
	say("now\n");
	/* From here on the other one says what happens. */
	(void)w->kill(w->getpid(), SIGUSR1);
	w->join();
	w->thread(poller, &fd);
	w->settle();
	say("now\n");
	/* From here on the other one says what happens. */
	(void)w->kill(w->getpid(), SIGUSR1);
	w->join();
}

const struct script signalfd_scripts[] = {
    {"signalfd-arguments", arguments},
    {"signalfd-several", several},
    {"signalfd-epoll", epolled},
    {"signalfd-children", children},
    {"signalfd-waiting", waiting},
    {NULL, NULL},
};
