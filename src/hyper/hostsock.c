/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets, shared memory and processes of the host, for servers.  Every kind
 * of host on Linux has these.
 */
#include "hyper/hostsock.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "hyper/hostcall.h"
#include "hyper/hostfile.h"

#define BACKLOG 1024

/*
 * Sockets
 */

static int
path_address(const char *path, struct sockaddr_un *sun)
{
	size_t len = strlen(path);

	if (len == 0)
		return EINVAL;
	if (len >= sizeof(sun->sun_path))
		return ENAMETOOLONG;
	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	memcpy(sun->sun_path, path, len + 1);
	return 0;
}

/* Does nobody listen at this address, which is a socket's? */
static bool
path_stale(const struct sockaddr_un *sun)
{
	struct stat st;
	long fd;
	int error;

	if (HOST_CALL0(lstat(sun->sun_path, &st)) != 0 || !S_ISSOCK(st.st_mode))
		return false;
	error = HOST_CALL(
	    socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
	    &fd);
	if (error != 0)
		return false;
	error = HOST_CALL0(
	    connect((int)fd, (const struct sockaddr *)sun, sizeof(*sun)));
	hyper_file_close((int)fd);
	return error == ECONNREFUSED;
}

static int
path_bind(int fd, const struct sockaddr_un *sun)
{
	const struct sockaddr *sa = (const struct sockaddr *)sun;
	int error = HOST_CALL0(bind(fd, sa, sizeof(*sun)));

	if (error != EADDRINUSE || !path_stale(sun))
		return error;
	(void)HOST_CALL0(unlink(sun->sun_path));
	return HOST_CALL0(bind(fd, sa, sizeof(*sun)));
}

/*
 * A descriptor that is there to be given up: without any a connection could be
 * neither accepted nor refused, and would be told of again and again.
 */
static int spare = HYPER_NOFD;

static void
spare_take(void)
{
	long fd;

	if (spare == HYPER_NOFD && HOST_CALL(eventfd(0, EFD_CLOEXEC), &fd) == 0)
		spare = (int)fd;
}

static void
spare_refuse(int fd)
{
	long new;

	if (spare == HYPER_NOFD)
		return;
	hyper_file_close(spare);
	spare = HYPER_NOFD;
	if (HOST_CALL(accept4(fd, NULL, NULL, SOCK_CLOEXEC), &new) == 0)
		hyper_file_close((int)new);
	spare_take();
}

int
hyper_sock_listen(const char *path, int *fdp)
{
	struct sockaddr_un sun;
	long fd;
	int error;

	if ((error = path_address(path, &sun)) != 0)
		return error;
	error = HOST_CALL(
	    socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
	    &fd);
	if (error != 0)
		return error;
	if ((error = path_bind((int)fd, &sun)) == 0)
		error = HOST_CALL0(listen((int)fd, BACKLOG));
	if (error != 0)
		hyper_file_close((int)fd);
	else
		spare_take();
	*fdp = (int)fd;
	return error;
}

int
hyper_sock_adopt(int fd)
{
	int listens = 0, error;
	socklen_t len = sizeof(listens);

	error = HOST_CALL0(
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len));
	if (error != 0 || !listens)
		return error != 0 ? error : EINVAL;
	error = HOST_CALL0(fcntl(fd, F_SETFD, FD_CLOEXEC));
	if (error == 0)
		error = HOST_CALL0(fcntl(fd, F_SETFL, O_NONBLOCK));
	if (error == 0)
		spare_take();
	return error;
}

/* What of an address there is to know; EINVAL, EACCES. */
static int
tcp_address(bool v6, const char *address, uint16_t port, bool loopback,
    struct sockaddr_storage *ss)
{
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)ss;
	struct sockaddr_in *sin = (struct sockaddr_in *)ss;
	bool local;

	memset(ss, 0, sizeof(*ss));
	if (v6) {
		sin6->sin6_family = AF_INET6;
		sin6->sin6_port = htons(port);
		if (inet_pton(AF_INET6, address, &sin6->sin6_addr) != 1)
			return EINVAL;
		local = IN6_IS_ADDR_LOOPBACK(&sin6->sin6_addr);
	} else {
		sin->sin_family = AF_INET;
		sin->sin_port = htons(port);
		if (inet_pton(AF_INET, address, &sin->sin_addr) != 1)
			return EINVAL;
		local = ntohl(sin->sin_addr.s_addr) >> 24 == 127;
	}
	return loopback && !local ? EACCES : 0;
}

static void
tcp_option(int fd, int level, int name, int value)
{
	(void)HOST_CALL0(setsockopt(fd, level, name, &value, sizeof(value)));
}

/* Those that are accepted have them, too. */
static void
tcp_options(int fd)
{
	tcp_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	tcp_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	tcp_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	tcp_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 30);
	tcp_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, 10);
	tcp_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
}

int
hyper_sock_listentcp(
    bool v6, const char *address, uint16_t port, bool loopback, int *fdp)
{
	struct sockaddr_storage ss;
	const struct sockaddr *sa = (const struct sockaddr *)&ss;
	long fd;
	int error;

	if ((error = tcp_address(v6, address, port, loopback, &ss)) != 0)
		return error;
	error = HOST_CALL(socket(v6 ? AF_INET6 : AF_INET,
			      SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
	    &fd);
	if (error != 0)
		return error;
	tcp_options((int)fd);
	error = HOST_CALL0(bind((int)fd, sa,
	    v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in)));
	if (error == 0)
		error = HOST_CALL0(listen((int)fd, BACKLOG));
	if (error != 0)
		hyper_file_close((int)fd);
	*fdp = (int)fd;
	return error;
}

void
hyper_sock_unlink(const char *path, int fd)
{
	struct sockaddr_un sun;

	/* Somebody else's by now, if somebody listens when we do not. */
	hyper_file_close(fd);
	if (path_address(path, &sun) == 0 && path_stale(&sun))
		(void)HOST_CALL0(unlink(path));
}

int
hyper_sock_accept(int fd, int *newp)
{
	long new;
	int error = HOST_CALL(
	    accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK), &new);

	if (error == EMFILE || error == ENFILE)
		spare_refuse(fd);
	*newp = (int)new;
	return error;
}

int
hyper_sock_peer(int fd, struct hyper_peer *peer)
{
	struct ucred uc;
	socklen_t len = sizeof(uc);
	int error;

	error = HOST_CALL0(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &uc, &len));
	if (error != 0)
		return error;
	peer->hp_pid = uc.pid;
	peer->hp_uid = uc.uid;
	peer->hp_gid = uc.gid;
	len = sizeof(peer->hp_groups);
	error = HOST_CALL0(
	    getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, peer->hp_groups, &len));
	peer->hp_ngroups =
	    error == 0 ? (uint32_t)(len / sizeof(peer->hp_groups[0])) : 0;
	return 0;
}

void
hyper_sock_shutdown(int fd)
{
	(void)HOST_CALL0(shutdown(fd, SHUT_RDWR));
}

int
hyper_sock_recv(int fd, void *buf, size_t *lenp)
{
	long n;
	int error = HOST_CALL(recv(fd, buf, *lenp, MSG_DONTWAIT), &n);

	*lenp = error == 0 ? (size_t)n : 0;
	return error;
}

int
hyper_sock_send(int fd, const void *buf, size_t *lenp, int pass)
{
	struct iovec iov = {
	    .iov_base = (void *)(uintptr_t)buf, .iov_len = *lenp};
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *cm;
	long n;
	int error;

	if (pass != HYPER_NOFD) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
		cm = CMSG_FIRSTHDR(&msg);
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cm), &pass, sizeof(int));
	}
	error = HOST_CALL(sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL), &n);
	*lenp = error == 0 ? (size_t)n : 0;
	return error;
}

int
hyper_sock_sendbytes(int fd, const void *buf, size_t *lenp)
{
	long n;
	int error =
	    HOST_CALL(send(fd, buf, *lenp, MSG_DONTWAIT | MSG_NOSIGNAL), &n);

	*lenp = error == 0 ? (size_t)n : 0;
	return error;
}

/*
 * Waiting
 */

int
hyper_events_create(int *setp)
{
	long set;
	int error = HOST_CALL(epoll_create1(EPOLL_CLOEXEC), &set);

	*setp = (int)set;
	return error;
}

static int
events_ctl(int set, int op, int fd, uint32_t events, uint64_t word)
{
	struct epoll_event ev = {.data.u64 = word};

	if ((events & HYPER_EV_IN) != 0)
		ev.events |= EPOLLIN | EPOLLRDHUP;
	if ((events & HYPER_EV_OUT) != 0)
		ev.events |= EPOLLOUT;
	return HOST_CALL0(epoll_ctl(set, op, fd, &ev));
}

int
hyper_events_add(int set, int fd, uint32_t events, uint64_t word)
{
	return events_ctl(set, EPOLL_CTL_ADD, fd, events, word);
}

int
hyper_events_change(int set, int fd, uint32_t events, uint64_t word)
{
	return events_ctl(set, EPOLL_CTL_MOD, fd, events, word);
}

void
hyper_events_remove(int set, int fd)
{
	(void)events_ctl(set, EPOLL_CTL_DEL, fd, 0, 0);
}

#define EVENTS_MOST 64

int
hyper_events_wait(int set, struct hyper_event *he, int n, int ms, int *np)
{
	struct epoll_event ev[EVENTS_MOST];
	long got;
	int error, i;

	if (n > EVENTS_MOST)
		n = EVENTS_MOST;
	error = HOST_CALL(epoll_wait(set, ev, n, ms), &got);
	*np = error == 0 ? (int)got : 0;
	for (i = 0; i < *np; i++) {
		he[i].he_word = ev[i].data.u64;
		he[i].he_events = 0;
		if ((ev[i].events & EPOLLIN) != 0)
			he[i].he_events |= HYPER_EV_IN;
		if ((ev[i].events & EPOLLOUT) != 0)
			he[i].he_events |= HYPER_EV_OUT;
		if ((ev[i].events & (EPOLLHUP | EPOLLRDHUP | EPOLLERR)) != 0)
			he[i].he_events |= HYPER_EV_END;
	}
	return error;
}

/*
 * Shared memory
 */

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

int
hyper_shm_create(size_t len, int *fdp, void **addrp)
{
	void *addr = NULL;
	long fd;
	int error, saved = errno;

	error = HOST_CALL(
	    memfd_create("rump", MFD_CLOEXEC | MFD_ALLOW_SEALING), &fd);
	if (error != 0 || (error = hyper_file_move(fd, fdp)) != 0)
		return error;
	if ((error = HOST_CALL0(ftruncate(*fdp, (off_t)len))) == 0)
		error = HOST_CALL0(fcntl(*fdp, F_ADD_SEALS, SEALS));
	if (error == 0) {
		addr = mmap(
		    NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, *fdp, 0);
		error = addr == MAP_FAILED ? errno : 0;
	}
	/* There, memory is a file, whose length may be limited. */
	if (error == EFBIG)
		error = ENOMEM;
	/* Mostly empty, and of no use in a core file. */
	if (error == 0)
		(void)madvise(addr, len, MADV_DONTDUMP);
	else
		hyper_file_close(*fdp);
	errno = saved;
	*addrp = addr;
	return error;
}

int
hyper_shm_private(size_t len, void **addrp)
{
	int error, saved = errno;

	*addrp = mmap(NULL, len, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	error = *addrp == MAP_FAILED ? errno : 0;
	if (error == 0)
		(void)madvise(*addrp, len, MADV_DONTDUMP);
	errno = saved;
	return error;
}

void
hyper_shm_discard(void *addr, size_t len)
{
	const uintptr_t mask = (uintptr_t)sysconf(_SC_PAGESIZE) - 1;
	uintptr_t begin = ((uintptr_t)addr + mask) & ~mask;
	uintptr_t end = ((uintptr_t)addr + len) & ~mask;

	if (begin < end)
		(void)HOST_CALL0(
		    madvise((void *)begin, end - begin, MADV_DONTNEED));
}

void
hyper_shm_destroy(void *addr, size_t len)
{
	(void)HOST_CALL0(munmap(addr, len));
}

void
hyper_shm_move(void *from, void *to, size_t len)
{
	long addr;

	(void)HOST_CALL(
	    (long)mremap(from, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, to),
	    &addr);
}

void
hyper_shm_part(int fd, void *addr, size_t len)
{
	long at;

	(void)HOST_CALL((long)mmap(addr, len, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_FIXED, fd, 0),
	    &at);
}

void
hyper_shm_wake(_Atomic uint32_t *addr, int n)
{
	(void)HOST_CALL0(
	    syscall(SYS_futex, addr, FUTEX_WAKE, n, NULL, NULL, 0));
}

/*
 * Host processes
 */

int
hyper_process_open(pid_t pid, int *fdp)
{
	long fd;
	int error = HOST_CALL(syscall(SYS_pidfd_open, pid, 0), &fd);

	*fdp = (int)fd;
	return error;
}

bool
hyper_process_ended(int fd)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	int n = 0;

	return HOST_CALL(poll(&pfd, 1, 0), &n) == 0 && n == 1;
}

int
hyper_process_signal(int fd, int signo)
{
	return HOST_CALL0(syscall(SYS_pidfd_send_signal, fd, signo, NULL, 0));
}

uid_t
hyper_uid(void)
{
	return geteuid();
}

void
hyper_handles_raise(void)
{
	struct rlimit rl;

	if (HOST_CALL0(getrlimit(RLIMIT_NOFILE, &rl)) != 0)
		return;
	rl.rlim_cur = rl.rlim_max;
	(void)HOST_CALL0(setrlimit(RLIMIT_NOFILE, &rl));
}
