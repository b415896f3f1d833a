/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nodes: one for each file.
 *
 * A node is made without a link, gets one when it is put in a directory, and
 * is reclaimed when the last link and the last reference have gone.  A
 * directory holds a reference to the one that it is in, also after it has
 * been removed, so that ".." leads somewhere.
 */
#include "fs/tmpfs/tmpfs.h"

#include "kern/pipe.h"

/* What Linux says that an entry takes of a directory. */
#define DIR_SIZE0 40

/* Targets at least this long take a block, as on Linux. */
#define LNK_LONG 128

/*
 * Host threads that work on different files share no line of 64 bytes; pairs
 * of lines would take a third more memory.
 */
#define NODE_ALIGN 64

static struct kcache *node_cache;

void
tmpfs_node_init(void)
{
	node_cache = kcache_init("tmpfs-node", TMPFS_NODE_BYTES, NODE_ALIGN, 0);
	tmpfs_host_init();
}

static const struct vnodeops *
node_ops(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return &tmpfs_dirops;
	case S_IFREG:
		return &tmpfs_regops;
	case S_IFLNK:
		return &tmpfs_lnkops;
	default:
		return &tmpfs_specops;
	}
}

/* What only this type has. */
static int
node_init_type(struct tmpfs_node *tn, const struct vattr *va)
{
	off_t size = 0;

	switch (va->va_mode & S_IFMT) {
	case S_IFDIR:
		size = DIR_SIZE0;
		atomic_init(&tn->tn_table, NULL);
		tn->tn_newinos = 0;
		break;
	case S_IFREG:
		tn->tn_pages = (struct tmpfs_pages){0};
		atomic_init(&tn->tn_npages, 0);
		break;
	case S_IFLNK:
		/* Readers take eight bytes at a time. */
		tn->tn_target =
		    kmem_zalloc(va->va_targetlen + sizeof(uint64_t));
		if (tn->tn_target == NULL)
			return ENOMEM;
		memcpy(tn->tn_target, va->va_target, va->va_targetlen);
		size = (off_t)va->va_targetlen;
		break;
	case S_IFIFO:
		tn->tn_fifo = NULL;
		break;
	default:
		tn->tn_rdev = va->va_rdev;
	}
	atomic_init(&tn->tn_size, size);
	return 0;
}

/* A symbolic link that takes a block? */
static bool
node_islong(const struct tmpfs_node *tn)
{
	return vnode_type(&tn->tn_vnode) == S_IFLNK &&
	       tmpfs_size(tn) >= LNK_LONG;
}

/*
 * The first of n numbers, from 1 on, that no other file has or had; the others
 * are TMPFS_SHARDS apart.
 */
static ino_t
take_inos(struct tmpfs_mount *tm, uint32_t n)
{
	unsigned i = tmpfs_shard();

	return atomic_fetch_add_explicit(
		   &tm->tm_shard[i].ts_inos, n, memory_order_relaxed) *
		   TMPFS_SHARDS +
	       i + 1;
}

/* A directory takes some at once. */
#define NEWINOS 32

static ino_t
node_newino(struct tmpfs_mount *tm, struct tmpfs_node *dn)
{
	ino_t ino;

	if (dn == NULL)
		return take_inos(tm, 1);
	KASSERT(rw_write_held(&dn->tn_vnode.v_lock));
	if (dn->tn_newinos == 0) {
		dn->tn_newino = take_inos(tm, NEWINOS);
		dn->tn_newinos = NEWINOS;
	}
	ino = dn->tn_newino;
	dn->tn_newino += TMPFS_SHARDS;
	dn->tn_newinos--;
	return ino;
}

/* Room for what va describes, within the limits. */
static int
node_take(struct tmpfs_mount *tm, const struct vattr *va)
{
	int error;

	if ((error = tmpfs_take(tm, TMPFS_INODES, TMPFS_INODE_SPACE)) != 0)
		return error;
	if (S_ISLNK(va->va_mode) && va->va_targetlen >= LNK_LONG &&
	    (error = tmpfs_take(tm, TMPFS_BLOCKS, 1)) != 0)
		tmpfs_give(tm, TMPFS_INODES, TMPFS_INODE_SPACE);
	return error;
}

static __attribute__((noinline)) void
node_give_limited(struct tmpfs_node *tn)
{
	struct tmpfs_mount *tm = node_super(tn);

	tmpfs_give(tm, TMPFS_INODES, TMPFS_INODE_SPACE);
	if (node_islong(tn))
		tmpfs_give(tm, TMPFS_BLOCKS, 1);
}

static inline void
node_give(struct tmpfs_node *tn)
{
	struct tmpfs_mount *tm = node_super(tn);

	if (unlikely((tmpfs_limit_max(tm, TMPFS_INODES) |
			 tmpfs_limit_max(tm, TMPFS_BLOCKS)) != 0))
		node_give_limited(tn);
}

/* Nobody can reach it any more. */
static void
node_free(struct tmpfs_node *tn)
{
	uint32_t type = vnode_type(&tn->tn_vnode);

	if (type == S_IFDIR)
		tmpfs_dir_free(tn);
	else if (type == S_IFLNK)
		kmem_free(
		    tn->tn_target, (size_t)tmpfs_size(tn) + sizeof(uint64_t));
	kcache_free(node_cache, tn);
}

static inline void
node_inittime(
    struct tmpfs_node *tn, enum tmpfs_time which, const struct timespec *now)
{
	atomic_init(&tn->tn_sec[which], now->tv_sec);
	atomic_init(&tn->tn_nsec[which], (uint32_t)now->tv_nsec);
}

int
tmpfs_node_alloc(struct tmpfs_mount *tm, struct tmpfs_node *dn,
    const struct vattr *va, const struct timespec *now, struct tmpfs_node **tnp)
{
	struct tmpfs_node *tn = kcache_alloc(node_cache);
	int error;

	if (tn == NULL)
		return ENOMEM;
	if ((error = node_init_type(tn, va)) != 0) {
		kcache_free(node_cache, tn);
		return error;
	}
	vnode_init(&tn->tn_vnode, node_ops(va->va_mode), &tm->tm_super, va);
	if ((error = node_take(tm, va)) != 0) {
		node_free(tn);
		return error;
	}
	atomic_init(&tn->tn_xattrs, NULL);
	if (unlikely((va->va_mode & (V_ACL | V_DEFACL)) != 0) &&
	    (error = tmpfs_acl_init(tn, va)) != 0) {
		tmpfs_node_abort(tn);
		return error;
	}
	atomic_init(&tn->tn_parent, NULL);
	atomic_init(&tn->tn_entry, NULL);
	atomic_init(&tn->tn_seq, 0);
	atomic_init(&tn->tn_nlink, 0);
	node_inittime(tn, TMPFS_ATIME, now);
	node_inittime(tn, TMPFS_MTIME, now);
	node_inittime(tn, TMPFS_CTIME, now);
	tn->tn_ino = node_newino(tm, dn);
	atomic_init(&tn->tn_atimegood, INT64_MIN);
	tn->tn_handle = false;
	tn->tn_hosted = false;
	tn->tn_written = false;
	*tnp = tn;
	return 0;
}

void
tmpfs_node_abort(struct tmpfs_node *tn)
{
	tmpfs_xattr_free(tn);
	node_give(tn);
	node_free(tn);
}

static void
node_smrfree(struct smr_item *si)
{
	node_free(container_of(si, struct tmpfs_node, tn_vnode.v_smr));
}

struct vnode *
tmpfs_reclaim(struct vnode *vp)
{
	struct tmpfs_node *tn = vp_to_node(vp);
	struct vnode *parent = NULL;

	switch (vnode_type(vp)) {
	case S_IFDIR:
		/* The root's is itself. */
		if (tmpfs_get(tn->tn_parent) != tn)
			parent = &tmpfs_get(tn->tn_parent)->tn_vnode;
		break;
	case S_IFREG:
		tmpfs_file_free(tn);
		break;
	case S_IFIFO:
		if (tn->tn_fifo != NULL)
			fifo_rele(tn->tn_fifo);
		break;
	}
	tmpfs_xattr_free(tn);
	if (tn->tn_handle)
		tmpfs_handle_forget(tn);
	node_give(tn);
	smr_retire(&vp->v_smr, node_smrfree);
	return parent;
}

/*
 * Attributes
 */

static struct timespec
node_time(const struct tmpfs_node *tn, enum tmpfs_time which)
{
	return (struct timespec){
	    .tv_sec = tmpfs_get(tn->tn_sec[which]),
	    .tv_nsec = tmpfs_get(tn->tn_nsec[which]),
	};
}

/*
 * What was read when tn_seq was that is true as a whole, and whoever changes it
 * from now on knows that it was seen.
 */
static inline bool
node_seen(struct tmpfs_node *tn, uint32_t seq)
{
	if (likely((seq & TMPFS_SEEN) != 0))
		return atomic_load_explicit(
			   &tn->tn_seq, memory_order_relaxed) == seq;
	return atomic_compare_exchange_strong_explicit(&tn->tn_seq, &seq,
	    seq | TMPFS_SEEN, memory_order_relaxed, memory_order_relaxed);
}

/* False if it is being changed. */
static inline bool
node_read(struct tmpfs_node *tn, struct stat *sb)
{
	const struct vnode *vp = &tn->tn_vnode;
	uint32_t seq = tmpfs_get(tn->tn_seq);

	if (unlikely((seq & TMPFS_CHANGING) != 0))
		return false;
	sb->st_mode = tmpfs_get(vp->v_mode) & (S_IFMT | 07777);
	sb->st_uid = tmpfs_get(vp->v_uid);
	sb->st_gid = tmpfs_get(vp->v_gid);
	sb->st_nlink = tmpfs_get(tn->tn_nlink);
	sb->st_size = tmpfs_get(tn->tn_size);
	sb->st_atim = node_time(tn, TMPFS_ATIME);
	sb->st_mtim = node_time(tn, TMPFS_MTIME);
	sb->st_ctim = node_time(tn, TMPFS_CTIME);
	switch (sb->st_mode & S_IFMT) {
	case S_IFREG:
		sb->st_blocks =
		    (blkcnt_t)tmpfs_get(tn->tn_npages) * (KPAGE_SIZE / 512);
		break;
	case S_IFLNK:
		sb->st_blocks = node_islong(tn) ? KPAGE_SIZE / 512 : 0;
		break;
	case S_IFCHR:
	case S_IFBLK:
		sb->st_rdev = tn->tn_rdev;
		break;
	}
	return likely(node_seen(tn, seq));
}

/* It was being changed: again, until it is not. */
static __attribute__((noinline)) void
node_reread(struct tmpfs_node *tn, struct stat *sb)
{
	do
		hyper_yield();
	while (!node_read(tn, sb));
}

int
tmpfs_getattr(struct vnode *vp, struct stat *sb)
{
	struct tmpfs_node *tn = vp_to_node(vp);

	sb->st_ino = tn->tn_ino;
	if (unlikely(!node_read(tn, sb)))
		node_reread(tn, sb);
	return 0;
}

void
tmpfs_change_seen(struct tmpfs_node *tn, struct timespec *now)
{
	struct timespec ctime = node_time(tn, TMPFS_CTIME);

	if (!vfs_later(now, &ctime))
		vfs_now(now);
}

int
tmpfs_setattr(struct vnode *vp, const struct vattr *va)
{
	struct tmpfs_node *tn = vp_to_node(vp);
	struct timespec now;

	vfs_coarse_now(&now);
	tmpfs_change(tn, &now);
	if ((va->va_mask & VA_MODE) != 0)
		tmpfs_set(vp->v_mode,
		    (vnode_mode(vp) & ~07777u) | (va->va_mode & 07777));
	if ((va->va_mask & VA_UID) != 0)
		tmpfs_set(vp->v_uid, va->va_uid);
	if ((va->va_mask & VA_GID) != 0)
		tmpfs_set(vp->v_gid, va->va_gid);
	if ((va->va_mask & VA_ATIME) != 0)
		tmpfs_settime(tn, TMPFS_ATIME, &va->va_atime);
	if ((va->va_mask & VA_MTIME) != 0)
		tmpfs_settime(tn, TMPFS_MTIME, &va->va_mtime);
	if ((va->va_mask & VA_FLAGS) != 0)
		tmpfs_set(vp->v_mode, (vnode_mode(vp) & ~V_FILEFLAGS) |
					  (va->va_flags & V_FILEFLAGS));
	tmpfs_settime(tn, TMPFS_CTIME, &now);
	tmpfs_changed(tn);
	return 0;
}

/* Until when the access time is good, as it and the others are. */
static int64_t
node_atimegood(const struct tmpfs_node *tn)
{
	struct timespec atime = node_time(tn, TMPFS_ATIME);
	struct timespec mtime = node_time(tn, TMPFS_MTIME);
	struct timespec ctime = node_time(tn, TMPFS_CTIME);

	return vfs_atime_good(&atime, &mtime, &ctime);
}

static __attribute__((noinline)) void
node_access(struct tmpfs_node *tn)
{
	struct vnode *vp = &tn->tn_vnode;
	struct timespec now;

	/* In the tick of a change, which nobody saw, it is due in the next. */
	vfs_coarse_now(&now);
	if (tmpfs_timeis(tn, TMPFS_ATIME, &now) &&
	    (tmpfs_get(tn->tn_seq) & TMPFS_SEEN) == 0)
		return;
	rw_enter_write(&vp->v_lock);
	if (now.tv_sec >= node_atimegood(tn)) {
		tmpfs_change(tn, &now);
		tmpfs_settime(tn, TMPFS_ATIME, &now);
		tmpfs_changed(tn);
	}
	atomic_store_explicit(
	    &tn->tn_atimegood, node_atimegood(tn), memory_order_relaxed);
	rw_exit_write(&vp->v_lock);
}

void
tmpfs_accessed(struct vnode *vp)
{
	struct tmpfs_node *tn = vp_to_node(vp);

	/* Relaxed: a change that is going on may come after the access. */
	if (unlikely(
		vfs_coarse_seconds() >=
		atomic_load_explicit(&tn->tn_atimegood, memory_order_relaxed)))
		node_access(tn);
}

/*
 * Symbolic links and special files
 */

static int
tmpfs_readlink(struct vnode *vp, const char **targetp, size_t *lenp)
{
	struct tmpfs_node *tn = vp_to_node(vp);

	*targetp = tn->tn_target;
	*lenp = (size_t)tmpfs_size(tn);
	return 0;
}

const struct vnodeops tmpfs_lnkops = {
    .vop_aname = tmpfs_aname,
    .vop_readlink = tmpfs_readlink,
    .vop_getattr = tmpfs_getattr,
    .vop_setattr = tmpfs_setattr,
    .vop_accessed = tmpfs_accessed,
    .vop_getxattr = tmpfs_getxattr,
    .vop_setxattr = tmpfs_setxattr,
    .vop_listxattr = tmpfs_listxattr,
    .vop_reclaim = tmpfs_reclaim,
};

static int
tmpfs_fifo(struct vnode *vp, struct pipe **pipep)
{
	struct tmpfs_node *tn = vp_to_node(vp);
	int error = 0;

	rw_enter_write(&vp->v_lock);
	if (tn->tn_fifo == NULL)
		error = vnode_fifo_alloc(&tn->tn_fifo);
	*pipep = tn->tn_fifo;
	rw_exit_write(&vp->v_lock);
	return error;
}

const struct vnodeops tmpfs_specops = {
    .vop_aname = tmpfs_aname,
    .vop_fifo = tmpfs_fifo,
    .vop_getattr = tmpfs_getattr,
    .vop_setattr = tmpfs_setattr,
    .vop_accessed = tmpfs_accessed,
    .vop_getxattr = tmpfs_getxattr,
    .vop_setxattr = tmpfs_setxattr,
    .vop_listxattr = tmpfs_listxattr,
    .vop_getacl = tmpfs_getacl,
    .vop_reclaim = tmpfs_reclaim,
};
