/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of sockets, listening and connecting, datagrams.
 */
#include <signal.h>

#include "sockets.h"
#include "threads.h"

static int
sock(int type)
{
	return (int)T_OK(rump_sys_socket(AF_UNIX, type, 0));
}

TC(path, "a path is made, and is in use until it is removed")
{
	struct uname got;
	struct stat st;
	int a, b;

	boot();
	a = sock(SOCK_STREAM);
	b = sock(SOCK_STREAM);
	T_OK(rump_sys_umask(027));
	T_OK(sock_bind(a, "/name"));
	T_OK(rump_sys_stat("/name", &st));
	T_EQ(S_IFSOCK | 0750, st.st_mode);
	T_ERR(ENXIO, rump_sys_open("/name", O_RDWR));
	T_ERR(EADDRINUSE, sock_bind(b, "/name"));
	T_ERR(EINVAL, sock_bind(a, "/other"));
	T_ERR(ENOENT, rump_sys_stat("/other", &st));
	T_ERR(ENOENT, sock_bind(b, "/none/name"));
	got.len = sizeof(got.un);
	T_OK(rump_sys_getsockname(a, (void *)&got.un, &got.len));
	T_EQ(8, got.len);
	T_EQ(0, strcmp(got.un.sun_path, "/name"));
	got.len = sizeof(got.un);
	T_OK(rump_sys_getsockname(b, (void *)&got.un, &got.len));
	T_EQ(2, got.len);
	T_ERR(ENOTCONN, rump_sys_getpeername(b, (void *)&got.un, &got.len));
	T_OK(rump_sys_unlink("/name"));
	T_OK(sock_bind(b, "/name"));
}

TC(abstract, "an abstract name is there as long as its socket")
{
	struct uname got = {.len = sizeof(got.un)};
	int a, b, c;

	boot();
	a = sock(SOCK_DGRAM);
	b = sock(SOCK_DGRAM);
	c = sock(SOCK_STREAM);
	T_OK(sock_bind(a, "@x"));
	T_ERR(EADDRINUSE, sock_bind(b, "@x"));
	T_OK(sock_bind(c, "@x"));
	T_OK(sock_connect(b, "@x"));
	T_ERR(ECONNREFUSED, sock_connect(b, "@y"));
	T_OK(rump_sys_close(a));
	T_OK(sock_bind(b, "@x"));
	a = sock(SOCK_DGRAM);
	got.un.sun_family = AF_UNIX;
	T_OK(rump_sys_bind(a, (void *)&got.un, 2));
	T_OK(rump_sys_getsockname(a, (void *)&got.un, &got.len));
	T_EQ(8, got.len);
	T_EQ('\0', got.un.sun_path[0]);
	T_EQ(5, strspn(got.un.sun_path + 1, "0123456789abcdef"));
	T_OK(rump_sys_bind(a, (void *)&got.un, 2));
}

TC(refused, "who cannot be connected to")
{
	int a, b;

	boot();
	a = sock(SOCK_STREAM);
	b = sock(SOCK_STREAM);
	T_ERR(ENOENT, sock_connect(b, "/name"));
	T_OK(sock_bind(a, "/name"));
	T_ERR(ECONNREFUSED, sock_connect(b, "/name"));
	T_ERR(EINVAL, rump_sys_listen(b, 1));
	T_OK(rump_sys_listen(a, 1));
	T_ERR(EPROTOTYPE, sock_connect(sock(SOCK_DGRAM), "/name"));
	T_OK(sock_connect(b, "/name"));
	T_ERR(EISCONN, sock_connect(b, "/name"));
	T_ERR(EINVAL, sock_connect(a, "/name"));
	T_OK(rump_sys_close(a));
	T_ERR(ECONNREFUSED, sock_connect(sock(SOCK_STREAM), "/name"));
	T_OK(rump_sys_close(rump_sys_open("/file", O_CREAT | O_RDWR, 0600)));
	T_ERR(ECONNREFUSED, sock_connect(sock(SOCK_STREAM), "/file"));
	T_ERR(EOPNOTSUPP, rump_sys_listen(sock(SOCK_DGRAM), 1));
}

TC(accept, "who has connected is accepted, and can send before")
{
	struct uname got = {.len = sizeof(got.un)};
	struct ucred uc;
	socklen_t len = sizeof(uc);
	char buf[4];
	int a, b, c;

	boot();
	a = sock_listen(SOCK_STREAM, "/name", 0);
	T_EQ(1, sock_getopt(a, SO_ACCEPTCONN));
	T_EQ(0, sock_events(a));
	b = sock(SOCK_STREAM);
	T_OK(sock_connect(b, "/name"));
	T_EQ(POLLIN | POLLRDNORM, sock_events(a));
	T_EQ(2, rump_sys_write(b, "hi", 2));
	c = sock(SOCK_STREAM | SOCK_NONBLOCK);
	T_ERR(EAGAIN, sock_connect(c, "/name"));
	c = (int)T_OK(rump_sys_accept4(
	    a, (void *)&got.un, &got.len, SOCK_CLOEXEC | SOCK_NONBLOCK));
	T_EQ(2, got.len);
	T_EQ(FD_CLOEXEC, rump_sys_fcntl(c, F_GETFD));
	T_EQ(2, rump_sys_read(c, buf, sizeof(buf)));
	got.len = sizeof(got.un);
	T_OK(rump_sys_getpeername(b, (void *)&got.un, &got.len));
	T_EQ(0, strcmp(got.un.sun_path, "/name"));
	T_OK(rump_sys_getsockopt(c, SOL_SOCKET, SO_PEERCRED, &uc, &len));
	T_EQ(rump_sys_getpid(), uc.pid);
	T_EQ(0, uc.uid);
	T_OK(rump_sys_fcntl(a, F_SETFL, O_NONBLOCK));
	T_ERR(EAGAIN, rump_sys_accept(a, NULL, NULL));
	T_ERR(EINVAL, rump_sys_accept(b, NULL, NULL));
	T_ERR(EOPNOTSUPP, rump_sys_accept(sock(SOCK_DGRAM), NULL, NULL));
	T_ERR(EINVAL, rump_sys_accept4(a, NULL, NULL, 1));
	b = sock(SOCK_STREAM);
	T_OK(sock_connect(b, "/name"));
	T_OK(rump_sys_close(a));
	T_ERR(ECONNRESET, rump_sys_read(b, buf, 1));
}

static void
connect_later(struct thread *t)
{
	newlwp(t->t_id);
	host_msleep(20);
	T_OK(sock_connect(sock(SOCK_STREAM), "/name"));
	rump_pub_lwproc_releaselwp();
}

TC(waits, "accept waits for somebody, connect for room")
{
	struct thread t;
	sigset_t none;
	int a;

	boot();
	newproc(RUMP_RFCFDG);
	a = sock_listen(SOCK_STREAM, "/name", 0);
	thread_start(&t, (int)rump_sys_getpid(), connect_later, NULL);
	(void)T_OK(rump_sys_accept(a, NULL, NULL));
	thread_join(&t);
	T_OK(sock_connect(sock(SOCK_STREAM), "/name"));
	thread_start(&t, (int)rump_sys_getpid(), connect_later, NULL);
	host_msleep(60);
	(void)sigemptyset(&none);
	(void)T_OK(rump_sys_paccept(a, NULL, NULL, &none, 0));
	(void)T_OK(rump_sys_paccept(a, NULL, NULL, NULL, SOCK_CLOEXEC));
	thread_join(&t);
}

TC(permission, "to connect one must be allowed to write the name")
{
	int a;

	boot();
	a = sock_listen(SOCK_STREAM, "/name", 3);
	T_OK(rump_sys_chmod("/name", 0755));
	newproc(RUMP_RFCFDG);
	T_OK(rump_sys_setresuid(7, 7, 7));
	T_ERR(EACCES, sock_connect(sock(SOCK_STREAM), "/name"));
	T_ERR(EACCES, sock_bind(sock(SOCK_STREAM), "/mine"));
	rump_pub_lwproc_releaselwp();
	T_OK(rump_sys_chmod("/name", 0777));
	newproc(RUMP_RFCFDG);
	T_OK(rump_sys_setresuid(7, 7, 7));
	T_OK(sock_connect(sock(SOCK_STREAM), "/name"));
	rump_pub_lwproc_releaselwp();
	T_OK(rump_sys_close(a));
}

TC(mounts, "a name works through every mount that shows it")
{
	int a, b;

	boot();
	T_OK(rump_sys_mkdir("/a", 0755));
	T_OK(rump_sys_mkdir("/b", 0755));
	T_OK(rump_sys_mount("tmpfs", "/a", 0, NULL, 0));
	T_OK(rump_sys_mount("null", "/b", 0, (void *)(uintptr_t) "/a", 3));
	a = sock_listen(SOCK_STREAM, "/a/name", 3);
	b = sock(SOCK_STREAM);
	T_OK(sock_connect(b, "/b/name"));
	T_OK(rump_sys_unmount("/b", 0));
	T_ERR(EBUSY, rump_sys_unmount("/a", 0));
	T_OK(rump_sys_close(a));
	T_OK(rump_sys_close(b));
	T_OK(rump_sys_unmount("/a", 0));
}

TC(datagram, "datagrams keep their boundaries and say where they are from")
{
	struct uname from = {.len = sizeof(from.un)};
	char buf[8];
	int a, b, i;

	boot();
	a = sock(SOCK_DGRAM | SOCK_NONBLOCK);
	b = sock(SOCK_DGRAM | SOCK_NONBLOCK);
	T_ERR(ENOTCONN, rump_sys_write(a, "x", 1));
	T_OK(sock_bind(b, "@b"));
	T_EQ(5, sock_sendto(a, "@b", "hello"));
	T_OK(sock_bind(a, "@a"));
	T_EQ(0, sock_sendto(a, "@b", ""));
	T_EQ(3, sock_sendto(a, "@b", "abc"));
	T_EQ(5, rump_sys_recv(b, buf, 2, MSG_TRUNC | MSG_PEEK));
	T_EQ(2, rump_sys_recv(b, buf, 2, 0));
	T_EQ(0, rump_sys_recv(b, buf, 8, 0));
	T_EQ(3, rump_sys_recvfrom(b, buf, 8, 0, (void *)&from.un, &from.len));
	T_EQ(4, from.len);
	T_EQ('a', from.un.sun_path[1]);
	T_ERR(EAGAIN, rump_sys_recv(b, buf, 8, 0));
	for (i = 0; sock_sendto(a, "@b", "x") == 1; i++)
		continue;
	T_EQ(EAGAIN, errno);
	T_EQ(11, i);
	T_OK(sock_connect(a, "@b"));
	T_EQ(0, sock_events(a) & POLLOUT);
	T_EQ(1, rump_sys_recv(b, buf, 8, 0));
	T_EQ(POLLOUT, sock_events(a) & POLLOUT);
	T_OK(sock_connect(b, "@a"));
	T_ERR(EPERM, sock_sendto(sock(SOCK_DGRAM), "@b", "x"));
	T_OK(rump_sys_close(b));
	T_ERR(ECONNREFUSED, rump_sys_write(a, "x", 1));
	T_ERR(ENOTCONN, rump_sys_write(a, "x", 1));
}

TC(disconnect, "AF_UNSPEC takes a datagram's peer away")
{
	struct uname u;
	int sv[2];

	boot();
	T_OK(rump_sys_socketpair(AF_UNIX, SOCK_DGRAM, 0, sv));
	T_EQ(1, rump_sys_write(sv[1], "x", 1));
	(void)uname_make(&u, "@");
	u.un.sun_family = AF_UNSPEC;
	T_OK(rump_sys_connect(sv[0], (void *)&u.un, u.len));
	T_ERR(ENOTCONN, rump_sys_write(sv[0], "x", 1));
	T_ERR(ECONNRESET, rump_sys_write(sv[1], "x", 1));
	T_EQ(1, rump_sys_write(sv[1], "x", 1));
}

TC(packets, "SOCK_SEQPACKET: a connection of messages")
{
	struct mmsghdr mm[3] = {0};
	struct iovec iov[3];
	static char big[212992];
	char buf[3][8];
	int a, b, c, i;

	boot();
	a = sock_listen(SOCK_SEQPACKET, "/name", 3);
	b = sock(SOCK_SEQPACKET);
	T_ERR(ENOTCONN, rump_sys_write(b, "x", 1));
	T_ERR(ENOTCONN, rump_sys_read(b, buf, 1));
	T_OK(sock_connect(b, "/name"));
	c = (int)T_OK(rump_sys_accept(a, NULL, NULL));
	for (i = 0; i < 3; i++) {
		iov[i] = (struct iovec){buf[i], 2};
		mm[i].msg_hdr.msg_iov = &iov[i];
		mm[i].msg_hdr.msg_iovlen = 1;
		memset(buf[i], 'a' + i, 8);
	}
	T_EQ(3, rump_sys_sendmmsg(b, mm, 3, 0));
	T_EQ(2, mm[2].msg_len);
	iov[1].iov_len = 1;
	T_EQ(2, rump_sys_recvmmsg(c, mm, 2, 0, NULL));
	T_EQ(1, mm[1].msg_len);
	T_EQ(MSG_TRUNC, mm[1].msg_hdr.msg_flags);
	T_EQ(1, rump_sys_recvmmsg(c, mm, 3, MSG_WAITFORONE, NULL));
	T_EQ('c', buf[0][0]);
	T_OK(rump_sys_shutdown(b, SHUT_WR));
	T_EQ(0, rump_sys_read(c, buf, 8));
	T_ERR(EMSGSIZE, rump_sys_send(c, big, sizeof(big), MSG_DONTWAIT));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, path);
	ATF_TP_ADD_TC(tp, abstract);
	ATF_TP_ADD_TC(tp, refused);
	ATF_TP_ADD_TC(tp, accept);
	ATF_TP_ADD_TC(tp, waits);
	ATF_TP_ADD_TC(tp, permission);
	ATF_TP_ADD_TC(tp, mounts);
	ATF_TP_ADD_TC(tp, datagram);
	ATF_TP_ADD_TC(tp, disconnect);
	ATF_TP_ADD_TC(tp, packets);
	return atf_no_error();
}
