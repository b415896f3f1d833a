/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Directories of sockets that tools have left which were killed.  Whose tool
 * lives is locked; a new one is not yet, and is left alone for a while.
 */
#include "cmd/rump/stale.h"

#include <sys/file.h>

#include <dirent.h>
#include <fcntl.h>
#include <time.h>

#define NEW_SECONDS 60
#define LARGE	    4096 /* of a directory that takes long to read */
#define SELDOM	    16

/* Only what the tool makes, and nobody else could have put there. */
static bool
is_ours(int dir, const char *name, struct stat *sb)
{
	return strncmp(name, STALE_PREFIX, strlen(STALE_PREFIX)) == 0 &&
	       strlen(name) == strlen(STALE_PREFIX) + 6 &&
	       fstatat(dir, name, sb, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(sb->st_mode) && sb->st_uid == geteuid() &&
	       (sb->st_mode & 07777) == 0700;
}

/* The kernel's socket, or a fifo or socket of the world's programs. */
static bool
is_worlds(int dir, const char *name)
{
	struct stat sb;

	return (strcmp(name, STALE_SOCKET) == 0 ||
		   strncmp(name, "fifo.", 5) == 0 ||
		   strncmp(name, "socket.", 7) == 0) &&
	       fstatat(dir, name, &sb, AT_SYMLINK_NOFOLLOW) == 0 &&
	       (S_ISSOCK(sb.st_mode) || S_ISFIFO(sb.st_mode));
}

void
stale_empty(int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd != -1 ? fdopendir(fd) : NULL;
	struct dirent *de;

	if (d == NULL) {
		if (fd != -1)
			(void)close(fd);
		return;
	}
	while ((de = readdir(d)) != NULL)
		if (is_worlds(dir, de->d_name))
			(void)unlinkat(dir, de->d_name, 0);
	(void)closedir(d);
}

static void
stale_look(int dir, const char *name)
{
	struct stat sb;
	int fd;

	if (!is_ours(dir, name, &sb) || time(NULL) - sb.st_mtime < NEW_SECONDS)
		return;
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
		stale_empty(fd);
		/* Not if there is something else. */
		(void)unlinkat(dir, name, AT_REMOVEDIR);
	}
	(void)close(fd);
}

/*
 * Whether this tool is to read the directory: to read one of a thousand names
 * takes longer than all else at the end, so one tool of some does it.
 */
static bool
is_ourturn(int dir)
{
	struct timespec ts;
	struct stat sb;

	if (fstat(dir, &sb) == 0 && sb.st_size <= LARGE)
		return true;
	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_nsec / 1000 % SELDOM == 0;
}

void
stale_remove(const char *base)
{
	int fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd != -1 && is_ourturn(fd) ? fdopendir(fd) : NULL;
	struct dirent *de;

	if (d == NULL) {
		if (fd != -1)
			(void)close(fd);
		return;
	}
	while ((de = readdir(d)) != NULL)
		stale_look(dirfd(d), de->d_name);
	(void)closedir(d);
}

int
stale_lock(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd != -1)
		(void)flock(fd, LOCK_EX | LOCK_NB);
	return fd;
}
