/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clients elsewhere whose connections are cut, at any moment: a relay between
 * client and server, in this process, does that.
 */
#define SERVER_TLS

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include <rump/rumpclient.h>

#include "lib/exec.h"
#include "lib/server.h"
#include "lib/tc.h"

static int64_t
now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/*
 * The relay
 */

static struct {
	int listening;
	int port;
	_Atomic int cuts;    /* connections to cut, once there are bytes */
	_Atomic bool closed; /* nobody gets through */
} relay;

struct pair {
	int a, b;
};

static bool
relay_bytes(int from, int to)
{
	char buf[4096];
	ssize_t n = recv(from, buf, sizeof(buf), 0), done, sent;

	if (n <= 0)
		return false;
	for (done = 0; done < n; done += sent)
		if ((sent = send(to, buf + done, (size_t)(n - done),
			 MSG_NOSIGNAL)) <= 0)
			return false;
	return true;
}

static bool
relay_iscut(void)
{
	int n = atomic_load(&relay.cuts);

	while (n > 0)
		if (atomic_compare_exchange_weak(&relay.cuts, &n, n - 1))
			return true;
	return false;
}

static void *
relay_pair(void *arg)
{
	struct pair p = *(struct pair *)arg;
	struct pollfd pfd[] = {{p.a, POLLIN, 0}, {p.b, POLLIN, 0}};

	free(arg);
	for (;;) {
		(void)poll(pfd, 2, 10);
		if (relay_iscut())
			break;
		if (pfd[0].revents != 0 && !relay_bytes(p.a, p.b))
			break;
		if (pfd[1].revents != 0 && !relay_bytes(p.b, p.a))
			break;
	}
	close(p.a);
	close(p.b);
	return NULL;
}

static void *
relay_main(void *arg)
{
	pthread_t thread;
	struct pair *p;
	int fd;

	while ((fd = accept(relay.listening, NULL, NULL)) != -1) {
		if (atomic_load(&relay.closed)) {
			close(fd);
			continue;
		}
		p = malloc(sizeof(*p));
		*p = (struct pair){fd, server_connect(0)};
		if (p->b == -1 ||
		    pthread_create(&thread, NULL, relay_pair, p) != 0)
			abort();
		pthread_detach(thread);
	}
	return arg;
}

/* It takes no signals: ThreadSanitizer keeps those of a thread that accepts. */
static void
relay_start(void)
{
	pthread_t thread;
	sigset_t all, old;

	sigfillset(&all);
	ATF_REQUIRE_EQ(pthread_sigmask(SIG_SETMASK, &all, &old), 0);
	ATF_REQUIRE_EQ(pthread_create(&thread, NULL, relay_main, NULL), 0);
	ATF_REQUIRE_EQ(pthread_sigmask(SIG_SETMASK, &old, NULL), 0);
}

/* A server, and this process as its client through the relay. */
static void
start(const char *option)
{
	struct sockaddr_in sin = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sin);
	char url[80];

	ATF_REQUIRE(server_start(0, option) != -1);
	relay.listening = socket(AF_INET, SOCK_STREAM, 0);
	ATF_REQUIRE_EQ(bind(relay.listening, (struct sockaddr *)&sin, len), 0);
	ATF_REQUIRE_EQ(listen(relay.listening, 10), 0);
	ATF_REQUIRE_EQ(
	    getsockname(relay.listening, (struct sockaddr *)&sin, &len), 0);
	relay_start();
	snprintf(url, sizeof(url), "tcp://127.0.0.1:%d/", ntohs(sin.sin_port));
	setenv("RUMP_SERVER", url, 1);
	ATF_REQUIRE_EQ(rumpclient_init(), 0);
}

static void
cut(void)
{
	atomic_fetch_add(&relay.cuts, 1);
	while (atomic_load(&relay.cuts) != 0)
		usleep(1000);
}

/*
 * Cases
 */

struct reading {
	int fd;
	char c;
	ssize_t n;
};

static void *
reader(void *arg)
{
	struct reading *r = arg;

	r->n = rump_sys_read(r->fd, &r->c, 1);
	return NULL;
}

TC(sleeping, "a call that sleeps when the connection is cut has its result")
{
	struct reading r[3];
	pthread_t threads[3];
	int fds[2], i, pid;

	start(NULL);
	ATF_REQUIRE_EQ(rump_sys_pipe(fds), 0);
	pid = rump_sys_getpid();
	for (i = 0; i < 3; i++) {
		r[i] = (struct reading){.fd = fds[0]};
		ATF_REQUIRE_EQ(
		    pthread_create(&threads[i], NULL, reader, &r[i]), 0);
	}
	usleep(50000);
	cut();
	/* These threads have come back by themselves. */
	ATF_REQUIRE_EQ(rump_sys_write(fds[1], "abc", 3), 3);
	for (i = 0; i < 3; i++) {
		ATF_REQUIRE_EQ(pthread_join(threads[i], NULL), 0);
		ATF_REQUIRE_EQ(r[i].n, 1);
	}
	ATF_REQUIRE_EQ(r[0].c + r[1].c + r[2].c, 'a' + 'b' + 'c');
	ATF_REQUIRE_EQ(rump_sys_getpid(), pid);
}

TC(away, "what happens while the connection is lost is not")
{
	struct reading r = {0};
	pthread_t thread;
	int fds[2];

	start(NULL);
	ATF_REQUIRE_EQ(rumpclient_setconnretry(5), 0);
	ATF_REQUIRE_EQ(rump_sys_pipe(fds), 0);
	r.fd = fds[0];
	ATF_REQUIRE_EQ(pthread_create(&thread, NULL, reader, &r), 0);
	usleep(30000);
	atomic_store(&relay.closed, true);
	cut();
	usleep(300000);
	atomic_store(&relay.closed, false);
	ATF_REQUIRE_EQ(rump_sys_write(fds[1], "x", 1), 1);
	ATF_REQUIRE_EQ(pthread_join(thread, NULL), 0);
	ATF_REQUIRE_EQ(r.n, 1);
}

static _Atomic int caught;

static void catch (int signo)
{
	caught = signo;
}

TC(signals, "a signal for the host process comes, at once or later")
{
	struct sigaction sa = {.sa_handler = catch, .sa_flags = SA_RESTART};
	int i;

	start(NULL);
	ATF_REQUIRE_EQ(rumpclient_setconnretry(5), 0);
	ATF_REQUIRE_EQ(sigaction(SIGUSR1, &sa, NULL), 0);
	/* The process here does not catch it: its host process does. */
	ATF_REQUIRE_EQ(rump_sys_kill(rump_sys_getpid(), SIGUSR1), 0);
	for (i = 0; i < 2000 && caught == 0; i++)
		usleep(1000);
	ATF_REQUIRE_EQ(caught, SIGUSR1);
}

TC(grace, "after the time of grace the process is another one")
{
	char c;
	int fds[2], pid;

	start("--grace=1");
	ATF_REQUIRE_EQ(rump_sys_pipe(fds), 0);
	pid = rump_sys_getpid();
	atomic_store(&relay.closed, true);
	cut();
	ATF_REQUIRE_EQ(rumpclient_setconnretry(0), 0);
	usleep(20000);
	ATF_REQUIRE_ERRNO(ENOTCONN, rump_sys_getpid() == -1);
	usleep(2000000);
	atomic_store(&relay.closed, false);
	ATF_REQUIRE(rump_sys_getpid() != pid);
	ATF_REQUIRE_ERRNO(EBADF, rump_sys_read(fds[0], &c, 1) == -1);
}

TC(idle, "a client that makes no calls comes back in time, too")
{
	int fds[2], pid;
	char c = 'x';

	start("--grace=4");
	pid = rump_sys_getpid();
	ATF_REQUIRE_EQ(rump_sys_pipe(fds), 0);
	atomic_store(&relay.closed, true);
	cut();
	usleep(300000);
	atomic_store(&relay.closed, false);
	usleep(5000000);
	ATF_REQUIRE_EQ(rump_sys_write(fds[1], &c, 1), 1);
	ATF_REQUIRE_EQ(rump_sys_getpid(), pid);
}

/* Once lost for the program, a call's slot is nobody's until it is done. */
TC(given_up, "a call that was given up disturbs no other")
{
	struct reading r = {0};
	pthread_t thread;
	int fds[2], i, pid;

	start(NULL);
	ATF_REQUIRE_EQ(rumpclient_setconnretry(0), 0);
	pid = rump_sys_getpid();
	ATF_REQUIRE_EQ(rump_sys_pipe(fds), 0);
	r.fd = fds[0];
	ATF_REQUIRE_EQ(pthread_create(&thread, NULL, reader, &r), 0);
	usleep(30000);
	atomic_store(&relay.closed, true);
	cut();
	ATF_REQUIRE_EQ(pthread_join(thread, NULL), 0);
	ATF_REQUIRE_EQ(r.n, -1);
	atomic_store(&relay.closed, false);
	for (i = 0; i < 20; i++) {
		ATF_REQUIRE_EQ(pthread_create(&thread, NULL, reader, &r), 0);
		usleep(1000);
		ATF_REQUIRE_EQ(rump_sys_getpid(), pid);
		/* One for the call that was given up, which goes on. */
		ATF_REQUIRE_EQ(rump_sys_write(fds[1], "xy", i == 0 ? 2 : 1),
		    i == 0 ? 2 : 1);
		ATF_REQUIRE_EQ(pthread_join(thread, NULL), 0);
		ATF_REQUIRE_EQ(r.n, 1);
	}
}

/*
 * Every call is made once, whenever it is cut
 */

#define WRITERS 4
#define APPENDS (150 / TC_SLOW + 20)
#define CUTS	(30 / TC_SLOW + 10)

static _Atomic bool done;

static void *
writer(void *arg)
{
	static char data[150000];
	char *back = malloc(sizeof(data));
	int n = *(int *)arg, i, fd;
	char name[16];
	size_t size = 0, len;

	snprintf(name, sizeof(name), "/w%d", n);
	fd = rump_sys_open(name, O_RDWR | O_CREAT | O_APPEND, 0600);
	for (i = 0; i < APPENDS; i++) {
		len = i % 10 == 0 ? sizeof(data) : (size_t)i % 700 + 1;
		if (rump_sys_write(fd, data, len) != (ssize_t)len)
			abort();
		size += len;
		if (rump_sys_lseek(fd, 0, SEEK_END) != (off_t)size)
			abort();
		if (i % 5 == 0) {
			len = size < sizeof(data) ? size : sizeof(data);
			if (rump_sys_pread(fd, back, len, 0) != (ssize_t)len)
				abort();
		}
	}
	free(back);
	rump_sys_close(fd);
	return NULL;
}

static void *
cutter(void *arg)
{
	unsigned state = 7;
	int i;

	for (i = 0; i < CUTS && !atomic_load(&done); i++) {
		state = state * 1103515245 + 12345;
		usleep((state >> 16) % 20000 * (TC_SLOW > 1 ? 4 : 1));
		atomic_fetch_add(&relay.cuts, 1);
	}
	return arg;
}

TC(once, "however it is cut, every call is made once")
{
	pthread_t threads[WRITERS], thread;
	int i, numbers[WRITERS];

	start(NULL);
	ATF_REQUIRE_EQ(rumpclient_setconnretry(20), 0);
	ATF_REQUIRE_EQ(pthread_create(&thread, NULL, cutter, NULL), 0);
	for (i = 0; i < WRITERS; i++) {
		numbers[i] = i;
		ATF_REQUIRE_EQ(
		    pthread_create(&threads[i], NULL, writer, &numbers[i]), 0);
	}
	for (i = 0; i < WRITERS; i++)
		ATF_REQUIRE_EQ(pthread_join(threads[i], NULL), 0);
	atomic_store(&done, true);
	ATF_REQUIRE_EQ(pthread_join(thread, NULL), 0);
}

TC(closed, "a client whose descriptors are closed connects again")
{
	int fds[2], pid;
	char c = 'x';

	start(NULL);
	ATF_REQUIRE_EQ(rump_sys_pipe(fds), 0);
	pid = rump_sys_getpid();
	/* Not the relay's. */
	ATF_REQUIRE_EQ(close_range(500, ~0U, 0), 0);
	ATF_REQUIRE_EQ(rump_sys_write(fds[1], &c, 1), 1);
	ATF_REQUIRE_EQ(rump_sys_read(fds[0], &c, 1), 1);
	ATF_REQUIRE_EQ(rump_sys_getpid(), pid);
}

TC(forks, "forks of clients that have threads, and what they share")
{
	int fds[2], i, status;
	pid_t pid;
	char c;

	start("--grace=1");
	ATF_REQUIRE_EQ(rump_sys_pipe(fds), 0);
	setenv("RUMP_SERVER", server_url(0), 1);
	for (i = 0; i < 5; i++) {
		pid = rumpclient_fork();
		ATF_REQUIRE(pid != -1);
		if (pid == 0) {
			c = (char)i;
			_exit(rump_sys_write(fds[1], &c, 1) == 1 ? 0 : 1);
		}
		ATF_REQUIRE_EQ(rump_sys_read(fds[0], &c, 1), 1);
		ATF_REQUIRE_EQ(c, (char)i);
		ATF_REQUIRE_EQ(waitpid(pid, &status, 0), pid);
		ATF_REQUIRE_EQ(status, 0);
	}
}

TC(exec_target, "the program that exec runs; alone it has nothing to do")
{
	if (getenv("TEST_PID") == NULL)
		atf_tc_skip("is run by exec");
	ATF_REQUIRE_EQ(rumpclient_init(), 0);
	exec_check();
}

TC(exec, "the next program has process and descriptors")
{
	start(NULL);
	exec_self();
}

TC(noise, "bytes that are no TLS end who sends them, and nobody else")
{
	unsigned state = 5;
	char bytes[2000];
	ssize_t n;
	size_t k;
	int fd, i;

	start(NULL);
	for (i = 0; i < 60; i++) {
		for (k = 0; k < sizeof(bytes); k++) {
			state = state * 1103515245 + 12345;
			bytes[k] = (char)(state >> 16);
		}
		/* The head of a record that is a ClientHello's. */
		if (i % 2 == 0)
			memcpy(bytes, "\x16\x03\x01\x01\x00\x01\x00\x00", 8);
		ATF_REQUIRE((fd = server_connect(0)) != -1);
		(void)send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL);
		while ((n = recv(fd, bytes, sizeof(bytes), 0)) > 0)
			continue;
		ATF_REQUIRE(n == 0 || errno == ECONNRESET);
		close(fd);
	}
	ATF_REQUIRE(rump_sys_getpid() > 1);
}

#define SLOW 20

TC(slow, "who takes his time over a handshake keeps nobody waiting")
{
	static const char head[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc";
	int fds[SLOW], i, k, calls = 0;
	int64_t begin, longest = 0, now;

	start(NULL);
	for (i = 0; i < SLOW; i++)
		ATF_REQUIRE((fds[i] = server_connect(0)) != -1);
	/* A byte each, then a call, and so on. */
	for (k = 0; k < 200; k++) {
		for (i = 0; i < SLOW; i++)
			ATF_REQUIRE_EQ(send(fds[i], k < 9 ? head + k : "\x03",
					   1, MSG_NOSIGNAL),
			    1);
		begin = now_ms();
		ATF_REQUIRE(rump_sys_getpid() > 1);
		now = now_ms();
		if (now - begin > longest)
			longest = now - begin;
		calls++;
	}
	ATF_REQUIRE_EQ(calls, 200);
	/* Ten seconds are what these have. */
	ATF_REQUIRE(longest < 5000);
	for (i = 0; i < SLOW; i += 2)
		close(fds[i]);
	ATF_REQUIRE(rump_sys_getpid() > 1);
	/* Half a message, and then its end. */
	for (i = 1; i < SLOW; i += 2) {
		ATF_REQUIRE_EQ(shutdown(fds[i], SHUT_WR), 0);
		ATF_REQUIRE(server_ends(fds[i]));
	}
	ATF_REQUIRE(rump_sys_getpid() > 1);
}

/* Handshakes, one after the other, until it is over. */
static void *
connector(void *arg)
{
	pid_t pid;
	int status;

	while (!atomic_load(&done)) {
		if ((pid = fork()) == 0)
			_exit(rumpclient_init() == 0 ? 0 : 1);
		if (waitpid(pid, &status, 0) != pid || status != 0)
			abort();
	}
	return arg;
}

TC(crowd, "calls go on while others connect, and all are let in")
{
	pthread_t threads[3];
	int i, calls = 0, pid;
	int64_t until;

	start("--grace=1");
	setenv("RUMP_SERVER", server_url(0), 1);
	pid = rump_sys_getpid();
	for (i = 0; i < 3; i++)
		ATF_REQUIRE_EQ(
		    pthread_create(&threads[i], NULL, connector, NULL), 0);
	/* On a busy machine 20 calls take longer than a second. */
	for (until = now_ms() + 1000; now_ms() < until || calls < 20; calls++)
		ATF_REQUIRE_EQ(rump_sys_getpid(), pid);
	ATF_REQUIRE(now_ms() < until + 20000);
	atomic_store(&done, true);
	for (i = 0; i < 3; i++)
		ATF_REQUIRE_EQ(pthread_join(threads[i], NULL), 0);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, exec_target);
	ATF_TP_ADD_TC(tp, exec);
	ATF_TP_ADD_TC(tp, noise);
	ATF_TP_ADD_TC(tp, slow);
	ATF_TP_ADD_TC(tp, crowd);
	ATF_TP_ADD_TC(tp, sleeping);
	ATF_TP_ADD_TC(tp, away);
	ATF_TP_ADD_TC(tp, signals);
	ATF_TP_ADD_TC(tp, grace);
	ATF_TP_ADD_TC(tp, idle);
	ATF_TP_ADD_TC(tp, given_up);
	ATF_TP_ADD_TC(tp, once);
	ATF_TP_ADD_TC(tp, closed);
	ATF_TP_ADD_TC(tp, forks);
	return atf_no_error();
}
