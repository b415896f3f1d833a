/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes as others see them: for file systems that show them.
 *
 * Pids are used again, so who comes back to a process names it by pid and
 * serial number.  All of these take p_lock for a moment, and give ESRCH when
 * the process is no more.
 */
#ifndef KERN_PROCINFO_H
#define KERN_PROCINFO_H

#include "kern/kern.h"

struct procid {
	pid_t id_pid;
	uint64_t id_serial;
};

struct procinfo {
	char pi_name[PROC_NAMELEN];
	pid_t pi_pid, pi_ppid, pi_pgid, pi_sid;
	uid_t pi_uid[4]; /* real, effective, saved, file */
	gid_t pi_gid[4];
	uint32_t pi_nlwps;
	uint32_t pi_running; /* lwps that are not asleep */
	uint32_t pi_fdsize;  /* slots of its descriptor table */
	mode_t pi_umask;
	uint64_t pi_sigpend; /* bit 0 is signal 1 */
	int64_t pi_start;    /* by the monotonic clock */
	int64_t pi_cputime;  /* nanoseconds, if they are counted; cputime.h */
	int64_t pi_childtime;
	bool pi_dying;
	bool pi_stopped;
	bool pi_system; /* processes 0 and 1 */
};

/* The process that has this pid now. */
int proc_id(pid_t, struct procid *);

/*
 * The first pid from this one on that is in use, or -1.  Takes no lock: of
 * processes that come and go meanwhile some are found.
 */
pid_t proc_nextpid(pid_t);

/* Pids are below this. */
pid_t pid_max(void);

int proc_getinfo(const struct procid *, struct procinfo *);
int proc_getlimits(const struct procid *, struct rlimit[RLIM_NLIMITS]);

/* The groups of its credential, readable in this section. */
int proc_getcred(const struct procid *, const struct cred **);

/* Its directories, readable in this section. */
int proc_getcwdi(const struct procid *, const struct cwdinfo **);

/* Cut to PROC_NAMELEN - 1 bytes. */
int proc_setname(const struct procid *, const char *name, size_t len);

/* May l look at what is in the process, as ptrace might?  EACCES. */
int proc_maylook(struct lwp *l, const struct procid *);

/* Does the lwp sleep?  ESRCH. */
int lwp_getstate(const struct procid *, int lid, bool *asleep);

/* The lowest lid from this one on, or -1. */
int lwp_nextlid(const struct procid *, int lid);

/* The same for descriptors. */
int proc_nextfd(const struct procid *, int fd);

/* A reference to what one of its descriptors names.  EBADF. */
int
proc_getfile(const struct procid *, int fd, struct file **fpp, bool *cloexec);

#endif /* KERN_PROCINFO_H */
