/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes and lwps.
 *
 * A process is a resource container, an lwp an execution context in it.  The
 * life of an lwp is in l_state, one word:
 *
 *	generation << 32 | RELEASED	the slot is free
 *	generation << 32 | NONE		alive, nobody runs it
 *	generation << 32 | RUNNING + id	context `id' runs it
 *
 * A slot is never used for anything but lwps and its generation goes up with
 * each release, so that what the application holds (l_handle: generation and
 * slot number, shaped like a pointer) names one lwp for all time.
 *
 * A process goes when its last lwp is released, or is a zombie then until its
 * parent has waited for it; see wait.c.  struct proc is type-stable:
 * a pointer found without a lock can be locked (p_lock) and then checked
 * (p_state, p_pid).
 *
 * Letters: (p) p_lock; (a) atomic; (o) only the host thread that runs the
 * lwp; (s) stable while it lives; (f) the shard lock of the list it is on;
 * (r) written under p_lock, read in a smr section.
 */
#ifndef KERN_PROC_H
#define KERN_PROC_H

#include <sys/queue.h>

#include "kern/cred.h"
#include "kern/event.h"
#include "kern/limit.h"
#include "kern/lock.h"
#include "kern/plist.h"

struct cwdinfo; /* src/vfs */
struct pgrp;
struct procipc; /* src/ipc */
struct ptimers;
struct trace;

enum lwp_sleep { LWP_AWAKE, LWP_ASLEEP, LWP_WOKEN, LWP_INTERRUPTED };

struct lwp {
	_Atomic uint64_t l_state;	 /* (a) see above */
	uint64_t l_handle;		 /* (s) what the application holds */
	struct proc *l_proc;		 /* (s) */
	struct kcontext *_Atomic l_ctx;	 /* (a) that ran it last */
	int l_lid;			 /* (s) id in its process */
	_Atomic uint32_t l_flags;	 /* (a) LW_* */
	struct file *_Atomic l_borrowed; /* (a) see filedesc.h */
	struct file *l_held;		 /* (o) see filedesc.h */
	uint32_t l_fdresv[2];		 /* (d) see filedesc.h */
	union {
		LIST_ENTRY(lwp) l_sibling; /* (p) of its process */
		struct lwp *l_free;	   /* (o) next free slot in a cache */
	};

	/* Sleep; see sleep.c. */
	_Atomic uint32_t l_sleep;	 /* (a) enum lwp_sleep, parked on */
	uint32_t l_slot;		 /* (s) number of this slot */
	struct kcondvar *l_cv;		 /* the cv's mutex: what it waits on */
	struct lwp *l_cvnext, *l_cvprev; /* the same */

	int l_lastlid;	    /* (o) the ids of the lwp before, */
	pid_t l_lastpid;    /* (o) to name it when it is used late */
	uint64_t l_sigmask; /* (p), written by (o): signals that it blocks */
} __attribute__((aligned(CACHE_LINE)));

#define LW_IMPLICIT  1u	 /* a host thread's implicit context */
#define LW_INTERRUPT 2u	 /* its next or current sleep gives EINTR */
#define LW_EXITING   4u	 /* every sleep gives EINTR: its process goes */
#define LW_SIGNAL    8u	 /* there may be a signal to act on */
#define LW_NOBODY    16u /* lwp_nobody */
#define LW_TRACED    32u /* its process is, or was, traced; trace.h */
#define LW_COUNTED   64u /* its process's CPU time is counted; cputime.h */

/* Somebody is to be told when a host thread leaves it for another. */
#define LW_TOLD (LW_TRACED | LW_COUNTED)

/*
 * Who a context is that is no lwp: only its flags are ever looked at.  So one
 * test of a word tells an entry all that is out of the ordinary.
 */
extern struct lwp lwp_nobody;

static inline uint32_t
lwp_flags(struct lwp *l)
{
	return atomic_load_explicit(&l->l_flags, memory_order_relaxed);
}

static inline bool
lwp_isnobody(struct lwp *l)
{
	return (lwp_flags(l) & LW_NOBODY) != 0;
}

enum proc_state { PROC_FREE, PROC_ACTIVE, PROC_DYING, PROC_ZOMBIE };

/* Shared, counted and copied on change; inherited by a new process. */
enum proc_shared { PS_CRED, PS_LIMIT, PS_CWDI, PS_PGRP, PS_COUNT };

#define PROC_NAMELEN 16 /* with the NUL */

struct proc {
	/* The first word of free memory is the allocator's; see kmem.h. */
	struct proc *p_free; /* (o) of a cache, while free */
	struct kmutex p_lock;
	_Atomic int p_state;  /* (a) enum proc_state; changed under (p) */
	_Atomic pid_t p_pid;  /* (a) 0 when free */
	_Atomic pid_t p_ppid; /* (a) parent's */
	struct kref *_Atomic p_shared[PS_COUNT]; /* (r) */
	struct filedesc *_Atomic p_fd;	  /* (p) NULL: none open so far */
	_Atomic uint32_t p_nlwps;	  /* (p), read without */
	int p_nextlid;			  /* (p) */
	LIST_HEAD(, lwp) p_lwps;	  /* (p) */
	_Atomic uint32_t p_flags;	  /* (a) PF_* */
	_Atomic mode_t p_umask;		  /* (a) */
	struct proc *_Atomic p_parent;	  /* (f) of p_sibling, read without */
	struct plist p_children;	  /* members linked by p_sibling */
	struct plist_entry p_sibling;	  /* (f) */
	struct plist_entry p_pgmember;	  /* (f) of the group's list */
	char p_name[PROC_NAMELEN];	  /* (p) */
	uint64_t p_serial;		  /* (p) see pid.c */
	int64_t p_start;		  /* (s) by the monotonic clock */
	struct ptimers *_Atomic p_timers; /* (r) NULL: none; ptimer.h */
	struct trace *_Atomic p_trace;	  /* (r) NULL: none; trace.h */
	_Atomic uint32_t p_tracepoints;	  /* (p), read without: TRACE_* */
	struct procipc *_Atomic p_ipc;	  /* (a) NULL: none; src/ipc's */

	/* Signals, see signal_impl.h; zero while free, up to p_cv. */
	_Atomic uint64_t p_sigpend; /* (p), read without */
	_Atomic uint32_t p_nsigq;   /* (p), read without: length of p_sigq */
	struct ksig *p_sigq;	    /* (p) first; last, if there is one */
	struct ksig *p_sigqlast;
	struct sigacts *p_sigacts;	 /* (p) NULL: all are the default */
	LIST_HEAD(, siglink) p_siglinks; /* (p) see signalfd.c */
	struct klist p_klist; /* told of its forks, end and signals; kqproc.c */
	struct kcondvar p_cv; /* (p) children, signals, by p_lock */
	_Atomic int p_xstatus;	   /* (p) of its end, as wait gives it */
	_Atomic uint32_t p_event;  /* (a) not waited for yet; see wait.c */
	_Atomic uint64_t p_remote; /* (a) session, with PF_REMOTE */

	/* (a) nanoseconds: its own, and those of children that it waited for */
	_Atomic int64_t p_cputime;
	_Atomic int64_t p_childtime;
} __attribute__((aligned(CACHE_LINE)));

#define PF_SUGID   1u	 /* its ids have changed */
#define PF_SYSTEM  2u	 /* processes 0 and 1: never go */
#define PF_EXITING 4u	 /* being ended: its lwps must not sleep */
#define PF_PARENT  8u	 /* has had children */
#define PF_WAITS   16u	 /* has waited for children */
#define PF_CHLD	   32u	 /* catches SIGCHLD */
#define PF_NOCLD   64u	 /* wants no zombies: SIG_IGN, SA_NOCLDWAIT */
#define PF_STOPPED 128u	 /* by a signal */
#define PF_SIGNAL  256u	 /* has, or had, actions or pending signals */
#define PF_TRACED  512u	 /* p_trace is not NULL */
#define PF_REMOTE  1024u /* its program is elsewhere; see remote.h */
#define PF_HOSTED  2048u /* opens fifos and waits on the host, not here */
#define PF_COUNTED 4096u /* its CPU time is counted; cputime.h */

extern struct proc *proc0, *initproc;

static inline uint32_t
proc_flags(struct proc *p)
{
	return atomic_load_explicit(&p->p_flags, memory_order_relaxed);
}

static inline pid_t
proc_pid(const struct proc *p)
{
	return atomic_load_explicit(&p->p_pid, memory_order_relaxed);
}

/*
 * What the process points to.  Inside a section these are readable until its
 * end or the next sleep, even if another lwp of the process changes them.
 */
static inline struct kref *
proc_shared(struct proc *p, enum proc_shared what)
{
	return atomic_load_explicit(&p->p_shared[what], memory_order_acquire);
}

static inline struct cred *
proc_cred(struct proc *p)
{
	return (struct cred *)proc_shared(p, PS_CRED);
}

static inline struct plimit *
proc_limits(struct proc *p)
{
	return (struct plimit *)proc_shared(p, PS_LIMIT);
}

static inline struct cwdinfo *
proc_cwdi(struct proc *p)
{
	return (struct cwdinfo *)proc_shared(p, PS_CWDI);
}

/*
 * Put a new object in place; consumes the caller's reference to it and drops
 * the process's to the old one.  _locked: p_lock is held, and the reference
 * to the old one is the caller's to drop, when the lock is not.
 */
void proc_setshared(struct proc *, enum proc_shared, struct kref *);
struct kref *
proc_setshared_locked(struct proc *, enum proc_shared, struct kref *);

static inline struct procipc *
proc_ipc(struct proc *p)
{
	/* Acquire pairs with the release in procipc_get. */
	return atomic_load_explicit(&p->p_ipc, memory_order_acquire);
}

/* The soft limit of a resource (RLIMIT_*). */
static inline rlim_t
proc_limit(struct proc *p, int which)
{
	return proc_limits(p)->pl_rlimit[which].rlim_cur;
}

/*
 * The process with this pid, p_lock held, or NULL.  It may be dying.
 */
struct proc *proc_find_locked(pid_t pid);

/*
 * Parts above that keep state in a process.  exit is called when its last lwp
 * has gone, in a section, without locks, if it has p_ipc; it may sleep for
 * nothing.  fork is called for a new one that nobody sees so far, if its parent
 * has p_ipc; if one fails, exit is called.  ENOMEM.  exec is called in a
 * section by the one lwp of a process whose program, elsewhere, is another one
 * now.
 */
struct proc_hook {
	int (*ph_fork)(struct proc *, struct proc *parent);
	void (*ph_exit)(struct proc *);
	void (*ph_exec)(struct proc *);
	struct proc_hook *ph_next;
};
void proc_hook_register(struct proc_hook *);
void proc_hooks_exec(struct proc *);

/*
 * End what an lwp, or every lwp of a process, is sleeping in: the sleep
 * returns EINTR.  An lwp that is not asleep gets EINTR from its next sleep.
 */
void lwp_interrupt(struct lwp *);
void proc_interrupt(struct proc *);

/*
 * Have it look for signals, and end its sleep if it sleeps: the call is made
 * again when there is nothing for it.  True if it was asleep.
 */
bool lwp_signal(struct lwp *);

/*
 * For remote.c: a server's host thread is about to sleep in a call; a signal
 * for the host process that p's program is in, without locks.
 */
void remote_sleep(void);
void remote_post(struct proc *p, int signo);

/*
 * Has the lwp, the calling one, been interrupted?  An interrupt counts once.
 * For who waits in the host, not in a condition variable.
 */
bool lwp_take_interrupt(struct lwp *);

#endif /* KERN_PROC_H */
