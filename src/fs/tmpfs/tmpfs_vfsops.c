/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mounting tmpfs.
 */
#include "fs/tmpfs/tmpfs.h"

static int
tmpfs_mount(dev_t dev, struct mount **mpp)
{
	struct tmpfs_mount *tm = kmem_zalloc(sizeof(*tm));
	struct vattr va = {.va_mode = S_IFDIR | 0755};
	struct tmpfs_node *root;
	struct timespec now;
	int error;

	if (tm == NULL)
		return ENOMEM;
	tm->tm_mount.mnt_dev = dev;
	vfs_now(&now);
	if ((error = tmpfs_node_alloc(tm, &va, &now, &root)) != 0) {
		kmem_free(tm, sizeof(*tm));
		return error;
	}
	atomic_init(&root->tn_nlink, 2);
	atomic_init(&root->tn_parent, root);
	tm->tm_mount.mnt_root = &root->tn_vnode;
	*mpp = &tm->tm_mount;
	return 0;
}

extern const struct vfsops tmpfs_vfsops;
const struct vfsops tmpfs_vfsops = {
    .vfs_name = "tmpfs",
    .vfs_init = tmpfs_node_init,
    .vfs_mount = tmpfs_mount,
};
