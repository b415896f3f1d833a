/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rump mv: give files other names.
 */
#include "cmd/rump/side.h"

static const struct option_desc options[] = {
    {'n', "no-clobber", NULL, "leave what is there: it is an error"},
    {0},
};

/* To another file system of the kernel: a copy, and if it is whole, remove. */
static int
move_across(const char *from, const char *to)
{
	static const struct copy_options co = {
	    .co_recursive = true, .co_preserve = true, .co_nofollow = true};
	int status = side_copy((struct place){&kernel_side, from},
	    (struct place){&kernel_side, to}, &co);

	return status == STATUS_OK ? side_remove(&kernel_side, from, false)
				   : status;
}

static int
move(const char *from, const char *to, bool keep)
{
	if (rump_sys_renameat2(RUMP_AT_FDCWD, from, RUMP_AT_FDCWD, to,
		keep ? RENAME_NOREPLACE : 0) == 0)
		return STATUS_OK;
	if (errno == EXDEV && !keep)
		return move_across(from, to);
	return complain_errno(errno == ENOENT ? from : to);
}

static int
mv_run(const struct command *self, int argc, char **argv)
{
	int i, opt, status = STATUS_OK;
	bool keep = false, into;
	struct stat sb;
	char *path;

	while ((opt = command_getopt(self, argc, argv)) != -1)
		if (opt != 'n')
			return STATUS_USAGE;
		else
			keep = true;
	if (argc - optind < 2)
		return command_usage(self, "wants files and where to");
	for (i = optind; i < argc; i++)
		if (place_parse(argv[i]).p_side == &host_side)
			return command_usage(self,
			    "%s: files of the host are not moved; copy it by "
			    "rump cp",
			    argv[i]);
	into = rump_sys_stat(argv[argc - 1], &sb) == 0 && S_ISDIR(sb.st_mode);
	if (argc - optind > 2 && !into) {
		complain("%s: is no directory to move several files to",
		    argv[argc - 1]);
		return STATUS_FAILED;
	}
	for (i = optind; i < argc - 1; i++) {
		path =
		    into ? tool_path(argv[argc - 1], path_last(argv[i])) : NULL;
		if (move(argv[i], into ? path : argv[argc - 1], keep) !=
		    STATUS_OK)
			status = STATUS_FAILED;
		free(path);
	}
	return status;
}

static struct command mv = {
    .c_name = "mv",
    .c_args = "[-n] FROM ... TO",
    .c_brief = "move or rename files",
    .c_help = "Gives files of the kernel another name, or moves them into a "
	      "directory. To another file system they are copied and then "
	      "removed.",
    .c_options = options,
    .c_complete = COMPLETE_PATH,
    .c_run = mv_run,
};
COMMAND(mv)
