/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs a program through the engine, and ends as it ended.
 *
 * usage: run [-n] [-r FILE] [-k SOCKET [-C ROOT] [-d DIRECTORY] [-u USER]]
 *	LOADER PROGRAM [ARGUMENT ...]
 *
 *	-n  patch nothing: each call comes by a signal
 *	-r  a report of the calls, in a file
 *	-k  names and files are those of the rump kernel at this socket,
 *	    from a root and a directory in that
 */
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hijack/launch/launch.h"

static void
end_as(int status)
{
	struct rlimit none = {0, 0};

	if (WIFSIGNALED(status)) {
		setrlimit(RLIMIT_CORE, &none);
		signal(WTERMSIG(status), SIG_DFL);
		raise(WTERMSIG(status));
	}
	exit(WEXITSTATUS(status));
}

struct options {
	const char *report;
	const char *server, *root, *directory;
	uid_t user;
	int nopatch;
};

static int
options_get(int argc, char **argv, struct options *o)
{
	int opt;

	while ((opt = getopt(argc, argv, "+nr:k:C:d:u:")) != -1) {
		if (opt == 'n')
			o->nopatch = 1;
		else if (opt == 'r')
			o->report = optarg;
		else if (opt == 'k')
			o->server = optarg;
		else if (opt == 'C')
			o->root = optarg;
		else if (opt == 'd')
			o->directory = optarg;
		else if (opt == 'u')
			o->user = (uid_t)atoi(optarg);
		else
			return -1;
	}
	return argc - optind < 2 ? -1 : 0;
}

static void
control_set(struct hj_control *c, const struct options *o)
{
	c->hc_nopatch = (uint32_t)o->nopatch;
	snprintf(c->hc_server, sizeof(c->hc_server), "%s", o->server);
	snprintf(c->hc_root, sizeof(c->hc_root), "%s", o->root);
	snprintf(c->hc_cwd, sizeof(c->hc_cwd), "%s", o->directory);
	c->hc_uid = o->user;
	c->hc_gid = o->user;
	c->hc_umask = 022;
}

int
main(int argc, char **argv)
{
	struct options o = {.server = "", .root = "", .directory = ""};
	struct hj_control *control;
	int error, status;
	FILE *to;
	pid_t pid;

	if (options_get(argc, argv, &o) != 0)
		errx(2, "usage: run [-n] [-r FILE] [-k SOCKET [-C ROOT] "
			"[-d DIRECTORY] [-u USER]] LOADER PROGRAM [...]");
	error = hijack_init(argv[optind], &control);
	if (error != 0)
		errx(2, "%s", strerror(error));
	control_set(control, &o);
	pid = fork();
	if (pid == 0) {
		error = hijack_execvp(control, argv + optind + 1);
		warnx("%s: %s", argv[optind + 1], strerror(error));
		_exit(error == ENOENT ? 127 : 126);
	}
	if (pid < 0)
		err(2, "fork");
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
	}
	if (o.report != NULL) {
		to = fopen(o.report, "w");
		if (to == NULL)
			err(2, "%s", o.report);
		hijack_report(control, to);
		fclose(to);
	}
	end_as(status);
}
