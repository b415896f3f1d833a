/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs that are executed again and again, whose sites of calls are known
 * from the first ones on, and children of vfork that make many calls, some of
 * which end in the middle of it.
 */
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SPAWNS 12
#define VFORKS 12
#define TIMES  40 /* enough for a site to be patched */

extern char **environ;

static void
must(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		exit(1);
	}
}

/* Calls from as many sites of the C library as there are at hand. */
static void
calls(int i)
{
	char text[16] = "";
	struct sigaction sa;
	struct stat st;
	sigset_t set;
	int fds[2];
	void *p;
	FILE *f;

	must(pipe2(fds, O_CLOEXEC) == 0, "pipe2");
	must(write(fds[1], "written", 7) == 7, "write");
	must(fstat(fds[0], &st) == 0 && S_ISFIFO(st.st_mode), "fstat");
	must(read(fds[0], text, sizeof(text)) == 7, "read");
	must(strcmp(text, "written") == 0, text);
	must(dup2(fds[0], fds[1]) == fds[1], "dup2");
	must(fcntl(fds[1], F_GETFD) == 0, "fcntl");
	must(lseek(fds[0], 0, SEEK_SET) == -1, "lseek");
	must(close(fds[0]) == 0 && close(fds[1]) == 0, "close");
	must(sigaction(SIGUSR1, NULL, &sa) == 0, "sigaction");
	must(sigprocmask(SIG_BLOCK, NULL, &set) == 0, "sigprocmask");
	p = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(p != MAP_FAILED && mprotect(p, 4096, PROT_NONE) == 0, "mprotect");
	must(munmap(p, 8192) == 0, "munmap");
	must(access("/nothing/there", F_OK) == -1, "access");
	/* By a site that loads AT_FDCWD right before the call. */
	must((f = fopen("/dev/null", "re")) != NULL, "fopen");
	must(fgetc(f) == EOF && fclose(f) == 0, "fgetc");
	must(getppid() > 0 && getpid() > 0, "getpid");
	must(
	    umask((mode_t)i) != (mode_t)-1 && umask(022) == (mode_t)i, "umask");
}

static void
spawned(int number)
{
	for (int i = 0; i < number * 4; i++)
		calls(i);
	exit(number);
}

/* One with a handler for what it sends to itself, as it is. */
static void
vforked(int number)
{
	struct sigaction sa;

	for (int i = 0; i < TIMES; i++) {
		if (sigaction(1 + i % 30, NULL, &sa) != 0)
			_exit(100);
		if (getppid() <= 0)
			_exit(101);
		if (i == TIMES / 2 && number % 4 == 3)
			kill(getpid(), SIGKILL);
	}
	_exit(number);
}

static int
waited(pid_t pid)
{
	int status;

	must(waitpid(pid, &status, 0) == pid, "waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int
main(int argc, char **argv)
{
	char number[16];
	char *const args[] = {argv[0], number, NULL};
	pid_t pid;

	if (argc == 2)
		spawned(atoi(argv[1]));
	for (int i = 0; i < VFORKS; i++) {
		pid = vfork();
		if (pid == 0)
			vforked(i);
		must(pid > 0, "vfork");
		printf("vfork %d\n", waited(pid));
	}
	for (int i = 0; i < SPAWNS; i++) {
		sprintf(number, "%d", i);
		must(posix_spawn(&pid, argv[0], NULL, NULL, args, environ) == 0,
		    "posix_spawn");
		printf("spawn %d\n", waited(pid));
		calls(i);
	}
	return 0;
}
