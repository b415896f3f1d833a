/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pipes, and descriptors for want of a better place.
 */
#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "through.h"

static void
pipe_setup(void)
{
	bench_newproc();
	bench_must(rump_sys_pipe(rump_fds) == 0, "rump pipe");
	bench_must(pipe(host_fds) == 0, "pipe");
}

/*
 * Two host threads, two pipes: each sleeps until the other has written.  The
 * partner echoes until it is told to stop.
 */
struct side {
	ssize_t (*s_read)(int, void *, size_t);
	ssize_t (*s_write)(int, const void *, size_t);
	int s_to[2], s_back[2];
	pid_t s_pid; /* process of the kernel, or 0 */
};

static struct side rump_side = {
    .s_read = rump_sys_read, .s_write = rump_sys_write};
static struct side host_side = {.s_read = read, .s_write = write};

static void
pingpong_setup(void)
{
	rump_side.s_pid = bench_newproc();
	bench_must(rump_sys_pipe(rump_side.s_to) == 0 &&
		       rump_sys_pipe(rump_side.s_back) == 0,
	    "rump pipe");
	bench_must(
	    pipe(host_side.s_to) == 0 && pipe(host_side.s_back) == 0, "pipe");
}

static void *
echo_main(void *arg)
{
	struct side *s = arg;
	char c;

	if (s->s_pid != 0)
		bench_must0(rump_pub_lwproc_newlwp(s->s_pid), "newlwp");
	do {
		bench_must(s->s_read(s->s_to[0], &c, 1) == 1, "read");
		bench_must(s->s_write(s->s_back[1], &c, 1) == 1, "write");
	} while (c != 'q');
	if (s->s_pid != 0)
		rump_pub_lwproc_releaselwp();
	return NULL;
}

static void
pingpong_round(struct side *s, char c)
{
	bench_must(s->s_write(s->s_to[1], &c, 1) == 1, "write");
	bench_must(s->s_read(s->s_back[0], &c, 1) == 1, "read");
}

static double
pingpong(struct side *s, uint64_t n)
{
	pthread_t thread;
	int64_t start;

	bench_must0(
	    pthread_create(&thread, NULL, echo_main, s), "pthread_create");
	pingpong_round(s, 'x');
	start = bench_now();
	for (uint64_t i = 0; i < n; i++)
		pingpong_round(s, 'x');
	start = bench_now() - start;
	pingpong_round(s, 'q');
	pthread_join(thread, NULL);
	return (double)start;
}

static double
rump_pingpong(uint64_t n)
{
	return pingpong(&rump_side, n);
}

static double
host_pingpong(uint64_t n)
{
	return pingpong(&host_side, n);
}

static void
rump_pipe_life(void)
{
	int fds[2];

	bench_must(rump_sys_pipe(fds) == 0, "rump pipe");
	bench_must(rump_sys_close(fds[0]) == 0, "rump close");
	bench_must(rump_sys_close(fds[1]) == 0, "rump close");
}

static void
host_pipe_life(void)
{
	int fds[2];

	bench_must(pipe(fds) == 0, "pipe");
	close(fds[0]);
	close(fds[1]);
}

BENCH_BODY(rump_pipe_lives, rump_pipe_life())
BENCH_BODY(host_pipe_lives, host_pipe_life())

static void
rump_dup_close(void)
{
	int fd = rump_sys_dup(rump_fds[0]);

	bench_must(fd >= 0, "rump dup");
	bench_must(rump_sys_close(fd) == 0, "rump close");
}

static void
host_dup_close(void)
{
	int fd = dup(host_fds[0]);

	bench_must(fd >= 0, "dup");
	bench_must(close(fd) == 0, "close");
}

BENCH_BODY(rump_dups, rump_dup_close())
BENCH_BODY(host_dups, host_dup_close())

const struct bench_line pipe_lines[] = {
    {
	.bl_name = "pipe_1",
	.bl_what = "pipe: write and read 1 byte",
	.bl_hostcall = "the same calls",
	.bl_original = 193,
	.bl_asked = 40,
	.bl_setup = pipe_setup,
	.bl_rump = rump_byte,
	.bl_host = host_byte,
    },
    {
	.bl_name = "pipe_4k",
	.bl_what = "pipe: write and read 4096 bytes",
	.bl_hostcall = "the same calls",
	.bl_setup = pipe_setup,
	.bl_rump = rump_page,
	.bl_host = host_page,
    },
    {
	.bl_name = "pipe_pingpong",
	.bl_what = "1 byte to another thread and back over two pipes",
	.bl_hostcall = "the same calls",
	.bl_setup = pingpong_setup,
	.bl_rump = rump_pingpong,
	.bl_host = host_pingpong,
    },
    {
	.bl_name = "pipe_life",
	.bl_what = "pipe + two closes",
	.bl_hostcall = "the same calls",
	.bl_setup = pipe_setup,
	.bl_rump = rump_pipe_lives,
	.bl_host = host_pipe_lives,
    },
    {
	.bl_name = "dup_close",
	.bl_what = "dup + close",
	.bl_hostcall = "the same calls",
	.bl_setup = pipe_setup,
	.bl_rump = rump_dups,
	.bl_host = host_dups,
    },
    {0},
};
