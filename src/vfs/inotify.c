/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inotify: instances, their queues, and the calls.
 *
 * An event that is the same as the last in the queue is not queued again.  A
 * full queue, or one that there is no memory for, gets one IN_Q_OVERFLOW.
 * inotify_wake is where readers learn that there is something to read.
 * Programs of the host that wait with its poll(2) do so on a pipe (in_pipe).
 */
#include <sys/ioctl.h>

#include <fcntl.h>

#include "hyper/hostfile.h"
#include "hyper/hostpipe.h"
#include "kern/fowner.h"
#include "sysproto.h"
#include "vfs/inotify_impl.h"

#define QUEUE_MAX 16384 /* Linux's default */

/*
 * The queue
 */

static bool
inotify_readable(const struct inotify *in)
{
	return !TAILQ_EMPTY(&in->in_queue);
}

static void
inotify_wake(struct inotify *in)
{
	cv_signal(&in->in_cv);
	klist_notify(&in->in_klist, POLLIN | POLLRDNORM);
}

static int
event_size(const struct event *ev)
{
	return (int)(sizeof(ev->ev_head) + ev->ev_head.len);
}

static void
queue_append(struct inotify *in, struct event *ev)
{
	KASSERT(mutex_owned(&inotify_lock));
	if (in->in_pipe[1] != HYPER_FILE_NONE && !inotify_readable(in))
		hyper_pipe_fill(in->in_pipe[1]);
	TAILQ_INSERT_TAIL(&in->in_queue, ev, ev_link);
	in->in_queued++;
	in->in_bytes += event_size(ev);
	if (in->in_async) {
		in->in_untold++;
		(void)ktimer_set(&in->in_tell, KTIMER_MONOTONIC, 0, 0);
	}
	inotify_wake(in);
}

static void
queue_overflow(struct inotify *in)
{
	if (in->in_overflowed)
		return;
	in->in_overflowed = true;
	in->in_overflow->ev_head =
	    (struct inotify_event){.wd = -1, .mask = IN_Q_OVERFLOW};
	queue_append(in, in->in_overflow);
}

static bool
event_same(const struct event *ev, const struct inotify_event *head,
    const char *name, size_t namelen)
{
	return ev != NULL && (head->mask & IN_IGNORED) == 0 &&
	       ev->ev_head.mask == head->mask && ev->ev_head.wd == head->wd &&
	       ev->ev_namelen == namelen &&
	       (namelen == 0 || memcmp(ev->ev_head.name, name, namelen) == 0);
}

void
inotify_queue(const struct watch *w, uint32_t mask, uint32_t cookie,
    const char *name, size_t namelen)
{
	struct inotify_event head = {
	    .wd = w->w_id, .mask = mask, .cookie = cookie};
	struct inotify *in = w->w_inotify;
	struct event *ev = NULL;

	KASSERT(mutex_owned(&inotify_lock));
	if ((mask & (IN_DELETE_SELF | IN_MOVE_SELF)) != 0)
		head.mask &= ~(uint32_t)IN_ISDIR;
	/* With at least one NUL, to a multiple of the size of the head. */
	if (namelen > 0)
		head.len = (uint32_t)roundup2(namelen + 1, sizeof(head));
	if (event_same(TAILQ_LAST(&in->in_queue, eventq), &head, name, namelen))
		return;
	if (in->in_queued < QUEUE_MAX)
		ev = kmem_alloc(sizeof(*ev) + head.len);
	if (ev == NULL) {
		queue_overflow(in);
		return;
	}
	ev->ev_head = head;
	ev->ev_namelen = (uint32_t)namelen;
	memset(ev->ev_head.name, 0, head.len);
	if (namelen > 0)
		memcpy(ev->ev_head.name, name, namelen);
	queue_append(in, ev);
}

static void
event_free(struct inotify *in, struct event *ev)
{
	if (ev == in->in_overflow)
		in->in_overflowed = false;
	else
		kmem_free(ev, sizeof(*ev) + ev->ev_head.len);
}

/* Take out the first event, if there is one and it fits: NULL, EINVAL. */
static int
queue_take(struct inotify *in, size_t room, struct event **evp)
{
	struct event *ev = TAILQ_FIRST(&in->in_queue);

	KASSERT(mutex_owned(&inotify_lock));
	*evp = NULL;
	if (ev == NULL)
		return 0;
	if ((size_t)event_size(ev) > room)
		return EINVAL;
	TAILQ_REMOVE(&in->in_queue, ev, ev_link);
	in->in_queued--;
	in->in_bytes -= event_size(ev);
	if (in->in_pipe[0] != HYPER_FILE_NONE && !inotify_readable(in))
		hyper_pipe_drain(in->in_pipe[0]);
	*evp = ev;
	return 0;
}

/*
 * The file
 */

/* One event into the caller's memory; the lock is not held meanwhile. */
static int
event_copyout(struct inotify *in, struct event *ev, struct uio *u)
{
	struct inotify_event head = ev->ev_head;
	int error;

	/* The one of the overflow may come again at once. */
	if (ev == in->in_overflow)
		event_free(in, ev);
	mutex_exit(&inotify_lock);
	error = uiomove(&head, sizeof(head), u);
	if (error == 0 && head.len > 0)
		error = uiomove(ev->ev_head.name, head.len, u);
	mutex_enter(&inotify_lock);
	if (ev != in->in_overflow)
		event_free(in, ev);
	return error;
}

static int
inotify_read(struct lwp *l, struct file *fp, off_t *offp, struct uio *u)
{
	struct inotify *in = fp->f_data;
	size_t whole = u->uio_resid;
	struct event *ev;
	int error;

	(void)l, (void)offp;
	mutex_enter(&inotify_lock);
	while ((error = queue_take(in, u->uio_resid, &ev)) == 0) {
		if (ev != NULL)
			error = event_copyout(in, ev, u);
		else if (u->uio_resid != whole)
			break;
		else if ((file_flags(fp) & O_NONBLOCK) != 0 ||
			 (u->uio_flags & UIO_NOWAIT) != 0)
			error = EAGAIN;
		else
			error = cv_wait_sig(&in->in_cv, &inotify_lock);
		if (error != 0)
			break;
	}
	/* What others are to read, and were not woken for. */
	if (inotify_readable(in))
		inotify_wake(in);
	mutex_exit(&inotify_lock);
	return error;
}

static int
inotify_ioctl(
    struct lwp *l, struct file *fp, unsigned long cmd, void *data, int *retval)
{
	struct inotify *in = fp->f_data;
	int bytes;

	(void)retval;
	(void)l;
	if (cmd != FIONREAD)
		return ENOTTY;
	mutex_enter(&inotify_lock);
	bytes = in->in_bytes;
	mutex_exit(&inotify_lock);
	return copyout(&bytes, data, sizeof(bytes));
}

static uint32_t
inotify_poll(struct lwp *l, struct file *fp, struct pollsize *ps)
{
	struct inotify *in = fp->f_data;
	uint32_t events;

	(void)l;
	mutex_enter(&inotify_lock);
	events = inotify_readable(in) ? POLLIN | POLLRDNORM : 0;
	if (ps != NULL)
		*ps = (struct pollsize){.ps_in = in->in_bytes};
	mutex_exit(&inotify_lock);
	return events;
}

static struct klist *
inotify_klist(struct file *fp)
{
	struct inotify *in = fp->f_data;

	return &in->in_klist;
}

static pid_t
inotify_async(struct lwp *l, struct file *fp)
{
	struct inotify *in = fp->f_data;

	(void)l;
	mutex_enter(&inotify_lock);
	in->in_async = true;
	mutex_exit(&inotify_lock);
	return 0;
}

static void
inotify_free(struct inotify *in)
{
	for (int i = 0; i < 2; i++)
		if (in->in_pipe[i] != HYPER_FILE_NONE)
			hyper_file_close(in->in_pipe[i]);
	kmem_free(in->in_overflow, sizeof(*in->in_overflow));
	kmem_free(in, sizeof(*in));
}

static void
inotify_reclaim(struct smr_item *si)
{
	inotify_free(container_of(si, struct inotify, in_smr));
}

static void
inotify_rele(struct inotify *in)
{
	bool last;

	mutex_enter(&inotify_lock);
	last = --in->in_refs == 0;
	mutex_exit(&inotify_lock);
	/* The timer may be about to look at it. */
	if (last)
		smr_retire(&in->in_smr, inotify_reclaim);
}

/* The timer: SIGIO for each event that was queued, but at least one. */
static void
inotify_tell(void *arg, uint64_t times)
{
	struct inotify *in = arg;
	unsigned n = 0;

	(void)times;
	mutex_enter(&inotify_lock);
	if (in->in_refs > 0) {
		in->in_refs++;
		n = in->in_untold;
		in->in_untold = 0;
	}
	mutex_exit(&inotify_lock);
	if (n == 0)
		return;
	while (n-- > 0)
		klist_async(&in->in_klist, POLL_IN);
	inotify_rele(in);
}

static struct inotify *
inotify_alloc(void)
{
	struct inotify *in = kmem_zalloc(sizeof(*in));

	if (in == NULL)
		return NULL;
	TAILQ_INIT(&in->in_queue);
	in->in_pipe[0] = in->in_pipe[1] = HYPER_FILE_NONE;
	in->in_refs = 1;
	ktimer_init(&in->in_tell, inotify_tell, in);
	in->in_overflow = kmem_zalloc(sizeof(*in->in_overflow));
	if (in->in_overflow != NULL)
		return in;
	kmem_free(in, sizeof(*in));
	return NULL;
}

static void
inotify_close(struct file *fp)
{
	struct inotify *in = fp->f_data;
	struct event *ev;

	watch_rmall(in);
	while ((ev = TAILQ_FIRST(&in->in_queue)) != NULL) {
		TAILQ_REMOVE(&in->in_queue, ev, ev_link);
		event_free(in, ev);
	}
	(void)ktimer_cancel(&in->in_tell);
	inotify_rele(in);
}

static const struct fileops inotify_fileops = {
    .fo_name = "inotify",
    .fo_read = inotify_read,
    .fo_stat = file_statanon,
    .fo_ioctl = inotify_ioctl,
    .fo_poll = inotify_poll,
    .fo_klist = inotify_klist,
    .fo_async = inotify_async,
    .fo_close = inotify_close,
};

/*
 * Calls
 */

int
inotify_hostpipe(struct lwp *l, int fd, int *hostfd)
{
	struct inotify *in;
	struct file *fp;
	int error;

	if ((error = fd_getopen(l, fd, &fp)) != 0)
		return error;
	if (fp->f_ops != &inotify_fileops) {
		fd_putfile(l, fp);
		return ENODEV;
	}
	in = fp->f_data;
	mutex_enter(&inotify_lock);
	if (in->in_pipe[0] == HYPER_FILE_NONE &&
	    (error = hyper_pipe(&in->in_pipe[0], &in->in_pipe[1])) == 0 &&
	    inotify_readable(in))
		hyper_pipe_fill(in->in_pipe[1]);
	mutex_exit(&inotify_lock);
	if (error == 0)
		error = hyper_file_reopen(
		    in->in_pipe[0], O_RDONLY | O_NONBLOCK, hostfd);
	fd_putfile(l, fp);
	return error;
}

int
sys_inotify_init1(struct lwp *l, int flags, int *retval)
{
	struct inotify *in;
	struct file *fp;
	int fd, error;

	if ((flags & ~(IN_CLOEXEC | IN_NONBLOCK)) != 0)
		return EINVAL;
	if ((in = inotify_alloc()) == NULL)
		return ENOMEM;
	if ((error = file_alloc(l, &fp)) != 0)
		goto fail;
	if ((error = fd_alloc(l, 0, &fd)) != 0) {
		file_abort(fp);
		goto fail;
	}
	fp->f_data = in;
	fp->f_ops = &inotify_fileops;
	atomic_store_explicit(&fp->f_flags,
	    O_RDONLY | (uint32_t)(flags & IN_NONBLOCK), memory_order_relaxed);
	fd_affix(l, fd, fp, (flags & IN_CLOEXEC) != 0);
	*retval = fd;
	return 0;

fail:
	inotify_free(in);
	return error;
}

int
sys_inotify_init(struct lwp *l, int *retval)
{
	return sys_inotify_init1(l, 0, retval);
}

/* The vnode of a path, to be watched, with a reference. */
static int
inotify_find(struct lwp *l, const char *path, uint32_t mask, struct vnode **vpp)
{
	struct nameidata nd;
	int error;

	error = namei_user(&nd, l, AT_FDCWD, path,
	    ((mask & IN_DONT_FOLLOW) == 0 ? NAMEI_FOLLOW : 0) |
		((mask & IN_ONLYDIR) != 0 ? NAMEI_DIRECTORY : 0));
	if (error == 0)
		error = vnode_access(nd.ni_mount, nd.ni_vp, nd.ni_cred, R_OK);
	if (error != 0)
		return error;
	*vpp = nd.ni_vp;
	return vnode_tryhold(*vpp) ? 0 : ENOENT;
}

int
sys_inotify_add_watch(
    struct lwp *l, int fd, const char *path, uint32_t mask, int *retval)
{
	const uint32_t flags = IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK |
			       IN_MASK_ADD | IN_MASK_CREATE | IN_ISDIR |
			       (uint32_t)IN_ONESHOT;
	const uint32_t known =
	    IN_ALL_EVENTS | IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED | flags;
	struct vnode *vp;
	struct file *fp;
	int error;

	if (mask == 0 || (mask & ~known) != 0)
		return EINVAL;
	/* A reference of its own: the path may go through another file. */
	if ((error = fd_getref(l, fd, &fp)) != 0)
		return error;
	if ((file_flags(fp) & O_PATH) != 0)
		error = EBADF;
	else if (fp->f_ops != &inotify_fileops ||
		 (mask & (IN_MASK_ADD | IN_MASK_CREATE)) ==
		     (IN_MASK_ADD | IN_MASK_CREATE))
		error = EINVAL;
	else if ((error = inotify_find(l, path, mask, &vp)) == 0) {
		error = watch_add(fp->f_data, vp, mask, retval);
		vnode_rele(vp);
	}
	file_rele(fp);
	return error;
}

int
sys_inotify_rm_watch(struct lwp *l, int fd, int wd)
{
	struct file *fp;
	int error;

	if ((error = fd_getopen(l, fd, &fp)) != 0)
		return error;
	error =
	    fp->f_ops == &inotify_fileops ? watch_rm(fp->f_data, wd) : EINVAL;
	fd_putfile(l, fp);
	return error;
}
