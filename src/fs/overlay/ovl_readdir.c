/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Directories of several layers as one.
 *
 * The position of an entry is made of its name alone, so it stays whatever
 * becomes of others, and also when the entry comes to the upper layer.  The
 * layers are gone through as often as it takes, from the highest to the lowest,
 * to collect the entries with the lowest positions; of those with one name the
 * first counts.  Two names with the same 63 bits would have one position.
 *
 * What was collected and not wanted yet is kept (om_batch) for who goes on in
 * the directory, as long as no name changes meanwhile.
 */
#include "fs/overlay/overlay.h"

/* Entries that are collected at a time: of a directory that has more, more. */
#define BATCH	   64
#define BATCH_MOST 2048

struct collected {
	uint64_t co_key;
	uint64_t co_ino; /* as the layer has it, until the end */
	uint32_t co_mode;
	uint32_t co_layer; /* of the node's */
	uint8_t co_len;
	bool co_hidden; /* a whiteout, or gone */
	char co_name[NAME_MAX + 1];
};

struct batch {
	struct ovl_node *b_dn;
	ino_t b_ino;	    /* its number */
	uint64_t b_changes; /* om_changes, when it was collected */
	uint32_t b_layer;   /* that is gone through: 0 is the upper one */
	uint64_t b_from;
	uint32_t b_max;
	uint32_t b_count;
	struct collected **b_sorted; /* b_max, and one that is free */
	struct collected b_space[];
};

static size_t
batch_size(uint32_t max)
{
	return sizeof(struct batch) +
	       (max + 1) *
		   (sizeof(struct collected) + sizeof(struct collected *));
}

static struct batch *
batch_alloc(struct ovl_node *dn, uint32_t max)
{
	struct batch *b = kmem_alloc(batch_size(max));

	if (b == NULL)
		return NULL;
	b->b_dn = dn;
	b->b_max = max;
	b->b_sorted = (struct collected **)(void *)&b->b_space[max + 1];
	return b;
}

static void
batch_free(struct batch *b)
{
	kmem_free(b, batch_size(b->b_max));
}

/* The directory in a layer. */
static struct ovl_real
batch_real(const struct batch *b, uint32_t layer)
{
	return layer == 0 ? (struct ovl_real){ovl_upper(b->b_dn), 0}
			  : b->b_dn->on_lower[layer - 1];
}

static uint64_t
name_key(const struct cname *cn)
{
	uint32_t h = 0, i;

	for (i = 0; i < cn->cn_len; i++)
		h = (h ^ (unsigned char)cn->cn_name[i]) * 16777619u;
	return cn->cn_hash << 16 | h >> 16;
}

/* The first of those that are not before key. */
static uint32_t
batch_search(const struct batch *b, uint64_t key)
{
	uint32_t low = 0, high = b->b_count, middle;

	while (low < high) {
		middle = (low + high) / 2;
		if (b->b_sorted[middle]->co_key < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool
batch_add(void *arg, const struct direntry *de)
{
	struct batch *b = arg;
	struct collected *co = b->b_sorted[b->b_max];
	struct cname cn;
	uint64_t key;
	uint32_t i;

	cname_init(&cn, de->de_name, de->de_namelen);
	key = name_key(&cn);
	if (key < b->b_from)
		return true;
	i = batch_search(b, key);
	/* A higher layer had it, or it lies beyond a full batch. */
	if (i == b->b_max || (i < b->b_count && b->b_sorted[i]->co_key == key))
		return true;
	if (b->b_count < b->b_max) {
		b->b_count++;
		b->b_sorted[b->b_max] = b->b_sorted[b->b_count - 1];
	} else
		b->b_sorted[b->b_max] = b->b_sorted[b->b_max - 1];
	memmove(&b->b_sorted[i + 1], &b->b_sorted[i],
	    (b->b_count - 1 - i) * sizeof(b->b_sorted[0]));
	b->b_sorted[i] = co;
	co->co_key = key;
	co->co_ino = de->de_ino;
	co->co_mode = de->de_mode;
	co->co_layer = b->b_layer;
	co->co_len = (uint8_t)cn.cn_len;
	memcpy(co->co_name, cn.cn_name, cn.cn_len);
	return true;
}

/*
 * What only the file says: whether it is a whiteout and, in the upper layer,
 * the number that it shows, which may be an older one.
 */
static void
batch_finish(struct batch *b, struct collected *co)
{
	struct ovl_mount *om = ovl_super(b->b_dn);
	struct ovl_real real = batch_real(b, co->co_layer);
	const struct ovl_node *on = NULL;
	struct vnode *vp = NULL;
	struct cname cn;

	/* Not every host says what an entry is. */
	if (co->co_layer == 0 || S_ISCHR(co->co_mode) || co->co_mode == 0) {
		cname_init(&cn, co->co_name, co->co_len);
		co->co_hidden =
		    real.r_vp->v_ops->vop_lookup(real.r_vp, &cn, &vp) != 0 ||
		    ovl_iswhiteout(vp);
	} else
		co->co_hidden = false;
	if (co->co_layer == 0 && !co->co_hidden)
		on = ovl_node_byupper(om, vp);
	co->co_ino =
	    on != NULL ? atomic_load_explicit(&on->on_ino, memory_order_relaxed)
		       : ovl_ino(om, real.r_layer, co->co_ino);
}

/* The next entries from position `from' on. */
static int
batch_collect(struct batch *b, uint64_t from)
{
	struct vnode *vp;
	uint32_t i;
	int error = 0;

	KASSERT(mutex_owned(&ovl_super(b->b_dn)->om_lock));
	b->b_changes = ovl_super(b->b_dn)->om_changes;
	b->b_ino = atomic_load_explicit(&b->b_dn->on_ino, memory_order_relaxed);
	b->b_from = from;
	b->b_count = 0;
	for (i = 0; i <= b->b_max; i++)
		b->b_sorted[i] = &b->b_space[i];
	for (i = 0; i <= b->b_dn->on_nlower && error == 0; i++) {
		off_t pos = 2;

		b->b_layer = i;
		if ((vp = batch_real(b, i).r_vp) != NULL)
			error = vp->v_ops->vop_readdir(vp, &pos, batch_add, b);
	}
	for (i = 0; i < b->b_count && error == 0; i++)
		batch_finish(b, b->b_sorted[i]);
	return error;
}

/* In place of a batch that was full; the old one if there is no memory. */
static struct batch *
batch_larger(struct batch *b)
{
	struct batch *larger = NULL;

	if (b->b_max < BATCH_MOST)
		larger = batch_alloc(b->b_dn, BATCH_MOST);
	if (larger == NULL)
		return b;
	batch_free(b);
	return larger;
}

/* What was kept, if it has what is next in dn; or NULL. */
static struct batch *
batch_take(struct ovl_node *dn, uint64_t from)
{
	struct ovl_mount *om = ovl_super(dn);
	struct batch *b;

	mutex_enter(&om->om_lock);
	b = om->om_batch;
	if (b != NULL &&
	    (b->b_dn != dn || b->b_changes != om->om_changes ||
		b->b_ino !=
		    atomic_load_explicit(&dn->on_ino, memory_order_relaxed) ||
		b->b_from > from ||
		(b->b_count == b->b_max && batch_search(b, from) == b->b_max)))
		b = NULL;
	if (b != NULL)
		om->om_batch = NULL;
	mutex_exit(&om->om_lock);
	return b;
}

static void
batch_keep(struct ovl_mount *om, struct batch *b)
{
	struct batch *old;

	mutex_enter(&om->om_lock);
	old = om->om_batch;
	om->om_batch = b;
	mutex_exit(&om->om_lock);
	if (old != NULL)
		batch_free(old);
}

void
ovl_readdir_drop(struct ovl_mount *om)
{
	if (om->om_batch != NULL)
		batch_free(om->om_batch);
	om->om_batch = NULL;
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
	struct batch *b =
	    locked || *pos <= 2 ? NULL : batch_take(dn, (uint64_t)*pos);
	bool kept = b != NULL;
	uint32_t i;
	int error = 0;

	/* Who goes on had more than a few. */
	if (b == NULL &&
	    (b = batch_alloc(dn, *pos > 2 ? BATCH_MOST : BATCH)) == NULL)
		return ENOMEM;
	for (;;) {
		if (!locked)
			mutex_enter(&om->om_lock);
		if (!kept)
			error = batch_collect(b, (uint64_t)*pos);
		if (!locked)
			mutex_exit(&om->om_lock);
		i = kept ? batch_search(b, (uint64_t)*pos) : 0;
		kept = false;
		for (; i < b->b_count && error == 0; i++) {
			struct collected *co = b->b_sorted[i];
			struct direntry de = {
			    .de_name = co->co_name,
			    .de_namelen = co->co_len,
			    .de_mode = co->co_mode,
			    .de_ino = co->co_ino,
			    .de_next = (off_t)co->co_key + 1,
			};

			if (!co->co_hidden && !fn(arg, &de)) {
				if (locked)
					goto out;
				batch_keep(om, b);
				return 0;
			}
			*pos = de.de_next;
		}
		if (error != 0 || b->b_count < b->b_max)
			break;
		b = batch_larger(b);
	}
out:
	batch_free(b);
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
