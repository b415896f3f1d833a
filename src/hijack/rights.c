/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptors that are sent through sockets, which are the host's.  One of the
 * kernel's is sent as the end of a pipe that the kernel gives for it, and
 * becomes the kernel's again where it is received (SP_SEND, SP_RECEIVE).
 */
#include <asm/socket.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

#include "hijack/engine.h"
#include "hijack/socketmsg.h"

#define MOST (1UL << 20) /* bytes of what comes along */

void
hj_rights_begin(struct rights *ri, const struct msghdr *msg)
{
	ri->ri_at = (unsigned long)msg->msg_control;
	ri->ri_left = ri->ri_at != 0 ? msg->msg_controllen : 0;
	ri->ri_next = 0;
}

/* 1: the next one is ri_fd, at ri_where.  0: there is none; or -EFAULT. */
long
hj_rights_next(struct rights *ri)
{
	struct cmsghdr cm;
	size_t n;

	while (ri->ri_left >= sizeof(cm)) {
		if (hj_copyin(&cm, ri->ri_at, sizeof(cm)) != 0)
			return -EFAULT;
		if (cm.cmsg_len < sizeof(cm) || cm.cmsg_len > ri->ri_left)
			return 0;
		ri->ri_next = HJ_MAX(ri->ri_next, sizeof(cm));
		if (cm.cmsg_level == SOL_SOCKET && cm.cmsg_type == SCM_RIGHTS &&
		    ri->ri_next + sizeof(ri->ri_fd) <= cm.cmsg_len) {
			ri->ri_where = ri->ri_at + ri->ri_next;
			ri->ri_next += sizeof(ri->ri_fd);
			return hj_copyin(&ri->ri_fd, ri->ri_where,
				   sizeof(ri->ri_fd)) != 0
				   ? -EFAULT
				   : 1;
		}
		n = (cm.cmsg_len + sizeof(long) - 1) & ~(sizeof(long) - 1);
		n = HJ_MIN(n, ri->ri_left);
		ri->ri_at += n;
		ri->ri_left -= n;
		ri->ri_next = 0;
	}
	return 0;
}

/* Only descriptors of the kernel can be sent through its sockets. */
long
hj_rights_check(struct hj_thread *t, const struct msghdr *msg)
{
	struct rights ri;
	long r;

	hj_rights_begin(&ri, msg);
	while ((r = hj_rights_next(&ri)) > 0) {
		if (!hj_fd_iskernel(t, ri.ri_fd))
			return -EOPNOTSUPP;
	}
	return r;
}

/* What is sent for one of the kernel's. */
static long
represent(struct hj_thread *t, int fd)
{
	long args[HJ_OPARGS] = {fd}, r = 0;

	if (hj_fd_isdirect(t, fd))
		r = hj_fd_undirect(t, fd);
	if (r == 0)
		r = hj_kernel_op(t, SP_SEND, args, NULL, 0, 0);
	if (HJ_FAILED(r) || r == HJ_RESTART)
		return r;
	return hj_file_server(t, (int)r, O_WRONLY | O_NONBLOCK);
}

/* One descriptor of what is sent. */
static long
replace(struct hj_thread *t, int *fd, struct hj_rights *rights)
{
	long r;

	if (hj_is_ours(*fd))
		return -EBADF;
	if (!hj_fd_iskernel(t, *fd))
		return 0;
	if (rights->r_n == HJ_NRIGHTS)
		return -EINVAL;
	r = represent(t, *fd);
	if (HJ_FAILED(r) || r == HJ_RESTART)
		return r;
	*fd = rights->r_fds[rights->r_n++] = (int)r;
	return 0;
}

/*
 * What comes along with a message, which says afterwards where that is.
 * hj_rights_sent follows in any case.
 */
long
hj_rights_send(
    struct hj_thread *t, struct msghdr *msg, struct hj_rights *rights)
{
	struct msghdr copy = *msg;
	struct rights ri;
	long r;

	if (msg->msg_control == NULL || msg->msg_controllen == 0)
		return 0;
	if (msg->msg_controllen > MOST)
		return -ENOBUFS;
	copy.msg_control = hj_map(msg->msg_controllen);
	if (copy.msg_control == NULL)
		return -ENOBUFS;
	rights->r_control = copy.msg_control;
	rights->r_size = msg->msg_controllen;
	if (hj_copyin(rights->r_control, (unsigned long)msg->msg_control,
		rights->r_size) != 0)
		return -EFAULT;
	hj_rights_begin(&ri, &copy);
	while ((r = hj_rights_next(&ri)) > 0) {
		r = replace(t, &ri.ri_fd, rights);
		if (r != 0)
			return r;
		memcpy((void *)ri.ri_where, &ri.ri_fd, sizeof(ri.ri_fd));
	}
	if (rights->r_n != 0)
		msg->msg_control = rights->r_control;
	return r;
}

/* The message is on its way with what was opened for it, or is not. */
void
hj_rights_sent(struct hj_rights *rights)
{
	for (uint32_t i = 0; i < rights->r_n; i++)
		hj_raw1(__NR_close, rights->r_fds[i]);
	if (rights->r_control != NULL)
		hj_unmap(rights->r_control, rights->r_size);
}

/* One that was received: is it the end of such a pipe? */
static void
take(struct hj_thread *t, int fd)
{
	struct statx st = {0};

	if (hj_raw5(__NR_statx, fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS,
		&st) == 0 &&
	    (st.stx_mode & S_IFMT) == S_IFIFO &&
	    (hj_raw2(__NR_fcntl, fd, F_GETFL) & O_ACCMODE) == O_WRONLY)
		hj_fd_received(t, fd, st.stx_ino);
}

/* What came along with a message. */
void
hj_rights_received(struct hj_thread *t, const struct msghdr *msg)
{
	struct rights ri;

	hj_rights_begin(&ri, msg);
	while (hj_rights_next(&ri) > 0)
		take(t, ri.ri_fd);
}
