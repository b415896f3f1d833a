/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the program and the calls that it turns to the kernel.
 */
#ifndef EVLOOP_H
#define EVLOOP_H

/* How many calls have been turned. */
extern _Atomic unsigned long wrapped;

#endif /* EVLOOP_H */
