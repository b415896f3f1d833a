/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets as files, and what all of them are made of.
 */
#include "net/socket.h"

#include <sys/ioctl.h>
#include <sys/sysmacros.h>

#include <linux/sockios.h>

#include "kern/signal.h"

/* The device that fstat names: no file system has it. */
#define SOCKET_DEV makedev(0, 0xffffe)

/* What the host starts with, too. */
#define SOCKET_BUFFER 212992

static _Atomic ino_t last_ino; /* relaxed: only a count */

void
socket_init(struct socket *so, const struct protosw *pr, const struct cred *cr)
{
	so->so_proto = pr;
	so->so_ino =
	    atomic_fetch_add_explicit(&last_ino, 1, memory_order_relaxed) + 1;
	so->so_uid = cr->cr_fsuid;
	so->so_gid = cr->cr_fsgid;
	kern_realtime(&so->so_ctime);
	atomic_init(&so->so_sndbuf, SOCKET_BUFFER);
	atomic_init(&so->so_rcvbuf, SOCKET_BUFFER);
	atomic_init(&so->so_rcvlowat, 1);
	atomic_init(&so->so_rcvtimeo, HYPER_FOREVER);
	atomic_init(&so->so_sndtimeo, HYPER_FOREVER);
	atomic_init(&so->so_peekoff, -1);
	atomic_init(&so->so_opts, SOPT_PASSRIGHTS);
	sockopt_init(so);
}

/*
 * Descriptors
 */

int
fd_getsocket(struct lwp *l, int fd, struct file **fpp, struct socket **sop)
{
	int error;

	if ((error = fd_getopen(l, fd, fpp)) != 0)
		return error;
	if ((*fpp)->f_type != DTYPE_SOCKET) {
		fd_putfile(l, *fpp);
		return ENOTSOCK;
	}
	*sop = (*fpp)->f_data;
	return 0;
}

void
socket_affix(struct socket *so, int flags, struct file *fp)
{
	fp->f_type = DTYPE_SOCKET;
	fp->f_data = so;
	fp->f_ops = so->so_proto->pr_fileops;
	atomic_store_explicit(&fp->f_flags,
	    O_RDWR | ((flags & SOCK_NONBLOCK) != 0 ? O_NONBLOCK : 0),
	    memory_order_relaxed);
}

/*
 * Sleeping and locking
 */

int64_t
socket_deadline(int64_t timeo, bool nowait)
{
	int64_t deadline;

	if (nowait)
		return 0;
	if (timeo == HYPER_FOREVER ||
	    __builtin_add_overflow(kern_monotonic(), timeo, &deadline))
		return HYPER_FOREVER;
	return deadline;
}

int
socket_sleep(struct socket *so, struct kcondvar *cv, int64_t deadline)
{
	int error;

	KASSERT(mutex_owned(&so->so_lock));
	if (deadline == 0)
		return EAGAIN;
	error = cv_timedwait_sig(cv, &so->so_lock, deadline);
	if (error == EINTR && deadline != HYPER_FOREVER)
		signal_restart(SR_NEVER);
	return error == ETIMEDOUT ? EAGAIN : error;
}

void
socket_lock2(struct socket *a, struct socket *b)
{
	struct socket *first = a < b ? a : b, *second = a < b ? b : a;

	if (first != NULL && first != second)
		mutex_enter(&first->so_lock);
	if (second != NULL)
		mutex_enter(&second->so_lock);
}

void
socket_unlock2(struct socket *a, struct socket *b)
{
	if (a != NULL)
		mutex_exit(&a->so_lock);
	if (b != NULL && b != a)
		mutex_exit(&b->so_lock);
}

/*
 * File operations
 */

/* The message that a read or a write is. */
static void
socket_plainmsg(struct sockmsg *sm, const struct file *fp, struct uio *uio)
{
	memset(sm, 0, sizeof(*sm));
	sm->sm_uio = uio;
	sm->sm_nowait = (file_flags(fp) & O_NONBLOCK) != 0 ||
			(uio->uio_flags & UIO_NOWAIT) != 0;
}

int
socket_read(struct lwp *l, struct file *fp, off_t *offp, struct uio *uio)
{
	struct socket *so = fp->f_data;
	struct sockmsg sm;
	size_t len = 0;

	(void)offp;
	/* Nothing is waited for, and no message lost, as on Linux. */
	if (unlikely(uio->uio_resid == 0))
		return 0;
	socket_plainmsg(&sm, fp, uio);
	return so->so_proto->pr_recv(l, so, &sm, &len);
}

int
socket_write(struct lwp *l, struct file *fp, off_t *offp, struct uio *uio)
{
	struct socket *so = fp->f_data;
	struct sockmsg sm;
	bool sig = false;
	size_t len = 0;
	int error;

	(void)offp;
	socket_plainmsg(&sm, fp, uio);
	if ((uio->uio_flags & UIO_NOSIGNAL) != 0)
		sm.sm_flags = MSG_NOSIGNAL;
	error = so->so_proto->pr_send(l, so, &sm, &len, &sig);
	if (unlikely(sig))
		signal_self(l, SIGPIPE);
	return error;
}

int
socket_stat(struct lwp *l, struct file *fp, struct stat *st)
{
	struct socket *so = fp->f_data;

	(void)l;
	memset(st, 0, sizeof(*st));
	st->st_dev = SOCKET_DEV;
	st->st_ino = so->so_ino;
	st->st_mode = S_IFSOCK | 0777;
	st->st_nlink = 1;
	st->st_uid = so->so_uid;
	st->st_gid = so->so_gid;
	st->st_blksize = KPAGE_SIZE;
	st->st_atim = st->st_mtim = st->st_ctim = so->so_ctime;
	return 0;
}

int
socket_ioctl(
    struct lwp *l, struct file *fp, unsigned long cmd, void *data, int *retval)
{
	struct socket *so = fp->f_data;
	int error, id = 0;

	switch (cmd) {
	case FIOSETOWN:
	case SIOCSPGRP:
		if ((error = copyin(data, &id, sizeof(id))) != 0)
			return error;
		return fowner_fcntl(l, fp, F_SETOWN, (uintptr_t)id, retval);
	case FIOGETOWN:
	case SIOCGPGRP:
		(void)fowner_fcntl(l, fp, F_GETOWN, 0, &id);
		return copyout(&id, data, sizeof(id));
	default:
		return so->so_proto->pr_ioctl(l, so, cmd, data);
	}
}

uint32_t
socket_poll(struct lwp *l, struct file *fp, struct pollsize *ps)
{
	struct socket *so = fp->f_data;

	(void)l;
	return so->so_proto->pr_poll(so, ps);
}

struct klist *
socket_klist(struct file *fp)
{
	struct socket *so = fp->f_data;

	return &so->so_klist;
}

/* Nobody, until somebody is named; for room, who finds none from now on. */
pid_t
socket_async(struct lwp *l, struct file *fp)
{
	struct socket *so = fp->f_data;

	(void)l;
	atomic_store_explicit(&so->so_noroom, false, memory_order_relaxed);
	return 0;
}

void
socket_tell_slow(struct socket *so, uint32_t hint, int code)
{
	klist_notify_slow(&so->so_klist, hint);
	klist_async_slow(&so->so_klist, code);
}

void
socket_tellroom(struct socket *so, uint32_t hint)
{
	if (!klist_waited(&so->so_klist))
		return;
	klist_notify_slow(&so->so_klist, hint);
	if (atomic_exchange_explicit(
		&so->so_noroom, false, memory_order_relaxed))
		klist_async_slow(&so->so_klist, POLL_OUT);
}

void
socket_close(struct file *fp)
{
	struct socket *so = fp->f_data;

	so->so_proto->pr_close(so);
}
