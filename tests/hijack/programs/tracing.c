/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tracing children, as debuggers do: which stops are told, and how.
 */
#include <sys/ptrace.h>
#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *args[] = {"sh", "-c", "kill -USR1 $$; exec true", NULL};

static volatile sig_atomic_t handled;

static void
handler(int sig)
{
	handled = sig;
}

/* Let it go on to its end, and say what it stops for. */
static void
follow(pid_t pid, long options)
{
	int status, sig;
	unsigned long message;

	for (;;) {
		if (waitpid(pid, &status, 0) != pid) {
			printf(" wait: %s\n", strerror(errno));
			return;
		}
		printf(" %x", status);
		if (!WIFSTOPPED(status))
			break;
		if (options != 0) {
			message = (unsigned long)ptrace(
			    PTRACE_SETOPTIONS, pid, NULL, options);
			printf("(%ld)", (long)message);
			options = 0;
		}
		sig = WSTOPSIG(status);
		ptrace(PTRACE_CONT, pid, NULL,
		    sig == SIGTRAP || sig == SIGSTOP || sig == SIGUSR1 ? 0
								       : sig);
	}
	puts("");
	fflush(stdout);
}

static void
try_fork(const char *what, long options)
{
	pid_t pid;

	printf("%s:", what);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		execvp(args[0], args);
		_exit(1);
	}
	follow(pid, options);
}

static void
try_vfork(const char *what, const char *program, long options)
{
	pid_t pid;

	printf("%s:", what);
	fflush(stdout);
	pid = vfork();
	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
			_exit(2);
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 ||
		    errno != EPERM)
			_exit(3);
		execvp(program, args);
		_exit(errno == ENOENT ? 4 : 5);
	}
	follow(pid, options);
}

/* Handlers, and calls that are given bad addresses. */
static void
try_signals(void)
{
	char *volatile bad = (char *)8;
	pid_t pid;

	printf("signals:");
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		signal(SIGUSR2, handler);
		signal(SIGTERM, handler);
		raise(SIGUSR2);
		if (handled != SIGUSR2 || access(bad, F_OK) != -1 ||
		    errno != EFAULT || write(1, bad, 8) != -1 ||
		    errno != EFAULT)
			_exit(1);
		/* Its tracer takes this one away. */
		handled = 0;
		raise(SIGUSR1);
		raise(SIGTRAP);
		_exit(handled);
	}
	follow(pid, 0);
}

static void
try_waitid(void)
{
	siginfo_t info;
	pid_t pid;

	printf("waitid:");
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		execvp("true", args);
		_exit(1);
	}
	do {
		memset(&info, 0, sizeof(info));
		if (waitid(P_PID, (id_t)pid, &info, WEXITED | WSTOPPED) != 0)
			break;
		printf(" %d %x %d", info.si_code, (unsigned)info.si_status,
		    info.si_pid == pid);
		if (info.si_code == CLD_TRAPPED)
			ptrace(PTRACE_CONT, pid, NULL, NULL);
	} while (info.si_code == CLD_TRAPPED);
	puts("");
}

/* What a tracer sees where a program begins. */
static void
try_memory(void)
{
	siginfo_t info;
	pid_t pid = vfork();
	int status;
	long word;

	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		execvp("true", args);
		_exit(1);
	}
	waitpid(pid, &status, 0);
	ptrace(PTRACE_GETSIGINFO, pid, NULL, &info);
	errno = 0;
#if defined(__x86_64__)
	word = ptrace(PTRACE_PEEKUSER, pid, (void *)(19 * sizeof(long)), NULL);
#else
	word = 0;
#endif
	/* The number of arguments is on the stack. */
	if (word != 0)
		word = ptrace(PTRACE_PEEKDATA, pid, (void *)word, NULL);
	else
		word = 3;
	printf("memory: %x %d %ld %d\n", status, info.si_signo, word, errno);
	ptrace(PTRACE_KILL, pid, NULL, NULL);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	printf("killed: %x\n", status);
}

int
main(void)
{
	try_fork("fork", 0);
	try_fork("fork, exec", PTRACE_O_TRACEEXEC);
	try_vfork("vfork", "sh", 0);
	try_vfork("vfork, exec", "sh", PTRACE_O_TRACEEXEC);
	try_vfork("vfork, exit", "sh", PTRACE_O_TRACEEXIT);
	try_vfork("vfork, no program", "nowhere", 0);
	try_signals();
	try_waitid();
	try_memory();
	return 0;
}
