/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Options of a mount: "size=64m,mode=755,ro".
 *
 * A file system has a table of the names it knows and where their values go.
 * Names come in any order; of those that come twice the last one counts.
 */
#ifndef VFS_MOUNTOPT_H
#define VFS_MOUNTOPT_H

#include <stddef.h>
#include <stdint.h>

/*
 * What follows the name, and what it becomes.  Numbers are decimal, octal
 * after 0, hexadecimal after 0x.
 */
enum mountopt_type {
	MOUNTOPT_FLAG, /* nothing; nothing is stored */
	/* Up to a comma, unless "\\" is before it; not empty: struct mountstr
	 */
	MOUNTOPT_STRING,
	MOUNTOPT_NUMBER, /* uint64_t */
	MOUNTOPT_ID,	 /* of a user or group: uint32_t */
	MOUNTOPT_MODE,	 /* always octal; permissions out of it: uint32_t */
	MOUNTOPT_COUNT,	 /* a number, may end in k, m, g, t, p or e: uint64_t */
	MOUNTOPT_SIZE,	 /* a count, or % of kernel memory: uint64_t */
};

/* A part of the data: not terminated, with the backslashes. */
struct mountstr {
	const char *ms_str;
	size_t ms_len;
};

/*
 * Copy it, terminated; a backslash makes the byte after it stand for itself.
 * ENAMETOOLONG if that takes more than size bytes.
 */
int mountstr_copy(const struct mountstr *, char *buf, size_t size);

struct mountopt {
	const char *mo_name;
	enum mountopt_type mo_type;
	size_t mo_offset; /* of the value, in what mountopt_parse is given */
};

/*
 * Parse data, up to its NUL, by a table of n options, at most 32.  Bit i of
 * *seen says whether option number i was there; values of others are left as
 * they are.  EINVAL: a name that is not in the table, or a value that it
 * cannot have.
 */
int mountopt_parse(const struct mountopt *table, size_t n, const char *data,
    void *values, uint32_t *seen);

#endif /* VFS_MOUNTOPT_H */
