/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Carrying a layer over to the host: what is new is made, where nobody looks.
 */
#include <archive.h>
#include <fcntl.h>
#include <sys/xattr.h>

#include "cmd/rump/archive/commit.h"

struct stage {
	struct commit *g_commit;
	char **g_holders; /* of each entry: the staged path that has its data */
};

/* Where an entry is made that is selected; to be freed. */
static char *
staged_path(const struct commit *c, const char *path)
{
	const struct unit *u = commit_unit(c, path);

	return tool_format("%s%s", u->u_temp, path + strlen(u->u_path));
}

static bool
is_staged(const struct commit *c, const struct layer_entry *le)
{
	const struct layer_change *lc = commit_change(c, le->le_path);

	return lc != NULL && lc->lc_kind != 'D' &&
	       !(lc->lc_kind == 'M' && S_ISDIR(lc->lc_type));
}

static int
stage_failed(const char *path, const char *what)
{
	complain("%s: %s: %s", path, what, strerror(errno));
	return STATUS_FAILED;
}

/*
 * Attributes, after the data
 */

static int
set_xattrs(int dirfd, const char *name, const struct layer_entry *le)
{
	char *path = tool_format("/proc/self/fd/%d/%s", dirfd, name);
	int status = STATUS_OK;
	size_t i;

	for (i = 0; i < le->le_nxattrs && status == STATUS_OK; i++)
		if (lsetxattr(path, le->le_xattrs[i].lx_name,
			le->le_xattrs[i].lx_value, le->le_xattrs[i].lx_size,
			0) == -1) {
			complain("%s: the attribute %s cannot be set: %s",
			    le->le_path, le->le_xattrs[i].lx_name,
			    strerror(errno));
			status = STATUS_FAILED;
		}
	free(path);
	return status;
}

static int
set_attributes(const struct commit *c, int dirfd, const char *name,
    const struct layer_entry *le)
{
	const struct stat *sb = &le->le_stat;
	const struct timespec times[2] = {sb->st_atim, sb->st_mtim};
	uid_t uid;
	gid_t gid;

	(void)commit_owner(c, sb, &uid, &gid);
	if (fchownat(dirfd, name, uid, gid, AT_SYMLINK_NOFOLLOW) == -1)
		return stage_failed(le->le_path, "its owner cannot be set");
	if (set_xattrs(dirfd, name, le) != STATUS_OK)
		return STATUS_FAILED;
	/* We have made it: it is no symbolic link. */
	if (!S_ISLNK(sb->st_mode) &&
	    fchmodat(dirfd, name, sb->st_mode & 07777, 0) == -1)
		return stage_failed(le->le_path, "its mode cannot be set");
	if (utimensat(dirfd, name, times, AT_SYMLINK_NOFOLLOW) == -1)
		return stage_failed(le->le_path, "its times cannot be set");
	return STATUS_OK;
}

/*
 * Files
 */

static int
stage_data(const struct layer_entry *le, int fd, struct archive *a)
{
	if (archive_read_data_into_fd(a, fd) != ARCHIVE_OK ||
	    ftruncate(fd, le->le_stat.st_size) == -1) {
		complain("%s: cannot be written: %s", le->le_path,
		    archive_error_string(a) != NULL ? archive_error_string(a)
						    : strerror(errno));
		(void)close(fd);
		return STATUS_FAILED;
	}
	return close(fd) == 0 ? STATUS_OK : complain_errno(le->le_path);
}

static int
stage_make(const struct layer_entry *le, int dirfd, const char *name,
    struct archive *a)
{
	mode_t type = le->le_stat.st_mode & S_IFMT;
	int fd, r;

	switch (type) {
	case S_IFREG:
		fd = openat(dirfd, name,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd != -1)
			return stage_data(le, fd, a);
		r = -1;
		break;
	case S_IFDIR:
		r = mkdirat(dirfd, name, 0700);
		break;
	case S_IFLNK:
		r = symlinkat(le->le_link, dirfd, name);
		break;
	default:
		r = mknodat(dirfd, name, type | 0600, le->le_stat.st_rdev);
		break;
	}
	return r == 0 ? STATUS_OK
		      : stage_failed(le->le_path, "cannot be made beside it");
}

/* Make the entry at a path.  Directories get their attributes at the end. */
static int
stage_at(const struct commit *c, const struct layer_entry *le, const char *path,
    struct archive *a)
{
	const char *name;
	int dirfd = host_parent(c->c_root, path, &name), status;

	if (dirfd == -1)
		return complain_errno(path);
	status = stage_make(le, dirfd, name, a);
	if (status == STATUS_OK && !S_ISDIR(le->le_stat.st_mode))
		status = set_attributes(c, dirfd, name, le);
	(void)close(dirfd);
	return status;
}

static int
stage_link(const struct commit *c, const char *from, const char *to)
{
	const char *fromname, *toname;
	int fromfd = host_parent(c->c_root, from, &fromname);
	int tofd = host_parent(c->c_root, to, &toname), status = STATUS_OK;

	if (fromfd == -1 || tofd == -1 ||
	    linkat(fromfd, fromname, tofd, toname, 0) == -1)
		status = stage_failed(to, "the link cannot be made");
	if (fromfd != -1)
		(void)close(fromfd);
	if (tofd != -1)
		(void)close(tofd);
	return status;
}

/* Of the names of a file that begin with this one the first that is staged. */
static const struct layer_entry *
first_staged(const struct commit *c, const struct layer *l, size_t index)
{
	size_t i;

	if (is_staged(c, &l->l_entries[index]))
		return &l->l_entries[index];
	for (i = index + 1; i < l->l_nentries; i++)
		if (l->l_entries[i].le_first == index &&
		    is_staged(c, &l->l_entries[i]))
			return &l->l_entries[i];
	return NULL;
}

static int
stage_entry(void *arg, struct layer *l, size_t index, struct archive *a)
{
	const struct layer_entry *le = &l->l_entries[index], *at;
	struct stage *g = arg;
	int status = STATUS_OK;
	char *path;

	if (le->le_whiteout)
		return STATUS_OK;
	if (le->le_first == index) {
		at = le->le_linked ? first_staged(g->g_commit, l, index)
		     : is_staged(g->g_commit, le) ? le
						  : NULL;
		if (at == NULL)
			return STATUS_OK;
		path = staged_path(g->g_commit, at->le_path);
		g->g_holders[index] = path;
		status = stage_at(g->g_commit, le, path, a);
		commit_step();
		return status;
	}
	if (!is_staged(g->g_commit, le))
		return STATUS_OK;
	path = staged_path(g->g_commit, le->le_path);
	if (strcmp(path, g->g_holders[le->le_first]) != 0)
		status =
		    stage_link(g->g_commit, g->g_holders[le->le_first], path);
	free(path);
	return status;
}

/*
 * Directories, and what makes it all safe
 */

static int
stage_dirs(const struct commit *c)
{
	const struct layer *l = c->c_layer;
	const char *name;
	size_t i;
	char *path;
	int dirfd, status = STATUS_OK;

	/* What is in a directory comes behind it. */
	for (i = l->l_nentries; i-- > 0 && status == STATUS_OK;) {
		if (!S_ISDIR(l->l_entries[i].le_stat.st_mode) ||
		    !is_staged(c, &l->l_entries[i]))
			continue;
		path = staged_path(c, l->l_entries[i].le_path);
		dirfd = host_parent(c->c_root, path, &name);
		if (dirfd == -1)
			status = complain_errno(path);
		else
			status =
			    set_attributes(c, dirfd, name, &l->l_entries[i]);
		if (dirfd != -1)
			(void)close(dirfd);
		free(path);
	}
	return status;
}

/* Of each unit the inode by which it is known, and its data on the disk. */
static int
stage_finish(struct commit *c)
{
	const char *name;
	struct unit *u;
	struct stat sb;
	dev_t synced = 0;
	int dirfd, status = STATUS_OK;

	for (u = c->c_units; u < c->c_units + c->c_nunits; u++) {
		if (u->u_kind == 'D' || u->u_kind == 'd')
			continue;
		dirfd = host_parent(c->c_root, u->u_temp, &name);
		if (dirfd == -1 ||
		    fstatat(dirfd, name, &sb, AT_SYMLINK_NOFOLLOW) == -1)
			status = complain_errno(u->u_temp);
		else {
			u->u_ino = sb.st_ino;
			if (sb.st_dev != synced && syncfs(dirfd) == -1)
				status = complain_errno(u->u_path);
			synced = sb.st_dev;
		}
		if (dirfd != -1)
			(void)close(dirfd);
		if (status != STATUS_OK)
			break;
	}
	return status;
}

int
commit_stage(struct commit *c)
{
	size_t n = c->c_layer->l_nentries, i;
	struct stage g = {.g_commit = c};
	int status;

	g.g_holders = tool_alloc(NULL, n * sizeof(g.g_holders[0]) + 1);
	for (i = 0; i < n; i++)
		g.g_holders[i] = NULL;
	status = layer_read(c->c_layer, stage_entry, &g);
	if (status == STATUS_OK)
		status = stage_dirs(c);
	if (status == STATUS_OK)
		status = stage_finish(c);
	for (i = 0; i < n; i++)
		free(g.g_holders[i]);
	free(g.g_holders);
	return status;
}
