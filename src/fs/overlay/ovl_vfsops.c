/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mounting.
 *
 *	lowerdir=/a:/b,upperdir=/u	/u above /a above /b
 *	lowerdir=/a:/b			read-only
 *	union_args			the target and what is covered
 *
 * "lower" and "upper" are other names.  "workdir", which Linux wants, is not
 * looked at.
 */
#include <linux/magic.h>

#include <rump/rump_mount.h>

#include "fs/overlay/overlay.h"
#include "vfs/bind.h"

extern const struct vfsops overlay_vfsops, union_vfsops;

struct ovl_options {
	struct mountstr oo_lower;
	struct mountstr oo_upper;
	struct mountstr oo_work;
};

static const struct mountopt option_table[] = {
    {"lowerdir", MOUNTOPT_STRING, offsetof(struct ovl_options, oo_lower)},
    {"lower", MOUNTOPT_STRING, offsetof(struct ovl_options, oo_lower)},
    {"upperdir", MOUNTOPT_STRING, offsetof(struct ovl_options, oo_upper)},
    {"upper", MOUNTOPT_STRING, offsetof(struct ovl_options, oo_upper)},
    {"workdir", MOUNTOPT_STRING, offsetof(struct ovl_options, oo_work)},
};

static void
layers_drop(struct ovl_mount *om)
{
	uint32_t i;

	for (i = 0; i < om->om_nlayers; i++)
		if (om->om_layer[i].ol_root != NULL) {
			vnode_rele(om->om_layer[i].ol_root);
			mount_rele(om->om_layer[i].ol_mount);
		}
}

/* Is one of the two in the other? */
static bool
layers_meet(struct vnode *a, struct vnode *b)
{
	struct vnode *vp, *parent;

	if (a->v_super != b->v_super)
		return false;
	for (vp = a; vp != b; vp = parent)
		if ((parent = vp->v_ops->vop_parent(vp)) == vp)
			break;
	if (vp == b)
		return true;
	for (vp = b; vp != a; vp = parent)
		if ((parent = vp->v_ops->vop_parent(vp)) == vp)
			return false;
	return true;
}

/* The next layer; references are taken over if it is one. */
static int
layer_add(struct ovl_mount *om, struct mount *mp, struct vnode *vp)
{
	struct ovl_layer *ol = &om->om_layer[om->om_nlayers];
	uint32_t i;

	if (om->om_nlayers == OVL_MAXLAYERS || mp->mnt_idmap != NULL)
		return EINVAL;
	if (vnode_type(vp) != S_IFDIR)
		return ENOTDIR;
	ol->ol_fs = om->om_nlayers;
	for (i = 0; i < om->om_nlayers; i++) {
		if (om->om_layer[i].ol_root == NULL)
			continue;
		if (layers_meet(om->om_layer[i].ol_root, vp))
			return ELOOP;
		if (om->om_layer[i].ol_root->v_super == vp->v_super &&
		    om->om_layer[i].ol_fs < ol->ol_fs)
			ol->ol_fs = om->om_layer[i].ol_fs;
	}
	ol->ol_mount = mp;
	ol->ol_root = vp;
	om->om_nlayers++;
	return 0;
}

static int
layer_path(struct ovl_mount *om, struct mountargs *ma, struct mountstr path)
{
	struct mount *mp;
	struct vnode *vp;
	int error;

	if ((error = bind_lookup(ma, path, &mp, &vp)) != 0)
		return error;
	if ((error = layer_add(om, mp, vp)) != 0) {
		vnode_rele(vp);
		mount_rele(mp);
	}
	return error;
}

/*
 * Take a path off a list: up to a colon without a backslash.  False if it is
 * empty; ms_str is NULL after the last.
 */
static bool
lower_take(struct mountstr *list, struct mountstr *path)
{
	size_t n = 0;

	while (n < list->ms_len && list->ms_str[n] != ':')
		n += list->ms_str[n] == '\\' && n + 1 < list->ms_len ? 2 : 1;
	*path = (struct mountstr){list->ms_str, n};
	if (n == list->ms_len)
		list->ms_str = NULL;
	else {
		list->ms_str += n + 1;
		list->ms_len -= n + 1;
	}
	return n > 0;
}

static int
layers_text(struct ovl_mount *om, struct mountargs *ma)
{
	struct ovl_options oo = {.oo_upper = {NULL, 0}};
	struct mountstr ms;
	uint32_t seen;
	int error = 0;

	if (mountopt_parse(option_table,
		sizeof(option_table) / sizeof(option_table[0]), ma->ma_data,
		&oo, &seen) != 0 ||
	    oo.oo_lower.ms_len == 0)
		return EINVAL;
	if (oo.oo_upper.ms_len > 0)
		error = layer_path(om, ma, oo.oo_upper);
	else
		om->om_nlayers++;
	while (error == 0 && oo.oo_lower.ms_str != NULL)
		error = lower_take(&oo.oo_lower, &ms) ? layer_path(om, ma, ms)
						      : EINVAL;
	return error;
}

static int
layer_covered(struct ovl_mount *om, const struct mountargs *ma)
{
	int error = layer_add(om, ma->ma_parent, ma->ma_covered);

	if (error == 0) {
		mount_hold(ma->ma_parent);
		vnode_hold(ma->ma_covered);
	}
	return error;
}

static int
layers_args(struct ovl_mount *om, struct mountargs *ma)
{
	struct union_args ua;
	struct mount *mp;
	struct vnode *vp;
	int error;

	memcpy(&ua, ma->ma_data, sizeof(ua));
	if (ua.mntflags != UNMNT_ABOVE && ua.mntflags != UNMNT_BELOW)
		return EINVAL;
	if ((error = bind_lookup_user(ma, ua.target, &mp, &vp)) != 0)
		return error;
	if (ua.mntflags == UNMNT_BELOW && (error = layer_covered(om, ma)) != 0)
		goto drop;
	if ((error = layer_add(om, mp, vp)) != 0)
		goto drop;
	return ua.mntflags == UNMNT_ABOVE ? layer_covered(om, ma) : 0;
drop:
	vnode_rele(vp);
	mount_rele(mp);
	return error;
}

static int
ovl_make(struct ovl_mount *om, struct mountargs *ma)
{
	const struct ovl_layer *top = &om->om_layer[0];
	struct ovl_node *root;
	int error;

	if (mountdata_isstruct(ma, sizeof(struct union_args)))
		error = layers_args(om, ma);
	else
		error = layers_text(om, ma);
	if (error != 0)
		return error;
	if (top->ol_root == NULL ||
	    (mount_flags(top->ol_mount) & MNT_RDONLY) != 0)
		ma->ma_flags |= MNT_RDONLY;
	om->om_super.sb_dev = ma->ma_dev;
	om->om_super.sb_rename = &om->om_super.sb_mutex;
	ovl_links_init(om);
	if ((error = ovl_node_root(om, &root)) == 0)
		om->om_super.sb_root = &root->on_vnode;
	return error;
}

static int
ovl_mount_ops(
    struct mountargs *ma, const struct vfsops *ops, struct super **sbp)
{
	struct ovl_mount *om = kmem_zalloc(sizeof(*om));
	int error;

	if (om == NULL)
		return ENOMEM;
	om->om_super.sb_ops = ops;
	if ((error = ovl_make(om, ma)) != 0) {
		layers_drop(om);
		kmem_free(om, sizeof(*om));
		return error;
	}
	*sbp = &om->om_super;
	return 0;
}

static int
overlay_mount(struct mountargs *ma, struct super **sbp)
{
	return ovl_mount_ops(ma, &overlay_vfsops, sbp);
}

static int
union_mount(struct mountargs *ma, struct super **sbp)
{
	return ovl_mount_ops(ma, &union_vfsops, sbp);
}

static struct super *
top_super(struct super *sb)
{
	struct ovl_mount *om = container_of(sb, struct ovl_mount, om_super);

	return ovl_real(vp_to_ovl(om->om_super.sb_root))->v_super;
}

static int
ovl_statvfs(struct super *sb, struct statvfs *sv)
{
	struct super *top = top_super(sb);

	return top->sb_ops->vfs_statvfs != NULL
		   ? top->sb_ops->vfs_statvfs(top, sv)
		   : 0;
}

static int
ovl_sync(struct super *sb)
{
	struct super *top = top_super(sb);

	return top->sb_ops->vfs_sync != NULL ? top->sb_ops->vfs_sync(top) : 0;
}

static void
ovl_smrfree(struct smr_item *si)
{
	kmem_free(container_of(si, struct ovl_mount, om_smr),
	    sizeof(struct ovl_mount));
}

/* Take every name out of the table, and what it stands for if it is the last.
 */
static void
ovl_clear(struct ovl_mount *om)
{
	struct ovl_entry *oe;
	struct ovl_node *on;
	uint32_t i;
	bool last;

	for (i = 0; i < OVL_CHAINS; i++)
		while ((oe = atomic_load_explicit(
			    &om->om_chain[i], memory_order_relaxed)) != NULL) {
			on = oe->oe_node;
			mutex_enter(&om->om_lock);
			last = ovl_entry_remove(oe);
			mutex_exit(&om->om_lock);
			if (last)
				vnode_rele(&on->on_vnode);
		}
}

static void
ovl_unmount(struct super *sb)
{
	struct ovl_mount *om = container_of(sb, struct ovl_mount, om_super);

	ovl_gone_drop(om);
	ovl_readdir_drop(om);
	ovl_links_drop(om);
	ovl_clear(om);
	vnode_rele(sb->sb_root);
	layers_drop(om);
	smr_retire(&om->om_smr, ovl_smrfree);
}

const struct vfsops overlay_vfsops = {
    .vfs_name = "overlay",
    .vfs_type = OVERLAYFS_SUPER_MAGIC,
    .vfs_mount = overlay_mount,
    .vfs_statvfs = ovl_statvfs,
    .vfs_sync = ovl_sync,
    .vfs_unmount = ovl_unmount,
    .vfs_hostnode = ovl_hostnode,
};

const struct vfsops union_vfsops = {
    .vfs_name = "union",
    .vfs_type = OVERLAYFS_SUPER_MAGIC,
    .vfs_mount = union_mount,
    .vfs_statvfs = ovl_statvfs,
    .vfs_sync = ovl_sync,
    .vfs_unmount = ovl_unmount,
};
