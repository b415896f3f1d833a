/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kqueue.  A kevent is named by a filter and a number, for the filters READ and
 * WRITE a descriptor.  It ends with the descriptor: at the latest when the last
 * reference to the file goes; until then, if the descriptor names something
 * else in the process that asks, it is not reported, and EV_ADD makes another.
 *
 * When the ready list says that something may be true of a kevent, its filter
 * says whether it is (kqitem_check).
 */
#include <fcntl.h>

#include "kern/kern.h"
#include "kern/kqueue_impl.h"
#include "sysproto.h"

#define EV_HOW \
	(RUMP_EV_ONESHOT | RUMP_EV_CLEAR | RUMP_EV_RECEIPT | RUMP_EV_DISPATCH)

/*
 * The file
 */

static uint32_t
kqueue_poll(struct lwp *l, struct file *fp, struct pollsize *ps)
{
	struct evqueue *eq = fp->f_data;
	uint32_t n, events = 0;
	struct rump_kevent kev;
	struct evitem *ei;

	mutex_enter(&eq->eq_mtx);
	for (n = evqueue_nready(eq); n > 0 && events == 0; n--) {
		if ((ei = evqueue_take(eq)) == NULL)
			break;
		if (kqitem_check(l, kqitem_of(ei), &kev)) {
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
kqueue_move(struct lwp *l, struct file *fp, off_t *offp, struct uio *uio)
{
	(void)l, (void)fp, (void)offp, (void)uio;
	return ENXIO;
}

static int
kqueue_stat(struct lwp *l, struct file *fp, struct stat *sb)
{
	struct evqueue *eq = fp->f_data;

	(void)l;
	memset(sb, 0, sizeof(*sb));
	sb->st_mode = S_IFIFO;
	sb->st_size = evqueue_nready(eq);
	sb->st_blksize = (blksize_t)sizeof(struct rump_kevent);
	return 0;
}

static const struct fileops kqueue_fileops = {
    .fo_name = "kqueue",
    .fo_read = kqueue_move,
    .fo_write = kqueue_move,
    .fo_stat = kqueue_stat,
    .fo_poll = kqueue_poll,
    .fo_klist = evqueue_klist,
    .fo_close = evqueue_close,
};

int
sys_kqueue1(struct lwp *l, int flags, int *retval)
{
	struct evqueue *eq;

	if ((flags & ~(O_CLOEXEC | O_NONBLOCK)) != 0)
		return EINVAL;
	if ((eq = evqueue_alloc(kqitem_free)) == NULL)
		return ENOMEM;
	return evqueue_open(
	    l, eq, &kqueue_fileops, (flags & O_CLOEXEC) != 0, retval);
}

int
sys_kqueue(struct lwp *l, int *retval)
{
	return sys_kqueue1(l, 0, retval);
}

/*
 * Changes
 */

/* How it reports, and what. */
static void
kqitem_set(struct kqitem *ki, const struct rump_kevent *kev)
{
	bool collects = kev->filter == RUMP_EVFILT_PROC ||
			kev->filter == RUMP_EVFILT_SIGNAL ||
			kev->filter == RUMP_EVFILT_TIMER;

	ki->ki_flags = (kev->flags & EV_HOW) | (collects ? RUMP_EV_CLEAR : 0);
	ki->ki_udata = kev->udata;
	if (kev->filter != RUMP_EVFILT_USER)
		ki->ki_fflags = kev->fflags;
}

int
kqueue_add(struct lwp *l, struct evqueue *eq, const struct rump_kevent *kev,
    struct file *fp, struct kqitem **kip)
{
	struct kqitem *ki = kmem_zalloc(sizeof(*ki));
	int error;

	KASSERT(mutex_owned(&eq->eq_mtx));
	if (ki == NULL)
		return ENOMEM;
	ki->ki_item.ei_ident = kev->ident;
	ki->ki_item.ei_kind = kev->filter;
	ki->ki_item.ei_note.kn_file = fp;
	kqitem_set(ki, kev);
	if ((error = evqueue_insert(eq, &ki->ki_item)) != 0) {
		kqitem_free(&ki->ki_item);
		return error;
	}
	if ((error = kqitem_attach(l, ki, kev)) != 0) {
		evqueue_remove(eq, &ki->ki_item);
		return error;
	}
	*kip = ki;
	return 0;
}

/* USER: what a kevent does to the flags. */
static void
user_touch(struct kqitem *ki, const struct rump_kevent *kev)
{
	uint32_t flags = kev->fflags & RUMP_NOTE_FFLAGSMASK;

	switch (kev->fflags & RUMP_NOTE_FFCTRLMASK) {
	case RUMP_NOTE_FFAND:
		ki->ki_fflags &= flags;
		break;
	case RUMP_NOTE_FFOR:
		ki->ki_fflags |= flags;
		break;
	case RUMP_NOTE_FFCOPY:
		ki->ki_fflags = flags;
		break;
	}
	if ((kev->fflags & RUMP_NOTE_TRIGGER) != 0)
		ki->ki_triggered = true;
}

/* Find the kevent of a change, or add it.  ENOENT and those of kqueue_add. */
static int
kqueue_find(struct lwp *l, struct evqueue *eq, const struct rump_kevent *kev,
    struct file *fp, struct kqitem **kip)
{
	struct evitem *ei = evqueue_find(eq, kev->ident, kev->filter, fp);

	if (ei == NULL)
		return (kev->flags & RUMP_EV_ADD) == 0
			   ? ENOENT
			   : kqueue_add(l, eq, kev, fp, kip);
	*kip = kqitem_of(ei);
	if ((kev->flags & (RUMP_EV_ADD | RUMP_EV_DELETE)) != RUMP_EV_ADD)
		return 0;
	kqitem_set(*kip, kev);
	return kqitem_change(l, *kip, kev);
}

static int
kqueue_change_locked(struct lwp *l, struct evqueue *eq,
    const struct rump_kevent *kev, struct file *fp)
{
	bool user = kev->filter == RUMP_EVFILT_USER;
	struct rump_kevent now;
	struct kqitem *ki;
	int error;

	KASSERT(mutex_owned(&eq->eq_mtx));
	if ((error = kqueue_find(l, eq, kev, fp, &ki)) != 0)
		return error;
	if ((kev->flags & RUMP_EV_DELETE) != 0) {
		evqueue_remove(eq, &ki->ki_item);
		return 0;
	}
	if (user)
		user_touch(ki, kev);
	if (user || (kev->flags & RUMP_EV_ADD) != 0)
		ki->ki_data = kev->data;
	if ((kev->flags & RUMP_EV_DISABLE) != 0)
		ki->ki_disabled = true;
	else if ((kev->flags & (RUMP_EV_ADD | RUMP_EV_ENABLE)) != 0)
		ki->ki_disabled = false;
	if (kqitem_check(l, ki, &now))
		evitem_post(&ki->ki_item);
	return 0;
}

/* Find the file of a change, if its filter has one; EINVAL, EBADF. */
static int
kevent_file(struct lwp *l, const struct rump_kevent *kev, struct file **fpp)
{
	int error;

	*fpp = NULL;
	if (filter_isfile(kev->filter)) {
		if (kev->ident > INT_MAX)
			return EBADF;
		if ((error = fd_getref(l, (int)kev->ident, fpp)) != 0)
			return error;
	}
	error = filter_allows(l, kev, *fpp);
	if (error != 0 && *fpp != NULL)
		file_rele(*fpp);
	return error;
}

static int
kqueue_change(struct lwp *l, struct file *kqfp, const struct rump_kevent *kev)
{
	struct evqueue *eq = kqfp->f_data;
	struct file *fp;
	bool nest;
	int error;

	if ((error = kevent_file(l, kev, &fp)) != 0)
		return error;
	nest = fp != NULL && file_is_evqueue(fp) &&
	       (kev->flags & RUMP_EV_ADD) != 0;
	if (nest)
		error = evqueue_nest(eq, fp);
	if (error == 0) {
		mutex_enter(&eq->eq_mtx);
		error = kqueue_change_locked(l, eq, kev, fp);
		mutex_exit(&eq->eq_mtx);
		if (nest)
			evqueue_unnest();
	}
	if (fp != NULL)
		file_rele(fp);
	return error;
}

/*
 * Make the changes.  Those that fail, or want a receipt, are answered in the
 * event list as long as there is room; *np answers.
 */
static int
kqueue_changes(struct lwp *l, struct file *kqfp,
    const struct rump_kevent *changes, size_t nchanges,
    struct rump_kevent *events, size_t nevents, size_t *np)
{
	struct rump_kevent kev;
	size_t i;
	int error;

	*np = 0;
	for (i = 0; i < nchanges; i++) {
		if ((error = copyin(&changes[i], &kev, sizeof(kev))) != 0)
			return error;
		error = kqueue_change(l, kqfp, &kev);
		if (error == 0 && (kev.flags & RUMP_EV_RECEIPT) == 0)
			continue;
		if (*np == nevents) {
			if (error != 0)
				return error;
			continue;
		}
		kev.flags = RUMP_EV_ERROR;
		kev.data = error;
		if ((error = copyout(&kev, &events[*np], sizeof(kev))) != 0)
			return error;
		++*np;
	}
	return 0;
}

/*
 * Collecting
 */

/* The item was reported; what becomes of it. */
static void
kqitem_reported(
    struct evqueue *eq, struct kqitem *ki, const struct rump_kevent *kev)
{
	/* A process ends once, and so does a request. */
	if ((ki->ki_flags & RUMP_EV_ONESHOT) != 0 ||
	    kev->filter == RUMP_EVFILT_AIO ||
	    (kev->filter == RUMP_EVFILT_PROC &&
		(kev->flags & RUMP_EV_EOF) != 0)) {
		evqueue_remove(eq, &ki->ki_item);
		return;
	}
	if ((ki->ki_flags & (RUMP_EV_CLEAR | RUMP_EV_DISPATCH)) != 0)
		kqitem_clear(ki, kev);
	if ((ki->ki_flags & RUMP_EV_DISPATCH) != 0)
		ki->ki_disabled = true;
	else if ((ki->ki_flags & RUMP_EV_CLEAR) == 0)
		evqueue_untake(&ki->ki_item, false);
}

static int
kqueue_collect(struct lwp *l, struct evqueue *eq, struct rump_kevent *events,
    size_t nevents, int *gotp)
{
	struct rump_kevent kev;
	struct evitem *ei;
	size_t got = 0;
	uint32_t n;
	int error = 0;

	mutex_enter(&eq->eq_mtx);
	for (n = evqueue_nready(eq); n > 0 && got < nevents; n--) {
		if ((ei = evqueue_take(eq)) == NULL)
			break;
		if (!kqitem_check(l, kqitem_of(ei), &kev))
			continue;
		if ((error = copyout(&kev, &events[got], sizeof(kev))) != 0) {
			evqueue_untake(ei, true);
			break;
		}
		got++;
		kqitem_reported(eq, kqitem_of(ei), &kev);
	}
	mutex_exit(&eq->eq_mtx);
	evqueue_pass(eq);
	*gotp = (int)got;
	return got > 0 ? 0 : error;
}

static int
kqueue_scan(struct lwp *l, struct evqueue *eq, struct rump_kevent *events,
    size_t nevents, int64_t deadline, int *retval)
{
	int error = 0;

	*retval = 0;
	while (error == 0) {
		if (evqueue_nready(eq) != 0)
			error = kqueue_collect(l, eq, events, nevents, retval);
		if (error != 0 || *retval > 0 || deadline == 0)
			break;
		error = evqueue_wait(eq, deadline);
		if (error == ETIMEDOUT) {
			error = 0;
			deadline = 0;
		}
	}
	return error;
}

int
sys_kevent(struct lwp *l, int fd, const struct rump_kevent *changes,
    size_t nchanges, struct rump_kevent *events, size_t nevents,
    const struct timespec *uts, int *retval)
{
	struct file *fp;
	int64_t deadline;
	size_t n = 0;
	int error;

	if (nchanges > INT_MAX || nevents > INT_MAX)
		return EINVAL;
	if ((error = copyin_deadline(uts, &deadline)) != 0 ||
	    (error = fd_getopen(l, fd, &fp)) != 0)
		return error;
	if (fp->f_ops != &kqueue_fileops)
		error = EBADF;
	else
		error = kqueue_changes(
		    l, fp, changes, nchanges, events, nevents, &n);
	*retval = (int)n;
	if (error == 0 && n == 0 && nevents > 0)
		error = kqueue_scan(
		    l, fp->f_data, events, nevents, deadline, retval);
	fd_putfile(l, fp);
	return error;
}
