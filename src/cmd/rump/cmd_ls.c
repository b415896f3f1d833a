/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rump ls: what is in directories.
 */
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

#include <limits.h>

#include "cmd/rump/side.h"

enum { OPT_JSON = 256 };

static const struct option_desc options[] = {
    {'l', "long", NULL, "mode, links, owner, size and time of each"},
    {'a', "all", NULL, "also names that begin with a dot"},
    {'d', "directory", NULL, "directories themselves, not what is in them"},
    {'R', "recursive", NULL, "and in the directories in them"},
    {'h', "human", NULL, "with -l: sizes for people"},
    {'i', "inode", NULL, "inode numbers, one name a line"},
    {'p', NULL, NULL, "a slash behind directories"},
    {'1', NULL, NULL, "one name a line"},
    {OPT_JSON, "json", NULL, "for programs"},
    {0},
};

struct ls {
	bool l_long, l_all, l_directory, l_recursive, l_human, l_inode;
	bool l_slash, l_one, l_json;
	int l_status;
};

struct entry {
	char *e_name;
	char *e_path;
	struct stat e_sb;
};

static const char *
color_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return "\033[1;34m";
	case S_IFLNK:
		return "\033[36m";
	case S_IFIFO:
	case S_IFCHR:
	case S_IFBLK:
		return "\033[33m";
	case S_IFSOCK:
		return "\033[35m";
	default:
		return (mode & 0111) != 0 ? "\033[32m" : "";
	}
}

/* The name as it is shown, and how many columns it takes. */
static void
put_name(const struct ls *ls, const struct entry *e)
{
	const char *color = out_color() ? color_of(e->e_sb.st_mode) : "";

	(void)printf("%s", color);
	out_name(e->e_name);
	(void)printf("%s%s", *color != '\0' ? "\033[0m" : "",
	    ls->l_slash && S_ISDIR(e->e_sb.st_mode) ? "/" : "");
}

static void
long_row(const struct ls *ls, struct table *t, const struct entry *e)
{
	char mode[11], size[HUMAN_SIZE], when[TIME_SIZE], target[PATH_MAX + 1];
	const struct stat *sb = &e->e_sb;
	ssize_t n = 0;

	mode_text(sb->st_mode, mode);
	if (ls->l_inode)
		table_cell(t, "%ju", (uintmax_t)sb->st_ino);
	table_cell(t, "%s", mode);
	table_cell(t, "%ju", (uintmax_t)sb->st_nlink);
	table_cell(t, "%s", user_name(sb->st_uid));
	table_cell(t, "%s", group_name(sb->st_gid));
	if (S_ISCHR(sb->st_mode) || S_ISBLK(sb->st_mode))
		table_cell(t, "%u, %u", major(sb->st_rdev), minor(sb->st_rdev));
	else if (ls->l_human)
		table_cell(t, "%s", human((uint64_t)sb->st_size, size));
	else
		table_cell(t, "%jd", (intmax_t)sb->st_size);
	table_cell(t, "%s", time_text(&sb->st_mtim, when));
	if (S_ISLNK(sb->st_mode))
		n = rump_sys_readlink(e->e_path, target, PATH_MAX);
	table_cell(t, "%s%s%s%.*s", e->e_name,
	    ls->l_slash && S_ISDIR(sb->st_mode) ? "/" : "", n > 0 ? " -> " : "",
	    n > 0 ? (int)n : 0, target);
}

static void
print_long(const struct ls *ls, const struct entry *e, size_t n)
{
	struct table *t = table_new(ls->l_inode ? ">||>|||>||" : "|>|||>||");
	size_t i;

	for (i = 0; i < n; i++)
		long_row(ls, t, &e[i]);
	table_print(t);
}

/* In as many columns as the terminal has room for, downwards. */
static void
print_columns(const struct ls *ls, const struct entry *e, size_t n)
{
	struct winsize ws;
	size_t i, len, widest = 1, columns, rows, row;

	for (i = 0; i < n; i++)
		if ((len = strlen(e[i].e_name) + ls->l_slash) > widest)
			widest = len;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == -1 || ws.ws_col == 0)
		ws.ws_col = 80;
	columns = ws.ws_col / (widest + 2);
	columns = columns == 0 ? 1 : columns;
	rows = (n + columns - 1) / columns;
	for (row = 0; row < rows; row++) {
		for (i = row; i < n; i += rows) {
			put_name(ls, &e[i]);
			len = strlen(e[i].e_name) + ls->l_slash;
			if (i + rows < n)
				(void)printf(
				    "%*s", (int)(widest + 2 - len), "");
		}
		(void)putchar('\n');
	}
}

static void
print_json(const struct entry *e)
{
	char target[PATH_MAX + 1], mode[8];
	ssize_t n;

	json_begin('{');
	json_key("name");
	json_string(e->e_name);
	json_key("path");
	json_string(e->e_path);
	json_key("type");
	json_string(type_name(e->e_sb.st_mode));
	(void)snprintf(mode, sizeof(mode), "%04o", e->e_sb.st_mode & 07777u);
	json_key("mode");
	json_string(mode);
	json_key("nlink");
	json_number((int64_t)e->e_sb.st_nlink);
	json_key("uid");
	json_number(e->e_sb.st_uid);
	json_key("gid");
	json_number(e->e_sb.st_gid);
	json_key("size");
	json_number(e->e_sb.st_size);
	json_key("inode");
	json_number((int64_t)e->e_sb.st_ino);
	json_key("mtime");
	json_time(&e->e_sb.st_mtim);
	if (S_ISLNK(e->e_sb.st_mode) &&
	    (n = rump_sys_readlink(e->e_path, target, PATH_MAX)) >= 0) {
		target[n] = '\0';
		json_key("target");
		json_string(target);
	}
	json_end('}');
}

static void
print(const struct ls *ls, const struct entry *e, size_t n)
{
	size_t i;

	if (ls->l_json)
		for (i = 0; i < n; i++)
			print_json(&e[i]);
	else if (ls->l_long)
		print_long(ls, e, n);
	else if (out_tty() && !ls->l_one && !ls->l_inode)
		print_columns(ls, e, n);
	else
		for (i = 0; i < n; i++) {
			if (ls->l_inode)
				(void)printf(
				    "%ju ", (uintmax_t)e[i].e_sb.st_ino);
			put_name(ls, &e[i]);
			(void)putchar('\n');
		}
}

static bool
entry_get(struct ls *ls, struct entry *e, char *name, char *path)
{
	e->e_name = name;
	e->e_path = path;
	if (rump_sys_lstat(path, &e->e_sb) == 0)
		return true;
	ls->l_status = complain_errno(path);
	return false;
}

static void
list_directory(struct ls *ls, const char *dir)
{
	char **names = side_list(&kernel_side, dir);
	struct entry *e;
	size_t i, n = 0;

	if (names == NULL) {
		ls->l_status = complain_errno(dir);
		return;
	}
	for (i = 0; names[i] != NULL;)
		i++;
	e = tool_alloc(NULL, i * sizeof(*e));
	for (i = 0; names[i] != NULL; i++) {
		if (names[i][0] == '.' && !ls->l_all)
			continue;
		n += entry_get(ls, &e[n], names[i], tool_path(dir, names[i]));
	}
	print(ls, e, n);
	for (i = 0; i < n; i++) {
		if (ls->l_recursive && S_ISDIR(e[i].e_sb.st_mode)) {
			if (!ls->l_json) {
				(void)putchar('\n');
				out_name(e[i].e_path);
				(void)printf(":\n");
			}
			list_directory(ls, e[i].e_path);
		}
		free(e[i].e_path);
	}
	free(e);
	side_listfree(names);
}

/* Files that are named first, then what is in directories. */
static void
list_arguments(struct ls *ls, int argc, char **argv)
{
	struct entry *files = tool_alloc(NULL, (size_t)argc * sizeof(*files));
	struct entry *dirs = tool_alloc(NULL, (size_t)argc * sizeof(*dirs));
	struct entry e;
	size_t nfiles = 0, ndirs = 0, d;
	struct stat sb;
	int i;

	for (i = 0; i < argc; i++) {
		if (!entry_get(ls, &e, argv[i], argv[i]))
			continue;
		if (!ls->l_directory &&
		    (S_ISDIR(e.e_sb.st_mode) ||
			(!ls->l_long && rump_sys_stat(argv[i], &sb) == 0 &&
			    S_ISDIR(sb.st_mode))))
			dirs[ndirs++] = e;
		else
			files[nfiles++] = e;
	}
	print(ls, files, nfiles);
	for (d = 0; d < ndirs; d++) {
		if ((argc > 1 || ls->l_recursive) && !ls->l_json) {
			if (nfiles > 0 || d > 0)
				(void)putchar('\n');
			out_name(dirs[d].e_path);
			(void)printf(":\n");
		}
		list_directory(ls, dirs[d].e_path);
	}
	free(files);
	free(dirs);
}

static bool
set_option(struct ls *ls, int opt)
{
	bool *flags[] = {['l'] = &ls->l_long,
	    ['a'] = &ls->l_all,
	    ['d'] = &ls->l_directory,
	    ['R'] = &ls->l_recursive,
	    ['h'] = &ls->l_human,
	    ['i'] = &ls->l_inode,
	    ['p'] = &ls->l_slash,
	    ['1'] = &ls->l_one,
	    [OPT_JSON] = &ls->l_json};

	if (opt == '?')
		return false;
	*flags[opt] = true;
	return true;
}

static int
ls_run(const struct command *self, int argc, char **argv)
{
	static char dot[] = ".";
	char *here[] = {dot};
	struct ls ls = {0};
	int opt;

	while ((opt = command_getopt(self, argc, argv)) != -1)
		if (!set_option(&ls, opt))
			return STATUS_USAGE;
	if (ls.l_json)
		json_begin('[');
	if (optind == argc)
		list_arguments(&ls, 1, here);
	else
		list_arguments(&ls, argc - optind, argv + optind);
	if (ls.l_json)
		json_end(']');
	return ls.l_status;
}

static struct command ls = {
    .c_name = "ls",
    .c_args = "[-ladRhip1] [--json] [PATH ...]",
    .c_brief = "list directories",
    .c_help = "Lists what is in directories of the kernel, by default the "
	      "root of this tool's process there, and files.\nOn a terminal "
	      "names are in columns, else one a line.",
    .c_options = options,
    .c_complete = COMPLETE_PATH,
    .c_run = ls_run,
};
COMMAND(ls)
