/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptors that are closed while somebody waits for them: who waits has the
 * file, and goes on until something happens to it.  Only one of the two sides
 * speaks at a time.
 */
#include "async.h"

#include <sys/inotify.h>

static int fd, ep;

static void
reads(void *arg)
{
	char buf[128];

	(void)arg;
	SAY(w->read(fd, buf, sizeof(buf)));
	SAY(w->read(fd, buf, sizeof(buf)));
}

static void
polls(void *arg)
{
	struct pollfd pfd = {fd, POLLIN, 0};

	(void)arg;
	SAY(w->poll(&pfd, 1, -1));
	say("revents %#x\n", (unsigned)pfd.revents);
}

static void
selects(void *arg)
{
	fd_set set;

	(void)arg;
	FD_ZERO(&set);
	FD_SET(fd, &set);
	SAY(w->pselect(fd + 1, &set, NULL, NULL, NULL, NULL));
}

static void
epolls(void *arg)
{
	struct epoll_event ev = {.data.fd = -1};

	(void)arg;
	SAY(w->epoll_wait(ep, &ev, 1, 800));
	say("events %#x of %d\n", ev.events, ev.data.fd);
}

/* Another thread waits for the file, which is closed then. */
static void
begin(void (*fn)(void *))
{
	w->thread(fn, NULL);
	w->settle();
	say("closing\n");
	SAY(w->close(fd));
	w->settle();
	say("closed\n");
}

static void
pipes(void)
{
	static void (*const fns[])(void *) = {reads, polls};
	int i, fds[2];

	for (i = 0; i < 2; i++) {
		SAY(w->pipe2(fds, 0));
		fd = fds[0];
		begin(fns[i]);
		(void)w->write(fds[1], "abc", 3);
		w->join();
		SAY(w->close(fds[1]));
	}
	/* The other end: that is told. */
	SAY(w->pipe2(fds, 0));
	fd = fds[0];
	w->thread(reads, NULL);
	w->settle();
	(void)w->close(fds[1]);
	w->join();
	SAY(w->close(fds[0]));
}

static void
select_pipe(void)
{
	int fds[2];

	SAY(w->pipe2(fds, 0));
	fd = fds[0];
	begin(selects);
	(void)w->write(fds[1], "abc", 3);
	w->join();
}

static void
eventfds(void)
{
	static void (*const fns[])(void *) = {reads, polls};
	uint64_t one = 1;
	int i, other;

	for (i = 0; i < 2; i++) {
		SAY(fd = w->eventfd(0, 0));
		SAY(other = w->dup(fd));
		begin(fns[i]);
		(void)w->write(other, &one, 8);
		w->join();
		SAY(w->close(other));
	}
}

static void
timerfds(void)
{
	struct itimerspec its = {{0, 0}, {0, 800 * MSEC}};

	SAY(fd = w->timerfd_create(CLOCK_MONOTONIC, 0));
	SAY(w->timerfd_settime(fd, 0, &its, NULL));
	begin(reads);
	w->join();
}

static void
signalfds(void)
{
	sigset_t set = set_of(SIGUSR1, 0);

	block(SIGUSR1, 0);
	SAY(fd = w->signalfd(-1, &set, 0));
	begin(reads);
	(void)w->kill(w->getpid(), SIGUSR1);
	w->join();
}

static void
inotifies(void)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "%s/file", w->dir);
	SAY(fd = w->inotify_init1(0));
	SAY(w->inotify_add_watch(fd, w->dir, IN_CREATE));
	begin(reads);
	(void)w->close(w->open(path, O_CREAT | O_WRONLY, 0600));
	w->join();
	SAY(w->unlink(path));
}

/* The queue itself, and what is in it. */
static void
epoll_queue(void)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = 7};
	int fds[2];

	SAY(w->pipe2(fds, 0));
	SAY(ep = w->epoll_create1(0));
	SAY(w->epoll_ctl(ep, EPOLL_CTL_ADD, fds[0], &ev));
	fd = ep;
	w->thread(epolls, NULL);
	w->settle();
	(void)w->close(ep);
	w->settle();
	(void)w->write(fds[1], "abc", 3);
	w->join();
}

static void
epoll_item(void)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = 7};
	int fds[2], other;

	SAY(w->pipe2(fds, 0));
	SAY(ep = w->epoll_create1(0));
	SAY(w->epoll_ctl(ep, EPOLL_CTL_ADD, fds[0], &ev));
	w->thread(epolls, NULL);
	w->settle();
	/* Nothing is left that could happen. */
	(void)w->close(fds[0]);
	w->join();
	/* Another descriptor keeps it. */
	SAY(w->close(fds[1]));
	SAY(w->pipe2(fds, 0));
	SAY(w->epoll_ctl(ep, EPOLL_CTL_ADD, fds[0], &ev));
	SAY(other = w->dup(fds[0]));
	w->thread(epolls, NULL);
	w->settle();
	(void)w->close(fds[0]);
	(void)w->write(fds[1], "abc", 3);
	w->join();
	SAY(w->epoll_ctl(ep, EPOLL_CTL_DEL, fds[0], &ev));
	SAY(w->close(other));
	epolls(NULL);
}

/* One descriptor replaced by another. */
static void
replaced(void)
{
	int fds[2], more[2];

	SAY(w->pipe2(fds, 0));
	SAY(w->pipe2(more, 0));
	fd = fds[0];
	w->thread(reads, NULL);
	w->settle();
	(void)w->dup2(more[0], fds[0]);
	(void)w->write(more[1], "more", 4);
	w->settle();
	(void)w->write(fds[1], "abc", 3);
	w->join();
	w->thread(polls, NULL);
	w->settle();
	(void)w->dup2(fds[1], fds[0]);
	(void)w->write(more[1], "x", 1);
	w->settle();
	(void)w->dup2(more[0], fds[0]);
	(void)w->write(more[1], "x", 1);
	w->join();
}

const struct script closing_scripts[] = {
    {"closing-pipes", pipes},
    {"closing-select", select_pipe},
    {"closing-eventfds", eventfds},
    {"closing-timerfds", timerfds},
    {"closing-signalfds", signalfds},
    {"closing-inotify", inotifies},
    {"closing-epoll", epoll_queue},
    {"closing-epoll-item", epoll_item},
    {"closing-replaced", replaced},
    {NULL, NULL},
};
