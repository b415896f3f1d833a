/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Process ids.
 *
 * The table is an array with a slot for every pid below `space', in an area
 * of its own, so that finding a process is one load.  A slot names the
 * process and the process group of that id; a pid is free when it names
 * neither.
 *
 * Pids are handed out in rising order, PID_BATCH at a time to a host thread,
 * and start over at PID_FIRST when `space' is reached: a pid that has become
 * free is not used again soon.  A host thread takes a slot of its batch by
 * compare-and-swap, because a batch can be handed out again while a thread
 * still has the rest of it.  When the batches that are handed out are found
 * crowded and a quarter of all pids are in use, space is doubled.
 *
 * A batch has a serial number, and so has a process: that of the batch its pid
 * is from.  Pid and serial number together name one process for all time.
 *
 * Lock: pids.lock covers the cursor, space, and the growth of the area.
 */
#include "kern/proc_impl.h"
#include "kern/procinfo.h"

#define PID_BATCH   64
#define PID_FIRST   300	  /* where it starts again */
#define PID_SPACE   32768 /* at the beginning */
#define PID_CROWDED 16	  /* crowded batches in a row */

/* What threads write in turn shares no line with what all of them read. */
static struct {
	struct kmutex lock;
	pid_t next;	 /* (lock) */
	pid_t space;	 /* (lock) */
	int crowded;	 /* (lock) */
	uint64_t serial; /* (lock) of the last batch */
} __attribute__((aligned(CACHE_LINE))) pids = {.next = 2, .space = PID_SPACE};

static struct pidslot *
slot_at(pid_t pid)
{
	return (struct pidslot *)kmem_pid_area.ka_base + pid;
}

struct pidslot *
pid_slot(pid_t pid)
{
	/* Acquire pairs with the release in area_grow. */
	if (pid < 0 || ((size_t)pid + 1) * sizeof(struct pidslot) >
			   atomic_load_explicit(&kmem_pid_area.ka_committed,
			       memory_order_acquire))
		return NULL;
	return slot_at(pid);
}

pid_t
pid_max(void)
{
	size_t n = kmem_pid_area.ka_size / sizeof(struct pidslot);

	return n > INT_MAX / 2 ? INT_MAX / 2 : (pid_t)n;
}

static bool
slot_is_free(struct pidslot *ps)
{
	return atomic_load_explicit(&ps->ps_proc, memory_order_relaxed) ==
		   NULL &&
	       atomic_load_explicit(&ps->ps_pgrp, memory_order_relaxed) == NULL;
}

/* Double the space, if it is the number of processes that fills it. */
static void
pid_grow(void)
{
	pids.crowded = 0;
	if ((uint64_t)pids.space / 4 > proc_live() ||
	    pids.space > pid_max() / 2)
		return;
	pids.next = pids.space;
	pids.space *= 2;
}

/* If the thread has gone through a batch: was more than half of it in use? */
static void
batch_done(struct hostthread *ht)
{
	KASSERT(mutex_owned(&pids.lock));
	if (ht->ht_pidend == 0)
		return;
	if (ht->ht_pidmissed <= PID_BATCH / 2)
		pids.crowded = 0;
	else if (++pids.crowded >= PID_CROWDED)
		pid_grow();
	ht->ht_pidmissed = 0;
}

/*
 * Another processor had these slots the last time round: they are fetched to
 * be written, all at once, and nobody waits for more than the first.
 */
static void
batch_fetch(pid_t first)
{
	const char *slot = (const char *)slot_at(first);
	size_t at;

	for (at = 0; at < PID_BATCH * sizeof(struct pidslot); at += 64)
		prefetch_write(slot + at);
}

/*
 * The next batch, in the thread's record; *lastp becomes less if there is no
 * memory for all pids that there can be.  ENOMEM.
 */
static int
pid_batch(struct hostthread *ht, pid_t *lastp)
{
	int error;

	mutex_enter(&pids.lock);
	batch_done(ht);
	if (pids.next + PID_BATCH > pids.space)
		pids.next = PID_FIRST;
	error = area_grow(&kmem_pid_area,
	    (size_t)(pids.next + PID_BATCH) * sizeof(struct pidslot));
	if (error != 0)
		*lastp = pids.next;
	/* Without memory for more slots, there are those that exist. */
	if (error != 0 && pid_slot(PID_FIRST + PID_BATCH - 1) != NULL) {
		pids.next = PID_FIRST;
		error = 0;
	}
	if (error == 0) {
		ht->ht_pidserial = ++pids.serial;
		ht->ht_pid = pids.next;
		ht->ht_pidend = pids.next += PID_BATCH;
	}
	mutex_exit(&pids.lock);
	if (error == 0)
		batch_fetch(ht->ht_pid);
	return error;
}

/* Take the slot if it is free. */
static bool
slot_take(struct pidslot *ps, struct proc *p)
{
	struct proc *none = NULL;

	if (!slot_is_free(ps))
		return false;
	/* Release: a reader finds p as it is now, not yet active. */
	if (!atomic_compare_exchange_strong_explicit(&ps->ps_proc, &none, p,
		memory_order_acq_rel, memory_order_relaxed))
		return false;
	/* The last process of this id may have left a group behind. */
	if (likely(atomic_load_explicit(&ps->ps_pgrp, memory_order_acquire) ==
		   NULL))
		return true;
	atomic_store_explicit(&ps->ps_proc, NULL, memory_order_relaxed);
	return false;
}

int
pid_alloc(struct proc *p)
{
	struct hostthread *ht = curht();
	pid_t pid, last = pid_max();
	int64_t tried = 0;
	int error;

	for (;;) {
		while (ht->ht_pid < ht->ht_pidend) {
			pid = ht->ht_pid++;
			if (likely(slot_take(slot_at(pid), p))) {
				atomic_store_explicit(
				    &p->p_pid, pid, memory_order_relaxed);
				p->p_serial = ht->ht_pidserial;
				return 0;
			}
			ht->ht_pidmissed++;
		}
		/* Twice round, and every pid is taken. */
		if (tried / 2 > last)
			return last < pid_max() ? ENOMEM : EAGAIN;
		tried += PID_BATCH;
		if ((error = pid_batch(ht, &last)) != 0)
			return error;
	}
}

int
pid_take(struct proc *p, pid_t pid, uint64_t *serial)
{
	int error;

	if (pid < 2 || pid >= pid_max())
		return EINVAL;
	mutex_enter(&pids.lock);
	error = area_grow(
	    &kmem_pid_area, ((size_t)pid + 1) * sizeof(struct pidslot));
	*serial = ++pids.serial;
	mutex_exit(&pids.lock);
	if (error != 0)
		return error;
	return slot_take(slot_at(pid), p) ? 0 : EBUSY;
}

void
pid_free(pid_t pid)
{
	atomic_store_explicit(
	    &slot_at(pid)->ps_proc, NULL, memory_order_release);
}

pid_t
proc_nextpid(pid_t pid)
{
	struct pidslot *ps;
	struct proc *p;

	for (; (ps = pid_slot(pid)) != NULL; pid++) {
		p = atomic_load_explicit(&ps->ps_proc, memory_order_acquire);
		/* Acquire pairs with the release in proc_publish. */
		if (p != NULL && proc_pid(p) == pid &&
		    atomic_load_explicit(&p->p_state, memory_order_acquire) !=
			PROC_FREE)
			return pid;
	}
	return -1;
}
