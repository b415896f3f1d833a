/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Message queues of POSIX: messages and notifications; see mqueue.h.
 *
 * Who sends wakes one who waits for a message, and the other way round.  Who
 * was woken may find that another was faster, and waits again.
 */
#include "ipc/mqueue.h"

#include "kern/signal.h"
#include "kern/sigthread.h"
#include "sysproto.h"

/*
 * The heap
 */

/* Does a come before b: by priority, then by age? */
static bool
msg_before(const struct mqmsg *a, const struct mqmsg *b)
{
	return a->mm_prio != b->mm_prio ? a->mm_prio > b->mm_prio
					: a->mm_serial < b->mm_serial;
}

static void
heap_push(struct mqueue *mq, struct mqmsg *mm)
{
	struct mqmsg **heap = mq->mq_heap;
	uint32_t i = mq->mq_count++, up;

	KASSERT(mutex_owned(&mq->mq_lock));
	for (; i > 0 && msg_before(mm, heap[up = (i - 1) / 2]); i = up)
		heap[i] = heap[up];
	heap[i] = mm;
}

/* The first message, which is there. */
static struct mqmsg *
heap_pop(struct mqueue *mq)
{
	struct mqmsg **heap = mq->mq_heap, *top = heap[0], *mm;
	uint32_t n = --mq->mq_count, i, down;

	KASSERT(mutex_owned(&mq->mq_lock));
	mm = heap[n];
	for (i = 0; (down = 2 * i + 1) < n; i = down) {
		if (down + 1 < n && msg_before(heap[down + 1], heap[down]))
			down++;
		if (!msg_before(heap[down], mm))
			break;
		heap[i] = heap[down];
	}
	heap[i] = mm;
	return top;
}

static struct mqmsg *
msg_alloc(size_t len)
{
	struct mqmsg *mm = kmem_alloc(sizeof(*mm) + len);

	if (mm != NULL)
		mm->mm_len = len;
	return mm;
}

static void
msg_free(struct mqmsg *mm)
{
	kmem_free(mm, sizeof(*mm) + mm->mm_len);
}

/*
 * Notification
 */

static bool
tell_is(const struct mqueue *mq, const struct proc *p)
{
	return mq->mq_tell.mn_proc.id_pid == proc_pid(p) &&
	       mq->mq_tell.mn_proc.id_serial == p->p_serial;
}

/* Has anybody who is still there asked to be told? */
static bool
tell_taken(struct mqueue *mq)
{
	struct procid id;

	KASSERT(mutex_owned(&mq->mq_lock));
	return mq->mq_tell.mn_proc.id_pid != 0 &&
	       proc_id(mq->mq_tell.mn_proc.id_pid, &id) == 0 &&
	       id.id_serial == mq->mq_tell.mn_proc.id_serial;
}

void
mq_untell(struct mqueue *mq, const struct proc *p)
{
	mutex_enter(&mq->mq_lock);
	if (tell_is(mq, p))
		mq->mq_tell.mn_proc.id_pid = 0;
	mutex_exit(&mq->mq_lock);
}

/*
 * A message of l's has come into the empty queue, and nobody waits for it:
 * whom to tell, in *mn.
 */
static void
tell_take(struct mqueue *mq, struct mqnotify *mn)
{
	if (tell_taken(mq))
		*mn = mq->mq_tell;
	mq->mq_tell.mn_proc.id_pid = 0;
}

/* Nothing is held. */
static void
tell_send(struct lwp *l, const struct mqnotify *mn)
{
	siginfo_t info = {.si_signo = mn->mn_signo, .si_code = SI_MESGQ};

	if (mn->mn_proc.id_pid != 0 && mn->mn_method == SIGEV_THREAD)
		sigthread_call(&mn->mn_proc, mn->mn_fn, mn->mn_value);
	if (mn->mn_proc.id_pid == 0 || mn->mn_method != SIGEV_SIGNAL)
		return;
	info.si_pid = proc_pid(l->l_proc);
	info.si_uid = proc_cred(l->l_proc)->cr_ruid;
	info.si_value = mn->mn_value;
	signal_info(mn->mn_proc.id_pid, &info);
}

int
sys_mq_notify(struct lwp *l, int fd, const struct sigevent *uevent)
{
	struct sigevent ev;
	struct mqueue *mq;
	struct file *fp;
	int signo = 0, error;

	if (uevent != NULL &&
	    ((error = copyin(uevent, &ev, sizeof(ev))) != 0 ||
		(error = sigevent_check(l->l_proc, &ev, &signo)) != 0))
		return error;
	if ((error = mq_get(l, fd, 0, &fp)) != 0)
		return error;
	mq = fp->f_data;
	mutex_enter(&mq->mq_lock);
	if (uevent == NULL) {
		if (tell_is(mq, l->l_proc))
			mq->mq_tell.mn_proc.id_pid = 0;
	} else if (tell_taken(mq))
		error = EBUSY;
	else
		mq->mq_tell = (struct mqnotify){
		    .mn_proc = {proc_pid(l->l_proc), l->l_proc->p_serial},
		    .mn_method = sigevent_function(&ev) != NULL ? SIGEV_THREAD
				 : signo == 0			? SIGEV_NONE
								: SIGEV_SIGNAL,
		    .mn_fn = sigevent_function(&ev),
		    .mn_signo = signo,
		    .mn_value = ev.sigev_value,
		};
	mutex_exit(&mq->mq_lock);
	fd_putfile(l, fp);
	return error;
}

/*
 * Sending
 */

static int
mq_sleep(struct mqueue *mq, struct file *fp, struct kcondvar *cv, int64_t when)
{
	if ((file_flags(fp) & O_NONBLOCK) != 0)
		return EAGAIN;
	return ipc_wait(cv, &mq->mq_lock, when);
}

/* Put mm, which is the queue's then, into it. */
static int
mq_put(struct lwp *l, struct file *fp, struct mqmsg *mm, int64_t when)
{
	struct mqueue *mq = fp->f_data;
	struct mqnotify mn = {.mn_proc = {.id_pid = 0}};
	struct lwp *reader;
	int error = 0;

	mutex_enter(&mq->mq_lock);
	while (mq->mq_count == mq->mq_maxmsg && error == 0)
		error = mq_sleep(mq, fp, &mq->mq_scv, when);
	if (error != 0) {
		mutex_exit(&mq->mq_lock);
		return error;
	}
	mm->mm_serial = ++mq->mq_serial;
	heap_push(mq, mm);
	mq->mq_bytes += mm->mm_len;
	kern_realtime(&mq->mq_used);
	if ((reader = cv_take(&mq->mq_rcv)) == NULL && mq->mq_count == 1)
		tell_take(mq, &mn);
	mutex_exit(&mq->mq_lock);
	if (reader != NULL)
		cv_wake(reader);
	klist_notify(&mq->mq_klist, POLLIN | POLLRDNORM);
	tell_send(l, &mn);
	return 0;
}

int
sys_mq_timedsend(struct lwp *l, int fd, const char *umsg, size_t len,
    unsigned int prio, const struct timespec *abstime)
{
	struct file *fp;
	struct mqmsg *mm;
	int64_t when;
	int error;

	if ((error = ipc_copyintime(abstime, &when)) != 0)
		return error;
	if (prio >= MQ_PRIOS)
		return EINVAL;
	if ((error = mq_get(l, fd, POLLOUT, &fp)) != 0)
		return error;
	if (len > ((struct mqueue *)fp->f_data)->mq_msgsize)
		error = EMSGSIZE;
	else if ((mm = msg_alloc(len)) == NULL)
		error = ENOMEM;
	else {
		mm->mm_prio = prio;
		if (len > 0)
			error = copyin(umsg, mm->mm_data, len);
		if (error == 0)
			error = mq_put(l, fp, mm, when);
		if (error != 0)
			msg_free(mm);
	}
	fd_putfile(l, fp);
	return error;
}

int
sys_mq_send(
    struct lwp *l, int fd, const char *umsg, size_t len, unsigned int prio)
{
	return sys_mq_timedsend(l, fd, umsg, len, prio, NULL);
}

/*
 * Receiving
 */

static int
mq_take(struct file *fp, int64_t when, struct mqmsg **mmp)
{
	struct mqueue *mq = fp->f_data;
	struct lwp *writer;
	int error = 0;

	mutex_enter(&mq->mq_lock);
	while (mq->mq_count == 0 && error == 0)
		error = mq_sleep(mq, fp, &mq->mq_rcv, when);
	if (error != 0) {
		mutex_exit(&mq->mq_lock);
		return error;
	}
	*mmp = heap_pop(mq);
	mq->mq_bytes -= (*mmp)->mm_len;
	kern_realtime(&mq->mq_used);
	writer = cv_take(&mq->mq_scv);
	mutex_exit(&mq->mq_lock);
	if (writer != NULL)
		cv_wake(writer);
	klist_notify(&mq->mq_klist, POLLOUT | POLLWRNORM);
	return 0;
}

int
sys_mq_timedreceive(struct lwp *l, int fd, char *umsg, size_t len,
    unsigned int *uprio, const struct timespec *abstime, ssize_t *retval)
{
	struct file *fp;
	struct mqmsg *mm = NULL;
	int64_t when;
	int error;

	if ((error = ipc_copyintime(abstime, &when)) != 0 ||
	    (error = mq_get(l, fd, POLLIN, &fp)) != 0)
		return error;
	if (len < ((struct mqueue *)fp->f_data)->mq_msgsize)
		error = EMSGSIZE;
	else
		error = mq_take(fp, when, &mm);
	fd_putfile(l, fp);
	if (error != 0)
		return error;
	*retval = (ssize_t)mm->mm_len;
	if (mm->mm_len > 0)
		error = copyout(mm->mm_data, umsg, mm->mm_len);
	if (error == 0 && uprio != NULL)
		error = copyout(&mm->mm_prio, uprio, sizeof(mm->mm_prio));
	msg_free(mm);
	return error;
}

int
sys_mq_receive(struct lwp *l, int fd, char *umsg, size_t len,
    unsigned int *uprio, ssize_t *retval)
{
	return sys_mq_timedreceive(l, fd, umsg, len, uprio, NULL, retval);
}
