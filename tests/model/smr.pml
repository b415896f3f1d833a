/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Safe memory reclamation: src/kern/smr.h and smr.c.  An updater replaces the
 * one object of a structure, retires the old one and frees what it can; a
 * reader reads; a third host thread reads and frees what is on the common
 * list, where the updater puts some of what it retires, as a host thread that
 * ends does.
 *
 * Stores wait in a buffer of each host thread, in order, before others see
 * them; loads are in order.  A read-modify-write with release order comes
 * after the buffer is empty.  Either the host has membarrier, which waits for
 * every buffer, and entry is only a store; or it has not, and entry has a
 * fence.
 *
 * Holds in every order of steps: no object is freed while somebody who found
 * it in a section can still use it; in the end all that was retired can be
 * freed.
 *
 * Mutations, each of which must be caught:
 *	BUG_NOBARRIER	no membarrier before the scan
 *	BUG_NOFENCE	without membarrier, no fence at entry either
 *	BUG_NORELEASE	the new sequence is seen before the unlinking
 *	BUG_OLDGOAL	the goal is a sequence that readers already have
 *	BUG_SELF	the scan leaves out the one who scans
 *	BUG_NOSCAN	the scan stops at the first host thread
 */
#define THREADS	3
#define UPDATES 2
#define OBJECTS (UPDATES + 1)
#define NEVER	255

mtype = { HT_SMR, LINK };

/* What everybody sees. */
byte ke_seq = 1;
byte ht_smr[THREADS];
byte link;
bool freed[OBJECTS];

/* Stores that only their host thread knows of. */
chan buffer[THREADS] = [3] of { mtype, byte };

bool strong;		/* the host has no membarrier */

/* What is retired: its goal.  The updater's list, then the common one. */
#define OWN    0
#define COMMON OBJECTS
byte goals[2 * OBJECTS];

byte ended;

/* A buffered store becomes visible. */
proctype memory(byte who)
{
	byte value;

	do
	:: d_step { buffer[who]?HT_SMR, value -> ht_smr[who] = value; value = 0 }
	:: d_step { buffer[who]?LINK, value -> link = value; value = 0 }
	:: ended == THREADS && empty(buffer[who]) -> break
	od
}

inline smr_enter()
{
	n = ke_seq;
	d_step { buffer[me]!HT_SMR, n; n = 0 };
#ifndef BUG_NOFENCE
	if
	:: strong -> empty(buffer[me])
	:: else
	fi
#endif
}

inline smr_exit()
{
	buffer[me]!HT_SMR, 0
}

/* What was found in this section can be looked at until its end. */
inline use(object)
{
	assert(!freed[object])
}

inline membarrier()
{
#ifndef BUG_NOBARRIER
	if
	:: !strong ->
		empty(buffer[0]);
		empty(buffer[1]);
		empty(buffer[2])
	:: else
	fi;
#endif
	empty(buffer[me])	/* the fence */
}

inline smr_oldest()
{
	membarrier();
	d_step { oldest = NEVER; n = 0 };
	do
	:: n < THREADS ->
		d_step {
			if
#ifdef BUG_SELF
			:: n != me && ht_smr[n] != 0 && ht_smr[n] < oldest ->
#else
			:: ht_smr[n] != 0 && ht_smr[n] < oldest ->
#endif
				oldest = ht_smr[n]
			:: else
			fi;
			n++
		};
#ifdef BUG_NOSCAN
		n = THREADS
#endif
	:: else -> break
	od;
	n = 0
}

/* Free what is on a list; the common one is covered by a lock. */
inline smr_free(list)
{
	d_step {
		n = 0;
		do
		:: n < OBJECTS ->
			if
			:: goals[list + n] != 0 && goals[list + n] <= oldest ->
				assert(!freed[n]);
				freed[n] = true;
				goals[list + n] = 0
			:: else
			fi;
			n++
		:: else -> break
		od;
		n = 0;
		oldest = 0
	}
}

/* The goal: a sequence that was not there before. */
inline smr_set_goal()
{
#ifndef BUG_NORELEASE
	empty(buffer[me]);
#endif
	d_step {
#ifdef BUG_OLDGOAL
		goal = ke_seq;
		ke_seq++
#else
		ke_seq++;
		goal = ke_seq
#endif
	}
}

proctype updater(byte me)
{
	byte i, old, goal, n, oldest;

	do
	:: i < UPDATES ->
		smr_enter();
		old = link;
		i++;
		buffer[me]!LINK, i;
		smr_set_goal();
		if
		:: goals[OWN + old] = goal
		:: goals[COMMON + old] = goal
		fi;
		goal = 0;
		smr_oldest();
		smr_free(OWN);
		use(old);
		smr_exit()
	:: else -> break
	od;
	old = 0;
	ended++
}

proctype reader(byte me; byte sections; bool polls)
{
	byte i, object, n, oldest;

	do
	:: i < sections ->
		i++;
		smr_enter();
		object = link;
		use(object);
		if
		:: polls ->
			smr_oldest();
			smr_free(COMMON);
			use(object)
		:: else
		fi;
		smr_exit();
		object = 0
	:: else -> break
	od;
	ended++
}

init {
	byte n, oldest;

	atomic {
		if
		:: strong = true
		:: strong = false
		fi;
		run memory(0);
		run memory(1);
		run memory(2);
		run updater(0);
		run reader(1, 2, false);
		run reader(2, 1, true)
	};
	/* Everybody has left: nothing is in the way of what was retired. */
	ended == THREADS && _nr_pr == 1;
	assert(ht_smr[0] == 0 && ht_smr[1] == 0 && ht_smr[2] == 0);
	oldest = NEVER;
	smr_free(OWN);
	oldest = NEVER;
	smr_free(COMMON);
	assert(freed[0] && freed[1] && !freed[2])
}
