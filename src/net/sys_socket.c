/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls on sockets: making, naming and connecting them, options.
 */
#include "kern/signal.h"
#include "net/socket.h"
#include "sysproto.h"

#define SOCK_FLAGS (SOCK_CLOEXEC | SOCK_NONBLOCK)

/* As on Linux: SOCK_MAX and NPROTO. */
#define TYPE_END   11
#define FAMILY_END 46

/* How many can wait to be accepted, at most. */
#define SOMAX 4096

/* Copy a name in; EINVAL for a length that no name has. */
static int
sockaddr_copyin(
    const struct sockaddr *uaddr, socklen_t len, struct sockaddr_storage *ss)
{
	if (len > sizeof(*ss))
		return EINVAL;
	memset(ss, 0, sizeof(*ss));
	return copyin(uaddr, ss, len);
}

/* Copy a name out, as much as fits, and its whole length. */
static int
sockaddr_copyout(const struct sockaddr_storage *ss, socklen_t len,
    struct sockaddr *uaddr, socklen_t *ulen)
{
	int room, error;

	if ((error = copyin(ulen, &room, sizeof(room))) != 0)
		return error;
	if (room < 0)
		return EINVAL;
	error =
	    copyout(ss, uaddr, (socklen_t)room < len ? (socklen_t)room : len);
	return error != 0 ? error : copyout(&len, ulen, sizeof(len));
}

static int
socket_make(
    struct lwp *l, int family, int type, int protocol, struct socket **sop)
{
	const struct domain *dom;

	if (family < 0 || family >= FAMILY_END)
		return EAFNOSUPPORT;
	if (type < 0 || type >= TYPE_END)
		return EINVAL;
	if ((dom = domain_find(family)) == NULL)
		return EAFNOSUPPORT;
	return dom->dom_create(l, type, protocol, sop);
}

/* The same with its file. */
static int
socket_makefile(struct lwp *l, int family, int type, int protocol,
    struct socket **sop, struct file **fpp)
{
	int error;

	error = socket_make(l, family, type & ~SOCK_FLAGS, protocol, sop);
	if (error != 0)
		return error;
	if ((error = file_alloc(l, fpp)) != 0)
		(*sop)->so_proto->pr_close(*sop);
	else
		socket_affix(*sop, type, *fpp);
	return error;
}

int
sys_socket(struct lwp *l, int family, int type, int protocol, int *retval)
{
	struct socket *so;
	struct file *fp;
	int error;

	if ((type & ~(SOCK_FLAGS | 0xf)) != 0)
		return EINVAL;
	error = socket_makefile(l, family, type, protocol, &so, &fp);
	if (error != 0)
		return error;
	if ((error = fd_alloc(l, 0, retval)) != 0) {
		file_rele(fp);
		return error;
	}
	fd_affix(l, *retval, fp, (type & SOCK_CLOEXEC) != 0);
	return 0;
}

static int
pair_files(
    struct lwp *l, int family, int type, int protocol, struct file *fps[2])
{
	struct socket *so[2];
	int error;

	error = socket_makefile(l, family, type, protocol, &so[0], &fps[0]);
	if (error != 0)
		return error;
	error = socket_makefile(l, family, type, protocol, &so[1], &fps[1]);
	if (error != 0)
		goto fail_first;
	error = so[0]->so_proto->pr_pair != NULL
		    ? so[0]->so_proto->pr_pair(l, so[0], so[1])
		    : EOPNOTSUPP;
	if (error == 0)
		return 0;
	file_rele(fps[1]);
fail_first:
	file_rele(fps[0]);
	return error;
}

/* As on Linux the descriptors are told before there is anything behind them. */
int
sys_socketpair(struct lwp *l, int family, int type, int protocol, int *ufds)
{
	bool cloexec = (type & SOCK_CLOEXEC) != 0;
	struct file *fps[2];
	int fds[2], error;

	if ((type & ~(SOCK_FLAGS | 0xf)) != 0)
		return EINVAL;
	if ((error = fd_alloc(l, 0, &fds[0])) != 0)
		return error;
	if ((error = fd_alloc(l, 0, &fds[1])) != 0)
		goto fail_first;
	if ((error = copyout(fds, ufds, sizeof(fds))) != 0 ||
	    (error = pair_files(l, family, type, protocol, fps)) != 0)
		goto fail_second;
	fd_affix(l, fds[0], fps[0], cloexec);
	fd_affix(l, fds[1], fps[1], cloexec);
	return 0;

fail_second:
	fd_abort(l, fds[1]);
fail_first:
	fd_abort(l, fds[0]);
	return error;
}

int
sys_bind(struct lwp *l, int fd, const struct sockaddr *addr, socklen_t len)
{
	struct sockaddr_storage ss;
	struct socket *so;
	struct file *fp;
	int error;

	if ((error = fd_getsocket(l, fd, &fp, &so)) != 0)
		return error;
	if ((error = sockaddr_copyin(addr, len, &ss)) == 0)
		error = so->so_proto->pr_bind != NULL
			    ? so->so_proto->pr_bind(l, so, &ss, len)
			    : EOPNOTSUPP;
	fd_putfile(l, fp);
	return error;
}

int
sys_connect(struct lwp *l, int fd, const struct sockaddr *addr, socklen_t len)
{
	struct sockaddr_storage ss;
	struct socket *so;
	struct file *fp;
	int error;

	if ((error = fd_getopen(l, fd, &fp)) != 0)
		return error;
	so = fp->f_data;
	if ((error = sockaddr_copyin(addr, len, &ss)) == 0)
		error = fp->f_type != DTYPE_SOCKET ? ENOTSOCK
			: so->so_proto->pr_connect != NULL
			    ? so->so_proto->pr_connect(l, so, &ss, len,
				  (file_flags(fp) & O_NONBLOCK) != 0)
			    : EOPNOTSUPP;
	fd_putfile(l, fp);
	return error;
}

int
sys_listen(struct lwp *l, int fd, int backlog)
{
	struct socket *so;
	struct file *fp;
	int error;

	if ((error = fd_getsocket(l, fd, &fp, &so)) != 0)
		return error;
	if ((unsigned)backlog > SOMAX)
		backlog = SOMAX;
	error = so->so_proto->pr_listen != NULL
		    ? so->so_proto->pr_listen(l, so, backlog)
		    : EOPNOTSUPP;
	fd_putfile(l, fp);
	return error;
}

/* Accept, and copy out who has connected if the caller wants to know. */
static int
accept_file(struct lwp *l, struct file *fp, struct sockaddr *addr,
    socklen_t *addrlen, int flags, struct file **newp)
{
	struct sockaddr_storage ss;
	struct socket *so = fp->f_data, *new;
	socklen_t len;
	int error;

	if (fp->f_type != DTYPE_SOCKET)
		return ENOTSOCK;
	if (so->so_proto->pr_accept == NULL)
		return EOPNOTSUPP;
	/* First: without one nobody is accepted, and so nobody lost. */
	if ((error = file_alloc(l, newp)) != 0)
		return error;
	error = so->so_proto->pr_accept(
	    l, so, (file_flags(fp) & O_NONBLOCK) != 0, &new);
	if (error != 0) {
		file_abort(*newp);
		return error;
	}
	socket_affix(new, flags, *newp);
	if (addr == NULL)
		return 0;
	if (new->so_proto->pr_getname(new, true, &ss, &len) != 0)
		error = ECONNABORTED;
	else
		error = sockaddr_copyout(&ss, len, addr, addrlen);
	if (error != 0)
		file_rele(*newp);
	return error;
}

/* The order of the checks is Linux's: what fd is comes last. */
static int
accept_fd(struct lwp *l, struct file *fp, struct sockaddr *addr,
    socklen_t *addrlen, int flags, int *fdp)
{
	struct file *newfp;
	int error;

	if ((flags & ~SOCK_FLAGS) != 0)
		return EINVAL;
	if ((error = fd_alloc(l, 0, fdp)) != 0)
		return error;
	error = accept_file(l, fp, addr, addrlen, flags, &newfp);
	if (error != 0)
		fd_abort(l, *fdp);
	else
		fd_affix(l, *fdp, newfp, (flags & SOCK_CLOEXEC) != 0);
	return error;
}

int
sys_accept4(struct lwp *l, int fd, struct sockaddr *addr, socklen_t *addrlen,
    int flags, int *retval)
{
	struct file *fp;
	int error;

	if ((error = fd_getopen(l, fd, &fp)) != 0)
		return error;
	error = accept_fd(l, fp, addr, addrlen, flags, retval);
	fd_putfile(l, fp);
	return error;
}

int
sys_accept(struct lwp *l, int fd, struct sockaddr *addr, socklen_t *addrlen,
    int *retval)
{
	return sys_accept4(l, fd, addr, addrlen, 0, retval);
}

int
sys_paccept(struct lwp *l, int fd, struct sockaddr *addr, socklen_t *addrlen,
    const sigset_t *mask, int flags, int *retval)
{
	int error;

	if ((error = signal_maskwait(l, mask)) != 0)
		return error;
	error = sys_accept4(l, fd, addr, addrlen, flags, retval);
	signal_unmaskwait(l, error);
	return error;
}

int
sys_shutdown(struct lwp *l, int fd, int how)
{
	struct socket *so;
	struct file *fp;
	int error;

	if ((error = fd_getsocket(l, fd, &fp, &so)) != 0)
		return error;
	if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
		error = EINVAL;
	else
		error = so->so_proto->pr_shutdown(so, (uint32_t)how + 1);
	fd_putfile(l, fp);
	return error;
}

static int
do_getname(
    struct lwp *l, int fd, bool peer, struct sockaddr *addr, socklen_t *addrlen)
{
	struct sockaddr_storage ss;
	struct socket *so;
	struct file *fp;
	socklen_t len = 0;
	int error;

	if ((error = fd_getsocket(l, fd, &fp, &so)) != 0)
		return error;
	error = so->so_proto->pr_getname(so, peer, &ss, &len);
	fd_putfile(l, fp);
	return error != 0 ? error : sockaddr_copyout(&ss, len, addr, addrlen);
}

int
sys_getsockname(
    struct lwp *l, int fd, struct sockaddr *addr, socklen_t *addrlen)
{
	return do_getname(l, fd, false, addr, addrlen);
}

int
sys_getpeername(
    struct lwp *l, int fd, struct sockaddr *addr, socklen_t *addrlen)
{
	return do_getname(l, fd, true, addr, addrlen);
}

int
sys_getsockopt(
    struct lwp *l, int fd, int level, int name, void *val, socklen_t *len)
{
	struct socket *so;
	struct file *fp;
	int error;

	if ((error = fd_getsocket(l, fd, &fp, &so)) != 0)
		return error;
	error = level == SOL_SOCKET ? sockopt_get(l, so, name, val, len)
				    : EOPNOTSUPP;
	fd_putfile(l, fp);
	return error;
}

int
sys_setsockopt(
    struct lwp *l, int fd, int level, int name, const void *val, socklen_t len)
{
	struct socket *so;
	struct file *fp;
	int error;

	if ((error = fd_getsocket(l, fd, &fp, &so)) != 0)
		return error;
	if ((int)len < 0)
		error = EINVAL;
	else
		error = level == SOL_SOCKET ? sockopt_set(l, so, name, val, len)
					    : EOPNOTSUPP;
	fd_putfile(l, fp);
	return error;
}
