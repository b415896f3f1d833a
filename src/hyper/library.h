/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared objects of the host, and names in them.
 */
#ifndef HYPER_LIBRARY_H
#define HYPER_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Load one and find a symbol in it; path without a slash is looked for where
 * the host looks for libraries.  0, or with the host's words in why: ENOENT
 * if there is no such file, ENOEXEC if it is no shared object that can be
 * loaded or has no such symbol.  Its constructors run.
 */
int hyper_library_open(const char *path, const char *symbol, void **libraryp,
    const void **symbolp, char *why, size_t size);
void hyper_library_close(void *library);

/*
 * Which of the functions that wait for the caller's return is the innermost
 * whose name begins so?  The rest of its name; false if there is none, or the
 * host does not know names: in a static program that does not export them.
 */
bool hyper_library_caller(const char *prefix, char *rest, size_t size);

#endif /* HYPER_LIBRARY_H */
