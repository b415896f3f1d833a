/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sides: the kernel's calls and the host's.
 */
#include "cmd/rump/side.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>

#define PREFIX	  "host:"
#define LIST_SIZE 32768

static ssize_t
host_getdents(int fd, void *buf, size_t size)
{
	return syscall(SYS_getdents64, fd, buf, size);
}

const struct side kernel_side = {
    .s_prefix = "",
    .s_open = rump_sys_open,
    .s_openat = rump_sys_openat,
    .s_close = rump_sys_close,
    .s_read = rump_sys_read,
    .s_write = rump_sys_write,
    .s_lseek = rump_sys_lseek,
    .s_ftruncate = rump_sys_ftruncate,
    .s_getdents = rump_sys_getdents64,
    .s_stat = rump_sys_stat,
    .s_lstat = rump_sys_lstat,
    .s_fstat = rump_sys_fstat,
    .s_mkdir = rump_sys_mkdir,
    .s_mknod = rump_sys_mknod,
    .s_symlink = rump_sys_symlink,
    .s_readlink = rump_sys_readlink,
    .s_link = rump_sys_link,
    .s_chmod = rump_sys_chmod,
    .s_lchown = rump_sys_lchown,
    .s_utimensat = rump_sys_utimensat,
    .s_unlink = rump_sys_unlink,
    .s_rmdir = rump_sys_rmdir,
};

const struct side host_side = {
    .s_prefix = PREFIX,
    .s_open = open,
    .s_openat = openat,
    .s_close = close,
    .s_read = read,
    .s_write = write,
    .s_lseek = lseek,
    .s_ftruncate = ftruncate,
    .s_getdents = host_getdents,
    .s_stat = stat,
    .s_lstat = lstat,
    .s_fstat = fstat,
    .s_mkdir = mkdir,
    .s_mknod = mknod,
    .s_symlink = symlink,
    .s_readlink = readlink,
    .s_link = link,
    .s_chmod = chmod,
    .s_lchown = lchown,
    .s_utimensat = utimensat,
    .s_unlink = unlink,
    .s_rmdir = rmdir,
};

struct place
place_parse(const char *arg)
{
	if (strncmp(arg, PREFIX, strlen(PREFIX)) == 0)
		return (struct place){&host_side, arg + strlen(PREFIX)};
	return (struct place){&kernel_side, arg};
}

static int
name_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void
side_listfree(char **names)
{
	size_t i;

	for (i = 0; names[i] != NULL; i++)
		free(names[i]);
	free(names);
}

char **
side_list(const struct side *s, const char *dir)
{
	return side_listat(s, AT_FDCWD, dir);
}

char **
side_listat(const struct side *s, int dirfd, const char *dir)
{
	char buf[LIST_SIZE] __attribute__((aligned(8)));
	int fd = s->s_openat(dirfd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int error;
	struct dirent64 *d;
	char **names = NULL;
	size_t count = 0;
	ssize_t n, at;

	if (fd == -1)
		return NULL;
	while ((n = s->s_getdents(fd, buf, sizeof(buf))) > 0) {
		for (at = 0; at < n; at += d->d_reclen) {
			d = (struct dirent64 *)(void *)(buf + at);
			if (strcmp(d->d_name, ".") == 0 ||
			    strcmp(d->d_name, "..") == 0)
				continue;
			names =
			    tool_alloc(names, (count + 2) * sizeof(names[0]));
			names[count++] = tool_format("%s", d->d_name);
		}
	}
	error = errno;
	(void)s->s_close(fd);
	if (names == NULL)
		names = tool_alloc(NULL, sizeof(names[0]));
	names[count] = NULL;
	if (n == -1) {
		side_listfree(names);
		errno = error;
		return NULL;
	}
	qsort(names, count, sizeof(names[0]), name_compare);
	return names;
}
