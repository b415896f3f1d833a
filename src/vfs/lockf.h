/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Advisory locks on files: flock, and locks of ranges by fcntl.
 *
 * Who owns a lock:
 *	LOCK_WHOLE	flock: the open file description
 *	LOCK_RANGE	F_SETLK: the descriptor table, so that processes that
 *			share one (rfork without RFFDG) are one owner, as on
 *			Linux.  Any close of a descriptor of the file by that
 *			table lets go of all its locks on it.
 *	LOCK_RANGE	F_OFD_SETLK: the open file description
 * Locks of ranges of both kinds exclude each other; those of flock are a world
 * of their own.  An owner is an address that is compared, never followed; it
 * stays taken as long as there are locks of its.
 *
 * A file that was never locked costs one test of v_mode when it is closed.
 */
#ifndef VFS_LOCKF_H
#define VFS_LOCKF_H

#include <sys/queue.h>

#include "vfs/vfs_impl.h"

#define LOCK_OFFMAX INT64_MAX

enum lock_kind { LOCK_WHOLE, LOCK_RANGE };

/* A lock that is held; fields are covered by the lb_lock of its file. */
struct lock {
	TAILQ_ENTRY(lock) lk_link;
	const void *lk_owner;
	off_t lk_start;
	off_t lk_end;  /* the last byte */
	short lk_type; /* F_RDLCK, F_WRLCK */
	pid_t lk_pid;  /* for F_GETLK: who made it, -1 for an open file */
};

/* Those of a file and a kind: of one owner together, sorted by lk_start. */
TAILQ_HEAD(locklist, lock);

/*
 * What a call wants: lk_type can be F_UNLCK.  It may need two locks: for the
 * range itself, and for what remains behind it of one that is cut in two.
 */
struct lockreq {
	struct lock lr_want;
	enum lock_kind lr_kind;
	bool lr_wait;
	bool lr_detect;		  /* EDEADLK: lr_want.lk_owner is a table */
	struct lock *lr_spare[2]; /* NULL: used */

	/* While it waits. */
	TAILQ_ENTRY(lockreq) lr_link;
	struct kcondvar lr_cv; /* lb_lock; of the one that waits */
	bool lr_granted;
	int lr_error;
	uint32_t lr_forks;	      /* kern_forks when it began */
	LIST_ENTRY(lockreq) lr_blink; /* lock_blocked, if lr_detect */
	const void *lr_blocker;	      /* the same: whose lock is in the way */
};

/* The first lock that is in the way of the request, or NULL. */
struct lock *locklist_conflict(
    const struct locklist *, enum lock_kind, const struct lock *want);

/* The first lock of the same owner's in the range, or NULL. */
struct lock *locklist_own(const struct locklist *, const struct lock *want);

/* Do what the request wants; nothing is in its way. */
void locklist_apply(struct locklist *, struct lockreq *);

/* Free all of an owner's; were there any? */
bool locklist_drop(struct locklist *, const void *owner);

/* A request with spare locks, or NULL without memory; for vp or to read. */
struct lockreq *lockreq_alloc(void);
void lockreq_free(struct lockreq *);

/*
 * Grant a request on vp, which is referenced: EAGAIN, EINTR, EDEADLK, ENOMEM.
 * The request stays the caller's.
 */
int lock_set(struct vnode *, struct lockreq *);

/*
 * F_GETLK: the lock in the way of *want in *want, or F_UNLCK.  If that is what
 * is wanted: the first one of its own.
 */
void lock_test(struct vnode *, struct lock *want);

/* For file_vnodeops. */
void lock_closing_slow(struct file *, const struct filedesc *);
void lock_close_slow(struct file *);
int file_lock(struct lwp *, int fd, struct file *, int cmd, struct flock *ufl);

/* A table lets go of a descriptor; the last one goes. */
static inline void
lock_closing(struct file *fp, const struct filedesc *fdp)
{
	if (unlikely((vnode_mode(fp->f_vnode) & V_LOCKS) != 0))
		lock_closing_slow(fp, fdp);
}

static inline void
lock_close(struct file *fp)
{
	if (unlikely((vnode_mode(fp->f_vnode) & V_LOCKS) != 0))
		lock_close_slow(fp);
}

#endif /* VFS_LOCKF_H */
