/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nodes: made when they are looked up, kept in the cache of vnodes.  A node
 * holds the one of its directory.
 */
#include <stdio.h>

#include "fs/procfs/procfs.h"

static struct kcache *node_cache;

void
pfs_node_init(void)
{
	node_cache =
	    kcache_init("procfs-node", sizeof(struct pfs_node), CACHE_LINE, 0);
}

/* Numbers of an entry, unique among the files of one procfs. */
uint64_t
pfs_ino(const struct pfs_entry *pe, pid_t pid, int num)
{
	return (uint64_t)(pid + 1) << 32 | (uint64_t)(num + 1) << 8 |
	       (uint64_t)(pe - pfs_table + 1);
}

static const struct vnodeops *
entry_ops(const struct pfs_entry *pe)
{
	switch (pe->pe_mode & S_IFMT) {
	case S_IFDIR:
		return &pfs_dirops;
	case S_IFREG:
		return &pfs_textops;
	case S_IFLNK:
		return pe->pe_follow != NULL ? &pfs_magicops : &pfs_linkops;
	default:
		return &pfs_anonops;
	}
}

/* Who owns what is about a process: who it runs as.  ESRCH. */
static int
node_owner(const struct procid *id, uid_t *uidp, gid_t *gidp)
{
	const struct cred *cr;
	int error;

	*uidp = 0;
	*gidp = 0;
	if (id->id_pid < 0)
		return 0;
	if ((error = proc_getcred(id, &cr)) == 0) {
		*uidp = cr->cr_euid;
		*gidp = cr->cr_egid;
	}
	return error;
}

/* That may have changed since the node was made. */
static void
node_setowner(struct pfs_node *pn, uid_t uid, gid_t gid)
{
	struct vnode *vp = pn_to_vp(pn);

	if (likely(vnode_uid(vp) == uid && vnode_gid(vp) == gid))
		return;
	rw_enter_write(&vp->v_lock);
	atomic_store_explicit(&vp->v_uid, uid, memory_order_relaxed);
	atomic_store_explicit(&vp->v_gid, gid, memory_order_relaxed);
	rw_exit_write(&vp->v_lock);
}

static struct pfs_node *
node_alloc(struct super *sb, const struct pfs_entry *pe,
    const struct procid *id, int num, const struct vattr *va)
{
	struct pfs_node *pn = kcache_alloc(node_cache);

	if (pn == NULL)
		return NULL;
	memset(pn, 0, sizeof(*pn));
	vnode_init(pn_to_vp(pn),
	    pe->pe_mode != 0 ? entry_ops(pe) : &pfs_anonops, sb, va);
	pn->pn_entry = pe;
	pn->pn_proc = *id;
	pn->pn_num = num;
	if (pe->pe_name == NULL)
		(void)snprintf(pn->pn_number, sizeof(pn->pn_number), "%d",
		    pe->pe_dir == PFS_PROC ? (int)id->id_pid : num);
	return pn;
}

struct pfs_node *
pfs_node_root(struct super *sb)
{
	const struct procid none = {.id_pid = -1};
	struct vattr va = {.va_mode = PFS_ENTRY_ROOT->pe_mode};
	struct pfs_node *pn = node_alloc(sb, PFS_ENTRY_ROOT, &none, -1, &va);

	if (pn != NULL)
		pn->pn_parent = pn;
	return pn;
}

/*
 * A node with a reference: this one or, if it has been dropped from the cache
 * since it was found, another one of the same file.
 */
static int
node_hold(struct pfs_node *pn, struct pfs_node **pnp)
{
	int error = 0;

	while (!vnode_tryhold(pn_to_vp(pn)) && error == 0)
		error = pfs_node_get(
		    pn->pn_parent, pn->pn_entry, &pn->pn_proc, pn->pn_num, &pn);
	*pnp = pn;
	return error;
}

static void
node_smrfree(struct smr_item *si)
{
	kcache_free(node_cache,
	    container_of(si, struct pfs_node, pn_vcnode.vn_vnode.v_smr));
}

static void
node_key(const struct pfs_entry *pe, const struct procid *id, int num,
    uint64_t key[2])
{
	key[0] = (uint64_t)(id->id_pid + 1) << 32 | (uint32_t)num;
	key[1] = id->id_serial << 8 | (uint64_t)(pe - pfs_table);
}

/* Make a node in dir and put it into the cache, unless it is there by now. */
static int
node_make(struct pfs_node *dir, const struct pfs_entry *pe,
    const struct procid *id, int num, const struct vattr *va, ino_t ino,
    struct pfs_node **pnp)
{
	struct super *sb = pn_to_vp(dir)->v_super;
	struct pfs_node *pn, *parent;
	struct vcnode *vcn;
	uint64_t key[2];
	int error;

	if ((error = node_hold(dir, &parent)) != 0)
		return error;
	if ((pn = node_alloc(sb, pe, id, num, va)) == NULL) {
		vnode_rele(pn_to_vp(parent));
		return ENOMEM;
	}
	pn->pn_parent = parent;
	pn->pn_ino = ino;
	node_key(pe, id, num, key);
	vcn = vcache_insert(&pn->pn_vcnode, key);
	*pnp = vp_to_pn(&vcn->vn_vnode);
	if (vcn != &pn->pn_vcnode) {
		vnode_rele(pn_to_vp(parent));
		kcache_free(node_cache, pn);
	}
	return 0;
}

int
pfs_node_get(struct pfs_node *dir, const struct pfs_entry *pe,
    const struct procid *id, int num, struct pfs_node **pnp)
{
	struct vattr va = {.va_mode = pe->pe_mode};
	struct vcnode *vcn;
	uint64_t key[2];

	if (node_owner(id, &va.va_uid, &va.va_gid) != 0)
		return ENOENT;
	node_key(pe, id, num, key);
	vcn = vcache_find(pn_to_vp(dir)->v_super, key);
	if (vcn == NULL)
		return node_make(dir, pe, id, num, &va, 0, pnp);
	*pnp = vp_to_pn(&vcn->vn_vnode);
	node_setowner(*pnp, va.va_uid, va.va_gid);
	return 0;
}

int
pfs_node_anon(struct pfs_node *fd, const struct stat *sb, struct vnode **vpp)
{
	const struct vattr va = {
	    .va_mode = sb->st_mode,
	    .va_uid = sb->st_uid,
	    .va_gid = sb->st_gid,
	};
	struct pfs_node *pn;
	struct vcnode *vcn;
	uint64_t key[2];
	int error = 0;

	node_key(PFS_ENTRY_ANON, &fd->pn_proc, fd->pn_num, key);
	vcn = vcache_find(pn_to_vp(fd)->v_super, key);
	if (vcn != NULL) {
		pn = vp_to_pn(&vcn->vn_vnode);
		/* The descriptor may have been another's. */
		if (pn->pn_ino != sb->st_ino ||
		    vnode_type(pn_to_vp(pn)) != (sb->st_mode & S_IFMT)) {
			vcache_remove(vcn);
			vcn = NULL;
		}
	}
	if (vcn == NULL)
		error = node_make(fd->pn_parent, PFS_ENTRY_ANON, &fd->pn_proc,
		    fd->pn_num, &va, sb->st_ino, &pn);
	if (error == 0)
		*vpp = pn_to_vp(pn);
	return error;
}

struct vnode *
pfs_reclaim(struct vnode *vp)
{
	struct pfs_node *pn = vp_to_pn(vp), *parent = pn->pn_parent;

	smr_retire(&vp->v_smr, node_smrfree);
	return parent != pn ? pn_to_vp(parent) : NULL;
}

bool
pfs_node_exists(const struct pfs_node *pn)
{
	const struct cred *cr;
	bool asleep;

	if (pn->pn_entry->pe_dir == PFS_TASK)
		return lwp_getstate(&pn->pn_proc, pn->pn_num, &asleep) == 0;
	return pn->pn_proc.id_pid < 0 || proc_getcred(&pn->pn_proc, &cr) == 0;
}

/*
 * Attributes
 */

/* When it began: the kernel, or the process. */
static void
node_time(const struct pfs_node *pn, struct timespec *ts)
{
	struct procinfo pi;
	int64_t ns;

	kern_boottime(ts);
	if (pn->pn_proc.id_pid < 0 || proc_getinfo(&pn->pn_proc, &pi) != 0)
		return;
	ns = kern_uptime(pi.pi_start) + ts->tv_nsec;
	ts->tv_sec += ns / 1000000000;
	ts->tv_nsec = ns % 1000000000;
}

int
pfs_getattr(struct vnode *vp, struct stat *sb)
{
	struct pfs_node *pn = vp_to_pn(vp);
	const struct pfs_entry *pe = pn->pn_entry;

	/* What was about a process that has ended is root's. */
	(void)node_owner(&pn->pn_proc, &sb->st_uid, &sb->st_gid);
	sb->st_ino = pfs_ino(pe, pn->pn_proc.id_pid, pn->pn_num);
	sb->st_mode = pe->pe_mode;
	sb->st_nlink = S_ISDIR(pe->pe_mode) ? 2 : 1;
	if (pe->pe_in == PFS_FDS) {
		sb->st_mode = S_IFLNK | pfs_fdmode(pn);
		sb->st_size = 64;
	}
	node_time(pn, &sb->st_ctim);
	sb->st_atim = sb->st_mtim = sb->st_ctim;
	return 0;
}

/*
 * Texts and links
 */

static int
node_make_text(struct lwp *l, struct vnode *vp, struct text *t)
{
	struct pfs_node *pn = vp_to_pn(vp);

	(void)l;
	return pn->pn_entry->pe_text(pn, t);
}

static int
node_store(struct lwp *l, struct vnode *vp, const char *buf, size_t len)
{
	struct pfs_node *pn = vp_to_pn(vp);

	(void)l;
	if (pn->pn_entry->pe_store == NULL)
		return EINVAL;
	return pn->pn_entry->pe_store(pn, buf, len);
}

static const struct textops node_textops = {
    .to_make = node_make_text,
    .to_store = node_store,
};

static int
pfs_open(struct lwp *l, struct vnode *vp, int flags, struct file *fp,
    struct file **fpp)
{
	(void)l, (void)vp, (void)flags, (void)fpp;
	return textfile_open(&node_textops, fp);
}

static int
pfs_read(struct vnode *vp, off_t *offp, struct uio *u)
{
	return textfile_vread(&node_textops, vp, offp, u);
}

static int
pfs_write(struct vnode *vp, off_t *offp, struct uio *u, const struct vwrite *vw)
{
	(void)vw;
	return textfile_vwrite(&node_textops, vp, offp, u);
}

static int
pfs_readlink(struct vnode *vp, const char **targetp, size_t *lenp)
{
	struct pfs_node *pn = vp_to_pn(vp);
	struct text t = {0};
	int error = pn->pn_entry->pe_text(pn, &t);

	return text_readlink(&t, error, targetp, lenp);
}

static int
pfs_follow(struct vnode *vp, struct mount **mpp, struct vnode **vpp)
{
	struct pfs_node *pn = vp_to_pn(vp);

	return pn->pn_entry->pe_follow(pn, mpp, vpp);
}

const struct vnodeops pfs_dirops = {
    .vop_lookup = pfs_lookup,
    .vop_parent = pfs_parent,
    .vop_name = pfs_name,
    .vop_readdir = pfs_readdir,
    .vop_getattr = pfs_getattr,
    .vop_reclaim = pfs_reclaim,
};

const struct vnodeops pfs_textops = {
    .vop_aname = pfs_aname,
    .vop_open = pfs_open,
    .vop_read = pfs_read,
    .vop_write = pfs_write,
    .vop_truncate = textfile_truncate,
    .vop_getattr = pfs_getattr,
    .vop_reclaim = pfs_reclaim,
};

const struct vnodeops pfs_linkops = {
    .vop_aname = pfs_aname,
    .vop_readlink = pfs_readlink,
    .vop_getattr = pfs_getattr,
    .vop_reclaim = pfs_reclaim,
};

const struct vnodeops pfs_magicops = {
    .vop_aname = pfs_aname,
    .vop_readlink = pfs_readlink,
    .vop_follow = pfs_follow,
    .vop_getattr = pfs_getattr,
    .vop_reclaim = pfs_reclaim,
};

const struct vnodeops pfs_anonops = {
    .vop_open = pfs_anon_open,
    .vop_truncate = textfile_truncate,
    .vop_getattr = pfs_anon_getattr,
    .vop_reclaim = pfs_reclaim,
};
