/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files of the pthread host.
 */
#ifndef HYPER_PTHREAD_IMPL_H
#define HYPER_PTHREAD_IMPL_H

#include "hyper/hyper.h"

/* Set up one subject each; called by hyper_init.  0 or an errno. */
int thread_init(const struct hyper_ops *ops);
int fork_init(const struct hyper_ops *ops);

/* In the child of fork(2): nobody reads the console. */
void console_forked(void);

/*
 * Tell the host that hyper_membarrier will be used; needed once in each host
 * process.
 */
void membarrier_init(void);

#endif /* HYPER_PTHREAD_IMPL_H */
