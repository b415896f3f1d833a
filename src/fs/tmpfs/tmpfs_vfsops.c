/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mounting tmpfs.
 */
#include "fs/tmpfs/tmpfs.h"

extern const struct vfsops tmpfs_vfsops;

static int
tmpfs_mount(struct mountargs *ma, struct super **sbp)
{
	struct tmpfs_mount *tm = kmem_zalloc(sizeof(*tm));
	struct vattr va = {.va_mode = S_IFDIR | 0755};
	struct tmpfs_node *root;
	struct timespec now;
	int error;

	if (tm == NULL)
		return ENOMEM;
	tm->tm_super.sb_ops = &tmpfs_vfsops;
	tm->tm_super.sb_dev = ma->ma_dev;
	tm->tm_super.sb_rename = &tm->tm_super.sb_mutex;
	vfs_now(&now);
	if ((error = tmpfs_node_alloc(tm, &va, &now, &root)) != 0) {
		kmem_free(tm, sizeof(*tm));
		return error;
	}
	atomic_init(&root->tn_nlink, 2);
	atomic_init(&root->tn_parent, root);
	tm->tm_super.sb_root = &root->tn_vnode;
	*sbp = &tm->tm_super;
	return 0;
}

static void
tmpfs_smrfree(struct smr_item *si)
{
	kmem_free(container_of(si, struct tmpfs_mount, tm_smr),
	    sizeof(struct tmpfs_mount));
}

static void
tmpfs_unmount(struct super *sb)
{
	struct tmpfs_mount *tm = container_of(sb, struct tmpfs_mount, tm_super);
	struct tmpfs_node *root = vp_to_node(sb->sb_root);

	tmpfs_clear(tm);
	/* Its own parent: it takes no other vnode with it. */
	tmpfs_set(root->tn_parent, NULL);
	vnode_rele(sb->sb_root);
	smr_retire(&tm->tm_smr, tmpfs_smrfree);
}

const struct vfsops tmpfs_vfsops = {
    .vfs_name = "tmpfs",
    .vfs_init = tmpfs_node_init,
    .vfs_mount = tmpfs_mount,
    .vfs_unmount = tmpfs_unmount,
};
