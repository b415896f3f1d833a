/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ids as a mount shows them.
 *
 * An id that the table of a mount does not name is nobody's: no credential has
 * it, stat shows ID_NOBODY, and no file can be given it.  Nobody, not even
 * root, has a right to a file of nobody's but what everybody has.
 */
#ifndef VFS_IDMAP_H
#define VFS_IDMAP_H

#include "vfs/vfs.h"

#define ID_NONE	  UINT32_MAX /* no credential has it */
#define ID_NOBODY 65534u

/* Ids from ir_stored on are shown as those from ir_shown on. */
struct idrange {
	uint32_t ir_stored;
	uint32_t ir_shown;
	uint32_t ir_count;
};

/* im_nuids ranges for users, then im_ngids for groups. */
struct idmap {
	uint32_t im_nuids;
	uint32_t im_ngids;
	struct idrange im_range[];
};

#define IDMAP_MAX 1024

/* NULL if memory is out; at most IDMAP_MAX of each. */
struct idmap *idmap_alloc(uint32_t nuids, uint32_t ngids);
void idmap_free(struct idmap *);
struct idmap *idmap_copy(const struct idmap *);

/* EINVAL if a range is empty, leaves the ids there are, or meets another. */
int idmap_check(const struct idmap *);

/* ID_NONE; false. */
uint32_t idmap_show(const struct idmap *, bool group, uint32_t id);
bool
idmap_store(const struct idmap *, bool group, uint32_t id, uint32_t *stored);

static inline uid_t
mount_uid(const struct mount *mp, uid_t uid)
{
	return likely(mp->mnt_idmap == NULL)
		   ? uid
		   : idmap_show(mp->mnt_idmap, false, uid);
}

static inline gid_t
mount_gid(const struct mount *mp, gid_t gid)
{
	return likely(mp->mnt_idmap == NULL)
		   ? gid
		   : idmap_show(mp->mnt_idmap, true, gid);
}

/* And back; false if a file cannot have this id. */
static inline bool
mount_storeuid(const struct mount *mp, uid_t uid, uid_t *stored)
{
	*stored = uid;
	return likely(mp->mnt_idmap == NULL) ||
	       idmap_store(mp->mnt_idmap, false, uid, stored);
}

static inline bool
mount_storegid(const struct mount *mp, gid_t gid, gid_t *stored)
{
	*stored = gid;
	return likely(mp->mnt_idmap == NULL) ||
	       idmap_store(mp->mnt_idmap, true, gid, stored);
}

/* Does the mount show both ids of the file? */
static inline bool
mount_hasids(const struct mount *mp, const struct vnode *vp)
{
	return likely(mp->mnt_idmap == NULL) ||
	       (mount_uid(mp, vnode_uid(vp)) != ID_NONE &&
		   mount_gid(mp, vnode_gid(vp)) != ID_NONE);
}

#endif /* VFS_IDMAP_H */
