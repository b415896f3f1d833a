/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sessions whose clients are elsewhere: their slots are the server's own, and
 * what is in them comes and goes in frames.
 *
 * A slot of such a session, by its ss_state, under se_lock:
 *
 *	FREE	no call, or a result that the client has said it has
 *	REQUEST	a call has come; a worker makes it, or will
 *	DONE	a result, which is kept: until all of it is sent, until the
 *		client says that it has it, if it is long, or until the slot's
 *		next call comes.  When a connection was lost the client sends
 *		its calls again; one that is here already is not made again.
 *
 * ss_room is what of the payload is charged to the client; that memory goes
 * back to the host with the call.
 */
#include "proxy/proxy.h"

#include "hyper/hostfile.h"
#include "kern/entry.h"

/* What is taken from one stream before others are looked at. */
#define READ_MOST (256u << 10)

/* A handshake, or a part of it. */
enum meeting { MEET_NOT, MEET_GOING, MEET_DONE };

struct stream {
	struct frames sr_frames; /* (l) */
	struct session *sr_session;
	struct tls *sr_tls;	     /* (l) NULL: none */
	bool sr_on;		     /* (l) frames may go */
	bool sr_out;		     /* (l) room is waited for */
	bool sr_refused;	     /* (l) the call that comes is too much */
	bool sr_known;		     /* (L) who the client is */
	enum meeting sr_meeting;     /* (l) */
	int sr_error;		     /* (l) what came of it */
	bool sr_key;		     /* (l) and who it is, by a key or not */
	char sr_name[TLS_NAMEMOST];  /* (l) */
	uint64_t sr_post[SP_NBELLS]; /* (l) slots with results to send */
	uint64_t sr_raise;	     /* (l) signals to tell the client of */
	uint64_t sr_raised;	     /* (l) of which it was told */
};

static const struct tls_ops *
stream_tls(void)
{
	struct tls_context *context;

	return tcp_tls(&context);
}

static struct session *
frames_session(struct frames *fr)
{
	return ((struct stream *)fr)->sr_session;
}

/*
 * Bytes
 */

int
stream_recv(struct session *se, void *buf, size_t *lenp)
{
	struct tls *t = se->se_stream->sr_tls;

	if (t != NULL)
		return stream_tls()->to_recv(t, buf, lenp);
	return hyper_sock_recv(se->se_sock, buf, lenp);
}

int
stream_send(struct session *se, const void *buf, size_t *lenp)
{
	struct tls *t = se->se_stream->sr_tls;

	if (t != NULL)
		return stream_tls()->to_send(t, buf, lenp);
	return hyper_sock_sendbytes(se->se_sock, buf, lenp);
}

static int
frames_recv(struct frames *fr, void *buf, size_t *lenp)
{
	return stream_recv(frames_session(fr), buf, lenp);
}

static bool
frames_pending(struct frames *fr)
{
	struct tls *t = frames_session(fr)->se_stream->sr_tls;

	return t != NULL && stream_tls()->to_pending(t);
}

static int
frames_send(struct frames *fr, const void *buf, size_t *lenp)
{
	return stream_send(frames_session(fr), buf, lenp);
}

/*
 * Slots
 */

static uint64_t
slot_bit(uint32_t slot)
{
	return UINT64_C(1) << slot % 64;
}

static bool
slot_isposted(struct stream *sr, uint32_t slot)
{
	return (sr->sr_post[slot / 64] & slot_bit(slot)) != 0 ||
	       frames_sending(&sr->sr_frames) == (int)slot;
}

static int
slot_state(struct sp_slot *ss)
{
	return (int)atomic_load_explicit(&ss->ss_state, memory_order_relaxed);
}

/* What is in there is of no use any more. */
static void
slot_clear(struct session *se, struct sp_slot *ss)
{
	atomic_store_explicit(&ss->ss_state, SP_FREE, memory_order_relaxed);
	if (ss->ss_room == 0)
		return;
	hyper_shm_discard(ss->ss_payload, ss->ss_room);
	session_discharge(se, ss->ss_room);
	ss->ss_room = 0;
}

static void
slot_post(struct stream *sr, uint32_t slot)
{
	sr->sr_post[slot / 64] |= slot_bit(slot);
}

/*
 * Frames that come
 */

/* A call that is here already, whose connection was lost. */
static bool
call_isold(const struct sp_slot *ss, const struct sp_frame *f)
{
	return f->sf_number == ss->ss_number;
}

static int
call_begin(struct stream *sr, const struct sp_frame *f, uint8_t **to)
{
	struct session *se = sr->sr_session;
	const struct sp_msg *m = &f->sf_msg;
	struct sp_slot *ss;

	if (m->sm_slot >= se->se_nslots || m->sm_flags != 0 || f->sf_at != 0 ||
	    f->sf_size > m->sm_len || m->sm_len > SP_PAYLOAD)
		return EPROTO;
	ss = sp_slot(se->se_shm, m->sm_slot);
	if (call_isold(ss, f))
		return slot_state(ss) != SP_FREE ? 0 : EPROTO;
	if (f->sf_number != ss->ss_number + 1 || slot_state(ss) == SP_REQUEST ||
	    slot_isposted(sr, m->sm_slot))
		return EPROTO;
	slot_clear(se, ss);
	sr->sr_refused = false;
	if (m->sm_len > LONG_CALL) {
		if (!session_charge(se, m->sm_len)) {
			sr->sr_refused = true;
			return 0;
		}
		ss->ss_room = m->sm_len;
	}
	*to = ss->ss_payload;
	return 0;
}

static int
frames_begin(struct frames *fr, const struct sp_frame *f, uint8_t **to)
{
	if (f->sf_msg.sm_op < SP_NOPS)
		return call_begin((struct stream *)fr, f, to);
	return f->sf_size == 0 && f->sf_msg.sm_flags == 0 ? 0 : EPROTO;
}

static void
call_end(struct stream *sr, const struct sp_frame *f)
{
	struct session *se = sr->sr_session;
	uint32_t slot = f->sf_msg.sm_slot;
	struct sp_slot *ss = sp_slot(se->se_shm, slot);
	int state = SP_REQUEST;

	if (call_isold(ss, f)) {
		if (slot_state(ss) == SP_DONE && !slot_isposted(sr, slot))
			slot_post(sr, slot);
		return;
	}
	ss->ss_number = f->sf_number;
	ss->ss_msg = f->sf_msg;
	if (sr->sr_refused) {
		state = SP_DONE;
		ss->ss_msg.sm_error = ENOMEM;
		ss->ss_msg.sm_retval = -1;
		ss->ss_at = ss->ss_size = 0;
		slot_post(sr, slot);
	}
	/* Release pairs with the acquire in slot_isrequest: the call. */
	atomic_store_explicit(
	    &ss->ss_state, (uint32_t)state, memory_order_release);
	if (state == SP_REQUEST)
		pool_ready(se, slot);
}

/* The client has a result, so that it need not be kept. */
static void
call_got(struct stream *sr, const struct sp_frame *f)
{
	uint32_t slot = f->sf_msg.sm_slot;
	struct sp_slot *ss = sp_slot(sr->sr_session->se_shm, slot);

	if (slot_state(ss) == SP_DONE && call_isold(ss, f) &&
	    !slot_isposted(sr, slot))
		slot_clear(sr->sr_session, ss);
}

static int
frames_end(
    struct frames *fr, const struct sp_frame *f, const struct sp_signal *sg)
{
	struct stream *sr = (struct stream *)fr;
	struct session *se = sr->sr_session;
	uint32_t slot = f->sf_msg.sm_slot;

	(void)sg;
	if (f->sf_msg.sm_op < SP_NOPS) {
		call_end(sr, f);
		return 0;
	}
	if (slot >= se->se_nslots)
		return EPROTO;
	switch (f->sf_msg.sm_op) {
	case SP_INTERRUPT:
		atomic_store_explicit(&sp_slot(se->se_shm, slot)->ss_intr, 1,
		    memory_order_relaxed);
		pool_ready(se, slot);
		return 0;
	case SP_GOT:
		call_got(sr, f);
		return 0;
	case SP_RAISED:
		sr->sr_raised &= ~f->sf_msg.sm_args[0];
		return 0;
	case SP_BYE:
		return ESHUTDOWN;
	default:
		return EPROTO;
	}
}

/*
 * Frames that go
 */

static bool
frames_next(struct frames *fr, struct sp_frame *f, const uint8_t **from,
    const struct sp_signal **sg)
{
	struct stream *sr = (struct stream *)fr;
	struct sp_slot *ss;
	uint32_t i;

	*f = (struct sp_frame){0};
	if (sr->sr_raise != 0) {
		f->sf_msg.sm_op = SP_RAISE;
		f->sf_msg.sm_args[0] = sr->sr_raise;
		sr->sr_raised |= sr->sr_raise;
		sr->sr_raise = 0;
		return true;
	}
	for (i = 0; i < SP_NBELLS && sr->sr_post[i] == 0; i++)
		continue;
	if (i == SP_NBELLS)
		return false;
	f->sf_msg.sm_slot = i * 64 + (uint32_t)__builtin_ctzll(sr->sr_post[i]);
	sr->sr_post[i] &= sr->sr_post[i] - 1;
	ss = sp_slot(sr->sr_session->se_shm, f->sf_msg.sm_slot);
	f->sf_size = ss->ss_size;
	f->sf_at = ss->ss_at;
	f->sf_number = ss->ss_number;
	f->sf_msg.sm_error = ss->ss_msg.sm_error;
	f->sf_msg.sm_flags = ss->ss_msg.sm_flags;
	f->sf_msg.sm_retval = ss->ss_msg.sm_retval;
	*from = ss->ss_payload + ss->ss_at;
	*sg = &ss->ss_signal;
	return true;
}

static const struct frames_ops frames_ops = {
    .fo_recv = frames_recv,
    .fo_pending = frames_pending,
    .fo_send = frames_send,
    .fo_begin = frames_begin,
    .fo_end = frames_end,
    .fo_next = frames_next,
};

/* Send what there is; what there is no room for, when there is.  se_lock. */
static int
stream_flush(struct session *se)
{
	struct stream *sr = se->se_stream;
	uint32_t events = HYPER_EV_IN;
	int error;

	if (!sr->sr_on)
		return 0;
	error = frames_out(&sr->sr_frames);
	if (error == 0 && !sr->sr_out)
		return 0;
	if (error != 0 && error != EAGAIN) {
		/* The leader hears of the end. */
		hyper_sock_shutdown(se->se_sock);
		return error;
	}
	if (error == EAGAIN)
		events |= HYPER_EV_OUT;
	if (sr->sr_out != (error == EAGAIN))
		(void)hyper_events_change(pool_events(), se->se_sock, events,
		    (uint64_t)(uintptr_t)se);
	sr->sr_out = error == EAGAIN;
	return 0;
}

void
stream_answer(struct call *c)
{
	struct session *se = c->c_session;
	struct sp_slot *ss = sp_slot(se->se_shm, c->c_slot);

	(void)session_enter(se);
	ss->ss_msg.sm_error = c->c_msg.sm_error;
	ss->ss_msg.sm_flags = c->c_msg.sm_flags;
	ss->ss_msg.sm_retval = c->c_msg.sm_retval;
	if ((c->c_msg.sm_flags & SP_F_SIGNAL) != 0)
		ss->ss_signal = c->c_signal;
	ss->ss_at = (uint32_t)c->c_from;
	ss->ss_size = (uint32_t)(c->c_to - c->c_from);
	/* Under the lock, as all but the request itself. */
	atomic_store_explicit(&ss->ss_state, SP_DONE, memory_order_relaxed);
	slot_done(se, c->c_slot);
	slot_post(se->se_stream, c->c_slot);
	(void)stream_flush(se);
	session_leave(se);
}

void
stream_raise(struct session *se, uint64_t signals)
{
	se->se_stream->sr_raise |= signals;
	(void)stream_flush(se);
}

void
stream_start(struct session *se)
{
	(void)session_enter(se);
	se->se_stream->sr_on = true;
	(void)stream_flush(se);
	session_leave(se);
}

int
stream_event(struct session *se)
{
	struct stream *sr = se->se_stream;
	int error = 0;

	if (session_enter(se) != HYPER_NOFD) {
		error = frames_in(&sr->sr_frames, READ_MOST);
		if (error == 0)
			error = stream_flush(se);
	}
	session_leave(se);
	return error;
}

/*
 * Who it is
 */

static void
meet_events(struct session *se, uint32_t events)
{
	(void)hyper_events_change(
	    pool_events(), se->se_sock, events, (uint64_t)(uintptr_t)se);
}

/* There is something to go on with, or it is done: 0 or an errno then. */
static int
meet_leader(struct session *se)
{
	struct stream *sr = se->se_stream;
	int error = EAGAIN;

	(void)session_enter(se);
	if (sr->sr_meeting == MEET_DONE) {
		error = sr->sr_error;
		meet_events(se, HYPER_EV_IN);
	} else if (sr->sr_meeting == MEET_NOT) {
		sr->sr_meeting = MEET_GOING;
		/* Nothing is to be told meanwhile. */
		meet_events(se, 0);
		pool_meet(se);
	}
	session_leave(se);
	return error;
}

/* With se_lock, and a socket. */
static int
meet_locked(struct session *se, bool *outp, char *why, size_t size)
{
	struct stream *sr = se->se_stream;
	int error;

	error = stream_tls()->to_handshake(sr->sr_tls, outp, why, size);
	if (error == 0)
		error =
		    stream_tls()->to_who(sr->sr_tls, &sr->sr_key, sr->sr_name);
	sr->sr_error = error;
	sr->sr_meeting = error == EAGAIN ? MEET_NOT : MEET_DONE;
	/* There is room, so that the leader hears at once that it is done. */
	meet_events(se, error == EAGAIN && !*outp ? HYPER_EV_IN : HYPER_EV_OUT);
	return error;
}

void
stream_shake(struct session *se)
{
	char why[128] = "";
	bool out = false;
	int error = 0;

	/* It may have been ended. */
	if (session_enter(se) != HYPER_NOFD && se->se_stream->sr_tls != NULL)
		error = meet_locked(se, &out, why, sizeof(why));
	session_leave(se);
	if (error == EACCES && proxy_config.pc_verbose)
		kern_printf("a client: TLS: %s", why);
}

int
stream_meet(struct session *se)
{
	struct stream *sr = se->se_stream;
	int error;

	if (sr->sr_known)
		return 0;
	if (sr->sr_tls != NULL && (error = meet_leader(se)) != 0)
		return error;
	sr->sr_known = true;
	if (!se->se_far)
		return 0;
	se->se_user = users_find(sr->sr_name, sr->sr_key);
	if (se->se_user == NULL && sr->sr_tls != NULL) {
		kern_printf("client %s: is no user", sr->sr_name);
		return EACCES;
	}
	return 0;
}

/*
 * Life
 */

int
stream_make(struct session *se, bool secret)
{
	struct tls_context *context;
	const struct tls_ops *ops = tcp_tls(&context);
	struct stream *sr;
	int error = 0;

	if (syscall_enter() == NULL)
		return syscall_refusal();
	sr = kmem_alloc(sizeof(*sr));
	syscall_exit();
	if (sr == NULL)
		return ENOMEM;
	memset(sr, 0, sizeof(*sr));
	sr->sr_session = se;
	sr->sr_frames.fr_ops = &frames_ops;
	memcpy(sr->sr_name, USERS_PLAIN, sizeof(USERS_PLAIN));
	se->se_stream = sr;
	if (secret && ops != NULL)
		error = ops->to_begin(context, se->se_sock, &sr->sr_tls);
	return error;
}

/* In a section. */
void
stream_free(struct session *se)
{
	struct stream *sr = se->se_stream;

	if (sr == NULL)
		return;
	if (sr->sr_tls != NULL)
		stream_tls()->to_end(sr->sr_tls);
	kmem_free(sr, sizeof(*sr));
}

int
stream_slots(struct session *se)
{
	void *addr;

	if (se->se_shm != NULL)
		return 0;
	if (hyper_shm_private(SP_SHMSIZE, &addr) != 0)
		return ENOMEM;
	se->se_shm = addr;
	return 0;
}

void
stream_forget(struct session *se)
{
	struct sp_slot *ss;
	uint32_t i;

	(void)session_enter(se);
	for (i = 0; i < se->se_nslots; i++) {
		ss = sp_slot(se->se_shm, i);
		/* Others have not been written, and stay so. */
		if (ss->ss_number == 0)
			continue;
		slot_clear(se, ss);
		ss->ss_number = 0;
	}
	session_leave(se);
}

/* se_lock, or nobody else has it. */
static void
stream_reset(struct stream *sr)
{
	frames_reset(&sr->sr_frames);
	memset(sr->sr_post, 0, sizeof(sr->sr_post));
	/* Nobody knows whether it has heard of them. */
	sr->sr_raise |= sr->sr_raised;
	sr->sr_on = sr->sr_out = false;
}

void
stream_detach(struct session *se)
{
	struct stream *sr = se->se_stream;

	(void)session_enter(se);
	stream_reset(sr);
	if (sr->sr_tls != NULL)
		stream_tls()->to_end(sr->sr_tls);
	sr->sr_tls = NULL;
	session_leave(se);
}

void
stream_take(struct session *se, struct session *from)
{
	struct stream *sr = from->se_stream;

	(void)session_enter(se);
	if (se->se_stream == NULL) {
		se->se_stream = sr;
		sr->sr_session = se;
		from->se_stream = NULL;
	} else {
		stream_reset(se->se_stream);
		se->se_stream->sr_tls = sr->sr_tls;
		sr->sr_tls = NULL;
	}
	session_leave(se);
}
