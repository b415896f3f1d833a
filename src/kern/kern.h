/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What src/kern offers to the parts above it.
 */
#ifndef KERN_KERN_H
#define KERN_KERN_H

#include "kern/cred.h"
#include "kern/filedesc.h"
#include "kern/hostthread.h"
#include "kern/kmem.h"
#include "kern/kref.h"
#include "kern/limit.h"
#include "kern/lock.h"
#include "kern/param.h"
#include "kern/pipe.h"
#include "kern/proc.h"
#include "kern/smr.h"
#include "kern/uio.h"

/* The kernel's clocks. */
void kern_realtime(struct timespec *);
int64_t kern_monotonic(void);

/*
 * How often the host process has been the child of a fork(2).  What sleeps in
 * the kernel wakes up with the number that it fell asleep with.
 */
extern uint32_t kern_forks;

/* When it was booted, and how long that was ago at a time of its clock. */
void kern_boottime(struct timespec *);
int64_t kern_uptime(int64_t monotonic);

/* Its name, HOSTNAME_SIZE bytes.  EINVAL for one that is too long. */
#define HOSTNAME_SIZE 65
void kern_gethostname(char *name);
int kern_sethostname(const char *name, size_t len);

#endif /* KERN_KERN_H */
