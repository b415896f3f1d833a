/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The same random calls on files, here and on the host's tmpfs: each result,
 * errno, byte and attribute must agree, and the trees after each call.
 *
 *	vfs [--seed N] [--count N] [--calls N] [--fs TYPE [--data TEXT]]
 *	    [--no-atime] [--layer N] [--verbose] [FILE ...]
 *	vfs [--fs TYPE [--data TEXT]] [--no-atime] [--layer N] --replay FILE
 *
 * Does what is in the files, each a sequence that once went wrong, then
 * `count' random sequences of `calls' calls, from a seed that is always the
 * same.  --replay does a file and nothing else.  What differs is printed, made
 * as short as possible, in the form that the files have.  --fs mounts another
 * file system for the kernel's side than the one that is its root, --data is
 * its options: "--fs overlay --data lower=/dev,upper=/tmp".  --no-atime does
 *not compare access times, which on hostfs the host alone sets: "--fs hostfs
 * --data path=/dev/shm/empty --no-atime".  --layer has what a sequence's first
 *N calls have made be the lower layer of an overlay for the rest of them.
 *
 * The host's side wants a namespace of its own; where there is none, nothing
 * is compared.
 */
#include <sys/time.h>

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vfs.h"

#define STUCK 20 /* seconds */

static struct sequence sequence;
static uint64_t seed = 1;
static int count = 150, ncalls = 150;
static const char *replay, *fstype, *fsdata = "";

void
fatal(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, "vfs: ");
	(void)vfprintf(stderr, fmt, ap);
	fprintf(stderr, "\n");
	va_end(ap);
	_exit(2);
}

static void
sequence_print(FILE *f)
{
	for (int i = 0; i < sequence.q_count; i++)
		call_print(f, &sequence.q_call[i]);
}

/* Another call must have begun since the last time. */
static void
on_alarm(int sig)
{
	static const char *last;
	static unsigned long last_count;

	(void)sig;
	if (last == doing && last_count == doing_count) {
		fprintf(stderr, "vfs: stuck: %s\n", doing);
		if (doing_call != NULL)
			call_print(stderr, doing_call);
		sequence_print(stderr);
		/* Of a host that sticks nothing is learnt about the kernel. */
		_exit(strcmp(doing, "host") == 0 ? 77 : 1);
	}
	last = doing;
	last_count = doing_count;
}

/* The kernel ends the process: say in which call. */
static void
on_abort(int sig)
{
	fprintf(stderr, "vfs: signal %d, %s\n", sig, doing ? doing : "");
	sequence_print(stderr);
	(void)signal(sig, SIG_DFL);
	(void)raise(sig);
}

static void
watch(void)
{
	struct itimerval it = {{STUCK, 0}, {STUCK, 0}};

	(void)signal(SIGALRM, on_alarm);
	(void)signal(SIGABRT, on_abort);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)setitimer(ITIMER_REAL, &it, NULL);
}

static bool
failed(const char *what)
{
	fprintf(stderr, "vfs: %s differs; as short as it gets:\n", what);
	sequence_shrink(&sequence);
	sequence_print(stderr);
	(void)sequence_run(&sequence, 0);
	return false;
}

static bool
run_file(const char *name)
{
	FILE *f = fopen(name, "re");
	char line[1024];

	if (f == NULL)
		fatal("%s: %s", name, strerror(errno));
	sequence.q_count = 0;
	while (fgets(line, sizeof(line), f) != NULL) {
		if (line[0] == '#' || line[0] == '\n')
			continue;
		if (sequence.q_count == MAXCALLS)
			fatal("%s: too long", name);
		if (!call_parse(line, &sequence.q_call[sequence.q_count++]))
			fatal("%s: not a call: %s", name, line);
	}
	(void)fclose(f);
	return sequence_run(&sequence, 0) || failed(name);
}

static bool
run_random(int number)
{
	char what[64];

	rng = (seed + (uint64_t)number) * UINT64_C(0x9e3779b97f4a7c15) + 1;
	sequence.q_count = 0;
	if (sequence_run(&sequence, ncalls))
		return true;
	(void)snprintf(what, sizeof(what), "--seed %llu",
	    (unsigned long long)seed + (unsigned)number);
	return failed(what);
}

static void
options(int argc, char **argv)
{
	static const struct option opts[] = {
	    {"seed", required_argument, NULL, 's'},
	    {"count", required_argument, NULL, 'n'},
	    {"calls", required_argument, NULL, 'c'},
	    {"replay", required_argument, NULL, 'r'},
	    {"fs", required_argument, NULL, 'f'},
	    {"data", required_argument, NULL, 'd'},
	    {"no-atime", no_argument, NULL, 'a'},
	    {"layer", required_argument, NULL, 'l'},
	    {"verbose", no_argument, NULL, 'v'},
	    {NULL, 0, NULL, 0},
	};
	int o;

	while ((o = getopt_long(argc, argv, "", opts, NULL)) != -1) {
		switch (o) {
		case 's':
			seed = strtoull(optarg, NULL, 0);
			break;
		case 'n':
			count = (int)strtol(optarg, NULL, 0);
			break;
		case 'c':
			ncalls = (int)strtol(optarg, NULL, 0);
			break;
		case 'r':
			replay = optarg;
			break;
		case 'f':
			fstype = optarg;
			break;
		case 'd':
			fsdata = optarg;
			break;
		case 'l':
			layer_at = (int)strtol(optarg, NULL, 0);
			break;
		case 'a':
			noatime = true;
			break;
		case 'v':
			verbose = true;
			break;
		default:
			exit(2);
		}
	}
	if (ncalls > MAXCALLS)
		ncalls = MAXCALLS;
}

int
main(int argc, char **argv)
{
	bool ok = true;
	int error;

	options(argc, argv);
	if ((error = host_start()) != 0) {
		fprintf(stderr, "vfs: skipped: no namespace: %s\n",
		    strerror(error));
		host_stop();
		return 77;
	}
	/* A character device 0:0 cannot be made there: it is a whiteout. */
	if (layer_at > 0 || (fstype != NULL && strcmp(fstype, "overlay") == 0))
		hostrules.hr_devices = false;
	rump_start(fstype, fsdata);
	watch();
	if (replay != NULL)
		ok = run_file(replay);
	else {
		for (int i = optind; i < argc; i++)
			ok = run_file(argv[i]) && ok;
		for (int i = 0; i < count && ok; i++)
			ok = run_random(i);
	}
	host_stop();
	return ok ? 0 : 1;
}
