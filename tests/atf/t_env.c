/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The environment variables, and what happens when memory is out.
 */
#include <fcntl.h>

#include <rump/rumpuser.h>

#include "../lib/child.h"
#include "../lib/threads.h"

struct var {
	const char *name, *value;
};

static void
boot_fails(void *arg)
{
	const struct var *v = arg;

	T_EQ(0, setenv(v->name, v->value, 1));
	T_EQ(EINVAL, rump_init());
	T_ERR(ENXIO, rump_sys_getpid());
	/* Put right, it boots. */
	T_EQ(0, unsetenv(v->name));
	T_EQ(0, rump_init());
	T_EQ(1, rump_sys_getpid());
}

static void
boot_passes(void *arg)
{
	const struct var *v = arg;

	T_EQ(0, setenv(v->name, v->value, 1));
	T_EQ(0, rump_init());
	T_EQ(1, rump_sys_getpid());
	(void)newproc(0);
}

TC(bad_values_are_refused,
    "rump_init gives EINVAL and a line on standard error names the variable; "
    "after that it can be tried again.")
{
	static const struct var bad[] = {{"RUMP_MEMLIMIT", "much"},
	    {"RUMP_MEMLIMIT", ""}, {"RUMP_MEMLIMIT", "-1"},
	    {"RUMP_MEMLIMIT", "0"}, {"RUMP_MEMLIMIT", "12q"},
	    {"RUMP_MEMLIMIT", "16mm"}, {"RUMP_MEMLIMIT", " 16m"},
	    {"RUMP_MEMLIMIT", "16m "}, {"RUMP_MEMLIMIT", "m"},
	    {"RUMP_MEMLIMIT", "1"}, {"RUMP_MEMLIMIT", "1023k"},
	    {"RUMP_MEMLIMIT", "18446744073709551616"},
	    {"RUMP_MEMLIMIT", "99999999999999g"}, {"RUMP_NCPU", "0"},
	    {"RUMP_NCPU", "-2"}, {"RUMP_NCPU", "two"}, {"RUMP_NCPU", ""},
	    {"RUMP_NCPU", "2x"}, {"RUMP_NVNODES", "none"},
	    {"RUMP_NVNODES", "0"}, {"RUMP_NVNODES", "-7"},
	    {"RUMP_THREADS", "many"}, {"RUMP_HOSTNAME", ""}};
	struct child c;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct var v = bad[i];

		child_run(&c, boot_fails, &v);
		if (c.status != 0)
			tc_fail(__FILE__, __LINE__, "%s='%s': status %#x: %s",
			    v.name, v.value, c.status, c.out);
		if (strstr(c.out, v.name) == NULL)
			tc_fail(__FILE__, __LINE__, "%s='%s': not named: %s",
			    v.name, v.value, c.out);
	}
}

TC(good_values_boot, "What the manual page allows.")
{
	static const struct var good[] = {{"RUMP_MEMLIMIT", "64m"},
	    {"RUMP_MEMLIMIT", "65536k"}, {"RUMP_MEMLIMIT", "1g"},
	    {"RUMP_MEMLIMIT", "67108864"}, {"RUMP_MEMLIMIT", "64M"},
	    {"RUMP_MEMLIMIT", "1000000g"}, {"RUMP_NCPU", "host"},
	    {"RUMP_NCPU", "1"}, {"RUMP_NCPU", "64"}, {"RUMP_NVNODES", "1000"},
	    {"RUMP_HOSTNAME", "tester"}, {"RUMP_VERBOSE", "0"},
	    {"RUMP_CPUTIME", "1"}};
	struct child c;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct var v = good[i];

		child_run_fds(&c, boot_passes, &v, true);
		if (c.status != 0 || c.outlen != 0)
			tc_fail(__FILE__, __LINE__, "%s='%s': status %#x: %s",
			    v.name, v.value, c.status, c.out);
	}
}

TC(verbose_prints, "RUMP_VERBOSE=1 says what boot does.")
{
	struct var v = {"RUMP_VERBOSE", "1"};
	struct child c;

	child_run_fds(&c, boot_passes, &v, true);
	T_EQ(0, c.status);
	T_ASSERT(c.outlen > 0);
}

/*
 * Running out of memory.
 */
static void
limit_memory(const char *limit)
{
	T_EQ(0, setenv("RUMP_MEMLIMIT", limit, 1));
	boot();
}

static void
memstat_keeps_limit(void *arg)
{
	struct rump_memstat st;

	(void)arg;
	limit_memory("16m");
	T_EQ(0, rump_pub_memstat(&st));
	T_EQ(16 << 20, st.limit);
	T_ASSERT(st.committed <= st.limit);
	T_ASSERT(st.used <= st.committed);
}

TC(memlimit_is_reported, "rump_pub_memstat gives the limit.")
{
	child_passes(memstat_keeps_limit, NULL);
}

static void
tiny(void *arg)
{
	int error;

	T_EQ(0, setenv("RUMP_MEMLIMIT", arg, 1));
	error = rump_init();
	if (error == 0) {
		T_EQ(1, rump_sys_getpid());
		return;
	}
	T_ASSERT(error == ENOMEM || error == EINVAL);
	T_ERR(ENXIO, rump_sys_getpid());
	T_EQ(0, setenv("RUMP_MEMLIMIT", "64m", 1));
	T_EQ(0, rump_init());
	T_EQ(1, rump_sys_getpid());
}

TC(memlimit_too_small_to_boot,
    "ENOMEM from rump_init, never an abort; with more it boots.")
{
	static const char *const limits[] = {"1", "1k", "4k", "8k", "16k",
	    "32k", "48k", "64k", "96k", "128k", "192k", "256k", "512k", "1m"};
	struct child c;

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		char limit[16];

		(void)snprintf(limit, sizeof(limit), "%s", limits[i]);
		child_run(&c, tiny, limit);
		if (c.status != 0 || c.late)
			tc_fail(__FILE__, __LINE__,
			    "%s: status %#x late %d: "
			    "%s",
			    limit, c.status, c.late, c.out);
	}
}

#define MANY 200000

static struct lwp *many[MANY];

/* Make processes or lwps until memory is out; the number made. */
static int
exhaust(bool procs, const char *what)
{
	int n, error = 0;

	for (n = 0; n < MANY; n++) {
		rump_pub_lwproc_switch(NULL);
		error = procs ? rump_pub_lwproc_rfork(RUMP_RFCFDG)
			      : rump_pub_lwproc_newlwp(1);
		if (error != 0)
			break;
		many[n] = rump_pub_lwproc_curlwp();
	}
	if (n == MANY)
		tc_fail(__FILE__, __LINE__, "%s: no end", what);
	T_EQ(ENOMEM, error);
	T_PTR(NULL, rump_pub_lwproc_curlwp());
	return n;
}

static void
exhaust_lwps(void *arg)
{
	bool procs = *(bool *)arg;
	struct rump_memstat before, after;
	int n, again;

	limit_memory("8m");
	T_EQ(0, rump_pub_memstat(&before));
	n = exhaust(procs, "first");
	T_ASSERT(n > 1000);
	T_EQ(1, rump_sys_getpid());
	for (int i = 0; i < n; i++)
		release(many[i]);
	T_EQ(0, rump_pub_memstat(&after));
	T_EQ(before.used, after.used);
	T_EQ(before.procs, after.procs);
	T_EQ(before.lwps, after.lwps);
	/* All of it can be had again. */
	again = exhaust(procs, "again");
	T_ASSERT(again >= n - n / 20);
	for (int i = 0; i < again; i++)
		release(many[i]);
}

TC(memory_out_of_processes,
    "rfork gives ENOMEM at the limit; what is released can be had again.")
{
	bool procs = true;

	child_passes(exhaust_lwps, &procs);
}

TC(memory_out_of_lwps,
    "newlwp gives ENOMEM at the limit; what is released can be had again.")
{
	bool procs = false;

	child_passes(exhaust_lwps, &procs);
}

static void
exhaust_file(void *arg)
{
	static char buf[65536];
	long long total = 0;
	ssize_t n;
	int fd;

	(void)arg;
	limit_memory("8m");
	(void)newproc(RUMP_RFCFDG);
	for (int round = 0; round < 3; round++) {
		long long was = total;

		total = 0;
		fd = (int)T_OK(rump_sys_open("/big", O_RDWR | O_CREAT, 0600));
		while ((n = rump_sys_write(fd, buf, sizeof(buf))) > 0) {
			total += n;
			T_ASSERT(total < 9 << 20);
		}
		T_EQ(-1, n);
		T_ASSERT(errno == ENOSPC || errno == ENOMEM);
		T_ASSERT(total > 1 << 20);
		T_ASSERT(round == 0 || total >= was - was / 10);
		/* Nothing else is broken by it. */
		T_EQ(total, rump_sys_lseek(fd, 0, SEEK_END));
		T_EQ(sizeof(buf), rump_sys_pread(fd, buf, sizeof(buf), 0));
		T_OK(rump_sys_close(fd));
		T_OK(rump_sys_unlink("/big"));
	}
}

TC(memory_out_of_file_data, "A file that fills memory: ENOSPC or ENOMEM.")
{
	child_passes(exhaust_file, NULL);
}

static void
exhaust_files(void *arg)
{
	char name[32];
	int n, fd, first = 0;

	(void)arg;
	limit_memory("8m");
	(void)newproc(RUMP_RFCFDG);
	for (int round = 0; round < 2; round++) {
		for (n = 0;; n++) {
			(void)snprintf(name, sizeof(name), "/file%d", n);
			fd = rump_sys_open(name, O_RDWR | O_CREAT, 0600);
			if (fd == -1)
				break;
			T_OK(rump_sys_close(fd));
			T_ASSERT(n < 200000);
		}
		T_ASSERT(errno == ENOSPC || errno == ENOMEM);
		T_ASSERT(n > 1000);
		T_ASSERT(round == 0 || n >= first - first / 10);
		first = n;
		for (int i = 0; i < n; i++) {
			(void)snprintf(name, sizeof(name), "/file%d", i);
			T_OK(rump_sys_unlink(name));
		}
	}
}

TC(memory_out_of_files, "Empty files up to the limit, twice.")
{
	child_passes(exhaust_files, NULL);
}

static void
exhaust_pipes(void *arg)
{
	static char buf[65536];
	int fd[2], n = 0;

	(void)arg;
	limit_memory("8m");
	(void)newproc(RUMP_RFCFDG);
	for (;;) {
		struct rlimit rl = {100000, 100000};

		if (n == 0)
			T_OK(rump_sys_setrlimit(RLIMIT_NOFILE, &rl));
		if (rump_sys_pipe2(fd, O_NONBLOCK) == -1)
			break;
		if (rump_sys_write(fd[1], buf, sizeof(buf)) == -1)
			break;
		n++;
		T_ASSERT(n < 50000);
	}
	T_ASSERT(errno == ENOMEM || errno == ENFILE || errno == EAGAIN);
	T_ASSERT(n > 10);
	T_OK(rump_sys_close_range(0, 99999, 0));
	T_OK(rump_sys_pipe(fd));
	T_EQ(10, rump_sys_write(fd[1], buf, 10));
	T_EQ(10, rump_sys_read(fd[0], buf, 10));
}

TC(memory_out_of_pipes, "Pipes filled up to the limit.")
{
	child_passes(exhaust_pipes, NULL);
}

static void
threads_at_the_limit(struct thread *t)
{
	struct lwp *l[64];
	int n, error = 0;

	(void)t;
	for (int round = 0; round < 30 / TC_SLOW + 1; round++) {
		for (n = 0; n < 64; n++) {
			rump_pub_lwproc_switch(NULL);
			if ((error = rump_pub_lwproc_rfork(n % 3)) != 0)
				break;
			l[n] = rump_pub_lwproc_curlwp();
		}
		T_ASSERT(n == 64 || error == ENOMEM);
		rump_pub_lwproc_switch(NULL);
		while (n > 0)
			release(l[--n]);
	}
}

static void
exhaust_threads(void *arg)
{
	int n;

	(void)arg;
	limit_memory("8m");
	n = exhaust(true, "threads");
	/* Leave a little, for which eight host threads then quarrel. */
	for (int i = 0; i < 200; i++)
		release(many[--n]);
	team_run(8, threads_at_the_limit, NULL);
	while (n > 0)
		release(many[--n]);
}

TC(memory_out_with_threads, "Eight host threads at the limit at once.")
{
	child_passes(exhaust_threads, NULL);
}

TC(getparam, "rumpuser_getparam knows processors, host name, environment.")
{
	char buf[256];

	T_EQ(0, rumpuser_getparam(RUMPUSER_PARAM_NCPU, buf, sizeof(buf)));
	T_ASSERT(atoi(buf) >= 1);
	T_EQ(0, rumpuser_getparam(RUMPUSER_PARAM_HOSTNAME, buf, sizeof(buf)));
	T_ASSERT(buf[0] != '\0');
	T_EQ(0, setenv("T_ENV_PARAM", "value", 1));
	T_EQ(0, rumpuser_getparam("T_ENV_PARAM", buf, sizeof(buf)));
	T_ASSERT(strcmp(buf, "value") == 0);
	T_EQ(0, rumpuser_getparam("T_ENV_PARAM", buf, 6));
	T_EQ(E2BIG, rumpuser_getparam("T_ENV_PARAM", buf, 5));
	T_EQ(ENOENT, rumpuser_getparam("T_ENV_NONE", buf, sizeof(buf)));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, bad_values_are_refused);
	ATF_TP_ADD_TC(tp, good_values_boot);
	ATF_TP_ADD_TC(tp, verbose_prints);
	ATF_TP_ADD_TC(tp, memlimit_is_reported);
	ATF_TP_ADD_TC(tp, memlimit_too_small_to_boot);
	ATF_TP_ADD_TC(tp, memory_out_of_processes);
	ATF_TP_ADD_TC(tp, memory_out_of_lwps);
	ATF_TP_ADD_TC(tp, memory_out_of_file_data);
	ATF_TP_ADD_TC(tp, memory_out_of_files);
	ATF_TP_ADD_TC(tp, memory_out_of_pipes);
	ATF_TP_ADD_TC(tp, memory_out_with_threads);
	ATF_TP_ADD_TC(tp, getparam);
	return atf_no_error();
}
