/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host threads of one process that make, connect, accept, use and close the
 * same sockets at random, and pass them to each other in messages; nothing
 * waits for ever, and when all is closed nothing is left over.
 */
#include <sys/socket.h>
#include <sys/un.h>

#include <fcntl.h>
#include <poll.h>
#include <stddef.h>

#include "../lib/stress.h"

#define NSLOTS 12
#define NNAMES 4

static _Atomic int slots[NSLOTS];
static pid_t process;

static int
any(void)
{
	return slots[rnd(NSLOTS)];
}

/* Put a descriptor into a slot, and close what was there. */
static void
put(int fd)
{
	int old;

	if (fd == -1)
		return;
	old = atomic_exchange(&slots[rnd(NSLOTS)], fd);
	if (old != -1)
		want(0, rump_sys_close(old));
}

static int
rnd_type(void)
{
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};

	return types[rnd(3)] | SOCK_NONBLOCK;
}

static socklen_t
name(struct sockaddr_un *un)
{
	memset(un, 0, sizeof(*un));
	un->sun_family = AF_UNIX;
	if (rnd(2) == 0) {
		un->sun_path[0] = (char)('a' + rnd(NNAMES));
		return offsetof(struct sockaddr_un, sun_path) + 1;
	}
	un->sun_path[1] = (char)('a' + rnd(NNAMES));
	return offsetof(struct sockaddr_un, sun_path) + 2;
}

static void
do_pair(void)
{
	int fds[2];

	if (rump_sys_socketpair(AF_UNIX, rnd_type(), 0, fds) != 0)
		differ("socketpair");
	put(fds[0]);
	put(fds[1]);
}

static void
do_listen(void)
{
	int fd = rump_sys_socket(AF_UNIX, rnd_type(), 0);
	struct sockaddr_un un;
	socklen_t len = name(&un);

	if (fd == -1)
		differ("socket");
	if (un.sun_path[0] != '\0')
		(void)rump_sys_unlink(un.sun_path);
	(void)rump_sys_bind(fd, (void *)&un, len);
	(void)rump_sys_listen(fd, (int)rnd(3));
	put(fd);
}

static void
do_connect(void)
{
	bool old = rnd(3) == 0;
	int fd = old ? any() : rump_sys_socket(AF_UNIX, rnd_type(), 0);
	struct sockaddr_un un;
	socklen_t len = name(&un);

	if (rnd(8) == 0)
		un.sun_family = AF_UNSPEC;
	(void)rump_sys_connect(fd, (void *)&un, len);
	if (rnd(2) == 0)
		(void)rump_sys_write(fd, "hello", 5);
	if (!old)
		put(fd);
}

static void
do_accept(void)
{
	put(rump_sys_accept4(any(), NULL, NULL, SOCK_NONBLOCK));
}

static void
do_send(void)
{
	static const char data[40000];
	struct sockaddr_un un;
	socklen_t len;
	int fd = any();

	if (rnd(4) != 0) {
		(void)rump_sys_send(fd, data,
		    rnd(8) == 0 ? rnd(sizeof(data)) : rnd(20), MSG_NOSIGNAL);
		return;
	}
	len = name(&un);
	(void)rump_sys_sendto(
	    fd, data, rnd(100), MSG_NOSIGNAL, (void *)&un, len);
}

static void
do_recv(void)
{
	char buf[300];

	(void)rump_sys_recv(
	    any(), buf, rnd(sizeof(buf)), rnd(6) == 0 ? MSG_PEEK : 0);
}

static void
do_pass(void)
{
	char control[CMSG_SPACE(2 * sizeof(int))] __attribute__((aligned(16)));
	struct iovec iov = {control, 3};
	struct msghdr mh = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control,
	    .msg_controllen = sizeof(control)};
	struct cmsghdr *cm = CMSG_FIRSTHDR(&mh);
	int fds[2] = {any(), any()};

	memset(control, 0, sizeof(control));
	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(cm), fds, sizeof(fds));
	(void)rump_sys_sendmsg(any(), &mh, MSG_NOSIGNAL);
}

static void
do_take(void)
{
	char control[CMSG_SPACE(2 * sizeof(int))] __attribute__((aligned(16)));
	char buf[64];
	struct iovec iov = {buf, sizeof(buf)};
	struct msghdr mh = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control,
	    .msg_controllen = sizeof(control)};
	struct cmsghdr *cm;
	int fds[2];

	if (rump_sys_recvmsg(any(), &mh, rnd(6) == 0 ? MSG_PEEK : 0) < 0 ||
	    (cm = CMSG_FIRSTHDR(&mh)) == NULL)
		return;
	memcpy(fds, CMSG_DATA(cm), cm->cmsg_len - CMSG_LEN(0));
	put(fds[0]);
	if (cm->cmsg_len > CMSG_LEN(sizeof(int)))
		put(fds[1]);
}

static void
do_poll(void)
{
	struct pollfd p[3];

	for (int i = 0; i < 3; i++)
		p[i] = (struct pollfd){any(), POLLIN | POLLOUT, 0};
	(void)rump_sys_poll(p, 3, (int)rnd(2));
}

static void
do_close(void)
{
	int fd = atomic_exchange(&slots[rnd(NSLOTS)], -1);

	if (fd != -1)
		want(0, rump_sys_close(fd));
}

static void
do_shutdown(void)
{
	(void)rump_sys_shutdown(any(), (int)rnd(3));
}

static const struct action actions[] = {
    {6, "pair", do_pair},
    {4, "listen", do_listen},
    {6, "connect", do_connect},
    {6, "accept", do_accept},
    {12, "send", do_send},
    {12, "recv", do_recv},
    {8, "pass", do_pass},
    {8, "take", do_take},
    {4, "poll", do_poll},
    {5, "close", do_close},
    {1, "shutdown", do_shutdown},
};

static void *
tester_main(void *arg)
{
	me = arg;
	want(0, rump_pub_lwproc_newlwp(process));
	for (; me->step < steps; me->step++)
		one_step(actions, sizeof(actions) / sizeof(actions[0]));
	rump_pub_lwproc_releaselwp();
	return NULL;
}

static void
round_of(long n, uint64_t first)
{
	char path[2] = "a";
	int i, sv[2];

	want(0, rump_pub_lwproc_rfork(RUMP_RFCFDG));
	process = rump_sys_getpid();
	for (i = 0; i < NSLOTS; i++)
		slots[i] = -1;
	steps = n / NTHREADS;
	run_testers(first, tester_main);
	for (i = 0; i < NNAMES; i++, path[0]++)
		(void)rump_sys_unlink(path);
	want(0, rump_sys_close_range(0, UINT32_MAX, 0));
	/* What was lost among itself is found by one of these. */
	for (i = 0; i < 50; i++) {
		want(0, rump_sys_socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
		want(0, rump_sys_close(sv[0]));
		want(0, rump_sys_close(sv[1]));
	}
	rump_pub_lwproc_releaselwp();
}

int
main(int argc, char **argv)
{
	struct rump_memstat start, end;
	long wanted;

	seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	wanted = argc > 2 ? strtol(argv[2], NULL, 0) : 800000;
	rump_boot_setsigmodel(RUMP_SIGMODEL_IGNORE);
	if (rump_init() != 0)
		differ("rump_init");
	round_of(800, 0);
	memstat(&start);
	for (int round = 0; round < 2; round++) {
		round_of(wanted / 2, seed + (uint64_t)round);
		memstat(&end);
		compare(&start, &end);
	}
	return 0;
}
