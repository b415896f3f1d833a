/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changing names in the upper layer, with the locks that its file system
 * wants.  om_lock is held, so that no other name of the overlay changes
 * meanwhile; somebody may change the layer directly, and gets an error then
 * or causes one.
 */
#include <inttypes.h>
#include <stdio.h>

#include "fs/overlay/overlay.h"

int
up_lookup(struct vnode *udvp, const struct cname *cn, struct vnode **vpp)
{
	int error = udvp->v_ops->vop_lookup(udvp, cn, vpp);

	return error == 0 && !vnode_tryhold(*vpp) ? ENOENT : error;
}

int
ovl_temp(struct ovl_mount *om, struct vnode *udvp, struct ovl_temp *ot)
{
	struct vnode *vp;
	int n, error;

	do {
		n = snprintf(ot->ot_name, sizeof(ot->ot_name), "#%" PRIx64,
		    om->om_temp++);
		cname_init(&ot->ot_cn, ot->ot_name, (size_t)n);
		error = udvp->v_ops->vop_lookup(udvp, &ot->ot_cn, &vp);
	} while (error == 0);
	return error == ENOENT ? 0 : error;
}

int
up_create(struct vnode *udvp, const struct cname *cn, const struct vattr *va,
    struct vnode **vpp)
{
	struct vattr held = *va;
	int error;

	if (udvp->v_ops->vop_create == NULL)
		return EPERM;
	held.va_count = 1;
	rw_enter_write(&udvp->v_lock);
	error = (vnode_mode(udvp) & V_DEAD) != 0
		    ? ENOENT
		    : udvp->v_ops->vop_create(udvp, cn, &held, vpp);
	rw_exit_write(&udvp->v_lock);
	return error;
}

int
up_whiteout(struct vnode *udvp, const struct cname *cn)
{
	struct vattr va = {.va_mode = S_IFCHR};
	struct vnode *vp;
	int error = up_create(udvp, cn, &va, &vp);

	if (error == 0)
		vnode_rele(vp);
	return error;
}

int
up_link(struct vnode *udvp, const struct cname *cn, struct vnode *uvp)
{
	struct stat sb = {0};
	int error;

	if (udvp->v_ops->vop_link == NULL)
		return EPERM;
	if ((error = uvp->v_ops->vop_getattr(uvp, &sb)) != 0)
		return error;
	rw_enter_write(&udvp->v_lock);
	rw_enter_write(&uvp->v_lock);
	if (sb.st_nlink == 0)
		atomic_store_explicit(&uvp->v_mode, vnode_mode(uvp) | V_TMPFILE,
		    memory_order_relaxed);
	error = udvp->v_ops->vop_link(udvp, cn, uvp);
	rw_exit_write(&uvp->v_lock);
	rw_exit_write(&udvp->v_lock);
	return error;
}

/* Remove what one name stands for, which is empty. */
static int
up_remove_one(struct vnode *udvp, const struct cname *cn)
{
	struct vnode *vp;
	bool last = false;
	int error;

	rw_enter_write(&udvp->v_lock);
	error = udvp->v_ops->vop_lookup(udvp, cn, &vp);
	if (error == 0) {
		rw_enter_write(&vp->v_lock);
		error = udvp->v_ops->vop_remove(udvp, cn, vp, &last);
		rw_exit_write(&vp->v_lock);
	}
	rw_exit_write(&udvp->v_lock);
	if (last)
		vnode_rele(vp);
	return error;
}

static bool
up_first(void *arg, const struct direntry *de)
{
	struct ovl_temp *ot = arg;

	cname_init(&ot->ot_cn, de->de_name, de->de_namelen);
	return false;
}

/*
 * Remove the whiteouts that are left in a directory.  Nobody has seen them: who
 * has the directory open sees the times that it had.
 */
static int
up_clear(struct vnode *uvp)
{
	struct stat sb = {0};
	struct ovl_temp ot;
	off_t pos;
	int error;

	if ((error = uvp->v_ops->vop_getattr(uvp, &sb)) != 0)
		return error;
	do {
		pos = 2;
		ot.ot_cn.cn_len = 0;
		error = uvp->v_ops->vop_readdir(uvp, &pos, up_first, &ot);
		if (error == 0 && ot.ot_cn.cn_len > 0)
			error = up_remove_one(uvp, &ot.ot_cn);
	} while (error == 0 && ot.ot_cn.cn_len > 0);
	(void)up_settimes(uvp, &sb);
	return error;
}

int
up_remove(struct vnode *udvp, const struct cname *cn)
{
	struct vnode *vp;
	int error;

	if ((error = up_lookup(udvp, cn, &vp)) != 0)
		return error;
	if (vnode_type(vp) == S_IFDIR)
		error = up_clear(vp);
	vnode_rele(vp);
	return error != 0 ? error : up_remove_one(udvp, cn);
}

/*
 * Two directories of the upper layer, and in them two files, for a rename:
 * see vfs/rename.c.
 */

static bool
up_isabove(struct vnode *top, struct vnode *vp)
{
	struct vnode *parent;

	while (vp != top) {
		if ((parent = vp->v_ops->vop_parent(vp)) == vp)
			return false;
		vp = parent;
	}
	return true;
}

static void
up_lock2(struct vnode *a, struct vnode *b, struct vnode *c, struct vnode *d)
{
	struct vnode *swap;

	if (a != b) {
		mutex_enter(a->v_super->sb_rename);
		if (up_isabove(b, a) || (!up_isabove(a, b) && b < a)) {
			swap = a;
			a = b;
			b = swap;
		}
	}
	rw_enter_write(&a->v_lock);
	if (a != b)
		rw_enter_write(&b->v_lock);
	if (d != NULL && d < c) {
		swap = c;
		c = d;
		d = swap;
	}
	rw_enter_write(&c->v_lock);
	if (d != NULL)
		rw_enter_write(&d->v_lock);
}

static void
up_unlock2(struct vnode *a, struct vnode *b, struct vnode *c, struct vnode *d)
{
	if (d != NULL)
		rw_exit_write(&d->v_lock);
	rw_exit_write(&c->v_lock);
	if (a != b)
		rw_exit_write(&b->v_lock);
	rw_exit_write(&a->v_lock);
	if (a != b)
		mutex_exit(a->v_super->sb_rename);
}

int
up_rename(struct vnode *fdvp, const struct cname *fcn, struct vnode *tdvp,
    const struct cname *tcn)
{
	struct vnode *fvp;
	bool last = false;
	int error;

	if (fdvp->v_ops->vop_rename == NULL)
		return EPERM;
	if ((error = up_lookup(fdvp, fcn, &fvp)) != 0)
		return error;
	up_lock2(fdvp, tdvp, fvp, NULL);
	error = fdvp->v_ops->vop_rename(fdvp, fcn, fvp, tdvp, tcn, NULL, &last);
	up_unlock2(fdvp, tdvp, fvp, NULL);
	vnode_rele(fvp);
	return error;
}

int
up_exchange(struct vnode *fdvp, const struct cname *fcn, struct vnode *tdvp,
    const struct cname *tcn)
{
	struct vnode *fvp, *tvp;
	int error;

	if (fdvp->v_ops->vop_exchange == NULL)
		return EXDEV;
	if ((error = up_lookup(fdvp, fcn, &fvp)) != 0)
		return error;
	if ((error = up_lookup(tdvp, tcn, &tvp)) == 0) {
		up_lock2(fdvp, tdvp, fvp, tvp);
		error =
		    fdvp->v_ops->vop_exchange(fdvp, fcn, fvp, tdvp, tcn, tvp);
		up_unlock2(fdvp, tdvp, fvp, tvp);
		vnode_rele(tvp);
	}
	vnode_rele(fvp);
	return error;
}

int
up_setattr(struct vnode *uvp, const struct vattr *va)
{
	int error;

	if (uvp->v_ops->vop_setattr == NULL)
		return EPERM;
	rw_enter_write(&uvp->v_lock);
	error = uvp->v_ops->vop_setattr(uvp, va);
	rw_exit_write(&uvp->v_lock);
	return error;
}

int
up_settimes(struct vnode *uvp, const struct stat *sb)
{
	struct vattr va = {
	    .va_mask = VA_ATIME | VA_MTIME,
	    .va_atime = sb->st_atim,
	    .va_mtime = sb->st_mtim,
	};

	return up_setattr(uvp, &va);
}

int
up_setxattr(struct vnode *uvp, const char *name, const void *value, size_t size)
{
	int error;

	if (uvp->v_ops->vop_setxattr == NULL)
		return EOPNOTSUPP;
	rw_enter_write(&uvp->v_lock);
	error = uvp->v_ops->vop_setxattr(uvp, name, value, size, 0);
	rw_exit_write(&uvp->v_lock);
	return error;
}
