/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program with what needs libraries.
 */
#include "cmd/rump/whole.h"

#include <locale.h>

#include "cmd/rump/programs.h"

static const struct archive_ops *known;
static char **arguments;

void
archive_register(const struct archive_ops *ops)
{
	known = ops;
	/* By it libarchive knows the characters of names. */
	(void)setlocale(LC_CTYPE, "");
}

void
whole_arguments(char **argv)
{
	arguments = argv;
}

void
whole_program(void)
{
	char *path;

	if (known != NULL)
		return;
	path = program_path(PROGRAM_WHOLE);
	(void)execv(path, arguments);
	complain(
	    "%s: %s; it belongs to the installation", path, strerror(errno));
	exit(STATUS_FAILED);
}

const struct archive_ops *
archive_ops(void)
{
	whole_program();
	return known;
}
