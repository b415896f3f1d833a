/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Slots of a client: taking, posting, waiting; see core.h.
 */
#include "proxy/client/core.h"

#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

#include "hyper/pause.h"
#include "proxy/client/sysraw.h"

#define SPIN_MOST (2 * SPC_SPIN)
#define PROBE	  32u

/* Its turn is waited for so long at most. */
#define PARK_NSEC 200000000

/* A handler's call in a call that watches looks after the server so often. */
#define NESTED_NSEC 100000000

static uint64_t
slot_bit(uint32_t slot)
{
	return UINT64_C(1) << slot % 64;
}

static bool
cl_ison(struct spc *cl)
{
	return atomic_load_explicit(&cl->cl_state, memory_order_seq_cst) ==
	       SPC_ON;
}

/*
 * Slots
 */

/* Lost calls that are done by now take no slots any more. */
static void
slots_reclaim(struct spc *cl)
{
	uint64_t word, bit;
	uint32_t i, slot;

	for (i = 0; i < SP_NBELLS; i++) {
		word =
		    atomic_load_explicit(&cl->cl_left[i], memory_order_relaxed);
		for (; word != 0; word &= word - 1) {
			bit = word & -word;
			slot = i * 64 + (uint32_t)__builtin_ctzll(word);
			/* Who clears the bit gives it back. */
			if (spc_isdone(spc_slot(cl, slot)) &&
			    (atomic_fetch_and_explicit(
				 &cl->cl_left[i], ~bit, memory_order_acq_rel) &
				bit) != 0)
				spc_slot_give(cl, slot);
		}
	}
}

static int
slot_find(struct spc *cl, uint32_t *slotp)
{
	uint64_t word, bit;
	uint32_t i;

	for (i = 0; i < SP_NBELLS; i++) {
		word = atomic_load_explicit(
		    &cl->cl_taken[i], memory_order_relaxed);
		while (word != UINT64_MAX) {
			bit = ~word & (word + 1);
			*slotp = i * 64 + (uint32_t)__builtin_ctzll(bit);
			if (*slotp >= cl->cl_nslots)
				return EAGAIN;
			if (atomic_compare_exchange_weak_explicit(
				&cl->cl_taken[i], &word, word | bit,
				memory_order_acquire, memory_order_relaxed))
				return 0;
		}
	}
	return EAGAIN;
}

int
spc_slot_take(struct spc *cl, uint32_t *slotp)
{
	int error = slot_find(cl, slotp);

	if (error == 0)
		return 0;
	slots_reclaim(cl);
	return slot_find(cl, slotp);
}

void
spc_slot_leave(struct spc *cl, uint32_t slot)
{
	atomic_fetch_or_explicit(
	    &cl->cl_left[slot / 64], slot_bit(slot), memory_order_release);
}

void
spc_slot_give(struct spc *cl, uint32_t slot)
{
	atomic_fetch_and_explicit(
	    &cl->cl_taken[slot / 64], ~slot_bit(slot), memory_order_release);
}

/*
 * The socket
 */

/* Is it still ours?  The program may have put something else in its place. */
bool
spc_sock_isours(int fd, uint64_t cookie)
{
	uint64_t now = 0;
	socklen_t len = sizeof(now);

	return sysraw(SYS_getsockopt, fd, SOL_SOCKET, SO_COOKIE, SYSRAW_P(&now),
		   SYSRAW_P(&len), 0) == 0 &&
	       now == cookie;
}

/* In a program that is intercepted nobody else can reach it. */
static bool
sock_isours(struct spc *cl)
{
	return cl->cl_lowfd != 0 || spc_sock_isours(cl->cl_sock, cl->cl_cookie);
}

/*
 * Wake those that sleep on their slots, the first or all of them.  Their words
 * are changed, because they may be about to sleep: who has noted himself and
 * found that he may, finds another word then.
 */
static void
sleepers_rouse(struct spc *cl, bool all)
{
	struct sp_slot *ss;
	uint64_t word;
	uint32_t i;

	for (i = 0; i < SP_NBELLS; i++) {
		word = atomic_load_explicit(
		    &cl->cl_sleepers[i], memory_order_seq_cst);
		for (; word != 0; word &= word - 1) {
			ss = spc_slot(
			    cl, i * 64 + (uint32_t)__builtin_ctzll(word));
			atomic_fetch_and_explicit(&ss->ss_state,
			    ~(uint32_t)SP_WAITS, memory_order_seq_cst);
			(void)sysraw3(
			    SYS_futex, SYSRAW_P(&ss->ss_state), FUTEX_WAKE, 1);
			if (!all)
				return;
		}
	}
}

/* Let all who wait know. */
void
spc_lost(struct spc *cl)
{
	uint32_t on = SPC_ON;

	/* Pairs with slot_sleep: it notes itself, then looks at the state. */
	if (atomic_compare_exchange_strong_explicit(&cl->cl_state, &on,
		SPC_GONE, memory_order_seq_cst, memory_order_seq_cst))
		sleepers_rouse(cl, true);
}

/* The server is asleep: wake it. */
static void
sock_ring(struct spc *cl)
{
	char byte = 0;
	long n;

	if (!sock_isours(cl)) {
		spc_lost(cl);
		return;
	}
	do
		n = sysraw(SYS_sendto, cl->cl_sock, SYSRAW_P(&byte), 1,
		    MSG_DONTWAIT | MSG_NOSIGNAL, 0, 0);
	while (n == -EINTR);
	/* A full socket has rung already. */
	if (n < 0 && n != -EAGAIN)
		spc_lost(cl);
}

static bool
sock_isdead(struct spc *cl)
{
	struct pollfd pfd = {.fd = cl->cl_sock, .events = POLLRDHUP};
	struct timespec now = {0, 0};
	long n;

	n = sysraw(SYS_ppoll, SYSRAW_P(&pfd), 1, SYSRAW_P(&now), 0, 0, 0);
	return n > 0 &&
	       (pfd.revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL)) != 0;
}

/* Say where we are: the server had better be elsewhere. */
static void
cpu_tell(struct spc *cl)
{
	unsigned cpu;

	if (!cl->cl_far && (cpu = spc_cpu()) != SPC_NOCPU)
		atomic_store_explicit(
		    &cl->cl_shm->sh_cpu, cpu + 1, memory_order_relaxed);
}

static void
bell_ring(struct spc *cl, uint32_t slot)
{
	_Atomic uint64_t *bell = &cl->cl_shm->sh_bell[slot / 64];

	/* Pairs with bell_take and bell_cool in pool.c. */
	if ((atomic_load_explicit(bell, memory_order_seq_cst) &
		slot_bit(slot)) == 0)
		atomic_fetch_or_explicit(
		    bell, slot_bit(slot), memory_order_seq_cst);
	if (atomic_load_explicit(&cl->cl_shm->sh_cold, memory_order_seq_cst) !=
		0 &&
	    atomic_exchange_explicit(
		&cl->cl_shm->sh_cold, 0, memory_order_seq_cst) != 0) {
		cpu_tell(cl);
		sock_ring(cl);
	}
}

/* A system call of the host that sleeps. */
static long
host_sleep(struct spc *cl, long nr, const long *args)
{
	if (cl->cl_mem->sleep != NULL)
		return cl->cl_mem->sleep(nr, args);
	return sysraw(nr, args[0], args[1], args[2], args[3], args[4], args[5]);
}

/*
 * Calls
 */

/*
 * Is the call to sleep for its turn?  Before it is posted: what the server says
 * afterwards is about the next one.
 */
static void
turn_look(struct sp_slot *ss)
{
	uint32_t turn =
	    atomic_load_explicit(&ss->ss_turn, memory_order_relaxed);

	atomic_store_explicit(&ss->ss_seen, (turn & SP_PARK) != 0 ? turn : 0,
	    memory_order_relaxed);
}

void
spc_post(struct spc *cl, uint32_t slot)
{
	if (cl->cl_far) {
		cl->cl_stream->post(cl, slot);
		return;
	}
	turn_look(spc_slot(cl, slot));
	/* Releases the message, and is before the look at the bell. */
	(void)atomic_exchange_explicit(
	    &spc_slot(cl, slot)->ss_state, SP_REQUEST, memory_order_seq_cst);
	bell_ring(cl, slot);
}

void
spc_interrupt(struct spc *cl, uint32_t slot)
{
	(void)atomic_exchange_explicit(
	    &spc_slot(cl, slot)->ss_intr, 1, memory_order_seq_cst);
	if (cl->cl_far)
		cl->cl_stream->interrupt(cl, slot);
	else
		bell_ring(cl, slot);
}

void
spc_done(struct spc *cl, uint32_t slot)
{
	struct sp_slot *ss = spc_slot(cl, slot);

	/* Release pairs with spc_isdone: the result. */
	if ((atomic_exchange_explicit(
		 &ss->ss_state, SP_DONE, memory_order_acq_rel) &
		SP_WAITS) != 0)
		(void)sysraw3(
		    SYS_futex, SYSRAW_P(&ss->ss_state), FUTEX_WAKE, 1);
}

/* What the server would have sent to this host process, had it been let. */
static void
signals_raise(struct spc *cl)
{
	struct sp_shared *sh = cl->cl_shm;
	long pid = sysraw(SYS_getpid, 0, 0, 0, 0, 0, 0);
	uint64_t bits;

	atomic_store_explicit(&sh->sh_signals, 0, memory_order_seq_cst);
	bits =
	    atomic_exchange_explicit(&sh->sh_signal, 0, memory_order_seq_cst);
	for (; bits != 0; bits &= bits - 1)
		(void)sysraw2(SYS_kill, pid, __builtin_ctzll(bits) + 1);
}

static bool
signals_told(struct spc *cl)
{
	return atomic_load_explicit(
		   &cl->cl_shm->sh_signals, memory_order_relaxed) != 0;
}

/*
 * The host has woken us where the leader runs, which gave us the turn: there
 * both would only wait for each other.
 */
static void
cpu_leave(struct spc *cl)
{
	uint32_t leader =
	    atomic_load_explicit(&cl->cl_shm->sh_leader, memory_order_relaxed);
	unsigned cpu = spc_cpu();

	if (cpu != SPC_NOCPU && leader == cpu + 1)
		spc_cpus_leave(cpu);
}

/* Looking in vain before says nothing about what comes now. */
static void
spin_again(struct spc *cl)
{
	atomic_store_explicit(
	    &cl->cl_spin, SPIN_MOST / 4, memory_order_relaxed);
}

/*
 * Look for a while: longer if that helped, less long if it did not.  Now and
 * then as long as ever, since what is too short never helps.
 */
static bool
slot_spin(struct spc *cl, struct sp_slot *ss)
{
	_Atomic uint32_t *apart = &cl->cl_shm->sh_apart;
	uint32_t most;
	uint32_t n =
	    atomic_load_explicit(&cl->cl_waits, memory_order_relaxed) + 1;
	uint32_t i, now;

	if (atomic_load_explicit(apart, memory_order_relaxed) != 0) {
		atomic_store_explicit(apart, 0, memory_order_relaxed);
		spin_again(cl);
	}
	most = atomic_load_explicit(&cl->cl_spin, memory_order_relaxed);
	atomic_store_explicit(&cl->cl_waits, n, memory_order_relaxed);
	now = n % PROBE == 1 ? SPIN_MOST : most;
	for (i = 0; i < now; i++) {
		if (!spc_isdone(ss)) {
			cpu_pause();
			continue;
		}
		if (i > most / 4)
			atomic_store_explicit(&cl->cl_spin,
			    i < SPIN_MOST / 4 ? i * 4 : SPIN_MOST,
			    memory_order_relaxed);
		return true;
	}
	if (now == most)
		atomic_store_explicit(
		    &cl->cl_spin, most - most / 4, memory_order_relaxed);
	return spc_isdone(ss);
}

/* Say how the server is to wake us.  False if the call is done. */
static bool
slot_announce(
    struct spc *cl, struct sp_slot *ss, uint32_t how, uint32_t *statep)
{
	uint32_t state =
	    atomic_load_explicit(&ss->ss_state, memory_order_acquire);

	cpu_tell(cl);
	do
		if ((state & SP_STATE) == SP_DONE)
			return false;
	while (!atomic_compare_exchange_weak_explicit(&ss->ss_state, &state,
	    SP_REQUEST | how, memory_order_acq_rel, memory_order_acquire));
	*statep = SP_REQUEST | how;
	return true;
}

/* Sleep on the slot itself, at most for `most' nanoseconds (0: for ever). */
static void
slot_sleep(struct spc *cl, uint32_t slot, long most)
{
	struct sp_slot *ss = spc_slot(cl, slot);
	struct timespec ts = {0, most};
	uint32_t state;
	long args[6] = {SYSRAW_P(&ss->ss_state), FUTEX_WAIT, 0,
	    most != 0 ? SYSRAW_P(&ts) : 0};
	long error = 0;

	if (!slot_announce(cl, ss, SP_WAITS, &state))
		return;
	args[2] = (long)state;
	/* Pairs with spc_lost and watch_leave. */
	atomic_fetch_or_explicit(
	    &cl->cl_sleepers[slot / 64], slot_bit(slot), memory_order_seq_cst);
	if (cl_ison(cl) && (most != 0 || atomic_load_explicit(&cl->cl_watch,
					     memory_order_seq_cst) != 0))
		error = host_sleep(cl, SYS_futex, args);
	atomic_fetch_and_explicit(
	    &cl->cl_sleepers[slot / 64], ~slot_bit(slot), memory_order_relaxed);
	if (error == -EINTR)
		spc_interrupt(cl, slot);
}

/*
 * There are too many of us: sleep until it is our turn.  A handler of the host
 * ends that, but not the sleep of the call: a call that sleeps is not waited
 * for here (turns_leave).
 */
static void
turn_sleep(struct spc *cl, struct sp_slot *ss)
{
	uint32_t turn =
	    atomic_load_explicit(&ss->ss_seen, memory_order_relaxed);
	struct timespec ts = {0, PARK_NSEC};

	if (turn == 0)
		return;
	(void)sysraw4(SYS_futex, SYSRAW_P(&ss->ss_turn), FUTEX_WAIT, (long)turn,
	    SYSRAW_P(&ts));
	atomic_store_explicit(&ss->ss_seen, 0, memory_order_relaxed);
	cpu_leave(cl);
	/* From now on answers are there soon. */
	spin_again(cl);
}

/* Sleep on the socket: it has bytes when we are to look, and an end. */
static void
watch_sleep(struct spc *cl, uint32_t slot)
{
	char bytes[64];
	const long args[6] = {cl->cl_sock, SYSRAW_P(bytes), sizeof(bytes)};
	uint32_t state;
	long n;

	if (!slot_announce(cl, spc_slot(cl, slot), SP_WAITS_SOCK, &state))
		return;
	if (!sock_isours(cl)) {
		spc_lost(cl);
		return;
	}
	n = host_sleep(cl, SYS_recvfrom, args);
	if (n == -EINTR)
		spc_interrupt(cl, slot);
	else if (n <= 0)
		spc_lost(cl);
}

static bool
watch_enter(struct spc *cl, uint32_t slot)
{
	uint32_t nobody = 0;

	return atomic_compare_exchange_strong_explicit(&cl->cl_watch, &nobody,
	    slot + 1, memory_order_acquire, memory_order_relaxed);
}

/* Somebody else who sleeps is to watch now. */
static void
watch_leave(struct spc *cl)
{
	/* Pairs with slot_sleep: it notes itself, then looks who watches. */
	atomic_store_explicit(&cl->cl_watch, 0, memory_order_seq_cst);
	sleepers_rouse(cl, false);
}

static void
wait_once(struct spc *cl, uint32_t slot, uint32_t outer)
{
	uint32_t watch =
	    atomic_load_explicit(&cl->cl_watch, memory_order_relaxed);

	if (outer != SPC_NOSLOT && watch == outer + 1) {
		/* What we read there would be missed by the call below us. */
		slot_sleep(cl, slot, NESTED_NSEC);
		if (sock_isdead(cl))
			spc_lost(cl);
	} else if (watch == 0 && watch_enter(cl, slot)) {
		do
			watch_sleep(cl, slot);
		while (cl_ison(cl) && !spc_isdone(spc_slot(cl, slot)) &&
		       !signals_told(cl));
		watch_leave(cl);
	} else
		slot_sleep(cl, slot, 0);
}

static bool
call_look(struct spc *cl, uint32_t slot)
{
	struct sp_slot *ss = spc_slot(cl, slot);

	if (!cl->cl_far)
		return slot_spin(cl, ss);
	cl->cl_stream->look(cl, slot);
	return spc_isdone(ss);
}

int
spc_wait(struct spc *cl, uint32_t slot, uint32_t outer)
{
	struct sp_slot *ss = spc_slot(cl, slot);

	turn_sleep(cl, ss);
	if (!call_look(cl, slot)) {
		while (!spc_isdone(ss)) {
			if (!cl_ison(cl))
				return SPC_LOST;
			wait_once(cl, slot, outer);
			if (signals_told(cl))
				signals_raise(cl);
		}
	}
	if (signals_told(cl))
		signals_raise(cl);
	return 0;
}
