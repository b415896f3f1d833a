/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Knotes and the lists that they hang on; see event.h.
 */
#include "kern/event.h"

#include <signal.h>
#include <time.h>

#include "kern/ktime.h"

#define NSEC_PER_MSEC INT64_C(1000000)

/*
 * Who is to be woken
 */

void
wakelist_add(struct wakelist *wl, struct lwp *l)
{
	if (l == NULL)
		return;
	if (wl->wl_count < nitems(wl->wl_lwps))
		wl->wl_lwps[wl->wl_count++] = l;
	else
		cv_wake(l);
}

void
wakelist_wake(struct wakelist *wl)
{
	unsigned i;

	for (i = 0; i < wl->wl_count; i++)
		cv_wake(wl->wl_lwps[i]);
}

/*
 * Lists
 */

static bool
knote_tell(struct knote *kn, uint32_t hint, struct wakelist *wl)
{
	uint32_t events =
	    atomic_load_explicit(&kn->kn_events, memory_order_relaxed);

	return (events & hint) != 0 && kn->kn_ops->ko_notify(kn, hint, wl);
}

void
klist_tell(struct klist *kl, uint32_t hint, struct wakelist *wl)
{
	struct knote *kn;

	mutex_enter(&kl->kl_lock);
	LIST_FOREACH (kn, &kl->kl_notes, kn_link)
		(void)knote_tell(kn, hint, wl);
	LIST_FOREACH (kn, &kl->kl_single, kn_link)
		if (knote_tell(kn, hint, wl) && hint != KLIST_ALL)
			break;
	mutex_exit(&kl->kl_lock);
}

void
klist_notify_slow(struct klist *kl, uint32_t hint)
{
	struct wakelist wl = {.wl_count = 0};

	klist_tell(kl, hint, &wl);
	wakelist_wake(&wl);
}

static void
knote_remove(struct klist *kl, struct knote *kn)
{
	KASSERT(mutex_owned(&kl->kl_lock));
	LIST_REMOVE(kn, kn_link);
	kn->kn_attached = false;
	atomic_fetch_sub_explicit(
	    &kl->kl_count, KLIST_ONE, memory_order_relaxed);
}

void
knote_attach(struct klist *kl, struct knote *kn)
{
	uint32_t n;

	kn->kn_list = kl;
	mutex_enter(&kl->kl_lock);
	if (kn->kn_single)
		LIST_INSERT_HEAD(&kl->kl_single, kn, kn_link);
	else
		LIST_INSERT_HEAD(&kl->kl_notes, kn, kn_link);
	kn->kn_attached = true;
	n = atomic_load_explicit(&kl->kl_count, memory_order_relaxed);
	atomic_store_explicit(
	    &kl->kl_count, (n + KLIST_ONE) | KLIST_USED, memory_order_relaxed);
	mutex_exit(&kl->kl_lock);
}

bool
knote_detach(struct knote *kn)
{
	struct klist *kl = kn->kn_list;
	bool attached;

	mutex_enter(&kl->kl_lock);
	attached = kn->kn_attached;
	if (attached)
		knote_remove(kl, kn);
	mutex_exit(&kl->kl_lock);
	return attached;
}

void
klist_clear(struct klist *kl)
{
	struct knote *kn;

	mutex_enter(&kl->kl_lock);
	while ((kn = LIST_FIRST(&kl->kl_notes)) != NULL)
		knote_remove(kl, kn);
	atomic_store_explicit(&kl->kl_count, 0, memory_order_relaxed);
	mutex_exit(&kl->kl_lock);
}

static struct knote *
klist_find(struct klist *kl, const struct file *fp)
{
	struct knote *kn;

	LIST_FOREACH (kn, &kl->kl_notes, kn_link)
		if (kn->kn_file == fp)
			return kn;
	LIST_FOREACH (kn, &kl->kl_single, kn_link)
		if (kn->kn_file == fp)
			return kn;
	return NULL;
}

void
klist_closing_slow(struct klist *kl, struct file *fp)
{
	struct knote *kn;

	do {
		mutex_enter(&kl->kl_lock);
		if ((kn = klist_find(kl, fp)) != NULL)
			knote_remove(kl, kn);
		mutex_exit(&kl->kl_lock);
		if (kn != NULL)
			kn->kn_ops->ko_closing(kn);
	} while (kn != NULL);
}

void
knote_setevents(struct knote *kn, const struct file *fp, uint32_t events)
{
	/* The two ends of a pipe have one list. */
	if (!file_readable(fp))
		events &= ~(uint32_t)(POLLIN | POLLRDNORM | POLLRDBAND);
	if (!file_writable(fp))
		events &= ~(uint32_t)(POLLOUT | POLLWRNORM | POLLWRBAND);
	atomic_store_explicit(&kn->kn_events, events, memory_order_relaxed);
}

/*
 * Arguments that the waiting calls have in common
 */

int
deadline_after(const struct timespec *ts, int64_t *deadlinep)
{
	int64_t now, ns;

	if (ts->tv_sec < 0 || ts->tv_nsec < 0 || ts->tv_nsec >= NSEC_PER_SEC)
		return EINVAL;
	if (__builtin_mul_overflow(ts->tv_sec, NSEC_PER_SEC, &ns) ||
	    __builtin_add_overflow(ns, ts->tv_nsec, &ns))
		*deadlinep = HYPER_FOREVER;
	else if (ns == 0)
		*deadlinep = 0;
	else {
		now = kern_monotonic();
		if (__builtin_add_overflow(now, ns, deadlinep))
			*deadlinep = HYPER_FOREVER;
	}
	return 0;
}

int64_t
deadline_after_ms(int ms)
{
	if (ms <= 0)
		return ms == 0 ? 0 : HYPER_FOREVER;
	return kern_monotonic() + ms * NSEC_PER_MSEC;
}

int
copyin_deadline(const struct timespec *uts, int64_t *deadlinep)
{
	struct timespec ts;
	int error;

	*deadlinep = HYPER_FOREVER;
	if (uts == NULL)
		return 0;
	if ((error = copyin(uts, &ts, sizeof(ts))) != 0)
		return error;
	return deadline_after(&ts, deadlinep);
}
