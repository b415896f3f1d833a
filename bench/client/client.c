/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench-client: a host process that makes calls in a server, or does the
 * nearest thing with another process of the host; bench starts it, remote.c.
 *
 * usage: bench-client OPERATION SOCKET READY GO
 *
 * A byte is written to descriptor READY, and two times are read from GO, in
 * nanoseconds of CLOCK_MONOTONIC.  Until the second the operation is done again
 * and again, so that several of these do it at the same time; what one took
 * that ended after the first, in nanoseconds, is printed, and the end of GO
 * waited for.  SOCKET is the path of that of the server, or of one that sends
 * each byte back, or the number of its port, or the path of a file that is
 * made.
 *
 * It is made of librumpclient's own files: one connection after the other is
 * made by what rumpclient_init is made of.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>

#include "proxy/client/client.h"
#include "syscall/sysdesc.h"

#define PAGE  4096u
#define LARGE (1u << 20)

static const char *path;
static int file, sock, to, from;
static char buf[LARGE];
static struct spc one = {0};
static struct url url;

static noreturn void
die(const char *what, int error)
{
	fprintf(stderr, "bench-client: %s: %s\n", what, strerror(error));
	exit(1);
}

static inline void
must(bool ok, const char *what)
{
	if (__builtin_expect(!ok, 0))
		die(what, errno);
}

/*
 * With a server
 */

static void
server_setup(void)
{
	char name[64];

	must(rumpclient_init() == 0, "rumpclient_init");
	snprintf(name, sizeof(name), "/file.%d", (int)getpid());
	file = rump_sys_open(name, O_RDWR | O_CREAT, 0600);
	must(file != -1, "open");
	must(rump_sys_pwrite(file, buf, LARGE, 0) == LARGE, "pwrite");
}

static void
server_getpid(void)
{
	must(rump_sys_getpid() > 1, "getpid");
}

static void
server_pwrite(void)
{
	must(rump_sys_pwrite(file, buf, PAGE, 0) == PAGE, "pwrite");
}

static void
server_pread(void)
{
	must(rump_sys_pread(file, buf, PAGE, 0) == PAGE, "pread");
}

static void
server_large(void)
{
	must(rump_sys_pwrite(file, buf, LARGE, 0) == LARGE, "pwrite");
}

static void
connect_setup(void)
{
	must(strlen(path) < sizeof(url.u_path), path);
	url.u_kind = URL_UNIX;
	strcpy(url.u_path, path);
	one.cl_mem = client.cl_mem;
}

static void
server_connect(void)
{
	static const uint64_t args[6];
	const struct spc_hello hello = {.sh_kind = SP_H_NEW};
	int64_t pid;
	int error;

	if ((error = spc_connect(&one, &url, &hello)) != 0 ||
	    (error = spc_encode(
		 &one, 0, sysdesc_find(RUMP_SYS_getpid), args)) != 0)
		die("connect", error);
	spc_post(&one, 0);
	if (spc_wait(&one, 0, SPC_NOSLOT) != 0 ||
	    spc_decode(&one, 0, sysdesc_find(RUMP_SYS_getpid), args, &pid) !=
		0 ||
	    pid != one.cl_pid)
		die("getpid", EPROTO);
	spc_disconnect(&one);
}

/*
 * With a process of the host
 */

static int
echo_open(void)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	must(strlen(path) < sizeof(sun.sun_path), path);
	strcpy(sun.sun_path, path);
	must(connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0, path);
	return fd;
}

static void
echo_setup(void)
{
	sock = echo_open();
}

static void
tcp_setup(void)
{
	struct sockaddr_in sin = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)atoi(path)),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int nodelay = 1;

	sock = socket(AF_INET, SOCK_STREAM, 0);
	must(connect(sock, (struct sockaddr *)&sin, sizeof(sin)) == 0, path);
	must(setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &nodelay,
		 sizeof(nodelay)) == 0,
	    "TCP_NODELAY");
}

static void
echo_once(void)
{
	must(write(sock, buf, 1) == 1, "write");
	must(read(sock, buf, 1) == 1, "read");
}

static void
echo_connect(void)
{
	sock = echo_open();
	echo_once();
	close(sock);
}

/* A process that takes n bytes of a pipe and says so by a byte. */
static void
taker_start(size_t n)
{
	int there[2], back[2];

	must(pipe(there) == 0 && pipe(back) == 0, "pipe");
	if (fork() == 0) {
		close(there[1]);
		for (size_t got = 0;; got = 0) {
			while (got < n) {
				ssize_t some = read(there[0], buf, n - got);

				if (some <= 0)
					_exit(0);
				got += (size_t)some;
			}
			if (write(back[1], buf, 1) != 1)
				_exit(0);
		}
	}
	close(there[0]);
	to = there[1];
	from = back[0];
}

static void
page_setup(void)
{
	taker_start(PAGE);
}

static void
large_setup(void)
{
	taker_start(LARGE);
}

static void
pipe_page(void)
{
	must(write(to, buf, PAGE) == PAGE, "write");
	must(read(from, buf, 1) == 1, "read");
}

static void
pipe_large(void)
{
	must(write(to, buf, LARGE) == LARGE, "write");
	must(read(from, buf, 1) == 1, "read");
}

/* A file, wherever such calls lead to: of the host, or in a world. */
static void
file_setup(void)
{
	file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	must(file != -1, path);
	must(unlink(path) == 0, path);
	must(pwrite(file, buf, LARGE, 0) == LARGE, "pwrite");
}

static void
file_pread(void)
{
	must(pread(file, buf, PAGE, 0) == PAGE, "pread");
}

/*
 * All of them
 */

static const struct operation {
	const char *o_name;
	void (*o_setup)(void);
	void (*o_once)(void);
	int o_batch; /* done between two looks at the clock */
} operations[] = {
    {"getpid", server_setup, server_getpid, 16},
    {"pwrite", server_setup, server_pwrite, 16},
    {"pread", server_setup, server_pread, 16},
    {"large", server_setup, server_large, 1},
    {"connect", connect_setup, server_connect, 1},
    {"echo", echo_setup, echo_once, 16},
    {"echo-tcp", tcp_setup, echo_once, 16},
    {"echo-connect", NULL, echo_connect, 1},
    {"pipe-page", page_setup, pipe_page, 16},
    {"pipe-large", large_setup, pipe_large, 1},
    {"file-pread", file_setup, file_pread, 16},
};

static int64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* What is done before the start warms up; what ends after the end is late. */
static double
measure(const struct operation *o, int64_t start, int64_t end)
{
	int64_t n = 0, now;

	for (;;) {
		for (int i = 0; i < o->o_batch; i++)
			o->o_once();
		if ((now = now_ns()) >= end)
			break;
		if (now >= start)
			n += o->o_batch;
	}
	return (double)(end - start) / (double)n;
}

int
main(int argc, char *argv[])
{
	const struct operation *o = operations;
	int64_t when[2];

	if (argc != 5)
		die("usage: bench-client OPERATION SOCKET READY GO", EINVAL);
	while (strcmp(o->o_name, argv[1]) != 0)
		if (++o == operations + sizeof(operations) / sizeof(*o))
			die(argv[1], EINVAL);
	path = argv[2];
	if (o->o_setup != NULL)
		o->o_setup();
	o->o_once();
	must(write(atoi(argv[3]), "", 1) == 1, "READY");
	must(read(atoi(argv[4]), when, sizeof(when)) == sizeof(when), "GO");
	printf("%.1f\n", measure(o, when[0], when[1]));
	fflush(stdout);
	(void)!read(atoi(argv[4]), when, sizeof(when));
	return 0;
}
