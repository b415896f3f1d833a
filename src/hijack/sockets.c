/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets are the host's.  Those of AF_UNIX have names in the kernel's tree:
 * the kernel keeps the file and says what the host's is called, in the folder
 * of the kernel's own socket; or the path leads to the host anyway.
 */
#include <linux/fcntl.h>
#include <linux/stat.h>

#include <asm/socket.h>
#include <linux/un.h>

#include "hijack/engine.h"
#include "hijack/socketmsg.h"

#define W_OK	2
#define AF_UNIX 1

struct name {
	struct sockaddr_un n_sun;
	long n_len;
	char n_path[sizeof(struct sockaddr_un)]; /* in the kernel; or "" */
};

/*
 * The name at an address as the host knows it: n_path is "" if that is what
 * the program said.  A negative errno.
 */
static long
name_get(struct hj_thread *t, unsigned long at, long len, struct name *n)
{
	size_t size = sizeof(n->n_sun.sun_path), plain;

	n->n_path[0] = '\0';
	n->n_len = len;
	if (at == 0 || len <= (long)offsetof(struct sockaddr_un, sun_path) ||
	    len > (long)sizeof(n->n_sun))
		return 0;
	memset(&n->n_sun, 0, sizeof(n->n_sun));
	if (hj_copyin(&n->n_sun, at, (size_t)len) != 0)
		return -EFAULT;
	if (n->n_sun.sun_family != AF_UNIX || n->n_sun.sun_path[0] == '\0' ||
	    (t->t_proc->p_hostcwd && n->n_sun.sun_path[0] != '/'))
		return 0;
	memcpy(n->n_path, n->n_sun.sun_path, size);
	n->n_path[size] = '\0';
	plain = hj_strlen(n->n_path);
	return plain > size ? -EINVAL : 0;
}

/* The host's path of a name in the kernel's tree into the address. */
static long
name_translate(struct hj_thread *t, struct name *n)
{
	char host[HJ_PATHMAX], full[HJ_PATHMAX + HJ_SERVER];
	long r = hj_path_onhost(t, AT_FDCWD, (unsigned long)n->n_path, 1, host);

	if (r != 0)
		return r == -EINVAL ? -ECONNREFUSED : r;
	hj_path_beside(host, full);
	if (hj_strlen(full) >= sizeof(n->n_sun.sun_path))
		return -ENAMETOOLONG;
	memset(n->n_sun.sun_path, 0, sizeof(n->n_sun.sun_path));
	hj_append(n->n_sun.sun_path, full);
	n->n_len = (long)(offsetof(struct sockaddr_un, sun_path) +
			  hj_strlen(full) + 1);
	return 0;
}

/* To whom something is sent. */
static long
name_find(struct hj_thread *t, unsigned long at, long len, struct name *n)
{
	const long words[6] = {(long)n->n_path, W_OK};
	long r;

	if (!hj_has_kernel() || hj_has_rules()) {
		n->n_path[0] = '\0';
		return 0;
	}
	r = name_get(t, at, len, n);
	if (r != 0 || n->n_path[0] == '\0')
		return r;
	r = hj_kernel(t, HJ_K_access, words);
	if (r != 0 && r != -EREMOTE)
		return r;
	return name_translate(t, n);
}

long
hj_sys_connect(struct hj_thread *t, const long *args)
{
	struct name n;
	long host[6] = {args[0], args[1], args[2]}, r;

	if (hj_is_ours(args[0]))
		return -EBADF;
	if (hj_fd_iskernel(t, (int)args[0]))
		return hj_ruled_named(t, HJ_K_connect, args, 1);
	r = name_find(t, (unsigned long)args[1], (int)args[2], &n);
	if (r != 0)
		return r;
	if (n.n_path[0] != '\0') {
		host[1] = (long)&n.n_sun;
		host[2] = n.n_len;
	}
	return hj_window(t, __NR_connect, host);
}

/* The kernel has the name now; the host's follows. */
static long
bind_host(struct hj_thread *t, long fd, struct name *n)
{
	const long path[6] = {(long)n->n_path};
	long r = name_translate(t, n);

	if (r == 0) {
		/* That of a file that had the kernel's number before. */
		hj_raw3(__NR_unlinkat, AT_FDCWD, n->n_sun.sun_path, 0);
		r = hj_raw3(__NR_bind, fd, &n->n_sun, n->n_len);
	}
	if (r == 0)
		hj_raw3(__NR_fchmodat, AT_FDCWD, n->n_sun.sun_path, 0777);
	else
		hj_kernel(t, HJ_K_unlink, path);
	return r;
}

long
hj_sys_bind(struct hj_thread *t, const long *args)
{
	struct name n;
	long words[6] = {(long)n.n_path, S_IFSOCK | 0777, 0}, r;

	if (hj_is_ours(args[0]))
		return -EBADF;
	if (hj_fd_iskernel(t, (int)args[0]))
		return hj_ruled_named(t, HJ_K_bind, args, 1);
	if (!hj_has_kernel() || hj_has_rules())
		return hj_window(t, __NR_bind, args);
	r = name_get(t, (unsigned long)args[1], (int)args[2], &n);
	if (r != 0)
		return r;
	if (n.n_path[0] == '\0')
		return hj_window(t, __NR_bind, args);
	r = hj_kernel(t, HJ_K_mknod, words);
	if (r == -EEXIST)
		return -EADDRINUSE;
	if (r != -EREMOTE)
		return r != 0 ? r : bind_host(t, args[0], &n);
	r = name_translate(t, &n);
	if (r != 0)
		return r;
	return hj_raw3(__NR_bind, args[0], &n.n_sun, n.n_len);
}

long
hj_sys_sendto(struct hj_thread *t, const long *args)
{
	struct name n;
	long host[6], r;

	if (hj_is_ours(args[0]))
		return -EBADF;
	if (hj_fd_iskernel(t, (int)args[0]))
		return hj_ruled_named(t, HJ_K_sendto, args, 4);
	memcpy(host, args, sizeof(host));
	r = name_find(t, (unsigned long)args[4], (int)args[5], &n);
	if (r != 0)
		return r;
	if (n.n_path[0] != '\0') {
		host[4] = (long)&n.n_sun;
		host[5] = n.n_len;
	}
	return hj_window(t, __NR_sendto, host);
}

/* A message on its way to the host: its name, and what comes along. */
static long
message_get(struct hj_thread *t, unsigned long at, struct msghdr *msg,
    struct name *n, struct hj_rights *rights)
{
	long r;

	n->n_path[0] = '\0';
	rights->r_control = NULL;
	rights->r_n = 0;
	if (hj_copyin(msg, at, sizeof(*msg)) != 0)
		return -EFAULT;
	r = name_find(
	    t, (unsigned long)msg->msg_name, (long)msg->msg_namelen, n);
	if (r == 0)
		r = hj_rights_send(t, msg, rights);
	if (n->n_path[0] != '\0') {
		msg->msg_name = &n->n_sun;
		msg->msg_namelen = (int)n->n_len;
	}
	return r;
}

long
hj_sys_sendmsg(struct hj_thread *t, const long *args)
{
	struct hj_rights rights;
	struct msghdr msg;
	struct name n;
	const long host[6] = {args[0], (long)&msg, args[2]};
	long r;

	if (hj_is_ours(args[0]))
		return -EBADF;
	if (!hj_has_kernel())
		return hj_window(t, __NR_sendmsg, args);
	if (hj_fd_iskernel(t, (int)args[0]))
		return hj_copyin(&msg, (unsigned long)args[1], sizeof(msg)) != 0
			   ? -EFAULT
			   : hj_ruled_sendmsg(t, args[0], &msg, args[2]);
	r = message_get(t, (unsigned long)args[1], &msg, &n, &rights);
	if (r == 0)
		r = hj_window(t, __NR_sendmsg, host);
	hj_rights_sent(&rights);
	return r;
}

/* One of them: as many as could be sent at once. */
long
hj_sys_sendmmsg(struct hj_thread *t, const long *args)
{
	struct mmsghdr one = {0};
	struct hj_rights rights;
	struct name n;
	const long host[6] = {args[0], (long)&one, 1, args[3]};
	long r;

	if (hj_is_ours(args[0]))
		return -EBADF;
	if (!hj_has_kernel() || (unsigned int)args[2] == 0)
		return hj_window(t, __NR_sendmmsg, args);
	if (hj_fd_iskernel(t, (int)args[0])) {
		if (hj_copyin(&one, (unsigned long)args[1], sizeof(one)) != 0)
			return -EFAULT;
		r = hj_ruled_sendmsg(t, args[0], &one.msg_hdr, args[3]);
		one.msg_len = (unsigned int)r;
		r = r < 0 ? r : 1;
	} else {
		r = message_get(
		    t, (unsigned long)args[1], &one.msg_hdr, &n, &rights);
		if (r == 0)
			r = hj_window(t, __NR_sendmmsg, host);
		hj_rights_sent(&rights);
	}
	if (r == 1 && hj_copyout((unsigned long)args[1] + sizeof(struct msghdr),
			  &one.msg_len, sizeof(one.msg_len)) != 0)
		r = -EFAULT;
	return r;
}
