/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * poll, select and their kin.
 *
 * A scan looks at one file after another, each lent for that moment only.  If
 * nothing is true of any, the caller gets a struct pollwait: a knote and a
 * reference for each file.  It scans again and sleeps, and so on.  Descriptors
 * are looked up in each scan, as on Linux: one that is closed meanwhile shows
 * POLLNVAL when something else wakes the caller.
 *
 * A pollwait is its context's (kc_pollwait) while there is one, so that the
 * child of a fork can take apart those of host threads that it does not have.
 */
#include "kern/event.h"
#include "kern/fdtab.h"
#include "kern/kern.h"
#include "kern/signal.h"
#include "sysproto.h"

/* Descriptors that a call has room for on its stack. */
#define POLL_FEW 32

struct pollwait;

struct pollnote {
	struct knote pn_note;
	struct pollwait *pn_wait;
};

/* Letters: (w) pw_lock; the rest is the lwp's. */
struct pollwait {
	struct kmutex pw_lock;
	struct kcondvar pw_cv; /* (w) */
	bool pw_told;	       /* (w) something may have changed */
	uint32_t pw_size;      /* of pw_notes */
	uint32_t pw_count;     /* of them that hang */
	struct pollnote pw_notes[];
};

/*
 * Waiting
 */

static bool
poll_notify(struct knote *kn, uint32_t hint, struct wakelist *wl)
{
	struct pollwait *pw =
	    container_of(kn, struct pollnote, pn_note)->pn_wait;

	(void)hint;
	mutex_enter(&pw->pw_lock);
	pw->pw_told = true;
	wakelist_add(wl, cv_take(&pw->pw_cv));
	mutex_exit(&pw->pw_lock);
	return true;
}

static const struct knote_ops poll_ops = {.ko_notify = poll_notify};

static struct pollwait *
pollwait_alloc(uint32_t n)
{
	struct pollwait *pw =
	    kmem_alloc(sizeof(*pw) + n * sizeof(pw->pw_notes[0]));

	if (pw == NULL)
		return NULL;
	memset(pw, 0, sizeof(*pw));
	pw->pw_size = n;
	return pw;
}

static void
pollwait_free(struct pollwait *pw)
{
	uint32_t i;

	for (i = 0; i < pw->pw_count; i++) {
		(void)knote_detach(&pw->pw_notes[i].pn_note);
		file_rele(pw->pw_notes[i].pn_note.kn_file);
	}
	kmem_free(pw, sizeof(*pw) + pw->pw_size * sizeof(pw->pw_notes[0]));
}

/* Hang a knote on a file, whose reference it takes over.  ENOMEM. */
static int
pollwait_add(
    struct lwp *l, struct pollwait *pw, struct file *fp, uint32_t events)
{
	struct pollnote *pn;
	int error;

	if ((error = file_listen(l, fp)) != 0) {
		file_rele(fp);
		return error;
	}
	pn = &pw->pw_notes[pw->pw_count++];
	memset(pn, 0, sizeof(*pn));
	pn->pn_wait = pw;
	pn->pn_note.kn_file = fp;
	pn->pn_note.kn_ops = &poll_ops;
	knote_setevents(&pn->pn_note, fp, events | POLLERR | POLLHUP);
	knote_attach(fp->f_ops->fo_klist(fp), &pn->pn_note);
	return 0;
}

/* Hang one on what each descriptor names, if that can change.  ENOMEM. */
static int
pollwait_attach(
    struct lwp *l, struct pollwait *pw, const struct pollfd *fds, uint32_t n)
{
	struct file *fp;
	uint32_t i;
	int error;

	for (i = 0; i < n; i++) {
		if (fds[i].fd < 0 || fd_getref(l, fds[i].fd, &fp) != 0)
			continue;
		if (fp->f_ops->fo_klist == NULL) {
			file_rele(fp);
			continue;
		}
		error = pollwait_add(l, pw, fp, (uint16_t)fds[i].events);
		if (error != 0)
			return error;
	}
	return 0;
}

static int
pollwait_sleep(struct pollwait *pw, int64_t deadline)
{
	int error = 0;

	mutex_enter(&pw->pw_lock);
	while (!pw->pw_told && error == 0)
		error = cv_timedwait_sig(&pw->pw_cv, &pw->pw_lock, deadline);
	if (pw->pw_told)
		error = 0;
	pw->pw_told = false;
	mutex_exit(&pw->pw_lock);
	if (error == EINTR)
		signal_restart_until(deadline);
	return error;
}

void
poll_abandon(struct lwp *l)
{
	struct kcontext *kc =
	    atomic_load_explicit(&l->l_ctx, memory_order_relaxed);
	struct pollwait *pw = kc->kc_pollwait;

	kc->kc_pollwait = NULL;
	if (pw != NULL)
		pollwait_free(pw);
}

/*
 * Looking
 */

static inline uint32_t
poll_one(struct lwp *l, const struct pollfd *pfd)
{
	struct file *fp;
	uint32_t events;

	if (fd_getopen(l, pfd->fd, &fp) != 0)
		return POLLNVAL;
	events = file_poll(l, fp, NULL) &
		 ((uint16_t)pfd->events | POLLERR | POLLHUP);
	fd_putfile(l, fp);
	return events;
}

/* Set revents; how many are not zero. */
static int
poll_scan(struct lwp *l, struct pollfd *fds, uint32_t n)
{
	int found = 0;
	uint32_t i;

	for (i = 0; i < n; i++) {
		fds[i].revents =
		    fds[i].fd < 0 ? 0 : (short)poll_one(l, &fds[i]);
		found += fds[i].revents != 0;
	}
	return found;
}

/* Nothing was found: wait until something is, or for the deadline. */
static int
poll_wait(struct lwp *l, struct pollfd *fds, uint32_t n, int64_t deadline,
    int *foundp)
{
	struct pollwait *pw;
	int error;

	if ((pw = pollwait_alloc(n)) == NULL)
		return ENOMEM;
	curctx()->kc_pollwait = pw;
	error = pollwait_attach(l, pw, fds, n);
	while ((*foundp = poll_scan(l, fds, n)) == 0 && error == 0)
		error = pollwait_sleep(pw, deadline);
	curctx()->kc_pollwait = NULL;
	pollwait_free(pw);
	return *foundp > 0 || error == ETIMEDOUT ? 0 : error;
}

int
poll_files(struct lwp *l, struct pollfd *fds, uint32_t n, int64_t deadline,
    int *foundp)
{
	*foundp = poll_scan(l, fds, n);
	if (*foundp > 0)
		return 0;
	if (deadline == 0)
		return signal_maskpoll(l);
	return poll_wait(l, fds, n, deadline, foundp);
}

int
file_await(struct lwp *l, struct file *fp, uint32_t events)
{
	struct pollwait *pw;
	int error;

	events |= POLLERR | POLLHUP;
	if ((file_poll(l, fp, NULL) & events) != 0)
		return 0;
	if ((pw = pollwait_alloc(1)) == NULL)
		return ENOMEM;
	curctx()->kc_pollwait = pw;
	file_hold(fp);
	error = pollwait_add(l, pw, fp, events);
	while ((file_poll(l, fp, NULL) & events) == 0 && error == 0)
		error = pollwait_sleep(pw, HYPER_FOREVER);
	curctx()->kc_pollwait = NULL;
	pollwait_free(pw);
	return error;
}

/*
 * poll
 */

static int
poll_user(struct lwp *l, struct pollfd *ufds, unsigned long n, int64_t deadline,
    int *retval)
{
	struct pollfd few[POLL_FEW], *fds = few;
	unsigned long i;
	int error;

	if (n > proc_limit(l->l_proc, RLIMIT_NOFILE) || n > FD_MAX)
		return EINVAL;
	if (n > nitems(few) && (fds = kmem_alloc(n * sizeof(*fds))) == NULL)
		return ENOMEM;
	if (n > 0 && (error = copyin(ufds, fds, n * sizeof(*fds))) != 0)
		goto out;
	error = poll_files(l, fds, (uint32_t)n, deadline, retval);
	for (i = 0; i < n && error == 0; i++)
		error = copyout(
		    &fds[i].revents, &ufds[i].revents, sizeof(fds[i].revents));
out:
	if (fds != few)
		kmem_free(fds, n * sizeof(*fds));
	return error;
}

int
sys_poll(struct lwp *l, struct pollfd *ufds, unsigned long n, int timeout,
    int *retval)
{
	return poll_user(l, ufds, n, deadline_after_ms(timeout), retval);
}

int
sys_ppoll(struct lwp *l, struct pollfd *ufds, unsigned long n,
    const struct timespec *uts, const sigset_t *umask, int *retval)
{
	int64_t deadline;
	int error;

	if ((error = copyin_deadline(uts, &deadline)) != 0 ||
	    (error = signal_maskwait(l, umask)) != 0)
		return error;
	error = poll_user(l, ufds, n, deadline, retval);
	signal_unmaskwait(l, error);
	return error;
}

int
sys_pollts(struct lwp *l, struct pollfd *ufds, unsigned long n,
    const struct timespec *uts, const sigset_t *umask, int *retval)
{
	return sys_ppoll(l, ufds, n, uts, umask, retval);
}
