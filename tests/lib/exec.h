/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A remote client that executes itself, as its case exec_target: the next
 * program has process and descriptors.
 */
#ifndef TESTS_LIB_EXEC_H
#define TESTS_LIB_EXEC_H

#include <sys/wait.h>

#include <fcntl.h>

#include <rump/rumpclient.h>

#include "lib/tc.h"

/* In exec_target, connected. */
static inline void
exec_check(void)
{
	char buf[8] = "";

	ATF_REQUIRE_EQ(rump_sys_getpid(), atoi(getenv("TEST_PID")));
	ATF_REQUIRE_EQ(rump_sys_pread(3, buf, sizeof(buf), 0), 5);
	ATF_REQUIRE_STREQ(buf, "hello");
	ATF_REQUIRE_ERRNO(EBADF, rump_sys_close(4) == -1);
}

/* Connected: a child does it. */
static inline void
exec_self(void)
{
	char option[] = "-r/dev/null", name[] = "exec_target";
	char self[256] = "", folder[258] = "-s", text[16];
	char *argv[] = {self, folder, option, name, NULL};
	int status;
	pid_t pid;

	ATF_REQUIRE(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	strcpy(folder + 2, self);
	*strrchr(folder, '/') = '\0';
	if ((pid = rumpclient_fork()) == 0) {
		int fd = rump_sys_open("/f", O_RDWR | O_CREAT, 0600);

		if (fd != 3 || rump_sys_write(fd, "hello", 5) != 5 ||
		    rump_sys_open("/f", O_RDONLY | O_CLOEXEC) != 4)
			_exit(8);
		snprintf(text, sizeof(text), "%d", (int)rump_sys_getpid());
		setenv("TEST_PID", text, 1);
		rumpclient_exec("/proc/self/exe", argv, environ);
		_exit(9);
	}
	ATF_REQUIRE_EQ(waitpid(pid, &status, 0), pid);
	ATF_REQUIRE_EQ(status, 0);
	ATF_REQUIRE(rump_sys_getpid() > 1);
}

#endif /* TESTS_LIB_EXEC_H */
