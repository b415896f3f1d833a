/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ktrace and utrace: whom, what and where to.
 */
#include <rump/rump_trace.h>

#include <sys/resource.h>

#include <signal.h>

#include "../lib/child.h"
#include "../lib/trace.h"

#define ALL                                                         \
	(RUMP_KTRFAC_SYSCALL | RUMP_KTRFAC_PSIG | RUMP_KTRFAC_CSW | \
	    RUMP_KTRFAC_USER)

static struct lwp *
begin(void)
{
	struct lwp *l;

	boot();
	l = newproc(RUMP_RFCFDG);
	T_OK(rump_sys_close(
	    (int)T_OK(rump_sys_open("/trace", O_WRONLY | O_CREAT, 0600))));
	return l;
}

TC(own_process, "From the next call until it is cleared.")
{
	begin();
	T_OK(rump_sys_umask(1));
	T_OK(rump_sys_ktrace("/trace", RUMP_KTROP_SET, ALL, 2));
	T_OK(rump_sys_umask(2));
	T_ERR(EBADF, rump_sys_close(7));
	T_EQ(2, rump_sys_getpid());
	T_OK(rump_sys_ktrace(NULL, RUMP_KTROP_CLEAR, ALL, 2));
	T_OK(rump_sys_umask(3));
	T_EQ(2, rump_sys_getpid());
	trace_read_kernel("/trace");
	trace_want(1, "2.1", "umask\\(002\\) = 1");
	trace_want(1, "2.1", "close\\(7\\) = -1 EBADF \\(.*\\)");
	trace_want(1, "2.1", "getpid\\(\\) = 2");
	trace_want(1, "2.1", "ktrace\\(NULL, KTROP_CLEAR, .*, 2\\) = 0");
	T_EQ(4, trace_count(".+"));
}

TC(switches_to, "A switch to who is traced, from who is not, is told, too.")
{
	struct lwp *l = begin(), *other;

	T_OK(rump_sys_ktrace("/trace", RUMP_KTROP_SET, RUMP_KTRFAC_CSW, 2));
	other = newproc(RUMP_RFCFDG);
	T_EQ(3, rump_sys_getpid());
	for (int i = 0; i < 3; i++) {
		rump_pub_lwproc_switch(l);
		rump_pub_lwproc_switch(other);
	}
	rump_pub_lwproc_switch(NULL);
	rump_pub_lwproc_switch(l);
	trace_read_kernel("/trace");
	/* Once as the process was made. */
	trace_want(4, "2.1", "--- switch to 3.1 ---");
	trace_want(3, "3.1", "--- switch to 2.1 ---");
	trace_want(1, "1.1", "--- switch to 2.1 ---");
	T_EQ(8, trace_count(".+"));
}

TC(what_is_traced, "Only the points that are set; more files are one each.")
{
	struct lwp *l = begin(), *m;

	m = newlwp(2);
	rump_pub_lwproc_switch(l);
	T_OK(rump_sys_ktrace("/trace", RUMP_KTROP_SET, RUMP_KTRFAC_CSW, 2));
	T_OK(rump_sys_umask(2));
	rump_pub_lwproc_switch(m);
	rump_pub_lwproc_switch(l);
	/* Another file takes its place. */
	T_OK(rump_sys_close(
	    (int)T_OK(rump_sys_open("/t2", O_WRONLY | O_CREAT, 0600))));
	T_OK(rump_sys_ktrace(
	    "/t2", RUMP_KTROP_SET, RUMP_KTRFAC_SYSRET | RUMP_KTRFAC_CSW, 2));
	T_OK(rump_sys_ktrace(NULL, RUMP_KTROP_CLEAR, RUMP_KTRFAC_CSW, 2));
	T_OK(rump_sys_umask(3));
	rump_pub_lwproc_switch(m);
	rump_pub_lwproc_releaselwp();
	rump_pub_lwproc_switch(l);
	trace_read_kernel("/trace");
	trace_want(1, "2.1", "--- switch to 2.2 ---");
	trace_want(1, "2.2", "--- switch to 2.1 ---");
	T_EQ(2, trace_count(".+"));
	trace_read_kernel("/t2");
	trace_want(1, "2.1", "umask\\(003\\) = 2");
	trace_want(0, "2\\.[12]", "--- .*");
}

TC(others, "OTHERS leaves the caller out, of several processes.")
{
	struct lwp *parent = begin(), *child;

	child = newproc(RUMP_RFCFDG);
	rump_pub_lwproc_switch(parent);
	T_OK(rump_sys_ktrace("/trace",
	    RUMP_KTROP_SET | RUMP_KTRFLAG_DESCEND | RUMP_KTRFLAG_OTHERS, ALL,
	    2));
	T_OK(rump_sys_umask(02));
	rump_pub_lwproc_switch(child);
	T_OK(rump_sys_umask(03));
	rump_pub_lwproc_switch(parent);
	T_OK(rump_sys_ktrace("/trace", RUMP_KTROP_CLEARFILE, 0, 0));
	T_OK(rump_sys_ktrace(
	    "/trace", RUMP_KTROP_SET | RUMP_KTRFLAG_OTHERS, ALL, 2));
	T_OK(rump_sys_umask(04));
	T_OK(rump_sys_ktrace(
	    "/trace", RUMP_KTROP_CLEARFILE | RUMP_KTRFLAG_OTHERS, 0, 0));
	T_OK(rump_sys_umask(05));
	T_ERR(ESRCH,
	    rump_sys_ktrace("/trace",
		RUMP_KTROP_SET | RUMP_KTRFLAG_DESCEND | RUMP_KTRFLAG_OTHERS,
		ALL, 99));
	trace_read_kernel("/trace");
	trace_want(0, ".*", "umask\\(002\\) = .*");
	trace_want(1, "3.1", "umask\\(003\\) = .*");
	trace_want(1, "2.1", "umask\\(004\\) = .*");
	trace_want(0, ".*", "umask\\(005\\) = .*");
}

TC(children, "Those there are with DESCEND, those to come with INHERIT.")
{
	struct lwp *parent = begin(), *child, *grandchild, *other;

	child = newproc(RUMP_RFCFDG);
	grandchild = newproc(RUMP_RFCFDG);
	rump_pub_lwproc_switch(NULL);
	other = newproc(RUMP_RFCFDG);
	rump_pub_lwproc_switch(child);
	T_OK(rump_sys_ktrace("/trace", RUMP_KTROP_SET | RUMP_KTRFLAG_DESCEND,
	    RUMP_KTRFAC_SYSCALL | RUMP_KTRFAC_INHERIT, 3));
	rump_pub_lwproc_switch(parent);
	T_OK(rump_sys_umask(02));
	rump_pub_lwproc_switch(other);
	T_OK(rump_sys_umask(05));
	rump_pub_lwproc_switch(grandchild);
	T_OK(rump_sys_umask(04));
	newproc(RUMP_RFCFDG);
	T_OK(rump_sys_umask(06));
	T_EQ(4, rump_sys_getppid());
	T_OK(rump_sys_ktrace("/trace", RUMP_KTROP_CLEARFILE, 0, 0));
	T_OK(rump_sys_umask(07));
	rump_pub_lwproc_switch(grandchild);
	T_OK(rump_sys_umask(07));
	trace_read_kernel("/trace");
	trace_want(1, "4.1", "umask\\(004\\) = .*");
	trace_want(1, "6.1", "umask\\(006\\) = .*");
	trace_want(1, "6.1", "getppid\\(\\) = 4");
	trace_want(0, ".*", "umask\\(002\\) = .*");
	trace_want(0, ".*", "umask\\(005\\) = .*");
	trace_want(0, ".*", "umask\\(007\\) = .*");
}

TC(groups, "A negative pid is a process group.")
{
	struct lwp *a = begin(), *b;

	T_OK(rump_sys_setpgid(0, 0));
	b = newproc(RUMP_RFCFDG);
	T_OK(rump_sys_ktrace("/trace", RUMP_KTROP_SET, ALL, -2));
	T_OK(rump_sys_umask(03));
	rump_pub_lwproc_switch(a);
	T_OK(rump_sys_umask(02));
	T_OK(rump_sys_ktrace(NULL, RUMP_KTROP_CLEAR, ALL, -2));
	T_OK(rump_sys_umask(0));
	(void)b;
	trace_read_kernel("/trace");
	trace_want(1, "3.1", "umask\\(003\\) = .*");
	trace_want(1, "2.1", "umask\\(002\\) = .*");
	trace_want(0, "2.1", "umask\\(000\\) = .*");
	T_ERR(ESRCH, rump_sys_ktrace("/trace", RUMP_KTROP_SET, ALL, -77));
}

static void
nothing(int sig)
{
	(void)sig;
}

TC(signals_and_users, "Handlers that are called, and utrace.")
{
	struct sigaction sa = {0};
	char label[30];

	begin();
	sa.sa_handler = nothing;
	T_OK(rump_sys_sigaction(SIGUSR2, &sa, NULL));
	T_OK(rump_sys_utrace("not", "traced", 6));
	T_OK(rump_sys_ktrace(
	    "/trace", RUMP_KTROP_SET, RUMP_KTRFAC_PSIG | RUMP_KTRFAC_USER, 2));
	T_OK(rump_sys_kill(2, SIGUSR2));
	T_OK(rump_sys_utrace("label", "data\1", 5));
	T_OK(rump_sys_utrace("none", NULL, 0));
	memset(label, 'x', sizeof(label));
	label[20] = '\0';
	T_OK(rump_sys_utrace(label, NULL, 0));
	label[20] = 'x';
	label[21] = '\0';
	T_ERR(ENAMETOOLONG, rump_sys_utrace(label, NULL, 0));
	T_ERR(EINVAL, rump_sys_utrace("x", label, 2049));
	T_ERR(EFAULT, rump_sys_utrace("x", NULL, 1));
	T_ERR(EFAULT, rump_sys_utrace(NULL, NULL, 0));
	trace_read_kernel("/trace");
	trace_want(1, "2.1", "--- SIGUSR2 \\{.*\\} ---");
	trace_want(1, "2.1", "--- utrace \"label\" \"data\\\\1\" ---");
	trace_want(1, "2.1", "--- utrace \"none\" \"\" ---");
	trace_want(1, "2.1", "--- utrace \"x{20}\" \"\" ---");
	T_EQ(4, trace_count(".+"));
}

TC(errors, "Of the arguments and the file.")
{
	begin();
	T_ERR(EINVAL, rump_sys_ktrace("/trace", 3, ALL, 2));
	T_ERR(EINVAL, rump_sys_ktrace("/trace", 16, ALL, 2));
	T_ERR(EINVAL, rump_sys_ktrace("/trace", RUMP_KTROP_SET, 0, 2));
	T_ERR(EINVAL,
	    rump_sys_ktrace("/trace", RUMP_KTROP_SET, RUMP_KTRFAC_INHERIT, 2));
	T_ERR(ENOENT, rump_sys_ktrace("/none", RUMP_KTROP_SET, ALL, 2));
	T_ERR(EFAULT, rump_sys_ktrace(NULL, RUMP_KTROP_SET, ALL, 2));
	T_ERR(EISDIR, rump_sys_ktrace("/", RUMP_KTROP_SET, ALL, 2));
	T_ERR(EACCES, rump_sys_ktrace("/dev/null", RUMP_KTROP_SET, ALL, 2));
	T_ERR(ESRCH, rump_sys_ktrace("/trace", RUMP_KTROP_SET, ALL, 99));
	T_ERR(EINVAL, rump_sys_ktrace("/trace", RUMP_KTROP_SET, ALL,
			  (pid_t)(-0x7fffffff - 1)));
}

TC(permission, "Root, or the same ids.")
{
	struct lwp *root = begin(), *user;

	T_OK(rump_sys_chmod("/trace", 0666));
	user = newproc(RUMP_RFCFDG);
	T_OK(rump_sys_setresuid(5, 5, 5));
	T_ERR(EPERM, rump_sys_ktrace("/trace", RUMP_KTROP_SET, ALL, 2));
	T_ERR(EPERM, rump_sys_ktrace(NULL, RUMP_KTROP_CLEAR, ALL, 2));
	T_OK(rump_sys_ktrace("/trace", RUMP_KTROP_SET, ALL, 3));
	T_OK(rump_sys_umask(3));
	rump_pub_lwproc_switch(root);
	T_OK(rump_sys_ktrace(NULL, RUMP_KTROP_CLEAR, ALL, 3));
	T_OK(rump_sys_chmod("/trace", 0600));
	rump_pub_lwproc_switch(user);
	T_OK(rump_sys_umask(3));
	T_ERR(EACCES, rump_sys_ktrace("/trace", RUMP_KTROP_SET, ALL, 3));
	rump_pub_lwproc_switch(root);
	trace_read_kernel("/trace");
	trace_want(1, "3.1", "umask\\(003\\) = .*");
}

TC(file_goes_with_the_trace, "Nothing is left open, nor mounted.")
{
	begin();
	for (int i = 0; i < 3; i++) {
		T_OK(rump_sys_mkdir("/m", 0777));
		T_OK(rump_sys_mount("tmpfs", "/m", 0, NULL, 0));
		T_OK(rump_sys_close((int)T_OK(
		    rump_sys_open("/m/t", O_WRONLY | O_CREAT, 0600))));
		T_OK(rump_sys_ktrace("/m/t", RUMP_KTROP_SET, ALL, 2));
		T_ERR(EBUSY, rump_sys_unmount("/m", 0));
		if (i == 0)
			T_OK(rump_sys_ktrace(NULL, RUMP_KTROP_CLEAR, ALL, 2));
		else if (i == 1)
			T_OK(rump_sys_ktrace(
			    "/m/t", RUMP_KTROP_CLEARFILE, 0, 0));
		else
			rump_pub_lwproc_releaselwp();
		T_OK(rump_sys_unmount("/m", 0));
		T_OK(rump_sys_rmdir("/m"));
	}
}

/* A small file system. */
static void
file_is_full(void *arg)
{
	struct stat sb;

	(void)arg;
	begin();
	T_OK(rump_sys_mkdir("/m", 0777));
	T_OK(rump_sys_mount("tmpfs", "/m", 0, "size=8k", 7));
	T_OK(rump_sys_close(
	    (int)T_OK(rump_sys_open("/m/t", O_WRONLY | O_CREAT, 0600))));
	T_OK(rump_sys_ktrace("/m/t", RUMP_KTROP_SET, ALL, 2));
	for (int i = 0; i < 1000; i++)
		T_EQ(2, rump_sys_getpid());
	T_OK(rump_sys_stat("/m/t", &sb));
	T_ASSERT(sb.st_size <= 8192 && sb.st_size > 4096);
}

TC(full, "One message, and no call fails.")
{
	struct child c;

	child_run_fds(&c, file_is_full, NULL, true);
	T_EQ(0, c.status);
	T_ASSERT(child_matches(
	    c.out, "^trace: No space left on device: no more is written\n$"));
}

TC(limits_of_the_traced, "Do not count for the trace.")
{
	struct rlimit rl = {10, 10};

	begin();
	T_OK(rump_sys_setrlimit(RLIMIT_FSIZE, &rl));
	T_OK(rump_sys_ktrace("/trace", RUMP_KTROP_SET, ALL, 2));
	T_OK(rump_sys_umask(2));
	T_OK(rump_sys_setresuid(5, 5, 5));
	T_OK(rump_sys_umask(3));
	rump_pub_lwproc_releaselwp();
	trace_read_kernel("/trace");
	trace_want(1, "2.1", "umask\\(002\\) = .*");
	trace_want(1, "2.1", "umask\\(003\\) = 2");
	trace_want(1, "2.0", "\\+\\+\\+ exited with 0 \\+\\+\\+");
}

TC(perfetto, "By flag.")
{
	const unsigned char *p = (const unsigned char *)trace_text;
	struct field f;
	int n = 0;

	begin();
	T_OK(rump_sys_ktrace(
	    "/trace", RUMP_KTROP_SET, ALL | RUMP_KTRFAC_PERFETTO, 2));
	T_OK(rump_sys_umask(2));
	T_OK(rump_sys_ktrace(NULL, RUMP_KTROP_CLEAR, ALL, 2));
	trace_read_kernel("/trace");
	while (field_next(&p, (unsigned char *)trace_text + trace_len, &f)) {
		T_EQ(1, f.number);
		n++;
	}
	/* umask and ktrace: two tracks, begin and end each. */
	T_EQ(8, n);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, own_process);
	ATF_TP_ADD_TC(tp, switches_to);
	ATF_TP_ADD_TC(tp, what_is_traced);
	ATF_TP_ADD_TC(tp, others);
	ATF_TP_ADD_TC(tp, children);
	ATF_TP_ADD_TC(tp, groups);
	ATF_TP_ADD_TC(tp, signals_and_users);
	ATF_TP_ADD_TC(tp, errors);
	ATF_TP_ADD_TC(tp, permission);
	ATF_TP_ADD_TC(tp, file_goes_with_the_trace);
	ATF_TP_ADD_TC(tp, full);
	ATF_TP_ADD_TC(tp, limits_of_the_traced);
	ATF_TP_ADD_TC(tp, perfetto);
	return atf_no_error();
}
