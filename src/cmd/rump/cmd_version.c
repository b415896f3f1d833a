/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rump version: of the tool and of the kernel.
 */
#include <sys/utsname.h>

#include "cmd/rump/kernel.h"
#include "cmd/rump/tool.h"

static int
version_run(const struct command *self, int argc, char **argv)
{
	struct utsname un;

	if (command_getopt(self, argc, argv) != -1)
		return STATUS_USAGE;
	if (optind != argc)
		return command_usage(self, "takes no arguments");
	(void)printf("tool: %s\n", RUMP_TOOL_VERSION);
	/* Without a kernel this is all that there is to say. */
	if (!kernel_named())
		return STATUS_OK;
	if (kernel_open() == -1)
		return STATUS_FAILED;
	if (rump_sys_uname(&un) == -1)
		return complain_errno("kernel");
	(void)printf(
	    "kernel: %s, %s, %s\n", un.version, un.machine, un.nodename);
	return STATUS_OK;
}

static struct command version = {
    .c_name = "version",
    .c_args = "",
    .c_brief = "show the versions of tool and kernel",
    .c_help = "Shows the version of this tool and, if there is one, of the "
	      "kernel.",
    .c_nokernel = true,
    .c_run = version_run,
};
COMMAND(version)
