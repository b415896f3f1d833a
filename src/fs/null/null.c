/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * null: a directory or file that is seen at another place as well.
 *
 * It is the same vnode through another mount, so there is nothing here but
 * finding it.  The ids that the target's mount shifts are shifted here, too.
 */
#include <rump/rump_mount.h>

#include "vfs/bind.h"
#include "vfs/idmap.h"

extern const struct vfsops null_vfsops;

/* "target=/path", or nothing but the path. */
static int
null_find_text(struct mountargs *ma, struct mount **mpp, struct vnode **vpp)
{
	static const struct mountopt options[] = {
	    {"target", MOUNTOPT_STRING, 0},
	};
	struct mountstr target;
	uint32_t seen;

	if (*ma->ma_data == '/')
		return bind_lookup_path(ma, ma->ma_data, mpp, vpp);
	if (mountopt_parse(options, 1, ma->ma_data, &target, &seen) != 0 ||
	    seen == 0)
		return EINVAL;
	return bind_lookup(ma, target, mpp, vpp);
}

static int
null_find(struct mountargs *ma, struct mount **mpp, struct vnode **vpp)
{
	struct null_args na;

	if (!mountdata_isstruct(ma, sizeof(na)))
		return null_find_text(ma, mpp, vpp);
	memcpy(&na, ma->ma_data, sizeof(na));
	return bind_lookup_user(ma, na.nulla_target, mpp, vpp);
}

static int
null_mount(struct mountargs *ma, struct super **sbp)
{
	struct mount *mp;
	struct vnode *vp;
	int error;

	if ((error = null_find(ma, &mp, &vp)) != 0)
		return error;
	if (mp->mnt_idmap != NULL &&
	    (ma->ma_idmap = idmap_copy(mp->mnt_idmap)) == NULL) {
		vnode_rele(vp);
		mount_rele(mp);
		return ENOMEM;
	}
	bind_to(ma, mp, vp, sbp);
	return 0;
}

const struct vfsops null_vfsops = {
    .vfs_name = "null",
    .vfs_mount = null_mount,
};
