/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Advisory locks: the table of locked files, granting and waiting.
 *
 * The locks of a file and who waits for them are in a table by vnode, which
 * has an entry only while there are any.  Nothing is referenced: a lock goes
 * before the last open file of its vnode does, and who waits holds one.
 *
 * Who waits is in a list in order of arrival.  Whoever takes a lock away goes
 * through the list, grants what can be granted now, and wakes those: so who
 * came first gets it first, and nobody wakes up for nothing.  A request stays
 * in the list until it is granted, or refused, or its lwp interrupted.
 *
 * Deadlock is looked for among tables only (F_SETLKW), and as far as Linux
 * does: from owner to owner, by what one lwp of each waits for.
 *
 * In the child of the host's fork(2) nobody waits any more: requests from
 * before it, told by lr_forks, are taken out when they are met.
 *
 * Locks: lb_lock of the vnode's bucket, which covers all of this; then
 * lock_blocked_lock, which covers lock_blocked and lr_blocker.  V_LOCKS is
 * set, with v_lock, before the first lock is made, with neither of the two.
 */
#include "vfs/lockf.h"

#define LOCK_BUCKETS 64
/* From owner to owner, at most; Linux's limit. */
#define DEADLOCK_STEPS 11

/* A file with locks, or with requests that wait. */
struct filelocks {
	struct filelocks *fl_next; /* in its bucket */
	const struct vnode *fl_vnode;
	struct locklist fl_list[2]; /* by enum lock_kind */
	TAILQ_HEAD(, lockreq) fl_waiters;
};

struct lockbucket {
	struct kmutex lb_lock;
	struct filelocks *lb_first;
} __attribute__((aligned(CACHE_LINE)));

static struct lockbucket buckets[LOCK_BUCKETS];
static struct kmutex lock_blocked_lock;
static LIST_HEAD(, lockreq) lock_blocked;

/*
 * Requests
 */

struct lockreq *
lockreq_alloc(void)
{
	struct lockreq *lr = kmem_zalloc(sizeof(*lr));
	int i;

	if (lr == NULL)
		return NULL;
	for (i = 0; i < 2; i++)
		if ((lr->lr_spare[i] = kmem_alloc(sizeof(struct lock))) ==
		    NULL) {
			lockreq_free(lr);
			return NULL;
		}
	return lr;
}

void
lockreq_free(struct lockreq *lr)
{
	int i;

	for (i = 0; i < 2; i++)
		if (lr->lr_spare[i] != NULL)
			kmem_free(lr->lr_spare[i], sizeof(struct lock));
	kmem_free(lr, sizeof(*lr));
}

/* Its lwp is in the parent of the host process. */
static bool
lockreq_islost(const struct lockreq *lr)
{
	return lr->lr_forks != kern_forks;
}

/*
 * The table
 */

static struct lockbucket *
bucket_enter(const struct vnode *vp)
{
	uint64_t h = (uint64_t)(uintptr_t)vp * UINT64_C(0x9e3779b97f4a7c15);
	struct lockbucket *lb = &buckets[h >> 58];

	mutex_enter(&lb->lb_lock);
	return lb;
}

static struct filelocks *
bucket_find(struct lockbucket *lb, const struct vnode *vp)
{
	struct filelocks *fl = lb->lb_first;

	KASSERT(mutex_owned(&lb->lb_lock));
	while (fl != NULL && fl->fl_vnode != vp)
		fl = fl->fl_next;
	return fl;
}

static struct filelocks *
bucket_make(struct lockbucket *lb, const struct vnode *vp)
{
	struct filelocks *fl = bucket_find(lb, vp);

	if (fl != NULL || (fl = kmem_alloc(sizeof(*fl))) == NULL)
		return fl;
	fl->fl_vnode = vp;
	TAILQ_INIT(&fl->fl_list[LOCK_WHOLE]);
	TAILQ_INIT(&fl->fl_list[LOCK_RANGE]);
	TAILQ_INIT(&fl->fl_waiters);
	fl->fl_next = lb->lb_first;
	lb->lb_first = fl;
	return fl;
}

/* Free it if there is nothing in it. */
static void
bucket_put(struct lockbucket *lb, struct filelocks *fl)
{
	struct filelocks **flp = &lb->lb_first;

	if (!TAILQ_EMPTY(&fl->fl_list[LOCK_WHOLE]) ||
	    !TAILQ_EMPTY(&fl->fl_list[LOCK_RANGE]) ||
	    !TAILQ_EMPTY(&fl->fl_waiters))
		return;
	while (*flp != fl)
		flp = &(*flp)->fl_next;
	*flp = fl->fl_next;
	kmem_free(fl, sizeof(*fl));
}

/*
 * Deadlock
 */

static struct lockreq *
blocked_find(const void *owner)
{
	struct lockreq *lr;

	LIST_FOREACH (lr, &lock_blocked, lr_blink)
		if (lr->lr_want.lk_owner == owner && !lockreq_islost(lr))
			break;
	return lr;
}

/* Does `blocker', directly or not, wait for `owner'? */
static bool
deadlock(const void *owner, const void *blocker)
{
	struct lockreq *lr;
	int step;

	KASSERT(mutex_owned(&lock_blocked_lock));
	for (step = 0; step < DEADLOCK_STEPS; step++) {
		if ((lr = blocked_find(blocker)) == NULL)
			return false;
		blocker = lr->lr_blocker;
		if (blocker == owner)
			return true;
	}
	return false;
}

/* A request begins to wait, or goes on waiting, for `blocker': EDEADLK. */
static int
lockreq_block(struct lockreq *lr, const void *blocker, bool begins)
{
	int error = 0;

	if (!lr->lr_detect || (!begins && lr->lr_blocker == blocker))
		return 0;
	mutex_enter(&lock_blocked_lock);
	if (deadlock(lr->lr_want.lk_owner, blocker))
		error = EDEADLK;
	else {
		lr->lr_blocker = blocker;
		if (begins)
			LIST_INSERT_HEAD(&lock_blocked, lr, lr_blink);
	}
	mutex_exit(&lock_blocked_lock);
	return error;
}

/*
 * Waiting
 */

/* A request waits no more. */
static void
waiter_remove(struct filelocks *fl, struct lockreq *lr)
{
	TAILQ_REMOVE(&fl->fl_waiters, lr, lr_link);
	if (!lr->lr_detect)
		return;
	mutex_enter(&lock_blocked_lock);
	LIST_REMOVE(lr, lr_blink);
	mutex_exit(&lock_blocked_lock);
}

/* Can a request that waits be ended?  Then do so: true. */
static bool
waiter_try(struct filelocks *fl, struct lockreq *lr)
{
	struct locklist *list = &fl->fl_list[lr->lr_kind];
	struct lock *lk;

	if (lockreq_islost(lr)) {
		waiter_remove(fl, lr);
		lockreq_free(lr);
		return false;
	}
	lk = locklist_conflict(list, lr->lr_kind, &lr->lr_want);
	if (lk != NULL &&
	    (lr->lr_error = lockreq_block(lr, lk->lk_owner, false)) == 0)
		return false;
	waiter_remove(fl, lr);
	if (lk == NULL) {
		locklist_apply(list, lr);
		lr->lr_granted = true;
	}
	cv_signal(&lr->lr_cv);
	return true;
}

/* A lock has gone: see who can go on.  What is granted may let others. */
static void
locks_wake(struct filelocks *fl)
{
	struct lockreq *lr, *next;
	bool any;

	do {
		any = false;
		for (lr = TAILQ_FIRST(&fl->fl_waiters); lr != NULL; lr = next) {
			next = TAILQ_NEXT(lr, lr_link);
			any |= waiter_try(fl, lr);
		}
	} while (any);
}

/* Wait in the list until somebody grants or refuses it. */
static int
locks_wait(struct lockbucket *lb, struct filelocks *fl, struct lockreq *lr,
    const void *blocker)
{
	int error;

	lr->lr_forks = kern_forks;
	if ((error = lockreq_block(lr, blocker, true)) != 0)
		return error;
	TAILQ_INSERT_TAIL(&fl->fl_waiters, lr, lr_link);
	while (error == 0 && !lr->lr_granted && lr->lr_error == 0)
		error = cv_wait_sig(&lr->lr_cv, &lb->lb_lock);
	if (lr->lr_granted)
		return 0;
	if (lr->lr_error != 0)
		return lr->lr_error;
	waiter_remove(fl, lr);
	return error;
}

/*
 * What calls want
 */

/* flock does not keep the old lock while it waits for another, or fails. */
static void
whole_drop(struct filelocks *fl, const struct lockreq *lr)
{
	struct locklist *list = &fl->fl_list[LOCK_WHOLE];
	struct lock *lk;

	if (lr->lr_kind != LOCK_WHOLE)
		return;
	TAILQ_FOREACH (lk, list, lk_link)
		if (lk->lk_owner == lr->lr_want.lk_owner &&
		    lk->lk_type == lr->lr_want.lk_type)
			return;
	if (locklist_drop(list, lr->lr_want.lk_owner))
		locks_wake(fl);
}

int
lock_set(struct vnode *vp, struct lockreq *lr)
{
	const struct lock *want = &lr->lr_want;
	struct locklist *list;
	struct lockbucket *lb;
	struct filelocks *fl;
	struct lock *lk;
	int error = 0;

	if ((vnode_mode(vp) & V_LOCKS) == 0) {
		if (want->lk_type == F_UNLCK)
			return 0;
		vnode_setflags(vp, V_LOCKS, 0);
	}
	lb = bucket_enter(vp);
	if ((fl = bucket_make(lb, vp)) == NULL) {
		mutex_exit(&lb->lb_lock);
		return ENOMEM;
	}
	list = &fl->fl_list[lr->lr_kind];
	whole_drop(fl, lr);
	if ((lk = locklist_conflict(list, lr->lr_kind, want)) == NULL) {
		locklist_apply(list, lr);
		locks_wake(fl);
	} else if (lr->lr_wait)
		error = locks_wait(lb, fl, lr, lk->lk_owner);
	else
		error = EAGAIN;
	/* What was granted while it slept may be gone again. */
	if ((fl = bucket_find(lb, vp)) != NULL)
		bucket_put(lb, fl);
	mutex_exit(&lb->lb_lock);
	return error;
}

void
lock_test(struct vnode *vp, struct lock *want)
{
	const struct locklist *list;
	struct lockbucket *lb;
	struct filelocks *fl;
	struct lock *lk = NULL;

	if ((vnode_mode(vp) & V_LOCKS) == 0) {
		want->lk_type = F_UNLCK;
		return;
	}
	lb = bucket_enter(vp);
	if ((fl = bucket_find(lb, vp)) != NULL) {
		list = &fl->fl_list[LOCK_RANGE];
		lk = want->lk_type == F_UNLCK
			 ? locklist_own(list, want)
			 : locklist_conflict(list, LOCK_RANGE, want);
	}
	if (lk != NULL)
		*want = *lk;
	else
		want->lk_type = F_UNLCK;
	mutex_exit(&lb->lb_lock);
}

static void
locks_drop(struct vnode *vp, enum lock_kind kind, const void *owner)
{
	struct lockbucket *lb = bucket_enter(vp);
	struct filelocks *fl = bucket_find(lb, vp);

	if (fl != NULL) {
		(void)locklist_drop(&fl->fl_list[kind], owner);
		locks_wake(fl);
		bucket_put(lb, fl);
	}
	mutex_exit(&lb->lb_lock);
}

void
lock_closing_slow(struct file *fp, const struct filedesc *fdp)
{
	if ((file_flags(fp) & O_PATH) == 0)
		locks_drop(fp->f_vnode, LOCK_RANGE, fdp);
}

void
lock_close_slow(struct file *fp)
{
	locks_drop(fp->f_vnode, LOCK_WHOLE, fp);
	locks_drop(fp->f_vnode, LOCK_RANGE, fp);
}
