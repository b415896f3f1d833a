/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rump_lwproc(3): the model.  One test case for each sentence of the
 * specification's general part; t_lwproc_calls.c has the functions.
 */
#include <sys/resource.h>

#include "../lib/tc.h"
#include "../lib/threads.h"

TC(process_is_container_lwp_is_context,
    "Two lwps of a process run apart and share what the process has.")
{
	struct lwp *a, *b;
	int fd[2];
	pid_t pid;
	char c;

	boot();
	a = newproc(RUMP_RFCFDG);
	pid = rump_sys_getpid();
	T_OK(rump_sys_pipe(fd));
	T_OK(rump_sys_mkdir("/container", 0777));

	b = newlwp(pid);
	T_ASSERT(a != b);
	T_EQ(pid, rump_sys_getpid());
	T_EQ(1, rump_sys_write(fd[1], "x", 1));
	T_OK(rump_sys_chdir("/container"));
	T_OK(rump_sys_seteuid(77));

	rump_pub_lwproc_switch(a);
	T_EQ(1, rump_sys_read(fd[0], &c, 1));
	T_EQ('x', c);
	T_EQ(77, rump_sys_geteuid());
	T_OK(rump_sys_seteuid(0));
	T_OK(rump_sys_rmdir("../container"));

	release(b);
	release(a);
}

TC(every_lwp_is_associated_with_exactly_one_process,
    "An lwp is in one process, the same whenever it is switched to.")
{
	struct lwp *l[20];
	pid_t pid[20];

	boot();
	for (int i = 0; i < 20; i++) {
		if (i % 4 == 0)
			l[i] = newproc(RUMP_RFCFDG);
		else
			l[i] = newlwp(pid[i - 1]);
		pid[i] = rump_sys_getpid();
		T_EQ(i % 4 == 0, i == 0 || pid[i] != pid[i - 1]);
	}
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 20; i++) {
			int k = (i * 7 + round) % 20;

			rump_pub_lwproc_switch(l[k]);
			T_EQ(pid[k], rump_sys_getpid());
			T_PTR(l[k], rump_pub_lwproc_curlwp());
		}
	}
	rump_pub_lwproc_switch(NULL);
	for (int i = 0; i < 20; i++)
		release(l[i]);
}

TC(process_has_one_or_more_lwps,
    "A process has one lwp at first and can have many.")
{
	struct lwp *l[100];
	pid_t pid;

	boot();
	l[0] = newproc(0);
	pid = rump_sys_getpid();
	for (int i = 1; i < 100; i++) {
		l[i] = newlwp(pid);
		T_EQ(pid, rump_sys_getpid());
		for (int k = 0; k < i; k++)
			T_ASSERT(l[k] != l[i]);
	}
	/* None is left over when the last goes: there was one at first. */
	for (int i = 0; i < 100; i++) {
		T_ASSERT(proc_exists(pid));
		release(l[i]);
	}
	T_ERR(ESRCH, rump_sys_getpgid(pid));
}

TC(curlwp_indicates_the_current_process,
    "The current lwp's process is the one that calls act on.")
{
	struct lwp *a, *b;
	pid_t apid, bpid;

	boot();
	a = newproc(0);
	apid = rump_sys_getpid();
	b = newproc(0);
	bpid = rump_sys_getpid();
	T_ASSERT(apid != bpid);
	rump_pub_lwproc_switch(a);
	T_EQ(apid, rump_sys_getpid());
	T_EQ(1, rump_sys_getppid());
	rump_pub_lwproc_switch(b);
	T_EQ(bpid, rump_sys_getpid());
	T_EQ(apid, rump_sys_getppid());
	release(b);
	release(a);
}

TC(curlwp_determines_uid_and_gid,
    "User and group ids in use are those of the current lwp's process.")
{
	struct lwp *a, *b;

	boot();
	a = newproc(0);
	T_OK(rump_sys_setgid(20));
	T_OK(rump_sys_setuid(10));
	rump_pub_lwproc_switch(NULL);
	b = newproc(0);
	T_OK(rump_sys_setgid(21));
	T_OK(rump_sys_setuid(11));
	for (int i = 0; i < 3; i++) {
		rump_pub_lwproc_switch(a);
		T_EQ(10, rump_sys_getuid());
		T_EQ(10, rump_sys_geteuid());
		T_EQ(20, rump_sys_getgid());
		T_EQ(20, rump_sys_getegid());
		rump_pub_lwproc_switch(b);
		T_EQ(11, rump_sys_getuid());
		T_EQ(11, rump_sys_geteuid());
		T_EQ(21, rump_sys_getgid());
		T_EQ(21, rump_sys_getegid());
		rump_pub_lwproc_switch(NULL);
		T_EQ(0, rump_sys_getuid());
		T_EQ(0, rump_sys_getegid());
	}
	release(a);
	release(b);
}

TC(curlwp_determines_current_working_directory,
    "Relative names start at the directory of the current lwp's process.")
{
	struct lwp *a, *b;
	char buf[64];

	boot();
	T_OK(rump_sys_mkdir("/a", 0777));
	T_OK(rump_sys_mkdir("/b", 0777));
	a = newproc(0);
	T_OK(rump_sys_chdir("/a"));
	rump_pub_lwproc_switch(NULL);
	b = newproc(0);
	T_OK(rump_sys_chdir("/b"));

	rump_pub_lwproc_switch(a);
	T_OK(rump_sys_mkdir("sub-of-a", 0777));
	T_OK(rump_sys___getcwd(buf, sizeof(buf)));
	T_ASSERT(strcmp(buf, "/a") == 0);
	rump_pub_lwproc_switch(b);
	T_OK(rump_sys_mkdir("sub-of-b", 0777));
	T_OK(rump_sys___getcwd(buf, sizeof(buf)));
	T_ASSERT(strcmp(buf, "/b") == 0);
	T_ERR(ENOENT, rump_sys_rmdir("sub-of-a"));
	rump_pub_lwproc_switch(NULL);
	T_OK(rump_sys_rmdir("/a/sub-of-a"));
	T_OK(rump_sys_rmdir("/b/sub-of-b"));
	release(a);
	release(b);
}

TC(curlwp_determines_descriptor_table,
    "A descriptor means what it is in the current lwp's process.")
{
	struct lwp *a, *b;
	int afd[2], bfd[2];
	char c;

	boot();
	a = newproc(RUMP_RFCFDG);
	T_OK(rump_sys_pipe(afd));
	T_EQ(1, rump_sys_write(afd[1], "a", 1));
	b = newproc(RUMP_RFCFDG);
	T_OK(rump_sys_pipe(bfd));
	T_EQ(afd[0], bfd[0]);
	T_EQ(afd[1], bfd[1]);
	T_EQ(1, rump_sys_write(bfd[1], "b", 1));

	rump_pub_lwproc_switch(a);
	T_EQ(1, rump_sys_read(afd[0], &c, 1));
	T_EQ('a', c);
	rump_pub_lwproc_switch(b);
	T_EQ(1, rump_sys_read(bfd[0], &c, 1));
	T_EQ('b', c);
	release(b);
	release(a);
}

struct two {
	struct gate gate;
	pid_t pid[2];
	struct lwp *lwp[2];
};

static void
own_process(struct thread *t)
{
	struct two *two = t->t_arg;
	struct lwp *l = newproc(RUMP_RFCFDG);

	two->pid[t->t_id] = rump_sys_getpid();
	two->lwp[t->t_id] = l;
	gate_raise(&two->gate);
	gate_await(&two->gate, 2);
	T_PTR(l, rump_pub_lwproc_curlwp());
	T_EQ(two->pid[t->t_id], rump_sys_getpid());
	gate_raise(&two->gate);
	gate_await(&two->gate, 4);
	rump_pub_lwproc_releaselwp();
}

TC(context_is_determined_for_each_host_thread,
    "What one host thread binds to does not change another's context.")
{
	struct two two = {.gate = GATE_INITIALIZER};

	boot();
	team_run(2, own_process, &two);
	T_ASSERT(two.pid[0] != two.pid[1]);
	T_ASSERT(two.lwp[0] != two.lwp[1]);
	T_PTR(NULL, rump_pub_lwproc_curlwp());
	T_EQ(1, rump_sys_getpid());
}

static void
bound_or_implicit(struct thread *t)
{
	(void)t;
	T_PTR(NULL, rump_pub_lwproc_curlwp());
	T_EQ(1, rump_sys_getpid());
	(void)newproc(0);
	T_ASSERT(rump_sys_getpid() != 1);
	rump_pub_lwproc_releaselwp();
	T_PTR(NULL, rump_pub_lwproc_curlwp());
	T_EQ(1, rump_sys_getpid());
}

TC(host_thread_is_bound_or_implicit,
    "Every host thread has an lwp or uses the implicit context.")
{
	boot();
	team_run(1, bound_or_implicit, NULL);
	team_run(8, bound_or_implicit, NULL);
	T_EQ(1, rump_sys_getpid());
}

TC(implicit_context_is_process_1,
    "The implicit context is one of process 1, with what it has.")
{
	struct lwp *l;
	char c;
	int fd[2];

	boot();
	T_EQ(1, rump_sys_getpid());
	T_EQ(0, rump_sys_getppid());
	T_EQ(0, rump_sys_getuid());
	T_OK(rump_sys_pipe(fd));
	T_EQ(1, rump_sys_write(fd[1], "i", 1));

	/* An lwp that is made in process 1 sees the same. */
	l = newlwp(1);
	T_EQ(1, rump_sys_getpid());
	T_EQ(1, rump_sys_read(fd[0], &c, 1));
	T_EQ('i', c);
	T_OK(rump_sys_close(fd[0]));
	release(l);
	T_ERR(EBADF, rump_sys_close(fd[0]));
	T_OK(rump_sys_close(fd[1]));
}

static void
enter_implicitly(struct thread *t)
{
	(void)t;
	for (int i = 0; i < 3; i++) {
		T_PTR(NULL, rump_pub_lwproc_curlwp());
		T_EQ(1, rump_sys_getpid());
	}
}

TC(implicit_context_is_made_at_entry_and_disbanded_at_exit,
    "Nothing of an implicit entry is left: curlwp is NULL before and after, "
    "and host threads that come and go do not add up.")
{
	boot();
	for (int i = 0; i < 2000 / TC_SLOW; i++)
		team_run(1, enter_implicitly, NULL);
	T_PTR(NULL, rump_pub_lwproc_curlwp());
	T_EQ(1, rump_sys_getpid());
	T_PTR(NULL, rump_pub_lwproc_curlwp());
}

static void
enter_often(struct thread *t)
{
	(void)t;
	for (int i = 0; i < 20000 / TC_SLOW; i++) {
		T_EQ(1, rump_sys_getpid());
		T_EQ(0, rump_sys_getppid());
		T_PTR(NULL, rump_pub_lwproc_curlwp());
	}
}

TC(implicit_entry_from_many_threads_at_once,
    "Implicit entries may come from many host threads at a time.")
{
	boot();
	team_run(16, enter_often, NULL);
}

static void
dedicated(struct thread *t)
{
	struct lwp *l = newlwp(1);

	(void)t;
	for (int i = 0; i < 1000; i++) {
		T_EQ(1, rump_sys_getpid());
		T_PTR(l, rump_pub_lwproc_curlwp());
	}
	rump_pub_lwproc_releaselwp();
}

TC(dedicated_threads_can_be_created,
    "Each host thread can have a dedicated lwp of process 1 instead.")
{
	boot();
	team_run(8, dedicated, NULL);
}

static void
carry(struct thread *t)
{
	struct lwp **l = t->t_arg;

	rump_pub_lwproc_switch(l[0]);
	T_PTR(l[0], rump_pub_lwproc_curlwp());
	T_ASSERT(rump_sys_getpid() != 1);
	rump_pub_lwproc_switch(l[1]);
	T_PTR(l[1], rump_pub_lwproc_curlwp());
	rump_pub_lwproc_switch(NULL);
}

TC(association_is_left_to_the_caller,
    "Any host thread may become any lwp that does not run.")
{
	struct lwp *l[2];

	boot();
	l[0] = newproc(0);
	l[1] = newproc(0);
	rump_pub_lwproc_switch(NULL);
	for (int i = 0; i < 10; i++)
		team_run(1, carry, l);
	rump_pub_lwproc_switch(l[1]);
	rump_pub_lwproc_releaselwp();
	release(l[0]);
}

TC(dedicated_host_thread_for_every_lwp,
    "One host thread for each lwp, all at the same time.")
{
	boot();
	team_run(32, dedicated, NULL);
	for (int i = 0; i < 16; i++) {
		struct two two = {.gate = GATE_INITIALIZER};

		team_run(2, own_process, &two);
	}
}

TC(lwps_multiplexed_on_a_single_host_thread,
    "One host thread runs a thousand lwps of a hundred processes in turn.")
{
	struct lwp *l[1000];
	pid_t pid[1000];
	uint64_t seed = 42;

	boot();
	for (int i = 0; i < 1000; i++) {
		l[i] = i % 10 == 0 ? newproc(RUMP_RFCFDG) : newlwp(pid[i - 1]);
		pid[i] = rump_sys_getpid();
	}
	for (int i = 0; i < 20000; i++) {
		int k = (int)(rng(&seed) % 1000);

		if (l[k] == rump_pub_lwproc_curlwp())
			continue;
		rump_pub_lwproc_switch(l[k]);
		T_EQ(pid[k], rump_sys_getpid());
	}
	rump_pub_lwproc_switch(NULL);
	for (int i = 0; i < 1000; i++)
		release(l[i]);
}

/* Nanoseconds of processor time of this host thread. */
static int64_t
cputime(void)
{
	struct timespec ts;

	T_EQ(0, clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts));
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

TC(switching_is_cheap,
    "Switching between lwps costs less than making and releasing them.")
{
	const int n = 100000 / TC_SLOW;
	int64_t t0, t1, t2, sw = INT64_MAX, mk = INT64_MAX;
	struct lwp *a, *b;

	boot();
	a = newproc(RUMP_RFCFDG);
	b = newproc(RUMP_RFCFDG);
	for (int round = 0; round < 5; round++) {
		t0 = cputime();
		for (int i = 0; i < n; i++) {
			rump_pub_lwproc_switch(a);
			rump_pub_lwproc_switch(b);
		}
		t1 = cputime();
		for (int i = 0; i < n; i++) {
			T_EQ(0, rump_pub_lwproc_rfork(RUMP_RFCFDG));
			rump_pub_lwproc_releaselwp();
		}
		t2 = cputime();
		sw = t1 - t0 < sw ? t1 - t0 : sw;
		mk = t2 - t1 < mk ? t2 - t1 : mk;
		rump_pub_lwproc_switch(b);
	}
	if (sw >= mk)
		tc_fail(__FILE__, __LINE__,
		    "two switches %lld ns, new process "
		    "%lld ns",
		    (long long)sw / n, (long long)mk / n);
	release(b);
	release(a);
}

TC(caller_keeps_track_of_lwps_and_releases_them,
    "Nothing is released on its own; what the caller releases is gone.")
{
	struct lwp *l[50];
	pid_t pid[50];

	boot();
	for (int i = 0; i < 50; i++) {
		l[i] = newproc(RUMP_RFCFDG);
		pid[i] = rump_sys_getpid();
	}
	rump_pub_lwproc_switch(NULL);
	for (int i = 49; i >= 0; i--) {
		for (int k = 0; k <= i; k++)
			T_ASSERT(proc_exists(pid[k]));
		release(l[i]);
		T_ERR(ESRCH, rump_sys_getpgid(pid[i]));
	}
}

TC(lwp_persists_until_it_is_released,
    "An lwp stays through switches, and through the end of the host thread "
    "that made it.")
{
	struct two two = {.gate = GATE_INITIALIZER};
	struct lwp *l;
	pid_t pid;

	boot();
	l = newproc(RUMP_RFCFDG);
	pid = rump_sys_getpid();
	rump_pub_lwproc_switch(NULL);
	for (int i = 0; i < 1000; i++) {
		(void)newproc(RUMP_RFCFDG);
		rump_pub_lwproc_releaselwp();
	}
	team_run(2, own_process, &two);
	rump_pub_lwproc_switch(l);
	T_EQ(pid, rump_sys_getpid());
	rump_pub_lwproc_releaselwp();
}

TC(process_persists_until_all_its_lwps_are_released,
    "A process stays, with its state, while one of its lwps does.")
{
	struct lwp *first, *second, *third;
	pid_t pid;
	int fd[2];

	boot();
	first = newproc(RUMP_RFCFDG);
	pid = rump_sys_getpid();
	T_OK(rump_sys_pipe(fd));
	second = newlwp(pid);
	rump_pub_lwproc_switch(NULL);
	release(first);
	T_ASSERT(proc_exists(pid));
	third = newlwp(pid);
	T_EQ(1, rump_sys_write(fd[1], "x", 1));
	release(second);
	T_EQ(pid, rump_sys_getpid());
	T_OK(rump_sys_close(fd[0]));
	release(third);
	T_EQ(ESRCH, rump_pub_lwproc_newlwp(pid));
}

TC(process_is_released_with_its_last_lwp,
    "When the last lwp is released the process goes without being asked.")
{
	struct lwp *reader, *first, *second;
	pid_t pid;
	int fd[2];
	char c;

	boot();
	reader = newproc(RUMP_RFCFDG);
	T_OK(rump_sys_pipe(fd));
	first = newproc(RUMP_RFFDG);
	pid = rump_sys_getpid();
	second = newlwp(pid);
	rump_pub_lwproc_switch(reader);
	T_OK(rump_sys_close(fd[1]));

	release(first);
	T_ASSERT(proc_exists(pid));
	release(second);
	T_ERR(ESRCH, rump_sys_getpgid(pid));
	T_EQ(ESRCH, rump_pub_lwproc_newlwp(pid));
	/* Its descriptors went too: nobody can write any more. */
	T_EQ(0, rump_sys_read(fd[0], &c, 1));
	release(reader);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, process_is_container_lwp_is_context);
	ATF_TP_ADD_TC(tp, every_lwp_is_associated_with_exactly_one_process);
	ATF_TP_ADD_TC(tp, process_has_one_or_more_lwps);
	ATF_TP_ADD_TC(tp, curlwp_indicates_the_current_process);
	ATF_TP_ADD_TC(tp, curlwp_determines_uid_and_gid);
	ATF_TP_ADD_TC(tp, curlwp_determines_current_working_directory);
	ATF_TP_ADD_TC(tp, curlwp_determines_descriptor_table);
	ATF_TP_ADD_TC(tp, context_is_determined_for_each_host_thread);
	ATF_TP_ADD_TC(tp, host_thread_is_bound_or_implicit);
	ATF_TP_ADD_TC(tp, implicit_context_is_process_1);
	ATF_TP_ADD_TC(
	    tp, implicit_context_is_made_at_entry_and_disbanded_at_exit);
	ATF_TP_ADD_TC(tp, implicit_entry_from_many_threads_at_once);
	ATF_TP_ADD_TC(tp, dedicated_threads_can_be_created);
	ATF_TP_ADD_TC(tp, association_is_left_to_the_caller);
	ATF_TP_ADD_TC(tp, dedicated_host_thread_for_every_lwp);
	ATF_TP_ADD_TC(tp, lwps_multiplexed_on_a_single_host_thread);
	ATF_TP_ADD_TC(tp, switching_is_cheap);
	ATF_TP_ADD_TC(tp, caller_keeps_track_of_lwps_and_releases_them);
	ATF_TP_ADD_TC(tp, lwp_persists_until_it_is_released);
	ATF_TP_ADD_TC(tp, process_persists_until_all_its_lwps_are_released);
	ATF_TP_ADD_TC(tp, process_is_released_with_its_last_lwp);
	return atf_no_error();
}
