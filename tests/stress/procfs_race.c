/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host threads make and end processes, open and close descriptors, while
 * others list and read all of procfs.  Each call may find that something has
 * gone; nothing may be left over at the end.
 */
#include <fcntl.h>
#include <unistd.h>

#include <rump/rump_mount.h>

#include "../lib/procfs.h"
#include "../lib/stress.h"

static void
open_some(void)
{
	int fds[2], fd;

	if (rump_sys_pipe(fds) != 0)
		differ("pipe");
	fd = rump_sys_open("/tmp/race", O_RDWR | O_CREAT, 0666);
	if (fd == -1)
		differ("open");
	want(1, rump_sys_write(fd, "x", 1));
	want(0, rump_sys_close(fds[rnd(2)]));
}

/* A process with some lwps and descriptors comes and goes. */
static void
make(void)
{
	struct lwp *lwps[3];
	unsigned i, n = (unsigned)rnd(3);

	want(0, rump_pub_lwproc_rfork(rnd(2) == 0 ? RUMP_RFCFDG : RUMP_RFFDG));
	lwps[0] = rump_pub_lwproc_curlwp();
	open_some();
	for (i = 1; i <= n; i++) {
		want(0, rump_pub_lwproc_newlwp(rump_sys_getpid()));
		lwps[i] = rump_pub_lwproc_curlwp();
	}
	if (rnd(4) == 0)
		want(0, rump_sys_setuid((uid_t)rnd(3)));
	if (rnd(4) == 0)
		want(0, rump_sys_chdir("/tmp"));
	open_some();
	if (rnd(2) == 0)
		(void)procfs_walk("/proc/self", NULL);
	rump_pub_lwproc_switch(NULL);
	for (i = 0; i <= n; i++) {
		rump_pub_lwproc_switch(lwps[i]);
		rump_pub_lwproc_releaselwp();
	}
}

static void
list(void)
{
	if (procfs_walk("/proc", NULL) < 50)
		differ("less than there always is");
}

static void
read_one(void)
{
	static const char *const names[] = {"stat", "status", "limits",
	    "fdinfo/0", "fd/0", "mountinfo", "task/1/stat"};
	char names_of[64][32], path[96], text[4096];
	int n = procfs_list("/proc", names_of, 64);

	if (n < 10)
		differ("a short list");
	(void)snprintf(path, sizeof(path), "/proc/%s/%s",
	    names_of[rnd((uint64_t)n)], names[rnd(7)]);
	(void)procfs_read(path, text, sizeof(text));
}

/* A pipe or file of somebody else's is opened again. */
static void
reopen(void)
{
	char path[64];
	struct stat sb;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", 2 + (int)rnd(400),
	    (int)rnd(4));
	fd = rump_sys_open(path, O_RDWR | O_NONBLOCK);
	if (fd == -1)
		return;
	want(0, rump_sys_fstat(fd, &sb));
	want(0, rump_sys_close(fd));
}

static const struct action actions[] = {
    {40, "make", make},
    {1, "list", list},
    {20, "read", read_one},
    {20, "reopen", reopen},
};

static void *
racer(void *arg)
{
	me = arg;
	want(0, rump_pub_lwproc_rfork(RUMP_RFCFDG));
	for (me->step = 0; me->step < steps; me->step++) {
		struct lwp *mine = rump_pub_lwproc_curlwp();

		one_step(actions, sizeof(actions) / sizeof(actions[0]));
		rump_pub_lwproc_switch(NULL);
		rump_pub_lwproc_switch(mine);
	}
	rump_pub_lwproc_releaselwp();
	return NULL;
}

int
main(int argc, char **argv)
{
	struct rump_memstat before, after;
	int fd;

	seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	steps = argc > 2 ? strtol(argv[2], NULL, 0) : 1000;
	rump_boot_setsigmodel(RUMP_SIGMODEL_IGNORE);
	if (rump_init() != 0 || rump_sys_mkdir("/proc", 0755) != 0)
		differ("boot");
	(void)rump_sys_umask(0);
	fd = rump_sys_open("/tmp/race", O_RDWR | O_CREAT, 0666);
	want(1, rump_sys_write(fd, "x", 1));
	memstat(&before);
	want(0, rump_sys_mount("proc", "/proc", 0, NULL, 0));
	run_testers(seed, racer);
	want(0, rump_sys_unmount("/proc", 0));
	memstat(&after);
	compare(&before, &after);
	return 0;
}
