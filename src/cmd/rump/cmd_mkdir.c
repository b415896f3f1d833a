/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rump mkdir: make directories.
 */
#include "cmd/rump/tool.h"

static const struct option_desc options[] = {
    {'p', "parents", NULL, "also those that lead there; what is there is fine"},
    {'m', "mode", "MODE", "permissions, in octal"},
    {0},
};

static bool
is_directory(const char *path)
{
	struct stat sb;

	return rump_sys_stat(path, &sb) == 0 && S_ISDIR(sb.st_mode);
}

/* What leads to a path. */
static int
make_parents(const char *path)
{
	char *copy = tool_format("%s", path), *slash = copy;
	int status = STATUS_OK;

	while (
	    status == STATUS_OK && (slash = strchr(slash + 1, '/')) != NULL) {
		*slash = '\0';
		if (rump_sys_mkdir(copy, 0777) == -1 && !is_directory(copy))
			status = complain_errno(copy);
		*slash = '/';
	}
	free(copy);
	return status;
}

static int
make(const char *path, bool parents, int mode)
{
	if (parents && make_parents(path) != STATUS_OK)
		return STATUS_FAILED;
	if (rump_sys_mkdir(path, 0777) == -1) {
		if (parents && errno == EEXIST && is_directory(path))
			return STATUS_OK;
		return complain_errno(path);
	}
	/* Whatever the umask is. */
	if (mode != -1 && rump_sys_chmod(path, (mode_t)mode) == -1)
		return complain_errno(path);
	return STATUS_OK;
}

static int
mkdir_run(const struct command *self, int argc, char **argv)
{
	int opt, i, mode = -1, status = STATUS_OK;
	bool parents = false;
	char *end;

	while ((opt = command_getopt(self, argc, argv)) != -1)
		switch (opt) {
		case 'p':
			parents = true;
			break;
		case 'm':
			mode = (int)strtol(optarg, &end, 8);
			if (*optarg == '\0' || *end != '\0' || mode < 0 ||
			    mode > 07777)
				return command_usage(
				    self, "%s is no mode in octal", optarg);
			break;
		default:
			return STATUS_USAGE;
		}
	if (optind == argc)
		return command_usage(self, "no directories");
	for (i = optind; i < argc; i++)
		if (make(argv[i], parents, mode) != STATUS_OK)
			status = STATUS_FAILED;
	return status;
}

static struct command mkdir_command = {
    .c_name = "mkdir",
    .c_args = "[-p] [-m MODE] PATH ...",
    .c_brief = "make directories",
    .c_help = "Makes directories in the kernel.",
    .c_options = options,
    .c_complete = COMPLETE_PATH,
    .c_run = mkdir_run,
};
COMMAND(mkdir_command)
