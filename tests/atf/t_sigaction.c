/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Handlers, masks and what is pending.
 */
#include <fcntl.h>
#include <signal.h>

#include "../lib/child.h"
#include "../lib/threads.h"

static int order[64];
static volatile sig_atomic_t ncalls;
static siginfo_t last;

static void
note(int sig)
{
	order[ncalls++] = sig;
}

static void
note_info(int sig, siginfo_t *info, void *uc)
{
	T_ASSERT(uc != NULL);
	note(sig);
	last = *info;
}

static void catch (int sig, void (*fn)(int), int flags)
{
	struct sigaction sa = {.sa_flags = flags};

	sa.sa_handler = fn;
	T_OK(rump_sys_sigaction(sig, &sa, NULL));
}

static void
catch_info(int sig)
{
	struct sigaction sa = {.sa_flags = SA_SIGINFO};

	sa.sa_sigaction = note_info;
	T_OK(rump_sys_sigaction(sig, &sa, NULL));
}

static void
block(int how, int a, int b)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, a);
	if (b != 0)
		sigaddset(&set, b);
	T_OK(rump_sys_sigprocmask(how, &set, NULL));
}

static bool
is_pending(int sig)
{
	sigset_t set;

	T_OK(rump_sys_sigpending(&set));
	return sigismember(&set, sig);
}

static struct lwp *
begin(enum rump_sigmodel model)
{
	rump_boot_setsigmodel(model);
	boot();
	return newproc(RUMP_RFCFDG);
}

TC(handler_runs_at_the_end_of_kill,
    "A caught signal runs its handler, with every model.")
{
	static const enum rump_sigmodel models[] = {RUMP_SIGMODEL_PANIC,
	    RUMP_SIGMODEL_IGNORE, RUMP_SIGMODEL_RAISE, RUMP_SIGMODEL_RECORD,
	    RUMP_SIGMODEL_POSIX};

	for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
		struct lwp *l = begin(models[i]);

		ncalls = 0;
		catch (SIGUSR1, note, 0);
		errno = 77;
		T_OK(rump_sys_kill(rump_sys_getpid(), SIGUSR1));
		T_EQ(77, errno);
		T_EQ(1, ncalls);
		T_EQ(SIGUSR1, order[0]);
		catch (SIGUSR1, SIG_IGN, 0);
		T_OK(rump_sys_kill(rump_sys_getpid(), SIGUSR1));
		T_EQ(1, ncalls);
		T_EQ(false, is_pending(SIGUSR1));
		release(l);
	}
}

TC(actions_are_told, "What was set is told, and what cannot be set.")
{
	struct lwp *l = begin(RUMP_SIGMODEL_POSIX);
	struct sigaction sa = {.sa_flags = SA_RESTART | SA_SIGINFO}, old;

	sa.sa_sigaction = note_info;
	sigaddset(&sa.sa_mask, SIGUSR2);
	sigaddset(&sa.sa_mask, SIGKILL);
	T_OK(rump_sys_sigaction(SIGUSR1, &sa, &old));
	T_ASSERT(old.sa_handler == SIG_DFL && old.sa_flags == 0);
	T_OK(rump_sys_sigaction(SIGUSR1, NULL, &old));
	T_ASSERT(old.sa_sigaction == note_info);
	T_EQ(SA_RESTART | SA_SIGINFO, old.sa_flags);
	T_ASSERT(sigismember(&old.sa_mask, SIGUSR2));
	T_ASSERT(!sigismember(&old.sa_mask, SIGKILL));
	T_ERR(EINVAL, rump_sys_sigaction(0, &sa, NULL));
	T_ERR(EINVAL, rump_sys_sigaction(65, &sa, NULL));
	T_ERR(EINVAL, rump_sys_sigaction(-1, NULL, NULL));
	T_ERR(EINVAL, rump_sys_sigaction(SIGKILL, &sa, NULL));
	T_ERR(EINVAL, rump_sys_sigaction(SIGSTOP, &sa, NULL));
	T_OK(rump_sys_sigaction(SIGKILL, NULL, &old));
	T_ERR(EFAULT, rump_sys_sigaction(SIGUSR1, (void *)1, NULL));
	T_ERR(EFAULT, rump_sys_sigprocmask(SIG_BLOCK, (void *)1, NULL));
	T_ERR(EINVAL, rump_sys_sigprocmask(17, &sa.sa_mask, NULL));
	T_ERR(EFAULT, rump_sys_sigpending((void *)1));
	release(l);
}

TC(blocked_signals_wait, "A blocked signal is pending, a standard one once.")
{
	struct lwp *l = begin(RUMP_SIGMODEL_PANIC);
	pid_t pid = rump_sys_getpid();
	sigset_t all, old;

	catch (SIGUSR1, note, 0);
	catch (SIGRTMIN, note, 0);
	block(SIG_BLOCK, SIGUSR1, SIGRTMIN);
	block(SIG_BLOCK, SIGTERM, 0);
	for (int i = 0; i < 3; i++) {
		T_OK(rump_sys_kill(pid, SIGUSR1));
		T_OK(rump_sys_kill(pid, SIGRTMIN));
	}
	T_EQ(0, ncalls);
	T_ASSERT(is_pending(SIGUSR1) && is_pending(SIGRTMIN));
	block(SIG_UNBLOCK, SIGUSR1, 0);
	T_EQ(1, ncalls);
	block(SIG_UNBLOCK, SIGRTMIN, 0);
	T_EQ(4, ncalls);
	/* Not even PANIC does anything while it is blocked; then ignored. */
	T_OK(rump_sys_kill(pid, SIGTERM));
	T_ASSERT(is_pending(SIGTERM));
	catch (SIGTERM, SIG_IGN, 0);
	T_ASSERT(!is_pending(SIGTERM));
	sigfillset(&all);
	T_OK(rump_sys_sigprocmask(SIG_SETMASK, &all, NULL));
	T_OK(rump_sys_sigprocmask(SIG_BLOCK, NULL, &old));
	T_ASSERT(sigismember(&old, SIGTERM) && !sigismember(&old, SIGKILL) &&
		 !sigismember(&old, SIGSTOP));
	release(l);
}

TC(order_is_the_hosts,
    "Of several the last one taken runs first, unless it is blocked.")
{
	struct lwp *l = begin(RUMP_SIGMODEL_IGNORE);
	struct sigaction sa = {.sa_flags = 0};
	pid_t pid = rump_sys_getpid();

	tc_local();
	catch (SIGUSR1, note, 0);
	catch (SIGUSR2, note, 0);
	block(SIG_BLOCK, SIGUSR1, SIGUSR2);
	T_OK(rump_sys_kill(pid, SIGUSR2));
	T_OK(rump_sys_kill(pid, SIGUSR1));
	block(SIG_UNBLOCK, SIGUSR1, SIGUSR2);
	T_EQ(2, ncalls);
	T_EQ(SIGUSR2, order[0]);
	T_EQ(SIGUSR1, order[1]);
	sa.sa_handler = note;
	sigaddset(&sa.sa_mask, SIGUSR2);
	T_OK(rump_sys_sigaction(SIGUSR1, &sa, NULL));
	block(SIG_BLOCK, SIGUSR1, SIGUSR2);
	T_OK(rump_sys_kill(pid, SIGUSR2));
	T_OK(rump_sys_kill(pid, SIGUSR1));
	block(SIG_UNBLOCK, SIGUSR1, SIGUSR2);
	T_EQ(SIGUSR1, order[2]);
	T_EQ(SIGUSR2, order[3]);
	release(l);
}

static int depth, deepest;

static void
again(int sig)
{
	sigset_t now;

	T_OK(rump_sys_sigprocmask(SIG_BLOCK, NULL, &now));
	order[ncalls] = sigismember(&now, sig);
	if (++depth > deepest)
		deepest = depth;
	if (++ncalls < 3)
		T_OK(rump_sys_kill(rump_sys_getpid(), sig));
	depth--;
}

TC(handlers_nest, "A signal is blocked in its handler, or SA_NODEFER.")
{
	struct lwp *l = begin(RUMP_SIGMODEL_IGNORE);

	catch (SIGUSR1, again, 0);
	T_OK(rump_sys_kill(rump_sys_getpid(), SIGUSR1));
	T_EQ(3, ncalls);
	T_EQ(1, deepest);
	T_EQ(1, order[0]);
	ncalls = 0;
	catch (SIGUSR1, again, SA_NODEFER);
	T_OK(rump_sys_kill(rump_sys_getpid(), SIGUSR1));
	T_EQ(3, ncalls);
	T_EQ(3, deepest);
	T_EQ(0, order[0]);
	catch (SIGUSR1, note, SA_RESETHAND);
	T_OK(rump_sys_kill(rump_sys_getpid(), SIGUSR1));
	T_OK(rump_sys_kill(rump_sys_getpid(), SIGUSR1));
	T_EQ(4, ncalls);
	release(l);
}

TC(siginfo_tells, "Who sent it, how, and with what value.")
{
	struct lwp *l = begin(RUMP_SIGMODEL_IGNORE);
	pid_t pid = rump_sys_getpid();
	siginfo_t info = {.si_code = SI_QUEUE};
	union sigval value = {.sival_int = 42};

	T_OK(rump_sys_setreuid(7, 0));
	catch_info(SIGUSR1);
	T_OK(rump_sys_kill(pid, SIGUSR1));
	T_EQ(SI_USER, last.si_code);
	T_EQ(pid, last.si_pid);
	T_EQ(7, last.si_uid);
	T_OK(rump_sys_tgkill(pid, rump_sys_gettid(), SIGUSR1));
	T_EQ(SI_TKILL, last.si_code);
	T_OK(rump_sys_sigqueue(pid, SIGUSR1, value));
	T_EQ(SI_QUEUE, last.si_code);
	T_EQ(42, last.si_value.sival_int);
	info.si_pid = 1234;
	T_OK(rump_sys_rt_sigqueueinfo(pid, SIGUSR1, &info));
	T_EQ(1234, last.si_pid);
	T_EQ(SIGUSR1, last.si_signo);
	T_OK(rump_sys_rt_tgsigqueueinfo(pid, 1, SIGUSR1, &info));
	info.si_code = SI_USER;
	T_ERR(EPERM, rump_sys_rt_sigqueueinfo(1, SIGUSR1, &info));
	T_ERR(EINVAL, rump_sys_sigqueue(pid, 65, value));
	T_ERR(ESRCH, rump_sys_tgkill(pid, 99, SIGUSR1));
	T_ERR(EINVAL, rump_sys_tgkill(pid, 0, SIGUSR1));
	T_ERR(EINVAL, rump_sys_killpg(-1, SIGUSR1));
	release(l);
}

TC(limit_of_queued_signals, "RLIMIT_SIGPENDING: EAGAIN for one too many.")
{
	struct lwp *l = begin(RUMP_SIGMODEL_IGNORE);
	struct rlimit rl = {3, 3};
	union sigval value = {.sival_int = 1};

	T_OK(rump_sys_setrlimit(RLIMIT_SIGPENDING, &rl));
	block(SIG_BLOCK, SIGRTMIN, SIGUSR1);
	for (int i = 0; i < 3; i++)
		T_OK(rump_sys_sigqueue(rump_sys_getpid(), SIGRTMIN, value));
	T_ERR(EAGAIN, rump_sys_sigqueue(rump_sys_getpid(), SIGRTMIN, value));
	/* kill needs nothing that can run out. */
	T_OK(rump_sys_kill(rump_sys_getpid(), SIGUSR1));
	T_ASSERT(is_pending(SIGUSR1));
	release(l);
}

/*
 * Interrupted calls.
 */
struct reader {
	pid_t pid;
	int fd[2];
	int flags;
	ssize_t rv;
	int error;
};

static void
reader(struct thread *t)
{
	struct reader *r = t->t_arg;
	struct lwp *l = newlwp(r->pid);
	char c;

	catch (SIGUSR1, note, r->flags);
	thread_sleeps(t);
	r->rv = rump_sys_read(r->fd[0], &c, 1);
	r->error = errno;
	release(l);
}

static void
interrupt_reader(struct reader *r, int flags)
{
	struct lwp *l = newproc(RUMP_RFCFDG);
	struct thread t;

	r->flags = flags;
	r->pid = rump_sys_getpid();
	ncalls = 0;
	T_OK(rump_sys_pipe(r->fd));
	rump_pub_lwproc_switch(NULL);
	thread_start(&t, 0, reader, r);
	thread_await_asleep(&t);
	T_OK(rump_sys_kill(r->pid, SIGUSR1));
	host_msleep(30);
	rump_pub_lwproc_switch(l);
	T_EQ(1, rump_sys_write(r->fd[1], "x", 1));
	thread_join(&t);
	T_EQ(1, ncalls);
	release(l);
}

TC(restart, "SA_RESTART: the read goes on; without it, EINTR.")
{
	struct reader r;

	rump_boot_setsigmodel(RUMP_SIGMODEL_POSIX);
	boot();
	interrupt_reader(&r, SA_RESTART);
	T_EQ(1, r.rv);
	interrupt_reader(&r, 0);
	T_EQ(-1, r.rv);
	T_EQ(EINTR, r.error);
}

static void
masked_reader(struct thread *t)
{
	struct reader *r = t->t_arg;
	struct lwp *l = newlwp(r->pid);
	char c;

	if (t->t_id == 0)
		block(SIG_BLOCK, SIGUSR1, 0);
	thread_sleeps(t);
	if (t->t_id == 0)
		T_EQ(1, rump_sys_read(r->fd[0], &c, 1));
	else
		T_ERR(EINTR, rump_sys_pause());
	release(l);
}

TC(an_lwp_that_does_not_block_it_takes_it,
    "Of two that sleep, the one that blocks the signal sleeps on.")
{
	struct reader r = {0};
	struct lwp *l = begin(RUMP_SIGMODEL_POSIX);
	struct thread team[2];

	r.pid = rump_sys_getpid();
	catch (SIGUSR1, note, 0);
	T_OK(rump_sys_pipe(r.fd));
	team_start(team, 2, masked_reader, &r);
	team_await_asleep(team, 2);
	rump_pub_lwproc_switch(NULL);
	T_OK(rump_sys_kill(r.pid, SIGUSR1));
	thread_join(&team[1]);
	T_EQ(1, ncalls);
	rump_pub_lwproc_switch(l);
	T_EQ(1, rump_sys_write(r.fd[1], "x", 1));
	thread_join(&team[0]);
	T_EQ(1, ncalls);
	release(l);
}

TC(actions_are_inherited,
    "A new process has its parent's actions and mask, nothing pending.")
{
	struct lwp *l = begin(RUMP_SIGMODEL_IGNORE), *child;
	sigset_t set;

	catch (SIGUSR1, note, 0);
	block(SIG_BLOCK, SIGUSR2, 0);
	T_OK(rump_sys_kill(rump_sys_getpid(), SIGUSR2));
	child = newproc(RUMP_RFCFDG);
	T_ASSERT(!is_pending(SIGUSR2));
	T_OK(rump_sys_sigprocmask(SIG_BLOCK, NULL, &set));
	T_ASSERT(sigismember(&set, SIGUSR2) && !sigismember(&set, SIGUSR1));
	T_OK(rump_sys_kill(rump_sys_getpid(), SIGUSR1));
	T_EQ(1, ncalls);
	release(child);
	release(l);
}

TC(sigpipe, "A write that nobody can read posts SIGPIPE; or RWF_NOSIGNAL.")
{
	struct lwp *l = begin(RUMP_SIGMODEL_POSIX);
	struct iovec iov = {.iov_base = (void *)(uintptr_t) "x", .iov_len = 1};
	int fd[2];

	catch_info(SIGPIPE);
	T_OK(rump_sys_pipe(fd));
	T_OK(rump_sys_close(fd[0]));
	T_ERR(EPIPE, rump_sys_write(fd[1], "x", 1));
	T_EQ(1, ncalls);
	T_EQ(SIGPIPE, last.si_signo);
	T_ERR(EPIPE, rump_sys_pwritev2(fd[1], &iov, 1, -1, 0x100));
	T_EQ(1, ncalls);
	release(l);
}

TC(posix_default_ends, "POSIX: a process that is ended waits for nothing.")
{
	struct lwp *l = begin(RUMP_SIGMODEL_POSIX);
	pid_t pid = rump_sys_getpid();
	char c;
	int fd[2];

	T_OK(rump_sys_pipe(fd));
	T_OK(rump_sys_kill(pid, SIGCHLD));
	T_OK(rump_sys_kill(pid, SIGWINCH));
	T_OK(rump_sys_kill(1, SIGKILL));
	T_OK(rump_sys_kill(pid, SIGTERM));
	T_ERR(EINTR, rump_sys_read(fd[0], &c, 1));
	T_ERR(EINTR, rump_sys_read(fd[0], &c, 1));
	release(l);
	T_ERR(ESRCH, rump_sys_kill(pid, 0));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, handler_runs_at_the_end_of_kill);
	ATF_TP_ADD_TC(tp, actions_are_told);
	ATF_TP_ADD_TC(tp, blocked_signals_wait);
	ATF_TP_ADD_TC(tp, order_is_the_hosts);
	ATF_TP_ADD_TC(tp, handlers_nest);
	ATF_TP_ADD_TC(tp, siginfo_tells);
	ATF_TP_ADD_TC(tp, limit_of_queued_signals);
	ATF_TP_ADD_TC(tp, restart);
	ATF_TP_ADD_TC(tp, an_lwp_that_does_not_block_it_takes_it);
	ATF_TP_ADD_TC(tp, actions_are_inherited);
	ATF_TP_ADD_TC(tp, sigpipe);
	ATF_TP_ADD_TC(tp, posix_default_ends);
	return atf_no_error();
}
