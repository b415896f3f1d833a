/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files of src/vfs.
 */
#ifndef VFS_VFS_IMPL_H
#define VFS_VFS_IMPL_H

#include <rump/rump_mount.h>

#include "vfs/idmap.h"
#include "vfs/vfs.h"

/* Symbolic links followed in one walk, at most. */
#define NAMEI_MAXLINKS 40

/* What a path ends in. */
enum namei_last { LAST_NORM, LAST_ROOT, LAST_DOT, LAST_DOTDOT };

/*
 * The walk of a path: see namei.c.  Nothing in it is referenced; it is good
 * until the section ends.
 */
struct nameidata {
	struct lwp *ni_lwp;
	const struct cred *ni_cred;
	struct mount *ni_rmount; /* where "/" and ".." end: of the process */
	struct vnode *ni_root;
	int ni_dirfd;
	unsigned ni_wanted; /* NAMEI_*, from the caller */

	/*
	 * What was found, each beside what it becomes with the next name: two
	 * words that come one by one are not waited for as one wide one.
	 */
	struct vnode *ni_dvp; /* the directory the last name is in */
	struct vnode *ni_vp;
	struct mount *ni_dmount;
	struct mount *ni_mount;
	struct cname ni_cn; /* the last name, if ni_last is LAST_NORM */
	enum namei_last ni_last;
	bool ni_slash; /* the last name has a slash after it */

	/* The walk. */
	uint64_t ni_renames; /* that had ended when it began */
	unsigned ni_flags;   /* ni_wanted and what the path adds */
	unsigned ni_links;   /* symbolic links followed so far */
	unsigned ni_depth;   /* used of ni_rest */
	/* To walk after a link; after EREMOTE, from where the walk ended. */
	const char *ni_rest[NAMEI_MAXLINKS + 1];
	char ni_path[PATH_MAX + sizeof(uint64_t)];
};

#define NAMEI_FOLLOW	1u /* a symbolic link at the end too */
#define NAMEI_DIRECTORY 2u /* ENOTDIR if it ends in something else */
#define NAMEI_EMPTY	4u /* the empty path is dirfd itself */
/* As openat2's RESOLVE_*; EXDEV or, for links, ELOOP. */
#define NAMEI_BENEATH	 8u
#define NAMEI_INROOT	 16u
#define NAMEI_NOXDEV	 32u
#define NAMEI_NOSYMLINKS 64u
#define NAMEI_NOMAGIC	 128u
#define NAMEI_MOUNT	 256u /* what is mounted, wherever that is */

/*
 * namei_init, then namei_copyin: EFAULT, ENAMETOOLONG, ENOENT.  After that
 * one of the walks, any number of times:
 *
 *	namei		to the end: ni_mount, ni_vp
 *	namei_parent	to the last name, which is not looked up: ni_dmount,
 *			ni_dvp, ni_cn, ni_last, ni_slash
 *
 * Errors: EACCES, EBADF, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR; EREMOTE: the
 * walk has come to ni_mount, which is elsewhere.
 */
void namei_init(struct nameidata *, struct lwp *, int dirfd, unsigned wanted);
int namei_copyin(struct nameidata *, const char *upath);
int namei(struct nameidata *);
int namei_parent(struct nameidata *);

/* Instead of namei_copyin: a path of the kernel's.  ENAMETOOLONG, ENOENT. */
int namei_setpath(struct nameidata *, const char *path);

/*
 * From namei_parent on, one step: look up the last name.  If it is a symbolic
 * link and `follow', *linkp is its text, to go on with namei_continue, which
 * stops at the last name of that; else NULL.
 */
int namei_step(struct nameidata *, bool follow, const char **linkp);
int namei_continue(struct nameidata *, const char *link);

/* The last name, which is LAST_NORM, will be looked up, but not at once. */
static inline void
namei_prefetch(const struct nameidata *nd)
{
	if (likely(nd->ni_dvp->v_ops->vop_prefetch != NULL))
		nd->ni_dvp->v_ops->vop_prefetch(nd->ni_dvp, &nd->ni_cn);
}

/* All of the above for a path from a call. */
int namei_user(struct nameidata *, struct lwp *, int dirfd, const char *upath,
    unsigned wanted);

/* Which of the four a name is, LAST_ROOT apart. */
static inline enum namei_last
cname_kind(const struct cname *cn)
{
	if (likely(cn->cn_name[0] != '.') || cn->cn_len > 2)
		return LAST_NORM;
	if (cn->cn_len == 1)
		return LAST_DOT;
	return cn->cn_name[1] == '.' ? LAST_DOTDOT : LAST_NORM;
}

/* The hash's seed. */
void namei_boot(void);

/*
 * The vnode of a descriptor and its mount, unreferenced, good in this section.
 * EBADF; notvnode if it is something else.
 */
int fd_vnode(
    struct lwp *, int fd, int notvnode, struct mount **mpp, struct vnode **vpp);
/* The same of an open file, which is put. */
int fd_vnode_of(struct lwp *, struct file *, int notvnode, struct mount **mpp,
    struct vnode **vpp);
/* The same for a call that acts on the file itself: EBADF for O_PATH. */
int fd_vnode_open(
    struct lwp *, int fd, int notvnode, struct mount **mpp, struct vnode **vpp);

/*
 * Renames that have begun and ended: what is not found while the two differ
 * may have been on its way from one name to another.
 */
struct vfs_renames {
	_Atomic uint64_t vr_begun;
	_Atomic uint64_t vr_ended;
} __attribute__((aligned(CACHE_LINE)));

extern struct vfs_renames vfs_renames;

static inline void
vfs_rename_begin(void)
{
	/*
	 * Relaxed: who sees an entry gone, by an acquire load of what the file
	 * system released, sees this as well.
	 */
	atomic_fetch_add_explicit(
	    &vfs_renames.vr_begun, 1, memory_order_relaxed);
}

static inline void
vfs_rename_end(void)
{
	/* Pairs with the acquire in vfs_renames_ended. */
	atomic_fetch_add_explicit(
	    &vfs_renames.vr_ended, 1, memory_order_release);
}

static inline uint64_t
vfs_renames_ended(void)
{
	return atomic_load_explicit(
	    &vfs_renames.vr_ended, memory_order_acquire);
}

/* Has one been going on since vfs_renames_ended said so? */
static inline bool
vfs_renames_since(uint64_t ended)
{
	return atomic_load_explicit(
		   &vfs_renames.vr_begun, memory_order_relaxed) != ended;
}

/*
 * Permission: access.c
 */

/* May cr do it?  want: of R_OK, W_OK, X_OK.  EACCES, EPERM (V_IMMUTABLE). */
int vnode_access_slow(const struct mount *, const struct vnode *,
    const struct cred *, unsigned want);

/* The same with X_OK, for a directory that a walk goes through. */
static inline int
vnode_search(
    const struct mount *mp, const struct vnode *vp, const struct cred *cr)
{
	if (likely((vnode_mode(vp) & (0111 | V_ACL)) == 0111))
		return 0;
	return vnode_access_slow(mp, vp, cr, 1);
}

static inline int
vnode_access(const struct mount *mp, const struct vnode *vp,
    const struct cred *cr, unsigned want)
{
	uint32_t mode = vnode_mode(vp);

	/* The owner, who may. */
	if (likely(mp->mnt_idmap == NULL && cr->cr_fsuid == vnode_uid(vp) &&
		   (want & ~(mode >> 6)) == 0 && (mode & V_IMMUTABLE) == 0))
		return 0;
	return want == 0 ? 0 : vnode_access_slow(mp, vp, cr, want);
}

/* Is it cr's file, or may cr act as if?  Else EPERM. */
int
vnode_owner(const struct mount *, const struct vnode *, const struct cred *);

/* May cr set the set-group-id bit for a file shown with this group? */
bool cred_may_setgid(const struct cred *, gid_t gid);

/* EROFS if it is read-only. */
int mount_writable(const struct mount *);

/* May cr make an entry in dvp?  ENOENT if it is dead, EACCES. */
int dir_may_create(
    const struct mount *, const struct vnode *dvp, const struct cred *);

/*
 * May cr remove vp from dvp, as a directory or as something else?  EACCES,
 * EPERM (sticky bit, flags), ENOTDIR, EISDIR.
 */
int dir_may_remove(const struct mount *, const struct vnode *dvp,
    const struct vnode *vp, const struct cred *, bool isdir);

static inline bool
vnode_isdir(const struct vnode *vp)
{
	return vnode_type(vp) == S_IFDIR;
}

/* May a path lead through it?  What becomes of it changes the tree. */
static inline bool
vnode_leads(const struct vnode *vp)
{
	return vnode_isdir(vp) || vnode_type(vp) == S_IFLNK;
}

static inline bool
vnode_isdead(const struct vnode *vp)
{
	return (vnode_mode(vp) & V_DEAD) != 0;
}

/* Can the name be in dvp?  ENOENT if it is dead, ENAMETOOLONG. */
static inline int
cname_check(const struct cname *cn, const struct vnode *dvp)
{
	if (likely(cn->cn_len <= NAME_MAX))
		return 0;
	return vnode_isdead(dvp) ? ENOENT : ENAMETOOLONG;
}

/*
 * Attributes of a new file of cr's in dvp, va_mode being what was asked for:
 * umask or a default list applied, owner and group set.  EOVERFLOW if the mount
 * has no such ids.
 */
int vattr_new(struct vattr *va, const struct mount *, struct vnode *dvp,
    struct lwp *, const struct cred *);

/*
 * For AT_EMPTY_PATH: is it the empty path, which Linux lets be NULL then?
 * EFAULT.
 */
int path_isempty(const char *upath, bool *empty);

/*
 * Set times: of a path, or of an open file.  ts is UTIME_NOW or UTIME_OMIT, or
 * a time; flags are those of utimensat.
 */
int vfs_utimes(struct lwp *, int dirfd, const char *upath,
    const struct timespec ts[2], int flags);

/* What stat gives. */
int vnode_stat(const struct mount *, struct vnode *, struct stat *);
int vnode_size(struct vnode *, off_t *sizep);

/* It was not found by vop_lookup; see vop_refresh. */
static inline void
vnode_refresh(struct vnode *vp)
{
	if (unlikely(vp->v_ops->vop_refresh != NULL))
		vp->v_ops->vop_refresh(vp);
}

/* It has been read through this mount. */
static inline void
vnode_accessed(const struct mount *mp, struct vnode *vp)
{
	if (vp->v_ops->vop_accessed != NULL &&
	    likely((mount_flags(mp) & (MNT_NOATIME | MNT_RDONLY)) == 0))
		vp->v_ops->vop_accessed(vp);
}

/*
 * Make the file that nd's last name is to name; dvp is locked by this.
 * What vop_create and dir_may_create say.
 */
int vnode_create(struct nameidata *, struct vattr *, struct vnode **vpp);

/*
 * Remove nd's last name, as a directory or as something else; dvp and what the
 * name names are locked by this.
 */
int vnode_remove(struct nameidata *, bool isdir);

/* What the limits of l's process say about a write. */
struct vwrite vwrite_of(struct lwp *, const struct mount *);

/*
 * Mounts: mount.c.  All are called in a section, without locks.
 */

#define MOUNT_USERFLAGS \
	(MNT_RDONLY | MNT_NOSUID | MNT_NODEV | MNT_NOEXEC | MNT_NOATIME)

static inline struct mount *
mount_parent(struct mount *mp)
{
	return atomic_load_explicit(&mp->mnt_parent, memory_order_acquire);
}

static inline struct vnode *
mount_covered(struct mount *mp)
{
	return atomic_load_explicit(&mp->mnt_covered, memory_order_acquire);
}

/* What is mounted on vp as seen through `parent', or anywhere: NULL, false. */
struct mount *mount_find(struct mount *parent, struct vnode *vp);
bool mount_covers(struct vnode *vp);

/* Is something mounted on it?  Nothing will be while its v_lock is held. */
static inline bool
vnode_ismounted(struct vnode *vp)
{
	return (vnode_mode(vp) & V_MOUNTED) != 0 && mount_covers(vp);
}

/* A new device number for a super. */
dev_t mount_newdev(void);

/* Boot: the mount that everything is below. */
int mount_root(struct super *, struct mount **mpp);

/* A mount that is nowhere in the tree and stays.  ENOMEM. */
int mount_hidden(struct super *, struct mount **mpp);

/*
 * Show sb on ma's place: ma says from which vnode on (held, which is taken
 * over), how and where it came from.  ENOENT, ENOTDIR, EINVAL, ENOMEM; then
 * super_abort gives up a super that no mount shows, and the reference to its
 * root.
 */
int mount_attach(struct super *, const struct mountargs *, struct mount **mpp);
void super_abort(struct super *, struct vnode *root);

/* Make an instance and show it on ma's place. */
int mount_new(const struct vfsops *, struct mountargs *, struct mount **mpp);

/*
 * Take mp out of the tree: EBUSY if it is in use, unless force, which takes
 * everything on it out as well and lets go of it when nobody uses it any more.
 * EINVAL if it is out already.  The caller has a reference, which goes.
 */
int mount_remove(struct mount *, bool force);

/*
 * The first mount after the one with this mnt_id, in order of mounting, whose
 * super has something to write back; with a reference, or NULL.
 */
struct mount *mount_nextsync(uint32_t id);

/* The mount with this mnt_id, with a reference, or NULL. */
struct mount *mount_byid(uint32_t id);

/* statvfs of what it shows. */
int mount_statvfs(struct mount *, struct statvfs *);

/* Set its flags. */
void mount_change(struct mount *, uint32_t flags);

/* Directories of a process; references are made. */
int cwdi_new(struct mount *cmount, struct vnode *cdir, struct mount *rmount,
    struct vnode *rdir, struct cwdinfo **);

/* FS_IOC_GETFLAGS and FS_IOC_SETFLAGS; data is the caller's. */
int vnode_ioctl_flags(struct lwp *, const struct mount *, struct vnode *,
    unsigned long cmd, void *data);

/*
 * Open a file that was found without a path, and give it a descriptor.  flags
 * are those of open, O_CREAT is nothing here.  ESTALE if it is dead, and what
 * open says.
 */
int vnode_open_fd(
    struct lwp *, struct mount *, struct vnode *, int flags, int *fdp);

/*
 * The same for a file that was just made: nothing is asked, and the file takes
 * over the caller's reference on success.
 */
int vnode_open_made(
    struct lwp *, struct mount *, struct vnode *, int flags, int *fdp);

/* The same for a regular file that was opened elsewhere, to be read. */
int vnode_open_adopted(
    struct lwp *, struct mount *, struct vnode *, int flags, int *fdp);

/*
 * Set a file's length on behalf of l; vp is referenced and regular.  EFBIG,
 * EPERM.  always: change the times even if the length is the same.
 */
int vnode_truncate(struct lwp *, const struct mount *, struct vnode *,
    off_t length, bool always);

/*
 * The same of a file that is not open to be written to.  ETXTBSY: it is
 * executed.
 */
int vnode_truncate_path(struct lwp *, const struct mount *, struct vnode *,
    off_t length, bool always);

/*
 * As vnode_trytake, and vnode_use for a writer; but who executes it and has
 * ended is waited for.
 */
int vnode_open_begin(struct vnode *, uint64_t n);
int vnode_write_begin(struct vnode *);

/* How a vnode is used through a descriptor: by what was opened and how. */
extern const struct fileops vnops_fileops; /* regular file */
extern const struct fileops vnops_dirops;
extern const struct fileops vnops_pathops; /* O_PATH */

/* Open the pipe of fp's vnode into fp; sleeps. */
int vnode_open_fifo(struct lwp *, struct vnode *, int flags, struct file *fp);

/* Boot: what sysctl and the end of the kernel have to do with files. */
void vfs_sysctl_init(void);

#endif /* VFS_VFS_IMPL_H */
