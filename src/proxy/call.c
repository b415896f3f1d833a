/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A call in a slot: looked at, made, answered.
 */
#include "proxy/proxy.h"

#include "kern/entry.h"
#include "syscall/invoke.h"
#include "syscall/sysdesc.h"

/*
 * Slots
 */

/*
 * A call is made by the leader, who alone begins calls, or ended by another
 * worker.  The slot is the call's until after it is DONE, so that none is made
 * twice, however often the slot is looked at.  Before that the next one may be
 * in it, which the leader would miss: so that worker says first that his call
 * is ending.  In a stream's slot the next one is not, until se_lock is free.
 */
enum { CALL_NONE, CALL_MADE, CALL_ENDING };

bool
slot_isbusy(struct session *se, uint32_t slot)
{
	return atomic_load_explicit(
		   &se->se_calls[slot], memory_order_acquire) == CALL_MADE;
}

void
slot_done(struct session *se, uint32_t slot)
{
	atomic_store_explicit(
	    &se->se_calls[slot], CALL_NONE, memory_order_release);
}

/* Acquire pairs with the client's release: the call. */
static bool
slot_isrequest(const struct sp_slot *ss)
{
	return (atomic_load_explicit(&ss->ss_state, memory_order_acquire) &
		   SP_STATE) == SP_REQUEST;
}

/*
 * Leader: begin the call in it.  False if there is none, or it is too early.
 * Who has found the next one, sees at least that the one before was ending; who
 * sees that it has ended looks what there is now.
 */
static bool
slot_begin(struct session *se, uint32_t slot)
{
	struct sp_slot *ss = sp_slot(se->se_shm, slot);

	if (!slot_isrequest(ss))
		return false;
	switch (
	    atomic_load_explicit(&se->se_calls[slot], memory_order_acquire)) {
	case CALL_MADE:
		return false;
	case CALL_ENDING:
		pool_ready(se, slot);
		hyper_yield();
		return false;
	default:
		break;
	}
	if (!slot_isrequest(ss))
		return false;
	atomic_store_explicit(
	    &se->se_calls[slot], CALL_MADE, memory_order_relaxed);
	return true;
}

/* The client wants the sleep of its call to end. */
static void
slot_interrupt(struct session *se, uint32_t slot)
{
	uint32_t n =
	    atomic_load_explicit(&se->se_running[slot], memory_order_acquire);

	if (n != 0)
		remote_interrupt(lwps_handle(se, n));
}

/*
 * Answering
 */

static void
answer_shm(struct worker *w, struct call *c)
{
	struct session *se = c->c_session;
	struct sp_slot *ss = sp_slot(se->se_shm, c->c_slot);
	uint32_t old;

	ss->ss_msg.sm_error = c->c_msg.sm_error;
	ss->ss_msg.sm_flags = c->c_msg.sm_flags;
	ss->ss_msg.sm_retval = c->c_msg.sm_retval;
	if ((c->c_msg.sm_flags & SP_F_SIGNAL) != 0)
		ss->ss_signal = c->c_signal;
	if (!w->w_leader)
		atomic_store_explicit(&se->se_calls[c->c_slot], CALL_ENDING,
		    memory_order_relaxed);
	/* Release pairs with the client's acquire: the result. */
	old = atomic_exchange_explicit(
	    &ss->ss_state, SP_DONE, memory_order_acq_rel);
	slot_done(se, c->c_slot);
	if ((old & SP_WAITS) != 0)
		hyper_shm_wake(&ss->ss_state, 1);
	if ((old & SP_WAITS_SOCK) != 0)
		session_poke(se);
	/* Its thread goes on meanwhile.  A call may have ended its session. */
	if (!w->w_leader || session_state(se) == SE_DEAD)
		return;
	turns_answer(se, c->c_slot, c->c_parks, pool_now());
	/* The host likes to wake a thread where it is woken from. */
	if ((old & (SP_WAITS | SP_WAITS_SOCK)) != 0)
		turns_slept(se, c->c_slot);
}

/*
 * Making
 */

static int
scratch_room(struct worker *w, size_t len)
{
	uint8_t *p;

	if (len <= w->w_size)
		return 0;
	if (syscall_enter() == NULL)
		return syscall_refusal();
	len = roundup2(len, (size_t)16384);
	if ((p = kmem_alloc(len)) != NULL) {
		if (w->w_scratch != NULL)
			kmem_free(w->w_scratch, w->w_size);
		w->w_scratch = p;
		w->w_size = len;
	}
	syscall_exit();
	return p != NULL ? 0 : ENOMEM;
}

void
call_fini(struct worker *w)
{
	if (w->w_scratch == NULL || syscall_enter() == NULL)
		return;
	kmem_free(w->w_scratch, w->w_size);
	syscall_exit();
}

bool
call_handler(struct call *c, int restart)
{
	struct remote_signal rs;
	struct sp_signal *sg = &c->c_signal;

	_Static_assert(sizeof(rs.rs_info) == SP_SIGINFO, "siginfo_t");
	if (!remote_signal(c->c_lwp, &rs))
		return false;
	sg->sg_handler = rs.rs_handler;
	sg->sg_oldmask = rs.rs_oldmask;
	sg->sg_signo = rs.rs_info.si_signo;
	sg->sg_flags = rs.rs_flags;
	memcpy(sg->sg_info, &rs.rs_info, SP_SIGINFO);
	c->c_msg.sm_flags |= SP_F_SIGNAL;
	if (restart == SR_EVER ||
	    (restart == SR_ALWAYS && (rs.rs_flags & SA_RESTART) != 0))
		c->c_msg.sm_flags |= SP_F_RESTART;
	return true;
}

/* The end of a call of the lwp.  True if it is to be made again now. */
static bool
call_signals(struct call *c, int error)
{
	int restart = remote_restart(error);

	/* The call may have released it. */
	if (curlwp() != c->c_lwp) {
		c->c_lwp = NULL;
		return false;
	}
	return !call_handler(c, restart) && restart != SR_NEVER;
}

static int
call_syscall(struct call *c)
{
	const struct sysdesc *sd = sysdesc_find((int)c->c_msg.sm_nr);
	int64_t value;
	int error;

	if (sd == NULL)
		return ENOSYS;
	if ((error = call_decode(c, sd)) != 0)
		return error;
	do
		error = syscall_invoke(sd->sd_number, c->c_args, &value);
	while (call_signals(c, error));
	c->c_msg.sm_retval = value;
	call_encode(c, sd, error);
	if (c->c_hostfile && error == 0 && c->c_lwp != NULL)
		hosted_opened(c);
	return error;
}

/* The lwp that the call is for. */
static int
call_enter(struct call *c)
{
	struct session *se = c->c_session;
	uint32_t n = c->c_msg.sm_lwp;
	uint64_t handle;
	int error;

	if (n == 0) {
		n = c->c_slot + 1;
		if ((error = lwps_slot(se, c->c_slot, &handle)) != 0)
			return error;
	} else if ((handle = lwps_handle(se, n)) == 0)
		return ESRCH;
	/* A handle whose lwp has gone, or that runs in another slot. */
	if ((c->c_lwp = remote_enter(handle)) == NULL)
		return EBUSY;
	atomic_store_explicit(
	    &se->se_running[c->c_slot], n, memory_order_release);
	return 0;
}

static bool
msg_isfine(const struct sp_msg *m)
{
	return m->sm_op < SP_NOPS && m->sm_len <= SP_PAYLOAD &&
	       m->sm_head <= m->sm_len && m->sm_head <= SP_HEADMAX;
}

static int
call_make(struct worker *w, struct call *c)
{
	const struct sp_msg *m = &c->c_msg;
	size_t rooms;
	int error;

	if (!msg_isfine(m))
		return EPROTO;
	rooms = roundup2((size_t)m->sm_head, sizeof(*c->c_rooms));
	error = scratch_room(w, rooms + VECTOR_MOST * sizeof(*c->c_rooms));
	if (error != 0)
		return error;
	c->c_head = w->w_scratch;
	c->c_rooms = (struct message_rooms *)(w->w_scratch + rooms);
	memcpy(c->c_head, c->c_shared, m->sm_head);
	if ((error = call_enter(c)) != 0)
		return error;
	curctx()->kc_fdmin = m->sm_fdmin;
	if (m->sm_op == SP_SYSCALL)
		error = call_syscall(c);
	else
		error = op_run(c);
	curctx()->kc_fdmin = 0;
	atomic_store_explicit(
	    &c->c_session->se_running[c->c_slot], 0, memory_order_relaxed);
	if (c->c_lwp != NULL)
		remote_leave(c->c_lwp);
	return error;
}

/* So much to copy is for somebody who is not the leader. */
static int
call_long(struct worker *w, struct call *c)
{
	struct session *se = c->c_session;
	size_t len = c->c_msg.sm_len;
	int error;

	if (!msg_isfine(&c->c_msg))
		return EPROTO;
	/* What comes through a stream is charged as soon as it comes. */
	if (se->se_stream == NULL && !session_charge(se, len))
		return ENOMEM;
	pool_handover(w);
	error = call_make(w, c);
	if (se->se_stream == NULL)
		session_discharge(se, len);
	return error;
}

void
call_run(struct worker *w, struct session *se, uint32_t slot)
{
	struct sp_slot *ss = sp_slot(se->se_shm, slot);
	struct call *c = &w->w_call;

	if (slot >= se->se_nslots) {
		session_accuse(se);
		return;
	}
	if (atomic_load_explicit(&ss->ss_intr, memory_order_relaxed) != 0) {
		atomic_store_explicit(&ss->ss_intr, 0, memory_order_relaxed);
		slot_interrupt(se, slot);
	}
	if (!slot_begin(se, slot))
		return;
	session_hold(se);
	if (unlikely(atomic_load_explicit(
			 &se->se_hostfds, memory_order_acquire) != NULL))
		hosted_close(se, slot);
	c->c_session = se;
	c->c_slot = slot;
	c->c_parks =
	    atomic_load_explicit(&ss->ss_seen, memory_order_relaxed) != 0;
	c->c_msg = ss->ss_msg;
	/* The copy is looked at, not what the client may change. */
	atomic_signal_fence(memory_order_seq_cst);
	c->c_hostfile = (c->c_msg.sm_flags & SP_F_HOSTFILE) != 0;
	c->c_msg.sm_flags = 0;
	c->c_msg.sm_retval = -1;
	c->c_shared = ss->ss_payload;
	c->c_lwp = NULL;
	c->c_from = c->c_to = 0;
	if (c->c_msg.sm_len > LONG_CALL &&
	    (c->c_msg.sm_op == SP_SYSCALL || c->c_msg.sm_op == SP_AIO))
		c->c_msg.sm_error = call_long(w, c);
	else
		c->c_msg.sm_error = call_make(w, c);
	if (se->se_stream != NULL)
		stream_answer(c);
	else
		answer_shm(w, c);
	if (c->c_msg.sm_error == EPROTO)
		session_accuse(se);
	session_rele(se);
}
