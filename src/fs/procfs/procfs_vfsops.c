/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mounting procfs, which is also called "proc", as on Linux.
 */
#include "fs/procfs/procfs.h"

#include <linux/magic.h>

extern const struct vfsops procfs_vfsops, proc_vfsops;

struct pfs_mount {
	struct super pm_super;
	struct smr_item pm_smr;
};

static void
pfs_init(void)
{
	pfs_node_init();
	pfs_sys_init();
}

static int
pfs_mount(const struct vfsops *ops, struct mountargs *ma, struct super **sbp)
{
	struct pfs_mount *pm;
	struct pfs_node *root;

	if (ma->ma_data[0] != '\0')
		return EINVAL;
	if ((pm = kmem_zalloc(sizeof(*pm))) == NULL)
		return ENOMEM;
	pm->pm_super.sb_ops = ops;
	pm->pm_super.sb_dev = ma->ma_dev;
	pm->pm_super.sb_rename = &pm->pm_super.sb_mutex;
	if ((root = pfs_node_root(&pm->pm_super)) == NULL) {
		kmem_free(pm, sizeof(*pm));
		return ENOMEM;
	}
	pm->pm_super.sb_root = pn_to_vp(root);
	*sbp = &pm->pm_super;
	return 0;
}

static int
procfs_mount(struct mountargs *ma, struct super **sbp)
{
	return pfs_mount(&procfs_vfsops, ma, sbp);
}

static int
proc_mount(struct mountargs *ma, struct super **sbp)
{
	return pfs_mount(&proc_vfsops, ma, sbp);
}

static void
pfs_smrfree(struct smr_item *si)
{
	kmem_free(container_of(si, struct pfs_mount, pm_smr),
	    sizeof(struct pfs_mount));
}

static void
pfs_unmount(struct super *sb)
{
	struct pfs_mount *pm = container_of(sb, struct pfs_mount, pm_super);

	vcache_purge(sb);
	vnode_rele(sb->sb_root);
	smr_retire(&pm->pm_smr, pfs_smrfree);
}

const struct vfsops procfs_vfsops = {
    .vfs_name = "procfs",
    .vfs_type = PROC_SUPER_MAGIC,
    .vfs_init = pfs_init,
    .vfs_mount = procfs_mount,
    .vfs_unmount = pfs_unmount,
};

const struct vfsops proc_vfsops = {
    .vfs_name = "proc",
    .vfs_type = PROC_SUPER_MAGIC,
    .vfs_mount = proc_mount,
    .vfs_unmount = pfs_unmount,
};
