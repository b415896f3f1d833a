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
 * which was just executed, or is behind its number (scan.c), so that it surely
 * is an instruction, becomes a short jump to bytes that nobody executes
 * (gap.c), with room for a jump to memory near the region:
 *
 *	eb GAP			jmp GAP
 *
 *	GAP:	jmp TO
 *	TO:	lea SITE+2(%rip), %rcx
 *		jmp *ENTRY(%rip)
 *
 * Where there is no gap, but the number is loaded right before, or the
 * directory AT_FDCWD,
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
 * killed between two of these steps, and its parent would be left with them; so
 * the parent does it, when the child has let it go on.
 *
 * Sites in files are noted when somebody comes from them first, or found where
 * programs begin (scan.c), and patched by whoever maps the file later, before
 * anybody can be there (sites.c).
 */
#include <linux/fcntl.h>
#include <linux/membarrier.h>
#include <linux/mman.h>

#include "hijack/engine.h"

#define CALLSIZE  2 /* of the instruction `syscall' */
#define JMPSIZE	  5
#define INT3	  0xcc
#define MOV	  0xb8 /* to the register with the number that is added */
#define EAX	  0
#define EDI	  7
#define REX	  0x40
#define JMP	  0xe9
#define JMP_SHORT 0xeb
#define CACHELINE 64
#define SOME	  4 /* calls by SIGSYS that cost what patching does */
#define NCOUNTS	  512
#define WAYS	  8
#define NWAITING  8

/* How often sites were called: each in one of WAYS places, or forgotten. */
static struct {
	uint32_t site; /* its low half */
	uint32_t count;
} counts[NCOUNTS + WAYS];

static uint32_t
count(unsigned long site)
{
	unsigned int place = (unsigned int)((site ^ site >> 12) % NCOUNTS);
	unsigned int least = place;

	for (unsigned int i = place; i < place + WAYS; i++) {
		if (counts[i].site == (uint32_t)site)
			return ++counts[i].count;
		if (counts[i].count < counts[least].count)
			least = i;
	}
	counts[least].site = (uint32_t)site;
	counts[least].count = 1;
	return 1;
}

/* What the child of a vfork leaves to its parent. */
static struct {
	unsigned long call;
	unsigned long nr;
} waiting[NWAITING];
static uint32_t nwaiting;

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
 * the call, so it returns behind the site.  mov: what the jump is there instead
 * of, or NULL.
 */
static void
fill_slot(unsigned char *slot, unsigned long resume, const unsigned char *mov)
{
	static const unsigned char lea[] = {0x48, 0x8d, 0x0d};
	static const unsigned char jmp[] = {0xff, 0x25, 0, 0, 0, 0};
	const char *entry = hj_entry;

	if (mov != NULL) {
		memcpy(slot, mov, JMPSIZE);
		slot += JMPSIZE;
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

/* A jump of five bytes, as in the second form. */
void
hj_jump_put(unsigned char *site, const unsigned char *slot)
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

/*
 * Which register a mov of five bytes loads, and with what; -1: there is none
 * that could be a jump.
 */
int
hj_mov_at(const struct hj_region *r, const unsigned char *mov, uint32_t *value)
{
	if ((unsigned long)mov <= r->start || (*mov & 0xf8) != MOV ||
	    crosses((unsigned long)mov))
		return -1;
	/* With a prefix it would load another register. */
	if ((mov[-1] & 0xf0) == REX)
		return -1;
	memcpy(value, mov + 1, sizeof(*value));
	return *mov & 7;
}

/*
 * Whether the number, or AT_FDCWD, is loaded by the instruction before the
 * call.  Such bytes are no part of another one.
 */
static int
has_mov(const struct hj_region *r, const unsigned char *call, unsigned long nr)
{
	uint32_t value;

	switch (hj_mov_at(r, call - JMPSIZE, &value)) {
	case EAX:
		return value == nr;
	case EDI:
		return value == (uint32_t)AT_FDCWD;
	default:
		return 0;
	}
}

/*
 * How a call with the number nr can be patched: by a gap, or with *gap 0 in the
 * second form.
 */
static int
way_find(const struct hj_region *r, unsigned char *call, unsigned long nr,
    unsigned long *gap, unsigned long *gapend)
{
	*gap = 0;
	if (!crosses((unsigned long)call))
		*gap = hj_gap_find(
		    (unsigned long)call, r->start, r->end, r->base, gapend);
	return *gap != 0 || has_mov(r, call, nr) ? 0 : ENOENT;
}

/* Patch it; its text can be written to.  ENOMEM: the region is no more. */
static int
patch_so(struct hj_region *r, unsigned char *call, unsigned long gap,
    unsigned long gapend)
{
	unsigned char *slot = hj_region_slot(r);

	if (slot == NULL)
		return ENOMEM;
	fill_slot(slot, (unsigned long)call + CALLSIZE,
	    gap == 0 ? call - JMPSIZE : NULL);
	if (gap != 0)
		replace_call(call, (unsigned char *)gap, gapend, slot);
	else
		hj_jump_put(call - JMPSIZE, slot);
	__atomic_fetch_add(&hj_control->hc_sites, 1, __ATOMIC_RELAXED);
	return 0;
}

static int
is_call(const unsigned char *call)
{
	return memcmp(call, "\x0f\x05", CALLSIZE) == 0;
}

/* Patch the call at an address, if it is one; it has the number nr. */
static void
patch(unsigned long low, unsigned long nr)
{
	struct hj_region *r = hj_region_find(low, low + CALLSIZE);
	unsigned long high = low + CALLSIZE, gap, gapend = 0;
	unsigned char *call = (unsigned char *)low;

	/* Somebody else may have done it. */
	if (r == NULL || !is_call(call) ||
	    way_find(r, call, nr, &gap, &gapend) != 0)
		return;
	if (gap != 0) {
		low = HJ_MIN(low, gap);
		high = HJ_MAX(high, gapend);
	} else {
		low -= JMPSIZE;
	}
	if (protect(low, high, PROT_READ | PROT_WRITE | PROT_EXEC) != 0)
		return;
	patch_so(r, call, gap, gapend);
	protect(low, high, PROT_READ | PROT_EXEC);
}

/* Who comes from a site for the first time says so. */
static void
note(unsigned long call, unsigned long nr)
{
	const struct hj_region *r = hj_region_find(call, call + CALLSIZE);

	if (r != NULL)
		hj_sites_note(&r->file, call - r->base, nr, HJ_GAP_UNKNOWN);
}

/*
 * Where a known site's gap is, if it has one: who comes first looks for it, as
 * all would, since all patch the file's sites in one order.
 */
static uint32_t
known_gap(const struct hj_region *r, struct hj_site *s, unsigned char *call)
{
	/* Acquire and release pair with each other. */
	uint32_t how = __atomic_load_n(&s->s_gap, __ATOMIC_ACQUIRE);
	unsigned long gap, gapend = 0;

	if (how != HJ_GAP_UNKNOWN)
		return how;
	if (way_find(r, call, s->s_nr, &gap, &gapend) != 0)
		how = HJ_GAP_NOTHING;
	else
		how = gap == 0 ? HJ_GAP_MOV : (uint32_t)(gap - r->base);
	s->s_gapend = (uint32_t)(gapend - r->base);
	__atomic_store_n(&s->s_gap, how, __ATOMIC_RELEASE);
	return how;
}

/* Patch a site that others have come from, at an offset in the file. */
static int
known_patch(struct hj_region *r, struct hj_site *s, unsigned long at)
{
	unsigned char *call = (unsigned char *)(r->base + at);
	unsigned long gap, gapend;
	uint32_t how;

	if ((unsigned long)call < r->start + JMPSIZE ||
	    (unsigned long)call + CALLSIZE > r->end ||
	    __atomic_load_n(&s->s_gap, __ATOMIC_RELAXED) == HJ_GAP_NOTHING)
		return 0;
	/* So that the host gives the page at once as it will be. */
	__atomic_fetch_or(call, 0, __ATOMIC_RELAXED);
	if (s->s_gap == HJ_GAP_ANSWER)
		return hj_answer_patch(r, call);
	if (!is_call(call))
		return 0;
	how = known_gap(r, s, call);
	if (how == HJ_GAP_NOTHING)
		return 0;
	if (how == HJ_GAP_MOV)
		return has_mov(r, call, s->s_nr) ? patch_so(r, call, 0, 0) : 0;
	gap = r->base + how;
	gapend = r->base + s->s_gapend;
	if (gap < r->start || gapend < gap || gapend > r->end ||
	    crosses((unsigned long)call) ||
	    !hj_gap_isfree((unsigned long)call, gap, gapend))
		return 0;
	return patch_so(r, call, gap, gapend);
}

static void
region_patch(struct hj_region *r, struct hj_sites *st)
{
	unsigned long start = r->start, end = r->end;
	uint32_t at;

	if (protect(start, end, PROT_READ | PROT_WRITE | PROT_EXEC) != 0)
		return;
	for (int i = 0; i < HJ_NSITES; i++) {
		/* Acquire pairs with the release in hj_sites_note. */
		at = __atomic_load_n(&st->st_sites[i].s_call, __ATOMIC_ACQUIRE);
		if (at == 0 || known_patch(r, &st->st_sites[i], at) != 0)
			break;
	}
	protect(start, end, PROT_READ | PROT_EXEC);
}

/*
 * Patch a call, and with it what else is known of its file: who calls one often
 * enough calls others, and to get the text written to is most of the cost.
 */
static void
patch_all(unsigned long call, unsigned long nr)
{
	struct hj_region *r = hj_region_find(call, call + CALLSIZE);
	struct hj_sites *st =
	    r != NULL && !hj_threaded ? hj_sites_find(&r->file) : NULL;

	if (st != NULL)
		region_patch(r, st);
	patch(call, nr);
}

/* A call came by SIGSYS: see to it that it does not from now on. */
void
hj_patch(struct hj_thread *t)
{
	unsigned long call = t->t_regs.r_rip - CALLSIZE, old;
	unsigned long nr = t->t_regs.r_rax;
	uint32_t n;

	if (hj_control->hc_nopatch || (t->t_vmshared && hj_threaded))
		return;
	n = count(call);
	if (n == 1 && !hj_threaded)
		note(call, nr);
	/* Once: if it could not be, it cannot. */
	if (n != SOME)
		return;
	if (t->t_vmshared) {
		if (nwaiting < NWAITING) {
			waiting[nwaiting].nr = nr;
			waiting[nwaiting++].call = call;
		}
		return;
	}
	if (hj_block(t, &old) == HJ_RESTART)
		return;
	hj_lock();
	if (!hj_threaded || sync_cores() == 0)
		patch_all(call, nr);
	hj_unlock();
	hj_setmask(t, old);
}

/* After a vfork, with all signals blocked. */
void
hj_patch_waiting(void)
{
	hj_lock();
	while (nwaiting > 0) {
		nwaiting--;
		patch(waiting[nwaiting].call, waiting[nwaiting].nr);
	}
	hj_unlock();
}

/* What was just mapped in [start, end), where nobody is: its known sites. */
void
hj_patch_known(unsigned long start, unsigned long end)
{
	struct hj_region *r = NULL;
	struct hj_sites *st;

	while ((r = hj_region_next(r, start, end)) != NULL) {
		st = hj_sites_find(&r->file);
		if (st != NULL)
			region_patch(r, st);
	}
}
