/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parking a host thread on a word of memory.
 *
 * None of these changes the host thread's errno: a system call of the
 * kernel's that succeeds leaves it alone.
 */
#include <linux/futex.h>
#include <sys/syscall.h>

#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "hyper/impl.h"

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
