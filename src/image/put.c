/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A tree as a sink: entries become files.
 *
 * Every path is looked up below the top, through directories only, so that no
 * entry leads elsewhere, whatever entries before it have made.  A file that
 * replaces one is written under another name first: at any moment there is
 * either the old one or all of the new one.  Directories get their owners,
 * modes and times at the end, when nothing more is put into them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image/image.h"

#define SETID (S_ISUID | S_ISGID)

/* A directory whose attributes are to be set. */
struct putdir {
	struct putdir *pd_next; /* the one before */
	char *pd_path;
	struct stat pd_stat; /* what it is to be */
	struct timespec pd_times[2];
	dev_t pd_dev;
	ino_t pd_ino;
};

/* Where a name is to be made: parent directory and last name. */
struct place {
	int pl_dirfd;
	const char *pl_name;
};

void
put_init(struct put *p, struct image *im, const struct fsops *fs, int top,
    const char *name)
{
	*p = (struct put){.p_im = im, .p_fs = fs, .p_top = top, .p_name = name};
}

static inline bool
keeps_owner(const struct put *p)
{
	return (p->p_im->im_flags & RUMP_IMAGE_CALLER) == 0;
}

static inline bool
keeps_old(const struct put *p)
{
	return (p->p_im->im_flags & RUMP_IMAGE_KEEP) != 0;
}

static mode_t
put_mode(const struct put *p, const struct stat *st)
{
	return st->st_mode & 07777 & (keeps_owner(p) ? 07777 : ~SETID);
}

/*
 * Places
 */

/* Make the directories on the way to a path that an image does not have. */
static int
put_parents(struct put *p, const char *path)
{
	char *part = strdup(path), *slash;
	int fd = p->p_top, next = -1, error = 0;
	const char *name = part;

	if (part == NULL)
		return ENOMEM;
	while (error == 0 && (slash = strchr(name, '/')) != NULL) {
		*slash = '\0';
		if (p->p_fs->f_mkdirat(fd, name, 0755) != 0 && errno != EEXIST)
			error = errno;
		else
			error = fs_open(
			    p->p_fs, fd, name, O_PATH | O_DIRECTORY, 0, &next);
		if (error == 0) {
			if (fd != p->p_top)
				(void)p->p_fs->f_close(fd);
			fd = next;
			name = slash + 1;
		}
	}
	if (fd != p->p_top)
		(void)p->p_fs->f_close(fd);
	free(part);
	return error;
}

static int
place_find(struct put *p, const char *path, bool make, struct place *pl)
{
	const char *slash = strrchr(path, '/');
	char *parent;
	int error;

	pl->pl_name = slash == NULL ? path : slash + 1;
	pl->pl_dirfd = p->p_top;
	if (slash == NULL)
		return 0;
	if ((parent = strndup(path, (size_t)(slash - path))) == NULL)
		return ENOMEM;
	error = fs_open(
	    p->p_fs, p->p_top, parent, O_PATH | O_DIRECTORY, 0, &pl->pl_dirfd);
	if (error == ENOENT && make && (error = put_parents(p, path)) == 0)
		error = fs_open(p->p_fs, p->p_top, parent, O_PATH | O_DIRECTORY,
		    0, &pl->pl_dirfd);
	free(parent);
	return error;
}

static void
place_leave(struct put *p, struct place *pl)
{
	if (pl->pl_dirfd != p->p_top)
		(void)p->p_fs->f_close(pl->pl_dirfd);
}

static int
place_stat(struct put *p, const struct place *pl, struct stat *st)
{
	return p->p_fs->f_fstatat(
		   pl->pl_dirfd, pl->pl_name, st, AT_SYMLINK_NOFOLLOW) != 0
		   ? errno
		   : 0;
}

/* Take away what is there, a directory only if it is empty. */
static int
place_clear(struct put *p, const struct place *pl)
{
	struct stat st;
	int error;

	if (keeps_old(p))
		return EEXIST;
	if ((error = place_stat(p, pl, &st)) != 0)
		return error;
	return p->p_fs->f_unlinkat(pl->pl_dirfd, pl->pl_name,
		   S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0) != 0
		   ? errno
		   : 0;
}

/*
 * Attributes.  A change of the owner takes set-id bits and capabilities away,
 * extended attributes may want a file that can be written to, and all changes
 * set the times.
 */

static int
put_owner(struct put *p, int fd, const struct stat *st)
{
	return keeps_owner(p) &&
		       p->p_fs->f_fchown(fd, st->st_uid, st->st_gid) != 0
		   ? errno
		   : 0;
}

static int
put_mode_times(
    struct put *p, int fd, const struct stat *st, const struct timespec *times)
{
	return p->p_fs->f_fchmod(fd, put_mode(p, st)) != 0 ||
		       p->p_fs->f_futimens(fd, times) != 0
		   ? errno
		   : 0;
}

static int
put_attributes(struct put *p, int fd, const struct imgentry *e)
{
	int error;

	if ((error = put_owner(p, fd, &e->e_stat)) != 0 ||
	    (error = xattrs_write(p->p_im, p->p_fs, fd, NULL, e)) != 0)
		return error;
	return put_mode_times(p, fd, &e->e_stat, e->e_times);
}

/* Extended attributes of what is not to be opened. */
static int
put_xattrs_at(struct put *p, const struct imgentry *e)
{
	char *path;
	int error;

	if (e->e_xattrs.xs_count == 0)
		return 0;
	if ((path = path_join(p->p_name, e->e_path)) == NULL)
		return ENOMEM;
	error = xattrs_write(p->p_im, p->p_fs, -1, path, e);
	free(path);
	return error;
}

/* The same as put_attributes of what has just been made. */
static int
put_attributes_at(
    struct put *p, const struct place *pl, const struct imgentry *e)
{
	const struct stat *st = &e->e_stat;
	const struct fsops *fs = p->p_fs;
	int fd = pl->pl_dirfd, error;

	if (keeps_owner(p) && fs->f_fchownat(fd, pl->pl_name, st->st_uid,
				  st->st_gid, AT_SYMLINK_NOFOLLOW) != 0)
		return errno;
	if ((error = put_xattrs_at(p, e)) != 0)
		return error;
	if (!S_ISLNK(st->st_mode) &&
	    fs->f_fchmodat(fd, pl->pl_name, put_mode(p, st), 0) != 0)
		return errno;
	return fs->f_utimensat(
		   fd, pl->pl_name, e->e_times, AT_SYMLINK_NOFOLLOW) != 0
		   ? errno
		   : 0;
}

/*
 * Regular files
 */

static int
write_all(struct put *p, int fd, const char *buf, size_t len, off_t off)
{
	ssize_t n;

	while (len > 0) {
		if ((n = p->p_fs->f_pwrite(fd, buf, len, off)) < 0)
			return errno;
		buf += n;
		off += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Write the entry's data to an empty file; what is not data stays a hole. */
static int
put_data(struct put *p, int fd, const struct imgentry *e)
{
	off_t end = 0, off;
	const void *buf;
	size_t len;
	int error;

	for (;;) {
		error = e->e_read(e->e_arg, &buf, &len, &off);
		if (error != 0 || len == 0)
			break;
		if ((error = write_all(p, fd, buf, len, off)) != 0)
			return error;
		end = off + (off_t)len;
	}
	if (error == 0 && end < e->e_stat.st_size &&
	    p->p_fs->f_ftruncate(fd, e->e_stat.st_size) != 0)
		error = errno;
	return error;
}

/*
 * Open a new file at the place or, if there is something that it will replace,
 * at a made-up name beside it; *temp is empty or that name.
 */
static int
file_open(
    struct put *p, const struct place *pl, char *temp, size_t size, int *fdp)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL;
	struct stat st;
	int error;

	*temp = '\0';
	error = fs_open(p->p_fs, pl->pl_dirfd, pl->pl_name, flags, 0600, fdp);
	if (error != EEXIST || keeps_old(p))
		return error;
	if ((error = place_stat(p, pl, &st)) != 0)
		return error;
	if (S_ISDIR(st.st_mode)) {
		error = place_clear(p, pl);
		return error != 0 ? error
				  : fs_open(p->p_fs, pl->pl_dirfd, pl->pl_name,
					flags, 0600, fdp);
	}
	do {
		snprintf(temp, size, ".rump_image.%lu", p->p_temps++);
		error = fs_open(p->p_fs, pl->pl_dirfd, temp, flags, 0600, fdp);
	} while (error == EEXIST);
	return error;
}

static int
put_file(struct put *p, const struct place *pl, const struct imgentry *e)
{
	const struct fsops *fs = p->p_fs;
	char temp[48];
	int fd, error;

	if ((error = file_open(p, pl, temp, sizeof(temp), &fd)) != 0)
		return error;
	if ((error = put_data(p, fd, e)) == 0)
		error = put_attributes(p, fd, e);
	if (fs->f_close(fd) != 0 && error == 0)
		error = errno;
	if (error == 0 && *temp != '\0' &&
	    fs->f_renameat(pl->pl_dirfd, temp, pl->pl_dirfd, pl->pl_name) != 0)
		error = errno;
	if (error != 0)
		(void)fs->f_unlinkat(
		    pl->pl_dirfd, *temp != '\0' ? temp : pl->pl_name, 0);
	return error;
}

/*
 * Other kinds
 */

/* Make a file that is complete as soon as there is one. */
static int
put_make(struct put *p, const struct place *pl, const struct imgentry *e)
{
	mode_t type = e->e_stat.st_mode & S_IFMT;
	const struct fsops *fs = p->p_fs;
	int error;

	if (type == S_IFLNK)
		error = fs->f_symlinkat(e->e_link, pl->pl_dirfd, pl->pl_name);
	else
		error = fs->f_mknodat(
		    pl->pl_dirfd, pl->pl_name, type | 0600, e->e_stat.st_rdev);
	return error != 0 ? errno : 0;
}

static int
put_other(struct put *p, const struct place *pl, const struct imgentry *e)
{
	int error = put_make(p, pl, e);

	if (error == EEXIST && (error = place_clear(p, pl)) == 0)
		error = put_make(p, pl, e);
	return error != 0 ? error : put_attributes_at(p, pl, e);
}

/* Data that comes with another name of a file: cpio(5) has it with the last. */
static int
put_hard_data(struct put *p, const struct place *pl, const struct imgentry *e)
{
	int fd, error;

	if (!S_ISREG(e->e_stat.st_mode) || e->e_stat.st_size == 0)
		return 0;
	error = fs_open(p->p_fs, pl->pl_dirfd, pl->pl_name,
	    O_WRONLY | O_TRUNC | O_NONBLOCK, 0, &fd);
	if (error != 0)
		return error;
	if ((error = put_data(p, fd, e)) == 0)
		error = put_attributes(p, fd, e);
	if (p->p_fs->f_close(fd) != 0 && error == 0)
		error = errno;
	return error;
}

static int
put_link(struct put *p, const struct place *from, const struct place *to)
{
	return p->p_fs->f_linkat(from->pl_dirfd, from->pl_name, to->pl_dirfd,
		   to->pl_name, 0) != 0
		   ? errno
		   : 0;
}

static int
put_hard(struct put *p, const struct place *pl, const struct imgentry *e)
{
	struct stat from, to;
	struct place old;
	int error;

	if ((error = place_find(p, e->e_link, false, &old)) != 0)
		return error;
	error = put_link(p, &old, pl);
	if (error == EEXIST && (error = place_stat(p, &old, &from)) == 0 &&
	    (error = place_stat(p, pl, &to)) == 0 &&
	    (from.st_ino != to.st_ino || from.st_dev != to.st_dev) &&
	    (error = place_clear(p, pl)) == 0)
		error = put_link(p, &old, pl);
	place_leave(p, &old);
	return error != 0 ? error : put_hard_data(p, pl, e);
}

/*
 * Directories
 */

/* Extended attributes take up no time: they are set at once. */
static int
put_dir_xattrs(struct put *p, const struct imgentry *e)
{
	int fd, error;

	if (e->e_xattrs.xs_count == 0)
		return 0;
	error = fs_open(
	    p->p_fs, p->p_top, e->e_path, O_RDONLY | O_DIRECTORY, 0, &fd);
	if (error != 0)
		return error;
	error = xattrs_write(p->p_im, p->p_fs, fd, NULL, e);
	(void)p->p_fs->f_close(fd);
	return error;
}

static int
put_dir_later(struct put *p, const struct imgentry *e, const struct stat *st)
{
	struct putdir *pd;
	int error;

	if ((error = put_dir_xattrs(p, e)) != 0)
		return error;
	pd = malloc(sizeof(*pd));
	if (pd == NULL || (pd->pd_path = strdup(e->e_path)) == NULL) {
		free(pd);
		return ENOMEM;
	}
	pd->pd_stat = e->e_stat;
	memcpy(pd->pd_times, e->e_times, sizeof(pd->pd_times));
	pd->pd_dev = st->st_dev;
	pd->pd_ino = st->st_ino;
	pd->pd_next = p->p_dirs;
	p->p_dirs = pd;
	return 0;
}

static int
put_dir(struct put *p, const struct place *pl, const struct imgentry *e)
{
	const struct fsops *fs = p->p_fs;
	struct stat st;
	int error;

	if (fs->f_mkdirat(pl->pl_dirfd, pl->pl_name, 0700) != 0) {
		if (errno != EEXIST)
			return errno;
		if ((error = place_stat(p, pl, &st)) != 0)
			return error;
		if (S_ISDIR(st.st_mode))
			return keeps_old(p) ? 0 : put_dir_later(p, e, &st);
		if ((error = place_clear(p, pl)) != 0)
			return error;
		if (fs->f_mkdirat(pl->pl_dirfd, pl->pl_name, 0700) != 0)
			return errno;
	}
	if ((error = place_stat(p, pl, &st)) != 0)
		return error;
	return put_dir_later(p, e, &st);
}

/* The directory may have been replaced: then it is not looked at. */
static int
put_dir_now(struct put *p, const struct putdir *pd)
{
	struct stat st;
	int fd, error;

	error = fs_open(
	    p->p_fs, p->p_top, pd->pd_path, O_RDONLY | O_DIRECTORY, 0, &fd);
	if (error == ENOENT || error == ENOTDIR || error == ELOOP)
		return 0;
	if (error != 0)
		return error;
	if (p->p_fs->f_fstat(fd, &st) != 0)
		error = errno;
	else if (st.st_dev == pd->pd_dev && st.st_ino == pd->pd_ino &&
		 (error = put_owner(p, fd, &pd->pd_stat)) == 0)
		error = put_mode_times(p, fd, &pd->pd_stat, pd->pd_times);
	(void)p->p_fs->f_close(fd);
	return error;
}

int
put_fini(struct put *p)
{
	struct putdir *pd;
	int first = 0, error;

	/* What is in a directory before the directory. */
	while ((pd = p->p_dirs) != NULL) {
		if ((error = put_dir_now(p, pd)) != 0)
			error = image_skip(p->p_im, pd->pd_path, error, NULL);
		if (first == 0)
			first = error;
		p->p_dirs = pd->pd_next;
		free(pd->pd_path);
		free(pd);
	}
	return first;
}

/*
 * Entries
 */

static int
put_top(struct put *p, const struct imgentry *e)
{
	struct stat st;

	if (!S_ISDIR(e->e_stat.st_mode) || e->e_hard)
		return EISDIR;
	if (keeps_old(p))
		return 0;
	return p->p_fs->f_fstat(p->p_top, &st) != 0 ? errno
						    : put_dir_later(p, e, &st);
}

static int
put_typed(struct put *p, const struct place *pl, const struct imgentry *e)
{
	if (e->e_hard)
		return put_hard(p, pl, e);
	switch (e->e_stat.st_mode & S_IFMT) {
	case S_IFDIR:
		return put_dir(p, pl, e);
	case S_IFREG:
		return put_file(p, pl, e);
	case S_IFLNK:
	case S_IFIFO:
	case S_IFCHR:
	case S_IFBLK:
		return put_other(p, pl, e);
	default:
		return EOPNOTSUPP;
	}
}

int
put_entry(struct put *p, const struct imgentry *e)
{
	struct place pl;
	int error;

	if (*e->e_path == '\0')
		error = put_top(p, e);
	else if ((error = place_find(p, e->e_path, true, &pl)) == 0) {
		error = put_typed(p, &pl, e);
		place_leave(p, &pl);
	}
	/* Who found the image broken has said so. */
	if (error != 0 && !p->p_im->im_fatal)
		error = image_skip(p->p_im, e->e_path, error, NULL);
	return error;
}
