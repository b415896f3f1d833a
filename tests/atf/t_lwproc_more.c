/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes and lwps beyond the words of rump_lwproc(3): what a new process
 * inherits and what happens when one goes, and the other calls of the
 * interface that act on the current context.
 */
#include <sys/resource.h>

#include "../lib/tc.h"
#include "../lib/threads.h"

TC(parent_is_the_process_of_the_calling_context,
    "The parent of a new process is the one that called rfork.")
{
	struct lwp *a, *b, *c;
	pid_t apid;

	boot();
	a = newproc(0);
	apid = rump_sys_getpid();
	T_EQ(1, rump_sys_getppid());
	b = newproc(0);
	T_EQ(apid, rump_sys_getppid());
	rump_pub_lwproc_switch(NULL);
	c = newproc(0);
	T_EQ(1, rump_sys_getppid());
	release(a);
	release(b);
	release(c);
}

TC(child_of_process_0_has_parent_0, "rfork from an lwp of process 0.")
{
	struct lwp *k, *l;

	boot();
	k = newlwp(0);
	l = newproc(RUMP_RFCFDG);
	T_EQ(0, rump_sys_getppid());
	T_ASSERT(rump_sys_getpid() > 1);
	release(l);
	release(k);
}

TC(orphans_become_children_of_process_1,
    "When the parent goes first, process 1 is the parent.")
{
	struct lwp *l[5];
	pid_t pid[5];

	boot();
	for (int i = 0; i < 5; i++) {
		l[i] = newproc(RUMP_RFCFDG);
		pid[i] = rump_sys_getpid();
		T_EQ(i == 0 ? 1 : pid[i - 1], rump_sys_getppid());
	}
	release(l[1]);
	rump_pub_lwproc_switch(l[2]);
	T_EQ(1, rump_sys_getppid());
	rump_pub_lwproc_switch(l[3]);
	T_EQ(pid[2], rump_sys_getppid());
	release(l[0]);
	release(l[2]);
	T_EQ(1, rump_sys_getppid());
	rump_pub_lwproc_switch(l[4]);
	T_EQ(pid[3], rump_sys_getppid());
	release(l[3]);
	T_EQ(1, rump_sys_getppid());
	release(l[4]);
}

TC(many_orphans_become_children_of_process_1,
    "All children of a process that goes are taken over.")
{
	struct lwp *parent, *l[500];

	boot();
	parent = newproc(RUMP_RFCFDG);
	for (int i = 0; i < 500; i++) {
		rump_pub_lwproc_switch(NULL);
		rump_pub_lwproc_switch(parent);
		l[i] = newproc(RUMP_RFCFDG);
	}
	release(parent);
	for (int i = 0; i < 500; i++) {
		rump_pub_lwproc_switch(NULL);
		rump_pub_lwproc_switch(l[i]);
		T_EQ(1, rump_sys_getppid());
		rump_pub_lwproc_releaselwp();
	}
}

TC(credentials_are_inherited,
    "A new process has its parent's ids and groups, and its own copy.")
{
	gid_t groups[3] = {3, 4, 5}, got[8];
	struct lwp *a, *b;

	boot();
	a = newproc(0);
	T_OK(rump_sys_setgroups(3, groups));
	T_OK(rump_sys_setregid(20, 21));
	T_OK(rump_sys_setreuid(10, 11));
	b = newproc(0);
	T_EQ(10, rump_sys_getuid());
	T_EQ(11, rump_sys_geteuid());
	T_EQ(20, rump_sys_getgid());
	T_EQ(21, rump_sys_getegid());
	T_EQ(3, rump_sys_getgroups(8, got));
	T_ASSERT(memcmp(groups, got, sizeof(groups)) == 0);
	T_OK(rump_sys_seteuid(10));
	rump_pub_lwproc_switch(a);
	T_EQ(11, rump_sys_geteuid());
	T_OK(rump_sys_setreuid(11, 10));
	rump_pub_lwproc_switch(b);
	T_EQ(10, rump_sys_getuid());
	T_EQ(10, rump_sys_geteuid());
	release(a);
	release(b);
}

TC(directories_are_inherited,
    "A new process has its parent's cwd and root, and its own copy.")
{
	struct lwp *a, *b;
	char buf[64];

	boot();
	T_OK(rump_sys_mkdir("/jail", 0777));
	T_OK(rump_sys_mkdir("/jail/in", 0777));
	T_OK(rump_sys_mkdir("/jail/in/deep", 0777));
	a = newproc(0);
	T_OK(rump_sys_chroot("/jail"));
	T_OK(rump_sys_chdir("/in"));
	b = newproc(0);
	T_OK(rump_sys___getcwd(buf, sizeof(buf)));
	T_ASSERT(strcmp(buf, "/in") == 0);
	T_OK(rump_sys_access("/in/deep", F_OK));
	T_ERR(ENOENT, rump_sys_access("/jail", F_OK));
	T_OK(rump_sys_chroot("/in"));
	T_OK(rump_sys_chdir("/deep"));
	rump_pub_lwproc_switch(a);
	T_OK(rump_sys___getcwd(buf, sizeof(buf)));
	T_ASSERT(strcmp(buf, "/in") == 0);
	T_OK(rump_sys_access("/in/deep", F_OK));
	rump_pub_lwproc_switch(NULL);
	T_OK(rump_sys_access("/jail/in/deep", F_OK));
	release(a);
	release(b);
}

TC(umask_is_inherited, "A new process has its parent's umask, its own.")
{
	struct lwp *a, *b;

	boot();
	a = newproc(0);
	(void)rump_sys_umask(0123);
	b = newproc(0);
	T_EQ(0123, rump_sys_umask(0077));
	rump_pub_lwproc_switch(a);
	T_EQ(0123, rump_sys_umask(0));
	rump_pub_lwproc_switch(b);
	T_EQ(0077, rump_sys_umask(0));
	release(a);
	release(b);
}

TC(limits_are_inherited, "A new process has its parent's limits, its own.")
{
	struct rlimit rl = {10, 20}, got;
	struct lwp *a, *b;

	boot();
	a = newproc(0);
	T_OK(rump_sys_setrlimit(RLIMIT_NOFILE, &rl));
	b = newproc(0);
	T_OK(rump_sys_getrlimit(RLIMIT_NOFILE, &got));
	T_EQ(10, got.rlim_cur);
	T_EQ(20, got.rlim_max);
	rl.rlim_cur = 5;
	T_OK(rump_sys_setrlimit(RLIMIT_NOFILE, &rl));
	rump_pub_lwproc_switch(a);
	T_OK(rump_sys_getrlimit(RLIMIT_NOFILE, &got));
	T_EQ(10, got.rlim_cur);
	release(b);
	release(a);
}

TC(process_group_and_session_are_inherited,
    "A new process is in its parent's group and session.")
{
	struct lwp *a, *b;
	pid_t apid;

	boot();
	a = newproc(0);
	T_EQ(rump_sys_getpgid(1), rump_sys_getpgrp());
	T_EQ(rump_sys_getsid(1), rump_sys_getsid(0));
	apid = rump_sys_getpid();
	T_EQ(apid, rump_sys_setsid());
	b = newproc(0);
	T_EQ(apid, rump_sys_getpgrp());
	T_EQ(apid, rump_sys_getsid(0));
	release(b);
	release(a);
}

TC(releaselwp_closes_descriptors_before_it_returns,
    "The last lwp's release closes what only its process had open.")
{
	struct lwp *reader;
	int fd[2];
	char c;

	boot();
	for (int i = 0; i < 100; i++) {
		struct lwp *writer;

		reader = newproc(RUMP_RFCFDG);
		T_OK(rump_sys_pipe(fd));
		writer = newproc(RUMP_RFFDG);
		rump_pub_lwproc_switch(reader);
		T_OK(rump_sys_close(fd[1]));
		rump_pub_lwproc_switch(writer);
		rump_pub_lwproc_releaselwp();
		rump_pub_lwproc_switch(reader);
		/* Would wait for ever if there were still a writer. */
		T_EQ(0, rump_sys_read(fd[0], &c, 1));
		rump_pub_lwproc_releaselwp();
	}
}

struct blocked {
	struct lwp *lwp;
	int fd;
};

static void
read_to_end(struct thread *t)
{
	struct blocked *b = t->t_arg;
	char c;

	rump_pub_lwproc_switch(b->lwp);
	thread_sleeps(t);
	T_EQ(0, rump_sys_read(b->fd, &c, 1));
	rump_pub_lwproc_releaselwp();
}

TC(releaselwp_wakes_a_reader_in_another_thread,
    "A blocked read ends when the last writing process goes.")
{
	struct blocked b = {0};
	struct lwp *writer;
	struct thread t;
	int fd[2];

	boot();
	b.lwp = newproc(RUMP_RFCFDG);
	T_OK(rump_sys_pipe(fd));
	b.fd = fd[0];
	writer = newproc(RUMP_RFFDG);
	rump_pub_lwproc_switch(b.lwp);
	T_OK(rump_sys_close(fd[1]));
	rump_pub_lwproc_switch(writer);
	thread_start(&t, 0, read_to_end, &b);
	thread_await_asleep(&t);
	rump_pub_lwproc_releaselwp();
	thread_join(&t);
}

/* Be a new process of this user with this limit. */
static struct lwp *
limited(uid_t uid, rlim_t nproc)
{
	struct rlimit rl = {nproc, nproc};
	struct lwp *l = newproc(RUMP_RFCFDG);

	T_OK(rump_sys_setrlimit(RLIMIT_NPROC, &rl));
	T_OK(rump_sys_setuid(uid));
	return l;
}

TC(nproc_limit_is_per_user,
    "RLIMIT_NPROC counts the processes of the real user: EAGAIN, and "
    "nothing changed; another user is not touched by it.")
{
	struct lwp *a, *b, *l[3];
	pid_t pid;

	boot();
	a = limited(1000, 3);
	l[0] = newproc(0);
	l[1] = newproc(0);
	pid = rump_sys_getpid();
	for (int i = 0; i < 3; i++) {
		T_EQ(EAGAIN, rump_pub_lwproc_rfork(i));
		T_PTR(l[1], rump_pub_lwproc_curlwp());
		T_EQ(pid, rump_sys_getpid());
	}
	/* The limit is on processes. */
	l[2] = newlwp(pid);
	release(l[2]);

	rump_pub_lwproc_switch(NULL);
	b = limited(1001, 2);
	l[2] = newproc(0);
	T_EQ(EAGAIN, rump_pub_lwproc_rfork(0));
	release(l[2]);
	rump_pub_lwproc_switch(b);
	l[2] = newproc(0);
	release(l[2]);

	/* One goes: room for one. */
	release(l[0]);
	rump_pub_lwproc_switch(a);
	l[0] = newproc(0);
	T_EQ(EAGAIN, rump_pub_lwproc_rfork(0));
	release(l[0]);
	release(l[1]);
	release(a);
	release(b);
}

TC(allbetsareoff_setid_renames, "Process and lwp get the ids asked for.")
{
	struct lwp *l, *child, *m;
	pid_t old;

	boot();
	l = newproc(0);
	old = rump_sys_getpid();
	child = newproc(0);
	T_EQ(old, rump_sys_getppid());
	rump_pub_lwproc_switch(l);
	rump_pub_allbetsareoff_setid(4242, 7);
	T_EQ(4242, rump_sys_getpid());
	T_PTR(l, rump_pub_lwproc_curlwp());
	rump_pub_lwproc_switch(child);
	T_EQ(4242, rump_sys_getppid());
	rump_pub_lwproc_switch(NULL);
	T_EQ(ESRCH, rump_pub_lwproc_newlwp(old));
	m = newlwp(4242);
	T_EQ(4242, rump_sys_getpid());
	release(m);

	/* No new process gets the pid while it is taken. */
	for (int i = 0; i < 6000; i++) {
		(void)newproc(RUMP_RFCFDG);
		T_ASSERT(rump_sys_getpid() != 4242);
		rump_pub_lwproc_releaselwp();
	}
	/* The same pid again, another lid. */
	rump_pub_lwproc_switch(l);
	rump_pub_allbetsareoff_setid(4242, 8);
	T_EQ(4242, rump_sys_getpid());
	release(l);
	rump_pub_lwproc_switch(child);
	T_EQ(1, rump_sys_getppid());
	release(child);
	T_EQ(ESRCH, rump_pub_lwproc_newlwp(4242));
}

TC(pids_are_not_used_again_soon,
    "A pid that was just freed names nothing for a while.")
{
	pid_t pid;

	boot();
	(void)newproc(0);
	pid = rump_sys_getpid();
	rump_pub_lwproc_releaselwp();
	for (int i = 0; i < 1000; i++) {
		(void)newproc(0);
		T_ASSERT(rump_sys_getpid() != pid);
		rump_pub_lwproc_releaselwp();
		T_EQ(ESRCH, rump_pub_lwproc_newlwp(pid));
	}
}

TC(cred_create_and_put, "Credentials can be made and dropped by hand.")
{
	gid_t groups[3] = {1, 2, 3};
	struct cred *cr, *cr2;

	boot();
	for (int i = 0; i < 2000; i++) {
		cr = rump_pub_cred_create(1000, 1000, 3, groups);
		T_ASSERT(cr != NULL);
		cr2 = rump_pub_cred_create((uid_t)i, 0, 0, NULL);
		T_ASSERT(cr2 != NULL && cr2 != cr);
		rump_pub_cred_put(cr);
		rump_pub_cred_put(cr2);
	}
	T_PTR(NULL, rump_pub_cred_create(0, 0, 10000000, groups));
	T_PTR(NULL, rump_pub_lwproc_curlwp());
}

TC(uio_setup_and_free, "A transfer has its length left and its offset.")
{
	char buf[100];
	struct uio *uio;

	boot();
	uio = rump_pub_uio_setup(buf, sizeof(buf), 7, RUMPUIO_READ);
	T_ASSERT(uio != NULL);
	T_EQ(100, rump_pub_uio_getresid(uio));
	T_EQ(7, rump_pub_uio_getoff(uio));
	T_EQ(100, rump_pub_uio_free(uio));
	uio = rump_pub_uio_setup(buf, 0, 0, RUMPUIO_WRITE);
	T_ASSERT(uio != NULL);
	T_EQ(0, rump_pub_uio_getresid(uio));
	T_EQ(0, rump_pub_uio_free(uio));
}

TC(schedule_and_unschedule, "The kernel can be entered by hand.")
{
	struct lwp *l;

	boot();
	for (int i = 0; i < 3; i++) {
		rump_schedule();
		rump_unschedule();
		T_PTR(NULL, rump_pub_lwproc_curlwp());
		T_EQ(1, rump_sys_getpid());
	}
	l = newproc(0);
	rump_schedule();
	rump_unschedule();
	T_PTR(l, rump_pub_lwproc_curlwp());
	T_ASSERT(rump_sys_getpid() != 1);
	release(l);
}

TC(sysent_usenative_changes_nothing, "The host's numbers are ours.")
{
	struct lwp *l;

	boot();
	l = newproc(0);
	rump_pub_lwproc_sysent_usenative();
	T_PTR(l, rump_pub_lwproc_curlwp());
	T_ASSERT(rump_sys_getpid() > 1);
	release(l);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, parent_is_the_process_of_the_calling_context);
	ATF_TP_ADD_TC(tp, child_of_process_0_has_parent_0);
	ATF_TP_ADD_TC(tp, orphans_become_children_of_process_1);
	ATF_TP_ADD_TC(tp, many_orphans_become_children_of_process_1);
	ATF_TP_ADD_TC(tp, credentials_are_inherited);
	ATF_TP_ADD_TC(tp, directories_are_inherited);
	ATF_TP_ADD_TC(tp, umask_is_inherited);
	ATF_TP_ADD_TC(tp, limits_are_inherited);
	ATF_TP_ADD_TC(tp, process_group_and_session_are_inherited);
	ATF_TP_ADD_TC(tp, releaselwp_closes_descriptors_before_it_returns);
	ATF_TP_ADD_TC(tp, releaselwp_wakes_a_reader_in_another_thread);
	ATF_TP_ADD_TC(tp, nproc_limit_is_per_user);
	ATF_TP_ADD_TC(tp, allbetsareoff_setid_renames);
	ATF_TP_ADD_TC(tp, pids_are_not_used_again_soon);
	ATF_TP_ADD_TC(tp, cred_create_and_put);
	ATF_TP_ADD_TC(tp, uio_setup_and_free);
	ATF_TP_ADD_TC(tp, schedule_and_unschedule);
	ATF_TP_ADD_TC(tp, sysent_usenative_changes_nothing);
	return atf_no_error();
}
