/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench: what librump's operations cost, beside the host's and beside what
 * is asked of them.  See docs/benchmarks.md.
 */
#include <sys/utsname.h>

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump.h>

#include "bench.h"

static const struct bench_line *const lists[] = {call_lines, lwp_lines,
    proc_lines, scale_lines, memory_lines, boot_lines, pipe_lines, event_lines,
    file_lines, bigfile_lines, timer_lines, fiber_lines, hijack_lines,
    signal_lines, socket_lines, ipc_lines, remote_lines, world_lines};

static const char usage[] =
    "usage: bench [--quick] [--json] [--list] [--filter NAME]...\n"
    "  --quick        few and short repetitions\n"
    "  --json         print JSON\n"
    "  --list         only name the operations\n"
    "  --filter NAME  only operations that have NAME in their name\n"
    "  --boot         only boot once, and print how many nanoseconds it took\n"
    "  --calls, --spawns  only make calls, start programs, and print the same\n"
    "Figures are the fastest repetition.  ratio is the host's figure over\n"
    "librump's (for speed-ups the other way round): above 1, librump is\n"
    "better.  `short' marks an operation that misses what is asked of it.\n";

static char **filters;
static int nfilters;

static bool
line_wanted(const struct bench_line *bl)
{
	/* calloc made it one longer than it can get. */
	if (filters == NULL || *filters == NULL)
		return true;
	for (char **f = filters; *f != NULL; f++)
		if (strstr(bl->bl_name, *f) != NULL)
			return true;
	return false;
}

/* The wanted line after bl, or the first one for NULL; NULL at the end. */
static const struct bench_line *
line_next(const struct bench_line *bl)
{
	bool found = bl == NULL;

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		for (const struct bench_line *p = lists[i]; p->bl_name != NULL;
		     p++) {
			if (found && line_wanted(p))
				return p;
			if (p == bl)
				found = true;
		}
	return NULL;
}

static const char *
unit_name(enum bench_unit unit)
{
	switch (unit) {
	case UNIT_NS:
		return "ns";
	case UNIT_BYTES:
		return "bytes";
	case UNIT_TIMES:
		return "times";
	case UNIT_SPEEDUP:
		return "speedup";
	}
	return "?";
}

/* Above 1 if librump is better; 0 if there is nothing to compare with. */
static double
host_ratio(const struct bench_line *bl, const struct bench_result *br)
{
	double rump = br->br_rump.bf_best, host = br->br_host.bf_best;

	if (rump <= 0 || host <= 0)
		return 0;
	return bl->bl_unit == UNIT_SPEEDUP ? rump / host : host / rump;
}

/* What is asked of it, 0: nothing. */
static double
asked_of(const struct bench_line *bl, const struct bench_result *br)
{
	return bl->bl_asked == 0 ? 0 : bl->bl_asked + br->br_base;
}

/* The same for a host that is as slow as this one, if that can be said. */
static double
asked_here(const struct bench_line *bl, const struct bench_result *br)
{
	double slow =
	    bl->bl_hostref == 0 ? 1 : br->br_host.bf_best / bl->bl_hostref;

	return bl->bl_asked * slow + br->br_base;
}

static const char *
verdict(const struct bench_line *bl, const struct bench_result *br)
{
	double got = br->br_rump.bf_best, asked = asked_of(bl, br);

	if (br->br_error[0] != '\0')
		return "error";
	if (asked == 0)
		return "-";
	if (bl->bl_unit == UNIT_SPEEDUP)
		return got >= asked ? "ok" : "short";
	if (got <= asked)
		return "ok";
	return got <= asked_here(bl, br) ? "ratio" : "short";
}

/* A figure in its unit, "-" for none. */
static const char *
figure(char *buf, size_t len, enum bench_unit unit, double v)
{
	if (v == 0)
		snprintf(buf, len, "-");
	else if (unit == UNIT_BYTES)
		snprintf(buf, len, "%.0f B", v);
	else if (unit == UNIT_NS)
		snprintf(buf, len, v < 1000 ? "%.1f ns" : "%.0f ns", v);
	else
		snprintf(buf, len, "%.2f x", v);
	return buf;
}

static void
text_header(void)
{
	printf("%-22s %12s %12s %8s %12s %12s  %-5s  %s\n", "operation",
	    "librump", "host", "ratio", "original", "asked", "",
	    "host's call; notes");
}

static void
text_line(const struct bench_line *bl, const struct bench_result *br)
{
	char rump[32], host[32], ratio[32], original[32], asked[32];
	const char *note = br->br_error[0] ? br->br_error : br->br_note;
	double r = host_ratio(bl, br);

	if (r == 0)
		strcpy(ratio, "-");
	else
		snprintf(ratio, sizeof(ratio), r < 10 ? "%.2f" : "%.0f", r);
	printf("%-22s %12s %12s %8s %12s %12s  %-5s  %s%s%s\n", bl->bl_name,
	    figure(rump, sizeof(rump), bl->bl_unit, br->br_rump.bf_best),
	    figure(host, sizeof(host), bl->bl_unit, br->br_host.bf_best), ratio,
	    figure(original, sizeof(original), bl->bl_unit, bl->bl_original),
	    figure(asked, sizeof(asked), bl->bl_unit, asked_of(bl, br)),
	    verdict(bl, br), bl->bl_hostcall != NULL ? bl->bl_hostcall : "-",
	    note[0] != '\0' ? "; " : "", note);
	fflush(stdout);
}

static void
json_string(const char *s)
{
	if (s == NULL || *s == '\0') {
		printf("null");
		return;
	}
	putchar('"');
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			putchar('\\');
		if ((unsigned char)*s >= 0x20)
			putchar(*s);
	}
	putchar('"');
}

static void
json_number(const char *name, double v)
{
	if (v == 0)
		printf(", \"%s\": null", name);
	else
		printf(", \"%s\": %.6g", name, v);
}

static void
json_line(
    const struct bench_line *bl, const struct bench_result *br, bool first)
{
	printf("%s\n  {\"name\": \"%s\", \"what\": ", first ? "" : ",",
	    bl->bl_name);
	json_string(bl->bl_what);
	printf(", \"unit\": \"%s\", \"host_call\": ", unit_name(bl->bl_unit));
	json_string(bl->bl_hostcall);
	json_number("rump", br->br_rump.bf_best);
	json_number("rump_median", br->br_rump.bf_median);
	json_number("host", br->br_host.bf_best);
	json_number("host_median", br->br_host.bf_median);
	json_number("ratio", host_ratio(bl, br));
	json_number("original", bl->bl_original);
	json_number("asked", asked_of(bl, br));
	printf(", \"result\": \"%s\", \"note\": ", verdict(bl, br));
	json_string(br->br_error[0] ? br->br_error : br->br_note);
	printf("}");
	fflush(stdout);
}

static void
json_header(void)
{
	struct utsname u;
	int version = rump_getversion();

	uname(&u);
	printf("{\"librump\": \"%d.%d.%d\", \"machine\": \"%s\", "
	       "\"host\": \"%s %s\", \"cpus\": %ld, \"quick\": %s,\n"
	       " \"operations\": [",
	    version / 100000000, version / 1000000 % 100, version / 100 % 10000,
	    u.machine, u.sysname, u.release, sysconf(_SC_NPROCESSORS_ONLN),
	    bench_quick ? "true" : "false");
}

/* Returns the exit status: 1 if a line could not be measured. */
static int
run_all(bool json)
{
	struct bench_result br;
	bool first = true;
	int status = 0;

	if (json)
		json_header();
	else
		text_header();
	for (const struct bench_line *bl = line_next(NULL); bl != NULL;
	     bl = line_next(bl)) {
		if (!bench_run(bl, &br))
			return 1;
		if (br.br_error[0] != '\0')
			status = 1;
		if (json)
			json_line(bl, &br, first);
		else
			text_line(bl, &br);
		first = false;
	}
	if (json)
		printf("\n]}\n");
	return status;
}

static int
boot_and_print(void)
{
	int64_t start = bench_now();
	int error = rump_init();

	start = bench_now() - start;
	if (error != 0) {
		fprintf(stderr, "bench: rump_init: %s\n", strerror(error));
		return 1;
	}
	printf("%jd\n", (intmax_t)start);
	return 0;
}

static void
list_all(void)
{
	for (const struct bench_line *bl = line_next(NULL); bl != NULL;
	     bl = line_next(bl))
		printf("%-22s  %s\n", bl->bl_name, bl->bl_what);
}

static bool opt_json, opt_list, opt_boot, opt_calls, opt_spawns;

/* Returns the exit status, or -1 to go on. */
static int
options_parse(int argc, char *argv[])
{
	enum { QUICK, JSON, LIST, FILTER, BOOT, CALLS, SPAWNS, HELP };
	static const struct option options[] = {
	    {"quick", no_argument, NULL, QUICK},
	    {"json", no_argument, NULL, JSON},
	    {"list", no_argument, NULL, LIST},
	    {"filter", required_argument, NULL, FILTER},
	    {"boot", no_argument, NULL, BOOT},
	    {"calls", no_argument, NULL, CALLS},
	    {"spawns", no_argument, NULL, SPAWNS},
	    {"help", no_argument, NULL, HELP}, {NULL, 0, NULL, 0}};
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case QUICK:
			bench_quick = true;
			break;
		case JSON:
			opt_json = true;
			break;
		case LIST:
			opt_list = true;
			break;
		case FILTER:
			filters[nfilters++] = optarg;
			break;
		case BOOT:
			opt_boot = true;
			break;
		case CALLS:
			opt_calls = true;
			break;
		case SPAWNS:
			opt_spawns = true;
			break;
		case HELP:
			fputs(usage, stdout);
			return 0;
		default:
			return 2; /* getopt_long has said what is wrong */
		}
	}
	if (optind < argc) {
		fprintf(stderr, "bench: '%s' is no option (see --help)\n",
		    argv[optind]);
		return 2;
	}
	return -1;
}

int
main(int argc, char *argv[])
{
	int status;

	filters = calloc((size_t)argc + 1, sizeof(*filters));
	if (filters == NULL) {
		fprintf(stderr, "bench: %s\n", strerror(ENOMEM));
		return 1;
	}
	if ((status = options_parse(argc, argv)) >= 0)
		return status;
	if (line_next(NULL) == NULL) {
		fprintf(stderr,
		    "bench: no operation has '%s' in its name (see --list)\n",
		    filters[0]);
		return 2;
	}
	if (opt_boot)
		return boot_and_print();
	if (opt_calls || opt_spawns) {
		(opt_calls ? bench_calls : bench_spawns)();
		return 0;
	}
	if (opt_list) {
		list_all();
		return 0;
	}
	return run_all(opt_json);
}
