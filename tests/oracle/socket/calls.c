/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The calls of the oracle of sockets, on the host or here.
 */
#include "socket.h"

static char buffer[BUFFER];

/* The host's headers have transparent unions in some of these. */
static int
host_bind(int fd, const struct sockaddr *a, socklen_t n)
{
	return bind(fd, a, n);
}

static int
host_connect(int fd, const struct sockaddr *a, socklen_t n)
{
	return connect(fd, a, n);
}

static int
host_accept(int fd, struct sockaddr *a, socklen_t *n, int flags)
{
	return accept4(fd, a, n, flags);
}

static int
host_sockname(int fd, struct sockaddr *a, socklen_t *n)
{
	return getsockname(fd, a, n);
}

static int
host_peername(int fd, struct sockaddr *a, socklen_t *n)
{
	return getpeername(fd, a, n);
}

static ssize_t
host_sendto(int fd, const void *buf, size_t len, int flags,
    const struct sockaddr *a, socklen_t n)
{
	return sendto(fd, buf, len, flags, a, n);
}

static ssize_t
host_recvfrom(
    int fd, void *buf, size_t len, int flags, struct sockaddr *a, socklen_t *n)
{
	return recvfrom(fd, buf, len, flags, a, n);
}

static int
host_sendmmsg(int fd, struct mmsghdr *m, unsigned n, int flags)
{
	return sendmmsg(fd, m, n, flags);
}

static int
host_recvmmsg(
    int fd, struct mmsghdr *m, unsigned n, int flags, struct timespec *ts)
{
	return recvmmsg(fd, m, n, flags, ts);
}

const struct world host_calls = {socket, socketpair, host_bind, listen,
    host_connect, host_accept, host_sockname, host_peername, shutdown, send,
    host_sendto, sendmsg, recv, host_recvfrom, recvmsg, read, write,
    host_sendmmsg, host_recvmmsg, poll, close, getsockopt, setsockopt, ioctl,
    unlink, chmod, dup, epoll_ctl, epoll_wait, fstat, {0}, {0}, {0}, {{0}}};
const struct world rump_calls = {rump_sys_socket, rump_sys_socketpair,
    rump_sys_bind, rump_sys_listen, rump_sys_connect, rump_sys_accept4,
    rump_sys_getsockname, rump_sys_getpeername, rump_sys_shutdown,
    rump_sys_send, rump_sys_sendto, rump_sys_sendmsg, rump_sys_recv,
    rump_sys_recvfrom, rump_sys_recvmsg, rump_sys_read, rump_sys_write,
    rump_sys_sendmmsg, rump_sys_recvmmsg, rump_sys_poll, rump_sys_close,
    rump_sys_getsockopt, rump_sys_setsockopt, rump_sys_ioctl, rump_sys_unlink,
    rump_sys_chmod, rump_sys_dup, rump_sys_epoll_ctl, rump_sys_epoll_wait,
    rump_sys_fstat, {0}, {0}, {0}, {{0}}};

static uint64_t
hash(const void *p, size_t n)
{
	uint64_t h = 14695981039346656037ULL;
	size_t i;

	for (i = 0; i < n; i++)
		h = (h ^ ((const uint8_t *)p)[i]) * 1099511628211ULL;
	return h;
}

static const int options[] = {SO_TYPE, SO_ERROR, SO_SNDBUF, SO_RCVBUF,
    SO_PASSCRED, SO_PEERCRED, SO_ACCEPTCONN, SO_DOMAIN, SO_PROTOCOL,
    SO_REUSEADDR, SO_KEEPALIVE, SO_PEEK_OFF, SO_RCVLOWAT, SO_SNDLOWAT,
    SO_LINGER, SO_RCVTIMEO, SO_BROADCAST, SO_PRIORITY, SO_PEERGROUPS,
    SO_REUSEPORT, SO_SNDBUFFORCE, SO_OOBINLINE, SO_DEBUG, SO_MARK,
    83 /* SO_PASSRIGHTS */, SO_PEERNAME, 999};
static const int setopts[] = {SO_SNDBUF, SO_SNDBUF, SO_RCVBUF, SO_PASSCRED,
    SO_PASSCRED, SO_PASSCRED, SO_PEEK_OFF, SO_PEEK_OFF, SO_RCVLOWAT,
    SO_REUSEADDR, SO_KEEPALIVE, SO_TYPE, SO_PRIORITY, SO_SNDBUFFORCE, SO_DEBUG,
    83, SO_REUSEPORT, SO_PEERCRED};

int
option_get(const struct step *s)
{
	return options[(size_t)s->value %
		       (sizeof(options) / sizeof(options[0]))];
}

int
option_set(const struct step *s)
{
	return setopts[(size_t)s->value %
		       (sizeof(setopts) / sizeof(setopts[0]))];
}

static int
keep(struct world *w, const struct step *s, int fd)
{
	int i, at;

	if (fd == -1)
		return -1;
	for (i = 0; i < NFDS; i++) {
		at = (s->a + i) % NFDS;
		if (w->w_fd[s->proc][at] == -1) {
			w->w_fd[s->proc][at] = fd;
			return at;
		}
	}
	(void)w->w_close(fd);
	return NFDS;
}

static socklen_t
make_name(const struct step *s, struct name *name)
{
	struct sockaddr_un *un = &name->un;
	size_t n;

	memset(name, 0, sizeof(*name));
	un->sun_family = AF_UNIX;
	if (s->value % 40 == 0)
		un->sun_family = AF_INET;
	if (s->value % 41 == 0)
		return (socklen_t)(s->value % 130);
	if (s->name < NPATHS)
		n = (size_t)snprintf(
		    un->sun_path, sizeof(un->sun_path), "s%d", s->name);
	else {
		n = 1 + (size_t)snprintf(un->sun_path + 1,
			    sizeof(un->sun_path) - 1, "%s%d", shared->sh_prefix,
			    s->name);
	}
	if (s->name < NPATHS && s->value % 3 == 0)
		n++;
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
}

/* Names that were made up are the same if they are of one length. */
static void
note_name(struct result *r, const struct sockaddr_un *un, socklen_t len)
{
	r->namelen = (int)len;
	if (len == offsetof(struct sockaddr_un, sun_path) + 6 &&
	    un->sun_path[0] == '\0')
		return;
	if (len <= sizeof(*un) + 1 && len > 0)
		r->name = hash(un, len < sizeof(*un) ? len : sizeof(*un));
}

static int
index_of_pid(const struct world *w, pid_t pid)
{
	int i;

	for (i = 0; i < NPROCS; i++)
		if (w->w_pid[i] == pid)
			return 1000 + i;
	return (int)pid;
}

static void
fill(const struct step *s)
{
	unsigned i;

	for (i = 0; i < s->n; i++)
		buffer[i] = (char)(s->fill + i);
}

static int
type_of(struct world *w, int fd)
{
	socklen_t len = sizeof(int);
	int type = 0;

	(void)w->w_getopt(fd, SOL_SOCKET, SO_TYPE, &type, &len);
	return type;
}

/*
 * What is sent instead of what is in the slot, so that no sockets are in flight
 * by way of each other: when the host finds out that they are lost is up to a
 * thread of its own.
 */
static int
fd_to_send(struct world *w, const struct step *s, int slot)
{
	int fd = w->w_fd[s->proc][slot], type;

	if (fd == -1 || (type = type_of(w, fd)) == 0)
		return fd;
	if (type == SOCK_DGRAM &&
	    type_of(w, w->w_fd[s->proc][s->a]) != SOCK_DGRAM)
		return fd;
	return w->w_pipe[s->proc];
}

/* Put descriptors and credentials into the control buffer. */
static size_t
make_control(struct world *w, const struct step *s, char *control, size_t size)
{
	struct msghdr mh = {.msg_control = control, .msg_controllen = size};
	struct cmsghdr *cm = CMSG_FIRSTHDR(&mh);
	struct ucred uc;
	size_t len = 0;
	int fds[3], n;

	memset(control, 0, size);
	if (s->value % 3 != 0) {
		n = 1 + s->value % 2;
		fds[0] = fd_to_send(w, s, s->b);
		fds[1] = fd_to_send(w, s, s->c);
		if (s->value % 29 == 0)
			n = 0;
		cm->cmsg_level =
		    s->value % 31 == 0 ? SOL_SOCKET + 5 : SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN((size_t)n * sizeof(int));
		memcpy(CMSG_DATA(cm), fds, (size_t)n * sizeof(int));
		len += CMSG_SPACE((size_t)n * sizeof(int));
	}
	if (s->value % 5 == 0) {
		cm = (struct cmsghdr *)(void *)(control + len);
		uc.pid = w->w_pid[s->value % 7 == 0 ? 0 : s->proc];
		uc.uid = s->proc == 2 && s->value % 11 != 0 ? 1 : 0;
		uc.gid = uc.uid;
		if (s->value % 95 == 0)
			uc.pid = 0x3ffffff;
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = s->value % 65 == 0 ? 77 : SCM_CREDENTIALS;
		cm->cmsg_len = CMSG_LEN(sizeof(uc));
		memcpy(CMSG_DATA(cm), &uc, sizeof(uc));
		len += CMSG_SPACE(sizeof(uc));
	}
	return len;
}

static int
do_sendmsg(struct world *w, const struct step *s)
{
	char control[200] __attribute__((aligned(16)));
	struct iovec iov[2] = {{buffer, s->n / 2}, {NULL, 0}};
	struct name nm;
	struct msghdr mh;

	fill(s);
	memset(&mh, 0, sizeof(mh));
	iov[1].iov_base = buffer + s->n / 2;
	iov[1].iov_len = s->n - s->n / 2;
	mh.msg_iov = iov;
	mh.msg_iovlen = 2;
	mh.msg_controllen = make_control(w, s, control, sizeof(control));
	mh.msg_control = mh.msg_controllen > 0 ? control : NULL;
	if (s->value % 4 == 0) {
		mh.msg_name = &nm;
		mh.msg_namelen = make_name(s, &nm);
	}
	return (int)w->w_sendmsg(w->w_fd[s->proc][s->a], &mh, s->flags);
}

/* What came along. */
static void
note_control(
    struct world *w, const struct step *s, struct msghdr *mh, struct result *r)
{
	struct cmsghdr *cm;
	struct ucred uc;
	int fd;
	size_t i, n;

	for (cm = CMSG_FIRSTHDR(mh); cm != NULL; cm = CMSG_NXTHDR(mh, cm)) {
		r->cmsgs =
		    r->cmsgs * 1000 + cm->cmsg_type * 100 + (int)cm->cmsg_len;
		if (cm->cmsg_type == SCM_RIGHTS) {
			n = (cm->cmsg_len - CMSG_LEN(0)) / sizeof(int);
			for (i = 0; i < n; i++) {
				memcpy(&fd, CMSG_DATA(cm) + i * sizeof(int),
				    sizeof(fd));
				r->nfds = r->nfds * 100 + 1 + keep(w, s, fd);
			}
		} else if (cm->cmsg_type == SCM_CREDENTIALS &&
			   cm->cmsg_len == CMSG_LEN(sizeof(uc))) {
			memcpy(&uc, CMSG_DATA(cm), sizeof(uc));
			r->pid = index_of_pid(w, uc.pid);
			r->uid = (int)uc.uid;
			r->gid = (int)uc.gid;
		}
	}
}

static int
do_recvmsg(struct world *w, const struct step *s, struct result *r)
{
	char control[80] __attribute__((aligned(16)));
	struct iovec iov = {buffer, s->n};
	struct sockaddr_un un;
	struct msghdr mh;
	int n;

	memset(&mh, 0, sizeof(mh));
	memset(&un, 0, sizeof(un));
	memset(control, 0, sizeof(control));
	mh.msg_iov = &iov;
	mh.msg_iovlen = 1;
	mh.msg_control = control;
	mh.msg_controllen = s->m;
	mh.msg_name = s->value % 2 == 0 ? &un : NULL;
	mh.msg_namelen = sizeof(un);
	n = (int)w->w_recvmsg(w->w_fd[s->proc][s->a], &mh, s->flags);
	if (n < 0)
		return n;
	r->data = hash(buffer, n < (int)s->n ? (size_t)n : s->n);
	r->msgflags = mh.msg_flags;
	r->controllen = (int)mh.msg_controllen;
	if (mh.msg_name != NULL)
		note_name(r, &un, mh.msg_namelen);
	note_control(w, s, &mh, r);
	return n;
}

static int
do_mmsg(struct world *w, const struct step *s, struct result *r)
{
	struct mmsghdr mm[3];
	struct iovec iov[3];
	int i, n;

	memset(mm, 0, sizeof(mm));
	memset(buffer, (int)s->fill, 3000);
	for (i = 0; i < 3; i++) {
		iov[i].iov_base = buffer + i * 1000;
		iov[i].iov_len = s->n % 1000;
		mm[i].msg_hdr.msg_iov = &iov[i];
		mm[i].msg_hdr.msg_iovlen = 1;
	}
	if (s->value % 2 == 0)
		n = w->w_sendmmsg(w->w_fd[s->proc][s->a], mm, 3, s->flags);
	else
		n = w->w_recvmmsg(w->w_fd[s->proc][s->a], mm, 3,
		    MSG_DONTWAIT | (s->flags & MSG_TRUNC), NULL);
	for (i = 0; i < n; i++)
		r->value = (int)((unsigned)r->value * 10000 + mm[i].msg_len);
	return n;
}

static int
do_getopt(struct world *w, const struct step *s, struct result *r)
{
	int opt = option_get(s);
	char val[64] = {0};
	socklen_t len = s->m % 3 == 0 ? s->m % 17 : sizeof(val);
	struct ucred uc;
	int ret;

	ret = w->w_getopt(w->w_fd[s->proc][s->a], SOL_SOCKET, opt, val, &len);
	if (ret == 0 && opt == SO_PEERCRED) {
		memcpy(&uc, val, sizeof(uc));
		r->pid = len >= sizeof(uc.pid) ? index_of_pid(w, uc.pid) : 0;
		memset(val, 0, sizeof(uc.pid));
	}
	r->namelen = (int)len;
	r->name = hash(val, sizeof(val));
	memcpy(&r->value, val, sizeof(r->value));
	if (ret == 0 && opt == SO_PEERNAME)
		r->name = 0;
	return ret;
}

static int
do_setopt(struct world *w, const struct step *s)
{
	int opt =
	    setopts[(size_t)s->value % (sizeof(setopts) / sizeof(setopts[0]))];
	int val = (int)(s->fill % 3);

	if (opt == SO_SNDBUF || opt == SO_RCVBUF || opt == SO_SNDBUFFORCE)
		val = (int)(s->fill % 5) * 5000 - 5000;
	if (opt == SO_PEEK_OFF)
		val = (int)(s->fill % 12) - 1;
	if (opt == SO_RCVLOWAT)
		val = (int)(s->fill % 30);
	return w->w_setopt(w->w_fd[s->proc][s->a], SOL_SOCKET, opt, &val,
	    s->m % 10 == 0 ? 3 : sizeof(val));
}

static int
do_wait(struct world *w, const struct step *s, struct result *r)
{
	struct epoll_event evs[NEVENT];
	int i, n;

	n = w->w_wait(w->w_epoll[s->proc], evs, NEVENT, 0);
	for (i = 0; i < n; i++) {
		r->events[i] = evs[i].events;
		r->evdata[i] = evs[i].data.u64;
	}
	return n;
}

static int
do_names(struct world *w, const struct step *s, struct result *r)
{
	struct sockaddr_un un;
	socklen_t len = s->value % 7 == 0 ? s->m % 20 : sizeof(un) + 1;
	char both[sizeof(un) + 2] = {0};
	int fd = w->w_fd[s->proc][s->a], ret;

	ret = s->value % 2 == 0 ? w->w_sockname(fd, (void *)both, &len)
				: w->w_peername(fd, (void *)both, &len);
	memcpy(&un, both, sizeof(un));
	if (ret == 0)
		note_name(r, &un, len);
	return ret;
}

static int
do_connection(struct world *w, const struct step *s, struct result *r)
{
	int fd = w->w_fd[s->proc][s->a], ret, fds[2];
	struct name nm;
	struct sockaddr_un un;
	socklen_t len = sizeof(un);
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET,
	    SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_RDM, 15};
	int type =
	    types[s->value % 50 == 0 ? s->m % 8 : s->m % 5] | SOCK_NONBLOCK;

	switch (s->op) {
	case OP_SOCKET:
		return keep(w, s,
		    w->w_socket(s->value % 51 == 0 ? 45 : AF_UNIX, type,
			s->value % 33 == 0 ? s->value % 4 : 0));
	case OP_PAIR:
		if (w->w_pair(AF_UNIX, type, 0, fds) == -1)
			return -1;
		ret = keep(w, s, fds[0]);
		return ret * 100 + keep(w, s, fds[1]);
	case OP_BIND:
		len = make_name(s, &nm);
		if (s->value % 6 == 1)
			len = sizeof(sa_family_t);
		return w->w_bind(fd, (void *)&nm, len);
	case OP_LISTEN:
		return w->w_listen(fd, s->value % 4 - (s->value % 20 == 0));
	case OP_CONNECT:
		len = make_name(s, &nm);
		if (s->value % 15 == 0)
			nm.un.sun_family = AF_UNSPEC;
		return w->w_connect(fd, (void *)&nm, len);
	default:
		memset(&un, 0, sizeof(un));
		ret = keep(
		    w, s, w->w_accept(fd, (void *)&un, &len, SOCK_NONBLOCK));
		if (ret >= 0)
			note_name(r, &un, len);
		return ret;
	}
}

static int
do_transfer(struct world *w, const struct step *s, struct result *r)
{
	int fd = w->w_fd[s->proc][s->a], n;
	struct name nm;
	struct sockaddr_un un;
	socklen_t len;

	switch (s->op) {
	case OP_SEND:
		fill(s);
		return (int)w->w_send(fd, buffer, s->n, s->flags);
	case OP_WRITE:
		fill(s);
		return (int)w->w_write(fd, buffer, s->n);
	case OP_SENDTO:
		fill(s);
		len = make_name(s, &nm);
		return (int)w->w_sendto(
		    fd, buffer, s->n, s->flags, (void *)&nm, len);
	case OP_READ:
		n = (int)w->w_read(fd, buffer, s->n);
		break;
	case OP_RECV:
		n = (int)w->w_recv(fd, buffer, s->n, s->flags);
		break;
	default:
		memset(&un, 0, sizeof(un));
		len = sizeof(un);
		n = (int)w->w_recvfrom(
		    fd, buffer, s->n, s->flags, (void *)&un, &len);
		if (n >= 0)
			note_name(r, &un, len);
	}
	if (n >= 0)
		r->data = hash(buffer, n < (int)s->n ? (size_t)n : s->n);
	return n;
}

static int
do_other(struct world *w, const struct step *s, struct result *r)
{
	static const unsigned long cmds[] = {
	    FIONREAD, SIOCOUTQ, FIONREAD, TIOCGWINSZ};
	int *slot = &w->w_fd[s->proc][s->a], ret;
	struct pollfd pfd = {*slot, (short)(s->events & 0x3fff), 0};
	struct epoll_event ev = {s->events, {.u64 = s->fill}};
	struct stat st;
	char path[16];

	(void)snprintf(path, sizeof(path), "s%d", s->name % NPATHS);
	switch (s->op) {
	case OP_SHUTDOWN:
		return w->w_shutdown(*slot, s->value % 4);
	case OP_POLL:
		pfd.events |= POLLOUT;
		ret = w->w_poll(&pfd, 1, 0);
		r->revents = pfd.revents;
		return ret;
	case OP_CLOSE:
		ret = w->w_close(*slot);
		*slot = -1;
		return ret;
	case OP_IOCTL:
		return w->w_ioctl(*slot, cmds[s->value % 4], &r->value);
	case OP_UNLINK:
		return w->w_unlink(path);
	case OP_CHMOD:
		return w->w_chmod(path, s->value % 2 == 0 ? 0755 : 0777);
	case OP_DUP:
		return keep(w, s, w->w_dup(w->w_fd[s->proc][s->b]));
	case OP_CTL:
		return w->w_ctl(w->w_epoll[s->proc],
		    s->value % 5 < 3   ? EPOLL_CTL_ADD
		    : s->value % 5 < 4 ? EPOLL_CTL_MOD
				       : EPOLL_CTL_DEL,
		    *slot, &ev);
	case OP_STAT:
		ret = w->w_fstat(*slot, &st);
		if (ret == 0)
			r->value = (int)st.st_mode + (int)st.st_uid * 65536;
		return ret;
	default:
		return -2;
	}
}

int
perform(struct world *w, const struct step *s, struct result *r)
{
	if (s->op <= OP_ACCEPT)
		return do_connection(w, s, r);
	switch (s->op) {
	case OP_GETNAME:
		return do_names(w, s, r);
	case OP_SENDMSG:
		return do_sendmsg(w, s);
	case OP_RECVMSG:
		return do_recvmsg(w, s, r);
	case OP_MMSG:
		return do_mmsg(w, s, r);
	case OP_GETOPT:
		return do_getopt(w, s, r);
	case OP_SETOPT:
		return do_setopt(w, s);
	case OP_WAIT:
		return do_wait(w, s, r);
	case OP_SEND:
	case OP_SENDTO:
	case OP_RECV:
	case OP_RECVFROM:
	case OP_READ:
	case OP_WRITE:
		return do_transfer(w, s, r);
	default:
		return do_other(w, s, r);
	}
}
