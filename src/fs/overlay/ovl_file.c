/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Data and attributes: those of the upper file, if there is one.  What changes
 * something brings it to the upper layer first.
 *
 * The overlay's vnode has type, permissions, owner and flags of its own, which
 * are compared when a right is asked for; they follow the upper file's.
 */
#include <fcntl.h>
#include <unistd.h>

#include "fs/overlay/overlay.h"

#include "kern/pipe.h"

/* The upper file has been changed: so is the overlay's. */
static void
follow_locked(struct vnode *vp, const struct vnode *uvp)
{
	atomic_store_explicit(&vp->v_mode,
	    (vnode_mode(vp) & ~OVL_FOLLOWED) | (vnode_mode(uvp) & OVL_FOLLOWED),
	    memory_order_relaxed);
	atomic_store_explicit(&vp->v_uid, vnode_uid(uvp), memory_order_relaxed);
	atomic_store_explicit(&vp->v_gid, vnode_gid(uvp), memory_order_relaxed);
}

/* Writing may clear set-id bits. */
static void
follow_written(struct vnode *vp, const struct vnode *uvp)
{
	if (likely(((vnode_mode(vp) ^ vnode_mode(uvp)) & OVL_FOLLOWED) == 0))
		return;
	rw_enter_write(&vp->v_lock);
	follow_locked(vp, uvp);
	rw_exit_write(&vp->v_lock);
}

/*
 * Regular files
 */

static int
ovl_read(struct vnode *vp, off_t *offp, struct uio *u)
{
	struct vnode *rvp = ovl_real(vp_to_ovl(vp));

	return rvp->v_ops->vop_read != NULL ? rvp->v_ops->vop_read(rvp, offp, u)
					    : EINVAL;
}

static int
ovl_write(struct vnode *vp, off_t *offp, struct uio *u, const struct vwrite *vw)
{
	struct vnode *uvp;
	int error;

	if ((error = ovl_copyup(vp_to_ovl(vp), true)) != 0)
		return error;
	uvp = ovl_upper(vp_to_ovl(vp));
	error = uvp->v_ops->vop_write(uvp, offp, u, vw);
	follow_written(vp, uvp);
	return error;
}

static int
ovl_truncate(
    struct vnode *vp, off_t length, const struct vwrite *vw, bool always)
{
	struct vnode *uvp;
	int error;

	if ((error = ovl_copyup(vp_to_ovl(vp), true)) != 0)
		return error;
	uvp = ovl_upper(vp_to_ovl(vp));
	error = uvp->v_ops->vop_truncate(uvp, length, vw, always);
	follow_written(vp, uvp);
	return error;
}

static int
ovl_fallocate(
    struct vnode *vp, int mode, off_t off, off_t len, const struct vwrite *vw)
{
	struct vnode *uvp;
	int error;

	if ((error = ovl_copyup(vp_to_ovl(vp), true)) != 0)
		return error;
	uvp = ovl_upper(vp_to_ovl(vp));
	if (uvp->v_ops->vop_fallocate == NULL)
		return EOPNOTSUPP;
	error = uvp->v_ops->vop_fallocate(uvp, mode, off, len, vw);
	follow_written(vp, uvp);
	return error;
}

static int
ovl_seek(struct vnode *vp, int whence, off_t *offp)
{
	struct vnode *rvp = ovl_real(vp_to_ovl(vp));
	struct stat sb = {0};
	int error;

	if (rvp->v_ops->vop_seek != NULL)
		return rvp->v_ops->vop_seek(rvp, whence, offp);
	if ((error = rvp->v_ops->vop_getattr(rvp, &sb)) != 0)
		return error;
	if (*offp >= sb.st_size)
		return ENXIO;
	if (whence == SEEK_HOLE)
		*offp = sb.st_size;
	return 0;
}

/* Who may write finds it in the upper layer. */
static int
ovl_open(struct lwp *l, struct vnode *vp, int flags, struct file *fp,
    struct file **fpp)
{
	(void)l, (void)fp, (void)fpp;
	if ((flags & O_ACCMODE) == O_RDONLY && (flags & O_TRUNC) == 0)
		return 0;
	/* What is to be cut off need not be copied. */
	return ovl_copyup(vp_to_ovl(vp), (flags & O_TRUNC) == 0);
}

int
ovl_fsync(struct vnode *vp, bool dataonly)
{
	struct vnode *uvp = ovl_upper(vp_to_ovl(vp));

	return uvp != NULL && uvp->v_ops->vop_fsync != NULL
		   ? uvp->v_ops->vop_fsync(uvp, dataonly)
		   : 0;
}

/*
 * Attributes
 */

/* Links of a directory that has its entries in several layers. */
static int
merged_nlink(struct ovl_node *on, nlink_t *nlinkp)
{
	struct ovl_mount *om = ovl_super(on);
	int64_t n = atomic_load_explicit(&on->on_subdirs, memory_order_relaxed);
	int error = 0;

	if (n < 0) {
		mutex_enter(&om->om_lock);
		if ((error = ovl_subdirs(on, &n)) == 0)
			atomic_store_explicit(
			    &on->on_subdirs, n, memory_order_relaxed);
		mutex_exit(&om->om_lock);
	}
	*nlinkp = (nlink_t)n + 2;
	return error;
}

int
ovl_getattr(struct vnode *vp, struct stat *sb)
{
	struct ovl_node *on = vp_to_ovl(vp);
	struct vnode *rvp = ovl_real(on);
	dev_t dev = sb->st_dev;
	int error;

	if ((error = rvp->v_ops->vop_getattr(rvp, sb)) != 0)
		return error;
	sb->st_dev = dev;
	sb->st_ino = atomic_load_explicit(&on->on_ino, memory_order_relaxed);
	if ((vnode_mode(vp) & V_DEAD) != 0 ||
	    (ovl_upper(on) == NULL &&
		atomic_load_explicit(&on->on_removed, memory_order_relaxed)))
		sb->st_nlink = 0;
	else if (on->on_linked)
		sb->st_nlink = ovl_links(on);
	else if (ovl_isdir(on) && ovl_ismerged(on))
		error = merged_nlink(on, &sb->st_nlink);
	return error;
}

int
ovl_setattr(struct vnode *vp, const struct vattr *va)
{
	struct vnode *uvp;
	int error;

	KASSERT(rw_write_held(&vp->v_lock));
	if ((error = ovl_copyup(vp_to_ovl(vp), true)) != 0)
		return error;
	uvp = ovl_upper(vp_to_ovl(vp));
	error = up_setattr(uvp, va);
	follow_locked(vp, uvp);
	return error;
}

void
ovl_accessed(struct vnode *vp)
{
	struct vnode *uvp = ovl_upper(vp_to_ovl(vp));

	if (uvp != NULL && uvp->v_ops->vop_accessed != NULL)
		uvp->v_ops->vop_accessed(uvp);
}

static bool
xattr_isours(const char *name)
{
	return strncmp(name, OVL_XATTR, strlen(OVL_XATTR)) == 0;
}

int
ovl_getxattr(
    struct vnode *vp, const char *name, void *buf, size_t size, size_t *lenp)
{
	struct vnode *rvp = ovl_real(vp_to_ovl(vp));

	if (xattr_isours(name) || rvp->v_ops->vop_getxattr == NULL)
		return EOPNOTSUPP;
	return rvp->v_ops->vop_getxattr(rvp, name, buf, size, lenp);
}

int
ovl_setxattr(struct vnode *vp, const char *name, const void *value, size_t size,
    int flags)
{
	struct vnode *uvp;
	int error;

	if (xattr_isours(name))
		return EOPNOTSUPP;
	if ((error = ovl_copyup(vp_to_ovl(vp), true)) != 0)
		return error;
	uvp = ovl_upper(vp_to_ovl(vp));
	if (uvp->v_ops->vop_setxattr == NULL)
		return EOPNOTSUPP;
	rw_enter_write(&uvp->v_lock);
	error = uvp->v_ops->vop_setxattr(uvp, name, value, size, flags);
	follow_locked(vp, uvp);
	rw_exit_write(&uvp->v_lock);
	return error;
}

/* A lower file system without them has flags of none. */
bool
ovl_getacl(
    const struct vnode *vp, bool isdefault, const void **valuep, size_t *sizep)
{
	struct vnode *rvp = ovl_real(vp_to_ovl((struct vnode *)(uintptr_t)vp));

	return rvp->v_ops->vop_getacl != NULL &&
	       rvp->v_ops->vop_getacl(rvp, isdefault, valuep, sizep);
}

/* Take our own names out of a list. */
static size_t
list_filter(char *list, size_t len)
{
	char *from = list, *to = list;

	while (from < list + len) {
		size_t n = strlen(from) + 1;

		if (!xattr_isours(from)) {
			memmove(to, from, n);
			to += n;
		}
		from += n;
	}
	return (size_t)(to - list);
}

int
ovl_listxattr(struct vnode *vp, char *buf, size_t size, size_t *lenp)
{
	struct vnode *rvp = ovl_real(vp_to_ovl(vp));
	size_t all, len;
	char *list;
	int error;

	if (rvp->v_ops->vop_listxattr == NULL)
		return EOPNOTSUPP;
	error = rvp->v_ops->vop_listxattr(rvp, NULL, 0, &all);
	if (error != 0 || all == 0) {
		*lenp = 0;
		return error;
	}
	if ((list = kmem_alloc(all)) == NULL)
		return ENOMEM;
	if ((error = rvp->v_ops->vop_listxattr(rvp, list, all, &len)) == 0) {
		*lenp = len = list_filter(list, len);
		if (size != 0 && size < len)
			error = ERANGE;
		else if (size != 0)
			memcpy(buf, list, len);
	}
	kmem_free(list, all);
	return error;
}

/* A map that is not written through goes on showing a lower file's data. */
static int
ovl_hostfile(struct vnode *vp, bool write, int *fdp)
{
	struct vnode *rvp;
	int error;

	if (write && (error = ovl_copyup(vp_to_ovl(vp), true)) != 0)
		return error;
	rvp = ovl_real(vp_to_ovl(vp));
	if (rvp->v_ops->vop_hostfile == NULL)
		return ENODEV;
	return rvp->v_ops->vop_hostfile(rvp, write, fdp);
}

static bool
ovl_islower(struct vnode *vp)
{
	return ovl_upper(vp_to_ovl(vp)) == NULL;
}

/*
 * Symbolic links and special files
 */

static int
ovl_readlink(struct vnode *vp, const char **targetp, size_t *lenp)
{
	struct vnode *rvp = ovl_real(vp_to_ovl(vp));

	return rvp->v_ops->vop_readlink(rvp, targetp, lenp);
}

/* Its pipe is not that of the same fifo in a layer. */
static int
ovl_fifo(struct vnode *vp, struct pipe **pipep)
{
	struct ovl_node *on = vp_to_ovl(vp);
	int error = 0;

	rw_enter_write(&vp->v_lock);
	if (on->on_fifo == NULL)
		error = vnode_fifo_alloc(&on->on_fifo);
	*pipep = on->on_fifo;
	rw_exit_write(&vp->v_lock);
	return error;
}

const struct vnodeops ovl_regops = {
    .vop_open = ovl_open,
    .vop_aname = ovl_aname,
    .vop_read = ovl_read,
    .vop_write = ovl_write,
    .vop_truncate = ovl_truncate,
    .vop_fallocate = ovl_fallocate,
    .vop_seek = ovl_seek,
    .vop_hostfile = ovl_hostfile,
    .vop_islower = ovl_islower,
    .vop_fsync = ovl_fsync,
    .vop_getattr = ovl_getattr,
    .vop_setattr = ovl_setattr,
    .vop_accessed = ovl_accessed,
    .vop_getxattr = ovl_getxattr,
    .vop_setxattr = ovl_setxattr,
    .vop_listxattr = ovl_listxattr,
    .vop_getacl = ovl_getacl,
    .vop_reclaim = ovl_reclaim,
};

const struct vnodeops ovl_otherops = {
    .vop_aname = ovl_aname,
    .vop_readlink = ovl_readlink,
    .vop_fifo = ovl_fifo,
    .vop_getattr = ovl_getattr,
    .vop_setattr = ovl_setattr,
    .vop_accessed = ovl_accessed,
    .vop_getxattr = ovl_getxattr,
    .vop_setxattr = ovl_setxattr,
    .vop_listxattr = ovl_listxattr,
    .vop_getacl = ovl_getacl,
    .vop_reclaim = ovl_reclaim,
};
