/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rump chmod: permissions.
 */
#include "cmd/rump/side.h"

static const struct option_desc options[] = {
    {'R', "recursive", NULL, "and what is in directories"},
    {0},
};

/* "u", "go", "" or "a": the bits of whom. */
static const char *
parse_who(const char *s, mode_t *who)
{
	*who = 0;
	for (;; s++)
		switch (*s) {
		case 'u':
			*who |= S_ISUID | 0700;
			break;
		case 'g':
			*who |= S_ISGID | 0070;
			break;
		case 'o':
			*who |= S_ISVTX | 0007;
			break;
		case 'a':
			*who |= 07777;
			break;
		default:
			return s;
		}
}

/* "rwxXst": the bits, for all; X is x for what is executable or a directory. */
static const char *
parse_what(const char *s, mode_t old, mode_t *what)
{
	*what = 0;
	for (;; s++)
		switch (*s) {
		case 'r':
			*what |= 0444;
			break;
		case 'w':
			*what |= 0222;
			break;
		case 'X':
			if (!S_ISDIR(old) && (old & 0111) == 0)
				break;
			/* FALLTHROUGH */
		case 'x':
			*what |= 0111;
			break;
		case 's':
			*what |= S_ISUID | S_ISGID;
			break;
		case 't':
			*what |= S_ISVTX;
			break;
		default:
			return s;
		}
}

/* Octal, or "u+x,go-w"; false if it is neither. */
static bool
mode_apply(const char *s, mode_t old, mode_t *mode)
{
	mode_t who, what;
	char *end, op;

	if (*s >= '0' && *s <= '7') {
		*mode = (mode_t)strtoul(s, &end, 8);
		return *end == '\0' && *mode <= 07777;
	}
	for (*mode = old & 07777;; s++) {
		s = parse_who(s, &who);
		if (who == 0)
			who = 07777;
		if ((op = *s) != '+' && op != '-' && op != '=')
			return false;
		s = parse_what(s + 1, old, &what);
		if (op == '-')
			*mode &= ~(what & who);
		else if (op == '+')
			*mode |= what & who;
		else
			*mode = (*mode & ~who) | (what & who);
		if (*s == '\0')
			return true;
		if (*s != ',')
			return false;
	}
}

static int chmod_tree(const char *path, const char *mode);

static int
chmod_inside(const char *dir, const char *mode)
{
	char **names = side_list(&kernel_side, dir), *path;
	int status = STATUS_OK;
	size_t i;

	if (names == NULL)
		return complain_errno(dir);
	for (i = 0; names[i] != NULL; i++) {
		path = tool_path(dir, names[i]);
		if (chmod_tree(path, mode) != STATUS_OK)
			status = STATUS_FAILED;
		free(path);
	}
	side_listfree(names);
	return status;
}

/* Symbolic links have no mode, and are not followed. */
static int
chmod_tree(const char *path, const char *mode)
{
	struct stat sb;
	mode_t new;

	if (rump_sys_lstat(path, &sb) == -1)
		return complain_errno(path);
	if (S_ISLNK(sb.st_mode))
		return STATUS_OK;
	(void)mode_apply(mode, sb.st_mode, &new);
	if (rump_sys_chmod(path, new) == -1)
		return complain_errno(path);
	return S_ISDIR(sb.st_mode) ? chmod_inside(path, mode) : STATUS_OK;
}

static int
chmod_file(const char *path, const char *mode)
{
	struct stat sb;
	mode_t new;

	if (rump_sys_stat(path, &sb) == -1)
		return complain_errno(path);
	(void)mode_apply(mode, sb.st_mode, &new);
	return rump_sys_chmod(path, new) == 0 ? STATUS_OK
					      : complain_errno(path);
}

static int
chmod_run(const struct command *self, int argc, char **argv)
{
	int opt, i, status = STATUS_OK;
	bool recursive = false;
	const char *mode;
	mode_t unused;

	while ((opt = command_getopt(self, argc, argv)) != -1)
		if (opt == 'R')
			recursive = true;
		else
			return STATUS_USAGE;
	if (argc - optind < 2)
		return command_usage(self, "wants a mode and files");
	mode = argv[optind];
	if (!mode_apply(mode, 0, &unused))
		return command_usage(self, "%s is no mode", mode);
	for (i = optind + 1; i < argc; i++)
		if ((recursive ? chmod_tree : chmod_file)(argv[i], mode) !=
		    STATUS_OK)
			status = STATUS_FAILED;
	return status;
}

static struct command chmod_command = {
    .c_name = "chmod",
    .c_args = "[-R] MODE PATH ...",
    .c_brief = "change permissions",
    .c_help = "Changes the permissions of files of the kernel. MODE is octal, "
	      "like 644, or says what changes for whom, like u+x,go-w or a=rX. "
	      "To take away something from all, write a-w.",
    .c_options = options,
    .c_complete = COMPLETE_PATH,
    .c_run = chmod_run,
};
COMMAND(chmod_command)
