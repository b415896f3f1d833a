/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names to objects: what src/vfs offers to file systems and to boot.
 *
 * A vnode is a file, whatever file system it is in; it is embedded in what
 * the file system keeps for the file.  A super is one instance of a file
 * system, with its vnodes.  A mount is a place in the tree where a super, or a
 * part of one, can be seen; the same super can be seen at several places.  A
 * file as a program names it is a mount and a vnode.
 *
 * Every call into the kernel is a smr section (kern/smr.h), and a path is
 * walked inside it without a lock and without a reference: a vnode or mount
 * that was found stays readable until the section ends, even when it is
 * removed meanwhile.
 *
 * Life of a vnode: v_count is one for being in the tree (for having a link) or
 * in a cache (vfs/vcache.h), and one for each open file, working or root
 * directory, mount and child directory.  At zero it is dead: nobody can take
 * a reference any more (vnode_tryhold), vop_reclaim takes apart what only a
 * holder of a reference may use (the data), and smr frees the rest.  Metadata
 * may be used with or without a reference; who changes that of a dead vnode
 * changes what nobody will see.  What sleeps (opening a fifo) holds a
 * reference.
 *
 * Life of a mount: see mount.c.  Who holds a vnode for longer than a section
 * holds the mount that it was found through as well.
 *
 * Locks, in this order:
 *	mount_lock	which mounts there are and where (mount.c)
 *	sb_rename	a rename from one directory to another; while it is
 *			held, no directory of the super moves
 *	v_lock		of directories: an ancestor before its descendants;
 *			of two without that relation by address, which takes
 *			sb_rename
 *	v_lock		of all other vnodes: by address
 * A file system that is made of others (overlay) takes its own locks before
 * theirs.  A section may wait for these locks; their holders never sleep.
 *
 * Letters: (s) stable from creation on; (a) atomic; (v) written with v_lock
 * held exclusively, read without it; (m) written with mount_lock held, read
 * without it.
 */
#ifndef VFS_VFS_H
#define VFS_VFS_H

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <limits.h>

#include "kern/kern.h"

struct cwdinfo;
struct hostdir;
struct idmap;
struct mount;
struct pipe;
struct super;
struct text;
struct vnodeops;

struct vnode {
	const struct vnodeops *v_ops; /* (s) */
	_Atomic uint32_t v_mode;      /* (v) st_mode; the type is (s) */
	_Atomic uid_t v_uid;	      /* (v) */
	_Atomic gid_t v_gid;	      /* (v) */
	_Atomic uint8_t v_hint;	      /* (a) F_SET_RW_HINT */
	_Atomic uint64_t v_count;     /* (a) see above, and vnode_use */
	struct super *v_super;	      /* (s) */
	struct krwlock v_lock;
	struct smr_item v_smr; /* once it is dead */
};

/*
 * In v_count, above the references: how many users there are, or, negative,
 * how often it is executed.  Each of them has a reference, so what is dead has
 * none.
 */
#define VNODE_USE (UINT64_C(1) << 32)

/*
 * In v_mode, beside type and permissions; all (v).
 */
#define V_DEAD	    0x010000u	/* a removed directory: nothing is made in it */
#define V_MOUNTED   0x020000u	/* something was mounted on it (mount_find) */
#define V_IMMUTABLE 0x040000u	/* EPERM for all changes */
#define V_APPEND    0x080000u	/* EPERM for all but appending */
#define V_LOCKS	    0x100000u	/* somebody locked it once (lockf.h) */
#define V_WATCHED   0x200000u	/* it, or one with a name in it, is watched */
#define V_TMPFILE   0x400000u	/* without a name, but may be given one */
#define V_NODUMP    0x800000u	/* for backups to see; nothing else */
#define V_SEALABLE  0x01000000u /* seals can be added (memfd.h) */
#define V_SEALS	    0x3e000000u /* what it is sealed against */
#define V_ACL	    0x40000000u /* it has an access list (acl.h) */
#define V_DEFACL    0x80000000u /* a directory: and a default one */

/* Those that VA_FLAGS sets. */
#define V_FILEFLAGS (V_IMMUTABLE | V_APPEND | V_NODUMP)

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

/* A name that does not come from a path. */
void cname_init(struct cname *, const char *name, size_t len);

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
	uint32_t va_flags; /* of V_FILEFLAGS */
	/* for create, with V_ACL or V_DEFACL in va_mode: the list for them */
	const void *va_acl;
	size_t va_aclsize;
	uint64_t va_count; /* for create: of v_count, for the caller */
};

#define VA_MODE	 1u
#define VA_UID	 2u
#define VA_GID	 4u
#define VA_ATIME 8u
#define VA_MTIME 16u
#define VA_FLAGS 32u

/* A write: who, how far, where. */
struct vwrite {
	const struct cred *vw_cred;
	const struct mount *vw_mount; /* through which the file is written */
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
 * it says otherwise, an operation is called without locks and may not sleep,
 * but it may call the host.  The caller has found out that the credential may
 * do it and that the mount can be written to.  All return 0 or an errno; what
 * is NULL gives the errno that stands in brackets.
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
	/*
	 * The name will be looked up soon: have the processor fetch what that
	 * takes meanwhile.  [nothing]
	 */
	void (*vop_prefetch)(struct vnode *dvp, const struct cname *);
	/* The directory that dvp is in; itself for the super's root. */
	struct vnode *(*vop_parent)(struct vnode *dvp);
	/* dvp's name in it; sb_rename is held; not for the root. */
	void (*vop_name)(struct vnode *dvp, const char **namep, size_t *lenp);
	/*
	 * What is no directory: one of its names and the directory that is in,
	 * readable in this section.  ENOENT: it has none that is known.
	 * [ENOENT]
	 */
	int (*vop_aname)(struct vnode *vp, struct vnode **dvpp,
	    const char **namep, size_t *lenp);
	/*
	 * (X dvp) Make what va describes.  dvp is not dead.  *vpp has the
	 * references and uses that va_count says.  EEXIST, ENOMEM, ENOSPC,
	 * EMLINK.  [EPERM]
	 */
	int (*vop_create)(struct vnode *dvp, const struct cname *,
	    const struct vattr *va, struct vnode **vpp);
	/*
	 * (X dvp) Make a regular file without a name; V_TMPFILE if it may get
	 * one.  *vpp has one reference, the caller's.  [EOPNOTSUPP]
	 */
	int (*vop_tmpfile)(struct vnode *dvp, const struct vattr *va,
	    bool linkable, struct vnode **vpp);
	/*
	 * (X dvp, vp) Another name.  ENOENT if vp has none any more, unless it
	 * is V_TMPFILE, which it no longer is then.  EMLINK.  [EPERM]
	 */
	int (*vop_link)(
	    struct vnode *dvp, const struct cname *, struct vnode *vp);
	/*
	 * (X dvp, vp) Remove the entry.  ENOTEMPTY.  The caller drops the
	 * tree's reference to vp afterwards if *last is set.  [EPERM]
	 */
	int (*vop_remove)(struct vnode *dvp, const struct cname *,
	    struct vnode *vp, bool *last);
	/*
	 * (X all) Move fvp's entry; tvp is what the new name named or NULL,
	 * and is removed.  ENOTEMPTY.  *last is about tvp, as above.  A name
	 * that is replaced is there all the time.  [EPERM]
	 */
	int (*vop_rename)(struct vnode *fdvp, const struct cname *fcn,
	    struct vnode *fvp, struct vnode *tdvp, const struct cname *tcn,
	    struct vnode *tvp, bool *last);
	/* (X all) Let the two names change places.  [EINVAL] */
	int (*vop_exchange)(struct vnode *fdvp, const struct cname *fcn,
	    struct vnode *fvp, struct vnode *tdvp, const struct cname *tcn,
	    struct vnode *tvp);
	/*
	 * Call fn with each entry from position *pos on, at least 2, until it
	 * returns false or there are no more; *pos follows.  Positions stay
	 * valid.
	 */
	int (*vop_readdir)(
	    struct vnode *dvp, off_t *pos, readdir_fn fn, void *arg);

	/*
	 * Symbolic links: the target, terminated, valid in this section.
	 * Eight bytes are readable from any byte of it (namei).
	 */
	int (*vop_readlink)(
	    struct vnode *vp, const char **targetp, size_t *lenp);
	/*
	 * Instead of walking the target, a file that it stands for, whatever
	 * its name: not referenced.  *mpp is the mount that vp was seen
	 * through at first.  NULL: the target is walked.
	 */
	int (*vop_follow)(
	    struct vnode *vp, struct mount **mpp, struct vnode **vpp);

	/* Fifos: its pipe, made if it has none.  ENOMEM.  Referenced vp. */
	int (*vop_fifo)(struct vnode *vp, struct pipe **);

	/*
	 * Open what was found and permitted; not for O_PATH, nor for fifos
	 * that have vop_fifo.  fp is
	 * an open file of vp already (f_vnode, f_mount, held) but for its
	 * descriptor.  The operation may set f_ops (whose fo_close ends with
	 * vnode_fo_close), f_type and f_data; or put another file in *fpp,
	 * with a reference, which is used instead.  It may sleep.
	 * NULL: regular files and directories are simply open, devices are
	 * asked by their number (vfs/dev.h), sockets give ENXIO.
	 */
	int (*vop_open)(struct lwp *, struct vnode *vp, int flags,
	    struct file *fp, struct file **fpp);

	/*
	 * Regular files; vp is referenced.  See fileops for offp and uio.
	 * There is something to be written.
	 */
	int (*vop_read)(struct vnode *vp, off_t *offp, struct uio *);
	int (*vop_write)(
	    struct vnode *vp, off_t *offp, struct uio *, const struct vwrite *);
	/*
	 * Set the length, which the limits allow.  Times change if the length
	 * does, or always.
	 */
	int (*vop_truncate)(
	    struct vnode *vp, off_t length, const struct vwrite *, bool always);
	/*
	 * fallocate(2) of a range that is not empty, with mode checked to be
	 * one that Linux knows.  EOPNOTSUPP for modes it has not.
	 * [EOPNOTSUPP]
	 */
	int (*vop_fallocate)(struct vnode *vp, int mode, off_t off, off_t len,
	    const struct vwrite *);
	/* SEEK_DATA, SEEK_HOLE from *offp.  ENXIO. */
	int (*vop_seek)(struct vnode *vp, int whence, off_t *offp);
	/*
	 * A handle of the host (hyper/hostfile.h), the caller's to close, on a
	 * file that has this one's data from now on, at the same offsets, so
	 * that it can be mapped; open for writing, too, if `write' is set.
	 * [ENODEV]
	 */
	int (*vop_hostfile)(struct vnode *vp, bool write, int *fdp);
	/* Is its data another file's, and a change would not be? [no] */
	bool (*vop_islower)(struct vnode *vp);
	/*
	 * Directories: if all in it are the host's files as they are, but for
	 * some names (hostdir_except), and what is below them as well, and stay
	 * so until vfs_tree_begin is called, say where: hd_path, hd_host,
	 * hd_ino, hd_setuid, hd_uid and so on.  ENOENT, EOPNOTSUPP, EBUSY.
	 * [EOPNOTSUPP]
	 */
	int (*vop_hostdir)(struct vnode *dvp, struct hostdir *);
	/* Wait until it is safe; [nothing to be done]. */
	int (*vop_fsync)(struct vnode *vp, bool dataonly);

	/*
	 * It is about to be used without having been looked up: where a walk
	 * begins, a root, "..".  Bring v_mode, v_uid and v_gid up to date.
	 * [they always are]
	 */
	void (*vop_refresh)(struct vnode *vp);
	/* All.  getattr: sb is zeroed, st_dev and st_blksize are filled in. */
	int (*vop_getattr)(struct vnode *vp, struct stat *);
	/* (X vp) [EPERM] */
	int (*vop_setattr)(struct vnode *vp, const struct vattr *);
	/* It has been read; see vnode_accessed.  NULL: nothing to note. */
	void (*vop_accessed)(struct vnode *vp);
	/*
	 * Extended attributes; names with their prefix ("user.x").  getxattr,
	 * listxattr: *lenp is the whole length; it is copied to buf if size is
	 * not zero, ERANGE if that is less.  A list is names with a NUL after
	 * each.  setxattr (X vp): flags are those of setxattr(2), ENODATA,
	 * EEXIST, ENOSPC; value NULL removes it, ENODATA.  [EOPNOTSUPP]
	 */
	int (*vop_getxattr)(struct vnode *vp, const char *name, void *buf,
	    size_t size, size_t *lenp);
	int (*vop_setxattr)(struct vnode *vp, const char *name,
	    const void *value, size_t size, int flags);
	int (*vop_listxattr)(
	    struct vnode *vp, char *buf, size_t size, size_t *lenp);
	/*
	 * The file's access list, or that for what is made in it: false if
	 * there is none.  It stays as it is until the section ends.  Who has
	 * this keeps lists by vop_setxattr, which removes what is not there
	 * without an error, and V_ACL and V_DEFACL; see acl.h.
	 */
	bool (*vop_getacl)(const struct vnode *vp, bool isdefault,
	    const void **valuep, size_t *sizep);
	/*
	 * The last reference is gone.  Returns a vnode to drop a reference of
	 * (its parent), or NULL.
	 */
	struct vnode *(*vop_reclaim)(struct vnode *vp);
};

/*
 * An instance of a file system; embedded in what the file system keeps.
 */
struct super {
	const struct vfsops *sb_ops; /* (s) */
	struct vnode *sb_root;	     /* (s) the tree's reference */
	dev_t sb_dev;		     /* (s) st_dev of its files */
	uint32_t sb_mounts;	     /* (m) that show it */
	struct kmutex *sb_rename;    /* (s) sb_mutex or, if its directories
					move with those of another, that one's */
	struct kmutex sb_mutex;
};

/* What a file system is asked to make an instance of. */
struct mountargs {
	struct lwp *ma_lwp;  /* NULL at boot */
	uint32_t ma_flags;   /* MNT_* of <rump/rump_mount.h> */
	const char *ma_data; /* a copy, with a NUL after it */
	size_t ma_len;	     /* 0: no data */
	dev_t ma_dev;	     /* for sb_dev */
	/* Where it comes from, for /proc/mounts: MNT_FROMLEN bytes. */
	char *ma_from;
	/*
	 * What it is to be mounted on; a file that is no directory has been
	 * found by its name in ma_dir, which is NULL else.
	 */
	struct mount *ma_parent;
	struct vnode *ma_covered;
	struct vnode *ma_dir;
	struct cname ma_name;
	/* To be set, if it is not sb_root: held; and ids to be shifted. */
	struct vnode *ma_root;
	struct idmap *ma_idmap;
	/*
	 * To be set, if the super was there before: a mount of it, held, so
	 * that it stays.  The caller drops it.
	 */
	struct mount *ma_origin;
};

#define MNT_FROMLEN 128

/* A kind of file system. */
struct vfsops {
	const char *vfs_name;
	uint32_t vfs_type;	/* f_type of statfs, as Linux has it; 0: none */
	bool vfs_elsewhere;	/* walks end there: EREMOTE; see vfs_hostpath */
	void (*vfs_init)(void); /* once, at boot; or NULL */
	/*
	 * Make an instance, or find one: sb_ops, sb_root, sb_dev and
	 * sb_rename are set, sb_mounts is counted by the caller.  EINVAL for
	 * data that makes no sense.
	 */
	int (*vfs_mount)(struct mountargs *, struct super **);
	/* MNT_UPDATE with data.  NULL: EINVAL unless the data is empty. */
	int (*vfs_update)(struct super *, const struct mountargs *);
	/* All but f_flag and f_namemax, zeroed before. */
	int (*vfs_statvfs)(struct super *, struct statvfs *);
	/* Make everything safe; NULL: nothing to be done. */
	int (*vfs_sync)(struct super *);
	/*
	 * The last mount is gone, and with it every reference but the tree's:
	 * free everything that will not be freed by itself.
	 */
	void (*vfs_unmount)(struct super *);
	/*
	 * A number for a file that does not change while it is there, and the
	 * file again, not referenced: ESTALE.  NULL: EOPNOTSUPP.
	 */
	int (*vfs_vptofh)(struct vnode *, uint64_t id[2]);
	int (*vfs_fhtovp)(
	    struct super *, const uint64_t id[2], struct vnode **);
	/*
	 * Of files that are only read: where on the host a directory is, and
	 * how files in it are shown, as vop_hostdir.  NULL: EOPNOTSUPP.
	 */
	int (*vfs_hostdir)(struct vnode *, struct hostdir *);
	/*
	 * The file with this number that was the host's of this path when
	 * vop_hostdir said so of its directory: referenced.  ESTALE.
	 * NULL: EOPNOTSUPP.
	 */
	int (*vfs_hostnode)(struct super *, const char *hostpath, ino_t ino,
	    struct vnode **vpp);
	/* Options as /proc/mounts shows them, with a comma before each. */
	void (*vfs_options)(struct super *, char *buf, size_t size);
};

/* The file systems there are; the first is the root's. */
extern const struct vfsops *const vfs_list[];

/* By the name of the type, or NULL. */
const struct vfsops *vfs_byname(const char *name);

/*
 * A place in the tree: a super, or a part of one, and what it covers.  See
 * mount.c.
 */
#define MOUNT_SHARDS 16
struct mount_refs {
	_Atomic int64_t mr_count;
} __attribute__((aligned(CACHE_LINE)));

struct mount {
	struct super *mnt_super; /* (s) */
	struct vnode *mnt_root;	 /* (s) held */
	/* What it is mounted on; held.  NULL: the root, or detached. */
	struct mount *_Atomic mnt_parent;   /* (m) */
	struct vnode *_Atomic mnt_covered;  /* (m) */
	struct vnode *mnt_dir;		    /* (s) see mnt_name; held */
	_Atomic uint32_t mnt_flags;	    /* (m) MNT_*, MOUNT_* */
	uint32_t mnt_id;		    /* (s) */
	struct idmap *mnt_idmap;	    /* (s) or NULL */
	struct mount *_Atomic mnt_hashnext; /* (m) */
	struct mount *mnt_prev, *mnt_next;  /* (m) in order of mounting */
	struct smr_item mnt_smr;
	char mnt_from[MNT_FROMLEN]; /* (s) */
	/*
	 * (s) A covered file that is no directory: its name in mnt_dir, which
	 * nobody can take from it meanwhile.
	 */
	char mnt_name[NAME_MAX + 1];
	struct mount_refs mnt_refs[MOUNT_SHARDS]; /* mount_hold */
};

/* In mnt_flags, above those of <rump/rump_mount.h>. */
#define MOUNT_GOING    0x80000000u /* somebody wants to unmount it */
#define MOUNT_DETACHED 0x40000000u /* out of the tree, goes when unused */
#define MOUNT_FOREVER  0x20000000u /* the root: references are not counted */
#define MOUNT_DEAD     0x10000000u /* detached, and nobody uses it any more */

static inline uint32_t
mount_flags(const struct mount *mp)
{
	return atomic_load_explicit(&mp->mnt_flags, memory_order_relaxed);
}

/*
 * References to a mount: who has one, or holds mount_lock and found it in the
 * tree, makes another by mount_hold; who found it in this section by
 * mount_tryhold, which fails if it is dead.  Who drops the last of a mount
 * that was detached takes it apart.
 */
bool mount_hold_slow(struct mount *);
void mount_rele_slow(struct mount *);

static inline void
mount_count(struct mount *mp, int n)
{
	atomic_fetch_add_explicit(
	    &mp->mnt_refs[curht()->ht_id % MOUNT_SHARDS].mr_count, n,
	    memory_order_relaxed);
}

static inline bool
mount_tryhold(struct mount *mp)
{
	uint32_t flags = mount_flags(mp);

	if (likely((flags & MOUNT_FOREVER) != 0))
		return true;
	if (unlikely((flags & (MOUNT_GOING | MOUNT_DETACHED)) != 0))
		return mount_hold_slow(mp);
	mount_count(mp, 1);
	return true;
}

static inline void
mount_hold(struct mount *mp)
{
	bool alive = mount_tryhold(mp);

	KASSERT(alive);
	(void)alive;
}

static inline void
mount_rele(struct mount *mp)
{
	uint32_t flags = mount_flags(mp);

	if (likely((flags & MOUNT_FOREVER) != 0))
		return;
	if (unlikely((flags & (MOUNT_GOING | MOUNT_DETACHED)) != 0))
		mount_rele_slow(mp);
	else
		mount_count(mp, -1);
}

/*
 * Call fn with each mount in order of mounting, with mount_lock held, until it
 * returns an error, which is returned.
 */
int mount_foreach(int (*fn)(struct mount *, void *arg), void *arg);

/* All of them as seen from a root directory: /proc/mounts, mountinfo. */
void vfs_mounts(const struct cwdinfo *root, struct text *);
void vfs_mountinfo(const struct cwdinfo *root, struct text *);

/*
 * Where a process stands: working and root directory, held with their mounts.
 * Immutable; a change makes another one.
 */
struct cwdinfo {
	struct kref cwd_ref; /* first */
	struct mount *cwd_cmount;
	struct vnode *cwd_cdir;
	struct mount *cwd_rmount;
	struct vnode *cwd_rdir;
	struct smr_item cwd_smr;
};

/*
 * A walk has ended with EREMOTE: where on the host the path leads.  For fifos
 * and sockets that are here, a name without a slash that no other one has.
 * EINVAL for what else is here; errors of a walk.
 */
int vfs_hostpath(
    struct lwp *, int dirfd, const char *path, bool follow, char buf[PATH_MAX]);

/*
 * rump_pub_vfs_mapfd in a section; write: to be written through.  *lowerp:
 * changes would be another file's, which the host's will not show.
 */
int vfs_mapfd(
    struct lwp *, int fd, int prot, bool write, int *hostfd, bool *lowerp);

/*
 * What a file is that was just opened and is only read, else ENODEV; and the
 * host's file as above if *lowerp would be true, else HYPER_FILE_NONE.
 */
int vfs_opened(struct lwp *, int fd, struct stat *sb, int *hostfd);

/*
 * A directory of the host whose files are shown as they are, but for those with
 * some names: as long as the tree has the same number, and to whom it was said.
 */
#define HOSTDIR_PATH 256
#define HOSTDIR_BUT  511
struct hostdir {
	uint64_t hd_tree;
	dev_t hd_dev;	   /* what files show */
	dev_t hd_host;	   /* the host's, of files whose numbers are shown */
	uint64_t hd_ino;   /* what those have in their upper bits */
	uint64_t hd_inos;  /* and which bits are the host's */
	uint32_t hd_mount; /* through which it is seen */
	bool hd_isroot;	   /* may read what nobody may, and look anywhere */
	bool hd_links;	   /* files with several names are so, too */
	bool hd_setuid, hd_setgid;
	uid_t hd_uid; /* the owner that all files show, if hd_setuid */
	gid_t hd_gid;
	char hd_path[HOSTDIR_PATH];
	uint32_t hd_nbut;	  /* bytes of hd_but */
	char hd_but[HOSTDIR_BUT]; /* names, each with a NUL */
};

/* What has this name in it is not the host's: 0, or EBUSY: there are many. */
int hostdir_except(struct hostdir *, const char *name, size_t len);

/*
 * The directory that a path leads to, by l's rights.  Errors of walks,
 * EOPNOTSUPP, EBUSY: something is mounted there; EAGAIN: the tree is changing.
 */
int vfs_hostdir(struct lwp *, int dirfd, const char *path, struct hostdir *);

/*
 * Around what changes where paths lead to, who may go there, or which files of
 * a hostdir are the host's; any locks may be held.  vfs_tree is the number.
 */
void vfs_tree_begin(void);
void vfs_tree_end(void);
uint64_t vfs_tree(void);

/*
 * A file that was found so, and opened on the host to be read, with the number
 * that it showed, becomes a descriptor of the kernel's: ESTALE.
 */
int vfs_adopt(struct lwp *, uint32_t mount, const char *hostpath, ino_t ino,
    int flags, int *fdp);

/*
 * The path of a directory or, with a name, of what has that name in it, as
 * seen from a root directory: written to the end of buf, PATH_MAX bytes, and
 * terminated; *pathp is where it begins.  ENOENT if it is not below the root,
 * ENAMETOOLONG.
 */
int vfs_path(struct mount *, struct vnode *dvp, const struct cwdinfo *root,
    char *buf, const char **pathp);

/*
 * The same for a directory, or a file that has a name; for what is open as fd:
 * EBADF.
 */
int vfs_name(struct mount *, struct vnode *, const struct cwdinfo *root,
    char *buf, const char **pathp);
int vfs_fdpath(struct lwp *, int fd, char *buf, const char **pathp);

/*
 * A file that is executed, counted: as long as there is a reference nobody
 * opens it to write to it.  In a section, without locks.
 */
struct exefile;
void exefile_hold(struct exefile *);
void exefile_rele(struct exefile *);
int exefile_name(const struct exefile *, const struct cwdinfo *root, char *buf,
    const char **pathp); /* as vfs_name */
/* The host's file of its data. */
int exefile_hostfile(struct exefile *, int *hostfdp);

/*
 * A file that is to be executed on the host, by l's rights: its path as of
 * vfs_name, or "", and what its set-id bits say, UINT32_MAX: nothing.  The
 * reference to pg_exe is the caller's.  EACCES, ELOOP for a symbolic link that
 * is not to be followed, ENOMEM, ETXTBSY: somebody may write to it; errors of
 * walks.
 */
struct program {
	struct exefile *pg_exe;
	uid_t pg_uid;
	gid_t pg_gid;
	const char *pg_path;
	char pg_buf[PATH_MAX];
};
int vfs_program(
    struct lwp *, int dirfd, const char *path, bool follow, struct program *);

/* Open what fd is once more: EBADF, ENXIO for no file, those of open. */
int vfs_reopen(struct lwp *, int fd, int flags, int *newfd);

/*
 * The same for any file, with one of its names: "/a/b"; "/mnt/#3 (deleted)" for
 * what is gone, 3 being its inode number, "/mnt/#3" if no name is known; what
 * is not below the root is "(unreachable)".
 */
void vfs_describe(
    struct mount *, struct vnode *, const struct cwdinfo *root, struct text *);

/*
 * A path of the kernel's or out of mount data, from the root or working
 * directory of l: found, with references on mount and vnode.
 */
int vfs_lookup(
    struct lwp *, const char *path, struct mount **mpp, struct vnode **vpp);

/*
 * Boot: mount the root, make /dev and /tmp.  *cwdip is for the first process,
 * both of its directories the root, and the caller's reference.  ENOMEM.
 */
int vfs_init(struct cwdinfo **cwdip);

/* A vnode is made: one reference, the tree's, and those of va_count. */
static inline void
vnode_init(struct vnode *vp, const struct vnodeops *ops, struct super *sb,
    const struct vattr *va)
{
	vp->v_ops = ops;
	vp->v_super = sb;
	atomic_init(&vp->v_mode, va->va_mode);
	atomic_init(&vp->v_uid, va->va_uid);
	atomic_init(&vp->v_gid, va->va_gid);
	atomic_init(&vp->v_hint, 0);
	atomic_init(&vp->v_count, 1 + va->va_count);
	vp->v_lock = (struct krwlock){0};
}

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
	uint64_t old =
	    atomic_fetch_add_explicit(&vp->v_count, 1, memory_order_relaxed);

	KASSERT(old != 0);
	(void)old;
}

/* The caller found it in this section; false if it is dead. */
static inline bool
vnode_tryhold(struct vnode *vp)
{
	uint64_t n = atomic_load_explicit(&vp->v_count, memory_order_relaxed);

	do {
		if (unlikely(n == 0))
			return false;
	} while (!atomic_compare_exchange_weak_explicit(&vp->v_count, &n, n + 1,
	    memory_order_acquire, memory_order_relaxed));
	return true;
}

/* Does anybody hold it but the tree or cache that it is in? */
static inline bool
vnode_isheld(const struct vnode *vp)
{
	/* Acquire: what a holder did who is no more is seen. */
	return atomic_load_explicit(&vp->v_count, memory_order_acquire) != 1;
}

void vnode_reclaim(struct vnode *);

/* Drop n references and uses, of which one at least is a reference. */
static inline void
vnode_drop(struct vnode *vp, uint64_t n)
{
	/* acq_rel: every holder's use is over before it is taken apart. */
	if (atomic_fetch_sub_explicit(&vp->v_count, n, memory_order_acq_rel) ==
	    n)
		vnode_reclaim(vp);
}

static inline void
vnode_rele(struct vnode *vp)
{
	vnode_drop(vp, 1);
}

/*
 * A regular file is executed, or open to be written to, but not both: who
 * executes it uses it with -1, a writer with 1.
 */
static inline int32_t
vnode_uses(uint64_t count)
{
	return (int32_t)(count / VNODE_USE);
}

/* False: the other is the case.  The caller has a reference. */
static inline bool
vnode_use(struct vnode *vp, int32_t by)
{
	uint64_t n = atomic_load_explicit(&vp->v_count, memory_order_relaxed);

	do {
		if (unlikely(
			vnode_uses(n) != 0 && (vnode_uses(n) < 0) != (by < 0)))
			return false;
	} while (!atomic_compare_exchange_weak_explicit(&vp->v_count, &n,
	    n + (uint64_t)by * VNODE_USE, memory_order_relaxed,
	    memory_order_relaxed));
	return true;
}

/*
 * The caller found it in this section: n is 1, or 1 + VNODE_USE of a writer.
 * ENOENT: it is dead; ETXTBSY: it is executed.
 */
static inline int
vnode_trytake(struct vnode *vp, uint64_t n)
{
	uint64_t old = atomic_load_explicit(&vp->v_count, memory_order_relaxed);

	do {
		if (unlikely(old == 0))
			return ENOENT;
		if (unlikely(vnode_uses(old) < 0) && n > VNODE_USE)
			return ETXTBSY;
	} while (!atomic_compare_exchange_weak_explicit(&vp->v_count, &old,
	    old + n, memory_order_acquire, memory_order_relaxed));
	return 0;
}

static inline bool
vnode_isexecuted(struct vnode *vp)
{
	return vnode_uses(atomic_load_explicit(
		   &vp->v_count, memory_order_relaxed)) < 0;
}

static inline void
vnode_unuse(struct vnode *vp, int32_t by)
{
	atomic_fetch_sub_explicit(
	    &vp->v_count, (uint64_t)by * VNODE_USE, memory_order_relaxed);
}

/*
 * What becomes of a file's permission bits when somebody without the right
 * to set them writes to it.
 */
uint32_t vnode_mode_unset(const struct vnode *, const struct vwrite *);

static inline uint32_t
vnode_mode_written(const struct vnode *vp, const struct vwrite *vw)
{
	uint32_t mode = vnode_mode(vp);

	return likely((mode & (S_ISUID | S_ISGID)) == 0)
		   ? mode
		   : vnode_mode_unset(vp, vw);
}

/*
 * Until when an access leaves the access time alone, in seconds: for a day, if
 * it is after the last change, else INT64_MIN.  The rule of Linux's relatime.
 */
int64_t vfs_atime_good(const struct timespec *atime,
    const struct timespec *mtime, const struct timespec *ctime);

/* Set or clear flags of v_mode. */
void vnode_setflags(struct vnode *, uint32_t set, uint32_t clear);

/* fo_stat, and the end of fo_close, of a file that vop_open was called for. */
int vnode_fo_stat(struct lwp *, struct file *, struct stat *);
void vnode_fo_close(struct file *);

/* For vop_fifo: make a pipe.  fifo_rele drops it.  ENOMEM. */
int vnode_fifo_alloc(struct pipe **);

/*
 * The time for timestamps.  vfs_coarse_now is what the clock said at its last
 * tick, cheaply, but never before a time that vfs_now gave.
 */
void vfs_now(struct timespec *);
void vfs_coarse_now(struct timespec *);

/*
 * Seconds of the last time that anybody asked for: enough to see that a day
 * has gone by, and cheaper than the clock for every read.
 */
extern _Atomic int64_t vfs_now_seconds; /* relaxed: it orders nothing */

static inline int64_t
vfs_coarse_seconds(void)
{
	return atomic_load_explicit(&vfs_now_seconds, memory_order_relaxed);
}

/* Is a after b? */
static inline bool
vfs_later(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec
				      : a->tv_nsec > b->tv_nsec;
}

#endif /* VFS_VFS_H */
