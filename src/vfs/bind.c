/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mounts that show what is there already.
 */
#include "vfs/bind.h"
#include "kern/uio.h"
#include "vfs/vfs_impl.h"

bool
mountdata_isstruct(const struct mountargs *ma, size_t size)
{
	return ma->ma_len == size && ma->ma_data[sizeof(void *) - 1] == '\0' &&
	       ma->ma_data[sizeof(void *) - 2] == '\0';
}

int
bind_lookup_path(struct mountargs *ma, const char *path, struct mount **mpp,
    struct vnode **vpp)
{
	memset(ma->ma_from, 0, MNT_FROMLEN);
	memcpy(ma->ma_from, path, strnlen(path, MNT_FROMLEN - 1));
	return vfs_lookup(ma->ma_lwp, path, mpp, vpp);
}

int
bind_lookup(struct mountargs *ma, struct mountstr ms, struct mount **mpp,
    struct vnode **vpp)
{
	char path[PATH_MAX];
	int error = mountstr_copy(&ms, path, sizeof(path));

	return error != 0 ? error : bind_lookup_path(ma, path, mpp, vpp);
}

int
bind_lookup_user(struct mountargs *ma, const char *upath, struct mount **mpp,
    struct vnode **vpp)
{
	char path[PATH_MAX];
	int error = copyinstr(upath, path, sizeof(path), NULL);

	return error != 0 ? error : bind_lookup_path(ma, path, mpp, vpp);
}

void
bind_to(struct mountargs *ma, struct mount *mp, struct vnode *vp,
    struct super **sbp)
{
	ma->ma_flags |= mount_flags(mp) & MOUNT_USERFLAGS;
	ma->ma_origin = mp;
	ma->ma_root = vp;
	*sbp = mp->mnt_super;
}
