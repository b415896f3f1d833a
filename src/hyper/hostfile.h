/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files of the host.  Nothing outside src/hyper calls the host's file system;
 * hostfs and etfs reach it through the functions below.
 *
 * A handle is a number that the host gave: an int that is not negative.  It is
 * closed on exec, and a child of fork(2) has it too, on the same open file.
 * The position of that is shared, so nothing here depends on it but
 * hyper_file_readdir, whose handle nobody else may use meanwhile.
 *
 * Names: with a directory's handle a name is looked up beneath that directory
 * and no symbolic link in it is followed, not even the last; it may have
 * slashes in it for hyper_file_open only.  With HYPER_FILE_NONE it is a path of
 * the host process like any other.
 *
 * All return 0 or a positive errno of the host's, leave the caller's errno
 * alone, go on after a signal handler of the host, take no lock of the
 * kernel's, and may block for as long as the host's file system does.
 */
#ifndef HYPER_HOSTFILE_H
#define HYPER_HOSTFILE_H

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>

#define HYPER_FILE_NONE (-1)

/*
 * Open, with the host's O_*.  O_CLOEXEC and O_NOCTTY are added, and beneath a
 * directory O_NOFOLLOW: ELOOP, unless O_PATH is set, for a symbolic link at
 * the end.
 */
int
hyper_file_open(int dir, const char *path, int flags, mode_t mode, int *fdp);

/* Open once more what fd, which may be O_PATH, is open on. */
int hyper_file_reopen(int fd, int flags, int *fdp);

/* A file in memory that has no name, open for reading and writing. */
int hyper_file_memory(int *fdp);

/* Give `to', which is empty, length and data of `from'; holes stay holes. */
int hyper_file_copy(int from, int to);

void hyper_file_close(int fd);

/* A new one, which may be closed: not where the program looks for its own. */
int hyper_file_move(long fd, int *fdp);

/* How many handles the host process may have. */
unsigned long hyper_file_maxopen(void);

/*
 * Transfers at an offset; *donep bytes were moved, fewer than asked for at the
 * end of the file.  append: at its end instead, whoever else writes there.
 */
int hyper_file_preadv(
    int fd, const struct iovec *iov, int iovcnt, off_t off, size_t *donep);
int hyper_file_pwritev(int fd, const struct iovec *iov, int iovcnt, off_t off,
    bool append, size_t *donep);

static inline int
hyper_file_pread(int fd, void *buf, size_t len, off_t off, size_t *donep)
{
	struct iovec iov = {.iov_base = buf, .iov_len = len};

	return hyper_file_preadv(fd, &iov, 1, off, donep);
}

static inline int
hyper_file_pwrite(int fd, void *buf, size_t len, off_t off, size_t *donep)
{
	struct iovec iov = {.iov_base = buf, .iov_len = len};

	return hyper_file_pwritev(fd, &iov, 1, off, false, donep);
}

/*
 * Attributes.  hs_birth tells apart files that had the same number one after
 * the other; zero if the host's file system does not know.
 */
struct hyper_stat {
	struct stat hs_stat;
	struct timespec hs_birth;
};

/* Of a name in a directory, or of the handle itself if it is "". */
int hyper_file_stat(int dir, const char *name, struct hyper_stat *);

/*
 * Entries of a directory that is open for reading, from position pos on,
 * which is 0 or a d_off: struct dirent64 in buf, *lenp bytes of them, none at
 * the end.
 */
int hyper_file_readdir(int fd, off_t pos, void *buf, size_t size, size_t *lenp);

int hyper_file_mkdir(int dir, const char *name, mode_t mode);
int hyper_file_mknod(int dir, const char *name, mode_t mode, dev_t rdev);
int hyper_file_symlink(const char *target, int dir, const char *name);
/* Another name for what fd is open on. */
int hyper_file_link(int fd, int dir, const char *name);
int hyper_file_unlink(int dir, const char *name, bool isdir);
/* flags: RENAME_NOREPLACE, RENAME_EXCHANGE */
int hyper_file_rename(
    int fromdir, const char *from, int todir, const char *to, unsigned flags);

/*
 * The rest is about what a handle is open on, O_PATH or not; the data calls
 * (truncate, sync, seek, fallocate) want one that is open for that.
 */

/* The text of a symbolic link, not terminated, cut to size bytes. */
int hyper_file_readlink(int fd, char *buf, size_t size, size_t *lenp);

int hyper_file_truncate(int fd, off_t length);
/*
 * As truncate does: if it has the length already, the host's file system says
 * whether that is a change.
 */
int hyper_file_truncate_path(int fd, off_t length);
int hyper_file_chmod(int fd, mode_t mode);
int hyper_file_chown(int fd, uid_t uid, gid_t gid);
int hyper_file_utimens(int fd, const struct timespec ts[2]);
int hyper_file_statvfs(int fd, struct statvfs *);
int hyper_file_sync(int fd, bool dataonly);
/* All of the file system that it is in. */
int hyper_file_syncfs(int fd);
/* SEEK_DATA, SEEK_HOLE from *offp; SEEK_END: the size of a block device too */
int hyper_file_seek(int fd, int whence, off_t *offp);
int hyper_file_fallocate(int fd, int mode, off_t off, off_t len);

/* As the host's calls; value NULL removes the attribute. */
int hyper_file_getxattr(
    int fd, const char *name, void *buf, size_t size, size_t *lenp);
int hyper_file_setxattr(
    int fd, const char *name, const void *value, size_t size, int flags);
int hyper_file_listxattr(int fd, char *buf, size_t size, size_t *lenp);

#endif /* HYPER_HOSTFILE_H */
