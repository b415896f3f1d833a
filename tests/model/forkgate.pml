/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's fork(2) and the entry of the kernel: src/kern/fork.c, smr.h,
 * smr.c.  Two host threads enter the kernel, work under a lock, sleep and
 * leave; two others fork, one at a time.
 *
 * The store of an entry waits in a buffer before others see it, as in
 * smr.pml.  Either the host has membarrier, which waits for the buffers, or
 * entry has a fence.
 *
 * Holds in every order of steps:
 *	whole copies	at the moment of the copy no lock is held, nothing is
 *			half changed, and nobody is inside but who sleeps
 *	clean child	in the child nobody seems to be inside
 *	no deadlock	who is stopped at the gate goes on afterwards
 *
 * Mutations, each of which must be caught:
 *	BUG_NOBARRIER	no membarrier after the gate is closed
 *	BUG_NOFENCE	without membarrier, no fence at entry either
 *	BUG_CHECKFIRST	look at the gate before saying that one is inside
 *	BUG_NOWAIT	do not wait for those inside
 *	BUG_NOWAKE	open the gate without waking who waits at it
 *	BUG_NORESET	the child keeps what the records of others say
 *	BUG_LOCKSLEEP	sleep with the lock held
 *	BUG_NOGATE	go on after a sleep without a look at the gate
 *	BUG_NOTURN	two may fork at the same time
 */
#define USERS	2
#define NOBODY	255

/* What everybody sees. */
bool ht_smr[USERS];
bool ke_fork;
bool fork_going;

chan buffer[USERS] = [2] of { bool };
bool strong;		/* the host has no membarrier */

/* Who is parked on ke_slow, and on fork_going. */
bool atgate[USERS];
bool waits[USERS];	/* a forker for its turn */

byte lock = NOBODY;
bool torn;		/* what the lock covers is half changed */
bool inside[USERS];	/* really, past the gate */
byte forks;
byte ended;

proctype memory(byte who)
{
	bool value;

	do
	:: d_step { buffer[who]?value -> ht_smr[who] = value; value = false }
	:: ended == USERS && empty(buffer[who]) -> break
	od
}

/* smr_enter_slow's wait: park while the gate is closed. */
inline wait_at_gate()
{
	d_step {
		if
		:: ke_fork -> atgate[me] = true
		:: else
		fi
	};
	!atgate[me]
}

inline fence()
{
#ifndef BUG_NOFENCE
	if
	:: strong -> empty(buffer[me])
	:: else
	fi
#else
	skip
#endif
}

inline smr_enter()
{
	do
	:: true ->
#ifdef BUG_CHECKFIRST
		closed = ke_fork;
		buffer[me]!true;
		fence();
#else
		buffer[me]!true;
		fence();
		closed = ke_fork;
#endif
		if
		:: !closed -> break
		:: else ->
			buffer[me]!false;
			wait_at_gate()
		fi
	od;
	inside[me] = true
}

inline smr_exit()
{
	inside[me] = false;
	buffer[me]!false
}

inline work()
{
	d_step { lock == NOBODY -> lock = me };
	torn = true;
	torn = false
}

proctype user(byte me; byte rounds)
{
	byte round;
	bool closed;

	do
	:: round < rounds ->
		round++;
		smr_enter();
		work();
		if
		:: true ->
			/* cv_wait_sig; whoever wakes it is not needed here. */
#ifndef BUG_LOCKSLEEP
			lock = NOBODY;
#endif
			smr_exit();
#ifdef BUG_NOGATE
			buffer[me]!true;
			inside[me] = true;
#else
			smr_enter();
#endif
#ifdef BUG_LOCKSLEEP
			lock = NOBODY;
#endif
			work()
		:: true
		fi;
		lock = NOBODY;
		smr_exit()
	:: else -> break
	od;
	ended++
}

proctype forker(byte me)
{
	bool got;

	/* fork_prepare: one at a time. */
#ifndef BUG_NOTURN
	do
	:: true ->
		d_step {
			got = !fork_going;
			fork_going = true;
			if
			:: !got -> waits[me] = true
			:: else
			fi
		};
		if
		:: got -> break
		:: else -> !waits[me]
		fi
	od;
#endif

	ke_fork = true;
#ifndef BUG_NOBARRIER
	if
	:: !strong ->
		empty(buffer[0]);
		empty(buffer[1])
	:: else
	fi;
#endif
#ifndef BUG_NOWAIT
	!ht_smr[0];
	!ht_smr[1];
#endif

	/* The copy. */
	d_step {
		assert(!inside[0] && !inside[1]);
		assert(lock == NOBODY && !torn)
	};

	/*
	 * The child, on the records that it was left with: one that was about
	 * to stop at the gate may say that its host thread is inside.
	 */
	if
#ifdef BUG_NORESET
	:: true -> assert(!ht_smr[0] && !ht_smr[1])
#endif
	:: true
	fi;

	/* fork_parent */
	ke_fork = false;
	fork_going = false;
	d_step {
#ifndef BUG_NOWAKE
		atgate[0] = false;
		atgate[1] = false
#else
		skip
#endif
	};
	d_step {
		waits[0] = false;
		waits[1] = false;
		forks++
	}
}

init {
	atomic {
		if
		:: strong = true
		:: strong = false
		fi;
		run memory(0);
		run memory(1);
		run user(0, 2);
		run user(1, 1);
		run forker(0);
		run forker(1)
	};
	_nr_pr == 1;
	assert(forks == 2 && !ke_fork && lock == NOBODY);
	assert(!ht_smr[0] && !ht_smr[1])
}
