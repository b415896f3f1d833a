/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Safe memory reclamation; the protocol is in smr.h.
 *
 * Each host thread collects what it retires.  When SMR_BATCH objects are
 * together they get a goal: a value of the global sequence that was not there
 * before.  A host thread whose record shows that value, or a later one, or
 * zero, entered (or left) after the objects were unlinked and cannot hold
 * them.  What an ended thread leaves behind is on one common list.
 */
#include "kern/smr.h"

#include "kern/lock.h"

struct kern_entry kern_entry = {.ke_seq = 1};

static struct kmutex common_lock;
static struct smr_list common; /* (common_lock) all have a goal */
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

static struct smr_item *
list_pop(struct smr_list *sl)
{
	struct smr_item *si = sl->sl_first;

	sl->sl_first = si->si_next;
	sl->sl_count--;
	return si;
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

/* Give what has been retired a goal and move it on to `to'. */
static void
smr_set_goal(struct smr_list *from, struct smr_list *to)
{
	uint64_t goal;

	if (from->sl_first == NULL)
		return;
	goal = smr_goal();
	while (from->sl_first != NULL) {
		struct smr_item *si = list_pop(from);

		si->si_goal = goal;
		list_append(to, si);
	}
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

/* Free from the front of a list what nobody can hold. */
static void
smr_free_until(struct smr_list *sl, uint64_t oldest)
{
	while (sl->sl_first != NULL && sl->sl_first->si_goal <= oldest) {
		struct smr_item *si = list_pop(sl);

		si->si_free(si);
	}
}

/* The same for the common list, whose objects were retired by others. */
static void
smr_free_common(uint64_t oldest)
{
	struct smr_list mine = {0}, keep = {0};

	mutex_enter(&common_lock);
	while (common.sl_first != NULL) {
		struct smr_item *si = list_pop(&common);

		list_append(si->si_goal <= oldest ? &mine : &keep, si);
	}
	common.sl_count = 0;
	while (keep.sl_first != NULL)
		list_append(&common, list_pop(&keep));
	atomic_store_explicit(
	    &common_count, common.sl_count, memory_order_relaxed);
	mutex_exit(&common_lock);
	smr_free_until(&mine, oldest);
}

void
smr_poll(struct hostthread *ht)
{
	uint64_t oldest;

	smr_enter(ht);
	smr_set_goal(&ht->ht_retired, &ht->ht_waiting);
	oldest = smr_oldest();
	smr_free_until(&ht->ht_waiting, oldest);
	if (atomic_load_explicit(&common_count, memory_order_relaxed) != 0)
		smr_free_common(oldest);
	smr_exit(ht);
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
		if (ht->ht_retired.sl_count + ht->ht_waiting.sl_count +
			atomic_load_explicit(
			    &common_count, memory_order_relaxed) ==
		    0)
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
	smr_set_goal(&ht->ht_retired, &ht->ht_waiting);
	if (ht->ht_waiting.sl_first == NULL)
		return;
	mutex_enter(&common_lock);
	while (ht->ht_waiting.sl_first != NULL)
		list_append(&common, list_pop(&ht->ht_waiting));
	atomic_store_explicit(
	    &common_count, common.sl_count, memory_order_relaxed);
	mutex_exit(&common_lock);
}
