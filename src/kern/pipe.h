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
 * the other end as POSIX says; 0, ENXIO, EINTR.  On success fp has the
 * pipe's operations, type and data; it holds the pipe.
 */
int fifo_open(struct lwp *, struct pipe *, int flags, struct file *fp);

#endif /* KERN_PIPE_H */
