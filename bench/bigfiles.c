/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Many files and big ones, and files on two host threads at once: the kernel's
 * root file system beside a tmpfs of the host.
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

/* Files of the host are fewer: one takes it as long as many of ours. */
#define MANY	 (bench_quick ? 100000u : 1000000u)
#define HOSTMANY 100000u

#define BIGSIZE (bench_quick ? (off_t)64 << 20 : (off_t)1 << 30)
#define CHUNK	65536
#define BIGREPS (bench_quick ? 1u : 3u)

static char chunk[CHUNK];

static void
rump_place(void)
{
	bench_newproc();
	bench_must(rump_sys_mkdir("/bench", 0755) == 0 &&
		       rump_sys_chdir("/bench") == 0,
	    "rump mkdir");
}

static struct rump_memstat
rump_memory(void)
{
	struct rump_memstat st;

	bench_must0(rump_pub_memstat(&st), "memstat");
	return st;
}

/* Names are numbers, which are counted up in place: that takes nothing. */
#define FIRST_NAME "0000000"

static void
next_file(char name[sizeof(FIRST_NAME)])
{
	char *digit = name + strlen(FIRST_NAME) - 1;

	while (*digit == '9')
		*digit-- = '0';
	++*digit;
}

static double
rump_many(unsigned n)
{
	int64_t start = bench_now();
	char name[] = FIRST_NAME;

	for (unsigned i = 0; i < n; i++, next_file(name))
		bench_must(
		    rump_sys_mknod(name, S_IFREG | 0644, 0) == 0, "mknod");
	return (double)(bench_now() - start) / n;
}

static double
host_many(unsigned n)
{
	int64_t start, end;
	char name[] = FIRST_NAME, again[] = FIRST_NAME;

	bench_must(chdir(bench_hostdir) == 0, bench_hostdir);
	start = bench_now();
	for (unsigned i = 0; i < n; i++, next_file(name))
		bench_must(mknod(name, S_IFREG | 0644, 0) == 0, "mknod");
	end = bench_now();
	for (unsigned i = 0; i < n; i++, next_file(again))
		bench_must(unlink(again) == 0, "unlink");
	return (double)(end - start) / n;
}

static double
rump_none(unsigned n)
{
	int64_t start = bench_now();
	char name[] = FIRST_NAME;

	for (unsigned i = 0; i < n; i++, next_file(name))
		bench_must(rump_sys_unlink(name) == 0, "unlink");
	return (double)(bench_now() - start) / n;
}

static struct bench_figure
figure_once(double v)
{
	return (struct bench_figure){v, v};
}

static void
many_run(struct bench_result *br)
{
	double few, removed;

	rump_place();
	few = rump_many(MANY / 100);
	(void)rump_none(MANY / 100);
	br->br_rump = figure_once(rump_many(MANY));
	removed = rump_none(MANY);
	br->br_host = figure_once(host_many(HOSTMANY));
	snprintf(br->br_note, sizeof(br->br_note),
	    "%u of them; %u for %.0f ns each; removed for %.0f ns", MANY,
	    MANY / 100, few, removed);
}

static void
mem_file_run(struct bench_result *br)
{
	struct rump_memstat before, after;
	double used, committed;

	rump_place();
	before = rump_memory();
	(void)rump_many(MANY);
	after = rump_memory();
	used = (double)(after.used - before.used) / MANY;
	committed = (double)(after.committed - before.committed) / MANY;
	br->br_rump = figure_once(used > committed ? used : committed);
	snprintf(br->br_note, sizeof(br->br_note),
	    "used %.0f, committed %.0f bytes", used, committed);
}

/*
 * One big file, a chunk at a time: each repetition makes it again.
 */
typedef ssize_t big_io(int fd);

static ssize_t
rump_write_chunk(int fd)
{
	return rump_sys_write(fd, chunk, CHUNK);
}

static ssize_t
rump_read_chunk(int fd)
{
	return rump_sys_read(fd, chunk, CHUNK);
}

static ssize_t
host_write_chunk(int fd)
{
	return write(fd, chunk, CHUNK);
}

static ssize_t
host_read_chunk(int fd)
{
	return read(fd, chunk, CHUNK);
}

/* The nanoseconds of a chunk. */
static double
big_pass(int fd, big_io *io)
{
	int64_t start = bench_now();

	for (off_t done = 0; done < BIGSIZE; done += CHUNK)
		bench_must(io(fd) == CHUNK, "a chunk");
	return (double)(bench_now() - start) * CHUNK / (double)BIGSIZE;
}

static void
big_run(struct bench_result *br, bool reading)
{
	double rump[8], host[8], w;
	int fd, hostfd;

	rump_place();
	bench_must(chdir(bench_hostdir) == 0, bench_hostdir);
	for (unsigned i = 0; i < BIGREPS; i++) {
		fd = rump_sys_open("big", O_RDWR | O_CREAT | O_TRUNC, 0644);
		hostfd = open("big", O_RDWR | O_CREAT | O_TRUNC, 0644);
		bench_must(fd >= 0 && hostfd >= 0, "open");
		w = big_pass(fd, rump_write_chunk);
		(void)rump_sys_lseek(fd, 0, SEEK_SET);
		rump[i] = reading ? big_pass(fd, rump_read_chunk) : w;
		w = big_pass(hostfd, host_write_chunk);
		(void)lseek(hostfd, 0, SEEK_SET);
		host[i] = reading ? big_pass(hostfd, host_read_chunk) : w;
		bench_must(rump_sys_close(fd) == 0 && close(hostfd) == 0 &&
			       unlink("big") == 0,
		    "close");
	}
	br->br_rump = bench_figure(rump, BIGREPS);
	br->br_host = bench_figure(host, BIGREPS);
}

static void
big_write_run(struct bench_result *br)
{
	big_run(br, false);
	snprintf(br->br_note, sizeof(br->br_note), "first %.0f ns",
	    br->br_rump.bf_median);
}

static void
big_read_run(struct bench_result *br)
{
	big_run(br, true);
}

/*
 * Two host threads, each with a file of its own in the same directory.
 */
static _Atomic unsigned next_name;

/* A name for this thread: threads of two crews may have the same. */
static const char *
own_name(void)
{
	static const char *const names[] = {"f0", "f1"};

	return names[next_name++ % 2];
}

static double
rump_own_file(uint64_t n)
{
	const char *name = own_name();
	char buf[64];
	int64_t start;
	double spent;

	bench_newproc();
	bench_must(rump_sys_chdir("/bench") == 0, "rump chdir");
	start = bench_now();
	for (uint64_t i = 0; i < n; i++) {
		int fd = rump_sys_open(name, O_RDWR);

		bench_must(fd >= 0 &&
			       rump_sys_pwrite(fd, buf, sizeof(buf), 0) ==
				   (ssize_t)sizeof(buf) &&
			       rump_sys_pread(fd, buf, sizeof(buf), 0) ==
				   (ssize_t)sizeof(buf) &&
			       rump_sys_close(fd) == 0,
		    "rump file");
	}
	spent = (double)(bench_now() - start);
	rump_pub_lwproc_releaselwp();
	return spent;
}

static double
host_own_file(uint64_t n)
{
	const char *name = own_name();
	char buf[64];
	int64_t start = bench_now();

	for (uint64_t i = 0; i < n; i++) {
		int fd = open(name, O_RDWR);

		bench_must(fd >= 0 &&
			       pwrite(fd, buf, sizeof(buf), 0) ==
				   (ssize_t)sizeof(buf) &&
			       pread(fd, buf, sizeof(buf), 0) ==
				   (ssize_t)sizeof(buf) &&
			       close(fd) == 0,
		    "file");
	}
	return (double)(bench_now() - start);
}

static void
own_files_run(struct bench_result *br)
{
	static const char *const names[] = {"f0", "f1"};

	rump_place();
	bench_must(chdir(bench_hostdir) == 0, bench_hostdir);
	for (unsigned i = 0; i < 2; i++) {
		int fd = rump_sys_open(names[i], O_RDWR | O_CREAT, 0644);
		int hostfd = open(names[i], O_RDWR | O_CREAT, 0644);

		bench_must(fd >= 0 && hostfd >= 0, "open");
		bench_must(
		    rump_sys_close(fd) == 0 && close(hostfd) == 0, "close");
	}
	br->br_rump =
	    bench_speedup(rump_own_file, br->br_note, sizeof(br->br_note));
	br->br_host = bench_speedup(host_own_file, NULL, 0);
}

const struct bench_line bigfile_lines[] = {
    {
	.bl_name = "million_files",
	.bl_what = "one of a million files made in one directory",
	.bl_hostcall = "mknod, 100000 times",
	.bl_asked = 400,
	.bl_run = many_run,
    },
    {
	.bl_name = "mem_file",
	.bl_what = "memory of one of these, with its name",
	.bl_unit = UNIT_BYTES,
	.bl_asked = 400,
	.bl_run = mem_file_run,
    },
    {
	.bl_name = "write_1g",
	.bl_what = "write of 64 KiB, until a new file has 1 GiB",
	.bl_hostcall = "the same calls in tmpfs",
	.bl_run = big_write_run,
    },
    {
	.bl_name = "read_1g",
	.bl_what = "read of 64 KiB, through a file of 1 GiB",
	.bl_hostcall = "the same calls in tmpfs",
	.bl_run = big_read_run,
    },
    {
	.bl_name = "files_2threads",
	.bl_what = "open, pwrite, pread, close of a file on two host threads",
	.bl_hostcall = "the same calls in tmpfs",
	.bl_unit = UNIT_SPEEDUP,
	.bl_asked = 1.8,
	.bl_run = own_files_run,
    },
    {0},
};
