/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An archive as a source.
 *
 * libarchive reads it twice over: one reader takes compression away, a second
 * one finds files in what the first one gives.  So it is seen when either of
 * them ends before it should: libarchive takes it for the end of a tar archive
 * if there is no more, but there must be two blocks of zeros, and after them
 * compressed data must end well.  A zip archive has its directory at its end
 * and is read by one reader that can seek.
 */
#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>

#include "image/image.h"

#define EXPORT __attribute__((visibility("default")))

#define KNOWN                                                    \
	(RUMP_IMAGE_CALLER | RUMP_IMAGE_KEEP | RUMP_IMAGE_SKIP | \
	    RUMP_IMAGE_STRIP(0xff))
#define BLOCK	  65536
#define TAR_BLOCK 512

struct load {
	struct image ld_im;
	int ld_fd;
	struct archive *ld_raw;	    /* NULL for zip */
	struct archive *ld_archive; /* finds the files */
	struct archive_entry *ld_ae;
	const char *ld_path; /* of the entry */
};

/* What libarchive says is wrong, as an errno: EILSEQ is a broken format. */
static int
archive_error(struct archive *a)
{
	int error = archive_errno(a);

	return error <= 0 || error == EILSEQ ? EBADMSG : error;
}

/* The archive cannot be read further. */
static int
load_broken(struct load *ld, const char *path, int error, const char *why)
{
	ld->ld_im.im_fatal = true;
	return image_report(path, error, why);
}

static int
load_failed(struct load *ld, const char *path)
{
	struct archive *a = ld->ld_archive;

	return load_broken(ld, path, archive_error(a), archive_error_string(a));
}

/*
 * Open
 */

/* The second reader's input is the first one's output. */
static la_ssize_t
raw_read(struct archive *a, void *arg, const void **bufp)
{
	struct load *ld = arg;
	la_int64_t off;
	size_t len;
	int r;

	do {
		r = archive_read_data_block(ld->ld_raw, bufp, &len, &off);
		if (r == ARCHIVE_EOF)
			return 0;
		if (r != ARCHIVE_OK) {
			archive_set_error(a, archive_error(ld->ld_raw), "%s",
			    archive_error_string(ld->ld_raw) != NULL
				? archive_error_string(ld->ld_raw)
				: "Damaged compressed data");
			return -1;
		}
	} while (len == 0);
	return (la_ssize_t)len;
}

static bool
is_zip(int fd)
{
	off_t off = lseek(fd, 0, SEEK_CUR);
	char magic[4];

	return off >= 0 && pread(fd, magic, 4, off) == 4 &&
	       (memcmp(magic, "PK\3\4", 4) == 0 ||
		   memcmp(magic, "PK\5\6", 4) == 0);
}

/* A reader of one file, whose contents are what was compressed. */
static int
raw_open(struct load *ld)
{
	struct archive *a = ld->ld_raw = archive_read_new();
	struct archive_entry *ae;

	if (a == NULL)
		return image_report("", ENOMEM, NULL);
	(void)archive_read_support_format_raw(a);
	/* Not those for which libarchive would run programs. */
	(void)archive_read_support_filter_bzip2(a);
	(void)archive_read_support_filter_compress(a);
	(void)archive_read_support_filter_gzip(a);
	(void)archive_read_support_filter_lz4(a);
	(void)archive_read_support_filter_lzip(a);
	(void)archive_read_support_filter_lzma(a);
	(void)archive_read_support_filter_xz(a);
	(void)archive_read_support_filter_zstd(a);
	if (archive_read_open_fd(a, ld->ld_fd, BLOCK) == ARCHIVE_OK &&
	    archive_read_next_header(a, &ae) == ARCHIVE_OK)
		return 0;
	return load_broken(ld, "", archive_error(a), archive_error_string(a));
}

static int
load_open(struct load *ld)
{
	bool zip = is_zip(ld->ld_fd);
	struct archive *a;
	int error, r;

	if (!zip && (error = raw_open(ld)) != 0)
		return error;
	if ((a = ld->ld_archive = archive_read_new()) == NULL)
		return image_report("", ENOMEM, NULL);
	if (zip) {
		(void)archive_read_support_format_zip_seekable(a);
		r = archive_read_open_fd(a, ld->ld_fd, BLOCK);
	} else {
		(void)archive_read_support_format_cpio(a);
		(void)archive_read_support_format_tar(a);
		r = archive_read_open(a, ld, NULL, raw_read, NULL);
	}
	return r == ARCHIVE_OK ? 0 : load_failed(ld, "");
}

/* There are no more entries: was that the end that is meant? */
static int
load_end(struct load *ld)
{
	struct archive *a = ld->ld_archive;
	const void *buf;
	la_ssize_t n;

	if (ld->ld_raw == NULL)
		return 0;
	if ((archive_format(a) & ARCHIVE_FORMAT_BASE_MASK) ==
		ARCHIVE_FORMAT_TAR &&
	    archive_filter_bytes(a, 0) - archive_read_header_position(a) <
		(la_int64_t)2 * TAR_BLOCK)
		return load_broken(
		    ld, "", EBADMSG, "The archive ends before its end");
	while ((n = raw_read(a, ld, &buf)) > 0)
		continue;
	return n == 0 ? 0 : load_failed(ld, "");
}

/*
 * Entries
 */

static int
load_read(void *arg, const void **bufp, size_t *lenp, off_t *offp)
{
	struct load *ld = arg;
	la_int64_t off;
	int r;

	do {
		r = archive_read_data_block(ld->ld_archive, bufp, lenp, &off);
		*offp = off;
	} while (r == ARCHIVE_OK && *lenp == 0);
	if (r == ARCHIVE_OK)
		return 0;
	*lenp = 0;
	return r == ARCHIVE_EOF ? 0 : load_failed(ld, ld->ld_path);
}

static void
load_stat(struct load *ld, struct imgentry *e)
{
	struct archive_entry *ae = ld->ld_ae;
	struct stat *st = &e->e_stat;

	st->st_mode = archive_entry_mode(ae);
	/* Some formats do not say what a link is a link to. */
	if (e->e_hard && (st->st_mode & S_IFMT) == 0)
		st->st_mode |= S_IFREG;
	st->st_uid = (uid_t)archive_entry_uid(ae);
	st->st_gid = (gid_t)archive_entry_gid(ae);
	st->st_rdev = archive_entry_rdev(ae);
	st->st_size = archive_entry_size(ae);
	e->e_times[0].tv_nsec = e->e_times[1].tv_nsec = UTIME_OMIT;
	if (archive_entry_atime_is_set(ae)) {
		e->e_times[0].tv_sec = archive_entry_atime(ae);
		e->e_times[0].tv_nsec = archive_entry_atime_nsec(ae);
	}
	if (archive_entry_mtime_is_set(ae)) {
		e->e_times[1].tv_sec = archive_entry_mtime(ae);
		e->e_times[1].tv_nsec = archive_entry_mtime_nsec(ae);
	}
}

static int
load_xattrs(struct load *ld, struct xattrs *xs)
{
	const char *name;
	const void *value;
	size_t size;
	int error = 0;

	(void)archive_entry_xattr_reset(ld->ld_ae);
	while (error == 0 && archive_entry_xattr_next(
				 ld->ld_ae, &name, &value, &size) == ARCHIVE_OK)
		error = xattrs_add(xs, name, value, size);
	return error;
}

/* A path that is made clean; skipped if nothing is left or it is bad. */
static int
load_path(struct load *ld, const char *path, char **cleanp)
{
	unsigned strip = ld->ld_im.im_flags >> 24;
	int error;

	*cleanp = NULL;
	if (path == NULL)
		return image_skip(&ld->ld_im, "", EILSEQ, NULL);
	if ((error = path_clean(path, strip, cleanp)) != 0)
		return image_skip(&ld->ld_im, path, error,
		    error == EXDEV ? "The path leads out of the directory"
				   : NULL);
	if (strip > 0 && **cleanp == '\0') {
		free(*cleanp);
		*cleanp = NULL;
	}
	return 0;
}

static int
load_put(struct load *ld, struct put *p, const char *path, const char *hard)
{
	struct imgentry e = {
	    .e_path = path,
	    .e_link = hard != NULL ? hard : archive_entry_symlink(ld->ld_ae),
	    .e_hard = hard != NULL,
	    .e_read = load_read,
	    .e_arg = ld,
	};

	int error;

	load_stat(ld, &e);
	ld->ld_path = path;
	if (S_ISLNK(e.e_stat.st_mode) && e.e_link == NULL)
		return image_skip(&ld->ld_im, path, EILSEQ, NULL);
	if ((error = load_xattrs(ld, &e.e_xattrs)) == 0)
		error = put_entry(p, &e);
	xattrs_clear(&e.e_xattrs);
	return error;
}

static int
load_entry(struct load *ld, struct put *p)
{
	const char *target = archive_entry_hardlink(ld->ld_ae);
	char *path, *hard = NULL;
	int error;

	error = load_path(ld, archive_entry_pathname(ld->ld_ae), &path);
	if (error != 0 || path == NULL)
		return error;
	if (target == NULL ||
	    ((error = load_path(ld, target, &hard)) == 0 && hard != NULL))
		error = load_put(ld, p, path, hard);
	free(path);
	free(hard);
	return error;
}

/* Is what libarchive wants to say only that a name is not ASCII? */
static bool
warns_of_name(const char *why)
{
	return why != NULL && strstr(why, "can't be converted") != NULL;
}

static int
load_entries(struct load *ld, struct put *p)
{
	struct archive *a = ld->ld_archive;
	int r, error = 0;

	while (error == 0) {
		r = archive_read_next_header(a, &ld->ld_ae);
		if (r == ARCHIVE_EOF)
			return load_end(ld);
		if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
			return load_failed(ld, "");
		if (r == ARCHIVE_WARN &&
		    !warns_of_name(archive_error_string(a)))
			error = image_skip(&ld->ld_im, "", archive_error(a),
			    archive_error_string(a));
		else
			error = load_entry(ld, p);
	}
	return error;
}

static int
load_tree(struct load *ld, int top, const char *dir)
{
	struct put p;
	int error, later;

	if ((error = load_open(ld)) == 0) {
		put_init(&p, &ld->ld_im, &kernel_fsops, top, dir);
		error = load_entries(ld, &p);
		later = put_fini(&p);
		error = error != 0 ? error : later;
	}
	(void)archive_read_free(ld->ld_archive);
	(void)archive_read_free(ld->ld_raw);
	return error;
}

EXPORT int
rump_image_load(int hostfd, const char *dir, unsigned flags)
{
	struct load ld = {.ld_fd = hostfd};
	int fd, error;

	if ((error = fs_top(dir, &fd)) != 0)
		return error;
	if ((error = image_begin(&ld.ld_im, flags, KNOWN, false)) == 0) {
		error = load_tree(&ld, fd, dir);
		image_end(&ld.ld_im);
	}
	(void)rump_sys_close(fd);
	return error;
}
