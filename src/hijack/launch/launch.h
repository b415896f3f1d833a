/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Running programs with their system calls intercepted: for programs of the
 * host, with its C library.
 */
#ifndef HIJACK_LAUNCH_LAUNCH_H
#define HIJACK_LAUNCH_LAUNCH_H

#include <stdio.h>

#include "hijack/hijack.h"

/*
 * Make the page that all intercepted processes share, with the loader at this
 * absolute path, and its copy beside it.  An errno value: ENAMETOOLONG, or what
 * open, memfd_create, dup3 or mmap give.  Once in a process.
 */
int hijack_init(const char *loader, struct hj_control **control);

/*
 * What hijack_exec is to be told for the program at path: in memory that the
 * caller frees, as one; the strings stay where they are.  NULL: there is none.
 */
const char **hijack_args(
    const struct hj_control *control, const char *path, char *const argv[]);

/*
 * Execute that program in this process, which may be the child of a vfork.
 * Returns an errno value if that is not possible; what is wrong with the
 * program itself the loader says, and exits with 126, or 127 if it is not
 * there.
 */
int hijack_exec(const struct hj_control *control, const char **args);

/*
 * Have a loader that was started while hc_wait was not 0 go on: what the page
 * says of the kernel is true now.
 */
void hijack_go(struct hj_control *control);

/* hijack_args and hijack_exec, for the program that execvp finds for argv[0].
 */
int hijack_execvp(const struct hj_control *control, char *const argv[]);

/* Print what was called how often, and what became of it. */
void hijack_report(const struct hj_control *control, FILE *to);

#endif
