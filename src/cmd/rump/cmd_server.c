/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rump server: start one.
 */
#include "cmd/rump/kernel.h"
#include "cmd/rump/tool.h"

/* The options are those of the program that is started: not looked at here. */
static int
server_run(const struct command *self, int argc, char **argv)
{
	static char program[] = "rump_server";

	if (argc < 2)
		return command_usage(self, "wants the URL to serve");
	(void)fflush(stdout);
	argv[0] = program;
	if (kernel_serve != NULL)
		return kernel_serve(argc, argv);
	(void)execvp(program, argv);
	complain("rump_server cannot be started: %s", strerror(errno));
	return STATUS_FAILED;
}

static struct command server = {
    .c_name = "server",
    .c_args = "[OPTION ...] URL",
    .c_brief = "start a server",
    .c_help = "Starts rump_server with these options; see rump_server(1):\n"
	      "  rump server unix:///tmp/rump.sock",
    .c_complete = COMPLETE_HOST,
    .c_nokernel = true,
    .c_run = server_run,
};
COMMAND(server)
