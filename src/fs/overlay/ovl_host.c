/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files that are the host's as they are: those in a directory that only one
 * layer has, which is the host's and of which nothing is in the upper layer,
 * and those below the root, but for names that the upper layer has there.  So
 * making and removing such a name is a change of the tree (ovl_change_begin).
 * Who may look there and open files without us comes with what he has open when
 * something changes (vfs/hostdir.c), or when it has been changed.  By then the
 * file may be elsewhere, or be removed: so those that were removed lately are
 * kept.
 */
#include "fs/overlay/overlay.h"
#include "kern/remote.h"

void
ovl_change_begin(const struct ovl_node *dn)
{
	KASSERT(mutex_owned(&ovl_super(dn)->om_lock));
	ovl_super(dn)->om_changes++;
	if (ovl_parent(dn) == dn)
		vfs_tree_begin();
}

void
ovl_change_end(const struct ovl_node *dn)
{
	if (ovl_parent(dn) == dn)
		vfs_tree_end();
}

struct except {
	struct hostdir *e_hd;
	int e_error;
};

static bool
except_entry(void *arg, const struct direntry *de)
{
	struct except *e = arg;

	e->e_error = hostdir_except(e->e_hd, de->de_name, de->de_namelen);
	return e->e_error == 0;
}

/* All that the upper layer has in the root. */
static int
except_upper(struct ovl_node *dn, struct hostdir *hd)
{
	struct vnode *uvp = ovl_upper(dn);
	struct except e = {.e_hd = hd};
	off_t pos = 2;
	int error;

	if (uvp == NULL)
		return 0;
	if (ovl_parent(dn) != dn)
		return EOPNOTSUPP;
	error = uvp->v_ops->vop_readdir(uvp, &pos, except_entry, &e);
	return error != 0 ? error : e.e_error;
}

static int
hostdir_locked(struct ovl_node *dn, struct hostdir *hd)
{
	struct ovl_mount *om = ovl_super(dn);
	struct vnode *vp;
	int error;

	if ((vnode_mode(&dn->on_vnode) & V_DEAD) != 0)
		return ENOENT;
	if (dn->on_nlower != 1)
		return EOPNOTSUPP;
	if ((error = except_upper(dn, hd)) != 0)
		return error;
	vp = dn->on_lower[0].r_vp;
	if (vp->v_super->sb_ops->vfs_hostdir == NULL)
		return EOPNOTSUPP;
	if ((error = vp->v_super->sb_ops->vfs_hostdir(vp, hd)) != 0)
		return error;
	hd->hd_ino = ovl_ino(om, dn->on_lower[0].r_layer, 0);
	hd->hd_inos =
	    ovl_ino(om, dn->on_lower[0].r_layer, UINT64_MAX) & ~hd->hd_ino;
	hd->hd_links = !om->om_relinked;
	om->om_ishost = true;
	return 0;
}

int
ovl_hostdir(struct vnode *dvp, struct hostdir *hd)
{
	struct ovl_node *dn = vp_to_ovl(dvp);
	int error;

	mutex_enter(&ovl_super(dn)->om_lock);
	error = hostdir_locked(dn, hd);
	mutex_exit(&ovl_super(dn)->om_lock);
	return error;
}

/*
 * What was removed
 */

struct vnode *
ovl_gone(struct ovl_node *on)
{
	struct ovl_mount *om = ovl_super(on);
	struct vnode **place = &om->om_gone[om->om_ngone % OVL_GONE], *old;

	KASSERT(mutex_owned(&om->om_lock));
	if (!om->om_ishost || on->on_nlower == 0 ||
	    vnode_type(&on->on_vnode) != S_IFREG)
		return NULL;
	old = *place;
	*place = NULL;
	om->om_ngone++;
	if (remote_late()) {
		/* The tree's reference is still there. */
		vnode_hold(&on->on_vnode);
		*place = &on->on_vnode;
	}
	return old;
}

/* Nobody uses the overlay any more. */
void
ovl_gone_drop(struct ovl_mount *om)
{
	uint32_t i;

	for (i = 0; i < OVL_GONE; i++) {
		if (om->om_gone[i] != NULL)
			vnode_rele(om->om_gone[i]);
		om->om_gone[i] = NULL;
	}
}

/*
 * Finding
 */

static bool
node_is(const struct ovl_node *on, ino_t ino, uint32_t type)
{
	return atomic_load_explicit(&on->on_ino, memory_order_relaxed) == ino &&
	       vnode_type(&on->on_vnode) == type;
}

static struct ovl_node *
find_gone(struct ovl_mount *om, ino_t ino)
{
	uint32_t i;

	for (i = 0; i < OVL_GONE; i++)
		if (om->om_gone[i] != NULL &&
		    node_is(vp_to_ovl(om->om_gone[i]), ino, S_IFREG))
			return vp_to_ovl(om->om_gone[i]);
	return NULL;
}

/* What was moved has a name in the table, or is one of several names. */
static struct ovl_node *
find_moved(struct ovl_mount *om, ino_t ino, uint32_t type)
{
	struct ovl_entry *oe;
	struct ovl_node *on;
	uint32_t i;

	for (i = 0; i < OVL_CHAINS; i++) {
		oe = atomic_load_explicit(
		    &om->om_chain[i], memory_order_acquire);
		for (; oe != NULL; oe = atomic_load_explicit(
				       &oe->oe_next, memory_order_acquire))
			if (node_is(oe->oe_node, ino, type))
				return oe->oe_node;
	}
	for (i = 0; i < OVL_LINKS; i++)
		for (on = om->om_link[i]; on != NULL; on = on->on_linknext)
			if (on->on_kept && node_is(on, ino, type))
				return on;
	return NULL;
}

/* The layer that a path of the host's is in, and what follows its root. */
static const char *
layer_find(const struct ovl_mount *om, const char *path, uint32_t *layerp)
{
	struct hostdir hd;
	struct super *sb;
	uint32_t i;
	size_t len;

	for (i = 1; i < om->om_nlayers; i++) {
		sb = om->om_layer[i].ol_root->v_super;
		if (sb->sb_ops->vfs_hostdir == NULL ||
		    sb->sb_ops->vfs_hostdir(om->om_layer[i].ol_root, &hd) != 0)
			continue;
		len = strlen(hd.hd_path);
		*layerp = i;
		if (strncmp(path, hd.hd_path, len) == 0 && path[len] == '/')
			return path + len;
	}
	return NULL;
}

/*
 * Down the path in the layer, and by the numbers of what is there in the
 * overlay, where some of it may have been moved.
 */
static int
find_path(struct ovl_mount *om, const char *path, struct ovl_node **onp)
{
	struct ovl_node *on = vp_to_ovl(om->om_super.sb_root), *next;
	struct vnode *vp;
	struct cname cn;
	struct stat sb;
	uint32_t layer;
	ino_t ino;

	if ((path = layer_find(om, path, &layer)) == NULL)
		return ESTALE;
	vp = om->om_layer[layer].ol_root;
	while (*(path += strspn(path, "/")) != '\0') {
		cname_init(&cn, path, strcspn(path, "/"));
		path += cn.cn_len;
		sb = (struct stat){0};
		if (vnode_type(vp) != S_IFDIR || cn.cn_len > NAME_MAX ||
		    vp->v_ops->vop_lookup(vp, &cn, &vp) != 0 ||
		    vp->v_ops->vop_getattr(vp, &sb) != 0)
			return ESTALE;
		ino = ovl_ino(om, layer, sb.st_ino);
		if (!ovl_isdir(on) || ovl_lookup_locked(on, &cn, &next) != 0 ||
		    !node_is(next, ino, vnode_type(vp)))
			next = find_moved(om, ino, vnode_type(vp));
		if ((on = next) == NULL)
			return ESTALE;
	}
	*onp = on;
	return 0;
}

int
ovl_hostnode(struct super *sb, const char *path, ino_t ino, struct vnode **vpp)
{
	struct ovl_mount *om = container_of(sb, struct ovl_mount, om_super);
	struct ovl_node *on;
	int error = 0;

	mutex_enter(&om->om_lock);
	if ((on = find_gone(om, ino)) == NULL)
		error = find_path(om, path, &on);
	if (error == 0 &&
	    (!node_is(on, ino, S_IFREG) || !vnode_tryhold(&on->on_vnode)))
		error = ESTALE;
	mutex_exit(&om->om_lock);
	if (error == 0)
		*vpp = &on->on_vnode;
	return error;
}
