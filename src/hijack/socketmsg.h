/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages of sockets: what sockets.c, ruledsockets.c and rights.c have in
 * common.
 */
#ifndef HIJACK_SOCKETMSG_H
#define HIJACK_SOCKETMSG_H

#include <linux/uio.h>
#include <linux/un.h>

#include "hijack/engine.h"

/* As the host has them. */
struct msghdr {
	void *msg_name;
	int msg_namelen;
	struct iovec *msg_iov;
	size_t msg_iovlen;
	void *msg_control;
	size_t msg_controllen;
	unsigned int msg_flags;
};

struct mmsghdr {
	struct msghdr msg_hdr;
	unsigned int msg_len;
};

struct cmsghdr {
	size_t cmsg_len;
	int cmsg_level;
	int cmsg_type;
};

#define SCM_RIGHTS 1

/* An address in another form. */
struct ruled_name {
	struct sockaddr_un rn_sun;
};

/* The descriptors of a message, one after the other. */
struct rights {
	unsigned long ri_at; /* of the control message */
	size_t ri_left;	     /* bytes from there on */
	size_t ri_next;	     /* of the next descriptor; 0: not looked at */
	unsigned long ri_where;
	int ri_fd;
};

/* What was made for descriptors of the kernel that are sent on the host. */
#define HJ_NRIGHTS 253 /* as many go along with a message there */
struct hj_rights {
	void *r_control; /* a copy, or NULL */
	size_t r_size;
	uint32_t r_n; /* descriptors that were opened */
	int r_fds[HJ_NRIGHTS];
};

#pragma GCC visibility push(hidden)

void hj_rights_begin(struct rights *ri, const struct msghdr *msg);
long hj_rights_next(struct rights *ri);
long hj_rights_check(struct hj_thread *t, const struct msghdr *msg);
long hj_rights_send(
    struct hj_thread *t, struct msghdr *msg, struct hj_rights *rights);
void hj_rights_sent(struct hj_rights *rights);
void hj_rights_received(struct hj_thread *t, const struct msghdr *msg);

long hj_ruled_named(struct hj_thread *t, int kernel, const long *args, int at);
long
hj_ruled_sendmsg(struct hj_thread *t, long fd, struct msghdr *msg, long flags);

#pragma GCC visibility pop

#endif
