/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is watched, and whom to tell: instances of inotify, those who asked for
 * signals (dnotify.c), and kevents, whose knotes hang on wd_klist.
 *
 * Two tables, both by the address of a vnode:
 *	watched_table	vnodes that are watched, with their watches
 *	named_table	names that vnodes have in watched directories, so that
 *			what happens to a file that is open can be told by name
 * The names of a directory are collected when it is watched for the first
 * time by inotify, and followed by the hooks of create, remove and rename from
 *then on, with the directory locked.  A name stays when the last link goes, as
 * long as the file is open: events go on, without those for IN_EXCL_UNLINK.
 *
 * An open file does not know by which name it was opened.  If it has several
 * in one watched directory, one of them is told.
 *
 * Locks: v_lock of a directory, v_lock of what is in it, inotify_lock.
 * V_WATCHED is set, with v_lock, after the vnode has come into a table, and
 * cleared, with v_lock, after a look that it is in none: so it is set whenever
 * it has to be.  Only for a directory it is set before its names are collected,
 * so that none is missed that is made meanwhile.
 */
#include "vfs/inotify_impl.h"

#define TABLE_SIZE 256

struct named {
	LIST_ENTRY(named) nm_link;    /* in its chain */
	LIST_ENTRY(named) nm_dirlink; /* of the directory */
	struct vnode *nm_vnode;
	struct watched *nm_dir;
	bool nm_unlinked; /* the last link has gone */
	uint32_t nm_len;
	char nm_name[];
};

LIST_HEAD(watched_chain, watched);

struct kmutex inotify_lock;
static struct watched_chain watched_table[TABLE_SIZE];
static struct nameds named_table[TABLE_SIZE];
static struct watched_chain watched_idle; /* without watches, to be freed */
static _Atomic uint32_t watched_count;	  /* in watched_table, and idle ones */

static size_t
table_index(const struct vnode *vp)
{
	uint64_t h = (uint64_t)(uintptr_t)vp * UINT64_C(0x9e3779b97f4a7c15);

	return h >> 56;
}

bool
inotify_watching(void)
{
	return atomic_load_explicit(&watched_count, memory_order_seq_cst) != 0;
}

struct watched *
watched_find(const struct vnode *vp)
{
	struct watched *wd;

	KASSERT(mutex_owned(&inotify_lock));
	LIST_FOREACH (wd, &watched_table[table_index(vp)], wd_link)
		if (wd->wd_vnode == vp)
			break;
	return wd;
}

/*
 * Names
 */

static struct named *
named_alloc(const char *name, size_t len)
{
	struct named *nm = kmem_alloc(sizeof(*nm) + len);

	if (nm == NULL)
		return NULL;
	nm->nm_unlinked = false;
	nm->nm_len = (uint32_t)len;
	memcpy(nm->nm_name, name, len);
	return nm;
}

static void
named_free(struct named *nm)
{
	kmem_free(nm, sizeof(*nm) + nm->nm_len);
}

static void
named_remove(struct named *nm)
{
	LIST_REMOVE(nm, nm_link);
	LIST_REMOVE(nm, nm_dirlink);
	named_free(nm);
}

/* The name that vp has in a directory, unless it was the last link. */
static struct named *
named_find(const struct watched *dir, const struct vnode *vp, const char *name,
    size_t len)
{
	struct named *nm;

	LIST_FOREACH (nm, &named_table[table_index(vp)], nm_link)
		if (nm->nm_vnode == vp && nm->nm_dir == dir &&
		    !nm->nm_unlinked && nm->nm_len == len &&
		    memcmp(nm->nm_name, name, len) == 0)
			break;
	return nm;
}

/*
 * vp has this name in dvp, which is locked; the name may be known.  The
 * reference keeps vp from going before it is V_WATCHED; it is not the last,
 * because the name, or a cache, has one.
 */
static void
named_insert(struct vnode *dvp, struct vnode *vp, struct named *nm)
{
	struct watched *dir;

	if (!vnode_tryhold(vp)) {
		named_free(nm);
		return;
	}
	mutex_enter(&inotify_lock);
	dir = watched_find(dvp);
	if (dir == NULL || !dir->wd_named ||
	    named_find(dir, vp, nm->nm_name, nm->nm_len) != NULL) {
		mutex_exit(&inotify_lock);
		named_free(nm);
		vnode_rele(vp);
		return;
	}
	nm->nm_vnode = vp;
	nm->nm_dir = dir;
	LIST_INSERT_HEAD(&named_table[table_index(vp)], nm, nm_link);
	LIST_INSERT_HEAD(&dir->wd_names, nm, nm_dirlink);
	mutex_exit(&inotify_lock);
	vnode_setflags(vp, V_WATCHED, 0);
	vnode_rele(vp);
}

void
inotify_name_slow(struct vnode *dvp, const struct cname *cn, struct vnode *vp)
{
	const struct watched *wd;
	struct named *nm;
	bool wanted;

	KASSERT(rw_write_held(&dvp->v_lock));
	mutex_enter(&inotify_lock);
	wd = watched_find(dvp);
	wanted = wd != NULL && wd->wd_named;
	mutex_exit(&inotify_lock);
	/* Without memory what happens to the file is not told by name. */
	if (wanted && (nm = named_alloc(cn->cn_name, cn->cn_len)) != NULL)
		named_insert(dvp, vp, nm);
}

void
inotify_unname_slow(
    struct vnode *dvp, const struct cname *cn, struct vnode *vp, bool last)
{
	struct watched *dir;
	struct named *nm = NULL;

	KASSERT(rw_write_held(&dvp->v_lock));
	mutex_enter(&inotify_lock);
	if ((dir = watched_find(dvp)) != NULL)
		nm = named_find(dir, vp, cn->cn_name, cn->cn_len);
	if (nm != NULL && last)
		nm->nm_unlinked = true;
	else if (nm != NULL)
		named_remove(nm);
	mutex_exit(&inotify_lock);
}

/* For vop_readdir: collect the names. */
struct collect {
	struct nameds co_names;
	int co_error;
};

static bool
collect_name(void *arg, const struct direntry *de)
{
	struct collect *co = arg;
	struct named *nm = named_alloc(de->de_name, de->de_namelen);

	if (nm == NULL) {
		co->co_error = ENOMEM;
		return false;
	}
	LIST_INSERT_HEAD(&co->co_names, nm, nm_link);
	return true;
}

int
watched_collect(struct vnode *dvp)
{
	struct collect co = {.co_error = 0};
	struct vnode *vp;
	struct named *nm;
	struct cname cn;
	off_t pos = 2;
	int error;

	LIST_INIT(&co.co_names);
	error = dvp->v_ops->vop_readdir(dvp, &pos, collect_name, &co);
	if (error == 0)
		error = co.co_error;
	rw_enter_write(&dvp->v_lock);
	while ((nm = LIST_FIRST(&co.co_names)) != NULL) {
		LIST_REMOVE(nm, nm_link);
		cname_init(&cn, nm->nm_name, nm->nm_len);
		if (error == 0 && dvp->v_ops->vop_lookup(dvp, &cn, &vp) == 0)
			named_insert(dvp, vp, nm);
		else
			named_free(nm);
	}
	rw_exit_write(&dvp->v_lock);
	return error;
}

/*
 * Watches
 */

void
watched_check(struct watched *wd)
{
	KASSERT(mutex_owned(&inotify_lock));
	if (!LIST_EMPTY(&wd->wd_watches) || !LIST_EMPTY(&wd->wd_dnotifies) ||
	    wd->wd_holds > 0 || klist_hasnotes(&wd->wd_klist))
		return;
	LIST_REMOVE(wd, wd_link);
	LIST_INSERT_HEAD(&watched_idle, wd, wd_link);
}

static void
watch_remove(struct watch *w)
{
	struct watched *wd = w->w_watched;

	KASSERT(mutex_owned(&inotify_lock));
	LIST_REMOVE(w, w_link);
	LIST_REMOVE(w, w_iolink);
	kmem_free(w, sizeof(*w));
	watched_check(wd);
}

void
inotify_leave(void)
{
	struct watched *wd;
	struct named *nm;

	while ((wd = LIST_FIRST(&watched_idle)) != NULL) {
		while ((nm = LIST_FIRST(&wd->wd_names)) != NULL)
			named_remove(nm);
		LIST_REMOVE(wd, wd_link);
		/* Who took the last knote off may still be about to leave. */
		klist_clear(&wd->wd_klist);
		kmem_free(wd, sizeof(*wd));
		atomic_fetch_sub_explicit(
		    &watched_count, 1, memory_order_relaxed);
	}
	mutex_exit(&inotify_lock);
}

static void
watch_end(struct watch *w)
{
	inotify_queue(w, IN_IGNORED, 0, NULL, 0);
	watch_remove(w);
}

static struct watch *
watch_byid(const struct inotify *in, int id)
{
	struct watch *w;

	LIST_FOREACH (w, &in->in_watches, w_iolink)
		if (w->w_id == id)
			break;
	return w;
}

/* The instance watches this already: change what for. */
static int
watch_change(struct watch *w, uint32_t mask)
{
	if ((mask & IN_MASK_CREATE) != 0)
		return EEXIST;
	if ((mask & IN_MASK_ADD) != 0)
		mask |= w->w_mask;
	w->w_mask = mask;
	return 0;
}

struct watched *
watched_get(struct vnode *vp, struct watched **wdp)
{
	struct watched *wd = watched_find(vp);

	if (wd != NULL)
		return wd;
	wd = *wdp;
	*wdp = NULL;
	wd->wd_vnode = vp;
	LIST_INSERT_HEAD(&watched_table[table_index(vp)], wd, wd_link);
	/* Pairs with vfs_hostdir, by vfs_tree_begin. */
	atomic_fetch_add_explicit(&watched_count, 1, memory_order_seq_cst);
	return wd;
}

/*
 * A watch of the instance on vp: w, or the one that there is, which is
 * changed.  What is used of w and wd is NULL afterwards.  *collect: names of
 * the directory are to be collected.
 */
static int
watch_insert(struct inotify *in, struct vnode *vp, struct watch **wp,
    struct watched **wdp, int *idp, bool *collect)
{
	struct watched *wd = watched_get(vp, wdp);
	struct watch *w = *wp, *old;
	uint32_t mask = w->w_mask;

	*collect = !wd->wd_named && vnode_isdir(vp);
	wd->wd_named = true;
	LIST_FOREACH (old, &wd->wd_watches, w_link)
		if (old->w_inotify == in) {
			*idp = old->w_id;
			return watch_change(old, mask);
		}
	*wp = NULL;
	w->w_watched = wd;
	w->w_inotify = in;
	if (in->in_lastid == INT_MAX)
		in->in_lastid = 0;
	w->w_id = *idp = ++in->in_lastid;
	LIST_INSERT_HEAD(&wd->wd_watches, w, w_link);
	LIST_INSERT_HEAD(&in->in_watches, w, w_iolink);
	return 0;
}

int
watch_add(struct inotify *in, struct vnode *vp, uint32_t mask, int *idp)
{
	struct watched *wd = kmem_zalloc(sizeof(*wd));
	struct watch *w = kmem_zalloc(sizeof(*w));
	bool collect = false;
	int error = ENOMEM;

	if (wd == NULL || w == NULL)
		goto out;
	w->w_mask = mask;
	vfs_tree_begin();
	mutex_enter(&inotify_lock);
	error = watch_insert(in, vp, &w, &wd, idp, &collect);
	mutex_exit(&inotify_lock);
	vfs_tree_end();
	if (error != 0)
		goto out;
	vnode_setflags(vp, V_WATCHED, 0);
	if (collect && (error = watched_collect(vp)) != 0) {
		mutex_enter(&inotify_lock);
		if ((w = watch_byid(in, *idp)) != NULL)
			watch_remove(w);
		inotify_leave();
		w = NULL;
	}
out:
	if (wd != NULL)
		kmem_free(wd, sizeof(*wd));
	if (w != NULL)
		kmem_free(w, sizeof(*w));
	return error;
}

int
watch_rm(struct inotify *in, int id)
{
	struct watch *w;

	mutex_enter(&inotify_lock);
	if ((w = watch_byid(in, id)) != NULL)
		watch_end(w);
	inotify_leave();
	return w != NULL ? 0 : EINVAL;
}

void
watch_rmall(struct inotify *in)
{
	struct watch *w;

	mutex_enter(&inotify_lock);
	while ((w = LIST_FIRST(&in->in_watches)) != NULL)
		watch_remove(w);
	inotify_leave();
}

/*
 * Telling
 */

struct tell {
	uint32_t te_mask;
	uint32_t te_cookie;
	bool te_used;	  /* IN_EXCL_UNLINK is about this … */
	bool te_unlinked; /* … if the name has gone */
};

/* Tell who watches, of the entry with this name or, if NULL, of itself. */
static void
watched_tell(const struct watched *wd, const struct tell *te, const char *name,
    size_t len)
{
	struct watch *w, *next;

	if ((te->te_mask & VN_RENAMED) != 0)
		dnotify_tell(wd, VN_RENAMED);
	dnotify_tell(wd, te->te_mask & ~VN_RENAMED);
	for (w = LIST_FIRST(&wd->wd_watches); w != NULL; w = next) {
		next = LIST_NEXT(w, w_link);
		if ((te->te_mask & w->w_mask & IN_ALL_EVENTS) == 0 ||
		    (te->te_used && te->te_unlinked &&
			(w->w_mask & IN_EXCL_UNLINK) != 0))
			continue;
		inotify_queue(
		    w, te->te_mask & ~VN_RENAMED, te->te_cookie, name, len);
		if ((w->w_mask & IN_ONESHOT) != 0)
			watch_end(w);
	}
}

/* The name to tell, of those that vp has in a directory. */
static struct named *
named_best(const struct watched *dir, const struct vnode *vp)
{
	struct named *nm, *best = NULL;

	LIST_FOREACH (nm, &named_table[table_index(vp)], nm_link)
		if (nm->nm_vnode == vp && nm->nm_dir == dir &&
		    (best == NULL || best->nm_unlinked))
			best = nm;
	return best;
}

/* Tell all directories that vp is in; are there any? */
static bool
named_tell(const struct vnode *vp, struct tell *te)
{
	struct named *nm;
	bool any = false;

	LIST_FOREACH (nm, &named_table[table_index(vp)], nm_link) {
		if (nm->nm_vnode != vp)
			continue;
		any = true;
		te->te_unlinked = nm->nm_unlinked;
		if (named_best(nm->nm_dir, vp) == nm)
			watched_tell(nm->nm_dir, te, nm->nm_name, nm->nm_len);
	}
	return any;
}

/*
 * What kevents are told of what happened to a file itself; to its entries it
 * is always NOTE_WRITE.
 */
static uint32_t
notes_of(uint32_t mask)
{
	static const struct {
		uint32_t mask, note;
	} notes[] = {
	    {IN_ACCESS, RUMP_NOTE_READ},
	    {IN_MODIFY, RUMP_NOTE_WRITE},
	    {IN_ATTRIB, RUMP_NOTE_ATTRIB},
	    {IN_OPEN, RUMP_NOTE_OPEN},
	    {IN_CLOSE_WRITE, RUMP_NOTE_CLOSE_WRITE},
	    {IN_CLOSE_NOWRITE, RUMP_NOTE_CLOSE},
	};
	size_t i;

	for (i = 0; i < nitems(notes); i++)
		if ((mask & notes[i].mask) != 0)
			return notes[i].note;
	return 0;
}

static uint32_t
mask_of(uint32_t mask, bool isdir)
{
	return isdir ? mask | IN_ISDIR : mask;
}

/* Is vp in none of the tables any more?  Then it is not watched. */
static void
vnode_unwatch(struct vnode *vp)
{
	struct named *nm;
	bool any;

	rw_enter_write(&vp->v_lock);
	mutex_enter(&inotify_lock);
	any = watched_find(vp) != NULL;
	LIST_FOREACH (nm, &named_table[table_index(vp)], nm_link)
		any |= nm->nm_vnode == vp;
	mutex_exit(&inotify_lock);
	if (!any)
		atomic_fetch_and_explicit(
		    &vp->v_mode, ~V_WATCHED, memory_order_relaxed);
	rw_exit_write(&vp->v_lock);
}

static bool
vnode_isunlinked(struct vnode *vp)
{
	struct stat sb = {.st_nlink = 1};

	return vnode_isdead(vp) ||
	       (vp->v_ops->vop_getattr(vp, &sb) == 0 && sb.st_nlink == 0);
}

void
inotify_post_slow(struct vnode *vp, uint32_t mask, bool used)
{
	struct tell te = {
	    .te_mask = mask_of(mask, vnode_isdir(vp)), .te_used = used};
	bool unlinked = vnode_isunlinked(vp), any;
	struct watched *wd;

	mutex_enter(&inotify_lock);
	any = named_tell(vp, &te);
	te.te_unlinked = unlinked;
	if ((wd = watched_find(vp)) != NULL) {
		klist_notify(&wd->wd_klist, notes_of(mask));
		watched_tell(wd, &te, NULL, 0);
		/* Kevents end without a word. */
		if (LIST_EMPTY(&wd->wd_watches) && wd == watched_find(vp))
			watched_check(wd);
		wd = watched_find(vp);
	}
	inotify_leave();
	if (!any && wd == NULL)
		vnode_unwatch(vp);
}

void
inotify_self_slow(struct vnode *vp, uint32_t mask, uint32_t notes)
{
	struct tell te = {.te_mask = mask_of(mask, vnode_isdir(vp))};
	struct watched *wd;

	mutex_enter(&inotify_lock);
	if ((wd = watched_find(vp)) != NULL) {
		klist_notify(&wd->wd_klist, notes);
		if (mask != 0)
			watched_tell(wd, &te, NULL, 0);
	}
	inotify_leave();
}

void
inotify_entry_slow(struct vnode *dvp, const struct cname *cn, uint32_t mask,
    bool isdir, uint32_t cookie)
{
	struct tell te = {.te_mask = mask_of(mask, isdir), .te_cookie = cookie};
	struct watched *wd;

	mutex_enter(&inotify_lock);
	if ((wd = watched_find(dvp)) != NULL) {
		klist_notify(&wd->wd_klist,
		    RUMP_NOTE_WRITE |
			(isdir && (mask & (IN_CREATE | IN_DELETE)) != 0
				? RUMP_NOTE_LINK
				: 0) |
			((mask & IN_MOVE) != 0 ? RUMP_NOTE_EXTEND : 0));
		watched_tell(wd, &te, cn->cn_name, cn->cn_len);
	}
	inotify_leave();
}

/* Tell all who watch it, and forget them. */
static void
watched_end(struct watched *wd, uint32_t mask)
{
	struct watch *w, *next;

	for (w = LIST_FIRST(&wd->wd_watches); w != NULL; w = next) {
		next = LIST_NEXT(w, w_link);
		if ((mask & (w->w_mask | IN_UNMOUNT)) != 0)
			inotify_queue(w, mask, 0, NULL, 0);
		watch_end(w);
	}
}

void
inotify_gone_slow(struct vnode *vp)
{
	struct named *nm, *next;
	struct watched *wd;

	mutex_enter(&inotify_lock);
	for (nm = LIST_FIRST(&named_table[table_index(vp)]); nm != NULL;
	     nm = next) {
		next = LIST_NEXT(nm, nm_link);
		if (nm->nm_vnode == vp)
			named_remove(nm);
	}
	if ((wd = watched_find(vp)) != NULL)
		watched_end(wd, IN_DELETE_SELF);
	/* What only kevents were for. */
	if ((wd = watched_find(vp)) != NULL)
		watched_check(wd);
	inotify_leave();
}

void
inotify_unmount(const struct super *sb)
{
	struct watched *wd, *next;
	size_t i;

	mutex_enter(&inotify_lock);
	for (i = 0; i < TABLE_SIZE; i++)
		for (wd = LIST_FIRST(&watched_table[i]); wd != NULL;
		     wd = next) {
			next = LIST_NEXT(wd, wd_link);
			if (wd->wd_vnode->v_super == sb)
				watched_end(wd, IN_UNMOUNT);
		}
	inotify_leave();
}

uint32_t
inotify_cookie(void)
{
	static _Atomic uint32_t last;

	return atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
}

/*
 * Kevents
 */

int
vnode_note_attach(struct knote *kn)
{
	struct watched *fresh = kmem_zalloc(sizeof(*fresh));
	struct vnode *vp = kn->kn_file->f_vnode;

	if (fresh == NULL)
		return ENOMEM;
	vfs_tree_begin();
	mutex_enter(&inotify_lock);
	knote_attach(&watched_get(vp, &fresh)->wd_klist, kn);
	mutex_exit(&inotify_lock);
	vfs_tree_end();
	if (fresh != NULL)
		kmem_free(fresh, sizeof(*fresh));
	vnode_setflags(vp, V_WATCHED, 0);
	return 0;
}

void
vnode_note_closing_slow(struct file *fp)
{
	struct watched *wd;

	mutex_enter(&inotify_lock);
	if ((wd = watched_find(fp->f_vnode)) != NULL) {
		wd->wd_holds++;
		mutex_exit(&inotify_lock);
		klist_closing(&wd->wd_klist, fp);
		mutex_enter(&inotify_lock);
		wd->wd_holds--;
		watched_check(wd);
	}
	inotify_leave();
}
