/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls that could undo the engine: its filter is not the program's
 * affair.
 */
#include <linux/prctl.h>

#include "hijack/engine.h"

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif

long
hj_sys_seccomp(struct hj_thread *t, const long *args)
{
	/* As a host without filters: there is one already. */
	(void)t;
	(void)args;
	return -EINVAL;
}

long
hj_sys_prctl(struct hj_thread *t, const long *args)
{
	switch ((int)args[0]) {
	case HJ_PRCTL:
		return hj_has_rules() ? HJ_PRCTL_RULES : HJ_PRCTL_WORLD;
	case PR_SET_SECCOMP:
	case PR_SET_SYSCALL_USER_DISPATCH:
	case PR_SET_TSC:
		return -EINVAL;
	case PR_GET_SECCOMP:
		return 0;
	case PR_SET_MM:
		return -EPERM;
	case PR_SET_NO_NEW_PRIVS:
		/* It is set; the program is to find what it did itself. */
		if (args[1] != 1 || args[2] != 0 || args[3] != 0 ||
		    args[4] != 0)
			return -EINVAL;
		t->t_nnp = 1;
		return 0;
	case PR_GET_NO_NEW_PRIVS:
		if (args[1] != 0 || args[2] != 0 || args[3] != 0 ||
		    args[4] != 0)
			return -EINVAL;
		return t->t_nnp;
	default:
		return hj_window(t, __NR_prctl, args);
	}
}
