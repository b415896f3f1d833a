/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mounts: who may, where, what is seen, and what is in use.
 */
#include <sys/statvfs.h>

#include <rump/rump_mount.h>

#include "../lib/child.h"
#include "../lib/files.h"
#include "../lib/threads.h"

static void
mount_tmpfs(const char *dir)
{
	T_OK(rump_sys_mount("tmpfs", dir, 0, NULL, 0));
}

/* Is this path in the file system that is mounted n levels deep? */
static dev_t
dev_of(const char *path)
{
	struct stat sb;

	T_OK(rump_sys_stat(path, &sb));
	return sb.st_dev;
}

TC(what_is_below_is_covered, "And is there again after unmount.")
{
	start();
	T_OK(rump_sys_mkdir("m", 0755));
	make_file("m/below", 0600);
	mount_tmpfs("m");
	T_ASSERT(!exists("m/below"));
	make_file("m/above", 0600);
	T_OK(rump_sys_unmount("m", 0));
	T_ASSERT(exists("m/below"));
	T_ASSERT(!exists("m/above"));
}

TC(mounts_over_mounts, "The last one is seen; they come off one by one.")
{
	dev_t dev[4];

	start();
	T_OK(rump_sys_mkdir("m", 0755));
	dev[0] = dev_of("m");
	for (int i = 1; i < 4; i++) {
		mount_tmpfs("m");
		dev[i] = dev_of("m");
		for (int k = 0; k < i; k++)
			T_ASSERT(dev[i] != dev[k]);
	}
	for (int i = 2; i >= 0; i--) {
		T_OK(rump_sys_unmount("m", 0));
		T_EQ(dev[i], dev_of("m"));
	}
	T_ERR(EINVAL, rump_sys_unmount("m", 0));
}

TC(dotdot_leaves_a_mount, "Through all that are on one another.")
{
	start();
	T_OK(rump_sys_mkdir("m", 0755));
	mount_tmpfs("m");
	mount_tmpfs("m");
	T_OK(rump_sys_mkdir("m/d", 0755));
	mount_tmpfs("m/d");
	T_EQ(ino_of("/t"), ino_of("m/d/../.."));
	T_EQ(dev_of("/t"), dev_of("m/d/../.."));
	T_OK(rump_sys_chdir("m/d"));
	T_CWD("/t/m/d");
	T_OK(rump_sys_chdir("../.."));
	T_CWD("/t");
	T_OK(rump_sys_unmount("m/d", 0));
	T_OK(rump_sys_unmount("m", 0));
	T_OK(rump_sys_unmount("m", 0));
}

TC(chroot_into_a_mount, "Its root is the end of `..'.")
{
	start();
	T_OK(rump_sys_mkdir("m", 0755));
	mount_tmpfs("m");
	T_OK(rump_sys_mkdir("m/in", 0755));
	T_OK(rump_sys_chroot("m"));
	T_OK(rump_sys_chdir("/"));
	T_CWD("/");
	T_ASSERT(exists("/../../in"));
	T_ERR(EBUSY, rump_sys_unmount("/", 0));
}

TC(busy, "What somebody uses is not unmounted.")
{
	struct lwp *l;
	int fd;

	start();
	T_OK(rump_sys_mkdir("m", 0755));
	mount_tmpfs("m");
	fd = make_open("m/f", 0600);
	T_ERR(EBUSY, rump_sys_unmount("m", 0));
	T_OK(rump_sys_unlink("m/f"));
	T_ERR(EBUSY, rump_sys_unmount("m", 0));
	T_OK(rump_sys_close(fd));
	fd = (int)T_OK(rump_sys_open("m", O_PATH));
	T_ERR(EBUSY, rump_sys_unmount("m", 0));
	T_OK(rump_sys_close(fd));
	T_OK(rump_sys_mkdir("m/d", 0755));
	mount_tmpfs("m/d");
	T_ERR(EBUSY, rump_sys_unmount("m", 0));
	T_OK(rump_sys_unmount("m/d", 0));
	l = newproc(RUMP_RFCFDG);
	T_OK(rump_sys_chdir("m"));
	T_ERR(EBUSY, rump_sys_unmount("/t/m", 0));
	release(l);
	T_OK(rump_sys_unmount("/t/m", 0));
}

TC(left_by_processes, "Nobody uses what processes that have ended were in.")
{
	struct lwp *mine, *first;

	start();
	T_OK(rump_sys_mkdir("m", 0755));
	mount_tmpfs("m");
	mine = rump_pub_lwproc_curlwp();
	T_EQ(0, rump_pub_lwproc_rfork(RUMP_RFFDG));
	first = rump_pub_lwproc_curlwp();
	T_OK(rump_sys_chdir("m"));
	T_EQ(0, rump_pub_lwproc_rfork(RUMP_RFFDG));
	rump_pub_lwproc_releaselwp();
	rump_pub_lwproc_switch(first);
	T_ERR(EBUSY, rump_sys_unmount("../m", 0));
	rump_pub_lwproc_releaselwp();
	rump_pub_lwproc_switch(mine);
	T_OK(rump_sys_unmount("m", 0));
}

TC(a_fifo_is_in_use, "By who has it open.")
{
	int fd;

	start();
	T_OK(rump_sys_mkdir("m", 0755));
	mount_tmpfs("m");
	T_OK(rump_sys_mkfifo("m/f", 0600));
	fd = (int)T_OK(rump_sys_open("m/f", O_RDWR));
	T_ERR(EBUSY, rump_sys_unmount("m", 0));
	T_OK(rump_sys_close(fd));
	T_OK(rump_sys_unmount("m", 0));
}

TC(force_takes_it_away, "Who uses it goes on; memory comes back at the end.")
{
	struct rump_memstat before, after;
	char c = 0;
	int fd;

	start();
	T_OK(rump_sys_mkdir("m", 0755));
	/* The first descriptor makes the table. */
	T_OK(rump_sys_close((int)T_OK(rump_sys_open("m", O_RDONLY))));
	T_EQ(0, rump_pub_memstat(&before));
	mount_tmpfs("m");
	T_OK(rump_sys_mkdir("m/d", 0755));
	mount_tmpfs("m/d");
	fd = make_open("m/d/f", 0600);
	T_EQ(1, rump_sys_write(fd, "x", 1));
	T_OK(rump_sys_unmount("m", RUMP_MNT_DETACH));
	T_ASSERT(!exists("m/d"));
	T_EQ(1, rump_sys_pread(fd, &c, 1, 0));
	T_EQ('x', c);
	T_OK(rump_sys_close(fd));
	T_EQ(0, rump_pub_memstat(&after));
	T_EQ(before.used, after.used);
	T_OK(rump_sys_rmdir("m"));
}

TC(names_that_are_mounted_on_stay, "EBUSY for rmdir, unlink and rename.")
{
	start();
	T_OK(rump_sys_mkdir("m", 0755));
	T_OK(rump_sys_mkdir("d", 0755));
	mount_tmpfs("m");
	T_ERR(EBUSY, rump_sys_rmdir("m"));
	T_ERR(EBUSY, rump_sys_rename("m", "n"));
	T_ERR(EBUSY, rump_sys_rename("d", "m"));
	T_ERR(EBUSY,
	    rump_sys_renameat2(AT_FDCWD, "d", AT_FDCWD, "m", 2 /* EXCHANGE */));
	T_OK(rump_sys_unmount("m", 0));
	T_OK(rump_sys_rename("m", "n"));
	T_OK(rump_sys_rmdir("n"));
}

TC(other_file_system, "Links and renames do not cross: EXDEV.")
{
	start();
	T_OK(rump_sys_mkdir("m", 0755));
	mount_tmpfs("m");
	make_file("f", 0600);
	T_ERR(EXDEV, rump_sys_link("f", "m/f"));
	T_ERR(EXDEV, rump_sys_rename("f", "m/f"));
	T_ERR(EXDEV, rump_sys_rename("m", "m/f"));
}

TC(read_only, "Nothing is changed, and all is seen.")
{
	struct timespec ts[2] = {{1, 0}, {1, 0}};
	struct stat sb;
	int fd;

	start();
	T_OK(rump_sys_mkdir("m", 0755));
	mount_tmpfs("m");
	make_file("m/f", 0666);
	T_OK(rump_sys_mkdir("m/d", 0777));
	T_OK(rump_sys_mkfifo("m/p", 0666));
	fd = (int)T_OK(rump_sys_open("m/f", O_RDWR));
	T_OK(rump_sys_mount("tmpfs", "m", MNT_UPDATE | MNT_RDONLY, NULL, 0));
	T_ERR(EROFS, rump_sys_open("m/f", O_WRONLY));
	T_ERR(EROFS, rump_sys_open("m/f", O_RDONLY | O_TRUNC));
	T_ERR(EROFS, rump_sys_open("m/n", O_RDWR | O_CREAT, 0600));
	T_OK(rump_sys_close(
	    (int)T_OK(rump_sys_open("m/f", O_RDONLY | O_CREAT, 0600))));
	T_OK(rump_sys_close((int)T_OK(rump_sys_open("m/p", O_RDWR))));
	T_ERR(EROFS, rump_sys_mkdir("m/n", 0755));
	T_ERR(EEXIST, rump_sys_mkdir("m/d", 0755));
	T_ERR(EROFS, rump_sys_unlink("m/f"));
	T_ERR(EROFS, rump_sys_rmdir("m/d"));
	T_ERR(EROFS, rump_sys_rename("m/f", "m/g"));
	T_ERR(EROFS, rump_sys_link("m/f", "m/g"));
	T_ERR(EROFS, rump_sys_symlink("x", "m/g"));
	T_ERR(EROFS, rump_sys_chmod("m/f", 0600));
	T_ERR(EROFS, rump_sys_chown("m/f", 1, 1));
	T_ERR(EROFS, rump_sys_truncate("m/f", 1));
	T_ERR(EROFS, rump_sys_utimensat(AT_FDCWD, "m/f", ts, 0));
	T_ERR(EROFS, rump_sys_access("m/f", W_OK));
	T_OK(rump_sys_access("m/f", R_OK));
	T_OK(rump_sys_stat("m/f", &sb));
	T_OK(rump_sys_close(fd));
	T_OK(rump_sys_mount("tmpfs", "m", MNT_UPDATE, NULL, 0));
	T_OK(rump_sys_unlink("m/f"));
}

TC(flags, "Devices and execution can be forbidden.")
{
	struct statvfs sb;

	start();
	T_OK(rump_sys_mkdir("m", 0755));
	T_OK(rump_sys_mount(
	    "tmpfs", "m", MNT_NODEV | MNT_NOEXEC | MNT_NOATIME, NULL, 0));
	T_OK(rump_sys_mknod("m/null", S_IFCHR | 0666, 0x103));
	T_ERR(EACCES, rump_sys_open("m/null", O_RDWR));
	make_file("m/x", 0755);
	T_ERR(EACCES, rump_sys_access("m/x", X_OK));
	T_OK(rump_sys_access("m", X_OK));
	T_OK(rump_sys_statvfs("m/x", &sb));
	T_EQ((unsigned long)(ST_NODEV | ST_NOEXEC | ST_NOATIME), sb.f_flag);
	T_EQ(255u, sb.f_namemax);
}

TC(bad_arguments, "Errors, with nothing changed.")
{
	struct rump_memstat before, after;
	char page[5000];

	start();
	memset(page, 'x', sizeof(page));
	page[sizeof(page) - 1] = '\0';
	T_OK(rump_sys_mkdir("m", 0755));
	make_file("f", 0600);
	T_EQ(0, rump_pub_memstat(&before));
	T_ERR(ENODEV, rump_sys_mount("nosuchfs", "m", 0, NULL, 0));
	T_ERR(ENODEV, rump_sys_mount(page, "m", 0, NULL, 0));
	T_ERR(EFAULT, rump_sys_mount(NULL, "m", 0, NULL, 0));
	T_ERR(EFAULT, rump_sys_mount("tmpfs", NULL, 0, NULL, 0));
	T_ERR(EFAULT, rump_sys_mount("tmpfs", "m", 0, NULL, 10));
	T_ERR(ENOENT, rump_sys_mount("tmpfs", "none", 0, NULL, 0));
	T_ERR(ENAMETOOLONG, rump_sys_mount("tmpfs", page, 0, NULL, 0));
	T_ERR(ENOTDIR, rump_sys_mount("tmpfs", "f", 0, NULL, 0));
	T_ERR(EINVAL, rump_sys_mount("tmpfs", "m", 0x10000000, NULL, 0));
	T_ERR(EINVAL, rump_sys_mount("tmpfs", "m", MNT_UPDATE, NULL, 0));
	T_ERR(EINVAL, rump_sys_mount("tmpfs", "m", 0, page, sizeof(page)));
	T_ERR(EINVAL, rump_sys_mount("tmpfs", "m", 0, page, 1000000));
	T_ERR(EINVAL, rump_sys_unmount("m", 0));
	T_ERR(EINVAL, rump_sys_unmount("m", 0x100));
	T_ERR(ENOENT, rump_sys_unmount("none", 0));
	T_ERR(EBUSY, rump_sys_unmount("/", 0));
	T_ERR(EBUSY, rump_sys_unmount("/", RUMP_MNT_FORCE));
	T_EQ(0, rump_pub_memstat(&after));
	T_EQ(before.used, after.used);
	T_OK(rump_sys_setuid(1000));
	T_ERR(EPERM, rump_sys_mount("tmpfs", "m", 0, NULL, 0));
	T_ERR(EPERM, rump_sys_unmount("/", 0));
}

/* Mount data cut at every length: an error, or a mount; never more. */
TC(data_cut_short, "At every length: an error and nothing changed, or a mount.")
{
	const char whole[] = "size=64m,nr_inodes=100,mode=1777,uid=5,gid=6";
	struct tmpfs_args args = {TMPFS_ARGS_VERSION, 100, 1 << 20, 1, 2, 0700};
	struct rump_memstat before, after;

	start();
	T_OK(rump_sys_mkdir("m", 0755));
	for (size_t n = 0; n <= sizeof(whole); n++) {
		T_EQ(0, rump_pub_memstat(&before));
		if (rump_sys_mount(
			"tmpfs", "m", 0, (void *)(uintptr_t)whole, n) == 0)
			T_OK(rump_sys_unmount("m", 0));
		else
			T_EQ(EINVAL, errno);
		T_EQ(0, rump_pub_memstat(&after));
		T_EQ(before.used, after.used);
	}
	for (size_t n = 1; n < sizeof(args); n++)
		T_ERR(EINVAL, rump_sys_mount("tmpfs", "m", 0, &args, n));
	T_OK(rump_sys_mount("tmpfs", "m", 0, &args, sizeof(args)));
	T_MODE(0700, "m");
	T_EQ(1u, stat_of("m").st_uid);
}

TC(what_is_mounted, "getvfsstat: all below the caller's root, in order.")
{
	struct rump_vfsstat st[8];
	struct lwp *l;
	int n;

	start();
	n = (int)T_OK(rump_sys_getvfsstat(NULL, 0, 0));
	T_OK(rump_sys_mkdir("m", 0755));
	mount_tmpfs("m");
	T_OK(rump_sys_mkdir("m/d", 0755));
	mount_tmpfs("m/d");
	T_EQ(n + 2, rump_sys_getvfsstat(NULL, 0, 0));
	T_EQ(1, rump_sys_getvfsstat(st, sizeof(st[0]), 0));
	ATF_REQUIRE_STREQ("/", st[0].vs_mntonname);
	T_ASSERT(n + 2 <= 8);
	T_EQ(n + 2, rump_sys_getvfsstat(st, sizeof(st), 0));
	ATF_REQUIRE_STREQ("/t/m", st[n].vs_mntonname);
	ATF_REQUIRE_STREQ("/t/m/d", st[n + 1].vs_mntonname);
	ATF_REQUIRE_STREQ("tmpfs", st[n + 1].vs_fstypename);
	T_ERR(EFAULT, rump_sys_getvfsstat((void *)8, sizeof(st), 0));
	l = newproc(RUMP_RFCFDG);
	T_OK(rump_sys_chroot("/t/m"));
	T_EQ(2, rump_sys_getvfsstat(st, sizeof(st), 0));
	ATF_REQUIRE_STREQ("/", st[0].vs_mntonname);
	ATF_REQUIRE_STREQ("/d", st[1].vs_mntonname);
	release(l);
}

TC(resolve_no_xdev, "openat2 does not cross a mount when it must not.")
{
	struct {
		uint64_t flags, mode, resolve;
	} how = {O_PATH, 0, 1 /* RESOLVE_NO_XDEV */};
	int fd;

	start();
	T_OK(rump_sys_mkdir("m", 0755));
	mount_tmpfs("m");
	T_OK(rump_sys_mkdir("m/d", 0755));
	T_ERR(
	    EXDEV, rump_sys_openat2(AT_FDCWD, "m", (void *)&how, sizeof(how)));
	T_ERR(EXDEV,
	    rump_sys_openat2(AT_FDCWD, "m/d", (void *)&how, sizeof(how)));
	fd = (int)T_OK(rump_sys_open("m/d", O_PATH));
	T_OK(rump_sys_openat2(fd, "..", (void *)&how, sizeof(how)));
	T_ERR(EXDEV, rump_sys_openat2(fd, "../..", (void *)&how, sizeof(how)));
	T_OK(rump_sys_openat2(AT_FDCWD, "../t", (void *)&how, sizeof(how)));
}

static _Atomic bool over;

/* In the process of main, whose working directory it uses. */
static void
use_directory(struct thread *t)
{
	int fd;

	T_EQ(0, rump_pub_lwproc_newlwp(*(pid_t *)t->t_arg));
	while (!over) {
		if ((fd = rump_sys_open(".", O_RDONLY)) != -1)
			T_OK(rump_sys_close(fd));
		(void)rump_sys_mkdir("d", 0700);
		fd = rump_sys_open("d/f", O_WRONLY | O_CREAT, 0600);
		if (fd != -1)
			T_OK(rump_sys_close(fd));
	}
	rump_pub_lwproc_releaselwp();
}

TC(last_user_and_another, "One leaves what the other is about to open.")
{
	pid_t pid;
	struct thread team[2];

	start();
	pid = rump_sys_getpid();
	T_OK(rump_sys_mkdir("/m", 0755));
	over = false;
	team_start(team, 2, use_directory, &pid);
	/* Each is a chance; sanitizers have fewer, and longer ones. */
	for (int i = 0; i < (TC_SLOW == 1 ? 300 : 100); i++) {
		mount_tmpfs("/m");
		T_OK(rump_sys_chdir("/m"));
		T_OK(rump_sys_unmount("/m", RUMP_MNT_DETACH));
		T_OK(rump_sys_chdir("/t"));
	}
	over = true;
	team_join(team, 2);
}

static void
fork_child(void *arg)
{
	(void)arg;
	T_ASSERT(exists("/t/m/f"));
	T_OK(rump_sys_unlink("/t/m/f"));
	T_OK(rump_sys_chdir("/"));
	T_OK(rump_sys_unmount("/t/m", 0));
	T_OK(rump_sys_mount("tmpfs", "/t/m", 0, NULL, 0));
}

TC(host_fork, "The child has mounts of its own.")
{
	tc_local();
	start();
	T_OK(rump_sys_mkdir("m", 0755));
	mount_tmpfs("m");
	make_file("m/f", 0600);
	child_passes(fork_child, NULL);
	T_ASSERT(exists("m/f"));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, what_is_below_is_covered);
	ATF_TP_ADD_TC(tp, mounts_over_mounts);
	ATF_TP_ADD_TC(tp, dotdot_leaves_a_mount);
	ATF_TP_ADD_TC(tp, chroot_into_a_mount);
	ATF_TP_ADD_TC(tp, busy);
	ATF_TP_ADD_TC(tp, left_by_processes);
	ATF_TP_ADD_TC(tp, a_fifo_is_in_use);
	ATF_TP_ADD_TC(tp, force_takes_it_away);
	ATF_TP_ADD_TC(tp, names_that_are_mounted_on_stay);
	ATF_TP_ADD_TC(tp, other_file_system);
	ATF_TP_ADD_TC(tp, read_only);
	ATF_TP_ADD_TC(tp, flags);
	ATF_TP_ADD_TC(tp, bad_arguments);
	ATF_TP_ADD_TC(tp, data_cut_short);
	ATF_TP_ADD_TC(tp, what_is_mounted);
	ATF_TP_ADD_TC(tp, resolve_no_xdev);
	ATF_TP_ADD_TC(tp, last_user_and_another);
	ATF_TP_ADD_TC(tp, host_fork);
	return atf_no_error();
}
