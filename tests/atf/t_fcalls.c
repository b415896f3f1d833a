/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls on what files are: statx, times, flags, limits, room, advice.
 */
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <fcntl.h>
#include <limits.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <utime.h>

#include "../lib/tc.h"

#define USER 1000

/* A process in an empty directory of its own. */
static void
begin(void)
{
	boot();
	(void)newproc(RUMP_RFCFDG);
	T_OK(rump_sys_mkdir("/t", 0777));
	T_OK(rump_sys_chdir("/t"));
}

static int
make(const char *name, const char *text)
{
	int fd =
	    (int)T_OK(rump_sys_open(name, O_RDWR | O_CREAT | O_TRUNC, 0644));

	T_EQ(strlen(text), rump_sys_write(fd, text, strlen(text)));
	return fd;
}

TC(statx_is_stat_and_more, "All of stat; mount, attributes; bad flags.")
{
	struct statx sx;
	struct stat sb;
	int fd, p[2];

	begin();
	fd = make("f", "hello");
	T_OK(rump_sys_symlink("f", "l"));
	T_OK(rump_sys_stat("f", &sb));
	T_OK(rump_sys_statx(AT_FDCWD, "l", 0, STATX_ALL, &sx));
	T_EQ(
	    STATX_BASIC_STATS, sx.stx_mask & (STATX_BASIC_STATS | STATX_BTIME));
	T_EQ(sb.st_ino, sx.stx_ino);
	T_EQ(sb.st_mode, sx.stx_mode);
	T_EQ(5, sx.stx_size);
	T_EQ(sb.st_blocks, sx.stx_blocks);
	T_EQ(sb.st_mtim.tv_nsec, sx.stx_mtime.tv_nsec);
	T_ASSERT((sx.stx_attributes_mask & STATX_ATTR_IMMUTABLE) != 0);
	T_EQ(0, sx.stx_attributes);
	T_OK(rump_sys_statx(AT_FDCWD, "l", AT_SYMLINK_NOFOLLOW, 0, &sx));
	T_ASSERT(S_ISLNK(sx.stx_mode));
	T_OK(rump_sys_statx(fd, "", AT_EMPTY_PATH, 0, &sx));
	T_EQ(sb.st_ino, sx.stx_ino);
	T_OK(rump_sys_statx(AT_FDCWD, "/", 0, 0, &sx));
	T_ASSERT((sx.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0);
	T_OK(rump_sys_pipe(p));
	T_OK(rump_sys_statx(p[0], "", AT_EMPTY_PATH, 0, &sx));
	T_ASSERT(S_ISFIFO(sx.stx_mode));

	T_ERR(EINVAL, rump_sys_statx(AT_FDCWD, "f", 0, 0x80000000, &sx));
	T_ERR(
	    EINVAL, rump_sys_statx(AT_FDCWD, "f", AT_STATX_SYNC_TYPE, 0, &sx));
	T_ERR(EINVAL, rump_sys_statx(AT_FDCWD, "f", AT_REMOVEDIR, 0, &sx));
	T_ERR(ENOENT, rump_sys_statx(AT_FDCWD, "", 0, 0, &sx));
	T_ERR(EFAULT, rump_sys_statx(AT_FDCWD, "f", 0, 0, NULL));
}

static void
times_are(const char *path, time_t atime, time_t mtime, long usec)
{
	struct stat sb;

	T_OK(rump_sys_lstat(path, &sb));
	T_EQ(atime, sb.st_atim.tv_sec);
	T_EQ(mtime, sb.st_mtim.tv_sec);
	T_EQ(usec * 1000, sb.st_mtim.tv_nsec);
}

TC(older_times, "utimes, lutimes, futimes, futimesat, utime.")
{
	struct timeval tv[2] = {{10, 5}, {20, 7}}, bad[2] = {{1, 1000000}};
	struct utimbuf ut = {.actime = 30, .modtime = 40};
	struct stat sb;
	int fd, dirfd;

	begin();
	fd = make("f", "");
	dirfd = (int)T_OK(rump_sys_open(".", O_RDONLY | O_DIRECTORY));
	T_OK(rump_sys_symlink("f", "l"));
	T_OK(rump_sys_utimes("l", tv));
	times_are("f", 10, 20, 7);
	T_OK(rump_sys_utime("f", &ut));
	times_are("f", 30, 40, 0);
	T_OK(rump_sys_futimes(fd, tv));
	times_are("f", 10, 20, 7);
	T_OK(rump_sys_utime("f", &ut));
	T_OK(rump_sys_futimesat(dirfd, "f", tv));
	times_are("f", 10, 20, 7);
	T_OK(rump_sys_lutimes("l", tv));
	times_are("l", 10, 20, 7);
	T_OK(rump_sys_utimes("f", NULL));
	T_OK(rump_sys_stat("f", &sb));
	T_ASSERT(sb.st_mtim.tv_sec > 1000);
	T_ERR(EINVAL, rump_sys_utimes("f", bad));
	T_ERR(EBADF, rump_sys_futimes(AT_FDCWD, tv));
	T_ERR(EFAULT, rump_sys_utimes(NULL, tv));
}

TC(modes_of_links, "lchmod and fchmodat do not set those of links.")
{
	struct stat sb;

	begin();
	(void)make("f", "");
	T_OK(rump_sys_symlink("f", "l"));
	T_OK(rump_sys_lchmod("f", 0600));
	T_OK(rump_sys_stat("f", &sb));
	T_EQ(S_IFREG | 0600, sb.st_mode);
	T_ERR(EOPNOTSUPP, rump_sys_lchmod("l", 0600));
	T_ERR(EOPNOTSUPP,
	    rump_sys_fchmodat(AT_FDCWD, "l", 0600, AT_SYMLINK_NOFOLLOW));
	T_OK(rump_sys_faccessat2(AT_FDCWD, "f", R_OK, AT_EACCESS));
	T_ERR(EINVAL, rump_sys_faccessat2(AT_FDCWD, "f", 8, 0));
}

TC(immutable_files, "Nothing about them changes, until root says so.")
{
	int fd, flags;

	begin();
	fd = make("f", "abc");
	T_OK(rump_sys_chflags("f", UF_IMMUTABLE));
	T_OK(rump_sys_ioctl(fd, FS_IOC_GETFLAGS, &flags));
	T_EQ(FS_IMMUTABLE_FL, flags);
	T_ERR(EPERM, rump_sys_open("f", O_WRONLY));
	T_ERR(EPERM, rump_sys_chmod("f", 0600));
	T_ERR(EPERM, rump_sys_unlink("f"));
	T_ERR(EPERM, rump_sys_rename("f", "g"));
	T_ERR(EPERM, rump_sys_link("f", "g"));
	T_ERR(EPERM, rump_sys_utimes("f", NULL));
	T_ERR(EPERM, rump_sys_setxattr("f", "user.a", "", 0, 0));
	T_ERR(EPERM, rump_sys_fallocate(fd, 0, 0, 10));
	flags = 0;
	T_OK(rump_sys_ioctl(fd, FS_IOC_SETFLAGS, &flags));
	T_OK(rump_sys_unlink("f"));
}

TC(append_only_files, "They become longer, and nobody stops appending.")
{
	struct statx sx;
	int fd, plain;

	begin();
	plain = make("f", "abc");
	T_OK(rump_sys_fchflags(plain, SF_APPEND));
	T_OK(rump_sys_statx(plain, "", AT_EMPTY_PATH, 0, &sx));
	T_EQ(STATX_ATTR_APPEND, sx.stx_attributes);
	T_ERR(EPERM, rump_sys_open("f", O_WRONLY));
	T_ERR(EPERM, rump_sys_open("f", O_WRONLY | O_APPEND | O_TRUNC));
	T_ERR(EPERM, rump_sys_truncate("f", 0));
	fd = (int)T_OK(rump_sys_open("f", O_WRONLY | O_APPEND));
	T_EQ(1, rump_sys_write(fd, "d", 1));
	T_ERR(EPERM, rump_sys_fcntl(fd, F_SETFL, 0));
	T_ERR(EPERM, rump_sys_fcntl(plain, F_SETFL, O_APPEND));
	T_OK(rump_sys_fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK));
	T_ERR(EPERM, rump_sys_unlink("f"));
	T_ERR(EPERM, rump_sys_fallocate(
			 fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 1));
}

TC(who_sets_flags, "The owner NODUMP, root the others, nobody unknown ones.")
{
	int fd, flags = FS_NODUMP_FL, p[2];

	begin();
	fd = make("f", "");
	T_OK(rump_sys_symlink("f", "l"));
	T_ERR(EOPNOTSUPP, rump_sys_lchflags("l", UF_NODUMP));
	T_ERR(EOPNOTSUPP, rump_sys_chflags("f", 0x8000));
	T_ERR(ENOENT, rump_sys_chflags("nope", 0));
	T_OK(rump_sys_pipe(p));
	T_ERR(EINVAL, rump_sys_fchflags(p[0], 0));
	T_ERR(ENOTTY, rump_sys_ioctl(p[0], FS_IOC_GETFLAGS, &flags));
	T_OK(rump_sys_chown("f", USER, USER));
	T_OK(rump_sys_setresuid(-1, USER, -1));
	T_OK(rump_sys_chflags("f", UF_NODUMP));
	flags = 0;
	T_OK(rump_sys_ioctl(fd, FS_IOC_GETFLAGS, &flags));
	T_EQ(FS_NODUMP_FL, flags);
	T_ERR(EPERM, rump_sys_chflags("f", UF_IMMUTABLE));
	T_ERR(EPERM, rump_sys_chflags("f", UF_APPEND));
}

TC(flags_of_others, "Who does not own the file sets none.")
{
	begin();
	(void)make("f", "");
	T_OK(rump_sys_setresuid(-1, USER, -1));
	T_ERR(EPERM, rump_sys_chflags("f", UF_NODUMP));
}

TC(what_holds_for_files, "pathconf and fpathconf; -1 may be no error.")
{
	int fd, p[2];

	begin();
	fd = make("f", "");
	T_OK(rump_sys_pipe(p));
	T_EQ(NAME_MAX, rump_sys_pathconf("f", _PC_NAME_MAX));
	T_EQ(PATH_MAX, rump_sys_fpathconf(fd, _PC_PATH_MAX));
	T_EQ(PIPE_BUF, rump_sys_fpathconf(p[0], _PC_PIPE_BUF));
	T_EQ(1, rump_sys_pathconf("f", _PC_ASYNC_IO));
	errno = 0;
	T_EQ(-1, rump_sys_fpathconf(p[0], _PC_ASYNC_IO));
	T_EQ(0, errno);
	T_EQ(-1, rump_sys_pathconf("f", _PC_SYMLINK_MAX));
	T_EQ(0, errno);
	T_EQ(PIPE_BUF, rump_sys_pathconf("nope", _PC_PIPE_BUF));
	T_ERR(ENOENT, rump_sys_pathconf("nope", _PC_NAME_MAX));
	T_ERR(ENOENT, rump_sys_pathconf("", _PC_PIPE_BUF));
	T_ERR(EINVAL, rump_sys_pathconf("f", 99));
	T_ERR(EBADF, rump_sys_fpathconf(-1, 99));
	T_ERR(EBADF, rump_sys_fpathconf(999, _PC_NAME_MAX));
}

TC(room_and_holes, "fallocate, posix_fallocate, fdiscard.")
{
	const int punch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
	struct stat sb;
	int fd, ro, p[2];
	char c = 'x';

	begin();
	fd = make("f", "hello");
	T_OK(rump_sys_fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 8192));
	T_OK(rump_sys_fstat(fd, &sb));
	T_EQ(5, sb.st_size);
	T_EQ(16, sb.st_blocks);
	T_EQ(0, rump_sys_posix_fallocate(fd, 0, 10000));
	T_OK(rump_sys_fstat(fd, &sb));
	T_EQ(10000, sb.st_size);
	T_EQ(24, sb.st_blocks);
	T_OK(rump_sys_fdiscard(fd, 0, 4096));
	T_OK(rump_sys_fstat(fd, &sb));
	T_EQ(10000, sb.st_size);
	T_EQ(16, sb.st_blocks);
	T_EQ(1, rump_sys_pread(fd, &c, 1, 0));
	T_EQ('\0', c);

	ro = (int)T_OK(rump_sys_open("f", O_RDONLY));
	T_OK(rump_sys_pipe(p));
	T_ERR(EINVAL, rump_sys_fallocate(fd, 0, 0, 0));
	T_ERR(EINVAL, rump_sys_fallocate(fd, 0, -1, 1));
	T_ERR(EFBIG, rump_sys_fallocate(fd, 0, INT64_MAX, 1));
	T_ERR(EOPNOTSUPP, rump_sys_fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 1));
	T_ERR(EOPNOTSUPP, rump_sys_fallocate(fd, 0x1000, 0, 1));
	T_ERR(EBADF, rump_sys_fallocate(ro, punch, 0, 1));
	T_ERR(ESPIPE, rump_sys_fallocate(p[1], 0, 0, 1));
	errno = 0;
	T_EQ(EINVAL, rump_sys_posix_fallocate(fd, 0, 0));
	T_EQ(EBADF, rump_sys_posix_fallocate(ro, 0, 1));
	T_EQ(0, errno);
}

TC(safety_and_advice, "fsync and its like; posix_fadvise, readahead.")
{
	int fd, wo, dirfd, path, p[2];

	begin();
	fd = make("f", "hello");
	wo = (int)T_OK(rump_sys_open("f", O_WRONLY));
	path = (int)T_OK(rump_sys_open("f", O_PATH));
	dirfd = (int)T_OK(rump_sys_open(".", O_RDONLY));
	T_OK(rump_sys_pipe(p));
	T_OK(rump_sys_sync());
	T_OK(rump_sys_fsync(fd));
	T_OK(rump_sys_fdatasync(dirfd));
	T_ERR(EINVAL, rump_sys_fsync(p[1]));
	T_ERR(EBADF, rump_sys_fsync(path));
	T_OK(rump_sys_syncfs(fd));
	T_OK(rump_sys_syncfs(p[0]));
	T_ERR(EBADF, rump_sys_syncfs(path));
	T_OK(rump_sys_fsync_range(fd, RUMP_FDATASYNC, 0, 0));
	T_OK(rump_sys_fsync_range(wo, RUMP_FFILESYNC | RUMP_FDISKSYNC, 1, 2));
	T_ERR(EBADF, rump_sys_fsync_range(dirfd, RUMP_FDATASYNC, 0, 0));
	T_ERR(EINVAL, rump_sys_fsync_range(fd, 0, 0, 0));
	T_ERR(EINVAL, rump_sys_fsync_range(fd, RUMP_FFILESYNC, -1, 0));
	T_ERR(EINVAL,
	    rump_sys_fsync_range(fd, RUMP_FFILESYNC | RUMP_FDATASYNC, 0, 0));

	T_EQ(0, rump_sys_posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED));
	T_EQ(EINVAL, rump_sys_posix_fadvise(fd, 0, -1, POSIX_FADV_NORMAL));
	T_EQ(EINVAL, rump_sys_posix_fadvise(fd, 0, 0, 33));
	T_EQ(ESPIPE, rump_sys_posix_fadvise(p[0], 0, 0, 33));
	T_EQ(EBADF, rump_sys_posix_fadvise(path, 0, 0, 0));
	T_OK(rump_sys_readahead(fd, 0, 100));
	T_ERR(EBADF, rump_sys_readahead(wo, 0, 100));
	T_ERR(EINVAL, rump_sys_readahead(dirfd, 0, 100));
}

TC(asking_files, "ioctl: FIOQSIZE, FIGETBSZ, FIONREAD.")
{
	int fd, dirfd, n, p[2];
	off_t size;

	begin();
	fd = make("f", "hello");
	dirfd = (int)T_OK(rump_sys_open(".", O_RDONLY));
	T_OK(rump_sys_pipe(p));
	T_OK(rump_sys_ioctl(fd, FIOQSIZE, &size));
	T_EQ(4096, size);
	T_ERR(ENOTTY, rump_sys_ioctl(p[0], FIOQSIZE, &size));
	T_OK(rump_sys_ioctl(p[0], FIGETBSZ, &n));
	T_EQ(4096, n);
	T_OK(rump_sys_lseek(fd, 1, SEEK_SET));
	T_OK(rump_sys_ioctl(fd, FIONREAD, &n));
	T_EQ(4, n);
	T_ERR(ENOTTY, rump_sys_ioctl(dirfd, FIONREAD, &n));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, statx_is_stat_and_more);
	ATF_TP_ADD_TC(tp, older_times);
	ATF_TP_ADD_TC(tp, modes_of_links);
	ATF_TP_ADD_TC(tp, immutable_files);
	ATF_TP_ADD_TC(tp, append_only_files);
	ATF_TP_ADD_TC(tp, who_sets_flags);
	ATF_TP_ADD_TC(tp, flags_of_others);
	ATF_TP_ADD_TC(tp, what_holds_for_files);
	ATF_TP_ADD_TC(tp, room_and_holes);
	ATF_TP_ADD_TC(tp, safety_and_advice);
	ATF_TP_ADD_TC(tp, asking_files);
	return atf_no_error();
}
