/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the programs are that this one starts.
 */
#include "cmd/rump/programs.h"

#include <limits.h>

#include "cmd/rump/tool.h"

/* From the directory of this program: installed, and where it is built. */
static const char *const places[][2] = {
    [PROGRAM_SERVER] = {RUMP_TOOL_LIBEXEC "/rump-kernel",
	"../rump_server/rump-kernel"},
    [PROGRAM_LOADER] = {RUMP_TOOL_LIBEXEC "/rump-loader",
	"../../hijack/rump-loader"},
    [PROGRAM_ARCHIVE] = {RUMP_TOOL_LIBEXEC "/rump-archive.so",
	"rump-archive.so"},
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
