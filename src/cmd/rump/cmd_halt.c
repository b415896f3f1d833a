/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rump halt: end the kernel.
 */
#include "cmd/rump/tool.h"

static const struct option_desc options[] = {
    {'n', "no-sync", NULL, "do not write back what is not written"},
    {'d', "dump", NULL, "end as by a crash: the host may keep a core"},
    {0},
};

static int
halt_run(const struct command *self, int argc, char **argv)
{
	int opt, howto = RUMP_RB_HALT;

	while ((opt = command_getopt(self, argc, argv)) != -1)
		switch (opt) {
		case 'n':
			howto |= RUMP_RB_NOSYNC;
			break;
		case 'd':
			howto |= RUMP_RB_DUMP;
			break;
		default:
			return STATUS_USAGE;
		}
	if (optind != argc)
		return command_usage(self, "takes no arguments");
	/* A server that has gone gives no answer. */
	if (rump_sys_reboot(howto, NULL) == 0 || errno == ENOTCONN)
		return STATUS_OK;
	return complain_errno("the kernel");
}

static struct command halt = {
    .c_name = "halt",
    .c_args = "[-nd]",
    .c_brief = "end the kernel",
    .c_help = "Ends the kernel and the host process that it is in: all of its "
	      "processes, and what is in its memory, are gone. For root.",
    .c_options = options,
    .c_run = halt_run,
};
COMMAND(halt)
