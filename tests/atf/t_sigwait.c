/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting for signals: sigtimedwait and its like, sigsuspend.
 */
#include <signal.h>

#include "../lib/threads.h"

static volatile sig_atomic_t ncalls;

static void
note(int sig)
{
	(void)sig;
	ncalls++;
}

static struct lwp *
begin(enum rump_sigmodel model, sigset_t *set)
{
	struct sigaction sa = {.sa_flags = SA_RESTART};
	struct lwp *l;

	rump_boot_setsigmodel(model);
	boot();
	l = newproc(RUMP_RFCFDG);
	sa.sa_handler = note;
	T_OK(rump_sys_sigaction(SIGUSR2, &sa, NULL));
	sigemptyset(set);
	sigaddset(set, SIGUSR1);
	sigaddset(set, SIGRTMIN);
	T_OK(rump_sys_sigprocmask(SIG_BLOCK, set, NULL));
	return l;
}

TC(pending_ones_are_taken, "In order, with their values; then EAGAIN.")
{
	const struct timespec none = {0, 0}, some = {0, 20000000},
			      bad = {0, 1000000000};
	sigset_t set;
	struct lwp *l = begin(RUMP_SIGMODEL_PANIC, &set);
	pid_t pid = rump_sys_getpid();
	siginfo_t info;
	int sig;

	T_ERR(EAGAIN, rump_sys_sigtimedwait(&set, &info, &none));
	T_ERR(EAGAIN, rump_sys_sigtimedwait(&set, &info, &some));
	T_ERR(EINVAL, rump_sys_sigtimedwait(&set, &info, &bad));
	T_ERR(EFAULT, rump_sys_sigtimedwait((void *)1, &info, &none));
	T_ERR(EFAULT, rump_sys_sigtimedwait(&set, &info, (void *)1));
	for (int i = 0; i < 3; i++)
		T_OK(rump_sys_sigqueue(
		    pid, SIGRTMIN, (union sigval){.sival_int = i}));
	T_OK(rump_sys_kill(pid, SIGUSR1));
	T_EQ(SIGUSR1, rump_sys_sigtimedwait(&set, &info, &none));
	T_EQ(SI_USER, info.si_code);
	for (int i = 0; i < 2; i++) {
		T_EQ(SIGRTMIN, rump_sys_sigwaitinfo(&set, &info));
		T_EQ(i, info.si_value.sival_int);
	}
	T_EQ(0, rump_sys_sigwait(&set, &sig));
	T_EQ(SIGRTMIN, sig);
	T_ERR(EAGAIN, rump_sys_sigtimedwait(&set, NULL, &none));
	release(l);
}

TC(recorded_ones_can_be_taken, "RECORD: what was kept can be fetched.")
{
	const struct timespec none = {0, 0};
	sigset_t set, pending;
	struct lwp *l = begin(RUMP_SIGMODEL_RECORD, &set);

	tc_local();
	T_OK(rump_sys_kill(rump_sys_getpid(), SIGTERM));
	T_OK(rump_sys_sigpending(&pending));
	T_ASSERT(sigismember(&pending, SIGTERM));
	sigaddset(&set, SIGTERM);
	T_EQ(SIGTERM, rump_sys_sigtimedwait(&set, NULL, &none));
	T_OK(rump_sys_sigpending(&pending));
	T_ASSERT(!sigismember(&pending, SIGTERM));
	release(l);
}

struct waiter {
	pid_t pid;
	sigset_t set;
	int how;
	int sig;
};

enum { TIMED, INFO, WAIT, SUSPEND };

static void
waiter(struct thread *t)
{
	struct waiter *w = t->t_arg;
	struct lwp *l = newlwp(w->pid);
	const struct timespec long_ = {100, 0};
	sigset_t now;

	T_OK(rump_sys_sigprocmask(SIG_BLOCK, &w->set, NULL));
	thread_sleeps(t);
	switch (w->how) {
	case TIMED:
		w->sig = rump_sys_sigtimedwait(&w->set, NULL, &long_);
		break;
	case INFO:
		w->sig = rump_sys_sigwaitinfo(&w->set, NULL);
		break;
	case WAIT:
		T_EQ(0, rump_sys_sigwait(&w->set, &w->sig));
		break;
	default:
		sigemptyset(&now);
		T_ERR(EINTR, rump_sys_sigsuspend(&now));
		T_OK(rump_sys_sigprocmask(SIG_BLOCK, NULL, &now));
		T_ASSERT(sigismember(&now, SIGUSR1));
		break;
	}
	if (w->sig == -1)
		T_EQ(EINTR, errno);
	release(l);
}

/* One lwp that waits gets the signal. */
static void
wait_with(sigset_t *set, int how, int sig, int want)
{
	struct waiter w = {.set = *set, .how = how};
	struct thread t;

	w.pid = rump_sys_getpid();
	thread_start(&t, 0, waiter, &w);
	thread_await_asleep(&t);
	T_OK(rump_sys_kill(w.pid, sig));
	thread_join(&t);
	T_EQ(want, w.sig);
}

TC(a_signal_ends_the_wait, "The one waited for; others give EINTR.")
{
	sigset_t set, usr2;
	struct lwp *l = begin(RUMP_SIGMODEL_POSIX, &set);

	sigemptyset(&usr2);
	sigaddset(&usr2, SIGUSR2);
	T_OK(rump_sys_sigprocmask(SIG_BLOCK, &usr2, NULL));
	for (int how = TIMED; how <= WAIT; how++)
		wait_with(&set, how, SIGUSR1, SIGUSR1);
	T_EQ(0, ncalls);
	release(l);
}

TC(suspend, "sigsuspend ends when a handler has run, and not before.")
{
	sigset_t set;
	struct lwp *l = begin(RUMP_SIGMODEL_POSIX, &set);
	struct sigaction sa = {.sa_flags = SA_RESTART};

	sa.sa_handler = note;
	T_OK(rump_sys_sigaction(SIGUSR1, &sa, NULL));
	wait_with(&set, SUSPEND, SIGUSR1, 0);
	T_EQ(1, ncalls);
	/* Nothing is waited for when it is pending. */
	T_OK(rump_sys_kill(rump_sys_getpid(), SIGUSR1));
	sigemptyset(&set);
	T_ERR(EINTR, rump_sys_sigsuspend(&set));
	T_EQ(2, ncalls);
	T_ERR(EFAULT, rump_sys_sigsuspend((void *)1));
	release(l);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, pending_ones_are_taken);
	ATF_TP_ADD_TC(tp, recorded_ones_can_be_taken);
	ATF_TP_ADD_TC(tp, a_signal_ends_the_wait);
	ATF_TP_ADD_TC(tp, suspend);
	return atf_no_error();
}
