/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptor tables.
 *
 * A process has none (p_fd is NULL) until it opens its first descriptor or
 * shares its table.  rfork shares it, copies it or leaves it behind.
 *
 * Using a descriptor:
 *
 *	error = fd_getfile(l, fd, &fp);		EBADF
 *	…
 *	fd_putfile(l, fp);
 *
 * One file at a time can be held so in a call.  A table that only this lwp
 * can see lends the file without counting (l_borrowed); before the lwp
 * sleeps, the sleep code turns the loan into a reference (l_held).  A call
 * that needs two files at once takes the second with fd_getref and drops it
 * with file_rele.
 *
 * Making a descriptor:
 *
 *	error = file_alloc(l, &fp);		ENFILE, ENOMEM
 *	error = fd_alloc(l, 0, &fd);		EMFILE, ENOMEM
 *	fp->f_ops = …;
 *	fd_affix(l, fd, fp, cloexec);		consumes the reference
 *
 * or, when something fails in between, fd_abort(l, fd) and file_abort(fp).
 */
#ifndef KERN_FILEDESC_H
#define KERN_FILEDESC_H

#include "kern/file.h"

int fd_getfile(struct lwp *, int fd, struct file **fpp);
void fd_putfile(struct lwp *, struct file *);
int fd_getref(struct lwp *, int fd, struct file **fpp);

/* Called by the sleep code before it parks; see above. */
void fd_borrow_settle(struct lwp *);

/*
 * A new file with one reference: f_cred is set, f_flags, f_ops, f_data and
 * f_type are the caller's to set.  file_abort undoes it without fo_close.
 */
int file_alloc(struct lwp *, struct file **fpp);
void file_abort(struct file *);
void file_hold(struct file *);
void file_rele(struct file *);

/* Reserve the lowest free descriptor that is at least `min'. */
int fd_alloc(struct lwp *, int min, int *fdp);
void fd_affix(struct lwp *, int fd, struct file *, bool cloexec);
void fd_abort(struct lwp *, int fd);

/* Close one descriptor: EBADF. */
int fd_close(struct lwp *, int fd);

/*
 * For rfork, on the new process before any lwp of it runs: use the parent's
 * table, or a copy of it.  ENOMEM.
 */
int fd_share(struct proc *parent, struct proc *child);
int fd_copy(struct proc *parent, struct proc *child);

/* The process goes: drop its table, closing what only it held. */
void fd_free(struct proc *);

/* Close every descriptor with close-on-exec set; for an exec. */
void fd_closeexec(struct lwp *);

void fd_init(void);

/* Put process 1's descriptors 0, 1 and 2 on the console.  ENOMEM. */
int console_open_std(struct lwp *);

#endif /* KERN_FILEDESC_H */
