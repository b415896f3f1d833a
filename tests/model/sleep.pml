/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sleeping, waking and interrupting: src/kern/sleep.c.  Two lwps take items
 * that a producer makes; they sleep on a condition variable, and a deadline may
 * pass.  A third party interrupts them.
 *
 * The mutex is one step here; kmutex.pml is about it.  A caller that is
 * interrupted or late leaves without another look at the items, so a wake-up
 * that was spent on it would be missed by the other.
 *
 * Holds in every order of steps:
 *	no lost wake-up	nobody sleeps for good while there is an item
 *	no lost interrupt  an interrupt gives EINTR or is still to be seen
 *	counts once	there is no EINTR without an interrupt of its own
 *	one list	an lwp is on the list of sleepers at most once
 *
 * Mutations, each of which must be caught:
 *	BUG_PASSBY	a wake-up that meets an interrupted lwp stops there
 *	BUG_LOOKFIRST	look for an interrupt before, not after, ASLEEP is
 *			written
 *	BUG_TWICE	take the disturbance for an interrupt without a look
 *			at whether it was seen before
 *	BUG_LATEFIRST	a sleeper that is late says so even if it was woken
 *	BUG_STAY	an interrupted lwp stays on the list
 *	BUG_NOCOMPARE	park without looking at the word once more
 */
#define LWPS	   2
#define TAKES	   2	/* by each lwp */
#define ITEMS	   2
#define INTERRUPTS 2
#define LATES	   1	/* deadlines that pass, in all, or none */

#define NOBODY 255

mtype = { AWAKE, ASLEEP, WOKEN, INTERRUPTED };
mtype = { OK, EINTR, ETIMEDOUT };

mtype l_sleep[LWPS] = AWAKE;
bool flag[LWPS];	/* LW_INTERRUPT */
bool parked[LWPS];
chan cv = [LWPS] of { byte };	/* the list of sleepers */
bool listed[LWPS];		/* l_cv is not NULL */

byte mutex = NOBODY;
byte items;
byte lates;		/* still to come */

byte due[LWPS];		/* interrupts begun and not yet answered */

#define PRODUCER    (LWPS)
#define INTERRUPTER (LWPS + 1)

inline mutex_enter(who)
{
	d_step { mutex == NOBODY -> mutex = who }
}

inline mutex_exit(who)
{
	d_step {
		assert(mutex == who);
		mutex = NOBODY
	}
}

#ifdef BUG_NOCOMPARE
#define MUST_WAIT true
#else
#define MUST_WAIT (l_sleep[me] == ASLEEP)
#endif

/* Park; in life it may also return for no reason, and the loop goes round. */
inline lwp_park()
{
#ifndef BUG_LOOKFIRST
	if
	:: flag[me] ->
		d_step {
			if
			:: l_sleep[me] == ASLEEP -> l_sleep[me] = INTERRUPTED
			:: else
			fi
		}
	:: else
	fi;
#endif
	do
	:: !late && l_sleep[me] == ASLEEP ->
		d_step {
			if
			:: MUST_WAIT -> parked[me] = true
			:: else
			fi
		};
end_park:	if
		:: !parked[me]
		:: d_step { parked[me] && lates > 0 ->
			lates--;
			parked[me] = false;
			late = true }
		fi
	:: else -> break
	od
}

/* Has it been interrupted?  Counts once. */
inline take_interrupt()
{
	d_step {
		got = flag[me];
		flag[me] = false;
		if
		:: got ->
			assert(due[me] > 0);
			due[me] = 0;
			taken = true
		:: else
		fi
	}
}

inline cv_sleep()
{
	error = OK;
	late = false;
	got = false;
	take_interrupt();
	if
	:: got -> error = EINTR
	:: else ->
		d_step {
			assert(!listed[me]);
			listed[me] = true;
			cv!me
		};
		l_sleep[me] = ASLEEP;
		mutex_exit(me);
		lwp_park();
		mutex_enter(me);
#ifndef BUG_STAY
		d_step {
			if
			:: listed[me] ->
				cv??eval(me);
				listed[me] = false
			:: else
			fi
		};
#endif
		d_step {
			how = l_sleep[me];
			l_sleep[me] = AWAKE
		};
		assert(how != AWAKE);
#ifdef BUG_LATEFIRST
		how = (late -> ASLEEP : how);
#endif
		if
		:: how == INTERRUPTED ->
			take_interrupt();
#ifdef BUG_TWICE
			got = true;
#endif
			if
			:: got -> error = EINTR
			:: else
			fi
		:: how == ASLEEP && late -> error = ETIMEDOUT
		:: how == WOKEN
		fi
	fi;
	/* EINTR exactly if an interrupt was taken for it. */
	assert((error == EINTR) == taken);
	d_step {
		taken = false;
		got = false;
		how = 0;
		late = false
	}
}

proctype sleeper(byte me)
{
	byte takes;
	mtype how, error;
	bool late, got, taken;

	do
	:: takes < TAKES ->
		takes++;
		mutex_enter(me);
		error = OK;
		do
		:: items == 0 && error == OK -> cv_sleep()
		:: else -> break
		od;
		if
		:: error == OK -> items--
		:: else
		fi;
		mutex_exit(me)
	:: else -> break
	od;
	error = 0
}

inline end_sleep(l, to, ended_it)
{
	d_step {
		ended_it = (l_sleep[l] == ASLEEP);
		if
		:: ended_it -> l_sleep[l] = to
		:: else
		fi
	};
	if
	:: ended_it -> parked[l] = false
	:: else
	fi
}

inline cv_signal()
{
	do
	:: nempty(cv) ->
		d_step {
			cv?l;
			listed[l] = false
		};
		end_sleep(l, WOKEN, done);
#ifdef BUG_PASSBY
		done = true;
#endif
		if
		:: done -> break
		:: else
		fi
	:: empty(cv) -> break
	od
}

active proctype producer()
{
	byte made, l;
	bool done;

	do
	:: made < ITEMS ->
		mutex_enter(PRODUCER);
		made++;
		items++;
		cv_signal();
		mutex_exit(PRODUCER)
	:: else -> break
	od
}

active proctype interrupter()
{
	byte n, l;
	bool done;

	do
	:: n < INTERRUPTS ->
		n++;
		if
		:: l = 0
		:: l = 1
		fi;
		d_step {
			flag[l] = true;
			due[l]++
		};
		end_sleep(l, INTERRUPTED, done)
	:: true -> break
	od
}

init {
	atomic {
		if
		:: lates = LATES
		:: true
		fi;
		run sleeper(0);
		run sleeper(1)
	};
	/* When nothing more can happen: who still sleeps must be right to. */
	timeout;
	d_step {
		assert(!(parked[0] && l_sleep[0] != ASLEEP));
		assert(!(parked[1] && l_sleep[1] != ASLEEP));
		assert(!((parked[0] || parked[1]) && items > 0));
		assert(due[0] == 0 || flag[0]);
		assert(due[1] == 0 || flag[1]);
		assert(!(parked[0] && flag[0]));
		assert(!(parked[1] && flag[1]));
		assert(mutex == NOBODY)
	}
}
