/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The working and the root directory of a process.
 *
 * A struct cwdinfo is shared by all lwps of a process and by its children
 * until one of them changes something, which makes a new one.  A change is
 * made under p_lock, so that two lwps that change the two directories at the
 * same time both have their way.
 */
#include "sysproto.h"
#include "vfs/vfs_impl.h"

static void
cwdi_smrfree(struct smr_item *si)
{
	struct cwdinfo *cwdi = container_of(si, struct cwdinfo, cwd_smr);

	kmem_free(cwdi, sizeof(*cwdi));
}

static void
cwdi_free(struct kref *kr)
{
	struct cwdinfo *cwdi = container_of(kr, struct cwdinfo, cwd_ref);

	vnode_rele(cwdi->cwd_cdir);
	vnode_rele(cwdi->cwd_rdir);
	smr_retire(&cwdi->cwd_smr, cwdi_smrfree);
}

int
cwdi_new(struct vnode *cdir, struct vnode *rdir, struct cwdinfo **cwdip)
{
	struct cwdinfo *cwdi = kmem_alloc(sizeof(*cwdi));

	if (cwdi == NULL)
		return ENOMEM;
	kref_init(&cwdi->cwd_ref, cwdi_free);
	vnode_hold(cdir);
	vnode_hold(rdir);
	cwdi->cwd_cdir = cdir;
	cwdi->cwd_rdir = rdir;
	*cwdip = cwdi;
	return 0;
}

/*
 * Put cdir or rdir in place, the other is NULL and stays.  ENOENT if the
 * directory is dead.
 */
static int
cwdi_change(struct lwp *l, struct vnode *cdir, struct vnode *rdir)
{
	struct vnode *vp = cdir != NULL ? cdir : rdir;
	struct proc *p = l->l_proc;
	struct cwdinfo *cwdi, *old;
	struct kref *kr = NULL;
	int error;

	if (!vnode_tryhold(vp))
		return ENOENT;
	mutex_enter(&p->p_lock);
	old = proc_cwdi(p);
	error = cwdi_new(cdir != NULL ? cdir : old->cwd_cdir,
	    rdir != NULL ? rdir : old->cwd_rdir, &cwdi);
	if (error == 0)
		kr = proc_setshared_locked(p, PS_CWDI, &cwdi->cwd_ref);
	mutex_exit(&p->p_lock);
	if (kr != NULL)
		kref_rele(kr);
	vnode_rele(vp);
	return error;
}

int
sys_chdir(struct lwp *l, const char *path)
{
	struct nameidata nd;
	int error;

	error = namei_user(
	    &nd, l, AT_FDCWD, path, NAMEI_FOLLOW | NAMEI_DIRECTORY);
	if (error == 0)
		error = vnode_search(nd.ni_vp, nd.ni_cred);
	if (error == 0)
		error = cwdi_change(l, nd.ni_vp, NULL);
	return error;
}

int
sys_fchdir(struct lwp *l, int fd)
{
	struct vnode *vp;
	int error;

	if ((error = fd_vnode(l, fd, ENOTDIR, &vp)) != 0)
		return error;
	if (!vnode_isdir(vp))
		return ENOTDIR;
	if ((error = vnode_search(vp, proc_cred(l->l_proc))) != 0)
		return error;
	return cwdi_change(l, vp, NULL);
}

int
sys_chroot(struct lwp *l, const char *path)
{
	struct nameidata nd;
	int error;

	error = namei_user(
	    &nd, l, AT_FDCWD, path, NAMEI_FOLLOW | NAMEI_DIRECTORY);
	if (error == 0)
		error = vnode_search(nd.ni_vp, nd.ni_cred);
	if (error == 0 && !cred_is_root(nd.ni_cred))
		error = EPERM;
	if (error == 0)
		error = cwdi_change(l, NULL, nd.ni_vp);
	return error;
}

/*
 * Write the path of cwdi's working directory to the end of buf, PATH_MAX
 * bytes; *pathp is where it begins.  ENOENT if it has none.
 */
static int
cwdi_path(const struct cwdinfo *cwdi, char *buf, const char **pathp)
{
	struct vnode *vp = cwdi->cwd_cdir, *parent;
	char *p = buf + PATH_MAX;
	const char *name;
	size_t len;

	if (vnode_isdead(vp))
		return ENOENT;
	*--p = '\0';
	while (vp != cwdi->cwd_rdir) {
		parent = vp->v_ops->vop_parent(vp);
		if (parent == vp)
			return ENOENT;
		vp->v_ops->vop_name(vp, &name, &len);
		if (len + 1 > (size_t)(p - buf))
			return ENAMETOOLONG;
		p -= len;
		memcpy(p, name, len);
		*--p = '/';
		vp = parent;
	}
	if (*p == '\0')
		*--p = '/';
	*pathp = p;
	return 0;
}

int
sys___getcwd(struct lwp *l, char *buf, size_t len, int *retval)
{
	struct cwdinfo *cwdi = proc_cwdi(l->l_proc);
	struct mount *mp = cwdi->cwd_cdir->v_mount;
	char path[PATH_MAX];
	const char *p;
	size_t n;
	int error;

	mutex_enter(&mp->mnt_rename);
	error = cwdi_path(cwdi, path, &p);
	mutex_exit(&mp->mnt_rename);
	if (error != 0)
		return error;
	n = (size_t)(path + PATH_MAX - p);
	if (n > len)
		return ERANGE;
	*retval = (int)n;
	return copyout(p, buf, n);
}
