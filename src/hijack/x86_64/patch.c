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
 *	0f 05			syscall
 *
 * which was just executed, so that it surely is an instruction, becomes a short
 * jump to bytes that nobody executes (gap.c), with room for a jump to memory
 * near the region:
 *
 *	eb GAP			jmp GAP
 *
 *	GAP:	jmp TO
 *	TO:	lea SITE+2(%rip), %rcx
 *		jmp *ENTRY(%rip)
 *
 * Where there is no gap, but the number is loaded right before,
 *
 *	b8 NR NR NR NR		mov $NR, %eax
 *	0f 05			syscall
 *
 * it is that instruction which becomes a jump, and who comes to the second one
 * otherwise still makes the call, by SIGSYS:
 *
 *	e9 TO TO TO TO		jmp TO
 *
 *	TO:	mov $NR, %eax
 *		lea SITE+7(%rip), %rcx
 *		jmp *ENTRY(%rip)
 *
 * While other threads run, the two bytes of the first form are one store, which
 * does not cross a cache line, when each processor has seen the gap
 * (membarrier).  The second form's five bytes are changed as if at once: first
 * a jump to itself (eb fe) is stored over the first two; whoever comes waits
 * there.  When each processor has seen it, the other three, and when each has
 * seen those, the first two.  The child of a vfork patches nothing: it could be
 * killed between two of these steps, and its parent would be left with them.
 */
#include <linux/membarrier.h>
#include <linux/mman.h>

#include "hijack/engine.h"

#define CALLSIZE  2 /* of the instruction `syscall' */
#define JMPSIZE	  5
#define INT3	  0xcc
#define MOV	  0xb8
#define REX	  0x40
#define JMP	  0xe9
#define JMP_SHORT 0xeb
#define CACHELINE 64
#define SOME	  16 /* calls by SIGSYS that cost what patching does */
#define NCOUNTS	  512
#define WAYS	  8

/* How often sites were called: each in one of WAYS places, or forgotten. */
static struct {
	uint32_t site; /* its low half */
	uint32_t count;
} counts[NCOUNTS + WAYS];

static int
often(unsigned long site)
{
	unsigned int place = (unsigned int)((site ^ site >> 12) % NCOUNTS);
	unsigned int least = place;

	for (unsigned int i = place; i < place + WAYS; i++) {
		/* Once: if it could not be, it cannot. */
		if (counts[i].site == (uint32_t)site)
			return ++counts[i].count == SOME;
		if (counts[i].count < counts[least].count)
			least = i;
	}
	counts[least].site = (uint32_t)site;
	counts[least].count = 1;
	return 0;
}

/* Each processor that runs a thread of this memory has seen what is there. */
static int
sync_cores(void)
{
	const int sync = MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE;
	const int ask = MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE;

	/* A process asks once for the right to; its children have not. */
	if (hj_raw3(__NR_membarrier, sync, 0, 0) == 0)
		return 0;
	if (hj_raw3(__NR_membarrier, ask, 0, 0) != 0 ||
	    hj_raw3(__NR_membarrier, sync, 0, 0) != 0)
		return ENOSYS;
	return 0;
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

/* A jump in a gap; the rest must still look like one. */
static void
fill_gap(unsigned char *gap, unsigned long end, const unsigned char *to)
{
	gap[0] = JMP;
	store4(gap + 1, to - (gap + JMPSIZE));
	memset(gap + JMPSIZE, INT3, end - (unsigned long)(gap + JMPSIZE));
}

/* Two bytes of an instruction, that do not cross a cache line. */
static void
store2(unsigned char *at, unsigned char first, unsigned char second)
{
	__atomic_store_n((uint16_t *)(void *)at,
	    (uint16_t)(first | second << 8), __ATOMIC_SEQ_CST);
}

/* The second form. */
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

/* The first form. */
static void
replace_call(unsigned char *call, unsigned char *gap, unsigned long gapend,
    const unsigned char *slot)
{
	fill_gap(gap, gapend, slot);
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

/* Whether the number is loaded by the instruction before the call. */
static int
has_mov(const struct hj_region *r, const unsigned char *call, unsigned long nr)
{
	const unsigned char *mov = call - JMPSIZE;
	uint32_t operand;

	if ((unsigned long)mov <= r->start || mov[0] != MOV ||
	    crosses((unsigned long)mov))
		return 0;
	/* With a prefix it would load another register. */
	if ((mov[-1] & 0xf0) == REX)
		return 0;
	memcpy(&operand, mov + 1, sizeof(operand));
	return operand == nr;
}

/* Patch the call at an address in a region; it has the number nr. */
static void
patch(struct hj_region *r, unsigned char *call, unsigned long nr)
{
	unsigned long low = (unsigned long)call, high = low + CALLSIZE;
	unsigned long gapend = 0;
	unsigned char *gap = NULL, *slot;

	if (!crosses(low))
		gap = (unsigned char *)hj_gap_find(
		    low, r->start, r->end, r->base, &gapend);
	if (gap != NULL) {
		low = HJ_MIN(low, (unsigned long)gap);
		high = HJ_MAX(high, gapend);
	} else if (has_mov(r, call, nr)) {
		low -= JMPSIZE;
	} else {
		return;
	}
	slot = hj_region_slot(r);
	if (slot == NULL ||
	    protect(low, high, PROT_READ | PROT_WRITE | PROT_EXEC) != 0)
		return;
	fill_slot(
	    slot, (unsigned long)call + CALLSIZE, gap == NULL ? (long)nr : -1);
	if (gap != NULL)
		replace_call(call, gap, gapend, slot);
	else
		replace_mov(call - JMPSIZE, slot);
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
