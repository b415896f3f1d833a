/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SIGEV_THREAD: a function of the program's, called by a host thread of its own
 * or, where there are fibers, by a fiber, which runs a new lwp of the process.
 */
#ifndef KERN_SIGTHREAD_H
#define KERN_SIGTHREAD_H

#include <signal.h>
#include <stddef.h>

struct procid;

/* The function that an event wants to be told by, or NULL. */
static inline void (*sigevent_function(const struct sigevent *ev))(union sigval)
{
	return ev->sigev_notify == SIGEV_THREAD ? ev->sigev_notify_function
						: NULL;
}

/*
 * Have it called, unless the process is gone by then or the host has no thread
 * or memory left.  In a section, without locks.
 */
void sigthread_call(
    const struct procid *, void (*fn)(union sigval), union sigval value);

#endif /* KERN_SIGTHREAD_H */
