/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mounts: what is seen where.
 *
 * mount_lock covers which mounts there are, and all (m) fields.  A walk finds
 * the mount on a vnode without it, by a hash table that is read in its
 * section; V_MOUNTED in v_mode says whether it is worth looking.
 *
 * A mount is attached, detached, and then, when it is not used, taken apart.
 * References are counted in a shard for each host thread, because every open
 * makes one.  The sum of the shards says something only if nobody counts
 * meanwhile: who wants it sets MOUNT_GOING or MOUNT_DETACHED and waits until
 * every section that may not have seen that has ended (smr_synchronize).  From
 * then on references are made and dropped with mount_lock held.
 *
 * A detached mount is reached only by those who hold it, and goes with the
 * last of them: it is dead then.  A walk that came through it in the moment
 * before it was detached may still take hold, but one that began at a file or
 * directory which somebody else let go of meanwhile may find it dead.
 */
#include <sys/sysmacros.h>

#include <rump/rump_mount.h>

#include "vfs/inotify.h"

#define MOUNT_BUCKETS 256

static struct kmutex mount_lock;
static struct mount *_Atomic mount_hash[MOUNT_BUCKETS]; /* (m) by mnt_covered */
static struct mount *mount_first, *mount_last;		/* (m) */
static uint32_t mount_lastid;				/* (m) */
static uint32_t mount_lastdev;				/* (m) */

static struct mount *_Atomic *
mount_bucket(const struct vnode *vp)
{
	uint64_t h = (uint64_t)(uintptr_t)vp * UINT64_C(0x9e3779b97f4a7c15);

	return &mount_hash[h >> 56];
}

static struct mount *
bucket_first(const struct vnode *vp)
{
	return atomic_load_explicit(mount_bucket(vp), memory_order_acquire);
}

static struct mount *
bucket_next(struct mount *mp)
{
	return atomic_load_explicit(&mp->mnt_hashnext, memory_order_acquire);
}

struct mount *
mount_find(struct mount *parent, struct vnode *vp)
{
	struct mount *mp;

	for (mp = bucket_first(vp); mp != NULL; mp = bucket_next(mp))
		if (mount_covered(mp) == vp && mount_parent(mp) == parent)
			return mp;
	return NULL;
}

bool
mount_covers(struct vnode *vp)
{
	struct mount *mp;

	for (mp = bucket_first(vp); mp != NULL; mp = bucket_next(mp))
		if (mount_covered(mp) == vp)
			return true;
	return false;
}

/*
 * References
 */

static int64_t
mount_refcount(struct mount *mp)
{
	int64_t sum = 0;
	int i;

	KASSERT(mutex_owned(&mount_lock));
	for (i = 0; i < MOUNT_SHARDS; i++)
		sum += atomic_load_explicit(
		    &mp->mnt_refs[i].mr_count, memory_order_relaxed);
	return sum;
}

bool
mount_hold_slow(struct mount *mp)
{
	bool alive;

	mutex_enter(&mount_lock);
	alive = (mount_flags(mp) & MOUNT_DEAD) == 0;
	if (alive)
		mount_count(mp, 1);
	mutex_exit(&mount_lock);
	return alive;
}

static void
mount_setflags(struct mount *mp, uint32_t set, uint32_t clear)
{
	KASSERT(mutex_owned(&mount_lock));
	atomic_store_explicit(&mp->mnt_flags, (mount_flags(mp) & ~clear) | set,
	    memory_order_relaxed);
}

static void
mount_smrfree(struct smr_item *si)
{
	struct mount *mp = container_of(si, struct mount, mnt_smr);

	idmap_free(mp->mnt_idmap);
	kmem_free(mp, sizeof(*mp));
}

/* One mount less of sb; `root' was held by it. */
static void
super_rele(struct super *sb, struct vnode *root)
{
	bool last;

	vnode_rele(root);
	mutex_enter(&mount_lock);
	last = --sb->sb_mounts == 0;
	mutex_exit(&mount_lock);
	if (last) {
		inotify_unmount(sb);
		sb->sb_ops->vfs_unmount(sb);
	}
}

void
mount_rele_slow(struct mount *mp)
{
	bool last;

	mutex_enter(&mount_lock);
	mount_count(mp, -1);
	last =
	    (mount_flags(mp) & MOUNT_DETACHED) != 0 && mount_refcount(mp) == 0;
	if (last)
		mount_setflags(mp, MOUNT_DEAD, 0);
	mutex_exit(&mount_lock);
	if (!last)
		return;
	super_rele(mp->mnt_super, mp->mnt_root);
	smr_retire(&mp->mnt_smr, mount_smrfree);
}

/*
 * Attaching
 */

/* Add mp to the list of all. */
static void
mount_list(struct mount *mp)
{
	mp->mnt_id = ++mount_lastid;
	mp->mnt_next = NULL;
	if ((mp->mnt_prev = mount_last) != NULL)
		mount_last->mnt_next = mp;
	else
		mount_first = mp;
	mount_last = mp;
}

static void
mount_unlist(struct mount *mp)
{
	if (mp->mnt_prev != NULL)
		mp->mnt_prev->mnt_next = mp->mnt_next;
	else
		mount_first = mp->mnt_next;
	if (mp->mnt_next != NULL)
		mp->mnt_next->mnt_prev = mp->mnt_prev;
	else
		mount_last = mp->mnt_prev;
}

/* Put mp on vp, which is not dead.  vp's v_lock is held. */
static void
mount_hash_insert(struct mount *mp, struct mount *parent, struct vnode *vp)
{
	struct mount *_Atomic *bucket = mount_bucket(vp);

	atomic_store_explicit(&mp->mnt_parent, parent, memory_order_relaxed);
	atomic_store_explicit(&mp->mnt_covered, vp, memory_order_relaxed);
	atomic_store_explicit(&mp->mnt_hashnext,
	    atomic_load_explicit(bucket, memory_order_relaxed),
	    memory_order_relaxed);
	/* Pairs with the acquire in bucket_first. */
	atomic_store_explicit(bucket, mp, memory_order_release);
}

static void
mount_hash_remove(struct mount *mp)
{
	struct mount *_Atomic *mpp = mount_bucket(mount_covered(mp)), *m;

	while ((m = atomic_load_explicit(mpp, memory_order_relaxed)) != mp)
		mpp = &m->mnt_hashnext;
	atomic_store_explicit(mpp, bucket_next(mp), memory_order_release);
}

/* A mount of sb at `root', which it takes over, on nothing yet. */
static struct mount *
mount_alloc(struct super *sb, struct vnode *root, uint32_t flags,
    struct idmap *im, const char *from)
{
	struct mount *mp = kmem_zalloc(sizeof(*mp));

	if (mp == NULL)
		return NULL;
	mp->mnt_super = sb;
	mp->mnt_root = root;
	mp->mnt_idmap = im;
	atomic_init(&mp->mnt_flags, flags);
	strncpy(mp->mnt_from, from, sizeof(mp->mnt_from) - 1);
	return mp;
}

int
mount_hidden(struct super *sb, struct mount **mpp)
{
	struct mount *mp = mount_alloc(
	    sb, sb->sb_root, MOUNT_FOREVER, NULL, sb->sb_ops->vfs_name);

	if (mp == NULL)
		return ENOMEM;
	vnode_hold(sb->sb_root);
	mutex_enter(&mount_lock);
	sb->sb_mounts++;
	mutex_exit(&mount_lock);
	*mpp = mp;
	return 0;
}

int
mount_root(struct super *sb, struct mount **mpp)
{
	int error = mount_hidden(sb, mpp);

	if (error != 0)
		return error;
	mutex_enter(&mount_lock);
	mount_list(*mpp);
	mutex_exit(&mount_lock);
	return 0;
}

/*
 * Put mp on the file that `parent' and vp are, or on what has been mounted
 * there meanwhile.  ENOENT if it is dead, ENOTDIR if just one of the two is a
 * directory, EINVAL if the place is no longer in the tree.
 */
static int
mount_attach_locked(struct mount *mp, struct mount *parent, struct vnode *vp)
{
	struct mount *over;
	int error = 0;

	while ((over = mount_find(parent, vp)) != NULL) {
		parent = over;
		vp = over->mnt_root;
	}
	if ((mount_flags(parent) & MOUNT_DETACHED) != 0)
		return EINVAL;
	if (vnode_isdir(vp) != vnode_isdir(mp->mnt_root))
		return ENOTDIR;
	rw_enter_write(&vp->v_lock);
	if (vnode_isdead(vp) || !vnode_tryhold(vp))
		error = ENOENT;
	else {
		atomic_fetch_or_explicit(
		    &vp->v_mode, V_MOUNTED, memory_order_relaxed);
		mount_count(parent, 1);
		mp->mnt_super->sb_mounts++;
		mount_list(mp);
		/* The last: from here on it is found. */
		mount_hash_insert(mp, parent, vp);
	}
	rw_exit_write(&vp->v_lock);
	return error;
}

/* Note where the file is that it is to cover.  ENOENT if dir is no more. */
static int
mount_setname(struct mount *mp, struct vnode *dir, const struct cname *cn)
{
	if (dir == NULL)
		return 0;
	if (!vnode_tryhold(dir))
		return ENOENT;
	mp->mnt_dir = dir;
	memcpy(mp->mnt_name, cn->cn_name, cn->cn_len);
	return 0;
}

int
mount_attach(struct super *sb, const struct mountargs *ma, struct mount **mpp)
{
	struct mount *mp;
	int error;

	mp = mount_alloc(sb, ma->ma_root, ma->ma_flags & MOUNT_USERFLAGS,
	    ma->ma_idmap, ma->ma_from);
	if (mp == NULL)
		return ENOMEM;
	if ((error = mount_setname(mp, ma->ma_dir, &ma->ma_name)) == 0) {
		vfs_tree_begin();
		mutex_enter(&mount_lock);
		error = mount_attach_locked(mp, ma->ma_parent, ma->ma_covered);
		mutex_exit(&mount_lock);
		vfs_tree_end();
	}
	if (error != 0 && mp->mnt_dir != NULL)
		vnode_rele(mp->mnt_dir);
	if (error != 0)
		kmem_free(mp, sizeof(*mp));
	*mpp = mp;
	return error;
}

void
super_abort(struct super *sb, struct vnode *root)
{
	mutex_enter(&mount_lock);
	sb->sb_mounts++;
	mutex_exit(&mount_lock);
	super_rele(sb, root);
}

dev_t
mount_newdev(void)
{
	uint32_t minor;

	mutex_enter(&mount_lock);
	minor = ++mount_lastdev;
	mutex_exit(&mount_lock);
	return makedev(0, minor);
}

/*
 * Detaching
 */

/* Is mp, or what it is mounted on, and so on, `top'? */
static bool
mount_isbelow(struct mount *mp, const struct mount *top)
{
	for (; mp != NULL; mp = mount_parent(mp))
		if (mp == top)
			return true;
	return false;
}

/* Out of the tree; *parentp and *vpp are to be dropped. */
static void
mount_detach(struct mount *mp, struct mount **parentp, struct vnode **vpp)
{
	KASSERT(mutex_owned(&mount_lock));
	*parentp = mount_parent(mp);
	*vpp = mount_covered(mp);
	vfs_tree_begin();
	mount_setflags(mp, MOUNT_DETACHED, MOUNT_GOING);
	mount_hash_remove(mp);
	mount_unlist(mp);
	vfs_tree_end();
}

/*
 * After mount_detach: drop what mp was mounted on, once the walks have ended
 * that came from there.
 */
static void
mount_uncover(struct mount *mp, struct mount *parent, struct vnode *vp)
{
	smr_synchronize();
	mutex_enter(&mount_lock);
	/* Who reads the two may get one of them as NULL. */
	atomic_store_explicit(&mp->mnt_parent, NULL, memory_order_release);
	atomic_store_explicit(&mp->mnt_covered, NULL, memory_order_release);
	mutex_exit(&mount_lock);
	if (mp->mnt_dir != NULL)
		vnode_rele(mp->mnt_dir);
	vnode_rele(vp);
	mount_rele(parent);
}

/* The latest mount that is top or below it, with a reference; or NULL. */
static struct mount *
mount_lastbelow(const struct mount *top)
{
	struct mount *mp;

	for (mp = mount_last; mp != NULL; mp = mp->mnt_prev)
		if (mount_isbelow(mp, top))
			break;
	if (mp != NULL)
		mount_count(mp, 1);
	return mp;
}

/* Detach top and all that is below it. */
static void
mount_detach_tree(struct mount *top)
{
	struct mount *mp, *parent;
	struct vnode *vp;

	for (;;) {
		mutex_enter(&mount_lock);
		if ((mp = mount_lastbelow(top)) != NULL)
			mount_detach(mp, &parent, &vp);
		mutex_exit(&mount_lock);
		if (mp == NULL)
			return;
		mount_uncover(mp, parent, vp);
		mount_rele(mp);
	}
}

/* Detach mp, to which the caller has one reference, if nobody else has. */
static int
mount_detach_unused(struct mount *mp)
{
	struct mount *parent = NULL;
	struct vnode *vp;
	int error = 0;

	mutex_enter(&mount_lock);
	if ((mount_flags(mp) & MOUNT_DETACHED) != 0)
		error = EINVAL;
	else if ((mount_flags(mp) & MOUNT_GOING) != 0)
		error = EBUSY;
	else
		mount_setflags(mp, MOUNT_GOING, 0);
	mutex_exit(&mount_lock);
	if (error != 0)
		return error;
	smr_synchronize();
	mutex_enter(&mount_lock);
	if ((mount_flags(mp) & MOUNT_DETACHED) != 0)
		error = EINVAL;
	else if (mount_refcount(mp) != 1) {
		mount_setflags(mp, 0, MOUNT_GOING);
		error = EBUSY;
	} else
		mount_detach(mp, &parent, &vp);
	mutex_exit(&mount_lock);
	if (error != 0)
		return error;
	mount_uncover(mp, parent, vp);
	return 0;
}

int
mount_remove(struct mount *mp, bool force)
{
	int error = 0;

	if ((mount_flags(mp) & MOUNT_FOREVER) != 0)
		return EBUSY;
	if (force)
		mount_detach_tree(mp);
	else
		error = mount_detach_unused(mp);
	mount_rele(mp);
	return error;
}

void
mount_change(struct mount *mp, uint32_t flags)
{
	vfs_tree_begin();
	mutex_enter(&mount_lock);
	mount_setflags(mp, flags & MOUNT_USERFLAGS, MOUNT_USERFLAGS);
	mutex_exit(&mount_lock);
	vfs_tree_end();
}

struct mount *
mount_nextsync(uint32_t id)
{
	struct mount *mp;

	mutex_enter(&mount_lock);
	for (mp = mount_first; mp != NULL; mp = mp->mnt_next)
		if (mp->mnt_id > id && mp->mnt_super->sb_ops->vfs_sync != NULL)
			break;
	if (mp != NULL)
		mount_count(mp, 1);
	mutex_exit(&mount_lock);
	return mp;
}

struct mount *
mount_byid(uint32_t id)
{
	struct mount *mp;

	mutex_enter(&mount_lock);
	for (mp = mount_first; mp != NULL; mp = mp->mnt_next)
		if (mp->mnt_id == id)
			break;
	if (mp != NULL)
		mount_count(mp, 1);
	mutex_exit(&mount_lock);
	return mp;
}

int
mount_foreach(int (*fn)(struct mount *, void *arg), void *arg)
{
	struct mount *mp;
	int error = 0;

	mutex_enter(&mount_lock);
	for (mp = mount_first; mp != NULL && error == 0; mp = mp->mnt_next)
		error = fn(mp, arg);
	mutex_exit(&mount_lock);
	return error;
}
