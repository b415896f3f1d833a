/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of calls, and doing one of them.
 *
 * A line is the call's name, the kinds of its arguments (vfs.h), how often it
 * is made, and what it is on each side.  The host's side is the system call
 * itself: the C library has opinions of its own.
 */
#include <sys/syscall.h>
#include <sys/uio.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "vfs.h"

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

#define P(i)   ((void *)a[i])
#define I(i)   ((int)a[i])
#define U(i)   ((unsigned)a[i])
#define A(i)   (a[i])
#define CWD    AT_FDCWD
#define RM     AT_REMOVEDIR
#define NF     AT_SYMLINK_NOFOLLOW
#define H(...) syscall(SYS_##__VA_ARGS__)
#define R(...) rump_sys_##__VA_ARGS__

#define CALLS(X)                                                               \
	X(open, "pom", 60, H(openat, CWD, P(0), I(1), U(2)),                   \
	    R(open(P(0), I(1), U(2))))                                         \
	X(openat, "dpom", 60, H(openat, I(0), P(1), I(2), U(3)),               \
	    R(openat(I(0), P(1), I(2), U(3))))                                 \
	X(close, "f", 12, H(close, I(0)), R(close(I(0))))                      \
	X(dup, "f", 5, H(dup, I(0)), R(dup(I(0))))                             \
	X(fcntl, "fCF", 10, H(fcntl, I(0), I(1), A(2)),                        \
	    R(fcntl(I(0), I(1), (uintptr_t)A(2))))                             \
	X(read, "fBz", 20, H(read, I(0), P(1), A(2)),                          \
	    R(read(I(0), P(1), (size_t)A(2))))                                 \
	X(write, "fDz", 30, H(write, I(0), P(1), A(2)),                        \
	    R(write(I(0), P(1), (size_t)A(2))))                                \
	X(pread, "fBzl", 15, H(pread64, I(0), P(1), A(2), A(3)),               \
	    R(pread(I(0), P(1), (size_t)A(2), A(3))))                          \
	X(pwrite, "fDzl", 20, H(pwrite64, I(0), P(1), A(2), A(3)),             \
	    R(pwrite(I(0), P(1), (size_t)A(2), A(3))))                         \
	X(readv, "fIc", 8, H(readv, I(0), P(1), A(2)),                         \
	    R(readv(I(0), P(1), I(2))))                                        \
	X(writev, "fic", 8, H(writev, I(0), P(1), A(2)),                       \
	    R(writev(I(0), P(1), I(2))))                                       \
	X(preadv, "fIcl", 8, H(preadv, I(0), P(1), A(2), A(3), 0L),            \
	    R(preadv(I(0), P(1), I(2), A(3))))                                 \
	X(pwritev, "ficl", 8, H(pwritev, I(0), P(1), A(2), A(3), 0L),          \
	    R(pwritev(I(0), P(1), I(2), A(3))))                                \
	X(lseek, "flw", 20, seek(HOST, I(0), A(1), I(2)),                      \
	    seek(RUMP, I(0), A(1), I(2)))                                      \
	X(ftruncate, "fl", 15, H(ftruncate, I(0), A(1)),                       \
	    R(ftruncate(I(0), A(1))))                                          \
	X(fsync, "f", 3, H(fsync, I(0)), R(fsync(I(0))))                       \
	X(fdatasync, "f", 2, H(fdatasync, I(0)), R(fdatasync(I(0))))           \
	X(stat, "pS", 15, H(newfstatat, CWD, P(0), P(1), 0),                   \
	    R(stat(P(0), P(1))))                                               \
	X(lstat, "pS", 15, H(newfstatat, CWD, P(0), P(1), NF),                 \
	    R(lstat(P(0), P(1))))                                              \
	X(fstat, "fS", 15, H(fstat, I(0), P(1)), R(fstat(I(0), P(1))))         \
	X(fstatat, "dpSa", 20, H(newfstatat, I(0), P(1), P(2), I(3)),          \
	    R(fstatat(I(0), P(1), P(2), I(3))))                                \
	X(access, "px", 10, H(faccessat, CWD, P(0), I(1)),                     \
	    R(access(P(0), I(1))))                                             \
	X(faccessat, "dpxa", 10, H(faccessat2, I(0), P(1), I(2), I(3)),        \
	    R(faccessat(I(0), P(1), I(2), I(3))))                              \
	X(mkdir, "pm", 50, H(mkdirat, CWD, P(0), U(1)), R(mkdir(P(0), U(1))))  \
	X(mkdirat, "dpm", 25, H(mkdirat, I(0), P(1), U(2)),                    \
	    R(mkdirat(I(0), P(1), U(2))))                                      \
	X(rmdir, "p", 15, H(unlinkat, CWD, P(0), RM), R(rmdir(P(0))))          \
	X(link, "pp", 20, H(linkat, CWD, P(0), CWD, P(1), 0),                  \
	    R(link(P(0), P(1))))                                               \
	X(linkat, "dpdpa", 20, H(linkat, I(0), P(1), I(2), P(3), I(4)),        \
	    R(linkat(I(0), P(1), I(2), P(3), I(4))))                           \
	X(unlink, "p", 20, H(unlinkat, CWD, P(0), 0), R(unlink(P(0))))         \
	X(unlinkat, "dpa", 15, H(unlinkat, I(0), P(1), I(2)),                  \
	    R(unlinkat(I(0), P(1), I(2))))                                     \
	X(symlink, "tp", 30, H(symlinkat, P(0), CWD, P(1)),                    \
	    R(symlink(P(0), P(1))))                                            \
	X(symlinkat, "tdp", 15, H(symlinkat, P(0), I(1), P(2)),                \
	    R(symlinkat(P(0), I(1), P(2))))                                    \
	X(readlink, "pBz", 8, H(readlinkat, CWD, P(0), P(1), I(2)),            \
	    R(readlink(P(0), P(1), (size_t)A(2))))                             \
	X(readlinkat, "dpBz", 8, H(readlinkat, I(0), P(1), P(2), I(3)),        \
	    R(readlinkat(I(0), P(1), P(2), (size_t)A(3))))                     \
	X(rename, "pp", 40, H(renameat2, CWD, P(0), CWD, P(1), 0),             \
	    R(rename(P(0), P(1))))                                             \
	X(renameat, "dpdp", 30, H(renameat2, I(0), P(1), I(2), P(3), 0),       \
	    R(renameat(I(0), P(1), I(2), P(3))))                               \
	X(renameat2, "dpdpR", 30, H(renameat2, I(0), P(1), I(2), P(3), U(4)),  \
	    R(renameat2(I(0), P(1), I(2), P(3), U(4))))                        \
	X(chmod, "pm", 20, H(fchmodat, CWD, P(0), U(1)), R(chmod(P(0), U(1)))) \
	X(fchmod, "fm", 10, H(fchmod, I(0), U(1)), R(fchmod(I(0), U(1))))      \
	X(fchmodat, "dpma", 10, H(fchmodat2, I(0), P(1), U(2), I(3)),          \
	    R(fchmodat(I(0), P(1), U(2), I(3))))                               \
	X(chown, "pug", 15, H(fchownat, CWD, P(0), U(1), U(2), 0),             \
	    R(chown(P(0), U(1), U(2))))                                        \
	X(lchown, "pug", 10, H(fchownat, CWD, P(0), U(1), U(2), NF),           \
	    R(lchown(P(0), U(1), U(2))))                                       \
	X(fchown, "fug", 10, H(fchown, I(0), U(1), U(2)),                      \
	    R(fchown(I(0), U(1), U(2))))                                       \
	X(fchownat, "dpuga", 10, H(fchownat, I(0), P(1), U(2), U(3), I(4)),    \
	    R(fchownat(I(0), P(1), U(2), U(3), I(4))))                         \
	X(truncate, "pl", 15, H(truncate, P(0), A(1)),                         \
	    R(truncate(P(0), A(1))))                                           \
	X(utimensat, "dpTa", 20, H(utimensat, I(0), P(1), P(2), I(3)),         \
	    R(utimensat(I(0), P(1), P(2), I(3))))                              \
	X(futimens, "fT", 8, futimens(I(0), P(1)), R(futimens(I(0), P(1))))    \
	X(chdir, "p", 15, H(chdir, P(0)), R(chdir(P(0))))                      \
	X(fchdir, "f", 8, H(fchdir, I(0)), R(fchdir(I(0))))                    \
	X(chroot, "p", 3, change_root(HOST, P(0)), change_root(RUMP, P(0)))    \
	X(getcwd, "Bz", 8, H(getcwd, P(0), A(1)),                              \
	    R(__getcwd(P(0), (size_t)A(1))))                                   \
	X(getdents, "fEz", 15, entries(HOST, I(0), P(1), (size_t)A(2)),        \
	    entries(RUMP, I(0), P(1), (size_t)A(2)))                           \
	X(mkfifo, "pm", 6, H(mknodat, CWD, P(0), S_IFIFO | U(1), 0),           \
	    R(mkfifo(P(0), U(1))))                                             \
	X(mkfifoat, "dpm", 4, H(mknodat, I(0), P(1), S_IFIFO | U(2), 0),       \
	    R(mkfifoat(I(0), P(1), U(2))))                                     \
	X(mknod, "pkn", 8, H(mknodat, CWD, P(0), U(1), U(2)),                  \
	    R(mknod(P(0), U(1), (dev_t)A(2))))                                 \
	X(mknodat, "dpkn", 6, H(mknodat, I(0), P(1), U(2), U(3)),              \
	    R(mknodat(I(0), P(1), U(2), (dev_t)A(3))))                         \
	X(umask, "m", 5, H(umask, U(0)), R(umask(U(0))))                       \
	X(getxattr, "pXBz", 8, H(getxattr, P(0), P(1), P(2), A(3)),            \
	    R(getxattr(P(0), P(1), P(2), (size_t)A(3))))                       \
	X(lgetxattr, "pXBz", 4, H(lgetxattr, P(0), P(1), P(2), A(3)),          \
	    R(lgetxattr(P(0), P(1), P(2), (size_t)A(3))))                      \
	X(fgetxattr, "fXBz", 8, H(fgetxattr, I(0), P(1), P(2), A(3)),          \
	    R(fgetxattr(I(0), P(1), P(2), (size_t)A(3))))                      \
	X(setxattr, "pXDzb", 12, H(setxattr, P(0), P(1), P(2), A(3), I(4)),    \
	    R(setxattr(P(0), P(1), P(2), (size_t)A(3), I(4))))                 \
	X(lsetxattr, "pXDzb", 4, H(lsetxattr, P(0), P(1), P(2), A(3), I(4)),   \
	    R(lsetxattr(P(0), P(1), P(2), (size_t)A(3), I(4))))                \
	X(fsetxattr, "fXDzb", 10, H(fsetxattr, I(0), P(1), P(2), A(3), I(4)),  \
	    R(fsetxattr(I(0), P(1), P(2), (size_t)A(3), I(4))))                \
	X(listxattr, "pBz", 6, H(listxattr, P(0), P(1), A(2)),                 \
	    R(listxattr(P(0), P(1), (size_t)A(2))))                            \
	X(flistxattr, "fBz", 6, H(flistxattr, I(0), P(1), A(2)),               \
	    R(flistxattr(I(0), P(1), (size_t)A(2))))                           \
	X(removexattr, "pX", 6, H(removexattr, P(0), P(1)),                    \
	    R(removexattr(P(0), P(1))))                                        \
	X(fremovexattr, "fX", 5, H(fremovexattr, I(0), P(1)),                  \
	    R(fremovexattr(I(0), P(1))))                                       \
	X(preadv2, "fIclb", 8, H(preadv2, I(0), P(1), A(2), A(3), 0L, I(4)),   \
	    R(preadv2(I(0), P(1), I(2), A(3), I(4))))                          \
	X(pwritev2, "ficlb", 8, H(pwritev2, I(0), P(1), A(2), A(3), 0L, I(4)), \
	    R(pwritev2(I(0), P(1), I(2), A(3), I(4))))                         \
	X(copy_file_range, "flflz", 12,                                        \
	    copy_range(HOST, I(0), A(1), I(2), A(3), (size_t)A(4)),            \
	    copy_range(RUMP, I(0), A(1), I(2), A(3), (size_t)A(4)))            \
	X(sendfile, "fflz", 10,                                                \
	    send_file(HOST, I(0), I(1), A(2), (size_t)A(3)),                   \
	    send_file(RUMP, I(0), I(1), A(2), (size_t)A(3)))                   \
	X(splice, "flflz", 8,                                                  \
	    splice_fds(HOST, I(0), A(1), I(2), A(3), (size_t)A(4)),            \
	    splice_fds(RUMP, I(0), A(1), I(2), A(3), (size_t)A(4)))            \
	X(tee, "ffz", 3, H(tee, I(0), I(1), A(2), SPLICE_F_NONBLOCK),          \
	    R(tee(I(0), I(1), (size_t)A(2), SPLICE_F_NONBLOCK)))               \
	X(statx, "dpSa", 10, statx_stat(HOST, I(0), P(1), P(2), I(3)),         \
	    statx_stat(RUMP, I(0), P(1), P(2), I(3)))                          \
	X(futimesat, "dpT", 6, utimes_at(HOST, I(0), P(1), P(2)),              \
	    utimes_at(RUMP, I(0), P(1), P(2)))                                 \
	X(fallocate, "fbzz", 10, H(fallocate, I(0), I(1), A(2), A(3)),         \
	    R(fallocate(I(0), I(1), A(2), A(3))))                              \
	X(fadvise, "fllw", 3, advise(HOST, I(0), A(1), A(2), I(3)),            \
	    advise(RUMP, I(0), A(1), A(2), I(3)))                              \
	X(readahead, "flz", 2, H(readahead, I(0), A(1), A(2)),                 \
	    R(readahead(I(0), A(1), (size_t)A(2))))                            \
	X(ask, "fb", 6, ask(HOST, I(0), I(1)), ask(RUMP, I(0), I(1)))          \
	X(syncfs, "f", 1, H(syncfs, I(0)), R(syncfs(I(0))))                    \
	X(sync, "", 1, 0, (rump_sys_sync(), 0))

static ssize_t
getdents_of(enum side side, int fd, char *buf, size_t len)
{
	return side == HOST ? H(getdents64, fd, buf, len)
			    : R(getdents(fd, buf, len));
}

/*
 * A directory from its beginning, so many bytes at a time; then back to the
 * beginning, because positions are each side's own.
 */
static long
entries(enum side side, int fd, char *to, size_t len)
{
	size_t done = 0, room = OUTSIZE;
	ssize_t n;
	int error;

	if (len > OUTSIZE / 2)
		len = OUTSIZE / 2;
	do {
		n = getdents_of(side, fd, to + done, len < room ? len : room);
		if (n > 0) {
			done += (size_t)n;
			room -= (size_t)n;
		}
	} while (n > 0 && room > 512);
	error = errno;
	(void)(side == HOST ? H(lseek, fd, 0L, SEEK_SET)
			    : R(lseek(fd, 0, SEEK_SET)));
	errno = error;
	return n < 0 ? -1 : (long)done;
}

/* Positions in a directory are each side's own, but for the beginning. */
static long
seek(enum side side, int fd, off_t off, int whence)
{
	struct stat st = {0};
	long ret = side == HOST ? H(lseek, fd, off, whence)
				: R(lseek(fd, off, whence));

	if (ret < 0)
		return ret;
	(void)(side == HOST ? H(fstat, fd, &st) : R(fstat(fd, &st)));
	if (!S_ISDIR(st.st_mode))
		return ret;
	return side == HOST ? H(lseek, fd, 0L, SEEK_SET)
			    : R(lseek(fd, 0, SEEK_SET));
}

/* Into it altogether, so that nobody gets out of the sequence's tree. */
static long
change_root(enum side side, const char *path)
{
	long ret = side == HOST ? H(chroot, path) : R(chroot(path));

	if (ret != 0)
		return ret;
	if (side == HOST)
		return H(close_range, 0, ~0U, 0) + H(chdir, "/");
	return R(close_range(0, ~0U, 0)) + R(chdir("/"));
}

#define FUNCTIONS(name, kinds, weight, host, rump) \
	static long host_##name(const long *a)     \
	{                                          \
		(void)a;                           \
		return host;                       \
	}                                          \
	static long rump_##name(const long *a)     \
	{                                          \
		(void)a;                           \
		return rump;                       \
	}
CALLS(FUNCTIONS)

#define LINE(name, kinds, weight, host, rump) \
	{#name, kinds, weight, {host_##name, rump_##name}},
const struct op ops[] = {CALLS(LINE)};
const int nops = sizeof(ops) / sizeof(ops[0]);

bool
kind_istext(enum kind k)
{
	return k == K_PATH || k == K_TARGET || k == K_XATTR || k == K_TIMES ||
	       k == K_IOVIN || k == K_IOVOUT;
}

bool
kind_ispointer(enum kind k)
{
	return kind_istext(k) || k == K_DATA || k == K_BUF || k == K_ENTRIES ||
	       k == K_STAT;
}

/* "{3ab}" in a text is "ababab".  The length. */
size_t
expand(const char *s, char *to, size_t size)
{
	size_t n = 0, times, len;
	const char *end;
	char *what;

	while (*s != '\0') {
		times = len = 1;
		if (*s == '{' && (end = strchr(s, '}')) != NULL) {
			times = strtoul(s + 1, &what, 10);
			len = (size_t)(end - what);
			s = what;
		}
		while (times-- > 0 && n + len < size) {
			memcpy(to + n, s, len);
			n += len;
		}
		s += len;
		if (*s == '}')
			s++;
	}
	to[n] = '\0';
	return n;
}

void
times_parse(const char *s, struct timespec ts[2])
{
	char *end;

	for (int i = 0; i < 2; i++) {
		while (*s == ' ')
			s++;
		ts[i] = (struct timespec){0};
		if (strncmp(s, "now", 3) == 0) {
			ts[i].tv_nsec = UTIME_NOW;
			s += 3;
		} else if (strncmp(s, "omit", 4) == 0) {
			ts[i].tv_nsec = UTIME_OMIT;
			s += 4;
		} else {
			ts[i].tv_sec = strtol(s, &end, 10);
			if (*end == '.')
				ts[i].tv_nsec = strtol(end + 1, &end, 10);
			s = end;
		}
	}
}

int
iov_parse(const char *s, long len[MAXIOV], bool bad[MAXIOV])
{
	char *end;
	int n;

	for (n = 0; n < MAXIOV && *s != '\0'; n++) {
		if ((bad[n] = *s == '!'))
			s++;
		len[n] = strtol(s, &end, 10);
		s = *end == ' ' ? end + 1 : end;
	}
	return n;
}

/*
 * Handing over
 */

struct memory {
	char m_path[NSTRS][MAXPATH];
	int m_npaths;
	struct timespec m_times[2];
	struct iovec m_iov[MAXIOV];
	unsigned char m_data[OUTSIZE + 256];
};

static void *
address(long where, void *inplace)
{
	switch (where) {
	case NOWHERE:
		return NULL;
	case UNMAPPED:
		return (void *)8;
	case KERNEL:
		return (void *)(UINTPTR_MAX - 4095);
	default:
		return inplace;
	}
}

static void *
make_iov(struct memory *m, const char *s, unsigned char *buf)
{
	bool bad[MAXIOV];
	long len[MAXIOV];
	int n = iov_parse(s, len, bad);

	memset(m->m_iov, 0, sizeof(m->m_iov));
	for (int i = 0; i < n; i++) {
		m->m_iov[i].iov_base = bad[i] ? address(UNMAPPED, NULL) : buf;
		m->m_iov[i].iov_len = (size_t)len[i];
		if (!bad[i] && len[i] > 0)
			buf += len[i];
	}
	return m->m_iov;
}

static void
fill(struct memory *m, long seed)
{
	for (size_t i = 0; i < sizeof(m->m_data); i++)
		m->m_data[i] = (unsigned char)(i * 7 + i / 251 + (size_t)seed);
}

/*
 * Bits that mean something else on the host: the sticky bit by its rules, and
 * the set-id bits to who is root in a namespace only.
 */
static long
mode_mask(void)
{
	return (hostrules.hr_sticky ? S_ISVTX : 0) |
	       (have_ids ? 0 : S_ISUID | S_ISGID);
}

/* The argument number i as the call gets it. */
static long
argument(const struct call *c, int i, struct memory *m, struct result *r)
{
	enum kind k = (enum kind)ops[c->c_op].o_kinds[i];
	const char *s = c->c_str[i];
	void *p;

	switch (k) {
	case K_PATH:
	case K_TARGET:
	case K_XATTR:
		p = m->m_path[m->m_npaths++];
		(void)expand(s, p, MAXPATH);
		break;
	case K_TIMES:
		times_parse(s, m->m_times);
		p = m->m_times;
		break;
	case K_IOVIN:
		fill(m, 1);
		p = make_iov(m, s, m->m_data);
		break;
	case K_IOVOUT:
		p = make_iov(m, s, r->r_out);
		r->r_len = OUTSIZE;
		break;
	case K_DATA:
		if (c->c_arg[i] >= 0)
			fill(m, c->c_arg[i]);
		return (long)address(
		    c->c_arg[i] < 0 ? -c->c_arg[i] : 0, m->m_data);
	case K_BUF:
	case K_ENTRIES:
		r->r_len = (size_t)c->c_arg[i + 1] + OUTPAST;
		if (r->r_len > OUTSIZE || c->c_arg[i + 1] < 0)
			r->r_len = OUTSIZE;
		p = r->r_out;
		break;
	case K_STAT:
		p = &r->r_stat;
		break;
	case K_MODE:
	case K_MKNOD:
		return c->c_arg[i] & ~mode_mask();
	case K_OPEN:
		/* The host keeps it, and does nothing about it. */
		return c->c_arg[i] & ~(long)O_ASYNC;
	default:
		return c->c_arg[i];
	}
	return (long)address(c->c_arg[i], p);
}

void
call_do(enum side side, const struct call *c, struct result *r)
{
	const struct op *o = &ops[c->c_op];
	static struct memory m;
	long a[MAXARGS] = {0};

	m.m_npaths = 0;
	memset(r, 0, offsetof(struct result, r_out));
	memset(r->r_out, 0xa5, sizeof(r->r_out));
	for (int i = 0; o->o_kinds[i] != '\0'; i++)
		a[i] = argument(c, i, &m, r);
	errno = 0;
	r->r_ret = o->o_do[side](a);
	r->r_errno = r->r_ret == -1 ? errno : 0;
	if (strchr(o->o_kinds, K_ENTRIES) != NULL)
		r->r_len = r->r_ret > 0 ? (size_t)r->r_ret : 0;
}
