/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rump export: a layer as an archive of its changes.
 */
#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>

#include "cmd/rump/archive/layer.h"

/* What is removed and what hides are files of these names there. */
#define WHITEOUT ".wh."
#define OPAQUE	 ".wh..wh..opq"

static int
export_failed(struct archive *to, const char *path)
{
	complain("%s: %s", path,
	    archive_error_string(to) != NULL ? archive_error_string(to)
					     : "cannot be written");
	return STATUS_FAILED;
}

/* A file that is nothing but a name. */
static int
put_mark(struct archive *to, const struct layer_entry *le, char *path)
{
	struct archive_entry *ae = archive_entry_new();
	int status = STATUS_OK;

	archive_entry_set_pathname(ae, path);
	archive_entry_set_mode(ae, S_IFREG | 0600);
	archive_entry_set_size(ae, 0);
	archive_entry_set_mtime(
	    ae, le->le_stat.st_mtim.tv_sec, le->le_stat.st_mtim.tv_nsec);
	if (!layer_write_header(to, ae))
		status = export_failed(to, path);
	archive_entry_free(ae);
	free(path);
	return status;
}

static int
put_data(struct archive *to, struct archive *from, const char *path)
{
	static char buf[65536];
	la_ssize_t n;

	while ((n = archive_read_data(from, buf, sizeof(buf))) > 0)
		if (archive_write_data(to, buf, (size_t)n) != n)
			return export_failed(to, path);
	return n == 0 ? STATUS_OK : export_failed(from, path);
}

static int
put_entry(struct archive *to, struct layer *l, const struct layer_entry *le,
    struct archive *from)
{
	struct archive_entry *ae = archive_entry_new();
	bool hard = &l->l_entries[le->le_first] != le;
	int status = STATUS_OK;
	size_t i;

	archive_entry_copy_stat(ae, &le->le_stat);
	archive_entry_unset_ctime(ae);
	archive_entry_set_pathname(ae, le->le_path);
	if (hard)
		archive_entry_set_hardlink(
		    ae, l->l_entries[le->le_first].le_path);
	else if (le->le_link != NULL)
		archive_entry_set_symlink(ae, le->le_link);
	if (hard || !S_ISREG(le->le_stat.st_mode))
		archive_entry_set_size(ae, 0);
	for (i = 0; i < le->le_nxattrs && !hard; i++)
		archive_entry_xattr_add_entry(ae, le->le_xattrs[i].lx_name,
		    le->le_xattrs[i].lx_value, le->le_xattrs[i].lx_size);
	if (!layer_write_header(to, ae))
		status = export_failed(to, le->le_path);
	else if (!hard && S_ISREG(le->le_stat.st_mode))
		status = put_data(to, from, le->le_path);
	archive_entry_free(ae);
	return status;
}

static int
export_entry(void *arg, struct layer *l, size_t index, struct archive *from)
{
	const struct layer_entry *le = &l->l_entries[index];
	const char *last = path_last(le->le_path);
	struct archive *to = arg;
	int status;

	if (*le->le_path == '\0')
		return STATUS_OK;
	if (le->le_whiteout)
		return put_mark(to, le,
		    tool_format("%.*s" WHITEOUT "%s", (int)(last - le->le_path),
			le->le_path, last));
	status = put_entry(to, l, le, from);
	if (status == STATUS_OK && le->le_opaque)
		status =
		    put_mark(to, le, tool_format("%s/" OPAQUE, le->le_path));
	return status;
}

static int
export_to(struct layer *l, int fd, const char *file)
{
	struct archive *to = archive_write_new();
	int status = STATUS_FAILED;

	(void)archive_write_set_format_pax_restricted(to);
	(void)archive_write_set_options(to, "xattrheader=SCHILY");
	(void)archive_write_set_bytes_in_last_block(to, 1);
	if (archive_write_open_fd(to, fd) != ARCHIVE_OK)
		(void)export_failed(to, file);
	else if ((status = layer_read(l, export_entry, to)) == STATUS_OK &&
		 archive_write_close(to) != ARCHIVE_OK)
		status = export_failed(to, file);
	if (status != STATUS_OK)
		(void)archive_write_fail(to);
	(void)archive_write_free(to);
	return status;
}

static int
export_layer(const char *name, const char *file)
{
	int fd = STDOUT_FILENO, status;
	struct layer l;

	if (layer_open(&l, name, LAYER_LOOK) != STATUS_OK)
		return STATUS_FAILED;
	if (strcmp(file, "-") != 0)
		fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd == -1)
		status = complain_errno(file);
	else if (fd == STDOUT_FILENO && isatty(fd)) {
		complain("an archive is not for a terminal");
		status = STATUS_FAILED;
	} else
		status = export_to(&l, fd, file);
	if (fd > STDERR_FILENO && close(fd) == -1 && status == STATUS_OK)
		status = complain_errno(file);
	layer_close(&l);
	return status;
}

static int
export_run(const struct command *self, int argc, char **argv)
{
	if (command_getopt(self, argc, argv) != -1)
		return STATUS_USAGE;
	if (argc - optind != 2)
		return command_usage(self, "wants a layer and a file");
	return export_layer(argv[optind], argv[optind + 1]);
}

static struct command export_command = {
    .c_name = "export",
    .c_args = "NAME FILE",
    .c_brief = "write what a layer changes to an archive",
    .c_help = "Writes what a layer changes to a tar archive of the host, or "
	      "with - to standard output, in the way of layers of images of "
	      "containers: what was removed is an empty file with .wh. before "
	      "its name, and a directory that hides the host's has a file "
	      ".wh..wh..opq in it.\n"
	      "  rump export try try.tar",
    .c_complete = COMPLETE_LAYER,
    .c_nokernel = true,
    .c_run = export_run,
};
COMMAND(export_command)
