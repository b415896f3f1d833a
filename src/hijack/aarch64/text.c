/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * aarch64: sites of calls stay as they are, so that nobody has to know where
 * text is; and debuggers find their way through the engine as through any
 * handler of a signal.
 */
#include "hijack/engine.h"

void
hj_patch(struct hj_thread *t)
{
	(void)t;
}

/* Nothing is patched. */
void
hj_scan(unsigned long start, unsigned long end)
{
	(void)start;
	(void)end;
}

void
hj_patch_known(unsigned long start, unsigned long end)
{
	(void)start;
	(void)end;
}

void
hj_patch_waiting(void)
{
}

void
hj_region_add(
    unsigned long start, unsigned long end, unsigned long base, int fd)
{
	(void)start;
	(void)end;
	(void)base;
	(void)fd;
}

void
hj_region_remove(unsigned long start, unsigned long end)
{
	(void)start;
	(void)end;
}

int
hj_region_overlaps(unsigned long start, unsigned long end)
{
	(void)start;
	(void)end;
	return 0;
}

/* The page of headers stays what it is. */
void
hj_debug_image(void *page)
{
	memcpy(page, (const void *)HJ_BASE, HJ_PAGE);
}

/* A step into a call ends with SIGSYS. */
int
hj_step_begin(int tid, unsigned long pc)
{
	(void)tid, (void)pc;
	return EOPNOTSUPP;
}

void
hj_step_end(int tid)
{
	(void)tid;
}
