/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls by number: rump_syscall.
 */
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "../lib/threads.h"

#define CALL(num, retval, ...)                       \
	rump_syscall(num, (uint64_t[]){__VA_ARGS__}, \
	    sizeof((uint64_t[]){__VA_ARGS__}), retval)
#define P(p) (uint64_t)(uintptr_t)(p)

TC(same_as_by_name, "The value and effect of the call of that name.")
{
	register_t r = 99;
	char buf[8] = "";
	int fds[2];

	boot();
	newproc(RUMP_RFCFDG);
	T_EQ(0, rump_syscall(RUMP_SYS_getpid, NULL, 0, &r));
	T_EQ(rump_sys_getpid(), r);
	T_EQ(0, CALL(RUMP_SYS_pipe2, &r, P(fds), O_CLOEXEC));
	T_EQ(0, r);
	T_EQ(FD_CLOEXEC, rump_sys_fcntl(fds[1], F_GETFD));
	T_EQ(0, CALL(RUMP_SYS_write, &r, (uint64_t)fds[1], P("hello"), 5));
	T_EQ(5, r);
	T_EQ(0, CALL(RUMP_SYS_read, &r, (uint64_t)fds[0], P(buf), 8));
	T_EQ(5, r);
	T_ASSERT(strcmp(buf, "hello") == 0);
}

TC(narrow_and_optional, "Arguments are cut to their types; some may lack.")
{
	uint64_t high = UINT64_C(0xabcd) << 32;
	register_t r;

	boot();
	newproc(RUMP_RFCFDG);
	T_EQ(0, CALL(RUMP_SYS_umask, &r, high | 027));
	T_EQ(0, CALL(RUMP_SYS_umask, &r, 0));
	T_EQ(027, r);
	/* open without a mode; with one; fcntl without an argument */
	T_EQ(0, CALL(RUMP_SYS_open, &r, P("/"), high | O_RDONLY));
	T_EQ(0, r);
	T_EQ(0, CALL(RUMP_SYS_open, &r, P("/f"), O_RDWR | O_CREAT, 0640));
	T_EQ(1, r);
	T_EQ(0, CALL(RUMP_SYS_fcntl, &r, 1, F_GETFL));
	T_EQ(O_RDWR, r & O_ACCMODE);
	/* AT_FDCWD as a program would convert it. */
	T_EQ(0, CALL(RUMP_SYS_openat, &r, (uint64_t)AT_FDCWD, P("/f"), 0));
	T_EQ(2, r);
	T_EQ(0, CALL(RUMP_SYS_lseek, &r, 2, 7, SEEK_SET));
	T_EQ(7, r);
}

TC(errors, "An errno is returned, -1 is the value, and errno stays.")
{
	register_t r = 5;
	uint64_t args[8] = {0};

	boot();
	errno = E2BIG;
	T_EQ(EBADF, CALL(RUMP_SYS_close, &r, 99));
	T_EQ(-1, r);
	T_EQ(E2BIG, errno);
	T_EQ(ENOSYS, rump_syscall(0, NULL, 0, &r));
	T_EQ(ENOSYS, rump_syscall(-1, NULL, 0, &r));
	T_EQ(ENOSYS, rump_syscall(1 << 20, NULL, 0, &r));
	T_EQ(EINVAL, rump_syscall(RUMP_SYS_close, args, 0, &r));
	T_EQ(EINVAL, rump_syscall(RUMP_SYS_dup2, args, 8, &r));
	T_EQ(EINVAL, rump_syscall(RUMP_SYS_dup2, args, 12, &r));
	T_EQ(EINVAL, rump_syscall(RUMP_SYS_dup2, args, 56, &r));
	T_EQ(E2BIG, errno);
}

TC(success_that_looks_like_an_error, "-1 without an error is a success.")
{
	register_t r = 5;

	boot();
	errno = E2BIG;
	T_EQ(0, CALL(RUMP_SYS_pathconf, &r, P("/"), _PC_LINK_MAX));
	T_EQ(0, CALL(RUMP_SYS_pathconf, &r, P("/"), _PC_SYNC_IO));
	T_EQ(-1, r);
	T_EQ(E2BIG, errno);
	T_EQ(EINVAL, CALL(RUMP_SYS_pathconf, &r, P("/"), 999));
	T_EQ(-1, r);
}

static int in_handler;

static void
failing_call(int sig)
{
	register_t r;

	(void)sig;
	in_handler++;
	T_EQ(EBADF, CALL(RUMP_SYS_close, &r, 99));
	T_ERR(EBADF, rump_sys_close(99));
}

TC(signals, "A handler runs at the end; its own calls' errors are its own.")
{
	struct sigaction sa = {0};
	register_t r = 5;

	boot();
	newproc(RUMP_RFCFDG);
	sa.sa_handler = failing_call;
	T_OK(rump_sys_sigaction(SIGUSR1, &sa, NULL));
	errno = E2BIG;
	T_EQ(0, CALL(RUMP_SYS_kill, &r, (uint64_t)rump_sys_getpid(), SIGUSR1));
	T_EQ(0, r);
	T_EQ(1, in_handler);
	T_EQ(E2BIG, errno);
}

TC(before_boot, "ENXIO, as for the calls by name.")
{
	register_t r = 5;

	T_EQ(ENXIO, rump_syscall(RUMP_SYS_getpid, NULL, 0, &r));
	T_EQ(ENXIO, CALL(RUMP_SYS_close, &r, 0));
	T_EQ(-1, r);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, same_as_by_name);
	ATF_TP_ADD_TC(tp, narrow_and_optional);
	ATF_TP_ADD_TC(tp, errors);
	ATF_TP_ADD_TC(tp, success_that_looks_like_an_error);
	ATF_TP_ADD_TC(tp, signals);
	ATF_TP_ADD_TC(tp, before_boot);
	return atf_no_error();
}
