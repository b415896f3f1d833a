/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets.
 */
#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "through.h"

static void
pair_setup(int type)
{
	bench_newproc();
	bench_must(rump_sys_socketpair(AF_UNIX, type, 0, rump_fds) == 0,
	    "rump socketpair");
	bench_must(socketpair(AF_UNIX, type, 0, host_fds) == 0, "socketpair");
}

static void
stream_setup(void)
{
	pair_setup(SOCK_STREAM);
}

static void
dgram_setup(void)
{
	pair_setup(SOCK_DGRAM);
}

/*
 * A connection to a name, accepted and closed
 */

static struct sockaddr_un un = {
    .sun_family = AF_UNIX, .sun_path = "\0rump-bench"};
#define UN_LEN (offsetof(struct sockaddr_un, sun_path) + 11)

static void
connect_setup(void)
{
	bench_newproc();
	rump_fds[0] = rump_sys_socket(AF_UNIX, SOCK_STREAM, 0);
	host_fds[0] = socket(AF_UNIX, SOCK_STREAM, 0);
	bench_must(rump_sys_bind(rump_fds[0], (void *)&un, UN_LEN) == 0 &&
		       rump_sys_listen(rump_fds[0], 5) == 0,
	    "rump bind");
	bench_must(bind(host_fds[0], (void *)&un, UN_LEN) == 0 &&
		       listen(host_fds[0], 5) == 0,
	    "bind");
}

static inline void
rump_connection(void)
{
	int fd = rump_sys_socket(AF_UNIX, SOCK_STREAM, 0), got;

	bench_must(
	    rump_sys_connect(fd, (void *)&un, UN_LEN) == 0, "rump connect");
	bench_must((got = rump_sys_accept(rump_fds[0], NULL, NULL)) >= 0,
	    "rump accept");
	bench_must(rump_sys_close(fd) == 0, "rump close");
	bench_must(rump_sys_close(got) == 0, "rump close");
}

static inline void
host_connection(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), got;

	bench_must(connect(fd, (void *)&un, UN_LEN) == 0, "connect");
	bench_must((got = accept(host_fds[0], NULL, NULL)) >= 0, "accept");
	bench_must(close(fd) == 0, "close");
	bench_must(close(got) == 0, "close");
}

BENCH_BODY(rump_connects, rump_connection())
BENCH_BODY(host_connects, host_connection())

const struct bench_line socket_lines[] = {
    {
	.bl_name = "socketpair_1",
	.bl_what = "socketpair: write and read 1 byte",
	.bl_hostcall = "the same calls",
	.bl_setup = stream_setup,
	.bl_rump = rump_byte,
	.bl_host = host_byte,
    },
    {
	.bl_name = "socketpair_4k",
	.bl_what = "socketpair: write and read 4096 bytes",
	.bl_hostcall = "the same calls",
	.bl_setup = stream_setup,
	.bl_rump = rump_page,
	.bl_host = host_page,
    },
    {
	.bl_name = "dgram_1",
	.bl_what = "socketpair of datagrams: write and read 1 byte",
	.bl_hostcall = "the same calls",
	.bl_setup = dgram_setup,
	.bl_rump = rump_byte,
	.bl_host = host_byte,
    },
    {
	.bl_name = "unix_connect",
	.bl_what = "socket + connect + accept + two closes",
	.bl_hostcall = "the same calls",
	.bl_setup = connect_setup,
	.bl_rump = rump_connects,
	.bl_host = host_connects,
    },
    {0},
};
