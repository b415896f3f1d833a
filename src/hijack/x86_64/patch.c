/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * x86-64: sites of system calls become jumps, so that they need no signal.
 *
 * Only one form of a site is patched,
 *
 *	b8 NR NR NR NR		mov $NR, %eax
 *	0f 05			syscall
 *
 * and of it only the first instruction, by one of the same length,
 *
 *	e9 TO TO TO TO		jmp TO
 *
 * so that it does not matter what else jumps where: who comes to the second
 * instruction, from elsewhere, because he stood between the two when the first
 * was changed, or after a handler that interrupted him there, makes the call
 * by SIGSYS as before.  Nobody can be inside of the first.  At TO is, in memory
 * near the region,
 *
 *	mov $NR, %eax
 *	lea SITE+7(%rip), %rcx
 *	jmp *ENTRY(%rip)
 *
 * While other threads run, the five bytes are changed as if at once: first a
 * jump to itself (eb fe) is stored over the first two, in one store that does
 * not cross a cache line; whoever comes waits there.  When each processor has
 * seen it (membarrier), the other three, and when each has seen those, the
 * first two.  The child of a vfork patches nothing: it could be killed between
 * two of these steps, and its parent would be left with them.
 */
#include <linux/membarrier.h>
#include <linux/mman.h>

#include "hijack/engine.h"

#define SITESIZE  7
#define MOV	  0xb8
#define JMP	  0xe9
#define SELF	  0xfeeb /* eb fe */
#define CACHELINE 64
#define SOME	  3 /* calls of a site before it is worth it */
#define NCOUNTS	  256

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
	return ++counts[i].count >= SOME;
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

static void
store4(unsigned char *to, long value)
{
	int32_t v = (int32_t)value;

	memcpy(to, &v, sizeof(v));
}

/* What the site jumps to. */
static void
fill_slot(unsigned char *slot, unsigned char *site, unsigned long nr)
{
	static const unsigned char lea[] = {0x48, 0x8d, 0x0d};
	static const unsigned char jmp[] = {0xff, 0x25, 0, 0, 0, 0};
	const char *entry = hj_entry;

	slot[0] = MOV;
	store4(slot + 1, (long)nr);
	memcpy(slot + 5, lea, sizeof(lea));
	store4(slot + 8, site + SITESIZE - (slot + 12));
	memcpy(slot + 12, jmp, sizeof(jmp));
	memcpy(slot + 18, &entry, sizeof(entry));
}

static void
store_jump(unsigned char *site, long distance)
{
	unsigned char new[5] = {JMP};
	uint16_t head, self = SELF;

	store4(new + 1, distance);
	memcpy(&head, new, sizeof(head));
	if (!hj_threaded) {
		memcpy(site, new, sizeof(new));
		return;
	}
	__atomic_store_n((uint16_t *)(void *)site, self, __ATOMIC_SEQ_CST);
	sync_cores();
	memcpy(site + 2, new + 2, 3);
	sync_cores();
	__atomic_store_n((uint16_t *)(void *)site, head, __ATOMIC_SEQ_CST);
}

static void
patch(unsigned char *site, unsigned long nr)
{
	unsigned long page = (unsigned long)site & ~(HJ_PAGE - 1);
	unsigned long end =
	    ((unsigned long)site + 5 + HJ_PAGE - 1) & ~(HJ_PAGE - 1);
	unsigned char *slot;

	slot =
	    hj_region_slot((unsigned long)site, (unsigned long)site + SITESIZE);
	if (slot == NULL)
		return;
	fill_slot(slot, site, nr);
	if (hj_raw3(__NR_mprotect, page, end - page,
		PROT_READ | PROT_WRITE | PROT_EXEC) != 0)
		return;
	store_jump(site, slot - (site + 5));
	hj_raw3(__NR_mprotect, page, end - page, PROT_READ | PROT_EXEC);
	__atomic_fetch_add(&hj_control->hc_sites, 1, __ATOMIC_RELAXED);
}

/* A call came by SIGSYS: see to it that it does not from now on. */
void
hj_patch(struct hj_thread *t)
{
	unsigned long nr = t->t_regs.r_rax, old;
	unsigned char *site = (unsigned char *)t->t_regs.r_rip - SITESIZE;
	uint32_t operand;

	if (hj_control->hc_nopatch || t->t_vmshared || !often(t->t_regs.r_rip))
		return;
	/* Not across cache lines, and nobody else is to wait for us long. */
	if ((unsigned long)site % CACHELINE == CACHELINE - 1)
		return;
	if (hj_block(t, &old) == HJ_RESTART)
		return;
	hj_lock();
	if (hj_region_contains((unsigned long)site, t->t_regs.r_rip) &&
	    (!hj_threaded || sync_cores() == 0)) {
		memcpy(&operand, site + 1, sizeof(operand));
		if (site[0] == MOV && operand == nr)
			patch(site, nr);
	}
	hj_unlock();
	hj_setmask(old);
}
