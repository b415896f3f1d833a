/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the engine that intercepts system calls and the program that starts it
 * have in common: a page of shared memory with what the engine has to know
 * and what it counts.
 *
 * The page is a memfd at descriptor hc_fd, in every process that is
 * intercepted, and a copy of the loader's file is the next one (HJ_FD_IMAGE).
 * The loader is executed with its arguments
 *
 *	"hc_fd 0 8" PATH ARGUMENT ...
 *
 * by who begins, and sees to the rest itself: PATH is executed, with the
 * arguments (the first is what the program sees as its name).
 *
 * With a server of a rump kernel (hc_server) names, files and user ids are the
 * kernel's: the first loader connects as a new process of that kernel, whose
 * root, directory, ids and umask become what the page says; PATH is then a
 * name there.
 *
 * With rules (hc_rules) that is so for some names only: those in a directory
 * where the kernel's root is shown, and those below others that are the
 * kernel's as they are.  All other names, the program's among them, and ids are
 * the host's.  Sockets are the kernel's by their family.
 */
#ifndef HIJACK_HIJACK_H
#define HIJACK_HIJACK_H

#include <stdint.h>

#define HJ_MAGIC    0x6a70756dU
#define HJ_VERSION  5
#define HJ_NCALLS   512	 /* numbers of system calls that are counted */
#define HJ_NFDS	    16	 /* descriptors that the engine keeps for itself */
#define HJ_FD_IMAGE 1	 /* of these, the loader's copy */
#define HJ_PATHMAX  4096 /* a path with its NUL */
#define HJ_SERVER   108	 /* the path of a socket with its NUL */
#define HJ_ROOTMAX  256	 /* that of the root in the kernel */
#define HJ_PREFIX   256	 /* that of where it is shown on the host */
#define HJ_BLANKET  1024 /* all paths that are the kernel's */
#define HJ_NFILES   48	 /* whose sites of calls are known */
#define HJ_NSITES   60	 /* in each */
#define HJ_NANSWERS 9	 /* of the processor: leaves 0x80000000 and up */

/* The name of the loader's copy, beside it. */
#define HJ_IMAGE "rump-engine"

/* hr_retry, beside a number of seconds. */
#define HJ_RETRY_FOREVER (-1)
#define HJ_RETRY_ONCE	 (-2)
#define HJ_RETRY_DIE	 (-3)

/* prctl with this answers one of those, if the engine is there. */
#define HJ_PRCTL       0x72756d70
#define HJ_PRCTL_WORLD 1 /* without rules */
#define HJ_PRCTL_RULES 2

/* hr_calls */
#define HJ_CALLS_MOUNTS	 1u /* what is mounted is what is in the kernel */
#define HJ_CALLS_HANDLES 2u /* handles of files may be the kernel's */
#define HJ_CALLS_SYSCTL	 4u /* the kernel's sysctl */

/* See above; rumphijack(3) has the words that a user says this with. */
struct hj_rules {
	uint32_t hr_on;		   /* there are rules */
	uint32_t hr_fdoff;	   /* descriptors of the kernel's are no less */
	int64_t hr_retry;	   /* seconds, or HJ_RETRY_*: if it is lost */
	uint64_t hr_sockets;	   /* 1 << family: the kernel's */
	uint32_t hr_calls;	   /* HJ_CALLS_* */
	char hr_prefix[HJ_PREFIX]; /* without a slash at its end; "": none */
	char hr_blanket[HJ_BLANKET]; /* each with a NUL, and "" after them */
};

/* A file whose text is mapped. */
struct hj_fileid {
	uint64_t f_dev;
	uint64_t f_ino;
	uint64_t f_size;
	uint64_t f_sec; /* changed then */
	uint64_t f_nsec;
};

/*
 * The sites of calls in it, as offsets, in the order of their discovery
 * (x86_64/sites.c).
 */
struct hj_sites {
	uint32_t st_state;
	uint32_t st_count;
	uint32_t st_scanned; /* it was looked through (x86_64/scan.c) */
	struct hj_fileid st_file;
	struct hj_site {
		uint32_t s_call; /* 0: it is not there yet */
		uint32_t s_nr;
		uint32_t s_gap;	   /* where its jump goes, or HJ_GAP_* */
		uint32_t s_gapend; /* which ends there */
	} st_sites[HJ_NSITES];
};
#define HJ_GAP_UNKNOWN 0
#define HJ_GAP_MOV     1 /* the second form (x86_64/patch.c) */
#define HJ_GAP_NOTHING 2 /* it cannot be patched */
#define HJ_GAP_ANSWER  3 /* it is no call (x86_64/scan.c) */

/* What the processor says of itself. */
struct hj_answer {
	uint32_t a_known; /* last */
	uint32_t a_regs[4];
};

/*
 * The first loader waits until there is a kernel; or connects, which is
 * answered by then, and waits only if it cannot.
 */
#define HJ_WAIT	       1
#define HJ_WAIT_FAILED 2

/*
 * Letters: (s) stable once the first loader runs and hc_wait is not HJ_WAIT,
 * (a) added to atomically, read when all is over.
 */
struct hj_control {
	uint32_t hc_magic;	      /* (s) HJ_MAGIC */
	uint32_t hc_version;	      /* (s) HJ_VERSION */
	int32_t hc_fd;		      /* (s) the first of HJ_NFDS */
	uint32_t hc_nopatch;	      /* (s) sites are never patched */
	uint64_t hc_traps;	      /* (a) calls that came by SIGSYS */
	uint64_t hc_jumps;	      /* (a) calls that came by a jump */
	uint64_t hc_sites;	      /* (a) sites that were patched */
	uint64_t hc_execs;	      /* (a) programs that were loaded */
	uint64_t hc_foreign;	      /* (a) calls of 32-bit code */
	uint64_t hc_unknown;	      /* (a) numbers beyond the table */
	uint64_t hc_calls[HJ_NCALLS]; /* (a) calls by number */
	char hc_loader[HJ_PATHMAX];   /* (s) path of the loader */
	/* The kernel. */
	uint64_t hc_kernel[HJ_NCALLS]; /* (a) of hc_calls, those it answered */
	char hc_server[HJ_SERVER]; /* (s) its socket; "": all is the host's */
	char hc_root[HJ_ROOTMAX];  /* (s) chroot(2) to this; "": do not */
	char hc_cwd[HJ_PATHMAX];   /* (s) inside of that; "": its root */
	uint32_t hc_uid;	   /* (s) */
	uint32_t hc_gid;	   /* (s) and no other groups */
	uint32_t hc_umask;	   /* (s) */
	_Atomic uint32_t hc_wait;  /* HJ_WAIT_*: for 0, as a futex */
	struct hj_rules hc_rules;  /* (s) */
	struct hj_answer hc_answers[HJ_NANSWERS]; /* by themselves */
	struct hj_sites hc_files[HJ_NFILES];	  /* by themselves */
};

#endif
