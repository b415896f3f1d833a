/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Remote clients.  The line's process is the server; its clients are
 * bench-client, started anew for each repetition.  Beside them are processes of
 * the host that speak with each other: through a socket whose other end, a
 * process, too, sends each byte back, or through pipes.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_server.h>

#include "bench.h"

#define RUNS	   7
#define RUNS_MANY  31
#define BENCH_KEY  "000102030405060708090a0b0c0d0e0f"
#define CLIENTS	   16
#define LASTS	   INT64_C(60000000)  /* nanoseconds */
#define WARM_UP	   6		      /* of that, a sixth before */
#define LASTS_MANY INT64_C(240000000) /* each has its turn more than once */
#define READY_MS   30000

static char server_path[96], echo_path[96];

/* Send each byte back to whom it is from. */
static noreturn void
echo_main(int listening)
{
	int set = epoll_create1(0);
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = listening};
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	epoll_ctl(set, EPOLL_CTL_ADD, listening, &ev);
	for (;;) {
		struct epoll_event got[CLIENTS];
		int n = epoll_wait(set, got, CLIENTS, -1);

		for (int i = 0; i < n; i++) {
			int fd = got[i].data.fd;

			if (fd == listening) {
				ev.data.fd = accept(fd, NULL, NULL);
				epoll_ctl(set, EPOLL_CTL_ADD, ev.data.fd, &ev);
			} else if (read(fd, &byte, 1) != 1 ||
				   write(fd, &byte, 1) != 1)
				close(fd);
		}
	}
}

static void
servers_start(void)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	char url[112];
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(echo_path, sizeof(echo_path), "%s/echo", bench_hostdir);
	strcpy(sun.sun_path, echo_path);
	bench_must(bind(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0 &&
		       listen(fd, CLIENTS) == 0,
	    "bind");
	if (fork() == 0)
		echo_main(fd);
	close(fd);
	snprintf(server_path, sizeof(server_path), "%s/rump", bench_hostdir);
	snprintf(url, sizeof(url), "unix://%s", server_path);
	/* The host process of one that has gone goes on. */
	bench_must0(rump_server_limit(RUMP_SERVER_GRACE, 0), "grace");
	bench_must0(rump_init_server(url), "rump_init_server");
	bench_must(setenv("RUMP_SERVER", url, 1) == 0, "setenv");
}

/* A port of this machine's that nobody listens on; listened on, or not. */
static int
tcp_port(int fd, bool listening)
{
	struct sockaddr_in sin = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sin);
	int one = 1;

	bench_must(bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == 0 &&
		       getsockname(fd, (struct sockaddr *)&sin, &len) == 0 &&
		       setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one,
			   sizeof(one)) == 0,
	    "bind");
	bench_must(!listening || listen(fd, CLIENTS) == 0, "listen");
	return ntohs(sin.sin_port);
}

/* Who clients are, and the key that they have. */
static void
tcp_users(struct rump_server_tcp *st)
{
	static char users[96];
	char key[96], psk[112];
	FILE *f;

	snprintf(users, sizeof(users), "%s/users", bench_hostdir);
	snprintf(key, sizeof(key), "%s/key", bench_hostdir);
	snprintf(psk, sizeof(psk), "bench:%s", key);
	bench_must((f = fopen(users, "w")) != NULL, users);
	bench_must(fchmod(fileno(f), 0600) == 0, users);
	fprintf(f, "- 0 0 /\nbench 0 0 / psk=%s\n", BENCH_KEY);
	bench_must(fclose(f) == 0, users);
	bench_must((f = fopen(key, "w")) != NULL, key);
	fprintf(f, "%s\n", BENCH_KEY);
	bench_must(fclose(f) == 0, key);
	st->rst_users = users;
	if (!st->rst_plain)
		bench_must(setenv("RUMP_TLS_PSK", psk, 1) == 0, "setenv");
}

/* The same by TCP, with TLS or not; the paths are ports. */
static void
tcp_start(bool tls)
{
	struct rump_server_tcp st = {.rst_plain = !tls};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char why[256] = "", url[48];

	snprintf(echo_path, sizeof(echo_path), "%d", tcp_port(fd, true));
	if (fork() == 0)
		echo_main(fd);
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	snprintf(url, sizeof(url), "tcp://127.0.0.1:%d", tcp_port(fd, false));
	close(fd);
	bench_must(
	    setenv("RUMP_TLS_LIBRARY", BENCH_TLS_LIBRARY, 1) == 0, "setenv");
	tcp_users(&st);
	bench_must0(rump_server_settcp(&st, why, sizeof(why)), why);
	bench_must0(rump_server_limit(RUMP_SERVER_GRACE, 0), "grace");
	bench_must0(rump_init_server(url), "rump_init_server");
	bench_must(setenv("RUMP_SERVER", url, 1) == 0, "setenv");
}

/*
 * An operation of bench-client's, at the same time in each of n of them: once
 * all are ready, so that none is still starting while others are timed.
 */
struct crew {
	const char *c_operation;
	const char *c_path;
	int64_t c_lasts;
	int c_ready[2]; /* a byte of each */
	int c_go[2];	/* from when to when, for each */
};

static void
client_exec(void *arg)
{
	const struct crew *c = arg;
	char ready[12], go[12];
	char *argv[] = {NULL, (char *)(uintptr_t)c->c_operation,
	    (char *)(uintptr_t)c->c_path, ready, go, NULL};
	char program[PATH_MAX];

	bench_near("bench-client", program);
	argv[0] = program;
	close(c->c_ready[0]);
	close(c->c_go[1]);
	snprintf(ready, sizeof(ready), "%d", c->c_ready[1]);
	snprintf(go, sizeof(go), "%d", c->c_go[0]);
	execv(program, argv);
}

static void
crew_go(const struct crew *c, unsigned n)
{
	struct pollfd pfd = {.fd = c->c_ready[0], .events = POLLIN};
	int64_t lasts = bench_quick ? c->c_lasts / 4 : c->c_lasts, when[2];
	char byte;

	for (unsigned i = 0; i < n; i++) {
		bench_must(poll(&pfd, 1, READY_MS) == 1, "poll");
		bench_must(read(pfd.fd, &byte, 1) == 1, "a client has ended");
	}
	when[0] = bench_now() + lasts / WARM_UP;
	when[1] = when[0] + lasts;
	for (unsigned i = 0; i < n; i++)
		bench_must(write(c->c_go[1], when, sizeof(when)) ==
			       (ssize_t)sizeof(when),
		    "write");
}

/* Nanoseconds from one call to the next, whoever makes it. */
static double
crew_run(const char *operation, const char *at, unsigned n, int64_t lasts)
{
	struct bench_child children[CLIENTS];
	struct crew c = {
	    .c_operation = operation, .c_path = at, .c_lasts = lasts};
	double rate = 0;

	bench_must(pipe(c.c_ready) == 0 && pipe(c.c_go) == 0, "pipe");
	for (unsigned i = 0; i < n; i++)
		bench_child_start(&children[i], client_exec, &c);
	close(c.c_ready[1]);
	close(c.c_go[0]);
	crew_go(&c, n);
	for (unsigned i = 0; i < n; i++)
		rate += 1 / bench_child_result(&children[i]);
	/* They stay until now: the end of one takes time of the others. */
	close(c.c_ready[0]);
	close(c.c_go[1]);
	for (unsigned i = 0; i < n; i++)
		bench_child_end(&children[i]);
	return 1 / rate;
}

static void
pair_measure(struct bench_result *br, const char *operation, const char *host)
{
	double v[2][RUNS];

	for (unsigned i = 0; i < RUNS; i++) {
		v[0][i] = crew_run(operation, server_path, 1, LASTS);
		v[1][i] = crew_run(host, echo_path, 1, LASTS);
	}
	br->br_rump = bench_figure(v[0], RUNS);
	br->br_host = bench_figure(v[1], RUNS);
}

static void
pair_run(struct bench_result *br, const char *operation, const char *host)
{
	servers_start();
	pair_measure(br, operation, host);
}

static void
tcp_run(struct bench_result *br)
{
	tcp_start(false);
	pair_measure(br, "getpid", "echo-tcp");
}

static void
tls_run(struct bench_result *br)
{
	tcp_start(true);
	pair_measure(br, "getpid", "echo-tcp");
}

static void
getpid_run(struct bench_result *br)
{
	pair_run(br, "getpid", "echo");
}

static void
pwrite_run(struct bench_result *br)
{
	pair_run(br, "pwrite", "pipe-page");
}

static void
pread_run(struct bench_result *br)
{
	pair_run(br, "pread", "pipe-page");
}

static void
connect_run(struct bench_result *br)
{
	pair_run(br, "connect", "echo-connect");
}

static void
large_run(struct bench_result *br)
{
	pair_run(br, "large", "pipe-large");
	snprintf(
	    br->br_note, sizeof(br->br_note), "1.5 times the host's are asked");
}

static struct bench_figure
many_measure(const char *operation, const char *at, unsigned runs, double *few,
    double *many)
{
	double one[RUNS_MANY], all[RUNS_MANY], v[RUNS_MANY], middle;

	for (unsigned i = 0; i < runs; i++) {
		one[i] = crew_run(operation, at, 1, LASTS_MANY);
		all[i] = crew_run(operation, at, CLIENTS, LASTS_MANY);
		v[i] = one[i] / all[i];
	}
	*few = bench_figure(one, runs).bf_best;
	*many = bench_figure(all, runs).bf_best;
	/* The middle one: the best of many would be that of a bad one's. */
	middle = bench_figure(v, runs).bf_median;
	return (struct bench_figure){middle, middle};
}

/* On two processors, so that most of them have to wait for one. */
static void
many_run(struct bench_result *br)
{
	double few, many, hostfew, hostmany;

	bench_use_cpus(2);
	servers_start();
	br->br_rump =
	    many_measure("getpid", server_path, RUNS_MANY, &few, &many);
	br->br_host =
	    many_measure("echo", echo_path, RUNS, &hostfew, &hostmany);
	snprintf(br->br_note, sizeof(br->br_note),
	    "%.0f ns, %.0f ns with one; the host's %.0f and %.0f", many, few,
	    hostmany, hostfew);
}

const struct bench_line remote_lines[] = {
    {
	.bl_name = "remote_getpid",
	.bl_what = "getpid of a client in another host process",
	.bl_hostcall = "a byte through a socket and back",
	.bl_asked = 2000,
	.bl_run = getpid_run,
	.bl_cold = true,
    },
    {
	.bl_name = "remote_pwrite_4k",
	.bl_what = "pwrite of 4096 bytes by a client",
	.bl_hostcall = "as many through a pipe, and a byte back",
	.bl_asked = 4000,
	.bl_run = pwrite_run,
	.bl_cold = true,
    },
    {
	.bl_name = "remote_pread_4k",
	.bl_what = "pread of 4096 bytes by a client",
	.bl_hostcall = "as many through a pipe, and a byte back",
	.bl_asked = 4000,
	.bl_run = pread_run,
	.bl_cold = true,
    },
    {
	.bl_name = "remote_pwrite_1m",
	.bl_what = "pwrite of 1 MiB by a client",
	.bl_hostcall = "as many through a pipe, and a byte back",
	.bl_run = large_run,
	.bl_cold = true,
    },
    {
	.bl_name = "remote_16clients",
	.bl_what = "calls of 16 clients on 2 processors against one's",
	.bl_hostcall = "the same with sockets",
	.bl_unit = UNIT_SPEEDUP,
	.bl_asked = 1,
	.bl_run = many_run,
	.bl_cold = true,
    },
    {
	.bl_name = "remote_connect",
	.bl_what = "a client connects, makes a call and goes",
	.bl_hostcall = "connect, a byte and back, close",
	.bl_asked = 200000,
	.bl_run = connect_run,
	.bl_cold = true,
    },
    {
	.bl_name = "remote_getpid_tcp",
	.bl_what = "getpid of a client by TCP",
	.bl_hostcall = "a byte by TCP and back",
	.bl_asked = 60000,
	.bl_run = tcp_run,
    },
    {
	.bl_name = "remote_getpid_tls",
	.bl_what = "getpid of a client by TCP with TLS",
	.bl_hostcall = "a byte by TCP and back, without TLS",
	.bl_asked = 60000,
	.bl_run = tls_run,
    },
    {0},
};
