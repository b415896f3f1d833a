/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tenants: load a directory of the host into the kernel, serve it as many
 * tenants at once, and check that each sees exactly what the host has and
 * nothing of the others.  Exits with 0 if so, 1 if not or if it cannot be
 * done, 2 if it was asked for in a way that makes no sense.
 */
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump.h>

#include "tenants.h"

#define MAXTHREADS   256
#define MAXLWPS	     1000000
#define DEFAULT_LWPS 4096

static const char usage[] =
    "usage: tenants [-hv] [-j threads] [-l lwps] [directory]\n"
    "  -j threads  host threads; default: as many as processors\n"
    "  -l lwps     lwps in all, at least one for each process; default 4096\n"
    "  -v          every tenant, and everything that is left out\n"
    "Loads the directory (default: .) into the kernel.  Each entry at its top\n"
    "is a tenant, a process of its own; every file is read by its owner and\n"
    "compared with the host's, and tried by another tenant, who must be\n"
    "refused.  RUMP_MEMLIMIT bounds the kernel's memory (default: half of\n"
    "the machine's).  Exit status: 0, 1 for a difference or a failure, 2 for\n"
    "wrong usage.\n";

static unsigned
processors(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return 1;
	return (unsigned)CPU_COUNT(&set);
}

static unsigned long
number(char option, const char *text, unsigned long max)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 ||
	    n < 1 || n > max)
		die(2, "-%c wants a number from 1 to %lu, not '%s'", option,
		    max, text);
	return n;
}

/*
 * A tree that is too large for the machine is to be refused, not to push the
 * machine out of memory: without a limit from the user, half of it is ours.
 */
static void
boot(void)
{
	char limit[32];
	int error;

	snprintf(limit, sizeof(limit), "%ldk",
	    sysconf(_SC_PHYS_PAGES) / 2 * (sysconf(_SC_PAGESIZE) / 1024));
	if (setenv("RUMP_MEMLIMIT", limit, 0) != 0)
		die(1, "setenv: %s", strerror(errno));
	if ((error = rump_init()) != 0)
		die(1, "the kernel does not boot: %s (RUMP_MEMLIMIT is %s)",
		    strerror(error), getenv("RUMP_MEMLIMIT"));
}

static void
stat_kernel(struct rump_memstat *st)
{
	int error = rump_pub_memstat(st);

	if (error != 0)
		die(1, "rump_pub_memstat: %s", strerror(error));
}

/* Say at once what would fail after a long time. */
static void
check_room(const struct tree *tree, const char *dir)
{
	struct rump_memstat st;
	char name[256], bytes[32], limit[32];

	stat_kernel(&st);
	if (tree->t_bytes <= st.limit - st.used)
		return;
	die(1,
	    "%s holds %s in files, but the kernel may use only %s: raise "
	    "RUMP_MEMLIMIT, or serve a smaller directory",
	    printable(name, sizeof(name), dir),
	    human(bytes, sizeof(bytes), tree->t_bytes),
	    human(limit, sizeof(limit), st.limit));
}

static void
print_tenants(const struct tenants *ts)
{
	char entry[NAME_MAX + 1], name[32];

	printf("%-24s %7s %7s %6s %8s %7s %12s %8s\n", "tenant", "pid", "uid",
	    "lwps", "reads", "links", "bytes", "refused");
	for (size_t i = 0; i < ts->ts_count; i++) {
		const struct tenant *t = &ts->ts_all[i];

		tenant_name(t, entry, sizeof(entry));
		printable(name, sizeof(name), entry);
		printf("%-24s %7d %7u %6zu %8zu %7zu %12ju %8zu\n", name,
		    (int)t->t_pid, (unsigned)t->t_uid, t->t_nlwps,
		    counted(t->t_reads), counted(t->t_links),
		    (uintmax_t)counted(t->t_bytes), counted(t->t_refused));
	}
	printf("\n");
}

/* Files that were read and found right, however often. */
static size_t
tenant_files(const struct tenant *t)
{
	size_t files = 0;

	for (size_t i = 0; i < t->t_nnodes; i++)
		if (t->t_nodes[i].n_type == NODE_FILE &&
		    counted(t->t_nodes[i].n_read) > 0)
			files++;
	return files;
}

static void
print_total(const struct tenants *ts, const struct service *s,
    const struct rump_memstat *loaded, unsigned nthreads)
{
	size_t files = 0, reads = 0, links = 0, refused = 0;
	uint64_t bytes = 0;
	char mem[32];

	for (size_t i = 0; i < ts->ts_count; i++) {
		files += tenant_files(&ts->ts_all[i]);
		reads += counted(ts->ts_all[i].t_reads);
		links += counted(ts->ts_all[i].t_links);
		refused += counted(ts->ts_all[i].t_refused);
		bytes += counted(ts->ts_all[i].t_bytes);
	}
	printf("processes        %12zu\n", ts->ts_count);
	printf("lwps             %12zu   on %u host threads\n", ts->ts_nlwps,
	    nthreads);
	printf("switches         %12ju   %ju of them to another host thread\n",
	    (uintmax_t)s->s_switches, (uintmax_t)s->s_moved);
	printf("files            %12zu   %zu reads with the host's SHA-256\n",
	    files, reads);
	printf(
	    "links            %12zu   reads with the host's target\n", links);
	printf("bytes            %12ju\n", (uintmax_t)bytes);
	printf("refused          %12zu   reads by another tenant: EACCES\n",
	    refused);
	printf("left out         %12zu\n", skipped_count());
	printf("differences      %12zu\n", differs_count());
	printf(
	    "kernel memory    %12s\n", human(mem, sizeof(mem), loaded->used));
	printf("switches/second  %12.0f   in %.3f s\n",
	    s->s_seconds > 0 ? (double)s->s_switches / s->s_seconds : 0,
	    s->s_seconds);
}

static void
run(const char *dir, unsigned nthreads, size_t nlwps)
{
	struct rump_memstat before, loaded, after;
	struct tenants ts;
	struct service s;
	struct tree tree;

	tree_scan(&tree, dir);
	boot();
	check_room(&tree, dir);
	stat_kernel(&before);
	tenants_alloc(&ts, &tree, nlwps);
	tenants_load(&ts, &tree);
	stat_kernel(&loaded);
	tenants_serve(&ts, nthreads, &s);
	tenants_check(&ts);
	stat_kernel(&after);
	if (after.procs != before.procs || after.lwps != before.lwps ||
	    after.files != before.files)
		differs("the kernel",
		    "%ju processes, %ju lwps, %ju open files "
		    "are left over",
		    (uintmax_t)(after.procs - before.procs),
		    (uintmax_t)(after.lwps - before.lwps),
		    (uintmax_t)(after.files - before.files));
	if (verbose)
		print_tenants(&ts);
	print_total(&ts, &s, &loaded, nthreads);
	tenants_free(&ts);
	tree_free(&tree);
}

int
main(int argc, char *argv[])
{
	size_t nlwps = DEFAULT_LWPS;
	unsigned nthreads = processors();
	const char *dir = ".";
	int opt;

	while ((opt = getopt(argc, argv, "hj:l:v")) != -1) {
		switch (opt) {
		case 'h':
			fputs(usage, stdout);
			return 0;
		case 'j':
			nthreads = (unsigned)number('j', optarg, MAXTHREADS);
			break;
		case 'l':
			nlwps = number('l', optarg, MAXLWPS);
			break;
		case 'v':
			verbose = true;
			break;
		default:
			return 2; /* getopt has said what is wrong */
		}
	}
	if (optind + 1 < argc)
		die(2, "one directory is enough (-h explains)");
	if (optind < argc)
		dir = argv[optind];
	run(dir, nthreads, nlwps);
	return differs_count() == 0 ? 0 : 1;
}
