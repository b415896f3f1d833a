/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fifos: a pipe that a vnode keeps, and whose ends are opened by name.
 *
 * The pipe is held by the vnode and by each open file.  An end counts as open
 * from the moment its open(2) begins, also while that waits for the other end:
 * so two that wait for each other both go on.  What is waited for is that the
 * other end has been opened since, not that it still is.
 */
#include <fcntl.h>

#include "kern/kern.h"
#include "kern/pipe_impl.h"

int
fifo_alloc(struct pipe **pip)
{
	*pip = pipe_alloc();
	return *pip != NULL ? 0 : ENOMEM;
}

void
fifo_rele(struct pipe *pi)
{
	pipe_rele(pi);
}

/*
 * Open files
 */

/* Read or write by fn; the owner gets to know if that moved anything. */
static int
fifo_move(int (*fn)(struct lwp *, struct file *, off_t *, struct uio *),
    struct lwp *l, struct file *fp, struct uio *uio)
{
	struct pipe *pi = fp->f_data;
	size_t whole = uio->uio_resid;
	int error = fn(l, fp, NULL, uio);

	if (uio->uio_resid < whole)
		pi->pi_ownerops->fw_moved(fp, uio->uio_rw);
	return error;
}

static int
fifo_read(struct lwp *l, struct file *fp, off_t *offp, struct uio *uio)
{
	(void)offp;
	return fifo_move(pipe_read, l, fp, uio);
}

static int
fifo_write(struct lwp *l, struct file *fp, off_t *offp, struct uio *uio)
{
	(void)offp;
	return fifo_move(pipe_write, l, fp, uio);
}

static int
fifo_stat(struct lwp *l, struct file *fp, struct stat *st)
{
	struct pipe *pi = fp->f_data;

	return pi->pi_ownerops->fw_stat(l, fp, st);
}

static void
fifo_close(struct file *fp)
{
	struct pipe *pi = fp->f_data;

	uint32_t hint;

	mutex_enter(&pi->pi_lock);
	hint = pipe_close_ends(pi, file_flags(fp));
	mutex_exit(&pi->pi_lock);
	pipe_tell_closed(pi, hint);
	pi->pi_ownerops->fw_close(fp);
	pipe_rele(pi);
}

static const struct fileops fifo_fileops = {
    .fo_read = fifo_read,
    .fo_write = fifo_write,
    .fo_stat = fifo_stat,
    .fo_ioctl = pipe_ioctl,
    .fo_fcntl = pipe_fcntl,
    .fo_poll = pipe_poll,
    .fo_klist = pipe_klist,
    .fo_async = pipe_async,
    .fo_close = fifo_close,
};

void
fifo_setowner(struct pipe *pi, const struct fifo_ownerops *ops)
{
	pi->pi_ownerops = ops;
}

/* What readers may be waiting for. */
#define FIFO_OPENED (KLIST_NOKEY | PIPE_IN | POLLPRI | POLLRDBAND)

/* Is an end that was just opened the first of its kind? */
static bool
fifo_first(const struct pipe *pi, int flags)
{
	return ((flags & O_ACCMODE) != O_WRONLY && pi->pi_readers == 1) ||
	       ((flags & O_ACCMODE) != O_RDONLY && pi->pi_writers == 1);
}

/* Wait for the other end, if it is not open and the mode wants it. */
static int
fifo_wait(struct pipe *pi, int flags)
{
	bool reads = (flags & O_ACCMODE) == O_RDONLY;
	const uint32_t *count = reads ? &pi->pi_wopens : &pi->pi_ropens;
	uint32_t seen = *count;
	int error = 0;

	if ((flags & O_ACCMODE) == O_RDWR ||
	    (reads ? pi->pi_writers : pi->pi_readers) > 0 ||
	    (flags & O_NONBLOCK) != 0)
		return 0;
	while (*count == seen && error == 0)
		error = cv_wait_sig(&pi->pi_ocv, &pi->pi_lock);
	return *count != seen ? 0 : error;
}

int
fifo_open(struct lwp *l, struct pipe *pi, int flags, struct file *fp)
{
	const struct fileops *before = fp->f_ops;
	uint32_t hint = 0;
	int error;

	if ((flags & O_ACCMODE) == O_ACCMODE)
		return EINVAL;
	mutex_enter(&pi->pi_lock);
	if ((flags & O_ACCMODE) == O_WRONLY && (flags & O_NONBLOCK) != 0 &&
	    pi->pi_readers == 0) {
		mutex_exit(&pi->pi_lock);
		return ENXIO;
	}
	pi->pi_refs++;
	/* See pipe_poll. */
	fp->f_offset = pi->pi_writers > 0 ? -1 : (off_t)pi->pi_wopens;
	pipe_open_ends(pi, (uint32_t)flags);
	cv_broadcast(&pi->pi_ocv);
	/* Seen by EPOLLET only: the host wakes all who wait at a first end. */
	if (fifo_first(pi, flags))
		klist_notify(&pi->pi_klist, FIFO_OPENED);
	fp->f_type = DTYPE_PIPE;
	fp->f_data = pi;
	fp->f_ops = &fifo_fileops;
	/* What it holds while it sleeps: who cleans up after it closes that. */
	KASSERT(l->l_held == NULL);
	l->l_held = fp;
	error = fifo_wait(pi, flags);
	l->l_held = NULL;
	/* Packets are for pipes without a name. */
	if (error == 0 && (flags & O_DIRECT) != 0)
		error = EINVAL;
	if (error != 0)
		hint = pipe_close_ends(pi, (uint32_t)flags);
	mutex_exit(&pi->pi_lock);
	if (error != 0) {
		pipe_tell_closed(pi, hint);
		fp->f_ops = before;
		pipe_rele(pi);
	}
	return error;
}
