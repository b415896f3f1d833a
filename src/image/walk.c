/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A tree as a source: what is in a directory, in an order that depends on
 * names alone.
 *
 * Paths that are still to be looked at are on a stack; each is looked up from
 * the top, so that no descriptor is held meanwhile and nothing that changes
 * under us leads out of the tree.
 */
#include <dirent.h>
#include <limits.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image/image.h"

#define BUFLEN 262144 /* not less than XATTRS_BUF */

/* A file that has more than one name. */
struct walklink {
	dev_t wl_dev;
	ino_t wl_ino;
	char *wl_path; /* the first one that was seen */
};

static int
walklink_cmp(const void *va, const void *vb)
{
	const struct walklink *a = va, *b = vb;

	if (a->wl_ino != b->wl_ino)
		return a->wl_ino < b->wl_ino ? -1 : 1;
	return a->wl_dev < b->wl_dev ? -1 : a->wl_dev > b->wl_dev;
}

static void
walklink_free(void *arg)
{
	struct walklink *wl = arg;

	free(wl->wl_path);
	free(wl);
}

/* Can there be other names of the file that count? */
static bool
walk_links(const struct walk *w, const struct stat *st)
{
	return st->st_nlink > 1 &&
	       (w->w_im->im_flags & RUMP_IMAGE_SEPARATE) == 0;
}

/* Has the file been seen by another name?  Then that is e_link. */
static void
walk_hard(struct walk *w, const struct stat *st)
{
	struct walklink key = {.wl_dev = st->st_dev, .wl_ino = st->st_ino};
	struct walklink **found = tfind(&key, &w->w_links, walklink_cmp);

	if (found != NULL) {
		w->w_entry.e_link = (*found)->wl_path;
		w->w_entry.e_hard = true;
	}
}

/* The entry is complete: later names of its file are links to it. */
static int
walk_remember(struct walk *w)
{
	const struct stat *st = &w->w_entry.e_stat;
	struct walklink *wl;

	if (w->w_entry.e_hard || !walk_links(w, st))
		return 0;
	if ((wl = malloc(sizeof(*wl))) == NULL)
		return ENOMEM;
	wl->wl_dev = st->st_dev;
	wl->wl_ino = st->st_ino;
	if ((wl->wl_path = strdup(w->w_path)) == NULL ||
	    tsearch(wl, &w->w_links, walklink_cmp) == NULL) {
		walklink_free(wl);
		return ENOMEM;
	}
	return 0;
}

/*
 * The stack
 */

/* Takes over path, which may be NULL for lack of memory. */
static int
walk_push(struct walk *w, char *path)
{
	size_t room = w->w_room == 0 ? 64 : 2 * w->w_room;
	char **todo;

	if (path == NULL)
		return ENOMEM;
	if (w->w_count == w->w_room) {
		todo = reallocarray(w->w_todo, room, sizeof(*todo));
		if (todo == NULL) {
			free(path);
			return ENOMEM;
		}
		w->w_todo = todo;
		w->w_room = room;
	}
	w->w_todo[w->w_count++] = path;
	return 0;
}

/* The first one to be looked at comes last. */
static int
path_cmp(const void *va, const void *vb)
{
	const char *const *a = va, *const *b = vb;

	return strcmp(*b, *a);
}

/* As open, but the file's access time stays, if that is ours to say. */
static int
walk_open(struct walk *w, int flags, int *fdp)
{
	int error = fs_open(w->w_fs, w->w_top, w->w_path,
	    flags | O_RDONLY | O_NONBLOCK | O_NOATIME, 0, fdp);

	if (error == EPERM)
		error = fs_open(w->w_fs, w->w_top, w->w_path,
		    flags | O_RDONLY | O_NONBLOCK, 0, fdp);
	return error;
}

static int
walk_push_buf(struct walk *w, int n)
{
	int error = 0;

	for (int i = 0; i < n && error == 0;) {
		const struct dirent64 *d = (const void *)(w->w_buf + i);

		i += d->d_reclen;
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			error = walk_push(w, path_join(w->w_path, d->d_name));
	}
	return error;
}

static int
walk_xattrs(struct walk *w, int fd)
{
	return xattrs_read(w->w_fs, fd, NULL, w->w_buf, &w->w_entry.e_xattrs);
}

/* The same of what is not to be opened. */
static int
walk_xattrs_at(struct walk *w)
{
	char *path = path_join(w->w_name, w->w_path);
	int error;

	if (path == NULL)
		return ENOMEM;
	error = xattrs_read(w->w_fs, -1, path, w->w_buf, &w->w_entry.e_xattrs);
	free(path);
	return error;
}

/* Put the names in the directory on the stack. */
static int
walk_dir(struct walk *w)
{
	size_t before = w->w_count;
	int fd, n, error;

	if ((error = walk_open(w, O_DIRECTORY, &fd)) != 0)
		return error;
	while (error == 0) {
		n = w->w_fs->f_getdents(fd, w->w_buf, BUFLEN);
		if (n < 0)
			error = errno;
		if (n <= 0)
			break;
		error = walk_push_buf(w, n);
	}
	if (error == 0)
		error = walk_xattrs(w, fd);
	(void)w->w_fs->f_close(fd);
	if (w->w_count > before)
		qsort(w->w_todo + before, w->w_count - before,
		    sizeof(*w->w_todo), path_cmp);
	return error;
}

/*
 * Data
 */

int
walk_extent(struct walk *w, off_t *offp, off_t *endp)
{
	off_t size = w->w_entry.e_stat.st_size, off = *offp;

	*endp = size;
	if (!w->w_sparse || off >= size)
		return 0;
	off = w->w_fs->f_lseek(w->w_fd, off, SEEK_DATA);
	if (off < 0 && errno != ENXIO)
		return errno;
	if (off < 0 || off >= size) {
		*offp = size;
		return 0;
	}
	*offp = off;
	if ((off = w->w_fs->f_lseek(w->w_fd, off, SEEK_HOLE)) < 0)
		return errno;
	if (off < size)
		*endp = off;
	return 0;
}

static int
walk_read(void *arg, const void **bufp, size_t *lenp, off_t *offp)
{
	struct walk *w = arg;
	size_t len = BUFLEN;
	ssize_t n;
	int error;

	*lenp = 0;
	if (w->w_off == w->w_end) {
		error = walk_extent(w, &w->w_off, &w->w_end);
		if (error != 0 || w->w_off == w->w_end)
			return error;
	}
	if (w->w_end - w->w_off < BUFLEN)
		len = (size_t)(w->w_end - w->w_off);
	if ((n = w->w_fs->f_pread(w->w_fd, w->w_buf, len, w->w_off)) < 0)
		return errno;
	/* Somebody has cut it. */
	if (n == 0)
		return EBUSY;
	*bufp = w->w_buf;
	*lenp = (size_t)n;
	*offp = w->w_off;
	w->w_off += n;
	return 0;
}

/* Open the file, which must still be the one that was looked at. */
static int
walk_file(struct walk *w)
{
	struct stat *st = &w->w_entry.e_stat, now;
	int error;

	if ((error = walk_open(w, 0, &w->w_fd)) != 0)
		return error;
	if (w->w_fs->f_fstat(w->w_fd, &now) != 0)
		return errno;
	if (!S_ISREG(now.st_mode) || now.st_dev != st->st_dev ||
	    now.st_ino != st->st_ino)
		return EBUSY;
	w->w_sparse = st->st_blocks < st->st_size / 512;
	w->w_off = w->w_end = 0;
	w->w_entry.e_read = walk_read;
	w->w_entry.e_arg = w;
	return walk_xattrs(w, w->w_fd);
}

static int
walk_readlink(struct walk *w, int fd)
{
	ssize_t len;

	if ((w->w_link = malloc(PATH_MAX)) == NULL)
		return ENOMEM;
	len = w->w_fs->f_readlinkat(fd, "", w->w_link, PATH_MAX - 1);
	if (len < 0)
		return errno;
	w->w_link[len] = '\0';
	w->w_entry.e_link = w->w_link;
	return 0;
}

/*
 * Entries
 */

static void
walk_leave(struct walk *w)
{
	if (w->w_fd >= 0)
		(void)w->w_fs->f_close(w->w_fd);
	xattrs_clear(&w->w_entry.e_xattrs);
	free(w->w_path);
	free(w->w_link);
	w->w_fd = -1;
	w->w_path = w->w_link = NULL;
	w->w_entry = (struct imgentry){0};
}

/* What is to be known of each kind of file. */
static int
walk_typed(struct walk *w, int fd)
{
	struct stat *st = &w->w_entry.e_stat;
	int error = 0;

	switch (st->st_mode & S_IFMT) {
	case S_IFDIR:
		return walk_dir(w);
	case S_IFSOCK:
		return EOPNOTSUPP;
	}
	if (walk_links(w, st))
		walk_hard(w, st);
	if (w->w_entry.e_hard) {
		st->st_size = 0;
		return 0;
	}
	if (S_ISREG(st->st_mode))
		error = walk_file(w);
	else {
		if (S_ISLNK(st->st_mode))
			error = walk_readlink(w, fd);
		if (error == 0)
			error = walk_xattrs_at(w);
	}
	return error != 0 ? error : walk_remember(w);
}

static int
walk_look(struct walk *w)
{
	struct imgentry *e = &w->w_entry;
	struct stat *st = &e->e_stat;
	int fd, error;

	if ((error = fs_open(w->w_fs, w->w_top, w->w_path, O_PATH | O_NOFOLLOW,
		 0, &fd)) != 0)
		return error;
	if (w->w_fs->f_fstat(fd, st) != 0)
		error = errno;
	else if (st->st_dev != w->w_dev &&
		 (w->w_im->im_flags & RUMP_IMAGE_ONEFS) != 0)
		error = EXDEV;
	else {
		e->e_path = w->w_path;
		e->e_times[0] = st->st_atim;
		e->e_times[1] = st->st_mtim;
		error = walk_typed(w, fd);
	}
	(void)w->w_fs->f_close(fd);
	return error;
}

int
walk_next(struct walk *w, const struct imgentry **ep)
{
	int error;

	for (;;) {
		walk_leave(w);
		*ep = NULL;
		if (w->w_count == 0)
			return 0;
		w->w_path = w->w_todo[--w->w_count];
		if ((error = walk_look(w)) == 0)
			break;
		/* Nobody expects a socket without its server. */
		if (S_ISSOCK(w->w_entry.e_stat.st_mode))
			(void)image_report(w->w_path, error, NULL);
		else if ((error = image_skip(
			      w->w_im, w->w_path, error, NULL)) != 0)
			return error;
	}
	*ep = &w->w_entry;
	return 0;
}

int
walk_init(struct walk *w, struct image *im, const struct fsops *fs, int top,
    const char *name)
{
	struct stat st;
	int error;

	*w = (struct walk){
	    .w_im = im, .w_fs = fs, .w_top = top, .w_name = name, .w_fd = -1};
	if (fs->f_fstat(top, &st) != 0)
		return image_report("", errno, NULL);
	w->w_dev = st.st_dev;
	if ((w->w_buf = malloc(BUFLEN)) == NULL)
		return image_report("", ENOMEM, NULL);
	if ((error = walk_push(w, strdup(""))) != 0) {
		free(w->w_buf);
		(void)image_report("", error, NULL);
	}
	return error;
}

void
walk_fini(struct walk *w)
{
	walk_leave(w);
	while (w->w_count > 0)
		free(w->w_todo[--w->w_count]);
	free(w->w_todo);
	tdestroy(w->w_links, walklink_free);
	free(w->w_buf);
}
