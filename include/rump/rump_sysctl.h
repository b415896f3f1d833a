/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tree of rump_sys___sysctl and rump_sys_sysctlbyname: its numbers, and
 * the structures that some of its nodes are.  What each node says is listed in
 * rump_sysctl(3).  Numbers and names are those of NetBSD where it has them;
 * nodes without a number there have one from 1024 on, which is to be asked
 * for.
 */
#ifndef RUMP_RUMP_SYSCTL_H
#define RUMP_RUMP_SYSCTL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The most numbers in a name. */
#define RUMP_CTL_MAXNAME 12

/* First numbers. */
#define RUMP_CTL_KERN 1
#define RUMP_CTL_VM   2
#define RUMP_CTL_VFS  3
#define RUMP_CTL_HW   6

/*
 * As the last number of the name of an inner node: a struct rump_sysctlnode
 * for each of the nodes in it, in the order of their numbers.  RUMP_CTL_QUERY
 * alone asks for the nodes at the top.  (NetBSD's idea, our structure)
 */
#define RUMP_CTL_QUERY (-2)

/* kern */
#define RUMP_KERN_OSTYPE	 1  /* string */
#define RUMP_KERN_OSRELEASE	 2  /* string */
#define RUMP_KERN_OSREV		 3  /* int */
#define RUMP_KERN_VERSION	 4  /* string */
#define RUMP_KERN_MAXVNODES	 5  /* int; can be set */
#define RUMP_KERN_MAXPROC	 6  /* int; can be set */
#define RUMP_KERN_MAXFILES	 7  /* int; can be set */
#define RUMP_KERN_HOSTNAME	 10 /* string; can be set */
#define RUMP_KERN_CLOCKRATE	 12 /* struct rump_clockinfo */
#define RUMP_KERN_POSIX1	 17 /* int */
#define RUMP_KERN_NGROUPS	 18 /* int */
#define RUMP_KERN_JOB_CONTROL	 19 /* int */
#define RUMP_KERN_SAVED_IDS	 20 /* int */
#define RUMP_KERN_DOMAINNAME	 22 /* string; can be set */
#define RUMP_KERN_FSYNC		 32 /* int */
#define RUMP_KERN_IOV_MAX	 38 /* int */
#define RUMP_KERN_LOGIN_NAME_MAX 44 /* int */
#define RUMP_KERN_PROC2		 47 /* struct rump_kinfo_proc2, see below */
#define RUMP_KERN_BOOTTIME	 83 /* struct timespec */

/* vfs */
#define RUMP_VFS_GENERIC 0

/* hw */
#define RUMP_HW_MACHINE	     1	/* string */
#define RUMP_HW_MODEL	     2	/* string */
#define RUMP_HW_NCPU	     3	/* int */
#define RUMP_HW_BYTEORDER    4	/* int */
#define RUMP_HW_PHYSMEM	     5	/* int: bytes, at most INT_MAX */
#define RUMP_HW_USERMEM	     6	/* int: bytes, at most INT_MAX */
#define RUMP_HW_PAGESIZE     7	/* int: bytes */
#define RUMP_HW_MACHINE_ARCH 10 /* string */
#define RUMP_HW_PHYSMEM64    13 /* quad: bytes */
#define RUMP_HW_USERMEM64    14 /* quad: bytes */
#define RUMP_HW_NCPUONLINE   16 /* int */

/* What a node is, in sysctl_flags. */
#define RUMP_CTLTYPE_NODE      1 /* has nodes in it, and no value */
#define RUMP_CTLTYPE_INT       2 /* int32_t */
#define RUMP_CTLTYPE_STRING    3 /* bytes with a NUL behind them */
#define RUMP_CTLTYPE_QUAD      4 /* int64_t */
#define RUMP_CTLTYPE_STRUCT    5
#define RUMP_CTLTYPE_BOOL      6 /* one byte */
#define RUMP_CTLTYPE_MASK      0x0f
#define RUMP_CTLFLAG_READWRITE 0x70 /* root can set it */

/* What RUMP_CTL_QUERY tells of a node. */
struct rump_sysctlnode {
	int32_t sysctl_num;
	uint32_t sysctl_flags; /* RUMP_CTLTYPE_*, RUMP_CTLFLAG_* */
	char sysctl_name[32];
	char sysctl_desc[88]; /* one line about it */
};

/* kern.clockrate: how often time is measured in ticks, and how long one is. */
struct rump_clockinfo {
	int hz;	     /* ticks a second */
	int tick;    /* microseconds */
	int tickadj; /* microseconds a second that adjtime moves the clock */
	int stathz;  /* there is no such clock: 0 */
	int profhz;  /* nor this */
};

/*
 * kern.proc2: the name goes on with what is asked for, a number that says
 * whose, the size of a struct and how many there is room for:
 *
 *	int name[6] = {RUMP_CTL_KERN, RUMP_KERN_PROC2, RUMP_KERN_PROC_UID, 1000,
 *	    sizeof(struct rump_kinfo_proc2), 10};
 *
 * The array is in the order of pids.  Each struct has the size that was asked
 * for: it is cut, or has zeros at its end.  Without a buffer the answer is the
 * size that would be needed now and for a few processes more.  (NetBSD)
 */
#define RUMP_KERN_PROC_ALL     0
#define RUMP_KERN_PROC_PID     1
#define RUMP_KERN_PROC_PGRP    2
#define RUMP_KERN_PROC_SESSION 3
#define RUMP_KERN_PROC_UID     5 /* effective */
#define RUMP_KERN_PROC_RUID    6 /* real */
#define RUMP_KERN_PROC_GID     7
#define RUMP_KERN_PROC_RGID    8

/* The fields of NetBSD's that mean something here, under the same names. */
struct rump_kinfo_proc2 {
	int32_t p_pid;
	int32_t p_ppid;
	int32_t p__pgid;
	int32_t p_sid;
	uint32_t p_uid; /* effective */
	uint32_t p_ruid;
	uint32_t p_svuid;
	uint32_t p_gid;
	uint32_t p_rgid;
	uint32_t p_svgid;
	uint32_t p_realstat; /* RUMP_S* */
	uint32_t p_nlwps;
	uint32_t p_nrlwps; /* of these run now */
	uint32_t p_umask;
	uint64_t p_siglist;   /* pending; bit 0 is signal 1 */
	int64_t p_ustart_sec; /* when it was made, by CLOCK_REALTIME */
	uint32_t p_ustart_usec;
	char p_comm[28]; /* its name */
};

#define RUMP_SACTIVE 2
#define RUMP_SDYING  3 /* has ended; perhaps nobody has waited for it yet */
#define RUMP_SSTOP   4

/* The names of the BSDs. */
#ifndef CTL_KERN
#define CTL_MAXNAME	    RUMP_CTL_MAXNAME
#define CTL_KERN	    RUMP_CTL_KERN
#define CTL_VM		    RUMP_CTL_VM
#define CTL_VFS		    RUMP_CTL_VFS
#define CTL_HW		    RUMP_CTL_HW
#define CTL_QUERY	    RUMP_CTL_QUERY
#define KERN_OSTYPE	    RUMP_KERN_OSTYPE
#define KERN_OSRELEASE	    RUMP_KERN_OSRELEASE
#define KERN_OSREV	    RUMP_KERN_OSREV
#define KERN_VERSION	    RUMP_KERN_VERSION
#define KERN_MAXVNODES	    RUMP_KERN_MAXVNODES
#define KERN_MAXPROC	    RUMP_KERN_MAXPROC
#define KERN_MAXFILES	    RUMP_KERN_MAXFILES
#define KERN_HOSTNAME	    RUMP_KERN_HOSTNAME
#define KERN_CLOCKRATE	    RUMP_KERN_CLOCKRATE
#define KERN_POSIX1	    RUMP_KERN_POSIX1
#define KERN_NGROUPS	    RUMP_KERN_NGROUPS
#define KERN_JOB_CONTROL    RUMP_KERN_JOB_CONTROL
#define KERN_SAVED_IDS	    RUMP_KERN_SAVED_IDS
#define KERN_DOMAINNAME	    RUMP_KERN_DOMAINNAME
#define KERN_FSYNC	    RUMP_KERN_FSYNC
#define KERN_IOV_MAX	    RUMP_KERN_IOV_MAX
#define KERN_LOGIN_NAME_MAX RUMP_KERN_LOGIN_NAME_MAX
#define KERN_PROC2	    RUMP_KERN_PROC2
#define KERN_BOOTTIME	    RUMP_KERN_BOOTTIME
#define VFS_GENERIC	    RUMP_VFS_GENERIC
#define HW_MACHINE	    RUMP_HW_MACHINE
#define HW_MODEL	    RUMP_HW_MODEL
#define HW_NCPU		    RUMP_HW_NCPU
#define HW_BYTEORDER	    RUMP_HW_BYTEORDER
#define HW_PHYSMEM	    RUMP_HW_PHYSMEM
#define HW_USERMEM	    RUMP_HW_USERMEM
#define HW_PAGESIZE	    RUMP_HW_PAGESIZE
#define HW_MACHINE_ARCH	    RUMP_HW_MACHINE_ARCH
#define HW_PHYSMEM64	    RUMP_HW_PHYSMEM64
#define HW_USERMEM64	    RUMP_HW_USERMEM64
#define HW_NCPUONLINE	    RUMP_HW_NCPUONLINE
#define KERN_PROC_ALL	    RUMP_KERN_PROC_ALL
#define KERN_PROC_PID	    RUMP_KERN_PROC_PID
#define KERN_PROC_PGRP	    RUMP_KERN_PROC_PGRP
#define KERN_PROC_SESSION   RUMP_KERN_PROC_SESSION
#define KERN_PROC_UID	    RUMP_KERN_PROC_UID
#define KERN_PROC_RUID	    RUMP_KERN_PROC_RUID
#define KERN_PROC_GID	    RUMP_KERN_PROC_GID
#define KERN_PROC_RGID	    RUMP_KERN_PROC_RGID
#endif

#ifdef __cplusplus
}
#endif

#endif /* RUMP_RUMP_SYSCTL_H */
