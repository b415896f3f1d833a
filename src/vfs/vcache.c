/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cache of vnodes: a table of chains, read without a lock, written with
 * the lock of a stretch of chains.  A hand goes round over the chains and
 * takes out what nobody holds and nobody found since it came by last.
 *
 * What is taken out for being unused is dead first: its last reference, the
 * cache's, is taken from 1 to 0 by a compare-and-swap that fails if somebody
 * holds it.  So it cannot be revived by who just found it.
 */
#include "vfs/vcache.h"
#include "kern/boot.h"
#include "vfs/vfs_impl.h"

#define VCACHE_BUCKETS 4096u
#define VCACHE_LOCKS   64u
#define VCACHE_DEFAULT 65536u

struct vcache_lock {
	struct kmutex vl_lock;
	uint32_t vl_count; /* in its chains */
} __attribute__((aligned(CACHE_LINE)));

static struct vcnode *_Atomic buckets[VCACHE_BUCKETS];
static struct vcache_lock locks[VCACHE_LOCKS];
static _Atomic uint32_t vcache_hand;
static _Atomic uint64_t vcache_max; /* 0: as configured */

static uint32_t
vcache_bucket(const struct super *sb, const uint64_t key[2])
{
	uint64_t h = (key[0] ^ (uint64_t)sb->sb_dev << 32) *
		     UINT64_C(0x9e3779b97f4a7c15);

	h = (h ^ h >> 29 ^ key[1]) * UINT64_C(0xbf58476d1ce4e5b9);
	return (uint32_t)(h >> 52);
}

static struct vcache_lock *
bucket_lock(uint32_t bucket)
{
	return &locks[bucket % VCACHE_LOCKS];
}

static struct vcnode *
vcn_next(const struct vcnode *vcn)
{
	return atomic_load_explicit(&vcn->vn_next, memory_order_acquire);
}

static bool
vcn_isdead(const struct vcnode *vcn)
{
	return atomic_load_explicit(
		   &vcn->vn_vnode.v_count, memory_order_relaxed) == 0;
}

static struct vcnode *
bucket_find(uint32_t bucket, const struct super *sb, const uint64_t key[2])
{
	struct vcnode *vcn =
	    atomic_load_explicit(&buckets[bucket], memory_order_acquire);

	for (; vcn != NULL; vcn = vcn_next(vcn))
		if (vcn->vn_key[0] == key[0] && vcn->vn_key[1] == key[1] &&
		    vcn->vn_vnode.v_super == sb && !vcn_isdead(vcn))
			return vcn;
	return NULL;
}

struct vcnode *
vcache_find(struct super *sb, const uint64_t key[2])
{
	struct vcnode *vcn = bucket_find(vcache_bucket(sb, key), sb, key);

	/* Relaxed: a hint.  Written only once each time the hand comes by. */
	if (vcn != NULL &&
	    !atomic_load_explicit(&vcn->vn_used, memory_order_relaxed))
		atomic_store_explicit(
		    &vcn->vn_used, true, memory_order_relaxed);
	return vcn;
}

/* Take it out of its chain; the bucket's lock is held. */
static void
bucket_unlink(uint32_t bucket, struct vcnode *vcn)
{
	struct vcnode *_Atomic *vpp = &buckets[bucket], *v;

	KASSERT(mutex_owned(&bucket_lock(bucket)->vl_lock));
	while ((v = atomic_load_explicit(vpp, memory_order_relaxed)) != vcn)
		vpp = &v->vn_next;
	atomic_store_explicit(vpp, vcn_next(vcn), memory_order_release);
	vcn->vn_cached = false;
	bucket_lock(bucket)->vl_count--;
}

/* Has nobody used it since last time, and does nobody hold or watch it? */
static bool
vcn_evict(struct vcnode *vcn)
{
	uint64_t one = 1;

	if ((vnode_mode(&vcn->vn_vnode) & V_WATCHED) != 0)
		return false;
	if (atomic_exchange_explicit(
		&vcn->vn_used, false, memory_order_relaxed))
		return false;
	/* Acquire: every holder's use is over before it is taken apart. */
	return atomic_compare_exchange_strong_explicit(&vcn->vn_vnode.v_count,
	    &one, 0, memory_order_acq_rel, memory_order_relaxed);
}

/* One of a chain that can go, but not `keep': dead and taken out, or NULL. */
static struct vcnode *
bucket_evict(uint32_t bucket, const struct vcnode *keep)
{
	struct vcache_lock *vl = bucket_lock(bucket);
	struct vcnode *vcn;

	mutex_enter(&vl->vl_lock);
	vcn = atomic_load_explicit(&buckets[bucket], memory_order_relaxed);
	while (vcn != NULL && (vcn == keep || !vcn_evict(vcn)))
		vcn = vcn_next(vcn);
	if (vcn != NULL)
		bucket_unlink(bucket, vcn);
	mutex_exit(&vl->vl_lock);
	return vcn;
}

uint64_t
vcache_getmax(void)
{
	uint64_t max = atomic_load_explicit(&vcache_max, memory_order_relaxed);

	if (max != 0)
		return max;
	return kern_config.kc_nvnodes != 0 ? kern_config.kc_nvnodes
					   : VCACHE_DEFAULT;
}

/* Is the share of this lock of all that there may be used up? */
static bool
lock_isfull(const struct vcache_lock *vl)
{
	return vl->vl_count > vcache_getmax() / VCACHE_LOCKS;
}

/*
 * Make room for `came', which came into `bucket': the hand of its stretch goes
 * on until one has gone, but at most twice round.  Has one?
 */
static bool
vcache_shrink(uint32_t bucket, const struct vcnode *came)
{
	uint32_t stretch = bucket % VCACHE_LOCKS, n, step;
	struct vcnode *vcn = NULL;

	for (n = 0; n < 2 * VCACHE_BUCKETS / VCACHE_LOCKS && vcn == NULL; n++) {
		step = atomic_fetch_add_explicit(
		    &vcache_hand, 1, memory_order_relaxed);
		vcn = bucket_evict(
		    (step * VCACHE_LOCKS + stretch) % VCACHE_BUCKETS, came);
	}
	if (vcn != NULL)
		vnode_reclaim(&vcn->vn_vnode);
	return vcn != NULL;
}

int
vcache_setmax(int64_t max)
{
	uint32_t i;
	bool full;

	if (max < 1)
		return EINVAL;
	atomic_store_explicit(&vcache_max, (uint64_t)max, memory_order_relaxed);
	for (i = 0; i < VCACHE_LOCKS; i++)
		do {
			mutex_enter(&locks[i].vl_lock);
			full = lock_isfull(&locks[i]);
			mutex_exit(&locks[i].vl_lock);
		} while (full && vcache_shrink(i, NULL));
	return 0;
}

struct vcnode *
vcache_insert(struct vcnode *vcn, const uint64_t key[2])
{
	uint32_t bucket = vcache_bucket(vcn->vn_vnode.v_super, key);
	struct vcache_lock *vl = bucket_lock(bucket);
	struct vcnode *other;
	bool full = false;

	vcn->vn_key[0] = key[0];
	vcn->vn_key[1] = key[1];
	atomic_init(&vcn->vn_used, true);
	mutex_enter(&vl->vl_lock);
	other = bucket_find(bucket, vcn->vn_vnode.v_super, key);
	if (other == NULL) {
		atomic_store_explicit(&vcn->vn_next,
		    atomic_load_explicit(
			&buckets[bucket], memory_order_relaxed),
		    memory_order_relaxed);
		/* Pairs with the acquire in bucket_find. */
		atomic_store_explicit(
		    &buckets[bucket], vcn, memory_order_release);
		vcn->vn_cached = true;
		vl->vl_count++;
		full = lock_isfull(vl);
	}
	mutex_exit(&vl->vl_lock);
	if (full)
		(void)vcache_shrink(bucket, vcn);
	return other != NULL ? other : vcn;
}

void
vcache_remove(struct vcnode *vcn)
{
	uint32_t bucket = vcache_bucket(vcn->vn_vnode.v_super, vcn->vn_key);
	bool cached;

	mutex_enter(&bucket_lock(bucket)->vl_lock);
	if ((cached = vcn->vn_cached))
		bucket_unlink(bucket, vcn);
	mutex_exit(&bucket_lock(bucket)->vl_lock);
	if (cached)
		vnode_rele(&vcn->vn_vnode);
}

/* One of the super's in a chain, taken out; not its root. */
static struct vcnode *
bucket_take(uint32_t bucket, const struct super *sb)
{
	struct vcnode *vcn;

	mutex_enter(&bucket_lock(bucket)->vl_lock);
	vcn = atomic_load_explicit(&buckets[bucket], memory_order_relaxed);
	while (vcn != NULL &&
	       (vcn->vn_vnode.v_super != sb || &vcn->vn_vnode == sb->sb_root))
		vcn = vcn_next(vcn);
	if (vcn != NULL)
		bucket_unlink(bucket, vcn);
	mutex_exit(&bucket_lock(bucket)->vl_lock);
	return vcn;
}

void
vcache_purge(struct super *sb)
{
	struct vcnode *vcn;
	uint32_t bucket;

	for (bucket = 0; bucket < VCACHE_BUCKETS; bucket++)
		while ((vcn = bucket_take(bucket, sb)) != NULL)
			vnode_rele(&vcn->vn_vnode);
}
