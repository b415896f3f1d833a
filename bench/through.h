/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes through a pair of descriptors, whatever they are, here and on the host:
 * a part's setup makes rump_fds and host_fds.
 */
#ifndef BENCH_THROUGH_H
#define BENCH_THROUGH_H

#include <errno.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>

#include "bench.h"

static int rump_fds[2], host_fds[2];
static char page[4096];

static inline void
rump_through(size_t len)
{
	bench_must(rump_sys_write(rump_fds[1], page, len) == (ssize_t)len,
	    "rump write");
	bench_must(
	    rump_sys_read(rump_fds[0], page, len) == (ssize_t)len, "rump read");
}

static inline void
host_through(size_t len)
{
	bench_must(write(host_fds[1], page, len) == (ssize_t)len, "write");
	bench_must(read(host_fds[0], page, len) == (ssize_t)len, "read");
}

BENCH_BODY(rump_byte, rump_through(1))
BENCH_BODY(host_byte, host_through(1))
BENCH_BODY(rump_page, rump_through(sizeof(page)))
BENCH_BODY(host_page, host_through(sizeof(page)))

#endif /* BENCH_THROUGH_H */
