/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * eventfd: a counter that is waited for.
 *
 * A write adds to it and waits while the sum would be over EVENTFD_MOST; a read
 * waits until it is not zero, and takes it all, or one (EFD_SEMAPHORE).
 */
#include <sys/eventfd.h>

#include <fcntl.h>

#include "kern/event.h"
#include "kern/kern.h"
#include "sysproto.h"

#define EVENTFD_MOST (UINT64_MAX - 1)

/* Letters: (l) e_lock; (s) stable. */
struct eventfd {
	struct kmutex e_lock;
	bool e_semaphore;      /* (s) */
	uint64_t e_count;      /* (l) */
	struct kcondvar e_rcv; /* (l) readers */
	struct kcondvar e_wcv; /* (l) writers */
	struct klist e_klist;
};

/* Unlock, and wake who can go on and who polls. */
static void
efd_leave(struct eventfd *e, uint32_t hint)
{
	struct lwp *reader = NULL, *writer = NULL;

	KASSERT(mutex_owned(&e->e_lock));
	if (e->e_count > 0)
		reader = cv_take(&e->e_rcv);
	if (e->e_count < EVENTFD_MOST)
		writer = cv_take(&e->e_wcv);
	mutex_exit(&e->e_lock);
	if (reader != NULL)
		cv_wake(reader);
	if (writer != NULL)
		cv_wake(writer);
	klist_notify(&e->e_klist, hint);
}

static int
efd_sleep(struct eventfd *e, struct file *fp, const struct uio *uio,
    struct kcondvar *cv)
{
	if ((file_flags(fp) & O_NONBLOCK) != 0 ||
	    (uio->uio_flags & UIO_NOWAIT) != 0)
		return EAGAIN;
	return cv_wait_sig(cv, &e->e_lock);
}

static int
efd_read(struct lwp *l, struct file *fp, off_t *offp, struct uio *uio)
{
	struct eventfd *e = fp->f_data;
	uint64_t n = 0;
	int error = 0;

	(void)l, (void)offp;
	if (uio->uio_resid < sizeof(n))
		return EINVAL;
	mutex_enter(&e->e_lock);
	while (e->e_count == 0 && error == 0)
		error = efd_sleep(e, fp, uio, &e->e_rcv);
	if (error != 0) {
		efd_leave(e, 0);
		return error;
	}
	n = e->e_semaphore ? 1 : e->e_count;
	e->e_count -= n;
	efd_leave(e, POLLOUT);
	return uiomove(&n, sizeof(n), uio);
}

static int
efd_write(struct lwp *l, struct file *fp, off_t *offp, struct uio *uio)
{
	struct eventfd *e = fp->f_data;
	uint64_t n;
	int error;

	(void)l, (void)offp;
	if (uio->uio_resid != sizeof(n))
		return EINVAL;
	if ((error = uiomove(&n, sizeof(n), uio)) != 0)
		return error;
	if (n == UINT64_MAX)
		error = EINVAL;
	else {
		mutex_enter(&e->e_lock);
		while (n > EVENTFD_MOST - e->e_count && error == 0)
			error = efd_sleep(e, fp, uio, &e->e_wcv);
		if (error == 0)
			e->e_count += n;
		efd_leave(e, error == 0 ? POLLIN : 0);
	}
	/* What was copied of a write that failed does not count. */
	if (error != 0)
		uio->uio_resid += sizeof(n);
	return error;
}

static uint32_t
efd_poll(struct lwp *l, struct file *fp, struct pollsize *ps)
{
	struct eventfd *e = fp->f_data;
	uint32_t events = 0;
	uint64_t n;

	(void)l;
	mutex_enter(&e->e_lock);
	n = e->e_count;
	mutex_exit(&e->e_lock);
	if (n > 0)
		events |= POLLIN;
	if (n < EVENTFD_MOST)
		events |= POLLOUT;
	if (ps != NULL) {
		ps->ps_in = n > 0 ? (int64_t)sizeof(n) : 0;
		ps->ps_out = n < EVENTFD_MOST ? (int64_t)sizeof(n) : 0;
	}
	return events;
}

static struct klist *
efd_klist(struct file *fp)
{
	struct eventfd *e = fp->f_data;

	return &e->e_klist;
}

static void
efd_close(struct file *fp)
{
	kmem_free(fp->f_data, sizeof(struct eventfd));
}

static const struct fileops eventfd_fileops = {
    .fo_name = "eventfd",
    .fo_read = efd_read,
    .fo_write = efd_write,
    .fo_stat = file_statanon,
    .fo_poll = efd_poll,
    .fo_klist = efd_klist,
    .fo_close = efd_close,
};

int
sys_eventfd2(struct lwp *l, unsigned int count, int flags, int *retval)
{
	struct eventfd *e;
	struct file *fp;
	int error;

	if ((flags & ~(EFD_SEMAPHORE | EFD_CLOEXEC | EFD_NONBLOCK)) != 0)
		return EINVAL;
	if ((e = kmem_zalloc(sizeof(*e))) == NULL)
		return ENOMEM;
	e->e_count = count;
	e->e_semaphore = (flags & EFD_SEMAPHORE) != 0;
	if ((error = file_alloc(l, &fp)) != 0)
		goto fail;
	if ((error = fd_alloc(l, 0, retval)) != 0) {
		file_abort(fp);
		goto fail;
	}
	fp->f_type = DTYPE_EVENTFD;
	fp->f_data = e;
	fp->f_ops = &eventfd_fileops;
	atomic_store_explicit(&fp->f_flags,
	    O_RDWR | (uint32_t)(flags & EFD_NONBLOCK), memory_order_relaxed);
	fd_affix(l, *retval, fp, (flags & EFD_CLOEXEC) != 0);
	return 0;

fail:
	kmem_free(e, sizeof(*e));
	return error;
}

int
sys_eventfd(struct lwp *l, unsigned int count, int flags, int *retval)
{
	return sys_eventfd2(l, count, flags, retval);
}
