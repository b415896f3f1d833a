/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The shared/exclusive lock of src/kern/lock.h and lock.c: the fast ways in
 * and out, and the slow ways that park on the word.
 *
 * Holds in every order of steps:
 *	exclusion	a writer is inside alone
 *	no lost wake-up	whoever waits gets in; nobody is parked for good
 *	nothing left	in the end nobody holds it and no writer waits
 *
 * Mutations, each of which must be caught:
 *	BUG_NOMARK	park without the mark that says so
 *	BUG_NOCOMPARE	park without looking at the word once more
 *	BUG_WAKEONE	wake one sleeper where all must try again
 *	BUG_READEROUT	the last reader leaves without waking anybody
 *	BUG_PARKFREE	a reader parks although the lock is free, because a
 *			writer was waiting a moment ago
 *	BUG_OVERTAKE	a reader does not look for a writer that is inside
 */
#define ROUNDS	2

#include "futex.inc"

#define WRITER	128
#define WAITERS 64
#define HOLD(w) ((w) & ~WAITERS)	/* held at all */

byte rw_word;
byte rw_writers;
byte readers, writers;	/* really inside */
byte ended;

inline cas(from, to)
{
	d_step {
		if
		:: rw_word == (from) -> rw_word = (to); got = true
		:: else -> got = false
		fi
	}
}

#ifdef BUG_PARKFREE
#define READER_MAY(w) (rw_writers == 0)
#else
#define READER_MAY(w) (HOLD(w) == 0 || rw_writers == 0)
#endif
#ifdef BUG_OVERTAKE
#define HAS_WRITER(w) false
#else
#define HAS_WRITER(w) (((w) & WRITER) != 0)
#endif
#ifdef BUG_NOMARK
#define MARK 0
#else
#define MARK WAITERS
#endif

inline rw_park()
{
	if
	:: (w & WAITERS) == 0 -> cas(w, w | MARK)
	:: else -> got = true
	fi;
	if
	:: got -> hyper_wait(rw_word, w | MARK)
	:: else
	fi
}

inline rw_wake()
{
	rw_word = rw_word & ~WAITERS;
#ifdef BUG_WAKEONE
	hyper_wake_one()
#else
	hyper_wake_all()
#endif
}

inline rw_enter_read()
{
	w = rw_word;
	if
	:: (w & (WRITER | WAITERS)) == 0 -> cas(w, w + 1)
	:: else -> got = false
	fi;
	if
	:: got
	:: else -> rw_enter_read_slow()
	fi
}

/* Spinning is going round without parking: an order of steps like others. */
inline rw_enter_read_slow()
{
	do
	:: true ->
		w = rw_word;
		if
		:: !HAS_WRITER(w) && READER_MAY(w) ->
			cas(w, w + 1);
			if
			:: got -> break
			:: else
			fi
		:: else -> rw_park()
		fi
	od
}

inline rw_exit_read()
{
	d_step {
		w = rw_word;
		rw_word--
	};
	if
#ifdef BUG_READEROUT
	:: false
#else
	:: w == (WAITERS | 1) -> rw_wake()
#endif
	:: else
	fi
}

inline rw_enter_write()
{
	cas(0, WRITER);
	if
	:: got
	:: else -> rw_enter_write_slow()
	fi
}

inline rw_enter_write_slow()
{
	rw_writers++;
	do
	:: true ->
		w = rw_word;
		if
		:: HOLD(w) == 0 ->
			cas(w, w | WRITER);
			if
			:: got -> break
			:: else
			fi
		:: else -> rw_park()
		fi
	od;
	rw_writers--
}

inline rw_exit_write()
{
	d_step {
		w = rw_word;
		rw_word = rw_word & ~WRITER
	};
	if
	:: (w & WAITERS) != 0 -> rw_wake()
	:: else
	fi
}

proctype hostthread(byte me)
{
	byte w, round;
	bool got;

	do
	:: round < ROUNDS ->
		if
		:: true ->
			rw_enter_read();
			readers++;
			assert(writers == 0);
			readers--;
			rw_exit_read()
		:: true ->
			rw_enter_write();
			writers++;
			assert(writers == 1 && readers == 0);
			writers--;
			rw_exit_write()
		fi;
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
	assert(HOLD(rw_word) == 0 && rw_writers == 0)
}
