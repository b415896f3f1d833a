/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * x86-64: the frames of signals, the host's and the program's, and how a call
 * that was trapped gets to the engine.
 */
#include <asm/prctl.h>
#include <linux/audit.h>

#include "hijack/engine.h"

#define FLAGS_OFF   0x10500UL /* in a handler: TF, DF, RF */
#define FLAGS_START 0x202UL

/* What a handler returns to, as the host lays it out. */
struct frame {
	unsigned long f_restorer;
	struct ucontext f_uc;
	siginfo_t f_info;
};

_Static_assert(offsetof(struct hj_thread, t_stack) == HJ_T_STACK, "");
_Static_assert(offsetof(struct hj_thread, t_deferred) == HJ_T_DEFERRED, "");
_Static_assert(offsetof(struct hj_thread, t_how) == HJ_T_HOW, "");
_Static_assert(offsetof(struct hj_thread, t_regs.r_rax) == HJ_R_RAX, "");
_Static_assert(offsetof(struct hj_thread, t_regs.r_flags) == HJ_R_FLAGS, "");
_Static_assert(offsetof(struct hj_thread, t_regs.r_r12) == HJ_R_R12, "");

struct hj_thread *
hj_current(void)
{
	struct hj_thread *t;

	__asm__("movq %%gs:0, %0" : "=r"(t));
	return t;
}

/* From here on hj_current finds the thread that runs this. */
void
hj_thread_set(struct hj_thread *t)
{
	hj_raw2(__NR_arch_prctl, ARCH_SET_GS, t);
}

static size_t
fpstate_size(const struct _fpstate *fp)
{
	const struct _fpx_sw_bytes *sw = &fp->sw_reserved;

	if (sw->magic1 == FP_XSTATE_MAGIC1)
		return sw->extended_size;
	return sizeof(*fp);
}

/* Make the program's frame below sp and let the host's lead to the handler. */
void
hj_frame_push(struct hj_thread *t, struct ucontext *uc, const siginfo_t *info,
    const struct hj_sigaction *action, unsigned long mask, unsigned long sp)
{
	struct _fpstate *fp = (struct _fpstate *)uc->uc_mcontext.fpstate;
	struct frame *frame;
	size_t size;

	if (fp != NULL) {
		size = fpstate_size(fp);
		sp = (sp - size) & ~63UL;
		memcpy((void *)sp, fp, size);
	}
	frame = (struct frame *)(((sp - sizeof(*frame)) & ~15UL) - 8);
	frame->f_restorer = action->sa_restorer;
	memcpy(&frame->f_uc, uc, sizeof(*uc));
	memcpy(&frame->f_info, info, sizeof(*info));
	if (fp != NULL)
		frame->f_uc.uc_mcontext.fpstate = (struct _fpstate *)sp;
	frame->f_uc.uc_link = NULL;
	frame->f_uc.uc_stack = t->t_alt;
	frame->f_uc.uc_sigmask = mask;

	/* Without one, the host gives the handler a fresh one. */
	uc->uc_mcontext.fpstate = NULL;
	uc->uc_mcontext.rip = action->sa_handler;
	uc->uc_mcontext.rsp = (uintptr_t)frame;
	uc->uc_mcontext.rax = 0;
	uc->uc_mcontext.rdi = (unsigned long)info->si_signo;
	uc->uc_mcontext.rsi = (uintptr_t)&frame->f_info;
	uc->uc_mcontext.rdx = (uintptr_t)&frame->f_uc;
	uc->uc_mcontext.eflags &= ~FLAGS_OFF;
}

/* What the program's rt_sigreturn is about. */
struct ucontext *
hj_frame_uc(const struct hj_thread *t)
{
	return (struct ucontext *)t->t_regs.r_rsp;
}

/* A program begins. */
void
hj_regs_start(struct hj_thread *t, unsigned long pc, unsigned long sp)
{
	t->t_regs.r_rip = pc;
	t->t_regs.r_rsp = sp;
	t->t_regs.r_flags = FLAGS_START;
}

/* The registers are copied with the thread. */
unsigned long
hj_regs_child(struct hj_thread *child, const struct hj_thread *t)
{
	(void)t;
	return child->t_stack;
}

/* Note the program's registers, and have the host go on at hj_enter. */
static void
enter(struct hj_thread *t, struct ucontext *uc, const siginfo_t *info)
{
	struct sigcontext *sc = &uc->uc_mcontext;

	t->t_regs = (struct hj_regs){.r_rax = sc->rax,
	    .r_rbx = sc->rbx,
	    .r_rdx = sc->rdx,
	    .r_rsi = sc->rsi,
	    .r_rdi = sc->rdi,
	    .r_rbp = sc->rbp,
	    .r_rsp = sc->rsp,
	    .r_r8 = sc->r8,
	    .r_r9 = sc->r9,
	    .r_r10 = sc->r10,
	    .r_r12 = sc->r12,
	    .r_r13 = sc->r13,
	    .r_r14 = sc->r14,
	    .r_r15 = sc->r15,
	    .r_rip = sc->rip,
	    .r_flags = sc->eflags};
	t->t_how =
	    info->si_arch == AUDIT_ARCH_X86_64 ? HJ_BY_TRAP : HJ_BY_FOREIGN;
	sc->rip = (uintptr_t)hj_enter;
	sc->rsp = t->t_stack;
	sc->eflags &= ~FLAGS_OFF;
}

/* The engine wants the frame of a handler: see entry.S. */
static void
deliver_deferred(struct hj_thread *t, struct ucontext *uc)
{
	struct sigcontext *sc = &uc->uc_mcontext;

	sc->rax = t->t_regs.r_rax;
	sc->rip = t->t_regs.r_rip;
	sc->rcx = t->t_regs.r_rip;
	sc->eflags = t->t_regs.r_flags;
	sc->r11 = t->t_regs.r_flags;
	t->t_deferred = 0;
	hj_deliver(t, uc, &t->t_info, t->t_oldmask, t->t_basemask);
}

/* The vDSO, called by us, does not know: ask the host. */
static void
vdso_call(struct sigcontext *sc)
{
	sc->rax =
	    (unsigned long)hj_raw3((long)sc->rax, sc->rdi, sc->rsi, sc->rdx);
}

/* A call that the filter did not let through. */
void
hj_trapped(struct hj_thread *t, struct ucontext *uc, const siginfo_t *info)
{
	if (uc->uc_mcontext.rip == (uintptr_t)hj_trap_end)
		deliver_deferred(t, uc);
	else if (hj_in_engine(t, uc))
		vdso_call(&uc->uc_mcontext);
	else
		enter(t, uc, info);
}
