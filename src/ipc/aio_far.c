/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asynchronous input and output of remote clients, whose memory is elsewhere;
 * see aio.h.
 */
#include "ipc/aio.h"

/*
 * Buffers
 */

int
aio_roommake(struct aiojob *aj, const struct aiofar *far)
{
	size_t len = aj->aj_asked < AIO_FARMOST ? aj->aj_asked : AIO_FARMOST;

	if (aj->aj_op == LIO_WRITE && len != 0 && far->af_data == NULL)
		return EFAULT;
	if (aj->aj_op == LIO_WRITE && len > far->af_len)
		len = far->af_len;
	aj->aj_len = len;
	if (len == 0)
		return 0;
	if ((aj->aj_buf = kmem_alloc(len)) == NULL)
		return ENOMEM;
	aj->aj_room = len;
	if (aj->aj_op == LIO_WRITE)
		memcpy(aj->aj_buf, far->af_data, len);
	return 0;
}

void
aio_roomfree(struct aiojob *aj)
{
	if (aj->aj_room != 0)
		kmem_free(aj->aj_buf, aj->aj_room);
	aj->aj_room = 0;
}

/*
 * Calls
 */

static struct aiogroup *
fargroup_find(struct aioproc *aa, uint32_t id)
{
	struct aiogroup *ag;

	KASSERT(mutex_owned(&aa->aa_lock));
	LIST_FOREACH (ag, &aa->aa_groups, ag_link)
		if (ag->ag_id == id)
			break;
	return ag;
}

int
aio_farsubmit(struct lwp *l, const struct aiocb *cb, uint64_t name, int op,
    const struct aiofar *far)
{
	const struct aiocb *as = (const struct aiocb *)(uintptr_t)name;
	struct aiogroup *ag;
	struct aioproc *aa;
	int error;

	if (far->af_group == 0)
		return aio_submit(l, cb, as, op, NULL, far);
	if ((error = aio_get(l->l_proc, &aa)) != 0)
		return error;
	mutex_enter(&aa->aa_lock);
	if ((ag = fargroup_find(aa, far->af_group)) != NULL)
		ag->ag_left++;
	mutex_exit(&aa->aa_lock);
	if (ag == NULL)
		return EINVAL;
	error = aio_submit(l, cb, as, op, ag, far);
	aio_groupleave(aa, ag);
	return error;
}

int
aio_farcancel(
    struct lwp *l, int fd, const struct aiocb *cb, uint64_t name, int *retval)
{
	bool cloexec;
	int error = fd_getcloexec(l, fd, &cloexec);

	return error != 0 ? error
			  : aio_cancelsome(l, fd, cb,
				(const struct aiocb *)(uintptr_t)name, retval);
}

int
aio_fargroup(struct lwp *l, const struct sigevent *ev, uint32_t *idp)
{
	struct aiogroup *ag;
	struct aioproc *aa;
	int error;

	if ((error = aio_get(l->l_proc, &aa)) != 0 ||
	    (error = aio_groupmake(l, ev, &ag)) != 0)
		return error == ENOMEM ? EAGAIN : error;
	mutex_enter(&aa->aa_lock);
	if (aa->aa_ngroups >= AIO_FARGROUPS)
		error = EAGAIN;
	else {
		do
			aa->aa_lastgroup++;
		while (aa->aa_lastgroup == 0 ||
		       fargroup_find(aa, aa->aa_lastgroup) != NULL);
		*idp = ag->ag_id = aa->aa_lastgroup;
		LIST_INSERT_HEAD(&aa->aa_groups, ag, ag_link);
		aa->aa_ngroups++;
	}
	mutex_exit(&aa->aa_lock);
	/* Nobody is told of one that was not begun. */
	if (error != 0) {
		if (ag->ag_tell != NULL)
			kmem_free(ag->ag_tell, sizeof(*ag->ag_tell));
		kmem_free(ag, sizeof(*ag));
	}
	return error;
}

int
aio_fargroupend(struct lwp *l, uint32_t id, bool wait)
{
	struct aiogroup *ag;
	struct aioproc *aa;
	int error;

	if ((error = aio_get(l->l_proc, &aa)) != 0)
		return error;
	mutex_enter(&aa->aa_lock);
	if ((ag = fargroup_find(aa, id)) != NULL) {
		LIST_REMOVE(ag, ag_link);
		aa->aa_ngroups--;
	}
	mutex_exit(&aa->aa_lock);
	if (ag == NULL)
		return EINVAL;
	if (wait)
		error = aio_groupwait(aa, ag);
	aio_groupleave(aa, ag);
	return error;
}

/*
 * Fetching
 */

/* So much of it the client has. */
static void
fetch_note(struct aioproc *aa, const struct aiocb *name, uint64_t got)
{
	struct aiojob *aj = aio_find(aa, name);

	if (aj == NULL || !aj->aj_kept)
		return;
	aj->aj_fetched = got < aj->aj_done ? (size_t)got : aj->aj_done;
	if (aj->aj_fetched < aj->aj_done)
		return;
	TAILQ_REMOVE(&aa->aa_kept, aj, aj_link);
	aj->aj_kept = false;
	aio_roomfree(aj);
}

int
aio_fetch(struct lwp *l, uint64_t name, uint64_t got, void *buf, size_t room,
    struct aiofetch *af)
{
	struct aioproc *aa;
	struct aiojob *aj;
	int error;

	*af = (struct aiofetch){0};
	if ((error = aio_get(l->l_proc, &aa)) != 0)
		return error;
	mutex_enter(&aa->aa_lock);
	if (name != 0)
		fetch_note(aa, (const struct aiocb *)(uintptr_t)name, got);
	if ((aj = TAILQ_FIRST(&aa->aa_kept)) != NULL) {
		af->af_name = (uintptr_t)aj->aj_cb;
		af->af_user = (uintptr_t)aj->aj_user;
		af->af_at = aj->aj_fetched;
		af->af_len = aj->aj_done - aj->aj_fetched;
		if (af->af_len > room)
			af->af_len = room;
		memcpy(buf, aj->aj_buf + af->af_at, af->af_len);
	}
	mutex_exit(&aa->aa_lock);
	return 0;
}
