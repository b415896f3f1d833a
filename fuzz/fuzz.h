/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the targets share.
 *
 * A target is NAME.c with fuzz_one, which is called again and again with bytes
 * that libFuzzer makes up; the kernel is booted once.  Bytes are taken off the
 * front of the input and say what to do; when they are used up they are zero.
 * Each call has a process of its own and an empty file system on /fuzz, which
 * is its directory.
 */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <sys/stat.h>
#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

struct input {
	const uint8_t *in_data;
	size_t in_len;
};

/* The target. */
void fuzz_one(struct input *);

/* A byte; below n; a number of 32 bits. */
static inline unsigned
take_byte(struct input *in)
{
	if (in->in_len == 0)
		return 0;
	in->in_len--;
	return *in->in_data++;
}

static inline unsigned
take_below(struct input *in, unsigned n)
{
	return take_byte(in) % n;
}

static inline uint32_t
take_word(struct input *in)
{
	uint32_t w = 0;

	for (int i = 0; i < 4; i++)
		w = w << 8 | take_byte(in);
	return w;
}

/* It must be so. */
#define CHECK(expr)                                                       \
	do {                                                              \
		if (!(expr)) {                                            \
			fprintf(stderr, "%s:%d: not so: %s (errno %d)\n", \
			    __FILE__, __LINE__, #expr, errno);            \
			abort();                                          \
		}                                                         \
	} while (0)

/* Device and inode. */
struct fileid {
	dev_t fi_dev;
	ino_t fi_ino;
};

static inline struct fileid
id_of(const struct stat *st)
{
	return (struct fileid){st->st_dev, st->st_ino};
}

static inline bool
id_equal(struct fileid a, struct fileid b)
{
	return a.fi_dev == b.fi_dev && a.fi_ino == b.fi_ino;
}

static inline struct fileid
id_at(const char *path)
{
	struct stat st;

	CHECK(rump_sys_lstat(path, &st) == 0);
	return id_of(&st);
}

#endif /* FUZZ_FUZZ_H */
