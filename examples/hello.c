/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two processes and a pipe, all inside this one host process.
 */
#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include <stdio.h>

int
main(void)
{
	struct lwp *parent;
	char text[64] = "";
	int fds[2];

	if (rump_init() != 0 || rump_pub_lwproc_rfork(RUMP_RFCFDG) != 0)
		return 1;
	parent = rump_pub_lwproc_curlwp(); /* we are in a new process now */
	if (rump_sys_pipe(fds) != 0)
		return 1;

	if (rump_pub_lwproc_rfork(RUMP_RFFDG) != 0) /* fork: now the child */
		return 1;
	snprintf(text, sizeof(text), "hello from process %d, child of %d",
	    (int)rump_sys_getpid(), (int)rump_sys_getppid());
	if (rump_sys_write(fds[1], text, sizeof(text)) != sizeof(text))
		return 1;
	rump_pub_lwproc_releaselwp(); /* the child goes */

	rump_pub_lwproc_switch(parent);
	if (rump_sys_read(fds[0], text, sizeof(text)) != sizeof(text))
		return 1;
	printf("process %d read: %s\n", (int)rump_sys_getpid(), text);
	rump_pub_lwproc_releaselwp();
	return 0;
}
