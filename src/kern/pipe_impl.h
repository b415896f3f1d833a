/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is inside a pipe, for pipe.c, fifo.c and sys_pipe.c.
 *
 * Letters: (l) pi_lock; (s) stable after creation; (a) atomic.
 */
#ifndef KERN_PIPE_IMPL_H
#define KERN_PIPE_IMPL_H

#include "kern/event.h"
#include "kern/fowner.h"
#include "kern/kern.h"

/* Capacity that a pipe starts with, and pages that it keeps while empty. */
#define PIPE_SLOTS  16
#define PIPE_SPARES 2

/* A piece of the data: part of a page. */
struct pipeslot {
	char *ps_page;
	uint16_t ps_off;
	uint8_t ps_flags; /* PS_* */
	uint32_t ps_len;
};

#define PS_PACKET 1u /* written with O_DIRECT: read as one */
#define PS_SEALED 2u /* came by splice or tee: nothing is put behind it */

struct pipe {
	struct kmutex pi_lock;
	/*
	 * (l) Pieces written and taken so far; the difference is what is
	 * there, at most pi_nslots, a power of two.
	 */
	uint32_t pi_head, pi_tail;
	uint32_t pi_nslots;
	struct pipeslot *pi_slots;   /* (l) pi_few or memory of its own */
	char *pi_spare[PIPE_SPARES]; /* (l) */
	uint16_t pi_nspare;	     /* (l) */
	uint16_t pi_marks;	     /* (l) PM_*: times that are to be set */
	uint32_t pi_readers;	     /* (l) ends open, or being opened */
	struct klist pi_klist;	     /* who polls it; its count in this line */
	struct kcondvar pi_rcv;	     /* (l) readers, for data */
	struct kcondvar pi_wcv;	     /* (l) writers, for room */
	uint32_t pi_writers;	     /* (l) */

	uint32_t pi_refs;	       /* (l) files and the vnode */
	uint32_t pi_ropens, pi_wopens; /* (l) fifo: ends ever opened */
	struct kcondvar pi_ocv; /* (l) fifo: openers, for the other end */
	const struct fifo_ownerops *pi_ownerops; /* (s) */

	uid_t pi_uid;				      /* (s) */
	gid_t pi_gid;				      /* (s) */
	_Atomic ino_t pi_ino;			      /* (a) 0: nobody asked */
	struct timespec pi_atime, pi_mtime, pi_ctime; /* (l) */
	struct pipeslot pi_few[PIPE_SLOTS];	      /* (l) */
};

#define PM_ATIME 1u
#define PM_MTIME 2u
#define PM_CTIME 4u

extern const struct fileops pipe_fileops;

/* What changes for who polls, when data and when room has come. */
#define PIPE_IN	 (POLLIN | POLLRDNORM)
#define PIPE_OUT (POLLOUT | POLLWRNORM)

/* What fifos have in common with pipes. */
int pipe_read(struct lwp *, struct file *, off_t *, struct uio *);
int pipe_write(struct lwp *, struct file *, off_t *, struct uio *);
int pipe_ioctl(
    struct lwp *, struct file *, unsigned long cmd, void *data, int *retval);
int
pipe_fcntl(struct lwp *, struct file *, int cmd, uintptr_t arg, int *retval);

uint32_t pipe_poll(struct lwp *, struct file *, struct pollsize *);
struct klist *pipe_klist(struct file *);
pid_t pipe_async(struct lwp *, struct file *);

/* A pipe with nothing open and one reference; NULL without memory. */
struct pipe *pipe_alloc(void);

/* Drop a reference. */
void pipe_rele(struct pipe *);

/*
 * Open and close the ends that an access mode names; pi_lock held.  Closing
 * returns what is to be told to who polls when it is not.
 */
void pipe_open_ends(struct pipe *, uint32_t flags);
uint32_t pipe_close_ends(struct pipe *, uint32_t flags);
void pipe_tell_closed(struct pipe *, uint32_t hint);

/*
 * Sleep until the pipe has changed, after telling of what has; EAGAIN if
 * nonblock.  EINTR.
 */
int pipe_sleep(struct pipe *, struct kcondvar *, uint32_t hint, bool nonblock);

/*
 * Pages and pieces; pi_lock held.
 */

static inline bool
pipe_empty(const struct pipe *pi)
{
	return pi->pi_head == pi->pi_tail;
}

static inline bool
pipe_full(const struct pipe *pi)
{
	return pi->pi_head - pi->pi_tail >= pi->pi_nslots;
}

static inline struct pipeslot *
pipe_slot(struct pipe *pi, uint32_t n)
{
	return &pi->pi_slots[n & (pi->pi_nslots - 1)];
}

static inline char *
pipe_getpage(struct pipe *pi)
{
	if (likely(pi->pi_nspare > 0))
		return pi->pi_spare[--pi->pi_nspare];
	return kpage_alloc(0);
}

static inline void
pipe_putpage(struct pipe *pi, char *page)
{
	if (likely(pi->pi_nspare < PIPE_SPARES))
		pi->pi_spare[pi->pi_nspare++] = page;
	else
		kpage_free(page, 0);
}

/* Drop the first piece. */
static inline void
pipe_shift(struct pipe *pi)
{
	pipe_putpage(pi, pipe_slot(pi, pi->pi_tail)->ps_page);
	pi->pi_tail++;
}

/*
 * Wake who can go on, under the lock, and tell who polls that what `hint' says
 * may be true now.
 */
static inline void
pipe_wake(struct pipe *pi, uint32_t hint)
{
	if (cv_has_waiters(&pi->pi_rcv) && !pipe_empty(pi))
		cv_signal(&pi->pi_rcv);
	if (cv_has_waiters(&pi->pi_wcv) && !pipe_full(pi))
		cv_signal(&pi->pi_wcv);
	klist_notify(&pi->pi_klist, hint);
}

/* Unlock, and wake who can go on afterwards; the caller holds the pipe. */
static inline void
pipe_leave(struct pipe *pi, uint32_t hint)
{
	struct lwp *reader = NULL, *writer = NULL;

	if (unlikely(cv_has_waiters(&pi->pi_rcv)) && !pipe_empty(pi))
		reader = cv_take(&pi->pi_rcv);
	if (unlikely(cv_has_waiters(&pi->pi_wcv)) && !pipe_full(pi))
		writer = cv_take(&pi->pi_wcv);
	mutex_exit(&pi->pi_lock);
	if (unlikely(reader != NULL))
		cv_wake(reader);
	if (unlikely(writer != NULL))
		cv_wake(writer);
	klist_notify(&pi->pi_klist, hint);
}

#endif /* KERN_PIPE_IMPL_H */
