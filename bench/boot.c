/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Boot: rump_init in a host process that was just executed, once each.
 */
#include <sys/wait.h>

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

extern char **environ;

#define BOOTS 20

/* Run this program with --boot, which prints how long rump_init took. */
static double
boot_once(void)
{
	char *const argv[] = {"bench", "--boot", NULL};
	posix_spawn_file_actions_t actions;
	char text[64];
	int fds[2], error, status;
	ssize_t n;
	pid_t pid;

	bench_must(pipe(fds) == 0, "pipe");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO);
	posix_spawn_file_actions_addclose(&actions, fds[0]);
	error =
	    posix_spawn(&pid, "/proc/self/exe", &actions, NULL, argv, environ);
	bench_must0(error, "posix_spawn");
	posix_spawn_file_actions_destroy(&actions);
	close(fds[1]);
	n = read(fds[0], text, sizeof(text) - 1);
	close(fds[0]);
	waitpid(pid, &status, 0);
	if (n <= 0 || status != 0)
		bench_fail("a process that only boots ended with %#x", status);
	text[n] = '\0';
	return strtod(text, NULL);
}

static double
host_once(void)
{
	int64_t start = bench_now();
	pid_t pid;

	if ((pid = vfork()) == 0) {
		execl("/bin/true", "true", NULL);
		_exit(127);
	}
	bench_must(pid > 0, "vfork");
	waitpid(pid, NULL, 0);
	return (double)(bench_now() - start);
}

static void
boot_run(struct bench_result *br)
{
	double rump[BOOTS], host[BOOTS];

	for (unsigned i = 0; i < BOOTS; i++) {
		rump[i] = boot_once();
		host[i] = host_once();
	}
	br->br_rump = bench_figure(rump, BOOTS);
	br->br_host = bench_figure(host, BOOTS);
	snprintf(br->br_note, sizeof(br->br_note),
	    "%d new processes; median %.0f ns", BOOTS, br->br_rump.bf_median);
}

const struct bench_line boot_lines[] = {
    {
	.bl_name = "init",
	.bl_what = "rump_init in a new host process",
	.bl_hostcall = "vfork + exec of /bin/true + wait",
	.bl_original = 5.4e6,
	.bl_asked = 0.2e6,
	.bl_run = boot_run,
	.bl_cold = true,
    },
    {0},
};
