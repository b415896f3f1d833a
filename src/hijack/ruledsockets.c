/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets of the kernel: by the rules those of some families.  Calls on them
 * that say nothing of names and descriptors are in hostcalls.conf.  Names of
 * AF_UNIX are names of the kernel, as seen by the rules or as they are there.
 */
#include <linux/fcntl.h>
#include <linux/un.h>

#include "hijack/engine.h"
#include "hijack/socketmsg.h"

#define SOCK_CLOEXEC	 O_CLOEXEC
#define MSG_CMSG_CLOEXEC 0x40000000

/* Whether those of a family are the kernel's. */
static int
is_ruled(long family)
{
	if (!hj_has_rules())
		return 0;
	/* Beyond those that there are, all says of what is asked for, too. */
	family = HJ_MIN((unsigned long)(int)family, 63UL);
	return (hj_control->hc_rules.hr_sockets >> family & 1) != 0;
}

static int
how_to_make(long type)
{
	return HJ_MAKE | ((type & SOCK_CLOEXEC) != 0 ? HJ_CLOEXEC : 0);
}

long
hj_sys_socket(struct hj_thread *t, const long *args)
{
	if (!is_ruled(args[0]))
		return hj_window(t, __NR_socket, args);
	t->t_bykernel = 1;
	return hj_fd_make(t, HJ_K_socket, args, how_to_make(args[1]));
}

/* Both get the numbers that the host has. */
long
hj_sys_socketpair(struct hj_thread *t, const long *args)
{
	int fds[2];
	const long words[6] = {args[0], args[1], args[2], (long)fds};
	long r, one, two;

	if (!is_ruled(args[0]))
		return hj_window(t, __NR_socketpair, args);
	t->t_bykernel = 1;
	r = hj_kernel(t, HJ_K_socketpair, words);
	if (r != 0)
		return r;
	one = hj_fd_adopt(t, fds[0], how_to_make(args[1]));
	two = hj_fd_adopt(t, fds[1], how_to_make(args[1]));
	if (one >= 0 && two >= 0) {
		fds[0] = (int)one;
		fds[1] = (int)two;
		if (hj_copyout((unsigned long)args[3], fds, sizeof(fds)) == 0)
			return 0;
		r = -EFAULT;
	}
	if (one >= 0)
		hj_fd_close(t, (int)one);
	if (two >= 0)
		hj_fd_close(t, (int)two);
	return r != 0 ? r : HJ_MIN(one, two);
}

long
hj_sys_accept4(struct hj_thread *t, const long *args)
{
	const long words[6] = {(int)args[0], args[1], args[2], (int)args[3]};

	if (hj_is_ours(args[0]))
		return -EBADF;
	if (!hj_fd_iskernel(t, (int)args[0]))
		return hj_window(t, __NR_accept4, args);
	t->t_bykernel = 1;
	return hj_fd_make(t, HJ_K_accept4, words, how_to_make(args[3]));
}

long
hj_sys_accept(struct hj_thread *t, const long *args)
{
	const long words[6] = {args[0], args[1], args[2]};

	if (!hj_is_ours(args[0]) && !hj_fd_iskernel(t, (int)args[0]))
		return hj_window(t, __NR_accept, args);
	return hj_sys_accept4(t, words);
}

/*
 * Names
 */

/* An address for the kernel; *at is where it is. */
static long
name_get(struct hj_thread *t, struct ruled_name *n, long *at, long *len)
{
	const size_t begin = offsetof(struct sockaddr_un, sun_path);
	char path[sizeof(struct sockaddr_un) + 1] = "", found[HJ_PATHMAX];
	long r;

	if (*at == 0 || *len <= (long)begin || *len > (long)sizeof(n->rn_sun))
		return 0;
	memset(&n->rn_sun, 0, sizeof(n->rn_sun));
	if (hj_copyin(&n->rn_sun, (unsigned long)*at, (size_t)*len) != 0)
		return -EFAULT;
	memcpy(path, n->rn_sun.sun_path, sizeof(n->rn_sun.sun_path));
	if (n->rn_sun.sun_family != 1 /* AF_UNIX */ || path[0] != '/')
		return 0;
	r = hj_rules_find(t, AT_FDCWD, (unsigned long)path, 1, found);
	if (r != HJ_KERNEL_PATH)
		return r < 0 ? r : 0;
	if (hj_strlen(found) >= sizeof(n->rn_sun.sun_path))
		return -ENAMETOOLONG;
	hj_append(n->rn_sun.sun_path, found);
	*at = (long)&n->rn_sun;
	*len = (long)(begin + hj_strlen(found) + 1);
	return 0;
}

/* A call whose argument at is a name, of len bytes in the next one. */
long
hj_ruled_named(struct hj_thread *t, int kernel, const long *args, int at)
{
	struct ruled_name n;
	long words[HJ_NARGS], r;

	memcpy(words, args, sizeof(words));
	words[0] = (int)args[0];
	words[at + 1] = (int)args[at + 1];
	t->t_bykernel = 1;
	r = name_get(t, &n, &words[at], &words[at + 1]);
	return r != 0 ? r : hj_kernel(t, kernel, words);
}

/*
 * Messages
 */

long
hj_ruled_sendmsg(struct hj_thread *t, long fd, struct msghdr *msg, long flags)
{
	struct ruled_name n;
	long at = (long)msg->msg_name, len = msg->msg_namelen;
	const long words[6] = {(int)fd, (long)msg, flags};
	long r = name_get(t, &n, &at, &len);

	if (r == 0)
		r = hj_rights_check(t, msg);
	if (r != 0)
		return r;
	msg->msg_name = (void *)at;
	msg->msg_namelen = (int)len;
	t->t_bykernel = 1;
	return hj_kernel(t, HJ_K_sendmsg, words);
}

/* Descriptors that came along get numbers that the host has, too. */
static long
rights_adopt(struct hj_thread *t, unsigned long at, int how)
{
	struct msghdr msg;
	struct rights ri;
	long r;

	if (hj_copyin(&msg, at, sizeof(msg)) != 0)
		return -EFAULT;
	hj_rights_begin(&ri, &msg);
	while ((r = hj_rights_next(&ri)) > 0) {
		long fd = hj_fd_adopt(t, ri.ri_fd, how);

		if (fd < 0)
			return fd;
		ri.ri_fd = (int)fd;
		if (hj_copyout(ri.ri_where, &ri.ri_fd, sizeof(ri.ri_fd)) != 0)
			return -EFAULT;
	}
	return r;
}

/* Some of those that the host has let through may be the kernel's. */
static void
rights_take(struct hj_thread *t, unsigned long at)
{
	struct msghdr msg;

	if (hj_has_kernel() && hj_copyin(&msg, at, sizeof(msg)) == 0)
		hj_rights_received(t, &msg);
}

long
hj_sys_recvmsg(struct hj_thread *t, const long *args)
{
	const long words[6] = {(int)args[0], args[1], (int)args[2]};
	int how = (args[2] & MSG_CMSG_CLOEXEC) != 0 ? HJ_CLOEXEC : 0;
	long n, r;

	if (hj_is_ours(args[0]))
		return -EBADF;
	if (!hj_fd_iskernel(t, (int)args[0])) {
		n = hj_window(t, __NR_recvmsg, args);
		if (n >= 0)
			rights_take(t, (unsigned long)args[1]);
		return n;
	}
	t->t_bykernel = 1;
	n = hj_kernel(t, HJ_K_recvmsg, words);
	if (n < 0)
		return n;
	r = rights_adopt(t, (unsigned long)args[1], how);
	return r != 0 ? r : n;
}

long
hj_sys_recvmmsg(struct hj_thread *t, const long *args)
{
	const long words[6] = {(int)args[0], args[1], (unsigned int)args[2],
	    (int)args[3], args[4]};
	int how = (args[3] & MSG_CMSG_CLOEXEC) != 0 ? HJ_CLOEXEC : 0;
	long n, r = 0;

	if (hj_is_ours(args[0]))
		return -EBADF;
	if (!hj_fd_iskernel(t, (int)args[0])) {
		n = hj_window(t, __NR_recvmmsg, args);
		for (long i = 0; i < n; i++)
			rights_take(
			    t, (unsigned long)args[1] +
				   (unsigned long)i * sizeof(struct mmsghdr));
		return n;
	}
	t->t_bykernel = 1;
	n = hj_kernel(t, HJ_K_recvmmsg, words);
	for (long i = 0; i < n && r == 0; i++)
		r = rights_adopt(t,
		    (unsigned long)args[1] +
			(unsigned long)i * sizeof(struct mmsghdr),
		    how);
	return r != 0 ? r : n;
}
