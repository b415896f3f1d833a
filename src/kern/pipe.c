/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pipes.
 *
 * The data is in pieces, each in a page of its own, and the capacity is a
 * number of pieces, as on Linux: what fits into a pipe, and when a write
 * blocks, is the same as there.  A write that fits behind the last piece, in
 * its page, goes there; so one of at most PIPE_BUF bytes needs one piece or
 * none and is never split.  Pages are there for data only, but a pipe that
 * has been read empty keeps one or two.
 *
 * Who leaves the pipe, or sleeps in it, wakes one reader if there is data and
 * one writer if there is room (pipe_leave).  Whoever has been woken does the
 * same in turn, so that all who can go on do, and nobody else is woken.  Who
 * polls is told of every write, and of a read that makes room in a full pipe,
 * as on Linux, where it can be seen with EPOLLET.
 *
 * Times are marked for update and set when somebody asks, as POSIX allows.
 *
 * pi_lock is held over copies to and from the caller's memory; inside it come
 * the allocator's locks only.
 */
#include "kern/pipe_impl.h"

#include <sys/ioctl.h>
#include <sys/sysmacros.h>

#include <fcntl.h>

#include "kern/kern.h"
#include "kern/signal.h"

/* The device that fstat names: no file system has it. */
#define PIPE_DEV makedev(0, 0xfffff)

/* The largest capacity, and that of those who are not root. */
#define PIPE_MAXSIZE	 (1u << 31)
#define PIPE_MAXUSERSIZE (1u << 20)

static struct kcache *pipe_cache;
static _Atomic ino_t last_ino; /* relaxed: only a count */

void
pipe_init(void)
{
	pipe_cache = kcache_init("pipe", sizeof(struct pipe), CACHE_LINE, 0);
}

/*
 * Pieces
 */

/*
 * Copy n bytes, or on EFAULT nothing that counts.  After EFAULT only
 * uio_resid is of use.
 */
static int
pipe_move(char *buf, size_t n, struct uio *uio)
{
	size_t resid = uio->uio_resid;
	int error = uiomove(buf, n, uio);

	if (unlikely(error != 0))
		uio->uio_resid = resid;
	return error;
}

/* Write what is more than whole pages behind the last piece, if it fits. */
static int
pipe_append(struct pipe *pi, struct uio *uio)
{
	struct pipeslot *ps = pipe_slot(pi, pi->pi_head - 1);
	size_t n = uio->uio_resid % KPAGE_SIZE;
	int error;

	if (n == 0 || ps->ps_flags != 0 ||
	    ps->ps_off + ps->ps_len + n > KPAGE_SIZE)
		return 0;
	error = pipe_move(ps->ps_page + ps->ps_off + ps->ps_len, n, uio);
	if (error == 0)
		ps->ps_len += (uint32_t)n;
	return error;
}

/* Write a new piece; there is room for one. */
static int
pipe_push(struct pipe *pi, struct uio *uio, uint8_t flags)
{
	size_t n = uio->uio_resid < KPAGE_SIZE ? uio->uio_resid : KPAGE_SIZE;
	struct pipeslot *ps = pipe_slot(pi, pi->pi_head);
	char *page;
	int error;

	if (unlikely((page = pipe_getpage(pi)) == NULL))
		return ENOMEM;
	error = pipe_move(page, n, uio);
	if (unlikely(error != 0)) {
		pipe_putpage(pi, page);
		return error;
	}
	*ps = (struct pipeslot){page, 0, flags, (uint32_t)n};
	pi->pi_head++;
	return 0;
}

/* Read from the first piece.  *done if that ends the call. */
static int
pipe_pull(struct pipe *pi, struct uio *uio, bool *done)
{
	struct pipeslot *ps = pipe_slot(pi, pi->pi_tail);
	size_t n = ps->ps_len < uio->uio_resid ? ps->ps_len : uio->uio_resid;
	int error;

	error = pipe_move(ps->ps_page + ps->ps_off, n, uio);
	if (unlikely(error != 0))
		return error;
	/* The rest of a packet is lost. */
	*done = (ps->ps_flags & PS_PACKET) != 0 || uio->uio_resid == 0;
	ps->ps_off = (uint16_t)(ps->ps_off + n);
	ps->ps_len -= (uint32_t)n;
	if (ps->ps_len == 0 || (ps->ps_flags & PS_PACKET) != 0)
		pipe_shift(pi);
	return 0;
}

/*
 * Reading and writing
 */

int
pipe_sleep(struct pipe *pi, struct kcondvar *cv, uint32_t hint, bool nonblock)
{
	if (nonblock)
		return EAGAIN;
	pipe_wake(pi, hint);
	return cv_wait_sig(cv, &pi->pi_lock);
}

static int
pipe_wait(struct pipe *pi, struct file *fp, const struct uio *uio,
    struct kcondvar *cv, uint32_t hint)
{
	bool nonblock = (file_flags(fp) & O_NONBLOCK) != 0 ||
			(uio->uio_flags & UIO_NOWAIT) != 0;

	/* Owners are told without the lock: what waits for may be there then.
	 */
	if (hint != 0 && !nonblock && klist_waited(&pi->pi_klist)) {
		mutex_exit(&pi->pi_lock);
		klist_async(&pi->pi_klist, POLL_IN);
		mutex_enter(&pi->pi_lock);
		if (!pipe_full(pi) || pi->pi_readers == 0)
			return 0;
	}
	return pipe_sleep(pi, cv, hint, nonblock);
}

int
pipe_read(struct lwp *l, struct file *fp, off_t *offp, struct uio *uio)
{
	struct pipe *pi = fp->f_data;
	size_t whole = uio->uio_resid;
	bool done = false, full;
	int error = 0;

	(void)l, (void)offp;
	if (unlikely(whole == 0))
		return 0;
	mutex_enter(&pi->pi_lock);
	full = pipe_full(pi);
	while (!done && error == 0) {
		if (likely(!pipe_empty(pi)))
			error = pipe_pull(pi, uio, &done);
		else if (uio->uio_resid < whole || pi->pi_writers == 0)
			break;
		else
			error = pipe_wait(pi, fp, uio, &pi->pi_rcv, 0);
	}
	pi->pi_marks |= PM_ATIME;
	pipe_leave(pi, full && !pipe_full(pi) ? PIPE_OUT : 0);
	klist_async(&pi->pi_klist, POLL_OUT);
	return error;
}

int
pipe_write(struct lwp *l, struct file *fp, off_t *offp, struct uio *uio)
{
	struct pipe *pi = fp->f_data;
	int error = 0;

	(void)offp;
	if (unlikely(uio->uio_resid == 0))
		return 0;
	mutex_enter(&pi->pi_lock);
	if (!pipe_empty(pi) && pi->pi_readers > 0)
		error = pipe_append(pi, uio);
	while (error == 0 && uio->uio_resid > 0) {
		if (unlikely(pi->pi_readers == 0))
			error = EPIPE;
		else if (likely(!pipe_full(pi)))
			error = pipe_push(pi, uio,
			    (file_flags(fp) & O_DIRECT) != 0 ? PS_PACKET : 0);
		else
			error = pipe_wait(pi, fp, uio, &pi->pi_wcv, PIPE_IN);
	}
	pi->pi_marks |= PM_MTIME | PM_CTIME;
	pipe_leave(pi, PIPE_IN);
	klist_async(&pi->pi_klist, POLL_IN);
	if ((uio->uio_flags & UIO_NOSIGNAL) != 0)
		return error;
	return signal_pipe(l, error);
}

/*
 * The short cuts: the pipe is not locked, nobody waits but readers of a write,
 * and there is a page at hand, or need not be.  A reader may sleep in its own.
 */

/* Nobody but the caller is concerned by what it reads. */
static inline bool
pipe_undisturbed(struct pipe *pi)
{
	return !cv_has_waiters(&pi->pi_rcv) && !cv_has_waiters(&pi->pi_wcv) &&
	       !klist_waited(&pi->pi_klist);
}

/* Sleep until there is data, if nothing else is to be done.  0 or EINTR. */
static __attribute__((noinline)) int
pipe_await(struct pipe *pi, struct file *fp)
{
	int error = 0;

	while (error == 0 && pipe_empty(pi) && pi->pi_writers > 0 &&
	       (file_flags(fp) & O_NONBLOCK) == 0 && pipe_undisturbed(pi))
		error = cv_wait_sig(&pi->pi_rcv, &pi->pi_lock);
	return error;
}

static ssize_t
pipe_fastread(struct file *fp, void *buf, size_t len)
{
	struct pipe *pi = fp->f_data;
	struct pipeslot *ps;
	ssize_t n = 0;

	if (unlikely(!mutex_tryenter(&pi->pi_lock)))
		return 0;
	if (unlikely(pipe_empty(pi)) && (n = -pipe_await(pi, fp)) != 0)
		goto out;
	ps = pipe_slot(pi, pi->pi_tail);
	if (likely(!pipe_empty(pi) && (ps->ps_flags & PS_PACKET) == 0 &&
		   pi->pi_nspare < PIPE_SPARES && pipe_undisturbed(pi) &&
		   (len <= ps->ps_len || pi->pi_head - pi->pi_tail == 1))) {
		len = len < ps->ps_len ? len : ps->ps_len;
		copy_small(buf, ps->ps_page + ps->ps_off, len);
		ps->ps_off = (uint16_t)(ps->ps_off + len);
		ps->ps_len -= (uint32_t)len;
		if (ps->ps_len == 0) {
			pi->pi_spare[pi->pi_nspare++] = ps->ps_page;
			pi->pi_tail++;
		}
		pi->pi_marks |= PM_ATIME;
		n = (ssize_t)len;
	}
out:
	mutex_exit(&pi->pi_lock);
	return n;
}

static size_t
pipe_fastwrite(struct file *fp, const void *buf, size_t len)
{
	struct pipe *pi = fp->f_data;
	struct lwp *reader = NULL;
	struct pipeslot *ps;
	char *to = NULL;

	if (unlikely(!mutex_tryenter(&pi->pi_lock)))
		return 0;
	if (unlikely(pi->pi_readers == 0))
		len = 0;
	else if (likely(pipe_empty(pi))) {
		if (unlikely(
			pi->pi_nspare == 0 || (file_flags(fp) & O_DIRECT) != 0))
			len = 0;
		else {
			ps = pipe_slot(pi, pi->pi_head++);
			to = pi->pi_spare[--pi->pi_nspare];
			*ps = (struct pipeslot){to, 0, 0, (uint32_t)len};
		}
	} else {
		ps = pipe_slot(pi, pi->pi_head - 1);
		if (ps->ps_flags != 0 ||
		    ps->ps_off + ps->ps_len + len > KPAGE_SIZE)
			len = 0;
		else {
			to = ps->ps_page + ps->ps_off + ps->ps_len;
			ps->ps_len += (uint32_t)len;
		}
	}
	if (likely(len != 0)) {
		copy_small(to, buf, len);
		pi->pi_marks |= PM_MTIME | PM_CTIME;
		/* As pipe_leave: it was empty, so no writer waits. */
		if (unlikely(cv_has_waiters(&pi->pi_rcv)))
			reader = cv_take(&pi->pi_rcv);
	}
	mutex_exit(&pi->pi_lock);
	if (unlikely(reader != NULL))
		cv_wake(reader);
	if (likely(len != 0) && klist_waited(&pi->pi_klist)) {
		klist_notify_slow(&pi->pi_klist, PIPE_IN);
		klist_async_slow(&pi->pi_klist, POLL_IN);
	}
	return len;
}

/*
 * Polling
 */

static int64_t
pipe_bytes(struct pipe *pi)
{
	uint32_t i;
	int64_t n = 0;

	KASSERT(mutex_owned(&pi->pi_lock));
	for (i = pi->pi_tail; i != pi->pi_head; i++)
		n += pipe_slot(pi, i)->ps_len;
	return n;
}

uint32_t
pipe_poll(struct lwp *l, struct file *fp, struct pollsize *ps)
{
	struct pipe *pi = fp->f_data;
	uint32_t events = 0;

	(void)l;
	mutex_enter(&pi->pi_lock);
	if (file_readable(fp)) {
		if (!pipe_empty(pi))
			events |= PIPE_IN;
		/* f_offset: a fifo that nobody has opened for writing since. */
		if (pi->pi_writers == 0 && fp->f_offset != pi->pi_wopens)
			events |= POLLHUP;
	}
	if (file_writable(fp)) {
		if (!pipe_full(pi))
			events |= PIPE_OUT;
		if (pi->pi_readers == 0)
			events |= POLLERR;
	}
	if (ps != NULL) {
		ps->ps_in = pipe_bytes(pi);
		ps->ps_out =
		    (int64_t)(pi->pi_nslots - pi->pi_head + pi->pi_tail) *
		    KPAGE_SIZE;
	}
	mutex_exit(&pi->pi_lock);
	return events;
}

struct klist *
pipe_klist(struct file *fp)
{
	struct pipe *pi = fp->f_data;

	return &pi->pi_klist;
}

/*
 * Control
 */

static ino_t
pipe_ino(struct pipe *pi)
{
	ino_t ino = atomic_load_explicit(&pi->pi_ino, memory_order_relaxed);

	KASSERT(mutex_owned(&pi->pi_lock));
	if (ino == 0) {
		ino = atomic_fetch_add_explicit(
			  &last_ino, 1, memory_order_relaxed) +
		      1;
		atomic_store_explicit(&pi->pi_ino, ino, memory_order_relaxed);
	}
	return ino;
}

static int
pipe_stat(struct lwp *l, struct file *fp, struct stat *st)
{
	struct pipe *pi = fp->f_data;
	struct timespec now;

	(void)l;
	memset(st, 0, sizeof(*st));
	kern_realtime(&now);
	mutex_enter(&pi->pi_lock);
	if ((pi->pi_marks & PM_ATIME) != 0)
		pi->pi_atime = now;
	if ((pi->pi_marks & PM_MTIME) != 0)
		pi->pi_mtime = now;
	if ((pi->pi_marks & PM_CTIME) != 0)
		pi->pi_ctime = now;
	pi->pi_marks = 0;
	st->st_atim = pi->pi_atime;
	st->st_mtim = pi->pi_mtime;
	st->st_ctim = pi->pi_ctime;
	st->st_ino = pipe_ino(pi);
	mutex_exit(&pi->pi_lock);
	st->st_dev = PIPE_DEV;
	st->st_mode = S_IFIFO | 0600;
	st->st_nlink = 1;
	st->st_uid = pi->pi_uid;
	st->st_gid = pi->pi_gid;
	st->st_blksize = KPAGE_SIZE;
	return 0;
}

int
pipe_ioctl(
    struct lwp *l, struct file *fp, unsigned long cmd, void *data, int *retval)
{
	struct pipe *pi = fp->f_data;
	int n;

	(void)l, (void)retval;
	if (cmd != FIONREAD)
		return ENOTTY;
	mutex_enter(&pi->pi_lock);
	n = (int)pipe_bytes(pi);
	mutex_exit(&pi->pi_lock);
	return copyout(&n, data, sizeof(n));
}

static void
pipe_free_slots(struct pipe *pi)
{
	if (pi->pi_slots != pi->pi_few)
		kmem_free(pi->pi_slots, pi->pi_nslots * sizeof(*pi->pi_slots));
}

/* Make the capacity nslots pieces.  EBUSY, ENOMEM. */
static int
pipe_resize(struct pipe *pi, uint32_t nslots)
{
	struct pipeslot few[PIPE_SLOTS], *slots = few;
	uint32_t i, n = pi->pi_head - pi->pi_tail;

	KASSERT(mutex_owned(&pi->pi_lock));
	if (n > nslots)
		return EBUSY;
	if (nslots > PIPE_SLOTS &&
	    (slots = kmem_alloc(nslots * sizeof(*slots))) == NULL)
		return ENOMEM;
	for (i = 0; i < n; i++)
		slots[i] = *pipe_slot(pi, pi->pi_tail + i);
	pipe_free_slots(pi);
	if (slots == few) {
		memcpy(pi->pi_few, few, n * sizeof(*slots));
		slots = pi->pi_few;
	}
	pi->pi_slots = slots;
	pi->pi_nslots = nslots;
	pi->pi_tail = 0;
	pi->pi_head = n;
	pipe_wake(pi, PIPE_OUT);
	return 0;
}

static int
pipe_setsize(struct lwp *l, struct pipe *pi, uint32_t want, int *retval)
{
	uint32_t size = KPAGE_SIZE;
	int error;

	if (want > PIPE_MAXSIZE)
		return EINVAL;
	while (size < want)
		size *= 2;
	mutex_enter(&pi->pi_lock);
	if (size / KPAGE_SIZE > pi->pi_nslots && size > PIPE_MAXUSERSIZE &&
	    !cred_is_root(proc_cred(l->l_proc)))
		error = EPERM;
	else
		error = pipe_resize(pi, size / KPAGE_SIZE);
	mutex_exit(&pi->pi_lock);
	if (error == 0)
		*retval = (int)size;
	return error;
}

int
pipe_fcntl(struct lwp *l, struct file *fp, int cmd, uintptr_t arg, int *retval)
{
	struct pipe *pi = fp->f_data;

	switch (cmd) {
	case F_GETPIPE_SZ:
		mutex_enter(&pi->pi_lock);
		*retval = (int)(pi->pi_nslots * KPAGE_SIZE);
		mutex_exit(&pi->pi_lock);
		return 0;
	case F_SETPIPE_SZ:
		return pipe_setsize(l, pi, (uint32_t)arg, retval);
	}
	return EINVAL;
}

/*
 * Life
 */

struct pipe *
pipe_alloc(void)
{
	struct pipe *pi = kcache_alloc(pipe_cache);

	if (pi == NULL)
		return NULL;
	memset(pi, 0, offsetof(struct pipe, pi_few));
	pi->pi_slots = pi->pi_few;
	pi->pi_nslots = PIPE_SLOTS;
	pi->pi_marks = PM_ATIME | PM_MTIME | PM_CTIME;
	pi->pi_refs = 1;
	return pi;
}

/* Drop the data, the pages and any capacity that was asked for. */
static void
pipe_purge(struct pipe *pi)
{
	while (!pipe_empty(pi))
		pipe_shift(pi);
	while (pi->pi_nspare > 0)
		kpage_free(pi->pi_spare[--pi->pi_nspare], 0);
	pipe_free_slots(pi);
	pi->pi_slots = pi->pi_few;
	pi->pi_nslots = PIPE_SLOTS;
}

/* Drop a reference, and the lock. */
static void
pipe_rele_locked(struct pipe *pi)
{
	bool last = --pi->pi_refs == 0;

	KASSERT(mutex_owned(&pi->pi_lock));
	mutex_exit(&pi->pi_lock);
	if (last)
		kcache_free(pipe_cache, pi);
}

void
pipe_rele(struct pipe *pi)
{
	mutex_enter(&pi->pi_lock);
	pipe_rele_locked(pi);
}

void
pipe_open_ends(struct pipe *pi, uint32_t flags)
{
	if ((flags & O_ACCMODE) != O_WRONLY) {
		pi->pi_readers++;
		pi->pi_ropens++;
	}
	if ((flags & O_ACCMODE) != O_RDONLY) {
		pi->pi_writers++;
		pi->pi_wopens++;
	}
}

uint32_t
pipe_close_ends(struct pipe *pi, uint32_t flags)
{
	if ((flags & O_ACCMODE) != O_WRONLY && --pi->pi_readers == 0)
		cv_broadcast(&pi->pi_wcv);
	if ((flags & O_ACCMODE) != O_RDONLY && --pi->pi_writers == 0)
		cv_broadcast(&pi->pi_rcv);
	if (pi->pi_readers == 0 && pi->pi_writers == 0) {
		pipe_purge(pi);
		return 0;
	}
	return pi->pi_readers == 0 || pi->pi_writers == 0 ? KLIST_ALL : 0;
}

void
pipe_tell_closed(struct pipe *pi, uint32_t hint)
{
	klist_notify(&pi->pi_klist, hint);
	if (hint != KLIST_ALL)
		return;
	klist_async(&pi->pi_klist, POLL_IN);
	klist_async(&pi->pi_klist, POLL_OUT);
}

pid_t
pipe_async(struct lwp *l, struct file *fp)
{
	(void)l, (void)fp;
	return 0;
}

static void
pipe_close(struct file *fp)
{
	struct pipe *pi = fp->f_data;
	uint32_t hint;

	mutex_enter(&pi->pi_lock);
	hint = pipe_close_ends(pi, file_flags(fp));
	if (klist_waited(&pi->pi_klist)) {
		mutex_exit(&pi->pi_lock);
		pipe_tell_closed(pi, hint);
		mutex_enter(&pi->pi_lock);
	}
	pipe_rele_locked(pi);
}

const struct fileops pipe_fileops = {
    .fo_read = pipe_read,
    .fo_write = pipe_write,
    .fo_fastread = pipe_fastread,
    .fo_fastwrite = pipe_fastwrite,
    .fo_stat = pipe_stat,
    .fo_ioctl = pipe_ioctl,
    .fo_fcntl = pipe_fcntl,
    .fo_poll = pipe_poll,
    .fo_klist = pipe_klist,
    .fo_async = pipe_async,
    .fo_close = pipe_close,
};
