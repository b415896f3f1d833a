/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * x86-64: what is asked of the processor when a program starts.
 *
 * In a virtual machine each cpuid is answered by its host, in microseconds; a
 * dynamic linker asks dozens of times, most often the same.  What has one
 * answer on all processors, for as long as the machine runs, is asked once in a
 * world, and the sites become jumps, as sites of calls do (patch.c):
 *
 *	b8 LEAF LEAF LEAF LEAF	mov $LEAF, %eax
 *	0f a2			cpuid
 *
 * The first instruction jumps to where the answer is loaded, and who comes to
 * the second one otherwise still asks.
 */
#include "hijack/engine.h"

#define ASKSIZE	   2 /* of the instruction `cpuid' */
#define MOVSIZE	   5
#define MOV	   0xb8 /* to the register with the number that is added */
#define JMP	   0xe9
#define EXTENDED   0x80000000U /* the leaves that are asked for again */
#define HYPERVISOR (1U << 31)
#define MUCH	   (2UL << 20) /* text: to look through it is not worth it */
#define ONES	   0x0101010101010101UL

typedef uint64_t __attribute__((may_alias)) word_t;

static void
ask(uint32_t leaf, struct hj_answer *a)
{
	uint32_t *regs = a->a_regs;

	__asm__ volatile("cpuid"
			 : "=a"(regs[0]), "=b"(regs[1]), "=c"(regs[2]),
			 "=d"(regs[3])
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

/* Whether at is behind a mov of that and a cpuid; the leaf. */
static int
is_site(const struct hj_region *r, const unsigned char *at, uint32_t *leaf)
{
	return (unsigned long)at >= r->start &&
	       (unsigned long)at + ASKSIZE <= r->end &&
	       memcmp(at, "\x0f\xa2", ASKSIZE) == 0 &&
	       hj_mov_at(r, at - MOVSIZE, leaf) == 0;
}

static void
note(const struct hj_region *r, const unsigned char *at)
{
	struct hj_answer *a;
	uint32_t leaf;

	if (!is_site(r, at, &leaf) || (a = answer(leaf)) == NULL)
		return;
	/* Whoever else does the same gets the same. */
	if (!a->a_known) {
		ask(leaf, a);
		__atomic_store_n(&a->a_known, 1, __ATOMIC_RELEASE);
	}
	hj_sites_note(
	    &r->file, (unsigned long)at - r->base, leaf, HJ_GAP_ANSWER);
}

/* A word in which a byte is 0xa2, the second of the instruction. */
static int
may_ask(word_t word)
{
	word_t w = word ^ ONES * 0xa2;

	return ((w - ONES) & ~w & ONES * 0x80) != 0;
}

static void
region_look(const struct hj_region *r)
{
	const word_t *end = (const word_t *)r->end;

	for (const word_t *w = (const word_t *)r->start; w < end; w++) {
		if (!may_ask(*w))
			continue;
		for (unsigned long i = 0; i < sizeof(*w); i++) {
			if ((*w >> 8 * i & 0xff) == 0xa2)
				note(r, (const unsigned char *)w + i - 1);
		}
	}
}

void
hj_cpuid_note(unsigned long start, unsigned long end)
{
	struct hj_region *r = NULL;
	struct hj_sites *st;

	while ((r = hj_region_next(r, start, end)) != NULL) {
		if (r->end - r->start > MUCH ||
		    (st = hj_sites_get(&r->file)) == NULL || st->st_asks)
			continue;
		st->st_asks = 1;
		if (is_slow())
			region_look(r);
	}
}

int
hj_cpuid_patch(struct hj_region *r, unsigned char *at)
{
	static const unsigned char regs[] = {0, 3, 1, 2}; /* as they are told */
	const struct hj_answer *a;
	unsigned char *slot, *to;
	uint32_t leaf;
	int32_t v;

	/* Acquire pairs with the release in note. */
	if (!is_site(r, at, &leaf) || (a = answer(leaf)) == NULL ||
	    !__atomic_load_n(&a->a_known, __ATOMIC_ACQUIRE))
		return 0;
	if ((slot = to = hj_region_slot(r)) == NULL)
		return ENOMEM;
	for (int i = 0; i < 4; i++, to += MOVSIZE) {
		to[0] = (unsigned char)(MOV + regs[i]);
		memcpy(to + 1, &a->a_regs[i], sizeof(v));
	}
	to[0] = JMP;
	v = (int32_t)(at + ASKSIZE - (to + MOVSIZE));
	memcpy(to + 1, &v, sizeof(v));
	hj_jump_put(at - MOVSIZE, slot);
	return 0;
}
