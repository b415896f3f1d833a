/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mechanics of descriptor tables, for filedesc.c and fd.c.  All of it
 * wants the table entered (filedesc_enter), or one that nobody has seen yet.
 */
#ifndef KERN_FDTAB_H
#define KERN_FDTAB_H

#include "kern/filedesc.h"

/* Nobody has more descriptors than this, whatever the limit. */
#define FD_MAX 1048576u

/* Values of fd_shared; see filedesc.c. */
#define FD_PRIVATE 0u /* one lwp sees the table; its files are lent */
#define FD_SHARED  1u /* more than one, now or not long ago */
#define FD_COUNTED 2u /* its files are never lent */

static inline uint32_t
fdtab_words(const struct fdtab *ft)
{
	return (ft->ft_size + 63) / 64;
}

/* The three bitmaps behind the slots. */
static inline uint64_t *
fdtab_used(struct fdtab *ft)
{
	return (uint64_t *)(void *)&ft->ft_file[ft->ft_size];
}

static inline uint64_t *
fdtab_cloexec(struct fdtab *ft)
{
	return fdtab_used(ft) + fdtab_words(ft);
}

static inline uint64_t *
fdtab_full(struct fdtab *ft)
{
	return fdtab_cloexec(ft) + fdtab_words(ft);
}

/* Others may look at a bit while the table is changed (procinfo.c). */
static inline bool
fdtab_bit(const uint64_t *map, uint32_t fd)
{
	uint64_t w = __atomic_load_n(&map[fd / 64], __ATOMIC_RELAXED);

	return (w >> fd % 64 & 1) != 0;
}

static inline void
fdtab_setbit(uint64_t *map, uint32_t fd, bool on)
{
	uint64_t w = map[fd / 64], bit = UINT64_C(1) << fd % 64;

	__atomic_store_n(
	    &map[fd / 64], on ? w | bit : w & ~bit, __ATOMIC_RELAXED);
}

/* The current slots of a table that is entered. */
static inline struct fdtab *
filedesc_tab(struct filedesc *fdp)
{
	return atomic_load_explicit(&fdp->fd_tab, memory_order_relaxed);
}

/* What a slot names; NULL for one that is beyond the last, too. */
static inline struct file *
fdtab_file(struct fdtab *ft, uint32_t fd)
{
	if (fd >= ft->ft_size)
		return NULL;
	return atomic_load_explicit(&ft->ft_file[fd], memory_order_relaxed);
}

/*
 * The same for who has not entered the table, in a section: the slots, what
 * one of them names, and whether that, held by now, still is what it names.
 */
static inline struct fdtab *
filedesc_look(struct filedesc *fdp)
{
	/* Pairs with the releases in fdtab_grow, filedesc_publish. */
	return atomic_load_explicit(&fdp->fd_tab, memory_order_acquire);
}

static inline struct file *
fdtab_look(struct fdtab *ft, uint32_t fd)
{
	if (fd >= ft->ft_size)
		return NULL;
	/* Pairs with the release in fd_put. */
	return atomic_load_explicit(&ft->ft_file[fd], memory_order_acquire);
}

/*
 * What we hold may have been freed and made again before.  It is what we
 * looked for if the slot still names it, and the slot is not one that
 * fdtab_grow has left behind.
 */
static inline bool
filedesc_names(
    struct filedesc *fdp, struct fdtab *ft, uint32_t fd, const struct file *fp)
{
	return filedesc_look(fdp) == ft && fdtab_look(ft, fd) == fp;
}

/* A small table in the memory that struct filedesc has for it. */
struct fdtab *fdtab_embed(struct filedesc *);

/* A table with a slot for descriptor fd; NULL without memory. */
struct fdtab *fdtab_alloc(uint32_t fd);
void fdtab_free(struct fdtab *);

/* Free what fdtab_grow replaced (NULL: nothing); no lock held. */
void fdtab_retire(struct fdtab *);

/*
 * Make sure that there is a slot for descriptor fd.  *oldp is what the caller
 * must retire afterwards, or NULL.  ENOMEM.
 */
int fdtab_grow(struct filedesc *, uint32_t fd, struct fdtab **oldp);

/* The lowest free descriptor that is at least min; can be beyond the last. */
uint32_t fdtab_lowest_slow(struct fdtab *, uint32_t min);

static inline uint32_t
fdtab_lowest(struct fdtab *ft, uint32_t min)
{
	uint64_t zeros;

	if (likely(min < ft->ft_size)) {
		zeros = ~fdtab_used(ft)[min / 64] & UINT64_MAX << min % 64;
		if (likely(zeros != 0))
			return (min & ~63u) + (uint32_t)__builtin_ctzll(zeros);
	}
	return fdtab_lowest_slow(ft, min);
}

/* The first bit in a bitmap of the table, from fd on; ft_size if none. */
uint32_t fdtab_next(const struct fdtab *, const uint64_t *map, uint32_t fd);

/* Slots up to the last that is in use, and one more; 0 if none is. */
uint32_t fdtab_extent(struct fdtab *);

/* Mark descriptor fd as in use, as free. */
static inline void
fdtab_take(struct filedesc *fdp, uint32_t fd, bool cloexec)
{
	struct fdtab *ft = filedesc_tab(fdp);
	uint64_t *used = fdtab_used(ft);

	fdtab_setbit(used, fd, true);
	fdtab_setbit(fdtab_cloexec(ft), fd, cloexec);
	if (used[fd / 64] == UINT64_MAX)
		fdtab_setbit(fdtab_full(ft), fd / 64, true);
	if (fd == fdp->fd_lowest)
		fdp->fd_lowest = fd + 1;
}

static inline void
fdtab_drop(struct filedesc *fdp, uint32_t fd)
{
	struct fdtab *ft = filedesc_tab(fdp);

	KASSERT(fdtab_bit(fdtab_used(ft), fd));
	if (fdtab_used(ft)[fd / 64] == UINT64_MAX)
		fdtab_setbit(fdtab_full(ft), fd / 64, false);
	fdtab_setbit(fdtab_used(ft), fd, false);
	if (fd < fdp->fd_lowest)
		fdp->fd_lowest = fd;
}

/*
 * The table of the lwp's process, for the lwp to look at and to change; NULL
 * if there is none, and then nothing is to be exited.  What comes before the
 * exit does not sleep.  filedesc_make gives the process a table first: 0 or
 * ENOMEM.
 *
 * A table that only this lwp can see is not locked: l_borrowed says that it
 * is in use, by a loan that the call has already or by filedesc_mark.
 */
__attribute__((noinline)) struct filedesc *filedesc_lock(struct proc *);
__attribute__((noinline)) void filedesc_unlock(struct filedesc *);
int filedesc_make(struct proc *);
extern struct file filedesc_mark;

static inline struct filedesc *
filedesc_enter(struct lwp *l)
{
	struct filedesc *fdp =
	    atomic_load_explicit(&l->l_proc->p_fd, memory_order_acquire);

	if (unlikely(fdp == NULL) ||
	    unlikely(atomic_load_explicit(
			 &l->l_borrowed, memory_order_relaxed) != NULL))
		return fdp;
	/* Pairs with fd_unlend, as in fd_getfile. */
	atomic_store_explicit(
	    &l->l_borrowed, &filedesc_mark, memory_order_relaxed);
	atomic_signal_fence(memory_order_seq_cst);
	if (likely(atomic_load_explicit(
		       &fdp->fd_shared, memory_order_acquire) == FD_PRIVATE))
		return fdp;
	atomic_store_explicit(&l->l_borrowed, NULL, memory_order_release);
	return filedesc_lock(l->l_proc);
}

static inline void
filedesc_exit(struct lwp *l, struct filedesc *fdp)
{
	struct file *fp =
	    atomic_load_explicit(&l->l_borrowed, memory_order_relaxed);

	/* Release pairs with the acquire in fd_unlend. */
	if (likely(fp == &filedesc_mark))
		atomic_store_explicit(
		    &l->l_borrowed, NULL, memory_order_release);
	else if (fp == NULL)
		filedesc_unlock(fdp);
}

/* For assertions: between the two? */
static inline bool
filedesc_entered(struct lwp *l, struct filedesc *fdp)
{
	return atomic_load_explicit(&l->l_borrowed, memory_order_relaxed) !=
		   NULL ||
	       mutex_owned(&fdp->fd_lock);
}

/* The table lets go of what a slot named, which is free by now. */
static inline void
filedesc_drop(const struct filedesc *fdp, struct file *fp)
{
	if (fp->f_vnode != NULL)
		file_vnodeops.fv_closing(fp, fdp);
	else if (unlikely(fp->f_ops->fo_closing != NULL))
		fp->f_ops->fo_closing(fp);
	file_rele(fp);
}

#endif /* KERN_FDTAB_H */
