/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Very many clients, and servers that the host gives too little.
 */
#include <sys/resource.h>

#include <pthread.h>
#include <signal.h>
#include <time.h>

#include <rump/rumpclient.h>

#include "lib/byhand.h"
#include "lib/tc.h"

#define CROWD	(2000 / TC_SLOW)
#define PER_ONE (64u << 10) /* bytes of memory for a client, at most */

static pid_t server;

/* A number in /proc/PID/status of the server, in the unit that it has. */
static long
status(const char *name)
{
	char path[64], line[256];
	long n = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)server);
	ATF_REQUIRE((f = fopen(path, "r")) != NULL);
	while (n == -1 && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, name, strlen(name)) == 0 &&
		    line[strlen(name)] == ':')
			n = strtol(line + strlen(name) + 1, NULL, 10);
	fclose(f);
	ATF_REQUIRE(n != -1);
	return n;
}

/* Bytes that the server has of the host, with tables for them. */
static long
memory(void)
{
	return (status("VmRSS") + status("VmPTE")) * 1024;
}

/* A limit of the server's, from now on, but no more than it may have. */
static struct rlimit
limit(int resource, rlim_t value)
{
	struct rlimit old, new;

	ATF_REQUIRE_EQ(prlimit(server, resource, NULL, &old), 0);
	new = old;
	new.rlim_cur = value < old.rlim_max ? value : old.rlim_max;
	ATF_REQUIRE_EQ(prlimit(server, resource, &new, NULL), 0);
	return old;
}

static int
handles_open(void)
{
	char path[64], c;
	int n = 0;

	for (int fd = 0; fd < 4096; fd++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)server, fd);
		if (readlink(path, &c, 1) == 1)
			n++;
	}
	return n;
}

/* A client that has made a call; -1: it was not let in. */
static int
one_client(void)
{
	struct sp_shared *sh;
	int fd;

	if ((fd = hand_hello(SP_MAGIC, SP_VERSION, SP_H_NEW, 0, &sh)) == -1)
		return -1;
	sp_slot(sh, 0)->ss_msg =
	    (struct sp_msg){.sm_op = SP_SYSCALL, .sm_nr = RUMP_SYS_getpid};
	ATF_REQUIRE_EQ(hand_call(fd, sh), 0);
	ATF_REQUIRE(sp_slot(sh, 0)->ss_msg.sm_retval > 1);
	ATF_REQUIRE_EQ(munmap(sh, SP_SHMSIZE), 0);
	return fd;
}

TC(crowd, "2000 clients at once cost no threads and little memory")
{
	struct rlimit rl = {CROWD + 100, CROWD + 100};
	static int fds[CROWD];
	long before, with, threads;
	int i, round;

	/* Who goes is gone: nobody waits for him to come back. */
	ATF_REQUIRE((server = server_start(0, "--grace=0")) != -1);
	if (limit(RLIMIT_NOFILE, RLIM_INFINITY).rlim_cur < 2 * CROWD + 100 ||
	    setrlimit(RLIMIT_NOFILE, &rl) == -1)
		atf_tc_skip("the host allows too few descriptors");
	before = memory();
	for (round = 0; round < 2; round++) {
		for (i = 0; i < CROWD; i++)
			ATF_REQUIRE((fds[i] = one_client()) != -1);
		with = memory();
		threads = status("Threads");
		for (i = 0; i < CROWD; i++)
			close(fds[i]);
		if (with - before > (long)(CROWD * PER_ONE) && !TC_ASAN &&
		    !TC_TSAN)
			atf_tc_fail(
			    "%ld bytes for each", (with - before) / CROWD);
		ATF_REQUIRE(threads <= 8);
	}
	ATF_REQUIRE_EQ(rumpclient_init(), 0);
	/* Two rounds of clients, this one, and processes 0 and 1. */
	ATF_REQUIRE(rump_sys_getpid() > 2 * CROWD);
	while (handles_open() > 50)
		usleep(20000);
}

/* Nobody waits so long for an answer, however many there are. */
#define LONGEST INT64_C(2000000000)

static int64_t
now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

struct caller {
	int64_t c_lasts;
	int64_t c_longest; /* of the calls */
	uint32_t c_calls;
	int c_think; /* turns of a loop between two calls */
};

static void *
call_on(void *arg)
{
	struct caller *c = arg;
	int64_t start = now_ns(), before, now = start;
	volatile int think;

	do {
		for (think = 0; think < c->c_think; think++)
			continue;
		before = now_ns();
		if (rump_sys_getpid() <= 1)
			_exit(1);
		now = now_ns();
		if (now - before > c->c_longest)
			c->c_longest = now - before;
		c->c_calls++;
	} while (now - start < c->c_lasts);
	return NULL;
}

/* Two threads call for so long; what each has got done goes to fd. */
static void
caller(int fd, int think, int64_t lasts)
{
	struct caller c[2] = {{.c_lasts = lasts, .c_think = think},
	    {.c_lasts = lasts, .c_think = think}};
	pthread_t thread;

	if (rumpclient_init() == -1 ||
	    pthread_create(&thread, NULL, call_on, &c[0]) != 0)
		_exit(1);
	(void)call_on(&c[1]);
	if (pthread_join(thread, NULL) != 0 ||
	    write(fd, c, sizeof(c)) != sizeof(c))
		_exit(1);
	_exit(0);
}

/* Does each of that many clients get on, who call for so long? */
static bool
callers_get_on(int n, int think, int64_t lasts)
{
	int fds[2], i, code;
	struct caller c;
	bool all = true;

	ATF_REQUIRE_EQ(pipe(fds), 0);
	for (i = 0; i < n; i++)
		if (fork() == 0)
			caller(fds[1], i < n / 2 ? 0 : think, lasts);
	close(fds[1]);
	for (i = 0; i < 2 * n; i++) {
		ATF_REQUIRE_EQ(read(fds[0], &c, sizeof(c)), (ssize_t)sizeof(c));
		if (c.c_calls >= 2 && c.c_longest <= LONGEST)
			continue;
		printf("%d clients: %u calls, one of %.0f ms\n", n, c.c_calls,
		    (double)c.c_longest / 1e6);
		all = false;
	}
	close(fds[0]);
	for (i = 0; i < n; i++) {
		ATF_REQUIRE(wait(&code) != -1);
		ATF_REQUIRE_EQ(code, 0);
	}
	return all;
}

/* Of that many clients none waits for long.  think: the second half computes */
static void
callers(int n, int think)
{
	/* The host may have others, who leave none of these half a second. */
	if (!callers_get_on(n, think, 500000000))
		ATF_REQUIRE(callers_get_on(n, think, 2000000000));
}

TC(turns, "of many clients that call all the time each gets on")
{
	ATF_REQUIRE((server = server_start(0, NULL)) != -1);
	callers(2, 0);
	callers(16, 0);
	callers(48, 0);
}

TC(turns_thinkers, "the same beside others that compute between calls")
{
	ATF_REQUIRE((server = server_start(0, NULL)) != -1);
	callers(4, 20000);
	callers(16, 20000);
}

/* Nanoseconds of a processor that the server has had. */
static long
processor(void)
{
	struct timespec ts;
	clockid_t clock;

	ATF_REQUIRE_EQ(clock_getcpuclockid(server, &clock), 0);
	ATF_REQUIRE_EQ(clock_gettime(clock, &ts), 0);
	return ts.tv_sec * 1000000000 + ts.tv_nsec;
}

TC(handles, "a server that has no handles left refuses clients, and is idle")
{
	int fds[20], n = 0, i;
	struct rlimit old;
	pid_t pid;
	long spent;

	ATF_REQUIRE((server = server_start(0, NULL)) != -1);
	ATF_REQUIRE_EQ(rumpclient_init(), 0);
	pid = rump_sys_getpid();
	old = limit(RLIMIT_NOFILE, (rlim_t)handles_open() + 4);
	while (n < 20 && (fds[n] = one_client()) != -1)
		n++;
	ATF_REQUIRE(n > 0 && n < 20);
	ATF_REQUIRE_EQ(one_client(), -1);
	spent = processor();
	usleep(200000);
	ATF_REQUIRE(processor() - spent < 50000000);
	ATF_REQUIRE_EQ(rump_sys_getpid(), pid);
	for (i = 0; i < n; i++)
		close(fds[i]);
	(void)limit(RLIMIT_NOFILE, old.rlim_cur);
	/* Those that were closed may be there for a moment. */
	ATF_REQUIRE((fds[0] = one_client()) != -1);
}

TC(memory, "a server that can share no memory goes on")
{
	struct rlimit old;

	if (TC_ASAN || TC_TSAN)
		atf_tc_skip("sanitizers want address space");
	ATF_REQUIRE((server = server_start(0, NULL)) != -1);
	old = limit(RLIMIT_AS, (rlim_t)status("VmSize") * 1024 + (64 << 20));
	ATF_REQUIRE_ERRNO(ENOMEM, rumpclient_init() == -1);
	(void)limit(RLIMIT_AS, old.rlim_cur);
	/* Files of the host that are so large are not allowed. */
	old = limit(RLIMIT_FSIZE, 1 << 20);
	ATF_REQUIRE_ERRNO(ENOMEM, rumpclient_init() == -1);
	(void)limit(RLIMIT_FSIZE, old.rlim_cur);
	ATF_REQUIRE_EQ(rumpclient_init(), 0);
	ATF_REQUIRE(rump_sys_getpid() > 1);
}

TC(exec_killed, "a program that never connects goes with its host process")
{
	char name[] = "sleep", forever[] = "1000";
	char *argv[] = {name, forever, NULL};
	int fds[2], code;
	pid_t pid;
	char c;

	ATF_REQUIRE((server = server_start(0, NULL)) != -1);
	ATF_REQUIRE_EQ(rumpclient_init(), 0);
	ATF_REQUIRE_EQ(rump_sys_pipe(fds), 0);
	if ((pid = rumpclient_fork()) == 0) {
		rumpclient_exec("/bin/sleep", argv, environ);
		_exit(1);
	}
	ATF_REQUIRE(pid != -1);
	ATF_REQUIRE_EQ(rump_sys_close(fds[1]), 0);
	usleep(50000);
	/* It has the other end still, as long as it may come back. */
	ATF_REQUIRE_EQ(rump_sys_fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
	ATF_REQUIRE_ERRNO(EAGAIN, rump_sys_read(fds[0], &c, 1) == -1);
	ATF_REQUIRE_EQ(rump_sys_fcntl(fds[0], F_SETFL, 0), 0);
	kill(pid, SIGKILL);
	ATF_REQUIRE_EQ(waitpid(pid, &code, 0), pid);
	ATF_REQUIRE(WIFSIGNALED(code));
	ATF_REQUIRE_EQ(rump_sys_read(fds[0], &c, 1), 0);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, crowd);
	ATF_TP_ADD_TC(tp, turns);
	ATF_TP_ADD_TC(tp, turns_thinkers);
	ATF_TP_ADD_TC(tp, handles);
	ATF_TP_ADD_TC(tp, memory);
	ATF_TP_ADD_TC(tp, exec_killed);
	return atf_no_error();
}
