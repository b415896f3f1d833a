/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a remote client and its server tell each other of calls, and who sleeps
 * how: src/proxy/pool.c, src/proxy/client/core.c.  Two threads of a client
 * make calls; the server may die at any moment.
 *
 * A slot that has a turn is looked at without its bell, which stays set; both
 * bells are in one word, and taken by one exchange.
 *
 * The socket of the server is `doorbell', its end `dead'; that of the client
 * is `poke'.  What one atomic operation does is one step.
 *
 * Holds in every order of steps:
 *	no lost call	a call is answered unless the server dies
 *	no lost wake-up	a thread whose call is answered goes on
 *	no lost end	all threads see that the server has died
 *
 * Mutations, each of which must be caught:
 *	BUG_LOOKONCE	the server does not look at the bells again after it
 *			has said that it has to be told
 *	BUG_COLDFIRST	a client looks whether it has to tell before it sets
 *			its bell
 *	BUG_BELLFIRST	a client looks whether its bell is set before it posts
 *	BUG_TAKELATE	the server takes a bell once it has looked at the slot
 *	BUG_TURNLOOK	it does not look at a slot whose turn ends
 *	BUG_TURNCOLD	nor, before it sleeps, at one that has a turn
 *	BUG_UNNOTED	a thread looks who watches before, not after, it notes
 *			that it sleeps
 *	BUG_KEEP	who has watched wakes nobody to do so
 *	BUG_NOCHANGE	it wakes them without a change of their slots' words
 *	BUG_SILENT	who watches does not say how he is to be woken
 *	BUG_NOCOMPARE	a thread sleeps without looking at its slot once more
 */
#define THREADS 2
#define CALLS	2

mtype = { REQUEST, DONE };

/* A slot's word: its state and who is to be woken how. */
mtype state[THREADS] = DONE;
bool waits[THREADS];	/* SP_WAITS */
bool watches[THREADS];	/* SP_WAITS_SOCK */

bool bell[THREADS];
bool turn[THREADS];	/* the server's: se_turns; the first one's only */
bool cold = true;
bool doorbell, poke;	/* there are bytes */
bool dead;		/* the server */
bool gone;		/* the client knows */
byte watch;		/* thread + 1 of who watches the socket */
bool sleeps[THREADS];	/* cl_sleepers */
bool parked[THREADS];	/* on its slot */
byte ended;		/* threads that have */

#define OTHER (1 - me)

/* Wake a thread that sleeps on its slot, or is about to. */
inline rouse(n)
{
	if
	:: sleeps[n] ->
#ifndef BUG_NOCHANGE
		waits[n] = false;
#endif
		parked[n] = false
	:: else
	fi
}

inline lost()
{
	gone = true;
	rouse(0);
	rouse(1)
}

inline tell()
{
	d_step {
		told = cold;
		cold = false
	};
	if
	:: told && dead -> lost()
	:: told && !dead -> doorbell = true
	:: else
	fi
}

inline post()
{
#ifdef BUG_BELLFIRST
	isset = bell[me];
#endif
	d_step {
		state[me] = REQUEST;
		waits[me] = false;
		watches[me] = false
	};
#ifdef BUG_COLDFIRST
	if
	:: cold -> tell()
	:: else
	fi;
	bell[me] = true
#else
#ifndef BUG_BELLFIRST
	isset = bell[me];
#endif
	if
	:: !isset -> bell[me] = true
	:: else
	fi;
	if
	:: cold -> tell()
	:: else
	fi
#endif
}

/* Ask to be woken; not if the call is answered. */
inline announce(how)
{
	d_step {
		asked = (state[me] == REQUEST);
		if
		:: asked -> how = true
		:: else
		fi
	}
}

inline watch_sleep()
{
#ifdef BUG_SILENT
	asked = (state[me] == REQUEST);
#else
	announce(watches[me]);
#endif
	if
	:: asked ->
		if
		:: d_step { poke -> poke = false }
		:: dead && !poke -> lost()
		fi
	:: else
	fi
}

inline watch_leave()
{
	watch = 0;
#ifndef BUG_KEEP
	rouse(OTHER)
#endif
}

#ifdef BUG_NOCOMPARE
#define MUST_WAIT true
#else
#define MUST_WAIT (state[me] == REQUEST && waits[me])
#endif

inline slot_sleep()
{
	announce(waits[me]);
	if
	:: asked ->
#ifdef BUG_UNNOTED
		asked = (watch != 0);
		sleeps[me] = true;
#else
		sleeps[me] = true;
		asked = (watch != 0);
#endif
		if
		:: asked && !gone ->
			d_step {
				if
				:: MUST_WAIT -> parked[me] = true
				:: else
				fi
			};
			!parked[me]
		:: else
		fi;
		sleeps[me] = false
	:: else
	fi
}

proctype thread(byte me)
{
	byte calls;
	bool asked, told, mine, isset;

	do
	:: calls < CALLS && !gone ->
		calls++;
		post();
		do
		:: state[me] == DONE || gone -> break
		:: state[me] == REQUEST && !gone ->
			d_step {
				mine = (watch == 0);
				if
				:: mine -> watch = me + 1
				:: else
				fi
			};
			if
			:: mine ->
				do
				:: state[me] == REQUEST && !gone ->
					watch_sleep()
				:: else -> break
				od;
				watch_leave()
			:: else -> slot_sleep()
			fi
		od
	:: else -> break
	od;
	assert(gone || state[me] == DONE);
	ended++
}

/* Look at a slot: make the call, if there is one. */
inline look(n)
{
	d_step {
		wake = (state[n] == REQUEST && waits[n]);
		send = (state[n] == REQUEST && watches[n]);
		state[n] = DONE;
		waits[n] = false;
		watches[n] = false
	};
	if
	:: wake -> parked[n] = false
	:: else
	fi;
	if
	:: send -> poke = true
	:: else
	fi
}

#define RUNG(n)	 (bell[n] && !turn[n])
#define READY(n) (turn[n] && state[n] == REQUEST)

/* Take both bells, and look at the slots without a turn. */
inline take()
{
#ifdef BUG_TAKELATE
	d_step {
		rung[0] = RUNG(0);
		rung[1] = RUNG(1)
	};
#else
	d_step {
		rung[0] = RUNG(0);
		rung[1] = RUNG(1);
		bell[0] = false;
		bell[1] = false
	};
#endif
	if
	:: rung[0] -> look(0)
	:: else
	fi;
	if
	:: rung[1] -> look(1)
	:: else
	fi;
#ifdef BUG_TAKELATE
	d_step {
		bell[0] = false;
		bell[1] = false
	}
#endif
}

/* Its turn ends. */
inline leave(n)
{
	turn[n] = false;
#ifndef BUG_TURNLOOK
	look(n)
#endif
}

#ifdef BUG_TURNCOLD
#define ANYTHING (RUNG(0) || RUNG(1))
#else
#define ANYTHING (RUNG(0) || RUNG(1) || READY(0))
#endif

proctype server()
{
	bool wake, send, rung[THREADS];

	do
	:: RUNG(0) || RUNG(1) -> take()
	:: READY(0) -> look(0)
	:: state[0] == DONE && !turn[0] -> turn[0] = true
	:: turn[0] -> leave(0)
	:: !RUNG(0) && !RUNG(1) && !READY(0) ->
		cold = true;
#ifndef BUG_LOOKONCE
		if
		:: ANYTHING -> cold = false
		:: else ->
#endif
			if
			:: doorbell ->
				doorbell = false;
				cold = false
			:: ended == THREADS -> break
			fi
#ifndef BUG_LOOKONCE
		fi
#endif
	:: ended < THREADS -> dead = true; break
	od
}

init
{
	atomic {
		run server();
		run thread(0);
		run thread(1)
	}
}
