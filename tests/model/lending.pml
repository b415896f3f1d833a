/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lending of files: src/kern/filedesc.h and filedesc.c.  A process has
 * one lwp, which uses a descriptor without counting.  Two other host threads
 * each put an lwp into the process, use the descriptor themselves, and
 * release the lwp; one of them closes the descriptor.  Between its calls the
 * first lwp is left and taken again.
 *
 * Stores wait in a buffer of each host thread, in order, before others see
 * them; a read-modify-write comes after the buffer is empty, and membarrier
 * waits for the buffers of all.
 *
 * Holds in every order of steps: no file is closed that a call still uses, it
 * is closed once, no two change the table at once, and in the end all
 * references are gone.
 *
 * Mutations, each of which must be caught:
 *	BUG_NOBARRIER	newlwp does not wait for the buffers
 *	BUG_NOWAIT	newlwp does not wait for the loan to end
 *	BUG_NOLENDER	a second newlwp does not wait, since the first does
 *	BUG_NONE	newlwp only looks at who runs the lwp and writes nothing
 *			there, so that who takes it may miss the mark
 *	BUG_NOLOOK	the borrower does not look whether it may borrow
 *	BUG_NOSETTLE	a loan is kept over a sleep
 *	BUG_NORECHECK	who counts does not look at the slot once more
 *	BUG_ALONE	the table is private again while others can see it
 *	BUG_UNMARKED	the table is changed without a word, if it is private
 *	BUG_UNLOCKED	it is changed with a mark alone, private or not
 */
#define THREADS 3
#define CALLS	3	/* of the first lwp */
#define NOBODY	255

mtype = { PRIVATE, SHARED };
mtype = { BORROWED, FD_SHARED };	/* what a buffered store is to */

/* What everybody sees. */
mtype fd_shared = PRIVATE;
bool borrowed;			/* l_borrowed of the first lwp */
bool slot = true;		/* the descriptor names the file */
byte f_count = 1;
byte p_nlwps = 1;
bool fd_lender;			/* it is the first lwp */
bool running;			/* l_state of the first lwp */
byte p_lock = NOBODY;
byte fd_lock = NOBODY;
byte changing;			/* who is in the middle of a change */

chan buffer[THREADS] = [3] of { mtype, mtype };

bool closed;
byte ended;

proctype memory(byte who)
{
	mtype value;

	do
	:: d_step { buffer[who]?BORROWED, value ->
		borrowed = (value == SHARED); value = 0 }
	:: d_step { buffer[who]?FD_SHARED, value ->
		fd_shared = value; value = 0 }
	:: ended == THREADS && empty(buffer[who]) -> break
	od
}

/* Of the first lwp: its buffer, then what everybody sees. */
#define LEND   buffer[me]!BORROWED, SHARED
#define UNLEND buffer[me]!BORROWED, PRIVATE
#define DRAIN  empty(buffer[me])

inline mutex_enter(lock)
{
	d_step { lock == NOBODY && empty(buffer[me]) -> lock = me }
}

inline mutex_exit(lock)
{
	DRAIN;
	lock = NOBODY
}

/* In the middle of a change; what follows it is a step of its own. */
inline begin_change()
{
	d_step { assert(changing == 0); changing++ }
}

inline end_change()
{
	changing--
}

inline use()
{
	assert(!closed)
}

inline file_rele()
{
	DRAIN;
	d_step {
		assert(f_count > 0);
		f_count--;
		if
		:: f_count == 0 -> assert(!closed); closed = true
		:: else
		fi
	}
}

/* A reference of its own, or EBADF: got is false. */
inline fd_getref()
{
	got = slot;
	if
	:: got ->
		DRAIN;
		d_step {
			got = (f_count > 0);
			f_count = (got -> f_count + 1 : 0)
		};
		if
#ifndef BUG_NORECHECK
		:: got && !slot ->
			file_rele();
			got = false
#else
		/* It may be another file by now: then this is not ours. */
		:: got -> assert(slot || f_count > 1)
#endif
		:: else
		fi
	:: else
	fi
}

/* The first lwp: is it alone again? */
inline reclaim_private()
{
	alone = false;
	if
	:: p_nlwps == 1 && fd_shared == SHARED ->
#ifdef BUG_ALONE
		alone = true;
#else
		mutex_enter(p_lock);
		alone = (p_nlwps == 1);
#endif
		if
		:: alone ->
			fd_lender = false;
			buffer[me]!FD_SHARED, PRIVATE
		:: else
		fi;
#ifndef BUG_ALONE
		mutex_exit(p_lock)
#endif
	:: else
	fi
}

/* The first lwp: got and maybe a loan, got and a reference, or EBADF. */
inline fd_getfile()
{
	do
	:: true ->
		got = slot;
		if
		:: !got -> break
		:: else
		fi;
		LEND;
		loan = true;
		/* It sees its own store before others do. */
		mark = fd_shared;
#ifndef BUG_NOLOOK
		if
		:: mark == PRIVATE || buffer[me]??[FD_SHARED, PRIVATE] -> break
		:: else
		fi;
#else
		break;
#endif
		UNLEND;
		loan = false;
		reclaim_private();
		if
		:: alone -> alone = false
		:: else ->
			fd_getref();
			break
		fi
	od;
	mark = 0
}

/* A call: use it, perhaps sleep, use it again. */
inline call()
{
	fd_getfile();
	if
	:: got ->
		use();
		if
		:: loan ->
#ifndef BUG_NOSETTLE
			DRAIN;
			f_count++;
			UNLEND;
			loan = false
#else
			UNLEND
#endif
		:: true
		fi;
		use();
		if
		:: loan -> UNLEND; loan = false
		:: else -> file_rele()
		fi;
		got = false
	:: else
	fi
}

/* The first lwp: a table that nobody else sees is marked, not locked. */
inline change()
{
#ifndef BUG_UNMARKED
	LEND;
#endif
	mark = fd_shared;
#ifdef BUG_UNLOCKED
	mark = PRIVATE;
#endif
	if
	:: mark == PRIVATE || buffer[me]??[FD_SHARED, PRIVATE] ->
		begin_change();
		end_change();
		UNLEND
	:: else ->
		UNLEND;
		mutex_enter(fd_lock);
		begin_change();
		end_change();
		mutex_exit(fd_lock)
	fi;
	mark = 0
}

proctype first()
{
	byte me, calls;
	bool got, loan, alone;
	mtype mark;

	do
	:: calls < CALLS ->
		calls++;
		/* switch: taken and left. */
		DRAIN;
		running = true;
		if
		:: call()
		:: change()
		fi;
		DRAIN;	/* a release store after those before it */
		running = false
	:: else -> break
	od;
	calls = 0;
	ended++
}

inline fd_make_shared()
{
	wait = false;
	if
	:: fd_shared != PRIVATE ->
#ifndef BUG_NOLENDER
		wait = fd_lender
#else
		skip
#endif
	:: else ->
		buffer[me]!FD_SHARED, SHARED;
#ifndef BUG_NONE
		DRAIN;	/* the write to l_state that changes nothing */
#endif
		wait = running;
		fd_lender = (wait -> true : fd_lender)
	fi
}

inline fd_unlend()
{
#ifndef BUG_NOBARRIER
	empty(buffer[0]);
	empty(buffer[1]);
	empty(buffer[2]);
#endif
#ifndef BUG_NOWAIT
	!borrowed;
#endif
	mutex_enter(p_lock);
	fd_lender = false;
	mutex_exit(p_lock);
	wait = false
}

proctype other(byte me; bool closes)
{
	bool got, wait;

	/* newlwp */
	mutex_enter(p_lock);
	fd_make_shared();
	p_nlwps++;
	mutex_exit(p_lock);
	if
	:: wait -> fd_unlend()
	:: else
	fi;
	/* A call of the new lwp, which never borrows: there is the first. */
	if
	:: closes ->
		mutex_enter(fd_lock);
		begin_change();
		d_step { got = slot; slot = false };
		end_change();
		mutex_exit(fd_lock);
		if
		:: got -> file_rele()
		fi
	:: else ->
		fd_getref();
		if
		:: got ->
			use();
			file_rele()
		:: else
		fi
	fi;
	/* releaselwp */
	mutex_enter(p_lock);
	p_nlwps--;
	mutex_exit(p_lock);
	got = false;
	ended++
}

init {
	atomic {
		run memory(0);
		run memory(1);
		run memory(2);
		run first();
		run other(1, true);
		run other(2, false)
	};
	_nr_pr == 1;
	assert(closed && f_count == 0 && p_nlwps == 1 && !borrowed)
}
