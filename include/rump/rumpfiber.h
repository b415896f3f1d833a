/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * librump: fibers, for a kernel that runs on one host thread.
 *
 * With rump_boot_setthreads("fiber"), or RUMP_THREADS=fiber in the environment,
 * all lwps share the host thread that boots.  A fiber is a function with a
 * stack and an lwp of its own.  It runs until it calls one of the functions
 * below or a system call that blocks; then the next one runs that can, in the
 * order in which they became able to.  What the host thread does outside of
 * fibers is the main context; it takes its turn like a fiber.
 *
 * In a kernel of host threads these calls fail with ENOTSUP, and in one of
 * fibers other host threads are refused with ENOTSUP.  Before boot they fail
 * with ENXIO.  (rump_fiber(3); all of this is ours)
 */
#ifndef RUMP_RUMPFIBER_H
#define RUMP_RUMPFIBER_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rump_fiber;

/* Sizes of stacks in bytes: what 0 means, the least and the most. */
#define RUMP_FIBER_STACK    65536
#define RUMP_FIBER_MINSTACK 16384
#define RUMP_FIBER_MAXSTACK 1073741824

/* Of a name, with its NUL; more is cut off. */
#define RUMP_FIBER_NAMELEN 32

/*
 * Make a fiber that calls fn(arg) when it is its turn; *fiberp names it.  It
 * gets a new lwp of the calling context's process, which is released when the
 * fiber ends.  Its stack has at least stacksize bytes (0: RUMP_FIBER_STACK),
 * rounded up to a power of two less a page.  name is for debuggers, and may be
 * NULL.  Returns 0, EINVAL for a bad size or no function, ENOMEM, or what
 * rump_pub_lwproc_newlwp gives.
 */
int rump_fiber_create(struct rump_fiber **fiberp, void *(*fn)(void *),
    void *arg, size_t stacksize, const char *name);

/*
 * Wait until the fiber ends, and forget it; *resultp (or NULL) is what its
 * function returned or rump_fiber_exit was told.  Not interrupted by signals.
 * Returns 0, ESRCH if there is no such fiber any more, EINVAL if it is
 * detached or another context waits for it, or EDEADLK if it is the calling
 * one or, in the main context, if it can never end.
 */
int rump_fiber_join(struct rump_fiber *fiber, void **resultp);

/*
 * Nobody will join the fiber: it is forgotten when it ends.  Returns 0, ESRCH,
 * or EINVAL as rump_fiber_join.
 */
int rump_fiber_detach(struct rump_fiber *fiber);

/* Let others run that can.  Does nothing in a kernel of host threads. */
void rump_fiber_yield(void);

/*
 * From the main context: run fibers until there is nothing to do.  Returns 0
 * when all have ended; EDEADLK when those that are left wait for what no fiber
 * and no timer can bring about, so that only the main context can; EBUSY in a
 * fiber.
 */
int rump_fiber_run(void);

/* The calling fiber; NULL in the main context. */
struct rump_fiber *rump_fiber_self(void);

/*
 * The fiber's name, "" if it has none; of the calling context for NULL, where
 * the main one is "main".
 */
const char *rump_fiber_name(struct rump_fiber *fiber);

/*
 * End the calling fiber with that result, as when its function returns.  In
 * the main context, and between rump_schedule and rump_unschedule, it is a
 * fatal error.
 */
void rump_fiber_exit(void *result) __attribute__((__noreturn__));

#ifdef __cplusplus
}
#endif

#endif /* RUMP_RUMPFIBER_H */
