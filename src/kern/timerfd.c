/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * timerfd: a timer that is read.
 *
 * A timer with an interval goes off once, and again only after somebody looked
 * (timerfd_catchup), who works out how often it would have: one that nobody
 * reads costs nothing.  timerfd_wake is where readers learn of it.
 *
 * Those that setting the clock cancels are on a list.  Linux tells of that by
 * the number of the last setting that was seen, and so do we.
 *
 * Locks: cancel_lock, then tf_lock; ktimers under both.  A closed one is
 * retired: its function may be about to look at it.
 */
#include <sys/queue.h>
#include <sys/timerfd.h>

#include "kern/event.h"
#include "kern/ktime.h"
#include "sysproto.h"

/* Letters: (f) tf_lock; (c) cancel_lock too; (s) stable. */
struct timerfd {
	struct kmutex tf_lock;
	struct kcondvar tf_cv;	     /* (f) readers */
	struct klist tf_klist;	     /* who polls it; not (f) */
	struct ktimer tf_timer;	     /* armed under (f) */
	clockid_t tf_id;	     /* (s) */
	enum ktimer_clock tf_clock;  /* (f) it is armed by */
	int64_t tf_when;	     /* (f) when it goes off; 0: never */
	int64_t tf_interval;	     /* (f) */
	uint64_t tf_ticks;	     /* (f) times not yet read */
	bool tf_expired;	     /* (f) gone off since it was armed */
	bool tf_cancels;	     /* (c) on the list */
	uint64_t tf_setting;	     /* (f) last one seen */
	LIST_ENTRY(timerfd) tf_link; /* (c) */
	struct smr_item tf_smr;
};

static struct kmutex cancel_lock;
static LIST_HEAD(, timerfd) cancel_list; /* (cancel_lock) */
static _Atomic uint64_t settings;	 /* written under (cancel_lock) */

static void
timerfd_wake(struct timerfd *tf)
{
	KASSERT(mutex_owned(&tf->tf_lock));
	cv_broadcast(&tf->tf_cv);
	klist_notify(&tf->tf_klist, POLLIN);
}

static void
timerfd_rearm(struct timerfd *tf)
{
	/* There is a thread for it: it was armed before. */
	(void)ktimer_set(&tf->tf_timer, tf->tf_clock, tf->tf_when, 0);
}

/* It has gone off; maybe it was set to another time meanwhile. */
static void
timerfd_fire(void *arg, uint64_t n)
{
	struct timerfd *tf = arg;

	(void)n;
	mutex_enter(&tf->tf_lock);
	if (tf->tf_when != 0 && !tf->tf_expired) {
		if (ktime_now(tf->tf_clock) < tf->tf_when)
			timerfd_rearm(tf);
		else {
			tf->tf_expired = true;
			tf->tf_ticks++;
			timerfd_wake(tf);
		}
	}
	mutex_exit(&tf->tf_lock);
}

/* Count what an interval has added since it went off, and arm it again. */
static void
timerfd_catchup(struct timerfd *tf)
{
	int64_t n, next;

	KASSERT(mutex_owned(&tf->tf_lock));
	if (!tf->tf_expired || tf->tf_interval == 0)
		return;
	n = (ktime_now(tf->tf_clock) - tf->tf_when) / tf->tf_interval;
	if (n < 0)
		n = 0;
	tf->tf_ticks += (uint64_t)n;
	if (__builtin_mul_overflow(n + 1, tf->tf_interval, &next))
		next = KTIME_MAX;
	tf->tf_when = ktime_add(tf->tf_when, next);
	tf->tf_expired = false;
	timerfd_rearm(tf);
}

/* Was the clock set, for one that wants to know?  Says so once. */
static bool
timerfd_cancelled(struct timerfd *tf)
{
	uint64_t now = atomic_load_explicit(&settings, memory_order_relaxed);

	KASSERT(mutex_owned(&tf->tf_lock));
	if (!tf->tf_cancels || tf->tf_setting == now)
		return false;
	tf->tf_setting = now;
	return true;
}

void
timerfd_clock_set(void)
{
	struct timerfd *tf;

	mutex_enter(&cancel_lock);
	atomic_fetch_add_explicit(&settings, 1, memory_order_relaxed);
	LIST_FOREACH (tf, &cancel_list, tf_link) {
		mutex_enter(&tf->tf_lock);
		tf->tf_ticks++;
		timerfd_wake(tf);
		mutex_exit(&tf->tf_lock);
	}
	mutex_exit(&cancel_lock);
}

static void
timerfd_set_cancels(struct timerfd *tf, bool cancels)
{
	KASSERT(mutex_owned(&cancel_lock));
	if (cancels && !tf->tf_cancels)
		LIST_INSERT_HEAD(&cancel_list, tf, tf_link);
	else if (!cancels && tf->tf_cancels)
		LIST_REMOVE(tf, tf_link);
	tf->tf_cancels = cancels;
}

/*
 * The file
 */

/* Wait until there is something to read; what it is. */
static int
timerfd_wait(struct timerfd *tf, bool nowait, uint64_t *ticksp)
{
	int error = 0;

	KASSERT(mutex_owned(&tf->tf_lock));
	while (tf->tf_ticks == 0 && error == 0)
		error = nowait ? EAGAIN : cv_wait_sig(&tf->tf_cv, &tf->tf_lock);
	if (error != 0)
		return error;
	if (timerfd_cancelled(tf)) {
		tf->tf_expired = false;
		error = ECANCELED;
	} else
		timerfd_catchup(tf);
	*ticksp = tf->tf_ticks;
	tf->tf_ticks = 0;
	return error;
}

static int
timerfd_read(struct lwp *l, struct file *fp, off_t *offp, struct uio *uio)
{
	struct timerfd *tf = fp->f_data;
	bool nowait = (file_flags(fp) & O_NONBLOCK) != 0 ||
		      (uio->uio_flags & UIO_NOWAIT) != 0;
	uint64_t ticks;
	int error;

	(void)l, (void)offp;
	if (uio->uio_resid < sizeof(ticks))
		return EINVAL;
	mutex_enter(&tf->tf_lock);
	error = timerfd_wait(tf, nowait, &ticks);
	mutex_exit(&tf->tf_lock);
	return error != 0 ? error : uiomove(&ticks, sizeof(ticks), uio);
}

static uint32_t
timerfd_poll(struct lwp *l, struct file *fp, struct pollsize *ps)
{
	struct timerfd *tf = fp->f_data;
	bool ticked;

	(void)l;
	mutex_enter(&tf->tf_lock);
	ticked = tf->tf_ticks > 0;
	mutex_exit(&tf->tf_lock);
	if (ps != NULL)
		*ps = (struct pollsize){.ps_in = ticked ? 8 : 0};
	return ticked ? POLLIN : 0;
}

static struct klist *
timerfd_klist(struct file *fp)
{
	struct timerfd *tf = fp->f_data;

	return &tf->tf_klist;
}

static int
timerfd_write(struct lwp *l, struct file *fp, off_t *offp, struct uio *uio)
{
	(void)l, (void)fp, (void)offp, (void)uio;
	return EINVAL;
}

static void
timerfd_free(struct smr_item *si)
{
	struct timerfd *tf = container_of(si, struct timerfd, tf_smr);

	kmem_free(tf, sizeof(*tf));
}

static void
timerfd_close(struct file *fp)
{
	struct timerfd *tf = fp->f_data;

	mutex_enter(&cancel_lock);
	mutex_enter(&tf->tf_lock);
	timerfd_set_cancels(tf, false);
	tf->tf_when = 0;
	(void)ktimer_cancel(&tf->tf_timer);
	mutex_exit(&tf->tf_lock);
	mutex_exit(&cancel_lock);
	smr_retire(&tf->tf_smr, timerfd_free);
}

static const struct fileops timerfd_fileops = {
    .fo_name = "timerfd",
    .fo_read = timerfd_read,
    .fo_write = timerfd_write,
    .fo_stat = file_statanon,
    .fo_poll = timerfd_poll,
    .fo_klist = timerfd_klist,
    .fo_close = timerfd_close,
};

/*
 * Calls
 */

int
sys_timerfd_create(struct lwp *l, clockid_t id, int flags, int *retval)
{
	struct timerfd *tf;
	struct file *fp;
	int fd, error;

	if ((flags & ~(TFD_CLOEXEC | TFD_NONBLOCK)) != 0 ||
	    (id != CLOCK_MONOTONIC && id != CLOCK_REALTIME &&
		id != CLOCK_BOOTTIME))
		return EINVAL;
	if ((tf = kmem_zalloc(sizeof(*tf))) == NULL)
		return ENOMEM;
	tf->tf_id = id;
	tf->tf_setting = atomic_load_explicit(&settings, memory_order_relaxed);
	ktimer_init(&tf->tf_timer, timerfd_fire, tf);
	if ((error = file_alloc(l, &fp)) != 0)
		goto fail;
	if ((error = fd_alloc(l, 0, &fd)) != 0) {
		file_abort(fp);
		goto fail;
	}
	fp->f_data = tf;
	fp->f_ops = &timerfd_fileops;
	atomic_store_explicit(&fp->f_flags,
	    O_RDWR | (uint32_t)(flags & TFD_NONBLOCK), memory_order_relaxed);
	fd_affix(l, fd, fp, (flags & TFD_CLOEXEC) != 0);
	*retval = fd;
	return 0;

fail:
	kmem_free(tf, sizeof(*tf));
	return error;
}

/* How it is set now. */
static struct itimerspec
timerfd_setting(struct timerfd *tf)
{
	KASSERT(mutex_owned(&tf->tf_lock));
	timerfd_catchup(tf);
	return (struct itimerspec){
	    .it_value =
		ktime_timespec(tf->tf_expired ? 0 : ktimer_left(&tf->tf_timer)),
	    .it_interval = ktime_timespec(tf->tf_interval)};
}

/* Set it to what is checked; both locks are held. */
static int
timerfd_arm(struct timerfd *tf, int flags, int64_t value, int64_t interval)
{
	bool absolute = (flags & TFD_TIMER_ABSTIME) != 0;
	bool realtime = absolute && tf->tf_id == CLOCK_REALTIME;
	int error;

	KASSERT(mutex_owned(&tf->tf_lock));
	timerfd_set_cancels(
	    tf, realtime && (flags & TFD_TIMER_CANCEL_ON_SET) != 0);
	tf->tf_clock = realtime ? KTIMER_REALTIME : KTIMER_MONOTONIC;
	tf->tf_interval = interval;
	tf->tf_expired = false;
	tf->tf_ticks = 0;
	tf->tf_when = value;
	(void)ktimer_cancel(&tf->tf_timer);
	if (value == 0)
		return 0;
	if (!absolute)
		tf->tf_when = ktime_add(kern_monotonic(), value);
	error = ktimer_set(&tf->tf_timer, tf->tf_clock, tf->tf_when, 0);
	if (error != 0)
		tf->tf_when = 0;
	else if (timerfd_cancelled(tf))
		error = ECANCELED;
	return error;
}

/* The file behind fd as a timer, on loan.  EBADF, EINVAL. */
static int
timerfd_get(struct lwp *l, int fd, struct file **fpp)
{
	int error = fd_getopen(l, fd, fpp);

	if (error == 0 && (*fpp)->f_ops != &timerfd_fileops) {
		fd_putfile(l, *fpp);
		error = EINVAL;
	}
	return error;
}

int
sys_timerfd_settime(struct lwp *l, int fd, int flags,
    const struct itimerspec *unew, struct itimerspec *uold)
{
	struct itimerspec its;
	struct timerfd *tf;
	struct file *fp;
	int64_t value, interval;
	int error;

	if ((error = copyin(unew, &its, sizeof(its))) != 0)
		return error;
	if ((flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) != 0 ||
	    ktime_from_itimerspec(&its, &value, &interval) != 0)
		return EINVAL;
	if ((error = timerfd_get(l, fd, &fp)) != 0)
		return error;
	tf = fp->f_data;
	mutex_enter(&cancel_lock);
	mutex_enter(&tf->tf_lock);
	its = timerfd_setting(tf);
	error = timerfd_arm(tf, flags, value, interval);
	mutex_exit(&tf->tf_lock);
	mutex_exit(&cancel_lock);
	fd_putfile(l, fp);
	if (error == 0 && uold != NULL)
		error = copyout(&its, uold, sizeof(its));
	return error;
}

int
sys_timerfd_gettime(struct lwp *l, int fd, struct itimerspec *ucur)
{
	struct itimerspec its;
	struct timerfd *tf;
	struct file *fp;
	int error;

	if ((error = timerfd_get(l, fd, &fp)) != 0)
		return error;
	tf = fp->f_data;
	mutex_enter(&tf->tf_lock);
	its = timerfd_setting(tf);
	mutex_exit(&tf->tf_lock);
	fd_putfile(l, fp);
	return copyout(&its, ucur, sizeof(its));
}
