/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An event loop that was written for Linux runs on the kernel: libev's, with
 * its backends epoll, poll and select, with and without signalfd.  Timers,
 * many pipes, signals, children, files that change and wake-ups from another
 * host thread, each by libev's own watchers.
 */
#include <sys/wait.h>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <ev.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "evloop.h"

#define NPIPES	100
#define ROUNDS	50
#define NTIMERS 5
#define NASYNC	200
#define NSIGS	20
#define LATE	60. /* seconds after which the loop is stuck */

static const char *what;

#define CHECK(expr)                                                          \
	do {                                                                 \
		if (!(expr)) {                                               \
			fprintf(stderr, "evloop: %s: line %d: not so: %s\n", \
			    what, __LINE__, #expr);                          \
			exit(1);                                             \
		}                                                            \
	} while (0)

static double
now(void)
{
	struct timespec ts;

	(void)rump_sys_clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
stuck(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)loop, (void)t, (void)events;
	fprintf(stderr, "evloop: %s: stuck\n", what);
	exit(1);
}

/* Run until something breaks the loop. */
static void
run(struct ev_loop *loop)
{
	ev_timer late;

	ev_timer_init(&late, stuck, LATE, 0.);
	ev_timer_start(loop, &late);
	(void)ev_run(loop, 0);
	ev_timer_stop(loop, &late);
}

/*
 * Timers, the last first
 */

static int ntimers;
static double began;

static void
on_timer(struct ev_loop *loop, ev_timer *t, int events)
{
	int n = *(int *)t->data;

	CHECK(events == EV_TIMER);
	CHECK(n == ntimers);
	CHECK(now() - began >= 0.01 * (n + 1) - 0.002);
	if (++ntimers == NTIMERS)
		ev_break(loop, EVBREAK_ALL);
}

static void
timers(struct ev_loop *loop)
{
	static const int order[NTIMERS] = {4, 2, 0, 3, 1};
	static int numbers[NTIMERS];
	ev_timer t[NTIMERS];

	ntimers = 0;
	ev_now_update(loop);
	began = now();
	for (int i = 0; i < NTIMERS; i++) {
		numbers[i] = order[i];
		ev_timer_init(&t[i], on_timer, 0.01 * (order[i] + 1), 0.);
		t[i].data = &numbers[i];
		ev_timer_start(loop, &t[i]);
	}
	run(loop);
	CHECK(ntimers == NTIMERS);
}

static void
on_repeat(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)events;
	if (++ntimers == 10) {
		ev_timer_stop(loop, t);
		ev_break(loop, EVBREAK_ALL);
	}
}

static void
repeated(struct ev_loop *loop)
{
	ev_timer t;

	ntimers = 0;
	ev_now_update(loop);
	began = now();
	ev_timer_init(&t, on_repeat, 0.002, 0.002);
	ev_timer_start(loop, &t);
	run(loop);
	CHECK(ntimers == 10);
	CHECK(now() - began >= 0.018);
}

/*
 * A ring of pipes, with a token in it
 */

static int pipes[NPIPES][2];
static ev_io readers[NPIPES];
static int hops;

static void
on_token(struct ev_loop *loop, ev_io *io, int events)
{
	int n = (int)(io - readers), token = -1;

	CHECK(events == EV_READ && io->fd == pipes[n][0]);
	CHECK(rump_sys_read(io->fd, &token, sizeof(token)) == sizeof(token));
	CHECK(token == hops && n == hops % NPIPES);
	if (++hops == NPIPES * ROUNDS) {
		ev_break(loop, EVBREAK_ALL);
		return;
	}
	n = (n + 1) % NPIPES;
	CHECK(rump_sys_write(pipes[n][1], &hops, sizeof(hops)) == sizeof(hops));
}

static void
ring(struct ev_loop *loop)
{
	hops = 0;
	for (int i = 0; i < NPIPES; i++) {
		CHECK(rump_sys_pipe(pipes[i]) == 0);
		ev_io_init(&readers[i], on_token, pipes[i][0], EV_READ);
		ev_io_start(loop, &readers[i]);
	}
	CHECK(rump_sys_write(pipes[0][1], &hops, sizeof(hops)) == sizeof(hops));
	run(loop);
	CHECK(hops == NPIPES * ROUNDS);
	for (int i = 0; i < NPIPES; i++) {
		ev_io_stop(loop, &readers[i]);
		CHECK(rump_sys_close(pipes[i][0]) == 0);
		CHECK(rump_sys_close(pipes[i][1]) == 0);
	}
}

/*
 * Writing as much as goes, and reading it
 */

#define STREAM (4 << 20)

static size_t put, taken;

static void
on_room(struct ev_loop *loop, ev_io *io, int events)
{
	static char buf[8000];
	ssize_t n;

	CHECK(events == EV_WRITE);
	n = rump_sys_write(io->fd, buf,
	    STREAM - put < sizeof(buf) ? STREAM - put : sizeof(buf));
	CHECK(n > 0);
	put += (size_t)n;
	if (put == STREAM) {
		ev_io_stop(loop, io);
		CHECK(rump_sys_close(io->fd) == 0);
	}
}

static void
on_data(struct ev_loop *loop, ev_io *io, int events)
{
	static char buf[5000];
	ssize_t n = rump_sys_read(io->fd, buf, sizeof(buf));

	CHECK(events == EV_READ && n >= 0);
	taken += (size_t)n;
	if (n == 0)
		ev_break(loop, EVBREAK_ALL);
}

static void
stream(struct ev_loop *loop)
{
	ev_io in, out;
	int fds[2];

	put = taken = 0;
	CHECK(rump_sys_pipe2(fds, O_NONBLOCK) == 0);
	ev_io_init(&in, on_data, fds[0], EV_READ);
	ev_io_init(&out, on_room, fds[1], EV_WRITE);
	ev_io_start(loop, &in);
	ev_io_start(loop, &out);
	run(loop);
	CHECK(put == STREAM && taken == STREAM);
	ev_io_stop(loop, &in);
	CHECK(rump_sys_close(fds[0]) == 0);
}

/*
 * Signals
 */

static int nsigs;

static void
on_signal(struct ev_loop *loop, ev_signal *s, int events)
{
	CHECK(events == EV_SIGNAL && s->signum == SIGUSR1);
	if (++nsigs == NSIGS)
		ev_break(loop, EVBREAK_ALL);
}

static void
send_signal(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)loop, (void)t, (void)events;
	CHECK(rump_sys_kill(rump_sys_getpid(), SIGUSR1) == 0);
}

static void
signals(struct ev_loop *loop)
{
	ev_signal s;
	ev_timer t;

	nsigs = 0;
	ev_signal_init(&s, on_signal, SIGUSR1);
	ev_signal_start(loop, &s);
	ev_timer_init(&t, send_signal, 0.001, 0.001);
	ev_timer_start(loop, &t);
	run(loop);
	ev_timer_stop(loop, &t);
	ev_signal_stop(loop, &s);
	CHECK(nsigs == NSIGS);
}

/*
 * Wake-ups from another host thread
 */

static struct ev_loop *async_loop;
static ev_async async;
static _Atomic int sent;
static pid_t pid;
static int woken;

static void *
sender(void *arg)
{
	CHECK(rump_pub_lwproc_newlwp(pid) == 0);
	for (int i = 0; i < NASYNC; i++) {
		sent = i + 1;
		ev_async_send(async_loop, &async);
		if (i % 16 == 0)
			(void)nanosleep(&(struct timespec){0, 1000000}, NULL);
	}
	rump_pub_lwproc_releaselwp();
	return arg;
}

static void
on_async(struct ev_loop *loop, ev_async *a, int events)
{
	(void)a;
	CHECK(events == EV_ASYNC);
	woken++;
	if (sent == NASYNC)
		ev_break(loop, EVBREAK_ALL);
}

static void
asyncs(struct ev_loop *loop)
{
	pthread_t t;

	sent = woken = 0;
	pid = rump_sys_getpid();
	async_loop = loop;
	ev_async_init(&async, on_async);
	ev_async_start(loop, &async);
	CHECK(pthread_create(&t, NULL, sender, NULL) == 0);
	run(loop);
	CHECK(pthread_join(t, NULL) == 0);
	ev_async_stop(loop, &async);
	CHECK(woken > 0 && woken <= NASYNC);
}

/*
 * Files
 */

static void
on_stat(struct ev_loop *loop, ev_stat *s, int events)
{
	CHECK(events == EV_STAT);
	CHECK(s->attr.st_nlink == 1 && s->attr.st_size == 3);
	ev_break(loop, EVBREAK_ALL);
}

static void
change_file(struct ev_loop *loop, ev_timer *t, int events)
{
	int fd = rump_sys_open("/file", O_WRONLY);

	(void)loop, (void)t, (void)events;
	CHECK(rump_sys_write(fd, "abc", 3) == 3);
	CHECK(rump_sys_close(fd) == 0);
}

static void
files(struct ev_loop *loop)
{
	ev_stat s;
	ev_timer t;

	CHECK(rump_sys_close(rump_sys_open(
		  "/file", O_CREAT | O_TRUNC | O_WRONLY, 0600)) == 0);
	/* Much later, if inotify did not tell. */
	ev_stat_init(&s, on_stat, "/file", LATE * 2);
	ev_stat_start(loop, &s);
	ev_timer_init(&t, change_file, 0.01, 0.);
	ev_timer_start(loop, &t);
	run(loop);
	ev_stat_stop(loop, &s);
}

/*
 * Children, of the default loop only
 */

static void
on_child(struct ev_loop *loop, ev_child *c, int events)
{
	CHECK(events == EV_CHILD);
	CHECK(WIFEXITED(c->rstatus) && WEXITSTATUS(c->rstatus) == 7);
	ev_child_stop(loop, c);
	ev_break(loop, EVBREAK_ALL);
}

static void
children(struct ev_loop *loop)
{
	struct lwp *me = rump_pub_lwproc_curlwp(), *child;
	ev_child c;

	CHECK(rump_pub_lwproc_rfork(RUMP_RFFDG) == 0);
	child = rump_pub_lwproc_curlwp();
	ev_child_init(&c, on_child, rump_sys_getpid(), 0);
	rump_pub_lwproc_switch(me);
	ev_child_start(loop, &c);
	rump_pub_lwproc_switch(child);
	CHECK(rump_sys_exit(7) == 0);
	rump_pub_lwproc_switch(me);
	run(loop);
}

static void
all(struct ev_loop *loop, const char *name)
{
	static const struct {
		const char *name;
		void (*fn)(struct ev_loop *);
	} parts[] = {{"timers", timers}, {"repeated", repeated}, {"ring", ring},
	    {"stream", stream}, {"signals", signals}, {"asyncs", asyncs},
	    {"files", files}};
	unsigned long before = wrapped;
	char text[64];

	CHECK(loop != NULL);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		(void)snprintf(
		    text, sizeof(text), "%s, %s", name, parts[i].name);
		what = text;
		parts[i].fn(loop);
	}
	/* They were calls of the kernel. */
	CHECK(wrapped > before + NPIPES);
	what = name;
}

int
main(void)
{
	static const struct {
		const char *name;
		unsigned flags;
	} kinds[] = {{"epoll", EVBACKEND_EPOLL},
	    {"epoll with signalfd", EVBACKEND_EPOLL | EVFLAG_SIGNALFD},
	    {"poll", EVBACKEND_POLL},
	    {"select with signalfd", EVBACKEND_SELECT | EVFLAG_SIGNALFD}};
	struct ev_loop *loop;

	what = "boot";
	CHECK(rump_init() == 0);
	CHECK(rump_pub_lwproc_rfork(RUMP_RFCFDG) == 0);
	/* A program's first descriptors are not these. */
	for (int i = 0; i < 3; i++)
		CHECK(rump_sys_open("/dev/null", O_RDWR) == i);
	loop = ev_default_loop(EVBACKEND_EPOLL | EVFLAG_NOENV);
	all(loop, "default");
	what = "children";
	children(loop);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		loop = ev_loop_new(kinds[i].flags | EVFLAG_NOENV);
		all(loop, kinds[i].name);
		ev_loop_destroy(loop);
	}
	return 0;
}
