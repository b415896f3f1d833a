/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rump_server: a kernel for remote clients.
 */
#include <dlfcn.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rump/rump.h>
#include <rump/rump_server.h>
#include <rump/rump_syscalls.h>

#include "drive.h"

static const char usage_text[] =
    "usage: rump_server [-sv] [-l library] [-d key=K,hostpath=H,size=N|host"
    "[,type=T][,offset=O]]\n"
    "                   [--root-from user] [--host-pids] [--grace seconds]"
    " [--lwps number] url\n";

enum { OPT_ROOT = 256, OPT_PIDS, OPT_GRACE, OPT_LWPS };

static const struct option long_options[] = {
    {"root-from", required_argument, NULL, OPT_ROOT},
    {"host-pids", no_argument, NULL, OPT_PIDS},
    {"grace", required_argument, NULL, OPT_GRACE},
    {"lwps", required_argument, NULL, OPT_LWPS},
    {NULL, 0, NULL, 0},
};

static struct {
	struct drive *o_drives;
	size_t o_ndrives;
	bool o_foreground;
} options;

static _Noreturn void
die(const char *what, const char *why)
{
	fprintf(stderr, "rump_server: %s: %s\n", what, why);
	exit(1);
}

static _Noreturn void
usage(void)
{
	fputs(usage_text, stderr);
	exit(2);
}

/*
 * Options
 */

static void
add_drive(char *text)
{
	char *copy = strdup(text);
	const char *why;
	struct drive *d;

	d = realloc(options.o_drives, (options.o_ndrives + 1) * sizeof(*d));
	if (copy == NULL || d == NULL)
		die(text, strerror(ENOMEM));
	options.o_drives = d;
	if ((why = drive_parse(copy, &d[options.o_ndrives++])) != NULL)
		die(text, why);
}

static unsigned long
number(const char *text, unsigned long most)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (end == text || *end != '\0' || *text == '-' || errno != 0 ||
	    n > most)
		die(text, "is no number that can be used here");
	return n;
}

static void
allow_root(const char *text)
{
	const struct passwd *pw = getpwnam(text);
	uid_t uid = pw != NULL ? pw->pw_uid : (uid_t)number(text, UINT_MAX - 1);
	int error = rump_server_allowroot(uid);

	if (error != 0)
		die(text, strerror(error));
}

static void
set_limit(enum rump_server_limit which, unsigned long value)
{
	int error = rump_server_limit(which, value);

	if (error != 0)
		die("option", strerror(error));
}

static void
option(int c)
{
	switch (c) {
	case 'd':
		add_drive(optarg);
		break;
	case 'l':
		if (dlopen(optarg, RTLD_LAZY | RTLD_GLOBAL) == NULL)
			die(optarg, dlerror());
		break;
	case 's':
		options.o_foreground = true;
		break;
	case 'v':
		set_limit(RUMP_SERVER_VERBOSE, 1);
		rump_boot_sethowto(RUMP_AB_VERBOSE);
		break;
	case OPT_ROOT:
		allow_root(optarg);
		break;
	case OPT_PIDS:
		set_limit(RUMP_SERVER_HOSTPIDS, 1);
		break;
	case OPT_GRACE:
		set_limit(RUMP_SERVER_GRACE, number(optarg, INT_MAX));
		break;
	case OPT_LWPS:
		set_limit(RUMP_SERVER_LWPS, number(optarg, UINT_MAX));
		break;
	default:
		usage();
	}
}

/*
 * Start
 */

/* The error of the first one that cannot be had. */
static int
register_drives(void)
{
	size_t i;
	int error = 0;

	for (i = 0; i < options.o_ndrives && error == 0; i++) {
		const struct drive *d = &options.o_drives[i];

		error = rump_pub_etfs_register_withsize(
		    d->d_key, d->d_hostpath, d->d_type, d->d_offset, d->d_size);
		if (error != 0)
			fprintf(stderr, "rump_server: %s: %s\n", d->d_hostpath,
			    strerror(error));
	}
	return error;
}

static int
start(const char *url)
{
	int error;

	/* Clients are to find the drives. */
	if ((error = rump_init()) != 0 || (error = register_drives()) != 0)
		return error;
	return rump_init_server(url);
}

int
main(int argc, char *argv[])
{
	sigset_t ends;
	int c, error, signo;

	while (
	    (c = getopt_long(argc, argv, "+d:l:sv", long_options, NULL)) != -1)
		option(c);
	if (argc - optind != 1)
		usage();
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	if (!options.o_foreground && (error = rump_daemonize_begin()) != 0)
		die("cannot detach", strerror(error));
	error = start(argv[optind]);
	if (!options.o_foreground)
		rump_daemonize_done(error);
	if (error != 0)
		die(argv[optind], strerror(error));
	while (sigwait(&ends, &signo) != 0)
		continue;
	rump_sys_reboot(RUMP_RB_HALT, NULL);
	return 1;
}
