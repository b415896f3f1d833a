/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file systems there are.  This table is the one place below src/fs that
 * knows any of them by name.
 */
#include "vfs/vfs.h"

extern const struct vfsops devfs_vfsops, devpts_vfsops, etfs_vfsops;
extern const struct vfsops fdesc_vfsops, hostfs_vfsops, hostpass_vfsops;
extern const struct vfsops kernfs_vfsops;
extern const struct vfsops null_vfsops, overlay_vfsops, proc_vfsops;
extern const struct vfsops procfs_vfsops, ptyfs_vfsops, tmpfs_vfsops;
extern const struct vfsops umap_vfsops, union_vfsops;

const struct vfsops *const vfs_list[] = {
    &tmpfs_vfsops,
    &devfs_vfsops,
    &devpts_vfsops,
    &etfs_vfsops,
    &fdesc_vfsops,
    &hostfs_vfsops,
    &hostpass_vfsops,
    &kernfs_vfsops,
    &null_vfsops,
    &overlay_vfsops,
    &proc_vfsops,
    &procfs_vfsops,
    &ptyfs_vfsops,
    &umap_vfsops,
    &union_vfsops,
    NULL,
};
