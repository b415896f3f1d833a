/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A tree: what is in it, in the order of the names, and removing it.
 *
 * Nothing that is looked at is changed by that, but for the times that the
 * caller wants set.
 */
#include <sys/syscall.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vfs.h"

struct walk {
	const struct fs *w_fs;
	struct scan *w_scan;
	const struct timespec *w_mark;
	bool w_deep;
};

struct names {
	int n_count;
	char **n_name;
};

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in a directory, sorted; an errno. */
static int
names_read(const struct fs *fs, int fd, struct names *names)
{
	_Alignas(8) char buf[8192];
	ssize_t n, at;
	int error = 0;

	*names = (struct names){0};
	while ((n = fs->f_getdents(fd, buf, sizeof(buf))) > 0) {
		for (at = 0; at < n;) {
			struct dirent64 *d = (struct dirent64 *)(buf + at);

			at += d->d_reclen;
			if (strcmp(d->d_name, ".") == 0 ||
			    strcmp(d->d_name, "..") == 0)
				continue;
			names->n_name = realloc(names->n_name,
			    ((size_t)names->n_count + 1) * sizeof(char *));
			names->n_name[names->n_count++] = strdup(d->d_name);
		}
	}
	if (n < 0)
		error = errno;
	if (names->n_count > 0)
		qsort(names->n_name, (size_t)names->n_count, sizeof(char *),
		    by_name);
	return error;
}

static void
names_free(struct names *names)
{
	for (int i = 0; i < names->n_count; i++)
		free(names->n_name[i]);
	free(names->n_name);
}

/* A number that says what bytes are. */
static uint64_t
sum(uint64_t h, const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);
	return h;
}

/* What a file (its first part) or a symbolic link contains. */
static uint64_t
contents(const struct fs *fs, int dirfd, const char *name, mode_t mode)
{
	static unsigned char buf[65536];
	uint64_t h = 0;
	ssize_t n;
	int fd;

	if (S_ISLNK(mode)) {
		n = fs->f_readlinkat(dirfd, name, (char *)buf, sizeof(buf));
		return n > 0 ? sum(0, buf, (size_t)n) : 1;
	}
	if (!S_ISREG(mode))
		return 0;
	fd = fs->f_openat(dirfd, name, O_RDONLY | O_NOATIME | O_NOFOLLOW);
	if (fd < 0)
		return (uint64_t)errno;
	for (int i = 0; i < 4; i++) {
		if ((n = fs->f_read(fd, buf, sizeof(buf))) <= 0)
			break;
		h = sum(h, buf, (size_t)n);
	}
	(void)fs->f_close(fd);
	return h;
}

static struct node *
node_add(struct scan *s, const char *path)
{
	size_t len = strlen(path) + 1;
	struct node *n;

	if (s->s_count == MAXNODES || s->s_used + len > NAMEPOOL) {
		s->s_full = true;
		return NULL;
	}
	n = &s->s_node[s->s_count++];
	memset(n, 0, sizeof(*n));
	n->n_path = s->s_used;
	memcpy(s->s_names + s->s_used, path, len);
	s->s_used += (uint32_t)len;
	return n;
}

static void
scan_one(struct walk *w, int dirfd, const char *name, char *path, size_t len)
{
	const struct fs *fs = w->w_fs;
	struct names names;
	struct node *n;
	int fd;

	if ((n = node_add(w->w_scan, path)) == NULL)
		return;
	if (fs->f_fstatat(dirfd, name, &n->n_stat, AT_SYMLINK_NOFOLLOW) != 0) {
		n->n_errno = errno;
		return;
	}
	if (w->w_deep)
		n->n_sum = contents(fs, dirfd, name, n->n_stat.st_mode);
	if (w->w_mark != NULL) {
		(void)fs->f_utimensat(
		    dirfd, name, w->w_mark, AT_SYMLINK_NOFOLLOW);
		/* The change time that the next change is told from. */
		(void)fs->f_fstatat(
		    dirfd, name, &n->n_marked, AT_SYMLINK_NOFOLLOW);
	} else
		n->n_marked = n->n_stat;
	if (!S_ISDIR(n->n_stat.st_mode))
		return;
	fd = fs->f_openat(dirfd, name,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC);
	if (fd < 0) {
		n->n_errno = errno;
		return;
	}
	n->n_errno = names_read(fs, fd, &names);
	for (int i = 0; i < names.n_count; i++) {
		size_t more = strlen(names.n_name[i]) + 1;

		if (len + more >= NAMEPOOL) {
			w->w_scan->s_full = true;
			break;
		}
		path[len] = '/';
		memcpy(path + len + 1, names.n_name[i], more);
		scan_one(w, fd, names.n_name[i], path, len + more);
		path[len] = '\0';
	}
	names_free(&names);
	(void)fs->f_close(fd);
}

void
tree_scan(const struct fs *fs, int dirfd, const char *name, struct scan *s,
    const struct timespec *mark, bool deep)
{
	struct walk w = {fs, s, mark, deep};
	static char path[NAMEPOOL];

	s->s_count = 0;
	s->s_full = false;
	s->s_used = 0;
	path[0] = '\0';
	scan_one(&w, dirfd, name, path, 0);
}

/* Also what cannot be looked into, if it is the caller's. */
void
tree_remove(const struct fs *fs, int dirfd, const char *name)
{
	struct names names;
	int fd;

	if (fs->f_unlinkat(dirfd, name, 0) == 0)
		return;
	(void)fs->f_fchmodat(dirfd, name, 0700);
	fd = fs->f_openat(
	    dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0) {
		(void)names_read(fs, fd, &names);
		for (int i = 0; i < names.n_count; i++)
			tree_remove(fs, fd, names.n_name[i]);
		names_free(&names);
		(void)fs->f_close(fd);
	}
	if (fs->f_unlinkat(dirfd, name, AT_REMOVEDIR) != 0)
		fatal("cannot remove %s: %s", name, strerror(errno));
}
