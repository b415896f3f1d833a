/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * <rump/rump_vfs.h>: file systems and mounts.
 *
 * What the program holds as a struct mount is the number of a mount; numbers
 * are not used again.
 */
#include <rump/rump.h>

#include "kern/entry.h"
#include "sysproto.h"
#include "vfs/pub_vfs.h"

static struct mount *
mount_number(const struct mount *mp)
{
	return (struct mount *)(uintptr_t)mp->mnt_id;
}

/* The mount with this number, with a reference, or NULL. */
static struct mount *
mount_of(const struct mount *number)
{
	return mount_byid((uint32_t)(uintptr_t)number);
}

RUMP_EXPORT struct vfsops *
rump_pub_vfslist_iterate(struct vfsops *ops)
{
	const struct vfsops *const *fsp = vfs_list;

	if (ops != NULL)
		while (*fsp != NULL && *fsp++ != ops)
			;
	return (struct vfsops *)(uintptr_t)*fsp;
}

RUMP_EXPORT struct vfsops *
rump_pub_vfs_getopsbyname(const char *name)
{
	return (struct vfsops *)(uintptr_t)vfs_byname(name);
}

RUMP_EXPORT const char *
rump_pub_vfs_getname(const struct vfsops *ops)
{
	return ops->vfs_name;
}

RUMP_EXPORT int
rump_pub_vfs_getmp(const char *path, struct mount **mpp)
{
	struct lwp *l = syscall_enter();
	struct nameidata nd;
	int error;

	if (l == NULL)
		return syscall_refusal();
	error = namei_user(&nd, l, AT_FDCWD, path, NAMEI_FOLLOW);
	if (error == 0)
		*mpp = mount_number(nd.ni_mount);
	syscall_exit();
	return error;
}

RUMP_EXPORT int
rump_pub_vfs_unmount(struct mount *number, int flags)
{
	struct lwp *l = syscall_enter();
	struct mount *mp;
	int error;

	if (l == NULL)
		return syscall_refusal();
	if ((flags & ~(RUMP_MNT_FORCE | RUMP_MNT_DETACH)) != 0)
		error = EINVAL;
	else if (!cred_is_root(proc_cred(l->l_proc)))
		error = EPERM;
	else if ((mp = mount_of(number)) == NULL)
		error = ESTALE;
	else
		error = mount_remove(mp, flags != 0);
	syscall_exit();
	return error;
}

/* Call fn for a mount that is there; the errors of that. */
static int
mount_call(
    const struct mount *number, int (*fn)(struct mount *, void *), void *arg)
{
	struct mount *mp;
	int error = ESTALE;

	if (syscall_enter() == NULL)
		return syscall_refusal();
	if ((mp = mount_of(number)) != NULL) {
		error = fn(mp, arg);
		mount_rele(mp);
	}
	syscall_exit();
	return error;
}

static int
root_one(struct mount *mp, void *arg)
{
	return pub_vnode_make(mp, mp->mnt_root, arg);
}

RUMP_EXPORT int
rump_pub_vfs_root(struct mount *mp, struct vnode **vpp, int lock)
{
	(void)lock;
	return mount_call(mp, root_one, vpp);
}

static int
statvfs_one(struct mount *mp, void *arg)
{
	return mount_statvfs(mp, arg);
}

RUMP_EXPORT int
rump_pub_vfs_statvfs(struct mount *mp, struct statvfs *sbp)
{
	return mount_call(mp, statvfs_one, sbp);
}

static int
sync_one(struct mount *mp, void *arg)
{
	struct super *sb = mp->mnt_super;

	(void)arg;
	return sb->sb_ops->vfs_sync != NULL ? sb->sb_ops->vfs_sync(sb) : 0;
}

RUMP_EXPORT int
rump_pub_vfs_sync(struct mount *mp, int waitfor, struct cred *cred)
{
	(void)waitfor, (void)cred;
	return mount_call(mp, sync_one, NULL);
}

RUMP_EXPORT void
rump_pub_vfs_syncwait(void)
{
	struct lwp *l = syscall_enter();

	if (l == NULL)
		return;
	(void)sys_sync(l);
	syscall_exit();
}

RUMP_EXPORT void
rump_pub_vfs_mount_print(const char *path, int full)
{
	struct lwp *l = syscall_enter();
	struct nameidata nd;
	struct super *sb;
	char options[256] = "";
	int error;

	if (l == NULL)
		return;
	error = namei_user(&nd, l, AT_FDCWD, path, NAMEI_FOLLOW);
	if (error == 0) {
		sb = nd.ni_mount->mnt_super;
		if (full && sb->sb_ops->vfs_options != NULL)
			sb->sb_ops->vfs_options(sb, options, sizeof(options));
		kern_printf("%s on %s type %s (%s%s)", nd.ni_mount->mnt_from,
		    path, sb->sb_ops->vfs_name,
		    mount_writable(nd.ni_mount) == 0 ? "rw" : "ro", options);
	}
	syscall_exit();
}

/*
 * Files as bytes
 */

RUMP_EXPORT int
rump_pub_vfs_vptofh(struct vnode *vp, struct fid *fid, size_t *fidsize)
{
	struct vnode *kvp = pub_vnode(vp)->pv_vnode;
	const struct vfsops *ops = kvp->v_super->sb_ops;
	uint64_t id[2];
	int error = EOPNOTSUPP;

	if (*fidsize < sizeof(id)) {
		*fidsize = sizeof(id);
		return E2BIG;
	}
	if (syscall_enter() == NULL)
		return syscall_refusal();
	if (ops->vfs_vptofh != NULL)
		error = ops->vfs_vptofh(kvp, id);
	syscall_exit();
	if (error == 0) {
		memcpy(fid, id, sizeof(id));
		*fidsize = sizeof(id);
	}
	return error;
}

struct fhtovp {
	uint64_t ft_id[2];
	struct vnode **ft_vpp;
};

static int
fhtovp_one(struct mount *mp, void *arg)
{
	const struct vfsops *ops = mp->mnt_super->sb_ops;
	struct fhtovp *ft = arg;
	struct vnode *vp;
	int error;

	if (ops->vfs_fhtovp == NULL)
		return EOPNOTSUPP;
	error = ops->vfs_fhtovp(mp->mnt_super, ft->ft_id, &vp);
	if (error == 0)
		error = pub_vnode_make(mp, vp, ft->ft_vpp);
	return error == ENOENT ? ESTALE : error;
}

RUMP_EXPORT int
rump_pub_vfs_fhtovp(struct mount *mp, struct fid *fid, struct vnode **vpp)
{
	struct fhtovp ft = {.ft_vpp = vpp};

	memcpy(ft.ft_id, fid, sizeof(ft.ft_id));
	return mount_call(mp, fhtovp_one, &ft);
}

RUMP_EXPORT int
rump_pub_vfs_extattrctl(struct mount *mp, int cmd, struct vnode *vp,
    int attrnamespace, const char *attrname)
{
	(void)mp, (void)cmd, (void)vp, (void)attrnamespace, (void)attrname;
	return EOPNOTSUPP;
}
