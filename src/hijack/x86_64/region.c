/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * x86-64: regions of text: what is mapped from files, private, to be read and
 * executed and not written, so that the sites of calls in it can be patched.
 * Each has blocks of memory near it for what the sites then jump to. Everything
 * here is called with hj_lock held, except in the first thread before there is
 * another one.
 */
#include <linux/mman.h>

#include "hijack/engine.h"

#define NREGIONS  192
#define BLOCKSIZE 8192UL
#define SLOTSIZE  32UL
#define STEP	  0x100000UL   /* to the first place that is tried */
#define REACH	  0x70000000UL /* of a jump, less the size of a block */
#define TRIES	  64

static struct hj_region regions[NREGIONS];
static int nregions;

void
hj_region_add(
    unsigned long start, unsigned long end, unsigned long base, int fd)
{
	struct hj_region *r = &regions[nregions];

	if (nregions == NREGIONS || hj_is_debugged())
		return;
	nregions++;
	r->start = start;
	r->end = end;
	r->base = base;
	r->block = 0;
	r->used = 0;
	hj_file_identify(fd, &r->file);
}

int
hj_region_overlaps(unsigned long start, unsigned long end)
{
	for (int i = 0; i < nregions; i++) {
		if (start < regions[i].end && regions[i].start < end)
			return 1;
	}
	return 0;
}

/* The region that all of [start, end) is in, or NULL. */
struct hj_region *
hj_region_find(unsigned long start, unsigned long end)
{
	for (int i = 0; i < nregions; i++) {
		if (start >= regions[i].start && end <= regions[i].end)
			return &regions[i];
	}
	return NULL;
}

/* The next one after r, or the first, that overlaps [start, end), or NULL. */
struct hj_region *
hj_region_next(
    const struct hj_region *r, unsigned long start, unsigned long end)
{
	for (int i = r == NULL ? 0 : (int)(r - regions) + 1; i < nregions;
	     i++) {
		if (start < regions[i].end && regions[i].start < end)
			return &regions[i];
	}
	return NULL;
}

/*
 * What is mapped there is not what it was.  The blocks stay: somebody could
 * still be in one.
 */
void
hj_region_remove(unsigned long start, unsigned long end)
{
	for (int i = 0; i < nregions;) {
		if (start < regions[i].end && regions[i].start < end)
			regions[i] = regions[--nregions];
		else
			i++;
	}
}

/* Take a block at an address, if nothing is there. */
static int
block_try(struct hj_region *r, unsigned long at)
{
	long got = hj_raw6(__NR_mmap, at, BLOCKSIZE,
	    PROT_READ | PROT_WRITE | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (got == (long)at) {
		r->block = at;
		r->used = 0;
		return 0;
	}
	if (!HJ_FAILED(got))
		hj_unmap((void *)got, BLOCKSIZE);
	return ENOMEM;
}

/*
 * Memory for jumps near a region, ever further from it: what is next to it can
 * be full of threads' stacks.
 */
static int
block_alloc(struct hj_region *r)
{
	unsigned long low = r->start & ~(STEP - 1);
	unsigned long high = (r->end + STEP - 1) & ~(STEP - 1);
	unsigned long far = 0;

	for (unsigned long i = 1; i <= TRIES; i++) {
		far += i * STEP;
		if (low > far && r->end - (low - far) < REACH &&
		    block_try(r, low - far) == 0)
			return 0;
		if (high + far - r->start < REACH &&
		    block_try(r, high + far) == 0)
			return 0;
	}
	return ENOMEM;
}

/* Room for what a site jumps to; NULL: there is none. */
unsigned char *
hj_region_slot(struct hj_region *r)
{
	if ((r->block == 0 || r->used + SLOTSIZE > BLOCKSIZE) &&
	    block_alloc(r) != 0) {
		/* Do not look again and again. */
		hj_region_remove(r->start, r->end);
		return NULL;
	}
	r->used += SLOTSIZE;
	return (unsigned char *)r->block + r->used - SLOTSIZE;
}
