/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptors: finding, making and closing them.
 *
 * A descriptor is free, reserved (its bit is set, its slot is NULL; l_fdresv
 * of the lwp that reserved it names it) or affixed (its slot names a file and
 * holds a reference to it).  A slot is cleared before the reference is
 * dropped, and references are dropped after filedesc_exit.
 */
#include "kern/fdtab.h"

/* References that are dropped together, after the table was entered once. */
#define FD_BATCH 32

uint32_t
fd_limit(struct lwp *l)
{
	rlim_t lim = proc_limit(l->l_proc, RLIMIT_NOFILE);

	return lim < FD_MAX ? (uint32_t)lim : FD_MAX;
}

int
fd_getref(struct lwp *l, int fd, struct file **fpp)
{
	struct filedesc *fdp =
	    atomic_load_explicit(&l->l_proc->p_fd, memory_order_acquire);
	struct fdtab *ft;
	struct file *fp;

	if (fdp == NULL)
		return EBADF;
	for (;;) {
		ft = filedesc_look(fdp);
		if ((fp = fdtab_look(ft, (uint32_t)fd)) == NULL)
			return EBADF;
		/* On its way out: its slot is another by now. */
		if (!file_tryhold(fp))
			continue;
		if (likely(filedesc_names(fdp, ft, (uint32_t)fd, fp)))
			break;
		file_rele(fp);
	}
	*fpp = fp;
	return 0;
}

bool
fd_isfile(struct lwp *l, int fd, const struct file *fp)
{
	struct filedesc *fdp =
	    atomic_load_explicit(&l->l_proc->p_fd, memory_order_acquire);
	struct fdtab *ft;

	if (fdp == NULL)
		return false;
	ft = atomic_load_explicit(&fdp->fd_tab, memory_order_acquire);
	return (uint32_t)fd < ft->ft_size &&
	       atomic_load_explicit(&ft->ft_file[fd], memory_order_relaxed) ==
		   fp;
}

bool
fd_names(
    struct lwp *l, int fd, const struct file *fp, const struct filedesc *table)
{
	struct filedesc *fdp;
	bool same;

	/* Nobody else can close what is lent. */
	if (atomic_load_explicit(&l->l_borrowed, memory_order_relaxed) == fp)
		return true;
	/* Entered: who clears the slot after this sees what came before. */
	fdp = filedesc_enter(l);
	same =
	    fdp == table && fdtab_file(filedesc_tab(fdp), (uint32_t)fd) == fp;
	filedesc_exit(l, fdp);
	return same;
}

int
fd_next(struct lwp *l, int fd)
{
	struct filedesc *fdp =
	    atomic_load_explicit(&l->l_proc->p_fd, memory_order_acquire);
	struct fdtab *ft;

	if (fdp == NULL)
		return -1;
	/* Acquire pairs with the release in fdtab_replace. */
	ft = atomic_load_explicit(&fdp->fd_tab, memory_order_acquire);
	for (; (uint32_t)fd < ft->ft_size; fd++)
		if (atomic_load_explicit(
			&ft->ft_file[fd], memory_order_relaxed) != NULL)
			return fd;
	return -1;
}

/*
 * Making
 */

/* What the lwp has reserved. */
static void
fd_note(struct lwp *l, uint32_t fd)
{
	unsigned i = l->l_fdresv[0] != 0;

	KASSERT(l->l_fdresv[i] == 0);
	l->l_fdresv[i] = fd + 1;
}

static void
fd_unnote(struct lwp *l, uint32_t fd)
{
	unsigned i = l->l_fdresv[0] != fd + 1;

	KASSERT(l->l_fdresv[i] == fd + 1);
	l->l_fdresv[i] = 0;
}

/*
 * Mark the lowest free descriptor from `min' on as in use.  What the caller
 * must retire when it has left the table is in *oldp.
 */
static inline __attribute__((always_inline)) int
fd_take(struct lwp *l, struct filedesc *fdp, uint32_t min, bool cloexec,
    uint32_t *fdresult, struct fdtab **oldp)
{
	uint32_t fd;

	KASSERT(filedesc_entered(l, fdp));
	*oldp = NULL;
	if (min < fdp->fd_lowest)
		min = fdp->fd_lowest;
	if (min < curctx()->kc_fdmin)
		min = curctx()->kc_fdmin;
	fd = fdtab_lowest(filedesc_tab(fdp), min);
	if (fd >= fd_limit(l))
		return EMFILE;
	if (unlikely(fd >= filedesc_tab(fdp)->ft_size) &&
	    fdtab_grow(fdp, fd, oldp) != 0)
		return ENOMEM;
	fdtab_take(fdp, fd, cloexec);
	*fdresult = fd;
	return 0;
}

int
fd_alloc(struct lwp *l, int min, int *fdresult)
{
	struct filedesc *fdp;
	struct fdtab *old;
	uint32_t fd = 0;
	int error;

	if ((error = filedesc_make(l->l_proc)) != 0)
		return error;
	fdp = filedesc_enter(l);
	error = fd_take(l, fdp, (uint32_t)min, false, &fd, &old);
	if (error == 0)
		fd_note(l, fd);
	filedesc_exit(l, fdp);
	fdtab_retire(old);
	*fdresult = (int)fd;
	return error;
}

/* Let a slot name a file; consumes the reference. */
static void
fd_put(struct filedesc *fdp, uint32_t fd, struct file *fp)
{
	/* Release pairs with the acquire in fd_getfile. */
	atomic_store_explicit(
	    &filedesc_tab(fdp)->ft_file[fd], fp, memory_order_release);
}

void
fd_affix(struct lwp *l, int fd, struct file *fp, bool cloexec)
{
	struct filedesc *fdp = filedesc_enter(l);

	KASSERT(fdtab_file(filedesc_tab(fdp), (uint32_t)fd) == NULL);
	fd_unnote(l, (uint32_t)fd);
	/* fd_alloc has cleared it. */
	if (cloexec)
		fdtab_setbit(
		    fdtab_cloexec(filedesc_tab(fdp)), (uint32_t)fd, true);
	fd_put(fdp, (uint32_t)fd, fp);
	filedesc_exit(l, fdp);
}

void
fd_abort(struct lwp *l, int fd)
{
	struct filedesc *fdp = filedesc_enter(l);

	KASSERT(fdtab_file(filedesc_tab(fdp), (uint32_t)fd) == NULL);
	fd_unnote(l, (uint32_t)fd);
	fdtab_drop(fdp, (uint32_t)fd);
	filedesc_exit(l, fdp);
}

int
fd_dup(struct lwp *l, int fd, int min, bool cloexec, int *newfdp)
{
	struct filedesc *fdp = filedesc_enter(l);
	struct fdtab *old;
	struct file *fp;
	uint32_t newfd;
	int error;

	if (fdp == NULL)
		return EBADF;
	fp = fdtab_file(filedesc_tab(fdp), (uint32_t)fd);
	if (fp == NULL) {
		filedesc_exit(l, fdp);
		return EBADF;
	}
	error = fd_take(l, fdp, (uint32_t)min, cloexec, &newfd, &old);
	if (error == 0) {
		file_hold(fp);
		fd_put(fdp, newfd, fp);
		*newfdp = (int)newfd;
	}
	filedesc_exit(l, fdp);
	fdtab_retire(old);
	return error;
}

int
fd_dup2(struct lwp *l, int fd, int newfd, bool cloexec)
{
	struct filedesc *fdp = filedesc_enter(l);
	struct file *fp, *victim = NULL;
	struct fdtab *old = NULL;
	int error;

	if (fdp == NULL)
		return EBADF;
	KASSERT(fd != newfd && newfd >= 0);
	fp = fdtab_file(filedesc_tab(fdp), (uint32_t)fd);
	if (fp == NULL)
		error = EBADF;
	else if ((error = fdtab_grow(fdp, (uint32_t)newfd, &old)) == 0) {
		victim = fdtab_file(filedesc_tab(fdp), (uint32_t)newfd);
		if (victim == NULL &&
		    fdtab_bit(fdtab_used(filedesc_tab(fdp)), (uint32_t)newfd))
			error = EBUSY;
	}
	if (error == 0) {
		file_hold(fp);
		fdtab_take(fdp, (uint32_t)newfd, cloexec);
		fd_put(fdp, (uint32_t)newfd, fp);
	}
	filedesc_exit(l, fdp);
	fdtab_retire(old);
	if (victim != NULL)
		filedesc_drop(fdp, victim);
	return error;
}

/*
 * Closing
 */

/* Free an affixed descriptor; the caller drops the reference afterwards. */
static struct file *
fd_clear(struct filedesc *fdp, uint32_t fd)
{
	struct file *fp = fdtab_file(filedesc_tab(fdp), fd);

	if (fp != NULL) {
		/* Before the last reference goes; see fd_getref. */
		atomic_store_explicit(&filedesc_tab(fdp)->ft_file[fd], NULL,
		    memory_order_relaxed);
		fdtab_drop(fdp, fd);
	}
	return fp;
}

int
fd_close(struct lwp *l, int fd)
{
	struct filedesc *fdp = filedesc_enter(l);
	struct file *fp;

	if (fdp == NULL)
		return EBADF;
	fp = fd_clear(fdp, (uint32_t)fd);
	filedesc_exit(l, fdp);
	if (fp == NULL)
		return EBADF;
	filedesc_drop(fdp, fp);
	return 0;
}

/*
 * Close what is open from first to last, only of what has close-on-exec if
 * so asked.
 */
static void
fd_closesome(struct lwp *l, uint32_t first, uint32_t last, bool onexec)
{
	struct file *batch[FD_BATCH], *fp;
	struct filedesc *fdp;
	struct fdtab *ft;
	uint32_t fd = first;
	unsigned n;

	do {
		if ((fdp = filedesc_enter(l)) == NULL)
			return;
		ft = filedesc_tab(fdp);
		for (n = 0; n < nitems(batch); fd++) {
			fd = fdtab_next(ft,
			    onexec ? fdtab_cloexec(ft) : fdtab_used(ft), fd);
			if (fd >= ft->ft_size || fd > last)
				break;
			if ((fp = fd_clear(fdp, fd)) != NULL)
				batch[n++] = fp;
		}
		filedesc_exit(l, fdp);
		for (unsigned i = 0; i < n; i++)
			filedesc_drop(fdp, batch[i]);
	} while (n == nitems(batch));
}

void
fd_closerange(struct lwp *l, uint32_t first, uint32_t last)
{
	fd_closesome(l, first, last, false);
}

void
fd_closeexec(struct lwp *l)
{
	fd_closesome(l, 0, UINT32_MAX, true);
}

/*
 * Close-on-exec
 */

void
fd_markrange(struct lwp *l, uint32_t first, uint32_t last)
{
	struct filedesc *fdp = filedesc_enter(l);
	struct fdtab *ft;
	uint32_t fd;

	if (fdp == NULL)
		return;
	ft = filedesc_tab(fdp);
	for (fd = first;
	     (fd = fdtab_next(ft, fdtab_used(ft), fd)) < ft->ft_size &&
	     fd <= last;
	     fd++)
		fdtab_setbit(fdtab_cloexec(ft), fd, true);
	filedesc_exit(l, fdp);
}

int
fd_getcloexec(struct lwp *l, int fd, bool *cloexec)
{
	struct filedesc *fdp = filedesc_enter(l);
	struct fdtab *ft;
	bool open;

	if (fdp == NULL)
		return EBADF;
	ft = filedesc_tab(fdp);
	open = fdtab_file(ft, (uint32_t)fd) != NULL;
	if (open)
		*cloexec = fdtab_bit(fdtab_cloexec(ft), (uint32_t)fd);
	filedesc_exit(l, fdp);
	return open ? 0 : EBADF;
}

int
fd_setcloexec(struct lwp *l, int fd, bool cloexec)
{
	struct filedesc *fdp = filedesc_enter(l);
	struct fdtab *ft;
	bool open;

	if (fdp == NULL)
		return EBADF;
	ft = filedesc_tab(fdp);
	open = fdtab_file(ft, (uint32_t)fd) != NULL;
	if (open)
		fdtab_setbit(fdtab_cloexec(ft), (uint32_t)fd, cloexec);
	filedesc_exit(l, fdp);
	return open ? 0 : EBADF;
}
