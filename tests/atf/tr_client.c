/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Remote clients: rumpclient(3).
 */
#include <sys/mman.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#include <rump/rumpclient.h>

#include "lib/server.h"
#include "lib/tc.h"

#define BIG (3 << 20)

static void
start(void)
{
	ATF_REQUIRE(server_start(0, NULL) != -1);
	ATF_REQUIRE_EQ(rumpclient_init(), 0);
}

TC(init, "a client is a process of its own, child of process 1")
{
	unsetenv("RUMP_SERVER");
	ATF_REQUIRE_ERRNO(ENOENT, rumpclient_init() == -1);
	ATF_REQUIRE_ERRNO(ENXIO, rump_sys_getpid() == -1);
	setenv("RUMP_SERVER", "unix:///tmp/rump-test.none", 1);
	ATF_REQUIRE_ERRNO(ENOENT, rumpclient_init() == -1);
	setenv("RUMP_SERVER", "nonsense", 1);
	ATF_REQUIRE_ERRNO(EINVAL, rumpclient_init() == -1);
	start();
	ATF_REQUIRE(rump_sys_getpid() > 1);
	ATF_REQUIRE_EQ(rump_sys_getppid(), 1);
	ATF_REQUIRE_EQ(rump_sys_getuid(), 0);
	ATF_REQUIRE_EQ(rumpclient_init(), 0);
	ATF_REQUIRE_EQ(rump_init(), 0);
}

TC(files, "open, read, write, stat of a remote kernel's files")
{
	char buf[16] = "";
	struct stat st;
	int fd;

	start();
	fd = rump_sys_open("/f", O_RDWR | O_CREAT, 0640);
	ATF_REQUIRE_EQ(fd, 3);
	ATF_REQUIRE_EQ(rump_sys_write(fd, "hello", 5), 5);
	ATF_REQUIRE_EQ(rump_sys_pread(fd, buf, sizeof(buf), 1), 4);
	ATF_REQUIRE_STREQ(buf, "ello");
	ATF_REQUIRE_EQ(rump_sys_stat("/f", &st), 0);
	ATF_REQUIRE_EQ(st.st_size, 5);
	ATF_REQUIRE_EQ(st.st_mode, S_IFREG | 0640);
	ATF_REQUIRE_ERRNO(ENOENT, rump_sys_stat("/none", &st) == -1);
	ATF_REQUIRE_ERRNO(EBADF, rump_sys_close(77) == -1);
	ATF_REQUIRE_ERRNO(EFAULT, rump_sys_stat(NULL, &st) == -1);
	ATF_REQUIRE_ERRNO(EFAULT, rump_sys_write(fd, NULL, 1) == -1);
	ATF_REQUIRE_ERRNO(EFAULT, rump_sys_stat("/f", NULL) == -1);
	/* The kernel sees to counts that are wrong. */
	ATF_REQUIRE_ERRNO(
	    EINVAL, rump_sys_setgroups((size_t)-1, (gid_t *)buf) == -1);
	/* What is no address for us is none for the server. */
	ATF_REQUIRE_ERRNO(ENOTTY, rump_sys_ioctl(fd, 0xabcd, buf) == -1);
	ATF_REQUIRE_EQ(rump_sys_getppid(), 1);
}

TC(big, "buffers that are larger than a page, and than a slot")
{
	size_t len = 12u << 20, left = len, n;
	char *out = malloc(len), *in = malloc(len);
	int fd;

	start();
	for (n = 0; n < len; n++)
		out[n] = (char)(n * 7 + n / 4096);
	fd = rump_sys_open("/big", O_RDWR | O_CREAT, 0600);
	ATF_REQUIRE_EQ(rump_sys_pwrite(fd, out, BIG, 0), BIG);
	ATF_REQUIRE_EQ(rump_sys_pread(fd, in, BIG, 0), BIG);
	ATF_REQUIRE_EQ(memcmp(in, out, BIG), 0);
	while (left > 0) {
		ssize_t r = rump_sys_write(fd, out + len - left, left);

		ATF_REQUIRE(r > 0);
		left -= (size_t)r;
	}
	for (left = len; left > 0;) {
		ssize_t r = rump_sys_pread(
		    fd, in + len - left, left, (off_t)(len - left));

		ATF_REQUIRE(r > 0);
		left -= (size_t)r;
	}
	ATF_REQUIRE_EQ(memcmp(in, out, len), 0);
	free(in);
	free(out);
}

TC(vectors, "readv and writev")
{
	char a[3000], b[10], c[700], back[sizeof(a) + sizeof(b) + sizeof(c)];
	struct iovec iov[] = {
	    {a, sizeof(a)}, {b, 0}, {b, sizeof(b)}, {c, sizeof(c)}};
	int fd;

	start();
	memset(a, 'a', sizeof(a));
	memset(b, 'b', sizeof(b));
	memset(c, 'c', sizeof(c));
	fd = rump_sys_open("/v", O_RDWR | O_CREAT, 0600);
	ATF_REQUIRE_EQ(rump_sys_writev(fd, iov, 4), (ssize_t)sizeof(back));
	ATF_REQUIRE_EQ(
	    rump_sys_pread(fd, back, sizeof(back), 0), (ssize_t)sizeof(back));
	ATF_REQUIRE_EQ(memcmp(back, a, sizeof(a)), 0);
	ATF_REQUIRE_EQ(memcmp(back + sizeof(a), b, sizeof(b)), 0);
	memset(a, 0, sizeof(a));
	memset(b, 0, sizeof(b));
	memset(c, 0, sizeof(c));
	ATF_REQUIRE_EQ(rump_sys_preadv(fd, iov, 4, 0), (ssize_t)sizeof(back));
	ATF_REQUIRE_EQ(memcmp(back, a, sizeof(a)), 0);
	ATF_REQUIRE_EQ(c[699], 'c');
	ATF_REQUIRE_ERRNO(EINVAL, rump_sys_writev(fd, iov, -1) == -1);
	ATF_REQUIRE_ERRNO(EINVAL, rump_sys_writev(fd, iov, 5000) == -1);
	iov[0].iov_base = NULL;
	ATF_REQUIRE_ERRNO(EFAULT, rump_sys_writev(fd, iov, 1) == -1);
}

static void *
write_later(void *arg)
{
	usleep(30000);
	if (rump_sys_write(*(int *)arg, "x", 1) != 1)
		abort();
	return NULL;
}

TC(sleep, "a thread's sleeping call does not keep others from theirs")
{
	pthread_t thread;
	int fds[2];
	char c;

	start();
	ATF_REQUIRE_EQ(rump_sys_pipe(fds), 0);
	ATF_REQUIRE_EQ(pthread_create(&thread, NULL, write_later, &fds[1]), 0);
	ATF_REQUIRE_EQ(rump_sys_read(fds[0], &c, 1), 1);
	ATF_REQUIRE_EQ(c, 'x');
	ATF_REQUIRE_EQ(pthread_join(thread, NULL), 0);
}

TC(lwproc, "processes and lwps of a session")
{
	struct lwp *l1, *l2;
	pid_t pid;

	start();
	pid = rump_sys_getpid();
	ATF_REQUIRE(rump_pub_lwproc_curlwp() == NULL);
	ATF_REQUIRE_EQ(rump_pub_lwproc_rfork(RUMP_RFCFDG), 0);
	l1 = rump_pub_lwproc_curlwp();
	ATF_REQUIRE(l1 != NULL);
	ATF_REQUIRE(rump_sys_getpid() != pid);
	ATF_REQUIRE_EQ(rump_sys_getppid(), pid);
	ATF_REQUIRE_ERRNO(EBADF, rump_sys_close(0) == -1);
	ATF_REQUIRE_EQ(rump_pub_lwproc_newlwp(pid), 0);
	l2 = rump_pub_lwproc_curlwp();
	ATF_REQUIRE(l2 != l1);
	ATF_REQUIRE_EQ(rump_sys_getpid(), pid);
	rump_pub_lwproc_switch(l1);
	ATF_REQUIRE(rump_sys_getpid() != pid);
	rump_pub_lwproc_releaselwp();
	ATF_REQUIRE(rump_pub_lwproc_curlwp() == NULL);
	ATF_REQUIRE_EQ(rump_sys_getpid(), pid);
	rump_pub_lwproc_switch(l2);
	rump_pub_lwproc_releaselwp();
	ATF_REQUIRE_EQ(rump_pub_lwproc_newlwp(1), EPERM);
	ATF_REQUIRE_EQ(rump_pub_lwproc_newlwp(99999), ESRCH);
	ATF_REQUIRE_EQ(rump_pub_lwproc_rfork(77), EINVAL);
}

TC(fork, "the child has copies of the descriptors, and a parent")
{
	int fds[2], status;
	pid_t pid, kpid;
	char c;

	start();
	ATF_REQUIRE_EQ(rump_sys_pipe(fds), 0);
	kpid = rump_sys_getpid();
	if ((pid = rumpclient_fork()) == 0) {
		if (rump_sys_getppid() != kpid || rump_sys_getpid() == kpid)
			_exit(1);
		_exit(rump_sys_write(fds[1], "c", 1) == 1 ? 0 : 2);
	}
	ATF_REQUIRE(pid > 0);
	ATF_REQUIRE_EQ(rump_sys_read(fds[0], &c, 1), 1);
	ATF_REQUIRE_EQ(waitpid(pid, &status, 0), pid);
	ATF_REQUIRE_EQ(status, 0);
	/* Without fork_init there is no connection. */
	if ((pid = fork()) == 0)
		_exit(rump_sys_getpid() == -1 && errno == ENOTCONN ? 0 : 1);
	ATF_REQUIRE_EQ(waitpid(pid, &status, 0), pid);
	ATF_REQUIRE_EQ(status, 0);
	ATF_REQUIRE_EQ(rump_sys_getpid(), kpid);
}

TC(cancel, "a fork that is cancelled leaves no process")
{
	struct rumpclient_fork *rf;
	int fds[2];
	char c;

	start();
	ATF_REQUIRE_EQ(rump_sys_pipe(fds), 0);
	ATF_REQUIRE((rf = rumpclient_prefork()) != NULL);
	ATF_REQUIRE_EQ(rump_sys_close(fds[1]), 0);
	rumpclient_fork_cancel(rf);
	/* Nobody has the other end any more. */
	ATF_REQUIRE_EQ(rump_sys_read(fds[0], &c, 1), 0);
}

TC(gone, "a client that dies takes its process with it, also out of a sleep")
{
	int fds[2], go[2], status;
	pid_t pid;
	char c;

	/* Elsewhere nobody sees that it is not just the connection. */
	ATF_REQUIRE(server_start(0, "--grace=1") != -1);
	ATF_REQUIRE_EQ(rumpclient_init(), 0);
	ATF_REQUIRE_EQ(rump_sys_pipe(fds), 0);
	ATF_REQUIRE_EQ(pipe(go), 0);
	if ((pid = rumpclient_fork()) == 0) {
		int own[2];

		if (rump_sys_pipe(own) == -1 || write(go[1], "", 1) != 1)
			_exit(1);
		(void)rump_sys_read(own[0], &c, 1);
		_exit(1);
	}
	ATF_REQUIRE_EQ(rump_sys_close(fds[1]), 0);
	ATF_REQUIRE_EQ(read(go[0], &c, 1), 1);
	usleep(20000);
	kill(pid, SIGKILL);
	ATF_REQUIRE_EQ(waitpid(pid, &status, 0), pid);
	ATF_REQUIRE_EQ(rump_sys_read(fds[0], &c, 1), 0);
}

TC(syscall, "calls by number")
{
	uint64_t args[2];
	register_t value;

	start();
	ATF_REQUIRE_EQ(rumpclient_syscall(RUMP_SYS_getpid, NULL, 0, &value), 0);
	ATF_REQUIRE_EQ(value, rump_sys_getpid());
	ATF_REQUIRE_ERRNO(
	    ENOSYS, rumpclient_syscall(9999, NULL, 0, &value) == -1);
	ATF_REQUIRE_ERRNO(
	    EINVAL, rumpclient_syscall(RUMP_SYS_close, NULL, 0, &value) == -1);
	args[0] = 99;
	ATF_REQUIRE_ERRNO(
	    EBADF, rumpclient_syscall(RUMP_SYS_close, args, 8, &value) == -1);
}

TC(messages, "sendmsg and recvmsg, with descriptors")
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	char a[3] = "ab", b[2000], in[3000];
	struct iovec iov[] = {{a, 2}, {b, sizeof(b)}}, iiov = {in, sizeof(in)};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
	struct mmsghdr many[3];
	struct cmsghdr *cm;
	int sv[2], fd, got, i;

	start();
	memset(b, 'b', sizeof(b));
	ATF_REQUIRE_EQ(rump_sys_socketpair(AF_UNIX, SOCK_DGRAM, 0, sv), 0);
	fd = rump_sys_open("/passed", O_RDWR | O_CREAT, 0600);
	ATF_REQUIRE_EQ(rump_sys_write(fd, "passed", 6), 6);
	memset(&control, 0, sizeof(control));
	msg.msg_control = &control;
	msg.msg_controllen = sizeof(control);
	cm = CMSG_FIRSTHDR(&msg);
	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cm), &fd, sizeof(fd));
	ATF_REQUIRE_EQ(rump_sys_sendmsg(sv[0], &msg, 0), 2002);
	memset(&control, 0, sizeof(control));
	msg.msg_iov = &iiov;
	msg.msg_iovlen = 1;
	ATF_REQUIRE_EQ(rump_sys_recvmsg(sv[1], &msg, 0), 2002);
	ATF_REQUIRE_EQ(memcmp(in, "abbb", 4), 0);
	cm = CMSG_FIRSTHDR(&msg);
	ATF_REQUIRE(cm != NULL && cm->cmsg_type == SCM_RIGHTS);
	memcpy(&got, CMSG_DATA(cm), sizeof(got));
	ATF_REQUIRE(got != fd);
	ATF_REQUIRE_EQ(rump_sys_pread(got, in, sizeof(in), 0), 6);
	ATF_REQUIRE_EQ(memcmp(in, "passed", 6), 0);
	memset(many, 0, sizeof(many));
	for (i = 0; i < 3; i++) {
		many[i].msg_hdr.msg_iov = iov;
		many[i].msg_hdr.msg_iovlen = (size_t)i;
	}
	ATF_REQUIRE_EQ(rump_sys_sendmmsg(sv[0], many, 3, 0), 3);
	ATF_REQUIRE_EQ(many[2].msg_len, 2002);
	ATF_REQUIRE_EQ(many[1].msg_len, 2);
	for (i = 0; i < 3; i++) {
		many[i].msg_hdr.msg_iov = &iiov;
		many[i].msg_hdr.msg_iovlen = 1;
		many[i].msg_len = 77;
	}
	ATF_REQUIRE_EQ(
	    rump_sys_recvmmsg(sv[1], many, 3, MSG_DONTWAIT, NULL), 3);
	ATF_REQUIRE_EQ(many[0].msg_len, 0);
	ATF_REQUIRE_EQ(many[1].msg_len, 2);
	ATF_REQUIRE_EQ(many[2].msg_len, 2002);
	ATF_REQUIRE_ERRNO(EFAULT, rump_sys_sendmsg(sv[0], NULL, 0) == -1);
}

static void
on_signal(int signo)
{
	(void)signo;
}

TC(interrupt, "a handler of the host ends a sleep, but with SA_RESTART")
{
	struct sigaction sa = {.sa_handler = on_signal};
	pthread_t thread;
	int fds[2];
	char c;

	start();
	ATF_REQUIRE_EQ(rump_sys_pipe(fds), 0);
	ATF_REQUIRE_EQ(sigaction(SIGALRM, &sa, NULL), 0);
	ualarm(50000, 0);
	ATF_REQUIRE_ERRNO(EINTR, rump_sys_read(fds[0], &c, 1) == -1);
	sa.sa_flags = SA_RESTART;
	ATF_REQUIRE_EQ(sigaction(SIGALRM, &sa, NULL), 0);
	ualarm(10000, 0);
	ATF_REQUIRE_EQ(pthread_create(&thread, NULL, write_later, &fds[1]), 0);
	ATF_REQUIRE_EQ(rump_sys_read(fds[0], &c, 1), 1);
	ATF_REQUIRE_EQ(pthread_join(thread, NULL), 0);
}

static int nested_pid;

static void
on_signal_call(int signo)
{
	(void)signo;
	nested_pid = rump_sys_getpid();
}

TC(nested, "a handler that makes calls while the thread is in one")
{
	struct sigaction sa = {
	    .sa_handler = on_signal_call, .sa_flags = SA_RESTART};
	pthread_t thread;
	int fds[2];
	char c;

	start();
	ATF_REQUIRE_EQ(rump_sys_pipe(fds), 0);
	ATF_REQUIRE_EQ(sigaction(SIGALRM, &sa, NULL), 0);
	ualarm(10000, 0);
	ATF_REQUIRE_EQ(pthread_create(&thread, NULL, write_later, &fds[1]), 0);
	ATF_REQUIRE_EQ(rump_sys_read(fds[0], &c, 1), 1);
	ATF_REQUIRE_EQ(nested_pid, rump_sys_getpid());
	ATF_REQUIRE_EQ(pthread_join(thread, NULL), 0);
}

static volatile int caught;

static void
on_kernel_signal(int signo, siginfo_t *info, void *uc)
{
	(void)uc;
	if (info->si_signo == signo)
		caught++;
}

TC(handlers, "handlers of the kernel's signals run in the client")
{
	struct sigaction sa = {.sa_flags = SA_SIGINFO};
	sigset_t set, old;

	start();
	sa.sa_sigaction = on_kernel_signal;
	ATF_REQUIRE_EQ(rump_sys_sigaction(SIGUSR1, &sa, NULL), 0);
	ATF_REQUIRE_EQ(rump_sys_kill(rump_sys_getpid(), SIGUSR1), 0);
	ATF_REQUIRE_EQ(caught, 1);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	ATF_REQUIRE_EQ(rump_sys_sigprocmask(SIG_BLOCK, &set, &old), 0);
	ATF_REQUIRE_EQ(rump_sys_kill(rump_sys_getpid(), SIGUSR1), 0);
	ATF_REQUIRE_EQ(caught, 1);
	ATF_REQUIRE_EQ(rump_sys_sigprocmask(SIG_SETMASK, &old, NULL), 0);
	ATF_REQUIRE_EQ(caught, 2);
	ATF_REQUIRE_EQ(rump_sys_kill(rump_sys_getpid(), SIGUSR1), 0);
	ATF_REQUIRE_EQ(caught, 3);
}

static void
on_event(union sigval value)
{
	(void)value;
}

TC(functions, "the server does not call what is in the client")
{
	struct sigevent ev = {
	    .sigev_notify = SIGEV_THREAD, .sigev_notify_function = on_event};
	timer_t t;

	start();
	ATF_REQUIRE_ERRNO(
	    EINVAL, rump_sys_timer_create(CLOCK_MONOTONIC, &ev, &t) == -1);
	ev.sigev_notify = SIGEV_NONE;
	ATF_REQUIRE_EQ(rump_sys_timer_create(CLOCK_MONOTONIC, &ev, &t), 0);
}

TC(raise, "what nobody catches in the kernel goes to the host process")
{
	struct sigaction sa = {.sa_handler = on_signal_call};
	int fds[2];

	start();
	ATF_REQUIRE_EQ(rump_sys_pipe(fds), 0);
	ATF_REQUIRE_EQ(rump_sys_close(fds[0]), 0);
	ATF_REQUIRE_EQ(sigaction(SIGPIPE, &sa, NULL), 0);
	ATF_REQUIRE_ERRNO(EPIPE, rump_sys_write(fds[1], "x", 1) == -1);
	ATF_REQUIRE_EQ(nested_pid, rump_sys_getpid());
}

TC(claims, "buffers that are shorter than the call says, at a page's end")
{
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *end = page + 4096;
	struct sembuf *sb = (struct sembuf *)(end - sizeof(*sb));
	struct iovec *iov = (struct iovec *)(end - sizeof(*iov));
	int fd, sem;

	start();
	ATF_REQUIRE(page != MAP_FAILED);
	memset(page, 'x', 4096);
	ATF_REQUIRE_EQ(mprotect(end, 4096, PROT_NONE), 0);
	fd = rump_sys_open("/f", O_RDWR | O_CREAT, 0640);
	ATF_REQUIRE_EQ(fd, 3);
	ATF_REQUIRE_EQ(rump_sys_write(fd, end - 100, 100), 100);
	ATF_REQUIRE_ERRNO(EFAULT, rump_sys_write(fd, end - 100, 101) == -1);
	ATF_REQUIRE_ERRNO(
	    EFAULT, rump_sys_pwrite(fd, end - 4, 100000, 0) == -1);
	ATF_REQUIRE_ERRNO(EBADF, rump_sys_write(9, end - 4, 5000) == -1);
	*iov = (struct iovec){end - 8, 8};
	ATF_REQUIRE_EQ(rump_sys_writev(fd, iov, 1), 8);
	ATF_REQUIRE_ERRNO(EFAULT, rump_sys_writev(fd, iov, 2) == -1);
	ATF_REQUIRE_ERRNO(EINVAL, rump_sys_writev(fd, iov, 1025) == -1);
	iov->iov_len = 9;
	ATF_REQUIRE_ERRNO(EFAULT, rump_sys_writev(fd, iov, 1) == -1);
	ATF_REQUIRE_ERRNO(ENAMETOOLONG,
	    rump_sys_open(memset(page, 'x', 4096), O_RDONLY) == -1);
	sem = rump_sys_semget(IPC_PRIVATE, 1, 0600);
	ATF_REQUIRE(sem >= 0);
	*sb = (struct sembuf){0, 1, 0};
	ATF_REQUIRE_EQ(rump_sys_semop(sem, sb, 1), 0);
	ATF_REQUIRE_ERRNO(E2BIG, rump_sys_semop(sem, sb, 501) == -1);
	ATF_REQUIRE_ERRNO(EFAULT, rump_sys_semop(sem, sb, 2) == -1);
}

/*
 * Interrupted while others end what it sleeps in
 */

#define ONCE_BYTES (10000 / TC_SLOW)

static void
once_caught(int signo)
{
	(void)signo;
}

/* Bytes that are read count up; NULL if all do. */
static void *
once_reader(void *arg)
{
	unsigned char c;
	int i;

	for (i = 0; i < ONCE_BYTES; i++) {
		while (rump_sys_read(*(int *)arg, &c, 1) != 1)
			if (errno != EINTR)
				return arg;
		if (c != (unsigned char)i)
			return arg;
	}
	return NULL;
}

static _Atomic bool once_over;

static void *
once_interrupter(void *arg)
{
	while (!once_over)
		(void)pthread_kill(*(pthread_t *)arg, SIGUSR1);
	return NULL;
}

TC(once, "a call that is interrupted as it ends is made once")
{
	struct sigaction sa = {.sa_handler = once_caught};
	pthread_t reader, interrupter;
	unsigned char c;
	void *result;
	int fds[2], i;

	start();
	ATF_REQUIRE_EQ(sigaction(SIGUSR1, &sa, NULL), 0);
	ATF_REQUIRE_EQ(rump_sys_pipe(fds), 0);
	ATF_REQUIRE_EQ(pthread_create(&reader, NULL, once_reader, &fds[0]), 0);
	ATF_REQUIRE_EQ(
	    pthread_create(&interrupter, NULL, once_interrupter, &reader), 0);
	for (i = 0; i < ONCE_BYTES; i++) {
		c = (unsigned char)i;
		while (rump_sys_write(fds[1], &c, 1) != 1)
			ATF_REQUIRE_EQ(errno, EINTR);
	}
	ATF_REQUIRE_EQ(pthread_join(reader, &result), 0);
	once_over = true;
	ATF_REQUIRE_EQ(pthread_join(interrupter, NULL), 0);
	ATF_REQUIRE(result == NULL);
	ATF_REQUIRE_EQ(rump_sys_close(fds[1]), 0);
	ATF_REQUIRE_EQ(rump_sys_read(fds[0], &c, 1), 0);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, init);
	ATF_TP_ADD_TC(tp, files);
	ATF_TP_ADD_TC(tp, big);
	ATF_TP_ADD_TC(tp, vectors);
	ATF_TP_ADD_TC(tp, sleep);
	ATF_TP_ADD_TC(tp, lwproc);
	ATF_TP_ADD_TC(tp, fork);
	ATF_TP_ADD_TC(tp, cancel);
	ATF_TP_ADD_TC(tp, gone);
	ATF_TP_ADD_TC(tp, syscall);
	ATF_TP_ADD_TC(tp, messages);
	ATF_TP_ADD_TC(tp, interrupt);
	ATF_TP_ADD_TC(tp, once);
	ATF_TP_ADD_TC(tp, nested);
	ATF_TP_ADD_TC(tp, handlers);
	ATF_TP_ADD_TC(tp, functions);
	ATF_TP_ADD_TC(tp, raise);
	ATF_TP_ADD_TC(tp, claims);
	return atf_no_error();
}
