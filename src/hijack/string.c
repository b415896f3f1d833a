/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes, strings and numbers, without a library.  The compiler asks for the
 * functions of C's names by itself.
 */
#include "hijack/engine.h"

void *
memcpy(void *to, const void *from, size_t n)
{
	hj_bytes_copy(to, from, n);
	return to;
}

void *
memmove(void *to, const void *from, size_t n)
{
	unsigned char *d = to;
	const unsigned char *s = from;

	if ((uintptr_t)d - (uintptr_t)s >= n)
		return memcpy(to, from, n);
	while (n-- > 0) {
		d[n] = s[n];
		/* Lest this is made a call of itself. */
		__asm__ volatile("" ::: "memory");
	}
	return to;
}

void *
memset(void *to, int c, size_t n)
{
	hj_bytes_set(to, c, n);
	return to;
}

int
memcmp(const void *a, const void *b, size_t n)
{
	const unsigned char *x = a, *y = b;
	size_t i = 0;

	/* Most of what is compared here is the same for long. */
	while (i + 8 <= n && hj_word_at(x + i) == hj_word_at(y + i))
		i += 8;
	for (; i < n; i++) {
		if (x[i] != y[i])
			return x[i] - y[i];
	}
	return 0;
}

size_t
hj_strlen(const char *s)
{
	size_t n = 0;

	while (s[n] != '\0') {
		n++;
		__asm__ volatile("" ::: "memory");
	}
	return n;
}

int
hj_streq(const char *a, const char *b)
{
	size_t n = hj_strlen(a);

	return n == hj_strlen(b) && memcmp(a, b, n) == 0;
}

const char *
hj_basename(const char *path)
{
	const char *base = path;

	for (; *path != '\0'; path++) {
		if (*path == '/')
			base = path + 1;
	}
	return base;
}

/* What follows a prefix of a path, or NULL. */
const char *
hj_after(const char *path, const char *prefix)
{
	for (; *prefix != '\0'; path++, prefix++) {
		if (*path != *prefix)
			return NULL;
	}
	return path;
}

/* A string and its NUL, for which there is room; returns where the NUL is. */
char *
hj_append(char *to, const char *text)
{
	size_t n = hj_strlen(text);

	memcpy(to, text, n + 1);
	return to + n;
}

/* The path of a descriptor's link in /proc; there is room for 32 bytes. */
void
hj_fd_link(char *link, int fd)
{
	hj_number(hj_append(link, "/proc/self/fd/"), (unsigned int)fd);
}

/* n in decimal and a NUL; returns where the NUL is. */
char *
hj_number(char *to, unsigned long n)
{
	char digits[24];
	int i = 0;

	do {
		digits[i++] = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	while (i > 0)
		*to++ = digits[--i];
	*to = '\0';
	return to;
}

int
hj_getnumber(const char *s, unsigned long *n)
{
	unsigned long value = 0;

	if (*s == '\0')
		return EINVAL;
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9' || value > 100000000)
			return EINVAL;
		value = value * 10 + (unsigned long)(*s - '0');
	}
	*n = value;
	return 0;
}
