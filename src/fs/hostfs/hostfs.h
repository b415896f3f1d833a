/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hostfs: a directory of the host, with what is below it.  Between its files.
 *
 *	hostfs_vfsops.c	mounting, options
 *	hostfs_handle.c	descriptors of the host, of which there are few
 *	hostfs_node.c	a file's node: finding or making it, its life, its place
 *	hostfs_attr.c	attributes, symbolic links, fifos
 *	hostfs_dir.c	what is done to directories
 *	hostfs_file.c	what is done to regular files
 *
 * The host is asked each time: no name, attribute or data is kept, except that
 * v_mode, v_uid and v_gid are what the host said last.  Other programs change
 * files and move them meanwhile, so what a node is believed to be is checked
 * whenever it is found again: by device, number and time of birth.
 *
 * Letters: (s) stable; (a) atomic; (l) v_lock; (p) written with hn_lock held,
 * read without it; (h) lock of the handles.
 */
#ifndef FS_HOSTFS_HOSTFS_H
#define FS_HOSTFS_HOSTFS_H

#include "hyper/hostfile.h"
#include "vfs/vcache.h"
#include "vfs/vfs.h"

/* For what a file is open on the host. */
enum hostfs_kind { HF_PATH, HF_READ, HF_WRITE, HF_NKINDS };

struct hostfs_handle {
	_Atomic uint64_t hh_word; /* (a) users, descriptor */
	_Atomic bool hh_used;	  /* (a) since the evictor came by */
	struct hostfs_handle *hh_prev, *hh_next; /* (h) */
};

/*
 * Where a file was found: a directory, to which this is a reference, and a
 * name.  All (s); freed by smr.
 */
struct hostfs_place {
	struct hostfs_node *hp_dir;
	struct smr_item hp_smr;
	uint16_t hp_len;
	char hp_name[]; /* terminated */
};

struct hostfs_node {
	struct vcnode hn_vcn;
	/*
	 * (p) NULL for the root and for what never had a name.  That of a
	 * directory changes by our own renames only: one that the host has
	 * moved gets another node.  So there is never a circle.
	 */
	struct hostfs_place *_Atomic hn_place;
	struct kmutex hn_lock;
	struct timespec hn_birth; /* (s) */
	uint64_t hn_key[2];	  /* (s) device and number on the host */
	struct hostfs_handle hn_handle[HF_NKINDS];
	char *_Atomic hn_target; /* (a) symbolic link: its text, or NULL */
	struct pipe *hn_fifo;	 /* (l) or NULL */
	bool hn_nameless;	 /* (l) pinned until its last reference goes */
	/* With hm_attrtime, under hn_lock: attributes, and when asked for. */
	struct hyper_stat hn_attr;
	int64_t hn_asked; /* 0: never */
};

struct hostfs_mount {
	struct super hm_super;
	struct smr_item hm_smr;
	dev_t hm_dev; /* (s) the root's, on the host */
	/* Options; all (s). */
	bool hm_setuid, hm_setgid; /* owner and group are shown as these */
	uid_t hm_uid;
	gid_t hm_gid;
	bool hm_nosubdirs;
	int64_t hm_attrtime; /* nanoseconds that attributes are believed */
	char hm_path[HOSTDIR_PATH]; /* absolute, without a slash at its end,
				       or "?" */
};

static inline struct hostfs_node *
vp_to_hn(struct vnode *vp)
{
	return container_of(vp, struct hostfs_node, hn_vcn.vn_vnode);
}

static inline struct vnode *
hn_vnode(struct hostfs_node *hn)
{
	return &hn->hn_vcn.vn_vnode;
}

static inline struct hostfs_mount *
hn_mount(struct hostfs_node *hn)
{
	return container_of(
	    hn_vnode(hn)->v_super, struct hostfs_mount, hm_super);
}

static inline struct hostfs_place *
hn_place(struct hostfs_node *hn)
{
	return atomic_load_explicit(&hn->hn_place, memory_order_acquire);
}

extern const struct vnodeops hostfs_dirops, hostfs_regops, hostfs_lnkops,
    hostfs_specops;

/*
 * Handles.  get: open, and stays so until put, which goes in the same section
 * or, for what loses its name, at the end (hostfs_pin).  ESTALE if the file is
 * not where it was; whatever the host says.
 */
int hostfs_get(struct hostfs_node *, enum hostfs_kind, int *fdp);
void hostfs_put(struct hostfs_node *, enum hostfs_kind);
/* The same if it is open already: false. */
bool hostfs_tryget(struct hostfs_node *, enum hostfs_kind, int *fdp);
/* Open for data, whatever for: if it is not yet, for reading. */
int hostfs_get_data(struct hostfs_node *, enum hostfs_kind *, int *fdp);
/* Give a node a descriptor that was opened otherwise, and put it. */
void hostfs_offer(struct hostfs_node *, enum hostfs_kind, int fd);
/* Give a node that nobody knows yet its HF_PATH: it is pinned. */
void hostfs_offer_pinned(struct hostfs_node *, int fd);
/* Close a descriptor that nobody uses: others can see that it was open. */
void hostfs_drop(struct hostfs_node *, enum hostfs_kind);
/* Nobody uses the node any more. */
void hostfs_closeall(struct hostfs_node *);
/* hyper_file_open; if there are too many descriptors, with fewer. */
int hostfs_open(int dir, const char *path, int flags, mode_t mode, int *fdp);
int hostfs_reopen(int fd, int flags, int *fdp);

/*
 * It is about to lose its name: it is open until its last reference goes, and
 * most likely somewhat longer, so that who has it or found it can go on.
 */
static inline int
hostfs_pin(struct hostfs_node *hn)
{
	int fd;

	return hostfs_get(hn, HF_PATH, &fd);
}

static inline void
hostfs_unpin(struct hostfs_node *hn)
{
	hostfs_put(hn, HF_PATH);
}

/*
 * Nodes.
 */
void hostfs_node_init(void);

/* Is that this file? */
bool hostfs_same(const struct hostfs_node *, const struct hyper_stat *);

/* The root: its handle is taken over. */
int hostfs_node_root(struct hostfs_mount *, int fd, struct hostfs_node **);

/*
 * The node of a file that was found in a directory, which is referenced:
 * found or made, its attributes as in hs.  Not referenced.  fresh: it has just
 * been made, and is none that there is.
 */
int hostfs_node_get(struct hostfs_node *dn, const char *name,
    const struct hyper_stat *hs, bool fresh, struct hostfs_node **hnp);

/* A node without a name, with one reference, the caller's. */
int hostfs_node_nameless(
    struct hostfs_mount *, const struct hyper_stat *, struct hostfs_node **hnp);

/*
 * A directory that was found in this section may have been dropped by the
 * cache: the node that stands for it now, referenced.  ENOENT if it was
 * removed, ESTALE, ENOMEM.
 */
int hostfs_live(struct vnode *dvp, struct hostfs_node **dnp);

struct hostfs_place *
hostfs_place_alloc(struct hostfs_node *dn, const char *name);
void hostfs_place_free(struct hostfs_place *);
/* It is there now. */
void hostfs_place_set(struct hostfs_node *, struct hostfs_place *);

/* v_mode, v_uid and v_gid are what the host says. */
void hostfs_refresh(struct hostfs_node *, const struct hyper_stat *);
uid_t hostfs_uid(const struct hostfs_mount *, uid_t);
gid_t hostfs_gid(const struct hostfs_mount *, gid_t);
ino_t hostfs_ino(const struct hostfs_mount *, const struct hyper_stat *);

/* For who reads files on the host instead: vfs_hostdir. */
int hostfs_hostdir(struct vnode *, struct hostdir *);

/* Ask the host about a node.  ESTALE. */
int hostfs_stat(struct hostfs_node *, struct hyper_stat *);

struct vnode *hostfs_reclaim(struct vnode *);
void hostfs_vop_refresh(struct vnode *);
int hostfs_getattr(struct vnode *, struct stat *);
int hostfs_setattr(struct vnode *, const struct vattr *);
int hostfs_getxattr(
    struct vnode *, const char *name, void *buf, size_t size, size_t *lenp);
int hostfs_setxattr(struct vnode *, const char *name, const void *value,
    size_t size, int flags);
int hostfs_listxattr(struct vnode *, char *buf, size_t size, size_t *lenp);

#endif /* FS_HOSTFS_HOSTFS_H */
