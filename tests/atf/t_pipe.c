/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pipes: POSIX's promises, with the host's capacity and errors.
 */
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>

#include "../lib/tc.h"
#include "../lib/threads.h"

#define CAPACITY 65536
#define PAGE	 4096

static char big[4 * CAPACITY];

/* A process of its own with a pipe. */
static void
make_pipe(int fd[2], int flags)
{
	boot();
	(void)newproc(RUMP_RFCFDG);
	T_OK(rump_sys_pipe2(fd, flags));
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 5 + i / 256);
}

/* How many bytes are in it. */
static int
filled(int fd)
{
	int n = -1;

	T_OK(rump_sys_ioctl(fd, FIONREAD, &n));
	return n;
}

static void
fill(int fd)
{
	while (rump_sys_write(fd, big, PAGE) == PAGE)
		continue;
	T_EQ(EAGAIN, errno);
}

/*
 * A host thread with an lwp of its own in the process that started it.
 */
struct helper {
	struct thread thread;
	pid_t pid;
	int fd[2];
	void (*fn)(struct helper *);
	_Atomic bool done;
	long got;
	int error;
};

static void
helper_main(struct thread *t)
{
	struct helper *h = t->t_arg;

	(void)newlwp(h->pid);
	thread_sleeps(t);
	h->fn(h);
	rump_pub_lwproc_releaselwp();
	atomic_store(&h->done, true);
}

static void
helper_start(struct helper *h, const int fd[2], void (*fn)(struct helper *))
{
	memset(h, 0, sizeof(*h));
	h->pid = rump_sys_getpid();
	memcpy(h->fd, fd, sizeof(h->fd));
	h->fn = fn;
	thread_start(&h->thread, 0, helper_main, h);
}

static void
helper_sleeps(struct helper *h)
{
	thread_await_asleep(&h->thread);
	T_EQ(false, atomic_load(&h->done));
}

static void
helper_ends(struct helper *h, long want, int error)
{
	thread_join(&h->thread);
	T_EQ(want, h->got);
	if (want == -1)
		T_EQ(error, h->error);
}

static void
read_one(struct helper *h)
{
	char c;

	h->got = rump_sys_read(h->fd[0], &c, 1);
	h->error = errno;
}

static void
write_one(struct helper *h)
{
	h->got = rump_sys_write(h->fd[1], "x", 1);
	h->error = errno;
}

static void
write_all(struct helper *h)
{
	h->got = rump_sys_write(h->fd[1], big, sizeof(big));
	h->error = errno;
}

/*
 * One lwp
 */

TC(bytes_come_out_in_order, "What is written is read, once and in order.")
{
	char buf[100];
	int fd[2];

	make_pipe(fd, 0);
	T_EQ(5, rump_sys_write(fd[1], "hello", 5));
	T_EQ(1, rump_sys_write(fd[1], " ", 1));
	T_EQ(5, rump_sys_write(fd[1], "world", 5));
	T_EQ(11, filled(fd[0]));
	T_EQ(11, filled(fd[1]));
	T_EQ(3, rump_sys_read(fd[0], buf, 3));
	T_EQ(8, rump_sys_read(fd[0], buf + 3, sizeof(buf) - 3));
	T_EQ(0, memcmp(buf, "hello world", 11));
	T_EQ(0, filled(fd[0]));
}

TC(every_length, "All lengths up to some pages, in and out.")
{
	static char buf[5 * PAGE];
	int fd[2];

	make_pipe(fd, O_NONBLOCK);
	for (int n = 1; n < 5 * PAGE; n += n < 300 ? 1 : 97) {
		T_EQ(n, rump_sys_write(fd[1], big, n));
		memset(buf, 0, sizeof(buf));
		T_EQ(n, rump_sys_read(fd[0], buf, sizeof(buf)));
		T_EQ(0, memcmp(buf, big, n));
	}
}

TC(end_of_file, "Without a writer a read gives what is left, then 0.")
{
	char c;
	int fd[2];

	make_pipe(fd, 0);
	T_EQ(1, rump_sys_write(fd[1], "x", 1));
	T_OK(rump_sys_close(fd[1]));
	T_EQ(1, rump_sys_read(fd[0], &c, 1));
	T_EQ('x', c);
	T_EQ(0, rump_sys_read(fd[0], &c, 1));
	T_EQ(0, rump_sys_read(fd[0], &c, 1));
}

TC(no_reader, "Without a reader a write gives EPIPE, but nothing is fine.")
{
	int fd[2];

	make_pipe(fd, 0);
	T_EQ(1, rump_sys_write(fd[1], "x", 1));
	T_OK(rump_sys_close(fd[0]));
	T_ERR(EPIPE, rump_sys_write(fd[1], "x", 1));
	T_ERR(EPIPE, rump_sys_write(fd[1], big, PAGE + 1));
	T_EQ(0, rump_sys_write(fd[1], "", 0));
}

TC(wrong_end, "A pipe has one direction.")
{
	char c = 'x';
	int fd[2];

	make_pipe(fd, 0);
	T_ERR(EBADF, rump_sys_read(fd[1], &c, 1));
	T_ERR(EBADF, rump_sys_write(fd[0], &c, 1));
	T_ERR(EBADF, rump_sys_write(fd[0], &c, 0));
}

TC(nonblocking, "O_NONBLOCK: EAGAIN when empty and when full.")
{
	char c;
	int fd[2];

	make_pipe(fd, O_NONBLOCK);
	T_ERR(EAGAIN, rump_sys_read(fd[0], &c, 1));
	T_EQ(0, rump_sys_read(fd[0], &c, 0));
	fill(fd[1]);
	T_EQ(CAPACITY, filled(fd[0]));
	T_ERR(EAGAIN, rump_sys_write(fd[1], "x", 1));
	T_EQ(0, rump_sys_write(fd[1], "x", 0));
	T_EQ(PAGE, rump_sys_read(fd[0], big, PAGE));
	T_EQ(1, rump_sys_write(fd[1], "x", 1));
}

TC(nonblocking_is_atomic, "Up to PIPE_BUF: all or nothing; beyond: a part.")
{
	int fd[2];

	make_pipe(fd, O_NONBLOCK);
	T_EQ(CAPACITY - PAGE, rump_sys_write(fd[1], big, CAPACITY - PAGE));
	T_EQ(PAGE / 2, rump_sys_write(fd[1], big, PAGE / 2));
	T_ERR(EAGAIN, rump_sys_write(fd[1], big, PIPE_BUF));
	T_ERR(EAGAIN, rump_sys_write(fd[1], big, PAGE / 2 + 1));
	T_EQ(CAPACITY - PAGE / 2, filled(fd[0]));
	T_EQ(100, rump_sys_write(fd[1], big, PAGE + 100));
	T_EQ(PAGE / 2 - 100, rump_sys_write(fd[1], big, PAGE / 2 - 100));
	T_EQ(CAPACITY, filled(fd[0]));
}

TC(vectors, "writev is one write; readv fills one buffer after the other.")
{
	char a[3], b[4], c[5];
	struct iovec out[4] = {{"ab", 2}, {NULL, 0}, {"cdefg", 5}, {"hij", 3}};
	struct iovec in[3] = {{a, 3}, {b, 4}, {c, 5}};
	struct iovec half[2] = {{big, PAGE / 2}, {big, PAGE / 2}};
	int fd[2];

	make_pipe(fd, O_NONBLOCK);
	T_EQ(10, rump_sys_writev(fd[1], out, 4));
	T_EQ(10, rump_sys_readv(fd[0], in, 3));
	T_EQ(0, memcmp(a, "abc", 3));
	T_EQ(0, memcmp(b, "defg", 4));
	T_EQ(0, memcmp(c, "hij", 3));
	T_EQ(0, rump_sys_writev(fd[1], out, 0));
	T_ERR(EINVAL, rump_sys_writev(fd[1], out, -1));
	T_ERR(EINVAL, rump_sys_readv(fd[0], in, IOV_MAX + 1));
	/* Atomic as a whole. */
	T_EQ(CAPACITY - PAGE, rump_sys_write(fd[1], big, CAPACITY - PAGE));
	T_EQ(1, rump_sys_write(fd[1], "x", 1));
	T_ERR(EAGAIN, rump_sys_writev(fd[1], half, 2));
}

TC(bad_addresses, "EFAULT, and nothing is lost or half written.")
{
	void *bad[] = {NULL, (void *)8, (void *)(UINTPTR_MAX - 8)};
	struct iovec mixed[2] = {{big, 5}, {NULL, 5}};
	char buf[20];
	int fd[2];

	make_pipe(fd, O_NONBLOCK);
	for (int i = 0; i < 3; i++) {
		T_ERR(EFAULT, rump_sys_write(fd[1], bad[i], 4));
		T_ERR(EFAULT, rump_sys_write(fd[1], bad[i], 40));
		T_ERR(EFAULT, rump_sys_write(fd[1], bad[i], 4 * PAGE));
	}
	T_ERR(EFAULT, rump_sys_writev(fd[1], mixed, 2));
	T_EQ(0, filled(fd[0]));
	T_EQ(10, rump_sys_write(fd[1], "0123456789", 10));
	for (int i = 0; i < 3; i++)
		T_ERR(EFAULT, rump_sys_read(fd[0], bad[i], 4));
	mixed[0].iov_base = buf;
	T_ERR(EFAULT, rump_sys_readv(fd[0], mixed, 2));
	T_EQ(10, rump_sys_read(fd[0], buf, sizeof(buf)));
	T_EQ(0, memcmp(buf, "0123456789", 10));
	T_ERR(EFAULT, rump_sys_pipe(bad[1]));
	T_ERR(EFAULT, rump_sys_ioctl(fd[0], FIONREAD, bad[1]));
}

TC(capacity, "F_SETPIPE_SZ and F_GETPIPE_SZ.")
{
	char buf[PAGE];
	int fd[2];

	make_pipe(fd, O_NONBLOCK);
	T_EQ(CAPACITY, rump_sys_fcntl(fd[0], F_GETPIPE_SZ));
	T_EQ(PAGE, rump_sys_fcntl(fd[0], F_SETPIPE_SZ, 0UL));
	T_EQ(PAGE, rump_sys_fcntl(fd[1], F_GETPIPE_SZ));
	T_EQ(PAGE, rump_sys_write(fd[1], big, 2 * PAGE));
	T_EQ(2 * PAGE, rump_sys_fcntl(fd[1], F_SETPIPE_SZ, PAGE + 1UL));
	T_EQ(PAGE, rump_sys_write(fd[1], big + PAGE, PAGE));
	T_ERR(EBUSY, rump_sys_fcntl(fd[1], F_SETPIPE_SZ, (unsigned long)PAGE));
	T_EQ(1 << 20, rump_sys_fcntl(fd[1], F_SETPIPE_SZ, 1UL << 20));
	for (int i = 0; i < 2; i++) {
		T_EQ(PAGE, rump_sys_read(fd[0], buf, PAGE));
		T_EQ(0, memcmp(buf, big + i * PAGE, PAGE));
	}
	fill(fd[1]);
	T_EQ(1 << 20, filled(fd[0]));
	T_ERR(EINVAL, rump_sys_fcntl(fd[0], F_SETPIPE_SZ, (1UL << 31) + 1));
	T_OK(rump_sys_setuid(1));
	T_ERR(EPERM, rump_sys_fcntl(fd[0], F_SETPIPE_SZ, 1UL << 21));
	T_ERR(EBUSY, rump_sys_fcntl(fd[0], F_SETPIPE_SZ, 1UL << 16));
}

TC(packets, "O_DIRECT: a read takes one write, or what fits of it.")
{
	char buf[100];
	int fd[2];

	make_pipe(fd, O_DIRECT | O_NONBLOCK);
	T_EQ(O_WRONLY | O_DIRECT | O_NONBLOCK, rump_sys_fcntl(fd[1], F_GETFL));
	T_EQ(3, rump_sys_write(fd[1], "abc", 3));
	T_EQ(4, rump_sys_write(fd[1], "defg", 4));
	T_EQ(3, rump_sys_read(fd[0], buf, sizeof(buf)));
	T_EQ(2, rump_sys_read(fd[0], buf, 2));
	T_ERR(EAGAIN, rump_sys_read(fd[0], buf, 2));
}

TC(flags, "pipe2's flags, and those that it does not know.")
{
	int fd[2];

	make_pipe(fd, O_CLOEXEC);
	T_EQ(FD_CLOEXEC, rump_sys_fcntl(fd[0], F_GETFD));
	T_EQ(FD_CLOEXEC, rump_sys_fcntl(fd[1], F_GETFD));
	T_EQ(O_RDONLY, rump_sys_fcntl(fd[0], F_GETFL));
	T_EQ(O_WRONLY, rump_sys_fcntl(fd[1], F_GETFL));
	T_OK(rump_sys_pipe2(fd, O_NONBLOCK));
	T_EQ(0, rump_sys_fcntl(fd[0], F_GETFD));
	T_EQ(O_NONBLOCK, rump_sys_fcntl(fd[0], F_GETFL));
	T_ERR(EINVAL, rump_sys_pipe2(fd, O_APPEND));
	T_ERR(EINVAL, rump_sys_pipe2(fd, -1));
}

TC(what_it_is, "fstat; neither position nor length.")
{
	struct stat a, b, other;
	int fd[2], fd2[2];

	make_pipe(fd, 0);
	T_OK(rump_sys_setgid(7));
	T_OK(rump_sys_setuid(5));
	T_OK(rump_sys_pipe(fd2));
	T_OK(rump_sys_fstat(fd[0], &a));
	T_OK(rump_sys_fstat(fd[1], &b));
	T_OK(rump_sys_fstat(fd2[0], &other));
	T_EQ(S_IFIFO | 0600, a.st_mode);
	T_EQ(1, a.st_nlink);
	T_EQ(0, a.st_size);
	T_EQ(0, a.st_uid);
	T_EQ(5, other.st_uid);
	T_EQ(7, other.st_gid);
	T_ASSERT(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
	T_ASSERT(a.st_ino != other.st_ino);
	T_ASSERT(a.st_mtime != 0);
	T_ERR(ESPIPE, rump_sys_lseek(fd[0], 0, SEEK_CUR));
	T_ERR(ESPIPE, rump_sys_pread(fd[0], big, 1, 0));
	T_ERR(EINVAL, rump_sys_ftruncate(fd[1], 0));
	T_ERR(EINVAL, rump_sys_fsync(fd[1]));
	T_ERR(ENOTTY, rump_sys_ioctl(fd[1], 0x5401, big));
}

TC(times, "Reading sets the access time, writing the other two.")
{
	struct stat a, b;
	char c;
	int fd[2];

	make_pipe(fd, 0);
	T_OK(rump_sys_fstat(fd[0], &a));
	host_msleep(20);
	T_EQ(1, rump_sys_write(fd[1], "x", 1));
	T_OK(rump_sys_fstat(fd[0], &b));
	T_ASSERT(b.st_mtim.tv_nsec != a.st_mtim.tv_nsec);
	T_ASSERT(b.st_ctim.tv_nsec != a.st_ctim.tv_nsec);
	T_EQ(a.st_atim.tv_nsec, b.st_atim.tv_nsec);
	T_EQ(1, rump_sys_read(fd[0], &c, 1));
	T_OK(rump_sys_fstat(fd[0], &a));
	T_ASSERT(b.st_atim.tv_nsec != a.st_atim.tv_nsec);
	T_EQ(a.st_mtim.tv_nsec, b.st_mtim.tv_nsec);
}

/*
 * Several lwps
 */

TC(read_waits, "A read of an empty pipe waits for data.")
{
	struct helper h;
	int fd[2];

	make_pipe(fd, 0);
	helper_start(&h, fd, read_one);
	helper_sleeps(&h);
	T_EQ(1, rump_sys_write(fd[1], "x", 1));
	helper_ends(&h, 1, 0);
}

TC(read_waits_for_writers, "The end of the last writer ends the wait.")
{
	struct helper h;
	int fd[2];

	make_pipe(fd, 0);
	helper_start(&h, fd, read_one);
	helper_sleeps(&h);
	T_OK(rump_sys_close(fd[1]));
	helper_ends(&h, 0, 0);
}

TC(write_waits, "A write to a full pipe waits for room.")
{
	struct helper h;
	int fd[2];

	make_pipe(fd, O_NONBLOCK);
	fill(fd[1]);
	T_OK(rump_sys_fcntl(fd[1], F_SETFL, 0UL));
	helper_start(&h, fd, write_one);
	helper_sleeps(&h);
	T_EQ(PAGE, rump_sys_read(fd[0], big, PAGE));
	helper_ends(&h, 1, 0);
}

TC(write_waits_for_readers, "EPIPE when the last reader goes meanwhile.")
{
	struct helper h;
	int fd[2];

	make_pipe(fd, O_NONBLOCK);
	fill(fd[1]);
	T_OK(rump_sys_fcntl(fd[1], F_SETFL, 0UL));
	helper_start(&h, fd, write_one);
	helper_sleeps(&h);
	T_OK(rump_sys_close(fd[0]));
	helper_ends(&h, -1, EPIPE);
}

TC(write_is_complete, "A blocking write moves all, however little fits.")
{
	static char buf[3000];
	struct helper h;
	size_t done;
	int fd[2];

	make_pipe(fd, 0);
	helper_start(&h, fd, write_all);
	for (done = 0; done < sizeof(big);) {
		ssize_t n = T_OK(rump_sys_read(fd[0], buf, sizeof(buf)));

		T_EQ(0, memcmp(buf, big + done, (size_t)n));
		done += (size_t)n;
	}
	helper_ends(&h, (long)sizeof(big), 0);
}

TC(larger_capacity_wakes, "A writer goes on when the pipe is made larger.")
{
	struct helper h;
	int fd[2];

	make_pipe(fd, O_NONBLOCK);
	T_OK(rump_sys_fcntl(fd[1], F_SETPIPE_SZ, (unsigned long)PAGE));
	fill(fd[1]);
	T_OK(rump_sys_fcntl(fd[1], F_SETFL, 0UL));
	helper_start(&h, fd, write_one);
	helper_sleeps(&h);
	T_OK(rump_sys_fcntl(fd[0], F_SETPIPE_SZ, 2UL * PAGE));
	helper_ends(&h, 1, 0);
}

TC(interrupted_read, "A signal ends the wait with EINTR.")
{
	struct helper h;
	int fd[2];

	tc_local();
	rump_boot_setsigmodel(RUMP_SIGMODEL_RECORD);
	make_pipe(fd, 0);
	helper_start(&h, fd, read_one);
	helper_sleeps(&h);
	T_OK(rump_sys_kill(h.pid, SIGUSR1));
	helper_ends(&h, -1, EINTR);
}

TC(interrupted_write, "EINTR, or what had been written before.")
{
	struct helper h;
	int fd[2];

	tc_local();
	rump_boot_setsigmodel(RUMP_SIGMODEL_RECORD);
	make_pipe(fd, 0);
	helper_start(&h, fd, write_all);
	helper_sleeps(&h);
	T_OK(rump_sys_kill(h.pid, SIGUSR1));
	helper_ends(&h, CAPACITY, 0);
	/* The kill was for this lwp too. */
	T_ERR(EINTR, rump_sys_write(fd[1], "x", 1));
	helper_start(&h, fd, write_one);
	helper_sleeps(&h);
	T_OK(rump_sys_kill(h.pid, SIGUSR1));
	helper_ends(&h, -1, EINTR);
}

#define WRITERS	    4
#define RECORD	    512
#define EACH_WRITES (20000 / TC_SLOW)

struct crowd {
	pid_t pid;
	int fd[2];
};

/* Records of one letter, of lengths up to RECORD, the first two being it. */
static void
write_records(struct thread *t)
{
	struct crowd *c = t->t_arg;
	uint64_t state = (uint64_t)t->t_id + 1;
	unsigned char rec[RECORD];
	struct iovec iov[2];

	(void)newlwp(c->pid);
	memset(rec, 'a' + t->t_id, sizeof(rec));
	for (int i = 0; i < EACH_WRITES; i++) {
		size_t n = 3 + rng(&state) % (RECORD - 3), cut;

		rec[0] = (unsigned char)(n >> 8);
		rec[1] = (unsigned char)n;
		cut = rng(&state) % n;
		iov[0] = (struct iovec){rec, cut};
		iov[1] = (struct iovec){rec + cut, n - cut};
		T_EQ(n, rump_sys_writev(c->fd[1], iov, 2));
	}
	rump_pub_lwproc_releaselwp();
}

static void
read_exactly(int fd, unsigned char *buf, size_t n)
{
	while (n > 0) {
		ssize_t got = T_OK(rump_sys_read(fd, buf, n));

		T_ASSERT(got > 0);
		buf += got;
		n -= (size_t)got;
	}
}

TC(writers_do_not_mix, "Writes of at most PIPE_BUF bytes stay whole.")
{
	struct thread team[WRITERS];
	unsigned char rec[RECORD];
	int count[WRITERS] = {0};
	struct crowd c;
	size_t n;

	make_pipe(c.fd, 0);
	c.pid = rump_sys_getpid();
	team_start(team, WRITERS, write_records, &c);
	for (int i = 0; i < WRITERS * EACH_WRITES; i++) {
		read_exactly(c.fd[0], rec, 2);
		n = (size_t)rec[0] << 8 | rec[1];
		T_ASSERT(n >= 3 && n <= RECORD);
		read_exactly(c.fd[0], rec + 2, n - 2);
		for (size_t k = 3; k < n; k++)
			T_EQ(rec[2], rec[k]);
		count[rec[2] - 'a']++;
	}
	team_join(team, WRITERS);
	for (int i = 0; i < WRITERS; i++)
		T_EQ(EACH_WRITES, count[i]);
	T_EQ(0, filled(c.fd[0]));
}

#define READERS 3

static void
read_until_end(struct thread *t)
{
	struct crowd *c = t->t_arg;
	char buf[777];
	ssize_t n;
	long sum = 0;

	(void)newlwp(c->pid);
	while ((n = T_OK(rump_sys_read(c->fd[0], buf, sizeof(buf)))) > 0)
		sum += n;
	rump_pub_lwproc_releaselwp();
	t->t_result = (void *)sum;
}

TC(readers_share, "Readers that wait get everything between them, and the end.")
{
	struct thread team[READERS];
	struct crowd c;
	long sum = 0, want = 0;
	uint64_t state = 9;
	size_t n;

	make_pipe(c.fd, 0);
	c.pid = rump_sys_getpid();
	team_start(team, READERS, read_until_end, &c);
	for (int i = 0; i < EACH_WRITES; i++) {
		n = 1 + rng(&state) % 9000;
		T_EQ(n, rump_sys_write(c.fd[1], big, n));
		want += (long)n;
	}
	T_OK(rump_sys_close(c.fd[1]));
	team_join(team, READERS);
	for (int i = 0; i < READERS; i++)
		sum += (long)team[i].t_result;
	T_EQ(want, sum);
}

TC(memory_is_given_back, "An unused pipe is small; a closed one is nothing.")
{
	struct rump_memstat before, after;
	int fd[2], more[2];

	make_pipe(fd, 0);
	T_EQ(0, rump_pub_memstat(&before));
	T_OK(rump_sys_pipe(more));
	T_EQ(0, rump_pub_memstat(&after));
	T_EQ(before.files + 2, after.files);
	T_ASSERT(after.used - before.used < 1024);
	T_EQ(CAPACITY, rump_sys_write(more[1], big, CAPACITY));
	T_EQ(0, rump_pub_memstat(&after));
	T_ASSERT(after.used - before.used >= CAPACITY);
	T_EQ(CAPACITY, rump_sys_read(more[0], big, CAPACITY));
	T_EQ(0, rump_pub_memstat(&after));
	T_ASSERT(after.used - before.used < 1024 + 2 * PAGE + 1);
	T_OK(rump_sys_close(more[0]));
	T_OK(rump_sys_close(more[1]));
	T_EQ(0, rump_pub_memstat(&after));
	T_EQ(before.used, after.used);
	T_EQ(before.files, after.files);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, bytes_come_out_in_order);
	ATF_TP_ADD_TC(tp, every_length);
	ATF_TP_ADD_TC(tp, end_of_file);
	ATF_TP_ADD_TC(tp, no_reader);
	ATF_TP_ADD_TC(tp, wrong_end);
	ATF_TP_ADD_TC(tp, nonblocking);
	ATF_TP_ADD_TC(tp, nonblocking_is_atomic);
	ATF_TP_ADD_TC(tp, vectors);
	ATF_TP_ADD_TC(tp, bad_addresses);
	ATF_TP_ADD_TC(tp, capacity);
	ATF_TP_ADD_TC(tp, packets);
	ATF_TP_ADD_TC(tp, flags);
	ATF_TP_ADD_TC(tp, what_it_is);
	ATF_TP_ADD_TC(tp, times);
	ATF_TP_ADD_TC(tp, read_waits);
	ATF_TP_ADD_TC(tp, read_waits_for_writers);
	ATF_TP_ADD_TC(tp, write_waits);
	ATF_TP_ADD_TC(tp, write_waits_for_readers);
	ATF_TP_ADD_TC(tp, write_is_complete);
	ATF_TP_ADD_TC(tp, larger_capacity_wakes);
	ATF_TP_ADD_TC(tp, interrupted_read);
	ATF_TP_ADD_TC(tp, interrupted_write);
	ATF_TP_ADD_TC(tp, writers_do_not_mix);
	ATF_TP_ADD_TC(tp, readers_share);
	ATF_TP_ADD_TC(tp, memory_is_given_back);
	return atf_no_error();
}
