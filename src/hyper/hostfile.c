/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files of the host: the only place that calls the host's file system.
 *
 * What is done to a file by its handle goes by /proc/self/fd where the host
 * has no call that takes a handle opened with O_PATH; such a name leads to the
 * open file itself, whatever has become of its path.
 */
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "hyper/hostcall.h"
#include "hyper/hostfile.h"

/* Standard input, output and error are the console's, even when closed. */
#define FIRST_HANDLE 3

#define OPEN_ALWAYS (O_CLOEXEC | O_NOCTTY)

struct fdpath {
	char fp_path[32];
};

/* A path that leads to what fd is open on. */
static const char *
fd_path(int fd, struct fdpath *fp)
{
	(void)snprintf(
	    fp->fp_path, sizeof(fp->fp_path), "/proc/self/fd/%d", fd);
	return fp->fp_path;
}

/* Not in the place of a standard descriptor that the program has closed. */
int
hyper_file_move(long fd, int *fdp)
{
	long moved = fd;
	int error = 0;

	if (fd < FIRST_HANDLE) {
		error = HOST_CALL(
		    fcntl((int)fd, F_DUPFD_CLOEXEC, FIRST_HANDLE), &moved);
		hyper_file_close((int)fd);
	}
	*fdp = (int)moved;
	return error;
}

static long
open_beneath(int dir, const char *path, int flags, mode_t mode)
{
	struct open_how how = {
	    .flags = (uint64_t)(flags | O_NOFOLLOW),
	    .mode = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE
			? mode
			: 0,
	    .resolve =
		RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};

	return syscall(SYS_openat2, dir, path, &how, sizeof(how));
}

int
hyper_file_open(int dir, const char *path, int flags, mode_t mode, int *fdp)
{
	long fd;
	int error;

	/* With O_PATH openat2 allows few others. */
	flags |= (flags & O_PATH) != 0 ? O_CLOEXEC : OPEN_ALWAYS;
	if (dir == HYPER_FILE_NONE)
		error = HOST_CALL(open(path, flags, mode), &fd);
	else
		error = HOST_CALL(open_beneath(dir, path, flags, mode), &fd);
	return error != 0 ? error : hyper_file_move(fd, fdp);
}

int
hyper_file_reopen(int fd, int flags, int *fdp)
{
	struct fdpath fp;

	return hyper_file_open(
	    HYPER_FILE_NONE, fd_path(fd, &fp), flags, 0, fdp);
}

int
hyper_file_memory(int *fdp)
{
	long fd;
	int error = HOST_CALL(memfd_create("librump", MFD_CLOEXEC), &fd);

	return error != 0 ? error : hyper_file_move(fd, fdp);
}

/* n bytes at off. */
static int
copy_range(int from, int to, off_t off, off_t n)
{
	loff_t in = off, out = off;
	int error = 0;
	long done = 1;

	for (; error == 0 && n > 0 && done > 0; n -= done)
		error = HOST_CALL(
		    copy_file_range(from, &in, to, &out, (size_t)n, 0), &done);
	return error;
}

int
hyper_file_copy(int from, int to)
{
	off_t off = 0, end;
	struct stat st;
	int error;

	if ((error = HOST_CALL0(fstat(from, &st))) != 0 ||
	    (error = HOST_CALL0(ftruncate(to, st.st_size))) != 0)
		return error;
	while ((error = hyper_file_seek(from, SEEK_DATA, &off)) == 0) {
		end = off;
		if ((error = hyper_file_seek(from, SEEK_HOLE, &end)) != 0 ||
		    (error = copy_range(from, to, off, end - off)) != 0)
			return error;
		off = end;
	}
	return error == ENXIO ? 0 : error;
}

void
hyper_file_close(int fd)
{
	int saved = errno;

	/* Linux has closed it whatever it returns. */
	(void)close(fd);
	errno = saved;
}

unsigned long
hyper_file_maxopen(void)
{
	struct rlimit rl;

	if (HOST_CALL0(getrlimit(RLIMIT_NOFILE, &rl)) != 0)
		return 0;
	return rl.rlim_cur;
}

/*
 * Data
 */

int
hyper_file_preadv(
    int fd, const struct iovec *iov, int iovcnt, off_t off, size_t *donep)
{
	long n;
	int error = HOST_CALL(preadv(fd, iov, iovcnt, off), &n);

	*donep = error == 0 ? (size_t)n : 0;
	return error;
}

int
hyper_file_pwritev(int fd, const struct iovec *iov, int iovcnt, off_t off,
    bool append, size_t *donep)
{
	long n;
	int error = HOST_CALL(
	    pwritev2(fd, iov, iovcnt, off, append ? RWF_APPEND : 0), &n);

	*donep = error == 0 ? (size_t)n : 0;
	return error;
}

int
hyper_file_truncate(int fd, off_t length)
{
	return HOST_CALL0(ftruncate(fd, length));
}

int
hyper_file_truncate_path(int fd, off_t length)
{
	struct fdpath fp;

	return HOST_CALL0(truncate(fd_path(fd, &fp), length));
}

int
hyper_file_sync(int fd, bool dataonly)
{
	return HOST_CALL0(dataonly ? fdatasync(fd) : fsync(fd));
}

int
hyper_file_syncfs(int fd)
{
	return HOST_CALL0(syncfs(fd));
}

int
hyper_file_seek(int fd, int whence, off_t *offp)
{
	long off;
	int error = HOST_CALL(lseek(fd, *offp, whence), &off);

	if (error == 0)
		*offp = off;
	return error;
}

int
hyper_file_fallocate(int fd, int mode, off_t off, off_t len)
{
	return HOST_CALL0(fallocate(fd, mode, off, len));
}

/*
 * Attributes
 */

static struct timespec
statx_time(const struct statx_timestamp *ts)
{
	return (struct timespec){.tv_sec = ts->tv_sec, .tv_nsec = ts->tv_nsec};
}

int
hyper_file_stat(int dir, const char *name, struct hyper_stat *hs)
{
	struct statx sx;
	int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH;
	int error = HOST_CALL0(
	    statx(dir, name, flags, STATX_BASIC_STATS | STATX_BTIME, &sx));

	if (error != 0)
		return error;
	hs->hs_stat = (struct stat){
	    .st_dev = makedev(sx.stx_dev_major, sx.stx_dev_minor),
	    .st_ino = sx.stx_ino,
	    .st_mode = sx.stx_mode,
	    .st_nlink = sx.stx_nlink,
	    .st_uid = sx.stx_uid,
	    .st_gid = sx.stx_gid,
	    .st_rdev = makedev(sx.stx_rdev_major, sx.stx_rdev_minor),
	    .st_size = (off_t)sx.stx_size,
	    .st_blksize = (blksize_t)sx.stx_blksize,
	    .st_blocks = (blkcnt_t)sx.stx_blocks,
	    .st_atim = statx_time(&sx.stx_atime),
	    .st_mtim = statx_time(&sx.stx_mtime),
	    .st_ctim = statx_time(&sx.stx_ctime),
	};
	hs->hs_birth = (struct timespec){0};
	if ((sx.stx_mask & STATX_BTIME) != 0)
		hs->hs_birth = statx_time(&sx.stx_btime);
	return 0;
}

int
hyper_file_chmod(int fd, mode_t mode)
{
	struct fdpath fp;

	return HOST_CALL0(chmod(fd_path(fd, &fp), mode));
}

int
hyper_file_chown(int fd, uid_t uid, gid_t gid)
{
	return HOST_CALL0(fchownat(fd, "", uid, gid, AT_EMPTY_PATH));
}

int
hyper_file_utimens(int fd, const struct timespec ts[2])
{
	return HOST_CALL0(utimensat(fd, "", ts, AT_EMPTY_PATH));
}

int
hyper_file_statvfs(int fd, struct statvfs *sb)
{
	return HOST_CALL0(fstatvfs(fd, sb));
}

int
hyper_file_getxattr(
    int fd, const char *name, void *buf, size_t size, size_t *lenp)
{
	struct fdpath fp;
	long n;
	int error = HOST_CALL(getxattr(fd_path(fd, &fp), name, buf, size), &n);

	*lenp = error == 0 ? (size_t)n : 0;
	return error;
}

int
hyper_file_setxattr(
    int fd, const char *name, const void *value, size_t size, int flags)
{
	struct fdpath fp;
	const char *path = fd_path(fd, &fp);

	if (value == NULL)
		return HOST_CALL0(removexattr(path, name));
	return HOST_CALL0(setxattr(path, name, value, size, flags));
}

int
hyper_file_listxattr(int fd, char *buf, size_t size, size_t *lenp)
{
	struct fdpath fp;
	long n;
	int error = HOST_CALL(listxattr(fd_path(fd, &fp), buf, size), &n);

	*lenp = error == 0 ? (size_t)n : 0;
	return error;
}

int
hyper_file_readlink(int fd, char *buf, size_t size, size_t *lenp)
{
	long n;
	int error = HOST_CALL(readlinkat(fd, "", buf, size), &n);

	*lenp = error == 0 ? (size_t)n : 0;
	return error;
}

/*
 * Names
 */

int
hyper_file_readdir(int fd, off_t pos, void *buf, size_t size, size_t *lenp)
{
	long n;
	int error = hyper_file_seek(fd, SEEK_SET, &pos);

	if (error == 0)
		error = HOST_CALL(syscall(SYS_getdents64, fd, buf, size), &n);
	*lenp = error == 0 ? (size_t)n : 0;
	return error;
}

int
hyper_file_mkdir(int dir, const char *name, mode_t mode)
{
	return HOST_CALL0(mkdirat(dir, name, mode));
}

int
hyper_file_mknod(int dir, const char *name, mode_t mode, dev_t rdev)
{
	return HOST_CALL0(mknodat(dir, name, mode, rdev));
}

int
hyper_file_symlink(const char *target, int dir, const char *name)
{
	return HOST_CALL0(symlinkat(target, dir, name));
}

int
hyper_file_link(int fd, int dir, const char *name)
{
	struct fdpath fp;

	return HOST_CALL0(
	    linkat(AT_FDCWD, fd_path(fd, &fp), dir, name, AT_SYMLINK_FOLLOW));
}

int
hyper_file_unlink(int dir, const char *name, bool isdir)
{
	return HOST_CALL0(unlinkat(dir, name, isdir ? AT_REMOVEDIR : 0));
}

int
hyper_file_rename(
    int fromdir, const char *from, int todir, const char *to, unsigned flags)
{
	return HOST_CALL0(renameat2(fromdir, from, todir, to, flags));
}
