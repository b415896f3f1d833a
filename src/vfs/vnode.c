/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Vnodes: their life, flags and times.  The life and the locks are explained in
 * vfs.h.
 */
#include "kern/ktime.h"
#include "vfs/inotify.h"

_Static_assert(sizeof(struct vnode) <= 64, "a vnode is one cache line");

/* The last reference is gone.  Not recursive: a path can be long. */
void
vnode_reclaim(struct vnode *vp)
{
	do {
		inotify_gone(vp);
		vp = vp->v_ops->vop_reclaim(vp);
	} while (vp != NULL && atomic_fetch_sub_explicit(
				   &vp->v_count, 1, memory_order_acq_rel) == 1);
}

void
vnode_setflags(struct vnode *vp, uint32_t set, uint32_t clear)
{
	rw_enter_write(&vp->v_lock);
	/* Who brings permissions up to date does so without the lock. */
	atomic_fetch_and_explicit(&vp->v_mode, ~clear, memory_order_relaxed);
	atomic_fetch_or_explicit(&vp->v_mode, set, memory_order_relaxed);
	rw_exit_write(&vp->v_lock);
}

int
vnode_stat(const struct mount *mp, struct vnode *vp, struct stat *sb)
{
	int error;

	memset(sb, 0, sizeof(*sb));
	sb->st_dev = vp->v_super->sb_dev;
	sb->st_blksize = KPAGE_SIZE;
	error = vp->v_ops->vop_getattr(vp, sb);
	if (unlikely(mp->mnt_idmap != NULL)) {
		if ((sb->st_uid = mount_uid(mp, sb->st_uid)) == ID_NONE)
			sb->st_uid = ID_NOBODY;
		if ((sb->st_gid = mount_gid(mp, sb->st_gid)) == ID_NONE)
			sb->st_gid = ID_NOBODY;
	}
	return error;
}

int
vnode_size(struct vnode *vp, off_t *sizep)
{
	struct stat sb = {0};
	int error = vp->v_ops->vop_getattr(vp, &sb);

	*sizep = sb.st_size;
	return error;
}

_Atomic int64_t vfs_now_seconds;

/*
 * The last time that vfs_now gave, in nanoseconds.  A coarse time that is
 * before it is put off to it; more than a tick before it cannot be, unless
 * the clock was set back.
 */
static struct {
	_Atomic int64_t ns; /* relaxed: it orders nothing */
} __attribute__((aligned(CACHE_LINE))) now_floor;

static void
now_given(const struct timespec *ts)
{
	if (unlikely(vfs_coarse_seconds() != ts->tv_sec))
		atomic_store_explicit(
		    &vfs_now_seconds, ts->tv_sec, memory_order_relaxed);
}

void
vfs_now(struct timespec *ts)
{
	int64_t now = kern_realtime_ns();
	int64_t last =
	    atomic_load_explicit(&now_floor.ns, memory_order_relaxed);

	/* Another that is later stays, unless it was by another clock. */
	while ((last < now || last - now > NSEC_PER_SEC) &&
	       !atomic_compare_exchange_weak_explicit(&now_floor.ns, &last, now,
		   memory_order_relaxed, memory_order_relaxed))
		continue;
	*ts = ktime_timespec(now);
	now_given(ts);
}

/* A time that has been given is later than this one. */
static __attribute__((noinline)) void
now_putoff(struct timespec *ts, int64_t last)
{
	if (last - ktime_ns(ts) <= NSEC_PER_SEC)
		*ts = ktime_timespec(last);
}

void
vfs_coarse_now(struct timespec *ts)
{
	int64_t last;

	kern_realtime_coarse(ts);
	last = atomic_load_explicit(&now_floor.ns, memory_order_relaxed);
	if (unlikely(last > ktime_ns(ts)))
		now_putoff(ts, last);
	now_given(ts);
}

int64_t
vfs_atime_good(const struct timespec *atime, const struct timespec *mtime,
    const struct timespec *ctime)
{
	const int64_t day = 24 * 60 * 60;

	if (!vfs_later(atime, mtime) || !vfs_later(atime, ctime))
		return INT64_MIN;
	return atime->tv_sec > INT64_MAX - day ? INT64_MAX
					       : atime->tv_sec + day;
}
