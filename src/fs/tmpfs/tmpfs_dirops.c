/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making, removing and renaming entries.
 *
 * Each operation first gets the memory and the room that it takes, then
 * changes things without a way to fail.
 */
#include "fs/tmpfs/tmpfs.h"

/* What Linux says that an entry takes of a directory's size. */
#define DIRENT_SIZE 20

static void
tmpfs_prefetch(struct vnode *dvp, const struct cname *cn)
{
	tmpfs_dir_prefetch(vp_to_node(dvp), cn);
}

static struct vnode *
tmpfs_parent(struct vnode *dvp)
{
	return &tmpfs_get(vp_to_node(dvp)->tn_parent)->tn_vnode;
}

static void
tmpfs_name(struct vnode *dvp, const char **namep, size_t *lenp)
{
	const struct tmpfs_dirent *td = tmpfs_get(vp_to_node(dvp)->tn_entry);

	*namep = td->td_name;
	*lenp = td->td_len;
}

int
tmpfs_aname(
    struct vnode *vp, struct vnode **dvpp, const char **namep, size_t *lenp)
{
	struct tmpfs_node *tn = vp_to_node(vp), *dn;
	struct tmpfs_dirent *td;

	/* The two belong together. */
	rw_enter_read(&vp->v_lock);
	dn = tmpfs_get(tn->tn_parent);
	td = tmpfs_get(tn->tn_entry);
	rw_exit_read(&vp->v_lock);
	if (td == NULL)
		return ENOENT;
	*dvpp = &dn->tn_vnode;
	*namep = td->td_name;
	*lenp = td->td_len;
	return 0;
}

/*
 * Entries
 */

static inline size_t
dirent_bytes(size_t namelen)
{
	return offsetof(struct tmpfs_dirent, td_name) + namelen;
}

static void
dirent_init(
    struct tmpfs_dirent *td, struct tmpfs_node *tn, const struct cname *cn)
{
	td->td_node = tn;
	td->td_len = (uint8_t)cn->cn_len;
	memcpy(td->td_name, cn->cn_name, cn->cn_len);
}

static int
dirent_alloc(
    struct tmpfs_node *tn, const struct cname *cn, struct tmpfs_dirent **tdp)
{
	struct tmpfs_dirent *td = kmem_alloc(dirent_bytes(cn->cn_len));

	if (td == NULL)
		return ENOMEM;
	dirent_init(td, tn, cn);
	*tdp = td;
	return 0;
}

/* The first one of tn, which nobody knows yet. */
static int
dirent_first(
    struct tmpfs_node *tn, const struct cname *cn, struct tmpfs_dirent **tdp)
{
	if (unlikely(sizeof(*tn) + dirent_bytes(cn->cn_len) > TMPFS_NODE_BYTES))
		return dirent_alloc(tn, cn, tdp);
	*tdp = tmpfs_node_room(tn);
	dirent_init(*tdp, tn, cn);
	return 0;
}

static void
dirent_free(struct tmpfs_dirent *td)
{
	kmem_free(td, dirent_bytes(td->td_len));
}

static void
dirent_smrfree(struct smr_item *si)
{
	dirent_free(container_of(si, struct tmpfs_dirent, td_smr));
}

/* It has been taken out; one in its node goes with that. */
static void
dirent_retire(struct tmpfs_dirent *td)
{
	if (unlikely(td != tmpfs_node_room(td->td_node)))
		smr_retire(&td->td_smr, dirent_smrfree);
}

static inline bool
node_isdir(const struct tmpfs_node *tn)
{
	return vnode_type(&tn->tn_vnode) == S_IFDIR;
}

/* dn has so many more entries, some of which are directories. */
static void
dir_changed(struct tmpfs_node *dn, int entries, int dirs, struct timespec *now)
{
	tmpfs_change(dn, now);
	tmpfs_set(dn->tn_size, tmpfs_size(dn) + entries * DIRENT_SIZE);
	tmpfs_set(dn->tn_nlink, tmpfs_nlink(dn) + (uint32_t)dirs);
	tmpfs_settime(dn, TMPFS_MTIME, now);
	tmpfs_settime(dn, TMPFS_CTIME, now);
	tmpfs_changed(dn);
}

/* tn has so many links now. */
static inline __attribute__((always_inline)) void
node_setlinks(struct tmpfs_node *tn, uint32_t nlink, struct timespec *now)
{
	if (likely(nlink == 0 && !vnode_isheld(&tn->tn_vnode)))
		tmpfs_change_last(tn);
	else
		tmpfs_change(tn, now);
	tmpfs_set(tn->tn_nlink, nlink);
	tmpfs_settime(tn, TMPFS_CTIME, now);
	tmpfs_changed(tn);
}

/*
 * tn has a place now: the entry td in dn.  A directory holds that; anything
 * else does not, because dn is there as long as the entry.
 */
static void
node_setparent(
    struct tmpfs_node *tn, struct tmpfs_node *dn, struct tmpfs_dirent *td)
{
	tmpfs_set(tn->tn_parent, dn);
	tmpfs_set(tn->tn_entry, td);
}

static int
tmpfs_create(struct vnode *dvp, const struct cname *cn, const struct vattr *va,
    struct vnode **vpp)
{
	struct tmpfs_node *dn = vp_to_node(dvp), *tn;
	struct tmpfs_dirent *td;
	struct tmpfs_place place;
	struct timespec now;
	int isdir = S_ISDIR(va->va_mode), error;

	vfs_coarse_now(&now);
	if ((error = tmpfs_dir_reserve(dn, cn, &place)) != 0 ||
	    (error = tmpfs_node_alloc(node_super(dn), dn, va, &now, &tn)) != 0)
		return error;
	if ((error = dirent_first(tn, cn, &td)) != 0) {
		tmpfs_node_abort(tn);
		return error;
	}
	if (isdir)
		vnode_hold(dvp);
	node_setparent(tn, dn, td);
	atomic_init(&tn->tn_nlink, isdir ? 2 : 1);
	tmpfs_dir_insert(dn, &place, td);
	dir_changed(dn, 1, isdir, &now);
	*vpp = &tn->tn_vnode;
	return 0;
}

static int
tmpfs_tmpfile(struct vnode *dvp, const struct vattr *va, bool linkable,
    struct vnode **vpp)
{
	struct tmpfs_node *dn = vp_to_node(dvp), *tn;
	struct timespec now;
	int error;

	vfs_coarse_now(&now);
	error = tmpfs_node_alloc(node_super(dn), dn, va, &now, &tn);
	if (error != 0)
		return error;
	*vpp = &tn->tn_vnode;
	if (linkable)
		atomic_init(&(*vpp)->v_mode, va->va_mode | V_TMPFILE);
	return 0;
}

static int
tmpfs_link(struct vnode *dvp, const struct cname *cn, struct vnode *vp)
{
	struct tmpfs_node *dn = vp_to_node(dvp), *tn = vp_to_node(vp);
	bool first = tmpfs_nlink(tn) == 0;
	int64_t space = first ? 0 : TMPFS_INODE_SPACE;
	struct tmpfs_dirent *td;
	struct tmpfs_place place;
	struct timespec now;
	int error;

	if (first && (vnode_mode(vp) & V_TMPFILE) == 0)
		return ENOENT;
	error = tmpfs_take(node_super(tn), TMPFS_INODES, space);
	if (error != 0)
		return error;
	if ((error = tmpfs_dir_reserve(dn, cn, &place)) != 0 ||
	    (error = dirent_alloc(tn, cn, &td)) != 0) {
		tmpfs_give(node_super(tn), TMPFS_INODES, space);
		return error;
	}
	vfs_coarse_now(&now);
	if (first) {
		vnode_hold(vp);
		tmpfs_set(vp->v_mode, vnode_mode(vp) & ~V_TMPFILE);
	}
	tmpfs_dir_insert(dn, &place, td);
	if (tmpfs_get(tn->tn_entry) == NULL)
		node_setparent(tn, dn, td);
	dir_changed(dn, 1, 0, &now);
	node_setlinks(tn, tmpfs_nlink(tn) + 1, &now);
	return 0;
}

/* The entry of dn with the name cn, which is one of tn's; both are locked. */
static inline __attribute__((always_inline)) struct tmpfs_dirent *
node_entry(struct tmpfs_node *tn, struct tmpfs_node *dn, const struct cname *cn)
{
	struct tmpfs_dirent *td = tmpfs_get(tn->tn_entry);

	/* If it has one only, that is known. */
	if (unlikely(td == NULL || (!node_isdir(tn) && tmpfs_nlink(tn) != 1)))
		td = tmpfs_dir_find(dn, cn);
	KASSERT(td != NULL && td->td_node == tn);
	KASSERT(td == tmpfs_dir_find(dn, cn));
	return td;
}

/*
 * tn has lost the entry td.  True if that was its last: the tree's reference to
 * it is to be dropped.
 */
static inline __attribute__((always_inline)) bool
node_unlinked(
    struct tmpfs_node *tn, const struct tmpfs_dirent *td, struct timespec *now)
{
	struct vnode *vp = &tn->tn_vnode;

	if (!node_isdir(tn)) {
		if (tmpfs_get(tn->tn_entry) == td)
			node_setparent(tn, NULL, NULL);
		node_setlinks(tn, tmpfs_nlink(tn) - 1, now);
		if (tmpfs_nlink(tn) == 0)
			return true;
		tmpfs_give(node_super(tn), TMPFS_INODES, TMPFS_INODE_SPACE);
		return false;
	}
	KASSERT(tmpfs_dir_isempty(tn));
	tmpfs_set(vp->v_mode, vnode_mode(vp) | V_DEAD);
	node_setlinks(tn, 0, now);
	return true;
}

static int
tmpfs_remove(
    struct vnode *dvp, const struct cname *cn, struct vnode *vp, bool *last)
{
	struct tmpfs_node *dn = vp_to_node(dvp), *tn = vp_to_node(vp);
	struct tmpfs_dirent *td = node_entry(tn, dn, cn);
	struct timespec now;

	if (node_isdir(tn) && !tmpfs_dir_isempty(tn))
		return ENOTEMPTY;
	vfs_coarse_now(&now);
	tmpfs_dir_remove(dn, td);
	tmpfs_dir_shrink(dn);
	dir_changed(dn, -1, node_isdir(tn) ? -1 : 0, &now);
	*last = node_unlinked(tn, td, &now);
	dirent_retire(td);
	return 0;
}

/* The directory tn is in tdn now, no longer in fdn. */
static void
node_move(struct tmpfs_node *tn, struct tmpfs_node *fdn, struct tmpfs_node *tdn,
    struct tmpfs_dirent *td)
{
	if (fdn != tdn)
		vnode_hold(&tdn->tn_vnode);
	node_setparent(tn, tdn, td);
	if (fdn != tdn)
		vnode_rele(&fdn->tn_vnode);
}

/* What was the entry `from' in fdn is td in tdn now: so tn has moved. */
static void
node_renamed(struct tmpfs_node *tn, struct tmpfs_node *fdn,
    const struct tmpfs_dirent *from, struct tmpfs_node *tdn,
    struct tmpfs_dirent *td)
{
	if (node_isdir(tn))
		node_move(tn, fdn, tdn, td);
	else if (tmpfs_get(tn->tn_entry) == from)
		node_setparent(tn, tdn, td);
}

static int
tmpfs_rename(struct vnode *fdvp, const struct cname *fcn, struct vnode *fvp,
    struct vnode *tdvp, const struct cname *tcn, struct vnode *tvp, bool *last)
{
	struct tmpfs_node *fdn = vp_to_node(fdvp), *tdn = vp_to_node(tdvp);
	struct tmpfs_node *tn = vp_to_node(fvp);
	struct tmpfs_dirent *from = node_entry(tn, fdn, fcn), *to = NULL, *td;
	int isdir = node_isdir(tn), error;
	struct tmpfs_place place;
	struct timespec now;

	if (tvp != NULL) {
		to = node_entry(vp_to_node(tvp), tdn, tcn);
		if (isdir && !tmpfs_dir_isempty(to->td_node))
			return ENOTEMPTY;
	} else if ((error = tmpfs_dir_reserve(tdn, tcn, &place)) != 0)
		return error;
	if ((error = dirent_alloc(tn, tcn, &td)) != 0)
		return error;
	vfs_coarse_now(&now);

	tmpfs_dir_remove(fdn, from);
	dir_changed(fdn, -1, -isdir, &now);
	if (to != NULL)
		tmpfs_dir_replace(tdn, to, td);
	else {
		tmpfs_dir_place(tdn, tcn, &place);
		tmpfs_dir_insert(tdn, &place, td);
	}
	dir_changed(tdn, to == NULL, to == NULL ? isdir : 0, &now);
	node_setlinks(tn, tmpfs_nlink(tn), &now);
	node_renamed(tn, fdn, from, tdn, td);
	dirent_retire(from);
	if (to != NULL) {
		*last = node_unlinked(to->td_node, to, &now);
		dirent_retire(to);
	}
	return 0;
}

/* The name of `old' in dn, which was one of another node, is one of tn. */
static void
entry_change(struct tmpfs_node *dn, struct tmpfs_dirent *old,
    struct tmpfs_dirent *td, struct timespec *now)
{
	struct tmpfs_node *tn = td->td_node;

	tmpfs_dir_replace(dn, old, td);
	dir_changed(dn, 0, node_isdir(tn) - node_isdir(old->td_node), now);
	node_setlinks(tn, tmpfs_nlink(tn), now);
	dirent_retire(old);
}

static int
tmpfs_exchange(struct vnode *fdvp, const struct cname *fcn, struct vnode *fvp,
    struct vnode *tdvp, const struct cname *tcn, struct vnode *tvp)
{
	struct tmpfs_node *fdn = vp_to_node(fdvp), *tdn = vp_to_node(tdvp);
	struct tmpfs_node *fn = vp_to_node(fvp), *tn = vp_to_node(tvp);
	struct tmpfs_dirent *from, *to, *oldfrom, *oldto;
	struct timespec now;
	int error;

	if ((error = dirent_alloc(tn, fcn, &from)) != 0)
		return error;
	if ((error = dirent_alloc(fn, tcn, &to)) != 0) {
		dirent_free(from);
		return error;
	}
	vfs_coarse_now(&now);
	oldfrom = node_entry(fn, fdn, fcn);
	oldto = node_entry(tn, tdn, tcn);
	entry_change(fdn, oldfrom, from, &now);
	entry_change(tdn, oldto, to, &now);
	node_renamed(fn, fdn, oldfrom, tdn, to);
	node_renamed(tn, tdn, oldto, fdn, from);
	return 0;
}

/*
 * The first entry of dn from *keyp on goes, unless it is a directory that has
 * not been gone through: that is *inp.  False if there is none.
 */
static bool
clear_one(struct tmpfs_node *dn, uint64_t *keyp, struct tmpfs_node **inp)
{
	struct vnode *dvp = &dn->tn_vnode, *vp = NULL;
	struct tmpfs_dirent *td;
	struct timespec now;
	bool last = false;

	vfs_coarse_now(&now);
	*inp = NULL;
	rw_enter_write(&dvp->v_lock);
	if ((td = tmpfs_dir_next(dn, *keyp)) != NULL) {
		*keyp = td->td_key;
		vp = &td->td_node->tn_vnode;
	}
	if (vp != NULL && vnode_type(vp) == S_IFDIR &&
	    (vnode_mode(vp) & V_DEAD) == 0)
		*inp = td->td_node;
	else if (vp != NULL) {
		rw_enter_write(&vp->v_lock);
		tmpfs_dir_remove(dn, td);
		last = node_unlinked(td->td_node, td, &now);
		rw_exit_write(&vp->v_lock);
		dirent_retire(td);
	}
	rw_exit_write(&dvp->v_lock);
	if (last)
		vnode_rele(vp);
	return vp != NULL;
}

/*
 * Not recursive: a tree can be deep.  In a directory it goes from key to key,
 * because a table that has been emptied from its beginning is long to search.
 * Who found a directory before the last mount went is told that it is dead.
 */
void
tmpfs_clear(struct tmpfs_mount *tm)
{
	struct tmpfs_node *dn = vp_to_node(tm->tm_super.sb_root), *in;
	uint64_t key = 0;

	vnode_setflags(&dn->tn_vnode, V_DEAD, 0);
	for (;;) {
		if (clear_one(dn, &key, &in)) {
			if (in == NULL)
				continue;
			dn = in;
			key = 0;
			vnode_setflags(&dn->tn_vnode, V_DEAD, 0);
		} else if (tmpfs_get(dn->tn_parent) == dn)
			break;
		else {
			key = tmpfs_get(dn->tn_entry)->td_key;
			dn = tmpfs_get(dn->tn_parent);
		}
	}
}

const struct vnodeops tmpfs_dirops = {
    .vop_lookup = tmpfs_lookup,
    .vop_prefetch = tmpfs_prefetch,
    .vop_parent = tmpfs_parent,
    .vop_name = tmpfs_name,
    .vop_create = tmpfs_create,
    .vop_tmpfile = tmpfs_tmpfile,
    .vop_link = tmpfs_link,
    .vop_remove = tmpfs_remove,
    .vop_rename = tmpfs_rename,
    .vop_exchange = tmpfs_exchange,
    .vop_readdir = tmpfs_readdir,
    .vop_getattr = tmpfs_getattr,
    .vop_setattr = tmpfs_setattr,
    .vop_accessed = tmpfs_accessed,
    .vop_getxattr = tmpfs_getxattr,
    .vop_setxattr = tmpfs_setxattr,
    .vop_listxattr = tmpfs_listxattr,
    .vop_getacl = tmpfs_getacl,
    .vop_reclaim = tmpfs_reclaim,
};
