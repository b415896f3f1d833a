/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Remote clients whose memory the kernel is to reach when no call of theirs is
 * going on: segments of System V, and asynchronous input and output.
 */
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/wait.h>

#include <aio.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>

#include <rump/rumpclient.h>

#include "lib/server.h"
#include "lib/tc.h"

#define SIZE 20000

static int seg;

static void
start(void)
{
	ATF_REQUIRE(server_start(0, "--grace=1") != -1);
	ATF_REQUIRE_EQ(rumpclient_init(), 0);
}

static int
ended(pid_t pid)
{
	int status;
	pid_t got;

	/* A signal that the server has sent may come just now. */
	do
		got = waitpid(pid, &status, 0);
	while (got == -1 && errno == EINTR);
	ATF_REQUIRE_EQ(pid, got);
	return status;
}

/* A child that is a client of its own and has done this. */
static int
child(int (*fn)(void))
{
	pid_t pid = rumpclient_fork();

	ATF_REQUIRE(pid != -1);
	if (pid == 0)
		_exit(fn());
	return ended(pid);
}

/*
 * Segments
 */

/* A segment, attached; over TCP there are none. */
static char *
segment(void)
{
	char *a;

	start();
	seg = (int)T_OK(rump_sys_shmget(77, SIZE, IPC_CREAT | 0600));
	a = rump_sys_shmat(seg, NULL, 0);
#ifdef SERVER_TLS
	ATF_REQUIRE_ERRNO(ENOSYS, a == (void *)-1);
	ATF_REQUIRE_ERRNO(ENOSYS, rump_sys_shmdt(seg + (char *)4096) == -1);
	atf_tc_skip("there is no memory to share");
#endif
	ATF_REQUIRE(a != (void *)-1);
	return a;
}

static struct shmid_ds
stat_seg(void)
{
	struct shmid_ds ds;

	T_OK(rump_sys_shmctl(seg, IPC_STAT, &ds));
	return ds;
}

/* What a client that has ended had is detached a moment later. */
static void
await_nattch(unsigned long n)
{
	for (int i = 0; i < 500 && stat_seg().shm_nattch != n; i++)
		usleep(10000);
	T_EQ(n, stat_seg().shm_nattch);
}

static char *inherited;

static int
use_inherited(void)
{
	if (stat_seg().shm_nattch != 2 || strcmp(inherited, "parent") != 0)
		return 1;
	strcpy(inherited, "child");
	return 0;
}

static int
detach_inherited(void)
{
	if (rump_sys_shmdt(inherited) != 0 || stat_seg().shm_nattch != 1)
		return 1;
	return rump_sys_shmdt(inherited) == -1 && errno == EINVAL ? 0 : 2;
}

static int
attach_own(void)
{
	char *a = rump_sys_shmat(seg, NULL, 0);

	if (a == (void *)-1 || strcmp(a, "child") != 0 ||
	    stat_seg().shm_nattch != 3)
		return 1;
	a[SIZE - 1] = 'x';
	(void)kill(getpid(), SIGKILL);
	return 2;
}

TC(shared, "clients share a segment; a child has what its parent attached")
{
	inherited = segment();
	for (int i = 0; i < SIZE; i++)
		T_EQ(0, inherited[i]);
	strcpy(inherited, "parent");
	T_EQ(0, child(use_inherited));
	T_EQ(0, strcmp(inherited, "child"));
	await_nattch(1);
	T_EQ(0, child(detach_inherited));
	T_EQ(SIGKILL, WTERMSIG(child(attach_own)));
	T_EQ('x', inherited[SIZE - 1]);
	await_nattch(1);
	T_OK(rump_sys_shmdt(inherited));
	T_EQ(0, stat_seg().shm_nattch);
}

static int
is_there(void)
{
	return inherited[0] == 'a' ? 0 : 1;
}

TC(removed, "a removed segment stays until the last client has detached it")
{
	pid_t pid;
	int go[2];
	char c;

	inherited = segment();
	inherited[0] = 'a';
	T_EQ(0, pipe(go));
	if ((pid = rumpclient_fork()) == 0) {
		(void)!read(go[0], &c, 1);
		_exit(is_there());
	}
	T_ASSERT(pid != -1);
	T_OK(rump_sys_shmctl(seg, IPC_RMID, NULL));
	T_ERR(ENOENT, rump_sys_shmget(77, SIZE, 0));
	T_OK(rump_sys_shmdt(inherited));
	T_EQ(1, stat_seg().shm_nattch);
	T_EQ(1, write(go[1], "", 1));
	T_EQ(0, ended(pid));
	for (int i = 0; i < 500; i++) {
		if (rump_sys_shmctl(seg, IPC_STAT, &(struct shmid_ds){0}) == -1)
			break;
		usleep(10000);
	}
	T_ERR(EINVAL, rump_sys_shmctl(seg, IPC_STAT, NULL));
}

TC(places, "where a segment is attached: SHM_RND and SHM_REMAP")
{
	void *failed = (void *)-1;
	char *a = segment(), *hole, *b;

	hole =
	    mmap(NULL, 1 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	T_ASSERT(hole != MAP_FAILED);
	T_EQ(0, munmap(hole, 1 << 20));
	T_PTR(hole, rump_sys_shmat(seg, hole, 0));
	T_PTR(hole + 65536, rump_sys_shmat(seg, hole + 65537, SHM_RND));
	T_EQ(3, stat_seg().shm_nattch);
	/* What is there is in the way. */
	T_PTR(failed, rump_sys_shmat(seg, hole, 0));
	T_EQ(EINVAL, errno);
	T_PTR(failed, rump_sys_shmat(seg, hole + 4096, 0));
	T_EQ(EINVAL, errno);
	T_PTR(failed, rump_sys_shmat(seg, hole + 1, 0));
	T_EQ(EINVAL, errno);
	T_PTR(failed, rump_sys_shmat(seg, NULL, SHM_REMAP));
	T_EQ(EINVAL, errno);
	T_EQ(3, stat_seg().shm_nattch);
	/* Or goes. */
	b = rump_sys_shmat(seg, hole, SHM_REMAP);
	T_PTR(hole, b);
	T_EQ(3, stat_seg().shm_nattch);
	a[5] = 'q';
	T_EQ('q', b[5]);
	T_EQ('q', hole[65536 + 5]);
	T_OK(rump_sys_shmdt(hole));
	T_ERR(EINVAL, rump_sys_shmdt(hole));
	T_OK(rump_sys_shmdt(hole + 65536));
	T_EQ(1, stat_seg().shm_nattch);
	/* It is not mapped any more. */
	T_EQ(-1, msync(hole, 4096, MS_ASYNC));
	T_EQ(ENOMEM, errno);
}

static int
write_there(void)
{
	((volatile char *)inherited)[0] = 1;
	return 0;
}

TC(rdonly, "SHM_RDONLY: who may only read cannot write")
{
	char *a = segment();

	inherited = rump_sys_shmat(seg, NULL, SHM_RDONLY);
	T_ASSERT(inherited != (void *)-1);
	a[0] = 'r';
	T_EQ('r', inherited[0]);
	T_EQ(-1, mprotect(inherited, 4096, PROT_READ | PROT_WRITE));
	T_EQ(EACCES, errno);
	/* A sanitizer ends it otherwise. */
	T_ASSERT(child(write_there) != 0);
	T_EQ('r', a[0]);
	/* What others may read is attached to be read only. */
	T_OK(rump_sys_shmctl(seg, IPC_SET,
	    &(struct shmid_ds){
		.shm_perm = {.uid = 0, .gid = 0, .mode = 0644}}));
	T_EQ(0, rump_pub_lwproc_rfork(RUMP_RFCFDG));
	T_OK(rump_sys_setuid(9));
	T_PTR((void *)-1, rump_sys_shmat(seg, NULL, 0));
	T_EQ(EACCES, errno);
	a = rump_sys_shmat(seg, NULL, SHM_RDONLY);
	T_ASSERT(a != (void *)-1);
	T_EQ('r', a[0]);
	T_OK(rump_sys_shmdt(a));
}

TC(processes, "processes of one client: what one detaches the other still has")
{
	char *a = segment();
	struct lwp *p;

	a[0] = 'p';
	p = newproc(RUMP_RFCFDG);
	T_EQ(2, stat_seg().shm_nattch);
	T_OK(rump_sys_shmdt(a));
	T_EQ('p', a[0]);
	release(p);
	rump_pub_lwproc_switch(NULL);
	T_EQ(1, stat_seg().shm_nattch);
	T_OK(rump_sys_shmdt(a));
	T_EQ(-1, msync(a, 4096, MS_ASYNC));
}

TC(exec_target, "the program that exec runs; alone it has nothing to do")
{
	if (getenv("TEST_SEG") == NULL)
		atf_tc_skip("is run by exec");
	ATF_REQUIRE_EQ(rumpclient_init(), 0);
	seg = atoi(getenv("TEST_SEG"));
	T_EQ(1, stat_seg().shm_nattch);
	T_ERR(EINVAL, rump_sys_aio_error((struct aiocb *)4096));
}

static int
exec_self(void)
{
	char self[256] = "", folder[258] = "-s", text[16];
	char *argv[] = {self, folder, "-r/dev/null", "exec_target", NULL};

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) <= 0)
		return 8;
	strcpy(folder + 2, self);
	*strrchr(folder, '/') = '\0';
	snprintf(text, sizeof(text), "%d", seg);
	setenv("TEST_SEG", text, 1);
	rumpclient_exec("/proc/self/exe", argv, environ);
	return 9;
}

TC(exec, "another program has nothing attached")
{
	(void)segment();
	T_EQ(0, child(exec_self));
	T_EQ(1, stat_seg().shm_nattch);
}

/*
 * Requests
 */

static struct aiocb
request(int fd, void *p, size_t len, off_t off)
{
	struct aiocb cb;

	memset(&cb, 0, sizeof(cb));
	cb.aio_fildes = fd;
	cb.aio_buf = p;
	cb.aio_nbytes = len;
	cb.aio_offset = off;
	cb.aio_sigevent.sigev_notify = SIGEV_NONE;
	return cb;
}

static ssize_t
result(struct aiocb *cb)
{
	const struct aiocb *list[] = {cb};

	T_OK(rump_sys_aio_suspend(list, 1, NULL));
	T_EQ(0, rump_sys_aio_error(cb));
	return rump_sys_aio_return(cb);
}

TC(big, "requests larger than a message, and than a slot")
{
	size_t len = 12u << 20, done;
	char *out = malloc(len), *in = calloc(1, len);
	struct aiocb cb;
	ssize_t n;
	int fd;

	start();
	for (size_t i = 0; i < len; i++)
		out[i] = (char)(i * 7 + i / 4096);
	fd = (int)T_OK(rump_sys_open("/big", O_RDWR | O_CREAT, 0600));
	for (done = 0; done < len; done += (size_t)n) {
		cb = request(fd, out + done, len - done, (off_t)done);
		T_OK(rump_sys_aio_write(&cb));
		n = result(&cb);
		T_ASSERT(n > 0);
	}
	for (done = 0; done < len; done += (size_t)n) {
		cb = request(fd, in + done, len - done, (off_t)done);
		T_OK(rump_sys_aio_read(&cb));
		n = result(&cb);
		T_ASSERT(n > 0);
	}
	T_EQ(0, memcmp(in, out, len));
	free(in);
	free(out);
}

static char data[300000], buf[300000];
static volatile int good, told;

static void
on_read(int signo, siginfo_t *info, void *uc)
{
	struct aiocb *cb = info->si_value.sival_ptr;

	(void)signo, (void)uc;
	told++;
	good = memcmp(buf, data, sizeof(data)) == 0 &&
	       rump_sys_aio_error(cb) == 0 &&
	       rump_sys_aio_return(cb) == (ssize_t)sizeof(data);
}

TC(handler, "a handler that is told of a read finds what was read")
{
	struct sigaction sa = {.sa_sigaction = on_read, .sa_flags = SA_SIGINFO};
	struct aiocb cb;
	int fd;

	start();
	memset(data, 'd', sizeof(data));
	fd = (int)T_OK(rump_sys_open("/f", O_RDWR | O_CREAT, 0600));
	T_EQ(sizeof(data), rump_sys_pwrite(fd, data, sizeof(data), 0));
	T_OK(rump_sys_sigaction(SIGUSR1, &sa, NULL));
	cb = request(fd, buf, sizeof(buf), 0);
	cb.aio_sigevent.sigev_notify = SIGEV_SIGNAL;
	cb.aio_sigevent.sigev_signo = SIGUSR1;
	cb.aio_sigevent.sigev_value.sival_ptr = &cb;
	T_OK(rump_sys_aio_read(&cb));
	T_EQ(1, told);
	T_EQ(1, good);
}

static int pipefd[2];

/* Read one after the other what the main thread writes. */
static void *
read_many(void *arg)
{
	struct aiocb cb;
	const struct aiocb *list[] = {&cb};
	int n = *(int *)arg, own, i;

	for (i = 0; i < n; i++) {
		own = -1;
		cb = request(pipefd[0], &own, sizeof(own), 0);
		T_OK(rump_sys_aio_read(&cb));
		T_OK(rump_sys_aio_suspend(list, 1, NULL));
		T_EQ(0, rump_sys_aio_error(&cb));
		T_EQ(sizeof(own), rump_sys_aio_return(&cb));
		T_EQ(7, own);
		/* Nobody puts it there again. */
		own = 8;
		(void)rump_sys_aio_error(&cb);
		T_EQ(8, own);
	}
	return NULL;
}

TC(threads, "each thread gets what its requests have read, once")
{
	enum { NTHREADS = 4 };
	pthread_t t[NTHREADS];
	int n = 300 / TC_SLOW, seven = 7;

	start();
	T_OK(rump_sys_pipe(pipefd));
	for (int i = 0; i < NTHREADS; i++)
		T_EQ(0, pthread_create(&t[i], NULL, read_many, &n));
	for (int i = 0; i < n * NTHREADS; i++)
		T_EQ(sizeof(seven),
		    rump_sys_write(pipefd[1], &seven, sizeof(seven)));
	for (int i = 0; i < NTHREADS; i++)
		T_EQ(0, pthread_join(t[i], NULL));
}

static struct aiocb waiting;

static int
has_none(void)
{
	if (rump_sys_aio_error(&waiting) != -1 || errno != EINVAL)
		return 1;
	if (rump_sys_aio_cancel(pipefd[0], NULL) != AIO_ALLDONE)
		return 2;
	return rump_sys_write(pipefd[1], "f", 1) == 1 ? 0 : 3;
}

TC(forked, "the child of a fork has no requests, and its parent has them")
{
	char c = 0;

	start();
	T_OK(rump_sys_pipe(pipefd));
	waiting = request(pipefd[0], &c, 1, 0);
	T_OK(rump_sys_aio_read(&waiting));
	T_EQ(0, child(has_none));
	T_EQ(1, result(&waiting));
	T_EQ('f', c);
}

static void
on_alarm(int signo)
{
	(void)signo;
}

TC(interrupted, "a signal of the host ends a wait, and the request goes on")
{
	struct sigaction sa = {.sa_handler = on_alarm};
	struct aiocb *list[] = {&waiting};
	char c = 0;

	start();
	T_OK(rump_sys_pipe(pipefd));
	T_EQ(0, sigaction(SIGALRM, &sa, NULL));
	waiting = request(pipefd[0], &c, 1, 0);
	waiting.aio_lio_opcode = LIO_READ;
	T_EQ(0, ualarm(50000, 50000));
	T_ERR(EINTR, rump_sys_lio_listio(LIO_WAIT, list, 1, NULL));
	T_ERR(EINTR,
	    rump_sys_aio_suspend((const struct aiocb *const *)list, 1, NULL));
	(void)ualarm(0, 0);
	T_EQ(EINPROGRESS, rump_sys_aio_error(&waiting));
	T_EQ(1, rump_sys_write(pipefd[1], "i", 1));
	T_EQ(1, result(&waiting));
	T_EQ('i', c);
}

TC(bad, "addresses that are none")
{
	struct aiocb *none = (struct aiocb *)16;
	struct aiocb *list[] = {none};

	start();
	T_ERR(EFAULT, rump_sys_aio_read(NULL));
	T_ERR(EFAULT, rump_sys_aio_write(none));
	T_ERR(EINVAL, rump_sys_aio_fsync(77, none));
	T_ERR(EFAULT, rump_sys_aio_fsync(O_SYNC, none));
	T_ERR(EINVAL, rump_sys_aio_error(none));
	T_ERR(EINVAL, rump_sys_aio_return(none));
	T_ERR(EFAULT, rump_sys_aio_cancel(0, none));
	T_ERR(EFAULT, rump_sys_aio_suspend(NULL, 1, NULL));
	T_ERR(EFAULT, rump_sys_lio_listio(LIO_WAIT, NULL, 1, NULL));
	T_ERR(EFAULT,
	    rump_sys_lio_listio(LIO_NOWAIT, list, 1, (struct sigevent *)16));
	T_ERR(EIO, rump_sys_lio_listio(LIO_WAIT, list, 1, NULL));
}

/*
 * Signals between a fork and the child's first word
 */

static volatile int terms;

static void
on_term(int signo)
{
	(void)signo;
	terms++;
}

TC(early, "a signal for a child that has not said who it is reaches it")
{
	struct sigaction sa = {.sa_handler = on_term};
	struct rumpclient_fork *rf;
	pid_t pid;

	start();
	T_EQ(0, sigaction(SIGTERM, &sa, NULL));
	T_OK(rump_sys_setpgid(0, 0));
	T_ASSERT((rf = rumpclient_prefork()) != NULL);
	T_OK(rump_sys_kill(0, SIGTERM));
	if ((pid = fork()) == 0) {
		(void)signal(SIGTERM, SIG_DFL);
		(void)rumpclient_fork_init(rf);
		for (int i = 0; i < 1000; i++) {
			(void)rump_sys_getpid();
			usleep(10000);
		}
		_exit(1);
	}
	T_EQ(SIGTERM, WTERMSIG(ended(pid)));
	free(rf);
	for (int i = 0; i < 500 && terms == 0; i++)
		usleep(10000);
	T_EQ(1, terms);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, shared);
	ATF_TP_ADD_TC(tp, removed);
	ATF_TP_ADD_TC(tp, places);
	ATF_TP_ADD_TC(tp, rdonly);
	ATF_TP_ADD_TC(tp, processes);
	ATF_TP_ADD_TC(tp, exec_target);
	ATF_TP_ADD_TC(tp, exec);
	ATF_TP_ADD_TC(tp, big);
	ATF_TP_ADD_TC(tp, handler);
	ATF_TP_ADD_TC(tp, threads);
	ATF_TP_ADD_TC(tp, forked);
	ATF_TP_ADD_TC(tp, interrupted);
	ATF_TP_ADD_TC(tp, bad);
	ATF_TP_ADD_TC(tp, early);
	return atf_no_error();
}
