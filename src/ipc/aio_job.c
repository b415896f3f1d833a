/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests of asynchronous input and output; see aio.h.
 */
#include "ipc/aio.h"

#include "kern/kqproc.h"
#include "kern/signal.h"
#include "kern/sigthread.h"
#include "kern/timer.h"
#include "sysproto.h"

/*
 * Ends
 */

void
aio_group_rele(struct aiogroup *ag, struct aiotell **tells)
{
	if (--ag->ag_left > 0)
		return;
	if (ag->ag_tell != NULL) {
		ag->ag_tell->at_next = *tells;
		*tells = ag->ag_tell;
	}
	kmem_free(ag, sizeof(*ag));
}

void
aio_end(struct aiojob *aj, int error, ssize_t result, struct aiotell **tells)
{
	struct aioproc *aa = aj->aj_owner;

	KASSERT(mutex_owned(&aa->aa_lock) && aj->aj_error == EINPROGRESS);
	if (aj->aj_attached)
		(void)knote_detach(&aj->aj_note);
	aj->aj_attached = false;
	TAILQ_REMOVE(&aa->aa_pending, aj, aj_link);
	if (aj->aj_room != 0 && aj->aj_op == LIO_READ && result > 0) {
		aj->aj_kept = true;
		TAILQ_INSERT_TAIL(&aa->aa_kept, aj, aj_link);
	} else
		aio_roomfree(aj);
	aj->aj_error = error;
	aj->aj_result = result;
	aj->aj_tell->at_fp = aj->aj_fp;
	aj->aj_fp = NULL;
	aj->aj_tell->at_next = *tells;
	*tells = aj->aj_tell;
	aj->aj_tell = NULL;
	if (aj->aj_group != NULL) {
		aj->aj_group->ag_failed |= error != 0;
		aio_group_rele(aj->aj_group, tells);
		aj->aj_group = NULL;
	}
	aa->aa_serial++;
	cv_broadcast(&aa->aa_cv);
	kqproc_aio(aa->aa_proc);
}

void
aio_tell(const struct procid *who, struct aiotell *tells)
{
	siginfo_t info = {.si_code = SI_ASYNCIO};
	struct aiotell *at;
	struct procid id;

	while ((at = tells) != NULL) {
		tells = at->at_next;
		if (at->at_fp != NULL)
			file_rele(at->at_fp);
		if (at->at_signo != 0 && proc_id(who->id_pid, &id) == 0 &&
		    id.id_serial == who->id_serial) {
			info.si_signo = at->at_signo;
			info.si_value = at->at_value;
			info.si_pid = who->id_pid;
			signal_info(who->id_pid, &info);
		}
		if (at->at_fn != NULL)
			sigthread_call(who, at->at_fn, at->at_value);
		kmem_free(at, sizeof(*at));
	}
}

/*
 * Trying
 */

/* Can it be waited for? */
static bool
job_canwait(const struct aiojob *aj)
{
	return aj->aj_fp->f_ops->fo_klist != NULL;
}

/* Move what can be moved now.  EAGAIN: not all that is to be. */
static int
job_transfer(struct lwp *l, struct aiojob *aj)
{
	struct file *fp = aj->aj_fp;
	off_t off = aj->aj_off,
	      *offp = fp->f_ops->fo_seek != NULL ? &off : NULL;
	struct iovec iov = {aj->aj_buf + aj->aj_done, aj->aj_len - aj->aj_done};
	struct uio uio = {
	    .uio_iov = &iov,
	    .uio_iovcnt = 1,
	    .uio_rw = aj->aj_op == LIO_READ ? UIO_READ : UIO_WRITE,
	    .uio_resid = iov.iov_len,
	    .uio_flags = UIO_NOSIGNAL | (job_canwait(aj) ? UIO_NOWAIT : 0),
	};
	bool reads = aj->aj_op == LIO_READ;
	int error;

	error = (reads ? fp->f_ops->fo_read : fp->f_ops->fo_write)(
	    l, fp, offp, &uio);
	aj->aj_done = aj->aj_len - uio.uio_resid;
	if ((file_flags(fp) & O_NONBLOCK) != 0 || !job_canwait(aj))
		return aj->aj_done > 0 ? 0 : error;
	/* Writes go on until all of it is written, unless they fail. */
	if (!reads && error == 0 && uio.uio_resid > 0)
		return EAGAIN;
	if (error == EAGAIN && (!reads || aj->aj_done == 0))
		return EAGAIN;
	return aj->aj_done > 0 ? 0 : error;
}

/* What is wrong with it, as the host finds out when it does it. */
static int
job_check(const struct aiojob *aj)
{
	const struct file *fp = aj->aj_fp;

	if (!(aj->aj_op == LIO_READ ? file_readable(fp) : file_writable(fp)))
		return EBADF;
	if (fp->f_ops->fo_seek != NULL &&
	    (aj->aj_off < 0 || aj->aj_asked > (size_t)(INT64_MAX - aj->aj_off)))
		return EINVAL;
	return useraddr_inrange(aj->aj_user, aj->aj_asked) ? 0 : EFAULT;
}

/*
 * Try one that nobody else tries, and end it unless it is to go on.  aa_lock
 * is held, but not while it is tried.
 */
static void
job_try(struct lwp *l, struct aiojob *aj, struct aiotell **tells)
{
	struct aioproc *aa = aj->aj_owner;
	int error;

	KASSERT(mutex_owned(&aa->aa_lock) && !aj->aj_busy);
	aj->aj_busy = true;
	mutex_exit(&aa->aa_lock);
	/* Acquire pairs with the release in aio_notify: before the look. */
	(void)atomic_exchange_explicit(
	    &aj->aj_told, false, memory_order_acq_rel);
	error = job_transfer(l, aj);
	mutex_enter(&aa->aa_lock);
	aj->aj_busy = false;
	if (error == EAGAIN && job_canwait(aj) &&
	    (file_flags(aj->aj_fp) & O_NONBLOCK) == 0 && !aa->aa_dead)
		return;
	aio_end(aj, error, error != 0 ? -1 : (ssize_t)aj->aj_done, tells);
}

/* Is there one that comes first, for the same file and direction? */
static bool
job_isfirst(struct aiojob *aj)
{
	struct aiojob *other;

	TAILQ_FOREACH (other, &aj->aj_owner->aa_pending, aj_link) {
		if (other == aj)
			break;
		if (other->aj_fp == aj->aj_fp && other->aj_op == aj->aj_op)
			return false;
	}
	return true;
}

/* One that is to be tried, or NULL. */
static struct aiojob *
job_next(struct aioproc *aa)
{
	struct aiojob *aj;

	KASSERT(mutex_owned(&aa->aa_lock));
	TAILQ_FOREACH (aj, &aa->aa_pending, aj_link)
		if (!aj->aj_busy && aj->aj_attached &&
		    atomic_load_explicit(&aj->aj_told, memory_order_acquire) &&
		    job_isfirst(aj))
			break;
	return aj;
}

/*
 * Being told
 */

void
aio_kick(struct aioproc *aa)
{
	/* There is somebody to call it since aio_get. */
	(void)ktimer_set(&aa->aa_timer, KTIMER_MONOTONIC, 0, 0);
}

/* The function of aa_timer: without an lwp, in a section. */
static void
aio_run(void *arg, uint64_t n)
{
	struct aioproc *aa = arg;
	struct procid who = aa->aa_id;
	struct aiotell *tells = NULL;
	/* Of the process, for what is done for it, and in no list. */
	struct lwp l = {.l_proc = aa->aa_proc};
	struct lwp *was = curlwp();
	struct aiojob *aj;

	(void)n;
	setcurlwp(&l);
	mutex_enter(&aa->aa_lock);
	while (!aa->aa_dead && (aj = job_next(aa)) != NULL)
		job_try(&l, aj, &tells);
	mutex_exit(&aa->aa_lock);
	setcurlwp(was);
	aio_tell(&who, tells);
}

/* kl_lock is held. */
static bool
aio_notify(struct knote *kn, uint32_t hint, struct wakelist *wl)
{
	struct aiojob *aj = container_of(kn, struct aiojob, aj_note);

	(void)hint, (void)wl;
	/* Release pairs with the acquire in job_next. */
	if (!atomic_exchange_explicit(&aj->aj_told, true, memory_order_acq_rel))
		aio_kick(aj->aj_owner);
	return true;
}

static const struct knote_ops aio_ops = {.ko_notify = aio_notify};

/* It goes on: hang its knote.  aa_lock is held. */
static void
job_wait(struct aiojob *aj)
{
	aj->aj_note.kn_file = aj->aj_fp;
	aj->aj_note.kn_ops = &aio_ops;
	knote_setevents(&aj->aj_note, aj->aj_fp,
	    (aj->aj_op == LIO_READ ? POLLIN : POLLOUT) | POLLERR | POLLHUP);
	knote_attach(aj->aj_fp->f_ops->fo_klist(aj->aj_fp), &aj->aj_note);
	aj->aj_attached = true;
	/* It may have become ready before: it is tried once more. */
	atomic_store_explicit(&aj->aj_told, true, memory_order_release);
	aio_kick(aj->aj_owner);
}

void
aio_start(struct lwp *l, struct aiojob *aj, const struct aiofar *far)
{
	struct aioproc *aa = aj->aj_owner;
	struct aiotell *tells = NULL;
	int error;

	/* Nobody else knows it so far but by its name. */
	if (aj->aj_op < AIO_FSYNC && aj->aj_off < 0)
		error = EINVAL;
	else if (aj->aj_op == AIO_FSYNC)
		error = sys_fsync(l, aj->aj_fd);
	else if (aj->aj_op == AIO_FDATASYNC)
		error = sys_fdatasync(l, aj->aj_fd);
	else if ((error = fd_getref(l, aj->aj_fd, &aj->aj_fp)) == 0 &&
		 (error = job_check(aj)) == 0 &&
		 (far == NULL || (error = aio_roommake(aj, far)) == 0) &&
		 job_canwait(aj))
		error = file_listen(l, aj->aj_fp);
	mutex_enter(&aa->aa_lock);
	aj->aj_busy = false;
	if (error != 0 || aj->aj_op >= AIO_FSYNC)
		aio_end(aj, error, error != 0 ? -1 : 0, &tells);
	else {
		if (job_isfirst(aj))
			job_try(l, aj, &tells);
		if (aj->aj_tell != NULL)
			job_wait(aj);
	}
	mutex_exit(&aa->aa_lock);
	aio_tell(&aa->aa_id, tells);
}

/*
 * Life
 */

static void
aio_free(struct smr_item *si)
{
	struct aioproc *aa = container_of(si, struct aioproc, aa_smr);

	kmem_free(aa, sizeof(*aa));
}

int
aio_get(struct proc *p, struct aioproc **aap)
{
	struct procipc *pc;
	struct aioproc *aa;
	int error;

	if ((error = procipc_get(p, &pc)) != 0)
		return error;
	mutex_enter(&pc->pc_lock);
	*aap = aa = pc->pc_aio;
	if (aa == NULL && (aa = kmem_zalloc(sizeof(*aa))) == NULL)
		error = ENOMEM;
	else if (*aap == NULL) {
		aa->aa_proc = p;
		aa->aa_id = (struct procid){proc_pid(p), p->p_serial};
		TAILQ_INIT(&aa->aa_pending);
		TAILQ_INIT(&aa->aa_kept);
		ktimer_init(&aa->aa_timer, aio_run, aa);
		/* For good: so that somebody calls it whenever it is kicked. */
		error =
		    ktimer_set(&aa->aa_timer, KTIMER_MONOTONIC, KTIME_MAX, 0);
		if (error != 0)
			kmem_free(aa, sizeof(*aa));
		else
			*aap = pc->pc_aio = aa;
	}
	mutex_exit(&pc->pc_lock);
	return error;
}

/* Whoever tries one ends, without a wait for anything. */
static void
aio_drain(struct aioproc *aa)
{
	struct hostthread *ht = curht();
	struct aiojob *aj;

	KASSERT(mutex_owned(&aa->aa_lock));
	for (;;) {
		TAILQ_FOREACH (aj, &aa->aa_pending, aj_link)
			if (aj->aj_busy)
				break;
		if (aj == NULL)
			return;
		mutex_exit(&aa->aa_lock);
		smr_exit(ht);
		hyper_yield();
		smr_enter(ht);
		mutex_enter(&aa->aa_lock);
	}
}

void
aio_exit(struct aioproc *aa)
{
	struct aiotell *tells = NULL, *at;
	struct aiogroup *ag;
	struct aiojob *aj;
	unsigned i;

	mutex_enter(&aa->aa_lock);
	aa->aa_dead = true;
	aio_drain(aa);
	while ((aj = TAILQ_FIRST(&aa->aa_pending)) != NULL)
		aio_end(aj, ECANCELED, -1, &tells);
	while ((ag = LIST_FIRST(&aa->aa_groups)) != NULL) {
		LIST_REMOVE(ag, ag_link);
		aio_group_rele(ag, &tells);
	}
	for (i = 0; i < AIO_BUCKETS; i++)
		while ((aj = LIST_FIRST(&aa->aa_jobs[i])) != NULL)
			aio_forget(aa, aj);
	mutex_exit(&aa->aa_lock);
	for (at = tells; at != NULL; at = at->at_next) {
		at->at_signo = 0;
		at->at_fn = NULL;
	}
	aio_tell(&aa->aa_id, tells);
	(void)ktimer_cancel(&aa->aa_timer);
	smr_retire(&aa->aa_smr, aio_free);
}
