/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's record of a host thread that has entered it: which lwp it
 * runs, its place in the reclamation scheme, and its caches.
 *
 * Made at the first entry of a host thread, taken apart when the host thread
 * ends.  The record and its id are used again for a later host thread.
 *
 * Fields: (o) only the host thread itself; (a) atomic, written by the owner;
 * (h) the list lock in hostthread.c; (s) stable while the thread lives.
 */
#ifndef KERN_HOSTTHREAD_H
#define KERN_HOSTTHREAD_H

#include "kern/param.h"
#include "kern/kmem.h"

struct pcache;
struct smr_item;

struct hostthread {
	/* (a) sequence seen at entry, 0 outside the kernel; see smr.h */
	_Atomic uint64_t ht_smr;
	uint32_t ht_id;		    /* (s) 1, 2, …; its shard is the id */
	bool ht_alive;		    /* (h) in use by a host thread */
	struct lwp *ht_bound;	    /* (o) what curlwp_tls says, if bound */
	struct lwp *ht_implicit;    /* (o) lwp of implicit entries, or NULL */
	struct hostthread *ht_next; /* (s) all records, never unlinked */

	/* (o) deferred frees of this thread, oldest first; see smr.c */
	struct smr_item *ht_limbo;
	struct smr_item **ht_limbotail;
	uint32_t ht_nlimbo;

	/* (o) process cache and pids in hand; see proc_cache.c */
	struct pcache *ht_pcache;

	/* (o) free objects in hand; see kmem.c */
	struct kmagazine ht_mag[KMEM_NCACHE];
} __attribute__((aligned(CACHE_LINE)));

/*
 * The host thread's record and current lwp.  curlwp_tls is NULL until the
 * first entry; from then on it is the lwp the thread is bound to or, when it
 * is not bound, its implicit lwp.
 */
extern _Thread_local struct hostthread *curht_tls
    __attribute__((tls_model("initial-exec")));
extern _Thread_local struct lwp *curlwp_tls
    __attribute__((tls_model("initial-exec")));

static inline struct hostthread *
curht(void)
{
	return curht_tls;
}

static inline struct lwp *
curlwp(void)
{
	return curlwp_tls;
}

/*
 * Give the calling host thread a record.  0, or ENOMEM.
 */
int hostthread_attach(void);

/* All records, for smr.c and the fork handlers: follow ht_next. */
extern struct hostthread *_Atomic hostthread_list;

#endif /* KERN_HOSTTHREAD_H */
