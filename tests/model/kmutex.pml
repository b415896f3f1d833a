/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mutual exclusion lock of src/kern/lock.h and lock.c: the fast way in
 * and out, the spin, and the slow way that parks on the word.
 *
 * Holds in every order of steps:
 *	exclusion	one host thread at a time is inside
 *	no lost wake-up	whoever waits gets in; nobody is parked for good
 *	nothing left	in the end the word is free, with no mark on it
 *
 * Mutations, each of which must be caught:
 *	BUG_NOMARK	park without the mark that says so
 *	BUG_TAKECLEAN	who has parked takes the lock without the mark, so
 *			that another that is parked is forgotten
 *	BUG_NOCOMPARE	park without looking at the word once more
 *	BUG_LOADSTORE	leave with a load and a store, not an exchange
 *	BUG_NOCAS	take it with a load and a store
 */
#define ROUNDS	2

#include "futex.inc"

#define FREE	0
#define WAITERS 1
#define MINE	((me + 1) << 1)

byte m_word = FREE;
byte inside;
byte ended;

/* Compare-and-swap; `got' tells. */
inline cas(from, to)
{
	d_step {
		if
		:: m_word == (from) -> m_word = (to); got = true
		:: else -> got = false
		fi
	}
}

inline mutex_tryenter()
{
#ifdef BUG_NOCAS
	got = (m_word == FREE);
	if
	:: got -> m_word = MINE
	:: else
	fi
#else
	cas(FREE, MINE)
#endif
}

inline mutex_enter()
{
	mutex_tryenter();
	if
	:: got
	:: else -> mutex_enter_slow()
	fi
}

inline mutex_enter_slow()
{
	/* The spin: any number of tries is as good as one or none. */
	if
	:: mutex_tryenter()
	:: true
	fi;
	if
	:: got
	:: else ->
		w = m_word;
		do
		:: w == FREE ->
#ifdef BUG_TAKECLEAN
			cas(FREE, MINE);
#else
			cas(FREE, MINE | WAITERS);
#endif
			if
			:: got -> break
			:: else -> w = m_word
			fi
		:: w != FREE ->
#ifdef BUG_NOMARK
			got = true;
#else
			if
			:: (w & WAITERS) == 0 -> cas(w, w | WAITERS)
			:: else -> got = true
			fi;
#endif
			if
			:: got ->
#ifdef BUG_NOMARK
				hyper_wait(m_word, w)
#else
				hyper_wait(m_word, w | WAITERS)
#endif
			:: else
			fi;
			w = m_word
		od
	fi
}

inline mutex_exit()
{
#ifdef BUG_LOADSTORE
	w = m_word;
	m_word = FREE;
#else
	d_step {
		w = m_word;
		m_word = FREE
	};
#endif
	assert((w >> 1) == me + 1);
	if
	:: (w & WAITERS) != 0 -> hyper_wake_one()
	:: else
	fi
}

proctype hostthread(byte me)
{
	byte w, round;
	bool got;

	do
	:: round < ROUNDS ->
		mutex_enter();
		inside++;
		assert(inside == 1);
		inside--;
		mutex_exit();
		d_step {
			round++;
			w = 0;
			got = false
		}
	:: else -> break
	od;
	ended++
}

init {
	atomic {
		hyper_init();
		run hostthread(0);
		run hostthread(1);
		run hostthread(2)
	};
	ended == THREADS;
	assert(m_word == FREE)
}
