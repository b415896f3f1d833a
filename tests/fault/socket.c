/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults in what sockets take.
 *
 *	socket [-v] [name]
 */
#include <sys/socket.h>
#include <sys/un.h>

#include <fcntl.h>
#include <stddef.h>
#include <unistd.h>

#include "../lib/fault.h"

static int fds[2], got[2];

static void
undo_pair(void)
{
	MUST(rump_sys_close(fds[0]));
	MUST(rump_sys_close(fds[1]));
}

static int
run_socket(void)
{
	fd = rump_sys_socket(AF_UNIX, SOCK_STREAM, 0);
	return result(fd);
}

static int
run_pair(void)
{
	return result(rump_sys_socketpair(AF_UNIX, SOCK_DGRAM, 0, fds));
}

static void
setup_stream(void)
{
	MUST(rump_sys_socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds));
}

static void
setup_dgram(void)
{
	MUST(rump_sys_socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fds));
}

static void
setup_socket(void)
{
	fd = (int)MUST(rump_sys_socket(AF_UNIX, SOCK_STREAM, 0));
}

static int
name_call(
    int s, int (*call)(int, const struct sockaddr *, socklen_t), const char *n)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	memcpy(un.sun_path, n + (n[0] == '@'), strlen(n));
	if (n[0] == '@')
		un.sun_path[0] = '\0';
	return call(s, (void *)&un,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(n)));
}

static int
run_bind_path(void)
{
	return result(name_call(fd, rump_sys_bind, "/name"));
}

static void
undo_bind_path(void)
{
	MUST(rump_sys_unlink("/name"));
	MUST(rump_sys_close(fd));
	setup_socket();
}

static int
run_bind_abstract(void)
{
	return result(name_call(fd, rump_sys_bind, "@n"));
}

static void
undo_bind_abstract(void)
{
	MUST(rump_sys_close(fd));
	setup_socket();
}

static void
setup_listener(void)
{
	setup_socket();
	MUST(name_call(fd, rump_sys_bind, "/name"));
	MUST(rump_sys_listen(fd, 3));
	fds[0] = (int)MUST(rump_sys_socket(AF_UNIX, SOCK_STREAM, 0));
}

static void
teardown_listener(void)
{
	MUST(rump_sys_close(fds[0]));
	MUST(rump_sys_close(fd));
	MUST(rump_sys_unlink("/name"));
}

static int
run_connect(void)
{
	return result(name_call(fds[0], rump_sys_connect, "/name"));
}

static void
undo_connect(void)
{
	MUST(rump_sys_close(rump_sys_accept(fd, NULL, NULL)));
	MUST(rump_sys_close(fds[0]));
	fds[0] = (int)MUST(rump_sys_socket(AF_UNIX, SOCK_STREAM, 0));
}

static void
setup_connected(void)
{
	setup_listener();
	MUST(run_connect() == 0 ? 0 : -1);
}

static int
run_accept(void)
{
	got[0] = rump_sys_accept(fd, NULL, NULL);
	return got[0] != -1 ? 0 : errno;
}

static void
undo_accept(void)
{
	MUST(rump_sys_close(got[0]));
	MUST(rump_sys_close(fds[0]));
	fds[0] = (int)MUST(rump_sys_socket(AF_UNIX, SOCK_STREAM, 0));
	MUST(run_connect() == 0 ? 0 : -1);
}

static int
run_send(void)
{
	ssize_t n = rump_sys_write(fds[0], big, 5000);

	return n == 5000 ? 0 : errno;
}

static void
undo_send(void)
{
	while (rump_sys_read(fds[1], big, sizeof(big)) > 0)
		continue;
}

static int
run_send_fds(void)
{
	char control[CMSG_SPACE(sizeof(fds))] __attribute__((aligned(16)));
	struct iovec iov = {big, 1};
	struct msghdr mh = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control,
	    .msg_controllen = sizeof(control)};
	struct cmsghdr *cm = CMSG_FIRSTHDR(&mh);

	memset(control, 0, sizeof(control));
	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(cm), fds, sizeof(fds));
	return result(rump_sys_sendmsg(fds[0], &mh, 0));
}

static void
setup_peek(void)
{
	setup_stream();
	MUST(run_send_fds() == 0 ? 0 : -1);
}

static int
run_peek(void)
{
	char control[CMSG_SPACE(sizeof(got))] __attribute__((aligned(16)));
	struct iovec iov = {big, 1};
	struct msghdr mh = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control,
	    .msg_controllen = sizeof(control)};
	struct cmsghdr *cm;

	if (rump_sys_recvmsg(fds[1], &mh, MSG_PEEK) == -1)
		return errno;
	/* Without memory for more descriptors fewer arrive, as on the host. */
	if ((mh.msg_flags & MSG_CTRUNC) != 0) {
		if ((cm = CMSG_FIRSTHDR(&mh)) != NULL) {
			memcpy(got, CMSG_DATA(cm), sizeof(got[0]));
			MUST(rump_sys_close(got[0]));
		}
		return ENOMEM;
	}
	memcpy(got, CMSG_DATA(CMSG_FIRSTHDR(&mh)), sizeof(got));
	return 0;
}

static void
undo_peek(void)
{
	MUST(rump_sys_close(got[0]));
	MUST(rump_sys_close(got[1]));
}

static void
teardown_peek(void)
{
	undo_send();
	undo_pair();
}

static const struct scenario scenarios[] = {
    {"socket", nothing, run_socket, undo_fd, nothing, 0},
    {"socketpair", nothing, run_pair, undo_pair, nothing, KEEPS},
    {"bind-path", setup_socket, run_bind_path, undo_bind_path, undo_fd, DATA},
    {"bind-abstract", setup_socket, run_bind_abstract, undo_bind_abstract,
	undo_fd, 0},
    {"connect", setup_listener, run_connect, undo_connect, teardown_listener,
	0},
    {"accept", setup_connected, run_accept, undo_accept, teardown_listener, 0},
    {"send", setup_stream, run_send, undo_send, undo_pair, 0},
    {"send-dgram", setup_dgram, run_send, undo_send, undo_pair, 0},
    {"send-fds", setup_stream, run_send_fds, undo_send, undo_pair, 0},
    {"peek-fds", setup_peek, run_peek, undo_peek, teardown_peek, KEEPS},
};
#define NSCENARIOS (sizeof(scenarios) / sizeof(scenarios[0]))

int
main(int argc, char **argv)
{
	const char *only = fault_start(argc, argv);

	if (fault_boot() != 0)
		return 1;
	run_scenarios(scenarios, NSCENARIOS, only);
	return errors == 0 ? 0 : 1;
}
