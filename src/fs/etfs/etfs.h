/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * etfs: files of the host at paths of the kernel.
 *
 *	etfs_file.c	the file system: one file of the host is its root
 *	etfs_register.c	putting it, or a directory by hostfs, somewhere
 */
#ifndef FS_ETFS_ETFS_H
#define FS_ETFS_ETFS_H

#include "kern/param.h"

/* Boot: register what rump_boot_etfs_register was given, as process 1. */
void etfs_boot(struct lwp *);

#endif /* FS_ETFS_ETFS_H */
