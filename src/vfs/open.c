/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * open and openat.
 */
#include "sysproto.h"
#include "vfs/vfs_impl.h"

/* What the kernel sees of O_LARGEFILE; the C library may say that it is 0. */
#define OPEN_LARGEFILE 0100000
#define OPEN_TMPFILE   (O_TMPFILE & ~O_DIRECTORY)

/* Others are ignored. */
#define OPEN_KNOWN \
	(O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | \
	    O_NONBLOCK | O_DSYNC | O_SYNC | O_ASYNC | O_DIRECT | \
	    OPEN_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | \
	    O_CLOEXEC | O_PATH | OPEN_TMPFILE)
/* These are not remembered. */
#define OPEN_ONCE (O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC)

struct openargs {
	int oa_flags;
	unsigned oa_access; /* permissions it takes: R_OK, W_OK */
	mode_t oa_mode;	    /* of a file that is made */
	struct lwp *oa_lwp;
};

static int
open_decode(struct lwp *l, int flags, mode_t mode, struct openargs *oa)
{
	static const unsigned access[] = {R_OK, W_OK, R_OK | W_OK, R_OK | W_OK};

	flags &= OPEN_KNOWN;
	if ((flags & O_PATH) != 0)
		flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	else
		flags |= OPEN_LARGEFILE;
	oa->oa_lwp = l;
	oa->oa_flags = flags;
	oa->oa_mode = S_IFREG | (mode & 07777);
	oa->oa_access = access[flags & O_ACCMODE];
	if ((flags & O_TRUNC) != 0)
		oa->oa_access |= W_OK;
	if ((flags & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY))
		return EINVAL;
	if ((flags & OPEN_TMPFILE) != 0)
		return (flags & O_DIRECTORY) != 0 &&
			(oa->oa_access & W_OK) != 0
		    ? EOPNOTSUPP
		    : EINVAL;
	return 0;
}

/* May vp, which was there before, be opened so? */
static int
open_check(const struct nameidata *nd, const struct openargs *oa,
    const struct vnode *vp)
{
	int error;

	if ((oa->oa_flags & O_CREAT) != 0 && vnode_isdir(vp))
		return EISDIR;
	if ((nd->ni_flags & NAMEI_DIRECTORY) != 0 && !vnode_isdir(vp))
		return ENOTDIR;
	if ((oa->oa_flags & O_PATH) != 0)
		return 0;
	switch (vnode_type(vp)) {
	case S_IFLNK:
		return ELOOP;
	case S_IFDIR:
		if ((oa->oa_access & W_OK) != 0)
			return EISDIR;
		break;
	}
	if ((error = vnode_access(vp, nd->ni_cred, oa->oa_access)) != 0)
		return error;
	if ((oa->oa_flags & O_NOATIME) != 0 &&
	    (error = vnode_owner(vp, nd->ni_cred)) != 0)
		return error;
	/* Nothing is behind these. */
	if (S_ISSOCK(vnode_mode(vp)) || S_ISCHR(vnode_mode(vp)) ||
	    S_ISBLK(vnode_mode(vp)))
		return ENXIO;
	return 0;
}

/* Make fp an open file of vp, whose reference it takes over on success. */
static int
open_file(const struct openargs *oa, struct vnode *vp, bool made,
    struct file *fp)
{
	int flags = oa->oa_flags, error;

	atomic_store_explicit(&fp->f_flags, (uint32_t)(flags & ~OPEN_ONCE),
	    memory_order_relaxed);
	if (S_ISFIFO(vnode_mode(vp)) && (flags & O_PATH) == 0)
		return vnode_open_fifo(oa->oa_lwp, vp, flags, fp);
	if (S_ISREG(vnode_mode(vp)) && (flags & O_TRUNC) != 0 && !made &&
	    (error = vnode_truncate(vp, oa->oa_lwp, 0, true)) != 0)
		return error;
	fp->f_type = DTYPE_VNODE;
	fp->f_ops = (flags & O_PATH) != 0 ? &vnops_pathops
	    : vnode_isdir(vp)		  ? &vnops_dirops
					  : &vnops_fileops;
	fp->f_data = vp;
	fp->f_offset = 0;
	return 0;
}

/* nd->ni_vp was found.  ESTALE if it has died since. */
static int
open_found(const struct nameidata *nd, const struct openargs *oa,
    struct file *fp)
{
	struct vnode *vp = nd->ni_vp;
	int error;

	if ((error = open_check(nd, oa, vp)) != 0)
		return error;
	if (!vnode_tryhold(vp))
		return ESTALE;
	if ((error = open_file(oa, vp, false, fp)) != 0)
		vnode_rele(vp);
	return error;
}

static int
open_make(struct nameidata *nd, const struct openargs *oa, struct file *fp)
{
	struct vattr va = {.va_mode = oa->oa_mode};
	struct vnode *vp;
	int error;

	if ((error = vnode_create(nd, &va, true, &vp)) != 0)
		return error;
	if ((error = open_file(oa, vp, true, fp)) != 0)
		vnode_rele(vp);
	return error;
}

/* With O_CREAT: to the last name, through links, unless O_EXCL is set. */
static int
open_creat(struct nameidata *nd, const struct openargs *oa, struct file *fp)
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
		error = namei_step(nd, follow, &link);
		if (error == ENOENT && nd->ni_last == LAST_NORM) {
			error = open_make(nd, oa, fp);
			if (error != EEXIST || excl)
				return error;
			/* Somebody else made it meanwhile. */
			return ESTALE;
		}
		if (error != 0)
			return error;
		if (link == NULL)
			break;
		if ((error = namei_continue(nd, link)) != 0)
			return error;
	}
	return excl ? EEXIST : open_found(nd, oa, fp);
}

static int
open_path(struct nameidata *nd, const struct openargs *oa, struct file *fp)
{
	int error;

	/* Again, if what was found is gone when we take hold of it. */
	do {
		if ((oa->oa_flags & O_CREAT) != 0)
			error = open_creat(nd, oa, fp);
		else if ((error = namei(nd)) == 0)
			error = open_found(nd, oa, fp);
	} while (error == ESTALE);
	return error;
}

int
sys_openat(struct lwp *l, int dirfd, const char *path, int flags, mode_t mode,
    int *retval)
{
	struct nameidata nd;
	struct openargs oa;
	struct file *fp;
	int fd, error;

	if ((error = open_decode(l, flags, mode, &oa)) != 0)
		return error;
	namei_init(&nd, l, dirfd,
	    ((flags & O_NOFOLLOW) == 0 ? NAMEI_FOLLOW : 0) |
		((flags & O_DIRECTORY) != 0 ? NAMEI_DIRECTORY : 0));
	if ((error = namei_copyin(&nd, path)) != 0)
		return error;
	if ((error = fd_alloc(l, 0, &fd)) != 0)
		return error;
	if ((error = file_alloc(l, &fp)) != 0)
		goto abort_fd;
	if ((error = open_path(&nd, &oa, fp)) != 0)
		goto abort_file;
	fd_affix(l, fd, fp, (flags & O_CLOEXEC) != 0);
	*retval = fd;
	return 0;

abort_file:
	file_abort(fp);
abort_fd:
	fd_abort(l, fd);
	return error;
}

int
sys_open(struct lwp *l, const char *path, int flags, mode_t mode, int *retval)
{
	return sys_openat(l, AT_FDCWD, path, flags, mode, retval);
}
