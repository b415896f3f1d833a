/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rump cp: files and trees, between kernel and host too.
 */
#include "cmd/rump/side.h"

static const struct option_desc options[] = {
    {'r', "recursive", NULL, "directories, with what is in them"},
    {'p', "preserve", NULL, "keep owner, mode and times"},
    {'n', "no-clobber", NULL, "leave what is there: it is an error"},
    {'v', "verbose", NULL, "say what is copied"},
    {'q', "quiet", NULL, "show no progress"},
    {0},
};

static bool
is_directory(struct place p)
{
	struct stat sb;

	return p.p_side->s_stat(p.p_path, &sb) == 0 && S_ISDIR(sb.st_mode);
}

/* Each into a directory, or one to a name. */
static int
copy_all(int argc, char **argv, struct place to, const struct copy_options *co)
{
	bool into = is_directory(to);
	int i, status = STATUS_OK;
	struct place from, dest;
	char *path;

	if (argc > 1 && !into) {
		complain("%s%s: is no directory to copy several files to",
		    to.p_side->s_prefix, to.p_path);
		return STATUS_FAILED;
	}
	for (i = 0; i < argc; i++) {
		from = place_parse(argv[i]);
		path =
		    into ? tool_path(to.p_path, path_last(from.p_path)) : NULL;
		dest = (struct place){to.p_side, into ? path : to.p_path};
		if (side_copy(from, dest, co) != STATUS_OK)
			status = STATUS_FAILED;
		free(path);
	}
	return status;
}

static int
cp_run(const struct command *self, int argc, char **argv)
{
	struct copy_options co = {0};
	int opt;

	while ((opt = command_getopt(self, argc, argv)) != -1)
		switch (opt) {
		case 'r':
			co.co_recursive = true;
			break;
		case 'p':
			co.co_preserve = true;
			break;
		case 'n':
			co.co_keep = true;
			break;
		case 'v':
			co.co_verbose = true;
			break;
		case 'q':
			co.co_quiet = true;
			break;
		default:
			return STATUS_USAGE;
		}
	if (argc - optind < 2)
		return command_usage(self, "wants files and where to");
	return copy_all(
	    argc - optind - 1, argv + optind, place_parse(argv[argc - 1]), &co);
}

static struct command cp = {
    .c_name = "cp",
    .c_args = "[-rpnvq] FROM ... TO",
    .c_brief = "copy files within the kernel, into it and out of it",
    .c_help =
	"Copies files to a name or into a directory. A path is one of the "
	"kernel, or with host: in front one of the host:\n"
	"  rump cp host:data.csv /srv\n"
	"  rump cp -r /var/log host:logs\n"
	"Files that are there are written over. With -r symbolic links stay "
	"what they are; else they are followed.",
    .c_options = options,
    .c_complete = COMPLETE_COPY,
    .c_run = cp_run,
};
COMMAND(cp)
