/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * statx.
 */
#include <sys/sysmacros.h>

#include "sysproto.h"
#include "vfs/vfs_impl.h"

#define STATX_FLAGS                                              \
	(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | \
	    AT_STATX_SYNC_TYPE)

#define STATX_ATTRIBUTES                                                \
	(STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND | STATX_ATTR_NODUMP | \
	    STATX_ATTR_MOUNT_ROOT)

static struct statx_timestamp
statx_time(const struct timespec *ts)
{
	return (struct statx_timestamp){
	    .tv_sec = ts->tv_sec, .tv_nsec = (uint32_t)ts->tv_nsec};
}

/* What stat says too. */
static void
statx_basic(const struct stat *sb, struct statx *sx)
{
	*sx = (struct statx){
	    .stx_mask = STATX_BASIC_STATS,
	    .stx_blksize = (uint32_t)sb->st_blksize,
	    .stx_nlink = (uint32_t)sb->st_nlink,
	    .stx_uid = sb->st_uid,
	    .stx_gid = sb->st_gid,
	    .stx_mode = (uint16_t)sb->st_mode,
	    .stx_ino = sb->st_ino,
	    .stx_size = (uint64_t)sb->st_size,
	    .stx_blocks = (uint64_t)sb->st_blocks,
	    .stx_atime = statx_time(&sb->st_atim),
	    .stx_mtime = statx_time(&sb->st_mtim),
	    .stx_ctime = statx_time(&sb->st_ctim),
	    .stx_rdev_major = major(sb->st_rdev),
	    .stx_rdev_minor = minor(sb->st_rdev),
	    .stx_dev_major = major(sb->st_dev),
	    .stx_dev_minor = minor(sb->st_dev),
	};
}

/* What only a file of a file system has. */
static void
statx_vnode(const struct mount *mp, const struct vnode *vp, struct statx *sx)
{
	uint32_t mode = vnode_mode(vp);

	sx->stx_mask |= STATX_MNT_ID;
	sx->stx_mnt_id = mp->mnt_id;
	sx->stx_attributes_mask = STATX_ATTRIBUTES;
	sx->stx_attributes =
	    ((mode & V_IMMUTABLE) != 0 ? STATX_ATTR_IMMUTABLE : 0) |
	    ((mode & V_APPEND) != 0 ? STATX_ATTR_APPEND : 0) |
	    ((mode & V_NODUMP) != 0 ? STATX_ATTR_NODUMP : 0) |
	    (vp == mp->mnt_root ? STATX_ATTR_MOUNT_ROOT : 0);
}

static int
statx_fd(struct lwp *l, int fd, struct statx *sx)
{
	struct file *fp;
	struct stat sb;
	int error;

	if ((error = fd_getfile(l, fd, &fp)) != 0)
		return error;
	if ((error = fp->f_ops->fo_stat(l, fp, &sb)) == 0) {
		statx_basic(&sb, sx);
		if (fp->f_vnode != NULL)
			statx_vnode(fp->f_mount, fp->f_vnode, sx);
	}
	fd_putfile(l, fp);
	return error;
}

static int
statx_path(struct lwp *l, int dirfd, const char *path, unsigned wanted,
    struct statx *sx)
{
	struct nameidata nd;
	struct stat sb;
	int error;

	if ((error = namei_user(&nd, l, dirfd, path, wanted)) != 0 ||
	    (error = vnode_stat(nd.ni_mount, nd.ni_vp, &sb)) != 0)
		return error;
	statx_basic(&sb, sx);
	statx_vnode(nd.ni_mount, nd.ni_vp, sx);
	return 0;
}

int
sys_statx(struct lwp *l, int dirfd, const char *path, int flags,
    unsigned int mask, struct statx *usx)
{
	unsigned wanted = (flags & AT_SYMLINK_NOFOLLOW) == 0 ? NAMEI_FOLLOW : 0;
	bool empty = false;
	struct statx sx;
	int error;

	if ((mask & STATX__RESERVED) != 0 || (flags & ~STATX_FLAGS) != 0 ||
	    (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE)
		return EINVAL;
	if ((flags & AT_EMPTY_PATH) != 0 &&
	    (error = path_isempty(path, &empty)) != 0)
		return error;
	if (empty && dirfd != AT_FDCWD)
		error = statx_fd(l, dirfd, &sx);
	else
		error = statx_path(l, dirfd, empty ? "." : path, wanted, &sx);
	return error != 0 ? error : copyout(&sx, usx, sizeof(sx));
}
