/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What needs libarchive: the subcommands in archive/, and what `rump run' does
 * with layers and archives; and TLS.  With these come a dozen of libraries,
 * whose loading takes longer than all the rest of a short command: so there is
 * a second program, with all of it, which takes our place when that is asked
 * for.  What it has beside us makes itself known by COMMAND and ARCHIVE_OPS.
 */
#ifndef CMD_RUMP_WHOLE_H
#define CMD_RUMP_WHOLE_H

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

/*
 * Be the second program from here on, which begins anew with the same
 * arguments: nothing may have been done yet.  Returns if this is it, and ends
 * with a complaint if it is not there.
 */
void whole_program(void);

/* The program's arguments, before anything else. */
void whole_arguments(char **argv);

/* The operations, after whole_program. */
const struct archive_ops *archive_ops(void);

/* Who has them says so, before main. */
void archive_register(const struct archive_ops *);

#define ARCHIVE_OPS(ops)                                              \
	static __attribute__((constructor)) void ops##_register(void) \
	{                                                             \
		archive_register(&(ops));                             \
	}

#endif /* CMD_RUMP_WHOLE_H */
