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
 * absolute path.  An errno value: ENAMETOOLONG, or what memfd_create, fcntl,
 * or mmap give.  Once in a process.
 */
int hijack_init(const char *loader, struct hj_control **control);

/*
 * Execute a program in this process: that at path or, if it is NULL, the one
 * that execvp finds for argv[0].  Returns an errno
 * value if that is not possible; what is wrong with the program itself the
 * loader says, and exits with 126, or 127 if it is not there.
 */
int
hijack_exec(struct hj_control *control, const char *path, char *const argv[]);

/* Print what was called how often, and what became of it. */
void hijack_report(const struct hj_control *control, FILE *to);

#endif
