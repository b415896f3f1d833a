/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What becomes of a call: the rule of hostcalls.conf is followed, and the call
 * is counted.
 */
#include <linux/fcntl.h>

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

/* A call on a file: whose is the descriptor? */
static long
file_call(struct hj_thread *t, unsigned long nr, const struct hj_rule *rule,
    const long *args)
{
	long words[HJ_NARGS], fd = (int)args[0], r;

	if (hj_is_ours(fd))
		return -EBADF;
	if (!hj_fd_iskernel(t, fd) ||
	    (rule->r_args[0] == 'r' && hj_fd_isdirect(t, fd))) {
		r = rule->r_args[0] == 's' ? hj_place_fdcheck(fd) : 0;
		return r != 0 ? r : hj_window(t, (long)nr, args);
	}
	if (nr == __NR_flock)
		t->t_proc->p_locks = 1;
	hj_words(rule->r_args, args, words);
	t->t_bykernel = 1;
	r = hj_kernel(t, rule->r_kernel, words);
	if (r == 0 && hj_has_rules())
		hj_ruled_stat(rule->r_kernel, words);
	return r >= HJ_LARGE ? hj_large(t, nr, args, r) : r;
}

/* A call that is the kernel's, if there is one. */
static long
kernel_call(struct hj_thread *t, unsigned long nr, const struct hj_rule *rule,
    const long *args)
{
	const struct hj_path path = {.p_host = (int)nr,
	    .p_kernel = rule->r_kernel,
	    .p_how = rule->r_args};
	long words[HJ_NARGS], result;

	if (rule->r_args[0] == 'd' && hj_is_ours(args[0]))
		return -EBADF;
	if (!hj_has_kernel())
		return hj_window(t, (long)nr, args);
	if (hj_has_rules() && rule->r_rule != HJ_PATH)
		return hj_rules_call(t, nr, rule, args);
	if (rule->r_rule == HJ_HOST)
		return -(long)rule->r_errno;
	if (rule->r_rule == HJ_PATH)
		return hj_lower_call(t, rule->r_kernel, args, &result)
			   ? result
			   : hj_path_call(t, &path, args);
	if (rule->r_args[0] == '-')
		return hj_id(t, nr, rule->r_kernel);
	hj_ids_forget(t);
	hj_words(rule->r_args, args, words);
	t->t_bykernel = 1;
	return hj_ids_set(t, nr, rule->r_kernel, words);
}

/* Whether a call asks what the descriptor that was just opened is. */
static int
asks_stat(unsigned long nr, const long *args, long fd, unsigned long *buf)
{
	char first = 1;

	if ((int)args[0] != fd)
		return 0;
	*buf = (unsigned long)args[nr == __NR_fstat ? 1 : 2];
	if (nr == __NR_fstat)
		return 1;
	return nr == __NR_newfstatat && args[3] == AT_EMPTY_PATH &&
	       hj_copyin(&first, (unsigned long)args[1], 1) == 0 && first == 0;
}

/*
 * The call right after one that has opened a file, which came with what fstat
 * says; reading it on the host changes nothing.  Whether that was it.
 */
static int
answer_stat(
    struct hj_thread *t, unsigned long nr, const long *args, long *result)
{
	long fd = (long)t->t_statfd - 1;
	unsigned long buf;

	if ((nr == __NR_read || nr == __NR_pread64) && (int)args[0] == fd &&
	    hj_fd_isdirect(t, fd))
		return 0;
	t->t_statfd = 0;
	if (!asks_stat(nr, args, fd, &buf))
		return 0;
	t->t_bykernel = 1;
	*result =
	    hj_copyout(buf, t->t_stat, sizeof(t->t_stat)) != 0 ? -EFAULT : 0;
	return 1;
}

static long
dispatch(struct hj_thread *t, unsigned long nr)
{
	const long args[6] = HJ_ARGS(t);
	const struct hj_rule *rule;
	long result;

	if (nr >= NRULES || hj_rules[nr].r_rule == 0) {
		count(&hj_control->hc_unknown);
		return -ENOSYS;
	}
	count(&hj_control->hc_calls[nr]);
	rule = &hj_rules[nr];
	if (t->t_statfd != 0 && answer_stat(t, nr, args, &result))
		return result;
	if (t->t_proc->p_nlate != 0 &&
	    hj_lower_before(t, nr, rule, args, &result))
		return result;
	switch (rule->r_rule) {
	case HJ_DESCRIPTOR:
		if (hj_is_ours(args[0]))
			return -EBADF;
		return hj_window(t, (long)nr, args);
	case HJ_PASS:
		return hj_window(t, (long)nr, args);
	case HJ_ENGINE:
		return rule->r_call(t, args);
	case HJ_FILE:
		return file_call(t, nr, rule, args);
	case HJ_PATH:
	case HJ_KERNEL:
	case HJ_HOST:
		return kernel_call(t, nr, rule, args);
	default:
		return -(long)rule->r_errno;
	}
}

/* A call of the program, of which t_regs and t_how tell. */
void
hj_call(struct hj_thread *t)
{
	unsigned long nr = HJ_NUMBER(t);
	long result;

	t->t_blocked = 0;
	t->t_bykernel = 0;
	if (t->t_how == HJ_BY_FOREIGN) {
		count(&hj_control->hc_foreign);
		HJ_RESULT(t) = (unsigned long)-ENOSYS;
		return;
	}
	if (t->t_how == HJ_BY_JUMP) {
		count(&hj_control->hc_jumps);
	} else {
		count(&hj_control->hc_traps);
		hj_patch(t);
	}
	result = dispatch(t, nr);
	if (t->t_bykernel)
		count(&hj_control->hc_kernel[nr]);
	if (result == HJ_RESTART) {
		HJ_PC(t) -= HJ_SYSCALLSIZE;
		HJ_NUMBER(t) = t->t_restartnr;
	} else {
		HJ_RESULT(t) = (unsigned long)result;
	}
	if (t->t_sent)
		hj_sent_deliver(t);
}
