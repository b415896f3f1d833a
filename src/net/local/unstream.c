/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SOCK_STREAM: sending and receiving.
 *
 * A write is one message, or several if it is long; a read takes from as many
 * as it needs.  A message that brings descriptors ends a read, so that they
 * arrive with the data that they were sent with; so does, for who wants to
 * know who sent it, one of somebody else.
 */
#include "net/local/unsock.h"

/*
 * Sending
 */

/* Wait until us may send more; peer is locked. */
static int
unstream_await(struct unsock *us, struct unsock *peer, int64_t deadline)
{
	int error;

	KASSERT(unsock_owned(peer));
	for (;;) {
		if ((error = socket_takeerror(&us->us_so)) != 0)
			return error;
		if ((socket_shut(&us->us_so) & SO_SHUTWR) != 0)
			return EPIPE;
		if (likely(un_hasspace(us, peer->us_charge)))
			return 0;
		socket_noroom(&us->us_so);
		error = socket_sleep(&peer->us_so, &peer->us_snd, deadline);
		if (error != 0)
			return error;
	}
}

/* One message; *sigp if that is an EPIPE to post SIGPIPE for. */
static int
unstream_put(struct lwp *l, struct unsock *us, struct unsock *peer,
    struct sockmsg *sm, struct unscm *scm, int64_t deadline, bool *sigp)
{
	size_t most = unmsg_most_stream(us), resid = sm->sm_uio->uio_resid;
	uint32_t len = (uint32_t)(resid < most ? resid : most), cost;
	struct unmsg *m = NULL;
	bool asleep;
	int error;

	cost = unmsg_cost_stream(len);
	unsock_enter(peer);
	if ((error = unstream_await(us, peer, deadline)) != 0)
		goto out;
	if ((m = unmsg_alloc(len, cost)) == NULL) {
		error = ENOMEM;
		goto out;
	}
	if ((error = unmsg_fill(m, sm->sm_uio)) != 0)
		goto out;
	if (peer->us_dead || (socket_shut(&peer->us_so) & SO_SHUTRD) != 0) {
		sm->sm_uio->uio_resid = resid;
		*sigp = true;
		error = EPIPE;
		goto out;
	}
	if ((error = unscm_attach(l, scm, m, us, peer)) != 0) {
		sm->sm_uio->uio_resid = resid;
		goto out;
	}
	unmsg_append(peer, m);
	peer->us_charge += cost;
	m = NULL;
out:
	asleep = unsock_reads(peer);
	unsock_leave(peer);
	if (m != NULL)
		unmsg_free(m);
	else if (error == 0)
		unsock_tell(peer, UN_IN, POLL_IN, asleep);
	return error;
}

static int
unstream_sendall(struct lwp *l, struct unsock *us, struct sockmsg *sm,
    struct unscm *scm, bool *sigp)
{
	struct unsock *peer = unsock_peer(us);
	int64_t deadline;
	int error = 0;

	if (sm->sm_namelen != 0)
		return unsock_state(us) == UN_CONNECTED ? EISCONN : EOPNOTSUPP;
	if (peer == NULL)
		return ENOTCONN;
	if ((socket_shut(&us->us_so) & SO_SHUTWR) != 0) {
		*sigp = true;
		return EPIPE;
	}
	deadline = socket_deadline(us->us_so.so_sndtimeo, sm->sm_nowait);
	while (error == 0 && sm->sm_uio->uio_resid > 0)
		error = unstream_put(l, us, peer, sm, scm, deadline, sigp);
	return error;
}

int
unstream_send(struct lwp *l, struct socket *so, struct sockmsg *sm,
    size_t *lenp, bool *sigp)
{
	size_t whole = sm->sm_uio->uio_resid;
	struct unscm scm;
	int error;

	unscm_init(&scm);
	if (unlikely(sm->sm_control != NULL) &&
	    (error = unscm_copyin(l, sm, &scm)) != 0)
		return error;
	if ((sm->sm_flags & MSG_OOB) != 0)
		error = EOPNOTSUPP;
	else
		error = unstream_sendall(l, so_to_us(so), sm, &scm, sigp);
	unscm_free(&scm);
	*lenp = whole - sm->sm_uio->uio_resid;
	if (*lenp > 0)
		error = 0;
	if (error == 0 || (sm->sm_flags & MSG_NOSIGNAL) != 0)
		*sigp = false;
	return error;
}

/*
 * Receiving
 */

struct unread {
	struct unsock *ur_sock;
	struct sockmsg *ur_msg;
	struct unscm ur_scm;
	struct unmsgs ur_done; /* read to their ends */
	size_t ur_copied;
	bool ur_peek;
	bool ur_ident; /* ur_scm has one */
	bool ur_any;   /* there was a message */
};

static void
peekoff_add(struct socket *so, int64_t n)
{
	int64_t off = so->so_peekoff;

	KASSERT(mutex_owned(&so->so_lock));
	if (likely(off < 0))
		return;
	off += n;
	so->so_peekoff = off < 0 ? 0 : off > INT_MAX ? INT_MAX : (int)off;
}

/* Copy from m, so many bytes from where it begins.  EFAULT. */
static int
unread_copy(struct unread *ur, struct unmsg *m, size_t skip, size_t *np)
{
	struct uio *uio = ur->ur_msg->sm_uio;
	size_t resid = uio->uio_resid, n = m->um_len - m->um_off - skip;
	int error;

	if (n > resid)
		n = resid;
	error = uiomove(m->um_data + m->um_off + skip, n, uio);
	if (unlikely(error != 0)) {
		uio->uio_resid = resid;
		return error;
	}
	ur->ur_copied += n;
	ur->ur_any = true;
	*np = n;
	return 0;
}

/* Does m come from who sent what has been read already? */
static bool
unread_glue(struct unread *ur, const struct unmsg *m)
{
	if (likely(!socket_opt(&ur->ur_sock->us_so, SOPT_PASSCRED)))
		return true;
	if (!ur->ur_ident) {
		ur->ur_scm.sc_ident = m->um_ident;
		ur->ur_ident = true;
	}
	return ur->ur_scm.sc_ident.ui_pid == m->um_ident.ui_pid &&
	       ur->ur_scm.sc_ident.ui_uid == m->um_ident.ui_uid &&
	       ur->ur_scm.sc_ident.ui_gid == m->um_ident.ui_gid;
}

/* Read from the first messages.  *stop: not from more than these. */
static int
unread_take(struct unread *ur, bool *stop)
{
	struct unsock *us = ur->ur_sock;
	struct unmsg *m = TAILQ_FIRST(&us->us_queue);
	size_t n;
	int error;

	*stop = true;
	if (!unread_glue(ur, m))
		return 0;
	if ((error = unread_copy(ur, m, 0, &n)) != 0)
		return error;
	m->um_off += (uint32_t)n;
	peekoff_add(&us->us_so, -(int64_t)n);
	if (unlikely(m->um_rights != NULL) &&
	    (error = unscm_take(&ur->ur_scm, m, false)) != 0)
		return error;
	if (m->um_off < m->um_len)
		return 0;
	unmsg_unlink(us, m);
	us->us_charge -= m->um_cost;
	TAILQ_INSERT_TAIL(&ur->ur_done, m, um_link);
	*stop =
	    ur->ur_scm.sc_rights != NULL || ur->ur_msg->sm_uio->uio_resid == 0;
	return 0;
}

/*
 * Look at all messages, from byte skip of m on; also, as on Linux, at those
 * that there is no room for, up to the first that brings descriptors.
 */
static int
unread_peek(struct unread *ur, struct unmsg *m, size_t skip)
{
	struct unsock *us = ur->ur_sock;
	size_t n;
	int error;

	do {
		if (!unread_glue(ur, m))
			return 0;
		if ((error = unread_copy(ur, m, skip, &n)) != 0)
			return error;
		peekoff_add(&us->us_so, (int64_t)n);
		if (m->um_rights != NULL) {
			error = unscm_take(&ur->ur_scm, m, true);
			/* Nothing has been read: the error can be told. */
			if (error != 0)
				ur->ur_copied = 0;
			return error;
		}
		skip = 0;
		m = TAILQ_NEXT(m, um_link);
	} while (m != NULL);
	return 0;
}

/* The message that is *skipp bytes away, which becomes what is left of that. */
static struct unmsg *
unread_find(struct unread *ur, size_t *skipp)
{
	struct unmsg *m;

	TAILQ_FOREACH (m, &ur->ur_sock->us_queue, um_link) {
		if (*skipp == 0 || *skipp < m->um_len - m->um_off)
			return m;
		*skipp -= m->um_len - m->um_off;
	}
	return NULL;
}

/* There is nothing to read: an end, an error, or a sleep. */
static int
unread_wait(struct unread *ur, size_t target, int64_t deadline, bool *stop)
{
	struct unsock *us = ur->ur_sock;
	int error;

	*stop = true;
	if (ur->ur_copied >= target)
		return 0;
	if ((error = socket_takeerror(&us->us_so)) != 0)
		return error;
	if ((socket_shut(&us->us_so) & SO_SHUTRD) != 0)
		return 0;
	*stop = false;
	return socket_sleep(&us->us_so, &us->us_rcv, deadline);
}

static int
unread_loop(struct unread *ur, size_t target, int64_t deadline)
{
	struct unsock *us = ur->ur_sock;
	bool stop = false;
	struct unmsg *m;
	size_t skip;
	int error = 0;

	while (!stop && error == 0) {
		skip = 0;
		if (ur->ur_peek && us->us_so.so_peekoff > 0)
			skip = (size_t)us->us_so.so_peekoff;
		if ((m = unread_find(ur, &skip)) == NULL)
			error = unread_wait(ur, target, deadline, &stop);
		else if (!ur->ur_peek)
			error = unread_take(ur, &stop);
		else {
			error = unread_peek(ur, m, skip);
			stop = true;
		}
	}
	return error;
}

/* What has been read is no longer on its way. */
static void
unread_finish(struct unread *ur, struct unsock *peer, bool writable)
{
	struct unmsg *m;

	while ((m = TAILQ_FIRST(&ur->ur_done)) != NULL) {
		TAILQ_REMOVE(&ur->ur_done, m, um_link);
		unmsg_free(m);
		if (writable)
			socket_tellroom(&peer->us_so, UN_OUT);
	}
}

int
unstream_recv(
    struct lwp *l, struct socket *so, struct sockmsg *sm, size_t *lenp)
{
	struct unsock *us = so_to_us(so), *peer;
	struct unread ur = {.ur_sock = us, .ur_msg = sm};
	size_t want = sm->sm_uio->uio_resid, target = want;
	bool writable;
	int error;

	if (unsock_state(us) != UN_CONNECTED || (sm->sm_flags & MSG_OOB) != 0)
		return EINVAL;
	peer = unsock_peer(us);
	if ((sm->sm_flags & MSG_WAITALL) == 0 &&
	    target > (size_t)so->so_rcvlowat)
		target = (size_t)so->so_rcvlowat;
	ur.ur_peek = (sm->sm_flags & MSG_PEEK) != 0;
	TAILQ_INIT(&ur.ur_done);
	unscm_init(&ur.ur_scm);
	/* At an end nobody, whom Linux calls root. */
	ur.ur_scm.sc_ident = (struct unident){0, 0, 0};
	unsock_enter(us);
	error = unread_loop(&ur, target == 0 ? 1 : target,
	    socket_deadline(so->so_rcvtimeo, sm->sm_nowait));
	writable = un_writable(peer, us->us_charge);
	unsock_leave(us);
	if (sm->sm_name != NULL && ur.ur_any && unsock_addr(peer) != NULL)
		sm->sm_namelen = unname_copy(peer, sm->sm_name);
	unread_finish(&ur, peer, writable);
	*lenp = ur.ur_copied;
	if (ur.ur_copied > 0)
		error = 0;
	unscm_copyout(l, us, sm, &ur.ur_scm);
	return error;
}

/*
 * The short cuts: one message, which brings nothing along, and nobody waits.
 */

ssize_t
unstream_fastread(struct file *fp, void *buf, size_t len)
{
	struct unsock *us = so_to_us(fp->f_data), *peer = unsock_peer(us);
	struct unmsg *m;
	size_t n = 0;

	if (unlikely(peer == NULL || !mutex_tryenter(&us->us_so.so_lock)))
		return 0;
	m = TAILQ_FIRST(&us->us_queue);
	if (unlikely(m == NULL || m->um_rights != NULL ||
		     us->us_so.so_peekoff >= 0 || cv_has_waiters(&us->us_rcv) ||
		     cv_has_waiters(&us->us_snd) ||
		     klist_waited(&peer->us_so.so_klist)))
		goto out;
	n = m->um_len - m->um_off;
	if (len < n)
		n = len;
	else if (len > n && TAILQ_NEXT(m, um_link) != NULL) {
		n = 0;
		goto out;
	}
	if (unlikely(unsock_state(us) != UN_CONNECTED)) {
		n = 0;
		goto out;
	}
	copy_small(buf, m->um_data + m->um_off, n);
	m->um_off += (uint32_t)n;
	if (m->um_off == m->um_len) {
		unmsg_unlink(us, m);
		us->us_charge -= m->um_cost;
		unsock_exit(us);
		if (unlikely(m->um_data != m->um_inline))
			kmem_free(m->um_data, m->um_len);
		kcache_free(unmsg_cache, m);
		return (ssize_t)n;
	}
out:
	unsock_exit(us);
	return (ssize_t)n;
}

size_t
unstream_fastwrite(struct file *fp, const void *buf, size_t len)
{
	struct unsock *us = so_to_us(fp->f_data), *peer = unsock_peer(us);
	uint32_t cost = unmsg_cost_stream((uint32_t)len);
	struct unmsg *m;

	if (unlikely(peer == NULL ||
		     (socket_shut(&us->us_so) & SO_SHUTWR) != 0 ||
		     socket_opt(&us->us_so, SOPT_PASSCRED) ||
		     socket_opt(&peer->us_so, SOPT_PASSCRED) ||
		     us->us_so.so_error != 0 ||
		     !mutex_tryenter(&peer->us_so.so_lock)))
		return 0;
	if (unlikely(peer->us_dead || peer->us_embryo ||
		     (socket_shut(&peer->us_so) & SO_SHUTRD) != 0 ||
		     cv_has_waiters(&peer->us_rcv) ||
		     !un_hasspace(us, peer->us_charge) ||
		     (m = kcache_alloc(unmsg_cache)) == NULL)) {
		unsock_exit(peer);
		return 0;
	}
	m->um_data = m->um_inline;
	m->um_len = (uint32_t)len;
	m->um_off = 0;
	m->um_cost = cost;
	m->um_ident = (struct unident){0, (uid_t)-1, (gid_t)-1};
	m->um_from = NULL;
	m->um_rights = NULL;
	copy_small(m->um_inline, buf, len);
	unmsg_append(peer, m);
	peer->us_charge += cost;
	unsock_exit(peer);
	socket_tell(&peer->us_so, UN_IN, POLL_IN);
	return len;
}
