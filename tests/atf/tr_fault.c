/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Servers and clients that die, sockets that are not what they should be, and
 * clients that do what no client does.
 */
#include <sys/mman.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <aio.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>

#include <rump/rumpclient.h>

#include "lib/byhand.h"
#include "lib/exec.h"
#include "lib/server.h"
#include "lib/tc.h"
#include "proxy/wire.h"

static pid_t server;

static void
start(void)
{
	ATF_REQUIRE((server = server_start(0, NULL)) != -1);
	ATF_REQUIRE_EQ(rumpclient_init(), 0);
}

static void *
kill_server(void *arg)
{
	(void)arg;
	usleep(30000);
	kill(server, SIGKILL);
	return NULL;
}

TC(server_dies, "a call that sleeps in a server that is killed is ENOTCONN")
{
	pthread_t thread;
	int fds[2];
	char c;

	start();
	ATF_REQUIRE_EQ(rumpclient_setconnretry(0), 0);
	ATF_REQUIRE_ERRNO(EINVAL, rumpclient_setconnretry(-9) == -1);
	ATF_REQUIRE_EQ(rump_sys_pipe(fds), 0);
	ATF_REQUIRE_EQ(pthread_create(&thread, NULL, kill_server, NULL), 0);
	ATF_REQUIRE_ERRNO(ENOTCONN, rump_sys_read(fds[0], &c, 1) == -1);
	ATF_REQUIRE_ERRNO(ENOTCONN, rump_sys_getpid() == -1);
	ATF_REQUIRE_EQ(pthread_join(thread, NULL), 0);
	waitpid(server, NULL, 0);
	/* Another one takes over the socket's file. */
	ATF_REQUIRE((server = server_start(0, NULL)) != -1);
	ATF_REQUIRE(rump_sys_getpid() > 1);
	ATF_REQUIRE_ERRNO(EBADF, rump_sys_close(fds[0]) == -1);
}

static void *
reader(void *arg)
{
	char c;

	return rump_sys_read(*(int *)arg, &c, 1) == -1 && errno == ENOTCONN
		   ? NULL
		   : arg;
}

TC(server_dies_threads, "all threads that sleep see it")
{
	pthread_t threads[5];
	void *result;
	int fds[2], i;

	start();
	ATF_REQUIRE_EQ(rumpclient_setconnretry(0), 0);
	ATF_REQUIRE_EQ(rump_sys_pipe(fds), 0);
	for (i = 0; i < 5; i++)
		ATF_REQUIRE_EQ(
		    pthread_create(&threads[i], NULL, reader, &fds[0]), 0);
	usleep(50000);
	kill(server, SIGKILL);
	for (i = 0; i < 5; i++) {
		ATF_REQUIRE_EQ(pthread_join(threads[i], &result), 0);
		ATF_REQUIRE(result == NULL);
	}
}

TC(die, "RUMPCLIENT_RETRYCONN_DIE ends the host process")
{
	int status;
	pid_t pid;

	start();
	if ((pid = rumpclient_fork()) == 0) {
		rumpclient_setconnretry(RUMPCLIENT_RETRYCONN_DIE);
		server_kill(0, server);
		kill(server, SIGKILL);
		usleep(50000);
		(void)rump_sys_getpid();
		_exit(0);
	}
	ATF_REQUIRE_EQ(waitpid(pid, &status, 0), pid);
	ATF_REQUIRE(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

static void *
get_it_back(void *arg)
{
	(void)rump_sys_getpid();
	return arg;
}

TC(fork_meanwhile, "a child connects although a thread gets a connection back")
{
	pthread_t thread;
	int status, i;
	pid_t pid, got = 0;

	start();
	rumpclient_setconnretry(RUMPCLIENT_RETRYCONN_INFTIME);
	server_kill(0, server);
	T_EQ(0, pthread_create(&thread, NULL, get_it_back, NULL));
	usleep(100000);
	if ((pid = fork()) == 0)
		_exit(rumpclient_init() == -1 ? 7 : 8);
	for (i = 0; got == 0 && i < 2000; i++) {
		usleep(10000);
		got = waitpid(pid, &status, WNOHANG);
	}
	if (got == 0)
		kill(pid, SIGKILL);
	T_EQ(pid, got);
	T_EQ(7 << 8, status);
}

/* All descriptors of the host are closed by the program. */
TC(closefrom, "a client whose descriptor is closed connects again")
{
	char c = 'x';
	int fds[2], fd;
	pid_t pid;

	start();
	ATF_REQUIRE_EQ(rump_sys_pipe(fds), 0);
	pid = rump_sys_getpid();
	ATF_REQUIRE_EQ(close_range(3, ~0U, 0), 0);
	/* What is in its place now is not ours to write to. */
	fd = open("/dev/null", O_RDONLY);
	ATF_REQUIRE(fd != -1);
	usleep(20000);
	ATF_REQUIRE_EQ(rump_sys_write(fds[1], &c, 1), 1);
	c = 0;
	ATF_REQUIRE_EQ(rump_sys_read(fds[0], &c, 1), 1);
	ATF_REQUIRE_EQ(c, 'x');
	ATF_REQUIRE_EQ(rump_sys_getpid(), pid);
}

TC(exec_target, "the program that exec runs; alone it has nothing to do")
{
	if (getenv("TEST_PID") == NULL)
		atf_tc_skip("is run by exec");
	ATF_REQUIRE(getenv("RUMPCLIENT_SESSION") != NULL);
	ATF_REQUIRE_EQ(rumpclient_init(), 0);
	ATF_REQUIRE(getenv("RUMPCLIENT_SESSION") == NULL);
	exec_check();
}

TC(exec, "the next program has process and descriptors")
{
	char *argv[] = {NULL};

	start();
	ATF_REQUIRE_ERRNO(
	    ENOENT, rumpclient_exec("/none", argv, environ) == -1);
	ATF_REQUIRE(rump_sys_getpid() > 1);
	exec_self();
}

TC(sockets, "the place of a socket: live, stale, too long, not writable")
{
	char url[300] = "unix://";
	int status, fd;
	pid_t pid;

	ATF_REQUIRE((server = server_start(0, NULL)) != -1);
	pid = fork();
	if (pid == 0) {
		execl(RUMP_SERVER_PROGRAM, "rump_server", "-s", server_url(0),
		    NULL);
		_exit(127);
	}
	ATF_REQUIRE_EQ(waitpid(pid, &status, 0), pid);
	ATF_REQUIRE(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	ATF_REQUIRE_EQ(rumpclient_init(), 0);
	/* A regular file is nobody's socket. */
	fd = open("plain", O_CREAT | O_RDWR, 0600);
	ATF_REQUIRE(fd != -1);
	if ((pid = fork()) == 0) {
		execl(RUMP_SERVER_PROGRAM, "rump_server", "-s", "unix://plain",
		    NULL);
		_exit(127);
	}
	ATF_REQUIRE_EQ(waitpid(pid, &status, 0), pid);
	ATF_REQUIRE(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	memset(url + 7, 'x', 200);
	if ((pid = fork()) == 0) {
		execl(RUMP_SERVER_PROGRAM, "rump_server", "-s", url, NULL);
		_exit(127);
	}
	ATF_REQUIRE_EQ(waitpid(pid, &status, 0), pid);
	ATF_REQUIRE(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

TC(silent, "clients that say nothing keep nobody from the server")
{
	int fds[50], i;

	ATF_REQUIRE((server = server_start(0, NULL)) != -1);
	for (i = 0; i < 50; i++)
		ATF_REQUIRE((fds[i] = server_connect(0)) != -1);
	ATF_REQUIRE_EQ(rumpclient_init(), 0);
	ATF_REQUIRE(rump_sys_getpid() > 1);
	for (i = 0; i < 50; i += 2)
		close(fds[i]);
	ATF_REQUIRE(rump_sys_getpid() > 1);
}

TC(crowd, "however many say nothing, who says something is let in")
{
	int i, fd = -1, first;

	start();
	ATF_REQUIRE((first = server_connect(0)) != -1);
	for (i = 0; i < 600; i++)
		ATF_REQUIRE((fd = server_connect(0)) != -1);
	ATF_REQUIRE(server_ends(first));
	ATF_REQUIRE(rump_sys_getpid() > 1);
	ATF_REQUIRE_EQ(write(fd, "x", 1), 1);
}

TC(many, "clients come and go, and leave nothing")
{
	int i, rounds = 300 / TC_SLOW, status;
	pid_t pid;
	char c;
	int go[2];

	ATF_REQUIRE((server = server_start(0, NULL)) != -1);
	for (i = 0; i < rounds; i++) {
		ATF_REQUIRE_EQ(pipe(go), 0);
		if ((pid = fork()) == 0) {
			if (rumpclient_init() == -1 || rump_sys_getpid() <= 1)
				_exit(1);
			if (i % 3 == 0)
				kill(getpid(), SIGKILL);
			_exit(0);
		}
		close(go[1]);
		ATF_REQUIRE_EQ(waitpid(pid, &status, 0), pid);
		ATF_REQUIRE(WIFSIGNALED(status) || status == 0);
		ATF_REQUIRE_EQ(read(go[0], &c, 1), 0);
		close(go[0]);
	}
	ATF_REQUIRE_EQ(rumpclient_init(), 0);
	ATF_REQUIRE(rump_sys_getpid() > rounds);
}

/*
 * Clients that are killed at any moment
 */

#define CLIENTS	 8
#define KILLS	 (60 / TC_SLOW + 10) /* or as many as TEST_KILLS says */
#define PLAY_KEY 5

static unsigned
dice(unsigned *state, unsigned n)
{
	*state = *state * 1103515245 + 12345;
	return (*state >> 16) % n;
}

/* A segment that all have, and sometimes is removed. */
static void
play_segment(unsigned *state)
{
	int id = rump_sys_shmget(PLAY_KEY, 10000, IPC_CREAT | 0600);
	char *a = rump_sys_shmat(id, NULL, 0);

	if (a == (void *)-1)
		return;
	(void)((volatile char *)a)[dice(state, 10000)];
	if (dice(state, 4) != 0)
		(void)rump_sys_shmdt(a);
	if (dice(state, 8) == 0)
		(void)rump_sys_shmctl(id, IPC_RMID, NULL);
}

/* Requests, of which some go on, and some are never asked for. */
static void
play_requests(unsigned *state)
{
	static char data[30000];
	struct aiocb r = {.aio_buf = data, .aio_nbytes = sizeof(data)}, w = r;
	struct aiocb *list[] = {&w, &r};
	int fds[2];

	if (rump_sys_pipe(fds) != 0)
		return;
	r.aio_fildes = fds[0];
	w.aio_fildes = fds[1];
	r.aio_lio_opcode = LIO_READ;
	w.aio_lio_opcode = LIO_WRITE;
	r.aio_sigevent.sigev_notify = w.aio_sigevent.sigev_notify = SIGEV_NONE;
	(void)rump_sys_lio_listio(
	    dice(state, 2) == 0 ? LIO_WAIT : LIO_NOWAIT, list, 2, NULL);
	if (dice(state, 4) != 0) {
		(void)rump_sys_aio_return(&r);
		(void)rump_sys_aio_return(&w);
	}
	rump_sys_close(fds[0]);
	rump_sys_close(fds[1]);
}

/* Calls at random: some sleep, some are long, some make processes. */
static void *
play(void *arg)
{
	unsigned state = *(unsigned *)arg + (unsigned)getpid();
	static char data[100000];
	char name[16];
	int fds[2], fd;

	while (arg != NULL) {
		snprintf(name, sizeof(name), "/play.%u", dice(&state, 20));
		switch (dice(&state, 10)) {
		case 0:
			if (rump_sys_pipe(fds) == 0) {
				if (dice(&state, 10) == 0)
					(void)rump_sys_read(fds[0], data, 1);
				rump_sys_close(fds[0]);
				rump_sys_close(fds[1]);
			}
			break;
		case 1:
			if (rump_pub_lwproc_rfork(RUMP_RFCFDG) == 0 &&
			    dice(&state, 2) == 0)
				rump_pub_lwproc_releaselwp();
			else
				rump_pub_lwproc_switch(NULL);
			break;
		case 2:
			free(rumpclient_prefork());
			break;
		case 3:
			play_segment(&state);
			break;
		case 4:
			play_requests(&state);
			break;
		default:
			fd = rump_sys_open(name, O_RDWR | O_CREAT, 0600);
			(void)rump_sys_pwrite(
			    fd, data, dice(&state, sizeof(data)), 0);
			(void)rump_sys_pread(
			    fd, data, dice(&state, sizeof(data)), 0);
			(void)rump_sys_close(fd);
			break;
		}
	}
	return NULL;
}

static pid_t
player(unsigned n)
{
	pthread_t thread;
	pid_t pid;
	int i;

	if ((pid = fork()) != 0)
		return pid;
	if (rumpclient_init() == -1)
		_exit(1);
	for (i = 0; i < 2; i++)
		if (pthread_create(&thread, NULL, play, &n) != 0)
			_exit(1);
	play(&n);
	_exit(1);
}

TC(killed, "clients that are killed at random leave nothing")
{
	const char *many = getenv("TEST_KILLS");
	int i, before, tries, kills = many != NULL ? atoi(many) : KILLS;
	unsigned state = 1, n;
	pid_t pids[CLIENTS];
	struct shmid_ds ds;

	ATF_REQUIRE((server = server_start(0, "--grace=1 --hello=2")) != -1);
	for (i = 0; i < CLIENTS; i++)
		ATF_REQUIRE((pids[i] = player((unsigned)i)) > 0);
	for (i = 0; i < kills; i++) {
		usleep(20000);
		n = dice(&state, CLIENTS);
		kill(pids[n], SIGKILL);
		ATF_REQUIRE_EQ(waitpid(pids[n], NULL, 0), pids[n]);
		ATF_REQUIRE((pids[n] = player((unsigned)i)) > 0);
	}
	for (i = 0; i < CLIENTS; i++) {
		kill(pids[i], SIGKILL);
		ATF_REQUIRE_EQ(waitpid(pids[i], NULL, 0), pids[i]);
	}
	ATF_REQUIRE_EQ(rumpclient_init(), 0);
	ATF_REQUIRE_EQ(
	    rump_sys_mkdir("/proc", 0755) == 0 || errno == EEXIST, true);
	ATF_REQUIRE_EQ(rump_sys_mount("procfs", "/proc", 0, NULL, 0), 0);
	/* Children of forks that nobody claims have two seconds. */
	for (tries = 0; (before = server_processes()) != 2 && tries < 150;
	     tries++)
		usleep(100000);
	ATF_REQUIRE_EQ(before, 2);
	i = rump_sys_shmget(PLAY_KEY, 0, 0);
	ATF_REQUIRE(i == -1 || (rump_sys_shmctl(i, IPC_STAT, &ds) == 0 &&
				   ds.shm_nattch == 0));
}

/*
 * Clients by hand
 */

TC(strangers, "who speaks another language is not let in")
{
	struct sp_shared *sh;
	int i, fd;

	ATF_REQUIRE((server = server_start(0, NULL)) != -1);
	ATF_REQUIRE_EQ(hand_hello(1, SP_VERSION, SP_H_NEW, 0, &sh), -1);
	ATF_REQUIRE_EQ(hand_hello(SP_MAGIC, 99, SP_H_NEW, 0, &sh), -1);
	ATF_REQUIRE_EQ(hand_hello(SP_MAGIC, SP_VERSION, 77, 0, &sh), -1);
	for (i = SP_H_FORK; i <= SP_H_FILE; i++)
		ATF_REQUIRE_EQ(
		    hand_hello(SP_MAGIC, SP_VERSION, (uint32_t)i, 0, &sh), -1);
	fd = hand_hello(SP_MAGIC, SP_VERSION, SP_H_NEW, 0, &sh);
	ATF_REQUIRE(fd != -1);
	sp_slot(sh, 0)->ss_msg =
	    (struct sp_msg){.sm_op = SP_SYSCALL, .sm_nr = RUMP_SYS_getpid};
	ATF_REQUIRE_EQ(hand_call(fd, sh), 0);
}

/* Messages that no client sends: each ends who sent it. */
static const struct sp_msg lies[] = {
    {.sm_op = SP_NOPS},
    {.sm_op = UINT32_MAX},
    /* Requests without what they are made of, and nothing to be done. */
    {.sm_op = SP_AIO, .sm_args = {SP_AIO_READ}},
    {.sm_op = SP_AIO, .sm_args = {SP_AIO_CANCEL}, .sm_len = 16, .sm_head = 16},
    {.sm_op = SP_AIO, .sm_args = {SP_AIO_GROUP}, .sm_len = 3, .sm_head = 3},
    {.sm_op = SP_AIO, .sm_args = {SP_AIO_FETCH}, .sm_len = 16},
    {.sm_op = SP_AIO, .sm_args = {SP_AIO_GROUPEND + 1}},
    {.sm_len = UINT32_MAX},
    {.sm_len = SP_PAYLOAD + 1},
    {.sm_len = 16, .sm_head = 17},
    {.sm_len = SP_HEADMAX + 1, .sm_head = SP_HEADMAX + 1},
    /* An address, and not an offset. */
    {.sm_nr = RUMP_SYS_chdir, .sm_args = {0x7f0000001000}},
    {.sm_nr = RUMP_SYS_write, .sm_args = {1, 0x7f0000001000, 5}},
    /* Offsets that are outside, not aligned, too near to the end. */
    {.sm_nr = RUMP_SYS_chdir, .sm_args = {SP_TAG}},
    {.sm_nr = RUMP_SYS_chdir, .sm_args = {SP_TAG | 160}, .sm_len = 64},
    {.sm_nr = RUMP_SYS_chdir, .sm_args = {SP_TAG}, .sm_len = 6, .sm_head = 6},
    {.sm_nr = RUMP_SYS_write,
	.sm_args = {1, SP_TAG | 8, 5},
	.sm_len = 64,
	.sm_head = 64},
    {.sm_nr = RUMP_SYS_write,
	.sm_args = {1, SP_TAG | 48, 17},
	.sm_len = 64,
	.sm_head = 64},
    {.sm_nr = RUMP_SYS_write,
	.sm_args = {1, SP_TAG, UINT64_MAX},
	.sm_len = 64,
	.sm_head = 64},
    /* Half of it in what is copied. */
    {.sm_nr = RUMP_SYS_write,
	.sm_args = {1, SP_TAG, 64},
	.sm_len = 64,
	.sm_head = 32},
    /* A structure that can change while it is looked at. */
    {.sm_nr = RUMP_SYS_stat, .sm_args = {1, SP_TAG}, .sm_len = 512},
    /* As many semaphores as it says, without room for those of any set. */
    {.sm_nr = RUMP_SYS_semctl,
	.sm_args = {0, 0, GETALL, SP_TAG, 30},
	.sm_len = 64,
	.sm_head = 64},
    /* A vector whose buffers are elsewhere; one that is too long. */
    {.sm_nr = RUMP_SYS_writev,
	.sm_args = {1, SP_TAG, 2},
	.sm_len = 32,
	.sm_head = 32},
    {.sm_nr = RUMP_SYS_writev,
	.sm_args = {1, SP_TAG, 100000},
	.sm_len = 32,
	.sm_head = 32},
};

/* No NUL in the first bytes, and addresses that a program can have. */
static void
fill(struct sp_slot *ss)
{
	uint64_t word = UINT64_C(0x0000414141414141);
	size_t i;

	for (i = 0; i < 4096; i += sizeof(word))
		memcpy(ss->ss_payload + i, &word, sizeof(word));
}

TC(liars, "a message that no client sends ends that client and nobody else")
{
	struct sp_shared *sh;
	size_t i;
	int fd;

	start();
	for (i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		fd = hand_hello(SP_MAGIC, SP_VERSION, SP_H_NEW, 0, &sh);
		ATF_REQUIRE(fd != -1);
		fill(sp_slot(sh, 0));
		sp_slot(sh, 0)->ss_msg = lies[i];
		(void)hand_call(fd, sh);
		if (!server_ends(fd))
			atf_tc_fail("lie %zu was believed", i);
		close(fd);
		munmap(sh, SP_SHMSIZE);
		ATF_REQUIRE(rump_sys_getpid() > 1);
	}
}

/* A file is given to who has the session's token, for a call that has one. */
TC(files, "the memory of a segment goes to no stranger, and to no other slot")
{
	struct sp_hello h = {.sp_magic = SP_MAGIC,
	    .sp_version = SP_VERSION,
	    .sp_kind = SP_H_NEW};
	struct sp_shared *sh, *none;
	struct sp_welcome sw, got;
	struct sp_slot *ss;
	int fd, i, seg;

	start();
	seg = rump_sys_shmget(IPC_PRIVATE, SP_SHMSIZE, 0600);
	ATF_REQUIRE(seg != -1);
	ATF_REQUIRE((fd = hand_greet(&h, &sw, &sh)) != -1);
	ss = sp_slot(sh, 0);
	h.sp_kind = SP_H_FILE;
	memcpy(h.sp_token, sw.sw_token, SP_TOKEN);
	/* Before there is one; slots that are none; then it is there. */
	for (i = 0; i < 2; i++) {
		h.sp_pid = i == 0 ? 0 : 1;
		close(hand_greet(&h, &got, &none));
		ATF_REQUIRE_EQ(got.sw_error, ESTALE);
		h.sp_pid = i == 0 ? -1 : (int)SP_NSLOTS;
		close(hand_greet(&h, &got, &none));
		ATF_REQUIRE_EQ(got.sw_error, ESTALE);
		ss->ss_msg = (struct sp_msg){
		    .sm_op = SP_SHMFILE, .sm_args = {(uint64_t)seg}};
		ATF_REQUIRE_EQ(hand_call(fd, sh), 0);
		ATF_REQUIRE_EQ(ss->ss_msg.sm_retval, (int64_t)SP_SHMSIZE);
	}
	h.sp_pid = 0;
	close(hand_greet(&h, &got, &none));
	ATF_REQUIRE_EQ(got.sw_error, 0);
	munmap(none, SP_SHMSIZE);
	h.sp_token[0] ^= 1;
	close(hand_greet(&h, &got, &none));
	ATF_REQUIRE_EQ(got.sw_error, ESTALE);
	h.sp_token[0] ^= 1;
	/* The next call in the slot takes it back. */
	memcpy(ss->ss_payload, "x", 2);
	ss->ss_msg = (struct sp_msg){.sm_op = SP_SYSCALL,
	    .sm_nr = RUMP_SYS_memfd_create,
	    .sm_args = {SP_TAG},
	    .sm_len = 16,
	    .sm_head = 16};
	ATF_REQUIRE_EQ(hand_call(fd, sh), 0);
	close(hand_greet(&h, &got, &none));
	ATF_REQUIRE_EQ(got.sw_error, ESTALE);
	/* What is not a segment's is not for this. */
	ss->ss_msg = (struct sp_msg){.sm_op = SP_HOSTFILE,
	    .sm_args = {(uint64_t)ss->ss_msg.sm_retval, 0, PROT_READ}};
	ATF_REQUIRE_EQ(hand_call(fd, sh), 0);
	close(hand_greet(&h, &got, &none));
	ATF_REQUIRE_EQ(got.sw_error, ESTALE);
}

/* What a pointer in a structure must not be. */
static const uint64_t inner_lies[] = {
    UINT64_C(0x7f0000001000), /* an address */
    SP_TAG | 8,		      /* not aligned */
    SP_TAG | 48,	      /* no NUL until the end of the head */
    SP_TAG | 64,	      /* outside of it */
    SP_TAG | 1 << 20,
};

TC(liars_inside, "nor is a structure believed whose pointers lead elsewhere")
{
	struct sp_shared *sh;
	struct sp_slot *ss;
	size_t i;
	int fd;

	start();
	for (i = 0; i < sizeof(inner_lies) / sizeof(inner_lies[0]); i++) {
		fd = hand_hello(SP_MAGIC, SP_VERSION, SP_H_NEW, 0, &sh);
		ATF_REQUIRE(fd != -1);
		ss = sp_slot(sh, 0);
		fill(ss);
		memset(ss->ss_payload + 48, 'x', 16);
		memcpy(ss->ss_payload, "null", 5);
		memcpy(ss->ss_payload + 16, "/", 2);
		memcpy(ss->ss_payload + 32, &inner_lies[i], 8);
		ss->ss_msg = (struct sp_msg){.sm_nr = RUMP_SYS_mount,
		    .sm_args = {SP_TAG, SP_TAG | 16, 0, SP_TAG | 32, 8},
		    .sm_len = 64,
		    .sm_head = 64};
		(void)hand_call(fd, sh);
		if (!server_ends(fd))
			atf_tc_fail("lie %zu was believed", i);
		close(fd);
		munmap(sh, SP_SHMSIZE);
		ATF_REQUIRE(rump_sys_getpid() > 1);
	}
}

/* Each answer is a byte in the socket, until that is full. */
TC(never_reads, "who does not read keeps nobody waiting, and loses nothing")
{
	struct sp_shared *sh;
	struct sp_slot *ss;
	int i, fd;

	start();
	fd = hand_hello(SP_MAGIC, SP_VERSION, SP_H_NEW, 0, &sh);
	ATF_REQUIRE(fd != -1);
	ss = sp_slot(sh, 0);
	for (i = 0; i < 2000; i++) {
		ss->ss_msg = (struct sp_msg){
		    .sm_op = SP_SYSCALL, .sm_nr = RUMP_SYS_getpid};
		atomic_store(&ss->ss_state, SP_REQUEST | SP_WAITS_SOCK);
		ATF_REQUIRE(hand_ring(fd, sh));
		while ((atomic_load(&ss->ss_state) & SP_STATE) != SP_DONE)
			usleep(1);
		ATF_REQUIRE_EQ(ss->ss_msg.sm_error, 0);
	}
	ATF_REQUIRE(rump_sys_getpid() > 1);
}

TC(no_memory, "a client that wants no shared memory has a stream")
{
	struct sp_hello h = {.sp_magic = SP_MAGIC,
	    .sp_version = SP_VERSION,
	    .sp_kind = SP_H_NEW,
	    .sp_flags = SP_H_NOSHM};
	struct sp_frame f = {.sf_number = 1,
	    .sf_msg = {.sm_op = SP_SYSCALL, .sm_nr = RUMP_SYS_getpid}};
	struct sp_welcome sw;
	int fd;

	start();
	ATF_REQUIRE((fd = server_connect(0)) != -1);
	ATF_REQUIRE_EQ(write(fd, &h, sizeof(h)), (ssize_t)sizeof(h));
	ATF_REQUIRE_EQ(recv(fd, &sw, sizeof(sw), MSG_WAITALL), sizeof(sw));
	ATF_REQUIRE_EQ(sw.sw_error, 0);
	ATF_REQUIRE_EQ(sw.sw_flags & SP_W_SHM, 0);
	ATF_REQUIRE_EQ(write(fd, &f, sizeof(f)), (ssize_t)sizeof(f));
	ATF_REQUIRE_EQ(recv(fd, &f, sizeof(f), MSG_WAITALL), sizeof(f));
	ATF_REQUIRE_EQ(f.sf_msg.sm_retval, sw.sw_pid);
}

TC(slots, "a call in a slot that a client may not use ends that client")
{
	struct sp_shared *sh;
	int fd;

	ATF_REQUIRE((server = server_start(0, "--max-calls=64")) != -1);
	ATF_REQUIRE_EQ(rumpclient_init(), 0);
	fd = hand_hello(SP_MAGIC, SP_VERSION, SP_H_NEW, 0, &sh);
	ATF_REQUIRE(fd != -1);
	sp_slot(sh, 64)->ss_msg =
	    (struct sp_msg){.sm_op = SP_SYSCALL, .sm_nr = RUMP_SYS_getpid};
	atomic_store(&sp_slot(sh, 64)->ss_state, SP_REQUEST);
	atomic_fetch_or(&sh->sh_bell[1], 1);
	(void)send(fd, "", 1, MSG_NOSIGNAL);
	ATF_REQUIRE(server_ends(fd));
	ATF_REQUIRE(rump_sys_getpid() > 1);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, never_reads);
	ATF_TP_ADD_TC(tp, no_memory);
	ATF_TP_ADD_TC(tp, slots);
	ATF_TP_ADD_TC(tp, server_dies);
	ATF_TP_ADD_TC(tp, server_dies_threads);
	ATF_TP_ADD_TC(tp, die);
	ATF_TP_ADD_TC(tp, fork_meanwhile);
	ATF_TP_ADD_TC(tp, closefrom);
	ATF_TP_ADD_TC(tp, exec_target);
	ATF_TP_ADD_TC(tp, exec);
	ATF_TP_ADD_TC(tp, sockets);
	ATF_TP_ADD_TC(tp, silent);
	ATF_TP_ADD_TC(tp, crowd);
	ATF_TP_ADD_TC(tp, many);
	ATF_TP_ADD_TC(tp, killed);
	ATF_TP_ADD_TC(tp, strangers);
	ATF_TP_ADD_TC(tp, liars);
	ATF_TP_ADD_TC(tp, files);
	ATF_TP_ADD_TC(tp, liars_inside);
	return atf_no_error();
}
