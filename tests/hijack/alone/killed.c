/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes that are killed while they make others, or become others.
 *
 * usage: hijack-killed world
 *        hijack-killed step PID N self|child
 *
 * The first one runs in a world.  For each letter that it reads it has a child,
 * the victim, which says who it is, waits for another byte, and then: `f' has a
 * child by fork, `v' by vfork, which executes true, and `e' executes true.  It
 * says how the victim ended.
 *
 * The second one runs on the host, with that one's input as its output.  It
 * lets the victim go on, and at the Nth stop before or after a system call of
 * it, or of its children, sends SIGKILL to who stops there.  Its status is 0
 * if there were so many.
 */
#include <sys/ptrace.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AFTER 7 /* the victim's status */

static void
must(bool ok, const char *what)
{
	if (!ok) {
		perror(what);
		_exit(1);
	}
}

static void
become_true(void)
{
	execl("/bin/true", "true", NULL);
	_exit(1);
}

/* In the file are the ids of who was here. */
static void
leave_trace(int fd)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());

	must(write(fd, text, (size_t)n) == n, "write");
}

static void
victim(char how)
{
	int fd = open("trace", O_WRONLY | O_CREAT | O_APPEND, 0644);
	pid_t pid;
	char c;

	must(fd != -1, "open");
	printf("victim %d\n", (int)getpid());
	must(fflush(stdout) == 0 && read(0, &c, 1) == 1, "victim");
	if (how == 'e')
		become_true();
	/* NOLINTNEXTLINE(clang-analyzer-security.insecureAPI.vfork) */
	pid = how == 'v' ? vfork() : fork();
	if (pid == 0 && how == 'v')
		become_true();
	must(pid != -1, "fork");
	leave_trace(fd);
	if (pid == 0)
		_exit(0);
	must(waitpid(pid, NULL, 0) == pid, "waitpid");
	_exit(AFTER);
}

static int
world(void)
{
	int status;
	pid_t pid;
	char how;

	while (read(0, &how, 1) == 1) {
		/* For a victim that could not read it any more. */
		if (how == 'x')
			continue;
		pid = fork();
		if (pid == 0)
			victim(how);
		must(pid != -1 && waitpid(pid, &status, 0) == pid, "victim");
		if (WIFSIGNALED(status))
			printf("signal %d\n", WTERMSIG(status));
		else
			printf("status %d\n", WEXITSTATUS(status));
		must(fflush(stdout) == 0, "stdout");
	}
	return 3;
}

/* What to go on with after a stop: a signal to be taken, or 0. */
static int
stop_signal(int status)
{
	/* Events, and stops of system calls, are not of signals. */
	if (status >> 16 != 0 || WSTOPSIG(status) == (SIGTRAP | 0x80))
		return 0;
	return WSTOPSIG(status);
}

static bool
step(pid_t victim_pid, int n, bool children)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, __WALL)) != -1 || errno == EINTR) {
		if (pid == -1 || !WIFSTOPPED(status))
			continue;
		if (WSTOPSIG(status) == (SIGTRAP | 0x80) &&
		    (pid != victim_pid) == children && n-- == 1)
			must(kill(pid, SIGKILL) == 0, "kill");
		/* Who was killed may have gone. */
		(void)ptrace(PTRACE_SYSCALL, pid, NULL, stop_signal(status));
	}
	return n <= 0;
}

static bool
trace(pid_t pid, int n, bool children)
{
	long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK |
		       PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
		       PTRACE_O_TRACEEXEC;
	int status;

	must(ptrace(PTRACE_SEIZE, pid, NULL, options) == 0, "seize");
	must(ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) == 0, "interrupt");
	must(waitpid(pid, &status, __WALL) == pid, "waitpid");
	must(ptrace(PTRACE_SYSCALL, pid, NULL, NULL) == 0, "go on");
	must(write(1, "x", 1) == 1, "write");
	return step(pid, n, children);
}

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "world") == 0)
		return world();
	if (argc == 5 && strcmp(argv[1], "step") == 0)
		return trace((pid_t)strtol(argv[2], NULL, 10),
			   (int)strtol(argv[3], NULL, 10),
			   strcmp(argv[4], "child") == 0)
			   ? 0
			   : 77;
	return 2;
}
