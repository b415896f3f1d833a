/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs whose system calls are intercepted: this program, executed with
 * --calls or --spawns, through the engine and without it.  The calls go to the
 * host both times, so the difference is what the engine costs.
 */
#include <sys/wait.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "hijack/launch/launch.h"

#define RUNS   7
#define CALLS  20000
#define SPAWNS 50

/* This program, by a name that is the same for the loader. */
static char self[PATH_MAX];

/* The loader of the same build. */
static void
find_loader(char *path)
{
	char near[PATH_MAX + 64];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	bench_must(n > 0, "readlink");
	self[n] = '\0';
	snprintf(near, sizeof(near), "%.*s/../src/hijack/rump-loader",
	    (int)(strrchr(self, '/') - self), self);
	bench_must(realpath(near, path) != NULL, "realpath");
}

/* What this program prints with an option; through the engine if control. */
static double
run_once(struct hj_control *control, const char *option)
{
	char *const argv[] = {self, (char *)option, NULL};
	char text[64];
	int fds[2], status;
	ssize_t n;
	pid_t pid;

	bench_must(pipe(fds) == 0, "pipe");
	pid = fork();
	if (pid == 0) {
		dup2(fds[1], STDOUT_FILENO);
		close(fds[0]);
		if (control != NULL)
			hijack_exec(control, argv);
		else
			execv(argv[0], argv);
		_exit(127);
	}
	bench_must(pid > 0, "fork");
	close(fds[1]);
	n = read(fds[0], text, sizeof(text) - 1);
	close(fds[0]);
	waitpid(pid, &status, 0);
	if (n <= 0 || status != 0)
		bench_fail("a program ended with %#x", status);
	text[n] = '\0';
	return strtod(text, NULL);
}

static void
run(struct bench_result *br, const char *option, bool patch)
{
	double rump[RUNS], host[RUNS];
	struct hj_control *control;
	char loader[PATH_MAX];

	find_loader(loader);
	bench_must0(hijack_init(loader, &control), "hijack_init");
	control->hc_nopatch = !patch;
	for (unsigned i = 0; i < RUNS; i++) {
		rump[i] = run_once(control, option);
		host[i] = run_once(NULL, option);
	}
	br->br_rump = bench_figure(rump, RUNS);
	br->br_host = bench_figure(host, RUNS);
}

static void
trap_run(struct bench_result *br)
{
	run(br, "--calls", false);
}

static void
jump_run(struct bench_result *br)
{
	run(br, "--calls", true);
}

static void
true_run(struct bench_result *br)
{
	run(br, "--spawns", true);
}

void
bench_calls(void)
{
	int64_t start;

	for (int i = 0; i < 100; i++)
		getppid();
	start = bench_now();
	for (int i = 0; i < CALLS; i++)
		getppid();
	printf("%.1f\n", (double)(bench_now() - start) / CALLS);
}

void
bench_spawns(void)
{
	int64_t start = bench_now();
	pid_t pid;

	for (int i = 0; i < SPAWNS; i++) {
		pid = vfork();
		if (pid == 0) {
			execl("/bin/true", "true", NULL);
			_exit(127);
		}
		bench_must(pid > 0, "vfork");
		waitpid(pid, NULL, 0);
	}
	printf("%.1f\n", (double)(bench_now() - start) / SPAWNS);
}

const struct bench_line hijack_lines[] = {
    {
	.bl_name = "hijack-trap",
	.bl_what = "getppid of an intercepted program, by SIGSYS",
	.bl_hostcall = "getppid",
	.bl_run = trap_run,
	.bl_cold = true,
    },
    {
	.bl_name = "hijack-jump",
	.bl_what = "the same at a patched site",
	.bl_hostcall = "getppid",
	.bl_run = jump_run,
	.bl_cold = true,
    },
    {
	.bl_name = "hijack-true",
	.bl_what = "vfork, exec of /bin/true, wait of an intercepted program",
	.bl_hostcall = "the same",
	.bl_run = true_run,
	.bl_cold = true,
    },
    {0},
};
