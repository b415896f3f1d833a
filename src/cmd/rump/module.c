/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The module with what needs libarchive.
 */
#include "cmd/rump/module.h"

#include <dlfcn.h>
#include <locale.h>

#include "cmd/rump/programs.h"

static const struct archive_ops *known;

void
archive_register(const struct archive_ops *ops)
{
	known = ops;
	/* By it libarchive knows the characters of names. */
	(void)setlocale(LC_CTYPE, "");
}

const struct archive_ops *
archive_ops(void)
{
	char *path;

	if (known != NULL)
		return known;
	path = program_path(PROGRAM_ARCHIVE);
	/* It stays: its subcommands are known from now on. */
	if (dlopen(path, RTLD_NOW | RTLD_GLOBAL) == NULL || known == NULL) {
		complain("%s; it belongs to the installation",
		    known == NULL ? dlerror() : path);
		exit(STATUS_FAILED);
	}
	free(path);
	return known;
}
