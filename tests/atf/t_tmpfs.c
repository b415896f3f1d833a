/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tmpfs: its options and limits, files without names, names that change
 * places, big directories, sparse files.
 */
#include <sys/statvfs.h>
#include <sys/xattr.h>

#include <dirent.h>

#include <rump/rump_mount.h>

#include "../lib/child.h"
#include "../lib/files.h"
#include "../lib/threads.h"

/* Mount data that is a string. */
static int
mount_string(const char *options, int flags)
{
	return rump_sys_mount("tmpfs", "/t/m", flags,
	    (void *)(uintptr_t)options, strlen(options));
}

/* Be in /t, with an instance of tmpfs on /t/m. */
static void
start_mounted(const char *options)
{
	start();
	T_OK(rump_sys_mkdir("m", 0777));
	T_OK(mount_string(options, 0));
}

static struct statvfs
space(void)
{
	struct statvfs sb;

	T_OK(rump_sys_statvfs("/t/m", &sb));
	return sb;
}

static char page[4096];

/*
 * Options.
 */
static const struct {
	const char *options;
	fsblkcnt_t blocks; /* 0: no limit */
	fsfilcnt_t files;
	mode_t mode;
	uid_t uid;
	gid_t gid;
} good[] = {
    {"", 0, 0, 01777, 0, 0},
    {"size=64m", 16384, 0, 01777, 0, 0},
    {"size=1", 1, 0, 01777, 0, 0},
    {"size=4097", 2, 0, 01777, 0, 0},
    {"size=0", 0, 0, 01777, 0, 0},
    {"size=1G", 262144, 0, 01777, 0, 0},
    {"size=0x10k", 4, 0, 01777, 0, 0},
    {"size=010k", 2, 0, 01777, 0, 0},
    {"nr_blocks=10", 10, 0, 01777, 0, 0},
    {"nr_blocks=1k", 1024, 0, 01777, 0, 0},
    {"nr_inodes=1", 0, 1, 01777, 0, 0},
    {"nr_inodes=1k", 0, 1024, 01777, 0, 0},
    {"mode=755", 0, 0, 0755, 0, 0},
    {"mode=107777", 0, 0, 07777, 0, 0},
    {"uid=1,gid=2", 0, 0, 01777, 1, 2},
    {"uid=4294967294", 0, 0, 01777, 4294967294, 0},
    {",,size=1k,,mode=700,", 1, 0, 0700, 0, 0},
    {"size=1k,size=2m", 512, 0, 01777, 0, 0},
};

TC(options, "What options say is what the instance is.")
{
	struct statvfs sb;
	struct stat st;

	start();
	T_OK(rump_sys_mkdir("m", 0777));
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		T_OK(mount_string(good[i].options, 0));
		sb = space();
		if (good[i].blocks != 0) {
			T_EQ(good[i].blocks, sb.f_blocks);
			T_EQ(good[i].blocks, sb.f_bfree);
		} else
			T_ASSERT(sb.f_bfree > 0 && sb.f_bfree <= sb.f_blocks);
		if (good[i].files != 0) {
			T_EQ(good[i].files, sb.f_files);
			T_EQ(good[i].files - 1, sb.f_ffree);
		} else
			T_ASSERT(sb.f_ffree > 0 && sb.f_ffree <= sb.f_files);
		T_EQ(sb.f_bfree, sb.f_bavail);
		T_EQ(sb.f_ffree, sb.f_favail);
		T_OK(rump_sys_stat("m", &st));
		T_EQ(S_IFDIR | good[i].mode, st.st_mode);
		T_EQ(good[i].uid, st.st_uid);
		T_EQ(good[i].gid, st.st_gid);
		T_OK(rump_sys_unmount("m", 0));
	}
}

TC(options_bad, "Options that make no sense are EINVAL.")
{
	static const char *const bad[] = {"size", "size=", "size=x", "size=-1",
	    "size=1x", "size=1kk", "size=1.5m", "size= 1k", "size=1k ",
	    "size=99999999999999999999", "size=16e", "nr_inodes=x",
	    "nr_inodes=-1", "nr_inodes=10%", "nr_inodes=9223372036854775807",
	    "nr_blocks=10%", "nr_blocks=x", "mode=789", "mode=", "mode=0x1ff",
	    "uid=x", "uid=-1", "uid=4294967295", "uid=4294967296", "uid=1m",
	    "gid=", "bogus", "bogus=1", "size=1k,bogus", "siz=1", "sizes=1"};

	start();
	T_OK(rump_sys_mkdir("m", 0777));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (mount_string(bad[i], 0) == 0)
			tc_fail(__FILE__, __LINE__, "taken: %s", bad[i]);
		T_EQ(EINVAL, errno);
	}
	T_ERR(EBUSY, rump_sys_unmount("/", 0));
}

TC(options_percent, "Per cent are of the kernel's memory.")
{
	struct rump_memstat ms;

	start_mounted("size=50%");
	T_OK(rump_pub_memstat(&ms));
	T_EQ((ms.limit / 2 + 4095) / 4096, space().f_blocks);
}

TC(options_args, "The structure says the same.")
{
	struct tmpfs_args ta = {
	    .ta_version = TMPFS_ARGS_VERSION,
	    .ta_nodes_max = 7,
	    .ta_size_max = 8193,
	    .ta_root_uid = 3,
	    .ta_root_gid = 4,
	    .ta_root_mode = 0711,
	};
	struct statvfs sb;
	struct stat st;

	start();
	T_OK(rump_sys_mkdir("m", 0777));
	T_OK(rump_sys_mount("tmpfs", "m", 0, &ta, sizeof(ta)));
	sb = space();
	T_EQ(3, sb.f_blocks);
	T_EQ(7, sb.f_files);
	T_OK(rump_sys_stat("m", &st));
	T_EQ(S_IFDIR | 0711, st.st_mode);
	T_EQ(3, st.st_uid);
	T_EQ(4, st.st_gid);
	T_OK(rump_sys_unmount("m", 0));

	ta.ta_version = 2;
	T_ERR(EINVAL, rump_sys_mount("tmpfs", "m", 0, &ta, sizeof(ta)));
	ta.ta_version = TMPFS_ARGS_VERSION;
	T_ERR(EINVAL, rump_sys_mount("tmpfs", "m", 0, &ta, sizeof(ta) - 1));
	ta.ta_size_max = -1;
	T_ERR(EINVAL, rump_sys_mount("tmpfs", "m", 0, &ta, sizeof(ta)));
	ta.ta_size_max = 0;
	ta.ta_root_uid = (uid_t)-1;
	T_ERR(EINVAL, rump_sys_mount("tmpfs", "m", 0, &ta, sizeof(ta)));
	ta.ta_root_uid = 0;
	ta.ta_root_mode = 0200000;
	T_ERR(EINVAL, rump_sys_mount("tmpfs", "m", 0, &ta, sizeof(ta)));
	ta.ta_root_mode = 0;
	T_OK(rump_sys_mount("tmpfs", "m", 0, &ta, sizeof(ta)));
}

TC(update, "Limits change, but not below what is used.")
{
	int fd;

	start_mounted("size=1m,nr_inodes=100");
	fd = make_open("m/f", 0644);
	for (int i = 0; i < 5; i++)
		T_EQ(4096, rump_sys_write(fd, page, sizeof(page)));
	T_ERR(EINVAL, mount_string("size=16k", MNT_UPDATE));
	T_ERR(EINVAL, mount_string("size=2m,nr_inodes=1", MNT_UPDATE));
	T_EQ(256, space().f_blocks);
	T_OK(mount_string("size=20k,nr_inodes=2", MNT_UPDATE));
	T_EQ(5, space().f_blocks);
	T_EQ(0, space().f_bfree);
	T_EQ(2, space().f_files);
	T_EQ(0, space().f_ffree);
	T_ERR(ENOSPC, rump_sys_write(fd, page, 1));
	T_ERR(ENOSPC, rump_sys_mkdir("m/d", 0755));
	T_OK(mount_string("size=24k,nr_inodes=3,mode=700,uid=9", MNT_UPDATE));
	T_EQ(4096, rump_sys_write(fd, page, sizeof(page)));
	T_ERR(ENOSPC, rump_sys_write(fd, page, 1));
	T_OK(rump_sys_mkdir("m/d", 0755));
	T_MODE(01777, "m");
	T_EQ(0, stat_of("m").st_uid);
	T_ERR(EINVAL, mount_string("bogus", MNT_UPDATE));
	/* No limit any more, and then none can be set. */
	T_OK(mount_string("size=0", MNT_UPDATE));
	T_EQ(4096, rump_sys_write(fd, page, sizeof(page)));
	T_ERR(EINVAL, mount_string("size=1g", MNT_UPDATE));
	T_EQ(3, space().f_files);
}

/*
 * Limits.
 */
TC(blocks, "So many blocks there are, and not one more; they come back.")
{
	struct statvfs sb;
	int fd, fd2;

	start_mounted("nr_blocks=100");
	fd = make_open("m/f", 0644);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 100; i++)
			T_EQ(4096, rump_sys_pwrite(fd, page, sizeof(page),
				       (off_t)i * 8192));
		T_EQ(0, space().f_bfree);
		T_EQ(100 * 8, stat_of("m/f").st_blocks);
		T_ERR(ENOSPC, rump_sys_pwrite(fd, page, 1, 4096));
		/* What is there can be written, a hole be read. */
		T_EQ(1, rump_sys_pwrite(fd, "x", 1, 8192));
		T_EQ(1, rump_sys_pread(fd, page + 1, 1, 4096));
		T_OK(rump_sys_ftruncate(fd, round == 0 ? 8192 : 0));
		T_EQ(round == 0 ? 99 : 100, space().f_bfree);
		T_OK(rump_sys_ftruncate(fd, 0));
	}
	T_OK(rump_sys_ftruncate(fd, INT64_C(1) << 62));
	T_EQ(100, space().f_bfree);

	/* A write that has room for a part only is short. */
	fd2 = make_open("m/g", 0644);
	for (int i = 0; i < 98; i++)
		T_EQ(4096, rump_sys_write(fd2, page, sizeof(page)));
	T_OK(rump_sys_lseek(fd2, 100, SEEK_CUR));
	{
		static char much[5 * 4096];

		T_EQ(2 * 4096 - 100, rump_sys_write(fd2, much, sizeof(much)));
	}
	T_ERR(ENOSPC, rump_sys_write(fd2, page, 1));
	/* They come back when the last descriptor is closed. */
	T_OK(rump_sys_unlink("m/g"));
	T_EQ(0, space().f_bfree);
	T_OK(rump_sys_close(fd2));
	sb = space();
	T_EQ(100, sb.f_bfree);
}

TC(blocks_of_links, "A long symbolic link takes a block.")
{
	char target[200];

	start_mounted("nr_blocks=1,nr_inodes=10");
	memset(target, 'a', sizeof(target));
	target[127] = '\0';
	T_OK(rump_sys_symlink(target, "m/short"));
	T_EQ(1, space().f_bfree);
	target[127] = 'a';
	target[128] = '\0';
	T_OK(rump_sys_symlink(target, "m/long"));
	T_EQ(0, space().f_bfree);
	T_ERR(ENOSPC, rump_sys_symlink(target, "m/long2"));
	T_EQ(7, space().f_ffree);
	T_OK(rump_sys_unlink("m/long"));
	T_EQ(1, space().f_bfree);
	T_EQ(8, space().f_ffree);
}

TC(inodes, "So many files there are, and not one more; names count.")
{
	char name[32];
	int fd;

	start_mounted("nr_inodes=200");
	for (int i = 0; i < 199; i++) {
		snprintf(name, sizeof(name), "m/%d", i);
		if (i % 3 == 0)
			T_OK(rump_sys_mkdir(name, 0755));
		else if (i % 3 == 1)
			T_OK(rump_sys_symlink("x", name));
		else
			make_file(name, 0644);
	}
	T_EQ(0, space().f_ffree);
	T_ERR(ENOSPC, rump_sys_mkdir("m/d", 0755));
	T_ERR(ENOSPC, rump_sys_open("m/d", O_CREAT | O_WRONLY, 0644));
	T_ERR(ENOSPC, rump_sys_mkfifo("m/d", 0644));
	T_ERR(ENOSPC, rump_sys_symlink("x", "m/d"));
	T_ERR(ENOSPC, rump_sys_link("m/2", "m/d"));
	T_ERR(ENOSPC, rump_sys_open("m", O_TMPFILE | O_RDWR, 0644));
	T_OK(rump_sys_rename("m/2", "m/d"));
	T_OK(rump_sys_rmdir("m/0"));
	T_EQ(1, space().f_ffree);
	T_OK(rump_sys_link("m/d", "m/e"));
	T_EQ(0, space().f_ffree);
	/* One name less, and then the file itself. */
	T_OK(rump_sys_unlink("m/d"));
	T_EQ(1, space().f_ffree);
	fd = (int)T_OK(rump_sys_open("m/e", O_RDONLY));
	T_OK(rump_sys_unlink("m/e"));
	T_EQ(1, space().f_ffree);
	T_OK(rump_sys_close(fd));
	T_EQ(2, space().f_ffree);
}

#define THREADS 4
#define ROUNDS	(20000 / TC_SLOW)

static _Atomic int created;

static void *
crowd(void *arg)
{
	int me = (int)(intptr_t)arg, mine = 0;
	char name[32];

	T_OK(rump_pub_lwproc_newlwp(1));
	for (int i = 0; i < ROUNDS; i++) {
		snprintf(name, sizeof(name), "/t/m/%d-%d", me, i % 64);
		if (rump_sys_mknod(name, S_IFREG | 0644, 0) == 0) {
			mine++;
			continue;
		}
		if (errno == EEXIST) {
			T_OK(rump_sys_unlink(name));
			mine--;
		} else
			T_EQ(ENOSPC, errno);
	}
	created += mine;
	rump_pub_lwproc_releaselwp();
	return NULL;
}

TC(inodes_threads, "Host threads that fight for the last ones get all.")
{
	pthread_t t[THREADS];
	int left;

	tc_local();
	start_mounted("nr_inodes=101");
	for (int i = 0; i < THREADS; i++)
		T_EQ(
		    0, pthread_create(&t[i], NULL, crowd, (void *)(intptr_t)i));
	for (int i = 0; i < THREADS; i++)
		T_EQ(0, pthread_join(t[i], NULL));
	left = 100 - created;
	T_EQ(left, space().f_ffree);
	for (int i = 0; i < left; i++) {
		char name[32];

		snprintf(name, sizeof(name), "m/left%d", i);
		T_OK(rump_sys_mkdir(name, 0755));
	}
	T_ERR(ENOSPC, rump_sys_mkdir("m/more", 0755));
}

TC(unmount_frees, "An instance that goes leaves nothing.")
{
	struct rump_memstat before, after;
	char name[64];

	start();
	T_OK(rump_sys_mkdir("m", 0777));
	for (int round = 0; round < 3; round++) {
		T_OK(rump_pub_memstat(&before));
		T_OK(mount_string("size=1m,nr_inodes=2k", 0));
		for (int i = 0; i < 100; i++) {
			snprintf(name, sizeof(name), "m/d%d", i);
			T_OK(rump_sys_mkdir(name, 0755));
			snprintf(name, sizeof(name), "m/d%d/f", i);
			make_file(name, 0644);
			T_OK(rump_sys_truncate(name, 100000));
			snprintf(name, sizeof(name), "m/d%d/s", i);
			T_OK(rump_sys_symlink("target", name));
		}
		T_OK(rump_sys_unmount("m", 0));
		T_OK(rump_pub_memstat(&after));
	}
	T_EQ(before.used, after.used);
}

/*
 * Files without a name.
 */
TC(tmpfile, "O_TMPFILE makes a file that has no name and goes when closed.")
{
	struct stat sb, dir;
	int fd;

	start_mounted("nr_inodes=2,nr_blocks=1");
	dir = stat_of("m");
	fd = (int)T_OK(rump_sys_open("m", O_TMPFILE | O_RDWR, 0640));
	T_OK(rump_sys_fstat(fd, &sb));
	T_EQ(0, sb.st_nlink);
	T_EQ(S_IFREG | 0640, sb.st_mode);
	T_EQ(4096, rump_sys_write(fd, page, sizeof(page)));
	T_EQ(0, space().f_ffree);
	T_EQ(dir.st_size, stat_of("m").st_size);
	T_OK(rump_sys_close(fd));
	T_EQ(1, space().f_ffree);
	T_EQ(1, space().f_bfree);
}

/*
 * Names that change places.
 */
TC(exchange, "RENAME_EXCHANGE lets two names change places.")
{
	struct stat a, b;

	start_mounted("");
	T_OK(rump_sys_mkdir("m/a", 0755));
	T_OK(rump_sys_mkdir("m/b", 0755));
	T_OK(rump_sys_mkdir("m/a/sub", 0755));
	make_file("m/b/file", 0644);
	a = stat_of("m/a/sub");
	b = stat_of("m/b/file");
	T_EQ(3, nlink_of("m/a"));
	T_EQ(2, nlink_of("m/b"));
	T_OK(rump_sys_renameat2(
	    AT_FDCWD, "m/a/sub", AT_FDCWD, "m/b/file", RENAME_EXCHANGE));
	T_EQ(a.st_ino, ino_of("m/b/file"));
	T_EQ(b.st_ino, ino_of("m/a/sub"));
	T_EQ(2, nlink_of("m/a"));
	T_EQ(3, nlink_of("m/b"));
	T_EQ(1, nlink_of("m/a/sub"));
	/* The directory has another parent. */
	T_EQ(ino_of("m/b"), ino_of("m/b/file/.."));
	T_OK(rump_sys_chdir("m/b/file"));
	T_CWD("/t/m/b/file");
	T_OK(rump_sys_chdir("/t"));
	T_OK(rump_sys_renameat2(
	    AT_FDCWD, "m/a", AT_FDCWD, "m/b", RENAME_EXCHANGE));
	T_EQ(a.st_ino, ino_of("m/a/file"));
	T_OK(rump_sys_rmdir("m/a/file"));
	T_ERR(EINVAL, rump_sys_renameat2(AT_FDCWD, "m/a", AT_FDCWD, "m/b",
			  RENAME_EXCHANGE | RENAME_NOREPLACE));
	T_ERR(ENOENT, rump_sys_renameat2(AT_FDCWD, "m/a", AT_FDCWD, "m/none",
			  RENAME_EXCHANGE));
	/* Two names of one file. */
	make_file("m/x", 0644);
	T_OK(rump_sys_link("m/x", "m/y"));
	T_OK(rump_sys_renameat2(
	    AT_FDCWD, "m/x", AT_FDCWD, "m/y", RENAME_EXCHANGE));
	T_EQ(2, nlink_of("m/x"));
	T_EQ(ino_of("m/x"), ino_of("m/y"));
}

/*
 * Room made beforehand, and holes.
 */
static blkcnt_t
blocks_of(const char *path)
{
	return stat_of(path).st_blocks / 8;
}

TC(fallocate, "Room is made for all of a range or for nothing of it.")
{
	static char data[65536], want[65536];
	int fd;

	start_mounted("nr_blocks=16");
	fd = make_open("m/f", 0644);
	T_OK(rump_sys_fallocate(fd, 0, 0, 10000));
	T_EQ(10000, stat_of("m/f").st_size);
	T_EQ(3, blocks_of("m/f"));
	T_OK(rump_sys_fallocate(fd, FALLOC_FL_KEEP_SIZE, 20000, 5000));
	T_EQ(10000, stat_of("m/f").st_size);
	T_EQ(6, blocks_of("m/f"));
	T_ERR(ENOSPC, rump_sys_fallocate(fd, 0, 0, 65537));
	T_ERR(ENOSPC, rump_sys_fallocate(fd, 0, 8192, 1 << 20));
	T_ERR(ENOSPC, rump_sys_fallocate(fd, 0, 0, INT64_MAX));
	T_EQ(6, blocks_of("m/f"));
	T_EQ(10000, stat_of("m/f").st_size);
	T_EQ(10, space().f_bfree);
	T_OK(rump_sys_fallocate(fd, 0, 0, 65536));
	T_EQ(0, space().f_bfree);
	T_ERR(ENOSPC, rump_sys_fallocate(fd, 0, 65536, 1));
	/* It is there for writes, and zero until then. */
	T_EQ(1, rump_sys_pwrite(fd, "x", 1, 60000));
	want[60000] = 'x';
	T_EQ(65536, rump_sys_pread(fd, data, sizeof(data), 0));
	T_EQ(0, memcmp(want, data, sizeof(data)));

	memset(want, 'z', sizeof(want));
	T_EQ(65536, rump_sys_pwrite(fd, want, sizeof(want), 0));
	T_OK(rump_sys_fallocate(
	    fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 5000, 5000));
	memset(want + 5000, 0, 5000);
	T_EQ(16, blocks_of("m/f"));
	T_OK(rump_sys_fallocate(
	    fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 12288, 4097));
	memset(want + 12288, 0, 4097);
	T_EQ(15, blocks_of("m/f"));
	T_OK(rump_sys_fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
	    40000, INT64_MAX - 40000));
	memset(want + 40000, 0, sizeof(want) - 40000);
	T_EQ(9, blocks_of("m/f"));
	T_EQ(7, space().f_bfree);
	T_EQ(65536, rump_sys_pread(fd, data, sizeof(data), 0));
	T_EQ(0, memcmp(want, data, sizeof(data)));
	T_ERR(
	    EOPNOTSUPP, rump_sys_fallocate(fd, FALLOC_FL_ZERO_RANGE, 0, 4096));
	T_OK(rump_sys_unlink("m/f"));
	T_OK(rump_sys_close(fd));
	T_EQ(16, space().f_bfree);
}

/*
 * Extended attributes.
 */
TC(xattr, "Attributes are kept, in order, and take of the room for files.")
{
	static char value[65536], got[65536];

	start_mounted("nr_inodes=20");
	make_file("m/f", 0644);
	T_ERR(ENODATA, rump_sys_getxattr("m/f", "user.a", got, 10));
	T_OK(rump_sys_setxattr("m/f", "user.a", "12345", 5, 0));
	T_ERR(EEXIST, rump_sys_setxattr("m/f", "user.a", "", 0, XATTR_CREATE));
	T_ERR(
	    ENODATA, rump_sys_setxattr("m/f", "user.b", "", 0, XATTR_REPLACE));
	T_EQ(5, rump_sys_getxattr("m/f", "user.a", NULL, 0));
	T_ERR(ERANGE, rump_sys_getxattr("m/f", "user.a", got, 4));
	T_EQ(5, rump_sys_getxattr("m/f", "user.a", got, sizeof(got)));
	T_EQ(0, memcmp("12345", got, 5));
	T_OK(rump_sys_setxattr("m/f", "security.x", "", 0, 0));
	T_OK(rump_sys_setxattr("m/f", "trusted.x", "1", 1, 0));
	T_OK(rump_sys_setxattr("m/f", "user.b", "", 0, 0));
	T_EQ(35, rump_sys_listxattr("m/f", NULL, 0));
	T_ERR(ERANGE, rump_sys_listxattr("m/f", got, 34));
	T_EQ(35, rump_sys_listxattr("m/f", got, 35));
	T_EQ(0, memcmp("user.b\0user.a\0trusted.x\0security.x", got, 35));
	T_ERR(EOPNOTSUPP, rump_sys_setxattr("m/f", "other.x", "", 0, 0));
	T_ERR(EINVAL, rump_sys_setxattr("m/f", "user.", "", 0, 0));
	T_OK(rump_sys_removexattr("m/f", "security.x"));
	T_OK(rump_sys_removexattr("m/f", "trusted.x"));
	T_OK(rump_sys_removexattr("m/f", "user.a"));
	T_ERR(ENODATA, rump_sys_removexattr("m/f", "user.a"));
	T_OK(rump_sys_removexattr("m/f", "user.b"));

	/* Of 20 files 18 are left: 1024 bytes each. */
	T_EQ(18, space().f_ffree);
	T_ERR(ENOSPC,
	    rump_sys_setxattr("m/f", "user.b", value, 18 * 1024 - 45, 0));
	T_OK(rump_sys_setxattr("m/f", "user.b", value, 18 * 1024 - 46, 0));
	T_EQ(0, space().f_ffree);
	T_ERR(ENOSPC, rump_sys_mkdir("m/d", 0755));
	T_ERR(ENOSPC, rump_sys_setxattr("m/f", "user.b", "", 0, 0));
	T_OK(rump_sys_unlink("m/f"));
	T_EQ(19, space().f_ffree);
}

/*
 * Big ones.
 */
#define MANY (1000000 / TC_SLOW / TC_SLOW)

static unsigned char seen[MANY];

/* Count the entries, and note which were there. */
static int
read_all(int fd)
{
	static char buf[65536];
	int n, count = 0;

	while ((n = (int)T_OK(rump_sys_getdents(fd, buf, sizeof(buf)))) > 0)
		for (int at = 0; at < n;) {
			struct dirent64 *de = (void *)(buf + at);

			at += de->d_reclen;
			if (de->d_name[0] == '.')
				continue;
			seen[strtol(de->d_name, NULL, 10)]++;
			count++;
		}
	return count;
}

TC(many_entries, "A directory of a million: each is listed once.")
{
	struct rump_memstat before, after;
	char name[32];
	int fd;

	start();
	T_OK(rump_sys_mkdir("d", 0755));
	T_OK(rump_sys_chdir("d"));
	T_OK(rump_pub_memstat(&before));
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "%d", i);
		T_OK(rump_sys_mknod(name, S_IFREG | 0644, 0));
	}
	T_OK(rump_pub_memstat(&after));
	T_ASSERT((after.used - before.used) / MANY < 400);
	fd = (int)T_OK(rump_sys_open(".", O_RDONLY));
	T_EQ(MANY, read_all(fd));
	for (int i = 0; i < MANY; i++) {
		T_EQ(1, seen[i]);
		snprintf(name, sizeof(name), "%d", i);
		if (i % 2 == 0)
			T_OK(rump_sys_unlink(name));
	}
	/* Positions of the others have not changed. */
	T_OK(rump_sys_lseek(fd, 0, SEEK_SET));
	T_EQ(MANY / 2, read_all(fd));
	for (int i = 0; i < MANY; i++)
		T_EQ(i % 2 == 0 ? 1 : 2, seen[i]);
	for (int i = 1; i < MANY; i += 2) {
		snprintf(name, sizeof(name), "%d", i);
		T_OK(rump_sys_unlink(name));
	}
	T_OK(rump_sys_lseek(fd, 0, SEEK_SET));
	T_EQ(0, read_all(fd));
	T_OK(rump_sys_close(fd));
	T_OK(rump_pub_memstat(&after));
	T_ASSERT(after.used - before.used < 4096);
}

TC(sparse, "A file can be nearly as long as an offset, and take a few pages.")
{
	static const off_t at[] = {0, 5000, INT64_C(1) << 20, INT64_C(1) << 32,
	    (INT64_C(1) << 41) + 17, INT64_C(1) << 62, INT64_MAX - 4096};
	const int n = sizeof(at) / sizeof(at[0]);
	struct stat sb;
	char c;
	int fd;

	start();
	fd = make_open("f", 0644);
	/* Backwards and forwards: the tree grows and is filled. */
	for (int i = n - 1; i >= 0; i -= 2)
		T_EQ(1, rump_sys_pwrite(fd, "y", 1, at[i]));
	for (int i = n - 2; i >= 0; i -= 2)
		T_EQ(1, rump_sys_pwrite(fd, "y", 1, at[i]));
	T_OK(rump_sys_fstat(fd, &sb));
	T_EQ(at[n - 1] + 1, sb.st_size);
	T_EQ(n * 8, sb.st_blocks);
	for (int i = 0; i < n; i++) {
		T_EQ(1, rump_sys_pread(fd, &c, 1, at[i]));
		T_EQ('y', c);
		T_EQ(1, rump_sys_pread(fd, &c, 1, at[i] - (i != 0)));
		T_EQ(i == 0 ? 'y' : 0, c);
		/* Its page is the next data after the one before. */
		if (i >= 2)
			T_EQ(at[i] & ~4095,
			    rump_sys_lseek(
				fd, (at[i - 1] & ~4095) + 4096, SEEK_DATA));
		T_EQ((at[i] & ~4095) + 4096 < sb.st_size && i != 0
			 ? (at[i] & ~4095) + 4096
		     : i == 0 ? 8192
			      : sb.st_size,
		    rump_sys_lseek(fd, at[i], SEEK_HOLE));
	}
	T_OK(rump_sys_ftruncate(fd, INT64_C(1) << 32));
	T_OK(rump_sys_fstat(fd, &sb));
	T_EQ(3 * 8, sb.st_blocks);
	T_OK(rump_sys_ftruncate(fd, 0));
	T_OK(rump_sys_fstat(fd, &sb));
	T_EQ(0, sb.st_blocks);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, options);
	ATF_TP_ADD_TC(tp, options_bad);
	ATF_TP_ADD_TC(tp, options_percent);
	ATF_TP_ADD_TC(tp, options_args);
	ATF_TP_ADD_TC(tp, update);
	ATF_TP_ADD_TC(tp, blocks);
	ATF_TP_ADD_TC(tp, blocks_of_links);
	ATF_TP_ADD_TC(tp, inodes);
	ATF_TP_ADD_TC(tp, inodes_threads);
	ATF_TP_ADD_TC(tp, unmount_frees);
	ATF_TP_ADD_TC(tp, tmpfile);
	ATF_TP_ADD_TC(tp, exchange);
	ATF_TP_ADD_TC(tp, fallocate);
	ATF_TP_ADD_TC(tp, xattr);
	ATF_TP_ADD_TC(tp, many_entries);
	ATF_TP_ADD_TC(tp, sparse);
	return atf_no_error();
}
