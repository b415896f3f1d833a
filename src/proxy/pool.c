/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The workers of a server, and the leader's loop; see proxy.h.
 *
 * pool_lead is 1 while nobody leads, and parked on by workers who wait to.
 * Who wants to lead takes it from 1 to 0.
 *
 * The leader looks at the bells of hot sessions, and at slots with turns, as
 * long as that brings something: a little longer each time that something came
 * while it was looking, or soon after that, half as long when nothing did.  If
 * there is one processor only it lets others run between two looks; where there
 * are more the host lets who yields wait for long.
 *
 * It looks longer than SPIN_MOST, up to pc_spin, only on a machine that has
 * processors for all who want to run: one that has been asleep is awake after
 * 50 microseconds or more, which a call then takes.  Now and then one more
 * wants to run where all have one else, as when a parent goes on behind its
 * child and will wait for it at once.  So time in which that was not so is
 * saved up, for as much in which it is (pl_free).
 *
 * The host may have put somebody on the leader's processor while another one is
 * idle, and leaves him there: then the leader gives way.  Where all processors
 * are at work it does not, but goes to sleep: who yields may wait longer than
 * who is woken.
 */
#include "proxy/proxy.h"

#include "hyper/pause.h"
#include "kern/boot.h"
#include "kern/entry.h"

#define IDLE_MOST   4		  /* workers that wait to lead */
#define SPIN_LEAST  INT64_C(2000) /* nanoseconds of looking */
#define SPIN_MOST   INT64_C(50000)
#define FREE_NSEC   INT64_C(100000)  /* between two looks who wants to run */
#define FREE_MOST   INT64_C(1000000) /* is saved up */
#define SPIN_TURNS  INT64_C(100000)  /* while somebody waits for his turn */
#define EVENTS_NSEC INT64_C(5000)    /* of looking between two at events */
#define MANY	    4		     /* hot ones for each processor */
#define QUIET_MOST  4096	     /* looks in vain at one of many */
#define LOOKS_SOME  8		     /* between two at some of them */
#define PARTS	    64		     /* of all: so many are some */
#define LOOKS_MANY  8		     /* between two at the clock */
#define CALLS_MOST  64		     /* before others are let in */
#define BUSY_NSEC   INT64_C(100000)  /* or this, with clients that wait */

TAILQ_HEAD(session_queue, session);

static struct {
	_Atomic uint32_t pl_lead;      /* (a) see above */
	_Atomic uint32_t pl_idle;      /* (a) workers that wait */
	_Atomic bool pl_stop;	       /* (a) no more calls */
	int pl_events;		       /* (s) */
	int pl_listening;	       /* (s) */
	bool pl_far;		       /* (s) clients are elsewhere */
	struct session_queue pl_hot;   /* (L) */
	struct session_queue pl_ready; /* (L) */
	struct session_queue pl_meets; /* (L) */
	uint32_t pl_nhot;	       /* (L) */
	uint32_t pl_looks;	       /* (L) at bells of many */
	int64_t pl_spin;	       /* (L) how long to look */
	int64_t pl_free;	       /* (L) saved up, see above */
	uint32_t pl_calls;	       /* (L) that were made */
	int64_t pl_now;	 /* (L) when it last looked at the clock */
	int64_t pl_tick; /* (L) deadlines were looked at */
	int64_t pl_busy; /* (L) others were let in while clients waited */
} pool = {
    .pl_hot = TAILQ_HEAD_INITIALIZER(pool.pl_hot),
    .pl_ready = TAILQ_HEAD_INITIALIZER(pool.pl_ready),
    .pl_meets = TAILQ_HEAD_INITIALIZER(pool.pl_meets),
};

static _Thread_local struct worker *curworker;

int
pool_events(void)
{
	return pool.pl_events;
}

int64_t
pool_now(void)
{
	return pool.pl_now;
}

/*
 * Hot sessions
 */

void
pool_heat(struct session *se)
{
	se->se_quiet = 0;
	if (se->se_ishot)
		return;
	atomic_store_explicit(&se->se_shm->sh_cold, 0, memory_order_relaxed);
	TAILQ_INSERT_TAIL(&pool.pl_hot, se, se_hot);
	se->se_ishot = true;
	pool.pl_nhot++;
}

void
pool_expect(struct session *se)
{
	pool_heat(se);
	if (pool.pl_spin < SPIN_MOST)
		pool.pl_spin = SPIN_MOST;
}

static void
pool_chill(struct session *se)
{
	TAILQ_REMOVE(&pool.pl_hot, se, se_hot);
	se->se_ishot = false;
	pool.pl_nhot--;
}

void
pool_forget(struct session *se)
{
	turns_forget(se);
	if (se->se_ishot)
		pool_chill(se);
	if (se->se_meets)
		TAILQ_REMOVE(&pool.pl_meets, se, se_meet);
	se->se_meets = false;
	if (se->se_npending != 0)
		TAILQ_REMOVE(&pool.pl_ready, se, se_ready);
	se->se_npending = 0;
	memset(se->se_pending, 0, sizeof(se->se_pending));
}

void
pool_ready(struct session *se, uint32_t slot)
{
	uint64_t bit = UINT64_C(1) << slot % 64;

	if ((se->se_pending[slot / 64] & bit) != 0)
		return;
	se->se_pending[slot / 64] |= bit;
	if (se->se_npending++ == 0)
		TAILQ_INSERT_TAIL(&pool.pl_ready, se, se_ready);
}

void
pool_meet(struct session *se)
{
	se->se_meets = true;
	TAILQ_INSERT_TAIL(&pool.pl_meets, se, se_meet);
}

/* It has made a call. */
static void
bell_rang(struct session *se)
{
	se->se_rare = pool.pl_now - se->se_called > SE_RARE_NSEC;
	se->se_called = pool.pl_now;
	se->se_quiet = 0;
}

void
pool_rang(struct session *se, uint32_t slot)
{
	pool_ready(se, slot);
	bell_rang(se);
	if (unlikely(!se->se_ishot))
		pool_heat(se);
}

/*
 * Take the bits of its bell.  True if there are some.  Those of slots with
 * turns stay there: turns_look looks at these themselves, so that neither side
 * has to have the bell's line from the other one for each call.
 */
static bool
bell_take(struct session *se)
{
	uint32_t i, had = se->se_npending;
	uint64_t bits;

	for (i = 0; i < SP_NBELLS; i++) {
		_Atomic uint64_t *bell = &se->se_shm->sh_bell[i];

		bits = atomic_load_explicit(bell, memory_order_relaxed);
		if (likely((bits & ~se->se_turns[i]) == 0))
			continue;
		/*
		 * Who finds his bit set does not set it: after this, what he
		 * has done before is seen.
		 */
		bits = atomic_exchange_explicit(bell, 0, memory_order_seq_cst);
		atomic_thread_fence(memory_order_seq_cst);
		bits &= ~se->se_pending[i] & ~se->se_turns[i];
		se->se_pending[i] |= bits;
		se->se_npending += (uint32_t)__builtin_popcountll(bits);
	}
	if (se->se_npending == 0)
		return false;
	if (had == 0)
		TAILQ_INSERT_TAIL(&pool.pl_ready, se, se_ready);
	bell_rang(se);
	return true;
}

/* It has to send a byte from now on.  False if it has just rung. */
static bool
bell_cool(struct session *se)
{
	/* Pairs with the client: its bit is set, then it reads sh_cold. */
	atomic_store_explicit(&se->se_shm->sh_cold, 1, memory_order_seq_cst);
	atomic_thread_fence(memory_order_seq_cst);
	if (bell_take(se)) {
		atomic_store_explicit(
		    &se->se_shm->sh_cold, 0, memory_order_relaxed);
		return false;
	}
	pool_chill(se);
	return true;
}

/*
 * So many hot sessions that it takes time to look at all of them.  Of a few,
 * most wait for another one's program.
 */
static bool
pool_crowded(void)
{
	return pool.pl_nhot >= MANY * (uint32_t)kern_config.kc_ncpu;
}

/* Look at all hot sessions.  True if there is something to do. */
static bool
bells_scan(void)
{
	bool found = turns_look();
	struct session *se;

	TAILQ_FOREACH (se, &pool.pl_hot, se_hot)
		if (bell_take(se))
			found = true;
	return found;
}

/* The same of many, of which some are looked at now and then. */
static bool
bells_scan_some(void)
{
	uint32_t n = pool.pl_nhot / PARTS + 1;
	bool found = turns_look();
	struct session *se;

	if (++pool.pl_looks % LOOKS_SOME != 0)
		return found;
	while (n-- > 0 && (se = TAILQ_FIRST(&pool.pl_hot)) != NULL) {
		TAILQ_REMOVE(&pool.pl_hot, se, se_hot);
		TAILQ_INSERT_TAIL(&pool.pl_hot, se, se_hot);
		if (bell_take(se) ||
		    (++se->se_quiet > QUIET_MOST && !bell_cool(se)))
			found = true;
	}
	return found;
}

static bool
bells_cool(void)
{
	struct session *se, *next;
	bool found = false;

	for (se = TAILQ_FIRST(&pool.pl_hot); se != NULL; se = next) {
		next = TAILQ_NEXT(se, se_hot);
		if (!bell_cool(se))
			found = true;
	}
	/* Those may have seen that they need not tell. */
	return turns_look() || found;
}

/* The next slot to look at, in turn from all sessions. */
static struct session *
ready_take(uint32_t *slotp)
{
	struct session *se = TAILQ_FIRST(&pool.pl_ready);
	uint32_t i, bit;

	if (se == NULL)
		return NULL;
	TAILQ_REMOVE(&pool.pl_ready, se, se_ready);
	for (i = 0; se->se_pending[i] == 0; i++)
		continue;
	bit = (uint32_t)__builtin_ctzll(se->se_pending[i]);
	se->se_pending[i] &= se->se_pending[i] - 1;
	if (--se->se_npending != 0)
		TAILQ_INSERT_TAIL(&pool.pl_ready, se, se_ready);
	*slotp = i * 64 + bit;
	return se;
}

/*
 * Events
 */

#define NEVENTS	   64
#define POOL_KINDS (POOL_PROCESS | POOL_RIGHTS)

/* Deadlines are looked at twice a second. */
#define TICK_MS	  500
#define TURNS_MS  1 /* somebody waits for his turn */
#define TICK_NSEC INT64_C(500000000)

static void
events_expire(void)
{
	int64_t now;

	if (!session_waiting())
		return;
	now = hyper_clock(HYPER_CLOCK_COARSE);
	if (now - pool.pl_tick < TICK_NSEC)
		return;
	pool.pl_tick = now;
	session_expire();
}

/* Wait for events, at most ms milliseconds, and see to them.  False: none. */
static bool
events_wait(int ms)
{
	struct hyper_event ev[NEVENTS];
	int i, n = 0;

	(void)hyper_events_wait(pool.pl_events, ev, NEVENTS, ms, &n);
	for (i = 0; i < n; i++) {
		uint64_t word = ev[i].he_word;
		void *what = (void *)(uintptr_t)(word & ~(uint64_t)POOL_KINDS);

		if (word == 0)
			session_accept(pool.pl_listening, pool.pl_far);
		else if ((word & POOL_RIGHTS) != 0)
			rights_gone(what);
		else
			session_event(
			    what, (word & POOL_PROCESS) != 0, ev[i].he_events);
	}
	session_bury();
	events_expire();
	return n != 0;
}

/*
 * Leading
 */

/* A look at the bells brought something, after so long. */
static void
spin_longer(int64_t spent)
{
	if (pool.pl_spin < 2 * spent + SPIN_LEAST)
		pool.pl_spin = 2 * spent + SPIN_LEAST;
	if (pool.pl_spin > proxy_config.pc_spin)
		pool.pl_spin = proxy_config.pc_spin;
}

/*
 * Whether to look on, after so long; *until: as long nobody is asked.  *idle:
 * there are processors for all who want to run, as far as is known.
 */
static bool
spin_isfree(int64_t spent, int64_t *until, bool *idle)
{
	if (spent < *until)
		return true;
	*until = spent + FREE_NSEC;
	*idle = hyper_running() <= kern_config.kc_ncpu;
	if (!*idle) {
		if (pool.pl_free < FREE_NSEC)
			return false;
		pool.pl_free -= FREE_NSEC;
	} else if ((pool.pl_free += FREE_NSEC) > FREE_MOST)
		pool.pl_free = FREE_MOST;
	return true;
}

/* Look at the bells a few times.  True if one rang. */
static bool
bells_look(bool crowded)
{
	uint32_t i;

	for (i = 0; i < LOOKS_MANY; i++) {
		if (crowded ? bells_scan_some() : bells_scan())
			return true;
		cpu_pause();
	}
	return false;
}

/* Pages for what clients will write; a fork of the host waits for that. */
static void
leader_refill(void)
{
	if (syscall_enter() == NULL)
		return;
	kmem_ready();
	syscall_exit();
}

/* Look at the bells for a while.  True if one rang, or something happened. */
static bool
leader_spin(void)
{
	bool crowded = pool_crowded(), idle = false;
	int64_t start = hyper_clock(HYPER_CLOCK_MONOTONIC), spent = 0;
	int64_t events = start + EVENTS_NSEC, asks = SPIN_MOST;

	pool.pl_now = start;
	while ((spent < pool.pl_spin && spin_isfree(spent, &asks, &idle)) ||
	       (turns_waited() && spent < SPIN_TURNS)) {
		if (bells_look(crowded)) {
			spin_longer(spent);
			return true;
		}
		leader_refill();
		if (turns_idle(pool.pl_now, pool.pl_now - start)) {
			start = pool.pl_now;
			/* Whose turn has ended may have made a call. */
			if (!TAILQ_EMPTY(&pool.pl_ready))
				return true;
		} else if (kern_config.kc_ncpu == 1 && spent > SPIN_LEAST)
			hyper_yield();
		pool.pl_now = hyper_clock(HYPER_CLOCK_MONOTONIC);
		spent = pool.pl_now - start;
		/* Who connects does not wait for the end of this. */
		if (pool.pl_now >= events) {
			if (idle)
				hyper_yield();
			if (events_wait(0))
				return true;
			events = pool.pl_now + EVENTS_NSEC;
		}
	}
	pool.pl_spin /= 2;
	if (pool.pl_spin < SPIN_LEAST)
		pool.pl_spin = SPIN_LEAST;
	return false;
}

static bool
pool_stopping(void)
{
	return atomic_load_explicit(&pool.pl_stop, memory_order_relaxed);
}

static void *worker_main(void *);

/*
 * Somebody else leads.  Without a thread to take over, calls wait until this
 * one's is done: as the host has none to give, there is nothing better to do.
 */
static void
lead_give(struct worker *w)
{
	w->w_leader = false;
	atomic_store_explicit(&pool.pl_lead, 1, memory_order_seq_cst);
	if (atomic_load_explicit(&pool.pl_idle, memory_order_seq_cst) != 0)
		hyper_wake(&pool.pl_lead, 1);
	else
		(void)hyper_start(worker_main, NULL);
}

void
pool_handover(struct worker *w)
{
	if (!w->w_leader)
		return;
	turns_leave(w->w_call.c_session, w->w_call.c_slot, w->w_call.c_parks);
	lead_give(w);
}

/* Handshakes: false if there was one, and somebody else leads by now. */
static bool
leader_meets(struct worker *w)
{
	struct session *se = TAILQ_FIRST(&pool.pl_meets);

	if (likely(se == NULL))
		return true;
	TAILQ_REMOVE(&pool.pl_meets, se, se_meet);
	se->se_meets = false;
	session_hold(se);
	lead_give(w);
	stream_shake(se);
	session_rele(se);
	return false;
}

/*
 * Let others in, between two of many calls.  To ask the host takes longer than
 * a call: where clients wait for their turns, all others can wait for a moment.
 */
static void
leader_admit(void)
{
	int64_t now;

	if (turns_waited()) {
		now = hyper_clock(HYPER_CLOCK_MONOTONIC);
		if (now - pool.pl_busy < BUSY_NSEC)
			return;
		pool.pl_busy = now;
	}
	(void)events_wait(0);
}

/* Make calls until there is none.  False if somebody else leads by now. */
static bool
leader_calls(struct worker *w)
{
	struct session *se;
	uint32_t slot;

	while (!pool_stopping()) {
		if (!leader_meets(w))
			return false;
		if ((se = ready_take(&slot)) == NULL)
			break;
		call_run(w, se, slot);
		if (!w->w_leader)
			return false;
		if (++pool.pl_calls % CALLS_MOST == 0)
			leader_admit();
	}
	return true;
}

/*
 * Until there is an event.  Who has a turn and is not heard of waits for a
 * processor, it seems: meanwhile it is the next one's turn, now and then.
 */
static void
leader_sleep(void)
{
	int64_t slept;

	if (!turns_waited()) {
		(void)events_wait(session_waiting() ? TICK_MS : -1);
		slept = hyper_clock(HYPER_CLOCK_MONOTONIC) - pool.pl_now;
		if (slept < proxy_config.pc_spin)
			spin_longer(slept);
		return;
	}
	(void)events_wait(TURNS_MS);
	pool.pl_now = hyper_clock(HYPER_CLOCK_MONOTONIC);
	if (!bells_scan())
		(void)turns_idle(pool.pl_now, TURNS_MS * INT64_C(1000000));
}

static void
worker_lead(struct worker *w)
{
	while (leader_calls(w)) {
		if (pool_stopping())
			server_end();
		session_bury();
		if (leader_spin())
			continue;
		if (bells_cool())
			continue;
		memory_clean();
		leader_sleep();
	}
}

/*
 * Workers
 */

/* Be the leader, if nobody is. */
static bool
lead_take(struct worker *w)
{
	uint32_t free = 1;

	/* Acquire pairs with the release in lead_give. */
	w->w_leader = atomic_compare_exchange_strong_explicit(&pool.pl_lead,
	    &free, 0, memory_order_acquire, memory_order_relaxed);
	return w->w_leader;
}

/* Wait until nobody leads.  False if there are enough who wait. */
static bool
lead_wait(struct worker *w)
{
	bool stay;

	if (lead_take(w))
		return true;
	/* Pairs with lead_give: pl_lead is written, then pl_idle read. */
	stay = atomic_fetch_add_explicit(
		   &pool.pl_idle, 1, memory_order_seq_cst) < IDLE_MOST;
	while (!lead_take(w) && stay)
		(void)hyper_wait(&pool.pl_lead, 0, HYPER_FOREVER);
	atomic_fetch_sub_explicit(&pool.pl_idle, 1, memory_order_relaxed);
	return w->w_leader;
}

/* arg: not NULL if it may only be where it begins. */
static void *
worker_main(void *arg)
{
	struct worker w = {0};

	if (arg != NULL)
		hyper_cpu_stay(false);
	if (remote_thread() != 0)
		return NULL;
	curworker = &w;
	remote_thread_serve(true);
	while (lead_wait(&w))
		worker_lead(&w);
	remote_thread_serve(false);
	call_fini(&w);
	return NULL;
}

/* A call is about to sleep. */
static void
pool_sleep(void)
{
	if (curworker != NULL)
		pool_handover(curworker);
}

bool
pool_stop(void)
{
	if (curworker == NULL)
		return false;
	atomic_store_explicit(&pool.pl_stop, true, memory_order_relaxed);
	return true;
}

static const struct remote_ops pool_ops = {
    .ro_signal = session_signal,
    .ro_sleep = pool_sleep,
    .ro_tree = session_tree,
    .ro_late = session_late,
    .ro_ended = session_ended,
};

int
pool_start(int listening, bool far)
{
	/* Clients that wait already are about to be woken where they were. */
	bool stay = proxy_config.pc_listening != HYPER_NOFD;
	int error;

	/* So that its handle is there from the beginning on. */
	(void)hyper_running();
	pool.pl_spin = proxy_config.pc_spin;
	pool.pl_listening = listening;
	pool.pl_far = far;
	if ((error = hyper_events_create(&pool.pl_events)) != 0)
		return error;
	error = hyper_events_add(pool.pl_events, listening, HYPER_EV_IN, 0);
	remote_register(&pool_ops);
	atomic_store_explicit(&pool.pl_lead, 1, memory_order_release);
	if (error != 0)
		return error;
	if (!stay)
		return hyper_start(worker_main, NULL);
	hyper_cpu_stay(true);
	error = hyper_start(worker_main, &pool);
	hyper_cpu_stay(false);
	return error;
}
