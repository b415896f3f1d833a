/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What becomes of a call: the rule of hostcalls.conf is followed, and the call
 * is counted.
 */
#include "hijack/engine.h"
#include "hostrules.h"

#define NRULES (sizeof(hj_rules) / sizeof(hj_rules[0]))

static void
count(uint64_t *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

/* Whether a descriptor is one of the engine's. */
int
hj_is_ours(long fd)
{
	unsigned int first = (unsigned int)hj_control->hc_fd;

	return (unsigned int)fd >= first && (unsigned int)fd < first + HJ_NFDS;
}

static long
dispatch(struct hj_thread *t, unsigned long nr)
{
	const struct hj_regs *r = &t->t_regs;
	const long args[6] = {(long)r->r_rdi, (long)r->r_rsi, (long)r->r_rdx,
	    (long)r->r_r10, (long)r->r_r8, (long)r->r_r9};
	const struct hj_rule *rule;

	if (nr >= NRULES || hj_rules[nr].r_rule == 0) {
		count(&hj_control->hc_unknown);
		return -ENOSYS;
	}
	count(&hj_control->hc_calls[nr]);
	rule = &hj_rules[nr];
	switch (rule->r_rule) {
	case HJ_DESCRIPTOR:
		if (hj_is_ours(args[0]))
			return -EBADF;
		return hj_window(t, (long)nr, args);
	case HJ_PASS:
		return hj_window(t, (long)nr, args);
	case HJ_ENGINE:
		return rule->r_call(t, args);
	default:
		return -(long)rule->r_errno;
	}
}

/* A call of the program, of which t_regs and t_how tell. */
void
hj_call(struct hj_thread *t)
{
	struct hj_regs *regs = &t->t_regs;
	long result;

	t->t_blocked = 0;
	if (t->t_how == HJ_BY_FOREIGN) {
		count(&hj_control->hc_foreign);
		regs->r_rax = (unsigned long)-ENOSYS;
		return;
	}
	if (t->t_how == HJ_BY_JUMP) {
		count(&hj_control->hc_jumps);
	} else {
		count(&hj_control->hc_traps);
		hj_patch(t);
	}
	result = dispatch(t, regs->r_rax);
	if (result == HJ_RESTART) {
		regs->r_rip -= HJ_SYSCALLSIZE;
		regs->r_rax = t->t_restartnr;
	} else {
		regs->r_rax = (unsigned long)result;
	}
	if (t->t_sent)
		hj_sent_deliver(t);
}
