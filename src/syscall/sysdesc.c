/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How much memory arguments of system calls are about.
 */
#include "syscall/sysdesc.h"

#include <fcntl.h>
#include <string.h>

static int
compare(const void *key, const struct sysdesc *sd)
{
	return *(const int *)key - (int)sd->sd_number;
}

const struct sysdesc *
sysdesc_find(int number)
{
	size_t low = 0, high = sysdesc_count, middle;
	int order;

	while (low < high) {
		middle = low + (high - low) / 2;
		order = compare(&number, &sysdesc_list[middle]);
		if (order == 0)
			return &sysdesc_list[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

uint64_t
sysarg_value(const struct sysarg *sa, uint64_t word)
{
	unsigned unused;

	if (sa->sa_kind != SYSARG_VALUE || sa->sa_size >= sizeof(word))
		return word;
	unused = 64 - 8 * sa->sa_size;
	if ((sa->sa_flags & SYSARG_SIGNED) != 0)
		return (uint64_t)((int64_t)(word << unused) >> unused);
	return word << unused >> unused;
}

/* The count that the counter, an argument, points to. */
static uint64_t
pointed_count(const struct sysarg *counter, uint64_t word, sysarg_read *get)
{
	uint64_t wide = 0;
	uint32_t narrow = 0;

	if (word == 0)
		return 0;
	if (counter->sa_size == sizeof(wide))
		return get(&wide, (void *)(uintptr_t)word, 8) ? wide : 0;
	return get(&narrow, (void *)(uintptr_t)word, 4) ? narrow : 0;
}

uint64_t
sysarg_count(const struct sysdesc *sd, const struct sysarg *sa,
    const uint64_t *args, sysarg_read *get)
{
	const struct sysarg *counter;
	uint64_t n;

	if (sa->sa_counter < 0)
		return sa->sa_count;
	counter = &sd->sd_args[sa->sa_counter];
	if ((sa->sa_flags & SYSARG_COUNTPTR) != 0)
		return pointed_count(counter, args[sa->sa_counter], get);
	n = sysarg_value(counter, args[sa->sa_counter]);
	if ((counter->sa_flags & SYSARG_SIGNED) != 0 && (int64_t)n < 0)
		return 0;
	return n;
}

static size_t
bytes_of(const struct sysarg *sa, uint64_t n, uint64_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes) ||
	    __builtin_add_overflow(bytes, sa->sa_extra, &bytes))
		return SIZE_MAX;
	return bytes;
}

/* No handle is longer than MAX_HANDLE_SZ; one that says so is an error. */
static size_t
handle_bytes(uint64_t word, sysarg_read *get)
{
	unsigned int n = 0;

	if (word == 0 || !get(&n, (void *)(uintptr_t)word, sizeof(n)) ||
	    n > MAX_HANDLE_SZ)
		n = 0;
	return sizeof(struct file_handle) + n;
}

size_t
sysarg_room(const struct sysdesc *sd, const struct sysarg *sa, uint64_t word,
    const uint64_t *args, sysarg_read *get)
{
	uint64_t n;

	if ((sa->sa_flags & SYSARG_HANDLE) != 0)
		return handle_bytes(word, get);
	n = sysarg_count(sd, sa, args, get);
	if ((sa->sa_flags & SYSARG_BITS) != 0)
		return bytes_of(sa, n / 64 + (n % 64 != 0), 8);
	return bytes_of(
	    sa, n, (sa->sa_flags & SYSARG_BYTES) != 0 ? 1 : sa->sa_size);
}

static size_t
terminated(uint64_t word, sysarg_read *get, size_t room)
{
	size_t n = 0;
	char c;

	while (n < room && get(&c, (char *)(uintptr_t)word + n++, 1))
		if (c == '\0')
			break;
	return n;
}

size_t
sysarg_filled(const struct sysdesc *sd, const struct sysarg *sa, uint64_t word,
    const uint64_t *args, sysarg_read *get, size_t room, int64_t retval)
{
	size_t now = room;

	if ((sa->sa_flags & SYSARG_TERMINATED) != 0)
		return terminated(word, get, room);
	if ((sa->sa_flags & SYSARG_RETURNED) != 0)
		now = retval < 0 ? 0
				 : bytes_of(sa, (uint64_t)retval, sa->sa_size);
	else if ((sa->sa_flags & (SYSARG_COUNTPTR | SYSARG_HANDLE)) != 0)
		now = sysarg_room(sd, sa, word, args, get);
	return now < room ? now : room;
}
