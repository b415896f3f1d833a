/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Options of SOL_SOCKET.
 *
 * Which there are, who may set them and what they give is as on Linux.  Many
 * are about networks; where there is nothing that they could change they are
 * kept, so that they give what was set.
 */
#include "kern/ktime.h"
#include "net/socket.h"

/* Later than the host's headers. */
#ifndef SO_RCVPRIORITY
#define SO_RCVPRIORITY 82
#endif
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

/* The host's limits: net.core.wmem_max, rmem_max, and its smallest buffers. */
#define BUFFER_MOST  4194304
#define SNDBUF_LEAST 4608
#define RCVBUF_LEAST 2304

#define NSEC_PER_USEC 1000

/* On or off. */
static const struct {
	int so_name;
	uint32_t so_bit;
	int so_error; /* for who is not root and sets it; 0: all may */
} bits[] = {
    {SO_PASSCRED, SOPT_PASSCRED, 0},
    {SO_PASSRIGHTS, SOPT_PASSRIGHTS, 0},
    {SO_LOCK_FILTER, SOPT_FILTERLOCK, 0},
    {SO_OOBINLINE, SOPT_OOBINLINE, 0},
    {SO_DEBUG, SOPT_OTHER << 0, EACCES},
    {SO_REUSEADDR, SOPT_OTHER << 1, 0},
    {SO_DONTROUTE, SOPT_OTHER << 2, 0},
    {SO_BROADCAST, SOPT_OTHER << 3, 0},
    {SO_KEEPALIVE, SOPT_OTHER << 4, 0},
    {SO_NO_CHECK, SOPT_OTHER << 5, 0},
    {SO_PASSSEC, SOPT_OTHER << 6, 0},
    {SO_RXQ_OVFL, SOPT_OTHER << 7, 0},
    {SO_WIFI_STATUS, SOPT_OTHER << 8, 0},
    {SO_NOFCS, SOPT_OTHER << 9, 0},
    {SO_SELECT_ERR_QUEUE, SOPT_OTHER << 10, 0},
    {SO_PREFER_BUSY_POLL, SOPT_OTHER << 11, EPERM},
    {SO_RCVMARK, SOPT_OTHER << 12, 0},
    {SO_RCVPRIORITY, SOPT_OTHER << 13, 0},
};

/* Numbers that are only kept. */
static const struct {
	int so_name;
	int so_first; /* what it is at first */
	int so_least, so_most;
	int so_free;  /* more than that needs root */
	int so_error; /* out of range */
} values[SOPT_NVALUES] = {
    {SO_PRIORITY, 0, INT_MIN, INT_MAX, 6, 0},
    {SO_MARK, 0, INT_MIN, INT_MAX, -1, 0},
    {SO_INCOMING_CPU, -1, INT_MIN, INT_MAX, INT_MAX, 0},
    {SO_BUSY_POLL, 0, 0, INT_MAX, INT_MAX, EINVAL},
    {SO_BUF_LOCK, 0, 0, 3, INT_MAX, EINVAL},
    {SO_BINDTOIFINDEX, 0, 0, INT_MAX, INT_MAX, EINVAL},
    {SO_TXREHASH, 0, 0, 1, INT_MAX, EINVAL},
};

void
sockopt_init(struct socket *so)
{
	unsigned i;

	for (i = 0; i < SOPT_NVALUES; i++)
		atomic_init(&so->so_values[i], values[i].so_first);
	atomic_init(&so->so_pacing, UINT64_MAX);
}

static const struct timeval *
timeval_of(int64_t ns, struct timeval *tv)
{
	memset(tv, 0, sizeof(*tv));
	if (ns != HYPER_FOREVER) {
		tv->tv_sec = ns / NSEC_PER_SEC;
		tv->tv_usec = ns % NSEC_PER_SEC / NSEC_PER_USEC;
	}
	return tv;
}

/* Linux counts them in jiffies; a negative time is none at all. */
static int
timeval_set(_Atomic int64_t *nsp, const void *val, socklen_t len)
{
	struct timeval tv;
	int64_t ns;
	int error;

	if (len < sizeof(tv))
		return EINVAL;
	if ((error = copyin(val, &tv, sizeof(tv))) != 0)
		return error;
	if (tv.tv_usec < 0 || tv.tv_usec >= 1000000)
		return EDOM;
	if (tv.tv_sec < 0)
		ns = 0;
	else if ((tv.tv_sec == 0 && tv.tv_usec == 0) ||
		 tv.tv_sec >= INT64_MAX / NSEC_PER_SEC - 1)
		ns = HYPER_FOREVER;
	else
		ns = tv.tv_sec * NSEC_PER_SEC + tv.tv_usec * NSEC_PER_USEC;
	atomic_store_explicit(nsp, ns, memory_order_relaxed);
	return 0;
}

/*
 * Getting
 */

/* Up to len bytes of what an option is. */
union optval {
	int ov_int;
	uint64_t ov_long;
	struct linger ov_linger;
	struct timeval ov_time;
	uint32_t ov_mem[9];
	uint8_t ov_txtime[8];
};

static int
get_number(struct socket *so, int name, int *valp)
{
	const struct protosw *pr = so->so_proto;
	unsigned i;

	for (i = 0; i < nitems(bits); i++)
		if (bits[i].so_name == name) {
			*valp = socket_opt(so, bits[i].so_bit);
			return 0;
		}
	for (i = 0; i < SOPT_NVALUES; i++)
		if (values[i].so_name == name) {
			*valp = atomic_load_explicit(
			    &so->so_values[i], memory_order_relaxed);
			return 0;
		}
	switch (name) {
	case SO_TYPE:
		*valp = pr->pr_type;
		break;
	case SO_DOMAIN:
		*valp = pr->pr_family;
		break;
	case SO_PROTOCOL:
		*valp = pr->pr_protocol;
		break;
	case SO_ACCEPTCONN:
		*valp = pr->pr_listening(so);
		break;
	case SO_ERROR:
		*valp = socket_takeerror(so);
		break;
	case SO_SNDBUF:
		*valp = so->so_sndbuf;
		break;
	case SO_RCVBUF:
		*valp = so->so_rcvbuf;
		break;
	case SO_RCVLOWAT:
		*valp = so->so_rcvlowat;
		break;
	case SO_SNDLOWAT:
		*valp = 1;
		break;
	case SO_PEEK_OFF:
		*valp = so->so_peekoff;
		break;
	case SO_BPF_EXTENSIONS:
		*valp = 64;
		break;
	case SO_BSDCOMPAT:
	case SO_REUSEPORT:
	case SO_INCOMING_NAPI_ID:
	case SO_ZEROCOPY:
	case SO_RESERVE_MEM:
		*valp = 0;
		break;
	default:
		return ENOPROTOOPT;
	}
	return 0;
}

/* What is no plain number.  *lenp is its size. */
static int
get_other(struct socket *so, int name, union optval *ov, socklen_t *lenp)
{
	switch (name) {
	case SO_LINGER:
		mutex_enter(&so->so_lock);
		ov->ov_linger = so->so_linger;
		mutex_exit(&so->so_lock);
		*lenp = sizeof(ov->ov_linger);
		return 0;
	case SO_RCVTIMEO:
		(void)timeval_of(so->so_rcvtimeo, &ov->ov_time);
		*lenp = sizeof(ov->ov_time);
		return 0;
	case SO_SNDTIMEO:
		(void)timeval_of(so->so_sndtimeo, &ov->ov_time);
		*lenp = sizeof(ov->ov_time);
		return 0;
	case SO_MAX_PACING_RATE:
		ov->ov_long = so->so_pacing;
		*lenp = sizeof(ov->ov_long);
		return 0;
	case SO_COOKIE:
		ov->ov_long = so->so_ino;
		*lenp = sizeof(ov->ov_long);
		return 0;
	case SO_TXTIME:
		memset(ov->ov_txtime, 0, sizeof(ov->ov_txtime));
		*lenp = sizeof(ov->ov_txtime);
		return 0;
	case SO_BINDTODEVICE:
	case SO_ATTACH_FILTER:
		*lenp = 0;
		return 0;
	}
	return ENOPROTOOPT;
}

/* SO_PEERNAME: as many bytes as the caller says, of those there are. */
static int
get_peername(struct socket *so, void *val, socklen_t len)
{
	struct sockaddr_storage ss;
	socklen_t have = 0;
	int error;

	error = so->so_proto->pr_getname(so, true, &ss, &have);
	if (error != 0)
		return ENOTCONN;
	return have < len ? EINVAL : copyout(&ss, val, len);
}

int
sockopt_get(
    struct lwp *l, struct socket *so, int name, void *val, socklen_t *ulen)
{
	socklen_t len, have = sizeof(int);
	union optval ov;
	int error;

	if ((error = copyin(ulen, &len, sizeof(len))) != 0)
		return error;
	if ((int)len < 0)
		return EINVAL;
	if (name == SO_PEERNAME) {
		error = get_peername(so, val, len);
		have = len;
	} else {
		memset(&ov, 0, sizeof(ov));
		if ((error = get_number(so, name, &ov.ov_int)) != 0)
			error = get_other(so, name, &ov, &have);
		if (error == 0)
			error = copyout(&ov, val, len < have ? len : have);
		else
			error = so->so_proto->pr_getopt(
			    l, so, name, val, len, &have);
	}
	if (error == ERANGE)
		(void)copyout(&have, ulen, sizeof(have));
	if (error != 0)
		return error;
	if (len < have)
		have = len;
	return copyout(&have, ulen, sizeof(have));
}

/*
 * Setting
 */

static void
set_bits(struct socket *so, uint32_t bit, bool on)
{
	if (on)
		atomic_fetch_or_explicit(
		    &so->so_opts, bit, memory_order_relaxed);
	else
		atomic_fetch_and_explicit(
		    &so->so_opts, ~bit, memory_order_relaxed);
}

static int
set_bit(struct lwp *l, struct socket *so, unsigned i, bool on)
{
	bool root = cred_is_root(proc_cred(l->l_proc));

	if (bits[i].so_error != 0 && !root && (on || bits[i].so_error == EPERM))
		return bits[i].so_error;
	/* Once locked, it stays so. */
	if (bits[i].so_name == SO_LOCK_FILTER && !on &&
	    socket_opt(so, SOPT_FILTERLOCK))
		return EPERM;
	set_bits(so, bits[i].so_bit, on);
	return 0;
}

static int
set_value(struct lwp *l, struct socket *so, unsigned i, int val)
{
	if (val < values[i].so_least || val > values[i].so_most)
		return values[i].so_error;
	if ((val > values[i].so_free || (val < 0 && values[i].so_free < 7)) &&
	    !cred_is_root(proc_cred(l->l_proc)))
		return EPERM;
	atomic_store_explicit(&so->so_values[i], val, memory_order_relaxed);
	return 0;
}

/* Twice what was asked for, within limits. */
static int
buffer_size(int val, bool force, int least)
{
	if (force)
		val = val < 0 ? 0 : val;
	else if ((unsigned)val > BUFFER_MOST)
		val = BUFFER_MOST;
	val = val > INT_MAX / 2 ? INT_MAX : val * 2;
	return val < least ? least : val;
}

static int
set_buffer(struct lwp *l, struct socket *so, int name, int val)
{
	bool force = name == SO_SNDBUFFORCE || name == SO_RCVBUFFORCE;

	if (force && !cred_is_root(proc_cred(l->l_proc)))
		return EPERM;
	if (name == SO_SNDBUF || name == SO_SNDBUFFORCE)
		so->so_sndbuf = buffer_size(val, force, SNDBUF_LEAST);
	else
		so->so_rcvbuf = buffer_size(val, force, RCVBUF_LEAST);
	so->so_proto->pr_optchanged(so, name);
	return 0;
}

static int
set_linger(struct socket *so, const void *val, socklen_t len)
{
	struct linger li;
	int error;

	if (len < sizeof(li))
		return EINVAL;
	if ((error = copyin(val, &li, sizeof(li))) != 0)
		return error;
	mutex_enter(&so->so_lock);
	so->so_linger.l_onoff = li.l_onoff != 0;
	if (li.l_onoff != 0)
		so->so_linger.l_linger = li.l_linger;
	mutex_exit(&so->so_lock);
	return 0;
}

static int
set_pacing(struct socket *so, const void *val, socklen_t len, int small)
{
	uint64_t rate = small == -1 ? UINT64_MAX : (uint32_t)small;
	int error;

	if (len == sizeof(rate) &&
	    (error = copyin(val, &rate, sizeof(rate))) != 0)
		return error;
	so->so_pacing = rate;
	return 0;
}

static int
set_number(struct lwp *l, struct socket *so, int name, int val)
{
	unsigned i;

	for (i = 0; i < nitems(bits); i++)
		if (bits[i].so_name == name)
			return set_bit(l, so, i, val != 0);
	for (i = 0; i < SOPT_NVALUES; i++)
		if (values[i].so_name == name)
			return set_value(l, so, i, val);
	switch (name) {
	case SO_SNDBUF:
	case SO_RCVBUF:
	case SO_SNDBUFFORCE:
	case SO_RCVBUFFORCE:
		return set_buffer(l, so, name, val);
	case SO_RCVLOWAT:
		so->so_rcvlowat = val < 0 ? INT_MAX : val == 0 ? 1 : val;
		return 0;
	case SO_PEEK_OFF:
		so->so_peekoff = val;
		return 0;
	case SO_BSDCOMPAT:
		return 0;
	case SO_REUSEPORT:
	case SO_ZEROCOPY:
	case SO_RESERVE_MEM:
		return val != 0 || name == SO_RESERVE_MEM ? EOPNOTSUPP : 0;
	case SO_DETACH_FILTER:
		return socket_opt(so, SOPT_FILTERLOCK) ? EPERM : ENOENT;
	}
	return ENOPROTOOPT;
}

/* There is no such thing. */
static int
set_device(const void *val, socklen_t len)
{
	char c = '\0';
	int error = len == 0 ? 0 : copyin(val, &c, 1);

	return error != 0 ? error : c != '\0' ? ENODEV : 0;
}

int
sockopt_set(
    struct lwp *l, struct socket *so, int name, const void *val, socklen_t len)
{
	int n, error;

	if (name == SO_BINDTODEVICE)
		return set_device(val, len);
	if (len < sizeof(n))
		return EINVAL;
	if ((error = copyin(val, &n, sizeof(n))) != 0)
		return error;
	switch (name) {
	case SO_LINGER:
		return set_linger(so, val, len);
	case SO_RCVTIMEO:
		return timeval_set(&so->so_rcvtimeo, val, len);
	case SO_SNDTIMEO:
		return timeval_set(&so->so_sndtimeo, val, len);
	case SO_MAX_PACING_RATE:
		return set_pacing(so, val, len, n);
	}
	return set_number(l, so, name, n);
}
