/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The barrier for all host threads of the process.
 *
 * None of these changes the host thread's errno: a system call of the
 * kernel's that succeeds leaves it alone.
 */
#include <linux/membarrier.h>
#include <sys/syscall.h>

#include <errno.h>
#include <unistd.h>

#include "hyper/impl.h"

void
membarrier_init(void)
{
	int saved = errno;

	/* If it fails, so does the call that hyper_membarrier makes. */
	(void)syscall(
	    SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
	errno = saved;
}

bool
hyper_membarrier(void)
{
	int saved = errno;
	bool done;

	done = syscall(
		   SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
	errno = saved;
	return done;
}
