/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file system of one file of the host, or of a range of it.  Its root is
 * that file, so it is mounted on a file.  Options:
 *
 *	path=FILE	on the host
 *	type=TYPE	what it is shown as: reg, blk or chr
 *	begin=N		where the range begins
 *	size=N		how long it is; else it goes to the end of the file
 *
 * A regular file or character device without a size has no end of its own:
 * what the host does with an offset is what happens.  All others are as long
 * as their range, from the beginning; a block device in sectors of 512 bytes.
 */
#include <stdio.h>
#include <sys/sysmacros.h>

#include "hyper/hostfile.h"
#include "vfs/mountopt.h"
#include "vfs/vfs.h"

#include <rump/rump_mount.h>

#define SECTOR 512

extern const struct vfsops etfs_vfsops;

struct etfs_mount {
	struct super em_super;
	struct vnode em_vnode;
	int em_fd;	  /* (s) of the host */
	bool em_readonly; /* (s) it is open for reading only */
	bool em_limited;  /* (s) it ends at em_size */
	off_t em_begin;	  /* (s) */
	off_t em_size;	  /* (s) if em_limited */
};

static struct etfs_mount *
vp_to_em(struct vnode *vp)
{
	return container_of(vp, struct etfs_mount, em_vnode);
}

/*
 * Operations
 */

static int
etfs_open(struct lwp *l, struct vnode *vp, int flags, struct file *fp,
    struct file **fpp)
{
	(void)l, (void)fp, (void)fpp;
	return (flags & O_ACCMODE) != O_RDONLY && vp_to_em(vp)->em_readonly
		   ? EROFS
		   : 0;
}

/* How much of n bytes at off is in the range, and where it is on the host. */
static int
etfs_range(const struct etfs_mount *em, off_t off, size_t *np, off_t *atp)
{
	if (em->em_limited && off >= em->em_size) {
		*np = 0;
		return 0;
	}
	if (em->em_limited && *np > (uint64_t)(em->em_size - off))
		*np = (size_t)(em->em_size - off);
	return __builtin_add_overflow(em->em_begin, off, atp) ? EINVAL : 0;
}

static int
etfs_read(struct vnode *vp, off_t *offp, struct uio *u)
{
	struct etfs_mount *em = vp_to_em(vp);
	size_t n = u->uio_resid, done;
	off_t at;
	int error;

	if ((error = etfs_range(em, *offp, &n, &at)) != 0 || n == 0)
		return error;
	error = uio_hostfile(u, em->em_fd, at, n, false, &done);
	*offp += (off_t)done;
	return error;
}

static int
etfs_length(struct etfs_mount *em, off_t *lengthp)
{
	struct hyper_stat hs;
	int error;

	*lengthp = em->em_size;
	if (em->em_limited)
		return 0;
	if ((error = hyper_file_stat(em->em_fd, "", &hs)) != 0)
		return error;
	*lengthp = hs.hs_stat.st_size > em->em_begin
		       ? hs.hs_stat.st_size - em->em_begin
		       : 0;
	return 0;
}

static int
write_locked(
    struct etfs_mount *em, off_t *offp, struct uio *u, const struct vwrite *vw)
{
	bool isreg = S_ISREG(vnode_mode(&em->em_vnode));
	size_t n = u->uio_resid, done;
	off_t off = *offp, at;
	int error;

	if (vw->vw_append && isreg && (error = etfs_length(em, &off)) != 0)
		return error;
	if (isreg && off >= vw->vw_limit)
		return EFBIG;
	if (isreg && n > (uint64_t)(vw->vw_limit - off))
		n = (size_t)(vw->vw_limit - off);
	if ((error = etfs_range(em, off, &n, &at)) != 0)
		return error;
	if (n == 0)
		return ENOSPC;
	error = uio_hostfile(u, em->em_fd, at, n, false, &done);
	*offp = off + (off_t)done;
	return error;
}

static int
etfs_write(
    struct vnode *vp, off_t *offp, struct uio *u, const struct vwrite *vw)
{
	int error;

	rw_enter_write(&vp->v_lock);
	error = write_locked(vp_to_em(vp), offp, u, vw);
	rw_exit_write(&vp->v_lock);
	return error;
}

/* A range stays as long as it is; so does a device. */
static int
etfs_truncate(
    struct vnode *vp, off_t length, const struct vwrite *vw, bool always)
{
	struct etfs_mount *em = vp_to_em(vp);
	off_t size, end;
	int error;

	if (em->em_readonly)
		return EROFS;
	if (em->em_limited || !S_ISREG(vnode_mode(vp)))
		return EINVAL;
	if (__builtin_add_overflow(em->em_begin, length, &end))
		return EFBIG;
	rw_enter_write(&vp->v_lock);
	error = etfs_length(em, &size);
	if (error == 0 && length > size && length > vw->vw_limit)
		error = EFBIG;
	else if (error == 0 && (always || length != size))
		error = hyper_file_truncate(em->em_fd, end);
	rw_exit_write(&vp->v_lock);
	return error;
}

static int
etfs_fsync(struct vnode *vp, bool dataonly)
{
	return hyper_file_sync(vp_to_em(vp)->em_fd, dataonly);
}

static int
etfs_getattr(struct vnode *vp, struct stat *sb)
{
	struct etfs_mount *em = vp_to_em(vp);
	struct hyper_stat hs;
	int error;

	if ((error = hyper_file_stat(em->em_fd, "", &hs)) != 0 ||
	    (error = etfs_length(em, &sb->st_size)) != 0)
		return error;
	sb->st_ino = 1;
	sb->st_nlink = 1;
	sb->st_mode = vnode_mode(vp) & (S_IFMT | 07777);
	sb->st_uid = vnode_uid(vp);
	sb->st_gid = vnode_gid(vp);
	if (!S_ISREG(sb->st_mode))
		sb->st_rdev = vp->v_super->sb_dev;
	sb->st_blocks = (sb->st_size + SECTOR - 1) / SECTOR;
	sb->st_atim = hs.hs_stat.st_atim;
	sb->st_mtim = hs.hs_stat.st_mtim;
	sb->st_ctim = hs.hs_stat.st_ctim;
	return 0;
}

/* Owner and mode are the kernel's alone, the times the host's. */
static int
etfs_setattr(struct vnode *vp, const struct vattr *va)
{
	KASSERT(rw_write_held(&vp->v_lock));
	if ((va->va_mask & VA_FLAGS) != 0)
		return EOPNOTSUPP;
	if ((va->va_mask & VA_MODE) != 0)
		atomic_store_explicit(&vp->v_mode,
		    (vnode_mode(vp) & ~07777u) | (va->va_mode & 07777),
		    memory_order_relaxed);
	if ((va->va_mask & VA_UID) != 0)
		atomic_store_explicit(
		    &vp->v_uid, va->va_uid, memory_order_relaxed);
	if ((va->va_mask & VA_GID) != 0)
		atomic_store_explicit(
		    &vp->v_gid, va->va_gid, memory_order_relaxed);
	return 0;
}

static void
etfs_smrfree(struct smr_item *si)
{
	struct etfs_mount *em =
	    container_of(si, struct etfs_mount, em_vnode.v_smr);

	hyper_file_close(em->em_fd);
	kmem_free(em, sizeof(*em));
}

static struct vnode *
etfs_reclaim(struct vnode *vp)
{
	smr_retire(&vp->v_smr, etfs_smrfree);
	return NULL;
}

static const struct vnodeops etfs_vnodeops = {
    .vop_open = etfs_open,
    .vop_read = etfs_read,
    .vop_write = etfs_write,
    .vop_truncate = etfs_truncate,
    .vop_fsync = etfs_fsync,
    .vop_getattr = etfs_getattr,
    .vop_setattr = etfs_setattr,
    .vop_reclaim = etfs_reclaim,
};

/*
 * Mounting
 */

struct etfs_options {
	struct mountstr eo_path, eo_type;
	uint64_t eo_begin, eo_size;
	char eo_hostpath[PATH_MAX];
};

enum { OPT_PATH, OPT_TYPE, OPT_BEGIN, OPT_SIZE };

static const struct mountopt options[] = {
    [OPT_PATH] = {"path", MOUNTOPT_STRING,
	offsetof(struct etfs_options, eo_path)},
    [OPT_TYPE] = {"type", MOUNTOPT_STRING,
	offsetof(struct etfs_options, eo_type)},
    [OPT_BEGIN] = {"begin", MOUNTOPT_NUMBER,
	offsetof(struct etfs_options, eo_begin)},
    [OPT_SIZE] = {"size", MOUNTOPT_NUMBER,
	offsetof(struct etfs_options, eo_size)},
};

/* S_IFREG, S_IFBLK or S_IFCHR; 0 for anything else. */
static mode_t
type_parse(const struct mountstr *ms)
{
	static const struct {
		char name[4];
		mode_t type;
	} types[] = {{"reg", S_IFREG}, {"blk", S_IFBLK}, {"chr", S_IFCHR}};
	size_t i;

	for (i = 0; i < nitems(types); i++)
		if (ms->ms_len == 3 &&
		    memcmp(types[i].name, ms->ms_str, 3) == 0)
			return types[i].type;
	return 0;
}

/* The range that is asked for, in a file of the host as it is now. */
static int
range_init(struct etfs_mount *em, const struct etfs_options *eo, bool sized,
    mode_t type)
{
	off_t length = 0;
	int error;

	if (eo->eo_begin > INT64_MAX || eo->eo_size > INT64_MAX - eo->eo_begin)
		return EINVAL;
	em->em_begin = (off_t)eo->eo_begin;
	em->em_limited = sized || type == S_IFBLK;
	em->em_size = (off_t)eo->eo_size;
	if (!sized && type != S_IFCHR) {
		error = hyper_file_seek(em->em_fd, SEEK_END, &length);
		if (error != 0)
			return error;
		if (em->em_begin > length)
			return EINVAL;
		em->em_size = length - em->em_begin;
	}
	if (type == S_IFBLK)
		em->em_size -= em->em_size % SECTOR;
	return 0;
}

/* Not waiting for anybody, if it is a terminal or a fifo. */
static int
host_open(struct etfs_mount *em, const char *path)
{
	int error = hyper_file_open(
	    HYPER_FILE_NONE, path, O_RDWR | O_NONBLOCK, 0, &em->em_fd);

	switch (error) {
	case EACCES:
	case EPERM:
	case EROFS:
	case ETXTBSY:
		em->em_readonly = true;
		return hyper_file_open(HYPER_FILE_NONE, path,
		    O_RDONLY | O_NONBLOCK, 0, &em->em_fd);
	default:
		return error;
	}
}

static int
etfs_init(struct etfs_mount *em, const struct etfs_options *eo, bool sized)
{
	mode_t type = type_parse(&eo->eo_type);
	struct vattr va = {.va_mode = type};
	struct hyper_stat hs;
	int error;

	if (type == 0)
		return EINVAL;
	if ((error = host_open(em, eo->eo_hostpath)) != 0)
		return error;
	if ((error = hyper_file_stat(em->em_fd, "", &hs)) == 0 &&
	    (S_ISDIR(hs.hs_stat.st_mode) || S_ISFIFO(hs.hs_stat.st_mode)))
		error = S_ISDIR(hs.hs_stat.st_mode) ? EISDIR : EINVAL;
	if (error != 0 || (error = range_init(em, eo, sized, type)) != 0) {
		hyper_file_close(em->em_fd);
		return error;
	}
	va.va_mode |= hs.hs_stat.st_mode & 0777;
	vnode_init(&em->em_vnode, &etfs_vnodeops, &em->em_super, &va);
	return 0;
}

static int
etfs_mount(struct mountargs *ma, struct super **sbp)
{
	struct etfs_options eo = {.eo_type = {"reg", 3}};
	struct etfs_mount *em;
	uint32_t seen;
	int error;

	error =
	    mountopt_parse(options, nitems(options), ma->ma_data, &eo, &seen);
	if (error != 0 || (seen & 1u << OPT_PATH) == 0)
		return EINVAL;
	error =
	    mountstr_copy(&eo.eo_path, eo.eo_hostpath, sizeof(eo.eo_hostpath));
	if (error != 0)
		return error;
	if ((em = kmem_zalloc(sizeof(*em))) == NULL)
		return ENOMEM;
	em->em_super.sb_ops = &etfs_vfsops;
	em->em_super.sb_dev = ma->ma_dev;
	em->em_super.sb_rename = &em->em_super.sb_mutex;
	em->em_super.sb_root = &em->em_vnode;
	error = etfs_init(em, &eo, (seen & 1u << OPT_SIZE) != 0);
	if (error != 0) {
		kmem_free(em, sizeof(*em));
		return error;
	}
	if (em->em_readonly)
		ma->ma_flags |= RUMP_MNT_RDONLY;
	(void)snprintf(
	    ma->ma_from, MNT_FROMLEN, "%.*s", MNT_FROMLEN - 1, eo.eo_hostpath);
	*sbp = &em->em_super;
	return 0;
}

static void
etfs_unmount(struct super *sb)
{
	vnode_rele(sb->sb_root);
}

static int
etfs_sync(struct super *sb)
{
	return etfs_fsync(sb->sb_root, false);
}

const struct vfsops etfs_vfsops = {
    .vfs_name = "etfs",
    .vfs_mount = etfs_mount,
    .vfs_sync = etfs_sync,
    .vfs_unmount = etfs_unmount,
};
