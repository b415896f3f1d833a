/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * x86-64: sites of system calls become jumps, so that they need no signal.
 *
 * Of a site one instruction is replaced, by one of the same length.  So nobody
 * can be inside of it, and it does not matter what jumps where, who stood
 * before or behind it when that was done, or where the handler returns to that
 * interrupted somebody there: all find either what was there or what does the
 * same.  There are two forms.
 *
 *	b8 NR NR NR NR		mov $NR, %eax
 *	0f 05			syscall
 *
 * has its first instruction replaced by a jump to memory near the region,
 *
 *	e9 TO TO TO TO		jmp TO
 *
 *	TO:	mov $NR, %eax
 *		lea SITE+7(%rip), %rcx
 *		jmp *ENTRY(%rip)
 *
 * and who comes to the second one still makes the call, by SIGSYS.  At other
 * sites the call itself is replaced by a short jump to bytes that nobody
 * executes (gap.c), which have room for a jump:
 *
 *	eb GAP			jmp GAP
 *
 *	GAP:	jmp TO
 *
 * While other threads run, the first form's five bytes are changed as if at
 * once: first a jump to itself (eb fe) is stored over the first two, in one
 * store that does not cross a cache line; whoever comes waits there.  When each
 * processor has seen it (membarrier), the other three, and when each has seen
 * those, the first two.  The two bytes of the second form are one store, when
 * each processor has seen the gap.  The child of a vfork patches nothing: it
 * could be killed between two of these steps, and its parent would be left
 * with them.
 */
#include <linux/membarrier.h>
#include <linux/mman.h>

#include "hijack/engine.h"

#define CALLSIZE  2 /* of the instruction `syscall' */
#define JMPSIZE	  5
#define MOV	  0xb8
#define JMP	  0xe9
#define JMP_SHORT 0xeb
#define CACHELINE 64
#define SOME	  3 /* calls of a site before it is worth it */
#define NCOUNTS	  1024

/* How often sites were called; different ones may share a place. */
static struct {
	uint32_t site; /* its low half */
	uint32_t count;
} counts[NCOUNTS];

static int
often(unsigned long site)
{
	unsigned int i = (unsigned int)((site ^ site >> 12) % NCOUNTS);

	if (counts[i].site != (uint32_t)site) {
		counts[i].site = (uint32_t)site;
		counts[i].count = 0;
	}
	/* Once: if it could not be, it cannot. */
	return ++counts[i].count == SOME;
}

static int
sync_cores(void)
{
	static int registered; /* by this process or one that it is a copy of */

	if (!registered) {
		if (hj_raw3(__NR_membarrier,
			MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, 0,
			0) != 0)
			return ENOSYS;
		registered = 1;
	}
	return hj_raw3(__NR_membarrier,
		   MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0) == 0
		   ? 0
		   : ENOSYS;
}

/* Whether two bytes there are in two cache lines. */
static int
crosses(unsigned long at)
{
	return at % CACHELINE == CACHELINE - 1;
}

static void
store4(unsigned char *to, long value)
{
	int32_t v = (int32_t)value;

	memcpy(to, &v, sizeof(v));
}

/*
 * What a jump of ours leads to: by its instruction pointer the engine knows
 * the call, so it returns behind the site.
 */
static void
fill_slot(unsigned char *slot, unsigned long resume, long nr)
{
	static const unsigned char lea[] = {0x48, 0x8d, 0x0d};
	static const unsigned char jmp[] = {0xff, 0x25, 0, 0, 0, 0};
	const char *entry = hj_entry;

	if (nr >= 0) {
		*slot++ = MOV;
		store4(slot, nr);
		slot += 4;
	}
	memcpy(slot, lea, sizeof(lea));
	store4(slot + 3, (long)resume - (long)(slot + 7));
	memcpy(slot + 7, jmp, sizeof(jmp));
	memcpy(slot + 13, &entry, sizeof(entry));
}

/* A jump of five bytes where nobody is. */
static void
put_jump(unsigned char *at, const unsigned char *to)
{
	at[0] = JMP;
	store4(at + 1, to - (at + JMPSIZE));
}

/* Two bytes of an instruction, that do not cross a cache line. */
static void
store2(unsigned char *at, unsigned char first, unsigned char second)
{
	__atomic_store_n((uint16_t *)(void *)at,
	    (uint16_t)(first | second << 8), __ATOMIC_SEQ_CST);
}

/* The first form. */
static void
replace_mov(unsigned char *site, const unsigned char *slot)
{
	unsigned char new[JMPSIZE];

	new[0] = JMP;
	store4(new + 1, slot - (site + JMPSIZE));
	if (hj_threaded) {
		store2(site, JMP_SHORT, 0xfe);
		sync_cores();
		memcpy(site + 2, new + 2, 3);
		sync_cores();
	} else {
		memcpy(site + 2, new + 2, 3);
	}
	store2(site, new[0], new[1]);
}

/* The second form. */
static void
replace_call(unsigned char *call, unsigned char *gap, const unsigned char *slot)
{
	put_jump(gap, slot);
	if (hj_threaded)
		sync_cores();
	store2(call, JMP_SHORT, (unsigned char)(gap - (call + CALLSIZE)));
}

static long
protect(unsigned long start, unsigned long end, long prot)
{
	start &= ~(HJ_PAGE - 1);
	end = (end + HJ_PAGE - 1) & ~(HJ_PAGE - 1);
	return hj_raw3(__NR_mprotect, start, end - start, prot);
}

/* Patch the call at an address in a region; it has the number nr. */
static void
patch(struct hj_region *r, unsigned char *call, unsigned long nr)
{
	unsigned char *mov = call - JMPSIZE, *slot, *gap = NULL;
	unsigned long low = (unsigned long)call, high = low;
	uint32_t operand = 0;
	int first = 0;

	if ((unsigned long)mov >= r->start && mov[0] == MOV) {
		memcpy(&operand, mov + 1, sizeof(operand));
		first = operand == nr && !crosses((unsigned long)mov);
	}
	if (first) {
		low = (unsigned long)mov;
	} else {
		gap = (unsigned char *)hj_gap_find(
		    low, r->start, r->end, r->base);
		if (gap == NULL || crosses(low))
			return;
		low = HJ_MIN(low, (unsigned long)gap);
		high = HJ_MAX(high, (unsigned long)gap + JMPSIZE);
	}
	slot = hj_region_slot(r);
	if (slot == NULL ||
	    protect(low, high, PROT_READ | PROT_WRITE | PROT_EXEC) != 0)
		return;
	fill_slot(slot, (unsigned long)call + CALLSIZE, first ? (long)nr : -1);
	if (first)
		replace_mov(mov, slot);
	else
		replace_call(call, gap, slot);
	protect(low, high, PROT_READ | PROT_EXEC);
	__atomic_fetch_add(&hj_control->hc_sites, 1, __ATOMIC_RELAXED);
}

/* A call came by SIGSYS: see to it that it does not from now on. */
void
hj_patch(struct hj_thread *t)
{
	unsigned long call = t->t_regs.r_rip - CALLSIZE, old;
	struct hj_region *r;

	if (hj_control->hc_nopatch || t->t_vmshared || !often(call))
		return;
	if (hj_block(t, &old) == HJ_RESTART)
		return;
	hj_lock();
	r = hj_region_find(call, call + CALLSIZE);
	/* Somebody else may have done it. */
	if (r != NULL && memcmp((void *)call, "\x0f\x05", CALLSIZE) == 0 &&
	    (!hj_threaded || sync_cores() == 0))
		patch(r, (unsigned char *)call, t->t_regs.r_rax);
	hj_unlock();
	hj_setmask(t, old);
}
