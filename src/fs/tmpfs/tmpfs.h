/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tmpfs: files in kernel memory.  Between its files.
 *
 *	tmpfs_vfsops.c	mounting, counters
 *	tmpfs_node.c	a file's node: its life, attributes, times
 *	tmpfs_dir.c	the table of a directory's entries
 *	tmpfs_dirops.c	what is done to directories
 *	tmpfs_pages.c	the pages of a regular file, by number
 *	tmpfs_file.c	what is done to regular files
 *
 * Letters: (s) stable; (a) atomic; (v) written with the vnode's v_lock held
 * exclusively, read without it; (l) the same, and read with it held.
 */
#ifndef FS_TMPFS_TMPFS_H
#define FS_TMPFS_TMPFS_H

#include "vfs/vfs.h"

struct tmpfs_table;

/* An entry of a directory.  All (s); freed by smr. */
struct tmpfs_dirent {
	uint64_t td_key; /* hash and a number: its position, see tmpfs_dir.c */
	struct tmpfs_node *td_node;
	struct smr_item td_smr;
	uint8_t td_len;
	char td_name[]; /* not terminated */
};

/* Pages by number: a tree of nodes with 64 slots; see tmpfs_pages.c. */
struct tmpfs_pages {
	void *tp_root;
	uint32_t tp_height; /* levels of nodes above the pages */
};

enum tmpfs_time { TMPFS_ATIME, TMPFS_MTIME, TMPFS_CTIME, TMPFS_NTIMES };

struct tmpfs_node {
	struct vnode tn_vnode;
	union {
		struct {				      /* directory */
			struct tmpfs_table *_Atomic tn_table; /* (v) or NULL */
			/* (v) where it is; the root: itself, NULL */
			struct tmpfs_node *_Atomic tn_parent;
			struct tmpfs_dirent *_Atomic tn_entry;
		};
		struct {			     /* regular file */
			struct tmpfs_pages tn_pages; /* (l) */
			_Atomic uint64_t tn_npages;  /* (v) */
		};
		char *tn_target;      /* (s) symbolic link */
		struct pipe *tn_fifo; /* (l) or NULL */
		dev_t tn_rdev;	      /* (s) device */
	};
	/*
	 * All that getattr reports is (v), changed between tmpfs_change and
	 * tmpfs_changed: tn_seq is odd in between.  v_mode, v_uid and v_gid
	 * are a part of it.
	 */
	_Atomic uint32_t tn_seq;
	_Atomic uint32_t tn_nlink;
	_Atomic int64_t tn_size;
	ino_t tn_ino; /* (s) */
	_Atomic int64_t tn_sec[TMPFS_NTIMES];
	_Atomic uint32_t tn_nsec[TMPFS_NTIMES];
};

/*
 * Counters, in shards so that host threads do not meet in one cache line.
 * Inodes in use: made less freed, over all shards.
 */
#define TMPFS_SHARDS 16
struct tmpfs_count {
	_Atomic uint64_t tc_made;  /* (a) nodes; also makes inode numbers */
	_Atomic uint64_t tc_freed; /* (a) nodes */
	_Atomic int64_t tc_pages;  /* (a) of data */
} __attribute__((aligned(CACHE_LINE)));

struct tmpfs_mount {
	struct super tm_super;
	struct smr_item tm_smr;
	struct tmpfs_count tm_count[TMPFS_SHARDS];
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
static inline struct tmpfs_count *
tmpfs_count(struct tmpfs_mount *tm)
{
	return &tm->tm_count[curht()->ht_id % TMPFS_SHARDS];
}

extern const struct vnodeops tmpfs_dirops, tmpfs_regops, tmpfs_lnkops,
    tmpfs_specops;

/*
 * A new node, not in the tree: no links, times now.  ENOMEM.
 * tmpfs_node_abort undoes it.
 */
void tmpfs_node_init(void);
int tmpfs_node_alloc(struct tmpfs_mount *, const struct vattr *,
    const struct timespec *now, struct tmpfs_node **);
void tmpfs_node_abort(struct tmpfs_node *);

/* Change attributes: fields are stored with tmpfs_set, v_lock is held. */
static inline void
tmpfs_change(struct tmpfs_node *tn)
{
	KASSERT(rw_write_held(&tn->tn_vnode.v_lock));
	/* The releases of tmpfs_set come after it. */
	atomic_store_explicit(&tn->tn_seq,
	    atomic_load_explicit(&tn->tn_seq, memory_order_relaxed) + 1,
	    memory_order_relaxed);
}

static inline void
tmpfs_changed(struct tmpfs_node *tn)
{
	/* Pairs with the acquire in tmpfs_getattr. */
	atomic_store_explicit(&tn->tn_seq,
	    atomic_load_explicit(&tn->tn_seq, memory_order_relaxed) + 1,
	    memory_order_release);
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

int tmpfs_getattr(struct vnode *, struct stat *);
int tmpfs_setattr(struct vnode *, const struct vattr *);
void tmpfs_accessed(struct vnode *);
struct vnode *tmpfs_reclaim(struct vnode *);

/*
 * A directory's entries.  find takes no lock; the others are called with the
 * directory locked exclusively.
 *
 *	reserve	makes sure that an entry of that name can be inserted, also
 *		if others are removed first: ENOMEM, ENOSPC
 *	insert	after reserve.  The key is set by it.
 *	replace	puts an entry of the same name in another's place
 *	remove	takes an entry out
 *	shrink	makes the table smaller if it is much too big
 *
 * The caller retires what it took out.
 */
struct tmpfs_dirent *tmpfs_dir_find(struct tmpfs_node *, const struct cname *);
int tmpfs_dir_reserve(struct tmpfs_node *, const struct cname *);
void tmpfs_dir_insert(
    struct tmpfs_node *, const struct cname *, struct tmpfs_dirent *);
void tmpfs_dir_replace(
    struct tmpfs_node *, struct tmpfs_dirent *, struct tmpfs_dirent *);
void tmpfs_dir_remove(struct tmpfs_node *, struct tmpfs_dirent *);
void tmpfs_dir_shrink(struct tmpfs_node *);
bool tmpfs_dir_isempty(struct tmpfs_node *);

/* The directory is freed, nobody reads its table any more. */
void tmpfs_dir_free(struct tmpfs_node *);

int tmpfs_readdir(struct vnode *, off_t *pos, readdir_fn, void *arg);

/* Any entry, or NULL. */
struct tmpfs_dirent *tmpfs_dir_any(struct tmpfs_node *);

/*
 * Pages by number.  The file is locked.
 */
void *tmpfs_pages_get(const struct tmpfs_pages *, uint64_t index);
/* There is none of that number.  ENOMEM. */
int tmpfs_pages_put(struct tmpfs_pages *, uint64_t index, void *page);
/* Free those from `from' on; how many. */
uint64_t tmpfs_pages_truncate(struct tmpfs_pages *, uint64_t from);
/* The first one from *index on; false if there is none. */
bool tmpfs_pages_next(const struct tmpfs_pages *, uint64_t *index);

/* Remove everything from the root down. */
void tmpfs_clear(struct tmpfs_mount *);

/* The file's data is freed. */
void tmpfs_file_free(struct tmpfs_node *);

#endif /* FS_TMPFS_TMPFS_H */
