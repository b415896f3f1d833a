/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's fork(2): the kernel is told before and after.
 */
#include <pthread.h>

#include "hyper/impl.h"

static void
fork_prepare(void)
{
	hyper_ops->ho_fork_prepare();
}

static void
fork_parent(void)
{
	hyper_ops->ho_fork_parent();
}

static void
fork_child(void)
{
	membarrier_init();
	console_forked();
	hyper_ops->ho_fork_child();
}

int
fork_init(void)
{
	return pthread_atfork(fork_prepare, fork_parent, fork_child);
}
