/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * null: what is there already, seen at another place.
 */
#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <stddef.h>

#include <rump/rump_mount.h>

#include "tc.h"

#define FORCE RUMP_MNT_FORCE

static void
make(const char *path, const char *text)
{
	int fd =
	    (int)T_OK(rump_sys_open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644));

	T_EQ(strlen(text), rump_sys_write(fd, text, strlen(text)));
	T_OK(rump_sys_close(fd));
}

static void
holds(const char *path, const char *text)
{
	char buf[64] = "";
	int fd = (int)T_OK(rump_sys_open(path, O_RDONLY, 0));

	T_EQ(strlen(text), rump_sys_read(fd, buf, sizeof(buf) - 1));
	T_ASSERT(strcmp(buf, text) == 0);
	T_OK(rump_sys_close(fd));
}

static int
mount_text(const char *type, const char *dir, int flags, const char *data)
{
	return rump_sys_mount(
	    type, dir, flags, (void *)(uintptr_t)data, strlen(data));
}

/* /a/d/f, and /a seen at /b as well. */
static void
setup(void)
{
	boot();
	T_OK(rump_sys_mkdir("/a", 0755));
	T_OK(rump_sys_mkdir("/a/d", 0755));
	T_OK(rump_sys_mkdir("/b", 0755));
	make("/a/d/f", "one");
	T_OK(mount_text("null", "/b", 0, "target=/a"));
}

TC(same_file, "both places show the same files, at once")
{
	struct stat a, b;

	setup();
	T_OK(rump_sys_stat("/a/d/f", &a));
	T_OK(rump_sys_stat("/b/d/f", &b));
	T_EQ(a.st_ino, b.st_ino);
	T_EQ(a.st_dev, b.st_dev);
	make("/b/d/f", "two");
	holds("/a/d/f", "two");
	T_OK(rump_sys_unlink("/a/d/f"));
	T_ERR(ENOENT, rump_sys_stat("/b/d/f", &b));
}

TC(data, "the target as a structure, as an option or as a path")
{
	struct null_args na = {.nulla_target = (char *)(uintptr_t) "/a"};

	setup();
	T_OK(rump_sys_unmount("/b", 0));
	T_OK(rump_sys_mount("null", "/b", 0, &na, sizeof(na)));
	holds("/b/d/f", "one");
	T_OK(rump_sys_unmount("/b", 0));
	T_OK(mount_text("null", "/b", 0, "/a"));
	holds("/b/d/f", "one");
	T_OK(rump_sys_unmount("/b", 0));
	/* As long as the structure. */
	T_OK(mount_text("null", "/b", 0, "/a/././/"));
	holds("/b/d/f", "one");
	T_OK(rump_sys_unmount("/b", 0));
	T_ERR(EINVAL, mount_text("null", "/b", 0, ""));
	T_ERR(EINVAL, mount_text("null", "/b", 0, "target="));
	T_ERR(EINVAL, mount_text("null", "/b", 0, "size=1"));
	T_ERR(ENOENT, mount_text("null", "/b", 0, "target=/none"));
	T_ERR(ENOTDIR, mount_text("null", "/b", 0, "target=/a/d/f"));
	na.nulla_target = NULL;
	T_ERR(EFAULT, rump_sys_mount("null", "/b", 0, &na, sizeof(na)));
}

TC(dotdot, "\"..\" and getcwd go by the place that was walked through")
{
	struct stat root, st;
	char buf[64];

	setup();
	T_OK(rump_sys_stat("/", &root));
	T_OK(rump_sys_stat("/b/..", &st));
	T_EQ(root.st_ino, st.st_ino);
	T_OK(rump_sys_chdir("/b/d"));
	T_OK(rump_sys___getcwd(buf, sizeof(buf)));
	T_ASSERT(strcmp(buf, "/b/d") == 0);
	T_OK(rump_sys_chdir("/a/d"));
	T_OK(rump_sys___getcwd(buf, sizeof(buf)));
	T_ASSERT(strcmp(buf, "/a/d") == 0);
	T_OK(rump_sys_chdir("/"));
}

TC(part, "a part of a file system, also when a directory leaves it")
{
	struct stat st;
	char buf[64];

	setup();
	T_OK(rump_sys_mkdir("/c", 0755));
	T_OK(rump_sys_mkdir("/a/d/e", 0755));
	T_OK(mount_text("null", "/c", 0, "/a/d"));
	holds("/c/f", "one");
	T_OK(rump_sys_chdir("/c/e"));
	T_OK(rump_sys___getcwd(buf, sizeof(buf)));
	T_ASSERT(strcmp(buf, "/c/e") == 0);
	T_OK(rump_sys_rename("/a/d/e", "/a/e"));
	T_ERR(ENOENT, rump_sys___getcwd(buf, sizeof(buf)));
	T_ERR(ENOENT, rump_sys_stat("..", &st));
	T_OK(rump_sys_chdir("/"));
	/* Its root can be removed where nothing is mounted on it. */
	T_OK(rump_sys_unlink("/a/d/f"));
	T_OK(rump_sys_rmdir("/a/d"));
	T_ERR(ENOENT, rump_sys_mkdir("/c/x", 0755));
	T_OK(rump_sys_unmount("/c", 0));
}

TC(crossing, "links and renames from one mount to another: EXDEV")
{
	setup();
	T_ERR(EXDEV, rump_sys_link("/a/d/f", "/b/g"));
	T_ERR(EXDEV, rump_sys_rename("/a/d/f", "/b/g"));
	T_OK(rump_sys_link("/b/d/f", "/b/g"));
	T_OK(rump_sys_rename("/b/g", "/b/d/g"));
	holds("/a/d/g", "one");
}

TC(flags_of_its_own, "one place can be read-only")
{
	setup();
	T_OK(rump_sys_unmount("/b", 0));
	T_OK(mount_text("null", "/b", RUMP_MNT_RDONLY, "/a"));
	T_ERR(EROFS, rump_sys_mkdir("/b/x", 0755));
	T_ERR(EROFS, rump_sys_open("/b/d/f", O_WRONLY, 0));
	T_ERR(EROFS, rump_sys_chmod("/b/d/f", 0600));
	T_OK(rump_sys_mkdir("/a/x", 0755));
	/* What is shown again from there is read-only as well. */
	T_OK(mount_text("null", "/a/x", 0, "/b"));
	T_ERR(EROFS, rump_sys_mkdir("/a/x/y", 0755));
	T_OK(rump_sys_mount("null", "/a/x", RUMP_MNT_UPDATE, NULL, 0));
	T_OK(rump_sys_mkdir("/a/x/y", 0755));
}

TC(origin_goes, "the first mount of a file system can go before the second")
{
	struct stat st;
	int fd;

	setup();
	T_OK(rump_sys_mkdir("/t", 0755));
	T_OK(rump_sys_mkdir("/c", 0755));
	T_OK(rump_sys_mount("tmpfs", "/t", 0, NULL, 0));
	make("/t/f", "there");
	T_OK(mount_text("null", "/c", 0, "/t"));
	T_OK(rump_sys_unmount("/t", 0));
	T_ERR(ENOENT, rump_sys_stat("/t/f", &st));
	holds("/c/f", "there");
	fd = (int)T_OK(rump_sys_open("/c/f", O_RDONLY, 0));
	T_ERR(EBUSY, rump_sys_unmount("/c", 0));
	T_OK(rump_sys_close(fd));
	T_OK(rump_sys_unmount("/c", 0));
	T_ERR(ENOENT, rump_sys_stat("/c/f", &st));
}

TC(on_a_file, "a file is shown in place of another")
{
	struct rump_vfsstat vs[8];
	int i, n, seen = 0;

	setup();
	make("/a/g", "covered");
	make("/a/h", "other");
	T_OK(mount_text("null", "/b/g", 0, "/a/d/f"));
	holds("/b/g", "one");
	holds("/a/g", "covered");
	T_ERR(EBUSY, rump_sys_unlink("/b/g"));
	T_ERR(EBUSY, rump_sys_rename("/b/g", "/b/i"));
	T_ERR(EBUSY, rump_sys_rename("/b/h", "/b/g"));
	T_ERR(EXDEV, rump_sys_link("/b/g", "/b/i"));
	T_ERR(ENOTDIR, mount_text("null", "/b/g", 0, "/a/d"));
	/* Once more on top. */
	T_OK(mount_text("null", "/b/g", 0, "/a/h"));
	holds("/b/g", "other");
	n = (int)T_OK(rump_sys_getvfsstat(vs, sizeof(vs), 0));
	for (i = 0; i < n; i++)
		seen += strcmp(vs[i].vs_mntonname, "/b/g") == 0 &&
			strcmp(vs[i].vs_mntfromname,
			    seen == 0 ? "/a/d/f" : "/a/h") == 0;
	T_EQ(2, seen);
	T_OK(rump_sys_unmount("/b/g", 0));
	holds("/b/g", "one");
	T_OK(rump_sys_unmount("/b/g", 0));
	holds("/b/g", "covered");
	T_OK(rump_sys_unlink("/b/g"));
}

TC(on_itself, "a directory on itself, and a mount within what is shown")
{
	struct stat st;

	setup();
	T_OK(mount_text("null", "/a", 0, "/a"));
	holds("/a/d/f", "one");
	T_OK(rump_sys_mount("tmpfs", "/a/d", 0, NULL, 0));
	T_ERR(ENOENT, rump_sys_stat("/a/d/f", &st));
	/* It is on one of the places only. */
	holds("/b/d/f", "one");
	T_ERR(EBUSY, rump_sys_unmount("/a", 0));
	T_OK(rump_sys_unmount("/a", FORCE));
	holds("/a/d/f", "one");
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, same_file);
	ATF_TP_ADD_TC(tp, data);
	ATF_TP_ADD_TC(tp, dotdot);
	ATF_TP_ADD_TC(tp, part);
	ATF_TP_ADD_TC(tp, crossing);
	ATF_TP_ADD_TC(tp, flags_of_its_own);
	ATF_TP_ADD_TC(tp, origin_goes);
	ATF_TP_ADD_TC(tp, on_a_file);
	ATF_TP_ADD_TC(tp, on_itself);
	return atf_no_error();
}
