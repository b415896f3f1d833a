/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOCK_DGRAM and SOCK_SEQPACKET: sending and receiving whole messages.
 *
 * A queue has room for some messages, but between two that are connected to
 * each other only what they may have on their way is limited.
 */
#include "net/local/unsock.h"

/*
 * Sending
 */

/* Wait until us may have something more on its way, and count it. */
static int
undgram_load(struct unsock *us, uint32_t cost, int64_t deadline)
{
	int error = 0;

	unsock_enter(us);
	while (error == 0) {
		if ((error = socket_takeerror(&us->us_so)) != 0)
			break;
		if ((socket_shut(&us->us_so) & SO_SHUTWR) != 0)
			error = EPIPE;
		else if (un_hasspace(us, us->us_wmem)) {
			us->us_wmem += cost;
			break;
		} else {
			socket_noroom(&us->us_so);
			error = socket_sleep(&us->us_so, &us->us_snd, deadline);
		}
	}
	unsock_leave(us);
	return error;
}

void
undgram_unload(struct unmsg *m)
{
	struct unsock *us = m->um_from;
	bool writable;

	unsock_enter(us);
	us->us_wmem -= m->um_cost;
	m->um_cost = 0;
	writable = un_writable(us, us->us_wmem);
	unsock_leave(us);
	if (writable)
		socket_tellroom(&us->us_so, UN_OUT);
}

/* Is `to' full for us?  It is locked. */
static bool
undgram_full(const struct unsock *us, const struct unsock *to)
{
	return to != us && unsock_peer(to) != us && unsock_full(to);
}

bool
undgram_peerfull(struct unsock *us)
{
	struct unsock *peer = unsock_holdpeer(us);
	bool full;

	if (peer == NULL)
		return false;
	socket_lock2(&us->us_so, &peer->us_so);
	full =
	    unsock_peer(us) == peer && !peer->us_dead && undgram_full(us, peer);
	if (full && !us->us_told) {
		LIST_INSERT_HEAD(&peer->us_tell, us, us_telllink);
		us->us_told = true;
	}
	socket_unlock2(&us->us_so, &peer->us_so);
	unsock_rele(peer);
	return full;
}

/*
 * Put m into the queue of `to'.  *dead: there is nobody any more.
 */
static int
undgram_put(struct lwp *l, struct unsock *us, struct unsock *to,
    struct unmsg *m, struct unscm *scm, int64_t deadline, bool *dead)
{
	int error = 0;

	*dead = false;
	unsock_enter(to);
	while (error == 0) {
		if (unsock_peer(to) != NULL && unsock_peer(to) != us)
			error = EPERM;
		else if (to->us_dead) {
			*dead = true;
			break;
		} else if ((socket_shut(&to->us_so) & SO_SHUTRD) != 0)
			error = EPIPE;
		else if (!undgram_full(us, to)) {
			error = unscm_attach(l, scm, m, us, to);
			if (error == 0)
				unmsg_append(to, m);
			break;
		} else
			error =
			    socket_sleep(&to->us_so, &to->us_room, deadline);
	}
	unsock_leave(to);
	if (error == 0 && !*dead)
		socket_tell(&to->us_so, UN_IN, POLL_IN);
	return error;
}

/* Bring m to its destination: a name, or the peer. */
static int
undgram_deliver(struct lwp *l, struct unsock *us, struct sockmsg *sm,
    struct unmsg *m, struct unscm *scm, int64_t deadline)
{
	int type = unsock_type(us), error;
	struct unsock *to;
	bool dead = false;

	do {
		if (sm->sm_namelen != 0) {
			error = unname_find(
			    l, sm->sm_name, sm->sm_namelen, type, &to);
			if (error != 0)
				return error;
		} else if ((to = unsock_holdpeer(us)) == NULL)
			return ENOTCONN;
		error = undgram_put(l, us, to, m, scm, deadline, &dead);
		if (dead && type == SOCK_SEQPACKET) {
			error = EPIPE;
			dead = false;
		} else if (dead && undgram_forget(us, to)) {
			error = ECONNREFUSED;
			dead = false;
		}
		unsock_rele(to);
		/* It will be told, or there is room by now. */
		if (error == EAGAIN && sm->sm_namelen == 0 && deadline == 0)
			dead = !undgram_peerfull(us);
	} while (dead);
	return error;
}

/* What is wrong with a message before anything is done about it. */
static int
undgram_check(struct unsock *us, struct sockmsg *sm)
{
	int error;

	if ((sm->sm_flags & MSG_OOB) != 0)
		return EOPNOTSUPP;
	if (sm->sm_namelen != 0) {
		error = unname_check(sm->sm_name, sm->sm_namelen);
		if (error != 0)
			return error;
	}
	if (socket_opt(&us->us_so, SOPT_PASSCRED) && unsock_addr(us) == NULL &&
	    (error = unsock_autobind(us)) != 0)
		return error;
	if ((int64_t)sm->sm_uio->uio_resid > us->us_so.so_sndbuf - 32)
		return EMSGSIZE;
	return 0;
}

static int
undgram_sendmsg(
    struct lwp *l, struct unsock *us, struct sockmsg *sm, struct unscm *scm)
{
	uint32_t len = (uint32_t)sm->sm_uio->uio_resid;
	uint32_t cost = unmsg_cost_dgram(len);
	int64_t deadline;
	struct unmsg *m;
	int error;

	if ((error = undgram_check(us, sm)) != 0)
		return error;
	deadline = socket_deadline(us->us_so.so_sndtimeo, sm->sm_nowait);
	if ((error = undgram_load(us, cost, deadline)) != 0)
		return error;
	if ((m = unmsg_alloc(len, cost)) == NULL) {
		error = ENOMEM;
		unsock_enter(us);
		us->us_wmem -= cost;
		unsock_leave(us);
		return error;
	}
	unsock_hold(us);
	m->um_from = us;
	if ((error = unmsg_fill(m, sm->sm_uio)) == 0)
		error = undgram_deliver(l, us, sm, m, scm, deadline);
	if (error != 0) {
		sm->sm_uio->uio_resid = len;
		undgram_unload(m);
		unmsg_free(m);
	}
	return error;
}

int
undgram_send(struct lwp *l, struct socket *so, struct sockmsg *sm, size_t *lenp,
    bool *sigp)
{
	struct unsock *us = so_to_us(so);
	size_t len = sm->sm_uio->uio_resid;
	struct unscm scm;
	int error;

	(void)sigp;
	if (unsock_type(us) == SOCK_SEQPACKET) {
		if ((error = socket_takeerror(so)) != 0)
			return error;
		if (unsock_state(us) != UN_CONNECTED)
			return ENOTCONN;
		sm->sm_namelen = 0;
	}
	unscm_init(&scm);
	if (unlikely(sm->sm_control != NULL) &&
	    (error = unscm_copyin(l, sm, &scm)) != 0)
		return error;
	error = undgram_sendmsg(l, us, sm, &scm);
	unscm_free(&scm);
	if (error == 0)
		*lenp = len;
	return error;
}

/*
 * Receiving
 */

/* The next message, from SO_PEEK_OFF on; *skipp is how far into it. */
static struct unmsg *
undgram_find(struct unsock *us, bool peek, size_t *skipp)
{
	struct unmsg *m = TAILQ_FIRST(&us->us_queue);
	size_t skip = 0;

	if (peek && us->us_so.so_peekoff > 0)
		skip = (size_t)us->us_so.so_peekoff;
	while (m != NULL && skip > 0 && skip >= m->um_len && m->um_len > 0) {
		skip -= m->um_len;
		m = TAILQ_NEXT(m, um_link);
	}
	*skipp = skip;
	return m;
}

/* Wait for one.  NULL without an error: there will be none. */
static int
undgram_await(struct unsock *us, bool peek, int64_t deadline, struct unmsg **mp,
    size_t *skipp)
{
	struct socket *so = &us->us_so;
	int error = 0;

	*mp = NULL;
	while (error == 0) {
		if ((error = socket_takeerror(so)) != 0 ||
		    (*mp = undgram_find(us, peek, skipp)) != NULL)
			break;
		if ((socket_shut(so) & SO_SHUTRD) != 0) {
			if (deadline == 0 && unsock_type(us) == SOCK_DGRAM)
				error = EAGAIN;
			break;
		}
		error = socket_sleep(so, &us->us_rcv, deadline);
	}
	return error;
}

/* Copy what the caller has room for. */
static int
undgram_copy(
    struct sockmsg *sm, const struct unmsg *m, size_t skip, size_t *lenp)
{
	size_t len = m->um_len - skip, room = sm->sm_uio->uio_resid;
	int error;

	if (room < len)
		sm->sm_outflags |= MSG_TRUNC;
	else
		room = len;
	error = uiomove(m->um_data + skip, room, sm->sm_uio);
	*lenp = (sm->sm_flags & MSG_TRUNC) != 0 ? len : room;
	return error;
}

static void
undgram_peekoff(struct socket *so, int64_t n)
{
	int64_t off = so->so_peekoff;

	KASSERT(mutex_owned(&so->so_lock));
	if (off >= 0)
		so->so_peekoff = off + n < 0 ? 0 : (int)(off + n);
}

/* Take it out of the queue; us is locked and is not afterwards. */
static int
undgram_take(struct unsock *us, struct sockmsg *sm, struct unmsg *m,
    size_t skip, struct unscm *scm, size_t *lenp)
{
	int error;

	unmsg_unlink(us, m);
	(void)unscm_take(scm, m, false);
	undgram_peekoff(&us->us_so, -(int64_t)m->um_len);
	unsock_tellroom(us);
	unsock_leave(us);
	if (sm->sm_name != NULL && unsock_addr(m->um_from) != NULL)
		sm->sm_namelen = unname_copy(m->um_from, sm->sm_name);
	error = undgram_copy(sm, m, skip, lenp);
	undgram_unload(m);
	unmsg_free(m);
	return error;
}

static int
undgram_peek(struct unsock *us, struct sockmsg *sm, struct unmsg *m,
    size_t skip, struct unscm *scm, size_t *lenp)
{
	int error;

	if (sm->sm_name != NULL && unsock_addr(m->um_from) != NULL)
		sm->sm_namelen = unname_copy(m->um_from, sm->sm_name);
	error = undgram_copy(sm, m, skip, lenp);
	if (error == 0) {
		undgram_peekoff(&us->us_so, (int64_t)*lenp);
		error = unscm_take(scm, m, true);
	}
	unsock_leave(us);
	return error;
}

int
undgram_recv(struct lwp *l, struct socket *so, struct sockmsg *sm, size_t *lenp)
{
	struct unsock *us = so_to_us(so);
	bool peek = (sm->sm_flags & MSG_PEEK) != 0;
	struct unscm scm;
	struct unmsg *m;
	size_t skip = 0;
	int error;

	if (unsock_type(us) == SOCK_SEQPACKET &&
	    unsock_state(us) != UN_CONNECTED)
		return ENOTCONN;
	if ((sm->sm_flags & MSG_OOB) != 0)
		return EOPNOTSUPP;
	unscm_init(&scm);
	unsock_enter(us);
	error = undgram_await(us, peek,
	    socket_deadline(so->so_rcvtimeo, sm->sm_nowait), &m, &skip);
	if (error != 0 || m == NULL) {
		unsock_leave(us);
		return error;
	}
	scm.sc_ident = m->um_ident;
	error = peek ? undgram_peek(us, sm, m, skip, &scm, lenp)
		     : undgram_take(us, sm, m, skip, &scm, lenp);
	if (error == 0)
		unscm_copyout(l, us, sm, &scm);
	else
		unscm_free(&scm);
	return error;
}
