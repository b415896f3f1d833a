/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An archive as a sink.
 */
#include <archive.h>
#include <archive_entry.h>
#include <string.h>

#include <rump/rump_syscalls.h>

#include "image/image.h"

#define EXPORT __attribute__((visibility("default")))

#define KNOWN (RUMP_IMAGE_SKIP | RUMP_IMAGE_ONEFS | RUMP_IMAGE_SEPARATE)

struct store {
	struct image so_im;
	struct walk so_walk;
	struct archive *so_archive;
	struct archive_entry *so_ae;
};

/* The archive cannot be written further. */
static int
store_failed(struct store *so, const char *path)
{
	int error = archive_errno(so->so_archive);

	so->so_im.im_fatal = true;
	return image_report(path, error > 0 ? error : EIO,
	    archive_error_string(so->so_archive));
}

/*
 * Times are left out that looking at the file sets: two archives of one tree
 * are to be the same.
 */
static void
store_header(struct store *so, const struct imgentry *e)
{
	struct archive_entry *ae = archive_entry_clear(so->so_ae);
	const struct stat *st = &e->e_stat;

	archive_entry_set_pathname(ae, *e->e_path == '\0' ? "." : e->e_path);
	archive_entry_set_mode(ae, st->st_mode);
	archive_entry_set_uid(ae, st->st_uid);
	archive_entry_set_gid(ae, st->st_gid);
	archive_entry_set_rdev(ae, st->st_rdev);
	archive_entry_set_size(ae, S_ISREG(st->st_mode) ? st->st_size : 0);
	archive_entry_set_mtime(
	    ae, e->e_times[1].tv_sec, e->e_times[1].tv_nsec);
	if (!S_ISLNK(st->st_mode))
		archive_entry_set_atime(
		    ae, e->e_times[0].tv_sec, e->e_times[0].tv_nsec);
	if (e->e_hard)
		archive_entry_set_hardlink(ae, e->e_link);
	else if (S_ISLNK(st->st_mode))
		archive_entry_set_symlink(ae, e->e_link);
	for (size_t i = 0; i < e->e_xattrs.xs_count; i++)
		archive_entry_xattr_add_entry(ae, e->e_xattrs.xs_all[i].x_name,
		    e->e_xattrs.xs_all[i].x_value,
		    e->e_xattrs.xs_all[i].x_size);
}

/* Where the data is in a file with holes. */
static int
store_sparse(struct store *so, const struct imgentry *e)
{
	off_t size = e->e_stat.st_size, off = 0, end;
	int error;

	if (e->e_read == NULL || !so->so_walk.w_sparse)
		return 0;
	while (off < size) {
		if ((error = walk_extent(&so->so_walk, &off, &end)) != 0)
			return error;
		/* Without any data it must be said, too. */
		if (off < size || archive_entry_sparse_count(so->so_ae) == 0)
			archive_entry_sparse_add_entry(
			    so->so_ae, off, end - off);
		off = end;
	}
	return 0;
}

/* libarchive leaves out what it has been told are holes. */
static int
store_zeros(struct store *so, off_t len)
{
	static const char zeros[65536];
	la_ssize_t n;

	for (; len > 0; len -= n) {
		n = archive_write_data(so->so_archive, zeros,
		    len < (off_t)sizeof(zeros) ? (size_t)len : sizeof(zeros));
		if (n <= 0)
			return EIO;
	}
	return 0;
}

static int
store_data(struct store *so, const struct imgentry *e)
{
	off_t at = 0, off;
	const void *buf;
	size_t len;
	int error;

	for (;;) {
		/* libarchive fills up what an unreadable file lacks. */
		if ((error = e->e_read(e->e_arg, &buf, &len, &off)) != 0)
			return image_skip(&so->so_im, e->e_path, error, NULL);
		if (len == 0)
			break;
		if (store_zeros(so, off - at) != 0 ||
		    archive_write_data(so->so_archive, buf, len) !=
			(la_ssize_t)len)
			return store_failed(so, e->e_path);
		at = off + (off_t)len;
	}
	return store_zeros(so, e->e_stat.st_size - at) != 0
		   ? store_failed(so, e->e_path)
		   : 0;
}

static int
store_entry(struct store *so, const struct imgentry *e)
{
	struct archive *a = so->so_archive;
	int r, error;

	store_header(so, e);
	if ((error = store_sparse(so, e)) != 0)
		return image_skip(&so->so_im, e->e_path, error, NULL);
	/* It warns if a name is not UTF-8, and writes its bytes. */
	r = archive_write_header(a, so->so_ae);
	if (r == ARCHIVE_FAILED)
		return image_skip(&so->so_im, e->e_path,
		    archive_errno(a) > 0 ? archive_errno(a) : EINVAL,
		    archive_error_string(a));
	if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
		return store_failed(so, e->e_path);
	if (e->e_read != NULL && (error = store_data(so, e)) != 0)
		return error;
	return archive_write_finish_entry(a) == ARCHIVE_OK
		   ? 0
		   : store_failed(so, e->e_path);
}

static int
store_open(struct store *so, int hostfd, const char *format)
{
	struct archive *a = so->so_archive;
	int r = ARCHIVE_FATAL;

	if (strcmp(format, "pax") == 0) {
		r = archive_write_set_format_pax(a);
		/* As tar(1) of GNU and star write extended attributes. */
		if (r == ARCHIVE_OK)
			r = archive_write_set_format_option(
			    a, "pax", "xattrheader", "SCHILY");
	} else if (strcmp(format, "gnutar") == 0)
		r = archive_write_set_format_gnutar(a);
	else if (strcmp(format, "ustar") == 0)
		r = archive_write_set_format_ustar(a);
	if (r != ARCHIVE_OK)
		return image_report("", EINVAL, "No such format");
	return archive_write_open_fd(a, hostfd) == ARCHIVE_OK
		   ? 0
		   : store_failed(so, "");
}

static int
store_entries(struct store *so)
{
	const struct imgentry *e;
	int error;

	while ((error = walk_next(&so->so_walk, &e)) == 0 && e != NULL)
		if ((error = store_entry(so, e)) != 0)
			break;
	/* An archive that is not complete is to look so. */
	if (error != 0)
		(void)archive_write_fail(so->so_archive);
	else if (archive_write_close(so->so_archive) != ARCHIVE_OK)
		error = store_failed(so, "");
	return error;
}

static int
store_tree(
    struct store *so, int top, const char *dir, int hostfd, const char *format)
{
	int error;

	so->so_archive = archive_write_new();
	so->so_ae = archive_entry_new();
	if (so->so_archive == NULL || so->so_ae == NULL)
		error = image_report("", ENOMEM, NULL);
	else if ((error = store_open(so, hostfd, format)) == 0) {
		error = walk_init(
		    &so->so_walk, &so->so_im, &kernel_fsops, top, dir);
		if (error == 0) {
			error = store_entries(so);
			walk_fini(&so->so_walk);
		}
	}
	archive_entry_free(so->so_ae);
	(void)archive_write_free(so->so_archive);
	return error;
}

EXPORT int
rump_image_store(
    const char *dir, int hostfd, const char *format, unsigned flags)
{
	struct store so = {0};
	int fd, error;

	if ((error = fs_top(dir, &fd)) != 0)
		return error;
	if ((error = image_begin(&so.so_im, flags, KNOWN, true)) == 0) {
		error = store_tree(
		    &so, fd, dir, hostfd, format != NULL ? format : "pax");
		image_end(&so.so_im);
	}
	(void)rump_sys_close(fd);
	return error;
}
