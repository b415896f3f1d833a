/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mounts that come and go under the feet of others: eight host threads, each
 * with a process of its own.
 *
 *	mount_race [seed [steps]]
 *
 * Some mount file systems on /m/0 … /m/3, on each other, and on what is in
 * them, and unmount them again, while others walk through these places, open
 * files, stand in them and look where they are.  What holds whatever the
 * others do:
 *
 *	/m/N	is there, mounted or not, and /m/N/.. is /m
 *	file	a file that was written through a descriptor is read again
 *		through it, also when its mount has been detached
 *	busy	a mount that somebody stands in is not unmounted without force
 *
 * In the end all is unmounted, and the kernel's memory, processes and files
 * must be what they were at the start.
 */
#include <fcntl.h>
#include <limits.h>

#include <rump/rump_mount.h>

#include "../lib/stress.h"

#define NPLACES 4

#define arraycount(a) (sizeof(a) / sizeof((a)[0]))

static const char *
place(char *buf)
{
	snprintf(buf, PATH_MAX, "/m/%d%s", (int)rnd(NPLACES),
	    rnd(3) == 0 ? "/sub" : "");
	return buf;
}

static void
do_mount(void)
{
	char path[PATH_MAX], sub[PATH_MAX + 8];
	int flags = rnd(8) == 0 ? MNT_RDONLY : 0;

	if (rump_sys_mount("tmpfs", place(path), flags, NULL, 0) != 0) {
		if (errno != ENOENT && errno != EINVAL)
			differ("mount %s", path);
		return;
	}
	snprintf(sub, sizeof(sub), "%s/sub", path);
	if (rump_sys_mkdir(sub, 0777) != 0 && errno != EEXIST &&
	    errno != EROFS && errno != ENOENT)
		differ("mkdir %s", sub);
}

static void
do_unmount(void)
{
	char path[PATH_MAX];

	if (rump_sys_unmount(place(path), rnd(4) == 0 ? RUMP_MNT_DETACH : 0) !=
		0 &&
	    errno != EBUSY && errno != EINVAL && errno != ENOENT)
		differ("unmount %s", path);
}

static void
do_update(void)
{
	char path[PATH_MAX];

	if (rump_sys_mount("tmpfs", place(path),
		MNT_UPDATE | (rnd(2) == 0 ? MNT_RDONLY : 0), NULL, 0) != 0 &&
	    errno != EINVAL && errno != ENOENT)
		differ("update %s", path);
}

static void
do_lookup(void)
{
	char path[PATH_MAX], up[PATH_MAX + 8];
	struct stat m, sb;

	snprintf(path, sizeof(path), "/m/%d", (int)rnd(NPLACES));
	want(0, rump_sys_stat("/m", &m));
	want(0, rump_sys_stat(path, &sb));
	snprintf(up, sizeof(up), "%s/..", path);
	want(0, rump_sys_stat(up, &sb));
	want((long)m.st_ino, (long)sb.st_ino);
	want((long)m.st_dev, (long)sb.st_dev);
	want(0, rump_sys_access("/m/always", R_OK));
}

static void
do_file(void)
{
	char path[PATH_MAX + 16], text[8] = "";
	int fd;

	(void)place(path);
	sprintf(path + strlen(path), "/f%d", me->id);
	fd = rump_sys_open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd == -1) {
		if (errno != EROFS && errno != ENOENT)
			differ("open %s", path);
		return;
	}
	want(6, rump_sys_pwrite(fd, "abcdef", 6, 0));
	if (rnd(2) == 0)
		(void)rump_sys_unlink(path);
	want(6, rump_sys_pread(fd, text, 6, 0));
	want(0, strcmp(text, "abcdef"));
	want(0, rump_sys_close(fd));
}

static void
do_stand(void)
{
	char path[PATH_MAX];
	struct rump_vfsstat st[8];
	int fd;

	if (rump_sys_chdir(place(path)) != 0) {
		if (errno != ENOENT)
			differ("chdir %s", path);
		return;
	}
	/* Detached, it has no path. */
	if (rump_sys___getcwd(path, sizeof(path)) == -1) {
		if (errno != ENOENT)
			differ("getcwd");
	} else if (strncmp(path, "/m/", 3) != 0)
		differ("getcwd: %s", path);
	if ((fd = rump_sys_open(".", O_RDONLY | O_DIRECTORY)) == -1)
		differ("open .");
	want(0, rump_sys_chdir("/"));
	want(0, rump_sys_fchdir(fd));
	if (rump_sys_getvfsstat(st, sizeof(st), 0) < 1)
		differ("getvfsstat");
	want(0, rump_sys_chdir("/m"));
	want(0, rump_sys_close(fd));
}

static void
do_busy(void)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/m/own-%d", me->id);
	want(0, rump_sys_mkdir(path, 0700));
	want(0, rump_sys_mount("tmpfs", path, 0, NULL, 0));
	want(0, rump_sys_chdir(path));
	want_error(EBUSY, rump_sys_unmount(path, 0));
	want_error(EBUSY, rump_sys_rmdir(path));
	want(0, rump_sys_mkdir("sub", 0700));
	want(0, rump_sys_chdir("/m"));
	want(0, rump_sys_unmount(path, 0));
	want(0, rump_sys_rmdir(path));
}

static const struct action actions[] = {
    {6, "mount", do_mount},
    {6, "unmount", do_unmount},
    {2, "update", do_update},
    {20, "lookup", do_lookup},
    {12, "file", do_file},
    {8, "stand", do_stand},
    {2, "busy", do_busy},
};

static void *
tester_main(void *arg)
{
	me = arg;
	if (rump_pub_lwproc_rfork(RUMP_RFCFDG) != 0)
		differ("rfork");
	want(0, rump_sys_chdir("/m"));
	while (me->step < steps) {
		me->step++;
		one_step(actions, arraycount(actions));
	}
	rump_pub_lwproc_releaselwp();
	return NULL;
}

/* Whatever is mounted on it, and on that; then what it has itself. */
static void
clear_place(const char *path)
{
	char name[PATH_MAX + 16];
	struct stat sb;

	if (rump_sys_stat(path, &sb) != 0) {
		want(ENOENT, errno);
		return;
	}
	while (rump_sys_unmount(path, RUMP_MNT_FORCE) == 0)
		;
	want(EINVAL, errno);
	for (int k = 0; k < NTHREADS; k++) {
		snprintf(name, sizeof(name), "%s/f%d", path, k);
		(void)rump_sys_unlink(name);
	}
}

static void
remove_place(int i)
{
	char path[32], sub[64];

	snprintf(path, sizeof(path), "/m/%d", i);
	snprintf(sub, sizeof(sub), "%s/sub", path);
	clear_place(path);
	/* Somebody came to make it when the mount was gone. */
	clear_place(sub);
	(void)rump_sys_rmdir(sub);
	want(0, rump_sys_rmdir(path));
}

static void
round_of(long n, uint64_t first)
{
	static struct tester self = {.id = NTHREADS, .random = 1};
	char path[PATH_MAX];

	me = &self;
	me->doing = "make the places";
	want(0, rump_sys_mkdir("/m", 0777));
	want(0, rump_sys_mkdir("/m/always", 0777));
	for (int i = 0; i < NPLACES; i++) {
		snprintf(path, sizeof(path), "/m/%d", i);
		want(0, rump_sys_mkdir(path, 0777));
	}
	steps = n / NTHREADS;
	me = NULL;
	run_testers(first, tester_main);
	me = &self;
	me->doing = "remove the places";
	for (int i = 0; i < NPLACES; i++)
		remove_place(i);
	want(0, rump_sys_rmdir("/m/always"));
	want(0, rump_sys_rmdir("/m"));
	me = NULL;
}

int
main(int argc, char **argv)
{
	struct rump_memstat start, end;
	long wanted;

	seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	wanted = argc > 2 ? strtol(argv[2], NULL, 0) : 16000;
	if (rump_init() != 0)
		differ("rump_init");
	(void)rump_sys_umask(0);
	round_of(0, 0);
	memstat(&start);
	for (int round = 0; round < 2; round++) {
		round_of(wanted / 2, seed + (uint64_t)round);
		memstat(&end);
		compare(&start, &end);
	}
	return 0;
}
