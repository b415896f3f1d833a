/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Layers: what is different there from what the host has now.
 */
#include <archive.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "cmd/rump/archive/layer.h"
#include "cmd/rump/side.h"

#define BLOCK 65536

/* A directory that entries are in. */
struct ancestor {
	const char *a_path;
	bool a_new; /* the host has nothing there that counts */
	bool a_opaque;
};

struct differ {
	struct layer_diff *d_diff;
	int d_root;
	struct ancestor *d_stack;
	size_t d_depth;
	char *d_kinds; /* of each entry: that of its change, or NUL */
	bool *d_data;
	mode_t *d_types; /* what the host has there, if it is deleted */
	bool *d_opaque;	 /* the host's directory is seen as empty */
};

static void
diff_add(struct layer_diff *ld, char kind, const char *path, ssize_t entry,
    mode_t type, bool data)
{
	size_t n = ld->ld_count;

	if ((n & (n + 1)) == 0)
		ld->ld_all =
		    tool_alloc(ld->ld_all, 2 * (n + 1) * sizeof(*ld->ld_all));
	ld->ld_all[ld->ld_count++] = (struct layer_change){
	    .lc_kind = kind,
	    .lc_path = tool_format("%s", path),
	    .lc_entry = entry,
	    .lc_type = type & S_IFMT,
	    .lc_data = data,
	};
}

void
layer_diff_free(struct layer_diff *ld)
{
	size_t i;

	for (i = 0; i < ld->ld_count; i++)
		free(ld->ld_all[i].lc_path);
	free(ld->ld_all);
	*ld = (struct layer_diff){0};
}

/*
 * The same?
 */

/* Root's files in the layer are, when they come to the host, the caller's. */
static bool
same_owner(const struct stat *layer, const struct stat *host)
{
	uid_t me = geteuid();

	if (layer->st_uid == host->st_uid && layer->st_gid == host->st_gid)
		return true;
	return me != 0 && host->st_uid == me &&
	       (layer->st_uid == 0 || layer->st_uid == me) &&
	       (layer->st_gid == host->st_gid ||
		   (layer->st_gid == 0 && host->st_gid == getegid()));
}

static bool
same_time(const struct timespec *layer, const struct timespec *host)
{
	/* There are file systems with nothing but seconds. */
	return layer->tv_sec == host->tv_sec &&
	       (layer->tv_nsec == host->tv_nsec || host->tv_nsec == 0);
}

/* Extended attributes are compared as far as both sides can have them. */
static bool
same_xattrs(int dirfd, const char *name, const struct layer_entry *le)
{
	char *path = tool_format("/proc/self/fd/%d/%s", dirfd, name), *value;
	ssize_t len = llistxattr(path, NULL, 0), count = 0, i;
	char *list = tool_alloc(NULL, XATTR_LIST_MAX);
	bool same = true;
	size_t x;

	len = len > 0 ? llistxattr(path, list, XATTR_LIST_MAX) : len;
	for (i = 0; i < len; i += (ssize_t)strlen(list + i) + 1)
		count++;
	if (len >= 0 && (size_t)count != le->le_nxattrs)
		same = false;
	value = tool_alloc(NULL, XATTR_SIZE_MAX);
	for (x = 0; x < le->le_nxattrs && same && len >= 0; x++) {
		const struct layer_xattr *lx = &le->le_xattrs[x];

		len = lgetxattr(path, lx->lx_name, value, XATTR_SIZE_MAX);
		same = len == (ssize_t)lx->lx_size &&
		       memcmp(value, lx->lx_value, lx->lx_size) == 0;
	}
	free(value);
	free(list);
	free(path);
	return same;
}

static bool
same_attributes(int dirfd, const char *name, const struct layer_entry *le,
    const struct stat *host)
{
	const struct stat *sb = &le->le_stat;

	if (!same_owner(sb, host))
		return false;
	if (S_ISLNK(sb->st_mode))
		return true;
	if (((sb->st_mode ^ host->st_mode) & 07777) != 0 ||
	    (S_ISREG(sb->st_mode) && !same_time(&sb->st_mtim, &host->st_mtim)))
		return false;
	return same_xattrs(dirfd, name, le);
}

static bool
same_bytes(int fd, struct archive *a)
{
	char *mine = tool_alloc(NULL, BLOCK), *theirs = tool_alloc(NULL, BLOCK);
	la_ssize_t n = 0;
	ssize_t got;
	off_t at = 0;
	bool same = true;

	while (same && (n = archive_read_data(a, mine, BLOCK)) > 0) {
		got = pread(fd, theirs, (size_t)n, at);
		same = got == n && memcmp(mine, theirs, (size_t)n) == 0;
		at += n;
	}
	free(mine);
	free(theirs);
	return same && n == 0;
}

static bool
same_data(int dirfd, const char *name, const struct layer_entry *le,
    const struct stat *host, struct archive *a)
{
	char target[PATH_MAX];
	ssize_t len;
	bool same;
	int fd;

	switch (le->le_stat.st_mode & S_IFMT) {
	case S_IFREG:
		if (le->le_stat.st_size != host->st_size)
			return false;
		fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		same = fd != -1 && same_bytes(fd, a);
		if (fd != -1)
			(void)close(fd);
		return same;
	case S_IFLNK:
		len = readlinkat(dirfd, name, target, sizeof(target) - 1);
		target[len > 0 ? len : 0] = '\0';
		return strcmp(target, le->le_link) == 0;
	case S_IFCHR:
	case S_IFBLK:
		return le->le_stat.st_rdev == host->st_rdev;
	default:
		return true;
	}
}

/*
 * Entries
 */

/* The directory that a path is in, of those that were entered. */
static const struct ancestor *
find_parent(struct differ *d, const char *path)
{
	const struct ancestor *a;
	size_t len;

	for (; d->d_depth > 1; d->d_depth--) {
		a = &d->d_stack[d->d_depth - 1];
		len = strlen(a->a_path);
		if (strncmp(a->a_path, path, len) == 0 && path[len] == '/')
			break;
	}
	return &d->d_stack[d->d_depth - 1];
}

static void
push_dir(struct differ *d, const char *path, bool new, bool opaque)
{
	d->d_stack =
	    tool_alloc(d->d_stack, (d->d_depth + 1) * sizeof(d->d_stack[0]));
	d->d_stack[d->d_depth++] = (struct ancestor){path, new, opaque};
}

static void
compare_dir(struct differ *d, struct layer *l, size_t i, int dirfd,
    const char *name, const struct stat *host)
{
	static const struct ancestor none = {"", false, false};
	struct layer_entry *le = &l->l_entries[i];
	const struct ancestor *in =
	    *le->le_path != '\0' ? find_parent(d, le->le_path) : &none;
	bool opaque = in->a_opaque || le->le_opaque;

	if (host == NULL)
		d->d_kinds[i] = 'A';
	else if (!S_ISDIR(host->st_mode))
		d->d_kinds[i] = 'T';
	else if (!same_attributes(dirfd, name, le, host))
		d->d_kinds[i] = 'M';
	d->d_opaque[i] = host != NULL && S_ISDIR(host->st_mode) && opaque;
	push_dir(
	    d, le->le_path, host == NULL || !S_ISDIR(host->st_mode), opaque);
}

/* Another name of a file: is it that on the host, too? */
static void
compare_link(
    struct differ *d, struct layer *l, size_t i, const struct stat *host)
{
	struct layer_entry *le = &l->l_entries[i];
	struct stat first;

	if (host_lstat(d->d_root, l->l_entries[le->le_first].le_path, &first) ==
		0 &&
	    first.st_ino == host->st_ino && first.st_dev == host->st_dev)
		d->d_kinds[i] = d->d_kinds[le->le_first];
	else
		d->d_kinds[i] = 'M';
	d->d_data[i] = d->d_data[le->le_first];
}

static void
compare_file(struct differ *d, struct layer *l, size_t i, int dirfd,
    const char *name, const struct stat *host, struct archive *a)
{
	struct layer_entry *le = &l->l_entries[i];

	if (host == NULL)
		d->d_kinds[i] = 'A';
	else if (((host->st_mode ^ le->le_stat.st_mode) & S_IFMT) != 0)
		d->d_kinds[i] = 'T';
	else if (le->le_first != i)
		compare_link(d, l, i, host);
	else {
		d->d_data[i] = !same_data(dirfd, name, le, host, a);
		if (d->d_data[i] || !same_attributes(dirfd, name, le, host))
			d->d_kinds[i] = 'M';
	}
}

/* Room for what is noted of an entry. */
static void
differ_grow(struct differ *d, size_t i)
{
	if ((i & (i + 1)) == 0) {
		d->d_kinds = tool_alloc(d->d_kinds, 2 * (i + 1));
		d->d_data =
		    tool_alloc(d->d_data, 2 * (i + 1) * sizeof(d->d_data[0]));
		d->d_types =
		    tool_alloc(d->d_types, 2 * (i + 1) * sizeof(d->d_types[0]));
		d->d_opaque = tool_alloc(
		    d->d_opaque, 2 * (i + 1) * sizeof(d->d_opaque[0]));
	}
	d->d_kinds[i] = '\0';
	d->d_data[i] = d->d_opaque[i] = false;
	d->d_types[i] = 0;
}

static int
compare(void *arg, struct layer *l, size_t i, struct archive *a)
{
	struct layer_entry *le = &l->l_entries[i];
	const char *path = le->le_path, *name = NULL;
	struct differ *d = arg;
	struct stat sb, *host = NULL;
	int dirfd = -1, status;

	differ_grow(d, i);
	if (*path == '\0' || !find_parent(d, path)->a_new) {
		dirfd = host_parent(d->d_root, path, &name);
		if (dirfd != -1 &&
		    fstatat(dirfd, name, &sb, AT_SYMLINK_NOFOLLOW) == 0)
			host = &sb;
		else if (errno != ENOENT && errno != ENOTDIR &&
			 errno != ELOOP) {
			status = complain_errno(path);
			if (dirfd != -1)
				(void)close(dirfd);
			return status;
		}
	}
	if (le->le_whiteout) {
		d->d_kinds[i] = host != NULL ? 'D' : '\0';
		d->d_types[i] = host != NULL ? host->st_mode : 0;
	} else if (S_ISDIR(le->le_stat.st_mode))
		compare_dir(d, l, i, dirfd, name, host);
	else
		compare_file(d, l, i, dirfd, name, host, a);
	if (dirfd != -1)
		(void)close(dirfd);
	return STATUS_OK;
}

/*
 * All of it
 */

/* If one name of a file has changed, they all have. */
static void
spread_links(struct differ *d, const struct layer *l)
{
	size_t i, first;
	int pass;

	for (pass = 0; pass < 2; pass++)
		for (i = 0; i < l->l_nentries; i++) {
			first = l->l_entries[i].le_first;
			if (first == i)
				continue;
			if (d->d_kinds[i] != '\0' && d->d_kinds[first] == '\0')
				d->d_kinds[first] = 'M';
			if (d->d_kinds[first] != '\0' && d->d_kinds[i] == '\0')
				d->d_kinds[i] = 'M';
		}
}

static int
path_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* What the host has in a directory of which nothing of that is seen. */
static int
hidden(struct differ *d, const char *dir, char **paths, size_t npaths)
{
	struct stat sb;
	const char *name;
	char **names, *path;
	int fd = host_parent(d->d_root, dir, &name), sub = -1;
	size_t i;

	if (fd != -1)
		sub = openat(
		    fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd != -1)
		(void)close(fd);
	if (sub == -1 || (names = side_listat(&host_side, sub, ".")) == NULL) {
		if (sub != -1)
			(void)close(sub);
		return complain_errno(dir);
	}
	for (i = 0; names[i] != NULL; i++) {
		path = tool_format("%s/%s", dir, names[i]);
		if (bsearch(&path, paths, npaths, sizeof(paths[0]),
			path_compare) == NULL &&
		    fstatat(sub, names[i], &sb, AT_SYMLINK_NOFOLLOW) == 0)
			diff_add(d->d_diff, 'D', path, -1, sb.st_mode, false);
		free(path);
	}
	side_listfree(names);
	(void)close(sub);
	return STATUS_OK;
}

static int
hidden_all(struct differ *d, const struct layer *l)
{
	char **paths = tool_alloc(NULL, l->l_nentries * sizeof(paths[0]));
	int status = STATUS_OK;
	size_t i;

	for (i = 0; i < l->l_nentries; i++)
		paths[i] = l->l_entries[i].le_path;
	qsort(paths, l->l_nentries, sizeof(paths[0]), path_compare);
	for (i = 0; i < l->l_nentries && status == STATUS_OK; i++)
		if (d->d_opaque[i])
			status = hidden(
			    d, l->l_entries[i].le_path, paths, l->l_nentries);
	free(paths);
	return status;
}

static int
change_compare(const void *a, const void *b)
{
	const struct layer_change *x = a, *y = b;

	return strcmp(x->lc_path, y->lc_path);
}

int
layer_diff(struct layer *l, int rootfd, struct layer_diff *ld)
{
	struct differ d = {.d_diff = ld, .d_root = rootfd};
	int status;
	size_t i;

	*ld = (struct layer_diff){0};
	status = layer_read(l, compare, &d);
	if (status == STATUS_OK) {
		spread_links(&d, l);
		for (i = 0; i < l->l_nentries; i++)
			if (d.d_kinds[i] != '\0')
				diff_add(ld, d.d_kinds[i],
				    l->l_entries[i].le_path, (ssize_t)i,
				    d.d_kinds[i] == 'D'
					? d.d_types[i]
					: l->l_entries[i].le_stat.st_mode,
				    d.d_data[i]);
		status = hidden_all(&d, l);
	}
	if (status == STATUS_OK && ld->ld_count > 0)
		qsort(ld->ld_all, ld->ld_count, sizeof(ld->ld_all[0]),
		    change_compare);
	free(d.d_stack);
	free(d.d_kinds);
	free(d.d_data);
	free(d.d_types);
	free(d.d_opaque);
	return status;
}
