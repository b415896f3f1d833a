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

/* This program with an option; through the engine if there is a control. */
struct start {
	struct hj_control *s_control;
	const char *s_option;
};

static void
start_exec(void *arg)
{
	const struct start *s = arg;
	char self[PATH_MAX];
	char *const argv[] = {self, (char *)(uintptr_t)s->s_option, NULL};

	bench_near("bench", self);
	if (s->s_control != NULL)
		hijack_execvp(s->s_control, argv);
	else
		execv(argv[0], argv);
}

static double
run_once(struct hj_control *control, const char *option)
{
	struct start s = {control, option};
	struct bench_child child;
	double result;

	bench_child_start(&child, start_exec, &s);
	result = bench_child_result(&child);
	bench_child_end(&child);
	return result;
}

static void
run(struct bench_result *br, const char *option, bool patch)
{
	double rump[RUNS], host[RUNS];
	struct hj_control *control;
	char loader[PATH_MAX];

	bench_near("../src/hijack/rump-loader", loader);
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
