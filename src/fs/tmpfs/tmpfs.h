/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tmpfs: files in kernel memory.  Between its files.
 *
 *	tmpfs_vfsops.c	mounting
 *	tmpfs_limit.c	how many blocks and files there may be
 *	tmpfs_handle.c	files by number
 *	tmpfs_node.c	a file's node: its life, attributes, times
 *	tmpfs_dir.c	the table of a directory's entries
 *	tmpfs_dirops.c	what is done to directories
 *	tmpfs_pages.c	the pages of a regular file, by number
 *	tmpfs_file.c	what is done to regular files
 *	tmpfs_host.c	those that programs map
 *	tmpfs_xattr.c	extended attributes
 *
 * Letters: (s) stable; (a) atomic; (v) written with the vnode's v_lock held
 * exclusively, read without it; (l) the same, and read with it held; (t) read
 * and written with tm_lock held.
 */
#ifndef FS_TMPFS_TMPFS_H
#define FS_TMPFS_TMPFS_H

#include "vfs/vfs.h"

struct tmpfs_table;
struct tmpfs_xattr;

/*
 * An entry of a directory, in its node (tmpfs_node_room) or freed by smr.  All
 * (s).
 */
struct tmpfs_dirent {
	uint64_t td_key; /* hash and a number: its position, see tmpfs_dir.c */
	struct tmpfs_node *td_node;
	struct smr_item td_smr;
	uint8_t td_len;
	char td_name[]; /* not terminated */
};

/* Pages by number: a tree of nodes with 64 slots; see tmpfs_pages.c. */
struct tmpfs_pages {
	uintptr_t tp_root; /* a slot */
	uint32_t tp_bits;  /* of the numbers that it has room for */
};

#define TMPFS_LEVELBITS	 6
#define TMPFS_LEVELSLOTS (1u << TMPFS_LEVELBITS)

struct tmpfs_pagenode {
	uintptr_t pn_slot[TMPFS_LEVELSLOTS];
};

enum tmpfs_time { TMPFS_ATIME, TMPFS_MTIME, TMPFS_CTIME, TMPFS_NTIMES };

struct tmpfs_node {
	struct vnode tn_vnode;
	union {
		struct {				      /* directory */
			struct tmpfs_table *_Atomic tn_table; /* (v) or NULL */
			/* (l) the next number for a file in it, of so many */
			ino_t tn_newino;
			uint32_t tn_newinos;
		};
		struct {			     /* regular file */
			struct tmpfs_pages tn_pages; /* (l) */
			_Atomic uint64_t tn_npages;  /* (v) */
		};
		char *tn_target;      /* (s) symbolic link */
		struct pipe *tn_fifo; /* (l) or NULL */
		dev_t tn_rdev;	      /* (s) device */
	};
	struct tmpfs_xattr *_Atomic tn_xattrs; /* (v) or NULL */
	/*
	 * (v) A directory: where it is; the root: itself, NULL.  Anything
	 * else: where one of its names is, or NULL.
	 */
	struct tmpfs_node *_Atomic tn_parent;
	struct tmpfs_dirent *_Atomic tn_entry;
	/*
	 * All that getattr reports is (v), changed between tmpfs_change and
	 * tmpfs_changed.  v_mode, v_uid and v_gid are a part of it.  tn_seq is
	 * TMPFS_CHANGING in between, TMPFS_SEEN if it was reported since the
	 * last change, and the number of changes.
	 */
	_Atomic uint32_t tn_seq;
	_Atomic uint32_t tn_nlink;
	_Atomic int64_t tn_size;
	ino_t tn_ino; /* (s) never another file's in the same super */
	_Atomic int64_t tn_sec[TMPFS_NTIMES];
	_Atomic uint32_t tn_nsec[TMPFS_NTIMES];
	bool tn_handle; /* (t) it has a handle */
	bool tn_hosted; /* (l) its data is the host's; see tmpfs_host.c */
	/*
	 * (l) The last change was a write: a file's times of change are the
	 * same, and v_mode is what another write would leave.
	 */
	bool tn_written;
	/* (v) until when, in seconds, an access changes nothing */
	_Atomic int64_t tn_atimegood;
};

/*
 * Behind a node is room for the entry that it is made with, if the name is not
 * long: nothing else to allocate, and nothing else to be fetched by who finds
 * the file.
 */
#define TMPFS_NODE_BYTES ((size_t)256)

static inline struct tmpfs_dirent *
tmpfs_node_room(struct tmpfs_node *tn)
{
	return (struct tmpfs_dirent *)(void *)(tn + 1);
}

/*
 * What there may be a limit for.  Files have a room of TMPFS_INODE_SPACE each;
 * more names than one and extended attributes take a part of it, as on Linux.
 */
enum tmpfs_limited { TMPFS_BLOCKS, TMPFS_INODES, TMPFS_NLIMITS };
#define TMPFS_INODE_SPACE 1024

struct tmpfs_limit {
	_Atomic uint64_t tl_max; /* (a) 0: no limit; changed under tm_lock */
	int64_t tl_pool;	 /* (t) permits that are in no shard */
};

/* What host threads have for themselves, as far as shards go. */
#define TMPFS_SHARDS 16
struct tmpfs_shard {
	_Atomic uint64_t ts_inos; /* (a) inode numbers that were taken */
	_Atomic int64_t ts_permits[TMPFS_NLIMITS]; /* (a) */
} __attribute__((aligned(CACHE_LINE)));

struct tmpfs_handles;

struct tmpfs_mount {
	struct super tm_super;
	struct smr_item tm_smr;
	uint32_t tm_mode; /* (s) of the root, as it was mounted */
	uid_t tm_uid;	  /* (s) */
	gid_t tm_gid;	  /* (s) */
	struct tmpfs_limit tm_limit[TMPFS_NLIMITS]
	    __attribute__((aligned(CACHE_LINE)));
	struct kmutex tm_lock;
	struct tmpfs_handles *tm_handles; /* (t) or NULL */
	struct tmpfs_shard tm_shard[TMPFS_SHARDS];
};

static inline struct tmpfs_node *
vp_to_node(struct vnode *vp)
{
	return container_of(vp, struct tmpfs_node, tn_vnode);
}

static inline struct tmpfs_mount *
node_super(struct tmpfs_node *tn)
{
	return container_of(tn->tn_vnode.v_super, struct tmpfs_mount, tm_super);
}

/* The calling host thread's shard. */
static inline unsigned
tmpfs_shard(void)
{
	return curht()->ht_id % TMPFS_SHARDS;
}

/*
 * Limits.  take: n more are used, ENOSPC; give: n less.  free: how many are
 * left.  may_be, set (tm_lock is held): can the limit be that, and make it so.
 */
void tmpfs_limit_init(struct tmpfs_mount *, enum tmpfs_limited, uint64_t max);
int tmpfs_limit_take(struct tmpfs_mount *, enum tmpfs_limited, int64_t n);
void tmpfs_limit_give(struct tmpfs_mount *, enum tmpfs_limited, int64_t n);
uint64_t tmpfs_limit_free(struct tmpfs_mount *, enum tmpfs_limited);
bool tmpfs_limit_may_be(struct tmpfs_mount *, enum tmpfs_limited, uint64_t max);
void tmpfs_limit_set(struct tmpfs_mount *, enum tmpfs_limited, uint64_t max);

static inline uint64_t
tmpfs_limit_max(struct tmpfs_mount *tm, enum tmpfs_limited which)
{
	return atomic_load_explicit(
	    &tm->tm_limit[which].tl_max, memory_order_relaxed);
}

static inline int
tmpfs_take(struct tmpfs_mount *tm, enum tmpfs_limited which, int64_t n)
{
	return likely(tmpfs_limit_max(tm, which) == 0)
		   ? 0
		   : tmpfs_limit_take(tm, which, n);
}

static inline void
tmpfs_give(struct tmpfs_mount *tm, enum tmpfs_limited which, int64_t n)
{
	if (unlikely(tmpfs_limit_max(tm, which) != 0))
		tmpfs_limit_give(tm, which, n);
}

extern const struct vnodeops tmpfs_dirops, tmpfs_regops, tmpfs_lnkops,
    tmpfs_specops;

/*
 * A new node, not in the tree: no links, times now.  dn is the directory that
 * it is for, locked, or NULL for the root.  ENOMEM.  tmpfs_node_abort undoes
 * it.
 */
void tmpfs_node_init(void);
int tmpfs_node_alloc(struct tmpfs_mount *, struct tmpfs_node *dn,
    const struct vattr *, const struct timespec *now, struct tmpfs_node **);
void tmpfs_node_abort(struct tmpfs_node *);

/*
 * Change attributes: fields are stored with tmpfs_set, v_lock is held.  *now
 * is the time for it, by vfs_coarse_now: if somebody has seen the node change
 * at that very time, it is made a later one.
 */
#define TMPFS_CHANGING 1u
#define TMPFS_SEEN     2u

void tmpfs_change_seen(struct tmpfs_node *, struct timespec *now);

static inline void
tmpfs_change(struct tmpfs_node *tn, struct timespec *now)
{
	KASSERT(rw_write_held(&tn->tn_vnode.v_lock));
	/* The releases of tmpfs_set come after it. */
	if (unlikely((atomic_fetch_add_explicit(
			  &tn->tn_seq, TMPFS_CHANGING, memory_order_relaxed) &
			 TMPFS_SEEN) != 0))
		tmpfs_change_seen(tn, now);
}

/*
 * The same of a node that is to go and that only the tree holds.  Who finds it
 * in this moment may see it before and after at the same time of change.
 */
static inline void
tmpfs_change_last(struct tmpfs_node *tn)
{
	KASSERT(rw_write_held(&tn->tn_vnode.v_lock));
	atomic_store_explicit(&tn->tn_seq,
	    atomic_load_explicit(&tn->tn_seq, memory_order_relaxed) |
		TMPFS_CHANGING,
	    memory_order_relaxed);
}

static inline void
tmpfs_changed(struct tmpfs_node *tn)
{
	uint32_t seq = atomic_load_explicit(&tn->tn_seq, memory_order_relaxed);

	/* Not seen.  Pairs with the acquire in tmpfs_getattr. */
	atomic_store_explicit(&tn->tn_seq,
	    (seq | TMPFS_CHANGING | TMPFS_SEEN) + 1, memory_order_release);
	/* Times may be others: see tmpfs_accessed. */
	atomic_store_explicit(
	    &tn->tn_atimegood, INT64_MIN, memory_order_relaxed);
	tn->tn_written = false;
}

/* Pairs with tmpfs_get in tmpfs_getattr. */
#define tmpfs_set(field, value) \
	atomic_store_explicit(&(field), (value), memory_order_release)
#define tmpfs_get(field) atomic_load_explicit(&(field), memory_order_acquire)

static inline void
tmpfs_settime(
    struct tmpfs_node *tn, enum tmpfs_time which, const struct timespec *ts)
{
	tmpfs_set(tn->tn_sec[which], ts->tv_sec);
	tmpfs_set(tn->tn_nsec[which], (uint32_t)ts->tv_nsec);
}

static inline bool
tmpfs_timeis(const struct tmpfs_node *tn, enum tmpfs_time which,
    const struct timespec *ts)
{
	return tmpfs_get(tn->tn_sec[which]) == ts->tv_sec &&
	       tmpfs_get(tn->tn_nsec[which]) == ts->tv_nsec;
}

/* Who holds v_lock reads its own fields. */
static inline uint32_t
tmpfs_nlink(const struct tmpfs_node *tn)
{
	return atomic_load_explicit(&tn->tn_nlink, memory_order_relaxed);
}

static inline off_t
tmpfs_size(const struct tmpfs_node *tn)
{
	return atomic_load_explicit(&tn->tn_size, memory_order_relaxed);
}

int tmpfs_aname(
    struct vnode *, struct vnode **dvpp, const char **namep, size_t *lenp);
int tmpfs_getattr(struct vnode *, struct stat *);
int tmpfs_setattr(struct vnode *, const struct vattr *);
void tmpfs_accessed(struct vnode *);
struct vnode *tmpfs_reclaim(struct vnode *);

/* Where an entry goes, and its key. */
struct tmpfs_place {
	uint64_t pl_key;
	uint32_t pl_slot;
};

/*
 * A directory's entries.  find and prefetch, before it, take no lock; the
 * others are called with the directory locked exclusively.
 *
 *	reserve	makes sure that an entry of that name can be inserted, also
 *		if others are removed first, and says where: EEXIST, ENOMEM,
 *		ENOSPC
 *	place	says where, once others have been removed
 *	insert	at such a place, if nothing has changed since.  The key is set
 *		by it.
 *	replace	puts an entry of the same name in another's place
 *	remove	takes an entry out
 *	shrink	makes the table smaller if it is much too big
 *
 * The caller retires what it took out.
 */
struct tmpfs_dirent *tmpfs_dir_find(struct tmpfs_node *, const struct cname *);
void tmpfs_dir_prefetch(struct tmpfs_node *, const struct cname *);
int tmpfs_dir_reserve(
    struct tmpfs_node *, const struct cname *, struct tmpfs_place *);
void tmpfs_dir_place(
    struct tmpfs_node *, const struct cname *, struct tmpfs_place *);
void tmpfs_dir_insert(
    struct tmpfs_node *, const struct tmpfs_place *, struct tmpfs_dirent *);
void tmpfs_dir_replace(
    struct tmpfs_node *, struct tmpfs_dirent *, struct tmpfs_dirent *);
void tmpfs_dir_remove(struct tmpfs_node *, struct tmpfs_dirent *);
void tmpfs_dir_shrink(struct tmpfs_node *);
bool tmpfs_dir_isempty(struct tmpfs_node *);

/* The directory is freed, nobody reads its table any more. */
void tmpfs_dir_free(struct tmpfs_node *);

int tmpfs_lookup(struct vnode *, const struct cname *, struct vnode **);
int tmpfs_readdir(struct vnode *, off_t *pos, readdir_fn, void *arg);

/* The first entry from a key on, or NULL. */
struct tmpfs_dirent *tmpfs_dir_next(struct tmpfs_node *, uint64_t key);

/*
 * Pages by number.  The file is locked.  A page that is blank is reserved by
 * fallocate: it has not been written and is not zeroed, and reads as a hole.
 */
#define TMPFS_BLANK 1u /* in a slot, with the page's address */
#define TMPFS_FRESH 2u /* the same, while fallocate may still fail */

/* The slot for `index' in a node that has this many bits of it below. */
static inline unsigned
tmpfs_pages_at(uint64_t index, uint32_t bits)
{
	return (index >> bits) & (TMPFS_LEVELSLOTS - 1);
}

/* A page with data, or NULL. */
static inline __attribute__((always_inline)) void *
tmpfs_pages_get(const struct tmpfs_pages *tp, uint64_t index)
{
	uintptr_t p = tp->tp_root;
	uint32_t bits = tp->tp_bits;

	if (index >> bits != 0)
		return NULL;
	while (bits > 0 && p != 0) {
		bits -= TMPFS_LEVELBITS;
		p = ((const struct tmpfs_pagenode *)p)
			->pn_slot[tmpfs_pages_at(index, bits)];
	}
	return likely((p & TMPFS_BLANK) == 0) ? (void *)p : NULL;
}

/* Where the page of that number is or goes; NULL: no memory. */
uintptr_t *tmpfs_pages_slot(struct tmpfs_pages *, uint64_t index);
/* Free those from number `from' on and before `to'; how many. */
uint64_t tmpfs_pages_remove(struct tmpfs_pages *, uint64_t from, uint64_t to);
/* The first one with data from *index on; false if there is none. */
bool tmpfs_pages_next(const struct tmpfs_pages *, uint64_t *index);

/* Remove everything from the root down. */
void tmpfs_clear(struct tmpfs_mount *);

/* The file's data is freed. */
void tmpfs_file_free(struct tmpfs_node *);

/*
 * Regular files whose data is in a file of the host, tn_hosted, which
 * tmpfs_hostfile makes them.  read, write: n bytes at off; an error can come
 * after some of them.
 */
int tmpfs_hostfile(struct vnode *, bool write, int *fdp);
int tmpfs_host_read(struct tmpfs_node *, off_t off, size_t n, struct uio *);
int tmpfs_host_write(struct tmpfs_node *, off_t off, size_t n, struct uio *);
int tmpfs_host_truncate(struct tmpfs_node *, off_t length);
int tmpfs_host_seek(struct tmpfs_node *, int whence, off_t *offp);
int tmpfs_host_fallocate(struct tmpfs_node *, int mode, off_t off, off_t len);
void tmpfs_host_free(struct tmpfs_node *);
void tmpfs_host_init(void);

/* Extended attributes; free: all that a node has. */
int tmpfs_getxattr(
    struct vnode *, const char *name, void *buf, size_t size, size_t *lenp);
int tmpfs_setxattr(struct vnode *, const char *name, const void *value,
    size_t size, int flags);
int tmpfs_listxattr(struct vnode *, char *buf, size_t size, size_t *lenp);
void tmpfs_xattr_freeall(struct tmpfs_node *);

static inline void
tmpfs_xattr_free(struct tmpfs_node *tn)
{
	if (unlikely(tmpfs_get(tn->tn_xattrs) != NULL))
		tmpfs_xattr_freeall(tn);
}

/* Access control lists; init: of a new file.  ENOMEM. */
bool tmpfs_getacl(
    const struct vnode *, bool isdefault, const void **valuep, size_t *sizep);
int tmpfs_acl_init(struct tmpfs_node *, const struct vattr *);

/* Files by number; forget: a file that has been given a handle goes. */
int tmpfs_vptofh(struct vnode *, uint64_t id[2]);
int tmpfs_fhtovp(struct super *, const uint64_t id[2], struct vnode **);
void tmpfs_handle_forget(struct tmpfs_node *);
void tmpfs_handle_free(struct tmpfs_mount *);

#endif /* FS_TMPFS_TMPFS_H */
