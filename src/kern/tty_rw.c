/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading and writing a terminal.
 *
 * Whoever changes something leaves by tty_leave, which wakes both sides: few
 * wait, and each looks again at what it waits for.
 */
#include <fcntl.h>
#include <signal.h>

#include "kern/fowner.h"
#include "kern/tty_impl.h"

#define NSEC_PER_DECISECOND INT64_C(100000000)

void
tty_enter(struct tty *t)
{
	mutex_enter(&t->t_lock);
}

static void
tty_wake(struct tty *t)
{
	KASSERT(mutex_owned(&t->t_lock));
	cv_broadcast(&t->t_slavecv);
	cv_broadcast(&t->t_mastercv);
	klist_notify(&t->t_slavekl, KLIST_ALL);
	klist_notify(&t->t_masterkl, KLIST_ALL);
}

void
tty_leave(struct tty *t)
{
	uint64_t signals = t->t_signals;
	uint32_t in = tty_lflag(t, ICANON) ? t->t_canon : t->t_head;
	bool input = in != t->t_toldin && tty_hasinput(t);
	bool output = t->t_ohead != t->t_toldout;

	t->t_signals = 0;
	t->t_osafe = t->t_ohead;
	t->t_toldin = in;
	t->t_toldout = t->t_ohead;
	tty_wake(t);
	mutex_exit(&t->t_lock);
	if (signals != 0)
		tty_signal(t, signals);
	if (input)
		klist_async(&t->t_slavekl, POLL_IN);
	if (output)
		klist_async(&t->t_masterkl, POLL_IN);
}

/* Its foreground, as on the host, or who asks. */
pid_t
tty_async(struct lwp *l, struct file *fp)
{
	const struct ttyfile *tf = fp->f_data;
	pid_t pgid = tf->tf_master ? 0 : tty_getpgrp(tf->tf_tty);

	return pgid != 0 ? -pgid : proc_pid(l->l_proc);
}

static int
tty_wait(struct tty *t, struct file *fp, const struct uio *uio,
    struct kcondvar *cv, int64_t deadline)
{
	if ((file_flags(fp) & O_NONBLOCK) != 0 ||
	    (uio->uio_flags & UIO_NOWAIT) != 0)
		return EAGAIN;
	return cv_timedwait_sig(cv, &t->t_lock, deadline);
}

/* Copy n bytes of what is written or, on EFAULT, none that count. */
static int
tty_copyin(uint8_t *buf, size_t n, struct uio *uio)
{
	size_t resid = uio->uio_resid;
	int error = uiomove(buf, n, uio);

	if (error != 0)
		uio->uio_resid = resid;
	return error;
}

/* Copy n bytes from a ring out to the caller. */
static int
ring_read(
    uint8_t *ring, uint32_t size, uint32_t from, uint32_t n, struct uio *uio)
{
	uint32_t first = size - from % size;
	int error;

	if (first > n)
		first = n;
	error = uiomove(ring + from % size, first, uio);
	return error != 0 ? error : uiomove(ring, n - first, uio);
}

/*
 * The master
 */

static int
master_take(struct tty *t, struct uio *uio)
{
	uint8_t status = TIOCPKT_DATA;
	uint32_t n = t->t_ohead - t->t_otail;
	int error;

	if (t->t_packet) {
		if (t->t_pktstatus != 0) {
			status = t->t_pktstatus;
			t->t_pktstatus = 0;
			n = 0;
		}
		if ((error = uiomove(&status, 1, uio)) != 0)
			return error;
	}
	if (n > uio->uio_resid)
		n = (uint32_t)uio->uio_resid;
	error = ring_read(t->t_out, TTY_OUT, t->t_otail, n, uio);
	t->t_otail += n;
	return error;
}

static int
master_read(struct tty *t, struct file *fp, struct uio *uio)
{
	int error = 0;

	tty_enter(t);
	while (error == 0 && t->t_ohead == t->t_otail &&
	       (!t->t_packet || t->t_pktstatus == 0)) {
		if (t->t_used && t->t_slaves == 0)
			error = EIO;
		else
			error =
			    tty_wait(t, fp, uio, &t->t_mastercv, HYPER_FOREVER);
	}
	if (error == 0)
		error = master_take(t, uio);
	tty_leave(t);
	return error;
}

/* As much of what is written as there is room for. */
static int
master_put(struct tty *t, struct uio *uio)
{
	uint32_t room = TTY_AHEAD - (t->t_ahead[1] - t->t_ahead[0]);
	uint32_t at = t->t_ahead[1] % TTY_AHEAD;

	if (room > TTY_AHEAD - at)
		room = TTY_AHEAD - at;
	if (room > uio->uio_resid)
		room = (uint32_t)uio->uio_resid;
	if (tty_copyin(t->t_aheadbuf + at, room, uio) != 0)
		return EFAULT;
	t->t_ahead[1] += room;
	tty_type(t);
	return 0;
}

static int
master_write(struct tty *t, struct file *fp, struct uio *uio)
{
	int error = 0;

	tty_enter(t);
	while (error == 0 && uio->uio_resid > 0) {
		if (t->t_ahead[1] - t->t_ahead[0] < TTY_AHEAD)
			error = master_put(t, uio);
		else {
			tty_wake(t);
			error =
			    tty_wait(t, fp, uio, &t->t_mastercv, HYPER_FOREVER);
		}
	}
	tty_leave(t);
	return error;
}

/*
 * The slave
 */

/* In canonical mode: a line, or a part of it.  At an end of file: nothing. */
static int
take_line(struct tty *t, struct uio *uio)
{
	uint32_t n = 0, left = t->t_canon - t->t_tail;
	bool found = false, eof = false;
	int error;

	for (; n < left && n < uio->uio_resid && !found; n++)
		found = tty_iseol(t, t->t_tail + n);
	/* A read that ends just before an end of file takes it along. */
	if (!found && n < left && tty_iseol(t, t->t_tail + n) &&
	    t->t_line[(t->t_tail + n) % TTY_LINE] == '\0') {
		found = true;
		n++;
	}
	if (found)
		eof = !t->t_push &&
		      t->t_line[(t->t_tail + n - 1) % TTY_LINE] == '\0';
	error = ring_read(t->t_line, TTY_LINE, t->t_tail, n - eof, uio);
	if (found) {
		tty_seteol(t, t->t_tail + n - 1, false);
		t->t_push = false;
	}
	t->t_tail += n;
	return error;
}

/* Without: what is there. */
static int
take_raw(struct tty *t, struct uio *uio)
{
	uint32_t n = t->t_head - t->t_tail;
	int error;

	if (n > uio->uio_resid)
		n = (uint32_t)uio->uio_resid;
	error = ring_read(t->t_line, TTY_LINE, t->t_tail, n, uio);
	t->t_tail += n;
	t->t_canon = t->t_tail;
	return error;
}

/*
 * VMIN and VTIME: how many bytes make a read complete, when it ends without
 * them, and for how long from each byte on it then goes on.
 */
struct patience {
	uint32_t p_min;
	int64_t p_deadline;
	int64_t p_gap; /* 0: for ever */
};

static struct patience
slave_patience(const struct tty *t)
{
	struct patience p = {.p_min = 1, .p_deadline = HYPER_FOREVER};
	int64_t time = t->t_termios.c_cc[VTIME] * NSEC_PER_DECISECOND;

	if (tty_lflag(t, ICANON))
		return p;
	if (t->t_termios.c_cc[VMIN] == 0)
		p.p_deadline = time == 0 ? 0 : kern_monotonic() + time;
	else {
		p.p_min = t->t_termios.c_cc[VMIN];
		p.p_gap = time;
	}
	return p;
}

static int
slave_await(
    struct tty *t, struct file *fp, const struct uio *uio, int64_t deadline)
{
	/* The host looks at the time before O_NONBLOCK. */
	if (deadline == 0)
		return ETIMEDOUT;
	return tty_wait(t, fp, uio, &t->t_slavecv, deadline);
}

static int
slave_take(struct lwp *l, struct tty *t, struct file *fp, struct uio *uio)
{
	const struct ttyfile *tf = fp->f_data;
	struct patience p = slave_patience(t);
	size_t whole = uio->uio_resid;
	int error = 0;

	(void)l;
	while (error == 0 && !ttyfile_hungup(tf)) {
		if (!tty_hasinput(t)) {
			error = slave_await(t, fp, uio, p.p_deadline);
			continue;
		}
		if (tty_lflag(t, ICANON)) {
			error = take_line(t, uio);
			tty_type(t);
			break;
		}
		error = take_raw(t, uio);
		tty_type(t);
		if (whole - uio->uio_resid >= p.p_min || uio->uio_resid == 0)
			break;
		if (p.p_gap != 0)
			p.p_deadline = kern_monotonic() + p.p_gap;
	}
	return error == ETIMEDOUT ? 0 : error;
}

static int
slave_read(struct lwp *l, struct tty *t, struct file *fp, struct uio *uio)
{
	int error;

	if ((error = tty_background(l, t, SIGTTIN)) != 0)
		return error;
	tty_enter(t);
	error = slave_take(l, t, fp, uio);
	tty_leave(t);
	return error;
}

static int
slave_put(struct tty *t, struct uio *uio)
{
	uint8_t buf[256];
	size_t i, n = tty_room(t) / TTY_WIDEST;

	if (n > sizeof(buf))
		n = sizeof(buf);
	if (n > uio->uio_resid)
		n = uio->uio_resid;
	if (tty_copyin(buf, n, uio) != 0)
		return EFAULT;
	for (i = 0; i < n; i++)
		tty_put(t, buf[i]);
	tty_show(t);
	return 0;
}

static int
slave_write(struct lwp *l, struct tty *t, struct file *fp, struct uio *uio)
{
	const struct ttyfile *tf = fp->f_data;
	bool tostop;
	int error = 0;

	tty_enter(t);
	tostop = tty_lflag(t, TOSTOP);
	mutex_exit(&t->t_lock);
	if (tostop && (error = tty_background(l, t, SIGTTOU)) != 0)
		return error;
	tty_enter(t);
	tty_show(t);
	while (error == 0 && uio->uio_resid > 0) {
		if (ttyfile_hungup(tf))
			error = EIO;
		else if (tty_room(t) >= TTY_WIDEST)
			error = slave_put(t, uio);
		else {
			tty_wake(t);
			error =
			    tty_wait(t, fp, uio, &t->t_slavecv, HYPER_FOREVER);
		}
	}
	tty_leave(t);
	return error;
}

int
tty_read(struct lwp *l, struct file *fp, off_t *offp, struct uio *uio)
{
	struct ttyfile *tf = fp->f_data;

	(void)offp;
	if (uio->uio_resid == 0)
		return 0;
	return tf->tf_master ? master_read(tf->tf_tty, fp, uio)
			     : slave_read(l, tf->tf_tty, fp, uio);
}

int
tty_write(struct lwp *l, struct file *fp, off_t *offp, struct uio *uio)
{
	struct ttyfile *tf = fp->f_data;

	(void)offp;
	return tf->tf_master ? master_write(tf->tf_tty, fp, uio)
			     : slave_write(l, tf->tf_tty, fp, uio);
}

/*
 * Polling
 */

static uint32_t
slave_poll(struct tty *t, bool hungup, struct pollsize *ps)
{
	uint32_t events = 0;

	if (hungup)
		return POLL_ALWAYS | POLLERR | POLLHUP;
	if (tty_hasinput(t))
		events |= POLLIN | POLLRDNORM;
	if (t->t_gone)
		events |= POLLHUP;
	if (tty_room(t) >= TTY_WIDEST)
		events |= POLLOUT | POLLWRNORM;
	ps->ps_in = tty_inputsize(t);
	ps->ps_out = tty_room(t);
	return events;
}

static uint32_t
master_poll(struct tty *t, struct pollsize *ps)
{
	uint32_t events = 0;

	if (t->t_ohead != t->t_otail)
		events |= POLLIN | POLLRDNORM;
	if (t->t_packet && t->t_pktstatus != 0)
		events |= POLLPRI | POLLIN | POLLRDNORM;
	if (t->t_used && t->t_slaves == 0)
		events |= POLLHUP;
	ps->ps_in = t->t_ohead - t->t_otail;
	ps->ps_out = TTY_AHEAD - (t->t_ahead[1] - t->t_ahead[0]);
	if (ps->ps_out > 0)
		events |= POLLOUT | POLLWRNORM;
	return events;
}

uint32_t
tty_poll(struct lwp *l, struct file *fp, struct pollsize *ps)
{
	struct ttyfile *tf = fp->f_data;
	struct tty *t = tf->tf_tty;
	struct pollsize size = {0, 0};
	uint32_t events;

	(void)l;
	mutex_enter(&t->t_lock);
	events = tf->tf_master ? master_poll(t, &size)
			       : slave_poll(t, ttyfile_hungup(tf), &size);
	mutex_exit(&t->t_lock);
	if (ps != NULL)
		*ps = size;
	return events;
}

struct klist *
tty_klist(struct file *fp)
{
	struct ttyfile *tf = fp->f_data;

	return tf->tf_master ? &tf->tf_tty->t_masterkl : &tf->tf_tty->t_slavekl;
}
