/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Readers that hold a shared/exclusive lock lightly: rw_enter_light of
 * src/kern/lock.h, rw_enter_light_slow and rw_lights_end of lock.c.  How the word
 * is waited for is krwlock.pml; here whoever cannot take it just waits.
 *
 * Stores wait in a buffer of each host thread, in order, before others see
 * them; a read-modify-write comes after the buffer is empty, and membarrier
 * waits for the buffers of all.
 *
 * Holds in every order of steps: a writer is inside alone, and everybody gets
 * in.
 *
 * Mutations, each of which must be caught:
 *	BUG_NOBARRIER	the writer does not wait for the buffers
 *	BUG_NOWAIT	it does not wait for readers
 *	BUG_LATEEND	it looks for readers before it says that light is over
 *	BUG_LATENOTE	a reader looks whether it may before it says it does
 *	BUG_STORE	readers are counted by a plain store
 */
#define READERS	2
#define THREADS	3	/* the last one is a writer */
#define ROUNDS	3	/* of readers */
#define WRITES	2
#define LIGHT	2	/* KRW_LIGHT */
#define WRITER	128

mtype = { HT_LIGHT, RW_LIGHTS };	/* what a buffered store is to */

byte rw_word;
byte rw_lights;
bool ht_light[READERS];
byte readers, writers;	/* really inside */
byte ended;

chan buffer[THREADS] = [4] of { mtype, byte };

#define NOTE(on)  buffer[me]!HT_LIGHT, on
#define DRAINED	  empty(buffer[me])

proctype memory(byte who)
{
	byte value;

	do
	:: d_step { buffer[who]?HT_LIGHT, value ->
		ht_light[who] = value; value = 0 }
	:: d_step { buffer[who]?RW_LIGHTS, value ->
		rw_lights = value; value = 0 }
	:: ended == THREADS && empty(buffer[who]) -> break
	od
}

inline read_it()
{
	readers++;
	assert(writers == 0);
	readers--
}

inline lights_count()
{
	n = rw_lights;
	if
	:: n < LIGHT ->
#ifdef BUG_STORE
		buffer[me]!RW_LIGHTS, n + 1
#else
		d_step {
			DRAINED;
			rw_lights = (rw_lights == n -> n + 1 : rw_lights)
		}
#endif
	:: else
	fi
}

proctype reader(byte me)
{
	byte i, n;

	do
	:: i < ROUNDS ->
		i++;
#ifdef BUG_LATENOTE
		n = rw_lights;
		NOTE(true);
#else
		NOTE(true);
		n = rw_lights;
#endif
		if
		:: n == LIGHT ->
			read_it();
			NOTE(false)
		:: else ->
			NOTE(false);
			d_step { rw_word < WRITER && DRAINED -> rw_word++ };
			lights_count();
			read_it();
			d_step { DRAINED -> rw_word-- }
		fi;
		n = 0
	:: else -> break
	od;
	i = 0;
	ended++
}

inline rw_lights_wait()
{
#ifndef BUG_NOBARRIER
	DRAINED;
	empty(buffer[0]);
	empty(buffer[1]);
#endif
#ifndef BUG_NOWAIT
	!ht_light[0];
	!ht_light[1];
#endif
	skip
}

inline rw_lights_end()
{
	n = rw_lights;
#ifdef BUG_LATEEND
	if
	:: n == LIGHT -> rw_lights_wait()
	:: else
	fi;
	buffer[me]!RW_LIGHTS, 0;
#else
	buffer[me]!RW_LIGHTS, 0;
	if
	:: n == LIGHT -> rw_lights_wait()
	:: else
	fi;
#endif
	n = 0
}

proctype writer(byte me)
{
	byte i, n;

	do
	:: i < WRITES ->
		i++;
		d_step { rw_word == 0 && DRAINED -> rw_word = WRITER };
		if
		:: rw_lights != 0 -> rw_lights_end()
		:: else
		fi;
		writers++;
		assert(readers == 0);
		writers--;
		d_step { DRAINED -> rw_word = 0 }
	:: else -> break
	od;
	i = 0;
	ended++
}

init {
	atomic {
		run memory(0);
		run memory(1);
		run memory(2);
		run reader(0);
		run reader(1);
		run writer(2)
	};
	_nr_pr == 1;
	assert(rw_word == 0 && !ht_light[0] && !ht_light[1])
}
