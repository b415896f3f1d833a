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
#include <string.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "bench.h"

#define FILE_NAME "dir/file"
#define NEW_NAME  "dir/new"
#define SUB_NAME  "dir/sub"
#define DEEP_DIRS 7
#define DEEP_NAME "d/d/d/d/d/d/d/file"
#define FILE_SIZE 65536

static int rump_fd, host_fd;
/* Where in a page they begin makes some nanoseconds. */
static char page[4096] __attribute__((aligned(4096)));
static char source[FILE_SIZE] __attribute__((aligned(4096)));

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

/* The directories of DEEP_NAME. */
static void
deep_tree(int (*make)(const char *, mode_t))
{
	char path[2 * DEEP_DIRS + 1] = "";

	for (int i = 0; i < DEEP_DIRS; i++) {
		strcat(path, i == 0 ? "d" : "/d");
		bench_must(make(path, 0755) == 0, "mkdir");
	}
}

static void
tree_setup(void)
{
	rump_tree();
	host_tree();
}

static void
deep_setup(void)
{
	tree_setup();
	deep_tree(rump_sys_mkdir);
	deep_tree(mkdir);
	bench_must(
	    rump_sys_mknod(DEEP_NAME, S_IFREG | 0644, 0) == 0, "rump mknod");
	bench_must(mknod(DEEP_NAME, S_IFREG | 0644, 0) == 0, "mknod");
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
    rump_stat8, bench_must(rump_sys_stat(DEEP_NAME, &sb) == 0, "rump stat"))
BENCH_BODY(host_stat8, bench_must(stat(DEEP_NAME, &sb) == 0, "stat"))
BENCH_BODY(
    rump_fstat, bench_must(rump_sys_fstat(rump_fd, &sb) == 0, "rump fstat"))
BENCH_BODY(host_fstat, bench_must(fstat(host_fd, &sb) == 0, "fstat"))

/* Offsets go round the file, so that not one block alone is used. */
#define OFFSET(i) ((off_t)((i) * sizeof(page) % FILE_SIZE))

BENCH_BODY(rump_pread1,
    bench_must(rump_sys_pread(rump_fd, page, 1, OFFSET(i)) == 1, "rump pread"))
BENCH_BODY(
    host_pread1, bench_must(pread(host_fd, page, 1, OFFSET(i)) == 1, "pread"))
/* What no read or write of a page can do without. */
BENCH_BODY(copy4k, memcpy(page, source + OFFSET(i), sizeof(page));
	   __asm__ volatile(""
			    :
			    : "r"(page)
			    : "memory"))
BENCH_BODY(copy4k_out, memcpy(source + OFFSET(i), page, sizeof(page));
	   __asm__ volatile(""
			    :
			    : "r"(source)
			    : "memory"))
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

#define LINE(name, what, body, ...)                             \
	{                                                       \
		.bl_name = name, .bl_what = what,               \
		.bl_hostcall = "the same calls in tmpfs",       \
		.bl_setup = tree_setup, .bl_rump = rump_##body, \
		.bl_host = host_##body, __VA_ARGS__             \
	}

const struct bench_line file_lines[] = {
    LINE("open_close", "open + close of a file", open, .bl_asked = 120,
	.bl_hostref = 1000),
    LINE("stat", "stat by name", stat, .bl_asked = 60, .bl_hostref = 500),
    {
	.bl_name = "stat_8",
	.bl_what = "stat by a path of eight names",
	.bl_hostcall = "the same calls in tmpfs",
	.bl_asked = 200,
	.bl_setup = deep_setup,
	.bl_rump = rump_stat8,
	.bl_host = host_stat8,
    },
    LINE("fstat", "fstat", fstat, .bl_asked = 0),
    LINE("pread_1", "pread of 1 byte", pread1, .bl_asked = 20,
	.bl_hostref = 200),
    {
	.bl_name = "memcpy_4k",
	.bl_what = "memcpy of 4096 bytes, by the program itself",
	.bl_setup = tree_setup,
	.bl_rump = copy4k,
    },
    {
	.bl_name = "memcpy_4k_out",
	.bl_what = "the same from one place to others",
	.bl_setup = tree_setup,
	.bl_rump = copy4k_out,
    },
    LINE("pread_4k", "pread of 4096 bytes", pread4k, .bl_asked = 30,
	.bl_hostref = 350, .bl_base = copy4k),
    LINE("pwrite_4k", "pwrite of 4096 bytes that are there", pwrite4k,
	.bl_asked = 30, .bl_hostref = 500, .bl_base = copy4k_out),
    LINE("create_unlink", "open of a new file + close + unlink", create,
	.bl_asked = 300, .bl_hostref = 4000),
    LINE("mkdir_rmdir", "mkdir + rmdir", mkdir, .bl_asked = 0),
    {0},
};
