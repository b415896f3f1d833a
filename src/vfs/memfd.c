/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memfd_create: files in memory that never have a name, and seals, which take
 * away for ever what can be done to a file.
 *
 * The files are in an instance of tmpfs that is mounted nowhere; it is made
 * when the first of them is.  The seals of a file are in its v_mode, so that
 * who writes to any other file tests one word that it has at hand.
 */
#include <sys/mman.h>

#include "sysproto.h"
#include "vfs/memfd.h"

#define MEMFD_NAMEMAX (NAME_MAX - 6) /* the host's, for a prefix "memfd:" */

static struct kmutex memfd_lock; /* while the mount is made */
static struct mount *_Atomic memfd_mount;

/* With memfd_lock held: the mount, made if it is the first time. */
static int
memfd_mount_locked(struct mount **mpp)
{
	char from[MNT_FROMLEN] = "";
	struct mountargs ma = {.ma_data = "", .ma_from = from};
	struct super *sb;
	int error;

	KASSERT(mutex_owned(&memfd_lock));
	*mpp = atomic_load_explicit(&memfd_mount, memory_order_relaxed);
	if (*mpp != NULL)
		return 0;
	ma.ma_dev = mount_newdev();
	if ((error = vfs_byname("tmpfs")->vfs_mount(&ma, &sb)) != 0)
		return error;
	if ((error = mount_hidden(sb, mpp)) != 0) {
		vnode_hold(sb->sb_root);
		super_abort(sb, sb->sb_root);
		return error;
	}
	/* Pairs with the acquire in memfd_getmount. */
	atomic_store_explicit(&memfd_mount, *mpp, memory_order_release);
	return 0;
}

static int
memfd_getmount(struct mount **mpp)
{
	int error;

	*mpp = atomic_load_explicit(&memfd_mount, memory_order_acquire);
	if (likely(*mpp != NULL))
		return 0;
	mutex_enter(&memfd_lock);
	error = memfd_mount_locked(mpp);
	mutex_exit(&memfd_lock);
	return error;
}

/* A file without a name and with these flags; the reference is the caller's. */
static int
memfd_make(struct lwp *l, struct mount *mp, mode_t mode, uint32_t flags,
    struct vnode **vpp)
{
	const struct cred *cr = proc_cred(l->l_proc);
	struct vattr va = {
	    .va_mode = S_IFREG | mode,
	    .va_uid = cr->cr_fsuid,
	    .va_gid = cr->cr_fsgid,
	};
	struct vnode *dvp = mp->mnt_root;
	int error;

	rw_enter_write(&dvp->v_lock);
	error = dvp->v_ops->vop_tmpfile(dvp, &va, false, vpp);
	rw_exit_write(&dvp->v_lock);
	if (error == 0 && flags != 0)
		vnode_setflags(*vpp, flags, 0);
	return error;
}

/* MFD_*, as far as there is something behind it. */
static int
memfd_decode(unsigned flags, mode_t *modep, uint32_t *vflagsp)
{
	const unsigned known = MFD_CLOEXEC | MFD_ALLOW_SEALING |
			       MFD_NOEXEC_SEAL_FLAG | MFD_EXEC_FLAG;

	if ((flags & ~known) != 0 ||
	    (flags & (MFD_NOEXEC_SEAL_FLAG | MFD_EXEC_FLAG)) ==
		(MFD_NOEXEC_SEAL_FLAG | MFD_EXEC_FLAG))
		return EINVAL;
	*modep = 0777;
	*vflagsp = (flags & MFD_ALLOW_SEALING) != 0 ? V_SEALABLE : 0;
	if ((flags & MFD_NOEXEC_SEAL_FLAG) != 0) {
		*modep = 0666;
		*vflagsp = V_SEALABLE | seals_vflags(SEAL_EXEC);
	}
	return 0;
}

int
sys_memfd_create(struct lwp *l, const char *uname, unsigned flags, int *retval)
{
	char name[MEMFD_NAMEMAX + 1];
	struct mount *mp;
	struct vnode *vp;
	uint32_t vflags;
	mode_t mode;
	int error;

	if ((error = memfd_decode(flags, &mode, &vflags)) != 0)
		return error;
	if ((error = copyinstr(uname, name, sizeof(name), NULL)) != 0)
		return error == ENAMETOOLONG ? EINVAL : error;
	if ((error = memfd_getmount(&mp)) != 0 ||
	    (error = memfd_make(l, mp, mode, vflags, &vp)) != 0)
		return error;
	error = vnode_open_made(l, mp, vp,
	    O_RDWR | ((flags & MFD_CLOEXEC) != 0 ? O_CLOEXEC : 0), retval);
	if (error != 0)
		vnode_rele(vp);
	return error;
}

/*
 * Seals
 */

static unsigned
vnode_seals(const struct vnode *vp)
{
	uint32_t mode = vnode_mode(vp);

	return ((mode & V_SEALS) >> V_SEALSHIFT) |
	       ((mode & V_SEALABLE) == 0 ? F_SEAL_SEAL : 0u);
}

static int
seals_add(struct vnode *vp, unsigned seals)
{
	uint32_t clear = (seals & F_SEAL_SEAL) != 0 ? V_SEALABLE : 0;

	/* What it was made to do is not to be taken from it half. */
	if ((seals & SEAL_EXEC) != 0 && (vnode_mode(vp) & 0111) != 0)
		seals |= F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE |
			 F_SEAL_FUTURE_WRITE;
	vnode_setflags(vp, seals_vflags(seals), clear);
	return 0;
}

int
vnode_fcntl_seals(struct file *fp, int cmd, unsigned seals, int *retval)
{
	const unsigned known = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW |
			       F_SEAL_WRITE | F_SEAL_FUTURE_WRITE | SEAL_EXEC;
	struct vnode *vp = fp->f_vnode;

	*retval = 0;
	if (strcmp(vp->v_super->sb_ops->vfs_name, "tmpfs") != 0)
		return EINVAL;
	if (cmd == F_GET_SEALS) {
		*retval = (int)vnode_seals(vp);
		return 0;
	}
	if (!file_writable(fp))
		return EPERM;
	if ((seals & ~known) != 0)
		return EINVAL;
	if ((vnode_seals(vp) & F_SEAL_SEAL) != 0)
		return EPERM;
	return seals_add(vp, seals);
}

int
seals_write(struct vnode *vp, off_t off, size_t len, struct vwrite *vw)
{
	unsigned seals = vnode_seals(vp);
	off_t size, end;
	int error;

	if ((seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) != 0)
		return EPERM;
	if ((seals & F_SEAL_GROW) == 0)
		return 0;
	if ((error = vnode_size(vp, &size)) != 0)
		return error;
	if (vw->vw_append)
		off = size;
	if (!__builtin_add_overflow(off, (off_t)len, &end) && end <= size)
		return 0;
	/* Pages are written or not: the one that the end is in is not. */
	size &= ~(off_t)(KPAGE_SIZE - 1);
	if (off >= size)
		return EPERM;
	if (vw->vw_limit > size)
		vw->vw_limit = size;
	return 0;
}

int
seals_truncate(struct vnode *vp, off_t length)
{
	unsigned seals = vnode_seals(vp);
	off_t size;
	int error;

	if ((error = vnode_size(vp, &size)) != 0)
		return error;
	return (length < size && (seals & F_SEAL_SHRINK) != 0) ||
		       (length > size && (seals & F_SEAL_GROW) != 0)
		   ? EPERM
		   : 0;
}

int
seals_fallocate(struct vnode *vp, int mode, off_t end)
{
	unsigned seals = vnode_seals(vp);
	off_t size;
	int error;

	if ((mode & FALLOC_FL_PUNCH_HOLE) != 0)
		return (seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) != 0
			   ? EPERM
			   : 0;
	if ((seals & F_SEAL_GROW) == 0)
		return 0;
	if ((error = vnode_size(vp, &size)) != 0)
		return error;
	return end > size ? EPERM : 0;
}
