/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looking names up, making, removing and renaming them, listing.
 *
 * The locks of src/vfs are held, but the host does not know of them: what it
 * says about a name is what counts.
 */
#include <dirent.h>
#include <stdio.h>

#include "fs/hostfs/hostfs.h"

/* A name, terminated. */
struct hostname {
	char hm_name[NAME_MAX + 1];
};

static const char *
hostname(const struct cname *cn, struct hostname *hn)
{
	KASSERT(cn->cn_len <= NAME_MAX);
	memcpy(hn->hm_name, cn->cn_name, cn->cn_len);
	hn->hm_name[cn->cn_len] = '\0';
	return hn->hm_name;
}

/* The directory's node as it is now, referenced, and open. */
static int
dir_enter(struct vnode *dvp, struct hostfs_node **dnp, int *fdp)
{
	int error;

	if ((error = hostfs_live(dvp, dnp)) != 0)
		return error;
	if ((error = hostfs_get(*dnp, HF_PATH, fdp)) != 0)
		vnode_rele(hn_vnode(*dnp));
	return error;
}

static void
dir_leave(struct hostfs_node *dn)
{
	hostfs_put(dn, HF_PATH);
	vnode_rele(hn_vnode(dn));
}

static int
hostfs_lookup(struct vnode *dvp, const struct cname *cn, struct vnode **vpp)
{
	struct hostname name;
	struct hostfs_node *dn, *hn;
	struct hyper_stat hs;
	int fd, error;

	if ((error = dir_enter(dvp, &dn, &fd)) != 0)
		return error;
	error = hyper_file_stat(fd, hostname(cn, &name), &hs);
	if (error == 0 && S_ISDIR(hs.hs_stat.st_mode) &&
	    hn_mount(dn)->hm_nosubdirs)
		error = ENOENT;
	if (error == 0)
		error = hostfs_node_get(dn, name.hm_name, &hs, false, &hn);
	dir_leave(dn);
	if (error == 0)
		*vpp = hn_vnode(hn);
	return error;
}

static struct vnode *
hostfs_parent(struct vnode *dvp)
{
	struct hostfs_place *hp = hn_place(vp_to_hn(dvp));

	return hp != NULL ? hn_vnode(hp->hp_dir) : dvp;
}

static void
hostfs_name(struct vnode *dvp, const char **namep, size_t *lenp)
{
	const struct hostfs_place *hp = hn_place(vp_to_hn(dvp));

	*namep = hp->hp_name;
	*lenp = hp->hp_len;
}

/*
 * Making
 */

/*
 * What was made gets the owner that it is to have, if the host lets us, and
 * the mode, which the host's umask or make_regular has made another one.
 */
static int
make_attr(struct hostfs_mount *hm, int fd, const struct vattr *va,
    struct hyper_stat *hs)
{
	uid_t uid = hm->hm_setuid ? hs->hs_stat.st_uid : va->va_uid;
	gid_t gid = hm->hm_setgid ? hs->hs_stat.st_gid : va->va_gid;
	bool changed = false;
	int error = 0;

	if (uid != hs->hs_stat.st_uid || gid != hs->hs_stat.st_gid) {
		error = hyper_file_chown(fd, uid, gid);
		if (error == EPERM || error == EINVAL)
			error = 0;
		changed = true;
	}
	if (error == 0 && !S_ISLNK(va->va_mode) &&
	    (hs->hs_stat.st_mode & 07777) != (va->va_mode & 07777)) {
		error = hyper_file_chmod(fd, va->va_mode & 07777);
		changed = true;
	}
	if (error == 0 && changed)
		error = hyper_file_stat(fd, "", hs);
	return error;
}

/* A name that is no regular file's; *fdp is O_PATH. */
static int
make_special(int dir, const char *name, const struct vattr *va, int *fdp,
    struct hyper_stat *hs)
{
	mode_t mode = va->va_mode & (S_IFMT | 0777);
	char target[PATH_MAX];
	int error;

	switch (mode & S_IFMT) {
	case S_IFDIR:
		error = hyper_file_mkdir(dir, name, mode & 0777);
		break;
	case S_IFLNK:
		if (va->va_targetlen >= sizeof(target))
			return ENAMETOOLONG;
		memcpy(target, va->va_target, va->va_targetlen);
		target[va->va_targetlen] = '\0';
		error = hyper_file_symlink(target, dir, name);
		break;
	default:
		error = hyper_file_mknod(dir, name, mode, va->va_rdev);
	}
	if (error != 0 || (error = hostfs_open(dir, name, O_PATH, 0, fdp)) != 0)
		return error;
	error = hyper_file_stat(*fdp, "", hs);
	/* Somebody may have put another file there meanwhile. */
	if (error == 0 && ((hs->hs_stat.st_mode & S_IFMT) != (mode & S_IFMT) ||
			      (!S_ISDIR(mode) && hs->hs_stat.st_nlink != 1)))
		error = ESTALE;
	if (error != 0)
		hyper_file_close(*fdp);
	return error;
}

/*
 * *readp: for reading too, if the mode would forbid to open it once more; or
 * HYPER_FILE_NONE.
 */
static int
make_regular(int dir, const char *name, const struct vattr *va, int *fdp,
    int *readp, struct hyper_stat *hs)
{
	int error = hostfs_open(dir, name, O_RDWR | O_CREAT | O_EXCL,
	    (va->va_mode & 0777) | S_IRUSR, fdp);

	if (error != 0)
		return error;
	error = hyper_file_stat(*fdp, "", hs);
	if (error == 0 && (va->va_mode & S_IRUSR) == 0)
		error = hostfs_reopen(*fdp, O_RDONLY, readp);
	if (error != 0) {
		hyper_file_close(*fdp);
		(void)hyper_file_unlink(dir, name, false);
	}
	return error;
}

static int
make_any(int dir, const char *name, const struct vattr *va, int *fdp,
    int *readp, struct hyper_stat *hs)
{
	*readp = HYPER_FILE_NONE;
	return S_ISREG(va->va_mode)
		   ? make_regular(dir, name, va, fdp, readp, hs)
		   : make_special(dir, name, va, fdp, hs);
}

static int
make_node(struct hostfs_node *dn, int dir, const char *name,
    const struct vattr *va, struct hostfs_node **hnp)
{
	struct hyper_stat hs;
	int fd, reading, error;

	if ((error = make_any(dir, name, va, &fd, &reading, &hs)) != 0)
		return error;
	error = make_attr(hn_mount(dn), fd, va, &hs);
	if (error == 0)
		error = hostfs_node_get(dn, name, &hs, true, hnp);
	if (error == 0) {
		hostfs_offer(
		    *hnp, S_ISREG(va->va_mode) ? HF_WRITE : HF_PATH, fd);
		if (reading != HYPER_FILE_NONE)
			hostfs_offer(*hnp, HF_READ, reading);
		return 0;
	}
	hyper_file_close(fd);
	if (reading != HYPER_FILE_NONE)
		hyper_file_close(reading);
	(void)hyper_file_unlink(dir, name, S_ISDIR(va->va_mode));
	return error;
}

static int
hostfs_create(struct vnode *dvp, const struct cname *cn, const struct vattr *va,
    struct vnode **vpp)
{
	struct hostname name;
	struct hostfs_node *dn, *hn;
	int dir, error;

	if (S_ISDIR(va->va_mode) && hn_mount(vp_to_hn(dvp))->hm_nosubdirs)
		return hostfs_lookup(dvp, cn, vpp) == 0 ? EEXIST : EPERM;
	if ((error = dir_enter(dvp, &dn, &dir)) != 0)
		return error;
	error = make_node(dn, dir, hostname(cn, &name), va, &hn);
	dir_leave(dn);
	if (error != 0)
		return error;
	*vpp = hn_vnode(hn);
	/* It may have been dropped at once. */
	while (va->va_count != 0 &&
	       (error = vnode_trytake(*vpp, va->va_count)) == ENOENT)
		if ((error = hostfs_lookup(dvp, cn, vpp)) != 0)
			break;
	return error;
}

static int
hostfs_tmpfile(struct vnode *dvp, const struct vattr *va, bool linkable,
    struct vnode **vpp)
{
	struct hostfs_node *dn, *hn;
	struct hyper_stat hs;
	int dir, fd, error;

	if ((error = dir_enter(dvp, &dn, &dir)) != 0)
		return error;
	error =
	    hostfs_open(dir, ".", O_TMPFILE | O_RDWR | (linkable ? 0 : O_EXCL),
		va->va_mode & 0777, &fd);
	if (error != 0)
		goto out;
	if ((error = hyper_file_stat(fd, "", &hs)) != 0 ||
	    (error = make_attr(hn_mount(dn), fd, va, &hs)) != 0 ||
	    (error = hostfs_node_nameless(hn_mount(dn), &hs, &hn)) != 0) {
		hyper_file_close(fd);
		goto out;
	}
	/* The one handle leads to all others, and stays. */
	hostfs_offer_pinned(hn, fd);
	if (linkable)
		atomic_fetch_or_explicit(
		    &hn_vnode(hn)->v_mode, V_TMPFILE, memory_order_relaxed);
	*vpp = hn_vnode(hn);
out:
	dir_leave(dn);
	return error;
}

static int
hostfs_link(struct vnode *dvp, const struct cname *cn, struct vnode *vp)
{
	struct hostfs_node *dn, *hn = vp_to_hn(vp);
	struct hostname name;
	int dir, fd, error;

	if ((error = dir_enter(dvp, &dn, &dir)) != 0)
		return error;
	if ((error = hostfs_get(hn, HF_PATH, &fd)) == 0) {
		error = hyper_file_link(fd, dir, hostname(cn, &name));
		hostfs_put(hn, HF_PATH);
	}
	dir_leave(dn);
	if (error == 0)
		atomic_fetch_and_explicit(
		    &vp->v_mode, ~V_TMPFILE, memory_order_relaxed);
	return error;
}

/*
 * Removing and renaming
 */

/* hn, which is pinned, has lost its name: it is another's file that has it. */
static void
node_removed(struct hostfs_node *hn)
{
	struct vnode *vp = hn_vnode(hn);

	KASSERT(rw_write_held(&vp->v_lock));
	if (vnode_type(vp) == S_IFDIR)
		atomic_fetch_or_explicit(
		    &vp->v_mode, V_DEAD, memory_order_relaxed);
	if (vnode_tryhold(vp)) {
		hn->hn_nameless = true;
		vcache_remove(&hn->hn_vcn);
		vnode_rele(vp);
	} else
		hostfs_unpin(hn);
}

static int
hostfs_remove(
    struct vnode *dvp, const struct cname *cn, struct vnode *vp, bool *last)
{
	struct hostfs_node *dn, *hn = vp_to_hn(vp);
	struct hostname name;
	int dir, error;

	/* The cache has the tree's reference. */
	*last = false;
	if ((error = dir_enter(dvp, &dn, &dir)) != 0)
		return error;
	if ((error = hostfs_pin(hn)) == 0) {
		error = hyper_file_unlink(
		    dir, hostname(cn, &name), vnode_type(vp) == S_IFDIR);
		if (error == 0)
			node_removed(hn);
		else
			hostfs_unpin(hn);
	}
	dir_leave(dn);
	return error;
}

/* The two ends of a rename, both directories entered. */
struct ends {
	struct hostfs_node *e_fdn, *e_tdn;
	int e_fdir, e_tdir;
	struct hostname e_from, e_to;
};

static int
ends_enter(struct ends *e, struct vnode *fdvp, const struct cname *fcn,
    struct vnode *tdvp, const struct cname *tcn)
{
	int error;

	(void)hostname(fcn, &e->e_from);
	(void)hostname(tcn, &e->e_to);
	if ((error = dir_enter(fdvp, &e->e_fdn, &e->e_fdir)) != 0)
		return error;
	if ((error = dir_enter(tdvp, &e->e_tdn, &e->e_tdir)) != 0)
		dir_leave(e->e_fdn);
	return error;
}

static void
ends_leave(struct ends *e)
{
	dir_leave(e->e_fdn);
	dir_leave(e->e_tdn);
}

static int
ends_rename(const struct ends *e, unsigned flags)
{
	return hyper_file_rename(
	    e->e_fdir, e->e_from.hm_name, e->e_tdir, e->e_to.hm_name, flags);
}

/*
 * Is hn believed to be a directory that dn is in?  The host may know better,
 * but what we believe must not be a circle.  Under sb_rename, if they are not
 * in the same directory.
 */
static bool
node_isabove(const struct hostfs_node *hn, struct hostfs_node *dn)
{
	struct hostfs_place *hp;

	while (dn != hn && (hp = hn_place(dn)) != NULL)
		dn = hp->hp_dir;
	return dn == hn;
}

static int
rename_pinned(struct ends *e, struct hostfs_node *hn, struct hostfs_node *over)
{
	struct hostfs_place *hp;
	int error;

	if (node_isabove(hn, e->e_tdn))
		return ESTALE;
	hp = hostfs_place_alloc(e->e_tdn, e->e_to.hm_name);
	if (hp == NULL)
		return ENOMEM;
	/* Nothing is replaced but what it was decided about. */
	error = ends_rename(e, over == NULL ? RENAME_NOREPLACE : 0);
	if (error == EINVAL && over == NULL)
		error = ends_rename(e, 0);
	if (error != 0) {
		hostfs_place_free(hp);
		return error;
	}
	hostfs_place_set(hn, hp);
	if (over != NULL)
		node_removed(over);
	return 0;
}

static int
hostfs_rename(struct vnode *fdvp, const struct cname *fcn, struct vnode *fvp,
    struct vnode *tdvp, const struct cname *tcn, struct vnode *tvp, bool *last)
{
	struct hostfs_node *hn = vp_to_hn(fvp);
	struct hostfs_node *over = tvp != NULL ? vp_to_hn(tvp) : NULL;
	struct ends e;
	int error;

	*last = false;
	if ((error = ends_enter(&e, fdvp, fcn, tdvp, tcn)) != 0)
		return error;
	/* Open, it is found while its place is not the one that it is at. */
	if ((error = hostfs_pin(hn)) != 0)
		goto out;
	if (over == NULL || (error = hostfs_pin(over)) == 0) {
		error = rename_pinned(&e, hn, over);
		if (error != 0 && over != NULL)
			hostfs_unpin(over);
	}
	hostfs_unpin(hn);
out:
	ends_leave(&e);
	return error;
}

static int
exchange_pinned(
    struct ends *e, struct hostfs_node *from, struct hostfs_node *to)
{
	struct hostfs_place *there, *here;
	int error = ENOMEM;

	if (node_isabove(from, e->e_tdn) || node_isabove(to, e->e_fdn))
		return ESTALE;
	there = hostfs_place_alloc(e->e_tdn, e->e_to.hm_name);
	if (there == NULL)
		return ENOMEM;
	here = hostfs_place_alloc(e->e_fdn, e->e_from.hm_name);
	if (here != NULL)
		error = ends_rename(e, RENAME_EXCHANGE);
	if (error != 0) {
		hostfs_place_free(there);
		if (here != NULL)
			hostfs_place_free(here);
		return error;
	}
	hostfs_place_set(from, there);
	hostfs_place_set(to, here);
	return 0;
}

static int
hostfs_exchange(struct vnode *fdvp, const struct cname *fcn, struct vnode *fvp,
    struct vnode *tdvp, const struct cname *tcn, struct vnode *tvp)
{
	struct hostfs_node *from = vp_to_hn(fvp), *to = vp_to_hn(tvp);
	struct ends e;
	int error;

	if ((error = ends_enter(&e, fdvp, fcn, tdvp, tcn)) != 0)
		return error;
	if ((error = hostfs_pin(from)) != 0)
		goto out;
	if ((error = hostfs_pin(to)) == 0) {
		error = exchange_pinned(&e, from, to);
		hostfs_unpin(to);
	}
	hostfs_unpin(from);
out:
	ends_leave(&e);
	return error;
}

/*
 * Listing
 */

#define READDIR_SIZE 32768u /* bytes of entries that the host is asked for */

/*
 * The host's positions are the kernel's, but for the first few numbers, which
 * are its "." and "..", and its beginning.
 */
#define POS_FIRST 2
#define POS_HIGH  (INT64_MAX - 16)

static off_t
pos_from_host(off_t off)
{
	return off > POS_FIRST ? off : POS_HIGH + off;
}

static off_t
pos_to_host(off_t pos)
{
	if (pos <= POS_FIRST)
		return 0;
	return pos >= POS_HIGH && pos <= POS_HIGH + POS_FIRST ? pos - POS_HIGH
							      : pos;
}

static bool
name_isdots(const char *name)
{
	return name[0] == '.' &&
	       (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

/* One entry of the host's; false if there is no room for it. */
static bool
readdir_one(struct hostfs_mount *hm, const struct dirent64 *d, off_t *pos,
    readdir_fn fn, void *arg)
{
	struct direntry de = {
	    .de_name = d->d_name,
	    .de_namelen = (uint32_t)strlen(d->d_name),
	    .de_mode = DTTOIF(d->d_type),
	    .de_ino = d->d_ino,
	    .de_next = pos_from_host(d->d_off),
	};

	if (!name_isdots(d->d_name) &&
	    !(hm->hm_nosubdirs && d->d_type == DT_DIR) && !fn(arg, &de))
		return false;
	*pos = de.de_next;
	return true;
}

/* Its own open file, because the position in that is used. */
static int
readdir_fd(struct hostfs_mount *hm, int fd, char *buf, off_t *pos,
    readdir_fn fn, void *arg)
{
	const struct dirent64 *d;
	size_t len, at;
	int error;

	for (;;) {
		error = hyper_file_readdir(
		    fd, pos_to_host(*pos), buf, READDIR_SIZE, &len);
		if (error != 0 || len == 0)
			return error;
		for (at = 0; at < len; at += d->d_reclen) {
			d = (const struct dirent64 *)(const void *)(buf + at);
			if (!readdir_one(hm, d, pos, fn, arg))
				return 0;
		}
	}
}

static int
hostfs_readdir(struct vnode *dvp, off_t *pos, readdir_fn fn, void *arg)
{
	struct hostfs_node *dn = vp_to_hn(dvp);
	int path, fd, error;
	char *buf;

	if ((error = hostfs_get(dn, HF_PATH, &path)) != 0)
		return error;
	error = hostfs_reopen(path, O_RDONLY | O_DIRECTORY, &fd);
	hostfs_put(dn, HF_PATH);
	if (error != 0)
		return error;
	if ((buf = kmem_alloc(READDIR_SIZE)) == NULL)
		error = ENOMEM;
	else {
		error = readdir_fd(hn_mount(dn), fd, buf, pos, fn, arg);
		kmem_free(buf, READDIR_SIZE);
	}
	hyper_file_close(fd);
	return error;
}

static int
hostfs_dirsync(struct vnode *dvp, bool dataonly)
{
	struct hostfs_node *dn = vp_to_hn(dvp);
	int path, fd, error;

	if ((error = hostfs_get(dn, HF_PATH, &path)) != 0)
		return error;
	error = hostfs_reopen(path, O_RDONLY | O_DIRECTORY, &fd);
	hostfs_put(dn, HF_PATH);
	if (error != 0)
		return error;
	error = hyper_file_sync(fd, dataonly);
	hyper_file_close(fd);
	return error;
}

const struct vnodeops hostfs_dirops = {
    .vop_lookup = hostfs_lookup,
    .vop_parent = hostfs_parent,
    .vop_name = hostfs_name,
    .vop_create = hostfs_create,
    .vop_tmpfile = hostfs_tmpfile,
    .vop_link = hostfs_link,
    .vop_remove = hostfs_remove,
    .vop_rename = hostfs_rename,
    .vop_exchange = hostfs_exchange,
    .vop_readdir = hostfs_readdir,
    .vop_fsync = hostfs_dirsync,
    .vop_refresh = hostfs_vop_refresh,
    .vop_getattr = hostfs_getattr,
    .vop_setattr = hostfs_setattr,
    .vop_getxattr = hostfs_getxattr,
    .vop_setxattr = hostfs_setxattr,
    .vop_listxattr = hostfs_listxattr,
    .vop_reclaim = hostfs_reclaim,
};
