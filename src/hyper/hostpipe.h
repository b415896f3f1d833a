/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pipes of the host, which tell another host process that opens its end of one
 * (/proc/PID/fd) something: that there is a byte; and this one, that nobody has
 * the other end any more.
 *
 * Handles, errors and locks are as in hostfile.h.  Nothing blocks.
 */
#ifndef HYPER_HOSTPIPE_H
#define HYPER_HOSTPIPE_H

/* Both ends; hyper_file_close closes them. */
int hyper_pipe(int *readp, int *writep);

/* One byte into a pipe that is empty; one out of it, so that it is empty. */
void hyper_pipe_fill(int writefd);
void hyper_pipe_drain(int readfd);

#endif /* HYPER_HOSTPIPE_H */
