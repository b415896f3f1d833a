/* SPDX-License-Identifier: BSD-2-Clause */
/* Pipes of the host: see hostpipe.h. */
#include "hyper/hostpipe.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "hyper/hostcall.h"

int
hyper_pipe(int *readp, int *writep)
{
	int fds[2] = {-1, -1};
	int error = HOST_CALL0(pipe2(fds, O_CLOEXEC | O_NONBLOCK));

	*readp = fds[0];
	*writep = fds[1];
	return error;
}

void
hyper_pipe_fill(int writefd)
{
	(void)HOST_CALL0(write(writefd, "", 1));
}

void
hyper_pipe_drain(int readfd)
{
	char byte;

	(void)HOST_CALL0(read(readfd, &byte, 1));
}
