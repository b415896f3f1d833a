/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Limits: how many blocks of data and how many files there may be.
 *
 * A limit of n is n permits.  What is used has its permits; those of what is
 * free are in shards, which host threads take from and give to without meeting
 * each other, and in a pool that shards get more from.  Permits are on the way
 * from one of these places to another only while tm_lock is held: so who holds
 * it, and finds too few in all of them, knows that there are too few.
 *
 * Without a limit nothing is counted, and so none can be set later on; one
 * that there is can be lifted.
 */
#include "fs/tmpfs/tmpfs.h"

/* What a shard gets at once. */
static const int64_t batch[TMPFS_NLIMITS] = {
    [TMPFS_BLOCKS] = 64,
    [TMPFS_INODES] = INT64_C(64) * TMPFS_INODE_SPACE,
};

void
tmpfs_limit_init(struct tmpfs_mount *tm, enum tmpfs_limited which, uint64_t max)
{
	tm->tm_limit[which].tl_pool = (int64_t)max;
	atomic_init(&tm->tm_limit[which].tl_max, max);
}

static inline _Atomic int64_t *
shard_permits(struct tmpfs_mount *tm, unsigned i, enum tmpfs_limited which)
{
	return &tm->tm_shard[i].ts_permits[which];
}

/* Take n permits out of a shard if it has so many.  Relaxed: only counts. */
static inline bool
shard_take(_Atomic int64_t *permits, int64_t n)
{
	int64_t have = atomic_load_explicit(permits, memory_order_relaxed);

	do {
		if (have < n)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(permits, &have,
	    have - n, memory_order_relaxed, memory_order_relaxed));
	return true;
}

/* All that shards have goes to the pool. */
static void
limit_gather(struct tmpfs_mount *tm, enum tmpfs_limited which)
{
	unsigned i;

	KASSERT(mutex_owned(&tm->tm_lock));
	for (i = 0; i < TMPFS_SHARDS; i++)
		tm->tm_limit[which].tl_pool += atomic_exchange_explicit(
		    shard_permits(tm, i, which), 0, memory_order_relaxed);
}

int
tmpfs_limit_take(struct tmpfs_mount *tm, enum tmpfs_limited which, int64_t n)
{
	struct tmpfs_limit *tl = &tm->tm_limit[which];
	_Atomic int64_t *mine = shard_permits(tm, tmpfs_shard(), which);
	int64_t more = batch[which];
	int error = 0;

	if (likely(shard_take(mine, n)))
		return 0;
	mutex_enter(&tm->tm_lock);
	if (tl->tl_pool < n)
		limit_gather(tm, which);
	if (tl->tl_pool >= n) {
		tl->tl_pool -= n;
		more = more < tl->tl_pool ? more : tl->tl_pool;
		tl->tl_pool -= more;
		atomic_fetch_add_explicit(mine, more, memory_order_relaxed);
	} else if (tmpfs_limit_max(tm, which) != 0)
		error = ENOSPC; /* else it was lifted meanwhile */
	mutex_exit(&tm->tm_lock);
	return error;
}

void
tmpfs_limit_give(struct tmpfs_mount *tm, enum tmpfs_limited which, int64_t n)
{
	_Atomic int64_t *mine = shard_permits(tm, tmpfs_shard(), which);

	n += atomic_fetch_add_explicit(mine, n, memory_order_relaxed);
	if (likely(n <= 2 * batch[which]))
		return;
	mutex_enter(&tm->tm_lock);
	if (shard_take(mine, n - batch[which]))
		tm->tm_limit[which].tl_pool += n - batch[which];
	mutex_exit(&tm->tm_lock);
}

uint64_t
tmpfs_limit_free(struct tmpfs_mount *tm, enum tmpfs_limited which)
{
	int64_t n;

	mutex_enter(&tm->tm_lock);
	limit_gather(tm, which);
	n = tm->tm_limit[which].tl_pool;
	mutex_exit(&tm->tm_lock);
	return (uint64_t)n;
}

bool
tmpfs_limit_may_be(
    struct tmpfs_mount *tm, enum tmpfs_limited which, uint64_t max)
{
	int64_t old = (int64_t)tmpfs_limit_max(tm, which);

	limit_gather(tm, which);
	return max == 0 ||
	       (old != 0 && old - tm->tm_limit[which].tl_pool <= (int64_t)max);
}

void
tmpfs_limit_set(struct tmpfs_mount *tm, enum tmpfs_limited which, uint64_t max)
{
	struct tmpfs_limit *tl = &tm->tm_limit[which];

	KASSERT(mutex_owned(&tm->tm_lock));
	tl->tl_pool += (int64_t)max - (int64_t)tmpfs_limit_max(tm, which);
	atomic_store_explicit(&tl->tl_max, max, memory_order_relaxed);
}
