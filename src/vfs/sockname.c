/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of sockets in file systems: see sockname.h.
 */
#include "vfs/sockname.h"

#include <fcntl.h>

#include "vfs/vfs_impl.h"

int
sockname_make(
    struct lwp *l, const char *path, struct mount **mpp, struct vnode **vpp)
{
	mode_t mask =
	    atomic_load_explicit(&l->l_proc->p_umask, memory_order_relaxed);
	/* Also where a default access list is. */
	struct vattr va = {.va_mode = S_IFSOCK | (0777 & ~mask), .va_count = 1};
	struct nameidata nd;
	int error;

	namei_init(&nd, l, AT_FDCWD, 0);
	if ((error = namei_setpath(&nd, path)) != 0 ||
	    (error = namei_parent(&nd)) != 0)
		return error;
	if (nd.ni_last != LAST_NORM)
		return EEXIST;
	if (!mount_tryhold(nd.ni_dmount))
		return ENOENT;
	*mpp = nd.ni_dmount;
	if ((error = vnode_create(&nd, &va, vpp)) != 0)
		mount_rele(*mpp);
	return error;
}

void
sockname_unmake(struct lwp *l, const char *path, const struct vnode *vp)
{
	struct nameidata nd;

	namei_init(&nd, l, AT_FDCWD, 0);
	if (namei_setpath(&nd, path) != 0 || namei(&nd) != 0 ||
	    nd.ni_vp != vp || namei_parent(&nd) != 0 || nd.ni_last != LAST_NORM)
		return;
	(void)vnode_remove(&nd, false);
}

int
sockname_find(struct lwp *l, const char *path, struct vnode **vpp)
{
	struct nameidata nd;
	int error;

	namei_init(&nd, l, AT_FDCWD, NAMEI_FOLLOW);
	if ((error = namei_setpath(&nd, path)) != 0 ||
	    (error = namei(&nd)) != 0 ||
	    (error = vnode_access(nd.ni_mount, nd.ni_vp, nd.ni_cred, W_OK)) !=
		0)
		return error;
	*vpp = nd.ni_vp;
	return S_ISSOCK(vnode_mode(nd.ni_vp)) ? 0 : ECONNREFUSED;
}
