/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files of src/hyper.
 */
#ifndef HYPER_IMPL_H
#define HYPER_IMPL_H

#include "hyper/hyper.h"

/* What the kernel wants to be told; stable after hyper_init. */
extern const struct hyper_ops *hyper_ops __attribute__((visibility("hidden")));

/* Set up one subject each; called by hyper_init.  0 or an errno. */
int thread_init(void);
int fork_init(void);

/* In the child of fork(2): nobody reads the console. */
void console_forked(void);

/*
 * Tell the host that hyper_membarrier will be used; needed once in each host
 * process.
 */
void membarrier_init(void);

/* The kinds of host, one folder each. */
extern const struct hyper_host hyper_pthread, hyper_fiber;

#endif /* HYPER_IMPL_H */
