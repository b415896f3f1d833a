/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A host thread for each lwp: some workers of one process, and what a host
 * thread that never asked for an lwp is.
 */
#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include <pthread.h>
#include <stdio.h>

#define WORKERS 4

static int fds[2]; /* a pipe of the workers' process */
static pid_t pid;  /* that process */

static void *
worker(void *arg)
{
	char name = *(const char *)arg;

	/* Until here the implicit context: process 1, no lwp of our own. */
	if (rump_pub_lwproc_newlwp(pid) != 0)
		return NULL;
	/* Now in the process, with its descriptors. */
	if (rump_sys_write(fds[1], &name, 1) != 1)
		perror("write");
	rump_pub_lwproc_releaselwp();
	return NULL;
}

int
main(void)
{
	static char names[WORKERS + 1] = "abcd";
	pthread_t threads[WORKERS];
	char c;

	if (rump_init() != 0)
		return 1;
	printf("implicit context: process %d, curlwp %s\n",
	    (int)rump_sys_getpid(),
	    rump_pub_lwproc_curlwp() == NULL ? "NULL" : "set");
	if (rump_pub_lwproc_rfork(RUMP_RFCFDG) != 0 || rump_sys_pipe(fds) != 0)
		return 1;
	pid = rump_sys_getpid();

	for (int i = 0; i < WORKERS; i++)
		if (pthread_create(&threads[i], NULL, worker, &names[i]) != 0)
			return 1;
	for (int i = 0; i < WORKERS; i++) {
		if (rump_sys_read(fds[0], &c, 1) != 1)
			return 1;
		printf("process %d heard from worker %c\n", (int)pid, c);
	}
	for (int i = 0; i < WORKERS; i++)
		pthread_join(threads[i], NULL);
	rump_pub_lwproc_releaselwp();
	return 0;
}
