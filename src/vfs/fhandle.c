/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files by handle: a number of the file system and one of the file in it, as
 * the BSDs and Linux have them.
 *
 * Who has a handle passes by the permissions of the directories above the
 * file, so that only root may open one.
 */
#include "sysproto.h"
#include "vfs/vfs_impl.h"

/* Of Linux's handles: the most bytes there can be, and the kind of ours. */
#define HANDLE_MAX  128
#define HANDLE_TYPE 0x72

/* The number that the file system has for a file. */
static int
vnode_tofh(struct vnode *vp, uint64_t id[2])
{
	const struct vfsops *ops = vp->v_super->sb_ops;
	int error;

	if (ops->vfs_vptofh == NULL)
		return EOPNOTSUPP;
	/* One that is gone has no number any more. */
	if (!vnode_tryhold(vp))
		return ENOENT;
	error = ops->vfs_vptofh(vp, id);
	vnode_rele(vp);
	return error;
}

static int
super_fhtovp(struct super *sb, const uint64_t id[2], struct vnode **vpp)
{
	return sb->sb_ops->vfs_fhtovp != NULL
		   ? sb->sb_ops->vfs_fhtovp(sb, id, vpp)
		   : ESTALE;
}

/*
 * The BSDs' calls
 */

int
sys_getfh(struct lwp *l, const char *path, void *ufh, size_t *usize)
{
	struct rump_fhandle fh;
	struct nameidata nd;
	size_t size, need = sizeof(fh);
	int error;

	if (!cred_is_root(proc_cred(l->l_proc)))
		return EPERM;
	if ((error = namei_user(&nd, l, AT_FDCWD, path, NAMEI_FOLLOW)) != 0 ||
	    (error = vnode_tofh(nd.ni_vp, fh.fh_id)) != 0 ||
	    (error = copyin(usize, &size, sizeof(size))) != 0 ||
	    (error = copyout(&need, usize, sizeof(need))) != 0)
		return error;
	if (size < need)
		return E2BIG;
	fh.fh_fsid = nd.ni_vp->v_super->sb_dev;
	return copyout(&fh, ufh, sizeof(fh));
}

/* A mount that shows the file system of that number; held. */
struct fhfind {
	uint64_t ff_fsid;
	struct mount *ff_mount;
};

static int
fh_match(struct mount *mp, void *arg)
{
	struct fhfind *ff = arg;

	if (mp->mnt_super->sb_dev != ff->ff_fsid)
		return 0;
	mount_count(mp, 1);
	ff->ff_mount = mp;
	return EEXIST;
}

/*
 * The file of a handle: its mount is held, it is good in this section.  EPERM,
 * EFAULT, EINVAL, ESTALE.
 */
static int
fh_find(struct lwp *l, const void *ufh, size_t size, struct mount **mpp,
    struct vnode **vpp)
{
	struct rump_fhandle fh;
	struct fhfind ff;
	int error;

	if (!cred_is_root(proc_cred(l->l_proc)))
		return EPERM;
	if (size != sizeof(fh))
		return EINVAL;
	if ((error = copyin(ufh, &fh, sizeof(fh))) != 0)
		return error;
	ff.ff_fsid = fh.fh_fsid;
	if (mount_foreach(fh_match, &ff) == 0)
		return ESTALE;
	*mpp = ff.ff_mount;
	error = super_fhtovp(ff.ff_mount->mnt_super, fh.fh_id, vpp);
	if (error != 0)
		mount_rele(ff.ff_mount);
	return error;
}

int
sys_fhopen(struct lwp *l, const void *fh, size_t size, int flags, int *retval)
{
	struct mount *mp;
	struct vnode *vp;
	int error;

	if ((error = fh_find(l, fh, size, &mp, &vp)) != 0)
		return error;
	error = (flags & O_CREAT) != 0
		    ? EINVAL
		    : vnode_open_fd(l, mp, vp, flags, retval);
	mount_rele(mp);
	return error;
}

int
sys_fhstat(struct lwp *l, const void *fh, size_t size, struct stat *usb)
{
	struct mount *mp;
	struct vnode *vp;
	struct stat sb;
	int error;

	if ((error = fh_find(l, fh, size, &mp, &vp)) != 0)
		return error;
	error = vnode_stat(mp, vp, &sb);
	mount_rele(mp);
	return error != 0 ? error : copyout(&sb, usb, sizeof(sb));
}

int
sys_fhstatvfs1(
    struct lwp *l, const void *fh, size_t size, struct statvfs *usb, int flags)
{
	struct statvfs sb;
	struct mount *mp;
	struct vnode *vp;
	int error;

	(void)flags;
	if ((error = fh_find(l, fh, size, &mp, &vp)) != 0)
		return error;
	error = mount_statvfs(mp, &sb);
	mount_rele(mp);
	return error != 0 ? error : copyout(&sb, usb, sizeof(sb));
}

/*
 * Linux's calls
 */

int
sys_name_to_handle_at(struct lwp *l, int dirfd, const char *path,
    struct file_handle *ufh, int *umountid, int flags)
{
	struct file_handle fh;
	struct nameidata nd;
	uint64_t id[2];
	size_t room;
	int mountid, error;

	if ((flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) != 0)
		return EINVAL;
	error = namei_user(&nd, l, dirfd, path,
	    ((flags & AT_SYMLINK_FOLLOW) != 0 ? NAMEI_FOLLOW : 0) |
		((flags & AT_EMPTY_PATH) != 0 ? NAMEI_EMPTY : 0));
	if (error != 0 || (error = vnode_tofh(nd.ni_vp, id)) != 0 ||
	    (error = copyin(ufh, &fh, sizeof(fh))) != 0)
		return error;
	if ((room = fh.handle_bytes) > HANDLE_MAX)
		return EINVAL;
	mountid = (int)nd.ni_mount->mnt_id;
	fh.handle_bytes = sizeof(id);
	fh.handle_type = HANDLE_TYPE;
	if ((error = copyout(&mountid, umountid, sizeof(mountid))) != 0 ||
	    (error = copyout(&fh, ufh, sizeof(fh))) != 0)
		return error;
	return room < sizeof(id) ? EOVERFLOW
				 : copyout(id, ufh->f_handle, sizeof(id));
}

/* The mount that a descriptor, or the working directory, is on; held. */
static int
handle_mount(struct lwp *l, int fd, struct mount **mpp)
{
	struct vnode *vp;
	int error = 0;

	if (fd == AT_FDCWD)
		*mpp = proc_cwdi(l->l_proc)->cwd_cmount;
	else
		error = fd_vnode_open(l, fd, ESTALE, mpp, &vp);
	if (error == 0 && !mount_tryhold(*mpp))
		error = ESTALE;
	return error;
}

int
sys_open_by_handle_at(
    struct lwp *l, int mountfd, struct file_handle *ufh, int flags, int *retval)
{
	struct file_handle fh;
	struct mount *mp;
	struct vnode *vp;
	uint64_t id[2];
	int error;

	if ((error = copyin(ufh, &fh, sizeof(fh))) != 0)
		return error;
	if (fh.handle_bytes == 0 || fh.handle_bytes > HANDLE_MAX ||
	    fh.handle_type < 0)
		return EINVAL;
	if ((error = handle_mount(l, mountfd, &mp)) != 0)
		return error;
	if (!cred_is_root(proc_cred(l->l_proc)))
		error = EPERM;
	else if (fh.handle_bytes != sizeof(id) || fh.handle_type != HANDLE_TYPE)
		error = ESTALE;
	else if ((error = copyin(ufh->f_handle, id, sizeof(id))) == 0 &&
		 (error = super_fhtovp(mp->mnt_super, id, &vp)) == 0)
		error = vnode_open_fd(l, mp, vp, flags, retval);
	mount_rele(mp);
	return error;
}
