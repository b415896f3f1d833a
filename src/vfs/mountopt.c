/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Options of a mount.
 */
#include "vfs/mountopt.h"
#include "kern/kmem.h"
#include "vfs/vfs.h"

/* The value of a digit, at least 16 for what is none. */
static unsigned
digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10) : 16;
}

/* Take the first n bytes off. */
static void
str_skip(struct mountstr *ms, size_t n)
{
	ms->ms_str += n;
	ms->ms_len -= n;
}

/*
 * Take a number off the front.  Base 0: as the number says.  EINVAL if there
 * is none, or if it is too large.
 */
static int
number_take(struct mountstr *ms, unsigned base, uint64_t *np)
{
	uint64_t n = 0;
	size_t digits;

	if (base == 0) {
		base = 10;
		if (ms->ms_len > 1 && ms->ms_str[0] == '0') {
			base = (ms->ms_str[1] | 0x20) == 'x' ? 16 : 8;
			str_skip(ms, base == 16 ? 2 : 0);
		}
	}
	for (digits = 0; ms->ms_len > 0; digits++) {
		unsigned digit = digit_value(ms->ms_str[0]);

		if (digit >= base)
			break;
		if (__builtin_mul_overflow(n, (uint64_t)base, &n) ||
		    __builtin_add_overflow(n, (uint64_t)digit, &n))
			return EINVAL;
		str_skip(ms, 1);
	}
	*np = n;
	return digits > 0 ? 0 : EINVAL;
}

/* Take the letter that a count may end in off, and multiply by it. */
static int
suffix_take(struct mountstr *ms, uint64_t *np)
{
	static const char letters[] = "kmgtpe";
	const char *p;
	unsigned shift;

	if (ms->ms_len == 0 ||
	    (p = memchr(letters, ms->ms_str[0] | 0x20, 6)) == NULL)
		return 0;
	shift = 10 * (unsigned)(p - letters + 1);
	if (*np > UINT64_MAX >> shift)
		return EINVAL;
	*np <<= shift;
	str_skip(ms, 1);
	return 0;
}

/* The same with "%", of kernel memory. */
static int
percent_take(struct mountstr *ms, uint64_t *np)
{
	struct kmem_stats ks;

	if (ms->ms_len == 0 || ms->ms_str[0] != '%')
		return 0;
	kmem_stats(&ks);
	if (__builtin_mul_overflow(ks.ks_limit, *np, np))
		return EINVAL;
	*np /= 100;
	str_skip(ms, 1);
	return 0;
}

static int
number_parse(enum mountopt_type type, struct mountstr ms, void *value)
{
	uint64_t n;
	int error;

	error = number_take(&ms, type == MOUNTOPT_MODE ? 8 : 0, &n);
	if (error == 0 && (type == MOUNTOPT_COUNT || type == MOUNTOPT_SIZE))
		error = suffix_take(&ms, &n);
	if (error == 0 && type == MOUNTOPT_SIZE)
		error = percent_take(&ms, &n);
	if (error != 0 || ms.ms_len != 0)
		return EINVAL;
	if (type == MOUNTOPT_ID && n >= UINT32_MAX)
		return EINVAL;
	if (type == MOUNTOPT_ID)
		*(uint32_t *)value = (uint32_t)n;
	else if (type == MOUNTOPT_MODE)
		*(uint32_t *)value = (uint32_t)(n & 07777);
	else
		*(uint64_t *)value = n;
	return 0;
}

/* Value is NULL without "=". */
static int
value_parse(enum mountopt_type type, const char *value, size_t len, void *to)
{
	struct mountstr ms = {.ms_str = value, .ms_len = len};

	if (type == MOUNTOPT_FLAG)
		return value == NULL ? 0 : EINVAL;
	if (value == NULL || len == 0)
		return EINVAL;
	if (type != MOUNTOPT_STRING)
		return number_parse(type, ms, to);
	*(struct mountstr *)to = ms;
	return 0;
}

/* The length of a value: up to a comma, but for those after a backslash. */
static size_t
value_length(const char *value)
{
	size_t len;

	for (len = 0; value[len] != '\0' && value[len] != ','; len++)
		if (value[len] == '\\' && value[len + 1] != '\0')
			len++;
	return len;
}

int
mountstr_copy(const struct mountstr *ms, char *buf, size_t size)
{
	size_t i, n = 0;

	for (i = 0; i < ms->ms_len; i++) {
		if (ms->ms_str[i] == '\\' && i + 1 < ms->ms_len)
			i++;
		if (n + 1 >= size)
			return ENAMETOOLONG;
		buf[n++] = ms->ms_str[i];
	}
	buf[n] = '\0';
	return 0;
}

int
mountopt_parse(const struct mountopt *table, size_t n, const char *data,
    void *values, uint32_t *seen)
{
	*seen = 0;
	for (; *data != '\0'; data += *data == ',') {
		size_t namelen = strcspn(data, "=,"), len = 0, i;
		const char *name = data, *value = NULL;

		data += namelen;
		if (*data == '=') {
			value = ++data;
			data += len = value_length(data);
		}
		if (namelen == 0)
			continue;
		for (i = 0; i < n; i++)
			if (strlen(table[i].mo_name) == namelen &&
			    memcmp(table[i].mo_name, name, namelen) == 0)
				break;
		if (i == n || value_parse(table[i].mo_type, value, len,
				  (char *)values + table[i].mo_offset) != 0)
			return EINVAL;
		*seen |= UINT32_C(1) << i;
	}
	return 0;
}
