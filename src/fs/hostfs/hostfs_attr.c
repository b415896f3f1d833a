/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attributes, symbolic links, special files.
 */
#include "fs/hostfs/hostfs.h"

#include "kern/pipe.h"

uid_t
hostfs_uid(const struct hostfs_mount *hm, uid_t uid)
{
	return hm->hm_setuid ? hm->hm_uid : uid;
}

gid_t
hostfs_gid(const struct hostfs_mount *hm, gid_t gid)
{
	return hm->hm_setgid ? hm->hm_gid : gid;
}

/* Files of another device have numbers of their own, which may be the same. */
ino_t
hostfs_ino(const struct hostfs_mount *hm, const struct hyper_stat *hs)
{
	ino_t ino = hs->hs_stat.st_ino;

	if (hs->hs_stat.st_dev != hm->hm_dev)
		ino ^= hs->hs_stat.st_dev * UINT64_C(0x9e3779b97f4a7c15);
	return ino;
}

/* The flags of v_mode change at the same time, with v_lock held or not. */
void
hostfs_refresh(struct hostfs_node *hn, const struct hyper_stat *hs)
{
	struct vnode *vp = hn_vnode(hn);
	struct hostfs_mount *hm = hn_mount(hn);
	uint32_t perms = hs->hs_stat.st_mode & 07777, mode = vnode_mode(vp);

	while ((mode & 07777) != perms &&
	       !atomic_compare_exchange_weak_explicit(&vp->v_mode, &mode,
		   (mode & ~07777u) | perms, memory_order_relaxed,
		   memory_order_relaxed))
		continue;
	atomic_store_explicit(&vp->v_uid, hostfs_uid(hm, hs->hs_stat.st_uid),
	    memory_order_relaxed);
	atomic_store_explicit(&vp->v_gid, hostfs_gid(hm, hs->hs_stat.st_gid),
	    memory_order_relaxed);
	if (hm->hm_attrtime == 0)
		return;
	mutex_enter(&hn->hn_lock);
	hn->hn_attr = *hs;
	hn->hn_asked = hyper_clock(HYPER_CLOCK_COARSE);
	mutex_exit(&hn->hn_lock);
}

/* What the host said not long ago. */
static bool
attr_isknown(struct hostfs_node *hn, struct hyper_stat *hs)
{
	int64_t most = hn_mount(hn)->hm_attrtime;
	bool known;

	if (most == 0)
		return false;
	mutex_enter(&hn->hn_lock);
	known = hn->hn_asked != 0 &&
		hyper_clock(HYPER_CLOCK_COARSE) - hn->hn_asked < most;
	if (known)
		*hs = hn->hn_attr;
	mutex_exit(&hn->hn_lock);
	return known;
}

/* By its name, which is cheaper than to open it. */
static int
stat_by_name(struct hostfs_node *hn, struct hyper_stat *hs)
{
	struct hostfs_place *hp = hn_place(hn);
	int fd, error;

	if (hp == NULL)
		return ESTALE;
	if ((error = hostfs_get(hp->hp_dir, HF_PATH, &fd)) != 0)
		return error;
	error = hyper_file_stat(fd, hp->hp_name, hs);
	hostfs_put(hp->hp_dir, HF_PATH);
	if (error == ENOENT || (error == 0 && !hostfs_same(hn, hs)))
		error = ESTALE;
	return error;
}

int
hostfs_stat(struct hostfs_node *hn, struct hyper_stat *hs)
{
	enum hostfs_kind kind;
	int fd, error;

	for (kind = HF_PATH; kind < HF_NKINDS; kind++) {
		if (!hostfs_tryget(hn, kind, &fd))
			continue;
		error = hyper_file_stat(fd, "", hs);
		hostfs_put(hn, kind);
		return error;
	}
	return stat_by_name(hn, hs);
}

/* What cannot be asked about stays as it was; it will fail later. */
void
hostfs_vop_refresh(struct vnode *vp)
{
	struct hostfs_node *hn = vp_to_hn(vp);
	struct hyper_stat hs;

	if (!attr_isknown(hn, &hs) && hostfs_stat(hn, &hs) == 0)
		hostfs_refresh(hn, &hs);
}

int
hostfs_getattr(struct vnode *vp, struct stat *sb)
{
	struct hostfs_node *hn = vp_to_hn(vp);
	dev_t dev = sb->st_dev;
	struct hyper_stat hs;
	int error;

	if (!attr_isknown(hn, &hs)) {
		if ((error = hostfs_stat(hn, &hs)) != 0)
			return error;
		hostfs_refresh(hn, &hs);
	}
	*sb = hs.hs_stat;
	sb->st_dev = dev;
	sb->st_ino = hostfs_ino(hn_mount(hn), &hs);
	sb->st_uid = hostfs_uid(hn_mount(hn), sb->st_uid);
	sb->st_gid = hostfs_gid(hn_mount(hn), sb->st_gid);
	return 0;
}

/* With owners that are only shown there is no other owner to give. */
static int
set_owner(struct vnode *vp, const struct vattr *va, int fd)
{
	const struct hostfs_mount *hm = hn_mount(vp_to_hn(vp));
	uid_t uid = (va->va_mask & VA_UID) != 0 ? va->va_uid : (uid_t)-1;
	gid_t gid = (va->va_mask & VA_GID) != 0 ? va->va_gid : (gid_t)-1;

	if (hm->hm_setuid && uid != (uid_t)-1) {
		if (uid != hm->hm_uid)
			return EPERM;
		uid = (uid_t)-1;
	}
	if (hm->hm_setgid && gid != (gid_t)-1) {
		if (gid != hm->hm_gid)
			return EPERM;
		gid = (gid_t)-1;
	}
	return hyper_file_chown(fd, uid, gid);
}

static int
set_times(const struct vattr *va, int fd)
{
	struct timespec ts[2] = {
	    {.tv_nsec = UTIME_OMIT}, {.tv_nsec = UTIME_OMIT}};

	if ((va->va_mask & VA_ATIME) != 0)
		ts[0] = va->va_atime;
	if ((va->va_mask & VA_MTIME) != 0)
		ts[1] = va->va_mtime;
	return hyper_file_utimens(fd, ts);
}

static int
set_all(struct vnode *vp, const struct vattr *va, int fd)
{
	int error = 0;

	if ((va->va_mask & VA_FLAGS) != 0)
		return EOPNOTSUPP;
	/*
	 * The owner first: the host takes bits of the mode away with it.
	 * Nothing at all comes from chown too, and is seen in the times.
	 */
	if ((va->va_mask & (VA_UID | VA_GID)) != 0 || va->va_mask == 0)
		error = set_owner(vp, va, fd);
	if (error == 0 && (va->va_mask & VA_MODE) != 0)
		error = hyper_file_chmod(fd, va->va_mode & 07777);
	if (error == 0 && (va->va_mask & (VA_ATIME | VA_MTIME)) != 0)
		error = set_times(va, fd);
	return error;
}

int
hostfs_setattr(struct vnode *vp, const struct vattr *va)
{
	struct hostfs_node *hn = vp_to_hn(vp);
	struct hyper_stat hs;
	int fd, error;

	if ((error = hostfs_get(hn, HF_PATH, &fd)) != 0)
		return error;
	error = set_all(vp, va, fd);
	if (hyper_file_stat(fd, "", &hs) == 0)
		hostfs_refresh(hn, &hs);
	hostfs_put(hn, HF_PATH);
	return error;
}

/*
 * Extended attributes
 */

int
hostfs_getxattr(
    struct vnode *vp, const char *name, void *buf, size_t size, size_t *lenp)
{
	struct hostfs_node *hn = vp_to_hn(vp);
	int fd, error;

	if ((error = hostfs_get(hn, HF_PATH, &fd)) != 0)
		return error;
	error = hyper_file_getxattr(fd, name, buf, size, lenp);
	hostfs_put(hn, HF_PATH);
	return error;
}

int
hostfs_setxattr(struct vnode *vp, const char *name, const void *value,
    size_t size, int flags)
{
	struct hostfs_node *hn = vp_to_hn(vp);
	struct hyper_stat hs;
	int fd, error;

	if ((error = hostfs_get(hn, HF_PATH, &fd)) != 0)
		return error;
	error = hyper_file_setxattr(fd, name, value, size, flags);
	/* An access list is also a mode. */
	if (hyper_file_stat(fd, "", &hs) == 0)
		hostfs_refresh(hn, &hs);
	hostfs_put(hn, HF_PATH);
	return error;
}

int
hostfs_listxattr(struct vnode *vp, char *buf, size_t size, size_t *lenp)
{
	struct hostfs_node *hn = vp_to_hn(vp);
	int fd, error;

	if ((error = hostfs_get(hn, HF_PATH, &fd)) != 0)
		return error;
	error = hyper_file_listxattr(fd, buf, size, lenp);
	hostfs_put(hn, HF_PATH);
	return error;
}

/*
 * Symbolic links: the text of one never changes.
 */

static int
target_read(struct hostfs_node *hn)
{
	char buf[PATH_MAX], *target, *none = NULL;
	size_t len;
	int fd, error;

	if ((error = hostfs_get(hn, HF_PATH, &fd)) != 0)
		return error;
	error = hyper_file_readlink(fd, buf, sizeof(buf), &len);
	hostfs_put(hn, HF_PATH);
	if (error != 0)
		return error;
	if (len >= sizeof(buf))
		return ENAMETOOLONG;
	if ((target = kmem_zalloc(len + sizeof(uint64_t))) == NULL)
		return ENOMEM;
	memcpy(target, buf, len);
	/* Release pairs with the acquire in hostfs_readlink. */
	if (!atomic_compare_exchange_strong_explicit(&hn->hn_target, &none,
		target, memory_order_release, memory_order_relaxed))
		kmem_free(target, len + sizeof(uint64_t));
	return 0;
}

static int
hostfs_readlink(struct vnode *vp, const char **targetp, size_t *lenp)
{
	struct hostfs_node *hn = vp_to_hn(vp);
	int error;

	while ((*targetp = atomic_load_explicit(
		    &hn->hn_target, memory_order_acquire)) == NULL)
		if ((error = target_read(hn)) != 0)
			return error;
	*lenp = strlen(*targetp);
	return 0;
}

const struct vnodeops hostfs_lnkops = {
    .vop_readlink = hostfs_readlink,
    .vop_refresh = hostfs_vop_refresh,
    .vop_getattr = hostfs_getattr,
    .vop_setattr = hostfs_setattr,
    .vop_getxattr = hostfs_getxattr,
    .vop_setxattr = hostfs_setxattr,
    .vop_listxattr = hostfs_listxattr,
    .vop_reclaim = hostfs_reclaim,
};

/* A fifo is the kernel's own; the host's end of it is never opened. */
static int
hostfs_fifo(struct vnode *vp, struct pipe **pipep)
{
	struct hostfs_node *hn = vp_to_hn(vp);
	int error = 0;

	rw_enter_write(&vp->v_lock);
	if (hn->hn_fifo == NULL)
		error = vnode_fifo_alloc(&hn->hn_fifo);
	*pipep = hn->hn_fifo;
	rw_exit_write(&vp->v_lock);
	return error;
}

const struct vnodeops hostfs_specops = {
    .vop_fifo = hostfs_fifo,
    .vop_refresh = hostfs_vop_refresh,
    .vop_getattr = hostfs_getattr,
    .vop_setattr = hostfs_setattr,
    .vop_getxattr = hostfs_getxattr,
    .vop_setxattr = hostfs_setxattr,
    .vop_listxattr = hostfs_listxattr,
    .vop_reclaim = hostfs_reclaim,
};
