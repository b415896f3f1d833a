/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Directories of sockets of tools that were killed: stale.c.
 */
#ifndef CMD_RUMP_STALE_H
#define CMD_RUMP_STALE_H

#include "cmd/rump/tool.h"

/*
 * Names of such directories, but for six characters, and of what is there.
 * Programs in a world may see them, who are not to take them for theirs.
 */
#define STALE_PREFIX ".rump."
#define STALE_SOCKET "kernel"

/* The tool of this directory lives, until the descriptor is closed; or -1. */
int stale_lock(const char *path);

/* Remove from such a directory what a world has made there. */
void stale_empty(int dir);

/*
 * Remove in this one those whose tools do not.  In a large directory not each
 * call looks for them.
 */
void stale_remove(const char *base);

#endif /* CMD_RUMP_STALE_H */
