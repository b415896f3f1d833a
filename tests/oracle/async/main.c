/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What comes unasked: the same scripts here and on the host, whose logs must be
 * the same.  Of signals that are read (signalfd), of timers that post, of
 * masks for the time of a wait, of limits on what is queued, of SIGIO, and of
 * descriptors that are closed while somebody waits for them.
 *
 *	async [script [verbose]]
 *
 * On the host a script runs in a child; here in a process of its own.
 */
#include "async.h"

#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <pthread.h>
#include <stdarg.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#define LOG_SIZE 65536

const struct world *w;

static char *logs[2], *curlog;
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static char hostdir[] = "/tmp/async.XXXXXX";

/*
 * The log
 */

void
say(const char *fmt, ...)
{
	size_t n;
	va_list ap;

	(void)pthread_mutex_lock(&log_lock);
	n = strlen(curlog);
	va_start(ap, fmt);
	(void)vsnprintf(curlog + n, LOG_SIZE - n, fmt, ap);
	va_end(ap);
	(void)pthread_mutex_unlock(&log_lock);
}

void
say_result(const char *what, long rv)
{
	int error = errno;

	if (rv == -1)
		say("%s: %s\n", what, strerror(error));
	else
		say("%s: %ld\n", what, rv);
}

/*
 * What scripts have in common
 */

static sigset_t
set_of_list(int signo, va_list ap)
{
	sigset_t set;

	(void)sigemptyset(&set);
	for (; signo != 0; signo = va_arg(ap, int))
		(void)sigaddset(&set, signo);
	return set;
}

sigset_t
set_of(int signo, ...)
{
	sigset_t set;
	va_list ap;

	va_start(ap, signo);
	set = set_of_list(signo, ap);
	va_end(ap);
	return set;
}

void
block(int signo, ...)
{
	sigset_t set;
	va_list ap;

	va_start(ap, signo);
	set = set_of_list(signo, ap);
	va_end(ap);
	SAY(w->sigprocmask(SIG_BLOCK, &set, NULL));
}

void
sleep_ms(long ms)
{
	struct timespec ts = {ms / 1000, ms % 1000 * MSEC};

	while (nanosleep(&ts, &ts) == -1 && errno == EINTR)
		continue;
}

void
say_info(const siginfo_t *info)
{
	say("signal %d code %d", info->si_signo, info->si_code);
	if (info->si_code == SI_TIMER)
		say(" value %d", info->si_value.sival_int);
	else if (info->si_code == SI_USER || info->si_code == SI_QUEUE ||
		 info->si_code == SI_TKILL)
		say(" mine %d uid %d value %d", info->si_pid == w->getpid(),
		    (int)info->si_uid,
		    info->si_code == SI_QUEUE ? info->si_value.sival_int : 0);
	else if (info->si_signo == SIGCHLD)
		say(" status %d", info->si_status);
	else if (info->si_code > 0 && info->si_code <= POLL_HUP)
		say(" band %#lx", (unsigned long)info->si_band);
	say("\n");
}

void
say_pending(void)
{
	sigset_t set;
	int i;

	SAY(w->sigpending(&set));
	for (i = 1; i < 65; i++)
		if (sigismember(&set, i) == 1)
			say(" %d", i);
	say(" pending\n");
}

static void
on_signal(int signo, siginfo_t *info, void *uc)
{
	(void)signo, (void)uc;
	say("handler: ");
	say_info(info);
}

void
say_signals(int signo, int flags)
{
	struct sigaction sa = {.sa_flags = flags | SA_SIGINFO};

	sa.sa_sigaction = on_signal;
	SAY(w->sigaction(signo, &sa, NULL));
}

/*
 * The host
 */

static int
host_timer_create(clockid_t clock, struct sigevent *ev, int *id)
{
	return (int)syscall(SYS_timer_create, clock, ev, id);
}

static int
host_timer_settime(
    int id, int flags, const struct itimerspec *new, struct itimerspec *old)
{
	return (int)syscall(SYS_timer_settime, id, flags, new, old);
}

static int
host_timer_getoverrun(int id)
{
	return (int)syscall(SYS_timer_getoverrun, id);
}

static int
host_timer_delete(int id)
{
	return (int)syscall(SYS_timer_delete, id);
}

static pid_t
host_child(int status)
{
	pid_t pid = fork();
	siginfo_t info;

	if (pid == 0)
		_exit(status);
	if (pid > 0)
		(void)waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
	return pid;
}

static struct {
	pthread_t id;
	void (*fn)(void *);
	void *arg;
	pid_t pid;
	sigset_t mask;
} other;

static void
other_start(void *(*start)(void *), void (*fn)(void *), void *arg)
{
	other.fn = fn;
	other.arg = arg;
	if (pthread_create(&other.id, NULL, start, NULL) != 0)
		abort();
}

static void
other_join(void)
{
	(void)pthread_join(other.id, NULL);
}

static void *
host_other(void *arg)
{
	other.fn(other.arg);
	return arg;
}

static void
host_thread(void (*fn)(void *), void *arg)
{
	other_start(host_other, fn, arg);
}

static void
host_settle(void)
{
	sleep_ms(40);
}

static const struct world host = {
    .pipe2 = pipe2,
    .close = close,
    .dup2 = dup2,
    .dup = dup,
    .fcntl = fcntl,
    .read = read,
    .write = write,
    .open = open,
    .mkfifo = mkfifo,
    .unlink = unlink,
    .ioctl = ioctl,
    .socketpair = socketpair,
    .socket = socket,
    .bind = bind,
    .listen = listen,
    .connect = connect,
    .accept4 = accept4,
    .shutdown = shutdown,
    .setsockopt = setsockopt,
    .poll = poll,
    .ppoll = ppoll,
    .pselect = pselect,
    .epoll_create1 = epoll_create1,
    .epoll_ctl = epoll_ctl,
    .epoll_wait = epoll_wait,
    .epoll_pwait = epoll_pwait,
    .epoll_pwait2 = epoll_pwait2,
    .eventfd = eventfd,
    .timerfd_create = timerfd_create,
    .timerfd_settime = timerfd_settime,
    .inotify_init1 = inotify_init1,
    .inotify_add_watch = inotify_add_watch,
    .signalfd = signalfd,
    .kill = kill,
    .sigqueue = sigqueue,
    .sigaction = sigaction,
    .sigprocmask = sigprocmask,
    .sigpending = sigpending,
    .sigtimedwait = sigtimedwait,
    .wait4 = wait4,
    .setrlimit = (int (*)(int, const struct rlimit *))setrlimit,
    .setuid = setuid,
    .setpgid = setpgid,
    .getpid = getpid,
    .gettid = gettid,
    .getuid = getuid,
    .timer_create = host_timer_create,
    .timer_settime = host_timer_settime,
    .timer_getoverrun = host_timer_getoverrun,
    .timer_delete = host_timer_delete,
    .tgkill = tgkill,
    .child = host_child,
    .thread = host_thread,
    .join = other_join,
    .settle = host_settle,
    .dir = hostdir,
};

/*
 * Here
 */

static int
rump_timer_create(clockid_t clock, struct sigevent *ev, int *id)
{
	timer_t t = NULL;
	int rv = rump_sys_timer_create(clock, ev, &t);

	*id = (int)(intptr_t)t;
	return rv;
}

static timer_t
timer(int id)
{
	return (timer_t)(intptr_t)id;
}

static int
rump_timer_settime(
    int id, int flags, const struct itimerspec *new, struct itimerspec *old)
{
	return rump_sys_timer_settime(timer(id), flags, new, old);
}

static int
rump_timer_getoverrun(int id)
{
	return rump_sys_timer_getoverrun(timer(id));
}

static int
rump_timer_delete(int id)
{
	return rump_sys_timer_delete(timer(id));
}

static pid_t
rump_child(int status)
{
	struct lwp *l = rump_pub_lwproc_curlwp();
	pid_t pid;

	if (rump_pub_lwproc_rfork(RUMP_RFFDG) != 0)
		abort();
	pid = rump_sys_getpid();
	(void)rump_sys_exit(status);
	rump_pub_lwproc_switch(l);
	return pid;
}

static void *
rump_other(void *arg)
{
	if (rump_pub_lwproc_newlwp(other.pid) != 0)
		abort();
	(void)rump_sys_sigprocmask(SIG_SETMASK, &other.mask, NULL);
	other.fn(other.arg);
	rump_pub_lwproc_releaselwp();
	return arg;
}

static void
rump_thread(void (*fn)(void *), void *arg)
{
	other.pid = rump_sys_getpid();
	(void)rump_sys_sigprocmask(SIG_BLOCK, NULL, &other.mask);
	other_start(rump_other, fn, arg);
}

static const struct world rump = {
    .pipe2 = rump_sys_pipe2,
    .close = rump_sys_close,
    .dup2 = rump_sys_dup2,
    .dup = rump_sys_dup,
    .fcntl = rump_sys_fcntl,
    .read = rump_sys_read,
    .write = rump_sys_write,
    .open = rump_sys_open,
    .mkfifo = rump_sys_mkfifo,
    .unlink = rump_sys_unlink,
    .ioctl = rump_sys_ioctl,
    .socketpair = rump_sys_socketpair,
    .socket = rump_sys_socket,
    .bind = rump_sys_bind,
    .listen = rump_sys_listen,
    .connect = rump_sys_connect,
    .accept4 = rump_sys_accept4,
    .shutdown = rump_sys_shutdown,
    .setsockopt = rump_sys_setsockopt,
    .poll = rump_sys_poll,
    .ppoll = rump_sys_ppoll,
    .pselect = rump_sys_pselect,
    .epoll_create1 = rump_sys_epoll_create1,
    .epoll_ctl = rump_sys_epoll_ctl,
    .epoll_wait = rump_sys_epoll_wait,
    .epoll_pwait = rump_sys_epoll_pwait,
    .epoll_pwait2 = rump_sys_epoll_pwait2,
    .eventfd = rump_sys_eventfd,
    .timerfd_create = rump_sys_timerfd_create,
    .timerfd_settime = rump_sys_timerfd_settime,
    .inotify_init1 = rump_sys_inotify_init1,
    .inotify_add_watch = rump_sys_inotify_add_watch,
    .signalfd = rump_sys_signalfd,
    .kill = rump_sys_kill,
    .sigqueue = rump_sys_sigqueue,
    .sigaction = rump_sys_sigaction,
    .sigprocmask = rump_sys_sigprocmask,
    .sigpending = rump_sys_sigpending,
    .sigtimedwait = rump_sys_sigtimedwait,
    .wait4 = rump_sys_wait4,
    .setrlimit = rump_sys_setrlimit,
    .setuid = rump_sys_setuid,
    .setpgid = rump_sys_setpgid,
    .getpid = rump_sys_getpid,
    .gettid = rump_sys_gettid,
    .getuid = rump_sys_getuid,
    .timer_create = rump_timer_create,
    .timer_settime = rump_timer_settime,
    .timer_getoverrun = rump_timer_getoverrun,
    .timer_delete = rump_timer_delete,
    .tgkill = rump_sys_tgkill,
    .child = rump_child,
    .thread = rump_thread,
    .join = other_join,
    .settle = host_settle,
    .dir = "/tmp",
};

/*
 * Running
 */

static void
run_host(const struct script *s)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		w = &host;
		curlog = logs[0];
		s->run();
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || status != 0) {
		curlog = logs[0];
		say("status %#x\n", (unsigned)status);
	}
}

static void
run_rump(const struct script *s)
{
	w = &rump;
	curlog = logs[1];
	if (rump_pub_lwproc_rfork(RUMP_RFCFDG) != 0)
		abort();
	/* As a shell would: with three descriptors, and a group. */
	for (int i = 0; i < 3; i++)
		(void)rump_sys_open("/dev/null", O_RDWR);
	s->run();
	(void)rump_sys_exit(0);
}

static int
compare(const struct script *s, bool verbose)
{
	char *a = logs[0], *b = logs[1];
	int line = 1;

	memset(a, 0, LOG_SIZE);
	memset(b, 0, LOG_SIZE);
	run_host(s);
	run_rump(s);
	if (verbose)
		printf("%s:\n%s", s->name, a);
	if (strcmp(a, b) == 0)
		return 0;
	while (strcspn(a, "\n") == strcspn(b, "\n") &&
	       strncmp(a, b, strcspn(a, "\n")) == 0 && *a != '\0') {
		a += strcspn(a, "\n") + 1;
		b += strcspn(b, "\n") + 1;
		line++;
	}
	printf("%s, line %d of the log:\n  host: %.*s\n  here: %.*s\n", s->name,
	    line, (int)strcspn(a, "\n"), a, (int)strcspn(b, "\n"), b);
	return 1;
}

/* On a busy machine a thread may not wait yet when it should: try again. */
static int
differs(const struct script *s, bool verbose)
{
	int tries;

	for (tries = 0; tries < 4; tries++)
		if (compare(s, verbose) == 0)
			return 0;
	return 1;
}

int
main(int argc, char **argv)
{
	const struct script *const all[] = {signalfd_scripts, timer_scripts,
	    mask_scripts, sigio_scripts, closing_scripts};
	int failed = 0;

	for (int i = 0; i < 2; i++) {
		logs[i] = mmap(NULL, LOG_SIZE, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (logs[i] == MAP_FAILED)
			return 2;
	}
	if (mkdtemp(hostdir) == NULL)
		return 2;
	rump_boot_setsigmodel(RUMP_SIGMODEL_POSIX);
	if (rump_init() != 0 || rump_sys_chmod("/tmp", 0777) != 0 ||
	    chmod(hostdir, 0777) != 0)
		return 2;
	for (size_t k = 0; k < sizeof(all) / sizeof(all[0]); k++)
		for (const struct script *s = all[k]; s->name != NULL; s++)
			if (argc < 2 || strcmp(argv[1], s->name) == 0)
				failed |= differs(s, argc > 2);
	(void)rmdir(hostdir);
	return failed;
}
