/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copying and removing trees.
 *
 * A file is written in place, as cp(1) does it.  Holes stay holes.  What
 * cannot be copied is told, and the rest goes on.
 */
#include "cmd/rump/side.h"

#include <fcntl.h>
#include <limits.h>
#include <time.h>

#define COPY_SIZE     (256 * 1024)
#define PROGRESS_WAIT 0.5 /* seconds before it is shown, and between */

struct copying {
	const struct side *c_from, *c_to;
	const struct copy_options *c_options;
	/* The directory that the top of the tree became: not to be entered. */
	dev_t c_topdev;
	ino_t c_topino;
	int c_status;
	char *c_buf;
	bool c_progress;
};

static void
copy_complain(
    struct copying *c, const struct side *s, const char *path, const char *why)
{
	complain("%s%s: %s", s->s_prefix, path, why);
	c->c_status = STATUS_FAILED;
}

static void
copy_errno(struct copying *c, const struct side *s, const char *path)
{
	copy_complain(c, s, path, strerror(errno));
}

/*
 * Progress
 */

struct progress {
	const char *pg_name;
	off_t pg_size;
	double pg_start, pg_shown; /* by the clock */
};

static double
clock_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
progress_show(struct progress *pg, off_t done)
{
	char part[HUMAN_SIZE], all[HUMAN_SIZE], rate[HUMAN_SIZE];
	double now = clock_now();

	if (now - pg->pg_shown < PROGRESS_WAIT)
		return;
	pg->pg_shown = now;
	(void)fprintf(stderr, "\r%.40s  %3d%%  %s of %s  %s/s\033[K",
	    pg->pg_name,
	    pg->pg_size > 0 ? (int)(100 * done / pg->pg_size) : 100,
	    human((uint64_t)done, part), human((uint64_t)pg->pg_size, all),
	    human((uint64_t)((double)done / (now - pg->pg_start)), rate));
}

static void
progress_end(struct progress *pg)
{
	if (pg->pg_shown != pg->pg_start)
		(void)fprintf(stderr, "\r\033[K");
}

/*
 * Files
 */

/* 0, or -1 and errno. */
static int
write_all(const struct side *s, int fd, const char *buf, size_t len)
{
	ssize_t n;

	for (; len > 0; buf += n, len -= (size_t)n) {
		n = s->s_write(fd, buf, len);
		if (n == -1 && errno == EINTR)
			n = 0;
		else if (n == -1)
			return -1;
	}
	return 0;
}

static bool
all_zero(const char *buf, size_t len)
{
	return len > 0 && buf[0] == 0 && memcmp(buf, buf + 1, len - 1) == 0;
}

/* The data of an open file; zeros become holes, if the file is new. */
static void
copy_data(struct copying *c, int in, const char *from, int out, const char *to,
    off_t size)
{
	struct progress pg = {.pg_name = path_last(from), .pg_size = size};
	bool hole = false;
	off_t done = 0;
	ssize_t n;

	pg.pg_start = pg.pg_shown = clock_now();
	while ((n = c->c_from->s_read(in, c->c_buf, COPY_SIZE)) != 0) {
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1) {
			copy_errno(c, c->c_from, from);
			break;
		}
		hole = all_zero(c->c_buf, (size_t)n) &&
		       c->c_to->s_lseek(out, n, SEEK_CUR) != -1;
		if (!hole &&
		    write_all(c->c_to, out, c->c_buf, (size_t)n) == -1) {
			copy_errno(c, c->c_to, to);
			break;
		}
		done += n;
		if (c->c_progress)
			progress_show(&pg, done);
	}
	if (hole && c->c_to->s_ftruncate(out, done) == -1)
		copy_errno(c, c->c_to, to);
	progress_end(&pg);
}

/* What cp -p keeps; who is not root cannot give files away. */
static void
copy_attributes(struct copying *c, const char *to, const struct stat *sb)
{
	struct timespec times[2] = {sb->st_atim, sb->st_mtim};
	mode_t mode = sb->st_mode & 07777;

	if (c->c_to->s_lchown(to, sb->st_uid, sb->st_gid) == -1) {
		if (errno != EPERM)
			copy_errno(c, c->c_to, to);
		mode &= 01777;
	}
	if (!S_ISLNK(sb->st_mode) && c->c_to->s_chmod(to, mode) == -1)
		copy_errno(c, c->c_to, to);
	if (c->c_to->s_utimensat(AT_FDCWD, to, times, AT_SYMLINK_NOFOLLOW) ==
	    -1)
		copy_errno(c, c->c_to, to);
}

static bool
same_file(const struct copying *c, const struct stat *a, const struct stat *b)
{
	return c->c_from == c->c_to && a->st_dev == b->st_dev &&
	       a->st_ino == b->st_ino;
}

static bool
copy_regular(struct copying *c, const char *from, const char *to)
{
	int in = c->c_from->s_open(from, O_RDONLY | O_CLOEXEC), out;
	int flags = O_WRONLY | O_CREAT | O_CLOEXEC;
	struct stat sb, old;
	bool done = false;

	if (in == -1 || c->c_from->s_fstat(in, &sb) == -1) {
		copy_errno(c, c->c_from, from);
		goto out;
	}
	if (c->c_to->s_stat(to, &old) == 0 && same_file(c, &sb, &old)) {
		copy_complain(c, c->c_to, to, "is the same file");
		goto out;
	}
	flags |= c->c_options->co_keep ? O_EXCL : O_TRUNC;
	out = c->c_to->s_open(to, flags, (mode_t)(sb.st_mode & 0777));
	if (out == -1) {
		copy_errno(c, c->c_to, to);
		goto out;
	}
	copy_data(c, in, from, out, to, sb.st_size);
	if (c->c_to->s_close(out) == -1)
		copy_errno(c, c->c_to, to);
	done = true;
out:
	if (in != -1)
		(void)c->c_from->s_close(in);
	return done;
}

/* What is there is to be replaced, as a file is: try again? */
static bool
copy_makeroom(const struct copying *c, const char *to)
{
	return errno == EEXIST && !c->c_options->co_keep &&
	       c->c_to->s_unlink(to) == 0;
}

static bool
copy_symlink(struct copying *c, const char *from, const char *to)
{
	char target[PATH_MAX + 1];
	ssize_t n = c->c_from->s_readlink(from, target, PATH_MAX);

	if (n == -1) {
		copy_errno(c, c->c_from, from);
		return false;
	}
	target[n] = '\0';
	if (c->c_to->s_symlink(target, to) == 0 ||
	    (copy_makeroom(c, to) && c->c_to->s_symlink(target, to) == 0))
		return true;
	copy_errno(c, c->c_to, to);
	return false;
}

static void
copy_tree(struct copying *, const char *from, const char *to, bool follow);

static bool
copy_directory(
    struct copying *c, const char *from, const char *to, const struct stat *sb)
{
	char **names, *a, *b;
	struct stat made;
	size_t i;

	if (c->c_from == c->c_to && sb->st_dev == c->c_topdev &&
	    sb->st_ino == c->c_topino) {
		copy_complain(
		    c, c->c_from, from, "is what it is copied to: left out");
		return false;
	}
	/* Writable until what is in it is there. */
	if (c->c_to->s_mkdir(to, (sb->st_mode & 0777) | 0700) == -1 &&
	    (errno != EEXIST || c->c_to->s_stat(to, &made) == -1 ||
		!S_ISDIR(made.st_mode))) {
		copy_errno(c, c->c_to, to);
		return false;
	}
	if (c->c_topino == 0 && c->c_to->s_stat(to, &made) == 0) {
		c->c_topdev = made.st_dev;
		c->c_topino = made.st_ino;
	}
	if ((names = side_list(c->c_from, from)) == NULL) {
		copy_errno(c, c->c_from, from);
		return true;
	}
	for (i = 0; names[i] != NULL; i++) {
		a = tool_path(from, names[i]);
		b = tool_path(to, names[i]);
		copy_tree(c, a, b, false);
		free(a);
		free(b);
	}
	side_listfree(names);
	if (!c->c_options->co_preserve && (sb->st_mode & 0700) != 0700)
		(void)c->c_to->s_chmod(to, sb->st_mode & 0777);
	return true;
}

/* A device, fifo or socket's name. */
static bool
copy_special(struct copying *c, const char *to, const struct stat *sb)
{
	if (c->c_to->s_mknod(to, sb->st_mode, sb->st_rdev) == 0 ||
	    (copy_makeroom(c, to) &&
		c->c_to->s_mknod(to, sb->st_mode, sb->st_rdev) == 0))
		return true;
	copy_errno(c, c->c_to, to);
	return false;
}

static void
copy_tree(struct copying *c, const char *from, const char *to, bool follow)
{
	struct stat sb;
	bool made;

	if ((follow ? c->c_from->s_stat : c->c_from->s_lstat)(from, &sb) ==
	    -1) {
		copy_errno(c, c->c_from, from);
		return;
	}
	if (c->c_options->co_verbose) {
		(void)printf("%s", c->c_from->s_prefix);
		out_name(from);
		(void)printf(" -> %s", c->c_to->s_prefix);
		out_name(to);
		(void)putchar('\n');
	}
	if (S_ISDIR(sb.st_mode) && !c->c_options->co_recursive) {
		copy_complain(c, c->c_from, from,
		    "is a directory; -r copies it with what is in it");
		return;
	}
	if (S_ISDIR(sb.st_mode))
		made = copy_directory(c, from, to, &sb);
	else if (S_ISLNK(sb.st_mode))
		made = copy_symlink(c, from, to);
	else if (S_ISREG(sb.st_mode) || !c->c_options->co_recursive)
		made = copy_regular(c, from, to);
	else
		made = copy_special(c, to, &sb);
	if (made && c->c_options->co_preserve)
		copy_attributes(c, to, &sb);
}

int
side_copy(
    struct place from, struct place to, const struct copy_options *options)
{
	struct copying c = {
	    .c_from = from.p_side,
	    .c_to = to.p_side,
	    .c_options = options,
	    .c_buf = tool_alloc(NULL, COPY_SIZE),
	    .c_progress = !options->co_quiet && isatty(STDERR_FILENO),
	};

	copy_tree(&c, from.p_path, to.p_path,
	    !options->co_nofollow && !options->co_recursive);
	free(c.c_buf);
	return c.c_status;
}

/*
 * Removing
 */

static int
remove_directory(const struct side *s, const char *dir, bool verbose)
{
	char **names = side_list(s, dir), *path;
	int status = STATUS_OK;
	size_t i;

	if (names == NULL)
		return complain_errno(dir);
	for (i = 0; names[i] != NULL; i++) {
		path = tool_path(dir, names[i]);
		if (side_remove(s, path, verbose) != STATUS_OK)
			status = STATUS_FAILED;
		free(path);
	}
	side_listfree(names);
	if (status == STATUS_OK && s->s_rmdir(dir) == -1)
		status = complain_errno(dir);
	return status;
}

int
side_remove(const struct side *s, const char *path, bool verbose)
{
	int status = STATUS_OK;
	struct stat sb;

	if (s->s_lstat(path, &sb) == -1)
		return complain_errno(path);
	if (S_ISDIR(sb.st_mode))
		status = remove_directory(s, path, verbose);
	else if (s->s_unlink(path) == -1)
		status = complain_errno(path);
	if (verbose && status == STATUS_OK) {
		(void)printf("removed ");
		out_name(path);
		(void)putchar('\n');
	}
	return status;
}
