/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fibers of the kernel's own making; programs have <rump/rumpfiber.h>.
 */
#ifndef KERN_FIBER_H
#define KERN_FIBER_H

#include <sys/types.h>

/*
 * Make a fiber that runs a new lwp of that process and is not joined.  In a
 * section, on a fiber host.  EBUSY, ENOMEM, ESRCH.
 */
int fiber_spawn(pid_t, void *(*fn)(void *), void *arg, const char *name);

#endif /* KERN_FIBER_H */
