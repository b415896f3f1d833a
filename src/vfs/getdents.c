/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading directories.
 *
 * Positions 0 and 1 are "." and "..", those from 2 on the file system's.
 */
#include <dirent.h>

#include "sysproto.h"
#include "vfs/inotify.h"

#define POS_DOT	   0
#define POS_DOTDOT 1
#define POS_FIRST  2

struct getdents {
	char *gd_buf;	/* the caller's */
	size_t gd_left; /* room in it */
	size_t gd_done; /* bytes in it */
	int gd_error;	/* why it ended, unless there is no more */
};

static bool
getdents_put(void *arg, const struct direntry *de)
{
	struct getdents *gd = arg;
	struct dirent64 d = {
	    .d_ino = de->de_ino,
	    .d_off = de->de_next,
	    .d_type = (unsigned char)IFTODT(de->de_mode),
	};
	size_t len = offsetof(struct dirent64, d_name) + de->de_namelen + 1;

	len = roundup2(len, sizeof(uint64_t));
	if (len > gd->gd_left) {
		gd->gd_error = EINVAL;
		return false;
	}
	d.d_reclen = (unsigned short)len;
	memcpy(d.d_name, de->de_name, de->de_namelen);
	gd->gd_error = copyout(&d, gd->gd_buf + gd->gd_done, len);
	if (gd->gd_error != 0)
		return false;
	gd->gd_done += len;
	gd->gd_left -= len;
	return true;
}

static bool
getdents_dot(struct getdents *gd, struct vnode *vp, off_t *pos)
{
	struct stat sb = {0};
	struct direntry de = {
	    .de_name = "..",
	    .de_namelen = *pos == POS_DOT ? 1 : 2,
	    .de_mode = S_IFDIR,
	    .de_next = *pos + 1,
	};

	if ((gd->gd_error = vp->v_ops->vop_getattr(vp, &sb)) != 0)
		return false;
	de.de_ino = sb.st_ino;
	if (!getdents_put(gd, &de))
		return false;
	*pos = de.de_next;
	return true;
}

/* From position *pos on, as much as fits. */
static void
getdents_read(struct getdents *gd, struct vnode *dvp, off_t *pos)
{
	int error;

	if (*pos == POS_DOT && !getdents_dot(gd, dvp, pos))
		return;
	if (*pos == POS_DOTDOT &&
	    !getdents_dot(gd, dvp->v_ops->vop_parent(dvp), pos))
		return;
	KASSERT(*pos >= POS_FIRST);
	error = dvp->v_ops->vop_readdir(dvp, pos, getdents_put, gd);
	if (error != 0)
		gd->gd_error = error;
}

int
sys_getdents(struct lwp *l, int fd, char *buf, size_t len, int *retval)
{
	struct getdents gd = {.gd_buf = buf};
	struct vnode *dvp;
	struct file *fp;
	bool locked;
	int error;

	if ((error = fd_getfile(l, fd, &fp)) != 0)
		return error;
	if (fp->f_ops != &vnops_dirops) {
		error = fp->f_ops == &vnops_pathops ? EBADF : ENOTDIR;
		goto out;
	}
	dvp = fp->f_vnode;
	gd.gd_left = len < INT_MAX ? len : INT_MAX;
	locked = file_enter(l, fp);
	if (vnode_isdead(dvp))
		gd.gd_error = ENOENT;
	else {
		getdents_read(&gd, dvp, &fp->f_offset);
		if ((file_flags(fp) & O_NOATIME) == 0)
			vnode_accessed(fp->f_mount, dvp);
	}
	file_leave(fp, locked);
	if (!vnode_isdead(dvp))
		inotify_used(dvp, IN_ACCESS);
	error = gd.gd_done > 0 ? 0 : gd.gd_error;
	*retval = (int)gd.gd_done;
out:
	fd_putfile(l, fp);
	return error;
}

int
sys_getdents64(struct lwp *l, int fd, void *buf, size_t len, ssize_t *retval)
{
	int n = 0, error = sys_getdents(l, fd, buf, len, &n);

	*retval = n;
	return error;
}
