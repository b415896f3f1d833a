/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads and writes that are more than fits between the kernel and us: the call
 * was cut, and the rest follows in other ones.
 */
#include <linux/uio.h>

#include "hijack/engine.h"

/* A call of the program's whose rest is to be done. */
struct rest {
	int r_call; /* of the kernel's, of one buffer */
	int r_fd;
	long r_off;  /* -1: the file's own */
	long r_skip; /* bytes that are done, from the first buffer on */
	long r_done;
};

/* Whether a call is one of these; what its parts are. */
static int
look_at(struct rest *r, unsigned long nr, const long *args, int *vector)
{
	r->r_off = -1;
	*vector = nr != __NR_read && nr != __NR_write && nr != __NR_pread64 &&
		  nr != __NR_pwrite64;
	switch (nr) {
	case __NR_read:
	case __NR_readv:
		r->r_call = HJ_K_read;
		return 1;
	case __NR_write:
	case __NR_writev:
		r->r_call = HJ_K_write;
		return 1;
	case __NR_pread64:
	case __NR_preadv:
	case __NR_preadv2:
		r->r_off = args[3];
		r->r_call = r->r_off == -1 ? HJ_K_read : HJ_K_pread;
		return 1;
	case __NR_pwrite64:
	case __NR_pwritev:
	case __NR_pwritev2:
		r->r_off = args[3];
		r->r_call = r->r_off == -1 ? HJ_K_write : HJ_K_pwrite;
		return 1;
	default:
		return 0;
	}
}

/* The rest of one buffer: 1, or 0 if it was the last. */
static int
one_buffer(struct hj_thread *t, struct rest *r, unsigned long base, long len)
{
	long skip = HJ_MIN(r->r_skip, len), n;

	r->r_skip -= skip;
	while (skip < len) {
		const long args[6] = {r->r_fd, (long)base + skip, len - skip,
		    r->r_off == -1 ? 0 : r->r_off + r->r_done};

		n = hj_kernel(t, r->r_call, args);
		if (n <= 0)
			return 0;
		r->r_done += n;
		skip += n;
		/* That was all there is, or there is room for. */
		if (n < HJ_LARGE && skip < len)
			return 0;
	}
	return 1;
}

/* A call that did `done' bytes: how many there are in the end. */
long
hj_large(struct hj_thread *t, unsigned long nr, const long *args, long done)
{
	struct rest r = {.r_fd = (int)args[0], .r_skip = done, .r_done = done};
	struct iovec iov;
	int vector;

	if (!look_at(&r, nr, args, &vector))
		return done;
	if (!vector) {
		one_buffer(t, &r, (unsigned long)args[1], args[2]);
		return r.r_done;
	}
	for (int i = 0; i < (int)args[2]; i++) {
		if (hj_copyin(&iov,
			(unsigned long)args[1] + (unsigned int)i * sizeof(iov),
			sizeof(iov)) != 0 ||
		    !one_buffer(
			t, &r, (unsigned long)iov.iov_base, (long)iov.iov_len))
			break;
	}
	return r.r_done;
}
