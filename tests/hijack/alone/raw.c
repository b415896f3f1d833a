/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls that no library sees: a file, its directory and a socket, by
 * instructions of the program's own.
 *
 * usage: raw DIRECTORY
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../machine.h"

int
main(int argc, char *argv[])
{
	char buf[256];
	long dir, fd, n;

	if (argc != 2)
		return 2;
	dir = raw(SYS_openat, AT_FDCWD, (long)argv[1], O_DIRECTORY, 0);
	fd = raw(SYS_openat, dir, (long)"raw", O_CREAT | O_RDWR, 0600);
	n = raw(SYS_write, fd, (long)"written", 7, 0);
	printf("%d %d %ld\n", dir >= 0, fd > dir, n);
	n = raw(SYS_pread64, fd, (long)buf, sizeof(buf), 2);
	printf("%.*s\n", (int)n, buf);
	printf("%ld", raw(SYS_fchdir, dir, 0, 0, 0));
	printf(" %ld\n",
	    raw(SYS_unlinkat, AT_FDCWD, (long)"../nowhere/raw", 0, 0));
	n = raw(SYS_getcwd, (long)buf, sizeof(buf), 0, 0);
	printf("%s %d\n", buf, n == (long)strlen(argv[1]) + 1);
	n = syscall(
	    SYS_readlinkat, AT_FDCWD, "/proc/self/cwd", buf, sizeof(buf));
	printf("%.*s\n", (int)n, buf);
	printf("%ld\n", raw(SYS_unlinkat, AT_FDCWD, (long)"raw", 0, 0));
	return 0;
}
