/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls on files, for tests/oracle/vfs.c: what they are, how one is made here
 * or on the host, and what of its result is compared.
 */
#ifndef TESTS_ORACLE_VFS_CALL_H
#define TESTS_ORACLE_VFS_CALL_H

#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#define PATHLEN	 700
#define REPEATED "./"
#define DATALEN	 24000
#define LISTLEN	 400 /* entries of a directory that are looked at */

/* The host's, where the C library does not give it as it is. */
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif
#ifndef SYS_faccessat2
#define SYS_faccessat2 439
#endif

/* All that a call can be made of; each uses some of it. */
struct call {
	uint8_t c_op;
	uint8_t c_actor;
	int c_fd, c_fd2;
	int c_flags;
	unsigned c_mode;
	int c_uid, c_gid;
	int64_t c_off;
	uint32_t c_len;
	bool c_null1, c_null2;	     /* paths, times: NULL */
	uint16_t c_repeat1, c_repeat2; /* REPEATED so often before the path */
	struct timespec c_times[2];
	char c_path1[PATHLEN], c_path2[PATHLEN];
};

struct result {
	int64_t r_ret;
	int r_errno;
	bool r_skip;	 /* the host has rules of its own about this */
	bool r_hasstat;
	bool r_islist;
	struct stat r_stat;
	size_t r_len;	 /* bytes in r_data that count */
	char r_data[DATALEN];
};

/* The calls as they are here or there. */
struct world {
	bool w_host;
	int (*w_open)(const char *, int, ...);
	int (*w_openat)(int, const char *, int, ...);
	int (*w_close)(int);
	int (*w_stat)(const char *, struct stat *);
	int (*w_lstat)(const char *, struct stat *);
	int (*w_fstat)(int, struct stat *);
	int (*w_fstatat)(int, const char *, struct stat *, int);
	int (*w_access)(const char *, int);
	int (*w_faccessat)(int, const char *, int, int);
	int (*w_mkdir)(const char *, mode_t);
	int (*w_mkdirat)(int, const char *, mode_t);
	int (*w_rmdir)(const char *);
	int (*w_link)(const char *, const char *);
	int (*w_linkat)(int, const char *, int, const char *, int);
	int (*w_unlink)(const char *);
	int (*w_unlinkat)(int, const char *, int);
	int (*w_symlink)(const char *, const char *);
	int (*w_symlinkat)(const char *, int, const char *);
	ssize_t (*w_readlink)(const char *, char *, size_t);
	ssize_t (*w_readlinkat)(int, const char *, char *, size_t);
	int (*w_rename)(const char *, const char *);
	int (*w_renameat)(int, const char *, int, const char *);
	int (*w_chmod)(const char *, mode_t);
	int (*w_fchmod)(int, mode_t);
	int (*w_fchmodat)(int, const char *, mode_t, int);
	int (*w_chown)(const char *, uid_t, gid_t);
	int (*w_lchown)(const char *, uid_t, gid_t);
	int (*w_fchown)(int, uid_t, gid_t);
	int (*w_fchownat)(int, const char *, uid_t, gid_t, int);
	int (*w_truncate)(const char *, off_t);
	int (*w_ftruncate)(int, off_t);
	int (*w_utimensat)(int, const char *, const struct timespec *, int);
	int (*w_chdir)(const char *);
	int (*w_fchdir)(int);
	int (*w_chroot)(const char *);
	int (*w_getcwd)(char *, size_t);
	int (*w_getdents)(int, char *, size_t);
	int (*w_mkfifo)(const char *, mode_t);
	int (*w_mkfifoat)(int, const char *, mode_t);
	int (*w_mknod)(const char *, mode_t, dev_t);
	int (*w_mknodat)(int, const char *, mode_t, dev_t);
	ssize_t (*w_read)(int, void *, size_t);
	ssize_t (*w_write)(int, const void *, size_t);
	ssize_t (*w_pread)(int, void *, size_t, off_t);
	ssize_t (*w_pwrite)(int, const void *, size_t, off_t);
	off_t (*w_lseek)(int, off_t, int);
	int (*w_ioctl)(int, unsigned long, ...);
	int (*w_fcntl)(int, int, ...);
	int (*w_dup)(int);
	mode_t (*w_umask)(mode_t);
};

static inline int
host_getcwd(char *buf, size_t len)
{
	int n = (int)syscall(SYS_getcwd, buf, len);

	/* What the C library makes of a directory outside of the root. */
	if (n > 0 && buf[0] != '/') {
		errno = ENOENT;
		return -1;
	}
	return n;
}

static inline int
host_getdents(int fd, char *buf, size_t len)
{
	return (int)syscall(SYS_getdents64, fd, buf, len);
}

static inline int
host_fchmodat(int fd, const char *path, mode_t mode, int flags)
{
	if (flags == 0)
		return (int)syscall(SYS_fchmodat, fd, path, mode);
	return (int)syscall(SYS_fchmodat2, fd, path, mode, flags);
}

static inline int
host_faccessat(int fd, const char *path, int mode, int flags)
{
	return (int)syscall(SYS_faccessat2, fd, path, mode, flags);
}

static inline int
host_utimensat(int fd, const char *path, const struct timespec *ts, int flags)
{
	return (int)syscall(SYS_utimensat, fd, path, ts, flags);
}

static inline ssize_t
host_readlinkat(int fd, const char *path, char *buf, size_t len)
{
	return syscall(SYS_readlinkat, fd, path, buf, len);
}

static const struct world host_world = {true, open, openat, close, stat, lstat,
    fstat, fstatat, access, host_faccessat, mkdir, mkdirat, rmdir, link,
    linkat, unlink, unlinkat, symlink, symlinkat, readlink, host_readlinkat,
    rename, renameat, chmod, fchmod, host_fchmodat, chown, lchown, fchown,
    fchownat, truncate, ftruncate, host_utimensat, chdir, fchdir, chroot,
    host_getcwd, host_getdents, mkfifo, mkfifoat, mknod, mknodat, read, write,
    pread, pwrite, lseek, ioctl, fcntl, dup, umask};

static const struct world rump_world = {false, rump_sys_open, rump_sys_openat,
    rump_sys_close, rump_sys_stat, rump_sys_lstat, rump_sys_fstat,
    rump_sys_fstatat, rump_sys_access, rump_sys_faccessat, rump_sys_mkdir,
    rump_sys_mkdirat, rump_sys_rmdir, rump_sys_link, rump_sys_linkat,
    rump_sys_unlink, rump_sys_unlinkat, rump_sys_symlink, rump_sys_symlinkat,
    rump_sys_readlink, rump_sys_readlinkat, rump_sys_rename, rump_sys_renameat,
    rump_sys_chmod, rump_sys_fchmod, rump_sys_fchmodat, rump_sys_chown,
    rump_sys_lchown, rump_sys_fchown, rump_sys_fchownat, rump_sys_truncate,
    rump_sys_ftruncate, rump_sys_utimensat, rump_sys_chdir, rump_sys_fchdir,
    rump_sys_chroot, rump_sys___getcwd, rump_sys_getdents, rump_sys_mkfifo,
    rump_sys_mkfifoat, rump_sys_mknod, rump_sys_mknodat, rump_sys_read,
    rump_sys_write, rump_sys_pread, rump_sys_pwrite, rump_sys_lseek,
    rump_sys_ioctl, rump_sys_fcntl, rump_sys_dup, rump_sys_umask};

/*
 * Each call: its arguments are c's, p1 and p2 are the paths made whole.
 */
#define RUN(name, expr) \
	static inline int64_t run_##name(const struct world *w, \
	    const struct call *c, const char *p1, const char *p2, \
	    struct result *r) \
	{ \
		(void)p1, (void)p2, (void)r; \
		return expr; \
	}

/* A device number, of a device that there is not. */
#define NODEV makedev(0, 0)

static inline int64_t
with_stat(struct result *r, int ret)
{
	r->r_hasstat = ret == 0;
	return ret;
}

static inline int64_t
with_data(struct result *r, int64_t ret)
{
	r->r_len = ret > 0 ? (size_t)ret : 0;
	return ret;
}

/* What is written can be told from what is written elsewhere. */
static inline const char *
pattern(const struct call *c)
{
	static char buf[DATALEN];

	for (uint32_t i = 0; i < c->c_len; i++)
		buf[i] = (char)((uint64_t)c->c_off * 7 + i * 31 + c->c_len);
	return buf;
}

static inline const struct timespec *
times(const struct call *c)
{
	return c->c_null2 ? NULL : c->c_times;
}

RUN(open, w->w_open(p1, c->c_flags, c->c_mode))
RUN(openat, w->w_openat(c->c_fd, p1, c->c_flags, c->c_mode))
RUN(close, w->w_close(c->c_fd))
RUN(stat, with_stat(r, w->w_stat(p1, &r->r_stat)))
RUN(lstat, with_stat(r, w->w_lstat(p1, &r->r_stat)))
RUN(fstat, with_stat(r, w->w_fstat(c->c_fd, &r->r_stat)))
RUN(fstatat, with_stat(r, w->w_fstatat(c->c_fd, p1, &r->r_stat, c->c_flags)))
RUN(access, w->w_access(p1, (int)c->c_mode & 15))
RUN(faccessat, w->w_faccessat(c->c_fd, p1, (int)c->c_mode & 7, c->c_flags))
RUN(mkdir, w->w_mkdir(p1, c->c_mode))
RUN(mkdirat, w->w_mkdirat(c->c_fd, p1, c->c_mode))
RUN(rmdir, w->w_rmdir(p1))
RUN(link, w->w_link(p1, p2))
RUN(linkat, w->w_linkat(c->c_fd, p1, c->c_fd2, p2, c->c_flags))
RUN(unlink, w->w_unlink(p1))
RUN(unlinkat, w->w_unlinkat(c->c_fd, p1, c->c_flags))
RUN(symlink, w->w_symlink(p2, p1))
RUN(symlinkat, w->w_symlinkat(p2, c->c_fd, p1))
RUN(readlink, with_data(r, w->w_readlink(p1, r->r_data, c->c_len)))
RUN(readlinkat,
    with_data(r, w->w_readlinkat(c->c_fd, p1, r->r_data, c->c_len)))
RUN(rename, w->w_rename(p1, p2))
RUN(renameat, w->w_renameat(c->c_fd, p1, c->c_fd2, p2))
RUN(chmod, w->w_chmod(p1, c->c_mode))
RUN(fchmod, w->w_fchmod(c->c_fd, c->c_mode))
RUN(fchmodat, w->w_fchmodat(c->c_fd, p1, c->c_mode, c->c_flags))
RUN(chown, w->w_chown(p1, (uid_t)c->c_uid, (gid_t)c->c_gid))
RUN(lchown, w->w_lchown(p1, (uid_t)c->c_uid, (gid_t)c->c_gid))
RUN(fchown, w->w_fchown(c->c_fd, (uid_t)c->c_uid, (gid_t)c->c_gid))
RUN(fchownat,
    w->w_fchownat(
	c->c_fd, p1, (uid_t)c->c_uid, (gid_t)c->c_gid, c->c_flags))
RUN(truncate, w->w_truncate(p1, c->c_off))
RUN(ftruncate, w->w_ftruncate(c->c_fd, c->c_off))
RUN(utimensat, w->w_utimensat(c->c_fd, p1, times(c), c->c_flags))
RUN(futimens, w->w_utimensat(c->c_fd, NULL, times(c), 0))
RUN(chdir, w->w_chdir(p1))
RUN(fchdir, w->w_fchdir(c->c_fd))
RUN(chroot, w->w_chroot(p1))
RUN(getcwd, with_data(r, w->w_getcwd(r->r_data, c->c_len)))
RUN(getdents_small, w->w_getdents(c->c_fd, r->r_data, c->c_len % 24))
RUN(mkfifo, w->w_mkfifo(p1, c->c_mode))
RUN(mkfifoat, w->w_mkfifoat(c->c_fd, p1, c->c_mode))
RUN(mknod, w->w_mknod(p1, (mode_t)c->c_flags | c->c_mode, NODEV))
RUN(mknodat,
    w->w_mknodat(
	c->c_fd, p1, (mode_t)c->c_flags | c->c_mode, makedev(60, 7)))
RUN(read, with_data(r, w->w_read(c->c_fd, r->r_data, c->c_len)))
RUN(write, w->w_write(c->c_fd, pattern(c), c->c_len))
RUN(pread, with_data(r, w->w_pread(c->c_fd, r->r_data, c->c_len, c->c_off)))
RUN(pwrite, w->w_pwrite(c->c_fd, pattern(c), c->c_len, c->c_off))
RUN(lseek, w->w_lseek(c->c_fd, c->c_off, c->c_flags))
RUN(getfl, w->w_fcntl(c->c_fd, F_GETFL))
RUN(dup, w->w_dup(c->c_fd))
RUN(umask, w->w_umask(c->c_mode))

static inline int64_t
run_fionread(const struct world *w, const struct call *c, const char *p1,
    const char *p2, struct result *r)
{
	int left = 0;

	(void)p1, (void)p2;
	if (w->w_ioctl(c->c_fd, FIONREAD, &left) != 0)
		return -1;
	memcpy(r->r_data, &left, sizeof(left));
	r->r_len = sizeof(left);
	return 0;
}

static inline int
compare_names(const void *a, const void *b)
{
	const struct dirent64 *const *x = a, *const *y = b;

	return strcmp((*x)->d_name, (*y)->d_name);
}

/* Write sorted names and types to r's data; false if it is not a directory. */
static inline bool
list_directory(
    const struct world *w, int fd, size_t chunk, struct result *r)
{
	static char buf[LISTLEN * sizeof(struct dirent64)];
	const struct dirent64 *entry[LISTLEN];
	int n, used = 0, count = 0;

	if (w->w_lseek(fd, 0, SEEK_SET) != 0)
		return false;
	while ((n = w->w_getdents(fd, buf + used, chunk)) > 0)
		used += n;
	if (n < 0)
		return false;
	for (int at = 0; at < used && count < LISTLEN; count++) {
		entry[count] = (const struct dirent64 *)(void *)(buf + at);
		at += entry[count]->d_reclen;
	}
	qsort(entry, (size_t)count, sizeof(entry[0]), compare_names);
	r->r_len = 0;
	for (int i = 0; i < count; i++)
		r->r_len += (size_t)snprintf(r->r_data + r->r_len,
		    DATALEN - r->r_len, "%.60s %d\n", entry[i]->d_name,
		    entry[i]->d_type);
	return true;
}

/* All of a directory, however it is cut into pieces. */
static inline int64_t
run_getdents(const struct world *w, const struct call *c, const char *p1,
    const char *p2, struct result *r)
{
	(void)p1, (void)p2;
	return list_directory(w, c->c_fd, 300 + c->c_len % 4000, r) ? 0 : -1;
}

#undef RUN

/* What a call is made of, to make and to print it. */
#define A_PATH1 1u
#define A_PATH2 2u
#define A_FD	4u
#define A_FD2	8u
#define A_FLAGS 16u
#define A_MODE	32u
#define A_IDS	64u
#define A_OFF	128u
#define A_LEN	256u
#define A_TIMES 512u
#define A_DIRFD 1024u /* c_fd is a directory, often AT_FDCWD */
#define A_MAKES 2048u /* path1 names something new then */

/* Flags that a call picks some of; the first is always there. */
static const int oflags[] = {O_NONBLOCK, O_WRONLY, O_RDWR, O_CREAT, O_CREAT,
    O_EXCL, O_TRUNC, O_APPEND, O_DIRECTORY, O_NOFOLLOW, O_PATH, O_CLOEXEC,
    O_NOATIME, O_SYNC};
static const int statflags[] = {
    0, AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH, AT_NO_AUTOMOUNT, 1};
static const int attrflags[] = {0, AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH, 1};
static const int accessflags[] = {
    0, AT_EACCESS, AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH};
static const int linkflags[] = {
    0, AT_SYMLINK_FOLLOW, AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW};
static const int rmflags[] = {0, AT_REMOVEDIR, AT_REMOVEDIR, 1};
static const int nodetypes[] = {0, S_IFREG, S_IFIFO, S_IFSOCK, S_IFCHR,
    S_IFBLK, S_IFDIR, S_IFLNK};
static const int whences[] = {
    SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA, SEEK_HOLE, 17};

#define FLAGS(a) a, (int)(sizeof(a) / sizeof((a)[0]))
#define NOFLAGS	 NULL, 0

struct op {
	const char *o_name;
	int o_weight;
	unsigned o_args;
	const int *o_flags;
	int o_nflags;
	int64_t (*o_run)(const struct world *, const struct call *,
	    const char *, const char *, struct result *);
};

static const struct op ops[] = {
    {"open", 14, A_PATH1 | A_FLAGS | A_MODE | A_MAKES, FLAGS(oflags),
	run_open},
    {"openat", 8, A_DIRFD | A_PATH1 | A_FLAGS | A_MODE | A_MAKES,
	FLAGS(oflags), run_openat},
    {"close", 12, A_FD, NOFLAGS, run_close},
    {"stat", 6, A_PATH1, NOFLAGS, run_stat},
    {"lstat", 6, A_PATH1, NOFLAGS, run_lstat},
    {"fstat", 4, A_FD, NOFLAGS, run_fstat},
    {"fstatat", 4, A_DIRFD | A_PATH1 | A_FLAGS, FLAGS(statflags),
	run_fstatat},
    {"access", 3, A_PATH1 | A_MODE, NOFLAGS, run_access},
    {"faccessat", 3, A_DIRFD | A_PATH1 | A_MODE | A_FLAGS,
	FLAGS(accessflags), run_faccessat},
    {"mkdir", 8, A_PATH1 | A_MODE | A_MAKES, NOFLAGS, run_mkdir},
    {"mkdirat", 4, A_DIRFD | A_PATH1 | A_MODE | A_MAKES, NOFLAGS,
	run_mkdirat},
    {"rmdir", 5, A_PATH1, NOFLAGS, run_rmdir},
    {"link", 5, A_PATH1 | A_PATH2, NOFLAGS, run_link},
    {"linkat", 4, A_DIRFD | A_PATH1 | A_FD2 | A_PATH2 | A_FLAGS,
	FLAGS(linkflags), run_linkat},
    {"unlink", 5, A_PATH1, NOFLAGS, run_unlink},
    {"unlinkat", 3, A_DIRFD | A_PATH1 | A_FLAGS, FLAGS(rmflags),
	run_unlinkat},
    {"symlink", 6, A_PATH1 | A_PATH2 | A_MAKES, NOFLAGS, run_symlink},
    {"symlinkat", 3, A_DIRFD | A_PATH1 | A_PATH2 | A_MAKES, NOFLAGS,
	run_symlinkat},
    {"readlink", 2, A_PATH1 | A_LEN, NOFLAGS, run_readlink},
    {"readlinkat", 2, A_DIRFD | A_PATH1 | A_LEN, NOFLAGS, run_readlinkat},
    {"rename", 10, A_PATH1 | A_PATH2, NOFLAGS, run_rename},
    {"renameat", 6, A_DIRFD | A_PATH1 | A_FD2 | A_PATH2, NOFLAGS,
	run_renameat},
    {"chmod", 5, A_PATH1 | A_MODE, NOFLAGS, run_chmod},
    {"fchmod", 2, A_FD | A_MODE, NOFLAGS, run_fchmod},
    {"fchmodat", 2, A_DIRFD | A_PATH1 | A_MODE | A_FLAGS, FLAGS(attrflags),
	run_fchmodat},
    {"chown", 4, A_PATH1 | A_IDS, NOFLAGS, run_chown},
    {"lchown", 2, A_PATH1 | A_IDS, NOFLAGS, run_lchown},
    {"fchown", 2, A_FD | A_IDS, NOFLAGS, run_fchown},
    {"fchownat", 2, A_DIRFD | A_PATH1 | A_IDS | A_FLAGS, FLAGS(attrflags),
	run_fchownat},
    {"truncate", 3, A_PATH1 | A_OFF, NOFLAGS, run_truncate},
    {"ftruncate", 4, A_FD | A_OFF, NOFLAGS, run_ftruncate},
    {"utimensat", 5, A_DIRFD | A_PATH1 | A_TIMES | A_FLAGS,
	FLAGS(attrflags), run_utimensat},
    {"futimens", 3, A_FD | A_TIMES, NOFLAGS, run_futimens},
    {"chdir", 4, A_PATH1, NOFLAGS, run_chdir},
    {"fchdir", 3, A_FD, NOFLAGS, run_fchdir},
    {"chroot", 1, A_PATH1, NOFLAGS, run_chroot},
    {"getcwd", 3, A_LEN, NOFLAGS, run_getcwd},
    {"getdents", 4, A_FD | A_LEN, NOFLAGS, run_getdents},
    {"getdents_small", 1, A_FD | A_LEN, NOFLAGS, run_getdents_small},
    {"mkfifo", 1, A_PATH1 | A_MODE | A_MAKES, NOFLAGS, run_mkfifo},
    {"mkfifoat", 1, A_DIRFD | A_PATH1 | A_MODE | A_MAKES, NOFLAGS,
	run_mkfifoat},
    {"mknod", 2, A_PATH1 | A_FLAGS | A_MODE | A_MAKES, FLAGS(nodetypes),
	run_mknod},
    {"mknodat", 2, A_DIRFD | A_PATH1 | A_FLAGS | A_MODE | A_MAKES,
	FLAGS(nodetypes), run_mknodat},
    {"read", 6, A_FD | A_LEN, NOFLAGS, run_read},
    {"write", 8, A_FD | A_LEN | A_OFF, NOFLAGS, run_write},
    {"pread", 5, A_FD | A_LEN | A_OFF, NOFLAGS, run_pread},
    {"pwrite", 7, A_FD | A_LEN | A_OFF, NOFLAGS, run_pwrite},
    {"lseek", 6, A_FD | A_OFF | A_FLAGS, FLAGS(whences), run_lseek},
    {"ioctl_FIONREAD", 1, A_FD, NOFLAGS, run_fionread},
    {"fcntl_F_GETFL", 1, A_FD, NOFLAGS, run_getfl},
    {"dup", 2, A_FD, NOFLAGS, run_dup},
    {"umask", 2, A_MODE, NOFLAGS, run_umask},
};

#define NOPS ((int)(sizeof(ops) / sizeof(ops[0])))

static inline const char *
whole_path(char *buf, bool null, int repeat, const char *path)
{
	char *p = buf;

	if (null)
		return NULL;
	while (repeat-- > 0)
		p = stpcpy(p, REPEATED);
	strcpy(p, path);
	return buf;
}

/* Make the call in the world; r is all of its result. */
static inline void
call_run(const struct world *w, const struct call *c, struct result *r)
{
	static char buf1[2 * PATHLEN + 8192], buf2[2 * PATHLEN + 8192];
	const char *p1 = whole_path(buf1, c->c_null1, c->c_repeat1, c->c_path1);
	const char *p2 = whole_path(buf2, c->c_null2, c->c_repeat2, c->c_path2);

	memset(r, 0, offsetof(struct result, r_data));
	errno = 0;
	r->r_ret = ops[c->c_op].o_run(w, c, p1, p2, r);
	r->r_errno = r->r_ret == -1 ? errno : 0;
}

static inline void
path_print(bool null, int repeat, const char *path)
{
	if (null)
		printf(" NULL");
	else if (repeat > 0)
		printf(" %d * \"%s\" \"%s\"", repeat, REPEATED, path);
	else
		printf(" \"%s\"", path);
}

static inline void
call_print(const struct call *c)
{
	const struct op *o = &ops[c->c_op];

	printf("  %d: %s", c->c_actor, o->o_name);
	if ((o->o_args & (A_FD | A_DIRFD)) != 0)
		printf(" fd %d", c->c_fd);
	if ((o->o_args & A_PATH1) != 0)
		path_print(c->c_null1, c->c_repeat1, c->c_path1);
	if ((o->o_args & A_FD2) != 0)
		printf(" fd %d", c->c_fd2);
	if ((o->o_args & A_PATH2) != 0)
		path_print(c->c_null2, c->c_repeat2, c->c_path2);
	if ((o->o_args & A_FLAGS) != 0)
		printf(" flags %#x", (unsigned)c->c_flags);
	if ((o->o_args & A_MODE) != 0)
		printf(" mode %#o", c->c_mode);
	if ((o->o_args & A_IDS) != 0)
		printf(" ids %d %d", c->c_uid, c->c_gid);
	if ((o->o_args & A_OFF) != 0)
		printf(" off %lld", (long long)c->c_off);
	if ((o->o_args & A_LEN) != 0)
		printf(" len %u", c->c_len);
	if ((o->o_args & A_TIMES) != 0 && !c->c_null2)
		printf(" times %ld.%ld %ld.%ld", (long)c->c_times[0].tv_sec,
		    c->c_times[0].tv_nsec, (long)c->c_times[1].tv_sec,
		    c->c_times[1].tv_nsec);
	printf("\n");
}

#endif /* TESTS_ORACLE_VFS_CALL_H */
