/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parking on a word of memory, and the barrier for all threads.
 *
 * None of these changes the host thread's errno: a system call of the
 * kernel's that succeeds leaves it alone.
 */
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>

#include <errno.h>
#include <limits.h>
#include <time.h>
#include <unistd.h>

#include "hyper/pthread/impl.h"

#define NSEC_PER_SEC 1000000000

int
hyper_wait(_Atomic uint32_t *addr, uint32_t val, int64_t deadline)
{
	struct timespec ts, *tsp = NULL;
	int error = 0, saved = errno;

	if (deadline != HYPER_FOREVER) {
		if (deadline < 0)
			deadline = 0;
		ts.tv_sec = deadline / NSEC_PER_SEC;
		ts.tv_nsec = deadline % NSEC_PER_SEC;
		tsp = &ts;
	}
	/* Unlike FUTEX_WAIT this one takes an absolute monotonic time. */
	if (syscall(SYS_futex, addr, FUTEX_WAIT_BITSET_PRIVATE, val, tsp, NULL,
		FUTEX_BITSET_MATCH_ANY) == -1 &&
	    errno == ETIMEDOUT)
		error = ETIMEDOUT;
	errno = saved;
	return error;
}

void
hyper_wake(_Atomic uint32_t *addr, int n)
{
	int saved = errno;

	(void)syscall(SYS_futex, addr, FUTEX_WAKE_PRIVATE, n, NULL, NULL, 0);
	errno = saved;
}

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
