/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A server for a test of remote clients: rump_server, in a host process of its
 * own that ends with the test.
 */
#ifndef TESTS_LIB_SERVER_H
#define TESTS_LIB_SERVER_H

#include <sys/prctl.h>
#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* The socket of server n of this test, as a path; and as a URL. */
static inline const char *
server_path(int n)
{
	static char path[8][64];

	snprintf(path[n], sizeof(path[n]), "/tmp/rump-test.%d.%d",
	    (int)getpgrp(), n);
	return path[n];
}

static inline const char *
server_url(int n)
{
	static char url[8][80];

	snprintf(url[n], sizeof(url[n]), "unix://%s", server_path(n));
	return url[n];
}

static inline int
server_connect(int n)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(sun.sun_path, server_path(n));
	if (fd != -1 &&
	    connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* Sockets' files do not go with their servers. */
static pid_t server_owner;

static inline void
server_cleanup(void)
{
	for (int n = 0; n < 8 && getpid() == server_owner; n++)
		unlink(server_path(n));
}

/*
 * Start server n with this option (or NULL) and wait until it can be
 * connected to; RUMP_SERVER is its name then.  Its pid, or -1 if it has ended
 * at once.
 */
static inline pid_t
server_start(int n, const char *option)
{
	const char *argv[5] = {RUMP_SERVER_PROGRAM, "-s"};
	int argc = 2, fd;
	pid_t pid;

	if (option != NULL)
		argv[argc++] = option;
	argv[argc] = server_url(n);
	fflush(NULL);
	if (server_owner == 0) {
		server_owner = getpid();
		atexit(server_cleanup);
	}
	if ((pid = fork()) == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execv(argv[0], (char **)(uintptr_t)argv);
		_exit(127);
	}
	while ((fd = server_connect(n)) == -1) {
		if (waitpid(pid, NULL, WNOHANG) == pid)
			return -1;
		usleep(2000);
	}
	close(fd);
	setenv("RUMP_SERVER", server_url(n), 1);
	return pid;
}

static inline void
server_kill(int n, pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	unlink(server_path(n));
}

#endif /* TESTS_LIB_SERVER_H */
