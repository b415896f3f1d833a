/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Telling who waits for an object, and going to sleep: klist_notify of
 * src/kern/event.h, pollwait_sleep of poll.c, evitem_tell, evqueue_take,
 * evqueue_pass and evqueue_wait of evqueue.c, epoll_add and epoll_collect of
 * epoll.c.
 *
 * Somebody writes into an object and tells.  One lwp polls it until all is
 * written; two read it, a unit at a time, for which they wait in an epoll that
 * tells the level, or one, which reads all there is, in one that tells the
 * edge.  What a lock covers and nobody can look into is one step; that
 * locks work is kmutex.pml, that sleeps do, sleep.pml.
 *
 * Holds in every order of steps: nobody sleeps for good.
 *
 * Mutations, each of which must be caught:
 *	BUG_LATEHANG	poll looks before it hangs its knote, and not after
 *	BUG_EARLYLOAD	who writes asks for knotes before it has written
 *	BUG_FORGET	poll forgets what it was told before it sleeps
 *	BUG_NOPOST	epoll_ctl does not look after it has hung the knote
 *	BUG_NOLOOK	epoll_wait sleeps without a look at the ready list
 *	BUG_LATETAKE	an item leaves the ready list after its file was asked
 *	BUG_NOPASS	who collects wakes nobody for what is left
 */
#define WRITES	2
#define UNITS	2	/* a write */
#define ALL	(WRITES * UNITS)

bool edge;

/* The object: what is under its lock, and its list. */
byte data, written;
bool kl_locked;
byte kl_count;
bool poll_hangs, item_hangs;

/* The pollwait. */
bool told, poll_sleeps;

/* The queue, with its one item. */
bool eq_mtx, ready;
bool sleeps[2];

byte consumed;

/* evitem_tell, and cv_take of whoever waits. */
inline item_tell()
{
	atomic {
		ready = true;
		if
		:: sleeps[0] -> sleeps[0] = false
		:: sleeps[1] -> sleeps[1] = false
		:: else
		fi
	}
}

inline object_notify()
{
	if
	:: waited > 0 ->
		atomic { !kl_locked -> kl_locked = true };
		if
		:: poll_hangs ->
			atomic { told = true; poll_sleeps = false }
		:: else
		fi;
		if
		:: item_hangs -> item_tell()
		:: else
		fi;
		kl_locked = false
	:: else
	fi
}

proctype writer()
{
	byte i, waited;

	do
	:: i < WRITES ->
		i++;
#ifdef BUG_EARLYLOAD
		waited = kl_count;
#endif
		atomic { data = data + UNITS; written = written + UNITS };
#ifndef BUG_EARLYLOAD
		waited = kl_count;
#endif
		object_notify();
		waited = 0
	:: else -> break
	od
}

inline poll_hang()
{
	atomic { !kl_locked -> poll_hangs = true; kl_count++ }
}

proctype poller()
{
	bool found;

#ifdef BUG_LATEHANG
	found = (written == ALL);
	poll_hang();
#else
	poll_hang();
	found = (written == ALL);
#endif
	do
	:: !found ->
		/* pollwait_sleep: under pw_lock up to the sleep. */
#ifdef BUG_FORGET
		told = false;
#endif
		atomic {
			if
			:: !told -> poll_sleeps = true
			:: else
			fi
		};
		!poll_sleeps;
		told = false;
		found = (written == ALL)
	:: else -> break
	od;
	atomic { !kl_locked -> poll_hangs = false; kl_count-- };
	found = false
}

/* epoll_collect: one item at most; `got' if it was reported. */
inline collect()
{
	atomic { !eq_mtx -> eq_mtx = true };
#ifdef BUG_LATETAKE
	if
	:: ready ->
		got = (data > 0);
		ready = false
	:: else
	fi;
#else
	atomic { taken = ready; ready = false };
	if
	:: taken -> got = (data > 0)
	:: else
	fi;
#endif
	if
	:: got && !edge -> ready = true
	:: else
	fi;
	eq_mtx = false;
#ifndef BUG_NOPASS
	/* evqueue_pass. */
	atomic {
		if
		:: ready && sleeps[1 - me] -> sleeps[1 - me] = false
		:: else
		fi
	};
#endif
	taken = false
}

inline consume()
{
	if
	:: edge ->
		do
		:: atomic { data > 0 -> data--; consumed++ }
		:: data == 0 -> break
		od
	:: else ->
		/* The other may have been faster. */
		atomic {
			if
			:: data > 0 -> data--; consumed++; mine++
			:: else
			fi
		}
	fi
}

/* Enough for this reader: half, or all. */
#define ENOUGH (edge -> consumed == ALL : mine == ALL / 2)

proctype reader(byte me)
{
	byte mine;
	bool got, taken;

	do
	:: !(ENOUGH) ->
		if
		:: ready -> collect()
		:: else
		fi;
		if
		:: got ->
			got = false;
			consume()
		:: else ->
			/* evqueue_wait: under eq_lock up to the sleep. */
			atomic {
				if
#ifdef BUG_NOLOOK
				:: sleeps[me] = true
#else
				:: !ready -> sleeps[me] = true
				:: else
#endif
				fi
			};
			!sleeps[me]
		fi
	:: else -> break
	od;
	mine = 0
}

/* epoll_add, with the writer at work. */
inline add()
{
	atomic { !kl_locked -> item_hangs = true; kl_count++ };
#ifndef BUG_NOPOST
	if
	:: data > 0 -> item_tell()
	:: else
	fi
#endif
}

init
{
	if
	:: edge = true
	:: true
	fi;
	atomic { run writer(); run poller() };
	add();
	atomic {
		run reader(0);
		if
		:: !edge -> run reader(1)
		:: else
		fi
	}
}
