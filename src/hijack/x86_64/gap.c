/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * x86-64: bytes near a site that are never executed, for a jump of five.
 *
 * They are what fills the space between two functions.  Where functions begin
 * and end is in the unwinding information of the module (.eh_frame_hdr has a
 * sorted table); a gap is taken if all of it is nops, so that it is no function
 * without such information.  Programs of Go have none, and fill with int3:
 * of at least 13 of these in a row the last five are no part of an instruction,
 * because no constant in one is longer than eight bytes.
 */
#include <linux/elf.h>

#include "hijack/engine.h"

#define INT3	   0xcc
#define JMP	   0xe9
#define JMPSIZE	   5
#define INT3S	   13  /* so many in a row */
#define BEHIND	   126 /* how far a short jump goes, less its size */
#define AHEAD	   120
#define MAXGAP	   64
#define NEIGHBOURS 4 /* gaps that are tried on each side */

/* The table of .eh_frame_hdr, as every linker makes it. */
struct header {
	uint8_t version;      /* 1 */
	uint8_t encodings[3]; /* 1b 03 3b */
	int32_t frame;
	uint32_t count;
};

struct entry {
	int32_t pc; /* from the header on */
	int32_t fde;
};

struct table {
	unsigned long header;
	unsigned long entries;
	long count;
};

static int
table_find(unsigned long base, struct table *table)
{
	struct header header;
	Elf64_Ehdr eh;
	Elf64_Phdr ph;
	unsigned long bias = base;

	if (hj_copyin(&eh, base, sizeof(eh)) != 0 ||
	    memcmp(eh.e_ident, ELFMAG, SELFMAG) != 0)
		return ENOENT;
	table->header = 0;
	for (int i = 0; i < eh.e_phnum; i++) {
		if (hj_copyin(&ph,
			base + eh.e_phoff + (unsigned long)i * sizeof(ph),
			sizeof(ph)) != 0)
			return ENOENT;
		if (ph.p_type == PT_LOAD && ph.p_offset == 0)
			bias = base - ph.p_vaddr;
		if (ph.p_type == PT_GNU_EH_FRAME)
			table->header = ph.p_vaddr;
	}
	if (table->header == 0)
		return ENOENT;
	table->header += bias;
	if (hj_copyin(&header, table->header, sizeof(header)) != 0 ||
	    header.version != 1 || header.encodings[0] != 0x1b ||
	    header.encodings[1] != 0x03 || header.encodings[2] != 0x3b)
		return ENOENT;
	table->entries = table->header + sizeof(header);
	table->count = header.count;
	return 0;
}

/* Where function i begins and ends. */
static int
function_get(
    const struct table *table, long i, unsigned long *start, unsigned long *end)
{
	struct entry entry;
	uint32_t fde[4]; /* length, CIE, from itself to the function, size */
	unsigned long at;

	if (i < 0 || i >= table->count ||
	    hj_copyin(&entry, table->entries + (unsigned long)i * sizeof(entry),
		sizeof(entry)) != 0)
		return ENOENT;
	at = table->header + (unsigned long)(long)entry.fde;
	*start = table->header + (unsigned long)(long)entry.pc;
	if (hj_copyin(fde, at, sizeof(fde)) != 0 ||
	    at + 8 + (unsigned long)(long)(int32_t)fde[2] != *start)
		return ENOENT;
	*end = *start + fde[3];
	return 0;
}

/* The last function that begins at or before an address. */
static long
function_find(const struct table *table, unsigned long address)
{
	long low = -1, high = table->count;
	unsigned long start, end;

	while (high - low > 1) {
		long middle = low + (high - low) / 2;

		if (function_get(table, middle, &start, &end) != 0)
			return -1;
		if (start <= address)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* The size of the nop at p, or of a jump of ours; 0: it is something else. */
static long
filler_size(const unsigned char *p, const unsigned char *end)
{
	const unsigned char *q = p;
	int mod, rm;

	if (*q == INT3)
		return 1;
	while (q < end && (*q == 0x66 || *q == 0x2e))
		q++;
	if (q < end && *q == 0x90)
		return q + 1 - p;
	if (q + 3 > end || q[0] != 0x0f || q[1] != 0x1f)
		return 0;
	mod = q[2] >> 6;
	rm = q[2] & 7;
	q += 3 + (rm == 4 && mod != 3);
	if (mod == 1)
		q += 1;
	else if (mod == 2)
		q += 4;
	return q <= end ? q - p : 0;
}

/* Five bytes in what is all filler between two functions; 0: there are none. */
static unsigned long
gap_take(unsigned long start, unsigned long end)
{
	const unsigned char *p = (const unsigned char *)start, *q;
	const unsigned char *limit = (const unsigned char *)end;
	long n;

	if (end - start < JMPSIZE || end - start > MAXGAP)
		return 0;
	/* What earlier sites got. */
	while (limit - p >= JMPSIZE && *p == JMP)
		p += JMPSIZE;
	if (limit - p < JMPSIZE)
		return 0;
	for (q = p; q < limit; q += n) {
		n = filler_size(q, limit);
		if (n == 0)
			return 0;
	}
	return (unsigned long)p;
}

static int
reaches(unsigned long site, unsigned long at)
{
	return at + BEHIND >= site && at <= site + AHEAD;
}

/* Whether a gap that somebody else has found for a site is one here. */
int
hj_gap_isfree(unsigned long site, unsigned long gap, unsigned long gapend)
{
	return reaches(site, gap) && gap_take(gap, gapend) == gap;
}

static unsigned long
gap_by_table(
    const struct table *table, unsigned long site, unsigned long *gapend)
{
	long here = function_find(table, site);
	unsigned long start, end, next, nextend, at;

	for (long i = here - NEIGHBOURS; i < here + NEIGHBOURS; i++) {
		if (function_get(table, i, &start, &end) != 0 ||
		    function_get(table, i + 1, &next, &nextend) != 0 ||
		    next < end || !reaches(site, end))
			continue;
		at = gap_take(end, next);
		*gapend = next;
		if (at != 0 && reaches(site, at))
			return at;
	}
	return 0;
}

static unsigned long
gap_of_int3(unsigned long site, unsigned long start, unsigned long end)
{
	unsigned long p = HJ_MAX(start, site - BEHIND);
	unsigned long run = 0;

	end = HJ_MIN(end, site + AHEAD + JMPSIZE);
	for (; p < end; p++) {
		if (*(const unsigned char *)p != INT3)
			run = 0;
		else if (++run >= INT3S)
			return p + 1 - JMPSIZE;
	}
	return 0;
}

/*
 * Five bytes or more, up to *gapend, of which the first are reached by a short
 * jump at the site, in the text [start, end) of the module at base; 0: there
 * are none.
 */
unsigned long
hj_gap_find(unsigned long site, unsigned long start, unsigned long end,
    unsigned long base, unsigned long *gapend)
{
	struct table table;
	unsigned long at = 0;

	if (table_find(base, &table) == 0)
		at = gap_by_table(&table, site, gapend);
	if (at == 0) {
		at = gap_of_int3(site, start, end);
		*gapend = at + JMPSIZE;
	}
	return at >= start && *gapend <= end ? at : 0;
}
