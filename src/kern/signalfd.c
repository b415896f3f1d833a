/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * signalfd: signals that are read.
 *
 * What can be read depends on who reads: a signal of the mask that is pending
 * for the calling lwp or its process.  So nothing is kept here but the mask;
 * a read takes what is pending as sigtimedwait does.
 *
 * A process that waits for a signalfd, or has made it, is linked with it, and
 * every signal that becomes pending in the process is told to who polls the
 * signalfds that it is linked with (signalfd_tell).  A link lasts until either
 * of the two ends.
 *
 * Locks: siglink_lock, then p_lock of the process.
 */
#include "kern/signalfd.h"

#include <sys/signalfd.h>

#include <fcntl.h>

#include "kern/event.h"
#include "kern/kern.h"
#include "kern/signal_impl.h"
#include "sysproto.h"

/* Letters: (k) siglink_lock; (p) the same and p_lock; (a) atomic; (s) stable.
 */
struct siglink {
	LIST_ENTRY(siglink) sk_plink; /* (p) of the process */
	LIST_ENTRY(siglink) sk_flink; /* (k) of the signalfd */
	struct proc *sk_proc;	      /* (s) */
	struct signalfd *sk_signalfd; /* (s) */
};

struct signalfd {
	_Atomic uint64_t sf_mask; /* (a) */
	struct klist sf_klist;
	LIST_HEAD(, siglink) sf_links; /* (k) */
};

static struct kmutex siglink_lock;

/*
 * Links
 */

static struct siglink *
siglink_find(struct proc *p, const struct signalfd *sf)
{
	struct siglink *sk;

	KASSERT(mutex_owned(&p->p_lock));
	LIST_FOREACH (sk, &p->p_siglinks, sk_plink)
		if (sk->sk_signalfd == sf)
			break;
	return sk;
}

static void
siglink_remove(struct siglink *sk)
{
	KASSERT(mutex_owned(&sk->sk_proc->p_lock));
	LIST_REMOVE(sk, sk_plink);
	LIST_REMOVE(sk, sk_flink);
	kmem_free(sk, sizeof(*sk));
}

/* Link the caller's process with it, if it is not.  ENOMEM. */
static int
signalfd_link(struct proc *p, struct signalfd *sf)
{
	struct siglink *sk, *old;

	mutex_enter(&p->p_lock);
	old = siglink_find(p, sf);
	mutex_exit(&p->p_lock);
	if (old != NULL)
		return 0;
	if ((sk = kmem_alloc(sizeof(*sk))) == NULL)
		return ENOMEM;
	sk->sk_proc = p;
	sk->sk_signalfd = sf;
	mutex_enter(&siglink_lock);
	mutex_enter(&p->p_lock);
	/* Another lwp of the process may have been faster. */
	if ((old = siglink_find(p, sf)) == NULL) {
		LIST_INSERT_HEAD(&p->p_siglinks, sk, sk_plink);
		LIST_INSERT_HEAD(&sf->sf_links, sk, sk_flink);
		atomic_fetch_or_explicit(
		    &p->p_flags, PF_SIGNAL, memory_order_relaxed);
	}
	mutex_exit(&p->p_lock);
	mutex_exit(&siglink_lock);
	if (old != NULL)
		kmem_free(sk, sizeof(*sk));
	return 0;
}

void
signalfd_exit(struct proc *p)
{
	struct siglink *sk;

	mutex_enter(&siglink_lock);
	mutex_enter(&p->p_lock);
	while ((sk = LIST_FIRST(&p->p_siglinks)) != NULL)
		siglink_remove(sk);
	mutex_exit(&p->p_lock);
	mutex_exit(&siglink_lock);
}

void
signalfd_tell(struct proc *p)
{
	struct siglink *sk;

	KASSERT(mutex_owned(&p->p_lock));
	if (likely(LIST_EMPTY(&p->p_siglinks)))
		return;
	/* Whatever the masks are: so does the host, and EPOLLET shows it. */
	LIST_FOREACH (sk, &p->p_siglinks, sk_plink)
		klist_notify(&sk->sk_signalfd->sf_klist, POLLIN | KLIST_NOKEY);
	cv_broadcast(&p->p_cv);
}

/*
 * The file
 */

static uint64_t
signalfd_mask(struct signalfd *sf)
{
	return atomic_load_explicit(&sf->sf_mask, memory_order_relaxed);
}

static int
signalfd_listen(struct lwp *l, struct file *fp)
{
	return signalfd_link(l->l_proc, fp->f_data);
}

/* Which of the fields of a siginfo it has, beyond those of all. */
enum layout { SIG_KILL, SIG_CHLD, SIG_FAULT, SIG_POLL, SIG_TIMER, SIG_RT };

static enum layout
signal_layout(const siginfo_t *info)
{
	const uint64_t faults = SIGBIT(SIGILL) | SIGBIT(SIGFPE) |
				SIGBIT(SIGSEGV) | SIGBIT(SIGBUS) |
				SIGBIT(SIGTRAP);
	int code = info->si_code;

	if (code == SI_TIMER)
		return SIG_TIMER;
	if (code == SI_SIGIO)
		return SIG_POLL;
	if (code < 0)
		return SIG_RT;
	if (code == SI_USER || code >= SI_KERNEL)
		return SIG_KILL;
	if (info->si_signo == SIGCHLD && code <= CLD_CONTINUED)
		return SIG_CHLD;
	if ((SIGBIT(info->si_signo) & faults) != 0)
		return SIG_FAULT;
	return code <= POLL_HUP ? SIG_POLL : SIG_KILL;
}

static void
siginfo_pack(const siginfo_t *info, struct signalfd_siginfo *si)
{
	memset(si, 0, sizeof(*si));
	si->ssi_signo = (uint32_t)info->si_signo;
	si->ssi_errno = info->si_errno;
	si->ssi_code = info->si_code;
	switch (signal_layout(info)) {
	case SIG_TIMER:
		si->ssi_tid = (uint32_t)info->si_timerid;
		si->ssi_overrun = (uint32_t)info->si_overrun;
		si->ssi_ptr = (uintptr_t)info->si_ptr;
		si->ssi_int = info->si_int;
		return;
	case SIG_POLL:
		si->ssi_band = (uint32_t)info->si_band;
		si->ssi_fd = info->si_fd;
		return;
	case SIG_FAULT:
		si->ssi_addr = (uintptr_t)info->si_addr;
		return;
	case SIG_CHLD:
		si->ssi_status = info->si_status;
		si->ssi_utime = (uint64_t)info->si_utime;
		si->ssi_stime = (uint64_t)info->si_stime;
		break;
	case SIG_RT:
		si->ssi_ptr = (uintptr_t)info->si_ptr;
		si->ssi_int = info->si_int;
		break;
	case SIG_KILL:
		break;
	}
	si->ssi_pid = (uint32_t)info->si_pid;
	si->ssi_uid = info->si_uid;
}

/* Take a signal, waiting for it unless nowait.  EAGAIN, EINTR. */
static int
signalfd_take(struct lwp *l, struct signalfd *sf, bool nowait, siginfo_t *info)
{
	struct proc *p = l->l_proc;
	bool taken;
	int error = 0;

	mutex_enter(&p->p_lock);
	/* Also after an interrupt: what was taken is not lost. */
	while (
	    !(taken = sigq_take(l, signalfd_mask(sf), info) != 0) && error == 0)
		error = nowait ? EAGAIN : cv_wait_sig(&p->p_cv, &p->p_lock);
	mutex_exit(&p->p_lock);
	return taken ? 0 : error;
}

static int
signalfd_read(struct lwp *l, struct file *fp, off_t *offp, struct uio *uio)
{
	bool nowait = (file_flags(fp) & O_NONBLOCK) != 0 ||
		      (uio->uio_flags & UIO_NOWAIT) != 0;
	struct signalfd_siginfo si;
	siginfo_t info;
	int error;

	(void)offp;
	if (uio->uio_resid < sizeof(si))
		return EINVAL;
	if ((error = signalfd_link(l->l_proc, fp->f_data)) != 0)
		return error;
	do {
		error = signalfd_take(l, fp->f_data, nowait, &info);
		if (error == 0) {
			siginfo_pack(&info, &si);
			error = uiomove(&si, sizeof(si), uio);
		}
		nowait = true;
	} while (error == 0 && uio->uio_resid >= sizeof(si));
	return error;
}

static int
signalfd_write(struct lwp *l, struct file *fp, off_t *offp, struct uio *uio)
{
	(void)l, (void)fp, (void)offp, (void)uio;
	return EINVAL;
}

static uint32_t
signalfd_poll(struct lwp *l, struct file *fp, struct pollsize *ps)
{
	struct signalfd *sf = fp->f_data;
	struct proc *p = l->l_proc;
	bool pending;

	mutex_enter(&p->p_lock);
	pending = (sigq_pending(l) & signalfd_mask(sf)) != 0;
	mutex_exit(&p->p_lock);
	if (ps != NULL)
		*ps = (struct pollsize){
		    .ps_in =
			pending ? (int64_t)sizeof(struct signalfd_siginfo) : 0};
	return pending ? POLLIN : 0;
}

static struct klist *
signalfd_klist(struct file *fp)
{
	struct signalfd *sf = fp->f_data;

	return &sf->sf_klist;
}

static void
signalfd_close(struct file *fp)
{
	struct signalfd *sf = fp->f_data;
	struct siglink *sk;
	struct proc *p;

	mutex_enter(&siglink_lock);
	while ((sk = LIST_FIRST(&sf->sf_links)) != NULL) {
		p = sk->sk_proc;
		mutex_enter(&p->p_lock);
		siglink_remove(sk);
		mutex_exit(&p->p_lock);
	}
	mutex_exit(&siglink_lock);
	kmem_free(sf, sizeof(*sf));
}

static const struct fileops signalfd_fileops = {
    .fo_name = "signalfd",
    .fo_read = signalfd_read,
    .fo_write = signalfd_write,
    .fo_stat = file_statanon,
    .fo_poll = signalfd_poll,
    .fo_klist = signalfd_klist,
    .fo_listen = signalfd_listen,
    .fo_close = signalfd_close,
};

/*
 * Calls
 */

static int
signalfd_create(struct lwp *l, uint64_t mask, int flags, int *retval)
{
	struct signalfd *sf;
	struct file *fp;
	int error;

	if ((sf = kmem_zalloc(sizeof(*sf))) == NULL)
		return ENOMEM;
	atomic_store_explicit(&sf->sf_mask, mask, memory_order_relaxed);
	if ((error = file_alloc(l, &fp)) != 0)
		goto fail;
	if ((error = fd_alloc(l, 0, retval)) != 0) {
		file_abort(fp);
		goto fail;
	}
	fp->f_data = sf;
	fp->f_ops = &signalfd_fileops;
	atomic_store_explicit(&fp->f_flags,
	    O_RDWR | (uint32_t)(flags & SFD_NONBLOCK), memory_order_relaxed);
	fd_affix(l, *retval, fp, (flags & SFD_CLOEXEC) != 0);
	return 0;

fail:
	kmem_free(sf, sizeof(*sf));
	return error;
}

/* Give the signalfd fd another mask. */
static int
signalfd_update(struct lwp *l, int fd, uint64_t mask)
{
	struct proc *p = l->l_proc;
	struct signalfd *sf;
	struct file *fp;
	int error;

	if ((error = fd_getopen(l, fd, &fp)) != 0)
		return error;
	if (fp->f_ops != &signalfd_fileops)
		error = EINVAL;
	else {
		sf = fp->f_data;
		atomic_store_explicit(&sf->sf_mask, mask, memory_order_relaxed);
		mutex_enter(&p->p_lock);
		signalfd_tell(p);
		mutex_exit(&p->p_lock);
	}
	fd_putfile(l, fp);
	return error;
}

int
sys_signalfd(
    struct lwp *l, int fd, const sigset_t *umask, int flags, int *retval)
{
	uint64_t mask;
	int error;

	/* glibc's sets have room for more signals than there are. */
	if ((error = copyin(umask, &mask, sizeof(mask))) != 0)
		return error;
	if ((flags & ~(SFD_CLOEXEC | SFD_NONBLOCK)) != 0)
		return EINVAL;
	mask &= ~SIGNAL_NOMASK;
	if (fd == -1)
		return signalfd_create(l, mask, flags, retval);
	*retval = fd;
	return signalfd_update(l, fd, mask);
}

int
sys_signalfd4(struct lwp *l, int fd, const void *mask, size_t size, int flags,
    int *retval)
{
	if (size != sizeof(uint64_t))
		return EINVAL;
	return sys_signalfd(l, fd, mask, flags, retval);
}
