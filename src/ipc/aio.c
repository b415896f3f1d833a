/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asynchronous input and output of POSIX: the calls; see aio.h.
 *
 * As on the host, what is wrong with a request is found out when it is done,
 * and is its result.
 */
#include "ipc/aio.h"

#include "kern/signal.h"
#include "kern/sigthread.h"
#include "sysproto.h"

/* AIO_PRIO_DELTA_MAX of the host; priorities mean nothing. */
#define AIO_PRIO 20

/*
 * Requests by name
 */

static unsigned
name_bucket(const struct aiocb *cb)
{
	return (unsigned)((uintptr_t)cb / sizeof(*cb)) % AIO_BUCKETS;
}

struct aiojob *
aio_find(struct aioproc *aa, const struct aiocb *cb)
{
	struct aiojob *aj;

	KASSERT(mutex_owned(&aa->aa_lock));
	LIST_FOREACH (aj, &aa->aa_jobs[name_bucket(cb)], aj_hash)
		if (aj->aj_cb == cb)
			break;
	return aj;
}

void
aio_forget(struct aioproc *aa, struct aiojob *aj)
{
	KASSERT(mutex_owned(&aa->aa_lock) && aj->aj_tell == NULL);
	LIST_REMOVE(aj, aj_hash);
	if (aj->aj_kept)
		TAILQ_REMOVE(&aa->aa_kept, aj, aj_link);
	aio_roomfree(aj);
	aa->aa_count--;
	kmem_free(aj, sizeof(*aj));
}

int
aio_add(struct aioproc *aa, const struct aiocb *cb, struct aiojob **ajp)
{
	struct aiojob *aj = kmem_zalloc(sizeof(*aj)), *old;
	int error = 0;

	if (aj == NULL ||
	    (aj->aj_tell = kmem_zalloc(sizeof(*aj->aj_tell))) == NULL) {
		if (aj != NULL)
			kmem_free(aj, sizeof(*aj));
		return ENOMEM;
	}
	aj->aj_owner = aa;
	aj->aj_cb = cb;
	aj->aj_error = EINPROGRESS;
	/* Until aio_start is done with it. */
	aj->aj_busy = true;
	mutex_enter(&aa->aa_lock);
	if ((old = aio_find(aa, cb)) != NULL && old->aj_tell != NULL)
		error = EINVAL;
	else {
		if (old != NULL)
			aio_forget(aa, old);
		if (aa->aa_count >= AIO_MOST)
			error = EAGAIN;
	}
	if (error == 0) {
		LIST_INSERT_HEAD(&aa->aa_jobs[name_bucket(cb)], aj, aj_hash);
		TAILQ_INSERT_TAIL(&aa->aa_pending, aj, aj_link);
		aa->aa_count++;
	}
	mutex_exit(&aa->aa_lock);
	if (error != 0) {
		kmem_free(aj->aj_tell, sizeof(*aj->aj_tell));
		kmem_free(aj, sizeof(*aj));
	}
	*ajp = aj;
	return error;
}

/*
 * Making them
 */

/* What is wrong with a request as such. */
static int
submit_check(const struct aiocb *cb, int op, bool listed)
{
	if (listed && op != LIO_READ && op != LIO_WRITE)
		return EINVAL;
	return cb->aio_reqprio < 0 || cb->aio_reqprio > AIO_PRIO ? EINVAL : 0;
}

int
aio_submit(struct lwp *l, const struct aiocb *cb, const struct aiocb *name,
    int op, struct aiogroup *ag, const struct aiofar *far)
{
	struct aioproc *aa;
	struct aiojob *aj;
	bool cloexec;
	int signo, error;

	/* This alone the host finds out at once. */
	if (op >= AIO_FSYNC &&
	    (error = fd_getcloexec(l, cb->aio_fildes, &cloexec)) != 0)
		return error;
	if (ag != NULL && (op = cb->aio_lio_opcode) == LIO_NOP)
		return 0;
	if ((error = submit_check(cb, op, ag != NULL)) != 0 ||
	    (error = sigevent_check(l->l_proc, &cb->aio_sigevent, &signo)) !=
		0 ||
	    (error = aio_get(l->l_proc, &aa)) != 0 ||
	    (error = aio_add(aa, name, &aj)) != 0)
		return error == ENOMEM ? EAGAIN : error;
	aj->aj_fd = cb->aio_fildes;
	aj->aj_op = op;
	aj->aj_buf = aj->aj_user = (char *)(uintptr_t)cb->aio_buf;
	aj->aj_len = aj->aj_asked = cb->aio_nbytes;
	aj->aj_off = cb->aio_offset;
	aj->aj_tell->at_signo = signo;
	aj->aj_tell->at_fn = sigevent_function(&cb->aio_sigevent);
	aj->aj_tell->at_value = cb->aio_sigevent.sigev_value;
	if (ag != NULL) {
		mutex_enter(&aa->aa_lock);
		ag->ag_left++;
		aj->aj_group = ag;
		mutex_exit(&aa->aa_lock);
	}
	aio_start(l, aj, far);
	return 0;
}

static int
submit_copy(struct lwp *l, struct aiocb *ucb, int op, struct aiogroup *ag)
{
	struct aiocb cb;
	int error;

	if ((error = copyin(ucb, &cb, sizeof(cb))) != 0)
		return error;
	return aio_submit(l, &cb, ucb, op, ag, NULL);
}

int
sys_aio_read(struct lwp *l, struct aiocb *cb)
{
	return submit_copy(l, cb, LIO_READ, NULL);
}

int
sys_aio_write(struct lwp *l, struct aiocb *cb)
{
	return submit_copy(l, cb, LIO_WRITE, NULL);
}

int
sys_aio_fsync(struct lwp *l, int op, struct aiocb *cb)
{
	if (op != O_SYNC && op != O_DSYNC)
		return EINVAL;
	return submit_copy(
	    l, cb, op == O_SYNC ? AIO_FSYNC : AIO_FDATASYNC, NULL);
}

/*
 * Several at once
 */

int
aio_groupwait(struct aioproc *aa, struct aiogroup *ag)
{
	int error = 0;

	mutex_enter(&aa->aa_lock);
	while (ag->ag_left > 1 && error == 0)
		error = cv_wait_sig(&aa->aa_cv, &aa->aa_lock);
	if (error == 0 && ag->ag_failed)
		error = EIO;
	mutex_exit(&aa->aa_lock);
	if (error == EINTR)
		signal_restart(SR_NEVER);
	return error;
}

void
aio_groupleave(struct aioproc *aa, struct aiogroup *ag)
{
	struct aiotell *tells = NULL;

	mutex_enter(&aa->aa_lock);
	aio_group_rele(ag, &tells);
	mutex_exit(&aa->aa_lock);
	aio_tell(&aa->aa_id, tells);
}

int
aio_groupmake(struct lwp *l, const struct sigevent *ev, struct aiogroup **agp)
{
	struct aiogroup *ag;
	int signo, error;

	if ((error = sigevent_check(l->l_proc, ev, &signo)) != 0)
		return error;
	if ((ag = kmem_zalloc(sizeof(*ag))) == NULL)
		return EAGAIN;
	ag->ag_left = 1;
	if (ev->sigev_notify != SIGEV_NONE) {
		ag->ag_tell = kmem_zalloc(sizeof(*ag->ag_tell));
		if (ag->ag_tell == NULL) {
			kmem_free(ag, sizeof(*ag));
			return EAGAIN;
		}
		ag->ag_tell->at_signo = signo;
		ag->ag_tell->at_fn = sigevent_function(ev);
		ag->ag_tell->at_value = ev->sigev_value;
	}
	*agp = ag;
	return 0;
}

int
sys_lio_listio(struct lwp *l, int mode, struct aiocb *const *list, int nent,
    struct sigevent *usig)
{
	struct sigevent ev = {.sigev_notify = SIGEV_NONE};
	struct aiogroup *ag;
	struct aioproc *aa;
	struct aiocb *cb;
	int i, error, failed = 0;

	if (mode != LIO_WAIT && mode != LIO_NOWAIT)
		return EINVAL;
	if (mode == LIO_NOWAIT && usig != NULL &&
	    (error = copyin(usig, &ev, sizeof(ev))) != 0)
		return error;
	if ((error = aio_get(l->l_proc, &aa)) != 0 ||
	    (error = aio_groupmake(l, &ev, &ag)) != 0)
		return error == ENOMEM ? EAGAIN : error;
	for (i = 0; i < nent && error == 0; i++) {
		error = copyin(&list[i], &cb, sizeof(cb));
		if (error == 0 && cb != NULL &&
		    submit_copy(l, cb, LIO_NOP, ag) != 0)
			failed = EIO;
	}
	if (error == 0 && mode == LIO_WAIT)
		error = aio_groupwait(aa, ag);
	aio_groupleave(aa, ag);
	return error != 0 ? error : failed;
}

/*
 * What has become of them
 */

/* What aio_error gives; ESRCH if there is none.  *keptp: but not so far. */
static int
aio_geterror(struct lwp *l, const struct aiocb *cb, int *errorp, bool *keptp)
{
	struct aioproc *aa;
	struct aiojob *aj;
	int error;

	if ((error = aio_get(l->l_proc, &aa)) != 0)
		return error;
	mutex_enter(&aa->aa_lock);
	if ((aj = aio_find(aa, cb)) == NULL)
		error = ESRCH;
	else {
		*errorp = aj->aj_error;
		*keptp = aj->aj_kept;
	}
	mutex_exit(&aa->aa_lock);
	return error;
}

int
aio_state(struct lwp *l, uintptr_t request, bool *endedp, int64_t *errorp)
{
	bool kept;
	int value = 0, error = aio_geterror(
			   l, (const struct aiocb *)request, &value, &kept);

	*endedp = value != EINPROGRESS;
	*errorp = value;
	return error;
}

int
sys_aio_error(struct lwp *l, const struct aiocb *cb, int *retval)
{
	bool kept = false;
	int error = aio_geterror(l, cb, retval, &kept);

	if (kept)
		*retval = EINPROGRESS;
	return error == ESRCH ? EINVAL : error;
}

int
sys_aio_return(struct lwp *l, struct aiocb *cb, ssize_t *retval)
{
	struct aioproc *aa;
	struct aiojob *aj;
	int error;

	if ((error = aio_get(l->l_proc, &aa)) != 0)
		return error;
	mutex_enter(&aa->aa_lock);
	if ((aj = aio_find(aa, cb)) == NULL)
		error = EINVAL;
	else if (aj->aj_kept)
		error = EINPROGRESS;
	else if ((error = aj->aj_error) != EINPROGRESS) {
		*retval = aj->aj_result;
		aio_forget(aa, aj);
	}
	mutex_exit(&aa->aa_lock);
	return error;
}

/* Has one of them ended, or is one not known? */
static int
list_ended(
    struct aioproc *aa, const struct aiocb *const *list, int nent, bool *ended)
{
	const struct aiocb *cb;
	struct aiojob *aj;
	int i, n = 0, error;

	for (i = 0; i < nent; i++) {
		if ((error = copyin(&list[i], &cb, sizeof(cb))) != 0)
			return error;
		if (cb == NULL)
			continue;
		n++;
		mutex_enter(&aa->aa_lock);
		aj = aio_find(aa, cb);
		*ended = aj == NULL || aj->aj_error != EINPROGRESS;
		mutex_exit(&aa->aa_lock);
		if (*ended)
			return 0;
	}
	*ended = n == 0;
	return 0;
}

/*
 * aa_serial is read before the list is looked at: what ends afterwards changes
 * it.
 */
static int
aio_await(struct aioproc *aa, uint64_t serial, int64_t deadline)
{
	int error = 0;

	mutex_enter(&aa->aa_lock);
	while (aa->aa_serial == serial && error == 0)
		error = cv_timedwait_sig(&aa->aa_cv, &aa->aa_lock, deadline);
	mutex_exit(&aa->aa_lock);
	if (error == EINTR)
		signal_restart(SR_NEVER);
	return error == ETIMEDOUT ? EAGAIN : error;
}

int
sys_aio_suspend(struct lwp *l, const struct aiocb *const *list, int nent,
    const struct timespec *timeout)
{
	struct aioproc *aa;
	int64_t deadline;
	uint64_t serial;
	bool ended = false;
	int error;

	if (nent < 0)
		return EINVAL;
	if ((error = copyin_deadline(timeout, &deadline)) != 0 ||
	    (error = aio_get(l->l_proc, &aa)) != 0)
		return error;
	while (error == 0 && !ended) {
		mutex_enter(&aa->aa_lock);
		serial = aa->aa_serial;
		mutex_exit(&aa->aa_lock);
		error = list_ended(aa, list, nent, &ended);
		if (error == 0 && !ended)
			error = aio_await(aa, serial, deadline);
	}
	return error;
}

/*
 * Cancelling
 */

/* What can be cancelled of fd or, with a name, of that. */
static int
cancel_all(
    struct aioproc *aa, int fd, const struct aiocb *cb, struct aiotell **tells)
{
	struct aiojob *aj, *next;
	int how = AIO_ALLDONE;

	KASSERT(mutex_owned(&aa->aa_lock));
	for (aj = TAILQ_FIRST(&aa->aa_pending); aj != NULL; aj = next) {
		next = TAILQ_NEXT(aj, aj_link);
		if (cb != NULL ? aj->aj_cb != cb : aj->aj_fd != fd)
			continue;
		/* What has written something goes on. */
		if (aj->aj_busy || aj->aj_done > 0)
			how = AIO_NOTCANCELED;
		else {
			aio_end(aj, ECANCELED, -1, tells);
			if (how == AIO_ALLDONE)
				how = AIO_CANCELED;
		}
	}
	return how;
}

int
aio_cancelsome(struct lwp *l, int fd, const struct aiocb *cb,
    const struct aiocb *name, int *retval)
{
	struct aiotell *tells = NULL;
	struct aioproc *aa;
	int error;

	if (cb != NULL && cb->aio_fildes != fd)
		return EINVAL;
	if ((error = aio_get(l->l_proc, &aa)) != 0)
		return error;
	mutex_enter(&aa->aa_lock);
	*retval = cancel_all(aa, fd, cb != NULL ? name : NULL, &tells);
	mutex_exit(&aa->aa_lock);
	/* Others come first now. */
	if (tells != NULL)
		aio_kick(aa);
	aio_tell(&aa->aa_id, tells);
	return 0;
}

int
sys_aio_cancel(struct lwp *l, int fd, struct aiocb *ucb, int *retval)
{
	struct aiocb cb;
	bool cloexec;
	int error;

	if ((error = fd_getcloexec(l, fd, &cloexec)) != 0 ||
	    (ucb != NULL && (error = copyin(ucb, &cb, sizeof(cb))) != 0))
		return error;
	return aio_cancelsome(l, fd, ucb != NULL ? &cb : NULL, ucb, retval);
}
