/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clients that end in the middle of a fork, of an exec and of a sleep leave
 * nothing in the server: no process, descriptor, mapping or memory.  And an
 * exec that the server has no memory for changes nothing.
 */
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/wait.h>

#include <aio.h>
#include <fcntl.h>
#include <time.h>

#include <rump/rumpclient.h>

#include "lib/byhand.h"
#include "lib/server.h"
#include "lib/tc.h"
#include "proxy/wire.h"

#define ROUNDS (10 / TC_SLOW + 2)

/* What caches of the kernel's keep, whatever is done how often. */
#define SLACK (192 << 10)

static pid_t server;

static void
start(const char *options)
{
	ATF_REQUIRE((server = server_start(0, options)) != -1);
	ATF_REQUIRE_EQ(rumpclient_init(), 0);
	ATF_REQUIRE_EQ(rump_sys_mkdir("/proc", 0755), 0);
	ATF_REQUIRE_EQ(rump_sys_mount("procfs", "/proc", 0, NULL, 0), 0);
}

/*
 * What a server has
 */

struct has {
	int h_processes;
	int h_descriptors;
	int h_mappings; /* of memory that is shared with clients */
	uint64_t h_memory;
};

static int
count_mappings(void)
{
	char path[64], line[512];
	int n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)server);
	ATF_REQUIRE((f = fopen(path, "r")) != NULL);
	while (fgets(line, sizeof(line), f) != NULL)
		n += strstr(line, "/memfd:rump ") != NULL;
	fclose(f);
	return n;
}

static struct has
look(void)
{
	struct has h = {
	    server_processes(), server_files(server), count_mappings(), 0};
	size_t len = sizeof(h.h_memory);

	ATF_REQUIRE_EQ(
	    rump_sys_sysctlbyname("vm.kmem.used", &h.h_memory, &len, NULL, 0),
	    0);
	return h;
}

/*
 * It has no more than that, after `seconds' at most: who has lost his
 * connection has one.
 */
static void
nothing_left(const struct has *before, int seconds)
{
	struct has h;
	int i;

	for (i = 0; i < seconds * 20; i++) {
		h = look();
		if (h.h_processes == before->h_processes &&
		    h.h_descriptors <= before->h_descriptors &&
		    h.h_mappings <= before->h_mappings &&
		    h.h_memory <= before->h_memory + SLACK)
			return;
		usleep(50000);
	}
	atf_tc_fail("%d processes (%d), %d descriptors (%d), %d mappings (%d), "
		    "%llu bytes (%llu)",
	    h.h_processes, before->h_processes, h.h_descriptors,
	    before->h_descriptors, h.h_mappings, before->h_mappings,
	    (unsigned long long)h.h_memory,
	    (unsigned long long)before->h_memory);
}

/* A client, in a host process of its own, that does this. */
static pid_t
client(void (*fn)(void))
{
	pid_t pid = fork();

	ATF_REQUIRE(pid != -1);
	if (pid != 0)
		return pid;
	if (rumpclient_init() == -1)
		_exit(1);
	fn();
	_exit(0);
}

static int
ended(pid_t pid)
{
	int status;

	ATF_REQUIRE_EQ(waitpid(pid, &status, 0), pid);
	return status;
}

static void
die(void)
{
	(void)kill(getpid(), SIGKILL);
}

/*
 * Forks
 */

static void
dies_prefork(void)
{
	if (rumpclient_prefork() == NULL)
		_exit(2);
	die();
}

static void
child_dies_unclaimed(void)
{
	struct rumpclient_fork *rf = rumpclient_prefork();
	int status;
	pid_t pid;

	if (rf == NULL)
		_exit(2);
	if ((pid = fork()) == 0)
		die();
	if (waitpid(pid, &status, 0) != pid || rump_sys_getpid() <= 1)
		_exit(3);
	free(rf);
}

static void
child_dies_claimed(void)
{
	struct rumpclient_fork *rf = rumpclient_prefork();
	int status;
	pid_t pid;

	if (rf == NULL)
		_exit(2);
	if ((pid = fork()) == 0) {
		if (rumpclient_fork_init(rf) == -1)
			_exit(4);
		die();
	}
	if (waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status))
		_exit(3);
	free(rf);
	/* It is the kernel's child, too, and has ended there. */
	if (rump_sys_waitpid(-1, &status, 0) <= 1)
		_exit(5);
}

static int told[2];

/* Who has forked is dead before the child says who it is. */
static void
parent_dies(void)
{
	struct rumpclient_fork *rf = rumpclient_prefork();
	pid_t parent = getpid();

	if (rf == NULL)
		_exit(2);
	if (fork() != 0)
		die();
	while (getppid() == parent)
		usleep(100);
	usleep(2000);
	if (rumpclient_fork_init(rf) == 0 && rump_sys_getpid() > 1)
		(void)!write(told[1], "", 1);
}

static void
fork_forever(void)
{
	pid_t pid;

	for (;;) {
		if ((pid = rumpclient_fork()) == 0)
			_exit(0);
		if (pid != -1)
			(void)waitpid(pid, NULL, 0);
		while (rump_sys_waitpid(-1, NULL, WNOHANG) > 0)
			continue;
	}
}

/* Killed at any moment of many forks, for a second. */
static void
kill_forkers(void)
{
	time_t until = time(NULL) + 2;
	unsigned state = 7;
	pid_t pid;

	do {
		pid = client(fork_forever);
		state = state * 1103515245 + 12345;
		usleep(1000 + (state >> 16) % 9000);
		kill(pid, SIGKILL);
		ATF_REQUIRE(WIFSIGNALED(ended(pid)));
		ATF_REQUIRE(rump_sys_getpid() > 1);
	} while (time(NULL) < until);
}

TC(fork, "clients that are killed in the middle of a fork")
{
	struct has before;
	struct pollfd pfd;
	int i;
	char c;

	/* Children that nobody claims have two seconds. */
	start("--grace=1 --hello=2");
	ATF_REQUIRE_EQ(pipe(told), 0);
	pfd = (struct pollfd){.fd = told[0], .events = POLLIN};
	/* Caches are full once it has been done. */
	for (i = -1; i < ROUNDS; i++) {
		if (i == 0) {
			usleep(50000);
			before = look();
			before.h_processes = 2;
		}
		ATF_REQUIRE(WIFSIGNALED(ended(client(dies_prefork))));
		ATF_REQUIRE_EQ(ended(client(child_dies_unclaimed)), 0);
		ATF_REQUIRE_EQ(ended(client(child_dies_claimed)), 0);
		ATF_REQUIRE(WIFSIGNALED(ended(client(parent_dies))));
		ATF_REQUIRE_EQ(poll(&pfd, 1, 10000), 1);
		ATF_REQUIRE_EQ(read(told[0], &c, 1), 1);
	}
	kill_forkers();
	nothing_left(&before, 10);
}

/*
 * Execs
 */

static void
exec_silent(void)
{
	char *argv[] = {"true", NULL};

	(void)rumpclient_exec("/bin/true", argv, environ);
}

static void
exec_dies(void)
{
	char *argv[] = {"sh", "-c", "kill -9 $$", NULL};

	(void)rumpclient_exec("/bin/sh", argv, environ);
}

TC(exec, "programs that are executed and end before they connect")
{
	struct has before;
	int i;

	start("--grace=1");
	for (i = -1; i < ROUNDS; i++) {
		if (i == 0) {
			usleep(50000);
			before = look();
			before.h_processes = 2;
		}
		ATF_REQUIRE_EQ(ended(client(exec_silent)), 0);
		ATF_REQUIRE(WIFSIGNALED(ended(client(exec_dies))));
	}
	/* Nobody waits for whom to come back. */
	nothing_left(&before, 5);
}

/* Say hello as one who has that token, or none: the socket. */
static int
say_hello(uint32_t kind, const uint8_t *token, struct sp_welcome *sw,
    struct sp_shared **shp)
{
	struct sp_hello h = {
	    .sp_magic = SP_MAGIC, .sp_version = SP_VERSION, .sp_kind = kind};
	int fd;

	if (token != NULL)
		memcpy(h.sp_token, token, SP_TOKEN);
	fd = hand_greet(&h, sw, shp);
	ATF_REQUIRE(fd != -1);
	return fd;
}

static void
getpid_is(int fd, struct sp_shared *sh, int pid)
{
	sp_slot(sh, 0)->ss_msg =
	    (struct sp_msg){.sm_op = SP_SYSCALL, .sm_nr = RUMP_SYS_getpid};
	ATF_REQUIRE_EQ(hand_call(fd, sh), 0);
	ATF_REQUIRE_EQ(sp_slot(sh, 0)->ss_msg.sm_retval, pid);
}

TC(exec_refused, "an exec without memory for it leaves the client as it was")
{
	struct rlimit old, none;
	struct sp_shared *sh = NULL;
	struct sp_welcome sw, refused;
	int fd, i;

	if (TC_ASAN || TC_TSAN)
		atf_tc_skip("sanitizers need memory of the host's");
	start("--grace=1");
	fd = say_hello(SP_H_NEW, NULL, &sw, &sh);
	ATF_REQUIRE_EQ(sw.sw_error, 0);
	getpid_is(fd, sh, sw.sw_pid);
	ATF_REQUIRE_EQ(prlimit(server, RLIMIT_AS, NULL, &old), 0);
	none = old;
	none.rlim_cur = 1;
	ATF_REQUIRE_EQ(prlimit(server, RLIMIT_AS, &none, NULL), 0);
	/* The first may get what has been made before. */
	for (i = 0; i < 3; i++) {
		int new = say_hello(SP_H_EXEC, sw.sw_token, &refused, &sh);

		if (refused.sw_error != 0) {
			ATF_REQUIRE_EQ(refused.sw_error, ENOMEM);
			close(new);
			/* The older connection goes on. */
			getpid_is(fd, sh, sw.sw_pid);
			continue;
		}
		ATF_REQUIRE_EQ(i, 0);
		close(fd);
		fd = new;
	}
	ATF_REQUIRE_EQ(prlimit(server, RLIMIT_AS, &old, NULL), 0);
	fd = say_hello(SP_H_EXEC, sw.sw_token, &refused, &sh);
	ATF_REQUIRE_EQ(refused.sw_error, 0);
	ATF_REQUIRE_EQ(refused.sw_pid, sw.sw_pid);
	getpid_is(fd, sh, sw.sw_pid);
}

/*
 * Sleeps
 */

static void
sleep_in_read(void)
{
	int fds[2];
	char c;

	if (rump_sys_pipe(fds) == -1)
		_exit(2);
	(void)!write(told[1], "", 1);
	(void)rump_sys_read(fds[0], &c, 1);
	_exit(3);
}

TC(asleep, "clients that are killed while a read of theirs sleeps")
{
	struct has before;
	pid_t pid;
	char c;
	int i;

	start("--grace=1");
	ATF_REQUIRE_EQ(pipe(told), 0);
	for (i = -1; i < 5 * ROUNDS; i++) {
		if (i == 0) {
			usleep(50000);
			before = look();
			before.h_processes = 2;
		}
		pid = client(sleep_in_read);
		ATF_REQUIRE_EQ(read(told[0], &c, 1), 1);
		usleep(i % 2 == 0 ? 3000 : 0);
		kill(pid, SIGKILL);
		ATF_REQUIRE(WIFSIGNALED(ended(pid)));
	}
	nothing_left(&before, 5);
}

/*
 * What the kernel has for them without a call of theirs
 */

static void
dies_with_ipc(void)
{
	static char buf[100000];
	struct aiocb w[2], r[2], *list[] = {&w[0], &r[0]};
	int id = rump_sys_shmget(IPC_PRIVATE, sizeof(buf), 0600), fds[2];

	if (id == -1 || rump_sys_shmat(id, NULL, 0) == (void *)-1 ||
	    rump_sys_shmctl(id, IPC_RMID, NULL) == -1 ||
	    rump_sys_pipe(fds) == -1)
		_exit(2);
	memset(w, 0, sizeof(w));
	memset(r, 0, sizeof(r));
	for (int i = 0; i < 2; i++) {
		w[i].aio_fildes = fds[1];
		r[i].aio_fildes = fds[0];
		w[i].aio_buf = r[i].aio_buf = buf;
		w[i].aio_nbytes = r[i].aio_nbytes = sizeof(buf);
		w[i].aio_lio_opcode = LIO_WRITE;
		r[i].aio_lio_opcode = LIO_READ;
		w[i].aio_sigevent.sigev_notify = SIGEV_NONE;
		r[i].aio_sigevent.sigev_notify = SIGEV_NONE;
	}
	/* One write goes on, and a read has something to be fetched. */
	if (rump_sys_lio_listio(LIO_NOWAIT, list, 2, NULL) == -1 ||
	    rump_sys_aio_write(&w[1]) == -1 || rump_sys_aio_read(&r[1]) == -1)
		_exit(3);
	die();
}

TC(ipc, "clients that are killed with segments attached and requests made")
{
	struct has before;
	int i;

	start("--grace=1");
	for (i = -1; i < ROUNDS; i++) {
		if (i == 0) {
			usleep(50000);
			before = look();
			before.h_processes = 2;
		}
		ATF_REQUIRE(WIFSIGNALED(ended(client(dies_with_ipc))));
	}
	nothing_left(&before, 5);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, fork);
	ATF_TP_ADD_TC(tp, exec);
	ATF_TP_ADD_TC(tp, exec_refused);
	ATF_TP_ADD_TC(tp, asleep);
	ATF_TP_ADD_TC(tp, ipc);
	return atf_no_error();
}
