/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names to objects: what src/vfs offers to file systems and to boot.
 *
 * A vnode is a file, whatever file system it is in; it is embedded in what
 * the file system keeps for the file.  Every call into the kernel is a smr
 * section (kern/smr.h), and a path is walked inside it without a lock and
 * without a reference: a vnode that was found stays readable until the
 * section ends, even when it is removed meanwhile.
 *
 * Life of a vnode: v_count is one for being in the tree (for having a link),
 * and one for each open file, working or root directory and child directory.
 * At zero it is dead: nobody can take a reference any more (vnode_tryhold),
 * vop_reclaim takes apart what only a holder of a reference may use (the
 * data), and smr frees the rest.  Metadata may be used with or without a
 * reference; who changes that of a dead vnode changes what nobody will see.
 * What sleeps (opening a fifo) holds a reference.
 *
 * Locks, in this order:
 *	mnt_rename	a rename from one directory to another; while it is
 *			held, no directory moves
 *	v_lock		of directories: an ancestor before its descendants;
 *			of two without that relation by address, which takes
 *			mnt_rename
 *	v_lock		of all other vnodes: by address
 * A section may wait for these locks; their holders never sleep.
 *
 * Letters: (s) stable from creation on; (a) atomic; (v) written with v_lock
 * held exclusively, read without it.
 */
#ifndef VFS_VFS_H
#define VFS_VFS_H

#include <sys/stat.h>

#include "kern/kern.h"

struct mount;
struct pipe;
struct vnodeops;

struct vnode {
	const struct vnodeops *v_ops; /* (s) */
	_Atomic uint32_t v_mode;      /* (v) st_mode; the type is (s) */
	_Atomic uid_t v_uid;	      /* (v) */
	_Atomic gid_t v_gid;	      /* (v) */
	_Atomic uint32_t v_count;     /* (a) see above */
	struct mount *v_mount;	      /* (s) */
	struct krwlock v_lock;
	struct smr_item v_smr;
};

/* In v_mode: a directory that has been removed.  Nothing is made in it. */
#define V_DEAD 0x10000u

/*
 * A name in a directory: a part of a path, not terminated.  The hash is the
 * same for the same bytes until the host process ends, and never zero.
 */
struct cname {
	const char *cn_name;
	uint32_t cn_len;
	uint64_t cn_hash; /* CNAME_HASHBITS of them */
};

#define CNAME_HASHBITS 47

/* Attributes to give a vnode. */
struct vattr {
	uint32_t va_mask; /* for setattr: which ones */
	uint32_t va_mode; /* with the type */
	uid_t va_uid;
	gid_t va_gid;
	struct timespec va_atime;
	struct timespec va_mtime;
	dev_t va_rdev;	       /* for create: of a device */
	const char *va_target; /* for create: of a symbolic link */
	size_t va_targetlen;
};

#define VA_MODE	 1u
#define VA_UID	 2u
#define VA_GID	 4u
#define VA_ATIME 8u
#define VA_MTIME 16u

/* A write: who, how far, where. */
struct vwrite {
	const struct cred *vw_cred;
	off_t vw_limit; /* no byte is written at or beyond it: EFBIG */
	bool vw_append;
};

/* Where vop_readdir puts what it finds; returns false if it is full. */
struct direntry {
	const char *de_name;
	uint32_t de_namelen;
	uint32_t de_mode; /* v_mode */
	uint64_t de_ino;
	off_t de_next; /* position after it */
};
typedef bool (*readdir_fn)(void *arg, const struct direntry *);

/*
 * Operations.  Names are never "." or "..", their length is checked.  Unless
 * it says otherwise, an operation is called without locks and may not sleep.
 * (X): v_lock of the vnodes named first is held exclusively.
 */
struct vnodeops {
	/*
	 * Directories.  lookup: the entry's vnode, not referenced; ENOENT.
	 * Called with dvp locked or not; in the second case it may miss an
	 * entry that is being renamed, but no other.  dvp may be dead.
	 */
	int (*vop_lookup)(
	    struct vnode *dvp, const struct cname *, struct vnode **vpp);
	/* The directory that dvp is in; itself for the mount's root. */
	struct vnode *(*vop_parent)(struct vnode *dvp);
	/* dvp's name in it; mnt_rename is held; not for the root. */
	void (*vop_name)(struct vnode *dvp, const char **namep, size_t *lenp);
	/*
	 * (X dvp) Make what va describes.  dvp is not dead and the name is
	 * not there.  *vpp is not referenced.  ENOMEM, ENOSPC, EMLINK.
	 */
	int (*vop_create)(struct vnode *dvp, const struct cname *,
	    const struct vattr *va, struct vnode **vpp);
	/* (X dvp, vp) Another name.  ENOENT if vp has none any more. */
	int (*vop_link)(
	    struct vnode *dvp, const struct cname *, struct vnode *vp);
	/*
	 * (X dvp, vp) Remove the entry.  ENOTEMPTY.  The caller drops the
	 * tree's reference to vp afterwards if *last is set.
	 */
	int (*vop_remove)(struct vnode *dvp, const struct cname *,
	    struct vnode *vp, bool *last);
	/*
	 * (X all) Move fvp's entry; tvp is what the new name named or NULL,
	 * and is removed.  ENOTEMPTY.  *last is about tvp, as above.  A name
	 * that is replaced is there all the time.
	 */
	int (*vop_rename)(struct vnode *fdvp, const struct cname *fcn,
	    struct vnode *fvp, struct vnode *tdvp, const struct cname *tcn,
	    struct vnode *tvp, bool *last);
	/*
	 * Call fn with each entry from position *pos on, until it returns
	 * false or there are no more; *pos follows.  Positions stay valid.
	 */
	void (*vop_readdir)(
	    struct vnode *dvp, off_t *pos, readdir_fn fn, void *arg);

	/*
	 * Symbolic links: the target, terminated, valid in this section.
	 * Eight bytes are readable from any byte of it (namei).
	 */
	int (*vop_readlink)(
	    struct vnode *vp, const char **targetp, size_t *lenp);

	/* Fifos: its pipe, made if it has none.  ENOMEM.  Referenced vp. */
	int (*vop_fifo)(struct vnode *vp, struct pipe **);

	/* Regular files; vp is referenced.  See fileops for offp and uio. */
	int (*vop_read)(struct vnode *vp, off_t *offp, struct uio *);
	int (*vop_write)(struct vnode *vp, off_t *offp, struct uio *,
	    const struct vwrite *);
	/*
	 * Set the length, which the limits allow.  Times change if the length
	 * does, or always.
	 */
	int (*vop_truncate)(struct vnode *vp, off_t length,
	    const struct vwrite *, bool always);
	/* SEEK_DATA, SEEK_HOLE from *offp.  ENXIO. */
	int (*vop_seek)(struct vnode *vp, int whence, off_t *offp);

	/* All.  getattr: sb is zeroed, st_dev and st_blksize are filled in. */
	void (*vop_getattr)(struct vnode *vp, struct stat *);
	/* (X vp) */
	void (*vop_setattr)(struct vnode *vp, const struct vattr *);
	/* It has been read; see vnode_accessed. */
	void (*vop_accessed)(struct vnode *vp);
	/*
	 * The last reference is gone.  Returns a vnode to drop a reference of
	 * (its parent), or NULL.
	 */
	struct vnode *(*vop_reclaim)(struct vnode *vp);
};

/* A mounted file system; embedded in what the file system keeps. */
struct mount {
	const struct vfsops *mnt_ops; /* (s) */
	struct vnode *mnt_root;	      /* (s) held */
	dev_t mnt_dev;		      /* (s) st_dev of its files */
	struct kmutex mnt_rename;
};

/* A file system: its type's name and how an instance is made. */
struct vfsops {
	const char *vfs_name;
	void (*vfs_init)(void); /* once, at boot */
	/* ENOMEM.  mnt_dev is the caller's to choose. */
	int (*vfs_mount)(dev_t dev, struct mount **mpp);
};

/* The file systems there are; the first is the root's. */
extern const struct vfsops *const vfs_list[];

/*
 * Where a process stands: working and root directory, both held.  Immutable;
 * a change makes another one.
 */
struct cwdinfo {
	struct kref cwd_ref; /* first */
	struct vnode *cwd_cdir;
	struct vnode *cwd_rdir;
	struct smr_item cwd_smr;
};

/*
 * Boot: mount the root, make /dev and /tmp.  *cwdip is for the first process,
 * both of its directories the root, and the caller's reference.  ENOMEM.
 */
int vfs_init(struct cwdinfo **cwdip);

/* A vnode is made: one reference, the tree's. */
void vnode_init(struct vnode *, const struct vnodeops *, struct mount *,
    const struct vattr *);

static inline uint32_t
vnode_mode(const struct vnode *vp)
{
	return atomic_load_explicit(&vp->v_mode, memory_order_relaxed);
}

static inline uid_t
vnode_uid(const struct vnode *vp)
{
	return atomic_load_explicit(&vp->v_uid, memory_order_relaxed);
}

static inline gid_t
vnode_gid(const struct vnode *vp)
{
	return atomic_load_explicit(&vp->v_gid, memory_order_relaxed);
}

static inline uint32_t
vnode_type(const struct vnode *vp)
{
	return vnode_mode(vp) & S_IFMT;
}

/* The caller has a reference and makes another. */
static inline void
vnode_hold(struct vnode *vp)
{
	uint32_t old = atomic_fetch_add_explicit(
	    &vp->v_count, 1, memory_order_relaxed);

	KASSERT(old != 0);
	(void)old;
}

/* The caller found it in this section; false if it is dead. */
static inline bool
vnode_tryhold(struct vnode *vp)
{
	uint32_t n = atomic_load_explicit(&vp->v_count, memory_order_relaxed);

	do {
		if (unlikely(n == 0))
			return false;
	} while (!atomic_compare_exchange_weak_explicit(&vp->v_count, &n,
	    n + 1, memory_order_acquire, memory_order_relaxed));
	return true;
}

void vnode_reclaim(struct vnode *);

static inline void
vnode_rele(struct vnode *vp)
{
	/* acq_rel: every holder's use is over before it is taken apart. */
	if (atomic_fetch_sub_explicit(&vp->v_count, 1, memory_order_acq_rel) ==
	    1)
		vnode_reclaim(vp);
}

/*
 * What becomes of a file's permission bits when somebody without the right
 * to set them writes to it.
 */
uint32_t vnode_mode_written(const struct vnode *, const struct cred *);

/*
 * Would an access now change the access time?  If it is not after the last
 * change, or a day old: the rule of Linux's relatime.
 */
bool vfs_atime_due(const struct timespec *atime, const struct timespec *mtime,
    const struct timespec *ctime);

/* For vop_fifo: make a pipe that vp owns.  fifo_rele drops it.  ENOMEM. */
int vnode_fifo_alloc(struct vnode *vp, struct pipe **);

/* The time for timestamps. */
void vfs_now(struct timespec *);

#endif /* VFS_VFS_H */
