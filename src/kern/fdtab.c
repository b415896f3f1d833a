/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Slots of descriptor tables.
 *
 * A table is replaced by a longer one when it is full, never changed in
 * length: who reads it without a lock has slots and length that fit.  The old
 * one keeps its contents and is retired; fd_getref finds out that it is old.
 *
 * The lowest free descriptor is found by way of fd_lowest, below which all are
 * in use, and a bitmap of the full words of the bitmap of descriptors in use:
 * at most a few words are looked at, in a table of any length.
 */
#include "kern/fdtab.h"

#include "kern/kmem.h"

/* Slots of the first table outside struct filedesc. */
#define FDTAB_FIRST 64

static size_t
fdtab_bytes(uint32_t size)
{
	uint32_t words = (size + 63) / 64;

	return sizeof(struct fdtab) +
	       (size + 2 * words + (words + 63) / 64) * sizeof(uint64_t);
}

/* Empty; what is beyond the last slot is in use for good. */
static void
fdtab_init(struct fdtab *ft, uint32_t size, uint32_t bytes)
{
	uint64_t *full;

	memset(ft, 0, fdtab_bytes(size));
	ft->ft_size = size;
	ft->ft_bytes = bytes;
	if (size % 64 != 0)
		fdtab_used(ft)[size / 64] = UINT64_MAX << size % 64;
	full = fdtab_full(ft);
	if (fdtab_words(ft) % 64 != 0)
		full[fdtab_words(ft) / 64] = UINT64_MAX << fdtab_words(ft) % 64;
}

struct fdtab *
fdtab_embed(struct filedesc *fdp)
{
	struct fdtab *ft = (struct fdtab *)(void *)fdp->fd_small;

	KASSERT(fdtab_bytes(FD_SMALL) == sizeof(fdp->fd_small));
	fdtab_init(ft, FD_SMALL, 0);
	return ft;
}

/* As many slots, in whole words, as fit into this many bytes. */
static uint32_t
fdtab_fit(size_t bytes)
{
	size_t group = 64 * sizeof(struct file *) + 2 * sizeof(uint64_t);
	size_t groups = (bytes - sizeof(struct fdtab)) / group;

	while (fdtab_bytes((uint32_t)groups * 64) > bytes)
		groups--;
	return (uint32_t)groups * 64;
}

struct fdtab *
fdtab_alloc(uint32_t fd)
{
	uint32_t size = FDTAB_FIRST;
	size_t bytes = fdtab_bytes(size);
	struct fdtab *ft;

	KASSERT(fd < FD_MAX);
	if (fd >= size) {
		/* What the allocator gives has powers of two. */
		for (bytes = KPAGE_SIZE; fdtab_fit(bytes) <= fd;)
			bytes *= 2;
		size = fdtab_fit(bytes);
	}
	if ((ft = kmem_alloc(bytes)) != NULL)
		fdtab_init(ft, size, (uint32_t)bytes);
	return ft;
}

void
fdtab_free(struct fdtab *ft)
{
	if (ft->ft_bytes != 0)
		kmem_free(ft, ft->ft_bytes);
}

static void
fdtab_reclaim(struct smr_item *si)
{
	fdtab_free(container_of(si, struct fdtab, ft_smr));
}

void
fdtab_retire(struct fdtab *ft)
{
	if (ft != NULL && ft->ft_bytes != 0)
		smr_retire(&ft->ft_smr, fdtab_reclaim);
}

int
fdtab_grow(struct filedesc *fdp, uint32_t fd, struct fdtab **oldp)
{
	struct fdtab *old = filedesc_tab(fdp), *ft;
	uint32_t i, n = fdtab_words(old);

	*oldp = NULL;
	if (fd < old->ft_size)
		return 0;
	if ((ft = fdtab_alloc(fd)) == NULL)
		return ENOMEM;
	for (i = 0; i < old->ft_size; i++)
		atomic_store_explicit(
		    &ft->ft_file[i], fdtab_file(old, i), memory_order_relaxed);
	memcpy(fdtab_used(ft), fdtab_used(old), n * sizeof(uint64_t));
	memcpy(fdtab_cloexec(ft), fdtab_cloexec(old), n * sizeof(uint64_t));
	/* Bits of the last word that were beyond the old table are free. */
	if (old->ft_size % 64 != 0)
		fdtab_used(ft)[n - 1] &= ~(UINT64_MAX << old->ft_size % 64);
	for (i = 0; i < n; i++)
		fdtab_setbit(
		    fdtab_full(ft), i, fdtab_used(ft)[i] == UINT64_MAX);
	*oldp = old;
	/* Release pairs with the acquire in fd_getfile. */
	atomic_store_explicit(&fdp->fd_tab, ft, memory_order_release);
	return 0;
}

uint32_t
fdtab_lowest_slow(struct fdtab *ft, uint32_t min)
{
	const uint64_t *used = fdtab_used(ft), *full = fdtab_full(ft);
	uint32_t words = fdtab_words(ft), w = min / 64, i;
	uint64_t zeros;

	if (min >= ft->ft_size)
		return min;
	if (++w >= words)
		return ft->ft_size;
	zeros = ~full[w / 64] & UINT64_MAX << w % 64;
	for (i = w / 64; zeros == 0;) {
		if (++i >= (words + 63) / 64)
			return ft->ft_size;
		zeros = ~full[i];
	}
	w = i * 64 + (uint32_t)__builtin_ctzll(zeros);
	return w * 64 + (uint32_t)__builtin_ctzll(~used[w]);
}

uint32_t
fdtab_next(const struct fdtab *ft, const uint64_t *map, uint32_t fd)
{
	uint32_t words = fdtab_words(ft), w = fd / 64;
	uint64_t bits;

	if (fd >= ft->ft_size)
		return ft->ft_size;
	bits = map[w] & UINT64_MAX << fd % 64;
	while (bits == 0) {
		if (++w >= words)
			return ft->ft_size;
		bits = map[w];
	}
	fd = w * 64 + (uint32_t)__builtin_ctzll(bits);
	return fd < ft->ft_size ? fd : ft->ft_size;
}

uint32_t
fdtab_extent(struct fdtab *ft)
{
	const uint64_t *used = fdtab_used(ft);
	uint32_t w = fdtab_words(ft);
	uint64_t bits;

	while (w-- > 0) {
		bits = used[w];
		if (w == ft->ft_size / 64)
			bits &= ~(UINT64_MAX << ft->ft_size % 64);
		if (bits != 0)
			return w * 64 + 64 - (uint32_t)__builtin_clzll(bits);
	}
	return 0;
}
