/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptor tables: their life, who sees them, and the lending of files.
 *
 * A table belongs to fd_refs processes.  It is changed under fd_lock, or while
 * only one lwp can see it (below), and read without (fd_getref).  Locks:
 *p_lock, then fd_lock of the process's table; under fd_lock only the
 *allocator's.
 *
 * Lending.  fd_getfile on a table that only one lwp can see takes no
 * reference: nobody else can close the descriptor while the call goes on.
 *
 *	fd_shared is FD_PRIVATE only while one process has the table and that
 *	process has one lwp.  A loan is over before a second lwp or a second
 *	process uses the table.
 *
 * It is FD_COUNTED for good in processes 0 and 1, whose implicit lwps come
 * and go, and where the host has no membarrier.
 *
 * From FD_PRIVATE to FD_SHARED.  rfork without a copy: by the one lwp itself,
 * which has no loan then.  newlwp: by another host thread, perhaps, while the
 * first lwp is in a call with a loan.
 *
 *	the lwp (fd_getfile)		newlwp
 *	writes l_borrowed		fd_make_shared: writes fd_shared
 *	compiler barrier		fd_unlend: membarrier
 *	reads fd_shared			reads l_borrowed
 *
 * One of them sees what the other wrote.  The lwp gives the loan back and
 * counts, or newlwp waits until the loan ends: when the call is done with the
 * file, or when it sleeps and fd_borrow_settle makes the loan a reference.
 * While it waits newlwp is outside its section, like one asleep, so that two
 * of them can wait for each other's lwp.  Others that make lwps meanwhile
 * learn from fd_lender that they must wait too.
 *
 * A private table is changed without fd_lock in the same way: filedesc_enter
 * lends filedesc_mark, which is no file.  Whoever has a loan may change the
 * table as it is: nobody else uses it before the loan is over.
 *
 * An lwp that no host thread runs has no loan and is not waited for.  It may
 * be taken by a host thread right then; see fd_make_shared.
 *
 * From FD_SHARED to FD_PRIVATE.  Only by the one lwp that is left, in
 * fd_getfile_slow, under p_lock: newlwp cannot come in between, and nobody
 * else is there to share the table.
 */
#include "kern/filedesc.h"

#include "kern/fdtab.h"
#include "kern/kmem.h"
#include "kern/lwp.h"
#include "kern/pipe.h"

struct file filedesc_mark;

static struct kcache *filedesc_cache;
static bool lending; /* stable after boot: the host has membarrier */

void
fd_init(void)
{
	filedesc_cache =
	    kcache_init("filedesc", sizeof(struct filedesc), CACHE_LINE, 0);
	lending = hyper_membarrier();
	file_init();
	pipe_init();
}

/*
 * Life
 */

static struct filedesc *
filedesc_alloc(void)
{
	struct filedesc *fdp = kcache_alloc(filedesc_cache);

	if (fdp == NULL)
		return NULL;
	memset(fdp, 0, offsetof(struct filedesc, fd_small));
	atomic_store_explicit(&fdp->fd_refs, 1, memory_order_relaxed);
	atomic_store_explicit(
	    &fdp->fd_tab, fdtab_embed(fdp), memory_order_relaxed);
	return fdp;
}

/* What fd_shared must be in a new table of p with this many lwps. */
static uint32_t
filedesc_sharing(struct proc *p, uint32_t nlwps)
{
	if (!lending ||
	    (atomic_load_explicit(&p->p_flags, memory_order_relaxed) &
		PF_SYSTEM) != 0)
		return FD_COUNTED;
	return nlwps > 1 ? FD_SHARED : FD_PRIVATE;
}

/* Put a table that nobody has seen into p, p_lock held. */
static void
filedesc_publish(struct proc *p, struct filedesc *fdp)
{
	uint32_t nlwps =
	    atomic_load_explicit(&p->p_nlwps, memory_order_relaxed);

	KASSERT(mutex_owned(&p->p_lock));
	atomic_store_explicit(
	    &fdp->fd_shared, filedesc_sharing(p, nlwps), memory_order_relaxed);
	/* Release pairs with the acquire in fd_getfile. */
	atomic_store_explicit(&p->p_fd, fdp, memory_order_release);
}

int
filedesc_make(struct proc *p)
{
	struct filedesc *fdp;

	if (likely(
		atomic_load_explicit(&p->p_fd, memory_order_acquire) != NULL))
		return 0;
	if ((fdp = filedesc_alloc()) == NULL)
		return ENOMEM;
	mutex_enter(&p->p_lock);
	if (atomic_load_explicit(&p->p_fd, memory_order_relaxed) == NULL) {
		filedesc_publish(p, fdp);
		fdp = NULL;
	}
	mutex_exit(&p->p_lock);
	if (fdp != NULL)
		kcache_free(filedesc_cache, fdp);
	return 0;
}

struct filedesc *
filedesc_lock(struct proc *p)
{
	struct filedesc *fdp;

	while ((fdp = atomic_load_explicit(&p->p_fd, memory_order_acquire)) !=
	       NULL) {
		mutex_enter(&fdp->fd_lock);
		/* fd_unshare may have put another in its place. */
		if (likely(atomic_load_explicit(
			       &p->p_fd, memory_order_relaxed) == fdp))
			break;
		mutex_exit(&fdp->fd_lock);
	}
	return fdp;
}

void
filedesc_unlock(struct filedesc *fdp)
{
	mutex_exit(&fdp->fd_lock);
}

static void
filedesc_free(struct filedesc *fdp)
{
	fdtab_free(filedesc_tab(fdp));
	kcache_free(filedesc_cache, fdp);
}

/* Retired by way of the item of the table inside it. */
static void
filedesc_reclaim(struct smr_item *si)
{
	struct fdtab *ft = container_of(si, struct fdtab, ft_smr);

	filedesc_free(container_of((void *)ft, struct filedesc, fd_small));
}

/* A process lets go of it. */
static void
filedesc_rele(struct filedesc *fdp)
{
	struct fdtab *ft;
	struct file *fp;
	uint32_t fd;

	/* acq_rel: what other processes did to it is over. */
	if (atomic_fetch_sub_explicit(&fdp->fd_refs, 1, memory_order_acq_rel) !=
	    1)
		return;
	ft = filedesc_tab(fdp);
	for (fd = 0; (fd = fdtab_next(ft, fdtab_used(ft), fd)) < ft->ft_size;
	     fd++) {
		if ((fp = fdtab_file(ft, fd)) == NULL)
			continue;
		/* fd_getref must not find it once it is another file. */
		atomic_store_explicit(
		    &ft->ft_file[fd], NULL, memory_order_relaxed);
		filedesc_drop(fdp, fp);
	}
	if (fdp->fd_stale)
		smr_retire(&((struct fdtab *)(void *)fdp->fd_small)->ft_smr,
		    filedesc_reclaim);
	else
		filedesc_free(fdp);
}

void
fd_free(struct proc *p)
{
	struct filedesc *fdp =
	    atomic_load_explicit(&p->p_fd, memory_order_relaxed);

	if (fdp == NULL)
		return;
	atomic_store_explicit(&p->p_fd, NULL, memory_order_relaxed);
	filedesc_rele(fdp);
}

/*
 * rfork
 */

int
fd_share(struct proc *parent, struct proc *child)
{
	struct filedesc *fdp;
	int error;

	if ((error = filedesc_make(parent)) != 0)
		return error;
	mutex_enter(&parent->p_lock);
	fdp = atomic_load_explicit(&parent->p_fd, memory_order_relaxed);
	if (atomic_load_explicit(&fdp->fd_shared, memory_order_relaxed) ==
	    FD_PRIVATE)
		atomic_store_explicit(
		    &fdp->fd_shared, FD_SHARED, memory_order_relaxed);
	atomic_fetch_add_explicit(&fdp->fd_refs, 1, memory_order_relaxed);
	mutex_exit(&parent->p_lock);
	atomic_store_explicit(&child->p_fd, fdp, memory_order_release);
	return 0;
}

/*
 * Copy what is open in `from', whose lock is held, except first to last, into
 * the new table `to', with room for all that is in use.  ENOMEM.
 */
static int
filedesc_fill(
    struct filedesc *to, struct filedesc *from, uint32_t first, uint32_t last)
{
	struct fdtab *ft = filedesc_tab(from), *old;
	uint32_t fd, end = fdtab_extent(ft);
	struct file *fp;

	KASSERT(mutex_owned(&from->fd_lock));
	/* The old one is inside `to', and nobody has seen it. */
	if (end > 0 && fdtab_grow(to, end - 1, &old) != 0)
		return ENOMEM;
	for (fd = 0; (fd = fdtab_next(ft, fdtab_used(ft), fd)) < end; fd++) {
		if ((fp = fdtab_file(ft, fd)) == NULL ||
		    (fd >= first && fd <= last))
			continue;
		file_hold(fp);
		atomic_store_explicit(
		    &filedesc_tab(to)->ft_file[fd], fp, memory_order_relaxed);
		fdtab_take(to, fd, fdtab_bit(fdtab_cloexec(ft), fd));
	}
	return 0;
}

int
fd_copy(struct proc *parent, struct proc *child)
{
	struct filedesc *from, *to;
	int error;

	if (atomic_load_explicit(&parent->p_fd, memory_order_relaxed) == NULL)
		return 0;
	if ((to = filedesc_alloc()) == NULL)
		return ENOMEM;
	from = filedesc_lock(parent);
	error = filedesc_fill(to, from, 1, 0);
	mutex_exit(&from->fd_lock);
	if (error != 0) {
		filedesc_rele(to);
		return error;
	}
	atomic_store_explicit(
	    &to->fd_shared, filedesc_sharing(child, 1), memory_order_relaxed);
	atomic_store_explicit(&child->p_fd, to, memory_order_release);
	return 0;
}

/* Descriptors that lwps of p have reserved move from one table to another. */
static void
filedesc_move_reserved(
    struct proc *p, struct filedesc *to, struct filedesc *from)
{
	struct lwp *l;
	unsigned i;

	KASSERT(mutex_owned(&p->p_lock) && mutex_owned(&from->fd_lock));
	LIST_FOREACH (l, &p->p_lwps, l_sibling)
		for (i = 0; i < nitems(l->l_fdresv); i++)
			if (l->l_fdresv[i] != 0) {
				fdtab_take(to, l->l_fdresv[i] - 1, false);
				fdtab_drop(from, l->l_fdresv[i] - 1);
			}
}

int
fd_unshare(struct lwp *l, uint32_t first, uint32_t last)
{
	struct proc *p = l->l_proc;
	struct filedesc *from, *to;
	int error = 0;

	from = atomic_load_explicit(&p->p_fd, memory_order_acquire);
	if (from == NULL ||
	    atomic_load_explicit(&from->fd_refs, memory_order_acquire) == 1)
		return 0;
	if ((to = filedesc_alloc()) == NULL)
		return ENOMEM;
	mutex_enter(&p->p_lock);
	from = filedesc_lock(p);
	error = filedesc_fill(to, from, first, last);
	if (error == 0) {
		filedesc_move_reserved(p, to, from);
		/* Its other lwps may be about to look at it, as theirs. */
		if (atomic_load_explicit(&p->p_nlwps, memory_order_relaxed) > 1)
			from->fd_stale = true;
		filedesc_publish(p, to);
	}
	mutex_exit(&from->fd_lock);
	mutex_exit(&p->p_lock);
	filedesc_rele(error == 0 ? from : to);
	return error;
}

/*
 * Lending
 */

struct lwp *
fd_make_shared(struct proc *p)
{
	struct filedesc *fdp =
	    atomic_load_explicit(&p->p_fd, memory_order_relaxed);
	struct lwp *l = LIST_FIRST(&p->p_lwps);
	uint64_t state;

	KASSERT(mutex_owned(&p->p_lock));
	if (fdp == NULL)
		return NULL;
	if (atomic_load_explicit(&fdp->fd_shared, memory_order_relaxed) !=
	    FD_PRIVATE)
		return atomic_load_explicit(
		    &fdp->fd_lender, memory_order_relaxed);
	KASSERT(l != NULL && LIST_NEXT(l, l_sibling) == NULL);
	atomic_store_explicit(&fdp->fd_shared, FD_SHARED, memory_order_relaxed);
	if (l == curlwp())
		return NULL;
	/*
	 * A write that changes nothing, release: the host thread that takes
	 * the lwp after it (lwp_take, acquire) sees FD_SHARED.  Acquire pairs
	 * with lwp_leave: the last loan is over.
	 */
	state = atomic_fetch_add_explicit(&l->l_state, 0, memory_order_acq_rel);
	if ((uint32_t)state < LWP_RUNNING)
		return NULL;
	atomic_store_explicit(&fdp->fd_lender, l, memory_order_relaxed);
	return l;
}

void
fd_unlend(struct proc *p, struct lwp *lender)
{
	struct hostthread *ht = curht();
	struct filedesc *fdp;
	struct file *fp;

	(void)hyper_membarrier();
	/* Acquire pairs with the releases in fd_putfile, fd_borrow_settle. */
	fp = atomic_load_explicit(&lender->l_borrowed, memory_order_acquire);
	if (fp != NULL) {
		smr_exit(ht);
		while (atomic_load_explicit(
			   &lender->l_borrowed, memory_order_acquire) == fp)
			hyper_yield();
		smr_enter(ht);
	}
	mutex_enter(&p->p_lock);
	fdp = atomic_load_explicit(&p->p_fd, memory_order_relaxed);
	if (atomic_load_explicit(&fdp->fd_lender, memory_order_relaxed) ==
	    lender)
		atomic_store_explicit(
		    &fdp->fd_lender, NULL, memory_order_relaxed);
	mutex_exit(&p->p_lock);
}

/* Is the lwp alone with its table again?  Then say so. */
static bool
filedesc_reclaim_private(struct lwp *l, struct filedesc *fdp)
{
	struct proc *p = l->l_proc;
	bool alone;

	/*
	 * Acquire pairs with the release of processes that let go of it.
	 * After fd_unshare lwps of such a process can still look at it as if
	 * it were theirs: it is counted from then on.
	 */
	if (atomic_load_explicit(&p->p_nlwps, memory_order_relaxed) != 1 ||
	    atomic_load_explicit(&fdp->fd_refs, memory_order_acquire) != 1 ||
	    atomic_load_explicit(&fdp->fd_shared, memory_order_relaxed) !=
		FD_SHARED ||
	    fdp->fd_stale)
		return false;
	mutex_enter(&p->p_lock);
	alone = atomic_load_explicit(&p->p_nlwps, memory_order_relaxed) == 1;
	if (alone) {
		atomic_store_explicit(
		    &fdp->fd_lender, NULL, memory_order_relaxed);
		atomic_store_explicit(
		    &fdp->fd_shared, FD_PRIVATE, memory_order_relaxed);
	}
	mutex_exit(&p->p_lock);
	return alone;
}

int
fd_getfile(struct lwp *l, int fd, struct file **fpp)
{
	return fd_getfile_inline(l, fd, fpp);
}

int
fd_getfile_slow(struct lwp *l, struct filedesc *fdp, int fd, struct file **fpp)
{
	int error;

	atomic_store_explicit(&l->l_borrowed, NULL, memory_order_release);
	if (filedesc_reclaim_private(l, fdp))
		return fd_getfile(l, fd, fpp);
	if ((error = fd_getref(l, fd, fpp)) == 0)
		l->l_held = *fpp;
	return error;
}

void
fd_putfile_slow(struct lwp *l)
{
	struct file *fp = l->l_held;

	l->l_held = NULL;
	file_rele(fp);
}

void
fd_borrow_settle(struct lwp *l)
{
	struct file *fp =
	    atomic_load_explicit(&l->l_borrowed, memory_order_relaxed);

	if (fp == NULL)
		return;
	file_hold(fp);
	l->l_held = fp;
	/* Release pairs with the acquire in fd_unlend. */
	atomic_store_explicit(&l->l_borrowed, NULL, memory_order_release);
}

void
fd_abandon(struct lwp *l)
{
	struct file *fp = l->l_held;
	unsigned i;

	atomic_store_explicit(&l->l_borrowed, NULL, memory_order_relaxed);
	l->l_held = NULL;
	if (fp != NULL)
		file_rele(fp);
	for (i = 0; i < nitems(l->l_fdresv); i++)
		if (l->l_fdresv[i] != 0)
			fd_abort(l, (int)l->l_fdresv[i] - 1);
}
