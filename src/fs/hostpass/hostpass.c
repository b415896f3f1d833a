/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hostpass: a part of the tree that is not here but on the host.  There is
 * nothing in it: a walk that comes to it ends with EREMOTE, and whoever runs
 * programs on this kernel asks where it is (vfs_hostpath) and makes the call on
 * the host.  Its data is the host's path, "path=/proc" or nothing but that.
 */
#include "vfs/mountopt.h"
#include "vfs/vfs_impl.h"

struct hostpass {
	struct super hp_super;
	struct smr_item hp_smr;
	struct vnode hp_root;
};

static struct hostpass *
vp_to_hostpass(struct vnode *vp)
{
	return container_of(vp, struct hostpass, hp_root);
}

/* Walks end before this; what else may come here finds nothing. */
static int
hostpass_lookup(struct vnode *dvp, const struct cname *cn, struct vnode **vpp)
{
	(void)dvp, (void)cn, (void)vpp;
	return EREMOTE;
}

static struct vnode *
hostpass_parent(struct vnode *dvp)
{
	return dvp;
}

static int
hostpass_readdir(struct vnode *dvp, off_t *pos, readdir_fn fn, void *arg)
{
	(void)dvp, (void)pos, (void)fn, (void)arg;
	return EREMOTE;
}

static int
hostpass_getattr(struct vnode *vp, struct stat *sb)
{
	sb->st_mode = vnode_mode(vp) & (S_IFMT | 07777);
	sb->st_nlink = 1;
	sb->st_ino = 1;
	return 0;
}

static void
hostpass_smrfree(struct smr_item *si)
{
	kmem_free(
	    container_of(si, struct hostpass, hp_smr), sizeof(struct hostpass));
}

static struct vnode *
hostpass_reclaim(struct vnode *vp)
{
	smr_retire(&vp_to_hostpass(vp)->hp_smr, hostpass_smrfree);
	return NULL;
}

static const struct vnodeops hostpass_ops = {
    .vop_lookup = hostpass_lookup,
    .vop_parent = hostpass_parent,
    .vop_readdir = hostpass_readdir,
    .vop_getattr = hostpass_getattr,
    .vop_reclaim = hostpass_reclaim,
};

extern const struct vfsops hostpass_vfsops;

/* The path is ma_from, as a whole, since that is what is asked for later. */
static int
hostpass_path(struct mountargs *ma)
{
	static const struct mountopt options[] = {
	    {"path", MOUNTOPT_STRING, 0},
	};
	struct mountstr path = {ma->ma_data, strlen(ma->ma_data)};
	uint32_t seen = 0;
	int error;

	if (*ma->ma_data != '/' && ((error = mountopt_parse(options, 1,
					 ma->ma_data, &path, &seen)) != 0 ||
				       seen == 0))
		return EINVAL;
	memset(ma->ma_from, 0, MNT_FROMLEN);
	error = mountstr_copy(&path, ma->ma_from, MNT_FROMLEN);
	return error == 0 && *ma->ma_from != '/' ? EINVAL : error;
}

/* It looks like what it covers: a directory, or a file. */
static int
hostpass_mount(struct mountargs *ma, struct super **sbp)
{
	bool dir = ma->ma_covered == NULL || vnode_isdir(ma->ma_covered);
	struct vattr va = {.va_mode = dir ? S_IFDIR | 0555 : S_IFREG | 0444};
	struct hostpass *hp;
	int error;

	if ((error = hostpass_path(ma)) != 0)
		return error;
	if ((hp = kmem_zalloc(sizeof(*hp))) == NULL)
		return ENOMEM;
	hp->hp_super.sb_ops = &hostpass_vfsops;
	hp->hp_super.sb_dev = ma->ma_dev;
	hp->hp_super.sb_rename = &hp->hp_super.sb_mutex;
	hp->hp_super.sb_root = &hp->hp_root;
	vnode_init(&hp->hp_root, &hostpass_ops, &hp->hp_super, &va);
	*sbp = &hp->hp_super;
	return 0;
}

static void
hostpass_unmount(struct super *sb)
{
	vnode_rele(sb->sb_root);
}

const struct vfsops hostpass_vfsops = {
    .vfs_name = "hostpass",
    .vfs_elsewhere = true,
    .vfs_mount = hostpass_mount,
    .vfs_unmount = hostpass_unmount,
};
