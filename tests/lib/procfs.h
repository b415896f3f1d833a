/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading a tree of files that the kernel makes up, with or without a copy on
 * the host.  Nothing here fails because a file is gone meanwhile.
 */
#ifndef TESTS_LIB_PROCFS_H
#define TESTS_LIB_PROCFS_H

#include <sys/prctl.h>
#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

/* The whole file, and a NUL; how long it is, or -1. */
static inline ssize_t
procfs_read(const char *path, char *buf, size_t size)
{
	int fd = rump_sys_open(path, O_RDONLY);
	ssize_t n = 0;
	size_t len = 0;

	if (fd == -1)
		return -1;
	while (len < size - 1 &&
	       (n = rump_sys_read(fd, buf + len, size - 1 - len)) > 0)
		len += (size_t)n;
	buf[len] = '\0';
	(void)rump_sys_close(fd);
	return n < 0 ? -1 : (ssize_t)len;
}

/* The first `max' names in a directory, but "." and ".."; how many. */
static inline int
procfs_list(const char *path, char (*names)[32], int max)
{
	char buf[2048];
	int fd = rump_sys_open(path, O_RDONLY | O_DIRECTORY), n, off, count = 0;

	if (fd == -1)
		return 0;
	while ((n = rump_sys_getdents(fd, buf, sizeof(buf))) > 0)
		for (off = 0; off < n;) {
			struct dirent64 *d = (void *)(buf + off);

			off += d->d_reclen;
			if (count < max && strcmp(d->d_name, ".") != 0 &&
			    strcmp(d->d_name, "..") != 0)
				(void)snprintf(
				    names[count++], 32, "%.31s", d->d_name);
		}
	(void)rump_sys_close(fd);
	return count;
}

static inline void
procfs_save(const char *to, const char *text, size_t len)
{
	int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd == -1 || write(fd, text, len) != (ssize_t)len)
		perror(to);
	(void)close(fd);
}

static inline int procfs_walk(const char *path, const char *to);

static inline int
procfs_walk_dir(const char *path, const char *to)
{
	char(*names)[32] = malloc(1024 * sizeof(*names));
	int i, n = procfs_list(path, names, 1024), seen = 0;
	char *from, *copy = NULL;

	for (i = 0; i < n; i++) {
		if (asprintf(&from, "%s/%s", path, names[i]) < 0 ||
		    (to != NULL && asprintf(&copy, "%s/%s", to, names[i]) < 0))
			abort();
		seen += procfs_walk(from, copy);
		free(from);
		free(copy);
	}
	free(names);
	return seen;
}

/*
 * Look at everything from a directory down; with a copy in the directory `to'
 * of the host, owners too, unless that is NULL.  How much there was.
 */
static inline int
procfs_walk(const char *path, const char *to)
{
	char text[16384];
	struct stat sb;
	ssize_t n;
	int seen = 0;

	if (rump_sys_lstat(path, &sb) != 0)
		return 0;
	switch (sb.st_mode & S_IFMT) {
	case S_IFDIR:
		if (to != NULL)
			(void)mkdir(to, 0755);
		seen = procfs_walk_dir(path, to);
		break;
	case S_IFREG:
		n = procfs_read(path, text, sizeof(text));
		if (to != NULL && n >= 0)
			procfs_save(to, text, (size_t)n);
		break;
	case S_IFLNK:
		n = rump_sys_readlink(path, text, sizeof(text) - 1);
		if (n <= 0)
			return 0;
		text[n] = '\0';
		if (to == NULL)
			(void)rump_sys_stat(path, &sb);
		else if (symlink(text, to) != 0)
			perror(to);
		break;
	}
	if (to != NULL && lchown(to, sb.st_uid, sb.st_gid) != 0)
		perror(to);
	return seen + 1;
}

#endif /* TESTS_LIB_PROCFS_H */
