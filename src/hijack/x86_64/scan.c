/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * x86-64: what begins, a dynamic linker or a program without one, is looked
 * through when it is mapped for the first time in a world, for sites that are
 * known without anybody having come from them (sites.c).
 *
 * Calls, right behind their numbers (patch.c), in pages that have many: each
 * start of a program makes most of them, once.
 *
 * What is asked of the processor.  In a virtual machine each cpuid is answered
 * by its host, in microseconds; a dynamic linker asks dozens of times, most
 * often the same.  What has one answer on all processors, for as long as the
 * machine runs, is asked once in a world, and the sites become jumps, as those
 * of calls do:
 *
 *	b8 LEAF LEAF LEAF LEAF	mov $LEAF, %eax
 *	0f a2			cpuid
 *
 * The first instruction jumps to where the answer is loaded, and who comes to
 * the second one otherwise still asks.
 */
#include "hijack/engine.h"

#define ASKSIZE	   2 /* of the instruction `cpuid', or `syscall' */
#define MOVSIZE	   5
#define MOV	   0xb8 /* to the register with the number that is added */
#define CPUID	   0xa2 /* behind 0f */
#define SYSCALL	   0x05
#define EXTENDED   0x80000000U /* the leaves that are asked for again */
#define HYPERVISOR (1U << 31)
#define MUCH	   (2UL << 20) /* text: to look through it is not worth it */
#define MANY	   4	       /* calls in a page */
#define ONES	   0x0101010101010101UL

static void
ask(uint32_t leaf, struct hj_answer *a)
{
	uint32_t *regs = a->a_regs;

	__asm__ volatile(
	    "cpuid"
	    : "=a"(regs[0]), "=b"(regs[1]), "=c"(regs[2]), "=d"(regs[3])
	    : "0"(leaf), "2"(0));
}

/* Does it take a host of its own to answer? */
static int
is_slow(void)
{
	struct hj_answer a;

	ask(1, &a);
	return (a.a_regs[2] & HYPERVISOR) != 0;
}

static struct hj_answer *
answer(uint32_t leaf)
{
	return leaf - EXTENDED < HJ_NANSWERS
		   ? &hj_control->hc_answers[leaf - EXTENDED]
		   : NULL;
}

/* Whether at is behind a mov, with an instruction 0f SECOND; what is moved. */
static int
is_site(const struct hj_region *r, const unsigned char *at,
    unsigned char second, uint32_t *value)
{
	return (unsigned long)at >= r->start &&
	       (unsigned long)at + ASKSIZE <= r->end && at[0] == 0x0f &&
	       at[1] == second && hj_mov_at(r, at - MOVSIZE, value) == 0;
}

static void
note_cpuid(const struct hj_region *r, const unsigned char *at, uint32_t leaf)
{
	struct hj_answer *a = answer(leaf);

	if (a == NULL)
		return;
	/* Whoever else does the same gets the same. */
	if (!a->a_known) {
		ask(leaf, a);
		__atomic_store_n(&a->a_known, 1, __ATOMIC_RELEASE);
	}
	hj_sites_note(
	    &r->file, (unsigned long)at - r->base, leaf, HJ_GAP_ANSWER);
}

/*
 * Whether a byte of the word at `at' may be the second of such an instruction,
 * whose first one is 0f.
 */
static int
may_be(const unsigned char *at, unsigned char second)
{
	uint64_t w = (hj_word_at(at) ^ ONES * second) |
		     (hj_word_at(at - 1) ^ ONES * 0x0f);

	return ((w - ONES) & ~w & ONES * 0x80) != 0;
}

/*
 * From one address to another: tell what is there of an instruction, and how
 * often it is.  There is a byte before the first.
 */
static int
text_look(const struct hj_region *r, unsigned long from, unsigned long to,
    unsigned char second,
    void (*tell)(const struct hj_region *, const unsigned char *, uint32_t))
{
	const unsigned char *at = (const unsigned char *)from;
	uint32_t value;
	int n = 0;

	for (; at < (const unsigned char *)to; at += 8) {
		if (!may_be(at, second))
			continue;
		for (unsigned long i = 0; i < 8; i++) {
			if (!is_site(r, at + i - 1, second, &value))
				continue;
			n++;
			if (tell != NULL)
				tell(r, at + i - 1, value);
		}
	}
	return n;
}

static void
note_call(const struct hj_region *r, const unsigned char *at, uint32_t nr)
{
	if (nr < HJ_NCALLS)
		hj_sites_note(
		    &r->file, (unsigned long)at - r->base, nr, HJ_GAP_UNKNOWN);
}

static void
region_look(const struct hj_region *r)
{
	unsigned long page, next;
	int slow = is_slow();

	for (page = r->start; page < r->end; page = next) {
		/* The region's first word has nothing before it. */
		unsigned long from = page == r->start ? page + 8 : page;

		next = page + HJ_PAGE;
		if (slow)
			text_look(r, from, next, CPUID, note_cpuid);
		if (text_look(r, from, next, SYSCALL, NULL) >= MANY)
			text_look(r, from, next, SYSCALL, note_call);
	}
}

void
hj_scan(unsigned long start, unsigned long end)
{
	struct hj_region *r = NULL;
	struct hj_sites *st;

	while ((r = hj_region_next(r, start, end)) != NULL) {
		if (r->end - r->start > MUCH ||
		    (st = hj_sites_get(&r->file)) == NULL || st->st_scanned)
			continue;
		st->st_scanned = 1;
		region_look(r);
	}
}

int
hj_answer_patch(struct hj_region *r, unsigned char *at)
{
	static const unsigned char regs[] = {0, 3, 1, 2}; /* as they are told */
	const struct hj_answer *a;
	unsigned char *slot, *to;
	uint32_t leaf;

	/* Acquire pairs with the release in note_cpuid. */
	if (!is_site(r, at, CPUID, &leaf) || (a = answer(leaf)) == NULL ||
	    !__atomic_load_n(&a->a_known, __ATOMIC_ACQUIRE))
		return 0;
	if ((slot = to = hj_region_slot(r)) == NULL)
		return ENOMEM;
	for (int i = 0; i < 4; i++, to += MOVSIZE) {
		to[0] = (unsigned char)(MOV + regs[i]);
		memcpy(to + 1, &a->a_regs[i], sizeof(a->a_regs[i]));
	}
	hj_jump_put(to, at + ASKSIZE);
	hj_jump_put(at - MOVSIZE, slot);
	return 0;
}
