/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared objects of the host.
 */
#include "hyper/library.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void
library_why(char *why, size_t size, const char *path)
{
	const char *text = dlerror();

	(void)snprintf(why, size, "%s", text != NULL ? text : path);
}

int
hyper_library_open(const char *path, const char *symbol, void **libraryp,
    const void **symbolp, char *why, size_t size)
{
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL), *found;
	int saved = errno, error;

	if (library == NULL) {
		library_why(why, size, path);
		error = strchr(path, '/') == NULL || access(path, F_OK) == 0
			    ? ENOEXEC
			    : ENOENT;
		errno = saved;
		return error;
	}
	if ((found = dlsym(library, symbol)) == NULL) {
		library_why(why, size, path);
		(void)dlclose(library);
		return ENOEXEC;
	}
	*libraryp = library;
	*symbolp = found;
	return 0;
}

void
hyper_library_close(void *library)
{
	(void)dlclose(library);
}
