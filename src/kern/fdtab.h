/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mechanics of descriptor tables, for filedesc.c and fd.c.  All of it
 * wants fd_lock held, or a table that nobody has seen yet.
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

static inline bool
fdtab_bit(const uint64_t *map, uint32_t fd)
{
	return (map[fd / 64] >> fd % 64 & 1) != 0;
}

static inline void
fdtab_setbit(uint64_t *map, uint32_t fd, bool on)
{
	if (on)
		map[fd / 64] |= UINT64_C(1) << fd % 64;
	else
		map[fd / 64] &= ~(UINT64_C(1) << fd % 64);
}

/* The current slots of a table whose fd_lock is held. */
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
uint32_t fdtab_lowest(struct fdtab *, uint32_t min);

/* The first bit in a bitmap of the table, from fd on; ft_size if none. */
uint32_t fdtab_next(const struct fdtab *, const uint64_t *map, uint32_t fd);

/* Slots up to the last that is in use, and one more; 0 if none is. */
uint32_t fdtab_extent(struct fdtab *);

/* Mark descriptor fd as in use, as free. */
void fdtab_take(struct filedesc *, uint32_t fd, bool cloexec);
void fdtab_drop(struct filedesc *, uint32_t fd);

/*
 * The process's table, fd_lock held; NULL if it has none.  filedesc_make gives
 * it one first: 0 or ENOMEM.
 */
struct filedesc *filedesc_enter(struct proc *);
int filedesc_make(struct proc *);

/* The table lets go of what a slot named, which is free by now. */
static inline void
filedesc_drop(const struct filedesc *fdp, struct file *fp)
{
	if (fp->f_vnode != NULL)
		file_vnodeops.fv_closing(fp, fdp);
	file_rele(fp);
}

#endif /* KERN_FDTAB_H */
