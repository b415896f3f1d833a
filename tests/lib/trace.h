/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What tests of the trace share: files of the host and of the kernel as text,
 * lines of them, and a reader of protocol buffers.
 */
#ifndef TESTS_LIB_TRACE_H
#define TESTS_LIB_TRACE_H

#include <sys/stat.h>

#include <fcntl.h>
#include <regex.h>

#include "tc.h"

#define TRACE_SIZE (4 << 20)
static char trace_text[TRACE_SIZE];
static size_t trace_len;

static inline void
trace_read_host(const char *path)
{
	FILE *f = fopen(path, "r");

	T_ASSERT(f != NULL);
	trace_len = fread(trace_text, 1, sizeof(trace_text) - 1, f);
	trace_text[trace_len] = '\0';
	(void)fclose(f);
}

static inline void
trace_read_kernel(const char *path)
{
	int fd = (int)T_OK(rump_sys_open(path, O_RDONLY));

	trace_len = (size_t)T_OK(rump_sys_read(fd, trace_text, TRACE_SIZE - 1));
	trace_text[trace_len] = '\0';
	T_OK(rump_sys_close(fd));
}

/* How many lines match the extended regular expression, as a whole. */
static inline int
trace_count(const char *pattern)
{
	char whole[2048];
	regmatch_t m;
	regex_t re;
	int n = 0;

	(void)snprintf(whole, sizeof(whole), "^%s$", pattern);
	T_EQ(0, regcomp(&re, whole, REG_EXTENDED | REG_NEWLINE));
	for (const char *p = trace_text; regexec(&re, p, 1, &m, 0) == 0;
	     p += m.rm_eo) {
		n++;
		if (p[m.rm_eo] == '\0')
			break;
	}
	regfree(&re);
	return n;
}

/* A call's line, without its time and how long it took. */
#define trace_want(n, lwp, event)                                              \
	do {                                                                   \
		int tw_n = trace_count(lwp " [0-9]+\\.[0-9]{6} " event         \
					   "( <[0-9]+\\.[0-9]{6}>)?");         \
		if (tw_n != (n))                                               \
			tc_fail(__FILE__, __LINE__,                            \
			    "%s: want %d lines, got %d in\n%.3000s", event, n, \
			    tw_n, trace_text);                                 \
	} while (0)

/*
 * A field of a message, and the messages in it, by the wire format.
 */
struct field {
	unsigned number, type; /* 0: a number; 2: bytes */
	uint64_t value;	       /* or how many bytes */
	const unsigned char *bytes;
};

static inline uint64_t
field_number(const unsigned char **p, const unsigned char *end)
{
	uint64_t value = 0;
	unsigned shift = 0;

	do {
		T_ASSERT(*p < end && shift < 64);
		value |= (uint64_t)(**p & 0x7f) << shift;
		shift += 7;
	} while ((*(*p)++ & 0x80) != 0);
	return value;
}

/* The next field, or false at the end. */
static inline bool
field_next(const unsigned char **p, const unsigned char *end, struct field *f)
{
	uint64_t key;

	if (*p == end)
		return false;
	key = field_number(p, end);
	f->number = (unsigned)(key >> 3);
	f->type = (unsigned)(key & 7);
	T_ASSERT(f->type == 0 || f->type == 2);
	T_ASSERT(f->number != 0);
	f->value = field_number(p, end);
	f->bytes = *p;
	if (f->type == 2) {
		T_ASSERT(f->value <= (size_t)(end - *p));
		*p += f->value;
	}
	return true;
}

/* The field of this number in a message, or false. */
static inline bool
field_find(const struct field *message, unsigned number, struct field *f)
{
	const unsigned char *p = message->bytes;

	while (field_next(&p, message->bytes + message->value, f))
		if (f->number == number)
			return true;
	return false;
}

#endif /* TESTS_LIB_TRACE_H */
