/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mounts that show what is there already, and their data: a path, options, or
 * a structure that begins with a pointer to a path.
 */
#ifndef VFS_BIND_H
#define VFS_BIND_H

#include "vfs/mountopt.h"
#include "vfs/vfs.h"

/*
 * Is the data a structure of this size, which begins with a pointer?  The
 * pointer's last two bytes are zero, those of text are not.
 */
bool mountdata_isstruct(const struct mountargs *, size_t size);

/*
 * What a path names, with references on mount and vnode, as vfs_lookup.
 * bind_lookup: an option, with its backslashes; bind_lookup_user: in the
 * caller's memory.  The path is noted as where the mount comes from.
 */
int bind_lookup_path(struct mountargs *, const char *path, struct mount **mpp,
    struct vnode **vpp);
int bind_lookup(struct mountargs *, struct mountstr, struct mount **mpp,
    struct vnode **vpp);
int bind_lookup_user(struct mountargs *, const char *upath, struct mount **mpp,
    struct vnode **vpp);

/*
 * Show vp, found through mp: sets ma_root, ma_origin and *sbp, which take over
 * the references.  What mp forbids stays forbidden.
 */
void bind_to(
    struct mountargs *, struct mount *mp, struct vnode *vp, struct super **sbp);

#endif /* VFS_BIND_H */
