/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A world: its server and what is mounted there.
 */
#include "cmd/rump/world.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <rump/rump_mount.h>

#include "cmd/rump/kernel.h"
#include "cmd/rump/module.h"
#include "cmd/rump/programs.h"
#include "cmd/rump/stale.h"

#define LOWER	  "/lower"
#define DATA_SIZE (2 * PATH_MAX)

/*
 * The server
 */

static int
make_dir(struct world *w)
{
	const char *base = getenv("XDG_RUNTIME_DIR");

	if (base == NULL || *base != '/')
		base = getenv("TMPDIR");
	if (base == NULL || *base != '/')
		base = "/tmp";
	w->w_dir = tool_format("%s/" STALE_PREFIX "XXXXXX", base);
	if (mkdtemp(w->w_dir) == NULL) {
		complain("%s: %s; XDG_RUNTIME_DIR or TMPDIR can name another "
			 "directory for the server's socket",
		    base, strerror(errno));
		free(w->w_dir);
		w->w_dir = NULL;
		return STATUS_FAILED;
	}
	w->w_dirfd = stale_lock(w->w_dir);
	w->w_socket = tool_path(w->w_dir, STALE_SOCKET);
	if (strlen(w->w_socket) <
	    sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return STATUS_OK;
	complain("%s: is too long for the name of a socket; XDG_RUNTIME_DIR or "
		 "TMPDIR can name another directory",
	    w->w_dir);
	return STATUS_FAILED;
}

/* What it is executed with. */
struct server {
	char *s_program;
	char *s_url;
	char *s_trace; /* RUMP_TRACE=, or NULL */
	char **s_environ;
};

/* The environment, but that what is traced is what was asked for here. */
static void
server_init(struct server *s, const struct world *w, const char *trace)
{
	size_t n = 0, i;

	s->s_program = program_path(PROGRAM_SERVER);
	s->s_url = tool_format("unix://%s", w->w_socket);
	s->s_trace = trace != NULL ? tool_format("RUMP_TRACE=%s", trace) : NULL;
	while (environ[n] != NULL)
		n++;
	s->s_environ = tool_alloc(NULL, (n + 2) * sizeof(s->s_environ[0]));
	for (i = n = 0; environ[i] != NULL; i++)
		if (strncmp(environ[i], "RUMP_TRACE=", 11) != 0)
			s->s_environ[n++] = environ[i];
	if (s->s_trace != NULL)
		s->s_environ[n++] = s->s_trace;
	s->s_environ[n] = NULL;
}

static void
server_fini(struct server *s)
{
	free(s->s_program);
	free(s->s_url);
	free(s->s_trace);
	free(s->s_environ);
}

/*
 * The child, in the memory of its parent, which waits: no signal of the
 * terminal is for it, and it ends with us.
 */
static _Noreturn void
server_exec(const struct server *s, pid_t parent, int ready)
{
	const char *const args[] = {"rump_server", "-s", "--host-pids",
	    "--notify", "3", s->s_url, NULL};
	sigset_t none;
	int null;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(STATUS_FAILED);
	(void)setsid();
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if ((null = open("/dev/null", O_RDWR)) != -1) {
		(void)dup2(null, STDIN_FILENO);
		(void)dup2(null, STDOUT_FILENO);
	}
	(void)dup2(ready, STDERR_FILENO + 1);
	(void)close_range(STDERR_FILENO + 2, ~0u, 0);
	(void)execve(s->s_program, (char **)(uintptr_t)args, s->s_environ);
	complain("%s: %s", s->s_program, strerror(errno));
	_exit(STATUS_FAILED);
}

/* Of the caller's variables a vfork could change some. */
static __attribute__((noinline)) pid_t
server_start(const struct server *s, int ready)
{
	pid_t parent = getpid(), pid = vfork();

	if (pid == 0)
		server_exec(s, parent, ready);
	if (pid == -1)
		(void)complain_errno("fork");
	return pid;
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

int
world_start(struct world *w, const struct world_options *wo)
{
	struct server s;
	int ends[2];

	*w = (struct world){.w_ready = -1, .w_top = -1, .w_dirfd = -1};
	if (!kernel_reached()) {
		complain("this tool has a kernel in its own process, which no "
			 "program can reach");
		return STATUS_FAILED;
	}
	if (wo->wo_trace != NULL && trace_check(wo->wo_trace) != STATUS_OK)
		return STATUS_FAILED;
	if (make_dir(w) != STATUS_OK)
		return STATUS_FAILED;
	if (pipe2(ends, O_CLOEXEC) == -1)
		return complain_errno("pipe");
	server_init(&s, w, wo->wo_trace);
	w->w_pid = server_start(&s, ends[1]);
	server_fini(&s);
	(void)close(ends[1]);
	w->w_ready = ends[0];
	if (w->w_pid != -1)
		return STATUS_OK;
	w->w_pid = 0;
	return STATUS_FAILED;
}

void
world_lost(struct world *w)
{
	w->w_pid = 0;
}

void
world_end(struct world *w)
{
	if (w->w_pid != 0)
		(void)kill(w->w_pid, SIGKILL);
	if (w->w_ready != -1)
		(void)close(w->w_ready);
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
	free(w->w_socket);
	free(w->w_dir);
	*w = (struct world){.w_ready = -1, .w_top = -1, .w_dirfd = -1};
}

/* Wait until clients can connect, and be one. */
static int
server_connect(struct world *w)
{
	char *url, byte;
	ssize_t n;
	int r;

	while ((n = read(w->w_ready, &byte, 1)) == -1 && errno == EINTR)
		continue;
	if (n != 1) {
		complain("the server has not started");
		return STATUS_FAILED;
	}
	url = tool_format("unix://%s", w->w_socket);
	r = kernel_openat(url);
	free(url);
	return r == 0 ? STATUS_OK : STATUS_FAILED;
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

static int
world_mount(const char *type, const char *on, int flags, const char *data)
{
	int r = rump_sys_mount(type, on, flags, (void *)(uintptr_t)data,
	    data != NULL ? strlen(data) : 0);
	int error;

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
mount_path(const char *type, const char *on, int flags, const char *name,
    const char *path)
{
	char data[DATA_SIZE] = "";

	if (!option_put(data, name, path)) {
		errno = ENAMETOOLONG;
		return complain_errno(path);
	}
	return world_mount(type, on, flags, data);
}

bool
world_isarchive(const char *root)
{
	struct stat sb;

	return stat(root, &sb) == 0 && !S_ISDIR(sb.st_mode);
}

static int
lower_mount(const struct world_options *wo)
{
	if (world_isarchive(wo->wo_root))
		return world_mount("tmpfs", LOWER, 0, "mode=755") == STATUS_OK
			   ? archive_ops()->ao_load(wo->wo_root, LOWER)
			   : STATUS_FAILED;
	/* Nobody is to change it meanwhile, or not often. */
	return mount_path("hostfs", LOWER, RUMP_MNT_RDONLY,
	    "attrtime=1000,path", wo->wo_root);
}

/* The overlay's root has the attributes of the upper one. */
static int
upper_make(const struct world_options *wo)
{
	struct stat sb;
	int r;

	r = world_isarchive(wo->wo_root) ? rump_sys_stat(LOWER, &sb)
					 : stat(wo->wo_root, &sb);
	if (r == -1 || rump_sys_mkdir(WORLD_UPPER, 0755) == -1)
		return complain_errno(WORLD_UPPER);
	/* Each call is a message: most often it is right as it is. */
	if (((sb.st_uid != 0 || sb.st_gid != 0) &&
		rump_sys_chown(WORLD_UPPER, sb.st_uid, sb.st_gid) == -1) ||
	    ((sb.st_mode & 07777) != 0755 &&
		rump_sys_chmod(WORLD_UPPER, sb.st_mode & 07777) == -1))
		return complain_errno(WORLD_UPPER);
	return STATUS_OK;
}

static int
layer_mount(const char *size)
{
	char data[DATA_SIZE] = "mode=700";

	if (size != NULL && !option_put(data, "size", size)) {
		errno = EINVAL;
		return complain_errno(size);
	}
	if (rump_sys_mount("tmpfs", WORLD_LAYER, 0, data, strlen(data)) == 0)
		return STATUS_OK;
	if (errno != EINVAL || size == NULL)
		return complain_errno(WORLD_LAYER);
	complain("%s: is no size, like 64m or 2g", size);
	return STATUS_FAILED;
}

int
world_connect(struct world *w, const struct world_options *wo)
{
	if (server_connect(w) != STATUS_OK)
		return STATUS_FAILED;
	if (wo->wo_leave)
		w->w_top =
		    rump_sys_open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if ((wo->wo_leave && w->w_top == -1) ||
	    rump_sys_mkdir(LOWER, 0755) == -1 ||
	    rump_sys_mkdir(WORLD_LAYER, 0755) == -1 ||
	    rump_sys_mkdir(WORLD_ROOT, 0755) == -1)
		return complain_errno("kernel");
	if (layer_mount(wo->wo_size) != STATUS_OK ||
	    lower_mount(wo) != STATUS_OK)
		return STATUS_FAILED;
	return upper_make(wo);
}

/*
 * What is mounted in the world
 */

static int
mount_one(const struct world_mount *m)
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
			return mount_path(m->wm_type, m->wm_on, flags,
			    paths[i].name, m->wm_from);
	return world_mount(m->wm_type, m->wm_on, flags, m->wm_from);
}

int
world_settle(struct world *w, const struct world_options *wo)
{
	static const struct world_mount host[] = {
	    {NULL, "hostpass", "/proc", "/proc", false},
	    {NULL, "hostpass", "/sys", "/sys", false},
	    {NULL, "hostpass", "/dev", "/dev", false},
	};
	size_t i;

	(void)w;
	if (world_mount("overlay", WORLD_ROOT, 0,
		"lowerdir=" LOWER ",upperdir=" WORLD_UPPER) != STATUS_OK)
		return STATUS_FAILED;
	if (rump_sys_chroot(WORLD_ROOT) == -1)
		return complain_errno(WORLD_ROOT);
	for (i = 0; i < nitems(host); i++)
		if (mount_one(&host[i]) != STATUS_OK)
			return STATUS_FAILED;
	for (i = 0; i < wo->wo_nmounts; i++)
		if (mount_one(&wo->wo_mounts[i]) != STATUS_OK)
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
