/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The domain AF_UNIX: its kinds of sockets, how they are made and closed, and
 * what does not depend on what they send.  See unsock.h.
 */
#include <sys/ioctl.h>

#include <linux/sockios.h>

#include "net/local/unsock.h"

static struct kcache *unsock_cache;
static const struct protosw local_protos[];

/*
 * Life
 */

int
unsock_alloc(
    const struct protosw *pr, const struct cred *cr, struct unsock **usp)
{
	struct unsock *us = kcache_alloc(unsock_cache);

	if (us == NULL)
		return ENOMEM;
	memset(us, 0, sizeof(*us));
	socket_init(&us->us_so, pr, cr);
	atomic_init(&us->us_refs, 1);
	TAILQ_INIT(&us->us_queue);
	LIST_INIT(&us->us_tell);
	us->us_backlog = UN_QLEN;
	us->us_peercred = (struct ucred){0, (uid_t)-1, (gid_t)-1};
	unname_insert(us);
	*usp = us;
	return 0;
}

void
unsock_rele(struct unsock *us)
{
	struct unaddr *ua;

	/* acq_rel: every holder's use is over before it is taken apart. */
	if (atomic_fetch_sub_explicit(&us->us_refs, 1, memory_order_acq_rel) !=
	    1)
		return;
	KASSERT(us->us_dead && TAILQ_EMPTY(&us->us_queue));
	if ((ua = unsock_addr(us)) != NULL)
		unaddr_rele(ua);
	if (us->us_peergroups != NULL)
		cred_rele(us->us_peergroups);
	kcache_free(unsock_cache, us);
}

struct unsock *
unsock_holdpeer(struct unsock *us)
{
	struct unsock *peer;

	unsock_enter(us);
	if ((peer = unsock_peer(us)) != NULL)
		unsock_hold(peer);
	unsock_exit(us);
	return peer;
}

/* Take all from the queue, locked; what has been sent is let go. */
static void
unsock_purge(struct unsock *us, struct unmsgs *list)
{
	KASSERT(unsock_owned(us));
	TAILQ_CONCAT(list, &us->us_queue, um_link);
	us->us_qlen = 0;
	us->us_charge = 0;
}

/* Those that nobody has read, or accepted. */
static void
unsock_discard(struct unmsgs *list, bool listening)
{
	struct unmsg *m;

	TAILQ_FOREACH (m, list, um_link)
		if (listening) {
			unsock_close(m->um_from, true);
			m->um_from = NULL;
		} else if (m->um_from != NULL)
			undgram_unload(m);
	unmsgs_free(list);
}

/* Is there something unread?  One empty packet is nothing, as on Linux. */
static bool
unsock_unread(const struct unmsgs *list)
{
	const struct unmsg *m = TAILQ_FIRST(list);

	return m != NULL && (m->um_len > 0 || TAILQ_NEXT(m, um_link) != NULL);
}

/* The other end of a connection is gone. */
static void
unsock_hangup(struct unsock *peer, bool reset)
{
	bool asleep;

	unsock_enter(peer);
	atomic_store_explicit(
	    &peer->us_so.so_shut, SO_SHUTRW, memory_order_relaxed);
	if (reset)
		atomic_store_explicit(
		    &peer->us_so.so_error, ECONNRESET, memory_order_relaxed);
	asleep = unsock_reads(peer);
	unsock_wakeall(peer);
	unsock_exit(peer);
	unsock_tell(peer, KLIST_ALL, POLL_HUP, asleep);
	/* What it had sent is no longer on its way. */
	if (unsock_type(peer) == SOCK_STREAM)
		socket_tellroom(&peer->us_so, 0);
}

void
unsock_close(struct unsock *us, bool refused)
{
	struct unmsgs list = TAILQ_HEAD_INITIALIZER(list);
	struct unsock *peer, *other;
	bool listening;

	unname_remove(us);
	for (;;) {
		peer = unsock_holdpeer(us);
		socket_lock2(&us->us_so, peer != NULL ? &peer->us_so : NULL);
		if (peer == unsock_peer(us))
			break;
		socket_unlock2(&us->us_so, peer != NULL ? &peer->us_so : NULL);
		if (peer != NULL)
			unsock_rele(peer);
	}
	us->us_dead = true;
	listening = unsock_state(us) == UN_LISTEN;
	unsock_setstate(us, UN_CLOSED);
	atomic_store_explicit(
	    &us->us_so.so_shut, SO_SHUTRW, memory_order_relaxed);
	unsock_setpeer(us, NULL);
	if (us->us_told)
		unsock_untell(us);
	while ((other = LIST_FIRST(&us->us_tell)) != NULL) {
		LIST_REMOVE(other, us_telllink);
		other->us_told = false;
		klist_notify(&other->us_so.so_klist, UN_OUT);
	}
	unsock_purge(us, &list);
	unsock_wakeall(us);
	socket_unlock2(&us->us_so, peer != NULL ? &peer->us_so : NULL);
	if (peer != NULL) {
		if (unsock_type(us) != SOCK_DGRAM)
			unsock_hangup(peer, refused || unsock_unread(&list));
		unsock_rele(peer);
		unsock_rele(peer);
	}
	unsock_discard(&list, listening);
	unsock_rele(us);
}

static void
local_close(struct socket *so)
{
	unsock_close(so_to_us(so), false);
	ungc_run();
}

/*
 * Waking
 */

void
unsock_wakeall(struct unsock *us)
{
	KASSERT(unsock_owned(us));
	cv_broadcast(&us->us_rcv);
	cv_broadcast(&us->us_snd);
	cv_broadcast(&us->us_room);
}

/* Can who waits on us_snd go on? */
static bool
unsock_sendable(const struct unsock *us)
{
	const struct unsock *peer;

	if (unsock_type(us) != SOCK_STREAM)
		return un_writable(us, us->us_wmem);
	peer = unsock_peer(us);
	return peer != NULL && un_writable(peer, us->us_charge);
}

void
unsock_leave(struct unsock *us)
{
	struct lwp *reader = NULL, *writer = NULL, *other = NULL;

	KASSERT(unsock_owned(us));
	if (unlikely(cv_has_waiters(&us->us_rcv)) && us->us_qlen > 0)
		reader = cv_take(&us->us_rcv);
	if (unlikely(cv_has_waiters(&us->us_snd)) && unsock_sendable(us))
		writer = cv_take(&us->us_snd);
	if (unlikely(cv_has_waiters(&us->us_room)) && !unsock_full(us))
		other = cv_take(&us->us_room);
	unsock_exit(us);
	if (unlikely(reader != NULL))
		cv_wake(reader);
	if (unlikely(writer != NULL))
		cv_wake(writer);
	if (unlikely(other != NULL))
		cv_wake(other);
}

void
unsock_tellroom(struct unsock *us)
{
	struct unsock *other;

	KASSERT(unsock_owned(us));
	while ((other = LIST_FIRST(&us->us_tell)) != NULL) {
		LIST_REMOVE(other, us_telllink);
		other->us_told = false;
		klist_notify(&other->us_so.so_klist, UN_OUT);
	}
}

void
unsock_untell(struct unsock *us)
{
	KASSERT(unsock_owned(us));
	LIST_REMOVE(us, us_telllink);
	us->us_told = false;
}

/*
 * Who is at the other end
 */

void
unsock_setpeercred(struct unsock *us, struct lwp *l)
{
	struct cred *old = us->us_peergroups, *cr = proc_cred(l->l_proc);

	KASSERT(unsock_owned(us));
	us->us_peercred =
	    (struct ucred){proc_pid(l->l_proc), cr->cr_euid, cr->cr_egid};
	us->us_peergroups = cred_hold(cr);
	if (old != NULL)
		cred_rele(old);
}

void
unsock_copypeercred(struct unsock *us, const struct unsock *from)
{
	struct cred *old = us->us_peergroups;

	KASSERT(unsock_owned(us));
	us->us_peercred = from->us_peercred;
	us->us_peergroups =
	    from->us_peergroups != NULL ? cred_hold(from->us_peergroups) : NULL;
	if (old != NULL)
		cred_rele(old);
}

static int
getopt_groups(struct unsock *us, void *val, socklen_t len, socklen_t *lenp)
{
	struct cred *cr;
	int error;

	unsock_enter(us);
	if ((cr = us->us_peergroups) != NULL)
		cred_hold(cr);
	unsock_exit(us);
	if (cr == NULL)
		return ENODATA;
	*lenp = (socklen_t)(cr->cr_ngroups * sizeof(gid_t));
	error = len < *lenp ? ERANGE : copyout(cr->cr_groups, val, *lenp);
	cred_rele(cr);
	return error;
}

static int
local_getopt(struct lwp *l, struct socket *so, int name, void *val,
    socklen_t len, socklen_t *lenp)
{
	struct unsock *us = so_to_us(so);
	struct ucred uc;

	(void)l;
	if (name == SO_PEERGROUPS)
		return getopt_groups(us, val, len, lenp);
	if (name != SO_PEERCRED)
		return ENOPROTOOPT;
	unsock_enter(us);
	uc = us->us_peercred;
	unsock_exit(us);
	*lenp = sizeof(uc);
	return copyout(&uc, val, len < sizeof(uc) ? len : sizeof(uc));
}

/* What it has sent and nobody has read, by cost. */
static uint32_t
unsock_sent(struct unsock *us)
{
	struct unsock *peer;
	uint32_t n = 0;

	if (unsock_type(us) != SOCK_STREAM) {
		unsock_enter(us);
		n = us->us_wmem;
		unsock_exit(us);
		return n;
	}
	if ((peer = unsock_holdpeer(us)) == NULL)
		return 0;
	unsock_enter(peer);
	n = peer->us_charge;
	unsock_exit(peer);
	unsock_rele(peer);
	return n;
}

/* Who waits for room in a buffer that has grown goes on. */
static void
local_optchanged(struct socket *so, int name)
{
	struct unsock *us = so_to_us(so), *peer, *where = us;

	if (name != SO_SNDBUF && name != SO_SNDBUFFORCE)
		return;
	peer = unsock_holdpeer(us);
	if (unsock_type(us) == SOCK_STREAM)
		where = peer;
	if (where != NULL) {
		unsock_enter(where);
		cv_broadcast(&where->us_snd);
		unsock_exit(where);
	}
	if (un_writable(us, unsock_sent(us)))
		socket_tellroom(so, UN_OUT);
	else
		klist_notify(&so->so_klist, UN_OUT);
	if (peer != NULL)
		unsock_rele(peer);
}

static int
local_getname(struct socket *so, bool want_peer, struct sockaddr_storage *ss,
    socklen_t *lenp)
{
	struct unsock *us = so_to_us(so), *peer;

	if (!want_peer) {
		*lenp = unname_copy(us, ss);
		return 0;
	}
	if ((peer = unsock_holdpeer(us)) == NULL)
		return ENOTCONN;
	*lenp = unname_copy(peer, ss);
	unsock_rele(peer);
	return 0;
}

static bool
local_listening(struct socket *so)
{
	return unsock_state(so_to_us(so)) == UN_LISTEN;
}

/*
 * Shutdown
 */

/* code: POLL_* for owners, or 0. */
static void
unsock_shut(struct unsock *us, uint32_t how, int code)
{
	bool asleep;

	unsock_enter(us);
	atomic_fetch_or_explicit(&us->us_so.so_shut, how, memory_order_relaxed);
	asleep = unsock_reads(us);
	unsock_wakeall(us);
	unsock_exit(us);
	unsock_tell(us, KLIST_ALL, code, asleep || code == 0);
}

static int
local_shutdown(struct socket *so, uint32_t how)
{
	struct unsock *us = so_to_us(so), *peer;
	uint32_t theirs = 0;

	unsock_shut(us, how, 0);
	if (unsock_type(us) == SOCK_DGRAM ||
	    (peer = unsock_holdpeer(us)) == NULL)
		return 0;
	if ((how & SO_SHUTRD) != 0)
		theirs |= SO_SHUTWR;
	if ((how & SO_SHUTWR) != 0)
		theirs |= SO_SHUTRD;
	unsock_shut(peer, theirs,
	    theirs == SO_SHUTRW		? POLL_HUP
	    : (theirs & SO_SHUTRD) != 0 ? POLL_IN
					: 0);
	unsock_rele(peer);
	return 0;
}

/*
 * How much there is
 */

/* Bytes to be read: of a datagram socket only those of the next. */
static int64_t
unsock_bytes(struct unsock *us)
{
	struct unmsg *m;
	int64_t n = 0;

	KASSERT(unsock_owned(us));
	TAILQ_FOREACH (m, &us->us_queue, um_link) {
		n += m->um_len - m->um_off;
		if (unsock_type(us) == SOCK_DGRAM)
			break;
	}
	return n;
}

static int
local_ioctl(struct lwp *l, struct socket *so, unsigned long cmd, void *data)
{
	struct unsock *us = so_to_us(so);
	int n = 0;

	(void)l;
	switch (cmd) {
	case SIOCINQ:
		if (unsock_state(us) == UN_LISTEN)
			return EINVAL;
		unsock_enter(us);
		n = (int)unsock_bytes(us);
		unsock_exit(us);
		break;
	case SIOCOUTQ:
		n = (int)unsock_sent(us);
		break;
	default:
		return ENOTTY;
	}
	return copyout(&n, data, sizeof(n));
}

static uint32_t
local_poll(struct socket *so, struct pollsize *ps)
{
	struct unsock *us = so_to_us(so);
	uint32_t events = 0, shut, sent = unsock_sent(us);
	int type = unsock_type(us);
	enum unstate state;

	unsock_enter(us);
	shut = socket_shut(so);
	state = unsock_state(us);
	if (so->so_error != 0)
		events |= POLLERR;
	if (shut == SO_SHUTRW)
		events |= POLLHUP;
	if ((shut & SO_SHUTRD) != 0)
		events |= POLLRDHUP | POLLIN | POLLRDNORM;
	if (us->us_qlen > 0)
		events |= POLLIN | POLLRDNORM;
	if (type != SOCK_DGRAM && state == UN_CLOSED)
		events |= POLLHUP;
	if (ps != NULL) {
		ps->ps_in = state == UN_LISTEN ? us->us_qlen : unsock_bytes(us);
		ps->ps_out = so->so_sndbuf > (int64_t)sent
				 ? so->so_sndbuf - (int64_t)sent
				 : 0;
	}
	unsock_exit(us);
	if (!un_writable(us, sent) && type != SOCK_STREAM)
		socket_noroom(so);
	if (state == UN_LISTEN || !un_writable(us, sent) ||
	    (type == SOCK_DGRAM && undgram_peerfull(us)))
		return events;
	return events | POLLOUT | POLLWRNORM | POLLWRBAND;
}

/*
 * The domain
 */

static const struct fileops unstream_fileops = {
    .fo_read = socket_read,
    .fo_write = socket_write,
    .fo_fastread = unstream_fastread,
    .fo_fastwrite = unstream_fastwrite,
    .fo_stat = socket_stat,
    .fo_ioctl = socket_ioctl,
    .fo_poll = socket_poll,
    .fo_klist = socket_klist,
    .fo_async = socket_async,
    .fo_close = socket_close,
};

static const struct fileops undgram_fileops = {
    .fo_read = socket_read,
    .fo_write = socket_write,
    .fo_stat = socket_stat,
    .fo_ioctl = socket_ioctl,
    .fo_poll = socket_poll,
    .fo_klist = socket_klist,
    .fo_async = socket_async,
    .fo_close = socket_close,
};

#define PROTO_COMMON                                                          \
	.pr_family = AF_UNIX, .pr_bind = unsock_bind, .pr_pair = unsock_pair, \
	.pr_getname = local_getname, .pr_shutdown = local_shutdown,           \
	.pr_poll = local_poll, .pr_ioctl = local_ioctl,                       \
	.pr_getopt = local_getopt, .pr_optchanged = local_optchanged,         \
	.pr_listening = local_listening, .pr_close = local_close

static const struct protosw local_protos[] = {
    {
	PROTO_COMMON,
	.pr_type = SOCK_STREAM,
	.pr_fileops = &unstream_fileops,
	.pr_connect = unsock_connect,
	.pr_listen = unsock_listen,
	.pr_accept = unsock_accept,
	.pr_send = unstream_send,
	.pr_recv = unstream_recv,
    },
    {
	PROTO_COMMON,
	.pr_type = SOCK_DGRAM,
	.pr_fileops = &undgram_fileops,
	.pr_connect = undgram_connect,
	.pr_send = undgram_send,
	.pr_recv = undgram_recv,
    },
    {
	PROTO_COMMON,
	.pr_type = SOCK_SEQPACKET,
	.pr_fileops = &undgram_fileops,
	.pr_connect = unsock_connect,
	.pr_listen = unsock_listen,
	.pr_accept = unsock_accept,
	.pr_send = undgram_send,
	.pr_recv = undgram_recv,
    },
};

struct unsock *
unsock_of(const struct file *fp)
{
	if (fp->f_ops != &unstream_fileops && fp->f_ops != &undgram_fileops)
		return NULL;
	return so_to_us(fp->f_data);
}

static int
local_create(struct lwp *l, int type, int protocol, struct socket **sop)
{
	struct unsock *us;
	unsigned i;
	int error;

	if (protocol != 0 && protocol != PF_UNIX)
		return EPROTONOSUPPORT;
	/* For old programs, as on Linux. */
	if (type == SOCK_RAW)
		type = SOCK_DGRAM;
	for (i = 0; i < nitems(local_protos); i++) {
		if (local_protos[i].pr_type != type)
			continue;
		error =
		    unsock_alloc(&local_protos[i], proc_cred(l->l_proc), &us);
		if (error == 0)
			*sop = &us->us_so;
		return error;
	}
	return ESOCKTNOSUPPORT;
}

static void
local_init(void)
{
	unsock_cache =
	    kcache_init("unsock", sizeof(struct unsock), CACHE_LINE, 0);
	unmsg_init();
	unname_init();
	untext_init();
}

const struct domain local_domain = {
    .dom_family = AF_UNIX,
    .dom_init = local_init,
    .dom_create = local_create,
};
