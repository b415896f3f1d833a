/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connecting a client; see core.h.
 *
 * The socket is kept out of the program's way: as high as its limit of
 * descriptors allows, closed on exec.
 */
#include "proxy/client/core.h"

#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "hyper/pause.h"
#include "proxy/client/sysraw.h"

#define HIGH_MARGIN 8u

/* Tries, before who waits for the server's answer sleeps. */
#define LOOKS 100

static int
raw_error(long result)
{
	return result < 0 ? (int)-result : 0;
}

static void
raw_close(int fd)
{
	if (fd >= 0)
		(void)sysraw1(SYS_close, fd);
}

/* From `low' on, also where the limit has become lower than that. */
static int
fd_from(int fd, int low)
{
	struct rlimit rl = {0}, wide;
	long high = sysraw3(SYS_fcntl, fd, F_DUPFD_CLOEXEC, low);

	if (high == -EINVAL &&
	    sysraw4(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, SYSRAW_P(&rl)) == 0) {
		wide = rl;
		wide.rlim_cur = rl.rlim_max;
		(void)sysraw4(
		    SYS_prlimit64, 0, RLIMIT_NOFILE, SYSRAW_P(&wide), 0);
		high = sysraw3(SYS_fcntl, fd, F_DUPFD_CLOEXEC, low);
		(void)sysraw4(
		    SYS_prlimit64, 0, RLIMIT_NOFILE, SYSRAW_P(&rl), 0);
	}
	if (high < 0)
		return fd;
	raw_close(fd);
	return (int)high;
}

int
spc_sock_high(int fd)
{
	struct rlimit rl = {0};
	long high;

	if (sysraw4(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, SYSRAW_P(&rl)) != 0 ||
	    rl.rlim_cur <= HIGH_MARGIN)
		return fd;
	if (rl.rlim_cur > INT32_MAX)
		rl.rlim_cur = INT32_MAX;
	high = sysraw3(
	    SYS_fcntl, fd, F_DUPFD_CLOEXEC, (long)(rl.rlim_cur - HIGH_MARGIN));
	if (high < 0)
		high = sysraw3(
		    SYS_fcntl, fd, F_DUPFD_CLOEXEC, (long)(rl.rlim_cur / 2));
	if (high < 0)
		return fd;
	raw_close(fd);
	return (int)high;
}

static int
connect_unix(const struct url *u, int low, int *fdp)
{
	struct sockaddr_un sun;
	size_t len = 0;
	long fd, error;

	while (u->u_path[len] != '\0')
		len++;
	if (len >= sizeof(sun.sun_path))
		return ENAMETOOLONG;
	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	memcpy(sun.sun_path, u->u_path, len);
	fd = sysraw3(SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return raw_error(fd);
	do
		error = sysraw3(SYS_connect, fd, SYSRAW_P(&sun), sizeof(sun));
	while (error == -EINTR);
	if (error < 0) {
		raw_close((int)fd);
		return raw_error(error);
	}
	*fdp = low != 0 ? fd_from((int)fd, low) : spc_sock_high((int)fd);
	return 0;
}

void
spc_hello_fill(const struct spc_hello *sh, struct sp_hello *h)
{
	size_t i;

	memset(h, 0, sizeof(*h));
	h->sp_magic = SP_MAGIC;
	h->sp_version = SP_VERSION;
	h->sp_kind = sh->sh_kind;
	h->sp_flags = sh->sh_flags;
	h->sp_pid = sh->sh_pid;
	if (sh->sh_token != NULL)
		memcpy(h->sp_token, sh->sh_token, SP_TOKEN);
	for (i = 0; sh->sh_name != NULL && i < sizeof(h->sp_name) - 1 &&
		    sh->sh_name[i] != '\0';
	     i++)
		h->sp_name[i] = sh->sh_name[i];
}

static int
hello_send(int fd, const struct spc_hello *sh)
{
	struct sp_hello h;
	size_t sent = 0;
	long n;

	spc_hello_fill(sh, &h);
	while (sent < sizeof(h)) {
		n = sysraw(SYS_sendto, fd, SYSRAW_P((char *)&h + sent),
		    (long)(sizeof(h) - sent), MSG_NOSIGNAL, 0, 0);
		if (n < 0 && n != -EINTR)
			return n == -EPIPE ? ECONNRESET : raw_error(n);
		if (n > 0)
			sent += (size_t)n;
	}
	return 0;
}

/* A descriptor that came along, or -1. */
static int
welcome_fd(struct msghdr *msg)
{
	struct cmsghdr *cm = CMSG_FIRSTHDR(msg);
	int fd = -1;

	if (cm != NULL && cm->cmsg_level == SOL_SOCKET &&
	    cm->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(cm), sizeof(fd));
	return fd;
}

static int
welcome_receive(int fd, struct sp_welcome *sw, int *memfdp)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {.space = {0}};
	struct iovec iov;
	struct msghdr msg;
	size_t got = 0;
	int looks = LOOKS;
	long n;

	*memfdp = -1;
	while (got < sizeof(*sw)) {
		memset(&msg, 0, sizeof(msg));
		iov.iov_base = (char *)sw + got;
		iov.iov_len = sizeof(*sw) - got;
		msg.msg_iov = &iov;
		msg.msg_iovlen = 1;
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
		n = sysraw3(SYS_recvmsg, fd, SYSRAW_P(&msg),
		    MSG_CMSG_CLOEXEC | (looks > 0 ? MSG_DONTWAIT : 0));
		if (n == -EAGAIN && looks > 0) {
			looks--;
			cpu_pause();
			continue;
		}
		if (n == -EINTR)
			continue;
		if (n <= 0)
			return n == 0 ? ECONNRESET : raw_error(n);
		if (*memfdp == -1)
			*memfdp = welcome_fd(&msg);
		got += (size_t)n;
	}
	if (sw->sw_magic != SP_MAGIC || sw->sw_version != SP_VERSION)
		return EPROTO;
	return sw->sw_error;
}

/*
 * New memory takes the place of old: threads that still look at that find
 * slots in which nothing happens.
 */
static int
memory_map(struct spc *cl, int flags, int memfd)
{
	long addr;

	addr = sysraw(SYS_mmap, SYSRAW_P(cl->cl_shm), (long)SP_SHMSIZE,
	    PROT_READ | PROT_WRITE,
	    flags | (cl->cl_shm != NULL ? MAP_FIXED : 0), memfd, 0);
	if (addr < 0 && addr > -4096)
		return raw_error(addr);
	cl->cl_shm = (struct sp_shared *)(uintptr_t)addr;
	/* Mostly empty, and of no use in a core file. */
	(void)sysraw3(SYS_madvise, addr, (long)SP_SHMSIZE, MADV_DONTDUMP);
	return 0;
}

#define MEMORY_PRIVATE (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)

/* Our name for the socket, to know it again. */
uint64_t
spc_sock_cookie(int fd)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	(void)sysraw(SYS_getsockopt, fd, SOL_SOCKET, SO_COOKIE,
	    SYSRAW_P(&cookie), SYSRAW_P(&len), 0);
	return cookie;
}

/* Release: who sees it on sees the rest. */
static void
link_begin(struct spc *cl)
{
	atomic_store_explicit(&cl->cl_spin, SPC_SPIN, memory_order_relaxed);
	atomic_store_explicit(&cl->cl_state, SPC_ON, memory_order_seq_cst);
}

/* A new one, or the one that was lost: slots are free, or in use as before. */
static void
slots_begin(
    struct spc *cl, const struct sp_welcome *sw, enum sp_hello_kind kind)
{
	uint32_t i;

	cl->cl_pid = sw->sw_pid;
	cl->cl_nslots = sw->sw_slots < SP_NSLOTS ? sw->sw_slots : SP_NSLOTS;
	memcpy(cl->cl_token, sw->sw_token, SP_TOKEN);
	for (i = 0; kind != SP_H_RESUME && i < SP_NBELLS; i++)
		cl->cl_taken[i] &= ~atomic_exchange_explicit(
		    &cl->cl_left[i], 0, memory_order_relaxed);
	link_begin(cl);
}

static int
connect_far(struct spc *cl, const struct url *u, const struct spc_hello *sh)
{
	struct sp_welcome sw = {0};
	int error;

	if (cl->cl_stream == NULL)
		return EPROTONOSUPPORT;
	if ((error = cl->cl_stream->connect(cl, u, sh, &sw)) != 0)
		return error;
	cl->cl_far = true;
	if (sh->sh_kind != SP_H_RESUME)
		error = memory_map(cl, MEMORY_PRIVATE, -1);
	if (error != 0) {
		cl->cl_stream->disconnect(cl, false);
		return error;
	}
	/* Nobody who makes calls watches the socket. */
	cl->cl_watch = SPC_NOSLOT;
	slots_begin(cl, &sw, sh->sh_kind);
	cl->cl_stream->start(cl);
	return 0;
}

int
spc_connect(struct spc *cl, const struct url *u, const struct spc_hello *sh)
{
	struct sp_welcome sw = {0};
	int fd = -1, memfd = -1, error;

	if (u->u_kind != URL_UNIX)
		return connect_far(cl, u, sh);
	if ((error = connect_unix(u, cl->cl_lowfd, &fd)) != 0)
		return error;
	if ((error = hello_send(fd, sh)) == 0 &&
	    (error = welcome_receive(fd, &sw, &memfd)) == 0 &&
	    sh->sh_kind != SP_H_RESUME)
		error =
		    memfd == -1 ? ENOMEM : memory_map(cl, MAP_SHARED, memfd);
	if (error == 0 && memfd != -1 && cl->cl_lowfd != 0)
		cl->cl_memfd = fd_from(memfd, cl->cl_lowfd);
	else
		raw_close(memfd);
	if (error != 0) {
		raw_close(fd);
		return error;
	}
	if (cl->cl_far)
		cl->cl_watch = 0;
	cl->cl_far = false;
	cl->cl_sock = fd;
	cl->cl_cookie = spc_sock_cookie(fd);
	slots_begin(cl, &sw, sh->sh_kind);
	return 0;
}

int
spc_file(struct spc *cl, const struct url *u, uint32_t slot, int *fdp)
{
	const struct spc_hello sh = {.sh_kind = SP_H_FILE,
	    .sh_token = cl->cl_token,
	    .sh_pid = (int)slot};
	struct sp_welcome sw = {0};
	int fd, error;

	if (cl->cl_far)
		return EOPNOTSUPP;
	if ((error = connect_unix(u, cl->cl_lowfd, &fd)) != 0)
		return error;
	*fdp = -1;
	if ((error = hello_send(fd, &sh)) == 0)
		error = welcome_receive(fd, &sw, fdp);
	raw_close(fd);
	return error == 0 && *fdp == -1 ? EMFILE : error;
}

int
spc_adopt(struct spc *cl)
{
	int error = memory_map(cl, MAP_SHARED, cl->cl_memfd);

	if (error != 0)
		return error;
	cl->cl_cookie = spc_sock_cookie(cl->cl_sock);
	link_begin(cl);
	return 0;
}

static void
disconnect(struct spc *cl, enum spc_state state, bool forked)
{
	uint64_t cookie = cl->cl_cookie;

	atomic_store_explicit(&cl->cl_state, state, memory_order_seq_cst);
	if (cl->cl_far)
		cl->cl_stream->disconnect(cl, forked);
	else if (cookie != 0 && spc_sock_cookie(cl->cl_sock) == cookie)
		raw_close(cl->cl_sock);
	cl->cl_cookie = 0;
	if (cl->cl_lowfd != 0 && cl->cl_shm != NULL)
		raw_close(cl->cl_memfd);
}

void
spc_disconnect(struct spc *cl)
{
	disconnect(cl, SPC_GONE, false);
}

void
spc_forked(struct spc *cl)
{
	uint32_t i;

	disconnect(cl, SPC_OFF, true);
	/* Calls that are going on below a handler find nothing in there. */
	if (cl->cl_shm != NULL)
		(void)sysraw(SYS_mmap, SYSRAW_P(cl->cl_shm), (long)SP_SHMSIZE,
		    PROT_READ | PROT_WRITE, MEMORY_PRIVATE | MAP_FIXED, -1, 0);
	cl->cl_watch = 0;
	for (i = 0; i < SP_NBELLS; i++)
		cl->cl_taken[i] = cl->cl_left[i] = cl->cl_sleepers[i] = 0;
}
