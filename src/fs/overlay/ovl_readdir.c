/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Directories of several layers as one.
 *
 * The position of an entry is made of its name alone, so it stays whatever
 * becomes of others, and also when the entry comes to the upper layer.  The
 * layers are gone through as often as it takes, from the highest to the lowest,
 * to collect the entries with the lowest positions; of those with one name the
 * first counts.  Two names with the same 63 bits would have one position.
 */
#include "fs/overlay/overlay.h"

#define BATCH 64

struct collected {
	uint64_t co_key;
	uint64_t co_ino;
	uint32_t co_mode;
	uint8_t co_len;
	bool co_hidden; /* a whiteout */
	char co_name[NAME_MAX + 1];
};

struct batch {
	struct ovl_node *b_dn;
	struct ovl_real b_real; /* the layer that is gone through */
	uint64_t b_from;
	uint32_t b_count;
	struct collected *b_sorted[BATCH + 1];
	struct collected b_space[BATCH + 1];
};

static uint64_t
name_key(const struct cname *cn)
{
	uint32_t h = 0, i;

	for (i = 0; i < cn->cn_len; i++)
		h = (h ^ (unsigned char)cn->cn_name[i]) * 16777619u;
	return cn->cn_hash << 16 | h >> 16;
}

/* The number that the file shows, if it is known, which may be an older one. */
static uint64_t
real_ino(const struct batch *b, struct vnode *vp, uint64_t ino)
{
	struct ovl_mount *om = ovl_super(b->b_dn);
	const struct ovl_node *on =
	    b->b_real.r_layer == 0 ? ovl_node_byupper(om, vp) : NULL;

	return on != NULL
		   ? atomic_load_explicit(&on->on_ino, memory_order_relaxed)
		   : ovl_ino(om, b->b_real.r_layer, ino);
}

/* What it is, with the same key as b_sorted[i - 1] or in front of [i]. */
static void
batch_insert(struct batch *b, uint32_t i, uint64_t key, const struct cname *cn,
    const struct direntry *de)
{
	struct collected *co = b->b_sorted[BATCH];
	struct vnode *dvp = b->b_real.r_vp, *vp;

	if (dvp->v_ops->vop_lookup(dvp, cn, &vp) != 0)
		return;
	memmove(&b->b_sorted[i + 1], &b->b_sorted[i],
	    (BATCH - i) * sizeof(b->b_sorted[0]));
	b->b_sorted[i] = co;
	if (b->b_count < BATCH)
		b->b_count++;
	co->co_key = key;
	co->co_ino = real_ino(b, vp, de->de_ino);
	co->co_mode = de->de_mode;
	co->co_hidden = ovl_iswhiteout(vp);
	co->co_len = (uint8_t)cn->cn_len;
	memcpy(co->co_name, cn->cn_name, cn->cn_len);
}

static bool
batch_add(void *arg, const struct direntry *de)
{
	struct batch *b = arg;
	struct cname cn;
	uint64_t key;
	uint32_t i;

	cname_init(&cn, de->de_name, de->de_namelen);
	key = name_key(&cn);
	if (key < b->b_from)
		return true;
	for (i = b->b_count; i > 0 && b->b_sorted[i - 1]->co_key > key;)
		i--;
	/* A higher layer had it, or it lies beyond a full batch. */
	if ((i > 0 && b->b_sorted[i - 1]->co_key == key) || i == BATCH)
		return true;
	batch_insert(b, i, key, &cn, de);
	return true;
}

static int
batch_layer(struct batch *b, struct ovl_real real)
{
	off_t pos = 2;

	b->b_real = real;
	return real.r_vp->v_ops->vop_readdir(real.r_vp, &pos, batch_add, b);
}

/* The next entries from position `from' on. */
static int
batch_collect(struct batch *b, struct ovl_node *dn, uint64_t from)
{
	struct vnode *uvp = ovl_upper(dn);
	uint32_t i;
	int error = 0;

	KASSERT(mutex_owned(&ovl_super(dn)->om_lock));
	b->b_dn = dn;
	b->b_from = from;
	b->b_count = 0;
	for (i = 0; i <= BATCH; i++)
		b->b_sorted[i] = &b->b_space[i];
	if (uvp != NULL)
		error = batch_layer(b, (struct ovl_real){uvp, 0});
	for (i = 0; i < dn->on_nlower && error == 0; i++)
		error = batch_layer(b, dn->on_lower[i]);
	return error;
}

/*
 * Call fn with all that is seen in dn from *pos on; om_lock is held while
 * entries are collected, and all the time if `locked'.
 */
static int
ovl_entries(
    struct ovl_node *dn, off_t *pos, bool locked, readdir_fn fn, void *arg)
{
	struct ovl_mount *om = ovl_super(dn);
	struct batch *b = kmem_alloc(sizeof(*b));
	uint32_t i;
	int error;

	if (b == NULL)
		return ENOMEM;
	do {
		if (!locked)
			mutex_enter(&om->om_lock);
		error = batch_collect(b, dn, (uint64_t)*pos);
		if (!locked)
			mutex_exit(&om->om_lock);
		for (i = 0; i < b->b_count && error == 0; i++) {
			struct collected *co = b->b_sorted[i];
			struct direntry de = {
			    .de_name = co->co_name,
			    .de_namelen = co->co_len,
			    .de_mode = co->co_mode,
			    .de_ino = co->co_ino,
			    .de_next = (off_t)co->co_key + 1,
			};

			if (!co->co_hidden && !fn(arg, &de))
				goto out;
			*pos = de.de_next;
		}
	} while (error == 0 && b->b_count == BATCH);
out:
	kmem_free(b, sizeof(*b));
	return error;
}

int
ovl_readdir(struct vnode *dvp, off_t *pos, readdir_fn fn, void *arg)
{
	return ovl_entries(vp_to_ovl(dvp), pos, false, fn, arg);
}

int
ovl_readdir_locked(struct ovl_node *dn, off_t *pos, readdir_fn fn, void *arg)
{
	return ovl_entries(dn, pos, true, fn, arg);
}

static bool
found_any(void *arg, const struct direntry *de)
{
	(void)de;
	*(bool *)arg = true;
	return false;
}

int
ovl_checkempty(struct ovl_node *dn)
{
	bool any = false;
	off_t pos = 2;
	int error = ovl_readdir_locked(dn, &pos, found_any, &any);

	return error != 0 ? error : any ? ENOTEMPTY : 0;
}

static bool
count_dirs(void *arg, const struct direntry *de)
{
	*(int64_t *)arg += S_ISDIR(de->de_mode);
	return true;
}

int
ovl_subdirs(struct ovl_node *dn, int64_t *np)
{
	off_t pos = 2;

	*np = 0;
	return ovl_readdir_locked(dn, &pos, count_dirs, np);
}
