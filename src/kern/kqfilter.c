/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What kevents report: when the ready list says that something may be true of
 * one, its filter says whether it is (kqitem_check).
 */
#include "kern/kqueue_impl.h"

#include "kern/fdtab.h"
#include "kern/kern.h"
#include "kern/ktime.h"
#include "kern/signal_impl.h"

#define READ_EVENTS  (POLLIN | POLLRDNORM | POLLRDHUP)
#define WRITE_EVENTS (POLLOUT | POLLWRNORM)

/* What READ and WRITE of files that only a vnode tells of are told. */
#define SIZE_NOTES (RUMP_NOTE_WRITE | RUMP_NOTE_EXTEND)

#define VNODE_NOTES                                                \
	(RUMP_NOTE_DELETE | RUMP_NOTE_WRITE | RUMP_NOTE_EXTEND |   \
	    RUMP_NOTE_ATTRIB | RUMP_NOTE_LINK | RUMP_NOTE_RENAME | \
	    RUMP_NOTE_REVOKE | RUMP_NOTE_OPEN | RUMP_NOTE_CLOSE |  \
	    RUMP_NOTE_CLOSE_WRITE | RUMP_NOTE_READ)
#define PROC_NOTES \
	(RUMP_NOTE_EXIT | RUMP_NOTE_FORK | RUMP_NOTE_EXEC | RUMP_NOTE_TRACK)
#define TIMER_NOTES (RUMP_NOTE_NSECONDS | RUMP_NOTE_ABSTIME)
#define TIMER_UNIT  RUMP_NOTE_NSECONDS

/*
 * Telling
 */

static const struct knote_ops file_ops = {
    .ko_notify = evitem_notify,
    .ko_closing = evitem_closing,
};

/* Something happened to the file; what, is in the hint. */
static bool
vnode_notify(struct knote *kn, uint32_t hint, struct wakelist *wl)
{
	struct evitem *ei = container_of(kn, struct evitem, ei_note);

	hint &= atomic_load_explicit(&kn->kn_events, memory_order_relaxed);
	atomic_fetch_or_explicit(
	    &kqitem_of(ei)->ki_fired, hint, memory_order_relaxed);
	return evitem_tell(ei, KLIST_NOKEY, wl);
}

static const struct knote_ops vnode_ops = {
    .ko_notify = vnode_notify,
    .ko_closing = evitem_closing,
};

static bool
size_notify(struct knote *kn, uint32_t hint, struct wakelist *wl)
{
	return (hint & SIZE_NOTES) != 0 &&
	       evitem_tell(
		   container_of(kn, struct evitem, ei_note), KLIST_NOKEY, wl);
}

static const struct knote_ops size_ops = {
    .ko_notify = size_notify,
    .ko_closing = evitem_closing,
};

static bool
timer_notify(struct knote *kn, uint32_t hint, struct wakelist *wl)
{
	(void)hint;
	return evitem_tell(
	    container_of(kn, struct evitem, ei_note), KLIST_NOKEY, wl);
}

static const struct knote_ops timer_ops = {.ko_notify = timer_notify};

/*
 * Timers
 */

static void
kqtimer_fire(void *arg, uint64_t n)
{
	struct kqtimer *kt = arg;

	atomic_fetch_add_explicit(
	    &kt->kqt_count, (int64_t)n, memory_order_relaxed);
	klist_notify(&kt->kqt_klist, POLLIN);
}

static void
kqtimer_free(struct smr_item *si)
{
	struct kqtimer *kt = container_of(si, struct kqtimer, kqt_smr);

	kmem_free(kt, sizeof(*kt));
}

/* Set it as the kevent says.  EINVAL; EAGAIN if there is nobody to run it. */
static int
kqtimer_set(struct kqtimer *kt, const struct rump_kevent *kev)
{
	static const int64_t units[] = {1000000, NSEC_PER_SEC, 1000, 1};
	bool absolute = (kev->fflags & RUMP_NOTE_ABSTIME) != 0;
	bool once = absolute || (kev->flags & RUMP_EV_ONESHOT) != 0;
	int64_t ns;

	if ((kev->fflags & ~TIMER_NOTES) != 0 || kev->data < 0)
		return EINVAL;
	if (__builtin_mul_overflow(
		kev->data, units[kev->fflags & TIMER_UNIT], &ns))
		ns = KTIME_MAX;
	(void)ktimer_cancel(&kt->kqt_timer);
	atomic_store_explicit(&kt->kqt_count, 0, memory_order_relaxed);
	if (absolute)
		return ktimer_set(&kt->kqt_timer, KTIMER_REALTIME, ns, 0);
	/* As often as can be told. */
	if (ns == 0)
		ns = 1;
	return ktimer_set(&kt->kqt_timer, KTIMER_MONOTONIC,
	    ktime_add(kern_monotonic(), ns), once ? 0 : ns);
}

static int
kqtimer_attach(struct kqitem *ki, const struct rump_kevent *kev)
{
	struct knote *kn = &ki->ki_item.ei_note;
	struct kqtimer *kt;

	if ((kt = kmem_zalloc(sizeof(*kt))) == NULL)
		return ENOMEM;
	ktimer_init(&kt->kqt_timer, kqtimer_fire, kt);
	ki->ki_timer = kt;
	kn->kn_ops = &timer_ops;
	atomic_store_explicit(&kn->kn_events, POLLIN, memory_order_relaxed);
	knote_attach(&kt->kqt_klist, kn);
	return kqtimer_set(kt, kev);
}

/*
 * Life
 */

void
kqitem_free(struct evitem *ei)
{
	struct kqitem *ki = kqitem_of(ei);

	if (ki->ki_timer != NULL) {
		(void)ktimer_cancel(&ki->ki_timer->kqt_timer);
		smr_retire(&ki->ki_timer->kqt_smr, kqtimer_free);
	}
	kmem_free(ki, sizeof(*ki));
}

/* Is it a regular file or a directory?  Then its size is what it has. */
static bool
file_hassize(struct lwp *l, struct file *fp, struct stat *sb)
{
	return fp->f_vnode != NULL && fp->f_ops->fo_klist == NULL &&
	       fp->f_ops->fo_stat(l, fp, sb) == 0 &&
	       (S_ISREG(sb->st_mode) || S_ISDIR(sb->st_mode));
}

int
filter_allows(struct lwp *l, const struct rump_kevent *kev, struct file *fp)
{
	struct stat sb;

	switch (kev->filter) {
	case RUMP_EVFILT_READ:
	case RUMP_EVFILT_WRITE:
		/* What changes without a word cannot be waited for. */
		return fp->f_ops->fo_klist == NULL && !file_hassize(l, fp, &sb)
			   ? EINVAL
			   : 0;
	case RUMP_EVFILT_VNODE:
		return fp->f_vnode == NULL || (kev->fflags & ~VNODE_NOTES) != 0
			   ? EINVAL
			   : 0;
	case RUMP_EVFILT_PROC:
		return (kev->fflags & ~PROC_NOTES) != 0 ? EINVAL : 0;
	case RUMP_EVFILT_SIGNAL:
		return kev->ident < 1 || kev->ident > NSIGNAL ? EINVAL : 0;
	case RUMP_EVFILT_AIO:
	case RUMP_EVFILT_TIMER:
	case RUMP_EVFILT_USER:
		return 0;
	}
	return EINVAL;
}

int
kqitem_attach(struct lwp *l, struct kqitem *ki, const struct rump_kevent *kev)
{
	struct knote *kn = &ki->ki_item.ei_note;
	struct file *fp = kn->kn_file;
	int error;

	switch (kev->filter) {
	case RUMP_EVFILT_USER:
		return 0;
	case RUMP_EVFILT_TIMER:
		return kqtimer_attach(ki, kev);
	case RUMP_EVFILT_AIO:
		return kqaio_attach(l, ki);
	case RUMP_EVFILT_PROC:
	case RUMP_EVFILT_SIGNAL:
		return kqproc_attach(l, ki);
	case RUMP_EVFILT_VNODE:
		kn->kn_ops = &vnode_ops;
		atomic_store_explicit(
		    &kn->kn_events, kev->fflags, memory_order_relaxed);
		return file_vnodeops.fv_attach(kn);
	}
	if (fp->f_ops->fo_klist == NULL) {
		kn->kn_ops = &size_ops;
		atomic_store_explicit(
		    &kn->kn_events, SIZE_NOTES, memory_order_relaxed);
		return file_vnodeops.fv_attach(kn);
	}
	if ((error = file_listen(l, fp)) != 0)
		return error;
	kn->kn_ops = &file_ops;
	knote_setevents(kn, fp,
	    POLLERR | POLLHUP |
		(kev->filter == RUMP_EVFILT_READ ? READ_EVENTS : WRITE_EVENTS));
	knote_attach(fp->f_ops->fo_klist(fp), kn);
	return 0;
}

int
kqitem_change(struct lwp *l, struct kqitem *ki, const struct rump_kevent *kev)
{
	switch (kev->filter) {
	case RUMP_EVFILT_AIO:
		return kqaio_change(l, ki);
	case RUMP_EVFILT_VNODE:
		atomic_store_explicit(&ki->ki_item.ei_note.kn_events,
		    kev->fflags, memory_order_relaxed);
		break;
	case RUMP_EVFILT_PROC:
		kqproc_change(ki, kev->fflags);
		break;
	case RUMP_EVFILT_TIMER:
		return kqtimer_set(ki->ki_timer, kev);
	}
	return 0;
}

/*
 * Reporting
 */

/* Bytes up to the end, or back to it; there is always room. */
static bool
size_check(struct lwp *l, const struct kqitem *ki, struct rump_kevent *kev)
{
	struct file *fp = ki->ki_item.ei_note.kn_file;
	struct stat sb;

	kev->data = 0;
	if (ki->ki_item.ei_kind == RUMP_EVFILT_WRITE)
		return true;
	if (!file_hassize(l, fp, &sb))
		return false;
	kev->data = sb.st_size - file_peekpos(fp);
	if ((ki->ki_fflags & RUMP_NOTE_LOWAT) != 0)
		return kev->data >= ki->ki_data;
	return kev->data != 0;
}

static bool
file_check(struct lwp *l, const struct kqitem *ki, struct rump_kevent *kev)
{
	bool reads = ki->ki_item.ei_kind == RUMP_EVFILT_READ;
	struct file *fp = ki->ki_item.ei_note.kn_file;
	struct pollsize ps = {0, 0};
	uint32_t events = file_poll(l, fp, &ps);
	bool end = (events & (reads ? POLLHUP | POLLRDHUP : POLLERR)) != 0;

	kev->data = reads ? ps.ps_in : ps.ps_out;
	if (end)
		kev->flags |= RUMP_EV_EOF;
	else if ((ki->ki_fflags & RUMP_NOTE_LOWAT) != 0)
		return kev->data >= ki->ki_data;
	return end || (events & (reads ? READ_EVENTS : WRITE_EVENTS)) != 0;
}

bool
kqitem_check(struct lwp *l, struct kqitem *ki, struct rump_kevent *kev)
{
	uint32_t fired =
	    atomic_load_explicit(&ki->ki_fired, memory_order_acquire);
	int64_t value =
	    atomic_load_explicit(&ki->ki_value, memory_order_relaxed);

	*kev = (struct rump_kevent){
	    .ident = (uintptr_t)ki->ki_item.ei_ident,
	    .filter = ki->ki_item.ei_kind,
	    .flags = ki->ki_flags,
	    .fflags = ki->ki_fflags,
	    .data = ki->ki_data,
	    .udata = ki->ki_udata,
	};
	if (ki->ki_disabled)
		return false;
	switch (ki->ki_item.ei_kind) {
	case RUMP_EVFILT_PROC:
		kev->fflags = fired;
		kev->data = value;
		if ((fired & RUMP_NOTE_EXIT) != 0)
			kev->flags |= RUMP_EV_EOF;
		return fired != 0;
	case RUMP_EVFILT_AIO:
		return kqaio_check(l, ki, &kev->data);
	case RUMP_EVFILT_SIGNAL:
		kev->data = value;
		return value != 0;
	case RUMP_EVFILT_TIMER:
		kev->data = atomic_load_explicit(
		    &ki->ki_timer->kqt_count, memory_order_relaxed);
		return kev->data != 0;
	case RUMP_EVFILT_USER:
		return ki->ki_triggered;
	}
	if (!fd_isfile(
		l, (int)ki->ki_item.ei_ident, ki->ki_item.ei_note.kn_file))
		return false;
	if (ki->ki_item.ei_note.kn_ops == &size_ops)
		return size_check(l, ki, kev);
	if (ki->ki_item.ei_kind != RUMP_EVFILT_VNODE)
		return file_check(l, ki, kev);
	kev->fflags = fired;
	kev->data = 0;
	return fired != 0;
}

void
kqitem_clear(struct kqitem *ki, const struct rump_kevent *kev)
{
	/* What came since it was looked at stays. */
	switch (kev->filter) {
	case RUMP_EVFILT_PROC:
	case RUMP_EVFILT_VNODE:
		atomic_fetch_and_explicit(
		    &ki->ki_fired, ~kev->fflags, memory_order_relaxed);
		break;
	case RUMP_EVFILT_SIGNAL:
		atomic_fetch_sub_explicit(
		    &ki->ki_value, kev->data, memory_order_relaxed);
		break;
	case RUMP_EVFILT_TIMER:
		atomic_fetch_sub_explicit(
		    &ki->ki_timer->kqt_count, kev->data, memory_order_relaxed);
		break;
	case RUMP_EVFILT_USER:
		ki->ki_triggered = false;
		break;
	}
}
