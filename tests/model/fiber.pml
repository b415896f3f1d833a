/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who takes turns on the fiber host: src/hyper/fiber/sched.c.  The main context
 * and two fibers yield, park, with a deadline or without, wake each other and
 * end, in any order; the main context also lets all of them run, and is told
 * when they cannot.  How many switches there are between two looks at the
 * timers is left open, and so is what is due by then.
 *
 * Holds in every order of steps:
 *	one runs	what a context does, it does while it is the current one
 *			and, but for the main context, the first of the ring
 *	once		a context is in the ring once, or not at all
 *	its turn	park returns when the context was woken or is late
 *	no lost wake-up	who was woken runs again, before anybody gives up
 *	no false alarm	main is told that nobody can go on only if that is so
 *	all		run returns when there is no fiber left
 *
 * Mutations, each of which must be caught:
 *	BUG_STALE	a context that is woken keeps its deadline
 *	BUG_IDLE	main takes a switch to it for its turn
 *	BUG_TURN	main stays in the ring when it is its turn
 *	BUG_GIVEUP	main gives up while somebody waits for a deadline
 *	BUG_LEAVE	a fiber that parks stays in the ring
 */
#define MAIN  0
#define ALL   3
#define STEPS 2	/* of each context */

mtype = { READY, PARKED, ENDED };

byte cur = MAIN;
mtype state[ALL] = READY;
chan ring = [ALL] of { byte };
bool member[ALL];	/* of the ring */
bool timed[ALL];	/* its deadline is in the heap */
bool late[ALL];
bool word[ALL];		/* what it waits for has come */
byte count = 2;		/* fibers that have not ended */

inline ring_put(f)
{
	assert(!member[f]);
	member[f] = true;
	state[f] = READY;
	ring!f
}

inline ring_take(s)
{
	assert(ring?[eval(me)]);
	ring?_;
	member[me] = false;
	state[me] = s
}

inline fiber_wake(f)
{
	if
	:: state[f] == PARKED ->
#ifndef BUG_STALE
		timed[f] = false;
#endif
		ring_put(f)
	:: else
	fi
}

/* Another context's turn, until it is ours. */
inline fiber_switch(to)
{
	assert(cur == me);
	cur = to;
	cur == me
}

/* The timers are looked at when the slice is over: any time. */
inline fiber_next()
{
	if
	:: nempty(ring) && !ring?[eval(me)] -> ring?<to>
	:: to = MAIN
	fi;
	fiber_switch(to);
	to = MAIN
}

inline main_timers()
{
	d_step {
		f = MAIN;
		do
		:: f < ALL && timed[f] ->
			/* Due or not; somebody is, if nobody else can run. */
			if
			:: due[f] ->
#ifdef BUG_STALE
				assert(state[f] == PARKED);
#endif
				timed[f] = false;
				late[f] = true;
				fiber_wake(f)
			:: else
			fi;
			due[f] = false;
			f++
		:: f < ALL && !timed[f] ->
			due[f] = false;
			f++
		:: else -> break
		od;
		f = MAIN
	}
}

/* Time passes: any deadline may be over. */
bool due[ALL];
inline time_passes()
{
	f = MAIN;
	do
	:: f < ALL ->
		if
		:: timed[f] -> due[f] = true
		:: true
		fi;
		f++
	:: else -> break
	od;
	f = MAIN
}

#ifdef BUG_GIVEUP
#define NOTIMERS true
#else
#define NOTIMERS (!timed[0] && !timed[1] && !timed[2])
#endif

/* ok: it is our turn or, for all, there is no fiber left. */
inline main_wait()
{
	ok = false;
	do
	:: all && count == 0 -> ok = true; break
	:: else ->
		time_passes();
		main_timers();
		if
		:: empty(ring) && NOTIMERS -> break
		:: empty(ring) && !NOTIMERS -> skip
		:: nempty(ring) ->
			ring?<next>;
			if
			:: next != MAIN -> fiber_switch(next)
			:: else
			fi;
			next = MAIN;
#ifdef BUG_IDLE
			if
			:: !all -> ok = true; break
			:: else
			fi
#else
			if
			:: ring?[MAIN] ->
#ifndef BUG_TURN
				ring_take(READY);
#endif
				ok = true;
				break
			:: else
			fi
#endif
		fi
	od
}

/* What main is told when it cannot go on is true. */
inline check_deadlock()
{
	assert(state[1] == PARKED || state[1] == ENDED);
	assert(state[2] == PARKED || state[2] == ENDED);
	assert(!timed[0] && !timed[1] && !timed[2]);
	assert(!(state[1] == PARKED && word[1]));
	assert(!(state[2] == PARKED && word[2]));
	assert(all || !word[MAIN])
}

inline park_begin()
{
	late[me] = false;
	if
	:: timed[me] = true
	:: timed[me] = false
	fi
}

inline park_end()
{
	assert(cur == me && state[me] == READY);
	assert(!timed[me]);
	word[me] = false
}

inline wake_one()
{
	if
	:: to = 0
	:: to = 1
	:: to = 2
	fi;
	if
	:: to != me && state[to] != ENDED ->
		word[to] = true;
		fiber_wake(to)
	:: else
	fi;
	to = MAIN
}

proctype fiber(byte me)
{
	byte n, to;

	cur == me;
	do
	:: n < STEPS ->
		n++;
		assert(ring?[eval(me)]);
		if
		:: /* yield */
			ring?_;
			ring!me;
			fiber_next();
			assert(cur == me && state[me] == READY)
		:: !word[me] ->
			park_begin();
#ifdef BUG_LEAVE
			state[me] = PARKED;
#else
			ring_take(PARKED);
#endif
			fiber_next();
			assert(word[me] || late[me]);
			park_end()
		:: wake_one()
		fi
	:: true -> break
	od;
	ring_take(ENDED);
	count--;
	if
	:: nempty(ring) -> ring?<to>
	:: to = MAIN
	fi;
	cur = to
}

active proctype main_context()
{
	byte me, n, f, next, to;
	bool ok, all;

	ring_put(1);
	ring_put(2);
	run fiber(1);
	run fiber(2);
	do
	:: n < STEPS ->
		n++;
		wake_one()
	:: n < STEPS && !word[me] ->
		n++;
		park_begin();
		state[me] = PARKED;
		goto wait
	:: n < STEPS -> /* yield */
		n++;
		ring_put(me);
		goto wait
	:: true -> /* run */
		all = true;
wait:
		main_wait();
		assert(ok || all || state[me] == PARKED);
		if
		:: !ok ->
			check_deadlock();
			state[me] = READY
		:: ok && all ->
			assert(count == 0);
			break
		:: ok && !all && (word[me] || late[me]) -> park_end()
		:: ok && !all && !word[me] && !late[me] -> skip
		fi;
		late[me] = false;
		if
		:: all && n == STEPS ->
			/* Who sleeps for good is woken. */
			f = 1;
			do
			:: f < ALL ->
				if
				:: state[f] == PARKED ->
					word[f] = true;
					fiber_wake(f)
				:: else
				fi;
				f++
			:: else -> break
			od;
			f = MAIN
		:: else
		fi;
		all = false
	od;
	assert(empty(ring))
}
