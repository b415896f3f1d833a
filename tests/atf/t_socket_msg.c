/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What comes along with messages: descriptors and credentials; sockets that are
 * lost in messages.
 */
#include "sockets.h"
#include "threads.h"

static int sv[2], fds[16], nfds, flags;
static char buf[64];

static void
pair(int type)
{
	T_OK(rump_sys_socketpair(AF_UNIX, type, 0, sv));
}

static uint64_t
files(void)
{
	struct rump_memstat st;

	T_EQ(0, rump_pub_memstat(&st));
	return st.files;
}

TC(rights, "a descriptor comes with the data that it was sent with")
{
	int p[2], more[2];

	boot();
	T_OK(rump_sys_pipe(p));
	pair(SOCK_STREAM);
	T_EQ(1, rump_sys_write(sv[0], "a", 1));
	T_EQ(1, sock_sendfds(sv[0], "b", p, 2));
	T_EQ(1, rump_sys_write(sv[0], "c", 1));
	T_EQ(2, sock_recvfds(sv[1], buf, 64, 0, fds, &nfds, &flags));
	T_ASSERT(memcmp(buf, "ab", 2) == 0);
	T_EQ(2, nfds);
	T_EQ(0, flags);
	T_EQ(1, rump_sys_write(fds[1], "x", 1));
	T_EQ(1, rump_sys_read(p[0], buf, 1));
	T_EQ(0, rump_sys_fcntl(fds[0], F_GETFD));
	T_EQ(1, sock_recvfds(sv[1], buf, 64, 0, fds, &nfds, &flags));
	T_EQ(0, nfds);
	more[0] = p[0];
	more[1] = 99;
	T_ERR(EBADF, sock_sendfds(sv[0], "b", more, 2));
	T_EQ(1, sock_sendfds(sv[0], "b", p, 1));
	T_EQ(1, sock_recvfds(sv[1], buf, 64, MSG_PEEK, fds, &nfds, &flags));
	T_EQ(1, nfds);
	T_EQ(1,
	    sock_recvfds(sv[1], buf, 64, MSG_CMSG_CLOEXEC, fds, &nfds, &flags));
	T_EQ(1, nfds);
	T_EQ(FD_CLOEXEC, rump_sys_fcntl(fds[0], F_GETFD));
}

TC(truncated, "descriptors that there is no room for are closed")
{
	uint64_t before;
	int p[2], many[2];

	boot();
	T_OK(rump_sys_pipe(p));
	pair(SOCK_DGRAM);
	many[0] = many[1] = p[0];
	T_EQ(1, sock_sendfds(sv[0], "b", many, 2));
	before = files();
	T_EQ(1, rump_sys_read(sv[1], buf, 64));
	T_EQ(before, files());
	T_EQ(1, sock_sendfds(sv[0], "b", p, 2));
	T_OK(rump_sys_close(p[0]));
	T_OK(rump_sys_close(p[1]));
	T_EQ(before, files());
	T_EQ(1, rump_sys_recvmsg(sv[1],
		    &(struct msghdr){
			.msg_iov = &(struct iovec){buf, 64}, .msg_iovlen = 1},
		    0));
	T_EQ(before - 2, files());
	T_OK(rump_sys_close(sv[0]));
	T_OK(rump_sys_close(sv[1]));
	T_EQ(before - 4, files());
}

TC(ctrunc, "MSG_CTRUNC says that not all has come")
{
	char control[CMSG_SPACE(sizeof(int))] __attribute__((aligned(16)));
	struct iovec iov = {buf, sizeof(buf)};
	struct msghdr mh = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control,
	    .msg_controllen = CMSG_LEN(sizeof(int))};
	int p[2];

	boot();
	T_OK(rump_sys_pipe(p));
	pair(SOCK_SEQPACKET);
	T_EQ(1, sock_sendfds(sv[0], "b", p, 2));
	T_EQ(1, rump_sys_recvmsg(sv[1], &mh, 0));
	T_EQ(MSG_CTRUNC, mh.msg_flags);
	T_EQ(CMSG_LEN(sizeof(int)), mh.msg_controllen);
	T_EQ(CMSG_LEN(sizeof(int)), CMSG_FIRSTHDR(&mh)->cmsg_len);
}

static int
send_as(struct ucred *uc)
{
	char control[CMSG_SPACE(sizeof(*uc))] __attribute__((aligned(16)));
	struct iovec iov = {buf, 1};
	struct msghdr mh = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control,
	    .msg_controllen = sizeof(control)};
	struct cmsghdr *cm = CMSG_FIRSTHDR(&mh);

	memset(control, 0, sizeof(control));
	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_CREDENTIALS;
	cm->cmsg_len = CMSG_LEN(sizeof(*uc));
	memcpy(CMSG_DATA(cm), uc, sizeof(*uc));
	return (int)rump_sys_sendmsg(sv[0], &mh, 0);
}

static struct ucred
receive_cred(void)
{
	char control[CMSG_SPACE(sizeof(struct ucred))]
	    __attribute__((aligned(16)));
	struct iovec iov = {buf, sizeof(buf)};
	struct msghdr mh = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control,
	    .msg_controllen = sizeof(control)};
	struct ucred uc;

	T_EQ(1, rump_sys_recvmsg(sv[1], &mh, 0));
	T_EQ(sizeof(control), mh.msg_controllen);
	T_EQ(SCM_CREDENTIALS, CMSG_FIRSTHDR(&mh)->cmsg_type);
	memcpy(&uc, CMSG_DATA(CMSG_FIRSTHDR(&mh)), sizeof(uc));
	return uc;
}

TC(credentials, "who sent it comes along, and only root may lie")
{
	struct ucred uc;

	boot();
	newproc(RUMP_RFCFDG);
	pair(SOCK_STREAM);
	T_EQ(1, rump_sys_write(sv[0], "a", 1));
	T_OK(sock_setopt(sv[1], SO_PASSCRED, 1));
	uc = receive_cred();
	T_EQ(0, uc.pid);
	T_EQ(65534, uc.uid);
	T_EQ(1, rump_sys_write(sv[0], "a", 1));
	uc = receive_cred();
	T_EQ(rump_sys_getpid(), uc.pid);
	T_EQ(0, uc.uid);
	uc = (struct ucred){1, 5, 6};
	T_EQ(1, send_as(&uc));
	uc = receive_cred();
	T_EQ(1, uc.pid);
	T_EQ(5, uc.uid);
	T_EQ(6, uc.gid);
	uc.pid = 999999;
	T_ERR(ESRCH, send_as(&uc));
	T_OK(rump_sys_setresuid(7, 7, 7));
	uc = (struct ucred){rump_sys_getpid(), 0, 0};
	T_ERR(EPERM, send_as(&uc));
	uc = (struct ucred){1, 7, 0};
	T_ERR(EPERM, send_as(&uc));
	uc = (struct ucred){rump_sys_getpid(), 7, 0};
	T_EQ(1, send_as(&uc));
	T_EQ(7, receive_cred().uid);
}

TC(peergroups, "SO_PEERGROUPS")
{
	gid_t groups[3] = {1, 2, 3}, got[4];
	socklen_t len = 4;

	boot();
	newproc(RUMP_RFCFDG);
	T_OK(rump_sys_setgroups(3, groups));
	pair(SOCK_STREAM);
	T_ERR(ERANGE,
	    rump_sys_getsockopt(sv[0], SOL_SOCKET, SO_PEERGROUPS, got, &len));
	T_EQ(12, len);
	T_OK(rump_sys_getsockopt(sv[0], SOL_SOCKET, SO_PEERGROUPS, got, &len));
	T_ASSERT(memcmp(got, groups, 12) == 0);
	sv[0] = (int)T_OK(rump_sys_socket(AF_UNIX, SOCK_STREAM, 0));
	T_ERR(ENODATA,
	    rump_sys_getsockopt(sv[0], SOL_SOCKET, SO_PEERGROUPS, got, &len));
}

TC(toomany, "no user has more files on their way than he may have open")
{
	struct rlimit rl = {40, 40};
	int p[2], many[16], i;

	boot();
	newproc(RUMP_RFCFDG);
	T_OK(rump_sys_pipe(p));
	pair(SOCK_DGRAM);
	T_OK(rump_sys_setrlimit(RLIMIT_NOFILE, &rl));
	T_OK(rump_sys_setresuid(7, 7, 7));
	for (i = 0; i < 16; i++)
		many[i] = p[0];
	for (i = 0; i < 3; i++)
		T_EQ(1, sock_sendfds(sv[0], "x", many, 16));
	T_ERR(ETOOMANYREFS, sock_sendfds(sv[0], "x", many, 1));
	T_EQ(1, rump_sys_read(sv[1], buf, 1));
	T_EQ(1, sock_sendfds(sv[0], "x", many, 1));
}

TC(lost, "sockets that nobody can receive any more are closed")
{
	uint64_t before;
	int a[2], b[2], l, c;

	boot();
	before = files();
	/* One in its own queue. */
	pair(SOCK_STREAM);
	T_EQ(1, sock_sendfds(sv[0], "x", &sv[1], 1));
	T_OK(rump_sys_close(sv[0]));
	T_OK(rump_sys_close(sv[1]));
	/* Two in the queues of each other. */
	T_OK(rump_sys_socketpair(AF_UNIX, SOCK_DGRAM, 0, a));
	T_OK(rump_sys_socketpair(AF_UNIX, SOCK_SEQPACKET, 0, b));
	T_EQ(1, sock_sendfds(a[0], "x", b, 2));
	T_EQ(1, sock_sendfds(b[0], "x", a, 2));
	T_OK(rump_sys_close_range((unsigned)a[0], (unsigned)b[1], 0));
	/* By way of one that was not accepted. */
	l = sock_listen(SOCK_STREAM, "/l", 3);
	c = (int)T_OK(rump_sys_socket(AF_UNIX, SOCK_STREAM, 0));
	T_OK(sock_connect(c, "/l"));
	T_EQ(1, sock_sendfds(c, "x", &l, 1));
	T_OK(rump_sys_close(l));
	T_OK(rump_sys_close(c));
	/* This finds them. */
	pair(SOCK_STREAM);
	T_OK(rump_sys_close(sv[0]));
	T_OK(rump_sys_close(sv[1]));
	T_EQ(before, files());
}

TC(alive, "sockets that can still be received are not")
{
	int a[2], b[2];

	boot();
	T_OK(rump_sys_socketpair(AF_UNIX, SOCK_STREAM, 0, a));
	T_OK(rump_sys_socketpair(AF_UNIX, SOCK_STREAM, 0, b));
	/* b[1] is in a[1], which is in b[1]; a[0] keeps nothing alive. */
	T_EQ(1, sock_sendfds(a[0], "x", &b[1], 1));
	T_EQ(1, sock_sendfds(b[0], "y", &a[1], 1));
	T_OK(rump_sys_close(b[1]));
	pair(SOCK_STREAM);
	T_OK(rump_sys_close(sv[0]));
	T_EQ(1, sock_recvfds(a[1], buf, 1, 0, fds, &nfds, &flags));
	T_EQ(1, nfds);
	T_EQ(1, rump_sys_recv(fds[0], buf, 1, MSG_PEEK));
	T_EQ('y', buf[0]);
}

TC(deep, "a chain of sockets in sockets is closed without nesting")
{
	uint64_t before;
	int i, last, s[2];

	boot();
	before = files();
	last = (int)T_OK(rump_sys_socket(AF_UNIX, SOCK_STREAM, 0));
	for (i = 0; i < 20000 / TC_SLOW; i++) {
		T_OK(rump_sys_socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
		T_EQ(1, sock_sendfds(s[0], "x", &last, 1));
		T_OK(rump_sys_close(last));
		T_OK(rump_sys_close(s[0]));
		last = s[1];
	}
	T_OK(rump_sys_close(last));
	T_EQ(before, files());
}

TC(passrights, "SO_PASSRIGHTS refuses descriptors")
{
	int p[2];

	boot();
	T_OK(rump_sys_pipe(p));
	pair(SOCK_STREAM);
	T_EQ(1, sock_getopt(sv[1], 83));
	T_OK(sock_setopt(sv[1], 83, 0));
	T_ERR(EPERM, sock_sendfds(sv[0], "b", p, 1));
	T_EQ(1, rump_sys_write(sv[0], "a", 1));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, rights);
	ATF_TP_ADD_TC(tp, truncated);
	ATF_TP_ADD_TC(tp, ctrunc);
	ATF_TP_ADD_TC(tp, credentials);
	ATF_TP_ADD_TC(tp, peergroups);
	ATF_TP_ADD_TC(tp, toomany);
	ATF_TP_ADD_TC(tp, lost);
	ATF_TP_ADD_TC(tp, alive);
	ATF_TP_ADD_TC(tp, deep);
	ATF_TP_ADD_TC(tp, passrights);
	return atf_no_error();
}
