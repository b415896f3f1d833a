/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names and nodes that nobody has used for some time go, when there are more
 * than the cache of vnodes may have (RUMP_NVNODES): those of files that are
 * not in the upper layer, not open and, if they are directories, have no
 * names in the table.  What the layers have can be looked up again.
 *
 * A walk finds a name without a lock and without a reference, so that
 * somebody may be about to use it at any time.  A sweep, of some chains of the
 * table at a time, is therefore two steps, of which the second comes when all
 * sections that were there at the first have ended:
 *
 *	1	oe_used is cleared, and the sequence noted (smr_goal)
 *	2	what has oe_used clear still loses its last reference, and is
 *		taken out of the table
 *
 * Who has found a name before the first step has left by the second.  Who
 * finds it later sets oe_used (ovl_entry_use) and then looks whether the node
 * has its reference still, while the second step takes the reference and then
 * looks at oe_used: one of them sees what the other did.
 */
#include "fs/overlay/overlay.h"
#include "kern/smr.h"
#include "vfs/vcache.h"

#define SWEEP_CHAINS (OVL_CHAINS / 16)
#define SWEEP_EVERY  64 /* names that come until it is looked again, */
#define SWEEP_MOST   (2 * SWEEP_EVERY) /* and that go then at most */

/* Nodes that are out of the table. */
struct dropped {
	struct ovl_node *dr_node[SWEEP_MOST];
	uint32_t dr_count;
};

static struct ovl_entry *
entry_next(struct ovl_entry *_Atomic *p)
{
	return atomic_load_explicit(p, memory_order_relaxed);
}

static void
sweep_begin(struct ovl_mount *om)
{
	struct ovl_entry *oe;
	uint32_t i;

	for (i = 0; i < SWEEP_CHAINS; i++) {
		oe = entry_next(&om->om_chain[om->om_hand + i]);
		for (; oe != NULL; oe = entry_next(&oe->oe_next))
			atomic_store_explicit(
			    &oe->oe_used, false, memory_order_relaxed);
	}
	om->om_goal = smr_goal();
	om->om_sweep++;
}

/* Would it be the same again? */
static bool
node_same(const struct ovl_node *on)
{
	return ovl_upper(on) == NULL && on->on_names == 0 &&
	       on->on_fifo == NULL && !on->on_counted &&
	       (vnode_mode(&on->on_vnode) & (V_WATCHED | V_MOUNTED | V_DEAD)) ==
		   0;
}

/*
 * Forget one of several names.  Who has found it before leaves by the end of
 * the next sweep: the node stays until then at least.
 */
static bool
entry_forget(struct ovl_mount *om, struct ovl_entry *oe)
{
	struct ovl_node *on = oe->oe_node;

	if (on->on_entries < 2 || !node_same(on) ||
	    atomic_load_explicit(&oe->oe_used, memory_order_relaxed))
		return false;
	on->on_swept = om->om_sweep;
	(void)ovl_entry_remove(oe);
	return true;
}

/* Does only the table hold it, by one name? */
static bool
node_idle(const struct ovl_mount *om, const struct ovl_node *on)
{
	return on->on_entries == 1 && on->on_swept != om->om_sweep &&
	       node_same(on);
}

/* Take the reference of the table, if it is the last one. */
static bool
entry_kill(const struct ovl_mount *om, struct ovl_entry *oe)
{
	_Atomic uint64_t *count = &oe->oe_node->on_vnode.v_count;
	uint64_t one = 1;

	if (atomic_load_explicit(&oe->oe_used, memory_order_relaxed) ||
	    !node_idle(om, oe->oe_node) ||
	    !atomic_compare_exchange_strong_explicit(
		count, &one, 0, memory_order_seq_cst, memory_order_relaxed))
		return false;
	/* Pairs with ovl_entry_use. */
	if (!atomic_load_explicit(&oe->oe_used, memory_order_seq_cst))
		return true;
	atomic_store_explicit(count, 1, memory_order_seq_cst);
	return false;
}

/* All chains of the sweep, or as many as there is room for in dr. */
static void
sweep_end(struct ovl_mount *om, struct dropped *dr)
{
	struct ovl_entry *oe, *next;
	uint32_t i;

	for (i = 0; i < SWEEP_CHAINS; i++) {
		oe = entry_next(&om->om_chain[om->om_hand + i]);
		for (; oe != NULL; oe = next) {
			next = entry_next(&oe->oe_next);
			if (dr->dr_count == nitems(dr->dr_node))
				return;
			if (entry_forget(om, oe) || !entry_kill(om, oe))
				continue;
			dr->dr_node[dr->dr_count++] = oe->oe_node;
			(void)ovl_entry_remove(oe);
		}
	}
	om->om_hand = (om->om_hand + SWEEP_CHAINS) % OVL_CHAINS;
	om->om_goal = 0;
}

void
ovl_evict(struct ovl_mount *om)
{
	struct dropped dr;
	uint32_t i;

	dr.dr_count = 0;
	mutex_enter(&om->om_lock);
	if (om->om_entries <= vcache_getmax() || ++om->om_came < SWEEP_EVERY) {
		mutex_exit(&om->om_lock);
		return;
	}
	om->om_came = 0;
	if (om->om_goal != 0 && smr_passed(om->om_goal))
		sweep_end(om, &dr);
	if (om->om_goal == 0)
		sweep_begin(om);
	mutex_exit(&om->om_lock);
	for (i = 0; i < dr.dr_count; i++)
		vnode_reclaim(&dr.dr_node[i]->on_vnode);
}
