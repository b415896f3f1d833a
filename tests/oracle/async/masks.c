/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signal masks for the time of a wait.
 */
#include "async.h"

enum { PPOLL, PSELECT, PWAIT, PWAIT2, NWAITS };
static const char *const names[] = {
    "ppoll", "pselect", "epoll_pwait", "epoll_pwait2"};

static int
wait_with(int which, int fd, long ms, const sigset_t *mask)
{
	struct timespec ts = {0, ms * MSEC}, *tsp = ms < 0 ? NULL : &ts;
	struct pollfd pfd = {fd, POLLIN, 0};
	struct epoll_event ev = {.events = EPOLLIN};
	fd_set set;
	int rv, ep, error;

	say("%s %ld: ", names[which], ms);
	switch (which) {
	case PPOLL:
		return w->ppoll(&pfd, 1, tsp, mask);
	case PSELECT:
		FD_ZERO(&set);
		FD_SET(fd, &set);
		return w->pselect(fd + 1, &set, NULL, NULL, tsp, mask);
	}
	if ((ep = w->epoll_create1(0)) == -1 ||
	    w->epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) == -1)
		return -2;
	rv = which == PWAIT ? w->epoll_pwait(ep, &ev, 1, (int)ms, mask)
			    : w->epoll_pwait2(ep, &ev, 1, tsp, mask);
	error = errno;
	(void)w->close(ep);
	errno = error;
	return rv;
}

static void
say_mask(void)
{
	sigset_t set;
	int i;

	(void)w->sigprocmask(SIG_BLOCK, NULL, &set);
	for (i = 1; i < 65; i++)
		if (sigismember(&set, i) == 1)
			say(" %d", i);
	say(" blocked\n");
}

static void
masks(void)
{
	sigset_t none = set_of(0), usr1 = set_of(SIGUSR1, 0),
		 usr2 = set_of(SIGUSR2, 0);
	int fds[2], which, flags;
	char c;

	SAY(w->pipe2(fds, 0));
	block(SIGUSR1, 0);
	for (flags = 0; flags <= SA_RESTART; flags += SA_RESTART) {
		say_signals(SIGUSR1, flags);
		say_signals(SIGUSR2, flags);
		for (which = 0; which < NWAITS; which++) {
			/* Nothing pending. */
			say_result("none", wait_with(which, fds[0], 1, &none));
			/* Pending, blocked and not. */
			(void)w->kill(w->getpid(), SIGUSR1);
			say_result("usr1", wait_with(which, fds[0], 1, &usr1));
			say_result("NULL", wait_with(which, fds[0], 1, NULL));
			say_result("usr2", wait_with(which, fds[0], -1, &usr2));
			say_mask();
			/* Pending, and there is something: nothing runs. */
			(void)w->kill(w->getpid(), SIGUSR1);
			(void)w->write(fds[1], "x", 1);
			say_result(
			    "ready", wait_with(which, fds[0], -1, &none));
			say_mask();
			say_pending();
			(void)w->read(fds[0], &c, 1);
			/* Not to wait at all. */
			say_result("zero", wait_with(which, fds[0], 0, &none));
			say_mask();
			say_pending();
			say_result("again", wait_with(which, fds[0], 0, &none));
			say_result(
			    "fault", wait_with(which, fds[0], 0, (void *)8));
			say_mask();
		}
	}
}

static pid_t pid;

static void
killer(void *arg)
{
	(void)arg;
	w->settle();
	(void)w->kill(pid, SIGUSR1);
}

/* A signal that comes while it is waited, which the mask lets in. */
static void
meanwhile(void)
{
	sigset_t none = set_of(0);
	int fds[2], which;

	pid = w->getpid();
	SAY(w->pipe2(fds, 0));
	block(SIGUSR1, 0);
	say_signals(SIGUSR1, SA_RESTART);
	for (which = 0; which < NWAITS; which++) {
		w->thread(killer, NULL);
		say_result("meanwhile", wait_with(which, fds[0], -1, &none));
		w->join();
		say_mask();
		say_pending();
	}
}

const struct script mask_scripts[] = {
    {"masks", masks},
    {"masks-meanwhile", meanwhile},
    {NULL, NULL},
};
