/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting for children, and what is traced.  One that exits has closed its
 * files before (hj_fd_end); of one that was killed the kernel is asked to have
 * nothing left, before its parent is told: locks, for instance.
 */
#include <linux/wait.h>

#include "hijack/engine.h"

#define CLD_KILLED  2 /* and CLD_DUMPED */
#define CLD_TRAPPED 4
#define INFO_CHILD  12 /* bytes: pid, uid and status */

/* As much of the host's siginfo_t as is looked at. */
union info {
	struct {
		int i_signo, i_errno, i_code, i_pad;
		int i_pid, i_uid, i_status;
	};
	char i_all[128];
};

long
hj_sys_wait4(struct hj_thread *t, const long *args)
{
	int status = 0;
	const long host[6] = {
	    (int)args[0], (long)&status, (int)args[2], args[3]};
	long pid;

	do {
		pid = hj_window(t, __NR_wait4, host);
		if (pid <= 0)
			return pid;
	} while (hj_trace_hides(t, (int)pid, &status));
	/* As WIFSIGNALED has it: not stopped, not continued. */
	if (hj_has_kernel() && (status & 0x7f) != 0 && (status & 0x7f) != 0x7f)
		hj_kernel_gone(t, (int)pid);
	if (args[1] != 0 &&
	    hj_copyout((unsigned long)args[1], &status, sizeof(status)) != 0)
		return -EFAULT;
	return pid;
}

/* As wait4 would say it. */
static int
is_hidden(struct hj_thread *t, union info *info)
{
	int status = info->i_status << 8 | 0x7f, hides;

	if (info->i_code != CLD_TRAPPED)
		return 0;
	hides = hj_trace_hides(t, info->i_pid, &status);
	info->i_status = status >> 8;
	return hides;
}

long
hj_sys_waitid(struct hj_thread *t, const long *args)
{
	union info info;
	const long host[6] = {
	    (int)args[0], (int)args[1], (long)&info, (int)args[3], args[4]};
	long r;

	do {
		memset(&info, 0, sizeof(info));
		r = hj_window(t, __NR_waitid, host);
		if (r != 0)
			return r;
	} while (((int)args[3] & WNOWAIT) == 0 && is_hidden(t, &info));
	if (hj_has_kernel() &&
	    (info.i_code == CLD_KILLED || info.i_code == CLD_KILLED + 1) &&
	    ((int)args[3] & WNOWAIT) == 0)
		hj_kernel_gone(t, info.i_pid);
	if (args[2] == 0)
		return 0;
	/* As the host: without what is between these, and the rest. */
	if (hj_copyout((unsigned long)args[2], &info,
		offsetof(union info, i_pad)) != 0 ||
	    hj_copyout((unsigned long)args[2] + offsetof(union info, i_pid),
		&info.i_pid, INFO_CHILD) != 0)
		return -EFAULT;
	return 0;
}
