/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The operations whose instructions are counted.  Run under callgrind with
 * collection off: each operation is repeated with it on and its total dumped
 * under its name, with the number of calls; see check.
 *
 * Another operation is another function and a line in ops[].
 */
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <assert.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <valgrind/callgrind.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>
#include <rump/rumpfiber.h>

/* Enough reads for a lock to be held lightly (KRW_LIGHT). */
#define WARMUP 1200
#define CALLS  3000

struct op {
	const char *o_name;
	int o_each; /* operations in one call of o_body */
	void (*o_setup)(void);
	void (*o_body)(void);
	void (*o_finish)(void);
};

static struct lwp *lwps[2];
static int fds[2];

static void
must(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		exit(1);
	}
}

static void
bind_proc(void)
{
	must(rump_pub_lwproc_rfork(RUMP_RFCFDG) == 0, "rfork");
}

static void
bind_two(void)
{
	bind_proc();
	lwps[0] = rump_pub_lwproc_curlwp();
	must(rump_pub_lwproc_newlwp(rump_sys_getpid()) == 0, "newlwp");
	lwps[1] = rump_pub_lwproc_curlwp();
}

static void
release_two(void)
{
	rump_pub_lwproc_switch(lwps[0]);
	rump_pub_lwproc_releaselwp();
	rump_pub_lwproc_switch(lwps[1]);
	rump_pub_lwproc_releaselwp();
}

static void
bind_pipe(void)
{
	bind_proc();
	must(rump_sys_pipe(fds) == 0, "pipe");
}

static void
bind_socket(void)
{
	bind_proc();
	must(rump_sys_socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0,
	    "socketpair");
}

static void
do_nothing(void)
{
}

static void
do_getpid(void)
{
	rump_sys_getpid();
}

static void
do_curlwp(void)
{
	rump_pub_lwproc_curlwp();
}

static void
do_switch(void)
{
	rump_pub_lwproc_switch(lwps[0]);
	rump_pub_lwproc_switch(lwps[1]);
}

static void
do_newlwp(void)
{
	rump_pub_lwproc_newlwp(1);
	rump_pub_lwproc_releaselwp();
}

static void
do_rfork(void)
{
	rump_pub_lwproc_rfork(RUMP_RFCFDG);
	rump_pub_lwproc_releaselwp();
}

static void
do_pipe(void)
{
	char c = 'x';

	rump_sys_write(fds[1], &c, 1);
	rump_sys_read(fds[0], &c, 1);
}

static void
bind_poll(void)
{
	struct epoll_event ev = {EPOLLIN, {.fd = 0}};

	bind_proc();
	fds[0] = rump_sys_eventfd(1, 0);
	fds[1] = rump_sys_epoll_create1(0);
	must(fds[0] >= 0 && fds[1] >= 0 &&
		 rump_sys_epoll_ctl(fds[1], EPOLL_CTL_ADD, fds[0], &ev) == 0,
	    "epoll");
}

static void
do_poll(void)
{
	struct pollfd p = {fds[0], POLLIN, 0};

	rump_sys_poll(&p, 1, -1);
}

static void
do_epoll(void)
{
	struct epoll_event ev;

	rump_sys_epoll_wait(fds[1], &ev, 1, -1);
}

static int kill_pid;

static void
on_signal(int signo)
{
	(void)signo;
}

static void
bind_handler(void)
{
	struct sigaction sa = {.sa_handler = on_signal};

	bind_proc();
	kill_pid = rump_sys_getpid();
	must(rump_sys_sigaction(SIGUSR1, &sa, NULL) == 0, "sigaction");
}

static void
do_kill(void)
{
	rump_sys_kill(kill_pid, SIGUSR1);
}

/* What make_tree makes in the root, where all processes are. */
#define FILE_NAME "d/file"
#define DEEP_NAME "d/d/d/d/d/d/d/file"
#define DEEP_DIRS 7

static char page[4096];
static struct stat sb;

static void
make_file(const char *name)
{
	int fd = rump_sys_open(name, O_WRONLY | O_CREAT, 0644);

	must(fd >= 0 && rump_sys_write(fd, page, sizeof(page)) == sizeof(page),
	    name);
	rump_sys_close(fd);
}

static void
make_tree(void)
{
	bind_proc();
	for (int i = 0; i < DEEP_DIRS; i++)
		must(rump_sys_mkdir("d", 0755) == 0 && rump_sys_chdir("d") == 0,
		    "mkdir");
	must(rump_sys_chdir("/") == 0, "chdir");
	make_file(FILE_NAME);
	make_file(DEEP_NAME);
	rump_pub_lwproc_releaselwp();
}

static void
bind_file(void)
{
	bind_proc();
	fds[0] = rump_sys_open(FILE_NAME, O_RDWR);
	must(fds[0] >= 0, FILE_NAME);
}

static void
do_open(void)
{
	rump_sys_close(rump_sys_open(FILE_NAME, O_RDONLY));
}

static void
do_stat(void)
{
	rump_sys_stat(FILE_NAME, &sb);
}

static void
do_stat8(void)
{
	rump_sys_stat(DEEP_NAME, &sb);
}

static void
do_fstat(void)
{
	rump_sys_fstat(fds[0], &sb);
}

static void
do_pread(void)
{
	rump_sys_pread(fds[0], page, 1, 100);
}

static void
do_pread4k(void)
{
	rump_sys_pread(fds[0], page, sizeof(page), 0);
}

static void
do_pwrite(void)
{
	rump_sys_pwrite(fds[0], page, 1, 100);
}

static void
do_pwrite4k(void)
{
	rump_sys_pwrite(fds[0], page, sizeof(page), 0);
}

static void
do_create(void)
{
	rump_sys_close(rump_sys_open("/new", O_WRONLY | O_CREAT, 0600));
	rump_sys_unlink("/new");
}

/* The same by mknod, in a directory of MANY; each time another name. */
#define MANY 1000

static void
many_name(char name[16], unsigned i)
{
	snprintf(name, 16, "/many/%u", i);
}

static char names[64][16];

static void
bind_many(void)
{
	char name[16];

	bind_proc();
	must(rump_sys_mkdir("/many", 0700) == 0, "mkdir");
	for (unsigned i = 0; i < MANY; i++) {
		many_name(name, i);
		must(rump_sys_mknod(name, S_IFREG | 0600, 0) == 0, "mknod");
	}
	for (unsigned i = 0; i < 64; i++)
		many_name(names[i], MANY + i);
}

static void
do_mknod(void)
{
	static unsigned turn;
	const char *name = names[turn++ % 64];

	rump_sys_mknod(name, S_IFREG | 0600, 0);
	rump_sys_unlink(name);
}

static void
release_many(void)
{
	char name[16];

	for (unsigned i = 0; i < MANY; i++) {
		many_name(name, i);
		must(rump_sys_unlink(name) == 0, "unlink");
	}
	must(rump_sys_rmdir("/many") == 0, "rmdir");
	rump_pub_lwproc_releaselwp();
}

/*
 * Fibers: these are done by one fiber, and its partner does as much.
 */

static struct rump_fiber *partner;
static int back[2];
static int stopping;

static void *
yield_main(void *arg)
{
	while (!stopping)
		rump_fiber_yield();
	return arg;
}

static void
make_yielder(void)
{
	bind_proc();
	stopping = 0;
	must(rump_fiber_create(&partner, yield_main, NULL, 0, NULL) == 0,
	    "create");
}

static void
join_yielder(void)
{
	stopping = 1;
	must(rump_fiber_join(partner, NULL) == 0, "join");
	rump_pub_lwproc_releaselwp();
}

static void *
echo_main(void *arg)
{
	char c;

	while (rump_sys_read(fds[0], &c, 1) == 1)
		rump_sys_write(back[1], &c, 1);
	return arg;
}

static void
make_echo(void)
{
	bind_proc();
	must(rump_sys_pipe(fds) == 0 && rump_sys_pipe(back) == 0, "pipe");
	must(rump_fiber_create(&partner, echo_main, NULL, 0, NULL) == 0,
	    "create");
}

static void
join_echo(void)
{
	rump_sys_close(fds[1]);
	must(rump_fiber_join(partner, NULL) == 0, "join");
	rump_pub_lwproc_releaselwp();
}

static void
do_pingpong(void)
{
	char c = 'x';

	rump_sys_write(fds[1], &c, 1);
	rump_sys_read(back[0], &c, 1);
}

/* The first one is what the loop itself costs. */
static const struct op ops[] = {
    {"-", 1, do_nothing, do_nothing, do_nothing},
    {"getpid_bound", 1, bind_proc, do_getpid, rump_pub_lwproc_releaselwp},
    {"getpid_implicit", 1, do_nothing, do_getpid, do_nothing},
    {"curlwp", 1, bind_proc, do_curlwp, rump_pub_lwproc_releaselwp},
    {"switch", 2, bind_two, do_switch, release_two},
    {"newlwp_releaselwp", 1, do_nothing, do_newlwp, do_nothing},
    {"rfork_releaselwp", 1, do_nothing, do_rfork, do_nothing},
    {"pipe_rw", 1, bind_pipe, do_pipe, rump_pub_lwproc_releaselwp},
    {"socket_rw", 1, bind_socket, do_pipe, rump_pub_lwproc_releaselwp},
    {"poll_1", 1, bind_poll, do_poll, rump_pub_lwproc_releaselwp},
    {"kill_handler", 1, bind_handler, do_kill, rump_pub_lwproc_releaselwp},
    {"epoll_wait_1", 1, bind_poll, do_epoll, rump_pub_lwproc_releaselwp},
    {"open_close", 1, bind_proc, do_open, rump_pub_lwproc_releaselwp},
    {"stat", 1, bind_proc, do_stat, rump_pub_lwproc_releaselwp},
    {"stat_8", 1, bind_proc, do_stat8, rump_pub_lwproc_releaselwp},
    {"fstat", 1, bind_file, do_fstat, rump_pub_lwproc_releaselwp},
    {"pread_1", 1, bind_file, do_pread, rump_pub_lwproc_releaselwp},
    {"pread_4k", 1, bind_file, do_pread4k, rump_pub_lwproc_releaselwp},
    {"pwrite_1", 1, bind_file, do_pwrite, rump_pub_lwproc_releaselwp},
    {"pwrite_4k", 1, bind_file, do_pwrite4k, rump_pub_lwproc_releaselwp},
    {"create_unlink", 1, bind_proc, do_create, rump_pub_lwproc_releaselwp},
    {"mknod_unlink", 1, bind_many, do_mknod, release_many},
};

/* The same in a kernel of fibers. */
static const struct op fiber_ops[] = {
    {"-", 1, do_nothing, do_nothing, do_nothing},
    {"fiber_switch", 2, make_yielder, rump_fiber_yield, join_yielder},
    {"fiber_pipe_read", 2, make_echo, do_pingpong, join_echo},
};

static void
measure(const struct op *op)
{
	/* Not known to the compiler, so that all bodies are called alike. */
	void (*volatile vbody)(void) = op->o_body;
	void (*body)(void) = vbody;
	char label[64];

	op->o_setup();
	for (int i = 0; i < WARMUP; i++)
		body();
	CALLGRIND_ZERO_STATS;
	CALLGRIND_TOGGLE_COLLECT;
	for (int i = 0; i < CALLS; i++)
		body();
	CALLGRIND_TOGGLE_COLLECT;
	snprintf(label, sizeof(label), "%s %d", op->o_name, CALLS * op->o_each);
	CALLGRIND_DUMP_STATS_AT(label);
	op->o_finish();
}

static void *
measure_fibers(void *arg)
{
	for (size_t i = 0; i < sizeof(fiber_ops) / sizeof(fiber_ops[0]); i++)
		measure(&fiber_ops[i]);
	return arg;
}

/* With an argument, the operations of fibers. */
int
main(int argc, char *argv[])
{
	struct rump_fiber *rf;

	(void)argv;
	if (argc > 1)
		must(rump_boot_setthreads("fiber") == 0, "setthreads");
	must(rump_init() == 0, "rump_init");
	if (argc > 1) {
		must(rump_fiber_create(&rf, measure_fibers, NULL, 0, NULL) == 0,
		    "create");
		must(rump_fiber_join(rf, NULL) == 0, "join");
		return 0;
	}
	make_tree();
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		measure(&ops[i]);
	return 0;
}
