/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rump ps: processes.
 */
#include "cmd/rump/procs.h"
#include "cmd/rump/tool.h"

enum { OPT_JSON = 256 };

static const struct option_desc options[] = {
    {'u', "user", "USER", "only processes with this effective user"},
    {'q', "pids", NULL, "only print process ids"},
    {OPT_JSON, "json", NULL, "for programs"},
    {0},
};

static void
print_json(const struct rump_kinfo_proc2 *kp)
{
	struct timespec start = {
	    kp->p_ustart_sec, (long)kp->p_ustart_usec * 1000};

	json_begin('{');
	json_key("pid");
	json_number(kp->p_pid);
	json_key("ppid");
	json_number(kp->p_ppid);
	json_key("pgid");
	json_number(kp->p__pgid);
	json_key("sid");
	json_number(kp->p_sid);
	json_key("uid");
	json_number(kp->p_uid);
	json_key("gid");
	json_number(kp->p_gid);
	json_key("user");
	json_string(user_name(kp->p_uid));
	json_key("state");
	json_string(proc_state(kp));
	json_key("lwps");
	json_number(kp->p_nlwps);
	json_key("running");
	json_number(kp->p_nrlwps);
	json_key("start");
	json_time(&start);
	json_key("name");
	json_string(kp->p_comm);
	json_end('}');
}

/* Those whose pids are arguments, or all. */
static bool
wanted(const struct rump_kinfo_proc2 *kp, int argc, char **argv)
{
	uint64_t pid;
	int i;

	for (i = 0; i < argc; i++)
		if (parse_number(argv[i], INT32_MAX, &pid) &&
		    kp->p_pid == (int)pid)
			return true;
	return argc == 0;
}

/* The arguments are pids of processes that there are? */
static int
check_pids(
    const struct command *self, const struct procs *ps, int argc, char **argv)
{
	int i, status = STATUS_OK;
	uint64_t pid;
	size_t n;

	for (i = 0; i < argc; i++) {
		if (!parse_number(argv[i], INT32_MAX, &pid))
			return command_usage(
			    self, "%s is no process id", argv[i]);
		for (n = 0; n < ps->ps_count; n++)
			if (ps->ps_proc[n].p_pid == (int)pid)
				break;
		if (n == ps->ps_count) {
			complain("%s: no such process", argv[i]);
			status = STATUS_FAILED;
		}
	}
	return status;
}

static void
print(const struct procs *ps, int argc, char **argv, bool json, bool quiet)
{
	struct table *t = NULL;
	size_t i;

	if (json)
		json_begin('[');
	else if (!quiet)
		t = procs_table(NULL);
	for (i = 0; i < ps->ps_count; i++) {
		if (!wanted(&ps->ps_proc[i], argc, argv))
			continue;
		if (json)
			print_json(&ps->ps_proc[i]);
		else if (quiet)
			(void)printf("%d\n", ps->ps_proc[i].p_pid);
		else
			procs_row(t, &ps->ps_proc[i]);
	}
	if (json)
		json_end(']');
	else if (!quiet)
		table_print(t);
}

static int
ps_run(const struct command *self, int argc, char **argv)
{
	bool json = false, quiet = false, byuser = false;
	struct procs ps = {0};
	uid_t uid = 0;
	int opt, status;

	while ((opt = command_getopt(self, argc, argv)) != -1)
		switch (opt) {
		case 'u':
			byuser = true;
			if (!user_find(optarg, &uid)) {
				complain("no user %s", optarg);
				return STATUS_FAILED;
			}
			break;
		case 'q':
			quiet = true;
			break;
		case OPT_JSON:
			json = true;
			break;
		default:
			return STATUS_USAGE;
		}
	if (procs_get(&ps, byuser, uid) == -1)
		return complain_errno("processes");
	status = check_pids(self, &ps, argc - optind, argv + optind);
	if (status != STATUS_USAGE)
		print(&ps, argc - optind, argv + optind, json, quiet);
	free(ps.ps_proc);
	return status;
}

static struct command ps = {
    .c_name = "ps",
    .c_args = "[-q] [-u USER] [--json] [PID ...]",
    .c_brief = "list processes",
    .c_help =
	"Lists the processes of the kernel, or those with these ids: "
	"process and parent, effective user, state, number of lwps, since "
	"when, and name.\nStates: run (an lwp runs), sleep, stop, dead "
	"(ended, and not waited for).",
    .c_options = options,
    .c_complete = COMPLETE_PID,
    .c_run = ps_run,
};
COMMAND(ps)
