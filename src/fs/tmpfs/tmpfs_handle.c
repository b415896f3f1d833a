/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files by number, for file handles: a hash table by inode number of those
 * files that somebody has asked for a handle of, and of no others.  tm_lock
 * covers it.  A file leaves it when it is reclaimed.
 *
 * The second half of a handle is one number for the whole instance, so that
 * a handle of another one is recognised.
 */
#include "fs/tmpfs/tmpfs.h"

struct handle {
	struct handle *h_next;
	struct tmpfs_node *h_node;
};

struct tmpfs_handles {
	uint64_t hs_id; /* of the instance */
	size_t hs_count;
	size_t hs_buckets; /* a power of two */
	struct handle **hs_bucket;
};

#define HANDLES_MIN 16

static struct handle **
buckets_at(struct handle **bucket, size_t n, ino_t ino)
{
	return &bucket[((ino * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (n - 1)];
}

/* Where the handle of that number is linked, or the end of its chain. */
static struct handle **
handles_find(struct tmpfs_handles *hs, ino_t ino)
{
	struct handle **hp = buckets_at(hs->hs_bucket, hs->hs_buckets, ino);

	while (*hp != NULL && (*hp)->h_node->tn_ino != ino)
		hp = &(*hp)->h_next;
	return hp;
}

static void
handles_free(struct tmpfs_handles *hs)
{
	kmem_free(hs->hs_bucket, hs->hs_buckets * sizeof(hs->hs_bucket[0]));
	kmem_free(hs, sizeof(*hs));
}

static struct tmpfs_handles *
handles_alloc(void)
{
	struct tmpfs_handles *hs = kmem_alloc(sizeof(*hs));

	if (hs == NULL)
		return NULL;
	hs->hs_count = 0;
	hs->hs_buckets = HANDLES_MIN;
	hs->hs_bucket = kmem_zalloc(HANDLES_MIN * sizeof(hs->hs_bucket[0]));
	if (hs->hs_bucket == NULL) {
		kmem_free(hs, sizeof(*hs));
		return NULL;
	}
	hyper_random(&hs->hs_id, sizeof(hs->hs_id));
	return hs;
}

/* Twice as many buckets; without memory chains get longer. */
static void
handles_grow(struct tmpfs_handles *hs)
{
	size_t n = hs->hs_buckets, i;
	struct handle **bucket = kmem_zalloc(2 * n * sizeof(bucket[0]));
	struct handle **to, *h;

	if (bucket == NULL)
		return;
	for (i = 0; i < n; i++)
		while ((h = hs->hs_bucket[i]) != NULL) {
			hs->hs_bucket[i] = h->h_next;
			to = buckets_at(bucket, 2 * n, h->h_node->tn_ino);
			h->h_next = *to;
			*to = h;
		}
	kmem_free(hs->hs_bucket, n * sizeof(bucket[0]));
	hs->hs_bucket = bucket;
	hs->hs_buckets = 2 * n;
}

static int
handle_add(struct tmpfs_handles *hs, struct tmpfs_node *tn)
{
	struct handle *h, **hp;

	if ((h = kmem_alloc(sizeof(*h))) == NULL)
		return ENOMEM;
	if (++hs->hs_count > hs->hs_buckets)
		handles_grow(hs);
	hp = handles_find(hs, tn->tn_ino);
	h->h_node = tn;
	h->h_next = NULL;
	*hp = h;
	return 0;
}

int
tmpfs_vptofh(struct vnode *vp, uint64_t id[2])
{
	struct tmpfs_node *tn = vp_to_node(vp);
	struct tmpfs_mount *tm = node_super(tn);
	int error = 0;

	/* So that it is not reclaimed before it has a handle. */
	if (!vnode_tryhold(vp))
		return ESTALE;
	mutex_enter(&tm->tm_lock);
	if (tm->tm_handles == NULL &&
	    (tm->tm_handles = handles_alloc()) == NULL)
		error = ENOMEM;
	else if (!tn->tn_handle &&
		 (error = handle_add(tm->tm_handles, tn)) == 0)
		tn->tn_handle = true;
	if (error == 0) {
		id[0] = tn->tn_ino;
		id[1] = tm->tm_handles->hs_id;
	}
	mutex_exit(&tm->tm_lock);
	vnode_rele(vp);
	return error;
}

int
tmpfs_fhtovp(struct super *sb, const uint64_t id[2], struct vnode **vpp)
{
	struct tmpfs_mount *tm = container_of(sb, struct tmpfs_mount, tm_super);
	struct handle *h = NULL;

	mutex_enter(&tm->tm_lock);
	if (tm->tm_handles != NULL && tm->tm_handles->hs_id == id[1])
		h = *handles_find(tm->tm_handles, id[0]);
	if (h != NULL)
		*vpp = &h->h_node->tn_vnode;
	mutex_exit(&tm->tm_lock);
	return h != NULL ? 0 : ESTALE;
}

void
tmpfs_handle_forget(struct tmpfs_node *tn)
{
	struct tmpfs_mount *tm = node_super(tn);
	struct tmpfs_handles *hs = tm->tm_handles;
	struct handle **hp, *h;

	mutex_enter(&tm->tm_lock);
	hp = handles_find(hs, tn->tn_ino);
	h = *hp;
	*hp = h->h_next;
	hs->hs_count--;
	mutex_exit(&tm->tm_lock);
	kmem_free(h, sizeof(*h));
}

void
tmpfs_handle_free(struct tmpfs_mount *tm)
{
	if (tm->tm_handles != NULL)
		handles_free(tm->tm_handles);
}
