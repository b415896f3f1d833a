/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The walk of a path: from names to vnodes.
 *
 * The walk goes from directory to directory with vop_lookup, from there to
 * what is mounted on them, and holds nothing: no lock, no reference.  What it
 * finds was there at some moment during the walk, and stays readable until
 * the section ends.
 *
 * A symbolic link on the way is followed without recursion: what is left of
 * the path is put aside in ni_rest and the walk goes on in the link's text.
 * The last name of all, and of a link at the very end, is left to the caller
 * (namei_parent) or looked up (namei_step).
 */
#include <endian.h>

#include "vfs/vfs_impl.h"

/*
 * Names, eight bytes at a time.
 */

#define BYTES(b) (UINT64_C(0x0101010101010101) * (b))

static uint64_t seed[2];

void
namei_boot(void)
{
	hyper_random(seed, sizeof(seed));
	seed[1] |= 1;
}

static inline uint64_t
load_bytes(const char *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	return le64toh(w);
}

static inline uint64_t
load_half(const char *p)
{
	uint32_t w;

	memcpy(&w, p, sizeof(w));
	return le32toh(w);
}

/* The lowest bit set says which is the first byte of w that is zero. */
static inline uint64_t
zero_bytes(uint64_t w)
{
	return (w - BYTES(0x01)) & ~w & BYTES(0x80);
}

static inline uint64_t
mix(uint64_t a, uint64_t b)
{
	unsigned __int128 r = (unsigned __int128)a * b;

	return (uint64_t)r ^ (uint64_t)(r >> 64);
}

/*
 * Take a name off the front of a path: up to a slash or the end, where the
 * result points.
 */
static inline __attribute__((always_inline)) const char *
cname_parse(struct cname *cn, const char *path)
{
	const char *p = path;
	uint64_t h = seed[0], w, end;

	for (;; p += sizeof(w)) {
		w = load_bytes(p);
		end = zero_bytes(w) | zero_bytes(w ^ BYTES('/'));
		if (end != 0)
			break;
		h = mix(h ^ w, seed[1]);
	}
	/* The bytes below the one that ends the name. */
	w &= ((end & -end) - 1) >> 7;
	h = mix(h ^ w, seed[1]);
	p += (unsigned)__builtin_ctzll(end) >> 3;
	cn->cn_name = path;
	cn->cn_len = (uint32_t)(p - path);
	h = mix(h ^ cn->cn_len, UINT64_C(0x9e3779b97f4a7c15));
	cn->cn_hash = h >> (64 - CNAME_HASHBITS);
	if (unlikely(cn->cn_hash == 0))
		cn->cn_hash = 1;
	return p;
}

void
cname_init(struct cname *cn, const char *name, size_t len)
{
	char buf[NAME_MAX + sizeof(uint64_t)] = {0};

	KASSERT(len > 0 && len <= NAME_MAX);
	memcpy(buf, name, len);
	(void)cname_parse(cn, buf);
	cn->cn_name = name;
}

/*
 * Where a walk begins.
 */

void
namei_init(struct nameidata *nd, struct lwp *l, int dirfd, unsigned wanted)
{
	nd->ni_lwp = l;
	nd->ni_cred = proc_cred(l->l_proc);
	nd->ni_dirfd = dirfd;
	nd->ni_wanted = wanted;
}

static inline void
store_bytes(char *p, uint64_t w)
{
	w = htole64(w);
	memcpy(p, &w, sizeof(w));
}

/* The last len % 8 of len bytes. */
static inline uint64_t
load_last(const char *p, size_t len)
{
	size_t n = len % sizeof(uint64_t);
	const unsigned char *u = (const unsigned char *)p;

	if (n == 0)
		return 0;
	if (len > n)
		return load_bytes(p + len - sizeof(uint64_t)) >> (64 - 8 * n);
	/* Some twice, which does no harm. */
	if (n >= 4)
		return load_half(p) | load_half(p + n - 4) << 8 * (n - 4);
	return u[0] | (uint64_t)u[n / 2] << 8 * (n / 2) |
	       (uint64_t)u[n - 1] << 8 * (n - 1);
}

/*
 * Copy a path, with zeroes after it that cname_parse reads.  Word by word: the
 * processor waits for those that are read otherwise than they were stored, and
 * the first is read at once.
 */
static int
namei_copy(struct nameidata *nd, const char *path, size_t len)
{
	char *to = nd->ni_path;
	size_t i;

	KASSERT(len < PATH_MAX);
	for (i = 0; i + sizeof(uint64_t) <= len; i += sizeof(uint64_t))
		store_bytes(to + i, load_bytes(path + i));
	store_bytes(to + i, load_last(path, len));
	store_bytes(to + i + sizeof(uint64_t), 0);
	return len == 0 && (nd->ni_wanted & NAMEI_EMPTY) == 0 ? ENOENT : 0;
}

int
namei_copyin(struct nameidata *nd, const char *upath)
{
	size_t len;
	int error;

	if ((error = userstrlen(upath, PATH_MAX, &len)) != 0)
		return error;
	return namei_copy(nd, upath, len);
}

int
namei_setpath(struct nameidata *nd, const char *path)
{
	size_t len = strlen(path);

	return len < PATH_MAX ? namei_copy(nd, path, len) : ENAMETOOLONG;
}

/* Where a path that does not begin with a slash begins. */
static int
namei_start(struct nameidata *nd, const struct cwdinfo *cwdi)
{
	int error;

	if (nd->ni_dirfd == AT_FDCWD) {
		nd->ni_dmount = cwdi->cwd_cmount;
		nd->ni_dvp = cwdi->cwd_cdir;
		return 0;
	}
	error = fd_vnode(
	    nd->ni_lwp, nd->ni_dirfd, ENOTDIR, &nd->ni_dmount, &nd->ni_dvp);
	if (error == 0 && nd->ni_path[0] != '\0' && !vnode_isdir(nd->ni_dvp))
		error = ENOTDIR;
	return error;
}

static inline __attribute__((always_inline)) int
namei_begin(struct nameidata *nd)
{
	const struct cwdinfo *cwdi = proc_cwdi(nd->ni_lwp->l_proc);
	int error;

	nd->ni_renames = vfs_renames_ended();
	nd->ni_rmount = cwdi->cwd_rmount;
	nd->ni_root = cwdi->cwd_rdir;
	nd->ni_flags = nd->ni_wanted;
	nd->ni_links = 0;
	nd->ni_depth = 0;
	nd->ni_slash = false;
	if (unlikely((nd->ni_flags & (NAMEI_BENEATH | NAMEI_INROOT)) != 0)) {
		if ((error = namei_start(nd, cwdi)) != 0)
			return error;
		nd->ni_rmount = nd->ni_dmount;
		nd->ni_root = nd->ni_dvp;
		return nd->ni_path[0] == '/' &&
			       (nd->ni_flags & NAMEI_BENEATH) != 0
			   ? EXDEV
			   : 0;
	}
	if (nd->ni_path[0] != '/')
		return namei_start(nd, cwdi);
	nd->ni_dmount = nd->ni_rmount;
	nd->ni_dvp = nd->ni_root;
	return 0;
}

/*
 * Steps.
 */

static inline const char *
skip_slashes(const char *p)
{
	while (*p == '/')
		p++;
	return p;
}

/* From a link to a file that it stands for. */
static int
namei_jump(struct nameidata *nd)
{
	struct vnode *vp = nd->ni_vp;
	struct mount *mp = nd->ni_mount;
	int error;

	if ((nd->ni_flags & NAMEI_NOMAGIC) != 0)
		return ELOOP;
	if ((error = vp->v_ops->vop_follow(vp, &mp, &vp)) != 0)
		return error;
	if ((nd->ni_flags & (NAMEI_BENEATH | NAMEI_INROOT)) != 0 ||
	    ((nd->ni_flags & NAMEI_NOXDEV) != 0 && mp != nd->ni_dmount))
		return EXDEV;
	nd->ni_mount = mp;
	nd->ni_vp = vp;
	return 0;
}

/*
 * ni_vp is a symbolic link: its text, or NULL if that is only a root or if it
 * leads straight to ni_vp.
 */
static int
namei_follow(struct nameidata *nd, const char **linkp)
{
	struct vnode *vp = nd->ni_vp;
	const char *text;
	size_t len;
	int error;

	if (nd->ni_links++ >= NAMEI_MAXLINKS ||
	    (nd->ni_flags & NAMEI_NOSYMLINKS) != 0)
		return ELOOP;
	vnode_accessed(nd->ni_mount, vp);
	if (vp->v_ops->vop_follow != NULL)
		return namei_jump(nd);
	if ((error = vp->v_ops->vop_readlink(vp, &text, &len)) != 0)
		return error;
	if (*text == '/') {
		if ((nd->ni_flags & NAMEI_BENEATH) != 0 ||
		    ((nd->ni_flags & NAMEI_NOXDEV) != 0 &&
			nd->ni_rmount != nd->ni_dmount))
			return EXDEV;
		text = skip_slashes(text);
		nd->ni_mount = nd->ni_dmount = nd->ni_rmount;
		nd->ni_vp = nd->ni_dvp = nd->ni_root;
		vnode_refresh(nd->ni_root);
	}
	*linkp = *text != '\0' ? text : NULL;
	return 0;
}

/* From a file to what is mounted on it, and on that. */
static int
namei_cross(struct nameidata *nd)
{
	struct mount *mp;

	while ((vnode_mode(nd->ni_vp) & V_MOUNTED) != 0 &&
	       (mp = mount_find(nd->ni_mount, nd->ni_vp)) != NULL) {
		if ((nd->ni_flags & NAMEI_NOXDEV) != 0)
			return EXDEV;
		nd->ni_mount = mp;
		nd->ni_vp = mp->mnt_root;
		if (mp->mnt_super->sb_ops->vfs_elsewhere &&
		    (nd->ni_flags & NAMEI_MOUNT) == 0)
			return EREMOTE;
		vnode_refresh(nd->ni_vp);
	}
	return 0;
}

/*
 * A directory that is not the root of a mount of a part of a super can have
 * been moved out of that part: is it still there?
 */
static bool
vnode_isbelow(struct vnode *top, struct vnode *vp)
{
	struct vnode *parent;

	while (vp != top) {
		parent = vp->v_ops->vop_parent(vp);
		if (parent == vp)
			return false;
		vp = parent;
	}
	return true;
}

/* "..": up, out of mounts at their roots, but not beyond ni_root. */
static int
namei_up(struct nameidata *nd)
{
	struct mount *mp = nd->ni_dmount, *parent;
	struct vnode *vp = nd->ni_dvp, *covered;

	while (
	    vp == mp->mnt_root && (vp != nd->ni_root || mp != nd->ni_rmount)) {
		parent = mount_parent(mp);
		covered = mount_covered(mp);
		if (parent == NULL || covered == NULL)
			break;
		mp = parent;
		vp = covered;
	}
	if ((nd->ni_flags & NAMEI_NOXDEV) != 0 && mp != nd->ni_dmount)
		return EXDEV;
	if (vp == nd->ni_root && mp == nd->ni_rmount) {
		if ((nd->ni_flags & NAMEI_BENEATH) != 0)
			return EXDEV;
	} else if (vp != mp->mnt_root) {
		if (mp->mnt_root != mp->mnt_super->sb_root &&
		    !vnode_isbelow(mp->mnt_root, vp))
			return ENOENT;
		vp = vp->v_ops->vop_parent(vp);
	}
	nd->ni_mount = mp;
	nd->ni_vp = vp;
	vnode_refresh(vp);
	return namei_cross(nd);
}

/*
 * A name was not found.  That counts if there was no rename meanwhile, or with
 * the directory locked.
 */
static __attribute__((noinline)) int
namei_missed_slow(struct nameidata *nd)
{
	struct vnode *dvp = nd->ni_dvp;
	int error;

	rw_enter_read(&dvp->v_lock);
	error = dvp->v_ops->vop_lookup(dvp, &nd->ni_cn, &nd->ni_vp);
	rw_exit_read(&dvp->v_lock);
	return error;
}

static inline int
namei_missed(struct nameidata *nd)
{
	return likely(!vfs_renames_since(nd->ni_renames))
		   ? ENOENT
		   : namei_missed_slow(nd);
}

/* What is not a name in the directory. */
static __attribute__((noinline)) int
namei_dots(struct nameidata *nd)
{
	if (nd->ni_last == LAST_DOTDOT)
		return namei_up(nd);
	nd->ni_vp = nd->ni_dvp;
	return 0;
}

/* What was found is covered, or a symbolic link. */
static __attribute__((noinline)) int
namei_beyond(struct nameidata *nd, bool follow, const char **linkp)
{
	int error;

	if ((error = namei_cross(nd)) != 0)
		return error;
	return follow && vnode_type(nd->ni_vp) == S_IFLNK
		   ? namei_follow(nd, linkp)
		   : 0;
}

static inline __attribute__((always_inline)) int
namei_step_inline(struct nameidata *nd, bool follow, const char **linkp)
{
	struct vnode *dvp = nd->ni_dvp;
	uint32_t mode;
	int error;

	*linkp = NULL;
	nd->ni_mount = nd->ni_dmount;
	if (unlikely(nd->ni_last != LAST_NORM))
		return namei_dots(nd);
	if ((error = cname_check(&nd->ni_cn, dvp)) != 0)
		return error;
	error = dvp->v_ops->vop_lookup(dvp, &nd->ni_cn, &nd->ni_vp);
	if (unlikely(error != 0) &&
	    (error != ENOENT || (error = namei_missed(nd)) != 0))
		return error;
	mode = vnode_mode(nd->ni_vp);
	if (unlikely((mode & V_MOUNTED) != 0 || S_ISLNK(mode)))
		return namei_beyond(nd, follow, linkp);
	return 0;
}

int
namei_step(struct nameidata *nd, bool follow, const char **linkp)
{
	return namei_step_inline(nd, follow, linkp);
}

/* From directory ni_dvp along `path', up to its last name. */
static inline __attribute__((always_inline)) int
namei_walk(struct nameidata *nd, const char *path)
{
	const char *p, *rest, *link;
	int error;

	path = skip_slashes(path);
	if (*path == '\0') {
		nd->ni_last = LAST_ROOT;
		return 0;
	}
	for (;;) {
		error = vnode_search(nd->ni_dmount, nd->ni_dvp, nd->ni_cred);
		if (unlikely(error != 0))
			return error;
		p = cname_parse(&nd->ni_cn, path);
		nd->ni_last = cname_kind(&nd->ni_cn);
		rest = skip_slashes(p);
		if (*rest == '\0') {
			/* The last name: of all, or of a link on the way. */
			if (nd->ni_depth == 0) {
				nd->ni_slash = *p == '/';
				return 0;
			}
			rest = nd->ni_rest[--nd->ni_depth];
		}
		if (unlikely(
			(error = namei_step_inline(nd, true, &link)) != 0)) {
			if (error == EREMOTE)
				nd->ni_rest[nd->ni_depth++] = rest;
			return error;
		}
		if (unlikely(link != NULL)) {
			nd->ni_rest[nd->ni_depth++] = rest;
			path = link;
			continue;
		}
		nd->ni_dmount = nd->ni_mount;
		nd->ni_dvp = nd->ni_vp;
		if (unlikely(!vnode_isdir(nd->ni_dvp)))
			return ENOTDIR;
		path = rest;
	}
}

int
namei_continue(struct nameidata *nd, const char *path)
{
	return namei_walk(nd, path);
}

int
namei_parent(struct nameidata *nd)
{
	int error;

	if ((error = namei_begin(nd)) != 0)
		return error;
	vnode_refresh(nd->ni_dvp);
	return namei_walk(nd, nd->ni_path);
}

int
namei(struct nameidata *nd)
{
	const char *p = nd->ni_path;
	int error;

	if ((error = namei_begin(nd)) != 0)
		return error;
	vnode_refresh(nd->ni_dvp);
	do {
		if ((error = namei_walk(nd, p)) != 0)
			return error;
		if (unlikely(nd->ni_slash))
			nd->ni_flags |= NAMEI_FOLLOW | NAMEI_DIRECTORY;
		error = namei_step_inline(
		    nd, (nd->ni_flags & NAMEI_FOLLOW) != 0, &p);
		if (error != 0)
			return error;
	} while (unlikely(p != NULL));
	if ((nd->ni_flags & NAMEI_DIRECTORY) != 0 && !vnode_isdir(nd->ni_vp))
		return ENOTDIR;
	return 0;
}

int
vfs_lookup(
    struct lwp *l, const char *path, struct mount **mpp, struct vnode **vpp)
{
	struct nameidata nd;
	int error;

	namei_init(&nd, l, AT_FDCWD, NAMEI_FOLLOW);
	if ((error = namei_setpath(&nd, path)) != 0 ||
	    (error = namei(&nd)) != 0)
		return error;
	if (!vnode_tryhold(nd.ni_vp))
		return ENOENT;
	if (!mount_tryhold(nd.ni_mount)) {
		vnode_rele(nd.ni_vp);
		return ENOENT;
	}
	*mpp = nd.ni_mount;
	*vpp = nd.ni_vp;
	return 0;
}

int
namei_user(struct nameidata *nd, struct lwp *l, int dirfd, const char *upath,
    unsigned wanted)
{
	int error;

	namei_init(nd, l, dirfd, wanted);
	if ((error = namei_copyin(nd, upath)) != 0)
		return error;
	return namei(nd);
}
