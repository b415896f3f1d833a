/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mapping files: what a program maps is a file of the host that has the data.
 */
#include <sys/mman.h>

#include <rump/rump.h>

#include "hyper/hostfile.h"
#include "kern/entry.h"
#include "kern/filedesc.h"
#include "vfs/memfd.h"
#include "vfs/vfs_impl.h"

/* What mmap(2) checks of a file. */
static int
map_permitted(struct file *fp, int prot, bool write)
{
	struct vnode *vp = fp->f_vnode;

	if (fp->f_type != DTYPE_VNODE)
		return ENODEV;
	if ((prot & PROT_EXEC) != 0 &&
	    (mount_flags(fp->f_mount) & MNT_NOEXEC) != 0)
		return EPERM;
	if (!file_readable(fp) || (write && !file_writable(fp)) ||
	    (write && (vnode_mode(vp) & V_APPEND) != 0))
		return EACCES;
	if (write && vnode_issealed(vp) &&
	    (vnode_mode(vp) &
		seals_vflags(F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) != 0)
		return EPERM;
	if (vnode_type(vp) != S_IFREG || vp->v_ops->vop_hostfile == NULL)
		return ENODEV;
	return 0;
}

int
vfs_mapfd(
    struct lwp *l, int fd, int prot, bool write, int *hostfd, bool *lowerp)
{
	struct vnode *vp;
	struct file *fp;
	int error;

	if ((error = fd_getopen(l, fd, &fp)) != 0)
		return error;
	vp = fp->f_vnode;
	if ((error = map_permitted(fp, prot, write)) == 0)
		error = vp->v_ops->vop_hostfile(vp, write, hostfd);
	if (error == 0) {
		*lowerp = vp->v_ops->vop_islower != NULL &&
			  vp->v_ops->vop_islower(vp);
		vnode_accessed(fp->f_mount, vp);
	}
	fd_putfile(l, fp);
	return error;
}

/* The host's file of one that is only read, and would be copied first. */
static int
lower_file(struct vnode *vp, off_t size)
{
	const struct vnodeops *ops = vp->v_ops;
	int fd;

	if (vnode_type(vp) != S_IFREG || size == 0 ||
	    ops->vop_hostfile == NULL || ops->vop_islower == NULL ||
	    !ops->vop_islower(vp) || ops->vop_hostfile(vp, false, &fd) != 0)
		return HYPER_FILE_NONE;
	return fd;
}

int
vfs_opened(struct lwp *l, int fd, struct stat *sb, int *hostfd)
{
	struct vnode *vp;
	struct file *fp;
	int error;

	if ((error = fd_getopen(l, fd, &fp)) != 0)
		return error;
	vp = fp->f_vnode;
	if (fp->f_type != DTYPE_VNODE || !file_readable(fp) ||
	    file_writable(fp))
		error = ENODEV;
	else if ((error = vnode_stat(fp->f_mount, vp, sb)) == 0)
		*hostfd = lower_file(vp, sb->st_size);
	fd_putfile(l, fp);
	return error;
}

RUMP_EXPORT int
rump_pub_vfs_mapfd(int fd, int prot, int flags, int *hostfd)
{
	struct lwp *l = syscall_enter();
	int type = flags & MAP_TYPE, error;
	bool lower;

	if (l == NULL)
		return syscall_refusal();
	if (type != MAP_SHARED && type != MAP_PRIVATE &&
	    type != MAP_SHARED_VALIDATE)
		error = EINVAL;
	else
		error = vfs_mapfd(l, fd, prot,
		    type != MAP_PRIVATE && (prot & PROT_WRITE) != 0, hostfd,
		    &lower);
	syscall_exit();
	return error;
}
