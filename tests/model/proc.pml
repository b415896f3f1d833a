/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of a process: src/kern/proc.c and pid.c.  Host threads make
 * processes, find them by pid and put lwps into them, change their pid, and
 * release lwps; a process goes with its last one.  Structures and pids are
 * used again, and whoever looks a pid up holds no lock until he has found
 * one.
 *
 * Holds in every order of steps:
 *	right process	an lwp is put into the process that has the pid, and
 *			only while that is active
 *	ends once	a process ends when, and only when, it has no lwp
 *	one name	a process that is active is found by its pid
 *	nothing lost	in the end all structures and all pids are free
 *
 * Mutations, each of which must be caught:
 *	BUG_NOPID	the finder does not compare the pid under the lock
 *	BUG_NOSTATE	newlwp does not look whether the process is active
 *	BUG_EARLY	a new process is active before its first lwp is in it
 *	BUG_NOLOCK	an lwp leaves its process without the lock
 *	BUG_OLDPID	the old pid is looked up before the lock is taken, so
 *			that two that change it free it twice
 */
#define THREADS	3
#define PROCS	2
#define PIDS	3
#define CALLS	4	/* that make something, by all together */
#define NONE	255

mtype = { FREE, ACTIVE, DYING };

/* struct proc */
mtype p_state[PROCS] = FREE;
byte p_pid[PROCS] = NONE;
byte p_nlwps[PROCS];
byte p_lock[PROCS] = NONE;
bool cached[PROCS] = true;	/* free structures */

byte ps_proc[PIDS] = NONE;	/* pid slots */

/* What is really so. */
byte members[PROCS];	/* lwps, as their host threads believe */
bool living[PROCS];
byte calls;
byte ended;

inline mutex_enter(x)
{
	d_step { p_lock[x] == NONE -> p_lock[x] = me }
}

inline mutex_exit(x)
{
	d_step { assert(p_lock[x] == me); p_lock[x] = NONE }
}

/* Take any free pid for x. */
inline pid_alloc(x)
{
	if
	:: d_step { ps_proc[0] == NONE -> ps_proc[0] = x; id = 0 }
	:: d_step { ps_proc[1] == NONE -> ps_proc[1] = x; id = 1 }
	:: d_step { ps_proc[2] == NONE -> ps_proc[2] = x; id = 2 }
	fi
}

/* p is a structure that was free and nobody else can have now. */
inline proc_create()
{
	p_nlwps[p] = 0;
	pid_alloc(p);
	p_pid[p] = id;
#ifdef BUG_EARLY
	p_state[p] = ACTIVE;
#endif
	d_step {
		assert(!living[p] && members[p] == 0);
		living[p] = true;
		members[p] = 1;
		bound = p;
		p_nlwps[p] = 1
	};
	p_state[p] = ACTIVE
}

/* The process with this pid, locked, or NONE. */
inline proc_find_locked()
{
	p = ps_proc[id];
	if
	:: p != NONE ->
		mutex_enter(p);
		if
#ifdef BUG_NOPID
		:: p_state[p] != FREE
#else
		:: p_pid[p] == id && p_state[p] != FREE
#endif
		:: else ->
			mutex_exit(p);
			p = NONE
		fi
	:: else
	fi
}

inline newlwp()
{
	proc_find_locked();
	if
	:: p != NONE ->
		if
#ifdef BUG_NOSTATE
		:: true ->
#else
		:: p_state[p] == ACTIVE ->
#endif
			assert(p_pid[p] == id);
			assert(p_nlwps[p] > 0);
			p_nlwps[p]++;
			d_step { members[p]++; bound = p }
#ifndef BUG_NOSTATE
		:: else		/* EBUSY */
#endif
		fi;
		mutex_exit(p)
	:: else			/* ESRCH */
	fi
}

inline setid()
{
#ifdef BUG_OLDPID
	old = p_pid[bound];
#endif
	if
	:: d_step { ps_proc[id] == NONE -> ps_proc[id] = bound; p = bound }
	:: else -> p = NONE	/* EBUSY */
	fi;
	if
	:: p != NONE ->
		mutex_enter(bound);
#ifndef BUG_OLDPID
		old = p_pid[bound];
#endif
		p_pid[bound] = id;
		mutex_exit(bound);
		/* It is still ours to free. */
		assert(ps_proc[old] == bound);
		ps_proc[old] = NONE
	:: else
	fi;
	old = 0
}

inline proc_exit()
{
	d_step {
		assert(members[p] == 0 && living[p]);
		living[p] = false
	};
	id = p_pid[p];
	mutex_enter(p);
	d_step {
		assert(p_state[p] == DYING && p_nlwps[p] == 0);
		p_state[p] = FREE;
		p_pid[p] = NONE
	};
	mutex_exit(p);
	assert(ps_proc[id] == p);
	ps_proc[id] = NONE;
	cached[p] = true
}

inline releaselwp()
{
	d_step { p = bound; members[p]--; bound = NONE };
#ifndef BUG_NOLOCK
	mutex_enter(p);
#endif
	assert(p_state[p] == ACTIVE);
	n = p_nlwps[p] - 1;
	p_nlwps[p] = n;
	if
	:: n == 0 -> p_state[p] = DYING
	:: else
	fi;
#ifndef BUG_NOLOCK
	mutex_exit(p);
#endif
	if
	:: n == 0 -> proc_exit()
	:: else
	fi
}

inline clean()
{
	d_step { p = 0; id = 0; n = 0 }
}

proctype hostthread(byte me)
{
	byte bound = NONE;
	byte p, id, old, n;

	do
	:: d_step { bound == NONE && calls < CALLS && cached[0] ->
		calls++; cached[0] = false; p = 0 };
		proc_create();
		clean()
	:: d_step { bound == NONE && calls < CALLS && cached[1] ->
		calls++; cached[1] = false; p = 1 };
		proc_create();
		clean()
	:: atomic { bound == NONE && calls < CALLS ->
		calls++;
		if
		:: id = 0
		:: id = 1
		:: id = 2
		fi };
		newlwp();
		clean()
	:: atomic { bound != NONE && calls < CALLS ->
		calls++;
		if
		:: id = 0
		:: id = 1
		:: id = 2
		fi };
		setid();
		clean()
	:: bound != NONE ->
		releaselwp();
		clean()
	:: bound == NONE -> break
	od;
	ended++
}

init {
	atomic {
		run hostthread(0);
		run hostthread(1);
		run hostthread(2)
	};
	ended == THREADS;
	assert(cached[0] && cached[1] && !living[0] && !living[1]);
	assert(p_state[0] == FREE && p_state[1] == FREE);
	assert(ps_proc[0] == NONE && ps_proc[1] == NONE && ps_proc[2] == NONE)
}
