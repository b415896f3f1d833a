/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Structures with pointers into slots.  All of it is in the head: the
 * structure, whose pointers become offsets, and what they point to.
 */
#include "proxy/client/marshal.h"

#include <errno.h>
#include <string.h>

#define ELEMENTS_MOST 1024

static int
elements_encode(struct encoding *e, const uint8_t *base,
    const struct sysinner *si, uint64_t addr, uint64_t *wordp)
{
	int32_t n;

	memcpy(&n, base + si->si_counter, sizeof(n));
	/* None, or the count is wrong, and that comes first. */
	if (n <= 0 || n > ELEMENTS_MOST) {
		*wordp = NOWHERE;
		return 0;
	}
	return room_fill(
	    e, word_ptr(addr), (size_t)n * si->si_size, SP_HEADMAX, wordp);
}

static int
inner_encode(struct encoding *e, uint8_t *base, const struct sysinner *si)
{
	uint64_t addr, word;
	int error = 0;

	memcpy(&addr, base + si->si_at, sizeof(addr));
	if (word_isbad(addr))
		word = word_bad(addr);
	else if (si->si_size == 0)
		error = string_encode(e, word_ptr(addr), &word);
	else
		error = elements_encode(e, base, si, addr, &word);
	if (error == 0)
		memcpy(base + si->si_at, &word, sizeof(word));
	return error;
}

int
nested_encode(struct encoding *e, const struct sysarg *sa, int i)
{
	const struct sysinner *list;
	size_t n = sysarg_inner(sa, &list), k;
	uint64_t word;
	uint8_t *base;
	int error;

	if ((error = room_take(e, sa->sa_size, SP_HEADMAX, &word)) != 0)
		return error;
	base = room_at(e, word);
	if (!e->e_cl->cl_mem->read(base, word_ptr(e->e_args[i]), sa->sa_size))
		return EFAULT;
	e->e_msg->sm_args[i] = word;
	for (k = 0; k < n && error == 0; k++)
		error = inner_encode(e, base, &list[k]);
	return error;
}
