/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What wait6 gives: NetBSD's struct wrusage, by a name that is nobody else's.
 */
#ifndef RUMP_RUMP_WAIT_H
#define RUMP_RUMP_WAIT_H

#include <sys/resource.h>
#include <sys/time.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a child has used, and its own children.  Zero: nobody counts it. */
struct rump_wrusage {
	struct rusage wru_self;
	struct rusage wru_children;
};

#ifdef __cplusplus
}
#endif

#endif /* RUMP_RUMP_WAIT_H */
