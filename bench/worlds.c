/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs in worlds of their own (`rump run'), beside the same alone, and by
 * other ways to have a program see another host, where these are installed.
 */
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"

#define RUNS	25
#define LONG	3 /* runs of what takes long */
#define PEERS	9 /* of those that the reader knows */
#define FILES	2000
#define SOURCES 30
#define WORDS	16

extern char **environ;

/* What comes before a program. */
struct way {
	const char *w_name;
	const char *w_words[5];
};

static const struct way ways[] = {
    {"bwrap", {"bwrap", "--dev-bind", "/", "/"}},
    {"proot", {"proot", "-0"}},
    {"fakeroot", {"fakeroot"}},
};

/* Nanoseconds from the start to the end, or 0: it failed. */
static double
run_once(const char *const *before, const char *const *program)
{
	posix_spawn_file_actions_t actions;
	char *argv[WORDS];
	int64_t start = bench_now();
	int n = 0, status = -1;
	pid_t pid;

	for (; before != NULL && *before != NULL; before++)
		argv[n++] = (char *)(uintptr_t)*before;
	for (; *program != NULL; program++)
		argv[n++] = (char *)(uintptr_t)*program;
	argv[n] = NULL;
	bench_must0(posix_spawn_file_actions_init(&actions), "posix_spawn");
	posix_spawn_file_actions_addopen(
	    &actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	if (posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ) == 0)
		waitpid(pid, &status, 0);
	posix_spawn_file_actions_destroy(&actions);
	return status == 0 ? (double)(bench_now() - start) : 0;
}

/* The other ways' best times, for the reader. */
static void
other_ways(const char *const *program, unsigned runs, char *note, size_t size)
{
	double best, t;
	size_t at = 0;

	for (size_t w = 0; w < sizeof(ways) / sizeof(ways[0]); w++) {
		best = run_once(ways[w].w_words, program);
		for (unsigned i = 1; i < runs && best > 0; i++) {
			t = run_once(ways[w].w_words, program);
			best = t < best ? t : best;
		}
		if (best > 0 && at < size)
			at += (size_t)snprintf(note + at, size - at,
			    "%s%s %.1f ms", at > 0 ? ", " : "", ways[w].w_name,
			    best / 1e6);
	}
}

/*
 * asked: how many times the host's time is asked for, or 0.  What is compared
 * is the middle of what one after the other takes: the best of each may be of
 * a good moment that the other one had not.
 */
static void
run(struct bench_result *br, const char *const *program, unsigned runs,
    double asked)
{
	char tool[PATH_MAX], *note = br->br_note;
	const char *const world[] = {tool, "run", "--", NULL};
	double rump[RUNS], host[RUNS], times[RUNS];
	size_t at;

	if (bench_quick)
		runs = 2;
	bench_near("../src/cmd/rump/rump", tool);
	for (unsigned i = 0; i < runs; i++) {
		rump[i] = run_once(world, program);
		host[i] = run_once(NULL, program);
		if (rump[i] == 0 || host[i] == 0)
			bench_fail("%s fails", program[0]);
		times[i] = rump[i] / host[i];
	}
	br->br_rump = bench_figure(rump, runs);
	br->br_host = bench_figure(host, runs);
	at = (size_t)snprintf(note, sizeof(br->br_note), "%.2f times in turn",
	    bench_figure(times, runs).bf_median);
	if (asked != 0)
		at += (size_t)snprintf(
		    note + at, sizeof(br->br_note) - at, ", %.1f asked", asked);
	at += (size_t)snprintf(note + at, sizeof(br->br_note) - at, "; ");
	if (!bench_quick)
		other_ways(program, runs < PEERS ? runs : PEERS, note + at,
		    sizeof(br->br_note) - at);
}

static void
true_run(struct bench_result *br)
{
	run(br, (const char *const[]){"true", NULL}, RUNS, 0);
}

/* A file of the host with this text. */
static void
put_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	if (f == NULL || fputs(text, f) == EOF || fclose(f) != 0)
		bench_fail("%s: %s", path, strerror(errno));
}

/*
 * Files are in a directory that a world does not leave to the host, as it does
 * /dev/shm.
 */
static char place[] = "/tmp/rumpbench.XXXXXX";

static void
place_remove(void)
{
	(void)run_once(NULL, (const char *const[]){"rm", "-rf", place, NULL});
}

static void
tar_run(struct bench_result *br)
{
	char path[PATH_MAX], out[PATH_MAX];

	bench_must(mkdtemp(place) != NULL, "mkdtemp");
	snprintf(path, sizeof(path), "%s/tree", place);
	bench_must(mkdir(path, 0755) == 0, "mkdir");
	for (int i = 0; i < FILES; i++) {
		snprintf(path, sizeof(path), "%s/tree/%d", place, i);
		put_file(path, "A file as there are many, not a large one.\n");
	}
	snprintf(out, sizeof(out), "%s/tree.tar", place);
	run(br,
	    (const char *const[]){"tar", "-C", place, "-cf", out, "tree", NULL},
	    RUNS, 1.5);
	place_remove();
}

/* gcc as PATH has it, but for what only remembers what it did. */
static void
compiler_find(char found[PATH_MAX])
{
	const char *path = getenv("PATH"), *end;
	char name[PATH_MAX], *base;

	for (; path != NULL && *path != '\0'; path = end + (*end == ':')) {
		end = strchrnul(path, ':');
		snprintf(
		    name, sizeof(name), "%.*s/gcc", (int)(end - path), path);
		if (realpath(name, found) == NULL)
			continue;
		base = strrchr(found, '/') + 1;
		if (strcmp(base, "ccache") != 0)
			return;
	}
	bench_fail("gcc is not there");
}

static void
cc_run(struct bench_result *br)
{
	char cc[PATH_MAX], in[PATH_MAX], out[PATH_MAX];

	compiler_find(cc);
	bench_must(mkdtemp(place) != NULL, "mkdtemp");
	snprintf(in, sizeof(in), "%s/small.c", place);
	snprintf(out, sizeof(out), "%s/small.o", place);
	put_file(in, "#include <stdio.h>\n"
		     "int main(void)\n{\n\tputs(\"small\");\n\treturn 0;\n}\n");
	run(br, (const char *const[]){cc, "-O2", "-c", "-o", out, in, NULL},
	    RUNS, 1.2);
	place_remove();
}

/* A library of some files. */
static void
make_jobs(struct bench_result *br, const char *jobs, double asked)
{
	char cc[PATH_MAX], set[PATH_MAX + 8], path[PATH_MAX], text[512];

	compiler_find(cc);
	bench_must(mkdtemp(place) != NULL, "mkdtemp");
	for (int i = 0; i < SOURCES; i++) {
		snprintf(path, sizeof(path), "%s/part%d.c", place, i);
		snprintf(text, sizeof(text),
		    "#include <stdio.h>\n#include <stdlib.h>\n"
		    "#include <string.h>\n"
		    "int\npart%d(const char *s)\n{\n"
		    "\tint n = atoi(s) + (int)strlen(s);\n\n"
		    "\tprintf(\"%%d\\n\", n);\n\treturn n;\n}\n",
		    i);
		put_file(path, text);
	}
	snprintf(path, sizeof(path), "%s/Makefile", place);
	put_file(path, "OBJECTS = $(patsubst %.c,%.o,$(wildcard *.c))\n"
		       "parts.so: $(OBJECTS)\n"
		       "\t$(CC) -shared -o $@ $(OBJECTS)\n"
		       "%.o: %.c\n"
		       "\t$(CC) -O2 -fPIC -c -o $@ $<\n");
	snprintf(set, sizeof(set), "CC=%s", cc);
	run(br,
	    (const char *const[]){"make", "-sB", jobs, "-C", place, set, NULL},
	    LONG, asked);
	place_remove();
}

static void
make_run(struct bench_result *br)
{
	make_jobs(br, "-j1", 1.2);
}

/* With which the kernel has no processor of its own. */
static void
make2_run(struct bench_result *br)
{
	bench_use_cpus(2);
	make_jobs(br, "-j2", 0);
}

/* What bench-client's file-pread takes in a fifth of a second. */
static double
pread_once(const char *before)
{
	int64_t when[2] = {bench_now(), bench_now() + 200000000};
	char client[PATH_MAX], go[PATH_MAX], command[4 * PATH_MAX];
	double ns = 0;
	FILE *f;

	bench_near("bench-client", client);
	snprintf(go, sizeof(go), "%s/go", place);
	f = fopen(go, "w");
	if (f == NULL || fwrite(when, sizeof(when), 1, f) != 1 ||
	    fclose(f) != 0)
		bench_fail("%s: %s", go, strerror(errno));
	snprintf(command, sizeof(command),
	    "%s %s file-pread %s/file 2 0 <%s 2>/dev/null", before, client,
	    place, go);
	f = popen(command, "r");
	if (f == NULL || fscanf(f, "%lf", &ns) != 1 || pclose(f) != 0)
		bench_fail("%s fails", command);
	return ns;
}

static void
pread_run(struct bench_result *br)
{
	char tool[PATH_MAX], world[PATH_MAX + 16];
	double rump[RUNS], host[RUNS];
	unsigned runs = bench_quick ? 2 : RUNS;

	bench_must(mkdtemp(place) != NULL, "mkdtemp");
	bench_near("../src/cmd/rump/rump", tool);
	snprintf(world, sizeof(world), "%s run --", tool);
	for (unsigned i = 0; i < runs; i++) {
		rump[i] = pread_once(world);
		host[i] = pread_once("");
	}
	br->br_rump = bench_figure(rump, runs);
	br->br_host = bench_figure(host, runs);
	place_remove();
}

const struct bench_line world_lines[] = {
    {
	.bl_name = "run-true",
	.bl_what = "rump run -- true",
	.bl_hostcall = "true",
	.bl_run = true_run,
	.bl_cold = true,
    },
    {
	.bl_name = "run-tar",
	.bl_what = "rump run -- tar, of 2000 files",
	.bl_hostcall = "tar",
	.bl_run = tar_run,
	.bl_cold = true,
    },
    {
	.bl_name = "run-gcc",
	.bl_what = "rump run -- gcc -O2 -c, of a small file",
	.bl_hostcall = "gcc",
	.bl_run = cc_run,
	.bl_cold = true,
    },
    {
	.bl_name = "run-make",
	.bl_what = "rump run -- make, of a library of 30 files",
	.bl_hostcall = "make",
	.bl_run = make_run,
	.bl_cold = true,
    },
    {
	.bl_name = "run-make-j2",
	.bl_what = "the same, two files at a time, on two processors",
	.bl_hostcall = "make",
	.bl_run = make2_run,
	.bl_cold = true,
    },
    {
	.bl_name = "run-pread",
	.bl_what = "pread of 4 KiB of a file of a world, by a program in it",
	.bl_hostcall = "pread",
	.bl_asked = 3000,
	.bl_run = pread_run,
	.bl_cold = true,
    },
    {0},
};
