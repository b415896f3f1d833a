/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kill(2) in the kernel, under each signal model.
 */
#include <fcntl.h>
#include <limits.h>

#include "../lib/child.h"
#include "../lib/threads.h"

#define NOBODY 99999999

static void
boot_with(enum rump_sigmodel model)
{
	rump_boot_setsigmodel(model);
	boot();
}

static void
kill_self(void *arg)
{
	boot_with(RUMP_SIGMODEL_PANIC);
	(void)newproc(0);
	T_OK(rump_sys_kill(rump_sys_getpid(), 0));
	(void)rump_sys_kill(rump_sys_getpid(), *(int *)arg);
}

static void
kill_self_default(void *arg)
{
	boot();
	(void)newproc(0);
	(void)rump_sys_kill(rump_sys_getpid(), *(int *)arg);
}

TC(panic_ends_the_host_process,
    "PANIC, the default: a signal is fatal, checking with signal 0 is not.")
{
	int sig = SIGTERM;

	child_aborts(kill_self, &sig, "signal", "");
	child_aborts(kill_self_default, &sig, "signal", "");
	sig = 64;
	child_aborts(kill_self, &sig, "signal", "");
}

TC(ignore_does_nothing, "IGNORE: kill succeeds and nothing happens.")
{
	struct lwp *l;
	char c;
	int fd[2];

	boot_with(RUMP_SIGMODEL_IGNORE);
	l = newproc(RUMP_RFCFDG);
	T_OK(rump_sys_pipe(fd));
	for (int sig = 0; sig <= 64; sig++)
		T_OK(rump_sys_kill(rump_sys_getpid(), sig));
	T_EQ(1, rump_sys_write(fd[1], "x", 1));
	T_EQ(1, rump_sys_read(fd[0], &c, 1));
	release(l);
}

static volatile sig_atomic_t raised;

static void
handler(int sig)
{
	raised = sig;
}

TC(raise_raises_on_the_host, "RAISE: the host process gets the signal.")
{
	struct lwp *l;

	(void)signal(SIGUSR1, handler);
	boot_with(RUMP_SIGMODEL_RAISE);
	l = newproc(0);
	T_OK(rump_sys_kill(rump_sys_getpid(), 0));
	T_EQ(0, raised);
	T_OK(rump_sys_kill(rump_sys_getpid(), SIGUSR1));
	for (int i = 0; raised == 0 && i < 1000; i++)
		host_msleep(1);
	T_EQ(SIGUSR1, raised);
	release(l);
}

static void
raise_term(void *arg)
{
	(void)arg;
	boot_with(RUMP_SIGMODEL_RAISE);
	T_OK(rump_sys_kill(1, SIGTERM));
	host_msleep(10000);
}

TC(raise_can_end_the_host, "RAISE: with the host's default action.")
{
	struct child c;

	child_run(&c, raise_term, NULL);
	T_ASSERT(WIFSIGNALED(c.status) && WTERMSIG(c.status) == SIGTERM);
}

/* What a host thread's handler does in the kernel, of which it has a view. */
static pid_t seen_pid[3];
static volatile sig_atomic_t calls;

static void
calling_handler(int sig)
{
	int saved = errno, fd;

	(void)sig;
	for (int i = 0; i < 3; i++) {
		T_OK(rump_sys_kill(seen_pid[i], 0));
		T_OK(rump_sys_getpgid(seen_pid[i]));
	}
	T_OK(rump_sys_kill(-seen_pid[0], 0));
	T_OK(rump_sys_kill(-1, 0));
	fd = (int)T_OK(rump_sys_open("/handler", O_RDWR | O_CREAT, 0600));
	T_OK(rump_sys_close(fd));
	T_OK(rump_sys_unlink("/handler"));
	calls++;
	errno = saved;
}

static void
raise_to_each(void *arg)
{
	struct lwp *first = NULL;

	(void)arg;
	(void)signal(SIGUSR1, calling_handler);
	boot_with(RUMP_SIGMODEL_RAISE);
	for (int i = 0; i < 3; i++) {
		struct lwp *l = newproc(RUMP_RFCFDG);

		seen_pid[i] = rump_sys_getpid();
		if (first == NULL) {
			first = l;
			T_OK(rump_sys_setpgid(0, 0));
		}
	}
	rump_pub_lwproc_switch(first);
	T_OK(rump_sys_kill(seen_pid[0], SIGUSR1));
	T_EQ(1, calls);
	T_OK(rump_sys_kill(seen_pid[2], SIGUSR1));
	T_EQ(2, calls);
	/* Once for each process. */
	T_OK(rump_sys_kill(0, SIGUSR1));
	T_EQ(5, calls);
	T_OK(rump_sys_kill(-seen_pid[0], SIGUSR1));
	T_EQ(8, calls);
	T_OK(rump_sys_kill(-1, SIGUSR1));
	T_EQ(10, calls);
}

TC(raise_holds_no_lock, "RAISE: the host's handler may call the kernel.")
{
	child_passes(raise_to_each, NULL);
}

/*
 * Blocked calls.
 */
struct sleeper {
	struct gate gate;
	pid_t pid;
	int fd[2];
	int kind;
	_Atomic int done;
};

enum { READ_PIPE, WRITE_PIPE, READV_PIPE, OPEN_FIFO, NKINDS };

static long
block(struct sleeper *s)
{
	static char big[300000];
	struct iovec iov = {.iov_base = big, .iov_len = sizeof(big)};

	switch (s->kind) {
	case READ_PIPE:
		return rump_sys_read(s->fd[0], big, 1);
	case READV_PIPE:
		return rump_sys_readv(s->fd[0], &iov, 1);
	case WRITE_PIPE:
		return rump_sys_write(s->fd[1], big, sizeof(big));
	default:
		return rump_sys_open("/fifo", O_RDONLY);
	}
}

static void
sleeper(struct thread *t)
{
	struct sleeper *s = t->t_arg;
	struct lwp *l = newlwp(s->pid);
	long rv;

	thread_sleeps(t);
	gate_raise(&s->gate);
	rv = block(s);
	if (s->kind == WRITE_PIPE)
		/* What was written before counts. */
		T_ASSERT(rv > 0 || (rv == -1 && errno == EINTR));
	else
		T_ASSERT(rv == -1 && errno == EINTR);
	s->done++;
	release(l);
}

TC(record_interrupts_a_blocked_call,
    "RECORD: what the process sleeps in ends with EINTR.")
{
	struct lwp *l;
	struct thread t;

	boot_with(RUMP_SIGMODEL_RECORD);
	T_OK(rump_sys_mkfifo("/fifo", 0600));
	for (int kind = 0; kind < NKINDS; kind++) {
		struct sleeper s = {.gate = GATE_INITIALIZER, .kind = kind};

		l = newproc(RUMP_RFCFDG);
		s.pid = rump_sys_getpid();
		T_OK(rump_sys_pipe(s.fd));
		rump_pub_lwproc_switch(NULL);
		thread_start(&t, 0, sleeper, &s);
		thread_await_asleep(&t);
		/* Asking does not interrupt. */
		T_OK(rump_sys_kill(s.pid, 0));
		host_msleep(30);
		T_EQ(0, s.done);
		T_OK(rump_sys_kill(s.pid, SIGUSR1));
		thread_join(&t);
		release(l);
	}
}

TC(record_interrupts_only_the_target,
    "RECORD: others that sleep on the same pipe sleep on.")
{
	struct sleeper s = {.gate = GATE_INITIALIZER};
	struct lwp *other, *l;
	struct thread t;

	boot_with(RUMP_SIGMODEL_RECORD);
	l = newproc(RUMP_RFCFDG);
	T_OK(rump_sys_pipe(s.fd));
	s.pid = rump_sys_getpid();
	other = newproc(0);
	thread_start(&t, 0, sleeper, &s);
	thread_await_asleep(&t);
	T_OK(rump_sys_kill(rump_sys_getpid(), SIGUSR1));
	T_OK(rump_sys_kill(1, SIGUSR1));
	host_msleep(50);
	T_EQ(0, s.done);
	T_OK(rump_sys_kill(s.pid, SIGUSR1));
	thread_join(&t);
	release(other);
	release(l);
}

TC(record_sigkill_ends_every_sleep,
    "RECORD: after SIGKILL no lwp of the process blocks any more.")
{
	struct sleeper s = {.gate = GATE_INITIALIZER};
	struct thread team[4];
	struct lwp *l;
	char c;

	boot_with(RUMP_SIGMODEL_RECORD);
	l = newproc(RUMP_RFCFDG);
	s.pid = rump_sys_getpid();
	T_OK(rump_sys_pipe(s.fd));
	rump_pub_lwproc_switch(NULL);
	team_start(team, 4, sleeper, &s);
	team_await_asleep(team, 4);
	T_OK(rump_sys_kill(s.pid, SIGKILL));
	team_join(team, 4);

	rump_pub_lwproc_switch(l);
	for (int i = 0; i < 3; i++)
		T_ERR(EINTR, rump_sys_read(s.fd[0], &c, 1));
	/* A call that need not wait still works. */
	T_EQ(1, rump_sys_write(s.fd[1], "x", 1));
	T_EQ(1, rump_sys_read(s.fd[0], &c, 1));
	/* Nor does an lwp that comes later. */
	team_run(1, sleeper, &s);
	release(l);
}

TC(record_is_not_lost_before_the_sleep,
    "RECORD: a signal between the entry and the sleep is not missed.")
{
	struct lwp *l;

	boot_with(RUMP_SIGMODEL_RECORD);
	for (int i = 0; i < 300 / TC_SLOW; i++) {
		struct sleeper s = {.gate = GATE_INITIALIZER};
		struct thread t;

		l = newproc(RUMP_RFCFDG);
		s.pid = rump_sys_getpid();
		T_OK(rump_sys_pipe(s.fd));
		rump_pub_lwproc_switch(NULL);
		thread_start(&t, 0, sleeper, &s);
		gate_await(&s.gate, 1);
		T_OK(rump_sys_kill(s.pid, SIGUSR1));
		thread_join(&t);
		release(l);
	}
}

/*
 * A read that is interrupted, one that ends well, and again.  The gate is
 * raised before and after each.
 */
#define TIMES 5

static struct gate again = GATE_INITIALIZER;

static void
twice_sleeper(struct thread *t)
{
	struct sleeper *s = t->t_arg;
	struct lwp *l = newlwp(s->pid);
	char c;

	for (int i = 0; i < TIMES; i++) {
		gate_await(&again, i);
		thread_sleeps(t);
		gate_raise(&s->gate);
		T_ERR(EINTR, rump_sys_read(s->fd[0], &c, 1));
		s->done++;
		gate_raise(&s->gate);
		T_EQ(1, rump_sys_read(s->fd[0], &c, 1));
		s->done++;
		gate_raise(&s->gate);
	}
	release(l);
}

TC(record_interrupts_once,
    "RECORD: one signal is one EINTR; the next call sleeps again.")
{
	struct sleeper s = {.gate = GATE_INITIALIZER};
	struct thread team[3];
	struct lwp *l;

	boot_with(RUMP_SIGMODEL_RECORD);
	l = newproc(RUMP_RFCFDG);
	s.pid = rump_sys_getpid();
	T_OK(rump_sys_pipe(s.fd));
	team_start(team, 3, twice_sleeper, &s);
	for (int i = 0; i < TIMES; i++) {
		gate_await(&s.gate, 9 * i + 3);
		team_await_asleep(team, 3);
		T_EQ(6 * i, s.done);
		T_OK(rump_sys_kill(s.pid, SIGUSR1));
		gate_await(&s.gate, 9 * i + 6);
		team_await_asleep(team, 3);
		T_EQ(6 * i + 3, s.done);
		T_EQ(3, rump_sys_write(s.fd[1], "abc", 3));
		gate_await(&s.gate, 9 * i + 9);
		gate_raise(&again);
	}
	team_join(team, 3);
	T_EQ(6 * TIMES, s.done);
	release(l);
}

/*
 * Who may signal whom.
 */
TC(kill_errors_are_the_hosts, "Bad signals, and processes that are none.")
{
	static const int bad[] = {-1, 65, 1000, INT_MAX, INT_MIN};
	struct lwp *l;
	pid_t pid;

	boot_with(RUMP_SIGMODEL_IGNORE);
	l = newproc(0);
	pid = rump_sys_getpid();
	T_OK(rump_sys_setsid());
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		T_ERR(EINVAL, rump_sys_kill(pid, bad[i]));
		T_ERR(EINVAL, rump_sys_kill(0, bad[i]));
		T_ERR(EINVAL, rump_sys_kill(-pid, bad[i]));
		T_ERR(ESRCH, rump_sys_kill(NOBODY, bad[i]));
	}
	T_ERR(ESRCH, rump_sys_kill(NOBODY, 0));
	T_ERR(ESRCH, rump_sys_kill(NOBODY, SIGTERM));
	T_ERR(ESRCH, rump_sys_kill(-NOBODY, SIGTERM));
	T_ERR(ESRCH, rump_sys_kill(INT_MIN, SIGTERM));
	T_OK(rump_sys_kill(0, 0));
	T_OK(rump_sys_kill(-pid, 0));
	release(l);
	T_ERR(ESRCH, rump_sys_kill(pid, 0));
	T_ERR(ESRCH, rump_sys_kill(-pid, 0));
}

TC(kill_permission,
    "Root may all; others those whose real or saved id is their real or "
    "effective one.")
{
	/* Sender real, effective; target real, effective, saved. */
	static const struct {
		uid_t r, e, tr, te, ts;
		bool may;
	} who[] = {{0, 0, 1, 2, 3, true}, {1, 0, 2, 2, 2, true},
	    {0, 1, 2, 2, 2, false}, {1, 1, 0, 0, 0, false},
	    {1, 1, 1, 0, 0, true}, {1, 1, 0, 0, 1, true},
	    {1, 1, 0, 1, 0, false}, {2, 1, 2, 3, 3, true},
	    {1, 2, 2, 3, 3, true}, {2, 1, 3, 3, 2, true},
	    {1, 2, 3, 2, 3, false}, {5, 6, 7, 8, 9, false}};
	struct lwp *a, *b;
	pid_t apid;

	boot_with(RUMP_SIGMODEL_IGNORE);
	for (size_t i = 0; i < sizeof(who) / sizeof(who[0]); i++) {
		a = newproc(RUMP_RFCFDG);
		apid = rump_sys_getpid();
		T_OK(rump_sys_setsid());
		T_OK(rump_sys_setresuid(who[i].tr, who[i].te, who[i].ts));
		rump_pub_lwproc_switch(NULL);
		b = newproc(RUMP_RFCFDG);
		T_OK(rump_sys_setresuid(who[i].r, who[i].e, 99));
		for (int sig = 0; sig <= SIGTERM; sig += SIGTERM) {
			if (who[i].may) {
				T_OK(rump_sys_kill(apid, sig));
				T_OK(rump_sys_kill(-apid, sig));
			} else {
				T_ERR(EPERM, rump_sys_kill(apid, sig));
				T_ERR(EPERM, rump_sys_kill(-apid, sig));
			}
		}
		release(a);
		release(b);
	}
}

TC(sigcont_within_the_session,
    "SIGCONT may be sent to any process of the session.")
{
	struct lwp *a, *b;
	pid_t apid;

	boot_with(RUMP_SIGMODEL_IGNORE);
	a = newproc(0);
	apid = rump_sys_getpid();
	T_OK(rump_sys_setsid());
	b = newproc(0);
	T_OK(rump_sys_setuid(1000));
	T_OK(rump_sys_kill(apid, SIGCONT));
	T_ERR(EPERM, rump_sys_kill(apid, SIGTERM));
	T_ERR(EPERM, rump_sys_kill(apid, 0));
	T_OK(rump_sys_setsid());
	T_ERR(EPERM, rump_sys_kill(apid, SIGCONT));
	release(b);
	release(a);
}

TC(kill_reaches_groups, "0 and negative pids: groups, and everybody.")
{
	struct lwp *a, *b, *c;
	pid_t apid, bpid;

	boot_with(RUMP_SIGMODEL_IGNORE);
	a = newproc(0);
	apid = rump_sys_getpid();
	T_OK(rump_sys_setsid());
	b = newproc(0);
	bpid = rump_sys_getpid();
	T_OK(rump_sys_setuid(1000));
	c = newproc(0);
	T_OK(rump_sys_setpgid(0, 0));
	/* b is in a's group: one of two can be signalled, which is enough. */
	rump_pub_lwproc_switch(b);
	T_OK(rump_sys_kill(0, SIGTERM));
	T_OK(rump_sys_kill(-apid, SIGTERM));
	T_OK(rump_sys_kill(-1, SIGTERM));
	T_ERR(ESRCH, rump_sys_kill(-bpid, 0));
	release(b);
	rump_pub_lwproc_switch(c);
	T_ERR(EPERM, rump_sys_kill(-apid, SIGTERM));
	release(c);
	release(a);
	/* Nobody left but process 1. */
	T_ERR(ESRCH, rump_sys_kill(-1, 0));
}

static void
record_group(struct thread *t)
{
	struct sleeper *s = t->t_arg;
	struct lwp *l = newproc(0);
	char c;

	T_OK(rump_sys_setpgid(0, s->pid));
	thread_sleeps(t);
	T_ERR(EINTR, rump_sys_read(s->fd[0], &c, 1));
	release(l);
}

static void
in_group(struct thread *t)
{
	struct sleeper *s = t->t_arg;
	struct lwp *base = newlwp(s->pid);

	record_group(t);
	release(base);
}

TC(record_wakes_a_whole_group, "RECORD: kill of a group reaches every one.")
{
	struct sleeper s = {0};
	struct thread team[5];
	struct lwp *l;

	boot_with(RUMP_SIGMODEL_RECORD);
	l = newproc(RUMP_RFCFDG);
	T_OK(rump_sys_setsid());
	s.pid = rump_sys_getpid();
	T_OK(rump_sys_pipe(s.fd));
	rump_pub_lwproc_switch(NULL);
	team_start(team, 5, in_group, &s);
	team_await_asleep(team, 5);
	T_OK(rump_sys_kill(-s.pid, SIGINT));
	team_join(team, 5);
	release(l);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, panic_ends_the_host_process);
	ATF_TP_ADD_TC(tp, ignore_does_nothing);
	ATF_TP_ADD_TC(tp, raise_raises_on_the_host);
	ATF_TP_ADD_TC(tp, raise_can_end_the_host);
	ATF_TP_ADD_TC(tp, raise_holds_no_lock);
	ATF_TP_ADD_TC(tp, record_interrupts_a_blocked_call);
	ATF_TP_ADD_TC(tp, record_interrupts_only_the_target);
	ATF_TP_ADD_TC(tp, record_sigkill_ends_every_sleep);
	ATF_TP_ADD_TC(tp, record_is_not_lost_before_the_sleep);
	ATF_TP_ADD_TC(tp, record_interrupts_once);
	ATF_TP_ADD_TC(tp, kill_errors_are_the_hosts);
	ATF_TP_ADD_TC(tp, kill_permission);
	ATF_TP_ADD_TC(tp, sigcont_within_the_session);
	ATF_TP_ADD_TC(tp, kill_reaches_groups);
	ATF_TP_ADD_TC(tp, record_wakes_a_whole_group);
	return atf_no_error();
}
