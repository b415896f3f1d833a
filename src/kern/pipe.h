/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pipes, and what a fifo vnode needs of them.
 */
#ifndef KERN_PIPE_H
#define KERN_PIPE_H

#include "kern/file.h"

struct pipe;

/*
 * The pipe of a fifo vnode: made empty with no end open; freed when the last
 * end has been closed and the vnode lets go of it.  ENOMEM.
 */
int fifo_alloc(struct pipe **);
void fifo_rele(struct pipe *);

/*
 * open(2) of a fifo with the access mode and O_NONBLOCK of `flags': waits for
 * the other end as POSIX says; 0, ENXIO, EINTR, EINVAL.  On success fp has the
 * pipe's operations, type and data; it holds the pipe.
 */
int fifo_open(struct lwp *, struct pipe *, int flags, struct file *fp);

/*
 * What a fifo's vnode does for its open files: fw_stat answers fstat; fw_moved
 * is called when bytes have been read or written; fw_close after the pipe's
 * end has been closed, once for each fifo_open that succeeded.
 */
struct fifo_ownerops {
	int (*fw_stat)(struct lwp *, struct file *, struct stat *);
	void (*fw_moved)(struct file *, enum uio_rw);
	void (*fw_close)(struct file *);
};

/* Set after fifo_alloc, before the first fifo_open. */
void fifo_setowner(struct pipe *, const struct fifo_ownerops *);

/* Boot: the cache that pipes come from; by fd_init. */
void pipe_init(void);

#endif /* KERN_PIPE_H */
