/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rump_fiber(3): a kernel on one host thread, whatever RUMP_THREADS says.
 */
#include <sys/epoll.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <fenv.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>

#include <rump/rumpfiber.h>
#include <rump/rumpuser.h>

#include "../lib/child.h"
#include "../lib/clock.h"

/* Boot with fibers, and be in a process of its own. */
static void
start(void)
{
	T_EQ(0, rump_boot_setthreads("fiber"));
	boot();
	(void)newproc(RUMP_RFCFDG);
}

static struct rump_fiber *
fiber(void *(*fn)(void *), void *arg)
{
	struct rump_fiber *rf;

	T_EQ(0, rump_fiber_create(&rf, fn, arg, 0, NULL));
	return rf;
}

static void *
join(struct rump_fiber *rf)
{
	void *result = NULL;

	T_EQ(0, rump_fiber_join(rf, &result));
	return result;
}

/* What happened, in order. */
static char trail[64];

static void
mark(char c)
{
	size_t n = strlen(trail);

	T_ASSERT(n + 1 < sizeof(trail));
	trail[n] = c;
}

#define T_TRAIL(want)                                                        \
	do {                                                                 \
		if (strcmp(want, trail) != 0)                                \
			tc_fail(__FILE__, __LINE__, "want %s, got %s", want, \
			    trail);                                          \
	} while (0)

/*
 * Beginning and end
 */

static void *
give_back(void *arg)
{
	return arg;
}

TC(create_join, "A fiber runs when others wait; join gets its result.")
{
	struct rump_fiber *rf;
	int x;

	start();
	rf = fiber(give_back, &x);
	T_PTR(&x, join(rf));
	T_EQ(ESRCH, rump_fiber_join(rf, NULL));
	rf = fiber(give_back, NULL);
	T_EQ(0, rump_fiber_join(rf, NULL));
}

TC(create_bad, "Bad arguments of create are refused, and nothing is made.")
{
	struct rump_memstat before, after;
	struct rump_fiber *rf;

	start();
	T_EQ(0, rump_pub_memstat(&before));
	T_EQ(EINVAL, rump_fiber_create(&rf, NULL, NULL, 0, "x"));
	T_EQ(EINVAL, rump_fiber_create(NULL, give_back, NULL, 0, "x"));
	T_EQ(EINVAL, rump_fiber_create(&rf, give_back, NULL, 1, "x"));
	T_EQ(EINVAL, rump_fiber_create(
			 &rf, give_back, NULL, RUMP_FIBER_MINSTACK - 1, "x"));
	T_EQ(EINVAL, rump_fiber_create(&rf, give_back, NULL,
			 (size_t)RUMP_FIBER_MAXSTACK + 1, "x"));
	T_EQ(EINVAL, rump_fiber_create(&rf, give_back, NULL, SIZE_MAX, "x"));
	T_EQ(0, rump_pub_memstat(&after));
	T_EQ(before.lwps, after.lwps);
	T_EQ(before.used, after.used);
	T_EQ(0, rump_fiber_run());
}

TC(create_nomem, "Without memory there is no fiber, and nothing stays.")
{
	struct rump_memstat before, after;
	struct rump_fiber *rf;
	int error;

	start();
	(void)join(fiber(give_back, NULL));
	T_EQ(0, rump_pub_memstat(&before));
	for (long n = 1;; n++) {
		(void)rumpuser_memfail(n);
		error = rump_fiber_create(&rf, give_back, NULL, 0, NULL);
		if (rumpuser_memfail(0) != 0)
			break;
		T_EQ(ENOMEM, error);
		T_EQ(0, rump_pub_memstat(&after));
		T_EQ(before.lwps, after.lwps);
		T_EQ(before.used, after.used);
	}
	T_EQ(0, error);
	(void)join(rf);
}

static void *
exit_deep(void *arg)
{
	if (arg != NULL)
		rump_fiber_exit(arg);
	mark('!');
	return NULL;
}

TC(exit_result, "rump_fiber_exit ends the fiber with that result.")
{
	int x;

	start();
	T_PTR(&x, join(fiber(exit_deep, &x)));
	T_TRAIL("");
}

static void
exit_in_main(void *arg)
{
	(void)arg;
	start();
	rump_fiber_exit(NULL);
}

TC(exit_main_is_fatal, "The main context is no fiber to end.")
{
	child_aborts(exit_in_main, NULL, "rump_fiber_exit", "not in a fiber");
}

static struct rump_fiber *joined;

static void *
join_itself(void *arg)
{
	(void)arg;
	T_EQ(EDEADLK, rump_fiber_join(rump_fiber_self(), NULL));
	return NULL;
}

static void *
join_the_same(void *arg)
{
	*(int *)arg = rump_fiber_join(joined, NULL);
	return NULL;
}

static void *
yield_often(void *arg)
{
	for (int i = 0; i < 5; i++)
		rump_fiber_yield();
	return arg;
}

TC(join_errors, "A fiber is joined once, not by itself, not when detached.")
{
	struct rump_fiber *a, *b;
	int ea = -1, eb = -1;

	start();
	T_EQ(ESRCH, rump_fiber_join(NULL, NULL));
	T_EQ(ESRCH, rump_fiber_detach(NULL));
	(void)join(fiber(join_itself, NULL));
	joined = fiber(yield_often, NULL);
	a = fiber(join_the_same, &ea);
	b = fiber(join_the_same, &eb);
	(void)join(a);
	(void)join(b);
	T_EQ(0, ea);
	T_EQ(EINVAL, eb);
	a = fiber(yield_often, NULL);
	T_EQ(0, rump_fiber_detach(a));
	T_EQ(EINVAL, rump_fiber_detach(a));
	T_EQ(EINVAL, rump_fiber_join(a, NULL));
	T_EQ(0, rump_fiber_run());
	T_EQ(ESRCH, rump_fiber_join(a, NULL));
	a = fiber(give_back, NULL);
	T_EQ(0, rump_fiber_run());
	T_EQ(0, rump_fiber_detach(a));
	T_EQ(ESRCH, rump_fiber_detach(a));
}

static void *
look_at_name(void *arg)
{
	return strcmp(rump_fiber_name(NULL), arg) == 0 &&
		       rump_fiber_name(rump_fiber_self()) ==
			   rump_fiber_name(NULL)
		   ? arg
		   : NULL;
}

TC(name_self, "A fiber has a name, cut to its length, and knows itself.")
{
	static char longer[100], cut[RUMP_FIBER_NAMELEN];
	struct rump_fiber *rf;

	start();
	T_PTR(NULL, rump_fiber_self());
	T_ASSERT(strcmp("main", rump_fiber_name(NULL)) == 0);
	memset(longer, 'x', sizeof(longer) - 1);
	memset(cut, 'x', sizeof(cut) - 1);
	T_EQ(0, rump_fiber_create(&rf, look_at_name, cut, 0, longer));
	T_ASSERT(strcmp(cut, rump_fiber_name(rf)) == 0);
	T_PTR(cut, join(rf));
	rf = fiber(give_back, NULL);
	T_ASSERT(strcmp("", rump_fiber_name(rf)) == 0);
	(void)join(rf);
}

/*
 * Hosts
 */

TC(setthreads, "The kind of host is chosen before boot, by its name.")
{
	struct rump_fiber *rf;

	T_EQ(EINVAL, rump_boot_setthreads(NULL));
	T_EQ(EINVAL, rump_boot_setthreads(""));
	T_EQ(EINVAL, rump_boot_setthreads("threads"));
	T_EQ(ENXIO, rump_fiber_create(&rf, give_back, NULL, 0, NULL));
	T_EQ(ENXIO, rump_fiber_run());
	rump_fiber_yield();
	T_EQ(0, rump_boot_setthreads("fiber"));
	T_EQ(0, rump_boot_setthreads("pthread"));
	T_EQ(0, setenv("RUMP_THREADS", "fiber", 1));
	boot();
	T_EQ(EBUSY, rump_boot_setthreads("fiber"));
	T_EQ(ENOTSUP, rump_fiber_create(&rf, give_back, NULL, 0, NULL));
	T_EQ(ENOTSUP, rump_fiber_join(NULL, NULL));
	T_EQ(ENOTSUP, rump_fiber_run());
	T_PTR(NULL, rump_fiber_self());
	rump_fiber_yield();
}

TC(environment, "RUMP_THREADS chooses where the program does not.")
{
	T_EQ(0, setenv("RUMP_THREADS", "fiber", 1));
	boot();
	(void)join(fiber(give_back, NULL));
}

static void *
stranger(void *arg)
{
	struct rump_fiber *rf;

	(void)arg;
	T_ERR(ENOTSUP, rump_sys_getpid());
	T_ERR(ENOTSUP, rump_sys_open("/", O_RDONLY));
	T_EQ(ENOTSUP, rump_pub_lwproc_rfork(0));
	T_EQ(ENOTSUP, rump_pub_lwproc_newlwp(1));
	T_EQ(ENOTSUP, rump_fiber_create(&rf, give_back, NULL, 0, NULL));
	T_EQ(ENOTSUP, rump_fiber_run());
	T_PTR(NULL, rump_fiber_self());
	rump_fiber_yield();
	rump_pub_lwproc_switch(NULL);
	T_EQ(0, rump_init());
	return NULL;
}

TC(other_threads, "Other host threads are refused, and do no harm.")
{
	pthread_t thread;

	start();
	for (int i = 0; i < 3; i++) {
		T_EQ(0, pthread_create(&thread, NULL, stranger, NULL));
		T_EQ(0, pthread_join(thread, NULL));
	}
	(void)join(fiber(give_back, NULL));
}

static void *
boot_and_end(void *arg)
{
	start();
	(void)join(fiber(give_back, NULL));
	return arg;
}

TC(thread_ends, "After the host thread that booted, none is let in.")
{
	pthread_t thread;

	T_EQ(0, pthread_create(&thread, NULL, boot_and_end, NULL));
	T_EQ(0, pthread_join(thread, NULL));
	(void)stranger(NULL);
	/* Not even one that looks like it. */
	T_EQ(0, pthread_create(&thread, NULL, stranger, NULL));
	T_EQ(0, pthread_join(thread, NULL));
}

/*
 * Taking turns
 */

static void *
mark_and_yield(void *arg)
{
	char c = *(char *)arg;

	for (int i = 0; i < 3; i++) {
		mark((char)(c + i));
		rump_fiber_yield();
	}
	return NULL;
}

TC(order, "Who can run does so in the order of becoming able to.")
{
	static char a[] = "ADG";

	start();
	for (int i = 0; i < 3; i++)
		T_EQ(0, rump_fiber_detach(fiber(mark_and_yield, &a[i])));
	T_TRAIL("");
	rump_fiber_yield();
	mark('-');
	T_EQ(0, rump_fiber_run());
	T_TRAIL("ADG-BEHCFI");
}

static void *
nap(void *arg)
{
	const char *c = arg;

	T_OK(rump_sys_nanosleep(
	    &(struct timespec){0, (*c - '0') * 10 * MSEC}, NULL));
	mark(*c);
	return NULL;
}

TC(timeouts, "Sleeps end in the order of their times, and the host waits.")
{
	static char order[] = "516324";
	int64_t start_ns;

	start();
	start_ns = host_now();
	for (int i = 0; i < 6; i++)
		T_EQ(0, rump_fiber_detach(fiber(nap, &order[i])));
	T_EQ(0, rump_fiber_run());
	T_TOOK(60 * MSEC, start_ns);
	T_TRAIL("123456");
}

static bool stop;

static void *
spin(void *arg)
{
	while (!stop)
		rump_fiber_yield();
	return arg;
}

TC(timeouts_while_busy, "A sleep ends although others could always run.")
{
	static char c = '1';

	start();
	for (int i = 0; i < 3; i++)
		T_EQ(0, rump_fiber_detach(fiber(spin, NULL)));
	(void)join(fiber(nap, &c));
	T_OK(rump_sys_nanosleep(&(struct timespec){0, MSEC}, NULL));
	stop = true;
	T_EQ(0, rump_fiber_run());
	T_TRAIL("1");
}

/*
 * Contexts
 */

static void *
keep_errno(void *arg)
{
	errno = *(int *)arg;
	for (int i = 0; i < 4; i++) {
		rump_fiber_yield();
		T_EQ(*(int *)arg, errno);
	}
	T_OK(rump_sys_nanosleep(&(struct timespec){0, 1000}, NULL));
	T_EQ(*(int *)arg, errno);
	return NULL;
}

TC(errno_is_the_fibers, "Each fiber has its errno.")
{
	static int numbers[] = {11, 22, 33};

	start();
	errno = 44;
	for (int i = 0; i < 3; i++)
		T_EQ(0, rump_fiber_detach(fiber(keep_errno, &numbers[i])));
	T_EQ(0, rump_fiber_run());
	T_EQ(44, errno);
}

/* Not known to the compiler. */
static double
quotient(double a, double b)
{
	volatile double va = a, vb = b;

	return va / vb;
}

static void *
keep_registers(void *arg)
{
	double x = 1.0 + *(int *)arg, sum = 0;

	T_EQ(0, fesetround(*(int *)arg != 0 ? FE_UPWARD : FE_DOWNWARD));
	for (int i = 0; i < 1000; i++) {
		sum += x;
		rump_fiber_yield();
	}
	T_ASSERT(sum == 1000 * x);
	/* What the nearest number is below of, and above of. */
	T_EQ(*(int *)arg != 0, quotient(1, 3) > 1.0 / 3.0);
	T_EQ(*(int *)arg == 0, quotient(1, 10) < 1.0 / 10.0);
	T_EQ(*(int *)arg != 0 ? FE_UPWARD : FE_DOWNWARD, fegetround());
	return NULL;
}

TC(registers, "Each fiber has its registers and its rounding mode.")
{
	static int ways[] = {0, 1};

	start();
	for (int i = 0; i < 2; i++)
		T_EQ(0, rump_fiber_detach(fiber(keep_registers, &ways[i])));
	T_EQ(0, rump_fiber_run());
	T_EQ(FE_TONEAREST, fegetround());
	T_ASSERT(quotient(1, 3) == 1.0 / 3.0 && quotient(1, 10) == 1.0 / 10.0);
}

TC(ucontext, "It all works without assembly, too.")
{
	static char a[] = "AD";
	static int ways[] = {0, 1};

	T_EQ(0, setenv("RUMP_FIBER_SWITCH", "ucontext", 1));
	start();
	for (int i = 0; i < 2; i++) {
		T_EQ(0, rump_fiber_detach(fiber(keep_registers, &ways[i])));
		T_EQ(0, rump_fiber_detach(fiber(mark_and_yield, &a[i])));
	}
	T_EQ(0, rump_fiber_run());
	T_TRAIL("ADBECF");
}

TC(bad_switch, "An unknown RUMP_FIBER_SWITCH is refused.")
{
	T_EQ(0, setenv("RUMP_FIBER_SWITCH", "magic", 1));
	T_EQ(0, rump_boot_setthreads("fiber"));
	T_EQ(EINVAL, rump_init());
	T_EQ(0, unsetenv("RUMP_FIBER_SWITCH"));
	boot();
}

static pid_t main_pid;

static void *
look_at_lwp(void *arg)
{
	struct lwp *l = rump_pub_lwproc_curlwp(), *other;
	pid_t pid;

	T_ASSERT(l != NULL);
	T_EQ(main_pid, rump_sys_getpid());
	rump_fiber_yield();
	T_PTR(l, rump_pub_lwproc_curlwp());
	/* Another lwp, another process; both of them stay. */
	other = newproc(RUMP_RFCFDG);
	pid = rump_sys_getpid();
	rump_fiber_yield();
	T_PTR(other, rump_pub_lwproc_curlwp());
	T_EQ(pid, rump_sys_getpid());
	rump_pub_lwproc_switch(NULL);
	rump_fiber_yield();
	T_PTR(NULL, rump_pub_lwproc_curlwp());
	T_EQ(1, rump_sys_getpid());
	rump_pub_lwproc_switch(other);
	rump_pub_lwproc_releaselwp();
	if (arg != NULL)
		rump_pub_lwproc_switch(l);
	return NULL;
}

TC(lwps, "A fiber has an lwp of its maker's process, and may switch.")
{
	struct rump_memstat before, after;

	start();
	main_pid = rump_sys_getpid();
	(void)join(fiber(give_back, NULL));
	T_EQ(0, rump_pub_memstat(&before));
	for (int i = 0; i < 4; i++)
		T_EQ(0, rump_fiber_detach(
			    fiber(look_at_lwp, i % 2 == 0 ? NULL : &main_pid)));
	T_EQ(0, rump_pub_memstat(&after));
	T_EQ(before.lwps + 4, after.lwps);
	T_EQ(0, rump_fiber_run());
	T_EQ(0, rump_pub_memstat(&after));
	T_EQ(before.lwps, after.lwps);
	T_EQ(before.procs, after.procs);
	T_EQ(before.used, after.used);
}

static void *
switch_to_main(void *arg)
{
	rump_pub_lwproc_switch(arg);
	return NULL;
}

static void
switch_to_running(void *arg)
{
	(void)arg;
	start();
	(void)join(fiber(switch_to_main, rump_pub_lwproc_curlwp()));
}

TC(switch_to_running_is_fatal, "No two contexts run one lwp.")
{
	child_aborts(switch_to_running, NULL, "rump_pub_lwproc_switch",
	    ANY_LWP ".*another fiber");
}

static void
yield_inside(void *arg)
{
	(void)arg;
	start();
	rump_schedule();
	rump_fiber_yield();
}

TC(yield_inside_is_fatal, "Nobody yields between schedule and unschedule.")
{
	child_aborts(yield_inside, NULL, "rump_fiber_yield", ANY_LWP);
}

/*
 * Blocking calls
 */

static int to[2], back[2];

static void *
echo(void *arg)
{
	char c;

	while (rump_sys_read(to[0], &c, 1) == 1)
		T_EQ(1, rump_sys_write(back[1], &c, 1));
	return arg;
}

TC(pipes, "Fibers and the main context talk over pipes.")
{
	struct rump_fiber *rf;
	char c;

	start();
	T_OK(rump_sys_pipe(to));
	T_OK(rump_sys_pipe(back));
	rf = fiber(echo, NULL);
	for (int i = 0; i < 1000; i++) {
		c = (char)i;
		T_EQ(1, rump_sys_write(to[1], &c, 1));
		c = 0;
		T_EQ(1, rump_sys_read(back[0], &c, 1));
		T_EQ((char)i, c);
	}
	T_OK(rump_sys_close(to[1]));
	(void)join(rf);
}

static void *
produce(void *arg)
{
	static char page[65536];

	for (int i = 0; i < 20; i++)
		T_EQ(sizeof(page), rump_sys_write(to[1], page, sizeof(page)));
	T_OK(rump_sys_close(to[1]));
	return arg;
}

TC(pipes_full, "Who writes to a full pipe waits for who reads.")
{
	char buf[10000];
	ssize_t n;
	long sum = 0;

	start();
	T_OK(rump_sys_pipe(to));
	T_EQ(0, rump_fiber_detach(fiber(produce, NULL)));
	while ((n = T_OK(rump_sys_read(to[0], buf, sizeof(buf)))) > 0)
		sum += n;
	T_EQ(20 * 65536, sum);
}

static void *
wait_by_poll(void *arg)
{
	struct pollfd pfd = {.fd = to[0], .events = POLLIN};

	T_EQ(0, rump_sys_poll(&pfd, 1, 5));
	mark('t');
	T_EQ(1, rump_sys_poll(&pfd, 1, -1));
	mark('p');
	return arg;
}

static void *
wait_by_epoll(void *arg)
{
	struct epoll_event ev = {.events = EPOLLIN};
	int epfd = (int)T_OK(rump_sys_epoll_create1(0));

	T_OK(rump_sys_epoll_ctl(epfd, EPOLL_CTL_ADD, to[0], &ev));
	T_EQ(1, rump_sys_epoll_wait(epfd, &ev, 1, -1));
	mark('e');
	T_OK(rump_sys_close(epfd));
	return arg;
}

TC(polling, "poll and epoll wait as fibers.")
{
	start();
	T_OK(rump_sys_pipe(to));
	T_EQ(0, rump_fiber_detach(fiber(wait_by_poll, NULL)));
	T_EQ(0, rump_fiber_detach(fiber(wait_by_epoll, NULL)));
	T_EQ(EDEADLK, rump_fiber_run());
	T_TRAIL("t");
	T_EQ(1, rump_sys_write(to[1], "x", 1));
	T_EQ(0, rump_fiber_run());
	T_EQ(3, strlen(trail));
}

/*
 * Deadlocks
 */

static void *
read_one(void *arg)
{
	char c;

	T_EQ(1, rump_sys_read(to[0], &c, 1));
	return arg;
}

TC(run_idle, "run returns when only the main context can go on.")
{
	struct rump_fiber *rf;
	int x;

	start();
	T_EQ(0, rump_fiber_run());
	T_OK(rump_sys_pipe(to));
	rf = fiber(read_one, &x);
	T_EQ(EDEADLK, rump_fiber_run());
	T_EQ(EDEADLK, rump_fiber_run());
	T_EQ(EDEADLK, rump_fiber_join(rf, NULL));
	T_EQ(1, rump_sys_write(to[1], "x", 1));
	T_PTR(&x, join(rf));
	T_EQ(0, rump_fiber_run());
}

static void *
run_in_fiber(void *arg)
{
	T_EQ(EBUSY, rump_fiber_run());
	return arg;
}

TC(run_in_fiber_is_busy, "The scheduler runs once.")
{
	start();
	(void)join(fiber(run_in_fiber, NULL));
}

static void
wait_for_nobody(void *arg)
{
	(void)arg;
	start();
	T_OK(rump_sys_pipe(to));
	(void)fiber(read_one, NULL);
	(void)read_one(NULL);
}

TC(deadlock_is_fatal, "A main context that can never go on says so.")
{
	child_aborts(
	    wait_for_nobody, NULL, "read of descriptor 0: .*no fiber", ANY_LWP);
}

/*
 * Signals
 */

static void
handler(int signo)
{
	(void)signo;
	mark('h');
	rump_fiber_yield(); /* a handler may */
	mark('H');
}

static void *
read_interrupted(void *arg)
{
	char c;

	T_ERR(EINTR, rump_sys_read(to[0], &c, 1));
	mark('i');
	return arg;
}

TC(signals, "A signal from another fiber ends a sleep; handlers may yield.")
{
	struct sigaction sa = {.sa_handler = handler};
	sigset_t set;

	start();
	T_OK(rump_sys_pipe(to));
	T_OK(rump_sys_sigaction(SIGUSR1, &sa, NULL));
	T_EQ(0, rump_fiber_detach(fiber(read_interrupted, NULL)));
	/* Not ours to act on. */
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	T_OK(rump_sys_sigprocmask(SIG_BLOCK, &set, NULL));
	T_EQ(EDEADLK, rump_fiber_run());
	T_OK(rump_sys_kill(rump_sys_getpid(), SIGUSR1));
	T_EQ(0, rump_fiber_run());
	T_TRAIL("hHi");
}

static void *
await_signal(void *arg)
{
	sigset_t set;
	siginfo_t si;

	sigemptyset(&set);
	sigaddset(&set, *(int *)arg);
	T_EQ(*(int *)arg, rump_sys_sigwaitinfo(&set, &si));
	mark((char)('0' + *(int *)arg % 10));
	return NULL;
}

TC(sigwait, "Each fiber waits for its own signals.")
{
	static int signals[] = {SIGUSR1, SIGUSR2};
	sigset_t set;

	start();
	sigfillset(&set);
	T_OK(rump_sys_sigprocmask(SIG_BLOCK, &set, NULL));
	for (int i = 0; i < 2; i++)
		T_EQ(0, rump_fiber_detach(fiber(await_signal, &signals[i])));
	T_EQ(EDEADLK, rump_fiber_run());
	T_OK(rump_sys_kill(rump_sys_getpid(), SIGUSR2));
	T_EQ(EDEADLK, rump_fiber_run());
	T_TRAIL("2");
	T_OK(rump_sys_kill(rump_sys_getpid(), SIGUSR1));
	T_EQ(0, rump_fiber_run());
	T_TRAIL("20");
}

static void *
child_process(void *arg)
{
	(void)newproc(RUMP_RFCFDG);
	*(pid_t *)arg = rump_sys_getpid();
	T_OK(rump_sys_nanosleep(&(struct timespec){0, 200 * MSEC}, NULL));
	rump_pub_lwproc_releaselwp();
	return NULL;
}

TC(wait_for_child, "A process waits for a child that another fiber runs.")
{
	static pid_t pid;
	int status;

	start();
	T_EQ(0, rump_fiber_detach(fiber(child_process, &pid)));
	rump_fiber_yield();
	T_ASSERT(pid > 1);
	T_EQ(pid, rump_sys_waitpid(pid, &status, 0));
	T_EQ(0, rump_fiber_run());
}

/*
 * Stacks
 */

static __attribute__((noinline)) int
overflow(volatile char *above)
{
	volatile char frame[512];

	frame[0] = above[0];
	if (frame[0] == 0)
		return 0;
	return overflow(frame) + frame[0];
}

static void *
overflow_main(void *arg)
{
	volatile char c = 1;

	(void)arg;
	T_ASSERT(overflow(&c) != 0);
	return NULL;
}

static void
overflow_child(void *arg)
{
	struct rump_fiber *rf[3];

	(void)arg;
	start();
	for (int i = 0; i < 3; i++)
		T_EQ(0, rump_fiber_create(&rf[i],
			    i == 0 ? overflow_main : give_back, NULL,
			    RUMP_FIBER_MINSTACK, NULL));
	(void)join(rf[0]);
}

TC(overflow, "What grows beyond its stack meets the guard.")
{
	struct child c;

	child_run(&c, overflow_child, NULL);
	/* AddressSanitizer has its own way to say it. */
	if (TC_ASAN || TC_TSAN)
		T_ASSERT(c.status != 0);
	else
		T_ASSERT(
		    WIFSIGNALED(c.status) && WTERMSIG(c.status) == SIGSEGV);
}

#define BIG ((size_t)16 << 20)

static void *
use_much(void *arg)
{
	volatile char much[BIG - 65536];

	for (size_t i = 0; i < sizeof(much); i += 4096)
		much[i] = (char)(i >> 12);
	rump_fiber_yield();
	for (size_t i = 0; i < sizeof(much); i += 4096)
		T_EQ((char)(i >> 12), much[i]);
	return arg;
}

TC(big_stack, "A fiber has the stack that it was made with.")
{
	struct rump_fiber *rf[3];

	start();
	for (int i = 0; i < 3; i++)
		T_EQ(0, rump_fiber_create(&rf[i], use_much, NULL, BIG, NULL));
	for (int i = 0; i < 3; i++)
		(void)join(rf[i]);
}

/*
 * The host's fork
 */

static void *
in_parent_and_child(void *arg)
{
	char c;

	T_EQ(1, rump_sys_read(to[0], &c, 1));
	mark(c);
	T_OK(rump_sys_nanosleep(&(struct timespec){0, MSEC}, NULL));
	return arg;
}

static void *
fork_in_fiber(void *arg)
{
	pid_t pid = fork();
	int status;

	T_ASSERT(pid != -1);
	if (pid == 0)
		tc_in_child = true;
	/* There it no longer sees what orders one after the other. */
	if (pid == 0 && TC_TSAN)
		_exit(0);
	T_EQ(1, rump_sys_write(to[1], pid == 0 ? "c" : "p", 1));
	rump_fiber_yield();
	T_TRAIL(pid == 0 ? "c" : "p");
	if (pid == 0)
		_exit(0);
	T_EQ(pid, waitpid(pid, &status, 0));
	T_EQ(0, status);
	return arg;
}

TC(host_fork, "The child of the host's fork has all fibers, asleep or not.")
{
	start();
	T_OK(rump_sys_pipe(to));
	T_EQ(0, rump_fiber_detach(fiber(in_parent_and_child, NULL)));
	T_EQ(0, rump_fiber_detach(fiber(fork_in_fiber, NULL)));
	T_EQ(0, rump_fiber_run());
	T_TRAIL("p");
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, create_join);
	ATF_TP_ADD_TC(tp, create_bad);
	ATF_TP_ADD_TC(tp, create_nomem);
	ATF_TP_ADD_TC(tp, exit_result);
	ATF_TP_ADD_TC(tp, exit_main_is_fatal);
	ATF_TP_ADD_TC(tp, join_errors);
	ATF_TP_ADD_TC(tp, name_self);
	ATF_TP_ADD_TC(tp, setthreads);
	ATF_TP_ADD_TC(tp, environment);
	ATF_TP_ADD_TC(tp, other_threads);
	ATF_TP_ADD_TC(tp, thread_ends);
	ATF_TP_ADD_TC(tp, order);
	ATF_TP_ADD_TC(tp, timeouts);
	ATF_TP_ADD_TC(tp, timeouts_while_busy);
	ATF_TP_ADD_TC(tp, errno_is_the_fibers);
	ATF_TP_ADD_TC(tp, registers);
	ATF_TP_ADD_TC(tp, ucontext);
	ATF_TP_ADD_TC(tp, bad_switch);
	ATF_TP_ADD_TC(tp, lwps);
	ATF_TP_ADD_TC(tp, switch_to_running_is_fatal);
	ATF_TP_ADD_TC(tp, yield_inside_is_fatal);
	ATF_TP_ADD_TC(tp, pipes);
	ATF_TP_ADD_TC(tp, pipes_full);
	ATF_TP_ADD_TC(tp, polling);
	ATF_TP_ADD_TC(tp, run_idle);
	ATF_TP_ADD_TC(tp, run_in_fiber_is_busy);
	ATF_TP_ADD_TC(tp, deadlock_is_fatal);
	ATF_TP_ADD_TC(tp, signals);
	ATF_TP_ADD_TC(tp, sigwait);
	ATF_TP_ADD_TC(tp, wait_for_child);
	ATF_TP_ADD_TC(tp, overflow);
	ATF_TP_ADD_TC(tp, big_stack);
	ATF_TP_ADD_TC(tp, host_fork);
	return atf_no_error();
}
