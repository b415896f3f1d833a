/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rump umount: take file systems away.
 */
#include "cmd/rump/tool.h"

static const struct option_desc options[] = {
    {'f', "force", NULL, "also if it is in use: it goes when it is not"},
    {0},
};

static int
umount_run(const struct command *self, int argc, char **argv)
{
	int opt, i, flags = 0, status = STATUS_OK;

	while ((opt = command_getopt(self, argc, argv)) != -1)
		if (opt == 'f')
			flags = RUMP_MNT_FORCE;
		else
			return STATUS_USAGE;
	if (optind == argc)
		return command_usage(self, "no directories");
	for (i = optind; i < argc; i++) {
		if (rump_sys_unmount(argv[i], flags) == 0)
			continue;
		status = STATUS_FAILED;
		if (errno == EBUSY)
			complain(
			    "%s: is in use, see rump fds; -f takes it away "
			    "all the same",
			    argv[i]);
		else if (errno == EINVAL)
			complain("%s: nothing is mounted there", argv[i]);
		else
			(void)complain_errno(argv[i]);
	}
	return status;
}

static struct command umount_command = {
    .c_name = "umount",
    .c_args = "[-f] DIRECTORY ...",
    .c_brief = "take away what is mounted",
    .c_help = "Takes away what is mounted on directories of the kernel.",
    .c_options = options,
    .c_complete = COMPLETE_PATH,
    .c_run = umount_run,
};
COMMAND(umount_command)
