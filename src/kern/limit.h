/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Resource limits: shared and immutable like credentials; a change makes a
 * new one.
 */
#ifndef KERN_LIMIT_H
#define KERN_LIMIT_H

#include <sys/resource.h>

#include "kern/kref.h"

struct plimit {
	struct kref pl_ref; /* first */
	struct smr_item pl_smr;
	struct rlimit pl_rlimit[RLIM_NLIMITS];
};

#endif /* KERN_LIMIT_H */
