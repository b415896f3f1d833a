/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The same random calls on descriptors and pipes, here and on the host: each
 * result, errno and byte must agree.
 *
 *	descrip [seed [steps]]
 *
 * Without arguments a few seeds, always the same.  A difference is printed
 * with seed and step; the exit status is 1 then.
 *
 * Differences that are meant, and not looked for: F_SETPIPE_SZ beyond 1 MiB is
 * for root here and for CAP_SYS_RESOURCE there; F_GETLEASE and the like are not
 * there.
 *
 * One thread: every pipe is non-blocking whenever it is read or written.
 */
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#define FIRST	3  /* those before stay what they are */
#define NFDS	60 /* RLIMIT_NOFILE */
#define BUFSIZE 20000
#define MAXIOV	12
#define NEVER	4711 /* a command that nobody knows */

/* The calls under test. */
struct world {
	const char *w_name;
	int (*w_close)(int);
	int (*w_close_range)(unsigned, unsigned, int);
	int (*w_dup)(int);
	int (*w_dup2)(int, int);
	int (*w_dup3)(int, int, int);
	int (*w_fcntl)(int, int, ...);
	int (*w_ioctl)(int, unsigned long, ...);
	int (*w_pipe)(int *);
	int (*w_pipe2)(int *, int);
	ssize_t (*w_read)(int, void *, size_t);
	ssize_t (*w_write)(int, const void *, size_t);
	ssize_t (*w_readv)(int, const struct iovec *, int);
	ssize_t (*w_writev)(int, const struct iovec *, int);
	ssize_t (*w_pread)(int, void *, size_t, off_t);
	ssize_t (*w_pwrite)(int, const void *, size_t, off_t);
	ssize_t (*w_preadv)(int, const struct iovec *, int, off_t);
	ssize_t (*w_pwritev)(int, const struct iovec *, int, off_t);
	off_t (*w_lseek)(int, off_t, int);
	int (*w_ftruncate)(int, off_t);
	int (*w_fstat)(int, struct stat *);
	int (*w_fsync)(int);
	int (*w_fdatasync)(int);
};

static int
host_fcntl(int fd, int cmd, ...)
{
	unsigned long arg;
	va_list ap;

	va_start(ap, cmd);
	arg = va_arg(ap, unsigned long);
	va_end(ap);
	return fcntl(fd, cmd, arg);
}

#define BOTH(p)                                                                \
	.w_close = p##close, .w_close_range = p##close_range, .w_dup = p##dup, \
	.w_dup2 = p##dup2, .w_dup3 = p##dup3, .w_ioctl = p##ioctl,             \
	.w_pipe = p##pipe, .w_pipe2 = p##pipe2, .w_read = p##read,             \
	.w_write = p##write, .w_readv = p##readv, .w_writev = p##writev,       \
	.w_pread = p##pread, .w_pwrite = p##pwrite, .w_preadv = p##preadv,     \
	.w_pwritev = p##pwritev, .w_lseek = p##lseek,                          \
	.w_ftruncate = p##ftruncate, .w_fstat = p##fstat, .w_fsync = p##fsync, \
	.w_fdatasync = p##fdatasync

static const struct world host = {
    .w_name = "host", .w_fcntl = host_fcntl, BOTH()};
static const struct world rump = {
    .w_name = "rump", .w_fcntl = rump_sys_fcntl, BOTH(rump_sys_)};

/* What a call is made with, and what came of it. */
struct args {
	int a_op;
	int a_fd, a_fd2;
	int a_flags, a_cmd, a_mode;
	unsigned long a_arg;
	size_t a_len;
	off_t a_off;
	int a_iovcnt;
	size_t a_iovlen[MAXIOV];
	int a_bad; /* which buffer is a bad one, from 1; 0: none */
	void *a_badaddr;
};

struct result {
	long r_ret;
	int r_errno;
	int r_fds[2];
	long r_more[8];
	size_t r_len; /* bytes of the buffer that count */
	unsigned char r_buf[BUFSIZE];
};

static uint64_t seed, rng;
static long step;
static unsigned char data[BUFSIZE + 256];

static uint64_t
rnd(void)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return rng >> 11;
}

static int
below(int n)
{
	return (int)(rnd() % (uint64_t)n);
}

static bool
one_in(int n)
{
	return below(n) == 0;
}

/*
 * The calls
 */

static void *
buffer(const struct args *a, struct result *r)
{
	return a->a_bad != 0 ? a->a_badaddr : r->r_buf;
}

/* Pieces of the buffer, one after the other. */
static const struct iovec *
vector(const struct args *a, unsigned char *buf, struct iovec *iov)
{
	for (int i = 0; i < MAXIOV; i++) {
		iov[i].iov_base = i + 1 == a->a_bad ? a->a_badaddr : buf;
		iov[i].iov_len = a->a_iovlen[i];
		if (i + 1 != a->a_bad && a->a_iovlen[i] <= BUFSIZE)
			buf += a->a_iovlen[i];
	}
	return a->a_iovcnt == 1000 ? a->a_badaddr : iov;
}

static long
do_pipe(const struct world *w, const struct args *a, struct result *r)
{
	int *fds = a->a_bad != 0 ? a->a_badaddr : r->r_fds, ret;

	ret = a->a_mode == 0 ? w->w_pipe(fds) : w->w_pipe2(fds, a->a_flags);
	if (ret == 0 && a->a_mode == 0) {
		(void)w->w_fcntl(fds[0], F_SETFL, (unsigned long)O_NONBLOCK);
		(void)w->w_fcntl(fds[1], F_SETFL, (unsigned long)O_NONBLOCK);
	}
	return ret;
}

static long
do_rw(const struct world *w, const struct args *a, struct result *r)
{
	struct iovec iov[MAXIOV];
	unsigned char from[BUFSIZE];
	long ret;

	memcpy(from, data + a->a_arg % 256, sizeof(from));
	switch (a->a_mode) {
	case 0:
		ret = w->w_read(a->a_fd, buffer(a, r), a->a_len);
		break;
	case 1:
		return w->w_write(
		    a->a_fd, a->a_bad ? a->a_badaddr : from, a->a_len);
	case 2:
		ret =
		    w->w_readv(a->a_fd, vector(a, r->r_buf, iov), a->a_iovcnt);
		break;
	default:
		return w->w_writev(a->a_fd, vector(a, from, iov), a->a_iovcnt);
	}
	/* A bad piece leaves a gap, the same in both. */
	r->r_len = ret > 0 ? (size_t)ret : 0;
	return ret;
}

static long
do_positioned(const struct world *w, const struct args *a, struct result *r)
{
	struct iovec iov[MAXIOV];

	switch (a->a_mode) {
	case 0:
		return w->w_pread(a->a_fd, r->r_buf, a->a_len, a->a_off);
	case 1:
		return w->w_pwrite(a->a_fd, data, a->a_len, a->a_off);
	case 2:
		return w->w_preadv(
		    a->a_fd, vector(a, r->r_buf, iov), a->a_iovcnt, a->a_off);
	case 3:
		return w->w_pwritev(
		    a->a_fd, vector(a, r->r_buf, iov), a->a_iovcnt, a->a_off);
	case 4:
		return w->w_lseek(a->a_fd, a->a_off, a->a_cmd);
	case 5:
		return w->w_ftruncate(a->a_fd, a->a_off);
	case 6:
		return w->w_fsync(a->a_fd);
	default:
		return w->w_fdatasync(a->a_fd);
	}
}

static long
do_fcntl(const struct world *w, const struct args *a, struct result *r)
{
	(void)r;
	return w->w_fcntl(a->a_fd, a->a_cmd, a->a_arg);
}

/* Flags other than O_NONBLOCK, and that one off and on again. */
static long
do_setfl(const struct world *w, const struct args *a, struct result *r)
{
	long ret = w->w_fcntl(
	    a->a_fd, F_SETFL, (unsigned long)(a->a_flags & ~O_NONBLOCK));

	r->r_more[0] = w->w_fcntl(a->a_fd, F_GETFL, 0UL);
	r->r_more[1] = w->w_fcntl(
	    a->a_fd, F_SETFL, (unsigned long)(a->a_flags | O_NONBLOCK));
	r->r_more[2] = w->w_fcntl(a->a_fd, F_GETFL, 0UL);
	return ret;
}

static long
do_ioctl(const struct world *w, const struct args *a, struct result *r)
{
	int value = (int)a->a_arg;
	void *arg = a->a_bad != 0 ? a->a_badaddr : &value;
	long ret = w->w_ioctl(a->a_fd, (unsigned long)a->a_cmd, arg);
	int on = 1;

	r->r_more[0] = value;
	r->r_more[1] = w->w_fcntl(a->a_fd, F_GETFL, 0UL);
	if (a->a_cmd == (int)FIONBIO)
		r->r_more[2] = w->w_ioctl(a->a_fd, FIONBIO, &on);
	return ret;
}

static long
do_fstat(const struct world *w, const struct args *a, struct result *r)
{
	struct stat st;
	int ret;

	memset(&st, 0, sizeof(st));
	ret = w->w_fstat(a->a_fd, a->a_bad != 0 ? a->a_badaddr : &st);
	if (ret == 0) {
		r->r_more[0] = st.st_mode;
		r->r_more[1] = (long)st.st_nlink;
		r->r_more[2] = st.st_size;
		r->r_more[3] = st.st_blksize;
		r->r_more[4] = st.st_blocks;
		r->r_more[5] = (long)st.st_rdev;
	}
	return ret;
}

static long
do_close(const struct world *w, const struct args *a, struct result *r)
{
	(void)r;
	return w->w_close(a->a_fd);
}

static long
do_close_range(const struct world *w, const struct args *a, struct result *r)
{
	(void)r;
	return w->w_close_range(
	    (unsigned)a->a_fd, (unsigned)a->a_fd2, a->a_flags);
}

static long
do_dup(const struct world *w, const struct args *a, struct result *r)
{
	(void)r;
	switch (a->a_mode) {
	case 0:
		return w->w_dup(a->a_fd);
	case 1:
		return w->w_dup2(a->a_fd, a->a_fd2);
	default:
		return w->w_dup3(a->a_fd, a->a_fd2, a->a_flags);
	}
}

/*
 * Random arguments
 */

static int
pick_fd(void)
{
	static const int odd[] = {
	    -1, -2, NFDS, NFDS + 1, 100, 400, INT32_MAX, INT32_MIN};

	return one_in(12) ? odd[below(8)]
			  : FIRST + below(one_in(3) ? NFDS - FIRST : 20);
}

static size_t
pick_len(void)
{
	static const size_t edge[] = {
	    0, 1, 2, 4095, 4096, 4097, 8191, 8192, 16, 17, 15, 12288};

	switch (below(4)) {
	case 0:
		return edge[below(12)];
	case 1:
		return (size_t)below(40);
	case 2:
		return (size_t)below(5000);
	default:
		return (size_t)below(BUFSIZE);
	}
}

static void *
pick_bad(void)
{
	static const uintptr_t bad[] = {
	    0, 8, UINT64_C(1) << 63, UINT64_MAX - 8, (UINT64_C(1) << 47) - 8};

	return (void *)bad[below(5)];
}

static void
pick_vector(struct args *a)
{
	size_t room = BUFSIZE, n;

	a->a_iovcnt = below(MAXIOV + 1);
	for (int i = 0; i < MAXIOV; i++) {
		n = one_in(4) ? 0 : pick_len() / (one_in(2) ? 1 : 8);
		a->a_iovlen[i] = n < room ? n : room;
		room -= a->a_iovlen[i];
	}
	if (one_in(40))
		a->a_iovcnt = one_in(2) ? -1 : 1025;
	else if (one_in(40) && a->a_iovcnt > 0)
		a->a_iovlen[below(a->a_iovcnt)] = SIZE_MAX - 5;
	else if (one_in(20) && a->a_iovcnt > 0)
		a->a_bad = 1 + below(a->a_iovcnt);
	else if (one_in(100)) {
		a->a_iovcnt = 1000; /* the array itself is bad */
		a->a_badaddr = (void *)8;
	}
}

static void
pick_rw(struct args *a)
{
	a->a_mode = below(4);
	a->a_len = pick_len();
	if (a->a_mode >= 2)
		pick_vector(a);
	else if (one_in(20))
		a->a_bad = 1;
	/* Two mistakes at once: which is found first depends on the host. */
	if ((a->a_bad != 0 || a->a_iovcnt < 0 || a->a_iovcnt > MAXIOV) &&
	    a->a_mode >= 2) {
		int fl = fcntl(a->a_fd, F_GETFL);

		if (fl != -1 &&
		    (fl & O_ACCMODE) != (a->a_mode == 2 ? O_RDONLY : O_WRONLY))
			a->a_mode ^= 1;
	}
}

static void
pick_fcntl(struct args *a)
{
	static const int cmd[] = {F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD,
	    F_GETFL, F_GETPIPE_SZ, F_SETPIPE_SZ, NEVER, -1};
	static const unsigned long size[] = {0, 1, 4096, 4097, 8192, 16384,
	    65536, 65537, 131072, (1UL << 31) + 1, ~0UL, (1UL << 32) + 8192};

	a->a_cmd = cmd[below(9)];
	if (a->a_cmd == F_SETPIPE_SZ)
		a->a_arg = size[below(12)];
	else if (a->a_cmd == F_SETFD)
		a->a_arg = rnd() % 4;
	else
		a->a_arg = (unsigned long)(long)pick_fd();
}

static void
pick_positioned(struct args *a)
{
	static const off_t off[] = {0, 1, -1, 4096, INT64_MAX, INT64_MIN};

	a->a_mode = below(8);
	a->a_off = off[below(6)];
	a->a_cmd = below(8) - 1;
	a->a_len = (size_t)below(100);
	a->a_iovcnt = below(3);
}

static void
pick_dup(struct args *a)
{
	static const int flags[] = {
	    0, O_CLOEXEC, O_CLOEXEC, 1, O_NONBLOCK, O_CLOEXEC | 1};

	a->a_mode = below(3);
	a->a_flags = flags[below(6)];
}

static void
pick_pipe(struct args *a)
{
	static const int flags[] = {O_NONBLOCK, O_NONBLOCK | O_CLOEXEC,
	    O_NONBLOCK | O_DIRECT, O_NONBLOCK, O_APPEND, O_CLOEXEC | 1, ~0};

	a->a_mode = one_in(4) ? 0 : 1;
	a->a_flags = flags[below(7)];
	a->a_bad = one_in(20);
}

static void
pick_ioctl(struct args *a)
{
	static const int cmd[] = {
	    FIONREAD, FIONREAD, FIONBIO, FIOCLEX, FIONCLEX, 0x5401, NEVER};

	a->a_cmd = cmd[below(7)];
	a->a_arg = rnd() % 3;
	a->a_bad = one_in(10);
}

static void
pick_close_range(struct args *a)
{
	static const int flags[] = {0, CLOSE_RANGE_CLOEXEC, CLOSE_RANGE_UNSHARE,
	    CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC, 1, 8,
	    CLOSE_RANGE_CLOEXEC, CLOSE_RANGE_CLOEXEC};

	a->a_fd = FIRST + below(70);
	a->a_fd2 = a->a_fd + below(6) - 1;
	if (one_in(8))
		a->a_fd2 = one_in(2) ? 80 + below(300) : -1;
	a->a_flags = flags[below(8)];
}

static void
pick_setfl(struct args *a)
{
	static const int flag[] = {
	    O_APPEND, O_DIRECT, O_NOATIME, O_SYNC, O_CREAT, O_RDWR, O_CLOEXEC};

	for (int i = 0; i < 7; i++)
		a->a_flags |= one_in(3) ? flag[i] : 0;
}

static const struct op {
	const char *o_name;
	int o_weight;
	long (*o_do)(
	    const struct world *, const struct args *, struct result *);
	void (*o_pick)(struct args *);
} ops[] = {
    {"read/write", 60, do_rw, pick_rw},
    {"pipe", 8, do_pipe, pick_pipe},
    {"close", 8, do_close, NULL},
    {"close_range", 1, do_close_range, pick_close_range},
    {"dup", 10, do_dup, pick_dup},
    {"fcntl", 12, do_fcntl, pick_fcntl},
    {"F_SETFL", 2, do_setfl, pick_setfl},
    {"ioctl", 6, do_ioctl, pick_ioctl},
    {"fstat", 2, do_fstat, NULL},
    {"positioned", 4, do_positioned, pick_positioned},
};

static int
pick_op(void)
{
	int i, sum = 0, n;

	for (i = 0; i < (int)(sizeof(ops) / sizeof(ops[0])); i++)
		sum += ops[i].o_weight;
	n = below(sum);
	for (i = 0; n >= ops[i].o_weight; i++)
		n -= ops[i].o_weight;
	return i;
}

/*
 * Comparing
 */

static void
print_result(const struct world *w, const struct result *r)
{
	fprintf(stderr, "  %s: %ld, errno %d (%s); %d %d", w->w_name, r->r_ret,
	    r->r_errno, strerror(r->r_errno), r->r_fds[0], r->r_fds[1]);
	for (int i = 0; i < 8; i++)
		fprintf(stderr, " %ld", r->r_more[i]);
	fprintf(stderr, "; %zu bytes:", r->r_len);
	for (size_t i = 0; i < r->r_len && i < 8; i++)
		fprintf(stderr, " %02x", r->r_buf[i]);
	fprintf(stderr, "\n");
}

static void
print_args(const struct args *a)
{
	fprintf(stderr,
	    "seed %llu step %ld: %s fd %d fd2 %d flags %#x cmd %d mode %d "
	    "arg %#lx len %zu off %lld iovcnt %d bad %d at %p\n",
	    (unsigned long long)seed, step, ops[a->a_op].o_name, a->a_fd,
	    a->a_fd2, a->a_flags, a->a_cmd, a->a_mode, a->a_arg, a->a_len,
	    (long long)a->a_off, a->a_iovcnt, a->a_bad, a->a_badaddr);
	for (int i = 0; i < MAXIOV; i++)
		fprintf(stderr, " %zu", a->a_iovlen[i]);
	fprintf(stderr, "\n");
}

static void
perform(const struct world *w, const struct args *a, struct result *r)
{
	memset(r, 0, offsetof(struct result, r_buf));
	errno = 0;
	r->r_ret = ops[a->a_op].o_do(w, a, r);
	r->r_errno = r->r_ret == -1 ? errno : 0;
}

static bool
same(const struct result *x, const struct result *y)
{
	return memcmp(x, y, offsetof(struct result, r_buf)) == 0 &&
	       memcmp(x->r_buf, y->r_buf, x->r_len) == 0;
}

static bool
one_step(void)
{
	static struct result rh, rr;
	struct args a;

	memset(&a, 0, sizeof(a));
	a.a_op = pick_op();
	a.a_fd = pick_fd();
	a.a_fd2 = pick_fd();
	a.a_badaddr = pick_bad();
	if (ops[a.a_op].o_pick != NULL)
		ops[a.a_op].o_pick(&a);
	else
		a.a_bad = one_in(10);
	perform(&host, &a, &rh);
	perform(&rump, &a, &rr);
	if (same(&rh, &rr))
		return true;
	print_args(&a);
	print_result(&host, &rh);
	print_result(&rump, &rr);
	return false;
}

/* What each descriptor is now. */
static bool
same_tables(void)
{
	static const int cmd[] = {F_GETFD, F_GETFL, F_GETPIPE_SZ};
	int h, r, nh, nr;

	for (int fd = FIRST; fd < NFDS; fd++) {
		for (int i = 0; i < 3; i++) {
			h = host.w_fcntl(fd, cmd[i], 0UL);
			r = rump.w_fcntl(fd, cmd[i], 0UL);
			if (h != r) {
				fprintf(stderr,
				    "seed %llu step %ld: fd %d: command %d: "
				    "host %d, rump %d\n",
				    (unsigned long long)seed, step, fd, cmd[i],
				    h, r);
				return false;
			}
		}
		nh = nr = 0;
		(void)host.w_ioctl(fd, FIONREAD, &nh);
		(void)rump.w_ioctl(fd, FIONREAD, &nr);
		if (nh != nr) {
			fprintf(stderr,
			    "seed %llu step %ld: fd %d: FIONREAD: host %d, "
			    "rump %d\n",
			    (unsigned long long)seed, step, fd, nh, nr);
			return false;
		}
	}
	return true;
}

static bool
run(uint64_t s, long steps)
{
	seed = s;
	rng = s * UINT64_C(0x9e3779b97f4a7c15) + 1;
	(void)host.w_close_range(FIRST, ~0U, 0);
	(void)rump.w_close_range(FIRST, ~0U, 0);
	for (step = 0; step < steps; step++) {
		if (!one_step() || (step % 100 == 0 && !same_tables()))
			return false;
	}
	return same_tables();
}

static void
must(bool ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "descrip: %s: %s\n", what, strerror(errno));
		exit(2);
	}
}

static void
setup(void)
{
	struct rlimit rl = {NFDS, NFDS};

	(void)signal(SIGPIPE, SIG_IGN);
	(void)umask(022);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)(i * 7 + i / 251);
	must(rump_init() == 0, "rump_init");
	must(rump_pub_lwproc_rfork(RUMP_RFFDG) == 0, "rfork");
	must(setrlimit(RLIMIT_NOFILE, &rl) == 0, "setrlimit");
	must(rump_sys_setrlimit(RLIMIT_NOFILE, &rl) == 0, "rump setrlimit");
}

/* Does the host give pipes of the usual size?  Not beyond a user's quota. */
static bool
host_is_usual(void)
{
	int fds[2];
	bool usual;

	if (pipe(fds) != 0)
		return false;
	usual = fcntl(fds[0], F_GETPIPE_SZ) == 65536;
	(void)close(fds[0]);
	(void)close(fds[1]);
	return usual;
}

int
main(int argc, char **argv)
{
	long steps = argc > 2 ? strtol(argv[2], NULL, 0) : 40000;
	bool ok = true;

	if (!host_is_usual()) {
		fprintf(stderr, "descrip: skipped: small pipes on the host\n");
		return 77;
	}
	setup();
	if (argc > 1)
		ok = run(strtoull(argv[1], NULL, 0), steps);
	else
		for (uint64_t s = 1; s <= 8 && ok; s++)
			ok = run(s, steps);
	rump_pub_lwproc_releaselwp();
	return ok ? 0 : 1;
}
