/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files of the host at paths of the kernel: etfs.
 */
#include <sys/stat.h>

#include <fcntl.h>
#include <limits.h>

#include <rump/rump_mount.h>

#include "../lib/child.h"
#include "../lib/tc.h"

static void
host_write(const char *path, const char *text)
{
	int fd = (int)T_OK(open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644));

	T_EQ(strlen(text), write(fd, text, strlen(text)));
	T_OK(close(fd));
}

/* A file of the host is at this path in the kernel or, unless H, there. */
static void
reads(const char *path, bool h, const char *text)
{
	char buf[64];
	ssize_t n;
	int fd;

	fd =
	    (int)T_OK(h ? open(path, O_RDONLY) : rump_sys_open(path, O_RDONLY));
	n = h ? read(fd, buf, sizeof(buf))
	      : rump_sys_read(fd, buf, sizeof(buf));
	T_EQ(strlen(text), n);
	T_EQ(0, memcmp(buf, text, (size_t)n));
	T_OK(h ? close(fd) : rump_sys_close(fd));
}

static void
setup(void)
{
	boot();
	(void)newproc(RUMP_RFCFDG);
	host_write("img", "0123456789");
}

TC(regular_file, "Data both ways; it can grow and shrink.")
{
	struct stat st;
	int fd;

	setup();
	T_EQ(0, rump_pub_etfs_register("/a/b/f", "img", RUMP_ETFS_REG));
	T_OK(rump_sys_stat("/a/b/f", &st));
	T_EQ(S_IFREG | 0644, st.st_mode);
	T_EQ(10, st.st_size);
	T_EQ(0, st.st_uid);
	reads("/a/b/f", false, "0123456789");
	fd = (int)T_OK(rump_sys_open("/a/b/f", O_RDWR));
	T_EQ(2, rump_sys_pwrite(fd, "ab", 2, 9));
	reads("img", true, "012345678ab");
	T_OK(rump_sys_ftruncate(fd, 3));
	T_EQ(3, rump_sys_lseek(fd, 0, SEEK_END));
	T_OK(rump_sys_fsync(fd));
	T_OK(rump_sys_close(fd));
	fd = (int)T_OK(rump_sys_open("/a/b/f", O_WRONLY | O_APPEND));
	T_EQ(1, rump_sys_write(fd, "x", 1));
	T_OK(rump_sys_close(fd));
	reads("img", true, "012x");
	T_OK(rump_sys_open("/a/b/f", O_WRONLY | O_TRUNC));
	reads("img", true, "");
}

TC(range, "Reads end where it ends; writes do not go beyond.")
{
	struct stat st;
	int fd;

	setup();
	T_EQ(0,
	    rump_pub_etfs_register_withsize("/r", "img", RUMP_ETFS_REG, 2, 5));
	T_OK(rump_sys_stat("/r", &st));
	T_EQ(5, st.st_size);
	reads("/r", false, "23456");
	fd = (int)T_OK(rump_sys_open("/r", O_RDWR));
	T_EQ(3, rump_sys_pwrite(fd, "abcdef", 6, 2));
	reads("img", true, "0123abc789");
	T_ERR(ENOSPC, rump_sys_pwrite(fd, "x", 1, 5));
	T_ERR(ENOSPC, rump_sys_pwrite(fd, "x", 1, INT64_MAX - 1));
	T_EQ(0, rump_sys_pread(fd, &st, 1, 5));
	T_EQ(0, rump_sys_pread(fd, &st, 1, INT64_MAX - 1));
	T_ERR(EINVAL, rump_sys_ftruncate(fd, 1));
	T_EQ(0, rump_pub_etfs_register_withsize(
		    "/e", "img", RUMP_ETFS_REG, 8, RUMP_ETFS_SIZE_ENDOFF));
	reads("/e", false, "89");
}

TC(block_device, "Whole sectors of the host's file.")
{
	struct stat st;
	char buf[512];
	int fd;

	setup();
	T_OK(truncate("img", 4 * 512 + 100));
	T_EQ(0, rump_pub_etfs_register("/dev/disk", "img", RUMP_ETFS_BLK));
	T_OK(rump_sys_stat("/dev/disk", &st));
	T_ASSERT(S_ISBLK(st.st_mode));
	T_EQ(2048, st.st_size);
	fd = (int)T_OK(rump_sys_open("/dev/disk", O_RDWR | O_TRUNC));
	T_EQ(2048, rump_sys_lseek(fd, 0, SEEK_END));
	T_EQ(0, rump_sys_read(fd, buf, 512));
	T_ERR(ENOSPC, rump_sys_write(fd, buf, 512));
	memset(buf, 'x', sizeof(buf));
	T_EQ(512, rump_sys_pwrite(fd, buf, 512, 1536));
	T_EQ(10, rump_sys_pread(fd, buf, 10, 0));
	T_EQ(0, memcmp(buf, "0123456789", 10));
	T_ERR(EINVAL, rump_sys_ftruncate(fd, 0));
}

TC(character_device, "What the host's device does with it.")
{
	char buf[16] = {0};
	struct stat st;
	int fd;

	setup();
	T_EQ(0, rump_pub_etfs_register("/dev/hz", "/dev/zero", RUMP_ETFS_CHR));
	T_OK(rump_sys_stat("/dev/hz", &st));
	T_ASSERT(S_ISCHR(st.st_mode));
	fd = (int)T_OK(rump_sys_open("/dev/hz", O_RDWR));
	memset(buf, 'x', sizeof(buf));
	T_EQ(16, rump_sys_read(fd, buf, 16));
	T_EQ(0, buf[15]);
	T_EQ(16, rump_sys_write(fd, buf, 16));
}

TC(directories, "With and without the directories in them.")
{
	struct stat st;

	setup();
	T_OK(mkdir("d", 0755));
	T_OK(mkdir("d/sub", 0755));
	host_write("d/f", "f");
	host_write("d/sub/f", "sub");
	T_OK(mkdir("with,comma\\", 0755));
	host_write("with,comma\\/f", "comma");
	T_EQ(0, rump_pub_etfs_register("/one", "d", RUMP_ETFS_DIR));
	T_EQ(0, rump_pub_etfs_register("/all", "d", RUMP_ETFS_DIR_SUBDIRS));
	T_EQ(0, rump_pub_etfs_register(
		    "/c", "with,comma\\", RUMP_ETFS_DIR_SUBDIRS));
	reads("/one/f", false, "f");
	T_ERR(ENOENT, rump_sys_stat("/one/sub", &st));
	T_ERR(ENOENT, rump_sys_stat("/one/sub/f", &st));
	T_ERR(EPERM, rump_sys_mkdir("/one/new", 0755));
	reads("/all/sub/f", false, "sub");
	reads("/c/f", false, "comma");
	T_EQ(0, rump_pub_etfs_remove("/one"));
	T_ERR(ENOENT, rump_sys_stat("/one", &st));
	T_OK(stat("d/f", &st));
}

TC(mistakes, "Nothing is left of what failed.")
{
	struct stat st;

	setup();
	T_OK(mkdir("d", 0755));
	T_OK(mkfifo("p", 0666));
	T_EQ(EINVAL, rump_pub_etfs_register("f", "img", RUMP_ETFS_REG));
	T_EQ(EINVAL, rump_pub_etfs_register("", "img", RUMP_ETFS_REG));
	T_EQ(EINVAL,
	    rump_pub_etfs_register("/f", "img", (enum rump_etfs_type)99));
	T_EQ(ENOENT, rump_pub_etfs_register("/x/f", "none", RUMP_ETFS_REG));
	T_ERR(ENOENT, rump_sys_stat("/x", &st));
	T_EQ(EISDIR, rump_pub_etfs_register("/f", "d", RUMP_ETFS_REG));
	T_EQ(EINVAL, rump_pub_etfs_register("/f", "p", RUMP_ETFS_REG));
	T_EQ(ENOTDIR, rump_pub_etfs_register("/f", "img", RUMP_ETFS_DIR));
	T_EQ(EINVAL, rump_pub_etfs_register_withsize("/f", "img", RUMP_ETFS_REG,
			 11, RUMP_ETFS_SIZE_ENDOFF));
	T_EQ(EINVAL, rump_pub_etfs_register_withsize(
			 "/f", "img", RUMP_ETFS_REG, 1, INT64_MAX));
	T_EQ(EINVAL, rump_pub_etfs_register_withsize(
			 "/f", "img", RUMP_ETFS_REG, UINT64_MAX, 1));
	T_ERR(ENOENT, rump_sys_stat("/f", &st));
	T_EQ(0, rump_pub_etfs_register("/f", "img", RUMP_ETFS_REG));
	T_EQ(EEXIST, rump_pub_etfs_register("/f", "img", RUMP_ETFS_REG));
	T_EQ(ENOTDIR, rump_pub_etfs_register("/f/g", "img", RUMP_ETFS_REG));
	T_EQ(ENOENT, rump_pub_etfs_remove("/g"));
	T_EQ(ENOENT, rump_pub_etfs_remove("/tmp"));
}

TC(removing, "EBUSY while it is open; the key can be used again.")
{
	struct stat st;
	int fd;

	setup();
	T_EQ(0, rump_pub_etfs_register("/f", "img", RUMP_ETFS_REG));
	fd = (int)T_OK(rump_sys_open("/f", O_RDONLY));
	T_EQ(EBUSY, rump_pub_etfs_remove("/f"));
	T_ERR(EBUSY, rump_sys_unlink("/f"));
	T_OK(rump_sys_close(fd));
	T_EQ(0, rump_pub_etfs_remove("/f"));
	T_EQ(ENOENT, rump_pub_etfs_remove("/f"));
	T_ERR(ENOENT, rump_sys_stat("/f", &st));
	T_EQ(0, rump_pub_etfs_register("/f", "img", RUMP_ETFS_REG));
	reads("/f", false, "0123456789");
	/* Unmounted by other means. */
	T_OK(rump_sys_unmount("/f", 0));
	T_EQ(0, rump_pub_etfs_remove("/f"));
	T_ERR(ENOENT, rump_sys_stat("/f", &st));
}

TC(whoever_calls, "A user in another root registers like root.")
{
	struct lwp *l;

	setup();
	l = rump_pub_lwproc_curlwp();
	T_OK(rump_sys_chroot("/tmp"));
	T_OK(rump_sys_setresuid(10, 10, 10));
	T_EQ(0, rump_pub_etfs_register("/f", "img", RUMP_ETFS_REG));
	T_PTR(l, rump_pub_lwproc_curlwp());
	rump_pub_lwproc_switch(NULL);
	reads("/f", false, "0123456789");
	T_EQ(0, rump_pub_etfs_remove("/f"));
	T_PTR(NULL, rump_pub_lwproc_curlwp());
}

static void
boot_list(void *arg)
{
	static struct rump_boot_etfs eb[] = {{.eb_key = "/b/one",
						 .eb_hostpath = "img",
						 .eb_type = RUMP_ETFS_REG},
	    {.eb_key = "/two", .eb_hostpath = "none", .eb_type = RUMP_ETFS_REG},
	    {.eb_key = "/b/part",
		.eb_hostpath = "img",
		.eb_type = RUMP_ETFS_BLK,
		.eb_begin = 1,
		.eb_size = 3}};

	(void)arg;
	T_EQ(ENXIO, rump_pub_etfs_register("/f", "img", RUMP_ETFS_REG));
	T_EQ(ENXIO, rump_pub_etfs_remove("/f"));
	rump_boot_etfs_register(&eb[0]);
	rump_boot_etfs_register(&eb[1]);
	rump_boot_etfs_register(&eb[2]);
	T_EQ(-1, eb[0].eb_status);
	boot();
	T_EQ(0, eb[0].eb_status);
	T_EQ(ENOENT, eb[1].eb_status);
	T_EQ(0, eb[2].eb_status);
	reads("/b/one", false, "0123456789");
	T_EQ(0, rump_pub_etfs_remove("/b/one"));
}

TC(at_boot, "Registered before rump_init, there after it.")
{
	host_write("img", "0123456789");
	child_passes(boot_list, NULL);
}

TC(read_only_on_the_host, "Then it is so in the kernel.")
{
	setup();
	/* A program that runs cannot be written, even by root. */
	T_EQ(-1, open("/proc/self/exe", O_RDWR));
	T_EQ(0, rump_pub_etfs_register("/f", "/proc/self/exe", RUMP_ETFS_REG));
	T_ERR(EROFS, rump_sys_open("/f", O_RDWR));
	T_ERR(EROFS, rump_sys_truncate("/f", 0));
	T_OK(rump_sys_open("/f", O_RDONLY));
}

TC(as_a_mount, "The file system can be mounted by its name.")
{
	static const char data[] = "path=img,type=blk,begin=1,size=1024";

	setup();
	T_OK(rump_sys_mknod("/f", S_IFREG | 0600, 0));
	T_ERR(EINVAL, rump_sys_mount("etfs", "/f", 0, (void *)"type=reg", 8));
	T_ERR(EINVAL,
	    rump_sys_mount("etfs", "/f", 0, (void *)"path=img,type=x", 15));
	T_ERR(ENOTDIR,
	    rump_sys_mount("etfs", "/tmp", 0, (void *)data, sizeof(data) - 1));
	T_OK(rump_sys_mount("etfs", "/f", 0, (void *)data, sizeof(data) - 1));
	reads("/f", false, "123456789");
	T_OK(rump_sys_unmount("/f", 0));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, regular_file);
	ATF_TP_ADD_TC(tp, range);
	ATF_TP_ADD_TC(tp, block_device);
	ATF_TP_ADD_TC(tp, character_device);
	ATF_TP_ADD_TC(tp, directories);
	ATF_TP_ADD_TC(tp, mistakes);
	ATF_TP_ADD_TC(tp, removing);
	ATF_TP_ADD_TC(tp, whoever_calls);
	ATF_TP_ADD_TC(tp, at_boot);
	ATF_TP_ADD_TC(tp, read_only_on_the_host);
	ATF_TP_ADD_TC(tp, as_a_mount);
	return atf_no_error();
}
