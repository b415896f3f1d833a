/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Process groups, sessions, names: POSIX's rules, with Linux's errors.
 */
#include <sys/prctl.h>

#include "../lib/tc.h"

#define NOBODY 99999999 /* no process has it */

static void
be(struct lwp *l)
{
	rump_pub_lwproc_switch(NULL);
	if (l != NULL)
		rump_pub_lwproc_switch(l);
}

TC(first_processes, "Processes 0 and 1 lead what they are in.")
{
	struct lwp *l;

	tc_local();
	boot();
	T_EQ(1, rump_sys_getpid());
	T_EQ(0, rump_sys_getppid());
	T_EQ(rump_sys_getpgrp(), rump_sys_getpgid(0));
	T_EQ(rump_sys_getpgrp(), rump_sys_getpgid(1));
	T_EQ(rump_sys_getsid(0), rump_sys_getsid(1));
	l = newlwp(0);
	T_EQ(0, rump_sys_getpid());
	T_EQ(0, rump_sys_getppid());
	T_OK(rump_sys_getpgid(0));
	T_OK(rump_sys_getsid(0));
	release(l);
}

TC(getpgid_and_getsid, "Of oneself, of others, of nobody.")
{
	struct lwp *a, *b;
	pid_t apid, bpid;

	boot();
	a = newproc(0);
	apid = rump_sys_getpid();
	T_EQ(apid, rump_sys_setsid());
	b = newproc(0);
	bpid = rump_sys_getpid();
	T_EQ(apid, rump_sys_getpgid(0));
	T_EQ(apid, rump_sys_getpgid(bpid));
	T_EQ(apid, rump_sys_getpgrp());
	T_EQ(apid, rump_sys_getsid(bpid));
	T_EQ(apid, rump_sys_getsid(apid));
	T_OK(rump_sys_setpgid(0, 0));
	T_EQ(bpid, rump_sys_getpgrp());
	T_EQ(apid, rump_sys_getpgid(apid));
	T_EQ(apid, rump_sys_getsid(0));
	T_ERR(ESRCH, rump_sys_getpgid(NOBODY));
	T_ERR(ESRCH, rump_sys_getsid(NOBODY));
	T_ERR(ESRCH, rump_sys_getpgid(-1));
	T_ERR(ESRCH, rump_sys_getsid(-1));
	T_ERR(ESRCH, rump_sys_getsid(-apid));
	release(b);
	T_ERR(ESRCH, rump_sys_getpgid(bpid));
	release(a);
}

TC(setsid_makes_a_session,
    "The caller leads a new session and group; leaders of a group may not.")
{
	struct lwp *a, *b;
	pid_t apid, bpid;

	boot();
	a = newproc(0);
	apid = rump_sys_getpid();
	T_EQ(apid, rump_sys_setsid());
	T_EQ(apid, rump_sys_getsid(0));
	T_EQ(apid, rump_sys_getpgrp());
	T_ERR(EPERM, rump_sys_setsid());

	b = newproc(0);
	bpid = rump_sys_getpid();
	T_OK(rump_sys_setpgid(0, bpid));
	T_ERR(EPERM, rump_sys_setsid());
	T_EQ(apid, rump_sys_getsid(0));
	/* Back in the first group it leads none and may. */
	T_OK(rump_sys_setpgid(0, apid));
	T_EQ(bpid, rump_sys_setsid());
	T_EQ(bpid, rump_sys_getpgrp());
	release(b);
	release(a);
}

TC(setsid_while_own_group_lives,
    "A process that left the group of its pid may not make it again while "
    "others are in it.")
{
	struct lwp *a, *b, *c;
	pid_t apid, bpid, cpid;

	boot();
	a = newproc(0);
	apid = rump_sys_getpid();
	T_OK(rump_sys_setsid());
	b = newproc(0);
	bpid = rump_sys_getpid();
	T_OK(rump_sys_setpgid(0, 0));
	c = newproc(0);
	cpid = rump_sys_getpid();
	T_EQ(bpid, rump_sys_getpgrp());
	be(b);
	T_OK(rump_sys_setpgid(0, apid));
	T_ERR(EPERM, rump_sys_setsid());
	T_EQ(apid, rump_sys_getsid(0));
	be(c);
	T_EQ(cpid, rump_sys_setsid());
	be(b);
	T_EQ(bpid, rump_sys_setsid());
	release(c);
	release(b);
	release(a);
}

TC(setpgid_of_oneself, "Into a group of one's own or another of the session.")
{
	struct lwp *a, *b;
	pid_t apid, bpid;

	boot();
	a = newproc(0);
	apid = rump_sys_getpid();
	T_OK(rump_sys_setsid());
	T_ERR(EPERM, rump_sys_setpgid(0, 0));
	T_ERR(EPERM, rump_sys_setpgid(apid, apid));
	T_ERR(EPERM, rump_sys_setpgid(0, 1));
	b = newproc(0);
	bpid = rump_sys_getpid();
	T_OK(rump_sys_setpgid(bpid, 0));
	T_EQ(bpid, rump_sys_getpgrp());
	T_OK(rump_sys_setpgid(0, 0));
	T_OK(rump_sys_setpgid(0, apid));
	T_EQ(apid, rump_sys_getpgrp());
	T_OK(rump_sys_setpgid(0, apid));
	T_ERR(EINVAL, rump_sys_setpgid(0, -1));
	T_ERR(EINVAL, rump_sys_setpgid(bpid, -5));
	T_ERR(EPERM, rump_sys_setpgid(0, NOBODY));
	T_ERR(EPERM, rump_sys_setpgid(0, rump_sys_getpgid(1)));
	T_EQ(apid, rump_sys_getpgrp());
	release(b);
	release(a);
}

TC(setpgid_of_a_child, "The parent may move a child of its session.")
{
	struct lwp *a, *b, *c, *other;
	pid_t apid, bpid, cpid, opid;

	boot();
	other = newproc(0);
	opid = rump_sys_getpid();
	T_OK(rump_sys_setsid());
	be(NULL);
	a = newproc(0);
	apid = rump_sys_getpid();
	T_OK(rump_sys_setsid());
	b = newproc(0);
	bpid = rump_sys_getpid();
	c = newproc(0);
	cpid = rump_sys_getpid();

	be(a);
	T_OK(rump_sys_setpgid(bpid, bpid));
	T_EQ(bpid, rump_sys_getpgid(bpid));
	T_EQ(apid, rump_sys_getpgid(cpid));
	T_OK(rump_sys_setpgid(bpid, apid));
	T_EQ(apid, rump_sys_getpgid(bpid));
	/* A grandchild, a stranger, nobody, and the parent. */
	T_ERR(ESRCH, rump_sys_setpgid(cpid, cpid));
	T_ERR(ESRCH, rump_sys_setpgid(opid, opid));
	T_ERR(ESRCH, rump_sys_setpgid(NOBODY, 0));
	T_ERR(EINVAL, rump_sys_setpgid(-1, 0));
	be(b);
	T_ERR(ESRCH, rump_sys_setpgid(apid, 0));
	/* Into a group of another session. */
	T_ERR(EPERM, rump_sys_setpgid(cpid, opid));
	/* A child that has a session of its own. */
	be(c);
	T_OK(rump_sys_setsid());
	be(b);
	T_ERR(EPERM, rump_sys_setpgid(cpid, bpid));
	T_ERR(EPERM, rump_sys_setpgid(cpid, cpid));
	release(a);
	release(b);
	release(c);
	release(other);
}

TC(group_outlives_its_leader,
    "A group lives while a process is in it; its id is no new pid then.")
{
	struct lwp *a, *b;
	pid_t apid, bpid;

	boot();
	a = newproc(0);
	apid = rump_sys_getpid();
	T_OK(rump_sys_setsid());
	b = newproc(0);
	bpid = rump_sys_getpid();
	release(a);
	T_ERR(ESRCH, rump_sys_getpgid(apid));
	be(b);
	T_EQ(apid, rump_sys_getpgrp());
	T_EQ(apid, rump_sys_getsid(0));
	for (int i = 0; i < 1000; i++) {
		(void)newproc(RUMP_RFCFDG);
		T_ASSERT(rump_sys_getpid() != apid);
		rump_pub_lwproc_releaselwp();
	}
	be(b);
	T_OK(rump_sys_setpgid(0, 0));
	T_EQ(bpid, rump_sys_getpgrp());
	/* The old group is gone. */
	T_ERR(EPERM, rump_sys_setpgid(0, apid));
	T_EQ(apid, rump_sys_getsid(0));
	release(b);
}

TC(many_groups, "Groups and sessions can be many; none is left over.")
{
	struct lwp *l[200];
	pid_t pid[200];

	boot();
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 200; i++) {
			l[i] = newproc(RUMP_RFCFDG);
			pid[i] = rump_sys_getpid();
			if (i % 2 == 0)
				T_EQ(pid[i], rump_sys_setsid());
			else
				T_OK(rump_sys_setpgid(0, 0));
		}
		for (int i = 0; i < 200; i++) {
			T_EQ(pid[i], rump_sys_getpgid(pid[i]));
			T_EQ(pid[i & ~1], rump_sys_getsid(pid[i]));
		}
		be(NULL);
		for (int i = 0; i < 200; i++)
			release(l[(i * 77) % 200]);
	}
}

TC(login_name_belongs_to_the_session,
    "Set by root, seen by the session, inherited by a new one.")
{
	struct lwp *a, *b;
	char buf[64], longname[600];

	boot();
	a = newproc(0);
	T_OK(rump_sys_setsid());
	T_ERR(ENXIO, rump_sys_getlogin_r(buf, sizeof(buf)));
	T_OK(rump_sys_setlogin("alice"));
	T_OK(rump_sys_getlogin_r(buf, sizeof(buf)));
	T_ASSERT(strcmp(buf, "alice") == 0);
	T_OK(rump_sys_getlogin_r(buf, 6));
	T_ERR(ERANGE, rump_sys_getlogin_r(buf, 5));
	T_ERR(ERANGE, rump_sys_getlogin_r(buf, 0));
	T_ERR(EFAULT, rump_sys_getlogin_r(NULL, 64));
	memset(longname, 'x', sizeof(longname) - 1);
	longname[sizeof(longname) - 1] = '\0';
	T_ERR(EINVAL, rump_sys_setlogin(longname));
	T_ERR(EFAULT, rump_sys_setlogin(NULL));

	b = newproc(0);
	T_OK(rump_sys_setlogin("bob"));
	be(a);
	T_OK(rump_sys_getlogin_r(buf, sizeof(buf)));
	T_ASSERT(strcmp(buf, "bob") == 0);
	T_OK(rump_sys_seteuid(1000));
	T_ERR(EPERM, rump_sys_setlogin("carol"));
	T_OK(rump_sys_getlogin_r(buf, sizeof(buf)));
	T_ASSERT(strcmp(buf, "bob") == 0);
	be(NULL);
	T_ERR(ENXIO, rump_sys_getlogin_r(buf, sizeof(buf)));
	release(a);
	release(b);
}

TC(process_name, "prctl sets and gets the name, at most 15 bytes of it.")
{
	struct lwp *a, *b;
	char buf[32];

	boot();
	a = newproc(0);
	T_OK(rump_sys_prctl(PR_SET_NAME, "tester", 0UL, 0UL, 0UL));
	memset(buf, '#', sizeof(buf));
	T_OK(rump_sys_prctl(PR_GET_NAME, buf, 0UL, 0UL, 0UL));
	T_ASSERT(strcmp(buf, "tester") == 0);
	T_EQ('#', buf[16]);
	T_OK(rump_sys_prctl(PR_SET_NAME, "0123456789abcdefgh", 0UL, 0UL, 0UL));
	T_OK(rump_sys_prctl(PR_GET_NAME, buf, 0UL, 0UL, 0UL));
	T_ASSERT(strcmp(buf, "0123456789abcde") == 0);
	b = newproc(0);
	T_OK(rump_sys_prctl(PR_GET_NAME, buf, 0UL, 0UL, 0UL));
	T_ASSERT(strcmp(buf, "0123456789abcde") == 0);
	T_OK(rump_sys_prctl(PR_SET_NAME, "", 0UL, 0UL, 0UL));
	T_OK(rump_sys_prctl(PR_GET_NAME, buf, 0UL, 0UL, 0UL));
	T_ASSERT(strcmp(buf, "") == 0);
	T_ERR(EFAULT, rump_sys_prctl(PR_SET_NAME, NULL, 0UL, 0UL, 0UL));
	T_ERR(EFAULT, rump_sys_prctl(PR_GET_NAME, NULL, 0UL, 0UL, 0UL));
	T_ERR(EINVAL, rump_sys_prctl(12345678, 0UL, 0UL, 0UL, 0UL));
	T_ERR(EINVAL, rump_sys_prctl(-1, 0UL, 0UL, 0UL, 0UL));
	be(a);
	T_OK(rump_sys_prctl(PR_GET_NAME, buf, 0UL, 0UL, 0UL));
	T_ASSERT(strcmp(buf, "0123456789abcde") == 0);
	release(a);
	release(b);
}

TC(umask_is_permission_bits, "umask returns the old mask and keeps 0777.")
{
	struct lwp *l;

	boot();
	l = newproc(0);
	(void)rump_sys_umask(0);
	T_EQ(0, rump_sys_umask(0777));
	T_EQ(0777, rump_sys_umask((mode_t)-1));
	T_EQ(0777, rump_sys_umask(07022));
	T_EQ(022, rump_sys_umask(0));
	release(l);
}

TC(gettid_is_the_lwp, "Lwps of a process have different ids.")
{
	struct lwp *l[10];
	pid_t pid, tid[10];

	boot();
	l[0] = newproc(0);
	pid = rump_sys_getpid();
	tid[0] = rump_sys_gettid();
	for (int i = 1; i < 10; i++) {
		l[i] = newlwp(pid);
		tid[i] = rump_sys_gettid();
		for (int k = 0; k < i; k++)
			T_ASSERT(tid[k] != tid[i]);
	}
	for (int i = 0; i < 10; i++) {
		be(l[i]);
		T_EQ(tid[i], rump_sys_gettid());
	}
	be(NULL);
	for (int i = 0; i < 10; i++)
		release(l[i]);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, first_processes);
	ATF_TP_ADD_TC(tp, getpgid_and_getsid);
	ATF_TP_ADD_TC(tp, setsid_makes_a_session);
	ATF_TP_ADD_TC(tp, setsid_while_own_group_lives);
	ATF_TP_ADD_TC(tp, setpgid_of_oneself);
	ATF_TP_ADD_TC(tp, setpgid_of_a_child);
	ATF_TP_ADD_TC(tp, group_outlives_its_leader);
	ATF_TP_ADD_TC(tp, many_groups);
	ATF_TP_ADD_TC(tp, login_name_belongs_to_the_session);
	ATF_TP_ADD_TC(tp, process_name);
	ATF_TP_ADD_TC(tp, umask_is_permission_bits);
	ATF_TP_ADD_TC(tp, gettid_is_the_lwp);
	return atf_no_error();
}
