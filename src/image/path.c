/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Paths in images.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/image.h"

int
path_clean(const char *path, unsigned strip, char **cleanp)
{
	char *clean, *end;
	size_t len;

	*cleanp = NULL;
	if (*path == '/')
		return EXDEV;
	if ((end = clean = malloc(strlen(path) + 1)) == NULL)
		return ENOMEM;
	for (; *path != '\0'; path += len + (path[len] == '/')) {
		len = strcspn(path, "/");
		if (len == 2 && memcmp(path, "..", 2) == 0) {
			free(clean);
			return EXDEV;
		}
		if (len == 0 || (len == 1 && *path == '.'))
			continue;
		if (strip > 0) {
			strip--;
			continue;
		}
		if (end != clean)
			*end++ = '/';
		end = mempcpy(end, path, len);
	}
	*end = '\0';
	*cleanp = clean;
	return 0;
}

char *
path_join(const char *path, const char *name)
{
	char *joined;

	if (asprintf(&joined, *path == '\0' ? "%s%s" : "%s/%s", path, name) < 0)
		return NULL;
	return joined;
}
