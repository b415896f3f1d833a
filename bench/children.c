/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs that measure for a line, in processes of their own.  Each prints a
 * number.
 */
#include <sys/wait.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

void
bench_near(const char *name, char path[PATH_MAX])
{
	char near[PATH_MAX + 64];
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);

	bench_must(n > 0, "readlink");
	path[n] = '\0';
	snprintf(near, sizeof(near), "%.*s/%s",
	    (int)(strrchr(path, '/') - path), path, name);
	if (realpath(near, path) == NULL)
		bench_fail("%s: %s", name, strerror(errno));
}

void
bench_child_start(struct bench_child *bc, void (*exec)(void *), void *arg)
{
	int fds[2];

	bench_must(pipe(fds) == 0, "pipe");
	bc->bc_pid = fork();
	if (bc->bc_pid == 0) {
		dup2(fds[1], STDOUT_FILENO);
		close(fds[0]);
		close(fds[1]);
		exec(arg);
		_exit(127);
	}
	bench_must(bc->bc_pid > 0, "fork");
	close(fds[1]);
	bc->bc_output = fds[0];
}

double
bench_child_result(struct bench_child *bc)
{
	char text[64];
	ssize_t n = read(bc->bc_output, text, sizeof(text) - 1);

	if (n <= 0) {
		bench_child_end(bc);
		bench_fail("a program has printed nothing");
	}
	text[n] = '\0';
	return strtod(text, NULL);
}

void
bench_child_end(struct bench_child *bc)
{
	int status;

	close(bc->bc_output);
	waitpid(bc->bc_pid, &status, 0);
	if (status != 0)
		bench_fail("a program ended with %#x", status);
}
