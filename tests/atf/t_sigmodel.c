/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What each model of rump_boot_setsigmodel makes of signals that the kernel
 * posts itself and that nobody catches: SIGPIPE, SIGALRM, SIGCHLD, SIGXFSZ.
 * Each runs in a host process of its own, which some of them are for.
 */
#include <sys/resource.h>

#include <fcntl.h>
#include <signal.h>

#include "child.h"
#include "clock.h"
#include "threads.h"

static volatile sig_atomic_t raised[NSIG];

static void
on_host(int signo)
{
	raised[signo]++;
}

/* A signal, and what makes the kernel post it to the calling process. */
struct source {
	int signo;
	void (*post)(void);
};

static void
post_pipe(void)
{
	int fds[2];

	T_OK(rump_sys_pipe(fds));
	T_OK(rump_sys_close(fds[0]));
	T_ERR(EPIPE, rump_sys_write(fds[1], "x", 1));
}

static void
post_alarm(void)
{
	struct itimerval itv = {{0, 0}, {0, 1000}};

	T_OK(rump_sys_setitimer(ITIMER_REAL, &itv, NULL));
	host_msleep(300);
}

static void
post_child(void)
{
	struct lwp *me = rump_pub_lwproc_curlwp();

	T_EQ(0, rump_pub_lwproc_rfork(RUMP_RFCFDG));
	T_OK(rump_sys_exit(1));
	rump_pub_lwproc_switch(me);
}

static void
post_xfsz(void)
{
	struct rlimit rl = {1, 1};
	int fd = (int)T_OK(rump_sys_open("/f", O_RDWR | O_CREAT, 0600));

	T_OK(rump_sys_setrlimit(RLIMIT_FSIZE, &rl));
	T_ERR(EFBIG, rump_sys_pwrite(fd, "x", 1, 1));
}

static const struct source sources[] = {{SIGPIPE, post_pipe},
    {SIGALRM, post_alarm}, {SIGCHLD, post_child}, {SIGXFSZ, post_xfsz}};
#define NSOURCES (sizeof(sources) / sizeof(sources[0]))

static enum rump_sigmodel model;

static bool
pending(int signo)
{
	sigset_t set;

	T_OK(rump_sys_sigpending(&set));
	return sigismember(&set, signo) == 1;
}

/* A process with a parent that waits: what becomes of it. */
static int
status_of(const struct source *s, bool *kept)
{
	struct lwp *parent, *child;
	int status;
	pid_t pid;

	T_EQ(0, rump_pub_lwproc_rfork(RUMP_RFCFDG));
	parent = rump_pub_lwproc_curlwp();
	/* From now on what is released is waited for. */
	T_ERR(ECHILD, rump_sys_waitpid(-1, NULL, WNOHANG));
	T_EQ(0, rump_pub_lwproc_rfork(RUMP_RFCFDG));
	child = rump_pub_lwproc_curlwp();
	pid = rump_sys_getpid();
	s->post();
	*kept = pending(s->signo);
	T_PTR(child, rump_pub_lwproc_curlwp());
	rump_pub_lwproc_releaselwp();
	rump_pub_lwproc_switch(parent);
	T_EQ(pid, rump_sys_waitpid(pid, &status, 0));
	rump_pub_lwproc_releaselwp();
	return status;
}

static void
run_source(void *arg)
{
	const struct source *s = arg;
	struct sigaction sa = {.sa_handler = on_host};
	bool kept, ends = model == RUMP_SIGMODEL_POSIX && s->signo != SIGCHLD;
	int status;

	rump_boot_setsigmodel(model);
	boot();
	T_OK(sigaction(s->signo, &sa, NULL));
	status = status_of(s, &kept);
	T_EQ(ends ? s->signo : 0, status);
	/* Every end of a child would be told: SIGCHLD is for who catches it. */
	T_EQ(model == RUMP_SIGMODEL_RECORD && s->signo != SIGCHLD, kept);
	T_EQ(model == RUMP_SIGMODEL_RAISE && s->signo != SIGCHLD,
	    raised[s->signo]);
}

static void
run_model(enum rump_sigmodel m)
{
	model = m;
	for (size_t i = 0; i < NSOURCES; i++)
		child_passes(run_source, (void *)(uintptr_t)&sources[i]);
}

TC(panic, "PANIC: the kernel's own do nothing.")
{
	run_model(RUMP_SIGMODEL_PANIC);
}

TC(ignore, "IGNORE: nothing happens.")
{
	run_model(RUMP_SIGMODEL_IGNORE);
}

TC(raise, "RAISE: the host process gets them.")
{
	run_model(RUMP_SIGMODEL_RAISE);
}

TC(record, "RECORD: they are pending.")
{
	run_model(RUMP_SIGMODEL_RECORD);
}

TC(posix, "POSIX: the process ends.")
{
	run_model(RUMP_SIGMODEL_POSIX);
}

/* The host process that does not expect one ends by it. */
static void
raise_fatal(void *arg)
{
	(void)arg;
	rump_boot_setsigmodel(RUMP_SIGMODEL_RAISE);
	boot();
	(void)newproc(RUMP_RFCFDG);
	post_pipe();
}

TC(raise_ends_the_host, "RAISE: a host process that is not ready for it ends.")
{
	struct child c;

	child_run(&c, raise_fatal, NULL);
	T_ASSERT(WIFSIGNALED(c.status));
	T_EQ(SIGPIPE, WTERMSIG(c.status));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, panic);
	ATF_TP_ADD_TC(tp, ignore);
	ATF_TP_ADD_TC(tp, raise);
	ATF_TP_ADD_TC(tp, record);
	ATF_TP_ADD_TC(tp, posix);
	ATF_TP_ADD_TC(tp, raise_ends_the_host);
	return atf_no_error();
}
