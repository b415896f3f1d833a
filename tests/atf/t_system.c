/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel is as a whole, its names, random bytes, and its end.
 */
#include <sys/random.h>
#include <sys/reboot.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include "child.h"

TC(uname, "what the kernel is; the machine is the host's")
{
	struct utsname un, host;
	char version[32];
	int v;

	boot();
	T_OK(rump_sys_uname(&un));
	T_EQ(0, uname(&host));
	ATF_CHECK_STREQ("rump", un.sysname);
	ATF_CHECK_STREQ(host.machine, un.machine);
	v = rump_getversion();
	(void)snprintf(version, sizeof(version), "%d.%d.%d", v / 100000000,
	    v / 1000000 % 100, v / 100 % 10000);
	ATF_CHECK_STREQ(version, un.release);
	T_ASSERT(strstr(un.version, version) != NULL);
	ATF_CHECK_STREQ("(none)", un.domainname);
	T_ERR(EFAULT, rump_sys_uname((void *)1));
}

TC(hostname, "the host's name: what is set is got, and the host's stays")
{
	char buf[100], before[100], longest[66];

	boot();
	newproc(RUMP_RFCFDG);
	T_EQ(0, gethostname(before, sizeof(before)));
	T_OK(rump_sys_sethostname("abc", 3));
	T_OK(rump_sys_gethostname(buf, sizeof(buf)));
	ATF_CHECK_STREQ("abc", buf);
	T_OK(rump_sys_gethostname(buf, 4));
	memset(buf, 'x', 4);
	T_ERR(ENAMETOOLONG, rump_sys_gethostname(buf, 3));
	T_EQ(0, memcmp(buf, "abcx", 4));
	T_ERR(ENAMETOOLONG, rump_sys_gethostname(buf, 0));
	T_ERR(EFAULT, rump_sys_gethostname((void *)1, 10));
	memset(longest, 'l', sizeof(longest));
	T_OK(rump_sys_sethostname(longest, 64));
	T_ERR(EINVAL, rump_sys_sethostname(longest, 65));
	T_ERR(EINVAL, rump_sys_sethostname(longest, (size_t)-1));
	T_ERR(EFAULT, rump_sys_sethostname((void *)1, 3));
	T_OK(rump_sys_gethostname(buf, sizeof(buf)));
	T_EQ(64, strlen(buf));

	T_OK(rump_sys_setdomainname("dom", 3));
	memset(buf, 'x', 4);
	T_OK(rump_sys_getdomainname(buf, 2));
	T_EQ(0, memcmp(buf, "dox", 3));
	T_OK(rump_sys_getdomainname(buf, 10));
	ATF_CHECK_STREQ("dom", buf);

	T_OK(rump_sys_setuid(5));
	T_ERR(EPERM, rump_sys_sethostname("a", 1));
	T_ERR(EPERM, rump_sys_setdomainname("a", 1));
	T_EQ(0, gethostname(buf, sizeof(buf)));
	ATF_CHECK_STREQ(before, buf);
}

TC(getrandom, "random bytes; errors are the host's")
{
	char a[1000] = {0}, b[1000] = {0};

	boot();
	T_EQ(1000, rump_sys_getrandom(a, sizeof(a), 0));
	T_EQ(1000,
	    rump_sys_getrandom(b, sizeof(b), GRND_NONBLOCK | GRND_RANDOM));
	T_ASSERT(memcmp(a, b, sizeof(a)) != 0);
	T_ASSERT(memchr(a + 990, 0, 10) == NULL || a[999] != a[998] ||
		 a[997] != a[996]);
	T_EQ(0, rump_sys_getrandom((void *)1, 0, 0));
	T_ERR(EFAULT, rump_sys_getrandom((void *)1, 1, 0));
	T_ERR(EFAULT, rump_sys_getrandom((void *)-1L, 1, 0));
	T_ERR(EINVAL, rump_sys_getrandom(a, 1, 8));
	T_ERR(EINVAL, rump_sys_getrandom(a, 1, GRND_RANDOM | GRND_INSECURE));
}

TC(sysinfo, "memory and lwps")
{
	struct sysinfo si;
	unsigned procs;

	boot();
	T_OK(rump_sys_sysinfo(&si));
	T_ASSERT(si.totalram > 0 && si.freeram <= si.totalram);
	T_EQ(1, si.mem_unit);
	T_ASSERT(si.uptime < 60);
	procs = si.procs;
	newproc(RUMP_RFCFDG);
	T_OK(rump_sys_sysinfo(&si));
	T_EQ(procs + 1, si.procs);
	T_ERR(EFAULT, rump_sys_sysinfo((void *)1));
}

static void
at_end(void)
{
	/* The kernel is there to the end. */
	dprintf(STDERR_FILENO, "end %d\n", rump_sys_getpid());
}

static void
do_reboot(void *arg)
{
	boot();
	(void)atexit(at_end);
	(void)rump_sys_reboot(*(int *)arg, NULL);
	dprintf(STDERR_FILENO, "still here\n");
}

TC(reboot, "the host process ends, after its exit handlers")
{
	static const int howto[] = {RUMP_RB_HALT, RUMP_RB_AUTOBOOT,
	    RUMP_RB_POWERDOWN, RUMP_RB_HALT | RUMP_RB_NOSYNC,
	    (int)RB_HALT_SYSTEM, (int)RB_POWER_OFF, (int)RB_AUTOBOOT};
	struct child c;
	int dump = RUMP_RB_DUMP;

	for (size_t i = 0; i < sizeof(howto) / sizeof(howto[0]); i++) {
		child_run(&c, do_reboot, (void *)(uintptr_t)&howto[i]);
		T_ASSERT(WIFEXITED(c.status) && WEXITSTATUS(c.status) == 0);
		ATF_CHECK_STREQ("end 1\n", c.out);
	}
	child_run(&c, do_reboot, &dump);
	T_ASSERT(WIFSIGNALED(c.status) && WTERMSIG(c.status) == SIGABRT);
}

TC(reboot_errors, "not for everybody, and not anyhow")
{
	boot();
	T_ERR(EINVAL, rump_sys_reboot(0x10000, NULL));
	T_ERR(EINVAL, rump_sys_reboot((int)RB_ENABLE_CAD, NULL));
	newproc(RUMP_RFCFDG);
	T_OK(rump_sys_setuid(5));
	T_ERR(EPERM, rump_sys_reboot(RUMP_RB_HALT, NULL));
	T_ERR(EPERM, rump_sys_reboot(0x10000, NULL));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, uname);
	ATF_TP_ADD_TC(tp, hostname);
	ATF_TP_ADD_TC(tp, getrandom);
	ATF_TP_ADD_TC(tp, sysinfo);
	ATF_TP_ADD_TC(tp, reboot);
	ATF_TP_ADD_TC(tp, reboot_errors);
	return atf_no_error();
}
