/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What needs libarchive: the subcommands in archive/, and what `rump run' does
 * with layers and archives.  With libarchive come a dozen of libraries, whose
 * loading takes longer than all the rest of a short command: so this is a
 * module, which is loaded when it is asked for.  It makes itself known by
 * COMMAND and ARCHIVE_OPS.
 */
#ifndef CMD_RUMP_MODULE_H
#define CMD_RUMP_MODULE_H

#include "cmd/rump/archive/layer.h"

struct archive_ops {
	/* As the functions of layer.h. */
	int (*ao_open)(struct layer *, const char *name, enum layer_open);
	void (*ao_close)(struct layer *);
	int (*ao_enter)(struct layer *);
	int (*ao_save)(struct layer *, const struct timespec *began);
	/* Load an archive of the host into a directory of the kernel. */
	int (*ao_load)(const char *archive, const char *dir);
};

/* The operations; the end with a complaint, if they cannot be had. */
const struct archive_ops *archive_ops(void);

/* Who has them says so, before main or when it is loaded. */
void archive_register(const struct archive_ops *);

#define ARCHIVE_OPS(ops)                                              \
	static __attribute__((constructor)) void ops##_register(void) \
	{                                                             \
		archive_register(&(ops));                             \
	}

#endif /* CMD_RUMP_MODULE_H */
