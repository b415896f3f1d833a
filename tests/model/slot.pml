/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who makes the call in a slot, and when the slot is free for the next one:
 * src/proxy/call.c.  A client makes one call after the other, and interrupts
 * them, for which the slot is looked at, too.  The leader makes a call, or
 * hands it over to a worker, who ends it later.  It looks at the slot when its
 * bell rings, or, if the slot has a turn, before it sleeps (see bell.pml).
 *
 * Holds in every order of steps:
 *	each once	no call is made twice
 *	none lost	all are made
 *
 * Mutations, each of which must be caught:
 *	BUG_FREEFIRST	the slot is free before it is DONE
 *	BUG_NOENDING	a worker does not say that its call is ending
 *	BUG_ENDLATE	he does so when it is DONE
 *	BUG_DROP	the leader does not look again at one that is ending
 *	BUG_OLD		who has a slot does not look whether there is a call
 *	BUG_ASLEEP	of a slot with a turn it takes one that is ending for
 *			busy
 */
#define CALLS 3

bool request;		/* ss_state is REQUEST, or DONE */
bool bell;
bool cold, told;	/* the leader is to be told that there is a call */
byte call;		/* se_calls */
#define NONE   0
#define MADE   1
#define ENDING 2
bool turn;
byte posted, made;
bool over;

/* The call is made by somebody. */
inline make()
{
	made++;
	assert(made <= posted)
}

proctype worker()
{
	make();
#ifdef BUG_FREEFIRST
	call = NONE;
	request = false
#else
#if !defined(BUG_NOENDING) && !defined(BUG_ENDLATE)
	call = ENDING;
#endif
	request = false;
#ifdef BUG_ENDLATE
	call = ENDING;
#endif
	call = NONE
#endif
}

/* There was one when it looked. */
inline begin()
{
	seen = call;
	if
	:: seen == MADE
	:: seen == ENDING ->
#ifndef BUG_DROP
		pending = true
#else
		skip
#endif
	:: seen == NONE ->
		if
#ifdef BUG_OLD
		:: true ->
#else
		:: !request
		:: request ->
#endif
			call = MADE;
			if
			:: true ->
				make();
				request = false;
				call = NONE
			:: turn = false; run worker()
			fi
		fi
	fi
}

inline ready()
{
	if
	:: request -> begin()
	:: else
	fi
}

/* Is there a call that nobody makes?  For a slot with a turn. */
inline look()
{
	new = false;
	if
	:: request ->
#ifdef BUG_ASLEEP
		new = (call == NONE)
#else
		new = (call != MADE)
#endif
	:: else
	fi
}

proctype leader()
{
	bool new, pending;
	byte seen;

	do
	:: pending -> pending = false; ready()
	:: !pending && bell && !turn -> bell = false; ready()
	:: !pending && turn ->
		cold = true;
		look();
		if
		:: new -> begin()
		:: !new ->
			if
			:: told -> told = false
			:: over -> break
			fi
		fi
	:: !pending && !turn && !request -> turn = true
	:: !pending && !turn && over -> break
	od
}

active proctype client()
{
	run leader();
	do
	:: posted < CALLS ->
		posted++;
		request = true;
		bell = true;
		if
		:: cold -> cold = false; told = true
		:: else
		fi;
		if
		:: bell = true /* an interrupt */
		:: true
		fi;
		!request
	:: posted == CALLS -> break
	od;
	assert(made == posted);
	over = true
}
