/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Flags of files: chflags of the BSDs, and FS_IOC_SETFLAGS of Linux.
 *
 * What both have is kept in v_mode: that a file cannot be changed, that it can
 * only be appended to, and that backups leave it out.
 */
#include <linux/fs.h>

#include "sysproto.h"
#include "vfs/inotify.h"

#define UF_KNOWN                                               \
	(RUMP_UF_NODUMP | RUMP_UF_IMMUTABLE | RUMP_UF_APPEND | \
	    RUMP_SF_IMMUTABLE | RUMP_SF_APPEND)

#define FS_KNOWN (FS_NODUMP_FL | FS_IMMUTABLE_FL | FS_APPEND_FL)

/*
 * Set V_FILEFLAGS to `flags'; `known': nothing else was asked for.  The
 * owner's business, and root's if it is about more than backups.
 */
static int
vnode_chflags(struct lwp *l, const struct mount *mp, struct vnode *vp,
    uint32_t flags, bool known)
{
	struct cred *cr = proc_cred(l->l_proc);
	struct vattr va = {.va_mask = VA_FLAGS, .va_flags = flags};
	int error;

	if ((error = mount_writable(mp)) != 0)
		return error;
	if (vp->v_ops->vop_setattr == NULL)
		return EOPNOTSUPP;
	rw_enter_write(&vp->v_lock);
	if ((error = vnode_owner(mp, vp, cr)) == 0) {
		if (((flags ^ vnode_mode(vp)) & (V_IMMUTABLE | V_APPEND)) !=
			0 &&
		    !cred_is_root(cr))
			error = EPERM;
		else if (!known)
			error = EOPNOTSUPP;
		else
			error = vp->v_ops->vop_setattr(vp, &va);
	}
	rw_exit_write(&vp->v_lock);
	if (error == 0)
		inotify_changed(vp, IN_ATTRIB);
	return error;
}

/* Only these have flags. */
static bool
vnode_hasflags(const struct vnode *vp)
{
	return S_ISREG(vnode_mode(vp)) || vnode_isdir(vp);
}

int
vnode_ioctl_flags(struct lwp *l, const struct mount *mp, struct vnode *vp,
    unsigned long cmd, void *data)
{
	uint32_t mode = vnode_mode(vp);
	int flags, error;

	if (!vnode_hasflags(vp))
		return ENOTTY;
	if (cmd == FS_IOC_GETFLAGS) {
		flags = ((mode & V_IMMUTABLE) != 0 ? FS_IMMUTABLE_FL : 0) |
			((mode & V_APPEND) != 0 ? FS_APPEND_FL : 0) |
			((mode & V_NODUMP) != 0 ? FS_NODUMP_FL : 0);
		return copyout(&flags, data, sizeof(flags));
	}
	if ((error = copyin(data, &flags, sizeof(flags))) != 0)
		return error;
	return vnode_chflags(l, mp, vp,
	    ((flags & FS_IMMUTABLE_FL) != 0 ? V_IMMUTABLE : 0) |
		((flags & FS_APPEND_FL) != 0 ? V_APPEND : 0) |
		((flags & FS_NODUMP_FL) != 0 ? V_NODUMP : 0),
	    (flags & ~FS_KNOWN) == 0);
}

static int
do_chflags(struct lwp *l, const struct mount *mp, struct vnode *vp,
    unsigned long flags)
{
	const unsigned long immutable = RUMP_UF_IMMUTABLE | RUMP_SF_IMMUTABLE;
	const unsigned long append = RUMP_UF_APPEND | RUMP_SF_APPEND;

	if (!vnode_hasflags(vp))
		return EOPNOTSUPP;
	return vnode_chflags(l, mp, vp,
	    ((flags & immutable) != 0 ? V_IMMUTABLE : 0) |
		((flags & append) != 0 ? V_APPEND : 0) |
		((flags & RUMP_UF_NODUMP) != 0 ? V_NODUMP : 0),
	    (flags & ~(unsigned long)UF_KNOWN) == 0);
}

static int
chflags_path(
    struct lwp *l, const char *path, unsigned long flags, unsigned wanted)
{
	struct nameidata nd;
	int error = namei_user(&nd, l, AT_FDCWD, path, wanted);

	return error != 0 ? error : do_chflags(l, nd.ni_mount, nd.ni_vp, flags);
}

int
sys_chflags(struct lwp *l, const char *path, unsigned long flags)
{
	return chflags_path(l, path, flags, NAMEI_FOLLOW);
}

int
sys_lchflags(struct lwp *l, const char *path, unsigned long flags)
{
	return chflags_path(l, path, flags, 0);
}

int
sys_fchflags(struct lwp *l, int fd, unsigned long flags)
{
	struct mount *mp;
	struct vnode *vp;
	int error = fd_vnode_open(l, fd, EINVAL, &mp, &vp);

	return error != 0 ? error : do_chflags(l, mp, vp, flags);
}
