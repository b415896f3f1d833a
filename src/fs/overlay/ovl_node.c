/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nodes, the table of names, and what a name stands for.
 */
#include "fs/overlay/overlay.h"

#include "kern/pipe.h"

/* Numbers of files in layers of different supers differ above these bits. */
#define INO_BITS 56

static size_t
node_bytes(uint32_t nlower)
{
	return sizeof(struct ovl_node) + nlower * sizeof(struct ovl_real);
}

struct ovl_node *
ovl_node_alloc(uint32_t nlower)
{
	struct ovl_node *on = kmem_zalloc(node_bytes(nlower));

	if (on != NULL)
		on->on_nlower = nlower;
	return on;
}

void
ovl_node_free(struct ovl_node *on)
{
	kmem_free(on, node_bytes(on->on_nlower));
}

ino_t
ovl_ino(const struct ovl_mount *om, uint32_t layer, ino_t ino)
{
	return (ino & ((UINT64_C(1) << INO_BITS) - 1)) |
	       (ino_t)om->om_layer[layer].ol_fs << INO_BITS;
}

static const struct vnodeops *
node_ops(uint32_t type)
{
	return type == S_IFDIR	 ? &ovl_dirops
	       : type == S_IFREG ? &ovl_regops
				 : &ovl_otherops;
}

static struct ovl_node **
upper_chain(struct ovl_mount *om, const struct vnode *uvp)
{
	uint64_t h = (uint64_t)(uintptr_t)uvp * UINT64_C(0x9e3779b97f4a7c15);

	return &om->om_upper[(h >> 32) % OVL_UPPERS];
}

struct ovl_node *
ovl_node_byupper(struct ovl_mount *om, const struct vnode *uvp)
{
	struct ovl_node *on = *upper_chain(om, uvp);

	KASSERT(mutex_owned(&om->om_lock));
	while (on != NULL && ovl_upper(on) != uvp)
		on = on->on_uppernext;
	return on;
}

void
ovl_setupper(struct ovl_node *on, struct vnode *uvp)
{
	struct ovl_node **chain = upper_chain(ovl_super(on), uvp);

	on->on_uppernext = *chain;
	*chain = on;
	/* Lists that only its copy has flags for. */
	atomic_fetch_or_explicit(&on->on_vnode.v_mode,
	    vnode_mode(uvp) & (V_ACL | V_DEFACL), memory_order_relaxed);
	/* Pairs with the acquire in ovl_upper. */
	atomic_store_explicit(&on->on_upper, uvp, memory_order_release);
}

void
ovl_node_init(struct ovl_node *on, struct ovl_mount *om, struct ovl_real real)
{
	struct vnode *vp = real.r_vp;
	struct vattr va = {
	    .va_mode = vnode_mode(vp) & (S_IFMT | OVL_FOLLOWED),
	    .va_uid = vnode_uid(vp),
	    .va_gid = vnode_gid(vp),
	};
	struct stat sb = {0};

	vnode_init(
	    &on->on_vnode, node_ops(va.va_mode & S_IFMT), &om->om_super, &va);
	atomic_init(&on->on_subdirs, -1);
	if (vp->v_ops->vop_getattr(vp, &sb) == 0)
		atomic_init(&on->on_ino, ovl_ino(om, real.r_layer, sb.st_ino));
	if (real.r_layer == 0)
		ovl_setupper(on, vp);
	else if (!S_ISDIR(va.va_mode) && sb.st_nlink > 1)
		ovl_links_add(on, sb.st_nlink);
}

static void
node_smrfree(struct smr_item *si)
{
	ovl_node_free(container_of(si, struct ovl_node, on_vnode.v_smr));
}

struct vnode *
ovl_reclaim(struct vnode *vp)
{
	struct ovl_node *on = vp_to_ovl(vp), *parent = ovl_parent(on), **p;
	struct ovl_mount *om = ovl_super(on);
	struct vnode *uvp = ovl_upper(on);
	uint32_t i;

	if (uvp != NULL || on->on_linked) {
		mutex_enter(&om->om_lock);
		if (on->on_linked)
			ovl_links_remove(on);
		for (p = upper_chain(om, uvp); uvp != NULL && *p != on;)
			p = &(*p)->on_uppernext;
		if (uvp != NULL)
			*p = on->on_uppernext;
		mutex_exit(&om->om_lock);
	}
	if (uvp != NULL)
		vnode_rele(uvp);
	for (i = 0; i < on->on_nlower; i++)
		vnode_rele(on->on_lower[i].r_vp);
	if (on->on_fifo != NULL)
		fifo_rele(on->on_fifo);
	smr_retire(&vp->v_smr, node_smrfree);
	return parent != NULL && parent != on ? &parent->on_vnode : NULL;
}

/*
 * The table of names
 */

static struct ovl_entry *_Atomic *
entry_chain(const struct ovl_node *dn, uint64_t hash)
{
	uint64_t h = ((uint64_t)(uintptr_t)dn ^ hash << 16) *
		     UINT64_C(0x9e3779b97f4a7c15);

	return &ovl_super(dn)->om_chain[h >> 52];
}

struct ovl_entry *
ovl_entry_alloc(
    struct ovl_node *dn, const struct cname *cn, struct ovl_node *on)
{
	struct ovl_entry *oe =
	    kmem_zalloc(offsetof(struct ovl_entry, oe_name) + cn->cn_len);

	if (oe == NULL)
		return NULL;
	oe->oe_parent = dn;
	oe->oe_node = on;
	oe->oe_hash = cn->cn_hash;
	oe->oe_len = (uint8_t)cn->cn_len;
	memcpy(oe->oe_name, cn->cn_name, cn->cn_len);
	return oe;
}

void
ovl_entry_free(struct ovl_entry *oe)
{
	kmem_free(oe, offsetof(struct ovl_entry, oe_name) + oe->oe_len);
}

static void
entry_smrfree(struct smr_item *si)
{
	ovl_entry_free(container_of(si, struct ovl_entry, oe_smr));
}

struct ovl_entry *
ovl_entry_find(struct ovl_node *dn, const struct cname *cn)
{
	struct ovl_entry *oe = atomic_load_explicit(
	    entry_chain(dn, cn->cn_hash), memory_order_acquire);

	while (oe != NULL &&
	       (oe->oe_hash != cn->cn_hash || oe->oe_parent != dn ||
		   oe->oe_len != cn->cn_len ||
		   memcmp(oe->oe_name, cn->cn_name, cn->cn_len) != 0))
		oe = atomic_load_explicit(&oe->oe_next, memory_order_acquire);
	return oe;
}

void
ovl_entry_add(struct ovl_entry *oe)
{
	struct ovl_node *on = oe->oe_node;
	struct ovl_entry *_Atomic *chain =
	    entry_chain(oe->oe_parent, oe->oe_hash);

	KASSERT(mutex_owned(&ovl_super(on)->om_lock));
	oe->oe_other = on->on_entries++ > 0 ? ovl_entry(on) : NULL;
	oe->oe_parent->on_names++;
	ovl_super(on)->om_entries++;
	atomic_init(&oe->oe_used, true);
	atomic_store_explicit(&on->on_entry, oe, memory_order_release);
	atomic_store_explicit(&oe->oe_next,
	    atomic_load_explicit(chain, memory_order_relaxed),
	    memory_order_relaxed);
	/* Pairs with the acquire in ovl_entry_find. */
	atomic_store_explicit(chain, oe, memory_order_release);
}

/* The node has other names: this one is none of them any more. */
static void
entry_unname(struct ovl_node *on, struct ovl_entry *oe)
{
	struct ovl_entry *o = ovl_entry(on);

	if (o == oe) {
		atomic_store_explicit(
		    &on->on_entry, oe->oe_other, memory_order_release);
		return;
	}
	while (o->oe_other != oe)
		o = o->oe_other;
	o->oe_other = oe->oe_other;
}

bool
ovl_entry_remove(struct ovl_entry *oe)
{
	struct ovl_entry *_Atomic *p = entry_chain(oe->oe_parent, oe->oe_hash);
	struct ovl_node *on = oe->oe_node;
	struct ovl_entry *o;

	KASSERT(mutex_owned(&ovl_super(on)->om_lock));
	while ((o = atomic_load_explicit(p, memory_order_relaxed)) != oe)
		p = &o->oe_next;
	atomic_store_explicit(p,
	    atomic_load_explicit(&oe->oe_next, memory_order_relaxed),
	    memory_order_release);
	if (--on->on_entries > 0)
		entry_unname(on, oe);
	smr_retire(&oe->oe_smr, entry_smrfree);
	oe->oe_parent->on_names--;
	ovl_super(on)->om_entries--;
	return on->on_entries == 0;
}

bool
ovl_entry_removed(struct ovl_entry *oe)
{
	struct ovl_node *on = oe->oe_node;

	ovl_links_count(on, -1);
	if (!ovl_entry_remove(oe) || ovl_links_keep(on))
		return false;
	if (ovl_upper(on) == NULL)
		atomic_store_explicit(
		    &on->on_removed, true, memory_order_relaxed);
	return true;
}

int
ovl_aname(
    struct vnode *vp, struct vnode **dvpp, const char **namep, size_t *lenp)
{
	struct ovl_mount *om = ovl_super(vp_to_ovl(vp));
	struct ovl_entry *oe;
	uint32_t i;

	/* Acquire pairs with the release in ovl_entry_add. */
	for (i = 0; i < OVL_CHAINS; i++) {
		oe = atomic_load_explicit(
		    &om->om_chain[i], memory_order_acquire);
		while (oe != NULL && oe->oe_node != vp_to_ovl(vp))
			oe = atomic_load_explicit(
			    &oe->oe_next, memory_order_acquire);
		if (oe == NULL)
			continue;
		*dvpp = &oe->oe_parent->on_vnode;
		*namep = oe->oe_name;
		*lenp = oe->oe_len;
		return 0;
	}
	return ENOENT;
}

/*
 * What a name stands for
 */

bool
ovl_iswhiteout(struct vnode *vp)
{
	struct stat sb = {0};

	return vnode_type(vp) == S_IFCHR &&
	       vp->v_ops->vop_getattr(vp, &sb) == 0 && sb.st_rdev == 0;
}

/* An attribute of a directory, terminated: NULL if there is none. */
static char *
real_xattr(struct vnode *vp, const char *name, int *errorp)
{
	char *text;
	size_t len;

	*errorp = 0;
	if (vp->v_ops->vop_getxattr == NULL ||
	    vp->v_ops->vop_getxattr(vp, name, NULL, 0, &len) != 0)
		return NULL;
	if ((text = kmem_zalloc(PATH_MAX)) == NULL)
		*errorp = ENOMEM;
	else if (vp->v_ops->vop_getxattr(vp, name, text, PATH_MAX - 1, &len) !=
		 0) {
		kmem_free(text, PATH_MAX);
		text = NULL;
	}
	return text;
}

static bool
real_isopaque(struct vnode *vp)
{
	char value;
	size_t len;

	return vp->v_ops->vop_getxattr != NULL &&
	       vp->v_ops->vop_getxattr(vp, OVL_OPAQUE, &value, 1, &len) == 0 &&
	       value == 'y';
}

static int merge(struct ovl_mount *, const struct ovl_real *, uint32_t n,
    const struct cname *, struct ovl_stack *);

/* The directories that a path leads to in the layers from `first' on. */
static int
merge_path(struct ovl_mount *om, uint32_t first, const char *path,
    struct ovl_stack *out)
{
	struct ovl_stack in;
	struct cname cn;
	uint32_t i;
	int error = 0;

	out->s_count = 0;
	for (i = first; i < om->om_nlayers; i++)
		out->s_real[out->s_count++] =
		    (struct ovl_real){om->om_layer[i].ol_root, i};
	while (error == 0 && out->s_count > 0) {
		path += strspn(path, "/");
		if (*path == '\0')
			break;
		in = *out;
		cname_init(&cn, path, strcspn(path, "/"));
		path += cn.cn_len;
		error = merge(om, in.s_real, in.s_count, &cn, out);
	}
	if (out->s_count > 0 && vnode_type(out->s_real[0].r_vp) != S_IFDIR)
		out->s_count = 0;
	return error;
}

/* From a directory of one layer on, what else is seen through it? */
static int
merge_rest(struct ovl_mount *om, struct ovl_real real, struct ovl_stack *st,
    bool *stop)
{
	struct ovl_stack rest;
	char *path;
	int error;

	/* Below the lowest layer nothing is hidden or found. */
	*stop = real.r_layer + 1 == om->om_nlayers || real_isopaque(real.r_vp);
	if (*stop)
		return 0;
	path = real_xattr(real.r_vp, OVL_REDIRECT, &error);
	if (path == NULL)
		return error;
	*stop = true;
	error = merge_path(om, real.r_layer + 1, path, &rest);
	if (error == 0) {
		memcpy(&st->s_real[st->s_count], rest.s_real,
		    rest.s_count * sizeof(rest.s_real[0]));
		st->s_count += rest.s_count;
	}
	kmem_free(path, PATH_MAX);
	return error;
}

/* What a name stands for in n directories of which each hides the next. */
static int
merge(struct ovl_mount *om, const struct ovl_real *real, uint32_t n,
    const struct cname *cn, struct ovl_stack *st)
{
	struct vnode *vp;
	bool stop = false;
	uint32_t i;
	int error;

	st->s_count = 0;
	for (i = 0; i < n && !stop; i++) {
		vp = real[i].r_vp;
		error = vp->v_ops->vop_lookup(vp, cn, &vp);
		if (error == ENOENT)
			continue;
		if (error != 0)
			return error;
		if (ovl_iswhiteout(vp))
			break;
		if (vnode_type(vp) != S_IFDIR && st->s_count > 0)
			break;
		st->s_real[st->s_count++] =
		    (struct ovl_real){vp, real[i].r_layer};
		if (vnode_type(vp) != S_IFDIR)
			break;
		error = merge_rest(om, st->s_real[st->s_count - 1], st, &stop);
		if (error != 0)
			return error;
	}
	return 0;
}

int
ovl_below(struct ovl_node *dn, const struct cname *cn, struct ovl_stack *st)
{
	return merge(ovl_super(dn), dn->on_lower, dn->on_nlower, cn, st);
}

/* Hold all of a stack.  ENOENT if one is dead. */
static int
stack_hold(const struct ovl_stack *st)
{
	uint32_t i;

	for (i = 0; i < st->s_count; i++)
		if (!vnode_tryhold(st->s_real[i].r_vp)) {
			while (i-- > 0)
				vnode_rele(st->s_real[i].r_vp);
			return ENOENT;
		}
	return 0;
}

/* A new node for a stack. */
static int
node_make(
    struct ovl_mount *om, const struct ovl_stack *st, struct ovl_node **onp)
{
	uint32_t up = st->s_real[0].r_layer == 0 ? 1 : 0;
	struct ovl_node *on = ovl_node_alloc(st->s_count - up);
	int error;

	if (on == NULL)
		return ENOMEM;
	if ((error = stack_hold(st)) != 0) {
		ovl_node_free(on);
		return error;
	}
	memcpy(on->on_lower, &st->s_real[up],
	    on->on_nlower * sizeof(on->on_lower[0]));
	ovl_node_init(on, om, st->s_real[0]);
	*onp = on;
	return 0;
}

/*
 * The node for a stack: that of a file which has one by another name, or a new
 * one.  It comes with the reference of its first name.
 */
static int
node_get(
    struct ovl_mount *om, const struct ovl_stack *st, struct ovl_node **onp)
{
	struct ovl_node *on = st->s_real[0].r_layer == 0
				  ? ovl_node_byupper(om, st->s_real[0].r_vp)
				  : ovl_links_find(om, st->s_real[0].r_vp);

	if (on != NULL && (on->on_entries > 0 || ovl_links_unkeep(on) ||
			      vnode_tryhold(&on->on_vnode))) {
		*onp = on;
		return 0;
	}
	return node_make(om, st, onp);
}

int
ovl_node_root(struct ovl_mount *om, struct ovl_node **onp)
{
	struct ovl_stack st = {0};
	uint32_t i;
	int error;

	for (i = om->om_layer[0].ol_root == NULL; i < om->om_nlayers; i++)
		st.s_real[st.s_count++] =
		    (struct ovl_real){om->om_layer[i].ol_root, i};
	if ((error = node_make(om, &st, onp)) == 0)
		atomic_init(&(*onp)->on_parent, *onp);
	return error;
}

/* A name that is not in the table comes into it. */
static int
lookup_make(struct ovl_node *dn, const struct cname *cn, struct ovl_node **onp)
{
	struct ovl_mount *om = ovl_super(dn);
	struct vnode *uvp = ovl_upper(dn);
	struct ovl_real real[OVL_MAXLAYERS];
	uint32_t n = 0;
	struct ovl_stack st;
	struct ovl_entry *oe;
	int error;

	if (uvp != NULL)
		real[n++] = (struct ovl_real){uvp, 0};
	memcpy(&real[n], dn->on_lower, dn->on_nlower * sizeof(real[0]));
	n += dn->on_nlower;
	if ((error = merge(om, real, n, cn, &st)) != 0)
		return error;
	if (st.s_count == 0)
		return ENOENT;
	if ((oe = ovl_entry_alloc(dn, cn, NULL)) == NULL)
		return ENOMEM;
	if ((error = node_get(om, &st, onp)) != 0) {
		ovl_entry_free(oe);
		return error;
	}
	if (ovl_isdir(*onp)) {
		vnode_hold(&dn->on_vnode);
		atomic_init(&(*onp)->on_parent, dn);
	}
	oe->oe_node = *onp;
	ovl_entry_add(oe);
	if ((*onp)->on_linked && ovl_upper(*onp) != NULL)
		(void)ovl_links_name(dn, cn, *onp);
	return 0;
}

int
ovl_lookup_locked(
    struct ovl_node *dn, const struct cname *cn, struct ovl_node **onp)
{
	struct ovl_entry *oe;

	KASSERT(mutex_owned(&ovl_super(dn)->om_lock));
	if ((vnode_mode(&dn->on_vnode) & V_DEAD) != 0)
		return ENOENT;
	if ((oe = ovl_entry_find(dn, cn)) == NULL)
		return lookup_make(dn, cn, onp);
	atomic_store_explicit(&oe->oe_used, true, memory_order_seq_cst);
	*onp = oe->oe_node;
	return 0;
}

int
ovl_lookup(struct vnode *dvp, const struct cname *cn, struct vnode **vpp)
{
	struct ovl_node *dn = vp_to_ovl(dvp), *on;
	struct ovl_entry *oe = ovl_entry_find(dn, cn);
	int error = 0;

	if (likely(oe != NULL) && likely(ovl_entry_use(oe))) {
		*vpp = &oe->oe_node->on_vnode;
		return 0;
	}
	mutex_enter(&ovl_super(dn)->om_lock);
	if ((error = ovl_lookup_locked(dn, cn, &on)) == 0)
		*vpp = &on->on_vnode;
	mutex_exit(&ovl_super(dn)->om_lock);
	ovl_evict(ovl_super(dn));
	return error;
}

void
ovl_count_subdirs(struct ovl_node *dn, int n)
{
	int64_t old =
	    atomic_load_explicit(&dn->on_subdirs, memory_order_relaxed);

	if (old >= 0)
		atomic_store_explicit(
		    &dn->on_subdirs, old + n, memory_order_relaxed);
}
