/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The same random changes to a tree, here and on the host's tmpfs, watched by
 * inotify and dnotify: what is read of the former must be the same, byte for
 * byte, but for the values of cookies; and signals of the latter as many.
 *
 *	inotify [seed [steps [verbose]]]
 *
 * Without arguments a few seeds, always the same.  A difference is printed
 * with seed and step; the exit status is 1 then.
 *
 * Differences that are meant: a vnode does not know by which of its names it
 *was found, so files with several names, all called h, are not used; nor which
 *name it had that was removed before the directory was watched, so nothing is
 *open when a watch is added.
 */
/* renameat2 */
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "lib/random.h"

#define NIN	2
#define NDIR	2 /* directories that send signals, each one of its own */
#define NFDS	5
#define BUFSIZE 65536

enum op {
	OP_WATCH,
	OP_UNWATCH,
	OP_OPEN,
	OP_CLOSE,
	OP_READ,
	OP_WRITE,
	OP_LIST,
	OP_FTRUNCATE,
	OP_FCHMOD,
	OP_TRUNCATE,
	OP_CHMOD,
	OP_CHOWN,
	OP_UTIMES,
	OP_MKDIR,
	OP_RMDIR,
	OP_MKNOD,
	OP_SYMLINK,
	OP_LINK,
	OP_UNLINK,
	OP_RENAME,
	OP_EXCHANGE,
	OP_FALLOCATE,
	OP_SETXATTR,
	OP_NOTIFY,
	OP_UNNOTIFY,
	OP_DUP,
	OP_COUNT
};

static const char *const opnames[] = {"add_watch", "rm_watch", "open", "close",
    "read", "write", "getdents", "ftruncate", "fchmod", "truncate", "chmod",
    "chown", "utimensat", "mkdir", "rmdir", "mknod", "symlink", "link",
    "unlink", "rename", "exchange", "fallocate", "setxattr", "notify",
    "unnotify", "dup"};

struct step {
	enum op op;
	int slot, flags;
	uint32_t mask;
	const char *path, *to;
};

/* The calls under test. */
struct world {
	int (*w_init)(int);
	int (*w_add)(int, const char *, uint32_t);
	int (*w_rm)(int, int);
	int (*w_open)(const char *, int, ...);
	int (*w_close)(int);
	ssize_t (*w_read)(int, void *, size_t);
	ssize_t (*w_write)(int, const void *, size_t);
	int (*w_getdents)(int, char *, size_t);
	int (*w_ftruncate)(int, off_t);
	int (*w_fchmod)(int, mode_t);
	int (*w_truncate)(const char *, off_t);
	int (*w_chmod)(const char *, mode_t);
	int (*w_chown)(const char *, uid_t, gid_t);
	int (*w_utimes)(int, const char *, const struct timespec *, int);
	int (*w_mkdir)(const char *, mode_t);
	int (*w_rmdir)(const char *);
	int (*w_mknod)(const char *, mode_t, dev_t);
	int (*w_symlink)(const char *, const char *);
	int (*w_link)(const char *, const char *);
	int (*w_unlink)(const char *);
	int (*w_rename)(int, const char *, int, const char *, unsigned);
	int (*w_fallocate)(int, int, off_t, off_t);
	int (*w_setxattr)(
	    const char *, const char *, const void *, size_t, int);
	int (*w_ioctl)(int, unsigned long, ...);
	int (*w_fcntl)(int, int, ...);
	int (*w_wait)(const sigset_t *, siginfo_t *, const struct timespec *);
	int w_in[NIN], w_fd[NFDS], w_dir[NDIR];
	unsigned w_signals[NDIR];
	char w_buf[BUFSIZE];
	ssize_t w_len;
};

static int
host_getdents(int fd, char *buf, size_t len)
{
	return (int)syscall(SYS_getdents64, fd, buf, len);
}

static struct world host = {inotify_init1, inotify_add_watch, inotify_rm_watch,
    open, close, read, write, host_getdents, ftruncate, fchmod, truncate, chmod,
    chown, utimensat, mkdir, rmdir, mknod, symlink, link, unlink, renameat2,
    fallocate, setxattr, ioctl, fcntl, sigtimedwait, {0}, {0}, {0}, {0}, {0},
    0};

static struct world rump = {rump_sys_inotify_init1, rump_sys_inotify_add_watch,
    rump_sys_inotify_rm_watch, rump_sys_open, rump_sys_close, rump_sys_read,
    rump_sys_write, rump_sys_getdents, rump_sys_ftruncate, rump_sys_fchmod,
    rump_sys_truncate, rump_sys_chmod, rump_sys_chown, rump_sys_utimensat,
    rump_sys_mkdir, rump_sys_rmdir, rump_sys_mknod, rump_sys_symlink,
    rump_sys_link, rump_sys_unlink, rump_sys_renameat2, rump_sys_fallocate,
    rump_sys_setxattr, rump_sys_ioctl, rump_sys_fcntl, rump_sys_sigtimedwait,
    {0}, {0}, {0}, {0}, {0}, 0};

static bool verbose;

static int
utimes_step(struct world *w, const struct step *s)
{
	struct timespec ts[2] = {{1000, 0}, {2000, 0}};

	if (s->flags == 1)
		ts[0].tv_nsec = UTIME_OMIT;
	if (s->flags == 2)
		ts[1].tv_nsec = UTIME_OMIT;
	return w->w_utimes(AT_FDCWD, s->path, ts, AT_SYMLINK_NOFOLLOW);
}

static int
close_one(struct world *w, int *fd)
{
	if (*fd != -1)
		(void)w->w_close(*fd);
	*fd = -1;
	return 0;
}

static void
close_all(struct world *w)
{
	int i;

	for (i = 0; i < NFDS; i++)
		(void)close_one(w, &w->w_fd[i]);
}

static void
close_dirs(struct world *w)
{
	int i;

	for (i = 0; i < NDIR; i++)
		(void)close_one(w, &w->w_dir[i]);
}

/* Ask for signals of a directory, or for more of them. */
static int
notify_step(struct world *w, const struct step *s)
{
	int slot = s->slot % NDIR, *fd = &w->w_dir[slot], error;

	close_all(w);
	if (*fd == -1)
		*fd = w->w_open(s->path, O_RDONLY);
	if (*fd == -1)
		return -1;
	if (w->w_fcntl(*fd, F_SETSIG, SIGRTMIN + slot) != 0)
		return -2;
	if (w->w_fcntl(*fd, F_NOTIFY, s->mask) == 0)
		return 0;
	error = errno;
	(void)close_one(w, fd);
	errno = error;
	return -1;
}

/* Let go of it in one of the ways that end it. */
static int
unnotify_step(struct world *w, const struct step *s)
{
	int *fd = &w->w_dir[s->slot % NDIR];

	if (s->flags == 0)
		return w->w_fcntl(*fd, F_NOTIFY, s->mask & DN_MULTISHOT);
	return close_one(w, fd);
}

/* A descriptor of it that is closed ends it, too. */
static int
dup_step(struct world *w, const struct step *s)
{
	int fd = w->w_fcntl(w->w_dir[s->slot % NDIR], F_DUPFD, 0);

	return fd == -1 ? -1 : w->w_close(fd);
}

static int
perform(struct world *w, const struct step *s)
{
	int *fd = &w->w_fd[s->slot % NFDS];
	char buf[4096];

	switch (s->op) {
	case OP_WATCH:
		close_all(w);
		close_dirs(w);
		return w->w_add(w->w_in[s->slot % NIN], s->path, s->mask);
	case OP_UNWATCH:
		return w->w_rm(w->w_in[s->slot % NIN], s->flags);
	case OP_OPEN:
		if (*fd != -1)
			return 0;
		*fd = w->w_open(s->path, s->flags, 0600);
		return *fd == -1 ? -1 : 0;
	case OP_CLOSE:
		return close_one(w, fd);
	case OP_READ:
		return (int)w->w_read(*fd, buf, 3);
	case OP_WRITE:
		return (int)w->w_write(*fd, "abcd", 4);
	case OP_LIST:
		return w->w_getdents(*fd, buf, sizeof(buf)) < 0 ? -1 : 0;
	case OP_FTRUNCATE:
		return w->w_ftruncate(*fd, s->flags);
	case OP_FCHMOD:
		return w->w_fchmod(*fd, 0700);
	case OP_TRUNCATE:
		return w->w_truncate(s->path, s->flags);
	case OP_CHMOD:
		return w->w_chmod(s->path, 0755);
	case OP_CHOWN:
		return w->w_chown(
		    s->path, s->flags == 1 ? (uid_t)-1 : getuid(), (gid_t)-1);
	case OP_UTIMES:
		return utimes_step(w, s);
	case OP_MKDIR:
		return w->w_mkdir(s->path, 0700);
	case OP_RMDIR:
		return w->w_rmdir(s->path);
	case OP_MKNOD:
		return w->w_mknod(s->path, S_IFREG | 0600, 0);
	case OP_SYMLINK:
		return w->w_symlink("a", s->path);
	case OP_LINK:
		return w->w_link(s->path, s->to);
	case OP_UNLINK:
		return w->w_unlink(s->path);
	case OP_RENAME:
	case OP_EXCHANGE:
		return w->w_rename(AT_FDCWD, s->path, AT_FDCWD, s->to,
		    s->op == OP_EXCHANGE ? RENAME_EXCHANGE : 0);
	case OP_FALLOCATE:
		return w->w_fallocate(*fd, 0, 0, 4096);
	case OP_SETXATTR:
		return w->w_setxattr(s->path, "user.x", "y", 1, 0);
	case OP_NOTIFY:
		return notify_step(w, s);
	case OP_UNNOTIFY:
		return unnotify_step(w, s);
	case OP_DUP:
		return dup_step(w, s);
	default:
		return 0;
	}
}

/*
 * Steps
 */

static const char *const files[] = {
    "d/a", "d/b", "d/c", "e/a", "e/b", "a", "b", "d/s/a", "d/s/b"};
static const char *const dirs[] = {"d", "e", "d/s", ".", "e/s", "d/b"};
static const char *const many[] = {"d/h", "e/h", "x/h", "x/h2"};

#define PICK(table) (table)[rnd(sizeof(table) / sizeof((table)[0]))]

static const char *
pick_any(void)
{
	switch (rnd(5)) {
	case 0:
	case 1:
		return PICK(dirs);
	case 2:
		return PICK(many);
	default:
		return PICK(files);
	}
}

static uint32_t
pick_mask(void)
{
	static const uint32_t flags[] = {IN_ONLYDIR, IN_DONT_FOLLOW,
	    IN_EXCL_UNLINK, IN_MASK_ADD, IN_MASK_CREATE, (uint32_t)IN_ONESHOT};
	uint32_t mask = rnd(3) == 0 ? 1u << rnd(13) : IN_ALL_EVENTS;

	if (rnd(3) == 0)
		mask &= ~(1u << rnd(12));
	if (rnd(3) == 0)
		mask |= PICK(flags);
	if (rnd(20) == 0)
		mask |= PICK(flags);
	return mask;
}

static int
pick_flags(void)
{
	static const int flags[] = {O_RDONLY, O_RDWR | O_CREAT, O_RDWR,
	    O_WRONLY | O_CREAT | O_TRUNC, O_RDWR | O_TRUNC, O_PATH,
	    O_WRONLY | O_CREAT | O_EXCL, O_RDONLY | O_CREAT};

	return PICK(flags);
}

static void
pick(struct step *s)
{
	memset(s, 0, sizeof(*s));
	s->op = (enum op)rnd(OP_COUNT);
	s->slot = (int)rnd(NFDS * NIN);
	s->path = pick_any();
	s->to = PICK(files);
	s->flags = (int)rnd(4);
	switch (s->op) {
	case OP_WATCH:
		s->mask = pick_mask();
		break;
	case OP_NOTIFY:
		s->path = rnd(6) == 0 ? PICK(files) : PICK(dirs);
		s->mask = rnd(3) == 0 ? 1u << rnd(8) : rnd(64);
		if (rnd(2) == 0)
			s->mask |= DN_MULTISHOT;
		break;
	case OP_UNNOTIFY:
		s->mask = rnd(2) == 0 ? DN_MULTISHOT : 0;
		break;
	case OP_UNWATCH:
		s->flags = rnd(4) == 0 ? (int)rnd(40) : -1;
		break;
	case OP_OPEN:
		s->flags = pick_flags();
		s->path = rnd(4) == 0 ? PICK(dirs) : PICK(files);
		break;
	case OP_TRUNCATE:
	case OP_CHMOD:
	case OP_CHOWN:
	case OP_UTIMES:
	case OP_SETXATTR:
		s->path = rnd(3) == 0 ? PICK(dirs) : PICK(files);
		break;
	case OP_LINK:
		s->path = PICK(many);
		s->to = PICK(many);
		break;
	case OP_RENAME:
	case OP_EXCHANGE:
		s->path = rnd(3) == 0 ? PICK(dirs) : PICK(files);
		if (rnd(3) == 0)
			s->to = PICK(dirs);
		if (rnd(5) == 0) {
			s->path = PICK(many);
			s->to = PICK(many);
		}
		break;
	default:
		break;
	}
}

/* Number the cookies by their first appearance. */
static void
canonize(struct world *w)
{
	uint32_t seen[BUFSIZE / sizeof(struct inotify_event)];
	unsigned n = 0, i;
	ssize_t at = 0;

	while (at < w->w_len) {
		struct inotify_event ev;

		memcpy(&ev, w->w_buf + at, sizeof(ev));
		if (ev.cookie != 0) {
			for (i = 0; i < n && seen[i] != ev.cookie; i++)
				continue;
			if (i == n)
				seen[n++] = ev.cookie;
			ev.cookie = i + 1;
			memcpy(w->w_buf + at, &ev, sizeof(ev));
		}
		at += (ssize_t)(sizeof(ev) + ev.len);
	}
}

static void
show(const char *who, const struct world *w)
{
	ssize_t at = 0;

	printf("  %s: %zd\n", who, w->w_len);
	while (at < w->w_len) {
		struct inotify_event ev;

		memcpy(&ev, w->w_buf + at, sizeof(ev));
		printf("    wd %d mask %#x cookie %u len %u %s\n", ev.wd,
		    ev.mask, ev.cookie, ev.len,
		    ev.len > 0 ? w->w_buf + at + sizeof(ev) : "");
		at += (ssize_t)(sizeof(ev) + ev.len);
	}
}

/* Read the events of both worlds, sometimes with a small buffer. */
static bool
same_events(void)
{
	size_t size = rnd(8) == 0 ? 16 + rnd(100) : BUFSIZE;
	int i, nhost, nrump;

	for (i = 0; i < NIN; i++) {
		nhost = nrump = -1;
		(void)host.w_ioctl(host.w_in[i], FIONREAD, &nhost);
		(void)rump.w_ioctl(rump.w_in[i], FIONREAD, &nrump);
		host.w_len = host.w_read(host.w_in[i], host.w_buf, size);
		if (host.w_len == -1)
			host.w_len = -errno;
		rump.w_len = rump.w_read(rump.w_in[i], rump.w_buf, size);
		if (rump.w_len == -1)
			rump.w_len = -errno;
		canonize(&host);
		canonize(&rump);
		if (nhost != nrump || host.w_len != rump.w_len ||
		    (host.w_len > 0 && memcmp(host.w_buf, rump.w_buf,
					   (size_t)host.w_len) != 0)) {
			printf(
			    "instance %d, FIONREAD %d, %d\n", i, nhost, nrump);
			show("host", &host);
			show("here", &rump);
			return false;
		}
	}
	return true;
}

/* Signals that have come, or come in so long: how many of each. */
static void
take_signals(struct world *w, long nsec)
{
	struct timespec limit = {0, nsec};
	siginfo_t info;
	sigset_t set;
	int i;

	sigemptyset(&set);
	for (i = 0; i < NDIR; i++)
		sigaddset(&set, SIGRTMIN + i);
	while ((i = w->w_wait(&set, &info, &limit)) != -1) {
		i -= SIGRTMIN;
		/* Not what it should be: none. */
		if (info.si_code == POLL_MSG &&
		    info.si_band == (POLLIN | POLLRDNORM | POLLMSG) &&
		    (w->w_dir[i] == -1 || info.si_fd == w->w_dir[i]))
			w->w_signals[i]++;
		limit.tv_nsec = 0;
	}
}

static bool
same_signals(void)
{
	int tries, i;

	memset(host.w_signals, 0, sizeof(host.w_signals));
	memset(rump.w_signals, 0, sizeof(rump.w_signals));
	take_signals(&host, 0);
	take_signals(&rump, 0);
	/* A timer sends them. */
	for (tries = 0; tries < 500 && memcmp(host.w_signals, rump.w_signals,
					   sizeof(host.w_signals)) != 0;
	     tries++)
		take_signals(&rump, 10000000);
	for (i = 0; i < NDIR; i++)
		if (host.w_signals[i] != rump.w_signals[i]) {
			printf("signal %d: host %u, here %u\n", i,
			    host.w_signals[i], rump.w_signals[i]);
			return false;
		}
	return true;
}

static void
prepare(struct world *w, const char *dir, int (*enter)(const char *))
{
	int i;

	if ((dir[0] != '\0' && enter(dir) != 0) || w->w_mkdir("d", 0700) != 0 ||
	    w->w_mkdir("e", 0700) != 0 || w->w_mkdir("x", 0700) != 0 ||
	    w->w_mkdir("d/s", 0700) != 0)
		host_refuses(dir);
	for (i = 0; i < NIN; i++)
		if ((w->w_in[i] = w->w_init(IN_NONBLOCK)) == -1)
			host_refuses("inotify_init1");
	for (i = 0; i < NFDS; i++)
		w->w_fd[i] = -1;
	for (i = 0; i < NDIR; i++)
		w->w_dir[i] = -1;
}

static void
finish(struct world *w)
{
	int i;

	for (i = 0; i < NIN; i++)
		(void)w->w_close(w->w_in[i]);
	close_dirs(w);
	close_all(w);
	take_signals(w, 0);
}

static void
block(int (*mask)(int, const sigset_t *, sigset_t *))
{
	sigset_t set;
	int i;

	sigemptyset(&set);
	for (i = 0; i < NDIR; i++)
		sigaddset(&set, SIGRTMIN + i);
	if (mask(SIG_BLOCK, &set, NULL) != 0)
		host_refuses("sigprocmask");
}

static void
show_step(unsigned n, const struct step *s, int ret)
{
	printf("%u: %s slot %d path %s to %s flags %#x mask %#x: %d\n", n,
	    opnames[s->op], s->slot, s->path, s->to, (unsigned)s->flags,
	    s->mask, ret);
}

static bool
run(uint64_t seed, unsigned steps)
{
	char hostdir[] = "/dev/shm/inotify.XXXXXX", cmd[64], rumpdir[32];
	int rh, rr, eh, er;
	struct step s;
	bool same = true;
	unsigned n;

	rnd_seed(seed);
	if (mkdtemp(hostdir) == NULL)
		host_refuses(hostdir);
	(void)snprintf(
	    rumpdir, sizeof(rumpdir), "/%llu", (unsigned long long)seed);
	if (rump_sys_mkdir(rumpdir, 0700) != 0)
		host_refuses(rumpdir);
	prepare(&host, hostdir, chdir);
	prepare(&rump, rumpdir, rump_sys_chdir);
	for (n = 0; n < steps && same; n++) {
		pick(&s);
		errno = 0;
		rh = perform(&host, &s);
		eh = errno;
		errno = 0;
		rr = perform(&rump, &s);
		er = errno;
		if (verbose)
			show_step(n, &s, rh);
		same = rh == rr && (rh != -1 || eh == er);
		if (!same)
			printf("host %d errno %d, here %d errno %d\n", rh, eh,
			    rr, er);
		same = same && (rnd(3) == 0 || same_events());
		/* Before it is forgotten whose they are. */
		same = same && same_signals();
	}
	if (!same)
		printf("inotify: seed %llu, step %u\n",
		    (unsigned long long)seed, n);
	finish(&host);
	finish(&rump);
	(void)snprintf(cmd, sizeof(cmd), "rm -rf %s", hostdir);
	if (chdir("/") != 0 || system(cmd) != 0)
		host_refuses(cmd);
	return same;
}

int
main(int argc, char **argv)
{
	unsigned steps = argc > 2 ? (unsigned)atoi(argv[2]) : 4000;
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	uint64_t last = argc > 1 ? seed : 8;
	bool same = true;

	verbose = argc > 3;
	rump_boot_setsigmodel(RUMP_SIGMODEL_POSIX);
	if (rump_init() != 0 || rump_pub_lwproc_rfork(RUMP_RFCFDG) != 0)
		host_refuses("rump_init");
	(void)umask(022);
	block(sigprocmask);
	block(rump_sys_sigprocmask);
	for (; seed <= last && same; seed++)
		same = run(seed, steps);
	return same ? 0 : 1;
}
