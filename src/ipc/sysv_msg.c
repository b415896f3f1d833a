/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Message queues of System V.
 *
 * Messages are in order of arrival.  Who sends wakes all who wait for a
 * message, because each may want another type; who takes one away wakes all
 * who wait for room.
 */
#include <sys/msg.h>

#include <stdio.h>

#include "ipc/limits.h"
#include "ipc/sysv.h"
#include "sysproto.h"

struct sysvmsg {
	TAILQ_ENTRY(sysvmsg) sm_link;
	long sm_type;
	size_t sm_len;
	char sm_data[];
};

/* All so_lock. */
struct msgqueue {
	struct sysvobj mq_obj;
	TAILQ_HEAD(, sysvmsg) mq_msgs;
	uint64_t mq_num, mq_cbytes, mq_qbytes;
	pid_t mq_lspid, mq_lrpid;
	time_t mq_stime, mq_rtime, mq_ctime;
	struct kcondvar mq_rcv; /* who waits for a message */
	struct kcondvar mq_scv; /* who waits for room */
};

static int
msg_line(const struct sysvobj *so, char *buf, size_t size)
{
	const struct msgqueue *mq =
	    container_of(so, const struct msgqueue, mq_obj);

	return snprintf(buf, size,
	    "%10d %10d  %4o  %10lu %10lu %5u %5u %5u %5u %5u %5u %10lld "
	    "%10lld %10lld\n",
	    so->so_key, so->so_id, (unsigned)so->so_mode,
	    (unsigned long)mq->mq_cbytes, (unsigned long)mq->mq_num,
	    (unsigned)mq->mq_lspid, (unsigned)mq->mq_lrpid, so->so_uid,
	    so->so_gid, so->so_cuid, so->so_cgid, (long long)mq->mq_stime,
	    (long long)mq->mq_rtime, (long long)mq->mq_ctime);
}

struct sysvtab sysv_msgs = {
    .st_name = "sysvmsg",
    .st_size = sizeof(struct msgqueue),
    .st_most = MSG_QUEUES,
    .st_title = "       key      msqid perms      cbytes       qnum lspid lrpid"
		"   uid   gid  cuid  cgid      stime      rtime      ctime\n",
    .st_line = msg_line,
};

static struct msgqueue *
so_to_mq(struct sysvobj *so)
{
	return container_of(so, struct msgqueue, mq_obj);
}

static int
msg_find(int id, struct msgqueue **mqp)
{
	struct sysvobj *so;
	int error = sysv_find(&sysv_msgs, id, &so);

	if (error == 0)
		*mqp = so_to_mq(so);
	return error;
}

static void
msg_unlock(struct msgqueue *mq)
{
	mutex_exit(&mq->mq_obj.so_lock);
}

/*
 * Life
 */

static int
msg_make(struct lwp *l, struct sysvobj *so, void *arg)
{
	struct msgqueue *mq = so_to_mq(so);

	(void)l, (void)arg;
	TAILQ_INIT(&mq->mq_msgs);
	mq->mq_num = mq->mq_cbytes = 0;
	mq->mq_qbytes = MSG_BYTES;
	mq->mq_lspid = mq->mq_lrpid = 0;
	mq->mq_stime = mq->mq_rtime = 0;
	mq->mq_ctime = sysv_now();
	return 0;
}

int
sys_msgget(struct lwp *l, key_t key, int flags, int *retval)
{
	static const struct sysvmaker maker = {.sm_make = msg_make};

	return sysv_get(&sysv_msgs, l, key, flags, &maker, NULL, retval);
}

static void
msg_free(struct sysvmsg *sm)
{
	kmem_free(sm, sizeof(*sm) + sm->sm_len);
}

static int
msg_rmid(struct lwp *l, int id)
{
	struct sysvobj *so;
	struct msgqueue *mq;
	struct sysvmsg *sm;
	int error = sysv_find_owned(&sysv_msgs, l, id, &so);

	if (error != 0)
		return error;
	mq = so_to_mq(so);
	while ((sm = TAILQ_FIRST(&mq->mq_msgs)) != NULL) {
		TAILQ_REMOVE(&mq->mq_msgs, sm, sm_link);
		msg_free(sm);
	}
	cv_broadcast(&mq->mq_rcv);
	cv_broadcast(&mq->mq_scv);
	sysv_remove(&sysv_msgs, so);
	mutex_exit(&sysv_msgs.st_lock);
	return 0;
}

/*
 * Sending
 */

static bool
msg_hasroom(const struct msgqueue *mq, size_t len)
{
	return mq->mq_cbytes + len <= mq->mq_qbytes &&
	       mq->mq_num + 1 <= mq->mq_qbytes;
}

/* mq, which is locked, is the caller's again after a sleep, or it has gone. */
static int
msg_sleep(struct msgqueue *mq, struct kcondvar *cv, int id)
{
	int error = sysv_wait(cv, &mq->mq_obj, HYPER_FOREVER);

	return sysv_is(&mq->mq_obj, id) ? error : EIDRM;
}

/* Consumes the message if that works. */
static int
msg_put(struct lwp *l, int id, struct sysvmsg *sm, int flags)
{
	struct msgqueue *mq;
	int error;

	if ((error = msg_find(id, &mq)) != 0)
		return error;
	while ((error = sysv_access(l, &mq->mq_obj, SYSV_W)) == 0 &&
	       !msg_hasroom(mq, sm->sm_len)) {
		error = (flags & IPC_NOWAIT) != 0
			    ? EAGAIN
			    : msg_sleep(mq, &mq->mq_scv, id);
		if (error != 0)
			break;
	}
	if (error == 0) {
		TAILQ_INSERT_TAIL(&mq->mq_msgs, sm, sm_link);
		mq->mq_num++;
		mq->mq_cbytes += sm->sm_len;
		mq->mq_lspid = proc_pid(l->l_proc);
		mq->mq_stime = sysv_now();
		cv_broadcast(&mq->mq_rcv);
	}
	msg_unlock(mq);
	return error;
}

int
sys_msgsnd(struct lwp *l, int id, const void *umsg, size_t len, int flags)
{
	struct sysvmsg *sm;
	long type;
	int error;

	if ((error = copyin(umsg, &type, sizeof(type))) != 0)
		return error;
	if (len > MSG_MOST || id < 0 || type < 1)
		return EINVAL;
	if ((sm = kmem_alloc(sizeof(*sm) + len)) == NULL)
		return ENOMEM;
	sm->sm_type = type;
	sm->sm_len = len;
	error = len == 0 ? 0
			 : copyin((const char *)umsg + sizeof(type),
			       sm->sm_data, len);
	if (error == 0)
		error = msg_put(l, id, sm, flags);
	if (error != 0)
		msg_free(sm);
	return error;
}

/*
 * Receiving
 */

/* The message that is wanted, or NULL. */
static struct sysvmsg *
msg_pick(const struct msgqueue *mq, long type, int flags)
{
	long most = type == LONG_MIN ? LONG_MAX : -type, n = 0;
	struct sysvmsg *sm, *best = NULL;

	TAILQ_FOREACH (sm, &mq->mq_msgs, sm_link) {
		if ((flags & MSG_COPY) != 0) {
			if (n++ == type)
				return sm;
		} else if (type == 0 ||
			   (type > 0 && (sm->sm_type == type) ==
					    ((flags & MSG_EXCEPT) == 0)))
			return sm;
		else if (type < 0 && sm->sm_type <= most &&
			 (best == NULL || sm->sm_type < best->sm_type))
			best = sm;
	}
	return best;
}

/* Take it out or, with MSG_COPY, make another like it. */
static int
msg_take(struct lwp *l, struct msgqueue *mq, struct sysvmsg *sm, int flags,
    struct sysvmsg **smp)
{
	struct sysvmsg *copy;

	*smp = sm;
	if ((flags & MSG_COPY) != 0) {
		if ((copy = kmem_alloc(sizeof(*sm) + sm->sm_len)) == NULL)
			return ENOMEM;
		memcpy(copy, sm, sizeof(*sm) + sm->sm_len);
		*smp = copy;
		return 0;
	}
	TAILQ_REMOVE(&mq->mq_msgs, sm, sm_link);
	mq->mq_num--;
	mq->mq_cbytes -= sm->sm_len;
	mq->mq_lrpid = proc_pid(l->l_proc);
	mq->mq_rtime = sysv_now();
	cv_broadcast(&mq->mq_scv);
	return 0;
}

static int
msg_get(struct lwp *l, int id, size_t len, long type, int flags,
    struct sysvmsg **smp)
{
	struct sysvmsg *sm = NULL;
	struct msgqueue *mq;
	int error;

	if ((error = msg_find(id, &mq)) != 0)
		return error;
	while ((error = sysv_access(l, &mq->mq_obj, SYSV_R)) == 0 &&
	       (sm = msg_pick(mq, type, flags)) == NULL) {
		error = (flags & IPC_NOWAIT) != 0
			    ? ENOMSG
			    : msg_sleep(mq, &mq->mq_rcv, id);
		if (error != 0)
			break;
	}
	/* A copy is not cut. */
	if (error == 0 && sm->sm_len > len) {
		if ((flags & MSG_NOERROR) == 0)
			error = E2BIG;
		else if ((flags & MSG_COPY) != 0)
			error = EINVAL;
	}
	if (error == 0)
		error = msg_take(l, mq, sm, flags, smp);
	msg_unlock(mq);
	return error;
}

int
sys_msgrcv(struct lwp *l, int id, void *umsg, size_t len, long type, int flags,
    ssize_t *retval)
{
	struct sysvmsg *sm = NULL;
	int error;

	if (id < 0 || len > SSIZE_MAX)
		return EINVAL;
	if ((flags & MSG_COPY) != 0 &&
	    ((flags & MSG_EXCEPT) != 0 || (flags & IPC_NOWAIT) == 0))
		return EINVAL;
	if ((error = msg_get(l, id, len, type, flags, &sm)) != 0)
		return error;
	if (len > sm->sm_len)
		len = sm->sm_len;
	error = copyout(&sm->sm_type, umsg, sizeof(sm->sm_type));
	if (error == 0 && len > 0)
		error = copyout(sm->sm_data, (char *)umsg + sizeof(long), len);
	*retval = (ssize_t)len;
	msg_free(sm);
	return error;
}

/*
 * Control
 */

static void
msg_ds(struct msgqueue *mq, struct msqid_ds *ds)
{
	memset(ds, 0, sizeof(*ds));
	sysv_perm(&mq->mq_obj, &ds->msg_perm);
	ds->msg_stime = mq->mq_stime;
	ds->msg_rtime = mq->mq_rtime;
	ds->msg_ctime = mq->mq_ctime;
	ds->__msg_cbytes = mq->mq_cbytes;
	ds->msg_qnum = mq->mq_num;
	ds->msg_qbytes = mq->mq_qbytes;
	ds->msg_lspid = mq->mq_lspid;
	ds->msg_lrpid = mq->mq_lrpid;
}

/* IPC_STAT by id; MSG_STAT and MSG_STAT_ANY by place, whose value is the id. */
static int
msg_stat(struct lwp *l, int id, int cmd, struct msqid_ds *uds, int *retval)
{
	struct msqid_ds ds;
	struct sysvobj *so;
	int error = cmd == IPC_STAT ? sysv_find(&sysv_msgs, id, &so)
				    : sysv_find_place(&sysv_msgs, id, &so);

	if (error != 0)
		return error;
	if (cmd != MSG_STAT_ANY)
		error = sysv_access(l, so, SYSV_R);
	msg_ds(so_to_mq(so), &ds);
	if (cmd != IPC_STAT)
		*retval = so->so_id;
	mutex_exit(&so->so_lock);
	return error != 0 ? error : copyout(&ds, uds, sizeof(ds));
}

static int
msg_set(struct lwp *l, int id, const struct msqid_ds *uds)
{
	struct msqid_ds ds;
	struct msgqueue *mq;
	int error;

	if ((error = copyin(uds, &ds, sizeof(ds))) != 0 ||
	    (error = msg_find(id, &mq)) != 0)
		return error;
	if ((error = sysv_owner(l, &mq->mq_obj)) == 0 &&
	    ds.msg_qbytes > MSG_BYTES && !cred_is_root(proc_cred(l->l_proc)))
		error = EPERM;
	if (error == 0) {
		sysv_setperm(&mq->mq_obj, &ds.msg_perm);
		mq->mq_qbytes = ds.msg_qbytes;
		mq->mq_ctime = sysv_now();
		/* Who waits may not any more, or may have room. */
		cv_broadcast(&mq->mq_rcv);
		cv_broadcast(&mq->mq_scv);
	}
	msg_unlock(mq);
	return error;
}

static int
msg_info(int cmd, struct msginfo *uinfo, int *retval)
{
	struct msginfo mi = {
	    .msgmax = MSG_MOST,
	    .msgmnb = MSG_BYTES,
	    .msgmni = MSG_QUEUES,
	    .msgssz = 16,
	    .msgseg = 0xffff,
	    .msgpool = MSG_QUEUES * (MSG_BYTES / 1024),
	    .msgmap = MSG_BYTES,
	    .msgtql = MSG_BYTES,
	};
	struct sysvobj *so;
	int place, last = sysv_last(&sysv_msgs);

	if (cmd == MSG_INFO) {
		mi.msgpool = mi.msgmap = mi.msgtql = 0;
		for (place = 0; place <= last; place++) {
			if (sysv_find_place(&sysv_msgs, place, &so) != 0)
				continue;
			mi.msgpool++;
			mi.msgmap += (int)so_to_mq(so)->mq_num;
			mi.msgtql += (int)so_to_mq(so)->mq_cbytes;
			mutex_exit(&so->so_lock);
		}
	}
	*retval = last;
	return copyout(&mi, uinfo, sizeof(mi));
}

int
sys_msgctl(struct lwp *l, int id, int cmd, struct msqid_ds *uds, int *retval)
{
	if (id < 0 || cmd < 0)
		return EINVAL;
	switch (cmd) {
	case IPC_RMID:
		return msg_rmid(l, id);
	case IPC_SET:
		return msg_set(l, id, uds);
	case IPC_STAT:
	case MSG_STAT:
	case MSG_STAT_ANY:
		return msg_stat(l, id, cmd, uds, retval);
	case IPC_INFO:
	case MSG_INFO:
		return msg_info(cmd, (struct msginfo *)uds, retval);
	default:
		return EINVAL;
	}
}
