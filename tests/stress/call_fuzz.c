/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every call of the table with made-up arguments, plausible and not, from
 * eight host threads as root and as users.
 *
 *	call_fuzz [seed [steps]]
 *
 * What the calls give is not looked at: nothing may break, hang or be left
 * over.  Pointers are NULL or to memory that is big enough, since nothing else
 * is an error that a call could find.  Some processes have several of the host
 * threads.  A call that waits for something is interrupted by a signal when
 * its host thread has made no step for a while.
 *
 * All happens in a file system that the processes have as their root and that
 * goes in the end; no path leads up from a place that is not below the root.
 */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <utime.h>

#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <termios.h>

#include "../lib/stress.h"

#define BUFSIZE	 65536
#define NFDS	 24
#define LIFETIME 200 /* steps of a process */
#define NIOV	 8

#define arraycount(a) (sizeof(a) / sizeof((a)[0]))
#define PICK(...)                         \
	pick((const long[]){__VA_ARGS__}, \
	    sizeof((const long[]){__VA_ARGS__}) / sizeof(long))

/*
 * Arguments.  Those of a call may be made in any order.
 */

static _Thread_local char buffers[4][BUFSIZE];
static _Thread_local char paths[2][PATH_MAX + 64];
static _Thread_local int nbuffer, npath;

static long
pick(const long *list, size_t n)
{
	return list[rnd(n)];
}

/* Some of the bits. */
static long
bits(long all)
{
	if (rnd(64) == 0)
		return (long)rnd(UINT64_C(1) << 32);
	return all & (long)(rnd(UINT64_C(1) << 32) & rnd(UINT64_C(1) << 32));
}

static int
fd(void)
{
	if (rnd(40) == 0)
		return (int)PICK(-1, INT_MIN, INT_MAX, 1 << 20, 1023, 1024);
	return (int)rnd(NFDS);
}

static int
atfd(void)
{
	return rnd(3) == 0 ? fd() : AT_FDCWD;
}

static off_t
offset(void)
{
	switch (rnd(8)) {
	case 0:
		return PICK(-1, INT64_MIN, INT64_MAX, INT64_MIN + 1,
		    INT64_MAX - 4096, 1L << 32, (1L << 31) - 1, -4096);
	case 1:
		return (off_t)rnd(16) * 4096;
	default:
		return (off_t)rnd(BUFSIZE);
	}
}

static size_t
length(void)
{
	return rnd(8) == 0 ? BUFSIZE : rnd(rnd(2) == 0 ? 64 : 5000);
}

/* Of what is not copied from or to memory of the caller's. */
static size_t
amount(void)
{
	if (rnd(60) == 0)
		return (size_t)PICK(
		    -1, LONG_MAX, LONG_MIN, 1L << 31, UINT_MAX, 1L << 22);
	return length();
}

static void *
buffer(void)
{
	return buffers[nbuffer++ % 4];
}

static void *
filled(void)
{
	uint64_t *p = buffer();

	for (size_t i = 0; i < 8; i++)
		p[i] = rnd(3) == 0 ? rnd(3) : (uint64_t)offset();
	return p;
}

static void
told(union sigval value)
{
	(void)value;
	(void)rump_sys_getpid();
}

/* The function that it names may be called. */
static void *
event(void)
{
	struct sigevent *ev = filled();

	ev->sigev_signo = (int)rnd(70);
	ev->sigev_notify = (int)rnd(5);
	ev->sigev_notify_function = rnd(8) == 0 ? NULL : told;
	return ev;
}

static void *
maybe(void *p)
{
	return rnd(8) == 0 ? NULL : p;
}

static clockid_t
clockid(void)
{
	return (clockid_t)rnd(rnd(2) == 0 ? 2 : 14);
}

static timer_t
timer(void)
{
	return (timer_t)(uintptr_t)rnd(4);
}

static const struct iovec *
iovecs(void)
{
	static _Thread_local struct iovec iov[NIOV];

	for (int i = 0; i < NIOV; i++)
		iov[i] = (struct iovec){
		    buffers[i % 4], rnd(100) == 0 ? (size_t)-1 : length()};
	return iov;
}

static int
niov(void)
{
	return rnd(30) == 0 ? (int)PICK(-1, 0, INT_MIN, IOV_MAX + 1, INT_MAX)
			    : (int)rnd(NIOV + 1);
}

static const struct timespec *
times(void)
{
	struct timespec *ts = buffer();

	for (int i = 0; i < 2; i++)
		ts[i] = (struct timespec){
		    offset(), PICK(0, 1, 999999999, 1000000000, -1, UTIME_NOW,
				  UTIME_OMIT)};
	return maybe(ts);
}

static const char *
name(void)
{
	static const char *const names[] = {"a", "b", "c", "d"};

	return names[rnd(arraycount(names))];
}

static const char *
path(void)
{
	static const char *const odd[] = {
	    "", "/", "/f", ".", "a/", "a/.", "c//d", "/f/a/b/c/d/a/b/c/d"};
	char *buf = paths[npath++ % 2], *p = buf;

	if (rnd(12) == 0)
		return rnd(8) == 0 ? NULL : odd[rnd(arraycount(odd))];
	if (rnd(200) == 0) {
		memset(buf, rnd(2) == 0 ? 'x' : '/', sizeof(paths[0]) - 1);
		buf[rnd(2) == 0 ? PATH_MAX : NAME_MAX + 1] = '\0';
		return buf;
	}
	p += sprintf(p, "/f/%s", name());
	for (uint64_t n = rnd(3); n > 0; n--)
		p += sprintf(p, "/%s", name());
	return rnd(3) == 0 ? buf + 3 : buf;
}

/* For what does not change names: elsewhere, too. */
static const char *
anypath(void)
{
	static const char *const other[] = {"/dev/null", "/dev/zero",
	    "/dev/random", "/dev/tty", "/dev/ptmx", "/dev/pts/0", "/dev/fd",
	    "/dev", "/dev/pts", "/tmp", "/f/.."};
	char *buf;

	switch (rnd(8)) {
	case 0:
		return other[rnd(arraycount(other))];
	case 1:
		buf = paths[npath++ % 2];
		sprintf(buf, "/dev/fd/%d", (int)rnd(NFDS));
		return buf;
	default:
		return path();
	}
}

static int
openflags(void)
{
	long flags =
	    PICK(O_RDONLY, O_WRONLY, O_RDWR, O_RDWR, O_ACCMODE, O_PATH);

	return (int)(flags |
		     bits(O_CREAT | O_EXCL | O_TRUNC | O_APPEND | O_NONBLOCK |
			  O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC |
			  O_TMPFILE | O_DIRECT | O_SYNC | O_NOCTTY));
}

static struct open_how *
how(void)
{
	struct open_how *h = memset(buffer(), 0, sizeof(*h) + 8);

	h->flags = (uint32_t)openflags();
	h->mode = (h->flags & (O_CREAT | O_TMPFILE)) != 0 ? 0700 : 0;
	h->resolve = (uint64_t)bits(0x3f);
	return h;
}

static mode_t
mode(void)
{
	return (mode_t)(rnd(2) == 0 ? 0777 : rnd(0x20000));
}

static mode_t
nodemode(void)
{
	return (mode_t)(mode() | PICK(0, S_IFREG, S_IFIFO, S_IFSOCK, S_IFCHR,
				     S_IFBLK, S_IFDIR));
}

/* Not the console, which is the host's. */
static dev_t
device(void)
{
	return makedev(PICK(1, 2, 9), PICK(3, 5, 7, 8, 9, 77));
}

static uid_t
id(void)
{
	return (uid_t)PICK(0, 0, 1, 2, 1000, -1, INT_MAX);
}

static int
atflags(void)
{
	return (int)bits(AT_SYMLINK_NOFOLLOW | AT_SYMLINK_FOLLOW |
			 AT_REMOVEDIR | AT_EMPTY_PATH | AT_EACCESS);
}

static const char *const attrnames[] = {"user.a", "user.b", "trusted.a",
    "trusted.b", "security.a", "system.x", "user.", "", "user", "a", "b"};

static const char *
attrname(void)
{
	return maybe((void *)(uintptr_t)attrnames[rnd(arraycount(attrnames))]);
}

static int namespace(void)
{
	return (int)PICK(0, RUMP_EXTATTR_NAMESPACE_USER,
	    RUMP_EXTATTR_NAMESPACE_SYSTEM, 3, -1);
}

static unsigned long
fileflags(void)
{
	return rnd(3) != 0
		   ? 0
		   : (unsigned long)bits(RUMP_UF_NODUMP | RUMP_UF_IMMUTABLE |
					 RUMP_UF_APPEND | RUMP_SF_IMMUTABLE |
					 RUMP_SF_APPEND);
}

static pid_t
pid(void)
{
	return (pid_t)(rnd(3) == 0 ? PICK(0, -1, INT_MIN, INT_MAX, 99)
				   : rump_sys_getpid());
}

/* One that interrupts nothing of the test's. */
static int
signo(void)
{
	return (int)PICK(0, SIGUSR1, SIGCONT, -1, 65, INT_MAX);
}

static pid_t
target(void)
{
	return (pid_t)PICK(0, 0, INT_MIN, INT_MAX, -INT_MAX);
}

static int
resource(void)
{
	return rnd(20) == 0 ? (int)PICK(-1, 99, INT_MIN) : (int)rnd(16);
}

static const struct rlimit *
limits(void)
{
	struct rlimit *r = buffer();

	r->rlim_cur = (rlim_t)PICK(0, 5, 20, 70000, 1 << 20, -1);
	r->rlim_max = (rlim_t)PICK(64, 1 << 20, -1, -1);
	return maybe(r);
}

static const gid_t *
gids(void)
{
	gid_t *g = buffer();

	for (int i = 0; i < 8; i++)
		g[i] = id();
	return g;
}

static int
fcntlcmd(void)
{
	static const int cmds[] = {F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD,
	    F_GETFL, F_SETFL, F_GETPIPE_SZ, F_SETPIPE_SZ, F_GETOWN, F_SETOWN,
	    F_SETLEASE, F_ADD_SEALS, F_GET_SEALS, -1, 9999};

	return cmds[rnd(arraycount(cmds))];
}

static int
lockcmd(void)
{
	return (int)PICK(
	    F_GETLK, F_SETLK, F_SETLKW, F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW);
}

static struct flock *
lockarg(void)
{
	struct flock *fl = memset(buffer(), 0, sizeof(*fl));

	fl->l_type = (short)PICK(F_RDLCK, F_WRLCK, F_UNLCK, 7);
	fl->l_whence = (short)PICK(SEEK_SET, SEEK_SET, SEEK_CUR, SEEK_END, 9);
	fl->l_start = offset();
	fl->l_len = offset();
	return fl;
}

static unsigned long
ioctlcmd(void)
{
	static const unsigned long cmds[] = {FIONREAD, FIONBIO, FIOCLEX,
	    FIONCLEX, FIOASYNC, TCGETS, TCSETS, TCSETSW, TCSETSF, TIOCGWINSZ,
	    TIOCSWINSZ, TIOCSCTTY, TIOCNOTTY, TIOCGPGRP, TIOCSPGRP, TIOCGSID,
	    TIOCOUTQ, TIOCSTI, TIOCGPTN, TIOCSPTLCK, TIOCPKT, TIOCEXCL,
	    TIOCNXCL, TCFLSH, TCXONC, TCSBRK, TCSBRKP, TIOCGETD, TIOCSETD,
	    FS_IOC_GETFLAGS, FS_IOC_SETFLAGS, 0, ULONG_MAX};

	return cmds[rnd(arraycount(cmds))];
}

/* For ioctl and fcntl: a number or memory. */
static void *
number(void)
{
	return (void *)(uintptr_t)PICK(
	    0, 1, 2, 5, 20, -1, INT_MAX, INT_MIN, 4096, 1 << 20, 1 << 21);
}

static unsigned long
numbercmd(void)
{
	return (unsigned long)PICK(TCFLSH, TCXONC, TCSBRK, TIOCSCTTY);
}

static const char *
fstype(void)
{
	static const char *const types[] = {"tmpfs", "tmpfs", "overlay", "null",
	    "umap", "union", "fdesc", "ptyfs", "nothing", ""};

	return types[rnd(arraycount(types))];
}

static int
mountflags(void)
{
	return (int)bits(MNT_RDONLY | MNT_NOSUID | MNT_NODEV | MNT_NOEXEC |
			 MNT_NOATIME | MNT_UPDATE);
}

/* Ends with its length, so that the two go together. */
static _Thread_local size_t mountlen;

static void *
mountdata(void)
{
	static const char *const data[] = {"", "size=64k", "size=1m,mode=777",
	    "nr_inodes=5", "target=/f/a", "/f/a", "/f/b", "target=/f/b,uid=0:1",
	    "lowerdir=/f/a,upperdir=/f/b,workdir=/f/c", "lowerdir=/f/a:/f/b",
	    "lowerdir=/f/a,upperdir=/f/a/b", "size=99999999999999999999",
	    ",,,=,"};
	char *buf = buffer();

	strcpy(buf, data[rnd(arraycount(data))]);
	mountlen = strlen(buf);
	return buf;
}

static int
do_mount(void)
{
	void *data = mountdata();

	return rump_sys_mount(fstype(), path(), mountflags(), data, mountlen);
}

static uint32_t
watchmask(void)
{
	return (uint32_t)(rnd(2) == 0 ? IN_ALL_EVENTS : bits((long)0xffffffff));
}

/* Handles: made by one call, of any file, and used by the next. */
static void *
fhandle(void)
{
	struct rump_fhandle *fh = filled();
	size_t size = sizeof(*fh);

	(void)rump_sys_getfh(path(), fh, &size);
	return fh;
}

static struct file_handle *
handle(bool valid)
{
	struct file_handle *fh = filled();

	fh->handle_bytes =
	    (unsigned)(rnd(4) == 0 ? PICK(0, 1, -1, 128, 129) : 16);
	if (valid)
		(void)rump_sys_name_to_handle_at(
		    AT_FDCWD, path(), fh, buffer(), 0);
	return fh;
}

static size_t *
fhsize(void)
{
	size_t *size = buffer();

	*size = rnd(4) == 0 ? rnd(8) : sizeof(struct rump_fhandle);
	return size;
}

static off_t *
offsetp(void)
{
	off_t *p = buffer();

	*p = offset();
	return rnd(2) == 0 ? p : NULL;
}

/* A terminal, with which others are opened. */
static int
do_pty(void)
{
	char *buf = paths[npath++ % 2];
	int master, n = 0;

	master = rump_sys_open("/dev/ptmx", O_RDWR | O_NONBLOCK | O_NOCTTY);
	if (master == -1 || rump_sys_ioctl(master, TIOCGPTN, &n) != 0)
		return -1;
	(void)rump_sys_ioctl(master, TIOCSPTLCK, &(int){0});
	sprintf(buf, "/dev/pts/%d", n);
	return rump_sys_open(buf, O_RDWR | (rnd(2) == 0 ? O_NOCTTY : 0));
}

/*
 * The calls.
 */

#define P2     path(), path()
#define D1     atfd(), path()
#define D2     atfd(), path(), atfd(), path()
#define RW     fd(), buffer(), length()
#define RWV    fd(), iovecs(), niov()
#define XVAL   attrname(), maybe(buffer()), length()
#define XLIST  maybe(buffer()), length()
#define XEXT   namespace(), attrname(), maybe(buffer()), length()
#define IDS    id(), (gid_t)id()
#define UL     (unsigned long)offset()
#define LENGTH (int)PICK(0, 1, 8, -1)

#define CALLS(X)                                                               \
	X(getpid, ())                                                          \
	X(getppid, ())                                                         \
	X(getpgrp, ())                                                         \
	X(gettid, ())                                                          \
	X(setsid, ())                                                          \
	X(getpgid, (pid()))                                                    \
	X(setpgid, (pid(), pid()))                                             \
	X(getsid, (pid()))                                                     \
	X(kill, (target(), signo()))                                           \
	X(prctl, ((int)PICK(PR_SET_NAME, PR_GET_NAME, 0, -1), buffer(), UL,    \
		     UL, UL))                                                  \
	X(getuid, ())                                                          \
	X(geteuid, ())                                                         \
	X(getgid, ())                                                          \
	X(getegid, ())                                                         \
	X(issetugid, ())                                                       \
	X(setuid, (id()))                                                      \
	X(seteuid, (id()))                                                     \
	X(setgid, (id()))                                                      \
	X(setegid, (id()))                                                     \
	X(setreuid, (id(), id()))                                              \
	X(setregid, (id(), id()))                                              \
	X(setresuid, (id(), id(), id()))                                       \
	X(setresgid, (id(), id(), id()))                                       \
	X(getresuid, (buffer(), buffer(), maybe(buffer())))                    \
	X(getresgid, (buffer(), buffer(), maybe(buffer())))                    \
	X(getgroups, (LENGTH, buffer()))                                       \
	X(setgroups, (rnd(9), gids()))                                         \
	X(setfsuid, (id()))                                                    \
	X(setfsgid, (id()))                                                    \
	X(getlogin_r, (buffer(), rnd(64)))                                     \
	X(setlogin, (name()))                                                  \
	X(getrlimit, (resource(), maybe(buffer())))                            \
	X(setrlimit, (resource(), limits()))                                   \
	X(prlimit, (pid(), resource(), limits(), maybe(buffer())))             \
	X(umask, (mode()))                                                     \
	X(close, (fd()))                                                       \
	X(close_range,                                                         \
	    ((unsigned)rnd(NFDS), (unsigned)rnd(NFDS), (int)bits(6)))          \
	X(dup, (fd()))                                                         \
	X(dup2, (fd(), fd()))                                                  \
	X(dup3, (fd(), fd(), openflags()))                                     \
	X(fcntl, (fd(), fcntlcmd(), (uintptr_t)number()))                      \
	X(fcntl, (fd(), lockcmd(), (uintptr_t)maybe(lockarg())))               \
	X(ioctl, (fd(), ioctlcmd(), maybe(filled())))                          \
	X(ioctl, (fd(), numbercmd(), number()))                                \
	X(pipe, (buffer()))                                                    \
	X(pipe2, (buffer(), openflags()))                                      \
	X(pipe2, (buffer(), 0))                                                \
	X(read, (RW))                                                          \
	X(write, (RW))                                                         \
	X(readv, (RWV))                                                        \
	X(writev, (RWV))                                                       \
	X(pread, (RW, offset()))                                               \
	X(pwrite, (RW, offset()))                                              \
	X(preadv, (RWV, offset()))                                             \
	X(pwritev, (RWV, offset()))                                            \
	X(preadv2, (RWV, offset(), (int)bits(0x3f)))                           \
	X(pwritev2, (RWV, offset(), (int)bits(0x3f)))                          \
	X(lseek, (fd(), offset(), (int)rnd(6)))                                \
	X(ftruncate, (fd(), offset()))                                         \
	X(truncate, (path(), offset()))                                        \
	X(fsync, (fd()))                                                       \
	X(fdatasync, (fd()))                                                   \
	X(syncfs, (fd()))                                                      \
	X(sync, ())                                                            \
	X(fsync_range, (fd(), (int)bits(0x70), offset(), offset()))            \
	X(posix_fadvise, (fd(), offset(), offset(), (int)rnd(8)))              \
	X(readahead, (fd(), offset(), amount()))                               \
	X(fallocate, (fd(), (int)bits(0x7f), offset(), offset()))              \
	X(posix_fallocate, (fd(), offset(), offset()))                         \
	X(fdiscard, (fd(), offset(), offset()))                                \
	X(open, (anypath(), openflags(), mode()))                              \
	X(open, (anypath(), O_RDWR | O_CREAT | O_NONBLOCK, 0777))              \
	X(openat, (atfd(), anypath(), openflags(), mode()))                    \
	X(openat2, (atfd(), anypath(), how(),                                  \
		       (size_t)PICK(sizeof(struct open_how), 0, 32, 1 << 20))) \
	X(stat, (anypath(), buffer()))                                         \
	X(lstat, (anypath(), buffer()))                                        \
	X(fstat, (fd(), buffer()))                                             \
	X(fstatat, (atfd(), anypath(), buffer(), atflags()))                   \
	X(statx,                                                               \
	    (atfd(), anypath(), atflags(), (unsigned)rnd(1 << 14), buffer()))  \
	X(access, (anypath(), (int)rnd(9)))                                    \
	X(faccessat, (atfd(), anypath(), (int)rnd(9), atflags()))              \
	X(faccessat2, (atfd(), anypath(), (int)rnd(9), atflags()))             \
	X(mkdir, (path(), mode()))                                             \
	X(mkdirat, (D1, mode()))                                               \
	X(mkdir, (path(), 0777))                                               \
	X(rmdir, (path()))                                                     \
	X(unlink, (path()))                                                    \
	X(unlinkat, (D1, atflags()))                                           \
	X(link, (P2))                                                          \
	X(linkat, (D2, atflags()))                                             \
	X(symlink, (P2))                                                       \
	X(symlinkat, (path(), D1))                                             \
	X(readlink, (anypath(), buffer(), length()))                           \
	X(readlinkat, (atfd(), anypath(), buffer(), length()))                 \
	X(rename, (P2))                                                        \
	X(renameat, (D2))                                                      \
	X(renameat2, (D2, (unsigned)rnd(8)))                                   \
	X(chmod, (path(), mode()))                                             \
	X(fchmod, (fd(), mode()))                                              \
	X(chmod, (path(), 0777))                                               \
	X(lchmod, (path(), mode()))                                            \
	X(fchmodat, (D1, mode(), atflags()))                                   \
	X(chown, (path(), IDS))                                                \
	X(lchown, (path(), IDS))                                               \
	X(fchown, (fd(), IDS))                                                 \
	X(fchownat, (D1, IDS, atflags()))                                      \
	X(utimensat, (D1, times(), atflags()))                                 \
	X(futimens, (fd(), times()))                                           \
	X(utimes, (path(), maybe(filled())))                                   \
	X(lutimes, (path(), filled()))                                         \
	X(futimes, (fd(), maybe(filled())))                                    \
	X(futimesat, (D1, filled()))                                           \
	X(utime, (path(), maybe(filled())))                                    \
	X(chflags, (path(), fileflags()))                                      \
	X(lchflags, (path(), fileflags()))                                     \
	X(fchflags, (fd(), fileflags()))                                       \
	X(chdir, (path()))                                                     \
	X(fchdir, (fd()))                                                      \
	X(chroot, (path()))                                                    \
	X(fchroot, (fd()))                                                     \
	X(__getcwd, (buffer(), length()))                                      \
	X(getdents, (RW))                                                      \
	X(getdents64, (RW))                                                    \
	X(mkfifo, (path(), mode()))                                            \
	X(mkfifoat, (D1, mode()))                                              \
	X(mknod, (path(), nodemode(), device()))                               \
	X(mknodat, (D1, nodemode(), device()))                                 \
	X(unmount, (path(), (int)bits(7)))                                     \
	X(unmount, (path(), 0))                                                \
	X(getvfsstat, (maybe(buffer()), length(), (int)rnd(3)))                \
	X(statvfs, (anypath(), buffer()))                                      \
	X(fstatvfs, (fd(), buffer()))                                          \
	X(statvfs1, (anypath(), buffer(), (int)rnd(3)))                        \
	X(fstatvfs1, (fd(), buffer(), (int)rnd(3)))                            \
	X(pathconf, (anypath(), (int)rnd(40) - 2))                             \
	X(fpathconf, (fd(), (int)rnd(40) - 2))                                 \
	X(getxattr, (path(), XVAL))                                            \
	X(lgetxattr, (path(), XVAL))                                           \
	X(fgetxattr, (fd(), XVAL))                                             \
	X(setxattr, (path(), XVAL, (int)rnd(4)))                               \
	X(lsetxattr, (path(), XVAL, (int)rnd(4)))                              \
	X(fsetxattr, (fd(), XVAL, (int)rnd(4)))                                \
	X(listxattr, (path(), XLIST))                                          \
	X(llistxattr, (path(), XLIST))                                         \
	X(flistxattr, (fd(), XLIST))                                           \
	X(removexattr, (path(), attrname()))                                   \
	X(lremovexattr, (path(), attrname()))                                  \
	X(fremovexattr, (fd(), attrname()))                                    \
	X(extattr_get_file, (path(), XEXT))                                    \
	X(extattr_get_link, (path(), XEXT))                                    \
	X(extattr_get_fd, (fd(), XEXT))                                        \
	X(extattr_set_file, (path(), XEXT))                                    \
	X(extattr_set_link, (path(), XEXT))                                    \
	X(extattr_set_fd, (fd(), XEXT))                                        \
	X(extattr_delete_file, (path(), namespace(), attrname()))              \
	X(extattr_delete_link, (path(), namespace(), attrname()))              \
	X(extattr_delete_fd, (fd(), namespace(), attrname()))                  \
	X(extattr_list_file, (path(), namespace(), XLIST))                     \
	X(extattr_list_link, (path(), namespace(), XLIST))                     \
	X(extattr_list_fd, (fd(), namespace(), XLIST))                         \
	X(copy_file_range,                                                     \
	    (fd(), offsetp(), fd(), offsetp(), amount(), (unsigned)bits(1)))   \
	X(sendfile, (fd(), fd(), offsetp(), amount()))                         \
	X(splice,                                                              \
	    (fd(), offsetp(), fd(), offsetp(), amount(), (unsigned)bits(0xf))) \
	X(splice, (fd(), NULL, fd(), NULL, amount(), 0))                       \
	X(tee, (fd(), fd(), amount(), (unsigned)bits(0xf)))                    \
	X(getfh, (path(), buffer(), fhsize()))                                 \
	X(fhopen, (fhandle(), sizeof(struct rump_fhandle), openflags()))       \
	X(fhstat, (fhandle(), *fhsize(), buffer()))                            \
	X(fhstatvfs1, (fhandle(), *fhsize(), buffer(), 0))                     \
	X(name_to_handle_at, (D1, handle(false), buffer(), atflags()))         \
	X(open_by_handle_at, (atfd(), handle(true), openflags()))              \
	X(flock, (fd(), (int)rnd(16)))                                         \
	X(inotify_init, ())                                                    \
	X(inotify_init1, (openflags()))                                        \
	X(inotify_add_watch, (fd(), path(), watchmask()))                      \
	X(inotify_rm_watch, (fd(), (int)rnd(4)))                               \
	X(poll, (filled(), rnd(8), (int)rnd(3)))                               \
	X(ppoll, (filled(), rnd(8), times(), NULL))                            \
	X(select, (NFDS, maybe(filled()), maybe(filled()), NULL, buffer()))    \
	X(epoll_create1, (openflags()))                                        \
	X(epoll_ctl, (fd(), (int)rnd(5), fd(), filled()))                      \
	X(epoll_wait, (fd(), buffer(), (int)rnd(8), (int)rnd(3)))              \
	X(eventfd, ((unsigned)rnd(4), openflags()))                            \
	X(signalfd, ((int)rnd(8) - 1, filled(), SFD_NONBLOCK))                 \
	X(kqueue1, (openflags()))                                              \
	X(kevent, (fd(), filled(), rnd(2), buffer(), rnd(4), times()))         \
	X(clock_gettime, (clockid(), buffer()))                                \
	X(clock_settime, (clockid(), filled()))                                \
	X(clock_getres, (clockid(), buffer()))                                 \
	X(clock_nanosleep,                                                     \
	    (clockid(), (int)rnd(2), filled(), maybe(buffer())))               \
	X(nanosleep, (filled(), maybe(buffer())))                              \
	X(gettimeofday, (buffer(), maybe(buffer())))                           \
	X(settimeofday, (maybe(filled()), maybe(filled())))                    \
	X(adjtime, (maybe(filled()), maybe(buffer())))                         \
	X(time, (maybe(buffer())))                                             \
	X(setitimer, ((int)rnd(4), maybe(filled()), maybe(buffer())))          \
	X(getitimer, ((int)rnd(4), buffer()))                                  \
	X(alarm, ((unsigned)rnd(3)))                                           \
	X(timer_create, (clockid(), maybe(event()), buffer()))                 \
	X(timer_settime, (timer(), (int)rnd(2), filled(), maybe(buffer())))    \
	X(timer_gettime, (timer(), buffer()))                                  \
	X(timer_getoverrun, (timer()))                                         \
	X(timer_delete, (timer()))                                             \
	X(getrusage, ((int)rnd(4) - 2, buffer()))                              \
	X(times, (maybe(buffer())))                                            \
	X(timerfd_create, (clockid(), openflags()))                            \
	X(timerfd_settime, (fd(), (int)rnd(8), filled(), maybe(buffer())))     \
	X(timerfd_gettime, (fd(), buffer()))

#define ONE(call, args) +1
enum { NCALLS = CALLS(ONE), FIRST = __COUNTER__ + 1 };

#define CASE(call, args)                    \
	case __COUNTER__ - FIRST:           \
		me->doing = #call;          \
		(void)rump_sys_##call args; \
		break;

static void
one_call(void)
{
	switch (rnd(NCALLS)) {
		CALLS(CASE)
	}
}

/*
 * Processes.
 */

static struct tester *_Atomic who[NTHREADS];
static _Atomic pid_t pids[NTHREADS];

/* A process, or a part in that of another host thread; most are users'. */
static void
begin(void)
{
	pid_t other = pids[rnd(NTHREADS)];

	me->doing = "begin";
	if (rnd(3) != 0 || other == 0 || rump_pub_lwproc_newlwp(other) != 0) {
		if (rump_pub_lwproc_rfork(RUMP_RFCFDG) != 0)
			differ("rfork");
		for (int i = 0; i < 3; i++)
			(void)rump_sys_close(i);
		(void)rump_sys_umask(0);
		/* Somebody may have put something there that shows no ids. */
		while (rump_sys_chroot("/jail/root") != 0 ||
		       rump_sys_chdir("/") != 0)
			want(0, rump_sys_unmount("/jail/root", RUMP_MNT_FORCE));
		(void)rump_sys_mkdir("/f", 0777);
		(void)rump_sys_chmod("/f", 0777);
		(void)rump_sys_chdir("/f");
		if (rnd(3) == 0)
			(void)rump_sys_setsid();
		if (rnd(2) == 0)
			(void)rump_sys_setresuid(1000, 1000, 1000);
	}
	pids[me->id] = rump_sys_getpid();
}

static void
end(void)
{
	me->doing = "end";
	pids[me->id] = 0;
	rump_pub_lwproc_releaselwp();
}

static void *
tester_main(void *arg)
{
	long born = 0;

	me = arg;
	who[me->id] = me;
	begin();
	while (me->step < steps) {
		if (me->step++ - born > LIFETIME) {
			end();
			begin();
			born = me->step;
		}
		if (rnd(40) == 0)
			(void)do_mount();
		else if (rnd(60) == 0)
			(void)do_pty();
		else
			one_call();
	}
	end();
	return NULL;
}

/* Interrupts who makes no step. */
static _Atomic bool over;

static void *
waker_main(void *arg)
{
	struct tester *t;
	long before[NTHREADS] = {0};

	(void)arg;

	while (!over) {
		(void)poll(NULL, 0, 20);
		for (int i = 0; i < NTHREADS; i++) {
			if ((t = who[i]) == NULL)
				continue;
			if (t->step == before[i] && pids[i] != 0)
				(void)rump_sys_kill(pids[i], SIGUSR1);
			before[i] = t->step;
		}
	}
	return NULL;
}

/*
 * Where it all happens: a file system of its own, with devices, which the
 * processes have as their root.
 */

static void
make_jail(void)
{
	static const struct {
		const char *path;
		unsigned major, minor;
	} devices[] = {{"/jail/root/dev/null", 1, 3},
	    {"/jail/root/dev/zero", 1, 5}, {"/jail/root/dev/random", 1, 8},
	    {"/jail/root/dev/tty", 5, 0}, {"/jail/root/dev/ptmx", 5, 2}};
	static const char *const dirs[] = {"/jail/root", "/jail/root/f",
	    "/jail/root/dev", "/jail/root/dev/fd", "/jail/root/dev/pts",
	    "/jail/root/tmp"};
	size_t i;

	want(0, rump_sys_mkdir("/jail", 0777));
	want(0, rump_sys_mount("tmpfs", "/jail", 0, "size=64m", 8));
	for (i = 0; i < arraycount(dirs); i++)
		want(0, rump_sys_mkdir(dirs[i], 0777));
	for (i = 0; i < arraycount(devices); i++)
		want(0, rump_sys_mknod(devices[i].path, S_IFCHR | 0666,
			    makedev(devices[i].major, devices[i].minor)));
	want(0, rump_sys_mount("fdesc", "/jail/root/dev/fd", 0, NULL, 0));
	want(0, rump_sys_mount("ptyfs", "/jail/root/dev/pts", 0, NULL, 0));
}

/* The one instance of ptyfs stays: nothing may be left in it. */
static void
clean_ptyfs(void)
{
	static const char *const paths[] = {"/dev/pts", "/dev/pts/ptmx"};
	char list[4096];
	ssize_t n, at;

	for (size_t i = 0; i < arraycount(paths); i++) {
		(void)rump_sys_chflags(paths[i], 0);
		n = rump_sys_listxattr(paths[i], list, sizeof(list));
		for (at = 0; at < n; at += (ssize_t)strlen(list + at) + 1)
			want(0, rump_sys_removexattr(paths[i], list + at));
	}
}

/* With all that has been mounted in it. */
static void
remove_jail(int mounts)
{
	while (rump_sys_unmount("/jail", RUMP_MNT_FORCE) == 0)
		;
	want(EINVAL, errno);
	want(mounts, rump_sys_getvfsstat(NULL, 0, 0));
	want(0, rump_sys_rmdir("/jail"));
	clean_ptyfs();
}

static void
round_of(long n, uint64_t first)
{
	static struct tester self = {.id = NTHREADS, .random = 1};
	int mounts = rump_sys_getvfsstat(NULL, 0, 0);

	me = &self;
	me->doing = "make the jail";
	make_jail();
	steps = n / NTHREADS;
	me = NULL;
	run_testers(first, tester_main);
	me = &self;
	me->doing = "remove the jail";
	remove_jail(mounts);
	me = NULL;
}

/* What was posted to process 1 is recorded, and takes memory. */
static void
take_signals(void)
{
	const struct timespec now = {0, 0};
	sigset_t all;

	(void)sigfillset(&all);
	while (rump_sys_sigtimedwait(&all, NULL, &now) > 0)
		;
	want(EAGAIN, errno);
}

int
main(int argc, char **argv)
{
	struct rump_memstat start, end;
	pthread_t waker;
	long wanted;

	seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	wanted = argc > 2 ? strtol(argv[2], NULL, 0) : 100000;
	rump_boot_setsigmodel(RUMP_SIGMODEL_RECORD);
	(void)setenv("RUMP_MEMLIMIT", "256m", 1);
	if (rump_init() != 0)
		differ("rump_init");
	(void)rump_sys_umask(0);
	if (pthread_create(&waker, NULL, waker_main, NULL) != 0)
		differ("no host thread");
	/* Without steps: what stays, records of host threads among it. */
	want(0, rump_sys_close(rump_sys_open("/dev/ptmx", O_RDWR)));
	want(0, rump_sys_setlogin("a"));
	round_of(0, 0);
	memstat(&start);
	for (int round = 0; round < 2; round++) {
		round_of(wanted / 2, seed + (uint64_t)round);
		take_signals();
		memstat(&end);
		compare(&start, &end);
	}
	over = true;
	(void)pthread_join(waker, NULL);
	return 0;
}
