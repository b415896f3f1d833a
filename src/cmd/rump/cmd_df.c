/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rump df: space in file systems.
 */
#include <sys/statvfs.h>

#include "cmd/rump/mounts.h"

enum { OPT_JSON = 256 };

static const struct option_desc options[] = {
    {'i', "inodes", NULL, "files instead of bytes"},
    {'k', NULL, NULL, "in units of 1024 bytes"},
    {OPT_JSON, "json", NULL, "for programs; in bytes"},
    {0},
};

struct df {
	bool d_inodes, d_units, d_json;
	struct table *d_table;
};

/* What there is, is used, is left. */
struct space {
	uint64_t s_all, s_used, s_free;
};

static struct space
space_of(const struct statvfs *sv, bool inodes)
{
	uint64_t unit = inodes ? 1 : sv->f_frsize;

	if (inodes)
		return (struct space){
		    sv->f_files, sv->f_files - sv->f_ffree, sv->f_favail};
	return (struct space){sv->f_blocks * unit,
	    (sv->f_blocks - sv->f_bfree) * unit, sv->f_bavail * unit};
}

static void
put_space(const struct df *df, uint64_t n)
{
	char buf[HUMAN_SIZE];

	if (df->d_inodes)
		table_cell(df->d_table, "%ju", (uintmax_t)n);
	else if (df->d_units)
		table_cell(df->d_table, "%ju", (uintmax_t)(n + 1023) / 1024);
	else
		table_cell(df->d_table, "%s", human(n, buf));
}

static void
put_row(const struct df *df, const struct rump_vfsstat *vs,
    const struct statvfs *sv)
{
	struct space s = space_of(sv, df->d_inodes);
	uint64_t sum = s.s_used + s.s_free;

	table_cell(df->d_table, "%s", vs->vs_mntonname);
	table_cell(df->d_table, "%s", vs->vs_fstypename);
	put_space(df, s.s_all);
	put_space(df, s.s_used);
	put_space(df, s.s_free);
	if (sum == 0)
		table_cell(df->d_table, "-");
	else
		table_cell(df->d_table, "%d%%",
		    (int)(100.0 * (double)s.s_used / (double)sum + 0.5));
	table_cell(df->d_table, "%s", vs->vs_mntfromname);
}

static void
put_json(const struct rump_vfsstat *vs, const struct statvfs *sv)
{
	struct space b = space_of(sv, false), f = space_of(sv, true);
	const struct {
		const char *key;
		uint64_t value;
	} numbers[] = {
	    {"size", b.s_all},
	    {"used", b.s_used},
	    {"available", b.s_free},
	    {"files", f.s_all},
	    {"files_used", f.s_used},
	    {"files_available", f.s_free},
	};
	size_t i;

	json_begin('{');
	json_key("on");
	json_string(vs->vs_mntonname);
	json_key("type");
	json_string(vs->vs_fstypename);
	json_key("from");
	json_string(vs->vs_mntfromname);
	for (i = 0; i < nitems(numbers); i++) {
		json_key(numbers[i].key);
		/* What has no limit may say so by the greatest number. */
		json_number(numbers[i].value > INT64_MAX
				? INT64_MAX
				: (int64_t)numbers[i].value);
	}
	json_end('}');
}

static void
put(const struct df *df, const struct rump_vfsstat *vs,
    const struct statvfs *sv)
{
	if (df->d_json)
		put_json(vs, sv);
	else
		put_row(df, vs, sv);
}

/* The mount that a file is on: that of its device with the longest path. */
static int
df_path(const struct df *df, const struct rump_vfsstat *vs, size_t n,
    const char *path)
{
	const struct rump_vfsstat *found = NULL;
	struct stat sb, top;
	struct statvfs sv;
	size_t i;

	if (rump_sys_statvfs(path, &sv) == -1 || rump_sys_stat(path, &sb) == -1)
		return complain_errno(path);
	for (i = 0; i < n; i++)
		if (rump_sys_stat(vs[i].vs_mntonname, &top) == 0 &&
		    top.st_dev == sb.st_dev &&
		    (found == NULL || strlen(found->vs_mntonname) <
					  strlen(vs[i].vs_mntonname)))
			found = &vs[i];
	if (found != NULL)
		put(df, found, &sv);
	return STATUS_OK;
}

static int
df_all(const struct df *df, int argc, char **argv)
{
	struct rump_vfsstat *vs;
	int status = STATUS_OK, a;
	size_t i, n;

	if ((vs = mounts_get(&n)) == NULL)
		return complain_errno("mounts");
	if (df->d_json)
		json_begin('[');
	for (i = 0; i < n && argc == 0; i++)
		put(df, &vs[i], &vs[i].vs_statvfs);
	for (a = 0; a < argc; a++)
		if (df_path(df, vs, n, argv[a]) != STATUS_OK)
			status = STATUS_FAILED;
	if (df->d_json)
		json_end(']');
	else
		table_print(df->d_table);
	free(vs);
	return status;
}

static int
df_run(const struct command *self, int argc, char **argv)
{
	struct df df = {0};
	int opt;

	while ((opt = command_getopt(self, argc, argv)) != -1)
		switch (opt) {
		case 'i':
			df.d_inodes = true;
			break;
		case 'k':
			df.d_units = true;
			break;
		case OPT_JSON:
			df.d_json = true;
			break;
		default:
			return STATUS_USAGE;
		}
	if (!df.d_json)
		df.d_table = table_new(
		    df.d_inodes ? "ON|TYPE|FILES>|USED>|FREE>|USE>|FROM"
				: "ON|TYPE|SIZE>|USED>|FREE>|USE>|FROM");
	return df_all(&df, argc - optind, argv + optind);
}

static struct command df_command = {
    .c_name = "df",
    .c_args = "[-ik] [--json] [PATH ...]",
    .c_brief = "show space in file systems",
    .c_help =
	"Shows how much space there is in the file systems of the kernel, "
	"or in those that files are on.",
    .c_options = options,
    .c_complete = COMPLETE_PATH,
    .c_run = df_run,
};
COMMAND(df_command)
