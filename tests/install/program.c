/* SPDX-License-Identifier: BSD-2-Clause */
#include <rump/rump.h>
#include <rump/rump_syscalls.h>
#include <rump/rumpuser.h>

int
main(void)
{
	int fd;

	if (rump_init() != 0 || rump_pub_lwproc_rfork(RUMP_RFCFDG) != 0)
		return 1;
	fd = rump_sys_open("/file", RUMP_O_RDWR | RUMP_O_CREAT, 0644);
	if (fd != 0 || rump_sys_write(fd, "x", 1) != 1)
		return 2;
	rump_pub_lwproc_releaselwp();
	return rump_sys_getpid() != 1;
}
