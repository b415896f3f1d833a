/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rump list: the layers there are.
 */
#include <fcntl.h>
#include <time.h>

#include "cmd/rump/archive/layer.h"
#include "cmd/rump/side.h"

enum { OPT_JSON = 256 };

static const struct option_desc options[] = {
    {'q', "quiet", NULL, "only names"},
    {OPT_JSON, "json", NULL, "for programs"},
    {0},
};

static void
list_json(const struct layer *l, const struct stat *sb)
{
	json_begin('{');
	json_key("name");
	json_string(l->l_name);
	json_key("size");
	json_number(sb->st_size);
	json_key("changes");
	json_number((int64_t)l->l_count);
	json_key("modified");
	json_time(&sb->st_mtim);
	json_key("root");
	json_string(l->l_root);
	json_key("interrupted");
	json_bool(l->l_journal);
	json_end('}');
}

static void
list_row(struct table *t, const struct layer *l, const struct stat *sb)
{
	char size[HUMAN_SIZE], age[TIME_SIZE];

	table_cell(t, "%s", l->l_name);
	table_cell(t, "%s", human((uint64_t)sb->st_size, size));
	table_cell(t, "%llu", (unsigned long long)l->l_count);
	table_cell(t, "%s", duration_text(time(NULL) - sb->st_mtime, age));
	table_cell(t, "%s%s", l->l_root,
	    l->l_journal ? " (a commit was interrupted)" : "");
}

static int
list_all(bool json)
{
	struct table *t = NULL;
	char **names = layer_list(), **n;
	int status = STATUS_OK;
	struct layer l;
	struct stat sb;

	if (names == NULL)
		return complain_errno("layers");
	if (json)
		json_begin('[');
	else
		t = table_new("NAME|SIZE>|CHANGES>|AGE>|ROOT");
	for (n = names; *n != NULL; n++) {
		if (layer_open(&l, *n, LAYER_LOOK) != STATUS_OK) {
			status = STATUS_FAILED;
			continue;
		}
		if (fstatat(l.l_dirfd, "layer.tar", &sb, 0) == -1)
			status = complain_errno(*n);
		else if (json)
			list_json(&l, &sb);
		else
			list_row(t, &l, &sb);
		layer_close(&l);
	}
	if (json)
		json_end(']');
	else
		table_print(t);
	side_listfree(names);
	return status;
}

static int
list_names(void)
{
	char **names = layer_list(), **n;

	if (names == NULL)
		return complain_errno("layers");
	for (n = names; *n != NULL; n++)
		(void)puts(*n);
	side_listfree(names);
	return STATUS_OK;
}

static int
list_run(const struct command *self, int argc, char **argv)
{
	bool json = false, quiet = false;
	int opt;

	while ((opt = command_getopt(self, argc, argv)) != -1)
		switch (opt) {
		case 'q':
			quiet = true;
			break;
		case OPT_JSON:
			json = true;
			break;
		default:
			return STATUS_USAGE;
		}
	if (optind != argc)
		return command_usage(self, "takes no arguments");
	return quiet ? list_names() : list_all(json);
}

static struct command list_command = {
    .c_name = "list",
    .c_args = "[-q] [--json]",
    .c_brief = "list the layers that are kept",
    .c_help = "Lists the layers that rump run --keep has kept: how large they "
	      "are, how many names they change, how long ago they were "
	      "written, and what they are above.",
    .c_options = options,
    .c_nokernel = true,
    .c_run = list_run,
};
COMMAND(list_command)
