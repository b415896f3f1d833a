/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files of src/vfs.
 */
#ifndef VFS_VFS_IMPL_H
#define VFS_VFS_IMPL_H

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
	struct vnode *ni_root; /* of the process */
	int ni_dirfd;
	unsigned ni_wanted; /* NAMEI_*, from the caller */

	/* What was found. */
	struct vnode *ni_dvp; /* the directory the last name is in */
	struct vnode *ni_vp;
	struct cname ni_cn; /* the last name, if ni_last is LAST_NORM */
	enum namei_last ni_last;
	bool ni_slash; /* the last name has a slash after it */

	/* The walk. */
	uint64_t ni_renames; /* that had ended when it began */
	unsigned ni_flags;   /* ni_wanted and what the path adds */
	unsigned ni_links;   /* symbolic links followed so far */
	unsigned ni_depth;   /* used of ni_rest */
	const char *ni_rest[NAMEI_MAXLINKS]; /* to walk after a link */
	char ni_path[PATH_MAX + sizeof(uint64_t)];
};

#define NAMEI_FOLLOW	1u /* a symbolic link at the end too */
#define NAMEI_DIRECTORY 2u /* ENOTDIR if it ends in something else */
#define NAMEI_EMPTY	4u /* the empty path is dirfd itself */

/*
 * namei_init, then namei_copyin: EFAULT, ENAMETOOLONG, ENOENT.  After that
 * one of the walks, any number of times:
 *
 *	namei		to the end: ni_vp
 *	namei_parent	to the last name, which is not looked up: ni_dvp,
 *			ni_cn, ni_last, ni_slash
 *
 * Errors: EACCES, EBADF, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR.
 */
void namei_init(struct nameidata *, struct lwp *, int dirfd, unsigned wanted);
int namei_copyin(struct nameidata *, const char *upath);
int namei(struct nameidata *);
int namei_parent(struct nameidata *);

/*
 * From namei_parent on, one step: look up the last name.  If it is a symbolic
 * link and `follow', *linkp is its text, to go on with namei_continue, which
 * stops at the last name of that; else NULL.
 */
int namei_step(struct nameidata *, bool follow, const char **linkp);
int namei_continue(struct nameidata *, const char *link);

/* All of the above for a path from a call. */
int namei_user(struct nameidata *, struct lwp *, int dirfd, const char *upath,
    unsigned wanted);

/* The hash's seed, and a name that does not come from a path. */
void namei_boot(void);
void cname_init(struct cname *, const char *name, size_t len);

/*
 * The vnode of a descriptor, unreferenced, good in this section.  EBADF;
 * notvnode if it is something else.
 */
int fd_vnode(struct lwp *, int fd, int notvnode, struct vnode **vpp);
/* The same for a call that acts on the file itself: EBADF for O_PATH. */
int fd_vnode_open(struct lwp *, int fd, int notvnode, struct vnode **vpp);

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

/* Permission */

/* May cr do it?  want: of R_OK, W_OK, X_OK.  0 or EACCES. */
int vnode_access_slow(
    const struct vnode *, const struct cred *, unsigned want);

/* The same with X_OK, for a directory that a walk goes through. */
static inline int
vnode_search(const struct vnode *vp, const struct cred *cr)
{
	if (likely((vnode_mode(vp) & 0111) == 0111))
		return 0;
	return vnode_access_slow(vp, cr, 1);
}

static inline int
vnode_access(const struct vnode *vp, const struct cred *cr, unsigned want)
{
	return want == 0 ? 0 : vnode_access_slow(vp, cr, want);
}

/* Is it cr's file, or may cr act as if?  Else EPERM. */
int vnode_owner(const struct vnode *, const struct cred *);

/* May cr set the set-group-id bit for a file of this group? */
bool cred_may_setgid(const struct cred *, gid_t gid);

/* May cr make an entry in dvp?  ENOENT if it is dead, EACCES. */
int dir_may_create(const struct vnode *dvp, const struct cred *);

/*
 * May cr remove vp from dvp, as a directory or as something else?  EACCES,
 * EPERM (sticky bit), ENOTDIR, EISDIR.
 */
int dir_may_remove(const struct vnode *dvp, const struct vnode *vp,
    const struct cred *, bool isdir);

static inline bool
vnode_isdir(const struct vnode *vp)
{
	return vnode_type(vp) == S_IFDIR;
}

static inline bool
vnode_isdead(const struct vnode *vp)
{
	return (vnode_mode(vp) & V_DEAD) != 0;
}

/* Attributes of a new file of cr's in dvp: type and mode, umask applied. */
void vattr_new(struct vattr *, const struct vnode *dvp, struct lwp *,
    const struct cred *, mode_t mode);

void vnode_stat(struct vnode *, struct stat *);

/*
 * Make the file that nd's last name is to name; dvp is locked by this.
 * EEXIST and what vop_create and dir_may_create say.  With a reference for
 * the caller if `ref'.
 */
int vnode_create(
    struct nameidata *, struct vattr *, bool ref, struct vnode **vpp);

int cwdi_new(struct vnode *cdir, struct vnode *rdir, struct cwdinfo **);

/*
 * Set a file's length on behalf of l; vp is referenced and regular.  EFBIG.
 * always: change the times even if the length is the same.
 */
int vnode_truncate(
    struct vnode *, struct lwp *, off_t length, bool always);

/* How a vnode is used through a descriptor: by what was opened and how. */
extern const struct fileops vnops_fileops; /* regular file */
extern const struct fileops vnops_dirops;
extern const struct fileops vnops_pathops; /* O_PATH */

/* Open vp's pipe into fp; sleeps.  vp is referenced, fp takes that over. */
int vnode_open_fifo(
    struct lwp *, struct vnode *, int flags, struct file *fp);

#endif /* VFS_VFS_IMPL_H */
