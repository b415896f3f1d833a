/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The entries of a directory: a hash table that is read without a lock.
 *
 * An entry's key is the hash of its name above a number that tells apart
 * entries with the same hash.  The key is also its position in the directory
 * for getdents: it stays as long as the entry does, whatever happens to others
 * and to the table.
 *
 * The table is an array of slots.  A slot is empty, a tombstone (an entry was
 * there), or holds a pointer with a few bits of the key above it.  An entry is
 * in the first slot from its home on that was free when it came; its home is
 * where its key lies between zero and the largest key, so that homes are in
 * the order of the keys.  A search goes from home to the first empty slot.
 * The slots after the last home take what spills over; the last is never used.
 *
 * An entry never moves within a table.  When the table gets full, of entries
 * and tombstones, or nearly empty, another one is filled from it and put in
 * its place; who reads the old one finds what was there, until the end of its
 * section.
 *
 * Slots are stored with release, loaded with acquire: what they point to is
 * there.
 */
#include "fs/tmpfs/tmpfs.h"

struct tmpfs_table {
	struct smr_item tt_smr;
	uint32_t tt_homes;	    /* (s) */
	uint32_t tt_slots;	    /* (s) */
	uint32_t tt_used;	    /* (l) slots that are not empty */
	uint32_t tt_live;	    /* (l) entries */
	_Atomic uint64_t tt_slot[]; /* (v) */
};

#define SLOT_EMPTY 0
#define SLOT_TOMB  1

/* Keys: 63 bits, so that they are positive offsets. */
#define KEY_NUMBITS 16
#define KEY_BITS    (CNAME_HASHBITS + KEY_NUMBITS)
#define KEY_NUMMAX  ((1u << KEY_NUMBITS) - 2) /* a position follows it */

/* Pointers: the host's user half, 47 bits; above them the low hash bits. */
#define SLOT_PTRBITS 48
#define SLOT_PTRMASK ((UINT64_C(1) << SLOT_PTRBITS) - 1)

#define TABLE_MINBYTES 128u
/* Spilling over into this much more than needed is a mistake in the hash. */
#define TABLE_MAXWASTE 64u

static inline uint32_t
key_home(const struct tmpfs_table *tt, uint64_t key)
{
	return (uint32_t)(((key >> (KEY_BITS - 32)) * tt->tt_homes) >> 32);
}

static inline uint64_t
hash_tag(uint64_t hash)
{
	return hash << SLOT_PTRBITS;
}

static inline uint64_t
slot_make(struct tmpfs_dirent *td)
{
	return (uint64_t)(uintptr_t)td | hash_tag(td->td_key >> KEY_NUMBITS);
}

static inline uint64_t
slot_get(const struct tmpfs_table *tt, uint32_t i)
{
	return atomic_load_explicit(&tt->tt_slot[i], memory_order_acquire);
}

static inline void
slot_set(struct tmpfs_table *tt, uint32_t i, uint64_t slot)
{
	atomic_store_explicit(&tt->tt_slot[i], slot, memory_order_release);
}

/* NULL for a tombstone. */
static inline struct tmpfs_dirent *
slot_dirent(uint64_t slot)
{
	slot &= SLOT_PTRMASK;
	return slot == SLOT_TOMB ? NULL
				 : (struct tmpfs_dirent *)(uintptr_t)slot;
}

static inline struct tmpfs_table *
dir_table(struct tmpfs_node *tn)
{
	return atomic_load_explicit(&tn->tn_table, memory_order_acquire);
}

/* Are both the same n bytes, at least one? */
static inline bool
name_equal(const char *a, const char *b, uint32_t n)
{
	uint32_t i;

	if (n < 4)
		return a[0] == b[0] && a[n / 2] == b[n / 2] &&
		       a[n - 1] == b[n - 1];
	/* Four at a time, the last ones perhaps once more. */
	for (i = 0; i < n - 4; i += 4)
		if (memcmp(a + i, b + i, 4) != 0)
			return false;
	return memcmp(a + n - 4, b + n - 4, 4) == 0;
}

/* Is it the entry of that name?  It has the low bits of its hash. */
static inline bool
dirent_is(const struct tmpfs_dirent *td, const struct cname *cn)
{
	return td->td_key >> KEY_NUMBITS == cn->cn_hash &&
	       td->td_len == cn->cn_len &&
	       name_equal(td->td_name, cn->cn_name, cn->cn_len);
}

static inline __attribute__((always_inline)) struct tmpfs_dirent *
dir_find(struct tmpfs_node *tn, const struct cname *cn)
{
	const struct tmpfs_table *tt = dir_table(tn);
	uint64_t tag = hash_tag(cn->cn_hash), slot;
	const _Atomic uint64_t *p;

	if (unlikely(tt == NULL))
		return NULL;
	p = &tt->tt_slot[key_home(tt, cn->cn_hash << KEY_NUMBITS)];
	for (; (slot = atomic_load_explicit(p, memory_order_acquire)) !=
	       SLOT_EMPTY;
	     p++) {
		/* A pointer is left, if the tag is the same. */
		slot ^= tag;
		if (slot <= SLOT_PTRMASK && slot != SLOT_TOMB &&
		    dirent_is((struct tmpfs_dirent *)(uintptr_t)slot, cn))
			return (struct tmpfs_dirent *)(uintptr_t)slot;
	}
	return NULL;
}

struct tmpfs_dirent *
tmpfs_dir_find(struct tmpfs_node *tn, const struct cname *cn)
{
	return dir_find(tn, cn);
}

/* Here, for its search to be a part of it: walks make nothing but this. */
int
tmpfs_lookup(struct vnode *dvp, const struct cname *cn, struct vnode **vpp)
{
	struct tmpfs_dirent *td = dir_find(vp_to_node(dvp), cn);

	if (td == NULL)
		return ENOENT;
	*vpp = &td->td_node->tn_vnode;
	return 0;
}

void
tmpfs_dir_prefetch(struct tmpfs_node *tn, const struct cname *cn)
{
	const struct tmpfs_table *tt = dir_table(tn);

	if (likely(tt != NULL))
		__builtin_prefetch(
		    &tt->tt_slot[key_home(tt, cn->cn_hash << KEY_NUMBITS)]);
}

/*
 * Tables
 */

static inline size_t
table_bytes(const struct tmpfs_table *tt)
{
	return sizeof(*tt) + tt->tt_slots * sizeof(tt->tt_slot[0]);
}

static inline uint32_t
bytes_slots(size_t bytes)
{
	return (
	    uint32_t)((bytes - sizeof(struct tmpfs_table)) / sizeof(uint64_t));
}

static inline uint32_t
slots_homes(uint32_t slots)
{
	uint32_t spill = slots / 4;

	return slots - (spill < 64 ? spill : 64);
}

/* The size of a table for so many entries and half as many again. */
static size_t
bytes_for(uint32_t entries)
{
	size_t bytes = TABLE_MINBYTES;

	while (slots_homes(bytes_slots(bytes)) / 2 < entries)
		bytes *= 2;
	return bytes;
}

/*
 * The first slot from the home of the name on that is not in use, and a number
 * for one more entry with its hash.  EEXIST if the name is there, ENOSPC if
 * there is no number left, EAGAIN if there is no slot.
 */
static inline __attribute__((always_inline)) int
table_place(const struct tmpfs_table *tt, const struct cname *cn,
    struct tmpfs_place *pl)
{
	uint64_t hash = cn->cn_hash, tag = hash_tag(hash), slot;
	uint32_t i = key_home(tt, hash << KEY_NUMBITS), place = UINT32_MAX;
	struct tmpfs_dirent *td;
	uint32_t num = 0;

	for (; (slot = slot_get(tt, i)) != SLOT_EMPTY; i++) {
		if ((td = slot_dirent(slot)) == NULL) {
			if (place == UINT32_MAX)
				place = i;
		} else if ((slot & ~SLOT_PTRMASK) == tag &&
			   td->td_key >> KEY_NUMBITS == hash) {
			/* Same hash: above the highest number there is. */
			uint32_t n = td->td_key & ((1u << KEY_NUMBITS) - 1);

			if (dirent_is(td, cn))
				return EEXIST;
			if (n >= num)
				num = n + 1;
		}
	}
	pl->pl_slot = place != UINT32_MAX ? place : i;
	pl->pl_key = hash << KEY_NUMBITS | num;
	if (unlikely(num > KEY_NUMMAX))
		return ENOSPC;
	return likely(pl->pl_slot < tt->tt_slots - 1) ? 0 : EAGAIN;
}

static void
table_put(struct tmpfs_table *tt, uint32_t i, struct tmpfs_dirent *td)
{
	if (slot_get(tt, i) == SLOT_EMPTY)
		tt->tt_used++;
	tt->tt_live++;
	slot_set(tt, i, slot_make(td));
}

/* So many slots before an entry is moved, its key is fetched. */
#define FILL_AHEAD 16

/* All of from's entries into the empty table `to'.  False if one spills. */
static bool
table_fill(struct tmpfs_table *to, const struct tmpfs_table *from)
{
	struct tmpfs_dirent *td;
	uint32_t i, k;
	uint64_t slot;

	for (i = 0; i < from->tt_slots; i++) {
		if (i + FILL_AHEAD < from->tt_slots)
			__builtin_prefetch(
			    slot_dirent(slot_get(from, i + FILL_AHEAD)));
		if ((slot = slot_get(from, i)) == SLOT_EMPTY ||
		    (td = slot_dirent(slot)) == NULL)
			continue;
		for (k = key_home(to, td->td_key);
		     slot_get(to, k) != SLOT_EMPTY; k++)
			;
		if (k == to->tt_slots - 1)
			return false;
		table_put(to, k, td);
	}
	return true;
}

static void
table_smrfree(struct smr_item *si)
{
	struct tmpfs_table *tt = container_of(si, struct tmpfs_table, tt_smr);

	kmem_free(tt, table_bytes(tt));
}

/* A table of so many bytes with the entries of `from', which may be NULL. */
static int
table_make(
    size_t bytes, const struct tmpfs_table *from, struct tmpfs_table **ttp)
{
	struct tmpfs_table *tt = kmem_zalloc(bytes);

	if (tt == NULL)
		return ENOMEM;
	tt->tt_slots = bytes_slots(bytes);
	tt->tt_homes = slots_homes(tt->tt_slots);
	if (from != NULL && !table_fill(tt, from)) {
		kmem_free(tt, bytes);
		return ENOSPC;
	}
	*ttp = tt;
	return 0;
}

/* Put another table in place, of at least so many bytes.  ENOMEM, ENOSPC. */
static int
dir_rebuild(struct tmpfs_node *tn, size_t bytes)
{
	size_t most = bytes * TABLE_MAXWASTE;
	struct tmpfs_table *old = dir_table(tn), *tt;
	int error;

	while ((error = table_make(bytes, old, &tt)) == ENOSPC && bytes < most)
		bytes *= 2;
	if (error != 0)
		return error;
	atomic_store_explicit(&tn->tn_table, tt, memory_order_release);
	if (old != NULL)
		smr_retire(&old->tt_smr, table_smrfree);
	return 0;
}

/* No more entries are put into it: searches would become long. */
static inline bool
table_isfull(const struct tmpfs_table *tt)
{
	return (tt->tt_used + 1) * UINT64_C(8) > tt->tt_homes * UINT64_C(5);
}

/*
 * As tmpfs_dir_reserve, if the table is full.  There can be no place although
 * there is room, if too many spill at the end.
 */
static __attribute__((noinline)) int
dir_grow(struct tmpfs_node *tn, const struct cname *cn, struct tmpfs_place *pl)
{
	struct tmpfs_table *tt = dir_table(tn);
	size_t bytes = bytes_for(tt != NULL ? tt->tt_live + 1 : 1);
	size_t most = bytes * TABLE_MAXWASTE;
	int error;

	if (dir_find(tn, cn) != NULL)
		return EEXIST;
	if (tt != NULL && !table_isfull(tt))
		bytes = 2 * table_bytes(tt);
	do {
		if (bytes > most)
			return ENOSPC;
		if ((error = dir_rebuild(tn, bytes)) != 0)
			return error;
		tt = dir_table(tn);
		bytes = 2 * table_bytes(tt);
	} while ((error = table_place(tt, cn, pl)) == EAGAIN);
	return error;
}

int
tmpfs_dir_reserve(
    struct tmpfs_node *tn, const struct cname *cn, struct tmpfs_place *pl)
{
	struct tmpfs_table *tt = dir_table(tn);
	int error = EAGAIN;

	KASSERT(rw_write_held(&tn->tn_vnode.v_lock));
	if (likely(tt != NULL && !table_isfull(tt)))
		error = table_place(tt, cn, pl);
	return likely(error != EAGAIN) ? error : dir_grow(tn, cn, pl);
}

void
tmpfs_dir_place(
    struct tmpfs_node *tn, const struct cname *cn, struct tmpfs_place *pl)
{
	int error = table_place(dir_table(tn), cn, pl);

	KASSERT(rw_write_held(&tn->tn_vnode.v_lock));
	KASSERT(error == 0);
	(void)error;
}

void
tmpfs_dir_insert(struct tmpfs_node *tn, const struct tmpfs_place *pl,
    struct tmpfs_dirent *td)
{
	KASSERT(rw_write_held(&tn->tn_vnode.v_lock));
	td->td_key = pl->pl_key;
	table_put(dir_table(tn), pl->pl_slot, td);
}

/* The slot that an entry is in. */
static uint32_t
table_slot(const struct tmpfs_table *tt, const struct tmpfs_dirent *td)
{
	uint32_t i = key_home(tt, td->td_key);

	while (slot_dirent(slot_get(tt, i)) != td) {
		KASSERT(slot_get(tt, i) != SLOT_EMPTY);
		i++;
	}
	return i;
}

void
tmpfs_dir_replace(
    struct tmpfs_node *tn, struct tmpfs_dirent *old, struct tmpfs_dirent *td)
{
	struct tmpfs_table *tt = dir_table(tn);

	KASSERT(rw_write_held(&tn->tn_vnode.v_lock));
	td->td_key = old->td_key;
	slot_set(tt, table_slot(tt, old), slot_make(td));
}

void
tmpfs_dir_remove(struct tmpfs_node *tn, struct tmpfs_dirent *td)
{
	struct tmpfs_table *tt = dir_table(tn);
	uint32_t i = table_slot(tt, td);

	KASSERT(rw_write_held(&tn->tn_vnode.v_lock));
	tt->tt_live--;
	if (slot_get(tt, i + 1) != SLOT_EMPTY)
		slot_set(tt, i, SLOT_TOMB);
	else {
		/* No search goes on from here, nor from tombs before it. */
		do {
			slot_set(tt, i, SLOT_EMPTY);
			tt->tt_used--;
		} while (i-- > 0 && slot_get(tt, i) == SLOT_TOMB);
	}
}

void
tmpfs_dir_shrink(struct tmpfs_node *tn)
{
	struct tmpfs_table *tt = dir_table(tn);

	KASSERT(rw_write_held(&tn->tn_vnode.v_lock));
	/* Without memory it stays as it is. */
	if (tt->tt_live < tt->tt_homes / 8 &&
	    bytes_for(tt->tt_live) < table_bytes(tt))
		(void)dir_rebuild(tn, bytes_for(tt->tt_live));
}

bool
tmpfs_dir_isempty(struct tmpfs_node *tn)
{
	const struct tmpfs_table *tt = dir_table(tn);

	KASSERT(rw_held(&tn->tn_vnode.v_lock));
	return tt == NULL || tt->tt_live == 0;
}

void
tmpfs_dir_free(struct tmpfs_node *tn)
{
	struct tmpfs_table *tt = dir_table(tn);

	if (tt != NULL)
		kmem_free(tt, table_bytes(tt));
}

/*
 * Reading in the order of the keys.  Up to an empty slot, entries are in that
 * order but for those that wait behind others for their home; so a stretch
 * that ends at an empty slot is sorted as it is collected.
 */

#define BATCH 32

struct batch {
	unsigned b_count;
	struct tmpfs_dirent *b_dirent[BATCH + 1];
};

/* Keep the lowest ones. */
static void
batch_add(struct batch *b, struct tmpfs_dirent *td)
{
	unsigned i;

	for (i = b->b_count; i > 0; i--) {
		if (b->b_dirent[i - 1]->td_key < td->td_key)
			break;
		b->b_dirent[i] = b->b_dirent[i - 1];
	}
	b->b_dirent[i] = td;
	if (b->b_count < BATCH)
		b->b_count++;
}

/* The next entries from key `from' on. */
static void
table_collect(const struct tmpfs_table *tt, uint64_t from, struct batch *b)
{
	struct tmpfs_dirent *td;
	uint64_t slot;
	uint32_t i;

	b->b_count = 0;
	for (i = key_home(tt, from); i < tt->tt_slots; i++) {
		slot = slot_get(tt, i);
		if (slot == SLOT_EMPTY) {
			if (b->b_count >= BATCH / 2)
				break;
		} else if ((td = slot_dirent(slot)) != NULL &&
			   td->td_key >= from)
			batch_add(b, td);
	}
}

static bool
readdir_one(const struct tmpfs_dirent *td, off_t *pos, readdir_fn fn, void *arg)
{
	struct direntry de = {
	    .de_name = td->td_name,
	    .de_namelen = td->td_len,
	    .de_mode = vnode_mode(&td->td_node->tn_vnode),
	    .de_ino = td->td_node->tn_ino,
	    .de_next = (off_t)td->td_key + 1,
	};

	if (!fn(arg, &de))
		return false;
	*pos = de.de_next;
	return true;
}

int
tmpfs_readdir(struct vnode *dvp, off_t *pos, readdir_fn fn, void *arg)
{
	const struct tmpfs_table *tt = dir_table(vp_to_node(dvp));
	struct batch b;
	unsigned i;

	if (tt == NULL)
		return 0;
	do {
		table_collect(tt, (uint64_t)*pos, &b);
		for (i = 0; i < b.b_count; i++)
			if (!readdir_one(b.b_dirent[i], pos, fn, arg))
				return 0;
	} while (b.b_count > 0);
	return 0;
}

struct tmpfs_dirent *
tmpfs_dir_next(struct tmpfs_node *tn, uint64_t key)
{
	const struct tmpfs_table *tt = dir_table(tn);
	struct batch b;

	if (tt == NULL || tt->tt_live == 0)
		return NULL;
	table_collect(tt, key, &b);
	return b.b_count > 0 ? b.b_dirent[0] : NULL;
}
