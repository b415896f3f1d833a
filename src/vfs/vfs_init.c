/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Boot: the root file system and what is in it.
 */
#include <sys/sysmacros.h>

#include "vfs/vfs_impl.h"

/* A directory of root's in the root, before there is any process. */
static int
boot_mkdir(struct vnode *root, const char *name, mode_t mode)
{
	struct vattr va = {.va_mode = S_IFDIR | mode};
	struct vnode *vp;
	struct cname cn;
	int error;

	cname_init(&cn, name, strlen(name));
	rw_enter_write(&root->v_lock);
	error = root->v_ops->vop_create(root, &cn, &va, &vp);
	rw_exit_write(&root->v_lock);
	return error;
}

int
vfs_init(struct cwdinfo **cwdip)
{
	const struct vfsops *const *fsp;
	struct vnode *root;
	struct mount *mp;
	int error;

	namei_boot();
	for (fsp = vfs_list; *fsp != NULL; fsp++)
		(*fsp)->vfs_init();
	if ((error = vfs_list[0]->vfs_mount(makedev(0, 1), &mp)) != 0)
		return error;
	root = mp->mnt_root;
	if ((error = boot_mkdir(root, "dev", 0755)) != 0 ||
	    (error = boot_mkdir(root, "tmp", S_ISVTX | 0777)) != 0)
		return error;
	return cwdi_new(root, root, cwdip);
}
