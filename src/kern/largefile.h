/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * O_LARGEFILE as a kernel has it on this machine: the C library may say that it
 * is 0.
 */
#ifndef KERN_LARGEFILE_H
#define KERN_LARGEFILE_H

#if defined(__aarch64__)
#define KERN_LARGEFILE 0400000
#else
#define KERN_LARGEFILE 0100000
#endif

#endif
