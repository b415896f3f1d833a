/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inotify, dnotify and kevents of vnodes: what happens to files, told to who
 * asked.  Each function here tells all; what is told of kevents only has a name
 * with vnode_note in it.
 *
 * V_WATCHED in v_mode says that a vnode is watched, or has a name in a
 * directory that is; it stays set for a while after that ends.  Who does not
 * see it is done: nothing else is paid where nothing is watched.  The functions
 * here that end in _slow are what follows.
 *
 * A watch holds no reference, nor does a kevent, which hangs on an open file.
 * A vnode that goes is taken out by
 * vnode_reclaim, which is when IN_DELETE_SELF is due; one that is watched is
 * not put out of a cache (vcache.c).
 */
#ifndef VFS_INOTIFY_H
#define VFS_INOTIFY_H

#include <sys/inotify.h>

#include <rump/rump_event.h>

#include "vfs/vfs_impl.h"

/*
 * A new handle of the host's on a pipe that can be read as long as there are
 * events for who reads fd: ENODEV if that is no instance of inotify.
 */
int inotify_hostpipe(struct lwp *, int fd, int *hostfd);

/*
 * Not inside their callers, which would save registers for them at each call.
 */
#define VN_SLOW __attribute__((noinline))

/*
 * F_NOTIFY: signals for what happens in a directory; dnotify.c.  Beside the
 * masks of inotify: an entry got another name in the same directory.
 */
#define VN_RENAMED 0x00010000u
int dnotify_set(struct lwp *, int fd, struct file *, uint32_t mask);
/* A table lets go of a descriptor of it; without locks. */
VN_SLOW void dnotify_closing(struct file *, const struct filedesc *);

VN_SLOW void inotify_post_slow(struct vnode *, uint32_t mask, bool used);
VN_SLOW void inotify_self_slow(struct vnode *, uint32_t mask, uint32_t notes);
VN_SLOW void inotify_entry_slow(struct vnode *dvp, const struct cname *,
    uint32_t mask, bool isdir, uint32_t cookie);
VN_SLOW void
inotify_name_slow(struct vnode *dvp, const struct cname *, struct vnode *vp);
VN_SLOW void inotify_unname_slow(
    struct vnode *dvp, const struct cname *, struct vnode *vp, bool last);
VN_SLOW void inotify_gone_slow(struct vnode *);
VN_SLOW void vnode_note_closing_slow(struct file *);

static inline bool
vnode_watched(const struct vnode *vp)
{
	return unlikely((vnode_mode(vp) & V_WATCHED) != 0);
}

/*
 * A file was opened, closed, read, written (inotify_used), or has other
 * attributes or another length (inotify_changed); told to who watches it and
 * to who watches a directory that it is in.  IN_EXCL_UNLINK is about the
 * former.  Called without locks.
 */
static inline void
inotify_used(struct vnode *vp, uint32_t mask)
{
	if (vnode_watched(vp))
		inotify_post_slow(vp, mask, true);
}

static inline void
inotify_changed(struct vnode *vp, uint32_t mask)
{
	if (vnode_watched(vp))
		inotify_post_slow(vp, mask, false);
}

/*
 * The same, told only to who watches the file itself, and RUMP_NOTE_* to who
 * has a kevent for it.  Any lock may be held.
 */
static inline void
inotify_self(struct vnode *vp, uint32_t mask, uint32_t notes)
{
	if (vnode_watched(vp))
		inotify_self_slow(vp, mask, notes);
}

/*
 * Around a change of its data: has it become longer?  The first gives what the
 * second is for.  Without locks.
 */
static inline off_t
vnode_note_size(struct vnode *vp)
{
	off_t size;

	return vnode_watched(vp) && vnode_size(vp, &size) == 0 ? size
							       : INT64_MAX;
}

static inline void
vnode_note_extend(struct vnode *vp, off_t before)
{
	off_t now = vnode_note_size(vp);

	if (unlikely(now > before && now != INT64_MAX))
		inotify_self_slow(vp, 0, RUMP_NOTE_EXTEND);
}

/* fv_attach, and the last reference to a file is going. */
int vnode_note_attach(struct knote *);

static inline void
vnode_note_closing(struct file *fp)
{
	if (vnode_watched(fp->f_vnode))
		vnode_note_closing_slow(fp);
}

/* An entry of dvp came or went; any lock may be held. */
static inline void
inotify_entry(struct vnode *dvp, const struct cname *cn, uint32_t mask,
    bool isdir, uint32_t cookie)
{
	if (vnode_watched(dvp))
		inotify_entry_slow(dvp, cn, mask, isdir, cookie);
}

/*
 * vp, which is not locked, has got a name in dvp, or loses it, with its last
 * link or not.  dvp is locked exclusively.
 */
static inline void
inotify_name(struct vnode *dvp, const struct cname *cn, struct vnode *vp)
{
	if (vnode_watched(dvp))
		inotify_name_slow(dvp, cn, vp);
}

static inline void
inotify_unname(
    struct vnode *dvp, const struct cname *cn, struct vnode *vp, bool last)
{
	if (vnode_watched(dvp))
		inotify_unname_slow(dvp, cn, vp, last);
}

/* The last reference is gone. */
static inline void
inotify_gone(struct vnode *vp)
{
	if (vnode_watched(vp))
		inotify_gone_slow(vp);
}

/* The super goes, with all of its vnodes. */
void inotify_unmount(const struct super *);

/* Does anybody watch any vnode? */
bool inotify_watching(void);

/* The number that the two halves of a rename have in common. */
uint32_t inotify_cookie(void);

#endif /* VFS_INOTIFY_H */
