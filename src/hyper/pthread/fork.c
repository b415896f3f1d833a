/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's fork(2): the kernel is told before and after.
 */
#include <pthread.h>

#include "hyper/pthread/impl.h"

static const struct hyper_ops *forkops; /* written by fork_init only */

static void
fork_prepare(void)
{
	forkops->ho_fork_prepare();
}

static void
fork_parent(void)
{
	forkops->ho_fork_parent();
}

static void
fork_child(void)
{
	membarrier_init();
	console_forked();
	forkops->ho_fork_child();
}

int
fork_init(const struct hyper_ops *ops)
{
	forkops = ops;
	return pthread_atfork(fork_prepare, fork_parent, fork_child);
}
