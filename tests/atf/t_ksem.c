/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Semaphores of POSIX.
 */
#include <sys/stat.h>

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>

#include "threads.h"

static intptr_t sem;

static unsigned
value(intptr_t id)
{
	unsigned n = 77;

	T_OK(rump_sys__ksem_getvalue(id, &n));
	return n;
}

TC(unnamed, "a semaphore without a name counts")
{
	boot();
	T_OK(rump_sys__ksem_init(2, &sem));
	T_EQ(2, value(sem));
	T_OK(rump_sys__ksem_wait(sem));
	T_OK(rump_sys__ksem_trywait(sem));
	T_ERR(EAGAIN, rump_sys__ksem_trywait(sem));
	T_OK(rump_sys__ksem_post(sem));
	T_EQ(1, value(sem));
	T_ERR(EINVAL, rump_sys__ksem_close(sem));
	T_OK(rump_sys__ksem_destroy(sem));
	T_ERR(EINVAL, rump_sys__ksem_post(sem));
	T_ERR(EINVAL, rump_sys__ksem_destroy(sem));
}

TC(arguments, "bad arguments are refused")
{
	char longname[300] = "/";
	intptr_t id;
	unsigned n;

	boot();
	T_ERR(EINVAL, rump_sys__ksem_init((unsigned)SEM_VALUE_MAX + 1, &id));
	T_ERR(EFAULT, rump_sys__ksem_init(1, NULL));
	T_ERR(EINVAL, rump_sys__ksem_open("none", O_CREAT, 0600, 1, &id));
	T_ERR(EINVAL, rump_sys__ksem_open("/", O_CREAT, 0600, 1, &id));
	T_ERR(EINVAL, rump_sys__ksem_open("/a/b", O_CREAT, 0600, 1, &id));
	T_ERR(EINVAL, rump_sys__ksem_open("/..", O_CREAT, 0600, 1, &id));
	T_ERR(EFAULT, rump_sys__ksem_open(NULL, O_CREAT, 0600, 1, &id));
	T_ERR(EINVAL, rump_sys__ksem_open("/a", O_TRUNC, 0600, 1, &id));
	T_ERR(EINVAL, rump_sys__ksem_open("/a", O_CREAT, 0600, ~0U, &id));
	memset(longname + 1, 'a', 256);
	T_ERR(
	    ENAMETOOLONG, rump_sys__ksem_open(longname, O_CREAT, 0600, 1, &id));
	T_ERR(ENOENT, rump_sys__ksem_open("/a", 0, 0, 0, &id));
	T_ERR(ENOENT, rump_sys__ksem_unlink("/a"));
	/* A descriptor of something else is none. */
	T_ERR(EINVAL, rump_sys__ksem_post(0));
	T_ERR(EINVAL, rump_sys__ksem_wait(-1));
	T_ERR(EINVAL, rump_sys__ksem_trywait(INTPTR_MAX));
	T_ERR(EINVAL, rump_sys__ksem_getvalue(99, &n));
	T_OK(rump_sys__ksem_init(SEM_VALUE_MAX, &id));
	T_ERR(EOVERFLOW, rump_sys__ksem_post(id));
	T_ERR(EFAULT, rump_sys__ksem_getvalue(id, NULL));
	T_EQ(SEM_VALUE_MAX, value(id));
}

TC(named, "a name leads to one semaphore until it is unlinked")
{
	struct stat sb;
	intptr_t a, b, c;

	boot();
	rump_sys_umask(022);
	T_OK(rump_sys__ksem_open("/x", O_CREAT | O_EXCL, 0666, 3, &a));
	T_ERR(EEXIST, rump_sys__ksem_open("/x", O_CREAT | O_EXCL, 0666, 3, &b));
	T_OK(rump_sys__ksem_open("/x", O_CREAT, 0666, 9, &b));
	T_OK(rump_sys__ksem_wait(b));
	T_EQ(2, value(a));
	T_OK(rump_sys_fstat((int)a, &sb));
	T_EQ(S_IFREG | 0644, sb.st_mode);
	T_ERR(EINVAL, rump_sys__ksem_destroy(a));
	T_OK(rump_sys__ksem_close(a));
	T_OK(rump_sys__ksem_close(b));
	/* It stays, with its value, although nobody has it open. */
	T_OK(rump_sys__ksem_open("/x", 0, 0, 0, &a));
	T_EQ(2, value(a));
	T_OK(rump_sys__ksem_unlink("/x"));
	T_ERR(ENOENT, rump_sys__ksem_open("/x", 0, 0, 0, &b));
	T_OK(rump_sys__ksem_open("/x", O_CREAT, 0600, 0, &c));
	T_EQ(0, value(c));
	T_EQ(2, value(a));
	T_OK(rump_sys__ksem_unlink("/x"));
}

TC(permission, "who may open it is up to its mode")
{
	intptr_t id;

	boot();
	rump_sys_umask(0);
	newproc(RUMP_RFCFDG);
	T_OK(rump_sys_setgid(20));
	T_OK(rump_sys_setuid(10));
	T_OK(rump_sys__ksem_open("/mine", O_CREAT, 0600, 0, &id));
	T_OK(rump_sys__ksem_open("/ours", O_CREAT, 0660, 0, &id));
	T_OK(rump_sys__ksem_open("/notours", O_CREAT, 0606, 0, &id));
	rump_pub_lwproc_releaselwp();

	newproc(RUMP_RFCFDG);
	T_OK(rump_sys_setgid(20));
	T_OK(rump_sys_setuid(11));
	T_ERR(EACCES, rump_sys__ksem_open("/mine", 0, 0, 0, &id));
	T_ERR(EACCES, rump_sys__ksem_open("/notours", 0, 0, 0, &id));
	T_OK(rump_sys__ksem_open("/ours", 0, 0, 0, &id));
	T_ERR(EACCES, rump_sys__ksem_unlink("/mine"));
	rump_pub_lwproc_releaselwp();

	newproc(RUMP_RFCFDG);
	T_OK(rump_sys_setuid(12));
	T_OK(rump_sys__ksem_open("/notours", 0, 0, 0, &id));
	rump_pub_lwproc_releaselwp();

	/* Root may do all of it. */
	T_OK(rump_sys__ksem_unlink("/mine"));
	T_OK(rump_sys__ksem_unlink("/ours"));
	T_OK(rump_sys__ksem_unlink("/notours"));
}

TC(processes, "ids are inherited as descriptors are, and go with a process")
{
	struct rump_memstat before, after;
	struct lwp *parent, *child;
	intptr_t id, other;

	boot();
	T_OK(rump_sys__ksem_open("/warm", O_CREAT, 0600, 0, &id));
	T_OK(rump_sys__ksem_close(id));
	T_OK(rump_sys__ksem_unlink("/warm"));
	newproc(RUMP_RFCFDG);
	rump_pub_lwproc_releaselwp();
	T_EQ(0, rump_pub_memstat(&before));

	parent = newproc(RUMP_RFCFDG);
	T_OK(rump_sys__ksem_init(0, &id));
	T_OK(rump_sys__ksem_open("/named", O_CREAT, 0600, 0, &other));
	child = newproc(RUMP_RFFDG);
	T_OK(rump_sys__ksem_post(id));
	T_OK(rump_sys__ksem_post(other));
	rump_pub_lwproc_switch(parent);
	T_OK(rump_sys__ksem_trywait(id));
	T_OK(rump_sys__ksem_destroy(id));
	T_ERR(EINVAL, rump_sys__ksem_post(id));
	rump_pub_lwproc_switch(child);
	/* A copy of the table has it still. */
	T_OK(rump_sys__ksem_post(id));
	T_OK(rump_sys__ksem_unlink("/named"));
	rump_pub_lwproc_releaselwp();
	release(parent);

	T_EQ(0, rump_pub_memstat(&after));
	T_EQ(before.files, after.files);
	T_EQ(before.used, after.used);
	/* A process with an empty table has none of them. */
	T_OK(rump_sys__ksem_init(0, &id));
	newproc(RUMP_RFCFDG);
	T_ERR(EINVAL, rump_sys__ksem_post(id));
}

static void
wait_once(struct thread *t)
{
	thread_sleeps(t);
	T_OK(rump_sys__ksem_wait(sem));
}

TC(waits, "who waits goes on when somebody posts, one for one")
{
	struct thread team[6];

	boot();
	T_OK(rump_sys__ksem_init(0, &sem));
	team_start(team, 6, wait_once, NULL);
	team_await_asleep(team, 6);
	T_ERR(EBUSY, rump_sys__ksem_destroy(sem));
	for (int i = 0; i < 6; i++)
		T_OK(rump_sys__ksem_post(sem));
	team_join(team, 6);
	T_EQ(0, value(sem));
	T_OK(rump_sys__ksem_destroy(sem));
}

TC(unlinked_wait, "unlinking does not disturb who waits")
{
	struct thread t;

	boot();
	T_OK(rump_sys__ksem_open("/x", O_CREAT, 0600, 0, &sem));
	thread_start(&t, 0, wait_once, NULL);
	thread_await_asleep(&t);
	T_OK(rump_sys__ksem_unlink("/x"));
	T_OK(rump_sys__ksem_post(sem));
	thread_join(&t);
	T_OK(rump_sys__ksem_close(sem));
}

/* CLOCK_REALTIME, in so many milliseconds. */
static struct timespec
in_ms(long ms)
{
	struct timespec ts;

	T_OK(rump_sys_clock_gettime(CLOCK_REALTIME, &ts));
	ts.tv_nsec += ms * 1000000;
	ts.tv_sec += ts.tv_nsec / 1000000000;
	ts.tv_nsec %= 1000000000;
	return ts;
}

TC(deadline, "a wait ends at its time")
{
	struct timespec ts, bad = {0, 1000000000}, past = {1, 0}, now;

	boot();
	T_OK(rump_sys__ksem_init(1, &sem));
	/* Nothing to wait for: the time does not matter. */
	T_OK(rump_sys__ksem_timedwait(sem, &bad));
	T_ERR(EINVAL, rump_sys__ksem_timedwait(sem, &bad));
	T_ERR(EINVAL, rump_sys__ksem_timedwait(sem, NULL));
	T_ERR(
	    EFAULT, rump_sys__ksem_timedwait(sem, (const struct timespec *)8));
	T_ERR(ETIMEDOUT, rump_sys__ksem_timedwait(sem, &past));
	ts = in_ms(30);
	T_ERR(ETIMEDOUT, rump_sys__ksem_timedwait(sem, &ts));
	T_OK(rump_sys_clock_gettime(CLOCK_REALTIME, &now));
	T_ASSERT(now.tv_sec > ts.tv_sec ||
		 (now.tv_sec == ts.tv_sec && now.tv_nsec >= ts.tv_nsec));
	T_OK(rump_sys__ksem_post(sem));
	T_OK(rump_sys__ksem_timedwait(sem, &ts));
}

static void
on_signal(int signo)
{
	(void)signo;
}

static void
wait_in_process(struct thread *t)
{
	newproc(0);
	*(pid_t *)t->t_arg = rump_sys_getpid();
	thread_sleeps(t);
	T_ERR(EINTR, rump_sys__ksem_wait(sem));
	rump_pub_lwproc_releaselwp();
}

TC(interrupted, "a handler without SA_RESTART ends a wait")
{
	struct sigaction sa = {.sa_handler = on_signal};
	struct thread t;
	pid_t pid = 0;

	boot();
	T_OK(rump_sys_sigaction(SIGUSR1, &sa, NULL));
	T_OK(rump_sys__ksem_init(0, &sem));
	thread_start(&t, 0, wait_in_process, &pid);
	thread_await_asleep(&t);
	T_OK(rump_sys_kill(pid, SIGUSR1));
	thread_join(&t);
	T_OK(rump_sys__ksem_post(sem));
	T_OK(rump_sys__ksem_trywait(sem));
}

TC(names, "there can be many names, but not any number")
{
	char name[32];
	intptr_t id;
	int n;

	boot();
	for (n = 0; n < 100000; n++) {
		(void)snprintf(name, sizeof(name), "/s%d", n);
		if (rump_sys__ksem_open(name, O_CREAT, 0600, 0, &id) != 0)
			break;
		T_OK(rump_sys__ksem_close(id));
	}
	T_EQ(ENFILE, errno);
	T_EQ(4096, n);
	while (n-- > 0) {
		(void)snprintf(name, sizeof(name), "/s%d", n);
		T_OK(rump_sys__ksem_unlink(name));
	}
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, unnamed);
	ATF_TP_ADD_TC(tp, arguments);
	ATF_TP_ADD_TC(tp, named);
	ATF_TP_ADD_TC(tp, permission);
	ATF_TP_ADD_TC(tp, processes);
	ATF_TP_ADD_TC(tp, waits);
	ATF_TP_ADD_TC(tp, unlinked_wait);
	ATF_TP_ADD_TC(tp, deadline);
	ATF_TP_ADD_TC(tp, interrupted);
	ATF_TP_ADD_TC(tp, names);
	return atf_no_error();
}
