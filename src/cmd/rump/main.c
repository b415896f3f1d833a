/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rump, the tool for a rump kernel that runs somewhere: looks at it, moves
 * files in and out, sets it.  rump(1).
 */
#include <getopt.h>

#include "cmd/rump/tool.h"
#include "cmd/rump/whole.h"

static void
usage(FILE *f)
{
	(void)fprintf(f, "usage: rump [-s URL] SUBCOMMAND [ARGUMENT ...]\n"
			 "`rump help' lists the subcommands.\n");
}

/* The options before the subcommand; false: a wrong one. */
static bool
main_options(int argc, char **argv)
{
	static const struct option longs[] = {
	    {.name = "server", .has_arg = 1, .val = 's'},
	    {.name = "help", .val = 'h'},
	    {.name = "version", .val = 'V'},
	    {0},
	};
	static char help_word[] = "help", version_word[] = "version";
	char *help[] = {help_word, NULL}, *version[] = {version_word, NULL};
	int opt;

	while ((opt = getopt_long(argc, argv, "+s:hV", longs, NULL)) != -1)
		switch (opt) {
		case 's':
			(void)setenv("RUMP_SERVER", optarg, 1);
			break;
		case 'h':
			exit(command_run(1, help));
		case 'V':
			exit(command_run(1, version));
		default:
			return false;
		}
	return true;
}

int
main(int argc, char **argv)
{
	int status;

	whole_arguments(argv);
	if (!main_options(argc, argv) || optind == argc) {
		usage(stderr);
		return STATUS_USAGE;
	}
	status = command_run(argc - optind, argv + optind);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		complain("standard output: %s", strerror(errno));
		return STATUS_FAILED;
	}
	return status;
}
