/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs a program through the engine, and ends as it ended.
 *
 * usage: run [-n] [-r FILE] LOADER PROGRAM [ARGUMENT ...]
 *
 *	-n  patch nothing: each call comes by a signal
 *	-r  a report of the calls, in a file
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

int
main(int argc, char **argv)
{
	struct hj_control *control;
	const char *report = NULL;
	int error, opt, patch = 1, status;
	FILE *to;
	pid_t pid;

	while ((opt = getopt(argc, argv, "+nr:")) != -1) {
		if (opt == 'n')
			patch = 0;
		else if (opt == 'r')
			report = optarg;
		else
			return 2;
	}
	if (argc - optind < 2)
		errx(2, "usage: run [-n] [-r FILE] LOADER PROGRAM [...]");
	error = hijack_init(argv[optind], &control);
	if (error != 0)
		errx(2, "%s", strerror(error));
	control->hc_nopatch = !patch;
	pid = fork();
	if (pid == 0) {
		error = hijack_exec(control, argv + optind + 1);
		warnx("%s: %s", argv[optind + 1], strerror(error));
		_exit(error == ENOENT ? 127 : 126);
	}
	if (pid < 0)
		err(2, "fork");
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
	}
	if (report != NULL) {
		to = fopen(report, "w");
		if (to == NULL)
			err(2, "%s", report);
		hijack_report(control, to);
		fclose(to);
	}
	end_as(status);
}
