/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared objects of the host, and names in them.
 */
#include "hyper/library.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
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

bool
hyper_library_caller(const char *prefix, char *rest, size_t size)
{
	size_t len = strlen(prefix);
	void *frames[64];
	Dl_info info;
	int i, n = backtrace(frames, sizeof(frames) / sizeof(frames[0]));

	for (i = 0; i < n; i++) {
		/* The call, not what it returns to. */
		if (dladdr((char *)frames[i] - 1, &info) == 0 ||
		    info.dli_sname == NULL ||
		    strncmp(info.dli_sname, prefix, len) != 0)
			continue;
		(void)snprintf(rest, size, "%s", info.dli_sname + len);
		return true;
	}
	return false;
}
