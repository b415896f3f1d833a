/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nodes: one for each file of the host that was looked up lately.
 *
 * Nodes are in the cache of src/vfs by device and number, but for the root and
 * for files without a name.  The same number can be another file by now, or
 * another kind: hostfs_same asks for the time of birth too.  Such a node, and
 * one of a directory that the host has moved, is taken out of the cache and
 * another made; who has it goes on with what it has open.
 *
 * A file with several names is one node, and its place is where it was looked
 * up last.
 */
#include "fs/hostfs/hostfs.h"

#include "kern/pipe.h"

static struct kcache *node_cache;

void
hostfs_node_init(void)
{
	node_cache = kcache_init(
	    "hostfs-node", sizeof(struct hostfs_node), CACHE_LINE, 0);
}

bool
hostfs_same(const struct hostfs_node *hn, const struct hyper_stat *hs)
{
	return hn->hn_key[0] == hs->hs_stat.st_dev &&
	       hn->hn_key[1] == hs->hs_stat.st_ino &&
	       hn->hn_birth.tv_sec == hs->hs_birth.tv_sec &&
	       hn->hn_birth.tv_nsec == hs->hs_birth.tv_nsec &&
	       vnode_type(&hn->hn_vcn.vn_vnode) ==
		   (hs->hs_stat.st_mode & S_IFMT);
}

/*
 * Places
 */

static size_t
place_bytes(size_t len)
{
	return offsetof(struct hostfs_place, hp_name) + len + 1;
}

struct hostfs_place *
hostfs_place_alloc(struct hostfs_node *dn, const char *name)
{
	size_t len = strlen(name);
	struct hostfs_place *hp = kmem_alloc(place_bytes(len));

	if (hp == NULL)
		return NULL;
	vnode_hold(hn_vnode(dn));
	hp->hp_dir = dn;
	hp->hp_len = (uint16_t)len;
	memcpy(hp->hp_name, name, len + 1);
	return hp;
}

/* It was never anybody's. */
void
hostfs_place_free(struct hostfs_place *hp)
{
	vnode_rele(hn_vnode(hp->hp_dir));
	kmem_free(hp, place_bytes(hp->hp_len));
}

static void
place_smrfree(struct smr_item *si)
{
	struct hostfs_place *hp = container_of(si, struct hostfs_place, hp_smr);

	kmem_free(hp, place_bytes(hp->hp_len));
}

void
hostfs_place_set(struct hostfs_node *hn, struct hostfs_place *hp)
{
	struct hostfs_place *old;

	/* That of a dead node is gone with it. */
	if (!vnode_tryhold(hn_vnode(hn))) {
		hostfs_place_free(hp);
		return;
	}
	mutex_enter(&hn->hn_lock);
	old = hn_place(hn);
	/* Pairs with the acquire in hn_place. */
	atomic_store_explicit(&hn->hn_place, hp, memory_order_release);
	mutex_exit(&hn->hn_lock);
	vnode_rele(hn_vnode(old->hp_dir));
	smr_retire(&old->hp_smr, place_smrfree);
	vnode_rele(hn_vnode(hn));
}

static bool
place_is(const struct hostfs_place *hp, const struct hostfs_node *dn,
    const char *name)
{
	return hp->hp_dir == dn && strcmp(hp->hp_name, name) == 0;
}

/*
 * Life
 */

static const struct vnodeops *
node_ops(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return &hostfs_dirops;
	case S_IFREG:
		return &hostfs_regops;
	case S_IFLNK:
		return &hostfs_lnkops;
	default:
		return &hostfs_specops;
	}
}

static struct hostfs_node *
node_alloc(struct hostfs_mount *hm, const struct hyper_stat *hs,
    struct hostfs_place *hp)
{
	struct hostfs_node *hn = kcache_alloc(node_cache);
	const struct stat *sb = &hs->hs_stat;
	struct vattr va = {.va_mode = sb->st_mode,
	    .va_uid = hostfs_uid(hm, sb->st_uid),
	    .va_gid = hostfs_gid(hm, sb->st_gid)};

	if (hn == NULL)
		return NULL;
	memset(hn, 0, sizeof(*hn));
	vnode_init(hn_vnode(hn), node_ops(sb->st_mode), &hm->hm_super, &va);
	atomic_init(&hn->hn_place, hp);
	hn->hn_birth = hs->hs_birth;
	hn->hn_key[0] = sb->st_dev;
	hn->hn_key[1] = sb->st_ino;
	return hn;
}

/* Nobody can reach it any more. */
static void
node_smrfree(struct smr_item *si)
{
	struct hostfs_node *hn =
	    container_of(si, struct hostfs_node, hn_vcn.vn_vnode.v_smr);
	char *target =
	    atomic_load_explicit(&hn->hn_target, memory_order_relaxed);

	hostfs_closeall(hn);
	if (target != NULL)
		kmem_free(target, strlen(target) + sizeof(uint64_t));
	kcache_free(node_cache, hn);
}

struct vnode *
hostfs_reclaim(struct vnode *vp)
{
	struct hostfs_node *hn = vp_to_hn(vp);
	struct hostfs_place *hp = hn_place(hn);
	struct vnode *parent = NULL;

	if (hn->hn_fifo != NULL)
		fifo_rele(hn->hn_fifo);
	if (hp != NULL) {
		parent = hn_vnode(hp->hp_dir);
		smr_retire(&hp->hp_smr, place_smrfree);
	}
	/* Handles stay for those who found it, unless others need them more. */
	if (hn->hn_nameless)
		hostfs_unpin(hn);
	smr_retire(&vp->v_smr, node_smrfree);
	return parent;
}

int
hostfs_node_root(struct hostfs_mount *hm, int fd, struct hostfs_node **hnp)
{
	struct hyper_stat hs;
	int error = hyper_file_stat(fd, "", &hs);

	if (error != 0)
		return error;
	hm->hm_dev = hs.hs_stat.st_dev;
	if ((*hnp = node_alloc(hm, &hs, NULL)) == NULL)
		return ENOMEM;
	/* It has no place to be opened by: it is open as long as it lives. */
	hostfs_offer_pinned(*hnp, fd);
	return 0;
}

int
hostfs_node_nameless(struct hostfs_mount *hm, const struct hyper_stat *hs,
    struct hostfs_node **hnp)
{
	*hnp = node_alloc(hm, hs, NULL);
	return *hnp != NULL ? 0 : ENOMEM;
}

/*
 * Finding
 */

/* Is a node from the cache the one for a file that was found as `name'? */
static int
node_check(struct hostfs_node *hn, struct hostfs_node *dn, const char *name,
    const struct hyper_stat *hs)
{
	struct hostfs_place *hp;

	if (!hostfs_same(hn, hs))
		return ESTALE;
	if (place_is(hn_place(hn), dn, name))
		return 0;
	if (vnode_type(hn_vnode(hn)) == S_IFDIR)
		return ESTALE;
	if ((hp = hostfs_place_alloc(dn, name)) == NULL)
		return ENOMEM;
	hostfs_place_set(hn, hp);
	return 0;
}

/* Make one and put it in the cache, or find the one that is there by now. */
static int
node_make(struct hostfs_node *dn, const char *name, const struct hyper_stat *hs,
    struct hostfs_node **hnp)
{
	struct hostfs_place *hp = hostfs_place_alloc(dn, name);
	struct hostfs_node *hn;
	struct vcnode *vcn;

	if (hp == NULL)
		return ENOMEM;
	if ((hn = node_alloc(hn_mount(dn), hs, hp)) == NULL) {
		hostfs_place_free(hp);
		return ENOMEM;
	}
	vcn = vcache_insert(&hn->hn_vcn, hn->hn_key);
	if (vcn != &hn->hn_vcn) {
		kcache_free(node_cache, hn);
		hostfs_place_free(hp);
		hn = container_of(vcn, struct hostfs_node, hn_vcn);
	}
	*hnp = hn;
	return 0;
}

int
hostfs_node_get(struct hostfs_node *dn, const char *name,
    const struct hyper_stat *hs, bool fresh, struct hostfs_node **hnp)
{
	const uint64_t key[2] = {hs->hs_stat.st_dev, hs->hs_stat.st_ino};
	struct super *sb = hn_vnode(dn)->v_super;
	struct hostfs_node *hn;
	struct vcnode *vcn;
	int error;

	while (fresh && (vcn = vcache_find(sb, key)) != NULL)
		vcache_remove(vcn);
	for (;;) {
		vcn = vcache_find(sb, key);
		if (vcn != NULL)
			hn = container_of(vcn, struct hostfs_node, hn_vcn);
		else if ((error = node_make(dn, name, hs, &hn)) != 0)
			return error;
		if ((error = node_check(hn, dn, name, hs)) != ESTALE)
			break;
		vcache_remove(&hn->hn_vcn);
	}
	if (error == 0) {
		hostfs_refresh(hn, hs);
		*hnp = hn;
	}
	return error;
}

/*
 * The node itself or, if it is dead, the one that the cache has for the same
 * directory: referenced.  NULL if there is none.
 */
static struct hostfs_node *
node_current(struct hostfs_node *hn)
{
	struct vcnode *vcn;
	struct hostfs_node *now;

	if (likely(vnode_tryhold(hn_vnode(hn))))
		return hn;
	if ((vcn = vcache_find(hn_vnode(hn)->v_super, hn->hn_key)) == NULL)
		return NULL;
	now = container_of(vcn, struct hostfs_node, hn_vcn);
	return now->hn_birth.tv_sec == hn->hn_birth.tv_sec &&
		       now->hn_birth.tv_nsec == hn->hn_birth.tv_nsec &&
		       vnode_type(hn_vnode(now)) == S_IFDIR &&
		       vnode_tryhold(hn_vnode(now))
		   ? now
		   : NULL;
}

/* Make the node for `was' again, in the directory dn. */
static int
node_again(struct hostfs_node *dn, struct hostfs_node *was)
{
	const char *name = hn_place(was)->hp_name;
	struct hostfs_node *hn;
	struct hyper_stat hs;
	int fd, error;

	if ((error = hostfs_get(dn, HF_PATH, &fd)) != 0)
		return error;
	error = hyper_file_stat(fd, name, &hs);
	hostfs_put(dn, HF_PATH);
	if (error == ENOENT || (error == 0 && !hostfs_same(was, &hs)))
		error = ESTALE;
	return error != 0 ? error : hostfs_node_get(dn, name, &hs, false, &hn);
}

int
hostfs_live(struct vnode *dvp, struct hostfs_node **dnp)
{
	struct hostfs_node *dn = vp_to_hn(dvp), *top, *parent;
	int error;

	if ((vnode_mode(dvp) & V_DEAD) != 0)
		return ENOENT;
	/* What the cache drops while we look is made again, and again. */
	while (unlikely((*dnp = node_current(dn)) == NULL)) {
		top = dn;
		while ((parent = node_current(hn_place(top)->hp_dir)) == NULL)
			top = hn_place(top)->hp_dir;
		error = node_again(parent, top);
		vnode_rele(hn_vnode(parent));
		if (error != 0)
			return error;
	}
	return 0;
}

int
hostfs_hostdir(struct vnode *vp, struct hostdir *hd)
{
	struct hostfs_node *hn = vp_to_hn(vp);
	const struct hostfs_mount *hm = hn_mount(hn);
	char *p = hd->hd_path + sizeof(hd->hd_path) - 1;
	const struct hostfs_place *hp;
	size_t len = strlen(hm->hm_path);

	if (hm->hm_attrtime == 0 || hm->hm_nosubdirs || hm->hm_path[0] == '?')
		return EOPNOTSUPP;
	*p = '\0';
	for (; (hp = hn_place(hn)) != NULL; hn = hp->hp_dir) {
		if ((size_t)(p - hd->hd_path) < hp->hp_len + 1u)
			return ENAMETOOLONG;
		p -= hp->hp_len;
		memcpy(p, hp->hp_name, hp->hp_len);
		*--p = '/';
	}
	if ((size_t)(p - hd->hd_path) < len)
		return ENAMETOOLONG;
	p -= len;
	memcpy(p, hm->hm_path, len);
	memmove(
	    hd->hd_path, p, (size_t)(hd->hd_path + sizeof(hd->hd_path) - p));
	hd->hd_host = hm->hm_dev;
	hd->hd_setuid = hm->hm_setuid;
	hd->hd_setgid = hm->hm_setgid;
	hd->hd_uid = hm->hm_uid;
	hd->hd_gid = hm->hm_gid;
	return 0;
}
