/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets for tests: pairs, names, and messages that bring something along.
 */
#ifndef TESTS_LIB_SOCKETS_H
#define TESTS_LIB_SOCKETS_H

#include <sys/socket.h>
#include <sys/un.h>

#include <fcntl.h>
#include <poll.h>
#include <stddef.h>

#include "tc.h"

/* A name: a path, or "@name" for an abstract one. */
struct uname {
	struct sockaddr_un un;
	socklen_t len;
};

static inline struct sockaddr *
uname_make(struct uname *u, const char *name)
{
	memset(u, 0, sizeof(*u));
	u->un.sun_family = AF_UNIX;
	memcpy(u->un.sun_path, name, strlen(name));
	if (name[0] == '@')
		u->un.sun_path[0] = '\0';
	u->len =
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
	return (struct sockaddr *)&u->un;
}

static inline int
sock_bind(int fd, const char *name)
{
	struct uname u;
	struct sockaddr *sa = uname_make(&u, name);

	return rump_sys_bind(fd, sa, u.len);
}

static inline int
sock_connect(int fd, const char *name)
{
	struct uname u;
	struct sockaddr *sa = uname_make(&u, name);

	return rump_sys_connect(fd, sa, u.len);
}

static inline ssize_t
sock_sendto(int fd, const char *name, const char *data)
{
	struct uname u;
	struct sockaddr *sa = uname_make(&u, name);

	return rump_sys_sendto(fd, data, strlen(data), 0, sa, u.len);
}

/* A socket that listens. */
static inline int
sock_listen(int type, const char *name, int backlog)
{
	int fd = (int)T_OK(rump_sys_socket(AF_UNIX, type, 0));

	T_OK(sock_bind(fd, name));
	T_OK(rump_sys_listen(fd, backlog));
	return fd;
}

static inline int
sock_events(int fd)
{
	struct pollfd p = {fd, 0x27ff, 0};

	(void)rump_sys_poll(&p, 1, 0);
	return p.revents;
}

static inline int
sock_getopt(int fd, int opt)
{
	socklen_t len = sizeof(int);
	int val = 0;

	T_OK(rump_sys_getsockopt(fd, SOL_SOCKET, opt, &val, &len));
	T_EQ(sizeof(int), len);
	return val;
}

static inline int
sock_setopt(int fd, int opt, int val)
{
	return rump_sys_setsockopt(fd, SOL_SOCKET, opt, &val, sizeof(val));
}

/* Send data with n descriptors. */
static inline ssize_t
sock_sendfds(int fd, const char *data, const int *fds, int n)
{
	char control[CMSG_SPACE(16 * sizeof(int))]
	    __attribute__((aligned(16))) = {0};
	struct iovec iov = {(void *)(uintptr_t)data, strlen(data)};
	struct msghdr mh = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control,
	    .msg_controllen = CMSG_SPACE((size_t)n * sizeof(int))};
	struct cmsghdr *cm = CMSG_FIRSTHDR(&mh);

	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN((size_t)n * sizeof(int));
	memcpy(CMSG_DATA(cm), fds, (size_t)n * sizeof(int));
	return rump_sys_sendmsg(fd, &mh, 0);
}

/* Receive; *np: how many descriptors came, at most 16. */
static inline ssize_t
sock_recvfds(
    int fd, char *buf, size_t size, int flags, int *fds, int *np, int *outflags)
{
	char control[CMSG_SPACE(16 * sizeof(int))] __attribute__((aligned(16)));
	struct iovec iov = {buf, size};
	struct msghdr mh = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control,
	    .msg_controllen = sizeof(control)};
	struct cmsghdr *cm;
	ssize_t n = rump_sys_recvmsg(fd, &mh, flags);

	*np = 0;
	if (n >= 0 && (cm = CMSG_FIRSTHDR(&mh)) != NULL &&
	    cm->cmsg_type == SCM_RIGHTS) {
		*np = (int)((cm->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(fds, CMSG_DATA(cm), (size_t)*np * sizeof(int));
	}
	if (outflags != NULL)
		*outflags = mh.msg_flags;
	return n;
}

#endif /* TESTS_LIB_SOCKETS_H */
