/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rump ln: links.
 */
#include "cmd/rump/tool.h"

static const struct option_desc options[] = {
    {'s', "symbolic", NULL, "a symbolic link, whose text is TARGET"},
    {'f', "force", NULL,
	"instead of what has that name, if it is no directory"},
    {0},
};

static int
link_make(const char *target, const char *path, bool symbolic)
{
	return symbolic ? rump_sys_symlink(target, path)
			: rump_sys_link(target, path);
}

static int
ln_run(const struct command *self, int argc, char **argv)
{
	bool symbolic = false, force = false;
	char *target, *path;
	struct stat sb;
	int opt, error;

	while ((opt = command_getopt(self, argc, argv)) != -1)
		switch (opt) {
		case 's':
			symbolic = true;
			break;
		case 'f':
			force = true;
			break;
		default:
			return STATUS_USAGE;
		}
	if (argc - optind != 2)
		return command_usage(self, "wants a target and a name");
	target = argv[optind];
	path = argv[optind + 1];
	if (rump_sys_stat(path, &sb) == 0 && S_ISDIR(sb.st_mode))
		path = tool_path(path, path_last(target));
	else
		path = tool_format("%s", path);
	error = link_make(target, path, symbolic);
	if (error == -1 && errno == EEXIST && force &&
	    (error = rump_sys_unlink(path)) == 0)
		error = link_make(target, path, symbolic);
	if (error == -1)
		error = complain_errno(
		    errno == ENOENT && !symbolic ? target : path);
	free(path);
	return error;
}

static struct command ln = {
    .c_name = "ln",
    .c_args = "[-sf] TARGET PATH",
    .c_brief = "make links",
    .c_help = "Makes another name for a file of the kernel, or a symbolic "
	      "link. In a directory it has the name of the target.",
    .c_options = options,
    .c_complete = COMPLETE_PATH,
    .c_run = ln_run,
};
COMMAND(ln)
