/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is inside a pipe, for pipe.c, fifo.c and sys_pipe.c.
 *
 * Letters: (l) pi_lock; (s) stable after creation; (a) atomic.
 */
#ifndef KERN_PIPE_IMPL_H
#define KERN_PIPE_IMPL_H

#include "kern/pipe.h"

/* Capacity that a pipe starts with, and pages that it keeps while empty. */
#define PIPE_SLOTS  16
#define PIPE_SPARES 2

/* A piece of the data: part of a page. */
struct pipeslot {
	char *ps_page;
	uint16_t ps_off;
	bool ps_packet; /* written with O_DIRECT: read as one */
	uint32_t ps_len;
};

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
	uint32_t pi_nspare;	     /* (l) */
	uint32_t pi_marks;	     /* (l) PM_*: times that are to be set */
	uint32_t pi_readers, pi_writers; /* (l) ends open, or being opened */
	struct kcondvar pi_rcv;		 /* (l) readers, for data */
	struct kcondvar pi_wcv;		 /* (l) writers, for room */

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

/* What fifos have in common with pipes. */
int pipe_read(struct lwp *, struct file *, off_t *, struct uio *);
int pipe_write(struct lwp *, struct file *, off_t *, struct uio *);
int pipe_ioctl(struct lwp *, struct file *, unsigned long cmd, void *data);
int pipe_fcntl(
    struct lwp *, struct file *, int cmd, uintptr_t arg, int *retval);

/* A pipe with nothing open and one reference; NULL without memory. */
struct pipe *pipe_alloc(void);

/* Drop a reference. */
void pipe_rele(struct pipe *);

/* Open and close the ends that an access mode names; pi_lock held. */
void pipe_open_ends(struct pipe *, uint32_t flags);
void pipe_close_ends(struct pipe *, uint32_t flags);

#endif /* KERN_PIPE_IMPL_H */
