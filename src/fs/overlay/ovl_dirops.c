/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making and removing names.
 *
 * A name that a whiteout stands for in the upper layer is made under another
 * one, which then changes places with the whiteout; so the lower layers never
 * show through.  The same way round when a name is removed that lower layers
 * have, too.
 */
#include "fs/overlay/overlay.h"

static struct vnode *
ovl_vparent(struct vnode *dvp)
{
	return &ovl_parent(vp_to_ovl(dvp))->on_vnode;
}

static void
ovl_name(struct vnode *dvp, const char **namep, size_t *lenp)
{
	const struct ovl_entry *oe = ovl_entry(vp_to_ovl(dvp));

	*namep = oe->oe_name;
	*lenp = oe->oe_len;
}

/* Is there something in the upper layer?  It is a whiteout, then. */
static int
upper_has(struct vnode *udvp, const struct cname *cn, bool *has)
{
	struct vnode *vp;
	int error = udvp->v_ops->vop_lookup(udvp, cn, &vp);

	*has = error == 0;
	return error == ENOENT ? 0 : error;
}

/* Put what has the temporary name where the whiteout is. */
static int
replace_whiteout(
    struct vnode *udvp, const struct ovl_temp *ot, const struct cname *cn)
{
	int error = up_exchange(udvp, &ot->ot_cn, udvp, cn);

	/* On success this is the whiteout. */
	(void)up_remove(udvp, &ot->ot_cn);
	return error;
}

/* Make it in the upper layer: *uvpp is held. */
static int
create_upper(struct ovl_node *dn, const struct cname *cn,
    const struct vattr *va, struct vnode **uvpp)
{
	struct vnode *udvp = ovl_upper(dn);
	struct ovl_temp ot;
	bool has;
	int error;

	if ((error = upper_has(udvp, cn, &has)) != 0)
		return error;
	if (!has)
		return up_create(udvp, cn, va, uvpp);
	if ((error = ovl_temp(ovl_super(dn), udvp, &ot)) != 0 ||
	    (error = up_create(udvp, &ot.ot_cn, va, uvpp)) != 0)
		return error;
	if (S_ISDIR(va->va_mode))
		error = up_setxattr(*uvpp, OVL_OPAQUE, "y", 1);
	if (error != 0)
		(void)up_remove(udvp, &ot.ot_cn);
	else
		error = replace_whiteout(udvp, &ot, cn);
	if (error != 0)
		vnode_rele(*uvpp);
	return error;
}

static int
create_locked(struct ovl_node *dn, const struct cname *cn,
    const struct vattr *va, struct vnode **vpp)
{
	struct ovl_real real = {.r_layer = 0};
	struct ovl_node *on = ovl_node_alloc(0);
	struct ovl_entry *oe = ovl_entry_alloc(dn, cn, on);
	int error = ENOMEM;

	if (on == NULL || oe == NULL ||
	    (error = ovl_copyup_locked(dn, true)) != 0 ||
	    (error = create_upper(dn, cn, va, &real.r_vp)) != 0) {
		if (oe != NULL)
			ovl_entry_free(oe);
		if (on != NULL)
			ovl_node_free(on);
		return error;
	}
	ovl_node_init(on, ovl_super(dn), real);
	/* Nobody can find it yet. */
	atomic_fetch_add_explicit(
	    &on->on_vnode.v_count, va->va_count, memory_order_relaxed);
	if (ovl_isdir(on)) {
		vnode_hold(&dn->on_vnode);
		atomic_init(&on->on_parent, dn);
		ovl_count_subdirs(dn, 1);
	}
	ovl_entry_add(oe);
	*vpp = &on->on_vnode;
	return 0;
}

int
ovl_create(struct vnode *dvp, const struct cname *cn, const struct vattr *va,
    struct vnode **vpp)
{
	struct ovl_node *dn = vp_to_ovl(dvp);
	int error = ovl_lookup(dvp, cn, vpp);

	if (error != ENOENT)
		return error == 0 ? EEXIST : error;
	/* A whiteout can not be told from it. */
	if (S_ISCHR(va->va_mode) && va->va_rdev == 0)
		return EPERM;
	mutex_enter(&ovl_super(dn)->om_lock);
	ovl_change_begin(dn);
	error = create_locked(dn, cn, va, vpp);
	ovl_change_end(dn);
	mutex_exit(&ovl_super(dn)->om_lock);
	return error;
}

static int
ovl_tmpfile(struct vnode *dvp, const struct vattr *va, bool linkable,
    struct vnode **vpp)
{
	struct ovl_node *dn = vp_to_ovl(dvp), *on;
	struct ovl_mount *om = ovl_super(dn);
	struct ovl_real real = {.r_layer = 0};
	struct vnode *udvp;
	int error;

	if ((on = ovl_node_alloc(0)) == NULL)
		return ENOMEM;
	mutex_enter(&om->om_lock);
	if ((error = ovl_copyup_locked(dn, true)) == 0) {
		udvp = ovl_upper(dn);
		rw_enter_write(&udvp->v_lock);
		error = udvp->v_ops->vop_tmpfile != NULL
			    ? udvp->v_ops->vop_tmpfile(
				  udvp, va, linkable, &real.r_vp)
			    : EOPNOTSUPP;
		rw_exit_write(&udvp->v_lock);
	}
	if (error == 0) {
		ovl_node_init(on, om, real);
		if (linkable)
			atomic_init(&on->on_vnode.v_mode,
			    vnode_mode(&on->on_vnode) | V_TMPFILE);
		*vpp = &on->on_vnode;
	} else
		ovl_node_free(on);
	mutex_exit(&om->om_lock);
	return error;
}

static int
link_upper(struct ovl_node *dn, const struct cname *cn, struct ovl_node *on)
{
	struct vnode *udvp = ovl_upper(dn);
	struct ovl_temp ot;
	bool has;
	int error;

	if ((error = upper_has(udvp, cn, &has)) != 0)
		return error;
	if (!has)
		return up_link(udvp, cn, ovl_upper(on));
	if ((error = ovl_temp(ovl_super(dn), udvp, &ot)) != 0 ||
	    (error = up_link(udvp, &ot.ot_cn, ovl_upper(on))) != 0)
		return error;
	return replace_whiteout(udvp, &ot, cn);
}

static int
link_locked(struct ovl_node *dn, const struct cname *cn, struct ovl_node *on)
{
	struct vnode *vp = &on->on_vnode;
	struct ovl_entry *oe;
	int error;

	if (on->on_entries == 0 && !on->on_kept &&
	    (vnode_mode(vp) & V_TMPFILE) == 0)
		return ENOENT;
	if ((oe = ovl_entry_alloc(dn, cn, on)) == NULL)
		return ENOMEM;
	if ((error = ovl_copyup_locked(dn, true)) != 0 ||
	    (error = ovl_copyup_locked(on, true)) != 0 ||
	    (error = link_upper(dn, cn, on)) != 0) {
		ovl_entry_free(oe);
		return error;
	}
	ovl_links_count(on, 1);
	if (on->on_entries == 0 && !ovl_links_unkeep(on)) {
		vnode_hold(vp);
		atomic_store_explicit(&vp->v_mode, vnode_mode(vp) & ~V_TMPFILE,
		    memory_order_relaxed);
	}
	ovl_entry_add(oe);
	return 0;
}

static int
ovl_link(struct vnode *dvp, const struct cname *cn, struct vnode *vp)
{
	struct ovl_node *dn = vp_to_ovl(dvp);
	int error;

	mutex_enter(&ovl_super(dn)->om_lock);
	ovl_change_begin(dn);
	error = link_locked(dn, cn, vp_to_ovl(vp));
	ovl_change_end(dn);
	mutex_exit(&ovl_super(dn)->om_lock);
	return error;
}

/* Hide what the lower layers have; dn is in the upper one. */
static int
remove_hiding(struct ovl_node *dn, const struct cname *cn)
{
	struct vnode *udvp = ovl_upper(dn);
	struct ovl_temp ot;
	bool has;
	int error;

	if ((error = upper_has(udvp, cn, &has)) != 0)
		return error;
	if (!has)
		return up_whiteout(udvp, cn);
	if ((error = ovl_temp(ovl_super(dn), udvp, &ot)) != 0 ||
	    (error = up_whiteout(udvp, &ot.ot_cn)) != 0)
		return error;
	error = up_exchange(udvp, &ot.ot_cn, udvp, cn);
	(void)up_remove(udvp, &ot.ot_cn);
	return error;
}

static int
remove_locked(struct ovl_node *dn, const struct cname *cn, struct ovl_node *on,
    bool *last)
{
	struct vnode *vp = &on->on_vnode;
	struct ovl_stack below;
	int error;

	ovl_links_change(on);
	if ((ovl_isdir(on) && (error = ovl_checkempty(on)) != 0) ||
	    (error = ovl_copyup_locked(dn, true)) != 0 ||
	    (error = ovl_below(dn, cn, &below)) != 0)
		return error;
	error = below.s_count > 0 ? remove_hiding(dn, cn)
				  : up_remove(ovl_upper(dn), cn);
	if (error != 0)
		return error;
	if (ovl_isdir(on)) {
		ovl_count_subdirs(dn, -1);
		atomic_store_explicit(
		    &vp->v_mode, vnode_mode(vp) | V_DEAD, memory_order_relaxed);
	}
	*last = ovl_entry_removed(ovl_entry_find(dn, cn));
	return 0;
}

static int
ovl_remove(
    struct vnode *dvp, const struct cname *cn, struct vnode *vp, bool *last)
{
	struct ovl_node *dn = vp_to_ovl(dvp);
	struct vnode *drop = NULL;
	int error;

	mutex_enter(&ovl_super(dn)->om_lock);
	ovl_change_begin(dn);
	error = remove_locked(dn, cn, vp_to_ovl(vp), last);
	ovl_change_end(dn);
	if (error == 0 && *last)
		drop = ovl_gone(vp_to_ovl(vp));
	mutex_exit(&ovl_super(dn)->om_lock);
	if (drop != NULL)
		vnode_rele(drop);
	return error;
}

const struct vnodeops ovl_dirops = {
    .vop_lookup = ovl_lookup,
    .vop_parent = ovl_vparent,
    .vop_name = ovl_name,
    .vop_create = ovl_create,
    .vop_tmpfile = ovl_tmpfile,
    .vop_link = ovl_link,
    .vop_remove = ovl_remove,
    .vop_rename = ovl_rename,
    .vop_exchange = ovl_exchange,
    .vop_readdir = ovl_readdir,
    .vop_hostdir = ovl_hostdir,
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
