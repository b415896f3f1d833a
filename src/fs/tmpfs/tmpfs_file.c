/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Regular files: reading, writing, length, holes.
 *
 * v_lock is held shared while data is read, exclusively while it is written.
 * A page that is not there reads as zero; what a page has beyond the end of
 * the file is zero.
 */
#include <unistd.h>

#include "fs/tmpfs/tmpfs.h"

#define PAGE_SHIFT 12
#define PAGE_MASK  ((off_t)KPAGE_SIZE - 1)

static void
count_pages(struct tmpfs_node *tn, int64_t n)
{
	atomic_fetch_add_explicit(
	    &tmpfs_count(node_super(tn))->tc_pages, n, memory_order_relaxed);
	tmpfs_set(tn->tn_npages,
	    atomic_load_explicit(&tn->tn_npages, memory_order_relaxed) +
		(uint64_t)n);
}

/* Of len bytes at off, how many are in the page that off is in? */
static inline size_t
within_page(off_t off, size_t len)
{
	size_t n = KPAGE_SIZE - (size_t)(off & PAGE_MASK);

	return n < len ? n : len;
}

static int
tmpfs_read(struct vnode *vp, off_t *offp, struct uio *u)
{
	struct tmpfs_node *tn = vp_to_node(vp);
	off_t off = *offp, end;
	int error = 0;

	rw_enter_read(&vp->v_lock);
	end = tmpfs_size(tn);
	if ((uint64_t)(end - off) > u->uio_resid)
		end = off < end ? off + (off_t)u->uio_resid : off;
	while (off < end && error == 0) {
		size_t n = within_page(off, (size_t)(end - off));
		size_t resid = u->uio_resid;
		char *page =
		    tmpfs_pages_get(&tn->tn_pages, (uint64_t)off >> PAGE_SHIFT);

		if (likely(page != NULL))
			error = uiomove(page + (off & PAGE_MASK), n, u);
		else
			error = uiomove_zero(n, u);
		off += (off_t)(resid - u->uio_resid);
	}
	rw_exit_read(&vp->v_lock);
	*offp = off;
	return error;
}

/*
 * The page that off is in, made if it is not there: then all but the n bytes
 * at off, which the caller fills, are zero, and *fresh is set.
 */
static int
write_page(
    struct tmpfs_node *tn, off_t off, size_t n, char **pagep, bool *fresh)
{
	uint64_t index = (uint64_t)off >> PAGE_SHIFT;
	size_t at = (size_t)(off & PAGE_MASK);
	char *page = tmpfs_pages_get(&tn->tn_pages, index);
	int error;

	*fresh = page == NULL;
	if (page == NULL) {
		if ((page = kmem_alloc(KPAGE_SIZE)) == NULL)
			return ENOMEM;
		error = tmpfs_pages_put(&tn->tn_pages, index, page);
		if (error != 0) {
			kmem_free(page, KPAGE_SIZE);
			return error;
		}
		memset(page, 0, at);
		memset(page + at + n, 0, KPAGE_SIZE - at - n);
		count_pages(tn, 1);
	}
	*pagep = page;
	return 0;
}

/* Copy n bytes at off, within a page; *donep of them were copied. */
static int
write_piece(
    struct tmpfs_node *tn, off_t off, size_t n, struct uio *u, size_t *donep)
{
	size_t at = (size_t)(off & PAGE_MASK), resid = u->uio_resid, done;
	char *page;
	bool fresh;
	int error;

	*donep = 0;
	if ((error = write_page(tn, off, n, &page, &fresh)) != 0)
		return error;
	error = uiomove(page + at, n, u);
	*donep = done = resid - u->uio_resid;
	/* A new page stays, with zeros: as on the host. */
	if (unlikely(done < n) && fresh)
		memset(page + at + done, 0, n - done);
	return error;
}

/* The file has been changed by cr, and may have another length now. */
static void
file_changed(struct tmpfs_node *tn, off_t size, const struct cred *cr)
{
	struct vnode *vp = &tn->tn_vnode;
	struct timespec now;

	vfs_now(&now);
	tmpfs_change(tn);
	tmpfs_set(tn->tn_size, size);
	tmpfs_set(vp->v_mode, vnode_mode_written(vp, cr));
	tmpfs_settime(tn, TMPFS_MTIME, &now);
	tmpfs_settime(tn, TMPFS_CTIME, &now);
	tmpfs_changed(tn);
}

static int
tmpfs_write(
    struct vnode *vp, off_t *offp, struct uio *u, const struct vwrite *vw)
{
	struct tmpfs_node *tn = vp_to_node(vp);
	off_t off, start, end, size;
	size_t done;
	int error = 0;

	rw_enter_write(&vp->v_lock);
	size = tmpfs_size(tn);
	off = start = vw->vw_append ? size : *offp;
	if (off >= vw->vw_limit) {
		rw_exit_write(&vp->v_lock);
		return EFBIG;
	}
	end = (uint64_t)(vw->vw_limit - off) < u->uio_resid
		  ? vw->vw_limit
		  : off + (off_t)u->uio_resid;
	while (off < end && error == 0) {
		error = write_piece(
		    tn, off, within_page(off, (size_t)(end - off)), u, &done);
		off += (off_t)done;
	}
	file_changed(tn, off > size ? off : size, vw->vw_cred);
	rw_exit_write(&vp->v_lock);
	/* If nothing was written, appending has not moved it either. */
	if (error == 0 || off != start)
		*offp = off;
	return error;
}

/* Drop what is at `length' and beyond it. */
static void
file_cut(struct tmpfs_node *tn, off_t length)
{
	uint64_t index = (uint64_t)length >> PAGE_SHIFT, n;
	size_t at = (size_t)(length & PAGE_MASK);
	char *page;

	if (at != 0) {
		page = tmpfs_pages_get(&tn->tn_pages, index);
		if (page != NULL)
			memset(page + at, 0, KPAGE_SIZE - at);
		index++;
	}
	n = tmpfs_pages_truncate(&tn->tn_pages, index);
	if (n > 0)
		count_pages(tn, -(int64_t)n);
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
	    vnode_mode_written(vp, vw->vw_cred) != vnode_mode(vp);
	if (length > size && length > vw->vw_limit)
		error = EFBIG;
	else {
		/* A write that failed can have left a page at the end. */
		if (length <= size)
			file_cut(tn, length);
		if (changed)
			file_changed(tn, length, vw->vw_cred);
	}
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

void
tmpfs_file_free(struct tmpfs_node *tn)
{
	uint64_t n = tmpfs_pages_truncate(&tn->tn_pages, 0);

	if (n > 0)
		count_pages(tn, -(int64_t)n);
}

const struct vnodeops tmpfs_regops = {
    .vop_read = tmpfs_read,
    .vop_write = tmpfs_write,
    .vop_truncate = tmpfs_truncate,
    .vop_seek = tmpfs_seek,
    .vop_getattr = tmpfs_getattr,
    .vop_setattr = tmpfs_setattr,
    .vop_accessed = tmpfs_accessed,
    .vop_reclaim = tmpfs_reclaim,
};
