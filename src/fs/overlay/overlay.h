/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * overlay (union): a directory that can be written to, seen above others that
 * are only read.  Between its files.
 *
 *	ovl_vfsops.c	mounting
 *	ovl_node.c	nodes, the table of names, what a name stands for
 *	ovl_evict.c	nodes that nobody uses any more
 *	ovl_upper.c	changing names in the upper layer
 *	ovl_copyup.c	a file is brought to the upper layer
 *	ovl_links.c	lower files with several names
 *	ovl_dirops.c	making and removing names
 *	ovl_rename.c	renaming
 *	ovl_readdir.c	directories of several layers as one
 *	ovl_file.c	data and attributes
 *	ovl_host.c	files that are the host's as they are
 *	ovl_diff.c	what has been changed, for programs
 *	ovl_apply.c	the same, done to a directory of the host
 *
 * Layer 0 is the upper one, which may be missing; 1 and following are lower
 * ones, the highest first.  As on Linux, a character device 0:0 in a layer, a
 * whiteout, hides what lower layers have under its name; a directory with the
 * attribute trusted.overlay.opaque hides what they have in it; and one with
 * trusted.overlay.redirect is seen above the lower directories of that path.
 *
 * A node is a file of the overlay.  It has the vnode of the upper layer, if it
 * is there, and for directories those of all lower layers that are seen
 * through it, else the one that is seen.  It gets an upper vnode when it is
 * changed first, and keeps it.  A name that was looked up is in a table, with
 * its node, until it is removed: walks find it there without a lock.  Nodes
 * stay until their names are removed, the overlay is unmounted or, if they
 * have no upper vnode, there are too many of them.
 *
 * A lower file with several names is one node, which is found by the file
 * (om_link), whatever becomes of it: changed by one name it is so by all.
 * Names that are known get to be those of the upper file when there is one,
 * others when they are looked up.  A node that has changed, or lost names,
 *stays when it has no name in the table, as long as there are others.
 *
 * om_lock comes after all v_lock of the overlay's vnodes and before all locks
 * of the layers.  It covers the table, and keeps what the layers have under a
 * name and what the table says together: whoever changes one changes both.
 *
 * Letters: (s) stable; (o) om_lock; (a) written with om_lock held, read
 * without it; (v) v_lock.
 */
#ifndef FS_OVERLAY_OVERLAY_H
#define FS_OVERLAY_OVERLAY_H

#include "vfs/vfs.h"

#define OVL_MAXLAYERS 17 /* the upper one too */
#define OVL_CHAINS    4096u
#define OVL_UPPERS    1024u
#define OVL_GONE      1024u
#define OVL_LINKS     1024u

#define OVL_XATTR    "trusted.overlay."
#define OVL_OPAQUE   OVL_XATTR "opaque"
#define OVL_REDIRECT OVL_XATTR "redirect"

/* A file in a layer. */
struct ovl_real {
	struct vnode *r_vp;
	uint32_t r_layer;
};

/* The files that one name stands for, highest layer first. */
struct ovl_stack {
	uint32_t s_count;
	struct ovl_real s_real[OVL_MAXLAYERS];
};

struct ovl_node;
struct batch;

/* A name.  All (s) but where it says otherwise; freed by smr. */
struct ovl_entry {
	struct ovl_entry *_Atomic oe_next; /* (a) */
	struct ovl_node *oe_parent;
	struct ovl_node *oe_node;
	struct ovl_entry *oe_other; /* (o) the next name of the node */
	uint64_t oe_hash;
	struct smr_item oe_smr;
	_Atomic bool oe_used; /* (a) by whoever finds it; see ovl_evict.c */
	uint8_t oe_len;
	char oe_name[]; /* not terminated */
};

struct ovl_node {
	struct vnode on_vnode;
	/* Directories: (a) where it is, held; the root: itself. */
	struct ovl_node *_Atomic on_parent;
	struct ovl_entry *_Atomic on_entry; /* (a) its last name */
	struct vnode *_Atomic on_upper;	    /* (a) held; set once */
	struct ovl_node *on_uppernext;	    /* (o) with the same hash of it */
	uint32_t on_entries;		    /* (o) names in the table */
	uint32_t on_names;	      /* (o) directory: names in it there */
	_Atomic bool on_removed;      /* (a) not in the upper layer, and gone */
	_Atomic int64_t on_subdirs;   /* (a) merged directory: or -1 */
	_Atomic ino_t on_ino;	      /* (a) what stat shows */
	struct ovl_node *on_linknext; /* (o) with the same hash of the file */
	bool on_linked;		      /* (s) it is in om_link */
	bool on_counted;	      /* (o) on_links is not the lower file's */
	bool on_kept;		      /* (o) held although it has no name */
	_Atomic uint32_t on_links;    /* (a) on_linked: how many there are */
	uint32_t on_swept;	      /* (o) the sweep that took a name */
	struct pipe *on_fifo;	      /* (v) or NULL */
	uint32_t on_nlower;	      /* (s) */
	struct ovl_real on_lower[];   /* (s) held */
};

struct ovl_layer {
	struct mount *ol_mount; /* held; NULL: there is no upper layer */
	struct vnode *ol_root;	/* held */
	uint32_t ol_fs;		/* layers of the same super have the same */
};

struct ovl_mount {
	struct super om_super;
	struct kmutex om_lock;
	struct smr_item om_smr;
	uint32_t om_nlayers;				/* (s) */
	struct ovl_layer om_layer[OVL_MAXLAYERS];	/* (s) */
	uint64_t om_temp;				/* (o) for names */
	uint64_t om_entries;				/* (o) in the table */
	uint64_t om_goal;				/* (o) ovl_evict.c */
	uint32_t om_hand, om_came;			/* (o) the same */
	uint32_t om_sweep;				/* (o) the same */
	uint32_t om_nkept;				/* (o) ovl_links.c */
	bool om_relinked;				/* (o) the same */
	struct ovl_node *om_link[OVL_LINKS];		/* (o) the same */
	uint64_t om_changes;				/* (o) of names */
	struct batch *om_batch;				/* (o) ovl_readdir.c */
	bool om_ishost;					/* (o) ovl_host.c */
	uint32_t om_ngone;				/* (o) the same */
	struct vnode *om_gone[OVL_GONE];		/* (o) held, or NULL */
	struct ovl_node *om_upper[OVL_UPPERS];		/* (o) by on_upper */
	struct ovl_entry *_Atomic om_chain[OVL_CHAINS]; /* (a) */
};

static inline struct ovl_node *
vp_to_ovl(struct vnode *vp)
{
	return container_of(vp, struct ovl_node, on_vnode);
}

static inline struct ovl_mount *
ovl_super(const struct ovl_node *on)
{
	return container_of(on->on_vnode.v_super, struct ovl_mount, om_super);
}

static inline struct vnode *
ovl_upper(const struct ovl_node *on)
{
	/* Pairs with the release in ovl_setupper. */
	return atomic_load_explicit(&on->on_upper, memory_order_acquire);
}

/* The vnode that has its attributes and data. */
static inline struct vnode *
ovl_real(const struct ovl_node *on)
{
	struct vnode *vp = ovl_upper(on);

	return vp != NULL ? vp : on->on_lower[0].r_vp;
}

static inline struct ovl_node *
ovl_parent(const struct ovl_node *on)
{
	return atomic_load_explicit(&on->on_parent, memory_order_acquire);
}

static inline struct ovl_entry *
ovl_entry(const struct ovl_node *on)
{
	return atomic_load_explicit(&on->on_entry, memory_order_acquire);
}

static inline bool
ovl_isdir(const struct ovl_node *on)
{
	return vnode_type(&on->on_vnode) == S_IFDIR;
}

/* A directory that more than one layer has. */
static inline bool
ovl_ismerged(const struct ovl_node *on)
{
	return on->on_nlower + (ovl_upper(on) != NULL) > 1;
}

/* ovl_node.c: as vop_aname; looks at all names. */
int ovl_aname(
    struct vnode *vp, struct vnode **dvpp, const char **namep, size_t *lenp);

extern const struct vnodeops ovl_dirops, ovl_regops, ovl_otherops;

/* Nodes: ovl_node.c.  om_lock is held for all that change something. */

/*
 * A node without a name and without reals but so many lower ones to be filled
 * in; ovl_node_init makes it a vnode like `real', which it takes over as its
 * upper one if that is not one of the lower ones.
 */
struct ovl_node *ovl_node_alloc(uint32_t nlower);
void ovl_node_init(struct ovl_node *, struct ovl_mount *, struct ovl_real);
void ovl_node_free(struct ovl_node *);
/* The overlay's root, on all layers. */
int ovl_node_root(struct ovl_mount *, struct ovl_node **);
struct vnode *ovl_reclaim(struct vnode *);
void ovl_setupper(struct ovl_node *, struct vnode *uvp);
/* The number that a file of a layer has in the overlay. */
ino_t ovl_ino(const struct ovl_mount *, uint32_t layer, ino_t);
/* The node of an upper file that has one, or NULL. */
struct ovl_node *ovl_node_byupper(struct ovl_mount *, const struct vnode *);

/*
 * Files with several names: ovl_links.c.  om_lock is held.
 */

/* A node of a lower file that has so many names. */
void ovl_links_add(struct ovl_node *, uint64_t nlink);
void ovl_links_remove(struct ovl_node *);
/* The node of a lower file that has one with several names, or NULL. */
struct ovl_node *ovl_links_find(struct ovl_mount *, const struct vnode *);
/* What the upper layer has of them at first is not known. */
void ovl_links_init(struct ovl_mount *);
/* Before it is changed, or one of its names, if it is one of them. */
void ovl_links_change(struct ovl_node *);
/* It has so many names more. */
void ovl_links_count(struct ovl_node *, int n);
/* Its last name has gone from the table: does it stay? */
bool ovl_links_keep(struct ovl_node *);
/* A name comes into the table: true if it has a reference. */
bool ovl_links_unkeep(struct ovl_node *);
/* None of the mount is kept any more; without om_lock. */
void ovl_links_drop(struct ovl_mount *);
/* This name of it, of which there is an upper file, is that file's. */
int
ovl_links_name(struct ovl_node *dn, const struct cname *, struct ovl_node *);
/* The same of all names that are known; what fails is done at its next use. */
void ovl_links_names(struct ovl_node *);

/* How many links does stat show of it? */
static inline nlink_t
ovl_links(const struct ovl_node *on)
{
	return atomic_load_explicit(&on->on_links, memory_order_relaxed);
}

struct ovl_entry *
ovl_entry_alloc(struct ovl_node *dn, const struct cname *, struct ovl_node *);
void ovl_entry_free(struct ovl_entry *);
struct ovl_entry *ovl_entry_find(struct ovl_node *dn, const struct cname *);
/* It was found without om_lock: may it be used?  Else look with the lock. */
static inline bool
ovl_entry_use(struct ovl_entry *oe)
{
	if (likely(atomic_load_explicit(&oe->oe_used, memory_order_relaxed)))
		return true;
	/* Pairs with entry_kill. */
	atomic_store_explicit(&oe->oe_used, true, memory_order_seq_cst);
	return atomic_load_explicit(
		   &oe->oe_node->on_vnode.v_count, memory_order_seq_cst) != 0;
}
/* A name came into the table: others may have to go.  Without locks. */
void ovl_evict(struct ovl_mount *);
/* Put it into the table; the first one makes the tree's reference. */
void ovl_entry_add(struct ovl_entry *);
/* True: the tree's reference to its node is to be dropped. */
bool ovl_entry_remove(struct ovl_entry *);
/* The same, when the name is no more and not just forgotten. */
bool ovl_entry_removed(struct ovl_entry *);

int ovl_lookup(struct vnode *dvp, const struct cname *, struct vnode **vpp);
int ovl_lookup_locked(
    struct ovl_node *dn, const struct cname *, struct ovl_node **);
/* What the lower layers alone have under a name: s_count may be 0. */
int ovl_below(struct ovl_node *dn, const struct cname *, struct ovl_stack *);
bool ovl_iswhiteout(struct vnode *);
/* dn has so many more directories in it. */
void ovl_count_subdirs(struct ovl_node *dn, int n);

/*
 * Names in the upper layer: ovl_upper.c.  Each takes the locks of the layer.
 */
struct ovl_temp {
	char ot_name[32];
	struct cname ot_cn;
};

/* A name that is not used in udvp. */
int ovl_temp(struct ovl_mount *, struct vnode *udvp, struct ovl_temp *);
/* ENOENT; *vpp is held. */
int up_lookup(struct vnode *udvp, const struct cname *, struct vnode **vpp);
/* *vpp is held. */
int up_create(struct vnode *udvp, const struct cname *, const struct vattr *,
    struct vnode **vpp);
int up_whiteout(struct vnode *udvp, const struct cname *);
/* Also of a file whose names have all been removed, if it can. */
int up_link(struct vnode *udvp, const struct cname *, struct vnode *uvp);
/* Whatever it is; of a directory, what is left in it is removed first. */
int up_remove(struct vnode *udvp, const struct cname *);
int up_rename(struct vnode *fdvp, const struct cname *, struct vnode *tdvp,
    const struct cname *);
int up_exchange(struct vnode *fdvp, const struct cname *, struct vnode *tdvp,
    const struct cname *);
int up_setattr(struct vnode *uvp, const struct vattr *);
/* The times of access and modification. */
int up_settimes(struct vnode *uvp, const struct stat *);
int up_setxattr(
    struct vnode *uvp, const char *name, const void *value, size_t size);

/* Copying up: ovl_copyup.c.  EROFS if there is no upper layer. */
int ovl_copyup(struct ovl_node *, bool data);
int ovl_copyup_locked(struct ovl_node *, bool data);

int ovl_create(struct vnode *, const struct cname *, const struct vattr *,
    struct vnode **);
int ovl_rename(struct vnode *fdvp, const struct cname *, struct vnode *fvp,
    struct vnode *tdvp, const struct cname *, struct vnode *tvp, bool *last);
int ovl_exchange(struct vnode *fdvp, const struct cname *, struct vnode *fvp,
    struct vnode *tdvp, const struct cname *, struct vnode *tvp);

/* Directories: ovl_readdir.c. */
int ovl_readdir(struct vnode *, off_t *pos, readdir_fn, void *arg);
int ovl_readdir_locked(struct ovl_node *, off_t *pos, readdir_fn, void *arg);
/* Nobody uses the overlay any more. */
void ovl_readdir_drop(struct ovl_mount *);
/* A readdir_fn: *arg, a bool, becomes true. */
bool ovl_found_any(void *arg, const struct direntry *);
/* ENOTEMPTY; om_lock is held. */
int ovl_checkempty(struct ovl_node *);
/* How many directories are in it; om_lock is held. */
int ovl_subdirs(struct ovl_node *, int64_t *np);

/*
 * Files that somebody may have open on the host: ovl_host.c.  What is removed
 * is kept for a while (om_lock is held): the vnode to be dropped without it,
 * or NULL.
 */
int ovl_hostdir(struct vnode *, struct hostdir *);
/* Around what makes or removes a name in a directory; om_lock is held. */
void ovl_change_begin(const struct ovl_node *dn);
void ovl_change_end(const struct ovl_node *dn);
int ovl_hostnode(struct super *, const char *path, ino_t, struct vnode **vpp);
struct vnode *ovl_gone(struct ovl_node *);
void ovl_gone_drop(struct ovl_mount *);

/* All kinds: ovl_file.c. */
int ovl_getattr(struct vnode *, struct stat *);
int ovl_setattr(struct vnode *, const struct vattr *);
void ovl_accessed(struct vnode *);
int ovl_getxattr(
    struct vnode *, const char *name, void *buf, size_t size, size_t *lenp);
int ovl_setxattr(struct vnode *, const char *name, const void *value,
    size_t size, int flags);
int ovl_listxattr(struct vnode *, char *buf, size_t size, size_t *lenp);
bool ovl_getacl(
    const struct vnode *, bool isdefault, const void **valuep, size_t *sizep);

/* Of v_mode, what is the upper file's. */
#define OVL_FOLLOWED (07777u | V_IMMUTABLE | V_APPEND | V_ACL | V_DEFACL)
int ovl_fsync(struct vnode *, bool dataonly);

#endif /* FS_OVERLAY_OVERLAY_H */
