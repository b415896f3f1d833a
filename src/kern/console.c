/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console: the host process's standard input and output, as a file.
 *
 * Reading and writing can block in the host for as long as it likes.  The lwp
 * is outside its section then, as if it slept: nobody waits for it.  Nothing
 * of the host's ends both on input and on an interrupt of the lwp, so who
 * reads looks for the latter every CONSOLE_TURN.  Fibers wait here instead, so
 * that others can run.
 */
#include <sys/sysmacros.h>

#include <fcntl.h>

#include "kern/event.h"
#include "kern/kern.h"
#include "kern/ktime.h"

/* The device numbers of a console on Linux; on no file system. */
#define CONSOLE_RDEV makedev(5, 1)
#define CONSOLE_DEV  makedev(0, 0xffffe)

#define CONSOLE_TURN 50 /* milliseconds */
#define CONSOLE_NAP  10 /* the same, of a fiber */

/* The next buffer that is not empty, or NULL; EFAULT if it is a bad one. */
static int
console_buffer(struct uio *uio, struct iovec **iovp)
{
	*iovp = NULL;
	while (uio->uio_iovcnt > 0 && uio->uio_iov->iov_len == 0) {
		uio->uio_iov++;
		uio->uio_iovcnt--;
	}
	if (uio->uio_iovcnt == 0)
		return 0;
	*iovp = uio->uio_iov;
	return useraddr_ok((*iovp)->iov_base, (*iovp)->iov_len) ? 0 : EFAULT;
}

/* Wait for input in the host, but only for a turn: EAGAIN. */
static int
console_turn(const struct iovec *iov, size_t *np, int ms)
{
	struct hostthread *ht = curht();
	int error;

	*np = iov->iov_len;
	smr_exit(ht);
	error = hyper_console_read(iov->iov_base, np, ms);
	smr_enter(ht);
	return error;
}

/* Nothing came: wait, and look again. */
static int
console_again(struct lwp *l, const struct iovec *iov, size_t *np)
{
	int error;

	if (!hyper_host->hh_fibers)
		return console_turn(iov, np, CONSOLE_TURN);
	error = nap_until(l, KTIMER_MONOTONIC,
	    kern_monotonic() + CONSOLE_NAP * INT64_C(1000000));
	return error != 0 ? error : console_turn(iov, np, 0);
}

int
console_read(struct lwp *l, struct file *fp, off_t *offp, struct uio *uio)
{
	struct iovec *iov;
	size_t n;
	int error;

	(void)offp;
	error = console_buffer(uio, &iov);
	if (error != 0 || iov == NULL)
		return error;
	fd_borrow_settle(l);
	error = console_turn(iov, &n, 0);
	if (error == EAGAIN && curctx()->kc_server)
		remote_sleep();
	while (error == EAGAIN && (file_flags(fp) & O_NONBLOCK) == 0) {
		if (lwp_take_interrupt(l))
			return EINTR;
		error = console_again(l, iov, &n);
	}
	if (error == 0)
		uio->uio_resid -= n;
	return error;
}

int
console_write(struct lwp *l, struct file *fp, off_t *offp, struct uio *uio)
{
	struct hostthread *ht = curht();
	struct iovec *iov;
	int error;

	(void)fp, (void)offp;
	fd_borrow_settle(l);
	while ((error = console_buffer(uio, &iov)) == 0 && iov != NULL) {
		smr_exit(ht);
		if (curctx()->kc_server)
			remote_sleep();
		hyper_console_write(iov->iov_base, iov->iov_len);
		smr_enter(ht);
		uio->uio_resid -= iov->iov_len;
		uio->uio_iov++;
		uio->uio_iovcnt--;
	}
	return error;
}

static int
console_stat(struct lwp *l, struct file *fp, struct stat *st)
{
	(void)l, (void)fp;
	memset(st, 0, sizeof(*st));
	st->st_dev = CONSOLE_DEV;
	st->st_ino = 1;
	st->st_mode = S_IFCHR | 0620;
	st->st_nlink = 1;
	st->st_rdev = CONSOLE_RDEV;
	st->st_blksize = 1024;
	return 0;
}

static void
console_close(struct file *fp)
{
	(void)fp;
}

/* Nobody is told when the host has input: it counts as always there. */
uint32_t
console_poll(struct lwp *l, struct file *fp, struct pollsize *ps)
{
	(void)l, (void)fp;
	if (ps != NULL)
		*ps = (struct pollsize){.ps_in = 1, .ps_out = KPAGE_SIZE};
	return POLL_ALWAYS;
}

struct klist *
console_klist(struct file *fp)
{
	static struct klist kl;

	(void)fp;
	return &kl;
}

static const struct fileops console_fileops = {
    .fo_read = console_read,
    .fo_write = console_write,
    .fo_stat = console_stat,
    .fo_poll = console_poll,
    .fo_klist = console_klist,
    .fo_close = console_close,
};

int
console_open_std(struct lwp *l)
{
	struct file *fp;
	int fd, i, error;

	if ((error = file_alloc(l, &fp)) != 0)
		return error;
	fp->f_type = DTYPE_CONSOLE;
	fp->f_ops = &console_fileops;
	atomic_store_explicit(&fp->f_flags, O_RDWR, memory_order_relaxed);
	for (i = 0; i < 3 && error == 0; i++) {
		if ((error = fd_alloc(l, i, &fd)) == 0) {
			file_hold(fp);
			fd_affix(l, fd, fp, false);
		}
	}
	file_rele(fp);
	return error;
}
