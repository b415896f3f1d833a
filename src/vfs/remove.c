/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Removing names: unlink, rmdir.
 */
#include "sysproto.h"
#include "vfs/inotify.h"

/* The last name is "/", "." or "..". */
static int
remove_dots(enum namei_last last, bool isdir)
{
	if (!isdir)
		return EISDIR;
	switch (last) {
	case LAST_DOT:
		return EINVAL;
	case LAST_DOTDOT:
		return ENOTEMPTY;
	default:
		return EBUSY;
	}
}

/* dvp is locked: may its entry go?  *vpp is what the entry names. */
static int
remove_check(const struct nameidata *nd, bool isdir, struct vnode **vpp)
{
	struct vnode *dvp = nd->ni_dvp;
	int error;

	if ((error = cname_check(&nd->ni_cn, dvp)) != 0)
		return error;
	error = dvp->v_ops->vop_lookup(dvp, &nd->ni_cn, vpp);
	if (error != 0)
		return error;
	if (nd->ni_slash && !isdir)
		return vnode_isdir(*vpp) ? EISDIR : ENOTDIR;
	error = dir_may_remove(nd->ni_dmount, dvp, *vpp, nd->ni_cred, isdir);
	if (error == 0 && dvp->v_ops->vop_remove == NULL)
		error = EPERM;
	return error;
}

/* Remove what may be removed; it and its directory are locked. */
static int
remove_entry(const struct nameidata *nd, struct vnode *vp, bool *last)
{
	struct vnode *dvp = nd->ni_dvp;
	bool leads = vnode_leads(vp);
	int error;

	if (vnode_ismounted(vp))
		return EBUSY;
	if (leads)
		vfs_tree_begin();
	error = dvp->v_ops->vop_remove(dvp, &nd->ni_cn, vp, last);
	if (leads)
		vfs_tree_end();
	return error;
}

int
vnode_remove(struct nameidata *nd, bool isdir)
{
	struct vnode *dvp = nd->ni_dvp, *vp;
	bool last = false;
	int error;

	if (nd->ni_last != LAST_NORM)
		return remove_dots(nd->ni_last, isdir);
	if ((error = mount_writable(nd->ni_dmount)) != 0)
		return error;
	rw_enter_write(&dvp->v_lock);
	if ((error = remove_check(nd, isdir, &vp)) == 0) {
		rw_enter_write(&vp->v_lock);
		error = remove_entry(nd, vp, &last);
		rw_exit_write(&vp->v_lock);
		if (error == 0) {
			inotify_unname(dvp, &nd->ni_cn, vp, last);
			inotify_self(vp, isdir ? 0 : IN_ATTRIB,
			    last ? RUMP_NOTE_DELETE : RUMP_NOTE_LINK);
		}
	}
	rw_exit_write(&dvp->v_lock);
	if (last)
		vnode_rele(vp);
	if (error == 0)
		inotify_entry(dvp, &nd->ni_cn, IN_DELETE, isdir, 0);
	return error;
}

static int
remove_at(struct lwp *l, int dirfd, const char *path, bool isdir)
{
	struct nameidata nd;
	int error;

	namei_init(&nd, l, dirfd, 0);
	if ((error = namei_copyin(&nd, path)) != 0 ||
	    (error = namei_parent(&nd)) != 0)
		return error;
	if (likely(nd.ni_last == LAST_NORM))
		namei_prefetch(&nd);
	return vnode_remove(&nd, isdir);
}

int
sys_unlinkat(struct lwp *l, int dirfd, const char *path, int flags)
{
	if ((flags & ~AT_REMOVEDIR) != 0)
		return EINVAL;
	return remove_at(l, dirfd, path, (flags & AT_REMOVEDIR) != 0);
}

int
sys_unlink(struct lwp *l, const char *path)
{
	return remove_at(l, AT_FDCWD, path, false);
}

int
sys_rmdir(struct lwp *l, const char *path)
{
	return remove_at(l, AT_FDCWD, path, true);
}
