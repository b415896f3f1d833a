/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's side.
 *
 * An agent is forked before the kernel boots.  It goes into a mount namespace
 * of its own whose root is an empty tmpfs: whatever the calls do, they cannot
 * do it to anything else.  For each sequence it makes a directory and forks
 * the processes, which have that as their root.  Who is not root on the host
 * becomes it in a user namespace; there is no other user then.
 *
 * Agent and processes are told what to do in a box of shared memory each,
 * whose turn it is being a word that the other one waits on.
 */
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vfs.h"

enum what { BEGIN, CALL, SCAN, AGAIN, END };
enum turn { OURS, THEIRS };

struct box {
	_Atomic uint32_t b_turn;
	enum what b_what;
	struct call b_call;
	struct result b_result;
	struct timespec b_mark[2];
	bool b_marked, b_deep;
	int b_error;
};

#define AGENT NPROCS

static struct shared {
	struct box sh_box[NPROCS + 1];
	struct scan sh_scan;
	struct hostrules sh_rules; /* what the agent found out */
} * shared;

static pid_t agent;
static unsigned sequence; /* its number, for the agent */
struct hostrules hostrules;
bool have_ids;

const struct ids ids[NPROCS] = {
    {0, 0, 1, {0}},
    {1000, 1000, 2, {1000, 100}},
    {1001, 1001, 1, {100}},
};

static void
wait_for(struct box *b, uint32_t turn)
{
	uint32_t t;

	for (int i = 0; i < 200; i++)
		if (atomic_load(&b->b_turn) == turn)
			return;
	while ((t = atomic_load(&b->b_turn)) != turn)
		(void)syscall(SYS_futex, &b->b_turn, FUTEX_WAIT, t, NULL);
}

static void
give(struct box *b, uint32_t turn)
{
	atomic_store(&b->b_turn, turn);
	(void)syscall(SYS_futex, &b->b_turn, FUTEX_WAKE, 1);
}

static ssize_t
host_getdents(int fd, char *buf, size_t len)
{
	return syscall(SYS_getdents64, fd, buf, len);
}

static int
host_fchmodat(int dirfd, const char *path, mode_t mode)
{
	return (int)syscall(SYS_fchmodat, dirfd, path, mode);
}

static const struct fs host_fs = {
    .f_openat = openat,
    .f_close = close,
    .f_getdents = host_getdents,
    .f_fstatat = fstatat,
    .f_utimensat = utimensat,
    .f_unlinkat = unlinkat,
    .f_fchmodat = host_fchmodat,
    .f_readlinkat = readlinkat,
    .f_read = read,
};

/*
 * A process
 */

static void
must(bool ok, const char *what)
{
	if (!ok)
		fatal("host: %s: %s", what, strerror(errno));
}

static void
become(const struct ids *i)
{
	gid_t g = i->i_gid;
	uid_t u = i->i_uid;

	if (!have_ids)
		return;
	must(syscall(SYS_setgroups, i->i_ngroups, i->i_groups) == 0,
	    "setgroups");
	must(syscall(SYS_setresgid, g, g, g) == 0, "setresgid");
	must(syscall(SYS_setresuid, u, u, u) == 0, "setresuid");
	/* It is lost with the ids. */
	must(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0, "prctl");
}

static void
process(int number, const char *dir)
{
	struct rlimit rl = {NFDS, NFDS};
	struct box *b = &shared->sh_box[number];

	must(chroot(dir) == 0 && chdir("/") == 0, "chroot");
	(void)umask(022);
	become(&ids[number]);
	must(setrlimit(RLIMIT_NOFILE, &rl) == 0, "setrlimit");
	must(syscall(SYS_close_range, 0, ~0U, 0) == 0, "close_range");
	for (;;) {
		wait_for(b, THEIRS);
		if (b->b_what == END) {
			give(b, OURS);
			_exit(0);
		}
		call_do(HOST, &b->b_call, &b->b_result);
		give(b, OURS);
	}
}

/*
 * The agent
 */

static void
begin_processes(const char *dir)
{
	for (int i = 0; i < NPROCS; i++) {
		pid_t pid = fork();

		must(pid >= 0, "fork");
		if (pid == 0)
			process(i, dir);
	}
}

static void
begin(void)
{
	char dir[32];

	(void)snprintf(dir, sizeof(dir), "/s%u", ++sequence);
	must(mkdir(dir, 0) == 0 && chmod(dir, 0777) == 0, "mkdir");
	begin_processes(dir);
}

/* The processes have ended: others go on in the same directory. */
static void
again(void)
{
	char dir[32];

	while (wait(NULL) > 0)
		continue;
	(void)snprintf(dir, sizeof(dir), "/s%u", sequence);
	begin_processes(dir);
}

static void
end(void)
{
	char dir[32];

	while (wait(NULL) > 0)
		continue;
	(void)snprintf(dir, sizeof(dir), "/s%u", sequence);
	tree_remove(&host_fs, AT_FDCWD, dir);
}

static void
put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0) {
		(void)!write(fd, text, strlen(text));
		(void)close(fd);
	}
}

/* Root of its own, and of nothing else.  An errno. */
static int
isolate(void)
{
	unsigned uid = getuid(), gid = getgid();
	char map[64];

	if (!have_ids) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
			return errno;
		put("/proc/self/setgroups", "deny");
		(void)snprintf(map, sizeof(map), "0 %u 1", uid);
		put("/proc/self/uid_map", map);
		(void)snprintf(map, sizeof(map), "0 %u 1", gid);
		put("/proc/self/gid_map", map);
	} else if (unshare(CLONE_NEWNS) != 0)
		return errno;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("tmpfs", "/tmp", "tmpfs", 0, "mode=755") != 0 ||
	    chdir("/tmp") != 0 || syscall(SYS_pivot_root, ".", ".") != 0 ||
	    umount2(".", MNT_DETACH) != 0 || chdir("/") != 0)
		return errno;
	return 0;
}

static bool
may_mknod(void)
{
	bool may = mknod("/x", S_IFCHR | 0600, 1) == 0;

	(void)unlink("/x");
	return may;
}

/*
 * Let whatever changes from now on get another time than what has changed
 * before.  The host's clock for times of files is coarse, but goes on when one
 * that was looked at changes: from the first change on, that is.
 */
static void
tick(void)
{
	struct stat st;

	for (int i = 0; i < 2; i++)
		must(stat("/tick", &st) == 0 && chmod("/tick", 0700) == 0,
		    "tick");
}

/* Does that work here? */
static bool
has_ticks(void)
{
	struct stat a, b;
	bool differ = true;

	for (int i = 0; i < 100 && differ; i++) {
		must(stat("/tick", &a) == 0, "stat");
		tick();
		must(stat("/tick", &b) == 0, "stat");
		differ = a.st_ctim.tv_nsec != b.st_ctim.tv_nsec;
	}
	return differ;
}

static void
agent_main(void)
{
	struct box *b = &shared->sh_box[AGENT];
	char dir[32];

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
	b->b_error = isolate();
	if (b->b_error == 0) {
		must(mkdir("/dev", 0755) == 0 && mkdir("/tmp", 0) == 0 &&
			 chmod("/tmp", 01777) == 0,
		    "mkdir");
		shared->sh_rules.hr_devices = may_mknod();
		must(mkdir("/tick", 0700) == 0, "mkdir");
		shared->sh_rules.hr_ticks = has_ticks();
	}
	for (;;) {
		give(b, OURS);
		wait_for(b, THEIRS);
		if (b->b_what == BEGIN)
			begin();
		else if (b->b_what == AGAIN)
			again();
		else if (b->b_what == END)
			end();
		else {
			(void)snprintf(dir, sizeof(dir), "/s%u", sequence);
			tree_scan(&host_fs, AT_FDCWD, dir, &shared->sh_scan,
			    b->b_marked ? b->b_mark : NULL, b->b_deep);
			tick();
		}
	}
}

/*
 * Ours
 */

static int
sysctl_fs(const char *name)
{
	char path[128];
	int value = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/sys/fs/%s", name);
	if ((f = fopen(path, "re")) != NULL) {
		if (fscanf(f, "%d", &value) != 1)
			value = 0;
		(void)fclose(f);
	}
	return value;
}

int
host_start(void)
{
	struct box *b;

	have_ids = getuid() == 0;
	hostrules.hr_hardlinks = sysctl_fs("protected_hardlinks") != 0;
	hostrules.hr_sticky = sysctl_fs("protected_symlinks") != 0 ||
			      sysctl_fs("protected_regular") != 0 ||
			      sysctl_fs("protected_fifos") != 0;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(shared != MAP_FAILED, "mmap");
	b = &shared->sh_box[AGENT];
	atomic_store(&b->b_turn, THEIRS);
	agent = fork();
	must(agent >= 0, "fork");
	if (agent == 0)
		agent_main();
	wait_for(b, OURS);
	hostrules.hr_devices = shared->sh_rules.hr_devices;
	hostrules.hr_ticks = shared->sh_rules.hr_ticks;
	return b->b_error;
}

void
host_stop(void)
{
	(void)kill(agent, SIGKILL);
	(void)waitpid(agent, NULL, 0);
}

static void
tell(int box, enum what what)
{
	struct box *b = &shared->sh_box[box];

	b->b_what = what;
	give(b, THEIRS);
	wait_for(b, OURS);
}

static void
processes_begin(enum what what)
{
	for (int i = 0; i < NPROCS; i++)
		atomic_store(&shared->sh_box[i].b_turn, OURS);
	tell(AGENT, what);
}

static void
processes_end(void)
{
	for (int i = 0; i < NPROCS; i++)
		tell(i, END);
}

void
host_begin(void)
{
	processes_begin(BEGIN);
}

void
host_again(void)
{
	processes_end();
	processes_begin(AGAIN);
}

void
host_end(void)
{
	processes_end();
	tell(AGENT, END);
}

const struct result *
host_call(const struct call *c)
{
	struct box *b = &shared->sh_box[c->c_proc];

	b->b_call = *c;
	tell(c->c_proc, CALL);
	return &b->b_result;
}

const struct scan *
host_scan(const struct timespec *mark, bool deep)
{
	struct box *b = &shared->sh_box[AGENT];

	b->b_marked = mark != NULL;
	if (mark != NULL)
		memcpy(b->b_mark, mark, sizeof(b->b_mark));
	b->b_deep = deep;
	tell(AGENT, SCAN);
	return &shared->sh_scan;
}
