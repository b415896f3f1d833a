/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The same calls on clocks and timers, with good and bad arguments, here and
 * on the host: each result and errno must agree, and what is left of timers
 * that are far from due.
 *
 *	time [seed [steps]]
 *
 * Nothing here goes off or sets a clock.  The host is asked by system calls,
 * without its library, and as root or not as we are.
 *
 * Differences that are meant, of which nothing is asked: clocks of CPU time to
 * wait for, clocks of other processes, and those that wake a machine; limits
 * of the host's on its timers; SIGEV_THREAD; positions of timers that are
 * read; what is left of timers with SIGEV_NONE that were switched off.
 */
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/times.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#define NTIMERS 4
#define NOBODY	((void *)8) /* no program has anything there */

#define arraycount(a) (sizeof(a) / sizeof((a)[0]))

static uint64_t state;
static long step;
static int errors;

static uint64_t
rnd(uint64_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state * 0x2545f4914f6cdd1dULL >> 11) % n;
}

/* What both gave. */
static void
compare(const char *what, long a, int aerror, long b, int berror)
{
	if ((a == -1) == (b == -1) && (a != -1 || aerror == berror))
		return;
	fprintf(stderr, "step %ld: %s: here %ld errno %d, host %ld errno %d\n",
	    step, what, a, aerror, b, berror);
	errors++;
}

#define BOTH(what, here, host)                              \
	do {                                                \
		long here_ = (here);                        \
		int error_ = errno;                         \
		long host_ = (host);                        \
		compare(what, here_, error_, host_, errno); \
	} while (0)

static clockid_t
pick_clock(void)
{
	static const clockid_t ids[] = {CLOCK_REALTIME, CLOCK_MONOTONIC,
	    CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE,
	    CLOCK_BOOTTIME, CLOCK_TAI, 10, 12, 13, 77, INT32_MAX};

	return ids[rnd(arraycount(ids))];
}

static long
pick_nsec(void)
{
	static const long odd[] = {-1, 1000000000, 999999999, INT64_MAX};

	return rnd(5) == 0 ? odd[rnd(arraycount(odd))] : (long)rnd(1000000000);
}

/* Never soon. */
static struct timespec
pick_time(void)
{
	static const time_t odd[] = {-1, INT64_MAX, INT64_MIN, 1LL << 40};
	time_t sec = rnd(8) == 0 ? odd[rnd(arraycount(odd))]
				 : (time_t)(1000 + rnd(5000));

	return (struct timespec){sec, pick_nsec()};
}

static struct itimerspec
pick_setting(void)
{
	struct itimerspec its = {
	    .it_value = pick_time(), .it_interval = pick_time()};

	if (rnd(4) == 0)
		its.it_value = (struct timespec){0, 0};
	return its;
}

/* Settings that were the same are, up to the seconds between the calls. */
static void
compare_left(
    const char *what, const struct itimerspec *a, const struct itimerspec *b)
{
	int64_t d = (int64_t)(a->it_value.tv_sec - b->it_value.tv_sec);
	bool same = a->it_interval.tv_sec == b->it_interval.tv_sec &&
		    a->it_interval.tv_nsec == b->it_interval.tv_nsec;
	/* Of what has no end the host says something big, or less than 0. */
	bool far = a->it_value.tv_sec > INT32_MAX &&
		   (b->it_value.tv_sec > INT32_MAX || b->it_value.tv_sec < 0);

	if (same && (far || (d > -60 && d < 60)))
		return;
	fprintf(stderr, "step %ld: %s: here %lld %lld, host %lld %lld\n", step,
	    what, (long long)a->it_value.tv_sec,
	    (long long)a->it_interval.tv_sec, (long long)b->it_value.tv_sec,
	    (long long)b->it_interval.tv_sec);
	errors++;
}

/*
 * Steps
 */

static void
ask_clock(void)
{
	struct timespec ts;
	clockid_t id = pick_clock();
	void *p = rnd(8) == 0 ? NOBODY : &ts;

	BOTH("clock_gettime", rump_sys_clock_gettime(id, p),
	    syscall(SYS_clock_gettime, id, p));
	if (rnd(4) == 0)
		p = NULL;
	BOTH("clock_getres", rump_sys_clock_getres(id, p),
	    syscall(SYS_clock_getres, id, p));
}

/* Only what fails before anything is done. */
static void
ask_settime(void)
{
	struct timespec bad = {-1, 0}, worse = {0, 1000000000};
	clockid_t id = pick_clock();
	void *p = rnd(3) == 0 ? NOBODY : rnd(2) == 0 ? &bad : &worse;

	BOTH("clock_settime", rump_sys_clock_settime(id, p),
	    syscall(SYS_clock_settime, id, p));
}

static void
ask_sleep(void)
{
	struct timespec ts = {rnd(3) == 0 ? -1 : 0, rnd(2) == 0 ? -1 : 1};
	clockid_t id = pick_clock();
	void *p = rnd(4) == 0 ? NOBODY : &ts;
	int flags = (int)rnd(4);

	BOTH("clock_nanosleep", rump_sys_clock_nanosleep(id, flags, p, NULL),
	    syscall(SYS_clock_nanosleep, id, flags, p, NULL));
	BOTH("nanosleep", rump_sys_nanosleep(p, NULL),
	    syscall(SYS_nanosleep, p, NULL));
}

static struct itimerspec
of_timeval(const struct itimerval *itv)
{
	return (struct itimerspec){
	    .it_value = {itv->it_value.tv_sec, itv->it_value.tv_usec},
	    .it_interval = {itv->it_interval.tv_sec, itv->it_interval.tv_usec}};
}

static void
ask_itimer(void)
{
	struct timespec v = pick_time(), i = pick_time();
	struct itimerval new = {
	    {i.tv_sec, i.tv_nsec / 1000}, {v.tv_sec, v.tv_nsec / 1000}};
	struct itimerval a = {{0, 0}, {0, 0}}, b = {{0, 0}, {0, 0}};
	struct itimerspec as, bs;
	int which = rnd(6) == 0 ? (int)rnd(9) - 4 : ITIMER_REAL;
	void *p = rnd(9) == 0 ? NOBODY : rnd(5) == 0 ? NULL : &new;

	BOTH("setitimer", rump_sys_setitimer(which, p, &a),
	    syscall(SYS_setitimer, which, p, &b));
	as = of_timeval(&a);
	bs = of_timeval(&b);
	compare_left("setitimer's old", &as, &bs);
	BOTH("getitimer", rump_sys_getitimer(which, &a),
	    syscall(SYS_getitimer, which, &b));
	as = of_timeval(&a);
	bs = of_timeval(&b);
	compare_left("getitimer", &as, &bs);
	BOTH("getitimer", rump_sys_getitimer(which, NOBODY),
	    syscall(SYS_getitimer, which, NOBODY));
}

/* A pair of timers, here and on the host; host's id -1: none. */
static struct {
	timer_t here;
	int host;
	bool none; /* SIGEV_NONE */
} timers[NTIMERS];

static void
ask_timer_create(unsigned k)
{
	static const int signos[] = {SIGUSR1, 0, -1, 64, 65, 1000};
	static const int notify[] = {SIGEV_SIGNAL, SIGEV_NONE, 3, 9, -1};
	struct sigevent ev = {
	    .sigev_notify = notify[rnd(rnd(2) == 0 ? 1 : arraycount(notify))],
	    .sigev_signo = signos[rnd(rnd(2) == 0 ? 1 : arraycount(signos))]};
	void *p = rnd(9) == 0 ? NOBODY : rnd(6) == 0 ? NULL : &ev;
	clockid_t id = pick_clock();
	timer_t here;
	int host = -1;

	BOTH("timer_create", rump_sys_timer_create(id, p, &here),
	    syscall(SYS_timer_create, id, p, &host));
	if (host == -1)
		return;
	timers[k].here = here;
	timers[k].host = host;
	timers[k].none = p == &ev && ev.sigev_notify == SIGEV_NONE;
}

static void
ask_timer(void)
{
	unsigned k = (unsigned)rnd(NTIMERS);
	struct itimerspec its = pick_setting();
	struct itimerspec a = {0}, b = {0};
	void *p = rnd(9) == 0 ? NOBODY : rnd(9) == 0 ? NULL : &its;
	timer_t here = timers[k].here;
	int host = timers[k].host, flags = rnd(6) == 0 ? 2 : 0;

	if (host == -1) {
		ask_timer_create(k);
		return;
	}
	if (timers[k].none && its.it_value.tv_sec == 0)
		its.it_value.tv_sec = 1000;
	if (rnd(8) == 0) {
		here = (timer_t)(intptr_t)100000000;
		host = 100000000;
	}
	BOTH("timer_settime", rump_sys_timer_settime(here, flags, p, &a),
	    syscall(SYS_timer_settime, host, flags, p, &b));
	compare_left("timer_settime's old", &a, &b);
	BOTH("timer_gettime", rump_sys_timer_gettime(here, &a),
	    syscall(SYS_timer_gettime, host, &b));
	compare_left("timer_gettime", &a, &b);
	BOTH("timer_gettime", rump_sys_timer_gettime(here, NOBODY),
	    syscall(SYS_timer_gettime, host, NOBODY));
	BOTH("timer_getoverrun", rump_sys_timer_getoverrun(here),
	    syscall(SYS_timer_getoverrun, host));
	if (rnd(4) == 0) {
		BOTH("timer_delete", rump_sys_timer_delete(here),
		    syscall(SYS_timer_delete, host));
		if (host == timers[k].host)
			timers[k].host = -1;
	}
}

static void
ask_timerfd(void)
{
	static const int flags[] = {0, TFD_CLOEXEC, TFD_NONBLOCK, 1, 4, -1};
	clockid_t id = rnd(2) == 0 ? CLOCK_MONOTONIC : pick_clock();
	int fl = flags[rnd(arraycount(flags))], here, host, serror;
	int how = rnd(5) == 0 ? (int)rnd(8) : 0;
	struct itimerspec its = pick_setting(), a = {0}, b = {0};
	void *p = rnd(9) == 0 ? NOBODY : &its;
	uint64_t n;

	here = rump_sys_timerfd_create(id, fl);
	serror = errno;
	host = (int)syscall(SYS_timerfd_create, id, fl);
	compare("timerfd_create", here, serror, host, errno);
	/* A time that is not from now is long ago for one of them. */
	if ((how & TFD_TIMER_ABSTIME) != 0)
		its.it_value.tv_sec |= 1LL << 40;
	BOTH("timerfd_settime", rump_sys_timerfd_settime(here, how, p, &a),
	    syscall(SYS_timerfd_settime, host, how, p, &b));
	compare_left("timerfd_settime's old", &a, &b);
	BOTH("timerfd_gettime", rump_sys_timerfd_gettime(here, &a),
	    syscall(SYS_timerfd_gettime, host, &b));
	compare_left("timerfd_gettime", &a, &b);
	BOTH("timerfd_gettime", rump_sys_timerfd_gettime(here, NOBODY),
	    syscall(SYS_timerfd_gettime, host, NOBODY));
	if (here == -1 || host == -1)
		return;
	BOTH("read", rump_sys_read(here, &n, 4), read(host, &n, 4));
	BOTH("write", rump_sys_write(here, &n, 8), write(host, &n, 8));

	BOTH("F_GETFD", rump_sys_fcntl(here, F_GETFD), fcntl(host, F_GETFD));
	BOTH("ftruncate", rump_sys_ftruncate(here, 0), ftruncate(host, 0));
	if ((fl & TFD_NONBLOCK) != 0)
		BOTH("read", rump_sys_read(here, &n, 8), read(host, &n, 8));
	BOTH("close", rump_sys_close(here), close(host));
}

static void
ask_usage(void)
{
	struct rusage ru;
	struct timeval tv, bad = {0, -1};
	int who = (int)rnd(5) - 2;

	BOTH("getrusage", rump_sys_getrusage(who, &ru),
	    syscall(SYS_getrusage, who, &ru));
	BOTH("getrusage", rump_sys_getrusage(who, NOBODY),
	    syscall(SYS_getrusage, who, NOBODY));
	BOTH("times", rump_sys_times(NULL) == -1 ? -1 : 0,
	    syscall(SYS_times, NULL) == -1 ? -1 : 0);
	BOTH("times", rump_sys_times(NOBODY), syscall(SYS_times, NOBODY));
	BOTH("gettimeofday", rump_sys_gettimeofday(&tv, NULL),
	    syscall(SYS_gettimeofday, &tv, NULL));
	BOTH("gettimeofday", rump_sys_gettimeofday(NOBODY, NULL),
	    syscall(SYS_gettimeofday, NOBODY, NULL));
	BOTH("gettimeofday", rump_sys_gettimeofday(NULL, NOBODY),
	    syscall(SYS_gettimeofday, NULL, NOBODY));
	BOTH("settimeofday", rump_sys_settimeofday(&bad, NULL),
	    syscall(SYS_settimeofday, &bad, NULL));
	BOTH("settimeofday", rump_sys_settimeofday(NOBODY, NULL),
	    syscall(SYS_settimeofday, NOBODY, NULL));
}

static void
run(uint64_t seed, long steps)
{
	static void (*const asks[])(void) = {ask_clock, ask_settime, ask_sleep,
	    ask_itimer, ask_timer, ask_timer, ask_timer, ask_timerfd,
	    ask_timerfd, ask_usage};

	state = seed * 0x9e3779b97f4a7c15ULL + 1;
	for (step = 0; step < steps && errors == 0; step++)
		asks[rnd(arraycount(asks))]();
	if (errors != 0)
		fprintf(stderr, "seed %llu\n", (unsigned long long)seed);
}

int
main(int argc, char **argv)
{
	uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	uint64_t last = argc > 1 ? first : 8;
	long steps = argc > 2 ? strtol(argv[2], NULL, 0) : 4000;

	rump_boot_setsigmodel(RUMP_SIGMODEL_IGNORE);
	if (rump_init() != 0 || rump_pub_lwproc_rfork(RUMP_RFCFDG) != 0)
		return 1;
	/* As who runs this: what is for root may fail on the host. */
	if (geteuid() != 0 && rump_sys_setuid(geteuid()) != 0)
		return 1;
	for (unsigned k = 0; k < NTIMERS; k++)
		timers[k].host = -1;
	for (uint64_t seed = first; seed <= last && errors == 0; seed++)
		run(seed, steps);
	return errors != 0;
}
