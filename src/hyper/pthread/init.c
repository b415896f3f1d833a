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
	return error != 0 ? error : fork_init(ops);
}
