/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Renaming.
 *
 * What moves is in the upper layer first.  A directory that lower layers have
 * as well does not take those along: it is marked with the path that they are
 * found at from now on (redirect).  The lower layers' old name is hidden by a
 * whiteout, which changes places with what moves, so that at no time anything
 * shows that should not.
 */
#include "fs/overlay/overlay.h"

struct ovl_rename {
	struct ovl_node *rn_fdn, *rn_fn;
	const struct cname *rn_fcn;
	struct ovl_node *rn_tdn, *rn_tn; /* tn may be NULL */
	const struct cname *rn_tcn;
};

/*
 * The path of a merged directory in the lower layers, written to the end of
 * buf, PATH_MAX bytes: up to one that is redirected itself.  EXDEV if it is
 * too long.
 */
static int
lower_path(struct ovl_node *on, char *buf, const char **pathp)
{
	char *p = buf + PATH_MAX - 1;
	const struct ovl_entry *oe;
	struct vnode *uvp;
	size_t len;

	*p = '\0';
	for (; ovl_parent(on) != on; on = ovl_parent(on)) {
		uvp = ovl_upper(on);
		if (uvp != NULL && uvp->v_ops->vop_getxattr != NULL &&
		    uvp->v_ops->vop_getxattr(
			uvp, OVL_REDIRECT, NULL, 0, &len) == 0) {
			if (len > (size_t)(p - buf))
				return EXDEV;
			p -= len;
			*pathp = p;
			return uvp->v_ops->vop_getxattr(
			    uvp, OVL_REDIRECT, p, len, &len);
		}
		oe = ovl_entry(on);
		if (oe->oe_len + 1 > p - buf)
			return EXDEV;
		p -= oe->oe_len;
		memcpy(p, oe->oe_name, oe->oe_len);
		*--p = '/';
	}
	*pathp = p;
	return 0;
}

static int
set_redirect(struct ovl_node *on)
{
	char *buf = kmem_alloc(PATH_MAX);
	const char *path;
	int error;

	if (buf == NULL)
		return ENOMEM;
	if ((error = lower_path(on, buf, &path)) == 0)
		error = up_setxattr(
		    ovl_upper(on), OVL_REDIRECT, path, strlen(path));
	kmem_free(buf, PATH_MAX);
	return error == EOPNOTSUPP ? EXDEV : error;
}

/* `on' is to get another name: nothing else must be seen through it there. */
static int
prepare_move(struct ovl_node *on, struct ovl_node *fdn, const struct cname *fcn,
    struct ovl_node *dn, const struct cname *cn)
{
	struct ovl_stack below;
	int error;

	if ((error = ovl_copyup_locked(on, true)) != 0)
		return error;
	if (!ovl_isdir(on))
		return ovl_links_name(fdn, fcn, on);
	if (ovl_ismerged(on))
		return set_redirect(on);
	if ((error = ovl_below(dn, cn, &below)) != 0)
		return error;
	return below.s_count > 0
		   ? up_setxattr(ovl_upper(on), OVL_OPAQUE, "y", 1)
		   : 0;
}

/* Remove what came to the old name, which nothing below has. */
static int
move_over(struct ovl_rename *rn, bool hide)
{
	struct vnode *fuvp = ovl_upper(rn->rn_fdn);
	struct vnode *tuvp = ovl_upper(rn->rn_tdn);
	struct ovl_temp ot;
	bool swap = hide && rn->rn_tn != NULL && ovl_upper(rn->rn_tn) != NULL;
	int error;

	/* A whiteout for the old name, to be put there afterwards. */
	if (swap &&
	    ((error = ovl_temp(ovl_super(rn->rn_fdn), fuvp, &ot)) != 0 ||
		(error = up_whiteout(fuvp, &ot.ot_cn)) != 0))
		return error;
	error = up_exchange(fuvp, rn->rn_fcn, tuvp, rn->rn_tcn);
	if (error == 0 && swap) {
		error = up_exchange(fuvp, &ot.ot_cn, fuvp, rn->rn_fcn);
		if (error != 0)
			(void)up_exchange(fuvp, rn->rn_fcn, tuvp, rn->rn_tcn);
	}
	if (swap)
		(void)up_remove(fuvp, &ot.ot_cn);
	else if (error == 0 && !hide)
		(void)up_remove(fuvp, rn->rn_fcn);
	return error;
}

/* In the upper layer. */
static int
move_upper(struct ovl_rename *rn)
{
	struct vnode *tuvp = ovl_upper(rn->rn_tdn), *vp;
	struct ovl_stack below;
	bool made = false;
	int error;

	if ((error = ovl_below(rn->rn_fdn, rn->rn_fcn, &below)) != 0)
		return error;
	error = tuvp->v_ops->vop_lookup(tuvp, rn->rn_tcn, &vp);
	if (error == ENOENT && below.s_count == 0)
		return up_rename(
		    ovl_upper(rn->rn_fdn), rn->rn_fcn, tuvp, rn->rn_tcn);
	if (error == ENOENT) {
		made = true;
		error = up_whiteout(tuvp, rn->rn_tcn);
	}
	if (error == 0 && (error = move_over(rn, below.s_count > 0)) != 0 &&
	    made)
		(void)up_remove(tuvp, rn->rn_tcn);
	return error;
}

/* The directory `on' is in dn now. */
static void
set_parent(struct ovl_node *on, struct ovl_node *dn)
{
	struct ovl_node *old = ovl_parent(on);

	if (!ovl_isdir(on) || old == dn)
		return;
	vnode_hold(&dn->on_vnode);
	atomic_store_explicit(&on->on_parent, dn, memory_order_release);
	ovl_count_subdirs(old, -1);
	ovl_count_subdirs(dn, 1);
	vnode_rele(&old->on_vnode);
}

/* The node that a name stood for is replaced. */
static bool
replaced(struct ovl_rename *rn, struct ovl_entry *oe)
{
	struct ovl_node *tn = rn->rn_tn;
	struct vnode *vp = &tn->on_vnode;

	if (ovl_isdir(tn)) {
		ovl_count_subdirs(rn->rn_tdn, -1);
		atomic_store_explicit(
		    &vp->v_mode, vnode_mode(vp) | V_DEAD, memory_order_relaxed);
	}
	return ovl_entry_removed(oe);
}

static int
rename_locked(struct ovl_rename *rn, bool *last)
{
	struct ovl_entry *from, *to = NULL, *oe;
	int error;

	if (rn->rn_tn != NULL && ovl_isdir(rn->rn_tn) &&
	    (error = ovl_checkempty(rn->rn_tn)) != 0)
		return error;
	if (rn->rn_tn != NULL)
		ovl_links_change(rn->rn_tn);
	if ((oe = ovl_entry_alloc(rn->rn_tdn, rn->rn_tcn, rn->rn_fn)) == NULL)
		return ENOMEM;
	if ((error = ovl_copyup_locked(rn->rn_fdn, true)) != 0 ||
	    (error = ovl_copyup_locked(rn->rn_tdn, true)) != 0 ||
	    (error = prepare_move(rn->rn_fn, rn->rn_fdn, rn->rn_fcn, rn->rn_tdn,
		 rn->rn_tcn)) != 0 ||
	    (error = move_upper(rn)) != 0) {
		ovl_entry_free(oe);
		return error;
	}
	from = ovl_entry_find(rn->rn_fdn, rn->rn_fcn);
	if (rn->rn_tn != NULL)
		to = ovl_entry_find(rn->rn_tdn, rn->rn_tcn);
	ovl_entry_add(oe);
	(void)ovl_entry_remove(from);
	set_parent(rn->rn_fn, rn->rn_tdn);
	if (to != NULL)
		*last = replaced(rn, to);
	return 0;
}

int
ovl_rename(struct vnode *fdvp, const struct cname *fcn, struct vnode *fvp,
    struct vnode *tdvp, const struct cname *tcn, struct vnode *tvp, bool *last)
{
	struct ovl_rename rn = {
	    .rn_fdn = vp_to_ovl(fdvp),
	    .rn_fn = vp_to_ovl(fvp),
	    .rn_fcn = fcn,
	    .rn_tdn = vp_to_ovl(tdvp),
	    .rn_tn = tvp != NULL ? vp_to_ovl(tvp) : NULL,
	    .rn_tcn = tcn,
	};
	struct ovl_mount *om = ovl_super(rn.rn_fdn);
	struct vnode *drop = NULL;
	int error;

	mutex_enter(&om->om_lock);
	ovl_change_begin(rn.rn_fdn);
	ovl_change_begin(rn.rn_tdn);
	error = rename_locked(&rn, last);
	ovl_change_end(rn.rn_tdn);
	ovl_change_end(rn.rn_fdn);
	if (error == 0 && *last)
		drop = ovl_gone(rn.rn_tn);
	mutex_exit(&om->om_lock);
	if (drop != NULL)
		vnode_rele(drop);
	return error;
}

static int
exchange_locked(struct ovl_rename *rn)
{
	struct ovl_entry *from, *to, *foe, *toe;
	int error = ENOMEM;

	foe = ovl_entry_alloc(rn->rn_fdn, rn->rn_fcn, rn->rn_tn);
	toe = ovl_entry_alloc(rn->rn_tdn, rn->rn_tcn, rn->rn_fn);
	if (foe == NULL || toe == NULL ||
	    (error = prepare_move(rn->rn_fn, rn->rn_fdn, rn->rn_fcn, rn->rn_tdn,
		 rn->rn_tcn)) != 0 ||
	    (error = prepare_move(rn->rn_tn, rn->rn_tdn, rn->rn_tcn, rn->rn_fdn,
		 rn->rn_fcn)) != 0 ||
	    (error = up_exchange(ovl_upper(rn->rn_fdn), rn->rn_fcn,
		 ovl_upper(rn->rn_tdn), rn->rn_tcn)) != 0) {
		if (foe != NULL)
			ovl_entry_free(foe);
		if (toe != NULL)
			ovl_entry_free(toe);
		return error;
	}
	from = ovl_entry_find(rn->rn_fdn, rn->rn_fcn);
	to = ovl_entry_find(rn->rn_tdn, rn->rn_tcn);
	ovl_entry_add(foe);
	ovl_entry_add(toe);
	(void)ovl_entry_remove(from);
	(void)ovl_entry_remove(to);
	set_parent(rn->rn_fn, rn->rn_tdn);
	set_parent(rn->rn_tn, rn->rn_fdn);
	return 0;
}

int
ovl_exchange(struct vnode *fdvp, const struct cname *fcn, struct vnode *fvp,
    struct vnode *tdvp, const struct cname *tcn, struct vnode *tvp)
{
	struct ovl_rename rn = {
	    .rn_fdn = vp_to_ovl(fdvp),
	    .rn_fn = vp_to_ovl(fvp),
	    .rn_fcn = fcn,
	    .rn_tdn = vp_to_ovl(tdvp),
	    .rn_tn = vp_to_ovl(tvp),
	    .rn_tcn = tcn,
	};
	struct ovl_mount *om = ovl_super(rn.rn_fdn);
	int error;

	mutex_enter(&om->om_lock);
	ovl_change_begin(rn.rn_fdn);
	ovl_change_begin(rn.rn_tdn);
	error = exchange_locked(&rn);
	ovl_change_end(rn.rn_tdn);
	ovl_change_end(rn.rn_fdn);
	mutex_exit(&om->om_lock);
	return error;
}
