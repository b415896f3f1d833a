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
#include "vfs/textfile.h"
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
	mount_rele(cwdi->cwd_cmount);
	vnode_rele(cwdi->cwd_rdir);
	mount_rele(cwdi->cwd_rmount);
	smr_retire(&cwdi->cwd_smr, cwdi_smrfree);
}

int
cwdi_new(struct mount *cmount, struct vnode *cdir, struct mount *rmount,
    struct vnode *rdir, struct cwdinfo **cwdip)
{
	struct cwdinfo *cwdi = kmem_alloc(sizeof(*cwdi));

	if (cwdi == NULL)
		return ENOMEM;
	kref_init(&cwdi->cwd_ref, cwdi_free);
	mount_hold(cmount);
	vnode_hold(cdir);
	mount_hold(rmount);
	vnode_hold(rdir);
	cwdi->cwd_cmount = cmount;
	cwdi->cwd_cdir = cdir;
	cwdi->cwd_rmount = rmount;
	cwdi->cwd_rdir = rdir;
	*cwdip = cwdi;
	return 0;
}

/*
 * Put a new one in the place of `old', which may have been replaced meanwhile:
 * false.  References to mounts are not made with p_lock held (locking.md).
 */
static bool
cwdi_replace(struct proc *p, const struct cwdinfo *old, struct cwdinfo *cwdi)
{
	struct kref *kr = NULL;

	mutex_enter(&p->p_lock);
	if (proc_cwdi(p) == old)
		kr = proc_setshared_locked(p, PS_CWDI, &cwdi->cwd_ref);
	mutex_exit(&p->p_lock);
	kref_rele(kr != NULL ? kr : &cwdi->cwd_ref);
	return kr != NULL;
}

/*
 * Make vp, seen through mp, the working or the root directory; the other
 * stays.  ENOENT if it is dead.
 */
static int
cwdi_change(struct lwp *l, struct mount *mp, struct vnode *vp, bool isroot)
{
	struct proc *p = l->l_proc;
	struct cwdinfo *cwdi, *old;
	bool done = false;
	int error = 0;

	if (!vnode_tryhold(vp))
		return ENOENT;
	if (!mount_tryhold(mp)) {
		vnode_rele(vp);
		return ENOENT;
	}
	while (!done && error == 0) {
		old = proc_cwdi(p);
		/* Its directories are held as long as it is. */
		if (!kref_tryhold(&old->cwd_ref))
			continue;
		if (isroot)
			error = cwdi_new(
			    old->cwd_cmount, old->cwd_cdir, mp, vp, &cwdi);
		else
			error = cwdi_new(
			    mp, vp, old->cwd_rmount, old->cwd_rdir, &cwdi);
		if (error == 0)
			done = cwdi_replace(p, old, cwdi);
		kref_rele(&old->cwd_ref);
	}
	vnode_rele(vp);
	mount_rele(mp);
	return error;
}

/* May the caller make this its working or root directory? */
static int
chdir_check(struct lwp *l, const struct mount *mp, const struct vnode *vp)
{
	if (!vnode_isdir(vp))
		return ENOTDIR;
	return vnode_search(mp, vp, proc_cred(l->l_proc));
}

int
sys_chdir(struct lwp *l, const char *path)
{
	struct nameidata nd;
	int error;

	error =
	    namei_user(&nd, l, AT_FDCWD, path, NAMEI_FOLLOW | NAMEI_DIRECTORY);
	if (error == 0)
		error = chdir_check(l, nd.ni_mount, nd.ni_vp);
	if (error == 0)
		error = cwdi_change(l, nd.ni_mount, nd.ni_vp, false);
	return error;
}

int
sys_fchdir(struct lwp *l, int fd)
{
	struct mount *mp;
	struct vnode *vp;
	int error;

	if ((error = fd_vnode(l, fd, ENOTDIR, &mp, &vp)) == 0 &&
	    (error = chdir_check(l, mp, vp)) == 0)
		error = cwdi_change(l, mp, vp, false);
	return error;
}

int
sys_chroot(struct lwp *l, const char *path)
{
	struct nameidata nd;
	int error;

	error =
	    namei_user(&nd, l, AT_FDCWD, path, NAMEI_FOLLOW | NAMEI_DIRECTORY);
	if (error == 0)
		error = chdir_check(l, nd.ni_mount, nd.ni_vp);
	if (error == 0 && !cred_is_root(nd.ni_cred))
		error = EPERM;
	if (error == 0)
		error = cwdi_change(l, nd.ni_mount, nd.ni_vp, true);
	return error;
}

int
sys_fchroot(struct lwp *l, int fd)
{
	struct mount *mp;
	struct vnode *vp;
	int error;

	if ((error = fd_vnode(l, fd, ENOTDIR, &mp, &vp)) == 0 &&
	    (error = chdir_check(l, mp, vp)) == 0 &&
	    !cred_is_root(proc_cred(l->l_proc)))
		error = EPERM;
	if (error == 0)
		error = cwdi_change(l, mp, vp, true);
	return error;
}

/* Write "/name" in front of *pp, down to buf. */
static int
path_name(const char *name, size_t len, const char *buf, char **pp)
{
	if (len + 1 > (size_t)(*pp - buf))
		return ENAMETOOLONG;
	*pp -= len;
	memcpy(*pp, name, len);
	*--*pp = '/';
	return 0;
}

/*
 * Write the names from vp up to `top', or to mp's root, in front of *pp, down
 * to buf; *vpp is where that ended.
 */
static int
path_within(struct mount *mp, struct vnode *vp, const struct vnode *top,
    char *buf, char **pp, struct vnode **vpp)
{
	struct vnode *parent;
	const char *name;
	size_t len;
	int error = 0;

	mutex_enter(mp->mnt_super->sb_rename);
	while (vp != top && vp != mp->mnt_root) {
		parent = vp->v_ops->vop_parent(vp);
		if (parent == vp || vnode_isdead(vp)) {
			error = ENOENT;
			break;
		}
		vp->v_ops->vop_name(vp, &name, &len);
		if ((error = path_name(name, len, buf, pp)) != 0)
			break;
		vp = parent;
	}
	mutex_exit(mp->mnt_super->sb_rename);
	*vpp = vp;
	return error;
}

/*
 * From the root of *mpp to what it is mounted on: a directory, or the root of
 * another mount.  For any other file its name is written.
 */
static int
path_leave(struct mount **mpp, struct vnode **vpp, char *buf, char **pp)
{
	struct mount *mp = *mpp;

	*vpp = mount_covered(mp);
	*mpp = mount_parent(mp);
	if (*vpp == NULL || *mpp == NULL)
		return ENOENT;
	if (vnode_isdir(*vpp) || *vpp == (*mpp)->mnt_root)
		return 0;
	if ((*vpp = mp->mnt_dir) == NULL)
		return ENOENT;
	return path_name(mp->mnt_name, strlen(mp->mnt_name), buf, pp);
}

int
vfs_path(struct mount *mp, struct vnode *vp, const struct cwdinfo *root,
    char *buf, const char **pathp)
{
	char *p = buf + PATH_MAX;
	int error;

	*--p = '\0';
	for (;;) {
		error = path_within(mp, vp,
		    mp == root->cwd_rmount ? root->cwd_rdir : NULL, buf, &p,
		    &vp);
		if (error != 0)
			return error;
		if (mp == root->cwd_rmount && vp == root->cwd_rdir)
			break;
		if ((error = path_leave(&mp, &vp, buf, &p)) != 0)
			return error;
	}
	if (*p == '\0')
		*--p = '/';
	*pathp = p;
	return 0;
}

/* A file by its number, for want of a name. */
static void
describe_number(struct mount *mp, struct vnode *vp, const struct cwdinfo *root,
    struct text *t)
{
	char buf[PATH_MAX];
	const char *path;
	struct stat sb;

	if (vfs_path(mp, mp->mnt_root, root, buf, &path) != 0 ||
	    vnode_stat(mp, vp, &sb) != 0) {
		text_printf(t, "(unreachable)");
		return;
	}
	if (path[1] != '\0')
		text_put(t, path, strlen(path));
	text_printf(t, "/#%ju%s", (uintmax_t)sb.st_ino,
	    sb.st_nlink == 0 || vnode_isdead(vp) ? " (deleted)" : "");
}

/*
 * The directory and name by which a file is known; a directory or a root is
 * known by itself.  ENOENT: by none any more.
 */
static int
vnode_place(struct mount *mp, struct vnode *vp, struct vnode **dvpp,
    const char **namep, size_t *lenp)
{
	int error = 0;

	*dvpp = vp;
	*namep = NULL;
	*lenp = 0;
	if (!vnode_isdir(vp) && vp != mp->mnt_root)
		error = vp->v_ops->vop_aname == NULL
			    ? ENOENT
			    : vp->v_ops->vop_aname(vp, dvpp, namep, lenp);
	return error == 0 && vnode_isdead(*dvpp) ? ENOENT : error;
}

void
vfs_describe(struct mount *mp, struct vnode *vp, const struct cwdinfo *root,
    struct text *t)
{
	struct vnode *dvp;
	char buf[PATH_MAX];
	const char *path, *name;
	size_t len;

	if (vnode_place(mp, vp, &dvp, &name, &len) != 0) {
		describe_number(mp, vp, root, t);
		return;
	}
	if (vfs_path(mp, dvp, root, buf, &path) != 0) {
		text_printf(t, "(unreachable)");
		return;
	}
	if (name == NULL || path[1] != '\0')
		text_put(t, path, strlen(path));
	if (name != NULL) {
		text_put(t, "/", 1);
		text_put(t, name, len);
	}
}

/* With the name of a file at the end of the path of its directory. */
static int
path_append(char *buf, const char **pathp, const char *name, size_t len)
{
	size_t n = strlen(*pathp);

	if (n == 1)
		n = 0;
	if (n + len + 2 > PATH_MAX)
		return ENAMETOOLONG;
	memmove(buf, *pathp, n);
	buf[n] = '/';
	memcpy(buf + n + 1, name, len);
	buf[n + 1 + len] = '\0';
	*pathp = buf;
	return 0;
}

int
vfs_name(struct mount *mp, struct vnode *vp, const struct cwdinfo *root,
    char *buf, const char **pathp)
{
	const char *name;
	struct vnode *dvp;
	size_t len;
	int error = vnode_place(mp, vp, &dvp, &name, &len);

	if (error == 0)
		error = vfs_path(mp, dvp, root, buf, pathp);
	if (error == 0 && name != NULL)
		error = path_append(buf, pathp, name, len);
	return error;
}

int
vfs_fdpath(struct lwp *l, int fd, char *buf, const char **pathp)
{
	struct file *fp;
	int error;

	if ((error = fd_getfile(l, fd, &fp)) != 0)
		return error;
	error = fp->f_vnode == NULL ? ENOENT
				    : vfs_name(fp->f_mount, fp->f_vnode,
					  proc_cwdi(l->l_proc), buf, pathp);
	fd_putfile(l, fp);
	return error;
}

int
sys___getcwd(struct lwp *l, char *buf, size_t len, int *retval)
{
	const struct cwdinfo *cwdi = proc_cwdi(l->l_proc);
	char path[PATH_MAX];
	const char *p;
	size_t n;
	int error;

	if (vnode_isdead(cwdi->cwd_cdir))
		return ENOENT;
	error = vfs_path(cwdi->cwd_cmount, cwdi->cwd_cdir, cwdi, path, &p);
	if (error != 0)
		return error;
	n = (size_t)(path + PATH_MAX - p);
	if (n > len)
		return ERANGE;
	*retval = (int)n;
	return copyout(p, buf, n);
}
