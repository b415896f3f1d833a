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

/* The pipe that a file is an end of, or NULL. */
struct pipe *pipe_of(const struct file *);

/*
 * Move up to len bytes between pipes and files; *donep of them were, more than
 * none unless there is an error or an end.  Sleeps until one can be, unless
 * nonblock: EAGAIN, EINTR, EPIPE, ENOMEM, and what the file says.
 *
 *	pipe_splice	from a pipe to another
 *	pipe_tee	the same, but the data stays in the first one
 *	pipe_fill	from a file, at *offp
 *	pipe_drain	to a file, at *offp
 *
 * The file has positions (fo_seek) and so does not sleep, or is a socket, which
 * is told not to and waited for (file_await): it is read and written with
 * pi_lock held.  offp is NULL for a socket.
 */
int pipe_splice(struct pipe *from, struct pipe *to, size_t len, bool nonblock,
    size_t *donep);
int pipe_tee(struct pipe *from, struct pipe *to, size_t len, bool nonblock,
    size_t *donep);
int pipe_fill(struct lwp *, struct pipe *, struct file *, off_t *offp,
    size_t len, bool nonblock, size_t *donep);
int pipe_drain(struct lwp *, struct pipe *, struct file *, off_t *offp,
    size_t len, bool nonblock, size_t *donep);

/*
 * Another file of the pipe without a name that `end' is one of, with an access
 * mode of its own; flags are O_*.  It does not wait for other ends.  ENXIO if
 * it is no such pipe, EINVAL, ENFILE, ENOMEM.
 */
int pipe_reopen(
    struct lwp *, const struct file *end, uint32_t flags, struct file **fpp);

/* Boot: the cache that pipes come from; by fd_init. */
void pipe_init(void);

#endif /* KERN_PIPE_H */
