/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rump rm: remove files.
 */
#include "cmd/rump/side.h"

static const struct option_desc options[] = {
    {'r', "recursive", NULL, "directories, with what is in them"},
    {'d', "dir", NULL, "empty directories"},
    {'f', "force", NULL, "say nothing about what is not there"},
    {'v', "verbose", NULL, "say what is removed"},
    {0},
};

struct rm {
	bool r_recursive, r_dirs, r_force, r_verbose;
};

static int
rm_file(const struct rm *rm, const char *path)
{
	const char *last = path_last(path);
	struct stat sb;

	if (strcmp(last, ".") == 0 || strcmp(last, "..") == 0 ||
	    strspn(path, "/") == strlen(path)) {
		complain("%s: is not removed", path);
		return STATUS_FAILED;
	}
	if (rump_sys_lstat(path, &sb) == -1)
		return errno == ENOENT && rm->r_force ? STATUS_OK
						      : complain_errno(path);
	if (!S_ISDIR(sb.st_mode) || rm->r_recursive)
		return side_remove(&kernel_side, path, rm->r_verbose);
	if (!rm->r_dirs) {
		complain("%s: is a directory; -r removes it with what is in it",
		    path);
		return STATUS_FAILED;
	}
	return rump_sys_rmdir(path) == 0 ? STATUS_OK : complain_errno(path);
}

static int
rm_run(const struct command *self, int argc, char **argv)
{
	int opt, i, status = STATUS_OK;
	struct rm rm = {0};

	while ((opt = command_getopt(self, argc, argv)) != -1)
		switch (opt) {
		case 'r':
			rm.r_recursive = true;
			break;
		case 'd':
			rm.r_dirs = true;
			break;
		case 'f':
			rm.r_force = true;
			break;
		case 'v':
			rm.r_verbose = true;
			break;
		default:
			return STATUS_USAGE;
		}
	if (optind == argc && !rm.r_force)
		return command_usage(self, "no files");
	for (i = optind; i < argc; i++)
		if (rm_file(&rm, argv[i]) != STATUS_OK)
			status = STATUS_FAILED;
	return status;
}

static struct command rm = {
    .c_name = "rm",
    .c_args = "[-rdfv] PATH ...",
    .c_brief = "remove files",
    .c_help = "Removes files of the kernel.",
    .c_options = options,
    .c_complete = COMPLETE_PATH,
    .c_run = rm_run,
};
COMMAND(rm)
