/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Turns of a server's clients: src/proxy/turns.c.  Two threads make calls, of
 * which one has a turn; the other is told to sleep in its next call until it
 * is its turn.  A call may sleep, and is answered by somebody else then, who
 * knows of no turns.
 *
 * In the real thing the sleep for a turn has an end, so that all goes on
 * whatever happens; here that happens once.
 *
 * Holds in every order of steps:
 *	no lost turn	who sleeps for his turn gets it, or his call sleeps
 *	no turn asleep	who sleeps in his call has no turn, and gets none
 *
 * Mutations, each of which must be caught:
 *	BUG_WAKEONLY	it is somebody's turn, but his word still says sleep
 *	BUG_WAKEFIRST	he is woken before his word says so
 *	BUG_NOCOMPARE	a thread sleeps without looking at its word once more
 *	BUG_LOOKLATE	a thread looks whether to sleep once the call is posted:
 *			what it finds may be meant for its next call
 *	BUG_NOCOUNT	a word that has changed to and fro looks the same
 *	BUG_STALE	a turn is given to who has been told to sleep before
 *	BUG_ASLEEP	who is told to sleep goes on sleeping when his call does
 *	BUG_FORGET	who has been answered is not noted as one who waits
 *	BUG_STAYS	who has gone on without it, and sleeps in his next
 *			call, is still one who waits
 *	BUG_BOTH	who has a turn too many is told, but his turn goes on
 */
#define CALLS 3
#define OTHER (1 - n)

bool request[2];	/* a call is to be answered */
byte word[2];		/* ss_turn: odd is SP_PARK, the rest counts */
bool parked[2];		/* sleeps on it */
bool parks[2];		/* ss_seen of the request: it sleeps for its turn */
bool turn[2], waits[2]; /* the leader's: se_turns, se_parked */
bool taken[2];		/* a worker has the call */
bool early;		/* somebody has gone on before it was his turn */
byte ended;

inline tell(n)
{
#ifdef BUG_NOCOUNT
	word[n] = 1
#else
	word[n] = (word[n] | 1) + 2
#endif
}

inline unpark(n)
{
#ifdef BUG_WAKEFIRST
	parked[n] = false;
	word[n] = word[n] & 254
#else
#ifndef BUG_WAKEONLY
	word[n] = word[n] & 254;
#endif
	parked[n] = false
#endif
}

inline leave(n)
{
	turn[n] = false;
#ifndef BUG_STAYS
	waits[n] = false;
#endif
	if
	:: parks[n] ->
#ifdef BUG_ASLEEP
		skip
#else
		unpark(n)
#endif
	:: else
	fi
}

/* An answer of the leader's is about to be there. */
inline answer(n)
{
	if
	:: turn[n] && waits[OTHER] -> turn[n] = false; tell(n)
	:: turn[n] && turn[OTHER] -> /* a turn too many */
#ifndef BUG_BOTH
		turn[n] = false;
#endif
		tell(n)
	:: turn[n]
	:: !turn[n] && parks[n] ->
#ifdef BUG_FORGET
		skip
#else
		waits[n] = true
#endif
	:: !turn[n] && !parks[n] && !turn[OTHER] && !waits[OTHER] ->
		turn[n] = true;
#ifndef BUG_STALE
		word[n] = word[n] & 254
#endif
	:: !turn[n] && !parks[n] && (turn[OTHER] || waits[OTHER]) ->
		tell(n)
	:: !turn[n] && !parks[n] /* it calls rarely */
	fi;
	request[n] = false;
	if
	:: turn[n] && waits[OTHER] -> turn[n] = false; tell(n) /* it is near */
	:: true
	fi
}

inline pass(n)
{
	assert(!taken[n]);
	waits[n] = false;
	if
	:: turn[OTHER] -> turn[OTHER] = false; tell(OTHER)
	:: turn[OTHER]	/* it is on its way */
	:: !turn[OTHER]
	fi;
	turn[n] = true;
	unpark(n)
}

/* A worker, for a call that has slept. */
proctype worker(byte n)
{
	d_step {
		taken[n] = false;
		request[n] = false
	}
}

proctype leader()
{
	do
	:: request[0] && !taken[0] ->
		if
		:: answer(0)
		:: leave(0); taken[0] = true; run worker(0)
		fi
	:: request[1] && !taken[1] ->
		if
		:: answer(1)
		:: leave(1); taken[1] = true; run worker(1)
		fi
	:: waits[0] && (!request[1] || taken[1]) -> pass(0)
	:: waits[1] && (!request[0] || taken[0]) -> pass(1)
	:: ended == 2 -> break
	od
}

proctype thread(byte me)
{
	byte calls;
	byte mine;

	do
	:: calls < CALLS ->
		calls++;
#ifdef BUG_LOOKLATE
		d_step {
			parks[me] = word[me] & 1;
			request[me] = true
		};
		mine = word[me];
#else
		mine = word[me];
		d_step {
			parks[me] = mine & 1;
			request[me] = true
		};
#endif
		if
		:: mine & 1 ->
#ifdef BUG_NOCOMPARE
			parked[me] = true;
#else
			d_step {
				if
				:: word[me] == mine -> parked[me] = true
				:: else
				fi
			};
#endif
			if
			:: !parked[me]
			:: parked[me] && !early ->
				early = true;
				parked[me] = false
			fi
		:: !(mine & 1)
		fi;
		!request[me]
	:: else -> break
	od;
	ended++
}

init
{
	atomic {
		run leader();
		run thread(0);
		run thread(1)
	}
}
