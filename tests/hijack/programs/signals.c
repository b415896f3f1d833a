/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals in every way that a program can meet them; prints what it sees, which
 * must be the same on the host alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "machine.h"

static volatile sig_atomic_t seen, depth, deepest;
static int pipefd[2];
static sigjmp_buf env;
static char altstack[64 * 1024];

static void
install(int sig, void (*handler)(int), int flags)
{
	struct sigaction sa = {.sa_handler = handler, .sa_flags = flags};

	sigemptyset(&sa.sa_mask);
	if (sigaction(sig, &sa, NULL) != 0)
		printf("sigaction %d: %s\n", sig, strerror(errno));
}

static void
alarm_in(long us)
{
	struct itimerval it = {.it_value = {0, us}};

	setitimer(ITIMER_REAL, &it, NULL);
}

static void
count(int sig)
{
	(void)sig;
	seen++;
}

static void
feed(int sig)
{
	(void)sig;
	seen++;
	if (write(pipefd[1], "x", 1) != 1)
		abort();
}

static void
test_restart(void)
{
	char c;
	ssize_t n;

	seen = 0;
	install(SIGALRM, feed, SA_RESTART);
	alarm_in(20000);
	n = read(pipefd[0], &c, 1);
	printf("restart: %zd %d\n", n, (int)seen);
	seen = 0;
	install(SIGALRM, count, 0);
	alarm_in(20000);
	n = read(pipefd[0], &c, 1);
	printf("interrupted: %zd %s %d\n", n, strerror(errno), (int)seen);
}

/* By the older call too, where there is one. */
static int
open_fifo(int older)
{
#ifdef SYS_open
	if (older)
		return (int)syscall(SYS_open, "fifo", O_RDONLY);
#endif
	(void)older;
	return open("fifo", O_RDONLY);
}

/* A sleep in open goes on after a handler, until there is a writer. */
static void
test_restarted_open(void)
{
	install(SIGALRM, count, SA_RESTART);
	for (int older = 0; older < 2; older++) {
		pid_t pid;
		int fd;

		mkfifo("fifo", 0600);
		seen = 0;
		pid = fork();
		if (pid == 0) {
			usleep(60000);
			_exit(open("fifo", O_WRONLY) < 0);
		}
		alarm_in(20000);
		fd = open_fifo(older);
		printf("open: %d %d\n", fd >= 0, (int)seen);
		close(fd);
		waitpid(pid, NULL, 0);
		unlink("fifo");
	}
}

static void
nested(int sig)
{
	depth++;
	if (depth > deepest)
		deepest = depth;
	if (sig == SIGUSR1) {
		raise(SIGUSR2);
		printf("back from the inner one\n");
	}
	depth--;
}

static void
test_nested(void)
{
	install(SIGUSR1, nested, 0);
	install(SIGUSR2, nested, 0);
	raise(SIGUSR1);
	printf("nested: %d\n", (int)deepest);
	deepest = 0;
	depth = 0;
	install(SIGUSR1, nested, SA_RESETHAND | SA_NODEFER);
	raise(SIGUSR1);
	struct sigaction old;
	sigaction(SIGUSR1, NULL, &old);
	printf("reset: %d %d\n", old.sa_handler == SIG_DFL, (int)deepest);
}

static void
where(int sig)
{
	char here;
	stack_t now;

	(void)sig;
	sigaltstack(NULL, &now);
	printf("on the stack: %d, flags %d\n",
	    &here >= altstack && &here < altstack + sizeof(altstack),
	    now.ss_flags);
	now.ss_flags = 0;
	printf("change it: %d\n", sigaltstack(&now, NULL) == 0 ? 0 : errno);
}

static void
test_altstack(void)
{
	stack_t ss = {.ss_sp = altstack, .ss_size = sizeof(altstack)};
	stack_t old;

	sigaltstack(NULL, &old);
	printf("altstack before: flags %d\n", old.ss_flags);
	sigaltstack(&ss, &old);
	install(SIGUSR1, where, SA_ONSTACK);
	raise(SIGUSR1);
	install(SIGUSR1, where, 0);
	raise(SIGUSR1);
	ss.ss_size = 100;
	printf("small: %d\n", sigaltstack(&ss, NULL) == 0 ? 0 : errno);
	ss.ss_flags = SS_DISABLE;
	sigaltstack(&ss, NULL);
}

static void
jump(int sig)
{
	siglongjmp(env, sig);
}

static void
test_longjmp(void)
{
	volatile int jumps = 0;
	char c;

	install(SIGALRM, jump, SA_RESTART);
	while (jumps < 100) {
		if (sigsetjmp(env, 1) != 0) {
			jumps++;
			continue;
		}
		alarm_in(100 + jumps * 7);
		while (read(pipefd[0], &c, 1) < 0) {
		}
	}
	printf("jumps: %d\n", jumps);
}

static void
show(int sig)
{
	printf("handler of %d\n", sig);
	fflush(stdout);
}

static void
test_suspend(void)
{
	sigset_t block, none, now;
	struct timespec ts = {0, 10000000};
	int r;

	sigemptyset(&none);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	sigaddset(&block, SIGUSR2);
	sigaddset(&block, SIGSYS);
	install(SIGUSR1, show, 0);
	install(SIGUSR2, show, 0);
	sigprocmask(SIG_BLOCK, &block, NULL);
	raise(SIGUSR1);
	raise(SIGUSR2);
	r = sigsuspend(&none);
	sigprocmask(SIG_SETMASK, NULL, &now);
	printf("sigsuspend: %d %s, blocked %d %d %d\n", r, strerror(errno),
	    sigismember(&now, SIGUSR1), sigismember(&now, SIGUSR2),
	    sigismember(&now, SIGSYS));
	raise(SIGUSR1);
	r = pselect(0, NULL, NULL, NULL, &ts, &none);
	printf("pselect: %d %s\n", r, strerror(errno));
	raise(SIGUSR2);
	r = ppoll(NULL, 0, &ts, &none);
	printf("ppoll: %d %s\n", r, strerror(errno));
	r = ppoll(NULL, 0, &ts, &block);
	printf("ppoll: %d\n", r);
	raise(SIGUSR1);
	siginfo_t info;
	r = sigtimedwait(&block, &info, &ts);
	printf("sigtimedwait: %d %d\n", r, info.si_code);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void
take(int sig, siginfo_t *info, void *context)
{
	(void)context;
	printf("%d code %d value %d pid %d\n", sig, info->si_code,
	    info->si_value.sival_int, info->si_pid == getpid());
}

static void
skip(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	printf("fault %d at %p code %d\n", sig, info->si_addr, info->si_code);
	skip_load(uc, 77);
}

static void
test_info(void)
{
	struct sigaction sa = {.sa_sigaction = take, .sa_flags = SA_SIGINFO};
	union sigval value = {.sival_int = 42};

	sigaction(SIGRTMIN, &sa, NULL);
	sigqueue(getpid(), SIGRTMIN, value);
	sa.sa_sigaction = skip;
	sigaction(SIGSEGV, &sa, NULL);
	printf("skipped: %ld\n", load_badly());
	install(SIGSEGV, SIG_DFL, 0);
}

/* SIGSYS is the engine's; the program has one all the same. */
static void
test_sigsys(void)
{
	struct sigaction old;
	sigset_t set, pending;

	install(SIGSYS, show, 0);
	sigaction(SIGSYS, NULL, &old);
	printf("SIGSYS: %d\n", old.sa_handler == show);
	raise(SIGSYS);
	sigemptyset(&set);
	sigaddset(&set, SIGSYS);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGSYS);
	printf("held back\n");
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	printf("let go\n");
	install(SIGSYS, SIG_IGN, 0);
	raise(SIGSYS);
	install(SIGSYS, SIG_DFL, 0);
	sigpending(&pending);
	printf("pending: %d\n", sigismember(&pending, SIGSYS));
}

/* Memory that is not there, with SIGSEGV caught, blocked and ignored. */
static void
bad_calls(const char *what)
{
	void *bad = (void *)16;
	long r[6], n = 0;

	r[n++] = syscall(SYS_rt_sigaction, SIGUSR1, bad, NULL, 8L);
	r[n++] = syscall(SYS_rt_sigaction, SIGUSR1, NULL, bad, 8L);
	r[n++] = syscall(SYS_rt_sigprocmask, SIG_BLOCK, bad, NULL, 8L);
	r[n++] = syscall(SYS_sigaltstack, NULL, bad);
	r[n++] = syscall(SYS_clock_gettime, 0, bad);
	r[n++] = syscall(SYS_readlinkat, AT_FDCWD, bad, bad, 100);
	printf("%s:", what);
	for (long i = 0; i < n; i++)
		printf(" %ld", r[i]);
	printf(" %d\n", errno);
}

static void
test_memory(void)
{
	volatile int *volatile nowhere = (volatile int *)16;
	sigset_t set;
	pid_t pid;
	int status;

	bad_calls("default");
	install(SIGSEGV, show, 0);
	bad_calls("caught");
	sigemptyset(&set);
	sigaddset(&set, SIGSEGV);
	sigprocmask(SIG_BLOCK, &set, NULL);
	bad_calls("blocked");
	kill(getpid(), SIGSEGV);
	printf("held back\n");
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	printf("let go\n");
	install(SIGSEGV, SIG_IGN, 0);
	bad_calls("ignored");
	raise(SIGSEGV);
	fflush(stdout);
	for (int i = 0; i < 3; i++) {
		pid = fork();
		if (pid == 0) {
			if (i == 1)
				sigprocmask(SIG_BLOCK, &set, NULL);
			if (i == 2)
				install(SIGSEGV, SIG_DFL, 0);
			*nowhere = 1;
			_exit(0);
		}
		waitpid(pid, &status, 0);
		printf("fault: %d\n", status & 0x7f);
	}
	pid = fork();
	if (pid == 0) {
		execl("/bin/sh", "sh", "-c",
		    "kill -SEGV $$; echo still ignored", NULL);
		_exit(1);
	}
	waitpid(pid, &status, 0);
	install(SIGSEGV, SIG_DFL, 0);
	pid = fork();
	if (pid == 0) {
		pause();
		_exit(0);
	}
	usleep(20000);
	kill(pid, SIGSEGV);
	waitpid(pid, &status, 0);
	printf("killed in a call: %d\n", status & 0x7f);
}

/* Counts, and leaves nothing of the floating-point registers. */
static void
count_badly(int sig)
{
	(void)sig;
	spoil_floats();
	seen++;
}

/* A timer at all places of the way into the engine and out of it. */
static void
test_storm(void)
{
	struct itimerval it = {{0, 150}, {0, 150}};
	double x = 1.5, y = 0;
	pid_t parent = getppid();
	char c = 'a';
	int i;

	seen = 0;
	install(SIGALRM, count_badly, SA_RESTART);
	setitimer(ITIMER_REAL, &it, NULL);
	for (i = 0; i < 300000 && seen < 2000; i++) {
		if (getppid() != parent)
			printf("wrong parent\n");
		if (write(pipefd[1], &c, 1) != 1 ||
		    read(pipefd[0], &c, 1) != 1 || c != 'a')
			printf("wrong byte\n");
		y += x * 2;
		if (i % 50 == 0 && fork() == 0)
			_exit(7);
		if (i % 50 == 0) {
			int status = 0;

			if (wait(&status) < 0 || WEXITSTATUS(status) != 7)
				printf("wrong child\n");
			seen += 20;
		}
	}
	memset(&it, 0, sizeof(it));
	setitimer(ITIMER_REAL, &it, NULL);
	printf("storm: %d\n", seen >= 1000 && y == 3.0 * i);
}

static void
end_child(const char *what, int sig)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		install(sig, SIG_DFL, 0);
		raise(sig);
		_exit(1);
	}
	waitpid(pid, &status, 0);
	printf("%s: %d\n", what, status & 0x7f);
}

int
main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (pipe(pipefd) != 0)
		return 1;
	test_restart();
	test_restarted_open();
	test_nested();
	test_altstack();
	test_longjmp();
	test_suspend();
	test_info();
	test_sigsys();
	test_memory();
	test_storm();
	end_child("ends by SIGSYS", SIGSYS);
	end_child("ends by SIGTERM", SIGTERM);
	end_child("ends by SIGSEGV", SIGSEGV);
	return 0;
}
