/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files of the kernel without descriptors: vnodes, and the file systems and
 * mounts that they are in.  Included by <rump/rump.h>.
 *
 * A struct vnode here is a reference to a file as it was found, in the mount
 * through which it was found; it keeps both in use until rump_pub_vp_rele has
 * been called as often as it was given out or added to.  Permissions are
 * checked for the process of the calling context, or for the credential that
 * a componentname was made with.  Functions of type int return 0 or an errno
 * and do not set errno: ENXIO before boot, ENOMEM, and those that are named
 * below.  Names and meaning are those of the BSDs.  Manual page: rump_vfs(3).
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

/* The type, size in bytes and device number (or 0) of a file. */
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
 * they belong to: openat, mkdirat, mknodat, symlinkat, unlinkat, pread, pwrite.
 * A file that is made belongs to the credential of the name; the mask of the
 * calling process is heeded.  ENOTDIR if dvp is none.  *vpp is for the caller
 * to release.
 */
/* The file with that name: a symbolic link itself, what is mounted there. */
int rump_pub_vop_lookup(
    struct vnode *dvp, struct vnode **vpp, struct componentname *cnp);
/*
 * Make what vap says: a regular file, a directory, a device, a fifo, a socket;
 * EINVAL for anything else.
 */
int rump_pub_vop_create(struct vnode *dvp, struct vnode **vpp,
    struct componentname *cnp, struct vattr *vap);
/* Make a link; ENOENT if target is empty, ENAMETOOLONG from PATH_MAX on. */
int rump_pub_vop_symlink(struct vnode *dvp, struct vnode **vpp,
    struct componentname *cnp, const char *target);
/* Remove a name of what is no directory; remove an empty directory. */
int rump_pub_vop_remove(struct vnode *dvp, struct componentname *cnp);
int rump_pub_vop_rmdir(struct vnode *dvp, struct componentname *cnp);
/*
 * Move data of a regular file, from or to the offset of the transfer, which
 * follows, as far as cred (NULL: the caller's) may.  EISDIR for a directory,
 * EINVAL for other files, a transfer of the other kind or a negative offset.
 */
int rump_pub_vop_read(struct vnode *vp, struct uio *uio, struct cred *cred);
int rump_pub_vop_write(struct vnode *vp, struct uio *uio, struct cred *cred);

/*
 * Mapping a file
 *
 * *hostfd becomes a descriptor of the host, for the caller to map with
 * mmap(2) and to close, on a file that has the data of the regular file which
 * the kernel's descriptor fd is open on, at the same offsets: reads, writes
 * and truncations through the kernel and through shared mappings are of one
 * another's data.  prot and flags are those of the mmap that is to come
 * (PROT_*, MAP_SHARED, MAP_SHARED_VALIDATE or MAP_PRIVATE); *hostfd is open for
 * writing if data of a shared mapping is to be written.
 *
 * The data of a file in the kernel's memory moves to the host's memory when
 * it is mapped first, and still counts as the kernel's (RUMP_MEMLIMIT, the
 * size of a tmpfs); holes count too, since a mapping can fill them.  Files of
 * the host (hostfs) are mapped as they are.  Of a file in a lower layer of an
 * overlay a mapping that is not shared and writable keeps showing the lower
 * file when that is copied up.  Times of modification do not follow what is
 * written through mappings.
 *
 * EBADF; EACCES: fd is not open for reading, or for writing, or the file is
 * append-only; EPERM: PROT_EXEC of a file on a mount without, or a sealed
 * file; ENODEV: a file that cannot be mapped; EINVAL; EMFILE, ENFILE, ENOMEM
 * and ENOSPC.  As mmap(2) on Linux.
 */
int rump_pub_vfs_mapfd(int fd, int prot, int flags, int *hostfd);

/*
 * File systems and mounts
 *
 * A struct mount is a number in disguise: one that has been unmounted is
 * recognised and gives ESTALE.
 */

/*
 * The types of file systems there are, before boot too: the one after ops
 * (NULL: the first), NULL after the last; the one of this name, or NULL; the
 * name of one.
 */
struct vfsops *rump_pub_vfslist_iterate(struct vfsops *ops);
struct vfsops *rump_pub_vfs_getopsbyname(const char *name);
const char *rump_pub_vfs_getname(const struct vfsops *ops);

/* The mount that a path is in.  Errors of path resolution. */
int rump_pub_vfs_getmp(const char *path, struct mount **mpp);
/*
 * Unmount it; flags are RUMP_MNT_FORCE and RUMP_MNT_DETACH.  EBUSY, EINVAL,
 * EPERM: rump_mount(3).
 */
int rump_pub_vfs_unmount(struct mount *mp, int flags);
/* Its root directory, for the caller to release; lock has no effect. */
int rump_pub_vfs_root(struct mount *mp, struct vnode **vpp, int lock);
/* Its space, limits and flags, as statvfs(3). */
int rump_pub_vfs_statvfs(struct mount *mp, struct statvfs *sbp);
/*
 * Make everything in it safe, and wait for that; waitfor and cred have no
 * effect.
 */
int rump_pub_vfs_sync(struct mount *mp, int waitfor, struct cred *cred);
/* The same for all mounts. */
void rump_pub_vfs_syncwait(void);
/* Say on the console what mount path is in, with its options if full. */
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
