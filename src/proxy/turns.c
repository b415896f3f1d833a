/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose turn it is to look for answers; all for the leader.
 *
 * A client's thread that looks for its answer needs a processor, and so does
 * the leader.  If there are more such threads than processors that are left,
 * those that look keep the leader from answering, and if none looks each call
 * costs a sleep, a wake-up and two switches.  So as many threads as there are
 * processors for them have a turn, and make call after call as fast as if they
 * were alone.  The others are told after an answer to sleep in their next call
 * (SP_PARK in ss_turn); that one is made like any other, but they go on only
 * when it is their turn: once that of another one has lasted long enough or its
 * call sleeps, or when the leader has found nothing to do for a moment, so that
 * no processor is without work for long.
 *
 * That works if the leader and those who have a turn are on different
 * processors.  The host often wakes a thread where its waker runs, or where it
 * ran before, and there the leader may be.  So it says where it is with each
 * turn (sh_leader), and who finds himself there goes away: all others have been
 * where the leader is not.  Where there are no turns, clients say where they
 * are before they sleep (sh_cpu), and the leader goes away if that is where it
 * is itself; who is left alone there looks for its answers again (sh_apart).
 *
 * Who has made no call for a while has no turns: it gets its answers at once.
 *
 * Turns are only a matter of time.  Who sleeps for his goes on without it
 * after a while, and is then woken like anybody.
 */
#include "proxy/proxy.h"

#include "kern/boot.h"

#define TURNS_MOST 64u

/*
 * How long one is: so that who waits has waited for TURNS_NSEC once he has
 * his, within limits; TURN_EXTRA if there are more turns than there may be.
 */
#define TURNS_NSEC INT64_C(64000000)
#define TURN_MOST  INT64_C(4000000)
#define TURN_LEAST INT64_C(500000)
#define TURN_EXTRA INT64_C(200000)
#define TURN_CALLS 64u /* no turn is without so many, however slow they are */

/*
 * The leader has found nothing for so long.  When a turn is free: so soon that
 * whose turn it was is still on his way to sleep, since a processor that has
 * been without work takes long to begin again; else at first, and how often
 * twice as long.
 */
#define PATIENCE_FREE  INT64_C(1000)
#define PATIENCE_FULL  INT64_C(50000)
#define PATIENCE_TWICE 4

/*
 * Who is on the leader's processor so often in such a time has it go; once is
 * enough where another one is idle, which is not asked for a while if not.
 */
#define NEAR_MANY 16u
#define NEAR_NSEC INT64_C(1000000)
#define NEAR_BUSY INT64_C(10000000)

/* Who has a turn and does not use it is taken to be on his way for so long. */
#define LATE_NSEC INT64_C(10000000)

struct turn {
	struct session *t_session;
	uint32_t t_slot;
	uint32_t t_calls; /* that it has made since */
	int64_t t_since;  /* it was given, or first used */
	int64_t t_lasts;  /* from then on */
};

static struct turn turns[TURNS_MOST]; /* (L) the oldest first */
static uint32_t nturns;		      /* (L) */
static TAILQ_HEAD(, session) parked = TAILQ_HEAD_INITIALIZER(parked); /* (L) */
static uint32_t nparked; /* (L) slots of theirs that wait */

static struct near {
	int64_t n_since;
	int64_t n_busy; /* until then no processor is taken to be idle */
	uint32_t n_times;
} near; /* (L) how often a thread was on the leader's processor */

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
	turns[nturns++] = (struct turn){se, slot, 0, now, 0};
	se->se_turns[slot / 64] |= slot_bit(slot);
}

static void
turn_end(uint32_t i)
{
	struct session *se = turns[i].t_session;
	uint32_t slot = turns[i].t_slot;

	se->se_turns[slot / 64] &= ~slot_bit(slot);
	/* Its bit may have been passed over: a call, or an interrupt. */
	pool_ready(se, slot);
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
	if ((se->se_parked[slot / 64] & slot_bit(slot)) != 0)
		return;
	if (!bits_any(se->se_parked))
		TAILQ_INSERT_TAIL(&parked, se, se_parks);
	se->se_parked[slot / 64] |= slot_bit(slot);
	nparked++;
}

static void
slot_unnote(struct session *se, uint32_t slot)
{
	se->se_parked[slot / 64] &= ~slot_bit(slot);
	nparked--;
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
		if (turns[i].t_calls == 0 && now - turns[i].t_since < LATE_NSEC)
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
	slot_unnote(se, slot);
	if (bits_any(se->se_parked))
		TAILQ_INSERT_TAIL(&parked, se, se_parks);
	if (nturns >= turns_most())
		turn_quiet(now);
	if (turns_most() != 0 && nturns < TURNS_MOST)
		turn_begin(se, slot, now);
	atomic_store_explicit(&se->se_shm->sh_leader,
	    turns_most() != 0 ? (uint32_t)hyper_cpu() + 1 : 0,
	    memory_order_relaxed);
	slot_unpark(se, slot);
}

/* Is there a processor more than are needed? */
static bool
near_isidle(int64_t now)
{
	if (now < near.n_busy)
		return false;
	if (hyper_running() <= kern_config.kc_ncpu)
		return true;
	near.n_busy = now + NEAR_BUSY;
	return false;
}

/*
 * Is the session's thread on the leader's processor?  There it can look for
 * answers in vain only, and the host does not part the two of them as long as
 * one is asleep while the other runs.  So the leader goes away: if that happens
 * often, or an idle processor waits for it.  False if the thread is near, and
 * stays so.
 */
static bool
near_leave(struct session *se, uint32_t weight)
{
	uint32_t cpu =
	    atomic_load_explicit(&se->se_shm->sh_cpu, memory_order_relaxed);
	int64_t now;

	if (cpu == 0 || (int)(cpu - 1) != hyper_cpu() || turns_most() == 0)
		return true;
	now = hyper_clock(HYPER_CLOCK_MONOTONIC);
	if (now - near.n_since >= NEAR_NSEC) {
		near.n_since = now;
		near.n_times = 0;
	}
	if (near.n_times >= NEAR_MANY)
		return false;
	near.n_times += near_isidle(now) ? NEAR_MANY : weight;
	if (near.n_times < NEAR_MANY)
		return false;
	hyper_cpu_leave();
	atomic_store_explicit(&se->se_shm->sh_apart, 1, memory_order_relaxed);
	return true;
}

/*
 * For others
 */

static int64_t
turn_nsec(void)
{
	int64_t t = TURNS_NSEC / (nparked + 1);

	if (t > TURN_MOST)
		return TURN_MOST;
	return t > TURN_LEAST ? t : TURN_LEAST;
}

/* It has a turn: others may have waited long enough, or have one as well. */
static void
turn_used(struct session *se, uint32_t slot, int64_t now)
{
	bool many = nturns > turns_most();
	uint32_t i;

	if (likely(TAILQ_EMPTY(&parked) && !many))
		return;
	i = turn_find(se, slot);
	/* Once in a turn: a division takes as long as some looks. */
	if (turns[i].t_calls++ == 0) {
		turns[i].t_since = now;
		turns[i].t_lasts = turn_nsec();
	}
	if (turns[i].t_calls < TURN_CALLS)
		return;
	if (now - turns[i].t_since < (many ? TURN_EXTRA : turns[i].t_lasts))
		return;
	turn_end(i);
	slot_tell(se, slot);
}

/*
 * Have a turn to give that nobody waits for: one that is free, or, which ends
 * then, of a session that is doing something else.  False: there is none.
 */
static bool
turn_vacate(int64_t now)
{
	uint32_t i;

	if (!TAILQ_EMPTY(&parked))
		return false;
	if (nturns < turns_most())
		return true;
	for (i = 0; i < nturns; i++)
		if (now - turns[i].t_session->se_called > SE_RARE_NSEC) {
			turn_end(i);
			return true;
		}
	return false;
}

void
turns_answer(struct session *se, uint32_t slot, bool parks, int64_t now)
{
	if (likely((se->se_turns[slot / 64] & slot_bit(slot)) != 0))
		turn_used(se, slot, now);
	else if (parks)
		slot_park(se, slot);
	else if (turn_vacate(now)) {
		turn_begin(se, slot, now);
		slot_untell(se, slot);
	} else if (!se->se_rare)
		slot_tell(se, slot);
}

void
turns_slept(struct session *se, uint32_t slot)
{
	bool matters = (se->se_turns[slot / 64] & slot_bit(slot)) != 0 &&
		       !TAILQ_EMPTY(&parked);

	uint32_t i;

	if (near_leave(se, matters ? NEAR_MANY : 1) || !matters)
		return;
	i = turn_find(se, slot);
	if (turns[i].t_calls < TURN_CALLS)
		return;
	turn_end(i);
	slot_tell(se, slot);
}

void
turns_rung(struct session *se)
{
	(void)near_leave(se, 1);
}

void
turns_leave(struct session *se, uint32_t slot, bool parks)
{
	if ((se->se_turns[slot / 64] & slot_bit(slot)) != 0)
		turn_end(turn_find(se, slot));
	/* It has waited in vain, and gone on. */
	if ((se->se_parked[slot / 64] & slot_bit(slot)) != 0) {
		slot_unnote(se, slot);
		if (!bits_any(se->se_parked))
			TAILQ_REMOVE(&parked, se, se_parks);
	}
	if (parks)
		slot_unpark(se, slot);
}

bool
turns_look(void)
{
	bool found = false;
	uint32_t i;

	for (i = 0; i < nturns; i++) {
		struct session *se = turns[i].t_session;
		struct sp_slot *ss = sp_slot(se->se_shm, turns[i].t_slot);

		/* Acquire pairs with the client's release: slot_isbusy. */
		if (likely((atomic_load_explicit(
				&ss->ss_state, memory_order_acquire) &
			       SP_STATE) != SP_REQUEST) ||
		    slot_isbusy(se, turns[i].t_slot))
			continue;
		pool_rang(se, turns[i].t_slot);
		found = true;
	}
	return found;
}

bool
turns_waited(void)
{
	return !TAILQ_EMPTY(&parked);
}

/*
 * For how long there is nothing to do before it is somebody's turn: the longer,
 * the more of those who have one have not been heard of.
 */
static int64_t
turns_patience(void)
{
	uint32_t most = turns_most();

	if (most == 0)
		return 0;
	if (nturns < most)
		return PATIENCE_FREE;
	return nturns - most < PATIENCE_TWICE ? PATIENCE_FULL << (nturns - most)
					      : PATIENCE_FULL << PATIENCE_TWICE;
}

bool
turns_idle(int64_t now, int64_t spent)
{
	if (TAILQ_EMPTY(&parked) || spent < turns_patience())
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
	for (i = 0; i < SP_NBELLS; i++)
		nparked -= (uint32_t)__builtin_popcountll(se->se_parked[i]);
	memset(se->se_parked, 0, sizeof(se->se_parked));
}
