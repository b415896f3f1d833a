/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets: making them, streams, and what they are as files.
 */
#include <sys/ioctl.h>
#include <sys/statvfs.h>

#include <linux/sockios.h>
#include <signal.h>

#include "sockets.h"
#include "threads.h"

static int sv[2];

static void
pair(int type)
{
	T_OK(rump_sys_socketpair(AF_UNIX, type, 0, sv));
}

TC(make, "which sockets there are")
{
	boot();
	T_ERR(EAFNOSUPPORT, rump_sys_socket(AF_INET, SOCK_STREAM, 0));
	T_ERR(EAFNOSUPPORT, rump_sys_socket(9999, SOCK_STREAM, 0));
	T_ERR(EINVAL, rump_sys_socket(AF_UNIX, 15, 0));
	T_ERR(EINVAL, rump_sys_socket(AF_UNIX, SOCK_STREAM | 0x100000, 0));
	T_ERR(ESOCKTNOSUPPORT, rump_sys_socket(AF_UNIX, SOCK_RDM, 0));
	T_ERR(EPROTONOSUPPORT, rump_sys_socket(AF_UNIX, SOCK_STREAM, 2));
	sv[0] = (int)T_OK(rump_sys_socket(
	    AF_UNIX, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
	T_EQ(SOCK_DGRAM, sock_getopt(sv[0], SO_TYPE));
	T_EQ(AF_UNIX, sock_getopt(sv[0], SO_DOMAIN));
	T_EQ(FD_CLOEXEC, rump_sys_fcntl(sv[0], F_GETFD));
	T_EQ(O_RDWR | O_NONBLOCK, rump_sys_fcntl(sv[0], F_GETFL));
	T_ERR(EBADF, rump_sys_listen(99, 1));
	T_ERR(ENOTSOCK, rump_sys_listen(0, 1));
	T_ERR(EFAULT,
	    rump_sys_socketpair(AF_UNIX, SOCK_STREAM, 0, (int *)(intptr_t)8));
}

TC(stream, "bytes go both ways and have no boundaries")
{
	char buf[16];

	boot();
	pair(SOCK_STREAM);
	T_EQ(3, rump_sys_write(sv[0], "abc", 3));
	T_EQ(3, rump_sys_send(sv[0], "def", 3, 0));
	T_EQ(2, rump_sys_read(sv[1], buf, 2));
	T_EQ(4, rump_sys_recv(sv[1], buf, sizeof(buf), 0));
	T_ASSERT(memcmp(buf, "cdef", 4) == 0);
	T_EQ(1, rump_sys_write(sv[1], "x", 1));
	T_EQ(1, rump_sys_recv(sv[0], buf, sizeof(buf), MSG_PEEK));
	T_EQ(1, rump_sys_read(sv[0], buf, sizeof(buf)));
	T_EQ('x', buf[0]);
	T_ERR(EAGAIN, rump_sys_recv(sv[0], buf, 1, MSG_DONTWAIT));
	T_EQ(0, rump_sys_read(sv[0], buf, 0));
}

static void
send_all(struct thread *t)
{
	newlwp(t->t_id);
	T_EQ(1 << 20, rump_sys_write(sv[0], t->t_arg, 1 << 20));
	rump_pub_lwproc_releaselwp();
}

TC(large, "more than fits is sent while it is read")
{
	static char big[1 << 20], got[1 << 20];
	struct thread t;
	size_t n = 0, i;

	boot();
	newproc(RUMP_RFCFDG);
	pair(SOCK_STREAM);
	for (i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 7 + i / 4096);
	thread_start(&t, (int)rump_sys_getpid(), send_all, big);
	while (n < sizeof(got))
		n += (size_t)T_OK(
		    rump_sys_read(sv[1], got + n, sizeof(got) - n));
	thread_join(&t);
	T_ASSERT(memcmp(big, got, sizeof(big)) == 0);
}

TC(half, "shutdown closes one way")
{
	char c;

	boot();
	rump_boot_setsigmodel(RUMP_SIGMODEL_IGNORE);
	pair(SOCK_STREAM);
	T_EQ(POLLOUT | POLLWRNORM | POLLWRBAND, sock_events(sv[0]));
	T_EQ(1, rump_sys_write(sv[0], "a", 1));
	T_OK(rump_sys_shutdown(sv[0], SHUT_WR));
	T_EQ(
	    POLLIN | POLLRDNORM | POLLRDHUP | POLLOUT | POLLWRNORM | POLLWRBAND,
	    sock_events(sv[1]));
	T_ERR(EPIPE, rump_sys_send(sv[0], "b", 1, MSG_NOSIGNAL));
	T_EQ(1, rump_sys_read(sv[1], &c, 1));
	T_EQ(0, rump_sys_read(sv[1], &c, 1));
	T_EQ(1, rump_sys_write(sv[1], "c", 1));
	T_EQ(1, rump_sys_read(sv[0], &c, 1));
	T_OK(rump_sys_shutdown(sv[1], SHUT_RDWR));
	T_ASSERT((sock_events(sv[0]) & POLLHUP) != 0);
	T_ERR(EINVAL, rump_sys_shutdown(sv[0], 3));
}

TC(reset, "an end that is closed with unread data resets the other")
{
	char c;

	boot();
	pair(SOCK_STREAM);
	T_EQ(1, rump_sys_write(sv[0], "a", 1));
	T_OK(rump_sys_close(sv[1]));
	T_ASSERT(
	    (sock_events(sv[0]) & (POLLERR | POLLHUP)) == (POLLERR | POLLHUP));
	T_ERR(EPIPE, rump_sys_send(sv[0], "b", 1, MSG_NOSIGNAL));
	T_ERR(ECONNRESET, rump_sys_read(sv[0], &c, 1));
	T_EQ(0, rump_sys_read(sv[0], &c, 1));
}

static int pipes;

static void
on_pipe(int sig)
{
	(void)sig;
	pipes++;
}

TC(sigpipe, "a stream without a reader posts SIGPIPE, unless told not to")
{
	struct sigaction sa = {.sa_handler = on_pipe};

	boot();
	newproc(RUMP_RFCFDG);
	T_OK(rump_sys_sigaction(SIGPIPE, &sa, NULL));
	pair(SOCK_STREAM);
	T_OK(rump_sys_close(sv[1]));
	T_ERR(EPIPE, rump_sys_write(sv[0], "a", 1));
	T_EQ(1, pipes);
	T_ERR(EPIPE, rump_sys_send(sv[0], "a", 1, 0));
	T_EQ(2, pipes);
	T_ERR(EPIPE, rump_sys_send(sv[0], "a", 1, MSG_NOSIGNAL));
	T_EQ(2, pipes);
	pair(SOCK_SEQPACKET);
	T_OK(rump_sys_close(sv[1]));
	T_ERR(EPIPE, rump_sys_write(sv[0], "a", 1));
	T_EQ(2, pipes);
}

TC(limits, "as much is on its way as the host lets be")
{
	int n = 0, val = 0;

	boot();
	pair(SOCK_STREAM | SOCK_NONBLOCK);
	while (rump_sys_write(sv[0], "a", 1) == 1)
		n++;
	T_EQ(EAGAIN, errno);
	T_EQ(278, n);
	T_OK(rump_sys_ioctl(sv[0], SIOCOUTQ, &val));
	T_EQ(278 * 768, val);
	T_OK(rump_sys_ioctl(sv[1], FIONREAD, &val));
	T_EQ(278, val);
	T_EQ(0, sock_events(sv[0]));
	T_OK(sock_setopt(sv[0], SO_SNDBUF, 500000));
	T_EQ(1000000, sock_getopt(sv[0], SO_SNDBUF));
	T_EQ(1, rump_sys_write(sv[0], "a", 1));
	T_OK(sock_setopt(sv[0], SO_SNDBUF, 0));
	T_EQ(4608, sock_getopt(sv[0], SO_SNDBUF));
	T_ERR(EAGAIN, rump_sys_write(sv[0], "a", 1));
}

TC(timeouts, "SO_RCVTIMEO and SO_SNDTIMEO end a wait")
{
	struct timeval tv = {0, 20000}, got;
	socklen_t len = sizeof(got);
	static char buf[1 << 20];
	char c;

	boot();
	pair(SOCK_STREAM);
	T_OK(rump_sys_setsockopt(
	    sv[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	T_OK(rump_sys_setsockopt(
	    sv[0], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)));
	T_OK(rump_sys_getsockopt(sv[0], SOL_SOCKET, SO_RCVTIMEO, &got, &len));
	T_EQ(20000, got.tv_usec);
	T_ERR(EAGAIN, rump_sys_read(sv[0], &c, 1));
	T_ASSERT(
	    rump_sys_write(sv[0], buf, sizeof(buf)) < (ssize_t)sizeof(buf));
	T_ERR(EAGAIN, rump_sys_write(sv[0], buf, 1));
	tv.tv_usec = 1000000;
	T_ERR(EDOM, rump_sys_setsockopt(
			sv[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
}

TC(waitall, "MSG_WAITALL and SO_RCVLOWAT wait for more than a byte")
{
	char buf[8];

	boot();
	pair(SOCK_STREAM);
	T_EQ(3, rump_sys_write(sv[0], "abc", 3));
	T_OK(rump_sys_shutdown(sv[0], SHUT_WR));
	T_EQ(3, rump_sys_recv(sv[1], buf, 8, MSG_WAITALL));
	pair(SOCK_STREAM | SOCK_NONBLOCK);
	T_OK(sock_setopt(sv[1], SO_RCVLOWAT, 4));
	T_EQ(3, rump_sys_write(sv[0], "abc", 3));
	T_EQ(3, rump_sys_read(sv[1], buf, 8));
}

TC(peekoff, "SO_PEEK_OFF peeks further each time")
{
	char buf[8];

	boot();
	pair(SOCK_STREAM);
	T_EQ(-1, sock_getopt(sv[1], SO_PEEK_OFF));
	T_OK(sock_setopt(sv[1], SO_PEEK_OFF, 0));
	T_EQ(6, rump_sys_write(sv[0], "abcdef", 6));
	T_EQ(2, rump_sys_recv(sv[1], buf, 2, MSG_PEEK));
	T_EQ(2, rump_sys_recv(sv[1], buf, 2, MSG_PEEK));
	T_ASSERT(memcmp(buf, "cd", 2) == 0);
	T_EQ(1, rump_sys_read(sv[1], buf, 1));
	T_EQ(3, sock_getopt(sv[1], SO_PEEK_OFF));
	T_EQ(2, rump_sys_recv(sv[1], buf, 8, MSG_PEEK));
	T_ASSERT(memcmp(buf, "ef", 2) == 0);
}

TC(file, "a socket is a file, but has no position")
{
	struct statvfs sv_fs;
	struct stat st;
	char buf[4], path[64], link[64];
	ssize_t n;

	boot();
	pair(SOCK_STREAM);
	T_OK(rump_sys_fstat(sv[0], &st));
	T_ASSERT(S_ISSOCK(st.st_mode));
	T_OK(rump_sys_fstatvfs(sv[0], &sv_fs));
	T_EQ(4096, sv_fs.f_bsize);
	T_EQ(255, sv_fs.f_namemax);
	T_ERR(ESPIPE, rump_sys_lseek(sv[0], 0, SEEK_SET));
	T_ERR(ESPIPE, rump_sys_pread(sv[0], buf, 1, 0));
	T_ERR(EINVAL, rump_sys_ftruncate(sv[0], 0));
	T_ERR(ENOTTY, rump_sys_ioctl(sv[0], 0x5413, buf));
	T_OK(rump_sys_mkdir("/proc", 0755));
	T_OK(rump_sys_mount("procfs", "/proc", 0, NULL, 0));
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", sv[0]);
	n = T_OK(rump_sys_readlink(path, link, sizeof(link) - 1));
	link[n] = '\0';
	(void)snprintf(
	    path, sizeof(path), "socket:[%ju]", (uintmax_t)st.st_ino);
	T_EQ(0, strcmp(path, link));
}

TC(splice, "splice and sendfile to and from sockets")
{
	int in[2], out[2], fd;
	off_t off = 0;
	char buf[8];

	boot();
	pair(SOCK_STREAM);
	T_OK(rump_sys_pipe(in));
	T_OK(rump_sys_pipe(out));
	T_EQ(5, rump_sys_write(in[1], "hello", 5));
	T_EQ(3, rump_sys_splice(in[0], NULL, sv[0], NULL, 3, 0));
	T_EQ(2, rump_sys_splice(in[0], NULL, sv[0], NULL, 9, 0));
	T_EQ(4, rump_sys_splice(sv[1], NULL, out[1], NULL, 4, 0));
	T_EQ(4, rump_sys_read(out[0], buf, 8));
	T_ASSERT(memcmp(buf, "hell", 4) == 0);
	T_ERR(EINVAL, rump_sys_splice(sv[1], &off, out[1], NULL, 4, 0));
	T_EQ(1, rump_sys_splice(sv[1], NULL, out[1], NULL, 4, 0));
	T_OK(rump_sys_fcntl(sv[1], F_SETFL, O_NONBLOCK));
	T_ERR(EAGAIN, rump_sys_splice(sv[1], NULL, out[1], NULL, 4, 0));
	fd = (int)T_OK(rump_sys_open("/file", O_CREAT | O_RDWR, 0600));
	T_EQ(6, rump_sys_write(fd, "abcdef", 6));
	T_EQ(6, rump_sys_sendfile(sv[0], fd, &off, 10));
	T_EQ(6, rump_sys_read(sv[1], buf, 8));
	T_EQ(6, off);
}

TC(netunix, "/proc/net/unix has a line for each socket")
{
	char buf[4096], want[64];
	struct stat st;
	ssize_t n;
	int fd, listener;

	boot();
	T_OK(rump_sys_mkdir("/proc", 0755));
	T_OK(rump_sys_mount("procfs", "/proc", 0, NULL, 0));
	listener = sock_listen(SOCK_STREAM, "/server", 3);
	T_OK(rump_sys_fstat(listener, &st));
	fd = (int)T_OK(rump_sys_socket(AF_UNIX, SOCK_DGRAM, 0));
	T_OK(sock_bind(fd, "@abstract"));
	fd = (int)T_OK(rump_sys_open("/proc/net/unix", O_RDONLY));
	n = T_OK(rump_sys_read(fd, buf, sizeof(buf) - 1));
	buf[n] = '\0';
	T_ASSERT(
	    strncmp(buf,
		"Num       RefCount Protocol Flags    Type St Inode Path\n",
		56) == 0);
	(void)snprintf(want, sizeof(want), "00010000 0001 01 %5ju /server\n",
	    (uintmax_t)st.st_ino);
	T_ASSERT(strstr(buf, want) != NULL);
	T_ASSERT(strstr(buf, " 0002 01 ") != NULL);
	T_ASSERT(strstr(buf, " @abstract\n") != NULL);
}

static void
read_a_byte(struct thread *t)
{
	char c = 0;

	newlwp(t->t_id);
	thread_sleeps(t);
	T_EQ(1, rump_sys_read(sv[1], &c, 1));
	T_EQ('z', c);
	rump_pub_lwproc_releaselwp();
}

TC(wakes, "a reader that waits is woken by a byte")
{
	struct thread t;

	boot();
	newproc(RUMP_RFCFDG);
	pair(SOCK_STREAM);
	thread_start(&t, (int)rump_sys_getpid(), read_a_byte, NULL);
	thread_await_asleep(&t);
	T_EQ(1, rump_sys_write(sv[0], "z", 1));
	thread_join(&t);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, make);
	ATF_TP_ADD_TC(tp, stream);
	ATF_TP_ADD_TC(tp, large);
	ATF_TP_ADD_TC(tp, half);
	ATF_TP_ADD_TC(tp, reset);
	ATF_TP_ADD_TC(tp, sigpipe);
	ATF_TP_ADD_TC(tp, limits);
	ATF_TP_ADD_TC(tp, timeouts);
	ATF_TP_ADD_TC(tp, waitall);
	ATF_TP_ADD_TC(tp, peekoff);
	ATF_TP_ADD_TC(tp, file);
	ATF_TP_ADD_TC(tp, splice);
	ATF_TP_ADD_TC(tp, netunix);
	ATF_TP_ADD_TC(tp, wakes);
	return atf_no_error();
}
