/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * devfs: a file system in memory that begins with a special file for each
 * device, and the directories and links that are in every /dev.  It is a
 * tmpfs otherwise: an instance of its own for each mount, in which root makes
 * and removes what it likes.
 */
#include <linux/magic.h>

#include "vfs/dev.h"
#include "vfs/vfs_impl.h"

/* Directories to mount on, and links through the first of them. */
static const struct devfs_extra {
	const char *de_name;
	const char *de_target; /* of a link; NULL: a directory */
	mode_t de_mode;
} extras[] = {
    {"fd", NULL, 0555},
    {"pts", NULL, 0755},
    {"shm", NULL, S_ISVTX | 0777},
    {"stdin", "fd/0", 0777},
    {"stdout", "fd/1", 0777},
    {"stderr", "fd/2", 0777},
};

static int
devfs_make(struct vnode *dvp, const char *name, size_t len,
    const struct vattr *va, struct vnode **vpp)
{
	struct cname cn;
	int error;

	cname_init(&cn, name, len);
	rw_enter_write(&dvp->v_lock);
	error = dvp->v_ops->vop_lookup(dvp, &cn, vpp);
	if (error == ENOENT)
		error = dvp->v_ops->vop_create(dvp, &cn, va, vpp);
	rw_exit_write(&dvp->v_lock);
	return error;
}

/* A device's special file, and the directories on the way. */
static int
devfs_device(const struct cdev *cd, void *arg)
{
	struct vattr dir = {.va_mode = S_IFDIR | 0755};
	struct vattr va = {
	    .va_mode = cd->cd_mode,
	    .va_gid = cd->cd_gid,
	    .va_rdev = cd->cd_dev,
	};
	struct vnode *vp = arg;
	const char *name = cd->cd_name, *slash;
	int error;

	if (name == NULL)
		return 0;
	for (; (slash = strchr(name, '/')) != NULL; name = slash + 1) {
		error = devfs_make(vp, name, (size_t)(slash - name), &dir, &vp);
		if (error != 0)
			return error;
	}
	return devfs_make(vp, name, strlen(name), &va, &vp);
}

static int
devfs_extra(struct vnode *root, const struct devfs_extra *de)
{
	struct vattr va = {.va_mode = S_IFDIR | de->de_mode};
	struct vnode *vp;

	if (de->de_target != NULL) {
		va.va_mode = S_IFLNK | de->de_mode;
		va.va_target = de->de_target;
		va.va_targetlen = strlen(de->de_target);
	}
	return devfs_make(root, de->de_name, strlen(de->de_name), &va, &vp);
}

static void
devfs_unmount(struct super *sb)
{
	vfs_byname("tmpfs")->vfs_unmount(sb);
}

extern const struct vfsops devfs_vfsops;

static int
devfs_mount(struct mountargs *ma, struct super **sbp)
{
	struct super *sb;
	size_t i;
	int error;

	if ((error = vfs_byname("tmpfs")->vfs_mount(ma, &sb)) != 0)
		return error;
	sb->sb_ops = &devfs_vfsops;
	error = dev_foreach(devfs_device, sb->sb_root);
	for (i = 0; error == 0 && i < nitems(extras); i++)
		error = devfs_extra(sb->sb_root, &extras[i]);
	if (error != 0)
		devfs_unmount(sb);
	*sbp = sb;
	return error;
}

/* The special file of a device that goes, if it is that still. */
static void
devfs_forget(const struct cdev *cd, struct vnode *dvp)
{
	const char *name = cd->cd_name, *slash;
	struct vnode *vp = dvp;
	struct stat sb = {0};
	struct cname cn;
	bool last = false;

	for (; (slash = strchr(name, '/')) != NULL; name = slash + 1) {
		cname_init(&cn, name, (size_t)(slash - name));
		if (dvp->v_ops->vop_lookup(dvp, &cn, &vp) != 0 ||
		    !vnode_isdir(vp))
			return;
		dvp = vp;
	}
	cname_init(&cn, name, strlen(name));
	rw_enter_write(&dvp->v_lock);
	if (dvp->v_ops->vop_lookup(dvp, &cn, &vp) == 0 &&
	    vnode_type(vp) == (cd->cd_mode & S_IFMT) &&
	    vp->v_ops->vop_getattr(vp, &sb) == 0 && sb.st_rdev == cd->cd_dev) {
		rw_enter_write(&vp->v_lock);
		if (!vnode_ismounted(vp))
			(void)dvp->v_ops->vop_remove(dvp, &cn, vp, &last);
		rw_exit_write(&vp->v_lock);
	}
	rw_exit_write(&dvp->v_lock);
	if (last)
		vnode_rele(vp);
}

struct devfs_change {
	const struct cdev *dc_dev;
	bool dc_show;
};

/* In an instance of devfs, whatever of it is mounted. */
static int
devfs_change(struct mount *mp, void *arg)
{
	struct devfs_change *dc = arg;
	struct super *sb = mp->mnt_super;

	if (sb->sb_ops != &devfs_vfsops)
		return 0;
	if (dc->dc_show)
		return devfs_device(dc->dc_dev, sb->sb_root);
	devfs_forget(dc->dc_dev, sb->sb_root);
	return 0;
}

static int
devfs_show(const struct cdev *cd, bool show)
{
	struct devfs_change dc = {cd, show};

	return mount_foreach(devfs_change, &dc);
}

static void
devfs_init(void)
{
	dev_show = devfs_show;
}

const struct vfsops devfs_vfsops = {
    .vfs_name = "devfs",
    .vfs_type = TMPFS_MAGIC,
    .vfs_init = devfs_init,
    .vfs_mount = devfs_mount,
    .vfs_unmount = devfs_unmount,
};
