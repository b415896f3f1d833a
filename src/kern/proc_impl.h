/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes, pids, process groups: what the files of src/kern share.
 */
#ifndef KERN_PROC_IMPL_H
#define KERN_PROC_IMPL_H

#include "kern/proc.h"

/*
 * Process groups and sessions.
 *
 * A session is the group that founded it: every group points to the founder
 * (the founder to itself) and, unless it is the founder, holds it.  So the id
 * of a session stays taken while a group of it is there.
 *
 * A group may outlive its members for a while, held by nothing but caches;
 * pgrp_has_members says whether it exists for the application.
 */
struct pgrp {
	struct kref pg_ref;	 /* first */
	pid_t pg_id;		 /* (s) */
	struct pgrp *pg_session; /* (s) */
	struct plist pg_members;
	struct kmutex pg_lock; /* pg_login, in a founder */
	char *pg_login;	       /* LOGIN_SIZE bytes or NULL */
	struct tty *pg_tty;    /* controlling terminal; see tty_ctty.c */
	struct smr_item pg_smr;
};

#define LOGIN_SIZE 256 /* with the NUL; LOGIN_NAME_MAX of Linux */

static inline struct pgrp *
proc_pgrp(struct proc *p)
{
	return (struct pgrp *)proc_shared(p, PS_PGRP);
}

/*
 * A group with p's own id, with one reference: a new one, or what is left of
 * an old one in this session.  session NULL makes it the founder of a new
 * session.  ENOMEM.
 */
int pgrp_make(pid_t id, struct pgrp *session, struct pgrp **pgp);

/* The group with this id, held, or NULL. */
struct pgrp *pgrp_find(pid_t id);
bool pgrp_has_members(struct pgrp *);

/* Put p, in no list, into its group's list; take it out. */
void pgrp_enter(struct pgrp *, struct proc *);
void pgrp_leave(struct proc *);

/*
 * Move p to another group; consumes a reference.  p_lock held.  Returns the
 * old one, which the caller drops without the lock.
 */
struct kref *proc_setpgrp(struct proc *p, struct pgrp *pg);

/*
 * The pids of the members, in memory from kmem_alloc of *sizep bytes, *np of
 * them; *sizep is 0 if there are none.  ENOMEM.
 */
int pgrp_pids(struct pgrp *, pid_t **pidsp, size_t *sizep, size_t *np);

/*
 * Users: what each real user id has of what is limited.
 */
struct uidinfo {
	uid_t ui_uid;		      /* (s) */
	uint32_t ui_refs;	      /* the hash lock in uidinfo.c */
	struct uidinfo *ui_next;      /* the same */
	_Atomic int64_t ui_nproc;     /* (a) all of them, unless wide */
	_Atomic int64_t ui_nsig;      /* (a) signals queued, and timers */
	_Atomic int64_t ui_inflight;  /* (a) see cred_inflight */
	struct uidinfo_wide *ui_wide; /* (s) user 0 */
	_Atomic uint64_t ui_mqbytes;  /* (a) of message queues */
};

struct uidinfo *uidinfo_get(uid_t); /* held; NULL without memory */
void uidinfo_hold(struct uidinfo *);
void uidinfo_rele(struct uidinfo *);

/* One process more, if that is not over max.  False if it is. */
bool uidinfo_enter(struct uidinfo *, bool limited, rlim_t max);
void uidinfo_leave(struct uidinfo *);

/* The same for signals; n of them go, or come (-n). */
bool uidinfo_sigenter(struct uidinfo *, bool limited, rlim_t max);
void uidinfo_sigleave(struct uidinfo *, int64_t n);

/*
 * Pids: pid.c.
 */
struct pidslot {
	struct proc *_Atomic ps_proc;
	struct pgrp *_Atomic ps_pgrp;
};

/* The slot of a pid that can be in use, or NULL. */
struct pidslot *pid_slot(pid_t);
/* Take a free pid for p and set p_pid.  EAGAIN, ENOMEM. */
int pid_alloc(struct proc *p);
/* Take this one, for p_pid and p_serial.  EBUSY, EINVAL, ENOMEM. */
int pid_take(struct proc *p, pid_t pid, uint64_t *serial);
/* The slot is free if no group has the id. */
void pid_free(pid_t pid);

/*
 * Processes: proc.c.
 */

/*
 * A new child of parent with one lwp, run by the calling host thread.
 * flags are those of rfork, checked.  EAGAIN, ENOMEM.
 */
int proc_create(struct proc *parent, int flags, struct lwp **lp);

/* A process without lwps, of which nobody wants to know more, goes. */
void proc_free(struct proc *p);

static inline struct proc *
proc_parent(struct proc *p)
{
	return atomic_load_explicit(&p->p_parent, memory_order_relaxed);
}

/* l leaves its process, which goes if it was the last. */
void proc_detach_lwp(struct lwp *l);

/* Give p another pid: EBUSY, EINVAL, ENOMEM, EPERM for 0 and 1. */
int proc_setid(struct proc *p, pid_t pid);

/* Boot: processes 0 and 1. */
int proc_init(struct kref *cwdi);

/*
 * Processes alive, and how many there may be: EAGAIN beyond.  EINVAL for less
 * than the two that are always there.
 */
uint64_t proc_live(void);
uint64_t proc_getmax(void);
int proc_setmax(int64_t max);

/* Boot: limits of process 0. */
struct plimit *limit_init(void);

/* plist.c */
void plist_insert(struct plist *, struct plist_entry *);
void plist_remove(struct plist_entry *);

/* A session's leader ends: its terminal is hung up and the foreground told. */
void ctty_exit(struct proc *);

#endif /* KERN_PROC_IMPL_H */
