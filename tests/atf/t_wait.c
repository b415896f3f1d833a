/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of processes, waiting for them, and waiting for signals.
 */
#include <sys/wait.h>

#include <limits.h>
#include <signal.h>

#include "../lib/threads.h"

static volatile sig_atomic_t ncalls;
static siginfo_t last;

static void
note(int sig, siginfo_t *info, void *uc)
{
	(void)sig, (void)uc;
	ncalls++;
	last = *info;
}

static void catch (int sig, int flags)
{
	struct sigaction sa = {.sa_flags = SA_SIGINFO | flags};

	sa.sa_sigaction = note;
	T_OK(rump_sys_sigaction(sig, &sa, NULL));
}

static struct lwp *
begin(void)
{
	rump_boot_setsigmodel(RUMP_SIGMODEL_POSIX);
	boot();
	return newproc(RUMP_RFCFDG);
}

/* A child that ends with a status; its pid. */
static pid_t
ended(struct lwp *parent, int status)
{
	pid_t pid;

	(void)newproc(RUMP_RFCFDG);
	pid = rump_sys_getpid();
	T_OK(rump_sys_exit(status));
	T_PTR(NULL, rump_pub_lwproc_curlwp());
	rump_pub_lwproc_switch(parent);
	return pid;
}

TC(exit_status, "The parent gets the low bits of what was given to exit.")
{
	struct lwp *l = begin();
	struct rusage ru;
	siginfo_t info;
	int status;
	pid_t pid;

	T_ERR(ECHILD, rump_sys_wait(NULL));
	pid = ended(l, 0x1234);
	T_OK(rump_sys_kill(pid, SIGTERM));
	T_EQ(pid, rump_sys_wait4(-1, &status, 0, &ru));
	T_EQ(0x3400, status);
	T_ERR(ECHILD, rump_sys_wait(NULL));
	T_ERR(ESRCH, rump_sys_kill(pid, 0));
	pid = ended(l, 5);
	T_OK(rump_sys_waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
	T_EQ(CLD_EXITED, info.si_code);
	T_EQ(5, info.si_status);
	T_EQ(pid, info.si_pid);
	T_EQ(SIGCHLD, info.si_signo);
	T_EQ(pid, rump_sys_waitpid(pid, &status, WNOHANG));
	release(l);
}

TC(wait6_tells_all, "wait6: what waitid does, and the status.")
{
	struct lwp *l = begin();
	struct rump_wrusage wru;
	siginfo_t info;
	int status = 0;
	pid_t pid;

	T_ERR(ECHILD, rump_sys_wait6(P_ALL, 0, NULL, WEXITED, NULL, NULL));
	pid = ended(l, 5);
	T_ERR(EINVAL, rump_sys_wait6(P_ALL, 0, NULL, 0, NULL, NULL));
	T_ERR(ECHILD,
	    rump_sys_wait6(P_PID, (id_t)pid + 1, NULL, WEXITED, NULL, NULL));
	memset(&wru, 1, sizeof(wru));
	T_EQ(pid, rump_sys_wait6(P_PID, (id_t)pid, &status, WEXITED | WNOWAIT,
		      &wru, &info));
	T_EQ(0x500, status);
	T_EQ(pid, info.si_pid);
	T_EQ(CLD_EXITED, info.si_code);
	T_EQ(0, wru.wru_self.ru_utime.tv_sec);
	T_EQ(0, wru.wru_children.ru_nvcsw);
	T_EQ(pid, rump_sys_wait6(P_ALL, 0, NULL, WEXITED, NULL, NULL));
	(void)newproc(RUMP_RFCFDG);
	struct lwp *child = rump_pub_lwproc_curlwp();

	rump_pub_lwproc_switch(l);
	T_EQ(0,
	    rump_sys_wait6(P_ALL, 0, &status, WEXITED | WNOHANG, NULL, &info));
	T_EQ(0, info.si_pid);
	release(child);
	release(l);
}

TC(wait_selects, "By pid, by group, any; and bad arguments.")
{
	struct lwp *l = begin(), *child;
	pid_t pid, first, second;
	siginfo_t info;

	child = newproc(RUMP_RFCFDG);
	pid = rump_sys_getpid();
	T_OK(rump_sys_setpgid(0, 0));
	rump_pub_lwproc_switch(l);
	T_EQ(0, rump_sys_waitpid(-1, NULL, WNOHANG));
	T_OK(rump_sys_waitid(P_ALL, 0, &info, WEXITED | WNOHANG));
	T_EQ(0, info.si_pid);
	T_EQ(0, rump_sys_waitpid(-pid, NULL, WNOHANG));
	T_ERR(ECHILD, rump_sys_waitpid(0, NULL, WNOHANG));
	T_ERR(ECHILD, rump_sys_waitpid(pid + 1000, NULL, WNOHANG));
	T_ERR(ECHILD, rump_sys_waitpid(1, NULL, 0));
	T_ERR(ESRCH, rump_sys_waitpid(INT_MIN, NULL, 0));
	T_ERR(EINVAL, rump_sys_waitpid(-1, NULL, WEXITED));
	T_ERR(EINVAL, rump_sys_waitid(P_ALL, 0, &info, WNOHANG));
	T_ERR(EINVAL, rump_sys_waitid(P_PID, 0, &info, WEXITED));
	T_ERR(EINVAL, rump_sys_waitid((idtype_t)9, 0, &info, WEXITED));
	first = ended(l, 1);
	second = ended(l, 2);
	T_EQ(first, rump_sys_wait(NULL));
	T_EQ(second, rump_sys_wait(NULL));
	/* Whoever has waited is asked. */
	release(child);
	T_EQ(pid, rump_sys_waitpid(-pid, NULL, 0));
	release(l);
}

TC(who_never_waits_has_no_zombies,
    "A child that is released goes at once, with process 1 always.")
{
	struct rump_memstat a, b;
	struct lwp *l = begin();
	pid_t pid;

	T_EQ(0, rump_pub_memstat(&a));
	release(newproc(RUMP_RFCFDG));
	rump_pub_lwproc_switch(l);
	T_EQ(0, rump_pub_memstat(&b));
	T_EQ(a.procs, b.procs);
	pid = ended(l, 1);
	T_EQ(0, rump_pub_memstat(&b));
	T_EQ(a.procs + 1, b.procs);
	T_ASSERT(proc_exists(pid));
	/* A zombie goes with its parent. */
	release(l);
	T_ASSERT(!proc_exists(pid));
	T_EQ(0, rump_pub_memstat(&b));
	T_EQ(a.procs - 1, b.procs);
}

TC(sigchld, "SIGCHLD tells; SIG_IGN and SA_NOCLDWAIT make no zombies.")
{
	struct lwp *l = begin();
	struct sigaction ign = {.sa_flags = 0};
	pid_t pid;
	int status;

	catch (SIGCHLD, 0);
	pid = ended(l, 9);
	/* The handler runs at the end of the parent's next call. */
	T_EQ(0, ncalls);
	T_OK(rump_sys_umask(022));
	T_EQ(1, ncalls);
	T_EQ(CLD_EXITED, last.si_code);
	T_EQ(pid, last.si_pid);
	T_EQ(9, last.si_status);
	T_EQ(pid, rump_sys_wait(&status));
	release(newproc(RUMP_RFCFDG));
	rump_pub_lwproc_switch(l);
	T_ASSERT(rump_sys_wait(&status) > 0);
	T_EQ(0, status);
	T_EQ(2, ncalls);
	catch (SIGCHLD, SA_NOCLDWAIT);
	(void)ended(l, 1);
	T_ERR(ECHILD, rump_sys_wait(&status));
	T_EQ(3, ncalls);
	ign.sa_handler = SIG_IGN;
	T_OK(rump_sys_sigaction(SIGCHLD, &ign, NULL));
	(void)ended(l, 1);
	T_ERR(ECHILD, rump_sys_wait(&status));
	T_EQ(3, ncalls);
	release(l);
}

TC(signals_end_stop_and_continue, "What waitid tells of signals.")
{
	struct lwp *l = begin(), *child;
	siginfo_t info;
	pid_t pid;
	int status;

	catch (SIGCHLD, SA_NOCLDSTOP);
	child = newproc(RUMP_RFCFDG);
	pid = rump_sys_getpid();
	rump_pub_lwproc_switch(l);
	T_OK(rump_sys_kill(pid, SIGSTOP));
	T_EQ(0, rump_sys_waitpid(pid, &status, WNOHANG));
	T_EQ(pid, rump_sys_waitpid(pid, &status, WNOHANG | WUNTRACED));
	T_ASSERT(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	T_EQ(0, rump_sys_waitpid(pid, &status, WNOHANG | WUNTRACED));
	T_OK(rump_sys_kill(pid, SIGCONT));
	T_OK(rump_sys_waitid(P_ALL, 0, &info, WCONTINUED));
	T_EQ(CLD_CONTINUED, info.si_code);
	T_EQ(SIGCONT, info.si_status);
	T_OK(rump_sys_kill(pid, SIGKILL));
	T_EQ(0, ncalls);
	release(child);
	T_EQ(pid, rump_sys_wait(&status));
	T_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	T_EQ(1, ncalls);
	T_EQ(CLD_KILLED, last.si_code);
	release(l);
}

TC(exit_of_process_1, "Processes 0 and 1 do not end.")
{
	struct lwp *l;

	tc_local();
	boot();
	T_ERR(EPERM, rump_sys_exit(0));
	l = newlwp(1);
	T_ERR(EPERM, rump_sys_exit(0));
	release(l);
}

struct waiter {
	pid_t pid;
	int status;
	pid_t got;
	int fd[2];
};

static void
waiter(struct thread *t)
{
	struct waiter *w = t->t_arg;
	struct lwp *l = newlwp(w->pid);

	thread_sleeps(t);
	w->got = rump_sys_wait(&w->status);
	release(l);
}

TC(wait_sleeps, "wait waits for the end of a child.")
{
	struct waiter w = {0};
	struct lwp *l = begin(), *child;
	struct thread t;
	pid_t pid;

	w.pid = rump_sys_getpid();
	child = newproc(RUMP_RFCFDG);
	pid = rump_sys_getpid();
	thread_start(&t, 0, waiter, &w);
	thread_await_asleep(&t);
	T_EQ(0, w.got);
	T_OK(rump_sys_exit(7));
	(void)child;
	thread_join(&t);
	T_EQ(pid, w.got);
	T_EQ(7, WEXITSTATUS(w.status));
	release(l);
}

static void
sleeper(struct thread *t)
{
	struct waiter *w = t->t_arg;
	struct lwp *l = newlwp(w->pid);
	char c;

	thread_sleeps(t);
	T_ERR(EINTR, rump_sys_read(w->fd[0], &c, 1));
	release(l);
}

TC(exit_ends_the_other_lwps, "What they sleep in ends; then it is over.")
{
	struct waiter w = {0};
	struct lwp *l = begin();
	struct thread t;
	int status;

	(void)newproc(RUMP_RFCFDG);
	w.pid = rump_sys_getpid();
	T_OK(rump_sys_pipe(w.fd));
	thread_start(&t, 0, sleeper, &w);
	thread_await_asleep(&t);
	T_OK(rump_sys_exit(4));
	thread_join(&t);
	rump_pub_lwproc_switch(l);
	T_EQ(w.pid, rump_sys_wait(&status));
	T_EQ(4, WEXITSTATUS(status));
	release(l);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, exit_status);
	ATF_TP_ADD_TC(tp, wait6_tells_all);
	ATF_TP_ADD_TC(tp, wait_selects);
	ATF_TP_ADD_TC(tp, who_never_waits_has_no_zombies);
	ATF_TP_ADD_TC(tp, sigchld);
	ATF_TP_ADD_TC(tp, signals_end_stop_and_continue);
	ATF_TP_ADD_TC(tp, exit_of_process_1);
	ATF_TP_ADD_TC(tp, wait_sleeps);
	ATF_TP_ADD_TC(tp, exit_ends_the_other_lwps);
	return atf_no_error();
}
