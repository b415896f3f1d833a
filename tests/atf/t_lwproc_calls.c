/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rump_lwproc(3): the functions, a test case for each sentence about them.
 * What is fatal is in t_lwproc_fatal.c.
 */
#include "../lib/tc.h"
#include "../lib/threads.h"

/* Does descriptor fd mean anything in the current process? */
static bool
isopen(int fd)
{
	return rump_sys_fcntl(fd, RUMP_F_GETFD) != -1;
}

TC(rfork_creates_a_process, "Every rfork makes a process of its own.")
{
	struct lwp *l[64];
	pid_t pid[64];

	boot();
	for (int i = 0; i < 64; i++) {
		l[i] = newproc(i % 3);
		pid[i] = rump_sys_getpid();
		T_ASSERT(pid[i] > 1);
		for (int k = 0; k < i; k++)
			T_ASSERT(pid[k] != pid[i]);
	}
	for (int i = 0; i < 64; i++)
		release(l[i]);
}

TC(rfork_creates_one_lwp_in_it,
    "The process has one lwp: when that is released the process is gone.")
{
	pid_t pid;

	boot();
	for (int flags = 0; flags < 3; flags++) {
		(void)newproc(flags);
		pid = rump_sys_getpid();
		rump_pub_lwproc_releaselwp();
		T_ERR(ESRCH, rump_sys_getpgid(pid));
		T_EQ(ESRCH, rump_pub_lwproc_newlwp(pid));
	}
}

TC(rfork_sets_curlwp_to_the_new_lwp,
    "After rfork the host thread is the new lwp; the old one waits.")
{
	struct lwp *a, *b;
	pid_t apid;

	boot();
	T_PTR(NULL, rump_pub_lwproc_curlwp());
	T_EQ(0, rump_pub_lwproc_rfork(0));
	a = rump_pub_lwproc_curlwp();
	T_ASSERT(a != NULL);
	apid = rump_sys_getpid();
	T_EQ(0, rump_pub_lwproc_rfork(0));
	b = rump_pub_lwproc_curlwp();
	T_ASSERT(b != NULL && b != a);
	/* The old one does not run, so it can be switched to. */
	rump_pub_lwproc_switch(a);
	T_EQ(apid, rump_sys_getpid());
	release(b);
	release(a);
}

TC(rfork_shares_descriptors_by_default,
    "With flags 0 parent and child have one table between them.")
{
	struct lwp *parent, *child;
	int fd[2];
	int dup;

	boot();
	parent = newproc(RUMP_RFCFDG);
	T_OK(rump_sys_pipe(fd));
	child = newproc(0);
	T_ASSERT(isopen(fd[0]) && isopen(fd[1]));
	dup = (int)T_OK(rump_sys_dup(fd[0]));
	rump_pub_lwproc_switch(parent);
	T_ASSERT(isopen(dup));
	T_OK(rump_sys_close(fd[0]));
	rump_pub_lwproc_switch(child);
	T_ASSERT(!isopen(fd[0]));
	T_OK(rump_sys_fcntl(dup, RUMP_F_SETFD, RUMP_FD_CLOEXEC));
	rump_pub_lwproc_switch(parent);
	T_EQ(RUMP_FD_CLOEXEC, rump_sys_fcntl(dup, RUMP_F_GETFD));

	/* The table lives on when one of its processes goes. */
	release(parent);
	rump_pub_lwproc_switch(child);
	T_ASSERT(isopen(dup) && isopen(fd[1]));
	release(child);
}

TC(rfork_shares_a_table_that_was_empty,
    "Sharing holds for a parent without descriptors, and is transitive.")
{
	struct lwp *l[4];
	int fd[2];

	boot();
	l[0] = newproc(RUMP_RFCFDG);
	for (int i = 1; i < 4; i++)
		l[i] = newproc(0);
	T_OK(rump_sys_pipe(fd));
	for (int i = 0; i < 4; i++) {
		rump_pub_lwproc_switch(NULL);
		rump_pub_lwproc_switch(l[i]);
		T_ASSERT(isopen(fd[0]) && isopen(fd[1]));
	}
	for (int i = 0; i < 4; i++)
		release(l[i]);
}

TC(rfork_copies_descriptors_with_RFFDG,
    "RUMP_RFFDG gives the child a table of its own with the same files.")
{
	struct lwp *parent, *child;
	int fd[2], dup;
	char c;

	boot();
	parent = newproc(RUMP_RFCFDG);
	T_OK(rump_sys_pipe(fd));
	child = newproc(RUMP_RFFDG);
	T_ASSERT(isopen(fd[0]) && isopen(fd[1]));
	T_EQ(1, rump_sys_write(fd[1], "c", 1));
	T_OK(rump_sys_close(fd[1]));
	dup = (int)T_OK(rump_sys_dup(fd[0]));
	T_OK(rump_sys_fcntl(fd[0], RUMP_F_SETFD, RUMP_FD_CLOEXEC));

	rump_pub_lwproc_switch(parent);
	T_ASSERT(isopen(fd[1]));
	T_EQ(0, rump_sys_fcntl(fd[0], RUMP_F_GETFD));
	T_EQ(dup, fd[1]);
	T_EQ(1, rump_sys_read(fd[0], &c, 1));
	T_EQ('c', c);
	T_OK(rump_sys_close(fd[0]));
	rump_pub_lwproc_switch(child);
	T_ASSERT(isopen(fd[0]));
	release(child);
	release(parent);
}

TC(rfork_copy_is_what_fork_does,
    "The copied descriptors share offsets and keep close-on-exec.")
{
	struct lwp *parent, *child;
	char buf[4];
	int fd;

	boot();
	parent = newproc(RUMP_RFCFDG);
	fd =
	    (int)T_OK(rump_sys_open("/fork", RUMP_O_RDWR | RUMP_O_CREAT, 0600));
	T_EQ(8, rump_sys_write(fd, "abcdefgh", 8));
	T_EQ(0, rump_sys_lseek(fd, 0, RUMP_SEEK_SET));
	T_OK(rump_sys_fcntl(fd, RUMP_F_SETFD, RUMP_FD_CLOEXEC));
	child = newproc(RUMP_RFFDG);
	T_EQ(RUMP_FD_CLOEXEC, rump_sys_fcntl(fd, RUMP_F_GETFD));
	T_EQ(4, rump_sys_read(fd, buf, 4));
	T_ASSERT(memcmp(buf, "abcd", 4) == 0);
	rump_pub_lwproc_switch(parent);
	T_EQ(4, rump_sys_read(fd, buf, 4));
	T_ASSERT(memcmp(buf, "efgh", 4) == 0);
	release(child);
	release(parent);
}

TC(rfork_leaves_descriptors_with_RFCFDG,
    "RUMP_RFCFDG gives the child none of the parent's descriptors.")
{
	struct lwp *parent, *child;
	int fd[2];

	boot();
	parent = newproc(RUMP_RFCFDG);
	T_OK(rump_sys_pipe(fd));
	child = newproc(RUMP_RFCFDG);
	for (int i = 0; i < 10; i++)
		T_ASSERT(!isopen(i));
	T_OK(rump_sys_pipe(fd));
	T_EQ(0, fd[0]);
	T_EQ(1, fd[1]);
	T_OK(rump_sys_close(fd[0]));
	rump_pub_lwproc_switch(parent);
	T_ASSERT(isopen(0) && isopen(1));
	release(child);
	T_ASSERT(isopen(0) && isopen(1));
	release(parent);
}

TC(rfork_flags_have_aliases,
    "RUMP_RFFD_SHARE, _COPY and _CLEAR are 0, RUMP_RFFDG and RUMP_RFCFDG.")
{
	T_EQ(0, RUMP_RFFD_SHARE);
	T_EQ(RUMP_RFFDG, RUMP_RFFD_COPY);
	T_EQ(RUMP_RFCFDG, RUMP_RFFD_CLEAR);
	T_ASSERT(RUMP_RFFDG != RUMP_RFCFDG);
}

TC(rfork_returns_0_or_an_errno,
    "rfork reports a failure with an errno and changes nothing.")
{
	static const int bad[] = {
	    RUMP_RFFDG | RUMP_RFCFDG, 4, 8, 0x100, -1, 1 << 30, INT32_MIN};
	struct lwp *l;
	pid_t pid, next;

	boot();
	for (int bound = 0; bound < 2; bound++) {
		l = bound ? newproc(0) : NULL;
		pid = rump_sys_getpid();
		for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
			T_EQ(EINVAL, rump_pub_lwproc_rfork(bad[i]));
			T_PTR(l, rump_pub_lwproc_curlwp());
			T_EQ(pid, rump_sys_getpid());
		}
		T_EQ(0, rump_pub_lwproc_rfork(0));
		next = rump_sys_getpid();
		T_ASSERT(next != pid);
		T_EQ(pid, rump_sys_getppid());
		rump_pub_lwproc_releaselwp();
		if (bound)
			release(l);
	}
}

TC(rfork_pid_can_be_retrieved_by_getpid,
    "getpid after rfork is the new process's id, by which others reach it.")
{
	struct lwp *l, *m;
	pid_t pid;

	tc_local();
	boot();
	l = newproc(0);
	pid = rump_sys_getpid();
	T_ASSERT(pid > 1);
	rump_pub_lwproc_switch(NULL);
	T_EQ(1, rump_sys_getpid());
	m = newlwp(pid);
	T_EQ(pid, rump_sys_getpid());
	release(m);
	release(l);
}

TC(newlwp_creates_an_lwp_in_the_process,
    "newlwp attaches an lwp to the process that has the pid.")
{
	struct lwp *l, *m;
	pid_t pid;

	boot();
	l = newproc(RUMP_RFCFDG);
	pid = rump_sys_getpid();
	T_OK(rump_sys_setuid(5));
	rump_pub_lwproc_switch(NULL);
	m = newlwp(pid);
	T_ASSERT(m != l);
	T_EQ(pid, rump_sys_getpid());
	T_EQ(5, rump_sys_getuid());
	T_ASSERT(!isopen(0));
	release(l);
	T_EQ(pid, rump_sys_getpid());
	release(m);
}

TC(newlwp_sets_curlwp_to_the_new_lwp,
    "After newlwp the host thread is the new lwp; the old one waits.")
{
	struct lwp *l, *m;

	boot();
	l = newproc(0);
	T_EQ(0, rump_pub_lwproc_newlwp(rump_sys_getpid()));
	m = rump_pub_lwproc_curlwp();
	T_ASSERT(m != NULL && m != l);
	rump_pub_lwproc_switch(l);
	rump_pub_lwproc_switch(m);
	T_PTR(m, rump_pub_lwproc_curlwp());
	release(l);
	release(m);
}

TC(newlwp_returns_0_or_an_errno,
    "newlwp reports a failure with an errno and changes nothing.")
{
	static const pid_t bad[] = {-1, -2, INT32_MIN, 999999999, INT32_MAX};
	struct lwp *l;
	pid_t pid, gone;

	boot();
	(void)newproc(0);
	gone = rump_sys_getpid();
	rump_pub_lwproc_releaselwp();
	for (int bound = 0; bound < 2; bound++) {
		l = bound ? newproc(0) : NULL;
		pid = rump_sys_getpid();
		for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
			T_EQ(ESRCH, rump_pub_lwproc_newlwp(bad[i]));
			T_PTR(l, rump_pub_lwproc_curlwp());
			T_EQ(pid, rump_sys_getpid());
		}
		T_EQ(ESRCH, rump_pub_lwproc_newlwp(gone));
		T_PTR(l, rump_pub_lwproc_curlwp());
		if (bound)
			release(l);
	}
}

TC(newlwp_attaches_to_process_0_and_1,
    "Process 0 is the kernel's own and process 1 the implicit context's; "
    "both take lwps and stay when those go.")
{
	struct lwp *l;

	tc_local();
	boot();
	for (int i = 0; i < 3; i++) {
		l = newlwp(0);
		T_EQ(0, rump_sys_getpid());
		T_EQ(0, rump_sys_getppid());
		release(l);
		l = newlwp(1);
		T_EQ(1, rump_sys_getpid());
		T_EQ(0, rump_sys_getppid());
		release(l);
		T_EQ(1, rump_sys_getpid());
	}
}

TC(switch_sets_curlwp, "After switch(l) curlwp is l.")
{
	struct lwp *l[3];

	boot();
	l[0] = newproc(0);
	l[1] = newlwp(rump_sys_getpid());
	l[2] = newproc(0);
	for (int i = 0; i < 9; i++) {
		rump_pub_lwproc_switch(l[i % 3]);
		T_PTR(l[i % 3], rump_pub_lwproc_curlwp());
	}
	rump_pub_lwproc_switch(NULL);
	for (int i = 0; i < 3; i++)
		release(l[i]);
}

TC(switch_to_another_process_switches_its_context,
    "Pid, ids, directory, mask and descriptors change with the process.")
{
	struct lwp *l[2];
	pid_t pid[2];
	char buf[32];
	int fd[2];

	boot();
	T_OK(rump_sys_mkdir("/0", 0777));
	T_OK(rump_sys_mkdir("/1", 0777));
	for (int i = 0; i < 2; i++) {
		rump_pub_lwproc_switch(NULL);
		l[i] = newproc(RUMP_RFCFDG);
		pid[i] = rump_sys_getpid();
		if (i == 0)
			T_OK(rump_sys_pipe(fd));
		T_OK(rump_sys_chdir(i == 0 ? "/0" : "/1"));
		(void)rump_sys_umask(i == 0 ? 0 : 077);
		T_OK(rump_sys_setuid((uid_t)i + 100));
	}
	for (int k = 0; k < 4; k++) {
		int i = k % 2;

		rump_pub_lwproc_switch(l[i]);
		T_EQ(pid[i], rump_sys_getpid());
		T_EQ(i + 100, rump_sys_getuid());
		T_OK(rump_sys___getcwd(buf, sizeof(buf)));
		T_ASSERT(strcmp(buf, i == 0 ? "/0" : "/1") == 0);
		T_EQ(i == 0 ? 0 : 077, rump_sys_umask(i == 0 ? 0 : 077));
		T_EQ(i == 0, isopen(fd[0]));
	}
	release(l[0]);
	release(l[1]);
}

TC(switch_within_a_process_keeps_its_context,
    "Between lwps of one process only curlwp changes.")
{
	struct lwp *a, *b;
	pid_t pid;
	int fd[2];

	boot();
	a = newproc(RUMP_RFCFDG);
	pid = rump_sys_getpid();
	T_OK(rump_sys_pipe(fd));
	b = newlwp(pid);
	for (int i = 0; i < 4; i++) {
		rump_pub_lwproc_switch(i % 2 == 0 ? a : b);
		T_EQ(pid, rump_sys_getpid());
		T_ASSERT(isopen(fd[0]));
	}
	release(a);
	release(b);
}

TC(switch_to_NULL_sets_the_implicit_context,
    "After switch(NULL) the host thread uses the implicit context.")
{
	struct lwp *l;
	pid_t pid;

	tc_local();
	boot();
	/* Without an lwp it changes nothing. */
	rump_pub_lwproc_switch(NULL);
	T_PTR(NULL, rump_pub_lwproc_curlwp());
	l = newproc(0);
	pid = rump_sys_getpid();
	rump_pub_lwproc_switch(NULL);
	T_PTR(NULL, rump_pub_lwproc_curlwp());
	T_EQ(1, rump_sys_getpid());
	rump_pub_lwproc_switch(NULL);
	T_EQ(1, rump_sys_getpid());
	/* The old one is alive and not running. */
	rump_pub_lwproc_switch(l);
	T_EQ(pid, rump_sys_getpid());
	rump_pub_lwproc_releaselwp();
}

TC(releaselwp_releases_curlwp,
    "releaselwp takes the current lwp out of its process.")
{
	struct lwp *a, *b;
	pid_t pid;

	boot();
	a = newproc(0);
	pid = rump_sys_getpid();
	b = newlwp(pid);
	T_PTR(b, rump_pub_lwproc_curlwp());
	rump_pub_lwproc_releaselwp();
	T_ASSERT(proc_exists(pid));
	/* Now a is the last. */
	rump_pub_lwproc_switch(a);
	rump_pub_lwproc_releaselwp();
	T_ASSERT(!proc_exists(pid));
}

TC(releaselwp_sets_the_implicit_context,
    "After releaselwp curlwp is NULL and calls act on process 1.")
{
	struct lwp *a;

	tc_local();
	boot();
	a = newproc(0);
	(void)newlwp(rump_sys_getpid());
	rump_pub_lwproc_releaselwp();
	T_PTR(NULL, rump_pub_lwproc_curlwp());
	T_EQ(1, rump_sys_getpid());
	rump_pub_lwproc_switch(a);
	rump_pub_lwproc_releaselwp();
	T_PTR(NULL, rump_pub_lwproc_curlwp());
	T_EQ(1, rump_sys_getpid());
}

TC(releaselwp_of_the_last_lwp_releases_the_process,
    "The process goes with its last lwp, whichever that is.")
{
	struct lwp *l[4];
	pid_t pid;

	boot();
	for (int last = 0; last < 4; last++) {
		l[0] = newproc(0);
		pid = rump_sys_getpid();
		for (int i = 1; i < 4; i++)
			l[i] = newlwp(pid);
		rump_pub_lwproc_switch(NULL);
		for (int i = 0; i < 4; i++) {
			if (i != last)
				release(l[i]);
			T_ASSERT(proc_exists(pid));
		}
		release(l[last]);
		T_ERR(ESRCH, rump_sys_getpgid(pid));
	}
}

TC(curlwp_is_returned_or_NULL_for_the_implicit_context,
    "curlwp is the lwp that the host thread has become, or NULL.")
{
	struct lwp *l;

	boot();
	T_PTR(NULL, rump_pub_lwproc_curlwp());
	(void)rump_sys_getpid();
	T_PTR(NULL, rump_pub_lwproc_curlwp());
	l = newproc(0);
	T_PTR(l, rump_pub_lwproc_curlwp());
	(void)rump_sys_getpid();
	T_PTR(l, rump_pub_lwproc_curlwp());
	rump_pub_lwproc_releaselwp();
	T_PTR(NULL, rump_pub_lwproc_curlwp());
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, rfork_creates_a_process);
	ATF_TP_ADD_TC(tp, rfork_creates_one_lwp_in_it);
	ATF_TP_ADD_TC(tp, rfork_sets_curlwp_to_the_new_lwp);
	ATF_TP_ADD_TC(tp, rfork_shares_descriptors_by_default);
	ATF_TP_ADD_TC(tp, rfork_shares_a_table_that_was_empty);
	ATF_TP_ADD_TC(tp, rfork_copies_descriptors_with_RFFDG);
	ATF_TP_ADD_TC(tp, rfork_copy_is_what_fork_does);
	ATF_TP_ADD_TC(tp, rfork_leaves_descriptors_with_RFCFDG);
	ATF_TP_ADD_TC(tp, rfork_flags_have_aliases);
	ATF_TP_ADD_TC(tp, rfork_returns_0_or_an_errno);
	ATF_TP_ADD_TC(tp, rfork_pid_can_be_retrieved_by_getpid);
	ATF_TP_ADD_TC(tp, newlwp_creates_an_lwp_in_the_process);
	ATF_TP_ADD_TC(tp, newlwp_sets_curlwp_to_the_new_lwp);
	ATF_TP_ADD_TC(tp, newlwp_returns_0_or_an_errno);
	ATF_TP_ADD_TC(tp, newlwp_attaches_to_process_0_and_1);
	ATF_TP_ADD_TC(tp, switch_sets_curlwp);
	ATF_TP_ADD_TC(tp, switch_to_another_process_switches_its_context);
	ATF_TP_ADD_TC(tp, switch_within_a_process_keeps_its_context);
	ATF_TP_ADD_TC(tp, switch_to_NULL_sets_the_implicit_context);
	ATF_TP_ADD_TC(tp, releaselwp_releases_curlwp);
	ATF_TP_ADD_TC(tp, releaselwp_sets_the_implicit_context);
	ATF_TP_ADD_TC(tp, releaselwp_of_the_last_lwp_releases_the_process);
	ATF_TP_ADD_TC(tp, curlwp_is_returned_or_NULL_for_the_implicit_context);
	return atf_no_error();
}
