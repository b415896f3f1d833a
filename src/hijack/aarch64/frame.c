/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * aarch64: the frames of signals, the host's and the program's, and how a call
 * that was trapped gets to the engine and back.
 *
 * A frame is a struct hj_frame, whose end is records: the floating-point
 * registers, perhaps others, and perhaps one that says that more records follow
 * behind all that.  Above it are x29 and x30, for who walks the stack.
 *
 * There is no way to load all registers but rt_sigreturn.  So the engine stays
 * in the handler of SIGSYS, makes the call there, with the program's mask, and
 * leaves by the frame that is above its stack.
 */
#include <linux/audit.h>

#include "hijack/engine.h"

#define BTYPE 0xc00UL /* of pstate: how it was jumped to here */

_Static_assert(offsetof(struct hj_thread, t_deferred) == HJ_T_DEFERRED, "");
_Static_assert(sizeof(struct hj_frame) + 16 <= HJ_FRAMESIZE, "");

static struct hj_frame *
frame_of(struct ucontext *uc)
{
	return (
	    struct hj_frame *)((uintptr_t)uc - offsetof(struct hj_frame, f_uc));
}

/* A record of a frame, or the end of its records if there is none. */
static struct _aarch64_ctx *
record_find(struct hj_frame *frame, uint32_t magic)
{
	unsigned char *p = frame->f_uc.uc_mcontext.__reserved;
	struct _aarch64_ctx *record = (struct _aarch64_ctx *)(void *)p;

	while (record->magic != 0 && record->magic != magic) {
		p += record->size;
		record = (struct _aarch64_ctx *)(void *)p;
	}
	return record;
}

/* The same without one; those behind it move. */
static void
record_drop(struct hj_frame *frame, uint32_t magic)
{
	struct _aarch64_ctx *record = record_find(frame, magic);
	struct _aarch64_ctx *end = record_find(frame, 0);
	uintptr_t next = (uintptr_t)record + record->size;

	if (record->magic != 0)
		memmove(
		    record, (void *)next, (uintptr_t)end + sizeof(*end) - next);
}

static struct extra_context *
extra_find(struct hj_frame *frame)
{
	struct _aarch64_ctx *record = record_find(frame, EXTRA_MAGIC);

	return record->magic != 0 ? (struct extra_context *)(void *)record
				  : NULL;
}

struct hj_thread *
hj_current(void)
{
	uintptr_t sp;

	__asm__("mov %0, sp" : "=r"(sp));
	return (
	    struct hj_thread *)((sp & ~(HJ_STACKALIGN - 1UL)) + HJ_STACKSIZE);
}

/* The first thread has a place for its frame, as the others get one. */
void
hj_thread_set(struct hj_thread *t)
{
	if (t->t_regs.r_frame == NULL)
		t->t_regs.r_frame =
		    (struct hj_frame *)(t->t_stack - HJ_FRAMESIZE);
}

/* Make the program's frame below sp and let the host's lead to the handler. */
void
hj_frame_push(struct hj_thread *t, struct ucontext *uc, const siginfo_t *info,
    const struct hj_sigaction *action, unsigned long mask, unsigned long sp)
{
	struct sigcontext *sc = &uc->uc_mcontext;
	struct hj_frame *from = frame_of(uc), *frame;
	struct extra_context *extra = extra_find(from);
	size_t size = sizeof(*from);
	uint64_t *above;

	if (extra != NULL)
		size = extra->datap + extra->size - (uintptr_t)from;
	above = (uint64_t *)((sp & ~15UL) - 16);
	above[0] = sc->regs[29];
	above[1] = sc->regs[30];
	frame = (struct hj_frame *)(((uintptr_t)above - size) & ~15UL);
	memcpy(frame, from, size);
	if (extra != NULL)
		extra_find(frame)->datap += (uintptr_t)frame - (uintptr_t)from;
	frame->f_info = *info;
	frame->f_uc.uc_link = NULL;
	frame->f_uc.uc_stack = t->t_alt;
	HJ_UC_MASK(&frame->f_uc) = mask;

	sc->regs[0] = (unsigned long)info->si_signo;
	sc->regs[1] = (uintptr_t)&frame->f_info;
	sc->regs[2] = (uintptr_t)&frame->f_uc;
	sc->regs[29] = (uintptr_t)above;
	sc->regs[30] = (action->sa_flags & SA_RESTORER) != 0
			   ? action->sa_restorer
			   : (uintptr_t)hj_program_restorer;
	sc->sp = (uintptr_t)frame;
	sc->pc = action->sa_handler;
	sc->pstate &= ~BTYPE;
}

/* What the program's rt_sigreturn is about. */
struct ucontext *
hj_frame_uc(const struct hj_thread *t)
{
	return &((struct hj_frame *)HJ_SP(t))->f_uc;
}

/* A program begins. */
void
hj_regs_start(struct hj_thread *t, unsigned long pc, unsigned long sp)
{
	struct hj_frame *frame = t->t_regs.r_frame;
	struct _aarch64_ctx *record;

	memset(frame, 0, sizeof(*frame));
	record = record_find(frame, FPSIMD_MAGIC);
	record->magic = FPSIMD_MAGIC;
	record->size = sizeof(struct fpsimd_context);
	HJ_PC(t) = pc;
	HJ_SP(t) = sp;
}

/*
 * A frame like the parent's at the top of the child's stack, which begins below
 * it.  At a call there is nothing in the records behind it that counts.
 */
unsigned long
hj_regs_child(struct hj_thread *child, const struct hj_thread *t)
{
	struct hj_frame *frame =
	    (struct hj_frame *)(child->t_stack - HJ_FRAMESIZE);
	struct _aarch64_ctx *record;

	memcpy(frame, t->t_regs.r_frame, sizeof(*frame));
	record = record_find(frame, EXTRA_MAGIC);
	record->magic = 0;
	record->size = 0;
	child->t_regs.r_frame = frame;
	return (uintptr_t)frame;
}

/* To the program, or to its handler of a signal that waits. */
void
hj_leave(struct hj_thread *t)
{
	struct ucontext *uc = &t->t_regs.r_frame->f_uc;
	unsigned long mask;

	/* What somebody sends from here on waits for the next call. */
	hj_block(t, &mask);
	HJ_UC_MASK(uc) = mask;
	if (t->t_deferred) {
		t->t_deferred = 0;
		hj_deliver(t, uc, &t->t_info, t->t_oldmask, t->t_basemask);
	}
	uc->uc_stack =
	    (stack_t){(void *)(t->t_stack - HJ_STACKSIZE), 0, HJ_STACKSIZE};
	hj_sigreturn((uintptr_t)t->t_regs.r_frame);
}

/*
 * A call of the program.  What is beyond the lower halves of its vector
 * registers does not outlive a call, and their length may change in it.
 */
static void
enter(struct hj_thread *t, struct ucontext *uc, const siginfo_t *info)
{
	t->t_regs.r_frame = frame_of(uc);
	record_drop(t->t_regs.r_frame, SVE_MAGIC);
	t->t_how = info->si_arch == HJ_AUDIT ? HJ_BY_TRAP : HJ_BY_FOREIGN;
	hj_setmask(t, HJ_UC_MASK(uc));
	hj_call(t);
	hj_leave(t);
}

/* A call that the filter did not let through. */
void
hj_trapped(struct hj_thread *t, struct ucontext *uc, const siginfo_t *info)
{
	struct sigcontext *sc = &uc->uc_mcontext;

	/* The host may have gone back to make the call again. */
	sc->pc = (uintptr_t)info->si_call_addr;
	if (info->si_errno != 0)
		sc->regs[0] = (unsigned long)-info->si_errno;
	if (sc->pc == (uintptr_t)hj_trap_end || !hj_in_engine(t, uc)) {
		enter(t, uc, info);
	} else {
		/* The vDSO, called by us, does not know: ask the host. */
		sc->regs[0] = (unsigned long)hj_raw3(
		    (long)sc->regs[8], sc->regs[0], sc->regs[1], sc->regs[2]);
	}
}
