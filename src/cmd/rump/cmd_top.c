/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rump top: processes and memory, live.
 */
#include <sys/ioctl.h>

#include <poll.h>
#include <signal.h>
#include <termios.h>
#include <time.h>

#include "cmd/rump/procs.h"

enum { OPT_JSON = 256 };

static const struct option_desc options[] = {
    {'d', "delay", "SECONDS", "between two looks, 2 if nobody says"},
    {'n', "count", "NUMBER", "of looks; without a terminal 1"},
    {OPT_JSON, "json", NULL, "for programs: a value for each look"},
    {0},
};

struct top {
	double t_delay;
	uint64_t t_count; /* 0: until q */
	bool t_screen, t_json;
};

/* What the first lines say. */
struct summary {
	int64_t s_uptime, s_procs, s_lwps, s_files, s_creds;
	int64_t s_used, s_committed, s_limit;
	char s_host[65];
};

static volatile sig_atomic_t stop;

static void
on_signal(int signo)
{
	(void)signo;
	stop = 1;
}

static int
summary_get(struct summary *s)
{
	struct timespec boot = {0}, now = {0};
	size_t len = sizeof(boot);

	if (rump_sys_sysctlbyname("kern.boottime", &boot, &len, NULL, 0) ==
		-1 ||
	    rump_sys_clock_gettime(CLOCK_REALTIME, &now) == -1)
		return -1;
	s->s_uptime = now.tv_sec - boot.tv_sec;
	s->s_procs = sysctl_number("kern.nprocs");
	s->s_lwps = sysctl_number("kern.nlwps");
	s->s_files = sysctl_number("kern.nfiles");
	s->s_creds = sysctl_number("kern.ncreds");
	s->s_used = sysctl_number("vm.kmem.used");
	s->s_committed = sysctl_number("vm.kmem.committed");
	s->s_limit = sysctl_number("vm.kmem.limit");
	return rump_sys_gethostname(s->s_host, sizeof(s->s_host));
}

static void
summary_print(const struct summary *s)
{
	char up[TIME_SIZE], used[HUMAN_SIZE], have[HUMAN_SIZE],
	    limit[HUMAN_SIZE];

	(void)printf("%s, up %s\n", s->s_host, duration_text(s->s_uptime, up));
	(void)printf("processes %lld, lwps %lld, files %lld, credentials "
		     "%lld\n",
	    (long long)s->s_procs, (long long)s->s_lwps, (long long)s->s_files,
	    (long long)s->s_creds);
	(void)printf("memory %s used, %s from the host, %s at most\n",
	    human((uint64_t)s->s_used, used),
	    human((uint64_t)s->s_committed, have),
	    human((uint64_t)s->s_limit, limit));
}

/* Those that run first, then those with the most lwps, then the newest. */
static int
busier(const void *va, const void *vb)
{
	const struct rump_kinfo_proc2 *a = va, *b = vb;

	if (a->p_nrlwps != b->p_nrlwps)
		return a->p_nrlwps > b->p_nrlwps ? -1 : 1;
	if (a->p_nlwps != b->p_nlwps)
		return a->p_nlwps > b->p_nlwps ? -1 : 1;
	return a->p_pid > b->p_pid ? -1 : a->p_pid < b->p_pid;
}

static void
print(const struct summary *s, const struct procs *ps, size_t rows)
{
	struct table *t = procs_table("RUN>");
	size_t i;

	summary_print(s);
	(void)putchar('\n');
	for (i = 0; i < ps->ps_count && i < rows; i++) {
		procs_cells(t, &ps->ps_proc[i]);
		table_cell(t, "%u", ps->ps_proc[i].p_nrlwps);
		table_cell(t, "%s", ps->ps_proc[i].p_comm);
	}
	table_print(t);
}

static void
print_json(const struct summary *s, const struct procs *ps)
{
	const struct {
		const char *key;
		int64_t value;
	} numbers[] = {
	    {"uptime", s->s_uptime},
	    {"processes", s->s_procs},
	    {"lwps", s->s_lwps},
	    {"files", s->s_files},
	    {"credentials", s->s_creds},
	    {"memory_used", s->s_used},
	    {"memory_committed", s->s_committed},
	    {"memory_limit", s->s_limit},
	};
	size_t i;

	json_begin('{');
	json_key("host");
	json_string(s->s_host);
	for (i = 0; i < nitems(numbers); i++) {
		json_key(numbers[i].key);
		json_number(numbers[i].value);
	}
	json_key("top");
	json_begin('[');
	for (i = 0; i < ps->ps_count; i++) {
		json_begin('{');
		json_key("pid");
		json_number(ps->ps_proc[i].p_pid);
		json_key("uid");
		json_number(ps->ps_proc[i].p_uid);
		json_key("state");
		json_string(proc_state(&ps->ps_proc[i]));
		json_key("lwps");
		json_number(ps->ps_proc[i].p_nlwps);
		json_key("running");
		json_number(ps->ps_proc[i].p_nrlwps);
		json_key("name");
		json_string(ps->ps_proc[i].p_comm);
		json_end('}');
	}
	json_end(']');
	json_end('}');
}

/* Rows of processes that the screen has room for. */
static size_t
screen_rows(void)
{
	struct winsize ws;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == -1 || ws.ws_row < 8)
		return 16;
	return ws.ws_row - 6u;
}

static int
look(const struct top *t)
{
	struct procs ps = {0};
	struct summary s;

	if (summary_get(&s) == -1 || procs_get(&ps, false, 0) == -1) {
		free(ps.ps_proc);
		return complain_errno("the kernel");
	}
	qsort(ps.ps_proc, ps.ps_count, sizeof(ps.ps_proc[0]), busier);
	if (t->t_screen)
		(void)printf("\033[H\033[J");
	if (t->t_json)
		print_json(&s, &ps);
	else
		print(&s, &ps, t->t_screen ? screen_rows() : SIZE_MAX);
	free(ps.ps_proc);
	return fflush(stdout) == 0 ? STATUS_OK : STATUS_FAILED;
}

/* Until the next look; false: q was pressed, or a signal came. */
static bool
rest(const struct top *t)
{
	struct pollfd pfd = {
	    .fd = t->t_screen ? STDIN_FILENO : -1, .events = POLLIN};
	char c;

	if (poll(&pfd, 1, (int)(t->t_delay * 1000)) <= 0)
		return !stop;
	return read(STDIN_FILENO, &c, 1) == 1 && c != 'q' && c != 'Q';
}

static int
looks(const struct top *t)
{
	uint64_t n;
	int status;

	for (n = 1;; n++) {
		if ((status = look(t)) != STATUS_OK || n == t->t_count ||
		    !rest(t))
			return status;
		if (!t->t_screen && !t->t_json)
			(void)putchar('\n');
	}
}

/* Keys come one by one, and the screen is as it was in the end. */
static int
live(const struct top *t)
{
	struct sigaction sa = {.sa_handler = on_signal};
	struct termios old, raw;
	int status;

	if (tcgetattr(STDIN_FILENO, &old) == -1)
		return complain_errno("terminal");
	raw = old;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	(void)sigaction(SIGINT, &sa, NULL);
	(void)sigaction(SIGTERM, &sa, NULL);
	(void)tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	(void)printf("\033[?1049h\033[?25l");
	status = looks(t);
	(void)printf("\033[?25h\033[?1049l");
	(void)fflush(stdout);
	(void)tcsetattr(STDIN_FILENO, TCSANOW, &old);
	return status;
}

static int
top_run(const struct command *self, int argc, char **argv)
{
	struct top t = {.t_delay = 2};
	bool counted = false;
	char *end;
	int opt;

	while ((opt = command_getopt(self, argc, argv)) != -1)
		switch (opt) {
		case 'd':
			t.t_delay = strtod(optarg, &end);
			if (*optarg == '\0' || *end != '\0' ||
			    !(t.t_delay >= 0.05 && t.t_delay <= 86400))
				return command_usage(self,
				    "a delay is from 0.05 to 86400 seconds");
			break;
		case 'n':
			counted = true;
			if (!parse_number(optarg, UINT32_MAX, &t.t_count) ||
			    t.t_count == 0)
				return command_usage(
				    self, "%s is no number of looks", optarg);
			break;
		case OPT_JSON:
			t.t_json = true;
			break;
		default:
			return STATUS_USAGE;
		}
	if (optind != argc)
		return command_usage(self, "takes no arguments");
	t.t_screen = !t.t_json && out_tty() && isatty(STDIN_FILENO);
	if (!t.t_screen && !counted)
		t.t_count = 1;
	return t.t_screen ? live(&t) : looks(&t);
}

static struct command top = {
    .c_name = "top",
    .c_args = "[-d SECONDS] [-n NUMBER] [--json]",
    .c_brief = "show processes and memory, live",
    .c_help =
	"Shows what there is in the kernel, its memory and its processes, "
	"those that run first, again and again; q ends that. Without a "
	"terminal it looks once.\nCPU time of processes is not counted by "
	"the kernel.",
    .c_options = options,
    .c_run = top_run,
};
COMMAND(top)
