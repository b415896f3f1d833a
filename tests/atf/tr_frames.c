/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clients elsewhere that do what no client does, or nothing: frames by hand,
 * without TLS.
 */
#define SERVER_PLAIN

#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

#include <fcntl.h>
#include <poll.h>

#include <rump/rumpclient.h>

#include "lib/clock.h"
#include "lib/server.h"
#include "lib/tc.h"
#include "proxy/wire.h"

#define PIECE (1u << 20)

static void
start(const char *option)
{
	ATF_REQUIRE(server_start(0, option) != -1);
	ATF_REQUIRE_EQ(rumpclient_init(), 0);
}

/*
 * By hand
 */

static bool
get(int fd, void *buf, size_t len)
{
	char *at = buf;
	ssize_t n;

	for (; len != 0; at += n, len -= (size_t)n)
		if ((n = read(fd, at, len)) <= 0)
			return false;
	return true;
}

static bool
put(int fd, const void *buf, size_t len)
{
	const char *at = buf;
	ssize_t n;

	for (; len != 0; at += n, len -= (size_t)n)
		if ((n = send(fd, at, len, MSG_NOSIGNAL)) <= 0)
			return false;
	return true;
}

static int
say_hello(enum sp_hello_kind kind, uint8_t token[SP_TOKEN])
{
	struct sp_hello h = {
	    .sp_magic = SP_MAGIC, .sp_version = SP_VERSION, .sp_kind = kind};
	struct sp_welcome sw;
	int fd = server_connect(0);

	ATF_REQUIRE(fd != -1);
	memcpy(h.sp_token, token, SP_TOKEN);
	ATF_REQUIRE(put(fd, &h, sizeof(h)));
	if (!get(fd, &sw, sizeof(sw)) || sw.sw_error != 0) {
		close(fd);
		return -1;
	}
	memcpy(token, sw.sw_token, SP_TOKEN);
	return fd;
}

static int
connect_new(void)
{
	uint8_t token[SP_TOKEN] = {0};
	int fd = say_hello(SP_H_NEW, token);

	ATF_REQUIRE(fd != -1);
	return fd;
}

static struct sp_frame
call_frame(uint32_t slot, uint32_t number, uint32_t nr)
{
	return (struct sp_frame){.sf_number = number,
	    .sf_msg = {.sm_op = SP_SYSCALL, .sm_slot = slot, .sm_nr = nr}};
}

TC(calls, "calls of several slots, by hand")
{
	struct sp_frame f;
	uint32_t i;
	int fd, pid;

	start(NULL);
	fd = connect_new();
	for (i = 0; i < 10; i++) {
		f = call_frame(i, 1, RUMP_SYS_getpid);
		ATF_REQUIRE(put(fd, &f, sizeof(f)));
	}
	for (i = 0; i < 10; i++) {
		ATF_REQUIRE(get(fd, &f, sizeof(f)));
		ATF_REQUIRE_EQ(f.sf_msg.sm_error, 0);
		ATF_REQUIRE_EQ(f.sf_size, 0);
		ATF_REQUIRE_EQ(f.sf_number, 1);
		pid = (int)f.sf_msg.sm_retval;
		ATF_REQUIRE(pid > 1 && pid != rump_sys_getpid());
	}
}

/*
 * Liars
 */

static const struct sp_frame lies[] = {
    /* More than there can be, and what is not there. */
    {.sf_size = UINT32_MAX, .sf_number = 1},
    {.sf_size = 16, .sf_number = 1},
    {.sf_size = 32, .sf_number = 1, .sf_msg = {.sm_len = 16, .sm_head = 16}},
    {.sf_at = 16, .sf_number = 1, .sf_msg = {.sm_len = 16, .sm_head = 16}},
    {.sf_at = UINT32_MAX, .sf_size = 1, .sf_number = 1},
    {.sf_number = 1, .sf_msg = {.sm_len = UINT32_MAX}},
    {.sf_number = 1, .sf_msg = {.sm_len = SP_PAYLOAD + 1}},
    {.sf_number = 1, .sf_msg = {.sm_slot = SP_NSLOTS}},
    {.sf_number = 1, .sf_msg = {.sm_slot = UINT32_MAX}},
    /* Calls that come after none. */
    {.sf_number = 0},
    {.sf_number = 2},
    {.sf_number = UINT32_MAX},
    /* Results and what is no call. */
    {.sf_number = 1, .sf_msg = {.sm_flags = SP_F_SIGNAL}},
    {.sf_msg = {.sm_op = SP_NOPS}},
    {.sf_msg = {.sm_op = SP_RAISE}},
    {.sf_msg = {.sm_op = UINT32_MAX}},
    {.sf_size = 4, .sf_msg = {.sm_op = SP_GOT}},
    {.sf_msg = {.sm_op = SP_INTERRUPT, .sm_slot = SP_NSLOTS}},
    /* As with shared memory: an address, an offset that is outside. */
    {.sf_number = 1,
	.sf_msg = {.sm_nr = RUMP_SYS_chdir, .sm_args = {0x7f0000001000}}},
    {.sf_number = 1, .sf_msg = {.sm_nr = RUMP_SYS_chdir, .sm_args = {SP_TAG}}},
    {.sf_number = 1, .sf_msg = {.sm_len = 16, .sm_head = 17}},
};

TC(liars, "a frame that no client sends ends that client and nobody else")
{
	static char nothing[4096];
	size_t i;
	int fd;

	start(NULL);
	for (i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		fd = connect_new();
		ATF_REQUIRE(put(fd, &lies[i], sizeof(lies[i])));
		(void)put(fd, nothing, sizeof(nothing));
		if (!server_ends(fd))
			atf_tc_fail("lie %zu was believed", i);
		close(fd);
		ATF_REQUIRE(rump_sys_getpid() > 1);
	}
}

/*
 * Two messages to be received: where the first one's name is to be written is
 * also what says where the second one's data are to be.
 */
struct trap {
	struct mmsghdr m[2];
	struct {
		sa_family_t family;
		char path[14];
		struct iovec second;
	} name;
	struct iovec first;
	char data[2][16];
};
#define TRAP_HEAD     offsetof(struct trap, data)
#define TRAP_AT(what) ((void *)(SP_TAG | offsetof(struct trap, what)))

static struct trap
trap_make(void)
{
	struct trap t = {.m = {{.msg_hdr = {.msg_name = TRAP_AT(name),
				    .msg_namelen = sizeof(t.name),
				    .msg_iov = TRAP_AT(first),
				    .msg_iovlen = 1}},
			     {.msg_hdr = {.msg_iov = TRAP_AT(name.second),
				  .msg_iovlen = 1}}},
	    .name.second = {TRAP_AT(data[1]), sizeof(t.data[1])},
	    .first = {TRAP_AT(data[0]), sizeof(t.data[0])}};

	_Static_assert(
	    offsetof(struct trap, name.second) % SP_ALIGN == 0, "aligned");
	return t;
}

/* A system call with `size' bytes of payload: its value. */
static int64_t
call_hand(int fd, struct sp_frame *f, const void *payload, size_t size)
{
	f->sf_size = f->sf_msg.sm_len = f->sf_msg.sm_head = (uint32_t)size;
	ATF_REQUIRE(put(fd, f, sizeof(*f)) && put(fd, payload, size));
	ATF_REQUIRE(get(fd, f, sizeof(*f)));
	ATF_REQUIRE_EQ(f->sf_msg.sm_error, 0);
	return f->sf_msg.sm_retval;
}

TC(overlap, "what a call writes is not what it looks at")
{
	struct trap t = trap_make(), from = {.name.family = AF_UNIX};
	struct sockaddr_un to = {AF_UNIX, "\0trap"};
	struct sp_frame f;
	int fd, here, there;

	start(NULL);
	fd = connect_new();
	f = call_frame(0, 1, RUMP_SYS_socket);
	f.sf_msg.sm_args[0] = AF_UNIX;
	f.sf_msg.sm_args[1] = SOCK_DGRAM;
	there = (int)call_hand(fd, &f, NULL, 0);
	f = call_frame(0, 2, RUMP_SYS_bind);
	f.sf_msg.sm_args[0] = (uint64_t)there;
	f.sf_msg.sm_args[1] = SP_TAG;
	f.sf_msg.sm_args[2] = sizeof(to);
	(void)call_hand(fd, &f, &to, sizeof(to));
	/* The name of who sends says where to write. */
	from.name.second = (struct iovec){(void *)0x10000, 16};
	ATF_REQUIRE((here = rump_sys_socket(AF_UNIX, SOCK_DGRAM, 0)) != -1);
	ATF_REQUIRE_EQ(
	    rump_sys_bind(here, (void *)&from.name, sizeof(from.name)), 0);
	for (int i = 0; i < 2; i++)
		ATF_REQUIRE_EQ(rump_sys_sendto(
				   here, "data", 4, 0, (void *)&to, sizeof(to)),
		    4);
	f = call_frame(0, 3, RUMP_SYS_recvmmsg);
	f.sf_size = f.sf_msg.sm_len = sizeof(t);
	f.sf_msg.sm_head = TRAP_HEAD;
	f.sf_msg.sm_args[0] = (uint64_t)there;
	f.sf_msg.sm_args[1] = SP_TAG;
	f.sf_msg.sm_args[2] = 2;
	f.sf_msg.sm_args[3] = MSG_DONTWAIT;
	ATF_REQUIRE(put(fd, &f, sizeof(f)) && put(fd, &t, sizeof(t)));
	ATF_REQUIRE(server_ends(fd));
	ATF_REQUIRE(rump_sys_getpid() > 1);
}

TC(busy, "a call in a slot whose call goes on ends that client")
{
	struct sp_frame f;
	int fd;

	start(NULL);
	fd = connect_new();
	f = call_frame(3, 1, RUMP_SYS_poll);
	f.sf_msg.sm_args[2] = (uint64_t)-1;
	ATF_REQUIRE(put(fd, &f, sizeof(f)));
	f.sf_number = 2;
	ATF_REQUIRE(put(fd, &f, sizeof(f)));
	ATF_REQUIRE(server_ends(fd));
	ATF_REQUIRE(rump_sys_getpid() > 1);
}

TC(cut_short, "frames that end anywhere, and clients that go with them")
{
	struct sp_frame f = call_frame(0, 1, RUMP_SYS_getpid);
	char all[sizeof(f) + 64] = {0};
	size_t len;
	int fd;

	start("--grace=0");
	f.sf_size = f.sf_msg.sm_len = f.sf_msg.sm_head = 64;
	memcpy(all, &f, sizeof(f));
	for (len = 0; len < sizeof(all); len += 7) {
		fd = connect_new();
		ATF_REQUIRE(put(fd, all, len));
		close(fd);
	}
	ATF_REQUIRE(rump_sys_getpid() > 1);
}

TC(noise, "bytes at random, in the place of a hello and after it")
{
	unsigned state = 3;
	char bytes[3000];
	int fd, i;
	size_t k;

	start(NULL);
	for (i = 0; i < 100; i++) {
		for (k = 0; k < sizeof(bytes); k++) {
			state = state * 1103515245 + 12345;
			bytes[k] = (char)(state >> 16);
		}
		fd = i % 2 == 0 ? server_connect(0) : connect_new();
		ATF_REQUIRE(fd != -1);
		(void)put(fd, bytes, sizeof(bytes));
		ATF_REQUIRE(server_ends(fd));
		close(fd);
	}
	ATF_REQUIRE(rump_sys_getpid() > 1);
}

/*
 * Those that come again
 */

TC(again, "a call that comes again is not made again")
{
	uint8_t token[SP_TOKEN] = {0};
	struct sp_frame f;
	int fd, first;

	start(NULL);
	fd = say_hello(SP_H_NEW, token);
	ATF_REQUIRE(fd != -1);
	f = call_frame(0, 1, RUMP_SYS_dup);
	f.sf_msg.sm_args[0] = 1;
	ATF_REQUIRE(put(fd, &f, sizeof(f)));
	ATF_REQUIRE(get(fd, &f, sizeof(f)));
	ATF_REQUIRE_EQ(f.sf_msg.sm_error, 0);
	first = (int)f.sf_msg.sm_retval;
	/* The old connection is there still. */
	fd = say_hello(SP_H_RESUME, token);
	ATF_REQUIRE(fd != -1);
	f = call_frame(0, 1, RUMP_SYS_dup);
	f.sf_msg.sm_args[0] = 1;
	ATF_REQUIRE(put(fd, &f, sizeof(f)));
	ATF_REQUIRE(get(fd, &f, sizeof(f)));
	ATF_REQUIRE_EQ(f.sf_msg.sm_retval, first);
	f = call_frame(0, 2, RUMP_SYS_dup);
	f.sf_msg.sm_args[0] = 1;
	ATF_REQUIRE(put(fd, &f, sizeof(f)));
	ATF_REQUIRE(get(fd, &f, sizeof(f)));
	ATF_REQUIRE_EQ(f.sf_msg.sm_retval, first + 1);
	/* Somebody else's token is nobody's. */
	token[3] ^= 1;
	ATF_REQUIRE_EQ(say_hello(SP_H_RESUME, token), -1);
}

/*
 * Silence
 */

TC(silent, "who says nothing is sent away, and keeps nobody from the server")
{
	int fds[50], i;
	int64_t before;

	start("--hello=1");
	before = host_now();
	for (i = 0; i < 50; i++)
		ATF_REQUIRE((fds[i] = server_connect(0)) != -1);
	ATF_REQUIRE(rump_sys_getpid() > 1);
	for (i = 1; i < 50; i++)
		close(fds[i]);
	ATF_REQUIRE(rump_sys_getpid() > 1);
	ATF_REQUIRE(server_ends(fds[0]));
	/* It has a second. */
	T_TOOK(SEC, before);
}

#define READS 12

TC(never_reads, "who does not read keeps nobody waiting, and loses nothing")
{
	struct sp_frame f, g;
	char *buf = malloc(PIECE);
	int fd, file, i;
	uint32_t seen = 0;

	start(NULL);
	memset(buf, 'x', PIECE);
	file = rump_sys_open("/big", O_RDWR | O_CREAT, 0644);
	ATF_REQUIRE_EQ(rump_sys_write(file, buf, PIECE), PIECE);
	fd = connect_new();
	f = call_frame(0, 1, RUMP_SYS_open);
	f.sf_size = f.sf_msg.sm_len = f.sf_msg.sm_head = 16;
	f.sf_msg.sm_args[0] = SP_TAG;
	ATF_REQUIRE(
	    put(fd, &f, sizeof(f)) && put(fd, "/big\0____________", 16));
	ATF_REQUIRE(get(fd, &g, sizeof(g)));
	ATF_REQUIRE_EQ(g.sf_msg.sm_error, 0);
	for (i = 1; i <= READS; i++) {
		f = call_frame((uint32_t)i, 1, RUMP_SYS_pread);
		f.sf_msg.sm_len = PIECE;
		f.sf_msg.sm_args[0] = (uint64_t)g.sf_msg.sm_retval;
		f.sf_msg.sm_args[1] = SP_TAG;
		f.sf_msg.sm_args[2] = PIECE;
		ATF_REQUIRE(put(fd, &f, sizeof(f)));
	}
	usleep(200000);
	for (i = 0; i < 100; i++)
		ATF_REQUIRE_EQ(rump_sys_pread(file, buf, 10, 0), 10);
	for (i = 1; i <= READS; i++) {
		ATF_REQUIRE(get(fd, &f, sizeof(f)));
		ATF_REQUIRE_EQ(f.sf_msg.sm_retval, PIECE);
		ATF_REQUIRE_EQ(f.sf_size, PIECE);
		memset(buf, 0, PIECE);
		ATF_REQUIRE(get(fd, buf, PIECE));
		ATF_REQUIRE(buf[0] == 'x' && buf[PIECE - 1] == 'x');
		seen |= 1u << f.sf_msg.sm_slot;
	}
	ATF_REQUIRE_EQ(seen, ((1u << READS) - 1) << 1);
	free(buf);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, calls);
	ATF_TP_ADD_TC(tp, liars);
	ATF_TP_ADD_TC(tp, overlap);
	ATF_TP_ADD_TC(tp, busy);
	ATF_TP_ADD_TC(tp, cut_short);
	ATF_TP_ADD_TC(tp, noise);
	ATF_TP_ADD_TC(tp, again);
	ATF_TP_ADD_TC(tp, silent);
	ATF_TP_ADD_TC(tp, never_reads);
	return atf_no_error();
}
