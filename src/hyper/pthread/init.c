/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pthread host: every lwp that runs has a host thread of its own, which
 * parks on a futex.  This file prepares it.
 */
#include <pthread.h>

#include "hyper/pthread/impl.h"

static const struct hyper_ops *init_ops;
static int init_error;

static void
init_once(void)
{
	membarrier_init();
	if ((init_error = thread_init(init_ops)) == 0)
		init_error = fork_init(init_ops);
}

int
hyper_init(const struct hyper_ops *ops)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	/* All callers have the same one. */
	__atomic_store_n(&init_ops, ops, __ATOMIC_RELAXED);
	(void)pthread_once(&once, init_once);
	return init_error;
}
