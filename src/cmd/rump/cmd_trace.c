/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rump trace: what processes do, as it happens.
 *
 * The kernel writes events to a file of its own, which this reads as it grows
 * and whose beginning it gives back, so that a long trace takes no memory.
 */
#include <fcntl.h>
#include <signal.h>
#include <time.h>

#include <rump/rump_trace.h>

#include "cmd/rump/tool.h"

#define ALL_POINTS                                                  \
	(RUMP_KTRFAC_SYSCALL | RUMP_KTRFAC_PSIG | RUMP_KTRFAC_CSW | \
	    RUMP_KTRFAC_USER)
#define READ_SIZE 65536
#define PAUSE	  50000000  /* nanoseconds, when there is nothing new */
#define DISCARD	  (1 << 20) /* what has been read is given back in such parts */

enum { OPT_PERFETTO = 256 };

static const struct option_desc options[] = {
    {'f', "follow", NULL, "also its descendants, and those to come"},
    {'c', "calls", NULL, "calls and ends, but no switches and signals"},
    {'o', "output", "FILE", "of the host, instead of standard output"},
    {OPT_PERFETTO, "perfetto", NULL, "in Perfetto's format; with -o"},
    {0},
};

struct trace {
	bool t_all, t_follow;
	int t_points;
	pid_t t_pid;
	char t_path[64]; /* of the kernel's file */
	int t_fd;	 /* it is open */
	off_t t_read, t_discarded;
};

static volatile sig_atomic_t stop;

static void
on_signal(int signo)
{
	(void)signo;
	stop = 1;
}

/* The file, which nobody else can read. */
static int
trace_open(struct trace *t)
{
	unsigned long id = 0;

	(void)rump_sys_getrandom(&id, sizeof(id), 0);
	(void)snprintf(
	    t->t_path, sizeof(t->t_path), "/tmp/.rump-trace-%lx", id);
	t->t_fd = rump_sys_open(
	    t->t_path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return t->t_fd == -1 ? complain_errno(t->t_path) : STATUS_OK;
}

static int
trace_begin(struct trace *t)
{
	int ops = RUMP_KTROP_SET, points = t->t_points;

	if (t->t_all || t->t_follow) {
		/* What this tool does is of no interest. */
		ops |= RUMP_KTRFLAG_DESCEND | RUMP_KTRFLAG_OTHERS;
		points |= RUMP_KTRFAC_INHERIT;
	}
	if (rump_sys_ktrace(t->t_path, ops, points, t->t_pid) == -1) {
		if (errno == ESRCH)
			complain("%d: no such process", (int)t->t_pid);
		else
			(void)complain_errno("the process");
		return STATUS_FAILED;
	}
	return STATUS_OK;
}

static void
trace_end(struct trace *t)
{
	(void)rump_sys_ktrace(t->t_path, RUMP_KTROP_CLEARFILE, 0, 0);
	(void)rump_sys_unlink(t->t_path);
}

/* All that is new: how much; -1 and errno. */
static ssize_t
trace_copy(struct trace *t, FILE *out)
{
	static char buf[READ_SIZE];
	ssize_t n = rump_sys_pread(t->t_fd, buf, sizeof(buf), t->t_read);

	if (n <= 0)
		return n;
	if (fwrite(buf, 1, (size_t)n, out) != (size_t)n)
		return -1;
	t->t_read += n;
	if (t->t_read - t->t_discarded >= DISCARD) {
		(void)rump_sys_fdiscard(
		    t->t_fd, t->t_discarded, t->t_read - t->t_discarded);
		t->t_discarded = t->t_read;
	}
	return n;
}

/* Is there still something that is traced? */
static bool
trace_alive(const struct trace *t)
{
	return t->t_all || t->t_follow || rump_sys_getpgid(t->t_pid) != -1;
}

static int
trace_loop(struct trace *t, FILE *out)
{
	static const struct timespec pause = {.tv_nsec = PAUSE};
	bool last = false;
	ssize_t n;

	for (;;) {
		/* Asked before: what it did last is still to come. */
		if (!last)
			last = stop || !trace_alive(t);
		if (last && t->t_path[0] != '\0') {
			trace_end(t);
			t->t_path[0] = '\0';
		}
		while ((n = trace_copy(t, out)) > 0)
			continue;
		if (n == -1)
			return complain_errno("trace");
		if (fflush(out) != 0)
			return STATUS_FAILED;
		if (last)
			return STATUS_OK;
		(void)nanosleep(&pause, NULL);
	}
}

static int
trace_do(struct trace *t, FILE *out)
{
	struct sigaction sa = {.sa_handler = on_signal};
	int status;

	/* The file goes, also if nobody takes the output any more. */
	(void)sigaction(SIGINT, &sa, NULL);
	(void)sigaction(SIGTERM, &sa, NULL);
	sa.sa_handler = SIG_IGN;
	(void)sigaction(SIGPIPE, &sa, NULL);
	if ((status = trace_open(t)) != STATUS_OK)
		return status;
	if ((status = trace_begin(t)) == STATUS_OK)
		status = trace_loop(t, out);
	if (t->t_path[0] != '\0')
		trace_end(t);
	(void)rump_sys_close(t->t_fd);
	return status;
}

static int
trace_output(struct trace *t, const char *file)
{
	FILE *out = stdout;
	int status;

	if (file != NULL && (out = fopen(file, "we")) == NULL)
		return complain_errno(file);
	status = trace_do(t, out);
	if (file != NULL && fclose(out) != 0)
		status = complain_errno(file);
	return status;
}

static int
trace_run(const struct command *self, int argc, char **argv)
{
	struct trace t = {.t_points = ALL_POINTS};
	const char *file = NULL;
	bool perfetto = false;
	uint64_t pid;
	int opt;

	while ((opt = command_getopt(self, argc, argv)) != -1)
		switch (opt) {
		case 'f':
			t.t_follow = true;
			break;
		case 'c':
			t.t_points = RUMP_KTRFAC_SYSCALL | RUMP_KTRFAC_USER;
			break;
		case 'o':
			file = optarg;
			break;
		case OPT_PERFETTO:
			perfetto = true;
			break;
		default:
			return STATUS_USAGE;
		}
	if (argc - optind != 1)
		return command_usage(self, "wants a process id, or all");
	if (perfetto && file == NULL)
		return command_usage(self, "--perfetto wants -o");
	t.t_all = strcmp(argv[optind], "all") == 0;
	if (t.t_all)
		pid = 1;
	else if (!parse_number(argv[optind], INT32_MAX, &pid))
		return command_usage(self, "%s is no process id", argv[optind]);
	t.t_pid = (pid_t)pid;
	t.t_points |= perfetto ? RUMP_KTRFAC_PERFETTO : 0;
	return trace_output(&t, file);
}

static struct command trace = {
    .c_name = "trace",
    .c_args = "[-fc] [--perfetto] [-o FILE] PID | all",
    .c_brief = "show what processes do, as it happens",
    .c_help =
	"Prints each call of a process, or of all, with arguments and "
	"result, switches, signals and ends, until the process has gone or "
	"this is interrupted. The format is in rump_trace(7). Who is traced "
	"already is not traced to where it was.",
    .c_options = options,
    .c_complete = COMPLETE_PID,
    .c_run = trace_run,
};
COMMAND(trace)
