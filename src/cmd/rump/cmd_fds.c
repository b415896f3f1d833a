/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rump fds: descriptors of processes.
 */
#include <fcntl.h>
#include <limits.h>

#include "cmd/rump/procs.h"
#include "cmd/rump/side.h"

enum { OPT_JSON = 256 };

static const struct option_desc options[] = {
    {OPT_JSON, "json", NULL, "for programs"},
    {0},
};

struct fd {
	int f_fd;
	long long f_pos;
	unsigned f_flags;
	char f_target[PATH_MAX + 1];
};

/* A number behind a name in a text of procfs. */
static unsigned long long
field(const char *text, const char *name, int base)
{
	const char *p = strstr(text, name);

	return p != NULL ? strtoull(p + strlen(name), NULL, base) : 0;
}

/* False: it is no more. */
static bool
fd_get(int dir, const char *pid, const char *number, struct fd *f)
{
	char path[64];
	char *text;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "%s/fd/%s", pid, number);
	n = rump_sys_readlinkat(dir, path, f->f_target, PATH_MAX);
	if (n == -1)
		return false;
	f->f_target[n] = '\0';
	(void)snprintf(path, sizeof(path), "%s/fdinfo/%s", pid, number);
	if ((text = file_read(dir, path)) == NULL)
		return false;
	f->f_fd = atoi(number);
	f->f_pos = (long long)field(text, "pos:", 10);
	f->f_flags = (unsigned)field(text, "flags:", 8);
	free(text);
	return true;
}

static const char *
access_text(unsigned flags)
{
	if ((flags & O_PATH) != 0)
		return "path";
	switch (flags & O_ACCMODE) {
	case O_RDONLY:
		return "r";
	case O_WRONLY:
		return "w";
	default:
		return "rw";
	}
}

static const char *
flags_text(unsigned flags, char buf[64])
{
	(void)snprintf(buf, 64, "%s%s%s%s", access_text(flags),
	    (flags & O_APPEND) != 0 ? ",append" : "",
	    (flags & O_NONBLOCK) != 0 ? ",nonblock" : "",
	    (flags & O_CLOEXEC) != 0 ? ",cloexec" : "");
	return buf;
}

static void
put(struct table *t, const struct rump_kinfo_proc2 *kp, const struct fd *f)
{
	char flags[64];

	if (t != NULL) {
		table_cell(t, "%d", kp->p_pid);
		table_cell(t, "%s", kp->p_comm);
		table_cell(t, "%d", f->f_fd);
		table_cell(t, "%s", flags_text(f->f_flags, flags));
		table_cell(t, "%lld", f->f_pos);
		table_cell(t, "%s", f->f_target);
		return;
	}
	json_begin('{');
	json_key("pid");
	json_number(kp->p_pid);
	json_key("name");
	json_string(kp->p_comm);
	json_key("fd");
	json_number(f->f_fd);
	json_key("access");
	json_string(access_text(f->f_flags));
	json_key("append");
	json_bool((f->f_flags & O_APPEND) != 0);
	json_key("nonblock");
	json_bool((f->f_flags & O_NONBLOCK) != 0);
	json_key("cloexec");
	json_bool((f->f_flags & O_CLOEXEC) != 0);
	json_key("position");
	json_number(f->f_pos);
	json_key("target");
	json_string(f->f_target);
	json_end('}');
}

static int
number_compare(const void *a, const void *b)
{
	return atoi(*(char *const *)a) - atoi(*(char *const *)b);
}

static int
put_process(struct table *t, int dir, const struct rump_kinfo_proc2 *kp)
{
	char pid[16], path[64], **names;
	struct fd f;
	size_t i;
	bool me;

	(void)snprintf(pid, sizeof(pid), "%d", kp->p_pid);
	(void)snprintf(path, sizeof(path), "%s/fd", pid);
	if ((names = side_listat(&kernel_side, dir, path)) == NULL) {
		if (errno == ENOENT || errno == ESRCH)
			return STATUS_OK;
		complain("process %d: %s", kp->p_pid, strerror(errno));
		return STATUS_FAILED;
	}
	for (i = 0; names[i] != NULL;)
		i++;
	qsort(names, i, sizeof(names[0]), number_compare);
	/* Not what this tool looks with. */
	me = kp->p_pid == rump_sys_getpid();
	for (i = 0; names[i] != NULL; i++)
		if (fd_get(dir, pid, names[i], &f) && !(me && f.f_fd == dir))
			put(t, kp, &f);
	side_listfree(names);
	return STATUS_OK;
}

static int
put_all(struct table *t, const struct procs *ps, int argc, char **argv)
{
	int i, dir, status = STATUS_OK;
	uint64_t pid;
	size_t n;

	if ((dir = proc_open()) == -1)
		return STATUS_FAILED;
	for (n = 0; n < ps->ps_count && argc == 0; n++)
		if (put_process(t, dir, &ps->ps_proc[n]) != STATUS_OK)
			status = STATUS_FAILED;
	for (i = 0; i < argc; i++) {
		(void)parse_number(argv[i], INT_MAX, &pid);
		for (n = 0; n < ps->ps_count; n++)
			if (ps->ps_proc[n].p_pid == (int)pid)
				break;
		if (n == ps->ps_count) {
			complain("%s: no such process", argv[i]);
			status = STATUS_FAILED;
		} else if (put_process(t, dir, &ps->ps_proc[n]) != STATUS_OK)
			status = STATUS_FAILED;
	}
	return status;
}

static int
fds_run(const struct command *self, int argc, char **argv)
{
	struct procs ps = {0};
	struct table *t = NULL;
	bool json = false;
	uint64_t pid;
	int i, opt, status;

	while ((opt = command_getopt(self, argc, argv)) != -1)
		if (opt == OPT_JSON)
			json = true;
		else
			return STATUS_USAGE;
	for (i = optind; i < argc; i++)
		if (!parse_number(argv[i], INT_MAX, &pid))
			return command_usage(
			    self, "%s is no process id", argv[i]);
	if (procs_get(&ps, false, 0) == -1)
		return complain_errno("processes");
	if (json)
		json_begin('[');
	else
		t = table_new("PID>|NAME|FD>|FLAGS|POS>|TARGET");
	status = put_all(t, &ps, argc - optind, argv + optind);
	if (json)
		json_end(']');
	else
		table_print(t);
	free(ps.ps_proc);
	return status;
}

static struct command fds = {
    .c_name = "fds",
    .c_args = "[--json] [PID ...]",
    .c_brief = "list open descriptors",
    .c_help = "Lists the descriptors of all processes, or of some: number, how "
	      "it is open, position, and what it names, as this tool's process "
	      "sees that.",
    .c_options = options,
    .c_complete = COMPLETE_PID,
    .c_run = fds_run,
};
COMMAND(fds)
