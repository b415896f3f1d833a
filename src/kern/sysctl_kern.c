/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The nodes of sysctl that src/kern has: kern, hw and vm.
 */
#include <sys/utsname.h>

#include <rump/rump.h>

#include "kern/boot.h"
#include "kern/ktime.h"
#include "kern/lwp.h"
#include "kern/proc_impl.h"
#include "kern/procinfo.h"
#include "kern/sysctl.h"

#define POSIX_VERSION 200809 /* what the calls follow */
#define HZ	      100    /* as sysconf(_SC_CLK_TCK) says */
#define ADJTIME_USEC  500    /* a second; clock.c */

/* Processes that may come between two calls. */
#define PROC2_SLOP 5

/* Of a struct that somebody asks for. */
#define PROC2_MAXSIZE 4096

#define NODE(parent, num, name, desc)                                      \
	{                                                                  \
		.sn_parent = (parent), .sn_num = (num), .sn_name = (name), \
		.sn_flags = RUMP_CTLTYPE_NODE, .sn_desc = (desc),          \
	}
#define VALUE(type, parent, num, name, desc, ...)                          \
	{                                                                  \
		.sn_parent = (parent), .sn_num = (num), .sn_name = (name), \
		.sn_flags = (RUMP_CTLTYPE_##type), .sn_desc = (desc),      \
		__VA_ARGS__                                                \
	}

static void
get_release(const struct sysctl_node *sn, char buf[SYSCTL_STRSIZE])
{
	(void)sn;
	kern_release(buf, SYSCTL_STRSIZE);
}

static void
get_version(const struct sysctl_node *sn, char buf[SYSCTL_STRSIZE])
{
	(void)sn;
	kern_version(buf, SYSCTL_STRSIZE);
}

static void
get_hostname(const struct sysctl_node *sn, char buf[SYSCTL_STRSIZE])
{
	(void)sn;
	kern_gethostname(buf);
}

static int
set_hostname(const struct sysctl_node *sn, const char *name, size_t len)
{
	(void)sn;
	return kern_sethostname(name, len);
}

static void
get_domainname(const struct sysctl_node *sn, char buf[SYSCTL_STRSIZE])
{
	(void)sn;
	kern_getdomainname(buf);
}

static int
set_domainname(const struct sysctl_node *sn, const char *name, size_t len)
{
	(void)sn;
	return kern_setdomainname(name, len);
}

static int64_t
get_version_number(const struct sysctl_node *sn)
{
	(void)sn;
	return rump_getversion();
}

static int64_t
get_maxproc(const struct sysctl_node *sn)
{
	(void)sn;
	return (int64_t)proc_getmax();
}

static int
set_maxproc(const struct sysctl_node *sn, int64_t max)
{
	(void)sn;
	return proc_setmax(max);
}

static int64_t
get_maxfiles(const struct sysctl_node *sn)
{
	(void)sn;
	return (int64_t)atomic_load_explicit(
	    &kern_maxfiles, memory_order_relaxed);
}

static int
set_maxfiles(const struct sysctl_node *sn, int64_t max)
{
	(void)sn;
	return file_setmax(max);
}

static int64_t
get_nprocs(const struct sysctl_node *sn)
{
	(void)sn;
	return (int64_t)proc_live();
}

static int64_t
get_nlwps(const struct sysctl_node *sn)
{
	(void)sn;
	return (int64_t)lwp_live();
}

static int64_t
get_nfiles(const struct sysctl_node *sn)
{
	(void)sn;
	return (int64_t)file_live();
}

static int64_t
get_ncreds(const struct sysctl_node *sn)
{
	(void)sn;
	return (int64_t)cred_live();
}

static int64_t
get_ncpu(const struct sysctl_node *sn)
{
	(void)sn;
	return kern_config.kc_ncpu;
}

static int64_t
get_limit(const struct sysctl_node *sn)
{
	struct kmem_stats ks;

	(void)sn;
	kmem_stats(&ks);
	return (int64_t)ks.ks_limit;
}

static int64_t
get_committed(const struct sysctl_node *sn)
{
	struct kmem_stats ks;

	(void)sn;
	kmem_stats(&ks);
	return (int64_t)ks.ks_committed;
}

static int64_t
get_used(const struct sysctl_node *sn)
{
	struct kmem_stats ks;

	(void)sn;
	kmem_stats(&ks);
	return (int64_t)ks.ks_used;
}

static int64_t
get_free(const struct sysctl_node *sn)
{
	struct kmem_stats ks;

	(void)sn;
	kmem_stats(&ks);
	return ks.ks_limit > ks.ks_used ? (int64_t)(ks.ks_limit - ks.ks_used)
					: 0;
}

static int
fill_clockrate(
    struct lwp *l, const int *name, unsigned namelen, struct sysctl_out *so)
{
	static const struct rump_clockinfo ci = {
	    .hz = HZ, .tick = 1000000 / HZ, .tickadj = ADJTIME_USEC};

	(void)l, (void)name;
	return namelen > 0 ? ENOTDIR : sysctl_put(so, &ci, sizeof(ci));
}

static int
fill_boottime(
    struct lwp *l, const int *name, unsigned namelen, struct sysctl_out *so)
{
	struct timespec ts;

	(void)l, (void)name;
	if (namelen > 0)
		return ENOTDIR;
	kern_boottime(&ts);
	return sysctl_put(so, &ts, sizeof(ts));
}

/*
 * kern.proc2
 */

static bool
proc2_match(const struct procinfo *pi, int op, int arg)
{
	switch (op) {
	case RUMP_KERN_PROC_PID:
		return pi->pi_pid == arg;
	case RUMP_KERN_PROC_PGRP:
		return pi->pi_pgid == arg;
	case RUMP_KERN_PROC_SESSION:
		return pi->pi_sid == arg;
	case RUMP_KERN_PROC_UID:
		return pi->pi_uid[1] == (uid_t)arg;
	case RUMP_KERN_PROC_RUID:
		return pi->pi_uid[0] == (uid_t)arg;
	case RUMP_KERN_PROC_GID:
		return pi->pi_gid[1] == (gid_t)arg;
	case RUMP_KERN_PROC_RGID:
		return pi->pi_gid[0] == (gid_t)arg;
	default:
		return true;
	}
}

static void
proc2_fill(struct rump_kinfo_proc2 *kp, const struct procinfo *pi)
{
	struct timespec boot;
	int64_t start;

	memset(kp, 0, sizeof(*kp));
	kern_boottime(&boot);
	start = boot.tv_sec * NSEC_PER_SEC + boot.tv_nsec +
		kern_uptime(pi->pi_start);
	kp->p_pid = pi->pi_pid;
	kp->p_ppid = pi->pi_ppid;
	kp->p__pgid = pi->pi_pgid;
	kp->p_sid = pi->pi_sid;
	kp->p_ruid = pi->pi_uid[0];
	kp->p_uid = pi->pi_uid[1];
	kp->p_svuid = pi->pi_uid[2];
	kp->p_rgid = pi->pi_gid[0];
	kp->p_gid = pi->pi_gid[1];
	kp->p_svgid = pi->pi_gid[2];
	kp->p_realstat = pi->pi_dying	  ? RUMP_SDYING
			 : pi->pi_stopped ? RUMP_SSTOP
					  : RUMP_SACTIVE;
	kp->p_nlwps = pi->pi_nlwps;
	kp->p_nrlwps = pi->pi_running;
	kp->p_umask = pi->pi_umask;
	kp->p_siglist = pi->pi_sigpend;
	kp->p_ustart_sec = start / NSEC_PER_SEC;
	kp->p_ustart_usec = (uint32_t)(start % NSEC_PER_SEC / 1000);
	memcpy(kp->p_comm, pi->pi_name, sizeof(pi->pi_name));
}

/* Of the size that was asked for. */
static int
proc2_put(struct sysctl_out *so, const struct procinfo *pi, size_t size)
{
	static const char zeros[64];
	struct rump_kinfo_proc2 kp;
	size_t n, at = sizeof(kp);
	int error;

	proc2_fill(&kp, pi);
	error = sysctl_put(so, &kp, size < at ? size : at);
	for (; at < size && error == 0; at += n) {
		n = size - at < sizeof(zeros) ? size - at : sizeof(zeros);
		error = sysctl_put(so, zeros, n);
	}
	return error;
}

static int
fill_proc2(
    struct lwp *l, const int *name, unsigned namelen, struct sysctl_out *so)
{
	bool sizeonly = sysctl_sizeonly(so);
	struct procinfo pi;
	struct procid id;
	int op, size, room, error = 0;
	int64_t n = 0;
	pid_t pid;

	(void)l;
	if (namelen != 4)
		return EINVAL;
	op = name[0], size = name[2], room = name[3];
	if (op < 0 || op > RUMP_KERN_PROC_RGID || op == 4 || room < 0 ||
	    size < 1 || size > PROC2_MAXSIZE)
		return EINVAL;
	for (pid = 0; error == 0 && (pid = proc_nextpid(pid)) >= 0; pid++) {
		if (proc_id(pid, &id) != 0 || proc_getinfo(&id, &pi) != 0 ||
		    !proc2_match(&pi, op, name[1]))
			continue;
		if (!sizeonly && n >= room)
			return 0;
		error = proc2_put(so, &pi, (size_t)size);
		n++;
	}
	memset(&pi, 0, sizeof(pi));
	for (n = 0; sizeonly && n < PROC2_SLOP && error == 0; n++)
		error = proc2_put(so, &pi, (size_t)size);
	return error;
}

static struct sysctl_node nodes[] = {
    NODE("", RUMP_CTL_KERN, "kern", "the kernel and its limits"),
    NODE("", RUMP_CTL_VM, "vm", "memory"),
    NODE("", RUMP_CTL_HW, "hw", "the machine that the kernel shows"),

    VALUE(STRING, "kern", RUMP_KERN_OSTYPE, "ostype", "what the kernel is",
	.sn_text = KERN_OSTYPE_NAME),
    VALUE(STRING, "kern", RUMP_KERN_OSRELEASE, "osrelease", "its version",
	.sn_string = get_release),
    VALUE(INT, "kern", RUMP_KERN_OSREV, "osrevision",
	"its version as a number, as rump_getversion gives it",
	.sn_number = get_version_number),
    VALUE(STRING, "kern", RUMP_KERN_VERSION, "version",
	"what it is, with its version", .sn_string = get_version),
    VALUE(INT | SYSCTL_RW, "kern", RUMP_KERN_MAXPROC, "maxproc",
	"processes that there may be", .sn_number = get_maxproc,
	.sn_setnumber = set_maxproc),
    VALUE(INT | SYSCTL_RW, "kern", RUMP_KERN_MAXFILES, "maxfiles",
	"open files that there may be, but for root", .sn_number = get_maxfiles,
	.sn_setnumber = set_maxfiles),
    VALUE(STRING | SYSCTL_RW, "kern", RUMP_KERN_HOSTNAME, "hostname",
	"the name of the host", .sn_string = get_hostname,
	.sn_setstring = set_hostname),
    VALUE(STRUCT, "kern", RUMP_KERN_CLOCKRATE, "clockrate",
	"ticks that time is measured in", .sn_fill = fill_clockrate),
    VALUE(INT, "kern", RUMP_KERN_POSIX1, "posix1version",
	"the version of POSIX that calls follow", .sn_value = POSIX_VERSION),
    VALUE(INT, "kern", RUMP_KERN_NGROUPS, "ngroups",
	"groups that a process may have", .sn_value = NGROUPS_MAX),
    VALUE(INT, "kern", RUMP_KERN_JOB_CONTROL, "job_control",
	"is there job control", .sn_value = 1),
    VALUE(INT, "kern", RUMP_KERN_SAVED_IDS, "saved_ids",
	"have processes saved ids", .sn_value = 1),
    VALUE(STRING | SYSCTL_RW, "kern", RUMP_KERN_DOMAINNAME, "domainname",
	"the name of the host's domain", .sn_string = get_domainname,
	.sn_setstring = set_domainname),
    VALUE(
	INT, "kern", RUMP_KERN_FSYNC, "fsync", "is there fsync", .sn_value = 1),
    VALUE(INT, "kern", RUMP_KERN_IOV_MAX, "iov_max",
	"buffers that one call reads or writes", .sn_value = IOV_MAX),
    VALUE(INT, "kern", RUMP_KERN_LOGIN_NAME_MAX, "login_name_max",
	"bytes of a login name, with the NUL", .sn_value = LOGIN_SIZE),
    VALUE(STRUCT, "kern", RUMP_KERN_PROC2, "proc2",
	"processes: the name goes on with what, whose, size, how many",
	.sn_fill = fill_proc2),
    VALUE(STRUCT, "kern", RUMP_KERN_BOOTTIME, "boottime",
	"when the kernel was booted", .sn_fill = fill_boottime),
    VALUE(INT, "kern", SYSCTL_ANY, "nprocs", "processes that there are",
	.sn_number = get_nprocs),
    VALUE(INT, "kern", SYSCTL_ANY, "nlwps",
	"lwps that there are, but for implicit ones", .sn_number = get_nlwps),
    VALUE(INT, "kern", SYSCTL_ANY, "nfiles", "open files that there are",
	.sn_number = get_nfiles),
    VALUE(INT, "kern", SYSCTL_ANY, "ncreds", "credentials that there are",
	.sn_number = get_ncreds),

    VALUE(STRING, "hw", RUMP_HW_MACHINE, "machine", "kind of machine",
	.sn_text = KERN_MACHINE),
    VALUE(STRING, "hw", RUMP_HW_MODEL, "model", "its model", .sn_text = "rump"),
    VALUE(INT, "hw", RUMP_HW_NCPU, "ncpu", "processors", .sn_number = get_ncpu),
    VALUE(INT, "hw", RUMP_HW_BYTEORDER, "byteorder",
	"1234: the low byte of a number comes first", .sn_value = __BYTE_ORDER),
    VALUE(INT, "hw", RUMP_HW_PHYSMEM, "physmem",
	"bytes of memory, or the most that this number can be",
	.sn_number = get_limit),
    VALUE(INT, "hw", RUMP_HW_USERMEM, "usermem",
	"bytes that are not used, or the most that this number can be",
	.sn_number = get_free),
    VALUE(INT, "hw", RUMP_HW_PAGESIZE, "pagesize", "bytes of a page",
	.sn_value = KPAGE_SIZE),
    VALUE(STRING, "hw", RUMP_HW_MACHINE_ARCH, "machine_arch",
	"kind of processor", .sn_text = KERN_MACHINE),
    VALUE(QUAD, "hw", RUMP_HW_PHYSMEM64, "physmem64", "bytes of memory",
	.sn_number = get_limit),
    VALUE(QUAD, "hw", RUMP_HW_USERMEM64, "usermem64", "bytes that are not used",
	.sn_number = get_free),
    VALUE(INT, "hw", RUMP_HW_NCPUONLINE, "ncpuonline", "processors that run",
	.sn_number = get_ncpu),

    NODE("vm", SYSCTL_ANY, "kmem", "the kernel's region of memory"),
    VALUE(QUAD, "vm.kmem", SYSCTL_ANY, "limit", "bytes that the kernel may use",
	.sn_number = get_limit),
    VALUE(QUAD, "vm.kmem", SYSCTL_ANY, "committed",
	"bytes that it has from the host", .sn_number = get_committed),
    VALUE(QUAD, "vm.kmem", SYSCTL_ANY, "used", "bytes in its objects",
	.sn_number = get_used),
};

void
sysctl_kern_init(void)
{
	sysctl_boot(nodes, nitems(nodes));
}
