/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Directories whose files are the host's as they are, and all that is below
 * them: who runs there looks names up, and opens files to read them, without
 * asking the kernel, which is told of an open file when it has to know
 * (vfs_adopt).  Some names in the directory are the kernel's all the same: what
 * was changed in its root, and where mounts are.
 *
 * What was said of such a directory holds until the tree changes: tree_count is
 * how often it began to.  As a change counts before it is done, and nothing is
 * said while one is under way, what is said with a number that is still the
 * last one is true.
 */
#include "kern/filedesc.h"
#include "kern/remote.h"
#include "vfs/inotify.h"
#include "vfs/vfs_impl.h"

static _Atomic uint64_t tree_count = 1; /* (a) */
static _Atomic uint32_t tree_changes;	/* (a) under way */

void
vfs_tree_begin(void)
{
	/* Pairs with vfs_hostdir: one of the two sees what the other did. */
	atomic_fetch_add_explicit(&tree_changes, 1, memory_order_seq_cst);
	atomic_fetch_add_explicit(&tree_count, 1, memory_order_seq_cst);
	remote_tree();
}

void
vfs_tree_end(void)
{
	/* Release: the change is seen by who sees that it is over. */
	atomic_fetch_sub_explicit(&tree_changes, 1, memory_order_release);
}

uint64_t
vfs_tree(void)
{
	return atomic_load_explicit(&tree_count, memory_order_seq_cst);
}

int
hostdir_except(struct hostdir *hd, const char *name, size_t len)
{
	if (sizeof(hd->hd_but) - hd->hd_nbut < len + 1)
		return EBUSY;
	memcpy(hd->hd_but + hd->hd_nbut, name, len);
	hd->hd_but[hd->hd_nbut + len] = '\0';
	hd->hd_nbut += (uint32_t)len + 1;
	return 0;
}

struct below {
	struct hostdir *b_hd;
	struct vnode *b_dvp;
};

/*
 * Is what this mount covers below a directory?  Then the name that leads there
 * is not the host's.  If it leads elsewhere by now, the tree has changed.
 */
static int
mount_except(struct mount *mp, void *arg)
{
	const struct below *b = arg;
	struct vnode *vp = mount_covered(mp), *parent;
	const char *name = mp->mnt_name;
	size_t len;

	if (vp == NULL || vp->v_super != b->b_dvp->v_super)
		return 0;
	if (!vnode_isdir(vp)) {
		vp = mp->mnt_dir;
		if (vp == b->b_dvp)
			return hostdir_except(b->b_hd, name, strlen(name));
	}
	while ((parent = vp->v_ops->vop_parent(vp)) != vp) {
		if (parent == b->b_dvp) {
			vp->v_ops->vop_name(vp, &name, &len);
			return hostdir_except(b->b_hd, name, len);
		}
		vp = parent;
	}
	return 0;
}

/* Is it shown as it is, and may the process look names up in it? */
static int
hostdir_check(const struct nameidata *nd)
{
	const struct mount *mp = nd->ni_mount;

	if (!vnode_isdir(nd->ni_vp))
		return ENOTDIR;
	/* The root's mount stays, whether we know of open files in it or not.
	 */
	if (nd->ni_vp->v_ops->vop_hostdir == NULL || mp != nd->ni_rmount ||
	    mp->mnt_idmap != NULL || (mount_flags(mp) & MNT_NOEXEC) != 0)
		return EOPNOTSUPP;
	/* Who watches wants to hear of opens. */
	return inotify_watching() ? EBUSY
				  : vnode_search(mp, nd->ni_vp, nd->ni_cred);
}

int
vfs_hostdir(struct lwp *l, int dirfd, const char *path, struct hostdir *hd)
{
	struct nameidata nd;
	struct below b = {.b_hd = hd};
	int error;

	hd->hd_nbut = 0;
	hd->hd_tree = vfs_tree();
	if (atomic_load_explicit(&tree_changes, memory_order_seq_cst) != 0)
		return EAGAIN;
	namei_init(&nd, l, dirfd, NAMEI_FOLLOW);
	if ((error = namei_setpath(&nd, path)) != 0 ||
	    (error = namei(&nd)) != 0 || (error = hostdir_check(&nd)) != 0 ||
	    (error = nd.ni_vp->v_ops->vop_hostdir(nd.ni_vp, hd)) != 0)
		return error;
	hd->hd_dev = nd.ni_vp->v_super->sb_dev;
	hd->hd_mount = nd.ni_mount->mnt_id;
	hd->hd_isroot = cred_is_fsroot(nd.ni_cred);
	b.b_dvp = nd.ni_vp;
	return mount_foreach(mount_except, &b);
}

int
vfs_adopt(struct lwp *l, uint32_t mount, const char *hostpath, ino_t ino,
    int flags, int *fdp)
{
	struct mount *mp = mount_byid(mount);
	struct super *sb;
	struct vnode *vp;
	int error;

	if (mp == NULL)
		return ESTALE;
	sb = mp->mnt_super;
	error = sb->sb_ops->vfs_hostnode == NULL
		    ? EOPNOTSUPP
		    : sb->sb_ops->vfs_hostnode(sb, hostpath, ino, &vp);
	if (error == 0) {
		/* It was opened when it could be. */
		error = vnode_open_adopted(l, mp, vp, flags, fdp);
		if (error != 0)
			vnode_rele(vp);
	}
	if (error != 0)
		mount_rele(mp);
	return error;
}
