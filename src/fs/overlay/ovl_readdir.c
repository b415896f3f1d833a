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

/* Entries that are collected at a time; room is made for so many at once. */
#define BATCH_MOST 2048
#define CHUNK	   64
#define SHORT	   32 /* of a name that needs no memory of its own */

struct collected {
	uint64_t co_key;
	uint64_t co_ino; /* as the layer has it, until the end */
	uint32_t co_mode;
	uint32_t co_layer; /* of the node's */
	uint8_t co_len;
	bool co_hidden; /* a whiteout, or gone */
	union {
		char co_short[SHORT];
		char *co_long; /* co_len > SHORT */
	};
};

struct batch {
	struct ovl_node *b_dn;
	ino_t b_ino;	    /* its number */
	uint64_t b_changes; /* om_changes, when it was collected */
	uint32_t b_layer;   /* that is gone through: 0 is the upper one */
	uint32_t b_count;
	uint64_t b_from;
	bool b_more; /* there are others behind the last */
	int b_error; /* why collecting ended */
	struct collected *b_chunks[BATCH_MOST / CHUNK]; /* NULL from there on */
	struct collected *b_sorted[BATCH_MOST];
};

static struct batch *
batch_alloc(struct ovl_node *dn)
{
	struct batch *b = kmem_alloc(sizeof(*b));

	if (b == NULL)
		return NULL;
	b->b_dn = dn;
	b->b_count = 0;
	memset(b->b_chunks, 0, sizeof(b->b_chunks));
	return b;
}

static const char *
collected_name(const struct collected *co)
{
	return co->co_len > SHORT ? co->co_long : co->co_short;
}

/* There is room for a name in it again. */
static void
collected_clear(struct collected *co)
{
	if (co->co_len > SHORT)
		kmem_free(co->co_long, co->co_len);
}

static int
collected_set(struct collected *co, const struct cname *cn)
{
	char *to = co->co_short;

	if (cn->cn_len > SHORT && (to = kmem_alloc(cn->cn_len)) == NULL)
		return ENOMEM;
	memcpy(to, cn->cn_name, cn->cn_len);
	if (cn->cn_len > SHORT)
		co->co_long = to;
	co->co_len = (uint8_t)cn->cn_len;
	return 0;
}

static void
batch_clear(struct batch *b)
{
	uint32_t i;

	for (i = 0; i < b->b_count; i++)
		collected_clear(b->b_sorted[i]);
	b->b_count = 0;
}

static void
batch_free(struct batch *b)
{
	uint32_t i;

	batch_clear(b);
	for (i = 0; i < BATCH_MOST / CHUNK && b->b_chunks[i] != NULL; i++)
		kmem_free(b->b_chunks[i], CHUNK * sizeof(struct collected));
	kmem_free(b, sizeof(*b));
}

/* One that is not in use: those that are were the first, or are all. */
static struct collected *
batch_spare(struct batch *b)
{
	struct collected **chunk;

	if (b->b_count == BATCH_MOST) {
		b->b_more = true;
		collected_clear(b->b_sorted[--b->b_count]);
		return b->b_sorted[b->b_count];
	}
	chunk = &b->b_chunks[b->b_count / CHUNK];
	if (*chunk == NULL)
		*chunk = kmem_alloc(CHUNK * sizeof(**chunk));
	return *chunk == NULL ? NULL : *chunk + b->b_count % CHUNK;
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
	struct collected *co;
	struct cname cn;
	uint64_t key;
	uint32_t i;

	cname_init(&cn, de->de_name, de->de_namelen);
	key = name_key(&cn);
	if (key < b->b_from)
		return true;
	i = batch_search(b, key);
	/* A higher layer had it. */
	if (i < b->b_count && b->b_sorted[i]->co_key == key)
		return true;
	if (i == BATCH_MOST) {
		b->b_more = true;
		return true;
	}
	co = batch_spare(b);
	if (co == NULL || collected_set(co, &cn) != 0) {
		b->b_error = ENOMEM;
		return false;
	}
	memmove(&b->b_sorted[i + 1], &b->b_sorted[i],
	    (b->b_count - i) * sizeof(b->b_sorted[0]));
	b->b_sorted[i] = co;
	b->b_count++;
	co->co_key = key;
	co->co_ino = de->de_ino;
	co->co_mode = de->de_mode;
	co->co_layer = b->b_layer;
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
		cname_init(&cn, collected_name(co), co->co_len);
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
	b->b_more = false;
	b->b_error = 0;
	batch_clear(b);
	for (i = 0; i <= b->b_dn->on_nlower && error == 0; i++) {
		off_t pos = 2;

		b->b_layer = i;
		if ((vp = batch_real(b, i).r_vp) != NULL)
			error = vp->v_ops->vop_readdir(vp, &pos, batch_add, b);
		if (error == 0)
			error = b->b_error;
	}
	for (i = 0; i < b->b_count && error == 0; i++)
		batch_finish(b, b->b_sorted[i]);
	return error;
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
		(b->b_more && batch_search(b, from) == b->b_count)))
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

/* Call fn with what was collected from *pos on; false: it wants no more. */
static bool
batch_tell(const struct batch *b, off_t *pos, readdir_fn fn, void *arg)
{
	uint32_t i = batch_search(b, (uint64_t)*pos);

	for (; i < b->b_count; i++) {
		const struct collected *co = b->b_sorted[i];
		struct direntry de = {
		    .de_name = collected_name(co),
		    .de_namelen = co->co_len,
		    .de_mode = co->co_mode,
		    .de_ino = co->co_ino,
		    .de_next = (off_t)co->co_key + 1,
		};

		if (!co->co_hidden && !fn(arg, &de))
			return false;
		*pos = de.de_next;
	}
	return true;
}

/*
 * Call fn with all that is seen in dn from *pos on; om_lock is held while
 * entries are collected, and all the time if `locked'.  Who has read all comes
 * once more, to be told so.
 */
static int
ovl_entries(
    struct ovl_node *dn, off_t *pos, bool locked, readdir_fn fn, void *arg)
{
	struct ovl_mount *om = ovl_super(dn);
	struct batch *b =
	    locked || *pos <= 2 ? NULL : batch_take(dn, (uint64_t)*pos);
	bool kept = b != NULL, more;
	off_t from = *pos;
	int error = 0;

	if (b == NULL && (b = batch_alloc(dn)) == NULL)
		return ENOMEM;
	do {
		if (!locked)
			mutex_enter(&om->om_lock);
		if (!kept)
			error = batch_collect(b, (uint64_t)*pos);
		if (!locked)
			mutex_exit(&om->om_lock);
		kept = false;
		more = error == 0 && batch_tell(b, pos, fn, arg);
	} while (more && b->b_more);
	if (locked || error != 0 || (more && *pos == from))
		batch_free(b);
	else
		batch_keep(om, b);
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

bool
ovl_found_any(void *arg, const struct direntry *de)
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
	int error = ovl_readdir_locked(dn, &pos, ovl_found_any, &any);

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
