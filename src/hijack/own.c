/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What /proc and /dev, which are the host's, have of the caller itself and is
 * the kernel's: its executable, its directories, its descriptors.
 */
#include <linux/fcntl.h>

#include "hijack/engine.h"

#define MOST_PIDS (1 << 22)

enum own { OWN_NONE, OWN_EXE, OWN_CWD, OWN_ROOT, OWN_FD };

/* The rest of a path in the caller's folder of /proc, or NULL. */
const char *
hj_own_folder(const char *path)
{
	char own[32];
	const char *rest;

	if ((rest = hj_after(path, "/proc/self/")) != NULL ||
	    (rest = hj_after(path, "/proc/thread-self/")) != NULL)
		return rest;
	hj_append(hj_number(hj_append(own, "/proc/"),
		      (unsigned long)hj_raw0(__NR_getpid)),
	    "/");
	return hj_after(path, own);
}

/* A number, up to a slash or the end; -1: there is none. */
static int
number(const char **text, int most)
{
	const char *p = *text;
	int n = 0;

	while (*p >= '0' && *p <= '9' && n < most)
		n = n * 10 + *p++ - '0';
	if (p == *text || (*p != '\0' && *p != '/'))
		return -1;
	*text = p;
	return n;
}

/* The same of another process: its pid, too. */
static const char *
other_folder(const char *path, int *pid)
{
	const char *rest = hj_after(path, "/proc/");

	if (rest == NULL || hj_has_rules())
		return NULL;
	*pid = number(&rest, MOST_PIDS);
	return *pid > 0 && *rest == '/' ? rest + 1 : NULL;
}

/*
 * Which of these a path begins with; the rest of it, the descriptor, and the
 * process, 0 if that is the caller.
 */
static enum own
classify(const char *path, const char **rest, int *fd, int *pid)
{
	static const struct {
		const char *name;
		enum own own;
	} names[] = {{"exe", OWN_EXE}, {"cwd", OWN_CWD}, {"root", OWN_ROOT}};
	static const char *const standard[] = {
	    "/dev/stdin", "/dev/stdout", "/dev/stderr"};
	const char *p = hj_own_folder(path);

	*pid = 0;
	if (p == NULL)
		p = other_folder(path, pid);
	for (int i = 0; i < 3; i++) {
		if (hj_streq(path, standard[i])) {
			*fd = i;
			*rest = "";
			return OWN_FD;
		}
		if (p != NULL && (*rest = hj_after(p, names[i].name)) != NULL &&
		    (**rest == '\0' || **rest == '/'))
			return names[i].own;
	}
	*rest = hj_after(path, "/dev/fd/");
	if (*rest == NULL && p != NULL)
		*rest = hj_after(p, "fd/");
	if (*rest == NULL)
		return OWN_NONE;
	*fd = number(rest, HJ_NKFDS);
	return *fd >= 0 ? OWN_FD : OWN_NONE;
}

/* The path of a descriptor of the kernel's: its length, or negative. */
long
hj_own_fdpath(struct hj_thread *t, int fd, char path[HJ_PATHMAX])
{
	long args[HJ_OPARGS] = {fd};

	return hj_kernel_op(t, SP_FDPATH, args, path, 0, HJ_PATHMAX);
}

/* Whether another process's directory is in a place of the host's. */
static int
is_elsewhere(int pid)
{
	static const char *const places[] = {"/proc", "/sys", "/dev"};
	char link[32], path[8] = "";
	const char *rest;

	hj_append(
	    hj_number(hj_append(link, "/proc/"), (unsigned int)pid), "/cwd");
	hj_raw4(__NR_readlinkat, AT_FDCWD, link, path, sizeof(path) - 1);
	for (int i = 0; i < 3; i++) {
		rest = hj_after(path, places[i]);
		if (rest != NULL && (*rest == '\0' || *rest == '/'))
			return 1;
	}
	return 0;
}

/* The same of another process. */
static long
other_path(
    struct hj_thread *t, enum own own, int pid, int fd, char path[HJ_PATHMAX])
{
	long args[HJ_OPARGS] = {fd, pid, SP_FDPATH_FD}, n;

	if (own == OWN_CWD && is_elsewhere(pid))
		return 0;
	if (own == OWN_EXE)
		args[2] = SP_FDPATH_EXE;
	else if (own != OWN_FD)
		args[2] = own == OWN_CWD ? SP_FDPATH_CWD : SP_FDPATH_ROOT;
	n = hj_kernel_op(t, SP_FDPATH, args, path, 0, HJ_PATHMAX);
	return n < 0 ? 0 : n;
}

/* The path of one of those: its length; 0: it is the host's. */
static long
own_path(struct hj_thread *t, enum own own, int fd, char path[HJ_PATHMAX])
{
	const long args[6] = {(long)path, HJ_PATHMAX};
	long n = 0;

	if (own == OWN_FD)
		hj_lower_adopt(t);
	if (own == OWN_EXE)
		n = hj_append(path, hj_exepath) - path;
	else if (own == OWN_ROOT)
		n = hj_append(path, "/") - path;
	else if (own == OWN_CWD && !t->t_proc->p_hostcwd)
		n = hj_kernel(t, HJ_K___getcwd, args) - 1;
	else if (own == OWN_FD && hj_fd_iskernel(t, fd))
		n = hj_own_fdpath(t, fd, path);
	if (n > 0 && hj_has_rules() && (own == OWN_CWD || own == OWN_FD))
		n = hj_rules_show(path);
	return n < 0 ? 0 : n;
}

/*
 * A path on the host that is the kernel's in truth: 1, and the path there.  *fd
 * is the descriptor that it names, if it names one, and -1 otherwise.
 */
int
hj_own_find(struct hj_thread *t, const char *path, int follow,
    char own[HJ_PATHMAX], int *fd)
{
	const char *rest = NULL;
	enum own which;
	size_t more;
	int pid;
	long n;

	*fd = -1;
	which = classify(path, &rest, fd, &pid);
	if (which == OWN_NONE || (*rest == '\0' && !follow))
		return 0;
	n = pid != 0 ? other_path(t, which, pid, *fd, own)
		     : own_path(t, which, *fd, own);
	more = hj_strlen(rest);
	if (more > 0 || pid != 0)
		*fd = -1;
	if (n == 0 || (size_t)n + more >= HJ_PATHMAX)
		return 0;
	hj_append(own + n, rest);
	return 1;
}

/* What such a link says: its length, or 0. */
static long
own_link(struct hj_thread *t, const char *path, char own[HJ_PATHMAX])
{
	const char *rest = NULL;
	enum own which;
	int fd = -1, pid;

	which = classify(path, &rest, &fd, &pid);
	if (which == OWN_NONE || *rest != '\0' || hj_after(path, "/dev/std"))
		return 0;
	return pid != 0 ? other_path(t, which, pid, fd, own)
			: own_path(t, which, fd, own);
}

static const struct hj_path readlink_path = {
    .p_host = __NR_readlinkat, .p_kernel = HJ_K_readlinkat, .p_how = "dlvv"};

/* readlinkat with a kernel. */
long
hj_own_readlink(struct hj_thread *t, const long *args)
{
	char path[HJ_PATHMAX], own[HJ_PATHMAX];
	long n = 0;

	if (hj_copyinstr(path, (unsigned long)args[1], sizeof(path)) > 0 &&
	    (hj_after(path, "/proc/") != NULL ||
		hj_after(path, "/dev/") != NULL))
		n = own_link(t, path, own);
	if (n == 0 && hj_lower_call(t, HJ_K_readlinkat, args, &n))
		return n;
	if (n == 0)
		return hj_path_call(t, &readlink_path, args);
	if ((int)args[3] <= 0)
		return -EINVAL;
	n = HJ_MIN(n, (int)args[3]);
	return hj_copyout((unsigned long)args[2], own, (size_t)n) != 0 ? -EFAULT
								       : n;
}
