/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Message queues of POSIX: making and opening them, and their descriptors;
 * see mqueue.h.
 */
#include "ipc/mqueue.h"

#include <stdio.h>

#include "ipc/limits.h"
#include "sysproto.h"

/* What a message, and each priority that can be there, counts for. */
#define MQ_OVERHEAD 48

/* The text that a read gives, with its newline. */
#define MQ_TEXTSIZE 80

static struct kmutex mq_names_lock;
static LIST_HEAD(, mqueue) mq_names; /* mq_names_lock */
static uint32_t mq_nnames;	     /* mq_names_lock */

static const struct fileops mq_fileops;

/*
 * Queues
 */

/* What it counts for in RLIMIT_MSGQUEUE. */
static uint64_t
mq_charge(const struct mqueue *mq)
{
	uint64_t prios = mq->mq_maxmsg < MQ_PRIOS ? mq->mq_maxmsg : MQ_PRIOS;

	return mq->mq_maxmsg * (MQ_OVERHEAD + (uint64_t)mq->mq_msgsize) +
	       prios * MQ_OVERHEAD;
}

static void
mq_free(struct mqueue *mq)
{
	while (mq->mq_count > 0) {
		struct mqmsg *mm = mq->mq_heap[--mq->mq_count];

		kmem_free(mm, sizeof(*mm) + mm->mm_len);
	}
	cred_mqueue_leave(mq->mq_cred, mq_charge(mq));
	cred_rele(mq->mq_cred);
	kmem_free(mq->mq_heap, mq->mq_maxmsg * sizeof(*mq->mq_heap));
	kmem_free(mq, sizeof(*mq));
}

static int
mq_alloc(struct lwp *l, const char *name, mode_t mode,
    const struct mq_attr *attr, struct mqueue **mqp)
{
	struct mqueue *mq = kmem_zalloc(sizeof(*mq));

	if (mq == NULL)
		return ENOMEM;
	mq->mq_maxmsg = (uint32_t)attr->mq_maxmsg;
	mq->mq_msgsize = (size_t)attr->mq_msgsize;
	mq->mq_heap = kmem_alloc(mq->mq_maxmsg * sizeof(*mq->mq_heap));
	if (mq->mq_heap == NULL) {
		kmem_free(mq, sizeof(*mq));
		return ENOMEM;
	}
	mq->mq_cred = cred_hold(proc_cred(l->l_proc));
	if (!cred_mqueue_enter(mq->mq_cred, mq_charge(mq),
		proc_limit(l->l_proc, RLIMIT_MSGQUEUE))) {
		cred_rele(mq->mq_cred);
		kmem_free(mq->mq_heap, mq->mq_maxmsg * sizeof(*mq->mq_heap));
		kmem_free(mq, sizeof(*mq));
		return EMFILE;
	}
	mq->mq_mode = mode;
	mq->mq_refs = 1;
	kern_realtime(&mq->mq_made);
	mq->mq_used = mq->mq_made;
	strcpy(mq->mq_name, name);
	*mqp = mq;
	return 0;
}

static void
mq_rele(struct mqueue *mq)
{
	bool last;

	mutex_enter(&mq_names_lock);
	last = --mq->mq_refs == 0;
	mutex_exit(&mq_names_lock);
	if (last)
		mq_free(mq);
}

static struct mqueue *
mq_find(const char *name)
{
	struct mqueue *mq;

	KASSERT(mutex_owned(&mq_names_lock));
	LIST_FOREACH (mq, &mq_names, mq_link)
		if (strcmp(mq->mq_name, name) == 0)
			break;
	return mq;
}

/* May l open it so? */
static int
mq_access(struct lwp *l, const struct mqueue *mq, int oflag)
{
	static const mode_t want[] = {
	    [O_RDONLY] = S_IROTH,
	    [O_WRONLY] = S_IWOTH,
	    [O_RDWR] = S_IROTH | S_IWOTH,
	};

	/* Linux makes one that is opened for nothing, but opens none so. */
	if ((oflag & O_ACCMODE) == O_ACCMODE)
		return EINVAL;
	return ipc_allows(proc_cred(l->l_proc), mq->mq_cred->cr_fsuid,
		   mq->mq_cred->cr_fsgid, mq->mq_mode, want[oflag & O_ACCMODE])
		   ? 0
		   : EACCES;
}

/*
 * Files
 */

static int
mq_text(struct mqueue *mq, char text[MQ_TEXTSIZE + 1])
{
	struct mqnotify mn;
	uint64_t bytes;

	mutex_enter(&mq->mq_lock);
	mn = mq->mq_tell;
	bytes = mq->mq_bytes;
	mutex_exit(&mq->mq_lock);
	return snprintf(text, MQ_TEXTSIZE + 1,
	    "QSIZE:%-10llu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n",
	    (unsigned long long)bytes,
	    mn.mn_proc.id_pid == 0 ? 0 : mn.mn_method,
	    mn.mn_proc.id_pid == 0 || mn.mn_method != SIGEV_SIGNAL
		? 0
		: mn.mn_signo,
	    (int)mn.mn_proc.id_pid);
}

/* What is in it, as Linux says it. */
static int
mq_fread(struct lwp *l, struct file *fp, off_t *offp, struct uio *uio)
{
	char text[MQ_TEXTSIZE + 1];
	int len = mq_text(fp->f_data, text), error;
	size_t n;

	(void)l;
	if (*offp >= len)
		return 0;
	n = (size_t)(len - *offp);
	if (n > uio->uio_resid)
		n = uio->uio_resid;
	if ((error = uiomove(text + *offp, n, uio)) == 0)
		*offp += (off_t)n;
	return error;
}

static int
mq_fwrite(struct lwp *l, struct file *fp, off_t *offp, struct uio *uio)
{
	(void)l, (void)fp, (void)offp, (void)uio;
	return EINVAL;
}

static int
mq_fseek(struct lwp *l, struct file *fp, off_t off, int whence, off_t *offp)
{
	off_t base;

	(void)l;
	switch (whence) {
	case SEEK_SET:
		base = 0;
		break;
	case SEEK_CUR:
		base = fp->f_offset;
		break;
	case SEEK_END:
		base = MQ_TEXTSIZE;
		break;
	default:
		return EINVAL;
	}
	if (__builtin_add_overflow(base, off, &base) || base < 0)
		return EINVAL;
	fp->f_offset = *offp = base;
	return 0;
}

static int
mq_fstat(struct lwp *l, struct file *fp, struct stat *sb)
{
	struct mqueue *mq = fp->f_data;

	(void)l;
	ipc_stat(sb, mq->mq_cred->cr_fsuid, mq->mq_cred->cr_fsgid, mq->mq_mode);
	sb->st_size = MQ_TEXTSIZE;
	mutex_enter(&mq_names_lock);
	sb->st_nlink = mq->mq_linked ? 1 : 0;
	mutex_exit(&mq_names_lock);
	mutex_enter(&mq->mq_lock);
	sb->st_atim = sb->st_mtim = sb->st_ctim = mq->mq_used;
	mutex_exit(&mq->mq_lock);
	return 0;
}

static uint32_t
mq_poll(struct lwp *l, struct file *fp, struct pollsize *ps)
{
	struct mqueue *mq = fp->f_data;
	uint32_t events = 0, count;
	uint64_t bytes;

	(void)l;
	mutex_enter(&mq->mq_lock);
	count = mq->mq_count;
	bytes = mq->mq_bytes;
	mutex_exit(&mq->mq_lock);
	if (count > 0)
		events |= POLLIN | POLLRDNORM;
	if (count < mq->mq_maxmsg)
		events |= POLLOUT | POLLWRNORM;
	if (ps != NULL) {
		ps->ps_in = (int64_t)bytes;
		ps->ps_out =
		    (int64_t)((mq->mq_maxmsg - count) * mq->mq_msgsize);
	}
	return events;
}

static struct klist *
mq_fklist(struct file *fp)
{
	return &((struct mqueue *)fp->f_data)->mq_klist;
}

static void
mq_fclosing(struct file *fp)
{
	if (curlwp() != NULL)
		mq_untell(fp->f_data, curlwp()->l_proc);
}

static void
mq_fclose(struct file *fp)
{
	mq_rele(fp->f_data);
}

static const struct fileops mq_fileops = {
    .fo_name = "mqueue",
    .fo_read = mq_fread,
    .fo_write = mq_fwrite,
    .fo_stat = mq_fstat,
    .fo_seek = mq_fseek,
    .fo_poll = mq_poll,
    .fo_klist = mq_fklist,
    .fo_closing = mq_fclosing,
    .fo_close = mq_fclose,
};

int
mq_get(struct lwp *l, int fd, uint32_t events, struct file **fpp)
{
	struct file *fp;

	if (fd_getfile(l, fd, &fp) != 0)
		return EBADF;
	*fpp = fp;
	if (fp->f_ops == &mq_fileops &&
	    ((events & POLLIN) == 0 || file_readable(fp)) &&
	    ((events & POLLOUT) == 0 || file_writable(fp)))
		return 0;
	fd_putfile(l, fp);
	return EBADF;
}

/*
 * Opening
 */

/* Can l have a queue like that?  EINVAL. */
static int
attr_check(struct lwp *l, const struct mq_attr *attr)
{
	bool root = cred_is_root(proc_cred(l->l_proc));

	if (attr->mq_maxmsg <= 0 || attr->mq_msgsize <= 0 ||
	    attr->mq_maxmsg > (root ? MQ_HARDMSG : MQ_MAXMSG) ||
	    attr->mq_msgsize > (root ? MQ_HARDSIZE : MQ_MSGSIZE))
		return EINVAL;
	return 0;
}

/*
 * A reference to the queue of that name: to `fresh', unless it is NULL, if
 * there is none.
 */
static int
mq_lookup(struct lwp *l, const char *name, int oflag, struct mqueue *fresh,
    struct mqueue **mqp)
{
	struct mqueue *mq;
	int error = 0;

	mutex_enter(&mq_names_lock);
	if ((mq = mq_find(name)) != NULL) {
		if ((oflag & O_CREAT) != 0 && (oflag & O_EXCL) != 0)
			error = EEXIST;
		else
			error = mq_access(l, mq, oflag);
	} else if ((mq = fresh) == NULL)
		error = ENOENT;
	else if (mq_nnames >= MQ_QUEUES && !cred_is_root(proc_cred(l->l_proc)))
		error = ENOSPC;
	else {
		/* The reference that it was made with is the name's. */
		LIST_INSERT_HEAD(&mq_names, mq, mq_link);
		mq->mq_linked = true;
		mq_nnames++;
	}
	if (error == 0)
		mq->mq_refs++;
	mutex_exit(&mq_names_lock);
	*mqp = mq;
	return error;
}

static int
mqueue_open(struct lwp *l, const char *name, int oflag, mode_t mode,
    const struct mq_attr *attr, struct mqueue **mqp)
{
	struct mqueue *fresh;
	int error = mq_lookup(l, name, oflag, NULL, mqp);

	if (error != ENOENT || (oflag & O_CREAT) == 0)
		return error;
	if ((error = attr_check(l, attr)) != 0 ||
	    (error = mq_alloc(l, name, ipc_newmode(l, mode), attr, &fresh)) !=
		0)
		return error;
	error = mq_lookup(l, name, oflag, fresh, mqp);
	if (error != 0 || *mqp != fresh)
		mq_free(fresh);
	return error;
}

int
sys_mq_open(struct lwp *l, const char *uname, int oflag, mode_t mode,
    const struct mq_attr *uattr, int *retval)
{
	struct mq_attr attr = {
	    .mq_maxmsg = MQ_MAXMSG, .mq_msgsize = MQ_MSGSIZE};
	char name[IPC_NAMESIZE];
	struct mqueue *mq;
	struct file *fp;
	int fd, error;

	if ((oflag & O_CREAT) != 0 && uattr != NULL &&
	    (error = copyin(uattr, &attr, sizeof(attr))) != 0)
		return error;
	if ((error = ipc_copyinname(uname, name)) != 0)
		return error;
	if ((error = file_alloc(l, &fp)) != 0)
		return error;
	if ((error = fd_alloc(l, 0, &fd)) != 0)
		goto fail_file;
	if ((error = mqueue_open(l, name, oflag, mode, &attr, &mq)) != 0)
		goto fail_fd;
	fp->f_type = DTYPE_MQUEUE;
	fp->f_data = mq;
	fp->f_ops = &mq_fileops;
	atomic_store_explicit(&fp->f_flags,
	    (uint32_t)oflag & (O_ACCMODE | O_NONBLOCK), memory_order_relaxed);
	fd_affix(l, fd, fp, true);
	*retval = fd;
	return 0;

fail_fd:
	fd_abort(l, fd);
fail_file:
	file_abort(fp);
	return error;
}

int
sys_mq_close(struct lwp *l, int fd)
{
	struct file *fp;
	int error;

	if ((error = mq_get(l, fd, 0, &fp)) != 0)
		return error;
	fd_putfile(l, fp);
	return fd_close(l, fd);
}

/* As if the name were in a directory with the sticky bit. */
int
sys_mq_unlink(struct lwp *l, const char *uname)
{
	const struct cred *cr = proc_cred(l->l_proc);
	char name[IPC_NAMESIZE];
	struct mqueue *mq;
	int error;

	if ((error = ipc_copyinname(uname, name)) != 0)
		return error;
	mutex_enter(&mq_names_lock);
	if ((mq = mq_find(name)) == NULL)
		error = ENOENT;
	else if (!cred_is_fsroot(cr) && cr->cr_fsuid != mq->mq_cred->cr_fsuid)
		error = EPERM;
	else {
		LIST_REMOVE(mq, mq_link);
		mq->mq_linked = false;
		mq_nnames--;
	}
	mutex_exit(&mq_names_lock);
	if (error == 0)
		mq_rele(mq);
	return error;
}

/*
 * Attributes
 */

static void
mq_attr(struct file *fp, struct mq_attr *attr)
{
	struct mqueue *mq = fp->f_data;

	memset(attr, 0, sizeof(*attr));
	attr->mq_flags = (long)(file_flags(fp) & O_NONBLOCK);
	attr->mq_maxmsg = mq->mq_maxmsg;
	attr->mq_msgsize = (long)mq->mq_msgsize;
	mutex_enter(&mq->mq_lock);
	attr->mq_curmsgs = mq->mq_count;
	mutex_exit(&mq->mq_lock);
}

int
sys_mq_getattr(struct lwp *l, int fd, struct mq_attr *uattr)
{
	struct mq_attr attr;
	struct file *fp;
	int error;

	if ((error = mq_get(l, fd, 0, &fp)) != 0)
		return error;
	mq_attr(fp, &attr);
	fd_putfile(l, fp);
	return copyout(&attr, uattr, sizeof(attr));
}

int
sys_mq_setattr(
    struct lwp *l, int fd, const struct mq_attr *unew, struct mq_attr *uold)
{
	struct mq_attr new, old;
	struct file *fp;
	int error;

	if ((error = copyin(unew, &new, sizeof(new))) != 0)
		return error;
	if ((new.mq_flags & ~O_NONBLOCK) != 0)
		return EINVAL;
	if ((error = mq_get(l, fd, 0, &fp)) != 0)
		return error;
	mq_attr(fp, &old);
	if (new.mq_flags != 0)
		atomic_fetch_or_explicit(
		    &fp->f_flags, O_NONBLOCK, memory_order_relaxed);
	else
		atomic_fetch_and_explicit(
		    &fp->f_flags, ~(uint32_t)O_NONBLOCK, memory_order_relaxed);
	fd_putfile(l, fp);
	return uold != NULL ? copyout(&old, uold, sizeof(old)) : 0;
}
