/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is mounted in the kernel.
 */
#ifndef CMD_RUMP_MOUNTS_H
#define CMD_RUMP_MOUNTS_H

#include "cmd/rump/tool.h"

/* All of them, *np; to be freed.  NULL with errno set. */
struct rump_vfsstat *mounts_get(size_t *np);

/* "rw,nosuid": the flags of a mount; buf has MOUNT_FLAGS_SIZE bytes. */
#define MOUNT_FLAGS_SIZE 64
const char *mount_flags_text(const struct rump_vfsstat *, char *buf);

#endif /* CMD_RUMP_MOUNTS_H */
