/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Starting the first loader: see hijack.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hijack/launch/launch.h"

#define HIGHEST 4096
#define NUMBERS 64 /* room for the loader's first argument */

/* Nothing that we were given is to go. */
static bool
is_free(int first)
{
	for (int fd = first; fd < first + HJ_NFDS; fd++) {
		if (fcntl(fd, F_GETFD) != -1)
			return false;
	}
	return true;
}

/*
 * Descriptors where no program looks for them: at the top, but not so high that
 * the host is slow to copy its tables at each fork.
 */
static int
first_descriptor(int *fd)
{
	struct rlimit limit;
	int first;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return errno;
	if (limit.rlim_cur > HIGHEST)
		limit.rlim_cur = HIGHEST;
	first = (int)limit.rlim_cur - HJ_NFDS;
	while (first >= HJ_NFDS && !is_free(first))
		first--;
	if (first < HJ_NFDS)
		return EMFILE;
	*fd = first;
	return 0;
}

/* Memory of that size at the descriptor. */
static int
make_file(const char *name, off_t size, int at)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int error = 0;

	if (fd < 0)
		return errno;
	if (ftruncate(fd, size) != 0 || dup3(fd, at, O_CLOEXEC) < 0)
		error = errno;
	close(fd);
	return error;
}

/* The loader's copy, as the engine will map it: see self.c. */
static int
open_engine(const char *loader, int at)
{
	const char *slash = strrchr(loader, '/');
	char path[HJ_PATHMAX];
	int fd, error = 0;

	if (snprintf(path, sizeof(path), "%.*s/" HJ_IMAGE,
		(int)(slash != NULL ? slash - loader : 0),
		loader) >= (int)sizeof(path))
		return ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || dup3(fd, at, O_CLOEXEC) < 0)
		error = errno;
	if (fd >= 0)
		close(fd);
	return error;
}

static int
make_control(const char *loader, int fd, struct hj_control **control)
{
	struct hj_control *c;
	int error = make_file("rump-control", sizeof(*c), fd);

	if (error != 0)
		return error;
	c = mmap(NULL, sizeof(*c), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (c == MAP_FAILED)
		return errno;
	c->hc_magic = HJ_MAGIC;
	c->hc_version = HJ_VERSION;
	c->hc_fd = fd;
	strcpy(c->hc_loader, loader);
	*control = c;
	return 0;
}

int
hijack_init(const char *loader, struct hj_control **control)
{
	int fd = -1, error;

	if (strlen(loader) >= sizeof((*control)->hc_loader))
		return ENAMETOOLONG;
	error = first_descriptor(&fd);
	if (error == 0)
		error = open_engine(loader, fd + HJ_FD_IMAGE);
	if (error == 0)
		error = make_control(loader, fd, control);
	return error;
}

/* Where execvp would find a program, in allocated memory; NULL: nowhere. */
static char *
find_program(const char *name)
{
	const char *path = getenv("PATH"), *end;
	char *found;

	if (strchr(name, '/') != NULL)
		return strdup(name);
	if (path == NULL)
		path = "/bin:/usr/bin";
	for (;; path = end + 1) {
		end = strchrnul(path, ':');
		if (asprintf(&found, "%.*s%s%s", (int)(end - path), path,
			end > path ? "/" : "", name) < 0)
			return NULL;
		if (access(found, X_OK) == 0)
			return found;
		free(found);
		if (*end == '\0') {
			errno = ENOENT;
			return NULL;
		}
	}
}

const char **
hijack_args(
    const struct hj_control *control, const char *path, char *const argv[])
{
	const char **args;
	size_t argc = 0;
	char *text;

	while (argv[argc] != NULL)
		argc++;
	args = calloc(1, (argc + 3) * sizeof(*args) + NUMBERS);
	if (args == NULL)
		return NULL;
	text = (char *)(args + argc + 3);
	snprintf(text, NUMBERS, "%d 0 8", control->hc_fd);
	args[0] = text;
	args[1] = path;
	memcpy(args + 2, argv, argc * sizeof(*args));
	return args;
}

int
hijack_exec(const struct hj_control *control, const char **args)
{
	if (fcntl(control->hc_fd, F_SETFD, 0) == 0 &&
	    fcntl(control->hc_fd + HJ_FD_IMAGE, F_SETFD, 0) == 0)
		execv(control->hc_loader, (char **)args);
	return errno;
}

void
hijack_go(struct hj_control *control)
{
	atomic_store(&control->hc_wait, 0);
	(void)syscall(SYS_futex, &control->hc_wait, FUTEX_WAKE, 1);
}

int
hijack_execvp(const struct hj_control *control, char *const argv[])
{
	char *path = find_program(argv[0]);
	const char **args;
	int error;

	if (path == NULL)
		return errno;
	args = hijack_args(control, path, argv);
	error = args != NULL ? hijack_exec(control, args) : ENOMEM;
	free(args);
	free(path);
	return error;
}
