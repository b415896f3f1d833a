/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Children in every way: fork, vfork, posix_spawn, system, clone.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
static int shared;

static void
handler(int sig)
{
	printf("handler of %d\n", sig);
}

static void
show(const char *what, int status)
{
	printf("%s: %s %d\n", what, WIFEXITED(status) ? "exit" : "signal",
	    WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	fflush(stdout);
}

static void
test_vfork(const char *path, char *const argv[])
{
	volatile int error = 0;
	int status = 0;
	pid_t pid = vfork();

	if (pid == 0) {
		signal(SIGUSR1, SIG_DFL);
		execv(path, argv);
		error = errno;
		_exit(99);
	}
	waitpid(pid, &status, 0);
	printf("vfork of %s: %s\n", path, strerror(error));
	show("vfork", status);
}

static void
test_spawn(void)
{
	char *argv[] = {
	    "sh", "-c", "echo spawned; kill -USR1 $$; exit 4", NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t set;
	pid_t pid;
	int error, status = 0;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, 1, 2);
	posix_spawnattr_init(&attr);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	posix_spawnattr_setsigdefault(&attr, &set);
	sigemptyset(&set);
	posix_spawnattr_setsigmask(&attr, &set);
	posix_spawnattr_setflags(
	    &attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	error = posix_spawn(&pid, "/bin/sh", &actions, &attr, argv, environ);
	if (error == 0)
		waitpid(pid, &status, 0);
	printf("posix_spawn: %s\n", strerror(error));
	show("spawned", status);
	error = posix_spawn(&pid, "/nowhere", NULL, NULL, argv, environ);
	printf("posix_spawn of nothing: %s\n", strerror(error));
	/* The child's signals were not ours. */
	raise(SIGUSR1);
}

static int
child(void *arg)
{
	shared += *(int *)arg;
	return 5;
}

static void
test_clone(int flags, const char *what)
{
	static char stack[65536] __attribute__((aligned(16)));
	int status = 0, one = 1;
	pid_t pid = clone(child, stack + sizeof(stack), flags | SIGCHLD, &one);

	if (pid < 0) {
		printf("%s: %s\n", what, strerror(errno));
		return;
	}
	waitpid(pid, &status, 0);
	printf("%s: shared %d\n", what, shared);
	show(what, status);
}

int
main(void)
{
	char *echo[] = {"echo", "of vfork", NULL};
	char text[64];
	FILE *p;

	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGUSR1, handler);
	test_vfork("/bin/echo", echo);
	test_vfork("/nowhere", echo);
	test_vfork("/", echo);
	raise(SIGUSR1);
	test_spawn();
	show("system", system("exit 6"));
	p = popen("echo from popen", "r");
	if (p != NULL && fgets(text, sizeof(text), p) != NULL)
		printf("%s", text);
	show("pclose", pclose(p));
	test_clone(0, "clone");
	test_clone(CLONE_VM, "clone, same memory");
	test_clone(CLONE_VM | CLONE_VFORK, "clone, like vfork");
	test_clone(CLONE_VM | CLONE_FILES | CLONE_FS | CLONE_SIGHAND,
	    "clone, all shared");
	raise(SIGUSR1);
	for (int i = 0; i < 200; i++) {
		if (vfork() == 0)
			_exit(i & 0x7f);
		int status;
		wait(&status);
		if (WEXITSTATUS(status) != (i & 0x7f))
			printf("wrong status\n");
	}
	return 0;
}
