/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rump_server: a kernel for remote clients.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_component.h>
#include <rump/rump_server.h>
#include <rump/rump_syscalls.h>

#include "drive.h"
#include "setup.h"

static const char usage_text[] =
    "usage: rump_server [-sv] [-l library] [-m component]\n"
    "                   [-d key=K,hostpath=H,size=N|host[,type=T][,offset=O]]\n"
    "                   [--mkdir path] [--mount type:on:ro|rw[:options]]\n"
    "                   [--root-from user] [--host-pids] [--grace seconds]\n"
    "                   [--hello seconds] [--lwps number]"
    " [--max-calls number]\n"
    "                   [--max-files number] [--max-memory bytes]"
    " [--users file]\n"
    "                   [--tls-cert file] [--tls-key file] [--tls-ca file]\n"
    "                   [--plain] [--listening descriptor]"
    " [--spin microseconds]\n"
    "                   [--notify descriptor] url\n";

enum {
	OPT_ROOT = 256,
	OPT_PIDS,
	OPT_GRACE,
	OPT_HELLO,
	OPT_LWPS,
	OPT_CALLS,
	OPT_FILES,
	OPT_MEMORY,
	OPT_USERS,
	OPT_CERT,
	OPT_KEY,
	OPT_CA,
	OPT_PLAIN,
	OPT_LISTENING,
	OPT_SPIN,
	OPT_NOTIFY,
	OPT_MKDIR,
	OPT_MOUNT,
};

static const struct option long_options[] = {
    {"root-from", required_argument, NULL, OPT_ROOT},
    {"host-pids", no_argument, NULL, OPT_PIDS},
    {"grace", required_argument, NULL, OPT_GRACE},
    {"hello", required_argument, NULL, OPT_HELLO},
    {"lwps", required_argument, NULL, OPT_LWPS},
    {"max-calls", required_argument, NULL, OPT_CALLS},
    {"max-files", required_argument, NULL, OPT_FILES},
    {"max-memory", required_argument, NULL, OPT_MEMORY},
    {"users", required_argument, NULL, OPT_USERS},
    {"tls-cert", required_argument, NULL, OPT_CERT},
    {"tls-key", required_argument, NULL, OPT_KEY},
    {"tls-ca", required_argument, NULL, OPT_CA},
    {"plain", no_argument, NULL, OPT_PLAIN},
    {"listening", required_argument, NULL, OPT_LISTENING},
    {"spin", required_argument, NULL, OPT_SPIN},
    {"notify", required_argument, NULL, OPT_NOTIFY},
    {"mkdir", required_argument, NULL, OPT_MKDIR},
    {"mount", required_argument, NULL, OPT_MOUNT},
    {NULL, 0, NULL, 0},
};

static struct {
	struct drive *o_drives;
	size_t o_ndrives;
	const char **o_modules;
	size_t o_nmodules;
	struct rump_server_tcp o_tcp;
	bool o_foreground;
	int o_notify;
} options = {.o_notify = -1};

/* In a line, also if it is the child of who waits for us to boot. */
static _Noreturn void
die(const char *what, const char *why)
{
	fprintf(stderr, "rump_server: %s: %s\n", what, why);
	(void)rump_daemonize_done(RUMP_DAEMONIZE_TOLD);
	exit(1);
}

/* Of an argument that makes no sense. */
static _Noreturn void
misuse(const char *what, const char *why)
{
	fprintf(stderr, "rump_server: %s: %s\n", what, why);
	exit(2);
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
		misuse(text, why);
}

static void
add_module(const char *path)
{
	const char **modules;

	modules = realloc(
	    options.o_modules, (options.o_nmodules + 1) * sizeof(*modules));
	if (modules == NULL)
		die(path, strerror(ENOMEM));
	options.o_modules = modules;
	modules[options.o_nmodules++] = path;
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
		misuse(text, "is no number that can be used here");
	return n;
}

static void
allow_root(const char *text)
{
	const struct passwd *pw = getpwnam(text);
	uid_t uid;
	int error;

	if (pw == NULL && (*text < '0' || *text > '9'))
		misuse(text, "is no user");
	uid = pw != NULL ? pw->pw_uid : (uid_t)number(text, UINT_MAX - 1);
	if ((error = rump_server_allowroot(uid)) != 0)
		misuse(text, strerror(error));
}

/* A limit that an option's argument says. */
static void
set_limit(enum rump_server_limit which, const char *text)
{
	unsigned long value;

	if (which == RUMP_SERVER_MEMORY) {
		uint64_t bytes;

		if (drive_bytes(text, &bytes) != 0)
			misuse(text, "is no number of bytes");
		value = (unsigned long)bytes;
	} else
		value = number(text, UINT_MAX);
	if (rump_server_limit(which, value) != 0)
		misuse(text, "is no number that can be used here");
}

static bool
option_limit(int c)
{
	static const struct {
		int option;
		enum rump_server_limit limit;
	} limits[] = {
	    {OPT_GRACE, RUMP_SERVER_GRACE},
	    {OPT_HELLO, RUMP_SERVER_HELLO},
	    {OPT_LWPS, RUMP_SERVER_LWPS},
	    {OPT_CALLS, RUMP_SERVER_CALLS},
	    {OPT_FILES, RUMP_SERVER_FILES},
	    {OPT_MEMORY, RUMP_SERVER_MEMORY},
	    {OPT_LISTENING, RUMP_SERVER_LISTENING},
	    {OPT_SPIN, RUMP_SERVER_SPIN},
	};
	size_t i;

	for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		if (limits[i].option == c) {
			set_limit(limits[i].limit, optarg);
			return true;
		}
	return false;
}

/* What clients are to find there. */
static bool
option_setup(int c)
{
	const char *why;

	if (c != OPT_MKDIR && c != OPT_MOUNT)
		return false;
	why = c == OPT_MKDIR ? setup_mkdir(optarg) : setup_mount(optarg);
	if (why != NULL)
		misuse(optarg, why);
	return true;
}

/* What only servers for clients from elsewhere have. */
static bool
option_tcp(int c)
{
	switch (c) {
	case OPT_USERS:
		options.o_tcp.rst_users = optarg;
		return true;
	case OPT_CERT:
		options.o_tcp.rst_cert = optarg;
		return true;
	case OPT_KEY:
		options.o_tcp.rst_key = optarg;
		return true;
	case OPT_CA:
		options.o_tcp.rst_ca = optarg;
		return true;
	case OPT_PLAIN:
		options.o_tcp.rst_plain = 1;
		return true;
	default:
		return false;
	}
}

static void
option(int c)
{
	if (option_tcp(c) || option_setup(c) || option_limit(c))
		return;
	switch (c) {
	case 'd':
		add_drive(optarg);
		break;
	case 'l':
		if (dlopen(optarg, RTLD_LAZY | RTLD_GLOBAL) == NULL)
			die(optarg, dlerror());
		break;
	case 'm':
		add_module(optarg);
		break;
	case 's':
		options.o_foreground = true;
		break;
	case 'v':
		set_limit(RUMP_SERVER_VERBOSE, "1");
		rump_boot_sethowto(RUMP_AB_VERBOSE);
		break;
	case OPT_ROOT:
		allow_root(optarg);
		break;
	case OPT_PIDS:
		set_limit(RUMP_SERVER_HOSTPIDS, "1");
		break;
	case OPT_NOTIFY:
		options.o_notify = (int)number(optarg, INT_MAX);
		if (fcntl(options.o_notify, F_GETFD) == -1)
			misuse(optarg, "is no descriptor that is open");
		break;
	default:
		usage();
	}
}

/*
 * Start
 */

/* The first drive or component that cannot be had is in *whatp then. */
static int
register_drives(const char **whatp)
{
	size_t i;
	int error = 0;

	for (i = 0; i < options.o_ndrives && error == 0; i++) {
		const struct drive *d = &options.o_drives[i];

		*whatp = d->d_hostpath;
		error = rump_pub_etfs_register_withsize(
		    d->d_key, d->d_hostpath, d->d_type, d->d_offset, d->d_size);
	}
	return error;
}

static int
load_modules(const char **whatp)
{
	size_t i;

	for (i = 0; i < options.o_nmodules; i++) {
		struct rump_modctl_load ml = {
		    .ml_filename = options.o_modules[i]};

		*whatp = ml.ml_filename;
		if (rump_sys_modctl(RUMP_MODCTL_LOAD, &ml) == -1)
			return errno;
	}
	return 0;
}

static bool
is_far(const char *url)
{
	return strncmp(url, "tcp", 3) == 0;
}

/* Options that go with the URL. */
static void
check_tcp(const char *url)
{
	const struct rump_server_tcp *st = &options.o_tcp;

	if (is_far(url) && st->rst_users == NULL && !st->rst_plain)
		misuse(url,
		    "--users is wanted, or --plain for this machine alone");
	if (!is_far(url) && (st->rst_users != NULL || st->rst_plain))
		misuse(url, "--users and --plain are for tcp://");
}

/* In words, where there are better ones than the errno's. */
static void
explain(const char *url, int error, char *why, size_t size)
{
	if (error == EACCES && is_far(url) && options.o_tcp.rst_plain)
		(void)snprintf(why, size,
		    "--plain is for addresses of this machine alone");
	else if (error == EINVAL)
		(void)snprintf(why, size,
		    "is no unix://path, tcp://address:port in figures, or "
		    "tcp6://[address]:port");
}

static int
start(const char *url, const char **whatp, char *why, size_t size)
{
	int error;

	*whatp = url;
	/* Clients are to find the drives and the components' devices. */
	if ((error = rump_init()) != 0 ||
	    (error = register_drives(whatp)) != 0 ||
	    (error = load_modules(whatp)) != 0 ||
	    (error = setup_run(whatp)) != 0)
		return error;
	*whatp = url;
	if (is_far(url) &&
	    (error = rump_server_settcp(&options.o_tcp, why, size)) != 0)
		return error;
	error = rump_init_server(url);
	explain(url, error, why, size);
	return error;
}

/* Who started us waits for a byte: clients can connect now. */
static void
notify(int fd)
{
	if (write(fd, "", 1) != 1 || close(fd) != 0)
		die("--notify", strerror(errno));
}

int
main(int argc, char *argv[])
{
	const char *what;
	char why[256] = "";
	sigset_t ends;
	int c, error, signo;

	while ((c = getopt_long(argc, argv, "+d:l:m:sv", long_options, NULL)) !=
	       -1)
		option(c);
	if (argc - optind != 1)
		usage();
	check_tcp(argv[optind]);
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	/* What is too long for the host is an error of who wanted it. */
	(void)signal(SIGXFSZ, SIG_IGN);
	if (!options.o_foreground && (error = rump_daemonize_begin()) != 0)
		die("cannot detach", strerror(error));
	error = start(argv[optind], &what, why, sizeof(why));
	if (error != 0)
		die(what, why[0] != '\0' ? why : strerror(error));
	/* What is wrong with that, who waits has said. */
	if (!options.o_foreground &&
	    rump_daemonize_done(RUMP_DAEMONIZE_SUCCESS) != 0)
		return 1;
	if (options.o_notify != -1)
		notify(options.o_notify);
	while (sigwait(&ends, &signo) != 0)
		continue;
	rump_sys_reboot(RUMP_RB_HALT, NULL);
	return 1;
}
