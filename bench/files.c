/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files and names.  Both sides have the same tree and stand in its top: the
 * kernel's root file system, and a directory of the host that is in memory
 * too (run.c makes and removes it).
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "bench.h"

#define FILE_NAME "dir/file"
#define NEW_NAME  "dir/new"
#define SUB_NAME  "dir/sub"
#define FILE_SIZE 65536

static int rump_fd, host_fd;
static char page[4096];

static void
rump_tree(void)
{
	bench_newproc();
	bench_must(rump_sys_mkdir("/bench", 0755) == 0 &&
		       rump_sys_chdir("/bench") == 0 &&
		       rump_sys_mkdir("dir", 0755) == 0,
	    "rump mkdir");
	rump_fd = rump_sys_open(FILE_NAME, O_RDWR | O_CREAT, 0644);
	bench_must(rump_fd >= 0, "rump open");
	for (off_t off = 0; off < FILE_SIZE; off += (off_t)sizeof(page))
		bench_must(rump_sys_pwrite(rump_fd, page, sizeof(page), off) ==
			       (ssize_t)sizeof(page),
		    "rump pwrite");
}

static void
host_tree(void)
{
	bench_must(chdir(bench_hostdir) == 0 && mkdir("dir", 0755) == 0,
	    bench_hostdir);
	host_fd = open(FILE_NAME, O_RDWR | O_CREAT, 0644);
	bench_must(host_fd >= 0, "open");
	for (off_t off = 0; off < FILE_SIZE; off += (off_t)sizeof(page))
		bench_must(pwrite(host_fd, page, sizeof(page), off) ==
			       (ssize_t)sizeof(page),
		    "pwrite");
}

static void
tree_setup(void)
{
	rump_tree();
	host_tree();
}

static void
rump_open_close(const char *name, int flags)
{
	int fd = rump_sys_open(name, flags, 0644);

	bench_must(fd >= 0, "rump open");
	bench_must(rump_sys_close(fd) == 0, "rump close");
}

static void
host_open_close(const char *name, int flags)
{
	int fd = open(name, flags, 0644);

	bench_must(fd >= 0, "open");
	bench_must(close(fd) == 0, "close");
}

static struct stat sb;

BENCH_BODY(rump_open, rump_open_close(FILE_NAME, O_RDONLY))
BENCH_BODY(host_open, host_open_close(FILE_NAME, O_RDONLY))
BENCH_BODY(
    rump_stat, bench_must(rump_sys_stat(FILE_NAME, &sb) == 0, "rump stat"))
BENCH_BODY(host_stat, bench_must(stat(FILE_NAME, &sb) == 0, "stat"))
BENCH_BODY(
    rump_fstat, bench_must(rump_sys_fstat(rump_fd, &sb) == 0, "rump fstat"))
BENCH_BODY(host_fstat, bench_must(fstat(host_fd, &sb) == 0, "fstat"))

/* Offsets go round the file, so that not one block alone is used. */
#define OFFSET(i) ((off_t)((i) * sizeof(page) % FILE_SIZE))

BENCH_BODY(rump_pread1,
    bench_must(rump_sys_pread(rump_fd, page, 1, OFFSET(i)) == 1, "rump pread"))
BENCH_BODY(
    host_pread1, bench_must(pread(host_fd, page, 1, OFFSET(i)) == 1, "pread"))
BENCH_BODY(rump_pread4k, bench_must(rump_sys_pread(rump_fd, page, sizeof(page),
					OFFSET(i)) == (ssize_t)sizeof(page),
			     "rump pread"))
BENCH_BODY(host_pread4k, bench_must(pread(host_fd, page, sizeof(page),
					OFFSET(i)) == (ssize_t)sizeof(page),
			     "pread"))
BENCH_BODY(rump_pwrite4k,
    bench_must(rump_sys_pwrite(rump_fd, page, sizeof(page), OFFSET(i)) ==
		   (ssize_t)sizeof(page),
	"rump pwrite"))
BENCH_BODY(host_pwrite4k, bench_must(pwrite(host_fd, page, sizeof(page),
					 OFFSET(i)) == (ssize_t)sizeof(page),
			      "pwrite"))

BENCH_BODY(rump_create, rump_open_close(NEW_NAME, O_WRONLY | O_CREAT | O_EXCL);
	   bench_must(rump_sys_unlink(NEW_NAME) == 0, "rump unlink"))
BENCH_BODY(host_create, host_open_close(NEW_NAME, O_WRONLY | O_CREAT | O_EXCL);
	   bench_must(unlink(NEW_NAME) == 0, "unlink"))
BENCH_BODY(
    rump_mkdir, bench_must(rump_sys_mkdir(SUB_NAME, 0755) == 0, "rump mkdir");
    bench_must(rump_sys_rmdir(SUB_NAME) == 0, "rump rmdir"))
BENCH_BODY(host_mkdir, bench_must(mkdir(SUB_NAME, 0755) == 0, "mkdir");
	   bench_must(rmdir(SUB_NAME) == 0, "rmdir"))

/* clang-format off: one line of the table each */
#define LINE(name, what, body)                                  \
	{                                                       \
		.bl_name = name, .bl_what = what,               \
		.bl_hostcall = "the same calls in tmpfs",       \
		.bl_setup = tree_setup, .bl_rump = rump_##body, \
		.bl_host = host_##body                          \
	}

const struct bench_line file_lines[] = {
    LINE("open_close", "open + close of a file", open),
    LINE("stat", "stat by name", stat),
    LINE("fstat", "fstat", fstat),
    LINE("pread_1", "pread of 1 byte", pread1),
    LINE("pread_4k", "pread of 4096 bytes", pread4k),
    LINE("pwrite_4k", "pwrite of 4096 bytes that are there", pwrite4k),
    LINE("create_unlink", "open of a new file + close + unlink", create),
    LINE("mkdir_rmdir", "mkdir + rmdir", mkdir),
    {0},
};
