/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rename.
 *
 * Up to four vnodes change: the two directories, what is renamed and what it
 * replaces.  All are locked, in the order of vfs.h:
 *
 *	1. If the directories differ, sb_rename.  From here on no directory
 *	   of the super gets another parent, so that who is whose ancestor can
 *	   be found out and stays true.
 *	2. The directories: the ancestor first, if one is; else by address.
 *	   Two renames could wait for each other here were it not for 1; all
 *	   other calls lock one directory and then what is in it.
 *	3. The names are looked up.  That what is renamed is an ancestor of the
 *	   new name's directory (EINVAL), or what is replaced one of the old
 *	   name's (ENOTEMPTY), is found out here: locking those would break
 *	   the order.
 *	4. What is renamed and what is replaced, by address.  Neither contains
 *	   the other, and both lie below what is locked already.
 *
 * There is a moment when the old name is gone and the new one not yet there.
 * Who looks a name up without a lock and misses it finds out that it may have
 * been such a moment, and looks again with the directory locked (namei.c).
 */
#include <stdio.h>

#include "sysproto.h"
#include "vfs/inotify.h"

struct vfs_renames vfs_renames;

struct rename {
	struct nameidata *rn_from, *rn_to;
	unsigned rn_flags;		 /* RENAME_* */
	struct vnode *rn_fdvp, *rn_tdvp; /* locked */
	struct vnode *rn_fvp, *rn_tvp;	 /* tvp may be NULL */
	struct vnode *rn_above_to;	 /* fdvp's child on the way to tdvp */
	struct vnode *rn_above_from;	 /* tdvp's child on the way to fdvp */
};

/* The child of `top' that vp is or lies below; NULL if top is not above vp. */
static struct vnode *
child_above(struct vnode *top, struct vnode *vp)
{
	struct vnode *parent;

	while ((parent = vp->v_ops->vop_parent(vp)) != top) {
		if (parent == vp)
			return NULL;
		vp = parent;
	}
	return vp;
}

static void
rename_lock(struct rename *rn)
{
	struct vnode *first = rn->rn_fdvp, *second = rn->rn_tdvp, *swap;

	rn->rn_above_to = rn->rn_above_from = NULL;
	if (first == second) {
		rw_enter_write(&first->v_lock);
		return;
	}
	mutex_enter(first->v_super->sb_rename);
	rn->rn_above_to = child_above(rn->rn_fdvp, rn->rn_tdvp);
	rn->rn_above_from = child_above(rn->rn_tdvp, rn->rn_fdvp);
	if (rn->rn_above_from != NULL ||
	    (rn->rn_above_to == NULL && second < first)) {
		swap = first;
		first = second;
		second = swap;
	}
	rw_enter_write(&first->v_lock);
	rw_enter_write(&second->v_lock);
}

static void
rename_unlock(struct rename *rn)
{
	rw_exit_write(&rn->rn_fdvp->v_lock);
	if (rn->rn_fdvp == rn->rn_tdvp)
		return;
	rw_exit_write(&rn->rn_tdvp->v_lock);
	mutex_exit(rn->rn_fdvp->v_super->sb_rename);
}

static int
rename_find(const struct nameidata *nd, struct vnode **vpp)
{
	int error = cname_check(&nd->ni_cn, nd->ni_dvp);

	if (error != 0)
		return error;
	return nd->ni_dvp->v_ops->vop_lookup(nd->ni_dvp, &nd->ni_cn, vpp);
}

/* Look up both names; what they name must make sense together. */
static int
rename_lookup(struct rename *rn)
{
	bool exchange = (rn->rn_flags & RENAME_EXCHANGE) != 0;
	int error;

	if ((error = rename_find(rn->rn_from, &rn->rn_fvp)) != 0)
		return error;
	error = rename_find(rn->rn_to, &rn->rn_tvp);
	if (error == 0 && (rn->rn_flags & RENAME_NOREPLACE) != 0)
		return EEXIST;
	if (error == ENOENT && !vnode_isdead(rn->rn_tdvp) && !exchange)
		rn->rn_tvp = NULL;
	else if (error != 0)
		return error;
	if (exchange && rn->rn_to->ni_slash && !vnode_isdir(rn->rn_tvp))
		return ENOTDIR;
	if (!vnode_isdir(rn->rn_fvp) &&
	    (rn->rn_from->ni_slash || (!exchange && rn->rn_to->ni_slash)))
		return ENOTDIR;
	if (rn->rn_fvp == rn->rn_above_to)
		return EINVAL;
	if (rn->rn_tvp != NULL && rn->rn_tvp == rn->rn_above_from)
		return exchange ? EINVAL : ENOTEMPTY;
	return 0;
}

/* May vp leave its directory?  As a directory, if it is one. */
static int
rename_may_leave(const struct mount *mp, const struct vnode *dvp,
    const struct vnode *vp, const struct cred *cr)
{
	return dir_may_remove(mp, dvp, vp, cr, vnode_isdir(vp));
}

static int
rename_permitted(const struct rename *rn)
{
	const struct cred *cr = rn->rn_from->ni_cred;
	const struct mount *mp = rn->rn_from->ni_dmount;
	bool exchange = (rn->rn_flags & RENAME_EXCHANGE) != 0;
	bool isdir = vnode_isdir(rn->rn_fvp), moves;
	int error;

	error = rename_may_leave(mp, rn->rn_fdvp, rn->rn_fvp, cr);
	if (error != 0)
		return error;
	if (rn->rn_tvp == NULL)
		error = dir_may_create(mp, rn->rn_tdvp, cr);
	else if (exchange)
		error = rename_may_leave(mp, rn->rn_tdvp, rn->rn_tvp, cr);
	else
		error = dir_may_remove(mp, rn->rn_tdvp, rn->rn_tvp, cr, isdir);
	/* The ".." of what moves changes. */
	moves = rn->rn_fdvp != rn->rn_tdvp;
	if (error == 0 && isdir && moves)
		error = vnode_access(mp, rn->rn_fvp, cr, W_OK);
	if (error == 0 && exchange && vnode_isdir(rn->rn_tvp) && moves)
		error = vnode_access(mp, rn->rn_tvp, cr, W_OK);
	return error;
}

static int
rename_vop(struct rename *rn, bool *last)
{
	const struct vnodeops *ops = rn->rn_fdvp->v_ops;
	const struct cname *fcn = &rn->rn_from->ni_cn, *tcn = &rn->rn_to->ni_cn;

	if (vnode_ismounted(rn->rn_fvp) ||
	    (rn->rn_tvp != NULL && vnode_ismounted(rn->rn_tvp)))
		return EBUSY;
	if ((rn->rn_flags & RENAME_EXCHANGE) == 0)
		return ops->vop_rename != NULL
			   ? ops->vop_rename(rn->rn_fdvp, fcn, rn->rn_fvp,
				 rn->rn_tdvp, tcn, rn->rn_tvp, last)
			   : EPERM;
	return ops->vop_exchange != NULL
		   ? ops->vop_exchange(rn->rn_fdvp, fcn, rn->rn_fvp,
			 rn->rn_tdvp, tcn, rn->rn_tvp)
		   : EINVAL;
}

static int
rename_commit(struct rename *rn, bool *last)
{
	struct vnode *first = rn->rn_fvp, *second = rn->rn_tvp;
	bool leads =
	    vnode_leads(first) || (second != NULL && vnode_leads(second));
	int error;

	if (second != NULL && second < first) {
		first = rn->rn_tvp;
		second = rn->rn_fvp;
	}
	rw_enter_write(&first->v_lock);
	if (second != NULL)
		rw_enter_write(&second->v_lock);
	if (leads)
		vfs_tree_begin();
	vfs_rename_begin();
	error = rename_vop(rn, last);
	vfs_rename_end();
	if (leads)
		vfs_tree_end();
	if (second != NULL)
		rw_exit_write(&second->v_lock);
	rw_exit_write(&first->v_lock);
	return error;
}

/* The names of what was renamed, for who watches; the directories are locked.
 */
static void
rename_names(const struct rename *rn, bool last)
{
	const struct cname *fcn = &rn->rn_from->ni_cn, *tcn = &rn->rn_to->ni_cn;

	inotify_unname(rn->rn_fdvp, fcn, rn->rn_fvp, false);
	if (rn->rn_tvp != NULL)
		inotify_unname(rn->rn_tdvp, tcn, rn->rn_tvp,
		    last && (rn->rn_flags & RENAME_EXCHANGE) == 0);
	inotify_name(rn->rn_tdvp, tcn, rn->rn_fvp);
	if ((rn->rn_flags & RENAME_EXCHANGE) != 0)
		inotify_name(rn->rn_fdvp, fcn, rn->rn_tvp);
}

static void
rename_tell(struct vnode *fdvp, const struct cname *fcn, struct vnode *tdvp,
    const struct cname *tcn, struct vnode *vp, struct vnode *over, bool last)
{
	uint32_t cookie;

	if (vnode_watched(fdvp) || vnode_watched(tdvp)) {
		cookie = inotify_cookie();
		inotify_entry(fdvp, fcn,
		    IN_MOVED_FROM | (fdvp == tdvp ? VN_RENAMED : 0),
		    vnode_isdir(vp), cookie);
		inotify_entry(tdvp, tcn, IN_MOVED_TO, vnode_isdir(vp), cookie);
	}
	if (over != NULL)
		inotify_self(
		    over, IN_ATTRIB, last ? RUMP_NOTE_DELETE : RUMP_NOTE_LINK);
	inotify_self(vp, IN_MOVE_SELF, RUMP_NOTE_RENAME);
}

static void
rename_notify(const struct rename *rn, bool last)
{
	const struct cname *fcn = &rn->rn_from->ni_cn, *tcn = &rn->rn_to->ni_cn;
	bool exchange = (rn->rn_flags & RENAME_EXCHANGE) != 0;

	rename_names(rn, last);
	rename_tell(rn->rn_fdvp, fcn, rn->rn_tdvp, tcn, rn->rn_fvp,
	    exchange ? NULL : rn->rn_tvp, last);
	if (exchange)
		rename_tell(rn->rn_tdvp, tcn, rn->rn_fdvp, fcn, rn->rn_tvp,
		    NULL, false);
}

static int
rename_locked(struct rename *rn)
{
	bool last = false;
	int error;

	rename_lock(rn);
	error = rename_lookup(rn);
	/* Two names of one file: nothing is to be done. */
	if (error == 0 && rn->rn_fvp != rn->rn_tvp &&
	    (error = rename_permitted(rn)) == 0 &&
	    (error = rename_commit(rn, &last)) == 0)
		rename_notify(rn, last);
	rename_unlock(rn);
	if (last)
		vnode_rele(rn->rn_tvp);
	return error;
}

/* A directory has died since it was found: walk again. */
#define RENAME_AGAIN (-1)

/*
 * The directories are held: what is found in one that is cached has it, and no
 * later vnode of the same directory, as its parent.
 */
static int
rename_held(struct rename *rn)
{
	int error = RENAME_AGAIN;

	if (!vnode_tryhold(rn->rn_fdvp))
		return error;
	if (vnode_tryhold(rn->rn_tdvp)) {
		error = rename_locked(rn);
		vnode_rele(rn->rn_tdvp);
	}
	vnode_rele(rn->rn_fdvp);
	return error;
}

static int
rename_walk(struct rename *rn, const char *from, const char *to)
{
	struct nameidata *fnd = rn->rn_from, *tnd = rn->rn_to;
	int error;

	if ((error = namei_copyin(fnd, from)) != 0 ||
	    (error = namei_parent(fnd)) != 0 ||
	    (error = namei_copyin(tnd, to)) != 0 ||
	    (error = namei_parent(tnd)) != 0)
		return error;
	rn->rn_fdvp = fnd->ni_dvp;
	rn->rn_tdvp = tnd->ni_dvp;
	if (fnd->ni_dmount != tnd->ni_dmount)
		return EXDEV;
	if (fnd->ni_last != LAST_NORM)
		return EBUSY;
	if (tnd->ni_last != LAST_NORM)
		return (rn->rn_flags & RENAME_NOREPLACE) != 0 ? EEXIST : EBUSY;
	if ((error = mount_writable(fnd->ni_dmount)) != 0)
		return error;
	return rename_held(rn);
}

int
sys_renameat2(struct lwp *l, int fromfd, const char *from, int tofd,
    const char *to, unsigned flags)
{
	struct nameidata fnd, tnd;
	struct rename rn = {.rn_from = &fnd, .rn_to = &tnd, .rn_flags = flags};
	int error;

	if ((flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE)) != 0 ||
	    flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
		return EINVAL;
	namei_init(&fnd, l, fromfd, 0);
	namei_init(&tnd, l, tofd, 0);
	do
		error = rename_walk(&rn, from, to);
	while (error == RENAME_AGAIN);
	return error;
}

int
sys_renameat(
    struct lwp *l, int fromfd, const char *from, int tofd, const char *to)
{
	return sys_renameat2(l, fromfd, from, tofd, to, 0);
}

int
sys_rename(struct lwp *l, const char *from, const char *to)
{
	return sys_renameat2(l, AT_FDCWD, from, AT_FDCWD, to, 0);
}
