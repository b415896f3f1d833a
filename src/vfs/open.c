/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * open, openat and openat2.
 */
#include <linux/openat2.h>

#include "kern/largefile.h"
#include "sysproto.h"
#include "vfs/dev.h"
#include "vfs/inotify.h"

#define OPEN_TMPFILE (O_TMPFILE & ~O_DIRECTORY)

/* Others are ignored. */
#define OPEN_KNOWN                                                      \
	(O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | \
	    O_NONBLOCK | O_DSYNC | O_SYNC | O_ASYNC | O_DIRECT |        \
	    KERN_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME |     \
	    O_CLOEXEC | O_PATH | OPEN_TMPFILE)
/* These are not remembered. */
#define OPEN_ONCE (O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC)

struct openargs {
	int oa_flags;
	unsigned oa_access; /* permissions it takes: R_OK, W_OK */
	bool oa_writes;	    /* a regular file may be written to, if only now */
	mode_t oa_mode;	    /* of a file that is made */
	struct lwp *oa_lwp;
	unsigned oa_namei; /* NAMEI_* */
};

/* What was found has died: walk again. */
#define OPEN_AGAIN (-1)

static int
open_decode(struct lwp *l, int flags, mode_t mode, struct openargs *oa)
{
	static const unsigned access[] = {R_OK, W_OK, R_OK | W_OK, R_OK | W_OK};

	flags &= OPEN_KNOWN;
	if ((flags & O_PATH) != 0)
		flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	else
		flags |= KERN_LARGEFILE;
	oa->oa_lwp = l;
	oa->oa_flags = flags;
	oa->oa_mode = S_IFREG | (mode & 07777);
	oa->oa_access = access[flags & O_ACCMODE];
	if ((flags & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY))
		return EINVAL;
	if ((flags & OPEN_TMPFILE) != 0 &&
	    ((flags & O_DIRECTORY) == 0 || (oa->oa_access & W_OK) == 0))
		return EINVAL;
	/* As file_writable; mode 3 is not. */
	oa->oa_writes = (((unsigned)flags + 1) & (O_PATH | 2)) == 2;
	if ((flags & O_TRUNC) != 0) {
		oa->oa_access |= W_OK;
		oa->oa_writes = true;
	}
	oa->oa_namei = ((flags & O_NOFOLLOW) == 0 ? NAMEI_FOLLOW : 0) |
		       ((flags & O_DIRECTORY) != 0 ? NAMEI_DIRECTORY : 0);
	return 0;
}

/*
 * O_CREAT in a directory like /tmp does not open what somebody else has put
 * there, unless it is a regular file or a fifo.
 */
static int
open_check_sticky(const struct nameidata *nd)
{
	const struct vnode *dvp = nd->ni_dvp, *vp = nd->ni_vp;
	uint32_t mode = vnode_mode(vp);
	uid_t uid = mount_uid(nd->ni_mount, vnode_uid(vp));

	if ((vnode_mode(dvp) & (S_ISVTX | S_IWOTH)) != (S_ISVTX | S_IWOTH) ||
	    S_ISREG(mode) || S_ISFIFO(mode) ||
	    uid == mount_uid(nd->ni_dmount, vnode_uid(dvp)) ||
	    uid == nd->ni_cred->cr_fsuid)
		return 0;
	return EACCES;
}

/* Flags of the file that forbid what it is opened for. */
static int
open_check_flags(const struct openargs *oa, const struct vnode *vp)
{
	if ((vnode_mode(vp) & V_APPEND) == 0)
		return 0;
	if ((oa->oa_access & W_OK) != 0 && (oa->oa_flags & O_APPEND) == 0)
		return EPERM;
	return (oa->oa_flags & O_TRUNC) != 0 ? EPERM : 0;
}

/* What kinds of files and mounts do not allow. */
static int
open_check_type(const struct nameidata *nd, const struct openargs *oa,
    const struct vnode *vp)
{
	switch (vnode_type(vp)) {
	case S_IFLNK:
		return ELOOP;
	case S_IFDIR:
		return (oa->oa_access & W_OK) != 0 ? EISDIR : 0;
	case S_IFCHR:
	case S_IFBLK:
		return (mount_flags(nd->ni_mount) & MNT_NODEV) != 0 ? EACCES
								    : 0;
	case S_IFREG:
		return (oa->oa_flags & O_TRUNC) != 0
			   ? mount_writable(nd->ni_mount)
			   : 0;
	}
	return 0;
}

/* May nd's file, which was there before, be opened so? */
static int
open_check(const struct nameidata *nd, const struct openargs *oa)
{
	const struct vnode *vp = nd->ni_vp;
	int error;

	if ((oa->oa_flags & O_CREAT) != 0) {
		if (vnode_isdir(vp))
			return EISDIR;
		if ((error = open_check_sticky(nd)) != 0)
			return error;
	}
	if ((nd->ni_flags & NAMEI_DIRECTORY) != 0 && !vnode_isdir(vp))
		return ENOTDIR;
	if ((oa->oa_flags & O_PATH) != 0)
		return 0;
	if ((error = open_check_type(nd, oa, vp)) != 0 ||
	    (error = vnode_access(
		 nd->ni_mount, vp, nd->ni_cred, oa->oa_access)) != 0 ||
	    (error = open_check_flags(oa, vp)) != 0)
		return error;
	if ((oa->oa_flags & O_NOATIME) != 0 &&
	    (error = vnode_owner(nd->ni_mount, vp, nd->ni_cred)) != 0)
		return error;
	if ((oa->oa_flags & O_DIRECT) != 0 && vnode_isdir(vp))
		return EINVAL;
	if ((oa->oa_access & W_OK) != 0 && S_ISREG(vnode_mode(vp)))
		return mount_writable(nd->ni_mount);
	return 0;
}

/* What opening *fpp's vnode takes, if it is not just a file in memory. */
static __attribute__((noinline)) int
open_special(const struct openargs *oa, struct vnode *vp, struct file **fpp)
{
	struct file *fp = *fpp;
	uint32_t type = vnode_type(vp);

	if (type == S_IFIFO && (proc_flags(oa->oa_lwp->l_proc) & PF_HOSTED))
		return EREMOTE;
	if (type == S_IFIFO && vp->v_ops->vop_fifo != NULL)
		return vnode_open_fifo(oa->oa_lwp, vp, oa->oa_flags, fp);
	if (vp->v_ops->vop_open != NULL)
		return vp->v_ops->vop_open(
		    oa->oa_lwp, vp, oa->oa_flags, fp, fpp);
	switch (type) {
	case S_IFCHR:
	case S_IFBLK:
		return dev_open(oa->oa_lwp, vp, oa->oa_flags, fp, fpp);
	case S_IFSOCK:
		return ENXIO;
	}
	return 0;
}

/* Of v_count: what an open file has, while it is opened at least. */
static uint64_t
open_count(const struct openargs *oa, uint32_t mode)
{
	return oa->oa_writes && S_ISREG(mode) ? 1 + VNODE_USE : 1;
}

/* What nd found is to be opened.  OPEN_AGAIN if it is dead; ETXTBSY. */
static int
open_hold(const struct nameidata *nd, uint64_t count)
{
	int error = vnode_open_begin(nd->ni_vp, count);

	if (error != 0)
		return error == ENOENT ? OPEN_AGAIN : error;
	if (mount_tryhold(nd->ni_mount))
		return 0;
	vnode_drop(nd->ni_vp, count);
	return OPEN_AGAIN;
}

static void
open_rele(struct mount *mp, struct vnode *vp, uint64_t count)
{
	vnode_drop(vp, count);
	mount_rele(mp);
}

static void
file_fill(struct file *fp, int flags, struct mount *mp, struct vnode *vp)
{
	atomic_store_explicit(
	    &fp->f_flags, (uint32_t)(flags & ~OPEN_ONCE), memory_order_relaxed);
	fp->f_mount = mp;
	fp->f_vnode = vp;
	fp->f_type = DTYPE_VNODE;
	fp->f_ops = (flags & O_PATH) != 0 ? &vnops_pathops
		    : vnode_isdir(vp)	  ? &vnops_dirops
					  : &vnops_fileops;
}

/* What opening *fpp's file takes beyond its being filled in. */
static int
open_filled(const struct openargs *oa, struct mount *mp, struct vnode *vp,
    bool made, struct file **fpp)
{
	uint32_t type = vnode_type(vp);
	int error = 0;

	if (unlikely(type != S_IFREG || vp->v_ops->vop_open != NULL))
		error = open_special(oa, vp, fpp);
	if (error != 0)
		return error;
	inotify_used(vp, IN_OPEN);
	if (unlikely((oa->oa_flags & O_TRUNC) != 0) && type == S_IFREG && !made)
		error = vnode_truncate(oa->oa_lwp, mp, vp, 0, true);
	return error;
}

/*
 * Make *fpp an open file of the vnode as seen through the mount; it takes over
 * what the caller has of them on success.
 */
static inline __attribute__((always_inline)) int
open_file(const struct openargs *oa, struct mount *mp, struct vnode *vp,
    uint64_t count, bool made, struct file **fpp)
{
	struct file *fp = *fpp;
	int error;

	file_fill(fp, oa->oa_flags, mp, vp);
	if ((oa->oa_flags & O_PATH) != 0)
		return 0;
	fp->f_writes = count != 1 && file_writable(fp);
	error = open_filled(oa, mp, vp, made, fpp);
	/* It was for O_TRUNC only. */
	if (unlikely(count != 1 && !fp->f_writes) && error == 0)
		vnode_unuse(vp, 1);
	return error;
}

/* What nd found.  OPEN_AGAIN if it has died since. */
static int
open_found(struct nameidata *nd, const struct openargs *oa, struct file **fpp)
{
	struct vnode *vp = nd->ni_vp;
	uint64_t count = open_count(oa, vnode_mode(vp));
	int error;

	if ((error = open_check(nd, oa)) != 0 ||
	    (error = open_hold(nd, count)) != 0)
		return error;
	error = open_file(oa, nd->ni_mount, vp, count, false, fpp);
	if (error != 0)
		open_rele(nd->ni_mount, vp, count);
	return error;
}

static int
open_make(struct nameidata *nd, const struct openargs *oa, struct file **fpp)
{
	struct vattr va = {
	    .va_mode = oa->oa_mode, .va_count = open_count(oa, oa->oa_mode)};
	struct vnode *vp;
	int error;

	if (!mount_tryhold(nd->ni_dmount))
		return OPEN_AGAIN;
	if ((error = vnode_create(nd, &va, &vp)) != 0)
		mount_rele(nd->ni_dmount);
	else if ((error = open_file(
		      oa, nd->ni_dmount, vp, va.va_count, true, fpp)) != 0)
		open_rele(nd->ni_dmount, vp, va.va_count);
	return error;
}

/* With O_CREAT: to the last name, through links, unless O_EXCL is set. */
static int
open_creat(struct nameidata *nd, const struct openargs *oa, struct file **fpp)
{
	bool excl = (oa->oa_flags & O_EXCL) != 0;
	bool follow = !excl && (oa->oa_flags & O_NOFOLLOW) == 0;
	const char *link = NULL;
	int error;

	if ((error = namei_parent(nd)) != 0)
		return error;
	for (;;) {
		if (nd->ni_last == LAST_NORM && nd->ni_slash)
			return EISDIR;
		if (nd->ni_last == LAST_NORM && excl)
			return open_make(nd, oa, fpp);
		error = namei_step(nd, follow, &link);
		if (error == ENOENT && nd->ni_last == LAST_NORM) {
			error = open_make(nd, oa, fpp);
			/* Somebody else made it meanwhile. */
			return error == EEXIST ? OPEN_AGAIN : error;
		}
		if (error != 0)
			return error;
		if (link == NULL)
			break;
		if ((error = namei_continue(nd, link)) != 0)
			return error;
	}
	return excl ? EEXIST : open_found(nd, oa, fpp);
}

/* O_TMPFILE: a file without a name, in the directory that nd leads to. */
static int
open_tmpfile(struct nameidata *nd, const struct openargs *oa, struct file **fpp)
{
	struct vattr va = {.va_mode = oa->oa_mode};
	uint64_t count = 1;
	struct vnode *dvp, *vp;
	int error;

	if ((error = namei(nd)) != 0 ||
	    (error = mount_writable(nd->ni_mount)) != 0)
		return error;
	dvp = nd->ni_vp;
	if (dvp->v_ops->vop_tmpfile == NULL)
		return EOPNOTSUPP;
	rw_enter_write(&dvp->v_lock);
	error = dir_may_create(nd->ni_mount, dvp, nd->ni_cred);
	if (error == 0)
		error =
		    vattr_new(&va, nd->ni_mount, dvp, nd->ni_lwp, nd->ni_cred);
	if (error == 0)
		error = dvp->v_ops->vop_tmpfile(
		    dvp, &va, (oa->oa_flags & O_EXCL) == 0, &vp);
	rw_exit_write(&dvp->v_lock);
	if (error != 0)
		return error;
	if (!mount_tryhold(nd->ni_mount)) {
		vnode_rele(vp);
		return ENOENT;
	}
	if (oa->oa_writes && (error = vnode_write_begin(vp)) == 0)
		count += VNODE_USE;
	if (error == 0)
		error = open_file(oa, nd->ni_mount, vp, count, true, fpp);
	if (error != 0)
		open_rele(nd->ni_mount, vp, count);
	return error;
}

static int
open_path(struct nameidata *nd, const struct openargs *oa, struct file **fpp)
{
	int error;

	if ((oa->oa_flags & OPEN_TMPFILE) != 0)
		return open_tmpfile(nd, oa, fpp);
	/* Again, if what was found is gone when we take hold of it. */
	do {
		if ((oa->oa_flags & O_CREAT) != 0)
			error = open_creat(nd, oa, fpp);
		else if ((error = namei(nd)) == 0)
			error = open_found(nd, oa, fpp);
	} while (error == OPEN_AGAIN);
	return error;
}

/* Open what nd leads to, by open_path or open_found, as a descriptor. */
static int
open_fd(struct lwp *l, struct nameidata *nd, const struct openargs *oa,
    int (*open)(struct nameidata *, const struct openargs *, struct file **),
    int *retval)
{
	struct file *fp, *opened;
	int fd, error;

	if ((error = fd_alloc(l, 0, &fd)) != 0)
		return error;
	if ((error = file_alloc(l, &fp)) != 0)
		goto abort_fd;
	opened = fp;
	if ((error = open(nd, oa, &opened)) != 0)
		goto abort_file;
	if (unlikely(opened != fp))
		file_rele(fp);
	fd_affix(l, fd, opened, (oa->oa_flags & O_CLOEXEC) != 0);
	*retval = fd;
	return 0;

abort_file:
	file_abort(fp);
abort_fd:
	fd_abort(l, fd);
	return error;
}

static int
open_at(struct lwp *l, int dirfd, const char *path, const struct openargs *oa,
    int *retval)
{
	struct nameidata nd;
	int error;

	namei_init(&nd, l, dirfd, oa->oa_namei);
	if ((error = namei_copyin(&nd, path)) != 0)
		return error;
	return open_fd(l, &nd, oa, open_path, retval);
}

/*
 * What nd was given was made for this.  As on Linux it can be executed while it
 * is open.
 */
static int
open_made(struct nameidata *nd, const struct openargs *oa, struct file **fpp)
{
	file_fill(*fpp, oa->oa_flags, nd->ni_mount, nd->ni_vp);
	return open_filled(oa, nd->ni_mount, nd->ni_vp, true, fpp);
}

/* All that its file system and others do at an open was done. */
static int
open_adopted(struct nameidata *nd, const struct openargs *oa, struct file **fpp)
{
	file_fill(*fpp, oa->oa_flags, nd->ni_mount, nd->ni_vp);
	return 0;
}

static int
open_found_by(struct lwp *l, struct mount *mp, struct vnode *vp, int flags,
    int (*open)(struct nameidata *, const struct openargs *, struct file **),
    int *fdp)
{
	struct nameidata nd;
	struct openargs oa;
	int error;

	if ((error = open_decode(l, flags, 0, &oa)) != 0)
		return error;
	nd.ni_mount = mp;
	nd.ni_vp = vp;
	return open_fd(l, &nd, &oa, open, fdp);
}

int
vnode_open_made(
    struct lwp *l, struct mount *mp, struct vnode *vp, int flags, int *fdp)
{
	return open_found_by(l, mp, vp, flags, open_made, fdp);
}

int
vnode_open_adopted(
    struct lwp *l, struct mount *mp, struct vnode *vp, int flags, int *fdp)
{
	return open_found_by(l, mp, vp, flags, open_adopted, fdp);
}

int
vnode_open_fd(
    struct lwp *l, struct mount *mp, struct vnode *vp, int flags, int *fdp)
{
	struct nameidata nd;
	struct openargs oa;
	int error;

	if ((error = open_decode(l, flags & ~O_CREAT, 0, &oa)) != 0)
		return error;
	if ((oa.oa_flags & OPEN_TMPFILE) != 0)
		return EINVAL;
	namei_init(&nd, l, AT_FDCWD, oa.oa_namei);
	nd.ni_flags = oa.oa_namei;
	nd.ni_mount = mp;
	nd.ni_vp = vp;
	error = open_fd(l, &nd, &oa, open_found, fdp);
	return error == OPEN_AGAIN ? ESTALE : error;
}

int
vfs_reopen(struct lwp *l, int fd, int flags, int *newfd)
{
	struct file *fp;
	int error;

	if ((error = fd_getref(l, fd, &fp)) != 0)
		return error;
	error = fp->f_vnode == NULL ? ENXIO
				    : vnode_open_fd(l, fp->f_mount, fp->f_vnode,
					  flags & ~(O_CREAT | O_EXCL), newfd);
	file_rele(fp);
	return error;
}

int
sys_openat(struct lwp *l, int dirfd, const char *path, int flags, mode_t mode,
    int *retval)
{
	struct openargs oa;
	int error = open_decode(l, flags, mode, &oa);

	return error != 0 ? error : open_at(l, dirfd, path, &oa, retval);
}

int
sys_open(struct lwp *l, const char *path, int flags, mode_t mode, int *retval)
{
	return sys_openat(l, AT_FDCWD, path, flags, mode, retval);
}

/*
 * openat2: as openat, but what is unknown or makes no sense is refused.
 */

static int
resolve_decode(uint64_t resolve, unsigned *wanted)
{
	static const struct {
		uint64_t rd_resolve;
		unsigned rd_namei;
	} table[] = {
	    {RESOLVE_NO_XDEV, NAMEI_NOXDEV},
	    {RESOLVE_NO_MAGICLINKS, NAMEI_NOMAGIC},
	    {RESOLVE_NO_SYMLINKS, NAMEI_NOSYMLINKS},
	    {RESOLVE_BENEATH, NAMEI_BENEATH},
	    {RESOLVE_IN_ROOT, NAMEI_INROOT},
	    /* Everything is in memory. */
	    {RESOLVE_CACHED, 0},
	};
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if ((resolve & table[i].rd_resolve) != 0) {
			resolve &= ~table[i].rd_resolve;
			*wanted |= table[i].rd_namei;
		}
	if ((*wanted & (NAMEI_BENEATH | NAMEI_INROOT)) ==
	    (NAMEI_BENEATH | NAMEI_INROOT))
		return EINVAL;
	return resolve != 0 ? EINVAL : 0;
}

/* Which flags go together, and when there is a mode. */
static int
how_check(const struct open_how *how)
{
	const uint64_t path = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	uint64_t flags = how->flags;

	if ((flags & ~(uint64_t)OPEN_KNOWN) != 0 ||
	    ((flags & O_PATH) != 0 && (flags & ~path) != 0))
		return EINVAL;
	if ((flags & (O_CREAT | OPEN_TMPFILE)) != 0
		? (how->mode & ~(uint64_t)07777) != 0
		: how->mode != 0)
		return EINVAL;
	if ((how->resolve & RESOLVE_CACHED) != 0 &&
	    (flags & (O_CREAT | O_TRUNC | OPEN_TMPFILE)) != 0)
		return EAGAIN;
	return 0;
}

/* A structure of another size: what we do not know must be zero. */
static int
how_copyin(const struct open_how *uhow, size_t size, struct open_how *how)
{
	const char *rest = (const char *)uhow + sizeof(*how);
	char c;
	int error;

	if (size < sizeof(*how))
		return EINVAL;
	if (size > KPAGE_SIZE)
		return E2BIG;
	if ((error = copyin(uhow, how, sizeof(*how))) != 0)
		return error;
	for (size -= sizeof(*how); size > 0; size--, rest++) {
		if ((error = copyin(rest, &c, 1)) != 0)
			return error;
		if (c != 0)
			return E2BIG;
	}
	return 0;
}

int
sys_openat2(struct lwp *l, int dirfd, const char *path, struct open_how *uhow,
    size_t size, int *retval)
{
	struct open_how how;
	struct openargs oa;
	int error;

	if ((error = how_copyin(uhow, size, &how)) != 0 ||
	    (error = how_check(&how)) != 0 ||
	    (error = open_decode(l, (int)how.flags, (mode_t)how.mode, &oa)) !=
		0 ||
	    (error = resolve_decode(how.resolve, &oa.oa_namei)) != 0)
		return error;
	return open_at(l, dirfd, path, &oa, retval);
}
