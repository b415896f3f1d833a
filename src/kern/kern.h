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

/*
 * The kernel's clocks.  The realtime one is the host's and an offset of its
 * own.  _wait: nanoseconds of the monotonic clock until it will be `when' if
 * nobody sets it; 0 or less if it is already.
 */
void kern_realtime(struct timespec *);
int64_t kern_realtime_ns(void);
void kern_realtime_coarse(struct timespec *);
int64_t kern_realtime_wait(int64_t when);
int64_t kern_monotonic(void);

/*
 * Set it, or have it be wrong by delta less in a while; what was left of the
 * delta before is in *oldp.  Who waits by it is to be told afterwards.
 */
void kern_realtime_set(int64_t ns);
void kern_realtime_slew(const int64_t *delta, int64_t *oldp);

/*
 * How often the host process has been the child of a fork(2).  What sleeps in
 * the kernel wakes up with the number that it fell asleep with.
 */
extern uint32_t kern_forks;

/*
 * Parts that have something on the host which the child of a fork(2) must not
 * share.  The functions run around the fork while nobody else is inside the
 * kernel: on the forking host thread, outside of a section, without locks.
 * Registered at boot.
 */
struct fork_hook {
	void (*fh_prepare)(void);
	void (*fh_parent)(void);
	void (*fh_child)(void);
	struct fork_hook *fh_next;
};
void fork_hook_register(struct fork_hook *);

/* When it was booted, and how long that was ago at a time of its clock. */
void kern_boottime(struct timespec *);
int64_t kern_uptime(int64_t monotonic);

/*
 * Its name and its domain's, HOSTNAME_SIZE bytes.  EINVAL for one that is too
 * long.
 */
#define HOSTNAME_SIZE 65
void kern_gethostname(char *name);
int kern_sethostname(const char *name, size_t len);
void kern_getdomainname(char *name);
int kern_setdomainname(const char *name, size_t len);

/* What it is, its version, and both in a line. */
#define KERN_OSTYPE_NAME "rump"
void kern_release(char *buf, size_t size);
void kern_version(char *buf, size_t size);

/* The kind of machine that it was compiled for. */
#if defined(__x86_64__)
#define KERN_MACHINE "x86_64"
#elif defined(__aarch64__)
#define KERN_MACHINE "aarch64"
#elif defined(__riscv)
#define KERN_MACHINE "riscv64"
#else
#define KERN_MACHINE "unknown"
#endif

#endif /* KERN_KERN_H */
