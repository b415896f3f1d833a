/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A client of a server that says what it wants to, not what librumpclient
 * would.
 */
#ifndef TESTS_LIB_BYHAND_H
#define TESTS_LIB_BYHAND_H

#include <sys/mman.h>
#include <sys/socket.h>

#include <unistd.h>

#include <atf-c.h>

#include "lib/server.h"
#include "proxy/wire.h"

/*
 * Say that to server 0, and what it answers: the socket and, if that is no
 * error, the memory in *shp; -1: there is no answer.
 */
static inline int
hand_greet(
    const struct sp_hello *h, struct sp_welcome *sw, struct sp_shared **shp)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = {sw, sizeof(*sw)};
	struct msghdr msg = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = &control,
	    .msg_controllen = sizeof(control)};
	int fd = server_connect(0), memfd;

	ATF_REQUIRE(fd != -1);
	/* Who is refused may be before he has said anything. */
	if (send(fd, h, sizeof(*h), MSG_NOSIGNAL) != (ssize_t)sizeof(*h) ||
	    recvmsg(fd, &msg, 0) != (ssize_t)sizeof(*sw)) {
		close(fd);
		return -1;
	}
	if (sw->sw_error != 0)
		return fd;
	ATF_REQUIRE(CMSG_FIRSTHDR(&msg) != NULL);
	memcpy(&memfd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(memfd));
	/* Nobody can make it shorter. */
	ATF_REQUIRE_ERRNO(EPERM, ftruncate(memfd, 0) == -1);
	*shp = mmap(
	    NULL, SP_SHMSIZE, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
	ATF_REQUIRE(*shp != MAP_FAILED);
	close(memfd);
	return fd;
}

/*
 * Say hello to server 0: the socket, and the memory in *shp; -1: not welcome.
 */
static inline int
hand_hello(uint32_t magic, uint32_t version, uint32_t kind, uint32_t flags,
    struct sp_shared **shp)
{
	struct sp_hello h = {.sp_magic = magic,
	    .sp_version = version,
	    .sp_kind = kind,
	    .sp_flags = flags};
	struct sp_welcome sw;
	int fd = hand_greet(&h, &sw, shp);

	if (fd == -1 || sw.sw_error == 0)
		return fd;
	close(fd);
	return -1;
}

/* Have slot 0 looked at.  False if the server has ended us. */
static inline bool
hand_ring(int fd, struct sp_shared *sh)
{
	atomic_fetch_or(&sh->sh_bell[0], 1);
	return atomic_exchange(&sh->sh_cold, 0) == 0 ||
	       send(fd, "", 1, MSG_NOSIGNAL) == 1;
}

/* Make the call in slot 0; its error, or -1 if the server has ended us. */
static inline int
hand_call(int fd, struct sp_shared *sh)
{
	struct sp_slot *ss = sp_slot(sh, 0);
	char c;

	atomic_store(&ss->ss_state, SP_REQUEST | SP_WAITS_SOCK);
	if (!hand_ring(fd, sh))
		return -1;
	while ((atomic_load(&ss->ss_state) & SP_STATE) != SP_DONE)
		if (read(fd, &c, 1) <= 0)
			return -1;
	return ss->ss_msg.sm_error;
}

#endif /* TESTS_LIB_BYHAND_H */
