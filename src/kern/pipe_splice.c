/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Moving data between pipes and files without the caller's memory.
 *
 * Each of these waits for data, or room, first, and then does what it can
 * without sleeping; if somebody else was faster it waits again.  Of two pipes
 * the one at the lower address is locked first.
 */
#include "kern/pipe_impl.h"

#include <fcntl.h>

struct pipe *
pipe_of(const struct file *fp)
{
	return fp->f_type == DTYPE_PIPE ? fp->f_data : NULL;
}

/* Wait until there is data, or nobody is left to write any. */
static int
pipe_await_data(struct pipe *pi, bool nonblock)
{
	int error = 0;

	mutex_enter(&pi->pi_lock);
	while (error == 0 && pipe_empty(pi) && pi->pi_writers > 0)
		error = pipe_sleep(pi, &pi->pi_rcv, 0, nonblock);
	pipe_leave(pi, 0);
	return error;
}

/* Wait until there is room for a piece. */
static int
pipe_await_room(struct pipe *pi, bool nonblock)
{
	int error = 0;

	mutex_enter(&pi->pi_lock);
	for (;;) {
		if (pi->pi_readers == 0)
			error = EPIPE;
		if (error != 0 || !pipe_full(pi))
			break;
		error = pipe_sleep(pi, &pi->pi_wcv, 0, nonblock);
	}
	pipe_leave(pi, 0);
	return error;
}

/*
 * From pipe to pipe
 */

static void
pipe_lock2(struct pipe *a, struct pipe *b)
{
	mutex_enter(a < b ? &a->pi_lock : &b->pi_lock);
	mutex_enter(a < b ? &b->pi_lock : &a->pi_lock);
}

static void
pipe_unlock2(struct pipe *from, struct pipe *to)
{
	pipe_wake(from, PIPE_OUT);
	pipe_wake(to, PIPE_IN);
	mutex_exit(&from->pi_lock);
	mutex_exit(&to->pi_lock);
	klist_async(&from->pi_klist, POLL_OUT);
	klist_async(&to->pi_klist, POLL_IN);
}

/* A copy of the first n bytes of a piece; there is room for it. */
static int
piece_copy(struct pipe *to, const struct pipeslot *ps, size_t n)
{
	char *page = pipe_getpage(to);

	if (page == NULL)
		return ENOMEM;
	memcpy(page, ps->ps_page + ps->ps_off, n);
	*pipe_slot(to, to->pi_head++) =
	    (struct pipeslot){page, 0, ps->ps_flags | PS_SEALED, (uint32_t)n};
	return 0;
}

/* Move up to len bytes of the first piece; *np is how many. */
static int
piece_move(struct pipe *from, struct pipe *to, size_t len, size_t *np)
{
	struct pipeslot *ps = pipe_slot(from, from->pi_tail);
	int error;

	*np = ps->ps_len;
	if (len >= ps->ps_len) {
		*pipe_slot(to, to->pi_head++) = *ps;
		from->pi_tail++;
		return 0;
	}
	if ((error = piece_copy(to, ps, len)) != 0)
		return error;
	ps->ps_off = (uint16_t)(ps->ps_off + len);
	ps->ps_len -= (uint32_t)len;
	*np = len;
	return 0;
}

static int
splice_locked(struct pipe *from, struct pipe *to, size_t len, size_t *donep)
{
	size_t n;
	int error = 0;

	while (*donep < len && !pipe_empty(from) && !pipe_full(to)) {
		if (to->pi_readers == 0)
			return EPIPE;
		error = piece_move(from, to, len - *donep, &n);
		if (error != 0)
			break;
		*donep += n;
	}
	return error;
}

static int
tee_locked(struct pipe *from, struct pipe *to, size_t len, size_t *donep)
{
	struct pipeslot *ps;
	uint32_t i;
	size_t n;
	int error = 0;

	for (i = from->pi_tail;
	     i != from->pi_head && *donep < len && !pipe_full(to); i++) {
		if (to->pi_readers == 0)
			return EPIPE;
		ps = pipe_slot(from, i);
		n = ps->ps_len < len - *donep ? ps->ps_len : len - *donep;
		if ((error = piece_copy(to, ps, n)) != 0)
			break;
		*donep += n;
	}
	return error;
}

static int
pipe_to_pipe(struct pipe *from, struct pipe *to, size_t len, bool nonblock,
    int (*locked)(struct pipe *, struct pipe *, size_t, size_t *),
    size_t *donep)
{
	bool end;
	int error;

	*donep = 0;
	do {
		if ((error = pipe_await_data(from, nonblock)) != 0 ||
		    (error = pipe_await_room(to, nonblock)) != 0)
			return error;
		pipe_lock2(from, to);
		end = pipe_empty(from) && from->pi_writers == 0;
		error = locked(from, to, len, donep);
		pipe_unlock2(from, to);
	} while (*donep == 0 && error == 0 && !end);
	return *donep > 0 ? 0 : error;
}

int
pipe_splice(struct pipe *from, struct pipe *to, size_t len, bool nonblock,
    size_t *donep)
{
	return pipe_to_pipe(from, to, len, nonblock, splice_locked, donep);
}

int
pipe_tee(struct pipe *from, struct pipe *to, size_t len, bool nonblock,
    size_t *donep)
{
	return pipe_to_pipe(from, to, len, nonblock, tee_locked, donep);
}

/*
 * Between a pipe and a file
 */

/*
 * The file could not be read or written at once: wait until it can be, unless
 * it must not be waited for.
 */
static int
file_retry(struct lwp *l, struct file *fp, uint32_t events, bool nonblock)
{
	if (nonblock || (file_flags(fp) & O_NONBLOCK) != 0)
		return EAGAIN;
	return file_await(l, fp, events);
}

/* Read a new piece, that ends where a page of the file does; *np: its size. */
static int
piece_read(struct lwp *l, struct pipe *pi, struct file *fp, off_t *offp,
    size_t len, size_t *np)
{
	size_t n = KPAGE_SIZE - (offp != NULL ? (size_t)*offp % KPAGE_SIZE : 0);
	char *page = pipe_getpage(pi);
	struct iovec iov;
	struct uio uio;
	int error;

	*np = 0;
	if (page == NULL)
		return ENOMEM;
	uio_init1(&uio, &iov, page, n < len ? n : len, UIO_READ);
	uio.uio_flags = UIO_NOWAIT;
	n = uio.uio_resid;
	error = fp->f_ops->fo_read(l, fp, offp, &uio);
	*np = n -= uio.uio_resid;
	if (n == 0)
		pipe_putpage(pi, page);
	else
		*pipe_slot(pi, pi->pi_head++) =
		    (struct pipeslot){page, 0, PS_SEALED, (uint32_t)n};
	return error;
}

int
pipe_fill(struct lwp *l, struct pipe *pi, struct file *fp, off_t *offp,
    size_t len, bool nonblock, size_t *donep)
{
	bool end = false;
	size_t n;
	int error;

	*donep = 0;
	do {
		if ((error = pipe_await_room(pi, nonblock)) != 0)
			return error;
		mutex_enter(&pi->pi_lock);
		while (*donep < len && error == 0 && !end && !pipe_full(pi) &&
		       pi->pi_readers > 0) {
			error = piece_read(l, pi, fp, offp, len - *donep, &n);
			*donep += n;
			end = n == 0;
		}
		pipe_leave(pi, PIPE_IN);
		klist_async(&pi->pi_klist, POLL_IN);
		if (error == EAGAIN && *donep == 0)
			error = file_retry(l, fp, POLLIN, nonblock);
	} while (*donep == 0 && len > 0 && error == 0 && !end);
	return *donep > 0 ? 0 : error;
}

/* Write up to len bytes of the first piece; *np of them were. */
static int
piece_write(struct lwp *l, struct pipe *pi, struct file *fp, off_t *offp,
    size_t len, size_t *np)
{
	struct pipeslot *ps = pipe_slot(pi, pi->pi_tail);
	size_t n = ps->ps_len < len ? ps->ps_len : len;
	struct iovec iov;
	struct uio uio;
	int error;

	uio_init1(&uio, &iov, ps->ps_page + ps->ps_off, n, UIO_WRITE);
	uio.uio_flags = UIO_NOWAIT | UIO_NOSIGNAL;
	error = fp->f_ops->fo_write(l, fp, offp, &uio);
	*np = n -= uio.uio_resid;
	ps->ps_off = (uint16_t)(ps->ps_off + n);
	ps->ps_len -= (uint32_t)n;
	if (ps->ps_len == 0)
		pipe_shift(pi);
	return error;
}

int
pipe_drain(struct lwp *l, struct pipe *pi, struct file *fp, off_t *offp,
    size_t len, bool nonblock, size_t *donep)
{
	bool end;
	size_t n;
	int error;

	*donep = 0;
	do {
		if ((error = pipe_await_data(pi, nonblock)) != 0)
			return error;
		mutex_enter(&pi->pi_lock);
		end = pipe_empty(pi) && pi->pi_writers == 0;
		while (*donep < len && error == 0 && !pipe_empty(pi)) {
			error = piece_write(l, pi, fp, offp, len - *donep, &n);
			*donep += n;
			if (n == 0)
				end = true;
			if (end)
				break;
		}
		pipe_leave(pi, PIPE_OUT);
		klist_async(&pi->pi_klist, POLL_OUT);
		if (error == EAGAIN && *donep == 0) {
			error = file_retry(l, fp, POLLOUT, nonblock);
			end = false;
		}
	} while (*donep == 0 && len > 0 && error == 0 && !end);
	return *donep > 0 ? 0 : error;
}
