/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Boot: the root file system, what is in it and what is mounted there.
 */
#include "vfs/dev.h"
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

/* Mount a file system on a directory of another one. */
static int
boot_mount(const char *type, struct mount *parent, const char *name,
    struct mount **mpp)
{
	char from[MNT_FROMLEN] = "";
	struct mountargs ma = {
	    .ma_data = "", .ma_from = from, .ma_parent = parent};
	struct vnode *dvp = parent->mnt_root;
	struct cname cn;
	int error;

	cname_init(&cn, name, strlen(name));
	if ((error = dvp->v_ops->vop_lookup(dvp, &cn, &ma.ma_covered)) != 0)
		return error;
	return mount_new(vfs_byname(type), &ma, mpp);
}

/* What is in /dev. */
static int
boot_dev(struct mount *root)
{
	struct mount *dev, *mp;
	int error;

	if ((error = boot_mount("devfs", root, "dev", &dev)) != 0 ||
	    (error = boot_mount("fdesc", dev, "fd", &mp)) != 0)
		return error;
	return boot_mount("ptyfs", dev, "pts", &mp);
}

const struct vfsops *
vfs_byname(const char *name)
{
	const struct vfsops *const *fsp;

	for (fsp = vfs_list; *fsp != NULL; fsp++)
		if (strcmp((*fsp)->vfs_name, name) == 0)
			return *fsp;
	return NULL;
}

int
vfs_init(struct cwdinfo **cwdip)
{
	char from[MNT_FROMLEN] = "";
	struct mountargs ma = {.ma_data = "", .ma_from = from};
	const struct vfsops *const *fsp;
	struct super *sb;
	struct mount *mp;
	int error;

	namei_boot();
	dev_mem_init();
	dev_console_init();
	dev_tty_init();
	vfs_sysctl_init();
	for (fsp = vfs_list; *fsp != NULL; fsp++)
		if ((*fsp)->vfs_init != NULL)
			(*fsp)->vfs_init();
	ma.ma_dev = mount_newdev();
	if ((error = vfs_list[0]->vfs_mount(&ma, &sb)) != 0 ||
	    (error = mount_root(sb, &mp)) != 0 ||
	    (error = boot_mkdir(sb->sb_root, "dev", 0755)) != 0 ||
	    (error = boot_mkdir(sb->sb_root, "tmp", S_ISVTX | 0777)) != 0 ||
	    (error = boot_dev(mp)) != 0)
		return error;
	return cwdi_new(mp, sb->sb_root, mp, sb->sb_root, cwdip);
}
