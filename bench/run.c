/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs a line in a host process of its own.  The child boots the kernel,
 * measures, writes its result to a pipe and ends without ceremony; the parent
 * makes a directory for it beforehand and removes it afterwards, however the
 * child ended.
 */
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump.h>

#include "bench.h"

char bench_hostdir[64];

static int result_fd = -1;		/* in the child */
static volatile sig_atomic_t stopped;	/* in the parent: the signal */
static volatile sig_atomic_t child_pid; /* in the parent: 0, or it runs */

static void
result_send(const struct bench_result *br)
{
	/* Smaller than PIPE_BUF: written as a whole. */
	ssize_t n = write(result_fd, br, sizeof(*br));

	_exit(n == (ssize_t)sizeof(*br) ? 0 : 1);
}

noreturn void
bench_fail(const char *fmt, ...)
{
	struct bench_result br;
	va_list ap;

	memset(&br, 0, sizeof(br));
	va_start(ap, fmt);
	vsnprintf(br.br_error, sizeof(br.br_error), fmt, ap);
	va_end(ap);
	result_send(&br);
	abort();
}

noreturn void
bench_fail_call(const char *call, int error)
{
	bench_fail("%s: %s", call, strerror(error));
}

static void
line_bodies(const struct bench_line *bl, struct bench_result *br)
{
	bench_body *const body[BENCH_TURNS] = {
	    bl->bl_rump, bl->bl_host, bl->bl_base};
	struct bench_figure bf[BENCH_TURNS] = {0};

	bench_turns(body, bf);
	br->br_rump = bf[0];
	br->br_host = bf[1];
	br->br_base = bf[2].bf_best;
}

static noreturn void
child_main(const struct bench_line *bl)
{
	struct bench_result br;

	memset(&br, 0, sizeof(br));
	if (!bl->bl_cold)
		bench_must0(rump_init(), "rump_init");
	if (bl->bl_setup != NULL)
		bl->bl_setup();
	if (bl->bl_run != NULL)
		bl->bl_run(&br);
	else
		line_bodies(bl, &br);
	result_send(&br);
	abort();
}

static void
on_stop(int signo)
{
	stopped = signo;
	if (child_pid > 0)
		kill((pid_t)child_pid, SIGKILL);
}

static void
signals_catch(void (*handler)(int))
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = handler;
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &sa, NULL);
}

/* Memory backed if the host has that: disks are not what is compared. */
static bool
hostdir_make(void)
{
	static const char *const templates[] = {
	    "/dev/shm/rumpbench.XXXXXX", "/tmp/rumpbench.XXXXXX"};

	for (size_t i = 0; i < sizeof(templates) / sizeof(templates[0]); i++) {
		strcpy(bench_hostdir, templates[i]);
		if (mkdtemp(bench_hostdir) != NULL)
			return true;
	}
	return false;
}

static int
remove_one(const char *path, const struct stat *sb, int type, struct FTW *ftw)
{
	(void)sb;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void
hostdir_remove(void)
{
	(void)nftw(bench_hostdir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void
child_reap(pid_t pid, int fd, struct bench_result *br)
{
	struct bench_result got;
	ssize_t n;
	int status = 0;

	do
		n = read(fd, &got, sizeof(got));
	while (n < 0 && errno == EINTR);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	child_pid = 0;
	if (n == (ssize_t)sizeof(got)) {
		*br = got;
		return;
	}
	if (WIFSIGNALED(status))
		snprintf(br->br_error, sizeof(br->br_error),
		    "ended by signal %d (%s)", WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
	else
		snprintf(br->br_error, sizeof(br->br_error),
		    "ended with status %d and no result", WEXITSTATUS(status));
}

bool
bench_run(const struct bench_line *bl, struct bench_result *br)
{
	int fds[2];
	pid_t pid;

	memset(br, 0, sizeof(*br));
	stopped = 0;
	if (pipe(fds) != 0 || !hostdir_make()) {
		snprintf(br->br_error, sizeof(br->br_error), "set-up: %s",
		    strerror(errno));
		return true;
	}
	signals_catch(on_stop);
	fflush(NULL);
	if ((pid = fork()) == 0) {
		signals_catch(SIG_DFL);
		close(fds[0]);
		result_fd = fds[1];
		child_main(bl);
	}
	close(fds[1]);
	if (pid > 0) {
		child_pid = (sig_atomic_t)pid;
		if (stopped)
			kill(pid, SIGKILL);
		child_reap(pid, fds[0], br);
	} else {
		snprintf(br->br_error, sizeof(br->br_error), "fork: %s",
		    strerror(errno));
	}
	close(fds[0]);
	hostdir_remove();
	signals_catch(SIG_DFL);
	return !stopped;
}
