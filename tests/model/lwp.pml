/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who runs an lwp.  The word is l_state of src/kern/proc.h: a kind, the
 * generation of the slot and, when RUNNING, the host thread.  Host threads
 * make lwps, switch by any handle that was ever given out (live, running or
 * stale), leave for the implicit context, release, and end, bound or not.
 *
 * Holds in every order of steps:
 *	one runner	no two host threads run one lwp
 *	stale handle	switching by one always fails, and as "released"
 *	nothing lost	in the end each slot is free and in the list of free
 *			slots once, or is an lwp that nobody runs
 *	no deadlock	nobody waits for anything
 *
 * A fatal switch ends the whole host process in life.  Here it changes
 * nothing and the host thread goes on, which allows all that life allows
 * and more.
 *
 * Mutations, each of which must be caught:
 *	BUG_NOCAS	switch looks, then stores
 *	BUG_NOGEN	switch compares the kind but not the generation
 *	BUG_NOBUMP	release leaves the generation as it is
 *	BUG_EARLYFREE	release frees the slot, then marks it released
 *	BUG_EXITBOUND	a host thread that ends while bound keeps its lwp
 *	BUG_STORELATE	newlwp gives the handle away before the slot is its
 */
#define SLOTS	2
#define THREADS 3
#define CALLS	6	/* by all host threads together */
#define BIRTHS	4	/* lwps made in all, at most */

#define NOBODY	255

mtype = { RELEASED, NONE, RUNNING };

/* l_state of each slot. */
mtype kind[SLOTS] = RELEASED;
byte gen[SLOTS];
byte runner[SLOTS];

/* The caches of free slots, as one set. */
bool freeslot[SLOTS] = true;

/* What the application was ever given: a slot and its generation then. */
byte hslot[BIRTHS];
byte hgen[BIRTHS];
byte nhandles;

/* What is really so, for the assertions. */
byte calls;
byte births;
byte releases;
byte life[SLOTS];	/* which lwp lives in the slot: counts from 1 */
byte lives;
byte hlife[BIRTHS];	/* which lwp the handle was given for */
byte users[SLOTS];	/* host threads that believe they run it */
byte ended;

/* The last thing before an lwp is given up, the first after it is taken. */
inline run_end(s)
{
	assert(users[s] == 1);
	users[s]--
}

inline run_begin(s)
{
	users[s]++;
	assert(users[s] == 1)
}

/* Leave the lwp that is current, if any, not running: a release store. */
inline give_back()
{
	if
	:: bound != NOBODY ->
		d_step {
			assert(kind[bound] == RUNNING && runner[bound] == me);
			run_end(bound);
			kind[bound] = NONE;
			runner[bound] = 0
		};
		bound = NOBODY
	:: else
	fi
}

/* s is a slot that was free and that nobody else can have now. */
inline newlwp()
{
#ifdef BUG_STORELATE
	publish_handle();
#endif
	d_step {
		assert(kind[s] == RELEASED);
		lives++;
		life[s] = lives;
		kind[s] = RUNNING;
		runner[s] = me;
		run_begin(s)
	};
#ifndef BUG_STORELATE
	publish_handle();
#endif
	give_back();
	bound = s
}

inline publish_handle()
{
	d_step {
		hslot[nhandles] = s;
		hgen[nhandles] = gen[s];
#ifdef BUG_STORELATE
		hlife[nhandles] = lives + 1;
#else
		hlife[nhandles] = life[s];
#endif
		nhandles++
	}
}

inline switch_to(h)
{
	s = hslot[h];
#ifdef BUG_NOCAS
	seen = kind[s];
	stale = (gen[s] != hgen[h]);
	if
	:: seen == NONE && !stale ->
		d_step {
			kind[s] = RUNNING;
			runner[s] = me
		}
	:: else
	fi;
#else
	/* Compare-and-swap: generation and NONE against RUNNING and me. */
	d_step {
		seen = kind[s];
#ifdef BUG_NOGEN
		stale = false;
#else
		stale = (gen[s] != hgen[h]);
#endif
		if
		:: seen == NONE && !stale ->
			kind[s] = RUNNING;
			runner[s] = me
		:: else
		fi
	};
#endif
	if
	:: seen == NONE && !stale ->
		/* It must be the very lwp that the handle was given for. */
		d_step {
			assert(life[s] == hlife[h]);
			run_begin(s)
		};
		give_back();
		bound = s
	:: stale || seen == RELEASED ->
		/* "has been released": and that must be true. */
		assert(life[s] != hlife[h] || kind[s] == RELEASED)
	:: !stale && seen == RUNNING ->
		/* "is already running", here or elsewhere. */
		skip
	fi
}

inline releaselwp()
{
	s = bound;
	bound = NOBODY;
#ifdef BUG_EARLYFREE
	freeslot[s] = true;
#endif
	d_step {
		assert(kind[s] == RUNNING && runner[s] == me);
		run_end(s);
		kind[s] = RELEASED;
		runner[s] = 0;
#ifndef BUG_NOBUMP
		gen[s]++;
#endif
		life[s] = 0;
		releases++
	};
#ifndef BUG_EARLYFREE
	freeslot[s] = true
#endif
}

proctype hostthread(byte me)
{
	byte bound = NOBODY;
	byte s, h;
	mtype seen;
	bool stale;

	do
	:: d_step { calls < CALLS && births < BIRTHS && freeslot[0] ->
		calls++; births++; freeslot[0] = false; s = 0 };
		newlwp()
	:: d_step { calls < CALLS && births < BIRTHS && freeslot[1] ->
		calls++; births++; freeslot[1] = false; s = 1 };
		newlwp()
	:: atomic { calls < CALLS && nhandles > 0 ->
		calls++;
		if
		:: h = 0
		:: nhandles > 1 -> h = 1
		:: nhandles > 2 -> h = 2
		:: nhandles > 3 -> h = 3
		fi };
		switch_to(h)
	:: d_step { calls < CALLS && bound != NOBODY -> calls++ };
		give_back()		/* switch(NULL) */
	:: d_step { calls < CALLS && bound != NOBODY -> calls++ };
		releaselwp()
	:: atomic {
		s = 0; h = 0; seen = 0; stale = false;
		break }
	od;

	/* The host thread ends. */
#ifndef BUG_EXITBOUND
	give_back();
#endif
	ended++
}

init {
	byte s, alive;

	atomic {
		s = 1;
		do
		:: s <= THREADS -> run hostthread(s); s++
		:: else -> break
		od
	};
	ended == THREADS;
	d_step {
		s = 0;
		do
		:: s < SLOTS ->
			assert(users[s] == 0);
			assert(kind[s] == NONE ||
			    (kind[s] == RELEASED && freeslot[s]));
			assert(!(kind[s] == NONE && freeslot[s]));
			alive = alive + (kind[s] == NONE -> 1 : 0);
			s++
		:: else -> break
		od;
		assert(alive == births - releases)
	}
}
