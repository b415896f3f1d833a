/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Regular files: reading, writing, length, holes.
 *
 * v_lock is held shared while data is read, exclusively while it is written.
 * A page that is not there, or blank, reads as zero; what other pages have
 * beyond the end of the file is zero.
 */
#include <fcntl.h>
#include <unistd.h>

#include "fs/tmpfs/tmpfs.h"

#define PAGE_SHIFT 12
#define PAGE_MASK  ((off_t)KPAGE_SIZE - 1)

/* The file has n pages more. */
static void
count_pages(struct tmpfs_node *tn, int64_t n)
{
	tmpfs_set(tn->tn_npages,
	    atomic_load_explicit(&tn->tn_npages, memory_order_relaxed) +
		(uint64_t)n);
}

/* Free the pages from number `from' on and before `to'. */
static void
remove_pages(struct tmpfs_node *tn, uint64_t from, uint64_t to)
{
	uint64_t n = tmpfs_pages_remove(&tn->tn_pages, from, to);

	if (n == 0)
		return;
	tmpfs_give(node_super(tn), TMPFS_BLOCKS, (int64_t)n);
	count_pages(tn, -(int64_t)n);
}

/*
 * The slot of that number, with a page in it: if there was none, a new one
 * with undefined contents, and with these bits beside its address.
 */
static int
make_page(
    struct tmpfs_node *tn, uint64_t index, uintptr_t bits, uintptr_t **slotp)
{
	struct tmpfs_mount *tm = node_super(tn);
	uintptr_t *slot;
	void *page;
	int error;

	*slotp = slot = tmpfs_pages_slot(&tn->tn_pages, index);
	if (slot == NULL)
		error = ENOMEM;
	else if (*slot != 0)
		return 0;
	else if ((error = tmpfs_take(tm, TMPFS_BLOCKS, 1)) == 0) {
		if ((page = kmem_alloc(KPAGE_SIZE)) != NULL) {
			*slot = (uintptr_t)page | bits;
			count_pages(tn, 1);
			return 0;
		}
		tmpfs_give(tm, TMPFS_BLOCKS, 1);
		error = ENOMEM;
	}
	/* What was made on the way to the slot is in vain. */
	remove_pages(tn, index, index + 1);
	return error;
}

/* Of len bytes at off, how many are in the page that off is in? */
static inline size_t
within_page(off_t off, size_t len)
{
	size_t n = KPAGE_SIZE - (size_t)(off & PAGE_MASK);

	return n < len ? n : len;
}

/* Read where there is no page: a hole, or a file that programs map. */
static __attribute__((noinline)) int
read_hole(struct tmpfs_node *tn, off_t off, size_t n, struct uio *u)
{
	return likely(!tn->tn_hosted) ? uiomove_zero(n, u)
				      : tmpfs_host_read(tn, off, n, u);
}

/*
 * The page that off is in has no data: make it if it is not there, zero it but
 * for the n bytes at off, and copy these.
 */
static int
write_fresh(struct tmpfs_node *tn, off_t off, size_t n, struct uio *u)
{
	size_t at = (size_t)(off & PAGE_MASK), resid = u->uio_resid, done;
	uintptr_t *slot;
	char *page;
	int error;

	error = make_page(tn, (uint64_t)off >> PAGE_SHIFT, TMPFS_BLANK, &slot);
	if (error != 0)
		return error;
	page = (char *)(*slot & ~(uintptr_t)TMPFS_BLANK);
	error = uiomove(page + at, n, u);
	done = resid - u->uio_resid;
	/* It stays also if nothing was copied, as on the host. */
	memset(page, 0, at);
	memset(page + at + done, 0, KPAGE_SIZE - at - done);
	*slot = (uintptr_t)page;
	return error;
}

/* Write where there is no page with data, or where a program maps it. */
static __attribute__((noinline)) int
write_hole(struct tmpfs_node *tn, off_t off, size_t n, struct uio *u)
{
	return likely(!tn->tn_hosted) ? write_fresh(tn, off, n, u)
				      : tmpfs_host_write(tn, off, n, u);
}

/* Read or write n bytes at off, within a page. */
static inline __attribute__((always_inline)) int
move_piece(
    struct tmpfs_node *tn, off_t off, size_t n, struct uio *u, enum uio_rw rw)
{
	char *page =
	    tmpfs_pages_get(&tn->tn_pages, (uint64_t)off >> PAGE_SHIFT);

	if (likely(page != NULL))
		return uiomove_inline(page + (off & PAGE_MASK), n, u, rw);
	return rw == UIO_READ ? read_hole(tn, off, n, u)
			      : write_hole(tn, off, n, u);
}

/* The same with more than one page. */
static __attribute__((noinline)) int
move_pieces(struct tmpfs_node *tn, off_t off, size_t n, struct uio *u)
{
	size_t piece;
	int error = 0;

	for (; n > 0 && error == 0; n -= piece, off += (off_t)piece) {
		piece = within_page(off, n);
		error = move_piece(tn, off, piece, u, u->uio_rw);
	}
	return error;
}

static int
tmpfs_read(struct vnode *vp, off_t *offp, struct uio *u)
{
	struct tmpfs_node *tn = vp_to_node(vp);
	size_t resid = u->uio_resid, n;
	off_t off = *offp, left;
	int error = 0;

	rw_enter_light(&vp->v_lock);
	left = tmpfs_size(tn) - off;
	if (left > 0 && resid > 0) {
		n = (size_t)left < resid ? (size_t)left : resid;
		error = likely(within_page(off, n) == n)
			    ? move_piece(tn, off, n, u, UIO_READ)
			    : move_pieces(tn, off, n, u);
	}
	rw_exit_light(&vp->v_lock);
	*offp = off + (off_t)(resid - u->uio_resid);
	return error;
}

/*
 * Is all that a change at this time would leave there already, if the length
 * stays?  Nobody has seen it then, so that it can be the same change.
 */
static inline bool
file_isas(const struct tmpfs_node *tn, const struct timespec *now)
{
	uint32_t seq = atomic_load_explicit(&tn->tn_seq, memory_order_relaxed);

	return (seq & TMPFS_SEEN) == 0 && tn->tn_written &&
	       tmpfs_timeis(tn, TMPFS_MTIME, now);
}

/* The file has been changed at this time, and may have another length. */
static __attribute__((noinline)) void
file_changed_at(struct tmpfs_node *tn, off_t size, const struct vwrite *vw,
    struct timespec now)
{
	struct vnode *vp = &tn->tn_vnode;
	uint32_t mode = vnode_mode_written(vp, vw);

	tmpfs_change(tn, &now);
	tmpfs_set(tn->tn_size, size);
	tmpfs_set(vp->v_mode, mode);
	tmpfs_settime(tn, TMPFS_MTIME, &now);
	tmpfs_settime(tn, TMPFS_CTIME, &now);
	tmpfs_changed(tn);
	/* Whether these bits stay is another question for each who writes. */
	tn->tn_written = (mode & (S_ISUID | S_ISGID)) == 0;
}

static void
file_changed(struct tmpfs_node *tn, off_t size, const struct vwrite *vw)
{
	struct timespec now;

	vfs_coarse_now(&now);
	file_changed_at(tn, size, vw, now);
}

/* Bytes before `end' have been written, or none. */
static inline void
file_written(struct tmpfs_node *tn, off_t end, const struct vwrite *vw)
{
	off_t size = tmpfs_size(tn);
	struct timespec now;

	vfs_coarse_now(&now);
	if (unlikely(end > size || !file_isas(tn, &now)))
		file_changed_at(tn, end > size ? end : size, vw, now);
}

static int
tmpfs_write(
    struct vnode *vp, off_t *offp, struct uio *u, const struct vwrite *vw)
{
	struct tmpfs_node *tn = vp_to_node(vp);
	size_t resid = u->uio_resid, n;
	off_t off;
	int error = EFBIG;

	KASSERT(resid > 0);
	rw_enter_write(&vp->v_lock);
	off = vw->vw_append ? tmpfs_size(tn) : *offp;
	if (off < vw->vw_limit) {
		n = (size_t)(vw->vw_limit - off);
		if (n > resid)
			n = resid;
		error = likely(within_page(off, n) == n)
			    ? move_piece(tn, off, n, u, UIO_WRITE)
			    : move_pieces(tn, off, n, u);
		off += (off_t)(resid - u->uio_resid);
		file_written(tn, off, vw);
	}
	rw_exit_write(&vp->v_lock);
	/* If nothing was written, appending has not moved it either. */
	if (error == 0 || u->uio_resid != resid)
		*offp = off;
	return error;
}

/* Zero what is there of n bytes at off, within a page. */
static void
zero_piece(struct tmpfs_node *tn, off_t off, size_t n)
{
	char *page =
	    tmpfs_pages_get(&tn->tn_pages, (uint64_t)off >> PAGE_SHIFT);

	if (page != NULL)
		memset(page + (off & PAGE_MASK), 0, n);
}

/* Make a hole from off on and before end. */
static void
file_punch(struct tmpfs_node *tn, off_t off, off_t end)
{
	uint64_t first = ((uint64_t)off + KPAGE_SIZE - 1) >> PAGE_SHIFT;
	uint64_t last = (uint64_t)end >> PAGE_SHIFT;
	size_t head = within_page(off, (size_t)(end - off));

	if ((off & PAGE_MASK) != 0)
		zero_piece(tn, off, head);
	if ((end & PAGE_MASK) != 0 && last >= first)
		zero_piece(tn, end & ~PAGE_MASK, (size_t)(end & PAGE_MASK));
	remove_pages(tn, first, last);
}

/* Drop what is at `length' and beyond it, if the file was longer. */
static int
file_cut(struct tmpfs_node *tn, off_t length)
{
	size_t at = (size_t)(length & PAGE_MASK);

	if (unlikely(tn->tn_hosted))
		return tmpfs_host_truncate(tn, length);
	/* A write that failed can have left a page at the end. */
	if (length > tmpfs_size(tn))
		return 0;
	if (at != 0)
		zero_piece(tn, length, KPAGE_SIZE - at);
	remove_pages(
	    tn, ((uint64_t)length + KPAGE_SIZE - 1) >> PAGE_SHIFT, UINT64_MAX);
	return 0;
}

static bool
file_haspages(const struct tmpfs_node *tn)
{
	return atomic_load_explicit(&tn->tn_npages, memory_order_relaxed) > 0;
}

static int
tmpfs_truncate(
    struct vnode *vp, off_t length, const struct vwrite *vw, bool always)
{
	struct tmpfs_node *tn = vp_to_node(vp);
	bool changed;
	off_t size;
	int error = 0;

	rw_enter_write(&vp->v_lock);
	size = tmpfs_size(tn);
	/* As on the host: if it has data it is a change in any case. */
	changed = length != size || always || file_haspages(tn) ||
		  vnode_mode_written(vp, vw) != vnode_mode(vp);
	if (length > size && length > vw->vw_limit)
		error = EFBIG;
	else if ((error = file_cut(tn, length)) == 0 && changed)
		file_changed(tn, length, vw);
	rw_exit_write(&vp->v_lock);
	return error;
}

/* The first hole from `off' on: the end of the file counts as one. */
static off_t
file_hole(const struct tmpfs_node *tn, off_t off, off_t size)
{
	uint64_t index = (uint64_t)off >> PAGE_SHIFT;

	while (off < size && tmpfs_pages_get(&tn->tn_pages, index) != NULL) {
		index++;
		off = (off_t)(index << PAGE_SHIFT);
	}
	return off < size ? off : size;
}

static int
tmpfs_seek(struct vnode *vp, int whence, off_t *offp)
{
	struct tmpfs_node *tn = vp_to_node(vp);
	uint64_t index = (uint64_t)*offp >> PAGE_SHIFT;
	off_t size, at;
	int error = 0;

	rw_enter_read(&vp->v_lock);
	size = tmpfs_size(tn);
	if (*offp >= size)
		error = ENXIO;
	else if (unlikely(tn->tn_hosted))
		error = tmpfs_host_seek(tn, whence, offp);
	else if (whence == SEEK_HOLE)
		*offp = file_hole(tn, *offp, size);
	else if (!tmpfs_pages_next(&tn->tn_pages, &index))
		error = ENXIO;
	else {
		at = (off_t)(index << PAGE_SHIFT);
		if (at > *offp)
			*offp = at;
		if (*offp >= size)
			error = ENXIO;
	}
	rw_exit_read(&vp->v_lock);
	return error;
}

/*
 * Reserve the pages that are not there from number `first' on and before
 * `end', all of them or none.
 */
static int
file_reserve(struct tmpfs_node *tn, uint64_t first, uint64_t end)
{
	uint64_t i;
	uintptr_t *slot;
	int error = 0;

	for (i = first; i < end && error == 0; i++)
		error = make_page(tn, i, TMPFS_BLANK | TMPFS_FRESH, &slot);
	/* The one that failed has no page. */
	for (end = error == 0 ? i : i - 1, i = first; i < end; i++) {
		slot = tmpfs_pages_slot(&tn->tn_pages, i);
		if ((*slot & TMPFS_FRESH) != 0) {
			*slot &= ~(uintptr_t)TMPFS_FRESH;
			if (error != 0)
				remove_pages(tn, i, i + 1);
		} else if ((*slot & TMPFS_BLANK) != 0 && error == 0) {
			/* Reserved before: it is data now, as on the host. */
			*slot &= ~(uintptr_t)TMPFS_BLANK;
			memset((char *)*slot, 0, KPAGE_SIZE);
		}
	}
	return error;
}

static int
file_allocate(struct tmpfs_node *tn, off_t off, off_t end, off_t limit)
{
	uint64_t first = (uint64_t)off >> PAGE_SHIFT;
	uint64_t last = ((uint64_t)end + KPAGE_SIZE - 1) >> PAGE_SHIFT;
	uint64_t max = tmpfs_limit_max(node_super(tn), TMPFS_BLOCKS);
	struct kmem_stats ks;

	/* Also if the length is to stay, as on the host. */
	if (end > tmpfs_size(tn) && end > limit)
		return EFBIG;
	/* Before a long time is spent for nothing. */
	if (max != 0 && last - first > max)
		return ENOSPC;
	kmem_stats(&ks);
	if (last - first > ks.ks_limit / KPAGE_SIZE)
		return ENOMEM;
	return file_reserve(tn, first, last);
}

static int
tmpfs_fallocate(
    struct vnode *vp, int mode, off_t off, off_t len, const struct vwrite *vw)
{
	struct tmpfs_node *tn = vp_to_node(vp);
	bool grow = (mode & FALLOC_FL_KEEP_SIZE) == 0;
	off_t end = off + len, size;
	int error = 0;

	if ((mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE)) != 0)
		return EOPNOTSUPP;
	rw_enter_write(&vp->v_lock);
	if (unlikely(tn->tn_hosted))
		error = end > tmpfs_size(tn) && grow && end > vw->vw_limit
			    ? EFBIG
			    : tmpfs_host_fallocate(tn, mode, off, len);
	else if ((mode & FALLOC_FL_PUNCH_HOLE) != 0)
		file_punch(tn, off, end);
	else
		error = file_allocate(tn, off, end, vw->vw_limit);
	size = tmpfs_size(tn);
	if (error == 0)
		file_changed(tn, grow && end > size ? end : size, vw);
	rw_exit_write(&vp->v_lock);
	return error;
}

void
tmpfs_file_free(struct tmpfs_node *tn)
{
	if (tn->tn_hosted)
		tmpfs_host_free(tn);
	remove_pages(tn, 0, UINT64_MAX);
}

const struct vnodeops tmpfs_regops = {
    .vop_aname = tmpfs_aname,
    .vop_read = tmpfs_read,
    .vop_write = tmpfs_write,
    .vop_truncate = tmpfs_truncate,
    .vop_fallocate = tmpfs_fallocate,
    .vop_seek = tmpfs_seek,
    .vop_hostfile = tmpfs_hostfile,
    .vop_getattr = tmpfs_getattr,
    .vop_setattr = tmpfs_setattr,
    .vop_accessed = tmpfs_accessed,
    .vop_getxattr = tmpfs_getxattr,
    .vop_setxattr = tmpfs_setxattr,
    .vop_listxattr = tmpfs_listxattr,
    .vop_getacl = tmpfs_getacl,
    .vop_reclaim = tmpfs_reclaim,
};
