/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs that are to be executed on the host.
 */
#include <stdio.h>

#include "kern/kref.h"
#include "vfs/vfs_impl.h"

struct exefile {
	struct kref xf_ref;
	struct mount *xf_mount; /* both held */
	struct vnode *xf_vnode; /* and used */
};

static void
exefile_free(struct kref *kr)
{
	struct exefile *xf = container_of(kr, struct exefile, xf_ref);

	vnode_unuse(xf->xf_vnode, -1);
	vnode_rele(xf->xf_vnode);
	mount_rele(xf->xf_mount);
	kmem_free(xf, sizeof(*xf));
}

void
exefile_hold(struct exefile *xf)
{
	kref_hold(&xf->xf_ref);
}

void
exefile_rele(struct exefile *xf)
{
	kref_rele(&xf->xf_ref);
}

int
exefile_name(const struct exefile *xf, const struct cwdinfo *root, char *buf,
    const char **pathp)
{
	return vfs_name(xf->xf_mount, xf->xf_vnode, root, buf, pathp);
}

int
exefile_hostfile(struct exefile *xf, int *hostfdp)
{
	struct vnode *vp = xf->xf_vnode;

	return vp->v_ops->vop_hostfile(vp, false, hostfdp);
}

/* Takes over the reference to the vnode, if it succeeds. */
static int
exefile_make(struct mount *mp, struct vnode *vp, struct exefile **xfp)
{
	struct exefile *xf = kmem_alloc(sizeof(*xf));
	int error = 0;

	if (xf == NULL)
		return ENOMEM;
	if (!mount_tryhold(mp))
		error = ESTALE;
	else if (!vnode_use(vp, -1)) {
		mount_rele(mp);
		error = ETXTBSY;
	}
	if (error != 0) {
		kmem_free(xf, sizeof(*xf));
		return error;
	}
	kref_init(&xf->xf_ref, exefile_free);
	xf->xf_mount = mp;
	xf->xf_vnode = vp;
	*xfp = xf;
	return 0;
}

static int
program_check(struct lwp *l, const struct mount *mp, const struct vnode *vp)
{
	if (vnode_type(vp) == S_IFLNK)
		return ELOOP;
	if (vnode_type(vp) != S_IFREG || (mount_flags(mp) & MNT_NOEXEC) != 0)
		return EACCES;
	return vnode_access(mp, vp, proc_cred(l->l_proc), X_OK);
}

/* A set-group-id bit of a file that its group cannot execute is no such. */
static void
program_ids(const struct mount *mp, const struct vnode *vp, struct program *pg)
{
	uint32_t mode = vnode_mode(vp);

	pg->pg_uid = pg->pg_gid = UINT32_MAX;
	if ((mount_flags(mp) & MNT_NOSUID) != 0 || !mount_hasids(mp, vp))
		return;
	if ((mode & S_ISUID) != 0)
		pg->pg_uid = mount_uid(mp, vnode_uid(vp));
	if ((mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
		pg->pg_gid = mount_gid(mp, vnode_gid(vp));
}

int
vfs_program(
    struct lwp *l, int dirfd, const char *path, bool follow, struct program *pg)
{
	struct nameidata nd;
	struct vnode *vp;
	int error;

	namei_init(&nd, l, dirfd, follow ? NAMEI_FOLLOW : 0);
	if ((error = namei_setpath(&nd, path)) != 0 ||
	    (error = namei(&nd)) != 0)
		return error;
	vp = nd.ni_vp;
	if ((error = program_check(l, nd.ni_mount, vp)) != 0)
		return error;
	program_ids(nd.ni_mount, vp, pg);
	if (vfs_name(nd.ni_mount, vp, proc_cwdi(l->l_proc), pg->pg_buf,
		&pg->pg_path) != 0)
		pg->pg_path = "";
	if (vp->v_ops->vop_hostfile == NULL)
		return EACCES;
	/* It may sleep, and what is only found be gone then. */
	if (!vnode_tryhold(vp))
		return ESTALE;
	if ((error = exefile_make(nd.ni_mount, vp, &pg->pg_exe)) != 0)
		vnode_rele(vp);
	return error;
}
