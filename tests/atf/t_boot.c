/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Booting, calls before boot, and the calls around boot.  Every case boots
 * in a forked child of the host, which has not booted before.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <fcntl.h>
#include <limits.h>

#include <rump/rump_server.h>
#include <rump/rumpuser.h>

#include "../lib/child.h"
#include "../lib/threads.h"

static void
twice(void *arg)
{
	struct lwp *l;
	pid_t pid;

	(void)arg;
	T_EQ(0, rump_init());
	l = newproc(0);
	pid = rump_sys_getpid();
	for (int i = 0; i < 3; i++)
		T_EQ(0, rump_init());
	T_PTR(l, rump_pub_lwproc_curlwp());
	T_EQ(pid, rump_sys_getpid());
}

TC(init_again_does_nothing, "rump_init after success is 0 and no effect.")
{
	child_passes(twice, NULL);
}

static void
init_and_use(struct thread *t)
{
	(void)t;
	T_EQ(0, rump_init());
	T_EQ(1, rump_sys_getpid());
	(void)newproc(0);
	rump_pub_lwproc_releaselwp();
}

static void
concurrently(void *arg)
{
	struct thread team[8];

	(void)arg;
	team_start(team, 8, init_and_use, NULL);
	team_join(team, 8);
	T_EQ(1, rump_sys_getpid());
}

TC(init_from_many_threads, "Concurrent rump_init: all wait for the first.")
{
	for (int i = 0; i < 20; i++)
		child_passes(concurrently, NULL);
}

static void
before_boot(void *arg)
{
	struct rump_memstat st;
	struct stat sb;
	int fd[2];

	(void)arg;
	T_ERR(ENXIO, rump_sys_getpid());
	T_ERR(ENXIO, rump_sys_open("/", O_RDONLY));
	T_ERR(ENXIO, rump_sys_stat("/", &sb));
	T_ERR(ENXIO, rump_sys_pipe(fd));
	T_ERR(ENXIO, rump_sys_close(0));
	T_ERR(ENXIO, rump_sys_kill(1, 0));
	T_EQ(ENXIO, rump_pub_lwproc_rfork(0));
	T_EQ(ENXIO, rump_pub_lwproc_rfork(RUMP_RFCFDG));
	T_EQ(ENXIO, rump_pub_lwproc_newlwp(1));
	T_EQ(ENXIO, rump_pub_memstat(&st));
	T_PTR(NULL, rump_pub_lwproc_curlwp());
	rump_pub_lwproc_switch(NULL);
	T_PTR(NULL, rump_pub_cred_create(1, 1, 0, NULL));
	/* And none of it is in the way. */
	T_EQ(0, rump_init());
	T_EQ(1, rump_sys_getpid());
	T_OK(rump_sys_stat("/", &sb));
	(void)newproc(0);
}

TC(calls_before_boot_fail, "ENXIO, NULL, and no harm.")
{
	child_passes(before_boot, NULL);
}

static void
release_before_boot(void *arg)
{
	(void)arg;
	rump_pub_lwproc_releaselwp();
}

TC(releaselwp_before_boot_is_fatal, "There is no lwp to release.")
{
	child_aborts(release_before_boot, NULL, "releaselwp", "");
}

static void
first_state(void *arg)
{
	struct stat sb;
	char buf[8];

	(void)arg;
	boot();
	T_EQ(1, rump_sys_getpid());
	T_OK(rump_sys___getcwd(buf, sizeof(buf)));
	T_ASSERT(strcmp(buf, "/") == 0);
	T_OK(rump_sys_stat("/", &sb));
	T_ASSERT(S_ISDIR(sb.st_mode));
	for (int fd = 0; fd < 3; fd++) {
		T_OK(rump_sys_fcntl(fd, F_GETFD));
		T_OK(rump_sys_fstat(fd, &sb));
		T_ASSERT(S_ISCHR(sb.st_mode));
	}
	T_ERR(EBADF, rump_sys_fcntl(3, F_GETFD));
	T_EQ(4, rump_sys_write(1, "out\n", 4));
	T_EQ(4, rump_sys_write(2, "err\n", 4));
	(void)newproc(RUMP_RFCFDG);
	T_ERR(EBADF, rump_sys_write(1, "no\n", 3));
}

TC(state_after_boot,
    "Process 1 in the root directory, descriptors 0 to 2 on the console, "
    "which is the host's standard output.")
{
	struct child c;

	child_run_fds(&c, first_state, NULL, true);
	if (c.status != 0)
		tc_fail(__FILE__, __LINE__, "%#x %s", c.status, c.out);
	T_ASSERT(strstr(c.out, "out\n") != NULL);
	T_ASSERT(strstr(c.out, "err\n") != NULL);
	T_ASSERT(strstr(c.out, "no\n") == NULL);
}

static void
console_to_stdout(void *arg)
{
	(void)arg;
	/* Standard error is caught, standard output not. */
	(void)dup2(STDERR_FILENO, STDOUT_FILENO);
	(void)close(STDERR_FILENO);
	tc_in_child = true;
	boot();
	T_EQ(3, rump_sys_write(2, "abc", 3));
	rumpuser_putchar('d');
}

TC(console_is_standard_output, "Both descriptors 1 and 2 go there.")
{
	struct child c;

	child_run(&c, console_to_stdout, NULL);
	T_EQ(0, c.status);
	T_ASSERT(strcmp(c.out, "abcd") == 0);
}

TC(version_and_abi, "Known before boot and the same after.")
{
	int v = rump_getversion();

	T_ASSERT(v > 0);
	T_EQ(v, rump_pub_getversion());
	T_EQ(1, rump_nativeabi_p());
	boot();
	T_EQ(v, rump_getversion());
	T_EQ(v, rump_pub_getversion());
	T_EQ(1, rump_nativeabi_p());
}

static void
verbose_by_howto(void *arg)
{
	T_EQ(0, rump_boot_gethowto());
	rump_boot_sethowto(*(int *)arg);
	T_EQ(*(int *)arg, rump_boot_gethowto());
	boot();
}

TC(howto, "The boot flags are kept; RUMP_AB_VERBOSE prints what boot does.")
{
	struct child c;
	int howto = 0;

	child_run_fds(&c, verbose_by_howto, &howto, true);
	T_EQ(0, c.status);
	T_EQ(0, c.outlen);
	howto = RUMP_AB_VERBOSE;
	child_run_fds(&c, verbose_by_howto, &howto, true);
	T_EQ(0, c.status);
	T_ASSERT(c.outlen > 0);
}

static void
print_events(void *arg)
{
	(void)arg;
	boot();
	for (int i = 0; i < 5; i++) {
		(void)newproc(0);
		rump_pub_lwproc_releaselwp();
	}
	rump_printevcnts();
}

TC(printevcnts, "Event counters go to the console, some lines.")
{
	struct child c;

	child_run_fds(&c, print_events, NULL, true);
	T_EQ(0, c.status);
	T_ASSERT(child_matches(c.out, "[0-9]"));
	T_ASSERT(c.outlen > 20 && c.out[c.outlen - 1] == '\n');
}

static void
server(void *arg)
{
	struct stat sb;

	(void)arg;
	T_EQ(0, rump_init_server("unix://here"));
	T_OK(stat("here", &sb));
	T_ASSERT(S_ISSOCK(sb.st_mode));
	T_EQ(1, rump_sys_getpid());
	T_EQ(0, rump_init());
	T_EQ(EBUSY, rump_init_server("unix://there"));
}

/* A socket of the host, at a name, that may listen. */
static int
host_socket(const char *name, bool listens)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	T_OK(fd);
	strcpy(sun.sun_path, name);
	T_OK(bind(fd, (const struct sockaddr *)&sun, sizeof(sun)));
	if (listens)
		T_OK(listen(fd, 1));
	return fd;
}

/* Who has connected before finds a server. */
static void
server_of_socket(void *arg)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX, .sun_path = "there"};
	int fd = host_socket("there", true), c;
	char bytes[64] = "";
	int wrong[2];

	(void)arg;
	T_OK(c = socket(AF_UNIX, SOCK_STREAM, 0));
	T_OK(connect(c, (const struct sockaddr *)&sun, sizeof(sun)));
	T_OK(pipe(wrong));
	T_EQ(0, rump_server_limit(RUMP_SERVER_LISTENING, (unsigned)wrong[0]));
	T_EQ(ENOTSOCK, rump_init_server("unix://there"));
	T_EQ(0, rump_server_limit(RUMP_SERVER_LISTENING, INT_MAX));
	T_EQ(EBADF, rump_init_server("unix://there"));
	T_EQ(0, rump_server_limit(RUMP_SERVER_LISTENING,
		    (unsigned)host_socket("deaf", false)));
	T_EQ(EINVAL, rump_init_server("unix://there"));
	T_EQ(0, rump_server_limit(RUMP_SERVER_LISTENING, (unsigned)fd));
	T_EQ(0, rump_init_server("unix://there"));
	T_EQ(sizeof(bytes), write(c, bytes, sizeof(bytes)));
	/* It is no greeting: the connection ends. */
	T_ASSERT(read(c, bytes, sizeof(bytes)) >= 0 || errno == ECONNRESET);
	T_OK(unlink("there"));
	T_OK(unlink("deaf"));
}

static void
no_server(void *arg)
{
	(void)arg;
	T_EQ(EINVAL, rump_init_server("nothing that is a url"));
	T_EQ(ENOENT, rump_init_server("unix://no/such/directory"));
	/* And then one. */
	T_EQ(0, rump_init_server("unix://here"));
}

static void
server_on_fibers(void *arg)
{
	(void)arg;
	T_EQ(ENOTSUP, rump_init_server("unix://here"));
	T_EQ(1, rump_sys_getpid());
}

TC(init_server_boots, "A server is a kernel, and has a socket.")
{
	const char *threads = getenv("RUMP_THREADS");

	if (threads != NULL && strcmp(threads, "fiber") == 0) {
		child_passes(server_on_fibers, NULL);
		return;
	}
	child_passes(server, NULL);
	T_EQ(0, unlink("here"));
	child_passes(no_server, NULL);
	child_passes(server_of_socket, NULL);
}

TC(server_limits, "What a server cannot keep to is refused.")
{
	static const struct {
		enum rump_server_limit which;
		unsigned long good, bad;
	} limits[] = {
	    {RUMP_SERVER_GRACE, INT_MAX, 1ul << 62},
	    {RUMP_SERVER_FILES, 3, 2},
	    {RUMP_SERVER_FILES, INT_MAX, 1ul + INT_MAX},
	    {RUMP_SERVER_CALLS, 1, 0},
	    {RUMP_SERVER_MEMORY, 0, ULONG_MAX},
	    {RUMP_SERVER_HELLO, 1, 0},
	    {RUMP_SERVER_HELLO, INT_MAX, ULONG_MAX / 1000000000},
	    {RUMP_SERVER_LWPS, 0, UINT_MAX + 1ul},
	    {RUMP_SERVER_LISTENING, INT_MAX, 1ul + INT_MAX},
	    {RUMP_SERVER_SPIN, 50, 49},
	    {RUMP_SERVER_SPIN, 1000000, 1000001},
	};
	size_t i;

	for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		T_EQ(0, rump_server_limit(limits[i].which, limits[i].good));
		T_EQ(EINVAL, rump_server_limit(limits[i].which, limits[i].bad));
	}
	T_EQ(EINVAL, rump_server_limit((enum rump_server_limit)99, 1));
	T_EQ(EINVAL, rump_server_limit((enum rump_server_limit) - 1, 1));
}

/*
 * Detaching.  The child of child.h is the parent that waits; what it becomes
 * writes into this pipe of the host.
 */
static int told[2];

static void
daemon_good(void *arg)
{
	pid_t sid = getsid(0);
	char msg = 'd';

	(void)arg;
	T_EQ(0, rump_daemonize_begin());
	boot();
	T_EQ(1, rump_sys_getpid());
	T_EQ(0, rump_daemonize_done(RUMP_DAEMONIZE_SUCCESS));
	if (getsid(0) != sid)
		msg = 'D';
	/* The kernel works in what is left. */
	(void)newproc(0);
	if (rump_sys_getpid() <= 1)
		msg = 'p';
	host_msleep(100);
	(void)write(told[1], &msg, 1);
	_exit(0);
}

static void
daemon_bad(void *arg)
{
	(void)arg;
	T_EQ(0, rump_daemonize_begin());
	(void)rump_daemonize_done(ENOMEM);
	_exit(0);
}

static void
daemon_told(void *arg)
{
	(void)arg;
	T_EQ(0, rump_daemonize_begin());
	(void)rump_daemonize_done(RUMP_DAEMONIZE_TOLD);
	_exit(0);
}

static void
daemon_dies(void *arg)
{
	(void)arg;
	T_EQ(0, rump_daemonize_begin());
	_exit(3);
}

static void
daemon_without_begin(void *arg)
{
	(void)arg;
	T_EQ(EINVAL, rump_daemonize_done(0));
	T_EQ(EINVAL, rump_daemonize_done(EIO));
}

TC(daemonize_success, "The parent leaves with 0, the child serves on.")
{
	struct child c;
	char msg;

	T_EQ(0, pipe(told));
	child_run(&c, daemon_good, NULL);
	T_ASSERT(WIFEXITED(c.status));
	T_EQ(0, WEXITSTATUS(c.status));
	T_EQ(1, read(told[0], &msg, 1));
	T_EQ('D', msg);
}

TC(daemonize_failure, "The parent prints the error and leaves with 1.")
{
	struct child c;

	child_run(&c, daemon_bad, NULL);
	T_ASSERT(WIFEXITED(c.status));
	T_EQ(1, WEXITSTATUS(c.status));
	T_ASSERT(c.outlen > 0);
	child_run(&c, daemon_told, NULL);
	T_ASSERT(WIFEXITED(c.status));
	T_EQ(1, WEXITSTATUS(c.status));
	T_EQ(0, c.outlen);
	child_run(&c, daemon_dies, NULL);
	T_ASSERT(!c.late);
	T_ASSERT(WIFEXITED(c.status) && WEXITSTATUS(c.status) != 0);
	child_passes(daemon_without_begin, NULL);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, init_again_does_nothing);
	ATF_TP_ADD_TC(tp, init_from_many_threads);
	ATF_TP_ADD_TC(tp, calls_before_boot_fail);
	ATF_TP_ADD_TC(tp, releaselwp_before_boot_is_fatal);
	ATF_TP_ADD_TC(tp, state_after_boot);
	ATF_TP_ADD_TC(tp, console_is_standard_output);
	ATF_TP_ADD_TC(tp, version_and_abi);
	ATF_TP_ADD_TC(tp, howto);
	ATF_TP_ADD_TC(tp, printevcnts);
	ATF_TP_ADD_TC(tp, init_server_boots);
	ATF_TP_ADD_TC(tp, server_limits);
	ATF_TP_ADD_TC(tp, daemonize_success);
	ATF_TP_ADD_TC(tp, daemonize_failure);
	return atf_no_error();
}
