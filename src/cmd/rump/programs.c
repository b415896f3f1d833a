/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the programs are that this one starts.
 */
#include "cmd/rump/programs.h"

#include <limits.h>

#include "cmd/rump/tool.h"

/*
 * From the directory of this program: installed, the tool and the one that is
 * beside them, and where they are built.
 */
static const char *const places[][3] = {
    [PROGRAM_LOADER] = {RUMP_TOOL_LIBEXEC "/rump-loader", "rump-loader",
	"../../hijack/rump-loader"},
    [PROGRAM_WHOLE] = {RUMP_TOOL_LIBEXEC "/rump-whole", "rump-whole",
	"rump-whole"},
};

char *
program_path(enum program which)
{
	char self[PATH_MAX] = "/", *path, *slash;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	size_t i;

	if (n > 0) {
		self[n] = '\0';
		if ((slash = strrchr(self, '/')) != NULL)
			*slash = '\0';
	}
	for (i = 0; i < nitems(places[which]); i++) {
		path = tool_path(self, places[which][i]);
		if (access(path, R_OK) == 0)
			return path;
		free(path);
	}
	return tool_path(self, places[which][0]);
}
