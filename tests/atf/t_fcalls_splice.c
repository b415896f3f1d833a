/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Moving data: preadv2, copy_file_range, sendfile, splice, tee, and the limit
 * on the length of files.
 */
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>

#include "../lib/tc.h"
#include "../lib/threads.h"

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

/* A file of len bytes, each its position's last digit. */
static int
make_digits(const char *name, size_t len)
{
	char *text = malloc(len + 1);
	size_t i;
	int fd;

	for (i = 0; i < len; i++)
		text[i] = (char)('0' + i % 10);
	text[len] = '\0';
	fd = make(name, text);
	free(text);
	return fd;
}

static void
reads(int fd, const char *want)
{
	char buf[100];
	ssize_t n = T_OK(rump_sys_read(fd, buf, sizeof(buf)));

	T_EQ(strlen(want), n);
	T_EQ(0, memcmp(want, buf, (size_t)n));
}

static int
queued(int fd)
{
	int n;

	T_OK(rump_sys_ioctl(fd, FIONREAD, &n));
	return n;
}

TC(vectors_with_flags, "preadv2 and pwritev2.")
{
	char a[2], b[2];
	struct iovec in[2] = {{a, 2}, {b, 2}}, out[2] = {{a, 2}, {b, 2}};
	int fd, p[2];

	begin();
	fd = make("f", "abcdef");
	T_EQ(4, rump_sys_preadv2(fd, in, 2, 1, RWF_HIPRI));
	T_EQ('b', a[0]);
	T_EQ('e', b[1]);
	T_OK(rump_sys_lseek(fd, 0, SEEK_SET));
	T_EQ(4, rump_sys_preadv2(fd, in, 2, -1, 0));
	T_EQ(4, rump_sys_lseek(fd, 0, SEEK_CUR));
	T_EQ(4, rump_sys_pwritev2(fd, out, 2, 0, RWF_APPEND | RWF_SYNC));
	T_EQ(4, rump_sys_lseek(fd, 0, SEEK_CUR));
	T_EQ(10, rump_sys_lseek(fd, 0, SEEK_END));
	T_EQ(0, rump_sys_lseek(fd, 0, SEEK_SET));
	T_EQ(4, rump_sys_pwritev2(fd, out, 2, -1, RWF_APPEND));
	T_EQ(14, rump_sys_lseek(fd, 0, SEEK_CUR));
	T_ERR(EOPNOTSUPP, rump_sys_preadv2(fd, in, 2, 0, 0x1000));
	T_ERR(EOPNOTSUPP, rump_sys_preadv2(fd, in, 2, 0, RWF_NOWAIT));
	T_ERR(EINVAL, rump_sys_preadv2(fd, in, 2, -2, 0));
	T_EQ(0, rump_sys_preadv2(fd, in, 0, 0, 0x1000));

	T_OK(rump_sys_pipe(p));
	T_ERR(EAGAIN, rump_sys_preadv2(p[0], in, 2, -1, RWF_NOWAIT));
	T_EQ(4, rump_sys_pwritev2(p[1], out, 2, -1, RWF_NOWAIT));
	T_EQ(4, rump_sys_preadv2(p[0], in, 2, -1, 0));
	T_ERR(ESPIPE, rump_sys_preadv2(p[0], in, 2, 0, 0));
}

TC(copying_ranges, "copy_file_range: offsets, ends, overlaps.")
{
	off_t in = 2, out = 1;
	int f, g, ga, dir, p[2];

	begin();
	f = make("f", "0123456789");
	g = make("g", "abcdef");
	T_EQ(3, rump_sys_copy_file_range(f, &in, g, &out, 3, 0));
	T_EQ(5, in);
	T_EQ(4, out);
	T_OK(rump_sys_lseek(g, 0, SEEK_SET));
	reads(g, "a234ef");
	T_OK(rump_sys_lseek(f, 8, SEEK_SET));
	T_EQ(2, rump_sys_copy_file_range(f, NULL, g, NULL, 100, 0));
	T_EQ(8, rump_sys_lseek(g, 0, SEEK_CUR));
	T_EQ(0, rump_sys_copy_file_range(f, NULL, g, NULL, 100, 0));
	in = 0, out = 5;
	T_EQ(5, rump_sys_copy_file_range(f, &in, f, &out, 5, 0));
	in = 0, out = 5;
	T_ERR(EINVAL, rump_sys_copy_file_range(f, &in, f, &out, 6, 0));

	dir = (int)T_OK(rump_sys_open(".", O_RDONLY));
	ga = (int)T_OK(rump_sys_open("g", O_WRONLY | O_APPEND));
	T_OK(rump_sys_pipe(p));
	T_ERR(EISDIR, rump_sys_copy_file_range(dir, NULL, g, NULL, 1, 0));
	T_ERR(EINVAL, rump_sys_copy_file_range(p[0], NULL, g, NULL, 1, 0));
	T_ERR(EBADF, rump_sys_copy_file_range(f, NULL, ga, NULL, 1, 0));
	T_ERR(EINVAL, rump_sys_copy_file_range(f, NULL, g, NULL, 1, 1));
	in = -1;
	T_ERR(EOVERFLOW, rump_sys_copy_file_range(f, &in, g, NULL, 1, 0));
	in = INT64_MIN;
	T_ERR(EINVAL, rump_sys_copy_file_range(f, &in, g, NULL, 1, 0));
	T_OK(rump_sys_mkdir("m", 0755));
	T_OK(rump_sys_mount("tmpfs", "m", 0, NULL, 0));
	T_ERR(EXDEV,
	    rump_sys_copy_file_range(f, NULL, make("m/x", ""), NULL, 1, 0));
}

TC(sending_files, "sendfile: to files and pipes.")
{
	int f, g, ga, p[2];
	off_t off = 1;

	begin();
	f = make_digits("f", 100000);
	g = make("g", "");
	T_EQ(100, rump_sys_sendfile(g, f, &off, 100));
	T_EQ(101, off);
	T_EQ(100, rump_sys_lseek(g, 0, SEEK_CUR));
	T_EQ(100000, rump_sys_lseek(f, 0, SEEK_SET) +
			 rump_sys_sendfile(g, f, NULL, 200000));
	T_EQ(100000, rump_sys_lseek(f, 0, SEEK_CUR));
	T_EQ(100100, rump_sys_lseek(g, 0, SEEK_CUR));
	T_OK(rump_sys_pipe2(p, O_NONBLOCK));
	off = 96;
	T_EQ(0, rump_sys_sendfile(p[1], f, &off, 0));
	T_EQ(15 * 4096 + 4000, rump_sys_sendfile(p[1], f, &off, 100000));
	T_ERR(EAGAIN, rump_sys_sendfile(p[1], f, &off, 1));
	T_ERR(ESPIPE, rump_sys_sendfile(g, p[0], &off, 1));
	T_ERR(EINVAL, rump_sys_sendfile(g, p[0], NULL, 1));
	ga = (int)T_OK(rump_sys_open("g", O_WRONLY | O_APPEND));
	T_ERR(EINVAL, rump_sys_sendfile(ga, f, NULL, 1));
	T_ERR(EBADF, rump_sys_sendfile(g, ga, NULL, 1));
	off = -1;
	T_ERR(EINVAL, rump_sys_sendfile(g, f, &off, 1));
}

TC(splicing, "splice: file, pipe, pipe, file; the bytes stay the same.")
{
	char want[4000], got[4000];
	off_t off = 4090, out = 10;
	int f, g, a[2], b[2];

	begin();
	f = make_digits("f", 10000);
	g = make("g", "");
	T_OK(rump_sys_pipe(a));
	T_OK(rump_sys_pipe(b));
	T_EQ(4000, rump_sys_splice(f, &off, a[1], NULL, 4000, 0));
	T_EQ(8090, off);
	T_EQ(4000, queued(a[0]));
	T_EQ(100, rump_sys_splice(a[0], NULL, b[1], NULL, 100, 0));
	T_EQ(3900, rump_sys_splice(a[0], NULL, b[1], NULL, 9999, 0));
	T_EQ(1000, rump_sys_splice(b[0], NULL, g, &out, 1000, 0));
	T_EQ(1010, out);
	T_EQ(3000, rump_sys_splice(b[0], NULL, g, &out, 9999, 0));
	T_EQ(4000, rump_sys_pread(f, want, 4000, 4090));
	T_EQ(4000, rump_sys_pread(g, got, 4000, 10));
	T_EQ(0, memcmp(want, got, 4000));
	T_EQ(0, rump_sys_lseek(g, 0, SEEK_CUR));

	T_ERR(
	    EAGAIN, rump_sys_splice(a[0], NULL, g, NULL, 1, SPLICE_F_NONBLOCK));
	T_ERR(EINVAL, rump_sys_splice(f, NULL, g, NULL, 1, 0));
	T_ERR(EINVAL, rump_sys_splice(a[0], NULL, a[1], NULL, 1, 0));
	T_ERR(ESPIPE, rump_sys_splice(a[0], &off, g, NULL, 1, 0));
	T_ERR(EBADF, rump_sys_splice(a[1], NULL, g, NULL, 1, 0));
	T_ERR(EINVAL, rump_sys_splice(f, NULL, a[1], NULL, 1, 16));
	T_EQ(0, rump_sys_splice(-1, NULL, -1, NULL, 0, 16));
	T_OK(rump_sys_close(a[1]));
	T_EQ(0, rump_sys_splice(a[0], NULL, g, NULL, 1, 0));
	T_OK(rump_sys_close(b[0]));
	T_ERR(EPIPE, rump_sys_splice(f, &(off_t){0}, b[1], NULL, 1, 0));
}

TC(spliced_pieces_are_closed, "What is written later takes a piece more.")
{
	off_t off = 0;
	int f, p[2];

	begin();
	f = make_digits("f", 10);
	T_OK(rump_sys_pipe2(p, O_NONBLOCK));
	T_EQ(4096, rump_sys_fcntl(p[1], F_SETPIPE_SZ, 4096));
	T_EQ(10, rump_sys_splice(f, &off, p[1], NULL, 10, 0));
	T_ERR(EAGAIN, rump_sys_write(p[1], "x", 1));
	reads(p[0], "0123456789");
	T_EQ(1, rump_sys_write(p[1], "x", 1));
}

TC(teeing, "tee: the data is in both pipes.")
{
	int f, a[2], b[2];

	begin();
	f = make("f", "");
	T_OK(rump_sys_pipe(a));
	T_OK(rump_sys_pipe(b));
	T_EQ(5, rump_sys_write(a[1], "hello", 5));
	T_EQ(3, rump_sys_tee(a[0], b[1], 3, 0));
	T_EQ(5, rump_sys_tee(a[0], b[1], 100, 0));
	T_EQ(5, queued(a[0]));
	reads(b[0], "helhello");
	reads(a[0], "hello");
	T_ERR(EAGAIN, rump_sys_tee(a[0], b[1], 1, SPLICE_F_NONBLOCK));
	T_ERR(EINVAL, rump_sys_tee(a[0], a[1], 1, 0));
	T_ERR(EINVAL, rump_sys_tee(f, a[1], 1, 0));
	T_ERR(EBADF, rump_sys_tee(a[1], b[1], 1, 0));
	T_ERR(EINVAL, rump_sys_tee(-1, -1, 0, 16));
	T_EQ(0, rump_sys_tee(-1, -1, 0, 0));
}

/* A host thread that splices from one pipe to another. */
struct splicer {
	struct thread thread;
	pid_t pid;
	int in, out;
	ssize_t n;
	_Atomic bool done;
};

static void
splicer_main(struct thread *t)
{
	struct splicer *s = t->t_arg;

	(void)newlwp(s->pid);
	thread_sleeps(t);
	s->n = rump_sys_splice(s->in, NULL, s->out, NULL, 100, 0);
	rump_pub_lwproc_releaselwp();
	atomic_store(&s->done, true);
}

TC(splicing_waits, "For data, and for room.")
{
	struct splicer s = {.done = false};
	int a[2], b[2];
	off_t off = 0;
	char c;

	begin();
	T_OK(rump_sys_pipe(a));
	T_OK(rump_sys_pipe(b));
	T_EQ(4096, rump_sys_fcntl(b[1], F_SETPIPE_SZ, 4096));
	s.pid = rump_sys_getpid();
	s.in = a[0];
	s.out = b[1];
	T_EQ(1, rump_sys_splice(make("f", "x"), &off, b[1], NULL, 1, 0));
	thread_start(&s.thread, 0, splicer_main, &s);
	thread_await_asleep(&s.thread);
	T_EQ(false, atomic_load(&s.done));
	T_EQ(2, rump_sys_write(a[1], "yz", 2));
	host_msleep(30);
	T_EQ(false, atomic_load(&s.done));
	T_EQ(1, rump_sys_read(b[0], &c, 1));
	thread_join(&s.thread);
	T_EQ(2, s.n);
	reads(b[0], "yz");
}

static void
limit_files(rlim_t most)
{
	struct rlimit rl = {most, RLIM_INFINITY};

	T_OK(rump_sys_setrlimit(RLIMIT_FSIZE, &rl));
}

TC(limit_on_length, "RLIMIT_FSIZE: EFBIG, and as much as there may be.")
{
	off_t in = 0, out = 95;
	int f, g, p[2];

	begin();
	f = make_digits("f", 1000);
	g = make("g", "");
	T_OK(rump_sys_pipe(p));
	limit_files(100);
	T_EQ(100, rump_sys_sendfile(g, f, &in, 1000));
	T_ERR(EFBIG, rump_sys_sendfile(g, f, &in, 1000));
	T_EQ(5, rump_sys_copy_file_range(f, &in, g, &out, 1000, 0));
	T_ERR(EFBIG, rump_sys_copy_file_range(f, &in, g, &out, 1000, 0));
	T_ERR(EFBIG, rump_sys_ftruncate(g, 101));
	T_ERR(EFBIG, rump_sys_truncate("g", 101));
	T_ERR(EFBIG, rump_sys_fallocate(g, 0, 0, 101));
	T_ERR(EFBIG, rump_sys_fallocate(g, 1, 0, 101));
	T_EQ(5, rump_sys_pwrite(g, "0123456789", 10, 95));
	T_ERR(EFBIG, rump_sys_pwrite(g, "x", 1, 100));
	T_EQ(2, rump_sys_write(p[1], "ab", 2));
	out = 99;
	T_EQ(1, rump_sys_splice(p[0], NULL, g, &out, 2, 0));
	T_ERR(EFBIG, rump_sys_splice(p[0], NULL, g, &out, 2, 0));
	T_EQ(1, queued(p[0]));
}

static volatile sig_atomic_t raised;

static void
on_xfsz(int sig)
{
	raised = raised + (sig == SIGXFSZ);
}

TC(limit_raises_sigxfsz, "With RAISE the host process gets the signal.")
{
	int f;

	rump_boot_setsigmodel(RUMP_SIGMODEL_RAISE);
	(void)signal(SIGXFSZ, on_xfsz);
	begin();
	f = make("f", "0123456789");
	limit_files(10);
	T_EQ(5, rump_sys_pwrite(f, "0123456789", 10, 5));
	T_EQ(0, raised);
	T_ERR(EFBIG, rump_sys_write(f, "x", 1));
	T_EQ(1, raised);
	T_ERR(EFBIG, rump_sys_ftruncate(f, 11));
	T_EQ(2, raised);
	T_ERR(EFBIG, rump_sys_truncate("f", 11));
	T_EQ(3, raised);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, vectors_with_flags);
	ATF_TP_ADD_TC(tp, copying_ranges);
	ATF_TP_ADD_TC(tp, sending_files);
	ATF_TP_ADD_TC(tp, splicing);
	ATF_TP_ADD_TC(tp, spliced_pieces_are_closed);
	ATF_TP_ADD_TC(tp, teeing);
	ATF_TP_ADD_TC(tp, splicing_waits);
	ATF_TP_ADD_TC(tp, limit_on_length);
	ATF_TP_ADD_TC(tp, limit_raises_sigxfsz);
	return atf_no_error();
}
