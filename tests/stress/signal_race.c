/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals and ends of processes from all sides: eight host threads, four
 * processes of two lwps each, and children that come and go.
 *
 *	signal_race [seed [steps]]
 *
 * What holds whatever the others do:
 *
 *	handler	runs in an lwp that does not block the signal, which is
 *		blocked while it runs
 *	queue	no queued signal is lost: as many arrive as were sent
 *	wait	a child is waited for once, and its status is what it gave
 *
 * In the end the kernel's memory and processes are what they were.
 */
#include <sys/wait.h>

#include <signal.h>

#include "../lib/stress.h"

#define NPROCS 4

#define arraycount(a) (sizeof(a) / sizeof((a)[0]))

static struct lwp *first[NPROCS];
static pid_t pids[NPROCS];
static _Atomic long sent, arrived;

static void
on_signal(int sig)
{
	sigset_t now;

	want(0, rump_sys_sigprocmask(SIG_BLOCK, NULL, &now));
	want(1, sigismember(&now, sig));
	if (sig == SIGRTMIN)
		arrived++;
}

static pid_t
anybody(void)
{
	return pids[rnd(NPROCS)];
}

static void
do_kill(void)
{
	want(0, rump_sys_kill(anybody(), rnd(2) == 0 ? SIGUSR1 : SIGUSR2));
}

static void
do_tgkill(void)
{
	(void)rump_sys_tgkill(anybody(), 1 + (int)rnd(3), SIGUSR1);
}

static void
do_queue(void)
{
	union sigval value = {.sival_int = me->id};

	want(0, rump_sys_sigqueue(anybody(), SIGRTMIN, value));
	sent++;
}

static void
do_mask(void)
{
	sigset_t set;

	sigemptyset(&set);
	for (int sig = SIGUSR1; sig <= SIGUSR2; sig++)
		if (rnd(2) == 0)
			sigaddset(&set, sig);
	if (rnd(2) == 0)
		sigaddset(&set, SIGRTMIN);
	want(0, rump_sys_sigprocmask(SIG_SETMASK, &set, NULL));
}

static void
do_take(void)
{
	const struct timespec some = {0, (long)rnd(2) * 100000};
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	if ((sig = rump_sys_sigtimedwait(&set, NULL, &some)) == SIGRTMIN)
		arrived++;
	else if (errno != EAGAIN && errno != EINTR)
		differ("sigtimedwait: %d", sig);
}

static void
do_action(void)
{
	struct sigaction sa = {.sa_flags = rnd(2) == 0 ? SA_RESTART : 0};

	sa.sa_handler = rnd(4) == 0 ? SIG_IGN : on_signal;
	want(0, rump_sys_sigaction(SIGUSR2, &sa, NULL));
}

/* A child of this lwp's process ends, one way or the other. */
static void
do_child(void)
{
	struct lwp *parent = rump_pub_lwproc_curlwp();
	int status, code = (int)rnd(100);
	pid_t pid, got;
	bool killed = rnd(2) == 0;

	if (rump_pub_lwproc_rfork(RUMP_RFCFDG) != 0)
		differ("rfork");
	pid = rump_sys_getpid();
	if (killed) {
		want(0, rump_sys_kill(pid, SIGKILL));
		rump_pub_lwproc_releaselwp();
	} else
		want(0, rump_sys_exit(code));
	rump_pub_lwproc_switch(parent);
	do
		got = rump_sys_waitpid(pid, &status, 0);
	while (got == -1 && errno == EINTR);
	want(pid, got);
	want(killed ? SIGKILL : code << 8, status);
	want_error(ECHILD, rump_sys_waitpid(pid, NULL, 0));
}

static const struct action actions[] = {
    {10, "kill", do_kill},
    {5, "tgkill", do_tgkill},
    {8, "sigqueue", do_queue},
    {8, "sigprocmask", do_mask},
    {6, "sigtimedwait", do_take},
    {2, "sigaction", do_action},
    {4, "child", do_child},
};

static void *
tester_main(void *arg)
{
	me = arg;
	if (rump_pub_lwproc_newlwp(pids[me->id % NPROCS]) != 0)
		differ("newlwp");
	while (me->step < steps) {
		me->step++;
		one_step(actions, arraycount(actions));
	}
	rump_pub_lwproc_releaselwp();
	return NULL;
}

static void
round_of(long n, uint64_t from)
{
	static struct tester self = {.id = NTHREADS, .random = 1};
	struct sigaction sa = {.sa_flags = SA_RESTART};

	me = &self;
	sa.sa_handler = on_signal;
	for (int i = 0; i < NPROCS; i++) {
		want(0, rump_pub_lwproc_rfork(RUMP_RFCFDG));
		first[i] = rump_pub_lwproc_curlwp();
		pids[i] = rump_sys_getpid();
		want(0, rump_sys_sigaction(SIGUSR1, &sa, NULL));
		want(0, rump_sys_sigaction(SIGUSR2, &sa, NULL));
		want(0, rump_sys_sigaction(SIGRTMIN, &sa, NULL));
		rump_pub_lwproc_switch(NULL);
	}
	steps = n / NTHREADS;
	run_testers(from, tester_main);
	me = &self;
	me->doing = "take what is left";
	for (int i = 0; i < NPROCS; i++) {
		rump_pub_lwproc_switch(first[i]);
		(void)rump_sys_umask(022);
	}
	want(sent, arrived);
	for (int i = 0; i < NPROCS; i++) {
		rump_pub_lwproc_switch(first[i]);
		rump_pub_lwproc_releaselwp();
	}
}

int
main(int argc, char **argv)
{
	struct rump_memstat start, end;
	long wanted;

	seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	wanted = argc > 2 ? strtol(argv[2], NULL, 0) : 16000;
	rump_boot_setsigmodel(RUMP_SIGMODEL_POSIX);
	if (rump_init() != 0)
		differ("rump_init");
	round_of(0, 0);
	memstat(&start);
	for (int round = 0; round < 2; round++) {
		round_of(wanted / 2, seed + (uint64_t)round);
		memstat(&end);
		compare(&start, &end);
	}
	return 0;
}
