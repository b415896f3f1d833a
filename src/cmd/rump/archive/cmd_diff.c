/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rump diff: what a layer has changed.
 */
#include <archive.h>
#include <fcntl.h>
#include <sys/wait.h>

#include "cmd/rump/archive/layer.h"
#include "cmd/rump/side.h"

enum { OPT_JSON = 256 };

static const struct option_desc options[] = {
    {'p', "patch", NULL, "the lines of files, as diff -u has them"},
    {OPT_JSON, "json", NULL, "for programs"},
    {0},
};

static const char *
kind_name(char kind)
{
	switch (kind) {
	case 'A':
		return "added";
	case 'D':
		return "deleted";
	case 'T':
		return "type";
	default:
		return "modified";
	}
}

static const char *
shown_path(const struct layer_change *lc)
{
	return *lc->lc_path != '\0' ? lc->lc_path : ".";
}

static void
print_text(const struct layer_diff *ld)
{
	const struct layer_change *lc;

	for (lc = ld->ld_all; lc < ld->ld_all + ld->ld_count; lc++) {
		(void)printf("%c ", lc->lc_kind);
		out_name(shown_path(lc));
		(void)printf("%s\n", S_ISDIR(lc->lc_type) ? "/" : "");
	}
}

static void
print_json(const struct layer_diff *ld)
{
	const struct layer_change *lc;

	json_begin('[');
	for (lc = ld->ld_all; lc < ld->ld_all + ld->ld_count; lc++) {
		json_begin('{');
		json_key("path");
		json_string(shown_path(lc));
		json_key("change");
		json_string(kind_name(lc->lc_kind));
		json_key("type");
		json_string(type_name(lc->lc_type));
		json_key("data");
		json_bool(lc->lc_kind != 'M' || lc->lc_data);
		json_end('}');
	}
	json_end(']');
}

/*
 * Patches: the layer's files are written to a directory, and diff(1) of the
 * host compares.
 */

struct patch {
	const struct layer_diff *p_diff;
	struct layer *p_layer;
	int p_root;
	char *p_dir;
	char *p_file; /* in it: the one that is compared */
};

/* Run diff; it gives 1 if there are differences. */
static int
run_diff(const char *was, const char *is, const char *path)
{
	char *a = tool_format("%s%s", *was != '\0' ? "a/" : "", path);
	char *b = tool_format("%s%s", *is != '\0' ? "b/" : "", path);
	const char *none = "/dev/null";
	int status = -1;
	pid_t pid;

	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		(void)execlp("diff", "diff", "-u", "--label",
		    *was != '\0' ? a : none, "--label", *is != '\0' ? b : none,
		    "--", *was != '\0' ? was : none, *is != '\0' ? is : none,
		    (char *)NULL);
		_exit(127);
	}
	free(a);
	free(b);
	if (pid == -1 || waitpid(pid, &status, 0) == -1)
		return complain_errno("diff");
	/* 2 is what it gives for binary files that differ in some versions. */
	if (WIFEXITED(status) && WEXITSTATUS(status) <= 2)
		return STATUS_OK;
	complain("diff of the host is needed for --patch, and cannot be run");
	return STATUS_FAILED;
}

/* The host's file by a path that nothing can change under us. */
static char *
host_file(const struct patch *p, const char *path, int *fdp)
{
	const char *name;
	int dirfd = host_parent(p->p_root, path, &name);

	*fdp = dirfd != -1 ? openat(dirfd, name, O_RDONLY | O_NOFOLLOW) : -1;
	if (dirfd != -1)
		(void)close(dirfd);
	return tool_format("/proc/self/fd/%d", *fdp);
}

static int
patch_with(struct patch *p, const char *path, bool was, const char *is)
{
	int fd = -1, status;
	char *file = was ? host_file(p, path, &fd) : tool_format("%s", "");

	if (was && fd == -1)
		status = complain_errno(path);
	else
		status = run_diff(file, is, path);
	if (fd != -1)
		(void)close(fd);
	free(file);
	return status;
}

static const struct layer_change *
change_of(const struct layer_diff *ld, size_t index)
{
	const struct layer_change *lc;

	for (lc = ld->ld_all; lc < ld->ld_all + ld->ld_count; lc++)
		if (lc->lc_entry == (ssize_t)index)
			return lc;
	return NULL;
}

static int
patch_entry(void *arg, struct layer *l, size_t index, struct archive *a)
{
	struct patch *p = arg;
	const struct layer_change *lc = change_of(p->p_diff, index);
	int fd, status = STATUS_OK;
	struct stat sb;
	bool was;

	if (lc == NULL || l->l_entries[index].le_first != index ||
	    !S_ISREG(l->l_entries[index].le_stat.st_mode))
		return STATUS_OK;
	fd = open(p->p_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd == -1 || archive_read_data_into_fd(a, fd) != ARCHIVE_OK)
		status = complain_errno(p->p_file);
	if (fd != -1)
		(void)close(fd);
	was =
	    lc->lc_kind == 'M' && host_lstat(p->p_root, lc->lc_path, &sb) == 0;
	return status == STATUS_OK ? patch_with(p, lc->lc_path, was, p->p_file)
				   : status;
}

static void
patch_deleted(void *arg, const char *path, const struct stat *sb)
{
	if (S_ISREG(sb->st_mode))
		(void)patch_with(arg, path, true, "");
}

/* What has no lines is told in one. */
static void
patch_other(const struct layer_change *lc)
{
	bool data = lc->lc_kind == 'M' ? lc->lc_data : S_ISREG(lc->lc_type);

	if (data && lc->lc_kind != 'T')
		return;
	(void)printf("%s ", lc->lc_kind == 'T'	 ? "another type:"
			    : lc->lc_kind == 'M' ? "attributes changed:"
			    : lc->lc_kind == 'A' ? "added:"
						 : "deleted:");
	(void)printf("%s ", type_name(lc->lc_type));
	out_name(shown_path(lc));
	(void)putchar('\n');
}

static int
print_patch(struct layer *l, const struct layer_diff *ld, int root)
{
	const char *tmp = getenv("TMPDIR");
	struct patch p = {.p_diff = ld, .p_layer = l, .p_root = root};
	const struct layer_change *lc;
	int status = STATUS_OK;

	p.p_dir = tool_format("%s/rump-XXXXXX", tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(p.p_dir) == NULL)
		return complain_errno(p.p_dir);
	p.p_file = tool_path(p.p_dir, "file");
	for (lc = ld->ld_all; lc < ld->ld_all + ld->ld_count; lc++) {
		patch_other(lc);
		if (lc->lc_kind == 'D' &&
		    host_walk(root, lc->lc_path, patch_deleted, &p) == -1)
			status = complain_errno(lc->lc_path);
	}
	if (status == STATUS_OK)
		status = layer_read(l, patch_entry, &p);
	(void)unlink(p.p_file);
	(void)rmdir(p.p_dir);
	free(p.p_file);
	free(p.p_dir);
	return status;
}

static int
diff_layer(const char *name, bool json, bool patch)
{
	struct layer_diff ld = {0};
	struct layer l;
	int root, status;

	if (layer_open(&l, name, LAYER_LOOK) != STATUS_OK)
		return STATUS_FAILED;
	if ((root = layer_root(&l)) == -1) {
		layer_close(&l);
		return STATUS_FAILED;
	}
	if ((status = layer_diff(&l, root, &ld)) == STATUS_OK) {
		if (json)
			print_json(&ld);
		else if (patch)
			status = print_patch(&l, &ld, root);
		else
			print_text(&ld);
	}
	layer_diff_free(&ld);
	(void)close(root);
	layer_close(&l);
	return status;
}

static int
diff_run(const struct command *self, int argc, char **argv)
{
	bool json = false, patch = false;
	int opt;

	while ((opt = command_getopt(self, argc, argv)) != -1)
		switch (opt) {
		case 'p':
			patch = true;
			break;
		case OPT_JSON:
			json = true;
			break;
		default:
			return STATUS_USAGE;
		}
	if (argc - optind != 1)
		return command_usage(self, "wants one layer");
	if (json && patch)
		return command_usage(self, "--json or --patch, not both");
	return diff_layer(argv[optind], json, patch);
}

static struct command diff_command = {
    .c_name = "diff",
    .c_args = "[-p] [--json] NAME",
    .c_brief = "show what a layer changes of the host",
    .c_help = "Lists what is different in a layer that rump run --keep has "
	      "kept from what the host has now: A for what was added, M for "
	      "modified, data or attributes, D for deleted, T for another "
	      "type of file. What is below a directory that was deleted is "
	      "not listed.",
    .c_options = options,
    .c_complete = COMPLETE_LAYER,
    .c_nokernel = true,
    .c_run = diff_run,
};
COMMAND(diff_command)
