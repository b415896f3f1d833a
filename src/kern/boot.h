/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Boot, and what the environment configured.
 */
#ifndef KERN_BOOT_H
#define KERN_BOOT_H

#include "kern/param.h"

struct kern_config {
	uint64_t kc_memlimit; /* RUMP_MEMLIMIT in bytes, 0: the host's */
	uint64_t kc_nvnodes;  /* RUMP_NVNODES, 0: vcache.c's default */
	int kc_ncpu;	      /* RUMP_NCPU */
	bool kc_verbose;      /* RUMP_VERBOSE */
	bool kc_cputime;      /* RUMP_CPUTIME, and it can be counted */
	const struct hyper_host *kc_host; /* RUMP_THREADS */
	char kc_hostname[65]; /* RUMP_HOSTNAME; see kern_gethostname */

	/* RUMP_TRACE: the file, without what its format is, or "". */
	char kc_trace[PATH_MAX];
	int kc_tracefd;	  /* which is open */
	bool kc_perfetto; /* the format */
};

/* Stable after boot. */
extern struct kern_config kern_config;

/*
 * Fill kern_config from the environment.  EINVAL for a value that makes no
 * sense, after a line on standard error that names it.
 */
int config_read(void);

/*
 * Parts of the kernel above src/kern, to be started at boot in this order
 * when processes are about to be made: a part sets *cwdip or leaves it.
 * bp_ready (or NULL) is called when process 1 is there, with an lwp of it, in
 * a section: what is part of boot and takes calls.
 */
struct kref;
struct boot_part {
	const char *bp_name;
	int (*bp_init)(struct kref **cwdip);
	void (*bp_ready)(struct lwp *);
};

/* Ends with a NULL name; defined in src/syscall/boot_parts.c. */
extern const struct boot_part boot_parts[];

/* The clock starts; there can be fibers. */
void clock_init(void);
void fiber_init(void);

bool kern_booted(void);

/* Is a host thread in the middle of booting?  Wait until none is. */
bool kern_booting(void);
void kern_boot_wait(void);

/* In the child of a fork: who was about to begin is no more. */
void kern_boot_forked(void);

/* Around the host's fork(2); see fork.c. */
void fork_prepare(void);
void fork_parent(void);
void fork_child(void);

#endif /* KERN_BOOT_H */
