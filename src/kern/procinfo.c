/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes as others see them.
 *
 * A process that is dying can still be looked at, but its descriptor table is
 * on its way out: that is there for others while the process is active.
 */
#include "kern/procinfo.h"

#include "kern/fdtab.h"
#include "kern/lwp.h"
#include "kern/proc_impl.h"

static bool
proc_isdying(struct proc *p)
{
	return atomic_load_explicit(&p->p_state, memory_order_relaxed) !=
	       PROC_ACTIVE;
}

int
proc_id(pid_t pid, struct procid *id)
{
	struct proc *p = proc_find_locked(pid);

	if (p == NULL)
		return ESRCH;
	id->id_pid = pid;
	id->id_serial = p->p_serial;
	mutex_exit(&p->p_lock);
	return 0;
}

/* p_lock is held; NULL: it is no more. */
static struct proc *
procid_enter(const struct procid *id)
{
	struct proc *p = proc_find_locked(id->id_pid);

	if (p != NULL && p->p_serial != id->id_serial) {
		mutex_exit(&p->p_lock);
		p = NULL;
	}
	return p;
}

static bool
lwp_isasleep(struct lwp *l)
{
	return lwp_owner(l) < LWP_RUNNING ||
	       atomic_load_explicit(&l->l_sleep, memory_order_relaxed) ==
		   LWP_ASLEEP;
}

/*
 * The descriptor table of a process, which stays as long as p_lock is held.
 * It is read as fd_getref does: its own lwp may change it without a lock.
 */
static struct filedesc *
proc_filedesc(struct proc *p)
{
	KASSERT(mutex_owned(&p->p_lock));
	return proc_isdying(p)
		   ? NULL
		   : atomic_load_explicit(&p->p_fd, memory_order_acquire);
}

/* Slots of the process's table. */
static uint32_t
proc_fdsize(struct proc *p)
{
	struct filedesc *fdp = proc_filedesc(p);

	return fdp != NULL ? filedesc_look(fdp)->ft_size : 0;
}

static void
procinfo_ids(struct procinfo *pi, const struct cred *cr)
{
	pi->pi_uid[0] = cr->cr_ruid;
	pi->pi_uid[1] = cr->cr_euid;
	pi->pi_uid[2] = cr->cr_svuid;
	pi->pi_uid[3] = cr->cr_fsuid;
	pi->pi_gid[0] = cr->cr_rgid;
	pi->pi_gid[1] = cr->cr_egid;
	pi->pi_gid[2] = cr->cr_svgid;
	pi->pi_gid[3] = cr->cr_fsgid;
}

int
proc_getinfo(const struct procid *id, struct procinfo *pi)
{
	struct proc *p = procid_enter(id);
	struct lwp *l;
	uint32_t flags;

	if (p == NULL)
		return ESRCH;
	memset(pi, 0, sizeof(*pi));
	memcpy(pi->pi_name, p->p_name, sizeof(pi->pi_name));
	pi->pi_pid = proc_pid(p);
	pi->pi_ppid = atomic_load_explicit(&p->p_ppid, memory_order_relaxed);
	pi->pi_pgid = proc_pgrp(p)->pg_id;
	pi->pi_sid = proc_pgrp(p)->pg_session->pg_id;
	procinfo_ids(pi, proc_cred(p));
	pi->pi_nlwps = atomic_load_explicit(&p->p_nlwps, memory_order_relaxed);
	LIST_FOREACH (l, &p->p_lwps, l_sibling)
		pi->pi_running += !lwp_isasleep(l);
	pi->pi_fdsize = proc_fdsize(p);
	pi->pi_umask = atomic_load_explicit(&p->p_umask, memory_order_relaxed);
	pi->pi_sigpend =
	    atomic_load_explicit(&p->p_sigpend, memory_order_relaxed);
	pi->pi_start = p->p_start;
	pi->pi_cputime =
	    atomic_load_explicit(&p->p_cputime, memory_order_relaxed);
	pi->pi_childtime =
	    atomic_load_explicit(&p->p_childtime, memory_order_relaxed);
	pi->pi_dying = proc_isdying(p);
	flags = atomic_load_explicit(&p->p_flags, memory_order_relaxed);
	pi->pi_system = (flags & PF_SYSTEM) != 0;
	pi->pi_stopped = (flags & PF_STOPPED) != 0;
	mutex_exit(&p->p_lock);
	return 0;
}

int
proc_getlimits(const struct procid *id, struct rlimit limits[RLIM_NLIMITS])
{
	struct proc *p = procid_enter(id);

	if (p == NULL)
		return ESRCH;
	memcpy(limits, proc_limits(p)->pl_rlimit,
	    RLIM_NLIMITS * sizeof(struct rlimit));
	mutex_exit(&p->p_lock);
	return 0;
}

int
proc_getcred(const struct procid *id, const struct cred **crp)
{
	struct proc *p = procid_enter(id);

	if (p == NULL)
		return ESRCH;
	*crp = proc_cred(p);
	mutex_exit(&p->p_lock);
	return 0;
}

int
proc_getcwdi(const struct procid *id, const struct cwdinfo **cwdip)
{
	struct proc *p = procid_enter(id);

	if (p == NULL)
		return ESRCH;
	*cwdip = proc_cwdi(p);
	mutex_exit(&p->p_lock);
	return 0;
}

int
proc_setname(const struct procid *id, const char *name, size_t len)
{
	struct proc *p = procid_enter(id);

	if (p == NULL)
		return ESRCH;
	if (len >= PROC_NAMELEN)
		len = PROC_NAMELEN - 1;
	memset(p->p_name, 0, sizeof(p->p_name));
	memcpy(p->p_name, name, len);
	mutex_exit(&p->p_lock);
	return 0;
}

int
proc_maylook(struct lwp *l, const struct procid *id)
{
	const struct cred *cr = proc_cred(l->l_proc), *to;
	struct proc *p = procid_enter(id);
	bool may;

	if (p == NULL)
		return ESRCH;
	to = proc_cred(p);
	may = p == l->l_proc || cred_is_root(cr) ||
	      (cr->cr_fsuid == to->cr_ruid && cr->cr_fsuid == to->cr_euid &&
		  cr->cr_fsuid == to->cr_svuid && cr->cr_fsgid == to->cr_rgid &&
		  cr->cr_fsgid == to->cr_egid && cr->cr_fsgid == to->cr_svgid);
	mutex_exit(&p->p_lock);
	return may ? 0 : EACCES;
}

int
lwp_getstate(const struct procid *id, int lid, bool *asleep)
{
	struct proc *p = procid_enter(id);
	struct lwp *l;

	if (p == NULL)
		return ESRCH;
	LIST_FOREACH (l, &p->p_lwps, l_sibling)
		if (l->l_lid == lid)
			break;
	if (l != NULL)
		*asleep = lwp_isasleep(l);
	mutex_exit(&p->p_lock);
	return l != NULL ? 0 : ESRCH;
}

int
lwp_nextlid(const struct procid *id, int lid)
{
	struct proc *p = procid_enter(id);
	struct lwp *l;
	int next = -1;

	if (p == NULL)
		return -1;
	LIST_FOREACH (l, &p->p_lwps, l_sibling)
		if (l->l_lid >= lid && (next < 0 || l->l_lid < next))
			next = l->l_lid;
	mutex_exit(&p->p_lock);
	return next;
}

/* The table of an active process, p_lock held; NULL: none. */
static struct filedesc *
procid_enterfd(const struct procid *id, struct proc **pp)
{
	struct proc *p = procid_enter(id);
	struct filedesc *fdp;

	if (p == NULL)
		return NULL;
	if ((fdp = proc_filedesc(p)) == NULL)
		mutex_exit(&p->p_lock);
	*pp = p;
	return fdp;
}

int
proc_nextfd(const struct procid *id, int fd)
{
	struct proc *p;
	struct filedesc *fdp = procid_enterfd(id, &p);
	struct fdtab *ft;
	uint32_t n = (uint32_t)fd;

	if (fdp == NULL)
		return -1;
	ft = filedesc_look(fdp);
	while (n < ft->ft_size && fdtab_file(ft, n) == NULL)
		n++;
	mutex_exit(&p->p_lock);
	return n < ft->ft_size ? (int)n : -1;
}

int
proc_getfile(const struct procid *id, int fd, struct file **fpp, bool *cloexec)
{
	struct filedesc *fdp;
	struct fdtab *ft;
	struct file *fp;
	struct proc *p;
	bool held, ours;

	for (;;) {
		if ((fdp = procid_enterfd(id, &p)) == NULL)
			return EBADF;
		ft = filedesc_look(fdp);
		fp = fdtab_look(ft, (uint32_t)fd);
		held = fp != NULL && file_tryhold(fp);
		ours = held && filedesc_names(fdp, ft, (uint32_t)fd, fp);
		if (ours)
			*cloexec = fdtab_bit(fdtab_cloexec(ft), (uint32_t)fd);
		mutex_exit(&p->p_lock);
		if (ours || fp == NULL)
			break;
		/* Closed meanwhile, and perhaps opened again. */
		if (held)
			file_rele(fp);
	}
	*fpp = fp;
	return fp != NULL ? 0 : EBADF;
}
