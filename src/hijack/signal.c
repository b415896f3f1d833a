/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals as they come from the host, and the frames of the program's
 * handlers.  engine.h says how it works.
 */
#include <asm/sigcontext.h>
#include <linux/audit.h>

#include "hijack/engine.h"

#ifndef SYS_SECCOMP
#define SYS_SECCOMP 1
#endif
#define REDZONE	  128
#define FLAGS_OFF 0x10500UL /* in a handler: TF, DF, RF */

/* What a handler returns to, as the host lays it out. */
struct frame {
	unsigned long f_restorer;
	struct ucontext f_uc;
	siginfo_t f_info;
};

const uint8_t hj_ours[3] = {SIGSYS, SIGSEGV, SIGBUS};

struct hj_thread *
hj_current(void)
{
	struct hj_thread *t;

	__asm__("movq %%gs:0, %0" : "=r"(t));
	return t;
}

int
hj_in_engine(const struct hj_thread *t, const struct ucontext *uc)
{
	uintptr_t ip = uc->uc_mcontext.rip, sp = uc->uc_mcontext.rsp;

	return (ip >= (uintptr_t)hj_text_begin &&
		   ip < (uintptr_t)hj_text_end) ||
	       (sp <= t->t_stack && sp > t->t_stack - HJ_STACKSIZE);
}

static size_t
fpstate_size(const struct _fpstate *fp)
{
	const struct _fpx_sw_bytes *sw = &fp->sw_reserved;

	if (sw->magic1 == FP_XSTATE_MAGIC1)
		return sw->extended_size;
	return sizeof(*fp);
}

int
hj_on_altstack(const stack_t *alt, unsigned long sp)
{
	uintptr_t base = (uintptr_t)alt->ss_sp;

	return (alt->ss_flags & SS_AUTODISARM) == 0 && sp > base &&
	       sp - base <= alt->ss_size;
}

/* Whether the program said where its handlers' stack is. */
static int
has_altstack(const stack_t *alt)
{
	return alt->ss_size > 0 && (alt->ss_flags & SS_DISABLE) == 0;
}

/* By the processor, not sent by anybody. */
static int
is_fault(const siginfo_t *info)
{
	return info->si_code > 0 &&
	       (info->si_signo == SIGSEGV || info->si_signo == SIGBUS ||
		   info->si_signo == SIGILL || info->si_signo == SIGFPE);
}

/* The default action, by the host: the signal once more, if it is due. */
static void
redo_default(struct ucontext *uc, const siginfo_t *info, unsigned long mask)
{
	int sig = info->si_signo;

	hj_host_action(sig, (unsigned long)SIG_DFL, 0);
	uc->uc_sigmask = mask & ~HJ_OURS & ~HJ_SIGBIT(sig);
	hj_raw4(__NR_rt_tgsigqueueinfo, hj_raw0(__NR_getpid),
	    hj_raw0(__NR_gettid), sig, info);
}

/* Make the program's frame below sp and let the host's lead to the handler. */
static void
push_frame(struct hj_thread *t, struct ucontext *uc, const siginfo_t *info,
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

/*
 * Let a signal reach the program, which is as the host's uc says.  oldmask is
 * the program's mask, basemask the one that its handler's is added to; both
 * with HJ_OURS as the program sees them.
 */
void
hj_deliver(struct hj_thread *t, struct ucontext *uc, const siginfo_t *info,
    unsigned long oldmask, unsigned long basemask)
{
	struct hj_sigaction *shadow, action;
	unsigned long mask = basemask, sp = uc->uc_mcontext.rsp;
	int sig = info->si_signo;

	hj_proc_lock(t);
	shadow = &t->t_proc->p_actions[sig];
	action = *shadow;
	if (action.sa_handler > (unsigned long)SIG_IGN &&
	    (action.sa_flags & SA_RESETHAND) != 0)
		shadow->sa_handler = (unsigned long)SIG_DFL;
	hj_proc_unlock(t);
	/* It was taken back after the host had begun. */
	if (action.sa_handler <= (unsigned long)SIG_IGN) {
		uc->uc_sigmask = oldmask & ~HJ_OURS;
		if (action.sa_handler == (unsigned long)SIG_DFL ||
		    is_fault(info))
			redo_default(uc, info, oldmask);
		return;
	}
	if ((action.sa_flags & SA_ONSTACK) != 0 && has_altstack(&t->t_alt) &&
	    !hj_on_altstack(&t->t_alt, sp))
		sp = (uintptr_t)t->t_alt.ss_sp + t->t_alt.ss_size;
	else
		sp -= REDZONE;
	push_frame(t, uc, info, &action, oldmask, sp);
	if ((t->t_alt.ss_flags & SS_AUTODISARM) != 0)
		t->t_alt = (stack_t){.ss_flags = SS_DISABLE};

	mask |= action.sa_mask;
	if ((action.sa_flags & SA_NODEFER) == 0)
		mask |= HJ_SIGBIT(sig);
	t->t_held = mask & HJ_OURS;
	uc->uc_sigmask = mask & ~HJ_OURS;
}

/* The engine was interrupted: note the signal and let the engine go on. */
void
hj_defer(struct hj_thread *t, struct ucontext *uc, const siginfo_t *info)
{
	uintptr_t ip = uc->uc_mcontext.rip;
	unsigned long mask = uc->uc_sigmask | t->t_held;

	t->t_info = *info;
	t->t_oldmask = mask;
	t->t_basemask = mask;
	if (ip == (uintptr_t)hj_window_end && t->t_hastemp &&
	    uc->uc_mcontext.rax == (unsigned long)-EINTR)
		t->t_basemask = t->t_tempmask;
	if (ip >= (uintptr_t)hj_window_begin && ip < (uintptr_t)hj_window_end) {
		/* The host may have been asked by another call than we. */
		if (ip == (uintptr_t)hj_window_call &&
		    uc->uc_mcontext.rax == __NR_restart_syscall)
			t->t_restartnr = __NR_restart_syscall;
		uc->uc_mcontext.rip = (uintptr_t)hj_window_abort;
	} else if (ip >= (uintptr_t)hj_exit && ip < (uintptr_t)hj_exit_end) {
		uc->uc_mcontext.rip = (uintptr_t)hj_exit;
	}
	uc->uc_sigmask = HJ_ALL;
	t->t_deferred = 1;
}

/* Memory that was to be copied is not there, or the engine itself failed. */
static void
engine_fault(struct ucontext *uc, const siginfo_t *info)
{
	uintptr_t ip = uc->uc_mcontext.rip;

	if (ip >= (uintptr_t)hj_copy_begin && ip < (uintptr_t)hj_copy_end)
		uc->uc_mcontext.rip = (uintptr_t)hj_copy_fault;
	else
		redo_default(uc, info, uc->uc_sigmask);
}

/*
 * The host's handler of all signals that the program has a handler for, and of
 * those that are the engine's.
 */
void
hj_master(int sig, siginfo_t *info, void *context)
{
	struct hj_thread *t = hj_current();
	struct ucontext *uc = context;
	unsigned long mask = uc->uc_sigmask | t->t_held;

	if (is_fault(info) && hj_in_engine(t, uc))
		engine_fault(uc, info);
	else if (is_fault(info) && (t->t_held & HJ_SIGBIT(sig)) != 0)
		redo_default(uc, info, mask);
	else if (!is_fault(info) && (HJ_SIGBIT(sig) & HJ_OURS) != 0)
		hj_sent(t, uc, info);
	else if (hj_in_engine(t, uc))
		hj_defer(t, uc, info);
	else
		hj_deliver(t, uc, info, mask, mask);
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

/* The host's handler of SIGSYS. */
static void
sigsys(int sig, siginfo_t *info, void *context)
{
	struct hj_thread *t = hj_current();
	struct ucontext *uc = context;

	if (info->si_code != SYS_SECCOMP)
		hj_sent(t, uc, info);
	else if (uc->uc_mcontext.rip == (uintptr_t)hj_trap_end)
		deliver_deferred(t, uc);
	else if (hj_in_engine(t, uc))
		vdso_call(&uc->uc_mcontext);
	else
		enter(t, uc, info);
	(void)sig;
}

/* Tell the host what to do with a signal. */
void
hj_host_action(int sig, unsigned long handler, unsigned long flags)
{
	struct hj_sigaction action = {handler,
	    flags | SA_SIGINFO | SA_ONSTACK | SA_RESTORER,
	    (uintptr_t)hj_restorer, ~0UL};

	hj_raw4(__NR_rt_sigaction, sig, &action, NULL, sizeof(long));
}

void
hj_altstack_set(struct hj_thread *t)
{
	stack_t stack = {(void *)(t->t_stack - HJ_STACKSIZE), 0, HJ_STACKSIZE};

	hj_raw2(__NR_sigaltstack, &stack, NULL);
}

void
hj_signal_init(struct hj_thread *t)
{
	hj_altstack_set(t);
	hj_host_action(SIGSYS, (uintptr_t)sigsys, 0);
	hj_host_action(SIGSEGV, (uintptr_t)hj_master, 0);
	hj_host_action(SIGBUS, (uintptr_t)hj_master, 0);
}
