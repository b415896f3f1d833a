/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's record of a host thread that has entered it: which lwp it
 * runs, its place in the reclamation scheme, and its caches.
 *
 * Made at the first entry of a host thread, taken apart when the host thread
 * ends.  The record and its id are used again for a later host thread.
 *
 * What a context that sleeps in a call keeps, be it a host thread or a fiber,
 * is apart from that, in struct kcontext.
 *
 * Fields: (o) only the host thread itself; (a) atomic, written by the owner;
 * (s) stable while the thread, or the context, lives.
 */
#ifndef KERN_HOSTTHREAD_H
#define KERN_HOSTTHREAD_H

#include "kern/kmagazine.h"
#include "kern/param.h"

/* Retired objects in a queue; see smr.h. */
struct smr_item;
struct smr_list {
	struct smr_item *sl_first;
	struct smr_item **sl_last; /* NULL while empty */
	uint32_t sl_count;
};

/* The same once they have a goal, the first ones first. */
struct smr_waiting {
	struct smr_list sw_list[2];
	uint64_t sw_goal[2];
};

/*
 * Is a call whose sleep was interrupted (EINTR) made again?  The sleep says
 * ALWAYS when it was for a signal to act on; some calls then say otherwise.
 */
enum signal_restart {
	SR_NEVER,
	SR_NOHAND, /* unless a handler has run */
	SR_ALWAYS, /* unless a handler without SA_RESTART has run */
	SR_EVER,   /* whatever has run */
};

struct pollwait;
struct trace;
struct unrights;

/*
 * A context, which makes calls and can sleep in one: a host thread or a fiber.
 * Its memory is never anything else, so that who finds it by an lwp can look
 * at it whether it is still there or not.
 */
struct kcontext {
	void *kc_free;		       /* the allocator's, while free */
	struct hyper_context kc_hyper; /* (s) how it waits */
	struct hostthread *kc_ht;      /* (s) that it runs on */
	uint32_t kc_id;		      /* (s) 1, 2, …: names who runs an lwp */
	bool kc_scheduled;	      /* (o) by rump_schedule */
	bool kc_server;		      /* (o) serves clients; see remote.h */
	uint8_t kc_restart;	      /* (o) enum signal_restart */
	bool kc_sigrestore;	      /* (o) kc_sigsaved is to be its mask */
	int kc_error;		      /* (o) of its last call that failed */
	uint32_t kc_fdmin;	      /* (o) new descriptors are not below it */
	struct lwp *kc_implicit;      /* (o) of implicit entries, or NULL */
	struct pollwait *kc_pollwait; /* (o) of the lwp in a call; poll.c */
	uint64_t kc_sigsaved;	      /* (o) see sigreturn.c */
	_Atomic uint64_t kc_sigwait;  /* p_lock: what sigtimedwait waits for */

	/* (o) of a call that is traced; see trace.h. */
	struct trace *kc_trace; /* held; NULL: none */
	int64_t kc_callstart;	/* by the monotonic clock */
	pid_t kc_callpid;	/* of the lwp that makes it */
	int kc_calllid;

	int64_t kc_charged; /* (o) of its CPU time; see cputime.h */
};

struct hostthread {
	/* (a) sequence seen at entry, 0 outside the kernel; see smr.h */
	_Atomic uint64_t ht_smr;
	struct krwlock *_Atomic ht_light; /* (a) held lightly; see lock.h */
	uint32_t ht_id;		    /* (s) 1, 2, …; its shard is the id */
	_Atomic bool ht_alive;	    /* (a) in use by a host thread */
	struct hostthread *ht_next; /* (s) all records, never unlinked */

	/* (o) retired objects; see smr.c */
	struct smr_list ht_retired; /* no goal yet */
	struct smr_waiting ht_waiting;

	/* (o) free lwp slots and processes in hand; see lwp.c, proc.c */
	struct lwp *ht_lwps;
	struct proc *ht_procs;
	_Atomic uint32_t ht_nlwps;
	uint32_t ht_nprocs;

	/* (o) pids in hand: from, up to but not including; see pid.c */
	pid_t ht_pid;
	pid_t ht_pidend;
	uint64_t ht_pidserial; /* of the batch */
	int ht_pidmissed;      /* of those gone by, that were in use */

	struct kcontext ht_ctx;	      /* its own */
	struct unrights *ht_netdrops; /* (o) files to let go of; net/local */
	bool ht_filepermit;	      /* (o) it keeps one; see file.c */

	/* (a) processes made less processes gone on this host thread */
	_Atomic int64_t ht_procbalance;

	/* (o) free objects in hand; see kmem.c */
	struct kmagazine ht_mag[KMEM_NCACHE];
} __attribute__((aligned(CACHE_LINE)));

/*
 * The host thread's record, NULL until the first entry; its context, which is
 * kcontext_nobody until then; and its current lwp: the one that the context is
 * bound to or, when it is not bound, its implicit lwp, or lwp_nobody when it
 * has none.  Never NULL.
 */
struct kern_tls {
	struct hyper_running kt_running; /* lwp and context, its kc_hyper */
	struct hostthread *kt_ht;
};
extern struct kcontext kcontext_nobody __attribute__((visibility("hidden")));
extern _Thread_local struct kern_tls kern_tls
    __attribute__((tls_model("initial-exec")));

static inline struct hostthread *
curht(void)
{
	return kern_tls.kt_ht;
}

static inline struct kcontext *
curctx(void)
{
	return container_of(
	    kern_tls.kt_running.hr_context, struct kcontext, kc_hyper);
}

static inline struct lwp *
curlwp(void)
{
	return kern_tls.kt_running.hr_lwp;
}

static inline void
setcurlwp(struct lwp *l)
{
	kern_tls.kt_running.hr_lwp = l;
}

/*
 * Only one host thread is ever inside the kernel: it is one of fibers.  What
 * others would have to see at once, locks and counts, needs no locked
 * instructions then, which cost more than all else of a short call.  Stable
 * after boot has chosen the host.
 */
extern bool kern_alone __attribute__((visibility("hidden")));

/*
 * Give the calling host thread a record.  0, ENOMEM, or ENOTSUP where the host
 * lets only another one in.
 */
int hostthread_attach(void);

/* A number for a context that has none. */
uint32_t hostthread_newid(void);

/* Boot: the calling thread works on the spare record until it attaches. */
void hostthread_init(void);

/* Boot has failed: the calling thread leaves the kernel. */
void hostthread_boot_failed(void);

/* The host thread ends: for hyper_init. */
void hostthread_detach(void *ht);

/* After fork(2): drop the records of host threads that are not in the child. */
void hostthread_forked(void);

/* Bytes in records: kept for later host threads, so no object of anybody's. */
uint64_t hostthread_bytes(void);

/* The calling context sleeps as hyper_park says; outside of its section. */
static inline int
kcontext_park(_Atomic uint32_t *addr, uint32_t val, int64_t deadline)
{
	return hyper_park(kern_tls.kt_running.hr_context, addr, val, deadline);
}

/* All records, for smr.c and the fork handlers: follow ht_next. */
extern struct hostthread *_Atomic hostthread_list;

/* Last, because its inline functions use the record. */
#include "kern/kmem.h"

#endif /* KERN_HOSTTHREAD_H */
