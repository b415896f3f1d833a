/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the engine that intercepts system calls and the program that starts it
 * have in common: a page of shared memory with what the engine has to know
 * and what it counts.
 *
 * The page is a memfd at descriptor hc_fd, in every process that is
 * intercepted.  The loader is executed with its arguments
 *
 *	"hc_fd 0 8" PATH ARGUMENT ...
 *
 * by who begins, and sees to the rest itself: PATH is executed, with the
 * arguments (the first is what the program sees as its name).
 */
#ifndef HIJACK_HIJACK_H
#define HIJACK_HIJACK_H

#include <stdint.h>

#define HJ_MAGIC   0x6a70756dU
#define HJ_VERSION 1
#define HJ_NCALLS  512	/* numbers of system calls that are counted */
#define HJ_NFDS	   16	/* descriptors that the engine keeps for itself */
#define HJ_PATHMAX 4096 /* a path with its NUL */

/*
 * Letters: (s) stable once the first loader runs, (a) added to atomically,
 * read when all is over.
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
};

#endif
