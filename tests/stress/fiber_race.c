/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Many fibers in some processes, which wait for pipes, times and signals, send
 * them to each other and close what others wait for; then as many as there can
 * be, all asleep at once.  All on one host thread, so that a seed gives the
 * same steps again, but for the times.
 *
 *	fiber_race [seed [steps]]
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>

#include <rump/rumpfiber.h>

#include "stress.h"

/* The sanitizers make fibers dear; ThreadSanitizer has 8000 at most. */
#if defined(__SANITIZE_ADDRESS__)
#define FIBERS	 2000
#define SLEEPERS 10000
#elif defined(__SANITIZE_THREAD__)
#define FIBERS	 500
#define SLEEPERS 1000
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FIBERS	 500
#define SLEEPERS 1000
#endif
#endif
#ifndef FIBERS
#define FIBERS	 10000
#define SLEEPERS 100000
#endif

#define PROCS 20
#define STEPS 20

/* Mappings that the host allows are 65530 by default. */
#define MAPPINGS 20000

static struct group {
	struct lwp *lwp; /* main's */
	pid_t pid;
	int fds[2]; /* a pipe of the process's */
} groups[PROCS];

static struct member {
	struct tester m_tester;
	struct group *m_group;
	struct rump_fiber *m_fiber;
} members[FIBERS];

static struct member *member; /* that has begun a step */
static struct rump_fiber *sleepers[SLEEPERS];
static volatile sig_atomic_t handled;

static void
handler(int signo)
{
	(void)signo;
	handled++;
}

/* The result of a call: not -1, or one of these two errors. */
static void
allow(long got, int e1, int e2)
{
	if (got == -1 && errno != e1 && errno != e2)
		differ("not to be expected");
}

/* Up to so many microseconds. */
static struct timespec
a_while(uint64_t us)
{
	return (struct timespec){0, (long)rnd(us * 1000)};
}

static void
step_yield(void)
{
	rump_fiber_yield();
}

static void
step_sleep(void)
{
	struct timespec ts = a_while(2000);

	allow(rump_sys_nanosleep(&ts, NULL), EINTR, EINTR);
}

static void
step_read(void)
{
	char buf[8];

	allow(rump_sys_read(member->m_group->fds[0], buf, 1 + rnd(8)), EINTR,
	    EBADF);
}

static void
step_poll(void)
{
	struct pollfd pfd[2] = {
	    {.fd = member->m_group->fds[0], .events = POLLIN},
	    {.fd = groups[rnd(PROCS)].fds[0], .events = POLLIN}};

	allow(rump_sys_poll(pfd, 2, (int)rnd(4)), EINTR, EINTR);
}

/* Never waits: the pipe would be full of it. */
static void
step_write(void)
{
	if (rump_sys_write(member->m_group->fds[1], "12345678", 1 + rnd(8)) ==
		-1 &&
	    errno != EAGAIN && errno != EBADF && errno != EPIPE &&
	    errno != EINTR)
		differ("write");
}

static void
step_kill(void)
{
	want(0, rump_sys_kill(
		    groups[rnd(PROCS)].pid, rnd(2) == 0 ? SIGUSR1 : SIGUSR2));
}

static void
step_sigwait(void)
{
	struct timespec ts = a_while(1000);
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	allow(rump_sys_sigtimedwait(&set, NULL, &ts), EINTR, EAGAIN);
}

static void
group_pipe(struct group *g)
{
	want(0, rump_sys_pipe2(g->fds, 0));
	want(0, rump_sys_fcntl(g->fds[1], F_SETFL, O_NONBLOCK));
}

/* Another pipe for the process: who reads from the old one comes to its end. */
static void
step_close(void)
{
	struct group *g = member->m_group;
	int old[2] = {g->fds[0], g->fds[1]};

	group_pipe(g);
	want(0, rump_sys_close(old[1]));
	want(0, rump_sys_close(old[0]));
}

static const struct action actions[] = {
    {4, "yield", step_yield},
    {4, "sleep", step_sleep},
    {4, "read", step_read},
    {4, "poll", step_poll},
    {8, "write", step_write},
    {2, "kill", step_kill},
    {2, "sigwait", step_sigwait},
    {1, "close", step_close},
};

static void *
member_main(void *arg)
{
	struct member *m = arg;

	for (long i = 0; i < steps; i++) {
		me = &m->m_tester;
		member = m;
		me->step++;
		one_step(actions, sizeof(actions) / sizeof(actions[0]));
	}
	return m;
}

static void
group_make(struct group *g)
{
	struct sigaction sa = {.sa_handler = handler};
	sigset_t set;

	want(0, rump_pub_lwproc_rfork(RUMP_RFCFDG));
	g->lwp = rump_pub_lwproc_curlwp();
	g->pid = rump_sys_getpid();
	want(0, rump_sys_sigaction(SIGUSR1, &sa, NULL));
	sa.sa_handler = SIG_IGN;
	want(0, rump_sys_sigaction(SIGPIPE, &sa, NULL));
	group_pipe(g);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	want(0, rump_sys_sigprocmask(SIG_BLOCK, &set, NULL));
}

static void
members_make(void)
{
	for (int i = 0; i < FIBERS; i++) {
		struct member *m = &members[i];

		m->m_group = &groups[i % PROCS];
		m->m_tester.id = i;
		m->m_tester.random =
		    (seed + 1) * 0x9e3779b97f4a7c15ULL + (uint64_t)i;
		m->m_tester.doing = "start";
		if (rump_pub_lwproc_curlwp() != m->m_group->lwp)
			rump_pub_lwproc_switch(m->m_group->lwp);
		want(0, rump_fiber_create(
			    &m->m_fiber, member_main, m, 0, "member"));
	}
}

/* Who waits for what nobody sends any more comes to the end of its pipe. */
static void
members_finish(void)
{
	int error;

	while ((error = rump_fiber_run()) == EDEADLK) {
		for (int i = 0; i < PROCS; i++) {
			if (rump_pub_lwproc_curlwp() != groups[i].lwp)
				rump_pub_lwproc_switch(groups[i].lwp);
			member = &members[i];
			step_close();
		}
	}
	want(0, error);
}

static void
race(void)
{
	void *result;

	for (int i = 0; i < PROCS; i++)
		group_make(&groups[i]);
	members_make();
	members_finish();
	for (int i = 0; i < FIBERS; i++) {
		want(0, rump_fiber_join(members[i].m_fiber, &result));
		if (result != &members[i])
			differ("result of fiber %d", i);
	}
	for (int i = 0; i < PROCS; i++) {
		if (rump_pub_lwproc_curlwp() != groups[i].lwp)
			rump_pub_lwproc_switch(groups[i].lwp);
		rump_pub_lwproc_releaselwp();
	}
}

static void *
sleeper_main(void *arg)
{
	char c;

	want(0, rump_sys_read(*(int *)arg, &c, 1));
	return NULL;
}

static int
count_mappings(void)
{
	FILE *f = fopen("/proc/self/maps", "r");
	int c, n = 0;

	if (f == NULL)
		differ("/proc/self/maps");
	while ((c = getc(f)) != EOF)
		n += c == '\n';
	fclose(f);
	return n;
}

static void
crowd(void)
{
	int fds[2], n;

	want(0, rump_pub_lwproc_rfork(RUMP_RFCFDG));
	want(0, rump_sys_pipe(fds));
	for (int i = 0; i < SLEEPERS; i++)
		want(0, rump_fiber_create(
			    &sleepers[i], sleeper_main, &fds[0], 0, NULL));
	want(EDEADLK, rump_fiber_run());
	if ((n = count_mappings()) > MAPPINGS)
		differ("%d mappings", n);
	want(0, rump_sys_close(fds[1]));
	want(0, rump_fiber_run());
	for (int i = 0; i < SLEEPERS; i++)
		want(0, rump_fiber_join(sleepers[i], NULL));
	rump_pub_lwproc_releaselwp();
}

int
main(int argc, char *argv[])
{
	struct rump_memstat before, after;

	seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
	steps = argc > 2 ? strtol(argv[2], NULL, 10) : STEPS;
	rump_boot_setsigmodel(RUMP_SIGMODEL_POSIX);
	want(0, rump_boot_setthreads("fiber"));
	want(0, rump_init());
	memstat(&before);
	race();
	memstat(&after);
	compare(&before, &after);
	if (steps == STEPS && handled == 0)
		differ("no signal was handled");
	crowd();
	memstat(&after);
	compare(&before, &after);
	return 0;
}
