/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * execve and execveat: the file is opened and looked at as the host would, a
 * script's interpreter is found, and what the host executes is the loader, with
 * the opened file.  So what is wrong is said before the old program goes, and
 * what was looked at is what runs.
 *
 * The loader's arguments are "CONTROL FILE FLAGS", numbers, and the path that
 * was to be executed; the program's follow.  With a kernel the first goes on
 * with the session's token, in hexadecimal, the hard limit of descriptors
 * (limits.c), what hj_kernel_carry says of the connection, and the program's
 * path there.
 */
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <linux/stat.h>

#include "hijack/engine.h"

#define AT_EXECVE_CHECK 0x10000
#define HEADSIZE	256 /* of a script, its interpreter is in */
#define MAXSCRIPTS	5
#define X_OK		1
#ifndef AT_EACCESS
#define AT_EACCESS 0x200
#endif

/* Strings on their way to the loader; scripts put theirs before the rest. */
struct exec {
	char path[HJ_PATHMAX]; /* what was asked for */
	char words[MAXSCRIPTS][2][HEADSIZE];
	char control[192 + 2 * SP_TOKEN + HJ_PATHMAX];
	char exe[HJ_PATHMAX]; /* what is executed, in the kernel; or "" */
	int fd;
	int nscripts;
};

/* Whether somebody writes to a file of the host's.  Older hosts do not say. */
int
hj_is_written(int fd)
{
	return hj_raw5(__NR_execveat, fd, "", NULL, NULL,
		   AT_EMPTY_PATH | AT_EXECVE_CHECK) == -ETXTBSY;
}

/*
 * Whether the host would execute the file: it is a regular one, there is a
 * right to, and nobody writes to it.
 */
int
hj_may_execute(int fd)
{
	struct statx st = {0};
	long r;

	r = hj_raw5(__NR_statx, fd, "", AT_EMPTY_PATH, STATX_TYPE, &st);
	if (r != 0)
		return (int)-r;
	if ((st.stx_mode & S_IFMT) != S_IFREG)
		return EACCES;
	if (hj_raw4(
		__NR_faccessat2, fd, "", X_OK, AT_EACCESS | AT_EMPTY_PATH) != 0)
		return EACCES;
	return hj_is_written(fd) ? ETXTBSY : 0;
}

/* The file as the host would open it; there must be something to read. */
static int
open_file(int dirfd, const char *path, long flags, int *fd)
{
	long how = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, r;
	char link[32];
	struct statx st = {0};
	int error;

	/* What is no regular file is not opened. */
	r = hj_raw5(__NR_statx, dirfd, path,
	    flags & (AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW), STATX_TYPE, &st);
	if (r != 0)
		return (int)-r;
	if ((st.stx_mode & S_IFMT) == S_IFLNK)
		return ELOOP;
	if ((st.stx_mode & S_IFMT) != S_IFREG)
		return EACCES;
	if (path[0] == '\0') {
		hj_fd_link(link, dirfd);
		r = hj_raw4(__NR_openat, AT_FDCWD, link, how, 0);
	} else {
		if ((flags & AT_SYMLINK_NOFOLLOW) != 0)
			how |= O_NOFOLLOW;
		r = hj_raw4(__NR_openat, dirfd, path, how, 0);
	}
	if (HJ_FAILED(r))
		return (int)-r;
	error = hj_may_execute((int)r);
	if (error != 0)
		hj_raw1(__NR_close, r);
	else
		*fd = (int)r;
	return error;
}

/* What a place of the host's has: perhaps something of our own. */
static int
open_elsewhere(struct hj_thread *t, int dirfd, const char *path, long flags,
    int *fd, char *exe)
{
	char host[HJ_PATHMAX], own[HJ_PATHMAX];
	int follow = (flags & AT_SYMLINK_NOFOLLOW) == 0, own_fd;
	long r = hj_path_onhost(t, dirfd, (unsigned long)path, follow, host);

	if (r != 0)
		return (int)-r;
	if (host[0] != '/')
		return EACCES;
	if (hj_own_find(t, host, follow, own, &own_fd))
		return hj_open_program(t, AT_FDCWD, own, flags, fd, exe);
	return open_file(AT_FDCWD, host, flags, fd);
}

/* The same with a kernel. */
static int
open_kernel(struct hj_thread *t, int dirfd, const char *path, long flags,
    int *fd, char *exe)
{
	char buf[HJ_PATHMAX];
	long r;

	if (hj_path_begins_on_host(t, dirfd, (unsigned long)path))
		return open_file(dirfd, path, flags, fd);
	if (path[0] == '\0') {
		r = hj_own_fdpath(t, dirfd, buf);
		if (r < 0)
			return (int)-r;
		path = buf;
	}
	r = hj_file_program(
	    t, dirfd, path, (flags & AT_SYMLINK_NOFOLLOW) == 0, exe, fd);
	if (r == EREMOTE)
		return open_elsewhere(t, dirfd, path, flags, fd, exe);
	return (int)r;
}

/* The same, whoever the rules say has it. */
static int
open_rules(struct hj_thread *t, int dirfd, const char *path, long flags,
    int *fd, char *exe)
{
	char own[HJ_PATHMAX], found[HJ_PATHMAX];
	int follow = (flags & AT_SYMLINK_NOFOLLOW) == 0, error;
	long r;

	if (path[0] == '\0' && hj_fd_iskernel(t, dirfd)) {
		r = hj_own_fdpath(t, dirfd, own);
		if (r > 0)
			r = hj_rules_show(own);
		if (r < 0)
			return (int)-r;
		path = own;
	}
	r = hj_rules_find(t, dirfd, (unsigned long)path, follow, found);
	if (r < 0)
		return (int)-r;
	if (r == HJ_HOST_PATH || r == HJ_KERNEL_PATH)
		path = found;
	if (r == HJ_HOST_SAME || r == HJ_HOST_PATH) {
		if (exe != NULL)
			exe[0] = '\0';
		return open_file(dirfd, path, flags, fd);
	}
	error = hj_file_program(t, dirfd, path, follow, exe, fd);
	if (error == 0 && exe != NULL && exe[0] != '\0')
		hj_rules_show(exe);
	return error == EREMOTE ? EACCES : error;
}

/*
 * A program to be executed, as a descriptor of the host; exe, unless it is
 * NULL, is its path in the kernel.  An errno.
 */
int
hj_open_program(struct hj_thread *t, int dirfd, const char *path, long flags,
    int *fd, char *exe)
{
	if (hj_has_rules())
		return open_rules(t, dirfd, path, flags, fd, exe);
	if (hj_has_kernel())
		return open_kernel(t, dirfd, path, flags, fd, exe);
	return open_file(dirfd, path, flags, fd);
}

static int
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/*
 * "#! INTERPRETER [ARGUMENT]": the argument is all the rest, less blanks at
 * its end.
 */
static int
parse_script(char *head, long n, char (*words)[HEADSIZE])
{
	char *p = head + 2, *end = head, *word;

	while (end < head + n && *end != '\n' && *end != '\0')
		end++;
	if (end == head + HEADSIZE) {
		/* Cut off: the interpreter's name must be there as a whole. */
		char *q = p;

		while (q < end && is_blank(*q))
			q++;
		while (q < end && !is_blank(*q))
			q++;
		if (q == end)
			return ENOEXEC;
		end--;
	}
	while (end > p && is_blank(end[-1]))
		end--;
	while (p < end && is_blank(*p))
		p++;
	if (p == end)
		return ENOEXEC;
	word = words[0];
	while (p < end && !is_blank(*p))
		*word++ = *p++;
	*word = '\0';
	while (p < end && is_blank(*p))
		p++;
	memcpy(words[1], p, (size_t)(end - p));
	words[1][end - p] = '\0';
	return 0;
}

/* From scripts to their interpreters, until there is something else. */
static int
follow_scripts(struct hj_thread *t, struct exec *ex)
{
	char head[HEADSIZE] = {0};
	int error, n;
	long got;

	for (;;) {
		got = hj_raw4(__NR_pread64, ex->fd, head, sizeof(head), 0);
		if (got < 0)
			return (int)-got;
		if (got < 2 || head[0] != '#' || head[1] != '!')
			return 0;
		if (ex->nscripts == MAXSCRIPTS)
			return ELOOP;
		n = ex->nscripts;
		error = parse_script(head, got, ex->words[n]);
		if (error != 0)
			return error;
		ex->nscripts++;
		hj_raw1(__NR_close, ex->fd);
		ex->fd = -1;
		error = hj_open_program(
		    t, AT_FDCWD, ex->words[n][0], 0, &ex->fd, ex->exe);
		if (error != 0)
			return error;
	}
}

/* The path by which a script's interpreter finds the script. */
static int
name_file(struct exec *ex, int dirfd, const char *path, int cloexec)
{
	size_t n = hj_strlen(path);
	char *p;

	if (path[0] == '/' || dirfd == AT_FDCWD) {
		memcpy(ex->path, path, n + 1);
		return 0;
	}
	if (n + 32 > sizeof(ex->path))
		return ENAMETOOLONG;
	p = hj_number(hj_append(ex->path, "/dev/fd/"), (unsigned int)dirfd);
	if (n > 0) {
		*p++ = '/';
		memcpy(p, path, n + 1);
	}
	/* It would not be there for the interpreter. */
	return cloexec ? ENOENT : 0;
}

/* What goes on in the kernel, and the program's path there. */
static void
control_kernel(const struct hj_thread *t, const struct exec *ex,
    const uint64_t *carried, char *p)
{
	*p++ = ' ';
	for (int i = 0; i < SP_TOKEN; i++) {
		uint8_t byte = t->t_proc->p_spc.cl_token[i];

		*p++ = "0123456789abcdef"[byte >> 4];
		*p++ = "0123456789abcdef"[byte & 15];
	}
	*p++ = ' ';
	p = hj_number(p, t->t_proc->p_nofile);
	for (int i = 0; i < HJ_NCARRIED; i++) {
		*p++ = ' ';
		p = hj_number(p, carried[i]);
	}
	*p++ = ' ';
	hj_append(p, ex->exe);
}

static void
control_string(struct hj_thread *t, struct exec *ex, int interpfd)
{
	uint64_t carried[HJ_NCARRIED] = {0};
	char *p = hj_number(ex->control, (unsigned long)hj_control->hc_fd);
	unsigned long flags = 0;

	for (int i = 0; i < 3; i++) {
		if ((t->t_held & HJ_SIGBIT(hj_ours[i])) != 0)
			flags |= HJ_EXEC_BLOCKED << i;
		if (t->t_proc->p_actions[hj_ours[i]].sa_handler ==
		    (unsigned long)SIG_IGN)
			flags |= HJ_EXEC_IGNORED << i;
	}
	if (t->t_nnp)
		flags |= HJ_EXEC_NNP;
	if (t->t_proc->p_hostcwd)
		flags |= HJ_EXEC_HOSTCWD;
	if (t->t_proc->p_renewed)
		flags |= HJ_EXEC_RENEWED;
	if (hj_has_kernel() && hj_kernel_carry(t, carried))
		flags |= HJ_EXEC_CONNECTED;
	if (t->t_proc->p_locks)
		flags |= HJ_EXEC_LOCKS;
	flags |= (unsigned long)(interpfd + 1) << HJ_EXEC_INTERP;
	*p++ = ' ';
	p = hj_number(p, (unsigned int)ex->fd);
	*p++ = ' ';
	p = hj_number(p, flags);
	if (hj_has_kernel())
		control_kernel(t, ex, carried, p);
}

/* How many strings a vector of the program's has, or -EFAULT. */
static long
count_strings(unsigned long vector)
{
	unsigned long some[32] = {0};
	long n = 0;
	size_t room;

	if (vector == 0)
		return 0;
	for (;;) {
		room = (HJ_PAGE - vector % HJ_PAGE) / sizeof(some[0]);
		room = HJ_MAX(HJ_MIN(room, 32), 1);
		if (hj_copyin(some, vector, room * sizeof(some[0])) != 0)
			return -EFAULT;
		for (size_t i = 0; i < room; i++, n++) {
			if (some[i] == 0)
				return n;
		}
		vector += room * sizeof(some[0]);
	}
}

/* The loader's arguments; the program's strings stay where they are. */
static long
make_argv(struct exec *ex, unsigned long argv, long argc, const char **out)
{
	const char **p = out;

	*p++ = ex->control;
	*p++ = ex->path;
	for (int i = ex->nscripts - 1; i >= 0; i--) {
		*p++ = ex->words[i][0];
		if (ex->words[i][1][0] != '\0')
			*p++ = ex->words[i][1];
		if (i > 0)
			continue;
		/* In place of the first argument. */
		*p++ = ex->path;
		if (argc > 0) {
			argv += sizeof(long);
			argc--;
		}
	}
	if (argc > 0 && hj_copyin(p, argv, (size_t)argc * sizeof(*p)) != 0)
		return -EFAULT;
	if (argc == 0 && ex->nscripts == 0) {
		*p++ = "";
	}
	p[argc] = NULL;
	return 0;
}

static long
exec_loader(struct hj_thread *t, struct exec *ex, int interpfd,
    unsigned long envp, const char **out)
{
	long r;

	r = -hj_trace_exec(t);
	if (r == 0)
		r = -hj_file_told(t, ex->exe);
	if (r != 0)
		return r;
	hj_ids_drop(t);
	control_string(t, ex, interpfd);
	if (hj_has_kernel() && t->t_vmshared)
		hj_limits_shared(0);
	r = hj_raw3(__NR_execve, hj_control->hc_loader, out, envp);
	/* The next signal would stop us, and nobody have us go on. */
	if (t->t_traceme)
		hj_raw1(__NR_exit_group, 127);
	if (hj_has_kernel() && t->t_vmshared)
		hj_limits_shared(1);
	if (hj_has_kernel())
		hj_kernel_keep(t);
	return r;
}

static long
exec_image(struct hj_thread *t, struct exec *ex, unsigned long argv, long argc,
    unsigned long envp, const char **out)
{
	struct hj_image image;
	long r;
	int error;

	error = hj_image_open(t, ex->fd, -1, &image);
	if (error != 0)
		return -error;
	hj_raw3(__NR_fcntl, ex->fd, F_SETFD, 0);
	hj_raw3(__NR_fcntl, image.i_interpfd, F_SETFD, 0);
	r = make_argv(ex, argv, argc, out);
	if (r == 0)
		r = exec_loader(t, ex, image.i_interpfd, envp, out);
	hj_raw1(__NR_close, image.i_interpfd);
	return r;
}

/*
 * What the first loader is to load, as hj_exec would have it executed: an
 * errno, or 0 and the opened file and, with a kernel, its path.  HJ_SCRIPT:
 * hj_exec is needed after all.
 */
int
hj_exec_open(struct hj_thread *t, const char *path, int *fd, char *exe)
{
	char head[2] = {0};
	int error = hj_open_program(t, AT_FDCWD, path, 0, fd, exe);

	if (error != 0)
		return error;
	hj_raw4(__NR_pread64, *fd, head, sizeof(head), 0);
	if (head[0] != '#' || head[1] != '!')
		return hj_file_told(t, exe);
	hj_raw1(__NR_close, *fd);
	return HJ_SCRIPT;
}

/* Execute a path, which is ours. */
long
hj_exec(struct hj_thread *t, int dirfd, const char *path, long flags,
    unsigned long argv, unsigned long envp)
{
	long argc = count_strings(argv), r;
	size_t size;
	struct exec *ex;
	int cloexec, found;

	/* Who looks for a program by PATH asks for many that are not there. */
	if (hj_has_kernel() && !hj_has_rules() &&
	    hj_lower_ismissing(
		t, dirfd, path, (flags & AT_SYMLINK_NOFOLLOW) == 0))
		return -ENOENT;
	if (argc < 0)
		return argc;
	size = sizeof(*ex) + ((size_t)argc + 4 + 3 * MAXSCRIPTS) * sizeof(long);
	size = (size + HJ_PAGE - 1) & ~(HJ_PAGE - 1);
	ex = hj_map(size);
	if (ex == NULL)
		return -ENOMEM;
	/* If we succeed in a vfork, the parent frees it. */
	t->t_scratch = (unsigned long)ex;
	t->t_scratchsize = size;
	ex->fd = -1;
	t->t_telling = 0;
	cloexec = path[0] != '/' && dirfd != AT_FDCWD &&
		  hj_raw2(__NR_fcntl, dirfd, F_GETFD) == FD_CLOEXEC;
	r = -hj_open_program(t, dirfd, path, flags, &ex->fd, ex->exe);
	found = r == 0;
	if (r == 0) {
		r = -name_file(ex, dirfd, path, 0);
		if (r == 0)
			r = -follow_scripts(t, ex);
		if (r == 0 && ex->nscripts > 0)
			r = -name_file(ex, dirfd, path, cloexec);
	}
	if (r == 0)
		r = exec_image(
		    t, ex, argv, argc, envp, (const char **)(void *)(ex + 1));
	if (found && hj_has_kernel())
		hj_file_noprogram(t);
	if (ex->fd >= 0)
		hj_raw1(__NR_close, ex->fd);
	t->t_scratch = 0;
	hj_unmap(ex, size);
	return r;
}

static long
exec_call(struct hj_thread *t, int dirfd, unsigned long name, long flags,
    unsigned long argv, unsigned long envp)
{
	char path[HJ_PATHMAX];
	unsigned long old;
	long r = hj_copyinstr(path, name, sizeof(path));

	if (r < 0)
		return r;
	if (r == 0 && (flags & AT_EMPTY_PATH) == 0)
		return -ENOENT;
	if (!hj_has_kernel() && !hj_exeset && hj_streq(path, "/proc/self/exe"))
		memcpy(path, hj_exepath, sizeof(path));
	/* A signal that came is for the old program. */
	if (hj_block(t, &old) == HJ_RESTART)
		return HJ_RESTART;
	hj_setmask(t, old);
	return hj_exec(t, dirfd, path, flags, argv, envp);
}

long
hj_sys_execve(struct hj_thread *t, const long *args)
{
	return exec_call(t, AT_FDCWD, (unsigned long)args[0], 0,
	    (unsigned long)args[1], (unsigned long)args[2]);
}

long
hj_sys_execveat(struct hj_thread *t, const long *args)
{
	long flags = args[4];

	if ((flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW)) != 0)
		return -EINVAL;
	return exec_call(t, (int)args[0], (unsigned long)args[1], flags,
	    (unsigned long)args[2], (unsigned long)args[3]);
}
