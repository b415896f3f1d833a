/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the kernel is that the tool talks to: local/kernel.c for one in the
 * tool's own process, client/kernel.c for one elsewhere.
 */
#ifndef CMD_RUMP_KERNEL_H
#define CMD_RUMP_KERNEL_H

#include <stdbool.h>

/* Connect, once.  0, or -1 after the user was told. */
int kernel_open(void);

/* The same with that of this URL; -1 is with errno, and nobody was told. */
int kernel_openat(const char *url);

/*
 * Be a server that other processes can reach: rump_server, which uses getopt
 * anew, and has no components.  The exit status.  NULL: there is a kernel in
 * this process already.
 */
extern int (*const kernel_serve)(int argc, char **argv);

/* Is there one: has somebody said where it is? */
bool kernel_named(void);

#endif /* CMD_RUMP_KERNEL_H */
