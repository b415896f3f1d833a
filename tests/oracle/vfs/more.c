/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls that need something done to their arguments or results, on each side.
 */
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "vfs.h"

/* An offset; -1 is for the file's own. */
static off_t *
offset(off_t *off)
{
	return *off == -1 ? NULL : off;
}

/*
 * From a file to itself nothing is copied: when that has read it, and when it
 * has written it, is a matter of how fine each side's clock is.
 */
static bool
same_file(enum side side, int a, int b)
{
	struct stat sa, sb;

	if (side == HOST
		? fstat(a, &sa) != 0 || fstat(b, &sb) != 0
		: rump_sys_fstat(a, &sa) != 0 || rump_sys_fstat(b, &sb) != 0)
		return false;
	return sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

/* Where the two ended is a part of the result; any bits of it will do. */
static long
with_offsets(long n, off_t in, off_t out)
{
	return n < 0 ? n
		     : (long)((unsigned long)n * 1000003 +
			      (unsigned long)in * 31 + (unsigned long)out);
}

long
copy_range(enum side side, int infd, off_t in, int outfd, off_t out, size_t len)
{
	long n;

	if (same_file(side, infd, outfd))
		return 0;
	n = side == HOST ? syscall(SYS_copy_file_range, infd, offset(&in),
			       outfd, offset(&out), len, 0)
			 : rump_sys_copy_file_range(
			       infd, offset(&in), outfd, offset(&out), len, 0);

	return with_offsets(n, in, out);
}

long
send_file(enum side side, int outfd, int infd, off_t off, size_t len)
{
	long n;

	if (same_file(side, infd, outfd))
		return 0;
	n = side == HOST ? syscall(SYS_sendfile, outfd, infd, offset(&off), len)
			 : rump_sys_sendfile(outfd, infd, offset(&off), len);

	return with_offsets(n, off, 0);
}

long
splice_fds(enum side side, int infd, off_t in, int outfd, off_t out, size_t len)
{
	const unsigned flags = SPLICE_F_NONBLOCK;
	long n = side == HOST ? syscall(SYS_splice, infd, offset(&in), outfd,
				    offset(&out), len, flags)
			      : rump_sys_splice(infd, offset(&in), outfd,
				    offset(&out), len, flags);

	return with_offsets(n, in, out);
}

/* As far as it is what stat says too. */
long
statx_stat(enum side side, int dirfd, const char *path, struct stat *sb, int at)
{
	struct statx sx = {0};
	long ret =
	    side == HOST
		? syscall(SYS_statx, dirfd, path, at, STATX_BASIC_STATS, &sx)
		: rump_sys_statx(dirfd, path, at, STATX_BASIC_STATS, &sx);

	if (ret != 0 || (uintptr_t)sb + 4096 < 8192)
		return ret;
	sb->st_dev = makedev(sx.stx_dev_major, sx.stx_dev_minor);
	sb->st_rdev = makedev(sx.stx_rdev_major, sx.stx_rdev_minor);
	sb->st_ino = sx.stx_ino;
	sb->st_mode = sx.stx_mode;
	sb->st_nlink = sx.stx_nlink;
	sb->st_uid = sx.stx_uid;
	sb->st_gid = sx.stx_gid;
	sb->st_size = (off_t)sx.stx_size;
	sb->st_blocks = (blkcnt_t)sx.stx_blocks;
	sb->st_blksize = (blksize_t)sx.stx_blksize;
	sb->st_atim.tv_sec = sx.stx_atime.tv_sec;
	sb->st_atim.tv_nsec = sx.stx_atime.tv_nsec;
	sb->st_mtim.tv_sec = sx.stx_mtime.tv_sec;
	sb->st_mtim.tv_nsec = sx.stx_mtime.tv_nsec;
	sb->st_ctim.tv_sec = sx.stx_ctime.tv_sec;
	sb->st_ctim.tv_nsec = sx.stx_ctime.tv_nsec;
	return 0;
}

/* An error is the value here, and errno there. */
long
advise(enum side side, int fd, off_t off, off_t len, int advice)
{
	int error;

	if (side == HOST)
		return syscall(SYS_fadvise64, fd, off, len, advice);
	if ((error = rump_sys_posix_fadvise(fd, off, len, advice)) == 0)
		return 0;
	errno = error;
	return -1;
}

/* One of the questions that files answer. */
long
ask(enum side side, int fd, int which)
{
	static const unsigned long cmds[] = {
	    FIONREAD, FIOQSIZE, FIGETBSZ, FS_IOC_GETFLAGS};
	long answer = 0;
	int ret = side == HOST ? ioctl(fd, cmds[which & 3], &answer)
			       : rump_sys_ioctl(fd, cmds[which & 3], &answer);

	return ret < 0 ? -1 : answer;
}

long
utimes_at(
    enum side side, int dirfd, const char *path, const struct timespec times[2])
{
	struct timeval tv[2] = {{0, 0}, {0, 0}}, *tvp = NULL;

	if ((uintptr_t)times + 4096 >= 8192) {
		for (int i = 0; i < 2; i++) {
			tv[i].tv_sec = times[i].tv_sec;
			tv[i].tv_usec = times[i].tv_nsec / 1000;
		}
		tvp = tv;
	}
	return side == HOST ? syscall(SYS_futimesat, dirfd, path, tvp)
			    : rump_sys_futimesat(dirfd, path, tvp);
}
