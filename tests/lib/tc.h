/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the ATF programs share: short test cases and assertions that print
 * the values, and that also work in a forked child and in a host thread.
 */
#ifndef TESTS_LIB_TC_H
#define TESTS_LIB_TC_H

#include <sys/types.h>

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <atf-c.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#if defined(__SANITIZE_THREAD__)
#define TC_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TC_TSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define TC_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TC_ASAN 1
#endif
#endif
#ifndef TC_TSAN
#define TC_TSAN 0
#endif
#ifndef TC_ASAN
#define TC_ASAN 0
#endif
#if TC_ASAN
#include <dirent.h>
#include <pthread.h>

#include <sanitizer/lsan_interface.h>

/*
 * Is nothing looked for that was not freed?  libatf does not free what it has
 * listed, with -l, and to find out whose that is takes a program longer than
 * its cases.
 */
__attribute__((weak, visibility("default"))) int
__lsan_is_turned_off(void)
{
	char line[8192] = "";
	FILE *f = fopen("/proc/self/cmdline", "r");
	size_t n;

	if (f == NULL)
		return 0;
	n = fread(line, 1, sizeof(line) - 1, f);
	fclose(f);
	return n >= 4 && memcmp(line + n - 4, "\0-l", 4) == 0;
}

/* How many threads of this process do not sleep. */
static inline int
tc_awake(void)
{
	char path[300], line[256];
	const struct dirent *d;
	DIR *dir = opendir("/proc/self/task");
	int n = 0;

	if (dir == NULL)
		return 1;
	while ((d = readdir(dir)) != NULL) {
		FILE *f;

		snprintf(
		    path, sizeof(path), "/proc/self/task/%s/stat", d->d_name);
		if (d->d_name[0] == '.' || (f = fopen(path, "r")) == NULL)
			continue;
		if (fgets(line, sizeof(line), f) != NULL)
			n += strstr(line, ") S ") == NULL;
		fclose(f);
	}
	closedir(dir);
	return n;
}

/*
 * AddressSanitizer's malloc is not made for forks (gcc 12, clang 14): if a
 * thread is in it, for one when it starts, the child waits for it for ever.
 * So who forks lets the others come to rest, if they do so soon.
 */
static void
tc_asan_fork(void)
{
	int tries = 0;

	while (tc_awake() > 1 && tries++ < 100)
		(void)usleep(1000);
}

__attribute__((constructor)) static void
tc_asan_ready(void)
{
	(void)pthread_atfork(tc_asan_fork, NULL, NULL);
}
#endif

#if TC_TSAN
/*
 * ThreadSanitizer keeps a signal for later in memory that a thread is given by
 * its first call that may sleep.  One that comes in the middle of this call is
 * lost (clang 14), so it is made before there are signals.
 */
__attribute__((constructor)) static void
tc_tsan_ready(void)
{
	(void)usleep(0);
}
#endif

/* Divides the counts of loops where the sanitizers make them slow. */
#define TC_SLOW (TC_TSAN ? 20 : TC_ASAN ? 5 : 1)

/* A test case with its description; the body follows. */
#define TC(name, descr)                                      \
	ATF_TC(name);                                        \
	ATF_TC_HEAD(name, tc)                                \
	{                                                    \
		atf_tc_set_md_var(tc, "descr", "%s", descr); \
		atf_tc_set_md_var(tc, "timeout", "120");     \
	}                                                    \
	ATF_TC_BODY(name, tc)

/*
 * Why a case is not for a kernel of fibers, and how a child of child.h says so.
 * scripts/check knows the words.
 */
#define TC_NEEDS_THREADS "needs host threads"
#define TC_CHILD_SKIPS	 98

/* The same of a remote client. */
#define TC_NEEDS_KERNEL "needs a kernel of its own"
#define TC_CHILD_REMOTE 97

/* Set in a child of child.h, where libatf must not report. */
static bool tc_in_child;

/*
 * This case is not for a remote client: it is about process 1, about signals
 * that are recorded, forks of the host process, or the memory of the kernel.
 * tc_local: skip it if this is one.
 */
static inline void tc_needs_kernel(void) __attribute__((noreturn));

static inline void
tc_needs_kernel(void)
{
	if (tc_in_child)
		_exit(TC_CHILD_REMOTE);
	atf_tc_skip("%s", TC_NEEDS_KERNEL);
	abort();
}

#ifdef TC_REMOTE
#define TC_IS_REMOTE 1
#else
#define TC_IS_REMOTE 0
#endif

static inline void
tc_local(void)
{
	if (TC_IS_REMOTE)
		tc_needs_kernel();
}

static inline void tc_fail(const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4), noreturn));

static inline void
tc_fail(const char *file, int line, const char *fmt, ...)
{
	char msg[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	if (tc_in_child) {
		dprintf(STDERR_FILENO, "%s:%d: %s\n", file, line, msg);
		_exit(99);
	}
	atf_tc_fail_requirement(file, line, "%s", msg);
	abort();
}

/* The expression is true. */
#define T_ASSERT(expr)                                                    \
	do {                                                              \
		if (!(expr))                                              \
			tc_fail(__FILE__, __LINE__, "not so: %s", #expr); \
	} while (0)

/* The integer expression has the wanted value. */
#define T_EQ(want, expr)                                                 \
	do {                                                             \
		long long tc_want = (long long)(want);                   \
		long long tc_got = (long long)(expr);                    \
		int tc_errno = errno;                                    \
		if (tc_want != tc_got)                                   \
			tc_fail(__FILE__, __LINE__,                      \
			    "%s: want %lld, got %lld (errno %d)", #expr, \
			    tc_want, tc_got, tc_errno);                  \
	} while (0)

/* The pointer expression has the wanted value. */
#define T_PTR(want, expr)                                                  \
	do {                                                               \
		const void *tc_want = (want);                              \
		const void *tc_got = (expr);                               \
		if (tc_want != tc_got)                                     \
			tc_fail(__FILE__, __LINE__, "%s: want %p, got %p", \
			    #expr, tc_want, tc_got);                       \
	} while (0)

/* The call does not return -1; the value is the call's. */
#define T_OK(expr)                                                   \
	__extension__({                                              \
		long long tc_got = (long long)(expr);                \
		if (tc_got == -1)                                    \
			tc_fail(__FILE__, __LINE__, "%s: %s", #expr, \
			    strerror(errno));                        \
		tc_got;                                              \
	})

/* The call returns -1 with this errno. */
#define T_ERR(want, expr)                                                    \
	do {                                                                 \
		errno = 0;                                                   \
		long long tc_got = (long long)(expr);                        \
		int tc_errno = errno;                                        \
		if (tc_got != -1 || tc_errno != (want))                      \
			tc_fail(__FILE__, __LINE__,                          \
			    "%s: want -1 with errno %d (%s), got %lld with " \
			    "errno %d",                                      \
			    #expr, (want), #want, tc_got, tc_errno);         \
	} while (0)

static inline void
boot(void)
{
	T_EQ(0, rump_init());
}

/* Make a process and be its first lwp. */
static inline struct lwp *
newproc(int flags)
{
	struct lwp *l;

	T_EQ(0, rump_pub_lwproc_rfork(flags));
	l = rump_pub_lwproc_curlwp();
	T_ASSERT(l != NULL);
	return l;
}

/* Make an lwp in a process and be it. */
static inline struct lwp *
newlwp(pid_t pid)
{
	struct lwp *l;

	T_EQ(0, rump_pub_lwproc_newlwp(pid));
	l = rump_pub_lwproc_curlwp();
	T_ASSERT(l != NULL);
	return l;
}

/* Release an lwp that is not running; back in the context of the call. */
static inline void
release(struct lwp *l)
{
	struct lwp *back = rump_pub_lwproc_curlwp();

	if (back != l)
		rump_pub_lwproc_switch(l);
	rump_pub_lwproc_releaselwp();
	if (back != NULL && back != l)
		rump_pub_lwproc_switch(back);
}

static inline bool
proc_exists(pid_t pid)
{
	return rump_sys_getpgid(pid) != -1;
}

#endif /* TESTS_LIB_TC_H */
