/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program in a world.
 */
#include "cmd/rump/run.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "cmd/rump/programs.h"
#include "cmd/rump/world.h"
#include "hijack/launch/launch.h"

/* Who sends us one of these means the program. */
static const int passed_on[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1,
    SIGUSR2, SIGALRM, SIGCONT, SIGWINCH};

/* These, and what says that a child has ended. */
static void
awaited(sigset_t *set)
{
	size_t i;

	(void)sigemptyset(set);
	(void)sigaddset(set, SIGCHLD);
	for (i = 0; i < nitems(passed_on); i++)
		(void)sigaddset(set, passed_on[i]);
}

/* As far as we may; beyond it our own calls fail, and end nobody. */
static void
fsize_lift(struct run *r)
{
	const struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};
	struct rlimit hard;

	(void)getrlimit(RLIMIT_FSIZE, &r->r_fsize);
	if (r->r_fsize.rlim_cur == RLIM_INFINITY)
		return;
	r->r_xfsz = signal(SIGXFSZ, SIG_IGN);
	hard = (struct rlimit){r->r_fsize.rlim_max, r->r_fsize.rlim_max};
	if (setrlimit(RLIMIT_FSIZE, &none) == -1)
		(void)setrlimit(RLIMIT_FSIZE, &hard);
}

/* In the program's process. */
static void
fsize_restore(const struct run *r)
{
	if (r->r_fsize.rlim_cur == RLIM_INFINITY)
		return;
	(void)setrlimit(RLIMIT_FSIZE, &r->r_fsize);
	(void)signal(SIGXFSZ, r->r_xfsz);
}

void
run_signals(struct run *r)
{
	sigset_t set;

	awaited(&set);
	(void)sigprocmask(SIG_BLOCK, &set, &r->r_mask);
	/* Who starts us may ignore it: then none would be waited for. */
	(void)signal(SIGCHLD, SIG_DFL);
	/* Whatever outlives the program is ours to end. */
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	fsize_lift(r);
}

int
run_prepare(struct run *r)
{
	char *loader = program_path(PROGRAM_LOADER);
	int error;

	if (access(loader, X_OK) == -1) {
		complain("%s: %s; it belongs to the installation", loader,
		    strerror(errno));
		free(loader);
		return STATUS_FAILED;
	}
	error = hijack_init(loader, &r->r_control);
	free(loader);
	if (error == 0)
		return STATUS_OK;
	/* Who intercepts us has descriptors that nobody else can have. */
	if (error == EBADF)
		complain("this is in a world already, and there is none in it");
	else
		complain("programs cannot be intercepted: %s", strerror(error));
	return STATUS_FAILED;
}

/*
 * Start
 */

/* Can this path of the world be a program?  0 or an errno. */
static int
executable(const struct run *r, const char *path)
{
	struct stat sb;
	char *full =
	    *path == '/' ? tool_format("%s", path) : tool_path(r->r_cwd, path);
	int error = 0;

	/* Then it need not be asked. */
	if ((r->r_ashost ? stat(full, &sb) : rump_sys_stat(full, &sb)) == -1)
		error = errno == EREMOTE ? 0 : errno;
	else if (!S_ISREG(sb.st_mode) || (sb.st_mode & 0111) == 0)
		error = EACCES;
	free(full);
	return error;
}

/* Where the world has the program, by PATH; NULL and *error. */
static char *
find_program(const struct run *r, int *error)
{
	const char *name = r->r_argv[0], *path = getenv("PATH"), *end;
	char *found;
	int e = ENOENT;

	*error = ENOENT;
	if (strchr(name, '/') != NULL) {
		*error = executable(r, name);
		return *error == 0 ? tool_format("%s", name) : NULL;
	}
	if (path == NULL)
		path = "/bin:/usr/bin";
	for (;; path = end + 1) {
		end = strchrnul(path, ':');
		found = tool_format("%.*s%s%s", (int)(end - path), path,
		    end > path ? "/" : "", name);
		if (*name != '\0' && (e = executable(r, found)) == 0)
			return found;
		if (*name != '\0' && e == EACCES)
			*error = e;
		free(found);
		if (*end == '\0')
			return NULL;
	}
}

static int
cannot(const char *name, int error)
{
	bool none = error == ENOENT || error == ENOTDIR;

	complain("%s: %s", name,
	    none && strchr(name, '/') == NULL ? "there is no such program"
					      : strerror(error));
	return none ? RUN_NOTFOUND : RUN_CANNOT;
}

/* The child, in the memory of its parent, which waits. */
static _Noreturn void
program_exec(const struct run *r, const char **args, pid_t parent)
{
	int error;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(RUN_FAILED);
	fsize_restore(r);
	(void)sigprocmask(SIG_SETMASK, &r->r_mask, NULL);
	error = hijack_exec(r->r_control, args);
	_exit(cannot(r->r_argv[0], error));
}

/* Its pid, or -1 after a complaint. */
static pid_t
program_start(const struct run *r, const char *path)
{
	const char **args = hijack_args(r->r_control, path, r->r_argv);
	pid_t parent = getpid(), pid = -1;

	if (args == NULL) {
		errno = ENOMEM;
	} else {
		pid = vfork();
		if (pid == 0)
			program_exec(r, args, parent);
	}
	if (pid == -1)
		(void)complain_errno("fork");
	free(args);
	return pid;
}

static bool
control_fill(const struct run *r, const struct world *w)
{
	struct hj_control *c = r->r_control;
	mode_t mask = umask(0);

	(void)umask(mask);
	c->hc_uid = r->r_uid;
	c->hc_gid = r->r_gid;
	c->hc_umask = mask;
	if (strlen(w->w_socket) >= sizeof(c->hc_server) ||
	    strlen(r->r_cwd) >= sizeof(c->hc_cwd))
		return false;
	strcpy(c->hc_server, w->w_socket);
	strcpy(c->hc_root, WORLD_ROOT);
	strcpy(c->hc_cwd, r->r_cwd);
	c->hc_wait = w->w_whole ? HJ_WAIT_FAILED : HJ_WAIT;
	return true;
}

/*
 * Wait
 */

struct wait {
	pid_t w_program;
	int w_children; /* says who ours are */
	int w_status;
	bool w_ended;
	bool w_lost; /* the server has ended */
};

/* Wait for all that have ended. */
static void
reap(struct wait *wt, struct world *w)
{
	pid_t pid;
	int status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == wt->w_program) {
			wt->w_ended = true;
			wt->w_status = status;
		} else if (pid == w->w_pid) {
			wt->w_lost = true;
			world_lost(w);
		}
	}
}

/*
 * Until the program has ended, or the server.  What comes from the terminal
 * has come to the program, too.
 */
static void
wait_program(struct wait *wt, struct world *w)
{
	siginfo_t si;
	sigset_t set;

	awaited(&set);
	for (;;) {
		reap(wt, w);
		if (wt->w_ended || wt->w_lost)
			break;
		if (sigwaitinfo(&set, &si) > 0 && si.si_signo != SIGCHLD &&
		    si.si_code <= 0)
			(void)kill(wt->w_program, si.si_signo);
	}
}

/* Send SIGKILL to our children but the server; false if there are none. */
static bool
kill_children(const struct wait *wt, const struct world *w)
{
	char text[65536], *p = text, *end;
	ssize_t n = pread(wt->w_children, text, sizeof(text) - 1, 0);
	bool any = false;
	pid_t pid;

	for (text[n > 0 ? n : 0] = '\0';; p = end) {
		pid = (pid_t)strtol(p, &end, 10);
		if (end == p)
			return any;
		if (pid != w->w_pid) {
			any = true;
			(void)kill(pid, SIGKILL);
		}
	}
}

/* What the program has left; theirs come to us when they end. */
static void
end_rest(struct wait *wt, struct world *w)
{
	const struct timespec moment = {.tv_nsec = 10000000};
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGCHLD);
	while (kill_children(wt, w)) {
		reap(wt, w);
		(void)sigtimedwait(&set, NULL, &moment);
		reap(wt, w);
	}
}

/* A program that sees the server end may end before it is there to be seen. */
static bool
is_lost(const struct wait *wt, struct world *w)
{
	if (wt->w_lost || wt->w_status == 0 || world_answers(w))
		return wt->w_lost;
	world_end(w);
	return true;
}

static int
exit_status(const struct wait *wt, struct world *w)
{
	if (is_lost(wt, w)) {
		complain("the world's kernel has ended, and the program with "
			 "it; what it has changed is lost");
		return RUN_FAILED;
	}
	return WIFSIGNALED(wt->w_status) ? RUN_BYSIGNAL + WTERMSIG(wt->w_status)
					 : WEXITSTATUS(wt->w_status);
}

int
run_start(struct run *r, const struct world *w)
{
	char *path;
	pid_t pid;
	int error;

	if ((path = find_program(r, &error)) == NULL)
		return cannot(r->r_argv[0], error);
	if (!control_fill(r, w)) {
		errno = ENAMETOOLONG;
		(void)complain_errno(r->r_cwd);
		free(path);
		return RUN_FAILED;
	}
	pid = program_start(r, path);
	free(path);
	if (pid == -1)
		return RUN_FAILED;
	r->r_program = pid;
	return STATUS_OK;
}

void
run_abandon(struct run *r)
{
	if (r->r_program == 0)
		return;
	(void)kill(r->r_program, SIGKILL);
	while (waitpid(r->r_program, NULL, 0) == -1 && errno == EINTR)
		continue;
	r->r_program = 0;
}

int
run_program(struct run *r, struct world *w)
{
	struct wait wt = {.w_program = r->r_program};

	hijack_go(r->r_control);
	/* While the program runs there is time. */
	wt.w_children =
	    open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
	wait_program(&wt, w);
	end_rest(&wt, w);
	(void)close(wt.w_children);
	if (r->r_report)
		hijack_report(r->r_control, stderr);
	return exit_status(&wt, w);
}
