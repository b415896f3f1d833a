/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fdesc: the descriptors of who looks, as files.
 */
#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>

#include <rump/rump_mount.h>

#include "../lib/tc.h"

/* The names in a directory, each with a space after it; without the dots. */
static void
list(const char *path, char *names, size_t size)
{
	char buf[1024];
	const struct dirent64 *d;
	int fd = (int)T_OK(rump_sys_open(path, O_RDONLY | O_DIRECTORY));
	int n, at;

	*names = '\0';
	while ((n = (int)T_OK(rump_sys_getdents(fd, buf, sizeof(buf)))) > 0)
		for (at = 0; at < n; at += d->d_reclen) {
			d = (const struct dirent64 *)(void *)(buf + at);
			if (d->d_name[0] == '.')
				continue;
			strncat(names, d->d_name, size - strlen(names) - 1);
			strncat(names, " ", size - strlen(names) - 1);
		}
	T_OK(rump_sys_close(fd));
}

TC(listing, "The directory has just the caller's descriptors.")
{
	char names[200];
	struct stat sb;
	int fds[2];

	boot();
	(void)newproc(RUMP_RFCFDG);
	list("/dev/fd", names, sizeof(names));
	T_EQ(0, strcmp(names, "0 "));
	T_OK(rump_sys_pipe(fds));
	T_OK(rump_sys_dup2(fds[0], 10));
	T_OK(rump_sys_dup2(fds[0], 123));
	T_OK(rump_sys_close(0));
	list("/dev/fd", names, sizeof(names));
	T_EQ(0, strcmp(names, "0 1 10 123 "));
	T_ERR(ENOENT, rump_sys_stat("/dev/fd/0", &sb));
	T_OK(rump_sys_stat("/dev/fd/123", &sb));
	T_ERR(ENOENT, rump_sys_stat("/dev/fd/0123", &sb));
	T_ERR(ENOENT, rump_sys_stat("/dev/fd/x", &sb));
	T_ERR(ENOENT, rump_sys_stat("/dev/fd/99999999999", &sb));
	T_ERR(ENOENT, rump_sys_stat("/dev/fd/4294967297", &sb));
	T_ERR(EPERM, rump_sys_unlink("/dev/fd/1"));
	T_ERR(EPERM, rump_sys_mkdir("/dev/fd/7", 0755));
}

TC(opening, "To open an entry is to duplicate the descriptor.")
{
	struct stat a, b;
	int fd, fd2;
	char c, path[32];

	boot();
	(void)newproc(RUMP_RFCFDG);
	fd = (int)T_OK(rump_sys_open("/f", O_RDWR | O_CREAT, 0600));
	T_EQ(5, rump_sys_write(fd, "abcde", 5));
	T_EQ(0, rump_sys_lseek(fd, 0, SEEK_SET));
	snprintf(path, sizeof(path), "/dev/fd/%d", fd);
	fd2 = (int)T_OK(rump_sys_open(path, O_RDWR | O_TRUNC));
	T_ASSERT(fd2 != fd);
	T_EQ(1, rump_sys_read(fd, &c, 1));
	T_EQ('a', c);
	/* The same open file: one position. */
	T_EQ(1, rump_sys_read(fd2, &c, 1));
	T_EQ('b', c);
	T_OK(rump_sys_stat(path, &a));
	T_OK(rump_sys_fstat(fd, &b));
	T_ASSERT(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
	T_EQ(5, a.st_size);
	T_OK(rump_sys_close(fd));
	T_ERR(ENOENT, rump_sys_open(path, O_RDWR));
	T_EQ(1, rump_sys_read(fd2, &c, 1));
	T_EQ('c', c);
}

TC(access_mode, "No more than the descriptor allows.")
{
	char path[32];
	int fds[2];

	boot();
	(void)newproc(RUMP_RFCFDG);
	T_OK(rump_sys_pipe(fds));
	snprintf(path, sizeof(path), "/dev/fd/%d", fds[0]);
	T_ERR(EACCES, rump_sys_open(path, O_WRONLY));
	T_ERR(EACCES, rump_sys_open(path, O_RDWR));
	T_OK(rump_sys_open(path, O_RDONLY));
	snprintf(path, sizeof(path), "/dev/fd/%d", fds[1]);
	T_ERR(EACCES, rump_sys_open(path, O_RDONLY));
	T_OK(rump_sys_open(path, O_WRONLY));
}

TC(standard_names, "stdin, stdout and stderr are links to the first three.")
{
	struct stat sb;
	char buf[16];
	int fds[2];

	boot();
	(void)newproc(RUMP_RFCFDG);
	T_ERR(ENOENT, rump_sys_open("/dev/stdin", O_RDONLY));
	T_OK(rump_sys_pipe(fds));
	T_OK(rump_sys_stat("/dev/stdin", &sb));
	T_ASSERT(S_ISFIFO(sb.st_mode));
	T_EQ(4, rump_sys_readlink("/dev/stderr", buf, sizeof(buf)));
	T_EQ(0, memcmp(buf, "fd/2", 4));
	T_OK(rump_sys_open("/dev/stdout", O_WRONLY));
	T_OK(rump_sys_mkdir("/fdesc", 0755));
	T_OK(rump_sys_mount("fdesc", "/fdesc", 0, NULL, 0));
	T_EQ(1, rump_sys_readlink("/fdesc/stdout", buf, sizeof(buf)));
	T_EQ('1', buf[0]);
	T_OK(rump_sys_open("/fdesc/stdin", O_RDONLY));
	T_OK(rump_sys_unmount("/fdesc", 0));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, listing);
	ATF_TP_ADD_TC(tp, opening);
	ATF_TP_ADD_TC(tp, access_mode);
	ATF_TP_ADD_TC(tp, standard_names);
	return atf_no_error();
}
