/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * librumphijack: brings the engine into a program that the host has started.
 *
 * A net that catches all calls must be there before the first one, and the
 * engine maps what it runs.  So the library, whose constructor is the first
 * thing that runs, does not stay: it executes the program once more, by the
 * loader and with the rules in the control page.  What that program starts has
 * the engine from the host; this library finds it there then, and does nothing.
 */
#include "hijack/preload/preload.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hijack/launch/launch.h"
#include "proxy/url.h"

void
preload_fail(const char *format, ...)
{
	char text[2 * PATH_MAX];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (n > 0)
		(void)dprintf(STDERR_FILENO, "librumphijack: %s\n", text);
	_exit(1);
}

/* Beside this library, as installed and as built. */
static void
loader_find(char path[PATH_MAX])
{
	static const char *const places[] = {
	    RUMPHIJACK_LIBEXEC "/rump-loader", "rump-loader"};
	char self[PATH_MAX];
	const char *slash;
	Dl_info info;

	if (dladdr((void *)(uintptr_t)loader_find, &info) == 0 ||
	    realpath(info.dli_fname, self) == NULL)
		preload_fail("it does not know where it is");
	slash = strrchr(self, '/');
	for (size_t i = 0; i < 2; i++) {
		if (snprintf(path, PATH_MAX, "%.*s/%s", (int)(slash - self),
			self, places[i]) < PATH_MAX &&
		    access(path, X_OK) == 0)
			return;
	}
	preload_fail("%.*s/%s: %s; it belongs to the installation",
	    (int)(slash - self), self, places[0], strerror(errno));
}

/* How the program was found, if that is still what it is. */
static void
program_find(char path[PATH_MAX])
{
	const char *name = (const char *)getauxval(AT_EXECFN);
	struct stat named, self;
	ssize_t n;

	if (stat("/proc/self/exe", &self) == 0 && name != NULL &&
	    strlen(name) < PATH_MAX && stat(name, &named) == 0 &&
	    named.st_dev == self.st_dev && named.st_ino == self.st_ino) {
		strcpy(path, name);
		return;
	}
	n = readlink("/proc/self/exe", path, PATH_MAX - 1);
	if (n <= 0)
		preload_fail("it does not know the program: %s",
		    n == 0 ? "it has no name" : strerror(errno));
	path[n] = '\0';
}

/* Where the server is: programs go to other directories. */
static void
server_find(char server[HJ_SERVER])
{
	const char *text = getenv("RUMP_SERVER");
	char cwd[PATH_MAX] = "", path[2 * PATH_MAX];
	struct url url;

	if (text == NULL)
		preload_fail("RUMP_SERVER does not say where the server is");
	if (url_parse(text, &url) != 0)
		preload_fail("RUMP_SERVER=%s: no name of a server", text);
	if (url.u_kind != URL_UNIX)
		preload_fail("RUMP_SERVER=%s: programs can be hijacked to "
			     "servers on this machine only: unix://",
		    text);
	if (url.u_path[0] != '/') {
		if (getcwd(cwd, sizeof(cwd)) == NULL)
			preload_fail("the current directory is not known: %s",
			    strerror(errno));
		strcat(cwd, "/");
	}
	if (snprintf(path, sizeof(path), "%s%s", cwd, url.u_path) >= HJ_SERVER)
		preload_fail("RUMP_SERVER=%s: the path is too long", text);
	strcpy(server, path);
}

/* Whether the engine is here already. */
static bool
engine_ishere(void)
{
	switch (prctl(HJ_PRCTL, 0, 0, 0, 0)) {
	case HJ_PRCTL_RULES:
		return true;
	case -1:
		return false;
	default:
		preload_fail("what runs in a world of rump run cannot be "
			     "hijacked");
	}
}

static __attribute__((constructor)) void
preload(int argc, char **argv, char **envp)
{
	char loader[PATH_MAX], program[PATH_MAX];
	struct hj_control *control;
	struct hj_rules rules;
	const char **args;
	int error;

	(void)argc;
	/* The C library may begin after us. */
	environ = envp;
	if (engine_ishere() || !rules_parse(&rules, getenv("RUMPHIJACK"),
				   getenv("RUMPHIJACK_RETRYCONNECT")))
		return;
	loader_find(loader);
	program_find(program);
	error = hijack_init(loader, &control);
	if (error != 0)
		preload_fail(
		    "programs cannot be intercepted: %s", strerror(error));
	control->hc_rules = rules;
	server_find(control->hc_server);
	control->hc_umask = umask(0);
	(void)umask(control->hc_umask);
	args = hijack_args(control, program, argv);
	error = args == NULL ? ENOMEM : hijack_exec(control, args);
	preload_fail("%s: %s", program, strerror(error));
}
