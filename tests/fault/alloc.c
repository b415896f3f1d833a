/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every allocation of kernel memory failing in turn.
 *
 *	alloc [-v] [name]
 *
 * A scenario is run with its first allocation failing, then with its second,
 * and so on until it comes through without having reached the one that was to
 * fail.  Each failure must be reported as ENOMEM (or ENOSPC where data of a
 * file has no room), must change nothing (the same context, and the kernel's
 * bytes, processes, lwps, files and credentials as before), and the scenario
 * must work when it is tried again.  A scenario may also get along without
 * the memory, as one that only releases must.
 */
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>
#include <rump/rumpuser.h>

#define MAX_ALLOCS 2000 /* no scenario makes so many */

static const char *scenario = "start";
static long failing; /* the allocation that fails */
static int errors;
static bool verbose;

/* State between setup, run and undo. */
static struct lwp *base;
static int fd, fds[2];

static void
complain(const char *what, long want, long got)
{
	fprintf(stderr, "fault-alloc: %s, allocation %ld: %s: want %ld, "
	    "got %ld (errno %d)\n", scenario, failing, what, want, got, errno);
	errors++;
}

/* What the scenarios themselves need without a fault. */
#define MUST(expr) must((long)(expr), #expr, __LINE__)

static long
must(long rv, const char *what, int line)
{
	if (rv == -1) {
		fprintf(stderr, "fault-alloc: %s, allocation %ld: line %d: "
		    "%s: %s\n", scenario, failing, line, what,
		    strerror(errno));
		exit(1);
	}
	return rv;
}

/* A system call's result as an errno. */
static int
result(long rv)
{
	return rv == -1 ? errno : 0;
}

/*
 * Processes and lwps
 */
static int
run_rfork_share(void)
{
	return rump_pub_lwproc_rfork(0);
}

static int
run_rfork_copy(void)
{
	return rump_pub_lwproc_rfork(RUMP_RFFDG);
}

static int
run_rfork_clear(void)
{
	return rump_pub_lwproc_rfork(RUMP_RFCFDG);
}

static int
run_newlwp(void)
{
	return rump_pub_lwproc_newlwp(rump_sys_getpid());
}

static int
run_newlwp_1(void)
{
	return rump_pub_lwproc_newlwp(1);
}

static void
undo_lwp(void)
{
	rump_pub_lwproc_releaselwp();
	rump_pub_lwproc_switch(base);
}

static void
setup_pipe(void)
{
	MUST(rump_sys_pipe(fds));
}

static void
setup_table(void)
{
	setup_pipe();
	for (int i = 0; i < 200; i++)
		MUST(rump_sys_dup(fds[0]));
}

static void
undo_table(void)
{
	undo_lwp();
}

static int
run_make_and_release(void)
{
	int error = rump_pub_lwproc_rfork(RUMP_RFFDG);

	if (error != 0)
		return error;
	/* From here on nothing may fail. */
	rump_pub_lwproc_releaselwp();
	rump_pub_lwproc_switch(base);
	return 0;
}

/*
 * Descriptors and pipes
 */
static int
run_pipe(void)
{
	return result(rump_sys_pipe(fds));
}

static void
undo_pipe(void)
{
	MUST(rump_sys_close(fds[0]));
	MUST(rump_sys_close(fds[1]));
}

static int
run_dup(void)
{
	return result(fd = rump_sys_dup(fds[0]));
}

static int
run_dup2_far(void)
{
	return result(fd = rump_sys_dup2(fds[0], 900));
}

static int
run_dupfd_far(void)
{
	return result(fd = rump_sys_fcntl(fds[0], F_DUPFD, (uintptr_t)700));
}

static void
undo_fd(void)
{
	MUST(rump_sys_close(fd));
}

static char big[1 << 20];

static int
run_pipe_write(void)
{
	return result(rump_sys_write(fds[1], big, 65536));
}

static void
undo_pipe_write(void)
{
	int left;

	/* A write that ran out of memory on the way says how far it came. */
	for (;;) {
		MUST(rump_sys_ioctl(fds[0], FIONREAD, &left));
		if (left == 0)
			break;
		MUST(rump_sys_read(fds[0], big, sizeof(big)));
	}
}

static int
run_pipe_writev(void)
{
	struct iovec iov[200];

	for (int i = 0; i < 200; i++) {
		iov[i].iov_base = big;
		iov[i].iov_len = 10;
	}
	return result(rump_sys_writev(fds[1], iov, 200));
}

static void
undo_pipe_writev(void)
{
	if (MUST(rump_sys_read(fds[0], big, sizeof(big))) != 2000)
		complain("bytes in the pipe", 2000, 0);
}

static int
run_close_range(void)
{
	return result(rump_sys_close_range(100, 200, CLOSE_RANGE_UNSHARE));
}

static void
setup_shared_table(void)
{
	setup_table();
	/* Two processes with one table; base is the second. */
	MUST(rump_pub_lwproc_rfork(0) == 0 ? 0 : -1);
	struct lwp *l = rump_pub_lwproc_curlwp();

	rump_pub_lwproc_switch(base);
	rump_pub_lwproc_releaselwp();
	rump_pub_lwproc_switch(l);
	base = l;
}

/*
 * Credentials, limits, groups
 */
static int
run_setuid(void)
{
	return result(rump_sys_setuid(1000));
}

static int
run_seteuid(void)
{
	return result(rump_sys_seteuid(1000));
}

static void
undo_seteuid(void)
{
	MUST(rump_sys_seteuid(0));
}

static int
run_setresuid(void)
{
	return result(rump_sys_setresuid(1, 2, 0));
}

static void
undo_setresuid(void)
{
	MUST(rump_sys_seteuid(0));
	MUST(rump_sys_setresuid(0, 0, 0));
}

static int
run_setgid(void)
{
	return result(rump_sys_setgid(1000));
}

static void
undo_setgid(void)
{
	MUST(rump_sys_setgid(0));
}

static int
run_setgroups(void)
{
	gid_t groups[300];

	for (int i = 0; i < 300; i++)
		groups[i] = (gid_t)i;
	return result(rump_sys_setgroups(300, groups));
}

static void
undo_setgroups(void)
{
	MUST(rump_sys_setgroups(0, NULL));
}

static int
run_setrlimit(void)
{
	struct rlimit rl = {10, 20};

	return result(rump_sys_setrlimit(RLIMIT_CORE, &rl));
}

static int
run_setsid(void)
{
	return result(rump_sys_setsid());
}

static int
run_setpgid(void)
{
	return result(rump_sys_setpgid(0, 0));
}

static int
run_setlogin(void)
{
	return result(rump_sys_setlogin("somebody"));
}

static void
setup_session(void)
{
	MUST(rump_sys_setsid());
}

static int
run_prctl(void)
{
	return result(rump_sys_prctl(PR_SET_NAME, "name", 0UL, 0UL, 0UL));
}

static int
run_kill_group(void)
{
	return result(rump_sys_kill(0, SIGUSR1));
}

static int
run_kill_all(void)
{
	int error = result(rump_sys_kill(-1, SIGUSR1));

	/* There is nobody else. */
	return error == ESRCH ? 0 : error;
}

static struct cred *cred;

static int
run_cred_create(void)
{
	gid_t groups[50] = {0};

	cred = rump_pub_cred_create(12, 34, 50, groups);
	return cred == NULL ? ENOMEM : 0;
}

static void
undo_cred_create(void)
{
	rump_pub_cred_put(cred);
}

static struct uio *uio;

static int
run_uio_setup(void)
{
	uio = rump_pub_uio_setup(big, sizeof(big), 0, RUMPUIO_READ);
	return uio == NULL ? ENOMEM : 0;
}

static void
undo_uio_setup(void)
{
	(void)rump_pub_uio_free(uio);
}

/*
 * Files
 */
#define LONGNAME \
	"/d/a-name-that-is-so-long-that-it-will-not-fit-into-any-place-that-" \
	"somebody-may-have-thought-to-be-enough-for-the-usual-name-of-a-file"

/* With room for more names: a failure would leave a larger table. */
static void
setup_dir(void)
{
	MUST(rump_sys_mkdir("/d", 0777));
	MUST(rump_sys_mkdir("/d/e", 0777));
	fd = (int)MUST(rump_sys_open("/d/f", O_RDWR | O_CREAT, 0600));
	MUST(rump_sys_write(fd, "contents", 8));
	MUST(rump_sys_close(fd));
	MUST(rump_sys_symlink("/d/e/../f", "/d/l"));
	MUST(rump_sys_mkfifo("/d/p", 0600));
	MUST(rump_sys_mkdir("/d/new", 0700));
	MUST(rump_sys_mkdir(LONGNAME, 0700));
	MUST(rump_sys_rmdir("/d/new"));
	MUST(rump_sys_rmdir(LONGNAME));
}

static void
teardown_dir(void)
{
	MUST(rump_sys_unlink("/d/p"));
	MUST(rump_sys_unlink("/d/l"));
	MUST(rump_sys_unlink("/d/f"));
	MUST(rump_sys_rmdir("/d/e"));
	MUST(rump_sys_rmdir("/d"));
}

static int
run_open(void)
{
	return result(fd = rump_sys_open("/d/l", O_RDWR));
}

static int
run_open_fifo(void)
{
	return result(fd = rump_sys_open("/d/p", O_RDWR));
}

static int
run_create(void)
{
	return result(fd = rump_sys_open("/d/new", O_RDWR | O_CREAT, 0600));
}

static void
undo_create(void)
{
	MUST(rump_sys_close(fd));
	MUST(rump_sys_unlink("/d/new"));
}

static int
run_mkdir(void)
{
	return result(rump_sys_mkdir(LONGNAME, 0700));
}

static void
undo_mkdir(void)
{
	MUST(rump_sys_rmdir(LONGNAME));
}

static int
run_symlink(void)
{
	char target[1001];

	memset(target, 't', 1000);
	target[1000] = '\0';
	return result(rump_sys_symlink(target, "/d/new"));
}

static void
undo_new(void)
{
	MUST(rump_sys_unlink("/d/new"));
}

static int
run_link(void)
{
	return result(rump_sys_link("/d/f", "/d/new"));
}

static int
run_mkfifo(void)
{
	return result(rump_sys_mkfifo("/d/new", 0600));
}

static int
run_mknod(void)
{
	return result(rump_sys_mknod("/d/new", S_IFREG | 0600, 0));
}

static int
run_rename(void)
{
	return result(rump_sys_rename("/d/f", LONGNAME));
}

static void
undo_rename(void)
{
	MUST(rump_sys_rename(LONGNAME, "/d/f"));
}

/* The first name in a directory. */
static int
run_mknod_first(void)
{
	return result(rump_sys_mknod("/d/e/first", S_IFREG | 0600, 0));
}

static void
undo_mknod_first(void)
{
	MUST(rump_sys_unlink("/d/e/first"));
}

static int
run_rename_over(void)
{
	return result(rump_sys_rename("/d/f", "/d/e/over"));
}

static void
setup_over(void)
{
	setup_dir();
	fd = (int)MUST(rump_sys_open("/d/e/over", O_RDWR | O_CREAT, 0600));
	MUST(rump_sys_write(fd, "contents", 8));
	MUST(rump_sys_close(fd));
}

static void
undo_rename_over(void)
{
	MUST(rump_sys_link("/d/e/over", "/d/f"));
}

static void
teardown_over(void)
{
	MUST(rump_sys_unlink("/d/e/over"));
	teardown_dir();
}

static int
run_unlink(void)
{
	return result(rump_sys_unlink("/d/l"));
}

static void
undo_unlink(void)
{
	MUST(rump_sys_symlink("/d/e/../f", "/d/l"));
}

static int
run_rmdir(void)
{
	return result(rump_sys_rmdir("/d/e"));
}

static void
undo_rmdir(void)
{
	MUST(rump_sys_mkdir("/d/e", 0777));
}

static void
setup_open(void)
{
	setup_dir();
	fd = (int)MUST(rump_sys_open("/d/f", O_RDWR | O_TRUNC));
}

static void
teardown_open(void)
{
	MUST(rump_sys_close(fd));
	teardown_dir();
}

static int
run_write(void)
{
	return result(rump_sys_pwrite(fd, "a few bytes", 11, 0));
}

static int
run_write_much(void)
{
	return result(rump_sys_pwrite(fd, big, sizeof(big), 0));
}

static int
run_write_far(void)
{
	return result(rump_sys_pwrite(fd, "far", 3, (off_t)1 << 40));
}

static void
undo_write(void)
{
	MUST(rump_sys_ftruncate(fd, 0));
}

static int
run_truncate_up(void)
{
	return result(rump_sys_ftruncate(fd, 1 << 30));
}

static void
setup_half_page(void)
{
	setup_open();
	MUST(rump_sys_write(fd, big, 100000));
}

static int
run_truncate_down(void)
{
	return result(rump_sys_ftruncate(fd, 50001));
}

static void
undo_truncate_down(void)
{
	MUST(rump_sys_pwrite(fd, big, 50000, 50000));
}

static int
run_read(void)
{
	return result(rump_sys_pread(fd, big, sizeof(big), 0));
}

static int
run_stat(void)
{
	struct stat sb;

	return result(rump_sys_stat("/d/e/../l", &sb));
}

static int
run_readlink(void)
{
	return result(rump_sys_readlink("/d/l", big, sizeof(big)));
}

static int
run_chdir(void)
{
	return result(rump_sys_chdir("/d/e"));
}

static int
run_chroot(void)
{
	return result(rump_sys_chroot("/d"));
}

static void
undo_chroot(void)
{
	/* Out by the directory it is still in. */
	MUST(rump_sys_chroot("."));
}

static void
undo_chdir(void)
{
	MUST(rump_sys_chdir("/"));
}

static int
run_getcwd(void)
{
	return result(rump_sys___getcwd(big, sizeof(big)));
}

static int
run_getdents(void)
{
	int error, dir = (int)rump_sys_open("/d", O_RDONLY);

	if (dir == -1)
		return errno;
	error = result(rump_sys_getdents(dir, big, sizeof(big)));
	MUST(rump_sys_close(dir));
	return error;
}

static int
run_chmod(void)
{
	return result(rump_sys_chmod("/d/f", 0640));
}

static int
run_chown(void)
{
	return result(rump_sys_chown("/d/f", 1, 2));
}

static void
nothing(void)
{
}

#define DATA 1 /* ENOSPC is right too; so is a short result */
#define KEEPS 4 /* what it got before the failure stays, for later */

static const struct scenario {
	const char *name;
	void (*setup)(void);
	int (*run)(void);
	void (*undo)(void);
	void (*teardown)(void);
	int flags;
} scenarios[] = {
    {"rfork-share", nothing, run_rfork_share, undo_lwp, nothing, 0},
    {"rfork-share-table", setup_table, run_rfork_share, undo_lwp, nothing, 0},
    {"rfork-copy", setup_pipe, run_rfork_copy, undo_lwp, nothing, 0},
    {"rfork-copy-table", setup_table, run_rfork_copy, undo_table, nothing, 0},
    {"rfork-clear", setup_pipe, run_rfork_clear, undo_lwp, nothing, 0},
    {"rfork-release", setup_pipe, run_make_and_release, nothing, nothing, 0},
    {"newlwp", nothing, run_newlwp, undo_lwp, nothing, 0},
    {"newlwp-1", nothing, run_newlwp_1, undo_lwp, nothing, 0},
    {"pipe", nothing, run_pipe, undo_pipe, nothing, 0},
    {"dup", setup_pipe, run_dup, undo_fd, nothing, 0},
    {"dup2-far", setup_pipe, run_dup2_far, undo_fd, nothing, 0},
    {"dupfd-far", setup_pipe, run_dupfd_far, undo_fd, nothing, 0},
    {"pipe-write", setup_pipe, run_pipe_write, undo_pipe_write, nothing, 0},
    {"pipe-writev", setup_pipe, run_pipe_writev, undo_pipe_writev, nothing, 0},
    {"close-range", setup_shared_table, run_close_range, nothing, nothing,
	0},
    {"setuid", nothing, run_setuid, nothing, nothing, 0},
    {"seteuid", nothing, run_seteuid, undo_seteuid, nothing, 0},
    {"setresuid", nothing, run_setresuid, undo_setresuid, nothing, 0},
    {"setgid", nothing, run_setgid, undo_setgid, nothing, 0},
    {"setgroups", nothing, run_setgroups, undo_setgroups, nothing, 0},
    {"setrlimit", nothing, run_setrlimit, nothing, nothing, 0},
    {"setsid", nothing, run_setsid, nothing, nothing, 0},
    {"setpgid", nothing, run_setpgid, nothing, nothing, 0},
    {"setlogin", setup_session, run_setlogin, nothing, nothing, 0},
    {"prctl", nothing, run_prctl, nothing, nothing, 0},
    {"kill-group", setup_session, run_kill_group, nothing, nothing, 0},
    {"kill-all", nothing, run_kill_all, nothing, nothing, 0},
    {"cred-create", nothing, run_cred_create, undo_cred_create, nothing, 0},
    {"uio-setup", nothing, run_uio_setup, undo_uio_setup, nothing, 0},
    {"open", setup_dir, run_open, undo_fd, teardown_dir, 0},
    {"open-fifo", setup_dir, run_open_fifo, undo_fd, teardown_dir, 0},
    {"create", setup_dir, run_create, undo_create, teardown_dir, 0},
    {"mkdir", setup_dir, run_mkdir, undo_mkdir, teardown_dir, 0},
    {"symlink", setup_dir, run_symlink, undo_new, teardown_dir, 0},
    {"link", setup_dir, run_link, undo_new, teardown_dir, 0},
    {"mkfifo", setup_dir, run_mkfifo, undo_new, teardown_dir, 0},
    {"mknod", setup_dir, run_mknod, undo_new, teardown_dir, 0},
    {"mknod-first", setup_dir, run_mknod_first, undo_mknod_first, teardown_dir,
	KEEPS},
    {"rename", setup_dir, run_rename, undo_rename, teardown_dir, 0},
    {"rename-over", setup_over, run_rename_over, undo_rename_over,
	teardown_over, 0},
    {"unlink", setup_dir, run_unlink, undo_unlink, teardown_dir, 0},
    {"rmdir", setup_dir, run_rmdir, undo_rmdir, teardown_dir, 0},
    {"write", setup_open, run_write, undo_write, teardown_open, DATA},
    {"write-much", setup_open, run_write_much, undo_write, teardown_open,
	DATA},
    {"write-far", setup_open, run_write_far, undo_write, teardown_open, DATA | KEEPS},
    {"truncate-up", setup_open, run_truncate_up, undo_write, teardown_open,
	DATA},
    {"truncate-down", setup_half_page, run_truncate_down, undo_truncate_down,
	teardown_open, DATA},
    {"read", setup_half_page, run_read, nothing, teardown_open, 0},
    {"stat", setup_dir, run_stat, nothing, teardown_dir, 0},
    {"readlink", setup_dir, run_readlink, nothing, teardown_dir, 0},
    {"chdir", setup_dir, run_chdir, undo_chdir, teardown_dir, 0},
    {"chroot", setup_dir, run_chroot, undo_chroot, teardown_dir, 0},
    {"getcwd", setup_dir, run_getcwd, nothing, teardown_dir, 0},
    {"getdents", setup_dir, run_getdents, nothing, teardown_dir, 0},
    {"chmod", setup_dir, run_chmod, nothing, teardown_dir, 0},
    {"chown", setup_dir, run_chown, nothing, teardown_dir, 0},
};
#define NSCENARIOS (sizeof(scenarios) / sizeof(scenarios[0]))

static void
measure(struct rump_memstat *st)
{
	int error = rump_pub_memstat(st);

	if (error != 0)
		complain("memstat", 0, error);
}

static void
compare(const char *when, const struct rump_memstat *a)
{
	struct rump_memstat b;
	char what[80];

	measure(&b);
	if (a->procs != b.procs || a->lwps != b.lwps || a->files != b.files ||
	    a->creds != b.creds || a->used != b.used) {
		(void)snprintf(what, sizeof(what),
		    "%s: processes %+" PRId64 ", lwps %+" PRId64
		    ", files %+" PRId64 ", creds %+" PRId64 ", bytes",
		    when, (int64_t)(b.procs - a->procs),
		    (int64_t)(b.lwps - a->lwps), (int64_t)(b.files - a->files),
		    (int64_t)(b.creds - a->creds));
		complain(what, (long)a->used, (long)b.used);
	}
}

static bool
error_is_right(const struct scenario *s, int error)
{
	return error == ENOMEM || (error == ENOSPC && (s->flags & DATA) != 0);
}

/* Once with allocation n failing.  True if it was reached. */
static bool
run_failing(const struct scenario *s, long n)
{
	struct rump_memstat before;
	pid_t pid = rump_sys_getpid();
	bool fired;
	int error;

	failing = n;
	measure(&before);
	(void)rumpuser_memfail(n);
	error = s->run();
	fired = rumpuser_memfail(0) == 0;
	if (error != 0) {
		if (!fired)
			complain("fails without a fault", 0, error);
		else if (!error_is_right(s, error))
			complain("error", ENOMEM, error);
		if (rump_pub_lwproc_curlwp() != base) {
			complain("context changed", 0, 1);
			rump_pub_lwproc_switch(base);
		}
		if (rump_sys_getpid() != pid)
			complain("pid", pid, rump_sys_getpid());
		if ((s->flags & KEEPS) == 0)
			compare("after the failure", &before);
		error = s->run();
		if (error != 0) {
			complain("fails the second time", 0, error);
			return fired;
		}
	}
	s->undo();
	return fired;
}

static void
enter_scenario(const struct scenario *s)
{
	MUST(rump_pub_lwproc_rfork(RUMP_RFCFDG) == 0 ? 0 : -1);
	base = rump_pub_lwproc_curlwp();
	s->setup();
}

static void
leave_scenario(const struct scenario *s)
{
	s->teardown();
	rump_pub_lwproc_releaselwp();
}

/* Every allocation in turn; a process for each when it cannot be undone. */
static void
run_scenario(const struct scenario *s)
{
	struct rump_memstat before;
	bool fired = true;
	long n;

	scenario = s->name;
	failing = 0;
	enter_scenario(s);
	if (s->run() != 0)
		complain("without a fault", 0, errno);
	s->undo();
	leave_scenario(s);
	measure(&before);
	for (n = 1; fired && n < MAX_ALLOCS; n++) {
		enter_scenario(s);
		fired = run_failing(s, n);
		leave_scenario(s);
		compare("after the process has gone", &before);
	}
	if (n == MAX_ALLOCS)
		complain("no end of allocations", 0, n);
	if (verbose)
		printf("%-20s %ld allocations\n", s->name, n - 2);
}

#include "tries.h"

static const struct {
	const char *name;
	int (*call)(void);
	bool binds;
} thread_scenarios[] = {
    {"thread-getpid", call_getpid, false},
    {"thread-newlwp", call_newlwp_1, true},
    {"thread-rfork", run_rfork_clear, true},
    {"thread-rfork-share", run_rfork_share, true},
};

int
main(int argc, char **argv)
{
	const char *only = NULL;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-v") == 0)
			verbose = true;
		else
			only = argv[i];
	}
	if (only == NULL || strcmp(only, "boot") == 0)
		run_tries("boot", try_boot);
	rump_boot_setsigmodel(RUMP_SIGMODEL_IGNORE);
	if (rump_init() != 0) {
		complain("rump_init", 0, 1);
		return 1;
	}
	for (size_t i = 0; i < NSCENARIOS; i++) {
		if (only == NULL || strcmp(only, scenarios[i].name) == 0)
			run_scenario(&scenarios[i]);
	}
	for (size_t i = 0;
	     i < sizeof(thread_scenarios) / sizeof(thread_scenarios[0]); i++) {
		if (only != NULL && strcmp(only, thread_scenarios[i].name) != 0)
			continue;
		thread_call = thread_scenarios[i].call;
		thread_binds = thread_scenarios[i].binds;
		run_tries(thread_scenarios[i].name, try_thread);
	}
	return errors == 0 ? 0 : 1;
}
