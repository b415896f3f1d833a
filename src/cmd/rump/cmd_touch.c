/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rump touch: make files, and set their times.
 */
#include <fcntl.h>

#include "cmd/rump/tool.h"

static const struct option_desc options[] = {
    {'c', "no-create", NULL, "make no file"},
    {0},
};

static int
touch_file(const char *path, bool create)
{
	int fd;

	if (rump_sys_utimensat(RUMP_AT_FDCWD, path, NULL, 0) == 0)
		return STATUS_OK;
	if (errno != ENOENT)
		return complain_errno(path);
	if (!create)
		return STATUS_OK;
	fd = rump_sys_open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	if (fd == -1)
		return complain_errno(path);
	(void)rump_sys_close(fd);
	return STATUS_OK;
}

static int
touch_run(const struct command *self, int argc, char **argv)
{
	int opt, i, status = STATUS_OK;
	bool create = true;

	while ((opt = command_getopt(self, argc, argv)) != -1)
		if (opt == 'c')
			create = false;
		else
			return STATUS_USAGE;
	if (optind == argc)
		return command_usage(self, "no files");
	for (i = optind; i < argc; i++)
		if (touch_file(argv[i], create) != STATUS_OK)
			status = STATUS_FAILED;
	return status;
}

static struct command touch = {
    .c_name = "touch",
    .c_args = "[-c] PATH ...",
    .c_brief = "make files, or set their times to now",
    .c_help = "Sets the times of files of the kernel to now, and makes those "
	      "that are not there.",
    .c_options = options,
    .c_complete = COMPLETE_PATH,
    .c_run = touch_run,
};
COMMAND(touch)
