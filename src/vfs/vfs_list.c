/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file systems there are.  This table is the one place below src/fs that
 * knows any of them by name.
 */
#include "vfs/vfs.h"

extern const struct vfsops etfs_vfsops, hostfs_vfsops, null_vfsops;
extern const struct vfsops overlay_vfsops, tmpfs_vfsops, umap_vfsops;
extern const struct vfsops union_vfsops;

const struct vfsops *const vfs_list[] = {
    &tmpfs_vfsops,
    &etfs_vfsops,
    &hostfs_vfsops,
    &null_vfsops,
    &umap_vfsops,
    &overlay_vfsops,
    &union_vfsops,
    NULL,
};
