/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals as they come from the host, and the frames of the program's
 * handlers.  engine.h says how it works.
 */
#include "hijack/engine.h"

#ifndef SYS_SECCOMP
#define SYS_SECCOMP 1
#endif

const uint8_t hj_ours[3] = {SIGSYS, SIGSEGV, SIGBUS};

int
hj_in_engine(const struct hj_thread *t, const struct ucontext *uc)
{
	uintptr_t ip = HJ_UC_PC(uc), sp = HJ_UC_SP(uc);

	return (ip >= (uintptr_t)hj_text_begin &&
		   ip < (uintptr_t)hj_text_end) ||
	       (sp <= t->t_stack && sp > t->t_stack - HJ_STACKSIZE);
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
	HJ_UC_MASK(uc) = mask & ~HJ_OURS & ~HJ_SIGBIT(sig);
	hj_raw4(__NR_rt_tgsigqueueinfo, hj_raw0(__NR_getpid),
	    hj_raw0(__NR_gettid), sig, info);
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
	unsigned long mask = basemask, sp = HJ_UC_SP(uc);
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
		HJ_UC_MASK(uc) = oldmask & ~HJ_OURS;
		if (action.sa_handler == (unsigned long)SIG_DFL ||
		    is_fault(info))
			redo_default(uc, info, oldmask);
		return;
	}
	if ((action.sa_flags & SA_ONSTACK) != 0 && has_altstack(&t->t_alt) &&
	    !hj_on_altstack(&t->t_alt, sp))
		sp = (uintptr_t)t->t_alt.ss_sp + t->t_alt.ss_size;
	else
		sp -= HJ_REDZONE;
	hj_frame_push(t, uc, info, &action, oldmask, sp);
	if ((t->t_alt.ss_flags & SS_AUTODISARM) != 0)
		t->t_alt = (stack_t){.ss_flags = SS_DISABLE};

	mask |= action.sa_mask;
	if ((action.sa_flags & SA_NODEFER) == 0)
		mask |= HJ_SIGBIT(sig);
	t->t_held = mask & HJ_OURS;
	HJ_UC_MASK(uc) = mask & ~HJ_OURS;
}

/* The engine was interrupted: note the signal and let the engine go on. */
void
hj_defer(struct hj_thread *t, struct ucontext *uc, const siginfo_t *info)
{
	uintptr_t ip = HJ_UC_PC(uc);
	unsigned long mask = HJ_UC_MASK(uc) | t->t_held;

	t->t_info = *info;
	t->t_oldmask = mask;
	t->t_basemask = mask;
	if (ip == (uintptr_t)hj_window_end && t->t_hastemp &&
	    HJ_UC_RESULT(uc) == (unsigned long)-EINTR)
		t->t_basemask = t->t_tempmask;
	if (ip >= (uintptr_t)hj_window_begin && ip < (uintptr_t)hj_window_end) {
		/* The host may have been asked by another call than we. */
		if (ip == (uintptr_t)hj_window_call &&
		    HJ_UC_NUMBER(uc) == __NR_restart_syscall)
			t->t_restartnr = __NR_restart_syscall;
		HJ_UC_PC(uc) = (uintptr_t)hj_window_abort;
	} else if (ip >= (uintptr_t)hj_exit && ip < (uintptr_t)hj_exit_end) {
		HJ_UC_PC(uc) = (uintptr_t)hj_exit;
	}
	HJ_UC_MASK(uc) = HJ_ALL;
	t->t_deferred = 1;
}

/* Memory that was to be copied is not there, or the engine itself failed. */
static void
engine_fault(struct ucontext *uc, const siginfo_t *info)
{
	uintptr_t ip = HJ_UC_PC(uc);

	if (ip >= (uintptr_t)hj_copy_begin && ip < (uintptr_t)hj_copy_end)
		HJ_UC_PC(uc) = (uintptr_t)hj_copy_fault;
	else
		redo_default(uc, info, HJ_UC_MASK(uc));
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
	unsigned long mask = HJ_UC_MASK(uc) | t->t_held;

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

/* The host's handler of SIGSYS. */
static void
sigsys(int sig, siginfo_t *info, void *context)
{
	struct hj_thread *t = hj_current();
	struct ucontext *uc = context;

	if (info->si_code != SYS_SECCOMP)
		hj_sent(t, uc, info);
	else
		hj_trapped(t, uc, info);
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
