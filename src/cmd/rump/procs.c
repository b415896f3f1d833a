/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The processes of the kernel, as kern.proc2 of sysctl has them.
 */
#include "cmd/rump/procs.h"

#define TRIES 8

int
procs_get(struct procs *ps, bool byuser, uid_t uid)
{
	int name[6] = {RUMP_CTL_KERN, RUMP_KERN_PROC2, RUMP_KERN_PROC_ALL, 0,
	    sizeof(struct rump_kinfo_proc2), 0};
	size_t len;
	int i;

	if (byuser) {
		name[2] = RUMP_KERN_PROC_UID;
		name[3] = (int)uid;
	}
	/* More may come between the two calls. */
	for (i = 0; i < TRIES; i++) {
		if (rump_sys___sysctl(name, 6, NULL, &len, NULL, 0) == -1)
			return -1;
		len += len / 4;
		ps->ps_proc = tool_alloc(ps->ps_proc, len);
		name[5] = (int)(len / sizeof(ps->ps_proc[0]));
		len = (size_t)name[5] * sizeof(ps->ps_proc[0]);
		if (rump_sys___sysctl(name, 6, ps->ps_proc, &len, NULL, 0) ==
		    -1)
			return -1;
		ps->ps_count = len / sizeof(ps->ps_proc[0]);
		if (ps->ps_count < (size_t)name[5])
			return 0;
	}
	return 0;
}

const char *
proc_state(const struct rump_kinfo_proc2 *kp)
{
	switch (kp->p_realstat) {
	case RUMP_SDYING:
		return "dead";
	case RUMP_SSTOP:
		return "stop";
	default:
		return kp->p_nrlwps > 0 ? "run" : "sleep";
	}
}

struct table *
procs_table(const char *more)
{
	char heads[128];

	(void)snprintf(heads, sizeof(heads),
	    "PID>|PPID>|USER|STATE|LWPS>|START%s%s|NAME",
	    more != NULL ? "|" : "", more != NULL ? more : "");
	return table_new(heads);
}

void
procs_cells(struct table *t, const struct rump_kinfo_proc2 *kp)
{
	struct timespec start = {kp->p_ustart_sec, 0};
	char buf[TIME_SIZE];

	table_cell(t, "%d", kp->p_pid);
	table_cell(t, "%d", kp->p_ppid);
	table_cell(t, "%s", user_name(kp->p_uid));
	table_cell(t, "%s", proc_state(kp));
	table_cell(t, "%u", kp->p_nlwps);
	table_cell(t, "%s", time_text(&start, buf));
}

void
procs_row(struct table *t, const struct rump_kinfo_proc2 *kp)
{
	procs_cells(t, kp);
	table_cell(t, "%s", kp->p_comm);
}

int64_t
sysctl_number(const char *name)
{
	union {
		int32_t i;
		int64_t q;
	} v = {.q = 0};
	size_t len = sizeof(v);

	if (rump_sys_sysctlbyname(name, &v, &len, NULL, 0) == -1)
		return -1;
	return len == sizeof(v.i) ? v.i : v.q;
}
