/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owners of files, and SIGIO; see fowner.h.
 *
 * Whom a signal is for is copied under the lock of the list, and the signal
 * posted without.  A process is known by its serial number too, and a group is
 * held, so that a signal reaches nobody who came later.
 *
 * Locks: f_lock of the file, to switch O_ASYNC; kl_lock, then fo_lock;
 * owners_lock, which is held with none of them.
 */
#include "kern/fowner.h"

#include <fcntl.h>

#include "kern/kern.h"
#include "kern/signal_impl.h"
#include "kern/uio.h"

struct fowner {
	LIST_ENTRY(fowner) fo_link; /* owners_lock */
	struct kmutex fo_lock;
	struct fowner_dest fo_dest; /* (fo_lock) */
	struct knote fo_note;	    /* hangs while O_ASYNC is on; f_lock */
	bool fo_attached;	    /* f_lock */
};

static void
fowner_closing(struct knote *kn)
{
	/* fowner_free follows. */
	(void)kn;
}

static const struct knote_ops fowner_ops = {.ko_closing = fowner_closing};

/*
 * Which file has which: few have any.
 */

#define NOWNERS 64

static size_t
file_hash(const struct file *fp)
{
	uint64_t h = (uint64_t)(uintptr_t)fp * UINT64_C(0x9e3779b97f4a7c15);

	return h >> 58;
}

static struct kmutex owners_lock;
static LIST_HEAD(, fowner) owners[NOWNERS];

static struct fowner *
owners_find(const struct file *fp)
{
	struct fowner *fo;

	KASSERT(mutex_owned(&owners_lock));
	LIST_FOREACH (fo, &owners[file_hash(fp)], fo_link)
		if (fo->fo_note.kn_file == fp)
			break;
	return fo;
}

/* The file's owner, or NULL; it stays as long as the file. */
static struct fowner *
fowner_peek(struct file *fp)
{
	struct fowner *fo;

	if (atomic_load_explicit(&fp->f_owned, memory_order_relaxed) == 0)
		return NULL;
	mutex_enter(&owners_lock);
	fo = owners_find(fp);
	mutex_exit(&owners_lock);
	return fo;
}

/* The same, but one is made if there is none.  ENOMEM. */
static int
fowner_get(struct file *fp, struct fowner **fop)
{
	struct fowner *fresh;

	if ((*fop = fowner_peek(fp)) != NULL)
		return 0;
	if ((fresh = kmem_zalloc(sizeof(*fresh))) == NULL)
		return ENOMEM;
	fresh->fo_note.kn_file = fp;
	fresh->fo_note.kn_ops = &fowner_ops;
	mutex_enter(&owners_lock);
	if ((*fop = owners_find(fp)) == NULL) {
		*fop = fresh;
		LIST_INSERT_HEAD(&owners[file_hash(fp)], fresh, fo_link);
		atomic_store_explicit(&fp->f_owned, 1, memory_order_relaxed);
	}
	mutex_exit(&owners_lock);
	if (*fop != fresh)
		kmem_free(fresh, sizeof(*fresh));
	return 0;
}

void
fowner_free(struct file *fp)
{
	struct fowner *fo;

	mutex_enter(&owners_lock);
	fo = owners_find(fp);
	LIST_REMOVE(fo, fo_link);
	mutex_exit(&owners_lock);
	if (fo->fo_dest.d_pgrp != NULL)
		kref_rele(&fo->fo_dest.d_pgrp->pg_ref);
	kmem_free(fo, sizeof(*fo));
}

/*
 * Naming it
 */

/* Whom type and id name for l; 0 is nobody.  EINVAL, ESRCH. */
static int
dest_find(struct lwp *l, int type, pid_t id, struct fowner_dest *d)
{
	struct proc *p = l->l_proc;

	memset(d, 0, sizeof(*d));
	d->d_type = type;
	d->d_uid = proc_cred(p)->cr_ruid;
	d->d_euid = proc_cred(p)->cr_euid;
	if (id == 0)
		return 0;
	if (type == F_OWNER_PGRP) {
		if ((d->d_pgrp = pgrp_find(id)) == NULL)
			return ESRCH;
		if (pgrp_has_members(d->d_pgrp))
			return 0;
		kref_rele(&d->d_pgrp->pg_ref);
		return ESRCH;
	}
	if (type == F_OWNER_TID) {
		mutex_enter(&p->p_lock);
		if (proc_lwp(p, id) != NULL)
			d->d_lid = id;
	} else if ((p = proc_find_locked(id)) == NULL)
		return ESRCH;
	d->d_pid = proc_pid(p);
	d->d_serial = p->p_serial;
	mutex_exit(&p->p_lock);
	return type == F_OWNER_TID && d->d_lid == 0 ? ESRCH : 0;
}

/* Is whom it names still there? */
static bool
dest_alive(const struct fowner_dest *d)
{
	struct proc *p;
	bool alive;

	if (d->d_pgrp != NULL)
		return pgrp_has_members(d->d_pgrp);
	if (d->d_pid == 0 || (p = proc_find_locked(d->d_pid)) == NULL)
		return false;
	alive = p->p_serial == d->d_serial &&
		(d->d_lid == 0 || proc_lwp(p, d->d_lid) != NULL);
	mutex_exit(&p->p_lock);
	return alive;
}

/* Put d in place of what was; unless `force', only for nobody. */
static void
fowner_set(struct fowner *fo, struct fowner_dest *d, bool force)
{
	struct pgrp *old = d->d_pgrp;

	mutex_enter(&fo->fo_lock);
	if (force || (fo->fo_dest.d_pid == 0 && fo->fo_dest.d_pgrp == NULL)) {
		old = fo->fo_dest.d_pgrp;
		d->d_signo = fo->fo_dest.d_signo;
		d->d_fd = fo->fo_dest.d_fd;
		fo->fo_dest = *d;
	}
	mutex_exit(&fo->fo_lock);
	if (old != NULL)
		kref_rele(&old->pg_ref);
}

static int
fowner_setown(struct lwp *l, struct file *fp, int type, pid_t id, bool force)
{
	struct fowner *fo;
	struct fowner_dest d;
	int error;

	if ((error = fowner_get(fp, &fo)) == 0 &&
	    (error = dest_find(l, type, id, &d)) == 0)
		fowner_set(fo, &d, force);
	return error;
}

/* With a reference to the group. */
static void
dest_copy(struct fowner *fo, struct fowner_dest *d)
{
	mutex_enter(&fo->fo_lock);
	*d = fo->fo_dest;
	if (d->d_pgrp != NULL)
		kref_hold(&d->d_pgrp->pg_ref);
	mutex_exit(&fo->fo_lock);
}

/* As F_GETOWN_EX gives it: 0 for nobody. */
static struct f_owner_ex
fowner_getown(struct file *fp)
{
	struct f_owner_ex ex = {F_OWNER_TID, 0};
	struct fowner *fo = fowner_peek(fp);
	struct fowner_dest d;

	if (fo == NULL)
		return ex;
	dest_copy(fo, &d);
	ex.type = (enum __pid_type)d.d_type;
	if (dest_alive(&d))
		ex.pid = d.d_pgrp != NULL ? d.d_pgrp->pg_id
			 : d.d_lid != 0	  ? d.d_lid
					  : d.d_pid;
	if (d.d_pgrp != NULL)
		kref_rele(&d.d_pgrp->pg_ref);
	return ex;
}

static int
fowner_setown_ex(struct lwp *l, struct file *fp, const struct f_owner_ex *uex)
{
	struct f_owner_ex ex;
	int error = copyin(uex, &ex, sizeof(ex));

	if (error != 0)
		return error;
	if (ex.type != F_OWNER_TID && ex.type != F_OWNER_PID &&
	    ex.type != F_OWNER_PGRP)
		return EINVAL;
	if (ex.pid < 0)
		return ESRCH;
	return fowner_setown(l, fp, (int)ex.type, ex.pid, true);
}

static int
fowner_setsig(struct file *fp, uintptr_t signo)
{
	struct fowner *fo;
	int error;

	if (signo > NSIGNAL)
		return EINVAL;
	if ((error = fowner_get(fp, &fo)) != 0)
		return error;
	mutex_enter(&fo->fo_lock);
	fo->fo_dest.d_signo = (int)signo;
	mutex_exit(&fo->fo_lock);
	return 0;
}

static int
fowner_getsig(struct file *fp)
{
	struct fowner *fo = fowner_peek(fp);
	int signo = 0;

	if (fo != NULL) {
		mutex_enter(&fo->fo_lock);
		signo = fo->fo_dest.d_signo;
		mutex_exit(&fo->fo_lock);
	}
	return signo;
}

int
fowner_fcntl(
    struct lwp *l, struct file *fp, int cmd, uintptr_t arg, int *retval)
{
	struct f_owner_ex ex;
	int id = (int)arg;

	*retval = 0;
	switch (cmd) {
	case F_SETOWN:
		if (id == INT_MIN)
			return EINVAL;
		return fowner_setown(l, fp, id < 0 ? F_OWNER_PGRP : F_OWNER_PID,
		    id < 0 ? -id : id, true);
	case F_GETOWN:
		ex = fowner_getown(fp);
		*retval = ex.type == F_OWNER_PGRP ? -ex.pid : ex.pid;
		return 0;
	case F_SETOWN_EX:
		return fowner_setown_ex(l, fp, (const struct f_owner_ex *)arg);
	case F_GETOWN_EX:
		ex = fowner_getown(fp);
		return copyout(&ex, (void *)arg, sizeof(ex));
	case F_SETSIG:
		return fowner_setsig(fp, arg);
	default:
		*retval = fowner_getsig(fp);
		return 0;
	}
}

int
fowner_default(struct lwp *l, struct file *fp)
{
	return fowner_setown(l, fp, F_OWNER_PID, proc_pid(l->l_proc), false);
}

int
fowner_setasync(struct lwp *l, int fd, struct file *fp, bool on)
{
	struct fowner *fo = fowner_peek(fp);
	pid_t owner;
	int error;

	if (on) {
		owner = fp->f_ops->fo_async(l, fp);
		error = owner == 0 ? fowner_get(fp, &fo)
				   : fowner_setown(l, fp,
					 owner < 0 ? F_OWNER_PGRP : F_OWNER_PID,
					 owner < 0 ? -owner : owner, false);
		if (error != 0)
			return error;
		fo = fowner_peek(fp);
	}
	mutex_enter(&fp->f_lock);
	if (on != (fo != NULL && fo->fo_attached)) {
		if (on) {
			mutex_enter(&fo->fo_lock);
			fo->fo_dest.d_fd = fd;
			mutex_exit(&fo->fo_lock);
			knote_attach(fp->f_ops->fo_klist(fp), &fo->fo_note);
		} else
			(void)knote_detach(&fo->fo_note);
		fo->fo_attached = on;
	}
	file_setflags(fp, O_ASYNC, on ? O_ASYNC : 0);
	mutex_exit(&fp->f_lock);
	return 0;
}

/*
 * Posting
 */

static bool
dest_may(const struct fowner_dest *d, const struct cred *cr)
{
	return d->d_euid == 0 || d->d_euid == cr->cr_svuid ||
	       d->d_euid == cr->cr_ruid || d->d_uid == cr->cr_svuid ||
	       d->d_uid == cr->cr_ruid;
}

/* A signal that was asked for, which may not be queued: then SIGIO. */
static int
dest_queue(struct proc *p, struct lwp *l, const struct fowner_dest *d, int code,
    unsigned *after)
{
	const uint64_t specific =
	    SIGBIT(SIGILL) | SIGBIT(SIGFPE) | SIGBIT(SIGSEGV) | SIGBIT(SIGBUS) |
	    SIGBIT(SIGTRAP) | SIGBIT(SIGCHLD) | SIGBIT(SIGSYS);
	siginfo_t info;

	if (d->d_signo == 0)
		return EAGAIN;
	memset(&info, 0, sizeof(info));
	info.si_signo = d->d_signo;
	info.si_code = (SIGBIT(d->d_signo) & specific) != 0 ? SI_SIGIO : code;
	info.si_band = code == POLL_IN	  ? POLLIN | POLLRDNORM
		       : code == POLL_MSG ? POLLIN | POLLRDNORM | POLLMSG
		       : code == POLL_OUT ? POLLOUT | POLLWRNORM | POLLWRBAND
		       : code == POLL_ERR ? POLLERR
					  : POLLHUP | POLLERR;
	info.si_fd = d->d_fd;
	return signal_post(p, l, &info, SP_KERNEL | SP_LOSSLESS, after);
}

static void
dest_post_one(const struct fowner_dest *d, pid_t pid, uint64_t serial, int code)
{
	siginfo_t info = {.si_signo = SIGIO, .si_code = SI_KERNEL};
	struct proc *p = proc_find_locked(pid);
	int signo = d->d_signo;
	struct lwp *l = NULL;
	unsigned after = 0;

	if (p == NULL)
		return;
	if ((serial == 0 || p->p_serial == serial) &&
	    dest_may(d, proc_cred(p)) &&
	    (d->d_lid == 0 || (l = proc_lwp(p, d->d_lid)) != NULL) &&
	    dest_queue(p, l, d, code, &after) != 0) {
		signo = SIGIO;
		(void)signal_post(p, l, &info, SP_KERNEL, &after);
	}
	mutex_exit(&p->p_lock);
	signal_after(p, signo, after);
}

/* Drops the reference to the group. */
static void
dest_post(struct fowner_dest *d, int code)
{
	pid_t *pids;
	size_t i, n, size;

	if (d->d_pgrp == NULL) {
		if (d->d_pid != 0)
			dest_post_one(d, d->d_pid, d->d_serial, code);
		return;
	}
	/* Without memory for its members the group is not told. */
	if (pgrp_pids(d->d_pgrp, &pids, &size, &n) == 0) {
		for (i = 0; i < n; i++)
			dest_post_one(d, pids[i], 0, code);
		if (size != 0)
			kmem_free(pids, size);
	}
	kref_rele(&d->d_pgrp->pg_ref);
}

/* Is it open for what the code is about? */
static bool
file_does(const struct file *fp, int code)
{
	return code == POLL_IN	  ? file_readable(fp)
	       : code == POLL_OUT ? file_writable(fp)
				  : true;
}

/* Whom the nth file that can do it is for.  False: there are not so many. */
static bool
klist_dest(struct klist *kl, unsigned n, int code, struct fowner_dest *d)
{
	struct knote *kn;

	mutex_enter(&kl->kl_lock);
	LIST_FOREACH (kn, &kl->kl_notes, kn_link) {
		if (kn->kn_ops != &fowner_ops || !file_does(kn->kn_file, code))
			continue;
		if (n-- == 0)
			break;
	}
	if (kn != NULL)
		dest_copy(container_of(kn, struct fowner, fo_note), d);
	mutex_exit(&kl->kl_lock);
	return kn != NULL;
}

void
klist_async_slow(struct klist *kl, int code)
{
	struct fowner_dest d;
	unsigned n;

	for (n = 0; klist_dest(kl, n, code, &d); n++)
		dest_post(&d, code);
}

bool
fowner_dest(struct file *fp, int fd, struct fowner_dest *d)
{
	struct fowner *fo = fowner_peek(fp);

	if (fo == NULL)
		return false;
	dest_copy(fo, d);
	d->d_fd = fd;
	return true;
}

void
fowner_post(struct fowner_dest *d, int code, unsigned times)
{
	struct fowner_dest one;

	for (; times > 0; times--) {
		one = *d;
		if (times > 1 && d->d_pgrp != NULL)
			kref_hold(&d->d_pgrp->pg_ref);
		dest_post(&one, code);
	}
}
