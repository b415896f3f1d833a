/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rump cat: files to standard output.
 */
#include <fcntl.h>

#include "cmd/rump/tool.h"

#define CAT_SIZE 65536

static int
cat_file(const char *path)
{
	static char buf[CAT_SIZE];
	int fd = rump_sys_open(path, O_RDONLY | O_CLOEXEC);
	int status = STATUS_OK;
	ssize_t n;

	if (fd == -1)
		return complain_errno(path);
	while ((n = rump_sys_read(fd, buf, sizeof(buf))) != 0) {
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1) {
			status = complain_errno(path);
			break;
		}
		if (fwrite(buf, 1, (size_t)n, stdout) != (size_t)n ||
		    (n < CAT_SIZE && fflush(stdout) != 0)) {
			status = STATUS_FAILED;
			break;
		}
	}
	(void)rump_sys_close(fd);
	return status;
}

static int
cat_run(const struct command *self, int argc, char **argv)
{
	int i, status = STATUS_OK;

	if (command_getopt(self, argc, argv) != -1)
		return STATUS_USAGE;
	if (optind == argc)
		return command_usage(self, "no files");
	for (i = optind; i < argc && !ferror(stdout); i++)
		if (cat_file(argv[i]) != STATUS_OK)
			status = STATUS_FAILED;
	return status;
}

static struct command cat = {
    .c_name = "cat",
    .c_args = "PATH ...",
    .c_brief = "print files",
    .c_help = "Writes files of the kernel to standard output, one after the "
	      "other, as their data comes.",
    .c_complete = COMPLETE_PATH,
    .c_run = cat_run,
};
COMMAND(cat)
