/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mount, unmount, and what is mounted: getvfsstat, statvfs.
 */
#include "sysproto.h"
#include "vfs/vfs_impl.h"

/* Mount data, at most. */
#define MOUNT_MAXDATA 65536

#define MOUNT_KNOWN (MOUNT_USERFLAGS | MNT_UPDATE)

/*
 * mount
 */

/* A copy of the data with a NUL after it; mountdata_free. */
static int
mountdata_copyin(struct mountargs *ma, const void *udata, size_t len)
{
	char *data;
	int error;

	if (len > MOUNT_MAXDATA)
		return EINVAL;
	if ((data = kmem_alloc(len + 1)) == NULL)
		return ENOMEM;
	if ((error = copyin(udata, data, len)) != 0) {
		kmem_free(data, len + 1);
		return error;
	}
	data[len] = '\0';
	ma->ma_data = data;
	ma->ma_len = len;
	return 0;
}

static void
mountdata_free(struct mountargs *ma)
{
	kmem_free((void *)(uintptr_t)ma->ma_data, ma->ma_len + 1);
}

/* MNT_UPDATE of the mount that vp is the root of. */
static int
mount_update(struct mountargs *ma, struct mount *mp, struct vnode *vp)
{
	const struct vfsops *ops = mp->mnt_super->sb_ops;
	int error = 0;

	if (vp != mp->mnt_root)
		return EINVAL;
	if (ma->ma_len > 0)
		error = ops->vfs_update != NULL
			    ? ops->vfs_update(mp->mnt_super, ma)
			    : EINVAL;
	if (error == 0)
		mount_change(mp, ma->ma_flags);
	return error;
}

int
mount_new(const struct vfsops *ops, struct mountargs *ma, struct mount **mpp)
{
	struct super *sb;
	int error;

	ma->ma_dev = mount_newdev();
	strncpy(ma->ma_from, ops->vfs_name, MNT_FROMLEN - 1);
	if ((error = ops->vfs_mount(ma, &sb)) != 0)
		goto out;
	if (ma->ma_root == NULL) {
		vnode_hold(sb->sb_root);
		ma->ma_root = sb->sb_root;
	}
	if ((error = mount_attach(sb, ma, mpp)) != 0) {
		idmap_free(ma->ma_idmap);
		super_abort(sb, ma->ma_root);
	}
out:
	if (ma->ma_origin != NULL)
		mount_rele(ma->ma_origin);
	return error;
}

static int
mount_at(struct mountargs *ma, const char *type)
{
	const struct vfsops *ops;
	struct mount *mp;

	if ((ma->ma_flags & MNT_UPDATE) != 0)
		return mount_update(ma, ma->ma_parent, ma->ma_covered);
	if ((ops = vfs_byname(type)) == NULL)
		return ENODEV;
	return mount_new(ops, ma, &mp);
}

/*
 * Where it is to be mounted, with references.  The name is good as long as
 * nd is.
 */
static int
mount_place(struct nameidata *nd, struct mountargs *ma)
{
	int error;

	if ((error = namei(nd)) != 0)
		return error;
	if (!vnode_tryhold(nd->ni_vp))
		return ENOENT;
	if (!mount_tryhold(nd->ni_mount)) {
		vnode_rele(nd->ni_vp);
		return ENOENT;
	}
	ma->ma_parent = nd->ni_mount;
	ma->ma_covered = nd->ni_vp;
	if (!vnode_isdir(nd->ni_vp) && nd->ni_last == LAST_NORM) {
		ma->ma_dir = nd->ni_dvp;
		ma->ma_name = nd->ni_cn;
	}
	return 0;
}

int
sys_mount(struct lwp *l, const char *utype, const char *dir, int flags,
    void *udata, size_t len)
{
	char type[32], from[MNT_FROMLEN] = "";
	struct mountargs ma = {
	    .ma_lwp = l, .ma_flags = (uint32_t)flags, .ma_from = from};
	struct nameidata nd;
	int error;

	if (!cred_is_root(proc_cred(l->l_proc)))
		return EPERM;
	if ((flags & ~MOUNT_KNOWN) != 0)
		return EINVAL;
	if ((error = copyinstr(utype, type, sizeof(type), NULL)) != 0)
		return error == ENAMETOOLONG ? ENODEV : error;
	namei_init(&nd, l, AT_FDCWD, NAMEI_FOLLOW | NAMEI_MOUNT);
	if ((error = namei_copyin(&nd, dir)) != 0 ||
	    (error = mount_place(&nd, &ma)) != 0)
		return error;
	if ((error = mountdata_copyin(&ma, udata, len)) == 0) {
		error = mount_at(&ma, type);
		mountdata_free(&ma);
	}
	vnode_rele(ma.ma_covered);
	mount_rele(ma.ma_parent);
	return error;
}

int
sys_unmount(struct lwp *l, const char *dir, int flags)
{
	struct nameidata nd;
	int error;

	if ((flags & ~(RUMP_MNT_FORCE | RUMP_MNT_DETACH)) != 0)
		return EINVAL;
	if (!cred_is_root(proc_cred(l->l_proc)))
		return EPERM;
	error = namei_user(&nd, l, AT_FDCWD, dir, NAMEI_FOLLOW | NAMEI_MOUNT);
	if (error != 0)
		return error;
	if (nd.ni_vp != nd.ni_mount->mnt_root || !mount_tryhold(nd.ni_mount))
		return EINVAL;
	return mount_remove(nd.ni_mount, flags != 0);
}

/*
 * statvfs
 */

/* f_flag: the host's ST_* have the values of MS_*. */
int
mount_statvfs(struct mount *mp, struct statvfs *sb)
{
	struct super *super = mp->mnt_super;

	memset(sb, 0, sizeof(*sb));
	sb->f_bsize = sb->f_frsize = KPAGE_SIZE;
	sb->f_fsid = super->sb_dev;
	sb->f_flag = mount_flags(mp) & MOUNT_USERFLAGS;
	sb->f_namemax = NAME_MAX;
	/* Newer C libraries have a name for this: f_type. */
	memcpy((char *)sb + offsetof(struct statvfs, f_namemax) +
		   sizeof(sb->f_namemax),
	    &super->sb_ops->vfs_type, sizeof(super->sb_ops->vfs_type));
	return super->sb_ops->vfs_statvfs != NULL
		   ? super->sb_ops->vfs_statvfs(super, sb)
		   : 0;
}

static int
statvfs_out(struct mount *mp, struct statvfs *usb)
{
	struct statvfs sb;
	int error = mount_statvfs(mp, &sb);

	return error != 0 ? error : copyout(&sb, usb, sizeof(sb));
}

int
sys_statvfs(struct lwp *l, const char *path, struct statvfs *sb)
{
	struct nameidata nd;
	int error = namei_user(&nd, l, AT_FDCWD, path, NAMEI_FOLLOW);

	return error != 0 ? error : statvfs_out(nd.ni_mount, sb);
}

/* Of pipes, sockets and so on, which no file system has. */
static int
statvfs_nameless(struct statvfs *usb)
{
	struct statvfs sb;

	memset(&sb, 0, sizeof(sb));
	sb.f_bsize = sb.f_frsize = KPAGE_SIZE;
	sb.f_namemax = NAME_MAX;
	return copyout(&sb, usb, sizeof(sb));
}

int
sys_fstatvfs(struct lwp *l, int fd, struct statvfs *sb)
{
	struct mount *mp;
	struct vnode *vp;
	int error = fd_vnode(l, fd, ENOSYS, &mp, &vp);

	if (error == ENOSYS)
		return statvfs_nameless(sb);
	return error != 0 ? error : statvfs_out(mp, sb);
}

int
sys_statvfs1(struct lwp *l, const char *path, struct statvfs *sb, int flags)
{
	(void)flags;
	return sys_statvfs(l, path, sb);
}

int
sys_fstatvfs1(struct lwp *l, int fd, struct statvfs *sb, int flags)
{
	(void)flags;
	return sys_fstatvfs(l, fd, sb);
}

/*
 * getvfsstat
 */

/*
 * One mount at a time: what is said of it is put together with mount_lock held,
 * without a reference, which would keep it from being unmounted meanwhile, and
 * goes to the caller without.
 */
struct vfsstats {
	struct lwp *vs_lwp;
	uint32_t vs_last; /* mnt_id of the one before */
	struct rump_vfsstat vs_stat;
};

/* The first one after vs_last that is seen from the caller's root: EEXIST. */
static int
vfsstat_next(struct mount *mp, void *arg)
{
	struct vfsstats *vs = arg;
	struct rump_vfsstat *st = &vs->vs_stat;
	char buf[PATH_MAX];
	const char *path = "";
	int error;

	if (mp->mnt_id <= vs->vs_last)
		return 0;
	vs->vs_last = mp->mnt_id;
	error = vfs_path(
	    mp, mp->mnt_root, proc_cwdi(vs->vs_lwp->l_proc), buf, &path);
	if (error == ENOENT)
		return 0;
	memset(st, 0, sizeof(*st));
	if ((error = mount_statvfs(mp, &st->vs_statvfs)) != 0)
		return error;
	strncpy(st->vs_fstypename, mp->mnt_super->sb_ops->vfs_name,
	    sizeof(st->vs_fstypename) - 1);
	memcpy(st->vs_mntfromname, mp->mnt_from, sizeof(st->vs_mntfromname));
	strncpy(st->vs_mntonname, path, sizeof(st->vs_mntonname) - 1);
	return EEXIST;
}

int
sys_getvfsstat(struct lwp *l, struct rump_vfsstat *buf, size_t size, int flags,
    int *retval)
{
	struct vfsstats vs = {.vs_lwp = l};
	size_t room = buf == NULL ? INT_MAX : size / sizeof(*buf), n = 0;
	int error = EEXIST;

	(void)flags;
	while (error == EEXIST && n < room) {
		error = mount_foreach(vfsstat_next, &vs);
		if (error != EEXIST)
			break;
		if (buf != NULL &&
		    (error = copyout(&vs.vs_stat, &buf[n], sizeof(*buf))) != 0)
			break;
		error = EEXIST;
		n++;
	}
	*retval = (int)n;
	return error == EEXIST ? 0 : error;
}
