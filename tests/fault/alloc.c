/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults in what processes, credentials, descriptors and pipes take, and in
 * booting.
 *
 *	alloc [-v] [name]
 */
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "../lib/fault.h"

static int fds[2];

/*
 * Processes and lwps
 */
static int
run_rfork_share(void)
{
	return rump_pub_lwproc_rfork(0);
}

static int
run_rfork_copy(void)
{
	return rump_pub_lwproc_rfork(RUMP_RFFDG);
}

static int
run_rfork_clear(void)
{
	return rump_pub_lwproc_rfork(RUMP_RFCFDG);
}

static int
run_newlwp(void)
{
	return rump_pub_lwproc_newlwp(rump_sys_getpid());
}

static int
run_newlwp_1(void)
{
	return rump_pub_lwproc_newlwp(1);
}

static void
undo_lwp(void)
{
	rump_pub_lwproc_releaselwp();
	rump_pub_lwproc_switch(base);
}

static void
setup_pipe(void)
{
	MUST(rump_sys_pipe(fds));
}

static void
setup_table(void)
{
	setup_pipe();
	for (int i = 0; i < 200; i++)
		MUST(rump_sys_dup(fds[0]));
}

static void
undo_table(void)
{
	undo_lwp();
}

static int
run_make_and_release(void)
{
	int error = rump_pub_lwproc_rfork(RUMP_RFFDG);

	if (error != 0)
		return error;
	/* From here on nothing may fail. */
	rump_pub_lwproc_releaselwp();
	rump_pub_lwproc_switch(base);
	return 0;
}

/*
 * Descriptors and pipes
 */
static int
run_pipe(void)
{
	return result(rump_sys_pipe(fds));
}

static void
undo_pipe(void)
{
	MUST(rump_sys_close(fds[0]));
	MUST(rump_sys_close(fds[1]));
}

static int
run_dup(void)
{
	return result(fd = rump_sys_dup(fds[0]));
}

static int
run_dup2_far(void)
{
	return result(fd = rump_sys_dup2(fds[0], 900));
}

static int
run_dupfd_far(void)
{
	return result(fd = rump_sys_fcntl(fds[0], F_DUPFD, (uintptr_t)700));
}

static int
run_pipe_write(void)
{
	return result(rump_sys_write(fds[1], big, 65536));
}

static void
undo_pipe_write(void)
{
	int left;

	/* A write that ran out of memory on the way says how far it came. */
	for (;;) {
		MUST(rump_sys_ioctl(fds[0], FIONREAD, &left));
		if (left == 0)
			break;
		MUST(rump_sys_read(fds[0], big, sizeof(big)));
	}
}

static int
run_pipe_writev(void)
{
	struct iovec iov[200];

	for (int i = 0; i < 200; i++) {
		iov[i].iov_base = big;
		iov[i].iov_len = 10;
	}
	return result(rump_sys_writev(fds[1], iov, 200));
}

static void
undo_pipe_writev(void)
{
	if (MUST(rump_sys_read(fds[0], big, sizeof(big))) != 2000)
		complain("bytes in the pipe", 2000, 0);
}

static int
run_close_range(void)
{
	return result(rump_sys_close_range(100, 200, CLOSE_RANGE_UNSHARE));
}

static void
setup_shared_table(void)
{
	setup_table();
	/* Two processes with one table; base is the second. */
	MUST(rump_pub_lwproc_rfork(0) == 0 ? 0 : -1);
	struct lwp *l = rump_pub_lwproc_curlwp();

	rump_pub_lwproc_switch(base);
	rump_pub_lwproc_releaselwp();
	rump_pub_lwproc_switch(l);
	base = l;
}

/*
 * Credentials, limits, groups
 */
static int
run_setuid(void)
{
	return result(rump_sys_setuid(1000));
}

static int
run_seteuid(void)
{
	return result(rump_sys_seteuid(1000));
}

static void
undo_seteuid(void)
{
	MUST(rump_sys_seteuid(0));
}

static int
run_setresuid(void)
{
	return result(rump_sys_setresuid(1, 2, 0));
}

static void
undo_setresuid(void)
{
	MUST(rump_sys_seteuid(0));
	MUST(rump_sys_setresuid(0, 0, 0));
}

static int
run_setgid(void)
{
	return result(rump_sys_setgid(1000));
}

static void
undo_setgid(void)
{
	MUST(rump_sys_setgid(0));
}

static int
run_setgroups(void)
{
	gid_t groups[300];

	for (int i = 0; i < 300; i++)
		groups[i] = (gid_t)i;
	return result(rump_sys_setgroups(300, groups));
}

static void
undo_setgroups(void)
{
	MUST(rump_sys_setgroups(0, NULL));
}

static int
run_setrlimit(void)
{
	struct rlimit rl = {10, 20};

	return result(rump_sys_setrlimit(RLIMIT_CORE, &rl));
}

static int
run_setsid(void)
{
	return result(rump_sys_setsid());
}

static int
run_setpgid(void)
{
	return result(rump_sys_setpgid(0, 0));
}

static int
run_setlogin(void)
{
	return result(rump_sys_setlogin("somebody"));
}

static void
setup_session(void)
{
	MUST(rump_sys_setsid());
}

static int
run_prctl(void)
{
	return result(rump_sys_prctl(PR_SET_NAME, "name", 0UL, 0UL, 0UL));
}

static int
run_kill_group(void)
{
	return result(rump_sys_kill(0, SIGUSR1));
}

static int
run_kill_all(void)
{
	int error = result(rump_sys_kill(-1, SIGUSR1));

	/* There is nobody else. */
	return error == ESRCH ? 0 : error;
}

static struct cred *cred;

static int
run_cred_create(void)
{
	gid_t groups[50] = {0};

	cred = rump_pub_cred_create(12, 34, 50, groups);
	return cred == NULL ? ENOMEM : 0;
}

static void
undo_cred_create(void)
{
	rump_pub_cred_put(cred);
}

static struct uio *uio;

static int
run_uio_setup(void)
{
	uio = rump_pub_uio_setup(big, sizeof(big), 0, RUMPUIO_READ);
	return uio == NULL ? ENOMEM : 0;
}

static void
undo_uio_setup(void)
{
	(void)rump_pub_uio_free(uio);
}

/*
 * Signals
 */
static void
setup_action(void)
{
	struct sigaction sa = {.sa_flags = 0};

	sa.sa_handler = SIG_IGN;
	MUST(rump_sys_sigaction(SIGUSR1, &sa, NULL));
}

static int
run_sigaction(void)
{
	struct sigaction sa = {.sa_flags = SA_RESTART};

	sa.sa_handler = SIG_IGN;
	return result(rump_sys_sigaction(SIGUSR1, &sa, NULL));
}

static sigset_t blocked;

static void
setup_blocked(void)
{
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	sigaddset(&blocked, SIGRTMIN);
	MUST(rump_sys_sigprocmask(SIG_BLOCK, &blocked, NULL));
}

static int
run_sigqueue(void)
{
	union sigval value = {.sival_int = 1};
	int error =
	    result(rump_sys_sigqueue(rump_sys_getpid(), SIGRTMIN, value));

	/* As on the host, which cannot tell it from too many. */
	return error == EAGAIN ? ENOMEM : error;
}

static int signal_fd;

static int
run_signalfd(void)
{
	signal_fd = rump_sys_signalfd(-1, &blocked, 0);
	return result(signal_fd);
}

static void
setup_signalfd(void)
{
	setup_blocked();
	MUST(run_signalfd());
}

/* By a process that did not make it. */
static int
run_signalfd_poll(void)
{
	struct pollfd pfd = {signal_fd, POLLIN, 0};
	int error = rump_pub_lwproc_rfork(RUMP_RFFDG);

	if (error != 0)
		return error;
	error = result(rump_sys_poll(&pfd, 1, 1));
	rump_pub_lwproc_releaselwp();
	rump_pub_lwproc_switch(base);
	return error;
}

static void
undo_signalfd(void)
{
	MUST(rump_sys_close(signal_fd));
}

static int
run_tgkill(void)
{
	return result(
	    rump_sys_tgkill(rump_sys_getpid(), rump_sys_gettid(), SIGUSR1));
}

/* What was known of it is lost, but not the signal. */
static int
run_kill_self(void)
{
	return result(rump_sys_kill(rump_sys_getpid(), SIGUSR1));
}

static void
undo_signal(void)
{
	const struct timespec none = {0, 0};

	MUST(rump_sys_sigtimedwait(&blocked, NULL, &none));
}

static int
run_exit(void)
{
	int error = rump_pub_lwproc_rfork(RUMP_RFCFDG);

	if (error != 0)
		return error;
	/* From here on nothing may fail. */
	MUST(rump_sys_exit(3));
	rump_pub_lwproc_switch(base);
	MUST(rump_sys_wait(NULL));
	return 0;
}

static const struct scenario scenarios[] = {
    {"rfork-share", nothing, run_rfork_share, undo_lwp, nothing, 0},
    {"rfork-share-table", setup_table, run_rfork_share, undo_lwp, nothing, 0},
    {"rfork-copy", setup_pipe, run_rfork_copy, undo_lwp, nothing, 0},
    {"rfork-copy-table", setup_table, run_rfork_copy, undo_table, nothing, 0},
    {"rfork-clear", setup_pipe, run_rfork_clear, undo_lwp, nothing, 0},
    {"rfork-release", setup_pipe, run_make_and_release, nothing, nothing, 0},
    {"newlwp", nothing, run_newlwp, undo_lwp, nothing, 0},
    {"newlwp-1", nothing, run_newlwp_1, undo_lwp, nothing, 0},
    {"pipe", nothing, run_pipe, undo_pipe, nothing, 0},
    {"dup", setup_pipe, run_dup, undo_fd, nothing, 0},
    {"dup2-far", setup_pipe, run_dup2_far, undo_fd, nothing, 0},
    {"dupfd-far", setup_pipe, run_dupfd_far, undo_fd, nothing, 0},
    {"pipe-write", setup_pipe, run_pipe_write, undo_pipe_write, nothing, 0},
    {"pipe-writev", setup_pipe, run_pipe_writev, undo_pipe_writev, nothing, 0},
    {"close-range", setup_shared_table, run_close_range, nothing, nothing, 0},
    {"setuid", nothing, run_setuid, nothing, nothing, 0},
    {"seteuid", nothing, run_seteuid, undo_seteuid, nothing, 0},
    {"setresuid", nothing, run_setresuid, undo_setresuid, nothing, 0},
    {"setgid", nothing, run_setgid, undo_setgid, nothing, 0},
    {"setgroups", nothing, run_setgroups, undo_setgroups, nothing, 0},
    {"setrlimit", nothing, run_setrlimit, nothing, nothing, 0},
    {"setsid", nothing, run_setsid, nothing, nothing, 0},
    {"setpgid", nothing, run_setpgid, nothing, nothing, 0},
    {"setlogin", setup_session, run_setlogin, nothing, nothing, 0},
    {"prctl", nothing, run_prctl, nothing, nothing, 0},
    {"kill-group", setup_session, run_kill_group, nothing, nothing, 0},
    {"kill-all", nothing, run_kill_all, nothing, nothing, 0},
    {"sigaction", nothing, run_sigaction, nothing, nothing, 0},
    {"sigqueue", setup_blocked, run_sigqueue, undo_signal, nothing, 0},
    {"signalfd", setup_blocked, run_signalfd, undo_signalfd, nothing, 0},
    {"signalfd-poll", setup_signalfd, run_signalfd_poll, nothing, undo_signalfd,
	0},
    {"tgkill", setup_blocked, run_tgkill, undo_signal, nothing, 0},
    {"kill", setup_blocked, run_kill_self, undo_signal, nothing, 0},
    {"rfork-actions", setup_action, run_rfork_clear, undo_lwp, nothing, 0},
    {"exit", nothing, run_exit, nothing, nothing, 0},
    {"cred-create", nothing, run_cred_create, undo_cred_create, nothing, 0},
    {"uio-setup", nothing, run_uio_setup, undo_uio_setup, nothing, 0},
};
#define NSCENARIOS (sizeof(scenarios) / sizeof(scenarios[0]))

#include "../lib/tries.h"

static const struct {
	const char *name;
	int (*call)(void);
	bool binds;
} thread_scenarios[] = {
    {"thread-getpid", call_getpid, false},
    {"thread-newlwp", call_newlwp_1, true},
    {"thread-rfork", run_rfork_clear, true},
    {"thread-rfork-share", run_rfork_share, true},
};

int
main(int argc, char **argv)
{
	const char *only = fault_start(argc, argv);

	if (only == NULL || strcmp(only, "boot") == 0)
		run_tries("boot", try_boot);
	if (fault_boot() != 0)
		return 1;
	run_scenarios(scenarios, NSCENARIOS, only);
	for (size_t i = 0;
	     i < sizeof(thread_scenarios) / sizeof(thread_scenarios[0]); i++) {
		if (only != NULL && strcmp(only, thread_scenarios[i].name) != 0)
			continue;
		thread_call = thread_scenarios[i].call;
		thread_binds = thread_scenarios[i].binds;
		run_tries(thread_scenarios[i].name, try_thread);
	}
	return errors == 0 ? 0 : 1;
}
