/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Detaching the host process around boot.
 */
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump.h>

#define EXPORT __attribute__((visibility("default")))

/* The child's end of the pipe that tells the parent how boot went, or -1. */
static int tell_fd = -1;

/* The parent: wait for the child's word, and end with it. */
static _Noreturn void
parent_wait(int fd)
{
	int error = 0;
	ssize_t n;

	do
		n = read(fd, &error, sizeof(error));
	while (n == -1 && errno == EINTR);
	if (n != (ssize_t)sizeof(error)) {
		fprintf(stderr, "rump: boot ended without a word\n");
		_exit(1);
	}
	if (error != RUMP_DAEMONIZE_SUCCESS) {
		if (error != RUMP_DAEMONIZE_TOLD)
			fprintf(
			    stderr, "rump: boot failed: %s\n", strerror(error));
		_exit(1);
	}
	_exit(0);
}

EXPORT int
rump_daemonize_begin(void)
{
	int fds[2], error;

	if (tell_fd != -1)
		return EINPROGRESS;
	if (pipe2(fds, O_CLOEXEC) == -1)
		return errno;
	fflush(NULL);
	switch (fork()) {
	case -1:
		error = errno;
		close(fds[0]);
		close(fds[1]);
		return error;
	case 0:
		close(fds[0]);
		tell_fd = fds[1];
		return 0;
	default:
		close(fds[1]);
		parent_wait(fds[0]);
	}
}

/* Leave the session and the standard descriptors of who started us. */
static int
detach(void)
{
	int fd, i;

	if (setsid() == -1 || (fd = open("/dev/null", O_RDWR)) == -1)
		return errno;
	for (i = 0; i < 3; i++) {
		if (dup2(fd, i) == -1)
			return errno;
	}
	if (fd > 2)
		close(fd);
	return 0;
}

EXPORT int
rump_daemonize_done(int error)
{
	ssize_t n;
	int derror = 0;

	if (tell_fd == -1)
		return EINVAL;
	if (error == RUMP_DAEMONIZE_SUCCESS)
		derror = error = detach();
	do
		n = write(tell_fd, &error, sizeof(error));
	while (n == -1 && errno == EINTR);
	close(tell_fd);
	tell_fd = -1;
	return derror;
}
