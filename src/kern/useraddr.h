/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the memory of programs ends, on this machine.
 */
#ifndef KERN_USERADDR_H
#define KERN_USERADDR_H

#include <stdint.h>

/* A host gives more than these bits to nobody who does not ask for more. */
#if defined(__aarch64__)
#define USERADDR_BITS 52
#else
#define USERADDR_BITS 47
#endif

#define USERADDR_END ((UINT64_C(1) << USERADDR_BITS) - 4096)

#endif
