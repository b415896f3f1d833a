/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text about a process, or about one lwp of it.
 *
 * What the kernel has no figures of (processor time, memory of a process) is
 * zero, or left out where Linux leaves it out for threads of its own.
 */
#include "fs/procfs/procfs.h"

#define TICKS_SECOND 100 /* as sysconf(_SC_CLK_TCK) says */
#define NSEC_TICK    (INT64_C(1000000000) / TICKS_SECOND)

/* What a line says, and about whom. */
struct subject {
	struct procinfo su_info;
	int su_id; /* the process, or the lwp */
	char su_state;
};

static int
subject_get(const struct pfs_node *pn, struct subject *su)
{
	struct procinfo *pi = &su->su_info;
	bool asleep;
	int error;

	if ((error = proc_getinfo(&pn->pn_proc, pi)) != 0)
		return error;
	su->su_id = pi->pi_pid;
	asleep = pi->pi_running == 0;
	if (pn->pn_num >= 0) {
		su->su_id = pn->pn_num;
		error = lwp_getstate(&pn->pn_proc, pn->pn_num, &asleep);
	}
	su->su_state = pi->pi_dying ? 'Z' : asleep ? 'S' : 'R';
	return error;
}

int
pfs_stat(struct pfs_node *pn, struct text *t)
{
	struct subject su;
	const struct procinfo *pi = &su.su_info;
	int error, i;

	if ((error = subject_get(pn, &su)) != 0)
		return error;
	/* 1 pid to 8 tpgid */
	text_printf(t, "%d (%s) %c %d %d %d 0 -1", su.su_id, pi->pi_name,
	    su.su_state, (int)pi->pi_ppid, (int)pi->pi_pgid, (int)pi->pi_sid);
	/* 9 flags to 17 cstime, 18 priority to 24 rss, 25 rsslim */
	text_printf(t, " 0 0 0 0 0 %lld 0 %lld 0 20 0 %u 0 %lld 0 0 %llu",
	    (long long)(pi->pi_cputime / NSEC_TICK),
	    (long long)(pi->pi_childtime / NSEC_TICK), pi->pi_nlwps,
	    (long long)(kern_uptime(pi->pi_start) / NSEC_TICK), ~0ULL);
	/* 26 startcode to 30 kstkeip, 31 signal to 37 cnswap */
	text_printf(t, " 0 0 0 0 0 %llu 0 0 0 0 0 0",
	    (unsigned long long)pi->pi_sigpend);
	/* 38 exit_signal to 52 exit_code */
	text_printf(t, " 17");
	for (i = 39; i <= 52; i++)
		text_put(t, " 0", 2);
	text_put(t, "\n", 1);
	return 0;
}

int
pfs_statm(struct pfs_node *pn, struct text *t)
{
	text_printf(t, "0 0 0 0 0 0 0\n");
	return pfs_node_exists(pn) ? 0 : ESRCH;
}

/* The name on a line of its own. */
static void
put_name(struct text *t, const char *name)
{
	for (; *name != '\0'; name++)
		if (*name == '\n')
			text_put(t, "\\n", 2);
		else if (*name == '\\')
			text_put(t, "\\\\", 2);
		else
			text_put(t, name, 1);
}

static const char *
state_name(char state)
{
	switch (state) {
	case 'R':
		return "R (running)";
	case 'S':
		return "S (sleeping)";
	default:
		return "Z (zombie)";
	}
}

static int
put_groups(struct text *t, const struct procid *id)
{
	const struct cred *cr;
	uint32_t i;
	int error;

	if ((error = proc_getcred(id, &cr)) != 0)
		return error;
	text_printf(t, "Groups:\t");
	for (i = 0; i < cr->cr_ngroups; i++)
		text_printf(t, "%u ", cr->cr_groups[i]);
	text_printf(t, "%s\n", cr->cr_ngroups == 0 ? " " : "");
	return 0;
}

/* Root may do everything, others nothing. */
static void
put_capabilities(struct text *t, const struct procinfo *pi)
{
	static const unsigned long long all = 0x1ffffffffffULL;
	bool effective = pi->pi_uid[1] == 0;
	bool permitted = effective || pi->pi_uid[0] == 0 || pi->pi_uid[2] == 0;

	text_printf(t,
	    "CapInh:\t%016llx\nCapPrm:\t%016llx\nCapEff:\t%016llx\n"
	    "CapBnd:\t%016llx\nCapAmb:\t%016llx\n",
	    0ULL, permitted ? all : 0, effective ? all : 0, all, 0ULL);
}

int
pfs_status(struct pfs_node *pn, struct text *t)
{
	struct subject su;
	const struct procinfo *pi = &su.su_info;
	int error;

	if ((error = subject_get(pn, &su)) != 0)
		return error;
	text_printf(t, "Name:\t");
	put_name(t, pi->pi_name);
	text_printf(t,
	    "\nUmask:\t%04o\nState:\t%s\nTgid:\t%d\nNgid:\t0\nPid:\t%d\n"
	    "PPid:\t%d\nTracerPid:\t0\n",
	    pi->pi_umask, state_name(su.su_state), (int)pi->pi_pid, su.su_id,
	    (int)pi->pi_ppid);
	text_printf(t, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\n",
	    pi->pi_uid[0], pi->pi_uid[1], pi->pi_uid[2], pi->pi_uid[3],
	    pi->pi_gid[0], pi->pi_gid[1], pi->pi_gid[2], pi->pi_gid[3]);
	text_printf(t, "FDSize:\t%u\n", pi->pi_fdsize);
	if ((error = put_groups(t, &pn->pn_proc)) != 0)
		return error;
	text_printf(t,
	    "NStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\n"
	    "Threads:\t%u\nSigQ:\t0/0\n",
	    (int)pi->pi_pid, su.su_id, (int)pi->pi_pgid, (int)pi->pi_sid,
	    pi->pi_nlwps);
	text_printf(t,
	    "SigPnd:\t%016llx\nShdPnd:\t%016llx\nSigBlk:\t%016llx\n"
	    "SigIgn:\t%016llx\nSigCgt:\t%016llx\n",
	    0ULL, (unsigned long long)pi->pi_sigpend, 0ULL, 0ULL, 0ULL);
	put_capabilities(t, pi);
	text_printf(t,
	    "NoNewPrivs:\t0\nSeccomp:\t0\nvoluntary_ctxt_switches:\t0\n"
	    "nonvoluntary_ctxt_switches:\t0\n");
	return 0;
}

/* There are no arguments but the name; process 0 is the kernel itself. */
int
pfs_cmdline(struct pfs_node *pn, struct text *t)
{
	struct procinfo pi;
	int error;

	if ((error = proc_getinfo(&pn->pn_proc, &pi)) != 0)
		return error;
	if (pi.pi_pid != 0)
		text_put(t, pi.pi_name, strlen(pi.pi_name) + 1);
	return 0;
}

int
pfs_comm(struct pfs_node *pn, struct text *t)
{
	struct procinfo pi;
	int error;

	if ((error = proc_getinfo(&pn->pn_proc, &pi)) == 0)
		text_printf(t, "%s\n", pi.pi_name);
	return error;
}

/* A process names itself, as on Linux. */
int
pfs_setcomm(struct pfs_node *pn, const char *name, size_t len)
{
	struct procid me;
	int error = proc_id(proc_pid(curlwp()->l_proc), &me);

	if (error != 0 || me.id_pid != pn->pn_proc.id_pid ||
	    me.id_serial != pn->pn_proc.id_serial)
		return EINVAL;
	return proc_setname(&me, name, len);
}

/* A limit of Linux's list; in its order. */
static const struct {
	const char *name;
	int which;
	const char *unit; /* with the padding */
} limits[] = {
    {"Max cpu time", RLIMIT_CPU, "seconds"},
    {"Max file size", RLIMIT_FSIZE, "bytes"},
    {"Max data size", RLIMIT_DATA, "bytes"},
    {"Max stack size", RLIMIT_STACK, "bytes"},
    {"Max core file size", RLIMIT_CORE, "bytes"},
    {"Max resident set", RLIMIT_RSS, "bytes"},
    {"Max processes", RLIMIT_NPROC, "processes"},
    {"Max open files", RLIMIT_NOFILE, "files"},
    {"Max locked memory", RLIMIT_MEMLOCK, "bytes"},
    {"Max address space", RLIMIT_AS, "bytes"},
    {"Max file locks", RLIMIT_LOCKS, "locks"},
    {"Max pending signals", RLIMIT_SIGPENDING, "signals"},
    {"Max msgqueue size", RLIMIT_MSGQUEUE, "bytes"},
    {"Max nice priority", RLIMIT_NICE, ""},
    {"Max realtime priority", RLIMIT_RTPRIO, ""},
    {"Max realtime timeout", RLIMIT_RTTIME, "us"},
};

static void
put_limit(struct text *t, rlim_t limit)
{
	if (limit == RLIM_INFINITY)
		text_printf(t, "%-20s ", "unlimited");
	else
		text_printf(t, "%-20llu ", (unsigned long long)limit);
}

int
pfs_limits(struct pfs_node *pn, struct text *t)
{
	struct rlimit rl[RLIM_NLIMITS];
	size_t i;
	int error;

	if ((error = proc_getlimits(&pn->pn_proc, rl)) != 0)
		return error;
	text_printf(t, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit",
	    "Hard Limit", "Units");
	for (i = 0; i < nitems(limits); i++) {
		text_printf(t, "%-25s ", limits[i].name);
		put_limit(t, rl[limits[i].which].rlim_cur);
		put_limit(t, rl[limits[i].which].rlim_max);
		text_printf(t, limits[i].unit[0] != '\0' ? "%-10s\n" : "%s\n",
		    limits[i].unit);
	}
	return 0;
}

int
pfs_mounts(struct pfs_node *pn, struct text *t)
{
	const struct cwdinfo *cwdi;
	int error = proc_getcwdi(&pn->pn_proc, &cwdi);

	if (error == 0)
		vfs_mounts(cwdi, t);
	return error;
}

int
pfs_mountinfo(struct pfs_node *pn, struct text *t)
{
	const struct cwdinfo *cwdi;
	int error = proc_getcwdi(&pn->pn_proc, &cwdi);

	if (error == 0)
		vfs_mountinfo(cwdi, t);
	return error;
}

int
pfs_empty(struct pfs_node *pn, struct text *t)
{
	(void)t;
	return pfs_node_exists(pn) ? 0 : ESRCH;
}

int
pfs_zero(struct pfs_node *pn, struct text *t)
{
	text_printf(t, "0");
	return pfs_node_exists(pn) ? 0 : ESRCH;
}

int
pfs_idmap(struct pfs_node *pn, struct text *t)
{
	text_printf(t, "%10u %10u %10u\n", 0u, 0u, UINT32_MAX);
	return pfs_node_exists(pn) ? 0 : ESRCH;
}

int
pfs_noid(struct pfs_node *pn, struct text *t)
{
	text_printf(t, "%u", UINT32_MAX);
	return pfs_node_exists(pn) ? 0 : ESRCH;
}

int
pfs_cgroup(struct pfs_node *pn, struct text *t)
{
	text_printf(t, "0::/\n");
	return pfs_node_exists(pn) ? 0 : ESRCH;
}
