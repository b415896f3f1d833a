/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nobody sleeps for good: eight host threads, each a process of its own, wait
 * in every way there is for what another one does when it is asked to, while
 * signals interrupt them and descriptors that some of them poll are closed.
 *
 *	wait_race [seed [steps]]
 *
 * A wait has no timeout: who is not woken is stuck, which is what is looked
 * for.  What sleeps for a time, or for a lock, ends by itself.
 */
#include <sys/epoll.h>
#include <sys/file.h>

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>

#include <rump/rump_event.h>

#include "stress.h"

#define NSLOTS 4

enum ask { ASK_NONE, ASK_WRITE, ASK_WRITE_BLOCKING, ASK_SIGNAL };

/* One of the eight; all of its descriptors are in everybody's table. */
static struct waiter {
	struct lwp *lwp;
	pid_t pid;
	int pipe[2];	 /* non-blocking */
	int blocking[2]; /* blocking */
	int epfd, kq, lock;
	_Atomic int ask;
	struct lwp *_Atomic child; /* that is to end */
} waiters[NTHREADS];

static _Atomic int slots[NSLOTS][2]; /* pipes that come and go */
static _Atomic bool over;
static _Atomic int holder; /* of the lock; 0: nobody */

static struct waiter *
mine(void)
{
	return &waiters[me->id];
}

static int
some_slot(void)
{
	return slots[rnd(NSLOTS)][0];
}

static void
ask(enum ask what)
{
	atomic_store(&mine()->ask, what);
}

/* What is waited for by sigtimedwait ends no process meanwhile. */
static void
block_signal(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	want(0, rump_sys_sigprocmask(SIG_BLOCK, &set, NULL));
}

/* Wait until there is a byte. */
static void
await_byte(int (*wait)(struct waiter *))
{
	struct waiter *wt = mine();
	char c;

	ask(ASK_WRITE);
	for (;;) {
		if (wait(wt) == -1 && errno != EINTR)
			differ("the wait");
		if (rump_sys_read(wt->pipe[0], &c, 1) == 1)
			return;
		if (errno != EAGAIN)
			differ("read");
	}
}

static int
wait_poll(struct waiter *wt)
{
	struct pollfd p[2] = {{some_slot(), 0, 0}, {wt->pipe[0], POLLIN, 0}};

	return rump_sys_poll(p, 2, -1);
}

static int
wait_epoll(struct waiter *wt)
{
	int fd = some_slot();
	struct epoll_event ev = {EPOLLIN | EPOLLET, {.fd = fd}};

	(void)rump_sys_epoll_ctl(wt->epfd, EPOLL_CTL_ADD, fd, &ev);
	return rump_sys_epoll_wait(wt->epfd, &ev, 1, -1);
}

static int
wait_kevent(struct waiter *wt)
{
	struct kevent kev;

	EV_SET(&kev, some_slot(), EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0, NULL);
	(void)rump_sys_kevent(wt->kq, &kev, 1, NULL, 0, NULL);
	return rump_sys_kevent(wt->kq, NULL, 0, &kev, 1, NULL);
}

static void
do_poll(void)
{
	await_byte(wait_poll);
}

static void
do_epoll(void)
{
	await_byte(wait_epoll);
}

static void
do_kevent(void)
{
	await_byte(wait_kevent);
}

static void
do_read(void)
{
	char c;

	ask(ASK_WRITE_BLOCKING);
	while (rump_sys_read(mine()->blocking[0], &c, 1) != 1)
		if (errno != EINTR)
			differ("read");
}

static void
do_sigwait(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	ask(ASK_SIGNAL);
	while (rump_sys_sigtimedwait(&set, NULL, NULL) != SIGRTMIN)
		if (errno != EINTR)
			differ("sigtimedwait");
}

static void
do_sleep(void)
{
	struct timespec ts = {0, (long)rnd(500000)};

	if (rump_sys_nanosleep(&ts, NULL) != 0 && errno != EINTR)
		differ("nanosleep");
}

static void
do_flock(void)
{
	int nobody = 0;

	while (rump_sys_flock(mine()->lock, LOCK_EX) != 0)
		if (errno != EINTR)
			differ("flock");
	if (!atomic_compare_exchange_strong(&holder, &nobody, me->id + 1))
		differ("thread %d has the lock, too", nobody - 1);
	if (rnd(4) == 0)
		sched_yield();
	atomic_store(&holder, 0);
	want(0, rump_sys_flock(mine()->lock, LOCK_UN));
}

static void
do_wait(void)
{
	struct lwp *child;
	pid_t pid, got;
	int status;

	want(0, rump_pub_lwproc_rfork(RUMP_RFCFDG));
	pid = rump_sys_getpid();
	child = rump_pub_lwproc_curlwp();
	rump_pub_lwproc_switch(mine()->lwp);
	atomic_store(&mine()->child, child);
	while ((got = rump_sys_wait4(pid, &status, 0, NULL)) == -1)
		if (errno != EINTR)
			differ("wait4");
	want(pid, got);
	want(3 << 8, status);
}

static const struct action actions[] = {
    {3, "poll", do_poll},
    {3, "epoll_wait", do_epoll},
    {3, "kevent", do_kevent},
    {3, "read", do_read},
    {3, "sigtimedwait", do_sigwait},
    {2, "nanosleep", do_sleep},
    {3, "flock", do_flock},
    {2, "wait4", do_wait},
};

static void *
tester_main(void *arg)
{
	me = arg;
	rump_pub_lwproc_switch(mine()->lwp);
	for (; me->step < steps; me->step++)
		one_step(actions, sizeof(actions) / sizeof(actions[0]));
	rump_pub_lwproc_switch(NULL);
	return NULL;
}

/*
 * The one that is asked
 */

static void
answer(struct waiter *wt)
{
	const union sigval value = {.sival_int = 1};

	switch (atomic_exchange(&wt->ask, ASK_NONE)) {
	case ASK_WRITE:
		want(1, rump_sys_write(wt->pipe[1], "x", 1));
		break;
	case ASK_WRITE_BLOCKING:
		want(1, rump_sys_write(wt->blocking[1], "x", 1));
		break;
	case ASK_SIGNAL:
		want(0, rump_sys_sigqueue(wt->pid, SIGRTMIN, value));
		break;
	}
}

static void
end_child(struct waiter *wt)
{
	struct lwp *self = rump_pub_lwproc_curlwp();
	struct lwp *child = atomic_exchange(&wt->child, NULL);

	if (child == NULL)
		return;
	rump_pub_lwproc_switch(child);
	want(0, rump_sys_exit(3));
	rump_pub_lwproc_switch(self);
}

/* A pipe goes, under whoever polls it, and another one comes. */
static void
replace_slot(void)
{
	uint64_t i = rnd(NSLOTS);
	int fds[2];

	want(0, rump_sys_pipe2(fds, O_NONBLOCK));
	for (int k = 0; k < 2; k++) {
		fds[k] = atomic_exchange(&slots[i][k], fds[k]);
		if (fds[k] != -1)
			want(0, rump_sys_close(fds[k]));
	}
}

static void *
answer_main(void *arg)
{
	me = arg;
	if (rump_pub_lwproc_newlwp(waiters[0].pid) != 0)
		differ("newlwp");
	block_signal();
	while (!atomic_load(&over)) {
		for (int i = 0; i < NTHREADS; i++) {
			end_child(&waiters[i]);
			answer(&waiters[i]);
		}
		if (rnd(8) == 0)
			want(0,
			    rump_sys_kill(waiters[rnd(NTHREADS)].pid, SIGUSR1));
		if (rnd(4) == 0)
			replace_slot();
		if (rnd(8) == 0)
			(void)rump_sys_write(slots[rnd(NSLOTS)][1], "y", 1);
		sched_yield();
	}
	rump_pub_lwproc_releaselwp();
	return NULL;
}

/*
 * Rounds
 */

static void
on_signal(int signo)
{
	(void)signo;
}

static void
waiter_make(struct waiter *wt, bool restart)
{
	struct sigaction sa = {.sa_flags = restart ? SA_RESTART : 0};
	struct epoll_event ev = {EPOLLIN, {.fd = 0}};
	struct kevent kev;

	wt->lwp = rump_pub_lwproc_curlwp();
	wt->pid = rump_sys_getpid();
	sa.sa_handler = on_signal;
	want(0, rump_sys_sigaction(SIGUSR1, &sa, NULL));
	block_signal();
	want(0, rump_sys_pipe2(wt->pipe, O_NONBLOCK));
	want(0, rump_sys_pipe2(wt->blocking, 0));
	wt->epfd = rump_sys_epoll_create1(0);
	wt->kq = rump_sys_kqueue();
	wt->lock = rump_sys_open("/lock", O_CREAT | O_RDWR, 0600);
	want(0, rump_sys_epoll_ctl(wt->epfd, EPOLL_CTL_ADD, wt->pipe[0], &ev));
	EV_SET(&kev, wt->pipe[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
	want(0, rump_sys_kevent(wt->kq, &kev, 1, NULL, 0, NULL));
}

static void
round_of(long n, uint64_t first)
{
	static struct tester self = {.id = NTHREADS, .random = 1}, other;
	pthread_t answerer;

	me = &self;
	for (int i = 0; i < NSLOTS; i++)
		slots[i][0] = slots[i][1] = -1;
	/* The first has a table that the others share. */
	for (int i = 0; i < NTHREADS; i++) {
		want(0, rump_pub_lwproc_rfork(i == 0 ? RUMP_RFCFDG : 0));
		waiter_make(&waiters[i], i % 2 == 0);
		if (i > 0)
			rump_pub_lwproc_switch(waiters[0].lwp);
	}
	rump_pub_lwproc_switch(NULL);
	atomic_store(&over, false);
	other.id = NTHREADS;
	other.random = first + 1;
	if (pthread_create(&answerer, NULL, answer_main, &other) != 0)
		differ("no host thread");
	steps = n / NTHREADS;
	run_testers(first, tester_main);
	me = &self;
	atomic_store(&over, true);
	if (pthread_join(answerer, NULL) != 0)
		differ("pthread_join");
	for (int i = NTHREADS; i-- > 0;) {
		rump_pub_lwproc_switch(waiters[i].lwp);
		rump_pub_lwproc_releaselwp();
	}
}

int
main(int argc, char **argv)
{
	struct rump_memstat start, end;
	long wanted;

	seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	wanted = argc > 2 ? strtol(argv[2], NULL, 0) : 12000;
	rump_boot_setsigmodel(RUMP_SIGMODEL_POSIX);
	if (rump_init() != 0)
		differ("rump_init");
	round_of(800, 0);
	memstat(&start);
	for (int round = 0; round < 2; round++) {
		round_of(wanted / 2, seed + (uint64_t)round);
		memstat(&end);
		compare(&start, &end);
	}
	return 0;
}
