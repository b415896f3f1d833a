/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A world: its server and what is mounted there.
 */
#include "cmd/rump/world.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <rump/rump_mount.h>

#include "cmd/rump/kernel.h"
#include "cmd/rump/stale.h"
#include "cmd/rump/whole.h"

#define LOWER	  "/lower"
#define DATA_SIZE (2 * PATH_MAX)

/*
 * The server
 */

/* 0, or -1 with errno. */
static int
make_dirin(struct world *w, const char *base)
{
	w->w_dir = tool_format("%s/" STALE_PREFIX "XXXXXX", base);
	if (mkdtemp(w->w_dir) != NULL)
		return 0;
	free(w->w_dir);
	w->w_dir = NULL;
	return -1;
}

static int
make_dir(struct world *w)
{
	const char *base = getenv("XDG_RUNTIME_DIR");

	if (base == NULL || *base != '/')
		base = getenv("TMPDIR");
	if (base == NULL || *base != '/') {
		base = "/tmp";
		/* On a disk it takes a tenth of what the whole start does. */
		(void)make_dirin(w, "/dev/shm");
	}
	if (w->w_dir == NULL && make_dirin(w, base) == -1) {
		complain("%s: %s; XDG_RUNTIME_DIR or TMPDIR can name another "
			 "directory for the server's socket",
		    base, strerror(errno));
		return STATUS_FAILED;
	}
	w->w_dirfd = stale_lock(w->w_dir);
	w->w_socket = tool_path(w->w_dir, STALE_SOCKET);
	return STATUS_OK;
}

/*
 * Clients can connect from here on, and wait for the server; who it is the host
 * tells them, when that listens.
 */
static int
make_socket(struct world *w)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};

	if (strlen(w->w_socket) >= sizeof(sun.sun_path)) {
		complain("%s: is too long for the name of a socket; "
			 "XDG_RUNTIME_DIR or TMPDIR can name another directory",
		    w->w_dir);
		return STATUS_FAILED;
	}
	strcpy(sun.sun_path, w->w_socket);
	w->w_listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (w->w_listening == -1 ||
	    bind(w->w_listening, (const struct sockaddr *)&sun, sizeof(sun)) ==
		-1)
		return complain_errno(w->w_socket);
	return STATUS_OK;
}

/*
 * Its arguments: what it is to make, and the URL.  It looks for calls longer
 * than others do: somebody waits for what the programs are doing.  Nobody frees
 * the arguments.
 */
static char **
server_args(const struct world *w, int *argcp)
{
	static const char *const first[] = {"rump_server", "-s", "--host-pids",
	    "--notify", "3", "--listening", "4", "--spin", "20000"};
	char **args = tool_alloc(
	    NULL, (nitems(first) + w->w_nsteps + 2) * sizeof(char *));
	int n = 0;
	size_t i;

	for (i = 0; i < nitems(first); i++)
		args[n++] = tool_format("%s", first[i]);
	for (i = 0; i < w->w_nsteps; i++)
		args[n++] = w->w_steps[i];
	args[n++] = tool_format("unix://%s", w->w_socket);
	args[n] = NULL;
	*argcp = n;
	return args;
}

/*
 * The child: no signal of the terminal is for it, and it ends with us.  What is
 * traced is what was asked for here.
 */
static _Noreturn void
server_main(const struct world *w, const char *trace, pid_t parent, int ready)
{
	int listening = fcntl(w->w_listening, F_DUPFD, 5), null, n;
	sigset_t none;
	char **args;

	ready = fcntl(ready, F_DUPFD, 5);
	(void)listen(listening, SOMAXCONN);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(STATUS_FAILED);
	(void)prctl(PR_SET_NAME, "rump-kernel");
	(void)setsid();
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if ((null = open("/dev/null", O_RDWR)) != -1) {
		(void)dup2(null, STDIN_FILENO);
		(void)dup2(null, STDOUT_FILENO);
	}
	(void)dup2(ready, 3);
	(void)dup2(listening, 4);
	(void)close_range(5, ~0u, 0);
	if (trace != NULL)
		(void)setenv("RUMP_TRACE", trace, 1);
	else
		(void)unsetenv("RUMP_TRACE");
	args = server_args(w, &n);
	exit(kernel_serve(n, args));
}

/* The server would refuse it too, and say more than where it is wrong. */
static int
trace_check(const char *trace)
{
	const char *path = trace;
	int fd, status = STATUS_OK;
	struct stat st;

	/* RUMP_TRACE: see rump_trace(7). */
	if (strncmp(path, "perfetto:", 9) == 0)
		path += 9;
	else if (strncmp(path, "text:", 5) == 0)
		path += 5;
	fd = open(
	    path, O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_CLOEXEC, 0666);
	if (fd == -1 || fstat(fd, &st) == -1) {
		complain("--trace %s: %s", trace, strerror(errno));
		status = STATUS_FAILED;
	} else if (!S_ISREG(st.st_mode)) {
		complain("--trace %s: not a regular file", trace);
		status = STATUS_FAILED;
	}
	if (fd != -1)
		(void)close(fd);
	return status;
}

/* Do no more threads want to run than there are processors? */
static bool
has_idle(int nprocessors)
{
	char text[128], *running = text;
	int fd = open("/proc/loadavg", O_RDONLY | O_CLOEXEC), i;
	ssize_t n = fd != -1 ? read(fd, text, sizeof(text) - 1) : -1;

	if (fd != -1)
		(void)close(fd);
	text[n > 0 ? n : 0] = '\0';
	/* Behind three averages. */
	for (i = 0; i < 3 && running != NULL; i++)
		running = *running != '\0' ? strchr(running + 1, ' ') : NULL;
	return running != NULL && strtol(running, NULL, 10) <= nprocessors;
}

/*
 * Have a child begin on another processor than ours, if there is one for it:
 * the host may leave it on ours, until we sleep, and the other one idle.
 */
static void
leave_processor(pid_t pid)
{
	cpu_set_t all, others;
	int cpu = sched_getcpu();

	if (cpu < 0 || cpu >= CPU_SETSIZE ||
	    sched_getaffinity(pid, sizeof(all), &all) == -1 ||
	    !has_idle(CPU_COUNT(&all)))
		return;
	others = all;
	CPU_CLR(cpu, &others);
	if (CPU_COUNT(&others) != 0 &&
	    sched_setaffinity(pid, sizeof(others), &others) == 0)
		(void)sched_setaffinity(pid, sizeof(all), &all);
}

static int
server_launch(struct world *w, const struct world_options *wo)
{
	pid_t parent = getpid();
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) == -1)
		return complain_errno("pipe");
	w->w_ready = ends[0];
	/* A program for it would take as long to start as it takes to boot. */
	if ((w->w_pid = fork()) == 0)
		server_main(w, wo->wo_trace, parent, ends[1]);
	if (w->w_pid != -1)
		leave_processor(w->w_pid);
	(void)close(ends[1]);
	(void)close(w->w_listening);
	w->w_listening = -1;
	if (w->w_pid != -1)
		return STATUS_OK;
	w->w_pid = 0;
	return complain_errno("fork");
}

void
world_lost(struct world *w)
{
	w->w_pid = 0;
}

void
world_end(struct world *w)
{
	size_t i;

	if (w->w_pid != 0)
		(void)kill(w->w_pid, SIGKILL);
	if (w->w_ready != -1)
		(void)close(w->w_ready);
	if (w->w_listening != -1)
		(void)close(w->w_listening);
	if (w->w_dirfd != -1)
		stale_empty(w->w_dirfd);
	if (w->w_dir != NULL) {
		(void)rmdir(w->w_dir);
		*strrchr(w->w_dir, '/') = '\0';
		stale_remove(w->w_dir);
	}
	if (w->w_dirfd != -1)
		(void)close(w->w_dirfd);
	while (
	    w->w_pid != 0 && waitpid(w->w_pid, NULL, 0) == -1 && errno == EINTR)
		continue;
	for (i = 0; i < w->w_nsteps; i++)
		free(w->w_steps[i]);
	free(w->w_steps);
	free(w->w_socket);
	free(w->w_dir);
	*w = (struct world)WORLD_NONE;
}

/* Wait until clients can connect. */
static int
server_wait(struct world *w)
{
	char byte;
	ssize_t n;

	while ((n = read(w->w_ready, &byte, 1)) == -1 && errno == EINTR)
		continue;
	if (n == 1)
		return STATUS_OK;
	complain("the server has not started");
	return STATUS_FAILED;
}

/* Be one.  -1 with errno: there is no server any more. */
static int
server_connect(const struct world *w)
{
	char *url = tool_format("unix://%s", w->w_socket);
	int r = kernel_openat(url), error = errno;

	free(url);
	errno = error;
	return r;
}

bool
world_answers(struct world *w)
{
	if (w->w_whole && server_connect(w) == -1)
		return false;
	return rump_sys_access("/", F_OK) == 0 || errno != ENOTCONN;
}

/*
 * Mounts
 */

/* name=value, as an option of mount. */
static bool
option_put(char *data, const char *name, const char *value)
{
	size_t at = strlen(data);

	at += (size_t)snprintf(
	    data + at, DATA_SIZE - at, "%s%s=", at > 0 ? "," : "", name);
	for (; *value != '\0'; value++) {
		if (at + 3 > DATA_SIZE)
			return false;
		if (*value == ',' || *value == '\\')
			data[at++] = '\\';
		data[at++] = *value;
	}
	data[at] = '\0';
	return true;
}

/*
 * Make a directory and those on the way to it; false if it is there, or cannot
 * be made.
 */
static bool
make_path(const char *path)
{
	char *copy = tool_format("%s", path), *p = copy;

	while ((p = strchr(p + 1, '/')) != NULL) {
		*p = '\0';
		(void)rump_sys_mkdir(copy, 0755);
		*p = '/';
	}
	free(copy);
	return rump_sys_mkdir(path, 0755) == 0;
}

/* The server is to do it: an option, and what is allocated. */
static void
step_add(struct world *w, const char *option, char *text)
{
	w->w_steps =
	    tool_alloc(w->w_steps, (w->w_nsteps + 2) * sizeof(w->w_steps[0]));
	w->w_steps[w->w_nsteps++] = tool_format("%s", option);
	w->w_steps[w->w_nsteps++] = text;
}

static int
world_mkdir(struct world *w, const char *path)
{
	if (w->w_whole)
		step_add(w, "--mkdir", tool_format("%s", path));
	else if (rump_sys_mkdir(path, 0755) == -1)
		return complain_errno(path);
	return STATUS_OK;
}

static int
world_mount(struct world *w, const char *type, const char *on, int flags,
    const char *data)
{
	int r, error;

	if (w->w_whole) {
		step_add(w, "--mount",
		    tool_format("%s:%s:%s:%s", type, on,
			(flags & RUMP_MNT_RDONLY) != 0 ? "ro" : "rw", data));
		return STATUS_OK;
	}
	r = rump_sys_mount(type, on, flags, (void *)(uintptr_t)data,
	    data != NULL ? strlen(data) : 0);

	/* Or is it what is mounted that is not there? */
	error = errno;
	if (r == -1 && error == ENOENT && !make_path(on))
		errno = error;
	else if (r == -1 && error == ENOENT)
		r = rump_sys_mount(type, on, flags, (void *)(uintptr_t)data,
		    data != NULL ? strlen(data) : 0);
	if (r == 0)
		return STATUS_OK;
	complain("%s%s%s cannot be mounted on %s: %s", type,
	    data != NULL && *data != '\0' ? " " : "", data != NULL ? data : "",
	    on, strerror(errno));
	return STATUS_FAILED;
}

static int
mount_path(struct world *w, const char *type, const char *on, int flags,
    const char *name, const char *path)
{
	char data[DATA_SIZE] = "";

	if (!option_put(data, name, path)) {
		errno = ENAMETOOLONG;
		return complain_errno(path);
	}
	return world_mount(w, type, on, flags, data);
}

bool
world_isarchive(const char *root)
{
	struct stat sb;

	return stat(root, &sb) == 0 && !S_ISDIR(sb.st_mode);
}

static int
lower_mount(struct world *w, const struct world_options *wo)
{
	if (world_isarchive(wo->wo_root))
		return world_mount(w, "tmpfs", LOWER, 0, "mode=755") ==
			       STATUS_OK
			   ? archive_ops()->ao_load(wo->wo_root, LOWER)
			   : STATUS_FAILED;
	/* Nobody is to change it meanwhile, or not often. */
	return mount_path(w, "hostfs", LOWER, RUMP_MNT_RDONLY,
	    "attrtime=1000,path", wo->wo_root);
}

/* Has the root directory the attributes that a new directory has? */
static bool
root_isplain(const struct stat *sb)
{
	return S_ISDIR(sb->st_mode) && sb->st_uid == 0 && sb->st_gid == 0 &&
	       (sb->st_mode & 07777) == 0755;
}

/* The overlay's root has the attributes of the upper one. */
static int
upper_make(struct world *w, const struct world_options *wo)
{
	struct stat sb;
	int r;

	if (world_mkdir(w, WORLD_UPPER) != STATUS_OK)
		return STATUS_FAILED;
	if (w->w_whole)
		return STATUS_OK;
	r = world_isarchive(wo->wo_root) ? rump_sys_stat(LOWER, &sb)
					 : stat(wo->wo_root, &sb);
	if (r == -1 ||
	    (!root_isplain(&sb) &&
		(rump_sys_chown(WORLD_UPPER, sb.st_uid, sb.st_gid) == -1 ||
		    rump_sys_chmod(WORLD_UPPER, sb.st_mode & 07777) == -1)))
		return complain_errno(WORLD_UPPER);
	return STATUS_OK;
}

static int
layer_mount(struct world *w, const char *size)
{
	char data[DATA_SIZE] = "mode=700";

	if (size == NULL)
		return world_mount(w, "tmpfs", WORLD_LAYER, 0, data);
	if (!option_put(data, "size", size)) {
		errno = EINVAL;
		return complain_errno(size);
	}
	if (rump_sys_mount("tmpfs", WORLD_LAYER, 0, data, strlen(data)) == 0)
		return STATUS_OK;
	if (errno != EINVAL)
		return complain_errno(WORLD_LAYER);
	complain("%s: is no size, like 64m or 2g", size);
	return STATUS_FAILED;
}

/* What the overlay is going to be made of. */
static int
layers_make(struct world *w, const struct world_options *wo)
{
	if (world_mkdir(w, LOWER) != STATUS_OK ||
	    world_mkdir(w, WORLD_LAYER) != STATUS_OK ||
	    world_mkdir(w, WORLD_ROOT) != STATUS_OK ||
	    layer_mount(w, wo->wo_size) != STATUS_OK ||
	    lower_mount(w, wo) != STATUS_OK)
		return STATUS_FAILED;
	return upper_make(w, wo);
}

/*
 * What is mounted in the world
 */

static int
mount_one(struct world *w, const struct world_mount *m)
{
	static const struct {
		const char *type, *name;
	} paths[] = {
	    {"hostfs", "path"},
	    {"hostpass", "path"},
	    {"etfs", "path"},
	    {"null", "target"},
	    {"umap", "target"},
	};
	int flags = m->wm_readonly ? RUMP_MNT_RDONLY : 0;
	size_t i;

	for (i = 0; i < nitems(paths); i++)
		if (strcmp(m->wm_type, paths[i].type) == 0)
			return mount_path(w, m->wm_type, m->wm_on, flags,
			    paths[i].name, m->wm_from);
	return world_mount(w, m->wm_type, m->wm_on, flags, m->wm_from);
}

/* The overlay, and what the host has that are no files. */
static int
overlay_make(struct world *w)
{
	static const char *const passed[] = {"/proc", "/sys", "/dev"};
	char on[sizeof(WORLD_ROOT) + 8];
	size_t i;
	int status;

	status = world_mount(w, "overlay", WORLD_ROOT, 0,
	    "lowerdir=" LOWER ",upperdir=" WORLD_UPPER);
	for (i = 0; i < nitems(passed) && status == STATUS_OK; i++) {
		(void)snprintf(on, sizeof(on), WORLD_ROOT "%s", passed[i]);
		status = mount_path(w, "hostpass", on, 0, "path", passed[i]);
	}
	return status;
}

/*
 * In order
 */

int
world_start(struct world *w, const struct world_options *wo, bool simple)
{
	struct stat sb;

	*w = (struct world)WORLD_NONE;
	if (kernel_serve == NULL) {
		complain("this tool has a kernel in its own process, which no "
			 "program can reach");
		return STATUS_FAILED;
	}
	if (wo->wo_trace != NULL && trace_check(wo->wo_trace) != STATUS_OK)
		return STATUS_FAILED;
	if (make_dir(w) != STATUS_OK || make_socket(w) != STATUS_OK)
		return STATUS_FAILED;
	w->w_whole = simple && wo->wo_size == NULL && !wo->wo_leave &&
		     wo->wo_nmounts == 0 && stat(wo->wo_root, &sb) == 0 &&
		     root_isplain(&sb);
	if (w->w_whole &&
	    (layers_make(w, wo) != STATUS_OK || overlay_make(w) != STATUS_OK))
		return STATUS_FAILED;
	return server_launch(w, wo);
}

int
world_connect(struct world *w, const struct world_options *wo)
{
	if (server_wait(w) != STATUS_OK)
		return STATUS_FAILED;
	if (w->w_whole)
		return STATUS_OK;
	if (server_connect(w) == -1)
		return complain_errno(w->w_socket);
	if (wo->wo_leave && (w->w_top = rump_sys_open("/",
				 O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return complain_errno("kernel");
	return layers_make(w, wo);
}

int
world_settle(struct world *w, const struct world_options *wo)
{
	size_t i;

	if (w->w_whole)
		return STATUS_OK;
	if (overlay_make(w) != STATUS_OK)
		return STATUS_FAILED;
	if (rump_sys_chroot(WORLD_ROOT) == -1)
		return complain_errno(WORLD_ROOT);
	for (i = 0; i < wo->wo_nmounts; i++)
		if (mount_one(w, &wo->wo_mounts[i]) != STATUS_OK)
			return STATUS_FAILED;
	return STATUS_OK;
}

int
world_leave(struct world *w)
{
	if (rump_sys_fchroot(w->w_top) == -1 || rump_sys_chdir("/") == -1)
		return complain_errno("kernel");
	return STATUS_OK;
}
