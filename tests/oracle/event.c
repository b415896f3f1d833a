/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The same random calls on pipes, fifos, eventfds and epolls, here and on the
 * host, none of which waits: results, errors, what poll and select say and what
 * epoll reports, in its order, must be the same.
 *
 *	event [seed [steps [verbose]]]
 *
 * Without arguments a few seeds, always the same.  A difference is printed
 * with seed and step; the exit status is 1 then.
 *
 * A difference that is meant: select refuses every descriptor that is not
 * open; the host only those that its table has room for.
 */
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "lib/random.h"

#define NFDS   20
#define NPOLL  6
#define NEVENT 8
#define NSETS  3
#define NFIFOS 2
#define BUFFER 6000

enum op {
	OP_PIPE,
	OP_EVENTFD,
	OP_EPOLL,
	OP_FIFO,
	OP_CLOSE,
	OP_DUP,
	OP_DUP2,
	OP_READ,
	OP_WRITE,
	OP_CTL,
	OP_WAIT,
	OP_POLL,
	OP_SELECT,
	OP_COUNT
};

static const char *const opnames[] = {"pipe", "eventfd", "epoll_create", "fifo",
    "close", "dup", "dup2", "read", "write", "epoll_ctl", "epoll_wait", "poll",
    "select"};
/* How often of 100. */
static const unsigned weights[] = {4, 2, 3, 3, 6, 3, 2, 14, 17, 20, 14, 7, 5};

struct step {
	enum op op;
	int a, b, flags;
	uint32_t events;
	unsigned n;
	int slots[NPOLL];
	short wanted[NPOLL];
};

/* What a step gave, without a trace of the numbers of descriptors. */
struct result {
	int ret, error;
	uint64_t value;
	short revents[NPOLL];
	uint32_t events[NEVENT];
	uint64_t data[NEVENT];
	bool set[NSETS][NPOLL];
};

struct world {
	int (*w_pipe2)(int *, int);
	int (*w_eventfd)(unsigned, int);
	int (*w_epoll)(int);
	int (*w_open)(const char *, int, ...);
	int (*w_close)(int);
	int (*w_dup)(int);
	int (*w_dup2)(int, int);
	int (*w_fcntl)(int, int, ...);
	ssize_t (*w_read)(int, void *, size_t);
	ssize_t (*w_write)(int, const void *, size_t);
	int (*w_ctl)(int, int, int, struct epoll_event *);
	int (*w_wait)(int, struct epoll_event *, int, int);
	int (*w_poll)(struct pollfd *, nfds_t, int);
	int (*w_select)(int, fd_set *, fd_set *, fd_set *, struct timeval *);
	const char *w_dir;
	int w_fd[NFDS];
};

static struct world host = {pipe2, eventfd, epoll_create1, open, close, dup,
    dup2, fcntl, read, write, epoll_ctl, epoll_wait, poll, select, NULL, {0}};
static struct world rump = {rump_sys_pipe2, rump_sys_eventfd,
    rump_sys_epoll_create1, rump_sys_open, rump_sys_close, rump_sys_dup,
    rump_sys_dup2, rump_sys_fcntl, rump_sys_read, rump_sys_write,
    rump_sys_epoll_ctl, rump_sys_epoll_wait, rump_sys_poll, rump_sys_select,
    NULL, {0}};

static bool verbose;

static uint32_t
rnd_events(void)
{
	static const uint32_t some[] = {EPOLLIN, EPOLLOUT, EPOLLRDNORM,
	    EPOLLWRNORM, EPOLLPRI, EPOLLRDHUP, EPOLLET, EPOLLONESHOT};
	uint32_t events = rnd(4) != 0 ? EPOLLIN : 0;
	unsigned i;

	if (rnd(3) == 0)
		events |= EPOLLOUT;
	if (rnd(3) == 0)
		events |= EPOLLET;
	for (i = rnd(4) == 0 ? rnd(4) : 0; i > 0; i--)
		events |= some[rnd(8)];
	if (rnd(12) == 0)
		events |= EPOLLEXCLUSIVE;
	return events;
}

static void
pick(struct step *s)
{
	unsigned i, at = rnd(100);

	memset(s, 0, sizeof(*s));
	while (s->op < OP_SELECT && at >= weights[s->op])
		at -= weights[s->op++];
	s->a = (int)rnd(NFDS);
	s->b = (int)rnd(NFDS);
	s->events = rnd_events();
	s->flags = (int)rnd(16);
	s->n = rnd(6) == 0 ? BUFFER : 1 + rnd(20);
	if (s->op == OP_WRITE && rnd(4) == 0)
		s->n = 4096;
	for (i = 0; i < NPOLL; i++) {
		s->slots[i] = (int)rnd(NFDS + 1) - 1;
		s->wanted[i] = (short)(rnd_events() & 0x3fff);
	}
}

/* The next slot that is free, or -1. */
static int
slot(const struct world *w, int from)
{
	int i;

	for (i = 0; i < NFDS; i++)
		if (w->w_fd[(from + i) % NFDS] == -1)
			return (from + i) % NFDS;
	return -1;
}

static int
keep(struct world *w, int fd, int from)
{
	int at = slot(w, from);

	if (fd == -1)
		return -1;
	if (at == -1) {
		(void)w->w_close(fd);
		return -2;
	}
	w->w_fd[at] = fd;
	return at;
}

static int
do_pipe(struct world *w, const struct step *s)
{
	int fds[2];

	if (w->w_pipe2(
		fds, O_NONBLOCK | ((s->flags & 8) != 0 ? O_DIRECT : 0)) == -1)
		return -1;
	if ((s->flags & 3) != 0)
		(void)w->w_fcntl(fds[0], F_SETPIPE_SZ, 4096 * (s->flags & 3));
	return keep(w, fds[0], s->a) * 100 + keep(w, fds[1], s->b);
}

static int
do_fifo(struct world *w, const struct step *s)
{
	static const int modes[] = {O_RDONLY, O_WRONLY, O_RDWR, O_RDONLY};
	char path[64];

	(void)snprintf(
	    path, sizeof(path), "%s/%d", w->w_dir, s->flags % NFIFOS);
	return keep(w, w->w_open(path, modes[s->flags / 4] | O_NONBLOCK), s->a);
}

static int
do_dup2(struct world *w, const struct step *s)
{
	if (w->w_fd[s->b] == -1 || w->w_fd[s->a] == -1 || s->a == s->b)
		return 0;
	return w->w_dup2(w->w_fd[s->a], w->w_fd[s->b]) == w->w_fd[s->b];
}

static int
do_ctl(struct world *w, const struct step *s, unsigned n)
{
	struct epoll_event ev = {s->events, {.u64 = n}};
	int op = s->flags < 10	 ? EPOLL_CTL_ADD
		 : s->flags < 13 ? EPOLL_CTL_MOD
		 : s->flags < 15 ? EPOLL_CTL_DEL
				 : 7;

	return w->w_ctl(w->w_fd[s->a], op, w->w_fd[s->b], &ev);
}

static int
do_wait(struct world *w, const struct step *s, struct result *r)
{
	struct epoll_event evs[NEVENT];
	int i, n, max = s->flags == 0 ? 0 : 1 + s->flags % NEVENT;

	n = w->w_wait(w->w_fd[s->a], evs, max, 0);
	for (i = 0; i < n; i++) {
		r->events[i] = evs[i].events;
		r->data[i] = evs[i].data.u64;
	}
	return n;
}

static int
do_poll(struct world *w, const struct step *s, struct result *r)
{
	struct pollfd fds[NPOLL];
	int i, n;

	for (i = 0; i < NPOLL; i++)
		fds[i] = (struct pollfd){
		    s->slots[i] == -1 ? -1 : w->w_fd[s->slots[i]], s->wanted[i],
		    -1};
	n = w->w_poll(fds, NPOLL, 0);
	for (i = 0; i < NPOLL; i++)
		r->revents[i] = fds[i].revents;
	return n;
}

static int
do_select(struct world *w, const struct step *s, struct result *r)
{
	struct timeval tv = {0, 0};
	fd_set sets[NSETS];
	int i, k, n, fd, most = -1;

	for (k = 0; k < NSETS; k++)
		FD_ZERO(&sets[k]);
	for (i = 0; i < NPOLL; i++) {
		if (s->slots[i] == -1 || (fd = w->w_fd[s->slots[i]]) == -1)
			continue;
		for (k = 0; k < NSETS; k++)
			if ((s->wanted[i] & (1 << k)) != 0)
				FD_SET(fd, &sets[k]);
		most = fd > most ? fd : most;
	}
	n = w->w_select(most + 1, &sets[0], &sets[1], &sets[2], &tv);
	for (i = 0; i < NPOLL; i++)
		for (k = 0; k < NSETS; k++)
			r->set[k][i] = s->slots[i] != -1 &&
				       w->w_fd[s->slots[i]] != -1 &&
				       FD_ISSET(w->w_fd[s->slots[i]], &sets[k]);
	return n;
}

static int
do_move(struct world *w, const struct step *s, struct result *r)
{
	static char buf[BUFFER];
	int n;

	if (s->op == OP_READ) {
		n = (int)w->w_read(w->w_fd[s->a], buf, s->n);
		if (n == 8)
			memcpy(&r->value, buf, 8);
		return n;
	}
	memset(buf, 0, sizeof(buf));
	buf[0] = (char)s->flags;
	if (s->flags == 15)
		memset(buf, 0xff, 8);
	if (s->flags == 14) {
		memset(buf, 0xff, 8);
		buf[0]--;
	}
	return (int)w->w_write(w->w_fd[s->a], buf, s->n);
}

static int
perform(struct world *w, const struct step *s, unsigned n, struct result *r)
{
	int ret;

	switch (s->op) {
	case OP_PIPE:
		return do_pipe(w, s);
	case OP_EVENTFD:
		return keep(w,
		    w->w_eventfd((unsigned)s->flags / 2,
			EFD_NONBLOCK |
			    ((s->flags & 1) != 0 ? EFD_SEMAPHORE : 0)),
		    s->a);
	case OP_EPOLL:
		return keep(w, w->w_epoll(0), s->a);
	case OP_FIFO:
		return do_fifo(w, s);
	case OP_CLOSE:
		ret = w->w_close(w->w_fd[s->a]);
		w->w_fd[s->a] = -1;
		return ret;
	case OP_DUP:
		return keep(w, w->w_dup(w->w_fd[s->a]), s->b);
	case OP_DUP2:
		return do_dup2(w, s);
	case OP_CTL:
		return do_ctl(w, s, n);
	case OP_WAIT:
		return do_wait(w, s, r);
	case OP_POLL:
		return do_poll(w, s, r);
	case OP_SELECT:
		return do_select(w, s, r);
	default:
		return do_move(w, s, r);
	}
}

static void
show(const char *who, const struct result *r)
{
	int i;

	printf("  %s: %d errno %d value %#llx", who, r->ret, r->error,
	    (unsigned long long)r->value);
	for (i = 0; i < NEVENT; i++)
		if (r->events[i] != 0)
			printf(" [%llu: %#x]", (unsigned long long)r->data[i],
			    r->events[i]);
	for (i = 0; i < NPOLL; i++)
		printf(" %#x/%d%d%d", (unsigned short)r->revents[i],
		    r->set[0][i], r->set[1][i], r->set[2][i]);
	printf("\n");
}

static void
show_step(unsigned n, const struct step *s)
{
	int i;

	printf("%u: %s slots %d %d flags %d events %#x n %u;", n,
	    opnames[s->op], s->a, s->b, s->flags, s->events, s->n);
	for (i = 0; i < NPOLL && s->op >= OP_POLL; i++)
		printf(" %d:%#x", s->slots[i], (unsigned short)s->wanted[i]);
	printf("\n");
}

static void
prepare(struct world *w, const char *dir, int (*makefifo)(const char *, mode_t))
{
	char path[64];
	int i;

	w->w_dir = dir;
	for (i = 0; i < NFDS; i++)
		w->w_fd[i] = -1;
	for (i = 0; i < NFIFOS; i++) {
		(void)snprintf(path, sizeof(path), "%s/%d", dir, i);
		if (makefifo(path, 0600) != 0)
			host_refuses(path);
	}
}

static void
finish(struct world *w)
{
	int i;

	for (i = 0; i < NFDS; i++)
		if (w->w_fd[i] != -1)
			(void)w->w_close(w->w_fd[i]);
}

static bool
run(uint64_t seed, unsigned steps)
{
	char hostdir[] = "/dev/shm/event.XXXXXX", rumpdir[32], cmd[64];
	struct result rh, rr;
	struct step s;
	bool same = true;
	unsigned n;

	rnd_seed(seed);
	(void)snprintf(
	    rumpdir, sizeof(rumpdir), "/%llu", (unsigned long long)seed);
	if (mkdtemp(hostdir) == NULL || rump_sys_mkdir(rumpdir, 0700) != 0)
		host_refuses("mkdir");
	prepare(&host, hostdir, mkfifo);
	prepare(&rump, rumpdir, rump_sys_mkfifo);
	for (n = 0; n < steps && same; n++) {
		pick(&s);
		memset(&rh, 0, sizeof(rh));
		memset(&rr, 0, sizeof(rr));
		errno = 0;
		rh.ret = perform(&host, &s, n, &rh);
		rh.error = rh.ret < 0 ? errno : 0;
		errno = 0;
		rr.ret = perform(&rump, &s, n, &rr);
		rr.error = rr.ret < 0 ? errno : 0;
		same = memcmp(&rh, &rr, sizeof(rh)) == 0;
		if (verbose || !same) {
			show_step(n, &s);
			show("host", &rh);
		}
		if (!same)
			show("here", &rr);
	}
	if (!same)
		printf("event: seed %llu, step %u\n", (unsigned long long)seed,
		    n - 1);
	finish(&host);
	finish(&rump);
	(void)snprintf(cmd, sizeof(cmd), "rm -rf %s", hostdir);
	if (system(cmd) != 0)
		host_refuses(cmd);
	return same;
}

int
main(int argc, char **argv)
{
	unsigned steps = argc > 2 ? (unsigned)atoi(argv[2]) : 4000;
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	uint64_t last = argc > 1 ? seed : 8;
	bool same = true;

	verbose = argc > 3;
	(void)signal(SIGPIPE, SIG_IGN);
	rump_boot_setsigmodel(RUMP_SIGMODEL_IGNORE);
	if (rump_init() != 0 || rump_pub_lwproc_rfork(RUMP_RFCFDG) != 0)
		host_refuses("rump_init");
	for (; seed <= last && same; seed++)
		same = run(seed, steps);
	return same ? 0 : 1;
}
