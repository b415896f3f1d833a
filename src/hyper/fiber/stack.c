/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stacks of fibers.
 *
 * The host limits how many mappings there are, so stacks come in batches, a
 * mapping each: those of one size, a power of two.  The lowest page of each
 * stack is its guard.  Where the host has guards that are no mappings of their
 * own (MADV_GUARD_INSTALL) every stack has one; elsewhere only the lowest of
 * each batch.
 *
 * Batches stay, but their memory does not: of what is free, WARM stacks keep
 * theirs.
 */
#include <sys/mman.h>

#include <errno.h>
#include <stdlib.h>

#include "hyper/fiber/impl.h"

#define PAGE	   ((size_t)4096)
#define BATCH_SIZE ((size_t)4 << 20)
#define BATCH_MOST 64u
#define WARM	   64

/* Since Linux 6.13. */
#define ADVICE_GUARD 102

/* By the logarithm of their size. */
#define SIZES 33

struct stackbatch {
	struct stackbatch *sb_next; /* with free ones, of this size */
	struct stackbatch *sb_all;
	char *sb_base;
	unsigned sb_log;
	uint64_t sb_free; /* bits of stacks */
	uint64_t sb_warm; /* and of those that have memory */
};

static struct stackbatch *batches[SIZES]; /* with free stacks */
/* What has the others is in the kernel's memory, where no tool looks. */
static struct stackbatch *all;
static unsigned nwarm;

static unsigned
batch_count(unsigned log)
{
	size_t n = BATCH_SIZE >> log;

	return n == 0 ? 1 : n > BATCH_MOST ? BATCH_MOST : (unsigned)n;
}

static void
batch_guard(char *base, unsigned log, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		if (madvise(base + ((size_t)i << log), PAGE, ADVICE_GUARD) != 0)
			break;
	if (i == 0)
		(void)mprotect(base, PAGE, PROT_NONE);
}

static struct stackbatch *
batch_make(unsigned log)
{
	struct stackbatch *sb = malloc(sizeof(*sb));
	unsigned n = batch_count(log);
	char *base;

	if (sb == NULL)
		return NULL;
	base = mmap(NULL, (size_t)n << log, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
	if (base == MAP_FAILED) {
		free(sb);
		return NULL;
	}
	/* A fiber that touches a page must not get two megabytes. */
	(void)madvise(base, (size_t)n << log, MADV_NOHUGEPAGE);
	batch_guard(base, log, n);
	*sb = (struct stackbatch){.sb_all = all,
	    .sb_base = base,
	    .sb_log = log,
	    .sb_free = n == 64 ? ~UINT64_C(0) : (UINT64_C(1) << n) - 1};
	all = sb;
	return sb;
}

/* Take one of a batch that has some, a warm one if it can be. */
static unsigned
batch_take(struct stackbatch *sb)
{
	uint64_t bits = sb->sb_free & sb->sb_warm;
	unsigned i;

	i = (unsigned)__builtin_ctzll(bits != 0 ? bits : sb->sb_free);
	sb->sb_free &= ~(UINT64_C(1) << i);
	if (bits != 0) {
		sb->sb_warm &= ~(UINT64_C(1) << i);
		nwarm--;
	}
	return i;
}

int
stack_alloc(struct fiberstack *fs, size_t size)
{
	struct stackbatch *sb;
	unsigned log;
	int saved = errno;

	if (size < HYPER_FIBER_MINSTACK || size > HYPER_FIBER_MAXSTACK)
		return EINVAL;
	/* What sanitizers add to a frame. */
	if (tools_present)
		size *= 4;
	log = 64 - (unsigned)__builtin_clzll(size - 1);
	if ((sb = batches[log]) == NULL) {
		sb = batch_make(log);
		errno = saved;
		if (sb == NULL)
			return ENOMEM;
		batches[log] = sb;
	}
	fs->fs_batch = sb;
	fs->fs_index = batch_take(sb);
	if (sb->sb_free == 0) {
		batches[log] = sb->sb_next;
		sb->sb_next = NULL;
	}
	fs->fs_low = sb->sb_base + ((size_t)fs->fs_index << log) + PAGE;
	fs->fs_size = ((size_t)1 << log) - PAGE;
	tools_stack_made(fs);
	return 0;
}

void
stack_free(const struct fiberstack *fs)
{
	struct stackbatch *sb = fs->fs_batch;
	uint64_t bit = UINT64_C(1) << fs->fs_index;
	int saved = errno;

	tools_stack_gone(fs);
	if (sb->sb_free == 0) {
		sb->sb_next = batches[sb->sb_log];
		batches[sb->sb_log] = sb;
	}
	sb->sb_free |= bit;
	if (nwarm < WARM) {
		sb->sb_warm |= bit;
		nwarm++;
	} else
		(void)madvise(fs->fs_low, fs->fs_size, MADV_DONTNEED);
	errno = saved;
}
