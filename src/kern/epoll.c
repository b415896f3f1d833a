/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * epoll.  An item is named by a descriptor and the file that it named when it
 * was added, and stays until the last reference to that file goes.
 *
 * What is collected with EPOLLET leaves the ready list until it is told again;
 * what is not, goes back to its end and leaves it when it is found not to be
 * ready any more.  After EPOLLONESHOT nothing is told until EPOLL_CTL_MOD.
 */
#include <sys/epoll.h>

#include <fcntl.h>

#include "kern/evqueue.h"
#include "kern/kern.h"
#include "kern/signal.h"
#include "sysproto.h"

/* How events are told, not what they are. */
#define EPOLL_HOW (EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE)

/* What may be asked for together with EPOLLEXCLUSIVE. */
#define EPOLL_EXCLUSIVE_OK                                                  \
	(EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | \
	    EPOLLEXCLUSIVE)

#define EPOLL_MAXEVENTS (INT_MAX / (int)sizeof(struct epoll_event))

struct epitem {
	struct evitem ep_item;
	uint32_t ep_events; /* (m) as asked for */
	uint64_t ep_data;   /* (m) the caller's */
};

static const struct knote_ops epoll_ops = {
    .ko_notify = evitem_notify,
    .ko_closing = evitem_closing,
};

static void
epitem_free(struct evitem *ei)
{
	kmem_free(
	    container_of(ei, struct epitem, ep_item), sizeof(struct epitem));
}

static inline struct epitem *
epitem_of(struct evitem *ei)
{
	return container_of(ei, struct epitem, ep_item);
}

/* What of the events asked for is true. */
static inline uint32_t
epitem_poll(struct lwp *l, struct epitem *ep)
{
	struct file *fp = ep->ep_item.ei_note.kn_file;

	return fp->f_ops->fo_poll(l, fp, NULL) & ep->ep_events & ~EPOLL_HOW;
}

/* Be told of what is asked for. */
static void
epitem_listen(struct epitem *ep)
{
	knote_setevents(&ep->ep_item.ei_note, ep->ep_item.ei_note.kn_file,
	    ep->ep_events & ~EPOLL_HOW);
}

/*
 * The file
 */

static uint32_t
epoll_poll(struct lwp *l, struct file *fp, struct pollsize *ps)
{
	struct evqueue *eq = fp->f_data;
	uint32_t n, events = 0;
	struct evitem *ei;

	mutex_enter(&eq->eq_mtx);
	for (n = evqueue_nready(eq); n > 0 && events == 0; n--) {
		if ((ei = evqueue_take(eq)) == NULL)
			break;
		if (epitem_poll(l, epitem_of(ei)) != 0) {
			evqueue_untake(ei, true);
			events = POLLIN | POLLRDNORM;
		}
	}
	if (ps != NULL)
		*ps = (struct pollsize){.ps_in = evqueue_nready(eq)};
	mutex_exit(&eq->eq_mtx);
	return events;
}

static int
epoll_read(struct lwp *l, struct file *fp, off_t *offp, struct uio *uio)
{
	(void)l, (void)fp, (void)offp, (void)uio;
	return EINVAL;
}

static const struct fileops epoll_fileops = {
    .fo_name = "eventpoll",
    .fo_read = epoll_read,
    .fo_write = epoll_read,
    .fo_stat = file_statanon,
    .fo_poll = epoll_poll,
    .fo_klist = evqueue_klist,
    .fo_close = evqueue_close,
};

int
sys_epoll_create1(struct lwp *l, int flags, int *retval)
{
	struct evqueue *eq;

	if ((flags & ~EPOLL_CLOEXEC) != 0)
		return EINVAL;
	if ((eq = evqueue_alloc(epitem_free)) == NULL)
		return ENOMEM;
	return evqueue_open(
	    l, eq, &epoll_fileops, (flags & EPOLL_CLOEXEC) != 0, retval);
}

int
sys_epoll_create(struct lwp *l, int size, int *retval)
{
	return size <= 0 ? EINVAL : sys_epoll_create1(l, 0, retval);
}

/*
 * epoll_ctl
 */

static int
epoll_add(struct lwp *l, struct evqueue *eq, int fd, struct file *fp,
    const struct epoll_event *ev)
{
	struct epitem *ep;
	int error;

	KASSERT(mutex_owned(&eq->eq_mtx));
	if (evqueue_find(eq, (uint64_t)fd, 0, fp) != NULL)
		return EEXIST;
	if ((error = file_listen(l, fp)) != 0)
		return error;
	if ((ep = kmem_zalloc(sizeof(*ep))) == NULL)
		return ENOMEM;
	ep->ep_events = ev->events | EPOLLERR | EPOLLHUP;
	ep->ep_data = ev->data.u64;
	ep->ep_item.ei_ident = (uint64_t)fd;
	ep->ep_item.ei_note.kn_file = fp;
	ep->ep_item.ei_note.kn_ops = &epoll_ops;
	ep->ep_item.ei_note.kn_single = (ev->events & EPOLLEXCLUSIVE) != 0;
	if ((error = evqueue_insert(eq, &ep->ep_item)) != 0) {
		epitem_free(&ep->ep_item);
		return error;
	}
	epitem_listen(ep);
	knote_attach(fp->f_ops->fo_klist(fp), &ep->ep_item.ei_note);
	if (epitem_poll(l, ep) != 0)
		evitem_post(&ep->ep_item);
	return 0;
}

static int
epoll_modify(struct lwp *l, struct evqueue *eq, int fd, struct file *fp,
    const struct epoll_event *ev)
{
	struct evitem *ei = evqueue_find(eq, (uint64_t)fd, 0, fp);
	struct epitem *ep;

	KASSERT(mutex_owned(&eq->eq_mtx));
	if (ei == NULL)
		return ENOENT;
	ep = epitem_of(ei);
	if ((ep->ep_events & EPOLLEXCLUSIVE) != 0)
		return EINVAL;
	ep->ep_events = ev->events | EPOLLERR | EPOLLHUP;
	ep->ep_data = ev->data.u64;
	epitem_listen(ep);
	if (epitem_poll(l, ep) != 0)
		evitem_post(ei);
	return 0;
}

static int
epoll_delete(struct evqueue *eq, int fd, struct file *fp)
{
	struct evitem *ei = evqueue_find(eq, (uint64_t)fd, 0, fp);

	KASSERT(mutex_owned(&eq->eq_mtx));
	if (ei == NULL)
		return ENOENT;
	evqueue_remove(eq, ei);
	return 0;
}

/* May it be done to that file? */
static int
epoll_allowed(const struct file *epfp, const struct file *fp, int op,
    const struct epoll_event *ev)
{
	if (fp->f_ops->fo_poll == NULL)
		return EPERM;
	if (fp == epfp || epfp->f_ops != &epoll_fileops)
		return EINVAL;
	if (op != EPOLL_CTL_DEL && (ev->events & EPOLLEXCLUSIVE) != 0 &&
	    (op == EPOLL_CTL_MOD || fp->f_ops == &epoll_fileops ||
		(ev->events & ~EPOLL_EXCLUSIVE_OK) != 0))
		return EINVAL;
	return 0;
}

static int
epoll_change(struct lwp *l, struct file *epfp, int op, int fd, struct file *fp,
    const struct epoll_event *ev)
{
	struct evqueue *eq = epfp->f_data;
	bool nest = op == EPOLL_CTL_ADD && file_is_evqueue(fp);
	int error;

	if ((error = epoll_allowed(epfp, fp, op, ev)) != 0)
		return error;
	if (nest && (error = evqueue_nest(eq, fp)) != 0)
		return error;
	mutex_enter(&eq->eq_mtx);
	if (op == EPOLL_CTL_ADD)
		error = epoll_add(l, eq, fd, fp, ev);
	else if (op == EPOLL_CTL_MOD)
		error = epoll_modify(l, eq, fd, fp, ev);
	else if (op == EPOLL_CTL_DEL)
		error = epoll_delete(eq, fd, fp);
	else
		error = EINVAL;
	mutex_exit(&eq->eq_mtx);
	if (nest)
		evqueue_unnest();
	return error;
}

int
sys_epoll_ctl(struct lwp *l, int epfd, int op, int fd, struct epoll_event *uev)
{
	struct epoll_event ev = {0};
	struct file *epfp, *fp;
	int error;

	if (op != EPOLL_CTL_DEL && (error = copyin(uev, &ev, sizeof(ev))) != 0)
		return error;
	ev.events &= ~(uint32_t)EPOLLWAKEUP;
	if ((error = fd_getopen(l, epfd, &epfp)) != 0)
		return error;
	if ((error = fd_getref(l, fd, &fp)) == 0) {
		if ((file_flags(fp) & O_PATH) != 0)
			error = EBADF;
		else
			error = epoll_change(l, epfp, op, fd, fp, &ev);
		file_rele(fp);
	}
	fd_putfile(l, epfp);
	return error;
}

/*
 * epoll_wait
 */

/* The item was taken off the ready list; true if it has been reported. */
static bool
epoll_report(struct lwp *l, struct epitem *ep, struct epoll_event *uev)
{
	struct epoll_event ev;

	if ((ev.events = epitem_poll(l, ep)) == 0)
		return false;
	ev.data.u64 = ep->ep_data;
	/* Checked by epoll_wait. */
	(void)copyout(&ev, uev, sizeof(ev));
	if ((ep->ep_events & EPOLLONESHOT) != 0) {
		ep->ep_events &= EPOLL_HOW;
		epitem_listen(ep);
	} else if ((ep->ep_events & EPOLLET) == 0)
		evqueue_untake(&ep->ep_item, false);
	return true;
}

/* Report what is ready now, up to max. */
static int
epoll_collect(
    struct lwp *l, struct evqueue *eq, struct epoll_event *uev, int max)
{
	struct evitem *ei;
	uint32_t n;
	int got = 0;

	mutex_enter(&eq->eq_mtx);
	/* What goes back to the list, or comes meanwhile, is for next time. */
	for (n = evqueue_nready(eq); n > 0 && got < max; n--) {
		if ((ei = evqueue_take(eq)) == NULL)
			break;
		got += epoll_report(l, epitem_of(ei), &uev[got]);
	}
	mutex_exit(&eq->eq_mtx);
	evqueue_pass(eq);
	return got;
}

static int
epoll_wait_until(struct lwp *l, int epfd, struct epoll_event *uev, int max,
    int64_t deadline, int *retval)
{
	struct evqueue *eq;
	struct file *fp;
	int error;

	if ((error = fd_getopen(l, epfd, &fp)) != 0)
		return error;
	eq = fp->f_data;
	if (unlikely(max <= 0 || max > EPOLL_MAXEVENTS ||
		     fp->f_ops != &epoll_fileops))
		error = EINVAL;
	else if (unlikely(!useraddr_ok(uev, (size_t)max * sizeof(*uev))))
		error = EFAULT;
	while (error == 0) {
		*retval = 0;
		if (evqueue_nready(eq) != 0)
			*retval = epoll_collect(l, eq, uev, max);
		if (*retval > 0 || deadline == 0)
			break;
		error = evqueue_wait(eq, deadline);
		if (error == ETIMEDOUT) {
			error = 0;
			deadline = 0;
		}
	}
	fd_putfile(l, fp);
	return error;
}

int
sys_epoll_wait(struct lwp *l, int epfd, struct epoll_event *uev, int max,
    int timeout, int *retval)
{
	return epoll_wait_until(
	    l, epfd, uev, max, deadline_after_ms(timeout), retval);
}

int
sys_epoll_pwait(struct lwp *l, int epfd, struct epoll_event *uev, int max,
    int timeout, const sigset_t *umask, int *retval)
{
	int error = signal_maskwait(l, umask);

	if (error != 0)
		return error;
	error = sys_epoll_wait(l, epfd, uev, max, timeout, retval);
	signal_unmaskwait(l, error);
	return error;
}

int
sys_epoll_pwait2(struct lwp *l, int epfd, struct epoll_event *uev, int max,
    const struct timespec *uts, const sigset_t *umask, int *retval)
{
	int64_t deadline;
	int error;

	if ((error = copyin_deadline(uts, &deadline)) != 0 ||
	    (error = signal_maskwait(l, umask)) != 0)
		return error;
	error = epoll_wait_until(l, epfd, uev, max, deadline, retval);
	signal_unmaskwait(l, error);
	return error;
}
