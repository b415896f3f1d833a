/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rump help: what there is, and how it is used.
 */
#include "cmd/rump/tool.h"

static void
list(void)
{
	const struct command *c;

	(void)printf("usage: rump [-s URL] SUBCOMMAND [ARGUMENT ...]\n\n"
		     "Acts on the kernel that URL, or RUMP_SERVER in the "
		     "environment, names.\n\nSubcommands:\n");
	for (c = command_first(); c != NULL; c = c->c_next)
		(void)printf("  %-11s %s\n", c->c_name, c->c_brief);
	(void)printf("\n`rump help SUBCOMMAND' says more, and rump(1) all.\n");
}

static int
help_run(const struct command *self, int argc, char **argv)
{
	const struct command *c;

	if (command_getopt(self, argc, argv) != -1)
		return STATUS_USAGE;
	if (optind == argc) {
		list();
		return STATUS_OK;
	}
	if (argc - optind > 1)
		return command_usage(self, "one subcommand at a time");
	if ((c = command_find(argv[optind])) == NULL) {
		complain("no subcommand %s", argv[optind]);
		return STATUS_USAGE;
	}
	command_help(c, stdout);
	return STATUS_OK;
}

static struct command help = {
    .c_name = "help",
    .c_args = "[SUBCOMMAND]",
    .c_brief = "list the subcommands, or say how one is used",
    .c_help = "Lists the subcommands, or says how one of them is used.",
    .c_complete = COMPLETE_COMMAND,
    .c_nokernel = true,
    .c_run = help_run,
};
COMMAND(help)
