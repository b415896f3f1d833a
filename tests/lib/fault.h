/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every allocation of kernel memory failing in turn.
 *
 * A scenario is run with its first allocation failing, then with its second,
 * and so on until it comes through without having reached the one that was to
 * fail.  Each failure must be reported as ENOMEM (or ENOSPC where data of a
 * file has no room), must change nothing (the same context, and the kernel's
 * bytes, processes, lwps, files and credentials as before), and the scenario
 * must work when it is tried again.  A scenario may also get along without
 * the memory, as one that only releases must.
 */
#ifndef TESTS_FAULT_H
#define TESTS_FAULT_H

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>
#include <rump/rumpuser.h>

#define MAX_ALLOCS 2000 /* no scenario makes so many */

static const char *scenario = "start";
static long failing; /* the allocation that fails */
static int errors;
static bool verbose;

/* State between setup, run and undo. */
static struct lwp *base;
static int fd;

static void
complain(const char *what, long want, long got)
{
	fprintf(stderr,
	    "fault: %s, allocation %ld: %s: want %ld, "
	    "got %ld (errno %d)\n",
	    scenario, failing, what, want, got, errno);
	errors++;
}

/* What the scenarios themselves need without a fault. */
#define MUST(expr) must((long)(expr), #expr, __LINE__)

static long
must(long rv, const char *what, int line)
{
	if (rv == -1) {
		fprintf(stderr,
		    "fault: %s, allocation %ld: line %d: "
		    "%s: %s\n",
		    scenario, failing, line, what, strerror(errno));
		exit(1);
	}
	return rv;
}

/* A system call's result as an errno. */
static int
result(long rv)
{
	return rv == -1 ? errno : 0;
}

static void
undo_fd(void)
{
	MUST(rump_sys_close(fd));
}

static char big[1 << 20] __attribute__((unused));

static void
nothing(void)
{
}

#define DATA  1 /* ENOSPC is right too; so is a short result */
#define KEEPS 4 /* what it got before the failure stays, for later */

struct scenario {
	const char *name;
	void (*setup)(void);
	int (*run)(void);
	void (*undo)(void);
	void (*teardown)(void);
	int flags;
};

static void
measure(struct rump_memstat *st)
{
	int error = rump_pub_memstat(st);

	if (error != 0)
		complain("memstat", 0, error);
}

static void
compare(const char *when, const struct rump_memstat *a)
{
	struct rump_memstat b;
	char what[80];

	measure(&b);
	if (a->procs != b.procs || a->lwps != b.lwps || a->files != b.files ||
	    a->creds != b.creds || a->used != b.used) {
		(void)snprintf(what, sizeof(what),
		    "%s: processes %+" PRId64 ", lwps %+" PRId64
		    ", files %+" PRId64 ", creds %+" PRId64 ", bytes",
		    when, (int64_t)(b.procs - a->procs),
		    (int64_t)(b.lwps - a->lwps), (int64_t)(b.files - a->files),
		    (int64_t)(b.creds - a->creds));
		complain(what, (long)a->used, (long)b.used);
	}
}

static bool
error_is_right(const struct scenario *s, int error)
{
	return error == ENOMEM || (error == ENOSPC && (s->flags & DATA) != 0);
}

/* Once with allocation n failing.  True if it was reached. */
static bool
run_failing(const struct scenario *s, long n)
{
	struct rump_memstat before;
	pid_t pid = rump_sys_getpid();
	bool fired;
	int error;

	failing = n;
	measure(&before);
	(void)rumpuser_memfail(n);
	error = s->run();
	fired = rumpuser_memfail(0) == 0;
	if (error != 0) {
		if (!fired)
			complain("fails without a fault", 0, error);
		else if (!error_is_right(s, error))
			complain("error", ENOMEM, error);
		if (rump_pub_lwproc_curlwp() != base) {
			complain("context changed", 0, 1);
			rump_pub_lwproc_switch(base);
		}
		if (rump_sys_getpid() != pid)
			complain("pid", pid, rump_sys_getpid());
		if ((s->flags & KEEPS) == 0)
			compare("after the failure", &before);
		error = s->run();
		if (error != 0) {
			complain("fails the second time", 0, error);
			return fired;
		}
	}
	s->undo();
	return fired;
}

static void
enter_scenario(const struct scenario *s)
{
	MUST(rump_pub_lwproc_rfork(RUMP_RFCFDG) == 0 ? 0 : -1);
	base = rump_pub_lwproc_curlwp();
	s->setup();
}

static void
leave_scenario(const struct scenario *s)
{
	s->teardown();
	rump_pub_lwproc_releaselwp();
}

/* Every allocation in turn; a process for each when it cannot be undone. */
static void
run_scenario(const struct scenario *s)
{
	struct rump_memstat before;
	bool fired = true;
	long n;

	scenario = s->name;
	failing = 0;
	enter_scenario(s);
	if (s->run() != 0)
		complain("without a fault", 0, errno);
	s->undo();
	leave_scenario(s);
	measure(&before);
	for (n = 1; fired && n < MAX_ALLOCS; n++) {
		enter_scenario(s);
		fired = run_failing(s, n);
		leave_scenario(s);
		compare("after the process has gone", &before);
	}
	if (n == MAX_ALLOCS)
		complain("no end of allocations", 0, n);
	if (verbose)
		printf("%-20s %ld allocations\n", s->name, n - 2);
}

/* The scenarios that are called `only', or all of them. */
static void
run_scenarios(const struct scenario *s, size_t n, const char *only)
{
	for (size_t i = 0; i < n; i++)
		if (only == NULL || strcmp(only, s[i].name) == 0)
			run_scenario(&s[i]);
}

/* Which of them the arguments name, NULL: all. */
static const char *
fault_start(int argc, char **argv)
{
	const char *only = NULL;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-v") == 0)
			verbose = true;
		else
			only = argv[i];
	}
	return only;
}

static int
fault_boot(void)
{
	rump_boot_setsigmodel(RUMP_SIGMODEL_IGNORE);
	if (rump_init() == 0)
		return 0;
	complain("rump_init", 0, 1);
	return 1;
}

#endif /* TESTS_FAULT_H */
