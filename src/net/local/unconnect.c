/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connections: listen, connect, accept, pairs.
 *
 * connect makes the socket that accept will return, the other end of the
 * connection, and puts it into the queue of the listening socket in a message:
 * so who has connected can send before he is accepted.
 */
#include "net/local/unsock.h"

int
unsock_listen(struct lwp *l, struct socket *so, int backlog)
{
	struct unsock *us = so_to_us(so);
	int error = 0;

	if (unsock_addr(us) == NULL)
		return EINVAL;
	unsock_enter(us);
	if (unsock_state(us) == UN_CONNECTED)
		error = EINVAL;
	else {
		us->us_backlog = (uint32_t)backlog;
		unsock_setstate(us, UN_LISTEN);
		unsock_setpeercred(us, l);
	}
	unsock_leave(us);
	return error;
}

/*
 * Streams and packets
 */

/* Connect us to other, by way of end; both and end are locked. */
static void
connect_ends(
    struct lwp *l, struct unsock *us, struct unsock *other, struct unsock *end)
{
	struct unaddr *ua = unsock_addr(other);

	unsock_hold(us);
	unsock_hold(end);
	unsock_setpeer(end, us);
	unsock_setpeer(us, end);
	unsock_setpeercred(end, l);
	unsock_copypeercred(us, other);
	atomic_fetch_add_explicit(&ua->ua_refs, 1, memory_order_relaxed);
	atomic_store_explicit(&end->us_addr, ua, memory_order_release);
	atomic_store_explicit(&end->us_so.so_opts,
	    atomic_load_explicit(&other->us_so.so_opts, memory_order_relaxed) &
		(SOPT_PASSCRED | SOPT_PASSRIGHTS),
	    memory_order_relaxed);
	end->us_embryo = true;
	unsock_setstate(end, UN_CONNECTED);
	unsock_setstate(us, UN_CONNECTED);
}

/*
 * One try; m brings end to other.  *again: it did not come to an answer,
 * because other was closed, or there was no room for a while.
 */
static int
connect_try(struct lwp *l, struct unsock *us, struct unsock *other,
    struct unmsg *m, int64_t deadline, bool *again)
{
	struct unsock *end = m->um_from;
	int error = 0;

	*again = false;
	socket_lock2(&us->us_so, &other->us_so);
	if (other->us_dead)
		*again = true;
	else if (unsock_state(other) != UN_LISTEN ||
		 (socket_shut(&other->us_so) & SO_SHUTRD) != 0)
		error = ECONNREFUSED;
	else if (unsock_full(other)) {
		if (us != other)
			unsock_exit(us);
		error = socket_sleep(&other->us_so, &other->us_room, deadline);
		*again = error == 0;
		unsock_leave(other);
		return error;
	} else if (unsock_state(us) != UN_CLOSED)
		error = unsock_state(us) == UN_CONNECTED ? EISCONN : EINVAL;
	else {
		/* Nobody else knows it: it has no place in the order. */
		unsock_enter(end);
		connect_ends(l, us, other, end);
		unsock_exit(end);
		unmsg_append(other, m);
	}
	if (us != other)
		unsock_exit(us);
	unsock_leave(other);
	if (error == 0 && !*again)
		socket_tell(&other->us_so, UN_IN, POLL_IN);
	return error;
}

int
unsock_connect(struct lwp *l, struct socket *so,
    const struct sockaddr_storage *ss, socklen_t len, bool nowait)
{
	struct unsock *us = so_to_us(so), *other, *end;
	int64_t deadline = socket_deadline(so->so_sndtimeo, nowait);
	struct unmsg *m;
	bool again;
	int error;

	if ((error = unname_check(ss, len)) != 0)
		return error;
	if (socket_opt(so, SOPT_PASSCRED) && unsock_addr(us) == NULL &&
	    (error = unsock_autobind(us)) != 0)
		return error;
	if ((error = unsock_alloc(so->so_proto, proc_cred(l->l_proc), &end)) !=
	    0)
		return error;
	if ((m = unmsg_alloc(0, 0)) == NULL) {
		unsock_close(end, false);
		return ENOMEM;
	}
	m->um_from = end;
	do {
		error = unname_find(l, ss, len, unsock_type(us), &other);
		if (error != 0)
			break;
		error = connect_try(l, us, other, m, deadline, &again);
		unsock_rele(other);
	} while (again);
	if (error != 0) {
		m->um_from = NULL;
		unmsg_free(m);
		unsock_close(end, false);
	}
	return error;
}

int
unsock_accept(
    struct lwp *l, struct socket *so, bool nowait, struct socket **newp)
{
	int64_t deadline = socket_deadline(so->so_rcvtimeo, nowait);
	struct unsock *us = so_to_us(so), *end = NULL;
	struct unmsg *m;
	int error = 0;

	(void)l;
	if (unsock_state(us) != UN_LISTEN)
		return EINVAL;
	unsock_enter(us);
	while (error == 0) {
		if ((error = socket_takeerror(so)) != 0 ||
		    (m = TAILQ_FIRST(&us->us_queue)) != NULL)
			break;
		/* As on Linux only for who waits. */
		if ((socket_shut(so) & SO_SHUTRD) != 0 && deadline != 0)
			error = EINVAL;
		else
			error = socket_sleep(so, &us->us_rcv, deadline);
	}
	if (error == 0) {
		unmsg_unlink(us, m);
		end = m->um_from;
		m->um_from = NULL;
	}
	unsock_leave(us);
	if (error != 0)
		return error;
	unmsg_free(m);
	unsock_enter(end);
	end->us_embryo = false;
	unsock_exit(end);
	*newp = &end->us_so;
	return 0;
}

int
unsock_pair(struct lwp *l, struct socket *a, struct socket *b)
{
	struct unsock *ua = so_to_us(a), *ub = so_to_us(b);

	socket_lock2(a, b);
	unsock_hold(ua);
	unsock_hold(ub);
	unsock_setpeer(ua, ub);
	unsock_setpeer(ub, ua);
	unsock_setpeercred(ua, l);
	unsock_setpeercred(ub, l);
	unsock_setstate(ua, UN_CONNECTED);
	unsock_setstate(ub, UN_CONNECTED);
	socket_unlock2(a, b);
	return 0;
}

/*
 * Datagrams
 */

/*
 * us was connected to old, which is held by that no longer.  What it has been
 * sent by now is thrown away.
 */
static void
undgram_left(struct unsock *us, struct unsock *old)
{
	struct unmsgs list = TAILQ_HEAD_INITIALIZER(list);
	struct unmsg *m;
	bool tell = false;

	unsock_enter(us);
	if (us->us_qlen > 0) {
		TAILQ_CONCAT(&list, &us->us_queue, um_link);
		us->us_qlen = 0;
		cv_broadcast(&us->us_room);
		unsock_tellroom(us);
	}
	unsock_exit(us);
	/* Somebody else's connection with us has an end missing. */
	unsock_enter(old);
	if (!TAILQ_EMPTY(&list) && !old->us_dead && unsock_peer(old) == us) {
		atomic_store_explicit(
		    &old->us_so.so_error, ECONNRESET, memory_order_relaxed);
		unsock_wakeall(old);
		tell = true;
	}
	if (unsock_peer(old) == NULL)
		unsock_setstate(old, UN_CLOSED);
	unsock_exit(old);
	if (tell)
		socket_tell(&old->us_so, POLLERR, POLL_ERR);
	TAILQ_FOREACH (m, &list, um_link)
		undgram_unload(m);
	unmsgs_free(&list);
	unsock_rele(old);
}

/* Its peer becomes other, or NULL; the old one is returned, still held. */
static struct unsock *
undgram_replace(struct unsock *us, struct unsock *other)
{
	struct unsock *old = unsock_peer(us);

	KASSERT(unsock_owned(us));
	if (us->us_told)
		unsock_untell(us);
	if (other != NULL)
		unsock_hold(other);
	unsock_setpeer(us, other);
	unsock_setstate(us, other != NULL ? UN_CONNECTED : UN_CLOSED);
	if (other != NULL)
		unsock_setstate(other, UN_CONNECTED);
	return old;
}

static void
undgram_unlock3(struct unsock *us, struct unsock *other, struct unsock *peer)
{
	unsock_exit(us);
	if (peer != NULL && peer != us)
		unsock_exit(peer);
	if (other != NULL && other != us && other != peer)
		unsock_exit(other);
	if (peer != NULL)
		unsock_rele(peer);
}

/*
 * Lock us, its peer and other, of which the last two may be NULL or the same.
 * *peerp: the peer, held.
 */
static void
undgram_lock3(struct unsock *us, struct unsock *other, struct unsock **peerp)
{
	struct socket *so[3], *t;
	struct unsock *peer;
	unsigned i, k;

	for (;;) {
		peer = unsock_holdpeer(us);
		so[0] = &us->us_so;
		so[1] = peer != NULL ? &peer->us_so : NULL;
		so[2] = other != NULL ? &other->us_so : NULL;
		for (i = 0; i < 2; i++)
			for (k = i + 1; k < 3; k++)
				if (so[k] < so[i]) {
					t = so[i];
					so[i] = so[k];
					so[k] = t;
				}
		for (i = 0; i < 3; i++)
			if (so[i] != NULL && (i == 0 || so[i] != so[i - 1]))
				mutex_enter(&so[i]->so_lock);
		*peerp = peer;
		if (unsock_peer(us) == peer)
			return;
		undgram_unlock3(us, other, peer);
	}
}

bool
undgram_forget(struct unsock *us, struct unsock *dead)
{
	struct unsock *peer, *old = NULL;

	undgram_lock3(us, NULL, &peer);
	if (peer == dead)
		old = undgram_replace(us, NULL);
	undgram_unlock3(us, NULL, peer);
	if (old == NULL)
		return false;
	undgram_left(us, old);
	return true;
}

int
undgram_connect(struct lwp *l, struct socket *so,
    const struct sockaddr_storage *ss, socklen_t len, bool nowait)
{
	struct unsock *us = so_to_us(so), *other, *peer, *old, *back;
	bool again;
	int error;

	(void)nowait;
	if (len < sizeof(ss->ss_family))
		return EINVAL;
	do {
		other = NULL;
		if (ss->ss_family != AF_UNSPEC) {
			if ((error = unname_check(ss, len)) != 0)
				return error;
			if (socket_opt(so, SOPT_PASSCRED) &&
			    unsock_addr(us) == NULL &&
			    (error = unsock_autobind(us)) != 0)
				return error;
			error = unname_find(l, ss, len, SOCK_DGRAM, &other);
			if (error != 0)
				return error;
		}
		error = 0;
		old = NULL;
		undgram_lock3(us, other, &peer);
		again = other != NULL && other->us_dead;
		back = other != NULL ? unsock_peer(other) : NULL;
		if (!again && other != NULL && back != NULL && back != us)
			error = EPERM;
		else if (!again)
			old = undgram_replace(us, other);
		undgram_unlock3(us, other, peer);
		if (old != NULL && old != other)
			undgram_left(us, old);
		else if (old != NULL)
			unsock_rele(old);
		if (other != NULL)
			unsock_rele(other);
	} while (again);
	return error;
}
