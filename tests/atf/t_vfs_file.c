/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files: who may use them, how they are opened, written, cut and dated, and
 * how long they are there.
 */
#include "../lib/child.h"
#include "../lib/files.h"

/* Be this user, in one more group (0: none); root can be again. */
static void
become(uid_t uid, gid_t gid, gid_t more)
{
	T_OK(rump_sys_setresuid(0, 0, 0));
	T_OK(rump_sys_setgroups(more != 0 ? 1 : 0, &more));
	T_OK(rump_sys_setresgid(gid, gid, 0));
	T_OK(rump_sys_setresuid(uid, uid, 0));
}

/*
 * Permission.
 */
static const struct {
	mode_t mode;
	uid_t uid;
	gid_t gid, more;
	int may; /* of R_OK, W_OK, X_OK */
} cases[] = {
    {0750, 10, 99, 0, R_OK | W_OK | X_OK},
    {0077, 10, 20, 0, 0},
    {0407, 10, 20, 20, R_OK},
    {0640, 11, 20, 0, R_OK},
    {0640, 11, 99, 20, R_OK},
    {0640, 11, 99, 21, 0},
    {0707, 11, 20, 0, 0},
    {0707, 11, 99, 20, 0},
    {0070, 11, 99, 20, R_OK | W_OK | X_OK},
    {0776, 11, 99, 0, R_OK | W_OK},
    {0001, 11, 99, 0, X_OK},
    {0000, 0, 0, 0, R_OK | W_OK},
    {0010, 0, 0, 0, R_OK | W_OK | X_OK},
};

TC(permission_by_credential, "The first class that fits decides; root may.")
{
	int fd;

	start();
	make_file("f", 0);
	T_OK(rump_sys_chown("f", 10, 20));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		become(0, 0, 0);
		T_OK(rump_sys_chmod("f", cases[i].mode));
		become(cases[i].uid, cases[i].gid, cases[i].more);
		for (int want = 1; want <= (R_OK | W_OK | X_OK); want++) {
			if ((want & ~cases[i].may) == 0)
				T_OK(rump_sys_access("f", want));
			else
				T_ERR(EACCES, rump_sys_access("f", want));
		}
		if ((cases[i].may & R_OK) != 0) {
			fd = (int)T_OK(rump_sys_open("f", O_RDONLY));
			T_OK(rump_sys_close(fd));
		} else
			T_ERR(EACCES, rump_sys_open("f", O_RDONLY));
		if ((cases[i].may & W_OK) != 0) {
			fd = (int)T_OK(rump_sys_open("f", O_WRONLY));
			T_OK(rump_sys_close(fd));
		} else {
			T_ERR(EACCES, rump_sys_open("f", O_WRONLY));
			T_ERR(EACCES, rump_sys_truncate("f", 0));
			T_ERR(EACCES, rump_sys_open("f", O_RDONLY | O_TRUNC));
		}
	}
}

TC(permission_of_directories, "Search, list and change a directory.")
{
	struct stat sb;
	char buf[512];
	int fd;

	start();
	T_OK(rump_sys_mkdir("d", 0));
	make_file("d/f", 0666);
	become(11, 99, 0);
	T_ERR(EACCES, rump_sys_stat("d/f", &sb));
	T_ERR(EACCES, rump_sys_stat("d/none", &sb));
	T_ERR(EACCES, rump_sys_stat("d/../d", &sb));
	T_ERR(EACCES, rump_sys_chdir("d"));
	T_OK(rump_sys_stat("d", &sb));
	become(0, 0, 0);
	T_OK(rump_sys_stat("d/f", &sb));
	/* Only search. */
	T_OK(rump_sys_chmod("d", 0711));
	become(11, 99, 0);
	T_OK(rump_sys_stat("d/f", &sb));
	T_OK(rump_sys_chdir("d"));
	T_OK(rump_sys_chdir(".."));
	T_ERR(EACCES, rump_sys_open("d", O_RDONLY));
	T_ERR(EACCES, rump_sys_unlink("d/f"));
	T_ERR(EACCES, rump_sys_rename("d/f", "f"));
	T_ERR(EACCES, rump_sys_mkdir("d/e", 0700));
	T_ERR(EACCES, rump_sys_open("d/e", O_RDWR | O_CREAT, 0600));
	T_ERR(EEXIST, rump_sys_mkdir("d/f", 0700));
	/* Only list. */
	become(0, 0, 0);
	T_OK(rump_sys_chmod("d", 0744));
	become(11, 99, 0);
	fd = (int)T_OK(rump_sys_open("d", O_RDONLY));
	T_ASSERT(rump_sys_getdents(fd, buf, sizeof(buf)) > 0);
	T_ERR(EACCES, rump_sys_fstatat(fd, "f", &sb, 0));
	T_ERR(EACCES, rump_sys_fchdir(fd));
	/* To write takes search as well. */
	become(0, 0, 0);
	T_OK(rump_sys_chmod("d", 0766));
	become(11, 99, 0);
	T_ERR(EACCES, rump_sys_mkdir("d/e", 0700));
	become(0, 0, 0);
	T_OK(rump_sys_chmod("d", 0733));
	become(11, 99, 0);
	T_OK(rump_sys_mkdir("d/e", 0700));
	T_EQ(11, stat_of("d/e").st_uid);
	T_EQ(99, stat_of("d/e").st_gid);
	T_OK(rump_sys_unlink("d/f"));
}

TC(sticky_directory, "In a sticky directory only one's own names go.")
{
	start();
	T_OK(rump_sys_mkdir("d", 01777));
	T_OK(rump_sys_chown("d", 9, 9));
	T_MODE(01777, "d");
	become(10, 20, 0);
	make_file("d/f", 0666);
	T_OK(rump_sys_mkdir("d/e", 0777));
	become(11, 20, 0);
	make_file("d/mine", 0666);
	T_ERR(EPERM, rump_sys_unlink("d/f"));
	T_ERR(EPERM, rump_sys_rmdir("d/e"));
	T_ERR(EPERM, rump_sys_rename("d/f", "d/g"));
	T_ERR(EPERM, rump_sys_rename("d/mine", "d/f"));
	T_OK(rump_sys_rename("d/mine", "d/mine2"));
	T_OK(rump_sys_unlink("d/mine2"));
	become(9, 20, 0);
	T_OK(rump_sys_rename("d/f", "d/g"));
	become(10, 20, 0);
	T_OK(rump_sys_unlink("d/g"));
	become(0, 0, 0);
	T_OK(rump_sys_rmdir("d/e"));
}

TC(setgid_directory, "What is made in a set-group-id directory is its group's.")
{
	start();
	T_OK(rump_sys_mkdir("d", 0777));
	T_OK(rump_sys_chown("d", 0, 30));
	T_OK(rump_sys_chmod("d", 02777));
	become(10, 20, 0);
	make_file("d/f", 0666);
	T_OK(rump_sys_mkdir("d/e", 0755));
	T_OK(rump_sys_symlink("f", "d/s"));
	T_EQ(30, stat_of("d/f").st_gid);
	T_MODE(0666, "d/f");
	T_EQ(30, stat_of("d/e").st_gid);
	T_MODE(02755, "d/e");
	T_EQ(30, stat_of("d/s").st_gid);
	/* Not for who is not in the group. */
	make_file("d/x", 02777);
	T_MODE(0777, "d/x");
	T_OK(rump_sys_chmod("d/f", 02777));
	T_MODE(0777, "d/f");
	become(10, 20, 30);
	T_OK(rump_sys_chmod("d/f", 02777));
	T_MODE(02777, "d/f");
}

TC(who_changes_what, "chmod, chown and utimensat are for the owner and root.")
{
	const struct timespec set[2] = {{1, 0}, {2, 0}};

	start();
	make_file("f", 0646);
	T_OK(rump_sys_chown("f", 10, 20));
	become(11, 20, 0);
	T_ERR(EPERM, rump_sys_chmod("f", 0777));
	T_ERR(EPERM, rump_sys_chown("f", 11, (gid_t)-1));
	T_ERR(EPERM, rump_sys_chown("f", (uid_t)-1, 20));
	T_ERR(EPERM, rump_sys_utimensat(AT_FDCWD, "f", set, 0));
	T_ERR(EACCES, rump_sys_utimensat(AT_FDCWD, "f", NULL, 0));
	become(11, 99, 0);
	T_OK(rump_sys_utimensat(AT_FDCWD, "f", NULL, 0));
	become(10, 99, 21);
	T_OK(rump_sys_chmod("f", 0600));
	T_ERR(EPERM, rump_sys_chown("f", 11, (gid_t)-1));
	T_ERR(EPERM, rump_sys_chown("f", (uid_t)-1, 22));
	T_OK(rump_sys_chown("f", 10, 21));
	T_OK(rump_sys_chown("f", (uid_t)-1, 99));
	T_OK(rump_sys_utimensat(AT_FDCWD, "f", set, 0));
	T_EQ(2, stat_of("f").st_mtim.tv_sec);
}

TC(set_id_bits_go, "A write, a cut and another owner clear the set-id bits.")
{
	int fd;

	start();
	fd = make_open("f", 0777);
	T_OK(rump_sys_chown("f", 10, 20));
	T_OK(rump_sys_chmod("f", 06777));
	/* Root may keep them when it writes, not when it gives it away. */
	T_EQ(1, rump_sys_write(fd, "x", 1));
	T_MODE(06777, "f");
	T_OK(rump_sys_chown("f", 10, 20));
	T_MODE(0777, "f");
	T_OK(rump_sys_chmod("f", 06767));
	T_OK(rump_sys_chown("f", 10, 20));
	T_MODE(02767, "f");

	T_OK(rump_sys_chmod("f", 06777));
	become(11, 99, 0);
	T_EQ(1, rump_sys_write(fd, "x", 1));
	T_MODE(0777, "f");
	become(0, 0, 0);
	T_OK(rump_sys_chmod("f", 06777));
	become(10, 20, 0);
	T_OK(rump_sys_truncate("f", 0));
	T_MODE(0777, "f");
	T_OK(rump_sys_chmod("f", 06777));
	T_MODE(06777, "f");
	T_OK(rump_sys_chown("f", (uid_t)-1, 20));
	T_MODE(0777, "f");
	/* A directory keeps them. */
	T_OK(rump_sys_mkdir("d", 0777));
	T_OK(rump_sys_chmod("d", 06777));
	T_OK(rump_sys_chown("d", 10, 20));
	T_MODE(06777, "d");
}

TC(umask_masks, "The mask is taken from the mode of what is made.")
{
	start();
	T_EQ(0, rump_sys_umask(027));
	make_file("f", 0666);
	T_OK(rump_sys_mkdir("d", 01777));
	T_OK(rump_sys_mkfifo("p", 0666));
	T_OK(rump_sys_symlink("f", "s"));
	T_MODE(0640, "f");
	T_MODE(01750, "d");
	T_MODE(0640, "p");
	T_MODE(0777, "s");
	T_OK(rump_sys_chmod("f", 0666));
	T_MODE(0666, "f");
	T_EQ(027, rump_sys_umask(07777));
	T_EQ(0777, rump_sys_umask(0));
	/* The mode is for later: this descriptor may write. */
	become(10, 10, 0);
	T_EQ(1, rump_sys_write(make_open("w", 0400), "x", 1));
	T_ERR(EACCES, rump_sys_open("w", O_WRONLY));
}

/*
 * Opening, reading and writing.
 */
TC(open_flags, "What the flags of open ask for.")
{
	int fd;
	char c;

	start();
	T_ERR(ENOENT, rump_sys_open("f", O_RDWR));
	fd = (int)T_OK(rump_sys_open("f", O_RDWR | O_CREAT | O_EXCL, 0600));
	T_EQ(3, rump_sys_write(fd, "abc", 3));
	T_ERR(EEXIST, rump_sys_open("f", O_RDWR | O_CREAT | O_EXCL, 0600));
	T_OK(rump_sys_symlink("new", "s"));
	T_ERR(EEXIST, rump_sys_open("s", O_RDWR | O_CREAT | O_EXCL, 0600));
	T_ERR(ENOENT, rump_sys_open("s", O_RDWR));
	T_OK(rump_sys_open("s", O_RDWR | O_CREAT, 0600));
	T_ASSERT(S_ISREG(stat_of("new").st_mode));
	T_ERR(ENOTDIR, rump_sys_open("f", O_RDONLY | O_DIRECTORY));
	T_ERR(ENOTDIR, rump_sys_open("s", O_DIRECTORY | O_NOFOLLOW));
	T_ERR(EISDIR, rump_sys_open(".", O_WRONLY));
	T_ERR(EISDIR, rump_sys_open(".", O_RDONLY | O_TRUNC));
	T_ERR(EISDIR, rump_sys_open(".", O_RDONLY | O_CREAT, 0600));
	T_ERR(EEXIST, rump_sys_open(".", O_RDONLY | O_CREAT | O_EXCL, 0600));

	fd = (int)T_OK(rump_sys_open("f", O_RDONLY));
	T_ERR(EBADF, rump_sys_write(fd, "x", 1));
	T_ERR(EINVAL, rump_sys_ftruncate(fd, 0));
	fd = (int)T_OK(rump_sys_open("f", O_WRONLY));
	T_ERR(EBADF, rump_sys_read(fd, &c, 1));
	T_EQ(O_WRONLY, rump_sys_fcntl(fd, F_GETFL) & O_ACCMODE);
	fd = (int)T_OK(rump_sys_open("f", O_PATH));
	T_ERR(EBADF, rump_sys_read(fd, &c, 1));
	T_ERR(EBADF, rump_sys_fchmod(fd, 0777));
	T_EQ(3, stat_of("f").st_size);
	T_OK(rump_sys_open("f", O_WRONLY | O_TRUNC));
	T_EQ(0, stat_of("f").st_size);
}

TC(append, "O_APPEND writes at the end, wherever that is by then.")
{
	char buf[16] = "";
	int a, b;

	start();
	a = make_open("f", 0600);
	T_OK(rump_sys_close(a));
	a = (int)T_OK(rump_sys_open("f", O_RDWR | O_APPEND));
	b = (int)T_OK(rump_sys_open("f", O_WRONLY | O_APPEND));
	T_EQ(2, rump_sys_write(a, "a1", 2));
	T_EQ(2, rump_sys_write(b, "b1", 2));
	T_EQ(4, rump_sys_lseek(b, 0, SEEK_CUR));
	T_EQ(2, rump_sys_lseek(a, 0, SEEK_CUR));
	T_EQ(2, rump_sys_write(a, "a2", 2));
	T_EQ(6, rump_sys_lseek(a, 0, SEEK_CUR));
	/* Here and on Linux pwrite appends, too. */
	T_EQ(2, rump_sys_pwrite(b, "b2", 2, 0));
	T_EQ(4, rump_sys_lseek(b, 0, SEEK_CUR));
	T_EQ(8, rump_sys_pread(a, buf, sizeof(buf), 0));
	ATF_REQUIRE_STREQ("a1b1a2b2", buf);
	/* The flag can be taken away. */
	T_OK(rump_sys_fcntl(a, F_SETFL, 0));
	T_EQ(0, rump_sys_lseek(a, 0, SEEK_SET));
	T_EQ(2, rump_sys_write(a, "A1", 2));
	T_EQ(8, stat_of("f").st_size);
}

TC(sparse, "Holes read as zeros and take no room.")
{
	const off_t far = (off_t)1 << 40;
	char buf[8192];
	int fd;

	start();
	fd = make_open("f", 0600);
	T_EQ(4, rump_sys_pwrite(fd, "far!", 4, far));
	T_EQ(far + 4, stat_of("f").st_size);
	T_ASSERT(stat_of("f").st_blocks <= 16);
	memset(buf, 1, sizeof(buf));
	T_EQ(sizeof(buf), rump_sys_pread(fd, buf, sizeof(buf), 12345));
	for (size_t i = 0; i < sizeof(buf); i++)
		T_EQ(0, buf[i]);
	T_EQ(8, rump_sys_pread(fd, buf, 100, far - 4));
	T_EQ(0, memcmp(buf, "\0\0\0\0far!", 8));
	T_EQ(far, rump_sys_lseek(fd, 0, SEEK_DATA));
	T_EQ(0, rump_sys_lseek(fd, 0, SEEK_HOLE));
	T_EQ(far + 4, rump_sys_lseek(fd, far, SEEK_HOLE));
	T_ERR(ENXIO, rump_sys_lseek(fd, far + 4, SEEK_DATA));
	/* What was cut off does not come back. */
	T_EQ(4, rump_sys_pwrite(fd, "abcd", 4, 0));
	T_OK(rump_sys_ftruncate(fd, 2));
	T_OK(rump_sys_ftruncate(fd, 5000));
	T_EQ(5000, rump_sys_pread(fd, buf, sizeof(buf), 0));
	T_EQ(0, memcmp(buf, "ab\0\0\0", 5));
	T_EQ(0, buf[4999]);
	T_EQ(0, rump_sys_pread(fd, buf, 1, 5000));
	T_ERR(EINVAL, rump_sys_ftruncate(fd, -1));
	T_ERR(EINVAL, rump_sys_lseek(fd, -1, SEEK_SET));
}

TC(unlinked_files_live, "A file without a name is there until it is closed.")
{
	struct rump_memstat before, with, after;
	char buf[16] = "", page[4096];
	struct stat sb;
	int fd;

	start();
	memset(page, 'p', sizeof(page));
	/* Once, for the table of descriptors. */
	make_file("f", 0600);
	T_OK(rump_sys_unlink("f"));
	T_EQ(0, rump_pub_memstat(&before));
	fd = make_open("f", 0600);
	T_OK(rump_sys_unlink("f"));
	T_ERR(ENOENT, rump_sys_open("f", O_RDONLY));
	T_EQ(4, rump_sys_write(fd, "data", 4));
	for (int i = 1; i < 16; i++)
		T_EQ(4096, rump_sys_pwrite(fd, page, 4096, i * 4096));
	T_EQ(4, rump_sys_pread(fd, buf, 4, 0));
	ATF_REQUIRE_STREQ("data", buf);
	T_OK(rump_sys_fstat(fd, &sb));
	T_EQ(0, sb.st_nlink);
	T_EQ(0, rump_pub_memstat(&with));
	T_ASSERT(with.used >= before.used + 16 * 4096);
	T_OK(rump_sys_close(fd));
	T_EQ(0, rump_pub_memstat(&after));
	T_EQ(before.used, after.used);
	T_EQ(before.files, after.files);
}

TC(times_set, "utimensat: given times, now, and neither.")
{
	struct timespec ts[2] = {{100, 1}, {200, 999999999}};
	struct stat sb;
	int fd;

	start();
	fd = make_open("f", 0600);
	T_OK(rump_sys_symlink("f", "s"));
	T_OK(rump_sys_utimensat(AT_FDCWD, "s", ts, 0));
	sb = stat_of("f");
	T_EQ(100, sb.st_atim.tv_sec);
	T_EQ(1, sb.st_atim.tv_nsec);
	T_EQ(200, sb.st_mtim.tv_sec);
	T_EQ(999999999, sb.st_mtim.tv_nsec);
	T_ASSERT(sb.st_ctim.tv_sec > 200);
	T_ASSERT(stat_of("s").st_mtim.tv_sec > 200);

	ts[0].tv_nsec = UTIME_OMIT;
	ts[1].tv_nsec = UTIME_NOW;
	T_OK(rump_sys_futimens(fd, ts));
	sb = stat_of("f");
	T_EQ(100, sb.st_atim.tv_sec);
	T_ASSERT(sb.st_mtim.tv_sec > 200);
	ts[1].tv_nsec = UTIME_OMIT;
	T_OK(rump_sys_utimensat(AT_FDCWD, "f", ts, 0));
	T_EQ(sb.st_mtim.tv_nsec, stat_of("f").st_mtim.tv_nsec);
	ts[1].tv_nsec = 1000000000;
	T_ERR(EINVAL, rump_sys_futimens(fd, ts));
	ts[1].tv_nsec = -1;
	T_ERR(EINVAL, rump_sys_utimensat(AT_FDCWD, "f", ts, 0));
	ts[0].tv_nsec = ts[1].tv_nsec = 0;
	T_OK(rump_sys_utimensat(AT_FDCWD, "s", ts, AT_SYMLINK_NOFOLLOW));
	T_EQ(200, stat_of("s").st_mtim.tv_sec);
	T_ERR(EINVAL, rump_sys_utimensat(AT_FDCWD, "f", ts, 0x4000));
	T_ERR(ENOENT, rump_sys_utimensat(AT_FDCWD, "none", ts, 0));
}

static bool
time_later(struct timespec a, struct timespec b)
{
	return a.tv_sec != b.tv_sec ? a.tv_sec > b.tv_sec
				    : a.tv_nsec > b.tv_nsec;
}

TC(times_tell_changes, "Who has looked at a file sees later that it changed.")
{
	struct stat was, is;

	start();
	T_OK(rump_sys_mknod("f", S_IFREG | 0600, 0));
	was = stat_of("f");
	for (int i = 0; i < 1000; i++) {
		T_OK(rump_sys_truncate("f", i + 1));
		is = stat_of("f");
		T_ASSERT(time_later(is.st_ctim, was.st_ctim));
		T_ASSERT(time_later(is.st_mtim, was.st_mtim));
		was = is;
		/* No other file is older, if it was changed after that. */
		T_OK(rump_sys_mkdir("d", 0700));
		is = stat_of("d");
		T_ASSERT(!time_later(was.st_ctim, is.st_ctim));
		T_OK(rump_sys_rmdir("d"));
	}
}

TC(readlink_truncates, "readlink gives what fits, without a NUL.")
{
	char buf[16];

	start();
	T_OK(rump_sys_symlink("0123456789", "s"));
	T_EQ(10, stat_of("s").st_size);
	memset(buf, '#', sizeof(buf));
	T_EQ(4, rump_sys_readlink("s", buf, 4));
	T_EQ(0, memcmp("0123#", buf, 5));
	T_EQ(10, rump_sys_readlink("s", buf, sizeof(buf)));
	T_EQ(0, memcmp("0123456789#", buf, 11));
	T_ERR(EINVAL, rump_sys_readlink("s", buf, 0));
	T_ERR(EINVAL, rump_sys_readlink(".", buf, sizeof(buf)));
	T_ERR(ENOENT, rump_sys_readlink("none", buf, sizeof(buf)));
}

TC(fifo_in_the_tree, "A fifo is renamed, linked and removed like a file.")
{
	char buf[8] = "";
	int r, w;

	start();
	T_OK(rump_sys_mkfifo("p", 0600));
	T_ERR(EEXIST, rump_sys_mkfifo("p", 0600));
	T_ASSERT(S_ISFIFO(stat_of("p").st_mode));
	T_OK(rump_sys_mkdir("d", 0700));
	T_OK(rump_sys_link("p", "d/q"));
	r = (int)T_OK(rump_sys_open("p", O_RDONLY | O_NONBLOCK));
	T_OK(rump_sys_rename("p", "d/r"));
	w = (int)T_OK(rump_sys_open("d/q", O_WRONLY));
	T_EQ(4, rump_sys_write(w, "pipe", 4));
	T_OK(rump_sys_unlink("d/q"));
	T_OK(rump_sys_unlink("d/r"));
	T_EQ(4, rump_sys_read(r, buf, sizeof(buf)));
	ATF_REQUIRE_STREQ("pipe", buf);
	T_OK(rump_sys_close(w));
	T_EQ(0, rump_sys_read(r, buf, 1));
	T_ERR(ESPIPE, rump_sys_lseek(r, 0, SEEK_SET));
	/* Another of that name has nothing to do with it. */
	T_OK(rump_sys_mkfifo("p", 0600));
	T_ERR(ENXIO, rump_sys_open("p", O_WRONLY | O_NONBLOCK));
}

/*
 * Processes.
 */
static void
use_in_child(void *arg)
{
	char buf[16] = "";
	int fd = *(int *)arg;

	T_EQ(6, rump_sys_pread(fd, buf, sizeof(buf), 0));
	T_EQ(0, strcmp("parent", buf));
	T_OK(rump_sys_rename("d/f", "d/g"));
	T_EQ(5, rump_sys_pwrite(fd, "child", 5, 0));
	for (int i = 0; i < 100; i++) {
		make_file("d/new", 0600);
		T_OK(rump_sys_unlink("d/new"));
	}
	T_OK(rump_sys_unlink("d/g"));
	T_OK(rump_sys_rmdir("d"));
	T_OK(rump_sys_close(fd));
}

TC(host_fork_copies, "A fork of the host has files of its own.")
{
	char buf[16] = "";
	int fd;

	tc_local();
	start();
	T_OK(rump_sys_mkdir("d", 0700));
	fd = make_open("d/f", 0600);
	T_EQ(6, rump_sys_write(fd, "parent", 6));
	child_passes(use_in_child, &fd);
	T_EQ(6, rump_sys_pread(fd, buf, sizeof(buf), 0));
	ATF_REQUIRE_STREQ("parent", buf);
	T_EQ(1, stat_of("d/f").st_nlink);
}

TC(directories_of_processes, "A new process has its parent's, its own.")
{
	static const int flags[] = {RUMP_RFFDG, RUMP_RFCFDG, 0};
	struct lwp *parent, *l, *second;

	start();
	parent = rump_pub_lwproc_curlwp();
	T_OK(rump_sys_mkdir("a", 0755));
	T_OK(rump_sys_mkdir("b", 0755));
	T_OK(rump_sys_chdir("a"));
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		l = newproc(flags[i]);
		T_CWD("/t/a");
		T_OK(rump_sys_chdir("/t/b"));
		rump_pub_lwproc_switch(parent);
		T_CWD("/t/a");
		T_OK(rump_sys_chdir("/t"));
		rump_pub_lwproc_switch(l);
		T_CWD("/t/b");
		/* Two lwps of one process share it. */
		second = newlwp(rump_sys_getpid());
		T_OK(rump_sys_chroot("/t"));
		T_OK(rump_sys_chdir("/a"));
		release(second);
		rump_pub_lwproc_switch(l);
		T_CWD("/a");
		rump_pub_lwproc_switch(parent);
		T_CWD("/t");
		T_OK(rump_sys_chdir("/t/a"));
		release(l);
	}
	/* A directory that is gone stays one's own until one leaves. */
	l = newproc(0);
	T_OK(rump_sys_rmdir("/t/a"));
	rump_pub_lwproc_switch(parent);
	T_OK(rump_sys_chdir(".."));
	T_CWD("/t");
	release(l);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, permission_by_credential);
	ATF_TP_ADD_TC(tp, permission_of_directories);
	ATF_TP_ADD_TC(tp, sticky_directory);
	ATF_TP_ADD_TC(tp, setgid_directory);
	ATF_TP_ADD_TC(tp, who_changes_what);
	ATF_TP_ADD_TC(tp, set_id_bits_go);
	ATF_TP_ADD_TC(tp, umask_masks);
	ATF_TP_ADD_TC(tp, open_flags);
	ATF_TP_ADD_TC(tp, append);
	ATF_TP_ADD_TC(tp, sparse);
	ATF_TP_ADD_TC(tp, unlinked_files_live);
	ATF_TP_ADD_TC(tp, times_set);
	ATF_TP_ADD_TC(tp, times_tell_changes);
	ATF_TP_ADD_TC(tp, readlink_truncates);
	ATF_TP_ADD_TC(tp, fifo_in_the_tree);
	ATF_TP_ADD_TC(tp, host_fork_copies);
	ATF_TP_ADD_TC(tp, directories_of_processes);
	return atf_no_error();
}
