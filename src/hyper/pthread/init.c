/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pthread host: every lwp that runs has a host thread of its own, which
 * parks on a futex.  This file prepares it.
 */
#include "hyper/pthread/impl.h"

int
hyper_init(const struct hyper_ops *ops)
{
	int error;

	membarrier_init();
	error = thread_init(ops);
	if (error != 0)
		return error;
	return fork_init(ops);
}
