/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose turn it is to look for answers; all for the leader.
 *
 * A client's thread that looks for its answer needs a processor, and so does
 * the leader.  If there are more such threads than processors that are left,
 * those that look keep the leader from answering, and if none looks each call
 * costs a sleep, a wake-up and two switches.  So as many threads as there are
 * processors for them have a turn, and make call after call as fast as if they
 * were alone.  The others are told with an answer to sleep in their next call
 * (SP_PARK in ss_turn); that one is made like any other, but they go on only
 * when it is their turn: once that of another one has lasted TURN_NSEC or its
 * call sleeps, or when the leader has found nothing to do for a moment, so that
 * no processor is without work for long.
 *
 * Who has made no call for a while has no turns: it gets its answers at once.
 *
 * Turns are only a matter of time.  Who sleeps for his goes on without it
 * after a while, and is then woken like anybody.
 */
#include "proxy/proxy.h"

#include "kern/boot.h"

#define TURNS_MOST 64u
#define TURN_NSEC  INT64_C(500000)

/* The leader has found nothing for so long: when a turn is free, and else. */
#define PATIENCE_FREE INT64_C(1000)
#define PATIENCE_FULL INT64_C(5000)

/* Who has a turn and does not use it is taken to be on his way for so long. */
#define LATE_NSEC INT64_C(10000000)

struct turn {
	struct session *t_session;
	uint32_t t_slot;
	bool t_used;	 /* has made a call since */
	int64_t t_since; /* it was given, or first used */
};

static struct turn turns[TURNS_MOST]; /* (L) the oldest first */
static uint32_t nturns;		      /* (L) */
static TAILQ_HEAD(, session) parked = TAILQ_HEAD_INITIALIZER(parked); /* (L) */

static uint64_t
slot_bit(uint32_t slot)
{
	return UINT64_C(1) << slot % 64;
}

static bool
bits_any(const uint64_t bits[SP_NBELLS])
{
	uint64_t all = 0;
	uint32_t i;

	for (i = 0; i < SP_NBELLS; i++)
		all |= bits[i];
	return all != 0;
}

/* The first that is set from `from' on, around again; one is. */
static uint32_t
bits_next(const uint64_t bits[SP_NBELLS], uint32_t from)
{
	uint64_t word = bits[from / 64] & (UINT64_MAX << from % 64);
	uint32_t i = from / 64;

	while (word == 0) {
		i = (i + 1) % SP_NBELLS;
		word = bits[i];
	}
	return i * 64 + (uint32_t)__builtin_ctzll(word);
}

/* Processors for clients; the leader has one. */
static uint32_t
turns_most(void)
{
	uint32_t n = (uint32_t)kern_config.kc_ncpu - 1;

	return n < TURNS_MOST ? n : TURNS_MOST;
}

static void
turn_begin(struct session *se, uint32_t slot, int64_t now)
{
	turns[nturns++] = (struct turn){se, slot, false, now};
	se->se_turns[slot / 64] |= slot_bit(slot);
}

static void
turn_end(uint32_t i)
{
	struct session *se = turns[i].t_session;
	uint32_t slot = turns[i].t_slot;

	se->se_turns[slot / 64] &= ~slot_bit(slot);
	nturns--;
	memmove(&turns[i], &turns[i + 1], (nturns - i) * sizeof(turns[0]));
}

/* Its turn; it has one. */
static uint32_t
turn_find(const struct session *se, uint32_t slot)
{
	uint32_t i = 0;

	while (turns[i].t_session != se || turns[i].t_slot != slot)
		i++;
	return i;
}

/*
 * Sleeping.  The word changes with each of these, so that who read it before
 * does not sleep.
 */

/* It is to sleep in its next call. */
static void
slot_tell(struct session *se, uint32_t slot)
{
	_Atomic uint32_t *word = &sp_slot(se->se_shm, slot)->ss_turn;
	uint32_t now = atomic_load_explicit(word, memory_order_relaxed);

	atomic_store_explicit(word, (now | SP_PARK) + 2, memory_order_relaxed);
}

/* It is not. */
static void
slot_untell(struct session *se, uint32_t slot)
{
	_Atomic uint32_t *word = &sp_slot(se->se_shm, slot)->ss_turn;
	uint32_t now = atomic_load_explicit(word, memory_order_relaxed);

	if ((now & SP_PARK) != 0)
		atomic_store_explicit(
		    word, now & ~SP_PARK, memory_order_relaxed);
}

static void
slot_unpark(struct session *se, uint32_t slot)
{
	slot_untell(se, slot);
	hyper_shm_wake(&sp_slot(se->se_shm, slot)->ss_turn, 1);
}

static void
slot_park(struct session *se, uint32_t slot)
{
	if (!bits_any(se->se_parked))
		TAILQ_INSERT_TAIL(&parked, se, se_parks);
	se->se_parked[slot / 64] |= slot_bit(slot);
}

/*
 * The oldest turn ends of those that have been used: it is not any more.  Where
 * there is none, who has one is about to use it.
 */
static void
turn_quiet(int64_t now)
{
	uint32_t i;

	for (i = 0; i < nturns; i++) {
		if (!turns[i].t_used && now - turns[i].t_since < LATE_NSEC)
			continue;
		slot_tell(turns[i].t_session, turns[i].t_slot);
		turn_end(i);
		return;
	}
}

/* It is the turn of the next of the session that has waited longest. */
static void
turn_pass(int64_t now)
{
	struct session *se = TAILQ_FIRST(&parked);
	uint32_t slot = bits_next(se->se_parked, se->se_nextturn);

	TAILQ_REMOVE(&parked, se, se_parks);
	se->se_nextturn = (slot + 1) % SP_NSLOTS;
	se->se_parked[slot / 64] &= ~slot_bit(slot);
	if (bits_any(se->se_parked))
		TAILQ_INSERT_TAIL(&parked, se, se_parks);
	if (nturns >= turns_most())
		turn_quiet(now);
	if (turns_most() != 0 && nturns < TURNS_MOST)
		turn_begin(se, slot, now);
	slot_unpark(se, slot);
}

/*
 * For others
 */

/* It has a turn: others may have waited long enough. */
static void
turn_used(struct session *se, uint32_t slot, int64_t now)
{
	uint32_t i;

	if (likely(TAILQ_EMPTY(&parked)))
		return;
	i = turn_find(se, slot);
	if (!turns[i].t_used) {
		turns[i].t_used = true;
		turns[i].t_since = now;
	}
	if (now - turns[i].t_since < TURN_NSEC)
		return;
	turn_end(i);
	slot_tell(se, slot);
}

void
turns_answer(struct session *se, uint32_t slot, bool parks, int64_t now)
{
	if (likely((se->se_turns[slot / 64] & slot_bit(slot)) != 0))
		turn_used(se, slot, now);
	else if (parks)
		slot_park(se, slot);
	else if (nturns < turns_most() && TAILQ_EMPTY(&parked)) {
		turn_begin(se, slot, now);
		slot_untell(se, slot);
	} else if (!se->se_rare)
		slot_tell(se, slot);
}

void
turns_slept(struct session *se, uint32_t slot)
{
	if ((se->se_turns[slot / 64] & slot_bit(slot)) == 0 ||
	    TAILQ_EMPTY(&parked))
		return;
	turn_end(turn_find(se, slot));
	slot_tell(se, slot);
}

void
turns_leave(struct session *se, uint32_t slot, bool parks)
{
	if ((se->se_turns[slot / 64] & slot_bit(slot)) != 0)
		turn_end(turn_find(se, slot));
	if (parks)
		slot_unpark(se, slot);
}

struct session *
turns_session(uint32_t i)
{
	return i < nturns ? turns[i].t_session : NULL;
}

bool
turns_waited(void)
{
	return !TAILQ_EMPTY(&parked);
}

bool
turns_idle(int64_t now, int64_t spent)
{
	if (TAILQ_EMPTY(&parked))
		return false;
	if (turns_most() != 0 &&
	    spent < (nturns < turns_most() ? PATIENCE_FREE : PATIENCE_FULL))
		return false;
	turn_pass(now);
	return true;
}

void
turns_forget(struct session *se)
{
	uint32_t i;

	for (i = nturns; i-- > 0;)
		if (turns[i].t_session == se)
			turn_end(i);
	if (bits_any(se->se_parked))
		TAILQ_REMOVE(&parked, se, se_parks);
	memset(se->se_parked, 0, sizeof(se->se_parked));
}
