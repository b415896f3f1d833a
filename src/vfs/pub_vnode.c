/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * <rump/rump_vfs.h>: finding files and using them without descriptors.
 *
 * What the program holds as a struct vnode is a struct pub_vnode: a counted
 * reference to a vnode and to the mount that it was found through.
 */
#include <rump/rump.h>

#include "kern/entry.h"
#include "vfs/pub_vfs.h"

struct componentname {
	struct cred *cn_cred; /* or NULL; the program's until it is freed */
	uint32_t cn_namelen;
	char cn_namebuf[]; /* with zeros for cname_init */
};

int
pub_vnode_make(struct mount *mp, struct vnode *vp, struct vnode **pubp)
{
	struct pub_vnode *pv = kmem_alloc(sizeof(*pv));

	if (pv == NULL)
		return ENOMEM;
	if (!vnode_tryhold(vp)) {
		kmem_free(pv, sizeof(*pv));
		return ENOENT;
	}
	if (!mount_tryhold(mp)) {
		vnode_rele(vp);
		kmem_free(pv, sizeof(*pv));
		return ENOENT;
	}
	atomic_init(&pv->pv_refs, 1);
	pv->pv_mount = mp;
	pv->pv_vnode = vp;
	*pubp = (struct vnode *)pv;
	return 0;
}

static void
pub_vnode_rele(struct pub_vnode *pv)
{
	if (atomic_fetch_sub_explicit(&pv->pv_refs, 1, memory_order_acq_rel) >
	    1)
		return;
	vnode_rele(pv->pv_vnode);
	mount_rele(pv->pv_mount);
	kmem_free(pv, sizeof(*pv));
}

RUMP_EXPORT void
rump_pub_vp_incref(struct vnode *vp)
{
	atomic_fetch_add_explicit(
	    &pub_vnode(vp)->pv_refs, 1, memory_order_relaxed);
}

RUMP_EXPORT int
rump_pub_vp_getref(struct vnode *vp)
{
	rump_pub_vp_incref(vp);
	return 0;
}

RUMP_EXPORT void
rump_pub_vp_rele(struct vnode *vp)
{
	if (syscall_enter() == NULL)
		return;
	pub_vnode_rele(pub_vnode(vp));
	syscall_exit();
}

RUMP_EXPORT void
rump_pub_vp_interlock(struct vnode *vp)
{
	(void)vp;
}

/*
 * Names
 */

static size_t
componentname_bytes(size_t namelen)
{
	return sizeof(struct componentname) + namelen;
}

static struct componentname *
componentname_alloc(const char *name, size_t namelen, struct cred *cr)
{
	struct componentname *cnp;

	if (namelen == 0 || namelen > NAME_MAX ||
	    memchr(name, '/', namelen) != NULL ||
	    memchr(name, '\0', namelen) != NULL)
		return NULL;
	if ((cnp = kmem_alloc(componentname_bytes(namelen))) == NULL)
		return NULL;
	cnp->cn_cred = cr;
	cnp->cn_namelen = (uint32_t)namelen;
	memcpy(cnp->cn_namebuf, name, namelen);
	return cnp;
}

RUMP_EXPORT struct componentname *
rump_pub_makecn(unsigned long nameiop, unsigned long flags, const char *name,
    size_t namelen, struct cred *cred, struct lwp *l)
{
	struct componentname *cnp;

	(void)nameiop, (void)flags, (void)l;
	if (syscall_enter() == NULL)
		return NULL;
	cnp = componentname_alloc(name, namelen, cred);
	syscall_exit();
	return cnp;
}

RUMP_EXPORT void
rump_pub_freecn(struct componentname *cnp, int flags)
{
	if (syscall_enter() == NULL)
		return;
	if ((flags & RUMPCN_FREECRED) != 0 && cnp->cn_cred != NULL)
		cred_rele(cnp->cn_cred);
	kmem_free(cnp, componentname_bytes(cnp->cn_namelen));
	syscall_exit();
}

/* Where the walk of a path would be, had it come to dvp and this name. */
static void
componentname_nameidata(struct nameidata *nd, struct lwp *l, struct vnode *dvp,
    const struct componentname *cnp)
{
	namei_init(nd, l, AT_FDCWD, 0);
	if (cnp->cn_cred != NULL)
		nd->ni_cred = cnp->cn_cred;
	nd->ni_renames = vfs_renames_ended();
	nd->ni_flags = 0;
	nd->ni_slash = false;
	nd->ni_dmount = pub_vnode(dvp)->pv_mount;
	nd->ni_dvp = pub_vnode(dvp)->pv_vnode;
	cname_init(&nd->ni_cn, cnp->cn_namebuf, cnp->cn_namelen);
	nd->ni_last = cname_kind(&nd->ni_cn);
}

/*
 * Paths
 */

struct pub_namei {
	uint32_t pn_op;
	bool pn_follow;
	struct vnode **pn_dvpp, **pn_vpp; /* or NULL */
	struct componentname **pn_cnpp;	  /* or NULL */
};

/* The walk itself; *foundp: there is such a file. */
static int
pub_namei_walk(const struct pub_namei *pn, struct nameidata *nd, bool *foundp)
{
	const char *link;
	int error;

	*foundp = true;
	if ((error = namei_parent(nd)) != 0)
		return error;
	do {
		error = namei_step(nd, pn->pn_follow || nd->ni_slash, &link);
		if (error == ENOENT && pn->pn_op == RUMP_NAMEI_CREATE &&
		    nd->ni_last == LAST_NORM && !vnode_isdead(nd->ni_dvp)) {
			*foundp = false;
			return 0;
		}
		if (error == 0 && link != NULL)
			error = namei_continue(nd, link);
	} while (error == 0 && link != NULL);
	if (error == 0 && nd->ni_slash && !vnode_isdir(nd->ni_vp))
		error = ENOTDIR;
	return error;
}

/* Give out what was found: all of it or nothing. */
static int
pub_namei_give(const struct pub_namei *pn, struct nameidata *nd, bool found)
{
	struct vnode *dvp = NULL, *vp = NULL;
	struct componentname *cnp = NULL;
	int error = 0;

	if (pn->pn_dvpp != NULL)
		error = pub_vnode_make(nd->ni_dmount, nd->ni_dvp, &dvp);
	if (error == 0 && pn->pn_vpp != NULL && found)
		error = pub_vnode_make(nd->ni_mount, nd->ni_vp, &vp);
	if (error == 0 && pn->pn_cnpp != NULL) {
		cnp = componentname_alloc(
		    nd->ni_cn.cn_name, nd->ni_cn.cn_len, NULL);
		error = cnp == NULL ? ENOMEM : 0;
	}
	if (error != 0) {
		if (dvp != NULL)
			pub_vnode_rele(pub_vnode(dvp));
		if (vp != NULL)
			pub_vnode_rele(pub_vnode(vp));
		return error;
	}
	if (pn->pn_dvpp != NULL)
		*pn->pn_dvpp = dvp;
	if (pn->pn_vpp != NULL)
		*pn->pn_vpp = vp;
	if (pn->pn_cnpp != NULL)
		*pn->pn_cnpp = cnp;
	return 0;
}

static int
pub_namei(struct lwp *l, const struct pub_namei *pn, const char *path)
{
	struct nameidata nd;
	bool found;
	int error;

	namei_init(&nd, l, AT_FDCWD, 0);
	if ((error = namei_copyin(&nd, path)) != 0 ||
	    (error = pub_namei_walk(pn, &nd, &found)) != 0)
		return error;
	if (nd.ni_last != LAST_NORM &&
	    (pn->pn_dvpp != NULL || pn->pn_cnpp != NULL))
		return EINVAL;
	return pub_namei_give(pn, &nd, found);
}

RUMP_EXPORT int
rump_pub_namei(uint32_t op, uint32_t flags, const char *path,
    struct vnode **dvpp, struct vnode **vpp, struct componentname **cnpp)
{
	const uint32_t known =
	    RUMP_NAMEI_FOLLOW | RUMP_NAMEI_LOCKLEAF | RUMP_NAMEI_LOCKPARENT;
	struct pub_namei pn = {
	    .pn_op = op,
	    .pn_follow = (flags & RUMP_NAMEI_FOLLOW) != 0,
	    .pn_dvpp = dvpp,
	    .pn_vpp = vpp,
	    .pn_cnpp = cnpp,
	};
	struct lwp *l;
	int error;

	if (op > RUMP_NAMEI_RENAME || (flags & ~known) != 0)
		return EINVAL;
	if ((l = syscall_enter()) == NULL)
		return syscall_refusal();
	error = pub_namei(l, &pn, path);
	syscall_exit();
	return error;
}

/*
 * Attributes
 */

RUMP_EXPORT struct vattr *
rump_pub_vattr_init(void)
{
	struct vattr *va;

	if (syscall_enter() == NULL)
		return NULL;
	if ((va = kmem_zalloc(sizeof(*va))) != NULL)
		va->va_mode = S_IFREG;
	syscall_exit();
	return va;
}

static const mode_t vtype_mode[] = {
    [RUMP_VNON] = 0,
    [RUMP_VREG] = S_IFREG,
    [RUMP_VDIR] = S_IFDIR,
    [RUMP_VBLK] = S_IFBLK,
    [RUMP_VCHR] = S_IFCHR,
    [RUMP_VLNK] = S_IFLNK,
    [RUMP_VSOCK] = S_IFSOCK,
    [RUMP_VFIFO] = S_IFIFO,
    [RUMP_VBAD] = 0,
};

RUMP_EXPORT void
rump_pub_vattr_settype(struct vattr *va, enum rump_vtype type)
{
	va->va_mode =
	    (va->va_mode & 07777) |
	    ((unsigned)type < nitems(vtype_mode) ? vtype_mode[type] : 0);
}

RUMP_EXPORT void
rump_pub_vattr_setmode(struct vattr *va, mode_t mode)
{
	va->va_mode = (va->va_mode & S_IFMT) | (mode & 07777);
}

RUMP_EXPORT void
rump_pub_vattr_setrdev(struct vattr *va, dev_t rdev)
{
	va->va_rdev = rdev;
}

RUMP_EXPORT void
rump_pub_vattr_free(struct vattr *va)
{
	if (syscall_enter() == NULL)
		return;
	kmem_free(va, sizeof(*va));
	syscall_exit();
}

static enum rump_vtype
mode_vtype(uint32_t mode)
{
	size_t i;

	for (i = 0; i < nitems(vtype_mode); i++)
		if (vtype_mode[i] == (mode & S_IFMT))
			return (enum rump_vtype)i;
	return RUMP_VBAD;
}

RUMP_EXPORT int
rump_pub_getvninfo(
    struct vnode *vp, enum rump_vtype *type, off_t *size, dev_t *rdev)
{
	struct pub_vnode *pv = pub_vnode(vp);
	struct stat sb;
	int error;

	if (syscall_enter() == NULL)
		return syscall_refusal();
	error = vnode_stat(pv->pv_mount, pv->pv_vnode, &sb);
	syscall_exit();
	if (error != 0)
		return error;
	*type = mode_vtype(sb.st_mode);
	*size = sb.st_size;
	*rdev = sb.st_rdev;
	return 0;
}

/*
 * Operations
 */

/* Give out the vnode that was made or found, with the reference to it. */
static int
pub_vop_give(struct mount *mp, struct vnode *vp, struct vnode **vpp)
{
	int error = pub_vnode_make(mp, vp, vpp);

	vnode_rele(vp);
	return error;
}

static int
pub_lookup(struct lwp *l, struct vnode *dvp, struct vnode **vpp,
    struct componentname *cnp)
{
	struct nameidata nd;
	const char *link;
	int error;

	componentname_nameidata(&nd, l, dvp, cnp);
	nd.ni_rmount = proc_cwdi(l->l_proc)->cwd_rmount;
	nd.ni_root = proc_cwdi(l->l_proc)->cwd_rdir;
	if (!vnode_isdir(nd.ni_dvp))
		return ENOTDIR;
	if ((error = vnode_search(nd.ni_dmount, nd.ni_dvp, nd.ni_cred)) != 0 ||
	    (error = namei_step(&nd, false, &link)) != 0)
		return error;
	return pub_vnode_make(nd.ni_mount, nd.ni_vp, vpp);
}

RUMP_EXPORT int
rump_pub_vop_lookup(
    struct vnode *dvp, struct vnode **vpp, struct componentname *cnp)
{
	struct lwp *l = syscall_enter();
	int error;

	if (l == NULL)
		return syscall_refusal();
	error = pub_lookup(l, dvp, vpp, cnp);
	syscall_exit();
	return error;
}

static int
pub_create(struct vnode *dvp, struct vnode **vpp, struct componentname *cnp,
    struct vattr *va)
{
	struct lwp *l = syscall_enter();
	struct nameidata nd;
	struct vnode *vp;
	int error;

	if (l == NULL)
		return syscall_refusal();
	componentname_nameidata(&nd, l, dvp, cnp);
	if (!vnode_isdir(nd.ni_dvp))
		error = ENOTDIR;
	else if (nd.ni_last != LAST_NORM)
		error = EEXIST;
	else if ((error = vnode_create(&nd, va, &vp)) == 0)
		error = pub_vop_give(nd.ni_dmount, vp, vpp);
	syscall_exit();
	return error;
}

RUMP_EXPORT int
rump_pub_vop_create(struct vnode *dvp, struct vnode **vpp,
    struct componentname *cnp, struct vattr *vap)
{
	struct vattr va = {.va_mode = vap->va_mode & (S_IFMT | 07777),
	    .va_rdev = vap->va_rdev,
	    .va_count = 1};

	if ((va.va_mode & S_IFMT) == 0 || S_ISLNK(va.va_mode))
		return EINVAL;
	return pub_create(dvp, vpp, cnp, &va);
}

RUMP_EXPORT int
rump_pub_vop_symlink(struct vnode *dvp, struct vnode **vpp,
    struct componentname *cnp, const char *target)
{
	struct vattr va = {
	    .va_mode = S_IFLNK | 0777, .va_target = target, .va_count = 1};

	va.va_targetlen = strlen(target);
	if (va.va_targetlen == 0)
		return ENOENT;
	if (va.va_targetlen >= PATH_MAX)
		return ENAMETOOLONG;
	return pub_create(dvp, vpp, cnp, &va);
}

static int
pub_remove(struct vnode *dvp, struct componentname *cnp, bool isdir)
{
	struct lwp *l = syscall_enter();
	struct nameidata nd;
	int error;

	if (l == NULL)
		return syscall_refusal();
	componentname_nameidata(&nd, l, dvp, cnp);
	error = vnode_isdir(nd.ni_dvp) ? vnode_remove(&nd, isdir) : ENOTDIR;
	syscall_exit();
	return error;
}

RUMP_EXPORT int
rump_pub_vop_remove(struct vnode *dvp, struct componentname *cnp)
{
	return pub_remove(dvp, cnp, false);
}

RUMP_EXPORT int
rump_pub_vop_rmdir(struct vnode *dvp, struct componentname *cnp)
{
	return pub_remove(dvp, cnp, true);
}

static int
pub_transfer(struct lwp *l, const struct pub_vnode *pv, struct uio *uio,
    const struct cred *cr, enum uio_rw rw)
{
	struct vnode *vp = pv->pv_vnode;
	struct vwrite vw = vwrite_of(l, pv->pv_mount);
	int error;

	if (uio->uio_rw != rw || uio->uio_offset < 0)
		return EINVAL;
	if (!S_ISREG(vnode_mode(vp)))
		return vnode_isdir(vp) ? EISDIR : EINVAL;
	if (cr == NULL)
		cr = vw.vw_cred;
	error =
	    vnode_access(pv->pv_mount, vp, cr, rw == UIO_READ ? R_OK : W_OK);
	if (error != 0)
		return error;
	if (rw == UIO_READ) {
		error = vp->v_ops->vop_read(vp, &uio->uio_offset, uio);
		vnode_accessed(pv->pv_mount, vp);
		return error;
	}
	if ((error = mount_writable(pv->pv_mount)) != 0 || uio->uio_resid == 0)
		return error;
	vw.vw_cred = cr;
	vw.vw_append = (vnode_mode(vp) & V_APPEND) != 0;
	return vp->v_ops->vop_write(vp, &uio->uio_offset, uio, &vw);
}

static int
pub_rw(struct vnode *vp, struct uio *uio, struct cred *cr, enum uio_rw rw)
{
	struct lwp *l = syscall_enter();
	int error;

	if (l == NULL)
		return syscall_refusal();
	error = pub_transfer(l, pub_vnode(vp), uio, cr, rw);
	syscall_exit();
	return error;
}

RUMP_EXPORT int
rump_pub_vop_read(struct vnode *vp, struct uio *uio, struct cred *cred)
{
	return pub_rw(vp, uio, cred, UIO_READ);
}

RUMP_EXPORT int
rump_pub_vop_write(struct vnode *vp, struct uio *uio, struct cred *cred)
{
	return pub_rw(vp, uio, cred, UIO_WRITE);
}
