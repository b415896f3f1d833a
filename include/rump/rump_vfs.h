/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files of the kernel without descriptors: vnodes, and the file systems and
 * mounts that they are in.  Included by <rump/rump.h>.
 *
 * A struct vnode here is a reference to a file as it was found, in the mount
 * through which it was found; it keeps both in use until rump_pub_vp_rele has
 * been called as often as it was given out or added to.  Permissions are
 * checked for the process of the calling context, or for the credential that
 * a componentname was made with.  All functions return 0 or an errno unless
 * they say otherwise; ENXIO before boot.  (names and meaning: BSD)
 */
#ifndef RUMP_RUMP_VFS_H
#define RUMP_RUMP_VFS_H

#include <sys/statvfs.h>
#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct componentname;
struct cred;
struct lwp;
struct mount;
struct uio;
struct vattr;
struct vfsops;
struct vnode;

/* The type of a file. */
enum rump_vtype {
	RUMP_VNON,
	RUMP_VREG,
	RUMP_VDIR,
	RUMP_VBLK,
	RUMP_VCHR,
	RUMP_VLNK,
	RUMP_VSOCK,
	RUMP_VFIFO,
	RUMP_VBAD,
};

/*
 * Finding files
 */

/* What a name is looked up for. */
#define RUMP_NAMEI_LOOKUP 0u /* the file must be there */
#define RUMP_NAMEI_CREATE 1u /* it may be missing: then *vpp is NULL */
#define RUMP_NAMEI_DELETE 2u /* the same as LOOKUP, links not followed */
#define RUMP_NAMEI_RENAME 3u

#define RUMP_NAMEI_NOFOLLOW   0x00u
#define RUMP_NAMEI_FOLLOW     0x40u /* a symbolic link at the end, too */
#define RUMP_NAMEI_LOCKLEAF   0x04u /* no effect: no lock outlasts a call */
#define RUMP_NAMEI_LOCKPARENT 0x08u /* no effect: see dvpp */

/*
 * Look up a path.  vpp, dvpp and cnpp may be NULL; else they get the file, the
 * directory that its last name is in, and that name.  A path that ends in a
 * root, "." or ".." has no last name: EINVAL if dvpp or cnpp are wanted.
 * Errors of path resolution; EINVAL for other operations or flags.
 */
int rump_pub_namei(uint32_t op, uint32_t flags, const char *path,
    struct vnode **dvpp, struct vnode **vpp, struct componentname **cnpp);

/*
 * A name of namelen bytes, copied, for the calls that take one, with the
 * credential (or NULL: the caller's) for their checks.  l is not used.  NULL
 * without memory or for a name that cannot be one (empty, too long, "/").
 * freecn with RUMPCN_FREECRED puts the credential, too.
 */
#define RUMPCN_FREECRED 0x02
struct componentname *
rump_pub_makecn(unsigned long nameiop, unsigned long flags, const char *name,
    size_t namelen, struct cred *cred, struct lwp *l);
void rump_pub_freecn(struct componentname *cnp, int flags);

/*
 * Vnodes
 */

/* One reference more; getref is the same and returns 0. */
void rump_pub_vp_incref(struct vnode *vp);
int rump_pub_vp_getref(struct vnode *vp);
/* One reference less. */
void rump_pub_vp_rele(struct vnode *vp);
/* No effect: a reference needs no lock to be used. */
void rump_pub_vp_interlock(struct vnode *vp);

/* The type, size and device number of a file. */
int rump_pub_getvninfo(
    struct vnode *vp, enum rump_vtype *type, off_t *size, dev_t *rdev);

/*
 * Attributes for a file that is to be made: type RUMP_VREG, mode 0 and no
 * device number at first.  NULL without memory.
 */
struct vattr *rump_pub_vattr_init(void);
void rump_pub_vattr_settype(struct vattr *vap, enum rump_vtype type);
void rump_pub_vattr_setmode(struct vattr *vap, mode_t mode);
void rump_pub_vattr_setrdev(struct vattr *vap, dev_t rdev);
void rump_pub_vattr_free(struct vattr *vap);

/*
 * Operations on vnodes, with the checks and errors of the system calls that
 * they belong to: openat, mkdirat, mknodat, unlinkat, pread, pwrite.  A file
 * that is made belongs to the credential of the name.
 */
int rump_pub_vop_lookup(
    struct vnode *dvp, struct vnode **vpp, struct componentname *cnp);
/* What vap says: a regular file, a directory, a device, a fifo, a socket. */
int rump_pub_vop_create(struct vnode *dvp, struct vnode **vpp,
    struct componentname *cnp, struct vattr *vap);
int rump_pub_vop_symlink(struct vnode *dvp, struct vnode **vpp,
    struct componentname *cnp, const char *target);
int rump_pub_vop_remove(struct vnode *dvp, struct componentname *cnp);
int rump_pub_vop_rmdir(struct vnode *dvp, struct componentname *cnp);
/*
 * Of a regular file, from or to the offset of the transfer, which moves on.
 * Like an open file, permitted to cred (NULL: the caller's).
 */
int rump_pub_vop_read(struct vnode *vp, struct uio *uio, struct cred *cred);
int rump_pub_vop_write(struct vnode *vp, struct uio *uio, struct cred *cred);

/*
 * File systems and mounts
 *
 * A struct mount is a number in disguise: one that has been unmounted is
 * recognised and gives ESTALE.
 */

/* The types there are, by name; NULL: the first, after the last: NULL. */
struct vfsops *rump_pub_vfslist_iterate(struct vfsops *ops);
struct vfsops *rump_pub_vfs_getopsbyname(const char *name);
const char *rump_pub_vfs_getname(const struct vfsops *ops);

/* The mount that a path is in. */
int rump_pub_vfs_getmp(const char *path, struct mount **mpp);
/* As unmount(2): flags are MNT_FORCE, MNT_DETACH. */
int rump_pub_vfs_unmount(struct mount *mp, int flags);
/* Its root directory; lock has no effect. */
int rump_pub_vfs_root(struct mount *mp, struct vnode **vpp, int lock);
int rump_pub_vfs_statvfs(struct mount *mp, struct statvfs *sbp);
/* Make everything in it safe; waitfor has no effect: it always waits. */
int rump_pub_vfs_sync(struct mount *mp, int waitfor, struct cred *cred);
/* The same for all mounts. */
void rump_pub_vfs_syncwait(void);
/* Say on the console what is mounted at path, with its options if full. */
void rump_pub_vfs_mount_print(const char *path, int full);

/*
 * A file as bytes, and back, as long as it is there: *fidsize is the room in
 * fid, and how much of it is used; E2BIG if it is too small (16 are enough).
 * ESTALE for a file that is gone, EOPNOTSUPP where there is no such thing.
 */
struct fid;
int rump_pub_vfs_vptofh(struct vnode *vp, struct fid *fid, size_t *fidsize);
int rump_pub_vfs_fhtovp(struct mount *mp, struct fid *fid, struct vnode **vpp);

/* Control of extended attributes: nothing is to be controlled, EOPNOTSUPP. */
int rump_pub_vfs_extattrctl(struct mount *mp, int cmd, struct vnode *vp,
    int attrnamespace, const char *attrname);

#ifdef __cplusplus
}
#endif

#endif /* RUMP_RUMP_VFS_H */
