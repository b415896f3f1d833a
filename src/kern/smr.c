/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Safe memory reclamation; the protocol is in smr.h.
 *
 * Each host thread collects what it retires.  When SMR_BATCH objects are
 * together they get a goal: a value of the global sequence that was not there
 * before.  A host thread whose record shows that value, or a later one, or
 * zero, entered (or left) after the objects were unlinked and cannot hold
 * them.  What an ended thread leaves behind waits in a common place.
 *
 * What waits is in two heaps.  The first keeps its goal, so that its turn
 * comes; whatever else is to wait joins the second and gives that its goal.
 */
#include "kern/smr.h"

#include "kern/lock.h"

struct kern_entry kern_entry = {.ke_seq = 1};

static struct kmutex common_lock;
static struct smr_waiting common; /* (common_lock) */
static _Atomic uint32_t common_count;

void
smr_enter_slow(struct hostthread *ht)
{
	uint32_t slow;

	for (;;) {
		/*
		 * Without membarrier this is the reader's half of the pair:
		 * our ht_smr is visible before we read anything.
		 */
		atomic_thread_fence(memory_order_seq_cst);
		slow = atomic_load_explicit(
		    &kern_entry.ke_slow, memory_order_acquire);
		if ((slow & KE_FORK) == 0)
			return;
		smr_exit(ht);
		hyper_wait(&kern_entry.ke_slow, slow, HYPER_FOREVER);
		atomic_store_explicit(&ht->ht_smr,
		    atomic_load_explicit(
			&kern_entry.ke_seq, memory_order_acquire),
		    memory_order_relaxed);
	}
}

static void
list_append(struct smr_list *sl, struct smr_item *si)
{
	si->si_next = NULL;
	if (sl->sl_first == NULL)
		sl->sl_last = &sl->sl_first;
	*sl->sl_last = si;
	sl->sl_last = &si->si_next;
	sl->sl_count++;
}

/* All of `from', which is not empty, goes to the end of `to'. */
static void
list_join(struct smr_list *to, struct smr_list *from)
{
	if (to->sl_first == NULL)
		to->sl_last = &to->sl_first;
	*to->sl_last = from->sl_first;
	to->sl_last = from->sl_last;
	to->sl_count += from->sl_count;
	*from = (struct smr_list){0};
}

static void
list_free(struct smr_list *sl)
{
	struct smr_item *si, *next;

	for (si = sl->sl_first; si != NULL; si = next) {
		next = si->si_next;
		si->si_free(si);
	}
}

uint64_t
smr_goal(void)
{
	/*
	 * What the caller did comes before the new value: a reader that enters
	 * with it (smr_enter, acquire) sees that.
	 */
	return atomic_fetch_add_explicit(
		   &kern_entry.ke_seq, 1, memory_order_seq_cst) +
	       1;
}

/* What is in the list, if anything, waits for the goal. */
static void
waiting_add(struct smr_waiting *sw, struct smr_list *sl, uint64_t goal)
{
	unsigned i = sw->sw_list[0].sl_first != NULL;

	if (sl->sl_first == NULL)
		return;
	list_join(&sw->sw_list[i], sl);
	if (goal > sw->sw_goal[i])
		sw->sw_goal[i] = goal;
}

/* Give what has been retired a goal. */
static void
smr_set_goal(struct hostthread *ht)
{
	if (ht->ht_retired.sl_first != NULL)
		waiting_add(&ht->ht_waiting, &ht->ht_retired, smr_goal());
}

/* The oldest sequence that a host thread may still be reading under. */
static uint64_t
smr_oldest(void)
{
	struct hostthread *ht;
	uint64_t oldest = UINT64_MAX, seq;

	if (!kern_alone)
		(void)hyper_membarrier();
	atomic_thread_fence(memory_order_seq_cst);
	ht = atomic_load_explicit(&hostthread_list, memory_order_acquire);
	for (; ht != NULL; ht = ht->ht_next) {
		/* Acquire pairs with the release in smr_exit. */
		seq = atomic_load_explicit(&ht->ht_smr, memory_order_acquire);
		if (seq != 0 && seq < oldest)
			oldest = seq;
	}
	return oldest;
}

bool
smr_passed(uint64_t goal)
{
	return goal <= smr_oldest();
}

/* Take out what nobody can hold. */
static struct smr_list
waiting_take(struct smr_waiting *sw, uint64_t oldest)
{
	struct smr_list take = {0};

	while (sw->sw_list[0].sl_first != NULL && sw->sw_goal[0] <= oldest) {
		list_join(&take, &sw->sw_list[0]);
		sw->sw_list[0] = sw->sw_list[1];
		sw->sw_goal[0] = sw->sw_goal[1];
		sw->sw_list[1] = (struct smr_list){0};
	}
	return take;
}

static uint32_t
waiting_count(const struct smr_waiting *sw)
{
	return sw->sw_list[0].sl_count + sw->sw_list[1].sl_count;
}

/* Free the same of what was retired by others. */
static void
smr_free_common(uint64_t oldest)
{
	struct smr_list take;

	mutex_enter(&common_lock);
	take = waiting_take(&common, oldest);
	atomic_store_explicit(
	    &common_count, waiting_count(&common), memory_order_relaxed);
	mutex_exit(&common_lock);
	list_free(&take);
}

void
smr_poll(struct hostthread *ht)
{
	struct smr_list take;
	uint64_t oldest;

	smr_enter(ht);
	smr_set_goal(ht);
	/* It has read nothing so far: it is not older than the goal. */
	smr_enter(ht);
	oldest = smr_oldest();
	take = waiting_take(&ht->ht_waiting, oldest);
	list_free(&take);
	if (atomic_load_explicit(&common_count, memory_order_relaxed) != 0)
		smr_free_common(oldest);
	smr_exit(ht);
}

bool
smr_isempty(const struct hostthread *ht)
{
	return ht->ht_retired.sl_count + waiting_count(&ht->ht_waiting) == 0;
}

void
smr_retire(struct smr_item *si, void (*fn)(struct smr_item *))
{
	KASSERT(smr_entered());
	si->si_free = fn;
	list_append(&curht()->ht_retired, si);
}

void
smr_drain(void)
{
	struct hostthread *ht = curht();

	KASSERT(smr_entered());
	smr_exit(ht);
	for (;;) {
		/* What is freed may retire more. */
		smr_poll(ht);
		if (smr_isempty(ht) && atomic_load_explicit(&common_count,
					   memory_order_relaxed) == 0)
			break;
		hyper_yield();
	}
	smr_enter(ht);
}

struct smr_marker {
	struct smr_item sm_item;
	_Atomic bool sm_freed;
};

static void
marker_free(struct smr_item *si)
{
	struct smr_marker *sm = container_of(si, struct smr_marker, sm_item);

	/* Pairs with the acquire in smr_synchronize. */
	atomic_store_explicit(&sm->sm_freed, true, memory_order_release);
}

void
smr_synchronize(void)
{
	struct hostthread *ht = curht();
	struct smr_marker marker;

	atomic_init(&marker.sm_freed, false);
	smr_retire(&marker.sm_item, marker_free);
	smr_exit(ht);
	for (;;) {
		smr_poll(ht);
		if (atomic_load_explicit(
			&marker.sm_freed, memory_order_acquire))
			break;
		hyper_yield();
	}
	smr_enter(ht);
}

void
smr_thread_flush(struct hostthread *ht)
{
	struct smr_waiting *sw = &ht->ht_waiting;
	unsigned i;

	smr_set_goal(ht);
	if (sw->sw_list[0].sl_first == NULL)
		return;
	mutex_enter(&common_lock);
	for (i = 0; i < nitems(sw->sw_list); i++)
		waiting_add(&common, &sw->sw_list[i], sw->sw_goal[i]);
	atomic_store_explicit(
	    &common_count, waiting_count(&common), memory_order_relaxed);
	mutex_exit(&common_lock);
}
