/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fcntl's F_NOTIFY, dnotify: a signal to the owner of an open directory (see
 * kern/fowner.h) for each thing that happens in it, or for the first one.
 *
 * A request belongs to an open file and the table of descriptors by which it
 * was made, and ends when that lets go of any descriptor of the file: so the
 * file is there as long as the request is.  Who tells may hold locks, and to
 * post a signal may end a process: so a timer does it.  One that is told once
 * (dn_mask is zero afterwards) goes when it has been.
 */
#include <fcntl.h>

#include "kern/filedesc.h"
#include "kern/fowner.h"
#include "vfs/inotify_impl.h"

/* All but dn_tell: inotify_lock. */
struct dnotify {
	LIST_ENTRY(dnotify) dn_link; /* while dn_watched is not NULL */
	struct watched *dn_watched;  /* the directory */
	struct file *dn_file;
	const struct filedesc *dn_table;
	int dn_fd;
	uint32_t dn_mask;   /* DN_*; 0: of nothing any more */
	unsigned dn_untold; /* signals to be sent */
	struct ktimer dn_tell;
	struct smr_item dn_smr;
};

static void
dnotify_reclaim(struct smr_item *si)
{
	struct dnotify *dn = container_of(si, struct dnotify, dn_smr);

	kmem_free(dn, sizeof(*dn));
}

static void
dnotify_remove(struct dnotify *dn)
{
	KASSERT(mutex_owned(&inotify_lock));
	LIST_REMOVE(dn, dn_link);
	watched_check(dn->dn_watched);
	dn->dn_watched = NULL;
	/* The timer may be about to look at it. */
	smr_retire(&dn->dn_smr, dnotify_reclaim);
}

/* How many signals there are to be sent, and to whom; 0: none. */
static unsigned
dnotify_take(struct dnotify *dn, struct fowner_dest *d)
{
	unsigned n = dn->dn_untold;

	KASSERT(mutex_owned(&inotify_lock));
	dn->dn_untold = 0;
	if (n != 0 && !fowner_dest(dn->dn_file, dn->dn_fd, d))
		n = 0;
	return n;
}

static void
dnotify_timer(void *arg, uint64_t times)
{
	struct dnotify *dn = arg;
	struct fowner_dest d;
	unsigned n = 0;

	(void)times;
	mutex_enter(&inotify_lock);
	if (dn->dn_watched != NULL) {
		n = dnotify_take(dn, &d);
		if (dn->dn_mask == 0)
			dnotify_remove(dn);
	}
	inotify_leave();
	if (n != 0)
		fowner_post(&d, POLL_MSG, n);
}

/* What DN_* are about. */
static uint32_t
masks_of(uint32_t dn)
{
	static const struct {
		uint32_t dn, mask;
	} masks[] = {
	    {DN_ACCESS, IN_ACCESS},
	    {DN_MODIFY, IN_MODIFY},
	    {DN_CREATE, IN_CREATE | IN_MOVED_TO},
	    {DN_DELETE, IN_DELETE | IN_MOVED_FROM},
	    {DN_RENAME, VN_RENAMED},
	    {DN_ATTRIB, IN_ATTRIB},
	};
	uint32_t mask = 0;
	size_t i;

	for (i = 0; i < nitems(masks); i++)
		if ((dn & masks[i].dn) != 0)
			mask |= masks[i].mask;
	return mask;
}

void
dnotify_tell(const struct watched *wd, uint32_t mask)
{
	struct dnotify *dn;

	KASSERT(mutex_owned(&inotify_lock));
	LIST_FOREACH (dn, &wd->wd_dnotifies, dn_link) {
		if ((masks_of(dn->dn_mask) & mask) == 0)
			continue;
		dn->dn_untold++;
		if ((dn->dn_mask & DN_MULTISHOT) == 0)
			dn->dn_mask = 0;
		(void)ktimer_set(&dn->dn_tell, KTIMER_MONOTONIC, 0, 0);
	}
}

static struct dnotify *
dnotify_find(const struct file *fp, const struct filedesc *table)
{
	struct watched *wd = watched_find(fp->f_vnode);
	struct dnotify *dn = NULL;

	if (wd != NULL)
		LIST_FOREACH (dn, &wd->wd_dnotifies, dn_link)
			if (dn->dn_file == fp && dn->dn_table == table)
				break;
	return dn;
}

void
dnotify_closing(struct file *fp, const struct filedesc *table)
{
	struct fowner_dest d;
	struct dnotify *dn;
	unsigned n = 0;

	mutex_enter(&inotify_lock);
	if ((dn = dnotify_find(fp, table)) != NULL) {
		n = dnotify_take(dn, &d);
		(void)ktimer_cancel(&dn->dn_tell);
		dnotify_remove(dn);
	}
	inotify_leave();
	if (n != 0)
		fowner_post(&d, POLL_MSG, n);
}

/*
 * Ask for more, or for the first time: then *dnp and *wdp are used, and NULL.
 * *collect: names of the directory are to be collected.
 */
static void
dnotify_insert(struct dnotify **dnp, struct watched **wdp, bool *collect)
{
	struct dnotify *dn = *dnp;
	struct dnotify *old = dnotify_find(dn->dn_file, dn->dn_table);
	struct watched *wd;

	*collect = false;
	if (old != NULL) {
		old->dn_fd = dn->dn_fd;
		old->dn_mask |= dn->dn_mask;
		return;
	}
	*dnp = NULL;
	wd = watched_get(dn->dn_file->f_vnode, wdp);
	*collect = !wd->wd_named;
	wd->wd_named = true;
	dn->dn_watched = wd;
	LIST_INSERT_HEAD(&wd->wd_dnotifies, dn, dn_link);
}

static int
dnotify_add(
    struct file *fp, const struct filedesc *table, int fd, uint32_t mask)
{
	struct watched *wd = kmem_zalloc(sizeof(*wd));
	struct dnotify *dn = kmem_zalloc(sizeof(*dn));
	bool collect = false;
	int error = ENOMEM;

	if (wd != NULL && dn != NULL) {
		dn->dn_file = fp;
		dn->dn_table = table;
		dn->dn_fd = fd;
		dn->dn_mask = mask;
		ktimer_init(&dn->dn_tell, dnotify_timer, dn);
		vfs_tree_begin();
		mutex_enter(&inotify_lock);
		dnotify_insert(&dn, &wd, &collect);
		mutex_exit(&inotify_lock);
		vfs_tree_end();
		vnode_setflags(fp->f_vnode, V_WATCHED, 0);
		error = collect ? watched_collect(fp->f_vnode) : 0;
	}
	if (wd != NULL)
		kmem_free(wd, sizeof(*wd));
	if (dn != NULL)
		kmem_free(dn, sizeof(*dn));
	return error;
}

int
dnotify_set(struct lwp *l, int fd, struct file *fp, uint32_t mask)
{
	const struct filedesc *table =
	    atomic_load_explicit(&l->l_proc->p_fd, memory_order_relaxed);
	int error;

	if ((mask & ~DN_MULTISHOT) == 0) {
		dnotify_closing(fp, table);
		return 0;
	}
	if (!vnode_isdir(fp->f_vnode))
		return ENOTDIR;
	if ((error = fowner_default(l, fp)) != 0)
		return error;
	error = dnotify_add(fp, table, fd, mask);
	/* As if it had been closed just now. */
	if (error != 0 || !fd_names(l, fd, fp, table))
		dnotify_closing(fp, table);
	return error;
}
