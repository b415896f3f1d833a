/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files with several names in a lower layer.
 *
 * Only the lower file knows that names are its own, and only when they are
 * looked up.  So its node is found by the file's vnode, and has a count of its
 * own of what links there are: what the lower file says, but for what was added
 * and removed here.  A name of which the upper layer knows nothing shows the
 * node nevertheless; it is linked there as soon as it is known, so that layers
 * are right without us.
 *
 * Who asks the host for files (ovl_host.c) can not tell whether one of several
 * names is changed by another.  So om_relinked says whether any may be, and
 * becomes true before the first one is, with a change of the tree.
 */
#include "fs/overlay/overlay.h"

/* Nodes whose names are all unknown, and that only count. */
#define KEPT_MOST 16384u

static struct ovl_node **
link_chain(struct ovl_mount *om, const struct vnode *lvp)
{
	uint64_t h = (uint64_t)(uintptr_t)lvp * UINT64_C(0x9e3779b97f4a7c15);

	return &om->om_link[(h >> 32) % OVL_LINKS];
}

void
ovl_links_add(struct ovl_node *on, uint64_t nlink)
{
	struct ovl_node **chain =
	    link_chain(ovl_super(on), on->on_lower[0].r_vp);

	KASSERT(mutex_owned(&ovl_super(on)->om_lock));
	on->on_linked = true;
	atomic_init(&on->on_links, (uint32_t)nlink);
	on->on_linknext = *chain;
	*chain = on;
}

void
ovl_links_remove(struct ovl_node *on)
{
	struct ovl_node **p = link_chain(ovl_super(on), on->on_lower[0].r_vp);

	KASSERT(mutex_owned(&ovl_super(on)->om_lock));
	while (*p != on)
		p = &(*p)->on_linknext;
	*p = on->on_linknext;
}

struct ovl_node *
ovl_links_find(struct ovl_mount *om, const struct vnode *lvp)
{
	struct ovl_node *on = *link_chain(om, lvp);

	KASSERT(mutex_owned(&om->om_lock));
	while (
	    on != NULL && (on->on_lower[0].r_vp != lvp || ovl_links(on) == 0))
		on = on->on_linknext;
	return on;
}

void
ovl_links_init(struct ovl_mount *om)
{
	struct vnode *uvp = om->om_layer[0].ol_root;
	off_t pos = 2;

	if (uvp != NULL && uvp->v_ops->vop_readdir(
			       uvp, &pos, ovl_found_any, &om->om_relinked) != 0)
		om->om_relinked = true;
}

void
ovl_links_change(struct ovl_node *on)
{
	struct ovl_mount *om = ovl_super(on);

	KASSERT(mutex_owned(&om->om_lock));
	if (!on->on_linked || om->om_relinked)
		return;
	vfs_tree_begin();
	om->om_relinked = true;
	vfs_tree_end();
}

void
ovl_links_count(struct ovl_node *on, int n)
{
	KASSERT(mutex_owned(&ovl_super(on)->om_lock));
	if (!on->on_linked)
		return;
	on->on_counted = true;
	/* The lower file may have got more names since. */
	if (n > 0 || ovl_links(on) > 0)
		atomic_store_explicit(&on->on_links,
		    (uint32_t)ovl_links(on) + (uint32_t)n,
		    memory_order_relaxed);
}

bool
ovl_links_keep(struct ovl_node *on)
{
	struct ovl_mount *om = ovl_super(on);

	KASSERT(mutex_owned(&om->om_lock));
	if (!on->on_linked || ovl_links(on) == 0 ||
	    (ovl_upper(on) == NULL && om->om_nkept >= KEPT_MOST))
		return false;
	on->on_kept = true;
	om->om_nkept++;
	return true;
}

bool
ovl_links_unkeep(struct ovl_node *on)
{
	KASSERT(mutex_owned(&ovl_super(on)->om_lock));
	if (!on->on_kept)
		return false;
	on->on_kept = false;
	ovl_super(on)->om_nkept--;
	return true;
}

/* Nobody uses the overlay any more. */
void
ovl_links_drop(struct ovl_mount *om)
{
	struct ovl_node *on;
	uint32_t i;

	for (i = 0; i < OVL_LINKS; i++)
		do {
			mutex_enter(&om->om_lock);
			on = om->om_link[i];
			while (on != NULL && !ovl_links_unkeep(on))
				on = on->on_linknext;
			mutex_exit(&om->om_lock);
			if (on != NULL)
				vnode_rele(&on->on_vnode);
		} while (on != NULL);
}

int
ovl_links_name(struct ovl_node *dn, const struct cname *cn, struct ovl_node *on)
{
	struct vnode *udvp, *vp;
	struct stat dir = {0};
	int error;

	if (!on->on_linked)
		return 0;
	if ((error = ovl_copyup_locked(dn, true)) != 0)
		return error;
	udvp = ovl_upper(dn);
	error = udvp->v_ops->vop_lookup(udvp, cn, &vp);
	if (error != ENOENT)
		return error;
	if ((error = udvp->v_ops->vop_getattr(udvp, &dir)) != 0 ||
	    (error = up_link(udvp, cn, ovl_upper(on))) != 0)
		return error;
	/* Nobody changed the directory, as far as anybody can see. */
	(void)up_settimes(udvp, &dir);
	return 0;
}

void
ovl_links_names(struct ovl_node *on)
{
	struct ovl_entry *oe;
	struct cname cn;

	KASSERT(mutex_owned(&ovl_super(on)->om_lock));
	if (on->on_entries < 2)
		return;
	for (oe = ovl_entry(on); oe != NULL; oe = oe->oe_other) {
		cname_init(&cn, oe->oe_name, oe->oe_len);
		(void)ovl_links_name(oe->oe_parent, &cn, on);
	}
}
