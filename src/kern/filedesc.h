/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptor tables.
 *
 * A process has none (p_fd is NULL) until it opens its first descriptor or
 * shares its table.  rfork shares it, copies it or leaves it behind.
 *
 * Using a descriptor:
 *
 *	error = fd_getfile(l, fd, &fp);		EBADF
 *	…
 *	fd_putfile(l, fp);
 *
 * One file at a time can be held so in a call.  A table that only this lwp
 * can see lends the file without counting (l_borrowed); before the lwp
 * sleeps, the sleep code turns the loan into a reference (fd_borrow_settle).
 * With kern_alone every table does: until then nobody else sees any.
 * A call that needs two files at once takes the second with fd_getref and
 * drops it with file_rele.
 *
 * Making a descriptor:
 *
 *	error = file_alloc(l, &fp);		ENFILE, ENOMEM
 *	error = fd_alloc(l, 0, &fd);		EMFILE, ENOMEM
 *	fp->f_ops = …;
 *	fd_affix(l, fd, fp, cloexec);		consumes the reference
 *
 * or, when something fails in between, fd_abort(l, fd) and file_abort(fp).
 * An lwp has at most two descriptors reserved at once.
 *
 * Letters: (a) atomic; (d) fd_lock, or by the only lwp that can see the table
 * (filedesc_enter); (r) written so, read in a smr section.
 */
#ifndef KERN_FILEDESC_H
#define KERN_FILEDESC_H

#include "kern/file.h"
#include "kern/proc.h"
#include "kern/smr.h"

/*
 * The slots of a table and three bitmaps behind them: descriptors in use
 * (affixed or reserved), descriptors with close-on-exec, and words of the
 * first bitmap that are full.  Bits beyond the last slot are set in the first
 * and the third.  See fdtab.c.
 */
struct fdtab {
	uint32_t ft_size;  /* slots */
	uint32_t ft_bytes; /* of memory, 0: inside its struct filedesc */
	struct smr_item ft_smr;
	struct file *_Atomic ft_file[]; /* (r) */
};

/* A table in struct filedesc itself: its header, slots and bitmaps. */
#define FD_SMALL      20
#define FD_SMALLWORDS (sizeof(struct fdtab) / 8 + FD_SMALL + 3)

struct filedesc {
	struct fdtab *_Atomic fd_tab;  /* (r) */
	_Atomic uint32_t fd_shared;    /* (a) others may see it; filedesc.c */
	_Atomic uint32_t fd_refs;      /* (a) processes */
	struct lwp *_Atomic fd_lender; /* (a) may have a loan; filedesc.c */
	struct kmutex fd_lock;
	uint32_t fd_lowest; /* (d) no free descriptor is below this */
	bool fd_stale;	    /* (d) can be read by who has let go of it */
	uint64_t fd_small[FD_SMALLWORDS]; /* a struct fdtab */
};

int fd_getfile_slow(struct lwp *, struct filedesc *, int fd, struct file **);
void fd_putfile_slow(struct lwp *);

int fd_getfile(struct lwp *, int fd, struct file **fpp);

/* The same inside the caller, for read and write. */
static inline __attribute__((always_inline)) int
fd_getfile_inline(struct lwp *l, int fd, struct file **fpp)
{
	struct filedesc *fdp =
	    atomic_load_explicit(&l->l_proc->p_fd, memory_order_acquire);
	struct fdtab *ft;
	struct file *fp;

	KASSERT(l->l_held == NULL && atomic_load_explicit(&l->l_borrowed,
					 memory_order_relaxed) == NULL);
	if (unlikely(fdp == NULL))
		return EBADF;
	/* Acquire pairs with the releases in fdtab_replace, fd_affix. */
	ft = atomic_load_explicit(&fdp->fd_tab, memory_order_acquire);
	if (unlikely((uint32_t)fd >= ft->ft_size))
		return EBADF;
	fp = atomic_load_explicit(&ft->ft_file[fd], memory_order_acquire);
	if (unlikely(fp == NULL))
		return EBADF;
	/* Pairs with fd_unlend: it sees the loan, or we the mark. */
	atomic_store_explicit(&l->l_borrowed, fp, memory_order_relaxed);
	atomic_signal_fence(memory_order_seq_cst);
	/* On one host thread nobody else acts before the call sleeps. */
	if (unlikely(atomic_load_explicit(
			 &fdp->fd_shared, memory_order_acquire) != 0) &&
	    !kern_alone)
		return fd_getfile_slow(l, fdp, fd, fpp);
	*fpp = fp;
	return 0;
}

static inline __attribute__((always_inline)) void
fd_putfile(struct lwp *l, struct file *fp)
{
	KASSERT(fp == l->l_held || fp == atomic_load_explicit(&l->l_borrowed,
					     memory_order_relaxed));
	(void)fp;
	/* Release pairs with the acquire in fd_unlend. */
	if (likely(atomic_load_explicit(&l->l_borrowed, memory_order_relaxed) !=
		   NULL))
		atomic_store_explicit(
		    &l->l_borrowed, NULL, memory_order_release);
	else
		fd_putfile_slow(l);
}

/* The same, but EBADF for what was opened with O_PATH. */
static inline int
fd_getopen(struct lwp *l, int fd, struct file **fpp)
{
	int error = fd_getfile(l, fd, fpp);

	if (error == 0 && unlikely((file_flags(*fpp) & O_PATH) != 0)) {
		fd_putfile(l, *fpp);
		error = EBADF;
	}
	return error;
}

/*
 * Does fd still name fp, which the call found by it, in this table of the
 * process's?
 */
bool fd_names(
    struct lwp *, int fd, const struct file *fp, const struct filedesc *table);

/* Does fd name fp now?  Only a look: fp may be any pointer. */
bool fd_isfile(struct lwp *, int fd, const struct file *fp);

/* The first descriptor from fd on that names something, or -1. */
int fd_next(struct lwp *, int fd);

/* A reference of the caller's own to what fd names.  EBADF. */
int fd_getref(struct lwp *, int fd, struct file **fpp);

/* Called by the sleep code before it parks; see above. */
void fd_borrow_settle(struct lwp *);

/*
 * The host thread that ran the lwp, perhaps asleep in a call, is no more: drop
 * what the call had.
 */
void fd_abandon(struct lwp *);

/*
 * f_offset of fp, which fd_getfile gave, is about to be used: lock it, unless
 * nobody else can reach it.  What it returns is for file_leave.
 */
static inline bool
file_enter(struct lwp *l, struct file *fp)
{
	/* Acquire pairs with the release of who had it before. */
	if (likely(
		atomic_load_explicit(&l->l_borrowed, memory_order_relaxed) ==
		    fp &&
		atomic_load_explicit(&fp->f_count, memory_order_acquire) == 1))
		return false;
	mutex_enter(&fp->f_lock);
	return true;
}

static inline void
file_leave(struct file *fp, bool locked)
{
	if (locked)
		mutex_exit(&fp->f_lock);
}

/*
 * A new file with one reference: f_credserial is set, f_flags, f_ops, f_data
 * and f_type are the caller's to set.  file_abort undoes it without fo_close.
 */
int file_alloc(struct lwp *, struct file **fpp);
void file_abort(struct file *);

/* Reserve the lowest free descriptor that is at least `min'. */
int fd_alloc(struct lwp *, int min, int *fdp);
void fd_affix(struct lwp *, int fd, struct file *, bool cloexec);
void fd_abort(struct lwp *, int fd);

/* Close one descriptor: EBADF. */
int fd_close(struct lwp *, int fd);

/*
 * Make another descriptor of what fd names: the lowest free one that is at
 * least `min' (fd_dup), or newfd, which is closed first (fd_dup2).  EBADF,
 * EMFILE, ENOMEM; EBUSY if newfd is reserved.
 */
int fd_dup(struct lwp *, int fd, int min, bool cloexec, int *newfdp);
int fd_dup2(struct lwp *, int fd, int newfd, bool cloexec);

/* The close-on-exec flag.  EBADF. */
int fd_getcloexec(struct lwp *, int fd, bool *);
int fd_setcloexec(struct lwp *, int fd, bool);

/* Close, or mark close-on-exec, what is open from first to last. */
void fd_closerange(struct lwp *, uint32_t first, uint32_t last);
void fd_markrange(struct lwp *, uint32_t first, uint32_t last);

/*
 * If other processes have the table too, give the process a copy of it,
 * without the descriptors from `first' to `last'.  ENOMEM.
 */
int fd_unshare(struct lwp *, uint32_t first, uint32_t last);

/* Descriptors are below this: RLIMIT_NOFILE. */
uint32_t fd_limit(struct lwp *);

/*
 * For rfork, on the new process before any lwp of it runs: use the parent's
 * table, or a copy of it.  ENOMEM.
 */
int fd_share(struct proc *parent, struct proc *child);
int fd_copy(struct proc *parent, struct proc *child);

/*
 * For newlwp, which gives a process one more lwp.  fd_make_shared comes before
 * lwp_attach, under the same hold of p_lock.  If it returns an lwp, then
 * fd_unlend(p, it) comes before the new lwp is used, with no lock held and
 * nothing in hand that was found in the smr section.
 */
struct lwp *fd_make_shared(struct proc *);
void fd_unlend(struct proc *, struct lwp *lender);

/* The process goes: drop its table, closing what only it held. */
void fd_free(struct proc *);

/* Close every descriptor with close-on-exec set; for an exec. */
void fd_closeexec(struct lwp *);

/*
 * Boot.  kern_maxfiles (file.h), if it is 0, is set from the memory limit.
 */
void fd_init(void);

/* Put process 1's descriptors 0, 1 and 2 on the console.  ENOMEM. */
int console_open_std(struct lwp *);

/* The console's fo_read, fo_write, fo_poll and fo_klist. */
int console_read(struct lwp *, struct file *, off_t *, struct uio *);
int console_write(struct lwp *, struct file *, off_t *, struct uio *);
uint32_t console_poll(struct lwp *, struct file *, struct pollsize *);
struct klist *console_klist(struct file *);

#endif /* KERN_FILEDESC_H */
