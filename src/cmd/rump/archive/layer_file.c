/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Layers: the archive that one is.
 */
#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <search.h>

#include "cmd/rump/archive/layer.h"

#define BLOCK	  65536
#define UPPER	  "upper"
#define OVL_XATTR "trusted.overlay."
#define META_MAX  ((size_t)1 << 30)

/* A layer that is read. */
struct reader {
	struct layer *r_layer;
	struct archive *r_archive;
	int r_fd;
	locale_t r_locale, r_before;
};

static int
reader_failed(struct reader *r, const char *why)
{
	complain("%s: the layer is damaged: %s", r->r_layer->l_name,
	    why != NULL ? why : strerror(archive_errno(r->r_archive)));
	return STATUS_FAILED;
}

static void
reader_close(struct reader *r)
{
	if (r->r_archive != NULL)
		(void)archive_read_free(r->r_archive);
	if (r->r_fd != -1)
		(void)close(r->r_fd);
	if (r->r_locale != NULL) {
		(void)uselocale(r->r_before);
		freelocale(r->r_locale);
	}
}

static int
reader_open(struct reader *r, struct layer *l)
{
	struct archive *a = archive_read_new();

	*r = (struct reader){.r_layer = l, .r_archive = a};
	r->r_fd = openat(l->l_dirfd, "layer.tar", O_RDONLY | O_CLOEXEC);
	if (r->r_fd == -1 || a == NULL) {
		(void)complain_errno(l->l_name);
		reader_close(r);
		return STATUS_FAILED;
	}
	/* As long as it is C names are bytes to libarchive. */
	r->r_locale = newlocale(LC_ALL_MASK, "C", NULL);
	if (r->r_locale != NULL)
		r->r_before = uselocale(r->r_locale);
	(void)archive_read_support_format_tar(a);
	if (archive_read_open_fd(a, r->r_fd, BLOCK) == ARCHIVE_OK)
		return STATUS_OK;
	(void)reader_failed(r, archive_error_string(a));
	reader_close(r);
	return STATUS_FAILED;
}

/* The next entry; NULL at the end, when *status says whether it is that. */
static struct archive_entry *
reader_next(struct reader *r, int *status)
{
	struct archive_entry *ae;
	int got = archive_read_next_header(r->r_archive, &ae);

	*status = STATUS_OK;
	/* It warns of names that are not ASCII. */
	if (got == ARCHIVE_OK || got == ARCHIVE_WARN) {
		if (archive_entry_pathname(ae) != NULL)
			return ae;
		*status = reader_failed(r, "a file has no name");
	} else if (got != ARCHIVE_EOF)
		*status = reader_failed(r, archive_error_string(r->r_archive));
	return NULL;
}

/* A path of the archive below upper, or NULL: it is none. */
static const char *
below_upper(const char *path)
{
	if (strncmp(path, "./", 2) == 0)
		path += 2;
	if (strncmp(path, UPPER, strlen(UPPER)) != 0)
		return NULL;
	path += strlen(UPPER);
	if (*path != '\0' && *path != '/')
		return NULL;
	return path + strspn(path, "/");
}

/*
 * meta
 */

static bool
meta_parse(struct layer *l, const char *p, const char *end)
{
	const char *words[4];
	size_t i;

	for (i = 0; i < nitems(words) && p < end; i++) {
		words[i] = p;
		p += strlen(p) + 1;
	}
	if (i < nitems(words) || strcmp(words[0], LAYER_MAGIC) != 0 ||
	    !parse_number(words[3], UINT64_MAX, &l->l_count))
		return false;
	l->l_archive = strcmp(words[1], LAYER_ARCHIVE) == 0;
	if (!l->l_archive && strcmp(words[1], LAYER_HOST) != 0)
		return false;
	l->l_root = tool_format("%s", words[2]);
	while (p < end) {
		words[0] = p;
		p += strlen(p) + 1;
		if (p >= end)
			return false;
		layer_see(l, words[0], p);
		p += strlen(p) + 1;
	}
	layer_sort(l);
	return true;
}

static int
meta_read(struct reader *r, struct archive_entry *ae)
{
	int64_t size = archive_entry_size(ae);
	char *text;
	bool good;

	if (size <= 0 || (uint64_t)size > META_MAX)
		return reader_failed(r, "it does not say what it is");
	text = tool_alloc(NULL, (size_t)size);
	good = archive_read_data(r->r_archive, text, (size_t)size) == size &&
	       text[size - 1] == '\0' &&
	       meta_parse(r->r_layer, text, text + size);
	free(text);
	return good ? STATUS_OK
		    : reader_failed(r, "it does not say what it is");
}

int
layer_readmeta(struct layer *l)
{
	struct archive_entry *ae;
	struct reader r;
	int status;

	if (reader_open(&r, l) != STATUS_OK)
		return STATUS_FAILED;
	/* It is the first file, after the directory. */
	while ((ae = reader_next(&r, &status)) != NULL)
		if (strcmp(path_last(archive_entry_pathname(ae)), "meta") == 0)
			break;
	if (ae != NULL)
		status = meta_read(&r, ae);
	else if (status == STATUS_OK)
		status = reader_failed(&r, "it does not say what it is");
	reader_close(&r);
	return status;
}

static char *
words_put(char *p, const char *word)
{
	return stpcpy(p, word) + 1;
}

char *
layer_meta(const struct layer *l, size_t *sizep)
{
	char count[24], *text, *p;
	size_t size, i;

	(void)snprintf(
	    count, sizeof(count), "%llu", (unsigned long long)l->l_count);
	size = sizeof(LAYER_MAGIC) + sizeof(LAYER_ARCHIVE) + sizeof(count) +
	       strlen(l->l_root) + 1;
	for (i = 0; i < l->l_nbase; i++)
		size += strlen(l->l_base[i].lb_path) +
			strlen(l->l_base[i].lb_seen) + 2;
	p = text = tool_alloc(NULL, size);
	p = words_put(p, LAYER_MAGIC);
	p = words_put(p, l->l_archive ? LAYER_ARCHIVE : LAYER_HOST);
	p = words_put(p, l->l_root);
	p = words_put(p, count);
	for (i = 0; i < l->l_nbase; i++) {
		p = words_put(p, l->l_base[i].lb_path);
		p = words_put(p, l->l_base[i].lb_seen);
	}
	*sizep = (size_t)(p - text);
	return text;
}

/*
 * Entries
 */

static void
entry_xattrs(struct layer_entry *le, struct archive_entry *ae)
{
	struct layer_xattr *lx;
	const char *name;
	const void *value;
	size_t size;

	(void)archive_entry_xattr_reset(ae);
	while (
	    archive_entry_xattr_next(ae, &name, &value, &size) == ARCHIVE_OK) {
		if (strncmp(name, OVL_XATTR, strlen(OVL_XATTR)) == 0) {
			if (strcmp(name, OVL_XATTR "opaque") == 0)
				le->le_opaque = true;
			continue;
		}
		le->le_xattrs = tool_alloc(le->le_xattrs,
		    (le->le_nxattrs + 1) * sizeof(le->le_xattrs[0]));
		lx = &le->le_xattrs[le->le_nxattrs++];
		lx->lx_name = tool_format("%s", name);
		lx->lx_value = tool_alloc(NULL, size);
		memcpy(lx->lx_value, value, size);
		lx->lx_size = size;
	}
}

static void
entry_stat(struct layer_entry *le, struct archive_entry *ae)
{
	struct stat *sb = &le->le_stat;

	sb->st_mode = archive_entry_mode(ae);
	sb->st_uid = (uid_t)archive_entry_uid(ae);
	sb->st_gid = (gid_t)archive_entry_gid(ae);
	sb->st_rdev = archive_entry_rdev(ae);
	sb->st_size = archive_entry_size(ae);
	sb->st_mtim.tv_sec = archive_entry_mtime(ae);
	sb->st_mtim.tv_nsec = archive_entry_mtime_nsec(ae);
	sb->st_atim = sb->st_mtim;
	if (archive_entry_atime_is_set(ae)) {
		sb->st_atim.tv_sec = archive_entry_atime(ae);
		sb->st_atim.tv_nsec = archive_entry_atime_nsec(ae);
	}
	le->le_whiteout = S_ISCHR(sb->st_mode) && sb->st_rdev == 0;
}

/* Names of entries, to find what a link is another name of. */
struct name {
	const char *n_path;
	size_t n_index;
};

static int
name_compare(const void *a, const void *b)
{
	return strcmp(
	    ((const struct name *)a)->n_path, ((const struct name *)b)->n_path);
}

static bool
entry_link(struct layer *l, struct layer_entry *le, size_t index,
    struct archive_entry *ae, void **names)
{
	const char *hard = archive_entry_hardlink(ae);
	struct name *n = tool_alloc(NULL, sizeof(*n)), **found;

	*n = (struct name){le->le_path, index};
	(void)tsearch(n, names, name_compare);
	le->le_first = index;
	if (hard == NULL) {
		if (archive_entry_symlink(ae) != NULL)
			le->le_link =
			    tool_format("%s", archive_entry_symlink(ae));
		return !S_ISLNK(le->le_stat.st_mode) || le->le_link != NULL;
	}
	n = &(struct name){.n_path = below_upper(hard)};
	if (n->n_path == NULL ||
	    (found = tfind(n, names, name_compare)) == NULL)
		return false;
	le->le_first = l->l_entries[(*found)->n_index].le_first;
	l->l_entries[le->le_first].le_linked = true;
	/* The first one says what it is. */
	le->le_stat = l->l_entries[le->le_first].le_stat;
	return true;
}

static bool
entry_read(
    struct layer *l, struct archive_entry *ae, const char *path, void **names)
{
	struct layer_entry *le;
	size_t len, index = l->l_nentries;

	/* The room is a power of two. */
	if (l->l_entries == NULL || (index & (index + 1)) == 0)
		l->l_entries = tool_alloc(
		    l->l_entries, 2 * (index + 1) * sizeof(*l->l_entries));
	le = &l->l_entries[l->l_nentries++];
	*le = (struct layer_entry){.le_path = tool_format("%s", path)};
	len = strlen(le->le_path);
	if (len > 0 && le->le_path[len - 1] == '/')
		le->le_path[len - 1] = '\0';
	entry_stat(le, ae);
	entry_xattrs(le, ae);
	return entry_link(l, le, index, ae, names);
}

int
layer_read(struct layer *l, layer_read_fn *fn, void *arg)
{
	bool again = l->l_entries != NULL;
	struct archive_entry *ae;
	void *names = NULL;
	const char *path;
	struct reader r;
	size_t index = 0;
	int status;

	if (reader_open(&r, l) != STATUS_OK)
		return STATUS_FAILED;
	while ((ae = reader_next(&r, &status)) != NULL) {
		path = below_upper(archive_entry_pathname(ae));
		if (path == NULL)
			continue;
		if (!again && !entry_read(l, ae, path, &names))
			status = reader_failed(&r, "a link leads nowhere");
		else
			status = fn(arg, l, index++, r.r_archive);
		if (status != STATUS_OK)
			break;
	}
	tdestroy(names, free);
	reader_close(&r);
	return status;
}

/*
 * Writing
 */

/*
 * Where names are UTF-8 libarchive writes them as they are, and tells those
 * that are not.
 */
bool
layer_write_header(struct archive *to, struct archive_entry *ae)
{
	static locale_t utf8;
	locale_t before;
	int r;

	if (utf8 == NULL)
		utf8 = newlocale(LC_ALL_MASK, "C.UTF-8", NULL);
	before = utf8 != NULL ? uselocale(utf8) : NULL;
	r = archive_write_header(to, ae);
	if (before != NULL)
		(void)uselocale(before);
	return r >= ARCHIVE_WARN;
}

/* The data of an entry; what is a hole is written as zeros. */
static bool
copy_data(struct archive *from, struct archive *to)
{
	static const char zeros[BLOCK];
	la_int64_t off, at = 0;
	const void *buf;
	size_t len, gap;
	int r;

	while ((r = archive_read_data_block(from, &buf, &len, &off)) ==
	       ARCHIVE_OK) {
		for (; at < off; at += (la_int64_t)gap) {
			gap = off - at < BLOCK ? (size_t)(off - at) : BLOCK;
			if (archive_write_data(to, zeros, gap) !=
			    (la_ssize_t)gap)
				return false;
		}
		if (archive_write_data(to, buf, len) != (la_ssize_t)len)
			return false;
		at += (la_int64_t)len;
	}
	return r == ARCHIVE_EOF;
}

static bool
copy_meta(struct layer *l, struct archive_entry *ae, struct archive *to)
{
	size_t size;
	char *text = layer_meta(l, &size);
	bool good;

	archive_entry_set_size(ae, (la_int64_t)size);
	good = layer_write_header(to, ae) &&
	       archive_write_data(to, text, size) == (la_ssize_t)size;
	free(text);
	return good;
}

static int
copy_entries(struct reader *r, struct archive *to,
    bool (*keep)(void *arg, size_t index), void *arg)
{
	struct archive_entry *ae;
	const char *path;
	size_t index = 0;
	int status;
	bool good;

	while ((ae = reader_next(r, &status)) != NULL) {
		path = archive_entry_pathname(ae);
		if (strcmp(path_last(path), "meta") == 0 &&
		    below_upper(path) == NULL)
			good = copy_meta(r->r_layer, ae, to);
		else if (below_upper(path) == NULL || keep(arg, index++))
			good = layer_write_header(to, ae) &&
			       copy_data(r->r_archive, to);
		else
			continue;
		if (good)
			continue;
		complain("%s: cannot be written again: %s", r->r_layer->l_name,
		    archive_error_string(to) != NULL
			? archive_error_string(to)
			: archive_error_string(r->r_archive));
		return STATUS_FAILED;
	}
	return status;
}

int
layer_rewrite(struct layer *l, bool (*keep)(void *arg, size_t index), void *arg)
{
	struct archive *to = archive_write_new();
	struct reader r;
	int fd, status = STATUS_FAILED;

	if (reader_open(&r, l) != STATUS_OK) {
		(void)archive_write_free(to);
		return STATUS_FAILED;
	}
	fd = openat(l->l_dirfd, "layer.new",
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	(void)archive_write_set_format_pax(to);
	/* As librumpimage writes them. */
	(void)archive_write_set_options(to, "xattrheader=SCHILY");
	if (fd == -1 || archive_write_open_fd(to, fd) != ARCHIVE_OK)
		(void)complain_errno(l->l_name);
	else if ((status = copy_entries(&r, to, keep, arg)) == STATUS_OK &&
		 (archive_write_close(to) != ARCHIVE_OK || fsync(fd) != 0))
		status = complain_errno(l->l_name);
	(void)archive_write_free(to);
	if (fd != -1)
		(void)close(fd);
	reader_close(&r);
	return status == STATUS_OK ? layer_replace(l) : status;
}

int
layer_replace(struct layer *l)
{
	if (renameat(l->l_dirfd, "layer.new", l->l_dirfd, "layer.tar") == -1 ||
	    fsync(l->l_dirfd) == -1)
		return complain_errno(l->l_name);
	l->l_exists = true;
	return STATUS_OK;
}
