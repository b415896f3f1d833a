/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The system calls about signals: the program's handlers are kept here, and
 * no mask that the host gets has one of HJ_OURS in it.
 */
#include <linux/time_types.h>

#include "hijack/engine.h"

/* What the host needs to know of a handler of the program's. */
#define HOST_FLAGS (SA_NOCLDSTOP | SA_NOCLDWAIT | SA_RESTART | SA_RESETHAND)
/* What the host keeps of the flags. */
#define KNOWN_FLAGS                                                        \
	(HOST_FLAGS | SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTORER | \
	    0x800UL)

/* One of ours by kill or the like: the host knows no mask for it. */
void
hj_sent(struct hj_thread *t, struct ucontext *uc, const siginfo_t *info)
{
	unsigned long mask = HJ_UC_MASK(uc) | t->t_held;

	if ((t->t_held & HJ_SIGBIT(info->si_signo)) != 0 ||
	    (hj_in_engine(t, uc) && (t->t_deferred || t->t_blocked))) {
		t->t_sentinfo = *info;
		t->t_sent = 1;
	} else if (hj_in_engine(t, uc)) {
		hj_defer(t, uc, info);
	} else {
		hj_deliver(t, uc, info, mask, mask);
	}
}

/* At the end of a call: one waits. */
void
hj_sent_deliver(struct hj_thread *t)
{
	unsigned long old;

	if ((t->t_held & HJ_SIGBIT(t->t_sentinfo.si_signo)) != 0 ||
	    hj_block(t, &old) == HJ_RESTART)
		return;
	t->t_sent = 0;
	t->t_info = t->t_sentinfo;
	t->t_oldmask = old | t->t_held;
	t->t_basemask = t->t_oldmask;
	t->t_deferred = 1;
}

/* The host's part of a new action; it keeps the default and ignored ones. */
static long
action_to_host(
    int sig, const struct hj_sigaction *action, struct hj_sigaction *old)
{
	struct hj_sigaction host = *action;

	if (action->sa_handler > (unsigned long)SIG_IGN) {
		host.sa_handler = (uintptr_t)hj_master;
		host.sa_flags = (action->sa_flags & HOST_FLAGS) | SA_SIGINFO |
				SA_ONSTACK | SA_RESTORER;
		host.sa_restorer = (uintptr_t)hj_restorer;
		host.sa_mask = ~0UL;
	}
	return hj_raw4(__NR_rt_sigaction, sig, &host, old, sizeof(long));
}

static long
action_set(struct hj_sigaction *shadow, int sig,
    const struct hj_sigaction *action, struct hj_sigaction *old)
{
	struct hj_sigaction was = *shadow;
	long error = 0;

	*old = was;
	if (action != NULL) {
		*shadow = *action;
		shadow->sa_flags &= KNOWN_FLAGS;
		shadow->sa_mask &= ~(HJ_SIGBIT(SIGKILL) | HJ_SIGBIT(SIGSTOP));
	}
	if ((HJ_SIGBIT(sig) & HJ_OURS) == 0) {
		error = action != NULL ? action_to_host(sig, action, old)
				       : hj_raw4(__NR_rt_sigaction, sig, NULL,
					     old, sizeof(long));
	}
	if (error != 0)
		*shadow = was;
	else if (old->sa_handler == (uintptr_t)hj_master)
		*old = was;
	return error;
}

long
hj_sys_rt_sigaction(struct hj_thread *t, const long *args)
{
	struct hj_sigaction action, old;
	int sig = (int)args[0];
	long error;

	if (args[3] != sizeof(long) || sig < 1 || sig > HJ_NSIG)
		return -EINVAL;
	if (args[1] != 0 &&
	    hj_copyin(&action, (unsigned long)args[1], sizeof(action)) != 0)
		return -EFAULT;
	hj_proc_lock(t);
	error = action_set(&t->t_proc->p_actions[sig], sig,
	    args[1] != 0 ? &action : NULL, &old);
	hj_proc_unlock(t);
	if (error == 0 && args[2] != 0 &&
	    hj_copyout((unsigned long)args[2], &old, sizeof(old)) != 0)
		return -EFAULT;
	return error;
}

/* Handlers become the default, as for CLONE_CLEAR_SIGHAND. */
void
hj_signal_reset(struct hj_proc *p)
{
	const struct hj_sigaction none = {0, 0, 0, 0};
	struct hj_sigaction old;

	for (int sig = 1; sig <= HJ_NSIG; sig++) {
		if (p->p_actions[sig].sa_handler > (unsigned long)SIG_IGN)
			action_set(&p->p_actions[sig], sig, &none, &old);
	}
}

long
hj_sys_rt_sigprocmask(struct hj_thread *t, const long *args)
{
	unsigned long set, host, old, held = t->t_held;
	long r;

	if (args[3] != sizeof(long))
		return -EINVAL;
	if (args[1] != 0 &&
	    hj_copyin(&set, (unsigned long)args[1], sizeof(set)) != 0)
		return -EFAULT;
	/* While a signal waits, the host's mask is not the program's. */
	if (hj_block(t, &old) == HJ_RESTART)
		return HJ_RESTART;
	host = old;
	r = 0;
	if (args[1] == 0) {
		/* Only asked for. */
	} else if (args[0] == SIG_BLOCK) {
		host |= set & ~HJ_OURS;
		held |= set & HJ_OURS;
	} else if (args[0] == SIG_UNBLOCK) {
		host &= ~set;
		held &= ~set;
	} else if (args[0] == SIG_SETMASK) {
		host = set & ~HJ_OURS;
		held = set & HJ_OURS;
	} else {
		r = -EINVAL;
	}
	old |= t->t_held;
	if (r == 0)
		t->t_held = held;
	hj_setmask(t, host);
	if (r == 0 && args[2] != 0 &&
	    hj_copyout((unsigned long)args[2], &old, sizeof(old)) != 0)
		r = -EFAULT;
	return r;
}

static long
altstack_set(struct hj_thread *t, const stack_t *new)
{
	int flags = new->ss_flags & ~SS_AUTODISARM;

	if (hj_on_altstack(&t->t_alt, HJ_SP(t)))
		return -EPERM;
	if (flags != 0 && flags != SS_ONSTACK && flags != SS_DISABLE)
		return -EINVAL;
	if (flags == SS_DISABLE) {
		t->t_alt = (stack_t){.ss_flags = new->ss_flags};
		return 0;
	}
	if (new->ss_size < HJ_MINSTACK)
		return -ENOMEM;
	t->t_alt = *new;
	return 0;
}

long
hj_sys_sigaltstack(struct hj_thread *t, const long *args)
{
	stack_t old = t->t_alt, new;
	long error = 0;

	/* As the host says it. */
	if (old.ss_size == 0)
		old.ss_flags |= SS_DISABLE;
	else
		old.ss_flags =
		    (old.ss_flags & (int)SS_AUTODISARM) |
		    (hj_on_altstack(&t->t_alt, HJ_SP(t)) ? SS_ONSTACK : 0);
	if (args[0] != 0) {
		if (hj_copyin(&new, (unsigned long)args[0], sizeof(new)) != 0)
			return -EFAULT;
		error = altstack_set(t, &new);
	}
	if (error == 0 && args[1] != 0 &&
	    hj_copyout((unsigned long)args[1], &old, sizeof(old)) != 0)
		return -EFAULT;
	return error;
}

/* The frame below the program's stack says what comes next. */
long
hj_sys_rt_sigreturn(struct hj_thread *t, const long *args)
{
	struct ucontext *uc = hj_frame_uc(t);
	unsigned long old;

	(void)args;
	if (hj_block(t, &old) == HJ_RESTART)
		return HJ_RESTART;
	t->t_alt = uc->uc_stack;
	t->t_held = HJ_UC_MASK(uc) & HJ_OURS;
	HJ_UC_MASK(uc) &= ~HJ_OURS;
	uc->uc_stack.ss_sp = (void *)(t->t_stack - HJ_STACKSIZE);
	uc->uc_stack.ss_flags = 0;
	uc->uc_stack.ss_size = HJ_STACKSIZE;
	hj_sigreturn(HJ_SP(t));
}

/* A call with the mask that is at args[set] for its time. */
static long
with_mask(struct hj_thread *t, long nr, const long *args, int set)
{
	long host[6];
	unsigned long mask;
	long r;

	memcpy(host, args, sizeof(host));
	if (args[set] == 0 || args[set + 1] != sizeof(mask))
		return hj_window(t, nr, host);
	if (hj_copyin(&mask, (unsigned long)args[set], sizeof(mask)) != 0)
		return -EFAULT;
	t->t_tempmask = mask;
	mask &= ~HJ_OURS;
	host[set] = (long)&mask;
	t->t_hastemp = 1;
	r = hj_window(t, nr, host);
	t->t_hastemp = 0;
	return r;
}

long
hj_sys_rt_sigsuspend(struct hj_thread *t, const long *args)
{
	return with_mask(t, __NR_rt_sigsuspend, args, 0);
}

long
hj_sys_ppoll(struct hj_thread *t, const long *args)
{
	long r;

	if (hj_wait_ppoll(t, args, &r))
		return r;
	return with_mask(t, __NR_ppoll, args, 3);
}

long
hj_sys_epoll_pwait(struct hj_thread *t, const long *args)
{
	long r;

	if (hj_wait_epoll(t, args, 0, &r))
		return r;
	return with_mask(t, __NR_epoll_pwait, args, 4);
}

long
hj_sys_epoll_pwait2(struct hj_thread *t, const long *args)
{
	long r;

	if (hj_wait_epoll(t, args, 1, &r))
		return r;
	return with_mask(t, __NR_epoll_pwait2, args, 4);
}

long
hj_sys_pselect6(struct hj_thread *t, const long *args)
{
	struct {
		unsigned long set;
		unsigned long size;
	} arg;
	long host[6];
	unsigned long mask;
	long r;

	if (hj_wait_pselect6(t, args, &r))
		return r;
	memcpy(host, args, sizeof(host));
	if (args[5] == 0)
		return hj_window(t, __NR_pselect6, host);
	if (hj_copyin(&arg, (unsigned long)args[5], sizeof(arg)) != 0)
		return -EFAULT;
	if (arg.set == 0 || arg.size != sizeof(mask))
		return hj_window(t, __NR_pselect6, host);
	if (hj_copyin(&mask, arg.set, sizeof(mask)) != 0)
		return -EFAULT;
	t->t_tempmask = mask;
	mask &= ~HJ_OURS;
	arg.set = (uintptr_t)&mask;
	host[5] = (long)&arg;
	t->t_hastemp = 1;
	r = hj_window(t, __NR_pselect6, host);
	t->t_hastemp = 0;
	return r;
}

/* Calls with a set that they take signals from: never ours. */
static long
with_set(struct hj_thread *t, long nr, const long *args, int set, int size)
{
	long host[6];
	unsigned long mask;

	memcpy(host, args, sizeof(host));
	if (args[set] != 0 && args[size] == sizeof(mask)) {
		if (hj_copyin(&mask, (unsigned long)args[set], sizeof(mask)) !=
		    0)
			return -EFAULT;
		mask &= ~HJ_OURS;
		host[set] = (long)&mask;
	}
	return hj_window(t, nr, host);
}

long
hj_sys_rt_sigtimedwait(struct hj_thread *t, const long *args)
{
	return with_set(t, __NR_rt_sigtimedwait, args, 0, 3);
}

long
hj_sys_signalfd4(struct hj_thread *t, const long *args)
{
	return with_set(t, __NR_signalfd4, args, 1, 2);
}
