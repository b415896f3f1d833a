/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tree of sysctl, and the limits that are set through it.
 */
#include <limits.h>
#include <time.h>

#include <rump/rump_sysctl.h>

#include "files.h"
#include "tc.h"
#include "threads.h"

static int64_t
number(const char *name)
{
	union {
		int32_t i;
		int64_t q;
	} v = {.q = 0};
	size_t len = sizeof(v);

	T_OK(rump_sys_sysctlbyname(name, &v, &len, NULL, 0));
	T_ASSERT(len == sizeof(v.i) || len == sizeof(v.q));
	return len == sizeof(v.i) ? v.i : v.q;
}

static int
set(const char *name, int value)
{
	return rump_sys_sysctlbyname(name, NULL, NULL, &value, sizeof(value));
}

static const char *
string(const char *name)
{
	static char buf[256];
	size_t len = sizeof(buf);

	T_OK(rump_sys_sysctlbyname(name, buf, &len, NULL, 0));
	T_EQ(len, strlen(buf) + 1);
	return buf;
}

TC(by_number_and_by_name, "the same node by both")
{
	static const int ostype[] = {CTL_KERN, KERN_OSTYPE};
	static const int pagesize[] = {CTL_HW, HW_PAGESIZE};
	char buf[64];
	size_t len = sizeof(buf);
	int n;

	boot();
	T_OK(rump_sys___sysctl(ostype, 2, buf, &len, NULL, 0));
	T_EQ(5, len);
	ATF_CHECK_STREQ("rump", buf);
	ATF_CHECK_STREQ("rump", string("kern.ostype"));
	len = sizeof(n);
	T_OK(rump_sys___sysctl(pagesize, 2, &n, &len, NULL, 0));
	T_EQ(4096, n);
	T_EQ(4096, number("hw.pagesize"));
	T_EQ(rump_getversion(), number("kern.osrevision"));
	T_EQ(65536, number("kern.ngroups"));
	T_ASSERT(number("hw.ncpu") >= 1);
	T_ASSERT(number("hw.physmem64") == number("vm.kmem.limit"));
	T_ASSERT(number("vm.kmem.used") > 0);
	T_ASSERT(number("vm.kmem.used") <= number("vm.kmem.committed"));
	T_EQ(2, number("kern.nprocs"));
	T_ASSERT(strstr(string("vfs.generic.fstypes"), "tmpfs") != NULL);
}

TC(structures, "clockrate and boottime")
{
	struct rump_clockinfo ci;
	struct timespec boot_at, now;
	size_t len = sizeof(ci);

	boot();
	T_OK(rump_sys_sysctlbyname("kern.clockrate", &ci, &len, NULL, 0));
	T_EQ(sizeof(ci), len);
	T_EQ(1000000, ci.hz * ci.tick);
	len = sizeof(boot_at);
	T_OK(rump_sys_sysctlbyname("kern.boottime", &boot_at, &len, NULL, 0));
	T_OK(rump_sys_clock_gettime(CLOCK_REALTIME, &now));
	T_ASSERT(now.tv_sec - boot_at.tv_sec < 60);
	T_ASSERT(now.tv_sec >= boot_at.tv_sec);
}

TC(sizes, "no buffer, a short one, one that is too long")
{
	char buf[64];
	size_t len = 1;

	boot();
	T_OK(rump_sys_sysctlbyname("kern.ostype", NULL, &len, NULL, 0));
	T_EQ(5, len);
	memset(buf, 'x', sizeof(buf));
	len = 2;
	T_ERR(ENOMEM, rump_sys_sysctlbyname("kern.ostype", buf, &len, NULL, 0));
	T_EQ(5, len);
	T_EQ(0, memcmp(buf, "rux", 3));
	len = 0;
	T_ERR(ENOMEM, rump_sys_sysctlbyname("kern.ostype", buf, &len, NULL, 0));
	len = sizeof(buf);
	T_OK(rump_sys_sysctlbyname("kern.ostype", buf, &len, NULL, 0));
	T_EQ(5, len);
	T_EQ('x', buf[5]);
	T_OK(rump_sys_sysctlbyname("kern.ostype", NULL, NULL, NULL, 0));
	T_ERR(EFAULT,
	    rump_sys_sysctlbyname("kern.ostype", (void *)8, &len, NULL, 0));
	T_ERR(EFAULT,
	    rump_sys_sysctlbyname("kern.ostype", buf, (size_t *)8, NULL, 0));
}

TC(errors, "names that are none, nodes that are no values")
{
	int name[16] = {CTL_KERN, KERN_OSTYPE, 3};
	size_t len = 0;
	int one = 1;

	boot();
	T_ERR(EINVAL, rump_sys___sysctl(name, 0, NULL, &len, NULL, 0));
	T_ERR(EINVAL, rump_sys___sysctl(name, 13, NULL, &len, NULL, 0));
	T_ERR(EFAULT, rump_sys___sysctl((int *)8, 2, NULL, &len, NULL, 0));
	T_ERR(EISDIR, rump_sys___sysctl(name, 1, NULL, &len, NULL, 0));
	T_ERR(ENOTDIR, rump_sys___sysctl(name, 3, NULL, &len, NULL, 0));
	name[1] = 777;
	T_ERR(ENOENT, rump_sys___sysctl(name, 2, NULL, &len, NULL, 0));
	name[1] = -3;
	T_ERR(EOPNOTSUPP, rump_sys___sysctl(name, 2, NULL, &len, NULL, 0));
	T_ERR(EISDIR, rump_sys_sysctlbyname("kern", NULL, &len, NULL, 0));
	T_ERR(ENOENT, rump_sys_sysctlbyname("", NULL, &len, NULL, 0));
	T_ERR(ENOENT, rump_sys_sysctlbyname(".", NULL, &len, NULL, 0));
	T_ERR(ENOENT, rump_sys_sysctlbyname("kern.", NULL, &len, NULL, 0));
	T_ERR(ENOENT, rump_sys_sysctlbyname("kern.no", NULL, &len, NULL, 0));
	T_ERR(ENOENT, rump_sys_sysctlbyname("kern.ostyp", NULL, &len, NULL, 0));
	T_ERR(ENOTDIR,
	    rump_sys_sysctlbyname("kern.ostype.1", NULL, &len, NULL, 0));
	T_ERR(EPERM, set("kern.osrevision", 3));
	T_ERR(
	    EINVAL, rump_sys_sysctlbyname("kern.maxproc", NULL, NULL, &one, 3));
	T_ERR(
	    EINVAL, rump_sys_sysctlbyname("kern.maxproc", NULL, NULL, &one, 8));
	T_ERR(EFAULT,
	    rump_sys_sysctlbyname("kern.maxproc", NULL, NULL, (void *)8, 4));
	T_ERR(EINVAL, set("kern.maxproc", 1));
	T_ERR(EINVAL, set("kern.maxfiles", 0));
	T_ERR(EINVAL, set("kern.maxvnodes", -1));
}

/* All nodes below one; how many. */
static int
walk(const int *up, unsigned n)
{
	struct rump_sysctlnode *nodes, *sn;
	int name[RUMP_CTL_MAXNAME], last = -1, count = 0;
	size_t len = 0;

	memcpy(name, up, n * sizeof(name[0]));
	name[n] = CTL_QUERY;
	T_OK(rump_sys___sysctl(name, n + 1, NULL, &len, NULL, 0));
	T_ASSERT(len > 0 && len % sizeof(*nodes) == 0);
	T_ASSERT((nodes = malloc(len)) != NULL);
	T_OK(rump_sys___sysctl(name, n + 1, nodes, &len, NULL, 0));
	for (sn = nodes; sn < nodes + len / sizeof(*nodes); sn++) {
		T_ASSERT(sn->sysctl_num > last);
		last = sn->sysctl_num;
		T_ASSERT(sn->sysctl_name[0] != '\0');
		T_ASSERT(sn->sysctl_desc[0] != '\0');
		name[n] = sn->sysctl_num;
		count++;
		if ((sn->sysctl_flags & RUMP_CTLTYPE_MASK) ==
		    RUMP_CTLTYPE_NODE) {
			count += walk(name, n + 1);
		} else if (last != RUMP_KERN_PROC2 || n != 1) {
			size_t size;

			T_OK(rump_sys___sysctl(
			    name, n + 1, NULL, &size, NULL, 0));
			T_ASSERT(size > 0);
		}
	}
	free(nodes);
	return count;
}

TC(query, "the tree can be walked")
{
	int name[3] = {CTL_KERN, KERN_OSTYPE, CTL_QUERY};
	size_t len = 0;

	boot();
	T_ASSERT(walk(name, 0) > 40);
	T_ERR(ENOTDIR, rump_sys___sysctl(name, 3, NULL, &len, NULL, 0));
	name[1] = CTL_QUERY;
	T_ERR(EINVAL, rump_sys___sysctl(name, 3, NULL, &len, NULL, 0));
}

TC(names, "the names of host and domain can be set, by root")
{
	char buf[80];
	size_t len = sizeof(buf);

	boot();
	newproc(RUMP_RFCFDG);
	T_OK(rump_sys_sysctlbyname("kern.hostname", buf, &len, "a.b", 3));
	ATF_CHECK_STREQ("a.b", string("kern.hostname"));
	T_OK(rump_sys_sysctlbyname("kern.hostname", NULL, NULL, "a.c", 4));
	ATF_CHECK_STREQ("a.c", string("kern.hostname"));
	T_OK(rump_sys_sysctlbyname("kern.domainname", NULL, NULL, "d", 1));
	ATF_CHECK_STREQ("d", string("kern.domainname"));
	memset(buf, 'x', sizeof(buf));
	T_ERR(EINVAL,
	    rump_sys_sysctlbyname("kern.hostname", NULL, NULL, buf, 65));
	T_ERR(EINVAL,
	    rump_sys_sysctlbyname("kern.hostname", NULL, NULL, buf, 1000));
	/* What does not fit is not got, and then nothing is set. */
	len = 1;
	T_ERR(
	    ENOMEM, rump_sys_sysctlbyname("kern.hostname", buf, &len, "z", 1));
	ATF_CHECK_STREQ("a.c", string("kern.hostname"));
	T_OK(rump_sys_setuid(1000));
	T_ERR(
	    EPERM, rump_sys_sysctlbyname("kern.hostname", NULL, NULL, "e", 1));
	ATF_CHECK_STREQ("a.c", string("kern.hostname"));
}

TC(maxproc, "no more processes than that, for anybody")
{
	struct lwp *a, *b;

	boot();
	a = newproc(RUMP_RFCFDG);
	T_OK(set("kern.maxproc", 4));
	T_EQ(4, number("kern.maxproc"));
	b = newproc(RUMP_RFCFDG);
	T_EQ(EAGAIN, rump_pub_lwproc_rfork(RUMP_RFCFDG));
	T_EQ(4, number("kern.nprocs"));
	release(b);
	rump_pub_lwproc_switch(a);
	b = newproc(RUMP_RFCFDG);
	T_EQ(EAGAIN, rump_pub_lwproc_rfork(RUMP_RFCFDG));
	T_OK(set("kern.maxproc", INT_MAX));
	T_EQ(0, rump_pub_lwproc_rfork(RUMP_RFCFDG));
}

#define MAKERS 4
#define PLACES 20

static _Atomic int made;

static void *
maker(void *arg)
{
	(void)arg;
	while (rump_pub_lwproc_rfork(RUMP_RFCFDG) == 0)
		made++;
	return NULL;
}

TC(maxproc_race, "every place is given once, and every one is")
{
	pthread_t t[MAKERS];

	boot();
	T_OK(set("kern.maxproc", 2 + PLACES));
	for (int i = 0; i < MAKERS; i++)
		T_EQ(0, pthread_create(&t[i], NULL, maker, NULL));
	for (int i = 0; i < MAKERS; i++)
		T_EQ(0, pthread_join(t[i], NULL));
	T_EQ(PLACES, made);
}

TC(maxfiles, "no more open files than that, but for root")
{
	int fds[2], n = 0;

	boot();
	newproc(RUMP_RFCFDG);
	T_OK(set("kern.maxfiles", 10));
	T_EQ(10, number("kern.maxfiles"));
	T_OK(rump_sys_setresuid(1, 1, 0));
	while (rump_sys_pipe(fds) == 0)
		n += 2;
	T_EQ(ENFILE, errno);
	/* One is the console's. */
	T_EQ(8, n);
	T_EQ(9, number("kern.nfiles"));
	T_OK(rump_sys_seteuid(0));
	T_OK(rump_sys_pipe(fds));
	T_OK(set("kern.maxfiles", 1000));
	T_OK(rump_sys_seteuid(1));
	T_OK(rump_sys_pipe(fds));
}

static size_t
procs(int op, int arg, struct rump_kinfo_proc2 *kp, size_t n)
{
	int name[6] = {CTL_KERN, KERN_PROC2, op, arg, sizeof(*kp), (int)n};
	size_t len = n * sizeof(*kp);

	T_OK(rump_sys___sysctl(name, 6, kp, &len, NULL, 0));
	T_EQ(0, len % sizeof(*kp));
	return len / sizeof(*kp);
}

TC(proc2, "processes, all and some")
{
	int name[6] = {CTL_KERN, KERN_PROC2, KERN_PROC_ALL, 0,
	    sizeof(struct rump_kinfo_proc2), 10};
	struct rump_kinfo_proc2 kp[8];
	size_t len;
	pid_t pid;

	boot();
	newproc(RUMP_RFCFDG);
	pid = rump_sys_getpid();
	T_OK(rump_sys_prctl(15, (unsigned long)"hello"));
	T_OK(rump_sys_setresuid(5, 6, 7));
	T_OK(rump_sys_setpgid(0, 0));
	T_EQ(3, procs(KERN_PROC_ALL, 0, kp, 8));
	T_EQ(0, kp[0].p_pid);
	T_EQ(1, kp[1].p_pid);
	T_EQ(pid, kp[2].p_pid);
	T_EQ(1, kp[2].p_ppid);
	T_EQ(pid, kp[2].p__pgid);
	T_EQ(5, kp[2].p_ruid);
	T_EQ(6, kp[2].p_uid);
	T_EQ(7, kp[2].p_svuid);
	T_EQ(RUMP_SACTIVE, kp[2].p_realstat);
	T_EQ(1, kp[2].p_nlwps);
	T_EQ(1, kp[2].p_nrlwps);
	T_ASSERT(kp[2].p_ustart_sec >= kp[0].p_ustart_sec);
	ATF_CHECK_STREQ("hello", kp[2].p_comm);
	ATF_CHECK_STREQ("init", kp[1].p_comm);

	T_EQ(1, procs(KERN_PROC_PID, pid, kp, 8));
	T_EQ(pid, kp[0].p_pid);
	T_EQ(0, procs(KERN_PROC_PID, pid + 1, kp, 8));
	T_EQ(1, procs(KERN_PROC_UID, 6, kp, 8));
	T_EQ(0, procs(KERN_PROC_UID, 5, kp, 8));
	T_EQ(1, procs(KERN_PROC_RUID, 5, kp, 8));
	T_EQ(1, procs(KERN_PROC_PGRP, pid, kp, 8));
	T_EQ(2, procs(KERN_PROC_ALL, 0, kp, 2));

	T_OK(rump_sys___sysctl(name, 6, NULL, &len, NULL, 0));
	T_ASSERT(len >= 3 * sizeof(kp[0]));
	/* Smaller and larger than ours. */
	name[4] = 4;
	len = sizeof(kp);
	T_OK(rump_sys___sysctl(name, 6, kp, &len, NULL, 0));
	T_EQ(12, len);
	T_EQ(pid, ((int32_t *)kp)[2]);
	name[4] = sizeof(kp[0]) + 100;
	name[5] = 1;
	memset(kp, 1, sizeof(kp));
	len = sizeof(kp);
	T_OK(rump_sys___sysctl(name, 6, kp, &len, NULL, 0));
	T_EQ(sizeof(kp[0]) + 100, len);
	T_EQ(0, ((char *)kp)[len - 1]);
	T_EQ(1, ((char *)kp)[len]);
	len = 10;
	T_ERR(ENOMEM, rump_sys___sysctl(name, 6, kp, &len, NULL, 0));

	T_ERR(EINVAL, rump_sys___sysctl(name, 2, kp, &len, NULL, 0));
	T_ERR(EINVAL, rump_sys___sysctl(name, 5, kp, &len, NULL, 0));
	name[4] = 0;
	T_ERR(EINVAL, rump_sys___sysctl(name, 6, kp, &len, NULL, 0));
	name[4] = 1 << 20;
	T_ERR(EINVAL, rump_sys___sysctl(name, 6, kp, &len, NULL, 0));
	name[4] = 4, name[2] = 99;
	T_ERR(EINVAL, rump_sys___sysctl(name, 6, kp, &len, NULL, 0));
	len = sizeof(kp);
	T_OK(rump_sys_sysctlbyname("kern.proc2.1.1.4.1", kp, &len, NULL, 0));
	T_EQ(1, *(int32_t *)kp);
}

TC(maxvnodes, "fewer cached vnodes, at once")
{
	struct rump_memstat before, after;
	char path[64], cwd[PATH_MAX];
	int i;

	boot();
	T_EQ(65536, number("kern.maxvnodes"));
	T_OK(rump_sys_mkdir("/h", 0755));
	for (i = 0; i < 500; i++) {
		(void)snprintf(path, sizeof(path), "f%d", i);
		T_ASSERT(close(creat(path, 0600)) == 0);
	}
	T_ASSERT(getcwd(cwd, sizeof(cwd)) != NULL);
	T_OK(rump_sys_mount("hostfs", "/h", 0, cwd, strlen(cwd)));
	for (i = 0; i < 500; i++) {
		struct stat sb;

		(void)snprintf(path, sizeof(path), "/h/f%d", i);
		T_OK(rump_sys_stat(path, &sb));
	}
	T_EQ(0, rump_pub_memstat(&before));
	T_OK(set("kern.maxvnodes", 128));
	T_EQ(128, number("kern.maxvnodes"));
	T_EQ(0, rump_pub_memstat(&after));
	T_ASSERT(after.used + 50000 < before.used);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, by_number_and_by_name);
	ATF_TP_ADD_TC(tp, structures);
	ATF_TP_ADD_TC(tp, sizes);
	ATF_TP_ADD_TC(tp, errors);
	ATF_TP_ADD_TC(tp, query);
	ATF_TP_ADD_TC(tp, names);
	ATF_TP_ADD_TC(tp, maxproc);
	ATF_TP_ADD_TC(tp, maxproc_race);
	ATF_TP_ADD_TC(tp, maxfiles);
	ATF_TP_ADD_TC(tp, proc2);
	ATF_TP_ADD_TC(tp, maxvnodes);
	return atf_no_error();
}
