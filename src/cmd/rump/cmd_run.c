/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rump run: run a program of the host in a world of its own.
 */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <time.h>

#include "cmd/rump/run.h"
#include "cmd/rump/whole.h"
#include "cmd/rump/world.h"

enum {
	OPT_ROOT = 256,
	OPT_USER,
	OPT_MOUNT,
	OPT_BIND,
	OPT_SIZE,
	OPT_KEEP,
	OPT_TRACE,
	OPT_REPORT,
	OPT_ENV,
	OPT_CHDIR,
};

static const struct option_desc options[] = {
    {OPT_ROOT, "root", "FILE", "the root directory: a directory or archive"},
    {OPT_USER, "user", "USER", "or USER:GROUP, who the program is; root"},
    {OPT_MOUNT, "mount", "MOUNT", "TYPE:FROM:ON[:ro]: mount this, too"},
    {OPT_BIND, "bind", "FROM:ON", "a directory of the host, which is changed"},
    {OPT_SIZE, "size", "NUMBER", "limit of what is changed, like 64m"},
    {OPT_KEEP, "keep", "NAME", "keep what is changed, or go on with that"},
    {OPT_TRACE, "trace", "FILE", "write down all calls of the kernel"},
    {OPT_REPORT, "report", NULL, "say at the end which calls there were"},
    {OPT_ENV, "env", "NAME=VALUE", "set a variable of the environment"},
    {OPT_CHDIR, "chdir", "DIRECTORY", "begin there; else where you are"},
    {0},
};

struct request {
	struct world_options r_world;
	struct run r_run;
	const char *r_user;
	char *r_root; /* wo_root, when it is known */
	const char *r_keep;
	const char *r_chdir;
	bool r_rooted; /* the root is not the host's */
};

/*
 * Options
 */

/* TYPE:FROM:ON[:ro] or, of type hostfs, FROM:ON[:ro]. */
static bool
add_mount(struct world_options *wo, const char *arg, bool bind)
{
	struct world_mount m = {.wm_text = tool_format("%s", arg)};
	char *text = m.wm_text, *ro;

	m.wm_type = bind ? "hostfs" : strsep(&text, ":");
	m.wm_from = strsep(&text, ":");
	m.wm_on = strsep(&text, ":");
	ro = strsep(&text, ":");
	m.wm_readonly = ro != NULL;
	wo->wo_mounts = tool_alloc(
	    wo->wo_mounts, (wo->wo_nmounts + 1) * sizeof(wo->wo_mounts[0]));
	wo->wo_mounts[wo->wo_nmounts++] = m;
	return *m.wm_type != '\0' && m.wm_from != NULL && m.wm_on != NULL &&
	       *m.wm_on == '/' && text == NULL &&
	       (ro == NULL || strcmp(ro, "ro") == 0);
}

static void
request_free(struct request *r)
{
	size_t i;

	for (i = 0; i < r->r_world.wo_nmounts; i++)
		free(r->r_world.wo_mounts[i].wm_text);
	free(r->r_world.wo_mounts);
	free(r->r_root);
	free(r->r_run.r_cwd);
}

static int
set_env(const struct command *self, const char *arg)
{
	const char *equals = strchr(arg, '=');
	char *name;

	if (equals == NULL || equals == arg)
		return command_usage(self, "%s: is not NAME=VALUE", arg);
	name = tool_format("%.*s", (int)(equals - arg), arg);
	(void)setenv(name, equals + 1, 1);
	free(name);
	return STATUS_OK;
}

static int
one_option(
    const struct command *self, struct request *r, int opt, const char *arg)
{
	switch (opt) {
	case OPT_ROOT:
		r->r_world.wo_root = arg;
		r->r_rooted = true;
		break;
	case OPT_USER:
		r->r_user = arg;
		break;
	case OPT_MOUNT:
		if (!add_mount(&r->r_world, arg, false))
			return command_usage(
			    self, "%s: is not TYPE:FROM:ON[:ro]", arg);
		break;
	case OPT_BIND:
		if (!add_mount(&r->r_world, arg, true))
			return command_usage(
			    self, "%s: is not FROM:ON[:ro]", arg);
		break;
	case OPT_SIZE:
		r->r_world.wo_size = arg;
		break;
	case OPT_KEEP:
		r->r_keep = arg;
		break;
	case OPT_TRACE:
		r->r_world.wo_trace = arg;
		break;
	case OPT_REPORT:
		r->r_run.r_report = true;
		break;
	case OPT_ENV:
		return set_env(self, arg);
	case OPT_CHDIR:
		r->r_chdir = arg;
		break;
	case 'H':
		command_help(self, stdout);
		return RUN_HELPED;
	default:
		return STATUS_USAGE;
	}
	return STATUS_OK;
}

/*
 * Before and after
 */

static bool
open_layer(struct layer *l, const char *name)
{
	if (archive_ops()->ao_open(l, name, LAYER_MAKE) != STATUS_OK)
		return false;
	if (!l->l_journal)
		return true;
	complain("%s: a commit was interrupted; rump commit --continue or "
		 "--undo first",
	    name);
	archive_ops()->ao_close(l);
	return false;
}

/* Where the layer's files come from; a layer stays above what it was made. */
static int
choose_root(struct request *r, struct layer *l)
{
	char real[PATH_MAX];
	const char *root = r->r_world.wo_root;
	bool archive;

	if (root == NULL && l->l_exists) {
		r->r_world.wo_root = r->r_root = tool_format("%s", l->l_root);
		r->r_rooted = strcmp(l->l_root, "/") != 0;
		return STATUS_OK;
	}
	if (realpath(root != NULL ? root : "/", real) == NULL)
		return complain_errno(root);
	archive = world_isarchive(real);
	if (l->l_exists &&
	    (strcmp(real, l->l_root) != 0 || archive != l->l_archive)) {
		complain("%s: was made with --root %s and is worth nothing "
			 "with another",
		    l->l_name, l->l_root);
		return STATUS_FAILED;
	}
	r->r_world.wo_root = r->r_root = tool_format("%s", real);
	if (r->r_keep != NULL && !l->l_exists) {
		l->l_root = tool_format("%s", real);
		l->l_archive = archive;
	}
	return STATUS_OK;
}

/* A user's group by the world's /etc/passwd; else the user's number. */
static gid_t
first_group(const char *user, uid_t uid)
{
	char *text = file_read(AT_FDCWD, "/etc/passwd"), *line, *next, *p;
	unsigned long id, group = uid;
	size_t len = strlen(user);

	for (line = text; line != NULL && *line != '\0'; line = next) {
		next = line + strcspn(line, "\n");
		next += *next == '\n';
		p = line + strcspn(line, ":\n");
		if (*p != ':' || p[1 + strcspn(p + 1, ":\n")] != ':')
			continue;
		id = strtoul(p + 2 + strcspn(p + 1, ":\n"), &p, 10);
		if (*p == ':' && (id == uid || (strncmp(line, user, len) == 0 &&
						   line[len] == ':'))) {
			group = strtoul(p + 1, NULL, 10);
			break;
		}
	}
	free(text);
	return (gid_t)group;
}

static int
find_user(struct run *r, const char *user, const char *group)
{
	if (!user_find(user, &r->r_uid)) {
		complain("there is no user %s", user);
		return STATUS_FAILED;
	}
	if (group == NULL)
		r->r_gid = first_group(user, r->r_uid);
	else if (!group_find(group, &r->r_gid)) {
		complain("there is no group %s", group);
		return STATUS_FAILED;
	}
	return STATUS_OK;
}

static int
choose_user(struct request *r)
{
	char *user, *group;
	int status;

	if (r->r_user == NULL)
		return STATUS_OK;
	user = tool_format("%s", r->r_user);
	if ((group = strchr(user, ':')) != NULL)
		*group++ = '\0';
	status = find_user(&r->r_run, user, group);
	free(user);
	return status;
}

static int
choose_cwd(struct request *r)
{
	char cwd[PATH_MAX];
	struct stat sb;

	if (r->r_chdir != NULL && *r->r_chdir == '/')
		r->r_run.r_cwd = tool_format("%s", r->r_chdir);
	else if (getcwd(cwd, sizeof(cwd)) == NULL || *cwd != '/')
		r->r_run.r_cwd = tool_format("/");
	else if (r->r_chdir != NULL)
		r->r_run.r_cwd = tool_path(cwd, r->r_chdir);
	else
		r->r_run.r_cwd = tool_format("%s", cwd);
	if (r->r_run.r_ashost || rump_sys_stat(r->r_run.r_cwd, &sb) == 0 ||
	    errno == EREMOTE)
		return STATUS_OK;
	/* With another root there may be no such place. */
	if (r->r_chdir != NULL || !r->r_rooted)
		return complain_errno(r->r_run.r_cwd);
	free(r->r_run.r_cwd);
	r->r_run.r_cwd = tool_format("/");
	return STATUS_OK;
}

/* Who and where the program is to be, and start it. */
static int
start_program(struct request *r, const struct world *w)
{
	if (choose_user(r) != STATUS_OK || choose_cwd(r) != STATUS_OK)
		return RUN_FAILED;
	return run_start(&r->r_run, w);
}

/*
 * Make the world.  A program that does not depend on what is in there starts
 * meanwhile.
 */
static int
make_world(
    struct request *r, struct world *w, struct layer *l, struct timespec *began)
{
	bool early = r->r_run.r_ashost && r->r_user == NULL;
	int status;

	if (world_start(w, &r->r_world, early) != STATUS_OK ||
	    run_prepare(&r->r_run) != STATUS_OK)
		return RUN_FAILED;
	if (early && (status = start_program(r, w)) != STATUS_OK)
		return status;
	if (world_connect(w, &r->r_world) != STATUS_OK ||
	    (l->l_exists && archive_ops()->ao_enter(l) != STATUS_OK))
		return RUN_FAILED;
	(void)clock_gettime(CLOCK_REALTIME_COARSE, began);
	if (world_settle(w, &r->r_world) != STATUS_OK)
		return RUN_FAILED;
	return early ? STATUS_OK : start_program(r, w);
}

/* From a world that is made to the exit status of the program in it. */
static int
run_in_world(struct request *r, struct world *w, struct layer *l)
{
	struct timespec began;
	int status;

	r->r_run.r_ashost = r->r_keep == NULL && !r->r_rooted &&
			    r->r_chdir == NULL && r->r_world.wo_nmounts == 0;
	if ((status = make_world(r, w, l, &began)) != STATUS_OK) {
		run_abandon(&r->r_run);
		return status;
	}
	status = run_program(&r->r_run, w);
	if (r->r_keep != NULL && w->w_pid != 0 &&
	    (world_leave(w) != STATUS_OK ||
		archive_ops()->ao_save(l, &began) != STATUS_OK))
		status = RUN_FAILED;
	return status;
}

static int
run_request(struct request *r)
{
	struct layer l = {.l_dirfd = -1};
	struct world w = WORLD_NONE;
	int status;

	run_signals(&r->r_run);
	r->r_world.wo_leave = r->r_keep != NULL;
	if (r->r_keep != NULL && !open_layer(&l, r->r_keep))
		return RUN_FAILED;
	status = choose_root(r, &l) == STATUS_OK ? run_in_world(r, &w, &l)
						 : RUN_FAILED;
	world_end(&w);
	if (r->r_keep != NULL)
		archive_ops()->ao_close(&l);
	return status;
}

static int
run_run(const struct command *self, int argc, char **argv)
{
	struct request r = {0};
	int opt, status = STATUS_OK;

	while (status == STATUS_OK &&
	       (opt = command_getopt(self, argc, argv)) != -1)
		status = one_option(self, &r, opt, optarg);
	if (status == STATUS_OK && optind == argc)
		status = command_usage(self, "what program?");
	if (status == STATUS_OK &&
	    (r.r_keep != NULL ||
		(r.r_rooted && world_isarchive(r.r_world.wo_root))))
		whole_program();
	if (status == STATUS_OK) {
		r.r_run.r_argv = argv + optind;
		status = run_request(&r);
	}
	request_free(&r);
	return status == RUN_HELPED ? STATUS_OK : status;
}

static struct command run_command = {
    .c_name = "run",
    .c_args = "[OPTION ...] [--] PROGRAM [ARGUMENT ...]",
    .c_brief = "run a program that changes nothing of the host",
    .c_help =
	"Runs a program of the host, as it is, in a world of its own: a new "
	"kernel has its files, and shows the host's. What it changes is in "
	"that kernel, where it is root, and gone when it has ended, unless "
	"--keep keeps it: then rump diff, commit, export and discard are for "
	"that. Processes, devices and networks are the host's.\n"
	"  rump run -- make install\n"
	"  rump run --keep try -- sh -c 'make install DESTDIR=/opt/x'\n"
	"The exit status is the program's, 128 and the number of the signal "
	"that ended it, 126 or 127 if it cannot be executed, or 125 if there "
	"is no world for it. It is no wall against a hostile program.",
    .c_options = options,
    .c_complete = COMPLETE_HOST,
    .c_nokernel = true,
    .c_inorder = true,
    .c_run = run_run,
};
COMMAND(run_command)
