/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is there when the first client comes: setup.c.
 */
#ifndef CMD_RUMP_SERVER_SETUP_H
#define CMD_RUMP_SERVER_SETUP_H

#include <stdbool.h>

/* To do: a directory's path, or type:on:ro|rw[:options].  NULL, or why not. */
const char *setup_mkdir(char *path);
const char *setup_mount(char *text);

/* Do it, in that order.  0 or an errno, with what could not be done. */
int setup_run(const char **whatp);

#endif /* CMD_RUMP_SERVER_SETUP_H */
