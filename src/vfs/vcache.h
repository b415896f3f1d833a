/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A cache of vnodes for file systems that make them when they are looked up:
 * whose files are elsewhere, on the host or in the kernel's own state.
 *
 * A struct vcnode is embedded in what the file system keeps for a file, like
 * the vnode that it contains.  It is found by its super and a key of two
 * numbers, in a section, without a lock and without a reference.  The cache
 * has one reference to each, the one that vnode_init made.
 *
 *	vcn = vcache_find(sb, key);
 *	if (vcn == NULL) {
 *		…make one: vnode_init…
 *		other = vcache_insert(vcn, key);
 *		if (other != vcn) …free it, somebody else was faster: other
 *	}
 *	*vpp = &vcn->vn_vnode;
 *
 * There are at most about vcache_limit of them that nobody else holds (RUMP_
 * NVNODES): when there are more, those that were not found for some time lose
 * the cache's reference, and with it their life: vop_reclaim.  A directory is
 * held by what is in it, so that vop_parent always leads somewhere.
 */
#ifndef VFS_VCACHE_H
#define VFS_VCACHE_H

#include "vfs/vfs.h"

struct vcnode {
	struct vnode vn_vnode;
	struct vcnode *_Atomic vn_next; /* bucket's lock; read without it */
	uint64_t vn_key[2];		/* stable */
	_Atomic bool vn_used;		/* found since the hand came by */
	bool vn_cached;			/* bucket's lock: it is in the table */
};

static inline struct vcnode *
vp_to_vcnode(struct vnode *vp)
{
	return container_of(vp, struct vcnode, vn_vnode);
}

/* In a section: the one with this key, or NULL. */
struct vcnode *vcache_find(struct super *, const uint64_t key[2]);

/*
 * Add one, whose v_super is set.  Returns it, or the one that is there already
 * with the same key.  May drop others.  Takes a lock of its own only.
 */
struct vcnode *vcache_insert(struct vcnode *, const uint64_t key[2]);

/*
 * The file is gone, or its key stands for another one: it is no longer found,
 * and the cache lets go of it.  Again: no effect.  vop_reclaim may be called,
 * by this and by vcache_insert, with the locks that the caller holds.
 */
void vcache_remove(struct vcnode *);

/* How many there may be that nobody holds.  EINVAL for none. */
uint64_t vcache_getmax(void);
int vcache_setmax(int64_t max);

/* Unmount: drop all of a super's but its root. */
void vcache_purge(struct super *);

#endif /* VFS_VCACHE_H */
