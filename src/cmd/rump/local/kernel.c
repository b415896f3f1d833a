/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel is in this host process, new and with nothing in it: for tests,
 * and for scripts of `rump batch'.
 */
#include "cmd/rump/kernel.h"

#include <rump/rump.h>

#include "cmd/rump/tool.h"

int
kernel_open(void)
{
	int error = rump_init();

	if (error == 0)
		return 0;
	complain("the kernel does not boot: %s", strerror(error));
	return -1;
}

int
kernel_openat(const char *url)
{
	(void)url;
	return kernel_open();
}

int (*const kernel_serve)(int argc, char **argv) = NULL;

bool
kernel_named(void)
{
	return true;
}
